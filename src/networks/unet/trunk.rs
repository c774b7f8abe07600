//! The way down and the middle of a UNet, with the step's embedding: what a UNet and a ControlNet share.

use super::walk::{Block, Layer, TransformerBlock, Walk};
use super::{Added, Config, Level, Prompt, Step, Transformer, unbalanced};
use crate::backend::{Activation, Backend, ConvOptions, Epilogue};
use crate::networks::blocks::{Attention, Resnet, ResnetOptions};
use crate::networks::{Error, Loader, Result};

/// What the way down keeps of one layer, with the rows that it still has to be spread to.
pub(super) type Kept<'a, B> = (<B as Backend>::Tensor, Option<&'a [usize]>);

/// What the way down keeps, and the middle's result; none of a shallow walk.
pub(super) type Walked<'a, B> = (Vec<Kept<'a, B>>, Option<<B as Backend>::Tensor>);

/// The first half of a UNet.
pub(super) struct Trunk<B: Backend> {
    pub(super) config: Config,
    conv_in: B::Conv,
    time1: B::Linear,
    time2: B::Linear,
    /// The two layers of the added conditioning.
    added: Option<[B::Linear; 2]>,
    /// The layer from the guidance's sines and cosines to the time's.
    guidance: Option<B::Linear>,
    down: Vec<Block<B>>,
    /// None where there is no middle.
    mid_first: Option<Layer<B>>,
    /// None in a middle without attention.
    mid_second: Option<Resnet<B>>,
}

impl<B: Backend> Trunk<B> {
    /// Packs the weights; returned with the channels of what the way down keeps, in its order.
    pub(super) fn load(config: Config, load: &Loader<B>) -> Result<(Self, Vec<usize>)> {
        let Some(finest) = config.down.first().map(|level| level.channels) else {
            return Err(Error::Input("a UNet of no blocks".to_owned()));
        };
        let time = config.time_embedding_dim;
        let options = Self::resnets_of(&config);
        let last = config.down.len() - 1;
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
                layers.push(Layer::load(&load, number, inputs, level, options)?);
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
        let mid_first = match config.mid.layers {
            0 => None,
            _ => Some(Layer::load(&mid, 0, inputs, &config.mid, options)?),
        };
        let mid_second = match config.mid.layers {
            0 | 1 => None,
            _ => Some(Resnet::load(&mid.at("resnets.1"), inputs, inputs, options)?),
        };
        let same_in = ConvOptions::same(config.conv_in_kernel);
        let this = Self {
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
            guidance: match config.guidance_waves {
                Some(waves) => Some(load.linear("time_embedding.cond_proj", waves, finest, false)?),
                None => None,
            },
            down,
            mid_first,
            mid_second,
            config,
        };
        Ok((this, kept))
    }

    /// The options of all resnets.
    pub(super) fn resnets_of(config: &Config) -> ResnetOptions {
        let &Config { norm_num_groups: groups, norm_eps: eps, time_embedding_dim, .. } = config;
        ResnetOptions { groups, eps, time: Some(time_embedding_dim) }
    }

