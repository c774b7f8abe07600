//! Checkpoints in single files, and those put together of several: read as the diffusers folder that they would be.
//!
//! A file's networks are found by the names of their tensors ([`contents`]) and renamed to diffusers' on the way ([`names`]); their
//! options are read off shapes ([`configs`]); the vocabulary is CLIP's, which is in the program. Nothing is copied: all parts are
//! views of one mapped file.

mod configs;
mod contents;
mod control;
mod file_summary;
mod foreign;
mod marks;
mod names;
mod tiny;

pub(super) use contents::family_of_words;
pub(super) use control::{control_net, is_control_net};
pub use file_summary::FileSummary;
pub(super) use tiny::tiny_decoder;

use super::safetensors::TensorFile;
use super::store::Store;
use super::{Error, PartName, Result, clip_vocabulary};
use contents::{Clip, Contents, Family, Layout, Text};
use marks::Marks;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The separator of the files and folders of one checkpoint: `unet.safetensors + vae.safetensors + folder`.
pub const PARTS_SEPARATOR: &str = " + ";

/// A checkpoint that is no folder, as the folder that it would be.
#[derive(Debug)]
pub(super) struct Assembled {
    /// The file or files, for messages.
    file: String,
    /// The tree that everything else is taken from, where one was given.
    base: Option<Store>,
    /// Networks by their folders.
    networks: BTreeMap<&'static str, Network>,
    /// The content of scheduler_config.json, where the UNet is from a file.
    scheduler: Option<Value>,
    /// The name of that file without its ending.
    drawn_by: Option<String>,
    layout: &'static str,
    /// Parts that the UNet's file lacks, each with the file that gives it.
    taken: Vec<(PartName, String)>,
}

/// A network from a file.
#[derive(Debug)]
struct Network {
    config: Value,
    tensors: TensorFile,
    /// The padding token of a text encoder.
    pad: &'static str,
}

/// The networks that a UNet needs beside it.
const PARTS_BESIDE: [PartName; 3] = [PartName::TextEncoder, PartName::TextEncoder2, PartName::Vae];

/// The networks of one file or folder of several.
enum Source {
    File { contents: Box<Contents>, marks: Marks, name: String },
    Tree(Store),
}

impl Source {
    fn open(path: &str) -> Result<Self> {
        if super::is_embedded(path) || Path::new(path).is_dir() {
            return Ok(Self::Tree(Store::open(path)?.1));
        }
        let tensors = TensorFile::open_path(Path::new(path))?;
        let contents = Contents::of(&tensors)?;
        if contents.is_empty() {
            return Err(file_summary::none(&tensors));
        }
        let marks = Marks::of(&tensors, contents.unet.as_ref(), Path::new(path));
        Ok(Self::File { contents: Box::new(contents), marks, name: path.to_owned() })
    }
}

