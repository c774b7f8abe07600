//! The tokens of prompts, without the networks that read them.

use super::inversions::Inversions;
use super::prompt::Rule;
use super::{Checkpoint, LoraFile, Result, Tokenizer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Folders are looked at again after so long.
const FRESH: Duration = Duration::from_secs(5);

/// What prompts can call by name: files or folders of textual inversions, and LoRAs that may bring some along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callable<'a> {
    /// Files and folders beside those near the checkpoint.
    pub embeddings: &'a [String],
    /// The LoRAs that count for the prompt, by their files.
    pub loras: &'a [String],
}

/// Counts tokens.
#[derive(Debug)]
pub struct Counter {
    tokenizer: Tokenizer,
    inversions: Inversions,
    /// The checkpoint, near which textual inversions lie.
    checkpoint: String,
    /// What could be called when it was last looked, and when that was.
    looked: Option<(Vec<String>, Vec<String>, Instant)>,
}

impl Checkpoint {
    /// A counter of the tokens of prompts.
    ///
    /// # Errors
    /// If the vocabulary is missing or damaged.
    pub fn counter(&self) -> Result<Counter> {
        let (tokenizer, inversions) = (self.tokenizer()?, self.inversions());
        Ok(Counter { tokenizer, inversions, checkpoint: self.given.clone(), looked: None })
    }
}

impl Counter {
    /// Tokens of a prompt, and as many as its chunks have room for: the web UIs' count, as 80 / 150. Each vector of a textual inversion
    /// that it calls is one. Files are looked for on the disk, which may take its time.
    ///
    /// # Errors
    /// If the vocabulary's files have a fault that only encoding finds.
    pub fn count(&mut self, prompt: &str, rule: Rule, callable: Callable<'_>) -> Result<(usize, usize)> {
        self.look(callable);
        let tokens = self.tokenizer.encode_with(prompt, rule, &mut self.inversions)?;
        // (A drawing tells of them.)
        self.inversions.left_out();
        Ok((tokens.count, tokens.chunks.len() * self.tokenizer.limit()))
    }

    fn look(&mut self, Callable { embeddings, loras }: Callable<'_>) {
        let fresh = |(then, of, at): &(Vec<String>, Vec<String>, Instant)| {
            then == embeddings && of == loras && at.elapsed() < FRESH
        };
        if self.looked.as_ref().is_some_and(fresh) {
            return;
        }
        self.inversions.look(&self.checkpoint, embeddings);
        let open = |file: &String| Some((Arc::new(LoraFile::open(file).ok()?), 1.0));
        let files: Vec<_> = loras.iter().filter_map(open).collect();
        self.inversions.bring(&files);
        self.looked = Some((embeddings.to_vec(), loras.to_vec(), Instant::now()));
    }
}
