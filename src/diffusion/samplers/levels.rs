//! Noise levels of a run: σ = noise / signal at every step, and the network's timestep with each.

use super::super::FlowConfig;
use super::super::schedule::{FinalSigma, Schedule, ScheduleError, SchedulerConfig, Spacing, linspace_f64, trailing};
use super::process::{ForwardProcess, Level, Limit};

/// Noise levels of a run, from noise to picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Levels {
    /// The network's timesteps, in training steps and fractions of them.
    pub(super) timesteps: Vec<f32>,
    /// σ at each step, and the level after the last. For a flow the share of noise, else noise / signal.
    pub(super) sigmas: Vec<f32>,
    /// Factor that turns standard normal noise into the initial latent of samplers that work in σ.
    pub(super) initial: f32,
}

/// Spacing of levels between the largest and the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ramp {
    /// The levels of the visited training steps.
    Plain,
    Karras,
    Exponential,
    SgmUniform,
}

/// Rounding of a ramp's fractional timesteps to integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// diffusers' DPM-Solver: rounded on a Karras ramp unless betas are cosine, else cut.
    DpmSolver,
    /// diffusers' UniPC: rounded on a Karras ramp, else cut.
    UniPc,
}

impl Levels {
    /// Levels of diffusers' `EulerDiscreteScheduler`; `own_ramp` is true where the sampler's class in diffusers reads the
    /// configuration's own Karras or exponential spacing.
    pub(super) fn euler(config: &SchedulerConfig, steps: usize, own_ramp: bool) -> Result<Self, ScheduleError> {
        if let Some(flow) = &config.flow {
            return Self::flow(config, flow, steps);
        }
        if own_ramp {
            let text = |value: &Option<String>, default: &str| value.as_deref().unwrap_or(default) == default;
            if !text(&config.timestep_type, "discrete") {
                return Err(ScheduleError::Unsupported("a timestep_type other than discrete"));
            }
            if !text(&config.interpolation_type, "linear") {
                return Err(ScheduleError::Unsupported("an interpolation_type other than linear"));
            }
        }
        let ends = (config.sigma_min.filter(|_| own_ramp), config.sigma_max.filter(|_| own_ramp));
        let after = if own_ramp { config.final_sigmas_type } else { FinalSigma::Zero };
        Self::on_grid(config, steps, own_ramp, ends, after)
    }

    /// Levels of diffusers' `HeunDiscreteScheduler`, one a step.
    pub(super) fn heun(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        if let Some(flow) = &config.flow {
            return Self::flow(config, flow, steps);
        }
        Self::on_grid(config, steps, true, (None, None), FinalSigma::Zero)
    }

    /// Levels of diffusers' `FlowMatchEulerDiscreteScheduler`; ramps run between the first and the last level.
    fn flow(config: &SchedulerConfig, flow: &FlowConfig, steps: usize) -> Result<Self, ScheduleError> {
        let sigmas = flow.sigmas(config, steps)?;
        let ends = (sigmas[0], sigmas[steps - 1]);
        let sigmas = match ramp(config, true)? {
            Ramp::Karras => karras(ends.0, ends.1, steps),
            Ramp::Exponential => exponential(ends.0, ends.1, steps),
            Ramp::Plain | Ramp::SgmUniform => sigmas,
        };
        let mut sigmas: Vec<f32> = sigmas.into_iter().map(|sigma| sigma as f32).collect();
        let timesteps = sigmas.iter().map(|sigma| sigma * config.num_train_timesteps as f32).collect();
        sigmas.push(0.0);
        Ok(Self { timesteps, sigmas, initial: 1.0 })
    }

