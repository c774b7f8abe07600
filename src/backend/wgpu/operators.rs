//! The operators by name; what they do is in the files beside.

use super::kernels::Store;
use super::pack::{Embedding, Norm};
use super::products::{Conv, Linear};
use super::{Moments, Result, Shape, Tensor, Wgpu};
use crate::backend::misfit;
use crate::backend::{Activation, Attention, Backend, ConvOptions, Epilogue, WeightView};
use std::collections::BTreeMap;

/// Keys and values of one row, `[1, s, c]` each.
#[derive(Debug, Clone)]
pub struct KeyValues {
    k: Tensor,
    v: Tensor,
}

impl Backend for Wgpu {
    type Tensor = Tensor;
    type Conv = Conv;
    type Linear = Linear;
    type Norm = Norm;
    type Embedding = Embedding;
    type Moments = Moments;
    type KeyValues = KeyValues;

    fn describe(&self) -> String {
        format!("{}, {}", self.name, self.store.name())
    }

    fn tune(&self) -> Result<()> {
        self.tune_new()
    }

    fn wide(&self) -> Option<Self> {
        (self.store == Store::F16).then(|| self.in_f32())
    }

    fn refused(&self) -> Option<[u64; 2]> {
        self.pool.refused()
    }

    fn time_operators(&self) -> bool {
        self.recorder.time()
    }

