//! What was seen of model files when they were last looked at, in a file of the data folder, so that thousands of them list at once.

use super::item::Item;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

const FILE: &str = "models-seen.json";

/// The format; a file of another one is made anew.
const FORMAT: u64 = 2;

/// A file larger than this is no index.
const LARGEST: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct Content {
    seen: u64,
    models: Vec<Item>,
}

/// Reads the index; what cannot be read is made anew.
pub(super) fn read(data: &Path) -> Vec<Item> {
    let mut text = Vec::new();
    let read = std::fs::File::open(data.join(FILE)).and_then(|file| file.take(LARGEST).read_to_end(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    match serde_json::from_slice::<Content>(&text) {
        Ok(content) if content.seen == FORMAT => content.models,
        Ok(_) => Vec::new(),
        Err(error) => {
            log::warn!("{FILE}: {error}; it is made anew");
            Vec::new()
        }
    }
}

/// Writes the index: a temporary file, renamed. Without it everything is only looked at again.
pub(super) fn write(data: &Path, items: &[Item]) {
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(data)?;
        let mut beside = tempfile::NamedTempFile::new_in(data)?;
        let content = Content { seen: FORMAT, models: items.to_vec() };
        beside.write_all(&serde_json::to_vec(&content)?)?;
        beside.persist(data.join(FILE))?;
        Ok(())
    };
    if let Err(error) = write() {
        log::warn!("{FILE} cannot be written: {error}");
    }
}

/// Items by their paths.
pub(super) fn by_path(items: Vec<Item>) -> HashMap<PathBuf, Item> {
    items.into_iter().map(|item| (item.path.clone(), item)).collect()
}
