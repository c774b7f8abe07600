//! A checkpoint on a device.
//!
//! Where the device has not the memory for all parts at once, those that are idle are released, and made again from their files
//! when they are needed.

use super::control::{self, Control};
use super::inversions::{Inversions, LeftOut, Placed};
use super::loaded::{ChunkIds, Loaded, Networks};
use super::lora::{Applied, InPart, Patches};
use super::preview::PreviewDecoder;
use super::prompt::Reading;
use super::{Checkpoint, Error, LoraFile, PartName, Result, Tokenizer, Tokens};
use crate::backend::Backend;
use crate::diffusion::{AreaCall, Call, Features, Moments, Network, NetworkError, Planes, PromptId};
use crate::networks::{self, Conditioning, Error as NetworksError};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// The networks of a checkpoint on a device, of whatever backend.
pub struct Model {
    /// The files, from which parts are made again when LoRAs change, and when memory was short.
    checkpoint: Checkpoint,
    /// The changes that LoRAs make to each part. A part that was lost by a failure has no entry.
    merged: BTreeMap<PartName, Patches>,
    /// The LoRAs of each set that prompts can have beside those.
    sets: Vec<BTreeMap<PartName, Applied>>,
    /// Set where a part was released for lack of memory.
    short: bool,
    /// Bytes of the weights for which there was no memory last.
    refused: u64,
    tokenizer: Tokenizer,
    /// The second text encoder's.
    tokenizer_2: Option<Tokenizer>,
    networks: Box<dyn Networks>,
    /// By their words, their reading and the set of LoRAs, counted from 1; 0 for none.
    prompts: HashMap<(String, Reading, usize), PromptId>,
    /// What words can call by name.
    inversions: Inversions,
    /// Encoded pictures of one colour: bootstrapping asks for the same ones in every run of a seed.
    solids: HashMap<Solid, Moments>,
    /// The controls of the drawing.
    controls: Vec<Control>,
}

/// What a lack of memory has led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shortage {
    /// Something was done in smaller pieces, or with parts of the model loaded again.
    pub in_pieces: bool,
    /// Bytes that would have been held at least, and those that may be, when there was last no memory.
    pub refused: Option<[u64; 2]>,
}

/// Bits of the colour, height and width of a picture of one colour.
type Solid = (Vec<u32>, usize, usize);

/// The most encoded colours that are kept.
const SOLIDS: usize = 256;

/// The key of a picture of one colour; `None` for any other picture.
fn solid(pictures: &Planes) -> Option<Solid> {
    let plane = pictures.plane_len();
    let colour = |plane: &[f32]| {
        let first = plane.first()?.to_bits();
        plane.iter().all(|v| v.to_bits() == first).then_some(first)
    };
    if pictures.count != 1 || plane == 0 {
        return None;
    }
    let colours = pictures.data.chunks_exact(plane).map(colour).collect::<Option<Vec<u32>>>()?;
    Some((colours, pictures.height, pictures.width))
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("device", &self.device())
            .field("prompts", &self.prompts.len())
            .field("solids", &self.solids.len())
            .finish_non_exhaustive()
    }
}

impl Model {
    pub(super) fn load(
        checkpoint: &Checkpoint,
        backend: impl Backend,
        loras: &[(Arc<LoraFile>, f32)],
    ) -> Result<(Self, Vec<InPart>)> {
        let (patches, in_part) = checkpoint.patches(loras)?;
        let mut inversions = checkpoint.inversions();
        inversions.look(&checkpoint.given, &[]);
        inversions.bring(loras);
        let mut model = Self {
            inversions,
            networks: Box::new(Loaded::new(checkpoint, backend)),
            tokenizer: checkpoint.tokenizer()?,
            tokenizer_2: checkpoint.text_encoder_2.as_ref().map(|part| checkpoint.tokenizer_of(part)).transpose()?,
            checkpoint: checkpoint.clone(),
            merged: patches,
            sets: Vec::new(),
            short: false,
            refused: 0,
            prompts: HashMap::new(),
            solids: HashMap::new(),
            controls: Vec::new(),
        };
        for part in model.checkpoint.parts().map(|(part, _)| part).collect::<Vec<_>>() {
            match model.make(part) {
                // It is made when it is needed, once others have been released.
                Err(error) if error.out_of_memory().is_some() => log::warn!("{error}; {part} is loaded later"),
                other => other?,
            }
        }
        Ok((model, in_part))
    }

