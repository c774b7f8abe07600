//! LCM.

use super::super::schedule::{BetaSchedule, Schedule, ScheduleError, SchedulerConfig, trailing};
use super::Sampler;
use super::process::{ForwardProcess, Level, Limit};

/// Multistep consistency sampling for latent consistency models (Luo et al. 2023, algorithm 3): each step predicts x₀ and
/// noises it anew.
#[derive(Debug, Clone)]
pub struct Lcm {
    process: ForwardProcess,
    /// c_skip and c_out at each step: weights of the latent and of x₀ in the consistency function (equation 9).
    boundary: Vec<(f32, f32)>,
}

impl Lcm {
    /// A sampler equal to diffusers' `LCMScheduler.from_config(config).set_timesteps(steps)`; with the trailing schedule at the steps of
    /// DMD2 (Yin et al. 2024), which for four are 999, 749, 499 and 249.
    ///
    /// # Errors
    /// If there are more steps than the checkpoint was distilled with, or another spacing is asked for.
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        config.refuse_flow("LCM does not draw with flow checkpoints yet; choose Euler, Heun or DPM++ 2M")?;
        if !matches!(config.schedule, Schedule::Normal | Schedule::Trailing) {
            return Err(ScheduleError::Combination(
                "LCM visits the noise levels its checkpoint was distilled on; choose the schedule normal or trailing",
            ));
        }
        let mut config = config.clone();
        config.beta_start.get_or_insert(0.00085);
        config.beta_end.get_or_insert(0.012);
        config.beta_schedule.get_or_insert(BetaSchedule::ScaledLinear);
        let (train, original) = (config.num_train_timesteps, config.original_inference_steps);
        if original == 0 || original > train {
            return Err(ScheduleError::Config(format!("original_inference_steps is {original}")));
        }
        if steps == 0 || steps > original {
            return Err(ScheduleError::Steps { steps, most: original });
        }
        let timesteps: Vec<usize> = if config.schedule == Schedule::Trailing {
            trailing(train, train, steps).into_iter().map(|t| t as usize).collect()
        } else {
            let skip = train / original;
            let apart = original as f64 / steps as f64;
            (0..steps).map(|i| (original - (i as f64 * apart).floor() as usize) * skip - 1).collect()
        };
        let bar = config.alphas_cumprod();
        let boundary = timesteps.iter().map(|&t| boundary(t as f64 * config.timestep_scaling)).collect();
        let levels = timesteps.iter().map(|&t| Level::of_alpha_cumprod(bar[t]));
        let times = timesteps.iter().map(|&t| t as f32).collect();
        let limit = Limit::of(&config, config.clip_sample);
        Ok(Self { process: ForwardProcess::new(times, levels, config.prediction_type, limit), boundary })
    }
}

/// c_skip and c_out, with data of standard deviation ½.
fn boundary(scaled: f64) -> (f32, f32) {
    let sum = scaled * scaled + 0.25;
    ((0.25 / sum) as f32, (scaled / sum.sqrt()) as f32)
}

impl Sampler for Lcm {
    fn process(&self) -> &ForwardProcess {
        &self.process
    }

    fn initial_scale(&self) -> f32 {
        1.0
    }

    fn noise(&self, i: usize) -> bool {
        i + 1 < self.timesteps().len()
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], noise: &[f32]) {
        let clean = self.denoised(i, x, fused);
        let (skip, out) = self.boundary[i];
        let more = self.noise(i);
        for (j, x) in x.iter_mut().enumerate() {
            *x = out * clean[j] + skip * *x;
            if more {
                *x = self.process.add_noise(i + 1, *x, noise[j]);
            }
        }
    }
}
