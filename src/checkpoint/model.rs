//! A checkpoint on a device.

use super::loaded::{ChunkIds, Loaded, Networks};
use super::lora::{Applied, InPart};
use super::prompt::Reading;
use super::{Checkpoint, Error, LoraFile, PartName, Result, Tokenizer, Tokens};
use crate::backend::Backend;
use crate::diffusion::{AreaCall, Call, Moments, Network, NetworkError, Planes, PromptId};
use crate::networks::{Conditioning, Error as NetworksError};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// The networks of a checkpoint on a device, of whatever backend.
pub struct Model {
    /// The files, from which parts are made again when LoRAs change.
    checkpoint: Checkpoint,
    /// The LoRAs merged into each part. A part that was lost by a failure has no entry.
    applied: BTreeMap<PartName, Applied>,
    tokenizer: Tokenizer,
    /// The second text encoder's.
    tokenizer_2: Option<Tokenizer>,
    networks: Box<dyn Networks>,
    prompts: HashMap<(String, Reading), PromptId>,
    /// Encoded pictures of one colour: bootstrapping asks for the same ones in every run of a seed.
    solids: HashMap<Solid, Moments>,
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
        let model = Self {
            networks: Box::new(Loaded::load(checkpoint, backend, &patches)?),
            tokenizer: checkpoint.tokenizer()?,
            tokenizer_2: checkpoint.text_encoder_2.as_ref().map(|part| checkpoint.tokenizer_of(part)).transpose()?,
            checkpoint: checkpoint.clone(),
            applied: patches.into_iter().map(|(part, patches)| (part, patches.applied)).collect(),
            prompts: HashMap::new(),
            solids: HashMap::new(),
        };
        Ok((model, in_part))
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
            if self.applied.get(&part) == Some(&patches.applied) {
                continue;
            }
            self.applied.remove(&part);
            if part.is_text_encoder() {
                self.forget_prompts();
            }
            self.networks.reload(part, &self.checkpoint, &patches)?;
            self.applied.insert(part, patches.applied);
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
        let id = PromptId(self.networks.encode_prompt(&chunks, &ids(&empty, 0), reading, zeros)?);
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
        Ok(self.networks.predict(inputs, timestep, calls)?)
    }

    fn predict_areas(&mut self, inputs: &Planes, timestep: f32, calls: &[AreaCall]) -> Result<Planes, NetworkError> {
        Ok(self.networks.predict_areas(inputs, timestep, calls)?)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let solid = solid(pictures);
        if let Some(known) = solid.as_ref().and_then(|solid| self.solids.get(solid)) {
            return Ok(known.clone());
        }
        let moments = self.networks.encode(pictures)?;
        if let Some(solid) = solid {
            if self.solids.len() >= SOLIDS {
                self.solids.clear();
            }
            self.solids.insert(solid, moments.clone());
        }
        Ok(moments)
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        Ok(self.networks.decode(latents)?)
    }
}
