//! The engine's interface to a pre-trained latent diffusion model.

use super::Planes;
use super::windows::Window;

/// Why a network call failed, in one line.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The device has not the memory that an operator asks for.
    #[error("the device is out of memory in {operator}")]
    OutOfMemory {
        /// The operator.
        operator: &'static str,
    },
    /// The call was stopped by whoever cancelled the drawing.
    #[error("cancelled")]
    Cancelled,
    /// Any other reason; the engine passes it on unread.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl From<&str> for NetworkError {
    fn from(text: &str) -> Self {
        Self::Other(text.into())
    }
}

impl From<String> for NetworkError {
    fn from(text: String) -> Self {
        Self::Other(text.into())
    }
}

/// Id of a text embedding that the network holds. Equal prompts have equal ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId(pub usize);

/// The Gaussian posterior of an encoded picture, in the UNet's units (times the VAE's scaling factor).
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Mean, `[n, latent_channels, h, w]`.
    pub mean: Planes,
    /// Standard deviation, of the same shape.
    pub std: Planes,
}

/// Control images that count for a call, by their numbers in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ControlSet(u64);

impl ControlSet {
    /// The most control images of a painting.
    pub const MOST: usize = 64;

    /// These and number `control`, which is below [`Self::MOST`].
    #[must_use]
    pub fn with(self, control: usize) -> Self {
        debug_assert!(control < Self::MOST, "a control image beyond the most there can be");
        Self(self.0 | 1 << (control % Self::MOST))
    }

    /// True where number `control` counts.
    #[must_use]
    pub fn has(self, control: usize) -> bool {
        control < Self::MOST && self.0 & 1 << control != 0
    }
}

/// A guidance scale that a distilled UNet reads as an input, in place of a pass with the negative prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guidance(u32);

impl Guidance {
    /// This scale; 1 is the prompt's own prediction.
    #[must_use]
    pub fn new(scale: f32) -> Self {
        Self(scale.to_bits())
    }

    /// The scale.
    #[must_use]
    pub fn scale(self) -> f32 {
        f32::from_bits(self.0)
    }
}

/// What becomes of a UNet's deep features (DeepCache: Ma, Fang and Wang 2023, arXiv:2312.00858), which change little from one step to
/// the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Features {
    /// They are not kept; those from before are forgotten.
    #[default]
    Forget,
    /// Calls are computed whole and keep theirs; those from before are forgotten.
    Keep,
    /// Calls take those that an equal call has kept, and compute only the outermost layers; others are computed whole and keep theirs.
    Reuse,
}

/// Place of an input on the canvas, and what a network reads there besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The crop; on a wrapped axis it may run over the canvas's edge.
    pub window: Window,
    /// Latent pixels (down, right) by which the input is rolled inside its window, over the window's edges.
    pub rolled: (usize, usize),
    /// The control images that count.
    pub controls: ControlSet,
    /// What a UNet that [takes guidance](Network::takes_guidance) is told; such a UNet takes `None` for a scale of 1.
    pub guidance: Option<Guidance>,
    /// The part whose own copy of the latent the input is, while that part bootstraps; `None` for the latent itself.
    pub copy_of: Option<usize>,
}

impl Place {
    /// A window's own place, where nothing is rolled or read besides.
    #[must_use]
    pub fn of(window: Window) -> Self {
        Self { window, rolled: (0, 0), controls: ControlSet::default(), guidance: None, copy_of: None }
    }
}

/// One evaluation of the UNet: an input of the batch, and the prompt it is conditioned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    /// Index of the image among the inputs.
    pub input: usize,
    /// The prompt, positive or negative.
    pub prompt: PromptId,
    /// The input's place; `None` where it is no part of a canvas.
    pub place: Option<Place>,
}

/// A prompt and the area of an input that attends to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// The prompt.
    pub prompt: PromptId,
    /// Weight of the prompt at each latent pixel of the input, `h * w` values of at least 0, row by row.
    pub mask: Vec<f32>,
}