    /// A model of the checkpoint's options with random weights, for measurements.
    pub(super) fn random(checkpoint: &Checkpoint, backend: impl Backend) -> Result<Self> {
        Ok(Self {
            networks: Box::new(Loaded::random(checkpoint, backend)?),
            inversions: Inversions::default(),
            tokenizer: checkpoint.tokenizer()?,
            tokenizer_2: None,
            checkpoint: checkpoint.clone(),
            merged: BTreeMap::new(),
            sets: Vec::new(),
            short: false,
            refused: 0,
            prompts: HashMap::new(),
            solids: HashMap::new(),
            controls: Vec::new(),
        })
    }

    /// Puts a part on the device.
    fn make(&mut self, part: PartName) -> networks::Result<()> {
        let Some(patches) = self.merged.get(&part) else {
            return Err(NetworksError::Input(format!("{part} could not be loaded")));
        };
        let made = self.networks.reload(part, &self.checkpoint, patches);
        if made.as_ref().is_err_and(|error| error.out_of_memory().is_some()) {
            let file = self.checkpoint.parts().find(|(name, _)| *name == part);
            self.refused = file.map_or(0, |(_, file)| file.len() as u64);
        }
        made
    }

    /// Runs what needs these parts. Where there is no memory for it, parts that are idle meanwhile are released, one by one.
    fn with_parts<T>(
        &mut self,
        needed: impl Fn(PartName) -> bool,
        run: impl Fn(&mut dyn Networks) -> networks::Result<T>,
    ) -> networks::Result<T> {
        let parts: Vec<PartName> = self.checkpoint.parts().map(|(part, _)| part).collect();
        loop {
            let absent = |part: &&PartName| needed(**part) && !self.networks.has(**part);
            let outcome = match parts.iter().find(absent) {
                Some(&part) => match self.make(part) {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                },
                None => run(&mut *self.networks),
            };
            // (Text encoders are needed least often, so they are released first.)
            let idle = |part: &&PartName| !needed(**part) && self.networks.has(**part);
            match (outcome, parts.iter().rev().find(idle)) {
                (Err(error), Some(&part)) if error.out_of_memory().is_some() => {
                    log::warn!("{error}; {part} is released meanwhile");
                    self.networks.release(part);
                    self.short = true;
                }
                (outcome, _) => return outcome,
            }
        }
    }

    /// What a lack of memory has led to since this was last asked.
    pub fn shortage(&mut self) -> Shortage {
        let in_pieces = self.networks.was_short() || self.short;
        let weights = std::mem::take(&mut self.refused);
        self.short = false;
        let refused = self.networks.refused().map(|[wanted, allowed]| [wanted.max(weights), allowed]);
        Shortage { in_pieces, refused }
    }

    /// Computes in f32 from now on, where tensors were kept in f16. All [`PromptId`]s become void then, and there are no sets of
    /// LoRAs. False where it has computed in f32 all the time.
    pub fn in_f32(&mut self) -> bool {
        let changed = self.networks.in_f32();
        if changed {
            self.prompts.clear();
            self.sets.clear();
            self.solids.clear();
        }
        changed
    }

    /// Replaces the LoRAs by these, each at its weight. Layers that the old or the new ones change are packed again from the
    /// checkpoint's own weights, so that the result equals a fresh load. Where a text encoder's are among them, or textual inversions
    /// that they bring along, all [`PromptId`]s become void. Returns a warning for each LoRA that fits in part.
    ///
    /// # Errors
    /// If a LoRA is for another family: nothing has changed then. Also where one is not finite or the device fails: then
    /// another call must succeed before anything is drawn.
    pub fn set_loras(&mut self, loras: &[(Arc<LoraFile>, f32)]) -> Result<Vec<InPart>> {
        let (patches, warnings) = self.checkpoint.patches(loras)?;
        if self.inversions.bring(loras) {
            self.forget_prompts();
        }
        for (part, patches) in patches {
            let known = self.merged.get(&part);
            if known.is_some_and(|known| known.applied == patches.applied) {
                continue;
            }
            let known = known.cloned();
            // Sets of LoRAs may hold layers that the old ones were merged into.
            let had_sets = !self.sets.is_empty();
            self.keep_sets(&[]);
            if had_sets || part.is_text_encoder() {
                self.forget_prompts();
            }
            let changed = match known {
                Some(old) if self.networks.has(part) => self.change(part, &old, &patches),
                _ => {
                    self.merged.insert(part, patches.clone());
                    self.with_parts(|other| other == part, |_| Ok(()))
                }
            };
            if let Err(error) = changed {
                // It may have been changed in part.
                self.networks.release(part);
                self.merged.remove(&part);
                return Err(error.into());
            }
            self.merged.insert(part, patches);
        }
        Ok(warnings)
    }

