//! Models and folders of models that a person has added, by name, in a small file of the data folder: `models.json`.
//!
//! ```json
//! {"catalogue": 1, "models": [{"name": "ink", "kind": "lora", "path": "/home/mia/ink.safetensors"},
//!                             {"name": "ComfyUI", "kind": "folder", "path": "/home/mia/ComfyUI"}]}
//! ```

use super::{Checkpoint, EMBEDDED, Error, LoraFile, Result, few_step_base, library};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file's name.
const FILE: &str = "models.json";

/// The format written, and the newest one read.
const FORMAT: u64 = 1;

/// A file larger than this is no catalogue.
const LARGEST: u64 = 1 << 20;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file, or a folder in the diffusers layout.
    Checkpoint,
    /// A LoRA file.
    Lora,
    /// A textual inversion: a word of its own for prompts.
    Embedding,
    /// A ControlNet.
    ControlNet,
    /// An autoencoder.
    Vae,
    /// A text encoder.
    TextEncoder,
    /// A folder of models, such as ComfyUI's.
    Folder,
}

impl Kind {
    /// The kinds of models.
    pub const MODELS: [Self; 6] =
        [Self::Checkpoint, Self::Lora, Self::Embedding, Self::ControlNet, Self::Vae, Self::TextEncoder];

    /// Its name.
    #[must_use]
    pub fn singular(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Lora => "LoRA",
            Self::Embedding => "embedding",
            Self::ControlNet => "ControlNet",
            Self::Vae => "autoencoder",
            Self::TextEncoder => "text encoder",
            Self::Folder => "folder",
        }
    }

    /// Its name, for several.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoints",
            Self::Lora => "LoRAs",
            Self::Embedding => "embeddings",
            Self::ControlNet => "ControlNets",
            Self::Vae => "autoencoders",
            Self::TextEncoder => "text encoders",
            Self::Folder => "folders",
        }
    }
}

/// A model or a folder of models that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The name of its folder, or of its file without the ending.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its absolute path.
    pub path: PathBuf,
}

/// The list of what was added. Every change is written to its file at once.
#[derive(Debug)]
pub struct Catalogue {
    file: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    catalogue: u64,
    models: Vec<Entry>,
}

