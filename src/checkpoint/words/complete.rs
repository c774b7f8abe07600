//! Completion of the words at the cursor.

use super::unknown::distance;
use super::{FUNCTION_WORDS, Phrase, Words, forms};
use std::collections::HashSet;
use std::ops::Range;

/// The most offers of one list.
const MOST: usize = 8;
/// The most words that one phrase takes.
const LONGEST: usize = 4;
/// Coloured forms offered below a thing that comes in colours.
const COLOURED: usize = 4;

/// Offers to complete the words at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that an offer replaces; they end at the cursor.
    pub range: Range<usize>,
    /// At least one, the best first.
    pub offers: Vec<Offer>,
    /// Whether the first offer continues the typed letters, so that a key may take it at once. False where the typed word is a
    /// whole one, or no known word begins with it.
    pub sure: bool,
}

/// One phrase that can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The phrase.
    pub text: String,
    /// Its kind: a group of things, `= thing` for a synonym, `colour`, `mood` or `style`.
    pub about: String,
    /// The colours it comes in.
    pub colours: Vec<String>,
}

impl Words {
    /// Completes the words that end at byte `cursor`. `None` where no known word begins with them.
    #[must_use]
    pub fn complete(&self, text: &str, cursor: usize) -> Option<Completion> {
        let before = text.get(..cursor)?;
        if text.get(cursor..)?.starts_with(char::is_alphanumeric) {
            return None;
        }
        let clause = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == ' ' || c == '-' || c == '\''))
            .map_or(0, |at| at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        let starts = word_starts(before.get(clause..)?);
        // (What a phrase of `back` words begins with.)
        let typed = |back: usize| {
            let start = clause + *starts.get(starts.len().checked_sub(back)?)?;
            Some((start, before.get(start..)?.to_lowercase()))
        };
        if before.ends_with(' ') {
            let (start, colour) = typed(1)?;
            let offers = self.in_colour(colour.trim_end(), "");
            return self.answer(start..cursor, offers, false);
        }
        let (last, word) = typed(1)?;
        if word.chars().count() < 2 && starts.len() == 1 {
            return None;
        }
        let whole = self.knows(&word);
        for back in (1..=LONGEST.min(starts.len())).rev() {
            let Some((start, beginning)) = typed(back) else { continue };
            // "house" is not begun, it is there.
            let there = self.phrases.iter().any(|p| p.text == beginning || forms(&beginning).contains(&p.text));
            let mut offers = self.starting(&beginning, back == 1 && !there);
            if let Some((colour, rest)) = beginning.split_once(' ') {
                offers.extend(self.in_colour(colour, rest));
            } else if word.chars().count() < 2 || is_function_word(&word) {
                // "a" and "on" alone begin only what goes on with a word more.
                offers.retain(|offer| word.len() > 1 && offer.text.starts_with(&format!("{word} ")));
            } else if self.phrases.iter().any(|p| p.about == "colour" && p.text == word) {
                offers.extend(self.in_colour(&word, ""));
            }
            if let Some(first) = offers.first().filter(|first| back == 1 && !first.about.starts_with("colour")) {
                // A thing that comes in colours is offered in some of them, too.
                let coloured =
                    first.colours.iter().take(COLOURED).map(|colour| coloured(colour, &first.text, &first.about));
                let coloured: Vec<Offer> = coloured.collect();
                offers.truncate(MOST.saturating_sub(coloured.len()));
                offers.extend(coloured);
            }
            if let Some(answer) = self.answer(start..cursor, offers, !whole) {
                return Some(answer);
            }
        }
        let close = if whole { Vec::new() } else { self.misspelt(&word) };
        self.answer(last..cursor, close, false)
    }

    fn answer(&self, range: Range<usize>, offers: Vec<Offer>, sure: bool) -> Option<Completion> {
        let mut seen = HashSet::new();
        let mut offers: Vec<Offer> = offers.into_iter().filter(|offer| seen.insert(offer.text.clone())).collect();
        offers.truncate(MOST);
        (!offers.is_empty()).then_some(Completion { range, offers, sure })
    }

    /// Phrases that begin with `beginning`; with `inside`, also those of which a later word does.
    fn starting(&self, beginning: &str, inside: bool) -> Vec<Offer> {
        let longer = |p: &&Phrase| p.text.len() > beginning.len();
        let first = self.phrases.iter().filter(longer).filter(|p| p.text.starts_with(beginning));
        let later =
            |p: &&Phrase| !p.text.starts_with(beginning) && p.text.split(' ').skip(1).any(|w| w.starts_with(beginning));
        let later = self.phrases.iter().filter(longer).filter(later).filter(|_| inside);
        first.chain(later).map(Offer::of).collect()
    }

    /// Things that come in this colour and begin so.
    fn in_colour(&self, colour: &str, beginning: &str) -> Vec<Offer> {
        let fits = |p: &&Phrase| p.colours.iter().any(|c| c == colour) && p.text.starts_with(beginning);
        let fitting = self.phrases.iter().filter(fits).filter(|p| p.text.len() > beginning.len());
        // Other words for a thing only where they were begun.
        let fitting = fitting.filter(|p| !beginning.is_empty() || !p.about.starts_with('='));
        fitting.map(|p| coloured(colour, &p.text, &p.about)).collect()
    }

    /// Phrases that begin with nearly this word.
    fn misspelt(&self, word: &str) -> Vec<Offer> {
        let length = word.chars().count();
        if !(4..=24).contains(&length) {
            return Vec::new();
        }
        let most = if length < 7 { 1 } else { 2 };
        let mut close: Vec<(usize, &Phrase)> = self
            .phrases
            .iter()
            .filter_map(|p| {
                let near = (length.saturating_sub(1)..=length + 1)
                    .map(|take| distance(word, &p.text.chars().take(take).collect::<String>()))
                    .min()?;
                (near <= most).then_some((near, p))
            })
            .collect();
        close.sort_by_key(|(near, _)| *near);
        close.into_iter().map(|(_, p)| Offer::of(p)).collect()
    }
}

