//! The figures of a checkpoint.

use super::safetensors::TensorFile;
use super::words::KnownWords;
use super::{Checkpoint, FewSteps, PartName, Result};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// The figures of a checkpoint that `polyptych info` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its family in words: `Stable Diffusion 1`, `Stable Diffusion 2`, `SDXL`, or `latent diffusion` for others.
    pub kind: &'static str,
    /// The layout of its files in words: `diffusers folder`, `single file, original layout`, ….
    pub layout: &'static str,
    /// The UNet's output: `epsilon`, `v_prediction` or `sample`.
    pub prediction_type: String,
    /// Whether it was trained down to no signal at all.
    pub zero_terminal_snr: bool,
    /// Whether its UNet takes a mask and the picture below it.
    pub inpainting: bool,
    /// Side of the latents that the UNet was trained on.
    pub window: usize,
    /// Pixels per latent pixel.
    pub latent_scale: usize,
    /// Planes of a latent.
    pub latent_channels: usize,
    /// Width of a text embedding.
    pub text_width: usize,
    /// The number of tokens in the vocabulary.
    pub vocabulary: usize,
    /// The most tokens of a prompt that are read, without start and end.
    pub token_limit: usize,
    /// The kind of its distillation, where it was made for few steps.
    pub few_steps: Option<FewSteps>,
    /// Whether a few-step version of it lies in its folder.
    pub has_few_steps: bool,
    /// Its networks' files.
    pub parts: Vec<PartSummary>,
    /// The words it was trained on, where it lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_words: Option<KnownWords>,
}

/// One network's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartSummary {
    /// Its folder: `unet`, `vae`, `text_encoder` or `text_encoder_2`.
    pub name: &'static str,
    /// The number of its parameters.
    pub parameters: usize,
    /// Bytes of its file.
    pub bytes: usize,
    /// The type of most of them in the file.
    pub dtype: &'static str,
}

impl Summary {
    /// Bytes of all its weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    pub(super) fn of(checkpoint: &Checkpoint) -> Result<Self> {
        let tokenizer = checkpoint.tokenizer()?;
        let part = |(name, file): (PartName, &Arc<TensorFile>)| PartSummary {
            name: name.folder(),
            parameters: file.parameters(),
            bytes: file.len(),
            dtype: file.dtype(),
        };
        let text_width = checkpoint.text_width();
        Ok(Self {
            name: checkpoint.name().to_owned(),
            kind: checkpoint.kind(),
            layout: checkpoint.store.layout(),
            zero_terminal_snr: checkpoint.scheduler.get("rescale_betas_zero_snr").and_then(Value::as_bool)
                == Some(true),
            inpainting: checkpoint.unet.config.in_channels > checkpoint.vae.config.latent_channels,
            prediction_type: match checkpoint.scheduler.get("prediction_type") {
                Some(Value::String(kind)) => kind.chars().take(40).collect(),
                _ => "epsilon".to_owned(),
            },
            window: checkpoint.window(),
            latent_scale: checkpoint.latent_scale(),
            latent_channels: checkpoint.vae.config.latent_channels,
            text_width,
            vocabulary: tokenizer.vocabulary(),
            token_limit: tokenizer.limit(),
            few_steps: checkpoint.few_steps(),
            has_few_steps: checkpoint.has_few_steps(),
            parts: checkpoint.parts().map(part).collect(),
            known_words: checkpoint.known_words()?,
        })
    }
}

impl Checkpoint {
    /// Its family in words, as [`Summary::kind`].
    pub(super) fn kind(&self) -> &'static str {
        let channels: Vec<usize> = self.unet.config.down.iter().map(|level| level.channels).collect();
        match (channels.as_slice(), self.text_width()) {
            ([320, 640, 1280, 1280], 768) => "Stable Diffusion 1",
            ([320, 640, 1280, 1280], 1024) => "Stable Diffusion 2",
            ([320, 640, 1280], 2048) => "SDXL",
            _ => "latent diffusion",
        }
    }
}
