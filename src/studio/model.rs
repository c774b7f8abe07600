//! What the studio needs of a loaded checkpoint.

use super::preview::LatentToRgb;
use super::{LoadError, Warning};
use crate::checkpoint::FewSteps;
use crate::diffusion::{Network, NetworkError, PromptId, SchedulerConfig};
use crate::document::Lora;

/// A loaded checkpoint: networks, tokenizer and the facts the studio plans with.
pub trait Model: Send {
    /// Its UNet and autoencoder, for the engine.
    fn network(&mut self) -> &mut dyn Network;

    /// Side of the window it was trained on, in latent pixels.
    fn window(&self) -> usize;

    /// Canvas pixels per latent pixel.
    fn factor(&self) -> usize;

    /// Its noise schedule.
    fn scheduler(&self) -> &SchedulerConfig;

    /// How it is drawn with in few steps, where it was made for that.
    fn few_steps(&self) -> Option<FewSteps> {
        None
    }

    /// About the bytes that its weights take.
    fn memory(&self) -> usize {
        0
    }

    /// Draws with these LoRAs from now on, in place of those before, and returns a warning for each that fits in part. Called
    /// before every run; where nothing has changed, neither the list nor the files, it only looks at the files.
    ///
    /// # Errors
    /// Where a file is missing, damaged or for another family: one line that says so.
    fn set_loras(&mut self, loras: &[Lora]) -> Result<Vec<Warning>, LoadError> {
        if loras.is_empty() { Ok(Vec::new()) } else { Err(LoadError::NoLoras) }
    }

    /// Embeds words; equal words are embedded once.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn prompt(&mut self, words: &str) -> Result<PromptId, NetworkError>;

    /// How many tokens words take, and how many the model reads (both without the start and end marks).
    fn tokens(&self, words: &str) -> (usize, usize);

    /// Where the linear map for its previews is kept, once it is known.
    fn preview_map(&mut self) -> &mut Option<LatentToRgb>;

    /// The processor it runs on and the number format, as in `cpu` and `f32`.
    fn device(&self) -> (String, String);
}
