//! A model file looked at: its kind, family, and what it says of itself.

use super::beside::{self, phrases};
use super::folders::{Found, is_diffusers};
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::single::{FileSummary, control_net, family_of_words, is_control_net, tiny_decoder};
use crate::checkpoint::{Checkpoint, ControlFile, Error, Kind, LoraFile, Result, sniff};
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Names of files that say nothing: the folder's is the model's.
const NAMELESS: [&str; 7] = [
    "diffusion_pytorch_model",
    "diffusion_pytorch_model.fp16",
    "pytorch_lora_weights",
    "adapter_model",
    "model",
    "model.fp16",
    "learned_embeds",
];

/// The tags of training captions that stand for trigger words where nobody says any.
const TAGS: usize = 3;

/// A model of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The name to call it by: of its file without the ending, or of its folder.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its path.
    pub path: PathBuf,
    /// Bytes of its files.
    pub bytes: u64,
    /// The family of checkpoints that it is or is for, told by its tensors: `Stable Diffusion 1`, `SDXL`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// More of its kind, in half a line: `epsilon, inpainting`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The model it was trained on, as its maker says: `Pony`, `Illustrious`, `SDXL 1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Words that call it up in a prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The picture beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PathBuf>,
    /// Whether there is a picture in its header.
    #[serde(default)]
    pub has_picture_inside: bool,
    /// The SHA-256 of its file, where that is known, in small hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The reason why it is not drawn with, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Names of textual inversions in it, until they are among its words.
    #[serde(skip)]
    brought: Vec<String>,
    /// The times of the last changes of the file and of what lies beside it, in nanoseconds since 1970.
    pub(super) times: (u64, u64),
}

impl Item {
    /// The hash that web UIs and Civitai name (AutoV2): the first ten digits of the SHA-256.
    #[must_use]
    pub fn hash(&self) -> Option<&str> {
        self.sha256.as_deref()?.get(..10)
    }

    /// What it is, in half a line.
    #[must_use]
    pub fn what(&self) -> String {
        let of = [self.family.as_deref(), Some(self.about.as_str())];
        let of = of.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
        match (self.kind, &self.family) {
            (Kind::Lora, Some(_)) => format!("LoRA for {of}"),
            (Kind::Lora, None) => format!("LoRA, {of}"),
            (Kind::ControlNet, _) if of.is_empty() => "ControlNet".to_owned(),
            (Kind::ControlNet, _) => format!("ControlNet for {of}"),
            _ => of,
        }
    }

    /// Whether each of these words is in its name, family, base model or trigger words, or begins its hash.
    #[must_use]
    pub fn matches(&self, words: &str) -> bool {
        let texts = [Some(&self.name), self.family.as_ref(), self.base.as_ref(), Some(&self.about)];
        let texts = texts.into_iter().flatten().chain(&self.words).map(|text| text.to_lowercase());
        let texts: Vec<String> = texts.collect();
        words.split_whitespace().map(str::to_lowercase).all(|word| {
            let hash = self.sha256.as_ref().is_some_and(|hash| word.len() >= 6 && hash.starts_with(&word));
            hash || texts.iter().any(|text| text.contains(&word))
        })
    }

    /// Whether it is of a file as it was found, but for its hash.
    pub(super) fn is_of(&self, found: &Found) -> bool {
        self.is_of_file(found) && self.times.1 == found.beside.modified
    }

    pub(super) fn is_of_file(&self, found: &Found) -> bool {
        (found.bytes == 0 || self.bytes == found.bytes) && self.times.0 == found.modified
    }

    /// The picture in its header, as a data URL (`modelspec.thumbnail`).
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn picture_inside(&self) -> Result<Option<String>> {
        Ok(TensorFile::open_path(&self.path)?.metadata("modelspec.thumbnail").map(str::to_owned))
    }

    /// Looks at a model. What cannot be used is listed with the reason.
    pub(super) fn read(found: &Found) -> Self {
        let said = beside::read(&found.beside.texts);
        let mut item = Self {
            name: name(&found.path),
            kind: found.hint.unwrap_or(Kind::Checkpoint),
            path: found.path.clone(),
            bytes: found.bytes,
            family: None,
            about: String::new(),
            base: None,
            words: Vec::new(),
            brought: Vec::new(),
            picture: found.beside.picture.clone(),
            has_picture_inside: false,
            sha256: said.sha256,
            problem: None,
            times: (found.modified, found.beside.modified),
        };
        let read = if is_diffusers(&found.path) {
            item.read_folder()
        } else if found.path.is_dir() {
            item.read_control()
        } else {
            item.read_file(found.hint)
        };
        item.problem = read.err().map(|error| without_path(&error, &found.path));
        item.base = said.base.or(item.base);
        if !said.words.is_empty() {
            item.words = said.words;
        }
        // What a LoRA brings along is called by name as it is by its trigger words.
        item.words.append(&mut item.brought);
        item
    }

    fn read_folder(&mut self) -> Result<()> {
        self.kind = Kind::Checkpoint;
        let path = self.path.to_str().ok_or_else(|| not_unicode(&self.path))?;
        let summary = Checkpoint::open(path)?.summary()?;
        self.bytes = summary.bytes() as u64;
        self.family = Some(summary.kind.to_owned());
        let more = [
            Some(summary.prediction_type.as_str()),
            summary.zero_terminal_snr.then_some("zero terminal SNR"),
            summary.inpainting.then_some("inpainting"),
            summary.few_steps.map(|_| "few steps"),
        ];
        self.about = more.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Ok(())
    }

