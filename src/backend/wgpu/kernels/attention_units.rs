//! Attention on matrix units: f16 in, f32 sums, one pass over the keys. The text is written out in full, because compilers are not
//! told to unroll.

use super::{Lanes, Store, each, head};
use std::fmt::Write as _;

/// The kernel's cut on this adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Cut {
    /// Side of the unit's matrices: 16 or 8.
    pub side: u32,
    /// Threads of a subgroup.
    pub lanes: u32,
    /// Subgroups of a workgroup at most.
    pub subgroups: u32,
    /// Matrices of queries that a subgroup has at most: what is read of a key serves all of them.
    pub blocks: u32,
    /// Keys at a time.
    pub keys: u32,
}

/// The kernel for a head's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Variant {
    cut: Cut,
    /// The head's width, a multiple of 4.
    depth: u32,
}

/// Widths of heads that keep a subgroup's sums in registers; with two matrices of queries, up to the second.
const WIDEST: usize = 160;
const WIDEST_TWICE: u32 = 80;

impl Variant {
    /// The cut for heads of `depth`, with so many bytes of workgroup memory; `None` where none fits.
    pub(in super::super) fn new(most: Cut, depth: usize, shared: u32) -> Option<Self> {
        if !depth.is_multiple_of(4) || depth > WIDEST {
            return None;
        }
        let depth = depth as u32;
        let blocks = if depth > WIDEST_TWICE { 1 } else { most.blocks };
        let cuts =
            [(most.subgroups, blocks), (most.subgroups, 1), (most.subgroups / 2, blocks), (most.subgroups / 2, 1)];
        let variants = cuts.map(|(subgroups, blocks)| Self { cut: Cut { subgroups, blocks, ..most }, depth });
        variants.into_iter().find(|variant| variant.cut.subgroups > 0 && variant.bytes() <= shared)
    }

    /// Queries of a workgroup.
    pub(in super::super) fn queries(self) -> u32 {
        self.cut.subgroups * self.cut.blocks * self.cut.side
    }

    /// Rows of keys, or of queries, that lie in workgroup memory at a time.
    fn stage(self) -> u32 {
        (self.cut.subgroups * self.cut.side).max(self.cut.keys)
    }

    /// The head's width, filled up to whole matrices.
    fn wide(self) -> u32 {
        self.depth.next_multiple_of(self.cut.side)
    }

    fn bytes(self) -> u32 {
        let (rows, keys) = (self.queries(), self.cut.keys);
        2 * self.stage() * (self.wide() + 8) + rows * (4 * (keys + 4) + 2 * (keys + 8) + 4) + 4
    }

    /// Matrices of a head's width, and of the keys at a time.
    fn matrices(self) -> (u32, u32) {
        (self.wide() / self.cut.side, self.cut.keys / self.cut.side)
    }

    pub(super) fn text(self) -> String {
        let Cut { side, lanes, subgroups, blocks, keys } = self.cut;
        let mut text = format!("enable f16;\nenable wgpu_cooperative_matrix;\n{}", head(Store::F16, Lanes::Four));
        for (kind, of) in [("A", "f16"), ("B", "f16"), ("C", "f32")] {
            let _ = writeln!(text, "alias M{kind} = coop_mat{side}x{side}<{of}, {kind}>;");
        }
        for (name, value) in [
            ("SIDE", side),
            ("LANES", lanes),
            ("SUBS", subgroups),
            ("BLOCKS", blocks),
            ("KEYS", keys),
            ("STAGE", self.stage()),
            ("D", self.depth / 4),
            ("WIDE", self.wide() / 4),
        ] {
            let _ = writeln!(text, "const {name} = {value}u;");
        }
        let threads = Threads::new(self.cut);
        text + &include_str!("../shaders/attention_units.wgsl")
            .replace("OWN_ROWS", &threads.rows())
            .replace("FETCH_FIRST_KEYS", &self.fetch("var a", "k", "0u"))
            .replace("FETCH_NEXT_KEYS", &self.fetch("a", "k", "k0 + KEYS"))
            .replace("FETCH_VALUES", &self.fetch("let b", "v", "k0"))
            .replace("PUT_KEYS", &self.put("a"))
            .replace("PUT_VALUES", &self.put("b"))
            .replace("QUERIES", &self.load_queries())
            .replace("SOFTMAX", &threads.softmax(keys))
            .replace("PRODUCTS", &self.products())
            .replace("SUMS", &self.sums())
            .replace("FADE", &self.fade())
            .replace("TOTALS", &threads.totals())
            .replace("WRITE", &self.write())
    }