    /// Levels of samplers that visit `steps` training steps; ramps run between the first and the last of these.
    fn on_grid(
        config: &SchedulerConfig,
        steps: usize,
        own_ramp: bool,
        ends: (Option<f64>, Option<f64>),
        after: FinalSigma,
    ) -> Result<Self, ScheduleError> {
        let ramp = ramp(config, own_ramp)?;
        let table = Table::new(config);
        let spacing = config.spacing(Spacing::Linspace);
        let grid: Vec<f32> = config.timesteps(steps, spacing)?.into_iter().map(|t| t as f32).collect();
        let on_grid: Vec<f64> = grid.iter().map(|&t| table.sigma(f64::from(t))).collect();
        let (largest, smallest) = (on_grid[0], on_grid[steps - 1]);
        let between =
            |make: fn(f64, f64, usize) -> Vec<f64>| make(ends.1.unwrap_or(largest), ends.0.unwrap_or(smallest), steps);
        let (timesteps, sigmas) = match ramp {
            Ramp::Plain => (grid.into_iter().map(f64::from).collect(), on_grid),
            Ramp::SgmUniform => table.sgm_uniform(steps),
            Ramp::Karras => table.timed(between(karras)),
            Ramp::Exponential => table.timed(between(exponential)),
        };
        let last = match after {
            FinalSigma::Zero => 0.0,
            FinalSigma::SigmaMin => table.sigmas[0],
        };
        Ok(Self::of(&timesteps, &sigmas, last, ramp == Ramp::SgmUniform || spacing != Spacing::Leading))
    }

    /// Levels of diffusers' multistep solvers: one more training step than steps, the last left out, and integer timesteps; ramps
    /// run over the whole training schedule.
    pub(super) fn solver(config: &SchedulerConfig, steps: usize, times: Times) -> Result<Self, ScheduleError> {
        if let Some(flow) = &config.flow {
            let mut levels = Self::flow(config, flow, steps)?;
            if times == Times::UniPc {
                // As diffusers' class: its corrector needs a finite log-SNR.
                levels.sigmas[0] = levels.sigmas[0].min(1.0 - 1e-6);
            }
            return Ok(levels);
        }
        let train = config.num_train_timesteps;
        if steps == 0 || steps >= train {
            return Err(ScheduleError::Steps { steps, most: train - 1 });
        }
        let ramp = ramp(config, true)?;
        let table = Table::new(config);
        let (ends, end) = match times {
            Times::UniPc => ((config.sigma_min, config.sigma_max), train),
            Times::DpmSolver => ((None, None), train - table.under(config.lambda_min_clipped)),
        };
        let largest = ends.1.unwrap_or(f64::from(table.sigmas[train - 1]));
        let smallest = ends.0.unwrap_or(f64::from(table.sigmas[0]));
        let cut = |(mut times, sigmas): (Vec<f64>, Vec<f64>), round: bool| {
            times.iter_mut().for_each(|t| *t = if round { t.round_ties_even() } else { t.trunc() });
            (times, sigmas)
        };
        let cosine = config.beta_schedule == Some(super::super::BetaSchedule::SquaredcosCapV2);
        let round = times == Times::UniPc || !cosine;
        let (timesteps, sigmas): (Vec<f64>, Vec<f64>) = match ramp {
            Ramp::Karras => cut(table.timed(karras(largest, smallest, steps)), round),
            Ramp::Exponential => cut(table.timed(exponential(largest, smallest, steps)), false),
            Ramp::SgmUniform => table.sgm_uniform(steps),
            Ramp::Plain => {
                let grid: Vec<f64> = match config.spacing(Spacing::Linspace) {
                    Spacing::Linspace => linspace_f64(0.0, end as f64 - 1.0, steps + 1)
                        .into_iter()
                        .skip(1)
                        .rev()
                        .map(f64::round_ties_even)
                        .collect(),
                    Spacing::Leading => {
                        let ratio = end / (steps + 1);
                        (1..=steps).rev().map(|i| ((i * ratio) as i64 + config.steps_offset) as f64).collect()
                    }
                    Spacing::Trailing => trailing(end, train, steps),
                };
                let sigmas = grid.iter().map(|&t| table.sigma(t)).collect();
                (grid, sigmas)
            }
        };
        let last = match config.final_sigmas_type {
            FinalSigma::Zero => 0.0,
            FinalSigma::SigmaMin if times == Times::UniPc && ramp != Ramp::Plain => sigmas[steps - 1] as f32,
            FinalSigma::SigmaMin => table.sigmas[0],
        };
        Ok(Self::of(&timesteps, &sigmas, last, true))
    }

    fn of(timesteps: &[f64], sigmas: &[f64], last: f32, from_largest: bool) -> Self {
        let mut sigmas: Vec<f32> = sigmas.iter().map(|&s| s as f32).collect();
        sigmas.push(last);
        let largest = sigmas.iter().copied().fold(0.0, f32::max);
        // Leading spacing starts below the noisiest level, where a latent still has the signal's variance.
        let initial = if from_largest { largest } else { (largest * largest + 1.0).sqrt() };
        Self { timesteps: timesteps.iter().map(|&t| t as f32).collect(), sigmas, initial }
    }
}

