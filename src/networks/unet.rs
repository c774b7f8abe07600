//! The denoising network as diffusers' `UNet2DConditionModel` has it (Rombach et al. 2022, arXiv:2112.10752).
//!
//! [`Unet::forward`] is one straight walk: down the levels, keeping what each layer gives, through the middle, and up
//! again, joining what was kept. Up to the first cross-attention nothing depends on the words, so that part is computed once
//! per input, however many words the input is evaluated with.

use super::blocks::{Attention, Resnet, ResnetOptions};
use super::vae::image_size;
use super::{Error, Fields, Loader, Result, Weights};
use crate::backend::{Activation, Backend, ConvOptions};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The options of a UNet's config.json that matter here.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Side of the latents it was trained on: the window.
    pub sample_size: Option<usize>,
    /// Planes going in.
    pub in_channels: usize,
    /// Planes coming out.
    pub out_channels: usize,
    /// Whether inputs in 0…1 are moved to −1…1 first.
    pub center_input_sample: bool,
    /// Whether the step's embedding has cosines before sines.
    pub flip_sin_to_cos: bool,
    /// Taken from the number of frequencies in the step's embedding.
    pub freq_shift: f32,
    /// Width of the step's embedding.
    pub time_embedding_dim: usize,
    /// Levels on the way down, finest first.
    pub down: Vec<Level>,
    /// The middle.
    pub mid: Level,
    /// Levels on the way up, coarsest first.
    pub up: Vec<Level>,
    /// Zeros around an image before it is halved; 0 means one row and column, below and to the right only.
    pub downsample_padding: usize,
    /// Groups of the group norms.
    pub norm_num_groups: usize,
    /// Added to the variance in the group norms of resnets.
    pub norm_eps: f32,
    /// Side of the first convolution's kernel.
    pub conv_in_kernel: usize,
    /// Side of the last convolution's kernel.
    pub conv_out_kernel: usize,
}

/// One level of a UNet.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Channels coming out.
    pub channels: usize,
    /// Resnets.
    pub layers: usize,
    /// Transformers after each resnet, if any.
    pub transformer: Option<Transformer>,
}

/// The transformers of one level.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformer {
    /// Transformer blocks one after the other.
    pub blocks: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Width of a text embedding.
    pub cross_attention_dim: usize,
    /// Whether the first attention of a block looks at the words too, instead of at the image.
    pub only_cross_attention: bool,
}

