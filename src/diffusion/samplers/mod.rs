//! Samplers: the step from one latent to the next by the fused prediction.
//!
//! The engine averages predictions and takes one step on the whole latent, so a sampler has one state whatever the number of
//! windows: multistep samplers keep the whole latent's past predictions, and stochastic ones add one draw of noise. To average
//! latents that were stepped window by window is the same only for samplers that are affine in a single prediction (DDIM,
//! Euler); with the others it mixes different pasts or averages noise away.
//!
//! Predictions are averaged in their *fusable* form: epsilon and sample as they are, velocity (a flow's, too) as x₀ computed
//! with the copy's own latent, since under a soft mask a bootstrapped copy differs from the latent it is fused into.
//!
//! Each sampler follows diffusers' class of its name step by step; fields that the checkpoint's scheduler configuration lacks
//! take that class's defaults.

mod ddim;
mod dpm_solver;
mod euler;
mod heun;
mod lcm;
mod levels;
mod process;
mod unipc;

pub use ddim::Ddim;
pub use dpm_solver::DpmSolver;
pub use euler::{Euler, EulerAncestral};
pub use heun::Heun;
pub use lcm::Lcm;
pub use process::{ForwardProcess, Level};
pub use unipc::UniPc;

/// Steps a latent from noise to picture. `i` counts network evaluations; most samplers make one a step.
pub trait Sampler: Send {
    /// Noise level and timestep of each evaluation.
    fn process(&self) -> &ForwardProcess;

    /// Factor that turns standard normal noise into the initial latent.
    fn initial_scale(&self) -> f32;

    /// True where the step after evaluation `i` adds noise.
    fn noise(&self, _i: usize) -> bool {
        false
    }

    /// Steps the latent `x` after evaluation `i`, whose fused prediction is `fused`. `noise` is standard normal and as long as `x`
    /// where [`Self::noise`] is true, else empty.
    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], noise: &[f32]);

    /// The step of evaluation `i`.
    fn step_of(&self, i: usize) -> usize {
        i
    }

    /// The first evaluation of a step.
    fn evaluation_of(&self, step: usize) -> usize {
        step
    }

    /// Steps of the run.
    fn steps(&self) -> usize {
        self.timesteps().len().checked_sub(1).map_or(0, |last| self.step_of(last) + 1)
    }

    /// The network's timestep at each evaluation, from noise to picture.
    fn timesteps(&self) -> &[f32] {
        self.process().timesteps()
    }

    /// Factor of the latent in the network's input at evaluation `i`.
    fn input_scale(&self, i: usize) -> f32 {
        self.process().level(i).input_scale
    }

    /// The latent value of the clean value `clean` at evaluation `i`, with standard normal `noise`.
    fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32 {
        self.process().add_noise(i, clean, noise)
    }

    /// Turns raw predictions for the (unscaled) latent `x` into their fusable form.
    fn fusable(&self, i: usize, x: &[f32], prediction: &mut [f32]) {
        self.process().fusable(i, x, prediction);
    }

    /// The estimate of x₀ by a fused prediction, clipped or thresholded as the configuration says.
    fn denoised(&self, i: usize, x: &[f32], fused: &[f32]) -> Vec<f32> {
        self.process().denoised(i, x, fused)
    }
}
