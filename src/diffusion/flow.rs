//! Noise levels of a rectified flow (Liu et al. 2023; Esser et al. 2024, Stable Diffusion 3): x = (1 − σ)·x₀ + σ·ε. The network
//! predicts the velocity dx/dσ = ε − x₀; its timestep is σ · `num_train_timesteps`.

use super::schedule::{Schedule, ScheduleError, SchedulerConfig, linspace_f64};
use serde::Deserialize;

/// The fields of `scheduler_config.json` that diffusers' `FlowMatchEulerDiscreteScheduler` and
/// `FlowMatchHeunDiscreteScheduler` read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct FlowConfig {
    /// Moves the steps towards noise: σ becomes shift·σ / (1 + (shift − 1)·σ) (Esser et al. 2024, equation 23).
    pub shift: f64,
    use_dynamic_shifting: bool,
    shift_terminal: Option<f64>,
    invert_sigmas: bool,
    stochastic_sampling: bool,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self {
            shift: 1.0,
            use_dynamic_shifting: false,
            shift_terminal: None,
            invert_sigmas: false,
            stochastic_sampling: false,
        }
    }
}

impl FlowConfig {
    /// Reads a `scheduler_config.json` without null fields; `None` where it is not a flow's.
    ///
    /// # Errors
    /// If a value has another type, or asks for something that is not supported.
    pub(super) fn from_json(json: &serde_json::Value) -> Result<Option<Self>, ScheduleError> {
        let class = json.get("_class_name").and_then(serde_json::Value::as_str).unwrap_or_default();
        if !class.starts_with("FlowMatch") {
            return Ok(None);
        }
        let flow: Self =
            serde_json::from_value(json.clone()).map_err(|error| ScheduleError::Config(error.to_string()))?;
        if !(flow.shift.is_finite() && flow.shift > 0.0) {
            return Err(ScheduleError::Config(format!("its shift is {}", flow.shift)));
        }
        let unsupported = [
            (class == "FlowMatchLCMScheduler", "_class_name: FlowMatchLCMScheduler"),
            (flow.use_dynamic_shifting, "use_dynamic_shifting: true"),
            (flow.shift_terminal.is_some_and(|terminal| terminal != 0.0), "a shift_terminal"),
            (flow.invert_sigmas, "invert_sigmas: true"),
            (flow.stochastic_sampling, "stochastic_sampling: true"),
        ];
        match unsupported.into_iter().find(|(asked, _)| *asked) {
            Some((_, what)) => Err(ScheduleError::Unsupported(what)),
            None => Ok(Some(flow)),
        }
    }

    fn shifted(&self, sigma: f64) -> f64 {
        self.shift * sigma / (1.0 + (self.shift - 1.0) * sigma)
    }

    /// σ of each step, falling from 1, without the 0 after the last.
    ///
    /// With [`Schedule::Normal`] as `set_timesteps(steps)`, which shifts the last training step's σ twice. With
    /// [`Schedule::Trailing`] and [`Schedule::SgmUniform`] the shifted `linspace(1, 1 / steps, steps)` that diffusers' pipelines
    /// of Flux pass.
    pub(super) fn sigmas(&self, config: &SchedulerConfig, steps: usize) -> Result<Vec<f64>, ScheduleError> {
        config.check_steps(steps)?;
        let last = match config.schedule {
            Schedule::Trailing | Schedule::SgmUniform => 1.0 / steps as f64,
            // diffusers keeps it in f32.
            _ => f64::from(self.shifted(1.0 / config.num_train_timesteps as f64) as f32),
        };
        Ok(linspace_f64(1.0, last, steps).into_iter().map(|sigma| self.shifted(sigma)).collect())
    }
}
