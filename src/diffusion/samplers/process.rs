//! The forward process: how much picture and how much noise a latent holds at each evaluation of the network.

use super::super::schedule::{PredictionType, SchedulerConfig};

/// What is done to an estimate of x₀ before it is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    None,
    /// Clipped to ± this.
    Clip(f32),
    /// Dynamic thresholding (Saharia et al. 2022, section 2.3): clipped to the `ratio` quantile of its magnitudes, held
    /// between 1 and `max`, and divided by it.
    Threshold {
        ratio: f32,
        max: f32,
    },
}

impl Limit {
    /// As the configuration says, for a sampler that knows thresholding, and whose clipping is on or off by `clip`.
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

/// x_t = signal·x₀ + noise·ε at each evaluation (Ho, Jain and Abbeel 2020, equation 4; Karras et al. 2022 write it with a
/// signal of 1).
#[derive(Debug, Clone, PartialEq)]
pub struct ForwardProcess {
    timesteps: Vec<f32>,
    /// (signal, noise) at each evaluation.
    levels: Vec<(f32, f32)>,
    /// Whether latents have a variance of 1 at every level; else the network is given them divided by √(signal² + noise²).
    preserving: bool,
    prediction: PredictionType,
    limit: Limit,
}

impl ForwardProcess {
    /// Of latents that keep a variance of 1, from ᾱ at each evaluation.
    pub(super) fn of_alphas(timesteps: Vec<f32>, bar: &[f32], prediction: PredictionType, limit: Limit) -> Self {
        let levels = bar.iter().map(|a| (a.sqrt(), (1.0 - a).sqrt())).collect();
        Self { timesteps, levels, preserving: true, prediction, limit }
    }

    /// The same from σ at each evaluation.
    pub(super) fn preserving(timesteps: Vec<f32>, sigmas: &[f32], prediction: PredictionType, limit: Limit) -> Self {
        let levels = sigmas.iter().map(|&sigma| preserving(sigma)).collect();
        Self { timesteps, levels, preserving: true, prediction, limit }
    }

    /// Of latents whose variance grows with σ.
    pub(super) fn exploding(timesteps: Vec<f32>, sigmas: &[f32], prediction: PredictionType, limit: Limit) -> Self {
        let levels = sigmas.iter().map(|&sigma| (1.0, sigma)).collect();
        Self { timesteps, levels, preserving: false, prediction, limit }
    }

    /// The timesteps the network is called at.
    pub(super) fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn norm(&self, i: usize) -> f32 {
        let (signal, noise) = self.levels[i];
        if self.preserving { 1.0 } else { (signal * signal + noise * noise).sqrt() }
    }

    pub(super) fn input_scale(&self, i: usize) -> f32 {
        1.0 / self.norm(i)
    }

    pub(super) fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32 {
        let level = self.levels[i];
        level.0 * clean + level.1 * noise
    }

    pub(super) fn fusable(&self, i: usize, x: &[f32], prediction: &mut [f32]) {
        if self.prediction == PredictionType::VPrediction {
            let (signal, noise) = self.levels[i];
            let norm = self.norm(i);
            let (of_x, of_v) = (signal / (norm * norm), noise / norm);
            for (p, x) in prediction.iter_mut().zip(x) {
                *p = of_x * x - of_v * *p;
            }
        }
    }

    pub(super) fn denoised(&self, i: usize, x: &[f32], fused: &[f32]) -> Vec<f32> {
        let (signal, noise) = self.levels[i];
        let mut clean = match self.prediction {
            PredictionType::Epsilon => x.iter().zip(fused).map(|(x, e)| (x - noise * e) / signal).collect(),
            PredictionType::VPrediction | PredictionType::Sample => fused.to_vec(),
        };
        self.limit.apply(&mut clean);
        clean
    }

    /// The noise that a fused prediction stands for, whatever is done to x₀.
    pub(super) fn epsilon(&self, i: usize, x: f32, fused: f32) -> f32 {
        let (signal, noise) = self.levels[i];
        match self.prediction {
            PredictionType::Epsilon => fused,
            PredictionType::VPrediction | PredictionType::Sample => (x - signal * fused) / noise,
        }
    }
}

/// (signal, noise) of a level for latents of variance 1.
pub(super) fn preserving(sigma: f32) -> (f32, f32) {
    let signal = 1.0 / (sigma * sigma + 1.0).sqrt();
    (signal, sigma * signal)
}
