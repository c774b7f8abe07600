//! The arithmetic of changes: values of a weight with a layer's change in them.

use super::LoraFile;
use super::layer::{Delta, Kind, Layer, Magnitude, Matrix, Scaling};
use crate::networks::{Error, Result, Weights as _};
use rayon::prelude::*;

impl LoraFile {
    /// Changes the values of a weight of this shape.
    pub(super) fn change_weight(
        &self,
        layer: &Layer,
        strength: f32,
        shape: &[usize],
        weight: &mut [f32],
    ) -> Result<()> {
        let rows = shape.first().copied().unwrap_or(1).max(1);
        let inputs = shape.get(1).copied().unwrap_or(1).max(1);
        match &layer.magnitude {
            None => {
                for delta in &layer.deltas {
                    self.add(delta, strength, rows, inputs, weight)?;
                }
            }
            Some(Magnitude { name, by_rows }) => {
                let mut changed = weight.to_vec();
                for delta in &layer.deltas {
                    self.add(delta, 1.0, rows, inputs, &mut changed)?;
                }
                let line = Lines { rows, inputs, by_rows: *by_rows };
                line.scale_to(&self.values(name)?, &mut changed);
                weight.iter_mut().zip(changed).for_each(|(value, changed)| *value += strength * (changed - *value));
            }
        }
        if let Some(Scaling { name, by_rows }) = &layer.scaling {
            let factors: Vec<f32> = self.values(name)?.iter().map(|factor| 1.0 + strength * factor).collect();
            Lines { rows, inputs, by_rows: *by_rows }.multiply(&factors, weight);
        }
        self.check(&layer.label, weight)
    }

    /// Changes the values of a bias.
    pub(super) fn change_bias(&self, layer: &Layer, strength: f32, bias: &mut [f32]) -> Result<()> {
        for (name, scale) in &layer.bias {
            bias.iter_mut().zip(self.values(name)?).for_each(|(value, change)| *value += strength * scale * change);
        }
        self.check(&layer.label, bias)
    }

    /// Refuses values that are not finite: finite factors whose product is not.
    fn check(&self, label: &str, values: &[f32]) -> Result<()> {
        self.tensors.release();
        match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            Some((index, &value)) => {
                Err(Error::NotFinite { file: self.tensors.file(), name: label.to_owned(), value, index })
            }
            None => Ok(()),
        }
    }

    fn values(&self, name: &str) -> Result<Vec<f32>> {
        Ok(self.tensors.read(name)?.into_f32())
    }

    /// Adds strength · scale · D.
    fn add(&self, delta: &Delta, strength: f32, rows: usize, inputs: usize, weight: &mut [f32]) -> Result<()> {
        let factor = strength * delta.scale;
        match &delta.kind {
            Kind::Product { down, up, mid } => {
                let up = self.values(up)?;
                let mut inner = up.len() / rows;
                let mut down = self.values(down)?;
                if let Some(mid) = mid {
                    let shape = self.tensors.shape(mid).unwrap_or_default();
                    inner = shape.first().copied().unwrap_or(1);
                    down = between(inner, &self.values(mid)?, &down, shape.get(1).copied().unwrap_or(1));
                }
                add_product(weight, &up, &down, inner, factor);
            }
            Kind::Hadamard([first, second]) => {
                let (first, second) = (self.matrix(first)?, self.matrix(second)?);
                let pairs = first.par_iter().zip(second);
                weight.par_iter_mut().zip(pairs).for_each(|(value, (a, b))| *value += factor * (a * b));
            }
            Kind::Kronecker([first, second]) => {
                let inner = second.sizes(&self.tensors);
                add_kronecker(weight, &self.matrix(first)?, &self.matrix(second)?, inner, rows, factor);
            }
            Kind::General { a, b } => {
                let [a1, a2] = [self.values(&a[0])?, self.values(&a[1])?];
                let [b1, b2] = [self.values(&b[0])?, self.values(&b[1])?];
                let mut change = through(weight, rows, inputs, &a1, &a2);
                add_product(&mut change, &b1, &b2, b1.len() / rows, 1.0);
                weight.iter_mut().zip(change).for_each(|(value, change)| *value += factor * change);
            }
            Kind::Whole(name) => {
                let change = self.values(name)?;
                weight.iter_mut().zip(change).for_each(|(value, change)| *value += factor * change);
            }
        }
        Ok(())
    }

    /// A matrix, row by row.
    fn matrix(&self, matrix: &Matrix) -> Result<Vec<f32>> {
        let (rows, columns) = matrix.sizes(&self.tensors);
        Ok(match matrix {
            Matrix::Whole(name) => self.values(name)?,
            Matrix::Product { a, b } => {
                let (a, b) = (self.values(a)?, self.values(b)?);
                let mut out = vec![0.0; rows * columns];
                add_product(&mut out, &a, &b, a.len() / rows.max(1), 1.0);
                out
            }
            Matrix::Tucker { core, a, b } => {
                let shape = self.tensors.shape(core).unwrap_or_default();
                let [outer, inner] = [0, 1].map(|axis| shape.get(axis).copied().unwrap_or(1));
                let between = between(outer, &self.values(core)?, &self.values(b)?, inner);
                let mut out = vec![0.0; rows * columns];
                add_product(&mut out, &transposed(&self.values(a)?, rows), &between, outer, 1.0);
                out
            }
        })
    }
}

