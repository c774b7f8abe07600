//! LoRAs (Hu et al. 2021, arXiv:2106.09685): small files that change a checkpoint's weights, W += weight · alpha / rank · up · down.
//!
//! They are merged while weights are read, always from the checkpoint's own values: a picture with LoRAs takes as long as one
//! without, and no change of a weight leaves a trace. Layers have the names of kohya's scripts, of PEFT, of ComfyUI, or of
//! diffusers then and now (`names`), some with block numbers of the original code (`original`). Convolutions (LoCon) are products
//! as well, of their kernels laid flat.
//!
//! One file may hold several kinds of changes (`layer`): LoRA, LoHa, LoKr, GLoRA, whole differences, biases, norms, IA³, and
//! DoRA's norms over any of them. `change` has their formulas.

mod adapters;
mod change;
mod header;
mod layer;
mod merge;
mod names;
mod original;
mod summary;

pub use merge::InPart;
pub(in crate::checkpoint) use merge::{Applied, Merged, Patches};
pub(in crate::checkpoint) use names::{bundled, in_bundle};
pub use summary::{LoraSummary, Tag};

use super::safetensors::TensorFile;
use super::stamp::Stamp;
use super::store::is_pickle;
use super::{Error, FETCH_AGAIN, PartName, Result};
use crate::networks::Weights as _;
use header::Peft;
use layer::{Found, Layer};
use names::{Parsed, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The largest rank that is accepted. No layer is so wide that a larger one would save anything.
const MAX_RANK: usize = 4096;

/// An open LoRA: names and shapes read and checked, values still in the file.
#[derive(Debug)]
pub struct LoraFile {
    tensors: TensorFile,
    layers: BTreeMap<(PartName, String), Layer>,
    /// Names of tensors that belong to no layer.
    unknown: Vec<String>,
    /// Names of the textual inversions that it brings along.
    embeddings: Vec<String>,
    stamp: Stamp,
}

impl LoraFile {
    /// Opens a `.safetensors` file.
    ///
    /// # Errors
    /// If there is no such file, or it is damaged, no LoRA or of a kind that is not supported.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = path.display().to_string();
        if !path.is_file() {
            return Err(Error::Missing { file, remedy: "put it back, or remove this LoRA" });
        }
        refuse_pickle(path)?;
        Self::read(path, TensorFile::open_path(path)?)
    }

    /// Opens a file whose tensors are named as those of a LoRA or of a like adapter are; `None` for any other.
    ///
    /// # Errors
    /// If it is one, but damaged or of a kind that is not supported.
    pub fn recognise(path: impl AsRef<Path>) -> Option<Result<Self>> {
        let path = path.as_ref();
        // (Anything but a file, such as a pipe, may not answer.)
        if !path.is_file() {
            return None;
        }
        let tensors = TensorFile::open_path(path).ok()?;
        let adapter = |name: &String| names::parse(name).is_some_and(|parsed| parsed.role.tells());
        if !tensors.names().iter().any(adapter) {
            return None;
        }
        Some(refuse_pickle(path).and_then(|()| Self::read(path, tensors)))
    }

    fn read(path: &Path, tensors: TensorFile) -> Result<Self> {
        let mut found: BTreeMap<(PartName, String), Found> = BTreeMap::new();
        let mut unknown = Vec::new();
        let mut embeddings = BTreeSet::new();
        for name in tensors.names() {
            if let Some(embedding) = names::bundled(&name) {
                embeddings.insert(embedding.to_owned());
                continue;
            }
            let Some(Parsed { part, layer, role, label }) = names::parse(&name) else {
                unknown.push(name);
                continue;
            };
            if let Role::Unsupported(kind) = role {
                return Err(unsupported(&tensors, kind));
            }
            let found =
                found.entry((part, layer)).or_insert_with(|| Found { label: label.to_owned(), ..Found::default() });
            if found.tensors.insert(role, name.clone()).is_some() {
                return Err(invalid(&tensors, format!("has a second tensor for the place of {}", short(&name))));
            }
        }
        let peft = Peft::parse(&tensors);
        let mut layers = BTreeMap::new();
        for (place, found) in found {
            let (layer, strange) = found.check(&tensors, |rank| peft.scale(place.0, &place.1, rank))?;
            unknown.extend(strange);
            if let Some(layer) = layer {
                layers.insert(place, layer);
            }
        }
        if layers.is_empty() {
            return Err(Error::Invalid {
                file: tensors.file(),
                fact: "is not a LoRA (no lora_down, lora_A or the like in it)".to_owned(),
                remedy: "choose a LoRA, a .safetensors file of its own kind",
            });
        }
        let (embeddings, stamp) = (embeddings.into_iter().collect(), Stamp::of(path));
        Ok(Self { tensors, layers, unknown, embeddings, stamp })
    }

    /// True where it is this path's file, and by its time and length still as it was opened.
    #[must_use]
    pub fn is_current(&self, path: impl AsRef<Path>) -> bool {
        self.stamp.is_current(path.as_ref())
    }

    /// Its figures, for `polyptych info` and the window.
    #[must_use]
    pub fn summary(&self) -> LoraSummary {
        LoraSummary::of(self)
    }

    /// Names of the textual inversions that it brings along.
    #[must_use]
    pub fn embeddings(&self) -> &[String] {
        &self.embeddings
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        self.stamp.path()
    }

    /// The file's name without its ending.
    #[must_use]
    pub fn name(&self) -> String {
        self.stamp.path().file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

fn refuse_pickle(path: &Path) -> Result<()> {
    let file = path.display().to_string();
    match is_pickle(path) {
        Err(source) => Err(Error::Unreadable { file, source }),
        Ok(true) => {
            let fact = "is a Python pickle, which can run code and is never read".to_owned();
            Err(Error::Invalid { file, fact, remedy: "get the LoRA as .safetensors" })
        }
        Ok(false) => Ok(()),
    }
}

fn invalid(tensors: &TensorFile, fact: String) -> Error {
    Error::Invalid { file: tensors.file(), fact, remedy: FETCH_AGAIN }
}

fn mismatch(tensors: &TensorFile, name: &str, found: &[usize], other: &str, of_other: &[usize]) -> Error {
    let list = |shape: &[usize]| format!("{:?}", shape.iter().take(6).collect::<Vec<_>>());
    let (one, other) = (short(name), short(other));
    invalid(tensors, format!("{one} of shape {} does not go with {other} of {}", list(found), list(of_other)))
}

fn unsupported(tensors: &TensorFile, kind: &str) -> Error {
    Error::Invalid {
        file: tensors.file(),
        fact: format!("is {kind}, which is not supported yet"),
        remedy: "use a LoRA, LoCon, LoHa, LoKr, DoRA, GLoRA or IA³",
    }
}

/// A tensor's name for a message.
fn short(name: &str) -> String {
    let short: String = name.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < name.len() { short + "…" } else { short }
}
