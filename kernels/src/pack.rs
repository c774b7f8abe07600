//! Weights in the order in which products read them, in the words that their file has.

use crate::narrow::Half;
use crate::set::Set;
use crate::threads::{Aligned, Shared, spread};
use crate::{Error, Result};
use half::slice::{HalfBitsSliceExt as _, HalfFloatSliceExt as _};
use half::{bf16, f16};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

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

    /// Some values as f32.
    fn values(&self, range: Range<usize>, to: &mut [f32]) {
        match self {
            Self::F16(bytes) | Self::Bf16(bytes) => {
                for (at, to) in range.step_by(INPUTS).zip(to.chunks_mut(INPUTS)) {
                    let mut halves = [0; INPUTS];
                    let halves = &mut halves[..to.len()];
                    read_halves(bytes, at..at + to.len(), halves);
                    if matches!(self, Self::F16(_)) {
                        halves.reinterpret_cast::<f16>().convert_to_f32_slice(to);
                    } else {
                        halves.reinterpret_cast::<bf16>().convert_to_f32_slice(to);
                    }
                }
            }
            Self::F32(bytes) => {
                for (to, bytes) in to.iter_mut().zip(&bytes.as_chunks().0[range]) {
                    *to = f32::from_le_bytes(*bytes);
                }
            }
            Self::Values(values) => to.copy_from_slice(&values[range]),
        }
    }

    /// Some values as halves, rounded where they are none.
    fn halves(&self, half: Half, range: Range<usize>, to: &mut [u16]) {
        if let (Self::F16(bytes), Half::F16) | (Self::Bf16(bytes), Half::Bf16) = (self, half) {
            return read_halves(bytes, range, to);
        }
        for (at, to) in range.step_by(INPUTS).zip(to.chunks_mut(INPUTS)) {
            let mut values = [0.0; INPUTS];
            let values = &mut values[..to.len()];
            self.values(at..at + to.len(), values);
            match half {
                Half::F16 => to.reinterpret_cast_mut::<f16>().convert_from_f32_slice(values),
                Half::Bf16 => to.reinterpret_cast_mut::<bf16>().convert_from_f32_slice(values),
            }
        }
    }
}

/// Packed words.
pub(crate) enum Stored {
    F16(Aligned<u16>),
    Bf16(Aligned<u16>),
    F32(Aligned<f32>),
    /// In the order of products whose operands have 16 bits.
    Narrow(Aligned<u16>),
}

/// Packed weights of a linear layer or a convolution, with the kernels that they are packed for.
pub struct Weights {
    pub(crate) set: &'static Set,
    /// Inputs times taps.
    pub(crate) depth: usize,
    pub(crate) taps: usize,
    pub(crate) outputs: usize,
    /// Columns with those that fill up vectors of values and gates.
    pub(crate) columns: usize,
    /// See [`Weights::gated`].
    pub(crate) gated: bool,
    /// Panel by panel, step by step; the last panel has no more vectors than it needs.
    pub(crate) stored: Stored,
    /// Of as many values as there are columns.
    pub(crate) bias: Option<Vec<f32>>,
    /// Set where a sum has left the range of f16 once: the product is in f32 from then on.
    overflows: AtomicBool,
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
        let order =
            |per_word, steps, panel, lanes| Order { per_word, steps, panel, lanes, inputs, taps, columns, source };
        let wide = order(1, inputs, set.panel(), set.lanes());
        let stored = match (set.narrow(), words) {
            (Some(narrow), words) => {
                let order = order(narrow.per_word(), narrow.steps_of(inputs), narrow.panel(), narrow.lanes());
                Stored::Narrow(order.pack(|range, to| words.halves(narrow.half, range, to))?)
            }
            (None, Words::F16(bytes)) => Stored::F16(wide.pack(|range, to| read_halves(bytes, range, to))?),
            (None, Words::Bf16(bytes)) => Stored::Bf16(wide.pack(|range, to| read_halves(bytes, range, to))?),
            (None, words) => Stored::F32(wide.pack(|range, to| words.values(range, to))?),
        };
        let bias = bias.map(|bias| {
            let place = |column| source.output(column).map_or(0.0, |output| bias[output]);
            (0..columns).map(place).collect()
        });
        let overflows = AtomicBool::new(false);
        Ok(Self { set, depth, taps, outputs, columns, gated, stored, bias, overflows })
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

    /// Whether a sum has left the range of f16 before.
    pub(crate) fn overflows(&self) -> bool {
        self.overflows.load(Ordering::Relaxed)
    }

    /// Remembers that a sum has left the range of f16.
    pub(crate) fn note_overflow(&self) {
        self.overflows.store(true, Ordering::Relaxed);
    }

    /// Bytes that the packed words take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.stored {
            Stored::F16(words) | Stored::Bf16(words) | Stored::Narrow(words) => size_of_val(words.values()),
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

/// Words panel by panel, in these tap by tap, step by step, column by column; a step has a word of `per_word` inputs of a column.
struct Order {
    per_word: usize,
    /// Steps of a tap, filled up with zeros.
    steps: usize,
    /// Columns of a panel.
    panel: usize,
    /// The last panel has a multiple of this.
    lanes: usize,
    inputs: usize,
    taps: usize,
    columns: usize,
    source: Source,
}

impl Order {
    /// Words in the order of panels; `read` gives those of a range of `[outputs, inputs, taps]`.
    fn pack<T: Copy + Default + Send>(&self, read: impl Fn(Range<usize>, &mut [T]) + Sync) -> Result<Aligned<T>> {
        let &Self { per_word, steps, panel, lanes, inputs, taps, columns, source } = self;
        let depth = (taps * steps).checked_mul(per_word);
        let len = depth.and_then(|depth| columns.next_multiple_of(lanes).checked_mul(depth));
        let mut packed = len.and_then(Aligned::zeros).ok_or(Error::OutOfMemory)?;
        let depth = taps * steps * per_word;
        let whole = Shared::new(packed.values_mut());
        let some = INPUTS.div_ceil(taps);
        spread(columns.div_ceil(panel), |index| {
            let width = (columns - index * panel).next_multiple_of(lanes).min(panel);
            // SAFETY: every panel is written by one task.
            let words = unsafe { whole.part(index * panel * depth, width * depth) };
            let mut line = vec![T::default(); some * taps];
            for first in (0..inputs).step_by(some) {
                let last = inputs.min(first + some);
                for column in 0..width {
                    let Some(output) = source.output(index * panel + column) else { continue };
                    let line = &mut line[..(last - first) * taps];
                    let from = (output * inputs + first) * taps;
                    read(from..from + line.len(), line);
                    for (input, line) in (first..last).zip(line.chunks_exact(taps)) {
                        let (step, half) = (input / per_word, input % per_word);
                        for (tap, word) in line.iter().enumerate() {
                            words[((tap * steps + step) * width + column) * per_word + half] = *word;
                        }
                    }
                }
            }
        });
        Ok(packed)
    }
}

fn read_halves(bytes: &[u8], range: Range<usize>, to: &mut [u16]) {
    for (to, bytes) in to.iter_mut().zip(&bytes.as_chunks().0[range]) {
        *to = u16::from_le_bytes(*bytes);
    }
}
