//! Heun's method.

use super::super::schedule::{ScheduleError, SchedulerConfig};
use super::Sampler;
use super::levels::Levels;
use super::process::{ForwardProcess, Level, Limit};

/// Heun's second-order method in σ (Karras et al. 2022, algorithm 1). Every step but the last evaluates the network twice:
/// at its own level, and at the next on Euler's guess, to step with the mean of both slopes.
#[derive(Debug, Clone)]
pub struct Heun {
    process: ForwardProcess,
    /// σ at each evaluation, and 0 at the end.
    sigmas: Vec<f32>,
    initial: f32,
    /// The latent and its slope at the first evaluation of the current step.
    begun: Option<(Vec<f32>, Vec<f32>)>,
}

impl Heun {
    /// A sampler equal to diffusers' `HeunDiscreteScheduler.from_config(config).set_timesteps(steps)`, which ignores
    /// `rescale_betas_zero_snr`, or for a flow to `FlowMatchHeunDiscreteScheduler`.
    ///
    /// # Errors
    /// As [`super::Euler::new`].
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        let mut config = SchedulerConfig { rescale_betas_zero_snr: false, thresholding: false, ..config.clone() };
        config.beta_start.get_or_insert(0.00085);
        config.beta_end.get_or_insert(0.012);
        let levels = Levels::heun(&config, steps)?;
        let step = |i: usize| i.div_ceil(2);
        let evaluations = 2 * steps - 1;
        let timesteps = (0..evaluations).map(|i| levels.timesteps[step(i)]).collect();
        let mut sigmas: Vec<f32> = (0..evaluations).map(|i| levels.sigmas[step(i)]).collect();
        sigmas.push(0.0);
        let levels = Levels { timesteps, sigmas, ..levels };
        let process = levels.process(&config, Level::variance_exploding, Limit::of(&config, config.clip_sample));
        Ok(Self { process, sigmas: levels.sigmas, initial: levels.initial, begun: None })
    }
}

impl Sampler for Heun {
    fn process(&self) -> &ForwardProcess {
        &self.process
    }

    fn initial_scale(&self) -> f32 {
        self.initial
    }

    fn step_of(&self, i: usize) -> usize {
        i / 2
    }

    fn evaluation_of(&self, step: usize) -> usize {
        2 * step
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], _noise: &[f32]) {
        let clean = self.denoised(i, x, fused);
        let slope: Vec<f32> = x.iter().zip(&clean).map(|(x, clean)| (x - clean) / self.sigmas[i]).collect();
        match self.begun.take().filter(|_| i % 2 == 1) {
            None => {
                let length = self.sigmas[i + 1] - self.sigmas[i];
                let start = x.to_vec();
                for (x, slope) in x.iter_mut().zip(&slope) {
                    *x += slope * length;
                }
                // The last step ends at σ = 0, where there is no slope.
                if i + 1 < self.timesteps().len() {
                    self.begun = Some((start, slope));
                }
            }
            Some((start, first)) => {
                let length = self.sigmas[i] - self.sigmas[i - 1];
                for ((x, start), (first, second)) in x.iter_mut().zip(start).zip(first.iter().zip(slope)) {
                    *x = start + (first + second) / 2.0 * length;
                }
            }
        }
    }
}
