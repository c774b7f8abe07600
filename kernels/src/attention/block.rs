//! Some queries of one head, with all of its keys.

use super::words;
use crate::function::exp2;
use crate::narrow::{self, Narrow};
use crate::set::Set;
use crate::simd::Simd;
use crate::threads::Scratch;
use crate::tile::{Left, VECTORS};
use std::f32::consts::LOG2_E;

/// Keys at a time.
pub(super) const KEYS: usize = 128;
/// Vectors of f32 that a row of scores has at most: a vector of f16 is as wide as two.
const MOST: usize = 2 * VECTORS;

/// Some queries of one head.
pub(crate) struct Block<'a> {
    /// From the head's first value of the first query on; queries lie `stride` apart.
    pub q: &'a [f32],
    pub stride: usize,
    pub queries: usize,
    /// The place of the first query in its row.
    pub first: usize,
    pub operands: Keys<'a>,
    pub keys: usize,
    pub depth: usize,
    pub scale: f32,
    pub causal: bool,
    /// From the first query's row on.
    pub bias: Option<&'a [f32]>,
}

/// Keys and values of one head.
#[derive(Clone, Copy)]
pub(crate) enum Keys<'a> {
    /// `[keys, depth]` each.
    F32 { k: &'a [f32], v: &'a [f32] },
    /// Rounded, in the order that [`words`] tells.
    Rounded { narrow: &'static Narrow, k: &'a [u32], v: &'a [u32] },
}

/// Attends; the result `[queries, depth]` goes to `scratch.d`.
///
/// # Safety
/// The processor has the instructions of `S`, which are those of `set`.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "indices run over several arrays of vectors")]
pub(crate) unsafe fn attend<S: Simd>(set: &'static Set, block: &Block, scratch: &mut Scratch) {
    let &Block { q, stride, queries, first, operands, keys, depth, scale, causal, bias } = block;
    let lanes = match operands {
        Keys::F32 { .. } => S::LANES,
        Keys::Rounded { narrow, .. } => narrow.lanes(),
    };
    let width = queries.next_multiple_of(lanes);
    let vectors = width / S::LANES;
    assert!((1..=MOST).contains(&vectors) && width.is_multiple_of(S::LANES), "a block of queries");
    let (rows, step) = match operands {
        Keys::F32 { k, v } => {
            assert!(vectors <= VECTORS && k.len() == keys * depth && v.len() == k.len(), "a block of queries");
            (depth, 0)
        }
        Keys::Rounded { narrow, k, v } => {
            let (k_len, v_len) = words::lengths(narrow, keys, depth);
            assert!(width <= narrow.panel() && k.len() >= k_len && v.len() >= v_len, "a block of queries");
            (narrow.rows_of(depth), narrow.words_of(width))
        }
    };
    let columns = scratch.a.room(depth * width);
    let scores = scratch.b.room(KEYS * width);
    let sums = scratch.c.room(rows * width);
    // Queries as columns; scores are exponents of two.
    columns.fill(0.0);
    for query in 0..queries {
        for (i, &value) in q[query * stride..][..depth].iter().enumerate() {
            columns[i * width + query] = value * (scale * LOG2_E);
        }
    }
    if let Keys::Rounded { narrow, .. } = operands {
        narrow.fold(columns, width, scratch.q.room(narrow.steps_of(depth) * step));
    }
    // Keys after the last query are seen by none.
    let seen = if causal { keys.min(first + queries) } else { keys };
    if seen == 0 {
        sums.fill(f32::NAN);
    }
    // SAFETY: vectors lie in the arrays above, which have `width` columns; products are of the sizes that these were made for.
    unsafe {
        // Far below all scores, but no infinity: its distance from itself is a number.
        let mut largest = [S::splat(-1e30); MOST];
        let mut total = [S::splat(0.0); MOST];
        for from in (0..seen).step_by(KEYS) {
            let count = KEYS.min(seen - from);
            match operands {
                Keys::F32 { k, .. } => {
                    let left = Left { values: k.as_ptr().add(from * depth), stride: depth, rows: count, steps: depth };
                    set.product(left, vectors, columns.as_ptr(), width, scores.as_mut_ptr(), width, true);
                }
                Keys::Rounded { narrow, k, .. } => {
                    let steps = narrow.steps_of(depth);
                    let values = k.as_ptr().add(from * steps);
                    let left = narrow::Left { values, stride: steps, rows: count, steps, offsets: &[0] };
                    let q = scratch.q.values().as_ptr();
                    narrow.product(left, width / lanes, q, step, scores.as_mut_ptr(), width, true);
                }
            }
            if causal || bias.is_some() {
                for query in 0..queries {
                    let bias = bias.map(|bias| &bias[query * keys..][..keys]);
                    for key in from..from + count {
                        let score = &mut scores[(key - from) * width + query];
                        if let Some(bias) = bias {
                            *score += bias[key] * LOG2_E;
                        }
                        if causal && key > first + query {
                            *score = f32::NEG_INFINITY;
                        }
                    }
                }
            }
            let (factor, moved) = weigh::<S>(scores, [count, width], &mut largest, &mut total);
            if moved && from > 0 {
                for i in 0..depth {
                    for n in 0..vectors {
                        let sum = sums.as_mut_ptr().add(i * width + n * S::LANES);
                        S::store(sum, S::mul(S::load(sum), factor[n]));
                    }
                }
            }
            match operands {
                Keys::F32 { v, .. } => {
                    let left = Left { values: v.as_ptr().add(from * depth), stride: depth, rows: depth, steps: count };
                    set.product_by_columns(left, vectors, scores.as_ptr(), width, sums.as_mut_ptr(), width, from == 0);
                }
                Keys::Rounded { narrow, v, .. } => {
                    let steps = narrow.steps_of(count);
                    let p = scratch.p.room(steps * step);
                    narrow.fold(&scores[..count * width], width, p);
                    let stride = narrow.steps_of(KEYS);
                    let values = v.as_ptr().add(from / KEYS * depth * stride);
                    let left = narrow::Left { values, stride, rows: depth, steps, offsets: &[0] };
                    narrow.product(left, width / lanes, p.as_ptr(), step, sums.as_mut_ptr(), width, from == 0);
                }
            }
        }
        for n in 0..vectors {
            let inverse = S::div(S::splat(1.0), total[n]);
            for i in 0..depth {
                let sum = sums.as_mut_ptr().add(i * width + n * S::LANES);
                S::store(sum, S::mul(S::load(sum), inverse));
            }
        }
    }
    for (query, out) in scratch.d.room(queries * depth).chunks_exact_mut(depth).enumerate() {
        for (out, sum) in out.iter_mut().zip(sums.iter().skip(query).step_by(width)) {
            *out = *sum;
        }
    }
}

