//! The networks of a checkpoint on a backend, with the backend's type hidden behind [`Networks`].

use super::control::{Control, Nets};
use super::deep::{self, DeepFeatures, OfInput};
use super::inversions::Placed;
use super::lora::Patches;
use super::parts::Part;
use super::preview::PreviewDecoder;
use super::prompt::{Reading, Rule};
use super::safetensors::TensorFile;
use super::{Checkpoint, PartName};
use crate::backend::Backend;
use crate::backend::adapted::{Adapted, Adapters};
use crate::diffusion::{AreaCall, Call, Features, Guidance, Moments, Place, Planes, PromptId};
use crate::networks::clip::{HiddenState, TextEncoder};
use crate::networks::tiny::TinyDecoder;
use crate::networks::unet::{self, Added, AreaMasks, Beside, Unet};
use crate::networks::vae::Autoencoder;
use crate::networks::{self, Conditioning, Error as NetworksError, RandomWeights, Sizes};
use std::cell::Cell;
use std::collections::BTreeMap;

/// A chunk of a prompt.
pub(super) struct ChunkIds {
    /// Its ids, one list for each text encoder.
    pub ids: Vec<Vec<u32>>,
    /// Vectors in the place of ids, by index, for each text encoder.
    pub vectors: Vec<Placed>,
    /// The weight of each token.
    pub weights: Vec<f32>,
}

impl ChunkIds {
    fn weighs(&self) -> bool {
        self.weights.iter().any(|weight| weight.to_bits() != 1.0_f32.to_bits())
    }
}

/// The networks that a [`Model`](super::Model) draws with, of any backend.
pub(super) trait Networks: Send {
    fn describe(&self) -> String;
    /// Encodes the chunks of a prompt, and weighs their tokens. `empty` are the ids of the empty prompt. With `zeros` the
    /// conditioning is zero throughout. `group` is the set of adapters that the prompt is encoded and drawn with, counted from
    /// 1; 0 for none.
    fn encode_prompt(
        &mut self,
        chunks: &[ChunkIds],
        empty: &[Vec<u32>],
        reading: Reading,
        zeros: bool,
        group: usize,
    ) -> networks::Result<usize>;
    /// The set of adapters of a prompt, as [`Networks::encode_prompt`] counts them.
    fn group(&self, prompt: PromptId) -> usize;
    /// Packs a part's changes as adapters of the set of this number, counted from 0; `merged` are those that are in the part's
    /// weights. The part is on the device.
    fn add_adapters(
        &mut self,
        set: usize,
        part: (PartName, &TensorFile),
        merged: &Patches,
        own: &Patches,
    ) -> networks::Result<()>;
    /// Keeps the sets of these numbers, counted from 0, in this order.
    fn keep_adapters(&mut self, kept: &[usize]);
    /// Bytes of all sets.
    fn adapter_bytes(&self) -> usize;
    fn forget_prompts(&mut self);
    /// True where a part is on the device.
    fn has(&self, part: PartName) -> bool;
    /// Takes a part off the device.
    fn release(&mut self, part: PartName);
    /// Goes on in f32 with nothing on the device; false where tensors are in f32 already.
    fn in_f32(&mut self) -> bool;
    /// True where something was done in smaller pieces for lack of memory since this was last asked.
    fn was_short(&mut self) -> bool;
    /// As [`Backend::refused`].
    fn refused(&self) -> Option<[u64; 2]>;
    /// Packs the layers anew that any of the patches change, from the checkpoint's own weights and those of `new`. The part is
    /// on the device.
    fn change(&mut self, part: (PartName, &TensorFile), old: &Patches, new: &Patches) -> networks::Result<()>;
    /// Makes a part anew from the checkpoint's own weights and the patches.
    fn reload(&mut self, part: PartName, checkpoint: &Checkpoint, patches: &Patches) -> networks::Result<()>;
    /// Takes over the decoder of previews, and puts it on the device; the number of planes and the factor of its latents.
    fn set_preview_decoder(&mut self, decoder: Option<&PreviewDecoder>) -> networks::Result<Option<(usize, usize)>>;
    /// Decodes a preview; `None` without a decoder.
    fn decode_preview(&self, latents: &Planes) -> Option<networks::Result<Planes>>;
    /// Takes over the controls of a drawing, and puts their networks on the device.
    fn set_controls(&mut self, controls: Vec<Control>) -> networks::Result<()>;
    fn conditioning(&self, prompt: PromptId) -> networks::Result<&Conditioning>;
    fn preferred_batch(&self, cells: usize) -> usize;
    fn in_channels(&self) -> usize;
    /// As [`Network::set_features`](crate::diffusion::Network::set_features).
    fn set_features(&mut self, features: Features);
    /// As [`Network::shallow_calls`](crate::diffusion::Network::shallow_calls).
    fn shallow_calls(&mut self) -> usize;
    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> networks::Result<Planes>;
    fn predict_areas(&mut self, inputs: &Planes, timestep: f32, calls: &[AreaCall]) -> networks::Result<Planes>;
    fn encode(&self, pictures: &Planes) -> networks::Result<Moments>;
    fn decode(&self, latents: &Planes) -> networks::Result<Planes>;
}

