//! Tokens cut into chunks, each as long as a text encoder reads at a time. The states of all chunks stand one after the other.

use super::Rule;

/// A token's id and its weight.
pub type Weighted = (u32, f32);

/// A part of a prompt as tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum Run {
    /// The tokens of a word.
    Word(Vec<Weighted>),
    /// Tokens that go whole into the next chunk where they do not fit into this one: the vectors of a textual inversion.
    Whole(Vec<Weighted>),
    /// The rest goes into a new chunk.
    Break,
}

/// Tokens between a comma and a chunk's end, at most, that are taken along into the next chunk (the web UI's setting as it comes).
const LOOK_BACK: usize = 20;
/// A word of fewer tokens is not cut in two (ComfyUI).
const SHORT: usize = 8;

/// Cuts words into chunks of at most `length` tokens; one empty chunk where there are none. The web UI fills each chunk to the end, but where
/// a comma stands near the end, what comes after it goes into the next. ComfyUI cuts between words.
#[must_use]
pub fn split(runs: &[Run], rule: Rule, comma: Option<u32>, length: usize) -> Vec<Vec<Weighted>> {
    let length = length.max(1);
    let mut chunks = vec![Vec::new()];
    // Tokens of the last chunk up to its last comma.
    let mut to_comma = None;
    for run in runs {
        let word = match run {
            Run::Word(word) | Run::Whole(word) => word,
            Run::Break => {
                chunks.push(Vec::new());
                to_comma = None;
                continue;
            }
        };
        let room = length - chunks.last().map_or(0, Vec::len);
        if rule == Rule::Comfy && word.len() < SHORT.min(length) && word.len() > room {
            chunks.push(Vec::new());
        }
        if matches!(run, Run::Whole(_)) && word.len() > room && word.len() <= length {
            chunks.push(Vec::new());
            to_comma = None;
        }
        for token in word {
            let Some(last) = chunks.last_mut() else { break };
            let is_comma = Some(token.0) == comma;
            if last.len() == length {
                let back = to_comma.filter(|end| rule == Rule::WebUi && !is_comma && length - end < LOOK_BACK);
                let moved = back.map_or_else(Vec::new, |end| last.split_off(end));
                chunks.push(moved);
                to_comma = None;
            }
            let Some(last) = chunks.last_mut() else { break };
            last.push(*token);
            if is_comma {
                to_comma = Some(last.len());
            }
        }
    }
    // A BREAK at the end begins nothing.
    if chunks.len() > 1 && chunks.last().is_some_and(Vec::is_empty) {
        chunks.pop();
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: u32 = 9;

    /// Words of one token each; 9 is a comma.
    fn words(tokens: &[u32]) -> Vec<Run> {
        tokens.iter().map(|&token| Run::Word(vec![(token, 1.0)])).collect()
    }

    fn lengths(runs: &[Run], rule: Rule, length: usize) -> Vec<usize> {
        let chunks = split(runs, rule, Some(COMMA), length);
        let all = |runs: &[Run]| {
            let tokens = |run: &Run| match run {
                Run::Word(word) | Run::Whole(word) => word.clone(),
                Run::Break => Vec::new(),
            };
            runs.iter().flat_map(tokens).collect::<Vec<_>>()
        };
        assert_eq!(chunks.concat(), all(runs), "every token is there, in order");
        chunks.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_chunk_is_filled_and_then_the_next() {
        for rule in [Rule::WebUi, Rule::Comfy] {
            assert_eq!(lengths(&[], rule, 75), [0]);
            assert_eq!(lengths(&words(&[1; 75]), rule, 75), [75]);
            assert_eq!(lengths(&words(&[1; 76]), rule, 75), [75, 1]);
            assert_eq!(lengths(&words(&[1; 200]), rule, 75), [75, 75, 50]);
        }
    }

    #[test]
    fn what_follows_a_comma_near_the_end_is_taken_along() {
        let with_comma = |at: usize| {
            let mut tokens = [1; 80];
            tokens[at] = COMMA;
            words(&tokens)
        };
        // Tokens 71 to 75 follow the comma and go along; twenty are too many to be taken.
        assert_eq!(lengths(&with_comma(69), Rule::WebUi, 75), [70, 10]);
        assert_eq!(lengths(&with_comma(55), Rule::WebUi, 75), [56, 24]);
        assert_eq!(lengths(&with_comma(54), Rule::WebUi, 75), [75, 5]);
        assert_eq!(lengths(&with_comma(74), Rule::WebUi, 75), [75, 5]);
        assert_eq!(lengths(&with_comma(75), Rule::WebUi, 75), [75, 5]);
        assert_eq!(lengths(&with_comma(69), Rule::Comfy, 75), [75, 5]);
    }

    #[test]
    fn a_short_word_is_whole_in_comfyui() {
        let mut runs = words(&[1; 72]);
        runs.push(Run::Word(vec![(2, 1.0); 5]));
        assert_eq!(lengths(&runs, Rule::Comfy, 75), [72, 5]);
        assert_eq!(lengths(&runs, Rule::WebUi, 75), [75, 2]);
        runs.push(Run::Word(vec![(2, 1.0); 90]));
        assert_eq!(lengths(&runs, Rule::Comfy, 75), [72, 75, 20], "a long one is cut");
    }

    #[test]
    fn vectors_stay_together() {
        let mut runs = words(&[1; 70]);
        runs[69] = Run::Word(vec![(COMMA, 1.0)]);
        runs.push(Run::Whole(vec![(2, 1.0); 6]));
        assert_eq!(lengths(&runs, Rule::WebUi, 75), [70, 6]);
        runs.pop();
        runs.push(Run::Whole(vec![(2, 1.0); 5]));
        runs.push(Run::Word(vec![(3, 1.0)]));
        assert_eq!(lengths(&runs, Rule::WebUi, 75), [70, 6], "the look-back takes them along");
        assert_eq!(lengths(&[Run::Whole(vec![(2, 1.0); 80])], Rule::WebUi, 75), [75, 5], "too many for any chunk");
    }

    #[test]
    fn a_break_begins_a_chunk() {
        let mut runs = words(&[1; 3]);
        runs.push(Run::Break);
        runs.extend(words(&[1; 4]));
        assert_eq!(lengths(&runs, Rule::WebUi, 75), [3, 4]);
        runs.insert(0, Run::Break);
        assert_eq!(lengths(&runs, Rule::WebUi, 75), [0, 3, 4]);
        runs.push(Run::Break);
        assert_eq!(lengths(&runs, Rule::WebUi, 75), [0, 3, 4]);
    }
}
