//! Small decoders for previews (TAESD): files, and where programs keep them.

use super::safetensors::TensorFile;
use super::stamp::Stamp;
use super::store::is_pickle;
use super::{Checkpoint, Error, PARTS_SEPARATOR, Result, single};
use crate::backend::Backend;
use crate::networks;
use crate::networks::tiny::TinyDecoder;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The folders in which ComfyUI and the web UIs keep them, in small letters.
const FOLDERS: [&str; 2] = ["vae_approx", "vae-approx"];
/// Folders around a checkpoint in which those are looked for: `models/checkpoints/mine/` lies so deep.
const AROUND: usize = 4;
/// Weights in diffusers' folders of such an autoencoder.
const OF_FOLDER: [&str; 2] = ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"];

/// An open decoder: names and shapes are read, values still in the file.
#[derive(Debug)]
pub struct PreviewDecoder {
    tensors: TensorFile,
    stamp: Stamp,
}

impl PreviewDecoder {
    /// Opens a `.safetensors` file, TAESD's own or diffusers', or a folder of diffusers.
    ///
    /// # Errors
    /// If there is nothing, or it is damaged, or no such decoder.
    pub fn open(path: &Path) -> Result<Self> {
        let inside = OF_FOLDER.iter().map(|name| path.join(name)).find(|inside| inside.is_file());
        let file = inside.as_deref().unwrap_or(path);
        let name = file.display().to_string();
        if !file.is_file() {
            return Err(Error::Missing { file: name, remedy: "give a small decoder for previews (TAESD)" });
        }
        if is_pickle(file).map_err(|source| Error::Unreadable { file: name.clone(), source })? {
            return Err(Error::Pickle { file: name });
        }
        let tensors = single::tiny_decoder(&TensorFile::open_path(file)?)?;
        Ok(Self { tensors, stamp: Stamp::of(path) })
    }

    /// Whether the file or folder at this path is called as the decoder of this name is.
    #[must_use]
    pub fn is_named(path: &Path, name: &str) -> bool {
        let lower = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().to_lowercase());
        if path.is_dir() {
            let holds = || OF_FOLDER.iter().any(|file| path.join(file).is_file());
            return lower(path.file_name()).is_some_and(|own| own == name) && holds();
        }
        let ending = lower(path.extension()).is_some_and(|ending| ending == "safetensors");
        ending && lower(path.file_stem()).is_some_and(|own| own == name || own == format!("{name}_decoder"))
    }

    /// True where it is this path's, and by its time and length still as it was opened.
    #[must_use]
    pub fn is_current(&self, path: &Path) -> bool {
        self.stamp.is_current(path)
    }

    /// Puts it on a device.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape, or the device fails.
    pub(super) fn load<B: Backend>(&self, backend: &B) -> networks::Result<TinyDecoder<B>> {
        TinyDecoder::load(backend, &self.tensors)
    }
}

impl Checkpoint {
    /// The small decoder for this checkpoint's previews that lies among the models of its program. Those of Stable Diffusion and SDXL
    /// are alike in all but their names and their values, and for checkpoints of other sizes there are none.
    #[must_use]
    pub fn preview_decoder(&self) -> Option<PathBuf> {
        near(&self.given, self.preview_decoder_name()?)
    }

    /// The name by which its family's decoder is known.
    #[must_use]
    pub fn preview_decoder_name(&self) -> Option<&'static str> {
        match self.kind() {
            "Stable Diffusion 1" | "Stable Diffusion 2" => Some("taesd"),
            "SDXL" => Some("taesdxl"),
            _ => None,
        }
    }
}

/// The decoder of this name in the folders around a checkpoint, which may be several files by a joined name.
fn near(checkpoint: &str, name: &str) -> Option<PathBuf> {
    let whole = Path::new(checkpoint);
    let parts: Vec<&Path> = if whole.exists() {
        vec![whole]
    } else {
        checkpoint.split(PARTS_SEPARATOR).map(|p| Path::new(p.trim())).collect()
    };
    let real = parts.into_iter().filter_map(|part| part.canonicalize().ok());
    let around: Vec<PathBuf> =
        real.flat_map(|part| part.ancestors().skip(1).take(AROUND).map(Path::to_owned).collect::<Vec<_>>()).collect();
    let inner = around.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let named = |path: &PathBuf| {
        let own = path.file_name().map(|own| own.to_string_lossy().to_lowercase()).unwrap_or_default();
        FOLDERS.contains(&own.as_str())
    };
    inner.map(|entry| entry.path()).filter(named).find_map(|folder| inside(&folder, name))
}

/// The decoder of this name in a folder of such files.
fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    found.sort();
    found.into_iter().find(|path| PreviewDecoder::is_named(path, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_is_found_among_the_models_of_the_checkpoint_s_program() {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().canonicalize().unwrap().join("models");
        let file = |path: &str| {
            let path = models.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let checkpoint = file("checkpoints/sd15/mine.safetensors").display().to_string();
        assert_eq!(near(&checkpoint, "taesd"), None);
        file("VAE-approx/taesd_encoder.safetensors");
        file("VAE-approx/taesd_decoder.pth");
        assert_eq!(near(&checkpoint, "taesd"), None);
        let xl = file("VAE-approx/TAESDXL_decoder.safetensors");
        assert_eq!((near(&checkpoint, "taesd"), near(&checkpoint, "taesdxl")), (None, Some(xl)));
        let own = file("VAE-approx/taesd_decoder.safetensors");
        assert_eq!(near(&checkpoint, "taesd"), Some(own.clone()));
        assert_eq!(near(&format!("/nowhere.safetensors + {checkpoint}"), "taesd"), Some(own.clone()));
        std::fs::remove_file(own).unwrap();
        file("VAE-approx/taesd/diffusion_pytorch_model.safetensors");
        assert_eq!(near(&checkpoint, "taesd"), Some(models.join("VAE-approx/taesd")));
        assert_eq!(near("embedded", "taesd"), None);
    }
}
