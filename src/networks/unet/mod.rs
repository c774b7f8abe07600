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
//! Deep features (DeepCache: Ma, Fang and Wang 2023, arXiv:2312.00858) change little from one step to the next.
//! [`Unet::forward_keeping`] gives those that the way up has reached before its last layers; [`Unet::forward_shallow`] takes them in
//! place of all that came before, and computes the outermost layers alone.
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

/// What the calls of a batch read beside their inputs, their step and their prompts.
pub struct Beside<'a, B: Backend> {
    /// Several prompts a call: the next `counts[i]` of the prompts belong to call `i`, and in every cross-attention their answers are
    /// averaged by their masks.
    pub areas: Option<&'a AreaMasks<'a>>,
    /// What ControlNets add for these calls.
    pub residuals: Option<&'a Residuals<B>>,
}

impl<B: Backend> Default for Beside<'_, B> {
    fn default() -> Self {
        Self { areas: None, residuals: None }
    }
}

/// The layers of the way up that a shallow call computes.
const SHALLOW_LAYERS: usize = 1;

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
        self.forward_with(b, inputs, step, rows, prompts, Beside::default())
    }

    /// As [`Self::forward`], with what the calls read `beside`.
    ///
    /// # Errors
    /// As [`Self::forward`]; also where that does not fit.
    pub fn forward_with(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        beside: Beside<B>,
    ) -> Result<B::Tensor> {
        Ok(self.whole(b, inputs, step, rows, prompts, beside, false)?.0)
    }

    /// As [`Self::forward_with`], with the calls' deep features `[calls, channels, height, width]`: those that the last
    /// [`Self::shallow_layers`] of the way up begin with.
    ///
    /// # Errors
    /// As [`Self::forward_with`].
    pub fn forward_keeping(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        beside: Beside<B>,
    ) -> Result<(B::Tensor, B::Tensor)> {
        let (out, deep) = self.whole(b, inputs, step, rows, prompts, beside, true)?;
        Ok((out, deep.ok_or_else(unbalanced)?))
    }

    /// As [`Self::forward_with`], with `deep` features of the same calls at another step in place of the layers that give them.
    ///
    /// # Errors
    /// As [`Self::forward_with`]; also where the features do not fit.
    #[expect(clippy::too_many_arguments, reason = "a call, and what it goes on from")]
    pub fn forward_shallow(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        beside: Beside<B>,
        deep: &B::Tensor,
    ) -> Result<B::Tensor> {
        let ([.., height, width], found) = (image_shape(b, inputs)?, image_shape(b, deep)?);
        if [found[0], found[2], found[3]] != [rows.len(), height, width] {
            return Err(Error::Input(format!("deep features {found:?} for {} calls do not fit", rows.len())));
        }
        let layers = self.shallow_layers();
        let walk = &mut self.begin(b, inputs, step, rows, prompts, beside.areas)?;
        let (mut kept, _) = self.trunk.walk(walk, inputs, None, Some(layers))?;
        // The features have a row a call.
        walk.shared_rows = None;
        let mut controls = residuals_of(beside.residuals, kept.len())?.into_iter().flatten();
        let (before, last) = self.way_up();
        before.iter().for_each(|(layer, _)| walk.pass_over(layer));
        let x = self.climb(walk, deep.clone(), &last, &mut kept, &mut controls)?;
        self.finish(b, &x)
    }

    /// The layers of the way up that a shallow call computes, and the results of the way down that they join. One is the least that
    /// can be, and DeepCache's default: only the first convolution of the way down is computed then.
    #[must_use]
    pub fn shallow_layers(&self) -> usize {
        SHALLOW_LAYERS
    }

    /// A batch that sets out.
    fn begin<'a>(
        &self,
        b: &'a B,
        inputs: &B::Tensor,
        step: &'a Step<B>,
        rows: &'a [usize],
        prompts: &'a [&'a Prompt<B>],
        areas: Option<&'a AreaMasks<'a>>,
    ) -> Result<Walk<'a, B>> {
        if let Some(masks) = areas {
            masks.check(image_shape(b, inputs)?, rows.len())?;
        }
        let wanted = areas.map_or(rows.len(), |masks| masks.masks.len());
        Walk::new(b, inputs, step, (rows, prompts, wanted), areas.map(AreaWeights::new))
    }

    /// The whole walk; also the deep features, where they are to be kept.
    #[expect(clippy::too_many_arguments, reason = "a call, and what becomes of it")]
    fn whole(
        &self,
        b: &B,
        inputs: &B::Tensor,
        step: &Step<B>,
        rows: &[usize],
        prompts: &[&Prompt<B>],
        beside: Beside<B>,
        keep: bool,
    ) -> Result<(B::Tensor, Option<B::Tensor>)> {
        let walk = &mut self.begin(b, inputs, step, rows, prompts, beside.areas)?;
        let (mut kept, middle) = self.trunk.walk(walk, inputs, None, None)?;
        let mut x = middle.ok_or_else(unbalanced)?;
        // What ControlNets give is of single calls, so what is kept is spread to them first.
        if let Some(residual) = beside.residuals.and_then(|residuals| residuals.middle.as_ref()) {
            x = b.add(&walk.spread(&x)?, residual)?;
        }
        let mut controls = residuals_of(beside.residuals, kept.len())?.into_iter().flatten();
        let (before, last) = self.way_up();
        let x = self.climb(walk, x, &before, &mut kept, &mut controls)?;
        let deep = keep.then(|| x.clone());
        let x = self.climb(walk, x, &last, &mut kept, &mut controls)?;
        Ok((self.finish(b, &x)?, deep))
    }

    /// The layers of the way up, each with the convolution that follows a doubling of the size after it: those that give deep features,
    /// and the last ones.
    fn way_up(&self) -> (Vec<Up<'_, B>>, Vec<Up<'_, B>>) {
        let mut before: Vec<Up<B>> = Vec::new();
        for block in &self.up {
            before.extend(block.layers.iter().map(|layer| (layer, None)));
            before.iter_mut().last().into_iter().for_each(|(_, resample)| *resample = block.resample.as_ref());
        }
        let last = before.split_off(before.len().saturating_sub(self.shallow_layers()));
        (before, last)
    }

    /// Walks up these layers, each joined with the last of what is `kept`, to which the next of `controls` is added.
    fn climb<'a>(
        &self,
        walk: &mut Walk<B>,
        mut x: B::Tensor,
        layers: &[Up<'_, B>],
        kept: &mut Vec<trunk::Kept<'_, B>>,
        controls: &mut impl Iterator<Item = &'a B::Tensor>,
    ) -> Result<B::Tensor>
    where
        B: 'a,
    {
        let b = walk.b;
        for (layer, resample) in layers {
            let (skip, shared_rows) = kept.pop().ok_or_else(unbalanced)?;
            let mut skip = spread(b, &skip, shared_rows)?;
            if let Some(residual) = controls.next() {
                skip = b.add(&skip, residual)?;
            }
            x = layer.forward(walk, &b.concat(&[&x, &skip], 1)?)?;
            if let Some(conv) = resample {
                // To the size of the next level, which is odd where the way down rounded up.
                let [_, _, height, width] = image_shape(b, &kept.last().ok_or_else(unbalanced)?.0)?;
                x = b.upsample_conv2d(&x, height, width, conv)?;
            }
        }
        Ok(x)
    }

    /// The last norm and convolution.
    fn finish(&self, b: &B, x: &B::Tensor) -> Result<B::Tensor> {
        let Config { norm_num_groups, norm_eps, .. } = self.trunk.config;
        let x = b.group_norm(x, &self.norm_out, norm_num_groups, norm_eps, true)?;
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

/// A layer of the way up, and the convolution that follows a doubling of the size after it.
type Up<'a, B> = (&'a Layer<B>, Option<&'a <B as Backend>::Conv>);

/// The residuals for `kept` results of the way down, the last one first; none where no ControlNet counts.
fn residuals_of<B: Backend>(
    residuals: Option<&Residuals<B>>,
    kept: usize,
) -> Result<Option<impl Iterator<Item = &B::Tensor>>> {
    match residuals {
        Some(residuals) if residuals.down.len() != kept => Err(unbalanced()),
        residuals => Ok(residuals.map(|residuals| residuals.down.iter().rev())),
    }
}

fn unbalanced() -> Error {
    Error::Input("a UNet with more layers on the way up than down".to_owned())
}
