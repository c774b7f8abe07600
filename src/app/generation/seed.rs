//! Seeds drawn by chance.

/// A seed that looks like chance and stays short enough to write down.
pub(in crate::app) fn new_seed(old: u64) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    let chance = RandomState::new().hash_one(old);
    let seed = chance % 100_000;
    if seed == old { (seed + 1) % 100_000 } else { seed }
}