impl Levels {
    /// The forward process over these levels, the one after the last included. `level` makes a diffusion model's level from σ;
    /// flows have their own, and no limit on x₀.
    pub(super) fn process(&self, config: &SchedulerConfig, level: fn(f32) -> Level, limit: Limit) -> ForwardProcess {
        let (level, limit) = if config.flow.is_some() { (Level::flow as _, Limit::None) } else { (level, limit) };
        let levels = self.sigmas.iter().map(|&sigma| level(sigma));
        ForwardProcess::new(self.timesteps.clone(), levels, config.prediction_type, limit)
    }
}

/// The ramp that the person chose, else the configuration's where `own` says that the sampler reads it.
fn ramp(config: &SchedulerConfig, own: bool) -> Result<Ramp, ScheduleError> {
    Ok(match config.schedule {
        Schedule::Karras => Ramp::Karras,
        Schedule::Exponential => Ramp::Exponential,
        Schedule::SgmUniform => Ramp::SgmUniform,
        Schedule::Normal if own && config.use_karras_sigmas => Ramp::Karras,
        Schedule::Normal if own && config.use_exponential_sigmas => Ramp::Exponential,
        Schedule::Normal if own && config.use_beta_sigmas => {
            return Err(ScheduleError::Unsupported("use_beta_sigmas: true"));
        }
        Schedule::Normal if own && config.use_lu_lambdas => {
            return Err(ScheduleError::Unsupported("use_lu_lambdas: true"));
        }
        Schedule::Normal | Schedule::Trailing => Ramp::Plain,
    })
}

/// Equation 5 of Karras et al. 2022, with its ρ of 7.
fn karras(largest: f64, smallest: f64, steps: usize) -> Vec<f64> {
    let (a, b) = (largest.powf(1.0 / 7.0), smallest.powf(1.0 / 7.0));
    linspace_f64(0.0, 1.0, steps).into_iter().map(|r| (a + r * (b - a)).powi(7)).collect()
}

fn exponential(largest: f64, smallest: f64, steps: usize) -> Vec<f64> {
    linspace_f64(largest.ln(), smallest.ln(), steps).into_iter().map(f64::exp).collect()
}

/// σ and log σ of every training step.
struct Table {
    sigmas: Vec<f32>,
    logs: Vec<f32>,
}

impl Table {
    fn new(config: &SchedulerConfig) -> Self {
        let mut bar = config.alphas_cumprod();
        if let (true, Some(last)) = (config.rescale_betas_zero_snr, bar.last_mut()) {
            // ᾱ = 0 has no finite σ; diffusers takes this value.
            *last = 2.0_f32.powi(-24);
        }
        let sigmas: Vec<f32> = bar.iter().map(|a| ((1.0 - a) / a).sqrt()).collect();
        let logs = sigmas.iter().map(|&s| f64::from(s).ln() as f32).collect();
        Self { sigmas, logs }
    }

    /// σ at a fractional training step, interpolated linearly.
    fn sigma(&self, at: f64) -> f64 {
        interpolate(&self.sigmas, at)
    }

    /// The fractional training step of σ, interpolated linearly in log σ.
    fn time(&self, sigma: f64) -> f64 {
        let log = sigma.max(1e-10).ln();
        let low = self.logs.partition_point(|&l| f64::from(l) <= log).saturating_sub(1).min(self.logs.len() - 2);
        let (a, b) = (f64::from(self.logs[low]), f64::from(self.logs[low + 1]));
        low as f64 + ((a - log) / (a - b)).clamp(0.0, 1.0)
    }

    fn timed(&self, sigmas: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        (sigmas.iter().map(|&s| self.time(s)).collect(), sigmas)
    }

    fn sgm_uniform(&self, steps: usize) -> (Vec<f64>, Vec<f64>) {
        let mut times = linspace_f64(self.sigmas.len() as f64 - 1.0, 0.0, steps + 1);
        times.pop();
        let sigmas = times.iter().map(|&t| interpolate(&self.logs, t).exp()).collect();
        (times, sigmas)
    }

    /// Number of training steps whose log-SNR is under `lambda`.
    fn under(&self, lambda: Option<f32>) -> usize {
        lambda.map_or(0, |lambda| self.logs.iter().filter(|&&log| -log < lambda).count().min(self.logs.len() - 2))
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
