//! The order of memory on the processor and on graphics cards: images lie with their channels last, `[n, h, w, c]`, so that their
//! tokens are the same values.

use rayon::prelude::*;

/// Values that are worth a thread.
pub(super) const GRAIN: usize = 1 << 14;

/// The place in memory of an axis that the trait speaks of, among `axes`.
pub(super) fn place(axes: usize, axis: usize) -> usize {
    match (axes, axis) {
        (4, 1) => 3,
        (4, 2 | 3) => axis - 1,
        _ => axis,
    }
}

/// Exchanges rows and columns of matrices that lie one after the other in `x`: for every image, `[channels, pixels]` and
/// `[pixels, channels]`.
pub(super) fn exchange(x: &[f32], [rows, columns]: [usize; 2], y: &mut [f32]) {
    let image = (rows * columns).max(1);
    for (y, x) in y.chunks_exact_mut(image).zip(x.chunks_exact(image)) {
        y.par_chunks_mut(rows.max(1)).with_min_len(GRAIN.div_ceil(rows.max(1))).enumerate().for_each(|(column, y)| {
            let values = x.iter().skip(column).step_by(columns.max(1));
            y.iter_mut().zip(values).for_each(|(y, x)| *y = *x);
        });
    }
}
