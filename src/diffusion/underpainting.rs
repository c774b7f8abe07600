//! Underpainting: colours that the picture grows from, held through its first steps.
//!
//! Where all of the canvas is covered and held equally long this is image-to-image (Meng et al. 2022, SDEdit). Elsewhere the rest
//! is drawn from noise beside it, with what is held noised anew at every step (Lugmayr et al. 2022, RePaint, equation 8).

use super::masks::LatentMask;
use super::{PaintError, Painting, Planes, Sampler};

/// A share from which on a cell is held whole: shares are sums of rounded ones.
const WHOLE: f32 = 0.999;

/// The latent of the colours, and where and how long each is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Underpainting {
    /// The clean latent, `[1, latent_channels, height, width]`.
    pub clean: Planes,
    /// The places that are held, each with its steps. Their covers sum to 1 at most.
    pub grounds: Vec<Ground>,
}

/// A place held for some steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// The share of each cell that is held.
    pub cover: LatentMask,
    /// The step before which the cells are set back for the last time; less than the run's steps. (A start picture's first step.)
    pub until: usize,
}

impl Underpainting {
    pub(super) fn check(&self, painting: &Painting, channels: usize, steps: usize) -> Result<(), PaintError> {
        let size = (painting.height, painting.width);
        let fits = |ground: &Ground| (ground.cover.height(), ground.cover.width()) == size && ground.until < steps;
        if self.clean.data.len() != channels * size.0 * size.1 || !self.grounds.iter().all(fits) {
            return Err(PaintError::Invalid(
                "the colours to start from do not fit the canvas and its steps".to_owned(),
            ));
        }
        if self.clean.data.iter().any(|v| !v.is_finite()) {
            let text = "the encoder's latent of the colours to start from is not a number; try another checkpoint";
            return Err(PaintError::Invalid(text.to_owned()));
        }
        Ok(())
    }

    /// The share of each cell that is set back before `step`, row by row; `None` where none is.
    fn held(&self, step: usize, cells: usize) -> Option<Vec<f32>> {
        let mut held = vec![0.0; cells];
        let mut any = false;
        for ground in self.grounds.iter().filter(|ground| step <= ground.until && !ground.cover.is_empty()) {
            ground.cover.add_to(&mut held);
            any = true;
        }
        any.then_some(held)
    }

    /// The last step before which every cell is set back: those before it change nothing, so the run begins with it.
    pub(super) fn first_step(&self, cells: usize) -> usize {
        // Sums of shares may miss 1 by rounding.
        let whole = |step: usize| self.held(step, cells).is_some_and(|held| held.iter().all(|held| *held >= WHOLE));
        self.grounds.iter().map(|ground| ground.until).filter(|step| whole(*step)).max().unwrap_or(0)
    }

    /// Sets what is held before `step` back to the colours: noised for evaluation `i`, or clean where `i` is `None`.
    pub(super) fn hold(
        &self,
        step: usize,
        i: Option<usize>,
        sampler: &dyn Sampler,
        noise: &Planes,
        latent: &mut Planes,
    ) {
        let Some(held) = self.held(step, latent.plane_len()) else { return };
        let colours = self.clean.data.iter().zip(&noise.data).zip(held.iter().cycle());
        for (x, ((&clean, &noise), &held)) in latent.data.iter_mut().zip(colours).filter(|(_, (_, held))| **held > 0.0)
        {
            let colour = i.map_or(clean, |i| sampler.add_noise(i, clean, noise));
            // Copied where all is held, so that it is the colour to the last bit.
            *x = if held >= WHOLE { colour } else { held * colour + (1.0 - held) * *x };
        }
    }
}
