//! Waits until something has stayed the same for a while.

use std::time::{Duration, Instant};

/// The state last seen, and since when.
#[derive(Default)]
pub(in crate::app) struct Settled<T>(Option<(T, Instant)>);

impl<T: PartialEq> Settled<T> {
    /// The time left until `state` has been the same for `quiet`; zero once it has.
    pub(in crate::app) fn left(&mut self, state: T, quiet: Duration) -> Duration {
        match &self.0 {
            Some((seen, since)) if *seen == state => quiet.saturating_sub(since.elapsed()),
            _ => {
                self.0 = Some((state, Instant::now()));
                quiet
            }
        }
    }
}
