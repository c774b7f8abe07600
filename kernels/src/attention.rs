//! `softmax(scale · q·kᵀ)·v` without the matrix of scores: some keys at a time, with running maxima and sums.
//!
//! Queries lie in the vectors' lanes: `Sᵀ = k·qᵀ` and `Oᵀ = vᵀ·Pᵀ`. So keys and values are the left operands as they lie in
//! memory, `Sᵀ` comes out in the order in which `Pᵀ` goes in, and maxima and sums are taken lane by lane. The running softmax is
//! Milakov and Gimelshein's (2018).

use crate::function::exp2;
use crate::set::Set;
use crate::simd::Simd;
use crate::threads::{Scratch, Shared, spread, with_scratch};
use crate::tile::{Left, VECTORS};
use crate::{Error, Result};
use std::f32::consts::LOG2_E;

/// Keys at a time.
const KEYS: usize = 128;

/// The keys that a query sees.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// All.
    All,
    /// Query `i` sees keys `0..=i`.
    Causal,
    /// `[n, queries, keys]` or `[1, queries, keys]`, added to the scaled scores of every head; −∞ hides a key.
    Bias(&'a [f32]),
}

/// An attention of some rows.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// `[rows, queries, width]`.
    pub q: &'a [f32],
    /// Keys and values of each row, `[keys, width]` each.
    pub rows: &'a [[&'a [f32]; 2]],
    /// Queries of a row.
    pub queries: usize,
    /// Keys of a row.
    pub keys: usize,
    /// Values of a token, of all heads.
    pub width: usize,
    /// Slices of the width that attend each by itself.
    pub heads: usize,
    /// The factor of the scores.
    pub scale: f32,
    /// The keys that a query sees.
    pub seen: Seen<'a>,
    /// Values that may be held for copies of keys and values (those of one head always are).
    pub scratch: usize,
}

/// Some queries of one head.
pub(crate) struct Block<'a> {
    /// From the head's first value of the first query on; queries lie `stride` apart.
    q: &'a [f32],
    stride: usize,
    queries: usize,
    /// The place of the first query in its row.
    first: usize,
    /// Keys and values, `[keys, depth]` each.
    k: &'a [f32],
    v: &'a [f32],
    keys: usize,
    depth: usize,
    scale: f32,
    causal: bool,
    /// From the first query's row on.
    bias: Option<&'a [f32]>,
}

impl Attention<'_> {
    /// Writes the result, which is as large as `q`, with kernels of `set`.
    ///
    /// # Errors
    /// If sizes do not fit, or there is no room for copies of keys and values.
    pub fn write(&self, set: &'static Set, out: &mut [f32]) -> Result<()> {
        let &Self { q, rows, queries, keys, width, heads, scale, seen, scratch } = self;
        let n = rows.len();
        let bias = match seen {
            Seen::Bias(bias) => Some(bias),
            Seen::All | Seen::Causal => None,
        };
        let row = queries.checked_mul(width);
        if heads == 0
            || !width.is_multiple_of(heads)
            || row.and_then(|row| row.checked_mul(n)) != Some(q.len())
            || out.len() != q.len()
            || rows.iter().flatten().any(|x| Some(x.len()) != keys.checked_mul(width))
            || bias.is_some_and(|bias| bias.len() != queries * keys && bias.len() != n * queries * keys)
        {
            return Err(Error::Fit("an attention"));
        }
        if q.is_empty() {
            return Ok(());
        }
        let depth = width / heads;
        let block = set.panel();
        let blocks = queries.div_ceil(block);
        // Heads of all rows, as many at a time as there is room for.
        let pairs = n * heads;
        let head = 2 * keys * depth;
        let at_once = (scratch / head.max(1)).clamp(1, pairs);
        let mut copies: Vec<f32> = Vec::new();
        if heads > 1 {
            copies.try_reserve_exact(at_once * head).map_err(|_| Error::OutOfMemory)?;
            copies.resize(at_once * head, 0.0);
        }
        let out = Shared::new(out);
        for start in (0..pairs).step_by(at_once) {
            let count = at_once.min(pairs - start);
            if heads > 1 {
                let copies = Shared::new(&mut copies);
                spread(2 * count, |task| {
                    let (pair, which) = (start + task / 2, task % 2);
                    let from = rows[pair / heads][which].chunks_exact(width);
                    // SAFETY: every task writes its own part.
                    let to = unsafe { copies.part(task * keys * depth, keys * depth) };
                    let column = pair % heads * depth;
                    for (to, from) in to.chunks_exact_mut(depth).zip(from) {
                        to.copy_from_slice(&from[column..column + depth]);
                    }
                });
            }
            let copies = &copies;
            spread(count * blocks, |task| {
                let (pair, first) = (start + task / blocks, task % blocks * block);
                let (row, column) = (pair / heads, pair % heads * depth);
                let queries_here = block.min(queries - first);
                let [k, v] = if heads > 1 {
                    let (k, v) = copies[(pair - start) * head..][..head].split_at(keys * depth);
                    [k, v]
                } else {
                    rows[row]
                };
                let from = (row * queries + first) * width;
                let bias = bias.map(|bias| {
                    let row = if bias.len() == queries * keys { 0 } else { row };
                    &bias[(row * queries + first) * keys..][..queries_here * keys]
                });
                let task = Block {
                    q: &q[from + column..],
                    stride: width,
                    queries: queries_here,
                    first,
                    k,
                    v,
                    keys,
                    depth,
                    scale,
                    causal: matches!(seen, Seen::Causal),
                    bias,
                };
                with_scratch(|scratch| {
                    set.attend(&task, scratch);
                    let values = scratch.d.values().chunks_exact(depth);
                    for (query, values) in (0..queries_here).zip(values) {
                        // SAFETY: every query of every head is written by one task.
                        unsafe { out.part(from + query * width + column, depth) }.copy_from_slice(values);
                    }
                });
            });
        }
        Ok(())
    }
}

