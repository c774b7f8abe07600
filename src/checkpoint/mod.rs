//! Model files: checkpoints with their networks' weights, vocabularies and noise schedule, and LoRAs.
//!
//! [`Checkpoint::open`] reads the small files and checks that they fit together; [`Checkpoint::load`] puts the networks on
//! a device. Files may be damaged or hostile: each fault is one line that names the file, the fact and the remedy.

mod catalogue;
mod clip_vocabulary;
mod control;
mod counter;
mod deep;
mod embedded;
mod few_steps;
mod fp8;
pub mod hub;
mod inversions;
mod library;
mod loaded;
mod lora;
mod model;
mod parts;
mod preview;
pub mod prompt;
mod safetensors;
mod single;
mod sniff;
mod stamp;
mod store;
mod summary;
mod tokenizer;
pub mod trial;
mod words;

pub use crate::backend::choice::{Card, Choice, Devices, Listed, PassedOver, Reason, Record};
pub use crate::backend::speed::{Speed, seconds_told};
pub use crate::backend::wgpu::{Adapter, AdapterKind, adapters};
pub use crate::backend::{Device, Dtype, Half, Interrupt, Manners, NoSuchDtype, Progress, UnknownDevice, UnknownDtype};
pub use catalogue::{Catalogue, Entry, Kind};
pub use control::{Control, ControlFile};
pub use counter::{Callable, Counter};
pub use few_steps::{FewSteps, few_step_base, few_step_version};
pub use inversions::LeftOut;
pub use library::{FETCHED, Item, Library, holds_models, look_at, preview_decoders, sha256_of};
pub use lora::{InPart, LoraFile, LoraSummary, Tag};
pub use model::{Model, Shortage};
pub use parts::PartName;
pub use preview::PreviewDecoder;
pub use single::{FileSummary, PARTS_SEPARATOR};
pub use store::{EMBEDDED_FEW_STEPS, FEW_STEPS};
pub use summary::{PartSummary, Summary};
pub use tokenizer::{Tokenizer, Tokens};
pub use words::{Completion, KnownWords, Offer, Thing, UnknownWord, Words, insert_phrase};

use crate::backend::{self, Backend, User};
use crate::networks::clip::{self, HiddenState};
use crate::networks::{self, unet, vae};
use inversions::Inversions;
use lora::Patches;
use parts::Part;
use safetensors::{Reading, TensorFile};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::Store;

/// The reason why a checkpoint or LoRA cannot be used, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing at the path.
    #[error("{file}: there is no such file or folder; {remedy}")]
    Missing {
        /// The path.
        file: String,
        /// The remedy.
        remedy: &'static str,
    },
    /// The operating system refused to read a file.
    #[error("{file}: cannot be read ({source}); check the disk and the permissions")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The operating system refused to write a file.
    #[error(
        "{file}: cannot be written ({source}); nothing was changed, check the folder, its rights and the free space"
    )]
    Unwritable {
        /// The file.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is a pickle, which is a program.
    #[error(
        "{file}: is a Python pickle, which can run code and is never read; \
         get the checkpoint as .safetensors"
    )]
    Pickle {
        /// The file.
        file: String,
    },
    /// A file of a known kind that is not implemented.
    #[error("{file}: {what} not supported yet; give a checkpoint of Stable Diffusion 1, 2 or XL")]
    Unsupported {
        /// The file.
        file: String,
        /// The kind, with its verb.
        what: String,
    },
    /// Any other fault.
    #[error("{file}: {fact}; {remedy}")]
    Invalid {
        /// The file.
        file: String,
        /// The fault.
        fact: String,
        /// The remedy.
        remedy: &'static str,
    },
    /// A network does not fit its files, or the device failed.
    #[error(transparent)]
    Network(#[from] networks::Error),
}

impl Error {
    /// True where the device was interrupted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Network(error) if error.is_cancelled())
    }

    /// True where the device could not be opened, or computed wrong in its trial: another one may serve.
    #[must_use]
    pub fn is_of_opening(&self) -> bool {
        matches!(self, Self::Network(networks::Error::Backend(error)) if error.is_of_opening())
    }
}

/// The result of reading a checkpoint or LoRA.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The remedy for a damaged file.
const FETCH_AGAIN: &str = "fetch it again";

/// The path of a part's options.
fn config_path(part: PartName) -> String {
    format!("{}/config.json", part.folder())
}

/// Whether model_index.json says that no words at all are encoded to zeros; diffusers takes that for granted with SDXL.
fn zeros_for_empty(store: &Store) -> Result<bool> {
    let index = "model_index.json";
    let says = if store.has(index) { store.json(index)?.get("force_zeros_for_empty_prompt").cloned() } else { None };
    Ok(says.and_then(|says| says.as_bool()).unwrap_or(true))
}

/// The name of the checkpoint inside the program.
pub const EMBEDDED: &str = "embedded";

/// Whether a name is that of a checkpoint inside the program.
fn is_embedded(name: &str) -> bool {
    [EMBEDDED, EMBEDDED_FEW_STEPS].contains(&name)
}