impl Config {
    /// Reads a config.json, which came from `file`; keys that are missing have diffusers' defaults.
    ///
    /// # Errors
    /// Where a key has a value that is wrong or not implemented.
    pub fn parse(config: &Value, file: &str) -> Result<Self> {
        let fields = Fields::new(config, file)?;
        refuse_what_is_missing_here(&fields)?;

        let channels = fields.sizes("block_out_channels", &[320, 640, 1280, 1280])?;
        let count = channels.len();
        let default_down = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];
        let default_up = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];
        let down_types = has_transformers(&fields, "down_block_types", &default_down, count)?;
        let up_types = has_transformers(&fields, "up_block_types", &default_up, count)?;
        let layers = fields.sizes_per_level("layers_per_block", 2, count)?;
        // diffusers' misnomer: what configs call the heads' dimension is their number.
        let head_dims = fields.sizes_per_level("attention_head_dim", 8, count)?;
        let heads = match fields.get("num_attention_heads") {
            Some(_) => fields.sizes_per_level("num_attention_heads", 8, count)?,
            None => head_dims,
        };
        let blocks = fields.sizes_per_level("transformer_layers_per_block", 1, count)?;
        let cross = fields.sizes_per_level("cross_attention_dim", 1280, count)?;
        let only_cross = fields.flags_per_level("only_cross_attention", false, count)?;
        fields.flag("use_linear_projection", false)?;
        fields.flag("upcast_attention", false)?;

        let transformers: Vec<Transformer> = heads
            .iter()
            .zip(&blocks)
            .zip(cross.iter().zip(&only_cross))
            .map(|((&heads, &blocks), (&cross_attention_dim, &only_cross_attention))| Transformer {
                blocks,
                heads,
                cross_attention_dim,
                only_cross_attention,
            })
            .collect();
        let level = |((&channels, &layers), (&wanted, transformer)): ((&usize, &usize), (&bool, &Transformer))| Level {
            channels,
            layers,
            transformer: wanted.then(|| transformer.clone()),
        };
        let down: Vec<Level> =
            channels.iter().zip(&layers).zip(down_types.iter().zip(&transformers)).map(level).collect();
        let up: Vec<Level> = channels
            .iter()
            .zip(&layers)
            .rev()
            .zip(up_types.iter().zip(transformers.iter().rev()))
            .map(level)
            .map(|level| Level { layers: level.layers + 1, ..level })
            .collect();
        let (Some(&finest), Some(&coarsest), Some(transformer)) =
            (channels.first(), channels.last(), transformers.last())
        else {
            return Err(fields.wrong("block_out_channels", "is empty"));
        };
        let mid = Level {
            channels: coarsest,
            layers: 2,
            transformer: Some(Transformer { only_cross_attention: false, ..transformer.clone() }),
        };

        let this = Self {
            sample_size: sample_size(&fields)?,
            in_channels: fields.size("in_channels", 4)?,
            out_channels: fields.size("out_channels", 4)?,
            center_input_sample: fields.flag("center_input_sample", false)?,
            flip_sin_to_cos: fields.flag("flip_sin_to_cos", true)?,
            freq_shift: fields.number("freq_shift", 0.0)?,
            time_embedding_dim: fields.size("time_embedding_dim", 4 * finest)?,
            down,
            mid,
            up,
            downsample_padding: if fields.get("downsample_padding") == Some(&json!(0)) {
                0
            } else {
                fields.size("downsample_padding", 1)?
            },
            norm_num_groups: fields.size("norm_num_groups", 32)?,
            norm_eps: fields.number("norm_eps", 1e-5)?,
            conv_in_kernel: fields.size("conv_in_kernel", 3)?,
            conv_out_kernel: fields.size("conv_out_kernel", 3)?,
        };
        this.check(&fields)?;
        Ok(this)
    }

    /// The width of a text embedding, where all levels agree.
    #[must_use]
    pub fn cross_attention_dim(&self) -> Option<usize> {
        self.mid.transformer.as_ref().map(|transformer| transformer.cross_attention_dim)
    }

    fn check(&self, fields: &Fields) -> Result<()> {
        if self.downsample_padding > 1 {
            return Err(fields.unsupported("downsample_padding"));
        }
        for (key, kernel) in [("conv_in_kernel", self.conv_in_kernel), ("conv_out_kernel", self.conv_out_kernel)] {
            if kernel.is_multiple_of(2) || kernel > 15 {
                return Err(fields.unsupported(key));
            }
        }
        let groups = self.norm_num_groups;
        let width = self.cross_attention_dim();
        for level in self.down.iter().chain([&self.mid]).chain(&self.up) {
            let Level { channels, layers, transformer } = level;
            if !channels.is_multiple_of(groups) {
                return Err(fields.wrong("norm_num_groups", format!("{groups} does not divide {channels} channels")));
            }
            if *layers > 64 {
                return Err(fields.wrong("layers_per_block", format!("{layers} layers are too many")));
            }
            if let Some(transformer) = transformer {
                if !channels.is_multiple_of(transformer.heads) {
                    let message = format!("{} heads do not divide {channels} channels", transformer.heads);
                    return Err(fields.wrong("attention_head_dim", message));
                }
                if transformer.blocks > 64 {
                    return Err(fields.wrong("transformer_layers_per_block", "more than 64 are too many"));
                }
                if Some(transformer.cross_attention_dim) != width {
                    return Err(fields.unsupported("cross_attention_dim"));
                }
            }
        }
        Ok(())
    }
}

/// Options whose other values are not implemented.
fn refuse_what_is_missing_here(fields: &Fields) -> Result<()> {
    fields.only("_class_name", &[json!("UNet2DConditionModel")])?;
    fields.only("act_fn", &[json!("silu"), json!("swish")])?;
    fields.only("mid_block_type", &[json!("UNetMidBlock2DCrossAttn")])?;
    if fields.is_null("mid_block_type") {
        return Err(fields.unsupported("mid_block_type"));
    }
    fields.only("mid_block_scale_factor", &[json!(1)])?;
    fields.only("dual_cross_attention", &[json!(false)])?;
    fields.only("time_embedding_type", &[json!("positional")])?;
    fields.only("resnet_time_scale_shift", &[json!("default")])?;
    fields.only("resnet_skip_time_act", &[json!(false)])?;
    fields.only("resnet_out_scale_factor", &[json!(1)])?;
    fields.only("attention_type", &[json!("default")])?;
    fields.only("class_embeddings_concat", &[json!(false)])?;
    for key in [
        "addition_embed_type",
        "class_embed_type",
        "cross_attention_norm",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "num_class_embeds",
        "projection_class_embeddings_input_dim",
        "reverse_transformer_layers_per_block",
        "time_cond_proj_dim",
        "time_embedding_act_fn",
        "timestep_post_act",
    ] {
        fields.only(key, &[])?;
    }
    Ok(())
}

