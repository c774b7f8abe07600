//! DDIM.

use super::super::schedule::{Schedule, ScheduleError, SchedulerConfig, Spacing};
use super::Sampler;
use super::levels::Levels;
use super::process::{ForwardProcess, Level, Limit};

/// Denoising diffusion implicit models, η = 0 (Song, Meng and Ermon 2021, equation 12).
#[derive(Debug, Clone)]
pub struct Ddim {
    process: ForwardProcess,
    /// The noise level after each step.
    next: Vec<Level>,
}

impl Ddim {
    /// A sampler equal to diffusers' `DDIMScheduler.from_config(config).set_timesteps(steps)`. That class knows no Karras,
    /// exponential or SGM-uniform spacing and no flow; with these it takes Euler's noise levels, on which the two methods are
    /// equal.
    ///
    /// # Errors
    /// If `steps` is 0 or more than the training steps.
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        let limit = Limit::of(config, Some(config.clip_sample.unwrap_or(true)));
        if config.flow.is_some() || !matches!(config.schedule, Schedule::Normal | Schedule::Trailing) {
            let process = Levels::euler(config, steps, false)?.process(config, Level::variance_preserving, limit);
            return Ok(Self { next: (1..=steps).map(|i| process.level(i)).collect(), process });
        }
        let bar = config.alphas_cumprod();
        let spacing = config.spacing(Spacing::Leading);
        let timesteps: Vec<i64> =
            config.timesteps(steps, spacing)?.into_iter().map(|t| t.round_ties_even() as i64).collect();
        let last = if config.set_alpha_to_one { 1.0 } else { bar[0] };
        let at = |t: i64| if t < 0 { last } else { bar[(t as usize).min(bar.len() - 1)] };
        let ratio = (config.num_train_timesteps / steps) as i64;
        let next = timesteps.iter().map(|&t| Level::of_alpha_cumprod(at(t - ratio))).collect();
        let here = timesteps.iter().map(|&t| Level::of_alpha_cumprod(at(t)));
        let times = timesteps.iter().map(|&t| t as f32).collect();
        Ok(Self { next, process: ForwardProcess::new(times, here, config.prediction_type, limit) })
    }
}

impl Sampler for Ddim {
    fn process(&self) -> &ForwardProcess {
        &self.process
    }

    fn initial_scale(&self) -> f32 {
        1.0
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], _noise: &[f32]) {
        let clean = self.denoised(i, x, fused);
        let Level { signal, noise, .. } = self.next[i];
        for ((x, &fused), clean) in x.iter_mut().zip(fused).zip(clean) {
            // diffusers keeps the unclipped epsilon when it clips x₀.
            *x = signal * clean + noise * self.process.epsilon(i, *x, fused);
        }
    }
}