/// Bytes of tensors that the VAE may always take.
const SMALL_ROOM: usize = 1 << 30;
/// Bytes that it takes at most where strips need no more.
const LARGE_ROOM: usize = 4 << 30;
/// The number of times that the room is quartered where the device has less.
const SMALLER_ROOMS: u32 = 4;

/// The VAE's room in bytes for a picture that needs `whole` bytes at once: all of them where they are few, else a quarter, with
/// which strips take about one and a half times as long. Beyond [`LARGE_ROOM`] they take more time instead of more memory.
pub(super) fn room(whole: usize) -> usize {
    if whole <= SMALL_ROOM { whole } else { (whole / 4).min(LARGE_ROOM) }
}

/// The scope of ControlNets' layers, so that changes by LoRAs do not meet them: they are called as the UNet's.
const CONTROL: &str = "controlnet";

/// The scope of the small decoder's layers.
const PREVIEW: &str = "preview";

/// What a batch of calls gives: predictions, and the deep features that are to be kept.
type Answer<B> = (<B as Backend>::Tensor, Option<<B as Backend>::Tensor>);

/// Bytes of prompts that are kept as the UNet reads them. Those of one call are always kept.
const PROMPTS: usize = 256 << 20;

/// An encoded prompt.
struct Encoded<B: Backend> {
    conditioning: Conditioning,
    /// The same as the UNet reads it, made at the first call.
    prepared: Option<unet::Prompt<B>>,
    /// The set of adapters that it is encoded and drawn with, counted from 1; 0 for none.
    group: usize,
}

/// The networks on one backend.
pub(super) struct Loaded<B: Backend> {
    backend: B,
    /// The same device with tensors of a wider range, for the VAE; none where its own are wide enough.
    wide: Option<B>,
    /// A part is missing until it is made, and where it was released.
    unet: Option<Unet<B>>,
    vae: Option<Autoencoder<B>>,
    /// In the order in which their states are joined.
    text_encoders: BTreeMap<PartName, TextEncoder<B>>,
    /// The states that the UNet was trained on.
    hidden_state: HiddenState,
    in_channels: usize,
    /// Pixels of a picture per pixel of its latent, in each direction.
    factor: usize,
    /// Set where something was done in smaller pieces for lack of memory.
    short: Cell<bool>,
    /// Stands in for text encoders where weights are random.
    waves: Option<Waves>,
    /// By [`PromptId`].
    prompts: Vec<Encoded<B>>,
    /// The set of adapters in use, counted from 1; 0 for none.
    group: usize,
    /// The last timestep of each set of adapters, with one guidance scale for all calls, as their bits and as the UNet reads them; none
    /// for a UNet with added conditioning.
    steps: BTreeMap<usize, ([u32; 2], unet::Step<B>)>,
    /// ControlNets, which are on the device while the UNet is.
    controls: Nets<B>,
    /// What calls of the UNet keep for the next steps.
    deep: DeepFeatures<B>,
    /// The small decoder of previews.
    preview: Option<TinyDecoder<B>>,
}

/// Conditioning without meaning: widths of a token's state and of the pooled text.
struct Waves {
    width: usize,
    pooled: Option<usize>,
}

impl Waves {
    /// Other waves for other ids.
    fn of(&self, ids: &[u32]) -> Conditioning {
        let wave = |id: u32, count: usize| (0..count).map(move |i| (id as f32 * 0.71 + i as f32 * 0.37).sin());
        Conditioning {
            tokens: ids.iter().flat_map(|id| wave(*id, self.width)).collect(),
            width: self.width,
            pooled: self.pooled.map(|count| wave(ids.iter().sum(), count).collect()),
        }
    }
}

fn lost(part: PartName) -> NetworksError {
    NetworksError::Input(format!("{part} could not be loaded"))
}

