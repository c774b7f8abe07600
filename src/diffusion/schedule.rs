//! Noise schedule: the noise of each training step, and the training steps that a run of few steps visits.
//!
//! Follows diffusers' `scheduler_config.json` and its defaults. Where defaults differ between samplers, a field is an `Option`
//! and each sampler fills in its own.

use super::FlowConfig;
use serde::Deserialize;

/// Meaning of the UNet's output (Ho et al. 2020; Salimans and Ho 2022).
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
    /// The velocity ε − x₀ of a rectified flow (Liu et al. 2023); goes with [`SchedulerConfig::flow`].
    #[serde(skip)]
    Flow,
}

/// Form of β over the training steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// Linear in β.
    #[default]
    Linear,
    /// Linear in √β (Stable Diffusion).
    ScaledLinear,
    /// The cosine schedule of Nichol and Dhariwal 2021.
    SquaredcosCapV2,
}

/// Choice of the visited training steps (table 2 of Lin et al. 2023).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Multiples of a whole stride, counted up from the first.
    Leading,
    /// Counted down from the last.
    Trailing,
    /// Evenly from the first to the last.
    Linspace,
}

/// Spacing of a run's noise levels, as a person chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Schedule {
    /// The checkpoint's own configuration; where that is silent, the default of diffusers' class for the sampler.
    #[default]
    Normal,
    /// Even in σ^(1/7), between the largest and the smallest level (Karras et al. 2022, equation 5).
    Karras,
    /// Even in log σ, between the same two.
    Exponential,
    /// Training steps counted down from the last (Lin et al. 2023, table 2).
    Trailing,
    /// The web UIs' "SGM Uniform": `linspace(last, 0, steps + 1)` without its end, in training steps and fractions of them.
    SgmUniform,
}

/// Noise level after the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalSigma {
    /// No noise.
    #[default]
    Zero,
    /// The first training step's σ.
    SigmaMin,
}

