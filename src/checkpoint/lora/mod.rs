//! LoRAs (Hu et al. 2021, arXiv:2106.09685): small files that change a checkpoint's weights, W += weight · alpha / rank · up · down.
//!
//! They are merged while weights are read, always from the checkpoint's own values: a picture with LoRAs takes as long as one
//! without, and no change of a weight leaves a trace. Layers have the names of kohya's scripts (with block numbers of the original
//! code for SDXL), of PEFT, or of diffusers then and now (`names`). Convolutions (LoCon) are products as well, of their kernels
//! laid flat.

mod header;
mod merge;
mod names;
mod summary;

pub use merge::InPart;
pub(in crate::checkpoint) use merge::{Merged, Patches};
pub use summary::{LoraSummary, Tag};

use super::safetensors::TensorFile;
use super::store::is_pickle;
use super::{Error, FETCH_AGAIN, PartName, Result};
use crate::networks::Weights as _;
use header::Peft;
use names::Factor;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The largest rank that is accepted. No layer is so wide that a larger one would save anything.
const MAX_RANK: usize = 4096;

/// An open LoRA: names and shapes read and checked, values still in the file.
#[derive(Debug)]
pub struct LoraFile {
    tensors: TensorFile,
    layers: BTreeMap<(PartName, String), Layer>,
    /// Tensors that belong to no layer.
    unmatched: usize,
    stamp: Stamp,
}

/// The identity of a file: its path, and when and how large it was when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: usize,
}

/// The change of one layer, as the names of its tensors.
#[derive(Debug, Default)]
struct Layer {
    down: String,
    up: String,
    mid: Option<String>,
    /// Rows of `down`.
    rank: usize,
    /// The factor of the product: alpha / rank.
    scale: f32,
}

