//! Words of a prompt that a checkpoint was not trained on, with suggestions of words that it knows.

use super::relatives::FAMILIES;
use super::{Kind, Words, forms, words_of};
use crate::checkpoint::prompt::tags;
use std::collections::HashSet;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation as _;

/// The bytes of a prompt that are searched: far more than any text encoder reads.
const LONGEST: usize = 32 << 10;
/// The most words told of one prompt.
const MOST: usize = 16;
/// The most suggestions for one word.
const SUGGESTIONS: usize = 3;
/// The most letters that are shown of one word.
const SHOWN: usize = 40;
/// The most letters of a note.
const NOTE: usize = 400;

/// A word that the checkpoint was not trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// In lower case, and cut with … where it is very long.
    pub word: String,
    /// The bytes of its first place in the prompt.
    pub range: Range<usize>,
    /// Known words that are near to it in meaning or in spelling, the nearest first; often none.
    pub instead: Vec<String>,
}

impl Words {
    /// The words of a prompt that the checkpoint does not know, each once, in their order. LoRAs that it names are no words.
    #[must_use]
    pub fn unknown(&self, prompt: &str) -> Vec<UnknownWord> {
        let read = prompt.get(..prompt.floor_char_boundary(LONGEST)).unwrap_or(prompt);
        let (mut seen, tags) = (HashSet::new(), tags::find(read));
        let in_tag = |word: &Range<usize>| tags.iter().any(|(tag, _)| tag.contains(&word.start));
        words_of(read)
            .filter(|(_, range)| !in_tag(range))
            .filter(|(word, _)| says_something(word) && !self.knows(word) && seen.insert(word.clone()))
            .take(MOST)
            .map(|(word, range)| UnknownWord { instead: self.instead_of(&word), word: shortened(word), range })
            .collect()
    }

    /// The same over several prompts.
    #[must_use]
    pub fn unknown_in<'a>(&self, prompts: impl IntoIterator<Item = &'a str>) -> Vec<UnknownWord> {
        let mut seen = HashSet::new();
        let unknown = prompts.into_iter().flat_map(|prompt| self.unknown(prompt));
        unknown.filter(|u| seen.insert(u.word.clone())).take(MOST).collect()
    }

    /// One line on the words that the checkpoint does not know among these prompts; `None` where it knows them all.
    #[must_use]
    pub fn note<'a>(&self, prompts: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let mut note = String::new();
        for unknown in self.unknown_in(prompts) {
            let told = match unknown.instead.as_slice() {
                [] => unknown.word,
                instead => format!("{} (try: {})", unknown.word, instead.join(", ")),
            };
            let before = if note.is_empty() { "this model does not know: " } else { ", " };
            if note.chars().count() + before.len() + told.chars().count() + ", …".chars().count() > NOTE {
                note.push_str(", …");
                break;
            }
            note.push_str(before);
            note.push_str(&told);
        }
        (!note.is_empty()).then_some(note)
    }

    fn instead_of(&self, word: &str) -> Vec<String> {
        let mut found: Vec<String> = self.spelt_like(word);
        let mut names = forms(word);
        names.push(word.to_owned());
        for family in FAMILIES.iter().map(|f| f.split(' ')) {
            let family: Vec<&str> = family.collect();
            if !names.iter().any(|name| family.contains(&name.as_str())) {
                continue;
            }
            // What a phrase shows is its last word: a hot air balloon is no air.
            let head = |phrase: &str| {
                let last = words_of(phrase).last().map(|(word, _)| word).unwrap_or_default();
                family.contains(&last.as_str()) || forms(&last).iter().any(|form| family.contains(&form.as_str()))
            };
            let things = self.known.things.iter().filter(|t| head(&t.name) || t.synonyms.iter().any(|s| head(s)));
            found.extend(things.map(|t| t.name.clone()));
        }
        let mut seen = HashSet::new();
        found.retain(|name| seen.insert(name.clone()));
        found.truncate(SUGGESTIONS);
        found
    }

    /// Known words of nearly this spelling.
    fn spelt_like(&self, word: &str) -> Vec<String> {
        let length = word.chars().count();
        if !(4..=24).contains(&length) {
            return Vec::new();
        }
        let most = if length < 7 { 1 } else { 2 };
        let mut near: Vec<(usize, String)> = self
            .phrases
            .iter()
            .flat_map(|p| p.text.split(' '))
            .filter(|known| known.chars().count().abs_diff(length) <= most && known.chars().count() >= 4)
            .map(|known| (distance(word, known), known.to_owned()))
            .filter(|(far, known)| *far <= most && (*far < 2 || known.chars().next() == word.chars().next()))
            .collect();
        near.sort_by_key(|(far, _)| *far);
        near.into_iter().map(|(_, known)| known).collect()
    }
}

/// True for all but single letters: a sign of a script that writes whole words so, and an emoji, are no letters.
fn says_something(word: &str) -> bool {
    let mut letters = word.graphemes(true);
    let (Some(first), None) = (letters.next(), letters.next()) else { return true };
    let ideograph = |c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    Kind::of(first) == Some(Kind::Emoji) || first.starts_with(ideograph)
}

