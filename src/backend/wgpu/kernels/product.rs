//! Products of patches with weights: convolutions and linear layers.

use super::{Lanes, Store, functions, head};

/// Rows and columns of a workgroup's results, and channels of a slice.
pub(in super::super) const TILE: usize = 64;
pub(in super::super) const DEPTH: usize = 16;

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
    /// Whether its channels lie in two parts.
    pub joint: bool,
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
    pub(super) fn text(self) -> [&'static str; 2] {
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
    /// Sums of a part of the depth in f32, `[part, row, column]`, without the epilogue: a second dispatch adds them.
    Part,
}

/// The place of four channels in the part that has them, both by fours.
pub(super) const JOINT_FOUR: &str = "if (c < s.joint) { return FOUR(x[(pixel * s.joint + c) >> 2u]); }
    return FOUR(residual[(pixel * (s.channels - s.joint) + c - s.joint) >> 2u]);";
const ALIGNED_FOUR: &str = "return vec4<f32>(x[at >> 2u]);";
const RAGGED_FOUR: &str = "var v = vec4<f32>(f32(x[at]), 0.0, 0.0, 0.0);
    if (c + 1u < s.channels) { v.y = f32(x[at + 1u]); }
    if (c + 2u < s.channels) { v.z = f32(x[at + 2u]); }
    if (c + 3u < s.channels) { v.w = f32(x[at + 3u]); }
    return v;";

const PART_PUT: &str = "y[((part * (s.m - s.first) + m - s.first) * s.n + n) >> 2u] = sum;";
const IMAGE: &str = "let image = select(0u, m / (s.out_height * s.out_width), s.vectors > 1u);";
const BIASED: &str = "var v = sum + bias[n >> 2u];";
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
    pub(super) fn common(self, enlarged: bool, joint: bool) -> String {
        let (put, y) = match self {
            Self::Plain(Lanes::Four) => (format!("{BIASED}\n    {IMAGE}\n    {ALIGNED_PUT}"), "E4"),
            Self::Plain(Lanes::One) => (format!("{BIASED}\n    {IMAGE}\n    {RAGGED_PUT}"), "E"),
            Self::Geglu => (format!("{BIASED}\n    {GEGLU_PUT}"), "E"),
            Self::Part => (PART_PUT.to_owned(), "vec4<f32>"),
        };
        let text = include_str!("../shaders/product_common.wgsl");
        let text = if joint {
            let put: Vec<&str> = put.lines().filter(|line| !line.contains("residual")).collect();
            text.replace("PUT", &put.join("\n")).replace("RESIDUAL", "X")
        } else {
            text.replace("PUT", &put).replace("RESIDUAL", "Y")
        };
        format!("alias Y = {y};\nconst ENLARGED = {enlarged};\n{}{text}", functions())
    }
}

impl Output {
    /// The text that adds the sums of parts.
    pub(super) fn sums(self, store: Store) -> String {
        head(store, Lanes::Four)
            + "alias X = vec4<f32>;\nalias W = vec4<u32>;\n"
            + &self.common(false, false)
            + include_str!("../shaders/product_parts.wgsl")
    }
}

impl Variant {
    pub(super) fn text(self, store: Store) -> String {
        let (x, four) = match self.input {
            Lanes::Four if self.joint => ("E4", &*JOINT_FOUR.replace("FOUR", "vec4<f32>")),
            Lanes::Four => ("E4", ALIGNED_FOUR),
            Lanes::One => ("E", RAGGED_FOUR),
        };
        let [w, weight] = self.bits.text();
        let text = include_str!("../shaders/product.wgsl").replace("FOUR", four).replace("WEIGHT", weight);
        head(store, Lanes::Four)
            + &format!("alias X = {x};\nalias W = {w};\n")
            + &self.output.common(self.enlarged, self.joint)
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
    /// Channels of the image's first part; 0 where they are all together.
    pub joint: usize,
}

impl Sizes {
    /// The words of a dispatch of the rows from `first` on, to `end`. Each part has `share` slices of the depth.
    pub(in super::super) fn words(&self, first: usize, end: usize, share: usize) -> [u32; 19] {
        let [height, width] = self.walked;
        let [in_height, in_width] = self.lying;
        let [out_height, out_width] = self.out;
        let sizes = [end, self.n, self.outputs, self.channels, height, width, in_height, in_width];
        let more = [out_height, out_width, self.kernel, self.stride, self.before, first, self.vectors];
        let mut words = [0; 19];
        words.iter_mut().zip(sizes.into_iter().chain(more)).for_each(|(word, size)| *word = size as u32);
        words[15] = self.activation;
        words[16] = u32::from(self.residual);
        words[17] = share as u32;
        words[18] = self.joint as u32;
        words
    }

    /// Multiplications and additions of one row.
    pub(in super::super) fn row_work(&self) -> f64 {
        2.0 * (self.n * self.kernel * self.kernel * self.channels) as f64
    }
}
