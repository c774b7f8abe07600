//! Any backend, made to stop between operators.

use super::{Activation, Attention, Backend, ConvOptions, Epilogue, Interrupt, Result, Shape, WeightView};
use std::collections::BTreeMap;

/// `B`, which fails with [`Error::Cancelled`](super::Error::Cancelled) before any operator once it is interrupted. The question
/// is one read of memory an operator.
#[derive(Debug)]
pub struct Stoppable<B> {
    inner: B,
    interrupt: Interrupt,
}

impl<B: Backend> Stoppable<B> {
    /// `inner`, stopped by `interrupt`.
    #[must_use]
    pub fn new(inner: B, interrupt: Interrupt) -> Self {
        Self { inner, interrupt }
    }
}

impl<B: Backend> Backend for Stoppable<B> {
    type Tensor = B::Tensor;
    type Conv = B::Conv;
    type Linear = B::Linear;
    type Norm = B::Norm;
    type Embedding = B::Embedding;
    type Moments = B::Moments;
    type KeyValues = B::KeyValues;

    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn value_bytes(&self) -> usize {
        self.inner.value_bytes()
    }
    fn room(&self) -> Option<usize> {
        self.inner.room()
    }
    fn refused(&self) -> Option<[u64; 2]> {
        self.inner.refused()
    }
    fn tune(&self) -> Result<()> {
        self.interrupt.check()?;
        self.inner.tune()
    }
    fn wide(&self) -> Option<Self> {
        Some(Self { inner: self.inner.wide()?, interrupt: self.interrupt.clone() })
    }
    fn time_operators(&self) -> bool {
        self.inner.time_operators()
    }
    fn device_seconds(&self) -> BTreeMap<&'static str, f64> {
        self.inner.device_seconds()
    }
    fn preferred_batch(&self, cells: usize) -> usize {
        self.inner.preferred_batch(cells)
    }
    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Self::Conv> {
        self.interrupt.check()?;
        self.inner.pack_conv(weight, bias, options)
    }
    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear> {
        self.interrupt.check()?;
        self.inner.pack_linear(weight, bias)
    }
    fn pack_linear_geglu(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear> {
        self.interrupt.check()?;
        self.inner.pack_linear_geglu(weight, bias)
    }
    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<Self::Norm> {
        self.interrupt.check()?;
        self.inner.pack_norm(scale, shift)
    }
    fn pack_embedding(&self, table: WeightView) -> Result<Self::Embedding> {
        self.interrupt.check()?;
        self.inner.pack_embedding(table)
    }
    fn pack_keys(&self, k: &Self::Tensor, v: &Self::Tensor) -> Result<Self::KeyValues> {
        self.interrupt.check()?;
        self.inner.pack_keys(k, v)
    }
    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.upload(shape, data)
    }
    fn download(&self, x: &Self::Tensor) -> Result<Vec<f32>> {
        self.interrupt.check()?;
        self.inner.download(x)
    }
    fn download_all(&self, tensors: &[&Self::Tensor]) -> Result<Vec<Vec<f32>>> {
        self.interrupt.check()?;
        self.inner.download_all(tensors)
    }
    fn shape(&self, x: &Self::Tensor) -> Shape {
        self.inner.shape(x)
    }
    fn conv2d(&self, x: &Self::Tensor, weights: &Self::Conv) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.conv2d(x, weights)
    }
    fn conv2d_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Conv,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.conv2d_with(x, weights, then)
    }
    fn upsample_conv2d(
        &self,
        x: &Self::Tensor,
        height: usize,
        width: usize,
        weights: &Self::Conv,
    ) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.upsample_conv2d(x, height, width, weights)
    }
    fn linear(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.linear(x, weights)
    }
    fn linear_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Linear,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.linear_with(x, weights, then)
    }
    fn linear_geglu(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.linear_geglu(x, weights)
    }
    fn group_norm(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.group_norm(x, weights, groups, eps, silu)
    }
    fn group_moments(&self, x: &Self::Tensor, groups: usize) -> Result<Self::Moments> {
        self.interrupt.check()?;
        self.inner.group_moments(x, groups)
    }
    fn merge_moments(&self, parts: &[(usize, Self::Moments)]) -> Result<Self::Moments> {
        self.interrupt.check()?;
        self.inner.merge_moments(parts)
    }
    fn normalise(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        moments: &Self::Moments,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.normalise(x, weights, moments, eps, silu)
    }
    fn layer_norm(&self, x: &Self::Tensor, weights: &Self::Norm, eps: f32) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.layer_norm(x, weights, eps)
    }
    fn attention(
        &self,
        q: &Self::Tensor,
        k: &Self::Tensor,
        v: &Self::Tensor,
        options: &Attention<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.attention(q, k, v, options)
    }
    fn attention_to(
        &self,
        q: &Self::Tensor,
        keys: &[&Self::KeyValues],
        options: &Attention<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.attention_to(q, keys, options)
    }
    fn geglu(&self, x: &Self::Tensor) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.geglu(x)
    }
    fn activate(&self, x: &Self::Tensor, activation: Activation) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.activate(x, activation)
    }
    fn upsample(&self, x: &Self::Tensor, height: usize, width: usize) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.upsample(x, height, width)
    }
    fn add(&self, a: &Self::Tensor, b: &Self::Tensor) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.add(a, b)
    }
    fn add_channels(&self, x: &Self::Tensor, vector: &Self::Tensor) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.add_channels(x, vector)
    }
    fn concat(&self, parts: &[&Self::Tensor], axis: usize) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.concat(parts, axis)
    }
    fn select(&self, x: &Self::Tensor, rows: &[usize]) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.select(x, rows)
    }
    fn slice(&self, x: &Self::Tensor, axis: usize, start: usize, count: usize) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.slice(x, axis, start, count)
    }
    fn blend(&self, x: &Self::Tensor, weights: &Self::Tensor, counts: &[usize]) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.blend(x, weights, counts)
    }
    fn to_tokens(&self, x: &Self::Tensor) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.to_tokens(x)
    }
    fn to_image(&self, x: &Self::Tensor, height: usize, width: usize) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.to_image(x, height, width)
    }
    fn embed(&self, table: &Self::Embedding, ids: &[u32]) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.embed(table, ids)
    }
    fn affine(&self, x: &Self::Tensor, factor: f32, offset: f32) -> Result<Self::Tensor> {
        self.interrupt.check()?;
        self.inner.affine(x, factor, offset)
    }
}
