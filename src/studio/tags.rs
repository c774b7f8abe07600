//! LoRAs that the words of a document name: `<lora:ink:0.8>` in a region's words is a LoRA of that region.

use super::warning::Warning;
use crate::checkpoint::prompt::tags;
use crate::document::{Document, Lora, MAX_LORA_WEIGHT, MAX_LORAS};
use std::borrow::Cow;
use std::sync::Arc;

/// LoRAs that words may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownLoras(Arc<Vec<(String, String)>>);

impl FromIterator<(String, String)> for KnownLoras {
    /// Names and files.
    fn from_iter<T: IntoIterator<Item = (String, String)>>(all: T) -> Self {
        Self(Arc::new(all.into_iter().collect()))
    }
}

impl KnownLoras {
    /// Whether the words of a document name any LoRA.
    #[must_use]
    pub fn are_named_in(document: &Document) -> bool {
        let words = document.regions.iter().map(|region| &region.prompt);
        let negatives = document.regions.iter().filter_map(|region| region.negative.as_ref());
        let background = [&document.background.prompt, &document.background.negative, &document.style];
        words.chain(negatives).chain(background).any(|words| !tags::find(words).is_empty())
    }

    /// The document as it is drawn: without tags in its words, with the LoRAs that they name, and a warning for each name that is
    /// neither known nor that of a LoRA of the document.
    #[must_use]
    pub fn applied<'a>(&self, document: &'a Document) -> (Cow<'a, Document>, Vec<Warning>) {
        if !Self::are_named_in(document) {
            return (Cow::Borrowed(document), Vec::new());
        }
        let mut found = Found { known: self, document, unknown: Vec::new() };
        let mut drawn = document.clone();
        let style = found.take(&mut drawn.style);
        let mut own = |words: &mut String, loras: &mut Vec<Lora>| {
            // (Words that do not show must not be told of.)
            loras.extend(style.iter().cloned().chain(found.take(words)));
            loras.truncate(MAX_LORAS);
        };
        own(&mut drawn.background.prompt, &mut drawn.background.loras);
        for region in drawn.regions.iter_mut().filter(|region| region.visible) {
            own(&mut region.prompt, &mut region.loras);
        }
        // What should not appear has no LoRAs of its own.
        let negatives = drawn.regions.iter_mut().filter_map(|region| region.negative.as_mut());
        for words in negatives.chain([&mut drawn.background.negative]) {
            *words = tags::without(words);
        }
        let warnings = found.unknown.into_iter().map(|name| Warning::UnknownLora { name }).collect();
        (Cow::Owned(drawn), warnings)
    }

    /// The LoRAs that some words of a document name and that are known.
    #[must_use]
    pub fn named_in(&self, document: &Document, words: &str) -> Vec<Lora> {
        Found { known: self, document, unknown: Vec::new() }.take(&mut words.to_owned())
    }

    /// The names in some words that are neither known nor those of LoRAs of the document.
    #[must_use]
    pub fn unknown_in(&self, document: &Document) -> Vec<String> {
        let unknown = |warning| match warning {
            Warning::UnknownLora { name } => Some(name),
            _ => None,
        };
        self.applied(document).1.into_iter().filter_map(unknown).collect()
    }
}

struct Found<'a> {
    known: &'a KnownLoras,
    document: &'a Document,
    unknown: Vec<String>,
}

impl Found<'_> {
    /// Takes the tags out of words.
    fn take(&mut self, words: &mut String) -> Vec<Lora> {
        let (plain, tags) = tags::taken(words);
        *words = plain;
        let mut loras = Vec::new();
        for tags::Tag { name, weight } in tags {
            match self.file(&name) {
                Some(file) => loras.push(Lora { file, weight: weight.clamp(-MAX_LORA_WEIGHT, MAX_LORA_WEIGHT) }),
                None if self.unknown.contains(&name) => {}
                None => self.unknown.push(name),
            }
        }
        loras
    }

    /// The file of a name, without regard to case only where no other is written so.
    fn file(&self, wanted: &str) -> Option<String> {
        let Document { settings, background, regions, .. } = self.document;
        let own = settings.loras.iter().chain(&background.loras).chain(regions.iter().flat_map(|r| &r.loras));
        let own = own.map(|lora| (lora.name(), lora.file.clone()));
        let all: Vec<(String, String)> = own.chain(self.known.0.iter().cloned()).collect();
        let same = |name: &str| name.to_lowercase() == wanted.to_lowercase();
        let found = all.iter().find(|(name, _)| name == wanted).or_else(|| all.iter().find(|(name, _)| same(name)));
        found.map(|(_, file)| file.clone())
    }
}
