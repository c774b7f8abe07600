//! Plain Rust: what Miri runs, and the oracle for the other kernels.

use super::{Half, Left, Narrow};
use half::{bf16, f16};

/// Words of a vector.
const WORDS: usize = 4;

pub(super) static F16: Narrow = Narrow {
    name: None,
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

/// As AMX does, it takes some rows and steps at a time, so that those that fill up are tried too.
pub(super) static BF16: Narrow = Narrow {
    name: None,
    half: Half::Bf16,
    words: WORDS,
    vectors: 2,
    steps: 2,
    rows: 4,
    begin: super::nothing,
    end: super::nothing,
    product: bf16_product,
    round: round_bf16,
    fold: fold_bf16,
};

/// The two halves of a word.
fn halves(word: u32) -> [u16; 2] {
    [word as u16, (word >> 16) as u16]
}

fn word([low, high]: [u16; 2]) -> u32 {
    u32::from(low) | u32::from(high) << 16
}

fn f16_bits(x: f32) -> u16 {
    f16::from_f32(x).to_bits()
}

fn bf16_bits(x: f32) -> u16 {
    bf16::from_f32(x).to_bits()
}

/// # Safety
/// As [`Narrow::product`] asks.
unsafe fn f16_product(a: Left, vectors: usize, b: *const u32, ldb: usize, c: *mut f32, ldc: usize, first: bool) {
    let value = |bits: u16| f16::from_bits(bits).to_f32();
    for row in 0..a.rows {
        for column in 0..vectors * WORDS {
            let mut sums = [0.0; 2];
            for step in 0..a.offsets.len() * a.steps {
                let from = a.offsets[step / a.steps] + step % a.steps;
                // SAFETY: the caller's pointers are good for all rows, steps and columns.
                let (left, right) = unsafe { (*a.values.add(row * a.stride + from), *b.add(step * ldb + column)) };
                let right = halves(right);
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum += value(left as u16) * value(right);
                }
            }
            for (half, sum) in sums.into_iter().enumerate() {
                // SAFETY: as above.
                let to = unsafe { &mut *c.add(row * ldc + 2 * column + half) };
                *to = if first { sum } else { *to + sum };
            }
        }
    }
}

/// # Safety
/// As [`Narrow::product`] asks.
unsafe fn bf16_product(a: Left, vectors: usize, b: *const u32, ldb: usize, c: *mut f32, ldc: usize, first: bool) {
    let value = |bits: u16| bf16::from_bits(bits).to_f32();
    for row in 0..BF16.rows_of(a.rows) {
        for column in 0..vectors * WORDS {
            let mut sum = 0.0;
            for step in 0..a.offsets.len() * a.steps {
                let from = a.offsets[step / a.steps] + step % a.steps;
                // SAFETY: the caller's pointers are good for all rows, steps and columns.
                let (left, right) = unsafe { (*a.values.add(row * a.stride + from), *b.add(step * ldb + column)) };
                let [low, high] = [0, 1].map(|half| value(halves(left)[half]) * value(halves(right)[half]));
                sum += low + high;
            }
            // SAFETY: as above.
            let to = unsafe { &mut *c.add(row * ldc + column) };
            *to = if first { sum } else { *to + sum };
        }
    }
}

unsafe fn round_f16(from: &[f32], to: &mut [u32]) {
    to.fill(0);
    for (to, &x) in to.iter_mut().zip(from) {
        *to = word([f16_bits(x); 2]);
    }
}

unsafe fn round_bf16(from: &[f32], to: &mut [u32]) {
    to.fill(0);
    for (to, pair) in to.iter_mut().zip(from.chunks(2)) {
        *to = word([bf16_bits(pair[0]), pair.get(1).map_or(0, |&x| bf16_bits(x))]);
    }
}

unsafe fn fold_f16(from: &[f32], _columns: usize, to: &mut [u32]) {
    to.fill(0);
    for (to, pair) in to.iter_mut().zip(from.chunks_exact(2)) {
        *to = word([f16_bits(pair[0]), f16_bits(pair[1])]);
    }
}

unsafe fn fold_bf16(from: &[f32], columns: usize, to: &mut [u32]) {
    to.fill(0);
    for (to, rows) in to.chunks_exact_mut(columns).zip(from.chunks(2 * columns)) {
        let (low, high) = rows.split_at(columns);
        for (at, to) in to.iter_mut().enumerate() {
            *to = word([bf16_bits(low[at]), high.get(at).map_or(0, |&x| bf16_bits(x))]);
        }
    }
}