impl Catalogue {
    /// Reads the catalogue of a data folder. A missing file is an empty catalogue.
    ///
    /// # Errors
    /// If the file cannot be read or is not a catalogue.
    pub fn open(data: &Path) -> Result<Self> {
        let file = data.join(FILE);
        let name = || file.display().to_string();
        let invalid = |fact: String| Error::Invalid {
            file: name(),
            fact,
            remedy: "mend or delete it, then add your models again (the models themselves are not in it)",
        };
        let length = match std::fs::metadata(&file) {
            Ok(data) => data.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { file, entries: Vec::new() });
            }
            Err(source) => return Err(Error::Unreadable { file: name(), source }),
        };
        if length > LARGEST {
            return Err(invalid("is larger than 1 MiB".to_owned()));
        }
        let text = std::fs::read(&file).map_err(|source| Error::Unreadable { file: name(), source })?;
        let content: Content =
            serde_json::from_slice(&text).map_err(|error| invalid(format!("is not a list of models ({error})")))?;
        if content.catalogue > FORMAT {
            return Err(invalid(format!("is of format {}, this program reads up to {FORMAT}", content.catalogue)));
        }
        Ok(Self { file, entries: content.models })
    }

    /// The entries, in the order in which they were added.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that kind and name.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.kind == kind && entry.name == name)
    }

    /// Checks that a checkpoint or LoRA can be used, and adds it.
    ///
    /// # Errors
    /// If it cannot be used, its name is taken or is one of this program's, or the catalogue cannot be written.
    pub fn add(&mut self, path: &Path) -> Result<&Entry> {
        let given = || path.display().to_string();
        let kind = kind_of(path)?;
        let path = path.canonicalize().map_err(|source| Error::Unreadable { file: given(), source })?;
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let own_name = || stem.unwrap_or_default().to_string_lossy().into_owned();
        let taken = |name: &String| self.entries.iter().any(|entry| entry.name == *name && entry.path != path);
        let name = match kind {
            // Nobody needs to write it, so it may be long.
            Kind::Folder => {
                library::folder_name(&path).filter(|name| !taken(name)).unwrap_or_else(|| path.display().to_string())
            }
            _ => own_name(),
        };
        let refused = |fact: String, remedy| Err(Error::Invalid { file: given(), fact, remedy });
        if name.is_empty() || name.chars().any(char::is_control) {
            return refused("has no name to call it by".to_owned(), "rename it, then add it");
        }
        if name == EMBEDDED {
            let fact = format!("would be called {EMBEDDED}, as the checkpoint inside the program is");
            return refused(fact, "rename it, then add it");
        }
        if let Some(other) = self.entries.iter().find(|entry| entry.name == name) {
            if other.path == path {
                return refused(format!("is added already, as {name}"), "use it by that name");
            }
            let fact = format!("would be called {name}, as {} is", other.path.display());
            return refused(fact, "rename one, or remove the other with `polyptych models remove`");
        }
        self.entries.push(Entry { name, kind, path });
        if let Err(error) = self.write() {
            self.entries.pop();
            return Err(error);
        }
        self.entries.last().ok_or_else(|| Error::Missing { file: given(), remedy: "add it again" })
    }

    /// Removes the entry of this name and returns it. Its files stay.
    ///
    /// # Errors
    /// If there is no such entry, or the catalogue cannot be written.
    pub fn remove(&mut self, name: &str) -> Result<Entry> {
        let Some(at) = self.entries.iter().position(|entry| entry.name == name) else {
            return Err(Error::Invalid {
                file: name.to_owned(),
                fact: "no model or folder of that name was added".to_owned(),
                remedy: "`polyptych models list` names those that were",
            });
        };
        let entry = self.entries.remove(at);
        if let Err(error) = self.write() {
            self.entries.insert(at, entry);
            return Err(error);
        }
        Ok(entry)
    }

    /// Writes a temporary file and renames it, so that a crash leaves the old catalogue or the new one.
    fn write(&self) -> Result<()> {
        let content = Content { catalogue: FORMAT, models: self.entries.clone() };
        let write = || {
            let folder = self.file.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let mut beside = tempfile::NamedTempFile::new_in(folder)?;
            beside.write_all(&serde_json::to_vec_pretty(&content)?)?;
            beside.as_file().sync_all()?;
            beside.persist(&self.file)?;
            Ok(())
        };
        write().map_err(|source: std::io::Error| Error::Unwritable { file: self.file.display().to_string(), source })
    }
}

/// The kind of a path that can be used.
fn kind_of(path: &Path) -> Result<Kind> {
    let control = path.is_dir() && library::is_control(path);
    if path.is_dir() && !control && !library::is_diffusers(path) {
        if library::holds_models(path) {
            return Ok(Kind::Folder);
        }
        return Err(Error::Invalid {
            file: path.display().to_string(),
            fact: "holds no models (no .safetensors file and no diffusers folder)".to_owned(),
            remedy: "give a model, or a folder of models such as that of ComfyUI",
        });
    }
    if (control || path.is_file())
        && let Ok(item) = library::look_at(path)
        && item.problem.is_none()
        && item.kind != Kind::Checkpoint
    {
        return Ok(item.kind);
    }
    if let Some(lora) = LoraFile::recognise(path) {
        return lora.map(|_| Kind::Lora);
    }
    let text = path.to_str().ok_or_else(|| Error::Invalid {
        file: path.display().to_string(),
        fact: "has a name that is not Unicode".to_owned(),
        remedy: "rename it, then add it",
    })?;
    // A folder of that name, not the checkpoint inside the program.
    let inside = text == EMBEDDED || few_step_base(text).is_some_and(|base| base == EMBEDDED);
    let checkpoint = if inside { Checkpoint::open(&format!("./{text}")) } else { Checkpoint::open(text) }?;
    checkpoint.summary()?;
    Ok(Kind::Checkpoint)
}
