//! Products on matrix units: f16 in, f32 sums. The text is written out in full, because compilers are not told to unroll.

use super::product::{JOINT_FOUR, Output};
use super::{Lanes, Store, each, head};
use std::fmt::Write as _;

/// The kernel's cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Cut {
    /// Side of the unit's matrices: 16 (NVIDIA, AMD) or 8 (Apple, Mesa's software adapter).
    pub side: u32,
    /// Threads of a subgroup.
    pub lanes: u32,
    /// Rows and columns of a workgroup's results; each of four subgroups makes a quarter.
    pub rows: u32,
    pub columns: u32,
    /// Channels of a slice.
    pub depth: u32,
}

/// The parts of the text that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Variant {
    pub cut: Cut,
    pub output: Output,
    /// Whether the image is enlarged on the way.
    pub enlarged: bool,
    /// Whether its channels lie in two parts.
    pub joint: bool,
}

/// Values that rows in workgroup memory are longer than needed, so that reads of a column meet other banks.
const PAD: u32 = 8;

/// What f32 values are multiplied with on their way into f16. Residuals of an autoencoder (1e5 in SDXL's) are beyond the range of
/// f16; what has been normalised is about 1, and loses nothing as long as it is not below 1/256, where it is off by 2e-6 at most.
/// So one factor suits all, and a power of two does not round.
const SCALE: f32 = 1.0 / 64.0;

