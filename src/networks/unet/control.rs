//! ControlNet (Zhang, Rao and Agrawala 2023, arXiv:2302.05543) as diffusers' `ControlNetModel` has it.
//!
//! It is the first half of a UNet, which also sees a picture: a few convolutions bring that to the latent's size, and it is added to
//! what the first convolution gives. What each layer of the way down and the middle give goes through a convolution of 1 × 1,
//! which training begins with at zero, and is added to the same places of the UNet.

use super::config::Config;
use super::trunk::{self, Trunk};
use super::walk::{Walk, spread};
use super::{Added, Prompt, Step};
use crate::backend::{Activation, Backend, ConvOptions, Epilogue};
use crate::networks::chain::image_shape;
use crate::networks::{Error, Fields, Loader, Result, Weights};
use serde_json::{Value, json};

/// The options of a ControlNet's config.json that matter here.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlConfig {
    /// Those of the UNet whose first half it is; its way up is not used.
    pub unet: Config,
    /// Planes of its picture.
    pub picture_channels: usize,
    /// Channels of the convolutions that bring the picture to the latent's size; each after the first halves it.
    pub hint_channels: Vec<usize>,
}

impl ControlConfig {
    /// Reads a config.json, which came from `file`; keys that are missing have diffusers' defaults.
    ///
    /// # Errors
    /// If a key has a value that is wrong or not implemented.
    pub fn parse(config: &Value, file: &str) -> Result<Self> {
        let fields = Fields::new(config, file)?;
        fields.only("_class_name", &[json!("ControlNetModel")])?;
        fields.only("mid_block_type", &[json!("UNetMidBlock2DCrossAttn"), json!("UNetMidBlock2D")])?;
        fields.only("global_pool_conditions", &[json!(false)])?;
        fields.only("time_cond_proj_dim", &[])?;
        fields.only("controlnet_conditioning_channel_order", &[json!("rgb")])?;
        let channels = fields.sizes("block_out_channels", &[320, 640, 1280, 1280])?;

        // The rest is what a UNet's config has, but for a way up.
        let mut of_unet = config.clone();
        if let Value::Object(of_unet) = &mut of_unet {
            for key in ["_class_name", "sample_size"] {
                of_unet.remove(key);
            }
            of_unet.insert("up_block_types".to_owned(), json!(vec!["UpBlock2D"; channels.len()]));
            of_unet.insert("reverse_transformer_layers_per_block".to_owned(), json!(1));
        }
        Ok(Self {
            unet: Config::parse(&of_unet, file)?,
            picture_channels: fields.size("conditioning_channels", 3)?,
            hint_channels: fields.sizes("conditioning_embedding_out_channels", &[16, 32, 96, 256])?,
        })
    }

    /// Pixels of its picture per pixel of the latent, in each direction.
    #[must_use]
    pub fn scale(&self) -> usize {
        1 << (self.hint_channels.len() - 1)
    }

    /// Whether what it gives has the sizes and channels of what a UNet of these options keeps on its way down.
    #[must_use]
    pub fn fits(&self, unet: &Config) -> bool {
        let levels = |config: &Config| config.down.iter().map(|l| (l.channels, l.layers)).collect::<Vec<_>>();
        levels(&self.unet) == levels(unet)
            && self.unet.downsample_padding == unet.downsample_padding
            && self.unet.added == unet.added
            && self.unet.transformers().all(|own| Some(own.cross_attention_dim) == unet.cross_attention_dim())
    }
}

/// What ControlNets add to a UNet for the calls of one batch.
pub struct Residuals<B: Backend> {
    /// `[calls, channels, h, w]` for each layer of the way down, in its order; for a shallow call the first ones only.
    pub(super) down: Vec<B::Tensor>,
    /// The same for the middle; none for a shallow call.
    pub(super) middle: Option<B::Tensor>,
}