/// The tensors of a layer that have been found so far.
#[derive(Debug, Default)]
struct Found {
    down: Option<String>,
    up: Option<String>,
    mid: Option<String>,
    alpha: Option<String>,
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
        let adapter = |name: &String| !matches!(names::parse(name), None | Some((_, _, Factor::Alpha)));
        if !tensors.names().iter().any(adapter) {
            return None;
        }
        Some(refuse_pickle(path).and_then(|()| Self::read(path, tensors)))
    }

    fn read(path: &Path, tensors: TensorFile) -> Result<Self> {
        let mut found: BTreeMap<(PartName, String), Found> = BTreeMap::new();
        let mut unmatched = 0;
        for name in tensors.names() {
            let Some((network, layer, factor)) = names::parse(&name) else {
                unmatched += 1;
                continue;
            };
            let layer = found.entry((network, layer)).or_default();
            let place = match factor {
                Factor::Down => &mut layer.down,
                Factor::Up => &mut layer.up,
                Factor::Mid => &mut layer.mid,
                Factor::Alpha => &mut layer.alpha,
                Factor::Other(kind) => return Err(unsupported(&tensors, kind)),
            };
            if place.replace(name.clone()).is_some() {
                return Err(invalid(&tensors, format!("has a second tensor for the place of {}", short(&name))));
            }
        }
        let peft = Peft::parse(&tensors);
        let mut layers = BTreeMap::new();
        for (place, found) in found {
            if found.down.is_none() && found.up.is_none() {
                // An alpha alone changes nothing.
                unmatched += 1;
                continue;
            }
            let layer = Layer::check(found, &tensors, |rank| peft.scale(place.0, &place.1, rank))?;
            layers.insert(place, layer);
        }
        if layers.is_empty() {
            return Err(Error::Invalid {
                file: tensors.file(),
                fact: "is not a LoRA (no lora_down, lora_A or the like in it)".to_owned(),
                remedy: "choose a LoRA, a .safetensors file of its own kind",
            });
        }
        let modified = std::fs::metadata(path).and_then(|data| data.modified()).ok();
        let stamp = Stamp { path: path.to_owned(), modified, length: tensors.len() };
        Ok(Self { tensors, layers, unmatched, stamp })
    }

    /// True where it is this path's file, and by its time and length still as it was opened.
    #[must_use]
    pub fn is_current(&self, path: impl AsRef<Path>) -> bool {
        let Stamp { path: own, modified, length } = &self.stamp;
        own == path.as_ref()
            && std::fs::metadata(own)
                .is_ok_and(|data| data.modified().ok() == *modified && usize::try_from(data.len()) == Ok(*length))
    }

    /// Its figures, for `polyptych info` and the window.
    #[must_use]
    pub fn summary(&self) -> LoraSummary {
        LoraSummary::of(self)
    }

    /// The file's name without its ending.
    #[must_use]
    pub fn name(&self) -> String {
        self.stamp.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
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

impl Layer {
    /// Checks that the tensors fit together. `scale` gives the factor in PEFT's configuration for a rank.
    fn check(found: Found, tensors: &TensorFile, scale: impl Fn(usize) -> Option<f32>) -> Result<Self> {
        let (down, up) = match (found.down, found.up) {
            (Some(down), Some(up)) => (down, up),
            (Some(one), None) | (None, Some(one)) => {
                return Err(invalid(tensors, format!("has {} without its other factor", short(&one))));
            }
            (None, None) => (String::new(), String::new()),
        };
        let shape = |name: &str| tensors.shape(name).unwrap_or_default();
        let (of_down, of_up) = (shape(&down), shape(&up));
        let rank = of_down.first().copied().unwrap_or(0);
        let inner = match &found.mid {
            // up [out, a, 1, 1], mid [a, rank, k, k], down [rank, in, 1, 1].
            Some(mid) => match shape(mid).as_slice() {
                &[outer, inner, ..] if inner == rank => outer,
                other => return Err(mismatch(tensors, mid, other, &of_down)),
            },
            None => rank,
        };
        if of_down.len() < 2 || of_up.len() < 2 || of_up.get(1) != Some(&inner) || of_up[2..].iter().any(|&k| k != 1) {
            return Err(mismatch(tensors, &up, &of_up, &of_down));
        }
        if rank == 0 || rank > MAX_RANK || of_down.contains(&0) || of_up.contains(&0) {
            return Err(invalid(tensors, format!("{} has rank {rank}; ranks are 1 to {MAX_RANK}", short(&down))));
        }
        let alpha = found.alpha.as_deref().map(|name| alpha(tensors, name)).transpose()?;
        // Without an alpha the product counts as it is.
        let of_rank = rank as f32;
        let scale = alpha.map(|alpha| alpha / of_rank).or_else(|| scale(rank)).unwrap_or(1.0);
        Ok(Self { down, up, mid: found.mid, rank, scale })
    }
}

/// The one value of a tensor.
fn alpha(tensors: &TensorFile, name: &str) -> Result<f32> {
    if tensors.shape(name).is_none_or(|shape| shape.iter().product::<usize>() != 1) {
        return Err(invalid(tensors, format!("{} is not one number", short(name))));
    }
    Ok(tensors.read(name)?.into_f32().first().copied().unwrap_or(1.0))
}

fn invalid(tensors: &TensorFile, fact: String) -> Error {
    Error::Invalid { file: tensors.file(), fact, remedy: FETCH_AGAIN }
}

fn mismatch(tensors: &TensorFile, name: &str, found: &[usize], down: &[usize]) -> Error {
    let list = |shape: &[usize]| format!("{:?}", shape.iter().take(6).collect::<Vec<_>>());
    invalid(tensors, format!("{} of shape {} does not go with a down of {}", short(name), list(found), list(down)))
}

fn unsupported(tensors: &TensorFile, kind: &str) -> Error {
    Error::Invalid {
        file: tensors.file(),
        fact: format!("is {kind}, which is not supported yet"),
        remedy: "use a LoRA or a LoCon",
    }
}

/// A tensor's name for a message.
fn short(name: &str) -> String {
    let short: String = name.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < name.len() { short + "…" } else { short }
}
