//! Whether a file is still the one that was opened.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file's or a folder's path, with the time and the length that change with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    path: PathBuf,
    changed: Option<SystemTime>,
    length: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Self {
        let data = std::fs::metadata(path).ok();
        let changed = data.as_ref().and_then(|data| data.modified().ok());
        Self { path: path.to_owned(), changed, length: data.map_or(0, |data| data.len()) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// True where it was made of this path, and the file is as it was.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        *self == Self::of(path)
    }
}