impl<B: Backend> Residuals<B> {
    /// The tensors: those of the way down in its order, then the middle's.
    pub fn tensors(&self) -> impl Iterator<Item = &B::Tensor> {
        self.down.iter().chain(&self.middle)
    }

    fn map(&self, change: impl Fn(&B::Tensor) -> Result<B::Tensor>) -> Result<Self> {
        let middle = self.middle.as_ref().map(&change).transpose()?;
        Ok(Self { down: self.down.iter().map(&change).collect::<Result<_>>()?, middle })
    }

    /// These for a batch in which `rows[i]` says whose residuals call `i` has; a call without one gets zeros.
    ///
    /// # Errors
    /// If the device fails.
    pub fn placed(&self, b: &B, rows: &[Option<usize>]) -> Result<Self> {
        let count = self.down.first().and_then(|first| b.shape(first).first().copied()).unwrap_or(0);
        if rows.len() == count && rows.iter().enumerate().all(|(call, row)| *row == Some(call)) {
            return self.map(|x| Ok(x.clone()));
        }
        let rows: Vec<usize> = rows.iter().map(|row| row.unwrap_or(count)).collect();
        self.map(|x| {
            let zeros = b.affine(&b.select(x, &[0])?, 0.0, 0.0)?;
            Ok(b.select(&b.concat(&[x, &zeros], 0)?, &rows)?)
        })
    }

    /// These with those of another ControlNet.
    ///
    /// # Errors
    /// If they are of another UNet or batch, or the device fails.
    pub fn plus(&self, b: &B, other: &Self) -> Result<Self> {
        let down = self.down.iter().zip(&other.down).map(|(x, y)| Ok(b.add(x, y)?));
        let middle = self.middle.as_ref().zip(other.middle.as_ref()).map(|(x, y)| b.add(x, y)).transpose()?;
        Ok(Self { down: down.collect::<Result<_>>()?, middle })
    }
}

/// The convolutions that bring a picture to the latent's size.
struct Hint<B: Backend> {
    conv_in: B::Conv,
    blocks: Vec<B::Conv>,
    conv_out: B::Conv,
}

/// A ControlNet.
pub struct ControlNet<B: Backend> {
    config: ControlConfig,
    trunk: Trunk<B>,
    hint: Hint<B>,
    /// The last convolutions of the way down.
    down: Vec<B::Conv>,
    /// The middle's.
    middle: B::Conv,
}

impl<B: Backend> ControlNet<B> {
    /// Packs the weights.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape, or the device fails.
    pub fn load(config: ControlConfig, backend: &B, weights: &dyn Weights) -> Result<Self> {
        let load = Loader::new(backend, weights);
        let (trunk, kept) = Trunk::load(config.unet.clone(), &load)?;
        let zero = |name: &str, channels| load.conv(name, channels, channels, 1, ConvOptions::same(1));
        let down = kept.iter().enumerate().map(|(i, &channels)| zero(&format!("controlnet_down_blocks.{i}"), channels));
        let hint = load.at("controlnet_cond_embedding");
        let channels = &config.hint_channels;
        let (Some(&first), Some(&last), Some(&finest)) = (channels.first(), channels.last(), kept.first()) else {
            return Err(Error::Input("a ControlNet without a way for its picture".to_owned()));
        };
        let mut blocks = Vec::new();
        for pair in channels.windows(2) {
            let &[from, to] = pair else { continue };
            let halve = ConvOptions { stride: 2, before: 1, after: 1 };
            for (to, options) in [(from, ConvOptions::same(3)), (to, halve)] {
                blocks.push(hint.at("blocks").conv(&blocks.len().to_string(), from, to, 3, options)?);
            }
        }
        Ok(Self {
            down: down.collect::<Result<_>>()?,
            middle: zero("controlnet_mid_block", config.unet.mid.channels)?,
            hint: Hint {
                conv_in: hint.conv("conv_in", config.picture_channels, first, 3, ConvOptions::same(3))?,
                blocks,
                conv_out: hint.conv("conv_out", last, finest, 3, ConvOptions::same(3))?,
            },
            trunk,
            config,
        })
    }

