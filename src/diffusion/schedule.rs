//! The noise schedule: how much noise each training step adds, and which training steps a run of few steps visits.
//!
//! Follows diffusers' `scheduler_config.json` and its defaults, which differ from sampler to sampler.

use serde::Deserialize;

/// What the UNet's output means (Ho et al. 2020; Salimans and Ho 2022).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionType {
    /// The noise in the latent.
    #[default]
    Epsilon,
    /// The velocity √ᾱ·ε − √(1−ᾱ)·x₀.
    VPrediction,
    /// The clean latent x₀.
    Sample,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    #[default]
    Linear,
    /// Linear in √β: Stable Diffusion's.
    ScaledLinear,
    /// The cosine schedule of Nichol and Dhariwal 2021.
    SquaredcosCapV2,
}

/// Which training steps are visited (table 2 of Lin et al. 2023).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    Leading,
    Trailing,
    Linspace,
}

/// A checkpoint's scheduler configuration; what is absent takes the sampler's own default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    pub num_train_timesteps: usize,
    pub beta_start: f64,
    pub beta_end: f64,
    pub beta_schedule: BetaSchedule,
    pub trained_betas: Option<Vec<f32>>,
    pub prediction_type: PredictionType,
    /// Added to every timestep of leading spacing.
    pub steps_offset: i64,
    pub timestep_spacing: Option<Spacing>,
    pub rescale_betas_zero_snr: bool,
    /// ᾱ before the first training step: 1, or that of the first step.
    pub set_alpha_to_one: bool,
    /// Whether DDIM clips x₀ to ±`clip_sample_range`.
    pub clip_sample: bool,
    pub clip_sample_range: f32,
    pub thresholding: bool,
    pub use_karras_sigmas: bool,
    pub use_exponential_sigmas: bool,
    pub use_beta_sigmas: bool,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            num_train_timesteps: 1000,
            beta_start: 0.0001,
            beta_end: 0.02,
            beta_schedule: BetaSchedule::Linear,
            trained_betas: None,
            prediction_type: PredictionType::Epsilon,
            steps_offset: 0,
            timestep_spacing: None,
            rescale_betas_zero_snr: false,
            set_alpha_to_one: true,
            clip_sample: true,
            clip_sample_range: 1.0,
            thresholding: false,
            use_karras_sigmas: false,
            use_exponential_sigmas: false,
            use_beta_sigmas: false,
        }
    }
}

/// Why a schedule cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    #[error("the scheduler configuration cannot be read: {0}")]
    Config(String),
    #[error("{steps} steps cannot be made of a checkpoint's {train} training steps; choose 1 to {train}")]
    Steps { steps: usize, train: usize },
    #[error("the scheduler configuration says {0}, which is not supported")]
    Unsupported(&'static str),
}

impl SchedulerConfig {
    /// Reads `scheduler_config.json`.
    ///
    /// # Errors
    /// Where a value has another type or an unknown name.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, ScheduleError> {
        let mut json = json.clone();
        if let Some(fields) = json.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        let config: Self = serde_json::from_value(json).map_err(|e| ScheduleError::Config(e.to_string()))?;
        if config.thresholding {
            return Err(ScheduleError::Unsupported("thresholding: true"));
        }
        if config.num_train_timesteps < 2 || config.num_train_timesteps > 1_000_000 {
            return Err(ScheduleError::Config(format!("num_train_timesteps is {}", config.num_train_timesteps)));
        }
        if config.trained_betas.as_ref().is_some_and(|b| b.len() != config.num_train_timesteps) {
            return Err(ScheduleError::Unsupported("trained_betas of another length than num_train_timesteps"));
        }
        Ok(config)
    }

    /// ᾱ of every training step, in f32 as diffusers computes it.
    #[must_use]
    pub fn alphas_cumprod(&self) -> Vec<f32> {
        let n = self.num_train_timesteps;
        let mut betas = match (&self.trained_betas, self.beta_schedule) {
            (Some(betas), _) => betas.clone(),
            (None, BetaSchedule::Linear) => linspace_f32(self.beta_start as f32, self.beta_end as f32, n),
            (None, BetaSchedule::ScaledLinear) => {
                linspace_f32(self.beta_start.sqrt() as f32, self.beta_end.sqrt() as f32, n)
                    .into_iter()
                    .map(|b| b * b)
                    .collect()
            }
            (None, BetaSchedule::SquaredcosCapV2) => {
                let bar = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
                let at = |i: usize| i as f64 / n as f64;
                (0..n).map(|i| (1.0 - bar(at(i + 1)) / bar(at(i))).min(0.999) as f32).collect()
            }
        };
        if self.rescale_betas_zero_snr {
            betas = rescale_zero_terminal_snr(&betas);
        }
        cumprod(betas.iter().map(|b| 1.0 - b))
    }

    /// The timesteps of `steps` steps, from noise to picture.
    pub(super) fn timesteps(&self, steps: usize, spacing: Spacing) -> Result<Vec<f64>, ScheduleError> {
        let train = self.num_train_timesteps;
        if steps == 0 || steps > train {
            return Err(ScheduleError::Steps { steps, train });
        }
        Ok(match spacing {
            Spacing::Linspace => linspace_f64(0.0, (train - 1) as f64, steps).into_iter().rev().collect(),
            Spacing::Leading => {
                let ratio = train / steps;
                (0..steps).rev().map(|i| ((i * ratio) as i64 + self.steps_offset) as f64).collect()
            }
            Spacing::Trailing => {
                let ratio = train as f64 / steps as f64;
                (0..steps).map(|i| (train as f64 - i as f64 * ratio).round_ties_even() - 1.0).collect()
            }
        })
    }
}

/// torch.linspace in f32: from both ends towards the middle.
fn linspace_f32(start: f32, end: f32, n: usize) -> Vec<f32> {
    let step = (end - start) / (n - 1) as f32;
    (0..n).map(|i| if i < n / 2 { start + step * i as f32 } else { end - step * (n - 1 - i) as f32 }).collect()
}

fn linspace_f64(start: f64, end: f64, n: usize) -> Vec<f64> {
    if n == 1 {
        return vec![start];
    }
    let step = (end - start) / (n - 1) as f64;
    (0..n).map(|i| start + step * i as f64).collect()
}

/// A running product kept in f64 and stored in f32, as torch does on the CPU.
fn cumprod(values: impl Iterator<Item = f32>) -> Vec<f32> {
    values
        .scan(1.0_f64, |product, value| {
            *product *= f64::from(value);
            Some(*product as f32)
        })
        .collect()
}

/// Shifts and scales √ᾱ so that the last training step is pure noise (Lin et al. 2023, algorithm 1).
fn rescale_zero_terminal_snr(betas: &[f32]) -> Vec<f32> {
    let root: Vec<f32> = cumprod(betas.iter().map(|b| 1.0 - b)).into_iter().map(f32::sqrt).collect();
    let (Some(&first), Some(&last)) = (root.first(), root.last()) else { return Vec::new() };
    let bar: Vec<f32> = root.iter().map(|r| ((r - last) * (first / (first - last))).powi(2)).collect();
    (0..bar.len()).map(|i| 1.0 - if i == 0 { bar[0] } else { bar[i] / bar[i - 1] }).collect()
}
