//! Convolution weights as the matrix that patches are multiplied with.

use crate::backend::WeightView;
use rayon::prelude::*;

/// Columns of the weight that one thread turns into rows of the matrix at a time.
const COLUMNS: usize = 256;
/// Rows of the weight that are read before the matrix is written: one cache line of each of its rows.
const ROWS: usize = 16;

/// Weight `[out, in, kernel, kernel]` as `[kernel · kernel · in, out]` in f32, read from the weight's own bytes on all threads
/// without a copy between.
pub(super) fn matrix(weight: &WeightView, outputs: usize, inputs: usize, kernel: usize) -> Vec<f32> {
    let taps = kernel * kernel;
    let columns = inputs * taps;
    let mut matrix = vec![0.0_f32; columns * outputs];
    if matrix.is_empty() {
        return matrix;
    }
    // The matrix' rows in the order of the weight's columns, input by input: those go tap by tap, input by input here.
    let mut rows: Vec<Option<&mut [f32]>> = matrix.chunks_exact_mut(outputs).map(Some).collect();
    let mut ordered: Vec<&mut [f32]> = Vec::with_capacity(columns);
    for column in 0..columns {
        let row = rows.get_mut(column % taps * inputs + column / taps);
        ordered.extend(row.and_then(Option::take));
    }
    ordered.par_chunks_mut(COLUMNS).enumerate().for_each(|(block, targets)| {
        let mut tile = [0.0_f32; ROWS * COLUMNS];
        let width = targets.len();
        for first in (0..outputs).step_by(ROWS) {
            let count = ROWS.min(outputs - first);
            for (row, values) in tile.chunks_exact_mut(width).take(count).enumerate() {
                weight.copy_to((first + row) * columns + block * COLUMNS, values);
            }
            for (column, target) in targets.iter_mut().enumerate() {
                let values = tile.iter().skip(column).step_by(width);
                target[first..first + count].iter_mut().zip(values).for_each(|(target, value)| *target = *value);
            }
        }
    });
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_of_any_size_is_the_permuted_weight() {
        for (outputs, inputs, kernel) in [(1, 1, 1), (5, 3, 3), (16, 70, 3), (33, 300, 1), (3, 2, 15)] {
            let weight: Vec<f32> = (0..outputs * inputs * kernel * kernel).map(|i| i as f32).collect();
            let shape = vec![outputs, inputs, kernel, kernel];
            let found = matrix(&WeightView::computed(shape, weight.clone()), outputs, inputs, kernel);
            let taps = kernel * kernel;
            for (at, value) in found.iter().enumerate() {
                let (tap, input, output) = (at / outputs / inputs, at / outputs % inputs, at % outputs);
                assert_eq!(*value, weight[(output * inputs + input) * taps + tap], "{outputs} {inputs} {kernel}: {at}");
            }
        }
    }
}
