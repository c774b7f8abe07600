//! ControlNets: files, and networks on a device ([`nets`]).

mod nets;

pub(super) use nets::Nets;

use super::safetensors::TensorFile;
use super::stamp::Stamp;
use super::store::{Store, is_pickle};
use super::{Checkpoint, Error, FileSummary, Kind, Result, single};
use crate::backend::Backend;
use crate::diffusion::Planes;
use crate::networks;
use crate::networks::unet::{self, ControlConfig, ControlNet};
use std::path::Path;
use std::sync::Arc;

/// An open ControlNet: options, names and shapes read and checked, values still in the file.
#[derive(Debug)]
pub struct ControlFile {
    config: ControlConfig,
    tensors: TensorFile,
    stamp: Stamp,
}

/// A ControlNet with the picture that it sees.
#[derive(Debug, Clone)]
pub struct Control {
    /// The ControlNet.
    pub net: Arc<ControlFile>,
    /// The picture `[1, 3, H, W]` in 0…1: the canvas of whole latent pixels, times the autoencoder's factor.
    pub picture: Arc<Planes>,
    /// The factor of what it adds.
    pub weight: f32,
}

impl Control {
    /// True where both give the same.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.net, &other.net)
            && self.weight.to_bits() == other.weight.to_bits()
            && (Arc::ptr_eq(&self.picture, &other.picture) || self.picture == other.picture)
    }
}

/// A config.json longer than this is none.
const CONFIG: u64 = 1 << 16;

/// Whether a folder is a ControlNet in the layout of diffusers, by its config.json.
pub(super) fn is_folder_of_one(path: &Path) -> bool {
    use std::io::Read as _;
    let mut text = String::new();
    let read =
        std::fs::File::open(path.join("config.json")).and_then(|file| file.take(CONFIG).read_to_string(&mut text));
    read.is_ok() && text.contains("\"ControlNetModel\"")
}

