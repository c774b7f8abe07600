//! A checkpoint on a device.

use super::{Checkpoint, Result, Tokenizer, Tokens};
use crate::backend::candle::Candle;
use crate::backend::{Backend, Device};
use crate::diffusion::{Call, Moments, Network, NetworkError, Planes, PromptId};
use crate::networks::clip::TextEncoder;
use crate::networks::unet::Unet;
use crate::networks::vae::Autoencoder;
use crate::networks::{self, Error as NetworksError};
use std::collections::HashMap;
use std::fmt;

/// Text encoder, UNet and VAE on a device, whichever it is.
pub struct Model {
    tokenizer: Tokenizer,
    networks: Box<dyn Networks>,
    prompts: HashMap<String, PromptId>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("device", &self.device())
            .field("prompts", &self.prompts.len())
            .finish_non_exhaustive()
    }
}

impl Model {
    pub(super) fn load(checkpoint: &Checkpoint, device: Device) -> Result<Self> {
        let networks = match device {
            Device::Candle => Loaded::load(checkpoint, Candle::cpu())?,
        };
        Ok(Self { tokenizer: checkpoint.tokenizer()?, networks: Box::new(networks), prompts: HashMap::new() })
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

    /// Encodes words, or finds them among those encoded before. The embedding stays on the device.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn prompt(&mut self, words: &str) -> Result<PromptId> {
        if let Some(&id) = self.prompts.get(words) {
            return Ok(id);
        }
        let Tokens { ids, .. } = self.tokenizer.encode(words)?;
        let id = PromptId(self.networks.encode_words(&ids)?);
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
    fn in_channels(&self) -> usize {
        self.networks.in_channels()
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        Ok(self.networks.predict(inputs, timestep, calls)?)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        Ok(self.networks.encode(pictures)?)
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        Ok(self.networks.decode(latents)?)
    }
}

/// The networks with their backend's type hidden.
trait Networks: Send {
    fn describe(&self) -> String;
    fn encode_words(&mut self, ids: &[u32]) -> networks::Result<usize>;
    fn forget_words(&mut self);
    fn embedding(&self, prompt: PromptId) -> networks::Result<Vec<f32>>;
    fn in_channels(&self) -> usize;
    fn predict(&self, inputs: &Planes, timestep: f32, calls: &[Call]) -> networks::Result<Planes>;
    fn encode(&self, pictures: &Planes) -> networks::Result<Moments>;
    fn decode(&self, latents: &Planes) -> networks::Result<Planes>;
}

struct Loaded<B: Backend> {
    backend: B,
    text: TextEncoder<B>,
    unet: Unet<B>,
    vae: Autoencoder<B>,
    /// Text embeddings `[1, tokens, width]`, by [`PromptId`].
    words: Vec<B::Tensor>,
}

impl<B: Backend> Loaded<B> {
    fn load(checkpoint: &Checkpoint, backend: B) -> networks::Result<Self> {
        let Checkpoint { text, unet, vae, .. } = checkpoint;
        Ok(Self {
            text: TextEncoder::load(text.0.clone(), &backend, &text.1)?,
            unet: Unet::load(unet.0.clone(), &backend, &unet.1)?,
            vae: Autoencoder::load(vae.0.clone(), &backend, &vae.1)?,
            backend,
            words: Vec::new(),
        })
    }

    fn words(&self, prompt: PromptId) -> networks::Result<&B::Tensor> {
        self.words.get(prompt.0).ok_or_else(|| NetworksError::Input(format!("there is no prompt {}", prompt.0)))
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

    fn encode_words(&mut self, ids: &[u32]) -> networks::Result<usize> {
        self.words.push(self.text.forward(&self.backend, ids)?);
        Ok(self.words.len() - 1)
    }

    fn forget_words(&mut self) {
        self.words.clear();
    }

    fn embedding(&self, prompt: PromptId) -> networks::Result<Vec<f32>> {
        Ok(self.backend.download(self.words(prompt)?)?)
    }

    fn in_channels(&self) -> usize {
        self.unet.config().in_channels
    }

    fn predict(&self, inputs: &Planes, timestep: f32, calls: &[Call]) -> networks::Result<Planes> {
        let x = self.upload(inputs, self.in_channels(), "inputs")?;
        let rows: Vec<usize> = calls.iter().map(|call| call.input).collect();
        let words = calls.iter().map(|call| self.words(call.prompt)).collect::<networks::Result<Vec<_>>>()?;
        let words = match words.as_slice() {
            [] => return Err(NetworksError::Input("a batch of no calls".to_owned())),
            [one] => (*one).clone(),
            many => self.backend.concat(many, 0)?,
        };
        self.download(&self.unet.forward(&self.backend, &x, timestep, &rows, &words)?)
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
            self.download(&self.vae.encode(&self.backend, &x)?)?;
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
        self.download(&self.vae.decode(&self.backend, &x)?)
    }
}
