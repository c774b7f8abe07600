//! AVX-512 (the F part): 32 registers of sixteen values.

use super::Simd;
#[allow(clippy::wildcard_imports, reason = "the instructions by their names")]
use std::arch::x86_64::*;

/// Vectors of sixteen values.
pub(crate) struct Avx512;

/// The first `count` lanes.
#[inline(always)]
pub(crate) fn mask(count: usize) -> __mmask16 {
    if count >= 16 { !0 } else { (1 << count) - 1 }
}

/// Functions of vectors alone.
macro_rules! lanes {
    ($($name:ident($($x:ident),*) -> $result:ty { $body:expr })*) => {
        $(
            #[inline(always)]
            unsafe fn $name($($x: Self::V),*) -> $result {
                // SAFETY: the caller says that the processor has the instructions.
                unsafe { $body }
            }
        )*
    };
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;

    lanes! {
        add(a, b) -> __m512 { _mm512_add_ps(a, b) }
        sub(a, b) -> __m512 { _mm512_sub_ps(a, b) }
        mul(a, b) -> __m512 { _mm512_mul_ps(a, b) }
        div(a, b) -> __m512 { _mm512_div_ps(a, b) }
        fma(a, b, c) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        max(a, b) -> __m512 { _mm512_max_ps(a, b) }
        select_less(a, b, x, y) -> __m512 { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), y, x) }
        any_less(a, b) -> bool { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) != 0 }
        sum(x) -> f32 { _mm512_reduce_add_ps(x) }
        split(x) -> (__m512, __m512) {
            {
                let x = _mm512_min_ps(_mm512_set1_ps(126.0), _mm512_max_ps(_mm512_set1_ps(-126.0), x));
                let whole = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
                (whole, _mm512_sub_ps(x, whole))
            }
        }
        scale(x, whole) -> __m512 { _mm512_scalef_ps(x, whole) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        // SAFETY: the caller says that the processor has the instructions.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m512 {
        // SAFETY: the caller's pointer is good for `count` values; masked ones are not touched.
        unsafe { _mm512_maskz_loadu_ps(mask(count), from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, x: __m512) {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm512_storeu_ps(to, x) }
    }

    #[inline(always)]
    unsafe fn store_first(to: *mut f32, count: usize, x: __m512) {
        // SAFETY: the caller's pointer is good for `count` values; masked ones are not touched.
        unsafe { _mm512_mask_storeu_ps(to, mask(count), x) }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> __m512 {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> __m512 {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast())))) }
    }
}
