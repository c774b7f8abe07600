//! Notes that are shown before a picture is made: what is missing, and what will not be seen.

use crate::app::editor::{Editor, Selected};
use crate::app::kit::background::Asked;
use crate::app::text::i18n::{fill, key, tr};
use crate::app::text::names;
use crate::document::{Area, CELL, Coverage, Document, InitImage, RegionId, WarningKind};
use crate::studio::{KnownLoras, Vocabulary};
use std::sync::Arc;

/// A region of which more than this lies under others is worth a word.
const HIDDEN: f64 = 0.1;

/// The reason why no picture can be made.
pub(in crate::app) const NOTHING_MAY_CHANGE: &str = key("Nothing of the picture may change yet. Paint where it may.");

/// Something worth knowing before the picture is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) struct Note {
    pub text: String,
    /// The cards that it is about.
    pub cards: Vec<Selected>,
    /// As most painters mean it: it is said, and not warned of.
    pub mild: bool,
    /// The same as it is said on its card, which has the name; empty where the card says it otherwise.
    on_card: String,
}

impl Note {
    fn of(card: Selected, text: String, on_card: String) -> Self {
        Self { text, cards: vec![card], mild: false, on_card }
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self { text, cards: Vec::new(), mild: false, on_card: String::new() }
    }
}

/// The notes on the open document. What covers what is found out on a thread of its own.
#[derive(Default)]
pub(in crate::app) struct Checks {
    /// The regions that the coverage was measured for.
    of: Vec<Shape>,
    coverage: Option<Coverage>,
    looking: Option<(Vec<Shape>, Asked<Coverage>)>,
    /// The count of changes the notes were written for.
    changes: Option<u64>,
    notes: Vec<Note>,
    /// The prompts looked at, by which vocabulary and LoRAs, and what was found.
    prompts: Option<(Vec<String>, usize, KnownLoras)>,
    /// On words and LoRAs.
    unknown: Vec<Note>,
}

/// The facts of a region that decide coverage: its id, its visibility, and the count of its mask's changes.
type Shape = (RegionId, bool, u64);

impl Checks {
    /// Follows the document.
    pub(in crate::app) fn update(&mut self, ctx: &egui::Context, editor: &Editor) {
        let document = editor.document();
        let shapes: Vec<Shape> =
            document.regions.iter().map(|r| (r.id, r.visible, editor.mask_changes(r.id))).collect();
        if let Some((of, asked)) = self.looking.take() {
            match asked.answer() {
                Ok(coverage) => {
                    (self.of, self.coverage, self.changes) = (of, Some(coverage), None);
                }
                Err(asked) => self.looking = asked.map(|asked| (of, asked)),
            }
        }
        let known = self.coverage.is_some() && self.of == shapes;
        if known && self.changes != Some(editor.changes()) {
            self.changes = Some(editor.changes());
            self.notes = self.coverage.as_ref().map(|c| notes(document, c)).unwrap_or_default();
        }
        if !known && self.looking.is_none() {
            let document = document.clone();
            self.looking = Asked::begin(ctx, "checks", move || document.coverage()).map(|asked| (shapes, asked));
        }
    }

    /// Follows the words, which `finished` gives without the one that is still being written: what of them the model does not know, and
    /// LoRAs that they name and nobody added.
    pub(in crate::app) fn words(
        &mut self,
        editor: &Editor,
        vocabulary: Option<&Arc<Vocabulary>>,
        loras: KnownLoras,
        finished: impl Fn(Selected, &str) -> String,
    ) {
        let document = editor.document();
        let shown = document.regions.iter().filter(|r| r.visible).map(|r| (Selected::Region(r.id), &r.prompt));
        let prompts = std::iter::once((Selected::Background, &document.background.prompt)).chain(shown);
        let (cards, mut prompts): (Vec<Selected>, Vec<String>) =
            prompts.map(|(key, text)| (key, finished(key, text))).unzip();
        prompts.push(document.style.clone());
        let by = vocabulary.map_or(0, |v| Arc::as_ptr(v) as usize);
        if self.prompts.as_ref().is_none_or(|(of, with, known)| *of != prompts || *with != by || *known != loras) {
            let words = vocabulary.and_then(|v| v.words());
            let unknown = words.map(|words| words.unknown_in(prompts.iter().map(String::as_str))).unwrap_or_default();
            let unknown: Vec<String> = unknown.into_iter().map(|u| u.word).collect();
            let note = || fill("This model does not know: {0}.", &[&unknown.join(", ")]);
            let with_unknown = |prompt: &str| words.is_some_and(|words| !words.unknown(prompt).is_empty());
            let cards = cards.into_iter().zip(&prompts).filter(|(_, prompt)| with_unknown(prompt));
            let words = (!unknown.is_empty()).then(|| {
                // (Each field of words says which of its own.)
                Note { cards: cards.map(|(card, _)| card).collect(), ..Note::from(note()) }
            });
            let names = loras.unknown_in(document);
            let note =
                || fill("The words name LoRAs that are not known here: {0}. Add their files.", &[&names.join(", ")]);
            self.unknown = (!names.is_empty()).then(|| note().into()).into_iter().chain(words).collect();
            self.prompts = Some((prompts, by, loras));
        }
    }

