//! CLIP's vocabulary (Radford et al. 2021), which all single files share and none of them holds: assets/clip, 49,408 tokens.

use super::{Error, FETCH_AGAIN, Result};
use flate2::read::GzDecoder;
use serde_json::{Map, Value};
use std::io::Read as _;

/// The published merges, as far as CLIP takes them.
static MERGES: &[u8] = include_bytes!("../../assets/clip/merges.txt.gz");

/// Tokens: 256 bytes, the same at the end of a word, a token a merge, start and end.
const TOKENS: usize = 49408;

/// Merges.
const COUNT: usize = TOKENS - 2 * 256 - 2;

/// The merges, two tokens a line, most frequent first.
pub(super) fn merges() -> Result<String> {
    let damaged = |fact: String| Error::Invalid { file: "CLIP's vocabulary".to_owned(), fact, remedy: FETCH_AGAIN };
    let mut text = String::new();
    GzDecoder::new(MERGES).read_to_string(&mut text).map_err(|error| damaged(error.to_string()))?;
    // (The first line says whose they are.)
    let lines: Vec<&str> = text.lines().skip(1).take(COUNT).collect();
    if lines.len() < COUNT {
        return Err(damaged(format!("has {} merges", lines.len())));
    }
    Ok(lines.join("\n"))
}

/// The tokens' ids, as vocab.json has them.
pub(super) fn vocabulary() -> Result<Value> {
    let merges = merges()?;
    let bytes: Vec<String> = letters().map(String::from).collect();
    let at_end = bytes.iter().map(|byte| format!("{byte}</w>"));
    let merged = merges.lines().map(|line| line.replace(' ', ""));
    let specials = ["<|startoftext|>", "<|endoftext|>"].map(str::to_owned);
    let tokens = bytes.iter().cloned().chain(at_end).chain(merged).chain(specials);
    Ok(Value::Object(tokens.enumerate().map(|(id, token)| (token, Value::from(id))).collect::<Map<_, _>>()))
}

/// The letters that stand for the 256 bytes, in the vocabulary's order: printable ones for themselves first, then the others.
fn letters() -> impl Iterator<Item = char> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let others = (0..=u8::MAX).filter(move |byte| !printable(byte));
    let stand_in = |index: usize| u32::try_from(256 + index).ok().and_then(char::from_u32).unwrap_or(' ');
    (0..=u8::MAX).filter(printable).map(char::from).chain(others.enumerate().map(move |(index, _)| stand_in(index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_published_ids() {
        let vocabulary = vocabulary().unwrap();
        assert_eq!(vocabulary.as_object().unwrap().len(), TOKENS);
        // As transformers' CLIPTokenizer of openai/clip-vit-large-patch14 has them.
        for (token, id) in [
            ("!", 0),
            ("!</w>", 256),
            ("a</w>", 320),
            ("of</w>", 539),
            ("cat</w>", 2368),
            ("photo</w>", 1125),
            ("<|startoftext|>", 49406),
            ("<|endoftext|>", 49407),
        ] {
            assert_eq!(vocabulary[token], id, "{token}");
        }
    }
}