    /// Replaces the sets of LoRAs that [`Model::prompt_with`] takes by these, each LoRA at its weight. They stand beside the
    /// weights, as low-rank products where they are such, so that calls with different sets draw on one model. A set of the same
    /// LoRAs and weights as before is kept; where another changes, all [`PromptId`]s become void. Returns a warning for each LoRA
    /// that fits in part.
    ///
    /// # Errors
    /// As [`Model::set_loras`]; there are no sets then.
    pub fn set_adapters(&mut self, sets: &[Vec<(Arc<LoraFile>, f32)>]) -> Result<Vec<InPart>> {
        let mut warnings = Vec::new();
        let mut wanted = Vec::new();
        for loras in sets {
            let (patches, in_part) = self.checkpoint.patches(loras)?;
            warnings.extend(in_part);
            let applied: BTreeMap<PartName, Applied> =
                patches.iter().map(|(&part, patches)| (part, patches.applied.clone())).collect();
            wanted.push((patches, applied));
        }
        if self.inversions.bring_sets(sets) {
            self.forget_prompts();
        }
        if wanted.iter().map(|(_, applied)| applied).eq(&self.sets) {
            return Ok(warnings);
        }
        self.forget_prompts();
        // What stays is found first, so that the rest is freed before anything is packed.
        let mut kept = Vec::new();
        for (_, applied) in &wanted {
            let known = self.sets.iter().enumerate().find(|(old, set)| *set == applied && !kept.contains(old));
            kept.extend(known.map(|(old, _)| old));
        }
        self.keep_sets(&kept);
        let mut order: Vec<usize> = Vec::new();
        for (patches, applied) in wanted {
            let known = self.sets.iter().enumerate().find(|(at, set)| **set == applied && !order.contains(at));
            let known = known.map(|(at, _)| at);
            if known.is_none() {
                let set = self.sets.len();
                self.sets.push(applied);
                if let Err(error) = self.add_set(set, &patches) {
                    self.keep_sets(&[]);
                    return Err(error.into());
                }
            }
            order.push(known.unwrap_or(self.sets.len() - 1));
        }
        self.keep_sets(&order);
        Ok(warnings)
    }

    /// Packs a set of adapters.
    fn add_set(&mut self, set: usize, patches: &BTreeMap<PartName, Patches>) -> networks::Result<()> {
        let checkpoint = self.checkpoint.clone();
        for (part, tensors) in checkpoint.parts() {
            let (Some(own), Some(merged)) = (patches.get(&part), self.merged.get(&part).cloned()) else { continue };
            if !own.is_empty() {
                self.with_parts(|other| other == part, |n| n.add_adapters(set, (part, tensors), &merged, own))?;
            }
        }
        Ok(())
    }