/// The rows of a weight `[rows, inputs, kernel]`, or its columns: all that belongs to one input.
struct Lines {
    rows: usize,
    inputs: usize,
    by_rows: bool,
}

impl Lines {
    /// The number of the line in which a value of a row is.
    fn line(&self, row: usize, at: usize, kernel: usize) -> usize {
        if self.by_rows { row } else { at / kernel }
    }

    /// Brings each line to its norm.
    fn scale_to(&self, norms: &[f32], weight: &mut [f32]) {
        let columns = weight.len() / self.rows;
        let kernel = (columns / self.inputs).max(1);
        let mut squares = vec![0.0_f64; norms.len()];
        for (row, values) in weight.chunks_exact(columns.max(1)).enumerate() {
            for (at, &value) in values.iter().enumerate() {
                if let Some(sum) = squares.get_mut(self.line(row, at, kernel)) {
                    *sum += f64::from(value) * f64::from(value);
                }
            }
        }
        // (A line of zeros has no direction and stays as it is.)
        let factor = |(norm, square): (&f32, f64)| if square > 0.0 { f64::from(*norm) / square.sqrt() } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
        let factors: Vec<f32> = norms.iter().zip(squares).map(|pair| factor(pair) as f32).collect();
        self.multiply(&factors, weight);
    }

    /// Multiplies each line with its factor.
    fn multiply(&self, factors: &[f32], weight: &mut [f32]) {
        let columns = weight.len() / self.rows;
        let kernel = (columns / self.inputs).max(1);
        for (row, values) in weight.chunks_exact_mut(columns.max(1)).enumerate() {
            for (at, value) in values.iter_mut().enumerate() {
                *value *= factors.get(self.line(row, at, kernel)).copied().unwrap_or(1.0);
            }
        }
    }
}

/// `weight += scale · up · down`, with `up` `[rows, rank]` and `down` `[rank, columns]`, row by row on all threads.
fn add_product(weight: &mut [f32], up: &[f32], down: &[f32], rank: usize, scale: f32) {
    let columns = (down.len() / rank.max(1)).max(1);
    weight.par_chunks_exact_mut(columns).zip(up.par_chunks_exact(rank.max(1))).for_each(|(row, up)| {
        let mut sums = vec![0.0_f32; columns];
        let mut factors = up.chunks_exact(4);
        let mut rows = down.chunks_exact(4 * columns);
        // Four at a time: the sums are read and written a quarter as often.
        for (f, d) in factors.by_ref().zip(rows.by_ref()) {
            let (d0, d) = d.split_at(columns);
            let (d1, d) = d.split_at(columns);
            let (d2, d3) = d.split_at(columns);
            for ((((sum, d0), d1), d2), d3) in sums.iter_mut().zip(d0).zip(d1).zip(d2).zip(d3) {
                *sum += f[0] * d0 + f[1] * d1 + f[2] * d2 + f[3] * d3;
            }
        }
        for (f, d) in factors.remainder().iter().zip(rows.remainder().chunks_exact(columns)) {
            for (sum, d) in sums.iter_mut().zip(d) {
                *sum += f * d;
            }
        }
        for (value, sum) in row.iter_mut().zip(sums) {
            *value += scale * sum;
        }
    });
}

