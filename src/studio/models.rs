//! Checkpoints in memory.

use super::model::Model;
use super::{Failure, Warning, worker::Loader};
use crate::document::Lora;

/// Bytes of weights up to which a checkpoint is small. Two small ones stay loaded, such as the embedded one and its few-step
/// version, between which live painting and finished pictures alternate.
const SMALL: usize = 512 << 20;

struct Kept {
    name: String,
    loras: Vec<Lora>,
    model: Box<dyn Model>,
}

/// The checkpoints in memory: one large one, or two small ones.
pub(super) struct Models {
    loader: Loader,
    /// In the order of their last use.
    kept: Vec<Kept>,
}

impl Models {
    pub(super) fn new(loader: Loader) -> Self {
        Self { loader, kept: Vec::new() }
    }

    /// True where this checkpoint is in memory with these LoRAs.
    pub(super) fn is_ready(&self, name: &str, loras: &[Lora]) -> bool {
        self.kept.iter().any(|kept| kept.name == name && kept.loras == loras)
    }

    /// The checkpoint of this name with these LoRAs, and a warning for each that fits in part.
    pub(super) fn get(&mut self, name: &str, loras: &[Lora]) -> Result<(&mut dyn Model, Vec<Warning>), Failure> {
        let warnings = if let Some(at) = self.kept.iter().position(|kept| kept.name == name) {
            self.kept[at..].rotate_left(1);
            let Some(kept) = self.kept.last_mut() else { return Err(Failure::Fault) };
            // (Asked before every job, since a LoRA's file may have been written anew.)
            let warnings = kept.model.set_loras(loras)?;
            loras.clone_into(&mut kept.loras);
            warnings
        } else {
            // Freed before the new one is read: two large ones at once may be more than the memory holds.
            self.kept.retain(|kept| kept.model.memory() <= SMALL);
            self.kept.drain(..self.kept.len().saturating_sub(1));
            let (model, warnings) = (self.loader)(name, loras)?;
            if model.memory() > SMALL {
                self.kept.clear();
            }
            self.kept.push(Kept { name: name.to_owned(), loras: loras.to_vec(), model });
            warnings
        };
        let Some(Kept { model, .. }) = self.kept.last_mut() else { return Err(Failure::Fault) };
        Ok((&mut **model, warnings))
    }

    /// Frees all of them.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