    /// Queries on their way into matrices, a block of every subgroup at a time, and the sums' beginning.
    fn load_queries(self) -> String {
        let (deep, _) = self.matrices();
        each(self.cut.blocks, |b| {
            let load = each(deep, |e| {
                format!(
                    "let q{b}_{e} = coopLoadT<MA>(&tile[sub * SIDE * PITCH + {e}u * QUARTER], PITCH);
    var y{b}_{e} = MC();
    "
                )
            });
            format!(
                "workgroupBarrier();
    for (var e = i; e < SUBS * SIDE * D; e += THREADS) {{
        let row = e / D;
        let query = min(q0 + (row / SIDE * BLOCKS + {b}u) * SIDE + row % SIDE, s.queries - 1u);
        tile[row * PITCH + e % D] = q[qb + query * s.width + e % D];
    }}
    workgroupBarrier();
    {load}"
            )
        })
    }

    /// Vectors of a tile of keys, and how many of them a thread moves. The last may be past the end.
    fn moves(self) -> (u32, u32, u32) {
        let (vectors, threads) = (self.cut.keys * self.depth / 4, self.cut.subgroups * self.cut.lanes);
        (vectors, threads, vectors.div_ceil(threads))
    }

    /// A tile of keys or values from `first` on into registers; keys past the end are the last one again, which nobody sees.
    fn fetch(self, name: &str, from: &str, first: &str) -> String {
        let (vectors, threads, own) = self.moves();
        each(own, |l| {
            let o = l * threads;
            let e =
                if o + threads <= vectors { format!("(i + {o}u)") } else { format!("min(i + {o}u, {}u)", vectors - 1) };
            format!("{name}{l} = {from}[kb + min({first} + {e} / D, s.keys - 1u) * s.width + {e} % D];\n        ")
        })
    }

    /// The same from registers into workgroup memory.
    fn put(self, name: &str) -> String {
        let (vectors, threads, own) = self.moves();
        each(own, |l| {
            let o = l * threads;
            let guard = if o + threads <= vectors { String::new() } else { format!("if (i + {o}u < {vectors}u) ") };
            format!("{guard}{{ tile[(i + {o}u) / D * PITCH + (i + {o}u) % D] = {name}{l}; }}\n        ")
        })
    }

    /// Scores: products of queries with keys, which lie row by row and are wanted in columns.
    fn products(self) -> String {
        let (deep, along) = self.matrices();
        let blocks = self.cut.blocks;
        each(along, |j| {
            let begin = each(blocks, |b| format!("var s{j}_{b} = MC();\n        "));
            let products = each(deep, |e| {
                let at = format!("{j}u * SIDE * PITCH + {e}u * QUARTER");
                let load = format!("let k{j}_{e} = coopLoad<MB>(&tile[{at}], PITCH);\n        ");
                load + &each(blocks, |b| format!("s{j}_{b} = coopMultiplyAdd(q{b}_{e}, k{j}_{e}, s{j}_{b});\n        "))
            });
            let store = each(blocks, |b| {
                format!(
                    "coopStoreT(s{j}_{b}, &scores[(own + {b}u * SIDE) * SCORES + {j}u * QUARTER], SCORES);\n        "
                )
            });
            begin + &products + &store
        })
    }

    /// Products of weights with values, added to the sums.
    fn sums(self) -> String {
        let (deep, along) = self.matrices();
        let blocks = self.cut.blocks;
        each(along, |j| {
            let weights = each(blocks, |b| {
                let at = format!("(own + {b}u * SIDE) * WEIGHTS + {j}u * QUARTER");
                format!("let p{j}_{b} = coopLoadT<MA>(&weights[{at}], WEIGHTS);\n        ")
            });
            weights
                + &each(deep, |e| {
                    let at = format!("{j}u * SIDE * PITCH + {e}u * QUARTER");
                    let load = format!("let v{j}_{e} = coopLoadT<MB>(&tile[{at}], PITCH);\n        ");
                    load + &each(blocks, |b| {
                        format!("y{b}_{e} = coopMultiplyAdd(p{j}_{b}, v{j}_{e}, y{b}_{e});\n        ")
                    })
                })
        })
    }

