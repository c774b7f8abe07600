//! The denoising runs of a drawing: the picture in which nothing is drawn again, then each region that is.

use super::again::KeptPicture;
use super::drawing::DrawError;
use super::plan::bootstrap_steps;
use super::prepared::Prepared;
use super::progress::Progress;
use crate::diffusion::{self, Kept, Network, Painted, Planes, Recorder, Trajectory};
use std::sync::Arc;

/// The final latents of a drawing, each `[1, latent_channels, h, w]`.
pub(super) struct Latents {
    /// With nothing drawn again.
    pub(super) base: Planes,
    /// The trajectory of that run, where it is to be kept or a region was drawn again.
    pub(super) trajectory: Option<Arc<Trajectory>>,
    /// With one region drawn again, in the order of [`Prepared::rerolls`].
    pub(super) rerolled: Vec<Planes>,
    /// With all of them; where two could change a cell, the upper one's.
    pub(super) together: Planes,
    pub(super) cost: Cost,
}

/// Cost of all runs of a drawing together, as [`Painted`] counts it.
#[derive(Default)]
pub(super) struct Cost {
    pub(super) windows: usize,
    pub(super) unet_samples: usize,
    pub(super) unet_samples_shallow: usize,
    pub(super) unet_inputs: usize,
    pub(super) unet_samples_reference: usize,
    /// The share of `unet_samples` in drawing regions again.
    pub(super) unet_samples_rerolled: usize,
}

impl Cost {
    fn add(&mut self, painted: &Painted) {
        self.windows = painted.windows;
        self.unet_samples += painted.unet_samples;
        self.unet_samples_shallow += painted.unet_samples_shallow;
        self.unet_inputs += painted.unet_inputs;
        self.unet_samples_reference += painted.unet_samples_reference;
    }
}

/// Runs the engine: once for the picture, where it is not kept from before, and once for each region that is drawn again.
///
/// # Errors
/// If the network fails, the picture becomes NaN, or the watcher cancels.
pub(super) fn run<'a>(
    prepared: &'a Prepared<'_>,
    network: &mut dyn Network,
    progress: &mut Progress<'a>,
) -> Result<Latents, DrawError> {
    let mut cost = Cost::default();
    let (base, trajectory) = match &prepared.kept {
        Some(KeptPicture { trajectory, .. }) => {
            let last = trajectory.last().cloned();
            (last.ok_or_else(|| DrawError::Invalid("nothing was drawn".to_owned()))?, Some(Arc::clone(trajectory)))
        }
        None => base(prepared, network, progress, &mut cost)?,
    };
    let mut together = base.clone();
    let mut rerolled = Vec::new();
    for reroll in &prepared.rerolls {
        let Some(trajectory) = trajectory.clone() else { break };
        let kept = Kept { trajectory, free: reroll.free.clone() };
        let painting = reroll.painting(&prepared.painting);
        progress.begin_reroll(reroll, &together);
        let painted = diffusion::repaint(&painting, &kept, &mut *prepared.sampler()?, network, progress)?;
        progress.end_run();
        cost.add(&painted);
        cost.unet_samples_rerolled += painted.unet_samples;
        reroll.lay_latent(&painted.latent, &mut together);
        rerolled.push(painted.latent);
    }
    Ok(Latents { base, trajectory, rerolled, together, cost })
}

/// The picture in which nothing is drawn again, and its trajectory where that is wanted.
fn base(
    prepared: &Prepared<'_>,
    network: &mut dyn Network,
    progress: &mut Progress<'_>,
    cost: &mut Cost,
) -> Result<(Planes, Option<Arc<Trajectory>>), DrawError> {
    let Prepared { document, options, painting, rerolls, .. } = prepared;
    let sampler = &mut *prepared.sampler()?;
    let wanted = !options.reference && (options.keep || !rerolls.is_empty());
    let mut recorder = Recorder { observer: progress, trajectory: wanted.then(Trajectory::default) };
    let painted = if options.reference {
        let steps = bootstrap_steps(document.settings.bootstrap, document, options);
        diffusion::paint_reference(painting, steps, sampler, network, &mut recorder)?
    } else {
        diffusion::paint(painting, sampler, network, &mut recorder)?
    };
    let trajectory = recorder.trajectory.map(Arc::new);
    progress.end_run();
    cost.add(&painted);
    Ok((painted.latent, trajectory))
}
