//! A finished picture of the strip: what it was made from, what is said of it, and how it is kept in memory.

use super::facts::Facts;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, Take, TakeNote};
use egui::TextureHandle;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

/// The most letters of a name.
const NAME: usize = 80;

/// One finished picture.
pub(in crate::app) struct Item {
    pub number: u64,
    /// What it was made with; `None` until its file is read.
    pub(super) facts: Option<Facts>,
    /// What is said of it.
    pub(super) note: TakeNote,
    /// As high as the strip shows it.
    pub texture: Option<TextureHandle>,
    /// As large as the board shows it.
    pub large: Option<TextureHandle>,
    pub(super) packed: Option<Arc<[u8]>>,
    pub(super) open: Option<(Arc<Take>, Document)>,
    /// Recognizes the picture after it was let go.
    pub(super) known: Weak<Take>,
    /// The clock's count when it was used last.
    pub(super) used: u64,
}

impl Item {
    pub(super) fn memory(&self) -> usize {
        self.open.as_ref().map_or(0, |(take, document)| {
            take.image.as_raw().len() + document.regions.iter().map(|r| r.mask.memory()).sum::<usize>()
        })
    }

    #[must_use]
    pub(in crate::app) fn is(&self, take: &Arc<Take>) -> bool {
        self.known.as_ptr() == Arc::as_ptr(take)
    }

    #[must_use]
    pub(in crate::app) fn seed(&self) -> Option<u64> {
        self.facts.as_ref().map(|facts| facts.seed)
    }

    #[must_use]
    pub(in crate::app) fn name(&self) -> String {
        self.seed().map_or_else(|| tr("Take").to_owned(), |seed| fill("Take, seed {0}", &[&seed]))
    }

    /// Its name with its caption, as it is read aloud.
    #[must_use]
    pub(in crate::app) fn full_name(&self, caption: &str) -> String {
        if caption.is_empty() || self.seed().is_some_and(|seed| caption == fill("seed {0}", &[&seed])) {
            self.name()
        } else {
            format!("{}, {caption}", self.name())
        }
    }

    /// True where a person wants to keep it.
    #[must_use]
    pub(in crate::app) fn is_starred(&self) -> bool {
        self.note.starred
    }

    /// The name that a person gave it; empty without one.
    #[must_use]
    pub(in crate::app) fn given_name(&self) -> &str {
        &self.note.name
    }

    /// The time since it was finished, where that is known.
    #[must_use]
    pub(in crate::app) fn age(&self) -> Option<Duration> {
        let made = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.note.made?))?;
        Some(made.elapsed().unwrap_or_default())
    }

    /// What it was made with, in a few words.
    #[must_use]
    pub(in crate::app) fn told(&self) -> String {
        self.facts.as_ref().map(Facts::line).unwrap_or_default()
    }

    /// Gives it a name, or takes it away where that is empty; true where that changes something.
    pub(super) fn set_name(&mut self, name: &str) -> bool {
        let name: String = name.trim().chars().filter(|c| !c.is_control()).take(NAME).collect();
        let changes = self.note.name != name;
        self.note.name = name;
        changes
    }
}
