//! The autoencoder as diffusers' `AutoencoderKL` has it (Rombach et al. 2022, arXiv:2112.10752): pictures to latents and
//! back. Encoder and decoder are lists of steps, which run over the whole picture, or over strips of a large one.

use super::blocks::{Attention, Resnet, ResnetOptions};
use super::chain::{self, Op, Reach};
use super::strips;
use super::{Error, Fields, Loader, Result, Weights};
use crate::backend::{Backend, ConvOptions};
use serde_json::{Value, json};

/// The options of a VAE's config.json that matter here.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Planes of a picture going in.
    pub in_channels: usize,
    /// Planes of a picture coming out.
    pub out_channels: usize,
    /// Channels of each level, finest first. Every level but the last halves the size.
    pub block_out_channels: Vec<usize>,
    /// Resnets in each level of the encoder (the decoder has one more).
    pub layers_per_block: usize,
    /// Planes of a latent.
    pub latent_channels: usize,
    /// Groups of the group norms.
    pub norm_num_groups: usize,
    /// Factor from the encoder's output to a latent,
    pub scaling_factor: f32,
    /// applied after this is subtracted.
    pub shift_factor: f32,
    /// Whether a 1×1 convolution follows the encoder.
    pub use_quant_conv: bool,
    /// Whether a 1×1 convolution precedes the decoder.
    pub use_post_quant_conv: bool,
    /// Whether the coarsest level has attention.
    pub mid_block_add_attention: bool,
}

impl Config {
    /// Reads a config.json, which came from `file`; keys that are missing have diffusers' defaults.
    ///
    /// # Errors
    /// If a key has a value that is wrong or not implemented.
    pub fn parse(config: &Value, file: &str) -> Result<Self> {
        let fields = Fields::new(config, file)?;
        fields.only("_class_name", &[json!("AutoencoderKL")])?;
        fields.only("act_fn", &[json!("silu"), json!("swish")])?;
        fields.only("latents_mean", &[])?;
        fields.only("latents_std", &[])?;
        let block_out_channels = fields.sizes("block_out_channels", &[64])?;
        let levels = block_out_channels.len();
        for (key, kind) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
            let types = fields.texts(key, &[kind])?;
            if types.iter().any(|found| *found != kind) {
                return Err(fields.unsupported(key));
            }
            if types.len() != levels {
                return Err(fields.wrong(key, format!("has {} blocks, block_out_channels {levels}", types.len())));
            }
        }
        let this = Self {
            in_channels: fields.size("in_channels", 3)?,
            out_channels: fields.size("out_channels", 3)?,
            layers_per_block: fields.size("layers_per_block", 1)?,
            latent_channels: fields.size("latent_channels", 4)?,
            norm_num_groups: fields.size("norm_num_groups", 32)?,
            scaling_factor: fields.number("scaling_factor", 0.18215)?,
            shift_factor: fields.number("shift_factor", 0.0)?,
            use_quant_conv: fields.flag("use_quant_conv", true)?,
            use_post_quant_conv: fields.flag("use_post_quant_conv", true)?,
            mid_block_add_attention: fields.flag("mid_block_add_attention", true)?,
            block_out_channels,
        };
        if this.scaling_factor == 0.0 {
            return Err(fields.wrong("scaling_factor", "is 0"));
        }
        for (key, value) in [("in_channels", this.in_channels), ("out_channels", this.out_channels)] {
            if value != 3 {
                return Err(fields.unsupported(key));
            }
        }
        if this.block_out_channels.iter().any(|channels| !channels.is_multiple_of(this.norm_num_groups)) {
            let message = format!("{} does not divide all of {:?}", this.norm_num_groups, this.block_out_channels);
            return Err(fields.wrong("norm_num_groups", message));
        }
        Ok(this)
    }

    /// Pixels of a picture per pixel of its latent, in each direction.
    #[must_use]
    pub fn scale(&self) -> usize {
        1 << (self.block_out_channels.len() - 1).min(16)
    }
}

/// Added to the variance in group norms.
const EPS: f32 = 1e-6;

struct MidBlock<B: Backend> {
    resnet1: Resnet<B>,
    attention: Option<(B::Norm, Attention<B>)>,
    resnet2: Resnet<B>,
    groups: usize,
}