/// For each block whether it is of the kind with transformers.
fn has_transformers(fields: &Fields, key: &str, default: &[&'static str], count: usize) -> Result<Vec<bool>> {
    let types = fields.texts(key, default)?;
    if types.len() != count {
        return Err(fields.wrong(key, format!("has {} blocks, block_out_channels {count}", types.len())));
    }
    let (with, without) = match key {
        "down_block_types" => ("CrossAttnDownBlock2D", "DownBlock2D"),
        _ => ("CrossAttnUpBlock2D", "UpBlock2D"),
    };
    types
        .into_iter()
        .map(|kind| match kind {
            _ if kind == with => Ok(true),
            _ if kind == without => Ok(false),
            _ => Err(fields.unsupported(key)),
        })
        .collect()
}

/// One number, or twice the same.
fn sample_size(fields: &Fields) -> Result<Option<usize>> {
    match fields.get("sample_size") {
        None => Ok(None),
        Some(Value::Array(_)) => match *fields.sizes("sample_size", &[])?.as_slice() {
            [height, width] if height == width => Ok(Some(height)),
            _ => Err(fields.unsupported("sample_size")),
        },
        Some(_) => fields.size("sample_size", 64).map(Some),
    }
}

/// The words of a batch on their way through the network.
struct Words<'a, B: Backend> {
    /// `[calls, tokens, cross_attention_dim]`, or several rows a call.
    embeddings: &'a B::Tensor,
    /// The input of each call, until the first cross-attention makes a row of each.
    pending: Option<&'a [usize]>,
    areas: Option<Held<'a, B>>,
}

/// The places of words, where a call has several.
struct Held<'a, B: Backend> {
    masks: &'a AreaMasks<'a>,
    /// Their weights `[areas, height · width]` by height and width.
    weights: HashMap<(usize, usize), B::Tensor>,
}

impl<B: Backend> Held<'_, B> {
    fn weights(&mut self, b: &B, size: (usize, usize)) -> Result<B::Tensor> {
        match self.weights.entry(size) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(free) => {
                let weights = self.masks.at(size.0, size.1);
                let rows = weights.len() / (size.0 * size.1).max(1);
                Ok(free.insert(b.upload(&[rows, size.0 * size.1], &weights)?).clone())
            }
        }
    }
}

impl<B: Backend> Words<'_, B> {
    /// One row per call from here on.
    fn spread(&mut self, b: &B, x: &B::Tensor) -> Result<B::Tensor> {
        spread(b, x, self.pending.take())
    }

    /// Attention of an image of this size to the words.
    fn attend(&mut self, b: &B, attention: &Attention<B>, x: &B::Tensor, size: (usize, usize)) -> Result<B::Tensor> {
        match &mut self.areas {
            None => attention.forward(b, x, self.embeddings),
            Some(held) => {
                let weights = held.weights(b, size)?;
                attention.forward_blended(b, x, self.embeddings, held.masks.counts, &weights)
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

/// The places of words in their inputs.
#[derive(Debug, Clone, Copy)]
pub struct AreaMasks<'a> {
    /// How many words each call has.
    pub counts: &'a [usize],
    /// One mask for each word of each call, `height * width` values of at least 0.
    pub masks: &'a [&'a [f32]],
    /// Rows of the latent window.
    pub height: usize,
    /// Columns of the latent window.
    pub width: usize,
}

impl AreaMasks<'_> {
    /// The masks averaged over the cells of a coarser grid, and brought to a sum of 1 for each call. Where all masks of a call
    /// are empty its words share alike.
    fn at(&self, height: usize, width: usize) -> Vec<f32> {
        let cells = height * width;
        let mut all: Vec<f32> = Vec::with_capacity(self.masks.len() * cells);
        for mask in self.masks {
            all.extend(resized(mask, (self.height, self.width), (height, width)));
        }
        let mut start = 0;
        for &count in self.counts {
            let call = &mut all[start * cells..(start + count) * cells];
            for cell in 0..cells {
                let sum: f32 = call.iter().skip(cell).step_by(cells).sum();
                for weight in call.iter_mut().skip(cell).step_by(cells) {
                    *weight = if sum > 0.0 { *weight / sum } else { 1.0 / count as f32 };
                }
            }
            start += count;
        }
        all
    }
}

