//! The consideration that a backend shows while it works: for the person who cancels, and for the screen.

use super::{Error, Result};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Manners that a device is opened with.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// Stops the device at its next operator.
    pub interrupt: Interrupt,
    /// True where this program shows a window: a graphics card then gets its work in pieces so short that the window is drawn in
    /// between. Longer ones are a little faster.
    pub window: bool,
    /// Folder in which a graphics card's compiled kernels are kept for the next start; `None` keeps none.
    pub kernels: Option<PathBuf>,
    /// Hears how far the weights are read.
    pub progress: Progress,
}

/// A listener to how far weights are read: bytes done, and bytes in all. By default nobody listens.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Listener>>);

type Listener = dyn Fn(u64, u64) + Send + Sync;

impl Progress {
    /// Calls `listen` for each tensor that is read.
    #[must_use]
    pub fn new(listen: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listen)))
    }

    /// Tells that `done` of `total` bytes are read.
    pub fn tell(&self, done: u64, total: u64) {
        if let Some(listen) = &self.0 {
            listen(done, total);
        }
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_heard() { "Progress(heard)" } else { "Progress(unheard)" })
    }
}

/// A flag shared by whoever may cancel a drawing and the backend that computes it. While it is raised, every operator fails with
/// [`Error::Cancelled`]. Clones are the same flag.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks the backend to stop.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lets the backend work again.
    pub fn lower(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// True while the backend is asked to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails while the flag is raised.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_raised() { Err(Error::Cancelled) } else { Ok(()) }
    }
}
