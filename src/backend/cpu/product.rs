//! Products of matrices, by the `gemm` crate.

use super::super::{Error, Result};

/// A matrix in a slice: the value of row `i` and column `j` lies at `i · row + j · column`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub values: &'a [f32],
    pub rows: usize,
    pub columns: usize,
    pub row: usize,
    pub column: usize,
}

impl<'a> Matrix<'a> {
    /// Row by row, without gaps.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { values, rows, columns, row: columns, column: 1 }
    }

    pub(super) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row: self.column, column: self.row, ..self }
    }

    /// True where every value lies in the slice.
    fn holds(&self) -> bool {
        reach(self.rows, self.columns, self.row, self.column).is_some_and(|reach| reach <= self.values.len())
    }
}

/// Values up to the last one of a matrix.
fn reach(rows: usize, columns: usize, row: usize, column: usize) -> Option<usize> {
    if rows == 0 || columns == 0 {
        return Some(0);
    }
    let last = (rows - 1).checked_mul(row)?.checked_add((columns - 1).checked_mul(column)?)?;
    if last < isize::MAX.unsigned_abs() { Some(last + 1) } else { None }
}

/// Writes `a · b` over `out`, whose rows begin `row` values apart, on all threads.
pub(super) fn product(operator: &'static str, a: Matrix, b: Matrix, out: &mut [f32], row: usize) -> Result<()> {
    let (rows, inner, columns) = (a.rows, a.columns, b.columns);
    let fits = reach(rows, columns, row, 1).is_some_and(|reach| reach <= out.len()) && (rows < 2 || row >= columns);
    if inner != b.rows || !a.holds() || !b.holds() || !fits {
        let expected = format!("a product with {:?}", [b.rows, b.columns]);
        return Err(Error::Shape { operator, found: vec![a.rows, a.columns], expected });
    }
    let parallelism = match rayon::current_num_threads() {
        0 | 1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    };
    // SAFETY: all places of the three matrices lie in their slices, as was just checked, no two places of the result are one,
    // and the result is borrowed alone. Strides are at most the slices' lengths, so none is too large for its type.
    #[expect(unsafe_code, clippy::cast_possible_wrap, reason = "the crate takes pointers and strides")]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            row as isize,
            false,
            a.values.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
    Ok(())
}
