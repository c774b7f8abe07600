//! The networks that a checkpoint is made of, by name.

use super::lora::{Merged, Patches};
use super::safetensors::TensorFile;
use super::store::Store;
use super::{Result, config_path, networks};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A network's name in the diffusers layout. The last two are parts of later families, which only the files of LoRAs name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartName {
    /// The denoising network.
    Unet,
    /// The autoencoder between pictures and latents.
    Vae,
    /// The text encoder, or the first of two.
    TextEncoder,
    /// SDXL's second text encoder.
    TextEncoder2,
    /// The third text encoder of Stable Diffusion 3.
    TextEncoder3,
    /// The denoising network of FLUX, Stable Diffusion 3 and others.
    Transformer,
}

impl PartName {
    /// Its folder, which is also the beginning of its layers' names in the LoRAs of diffusers and PEFT.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Unet => "unet",
            Self::Vae => "vae",
            Self::TextEncoder => "text_encoder",
            Self::TextEncoder2 => "text_encoder_2",
            Self::TextEncoder3 => "text_encoder_3",
            Self::Transformer => "transformer",
        }
    }

    /// True for text encoders, whose change voids every prompt encoded before.
    #[must_use]
    pub fn is_text_encoder(self) -> bool {
        matches!(self, Self::TextEncoder | Self::TextEncoder2 | Self::TextEncoder3)
    }

    /// The name of its weights' file, without its ending.
    fn stem(self) -> &'static str {
        if self.is_text_encoder() { "model" } else { "diffusion_pytorch_model" }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unet => "the UNet",
            Self::Vae => "the VAE",
            Self::TextEncoder => "the text encoder",
            Self::TextEncoder2 => "a second text encoder",
            Self::TextEncoder3 => "a third text encoder",
            Self::Transformer => "a transformer",
        })
    }
}

/// A network of an open checkpoint: its options, and its tensors still in their file.
#[derive(Debug, Clone)]
pub(super) struct Part<C> {
    pub(super) name: PartName,
    pub(super) config: C,
    pub(super) tensors: Arc<TensorFile>,
}

impl<C> Part<C> {
    /// Opens the files of a part; `parse` reads its config.json.
    pub(super) fn open(
        store: &Store,
        name: PartName,
        parse: impl FnOnce(&Value, &str) -> networks::Result<C>,
    ) -> Result<Self> {
        let path = config_path(name);
        let config = parse(&store.json(&path)?, &store.describe(&path))?;
        Ok(Self { name, config, tensors: Arc::new(TensorFile::open(store, name.folder(), name.stem())?) })
    }

    /// Its tensors with the patches of LoRAs.
    pub(super) fn merged<'a>(&'a self, patches: &'a Patches) -> Merged<'a> {
        Merged { base: &self.tensors, patches }
    }
}