/// Takes scores `[count, width]` to exponents of their distances from the largest so far: adds them to `total`, and gives the factors of
/// earlier sums, and whether one is not 1.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "indices run over several arrays of vectors")]
unsafe fn weigh<S: Simd>(
    scores: &mut [f32],
    [count, width]: [usize; 2],
    largest: &mut [S::V; MOST],
    total: &mut [S::V; MOST],
) -> ([S::V; MOST], bool) {
    assert!(scores.len() >= count * width && width <= MOST * S::LANES && width.is_multiple_of(S::LANES), "scores");
    // SAFETY: vectors lie in the scores, as was checked.
    unsafe {
        let mut moved = false;
        let mut factor = [S::splat(1.0); MOST];
        for n in 0..width / S::LANES {
            let column = scores.as_mut_ptr().add(n * S::LANES);
            let at = |key: usize| column.add(key * width);
            let mut m = [largest[n]; 4];
            for key in (0..count - count % 4).step_by(4) {
                for i in 0..4 {
                    m[i] = S::max(m[i], S::load(at(key + i)));
                }
            }
            for key in count - count % 4..count {
                m[0] = S::max(m[0], S::load(at(key)));
            }
            let m = S::max(S::max(m[0], m[1]), S::max(m[2], m[3]));
            if S::any_less(largest[n], m) {
                moved = true;
                factor[n] = exp2::<S>(S::sub(largest[n], m));
                total[n] = S::mul(total[n], factor[n]);
                largest[n] = m;
            }
            let mut sum = S::splat(0.0);
            for key in 0..count {
                let p = exp2::<S>(S::sub(S::load(column.add(key * width)), m));
                sum = S::add(sum, p);
                S::store(column.add(key * width), p);
            }
            total[n] = S::add(total[n], sum);
        }
        (factor, moved)
    }
}
