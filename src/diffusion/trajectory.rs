//! Trajectory of a run, and the part of it that another run keeps.

use super::windows::Window;
use super::{Network, Observer, PaintError, Painting, Planes};
use std::sync::Arc;

/// The latent of a run before its first step and after every network evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectory {
    latents: Vec<Planes>,
}

impl Trajectory {
    /// The final latent.
    #[must_use]
    pub fn last(&self) -> Option<&Planes> {
        self.latents.last()
    }

    /// The latent after `evaluations` network evaluations.
    #[must_use]
    pub fn at(&self, evaluations: usize) -> Option<&Planes> {
        self.latents.get(evaluations)
    }

    /// Network evaluations of the run.
    #[must_use]
    pub fn evaluations(&self) -> usize {
        self.latents.len().saturating_sub(1)
    }

    /// Its memory in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.latents.iter().map(|latent| size_of_val(latent.data.as_slice())).sum()
    }

    /// Adds the next latent.
    pub fn push(&mut self, latent: &Planes) {
        self.latents.push(latent.clone());
    }
}

/// Observer that records a trajectory and passes every call on.
pub struct Recorder<'a> {
    /// The observer to pass calls on to.
    pub observer: &'a mut dyn Observer,
    /// The trajectory so far; `None` to record nothing.
    pub trajectory: Option<Trajectory>,
}

impl Observer for Recorder<'_> {
    fn cancelled(&mut self) -> bool {
        self.observer.cancelled()
    }

    fn latent(&mut self, latent: &Planes) {
        if let Some(trajectory) = &mut self.trajectory {
            trajectory.push(latent);
        }
        self.observer.latent(latent);
    }

    fn stepped(&mut self, done: usize, total: usize, denoised: &Planes, network: &mut dyn Network) {
        self.observer.stepped(done, total, denoised, network);
    }
}

/// An earlier run and the cells in which a new one may leave it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The earlier run, of as many evaluations and on the same canvas.
    pub trajectory: Arc<Trajectory>,
    /// Freedom of each cell to change, 0 (held) to 1.
    pub free: Vec<f32>,
}

impl Kept {
    pub(super) fn check(&self, painting: &Painting, channels: usize, evaluations: usize) -> Result<(), PaintError> {
        let cells = painting.height * painting.width;
        let fits = |latent: &Planes| latent.data.len() == channels * cells;
        if self.free.len() == cells
            && self.trajectory.evaluations() == evaluations
            && self.trajectory.latents.iter().all(fits)
        {
            return Ok(());
        }
        let text = "what is to be kept is a picture of another size or number of steps; draw it again first";
        Err(PaintError::Invalid(text.to_owned()))
    }

    /// Sets cells of the latent that are not free back to the kept latent after `evaluations`.
    pub(super) fn hold(&self, evaluations: usize, latent: &mut Planes) {
        let Some(kept) = self.trajectory.at(evaluations) else { return };
        for (plane, kept) in latent.data.chunks_exact_mut(self.free.len()).zip(kept.data.chunks_exact(self.free.len()))
        {
            for ((x, kept), free) in plane.iter_mut().zip(kept).zip(&self.free) {
                // Copied where nothing is free, so that it stays to the last bit.
                *x = if *free <= 0.0 { *kept } else { free * *x + (1.0 - free) * kept };
            }
        }
    }
}

/// The windows with a free cell: those that [`super::repaint`] evaluates.
#[must_use]
pub fn free_windows(painting: &Painting, free: &[f32]) -> Vec<Window> {
    painting.evaluated_windows().into_iter().filter(|window| is_free(window, painting, free)).collect()
}

/// True where a cell of the window is free.
pub(super) fn is_free(window: &Window, painting: &Painting, free: &[f32]) -> bool {
    let mut any = false;
    window.for_each_run(painting.height, painting.width, |_, at, n| any |= free[at..at + n].iter().any(|f| *f > 0.0));
    any
}