/// `plane` as area averages on a grid of another size.
fn resized(plane: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    // For each new index: old indices, and how much of each it covers.
    let overlaps = |from: usize, to: usize| -> Vec<Vec<(usize, f32)>> {
        let ratio = from as f64 / to as f64;
        let covers = |new: usize| {
            let (start, end) = (new as f64 * ratio, (new + 1) as f64 * ratio);
            let last = (end.ceil() as usize).min(from);
            let part = move |old: usize| (old, (end.min(old as f64 + 1.0) - start.max(old as f64)) as f32);
            (start.floor() as usize..last).map(part).collect()
        };
        (0..to).map(covers).collect()
    };
    let (rows, columns) = (overlaps(from.0, to.0), overlaps(from.1, to.1));
    let scale = (to.0 * to.1) as f32 / (from.0 * from.1) as f32;
    let mut out = Vec::with_capacity(to.0 * to.1);
    for row in &rows {
        for column in &columns {
            let sum: f32 =
                row.iter().flat_map(|&(y, h)| column.iter().map(move |&(x, w)| h * w * plane[y * from.1 + x])).sum();
            out.push(sum * scale);
        }
    }
    out
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
            ff_in: load.linear("ff.net.0.proj", width, 8 * width, true)?,
            ff_out: load.linear("ff.net.2", 4 * width, width, true)?,
            only_cross_attention,
        })
    }

    fn forward(&self, b: &B, mut x: B::Tensor, size: (usize, usize), words: &mut Words<B>) -> Result<B::Tensor> {
        if self.only_cross_attention {
            x = words.spread(b, &x)?;
        }
        let h = b.layer_norm(&x, &self.norm1, LAYER_NORM_EPS)?;
        let h = if self.only_cross_attention {
            words.attend(b, &self.attn1, &h, size)?
        } else {
            self.attn1.forward(b, &h, &h)?
        };
        let x = words.spread(b, &b.add(&x, &h)?)?;
        let h = b.layer_norm(&x, &self.norm2, LAYER_NORM_EPS)?;
        let x = b.add(&x, &words.attend(b, &self.attn2, &h, size)?)?;
        let h = b.layer_norm(&x, &self.norm3, LAYER_NORM_EPS)?;
        let h = b.geglu(&b.linear(&h, &self.ff_in)?)?;
        Ok(b.add(&x, &b.linear(&h, &self.ff_out)?)?)
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

    fn forward(&self, b: &B, x: &B::Tensor, words: &mut Words<B>) -> Result<B::Tensor> {
        let (_, height, width) = image_size(b, x)?;
        let pending = words.pending;
        let h = b.to_tokens(&b.group_norm(x, &self.norm, self.groups, TRANSFORMER_NORM_EPS, false)?)?;
        let mut h = b.linear(&h, &self.proj_in)?;
        for block in &self.blocks {
            h = block.forward(b, h, (height, width), words)?;
        }
        let h = b.linear(&h, &self.proj_out)?;
        Ok(b.add(&spread(b, x, pending)?, &b.to_image(&h, height, width)?)?)
    }
}

/// A resnet and the transformer after it, if any.
struct Layer<B: Backend> {
    resnet: Resnet<B>,
    transformer: Option<Transformer2d<B>>,
}

