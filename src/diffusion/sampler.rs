//! Samplers: from one latent to the next, given the fused prediction.
//!
//! MultiDiffusion averages predictions and takes ONE step on the whole latent, so a sampler keeps one state whatever the
//! number of windows. What is averaged is the *fusable* form of a prediction: epsilon and sample as they are, velocity turned
//! to x₀ with the copy's own latent, since under a soft mask a bootstrapped copy differs from the latent it is fused into.

use super::schedule::{PredictionType, ScheduleError, SchedulerConfig, Spacing};

/// Steps a latent from noise to picture.
pub trait Sampler: Send {
    /// The timesteps the network is called at, from noise to picture.
    fn timesteps(&self) -> &[f32];

    /// What standard normal noise is multiplied with to be the first latent.
    fn initial_scale(&self) -> f32;

    /// What the latent is multiplied with before the network sees it at step `i`.
    fn input_scale(&self, i: usize) -> f32;

    /// `clean` with the noise of step `i`: the latent a solid colour has there.
    fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32;

    /// Turns raw predictions for the (unscaled) latents `x` into the form that may be averaged.
    fn fusable(&self, i: usize, x: &[f32], prediction: &mut [f32]);

    /// The clean picture x₀ that a fused prediction stands for.
    fn denoised(&self, i: usize, x: f32, fused: f32) -> f32;

    /// Takes step `i` on `x` in place.
    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32]);
}

/// Denoising diffusion implicit models, η = 0 (Song, Meng and Ermon 2021, equation 12).
#[derive(Debug, Clone)]
pub struct Ddim {
    timesteps: Vec<f32>,
    /// ᾱ at each step and, one on, at the next.
    alphas: Vec<(f32, f32)>,
    prediction: PredictionType,
    clip: Option<f32>,
}

impl Ddim {
    /// As diffusers' `DDIMScheduler.from_config(config).set_timesteps(steps)`.
    ///
    /// # Errors
    /// Where `steps` is 0 or more than the training steps.
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        let spacing = config.timestep_spacing.unwrap_or(Spacing::Leading);
        let bar = config.alphas_cumprod();
        let timesteps: Vec<i64> =
            config.timesteps(steps, spacing)?.into_iter().map(|t| t.round_ties_even() as i64).collect();
        let last = if config.set_alpha_to_one { 1.0 } else { bar[0] };
        let at = |t: i64| if t < 0 { last } else { bar[(t as usize).min(bar.len() - 1)] };
        let ratio = (config.num_train_timesteps / steps) as i64;
        Ok(Self {
            alphas: timesteps.iter().map(|&t| (at(t), at(t - ratio))).collect(),
            timesteps: timesteps.into_iter().map(|t| t as f32).collect(),
            prediction: config.prediction_type,
            clip: config.clip_sample.then_some(config.clip_sample_range),
        })
    }
}

impl Sampler for Ddim {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn initial_scale(&self) -> f32 {
        1.0
    }

    fn input_scale(&self, _i: usize) -> f32 {
        1.0
    }

    fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32 {
        let alpha = self.alphas[i].0;
        alpha.sqrt() * clean + (1.0 - alpha).sqrt() * noise
    }

    fn fusable(&self, i: usize, x: &[f32], prediction: &mut [f32]) {
        if self.prediction == PredictionType::VPrediction {
            let alpha = self.alphas[i].0;
            let (signal, noise) = (alpha.sqrt(), (1.0 - alpha).sqrt());
            for (p, x) in prediction.iter_mut().zip(x) {
                *p = signal * x - noise * *p;
            }
        }
    }

    fn denoised(&self, i: usize, x: f32, fused: f32) -> f32 {
        let alpha = self.alphas[i].0;
        let clean = match self.prediction {
            PredictionType::Epsilon => (x - (1.0 - alpha).sqrt() * fused) / alpha.sqrt(),
            PredictionType::VPrediction | PredictionType::Sample => fused,
        };
        self.clip.map_or(clean, |range| clean.clamp(-range, range))
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32]) {
        let (alpha, next) = self.alphas[i];
        for (x, &fused) in x.iter_mut().zip(fused) {
            // diffusers keeps the unclipped epsilon when it clips x₀.
            let epsilon = match self.prediction {
                PredictionType::Epsilon => fused,
                PredictionType::VPrediction | PredictionType::Sample => {
                    (*x - alpha.sqrt() * fused) / (1.0 - alpha).sqrt()
                }
            };
            *x = next.sqrt() * self.denoised(i, *x, fused) + (1.0 - next).sqrt() * epsilon;
        }
    }
}