impl Offer {
    fn of(phrase: &Phrase) -> Self {
        Self { text: phrase.text.clone(), about: phrase.about.clone(), colours: phrase.colours.clone() }
    }
}

fn coloured(colour: &str, text: &str, about: &str) -> Offer {
    Offer { text: format!("{colour} {text}"), about: about.to_owned(), colours: vec![colour.to_owned()] }
}

fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.split_whitespace().any(|w| w == word)
}

/// The bytes at which the words of a clause begin.
fn word_starts(clause: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut space = true;
    for (at, c) in clause.char_indices() {
        if space && c != ' ' {
            starts.push(at);
        }
        space = c == ' ';
    }
    starts
}

/// Writes a phrase into a prompt at byte `at`: after a comma where it begins another thing, after a space where a small word
/// asks for it. Returns the prompt and the end of the phrase in it.
#[must_use]
pub fn insert_phrase(text: &str, at: usize, phrase: &str) -> (String, usize) {
    let at = text.floor_char_boundary(at.min(text.len()));
    let (before, after) = text.split_at(at);
    let last = before.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    let glue = if before.is_empty() || before.ends_with(['\n', '(']) {
        ""
    } else if before.ends_with(' ') {
        if before.trim_end().ends_with(|c: char| c.is_alphanumeric()) && !is_function_word(&last) { ", " } else { "" }
    } else if before.ends_with(char::is_alphanumeric) && !is_function_word(&last) {
        ", "
    } else {
        " "
    };
    // "a red house , sea" is not written.
    let before = if glue == ", " { before.trim_end() } else { before };
    let written = format!("{before}{glue}{phrase}");
    let end = written.len();
    let gap = if after.starts_with(char::is_alphanumeric) { " " } else { "" };
    (format!("{written}{gap}{after}"), end)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// Offers for what is typed before the bar, and the text with the first taken.
    fn typed(text: &str) -> (Vec<String>, String, bool) {
        let cursor = text.find('|').expect("a cursor");
        let text = text.replace('|', "");
        match sample().complete(&text, cursor) {
            None => (Vec::new(), text, false),
            Some(completion) => {
                let mut taken = text.clone();
                taken.replace_range(completion.range.clone(), &completion.offers[0].text);
                (completion.offers.into_iter().map(|o| o.text).collect(), taken, completion.sure)
            }
        }
    }

    #[test]
    fn a_beginning_goes_on() {
        let (offers, taken, sure) = typed("a ho|");
        assert_eq!(offers[..3], ["house", "horse", "hot air balloon"]);
        assert!(offers.contains(&"red house".to_owned()), "{offers:?}");
        assert_eq!(taken, "a house");
        assert!(sure);
        assert_eq!(typed("a Li|, by the sea").1, "a lighthouse, by the sea");
        assert_eq!(typed("wat|").0, ["watercolour"]);
    }

    #[test]
    fn colours_stand_before_things_that_have_them() {
        assert_eq!(typed("a red ho|").1, "a red house");
        assert_eq!(typed("a red ho|").0, ["red house", "red hot air balloon"]);
        let (offers, _, sure) = typed("a red |");
        assert_eq!(offers, ["red balloon", "red house", "red lighthouse"]);
        assert!(!sure, "Enter after a space is a line break");
        // There is no green house.
        assert!(!typed("a green ho|").0.contains(&"green house".to_owned()));
    }

    #[test]
    fn several_words_are_one_phrase() {
        assert_eq!(typed("a night sk|").1, "a night sky");
        assert_eq!(typed("hot ai|").1, "hot air balloon");
        assert_eq!(typed("in the ev|").1, "in the evening");
        assert!(typed("a sk|").0.contains(&"blue sky".to_owned()), "a later word begins so");
        // A comma ends a phrase.
        assert!(typed("red, ho|").0.contains(&"house".to_owned()));
    }

    #[test]
    fn a_word_that_is_whole_is_left_alone() {
        let (offers, _, sure) = typed("a pine|");
        assert_eq!(offers[0], "pine tree");
        assert!(!sure, "it may be left so");
        for nothing in ["|", "a|", "a |", "a house|", "a house |", "two horses|", "a ho|rse", "xyz|", "with|"] {
            assert_eq!(typed(nothing).0, [""; 0], "{nothing}");
        }
    }

    #[test]
    fn slips_of_the_finger_are_understood() {
        let (offers, taken, sure) = typed("a lihgthouse|");
        assert_eq!((offers[0].as_str(), taken.as_str(), sure), ("lighthouse", "a lighthouse", false));
        assert_eq!(typed("a baloon|").0[0], "balloon");
        assert_eq!(typed("a ballon|").0[0], "balloon");
        assert!(typed("a cat|").0.is_empty(), "three letters are too few to guess from");
    }

    #[test]
    fn any_text_and_cursor_is_safe() {
        let text = "ä ’s (ho:1.2)\n  — größe ho";
        for cursor in 0..=text.len() + 2 {
            let _ = sample().complete(text, cursor);
            let (longer, end) = insert_phrase(text, cursor, "sea");
            assert!(longer[..end].ends_with("sea"));
        }
    }

    #[test]
    fn phrases_are_written_in() {
        let insert = |text: &str, phrase| insert_phrase(text, text.len(), phrase).0;
        assert_eq!(insert("", "red house"), "red house");
        assert_eq!(insert("a red house", "sea"), "a red house, sea");
        assert_eq!(insert("a red house ", "sea"), "a red house, sea");
        assert_eq!(insert("a house by the", "sea"), "a house by the sea");
        assert_eq!(insert("a house by the ", "sea"), "a house by the sea");
        assert_eq!(insert("a house,", "sea"), "a house, sea");
        assert_eq!(insert_phrase("a boat", 2, "red"), ("a red boat".to_owned(), 5));
    }
}