    /// The sums by way of workgroup memory, in the place of scores, as many matrices at a time as lie there side by side: `on`
    /// is done to each vector at `at`, which is of row `row` and column `c`. With `back` they become matrices again.
    fn through_memory(self, on: &str, back: bool) -> String {
        let (deep, along) = self.matrices();
        each(deep.div_ceil(along), |chunk| {
            let (first, count) = (chunk * along, along.min(deep - chunk * along));
            let all = |part: &dyn Fn(u32, u32, &str) -> String| {
                each(self.cut.blocks, |b| {
                    each(count, |e| {
                        part(b, first + e, &format!("&scores[(own + {b}u * SIDE) * SCORES + {e}u * QUARTER]"))
                    })
                })
            };
            let store = all(&|b, e, at| format!("coopStoreT(y{b}_{e}, {at}, SCORES);\n    "));
            let load = || all(&|b, e, at| format!("y{b}_{e} = coopLoadT<MC>({at}, SCORES);\n    "));
            let load = if back { format!("workgroupBarrier();\n    {}", load()) } else { String::new() };
            format!(
                "workgroupBarrier();
    {store}
    workgroupBarrier();
    for (var e = lane; e < BLOCKS * SIDE * {count}u * QUARTER; e += LANES) {{
        let row = own + e / ({count}u * QUARTER);
        let c = {first}u * QUARTER + e % ({count}u * QUARTER);
        let at = row * SCORES + e % ({count}u * QUARTER);
        {on}
    }}
    {load}"
            )
        })
    }

    fn fade(self) -> String {
        self.through_memory("scores[at] *= fades[row];", true)
    }

    fn write(self) -> String {
        let y = "y[qb + (q0 + row) * s.width + c] = E4(scores[at] / fades[row]);";
        self.through_memory(&format!("if (q0 + row < s.queries && c < D) {{ {y} }}"), false)
    }
}

/// The threads of a subgroup in the softmax: some share a query, or one has several. Each has every `share`-th vector of its
/// queries' scores.
struct Threads {
    /// Threads of a query.
    share: u32,
    /// Queries of a thread, and the rows between them.
    own: u32,
    step: u32,
}

impl Threads {
    fn new(Cut { side, lanes, blocks, .. }: Cut) -> Self {
        let rows = blocks * side;
        let share = (lanes / rows).max(1);
        Self { share, own: rows * share / lanes, step: lanes / share }
    }

    fn rows(&self) -> String {
        let &Self { share, own, step } = self;
        let rows = each(own, |t| {
            let row = format!("own + lane / {share}u + {}u", t * step);
            format!("let row{t} = {row};\n    var top{t} = HIDDEN;\n    var sum{t} = 0.0;\n    ")
        });
        format!("let part = lane % {share}u;\n    {rows}")
    }

    /// What the threads of a query have together.
    fn joined(&self, value: &str, join: impl Fn(&str) -> String) -> String {
        each(self.share.ilog2(), |bit| {
            format!("{value} = {};\n            ", join(&format!("subgroupShuffleXor({value}, {}u)", 1 << bit)))
        })
    }

    fn softmax(&self, keys: u32) -> String {
        let (share, vectors) = (self.share, keys / 4 / self.share);
        let all = |part: &dyn Fn(u32, String) -> String| each(vectors, |j| part(j, format!("part + {}u", j * share)));
        each(self.own, |t| {
            format!(
                "{{
            {}
            if (k0 + KEYS > s.keys) {{ {} }}
            var four = x0;
            {}
            var high = max(max(four.x, four.y), max(four.z, four.w));
            {}
            var fade = 1.0;
            if (high > top{t} + 8.0) {{
                fade = exp2(top{t} - high);
                top{t} = high;
                if (k0 != 0u) {{ grown = 1u; }}
            }}
            if (part == 0u) {{ fades[row{t}] = fade; }}
            sum{t} *= fade;
            {}
        }}
        ",
                all(&|j, at| format!("var x{j} = scores[row{t} * SCORES + {at}] * s.scale;\n            ")),
                all(&|j, at| format!("x{j} = seen(x{j}, k0 + ({at}) * 4u); ")),
                each(vectors - 1, |j| format!("four = max(four, x{}); ", j + 1)),
                self.joined("high", |other| format!("max(high, {other})")),
                all(&|j, at| format!(
                    "x{j} = exp2(x{j} - top{t});
            sum{t} += fold(x{j});
            weights[row{t} * WEIGHTS + {at}] = E4(x{j});
            "
                )),
            )
        })
    }

    fn totals(&self) -> String {
        each(self.own, |t| {
            let sum = format!("sum{t}");
            let total = self.joined(&sum, |other| format!("{sum} + {other}"));
            format!("{total}if (part == 0u) {{ fades[row{t}] = {sum}; }}\n    ")
        })
    }
}
