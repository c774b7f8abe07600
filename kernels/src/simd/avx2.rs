//! AVX2 with FMA and F16C: 16 registers of eight values.

use super::Simd;
#[allow(clippy::wildcard_imports, reason = "the instructions by their names")]
use std::arch::x86_64::*;

/// Vectors of eight values.
pub(crate) struct Avx2;

/// Eight lanes from place `8 − count` on are a mask of the first `count`.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// The first `count` lanes.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn mask(count: usize) -> __m256i {
    // SAFETY: eight values from a place of at most 8 on lie in the table.
    unsafe { _mm256_loadu_si256(MASKS.as_ptr().add(8 - count.min(8)).cast()) }
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

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;

    lanes! {
        add(a, b) -> __m256 { _mm256_add_ps(a, b) }
        sub(a, b) -> __m256 { _mm256_sub_ps(a, b) }
        mul(a, b) -> __m256 { _mm256_mul_ps(a, b) }
        div(a, b) -> __m256 { _mm256_div_ps(a, b) }
        fma(a, b, c) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        max(a, b) -> __m256 { _mm256_max_ps(a, b) }
        select_less(a, b, x, y) -> __m256 { _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)) }
        any_less(a, b) -> bool { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b)) != 0 }
        sum(x) -> f32 {
            {
                let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
            }
        }
        split(x) -> (__m256, __m256) {
            {
                let x = _mm256_min_ps(_mm256_set1_ps(126.0), _mm256_max_ps(_mm256_set1_ps(-126.0), x));
                let whole = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
                (whole, _mm256_sub_ps(x, whole))
            }
        }
        scale(x, whole) -> __m256 {
            {
                let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
                _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
            }
        }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        // SAFETY: the caller says that the processor has the instructions.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m256 {
        // Masks are slow on some processors.
        if count >= 8 {
            // SAFETY: the caller's pointer is good for a vector.
            return unsafe { Self::load(from) };
        }
        // SAFETY: the caller's pointer is good for `count` values; masked ones are not touched.
        unsafe { _mm256_maskload_ps(from, mask(count)) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, x: __m256) {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm256_storeu_ps(to, x) }
    }

    #[inline(always)]
    unsafe fn store_first(to: *mut f32, count: usize, x: __m256) {
        if count >= 8 {
            // SAFETY: the caller's pointer is good for a vector.
            return unsafe { Self::store(to, x) };
        }
        // SAFETY: the caller's pointer is good for `count` values; masked ones are not touched.
        unsafe { _mm256_maskstore_ps(to, mask(count), x) }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> __m256 {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> __m256 {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast())))) }
    }
}
