//! The end of a product.

use super::super::{Activation, Epilogue, Result, Shape};
use super::tensor::Tensor;
use polyptych_kernels as kernels;

/// The kernels' name of a function.
pub(super) fn function(activation: Activation) -> kernels::Activation {
    match activation {
        Activation::Silu => kernels::Activation::Silu,
        Activation::Gelu => kernels::Activation::Gelu,
        Activation::QuickGelu => kernels::Activation::QuickGelu,
        Activation::Relu => kernels::Activation::Relu,
    }
}

/// An [`Epilogue`] whose shapes fit a product of shape `shape`, in the order of memory.
pub(super) fn finish<'a>(
    operator: &'static str,
    then: Epilogue<'a, Tensor>,
    shape: Shape,
) -> Result<kernels::Finish<'a>> {
    let (count, width) = (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
    if let Some(vector) =
        then.vector.filter(|vector| ![[1, width], [count, width]].iter().any(|fit| *vector.shape == fit[..]))
    {
        return Err(vector.misfit(operator, format!("a vector of {width} for 1 or {count}")));
    }
    if let Some(residual) = then.residual.filter(|residual| residual.shape != shape) {
        return Err(residual.misfit(operator, format!("a residual of {shape:?} with its channels last")));
    }
    Ok(kernels::Finish {
        vector: then.vector.map(|vector| vector.data.as_slice()),
        activation: then.activation.map(function),
        residual: then.residual.map(|residual| residual.data.as_slice()),
    })
}
