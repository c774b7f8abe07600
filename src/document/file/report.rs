//! Notes for a person on a file that was read.

use crate::document::error::one_line;

/// The most sentences kept of each kind; a hostile file could give reason for a hundred thousand.
const MOST: usize = 24;

/// The most names given in one sentence.
const NAMES: usize = 5;

/// Sentences, the first few of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Few {
    sentences: Vec<String>,
    more: usize,
}

impl Few {
    pub(super) fn push(&mut self, sentence: String) {
        if self.sentences.len() < MOST {
            self.sentences.push(sentence);
        } else {
            self.more += 1;
        }
    }

    fn add(&mut self, others: &Self) {
        for sentence in &others.sentences {
            self.push(sentence.clone());
        }
        self.more += others.more;
    }

    /// The sentences, and how many more there would be.
    pub(super) fn into_vec(self) -> Vec<String> {
        let Self { mut sentences, more } = self;
        if more > 0 {
            sentences.push(format!("and {more} more of this kind"));
        }
        sentences
    }
}

/// Notes and losses of a file.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Sentences on what could not be taken over as it was.
    notes: Few,
    /// Sentences on what saving over the file would lose.
    losses: Few,
}

impl Report {
    pub(super) fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    pub(super) fn notes(&mut self, sentences: impl IntoIterator<Item = String>) {
        sentences.into_iter().for_each(|sentence| self.notes.push(sentence));
    }

    pub(super) fn few(&mut self, notes: &Few) {
        self.notes.add(notes);
    }

    /// Something that is in the file and not in the document: a note, and a loss if the file is saved over.
    pub(super) fn lost(&mut self, sentence: String) {
        self.losses.push(sentence.clone());
        self.notes.push(sentence);
    }

    /// Adds several sentences that are both notes and losses.
    pub(super) fn few_lost(&mut self, sentences: &Few) {
        self.losses.add(sentences);
        self.notes.add(sentences);
    }

    /// Something that the document does not hold as the file does, and that no note need name.
    pub(super) fn loss(&mut self, sentence: String) {
        self.losses.push(sentence);
    }

    /// Notes and losses.
    pub(super) fn into_parts(self) -> (Vec<String>, Vec<String>) {
        (self.notes.into_vec(), self.losses.into_vec())
    }
}

/// A few names in one line, in quotes.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.into_iter().collect();
    let mut some: Vec<String> = all.iter().take(NAMES).map(|name| format!("“{}”", one_line(name, 40))).collect();
    if all.len() > NAMES {
        some.push(format!("{} more", all.len() - NAMES));
    }
    some.join(", ")
}
