//! A checkpoint and its LoRAs become a [`Model`].

use super::model::Model;
use super::preview::LatentToRgb;
use super::warning::Warning;
use crate::checkpoint::{self, Checkpoint, Device, FewSteps, InPart, LoraFile, Tokenizer, Words};
use crate::diffusion::{Network, NetworkError, PromptId, SchedulerConfig};
use crate::document;
use std::sync::Arc;

/// A checkpoint on a device, with its noise schedule.
#[derive(Debug)]
pub struct Loaded {
    model: checkpoint::Model,
    scheduler: SchedulerConfig,
    window: usize,
    factor: usize,
    preview_map: Option<LatentToRgb>,
    words: Option<Words>,
    few_steps: Option<FewSteps>,
    memory: usize,
}

/// Why a checkpoint cannot be used; one line saying which file, what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    #[error("{name}: {source}")]
    Schedule { name: String, source: crate::diffusion::ScheduleError },
    #[error("this model takes no LoRAs; remove them")]
    NoLoras,
}

/// Opens `embedded`, `embedded/few_steps` or a diffusers folder on a device, with LoRAs laid over it.
///
/// # Errors
/// Where there is no such checkpoint or LoRA, or one is damaged, not supported or too large, or they do not fit together.
pub fn load(name: &str, device: Device, loras: &[document::Lora]) -> Result<Loaded, LoadError> {
    let checkpoint = Checkpoint::open(name)?;
    let scheduler = SchedulerConfig::from_json(checkpoint.scheduler())
        .map_err(|source| LoadError::Schedule { name: checkpoint.name().to_owned(), source })?;
    let (window, factor) = (checkpoint.window(), checkpoint.latent_scale());
    let (words, few_steps) = (checkpoint.known_words()?.map(Words::new), checkpoint.few_steps());
    let (loras, memory) = (open(loras)?, checkpoint.memory());
    let model = checkpoint.load_with(device, &loras)?;
    Ok(Loaded { model, scheduler, window, factor, words, few_steps, memory, preview_map: None })
}

/// Opens the files of LoRAs.
fn open(loras: &[document::Lora]) -> checkpoint::Result<Vec<(Arc<LoraFile>, f32)>> {
    loras.iter().map(|lora| Ok((Arc::new(LoraFile::open(&lora.file)?), lora.weight))).collect()
}

impl Loaded {
    /// Its vocabulary.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        self.model.tokenizer()
    }

    /// The words it was trained on, where it says so.
    #[must_use]
    pub fn words(&self) -> Option<&Words> {
        self.words.as_ref()
    }
}

impl Model for Loaded {
    fn network(&mut self) -> &mut dyn Network {
        &mut self.model
    }

    fn window(&self) -> usize {
        self.window
    }

    fn factor(&self) -> usize {
        self.factor
    }

    fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    fn few_steps(&self) -> Option<FewSteps> {
        self.few_steps
    }

    fn memory(&self) -> usize {
        self.memory
    }

    fn set_loras(&mut self, loras: &[document::Lora]) -> Result<Vec<Warning>, LoadError> {
        let in_part = self.model.set_loras(&open(loras)?)?;
        let warning = |InPart { file, left_out, layers }| Warning::LoraInPart { file, left_out, layers };
        Ok(in_part.into_iter().map(warning).collect())
    }

    fn prompt(&mut self, words: &str) -> Result<PromptId, NetworkError> {
        Ok(self.model.prompt(words)?)
    }

    fn tokens(&self, words: &str) -> (usize, usize) {
        let tokenizer = self.model.tokenizer();
        (tokenizer.encode(words).map_or(0, |tokens| tokens.count), tokenizer.limit())
    }

    fn preview_map(&mut self) -> &mut Option<LatentToRgb> {
        &mut self.preview_map
    }

    fn device(&self) -> (String, String) {
        let described = self.model.device();
        let (device, dtype) = described.rsplit_once(", ").unwrap_or((&described, "f32"));
        (device.to_owned(), dtype.to_owned())
    }
}