/// An open checkpoint. Its small files are read and its weights are mapped; nothing is on a device.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    name: String,
    /// The name or path that it was opened by.
    given: String,
    store: Store,
    unet: Part<unet::Config>,
    vae: Part<vae::Config>,
    text_encoder: Part<clip::Config>,
    text_encoder_2: Option<Part<clip::Config>>,
    /// Whether no words at all are encoded to zeros.
    zeros_for_empty: bool,
    scheduler: Value,
}

impl Checkpoint {
    /// Opens `"embedded"`, `"embedded/few_steps"`, a diffusers folder, a `.safetensors` file in the original layout, or several files
    /// and folders with ` + ` between them, of which the later ones have what the first one lacks.
    ///
    /// # Errors
    /// If there is no such file or folder, or files are damaged, not supported or do not fit together.
    pub fn open(name_or_path: &str) -> Result<Self> {
        let (name, store) = Store::open(name_or_path)?;
        if !store.has("unet/config.json") {
            return Err(Error::Invalid {
                file: store.describe(""),
                fact: "is not a diffusers folder (no unet/config.json)".to_owned(),
                remedy: "give the folder that holds unet, vae, text_encoder and tokenizer",
            });
        }
        let has = |part| store.has(&config_path(part));
        if has(PartName::TextEncoder2) && !has(PartName::TextEncoder) {
            let what = "a checkpoint with a second text encoder alone (the SDXL refiner) is".to_owned();
            return Err(Error::Unsupported { file: store.describe(&config_path(PartName::TextEncoder2)), what });
        }
        let unet = Part::open(&store, PartName::Unet, unet::Config::parse)?;
        let vae = Part::open(&store, PartName::Vae, vae::Config::parse)?;
        let text_encoder = Part::open(&store, PartName::TextEncoder, clip::Config::parse)?;
        let text_encoder_2 = match PartName::TextEncoder2 {
            part if has(part) => Some(Part::open(&store, part, clip::Config::parse)?),
            _ => None,
        };
        let zeros_for_empty = text_encoder_2.is_some() && zeros_for_empty(&store)?;
        let scheduler = store.json("scheduler/scheduler_config.json")?;
        let given = name_or_path.to_owned();
        let this = Self { name, given, store, unet, vae, text_encoder, text_encoder_2, zeros_for_empty, scheduler };
        this.check()?;
        Ok(this)
    }

    /// Checks that the parts fit together.
    fn check(&self) -> Result<()> {
        let (unet, latent_channels) = (&self.unet.config, self.vae.config.latent_channels);
        let file = || self.store.describe("unet/config.json");
        // An inpainting UNet sees the latent, the mask and the masked picture's latent (Rombach et al. 2022, section 4.5).
        let inputs = [latent_channels, 2 * latent_channels + 1];
        if !inputs.contains(&unet.in_channels) || unet.out_channels != latent_channels {
            let what = format!(
                "a UNet from {} to {} channels over latents of {latent_channels} (depth, instructions, …) is",
                unet.in_channels, unet.out_channels
            );
            return Err(Error::Unsupported { file: file(), what });
        }
        let text_width = self.text_width();
        if let Some(width) = unet.cross_attention_dim().filter(|&width| width != text_width) {
            return Err(Error::Invalid {
                file: file(),
                fact: format!("cross_attention_dim is {width}, but the text encoder's hidden_size {text_width}"),
                remedy: "use UNet and text encoder of one checkpoint",
            });
        }
        let pooled = self.text_encoder_2.as_ref().map(|part| part.config.projection_dim);
        match unet.added.map(|added| added.pooled) {
            wanted if wanted == pooled => Ok(()),
            Some(wanted) => Err(Error::Invalid {
                file: file(),
                fact: match pooled {
                    Some(found) => format!("wants pooled text {wanted} wide, but the second text encoder's is {found}"),
                    None => format!("wants pooled text {wanted} wide, but there is no second text encoder"),
                },
                remedy: "use UNet and text encoders of one checkpoint",
            }),
            None => {
                let what = "a UNet without pooled text beside two text encoders is".to_owned();
                Err(Error::Unsupported { file: file(), what })
            }
        }
    }

    /// The hidden states that its UNet was trained on.
    fn hidden_state(&self) -> HiddenState {
        if self.text_encoder_2.is_some() { HiddenState::PENULTIMATE } else { HiddenState::LAST }
    }

    /// Its text encoders, in the order in which their states are joined.
    fn text_encoders(&self) -> impl Iterator<Item = &Part<clip::Config>> {
        [&self.text_encoder].into_iter().chain(&self.text_encoder_2)
    }

    /// Width of a token's state: of all text encoders together.
    fn text_width(&self) -> usize {
        self.text_encoders().map(|part| part.config.hidden_size).sum()
    }

    /// The parts that the file of its UNet lacks, each with the file or folder that gives it.
    #[must_use]
    pub fn taken(&self) -> Vec<(PartName, String)> {
        match &self.store {
            Store::Assembled(files) => files.taken().to_vec(),
            _ => Vec::new(),
        }
    }

    /// No textual inversions yet.
    fn inversions(&self) -> Inversions {
        Inversions::for_widths(self.text_encoders().map(|part| part.config.hidden_size).collect())
    }

