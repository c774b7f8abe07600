//! Weights of 8 bits (Micikevicius et al. 2022, arXiv:2209.05433). Both kinds fit into halves without loss.

use crate::backend::{Values, WeightView};
use half::f16;
use half::slice::HalfFloatSliceExt as _;

/// The kinds of 8-bit numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fp8 {
    /// 4 bits of exponent with bias 7, 3 of mantissa; no infinities, and one NaN of each sign. The largest is 448.
    E4m3,
    /// 5 bits of exponent, 2 of mantissa: the upper byte of a half.
    E5m2,
}

impl Fp8 {
    /// The half of the same value.
    fn half(self, code: u8) -> f16 {
        match self {
            Self::E5m2 => f16::from_bits(u16::from(code) << 8),
            Self::E4m3 => {
                let (exponent, mantissa) = (i32::from(code >> 3 & 15), f32::from(code & 7));
                let size = match (exponent, code & 7) {
                    (15, 7) => f32::NAN,
                    (0, _) => mantissa * 2_f32.powi(-9),
                    _ => (1.0 + mantissa / 8.0) * 2_f32.powi(exponent - 7),
                };
                f16::from_f32(if code & 0x80 == 0 { size } else { -size })
            }
        }
    }
}

/// Halves, little-endian, of a tensor's bytes.
pub(super) fn halves(bytes: &[u8], kind: Fp8) -> Vec<u8> {
    let table: Vec<[u8; 2]> = (0..=u8::MAX).map(|code| kind.half(code).to_le_bytes()).collect();
    let half = |code: &u8| table.get(usize::from(*code)).copied().unwrap_or_default();
    bytes.iter().flat_map(half).collect()
}

/// Scaled values as halves where nothing is lost by that, as with a factor that is a power of two.
pub(super) fn narrowed(shape: Vec<usize>, values: Vec<f32>) -> WeightView<'static> {
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(&values);
    if halves.iter().zip(&values).any(|(half, value)| half.to_f32().to_bits() != value.to_bits()) {
        return WeightView::computed(shape, values);
    }
    let values = Values::Halves(halves.iter().flat_map(|half| half.to_le_bytes()).collect());
    WeightView { name: String::new(), shape, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(codes: &[u8], kind: Fp8) -> Vec<f32> {
        let bytes = halves(codes, kind);
        WeightView { name: String::new(), shape: vec![codes.len()], values: Values::F16(&bytes) }.into_f32()
    }

    #[test]
    fn codes_of_8_bits_have_the_values_of_the_paper_s_table() {
        // Table 1: largest, smallest normal, largest and smallest subnormal; then one, a negative and zero.
        let found = values(&[0x7e, 0x08, 0x07, 0x01, 0x38, 0xb9, 0x00], Fp8::E4m3);
        assert_eq!(found, [448.0, 2_f32.powi(-6), 0.875 * 2_f32.powi(-6), 2_f32.powi(-9), 1.0, -1.125, 0.0]);
        let found = values(&[0x7b, 0x04, 0x03, 0x01, 0x3c, 0xbd, 0x80], Fp8::E5m2);
        assert_eq!(found, [57344.0, 2_f32.powi(-14), 0.75 * 2_f32.powi(-14), 2_f32.powi(-16), 1.0, -1.25, -0.0]);
        assert!(values(&[0x7f, 0xff], Fp8::E4m3).iter().all(|value| value.is_nan()));
        assert!(values(&[0x7c], Fp8::E5m2)[0].is_infinite() && values(&[0x7e], Fp8::E5m2)[0].is_nan());
    }

    #[test]
    fn scaled_values_are_kept_in_16_bits_only_where_they_fit() {
        let kept = |values: &[f32]| narrowed(vec![values.len()], values.to_vec());
        assert!(matches!(kept(&[0.25, -3.5]).values, Values::Halves(_)));
        for wide in [[0.1, 1.0], [1e6, 1.0], [1e-9, 1.0]] {
            assert!(matches!(kept(&wide).values, Values::Computed(_)), "{wide:?}");
        }
    }
}
