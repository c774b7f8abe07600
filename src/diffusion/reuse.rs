//! Deep features from one step to the next: which steps compute the UNet whole.

use super::{Features, Painting};

impl Painting {
    /// The step whose deep features are used at `step`: `step` itself where that is computed whole. Whole are the first of the run, every
    /// [`Self::reuse`]th from there on, and each with which the masks change.
    ///
    /// Which calls there are at a step does not matter here: a call that no whole step has made is computed whole by itself.
    #[must_use]
    pub fn whole_step(&self, step: usize) -> usize {
        let first = self.first_step();
        let is_whole = |&step: &usize| {
            (step - first).is_multiple_of(self.reuse.max(1)) || self.layout(step) != self.layout(step - 1)
        };
        (first + 1..=step).rev().find(is_whole).unwrap_or(first)
    }

    /// What calls at a step do with deep features.
    pub(super) fn features(&self, step: usize) -> Features {
        match self.reuse {
            0 | 1 => Features::Forget,
            _ if self.whole_step(step) == step => Features::Keep,
            _ => Features::Reuse,
        }
    }
}