    /// Its networks' files.
    fn parts(&self) -> impl Iterator<Item = (PartName, &Arc<TensorFile>)> {
        let texts = self.text_encoders().map(|part| (part.name, &part.tensors));
        [(self.unet.name, &self.unet.tensors), (self.vae.name, &self.vae.tensors)].into_iter().chain(texts)
    }

    /// The folder's name, or `embedded`, followed by `/few_steps` for a few-step version.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The window: side of the latents that the UNet was trained on.
    #[must_use]
    pub fn window(&self) -> usize {
        self.unet.config.sample_size.unwrap_or(64)
    }

    /// Whether the UNet reads the guidance scale: it was distilled so that a prompt takes one pass, without its negative.
    #[must_use]
    pub fn takes_guidance(&self) -> bool {
        self.unet.config.guidance_waves.is_some()
    }

    /// Pixels of a picture per pixel of its latent, in each direction: 8 in all known checkpoints.
    #[must_use]
    pub fn latent_scale(&self) -> usize {
        self.vae.config.scale()
    }

    /// The content of scheduler/scheduler_config.json.
    #[must_use]
    pub fn scheduler(&self) -> &Value {
        &self.scheduler
    }

    /// The vocabulary of its text encoder, or of the first of two.
    ///
    /// # Errors
    /// If its files are missing or damaged.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        self.tokenizer_of(&self.text_encoder)
    }

    fn tokenizer_of(&self, text_encoder: &Part<clip::Config>) -> Result<Tokenizer> {
        Tokenizer::open(&self.store, text_encoder.name, &text_encoder.config)
    }

    /// The words it was trained on (known_words.json), where it lists them.
    ///
    /// # Errors
    /// If the list is damaged.
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

    /// Bytes of its weights as f32: the most that they take on a device.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.parts().map(|(_, tensors)| tensors.parameters() * size_of::<f32>()).sum()
    }

    /// Its figures, for `polyptych info` and the window.
    ///
    /// # Errors
    /// If the vocabulary or the list of known words is missing or damaged.
    pub fn summary(&self) -> Result<Summary> {
        Summary::of(self)
    }

    /// The changes that LoRAs make to each part, and a warning for each LoRA that fits in part.
    ///
    /// # Errors
    /// If one is for another family.
    fn patches(&self, loras: &[(Arc<LoraFile>, f32)]) -> Result<(BTreeMap<PartName, Patches>, Vec<InPart>)> {
        Patches::fit(loras, self.parts(), self.text_width())
    }

    /// Puts the networks on a device.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape or not finite, or the device fails.
    pub fn load(&self, device: Device) -> Result<Model> {
        self.load_with(device, &[]).map(|(model, _)| model)
    }

    /// Puts the networks on a device with LoRAs, each at its weight, as [`Model::set_loras`] does: the model, and a warning for
    /// each LoRA that fits in part.
    ///
    /// # Errors
    /// As [`Checkpoint::load`] and [`Model::set_loras`].
    pub fn load_with(&self, device: Device, loras: &[(Arc<LoraFile>, f32)]) -> Result<(Model, Vec<InPart>)> {
        self.load_with_manners(device, loras, &Manners::default())
    }

    /// As [`Checkpoint::load_with`], on a device with these manners.
    ///
    /// # Errors
    /// As [`Checkpoint::load_with`]; also where the device is interrupted meanwhile.
    pub fn load_with_manners(
        &self,
        device: Device,
        loras: &[(Arc<LoraFile>, f32)],
        manners: &Manners,
    ) -> Result<(Model, Vec<InPart>)> {
        if manners.progress.is_heard() {
            let heard = Manners { progress: Progress::default(), ..manners.clone() };
            return self.watched(&manners.progress).load_with_manners(device, loras, &heard);
        }
        backend::open(device, manners, Loading(self, loras)).map_err(networks::Error::from)?
    }

    /// The same checkpoint, whose files tell how far they are read.
    fn watched(&self, progress: &Progress) -> Self {
        let total = self.parts().map(|(_, tensors)| tensors.len()).sum();
        let reading = Arc::new(Reading::new(progress.clone(), total));
        let watch = |tensors: &mut Arc<TensorFile>| Arc::make_mut(tensors).watch(&reading);
        let mut this = self.clone();
        watch(&mut this.unet.tensors);
        watch(&mut this.vae.tensors);
        watch(&mut this.text_encoder.tensors);
        this.text_encoder_2.iter_mut().for_each(|part| watch(&mut part.tensors));
        this
    }

    /// Puts the networks on a given backend.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn load_on<B: Backend>(&self, backend: B) -> Result<Model> {
        Model::load(self, backend, &[]).map(|(model, _)| model)
    }
}

/// A checkpoint on its way to a device, with LoRAs.
struct Loading<'a>(&'a Checkpoint, &'a [(Arc<LoraFile>, f32)]);

impl User for Loading<'_> {
    type Output = Result<(Model, Vec<InPart>)>;

    fn work<B: Backend>(self, backend: B) -> Self::Output {
        Model::load(self.0, backend, self.1)
    }
}
