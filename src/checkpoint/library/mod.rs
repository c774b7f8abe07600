//! The library: every model file that was added or lies in an added folder, with its kind, family, picture and trigger words.
//!
//! Files stay where they are. Their headers are read on all threads, once; what was seen is kept in the data folder by path, size and
//! time ([`index`]), so that a folder of thousands lists at once when it is looked at again.

mod beside;
mod folders;
mod hash;
mod index;
mod item;

pub use hash::sha256_of;
pub use item::Item;

use super::{Catalogue, Entry, Error, Kind, Result};
use folders::Found;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The folder, in the data folder, of models that this program fetched.
pub const FETCHED: &str = "fetched";

/// The candidates that an error names.
const CANDIDATES: usize = 8;

/// The models there are.
#[derive(Debug, Clone, Default)]
pub struct Library {
    items: Vec<Item>,
}

impl Library {
    /// What was there when it was last looked at: quick, since only the data folder is read.
    ///
    /// # Errors
    /// If the catalogue is damaged.
    pub fn remembered(data: &Path) -> Result<Self> {
        let entries = entries(data)?;
        let added = |item: &Item| entries.iter().any(|entry| item.path.starts_with(&entry.path));
        let mut items = index::read(data);
        items.retain(added);
        Ok(Self { items })
    }

    /// Looks at everything that was added.
    ///
    /// # Errors
    /// If the catalogue is damaged.
    pub fn read(data: &Path) -> Result<Self> {
        Ok(Self::of(data, &entries(data)?))
    }

    fn of(data: &Path, entries: &[Entry]) -> Self {
        let seen = index::read(data);
        let before = seen.len();
        let mut seen = index::by_path(seen);
        // Named ones first: their names are their own.
        let mut found: Vec<(Found, Option<&Entry>)> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.kind != Kind::Folder) {
            found.extend(folders::look_at(&entry.path).map(|found| (found, Some(entry))));
        }
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Folder) {
            found.extend(folders::look(&entry.path).into_iter().map(|found| (found, None)));
        }
        let mut paths = HashSet::new();
        found.retain(|(found, _)| paths.insert(found.path.clone()));
        let known: Vec<(Found, Option<&Entry>, Option<Item>)> = found
            .into_iter()
            .map(|(found, entry)| {
                let item = seen.remove(&found.path);
                (found, entry, item)
            })
            .collect();
        let mut changed = !seen.is_empty() || before != known.len();
        let items: Vec<(Item, bool)> =
            known.into_par_iter().map(|(found, entry, item)| look(found, entry, item)).collect();
        changed |= items.iter().any(|(_, new)| *new);
        let mut items: Vec<Item> = items.into_iter().map(|(item, _)| item).collect();
        items.sort_by_cached_key(|item| (item.kind, item.name.to_lowercase(), item.path.clone()));
        if changed {
            index::write(data, &items);
        }
        Self { items }
    }

    /// The models, by kind and name.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The model, of one of these kinds, that a person names: by its whole name, by the end of its path, by part of its name that no
    /// other has, or by its hash.
    ///
    /// # Errors
    /// If several are meant; the error lists them.
    pub fn find(&self, kinds: &[Kind], name: &str) -> Result<Option<&Item>> {
        let wanted = name.trim().replace('\\', "/").to_lowercase();
        if wanted.is_empty() {
            return Ok(None);
        }
        let path_of = |item: &Item| item.path.display().to_string().replace('\\', "/").to_lowercase();
        let tail = |item: &Item| {
            let path = path_of(item);
            let stem = path.rsplit_once('.').map_or(path.as_str(), |(stem, _)| stem);
            let end = format!("/{wanted}");
            path.ends_with(&end) || stem.ends_with(&end)
        };
        let hash =
            |item: &Item| wanted.len() >= 8 && item.sha256.as_ref().is_some_and(|hash| hash.starts_with(&wanted));
        let ways: [&dyn Fn(&Item) -> bool; 5] =
            [&|item| item.name == name, &|item| item.name.to_lowercase() == wanted, &tail, &hash, &|item| {
                item.name.to_lowercase().contains(&wanted)
            }];
        for way in ways {
            let found: Vec<&Item> = self.items.iter().filter(|item| kinds.contains(&item.kind) && way(item)).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Some(one)),
                several => return Err(ambiguous(name, several)),
            }
        }
        Ok(None)
    }

    /// Keeps the hash of a file in the index, for as long as the file stays as it is.
    pub fn keep_hash(data: &Path, path: &Path, sha256: &str) {
        let mut items = index::read(data);
        if let Some(item) = items.iter_mut().find(|item| item.path == path) {
            item.sha256 = Some(sha256.to_owned());
            index::write(data, &items);
        }
    }
}

