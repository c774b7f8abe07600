//! The denoising network as diffusers' `UNet2DConditionModel` has it (Rombach et al. 2022, arXiv:2112.10752).
//!
//! [`Unet::forward`] is one straight walk: down the levels, keeping what each layer gives, through the middle, and up
//! again, joining what was kept. Up to the first cross-attention nothing depends on the prompt, so that part is computed once
//! per input, however many prompts the input is evaluated with.
//!
//! Values that do not depend on the input are computed beforehand: [`Unet::prompt`] once a prompt, [`Unet::step`] once a step.
//!
//! A [`ControlNet`] is the first half of a UNet once more (`trunk`); what it gives is added to what is kept on the way down.
//!
//! SDXL's UNet adds pooled text and sizes to the step's embedding. Its first resnet reads them, so two prompts share no part of
//! the walk, and a step is computed for the calls of one batch.

mod areas;
mod config;
mod control;
mod trunk;
mod walk;

pub use areas::AreaMasks;
pub use config::{AddedConditioning, Config, Level, Transformer};
pub use control::{ControlConfig, ControlNet, Residuals};

use super::blocks::{Keys, Resnet};
use super::chain::image_shape;
use super::{Error, Loader, Result, Sizes, Weights};
use crate::backend::{Backend, ConvOptions};
use areas::AreaWeights;
use trunk::Trunk;
use walk::{Block, Layer, Walk, spread};

/// A prompt as the cross-attentions of a UNet read it.
pub struct Prompt<B: Backend> {
    /// Keys and values for each cross-attention, in the order of the walk.
    keys: Vec<Keys<B>>,
}

/// A timestep as the resnets of a UNet read it, and with it the guidance and the added conditioning of a batch.
pub struct Step<B: Backend> {
    /// The vector that each resnet adds, in the order of the walk: `[1, channels]`, or `[calls, channels]` where calls differ.
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

/// The denoising network.
pub struct Unet<B: Backend> {
    trunk: Trunk<B>,
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
        let (trunk, mut kept) = Trunk::load(config, &load)?;
        let config = &trunk.config;
        let options = Trunk::<B>::resnets_of(config);
        let last = config.up.len().saturating_sub(1);
        let mut inputs = config.mid.channels;
        let mut up = Vec::new();
        for (index, level) in config.up.iter().enumerate() {
            let load = load.at("up_blocks").at(index);
            let mut layers = Vec::new();
            for number in 0..level.layers {
                let Some(skip) = kept.pop() else {
                    return Err(Error::Input("a UNet with more layers on the way up than down".to_owned()));
                };
                layers.push(Layer::load(&load, number, inputs + skip, level, options)?);
                inputs = level.channels;
            }
            let resample = if index == last {
                None
            } else {
                Some(load.conv("upsamplers.0.conv", inputs, inputs, 3, ConvOptions::same(3))?)
            };
            up.push(Block { layers, resample });
        }

        let same_out = ConvOptions::same(config.conv_out_kernel);
        Ok(Self {
            up,
            norm_out: load.norm("conv_norm_out", inputs)?,
            conv_out: load.conv("conv_out", inputs, config.out_channels, config.conv_out_kernel, same_out)?,
            trunk,
        })
    }

