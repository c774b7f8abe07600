//! The denoising network as diffusers' `UNet2DConditionModel` has it (Rombach et al. 2022, arXiv:2112.10752).
//!
//! [`Unet::forward`] is one straight walk: down the levels, keeping what each layer gives, through the middle, and up
//! again, joining what was kept. Up to the first cross-attention nothing depends on the prompt, so that part is computed once
//! per input, however many prompts the input is evaluated with.
//!
//! Values that do not depend on the input are computed beforehand: [`Unet::prompt`] once a prompt, [`Unet::step`] once a step.
//!
//! SDXL's UNet adds pooled text and sizes to the step's embedding. Its first resnet reads them, so two prompts share no part of
//! the walk, and a step is computed for the calls of one batch.

mod areas;
mod config;

pub use areas::AreaMasks;
pub use config::{AddedConditioning, Config, Level, Transformer};

use super::blocks::{Attention, Keys, Resnet, ResnetOptions};
use super::chain::image_shape;
use super::{Error, Loader, Result, Sizes, Weights};
use crate::backend::{Activation, Backend, ConvOptions, Epilogue};
use areas::AreaWeights;
use std::slice;

/// A prompt as the cross-attentions of a UNet read it.
pub struct Prompt<B: Backend> {
    /// Keys and values for each cross-attention, in the order of the walk.
    keys: Vec<Keys<B>>,
}

/// A timestep as the resnets of a UNet read it, and with it the added conditioning of a batch.
pub struct Step<B: Backend> {
    /// The vector `[1, channels]` that each resnet adds, in the order of the walk; `[calls, channels]` with added conditioning.
    vectors: Vec<B::Tensor>,
}

/// The added conditioning of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// Pooled text.
    pub pooled: Vec<f32>,
    /// Sizes of the picture that the call is drawn for.
    pub sizes: Sizes,
}

/// A batch on its way through the network.
struct Walk<'a, B: Backend> {
    b: &'a B,
    /// The vectors of the resnets to come.
    vectors: slice::Iter<'a, B::Tensor>,
    /// One prompt a call, or with areas as many as each call has.
    prompts: &'a [&'a Prompt<B>],
    areas: Option<AreaWeights<'a, B>>,
    /// Cross-attentions passed.
    passed: usize,
    /// The input of each call, until the first cross-attention makes a row of each.
    shared_rows: Option<&'a [usize]>,
}

