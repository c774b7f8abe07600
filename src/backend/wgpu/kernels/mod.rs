//! The kernels' texts: one idea a WGSL file, written out for how values are stored and whether they come by fours.

pub(super) mod attention;
pub(super) mod attention_units;
pub(super) mod product;
pub(super) mod rows;
pub(super) mod units;

use crate::backend::Activation;

/// The type that values are stored as. Sums are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Store {
    F32,
    F16,
}

impl Store {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }

    /// The same type, of weights.
    pub(super) fn bits(self) -> product::Bits {
        match self {
            Self::F32 => product::Bits::F32,
            Self::F16 => product::Bits::F16,
        }
    }

    /// Bytes of a value.
    pub(super) fn bytes(self) -> usize {
        self.bits().bytes()
    }
}

/// Values that a thread reads and writes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lanes {
    One,
    Four,
}

impl Lanes {
    /// Four, where all sizes are multiples of four.
    pub(super) fn of(sizes: &[usize]) -> Self {
        if sizes.iter().all(|size| size.is_multiple_of(4)) { Self::Four } else { Self::One }
    }

    pub(super) fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Four => 4,
        }
    }

    /// The vectors of this length in so many values.
    pub(super) fn in_values(self, values: usize) -> usize {
        values / self.count() as usize
    }
}

/// A kernel; each is made into a pipeline once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kernel {
    Map,
    Add(Lanes),
    Geglu(Lanes),
    Blend(Lanes),
    Upsample(Lanes),
    Copy(Lanes),
    PartialMoments(Lanes),
    GroupMoments,
    MergeMoments,
    Normalise(Lanes),
    LayerNorm(Lanes),
    Product(product::Variant),
    Rows(rows::Variant),
    /// The sums of a product's parts.
    Parts(product::Output),
    Units(units::Variant),
    Attention(attention::Variant),
    AttentionUnits(attention_units::Variant),
}

/// The number of a function in `functions.wgsl`.
pub(super) fn activation(kind: Option<Activation>) -> u32 {
    match kind {
        None => 0,
        Some(Activation::Silu) => 1,
        Some(Activation::Gelu) => 2,
        Some(Activation::QuickGelu) => 3,
        Some(Activation::Relu) => 4,
    }
}

/// E and E4: values as they are stored. S and V: what a thread reads, and the same in f32. L: how many values that is.
fn head(store: Store, lanes: Lanes) -> String {
    let (enable, e) = match store {
        Store::F32 => ("", "f32"),
        Store::F16 => ("enable f16;\n", "f16"),
    };
    let vectors = match lanes {
        Lanes::One => "alias S = E;\nalias V = f32;\nconst L = 1u;\nfn fold(v: V) -> f32 { return v; }\n",
        Lanes::Four => {
            "alias S = E4;\nalias V = vec4<f32>;\nconst L = 4u;\nfn fold(v: V) -> f32 { return dot(v, V(1.0)); }\n"
        }
    };
    format!("{enable}alias E = {e};\nalias E4 = vec4<{e}>;\n{vectors}")
}

/// Parts of a text, one after the other.
fn each(count: u32, part: impl Fn(u32) -> String) -> String {
    (0..count).map(part).collect()
}

fn functions() -> &'static str {
    include_str!("../shaders/functions.wgsl")
}

impl Kernel {
    /// Buffers that it reads.
    pub(super) fn inputs(self) -> usize {
        match self {
            Self::Map | Self::Geglu(_) | Self::Upsample(_) | Self::Copy(_) => 1,
            Self::PartialMoments(_) | Self::GroupMoments => 1,
            Self::Add(_) | Self::Blend(_) | Self::MergeMoments => 2,
            Self::LayerNorm(_) | Self::AttentionUnits(_) => 3,
            Self::Normalise(_) | Self::Attention(_) => 4,
            Self::Product(_) | Self::Rows(_) | Self::Parts(_) | Self::Units(_) => 5,
        }
    }

    /// Whether the text does without the checks that naga writes into others: no index leaves its array, every loop ends.
    pub(super) fn trusted(self) -> bool {
        matches!(self, Self::Units(_) | Self::AttentionUnits(_))
    }

    pub(super) fn text(self, store: Store) -> String {
        let with = |lanes, text: &str| head(store, lanes) + functions() + text;
        match self {
            Self::Map => with(Lanes::Four, include_str!("../shaders/map.wgsl")),
            Self::Add(lanes) => with(lanes, include_str!("../shaders/add.wgsl")),
            Self::Geglu(lanes) => with(lanes, include_str!("../shaders/geglu.wgsl")),
            Self::Blend(lanes) => with(lanes, include_str!("../shaders/blend.wgsl")),
            Self::Upsample(lanes) => with(lanes, include_str!("../shaders/upsample.wgsl")),
            Self::Copy(lanes) => with(lanes, include_str!("../shaders/copy.wgsl")),
            Self::PartialMoments(lanes) => with(lanes, include_str!("../shaders/partial_moments.wgsl")),
            Self::GroupMoments => with(Lanes::One, include_str!("../shaders/group_moments.wgsl")),
            Self::MergeMoments => with(Lanes::One, include_str!("../shaders/merge_moments.wgsl")),
            Self::Normalise(lanes) => {
                let factors = match lanes {
                    Lanes::One => "let f = of_channel(id.z, c); mean = f.x; factor = f.y;",
                    Lanes::Four => {
                        "for (var j = 0u; j < 4u; j++) {
        let f = of_channel(id.z, c * 4u + j);
        mean[j] = f.x;
        factor[j] = f.y;
    }"
                    }
                };
                with(lanes, &include_str!("../shaders/normalise.wgsl").replace("FACTORS", factors))
            }
            Self::LayerNorm(lanes) => with(lanes, include_str!("../shaders/layer_norm.wgsl")),
            Self::Product(variant) => variant.text(store),
            Self::Rows(variant) => variant.text(store),
            Self::Parts(output) => output.sums(store),
            Self::Units(variant) => variant.text(store),
            Self::Attention(variant) => variant.text(store),
            Self::AttentionUnits(variant) => variant.text(),
        }
    }
}