/// The prompts of a call and how much of it each holds, by the sums of their masks: pooled text has no place, so it is mixed.
fn shares(call: &AreaCall) -> Vec<(PromptId, f32)> {
    let sums: Vec<f32> = call.areas.iter().map(|area| area.mask.iter().sum()).collect();
    let whole: f32 = sums.iter().sum();
    let share = |sum: f32| if whole > 0.0 { sum / whole } else { (sums.len() as f32).recip() };
    call.areas.iter().zip(&sums).map(|(area, &sum)| (area.prompt, share(sum))).collect()
}

/// The bits by which a step is known that is the same for all calls.
fn step_key(timestep: f32, guidance: &[f32]) -> [u32; 2] {
    [timestep.to_bits(), guidance.first().map_or(0, |scale| scale.to_bits())]
}

fn no_prompt(prompt: PromptId) -> NetworksError {
    NetworksError::Input(format!("there is no prompt {}", prompt.0))
}

impl<B: Backend> Loaded<Adapted<B>> {
    /// A device with none of the checkpoint's parts on it yet.
    pub(super) fn new(checkpoint: &Checkpoint, backend: B) -> Self {
        let backend = Adapted::new(backend);
        Self {
            wide: backend.wide(),
            backend,
            unet: None,
            vae: None,
            text_encoders: BTreeMap::new(),
            hidden_state: checkpoint.hidden_state(),
            in_channels: checkpoint.unet.config.in_channels,
            factor: checkpoint.latent_scale(),
            short: Cell::new(false),
            waves: None,
            prompts: Vec::new(),
            group: 0,
            steps: BTreeMap::new(),
            controls: Nets::default(),
            deep: DeepFeatures::default(),
            preview: None,
        }
    }

    /// Networks of the checkpoint's options with random weights, for measurements. Words become waves.
    pub(super) fn random(checkpoint: &Checkpoint, backend: B) -> networks::Result<Self> {
        let mut this = Self::new(checkpoint, backend);
        let (unet, vae) = (checkpoint.unet.config.clone(), checkpoint.vae.config.clone());
        this.waves = Some(Waves {
            width: unet.cross_attention_dim().unwrap_or(0),
            pooled: unet.added.as_ref().map(|added| added.pooled),
        });
        this.unet = Some(Unet::load(unet, &this.backend, &RandomWeights::default())?);
        this.vae = Some(Autoencoder::load(vae, this.vae_backend(), &RandomWeights::default())?);
        Ok(this)
    }

    /// Computes with the set of adapters of these prompts from now on.
    fn use_group_of(&mut self, prompts: &[PromptId]) -> networks::Result<()> {
        let group = prompts.first().map_or(0, |&prompt| self.group(prompt));
        if prompts.iter().any(|&prompt| self.group(prompt) != group) {
            return Err(NetworksError::Input("prompts with different LoRAs in one batch".to_owned()));
        }
        self.use_group(group);
        Ok(())
    }

    fn use_group(&mut self, group: usize) {
        self.group = group;
        self.backend.use_set(group.checked_sub(1));
    }

    /// Runs `run(_, inputs, calls, shallow)` for the calls that have deep features and for those that have none. Where there is no memory
    /// beside the features, they are given up and everything is computed whole.
    fn by_depth<C: OfInput>(
        &mut self,
        inputs: &Planes,
        calls: &[C],
        run: impl Fn(&mut Self, &Planes, &[C], bool) -> networks::Result<Planes>,
    ) -> networks::Result<Planes> {
        if !self.deep.keeps() {
            return run(self, inputs, calls, false);
        }
        let mut parts = Vec::new();
        for part in self.deep.part(inputs, calls) {
            match run(self, &part.inputs, &part.calls, part.shallow) {
                Ok(out) => parts.push((part, out)),
                Err(error) if error.out_of_memory().is_some() && self.deep.refuse() => {
                    log::warn!("{error}; going on without deep features");
                    self.short.set(true);
                    return run(self, inputs, calls, false);
                }
                Err(error) => return Err(error),
            }
        }
        let shallow = parts.iter().filter(|(part, _)| part.shallow).map(|(part, _)| part.calls.len()).sum();
        self.deep.took(shallow);
        deep::together(parts).ok_or_else(|| NetworksError::Input("a batch of no calls".to_owned()))
    }

