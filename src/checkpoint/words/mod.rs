//! The words that a checkpoint knows, for the window's completion and for a note about all other words. Pure text.
//!
//! A small checkpoint lists what it was trained on in `known_words.json`. [`Words`] completes what is being typed
//! ([`Words::complete`]) and finds the words it was not trained on ([`Words::unknown`]).

mod complete;
mod relatives;
mod unknown;

pub use complete::{Completion, Offer, insert_phrase};
pub use unknown::UnknownWord;

use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::Range;
use unicode_properties::UnicodeEmoji as _;
use unicode_properties::emoji::EmojiStatus;
use unicode_segmentation::UnicodeSegmentation as _;

/// The words that a small checkpoint was trained on: its known_words.json.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownWords {
    /// Things it can draw.
    pub things: Vec<Thing>,
    /// Colours that things come in.
    pub colours: Vec<String>,
    /// Times of day, weathers and lights.
    pub moods: Vec<String>,
    /// Styles of drawing.
    pub styles: Vec<String>,
}

/// One thing that a checkpoint can draw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thing {
    /// The word for it.
    pub name: String,
    /// Its kind: a ground, a building, a creature, …
    pub group: String,
    /// Other words for it.
    pub synonyms: Vec<String>,
    /// The colours it comes in.
    pub colours: Vec<String>,
}

/// Small words that every prompt may use: of place and number.
const FUNCTION_WORDS: &str = "a an the this that these those some any one two three few several many more and or with \
     without of on in at by to from for into onto over under above below behind before beside between near next around \
     along across against through inside outside up down front top bottom left right middle centre center is are it \
     its his her their there very as no not";

/// The words that a checkpoint knows, ready to be searched.
#[derive(Debug, Clone)]
pub struct Words {
    known: KnownWords,
    phrases: Vec<Phrase>,
    /// Every word of every phrase, in all its forms.
    single: HashSet<String>,
}

/// A phrase that completion offers.
#[derive(Debug, Clone)]
struct Phrase {
    /// In lower case.
    text: String,
    /// Its kind, in a word or two.
    about: String,
    /// The colours it comes in.
    colours: Vec<String>,
}

impl Words {
    /// Prepares the search.
    #[must_use]
    pub fn new(known: KnownWords) -> Self {
        let mut phrases = Vec::new();
        let mut add = |text: &str, about: &str, colours: &[String]| {
            let text = text.trim().to_lowercase();
            if !text.is_empty() {
                phrases.push(Phrase { text, about: about.to_owned(), colours: colours.to_vec() });
            }
        };
        for thing in &known.things {
            add(&thing.name, &thing.group, &thing.colours);
        }
        for colour in &known.colours {
            add(colour, "colour", &[]);
        }
        for thing in &known.things {
            for synonym in &thing.synonyms {
                add(synonym, &format!("= {}", thing.name), &thing.colours);
            }
        }
        for mood in &known.moods {
            add(mood, "mood", &[]);
        }
        for style in &known.styles {
            add(style, "style", &[]);
        }
        let named = phrases
            .iter()
            .map(|p| p.text.as_str())
            .chain(known.things.iter().flat_map(|t| &t.colours).map(String::as_str));
        let mut single: HashSet<String> = named.flat_map(|text| words_of(text).map(|(word, _)| word)).collect();
        single.extend(FUNCTION_WORDS.split_whitespace().map(str::to_owned));
        let forms: Vec<String> = single.iter().flat_map(|word| forms(word)).collect();
        single.extend(forms);
        Self { known, phrases, single }
    }

    /// The list itself.
    #[must_use]
    pub fn known(&self) -> &KnownWords {
        &self.known
    }

    /// Whether the checkpoint was trained on this word (in lower case), in singular or plural, or every prompt may use it.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.single.contains(word) || forms(word).iter().any(|form| self.single.contains(form))
    }
}

/// The words of a text in lower case, with their ranges in bytes. An emoji is a word by itself; numbers and other signs are no
/// words.
fn words_of(text: &str) -> impl Iterator<Item = (String, Range<usize>)> + '_ {
    // By grapheme clusters, so that accents and joiners stay with their letters.
    let mut letters = text.grapheme_indices(true).peekable();
    std::iter::from_fn(move || {
        let (start, kind, first) = loop {
            let (at, letter) = letters.next()?;
            if let Some(kind) = Kind::of(letter) {
                break (at, kind, letter);
            }
        };
        let mut end = start + first.len();
        while kind == Kind::Letter
            && let Some((at, letter)) = letters.next_if(|(_, letter)| Kind::of(letter) == Some(Kind::Letter))
        {
            end = at + letter.len();
        }
        Some((kind, start..end))
    })
    .filter_map(move |(kind, range)| {
        let word = text.get(range.clone())?;
        if kind == Kind::Emoji {
            return Some((word.to_owned(), range));
        }
        let bare = word.trim_start_matches(['\'', '’']);
        let start = range.end - bare.len();
        // "the king's castle": the king.
        let bare = bare.strip_suffix("'s").or_else(|| bare.strip_suffix("’s")).unwrap_or(bare);
        let bare = bare.trim_end_matches(['\'', '’']);
        let lower = bare.to_lowercase();
        lower.chars().any(char::is_alphabetic).then(|| (lower, start..start + bare.len()))
    })
}

