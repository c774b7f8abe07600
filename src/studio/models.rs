//! The checkpoints that are loaded.

use super::model::Model;
use super::{Failure, Warning, worker::Loader};
use crate::document::Lora;

/// Bytes of weights up to which a checkpoint is small: two small ones stay loaded, such as the embedded one and its few-step
/// version, between which live painting and finished pictures change all the time.
const SMALL: usize = 512 << 20;

struct Kept {
    name: String,
    loras: Vec<Lora>,
    model: Box<dyn Model>,
}

/// The checkpoints in memory: one large one, or two small ones.
pub(super) struct Models {
    loader: Loader,
    /// The one used last is the last.
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
        if let Some(at) = self.kept.iter().position(|kept| kept.name == name) {
            self.kept[at..].rotate_left(1);
        } else {
            // Made before the new one is read: two large ones at once may be more than the memory holds.
            self.kept.retain(|kept| kept.model.memory() <= SMALL);
            self.kept.drain(..self.kept.len().saturating_sub(1));
            let model = (self.loader)(name, loras)?;
            if model.memory() > SMALL {
                self.kept.clear();
            }
            self.kept.push(Kept { name: name.to_owned(), loras: loras.to_vec(), model });
        }
        let Some(Kept { loras: kept, model, .. }) = self.kept.last_mut() else { return Err(Failure::Fault) };
        // (Asked before every job, since a LoRA's file may have been written anew.)
        let warnings = model.set_loras(loras)?;
        kept.clear();
        kept.extend_from_slice(loras);
        Ok((&mut **model, warnings))
    }

    /// Lets all of them go.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
