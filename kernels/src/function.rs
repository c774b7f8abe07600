//! Functions of single values, on vectors of them.

use crate::simd::Simd;

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// `x · Φ(x)`, exact (with erf).
    Gelu,
    /// `x · sigmoid(1.702 x)`.
    QuickGelu,
    /// `x` above 0, else 0; no number stays none.
    Relu,
}

/// `2^x` within 2e-7 (relative), by the polynomial of degree 5 that is nearest to it between −½ and ½; 0 below 2⁻¹²⁶, 2¹²⁶ above that, and no number stays none.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn exp2<S: Simd>(x: S::V) -> S::V {
    // SAFETY: passed on.
    unsafe {
        let (whole, rest) = S::split(x);
        let mut p = S::splat(1.326_472_6e-3);
        for c in [9.671_513e-3, 5.550_733_6e-2, 2.402_224_2e-1, std::f32::consts::LN_2, 1.0] {
            p = S::fma(p, rest, S::splat(c));
        }
        S::select_less(x, S::splat(-126.0), S::splat(0.0), S::scale(p, whole))
    }
}

/// `x · sigmoid(factor · x)`.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
unsafe fn sigmoid<S: Simd>(x: S::V, factor: f32) -> S::V {
    // SAFETY: passed on.
    unsafe {
        let e = exp2::<S>(S::mul(x, S::splat(-factor * std::f32::consts::LOG2_E)));
        S::div(x, S::add(S::splat(1.0), e))
    }
}

/// `x · Φ(x)` within 2e-7: Abramowitz and Stegun's 7.1.26 for erf.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn gelu<S: Simd>(x: S::V) -> S::V {
    // SAFETY: passed on.
    unsafe {
        let (zero, one) = (S::splat(0.0), S::splat(1.0));
        let z = S::mul(S::select_less(x, zero, S::sub(zero, x), x), S::splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = S::div(one, S::fma(z, S::splat(0.327_591_1), one));
        let mut p = S::splat(1.061_405_4);
        for c in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
            p = S::fma(p, t, S::splat(c));
        }
        let e = exp2::<S>(S::mul(S::mul(z, z), S::splat(-std::f32::consts::LOG2_E)));
        // Φ(−|x|)
        let tail = S::mul(S::mul(p, t), S::mul(e, S::splat(0.5)));
        S::mul(x, S::select_less(x, zero, tail, S::sub(one, tail)))
    }
}

/// The function of every lane.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn activate<S: Simd>(x: S::V, activation: Activation) -> S::V {
    // SAFETY: passed on.
    unsafe {
        match activation {
            Activation::Silu => sigmoid::<S>(x, 1.0),
            Activation::Gelu => gelu::<S>(x),
            Activation::QuickGelu => sigmoid::<S>(x, 1.702),
            Activation::Relu => S::select_less(x, S::splat(0.0), S::splat(0.0), x),
        }
    }
}