    /// Calls of the UNet that are all whole or all shallow.
    fn call(&mut self, inputs: &Planes, timestep: f32, calls: &[Call], shallow: bool) -> networks::Result<Planes> {
        let prompts: Vec<PromptId> = calls.iter().map(|call| call.prompt).collect();
        self.use_group_of(&prompts)?;
        let guidance = self.guidance(calls.iter().map(|call| call.place))?;
        self.prepare(timestep, &guidance, &prompts)?;
        let added = self.added(prompts.iter().map(|&prompt| vec![(prompt, 1.0)]), inputs)?;
        let x = Self::upload(&self.backend, inputs, self.in_channels, "inputs")?;
        // (Networks that were released with the UNet are read again.)
        self.backend.enter(CONTROL);
        let latents = self.controlled(timestep, inputs, &x, calls)?;
        self.in_batches(calls, |this, rows, from| {
            let batch = from..from + rows.len();
            let prompts = this.prepared(prompts.get(batch.clone()).unwrap_or_default())?;
            let calls = calls.get(batch.clone()).unwrap_or_default();
            let (b, added) = (&this.backend, added.get(batch.clone()).unwrap_or_default());
            let guidance = guidance.get(batch).unwrap_or_default();
            let only = if shallow { Some(this.unet()?.shallow_layers()) } else { None };
            let residuals = match &latents {
                Some(latents) => this.controls.residuals(b, latents, timestep, calls, added, only)?,
                None => None,
            };
            let beside = Beside { areas: None, residuals: residuals.as_ref() };
            this.with_step(timestep, guidance, added, |step| this.run(&x, step, rows, &prompts, beside, calls, shallow))
        })
    }

    /// As [`Self::call`] of calls with several prompts.
    fn call_areas(
        &mut self,
        inputs: &Planes,
        timestep: f32,
        calls: &[AreaCall],
        shallow: bool,
    ) -> networks::Result<Planes> {
        let areas = |calls: &[AreaCall]| -> Vec<PromptId> {
            calls.iter().flat_map(|call| &call.areas).map(|area| area.prompt).collect()
        };
        self.use_group_of(&areas(calls))?;
        let guidance = self.guidance(calls.iter().map(|call| call.place))?;
        self.prepare(timestep, &guidance, &areas(calls))?;
        let added = self.added(calls.iter().map(shares), inputs)?;
        let x = Self::upload(&self.backend, inputs, self.in_channels, "inputs")?;
        self.in_batches(calls, |this, rows, from| {
            let batch = from..from + rows.len();
            let calls = calls.get(batch.clone()).unwrap_or_default();
            let counts: Vec<usize> = calls.iter().map(|call| call.areas.len()).collect();
            let masks: Vec<&[f32]> = calls.iter().flat_map(|call| &call.areas).map(|area| &*area.mask).collect();
            let masks = AreaMasks { counts: &counts, masks: &masks, height: inputs.height, width: inputs.width };
            let prompts = this.prepared(&areas(calls))?;
            let (guidance, added) =
                (guidance.get(batch.clone()).unwrap_or_default(), added.get(batch).unwrap_or_default());
            let beside = Beside { areas: Some(&masks), residuals: None };
            this.with_step(timestep, guidance, added, |step| this.run(&x, step, rows, &prompts, beside, calls, shallow))
        })
    }
}

impl<B: Backend> Loaded<B> {
    fn unet(&self) -> networks::Result<&Unet<B>> {
        self.unet.as_ref().ok_or_else(|| lost(PartName::Unet))
    }

    fn vae(&self) -> networks::Result<&Autoencoder<B>> {
        self.vae.as_ref().ok_or_else(|| lost(PartName::Vae))
    }

    /// The backend that the VAE is on.
    fn vae_backend(&self) -> &B {
        self.wide.as_ref().unwrap_or(&self.backend)
    }

    /// The states of ids, one list for each text encoder.
    fn encode_ids(
        &self,
        ids: &[Vec<u32>],
        vectors: &[Placed],
        state: HiddenState,
    ) -> networks::Result<Vec<Conditioning>> {
        if let (Some(waves), Some(ids)) = (&self.waves, ids.first()) {
            return Ok(vec![waves.of(ids)]);
        }
        if self.text_encoders.len() != ids.len() {
            return Err(lost(PartName::TextEncoder));
        }
        let encode = |(at, (encoder, ids)): (usize, (&TextEncoder<B>, &Vec<u32>))| {
            let own = vectors.get(at).map(Vec::as_slice).unwrap_or_default();
            encoder.forward_with(&self.backend, ids, own, state)
        };
        self.text_encoders.values().zip(ids).enumerate().map(encode).collect()
    }

    fn encoded(&self, prompt: PromptId) -> networks::Result<&Encoded<B>> {
        self.prompts.get(prompt.0).ok_or_else(|| no_prompt(prompt))
    }