/// Attends; the result `[queries, depth]` goes to `scratch.d`.
///
/// # Safety
/// The processor has the instructions of `S`, which are those of `set`.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "indices run over several arrays of vectors")]
pub(crate) unsafe fn attend<S: Simd>(set: &'static Set, block: &Block, scratch: &mut Scratch) {
    let &Block { q, stride, queries, first, k, v, keys, depth, scale, causal, bias } = block;
    let vectors = queries.div_ceil(S::LANES);
    let width = vectors * S::LANES;
    assert!((1..=VECTORS).contains(&vectors) && k.len() == keys * depth && v.len() == k.len(), "a block of queries");
    let columns = scratch.a.room(depth * width);
    let scores = scratch.b.room(KEYS * width);
    let sums = scratch.c.room(depth * width);
    // Queries as columns; scores are exponents of two.
    columns.fill(0.0);
    for query in 0..queries {
        for (i, &value) in q[query * stride..][..depth].iter().enumerate() {
            columns[i * width + query] = value * (scale * LOG2_E);
        }
    }
    // Keys after the last query are seen by none.
    let seen = if causal { keys.min(first + queries) } else { keys };
    if seen == 0 {
        sums.fill(f32::NAN);
    }
    // SAFETY: vectors lie in the arrays above, which have `width` columns; products are of the sizes that these were made for.
    unsafe {
        // Far below all scores, but no infinity: its distance from itself is a number.
        let mut largest = [S::splat(-1e30); VECTORS];
        let mut total = [S::splat(0.0); VECTORS];
        for from in (0..seen).step_by(KEYS) {
            let count = KEYS.min(seen - from);
            let left = Left { values: k.as_ptr().add(from * depth), stride: depth, rows: count, steps: depth };
            set.product(left, vectors, columns.as_ptr(), width, scores.as_mut_ptr(), width, true);
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
            let mut moved = false;
            let mut factor = [S::splat(1.0); VECTORS];
            for n in 0..vectors {
                let column = scores.as_mut_ptr().add(n * S::LANES);
                let mut m = [largest[n]; 4];
                for key in 0..count {
                    m[key % 4] = S::max(m[key % 4], S::load(column.add(key * width)));
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
            if moved && from > 0 {
                for i in 0..depth {
                    for n in 0..vectors {
                        let sum = sums.as_mut_ptr().add(i * width + n * S::LANES);
                        S::store(sum, S::mul(S::load(sum), factor[n]));
                    }
                }
            }
            let left = Left { values: v.as_ptr().add(from * depth), stride: depth, rows: depth, steps: count };
            set.product_by_columns(left, vectors, scores.as_ptr(), width, sums.as_mut_ptr(), width, from == 0);
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
