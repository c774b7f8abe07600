//! Ctrl and the arrows up and down: words that count more or less, `(red roof:1.2)`.

use super::word_at;
use crate::studio::groups::{Group, WEIGHTS, groups};
use std::ops::Range;

/// The change of a weight by one press.
const STEP: f32 = 0.1;

/// The prompt in which the selected words, or the one the cursor touches, count `steps` steps more, and where these words
/// then stand; `None` where there are none. Weighting that comes to 1 goes. Places are bytes.
#[must_use]
pub(super) fn weighed(text: &str, selected: Range<usize>, steps: f32) -> Option<(String, Range<usize>)> {
    let part = if selected.is_empty() { word_at(text, selected.start) } else { trimmed(text, selected) };
    let words = text.get(part.clone()).filter(|words| !words.trim().is_empty())?;
    // The innermost group around them.
    let around = |group: &Group| group.open <= part.start && part.end <= group.close + 1;
    let group = groups(text).into_iter().filter(around).min_by_key(|group| group.close - group.open);
    let (outer, words, weight) = match group {
        Some(Group { open, colon, close, weight }) => (open..close + 1, text.get(open + 1..colon)?, weight),
        None => (part.clone(), words, 1.0),
    };
    let tenths = ((weight + steps * STEP) * 10.0).round().clamp(WEIGHTS.start() * 10.0, WEIGHTS.end() * 10.0);
    let (before, after) = (text.get(..outer.start)?, text.get(outer.end..)?);
    if tenths.to_bits() == 10.0_f32.to_bits() {
        return Some((format!("{before}{words}{after}"), before.len()..before.len() + words.len()));
    }
    let start = before.len() + 1;
    Some((format!("{before}({words}:{:.1}){after}", tenths / 10.0), start..start + words.len()))
}

/// The selection without spaces at its ends.
fn trimmed(text: &str, selected: Range<usize>) -> Range<usize> {
    let Some(words) = text.get(selected.clone()) else { return selected };
    let start = selected.start + (words.len() - words.trim_start().len());
    start..start + words.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_more_and_less_and_as_before() {
        let press = |text: &str, range, steps| {
            weighed(text, range, steps).map(|(text, at)| (text.clone(), text[at].to_owned()))
        };
        let is = |text: &str, words: &str| Some((text.to_owned(), words.to_owned()));
        assert_eq!(press("a red roof", 3..3, 1.0), is("a (red:1.1) roof", "red"));
        assert_eq!(press("a red roof", 1..10, 1.0), is("a (red roof:1.1)", "red roof"));
        assert_eq!(press("a (red roof:1.1)", 4..4, 1.0), is("a (red roof:1.2)", "red roof"));
        assert_eq!(press("a (red roof:1.1)", 3..11, -1.0), is("a red roof", "red roof"));
        assert_eq!(press("a red roof", 3..3, -1.0), is("a (red:0.9) roof", "red"));
        assert_eq!(press("(größe:3.9) x", 2..2, 5.0), is("(größe:4.0) x", "größe"));
        assert_eq!(press("((a:2.0) b:1.5)", 2..2, 1.0), is("((a:2.1) b:1.5)", "a"));
        assert_eq!(press("  ", 1..1, 1.0), None);
    }
}
