//! AVX-512: pairs of bf16 by `vdpbf16ps`, and f16 by AVX-512-FP16.

use super::{Half, Left, Narrow};
use crate::simd::mask;
use crate::tile::{self, Tiles};
#[allow(clippy::wildcard_imports, reason = "the instructions by their names")]
use std::arch::x86_64::*;

/// Words of a vector.
pub(super) const WORDS: usize = 16;

pub(super) static BF16: Narrow = Narrow {
    name: Some("AVX-512"),
    half: Half::Bf16,
    words: WORDS,
    vectors: 3,
    steps: 1,
    rows: 1,
    begin: super::nothing,
    end: super::nothing,
    product: bf16_product,
    round: round_bf16,
    fold: fold_bf16,
};

pub(super) static F16: Narrow = Narrow {
    name: Some("AVX-512"),
    half: Half::F16,
    words: WORDS,
    vectors: 3,
    steps: 1,
    rows: 1,
    begin: super::nothing,
    end: super::nothing,
    product: f16_product,
    round: round_f16,
    fold: fold_f16,
};

/// Tiles of all heights and widths of one kernel.
macro_rules! tiles {
    ($tile:ident) => {
        [
            (8, [$tile::<8, 1>, $tile::<8, 2>, $tile::<8, 3>]),
            (4, [$tile::<4, 1>, $tile::<4, 2>, $tile::<4, 3>]),
            (2, [$tile::<2, 1>, $tile::<2, 2>, $tile::<2, 3>]),
            (1, [$tile::<1, 1>, $tile::<1, 2>, $tile::<1, 3>]),
        ]
    };
}

static BF16_TILES: [(usize, Tiles<u32>); 4] = tiles!(bf16_tile);
static F16_TILES: [(usize, Tiles<u32>); 4] = tiles!(f16_tile);

/// Steps that are done at a time: so much of a panel (30 KB) stays in the first cache while all rows go by.
const DEPTH: usize = 160;

/// # Safety
/// As [`Narrow::product`] asks, on a processor with the tiles' instructions.
#[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
unsafe fn by_depth(
    tiles: &[(usize, Tiles<u32>)],
    a: Left,
    vectors: usize,
    b: *const u32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    first: bool,
) {
    for (at, offset) in a.offsets.iter().enumerate() {
        for from in (0..a.steps).step_by(DEPTH) {
            let steps = DEPTH.min(a.steps - from);
            // SAFETY: these are some of the steps that the caller vouches for.
            unsafe {
                let left = tile::Left { values: a.values.add(offset + from), stride: a.stride, rows: a.rows, steps };
                let b = b.add((at * a.steps + from) * ldb);
                tile::rows(tiles, false, left, vectors, b, ldb, c, ldc, first && at == 0 && from == 0);
            }
        }
    }
}

/// # Safety
/// As [`Narrow::product`] asks, on a processor with AVX-512 and its bf16.
unsafe fn bf16_product(a: Left, vectors: usize, b: *const u32, ldb: usize, c: *mut f32, ldc: usize, first: bool) {
    // SAFETY: passed on.
    unsafe { by_depth(&BF16_TILES, a, vectors, b, ldb, c, ldc, first) }
}

/// # Safety
/// As [`Narrow::product`] asks, on a processor with AVX-512 and its f16.
unsafe fn f16_product(a: Left, vectors: usize, b: *const u32, ldb: usize, c: *mut f32, ldc: usize, first: bool) {
    // SAFETY: passed on.
    unsafe { by_depth(&F16_TILES, a, vectors, b, ldb, c, ldc, first) }
}

/// `vdpbf16ps` adds both products of a pair.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
#[expect(clippy::needless_range_loop, reason = "indices are constants once the loops are unrolled")]
unsafe fn bf16_tile<const M: usize, const N: usize>(
    k: usize,
    a: *const u32,
    stride: usize,
    b: *const u32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    first: bool,
) {
    // SAFETY: places are those that the caller vouches for; all bits are a pair of bf16.
    unsafe {
        let mut sums = [[_mm512_setzero_ps(); N]; M];
        for p in 0..k {
            let mut step = [_mm512_setzero_si512(); N];
            for n in 0..N {
                step[n] = _mm512_loadu_si512(b.add(p * ldb + n * WORDS).cast());
            }
            for m in 0..M {
                let pair = _mm512_set1_epi32((*a.add(m * stride + p)).cast_signed());
                for n in 0..N {
                    let [pair, step] = [pair, step[n]].map(|x| std::mem::transmute::<__m512i, __m512bh>(x));
                    sums[m][n] = _mm512_dpbf16_ps(sums[m][n], pair, step);
                }
            }
        }
        for m in 0..M {
            for n in 0..N {
                let at = c.add(m * ldc + n * WORDS);
                let sum = if first { sums[m][n] } else { _mm512_add_ps(_mm512_loadu_ps(at), sums[m][n]) };
                _mm512_storeu_ps(at, sum);
            }
        }
    }
}

/// Products that are added up in f16 before their sum goes to f32: more lose digits, fewer lose time.
const RUN: usize = 32;

#[target_feature(enable = "avx512f,avx512fp16")]
#[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
unsafe fn f16_tile<const M: usize, const N: usize>(
    k: usize,
    a: *const u32,
    stride: usize,
    b: *const u32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    first: bool,
) {
    for from in (0..k).step_by(RUN) {
        // SAFETY: passed on, for some of the steps.
        unsafe {
            let (a, b) = (a.add(from), b.add(from * ldb));
            f16_run::<M, N>(RUN.min(k - from), a, stride, b, ldb, c, ldc, first && from == 0);
        }
    }
}

