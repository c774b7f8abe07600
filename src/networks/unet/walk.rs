//! The pieces that a UNet's blocks are made of, and a batch on its way through them.

use super::areas::AreaWeights;
use super::config::Level;
use super::{Prompt, Step, Transformer, unbalanced};
use crate::backend::{Backend, Epilogue};
use crate::networks::blocks::{Attention, Resnet, ResnetOptions};
use crate::networks::chain::image_shape;
use crate::networks::{Error, Loader, Result};
use std::slice;

/// A batch on its way through the network.
pub(super) struct Walk<'a, B: Backend> {
    pub(super) b: &'a B,
    /// The vectors of the resnets to come.
    pub(super) vectors: slice::Iter<'a, B::Tensor>,
    /// One prompt a call, or with areas as many as each call has.
    pub(super) prompts: &'a [&'a Prompt<B>],
    pub(super) areas: Option<AreaWeights<'a, B>>,
    /// Cross-attentions passed.
    pub(super) passed: usize,
    /// The input of each call, until the first cross-attention makes a row of each.
    pub(super) shared_rows: Option<&'a [usize]>,
    /// Whether the step has a vector of its own for each call, so that calls on one input share nothing.
    pub(super) own_steps: bool,
}

impl<'a, B: Backend> Walk<'a, B> {
    /// A batch of calls: row `i` is input `rows[i]`, and there are `wanted` prompts.
    pub(super) fn new(
        b: &'a B,
        inputs: &B::Tensor,
        step: &'a Step<B>,
        (rows, prompts, wanted): (&'a [usize], &'a [&'a Prompt<B>], usize),
        areas: Option<AreaWeights<'a, B>>,
    ) -> Result<Self> {
        let [count, ..] = image_shape(b, inputs)?;
        if rows.is_empty() || rows.iter().any(|&row| row >= count) || prompts.len() != wanted {
            return Err(Error::Input(format!(
                "{} prompts for {} calls on {count} inputs do not fit",
                prompts.len(),
                rows.len()
            )));
        }
        let one_each = rows.len() == count && rows.iter().enumerate().all(|(call, &input)| call == input);
        let shared_rows = (!one_each).then_some(rows);
        let rows_of = |vector: &B::Tensor| b.shape(vector).first().is_some_and(|&rows| rows > 1);
        let own_steps = step.vectors.first().is_some_and(rows_of);
        Ok(Self { b, vectors: step.vectors.iter(), prompts, areas, passed: 0, shared_rows, own_steps })
    }

    pub(super) fn resnet(&mut self, resnet: &Resnet<B>, x: &B::Tensor) -> Result<B::Tensor> {
        resnet.forward(self.b, x, Some(self.vectors.next().ok_or_else(unbalanced)?))
    }

    /// Leaves out a resnet: what it would read is passed over.
    pub(super) fn pass_over_resnet(&mut self) {
        self.vectors.next();
    }

    /// Leaves out a layer: what it would read is passed over.
    pub(super) fn pass_over(&mut self, layer: &Layer<B>) {
        self.pass_over_resnet();
        let blocks = layer.transformer.iter().flat_map(|transformer| &transformer.blocks);
        self.passed += blocks.flat_map(TransformerBlock::cross_attentions).count();
    }

    /// One row per call from here on.
    pub(super) fn spread(&mut self, x: &B::Tensor) -> Result<B::Tensor> {
        spread(self.b, x, self.shared_rows.take())
    }

    /// Cross-attention of an image of this size to the prompts, added to `residual`.
    fn attend(
        &mut self,
        attention: &Attention<B>,
        x: &B::Tensor,
        size: (usize, usize),
        residual: &B::Tensor,
    ) -> Result<B::Tensor> {
        let keys = self.prompts.iter().map(|prompt| prompt.keys.get(self.passed).ok_or_else(unbalanced));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        self.passed += 1;
        match &mut self.areas {
            None => attention.forward_to(self.b, x, &keys, residual),
            Some(areas) => {
                let weights = areas.at(self.b, size)?;
                attention.forward_blended(self.b, x, &keys, (areas.masks.counts, &weights), residual)
            }
        }
    }
}

/// Row `rows[i]` of `x` for every `i`; without `rows`, `x` has its rows already.
pub(super) fn spread<B: Backend>(b: &B, x: &B::Tensor, rows: Option<&[usize]>) -> Result<B::Tensor> {
    match rows {
        Some(rows) => Ok(b.select(x, rows)?),
        None => Ok(x.clone()),
    }
}

/// `BasicTransformerBlock`.
pub(super) struct TransformerBlock<B: Backend> {
    norm1: B::Norm,
    attn1: Attention<B>,
    norm2: B::Norm,
    attn2: Attention<B>,
    norm3: B::Norm,
    ff_in: B::Linear,
    ff_out: B::Linear,
    only_cross_attention: bool,
}

/// Added to the variance in a transformer's layer norms.
const LAYER_NORM_EPS: f32 = 1e-5;
/// Added to the variance in a transformer's group norm.
const TRANSFORMER_NORM_EPS: f32 = 1e-6;

impl<B: Backend> TransformerBlock<B> {
    fn load(load: &Loader<B>, width: usize, options: &Transformer) -> Result<Self> {
        let &Transformer { heads, cross_attention_dim, only_cross_attention, .. } = options;
        let first = if only_cross_attention { cross_attention_dim } else { width };
        Ok(Self {
            norm1: load.norm("norm1", width)?,
            attn1: Attention::load(&load.at("attn1"), width, first, heads)?,
            norm2: load.norm("norm2", width)?,
            attn2: Attention::load(&load.at("attn2"), width, cross_attention_dim, heads)?,
            norm3: load.norm("norm3", width)?,
            ff_in: load.linear_geglu("ff.net.0.proj", width, 8 * width)?,
            ff_out: load.linear("ff.net.2", 4 * width, width, true)?,
            only_cross_attention,
        })
    }

    /// The attentions to the prompt, in the order of the walk.
    pub(super) fn cross_attentions(&self) -> impl Iterator<Item = &Attention<B>> {
        self.only_cross_attention.then_some(&self.attn1).into_iter().chain([&self.attn2])
    }

    fn forward(&self, walk: &mut Walk<B>, mut x: B::Tensor, size: (usize, usize)) -> Result<B::Tensor> {
        let b = walk.b;
        if self.only_cross_attention {
            x = walk.spread(&x)?;
        }
        let h = b.layer_norm(&x, &self.norm1, LAYER_NORM_EPS)?;
        x = if self.only_cross_attention {
            walk.attend(&self.attn1, &h, size, &x)?
        } else {
            self.attn1.forward(b, &h, Some(&x))?
        };
        x = walk.spread(&x)?;
        let h = b.layer_norm(&x, &self.norm2, LAYER_NORM_EPS)?;
        x = walk.attend(&self.attn2, &h, size, &x)?;
        let h = b.layer_norm(&x, &self.norm3, LAYER_NORM_EPS)?;
        let h = b.linear_geglu(&h, &self.ff_in)?;
        Ok(b.linear_with(&h, &self.ff_out, Epilogue::add(&x))?)
    }
}

/// `Transformer2DModel`. Its projections are linear layers or 1×1 convolutions, which are the same.
pub(super) struct Transformer2d<B: Backend> {
    norm: B::Norm,
    proj_in: B::Linear,
    pub(super) blocks: Vec<TransformerBlock<B>>,
    proj_out: B::Linear,
    groups: usize,
}

impl<B: Backend> Transformer2d<B> {
    /// That of layer number `layer` of a level.
    fn load(load: &Loader<B>, width: usize, groups: usize, (options, layer): (&Transformer, usize)) -> Result<Self> {
        let count = options.blocks.get(layer).copied().unwrap_or(0);
        let block = |index| TransformerBlock::load(&load.at("transformer_blocks").at(index), width, options);
        Ok(Self {
            norm: load.norm("norm", width)?,
            proj_in: load.linear("proj_in", width, width, true)?,
            blocks: (0..count).map(block).collect::<Result<_>>()?,
            proj_out: load.linear("proj_out", width, width, true)?,
            groups,
        })
    }

    fn forward(&self, walk: &mut Walk<B>, x: &B::Tensor) -> Result<B::Tensor> {
        let b = walk.b;
        let [_, _, height, width] = image_shape(b, x)?;
        let shared_rows = walk.shared_rows;
        let h = b.to_tokens(&b.group_norm(x, &self.norm, self.groups, TRANSFORMER_NORM_EPS, false)?)?;
        let mut h = b.linear(&h, &self.proj_in)?;
        for block in &self.blocks {
            h = block.forward(walk, h, (height, width))?;
        }
        // (Some ControlNets have transformers of no blocks, which leave rows shared.)
        let spread_here = walk.shared_rows.is_none();
        let residual = b.to_tokens(&spread(b, x, shared_rows.filter(|_| spread_here))?)?;
        Ok(b.to_image(&b.linear_with(&h, &self.proj_out, Epilogue::add(&residual))?, height, width)?)
    }
}

/// A resnet and the transformer after it, if any.
pub(super) struct Layer<B: Backend> {
    pub(super) resnet: Resnet<B>,
    pub(super) transformer: Option<Transformer2d<B>>,
}

impl<B: Backend> Layer<B> {
    /// Number `index` of a block's layers, from `inputs` channels.
    pub(super) fn load(
        load: &Loader<B>,
        index: usize,
        inputs: usize,
        level: &Level,
        options: ResnetOptions,
    ) -> Result<Self> {
        let attentions = load.at("attentions").at(index);
        let transformer = level
            .transformer
            .as_ref()
            .map(|transformer| Transformer2d::load(&attentions, level.channels, options.groups, (transformer, index)));
        Ok(Self {
            resnet: Resnet::load(&load.at("resnets").at(index), inputs, level.channels, options)?,
            transformer: transformer.transpose()?,
        })
    }

    pub(super) fn forward(&self, walk: &mut Walk<B>, x: &B::Tensor) -> Result<B::Tensor> {
        let x = walk.resnet(&self.resnet, x)?;
        match &self.transformer {
            Some(transformer) => transformer.forward(walk, &x),
            None => Ok(x),
        }
    }
}

/// The layers of one level.
pub(super) struct Block<B: Backend> {
    pub(super) layers: Vec<Layer<B>>,
    /// The convolution that halves (down) or follows the doubling of (up) the size; none in the last level.
    pub(super) resample: Option<B::Conv>,
}
