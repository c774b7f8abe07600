//! The cards that were lost in this session, so that one that keeps failing is not chosen again.

use super::gpu::locked;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Counts by an adapter's key.
#[derive(Debug)]
pub(super) struct Losses(Mutex<BTreeMap<String, u32>>);

/// Those of this process.
pub(super) static LOSSES: Losses = Losses::none();

impl Losses {
    pub(super) const fn none() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    pub(super) fn note(&self, key: &str) {
        *locked(&self.0).entry(key.to_owned()).or_default() += 1;
    }

    pub(super) fn of(&self, key: &str) -> u32 {
        locked(&self.0).get(key).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_counted_for_each_card() {
        let losses = Losses::none();
        losses.note("a");
        losses.note("b");
        losses.note("a");
        assert_eq!(["a", "b", "c"].map(|key| losses.of(key)), [2, 1, 0]);
    }
}
