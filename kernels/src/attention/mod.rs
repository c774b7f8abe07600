//! `softmax(scale · q·kᵀ)·v` without the matrix of scores: some keys at a time, with running maxima and sums.
//!
//! Queries lie in the vectors' lanes: `Sᵀ = k·qᵀ` and `Oᵀ = vᵀ·Pᵀ`. So keys and values are the left operands as they lie in
//! memory, `Sᵀ` comes out in the order in which `Pᵀ` goes in, and maxima and sums are taken lane by lane. The running softmax is
//! Milakov and Gimelshein's (2018).
//!
//! Where operands of products are rounded, queries, keys, values and `P` are; scores, maxima and sums stay f32.

mod block;
mod words;

pub(crate) use block::{Block, Keys, attend};

use crate::set::Set;
use crate::threads::{Shared, spread, with_scratch};
use crate::{Error, Result};

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
    /// Values that may be held for copies of keys and values (those of one head always may).
    pub scratch: usize,
}

impl Attention<'_> {
    /// Writes the result, which is as large as `q`, with kernels of `set`.
    ///
    /// # Errors
    /// If sizes do not fit, or there is no room for copies of keys and values.
    pub fn write(&self, set: &'static Set, out: &mut [f32]) -> Result<()> {
        let &Self { q, rows, queries, keys, width, heads, seen, scratch, .. } = self;
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
        if let Some(narrow) = set.narrow()
            && self.write_rounded(set, narrow, bias, out)?
        {
            return Ok(());
        }
        let depth = width / heads;
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
            self.attend(set, set.panel(), [start, count], bias, &out, |pair| {
                if heads > 1 {
                    let (k, v) = copies[(pair - start) * head..][..head].split_at(keys * depth);
                    return Keys::F32 { k, v };
                }
                let [k, v] = rows[pair];
                Keys::F32 { k, v }
            });
        }
        Ok(())
    }

    /// Attends for `count` heads of rows from `start` on, `queries` at a time; `keys` are a head's.
    fn attend<'a>(
        &self,
        set: &'static Set,
        block: usize,
        [start, count]: [usize; 2],
        bias: Option<&[f32]>,
        out: &Shared<f32>,
        keys_of: impl Fn(usize) -> Keys<'a> + Sync,
    ) {
        let &Self { q, queries, keys, width, heads, scale, seen, .. } = self;
        let depth = width / heads;
        let blocks = queries.div_ceil(block);
        spread(count * blocks, |task| {
            let (pair, first) = (start + task / blocks, task % blocks * block);
            let (row, column) = (pair / heads, pair % heads * depth);
            let queries_here = block.min(queries - first);
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
                operands: keys_of(pair),
                keys,
                depth,
                scale,
                causal: matches!(seen, Seen::Causal),
                bias,
            };
            with_scratch(|scratch| {
                match task.operands {
                    Keys::F32 { .. } => set.attend(&task, scratch),
                    Keys::Rounded { narrow, .. } => narrow.with(|| set.attend(&task, scratch)),
                }
                let values = scratch.d.values().chunks_exact(depth);
                for (query, values) in (0..queries_here).zip(values) {
                    // SAFETY: every query of every head is written by one task.
                    unsafe { out.part(from + query * width + column, depth) }.copy_from_slice(values);
                }
            });
        });
    }
}
