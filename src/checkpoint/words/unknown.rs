//! Words of a prompt that a checkpoint was not trained on, and what it could draw instead.

use super::relatives::FAMILIES;
use super::{Words, forms, words_of};
use std::collections::HashSet;
use std::ops::Range;

/// Prompts are not searched beyond so many bytes, far more than a text encoder reads.
const LONGEST: usize = 32 << 10;
/// The most words told of one prompt.
const MOST: usize = 16;
/// The most suggestions for one word.
const SUGGESTIONS: usize = 3;

/// A word that the checkpoint was not trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// In lower case.
    pub word: String,
    /// Where it stands first, in bytes.
    pub range: Range<usize>,
    /// Known words that are near to it in meaning or in spelling, the nearest first; often none.
    pub instead: Vec<String>,
}

impl Words {
    /// The words of a prompt that the checkpoint does not know, each once, in their order.
    #[must_use]
    pub fn unknown(&self, prompt: &str) -> Vec<UnknownWord> {
        let read = prompt.get(..prompt.floor_char_boundary(LONGEST)).unwrap_or(prompt);
        let mut seen = HashSet::new();
        words_of(read)
            .filter(|(word, _)| word.chars().nth(1).is_some() && !self.knows(word) && seen.insert(word.clone()))
            .take(MOST)
            .map(|(word, range)| UnknownWord { instead: self.instead_of(&word), word, range })
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
        let told: Vec<String> = self
            .unknown_in(prompts)
            .into_iter()
            .map(|u| match u.instead.as_slice() {
                [] => u.word,
                instead => format!("{} (try: {})", u.word, instead.join(", ")),
            })
            .collect();
        (!told.is_empty()).then(|| format!("this model does not know: {}", told.join(", ")))
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

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to make one word of the other
/// (optimal string alignment; Damerau, 1964).
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
    fn all_prompts_are_told_of_in_one_line() {
        let note = sample().note(["a zebra", "a red house", "a piano and a zebra"]);
        assert_eq!(note.as_deref(), Some("this model does not know: zebra (try: horse), piano"));
        assert_eq!(sample().note(["a red house", ""]), None);
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