impl<B: Backend> Walk<'_, B> {
    fn resnet(&mut self, resnet: &Resnet<B>, x: &B::Tensor) -> Result<B::Tensor> {
        resnet.forward(self.b, x, Some(self.vectors.next().ok_or_else(unbalanced)?))
    }

    /// One row per call from here on.
    fn spread(&mut self, x: &B::Tensor) -> Result<B::Tensor> {
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
fn spread<B: Backend>(b: &B, x: &B::Tensor, rows: Option<&[usize]>) -> Result<B::Tensor> {
    match rows {
        Some(rows) => Ok(b.select(x, rows)?),
        None => Ok(x.clone()),
    }
}

/// `BasicTransformerBlock`.
struct TransformerBlock<B: Backend> {
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
    fn cross_attentions(&self) -> impl Iterator<Item = &Attention<B>> {
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
struct Transformer2d<B: Backend> {
    norm: B::Norm,
    proj_in: B::Linear,
    blocks: Vec<TransformerBlock<B>>,
    proj_out: B::Linear,
    groups: usize,
}

impl<B: Backend> Transformer2d<B> {
    fn load(load: &Loader<B>, width: usize, groups: usize, options: &Transformer) -> Result<Self> {
        let block = |index| TransformerBlock::load(&load.at("transformer_blocks").at(index), width, options);
        Ok(Self {
            norm: load.norm("norm", width)?,
            proj_in: load.linear("proj_in", width, width, true)?,
            blocks: (0..options.blocks).map(block).collect::<Result<_>>()?,
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
        let residual = b.to_tokens(&spread(b, x, shared_rows)?)?;
        Ok(b.to_image(&b.linear_with(&h, &self.proj_out, Epilogue::add(&residual))?, height, width)?)
    }
}

/// A resnet and the transformer after it, if any.
struct Layer<B: Backend> {
    resnet: Resnet<B>,
    transformer: Option<Transformer2d<B>>,
}

impl<B: Backend> Layer<B> {
    fn forward(&self, walk: &mut Walk<B>, x: &B::Tensor) -> Result<B::Tensor> {
        let x = walk.resnet(&self.resnet, x)?;
        match &self.transformer {
            Some(transformer) => transformer.forward(walk, &x),
            None => Ok(x),
        }
    }
}

struct Block<B: Backend> {
    layers: Vec<Layer<B>>,
    /// The convolution that halves (down) or follows the doubling of (up) the size; none in the last level.
    resample: Option<B::Conv>,
}

/// The denoising network.
pub struct Unet<B: Backend> {
    config: Config,
    conv_in: B::Conv,
    time1: B::Linear,
    time2: B::Linear,
    /// The two layers of the added conditioning.
    added: Option<[B::Linear; 2]>,
    down: Vec<Block<B>>,
    mid_first: Layer<B>,
    mid_second: Resnet<B>,
    up: Vec<Block<B>>,
    norm_out: B::Norm,
    conv_out: B::Conv,
}

impl<B: Backend> Unet<B> {
    /// Packs the weights.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape, or the device fails.
    pub fn load(config: Config, backend: &B, weights: &dyn Weights) -> Result<Self> {
        let load = Loader::new(backend, weights);
        let Some(finest) = config.down.first().map(|level| level.channels) else {
            return Err(Error::Input("a UNet of no blocks".to_owned()));
        };
        let groups = config.norm_num_groups;
        let time = config.time_embedding_dim;
        let options = ResnetOptions { groups, eps: config.norm_eps, time: Some(time) };
        let last = config.down.len() - 1;
        let layer = |load: &Loader<B>, index: usize, inputs: usize, level: &Level| -> Result<Layer<B>> {
            let transformer = level.transformer.as_ref();
            let transformer = transformer
                .map(|options| Transformer2d::load(&load.at("attentions").at(index), level.channels, groups, options));
            Ok(Layer {
                resnet: Resnet::load(&load.at("resnets").at(index), inputs, level.channels, options)?,
                transformer: transformer.transpose()?,
            })
        };

        // Channels of what the way down keeps for the way up, newest last.
        let mut kept = vec![finest];
        let mut inputs = finest;
        let halve = match config.downsample_padding {
            0 => ConvOptions { stride: 2, before: 0, after: 1 },
            padding => ConvOptions { stride: 2, before: padding, after: padding },
        };
        let mut down = Vec::new();
        for (index, level) in config.down.iter().enumerate() {
            let load = load.at("down_blocks").at(index);
            let mut layers = Vec::new();
            for number in 0..level.layers {
                layers.push(layer(&load, number, inputs, level)?);
                inputs = level.channels;
                kept.push(inputs);
            }
            let resample = if index == last {
                None
            } else {
                kept.push(inputs);
                Some(load.conv("downsamplers.0.conv", inputs, inputs, 3, halve)?)
            };
            down.push(Block { layers, resample });
        }

        let mid = load.at("mid_block");
        let mid_first = layer(&mid, 0, inputs, &config.mid)?;
        let mid_second = Resnet::load(&mid.at("resnets.1"), inputs, inputs, options)?;

        let mut up = Vec::new();
        for (index, level) in config.up.iter().enumerate() {
            let load = load.at("up_blocks").at(index);
            let mut layers = Vec::new();
            for number in 0..level.layers {
                let Some(skip) = kept.pop() else {
                    return Err(Error::Input("a UNet with more layers on the way up than down".to_owned()));
                };
                layers.push(layer(&load, number, inputs + skip, level)?);
                inputs = level.channels;
            }
            let resample = if index == last {
                None
            } else {
                Some(load.conv("upsamplers.0.conv", inputs, inputs, 3, ConvOptions::same(3))?)
            };
            up.push(Block { layers, resample });
        }

        let same_in = ConvOptions::same(config.conv_in_kernel);
        let same_out = ConvOptions::same(config.conv_out_kernel);
        Ok(Self {
            conv_in: load.conv("conv_in", config.in_channels, finest, config.conv_in_kernel, same_in)?,
            time1: load.linear("time_embedding.linear_1", finest, time, true)?,
            time2: load.linear("time_embedding.linear_2", time, time, true)?,
            added: match &config.added {
                Some(added) => Some([
                    load.linear("add_embedding.linear_1", added.width(), time, true)?,
                    load.linear("add_embedding.linear_2", time, time, true)?,
                ]),
                None => None,
            },
            down,
            mid_first,
            mid_second,
            up,
            norm_out: load.norm("conv_norm_out", inputs)?,
            conv_out: load.conv("conv_out", inputs, config.out_channels, config.conv_out_kernel, same_out)?,
            config,
        })
    }

    /// The options it was built with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A prompt of text embedding `[1, tokens, cross_attention_dim]`, for any number of calls.
    ///
    /// # Errors
    /// If the embedding is of another width or the device fails.
    pub fn prompt(&self, b: &B, embedding: &B::Tensor) -> Result<Prompt<B>> {
        let transformers = self.layers().filter_map(|layer| layer.transformer.as_ref());
        let attentions = transformers.flat_map(|t| &t.blocks).flat_map(TransformerBlock::cross_attentions);
        Ok(Prompt { keys: attentions.map(|attention| attention.keys(b, embedding)).collect::<Result<_>>()? })
    }

    /// Bytes that a [`Prompt`] of so many tokens takes on the device.
    #[must_use]
    pub fn prompt_bytes(&self, b: &B, tokens: usize) -> usize {
        let Config { down, mid, up, .. } = &self.config;
        // (The middle has one layer with transformers.)
        let levels = down.iter().chain(up).map(|level| (level, level.layers)).chain([(mid, 1)]);
        let width = |(level, layers): (&Level, usize)| {
            let attentions =
                level.transformer.as_ref().map_or(0, |t| t.blocks * if t.only_cross_attention { 2 } else { 1 });
            attentions * layers * level.channels
        };
        2 * tokens * levels.map(width).sum::<usize>() * b.value_bytes()
    }

    /// A timestep (in training steps), for any number of calls. Where the config asks for added conditioning, `added` has one for
    /// each call of the batch, and the step is for this batch only; otherwise it is not read.
    ///
    /// # Errors
    /// If the added conditioning is missing or of another width, or the device fails.
    pub fn step(&self, b: &B, timestep: f32, added: &[Added]) -> Result<Step<B>> {
        let width = self.config.down.first().map_or(0, |level| level.channels);
        let waves = self.waves(timestep, width);
        let silu = || Epilogue { activation: Some(Activation::Silu), ..Epilogue::default() };
        // Every resnet begins with a SiLU of the embedding.
        let time = match self.added_embedding(b, added)? {
            None => {
                let time = b.linear_with(&b.upload(&[1, width], &waves)?, &self.time1, silu())?;
                b.linear_with(&time, &self.time2, silu())?
            }
            Some(embedding) => {
                let time = b.upload(&[added.len(), width], &waves.repeat(added.len()))?;
                let time = b.linear_with(&time, &self.time1, silu())?;
                b.activate(&b.linear_with(&time, &self.time2, Epilogue::add(&embedding))?, Activation::Silu)?
            }
        };
        let vectors = self.resnets().map(|resnet| resnet.step(b, &time)?.ok_or_else(unbalanced));
        Ok(Step { vectors: vectors.collect::<Result<_>>()? })
    }

    /// The embedding `[calls, time_embedding_dim]` of the added conditioning; none where the config asks for none.
    fn added_embedding(&self, b: &B, added: &[Added]) -> Result<Option<B::Tensor>> {
        let (Some(config), Some([first, second])) = (&self.config.added, &self.added) else { return Ok(None) };
        if added.is_empty() || added.iter().any(|added| added.pooled.len() != config.pooled) {
            return Err(Error::Input(format!("a UNet that wants pooled text {} wide with every call", config.pooled)));
        }
        let row = |added: &Added| {
            let sizes = added.sizes.values().map(|size| self.waves(size, config.waves)).concat();
            [added.pooled.as_slice(), &sizes].concat()
        };
        let rows = b.upload(&[added.len(), config.width()], &added.iter().flat_map(row).collect::<Vec<f32>>())?;
        let silu = Epilogue { activation: Some(Activation::Silu), ..Epilogue::default() };
        Ok(Some(b.linear(&b.linear_with(&rows, first, silu)?, second)?))
    }

    /// A number as sines and cosines, in this network's order.
    fn waves(&self, number: f32, width: usize) -> Vec<f32> {
        timestep_embedding(number, width, self.config.flip_sin_to_cos, self.config.freq_shift)
    }

    /// One batch: inputs `[n, in_channels, h, w]`, all at `step`; row `i` of the result `[calls, out_channels, h, w]` is input
    /// `rows[i]` with `prompts[i]`.
    ///
    /// # Errors
    /// If the inputs do not fit or the device fails.
    pub fn forward(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
    ) -> Result<B::Tensor> {
        self.walk(b, inputs, step, rows, prompts, None)
    }

    /// As [`Self::forward`] with several prompts a call: the next `masks.counts[i]` of `prompts` belong to call `i`, and in
    /// every cross-attention their answers are averaged by their masks.
    ///
    /// # Errors
    /// As [`Self::forward`]; also where the masks do not fit.
    pub fn forward_areas(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        masks: &AreaMasks,
    ) -> Result<B::Tensor> {
        let [_, _, height, width] = image_shape(b, inputs)?;
        let areas: usize = masks.counts.iter().sum();
        if masks.counts.len() != rows.len()
            || masks.counts.contains(&0)
            || areas != masks.masks.len()
            || (masks.height, masks.width) != (height, width)
            || masks.masks.iter().any(|mask| mask.len() != height * width)
        {
            return Err(Error::Input(format!(
                "{areas} areas on {} calls of {width} × {height} do not fit",
                rows.len()
            )));
        }
        self.walk(b, inputs, step, rows, prompts, Some(masks))
    }

    fn walk(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        masks: Option<&AreaMasks>,
    ) -> Result<B::Tensor> {
        let [count, ..] = image_shape(b, inputs)?;
        let wanted = masks.map_or(rows.len(), |masks| masks.masks.len());
        if rows.is_empty() || rows.iter().any(|&row| row >= count) || prompts.len() != wanted {
            return Err(Error::Input(format!(
                "{} prompts for {} calls on {count} inputs do not fit",
                prompts.len(),
                rows.len()
            )));
        }
        let one_each = rows.len() == count && rows.iter().enumerate().all(|(call, &input)| call == input);
        let walk = &mut Walk {
            b,
            vectors: step.vectors.iter(),
            prompts,
            areas: masks.map(AreaWeights::new),
            passed: 0,
            shared_rows: (!one_each).then_some(rows),
        };

        let mut x = if self.config.center_input_sample { b.affine(inputs, 2.0, -1.0)? } else { inputs.clone() };
        x = b.conv2d(&x, &self.conv_in)?;
        if self.added.is_some() {
            x = walk.spread(&x)?;
        }

        // The skip connections, each with the rows that it still has to be spread to.
        let mut kept = vec![(x.clone(), walk.shared_rows)];
        for block in &self.down {
            for layer in &block.layers {
                x = layer.forward(walk, &x)?;
                kept.push((x.clone(), walk.shared_rows));
            }
            if let Some(conv) = &block.resample {
                x = b.conv2d(&x, conv)?;
                kept.push((x.clone(), walk.shared_rows));
            }
        }

        x = self.mid_first.forward(walk, &x)?;
        x = walk.resnet(&self.mid_second, &x)?;

        for block in &self.up {
            for layer in &block.layers {
                let (skip, shared_rows) = kept.pop().ok_or_else(unbalanced)?;
                let skip = spread(b, &skip, shared_rows)?;
                x = layer.forward(walk, &b.concat(&[&x, &skip], 1)?)?;
            }
            if let Some(conv) = &block.resample {
                // To the size of the next level, which is odd where the way down rounded up.
                let [_, _, height, width] = image_shape(b, &kept.last().ok_or_else(unbalanced)?.0)?;
                x = b.upsample_conv2d(&x, height, width, conv)?;
            }
        }

        x = b.group_norm(&x, &self.norm_out, self.config.norm_num_groups, self.config.norm_eps, true)?;
        Ok(b.conv2d(&x, &self.conv_out)?)
    }

    /// All layers but the middle's second resnet, in the order of the walk.
    fn layers(&self) -> impl Iterator<Item = &Layer<B>> {
        let down = self.down.iter().flat_map(|block| &block.layers);
        let up = self.up.iter().flat_map(|block| &block.layers);
        down.chain([&self.mid_first]).chain(up)
    }

    /// All resnets, in the order of the walk.
    fn resnets(&self) -> impl Iterator<Item = &Resnet<B>> {
        let down = self.down.iter().flat_map(|block| &block.layers);
        let up = self.up.iter().flat_map(|block| &block.layers);
        let middle = [&self.mid_first.resnet, &self.mid_second];
        down.map(|layer| &layer.resnet).chain(middle).chain(up.map(|layer| &layer.resnet))
    }
}

fn unbalanced() -> Error {
    Error::Input("a UNet with more layers on the way up than down".to_owned())
}

/// diffusers' `get_timestep_embedding`: sines and cosines of `timestep` at frequencies falling from 1 towards 1/10000.
fn timestep_embedding(timestep: f32, width: usize, flip_sin_to_cos: bool, freq_shift: f32) -> Vec<f32> {
    let half = width / 2;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred frequencies")]
    let angles = (0..half).map(|index| {
        let exponent = -10_000.0_f32.ln() * index as f32;
        timestep * (exponent / (half as f32 - freq_shift)).exp()
    });
    let sines = angles.clone().map(f32::sin);
    let cosines = angles.map(f32::cos);
    let mut waves: Vec<f32> =
        if flip_sin_to_cos { cosines.chain(sines).collect() } else { sines.chain(cosines).collect() };
    waves.resize(width, 0.0);
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestep_embedding_is_diffusers() {
        // get_timestep_embedding(torch.tensor([3.0]), 4, flip_sin_to_cos=True, downscale_freq_shift=0)
        let waves = timestep_embedding(3.0, 4, true, 0.0);
        let expected = [3.0_f32.cos(), 0.03_f32.cos(), 3.0_f32.sin(), 0.03_f32.sin()];
        for (found, expected) in waves.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert_eq!(timestep_embedding(3.0, 5, false, 1.0).len(), 5, "an odd width ends in a zero");
    }
}