impl Assembled {
    /// Opens a single file with what lies beside it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let given = path.display().to_string();
        // The web UIs keep a checkpoint's own autoencoder in NAME.vae.safetensors.
        let beside = path.with_extension("vae.safetensors");
        let beside = beside.is_file().then(|| beside.display().to_string());
        Self::of(&given, [given.as_str()].into_iter().chain(beside.as_deref()))
    }

    /// Opens the files and folders of one checkpoint. The first one with a UNet is what is drawn with; the others fill in what it
    /// lacks, except that files of an autoencoder or of text encoders alone replace those that came before.
    pub(super) fn of<'a>(given: &str, paths: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut this = Self {
            file: given.to_owned(),
            base: None,
            networks: BTreeMap::new(),
            scheduler: None,
            drawn_by: None,
            layout: "",
            taken: Vec::new(),
        };
        let mut sources = paths.map(Source::open).collect::<Result<Vec<_>>>()?;
        let has_unet = |source: &Source| match source {
            Source::File { contents, .. } => contents.unet.is_some(),
            Source::Tree(tree) => tree.has("unet/config.json"),
        };
        let Some(first) = sources.iter().position(has_unet) else {
            return Err(Error::Invalid {
                file: this.file,
                fact: "has no UNet, which is what draws".to_owned(),
                remedy: "give a checkpoint, and this file beside it as `CHECKPOINT + FILE`",
            });
        };
        // (A person may name them in any order.)
        let drawing = sources.remove(first);
        let (family, factor) = this.start(drawing)?;
        for source in sources {
            match source {
                Source::Tree(tree) => {
                    this.base.get_or_insert(tree);
                }
                Source::File { contents, name, .. } => {
                    let other = contents.unet.as_ref().map(|unet| unet.family);
                    let lacked = this.lacks(family);
                    this.fill(*contents, family, factor, other.is_none());
                    let Some(other) = other else { continue };
                    let taken = lacked.into_iter().filter(|part| this.networks.contains_key(part.folder()));
                    let taken: Vec<_> = taken.map(|part| (part, name.clone())).collect();
                    if other != family && !taken.is_empty() {
                        return Err(stranger(name));
                    }
                    this.taken.extend(taken);
                }
            }
        }
        if let Some(base) = this.base.as_ref().filter(|_| this.scheduler.is_some()) {
            let has = |part: &PartName| base.has(&format!("{}/config.json", part.folder()));
            let taken: Vec<_> =
                this.lacks(family).into_iter().filter(has).map(|part| (part, base.describe(""))).collect();
            if has(&PartName::TextEncoder2) != (family == Family::Sdxl) && !taken.is_empty() {
                return Err(stranger(base.describe("")));
            }
            this.taken.extend(taken);
        }
        this.check(family)?;
        Ok(this)
    }

    /// Takes the UNet's source: its family and the factor of its latents.
    fn start(&mut self, source: Source) -> Result<(Family, f32)> {
        match source {
            Source::Tree(tree) => {
                let two = tree.has("text_encoder_2/config.json");
                let family = if two { Family::Sdxl } else { Family::Sd1 };
                let factor = tree.json("vae/config.json").ok().and_then(|vae| vae.get("scaling_factor")?.as_f64());
                #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
                let factor = factor.map_or(configs::latent_factor(family), |factor| factor as f32);
                self.base = Some(tree);
                self.layout = "diffusers folder with parts from files";
                Ok((family, factor))
            }
            Source::File { mut contents, marks, name } => {
                let Some(unet) = contents.unet.take() else { return Err(file_summary::lacks(&name, &["a UNet"])) };
                let factor = configs::latent_factor(unet.family);
                self.layout = match unet.layout {
                    Layout::Original => "single file, original layout",
                    Layout::Diffusers => "single file, diffusers' names",
                };
                let config = configs::unet(&unet.tensors, marks.window(unet.family));
                self.scheduler = Some(marks.scheduler());
                self.drawn_by = Path::new(&name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
                self.networks.insert("unet", Network { config, tensors: unet.tensors, pad: "" });
                self.fill(*contents, unet.family, factor, false);
                Ok((unet.family, factor))
            }
        }
    }

    /// The networks beside the UNet that are not there: neither from a file, nor in the folder whose UNet draws.
    fn lacks(&self, family: Family) -> Vec<PartName> {
        let draws = self.base.as_ref().filter(|_| self.scheduler.is_none());
        let there = |part: &PartName| {
            let folder = part.folder();
            self.networks.contains_key(folder) || draws.is_some_and(|tree| tree.has(&format!("{folder}/config.json")))
        };
        let wanted = |part: &PartName| *part != PartName::TextEncoder2 || family == Family::Sdxl;
        PARTS_BESIDE.into_iter().filter(|part| wanted(part) && !there(part)).collect()
    }

    /// Takes over autoencoder and text encoders that are not there, or all where `replace`.
    fn fill(&mut self, contents: Contents, family: Family, factor: f32, replace: bool) {
        let lacked: Vec<&str> = self.lacks(family).into_iter().map(PartName::folder).collect();
        let mut put = |folder: &'static str, network: Network| {
            if replace || (lacked.contains(&folder) && !self.networks.contains_key(folder)) {
                self.networks.insert(folder, network);
            }
        };
        if let Some(tensors) = contents.vae {
            put("vae", Network { config: configs::vae(&tensors, factor), tensors, pad: "" });
        }
        for text in contents.texts {
            let second = family == Family::Sdxl && is_second(&text);
            if text.second && family != Family::Sdxl {
                continue;
            }
            let folder = if second { PartName::TextEncoder2 } else { PartName::TextEncoder }.folder();
            // OpenCLIP pads with token 0, OpenAI's CLIP with the end token.
            let pad = if text.clip == Clip::OpenClip { "!" } else { "<|endoftext|>" };
            let config = configs::text(&text, family);
            let tensors = if second { text.tensors } else { text.tensors.without("text_projection.weight") };
            put(folder, Network { config, tensors, pad });
        }
    }

    /// Checks that no network is missing.
    fn check(&self, family: Family) -> Result<()> {
        let has = |folder: &str| {
            let config = format!("{folder}/config.json");
            self.networks.contains_key(folder) || self.base.as_ref().is_some_and(|base| base.has(&config))
        };
        let mut wanted = vec![("text_encoder", "a text encoder")];
        if family == Family::Sdxl {
            wanted = vec![("text_encoder", "the first text encoder"), ("text_encoder_2", "the second text encoder")];
        }
        wanted.push(("vae", "an autoencoder (VAE)"));
        let missing: Vec<&str> = wanted.iter().filter(|(folder, _)| !has(folder)).map(|(_, name)| *name).collect();
        if missing.is_empty() { Ok(()) } else { Err(file_summary::lacks(&self.file, &missing)) }
    }

    /// The name of the file that the UNet is from, without its ending.
    pub(super) fn drawn_by(&self) -> Option<&str> {
        self.drawn_by.as_deref()
    }

    /// Parts that the UNet's file lacks, each with the file that gives it.
    pub(super) fn taken(&self) -> &[(PartName, String)] {
        &self.taken
    }

    /// The layout of the UNet's file, in words.
    pub(super) fn layout(&self) -> &'static str {
        self.layout
    }

    /// A path's network from a file, with the rest of the path.
    fn network<'a>(&self, path: &'a str) -> Option<(&Network, &'a str, bool)> {
        let (folder, rest) = path.split_once('/')?;
        let (folder, vocabulary) = match folder {
            "tokenizer" => ("text_encoder", true),
            "tokenizer_2" => ("text_encoder_2", true),
            other => (other, false),
        };
        self.networks.get(folder).map(|network| (network, rest, vocabulary))
    }

    pub(super) fn has(&self, path: &str) -> bool {
        match self.network(path) {
            Some((_, rest, true)) => ["vocab.json", "merges.txt", "tokenizer_config.json"].contains(&rest),
            Some((_, rest, false)) => rest == "config.json",
            None if self.scheduler.is_some() && path.starts_with("scheduler/") => true,
            // The words and the card of a folder that fills in are not those of the UNet.
            None if self.scheduler.is_some() && !path.contains('/') => false,
            None => self.base.as_ref().is_some_and(|base| base.has(path)),
        }
    }

    /// The tree that a file is taken from, where it is no network from a file.
    pub(super) fn base(&self, path: &str) -> Option<&Store> {
        let own = self.network(path).is_some() || (self.scheduler.is_some() && path.starts_with("scheduler/"));
        self.base.as_ref().filter(|_| !own)
    }

    pub(super) fn describe(&self, path: &str) -> String {
        match self.base(path) {
            Some(base) if !path.is_empty() => base.describe(path),
            _ => match self.network(path) {
                Some((network, ..)) => network.tensors.name(),
                None => self.file.clone(),
            },
        }
    }

    /// The content of a JSON file that this checkpoint has of itself.
    pub(super) fn json(&self, path: &str) -> Result<Option<Value>> {
        Ok(match self.network(path) {
            Some((_, "vocab.json", true)) => Some(clip_vocabulary::vocabulary()?),
            Some((network, "tokenizer_config.json", true)) => {
                Some(json!({ "pad_token": network.pad, "model_max_length": 77 }))
            }
            Some((network, "config.json", false)) => Some(network.config.clone()),
            None if path.starts_with("scheduler/") => self.scheduler.clone(),
            _ => None,
        })
    }

    /// The content of a text file that this checkpoint has of itself.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>> {
        match self.network(path) {
            Some((_, "merges.txt", true)) => clip_vocabulary::merges().map(Some),
            _ => Ok(None),
        }
    }

    /// The tensors of a folder's network.
    pub(super) fn part(&self, folder: &str) -> Option<TensorFile> {
        self.networks.get(folder).map(|network| network.tensors.clone())
    }
}

/// The error of a file or folder whose parts would be taken for another family's.
fn stranger(file: String) -> Error {
    Error::Invalid {
        file,
        fact: "is of another family than the model that lacks its parts".to_owned(),
        remedy: "take missing parts from a checkpoint of the model's own family",
    }
}

/// Whether a text encoder is SDXL's second one: by its place, or by its own width, or by its projection.
fn is_second(text: &Text) -> bool {
    match configs::text_width(&text.tensors) {
        Some(768) => false,
        Some(1280) => true,
        _ => text.second || text.tensors.has("text_projection.weight"),
    }
}
