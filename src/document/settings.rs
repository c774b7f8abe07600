//! The settings of a document: samplers, steps, guidance, windows and all else that is not a region.

use super::{BootstrapColour, Overlap, Prediction, PromptRule, Regions, Sampler, Schedule, WindowWeights, Wrap};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The most denoising steps; the fewest is 1. (No checkpoint was trained on more noise levels.)
pub const MAX_STEPS: u32 = 1000;

/// The strongest guidance, to either side.
pub const MAX_GUIDANCE: f32 = 100.0;

/// The most steps that share deep features.
pub const MAX_REUSE: u32 = 20;

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
    /// Every step of so many is computed whole, and the others reuse its deep features (DeepCache), 1 to [`MAX_REUSE`]; 1 is exact.
    pub reuse: u32,
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
            reuse: 1,
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
