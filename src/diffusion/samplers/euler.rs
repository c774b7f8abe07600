//! Euler's method, plain and ancestral.

use super::super::schedule::{ScheduleError, SchedulerConfig};
use super::Sampler;
use super::levels::Levels;
use super::process::{ForwardProcess, Level, Limit};

/// Euler's method on the probability-flow equation in σ (Karras et al. 2022, algorithm 2 without churn). The step of a rectified
/// flow is the same, since dx/dσ = (x − x₀) / σ there, too.
#[derive(Debug, Clone)]
pub struct Euler {
    process: ForwardProcess,
    /// σ at each step, and after the last.
    sigmas: Vec<f32>,
    initial: f32,
}

impl Euler {
    /// A sampler equal to diffusers' `EulerDiscreteScheduler.from_config(config).set_timesteps(steps)`, or for a flow to
    /// `FlowMatchEulerDiscreteScheduler`.
    ///
    /// # Errors
    /// If `steps` is 0 or more than the training steps, or the configuration asks for a spacing that is not supported.
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        Ok(Self::on(config, Levels::euler(config, steps, true)?))
    }

    fn on(config: &SchedulerConfig, levels: Levels) -> Self {
        let process = levels.process(config, Level::variance_exploding, Limit::None);
        Self { process, sigmas: levels.sigmas, initial: levels.initial }
    }

    /// σ at each step, and after the last.
    #[must_use]
    pub fn sigmas(&self) -> &[f32] {
        &self.sigmas
    }

    /// Steps to the level `to`.
    fn step_to(&self, to: f32, i: usize, x: &mut [f32], fused: &[f32]) {
        let sigma = self.sigmas[i];
        let clean = self.process.denoised(i, x, fused);
        for (x, clean) in x.iter_mut().zip(clean) {
            let slope = (*x - clean) / sigma;
            *x += slope * (to - sigma);
        }
    }
}

impl Sampler for Euler {
    fn process(&self) -> &ForwardProcess {
        &self.process
    }

    fn initial_scale(&self) -> f32 {
        self.initial
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], _noise: &[f32]) {
        self.step_to(self.sigmas[i + 1], i, x, fused);
    }
}

/// Euler's method with ancestral sampling: each step goes below the next level and adds noise back up to it (the posterior
/// variance of Ho, Jain and Abbeel 2020, equation 7, in σ, as in k-diffusion's `sample_euler_ancestral`).
#[derive(Debug, Clone)]
pub struct EulerAncestral(Euler);

impl EulerAncestral {
    /// A sampler equal to diffusers' `EulerAncestralDiscreteScheduler.from_config(config).set_timesteps(steps)`. That class knows
    /// neither Karras nor exponential spacing; a person who chooses one gets Euler's noise levels.
    ///
    /// # Errors
    /// As [`Euler::new`]; also for a flow.
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        config.refuse_flow("Euler a does not draw with flow checkpoints yet; choose Euler, Heun or DPM++ 2M")?;
        Ok(Self(Euler::on(config, Levels::euler(config, steps, false)?)))
    }

    /// The level below the next one to which a step goes, and the noise that it adds to return there.
    fn down_and_up(&self, i: usize) -> (f32, f32) {
        let (from, to) = (f64::from(self.0.sigmas[i]), f64::from(self.0.sigmas[i + 1]));
        let up = (to * to * (from * from - to * to) / (from * from)).max(0.0).sqrt();
        ((to * to - up * up).max(0.0).sqrt() as f32, up as f32)
    }
}

impl Sampler for EulerAncestral {
    fn process(&self) -> &ForwardProcess {
        &self.0.process
    }

    fn initial_scale(&self) -> f32 {
        self.0.initial
    }

    fn noise(&self, i: usize) -> bool {
        self.down_and_up(i).1 > 0.0
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], noise: &[f32]) {
        let (down, up) = self.down_and_up(i);
        self.0.step_to(down, i, x, fused);
        for (x, noise) in x.iter_mut().zip(noise) {
            *x += up * noise;
        }
    }
}
