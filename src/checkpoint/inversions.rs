//! Textual inversions (Gal et al. 2022, arXiv:2208.01618): files of vectors that stand in a prompt in the place of tokens, called by
//! the file's name.
//!
//! They are looked for in folders `embeddings` near the checkpoint, as ComfyUI and the web UIs have them, and where a person says. LoRAs
//! may bring some along, for the prompts that they count for; as in the web UI, a file of that name goes before. Only those that a
//! prompt names are read.

use super::lora::{LoraFile, bundled, in_bundle};
use super::safetensors::{Change, TensorFile};
use super::stamp::Stamp;
use super::store::is_pickle;
use super::{Error, PARTS_SEPARATOR, Result};
use crate::networks::Weights as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Ids from here on stand for vectors; a vocabulary never reaches so far.
pub(super) const FIRST_ID: u32 = 1 << 24;

/// The folder in which programs keep them.
const FOLDER: &str = "embeddings";
/// Folders around a checkpoint in which that folder is looked for: `models/checkpoints` and `models/Stable-diffusion` lie so deep.
const AROUND: usize = 3;
/// Folders within each other that are looked through.
const DEPTH: usize = 4;
/// Files that are known at most.
const MOST: usize = 20_000;
/// Vectors that one stands for at most: a chunk of a prompt.
const LONGEST: usize = 75;

/// Reasons why a prompt's textual inversion is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// There is no such file.
    #[error("there is no textual inversion “{0}”; put its file into a folder `embeddings` beside the model's folder")]
    Unknown(String),
    /// It is for another family.
    #[error("{file}: is a textual inversion for {family}, which this checkpoint is not; it is left out")]
    Family {
        /// Its file.
        file: String,
        /// Its family.
        family: String,
    },
    /// Its file cannot be used: one line that says why.
    #[error("{0}; it is left out")]
    Unusable(String),
}

/// Vectors with the indices of the ids that they replace.
pub(super) type Placed = Vec<(usize, Arc<[f32]>)>;

/// A file's state when the folder was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Known {
    stamp: Stamp,
    /// Its name in the LoRA that brings it along; `None` where the file is its own.
    inside: Option<String>,
}

impl Known {
    fn of(path: &Path) -> Self {
        Self { stamp: Stamp::of(path), inside: None }
    }

    /// For messages.
    fn name(&self) -> String {
        let file = self.stamp.path().display();
        self.inside.as_ref().map_or_else(|| file.to_string(), |name| format!("{file} ({name})"))
    }
}

/// By name in lower case, without the ending.
type Named = BTreeMap<String, Known>;

/// Those that LoRAs bring along; the first of a name counts.
fn brought(loras: &[(Arc<LoraFile>, f32)]) -> Named {
    let mut named = Named::new();
    for (lora, _) in loras {
        for name in lora.embeddings() {
            let known = || Known { inside: Some(name.clone()), ..Known::of(lora.path()) };
            named.entry(name.to_lowercase()).or_insert_with(known);
        }
    }
    named
}

/// The textual inversions that words can call, and those that were read.
#[derive(Debug, Default)]
pub(super) struct Inversions {
    files: Named,
    /// Those that the LoRAs of all prompts bring along.
    of_all: Named,
    /// Those that each set of LoRAs brings along.
    of_sets: Vec<Named>,
    /// The set of the prompt that is being read.
    set: Option<usize>,
    /// Ids of those that were read, and reasons against the others.
    read: HashMap<Known, Result<Vec<u32>, LeftOut>>,
    /// Vectors by id, one for each text encoder.
    vectors: Vec<Vec<Arc<[f32]>>>,
    /// Widths of the text encoders.
    widths: Vec<usize>,
    /// What was named and left out since this was last asked.
    left_out: Vec<LeftOut>,
}

impl Inversions {
    /// None yet, for text encoders of these widths.
    pub(super) fn for_widths(widths: Vec<usize>) -> Self {
        Self { widths, ..Self::default() }
    }

    /// Looks for them near a checkpoint and at these paths. True where any is another one than before.
    pub(super) fn look(&mut self, checkpoint: &str, paths: &[String]) -> bool {
        let mut files = Named::new();
        for path in paths {
            let path = Path::new(path);
            if path.is_dir() { list(path, 0, &mut files) } else { add(path, &mut files) }
        }
        for folder in near(checkpoint) {
            list(&folder, 0, &mut files);
        }
        if files == self.files {
            return false;
        }
        self.files = files;
        self.read.clear();
        self.vectors.clear();
        true
    }

    /// Takes over what the LoRAs of all prompts bring along. True where that is another than before.
    pub(super) fn bring(&mut self, loras: &[(Arc<LoraFile>, f32)]) -> bool {
        let brought = brought(loras);
        std::mem::replace(&mut self.of_all, brought) != self.of_all
    }