    /// The options it was built with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.trunk.config
    }

    /// A prompt of text embedding `[1, tokens, cross_attention_dim]`, for any number of calls.
    ///
    /// # Errors
    /// If the embedding is of another width or the device fails.
    pub fn prompt(&self, b: &B, embedding: &B::Tensor) -> Result<Prompt<B>> {
        trunk::prompt(self.layers(), b, embedding)
    }

    /// Bytes that a [`Prompt`] of so many tokens takes on the device.
    #[must_use]
    pub fn prompt_bytes(&self, b: &B, tokens: usize) -> usize {
        tokens * (self.trunk.prompt_width() + trunk::prompt_width(&self.trunk.config.up)) * b.value_bytes()
    }

    /// A timestep (in training steps), for any number of calls. Where the config asks for added conditioning, `added` has one for
    /// each call of the batch, and the step is for this batch only; otherwise it is not read.
    ///
    /// # Errors
    /// If the added conditioning is missing or of another width, or the device fails.
    pub fn step(&self, b: &B, timestep: f32, added: &[Added]) -> Result<Step<B>> {
        self.step_guided(b, timestep, &[], added)
    }

    /// As [`Self::step`] with guidance scales, where the UNet takes them: one for all calls, or one for each of a batch, which the step
    /// is for then. Without any, the UNet is told nothing of guidance.
    ///
    /// # Errors
    /// As [`Self::step`]; also where scales and added conditioning are of different numbers of calls.
    pub fn step_guided(&self, b: &B, timestep: f32, guidance: &[f32], added: &[Added]) -> Result<Step<B>> {
        trunk::step(self.resnets(), b, &self.trunk.time(b, timestep, guidance, added)?)
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
        self.walk(b, inputs, step, rows, prompts, None, None)
    }

    /// As [`Self::forward`], with the residuals of ControlNets for these calls.
    ///
    /// # Errors
    /// As [`Self::forward`]; also where the residuals do not fit.
    pub fn forward_controlled(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        residuals: &Residuals<B>,
    ) -> Result<B::Tensor> {
        self.walk(b, inputs, step, rows, prompts, None, Some(residuals))
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
        self.walk(b, inputs, step, rows, prompts, Some(masks), None)
    }

    #[expect(clippy::too_many_arguments, reason = "the one walk of all forms of a call")]
    fn walk(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        masks: Option<&AreaMasks>,
        residuals: Option<&Residuals<B>>,
    ) -> Result<B::Tensor> {
        let wanted = masks.map_or(rows.len(), |masks| masks.masks.len());
        let walk = &mut Walk::new(b, inputs, step, (rows, prompts, wanted), masks.map(AreaWeights::new))?;
        let (mut kept, mut x) = self.trunk.walk(walk, inputs, None)?;
        // What ControlNets give is of single calls, so what is kept is spread to them first.
        let mut controls = match residuals {
            Some(residuals) if residuals.down.len() != kept.len() => return Err(unbalanced()),
            Some(residuals) => {
                x = b.add(&walk.spread(&x)?, &residuals.middle)?;
                Some(residuals.down.iter().rev())
            }
            None => None,
        };

        for block in &self.up {
            for layer in &block.layers {
                let (skip, shared_rows) = kept.pop().ok_or_else(unbalanced)?;
                let mut skip = spread(b, &skip, shared_rows)?;
                if let Some(residual) = controls.as_mut().and_then(Iterator::next) {
                    skip = b.add(&skip, residual)?;
                }
                x = layer.forward(walk, &b.concat(&[&x, &skip], 1)?)?;
            }
            if let Some(conv) = &block.resample {
                // To the size of the next level, which is odd where the way down rounded up.
                let [_, _, height, width] = image_shape(b, &kept.last().ok_or_else(unbalanced)?.0)?;
                x = b.upsample_conv2d(&x, height, width, conv)?;
            }
        }

        let Config { norm_num_groups, norm_eps, .. } = self.trunk.config;
        x = b.group_norm(&x, &self.norm_out, norm_num_groups, norm_eps, true)?;
        Ok(b.conv2d(&x, &self.conv_out)?)
    }

    /// All layers but the middle's second resnet, in the order of the walk.
    fn layers(&self) -> impl Iterator<Item = &Layer<B>> {
        self.trunk.layers().chain(self.up.iter().flat_map(|block| &block.layers))
    }

    /// All resnets, in the order of the walk.
    fn resnets(&self) -> impl Iterator<Item = &Resnet<B>> {
        let up = self.up.iter().flat_map(|block| &block.layers);
        self.trunk.resnets().chain(up.map(|layer| &layer.resnet))
    }
}

fn unbalanced() -> Error {
    Error::Input("a UNet with more layers on the way up than down".to_owned())
}