    /// The options it was built with.
    #[must_use]
    pub fn config(&self) -> &ControlConfig {
        &self.config
    }

    /// Pictures `[n, picture_channels, scale · h, scale · w]` in 0…1 as calls on latents `[n, _, h, w]` read them; the same for any
    /// step and prompt.
    ///
    /// # Errors
    /// If the pictures are of another size or the device fails.
    pub fn hint(&self, b: &B, pictures: &B::Tensor) -> Result<B::Tensor> {
        let silu = || Epilogue { activation: Some(Activation::Silu), ..Epilogue::default() };
        let mut x = b.conv2d_with(pictures, &self.hint.conv_in, silu())?;
        for conv in &self.hint.blocks {
            x = b.conv2d_with(&x, conv, silu())?;
        }
        Ok(b.conv2d(&x, &self.hint.conv_out)?)
    }

    /// A prompt of text embedding `[1, tokens, cross_attention_dim]`, for any number of calls.
    ///
    /// # Errors
    /// If the embedding is of another width or the device fails.
    pub fn prompt(&self, b: &B, embedding: &B::Tensor) -> Result<Prompt<B>> {
        trunk::prompt(self.trunk.layers(), b, embedding)
    }

    /// Bytes that a [`Prompt`] of so many tokens takes on the device.
    #[must_use]
    pub fn prompt_bytes(&self, b: &B, tokens: usize) -> usize {
        tokens * self.trunk.prompt_width() * b.value_bytes()
    }

    /// A timestep for any number of calls, or with added conditioning for one batch, as [`super::Unet::step`].
    ///
    /// # Errors
    /// If the added conditioning is missing or of another width, or the device fails.
    pub fn step(&self, b: &B, timestep: f32, added: &[Added]) -> Result<Step<B>> {
        trunk::step(self.trunk.resnets(), b, &self.trunk.time(b, timestep, &[], added)?)
    }

    /// One batch: inputs `[n, in_channels, h, w]` with their [`Self::hint`]s, all at `step`; row `i` of the residuals, times
    /// `weight`, is of input `rows[i]` with `prompts[i]`. For a `shallow` call only so many residuals of the way down are computed,
    /// as [`super::Unet::shallow_layers`] says.
    ///
    /// # Errors
    /// If the inputs do not fit or the device fails.
    #[expect(clippy::too_many_arguments, reason = "as of a UNet's call, with three more")]
    pub fn forward(
        &self,
        b: &B,
        inputs: &B::Tensor,
        hints: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        weight: f32,
        shallow: Option<usize>,
    ) -> Result<Residuals<B>> {
        let ([count, _, height, width], hint) = (image_shape(b, inputs)?, image_shape(b, hints)?);
        if [hint[0], hint[2], hint[3]] != [count, height, width] {
            return Err(Error::Input(format!("{count} inputs of {width} × {height} with hints {hint:?} do not fit")));
        }
        let walk = &mut Walk::new(b, inputs, step, (rows, prompts, rows.len()), None)?;
        let (kept, x) = self.trunk.walk(walk, inputs, Some(hints), shallow)?;
        let weighed = |x: B::Tensor| -> Result<B::Tensor> {
            if weight.to_bits() == 1.0_f32.to_bits() { Ok(x) } else { Ok(b.affine(&x, weight, 0.0)?) }
        };
        let down = kept.into_iter().zip(&self.down).map(|((x, shared_rows), conv)| {
            let x = weighed(b.conv2d(&x, conv)?)?;
            spread(b, &x, shared_rows)
        });
        let down = down.collect::<Result<_>>()?;
        let middle = |x: B::Tensor| walk.spread(&weighed(b.conv2d(&x, &self.middle)?)?);
        Ok(Residuals { down, middle: x.map(middle).transpose()? })
    }
}
