//! Products of patches with weights: convolutions and linear layers.

use super::{Lanes, Store, functions, head};

/// Rows and columns of a workgroup's results.
pub(in super::super) const TILE: usize = 64;

/// The parts of the text that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Variant {
    /// Whether pixels have channels by fours.
    pub input: Lanes,
    /// Whether results have columns by fours.
    pub output: Output,
    /// The type that weights lie in.
    pub bits: Bits,
    /// Whether the image is enlarged on the way.
    pub enlarged: bool,
}

/// The type that weights lie in. Those of 16 bits are read by any card, whether it computes in them or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) enum Bits {
    F32,
    F16,
    Bf16,
}

impl Bits {
    /// Bytes of a weight.
    pub(in super::super) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Four weights in the text, and how they are read.
    fn text(self) -> [&'static str; 2] {
        match self {
            Self::F32 => ["vec4<f32>", "return four;"],
            Self::F16 => ["vec2<u32>", "return vec4<f32>(unpack2x16float(four.x), unpack2x16float(four.y));"],
            // The upper half of an f32.
            Self::Bf16 => [
                "vec2<u32>",
                "return bitcast<vec4<f32>>(vec4<u32>(four << vec2<u32>(16u), four & vec2<u32>(0xffff0000u)).xzyw);",
            ],
        }
    }
}

/// The way that four sums of a row are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) enum Output {
    /// As they are.
    Plain(Lanes),
    /// Columns are packed as two values and their two gates: value · gelu(gate).
    Geglu,
}

const ALIGNED_FOUR: &str = "return vec4<f32>(x[at >> 2u]);";
const RAGGED_FOUR: &str = "var v = vec4<f32>(f32(x[at]), 0.0, 0.0, 0.0);
    if (c + 1u < s.channels) { v.y = f32(x[at + 1u]); }
    if (c + 2u < s.channels) { v.z = f32(x[at + 2u]); }
    if (c + 3u < s.channels) { v.w = f32(x[at + 3u]); }
    return v;";

const IMAGE: &str = "let image = select(0u, m / (s.out_height * s.out_width), s.vectors > 1u);";
const ALIGNED_PUT: &str = "let at = (m * s.n + n) >> 2u;
    if (s.vectors != 0u) { v += vec4<f32>(vector[(image * s.n + n) >> 2u]); }
    v = activated(v, s.activation);
    if (s.residual != 0u) { v += vec4<f32>(residual[at]); }
    y[at] = E4(v);";
const RAGGED_PUT: &str = "let at = m * s.outputs + n;
    let count = min(4u, s.outputs - n);
    if (s.vectors != 0u) {
        for (var j = 0u; j < count; j++) { v[j] += f32(vector[image * s.outputs + n + j]); }
    }
    v = activated(v, s.activation);
    for (var j = 0u; j < count; j++) {
        if (s.residual != 0u) { v[j] += f32(residual[at + j]); }
        y[at + j] = E(v[j]);
    }";
const GEGLU_PUT: &str = "let pair = v.xy * gelu(v.zwzw).xy;
    let c = n >> 1u;
    for (var j = 0u; j < min(2u, s.outputs - c); j++) { y[m * s.outputs + c + j] = E(pair[j]); }";

impl Output {
    /// The text that all products share, with the result's type.
    pub(super) fn common(self, enlarged: bool) -> String {
        let (put, y) = match self {
            Self::Plain(Lanes::Four) => (format!("{IMAGE}\n    {ALIGNED_PUT}"), "E4"),
            Self::Plain(Lanes::One) => (format!("{IMAGE}\n    {RAGGED_PUT}"), "E"),
            Self::Geglu => (GEGLU_PUT.to_owned(), "E"),
        };
        let text = include_str!("../shaders/product_common.wgsl").replace("PUT", &put);
        format!("alias Y = {y};\nconst ENLARGED = {enlarged};\n{}{text}", functions())
    }
}

impl Variant {
    pub(super) fn text(self, store: Store) -> String {
        let (x, four) = match self.input {
            Lanes::Four => ("E4", ALIGNED_FOUR),
            Lanes::One => ("E", RAGGED_FOUR),
        };
        let [w, weight] = self.bits.text();
        let text = include_str!("../shaders/product.wgsl").replace("FOUR", four).replace("WEIGHT", weight);
        head(store, Lanes::Four)
            + &format!("alias X = {x};\nalias W = {w};\n")
            + &self.output.common(self.enlarged)
            + &text
    }
}

/// Sizes of a product, in the order of the text's struct.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Sizes {
    /// Rows of the result, and columns of the packed weights (a multiple of 4).
    pub m: usize,
    pub n: usize,
    /// Columns of the result.
    pub outputs: usize,
    pub channels: usize,
    /// Sides that the kernel walks over.
    pub walked: [usize; 2],
    /// Sides of the image as it lies.
    pub lying: [usize; 2],
    pub out: [usize; 2],
    pub kernel: usize,
    pub stride: usize,
    pub before: usize,
    pub vectors: usize,
    pub activation: u32,
    pub residual: bool,
}

impl Sizes {
    /// The words of a dispatch of the rows from `first` on, to `end`.
    pub(in super::super) fn words(&self, first: usize, end: usize) -> [u32; 17] {
        let [height, width] = self.walked;
        let [in_height, in_width] = self.lying;
        let [out_height, out_width] = self.out;
        let sizes = [end, self.n, self.outputs, self.channels, height, width, in_height, in_width];
        let more = [out_height, out_width, self.kernel, self.stride, self.before, first, self.vectors];
        let mut words = [0; 17];
        words.iter_mut().zip(sizes.into_iter().chain(more)).for_each(|(word, size)| *word = size as u32);
        words[15] = self.activation;
        words[16] = u32::from(self.residual);
        words
    }

    /// Multiplications and additions of one row.
    pub(in super::super) fn row_work(&self) -> f64 {
        2.0 * (self.n * self.kernel * self.kernel * self.channels) as f64
    }
}
