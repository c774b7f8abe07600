//! Weights in the order in which products read them, in the words that their file has.

use crate::set::Set;
use crate::threads::{Aligned, Shared, spread};
use crate::{Error, Result};

/// Inputs whose weights are read before the next column's: their words stay in the first cache while columns go by.
const INPUTS: usize = 64;

/// The values of a weight as they lie in a file (little-endian, of any alignment) or in memory.
#[derive(Debug, Clone, Copy)]
pub enum Words<'a> {
    /// IEEE half precision.
    F16(&'a [u8]),
    /// The upper half of an f32.
    Bf16(&'a [u8]),
    /// IEEE single precision.
    F32(&'a [u8]),
    /// Values in memory.
    Values(&'a [f32]),
}

impl Words<'_> {
    fn len(&self) -> usize {
        match self {
            Self::F16(bytes) | Self::Bf16(bytes) => bytes.len() / 2,
            Self::F32(bytes) => bytes.len() / 4,
            Self::Values(values) => values.len(),
        }
    }
}

/// Packed words.
pub(crate) enum Stored {
    F16(Aligned<u16>),
    Bf16(Aligned<u16>),
    F32(Aligned<f32>),
}

/// Packed weights of a linear layer or a convolution, with the kernels that they are packed for.
pub struct Weights {
    pub(crate) set: &'static Set,
    /// Inputs times taps.
    pub(crate) depth: usize,
    pub(crate) outputs: usize,
    /// Columns with those that fill up vectors of values and gates.
    pub(crate) columns: usize,
    /// See [`Weights::gated`].
    pub(crate) gated: bool,
    /// Panel by panel, step by step; the last panel has no more vectors than it needs.
    pub(crate) stored: Stored,
    /// Of as many values as there are columns.
    pub(crate) bias: Option<Vec<f32>>,
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Weights({} to {}, {:?})", self.depth, self.outputs, self.set)
    }
}

impl Weights {
    /// Packs `[outputs, inputs, taps]` and a bias `[outputs]` for the kernels of `set`; a linear layer has one tap.
    ///
    /// # Errors
    /// If sizes do not fit, or there is no room.
    pub fn new(
        set: &'static Set,
        words: Words,
        bias: Option<&[f32]>,
        [outputs, inputs, taps]: [usize; 3],
    ) -> Result<Self> {
        Self::pack(set, words, bias, [outputs, inputs, taps], false)
    }

    /// Packs a linear layer `[outputs, inputs]` whose result is its first half of outputs times the GELU of the second, each
    /// vector of values beside that of its gates.
    ///
    /// # Errors
    /// If sizes do not fit, or there is no room.
    pub fn gated(set: &'static Set, words: Words, bias: Option<&[f32]>, [outputs, inputs]: [usize; 2]) -> Result<Self> {
        Self::pack(set, words, bias, [outputs, inputs, 1], true)
    }

    fn pack(set: &'static Set, words: Words, bias: Option<&[f32]>, sizes: [usize; 3], gated: bool) -> Result<Self> {
        let [outputs, inputs, taps] = sizes;
        let depth = inputs.checked_mul(taps);
        if depth.and_then(|depth| depth.checked_mul(outputs)) != Some(words.len())
            || bias.is_some_and(|bias| bias.len() != outputs)
            || gated && !outputs.is_multiple_of(2)
        {
            return Err(Error::Fit("weights"));
        }
        let depth = inputs * taps;
        let columns = if gated { 2 * (outputs / 2).next_multiple_of(set.lanes()) } else { outputs };
        let source = Source { lanes: set.lanes(), outputs, gated };
        let order = Order { set, inputs, taps, columns, source };
        let stored = match words {
            Words::F16(bytes) => Stored::F16(order.pack(|at| u16::from_le_bytes(bytes.as_chunks().0[at]))?),
            Words::Bf16(bytes) => Stored::Bf16(order.pack(|at| u16::from_le_bytes(bytes.as_chunks().0[at]))?),
            Words::F32(bytes) => Stored::F32(order.pack(|at| f32::from_le_bytes(bytes.as_chunks().0[at]))?),
            Words::Values(values) => Stored::F32(order.pack(|at| values[at])?),
        };
        let bias = bias.map(|bias| {
            let place = |column| source.output(column).map_or(0.0, |output| bias[output]);
            (0..columns).map(place).collect()
        });
        Ok(Self { set, depth, outputs, columns, gated, stored, bias })
    }

    /// Values that go in: inputs times taps.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Values that come out of a row, half as many as outputs where values have gates.
    #[must_use]
    pub fn width(&self) -> usize {
        if self.gated { self.outputs / 2 } else { self.outputs }
    }

    /// Whether values have gates.
    #[must_use]
    pub fn is_gated(&self) -> bool {
        self.gated
    }

    /// Bytes that the packed words take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.stored {
            Stored::F16(words) | Stored::Bf16(words) => size_of_val(words.values()),
            Stored::F32(words) => size_of_val(words.values()),
        }
    }
}

/// The output that a column belongs to.
#[derive(Clone, Copy)]
struct Source {
    lanes: usize,
    outputs: usize,
    gated: bool,
}

impl Source {
    /// `None` for columns that only fill up a vector.
    fn output(self, column: usize) -> Option<usize> {
        if !self.gated {
            return (column < self.outputs).then_some(column);
        }
        let half = self.outputs / 2;
        let value = column / (2 * self.lanes) * self.lanes + column % self.lanes;
        let gate = column / self.lanes % 2;
        (value < half).then_some(value + gate * half)
    }
}

struct Order {
    set: &'static Set,
    inputs: usize,
    taps: usize,
    columns: usize,
    source: Source,
}

impl Order {
    /// Words in the order of panels; `read` gives the word at a place of `[outputs, inputs, taps]`.
    fn pack<T: Copy + Default + Send>(&self, read: impl Fn(usize) -> T + Sync) -> Result<Aligned<T>> {
        let &Self { set, inputs, taps, columns, source } = self;
        let (panel, depth) = (set.panel(), inputs * taps);
        let width_of = |index: usize| (columns - index * panel).next_multiple_of(set.lanes()).min(panel);
        let len = columns.next_multiple_of(set.lanes()).checked_mul(depth);
        let mut packed = len.and_then(Aligned::zeros).ok_or(Error::OutOfMemory)?;
        let whole = Shared::new(packed.values_mut());
        spread(columns.div_ceil(panel), |index| {
            let width = width_of(index);
            // SAFETY: every panel is written by one task.
            let words = unsafe { whole.part(index * panel * depth, width * depth) };
            for first in (0..inputs).step_by(INPUTS.div_ceil(taps)) {
                let some = first..inputs.min(first + INPUTS.div_ceil(taps));
                for column in 0..width {
                    let Some(output) = source.output(index * panel + column) else { continue };
                    for input in some.clone() {
                        for tap in 0..taps {
                            let word = read((output * inputs + input) * taps + tap);
                            words[(tap * inputs + input) * width + column] = word;
                        }
                    }
                }
            }
        });
        Ok(packed)
    }
}
