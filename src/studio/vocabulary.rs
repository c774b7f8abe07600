//! Vocabulary of a checkpoint, without its networks.

use super::plan::reading;
use crate::checkpoint::prompt::{schedule, tags};
use crate::checkpoint::{self, Checkpoint, FewSteps, Tokenizer, Words};
use crate::document::Settings;

/// The words that a checkpoint was trained on, its tokenizer, and its kind.
#[derive(Debug)]
pub struct Vocabulary {
    words: Option<Words>,
    tokenizer: Option<Tokenizer>,
    few_steps: Option<FewSteps>,
}

impl Vocabulary {
    /// A vocabulary of these words, without a tokenizer.
    #[must_use]
    pub fn new(words: Option<Words>) -> Self {
        Self { words, tokenizer: None, few_steps: None }
    }

    /// Reads the vocabulary of a checkpoint.
    ///
    /// # Errors
    /// If there is no such checkpoint, or it is damaged.
    pub fn open(name: &str) -> checkpoint::Result<Self> {
        let checkpoint = Checkpoint::open(name)?;
        let words = checkpoint.known_words()?.map(Words::new);
        Ok(Self { words, tokenizer: Some(checkpoint.tokenizer()?), few_steps: checkpoint.few_steps() })
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
    /// steps pass, or are joined, the most that are read at a time. LoRAs that it names are none of it. `None` without a tokenizer.
    #[must_use]
    pub fn tokens(&self, prompt: &str, settings: &Settings) -> Option<(usize, usize)> {
        let tokenizer = self.tokenizer.as_ref()?;
        let rule = reading(settings).rule;
        let terms = schedule::terms(&tags::without(prompt), rule, settings.steps as usize).into_iter();
        let all = terms.flat_map(|term| term.words).map(|(_, words)| tokenizer.count(&words, rule).ok());
        all.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}
