//! A checkpoint on a device.

use super::lora::{Applied, InPart, Merged, Patches};
use super::{Checkpoint, LoraFile, Result, Tokenizer, Tokens};
use crate::backend::Backend;
use crate::diffusion::{AreaCall, Call, Moments, Network, NetworkError, Planes, PromptId};
use crate::networks::clip::TextEncoder;
use crate::networks::unet::{AreaMasks, Unet};
use crate::networks::vae::Autoencoder;
use crate::networks::{self, Error as NetworksError};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Text encoder, UNet and VAE on a device, whichever it is.
pub struct Model {
    /// What it is made of, for other LoRAs.
    checkpoint: Checkpoint,
    /// The LoRAs on UNet and text encoder; none where a network was lost by a failure.
    applied: [Option<Applied>; 2],
    tokenizer: Tokenizer,
    networks: Box<dyn Networks>,
    prompts: HashMap<String, PromptId>,
    /// What pictures of one colour are encoded to: bootstrapping asks for the same ones in every run of a seed.
    solids: HashMap<Solid, Moments>,
}

/// Bits of the colour, height and width of a picture of one colour.
type Solid = (Vec<u32>, usize, usize);

/// So many are remembered.
const SOLIDS: usize = 256;

/// What makes a picture of one colour the same as another.
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
        let ([unet, text], in_part) = checkpoint.patches(loras)?;
        let model = Self {
            networks: Box::new(Loaded::load(checkpoint, backend, &unet, &text)?),
            tokenizer: checkpoint.tokenizer()?,
            checkpoint: checkpoint.clone(),
            applied: [Some(unet.applied), Some(text.applied)],
            prompts: HashMap::new(),
            solids: HashMap::new(),
        };
        Ok((model, in_part))
    }

    /// Draws with these LoRAs from now on, each at its weight, in place of those before: networks that other LoRAs or weights
    /// change are made again from the checkpoint's own weights, so that it is the same as loading it with them. Where the text
    /// encoder is, prompts given out before are void. Returns a warning for each LoRA that fits in part.
    ///
    /// # Errors
    /// Where a LoRA is for another family or not finite, or the device fails. After the first nothing has changed; after the
    /// others this must succeed before anything is drawn.
    pub fn set_loras(&mut self, loras: &[(Arc<LoraFile>, f32)]) -> Result<Vec<InPart>> {
        let ([unet, text], warnings) = self.checkpoint.patches(loras)?;
        if self.applied[0].as_ref() != Some(&unet.applied) {
            self.applied[0] = None;
            self.networks.reload_unet(&self.checkpoint, &unet)?;
            self.applied[0] = Some(unet.applied);
        }
        if self.applied[1].as_ref() != Some(&text.applied) {
            self.applied[1] = None;
            self.forget_prompts();
            self.networks.reload_text(&self.checkpoint, &text)?;
            self.applied[1] = Some(text.applied);
        }
        Ok(warnings)
    }

    /// The device in words, for the status line.
    #[must_use]
    pub fn device(&self) -> String {
        self.networks.describe()
    }

    /// The vocabulary.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Encodes words, or finds them among those encoded before. The embedding stays on the device. Where words are
    /// [weighted](super::weighting), their embedding is moved away from the empty prompt's, or towards it:
    /// e = e₀ + w · (e − e₀), as ComfyUI does.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn prompt(&mut self, words: &str) -> Result<PromptId> {
        if let Some(&id) = self.prompts.get(words) {
            return Ok(id);
        }
        let Tokens { ids, weights, .. } = self.tokenizer.encode(words)?;
        let weighted = weights.iter().any(|weight| weight.to_bits() != 1.0_f32.to_bits());
        let empty = if weighted { Some(self.tokenizer.encode("")?.ids) } else { None };
        let id = PromptId(self.networks.encode_words(&ids, empty.as_deref().map(|empty| (empty, &*weights)))?);
        self.prompts.insert(words.to_owned(), id);
        Ok(id)
    }

    /// Forgets all words, and frees their embeddings. Ids given out before are void.
    pub fn forget_prompts(&mut self) {
        self.prompts.clear();
        self.networks.forget_words();
    }

    /// The text embedding of `prompt` as `[tokens, width]`, row by row.
    ///
    /// # Errors
    /// Where there is no such prompt, or the device fails.
    pub fn embedding(&self, prompt: PromptId) -> Result<Vec<f32>> {
        Ok(self.networks.embedding(prompt)?)
    }
}

impl Network for Model {
    fn latent_channels(&self) -> usize {
        self.checkpoint.vae.0.latent_channels
    }

