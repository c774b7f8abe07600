//! Samplers: from one latent to the next, given the fused prediction.
//!
//! MultiDiffusion averages predictions and takes ONE step on the whole latent, so a sampler keeps one state whatever the
//! number of windows: multistep samplers remember the whole latent's past predictions, and stochastic ones add one draw of
//! noise. Averaging latents that were stepped window by window is the same only for samplers that are affine in a single
//! prediction (DDIM, Euler); with the others it mixes up pasts or averages noise away.
//!
//! What is averaged is the *fusable* form of a prediction: epsilon and sample as they are, velocity (a flow's, too) turned to x₀ with the
//! copy's own latent, since under a soft mask a bootstrapped copy differs from the latent it is fused into.
//!
//! Each sampler follows diffusers' class of its name step by step; what the checkpoint's scheduler configuration leaves open
//! takes that class's defaults.

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

/// Steps a latent from noise to picture. `i` counts evaluations of the network; most samplers make one a step.
pub trait Sampler: Send {
    /// How much noise a latent holds at each evaluation.
    fn process(&self) -> &ForwardProcess;

    /// What standard normal noise is multiplied with to be the first latent.
    fn initial_scale(&self) -> f32;

    /// Whether evaluation `i` wants noise of its own.
    fn noise(&self, _i: usize) -> bool {
        false
    }

    /// Moves `x` on after evaluation `i`. `noise` is standard normal, as long as `x` where [`Self::noise`] asks for it, else
    /// empty.
    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], noise: &[f32]);

    /// The step that evaluation `i` belongs to.
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

    /// The timesteps the network is called at, from noise to picture: one for each evaluation.
    fn timesteps(&self) -> &[f32] {
        self.process().timesteps()
    }

    /// What the latent is multiplied with before the network sees it at evaluation `i`.
    fn input_scale(&self, i: usize) -> f32 {
        self.process().level(i).input_scale
    }

    /// `clean` with the noise of evaluation `i`: the latent a picture has there.
    fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32 {
        self.process().add_noise(i, clean, noise)
    }

    /// Turns raw predictions for the (unscaled) latents `x` into the form that may be averaged.
    fn fusable(&self, i: usize, x: &[f32], prediction: &mut [f32]) {
        self.process().fusable(i, x, prediction);
    }

    /// The clean picture x₀ that a fused prediction stands for, clipped or thresholded as the configuration says.
    fn denoised(&self, i: usize, x: &[f32], fused: &[f32]) -> Vec<f32> {
        self.process().denoised(i, x, fused)
    }
}
