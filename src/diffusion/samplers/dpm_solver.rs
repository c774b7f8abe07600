//! DPM-Solver++ (2M), as an ODE and as an SDE.

use super::super::schedule::{FinalSigma, ScheduleError, SchedulerConfig};
use super::Sampler;
use super::levels::{Levels, Times};
use super::process::{ForwardProcess, Level, Limit};

/// The multistep solver of second order for x₀ (Lu et al. 2022b, DPM-Solver++, algorithm 2), and its form for the diffusion
/// SDE (equation 18 there).
#[derive(Debug, Clone)]
pub struct DpmSolver {
    process: ForwardProcess,
    stochastic: bool,
    /// Heun's form of the second-order term in place of the midpoint's.
    heun: bool,
    /// True where the last step is of first order.
    first_order_last: bool,
    /// x₀ of the step before.
    previous: Option<Vec<f32>>,
}

impl DpmSolver {
    /// A sampler equal to diffusers' `DPMSolverMultistepScheduler.from_config(config, algorithm_type=…, solver_order=2)`, with
    /// `dpmsolver++`, or `sde-dpmsolver++` where `stochastic`.
    ///
    /// # Errors
    /// If `steps` is 0 or not under the training steps, or the configuration asks for a spacing that is not supported.
    pub fn new(config: &SchedulerConfig, steps: usize, stochastic: bool) -> Result<Self, ScheduleError> {
        let levels = Levels::solver(config, steps, Times::DpmSolver)?;
        let first_order_last = config.euler_at_final
            || (config.lower_order_final && steps < 15)
            || config.final_sigmas_type == FinalSigma::Zero;
        Ok(Self {
            process: levels.process(config, Level::variance_preserving, Limit::of(config, None)),
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
        self.stochastic && self.process.level(i + 1).noise > 0.0
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], noise: &[f32]) {
        let clean = self.denoised(i, x, fused);
        let (here, next) = (self.process.level(i), self.process.level(i + 1));
        let (signal, noise_next) = (f64::from(next.signal), f64::from(next.noise));
        // Infinite where the noise ends.
        let h = next.lambda() - here.lambda();
        let decay = if self.stochastic { (-2.0 * h).exp() } else { (-h).exp() };
        let mut of_x = noise_next / f64::from(here.noise);
        if self.stochastic {
            of_x *= (-h).exp();
        }
        let of_clean = signal * (1.0 - decay);
        let of_noise = (noise_next * (1.0 - decay).max(0.0).sqrt()) as f32;

        let last = i + 1 == self.timesteps().len();
        let previous = self.previous.take().filter(|_| i > 0 && !(last && self.first_order_last));
        // The change of x₀ over the step before, as a slope in λ over this one.
        let of_change = match &previous {
            None => 0.0,
            Some(_) => {
                let form = match (self.heun, self.stochastic) {
                    (false, _) => 0.5 * of_clean,
                    (true, false) => signal * ((decay - 1.0) / h + 1.0),
                    (true, true) => signal * ((1.0 - decay) / (-2.0 * h) + 1.0),
                };
                form * h / (here.lambda() - self.process.level(i - 1).lambda())
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