/// A checkpoint's scheduler configuration, with diffusers' names; an absent field takes the sampler's own default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    /// The person's choice in place of the configuration's own spacing.
    #[serde(skip)]
    pub schedule: Schedule,
    /// The schedule of a rectified flow, which has no betas; `None` for a diffusion model.
    #[serde(skip)]
    pub flow: Option<FlowConfig>,
    /// Training steps.
    pub num_train_timesteps: usize,
    /// β of the first training step.
    pub beta_start: Option<f64>,
    /// β of the last training step.
    pub beta_end: Option<f64>,
    /// Form of β between the two.
    pub beta_schedule: Option<BetaSchedule>,
    /// β of every training step, in place of the three above.
    pub trained_betas: Option<Vec<f32>>,
    /// Meaning of the UNet's output.
    pub prediction_type: PredictionType,
    /// Added to every timestep of leading spacing.
    pub steps_offset: i64,
    /// Choice of the visited training steps.
    pub timestep_spacing: Option<Spacing>,
    /// True where the last training step is rescaled to pure noise (Lin et al. 2023, algorithm 1).
    pub rescale_betas_zero_snr: bool,
    /// DDIM: ᾱ before the first training step is 1 where true, else that of the first step.
    pub set_alpha_to_one: bool,
    /// True where x₀ is clipped to ±`clip_sample_range`.
    pub clip_sample: Option<bool>,
    /// Limit of clipped x₀.
    pub clip_sample_range: f32,
    /// True where x₀ is thresholded dynamically (Saharia et al. 2022, section 2.3).
    pub thresholding: bool,
    /// Quantile of |x₀| that becomes the threshold.
    pub dynamic_thresholding_ratio: f32,
    /// The largest threshold.
    pub sample_max_value: f32,
    /// True where levels are spaced as [`Schedule::Karras`].
    pub use_karras_sigmas: bool,
    /// True where levels are spaced as [`Schedule::Exponential`].
    pub use_exponential_sigmas: bool,
    /// Spacing by a beta distribution, which is not supported.
    pub use_beta_sigmas: bool,
    /// Spacing even in log-SNR, which is not supported.
    pub use_lu_lambdas: bool,
    /// Levels of a flow for a diffusion model, which is not supported.
    pub use_flow_sigmas: bool,
    /// The smallest σ of Karras and exponential spacing, for the samplers that read it.
    pub sigma_min: Option<f64>,
    /// The largest σ of Karras and exponential spacing, for the samplers that read it.
    pub sigma_max: Option<f64>,
    /// Noise level after the last step.
    pub final_sigmas_type: FinalSigma,
    /// Euler: form of the timesteps; only `discrete` is supported.
    pub timestep_type: Option<String>,
    /// Euler: interpolation of σ between training steps; only `linear` is supported.
    pub interpolation_type: Option<String>,
    /// Variant of a solver's step; names of other solvers' variants mean the solver's own default.
    pub solver_type: Option<String>,
    /// The highest order of a solver's step.
    pub solver_order: usize,
    /// True where the last steps of a short run are of lower order.
    pub lower_order_final: bool,
    /// DPM-Solver: true where the last step is of first order.
    pub euler_at_final: bool,
    /// DPM-Solver: log-SNR under which no training step is visited.
    pub lambda_min_clipped: Option<f32>,
    /// UniPC: true where it solves for x₀; the other form is not supported.
    pub predict_x0: bool,
    /// UniPC: steps that are not corrected.
    pub disable_corrector: Vec<i64>,
    /// LCM: steps the checkpoint was distilled with.
    pub original_inference_steps: usize,
    /// LCM: factor of timesteps in the boundary condition.
    pub timestep_scaling: f64,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            schedule: Schedule::Normal,
            flow: None,
            num_train_timesteps: 1000,
            beta_start: None,
            beta_end: None,
            beta_schedule: None,
            trained_betas: None,
            prediction_type: PredictionType::Epsilon,
            steps_offset: 0,
            timestep_spacing: None,
            rescale_betas_zero_snr: false,
            set_alpha_to_one: true,
            clip_sample: None,
            clip_sample_range: 1.0,
            thresholding: false,
            dynamic_thresholding_ratio: 0.995,
            sample_max_value: 1.0,
            use_karras_sigmas: false,
            use_exponential_sigmas: false,
            use_beta_sigmas: false,
            use_lu_lambdas: false,
            use_flow_sigmas: false,
            sigma_min: None,
            sigma_max: None,
            final_sigmas_type: FinalSigma::Zero,
            timestep_type: None,
            interpolation_type: None,
            solver_type: None,
            solver_order: 2,
            lower_order_final: true,
            euler_at_final: false,
            lambda_min_clipped: None,
            predict_x0: true,
            disable_corrector: Vec::new(),
            original_inference_steps: 50,
            timestep_scaling: 10.0,
        }
    }
}