    /// The same for sets of LoRAs, by their numbers.
    pub(super) fn bring_sets(&mut self, sets: &[Vec<(Arc<LoraFile>, f32)>]) -> bool {
        let brought = sets.iter().map(|loras| brought(loras)).collect();
        std::mem::replace(&mut self.of_sets, brought) != self.of_sets
    }

    /// Reads prompts of this set of LoRAs from now on.
    pub(super) fn use_set(&mut self, set: Option<usize>) {
        self.set = set;
    }

    /// What can be called, the first of a name before the others.
    fn named(&self) -> impl Iterator<Item = &Named> {
        let own = self.set.and_then(|set| self.of_sets.get(set));
        [&self.files].into_iter().chain(own).chain([&self.of_all])
    }

    fn known(&self, name: &str) -> Option<&Known> {
        self.named().find_map(|named| named.get(name))
    }

    /// The names that may be meant in a text, whatever stands between their letters.
    pub(super) fn candidates(&self, text: &str) -> Vec<String> {
        if self.named().all(BTreeMap::is_empty) {
            return Vec::new();
        }
        let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let text: String = bare(text);
        let fits =
            |name: &&String| Some(bare(name)).is_some_and(|name: String| !name.is_empty() && text.contains(&name));
        let names: BTreeSet<&String> = self.named().flat_map(BTreeMap::keys).filter(fits).collect();
        names.into_iter().cloned().collect()
    }

    /// The longest name that a run of letters without blanks begins with, and the bytes that it takes: `quill.pt,` calls `quill`.
    pub(super) fn called<'a>(&self, run: &'a str) -> Option<(&'a str, usize)> {
        let mut end = run.len();
        loop {
            let text = run.get(..end)?;
            // (A name may be given with its folder.)
            let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
            for name in [Some(name), without_ending(name)].into_iter().flatten() {
                if self.known(&name.to_lowercase()).is_some() {
                    return Some((name, end));
                }
            }
            let last = text.chars().next_back().filter(|c| !c.is_alphanumeric())?;
            end -= last.len_utf8();
        }
    }

    /// The ids of the vectors of one by its name; none where it is left out.
    pub(super) fn ids(&mut self, name: &str) -> Option<Vec<u32>> {
        let Some(known) = self.known(&name.to_lowercase()).cloned() else {
            self.unknown(name);
            return None;
        };
        if !self.read.contains_key(&known) {
            let read = self.open(&known);
            self.read.insert(known.clone(), read);
        }
        match self.read.get(&known)? {
            Ok(ids) => Some(ids.clone()),
            Err(left_out) => {
                let left_out = left_out.clone();
                self.leave_out(left_out);
                None
            }
        }
    }

    /// Notes that a prompt names one that is not there.
    pub(super) fn unknown(&mut self, name: &str) {
        self.leave_out(LeftOut::Unknown(name.chars().take(100).collect()));
    }

    fn leave_out(&mut self, left_out: LeftOut) {
        if !self.left_out.contains(&left_out) {
            self.left_out.push(left_out);
        }
    }

    /// What was named and left out since this was last asked.
    pub(super) fn left_out(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.left_out)
    }

    /// Takes ids of vectors out of a chunk for a text encoder, by the encoder's number: the vectors with their indices. Token 0 stands
    /// there instead.
    pub(super) fn take_out(&self, encoder: usize, ids: &mut [u32]) -> Placed {
        let mut vectors = Vec::new();
        for (index, id) in ids.iter_mut().enumerate() {
            let Some(number) = id.checked_sub(FIRST_ID) else { continue };
            vectors
                .extend(self.vectors.get(number as usize).and_then(|all| Some((index, Arc::clone(all.get(encoder)?)))));
            *id = 0;
        }
        vectors
    }

    fn open(&mut self, known: &Known) -> Result<Vec<u32>, LeftOut> {
        let file = known.name();
        let unusable = |error: Error| LeftOut::Unusable(error.to_string());
        let tensors = match is_pickle(known.stamp.path()) {
            Ok(true) => {
                let way_out = "it can run code and is never read, get it as .safetensors";
                return Err(LeftOut::Unusable(format!("{file}: is a Python pickle; {way_out}")));
            }
            _ => TensorFile::open_path(known.stamp.path()).map_err(unusable)?,
        };
        let tensors = match &known.inside {
            Some(name) => inside(&tensors, name),
            None => tensors,
        };
        let found = Vectors::of(&tensors).map_err(unusable)?;
        let count = found.encoders.first().map_or(0, Vec::len);
        if found.widths() != self.widths {
            return Err(LeftOut::Family { file, family: found.family() });
        }
        let first = FIRST_ID + self.vectors.len() as u32;
        for index in 0..count {
            self.vectors.push(found.encoders.iter().filter_map(|vectors| vectors.get(index).cloned()).collect());
        }
        Ok((first..first + count as u32).collect())
    }
}

