//! The finished pictures of a document, beside the one that is kept in it.
//!
//! Each is a PNG with its project inside, as exported pictures are, in an entry `takes/NUMBER.png` of the project's file: what
//! it was made from comes back with it, other programs can open it, and versions that know nothing of it carry it along.
//! Later pictures have larger numbers. What a person says of them (a name, a star), and what their own documents do not tell, is
//! in `takes/list.json`: `{"takes": [{"number": 3, "name": "dusk", "starred": true, "way": "frame", "made": 1764000000}]}`.

use super::{Carry, Document, FileError, Take};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Their folder in the file.
pub(super) const FOLDER: &str = "takes/";

/// The entry of what is said of them.
const LIST: &str = "takes/list.json";

/// The name of the list in that entry.
const TAKES: &str = "takes";

/// The most that a document keeps.
pub const TAKES_COUNT: usize = 32;

/// The most bytes they take in the file and in memory.
pub const TAKES_MEMORY: usize = 192 << 20;

/// How a finished picture came about, where the document that it carries does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TakeWay {
    /// The whole canvas was drawn.
    #[default]
    Drawn,
    /// A part of the canvas was drawn, and laid into the picture.
    Frame,
    /// A smaller one was enlarged.
    Enlarged,
    /// A region was taken over from another picture.
    Mixed,
    /// A live picture was kept.
    Live,
}

impl TakeWay {
    const ALL: [Self; 5] = [Self::Drawn, Self::Frame, Self::Enlarged, Self::Mixed, Self::Live];

    fn name(self) -> &'static str {
        match self {
            Self::Drawn => "",
            Self::Frame => "frame",
            Self::Enlarged => "enlarged",
            Self::Mixed => "mixed",
            Self::Live => "live",
        }
    }
}

/// What is said of a finished picture beside what it carries itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TakeNote {
    /// The name that a person gave it; empty without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A person wants to keep it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub starred: bool,
    /// A word, so that one of a later version is kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    way: String,
    /// When it was finished, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<u64>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl TakeNote {
    /// A picture that came about in this way, at this time.
    #[must_use]
    pub fn new(way: TakeWay, made: Option<u64>) -> Self {
        Self { way: way.name().to_owned(), made, ..Self::default() }
    }

    /// How it came about.
    #[must_use]
    pub fn way(&self) -> TakeWay {
        TakeWay::ALL.into_iter().find(|way| way.name() == self.way).unwrap_or_default()
    }
}

/// A row of the list.
#[derive(Serialize, Deserialize)]
struct Row {
    number: u64,
    #[serde(flatten)]
    note: TakeNote,
}

