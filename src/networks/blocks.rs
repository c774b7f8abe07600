//! The blocks that UNet and VAE share.

use super::chain::{Op, Reach};
use super::{Loader, Result};
use crate::backend::{self, Backend, ConvOptions, Epilogue};

/// `ResnetBlock2D`: two convolutions with group norms, the step's embedding between them, and a shortcut.
pub(super) struct Resnet<B: Backend> {
    norm1: B::Norm,
    conv1: B::Conv,
    time: Option<B::Linear>,
    norm2: B::Norm,
    conv2: B::Conv,
    shortcut: Option<B::Conv>,
    outputs: usize,
    groups: usize,
    eps: f32,
}

/// Options that all resnets of a network share.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResnetOptions {
    pub groups: usize,
    pub eps: f32,
    /// Width of the step's embedding; none in a VAE.
    pub time: Option<usize>,
}

impl<B: Backend> Resnet<B> {
    pub(super) fn load(load: &Loader<B>, inputs: usize, outputs: usize, options: ResnetOptions) -> Result<Self> {
        let ResnetOptions { groups, eps, time } = options;
        Ok(Self {
            norm1: load.norm("norm1", inputs)?,
            conv1: load.conv("conv1", inputs, outputs, 3, ConvOptions::same(3))?,
            time: time.map(|width| load.linear("time_emb_proj", width, outputs, true)).transpose()?,
            norm2: load.norm("norm2", outputs)?,
            conv2: load.conv("conv2", outputs, outputs, 3, ConvOptions::same(3))?,
            shortcut: if inputs == outputs {
                None
            } else {
                Some(load.conv("conv_shortcut", inputs, outputs, 1, ConvOptions::same(1))?)
            },
            outputs,
            groups,
            eps,
        })
    }

    /// The steps of a resnet that takes no step's embedding.
    pub(super) fn ops(&self) -> impl Iterator<Item = Op<'_, B>> {
        let &Self { groups, eps, outputs, .. } = self;
        let norm = |weights| Op::Norm { weights, groups, eps, silu: true };
        let conv = |weights| Op::Conv { weights, reach: Reach::Around, outputs };
        let shortcut = self.shortcut.as_ref().map(Op::Shortcut);
        [Op::Keep, norm(&self.norm1), conv(&self.conv1), norm(&self.norm2)]
            .into_iter()
            .chain(shortcut)
            .chain([conv(&self.conv2), Op::Add])
    }

    /// The vector `[1, outputs]` that is added between the convolutions at a step, projected from the step's embedding after
    /// its SiLU; `None` in a VAE.
    pub(super) fn step(&self, b: &B, time: &B::Tensor) -> Result<Option<B::Tensor>> {
        Ok(self.time.as_ref().map(|weights| b.linear(time, weights)).transpose()?)
    }

    /// `step` is from [`Self::step`].
    pub(super) fn forward(&self, b: &B, x: &B::Tensor, step: Option<&B::Tensor>) -> Result<B::Tensor> {
        let h = b.group_norm(x, &self.norm1, self.groups, self.eps, true)?;
        let h = b.conv2d_with(&h, &self.conv1, Epilogue { vector: step, ..Epilogue::default() })?;
        let h = b.group_norm(&h, &self.norm2, self.groups, self.eps, true)?;
        let shortcut = self.shortcut.as_ref().map(|shortcut| b.conv2d(x, shortcut)).transpose()?;
        Ok(b.conv2d_with(&h, &self.conv2, Epilogue::add(shortcut.as_ref().unwrap_or(x)))?)
    }
}

/// `Attention` over tokens.
/// Keys and values of one context, and its number of tokens.
pub(super) struct Keys<B: Backend> {
    packed: B::KeyValues,
    count: usize,
}

pub(super) struct Attention<B: Backend> {
    q: B::Linear,
    k: B::Linear,
    v: B::Linear,
    out: B::Linear,
    heads: usize,
}

impl<B: Backend> Attention<B> {
    /// `context` is the width of what keys and values come from.
    pub(super) fn load(load: &Loader<B>, width: usize, context: usize, heads: usize) -> Result<Self> {
        Ok(Self {
            q: load.linear("to_q", width, width, false)?,
            k: load.linear("to_k", context, width, false)?,
            v: load.linear("to_v", context, width, false)?,
            out: load.linear("to_out.0", width, width, true)?,
            heads,
        })
    }

