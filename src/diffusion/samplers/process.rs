//! Forward process: the shares of signal and noise in a latent at each network evaluation.

use super::super::schedule::{PredictionType, SchedulerConfig};

/// Limit on an estimate of x₀.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    None,
    /// Clipped to ± this value.
    Clip(f32),
    /// Dynamic thresholding (Saharia et al. 2022, section 2.3): clipped to the `ratio` quantile of its magnitudes, held
    /// between 1 and `max`, and divided by it.
    Threshold {
        ratio: f32,
        max: f32,
    },
}

impl Limit {
    /// The configuration's limit for a sampler that knows thresholding; `clip` switches clipping on.
    pub(super) fn of(config: &SchedulerConfig, clip: Option<bool>) -> Self {
        if config.thresholding {
            Self::Threshold { ratio: config.dynamic_thresholding_ratio, max: config.sample_max_value }
        } else if clip == Some(true) {
            Self::Clip(config.clip_sample_range)
        } else {
            Self::None
        }
    }

    fn apply(self, clean: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Clip(range) => clean.iter_mut().for_each(|v| *v = v.clamp(-range, range)),
            Self::Threshold { ratio, max } => {
                let mut sizes: Vec<f32> = clean.iter().map(|v| v.abs()).collect();
                sizes.sort_by(f32::total_cmp);
                let at = ratio * (sizes.len() as f32 - 1.0);
                let (low, high) = (sizes.get(at as usize), sizes.get(at.ceil() as usize));
                let (Some(&low), Some(&high)) = (low, high) else { return };
                let s = (low + (high - low) * at.fract()).max(1.0).min(max);
                clean.iter_mut().for_each(|v| *v = v.clamp(-s, s) / s);
            }
        }
    }
}

/// Noise level of a latent: x_t = signal·x₀ + noise·ε. (diffusers writes α_t and σ_t.)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Factor of the clean latent x₀.
    pub signal: f32,
    /// Factor of the noise ε.
    pub noise: f32,
    /// Factor of the latent in the network's input.
    pub input_scale: f32,
    /// noise / signal (k-diffusion's σ).
    sigma: f32,
    /// Weights (w, w′) in x₀ = w·x_t − w′·v.
    of_velocity: (f32, f32),
}

impl Level {
    /// Level of a latent of variance 1, from ᾱ (Ho, Jain and Abbeel 2020, equation 4).
    pub(super) fn of_alpha_cumprod(bar: f32) -> Self {
        Self::of_unit_variance(bar.sqrt(), (1.0 - bar).sqrt(), ((1.0 - bar) / bar).sqrt())
    }

    /// Level of a latent of variance 1, from σ = noise / signal.
    pub(super) fn variance_preserving(sigma: f32) -> Self {
        let signal = 1.0 / (sigma * sigma + 1.0).sqrt();
        Self::of_unit_variance(signal, sigma * signal, sigma)
    }

    fn of_unit_variance(signal: f32, noise: f32, sigma: f32) -> Self {
        Self { signal, noise, input_scale: 1.0, sigma, of_velocity: (signal, noise) }
    }

    /// Level of a latent that keeps its signal under growing noise (Karras et al. 2022); the network's input is scaled to variance
    /// 1.
    pub(super) fn variance_exploding(sigma: f32) -> Self {
        let norm = (1.0 + sigma * sigma).sqrt();
        let of_velocity = (1.0 / (norm * norm), sigma / norm);
        Self { signal: 1.0, noise: sigma, input_scale: 1.0 / norm, sigma, of_velocity }
    }

    /// Level of a rectified flow: (1 − σ)·x₀ + σ·ε (Liu et al. 2023).
    pub(super) fn flow(sigma: f32) -> Self {
        let signal = 1.0 - sigma;
        Self { signal, noise: sigma, input_scale: 1.0, sigma: sigma / signal, of_velocity: (1.0, sigma) }
    }

    /// λ: half the logarithm of the signal-to-noise ratio (Lu et al. 2022); infinite where there is no noise or no signal.
    pub(super) fn lambda(&self) -> f64 {
        -f64::from(self.sigma).ln()
    }
}

/// Noise level and timestep of each network evaluation, and the meaning of predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct ForwardProcess {
    timesteps: Vec<f32>,
    /// One for each evaluation; for some samplers also the level after the last.
    levels: Vec<Level>,
    prediction: PredictionType,
    limit: Limit,
}

impl ForwardProcess {
    pub(super) fn new(
        timesteps: Vec<f32>,
        levels: impl IntoIterator<Item = Level>,
        prediction: PredictionType,
        limit: Limit,
    ) -> Self {
        Self { timesteps, levels: levels.into_iter().collect(), prediction, limit }
    }

    /// The network's timestep at each evaluation.
    pub(super) fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    /// The noise level of evaluation `i`.
    ///
    /// # Panics
    /// Where there is no such evaluation.
    #[must_use]
    pub fn level(&self, i: usize) -> Level {
        self.levels[i]
    }

    pub(super) fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32 {
        let level = self.level(i);
        level.signal * clean + level.noise * noise
    }

    pub(super) fn fusable(&self, i: usize, x: &[f32], prediction: &mut [f32]) {
        match self.prediction {
            PredictionType::Epsilon | PredictionType::Sample => {}
            PredictionType::VPrediction | PredictionType::Flow => {
                let (of_x, of_v) = self.level(i).of_velocity;
                for (p, x) in prediction.iter_mut().zip(x) {
                    *p = of_x * x - of_v * *p;
                }
            }
        }
    }

    pub(super) fn denoised(&self, i: usize, x: &[f32], fused: &[f32]) -> Vec<f32> {
        let Level { signal, noise, .. } = self.level(i);
        let mut clean = match self.prediction {
            PredictionType::Epsilon => x.iter().zip(fused).map(|(x, e)| (x - noise * e) / signal).collect(),
            PredictionType::VPrediction | PredictionType::Sample | PredictionType::Flow => fused.to_vec(),
        };
        self.limit.apply(&mut clean);
        clean
    }

    /// The estimate of the noise ε by a fused prediction, without any limit on x₀.
    pub(super) fn epsilon(&self, i: usize, x: f32, fused: f32) -> f32 {
        let Level { signal, noise, .. } = self.level(i);
        match self.prediction {
            PredictionType::Epsilon => fused,
            PredictionType::VPrediction | PredictionType::Sample | PredictionType::Flow => (x - signal * fused) / noise,
        }
    }
}
