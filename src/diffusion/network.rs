//! What the engine needs of a pre-trained model.

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

/// Names a text embedding the network holds (embeddings are cached by string; equal words have equal ids).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId(pub usize);

/// The Gaussian a picture is encoded to, in the latent's own units (already times the VAE's scaling factor).
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    pub mean: Planes,
    /// Standard deviation.
    pub std: Planes,
}

/// The place of an input on the canvas, for a network that sees something of its own there (a control image).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// On a wrapped axis it may run over the canvas's edge.
    pub window: Window,
    /// How far the input is rolled inside the window, over the window's edges: latent pixels (down, right).
    pub rolled: (usize, usize),
}

/// One evaluation of the UNet: an image of the batch, and the words it is conditioned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    /// Index of the image among the inputs.
    pub input: usize,
    pub prompt: PromptId,
    /// The input's place; `None` where it is no part of a canvas.
    pub place: Option<Place>,
}

/// Words, and the place in an input that they hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    pub prompt: PromptId,
    /// How much each latent pixel of the input belongs to these words, `h * w` values of at least 0.
    pub mask: Vec<f32>,
}

/// One evaluation of the UNet with several words at once.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaCall {
    /// Index of the image among the inputs.
    pub input: usize,
    /// The input's place; `None` where it is no part of a canvas.
    pub place: Option<Place>,
    /// At least one.
    pub areas: Vec<Area>,
}

/// A latent diffusion model: UNet and VAE.
pub trait Network {
    /// Planes of a latent: 4 in Stable Diffusion, 16 in most later families.
    fn latent_channels(&self) -> usize;

    /// Planes of a UNet input: those of the latent, or where the checkpoint inpaints (latent, mask, masked picture) twice as many
    /// and one.
    fn in_channels(&self) -> usize {
        self.latent_channels()
    }

    /// Whether calls with different prompts on one input share work, as the part of a UNet before its first cross-attention. Such
    /// calls are then given one image; otherwise each gets its own. It is no sharing where the prompt reaches the network
    /// earlier, as pooled text does that is added to the time embedding.
    fn shares_inputs(&self) -> bool {
        true
    }

    /// One UNet batch: for each of `calls`, image `input` of `inputs` `[n, in_channels, h, w]` with the words `prompt`, all at
    /// `timestep` (in training steps, 0 to 999; a flow's σ times 1000). Returns the raw outputs (epsilon, v, sample or velocity)
    /// `[calls, latent_channels, h, w]` in the order of `calls`. What does not depend on the words is computed once per input,
    /// so calls on one input belong into one batch.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError>;

    /// As [`Network::predict`], with several words a call: each pixel's cross-attention is the average over the words, weighted
    /// by their masks at that layer's resolution.
    ///
    /// # Errors
    /// Whatever the device reports; also where this network cannot do it.
    fn predict_areas(&mut self, _inputs: &Planes, _timestep: f32, _calls: &[AreaCall]) -> Result<Planes, NetworkError> {
        Err("this network cannot hold regions by attention; choose MultiDiffusion".into())
    }

    /// Encodes pictures `[n, 3, H, W]` in −1…1 to latents `[n, latent_channels, H/f, W/f]` in the UNet's units (the
    /// autoencoder's scale and shift are applied). The sides are multiples of the autoencoder's factor f.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError>;

    /// Decodes latents `[n, latent_channels, h, w]` to pictures `[n, 3, f·h, f·w]`, about −1…1 (not clamped).
    ///
    /// # Errors
    /// Whatever the device reports.
    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError>;
}