    fn in_channels(&self) -> usize {
        self.networks.in_channels()
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

/// The networks with their backend's type hidden.
trait Networks: Send {
    fn describe(&self) -> String;
    /// With a weight for each id, embeddings are moved away from those of the other ids, the empty prompt's.
    fn encode_words(&mut self, ids: &[u32], weighting: Option<(&[u32], &[f32])>) -> networks::Result<usize>;
    fn forget_words(&mut self);
    fn reload_unet(&mut self, checkpoint: &Checkpoint, patches: &Patches) -> networks::Result<()>;
    fn reload_text(&mut self, checkpoint: &Checkpoint, patches: &Patches) -> networks::Result<()>;
    fn embedding(&self, prompt: PromptId) -> networks::Result<Vec<f32>>;
    fn in_channels(&self) -> usize;
    fn predict(&self, inputs: &Planes, timestep: f32, calls: &[Call]) -> networks::Result<Planes>;
    fn predict_areas(&self, inputs: &Planes, timestep: f32, calls: &[AreaCall]) -> networks::Result<Planes>;
    fn encode(&self, pictures: &Planes) -> networks::Result<Moments>;
    fn decode(&self, latents: &Planes) -> networks::Result<Planes>;
}

/// Bytes that the VAE may always take.
const SMALL_ROOM: usize = 1 << 30;
/// Bytes that it takes at most, if it can do with so little.
const LARGE_ROOM: usize = 4 << 30;
/// How often a quarter of the room is tried where the device has not as much.
const SMALLER_ROOMS: u32 = 4;

/// The bytes that the VAE gets for a picture of which the `whole` would take so many: all where that is little, else a
/// quarter, with which strips are computed about one and a half times; beyond [`LARGE_ROOM`] they take more time instead of
/// more memory.
fn room(whole: usize) -> usize {
    if whole <= SMALL_ROOM { whole } else { (whole / 4).min(LARGE_ROOM) }
}

struct Loaded<B: Backend> {
    backend: B,
    /// This and the UNet are none while they are made again, and after that has failed.
    text: Option<TextEncoder<B>>,
    unet: Option<Unet<B>>,
    in_channels: usize,
    vae: Autoencoder<B>,
    /// Text embeddings `[1, tokens, width]`, by [`PromptId`].
    words: Vec<B::Tensor>,
}

impl<B: Backend> Loaded<B> {
    fn load(checkpoint: &Checkpoint, backend: B, unet: &Patches, text: &Patches) -> networks::Result<Self> {
        let (config, file) = &checkpoint.vae;
        let vae = Autoencoder::load(config.clone(), &backend, &**file)?;
        let in_channels = checkpoint.unet.0.in_channels;
        let mut this = Self { text: None, unet: None, in_channels, vae, backend, words: Vec::new() };
        this.reload_text(checkpoint, text)?;
        this.reload_unet(checkpoint, unet)?;
        Ok(this)
    }

    fn text(&self) -> networks::Result<&TextEncoder<B>> {
        self.text.as_ref().ok_or_else(|| NetworksError::Input("the text encoder could not be loaded".to_owned()))
    }

    fn unet(&self) -> networks::Result<&Unet<B>> {
        self.unet.as_ref().ok_or_else(|| NetworksError::Input("the UNet could not be loaded".to_owned()))
    }

    fn words(&self, prompt: PromptId) -> networks::Result<&B::Tensor> {
        self.words.get(prompt.0).ok_or_else(|| NetworksError::Input(format!("there is no prompt {}", prompt.0)))
    }

    /// The embeddings of `prompts`, one row each.
    fn embeddings(&self, prompts: impl Iterator<Item = PromptId>) -> networks::Result<B::Tensor> {
        match prompts.map(|prompt| self.words(prompt)).collect::<networks::Result<Vec<_>>>()?.as_slice() {
            [] => Err(NetworksError::Input("a batch of no calls".to_owned())),
            [one] => Ok((*one).clone()),
            many => Ok(self.backend.concat(many, 0)?),
        }
    }

    fn upload(&self, planes: &Planes, channels: usize, what: &str) -> networks::Result<B::Tensor> {
        let &Planes { count, channels: found, height, width, ref data } = planes;
        if found != channels || count * height * width == 0 || data.len() != count * found * height * width {
            let message = format!(
                "{what} of {channels} planes wanted, found {count} of {found} planes of {height} × {width} ({} values)",
                data.len()
            );
            return Err(NetworksError::Input(message));
        }
        Ok(self.backend.upload(&[count, channels, height, width], data)?)
    }

    /// Calls the UNet with `run(rows, first)` for calls `first..` on inputs `rows`: all at once, or where the device is out of
    /// memory in halves.
    fn in_batches(
        &self,
        rows: &[usize],
        run: impl Fn(&[usize], usize) -> networks::Result<B::Tensor>,
    ) -> networks::Result<Planes> {
        let mut size = rows.len().max(1);
        let mut done: Option<Planes> = None;
        while done.as_ref().map_or(0, |done| done.count) < rows.len().max(1) {
            let from = done.as_ref().map_or(0, |done| done.count);
            let batch = &rows[from..(from + size).min(rows.len())];
            match run(batch, from).and_then(|out| self.download(&out)) {
                Ok(out) => match &mut done {
                    Some(done) => {
                        done.count += out.count;
                        done.data.extend(out.data);
                    }
                    None => done = Some(out),
                },
                Err(error) if error.is_out_of_memory() && size > 1 => {
                    log::warn!("{error}; going on in batches of {}", size.div_ceil(2));
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
        let whole = bytes(&self.vae, &self.backend, x)?;
        let mut room = room(whole);
        for _ in 0..SMALLER_ROOMS {
            match run(&self.vae, &self.backend, x.clone(), room) {
                Err(error) if error.is_out_of_memory() => {
                    log::warn!("{error}; going on in smaller strips");
                    room /= 4;
                }
                other => return other,
            }
        }
        run(&self.vae, &self.backend, x.clone(), room)
    }

    fn download(&self, x: &B::Tensor) -> networks::Result<Planes> {
        let &[count, channels, height, width] = self.backend.shape(x).as_slice() else {
            return Err(NetworksError::Input("the network gave no image".to_owned()));
        };
        Ok(Planes { count, channels, height, width, data: self.backend.download(x)? })
    }
}

impl<B: Backend> Networks for Loaded<B> {
    fn describe(&self) -> String {
        self.backend.describe()
    }

    fn encode_words(&mut self, ids: &[u32], weighting: Option<(&[u32], &[f32])>) -> networks::Result<usize> {
        let text = self.text()?;
        let mut words = text.forward(&self.backend, ids)?;
        if let Some((empty, weights)) = weighting {
            let empty = self.backend.download(&text.forward(&self.backend, empty)?)?;
            let mut moved = self.backend.download(&words)?;
            let width = moved.len() / weights.len().max(1);
            for (at, (value, empty)) in moved.iter_mut().zip(empty).enumerate() {
                *value = empty + weights.get(at / width.max(1)).copied().unwrap_or(1.0) * (*value - empty);
            }
            words = self.backend.upload(&self.backend.shape(&words), &moved)?;
        }
        self.words.push(words);
        Ok(self.words.len() - 1)
    }

    fn forget_words(&mut self) {
        self.words.clear();
    }

    fn reload_unet(&mut self, checkpoint: &Checkpoint, patches: &Patches) -> networks::Result<()> {
        let (config, base) = &checkpoint.unet;
        // Two at once may be more than the memory holds.
        self.unet = None;
        self.unet = Some(Unet::load(config.clone(), &self.backend, &Merged { base, patches })?);
        Ok(())
    }

    fn reload_text(&mut self, checkpoint: &Checkpoint, patches: &Patches) -> networks::Result<()> {
        let (config, base) = &checkpoint.text;
        self.text = None;
        self.text = Some(TextEncoder::load(config.clone(), &self.backend, &Merged { base, patches })?);
        Ok(())
    }

    fn embedding(&self, prompt: PromptId) -> networks::Result<Vec<f32>> {
        Ok(self.backend.download(self.words(prompt)?)?)
    }

    fn in_channels(&self) -> usize {
        self.in_channels
    }

    fn predict(&self, inputs: &Planes, timestep: f32, calls: &[Call]) -> networks::Result<Planes> {
        let x = self.upload(inputs, self.in_channels(), "inputs")?;
        let rows: Vec<usize> = calls.iter().map(|call| call.input).collect();
        self.in_batches(&rows, |rows, from| {
            let words = self.embeddings(calls[from..from + rows.len()].iter().map(|call| call.prompt))?;
            self.unet()?.forward(&self.backend, &x, timestep, rows, &words)
        })
    }

    fn predict_areas(&self, inputs: &Planes, timestep: f32, calls: &[AreaCall]) -> networks::Result<Planes> {
        let x = self.upload(inputs, self.in_channels(), "inputs")?;
        let rows: Vec<usize> = calls.iter().map(|call| call.input).collect();
        self.in_batches(&rows, |rows, from| {
            let calls = &calls[from..from + rows.len()];
            let areas = || calls.iter().flat_map(|call| &call.areas);
            let counts: Vec<usize> = calls.iter().map(|call| call.areas.len()).collect();
            let masks: Vec<&[f32]> = areas().map(|area| area.mask.as_slice()).collect();
            let masks = AreaMasks { counts: &counts, masks: &masks, height: inputs.height, width: inputs.width };
            let words = self.embeddings(areas().map(|area| area.prompt))?;
            self.unet()?.forward_areas(&self.backend, &x, timestep, rows, &words, &masks)
        })
    }

    fn encode(&self, pictures: &Planes) -> networks::Result<Moments> {
        let config = self.vae.config();
        let scale = config.scale();
        if !pictures.height.is_multiple_of(scale) || !pictures.width.is_multiple_of(scale) {
            let (height, width) = (pictures.height, pictures.width);
            return Err(NetworksError::Input(format!(
                "a picture of {width} × {height}: sides must be multiples of {scale}"
            )));
        }
        let x = self.upload(pictures, config.in_channels, "pictures")?;
        let Planes { count, channels: both, height, width, data } =
            self.download(&self.in_room(&x, Autoencoder::encode_bytes, Autoencoder::encode)?)?;
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
        let config = self.vae.config();
        let x = self.upload(latents, config.latent_channels, "latents")?;
        let x = self.backend.affine(&x, config.scaling_factor.recip(), config.shift_factor)?;
        self.download(&self.in_room(&x, Autoencoder::decode_bytes, Autoencoder::decode)?)
    }
}
