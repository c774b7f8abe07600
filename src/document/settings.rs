//! The settings of a document: samplers, steps, guidance, windows and all else that is not a region.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The most denoising steps; the fewest is 1. (No checkpoint was trained on more noise levels.)
pub const MAX_STEPS: u32 = 1000;

/// The strongest guidance, to either side.
pub const MAX_GUIDANCE: f32 = 100.0;

/// Canvas pixels along a side of a latent cell, where no checkpoint is loaded yet that says so itself: the factor of the
/// autoencoders of all checkpoints that can be opened so far. Grids, roundings and lengths of the window go by it.
pub const CELL: u32 = 8;

/// The most layers of a text encoder that clip skip counts from the end.
pub const MAX_CLIP_SKIP: u32 = 12;

/// The largest window, and the largest distance between windows, in latent pixels: the longest side of a canvas.
pub const MAX_WINDOW: u32 = super::MAX_SIDE / CELL;

/// The settings of a document, within the limits above, which are those of the window, the command line and the file alike. All
/// lengths are in latent pixels ([`CELL`] canvas pixels).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// The checkpoint's name (`embedded`), folder or file, or several of these with ` + ` between them.
    pub model: String,
    /// The file of an autoencoder that is used instead of the checkpoint's own.
    pub vae: Option<String>,
    /// The checkpoint (by name, folder or file) that gives what the chosen one lacks.
    pub fallback: Option<String>,
    /// Textual inversions that words call by name, beside those near the checkpoint: files, or folders of them.
    pub embeddings: Vec<String>,
    /// LoRAs laid over the checkpoint, in order.
    pub loras: Vec<Lora>,
    /// Decides all chance.
    pub seed: u64,
    /// Denoising steps, 1 to [`MAX_STEPS`].
    pub steps: u32,
    /// The sampler.
    pub sampler: Sampler,
    /// The spacing of the noise levels.
    pub schedule: Schedule,
    /// Classifier-free guidance scale, within ±[`MAX_GUIDANCE`]; 1 switches guidance off.
    pub guidance: f32,
    /// Fraction of the steps, 0 to 1, from which guidance counts.
    pub guidance_start: f32,
    /// Fraction of the steps, 0 to 1, up to which guidance counts. Steps without guidance take half the network calls.
    pub guidance_end: f32,
    /// Window side, 1 to [`MAX_WINDOW`]; `None` is the model's own size.
    pub window: Option<u32>,
    /// Distance between windows, 1 to [`MAX_WINDOW`].
    pub stride: u32,
    /// Fraction of the steps for which regions bootstrap, 0 to 1 (paper 0.2, released code 0.4).
    pub bootstrap: f32,
    /// The canvas edges that are joined.
    pub wrap: Wrap,
    /// The method that holds regions to their places.
    pub regions: Regions,
    /// The rule where regions overlap.
    pub overlap: Overlap,
    /// The weighting of a window's values towards its edges.
    pub window_weights: WindowWeights,
    /// The surroundings of a region while it bootstraps.
    pub bootstrap_colour: BootstrapColour,
    /// The program whose reading of prompts is followed.
    pub prompt_rule: PromptRule,
    /// The text encoder's output that prompts are read from, 1 (the last) to [`MAX_CLIP_SKIP`] from the end; `None` is the model's own.
    pub clip_skip: Option<u32>,
    /// The meaning of the UNet's output, for checkpoints that do not tell it.
    pub prediction: Prediction,
}

/// The most files and folders of textual inversions of a document.
pub const MAX_EMBEDDINGS: usize = 100;