/// A function of its own, so that the sums stay in registers: inside of another loop the compiler puts them in memory.
#[target_feature(enable = "avx512f,avx512fp16")]
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
#[expect(clippy::needless_range_loop, reason = "indices are constants once the loops are unrolled")]
unsafe fn f16_run<const M: usize, const N: usize>(
    k: usize,
    a: *const u32,
    stride: usize,
    b: *const u32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    first: bool,
) {
    // SAFETY: places are those that the caller vouches for.
    unsafe {
        let zero = _mm512_castsi512_ph(_mm512_setzero_si512());
        let mut sums = [[zero; N]; M];
        for p in 0..k {
            let mut step = [zero; N];
            for n in 0..N {
                step[n] = _mm512_castsi512_ph(_mm512_loadu_si512(b.add(p * ldb + n * WORDS).cast()));
            }
            for m in 0..M {
                let twice = _mm512_castsi512_ph(_mm512_set1_epi32((*a.add(m * stride + p)).cast_signed()));
                for n in 0..N {
                    sums[m][n] = _mm512_fmadd_ph(twice, step[n], sums[m][n]);
                }
            }
        }
        // By way of memory: a load that widens is cheaper than taking a register apart.
        let mut stored = [[_mm512_setzero_si512(); N]; M];
        for m in 0..M {
            for n in 0..N {
                stored[m][n] = _mm512_castph_si512(sums[m][n]);
            }
        }
        let stored = std::hint::black_box(&stored);
        for m in 0..M {
            for n in 0..N {
                let halves = (&raw const stored[m][n]).cast::<__m256i>();
                for half in 0..2 {
                    let at = c.add(m * ldc + n * 2 * WORDS + half * WORDS);
                    let mut sum = _mm512_cvtph_ps(*halves.add(half));
                    if !first {
                        sum = _mm512_add_ps(sum, _mm512_loadu_ps(at));
                    }
                    _mm512_storeu_ps(at, sum);
                }
            }
        }
    }
}

/// # Safety
/// `to` has a word for every two values; the processor has AVX-512 and its bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn round_bf16(from: &[f32], to: &mut [u32]) {
    for (i, to) in to.chunks_mut(WORDS).enumerate() {
        let rest = from.len().saturating_sub(2 * WORDS * i);
        // SAFETY: no more than `rest` values and the chunk's words are touched.
        unsafe {
            let low = from.as_ptr().wrapping_add(2 * WORDS * i);
            let high = low.wrapping_add(WORDS);
            let low = _mm512_maskz_loadu_ps(mask(rest), low);
            let high = _mm512_maskz_loadu_ps(mask(rest.saturating_sub(WORDS)), high);
            let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), mask(to.len()), both);
        }
    }
}

/// Places 0 0 1 1 2 2 … of halves.
static TWICE: [u16; 32] = {
    let mut twice = [0; 32];
    let mut i = 0;
    while i < 32 {
        twice[i] = i as u16 / 2;
        i += 1;
    }
    twice
};

/// # Safety
/// `to` has a word for every value; the processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn round_f16(from: &[f32], to: &mut [u32]) {
    for (i, to) in to.chunks_mut(WORDS).enumerate() {
        let rest = from.len().saturating_sub(WORDS * i);
        // SAFETY: no more than `rest` values and the chunk's words are touched; the table has 32 places.
        unsafe {
            let values = _mm512_maskz_loadu_ps(mask(rest), from.as_ptr().wrapping_add(WORDS * i));
            let halves = _mm512_castsi256_si512(_mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(values));
            let words = _mm512_permutexvar_epi16(_mm512_loadu_si512(TWICE.as_ptr().cast()), halves);
            _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), mask(to.len()), words);
        }
    }
}

/// # Safety
/// As [`Narrow::fold`] checks; the processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn fold_f16(from: &[f32], _columns: usize, to: &mut [u32]) {
    let (full, rest) = to.split_at_mut(from.len() / 2);
    rest.fill(0);
    // (A row is a multiple of 32 values.)
    for (to, from) in full.chunks_exact_mut(WORDS / 2).zip(from.chunks_exact(WORDS)) {
        // SAFETY: both chunks hold a vector's sixteen values.
        unsafe {
            let halves = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm512_loadu_ps(from.as_ptr()));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
        }
    }
}

/// Places of the halves 0 16 1 17 2 18 …
static PAIRS: [u16; 32] = {
    let mut pairs = [0; 32];
    let mut i = 0;
    while i < 32 {
        pairs[i] = i as u16 / 2 + i as u16 % 2 * 16;
        i += 1;
    }
    pairs
};

/// # Safety
/// As [`Narrow::fold`] checks; the processor has AVX-512 and its bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) unsafe fn fold_bf16(from: &[f32], columns: usize, to: &mut [u32]) {
    let rows = from.len() / columns;
    // SAFETY: the table has 32 places.
    let pairs = unsafe { _mm512_loadu_si512(PAIRS.as_ptr().cast()) };
    for (step, to) in to.chunks_exact_mut(columns).enumerate() {
        let (low, high) = (2 * step, 2 * step + 1);
        if low >= rows {
            to.fill(0);
            continue;
        }
        for i in (0..columns).step_by(WORDS) {
            // SAFETY: rows hold `columns` values, a multiple of a vector, and only rows that there are are read.
            unsafe {
                let low = _mm512_loadu_ps(from.as_ptr().add(low * columns + i));
                let high = if high < rows {
                    _mm512_loadu_ps(from.as_ptr().add(high * columns + i))
                } else {
                    _mm512_setzero_ps()
                };
                let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
                _mm512_storeu_si512(to.as_mut_ptr().add(i).cast(), _mm512_permutexvar_epi16(pairs, both));
            }
        }
    }
}