/// Euler's method on the probability-flow equation in σ (Karras et al. 2022, algorithm 2 without churn).
#[derive(Debug, Clone)]
pub struct Euler {
    timesteps: Vec<f32>,
    /// σ at each step, and 0 at the end.
    sigmas: Vec<f32>,
    initial: f32,
    prediction: PredictionType,
}

impl Euler {
    /// As diffusers' `EulerDiscreteScheduler.from_config(config).set_timesteps(steps)`.
    ///
    /// # Errors
    /// Where `steps` is 0 or more than the training steps.
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        for (key, on) in [
            ("use_karras_sigmas: true", config.use_karras_sigmas),
            ("use_exponential_sigmas: true", config.use_exponential_sigmas),
            ("use_beta_sigmas: true", config.use_beta_sigmas),
        ] {
            if on {
                return Err(ScheduleError::Unsupported(key));
            }
        }
        let spacing = config.timestep_spacing.unwrap_or(Spacing::Linspace);
        let mut bar = config.alphas_cumprod();
        if let (true, Some(last)) = (config.rescale_betas_zero_snr, bar.last_mut()) {
            // Where ᾱ is 0 there is no σ; diffusers takes the smallest that keeps it finite.
            *last = 2.0_f32.powi(-24);
        }
        let train: Vec<f32> = bar.iter().map(|a| ((1.0 - a) / a).sqrt()).collect();
        let timesteps: Vec<f32> = config.timesteps(steps, spacing)?.into_iter().map(|t| t as f32).collect();
        let mut sigmas: Vec<f32> = timesteps.iter().map(|&t| interpolate(&train, f64::from(t)) as f32).collect();
        let largest = sigmas.iter().copied().fold(0.0, f32::max);
        sigmas.push(0.0);
        let initial = match spacing {
            Spacing::Linspace | Spacing::Trailing => largest,
            Spacing::Leading => (largest * largest + 1.0).sqrt(),
        };
        Ok(Self { timesteps, sigmas, initial, prediction: config.prediction_type })
    }

    /// σ at each step, and 0 at the end.
    #[must_use]
    pub fn sigmas(&self) -> &[f32] {
        &self.sigmas
    }
}

/// `np.interp(at, arange(len), values)`.
fn interpolate(values: &[f32], at: f64) -> f64 {
    let at = at.clamp(0.0, (values.len() - 1) as f64);
    let low = at.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    let (a, b) = (f64::from(values[low]), f64::from(values[high]));
    a + (b - a) * (at - low as f64)
}

impl Sampler for Euler {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn initial_scale(&self) -> f32 {
        self.initial
    }

    fn input_scale(&self, i: usize) -> f32 {
        1.0 / (self.sigmas[i] * self.sigmas[i] + 1.0).sqrt()
    }

    fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32 {
        clean + self.sigmas[i] * noise
    }

    fn fusable(&self, i: usize, x: &[f32], prediction: &mut [f32]) {
        if self.prediction == PredictionType::VPrediction {
            let sigma = self.sigmas[i];
            let scale = sigma * sigma + 1.0;
            for (p, x) in prediction.iter_mut().zip(x) {
                *p = x / scale - *p * sigma / scale.sqrt();
            }
        }
    }

    fn denoised(&self, i: usize, x: f32, fused: f32) -> f32 {
        match self.prediction {
            PredictionType::Epsilon => x - self.sigmas[i] * fused,
            PredictionType::VPrediction | PredictionType::Sample => fused,
        }
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32]) {
        let (sigma, next) = (self.sigmas[i], self.sigmas[i + 1]);
        for (x, &fused) in x.iter_mut().zip(fused) {
            let slope = (*x - self.denoised(i, *x, fused)) / sigma;
            *x += slope * (next - sigma);
        }
    }
}
