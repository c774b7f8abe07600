//! Packed weights.

use super::super::{ConvOptions, Result, Values, WeightView};
use super::failed;
use super::tensor::Tensor;
use crate::backend::misfit;
use polyptych_kernels::{Set, Weights, Words};

/// Weights of a convolution.
#[derive(Debug)]
pub struct Conv {
    pub(super) weights: Weights,
    pub(super) kernel: usize,
    pub(super) options: ConvOptions,
}

/// Weights of a linear layer.
#[derive(Debug)]
pub struct Linear {
    pub(super) weights: Weights,
}

/// Scale and shift.
#[derive(Debug)]
pub struct Norm {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// A table of vectors.
#[derive(Debug)]
pub struct Embedding {
    pub(super) table: Vec<f32>,
    pub(super) width: usize,
}

/// Keys and values of one row.
#[derive(Debug)]
pub struct KeyValues {
    pub(super) k: Tensor,
    pub(super) v: Tensor,
}

impl Conv {
    pub(super) fn new(set: &'static Set, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Self> {
        let operator = "packing a convolution";
        let bias = values(operator, bias)?;
        match *weight.shape.as_slice() {
            [outputs, inputs, kernel, width]
                if kernel == width && bias.len() == outputs && weight.len() == outputs * inputs * kernel * kernel =>
            {
                let sizes = [outputs, inputs, kernel * kernel];
                let weights = words(weight, |words| Weights::new(set, words, Some(&bias), sizes));
                Ok(Self { weights: weights.map_err(failed(operator))?, kernel, options })
            }
            _ => {
                let expected = format!("a square kernel, {} outputs and {} values", bias.len(), weight.len());
                Err(misfit(operator, &weight.shape, expected))
            }
        }
    }

    /// Channels that go in.
    pub(super) fn inputs(&self) -> usize {
        self.weights.depth() / (self.kernel * self.kernel).max(1)
    }
}

impl Linear {
    /// `gated` for [`super::Backend::linear_geglu`].
    pub(super) fn new(set: &'static Set, weight: WeightView, bias: Option<WeightView>, gated: bool) -> Result<Self> {
        let operator = "packing a linear layer";
        let bias = bias.map(|bias| values(operator, bias)).transpose()?;
        let bias = bias.as_deref();
        match *weight.shape.as_slice() {
            [outputs, inputs]
                if bias.is_none_or(|bias| bias.len() == outputs)
                    && weight.len() == outputs * inputs
                    && (!gated || outputs.is_multiple_of(2)) =>
            {
                let weights = words(weight, |words| {
                    if gated {
                        Weights::gated(set, words, bias, [outputs, inputs])
                    } else {
                        Weights::new(set, words, bias, [outputs, inputs, 1])
                    }
                });
                Ok(Self { weights: weights.map_err(failed(operator))? })
            }
            _ => Err(misfit(operator, &weight.shape, "a matrix, and a bias of its rows")),
        }
    }
}

/// A weight's values, if it has as many as its shape says.
pub(super) fn values(operator: &'static str, weight: WeightView) -> Result<Vec<f32>> {
    if weight.shape.iter().product::<usize>() != weight.len() {
        return Err(misfit(operator, &weight.shape, format!("{} values", weight.len())));
    }
    Ok(weight.into_f32())
}

/// Calls `pack` with the weight's own words, or with f32 where it has wider ones.
fn words<T>(weight: WeightView, pack: impl FnOnce(Words) -> T) -> T {
    match weight.values {
        Values::F16(bytes) => pack(Words::F16(bytes)),
        Values::Halves(bytes) => pack(Words::F16(&bytes)),
        Values::Bf16(bytes) => pack(Words::Bf16(bytes)),
        Values::F32(bytes) => pack(Words::F32(bytes)),
        Values::Computed(values) => pack(Words::Values(&values)),
        Values::F64(_) => pack(Words::Values(&weight.into_f32())),
    }
}