impl ControlFile {
    /// Opens a `.safetensors` file in the original layout or diffusers', or a folder of diffusers.
    ///
    /// # Errors
    /// If there is nothing, or it is damaged, no ControlNet or of a kind that is not supported.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = path.display().to_string();
        if path.is_dir() {
            return Self::open_folder(path);
        }
        if !path.is_file() {
            return Err(Error::Missing { file, remedy: "put it back, or remove this ControlNet" });
        }
        if is_pickle(path).map_err(|source| Error::Unreadable { file: file.clone(), source })? {
            return Err(Error::Pickle { file });
        }
        Self::of(&TensorFile::open_path(path)?, path)
    }

    /// Opens a file or folder that is a ControlNet by its tensors or its config.json. `None` for any other, or one that cannot be read.
    pub fn recognise(path: impl AsRef<Path>) -> Option<Result<Self>> {
        let path = path.as_ref();
        if path.is_dir() {
            return is_folder_of_one(path).then(|| Self::open_folder(path));
        }
        // (Anything but a file, such as a pipe, may not answer.)
        let file = path.is_file().then(|| TensorFile::open_path(path).ok()).flatten()?;
        single::is_control_net(&file).then(|| Self::of(&file, path))
    }

    /// The one in an open file.
    pub(super) fn of(file: &TensorFile, path: &Path) -> Result<Self> {
        let (tensors, config) = single::control_net(file)?;
        let config = ControlConfig::parse(&config, &path.display().to_string())?;
        Ok(Self { config, tensors, stamp: Stamp::of(path) })
    }

    fn open_folder(path: &Path) -> Result<Self> {
        let invalid = |fact: &str| Error::Invalid {
            file: path.display().to_string(),
            fact: fact.to_owned(),
            remedy: "give a ControlNet's .safetensors file, or the folder that holds it and its config.json",
        };
        let whole = path.canonicalize().map_err(|_| invalid("cannot be read"))?;
        let (Some(parent), Some(folder)) = (whole.parent(), whole.file_name().and_then(|name| name.to_str())) else {
            return Err(invalid("is no folder of a ControlNet"));
        };
        let (store, config) = (Store::Folder(parent.to_owned()), format!("{folder}/config.json"));
        if !store.has(&config) {
            return Err(invalid("is no folder of a ControlNet (no config.json in it)"));
        }
        let json = store.json(&config)?;
        if let Some(class) =
            json.get("_class_name").and_then(|class| class.as_str()).filter(|c| *c != "ControlNetModel")
        {
            return Err(invalid(&format!("holds a {class}, which is no ControlNet that is supported")));
        }
        let tensors = TensorFile::open(&store, folder, "diffusion_pytorch_model")?;
        let config = ControlConfig::parse(&json, &store.describe(&config))?;
        Ok(Self { config, tensors, stamp: Stamp::of(path) })
    }

    /// True where it is this path's file, and by its time and length still as it was opened.
    #[must_use]
    pub fn is_current(&self, path: impl AsRef<Path>) -> bool {
        self.stamp.is_current(path.as_ref())
    }

    /// The family that it is for, where that is one that has a name.
    pub(super) fn known_family(&self) -> Option<&'static str> {
        single::family_of_words(&self.tensors)
    }

    /// Bytes of its weights in its files.
    pub(super) fn bytes(&self) -> usize {
        self.tensors.len()
    }

    /// Its kind and size, for `polyptych info`.
    #[must_use]
    pub fn summary(&self) -> FileSummary {
        let path = self.stamp.path();
        // (A folder's name may have a point in it.)
        let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
        FileSummary {
            name: name.unwrap_or_default().to_string_lossy().into_owned(),
            kind: format!("ControlNet for {}", self.family()),
            missing: Vec::new(),
            bytes: self.bytes(),
            dtype: self.tensors.dtype(),
            draws: false,
            fills: false,
            family: self.known_family(),
            role: Kind::ControlNet,
        }
    }

    /// The family that it is for, in words.
    #[must_use]
    pub fn family(&self) -> String {
        family(&self.config.unet)
    }

    /// Bytes of its weights as f32: the most that they take on a device.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.tensors.parameters() * size_of::<f32>()
    }

    /// Puts it on a device.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape or not finite, or the device fails.
    pub fn load<B: Backend>(&self, backend: &B) -> networks::Result<ControlNet<B>> {
        ControlNet::load(self.config.clone(), backend, &self.tensors)
    }

    /// Checks that it is for this checkpoint's family.
    fn check(&self, checkpoint: &Checkpoint) -> Result<()> {
        let (unet, vae) = (&checkpoint.unet.config, &checkpoint.vae.config);
        let invalid =
            |fact: String, remedy| Err(Error::Invalid { file: self.stamp.path().display().to_string(), fact, remedy });
        let (own, wanted) = (self.family(), family(unet));
        if own != wanted {
            let fact = format!("is a ControlNet for {own}, but the checkpoint is {wanted}");
            return invalid(fact, "choose a ControlNet of the checkpoint's family");
        }
        if !self.config.fits(unet) || self.config.unet.in_channels != vae.latent_channels {
            let fact = "is a ControlNet for a UNet of other sizes than the checkpoint's".to_owned();
            return invalid(fact, "choose one that was made for this checkpoint");
        }
        if self.config.scale() != vae.scale() || self.config.picture_channels != 3 {
            let fact = format!(
                "reads pictures of {} planes, {} times the latent, which is not supported",
                self.config.picture_channels,
                self.config.scale()
            );
            return invalid(fact, "choose another ControlNet");
        }
        Ok(())
    }
}

/// Checks controls for a checkpoint.
pub(super) fn check(controls: &[Control], checkpoint: &Checkpoint) -> Result<()> {
    controls.iter().try_for_each(|control| control.net.check(checkpoint))
}

/// True where both lists give the same.
pub(super) fn same(a: &[Control], b: &[Control]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b))
}

fn family(config: &unet::Config) -> String {
    let words = config.transformers().map(|transformer| transformer.cross_attention_dim).next();
    match (config.added, words) {
        (Some(_), _) => "SDXL".to_owned(),
        (None, Some(768)) => "Stable Diffusion 1".to_owned(),
        (None, Some(1024)) => "Stable Diffusion 2".to_owned(),
        (None, Some(width)) => format!("words {width} wide"),
        (None, None) => "no words".to_owned(),
    }
}