/// Which of these pictures a document keeps, given their bytes and stars, the newest first: the newest itself, then those with a star,
/// then the newer before the older, as far as [`TAKES_COUNT`] and [`TAKES_MEMORY`] allow.
#[must_use]
pub fn takes_kept(takes: &[(usize, bool)]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..takes.len()).collect();
    order.sort_by_key(|&at| (at > 0, !takes[at].1, at));
    let mut left = TAKES_MEMORY;
    let mut kept = vec![false; takes.len()];
    for at in order.into_iter().take(TAKES_COUNT) {
        let Some(rest) = left.checked_sub(takes[at].0) else { break };
        (left, kept[at]) = (rest, true);
    }
    kept
}

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

    /// Keeps these pictures in the file, as many as [`takes_kept`] allows by the stars in [`Self::take_notes`].
    pub fn set_packed_takes(&mut self, takes: impl IntoIterator<Item = (u64, Arc<[u8]>)>) {
        let mut takes: Vec<(u64, Arc<[u8]>)> = takes.into_iter().collect();
        takes.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        let notes = self.take_notes();
        let starred = |number: &u64| notes.get(number).is_some_and(|note| note.starred);
        let kept = takes_kept(&takes.iter().map(|(number, bytes)| (bytes.len(), starred(number))).collect::<Vec<_>>());
        self.extra.retain(|name, _| !name.starts_with(FOLDER) || name == LIST);
        let kept = takes.into_iter().zip(kept).filter_map(|(take, kept)| kept.then_some(take));
        self.extra.extend(kept.map(|(number, bytes)| (format!("{FOLDER}{number}.png"), bytes)));
    }

    /// What is said of the finished pictures in the file, by their numbers. What cannot be read is as if nothing were said.
    #[must_use]
    pub fn take_notes(&self) -> BTreeMap<u64, TakeNote> {
        let rows = self.take_list().remove(TAKES);
        let Some(Value::Array(rows)) = rows else { return BTreeMap::new() };
        let rows = rows.into_iter().filter_map(|row| serde_json::from_value::<Row>(row).ok());
        rows.map(|Row { number, note }| (number, note)).collect()
    }

    /// Says this of the finished pictures in the file, in place of what was said.
    pub fn set_take_notes(&mut self, notes: impl IntoIterator<Item = (u64, TakeNote)>) {
        let said = notes.into_iter().filter(|(_, note)| *note != TakeNote::default());
        let rows = said.filter_map(|(number, note)| serde_json::to_value(Row { number, note }).ok());
        let rows: Vec<Value> = rows.collect();
        let mut list = self.take_list();
        if rows.is_empty() {
            list.remove(TAKES);
        } else {
            list.insert(TAKES.to_owned(), Value::Array(rows));
        }
        match serde_json::to_vec(&list) {
            Ok(bytes) if !list.is_empty() => self.extra.insert(LIST.to_owned(), bytes.into()),
            _ => self.extra.remove(LIST),
        };
    }

    /// The whole list, with what this version does not know of it.
    fn take_list(&self) -> Map<String, Value> {
        self.extra.get(LIST).and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_newest_and_those_with_a_star_are_kept() {
        let many = |starred: &[usize]| -> Vec<usize> {
            let takes: Vec<_> = (0..TAKES_COUNT + 3).map(|at| (1, starred.contains(&at))).collect();
            let kept = takes_kept(&takes).into_iter().enumerate();
            kept.filter_map(|(at, kept)| (!kept).then_some(at)).collect()
        };
        assert_eq!(many(&[]), [32, 33, 34], "the oldest go");
        assert_eq!(many(&[33]), [31, 32, 34], "not the one with a star");
        let all: Vec<usize> = (0..TAKES_COUNT + 3).collect();
        assert_eq!(many(&all[1..]), [32, 33, 34], "the newest stays also where all others have stars");
        let large = TAKES_MEMORY / 2 + 1;
        assert_eq!(takes_kept(&[(5, false), (large, false), (large, true)]), [true, false, true]);
    }

    #[test]
    fn what_is_said_of_pictures_comes_back_with_what_a_later_version_says() {
        let mut document = Document::new(64, 64);
        assert!(document.take_notes().is_empty());
        let list = r#"{"order": "by hand", "takes": [
            {"number": 3, "name": "dusk", "starred": true, "rating": 4, "way": "woven"}, {"number": "four"}, 7]}"#;
        document.extra.insert(LIST.to_owned(), list.as_bytes().into());
        let mut notes = document.take_notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        let note = notes.get_mut(&3).expect("it is there");
        assert_eq!((note.name.as_str(), note.starred, note.way()), ("dusk", true, TakeWay::Drawn));
        note.name = "dawn".to_owned();
        notes.insert(4, TakeNote::new(TakeWay::Frame, Some(1_764_000_000)));
        notes.insert(5, TakeNote::default());
        document.set_take_notes(notes.clone());
        notes.remove(&5);
        assert_eq!(document.take_notes(), notes);
        assert_eq!(document.take_notes()[&4].way(), TakeWay::Frame);
        let text = String::from_utf8_lossy(&document.extra[LIST]).into_owned();
        assert!(text.contains("\"rating\":4") && text.contains("by hand") && text.contains("woven"), "{text}");
        assert!(document.without_takes().take_notes().is_empty());
        document.set_take_notes([]);
        assert!(document.take_notes().is_empty());
        document.extra.insert(LIST.to_owned(), b"{broken".as_slice().into());
        assert!(document.take_notes().is_empty());
    }

    #[test]
    fn the_file_keeps_what_has_a_star() {
        let mut document = Document::new(64, 64);
        let takes = (1..=40).map(|number| (number, Arc::from([0_u8; 4])));
        document.set_take_notes([(2, TakeNote { starred: true, ..TakeNote::default() })]);
        document.set_packed_takes(takes);
        let numbers: BTreeSet<u64> = document.packed_takes().into_iter().map(|(number, _)| number).collect();
        assert_eq!((numbers.len(), numbers.contains(&2), numbers.contains(&9)), (TAKES_COUNT, true, false));
        assert!(document.take_notes()[&2].starred);
    }
}
