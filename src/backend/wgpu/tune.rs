//! The choice among the ways of computing a network's largest products, by time.

use super::adapter::AdapterKind;
use super::gpu::locked;
use super::kernels::product::Sizes;
use super::pack::Packed;
use super::plans::{Plan, Problem};
use super::{Result, Wgpu};
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Time that a device spends on this in all, products that are looked at after a call, and ways that are tried for each.
const LIMIT: Duration = Duration::from_millis(1500);
const PRODUCTS: usize = 12;
const WAYS: usize = 4;
/// Operations of a product from which it is worth the time, and up to which: the largest fill a card whatever the way.
const WORTH: f64 = 5e8;
const LARGEST: f64 = 1e11;
/// Runs that are timed together, and the number of times that they are.
const CALLS: u32 = 4;
const ROUNDS: usize = 2;
/// Seconds from which a single run says enough.
const LONG: f64 = 0.005;
/// Another way must take less than this share of the guess's time.
const BETTER: f64 = 0.95;

/// The products that were looked at, and the time spent.
#[derive(Debug, Default)]
pub(super) struct Tuned {
    seen: HashSet<Problem>,
    spent: Duration,
}

/// [`Tuned`], of all handles on a device.
pub(super) type Tuning = Mutex<Tuned>;

impl Wgpu {
    /// Times the ways of computing products that are new since the last call, the largest first, and keeps the fastest of each. A
    /// software adapter is left with the guesses: each way compiles for seconds there.
    pub(super) fn tune_new(&self) -> Result<()> {
        if self.kind == AdapterKind::Software { Ok(()) } else { self.tune_within(LIMIT, WORTH) }
    }

    pub(super) fn tune_within(&self, limit: Duration, worth: f64) -> Result<()> {
        let mut tuned = locked(&self.tuned);
        let mut new: Vec<Problem> = {
            let found = locked(&self.found);
            if found.len() == tuned.seen.len() {
                return Ok(());
            }
            found.keys().filter(|problem| !tuned.seen.contains(*problem)).copied().collect()
        };
        tuned.seen.extend(new.iter().copied());
        new.retain(|problem| (worth..LARGEST).contains(&operations(problem)));
        new.sort_by(|a, b| operations(b).total_cmp(&operations(a)));
        let begun = Instant::now();
        let until = begun + limit.saturating_sub(tuned.spent);
        for problem in new.into_iter().take(PRODUCTS).take_while(|_| Instant::now() < until) {
            if let Some(plan) = self.fastest(&problem, until)? {
                log::debug!("{}: {problem:?} is computed by {plan:?}", self.name);
                self.prefer(problem, plan);
            }
        }
        tuned.spent += begun.elapsed();
        Ok(())
    }

    /// The fastest way of those that are tried until then, where that is another than the guess.
    fn fastest(&self, problem: &Problem, until: Instant) -> Result<Option<Plan>> {
        let plans = self.candidates(problem);
        let Some(sizes) = sizes(problem).filter(|_| plans.len() > 1) else { return Ok(None) };
        let seconds = plans
            .iter()
            .take(WAYS)
            .take_while(|_| Instant::now() < until)
            .map(|plan| self.seconds(problem, &sizes, *plan));
        let seconds = seconds.collect::<Result<Vec<_>>>()?;
        let best = plans.iter().zip(&seconds).min_by(|(_, a), (_, b)| a.total_cmp(b));
        let guess = seconds.first().copied().unwrap_or(f64::INFINITY);
        Ok(best.filter(|(_, seconds)| **seconds < BETTER * guess).map(|(plan, _)| *plan))
    }

    /// Seconds of one product by a plan, whatever its values; endless where there is no room for it.
    fn seconds(&self, problem: &Problem, sizes: &Sizes, plan: Plan) -> Result<f64> {
        let operator = "timing products";
        let b = Self { store: problem.store, ..self.clone() };
        let &Problem { m, n, channels, taps, store, bits, .. } = problem;
        let room = |bytes: usize, weight: bool| b.take(operator, bytes, weight).ok();
        let weights = (room(taps * channels * n * bits.bytes(), true), room(n * size_of::<f32>(), true));
        let tensors = (room(m * channels * store.bytes(), false), room(m * n * store.bytes(), false));
        let ((Some(weights), Some(bias)), (Some(x), Some(y))) = (weights, tensors) else { return Ok(f64::INFINITY) };
        let kernel = sizes.kernel;
        let packed = Packed { weights, bias, inputs: channels, outputs: n, columns: n, kernel, bits, gated: false };
        let run = || b.multiply(operator, plan, [&x, &y], &packed, sizes, [&b.nothing, &b.nothing]);
        // The first run makes the pipeline.
        run()?;
        b.recorder.finish(operator)?;
        let timed = |calls: u32| {
            let begun = Instant::now();
            (0..calls).try_for_each(|_| run())?;
            b.recorder.finish(operator)?;
            Ok(begun.elapsed().as_secs_f64() / f64::from(calls))
        };
        let mut least = timed(1)?;
        if least < LONG {
            for _ in 0..ROUNDS {
                least = least.min(timed(CALLS)?);
            }
        }
        Ok(least)
    }
}

fn operations(problem: &Problem) -> f64 {
    let &Problem { m, n, channels, taps, .. } = problem;
    2.0 * m as f64 * (n * channels * taps) as f64
}

/// Sizes of a product that is like the problem: of an image 64 pixels wide or less, or of tokens. `None` for a kernel that is not
/// square or skips tokens.
fn sizes(problem: &Problem) -> Option<Sizes> {
    let &Problem { m, n, channels, taps, pointwise, .. } = problem;
    let kernel = taps.isqrt();
    if kernel * kernel != taps || (kernel == 1 && !pointwise) {
        return None;
    }
    let width = [64, 32, 16, 8, 4, 2].into_iter().find(|width| m.is_multiple_of(*width)).filter(|_| kernel > 1);
    let sides = width.map_or([1, m], |width| [m / width, width]);
    let before = kernel / 2;
    let (walked, lying, out) = (sides, sides, sides);
    Some(Sizes { m, n, outputs: n, channels, walked, lying, out, kernel, stride: 1, before, ..Sizes::default() })
}