/// `weight += scale · first ⊗ second`, with `second` of `inner` rows and columns.
fn add_kronecker(weight: &mut [f32], first: &[f32], second: &[f32], inner: (usize, usize), rows: usize, scale: f32) {
    let columns = (weight.len() / rows).max(1);
    let (height, width) = (inner.0.max(1), inner.1.max(1));
    weight.par_chunks_exact_mut(columns).enumerate().for_each(|(row, values)| {
        let of_first = first.chunks_exact((columns / width).max(1)).nth(row / height).unwrap_or_default();
        let of_second = second.chunks_exact(width).nth(row % height).unwrap_or_default();
        for (values, first) in values.chunks_exact_mut(width).zip(of_first) {
            values.iter_mut().zip(of_second).for_each(|(value, second)| *value += scale * (first * second));
        }
    });
}

/// A weight `[rows, inputs, kernel]` times `first` `[inputs, rank]` and `second` `[rank, inputs]`, over its inputs.
fn through(weight: &[f32], rows: usize, inputs: usize, first: &[f32], second: &[f32]) -> Vec<f32> {
    let columns = (weight.len() / rows).max(1);
    let (kernel, rank) = ((columns / inputs).max(1), first.len() / inputs);
    let mut out = vec![0.0; weight.len()];
    out.par_chunks_exact_mut(columns).zip(weight.par_chunks_exact(columns)).for_each(|(out, weight)| {
        let mut inner = vec![0.0; rank * kernel];
        for (weight, first) in weight.chunks_exact(kernel).zip(first.chunks_exact(rank.max(1))) {
            for (inner, first) in inner.chunks_exact_mut(kernel).zip(first) {
                inner.iter_mut().zip(weight).for_each(|(inner, weight)| *inner += weight * first);
            }
        }
        for (inner, second) in inner.chunks_exact(kernel).zip(second.chunks_exact(inputs)) {
            for (out, second) in out.chunks_exact_mut(kernel).zip(second) {
                out.iter_mut().zip(inner).for_each(|(out, inner)| *out += inner * second);
            }
        }
    });
    out
}

/// `matrix` `[n, rows]` as `[rows, n]`.
fn transposed(matrix: &[f32], rows: usize) -> Vec<f32> {
    (0..rows).flat_map(|row| matrix.iter().skip(row).step_by(rows.max(1)).copied()).collect()
}

/// The kernel `mid` `[outer, rank, k, k]` after `down` `[rank, in]`: `[outer, in, k, k]`.
fn between(outer: usize, mid: &[f32], down: &[f32], rank: usize) -> Vec<f32> {
    let outer = outer.max(1);
    let (rank, inputs) = (rank.max(1), down.len() / rank.max(1));
    let kernel = mid.len() / (outer * rank).max(1);
    let mut out = vec![0.0; outer * inputs * kernel];
    for (out, mid) in out.chunks_exact_mut((inputs * kernel).max(1)).zip(mid.chunks_exact((rank * kernel).max(1))) {
        for (mid, down) in mid.chunks_exact(kernel.max(1)).zip(down.chunks_exact(inputs.max(1))) {
            for (out, down) in out.chunks_exact_mut(kernel.max(1)).zip(down) {
                for (out, mid) in out.iter_mut().zip(mid) {
                    *out += down * mid;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_any_rank_is_added() {
        for rank in 1..=9 {
            let (rows, columns) = (3, 5);
            let up: Vec<f32> = (0..rows * rank).map(|i| (i as f32 * 0.7).sin()).collect();
            let down: Vec<f32> = (0..rank * columns).map(|i| (i as f32 * 1.3).cos()).collect();
            let mut weight: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let before = weight.clone();
            add_product(&mut weight, &up, &down, rank, 0.5);
            for row in 0..rows {
                for column in 0..columns {
                    let sum: f32 = (0..rank).map(|k| up[row * rank + k] * down[k * columns + column]).sum();
                    let at = row * columns + column;
                    assert!((weight[at] - before[at] - 0.5 * sum).abs() < 1e-5, "rank {rank}");
                }
            }
        }
    }
}