/// Reason for which there is no schedule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// A value of the configuration has another type, or is out of range.
    #[error("the scheduler configuration cannot be read: {0}")]
    Config(String),
    /// More steps than the sampler can take.
    #[error("{steps} steps are not possible with this sampler and checkpoint; choose 1 to {most}")]
    Steps {
        /// The steps asked for.
        steps: usize,
        /// The most that are possible.
        most: usize,
    },
    /// The configuration asks for something that is not supported.
    #[error("the scheduler configuration says {0}, which is not supported")]
    Unsupported(&'static str),
    /// Sampler, spacing and checkpoint do not go together, in one line.
    #[error("{0}")]
    Combination(&'static str),
}

impl SchedulerConfig {
    /// Reads `scheduler_config.json`.
    ///
    /// # Errors
    /// If a value has another type or an unknown name.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, ScheduleError> {
        let mut json = json.clone();
        if let Some(fields) = json.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        let flow = FlowConfig::from_json(&json)?;
        let mut config: Self = serde_json::from_value(json).map_err(|e| ScheduleError::Config(e.to_string()))?;
        if flow.is_some() {
            (config.flow, config.prediction_type) = (flow, PredictionType::Flow);
        }
        if config.use_flow_sigmas {
            return Err(ScheduleError::Unsupported("use_flow_sigmas: true"));
        }
        let range = 0.0..=1.0;
        if config.thresholding
            && !(range.contains(&config.dynamic_thresholding_ratio) && config.sample_max_value >= 1.0)
        {
            return Err(ScheduleError::Config("its thresholds are out of range".to_owned()));
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
        let (start, end) = (self.beta_start.unwrap_or(0.0001), self.beta_end.unwrap_or(0.02));
        let mut betas = match (&self.trained_betas, self.beta_schedule.unwrap_or_default()) {
            (Some(betas), _) => betas.clone(),
            (None, BetaSchedule::Linear) => linspace_f32(start as f32, end as f32, n),
            (None, BetaSchedule::ScaledLinear) => {
                linspace_f32(start.sqrt() as f32, end.sqrt() as f32, n).into_iter().map(|b| b * b).collect()
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

    /// Returns an error with this text where the checkpoint is a flow.
    pub(super) fn refuse_flow(&self, text: &'static str) -> Result<(), ScheduleError> {
        if self.flow.is_some() { Err(ScheduleError::Combination(text)) } else { Ok(()) }
    }

    /// The same configuration for a UNet whose output means this, trained on noise whose last level has no signal left or some. Spacing
    /// then begins at that level, or is that of the checkpoints which have none such. A flow stays as it is.
    #[must_use]
    pub fn with_prediction(&self, prediction_type: PredictionType, zero_terminal: bool) -> Self {
        if self.flow.is_some() {
            return self.clone();
        }
        let timestep_spacing = match (self.rescale_betas_zero_snr, zero_terminal) {
            (false, true) => Some(Spacing::Trailing),
            (true, false) => Some(Spacing::Leading),
            _ => self.timestep_spacing,
        };
        Self { prediction_type, rescale_betas_zero_snr: zero_terminal, timestep_spacing, ..self.clone() }
    }

    /// The same configuration with the spacing that a person chose.
    #[must_use]
    pub fn with_schedule(&self, schedule: Schedule) -> Self {
        Self { schedule, ..self.clone() }
    }

    /// Choice of the visited training steps; `default` is the sampler's, for a configuration that is silent.
    pub(super) fn spacing(&self, default: Spacing) -> Spacing {
        if self.schedule == Schedule::Trailing { Spacing::Trailing } else { self.timestep_spacing.unwrap_or(default) }
    }

    /// Returns an error unless `steps` is from 1 to the number of training steps.
    pub(super) fn check_steps(&self, steps: usize) -> Result<(), ScheduleError> {
        let most = self.num_train_timesteps;
        if steps == 0 || steps > most { Err(ScheduleError::Steps { steps, most }) } else { Ok(()) }
    }

    /// The timesteps of `steps` steps, from noise to picture.
    pub(super) fn timesteps(&self, steps: usize, spacing: Spacing) -> Result<Vec<f64>, ScheduleError> {
        self.check_steps(steps)?;
        let train = self.num_train_timesteps;
        Ok(match spacing {
            Spacing::Linspace => linspace_f64(0.0, (train - 1) as f64, steps).into_iter().rev().collect(),
            Spacing::Leading => {
                let ratio = train / steps;
                (0..steps).rev().map(|i| ((i * ratio) as i64 + self.steps_offset) as f64).collect()
            }
            Spacing::Trailing => trailing(train, train, steps),
        })
    }
}

/// `np.arange(last, 0, -train / steps).round() - 1`.
pub(super) fn trailing(last: usize, train: usize, steps: usize) -> Vec<f64> {
    let ratio = train as f64 / steps as f64;
    (0..steps).map(|i| ((last as f64 - i as f64 * ratio).round_ties_even() - 1.0).max(0.0)).collect()
}

/// `torch.linspace` in f32, which counts from both ends towards the middle.
fn linspace_f32(start: f32, end: f32, n: usize) -> Vec<f32> {
    let step = (end - start) / (n - 1) as f32;
    (0..n).map(|i| if i < n / 2 { start + step * i as f32 } else { end - step * (n - 1 - i) as f32 }).collect()
}

/// `np.linspace`.
pub(super) fn linspace_f64(start: f64, end: f64, n: usize) -> Vec<f64> {
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
