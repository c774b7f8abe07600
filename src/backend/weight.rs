//! A weight on its way from a file to a backend, in the file's own type.
//!
//! Weights are the largest arrays there are, so none is copied or widened before the backend that packs it does so, straight
//! into its own form.

use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};
use rayon::prelude::*;

/// Values that one thread converts or checks at a time.
const BLOCK: usize = 1 << 16;
/// 16-bit values that are converted at a time, on the stack.
const HALVES: usize = 256;

/// An array of weights on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightView<'a> {
    /// The name that it was loaded by; empty where a network did not load it.
    pub name: String,
    /// Sizes, slowest first.
    pub shape: Vec<usize>,
    /// As many values as the sizes say, contiguous.
    pub values: Values<'a>,
}

/// The values of a weight. Bytes are a file's own, little-endian and of any alignment.
#[derive(Debug, Clone, PartialEq)]
pub enum Values<'a> {
    /// IEEE half precision.
    F16(&'a [u8]),
    /// The upper half of an f32.
    Bf16(&'a [u8]),
    /// IEEE single precision.
    F32(&'a [u8]),
    /// IEEE double precision, narrowed on the way.
    F64(&'a [u8]),
    /// Half precision, made on the way from a file's 8 bits, which it holds without loss.
    Halves(Vec<u8>),
    /// Values that are in no file, such as a weight with LoRAs merged into it.
    Computed(Vec<f32>),
}

impl WeightView<'_> {
    /// A weight that is in no file.
    #[must_use]
    pub fn computed(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { name: String::new(), shape, values: Values::Computed(values) }
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::F16(bytes) | Values::Bf16(bytes) => bytes.len() / 2,
            Values::Halves(bytes) => bytes.len() / 2,
            Values::F32(bytes) => bytes.len() / 4,
            Values::F64(bytes) => bytes.len() / 8,
            Values::Computed(values) => values.len(),
        }
    }

    /// True where there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True where the values are a file's own bytes.
    #[must_use]
    pub fn is_borrowed(&self) -> bool {
        !matches!(self.values, Values::Computed(_) | Values::Halves(_))
    }

    /// Fills `out` with the values from `start` on, as f32. There must be as many.
    pub fn copy_to(&self, start: usize, out: &mut [f32]) {
        match &self.values {
            Values::F16(bytes) => widen_halves(bytes, start, out),
            Values::Halves(bytes) => widen_halves(bytes, start, out),
            Values::Bf16(bytes) => widen(part(bytes, 2, start), out, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Values::F32(bytes) => widen(part(bytes, 4, start), out, f32::from_le_bytes),
            Values::F64(bytes) => widen(part(bytes, 8, start), out, narrow),
            Values::Computed(values) => {
                let values = values.get(start..).unwrap_or_default();
                out.iter_mut().zip(values).for_each(|(out, value)| *out = *value);
            }
        }
    }

    /// All values as f32, on all threads; no copy of computed ones.
    #[must_use]
    pub fn into_f32(self) -> Vec<f32> {
        if let Values::Computed(values) = self.values {
            return values;
        }
        let mut out = vec![0.0; self.len()];
        out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| self.copy_to(block * BLOCK, out));
        out
    }

    /// Place and value of the first value that is infinite or no number as f32. Reads on all threads and copies nothing.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<(usize, f32)> {
        // A number is infinite or none where all bits of its exponent are set.
        let index = match &self.values {
            Values::F16(bytes) => first_half(bytes),
            Values::Halves(bytes) => first_half(bytes),
            Values::Bf16(bytes) => first(bytes, |bytes| u16::from_le_bytes(bytes) & 0x7f80 == 0x7f80),
            Values::F32(bytes) => first(bytes, |bytes| u32::from_le_bytes(bytes) & 0x7f80_0000 == 0x7f80_0000),
            Values::F64(bytes) => first(bytes, |bytes| !narrow(bytes).is_finite()),
            Values::Computed(values) => values.iter().position(|value| !value.is_finite()),
        }?;
        let mut value = [0.0];
        self.copy_to(index, &mut value);
        Some((index, value[0]))
    }
}

/// The bytes from value `start` on, where a value has `size`.
fn part(bytes: &[u8], size: usize, start: usize) -> &[u8] {
    bytes.get(start * size..).unwrap_or_default()
}