    /// Makes everything ready that a call of the UNet reads beside its inputs.
    fn prepare(&mut self, timestep: f32, guidance: &[f32], prompts: &[PromptId]) -> networks::Result<()> {
        let Self { backend, unet, .. } = self;
        let unet = unet.as_ref().ok_or_else(|| lost(PartName::Unet))?;
        let key = step_key(timestep, guidance);
        let known = self.steps.get(&self.group).is_some_and(|(known, _)| *known == key);
        if !known && unet.config().added.is_none() {
            let shared = guidance.get(..1).unwrap_or_default();
            self.steps.insert(self.group, (key, unet.step_guided(backend, timestep, shared, &[])?));
        }
        let wanted = |id: usize| prompts.contains(&PromptId(id));
        let all = self.prompts.iter().enumerate();
        let kept = all.filter(|(id, encoded)| encoded.prepared.is_some() || wanted(*id));
        let bytes = kept.map(|(_, encoded)| unet.prompt_bytes(backend, encoded.conditioning.count()));
        if bytes.sum::<usize>() > PROMPTS {
            let others = self.prompts.iter_mut().enumerate().filter(|(id, _)| !wanted(*id));
            others.for_each(|(_, encoded)| encoded.prepared = None);
        }
        for &prompt in prompts {
            let encoded = self.prompts.get_mut(prompt.0).ok_or_else(|| no_prompt(prompt))?;
            if encoded.prepared.is_none() {
                let Conditioning { tokens, width, .. } = &encoded.conditioning;
                let tokens = backend.upload(&[1, encoded.conditioning.count(), *width], tokens)?;
                encoded.prepared = Some(unet.prompt(backend, &tokens)?);
            }
        }
        Ok(())
    }

    /// Makes everything ready that ControlNets read for these calls, and gives the latents that they see; none where none counts.
    fn controlled(
        &mut self,
        timestep: f32,
        inputs: &Planes,
        x: &B::Tensor,
        calls: &[Call],
    ) -> networks::Result<Option<B::Tensor>> {
        let Some(channels) = self.controls.channels(calls) else { return Ok(None) };
        let Self { backend, controls, prompts, .. } = self;
        let states = |id: PromptId| {
            let encoded = prompts.get(id.0).ok_or_else(|| no_prompt(id))?;
            Ok(&encoded.conditioning)
        };
        controls.prepare(backend, timestep, calls, states)?;
        if inputs.channels == channels {
            return Ok(Some(x.clone()));
        }
        // An inpainting UNet sees more planes, which ControlNets do not know.
        Self::upload(backend, &inputs.of_channels(channels), channels, "latents").map(Some)
    }

    /// Calls `run` with the timestep as the UNet reads it: the prepared one, or one for this batch where calls have added conditioning
    /// or different guidance.
    fn with_step<T>(
        &self,
        timestep: f32,
        guidance: &[f32],
        added: &[Added],
        run: impl FnOnce(&unet::Step<B>) -> networks::Result<T>,
    ) -> networks::Result<T> {
        let alike =
            guidance.windows(2).all(|pair| pair.first().map(|g| g.to_bits()) == pair.last().map(|g| g.to_bits()));
        match self.steps.get(&self.group) {
            Some((key, step)) if alike && *key == step_key(timestep, guidance) => run(step),
            _ => run(&self.unet()?.step_guided(&self.backend, timestep, guidance, added)?),
        }
    }

    /// The guidance scale of each call, by its place; empty where the UNet takes none.
    fn guidance(&self, places: impl Iterator<Item = Option<Place>>) -> networks::Result<Vec<f32>> {
        if self.unet()?.config().guidance_waves.is_none() {
            return Ok(Vec::new());
        }
        Ok(places.map(|place| place.and_then(|place| place.guidance).map_or(1.0, Guidance::scale)).collect())
    }

    /// The added conditioning of each call, given its prompts and their shares, for windows of the size of `inputs`; empty where
    /// the UNet has none.
    fn added(
        &self,
        calls: impl Iterator<Item = Vec<(PromptId, f32)>>,
        inputs: &Planes,
    ) -> networks::Result<Vec<Added>> {
        if self.unet()?.config().added.is_none() {
            return Ok(Vec::new());
        }
        // A window is told to be a whole picture: anything else would mean blurred windows or subjects that are cut off.
        let sizes = Sizes::whole(self.factor * inputs.height, self.factor * inputs.width);
        let of_call = |prompts: Vec<(PromptId, f32)>| {
            let mut pooled: Vec<f32> = Vec::new();
            for (prompt, share) in prompts {
                let text = self.encoded(prompt)?.conditioning.pooled.as_deref().unwrap_or_default();
                pooled.resize(text.len(), 0.0);
                pooled.iter_mut().zip(text).for_each(|(sum, value)| *sum += share * value);
            }
            Ok(Added { pooled, sizes })
        };
        calls.map(of_call).collect()
    }

