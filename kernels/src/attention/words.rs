//! Attention with operands of 16 bits: keys and values as words.

use super::block::{KEYS, Keys};
use super::{Attention, Result};
use crate::Error;
use crate::narrow::Narrow;
use crate::set::Set;
use crate::threads::{Aligned, Shared, spread, with_scratch};

/// Words of the keys and of the values of one head. Keys are rows of their values; values are, for every [`KEYS`] keys, rows of these keys,
/// one for each of a value's `depth` places.
pub(super) fn lengths(narrow: &Narrow, keys: usize, depth: usize) -> (usize, usize) {
    (keys * narrow.steps_of(depth), keys.div_ceil(KEYS) * depth * narrow.steps_of(KEYS))
}

impl Attention<'_> {
    /// Writes the result; `false` where it left the range of f16 (what was written then is of no use).
    pub(super) fn write_rounded(
        &self,
        set: &'static Set,
        narrow: &'static Narrow,
        bias: Option<&[f32]>,
        out: &mut [f32],
    ) -> Result<bool> {
        let &Self { rows, keys, width, heads, scratch, .. } = self;
        let depth = width / heads;
        let (k_len, v_len) = lengths(narrow, keys, depth);
        let (head, pairs) = (k_len + v_len, rows.len() * heads);
        let at_once = (scratch / head.max(1)).clamp(1, pairs);
        // The last rows are filled up to a tile's.
        let more = narrow.rows_of(1) * narrow.steps_of(depth).max(narrow.steps_of(KEYS));
        let mut words = Aligned::zeros(at_once * head + more).ok_or(Error::OutOfMemory)?;
        let parts = 1 + keys.div_ceil(KEYS);
        let shared_out = Shared::new(out);
        for start in (0..pairs).step_by(at_once) {
            let count = at_once.min(pairs - start);
            let shared = Shared::new(words.values_mut());
            spread(count * parts, |task| {
                let (pair, part) = (start + task / parts, task % parts);
                let column = pair % heads * depth;
                let [k, v] = rows[pair / heads];
                let at = task / parts * head;
                let Some(block) = part.checked_sub(1) else {
                    let row = narrow.steps_of(depth);
                    // SAFETY: every task writes its own part.
                    let to = unsafe { shared.part(at, k_len) };
                    for (to, from) in to.chunks_exact_mut(row).zip(k.chunks_exact(width)) {
                        narrow.round(&from[column..column + depth], to);
                    }
                    return;
                };
                let row = narrow.steps_of(KEYS);
                // SAFETY: every task writes its own part.
                let to = unsafe { shared.part(at + k_len + block * depth * row, depth * row) };
                let values = &v[block * KEYS * width..];
                let values = &values[..values.len().min(KEYS * width)];
                with_scratch(|scratch| {
                    let line = scratch.a.room(values.len() / width);
                    for (i, to) in to.chunks_exact_mut(row).enumerate() {
                        for (line, value) in line.iter_mut().zip(values.chunks_exact(width)) {
                            *line = value[column + i];
                        }
                        narrow.round(line, to);
                    }
                });
            });
            let words = words.values();
            self.attend(set, narrow.panel(), [start, count], bias, &shared_out, |pair| {
                // (Both go on to the end: rows that fill up a tile are read beyond their own.)
                let k = &words[(pair - start) * head..];
                Keys::Rounded { narrow, k, v: &k[k_len..] }
            });
        }
        Ok(narrow.holds(out))
    }
}
