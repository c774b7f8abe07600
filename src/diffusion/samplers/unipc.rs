//! UniPC.

use super::super::schedule::{ScheduleError, SchedulerConfig};
use super::Sampler;
use super::levels::{Levels, Times};
use super::process::{ForwardProcess, Level, Limit};
use std::collections::VecDeque;

/// The unified predictor–corrector for x₀ (Zhao et al. 2023, algorithms 5 and 6): each evaluation first corrects the latent
/// it was made on, then predicts the next.
#[derive(Debug, Clone)]
pub struct UniPc {
    process: ForwardProcess,
    /// The highest order of a step.
    order: usize,
    /// B(h) = h in place of eʰ − 1.
    bh1: bool,
    lower_order_final: bool,
    uncorrected: Vec<i64>,
    /// x₀ of earlier steps, the newest first.
    past: VecDeque<Vec<f32>>,
    /// The latent from which the last prediction started, and that prediction's order.
    last: Option<(Vec<f32>, usize)>,
}

impl UniPc {
    /// A sampler equal to diffusers' `UniPCMultistepScheduler.from_config(config).set_timesteps(steps)`.
    ///
    /// # Errors
    /// If `steps` is 0 or not under the training steps, or the configuration asks for something that is not supported.
    pub fn new(config: &SchedulerConfig, steps: usize) -> Result<Self, ScheduleError> {
        if !config.predict_x0 {
            return Err(ScheduleError::Unsupported("predict_x0: false"));
        }
        if !(1..=3).contains(&config.solver_order) {
            return Err(ScheduleError::Unsupported("a solver_order other than 1, 2 or 3"));
        }
        let levels = Levels::solver(config, steps, Times::UniPc)?;
        Ok(Self {
            process: levels.process(config, Level::variance_preserving, Limit::of(config, None)),
            order: config.solver_order,
            bh1: config.solver_type.as_deref() == Some("bh1"),
            lower_order_final: config.lower_order_final,
            uncorrected: config.disable_corrector.clone(),
            past: VecDeque::new(),
            last: None,
        })
    }

    fn lambda(&self, i: usize) -> f64 {
        self.process.level(i).lambda()
    }

    /// Weights of a step from level `from` to level `from + 1` with `order − 1` older predictions. The corrector has one unknown
    /// more than the predictor: the change of x₀ over this step.
    fn coefficients(&self, from: usize, order: usize, correct: bool) -> Coefficients {
        let Level { signal, noise, .. } = self.process.level(from + 1);
        let h = self.lambda(from + 1) - self.lambda(from);
        // hφ₁(−h) = e^(−h) − 1, which is also B₂.
        let phi = (-h).exp_m1();
        let scale = f64::from(signal) * if self.bh1 { -h } else { phi };
        let mut ratios: Vec<f64> = (1..order).map(|k| (self.lambda(from - k) - self.lambda(from)) / h).collect();
        let divisors = ratios.clone();
        ratios.push(1.0);
        let unknowns = if correct { order } else { order - 1 };
        let rho = match (correct, order) {
            (false, 1) => Vec::new(),
            // The paper's simplified forms.
            (false, 2) | (true, 1) => vec![0.5],
            _ => self.solve(&ratios[..unknowns], -h, phi),
        };
        Coefficients {
            of_x: f64::from(noise) / f64::from(self.process.level(from).noise),
            of_clean: -f64::from(signal) * phi,
            of_past: divisors.iter().zip(&rho).map(|(r, rho)| -scale * rho / r).collect(),
            of_change: if correct { -scale * rho[order - 1] } else { 0.0 },
        }
    }

    /// Solves Σ_k ρ_k r_k^(j−1) = j! h φ_(j+1)(h) / B(h) for ρ (equation 8 of the paper).
    fn solve(&self, ratios: &[f64], h: f64, phi: f64) -> Vec<f64> {
        let n = ratios.len();
        let b = if self.bh1 { h } else { phi };
        let mut rows = Vec::with_capacity(n);
        let (mut phi_k, mut factorial) = (phi / h - 1.0, 1.0);
        for j in 0..n {
            let mut row: Vec<f64> = ratios.iter().map(|r| r.powi(j as i32)).collect();
            row.push(phi_k * factorial / b);
            rows.push(row);
            factorial *= j as f64 + 2.0;
            phi_k = phi_k / h - 1.0 / factorial;
        }
        gauss(rows)
    }

    /// Steps `x` from level `from` to `from + 1`: `newest` is x₀ at `from`, `past` are older ones (the newest first), `here` is x₀
    /// at `from + 1`.
    fn advance(
        &self,
        coefficients: &Coefficients,
        x: &mut [f32],
        newest: &[f32],
        past: &[&Vec<f32>],
        here: Option<&[f32]>,
    ) {
        let Coefficients { of_x, of_clean, of_past, of_change } = coefficients;
        for (j, x) in x.iter_mut().enumerate() {
            let clean = f64::from(newest[j]);
            let mut sum = of_x * f64::from(*x) + of_clean * clean;
            for (factor, past) in of_past.iter().zip(past) {
                sum += factor * (f64::from(past[j]) - clean);
            }
            if let Some(here) = here {
                sum += of_change * (f64::from(here[j]) - clean);
            }
            *x = sum as f32;
        }
    }
}

/// Weights of a step.
struct Coefficients {
    of_x: f64,
    of_clean: f64,
    /// For the difference of each older prediction from the newest.
    of_past: Vec<f64>,
    /// For the change of x₀ over the step.
    of_change: f64,
}

/// Solves a linear system by Gaussian elimination with pivoting; each row ends with its right side.
fn gauss(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()));
        rows.swap(column, pivot.unwrap_or(column));
        let upper = rows[column].clone();
        for (r, row) in rows.iter_mut().enumerate() {
            if r != column {
                let factor = row[column] / upper[column];
                row.iter_mut().zip(&upper).for_each(|(v, u)| *v -= factor * u);
            }
        }
    }
    rows.iter().enumerate().map(|(i, row)| row[n] / row[i]).collect()
}

impl Sampler for UniPc {
    fn process(&self) -> &ForwardProcess {
        &self.process
    }

    fn initial_scale(&self) -> f32 {
        1.0
    }

    fn step(&mut self, i: usize, x: &mut [f32], fused: &[f32], _noise: &[f32]) {
        let clean = self.denoised(i, x, fused);
        if i == 0 {
            // A new run has no past.
            self.past.clear();
            self.last = None;
        }
        if let Some((start, order)) =
            self.last.take().filter(|(_, order)| *order <= i && !self.uncorrected.contains(&(i as i64 - 1)))
        {
            let coefficients = self.coefficients(i - 1, order, true);
            let past: Vec<&Vec<f32>> = self.past.iter().skip(1).collect();
            x.copy_from_slice(&start);
            self.advance(&coefficients, x, &self.past[0], &past, Some(&clean));
        }
        let left = self.timesteps().len() - i;
        let mut order = self.order.min(self.past.len() + 1).min(i + 1);
        if self.lower_order_final {
            order = order.min(left);
        }
        if self.process.level(i + 1).noise == 0.0 {
            // λ is infinite at the end; only the first order has a limit there.
            order = 1;
        }
        self.last = Some((x.to_vec(), order));
        let past: Vec<&Vec<f32>> = self.past.iter().collect();
        self.advance(&self.coefficients(i, order, false), x, &clean, &past, None);
        self.past.push_front(clean);
        self.past.truncate(self.order);
    }
}
