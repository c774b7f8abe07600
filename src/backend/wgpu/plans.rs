//! Ways of computing a product, and the choice of one by the product's sizes.
//!
//! The guess counts what a way computes in vain at the edges of its tiles, how well it fills the card, and what it writes and
//! reads besides. A measurement knows better, and may replace it in [`Plans`].

use super::Wgpu;
use super::adapter::AdapterKind;
use super::gpu::locked;
use super::kernels::Store;
use super::kernels::product::{self, Bits};
use super::kernels::rows;
use super::kernels::units::Cut;
use std::collections::HashMap;
use std::sync::Mutex;

/// The sizes of a product that decide how it is computed best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Problem {
    /// Rows of the result: pixels or tokens of all images.
    pub m: usize,
    /// Columns of the packed weights, a multiple of 4.
    pub n: usize,
    pub channels: usize,
    /// Places of the kernel, 1 in a linear layer. The depth of the product is `taps · channels`.
    pub taps: usize,
    /// Whether rows of the result are those of the input, as in a linear layer.
    pub pointwise: bool,
    /// The type of tensors, and that of weights.
    pub store: Store,
    pub bits: Bits,
}

/// A way of computing a product, in so many parts of its depth: with more than one, there are as many more workgroups, and a second
/// dispatch adds their sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub way: Way,
    pub split: usize,
}

/// The kernel of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// Any card, any sizes.
    Plain,
    /// A few rows of a linear layer.
    Rows,
    /// Matrix units.
    Units(Cut),
}

/// The plans of all products that there have been: the guess, or what was found to be better.
pub(super) type Plans = Mutex<HashMap<Problem, Plan>>;

/// Parts that a depth is split into, and the least depth of one.
const SPLITS: [usize; 5] = [1, 2, 4, 8, 16];
const SHORTEST: usize = 128;
/// Bytes of the sums of all parts, at most.
const LARGEST: usize = 64 << 20;
/// Candidates that are worth a measurement.
const CANDIDATES: usize = 6;
/// Candidates are guessed to be at most so many times slower than the first.
const SLOWER: f64 = 4.0;

/// Operations that a card does while it moves a byte, and while it begins a dispatch.
const PER_BYTE: f64 = 40.0;
const PER_DISPATCH: f64 = 3e8;
/// The speed of plain cores, where matrix units with large tiles have 1.
const PLAIN: f64 = 0.1;

/// The time of reading a matrix from workgroup memory, where multiplying two takes 1.
const READS: f64 = 0.7;

/// Workgroups that keep a card of this kind busy, about.
pub(super) fn busy(kind: AdapterKind) -> usize {
    match kind {
        AdapterKind::Discrete | AdapterKind::Virtual | AdapterKind::Other => 256,
        AdapterKind::Integrated => 64,
        AdapterKind::Software => 4,
    }
}

impl Way {
    /// Rows and columns of a workgroup's results.
    pub(super) fn tile(self) -> [usize; 2] {
        match self {
            Self::Plain => [product::TILE; 2],
            Self::Rows => [rows::ROWS, rows::COLUMNS],
            Self::Units(cut) => [cut.rows, cut.columns].map(|size| size as usize),
        }
    }

    /// Slices of the depth that a workgroup multiplies one after the other.
    pub(super) fn slices(self, problem: &Problem) -> usize {
        let depth = match self {
            Self::Plain => product::DEPTH,
            Self::Rows => return 1,
            Self::Units(cut) => cut.depth as usize,
        };
        problem.taps * problem.channels.div_ceil(depth)
    }

    fn takes(self, problem: &Problem) -> bool {
        match self {
            Self::Plain => true,
            Self::Rows => problem.m <= rows::ROWS && problem.pointwise,
            Self::Units(cut) => problem.bits == Bits::F16 && problem.channels.is_multiple_of(cut.depth as usize),
        }
    }

    fn speed(self) -> f64 {
        let [rows, columns] = self.tile().map(|size| size as f64);
        match self {
            Self::Plain => PLAIN,
            // Waits for weights, of which it reads each once; few workgroups suffice for that.
            Self::Rows => 2.0 * PLAIN,
            // Small tiles wait for workgroup memory: so many more matrices are read for each product than with 128 × 128.
            Self::Units(_) => (1.0 + READS * (32.0 * (rows + columns) / (rows * columns) - 0.5)).recip(),
        }
    }
}

impl Plan {
    fn takes(self, problem: &Problem) -> bool {
        let &Problem { m, n, channels, taps, .. } = problem;
        let short = self.split > 1 && taps * channels < self.split * SHORTEST;
        let large = self.split > 1 && m.saturating_mul(n).saturating_mul(4 * self.split) > LARGEST;
        self.way.takes(problem) && !short && !large && self.split <= self.way.slices(problem)
    }