/// The file that a textual inversion in a LoRA would be.
fn inside(lora: &TensorFile, name: &str) -> TensorFile {
    let names = lora.names().into_iter().filter(|tensor| bundled(tensor) == Some(name));
    lora.part(names.filter_map(|tensor| Some((in_bundle(&tensor, name)?.to_owned(), (tensor.clone(), Change::Name)))))
}

/// The vectors of a file, for each text encoder.
#[derive(Debug)]
struct Vectors {
    encoders: Vec<Vec<Arc<[f32]>>>,
}

impl Vectors {
    /// SDXL's have a tensor for each text encoder; the others one of any name.
    fn of(file: &TensorFile) -> Result<Self> {
        let invalid = |fact: String| Error::Invalid {
            file: file.name(),
            fact,
            remedy: "choose a textual inversion, a .safetensors file of its own kind",
        };
        let names = file.names();
        let named: Vec<&str> = if file.has("clip_l") && file.has("clip_g") {
            vec!["clip_l", "clip_g"]
        } else if file.has("emb_params") {
            vec!["emb_params"]
        } else if let [name] = names.as_slice() {
            vec![name]
        } else {
            return Err(invalid(format!("is no textual inversion: it holds {} tensors", names.len())));
        };
        let mut encoders = Vec::new();
        for name in named {
            let shape = file.shape_of(name).unwrap_or_default();
            let (count, width) = match *shape {
                [width] => (1, width),
                [count, width] => (count, width),
                _ => return Err(invalid(format!("is no textual inversion: its tensor is {shape:?}"))),
            };
            if count == 0 || count > LONGEST || width == 0 {
                return Err(invalid(format!(
                    "has {count} vectors of {width} values, where 1 to {LONGEST} are possible"
                )));
            }
            let values = file.read(name)?.into_f32();
            encoders.push(values.chunks_exact(width).map(Arc::from).collect::<Vec<Arc<[f32]>>>());
        }
        if encoders.iter().any(|vectors| Some(vectors.len()) != encoders.first().map(Vec::len)) {
            return Err(invalid("has other numbers of vectors for the two text encoders".to_owned()));
        }
        Ok(Self { encoders })
    }

    fn widths(&self) -> Vec<usize> {
        self.encoders.iter().filter_map(|vectors| Some(vectors.first()?.len())).collect()
    }

    fn family(&self) -> String {
        match *self.widths() {
            [768] => "Stable Diffusion 1".to_owned(),
            [1024] => "Stable Diffusion 2".to_owned(),
            [768, 1280] => "SDXL".to_owned(),
            ref widths => format!("text encoders of width {widths:?}"),
        }
    }
}

/// A name without the ending that files of this kind have.
fn without_ending(name: &str) -> Option<&str> {
    let (stem, ending) = name.rsplit_once('.')?;
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)).then_some(stem)
}

/// Endings of their files, the one that is read first.
const ENDINGS: [&str; 3] = ["safetensors", "pt", "bin"];

/// The folders of them near a checkpoint's files.
fn near(checkpoint: &str) -> Vec<PathBuf> {
    let whole = Path::new(checkpoint);
    let parts: Vec<&Path> = if whole.exists() {
        vec![whole]
    } else {
        checkpoint.split(PARTS_SEPARATOR).map(|part| Path::new(part.trim())).filter(|part| part.exists()).collect()
    };
    let mut folders = Vec::new();
    for part in parts {
        let Ok(part) = part.canonicalize() else { continue };
        let inside = part.is_dir().then(|| part.clone());
        for around in inside.iter().map(PathBuf::as_path).chain(part.ancestors().skip(1).take(AROUND)) {
            let folder = around.join(FOLDER);
            if folder.is_dir() && !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}

fn list(folder: &Path, depth: usize, files: &mut Named) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if depth < DEPTH {
                list(&path, depth + 1, files);
            }
        } else if files.len() < MOST {
            add(&path, files);
        }
    }
}

/// Adds a file, unless there is one of that name; but a pickle gives way.
fn add(path: &Path, files: &mut Named) {
    let Some(file) = path.file_name().and_then(|name| name.to_str()) else { return };
    let Some(stem) = without_ending(file) else { return };
    let safe = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(ENDINGS[0]));
    let name = stem.to_lowercase();
    if files.get(&name).is_none_or(|other| safe(path) && !safe(other.stamp.path())) {
        files.insert(name, Known::of(path));
    }
}
