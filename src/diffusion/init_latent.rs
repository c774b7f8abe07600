//! Init image: image-to-image (Meng et al. 2022, SDEdit), and inpainting with any UNet by noising the known part anew at every
//! step (Lugmayr et al. 2022, RePaint, equation 8, without its resampling).

use super::{PaintError, Painting, Planes, Sampler};

/// The latent of an init image, and the part of it that may change.
#[derive(Debug, Clone, PartialEq)]
pub struct InitLatent {
    /// The clean latent, `[1, latent_channels, height, width]`.
    pub clean: Planes,
    /// The first step of the run; the picture stands for the result of those before.
    pub from: usize,
    /// Freedom of each cell to change, 0 (held) to 1; `None` where all is free.
    pub free: Option<Vec<f32>>,
    /// Begin with noise alone in place of the noised picture, as at a denoising strength of 1.
    pub from_noise: bool,
}

impl InitLatent {
    pub(super) fn check(&self, painting: &Painting, channels: usize, steps: usize) -> Result<(), PaintError> {
        let cells = painting.height * painting.width;
        let invalid = |text: &str| Err(PaintError::Invalid(text.to_owned()));
        if self.clean.data.len() != channels * cells || self.free.as_ref().is_some_and(|free| free.len() != cells) {
            return invalid("the picture to start from has another size than the canvas");
        }
        if self.clean.data.iter().any(|v| !v.is_finite()) {
            return invalid(
                "the encoder's latent of the picture to start from is not a number; try another checkpoint",
            );
        }
        if self.from >= steps {
            return invalid("the picture to start from is to be changed in no step; give more strength or more steps");
        }
        Ok(())
    }

    /// The latent before the first evaluation, `i`.
    pub(super) fn begin(&self, i: usize, sampler: &dyn Sampler, noise: &Planes) -> Vec<f32> {
        let noised = |(clean, noise): (&f32, &f32)| sampler.add_noise(i, *clean, *noise);
        if self.from_noise {
            noise.data.iter().map(|v| v * sampler.initial_scale()).collect()
        } else {
            self.clean.data.iter().zip(&noise.data).map(noised).collect()
        }
    }

    /// Sets cells of `latent` that are not `free` back to the picture: noised for evaluation `i`, or clean where `i` is `None`. `left`
    /// is the share of the run's steps that are still to be taken.
    ///
    /// A cell that may change in part is a mean of what is drawn and of the picture. From noise the two know nothing of each other, and
    /// the mean of two noises has less of it than the network is told: what is between shapes would be a blur. So it is held whole
    /// until its own share of the steps is left (Levin and Fried 2023, *Differential Diffusion*).
    pub(super) fn hold(
        &self,
        free: &[f32],
        (i, left): (Option<usize>, f32),
        sampler: &dyn Sampler,
        noise: &Planes,
        latent: &mut Planes,
    ) {
        let known = self.clean.data.iter().zip(&noise.data).zip(free.iter().cycle());
        for (x, ((&clean, &noise), &free)) in latent.data.iter_mut().zip(known) {
            let free = if self.from_noise { f32::from(u8::from(free >= 1.0 || free > left)) } else { free };
            if free < 1.0 {
                let known = i.map_or(clean, |i| sampler.add_noise(i, clean, noise));
                // Copied where nothing is free, so that it stays to the last bit.
                *x = if free <= 0.0 { known } else { free * *x + (1.0 - free) * known };
            }
        }
    }
}
