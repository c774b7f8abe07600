//! The end of a product: bias, vector, activation and residual, in one pass over its result.

use super::super::{Activation, Epilogue, Result};
use super::kernels::{GRAIN, gelu, quick_gelu, silu};
use super::tensor::Tensor;
use rayon::prelude::*;

/// An [`Epilogue`] whose shapes fit the product.
pub(super) struct End<'a> {
    bias: Option<&'a [f32]>,
    /// Vectors `[1, width]` or `[n, width]`, and the rows of the product that share one.
    vector: Option<(&'a [f32], usize)>,
    activation: Option<Activation>,
    residual: Option<&'a [f32]>,
    width: usize,
}

impl<'a> End<'a> {
    /// For a product of shape `shape`, in the order of memory.
    pub(super) fn new(
        operator: &'static str,
        bias: Option<&'a [f32]>,
        then: Epilogue<'a, Tensor>,
        shape: super::super::Shape,
    ) -> Result<Self> {
        let (count, width) = (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
        let rows = shape.values() / width.max(1);
        let vector = match then.vector {
            None => None,
            Some(vector) if *vector.shape == [1, width] => Some((vector.data.as_slice(), rows)),
            Some(vector) if *vector.shape == [count, width] => Some((vector.data.as_slice(), rows / count.max(1))),
            Some(vector) => return Err(vector.misfit(operator, format!("a vector of {width} for 1 or {count}"))),
        };
        if let Some(residual) = then.residual.filter(|residual| residual.shape != shape) {
            return Err(residual.misfit(operator, format!("a residual of {shape:?} with its channels last")));
        }
        let residual = then.residual.map(|residual| residual.data.as_slice());
        Ok(Self { bias, vector, activation: then.activation, residual, width })
    }

    /// Ends the rows of the product from `first` on, in place.
    pub(super) fn write(&self, first: usize, y: &mut [f32]) {
        let width = self.width.max(1);
        if self.bias.is_none() && self.vector.is_none() && self.activation.is_none() && self.residual.is_none() {
            return;
        }
        y.par_chunks_mut(width).with_min_len(GRAIN.div_ceil(width)).enumerate().for_each(|(row, y)| {
            let row = first + row;
            if let Some(bias) = self.bias {
                add(y, bias);
            }
            if let Some((vector, rows)) = self.vector {
                add(y, &vector[row / rows.max(1) * width..][..width]);
            }
            match self.activation {
                None => {}
                Some(Activation::Silu) => y.iter_mut().for_each(|y| *y = silu(*y)),
                Some(Activation::Gelu) => y.iter_mut().for_each(|y| *y = gelu(*y)),
                Some(Activation::QuickGelu) => y.iter_mut().for_each(|y| *y = quick_gelu(*y)),
            }
            if let Some(residual) = self.residual {
                add(y, &residual[row * width..][..width]);
            }
        });
    }
}

fn add(y: &mut [f32], x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
}
