//! The kernel of all products: `c[m][n] = Σ_k a[m][k] · b[k][n]` on a tile of some rows and at most three vectors of columns.
//!
//! A step of `k` is one broadcast a row and one load a vector; sums stay in registers. A tile of 8 × 3 vectors takes 28 of the
//! 32 registers of AVX-512, one of 6 × 2 takes 15 of the 16 of AVX2 (of 4 × 3 the compiler keeps one sum in memory).

use crate::simd::Simd;

/// The most vectors in a row of a tile.
pub(crate) const VECTORS: usize = 3;

/// Values of `k` that are done at a time: so much of a panel (30 KB of AVX-512's) stays in the first cache while all rows of a
/// task go by.
pub(crate) const DEPTH: usize = 160;

/// A tile of some height and width: steps of `k`, `a`, its stride, `b`, values between its steps, `c`, values between its rows,
/// whether sums replace what `c` holds (or are added to it).
pub(crate) type Tile<T = f32> = unsafe fn(usize, *const T, usize, *const T, usize, *mut f32, usize, bool);

/// Tiles of one height with 1, 2 and 3 vectors.
pub(crate) type Tiles<T = f32> = [Tile<T>; VECTORS];

/// See [`Tile`]. Where `COLUMNS`, rows of `a` are adjacent and its steps lie `stride` apart; else the other way round.
///
/// # Safety
/// The processor has the set's instructions, and the pointers are good for what is read and written: `k` steps of `M` values of
/// `a` and of `N` vectors of `b`, and `M` rows of `N` vectors of `c`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
#[expect(clippy::needless_range_loop, reason = "indices are constants once the loops are unrolled")]
pub(crate) unsafe fn tile<S: Simd, const M: usize, const N: usize, const COLUMNS: bool>(
    k: usize,
    a: *const f32,
    stride: usize,
    b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    first: bool,
) {
    // SAFETY: places are those that the caller vouches for.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; M];
        for p in 0..k {
            let mut step = [S::splat(0.0); N];
            for n in 0..N {
                step[n] = S::load(b.add(p * ldb + n * S::LANES));
            }
            for m in 0..M {
                let value = S::splat(if COLUMNS { *a.add(p * stride + m) } else { *a.add(m * stride + p) });
                for n in 0..N {
                    sums[m][n] = S::fma(value, step[n], sums[m][n]);
                }
            }
        }
        for m in 0..M {
            for n in 0..N {
                let at = c.add(m * ldc + n * S::LANES);
                let sum = if first { sums[m][n] } else { S::add(S::load(at), sums[m][n]) };
                S::store(at, sum);
            }
        }
    }
}

/// A left operand and its size.
#[derive(Clone, Copy)]
pub(crate) struct Left<T = f32> {
    pub values: *const T,
    /// Between rows, or between steps where rows are adjacent.
    pub stride: usize,
    pub rows: usize,
    pub steps: usize,
}

/// All rows of a product, tile by tile. `tiles` are heights and their tiles, from the largest on down to 1.
///
/// # Safety
/// As [`tile`] asks, for all rows; `vectors` is between 1 and [`VECTORS`].
#[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
pub(crate) unsafe fn rows<T>(
    tiles: &[(usize, Tiles<T>)],
    by_columns: bool,
    a: Left<T>,
    vectors: usize,
    b: *const T,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    first: bool,
) {
    let mut row = 0;
    for (height, tiles) in tiles {
        let Some(tile) = tiles.get(vectors.wrapping_sub(1)) else { return };
        while row + height <= a.rows {
            // SAFETY: rows `row..row + height` are among those that the caller vouches for.
            unsafe {
                let from = a.values.add(if by_columns { row } else { row * a.stride });
                tile(a.steps, from, a.stride, b, ldb, c.add(row * ldc), ldc, first);
            }
            row += height;
        }
    }
}