impl Settings {
    /// The checkpoint with what replaces and fills in its parts, by the one name that it is opened by.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        self.with_parts(&self.model)
    }

    /// Another checkpoint with the same parts.
    #[must_use]
    pub fn with_parts(&self, model: &str) -> String {
        let fallback = self.fallback.as_deref().filter(|fallback| *fallback != model);
        let parts = [Some(model), self.vae.as_deref(), fallback].into_iter().flatten();
        parts.collect::<Vec<_>>().join(" + ")
    }

    /// The files and folders that the checkpoint and the LoRAs are read from, where they are named by their paths.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let whole = Path::new(&self.model);
        let parts = self.model.split(" + ").map(|part| Path::new(part.trim())).filter(|part| *part != whole);
        // A version for few steps takes what it lacks from the folder around it.
        let around = whole.parent().filter(|outer| outer.join("unet").is_dir());
        let others = self.vae.iter().chain(&self.fallback).chain(&self.embeddings).map(PathBuf::from);
        let loras = self.loras.iter().map(|lora| PathBuf::from(&lora.file));
        let own = [Some(whole), around].into_iter().flatten().chain(parts).map(Path::to_path_buf);
        own.chain(others).chain(loras).collect()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: "embedded".to_owned(),
            vae: None,
            fallback: None,
            embeddings: Vec::new(),
            loras: Vec::new(),
            seed: 0,
            steps: 20,
            sampler: Sampler::Ddim,
            schedule: Schedule::Normal,
            guidance: 7.5,
            guidance_start: 0.0,
            guidance_end: 1.0,
            window: None,
            stride: 8,
            bootstrap: 0.4,
            wrap: Wrap::None,
            regions: Regions::default(),
            overlap: Overlap::default(),
            window_weights: WindowWeights::default(),
            bootstrap_colour: BootstrapColour::default(),
            prompt_rule: PromptRule::default(),
            clip_skip: None,
            prediction: Prediction::default(),
        }
    }
}

/// A LoRA of a document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lora {
    /// Its file.
    pub file: String,
    /// The strength: 1 as it was made, 0 not at all, within ±[`MAX_LORA_WEIGHT`].
    pub weight: f32,
}

/// The strongest weight of a LoRA. (Some are made to be used the other way round, too.)
pub const MAX_LORA_WEIGHT: f32 = 10.0;

/// The most LoRAs of a document, and of each of its regions.
pub const MAX_LORAS: usize = 32;

impl Lora {
    /// A LoRA as it was made.
    #[must_use]
    pub fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), weight: 1.0 }
    }

    /// Its name for people: the file's name without its ending.
    #[must_use]
    pub fn name(&self) -> String {
        Path::new(&self.file).file_stem().map_or_else(|| self.file.clone(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// The canvas edges that are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wrap {
    /// No edges.
    #[default]
    None,
    /// Left and right.
    X,
    /// Top and bottom.
    Y,
    /// Both pairs.
    Xy,
}

impl Wrap {
    /// True where left and right are joined.
    #[must_use]
    pub fn x(self) -> bool {
        matches!(self, Self::X | Self::Xy)
    }

    /// True where top and bottom are joined.
    #[must_use]
    pub fn y(self) -> bool {
        matches!(self, Self::Y | Self::Xy)
    }
}

/// The samplers, by the names of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Sampler {
    /// Denoising diffusion implicit models.
    #[default]
    #[serde(rename = "ddim")]
    Ddim,
    /// Euler's method.
    #[serde(rename = "euler")]
    Euler,
    /// Euler's method with new noise at each step.
    #[serde(rename = "euler-a")]
    EulerAncestral,
    /// Heun's method: two evaluations a step.
    #[serde(rename = "heun")]
    Heun,
    /// DPM-Solver++, second order multistep.
    #[serde(rename = "dpmpp-2m")]
    Dpmpp2m,
    /// DPM-Solver++, second order multistep, with new noise at each step.
    #[serde(rename = "dpmpp-2m-sde")]
    Dpmpp2mSde,
    /// UniPC: predictor and corrector.
    #[serde(rename = "unipc")]
    UniPc,
    /// Latent consistency models, for checkpoints distilled to few steps.
    #[serde(rename = "lcm")]
    Lcm,
}

impl Sampler {
    /// Every sampler, in the order menus show them.
    pub const ALL: [Self; 8] = [
        Self::Ddim,
        Self::Euler,
        Self::EulerAncestral,
        Self::Heun,
        Self::Dpmpp2m,
        Self::Dpmpp2mSde,
        Self::UniPc,
        Self::Lcm,
    ];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddim => "ddim",
            Self::Euler => "euler",
            Self::EulerAncestral => "euler-a",
            Self::Heun => "heun",
            Self::Dpmpp2m => "dpmpp-2m",
            Self::Dpmpp2mSde => "dpmpp-2m-sde",
            Self::UniPc => "unipc",
            Self::Lcm => "lcm",
        }
    }

    /// The name that menus and the web UIs use.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ddim => "DDIM",
            Self::Euler => "Euler",
            Self::EulerAncestral => "Euler a",
            Self::Heun => "Heun",
            Self::Dpmpp2m => "DPM++ 2M",
            Self::Dpmpp2mSde => "DPM++ 2M SDE",
            Self::UniPc => "UniPC",
            Self::Lcm => "LCM",
        }
    }

    /// The sampler of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// True where it can follow this schedule: LCM has its own, and that of DMD2.
    #[must_use]
    pub fn follows(self, schedule: Schedule) -> bool {
        self != Self::Lcm || matches!(schedule, Schedule::Normal | Schedule::Trailing)
    }

    /// The number of network evaluations in one step (counted from 0) of a run of `steps`.
    #[must_use]
    pub fn evaluations(self, step: usize, steps: usize) -> usize {
        if self == Self::Heun && step + 1 < steps { 2 } else { 1 }
    }
}

