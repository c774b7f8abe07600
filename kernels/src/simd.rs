//! Vectors of f32, by the instructions that work on them.
//!
//! Every kernel is written once over [`Simd`]. `sets.rs` compiles it once for each set of instructions, in functions that have
//! them enabled; everything here is inlined into those.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx512;
mod portable;

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) use avx2::Avx2;
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) use avx512::{Avx512, mask};
pub(crate) use portable::Portable;

/// Operations on vectors of [`Simd::LANES`] values.
///
/// # Safety
/// All functions ask that the processor has the set's instructions. Those that take a pointer ask that it is good for as many
/// values as they read or write; alignment does not matter.
pub(crate) trait Simd {
    /// A vector.
    type V: Copy;
    /// The values in a vector.
    const LANES: usize;

    /// The same value in all lanes.
    unsafe fn splat(x: f32) -> Self::V;
    /// [`Simd::LANES`] values.
    unsafe fn load(from: *const f32) -> Self::V;
    /// The first `count` values, and zeros; all of them where `count` is larger than a vector.
    unsafe fn load_first(from: *const f32, count: usize) -> Self::V;
    /// Writes all lanes.
    unsafe fn store(to: *mut f32, x: Self::V);
    /// Writes the first `count` lanes; all of them where `count` is larger than a vector.
    unsafe fn store_first(to: *mut f32, count: usize, x: Self::V);
    /// [`Simd::LANES`] values of IEEE half precision, widened.
    unsafe fn load_f16(from: *const u16) -> Self::V;
    /// [`Simd::LANES`] bfloat16 values, widened.
    unsafe fn load_bf16(from: *const u16) -> Self::V;
    /// `a + b`.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// `a − b`.
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b`.
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`, rounded once where the set can.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger one; `b` where one of them is no number.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a < b ? x : y`, lane by lane.
    unsafe fn select_less(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// True where `a < b` in any lane.
    unsafe fn any_less(a: Self::V, b: Self::V) -> bool;
    /// The sum of all lanes.
    unsafe fn sum(x: Self::V) -> f32;
    /// The parts `(whole, rest)` of an exponent of two: `x` clamped to ±126 (no number stays none), `whole + rest = x` and
    /// |rest| ≤ ½.
    unsafe fn split(x: Self::V) -> (Self::V, Self::V);
    /// `x · 2^whole` for `whole` of [`Simd::split`] and `x` between ½ and 2.
    unsafe fn scale(x: Self::V, whole: Self::V) -> Self::V;
}