    /// Prompts as the UNet reads them, once they are prepared.
    fn prepared(&self, prompts: &[PromptId]) -> networks::Result<Vec<&unet::Prompt<B>>> {
        prompts.iter().map(|&id| self.encoded(id)?.prepared.as_ref().ok_or_else(|| no_prompt(id))).collect()
    }

    fn upload(b: &B, planes: &Planes, channels: usize, what: &str) -> networks::Result<B::Tensor> {
        let &Planes { count, channels: found, height, width, ref data } = planes;
        if found != channels || count * height * width == 0 || data.len() != count * found * height * width {
            let message = format!(
                "{what} of {channels} planes wanted, found {count} of {found} planes of {height} × {width} ({} values)",
                data.len()
            );
            return Err(NetworksError::Input(message));
        }
        Ok(b.upload(&[count, channels, height, width], data)?)
    }

    /// Calls the UNet once: whole, with the calls' deep features where they are to be kept, or shallow.
    #[expect(clippy::too_many_arguments, reason = "a call of the UNet, and how it is computed")]
    fn run(
        &self,
        x: &B::Tensor,
        step: &unet::Step<B>,
        rows: &[usize],
        prompts: &[&unet::Prompt<B>],
        beside: Beside<B>,
        calls: &[impl OfInput],
        shallow: bool,
    ) -> networks::Result<Answer<B>> {
        let (unet, b) = (self.unet()?, &self.backend);
        if shallow {
            let deep = self.deep.of(b, calls)?;
            return Ok((unet.forward_shallow(b, x, step, rows, prompts, beside, &deep)?, None));
        }
        if self.deep.keeps() {
            let (out, deep) = unet.forward_keeping(b, x, step, rows, prompts, beside)?;
            return Ok((out, Some(deep)));
        }
        Ok((unet.forward_with(b, x, step, rows, prompts, beside)?, None))
    }

    /// Calls the UNet with `run(rows, first)` for calls `first..` on inputs `rows`: all at once, or where the device is out of
    /// memory in halves. What they give as deep features is kept.
    fn in_batches<C: OfInput>(
        &mut self,
        calls: &[C],
        run: impl Fn(&Self, &[usize], usize) -> networks::Result<Answer<B>>,
    ) -> networks::Result<Planes> {
        let rows: Vec<usize> = calls.iter().map(OfInput::input).collect();
        let mut size = rows.len().max(1);
        let mut done: Option<Planes> = None;
        while done.as_ref().map_or(0, |done| done.count) < rows.len().max(1) {
            let from = done.as_ref().map_or(0, |done| done.count);
            let batch = &rows[from..(from + size).min(rows.len())];
            let answer = run(self, batch, from).and_then(|(out, deep)| {
                let out = Self::download(&self.backend, &out)?;
                if let Some(deep) = deep {
                    self.deep.keep(&self.backend, calls.get(from..from + out.count).unwrap_or_default(), &deep)?;
                }
                Ok(out)
            });
            match answer {
                Ok(out) => {
                    self.backend.tune()?;
                    match &mut done {
                        Some(done) => {
                            done.count += out.count;
                            done.data.extend(out.data);
                        }
                        None => done = Some(out),
                    }
                }
                Err(error) if error.out_of_memory().is_some() && size > 1 => {
                    log::warn!("{error}; going on in batches of {}", size.div_ceil(2));
                    self.short.set(true);
                    size = size.div_ceil(2);
                }
                Err(error) => return Err(error),
            }
        }
        done.ok_or_else(|| NetworksError::Input("a batch of no calls".to_owned()))
    }

    /// Encodes or decodes within a room that is right for the size, or in less where the device has not that much.
    fn in_room(
        &self,
        x: &B::Tensor,
        bytes: impl Fn(&Autoencoder<B>, &B, &B::Tensor) -> networks::Result<usize>,
        run: impl Fn(&Autoencoder<B>, &B, B::Tensor, usize) -> networks::Result<B::Tensor>,
    ) -> networks::Result<B::Tensor> {
        let (vae, b) = (self.vae()?, self.vae_backend());
        let whole = bytes(vae, b, x)?;
        let mut room = room(whole).min(b.room().unwrap_or(usize::MAX));
        for _ in 0..SMALLER_ROOMS {
            match run(vae, b, x.clone(), room) {
                Err(error) if error.out_of_memory().is_some() => {
                    log::warn!("{error}; going on in smaller strips");
                    self.short.set(true);
                    room /= 4;
                }
                other => return other,
            }
        }
        run(vae, b, x.clone(), room)
    }