    fn device_seconds(&self) -> BTreeMap<&'static str, f64> {
        self.recorder.seconds()
    }

    fn value_bytes(&self) -> usize {
        self.store.bytes()
    }

    fn room(&self) -> Option<usize> {
        // No tensor is larger than what a shader can be given.
        let largest = self.gpu.limits.max_storage_buffer_binding_size.min(self.gpu.limits.max_buffer_size);
        usize::try_from(self.pool.room().min(largest)).ok()
    }

    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Conv> {
        let kernel = weight.shape.last().copied().unwrap_or(1);
        let packed = self.pack("packing a convolution", weight, kernel, Some(bias), false)?;
        Ok(Conv { packed, options })
    }

    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Linear> {
        Ok(Linear { packed: self.pack("packing a linear layer", weight, 1, bias, false)? })
    }

    fn pack_linear_geglu(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Linear> {
        Ok(Linear { packed: self.pack("packing a linear layer", weight, 1, bias, true)? })
    }

    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<Norm> {
        self.pack_scale(scale, shift)
    }

    fn pack_embedding(&self, table: WeightView) -> Result<Embedding> {
        Embedding::pack(table)
    }

    fn pack_keys(&self, k: &Tensor, v: &Tensor) -> Result<KeyValues> {
        match k.tokens("packing keys")? {
            [1, _, _] if k.shape == v.shape => Ok(KeyValues { k: k.clone(), v: v.clone() }),
            _ => Err(v.misfit("packing keys", format!("one row, as {:?}", k.shape))),
        }
    }

    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Tensor> {
        self.to_device(shape, data)
    }

    fn download(&self, x: &Tensor) -> Result<Vec<f32>> {
        Ok(self.to_host(&[&self.whole(x)?])?.pop().unwrap_or_default())
    }

    fn download_all(&self, tensors: &[&Tensor]) -> Result<Vec<Vec<f32>>> {
        let tensors = tensors.iter().map(|x| self.whole(x)).collect::<Result<Vec<_>>>()?;
        self.to_host(&tensors.iter().collect::<Vec<_>>())
    }

    fn shape(&self, x: &Tensor) -> Shape {
        x.shape
    }

    fn conv2d(&self, x: &Tensor, weights: &Conv) -> Result<Tensor> {
        self.convolve("conv2d", x, None, weights, Epilogue::default())
    }

    fn conv2d_with(&self, x: &Tensor, weights: &Conv, then: Epilogue<Tensor>) -> Result<Tensor> {
        self.convolve("conv2d", x, None, weights, then)
    }

    fn upsample_conv2d(&self, x: &Tensor, height: usize, width: usize, weights: &Conv) -> Result<Tensor> {
        self.convolve("upsample_conv2d", x, Some([height, width]), weights, Epilogue::default())
    }

    fn linear(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        self.project("linear", x, weights, Epilogue::default())
    }

    fn linear_with(&self, x: &Tensor, weights: &Linear, then: Epilogue<Tensor>) -> Result<Tensor> {
        self.project("linear", x, weights, then)
    }

    fn linear_geglu(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        self.project_gated(x, weights)
    }

    fn group_norm(&self, x: &Tensor, weights: &Norm, groups: usize, eps: f32, silu: bool) -> Result<Tensor> {
        let moments = self.measure("group_norm", x, groups)?;
        self.normalised("group_norm", x, weights, &moments, eps, silu)
    }

    fn group_moments(&self, x: &Tensor, groups: usize) -> Result<Moments> {
        self.measure("group_moments", x, groups)
    }

    fn merge_moments(&self, parts: &[(usize, Moments)]) -> Result<Moments> {
        self.merged(parts)
    }

    fn normalise(&self, x: &Tensor, weights: &Norm, moments: &Moments, eps: f32, silu: bool) -> Result<Tensor> {
        self.normalised("normalise", x, weights, moments, eps, silu)
    }

    fn layer_norm(&self, x: &Tensor, weights: &Norm, eps: f32) -> Result<Tensor> {
        self.rows_normalised(x, weights, eps)
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, options: &Attention<Tensor>) -> Result<Tensor> {
        self.attended("attention", q, k, v, options)
    }

    fn attention_to(&self, q: &Tensor, keys: &[&KeyValues], options: &Attention<Tensor>) -> Result<Tensor> {
        let operator = "attention_to";
        if keys.len() != q.rows() {
            return Err(misfit(operator, &q.shape, format!("{} rows, as many as keys", keys.len())));
        }
        let [k, v] = [|pair: &KeyValues| pair.k.clone(), |pair: &KeyValues| pair.v.clone()]
            .map(|part| keys.iter().map(|pair| part(pair)).collect::<Vec<_>>());
        let k = self.joined(&k.iter().collect::<Vec<_>>(), 0)?;
        let v = self.joined(&v.iter().collect::<Vec<_>>(), 0)?;
        self.attended(operator, q, &k, &v, options)
    }

    fn geglu(&self, x: &Tensor) -> Result<Tensor> {
        self.gated(x)
    }

    fn activate(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        self.mapped("activate", &self.whole(x)?, Some(activation), 1.0, 0.0)
    }

    fn upsample(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        self.enlarged(&self.whole(x)?, height, width)
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.sum(&self.whole(a)?, &self.whole(b)?)
    }

    fn add_channels(&self, x: &Tensor, vector: &Tensor) -> Result<Tensor> {
        self.sum_of_channels(&self.whole(x)?, vector)
    }

    fn concat(&self, parts: &[&Tensor], axis: usize) -> Result<Tensor> {
        let parts = parts.iter().map(|x| self.whole(x)).collect::<Result<Vec<_>>>()?;
        self.joined(&parts.iter().collect::<Vec<_>>(), axis)
    }

    fn select(&self, x: &Tensor, rows: &[usize]) -> Result<Tensor> {
        self.selected(&self.whole(x)?, rows)
    }

    fn slice(&self, x: &Tensor, axis: usize, start: usize, count: usize) -> Result<Tensor> {
        self.part(&self.whole(x)?, axis, start, count)
    }

    fn blend(&self, x: &Tensor, weights: &Tensor, counts: &[usize]) -> Result<Tensor> {
        self.blended(x, weights, counts)
    }

    fn to_tokens(&self, x: &Tensor) -> Result<Tensor> {
        let [n, height, width, channels] = x.image("to_tokens")?;
        Ok(self.whole(x)?.reshaped([n, height * width, channels]))
    }

    fn to_image(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        match x.tokens("to_image")? {
            [n, tokens, channels] if tokens == height * width => Ok(x.reshaped([n, channels, height, width])),
            _ => Err(x.misfit("to_image", format!("{height} × {width} tokens"))),
        }
    }

    fn embed(&self, table: &Embedding, ids: &[u32]) -> Result<Tensor> {
        let (rows, width) = table.rows(ids)?;
        self.to_device(&[1, ids.len(), width], &rows)
    }

    fn affine(&self, x: &Tensor, factor: f32, offset: f32) -> Result<Tensor> {
        self.mapped("affine", &self.whole(x)?, None, factor, offset)
    }
}
