//! A checkpoint on a device.
//!
//! Where the device has not the memory for all parts at once, those that are idle are released, and made again from their files
//! when they are needed.

use super::loaded::{ChunkIds, Loaded, Networks};
use super::lora::{InPart, Patches};
use super::prompt::Reading;
use super::{Checkpoint, Error, LoraFile, PartName, Result, Tokenizer, Tokens};
use crate::backend::Backend;
use crate::diffusion::{AreaCall, Call, Moments, Network, NetworkError, Planes, PromptId};
use crate::networks::{self, Conditioning, Error as NetworksError};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// The networks of a checkpoint on a device, of whatever backend.
pub struct Model {
    /// The files, from which parts are made again when LoRAs change, and when memory was short.
    checkpoint: Checkpoint,
    /// The changes that LoRAs make to each part. A part that was lost by a failure has no entry.
    patches: BTreeMap<PartName, Patches>,
    /// Set where a part was released for lack of memory.
    short: bool,
    /// Bytes of the weights for which there was no memory last.
    refused: u64,
    tokenizer: Tokenizer,
    /// The second text encoder's.
    tokenizer_2: Option<Tokenizer>,
    networks: Box<dyn Networks>,
    prompts: HashMap<(String, Reading), PromptId>,
    /// Encoded pictures of one colour: bootstrapping asks for the same ones in every run of a seed.
    solids: HashMap<Solid, Moments>,
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
        let mut model = Self {
            networks: Box::new(Loaded::new(checkpoint, backend)),
            tokenizer: checkpoint.tokenizer()?,
            tokenizer_2: checkpoint.text_encoder_2.as_ref().map(|part| checkpoint.tokenizer_of(part)).transpose()?,
            checkpoint: checkpoint.clone(),
            patches,
            short: false,
            refused: 0,
            prompts: HashMap::new(),
            solids: HashMap::new(),
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
            tokenizer: checkpoint.tokenizer()?,
            tokenizer_2: None,
            checkpoint: checkpoint.clone(),
            patches: BTreeMap::new(),
            short: false,
            refused: 0,
            prompts: HashMap::new(),
            solids: HashMap::new(),
        })
    }

    /// Puts a part on the device.
    fn make(&mut self, part: PartName) -> networks::Result<()> {
        let Some(patches) = self.patches.get(&part) else {
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

    /// Computes in f32 from now on, where tensors were kept in f16. All [`PromptId`]s become void then. False where it has
    /// computed in f32 all the time.
    pub fn in_f32(&mut self) -> bool {
        let changed = self.networks.in_f32();
        if changed {
            self.prompts.clear();
            self.solids.clear();
        }
        changed
    }

    /// Replaces the LoRAs by these, each at its weight. Parts with other LoRAs or weights than before are made again from the
    /// checkpoint's own weights, so that the result equals a fresh load. Where a text encoder is among them, all [`PromptId`]s
    /// become void. Returns a warning for each LoRA that fits in part.
    ///
    /// # Errors
    /// If a LoRA is for another family: nothing has changed then. Also where one is not finite or the device fails: then
    /// another call must succeed before anything is drawn.
    pub fn set_loras(&mut self, loras: &[(Arc<LoraFile>, f32)]) -> Result<Vec<InPart>> {
        let (patches, warnings) = self.checkpoint.patches(loras)?;
        for (part, patches) in patches {
            if self.patches.get(&part).is_some_and(|known| known.applied == patches.applied) {
                continue;
            }
            if part.is_text_encoder() {
                self.forget_prompts();
            }
            self.networks.release(part);
            self.patches.insert(part, patches);
            if let Err(error) = self.with_parts(|other| other == part, |_| Ok(())) {
                self.patches.remove(&part);
                return Err(error.into());
            }
        }
        Ok(warnings)
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
        let key = (words.to_owned(), reading);
        if let Some(&id) = self.prompts.get(&key) {
            return Ok(id);
        }
        let tokens_of = |words: &str| -> Result<Vec<Tokens>> {
            let tokenizers = [&self.tokenizer].into_iter().chain(&self.tokenizer_2);
            tokenizers.map(|tokenizer| tokenizer.encode(words, reading.rule)).collect()
        };
        let (tokens, empty) = (tokens_of(words)?, tokens_of("")?);
        let ids = |tokens: &[Tokens], chunk: usize| -> Vec<Vec<u32>> {
            tokens.iter().filter_map(|tokens| tokens.chunks.get(chunk)).map(|chunk| chunk.ids.clone()).collect()
        };
        let first = tokens.first();
        let weights = first.iter().flat_map(|tokens| &tokens.chunks).map(|chunk| &chunk.weights);
        let chunks =
            weights.enumerate().map(|(at, weights)| ChunkIds { ids: ids(&tokens, at), weights: weights.clone() });
        let chunks: Vec<ChunkIds> = chunks.collect();
        let zeros = first.is_some_and(|tokens| tokens.count == 0) && self.checkpoint.zeros_for_empty;
        let empty = ids(&empty, 0);
        let encode = |n: &mut dyn Networks| n.encode_prompt(&chunks, &empty, reading, zeros);
        let id = PromptId(self.with_parts(PartName::is_text_encoder, encode)?);
        self.prompts.insert(key, id);
        Ok(id)
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

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        Ok(self.with_parts(|part| part == PartName::Vae, |n| n.decode(latents))?)
    }
}
