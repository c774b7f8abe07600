//! Deep features of a UNet's calls, kept on the device from one step to the next (DeepCache: Ma, Fang and Wang 2023,
//! arXiv:2312.00858).
//!
//! A call is found again by its place and its prompts: the same window, rolled as before, with the same control images, of the same
//! copy of the latent. One that is not there is computed whole, so nothing is ever taken from another call.

use crate::backend::Backend;
use crate::diffusion::{AreaCall, Call, Features, Place, Planes, PromptId};
use crate::networks::{self, Error};
use std::collections::HashMap;

/// The most bytes of features that are kept: those of 200 calls of SD1.5 at 512 × 512 in f32, or of 50 of SDXL at 1024 × 1024.
const KEPT: usize = 1 << 30;

/// The share of the device's free memory that they may take.
const SHARE_OF_ROOM: usize = 4;

/// A call as it is found again.
type Key = (Place, Vec<PromptId>);

/// A call of the UNet, of either form.
pub(super) trait OfInput: Clone {
    fn input(&self) -> usize;
    fn on_input(&self, input: usize) -> Self;
    /// What it is found again by; nothing where it has no place.
    fn key(&self) -> Option<Key>;
}

impl OfInput for Call {
    fn input(&self) -> usize {
        self.input
    }

    fn on_input(&self, input: usize) -> Self {
        Self { input, ..*self }
    }

    fn key(&self) -> Option<Key> {
        Some((self.place?, vec![self.prompt]))
    }
}

impl OfInput for AreaCall {
    fn input(&self) -> usize {
        self.input
    }

    fn on_input(&self, input: usize) -> Self {
        Self { input, ..self.clone() }
    }

    /// (Masks change with the steps that are computed whole only, so prompts are enough.)
    fn key(&self) -> Option<Key> {
        Some((self.place?, self.areas.iter().map(|area| area.prompt).collect()))
    }
}

/// The features that are kept.
pub(super) struct DeepFeatures<B: Backend> {
    mode: Features,
    /// `[1, channels, height, width]` of each call.
    kept: HashMap<Key, B::Tensor>,
    bytes: usize,
    /// Set where the device had no memory for them: none are kept then until the run has ended.
    refused: bool,
    /// Calls that took features since this was last asked.
    taken: usize,
}

impl<B: Backend> Default for DeepFeatures<B> {
    fn default() -> Self {
        Self { mode: Features::Forget, kept: HashMap::new(), bytes: 0, refused: false, taken: 0 }
    }
}

impl<B: Backend> DeepFeatures<B> {
    /// Says what calls do from here on.
    pub(super) fn set(&mut self, mode: Features) {
        self.mode = mode;
        if mode != Features::Reuse {
            self.forget();
        }
        self.refused &= mode != Features::Forget;
    }

    /// Forgets all features.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }

    /// Does without features until the run has ended; false where there are none already.
    pub(super) fn refuse(&mut self) -> bool {
        let had = !self.kept.is_empty();
        self.forget();
        self.refused = true;
        had
    }

    /// So many calls have taken features.
    pub(super) fn took(&mut self, calls: usize) {
        self.taken += calls;
    }

    /// Calls that took features since this was last asked.
    pub(super) fn taken(&mut self) -> usize {
        std::mem::take(&mut self.taken)
    }

    /// Whether calls that are computed whole keep their features.
    pub(super) fn keeps(&self) -> bool {
        self.mode != Features::Forget && !self.refused
    }

    /// Whether a call has features.
    fn has(&self, call: &impl OfInput) -> bool {
        self.mode == Features::Reuse && call.key().is_some_and(|key| self.kept.contains_key(&key))
    }

    /// Keeps the features `[calls, channels, height, width]` of these calls, as far as there is room for them.
    pub(super) fn keep(&mut self, b: &B, calls: &[impl OfInput], features: &B::Tensor) -> networks::Result<()> {
        let bytes = b.shape(features).iter().skip(1).product::<usize>() * b.value_bytes();
        let room = b.room().map_or(KEPT, |room| KEPT.min(self.bytes + room / SHARE_OF_ROOM));
        for (row, call) in calls.iter().enumerate() {
            let Some(key) = call.key() else { continue };
            let known = self.kept.contains_key(&key);
            if !known && self.bytes + bytes > room {
                continue;
            }
            let own = if calls.len() == 1 { features.clone() } else { b.select(features, &[row])? };
            self.bytes += if known { 0 } else { bytes };
            self.kept.insert(key, own);
        }
        Ok(())
    }

    /// The features `[calls, channels, height, width]` of calls that have some.
    pub(super) fn of(&self, b: &B, calls: &[impl OfInput]) -> networks::Result<B::Tensor> {
        let lost = || Error::Input("a call without deep features".to_owned());
        let own = calls.iter().map(|call| self.kept.get(&call.key().ok_or_else(lost)?).ok_or_else(lost));
        let own = own.collect::<networks::Result<Vec<_>>>()?;
        match own.as_slice() {
            [one] => Ok((*one).clone()),
            all => Ok(b.concat(all, 0)?),
        }
    }

    /// Parts the calls of a batch into those without features and those with some, each with the inputs that they need.
    pub(super) fn part<C: OfInput>(&self, inputs: &Planes, calls: &[C]) -> Vec<Depth<C>> {
        let shallow: Vec<bool> = calls.iter().map(|call| self.has(call)).collect();
        let parts = [false, true].map(|depth| {
            let at: Vec<usize> = (0..calls.len()).filter(|&at| shallow.get(at) == Some(&depth)).collect();
            let mut used: Vec<usize> = Vec::new();
            let own = at.iter().filter_map(|&at| calls.get(at)).map(|call| {
                if used.last() != Some(&call.input()) {
                    used.push(call.input());
                }
                call.on_input(used.len() - 1)
            });
            let calls: Vec<C> = own.collect();
            let data = used.iter().flat_map(|&input| inputs.image(input)).copied().collect();
            Depth { shallow: depth, inputs: Planes { count: used.len(), data, ..*inputs }, calls, at }
        });
        parts.into_iter().filter(|part| !part.calls.is_empty()).collect()
    }
}

/// The calls of a batch that are all computed whole, or all shallow.
pub(super) struct Depth<C> {
    pub(super) shallow: bool,
    pub(super) inputs: Planes,
    pub(super) calls: Vec<C>,
    /// Their places among the calls of the batch.
    at: Vec<usize>,
}

/// What the parts of a batch gave, in the order of its calls.
pub(super) fn together<C>(parts: Vec<(Depth<C>, Planes)>) -> Option<Planes> {
    let count = parts.iter().map(|(_, out)| out.count).sum();
    let (_, first) = parts.first()?;
    let mut all = Planes::zeros(count, first.channels, first.height, first.width);
    for (part, out) in &parts {
        for (from, &to) in part.at.iter().enumerate() {
            all.image_mut(to).copy_from_slice(out.image(from));
        }
    }
    Some(all)
}
