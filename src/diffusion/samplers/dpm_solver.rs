//! DPM-Solver++ (2M), as an ODE and as an SDE.

use super::super::schedule::{FinalSigma, ScheduleError, SchedulerConfig};
use super::Sampler;
use super::levels::{Levels, Times};
use super::process::{ForwardProcess, Limit, preserving};

/// The multistep solver of second order for x₀ (Lu et al. 2022b, DPM-Solver++, algorithm 2), and its form for the diffusion
/// SDE (equation 18 there).
#[derive(Debug, Clone)]
pub struct DpmSolver {
    process: ForwardProcess,
    /// σ at each step, and after the last.
    sigmas: Vec<f32>,
    stochastic: bool,
    /// Heun's form of the second-order term in place of the midpoint's.
    heun: bool,
    /// Whether the last step is of first order.
    first_order_last: bool,
    /// x₀ of the step before.
    previous: Option<Vec<f32>>,
}

impl DpmSolver {
    /// As diffusers' `DPMSolverMultistepScheduler.from_config(config, algorithm_type=…, solver_order=2)`, with
    /// `dpmsolver++`, or `sde-dpmsolver++` where `stochastic`.
    ///
    /// # Errors
    /// Where `steps` is 0 or not under the training steps, or the configuration asks for a spacing that is not supported.
    pub fn new(config: &SchedulerConfig, steps: usize, stochastic: bool) -> Result<Self, ScheduleError> {
        let Levels { timesteps, sigmas, .. } = Levels::solver(config, steps, Times::DpmSolver)?;
        let limit = Limit::of(config, None);
        let first_order_last = config.euler_at_final
            || (config.lower_order_final && steps < 15)
            || config.final_sigmas_type == FinalSigma::Zero;
        Ok(Self {
            process: ForwardProcess::preserving(timesteps, &sigmas[..steps], config.prediction_type, limit),
            sigmas,
            stochastic,
            heun: config.solver_type.as_deref() == Some("heun"),
            first_order_last,
            previous: None,
        })
    }
}

impl Sampler for DpmSolver {
    fn process(&self) -> &ForwardProcess {
        &self.process
    }

    fn initial_scale(&self) -> f32 {
        1.0
    }

    fn noise(&self, i: usize) -> bool {
        self.stochastic && self.sigmas[i + 1] > 0.0
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], noise: &[f32]) {
        let clean = self.denoised(i, x, fused);
        let (sigma, next) = (self.sigmas[i], self.sigmas[i + 1]);
        let (signal, level) = preserving(next);
        // λ = −ln σ is half the log-SNR; h is infinite where the noise ends.
        let lambda = |sigma: f32| -f64::from(sigma).ln();
        let h = lambda(next) - lambda(sigma);
        let decay = if self.stochastic { (-2.0 * h).exp() } else { (-h).exp() };
        let mut of_x = f64::from(level) / f64::from(preserving(sigma).1);
        if self.stochastic {
            of_x *= (-h).exp();
        }
        let of_clean = f64::from(signal) * (1.0 - decay);
        let of_noise = (f64::from(level) * (1.0 - decay).max(0.0).sqrt()) as f32;

        let last = i + 1 == self.timesteps().len();
        let previous = self.previous.take().filter(|_| i > 0 && !(last && self.first_order_last));
        // The change of x₀ over the step before, as a slope in λ over this one.
        let of_change = match &previous {
            None => 0.0,
            Some(_) => {
                let form = match (self.heun, self.stochastic) {
                    (false, _) => 0.5 * of_clean,
                    (true, false) => f64::from(signal) * ((decay - 1.0) / h + 1.0),
                    (true, true) => f64::from(signal) * ((1.0 - decay) / (-2.0 * h) + 1.0),
                };
                form * h / (lambda(sigma) - lambda(self.sigmas[i - 1]))
            }
        };
        let (of_x, of_clean, of_change) = (of_x as f32, of_clean as f32, of_change as f32);
        for (j, x) in x.iter_mut().enumerate() {
            let change = previous.as_ref().map_or(0.0, |previous| clean[j] - previous[j]);
            *x = of_x * *x + of_clean * clean[j] + of_change * change + of_noise * noise.get(j).unwrap_or(&0.0);
        }
        self.previous = Some(clean);
    }
}