    /// The VAE's, with biases, under its new or its old names.
    pub(super) fn load_spatial(load: &Loader<B>, width: usize, heads: usize) -> Result<Self> {
        let [q, k, v, out] = if load.has("query.weight") {
            ["query", "key", "value", "proj_attn"]
        } else {
            ["to_q", "to_k", "to_v", "to_out.0"]
        };
        Ok(Self {
            q: load.linear(q, width, width, true)?,
            k: load.linear(k, width, width, true)?,
            v: load.linear(v, width, width, true)?,
            out: load.linear(out, width, width, true)?,
            heads,
        })
    }

    /// Self-attention, added to `residual` where there is one.
    pub(super) fn forward(&self, b: &B, x: &B::Tensor, residual: Option<&B::Tensor>) -> Result<B::Tensor> {
        let q = b.linear(x, &self.q)?;
        let k = b.linear(x, &self.k)?;
        let v = b.linear(x, &self.v)?;
        let y = b.attention(&q, &k, &v, &backend::Attention::full(self.heads))?;
        Ok(b.linear_with(&y, &self.out, Epilogue { residual, ..Epilogue::default() })?)
    }

    /// Keys and values of one context `[1, tokens, width]`, for the attentions below.
    pub(super) fn keys(&self, b: &B, context: &B::Tensor) -> Result<Keys<B>> {
        let packed = b.pack_keys(&b.linear(context, &self.k)?, &b.linear(context, &self.v)?)?;
        Ok(Keys { packed, count: b.shape(context).get(1).copied().unwrap_or(0) })
    }

    /// Attention of row `i` of `q` to `keys[i]`. Rows with keys of one length go together.
    fn attend(&self, b: &B, q: &B::Tensor, keys: &[&Keys<B>]) -> Result<B::Tensor> {
        let full = backend::Attention::full(self.heads);
        let packed = |rows: &[usize]| rows.iter().filter_map(|&row| Some(&keys.get(row)?.packed)).collect::<Vec<_>>();
        let mut by_length: Vec<(usize, Vec<usize>)> = Vec::new();
        for (row, keys) in keys.iter().enumerate() {
            match by_length.iter_mut().find(|(count, _)| *count == keys.count) {
                Some((_, rows)) => rows.push(row),
                None => by_length.push((keys.count, vec![row])),
            }
        }
        if let [(_, rows)] = &*by_length {
            return Ok(b.attention_to(q, &packed(rows), &full)?);
        }
        let order: Vec<usize> = by_length.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
        let parts = by_length.iter().map(|(_, rows)| b.attention_to(&b.select(q, rows)?, &packed(rows), &full));
        let parts = parts.collect::<backend::Result<Vec<_>>>()?;
        let joined = b.concat(&parts.iter().collect::<Vec<_>>(), 0)?;
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, &row)| back[row] = at);
        Ok(b.select(&joined, &back)?)
    }

    /// Cross-attention of row `i` of `x` to `keys[i]`, added to `residual`.
    pub(super) fn forward_to(
        &self,
        b: &B,
        x: &B::Tensor,
        keys: &[&Keys<B>],
        residual: &B::Tensor,
    ) -> Result<B::Tensor> {
        let y = self.attend(b, &b.linear(x, &self.q)?, keys)?;
        Ok(b.linear_with(&y, &self.out, Epilogue::add(residual))?)
    }

    /// As [`Self::forward_to`] with several contexts a row: the next `counts[i]` of `keys` belong to row `i` of `x`, and their
    /// answers are averaged with `weights` `[keys, tokens]`.
    pub(super) fn forward_blended(
        &self,
        b: &B,
        x: &B::Tensor,
        keys: &[&Keys<B>],
        (counts, weights): (&[usize], &B::Tensor),
        residual: &B::Tensor,
    ) -> Result<B::Tensor> {
        let rows: Vec<usize> =
            counts.iter().enumerate().flat_map(|(row, &count)| std::iter::repeat_n(row, count)).collect();
        let q = b.select(&b.linear(x, &self.q)?, &rows)?;
        let y = self.attend(b, &q, keys)?;
        Ok(b.linear_with(&b.blend(&y, weights, counts)?, &self.out, Epilogue::add(residual))?)
    }
}