    /// Operations that a card could do in the time, by guess.
    fn cost(self, problem: &Problem, busy: usize) -> f64 {
        let &Problem { m, n, channels, taps, .. } = problem;
        let [rows, columns] = self.way.tile();
        let (down, across) = (m.div_ceil(rows), n.div_ceil(columns));
        let operations = (2 * down * rows * across * columns * taps * channels) as f64 / self.way.speed();
        let idle = (busy as f64 / (down * across * self.split) as f64).max(1.0);
        let sums = if self.split > 1 { (8 * self.split * m * n) as f64 * PER_BYTE + PER_DISPATCH } else { 0.0 };
        operations * idle + sums
    }
}

/// All plans of a card with these cuts for matrix units.
pub(super) fn all(cuts: &[Cut]) -> impl Iterator<Item = Plan> {
    let ways = [Way::Plain, Way::Rows].into_iter().chain(cuts.iter().copied().map(Way::Units));
    ways.flat_map(|way| SPLITS.map(|split| Plan { way, split }))
}

/// The plans of a product that may be the fastest on a card that takes so many workgroups, the best guess first.
fn ranked(problem: &Problem, cuts: &[Cut], busy: usize) -> Vec<Plan> {
    let plans = all(cuts).filter(|plan| plan.takes(problem));
    let mut costs: Vec<(f64, Plan)> = plans.map(|plan| (plan.cost(problem, busy), plan)).collect();
    costs.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let most = costs.first().map_or(0.0, |(least, _)| SLOWER * least);
    costs.into_iter().filter(|(cost, _)| *cost <= most).take(CANDIDATES).map(|(_, plan)| plan).collect()
}

impl Wgpu {
    /// The ways of computing a product that may be the fastest, the best guess first. There is one at least.
    pub(super) fn candidates(&self, problem: &Problem) -> Vec<Plan> {
        ranked(problem, &self.cuts, self.busy)
    }

    /// The plan of a product: the one that was found for it, else the best guess.
    pub(super) fn plan(&self, problem: &Problem) -> Plan {
        if let Some(plan) = self.forced.filter(|plan| plan.takes(problem)) {
            return plan;
        }
        if let Some(found) = locked(&self.found).get(problem) {
            return *found;
        }
        let guess = self.candidates(problem).first().copied().unwrap_or(Plan { way: Way::Plain, split: 1 });
        self.prefer(*problem, guess);
        guess
    }

    /// Computes products of these sizes by this plan from now on.
    pub(super) fn prefer(&self, problem: Problem, plan: Plan) {
        locked(&self.found).insert(problem, plan);
    }

    /// The same card, computing every product by this plan that it takes.
    pub(super) fn by(&self, plan: Plan) -> Self {
        Self { forced: Some(plan), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The guess for a product of f16 tensors on a large card with units.
    fn guess(m: usize, n: usize, channels: usize, taps: usize) -> Plan {
        let cut = |[rows, columns]: [u32; 2]| Cut { side: 16, lanes: 32, rows, columns, depth: 32 };
        let cuts = [[128, 128], [128, 64], [64, 64]].map(cut);
        let (store, bits) = (Store::F16, Bits::F16);
        let problem = Problem { m, n, channels, taps, pointwise: taps == 1, store, bits };
        let plans = ranked(&problem, &cuts, busy(AdapterKind::Discrete));
        assert!(plans.len() <= CANDIDATES && plans.iter().all(|plan| plan.takes(&problem)), "{plans:?}");
        plans[0]
    }

    #[test]
    fn large_levels_take_large_tiles_and_small_levels_are_split() {
        // SD 1.5 of 512 × 512, eight pictures: its largest convolution, whose columns are no multiple of 128.
        let Plan { way: Way::Units(cut), split: 1 } = guess(8 * 4096, 320, 320, 9) else { panic!("no units") };
        assert_eq!((cut.rows, cut.columns), (128, 64));
        let Plan { way: Way::Units(cut), split: 1 } = guess(8 * 4096, 1280, 640, 9) else { panic!("no units") };
        assert_eq!((cut.rows, cut.columns), (128, 128));
        // Its middle for one picture: 8 × 8 pixels.
        let Plan { way: Way::Units(_), split } = guess(64, 1280, 1280, 9) else { panic!("no units") };
        assert!(split > 4, "{split}");
        // Few rows of little depth do not pay for a second dispatch.
        assert_eq!(guess(64, 320, 64, 1).split, 1);
    }

    #[test]
    fn vectors_are_multiplied_row_by_row_and_odd_channels_on_plain_cores() {
        assert_eq!(guess(1, 1280, 320, 1), Plan { way: Way::Rows, split: 1 });
        assert_eq!(guess(4, 1280, 1280, 1), Plan { way: Way::Rows, split: 1 });
        assert_eq!(guess(4096, 320, 4, 9), Plan { way: Way::Plain, split: 1 });
    }
}