    /// All notes, the most serious first.
    pub(in crate::app) fn notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().chain(&self.unknown)
    }

    /// True where a card has notes that warn.
    #[must_use]
    pub(in crate::app) fn warns_on(&self, card: Selected) -> bool {
        self.notes().any(|note| !note.mild && note.cards.contains(&card))
    }

    /// The notes on a card as it says them, but for those that its fields tell of themselves; and whether each is mild.
    pub(in crate::app) fn told_on(&self, card: Selected) -> impl Iterator<Item = (&str, bool)> {
        let on_card = self.notes().filter(move |note| note.cards.contains(&card) && !note.on_card.is_empty());
        on_card.map(|note| (note.on_card.as_str(), note.mild))
    }
}

/// The most serious first.
fn notes(document: &Document, coverage: &Coverage) -> Vec<Note> {
    let name = |id: Option<RegionId>| {
        let region = id.and_then(|id| document.region(id));
        region.map_or_else(|| tr("A region").to_owned(), |region| names::shown(&region.name))
    };
    let (mut found, mut later): (Vec<_>, Vec<_>) =
        document.warnings_of(coverage).into_iter().partition(|warning| warning.kind != WarningKind::Uncovered);
    // The least of all; and on a canvas that nobody has touched yet it would greet who has just come.
    later.retain(|_| !document.regions.is_empty() || !document.style.trim().is_empty());
    found.append(&mut later);
    let mut notes: Vec<Note> = found
        .into_iter()
        .map(|warning| {
            let name = name(warning.region);
            let (text, on_card) = match warning.kind {
                WarningKind::EmptyMask => (fill("{0} is not painted yet.", &[&name]), tr("Not painted yet.")),
                // (The empty field of its words is seen.)
                WarningKind::EmptyWords => (fill("{0} has no words yet.", &[&name]), ""),
                WarningKind::Covered => (
                    fill("{0} lies under others and will not show.", &[&name]),
                    tr("Lies under others and will not show."),
                ),
                WarningKind::Uncovered => (tr("The background shows but has no words.").to_owned(), ""),
                WarningKind::AllHidden => (tr("All regions are hidden.").to_owned(), ""),
            };
            let background = (warning.kind == WarningKind::Uncovered).then_some(Selected::Background);
            let cards = warning.region.map(Selected::Region).or(background).into_iter().collect();
            Note { text, cards, mild: false, on_card: on_card.to_owned() }
        })
        .collect();
    for share in &coverage.regions {
        let hidden = 1.0 - share.visible / share.painted.max(f64::MIN_POSITIVE);
        let shown = document.region(share.region).is_some_and(|r| r.visible);
        if shown && share.painted > 0.0 && hidden > HIDDEN && hidden < 0.95 {
            let percent = (hidden * 100.0).round();
            let text = fill("{0} % of {1} lies under others.", &[&percent, &name(Some(share.region))]);
            let on_card = fill("{0} % lies under others.", &[&percent]);
            notes.push(Note { mild: true, ..Note::of(Selected::Region(share.region), text, on_card) });
        }
    }
    if let Some(InitImage { area: Area::Mask(mask), .. }) = &document.init_image
        && mask.is_blank()
    {
        let text = tr(NOTHING_MAY_CHANGE).to_owned();
        let on_card = tr("Nothing may change yet.").to_owned();
        notes.push(Note::of(Selected::Region(RegionId::INPAINT), text, on_card));
    }
    if !document.width.is_multiple_of(CELL) || !document.height.is_multiple_of(CELL) {
        notes.push(tr("Width and height should be multiples of 8.").to_owned().into());
    }
    notes.sort_by_key(|note| note.mild);
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PixelRect;

    fn fill(document: &mut Document, index: usize, columns: std::ops::Range<u32>) {
        let rect = PixelRect { x: columns.start, y: 0, width: columns.end - columns.start, height: document.height };
        Arc::make_mut(&mut document.regions[index].mask).fill(rect, 255);
    }

    fn warnings(document: &Document) -> Vec<String> {
        notes(document, &document.coverage()).into_iter().map(|note| note.text).collect()
    }

    #[test]
    fn notes_are_on_the_cards_that_they_are_about() {
        let mut document = Document::new(60, 64);
        let id = document.add_region("Sun", "the sun");
        document.init_image = Some(InitImage {
            image: Arc::new(image::RgbImage::new(60, 64)),
            strength: 0.5,
            area: Area::Mask(Arc::new(crate::document::Mask::empty(60, 64))),
        });
        let cards: Vec<_> = notes(&document, &document.coverage()).into_iter().map(|note| note.cards).collect();
        let of = |id| vec![Selected::Region(id)];
        assert_eq!(cards, [of(id), vec![Selected::Background], of(RegionId::INPAINT), vec![]]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut document = Document::new(64, 64);
        document.add_region("Sun", "the sun");
        assert_eq!(warnings(&document), ["Sun is not painted yet.", "The background shows but has no words."]);
        fill(&mut document, 0, 0..64);
        assert!(warnings(&document).is_empty(), "everything is covered");
        document.regions[0].prompt.clear();
        assert_eq!(warnings(&document), ["Sun has no words yet."]);
    }

    #[test]
    fn covered_regions_are_named() {
        let mut document = Document::new(64, 64);
        document.background.prompt = "a lake".to_owned();
        document.add_region("Pines", "pines");
        document.add_region("Cabin", "a cabin");
        fill(&mut document, 0, 0..40);
        fill(&mut document, 1, 30..50);
        assert_eq!(warnings(&document), ["25 % of Pines lies under others."]);
        assert!(notes(&document, &document.coverage())[0].mild, "it is said, and not warned of");
        fill(&mut document, 1, 0..50);
        assert_eq!(warnings(&document), ["Pines lies under others and will not show."]);
    }
}
