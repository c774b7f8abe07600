//! Model files: which networks, with which weights, vocabulary and schedule.
//!
//! [`Checkpoint::open`] reads the small files and checks that they fit together; [`Checkpoint::load`] puts the networks on
//! a device. Files are hostile until parsed: each fault is one line that names the file, the fact and the remedy.

mod catalogue;
mod embedded;
mod few_steps;
mod lora;
mod model;
mod safetensors;
mod store;
mod summary;
mod tokenizer;
pub mod trial;
pub mod weighting;
mod words;

pub use crate::backend::wgpu::{Adapter, AdapterKind, adapters};
pub use crate::backend::{Device, Dtype, UnknownDevice, UnknownDtype};
pub use catalogue::{Catalogue, Entry, Kind};
pub use few_steps::{FewSteps, few_step_base, few_step_version};
pub use lora::{InPart, LoraFile, LoraSummary, Tag};
pub use model::Model;
pub use store::{EMBEDDED_FEW_STEPS, FEW_STEPS};
pub use summary::{Part, Summary};
pub use tokenizer::{Tokenizer, Tokens};
pub use words::{Completion, KnownWords, Offer, Thing, UnknownWord, Words, insert_phrase};

use crate::backend::Backend;
use crate::backend::candle::Candle;
use crate::backend::cpu::Cpu;
use crate::backend::wgpu::Wgpu;
use crate::networks::{self, clip, unet, vae};
use lora::Patches;
use safetensors::TensorFile;
use serde_json::Value;
use std::sync::Arc;
use store::Store;

/// Why a checkpoint could not be used, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is at the path.
    #[error("{file}: there is no such file or folder; {remedy}")]
    Missing {
        /// What was looked for.
        file: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The operating system would not read it.
    #[error("{file}: cannot be read ({source}); check the disk and the permissions")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The operating system would not write it.
    #[error(
        "{file}: cannot be written ({source}); nothing was changed, check the folder, its rights and the free space"
    )]
    Unwritable {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A pickle: a program, not data.
    #[error(
        "{file}: is a Python pickle, which can run code and is never read; \
         get the checkpoint as .safetensors in a diffusers folder"
    )]
    Pickle {
        /// The file.
        file: String,
    },
    /// A layout that is understood but not implemented.
    #[error("{file}: {what} not supported yet; give a Stable Diffusion 1 or 2 checkpoint as a diffusers folder")]
    Unsupported {
        /// The file.
        file: String,
        /// The layout, with its verb.
        what: String,
    },
    /// Something else altogether.
    #[error("{file}: {fact}; {remedy}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong.
        fact: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A network does not fit its files, or the device failed.
    #[error(transparent)]
    Network(#[from] networks::Error),
}

/// What reading a checkpoint returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The remedy for a file that is not what it should be.
const FETCH_AGAIN: &str = "fetch it again";

/// The name of the checkpoint inside the program.
pub const EMBEDDED: &str = "embedded";

/// An open checkpoint in the diffusers layout: configs parsed, weights mapped, nothing on a device yet.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    name: String,
    store: Store,
    unet: (unet::Config, Arc<TensorFile>),
    vae: (vae::Config, Arc<TensorFile>),
    text: (clip::Config, Arc<TensorFile>),
    scheduler: Value,
}

impl Checkpoint {
    /// Opens `"embedded"`, `"embedded/few_steps"`, or a diffusers folder.
    ///
    /// # Errors
    /// Where there is none, or its files are damaged, not supported or do not fit together.
    pub fn open(name_or_path: &str) -> Result<Self> {
        let (name, store) = Store::open(name_or_path)?;
        if !store.has("unet/config.json") {
            return Err(Error::Invalid {
                file: store.describe(""),
                fact: "is not a diffusers folder (no unet/config.json)".to_owned(),
                remedy: "give the folder that holds unet, vae, text_encoder and tokenizer",
            });
        }
        if store.has("text_encoder_2/config.json") {
            let what = "checkpoints with two text encoders (SDXL) are".to_owned();
            return Err(Error::Unsupported { file: store.describe("text_encoder_2/config.json"), what });
        }
        let weights = |folder: &str, stem: &str| TensorFile::open(&store, folder, stem).map(Arc::new);
        let unet_file = store.describe("unet/config.json");
        let text_file = store.describe("text_encoder/config.json");
        let unet = unet::Config::parse(&store.json("unet/config.json")?, &unet_file)?;
        let vae = vae::Config::parse(&store.json("vae/config.json")?, &store.describe("vae/config.json"))?;
        let text = clip::Config::parse(&store.json("text_encoder/config.json")?, &text_file)?;
        // An inpainting UNet sees the latent, the mask and the masked picture's latent (Rombach et al. 2022, section 4.5).
        let inputs = [vae.latent_channels, 2 * vae.latent_channels + 1];
        if !inputs.contains(&unet.in_channels) || unet.out_channels != vae.latent_channels {
            let what = format!(
                "a UNet from {} to {} channels over latents of {} (depth, instructions, …) is",
                unet.in_channels, unet.out_channels, vae.latent_channels
            );
            return Err(Error::Unsupported { file: unet_file, what });
        }
        if let Some(width) = unet.cross_attention_dim().filter(|&width| width != text.hidden_size) {
            return Err(Error::Invalid {
                file: unet_file,
                fact: format!(
                    "cross_attention_dim is {width}, but the text encoder's hidden_size {}",
                    text.hidden_size
                ),
                remedy: "use UNet and text encoder of one checkpoint",
            });
        }
        let scheduler = store.json("scheduler/scheduler_config.json")?;
        Ok(Self {
            unet: (unet, weights("unet", "diffusion_pytorch_model")?),
            vae: (vae, weights("vae", "diffusion_pytorch_model")?),
            text: (text, weights("text_encoder", "model")?),
            scheduler,
            name,
            store,
        })
    }