/// The spacing of the steps over the noise levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// As the checkpoint's own scheduler configuration says.
    #[default]
    Normal,
    /// Karras et al. 2022, rho 7.
    Karras,
    /// Even in the logarithm of the noise level.
    Exponential,
    /// Timesteps counted from the last one down.
    Trailing,
    /// The web UIs' SGM Uniform.
    Sgm,
}

impl Schedule {
    /// Every schedule, in the order menus show them.
    pub const ALL: [Self; 5] = [Self::Normal, Self::Karras, Self::Exponential, Self::Trailing, Self::Sgm];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Karras => "karras",
            Self::Exponential => "exponential",
            Self::Trailing => "trailing",
            Self::Sgm => "sgm",
        }
    }

    /// The name that menus and the web UIs use.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Karras => "Karras",
            Self::Exponential => "Exponential",
            Self::Trailing => "Trailing",
            Self::Sgm => "SGM Uniform",
        }
    }

    /// The schedule of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// The methods that hold regions to their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regions {
    /// A UNet pass per region and window; shapes are held.
    #[default]
    MultiDiffusion,
    /// One pass per window, in which each place attends to its region's words; shapes are a hint.
    Attention,
}

impl Regions {
    /// Every one, in the order menus show them.
    pub const ALL: [Self; 2] = [Self::MultiDiffusion, Self::Attention];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MultiDiffusion => "multidiffusion",
            Self::Attention => "attention",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// The rules where regions overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// The upper region covers the lower ones.
    #[default]
    Order,
    /// Their predictions are averaged (the paper).
    Average,
}

impl Overlap {
    /// Every one, in the order menus show them.
    pub const ALL: [Self; 2] = [Self::Order, Self::Average];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Average => "average",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// The weightings of a window's values towards its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowWeights {
    /// All alike (the paper).
    #[default]
    Uniform,
    /// Less towards the edges, where a window knows least of what surrounds it; seams at wide strides fade.
    Tent,
}

impl WindowWeights {
    /// Every one, in the order menus show them.
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Tent];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Tent => "tent",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// The programs whose reading of prompts can be followed: emphasis, breaks, changes by steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptRule {
    /// AUTOMATIC1111's web UI and Forge.
    #[default]
    WebUi,
    /// ComfyUI; also what projects were drawn by that do not name a rule.
    ComfyUi,
}

impl PromptRule {
    /// Every one, in the order menus show them.
    pub const ALL: [Self; 2] = [Self::WebUi, Self::ComfyUi];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WebUi => "web-ui",
            Self::ComfyUi => "comfy-ui",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }

    /// The words that call a textual inversion of this name in a prompt.
    #[must_use]
    pub fn call_of_embedding(self, name: &str) -> String {
        match self {
            Self::WebUi => name.to_owned(),
            Self::ComfyUi => format!("embedding:{name}"),
        }
    }
}

/// The meanings of a UNet's output. Tensors of few checkpoints tell it, and so some need to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prediction {
    /// As the checkpoint says or is known by.
    #[default]
    Auto,
    /// The noise.
    Epsilon,
    /// The velocity (Salimans and Ho 2022).
    V,
    /// The velocity, of noise whose last level has no signal left (Lin et al. 2023).
    VZsnr,
}

impl Prediction {
    /// Every one, in the order menus show them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Epsilon, Self::V, Self::VZsnr];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Epsilon => "epsilon",
            Self::V => "v",
            Self::VZsnr => "v-zsnr",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// The surroundings of a region while it bootstraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootstrapColour {
    /// Solid random colours (the paper).
    #[default]
    Random,
    /// White, with the region moved to the middle of its window (SemanticDraw): better in few steps.
    White,
}

impl BootstrapColour {
    /// Every one, in the order menus show them.
    pub const ALL: [Self; 2] = [Self::Random, Self::White];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::White => "white",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }
}