    /// Draws with these ControlNets and their pictures from now on, in place of those before: [`ControlSet`]s count in this list. Those
    /// that stay keep their weights on the device.
    ///
    /// [`ControlSet`]: crate::diffusion::ControlSet
    ///
    /// # Errors
    /// If one is for another family, or a tensor is missing, or the device fails; there are none then.
    pub fn set_controls(&mut self, controls: Vec<Control>) -> Result<()> {
        if control::same(&self.controls, &controls) {
            return Ok(());
        }
        self.controls.clear();
        control::check(&controls, &self.checkpoint)?;
        let set = self.with_parts(|part| part == PartName::Unet, |n| n.set_controls(controls.clone()));
        match set {
            Ok(()) => self.controls = controls,
            Err(error) => {
                self.networks.set_controls(Vec::new())?;
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Decodes previews by this small decoder from now on; `None` for none.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape, its latents are not the checkpoint's, or the device fails; there is none then.
    pub fn set_preview_decoder(&mut self, decoder: Option<&PreviewDecoder>) -> Result<()> {
        let (channels, scale) = (self.checkpoint.vae.config.latent_channels, self.checkpoint.latent_scale());
        let set = self.networks.set_preview_decoder(decoder)?;
        if let Some((own, factor)) = set.filter(|set| *set != (channels, scale)) {
            self.networks.set_preview_decoder(None)?;
            let message = format!(
                "a decoder of {own} planes at {factor} pixels each for a checkpoint with latents of {channels} at {scale}"
            );
            return Err(NetworksError::Input(message).into());
        }
        Ok(())
    }

    /// Decodes a preview by the small decoder; nothing without one.
    ///
    /// # Errors
    /// If the device fails.
    pub fn preview(&mut self, latents: &Planes) -> Result<Option<Planes>> {
        Ok(self.networks.decode_preview(latents).transpose()?)
    }

    /// Changes a part that is on the device.
    fn change(&mut self, part: PartName, old: &Patches, new: &Patches) -> networks::Result<()> {
        let checkpoint = self.checkpoint.clone();
        let Some((_, tensors)) = checkpoint.parts().find(|(name, _)| *name == part) else { return Ok(()) };
        self.with_parts(|other| other == part, |n| n.change((part, tensors), old, new))
    }

    /// Keeps the sets of these numbers, in this order.
    fn keep_sets(&mut self, kept: &[usize]) {
        self.networks.keep_adapters(kept);
        self.sets = kept.iter().filter_map(|&set| self.sets.get(set).cloned()).collect();
    }

    /// Bytes that the sets of [`Model::set_adapters`] take on the device.
    #[must_use]
    pub fn adapter_bytes(&self) -> usize {
        self.networks.adapter_bytes()
    }

    /// The device in words, for the status line.
    #[must_use]
    pub fn device(&self) -> String {
        self.networks.describe()
    }

    /// The vocabulary. The second text encoder's has the same tokens and pads with another.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Encodes a prompt by this reading, or finds it among those encoded before: the states of its chunks
    /// one after the other. The empty prompt is zeros where the checkpoint asks for it (SDXL's `force_zeros_for_empty_prompt`).
    ///
    /// # Errors
    /// If the device fails.
    pub fn prompt(&mut self, words: &str, reading: Reading) -> Result<PromptId> {
        self.prompt_with(words, reading, None)
    }

    /// As [`Model::prompt`], encoded with a set of LoRAs by its number in [`Model::set_adapters`]; calls with this prompt draw with
    /// the same set. Prompts of different sets cannot be in one batch ([`Network::group`]).
    ///
    /// # Errors
    /// If the device fails.
    pub fn prompt_with(&mut self, words: &str, reading: Reading, set: Option<usize>) -> Result<PromptId> {
        let group = set.map_or(0, |set| set + 1);
        let key = (words.to_owned(), reading, group);
        if let Some(&id) = self.prompts.get(&key) {
            return Ok(id);
        }
        self.inversions.use_set(set);
        let tokenizers = || [&self.tokenizer].into_iter().chain(&self.tokenizer_2);
        let mut tokens = Vec::new();
        let mut empty = Vec::new();
        for tokenizer in tokenizers() {
            tokens.push(tokenizer.encode_with(words, reading.rule, &mut self.inversions)?);
            empty.push(tokenizer.encode("", reading.rule)?);
        }
        let mut vectors: Vec<Vec<Placed>> = Vec::new();
        for (encoder, tokens) in tokens.iter_mut().enumerate() {
            for (at, chunk) in tokens.chunks.iter_mut().enumerate() {
                let own = self.inversions.take_out(encoder, &mut chunk.ids);
                if vectors.len() <= at {
                    vectors.push(Vec::new());
                }
                vectors.iter_mut().skip(at).take(1).for_each(|chunk| chunk.push(own.clone()));
            }
        }
        let ids = |tokens: &[Tokens], chunk: usize| -> Vec<Vec<u32>> {
            tokens.iter().filter_map(|tokens| tokens.chunks.get(chunk)).map(|chunk| chunk.ids.clone()).collect()
        };
        let first = tokens.first();
        let weights = first.iter().flat_map(|tokens| &tokens.chunks).map(|chunk| &chunk.weights);
        let chunks = weights.zip(vectors).enumerate().map(|(at, (weights, vectors))| ChunkIds {
            ids: ids(&tokens, at),
            vectors,
            weights: weights.clone(),
        });
        let chunks: Vec<ChunkIds> = chunks.collect();
        let zeros = first.is_some_and(|tokens| tokens.count == 0) && self.checkpoint.zeros_for_empty;
        let empty = ids(&empty, 0);
        let encode = |n: &mut dyn Networks| n.encode_prompt(&chunks, &empty, reading, zeros, group);
        let id = PromptId(self.with_parts(PartName::is_text_encoder, encode)?);
        self.prompts.insert(key, id);
        Ok(id)
    }

    /// Looks for textual inversions at these paths (files or folders), and in folders `embeddings` near the checkpoint. Where they are
    /// others than before, all [`PromptId`]s become void.
    pub fn set_inversions(&mut self, paths: &[String]) {
        if self.inversions.look(&self.checkpoint.given, paths) {
            self.forget_prompts();
        }
    }

    /// The textual inversions that prompts named and that are left out, since this was last asked.
    pub fn left_out(&mut self) -> Vec<LeftOut> {
        self.inversions.left_out()
    }

    /// Forgets all prompts and frees their memory. All [`PromptId`]s become void.
    pub fn forget_prompts(&mut self) {
        self.prompts.clear();
        self.networks.forget_prompts();
    }

    /// The token states of `prompt` as `[tokens, width]`, row by row.
    ///
    /// # Errors
    /// If there is no such prompt.
    pub fn embedding(&self, prompt: PromptId) -> Result<Vec<f32>> {
        Ok(self.conditioning(prompt)?.tokens.clone())
    }

    /// The conditioning that `prompt` was encoded to.
    ///
    /// # Errors
    /// If there is no such prompt.
    pub fn conditioning(&self, prompt: PromptId) -> Result<&Conditioning> {
        Ok(self.networks.conditioning(prompt)?)
    }
}

impl From<NetworksError> for NetworkError {
    fn from(error: NetworksError) -> Self {
        match error.out_of_memory() {
            Some(operator) => Self::OutOfMemory { operator },
            None if error.is_cancelled() => Self::Cancelled,
            None => Self::Other(Box::new(error)),
        }
    }
}

impl From<Error> for NetworkError {
    fn from(error: Error) -> Self {
        match error {
            Error::Network(error) => error.into(),
            other => Self::Other(Box::new(other)),
        }
    }
}

impl Network for Model {
    fn latent_channels(&self) -> usize {
        self.checkpoint.vae.config.latent_channels
    }

    fn preferred_batch(&self, cells: usize) -> usize {
        self.networks.preferred_batch(cells)
    }

    fn in_channels(&self) -> usize {
        self.networks.in_channels()
    }

    fn shares_inputs(&self) -> bool {
        self.checkpoint.unet.config.added.is_none()
    }

    fn takes_guidance(&self) -> bool {
        self.checkpoint.takes_guidance()
    }

    fn group(&self, prompt: PromptId) -> usize {
        self.networks.group(prompt)
    }

    fn set_features(&mut self, features: Features) {
        self.networks.set_features(features);
    }

    fn shallow_calls(&mut self) -> usize {
        self.networks.shallow_calls()
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        Ok(self.with_parts(|part| part == PartName::Unet, |n| n.predict(inputs, timestep, calls))?)
    }

    fn predict_areas(&mut self, inputs: &Planes, timestep: f32, calls: &[AreaCall]) -> Result<Planes, NetworkError> {
        Ok(self.with_parts(|part| part == PartName::Unet, |n| n.predict_areas(inputs, timestep, calls))?)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let solid = solid(pictures);
        if let Some(known) = solid.as_ref().and_then(|solid| self.solids.get(solid)) {
            return Ok(known.clone());
        }
        let moments = self.with_parts(|part| part == PartName::Vae, |n| n.encode(pictures))?;
        if let Some(solid) = solid {
            if self.solids.len() >= SOLIDS {
                self.solids.clear();
            }
            self.solids.insert(solid, moments.clone());
        }
        Ok(moments)
    }

    fn decode_preview(&mut self, latents: &Planes) -> Option<Result<Planes, NetworkError>> {
        self.preview(latents).map_err(NetworkError::from).transpose()
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        Ok(self.with_parts(|part| part == PartName::Vae, |n| n.decode(latents))?)
    }
}
