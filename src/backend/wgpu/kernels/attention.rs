//! Attention in one pass over the keys.

use super::{Lanes, Store, head};
use std::fmt::Write as _;

/// Threads of one query.
const THREADS: u32 = 8;

/// The kernel's cut for a head's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Variant {
    lanes: Lanes,
    /// The head's width in vectors of `lanes`.
    width: u32,
    /// Queries a workgroup.
    pub queries: u32,
    /// Keys at a time.
    tile: u32,
}

impl Variant {
    /// The cut for heads of `depth` within tokens of `width`, with so many bytes of workgroup memory; `None` where no cut fits.
    pub(in super::super) fn new(depth: usize, width: usize, shared: u32) -> Option<Self> {
        let lanes = Lanes::of(&[depth, width]);
        let depth = u32::try_from(depth).ok()?;
        let fits = |&(queries, tile): &(u32, u32)| {
            let values = queries.checked_add(tile)?.checked_mul(depth)? + queries * (tile + 1);
            (values.checked_mul(4)? <= shared).then_some(())
        };
        let cuts = [(16, 32), (16, 16), (16, 8), (4, 8), (1, 8)];
        let (queries, tile) = cuts.into_iter().find(|cut| fits(cut).is_some())?;
        Some(Self { lanes, width: depth / lanes.count(), queries, tile })
    }

    pub(in super::super) fn lanes(self) -> Lanes {
        self.lanes
    }

    pub(super) fn text(self, store: Store) -> String {
        let Self { lanes, width, queries, tile } = self;
        let mut text = head(store, lanes);
        let _ = write!(
            text,
            "const D = {width}u;\nconst Q = {queries}u;\nconst TILE = {tile}u;\nconst THREADS = {}u;\n",
            queries * THREADS
        );
        // Every thread has each 8th vector of its query's result; the last may be past the head's end.
        let own = width.div_ceil(THREADS);
        let mut outputs = String::new();
        let mut fades = String::new();
        let mut sums = String::new();
        let mut writes = String::new();
        for o in 0..own {
            let guard =
                if (o + 1) * THREADS > width { format!("if (lane + {}u < D) ", o * THREADS) } else { String::new() };
            let _ = write!(outputs, "var o{o} = V(); ");
            let _ = write!(fades, "o{o} *= fade; ");
            let _ = write!(sums, "{guard}{{ o{o} += p * skv[j * D + lane + {}u]; }} ", o * THREADS);
            let _ = write!(writes, "{guard}{{ y[at + {}u] = S(o{o} / sum); }} ", o * THREADS);
        }
        // A thread's scores side by side: each part of the query is read once for all of them.
        let own = tile / THREADS;
        let each = |part: &dyn Fn(u32) -> String| (0..own).map(part).collect::<String>();
        let scores = format!(
            "{} for (var e = 0u; e < D; e++) {{ let a = sq[row * D + e]; {} }} {}",
            each(&|j| format!("var s{j} = V(); ")),
            each(&|j| format!("s{j} += a * skv[(lane + {}u) * D + e]; ", j * THREADS)),
            each(&|j| format!(
                "sp[row * PITCH + lane + {0}u] = masked(fold(s{j}), group.z, q0 + row, k0 + lane + {0}u); ",
                j * THREADS
            )),
        );
        text + &include_str!("../shaders/attention.wgsl")
            .replace("OUTPUTS", &outputs)
            .replace("FADES", &fades)
            .replace("SCORES", &scores)
            .replace("SUMS", &sums)
            .replace("WRITES", &writes)
    }
}