/// What was added, and the folder of what was fetched.
fn entries(data: &Path) -> Result<Vec<Entry>> {
    let mut entries = Catalogue::open(data)?.entries().to_vec();
    let fetched = data.join(FETCHED);
    entries.push(Entry { name: FETCHED.to_owned(), kind: Kind::Folder, path: fetched });
    Ok(entries)
}

/// The item of a file, as it was seen before or looked at now; true where that is news.
fn look(found: Found, entry: Option<&Entry>, seen: Option<Item>) -> (Item, bool) {
    let known = seen.as_ref().is_some_and(|item| item.is_of(&found));
    let (mut item, mut new) = match (known, seen) {
        (true, Some(item)) => (item, false),
        (_, seen) => {
            let mut item = Item::read(&found);
            // A new text beside a file changes nothing of the file.
            let same = seen.filter(|seen| seen.is_of_file(&found));
            item.sha256 = item.sha256.take().or_else(|| same.and_then(|seen| seen.sha256));
            (item, true)
        }
    };
    // Pictures come and go without a change of anything else.
    if item.picture != found.beside.picture {
        item.picture = found.beside.picture;
        new = true;
    }
    if let Some(entry) = entry.filter(|entry| entry.name != item.name) {
        item.name.clone_from(&entry.name);
    }
    (item, new)
}

/// The error of a name that several models have.
fn ambiguous(name: &str, several: &[&Item]) -> Error {
    let twins = |item: &Item| several.iter().filter(|other| other.name == item.name).count() > 1;
    let told = |item: &&Item| if twins(item) { item.path.display().to_string() } else { item.name.clone() };
    let mut names: Vec<String> = several.iter().take(CANDIDATES).map(told).collect();
    if several.len() > CANDIDATES {
        names.push(format!("and {} more", several.len() - CANDIDATES));
    }
    Error::Invalid {
        file: name.to_owned(),
        fact: format!("could be any of: {}", names.join(", ")),
        remedy: "give more of its name, or its path",
    }
}

/// Whether there are models in a folder, or in the folders of models of a program's.
#[must_use]
pub fn holds_models(folder: &Path) -> bool {
    !folders::look(folder).is_empty()
}

/// Whether a folder is a checkpoint in the diffusers layout.
pub(super) fn is_diffusers(folder: &Path) -> bool {
    folders::is_diffusers(folder)
}

/// Whether a folder is a ControlNet in the diffusers layout.
pub(super) fn is_control(folder: &Path) -> bool {
    folders::is_one_model(folder) && !folders::is_diffusers(folder)
}

/// The item of one file or diffusers folder that may be added.
///
/// # Errors
/// If there is nothing at the path.
pub fn look_at(path: &Path) -> Result<Item> {
    let found = folders::look_at(path).ok_or_else(|| Error::Missing {
        file: path.display().to_string(),
        remedy: "give a .safetensors file or a folder of models",
    })?;
    Ok(Item::read(&found))
}

/// The files of a library that may be small decoders of previews, which are listed with the autoencoders.
#[must_use]
pub fn preview_decoders(items: &[Item]) -> Vec<PathBuf> {
    items.iter().filter(|item| item.kind == Kind::Vae).map(|item| item.path.clone()).collect()
}

/// The name of an added folder: its own, or of the program that its folder `models` belongs to.
pub(super) fn folder_name(path: &Path) -> Option<String> {
    let own = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = own(path)?;
    if name.eq_ignore_ascii_case("models") {
        return path.parent().and_then(own).or(Some(name));
    }
    Some(name)
}
