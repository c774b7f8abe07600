//! Loops that move values. Images lie with their channels last.

use crate::backend::channels_last::GRAIN;
use rayon::prelude::*;

/// Adds a vector to every run of as many values.
pub(super) fn add_vector(x: &mut [f32], vector: &[f32]) {
    if !vector.is_empty() {
        x.par_chunks_mut(vector.len()).with_min_len(GRAIN.div_ceil(vector.len())).for_each(|x| {
            x.iter_mut().zip(vector).for_each(|(x, v)| *x += v);
        });
    }
}

/// Enlarges an image, nearest neighbour.
pub(super) fn upsample(x: &[f32], from: [usize; 2], to: [usize; 2], channels: usize, y: &mut [f32]) {
    let ([in_height, in_width], [height, width]) = (from, to);
    let line = (width * channels).max(1);
    y.par_chunks_mut(line).with_min_len(GRAIN.div_ceil(line)).enumerate().for_each(|(index, y)| {
        let (image, row) = (index / height, index % height);
        let start = (image * in_height + row * in_height / height) * in_width * channels;
        for (column, y) in y.chunks_exact_mut(channels).enumerate() {
            let at = start + column * in_width / width * channels;
            y.copy_from_slice(&x[at..at + channels]);
        }
    });
}