/// One evaluation of the UNet with several prompts, each in its area.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaCall {
    /// Index of the image among the inputs.
    pub input: usize,
    /// The input's place; `None` where it is no part of a canvas.
    pub place: Option<Place>,
    /// The prompts; at least one.
    pub areas: Vec<Area>,
}

/// A latent diffusion model: UNet and VAE.
pub trait Network {
    /// Channels of a latent: 4 in Stable Diffusion, 16 in most later families.
    fn latent_channels(&self) -> usize;

    /// Inputs of `cells` latent pixels that keep the device busy in one call.
    fn preferred_batch(&self, _cells: usize) -> usize {
        8
    }

    /// Channels of a UNet input: those of the latent, or of an inpainting checkpoint (latent, mask, masked picture) twice as many
    /// and one.
    fn in_channels(&self) -> usize {
        self.latent_channels()
    }

    /// True where calls with different prompts on one input share work: the part of a UNet before its first cross-attention. Such
    /// calls then refer to one image; otherwise each has a copy. False where the prompt enters earlier, as pooled text does
    /// that is added to the time embedding.
    fn shares_inputs(&self) -> bool {
        true
    }

    /// True where the UNet reads the guidance scale ([`Place::guidance`]), so that a part takes one pass and none with its negative
    /// prompt (guidance distillation: Meng et al. 2023, arXiv:2210.03142).
    fn takes_guidance(&self) -> bool {
        false
    }

    /// The group of a prompt. Calls of one batch have prompts of one group: those that the same adapters (LoRAs) count for.
    fn group(&self, _prompt: PromptId) -> usize {
        0
    }

    /// Says what the calls from here on do with deep features. Calls are equal where their places and their prompts are. A network that
    /// has none, or no room for them, computes every call whole.
    fn set_features(&mut self, _features: Features) {}

    /// The number of calls that were computed from kept features since this was last asked.
    fn shallow_calls(&mut self) -> usize {
        0
    }

    /// Evaluates the UNet on one batch: for each of `calls`, image `input` of `inputs` `[n, in_channels, h, w]` with its prompt,
    /// all at `timestep` (in training steps, 0 to 999; a flow's σ times 1000). Returns the raw outputs (epsilon, v, sample or
    /// velocity) `[calls, latent_channels, h, w]` in the order of `calls`. Values that do not depend on the prompt are computed
    /// once per input, so calls on one input belong into one batch.
    ///
    /// # Errors
    /// If the device fails, or the inputs have another shape.
    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError>;

    /// Evaluates the UNet as [`Network::predict`] does, with several prompts a call: each pixel's cross-attention is the average
    /// over the prompts, weighted by their masks at that layer's resolution.
    ///
    /// # Errors
    /// As [`Network::predict`]; also where this network cannot do it.
    fn predict_areas(&mut self, _inputs: &Planes, _timestep: f32, _calls: &[AreaCall]) -> Result<Planes, NetworkError> {
        Err("this network cannot hold regions by attention; choose MultiDiffusion".into())
    }

    /// Encodes pictures `[n, 3, H, W]` in −1…1 to latents `[n, latent_channels, H/f, W/f]` in the UNet's units (the
    /// autoencoder's scale and shift are applied). The sides are multiples of the autoencoder's factor f.
    ///
    /// # Errors
    /// If the device fails, or the pictures have another shape.
    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError>;

    /// Decodes latents as [`Network::decode`] does, quicker and not as well; `None` where nothing can.
    fn decode_preview(&mut self, _latents: &Planes) -> Option<Result<Planes, NetworkError>> {
        None
    }

    /// Decodes latents `[n, latent_channels, h, w]` to pictures `[n, 3, f·h, f·w]`, about −1…1 (not clamped).
    ///
    /// # Errors
    /// If the device fails, or the latents have another shape.
    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError>;
}
