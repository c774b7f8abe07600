//! The studio's interface to a loaded checkpoint.

use super::preview::{LatentToRgb, SmallDecoder};
use super::{Controlled, LoadError, Shortage, Warning};
use crate::checkpoint::prompt::Reading;
use crate::checkpoint::{FewSteps, LeftOut};
use crate::diffusion::{Network, NetworkError, PromptId, SchedulerConfig};
use crate::document::Lora;
use std::path::{Path, PathBuf};

/// A loaded checkpoint: networks, text encoder and the facts that a drawing is planned with.
pub trait Model: Send {
    /// Its UNet and autoencoder, as the engine calls them.
    fn network(&mut self) -> &mut dyn Network;

    /// Side of the window it was trained on, in latent pixels.
    fn window(&self) -> usize;

    /// Canvas pixels per latent pixel.
    fn factor(&self) -> usize;

    /// Its noise schedule.
    fn scheduler(&self) -> &SchedulerConfig;

    /// Kind of distillation, where the checkpoint was distilled for few steps.
    fn few_steps(&self) -> Option<FewSteps> {
        None
    }

    /// Bytes of its weights on the device, about.
    fn memory(&self) -> usize {
        0
    }

    /// What a lack of memory has led to since this was last asked.
    fn shortage(&mut self) -> Shortage {
        Shortage::default()
    }

    /// Computes in f32 from now on, where it computed in less. All [`PromptId`]s become void then. False where it has computed
    /// in f32 all the time.
    fn in_f32(&mut self) -> bool {
        false
    }

    /// Draws with these LoRAs from now on, in place of those before, and returns a warning for each that fits in part. Called
    /// before every run but the first. Where neither the list nor a file has changed, it only compares the files' times and
    /// lengths.
    ///
    /// # Errors
    /// If a file is missing, damaged or for another family: one line that says so.
    fn set_loras(&mut self, loras: &[Lora]) -> Result<Vec<Warning>, LoadError> {
        if loras.is_empty() { Ok(Vec::new()) } else { Err(LoadError::NoLoras) }
    }

    /// Lets words call these textual inversions (files, or folders of them), beside those near the checkpoint. Called before every
    /// run.
    fn set_embeddings(&mut self, _paths: &[String]) {}

    /// The textual inversions that prompts named and that are left out, since this was last asked.
    fn left_out(&mut self) -> Vec<LeftOut> {
        Vec::new()
    }

    /// Draws with these ControlNets from now on, in place of those before; the control images of a painting are numbered in this order.
    /// Called before every drawing.
    ///
    /// # Errors
    /// If a file is missing, damaged or for another family: one line that says so.
    fn set_controls(&mut self, controls: Vec<Controlled>) -> Result<(), LoadError> {
        if controls.is_empty() { Ok(()) } else { Err(LoadError::NoControls) }
    }

    /// Decodes previews by the small decoder (TAESD) in this file or folder from now on; a model that takes none goes on without.
    ///
    /// # Errors
    /// If it is missing, damaged or for other latents: one line that says so.
    fn set_preview_decoder(&mut self, _file: &Path) -> Result<(), LoadError> {
        Ok(())
    }

    /// The files of the library among which the small decoder of previews is looked for, where none was set and none lies near.
    fn know_preview_decoders(&mut self, _files: &[PathBuf]) {}

    /// The small decoder of previews, made ready: the one that was set, or one that lies among the models of the checkpoint's program
    /// or in the library; `None` where there is none that can be used.
    fn preview_decoder(&mut self) -> Option<SmallDecoder> {
        None
    }

    /// Embeds a prompt by a reading; equal prompts are embedded once.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn prompt(&mut self, words: &str, reading: Reading) -> Result<PromptId, NetworkError>;

    /// Makes these sets of LoRAs ready, in place of those before, and returns a warning for each LoRA that fits in part. They count
    /// for the prompts that are embedded with them, besides those of [`Model::set_loras`]. Called before every drawing.
    ///
    /// # Errors
    /// As [`Model::set_loras`].
    fn set_region_loras(&mut self, sets: &[&[Lora]]) -> Result<Vec<Warning>, LoadError> {
        if sets.is_empty() { Ok(Vec::new()) } else { Err(LoadError::NoLoras) }
    }

    /// As [`Model::prompt`], for passes with these LoRAs, which are one of the sets of [`Model::set_region_loras`] or none.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn prompt_with(&mut self, words: &str, reading: Reading, _loras: &[Lora]) -> Result<PromptId, NetworkError> {
        self.prompt(words, reading)
    }

    /// Slot for the linear map of its previews, `None` until it is fitted.
    fn preview_map(&mut self) -> &mut Option<LatentToRgb>;

    /// Device and number format, as in `cpu` and `f32`.
    fn device(&self) -> (String, String);
}