fn widen_halves(bytes: &[u8], start: usize, out: &mut [f32]) {
    let mut halves = [f16::ZERO; HALVES];
    for (out, bytes) in out.chunks_mut(HALVES).zip(part(bytes, 2, start).chunks(2 * HALVES)) {
        let halves = halves.get_mut(..out.len()).unwrap_or_default();
        widen(bytes, halves, f16::from_le_bytes);
        halves.convert_to_f32_slice(out);
    }
}

/// The place of the first half that is infinite or no number.
fn first_half(bytes: &[u8]) -> Option<usize> {
    first(bytes, |bytes| u16::from_le_bytes(bytes) & 0x7c00 == 0x7c00)
}

fn widen<const SIZE: usize, T>(bytes: &[u8], out: &mut [T], value: impl Fn([u8; SIZE]) -> T) {
    out.iter_mut().zip(bytes.as_chunks().0).for_each(|(out, bytes)| *out = value(*bytes));
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
fn narrow(bytes: [u8; 8]) -> f32 {
    f64::from_le_bytes(bytes) as f32
}

/// The place of the first of the values of `SIZE` bytes for which `wanted` holds.
fn first<const SIZE: usize>(bytes: &[u8], wanted: impl Fn([u8; SIZE]) -> bool + Sync) -> Option<usize> {
    // Every value of a block is looked at, so that compilers make vector instructions of it.
    let any = |block: &[u8]| block.as_chunks().0.iter().fold(false, |found, bytes| found | wanted(*bytes));
    let block = bytes.par_chunks(BLOCK * SIZE).position_first(any)?;
    let rest = part(bytes, SIZE, block * BLOCK);
    rest.as_chunks().0.iter().position(|bytes| wanted(*bytes)).map(|index| block * BLOCK + index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More values than a block, in every type; all are exact in 8 bits.
    fn values() -> Vec<f32> {
        (0..BLOCK + 777).map(|i| ((i * 37 % 255) as f32 - 127.0) / 64.0).collect()
    }

    fn bytes<const SIZE: usize>(values: &[f32], to: impl Fn(f32) -> [u8; SIZE]) -> Vec<u8> {
        // One byte before the first value: files align nothing.
        std::iter::once(7).chain(values.iter().flat_map(|&value| to(value))).collect()
    }

    fn each(values: &[f32], mut see: impl FnMut(WeightView)) {
        let f16 = bytes(values, |v| f16::from_f32(v).to_le_bytes());
        let bf16 = bytes(values, |v| bf16::from_f32(v).to_le_bytes());
        let f32 = bytes(values, f32::to_le_bytes);
        let f64 = bytes(values, |v| f64::from(v).to_le_bytes());
        let all = [Values::F16(&f16[1..]), Values::Bf16(&bf16[1..]), Values::F32(&f32[1..]), Values::F64(&f64[1..])];
        let made = [Values::Halves(f16[1..].to_vec()), Values::Computed(values.to_vec())];
        for values in all.into_iter().chain(made) {
            see(WeightView { name: String::new(), shape: vec![BLOCK + 777], values });
        }
    }

    #[test]
    fn values_of_every_type_are_widened_whole_and_in_part() {
        let expected = values();
        each(&expected, |weight| {
            assert_eq!(weight.len(), expected.len());
            let mut part = vec![0.0; 600];
            weight.copy_to(BLOCK - 300, &mut part);
            assert_eq!(part, expected[BLOCK - 300..BLOCK + 300], "{:?}", weight.shape);
            assert_eq!(weight.first_not_finite(), None);
            assert_eq!(weight.into_f32(), expected);
        });
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_found_in_every_type() {
        for (at, value) in [(0, f32::INFINITY), (BLOCK - 1, f32::NEG_INFINITY), (BLOCK + 700, f32::NAN)] {
            let mut values = values();
            (values[at], values[BLOCK + 701]) = (value, f32::INFINITY);
            each(&values, |weight| {
                let (index, found) = weight.first_not_finite().unwrap();
                assert!(index == at && (found == value || found.is_nan() && value.is_nan()), "{index}: {found}");
            });
        }
        let large = 1e300_f64.to_le_bytes();
        let weight = WeightView { name: String::new(), shape: vec![1], values: Values::F64(&large) };
        assert_eq!(weight.first_not_finite(), Some((0, f32::INFINITY)), "networks compute in f32");
    }
}
