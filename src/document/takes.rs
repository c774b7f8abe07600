//! The finished pictures of a document, beside the one that is kept in it.
//!
//! Each is a PNG with its project inside, as exported pictures are, in an entry `takes/NUMBER.png` of the project's file: what
//! it was made from comes back with it, other programs can open it, and versions that know nothing of it carry it along.
//! Later pictures have larger numbers.

use super::{Carry, Document, FileError, Take};
use std::sync::Arc;

/// Their folder in the file.
pub(super) const FOLDER: &str = "takes/";

/// The most that a document keeps.
pub const TAKES_COUNT: usize = 32;

/// The most bytes they take in the file and in memory.
pub const TAKES_MEMORY: usize = 192 << 20;

impl Document {
    /// A picture made from this document, as a document keeps it.
    ///
    /// # Errors
    /// If the masks are more than a picture can carry.
    pub fn pack_take(&self, take: &Arc<Take>) -> Result<Arc<[u8]>, FileError> {
        let mut bytes = Vec::new();
        let document = Self { take: Some(Arc::clone(take)), ..self.without_takes() };
        document.write_png(&take.image, Carry::ALL, &mut bytes)?;
        Ok(bytes.into())
    }

    /// The same document without any finished picture: what a picture is made from.
    #[must_use]
    pub fn without_takes(&self) -> Self {
        let mut document = Self { take: None, ..self.clone() };
        document.extra.retain(|name, _| !name.starts_with(FOLDER));
        document
    }

    /// The finished pictures in the file, the oldest first: their numbers and what [`Self::pack_take`] made of them.
    #[must_use]
    pub fn packed_takes(&self) -> Vec<(u64, Arc<[u8]>)> {
        let number = |name: &str| name.strip_prefix(FOLDER)?.strip_suffix(".png")?.parse().ok();
        let mut takes: Vec<(u64, Arc<[u8]>)> =
            self.extra.iter().filter_map(|(name, bytes)| Some((number(name)?, Arc::clone(bytes)))).collect();
        takes.sort_by_key(|(number, _)| *number);
        takes
    }

    /// Keeps these pictures in the file: the newest of them, as far as [`TAKES_COUNT`] and [`TAKES_MEMORY`] allow.
    pub fn set_packed_takes(&mut self, takes: impl IntoIterator<Item = (u64, Arc<[u8]>)>) {
        let mut takes: Vec<(u64, Arc<[u8]>)> = takes.into_iter().collect();
        takes.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        let mut left = TAKES_MEMORY;
        let fits = |(_, bytes): &(u64, Arc<[u8]>)| {
            let fits = bytes.len() <= left;
            left = left.saturating_sub(bytes.len());
            fits
        };
        self.extra.retain(|name, _| !name.starts_with(FOLDER));
        let kept = takes.into_iter().take(TAKES_COUNT).take_while(fits);
        self.extra.extend(kept.map(|(number, bytes)| (format!("{FOLDER}{number}.png"), bytes)));
    }
}
