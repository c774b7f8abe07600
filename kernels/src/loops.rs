//! Loops over rows of values: the ends of products, normalisations and functions, once over [`Simd`].

use crate::function::{Activation, activate, gelu};
use crate::simd::Simd;

/// The end of one row of a product: `activation(sums + bias + vector) + residual`.
#[derive(Clone, Copy)]
pub(crate) struct End<'a> {
    pub bias: Option<&'a [f32]>,
    pub vector: Option<&'a [f32]>,
    pub residual: Option<&'a [f32]>,
    pub activation: Option<Activation>,
}

/// Writes one row. Slices are all as long as `out`, but for `sums`, which may be longer.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn end<S: Simd>(sums: &[f32], end: &End, out: &mut [f32]) {
    let count = out.len();
    let fits = |x: Option<&[f32]>| x.is_none_or(|x| x.len() == count);
    assert!(sums.len() >= count && fits(end.bias) && fits(end.vector) && fits(end.residual), "a row of {count}");
    for i in (0..count).step_by(S::LANES) {
        // SAFETY: slices hold `count` values, and no more than those from `i` on are touched.
        unsafe {
            let rest = count - i;
            let mut y = S::load_first(sums.as_ptr().add(i), rest);
            if let Some(bias) = end.bias {
                y = S::add(y, S::load_first(bias.as_ptr().add(i), rest));
            }
            if let Some(vector) = end.vector {
                y = S::add(y, S::load_first(vector.as_ptr().add(i), rest));
            }
            if let Some(activation) = end.activation {
                y = activate::<S>(y, activation);
            }
            if let Some(residual) = end.residual {
                y = S::add(y, S::load_first(residual.as_ptr().add(i), rest));
            }
            S::store_first(out.as_mut_ptr().add(i), rest, y);
        }
    }
}

/// Writes one row of values times the GELU of their gates. `sums` and `bias` hold a vector of values, a vector of their gates,
/// and so on.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn end_gated<S: Simd>(sums: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    let count = out.len();
    let stored = count.next_multiple_of(S::LANES) * 2;
    assert!(sums.len() >= stored && bias.is_none_or(|bias| bias.len() >= stored), "a row of {count}");
    for i in (0..count).step_by(S::LANES) {
        // SAFETY: two vectors from `2 · i` on lie in `sums` and `bias`, as was checked; no more than `out` is written.
        unsafe {
            let mut value = S::load(sums.as_ptr().add(2 * i));
            let mut gate = S::load(sums.as_ptr().add(2 * i + S::LANES));
            if let Some(bias) = bias {
                value = S::add(value, S::load(bias.as_ptr().add(2 * i)));
                gate = S::add(gate, S::load(bias.as_ptr().add(2 * i + S::LANES)));
            }
            S::store_first(out.as_mut_ptr().add(i), count - i, S::mul(value, gelu::<S>(gate)));
        }
    }
}

/// `y = a · gelu(b)` for halves of one token.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn geglu<S: Simd>(x: &[f32], y: &mut [f32]) {
    let half = y.len();
    assert!(x.len() == 2 * half, "two halves of {half}");
    for i in (0..half).step_by(S::LANES) {
        // SAFETY: no more than the halves' values are touched.
        unsafe {
            let value = S::load_first(x.as_ptr().add(i), half - i);
            let gate = S::load_first(x.as_ptr().add(half + i), half - i);
            S::store_first(y.as_mut_ptr().add(i), half - i, S::mul(value, gelu::<S>(gate)));
        }
    }
}

/// `y = activation(x)`.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn map<S: Simd>(x: &[f32], activation: Activation, y: &mut [f32]) {
    assert!(x.len() == y.len(), "as many results as values");
    for i in (0..x.len()).step_by(S::LANES) {
        let rest = x.len() - i;
        // SAFETY: no more than `rest` values are touched.
        unsafe {
            let value = activate::<S>(S::load_first(x.as_ptr().add(i), rest), activation);
            S::store_first(y.as_mut_ptr().add(i), rest, value);
        }
    }
}

/// Widens as many halves as `to` has room for, a multiple of a vector.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn widen<S: Simd, const BF16: bool>(from: &[u16], to: &mut [f32]) {
    assert!(from.len() == to.len() && to.len().is_multiple_of(S::LANES), "whole vectors");
    for i in (0..to.len()).step_by(S::LANES) {
        // SAFETY: a vector from `i` on lies in both, as was checked.
        unsafe {
            let from = from.as_ptr().add(i);
            S::store(to.as_mut_ptr().add(i), if BF16 { S::load_bf16(from) } else { S::load_f16(from) });
        }
    }
}

