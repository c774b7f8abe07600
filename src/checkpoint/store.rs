//! The files of a checkpoint: in a folder, in the program, in a folder inside another checkpoint's, or what a single file would be as
//! a folder.

use super::safetensors::TensorFile;
use super::single::{Assembled, PARTS_SEPARATOR};
use super::{EMBEDDED, Error, FETCH_AGAIN, Result, embedded, sniff};
use memmap2::Mmap;
use serde_json::Value;
use std::fs::File;
use std::io::Read as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A JSON file larger than this is not one of a checkpoint (the largest, a tokenizer.json, has about 4 MB).
const LARGEST_TEXT: u64 = 64 << 20;

/// A checkpoint's tree of files.
#[derive(Debug, Clone)]
pub(super) enum Store {
    /// A folder on disk.
    Folder(PathBuf),
    /// Files compiled into the program, by their paths.
    Embedded(&'static [(&'static str, &'static [u8])]),
    /// The few-step version inside this tree.
    FewSteps(Box<Self>),
    /// A single file, or several that are one checkpoint.
    Assembled(Arc<Assembled>),
}

/// The folder of a few-step version inside the folder of the checkpoint that it was distilled from.
pub const FEW_STEPS: &str = "few_steps";

/// The name of the embedded checkpoint's few-step version.
pub const EMBEDDED_FEW_STEPS: &str = "embedded/few_steps";

/// Files that a few-step version must have itself. Any other file that its folder lacks is taken from the outer checkpoint.
const ITS_OWN: [&str; 3] = ["unet", "scheduler", "README.md"];

/// A file's content.
#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Mmap),
    Static(&'static [u8]),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Static(bytes) => bytes,
        }
    }
}

impl Bytes {
    /// Gives the pages of a mapped file back to the system, which counts them as the program's memory. They are read again, most
    /// often from the system's cache, when they are needed again.
    pub(super) fn release(&self) {
        #[cfg(unix)]
        if let Self::Mapped(map) = self {
            // SAFETY: the map is shared with its file and never written to, so the pages come back with the same bytes.
            #[expect(unsafe_code, reason = "memory is given back this way only")]
            let released = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            if let Err(error) = released {
                log::debug!("the pages of a mapped file stay in memory: {error}");
            }
        }
    }
}

impl Store {
    /// Opens the tree of this name or path, and returns the checkpoint's name with it.
    pub(super) fn open(name_or_path: &str) -> Result<(String, Self)> {
        match name_or_path {
            EMBEDDED => return Ok((EMBEDDED.to_owned(), Self::Embedded(embedded::FILES))),
            EMBEDDED_FEW_STEPS => {
                let outer = Self::Embedded(embedded::FILES);
                return Ok((EMBEDDED_FEW_STEPS.to_owned(), Self::FewSteps(Box::new(outer))));
            }
            _ => {}
        }
        let path = Path::new(name_or_path);
        if !path.exists() && name_or_path.contains(PARTS_SEPARATOR) {
            let assembled = Assembled::of(name_or_path, name_or_path.split(PARTS_SEPARATOR).map(str::trim))?;
            let names = name_or_path.split(PARTS_SEPARATOR).map(|part| stem(Path::new(part.trim())));
            return Ok((names.collect::<Vec<_>>().join(PARTS_SEPARATOR), Self::Assembled(Arc::new(assembled))));
        }
        if !path.is_dir() {
            refuse_file(path)?;
            return Ok((stem(path), Self::Assembled(Arc::new(Assembled::open(path)?))));
        }
        let called = |path: &Path| path.canonicalize().ok()?.file_name().map(|n| n.to_string_lossy().into_owned());
        let outer = path.parent().filter(|_| path.file_name().is_some_and(|name| name == FEW_STEPS));
        let outer = outer.map(|outer| if outer.as_os_str().is_empty() { Path::new(".") } else { outer });
        if let Some(outer) = outer.filter(|outer| outer.join("unet/config.json").is_file()) {
            let name = called(outer).map_or_else(|| name_or_path.to_owned(), |name| format!("{name}/{FEW_STEPS}"));
            return Ok((name, Self::FewSteps(Box::new(Self::Folder(outer.to_owned())))));
        }
        let name = called(path).unwrap_or_else(|| name_or_path.to_owned());
        Ok((name, Self::Folder(path.to_owned())))
    }

    /// Whether it has the weights of a few-step version.
    pub(super) fn has_few_steps(&self) -> bool {
        let weights = |kind: &str| format!("{FEW_STEPS}/unet/diffusion_pytorch_model{kind}.safetensors");
        !matches!(self, Self::FewSteps(_)) && ["", ".fp16"].iter().any(|kind| self.has(&weights(kind)))
    }

    /// The path, in this tree, of a file of its few-step version.
    fn within(&self, path: &str) -> String {
        let part = path.split('/').next().unwrap_or_default();
        let inner = |part: &str| format!("{FEW_STEPS}/{part}");
        let there = ITS_OWN.contains(&part) || path.is_empty() || self.has_part(&inner(part));
        if there { inner(path).trim_end_matches('/').to_owned() } else { path.to_owned() }
    }