/// A word as it is shown: its first letters where it is very long.
fn shortened(word: String) -> String {
    if word.chars().nth(SHOWN).is_none() {
        return word;
    }
    let mut shown = String::new();
    let mut room = SHOWN - 1;
    // Whole letters with their accents, unless even the first has too many.
    for letter in word.graphemes(true) {
        let length = letter.chars().count();
        if length > room {
            break;
        }
        room -= length;
        shown.push_str(letter);
    }
    if shown.is_empty() {
        shown.extend(word.chars().take(room));
    }
    shown + "…"
}

/// The edit distance of two words: letters put in, taken out, replaced or swapped with their neighbour (optimal string alignment;
/// Damerau, 1964).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn told(prompt: &str) -> Vec<(String, Vec<String>)> {
        sample().unknown(prompt).into_iter().map(|u| (u.word, u.instead)).collect()
    }

    fn pair(word: &str, instead: &[&str]) -> (String, Vec<String>) {
        (word.to_owned(), instead.iter().map(|w| (*w).to_owned()).collect())
    }

    #[test]
    fn what_is_known_is_not_told() {
        for prompt in [
            "",
            "a red house on the sea",
            "Two Horses, in the evening",
            "watercolour of grey mountains",
            "(pine:1.3) 4 50%",
        ] {
            assert_eq!(told(prompt), [], "{prompt}");
        }
    }

    #[test]
    fn what_is_unknown_is_told_once_with_what_is_near() {
        assert_eq!(
            told("a zebra and a piano, the Zebra on a mountain"),
            [pair("zebra", &["horse"]), pair("piano", &[])],
        );
        assert_eq!(told("gray lighhouse"), [pair("gray", &["grey"]), pair("lighhouse", &["lighthouse"])]);
        assert_eq!(told("a villa by the lake"), [pair("villa", &["house"]), pair("lake", &["sea"])]);
        let range = sample().unknown("a Zebra")[0].range.clone();
        assert_eq!(range, 2..7);
    }

    #[test]
    fn names_of_loras_are_no_words() {
        assert_eq!(told("<lora:zork:0.5> <lyco:zork>"), []);
        assert_eq!(told("<lora:zork:0.5> zork"), [pair("zork", &[])]);
    }

    #[test]
    fn all_prompts_are_told_of_in_one_line() {
        let note = sample().note(["a zebra", "a red house", "a piano and a zebra"]);
        assert_eq!(note.as_deref(), Some("this model does not know: zebra (try: horse), piano"));
        assert_eq!(sample().note(["a red house", ""]), None);
    }

    #[test]
    fn emoji_and_single_ideographs_are_told_and_single_letters_are_not() {
        let words = |prompt| told(prompt).into_iter().map(|(word, _)| word).collect::<Vec<_>>();
        assert_eq!(words("a 🐉 and a 👨‍👩‍👧 by the sea, 🐉"), ["🐉", "👨‍👩‍👧"]);
        assert_eq!(words("x é e\u{301} я ع 5 7️⃣"), ["7️⃣"]);
        assert_eq!(words("山 城堡 замок"), ["山", "城堡", "замок"]);
        assert_eq!(words("a red house — “by the sea” … ™ © ♯"), [""; 0]);
        assert_eq!(words(&char::MAX.to_string()), [""; 0]);
    }

    #[test]
    fn long_words_and_long_notes_are_cut() {
        let long = "q".repeat(100_000);
        let unknown = sample().unknown(&format!("a red {long}"));
        assert_eq!(unknown[0].word, format!("{}…", "q".repeat(39)));
        assert_eq!(unknown[0].range.start, 6, "its place is the whole word's");
        assert_eq!(told(&"q".repeat(40)), [pair(&"q".repeat(40), &[])]);
        // One letter with all those accents.
        assert_eq!(told(&format!("xe{}", "\u{301}".repeat(9000)))[0].0, "x…");
        assert_eq!(told(&format!("e{}x", "\u{301}".repeat(9000)))[0].0.chars().count(), 40);
        let many: Vec<String> = (0..16).map(|i| format!("{i}{long}")).collect();
        let note = sample().note(many.iter().map(String::as_str)).expect("a note");
        assert!(note.chars().count() <= NOTE && note.chars().count() > NOTE / 2 && note.ends_with("…, …"), "{note}");
    }

    #[test]
    fn a_prompt_of_a_megabyte_is_searched_in_no_time() {
        let prompt: String = (0..200_000).map(|i| format!("w{i}x ")).collect();
        assert_eq!(sample().unknown(&prompt).len(), MOST);
    }

    #[test]
    fn distances_are_those_of_the_literature() {
        for (a, b, far) in
            [("kitten", "sitting", 3), ("ab", "ba", 1), ("", "abc", 3), ("ca", "abc", 3), ("sea", "sea", 0)]
        {
            assert_eq!(distance(a, b), far, "{a} {b}");
            assert_eq!(distance(b, a), far, "{b} {a}");
        }
    }
}