    fn read_control(&mut self) -> Result<()> {
        self.kind = Kind::ControlNet;
        let control = ControlFile::open(&self.path)?;
        self.bytes = control.bytes() as u64;
        self.family = control.known_family().map(str::to_owned);
        Ok(())
    }

    fn read_file(&mut self, hint: Option<Kind>) -> Result<()> {
        let path = self.path.clone();
        self.path.to_str().ok_or_else(|| not_unicode(&path))?;
        let named = |ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
        let invalid = |fact: &str| Error::Invalid {
            file: path.display().to_string(),
            fact: fact.to_owned(),
            remedy: "get it as .safetensors",
        };
        if named("gguf") {
            return Err(invalid("is a GGUF file, which is not supported"));
        }
        if !named("safetensors") {
            sniff::refuse(&path.display().to_string(), &start(&path)?)?;
            if ["ckpt", "pt", "pth", "bin", "pkl"].iter().any(|ending| named(ending)) {
                return Err(Error::Pickle { file: path.display().to_string() });
            }
            if !named("sft") {
                return Err(invalid("is no model"));
            }
        }
        let file = TensorFile::open_path(&path)?;
        self.read_metadata(&file);
        if is_control_net(&file) {
            self.kind = Kind::ControlNet;
            self.family = family_of_words(&file).map(str::to_owned);
            return control_net(&file).map(|_| ());
        }
        if let Some(lora) = LoraFile::recognise(&path) {
            self.kind = Kind::Lora;
            let summary = lora?.summary();
            let width = || Some(format!("text embeddings {} wide", summary.text_width?));
            self.family = summary.family.map(str::to_owned).or_else(width);
            self.about = match summary.ranks {
                (least, most) if least == most => format!("rank {least}"),
                (least, most) => format!("ranks {least} to {most}"),
            };
            let tags = || summary.tags.iter().take(TAGS).map(|tag| tag.words.as_str());
            self.words = match &summary.trigger {
                Some(trigger) => phrases([trigger.as_str()]),
                None => phrases(tags()),
            };
            self.brought = phrases(summary.embeddings.iter().map(String::as_str));
            return Ok(());
        }
        if tiny_decoder(&file).is_ok() {
            self.kind = Kind::Vae;
            return Err(Error::Invalid {
                file: path.display().to_string(),
                fact: "is a small decoder (TAESD)".to_owned(),
                remedy: "previews are made with it by themselves",
            });
        }
        let summary = FileSummary::of(&path)?;
        self.kind = summary.role;
        // (A folder says what an autoencoder with a text encoder beside it is for.)
        if self.kind != Kind::Checkpoint && self.kind != Kind::Embedding {
            self.kind = hint.filter(|hint| matches!(hint, Kind::Vae | Kind::TextEncoder)).unwrap_or(self.kind);
        }
        self.family = summary.family.map(str::to_owned);
        let about = summary.kind.strip_prefix(summary.family.unwrap_or_default()).unwrap_or(&summary.kind);
        let lacks = match summary.missing.as_slice() {
            [] => String::new(),
            missing => format!(", without {}", missing.join(" and ")),
        };
        self.about = format!("{}{lacks}", about.trim_start_matches(", "));
        Ok(())
    }

    fn read_metadata(&mut self, file: &TensorFile) {
        let says = |key: &str| file.metadata(key).map(beside::line).filter(|text| !text.is_empty() && text != "None");
        self.base = says("ss_sd_model_name").filter(|name| !name.contains(['/', '\\'])).map(|name| {
            let path = Path::new(&name);
            let known = path.extension().is_some_and(|ending| ending == "safetensors" || ending == "ckpt");
            let stem = path.file_stem().filter(|_| known);
            stem.map_or_else(|| name.clone(), |stem| stem.to_string_lossy().into_owned())
        });
        self.base =
            self.base.take().or_else(|| says("ss_base_model_version")).or_else(|| says("modelspec.architecture"));
        self.has_picture_inside =
            file.metadata("modelspec.thumbnail").is_some_and(|url| url.starts_with("data:image/"));
        if let Some(trigger) = says("modelspec.trigger_phrase") {
            self.words = phrases([trigger.as_str()]);
        }
    }
}

/// The name of a model: its file's without the ending, its folder's, or that of a repository in Hugging Face's cache.
fn name(path: &Path) -> String {
    let own = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let own = own.unwrap_or_default().to_string_lossy().into_owned();
    let in_cache = path.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "snapshots"));
    let repository = in_cache.and_then(|folder| folder.parent()?.file_name()?.to_str()?.strip_prefix("models--"));
    if !path.is_dir() && !NAMELESS.contains(&own.as_str()) {
        return own;
    }
    if let Some(repository) = repository {
        return repository.replace("--", "/");
    }
    if path.is_dir() {
        return own;
    }
    let folder = path.parent().and_then(Path::file_name);
    folder.map_or(own, |folder| folder.to_string_lossy().into_owned())
}

/// An error's text without the path at its beginning, which is shown beside it.
fn without_path(error: &Error, path: &Path) -> String {
    let text = error.to_string();
    let begins = format!("{}", path.display());
    let inner = text.strip_prefix(&begins).unwrap_or(&text);
    inner
        .split_once(": ")
        .filter(|(place, _)| place.is_empty() || place.starts_with(['/', '\\']))
        .map_or_else(|| inner.to_owned(), |(_, fact)| fact.to_owned())
}

fn not_unicode(path: &Path) -> Error {
    Error::Invalid {
        file: path.display().to_string(),
        fact: "has a name that is not Unicode".to_owned(),
        remedy: "rename it",
    }
}

/// The first bytes of a file.
fn start(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(1 << 10).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|source| Error::Unreadable { file: path.display().to_string(), source })
}