    fn download(b: &B, x: &B::Tensor) -> networks::Result<Planes> {
        let [count, channels, height, width] = *b.shape(x) else {
            return Err(NetworksError::Input("the network gave no image".to_owned()));
        };
        Ok(Planes { count, channels, height, width, data: b.download(x)? })
    }
}

impl<B: Backend> Networks for Loaded<Adapted<B>> {
    fn describe(&self) -> String {
        self.backend.describe()
    }

    fn encode_prompt(
        &mut self,
        chunks: &[ChunkIds],
        empty: &[Vec<u32>],
        reading: Reading,
        zeros: bool,
        group: usize,
    ) -> networks::Result<usize> {
        self.use_group(group);
        let state = self.hidden_state.skipping(reading.clip_skip);
        let empty = match reading.rule {
            Rule::Comfy if chunks.iter().any(ChunkIds::weighs) => Some(self.encode_ids(empty, &[], state)?),
            _ => None,
        };
        let mut parts = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let mut states = self.encode_ids(&chunk.ids, &chunk.vectors, state)?;
            if chunk.weighs() {
                match &empty {
                    Some(empty) => states.iter_mut().zip(empty).for_each(|(s, empty)| s.weigh(empty, &chunk.weights)),
                    None => states.iter_mut().for_each(|states| states.multiply(&chunk.weights)),
                }
            }
            parts.push(Conditioning::join(states)?);
        }
        let conditioning = Conditioning::chain(parts)?;
        let conditioning = if zeros { conditioning.zeroed() } else { conditioning };
        self.prompts.push(Encoded { conditioning, prepared: None, group });
        Ok(self.prompts.len() - 1)
    }

    fn group(&self, prompt: PromptId) -> usize {
        self.prompts.get(prompt.0).map_or(0, |encoded| encoded.group)
    }

    fn add_adapters(
        &mut self,
        set: usize,
        (part, tensors): (PartName, &TensorFile),
        merged: &Patches,
        own: &Patches,
    ) -> networks::Result<()> {
        let mut adapters = Adapters::default();
        own.pack((part.folder(), tensors, merged), &mut self.backend, &mut adapters)?;
        self.backend.add_to_set(set, adapters);
        Ok(())
    }

    fn keep_adapters(&mut self, kept: &[usize]) {
        self.use_group(0);
        self.steps.clear();
        self.backend.keep_sets(kept);
    }

    fn adapter_bytes(&self) -> usize {
        self.backend.adapter_bytes()
    }

    fn forget_prompts(&mut self) {
        self.prompts.clear();
        self.controls.forget_prompts();
    }

    fn has(&self, part: PartName) -> bool {
        match part {
            PartName::Unet => self.unet.is_some(),
            PartName::Vae => self.vae.is_some(),
            _ => self.waves.is_some() || self.text_encoders.contains_key(&part),
        }
    }

    fn release(&mut self, part: PartName) {
        match part {
            PartName::Unet => {
                self.unet = None;
                self.steps.clear();
                self.controls.release();
                self.deep.forget();
                self.prompts.iter_mut().for_each(|encoded| encoded.prepared = None);
            }
            PartName::Vae => self.vae = None,
            _ => drop(self.text_encoders.remove(&part)),
        }
    }

    fn in_f32(&mut self) -> bool {
        let Some(wider) = self.backend.wide() else { return false };
        self.prompts.clear();
        let texts: Vec<PartName> = self.text_encoders.keys().copied().collect();
        [PartName::Unet, PartName::Vae].into_iter().chain(texts).for_each(|part| self.release(part));
        (self.wide, self.backend, self.group, self.preview) = (None, wider, 0, None);
        true
    }

    fn was_short(&mut self) -> bool {
        std::mem::take(self.short.get_mut())
    }

    fn refused(&self) -> Option<[u64; 2]> {
        self.backend.refused()
    }

    fn change(
        &mut self,
        (part, tensors): (PartName, &TensorFile),
        old: &Patches,
        new: &Patches,
    ) -> networks::Result<()> {
        if part == PartName::Unet {
            self.steps.clear();
            self.prompts.iter_mut().for_each(|encoded| encoded.prepared = None);
        }
        new.repack(old, part.folder(), tensors, &self.backend)
    }

    fn reload(&mut self, part: PartName, checkpoint: &Checkpoint, patches: &Patches) -> networks::Result<()> {
        // The old one goes first: two at once may be more than the memory holds.
        self.release(part);
        self.backend.enter(part.folder());
        let b = &self.backend;
        match part {
            PartName::Unet => {
                let Part { config, .. } = &checkpoint.unet;
                self.unet = Some(Unet::load(config.clone(), b, &checkpoint.unet.merged(patches))?);
            }
            PartName::Vae => {
                let Part { config, .. } = &checkpoint.vae;
                let b = self.wide.as_ref().unwrap_or(b);
                self.vae = Some(Autoencoder::load(config.clone(), b, &checkpoint.vae.merged(patches))?);
            }
            _ => {
                for text in checkpoint.text_encoders().filter(|text| text.name == part) {
                    let encoder = TextEncoder::load(text.config.clone(), b, &text.merged(patches))?;
                    self.text_encoders.insert(part, encoder);
                }
            }
        }
        Ok(())
    }

    fn set_preview_decoder(&mut self, decoder: Option<&PreviewDecoder>) -> networks::Result<Option<(usize, usize)>> {
        self.preview = None;
        self.backend.enter(PREVIEW);
        self.preview = decoder.map(|decoder| decoder.load(&self.backend)).transpose()?;
        Ok(self.preview.as_ref().map(|preview| (preview.channels(), preview.scale())))
    }

    fn decode_preview(&self, latents: &Planes) -> Option<networks::Result<Planes>> {
        Some(self.preview.as_ref()?.decode(&self.backend, latents))
    }

    fn set_controls(&mut self, controls: Vec<Control>) -> networks::Result<()> {
        self.controls.set(controls);
        self.backend.enter(CONTROL);
        self.controls.load(&self.backend)
    }

    fn conditioning(&self, prompt: PromptId) -> networks::Result<&Conditioning> {
        Ok(&self.encoded(prompt)?.conditioning)
    }

    fn preferred_batch(&self, cells: usize) -> usize {
        self.backend.preferred_batch(cells)
    }

    fn in_channels(&self) -> usize {
        self.in_channels
    }

    fn set_features(&mut self, features: Features) {
        self.deep.set(features);
    }

    fn shallow_calls(&mut self) -> usize {
        self.deep.taken()
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> networks::Result<Planes> {
        self.by_depth(inputs, calls, |this, inputs, calls, shallow| this.call(inputs, timestep, calls, shallow))
    }

    fn predict_areas(&mut self, inputs: &Planes, timestep: f32, calls: &[AreaCall]) -> networks::Result<Planes> {
        self.by_depth(inputs, calls, |this, inputs, calls, shallow| this.call_areas(inputs, timestep, calls, shallow))
    }

    fn encode(&self, pictures: &Planes) -> networks::Result<Moments> {
        let config = self.vae()?.config();
        let scale = config.scale();
        if !pictures.height.is_multiple_of(scale) || !pictures.width.is_multiple_of(scale) {
            let (height, width) = (pictures.height, pictures.width);
            return Err(NetworksError::Input(format!(
                "a picture of {width} × {height}: sides must be multiples of {scale}"
            )));
        }
        let b = self.vae_backend();
        let x = Self::upload(b, pictures, config.in_channels, "pictures")?;
        let Planes { count, channels: both, height, width, data } =
            Self::download(b, &self.in_room(&x, Autoencoder::encode_bytes, Autoencoder::encode)?)?;
        let channels = both / 2;
        let len = channels * height * width;
        let mut mean = Vec::with_capacity(count * len);
        let mut std = Vec::with_capacity(count * len);
        for image in data.chunks_exact((2 * len).max(1)) {
            let (means, log_variances) = image.split_at(len);
            mean.extend(means.iter().map(|mean| (mean - config.shift_factor) * config.scaling_factor));
            let deviation = |log: &f32| (0.5 * log.clamp(-30.0, 20.0)).exp() * config.scaling_factor.abs();
            std.extend(log_variances.iter().map(deviation));
        }
        let planes = |data| Planes { count, channels, height, width, data };
        Ok(Moments { mean: planes(mean), std: planes(std) })
    }

    fn decode(&self, latents: &Planes) -> networks::Result<Planes> {
        let config = self.vae()?.config();
        let b = self.vae_backend();
        let x = Self::upload(b, latents, config.latent_channels, "latents")?;
        let x = b.affine(&x, config.scaling_factor.recip(), config.shift_factor)?;
        Self::download(b, &self.in_room(&x, Autoencoder::decode_bytes, Autoencoder::decode)?)
    }
}