    /// All layers but the middle's second resnet, in the order of the walk.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer<B>> {
        self.down.iter().flat_map(|block| &block.layers).chain(&self.mid_first)
    }

    /// All resnets, in the order of the walk.
    pub(super) fn resnets(&self) -> impl Iterator<Item = &Resnet<B>> {
        self.layers().map(|layer| &layer.resnet).chain(&self.mid_second)
    }

    /// Values of a [`Prompt`] for each token.
    pub(super) fn prompt_width(&self) -> usize {
        prompt_width(&self.config.down) + prompt_width(std::slice::from_ref(&self.config.mid))
    }

    /// The step's embedding after its SiLU, with which every resnet begins: `[1, time_embedding_dim]`, or a row for each of
    /// `added`, or of several `guidance` scales.
    pub(super) fn time(&self, b: &B, timestep: f32, guidance: &[f32], added: &[Added]) -> Result<B::Tensor> {
        let width = self.config.down.first().map_or(0, |level| level.channels);
        let embedding = self.added_embedding(b, added)?;
        let calls = if embedding.is_some() { added.len() } else { guidance.len().max(1) };
        let mut time = b.upload(&[calls, width], &self.waves(timestep, width).repeat(calls))?;
        if let (Some(layer), Some(waves), false) = (&self.guidance, self.config.guidance_waves, guidance.is_empty()) {
            let all = if guidance.len() == 1 { guidance.repeat(calls) } else { guidance.to_vec() };
            if all.len() != calls {
                return Err(Error::Input(format!("{} guidance scales for {calls} calls", all.len())));
            }
            let scales: Vec<f32> = all.iter().flat_map(|&scale| guidance_embedding(scale, waves)).collect();
            time = b.linear_with(&b.upload(&[calls, waves], &scales)?, layer, Epilogue::add(&time))?;
        }
        let silu = || Epilogue { activation: Some(Activation::Silu), ..Epilogue::default() };
        let time = b.linear_with(&time, &self.time1, silu())?;
        Ok(match embedding {
            None => b.linear_with(&time, &self.time2, silu())?,
            Some(embedding) => {
                b.activate(&b.linear_with(&time, &self.time2, Epilogue::add(&embedding))?, Activation::Silu)?
            }
        })
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

    /// Walks down and through the middle: what each layer of the way down gives, and the middle's result. `hint` is added to the
    /// first convolution's. A shallow walk ends when so many results are there; the middle has none then, and what the other layers
    /// would read is passed over.
    pub(super) fn walk<'a>(
        &self,
        walk: &mut Walk<'a, B>,
        inputs: &B::Tensor,
        hint: Option<&B::Tensor>,
        shallow: Option<usize>,
    ) -> Result<Walked<'a, B>> {
        let wanted = shallow.unwrap_or(usize::MAX);
        let b = walk.b;
        let mut x = if self.config.center_input_sample { b.affine(inputs, 2.0, -1.0)? } else { inputs.clone() };
        x = match hint {
            Some(hint) => b.conv2d_with(&x, &self.conv_in, Epilogue::add(hint))?,
            None => b.conv2d(&x, &self.conv_in)?,
        };
        if walk.own_steps {
            x = walk.spread(&x)?;
        }
        let mut kept = vec![(x.clone(), walk.shared_rows)];
        for block in &self.down {
            for layer in &block.layers {
                if kept.len() >= wanted {
                    walk.pass_over(layer);
                    continue;
                }
                x = layer.forward(walk, &x)?;
                kept.push((x.clone(), walk.shared_rows));
            }
            if let Some(conv) = block.resample.as_ref().filter(|_| kept.len() < wanted) {
                x = b.conv2d(&x, conv)?;
                kept.push((x.clone(), walk.shared_rows));
            }
        }
        if shallow.is_some() {
            self.mid_first.iter().for_each(|first| walk.pass_over(first));
            self.mid_second.iter().for_each(|_| walk.pass_over_resnet());
            return Ok((kept, None));
        }
        if let Some(first) = &self.mid_first {
            x = first.forward(walk, &x)?;
        }
        if let Some(second) = &self.mid_second {
            x = walk.resnet(second, &x)?;
        }
        Ok((kept, Some(x)))
    }
}

/// Values of a [`Prompt`] for each token in these levels: keys and values.
pub(super) fn prompt_width(levels: &[Level]) -> usize {
    let width = |level: &Level| {
        let attentions = |t: &Transformer| t.blocks.iter().sum::<usize>() * if t.only_cross_attention { 2 } else { 1 };
        2 * level.transformer.as_ref().map_or(0, attentions) * level.channels
    };
    levels.iter().map(width).sum()
}

/// A prompt as the cross-attentions of these layers read it, of text embedding `[1, tokens, cross_attention_dim]`.
pub(super) fn prompt<'a, B: Backend>(
    layers: impl Iterator<Item = &'a Layer<B>>,
    b: &B,
    embedding: &B::Tensor,
) -> Result<Prompt<B>> {
    let transformers = layers.filter_map(|layer| layer.transformer.as_ref());
    let attentions =
        transformers.flat_map(|transformer| &transformer.blocks).flat_map(TransformerBlock::cross_attentions);
    let keys = attentions.map(|attention: &Attention<B>| attention.keys(b, embedding));
    Ok(Prompt { keys: keys.collect::<Result<_>>()? })
}

/// A timestep as these resnets read it, of its embedding.
pub(super) fn step<'a, B: Backend>(
    resnets: impl Iterator<Item = &'a Resnet<B>>,
    b: &B,
    time: &B::Tensor,
) -> Result<Step<B>> {
    let vectors = resnets.map(|resnet| resnet.step(b, time)?.ok_or_else(unbalanced));
    Ok(Step { vectors: vectors.collect::<Result<_>>()? })
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

/// diffusers' `get_guidance_scale_embedding` of a guidance scale: 0 where guidance is off.
fn guidance_embedding(scale: f32, width: usize) -> Vec<f32> {
    timestep_embedding(1000.0 * (scale - 1.0), width, false, 1.0)
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
