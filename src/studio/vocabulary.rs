//! Vocabulary of a checkpoint, without its networks.

use super::plan::reading;
use crate::checkpoint::prompt::{schedule, tags};
use crate::checkpoint::{self, Callable, Checkpoint, Counter, FewSteps, Words};
use crate::document::{Lora, Settings};
use std::sync::{Mutex, PoisonError};

/// The words that a checkpoint was trained on, its tokenizer, and its kind.
#[derive(Debug)]
pub struct Vocabulary {
    words: Option<Words>,
    counter: Option<Mutex<Counter>>,
    few_steps: Option<FewSteps>,
}

impl Vocabulary {
    /// A vocabulary of these words, without a tokenizer.
    #[must_use]
    pub fn new(words: Option<Words>) -> Self {
        Self { words, counter: None, few_steps: None }
    }

    /// Reads the vocabulary of a checkpoint.
    ///
    /// # Errors
    /// If there is no such checkpoint, or it is damaged.
    pub fn open(name: &str) -> checkpoint::Result<Self> {
        let checkpoint = Checkpoint::open(name)?;
        let words = checkpoint.known_words()?.map(Words::new);
        Ok(Self { words, counter: Some(Mutex::new(checkpoint.counter()?)), few_steps: checkpoint.few_steps() })
    }

    /// Kind of distillation, where the checkpoint was distilled for few steps.
    #[must_use]
    pub fn few_steps(&self) -> Option<FewSteps> {
        self.few_steps
    }

    /// The words it was trained on, where the checkpoint lists them.
    #[must_use]
    pub fn words(&self) -> Option<&Words> {
        self.words.as_ref()
    }

    /// Tokens of a prompt, and as many as its chunks have room for (both without the start and end tokens); of words that change as
    /// steps pass, or are joined, the most that are read at a time. LoRAs that it names are none of it; textual inversions count with
    /// their vectors, also those that the picture's LoRAs and these of its region bring along. `None` without a tokenizer. Files are
    /// looked for on the disk, which may take its time.
    #[must_use]
    pub fn tokens(&self, prompt: &str, settings: &Settings, own: &[Lora]) -> Option<(usize, usize)> {
        let mut counter = self.counter.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let loras: Vec<String> = own.iter().chain(&settings.loras).map(|lora| lora.file.clone()).collect();
        let callable = Callable { embeddings: &settings.embeddings, loras: &loras };
        let rule = reading(settings).rule;
        let terms = schedule::terms(&tags::without(prompt), rule, settings.steps as usize).into_iter();
        let all = terms.flat_map(|term| term.words).map(|(_, words)| counter.count(&words, rule, callable).ok());
        all.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}