    /// What to call it: the folder's name, or `embedded`; behind it `/few_steps` where it is a few-step version.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The window: side of the latents that the UNet was trained on.
    #[must_use]
    pub fn window(&self) -> usize {
        self.unet.0.sample_size.unwrap_or(64)
    }

    /// Pixels of a picture per pixel of its latent, in each direction: 8 in all known checkpoints.
    #[must_use]
    pub fn latent_scale(&self) -> usize {
        self.vae.0.scale()
    }

    /// scheduler/scheduler_config.json as it is.
    #[must_use]
    pub fn scheduler(&self) -> &Value {
        &self.scheduler
    }

    /// The vocabulary.
    ///
    /// # Errors
    /// Where its files are missing or damaged.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        Tokenizer::open(&self.store, self.text.0.max_position_embeddings, self.text.0.vocab_size)
    }

    /// The words it was trained on (known_words.json), where it says so.
    ///
    /// # Errors
    /// Where the list is damaged.
    pub fn known_words(&self) -> Result<Option<KnownWords>> {
        let path = "known_words.json";
        if !self.store.has(path) {
            return Ok(None);
        }
        serde_json::from_value(self.store.json(path)?).map(Some).map_err(|error| Error::Invalid {
            file: self.store.describe(path),
            fact: format!("is not a list of known words ({error})"),
            remedy: FETCH_AGAIN,
        })
    }

    /// Bytes of its weights as f32, which is what they take on a device.
    #[must_use]
    pub fn memory(&self) -> usize {
        [&self.unet.1, &self.vae.1, &self.text.1].iter().map(|file| file.parameters() * size_of::<f32>()).sum()
    }

    /// What it is, for `polyptych info` and the window.
    ///
    /// # Errors
    /// Where a file that only this reads is damaged.
    pub fn summary(&self) -> Result<Summary> {
        Summary::of(self)
    }

    /// What LoRAs change of UNet and text encoder, and a warning for each that fits in part.
    ///
    /// # Errors
    /// Where one is for another family.
    fn patches(&self, loras: &[(Arc<LoraFile>, f32)]) -> Result<([Patches; 2], Vec<InPart>)> {
        Patches::fit(loras, &self.unet.1, &self.text.1, self.text.0.hidden_size)
    }

    /// Puts the networks on a device.
    ///
    /// # Errors
    /// Where a tensor is missing, of another shape or not finite, or the device fails.
    pub fn load(&self, device: Device) -> Result<Model> {
        self.load_with(device, &[])
    }

    /// Puts the networks on a device with LoRAs, each at its weight, as [`Model::set_loras`] does.
    ///
    /// # Errors
    /// As [`Checkpoint::load`] and [`Model::set_loras`].
    pub fn load_with(&self, device: Device, loras: &[(Arc<LoraFile>, f32)]) -> Result<Model> {
        match device {
            Device::Cpu => Model::load(self, Cpu::new(), loras),
            Device::Candle => Model::load(self, Candle::cpu(), loras),
            Device::Wgpu { adapter, dtype } => {
                let card = Wgpu::open(adapter, dtype).map_err(networks::Error::from)?;
                Model::load(self, card, loras)
            }
        }
    }

    /// Puts the networks on a backend that the caller has set up.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn load_on<B: Backend>(&self, backend: B) -> Result<Model> {
        Model::load(self, backend, &[])
    }
}