/// Per channel of pixels `[…, c]`: the sum of distances from the first pixel, and that of their squares. `sums` is `[2, c]`.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn sums<S: Simd>(x: &[f32], sums: &mut [f32]) {
    let c = sums.len() / 2;
    assert!(sums.len() == 2 * c && c > 0 && x.len().is_multiple_of(c), "pixels of {c} channels");
    for i in (0..c).step_by(S::LANES) {
        let rest = c - i;
        // SAFETY: pixels hold `c` values, and no more than those from `i` on are touched.
        unsafe {
            let zero = S::load_first(x.as_ptr().add(i), rest);
            let (mut sum, mut squares) = (S::splat(0.0), S::splat(0.0));
            for pixel in 0..x.len() / c {
                let distance = S::sub(S::load_first(x.as_ptr().add(pixel * c + i), rest), zero);
                sum = S::add(sum, distance);
                squares = S::fma(distance, distance, squares);
            }
            S::store_first(sums.as_mut_ptr().add(i), rest, sum);
            S::store_first(sums.as_mut_ptr().add(c + i), rest, squares);
        }
    }
}

/// Pixels `[…, c]` times a factor a channel, plus an offset a channel, followed by SiLU where `silu`.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn normalise<S: Simd>(x: &[f32], factors: &[f32], offsets: &[f32], silu: bool, y: &mut [f32]) {
    let c = factors.len();
    let pixels = x.len() / c.max(1);
    assert!(offsets.len() == c && x.len() == y.len() && x.len() == pixels * c, "pixels of {c} channels");
    for pixel in 0..pixels {
        for i in (0..c).step_by(S::LANES) {
            let (at, rest) = (pixel * c + i, c - i);
            // SAFETY: pixels hold `c` values, and no more than those from `i` on are touched.
            unsafe {
                let factor = S::load_first(factors.as_ptr().add(i), rest);
                let offset = S::load_first(offsets.as_ptr().add(i), rest);
                let mut v = S::fma(S::load_first(x.as_ptr().add(at), rest), factor, offset);
                if silu {
                    v = activate::<S>(v, Activation::Silu);
                }
                S::store_first(y.as_mut_ptr().add(at), rest, v);
            }
        }
    }
}

/// Layer normalisation of tokens as wide as `scale`.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn layer_norm<S: Simd>(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, y: &mut [f32]) {
    let c = scale.len();
    assert!(shift.len() == c && x.len() == y.len() && c > 0 && x.len().is_multiple_of(c), "tokens of {c}");
    for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
        // SAFETY: all slices hold `c` values, and no more than those from `i` on are touched.
        unsafe {
            let mut sum = S::splat(0.0);
            for i in (0..c).step_by(S::LANES) {
                sum = S::add(sum, S::load_first(x.as_ptr().add(i), c - i));
            }
            let mean = S::splat(S::sum(sum) / c as f32);
            let mut squares = S::splat(0.0);
            for i in (0..c).step_by(S::LANES) {
                // Lanes past the end count as nothing.
                let v = S::sub(S::load_first(x.as_ptr().add(i), c - i), mean);
                let v = if c - i < S::LANES { first::<S>(v, c - i) } else { v };
                squares = S::fma(v, v, squares);
            }
            let factor = S::splat((S::sum(squares) / c as f32 + eps).sqrt().recip());
            for i in (0..c).step_by(S::LANES) {
                let rest = c - i;
                let v = S::mul(S::sub(S::load_first(x.as_ptr().add(i), rest), mean), factor);
                let (scale, shift) = (scale.as_ptr().add(i), shift.as_ptr().add(i));
                let v = S::fma(v, S::load_first(scale, rest), S::load_first(shift, rest));
                S::store_first(y.as_mut_ptr().add(i), rest, v);
            }
        }
    }
}

/// The first `count` lanes; zeros after them.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
unsafe fn first<S: Simd>(x: S::V, count: usize) -> S::V {
    let mut lanes = [0.0_f32; 16];
    assert!(S::LANES <= lanes.len(), "a vector");
    // SAFETY: the array holds a vector, as was checked.
    unsafe {
        S::store(lanes.as_mut_ptr(), x);
        S::load_first(lanes.as_ptr(), count)
    }
}
