//! Words that call up LoRAs: read from each file, and from what lies beside it, once and on a thread.

use crate::app::kit::background::Asked;
use crate::studio::look_at;
use egui::Context;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The words of the LoRAs that were shown.
#[derive(Default)]
pub(in crate::app) struct Triggers {
    known: HashMap<String, Vec<String>>,
    wanted: HashSet<String>,
    asked: Option<Asked<HashMap<String, Vec<String>>>>,
}

impl Triggers {
    /// The phrases of a LoRA's file, once they are known.
    pub(in crate::app) fn of(&mut self, file: &str) -> Vec<String> {
        match self.known.get(file) {
            Some(words) => words.clone(),
            None => {
                self.wanted.insert(file.to_owned());
                Vec::new()
            }
        }
    }

    /// Takes in what was read, and asks for what was wanted since.
    pub(in crate::app) fn follow(&mut self, ctx: &Context) {
        match self.asked.take().map(Asked::answer) {
            Some(Ok(words)) => self.known.extend(words),
            Some(Err(asked)) => self.asked = asked,
            None => {}
        }
        let wanted = std::mem::take(&mut self.wanted);
        if self.asked.is_none() && !wanted.is_empty() {
            // (A file that is gone has none.)
            let words = |file: String| {
                let words = look_at(Path::new(&file)).map(|item| item.words).unwrap_or_default();
                (file, words)
            };
            self.asked = Asked::begin(ctx, "trigger words", move || wanted.into_iter().map(words).collect());
        }
    }
}