impl<B: Backend> Layer<B> {
    fn forward(&self, b: &B, x: &B::Tensor, time: &B::Tensor, words: &mut Words<B>) -> Result<B::Tensor> {
        let x = self.resnet.forward(b, x, Some(time))?;
        match &self.transformer {
            Some(transformer) => transformer.forward(b, &x, words),
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
    /// Where a tensor is missing or of another shape, or the device fails.
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

    /// One batch: inputs `[n, in_channels, h, w]`, all at `timestep`; row `i` of the result `[calls, out_channels, h, w]` is
    /// input `rows[i]` with text embedding `i` of `embeddings` `[calls, tokens, cross_attention_dim]`.
    ///
    /// # Errors
    /// Where the inputs do not fit or the device fails.
    pub fn forward(
        &self,
        b: &B,
        inputs: &B::Tensor,
        timestep: f32,
        rows: &[usize],
        embeddings: &B::Tensor,
    ) -> Result<B::Tensor> {
        self.walk(b, inputs, timestep, rows, Words { embeddings, pending: None, areas: None })
    }

    /// As [`Self::forward`] with several words a call: the next `masks.counts[i]` rows of `embeddings` belong to call `i`, and
    /// in every cross-attention what they give is averaged by their masks.
    ///
    /// # Errors
    /// As [`Self::forward`]; also where the masks do not fit.
    pub fn forward_areas(
        &self,
        b: &B,
        inputs: &B::Tensor,
        timestep: f32,
        rows: &[usize],
        embeddings: &B::Tensor,
        masks: &AreaMasks,
    ) -> Result<B::Tensor> {
        let (_, height, width) = image_size(b, inputs)?;
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
        let areas = Some(Held { masks, weights: HashMap::new() });
        self.walk(b, inputs, timestep, rows, Words { embeddings, pending: None, areas })
    }

    fn walk<'a>(
        &self,
        b: &B,
        inputs: &B::Tensor,
        timestep: f32,
        rows: &'a [usize],
        mut words: Words<'a, B>,
    ) -> Result<B::Tensor> {
        let count = b.shape(inputs).first().copied().unwrap_or(0);
        let wanted = words.areas.as_ref().map_or(rows.len(), |held| held.masks.masks.len());
        let embeddings = b.shape(words.embeddings).first().copied().unwrap_or(0);
        if rows.is_empty() || rows.iter().any(|&row| row >= count) || embeddings != wanted {
            return Err(Error::Input(format!(
                "{embeddings} words for {} calls on {count} inputs do not fit",
                rows.len()
            )));
        }
        let one_each = rows.len() == count && rows.iter().enumerate().all(|(call, &input)| call == input);
        words.pending = (!one_each).then_some(rows);
        let words = &mut words;

        let time = &self.time(b, timestep)?;
        let mut x = if self.config.center_input_sample { b.affine(inputs, 2.0, -1.0)? } else { inputs.clone() };
        x = b.conv2d(&x, &self.conv_in)?;

        // What the way up joins again, and which rows it still has to be spread to.
        let mut kept = vec![(x.clone(), words.pending)];
        for block in &self.down {
            for layer in &block.layers {
                x = layer.forward(b, &x, time, words)?;
                kept.push((x.clone(), words.pending));
            }
            if let Some(conv) = &block.resample {
                x = b.conv2d(&x, conv)?;
                kept.push((x.clone(), words.pending));
            }
        }

        x = self.mid_first.forward(b, &x, time, words)?;
        x = self.mid_second.forward(b, &x, Some(time))?;

        for block in &self.up {
            for layer in &block.layers {
                let (skip, pending) = kept.pop().ok_or_else(unbalanced)?;
                let skip = spread(b, &skip, pending)?;
                x = layer.forward(b, &b.concat(&[&x, &skip], 1)?, time, words)?;
            }
            if let Some(conv) = &block.resample {
                // To the size of the next level, which is odd where the way down rounded up.
                let (_, height, width) = image_size(b, &kept.last().ok_or_else(unbalanced)?.0)?;
                x = b.conv2d(&b.upsample(&x, height, width)?, conv)?;
            }
        }

        x = b.group_norm(&x, &self.norm_out, self.config.norm_num_groups, self.config.norm_eps, true)?;
        Ok(b.conv2d(&x, &self.conv_out)?)
    }

    /// The step's embedding `[1, time_embedding_dim]` after the SiLU that every resnet begins with.
    fn time(&self, b: &B, timestep: f32) -> Result<B::Tensor> {
        let width = self.config.down.first().map_or(0, |level| level.channels);
        let waves = timestep_embedding(timestep, width, self.config.flip_sin_to_cos, self.config.freq_shift);
        let x = b.upload(&[1, width], &waves)?;
        let x = b.activate(&b.linear(&x, &self.time1)?, Activation::Silu)?;
        Ok(b.activate(&b.linear(&x, &self.time2)?, Activation::Silu)?)
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
    fn masks_are_averaged_over_coarser_cells() {
        let mask: Vec<f32> = (0..12).map(|i| i as f32).collect();
        assert_eq!(resized(&mask, (3, 4), (3, 4)), mask);
        assert_eq!(resized(&mask, (3, 4), (1, 2)), [4.5, 6.5]);
        // A grid of 3 columns on 4: two thirds of a cell here, a third there.
        let found = resized(&[3.0, 6.0, 9.0], (1, 3), (1, 2));
        assert!((found[0] - 4.0).abs() < 1e-6 && (found[1] - 8.0).abs() < 1e-6, "{found:?}");
        let (left, right) = ([1.0, 0.5, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0]);
        let masks = AreaMasks { counts: &[2, 1], masks: &[&left, &right, &right], height: 2, width: 2 };
        let expected = [1.0, 0.5, 0.5, 0.5, 0.0, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(masks.at(2, 2), expected, "they sum to 1; where nothing lies they share alike");
    }

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