impl Variant {
    /// For channels that are a multiple of the cut's depth, and weights in f16.
    pub(super) fn text(self, store: Store) -> String {
        let Cut { side, lanes, rows, columns, depth } = self.cut;
        let threads = lanes * 4;
        let (half_m, half_n) = (rows / 2, columns / 2);
        // Matrices of a subgroup in each direction, and vectors of four that a thread moves.
        let (down, across, deep) = (half_m / side, half_n / side, depth / side);
        let (row_a, row_b) = (depth / 4, columns / 4);
        let (own_a, own_b) = (rows * row_a / threads, depth * row_b / threads);
        let (pitch_a, pitch_b) = ((depth + PAD) / 4, (columns + PAD) / 4);
        let area = side * side;
        let pair = |part: &dyn Fn(u32, u32) -> String| each(down, |m| each(across, |n| part(m, n)));
        let (scale, unscale) = match store {
            Store::F16 => (String::new(), String::new()),
            Store::F32 => (format!(" * {SCALE:?}"), format!(" * {:?}", SCALE.recip())),
        };

        let four = if self.joint {
            JOINT_FOUR.replace("FOUR", "")
        } else {
            "return x[(pixel * s.channels + c) >> 2u];".to_owned()
        };

        let mut text = format!("enable f16;\nenable wgpu_cooperative_matrix;\n{}", head(store, Lanes::Four));
        text += "alias X = E4;\nalias W = vec4<f16>;\n";
        text += &self.output.common(self.enlarged, self.joint);
        let fetch = |way: &str| {
            each(own_a, |l| {
                format!("{way}a{l} = four_at(pixel{l}, c + (i + {o}u) % {row_a}u * 4u);\n", o = l * threads)
            }) + &each(own_b, |l| {
                let o = l * threads;
                format!("{way}b{l} = weight(k0 + (i + {o}u) / {row_b}u, n0 + (i + {o}u) % {row_b}u * 4u);\n")
            })
        };
        let _ = write!(
            text,
            "
alias MA = coop_mat{side}x{side}<f16, A>;
alias MB = coop_mat{side}x{side}<f16, B>;
alias MC = coop_mat{side}x{side}<f32, C>;
var<workgroup> sa: array<W, {}>;
var<workgroup> sb: array<W, {}>;
var<workgroup> sc: array<f32, {}>;
fn four_at(pixel: u32, c: u32) -> X {{
    if (pixel == NOWHERE) {{ return X(); }}
    {four}
}}
fn weight(k: u32, n: u32) -> W {{
    if (n >= s.n) {{ return W(); }}
    return w[(k * s.n + n) >> 2u];
}}
@compute @workgroup_size({threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32,
    @builtin(subgroup_id) subgroup: u32) {{
    // Within bounds even where subgroups are smaller than the text is written for.
    let sub = subgroup & 3u;
    let m0 = s.first + group.y * {rows}u;
    let n0 = group.x * {columns}u;
    let sm = (sub >> 1u) * {half_m}u;
    let sn = (sub & 1u) * {half_n}u;
    var k0 = group.z * s.share * {depth}u;
    let end = min(k0 + s.share * {depth}u, s.kernel * s.kernel * s.channels);
    let tap = k0 / s.channels;
    var c = k0 - tap * s.channels;
    var ky = tap / s.kernel;
    var kx = tap - ky * s.kernel;
",
            rows * pitch_a,
            depth * pitch_b,
            4 * area,
        );
        text += &pair(&|m, n| format!("var y{m}_{n} = MC();\n"));
        text += &each(own_a, |l| {
            let o = l * threads;
            format!("let row{l} = row_of(m0 + (i + {o}u) / {row_a}u);\nvar pixel{l} = pixel_at(row{l}, ky, kx);\n")
        });
        text += &fetch("var ");
        text += "loop {\nworkgroupBarrier();\n";
        text += &each(own_a, |l| {
            let o = l * threads;
            format!("sa[(i + {o}u) / {row_a}u * {pitch_a}u + (i + {o}u) % {row_a}u] = W(a{l}{scale});\n")
        });
        text += &each(own_b, |l| {
            let o = l * threads;
            format!("sb[(i + {o}u) / {row_b}u * {pitch_b}u + (i + {o}u) % {row_b}u] = b{l};\n")
        });
        // The next slice is on its way while this one is multiplied.
        let _ = write!(
            text,
            "workgroupBarrier();
k0 += {depth}u;
if (k0 < end) {{
    c += {depth}u;
    if (c == s.channels) {{
        c = 0u;
        kx += 1u;
        if (kx == s.kernel) {{ kx = 0u; ky += 1u; }}
        {}
    }}
    {}
}}
",
            each(own_a, |l| format!("pixel{l} = pixel_at(row{l}, ky, kx);\n")),
            fetch("")
        );
        for k in 0..deep {
            text += &each(down, |m| {
                let (row, at) = (m * side, k * side / 4);
                format!("let a{k}_{m} = coopLoadT<MA>(&sa[(sm + {row}u) * {pitch_a}u + {at}u], {pitch_a}u);\n")
            });
            text += &each(across, |n| {
                let at = k * side * pitch_b;
                format!("let b{k}_{n} = coopLoadT<MB>(&sb[{at}u + (sn + {}u) / 4u], {pitch_b}u);\n", n * side)
            });
            text += &pair(&|m, n| format!("y{m}_{n} = coopMultiplyAdd(a{k}_{m}, b{k}_{n}, y{m}_{n});\n"));
        }
        text += "if (k0 >= end) { break; }\n}\n";
        // The sums go through shared memory, one matrix of each subgroup at a time.
        text += &pair(&|m, n| {
            format!(
                "workgroupBarrier();
coopStoreT(y{m}_{n}, &sc[sub * {area}u], {side}u);
workgroupBarrier();
for (var e = i; e < {area}u; e += {threads}u) {{
    let p = e / {quarter}u;
    let f = e % {quarter}u * 4u;
    let at = p * {area}u + f;
    put(group.z, m0 + (p >> 1u) * {half_m}u + {}u + f / {side}u, n0 + (p & 1u) * {half_n}u + {}u + f % {side}u,
        vec4<f32>(sc[at], sc[at + 1u], sc[at + 2u], sc[at + 3u]){unscale});
}}
",
                m * side,
                n * side,
                quarter = area / 4,
            )
        });
        text + "}\n"
    }
}