/// The kind of a grapheme cluster that belongs to a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Emoji,
}

impl Kind {
    /// The kind of a grapheme cluster; `None` outside words.
    fn of(letter: &str) -> Option<Self> {
        let first = letter.chars().next()?;
        if is_emoji(first) || letter.contains(KEYCAP) {
            Some(Self::Emoji)
        } else if first.is_alphanumeric() || first == '\'' || first == '’' {
            Some(Self::Letter)
        } else {
            None
        }
    }
}

/// The mark that turns a digit into a keycap, as in 1️⃣.
const KEYCAP: char = '\u{20e3}';

/// Whether it is a pictograph or the first letter of a flag. (Below those are ©, ™ and arrows, which are emoji by name only.)
fn is_emoji(c: char) -> bool {
    use EmojiStatus::{EmojiOtherAndEmojiComponent, NonEmoji, NonEmojiButEmojiComponent};
    let no = [EmojiOtherAndEmojiComponent, NonEmoji, NonEmojiButEmojiComponent];
    c >= '\u{2300}' && !no.contains(&c.emoji_status())
}

/// Plurals that no rule makes.
const IRREGULAR: [(&str, &str); 12] = [
    ("children", "child"),
    ("feet", "foot"),
    ("geese", "goose"),
    ("knives", "knife"),
    ("leaves", "leaf"),
    ("men", "man"),
    ("mice", "mouse"),
    ("oxen", "ox"),
    ("people", "person"),
    ("teeth", "tooth"),
    ("wolves", "wolf"),
    ("women", "woman"),
];

/// Possible singulars of a word. (Some are no words; no list has them.)
fn forms(word: &str) -> Vec<String> {
    let mut forms: Vec<String> =
        IRREGULAR.iter().filter(|(many, _)| *many == word).map(|(_, one)| (*one).to_owned()).collect();
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        forms.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("es").filter(|stem| stem.len() > 2) {
        forms.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('s').filter(|stem| stem.len() > 2 && !stem.ends_with('s')) {
        forms.push(stem.to_owned());
    }
    forms
}

#[cfg(test)]
pub(super) fn sample() -> Words {
    let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let thing = |name: &str, group: &str, synonyms: &[&str], colours: &[&str]| Thing {
        name: name.to_owned(),
        group: group.to_owned(),
        synonyms: list(synonyms),
        colours: list(colours),
    };
    Words::new(KnownWords {
        things: vec![
            thing("blue sky", "skies", &["clear blue sky"], &[]),
            thing("night sky", "skies", &["starry sky"], &[]),
            thing("balloon", "in the air", &["hot air balloon"], &["red", "blue"]),
            thing("mountains", "far away", &["mountain range"], &["grey"]),
            thing("sea", "grounds", &["ocean"], &[]),
            thing("house", "things", &["cottage", "little house"], &["red", "blue", "white"]),
            thing("lighthouse", "things", &[], &["red"]),
            thing("horse", "animals", &[], &["brown", "white"]),
            thing("pine", "things", &["pine tree"], &["green"]),
        ],
        colours: list(&["blue", "brown", "green", "grey", "red", "white"]),
        moods: list(&["at night", "in the evening", "on a sunny day"]),
        styles: list(&["watercolour"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_with_their_places() {
        let text = "A king’s (red:1.2) hot-air balloon, 'Größe'";
        let found: Vec<(String, &str)> = words_of(text).map(|(word, range)| (word, &text[range])).collect();
        let expected = [
            ("a", "A"),
            ("king", "king"),
            ("red", "red"),
            ("hot", "hot"),
            ("air", "air"),
            ("balloon", "balloon"),
            ("größe", "Größe"),
        ];
        assert_eq!(found, expected.map(|(word, place)| (word.to_owned(), place)));
        assert_eq!(words_of("1.5 ’ ' -- 3 © → # *").count(), 0);
    }

    #[test]
    fn accents_and_joiners_stay_with_their_letter_and_an_emoji_is_a_word() {
        let found = |text: &str| words_of(text).map(|(word, _)| word).collect::<Vec<_>>();
        // (The accent by itself, after its letter.)
        assert_eq!(found("un cha\u{302}teau"), ["un", "cha\u{302}teau"]);
        assert_eq!(found("हिन्दी می‌خواهم"), ["हिन्दी", "می‌خواهم"]);
        assert_eq!(found("a red🐉dragon 🏰🏰, ☀️"), ["a", "red", "🐉", "dragon", "🏰", "🏰", "☀️"]);
        // A family, a skin, a flag of two letters and one of many, a key.
        for one in ["👨‍👩‍👧‍👦", "👋🏽", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "❤️‍🔥"]
        {
            assert_eq!(found(&format!("{one}{one} 2")), [one, one], "{one}");
        }
    }

    #[test]
    fn plurals_count_as_known() {
        let words = sample();
        for known in [
            "house",
            "houses",
            "mountain",
            "mountains",
            "horses",
            "pines",
            "skies",
            "sky",
            "the",
            "watercolour",
            "evening",
        ] {
            assert!(words.knows(known), "{known}");
        }
        for unknown in ["zebra", "zebras", "piano", "hous", "se", "s"] {
            assert!(!words.knows(unknown), "{unknown}");
        }
    }
}