impl<B: Backend> MidBlock<B> {
    fn load(load: &Loader<B>, width: usize, config: &Config, options: ResnetOptions) -> Result<Self> {
        let attention = if config.mid_block_add_attention {
            let load = load.at("attentions.0");
            Some((load.norm("group_norm", width)?, Attention::load_spatial(&load, width, 1)?))
        } else {
            None
        };
        Ok(Self {
            resnet1: Resnet::load(&load.at("resnets.0"), width, width, options)?,
            attention,
            resnet2: Resnet::load(&load.at("resnets.1"), width, width, options)?,
            groups: options.groups,
        })
    }

    fn ops(&self) -> Vec<Op<'_, B>> {
        let mut ops: Vec<Op<B>> = self.resnet1.ops().collect();
        if let Some((weights, attention)) = &self.attention {
            let norm = Op::Norm { weights, groups: self.groups, eps: EPS, silu: false };
            ops.extend([Op::Keep, norm, Op::Attend(attention), Op::Add]);
        }
        ops.extend(self.resnet2.ops());
        ops
    }
}

struct Level<B: Backend> {
    resnets: Vec<Resnet<B>>,
    /// The convolution that halves (encoder) or follows the doubling of (decoder) the size; none in the last level.
    resample: Option<B::Conv>,
}

/// The autoencoder.
pub struct Autoencoder<B: Backend> {
    config: Config,
    encoder_in: B::Conv,
    encoder_levels: Vec<Level<B>>,
    encoder_mid: MidBlock<B>,
    encoder_norm: B::Norm,
    encoder_out: B::Conv,
    quant: Option<B::Conv>,
    post_quant: Option<B::Conv>,
    decoder_in: B::Conv,
    decoder_mid: MidBlock<B>,
    decoder_levels: Vec<Level<B>>,
    decoder_norm: B::Norm,
    decoder_out: B::Conv,
}

impl<B: Backend> Autoencoder<B> {
    /// Packs the weights.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape, or the device fails.
    pub fn load(config: Config, backend: &B, weights: &dyn Weights) -> Result<Self> {
        let load = Loader::new(backend, weights);
        let options = ResnetOptions { groups: config.norm_num_groups, eps: EPS, time: None };
        let channels = &config.block_out_channels;
        let (Some(&finest), Some(&coarsest)) = (channels.first(), channels.last()) else {
            return Err(Error::Input("a VAE of no blocks".to_owned()));
        };
        let last = channels.len() - 1;
        let latent = config.latent_channels;

        let encoder = load.at("encoder");
        let mut encoder_levels = Vec::new();
        let mut inputs = finest;
        for (index, &outputs) in channels.iter().enumerate() {
            let load = encoder.at("down_blocks").at(index);
            let mut resnets = Vec::new();
            for layer in 0..config.layers_per_block {
                resnets.push(Resnet::load(&load.at("resnets").at(layer), inputs, outputs, options)?);
                inputs = outputs;
            }
            let halve = ConvOptions { stride: 2, before: 0, after: 1 };
            let resample = if index == last {
                None
            } else {
                Some(load.conv("downsamplers.0.conv", outputs, outputs, 3, halve)?)
            };
            encoder_levels.push(Level { resnets, resample });
        }

        let decoder = load.at("decoder");
        let mut decoder_levels = Vec::new();
        let mut inputs = coarsest;
        for (index, &outputs) in channels.iter().rev().enumerate() {
            let load = decoder.at("up_blocks").at(index);
            let mut resnets = Vec::new();
            for layer in 0..=config.layers_per_block {
                resnets.push(Resnet::load(&load.at("resnets").at(layer), inputs, outputs, options)?);
                inputs = outputs;
            }
            let resample = if index == last {
                None
            } else {
                Some(load.conv("upsamplers.0.conv", outputs, outputs, 3, ConvOptions::same(3))?)
            };
            decoder_levels.push(Level { resnets, resample });
        }

        let pointwise = |name: &str, width: usize, wanted: bool| {
            wanted.then(|| load.conv(name, width, width, 1, ConvOptions::same(1))).transpose()
        };
        Ok(Self {
            encoder_in: encoder.conv("conv_in", config.in_channels, finest, 3, ConvOptions::same(3))?,
            encoder_levels,
            encoder_mid: MidBlock::load(&encoder.at("mid_block"), coarsest, &config, options)?,
            encoder_norm: encoder.norm("conv_norm_out", coarsest)?,
            encoder_out: encoder.conv("conv_out", coarsest, 2 * latent, 3, ConvOptions::same(3))?,
            quant: pointwise("quant_conv", 2 * latent, config.use_quant_conv)?,
            post_quant: pointwise("post_quant_conv", latent, config.use_post_quant_conv)?,
            decoder_in: decoder.conv("conv_in", latent, coarsest, 3, ConvOptions::same(3))?,
            decoder_mid: MidBlock::load(&decoder.at("mid_block"), coarsest, &config, options)?,
            decoder_levels,
            decoder_norm: decoder.norm("conv_norm_out", finest)?,
            decoder_out: decoder.conv("conv_out", finest, config.out_channels, 3, ConvOptions::same(3))?,
            config,
        })
    }