    /// Whether there is a file or folder of this path.
    fn has_part(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(path).exists(),
            Self::Embedded(files) => files.iter().any(|(name, _)| Path::new(name).starts_with(path)),
            Self::FewSteps(outer) => outer.has_part(&outer.within(path)),
            Self::Assembled(_) => false,
        }
    }

    /// A file's full name, for messages.
    pub(super) fn describe(&self, path: &str) -> String {
        match self {
            Self::Folder(folder) if path.is_empty() => folder.display().to_string(),
            Self::Folder(folder) => folder.join(path).display().to_string(),
            Self::Embedded(_) => format!("embedded checkpoint: {path}"),
            Self::FewSteps(outer) => outer.describe(&outer.within(path)),
            Self::Assembled(files) => files.describe(path),
        }
    }

    /// Whether there is a file of this path.
    pub(super) fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(path).is_file(),
            Self::Embedded(files) => files.iter().any(|(name, _)| *name == path),
            Self::FewSteps(outer) => outer.has(&outer.within(path)),
            Self::Assembled(files) => files.has(path),
        }
    }

    fn missing(&self, path: &str) -> Error {
        Error::Missing { file: self.describe(path), remedy: "get the whole checkpoint in the diffusers layout" }
    }

    /// Maps a file.
    pub(super) fn map(&self, path: &str) -> Result<Bytes> {
        match self {
            Self::Folder(folder) => {
                let full = folder.join(path);
                if full.is_file() { map_file(&full) } else { Err(self.missing(path)) }
            }
            Self::Embedded(files) => files
                .iter()
                .find(|(name, _)| *name == path)
                .map(|(_, bytes)| Bytes::Static(bytes))
                .ok_or_else(|| self.missing(path)),
            Self::FewSteps(outer) => outer.map(&outer.within(path)),
            Self::Assembled(files) => match files.base(path) {
                Some(base) => base.map(path),
                None => Err(self.missing(path)),
            },
        }
    }

    /// The layout of its files, in words.
    pub(super) fn layout(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "inside the program",
            Self::Folder(_) => "diffusers folder",
            Self::FewSteps(outer) => outer.layout(),
            Self::Assembled(files) => files.layout(),
        }
    }

    /// A folder's network, where it is no file of its own.
    pub(super) fn part(&self, folder: &str) -> Option<TensorFile> {
        match self {
            Self::Assembled(files) => files.part(folder),
            _ => None,
        }
    }

    /// Reads a text file.
    pub(super) fn text(&self, path: &str) -> Result<String> {
        let invalid =
            |fact: &str| Error::Invalid { file: self.describe(path), fact: fact.to_owned(), remedy: FETCH_AGAIN };
        let bytes = match self {
            Self::FewSteps(outer) => return outer.text(&outer.within(path)),
            Self::Assembled(files) => {
                return match (files.text(path)?, files.base(path)) {
                    (Some(text), _) => Ok(text),
                    (None, Some(base)) => base.text(path),
                    (None, None) => Err(self.missing(path)),
                };
            }
            Self::Embedded(_) => self.map(path)?.to_vec(),
            Self::Folder(folder) => {
                let unreadable = |source| Error::Unreadable { file: self.describe(path), source };
                let full = folder.join(path);
                if !full.is_file() {
                    return Err(self.missing(path));
                }
                let mut bytes = Vec::new();
                let file = File::open(full).map_err(unreadable)?;
                file.take(LARGEST_TEXT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
                bytes
            }
        };
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_TEXT) {
            return Err(invalid("is larger than 64 MiB"));
        }
        String::from_utf8(bytes).map_err(|_| invalid("is not UTF-8 text"))
    }

    /// Reads a JSON file.
    pub(super) fn json(&self, path: &str) -> Result<Value> {
        if let Self::Assembled(files) = self {
            return match (files.json(path)?, files.base(path)) {
                (Some(value), _) => Ok(value),
                (None, Some(base)) => base.json(path),
                (None, None) => Err(self.missing(path)),
            };
        }
        let text = self.text(path)?;
        serde_json::from_str(&text).map_err(|error| Error::Invalid {
            file: self.describe(path),
            fact: format!("is not JSON ({error})"),
            remedy: FETCH_AGAIN,
        })
    }
}

/// Maps a file by its full path.
pub(super) fn map_file(path: &Path) -> Result<Bytes> {
    let unreadable = |source| Error::Unreadable { file: path.display().to_string(), source };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() == 0 {
        return Ok(Bytes::Static(&[]));
    }
    // SAFETY: the map is only read. A checkpoint that another program cuts short while it is open can end this one, as with
    // every memory-mapped model; there is no way to map a file that rules this out.
    #[expect(unsafe_code, reason = "mapping gigabytes of weights instead of copying them")]
    let map = unsafe { Mmap::map(&file) };
    map.map(Bytes::Mapped).map_err(unreadable)
}

/// Refuses a path that is no folder and no `.safetensors` file.
fn refuse_file(path: &Path) -> Result<()> {
    let file = path.display().to_string();
    if !path.is_file() {
        return Err(Error::Missing {
            file,
            remedy: "give `embedded`, a .safetensors file or a folder in the diffusers layout",
        });
    }
    if is_pickle(path).map_err(|source| Error::Unreadable { file: file.clone(), source })? {
        return Err(Error::Pickle { file });
    }
    if has_ending(path, "safetensors") {
        return Ok(());
    }
    sniff::refuse(&file, &start(path).map_err(|source| Error::Unreadable { file: file.clone(), source })?)?;
    Err(Error::Invalid {
        file,
        fact: "is not a checkpoint".to_owned(),
        remedy: "give a .safetensors file or a folder in the diffusers layout",
    })
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// A file's name without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The first bytes of a file.
fn start(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether a file is a pickle by its first bytes, bare or in a zip archive, or by an ending that pickles have.
pub(super) fn is_pickle(path: &Path) -> std::io::Result<bool> {
    let start = start(path)?;
    let named = ["ckpt", "pt", "pth", "bin", "pkl"].iter().any(|ending| has_ending(path, ending));
    Ok(sniff::is_pickle(&start) || (named && sniff::refuse("", &start).is_ok()))
}