    /// The options it was built with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Pictures `[n, 3, H, W]` in −1…1 to the parameters `[n, 2·latent_channels, H/8, W/8]` of a Gaussian: means, then
    /// logarithms of variances, both unscaled as the encoder gives them. A picture that needs more than `room` bytes at
    /// once goes in strips.
    ///
    /// # Errors
    /// If the device fails.
    pub fn encode(&self, b: &B, pictures: B::Tensor, room: usize) -> Result<B::Tensor> {
        run(b, &self.encoder(), pictures, room)
    }

    /// The bytes that encoding `pictures` at once would hold.
    ///
    /// # Errors
    /// If `pictures` is no image.
    pub fn encode_bytes(&self, b: &B, pictures: &B::Tensor) -> Result<usize> {
        chain::bytes(b, &self.encoder(), pictures)
    }

    /// Latents `[n, latent_channels, h, w]` in the decoder's own units (unscaled) to pictures `[n, 3, 8h, 8w]`. Latents that
    /// need more than `room` bytes at once go in strips.
    ///
    /// # Errors
    /// If the device fails.
    pub fn decode(&self, b: &B, latents: B::Tensor, room: usize) -> Result<B::Tensor> {
        run(b, &self.decoder(), latents, room)
    }

    /// The bytes that decoding `latents` at once would hold.
    ///
    /// # Errors
    /// If `latents` is no image.
    pub fn decode_bytes(&self, b: &B, latents: &B::Tensor) -> Result<usize> {
        chain::bytes(b, &self.decoder(), latents)
    }

    fn encoder(&self) -> Vec<Op<'_, B>> {
        let channels = &self.config.block_out_channels;
        let finest = channels.first().copied().unwrap_or(0);
        let latent = 2 * self.config.latent_channels;
        let mut ops = vec![conv(&self.encoder_in, Reach::Around, finest)];
        for (level, &outputs) in self.encoder_levels.iter().zip(channels) {
            ops.extend(level.resnets.iter().flat_map(Resnet::ops));
            ops.extend(level.resample.iter().map(|weights| conv(weights, Reach::Halve, outputs)));
        }
        ops.extend(self.encoder_mid.ops());
        ops.extend([self.norm(&self.encoder_norm), conv(&self.encoder_out, Reach::Around, latent)]);
        ops.extend(self.quant.iter().map(|weights| conv(weights, Reach::Pixel, latent)));
        ops
    }

    fn decoder(&self) -> Vec<Op<'_, B>> {
        let channels = &self.config.block_out_channels;
        let coarsest = channels.last().copied().unwrap_or(0);
        let mut ops = Vec::new();
        ops.extend(self.post_quant.iter().map(|weights| conv(weights, Reach::Pixel, self.config.latent_channels)));
        ops.push(conv(&self.decoder_in, Reach::Around, coarsest));
        ops.extend(self.decoder_mid.ops());
        for (level, &outputs) in self.decoder_levels.iter().zip(channels.iter().rev()) {
            ops.extend(level.resnets.iter().flat_map(Resnet::ops));
            if let Some(weights) = &level.resample {
                ops.extend([Op::Upsample, conv(weights, Reach::Around, outputs)]);
            }
        }
        let out = conv(&self.decoder_out, Reach::Around, self.config.out_channels);
        ops.extend([self.norm(&self.decoder_norm), out]);
        ops
    }

    fn norm<'a>(&self, weights: &'a B::Norm) -> Op<'a, B> {
        Op::Norm { weights, groups: self.config.norm_num_groups, eps: EPS, silu: true }
    }
}

fn conv<B: Backend>(weights: &B::Conv, reach: Reach, outputs: usize) -> Op<'_, B> {
    Op::Conv { weights, reach, outputs }
}

/// Runs a chain over the whole image where that fits into `room` bytes, else over strips.
fn run<B: Backend>(b: &B, ops: &[Op<B>], x: B::Tensor, room: usize) -> Result<B::Tensor> {
    if chain::bytes(b, ops, &x)? <= room { chain::run(b, ops, x) } else { strips::run_within(b, ops, x, room) }
}
