//! CLIP's byte-pair vocabulary, which turns a prompt into token ids.

use super::inversions::Inversions;
use super::prompt::{Rule, chunks, emphasis};
use super::store::Store;
use super::{Error, FETCH_AGAIN, PartName, Result};
use crate::networks::clip;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fmt::Display;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper};

/// The bytes of a prompt that are looked at: far more than anybody writes.
const LONGEST: usize = 32 << 10;

/// A tokenizer that gives the ids of transformers' `CLIPTokenizer`.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    file: String,
    start: u32,
    end: u32,
    pad: u32,
    /// Ids of a prompt, first and last included.
    length: usize,
}

/// A prompt as token ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    /// As many as the prompt needs, at least one.
    pub chunks: Vec<Chunk>,
    /// Tokens of the whole prompt, without start and end.
    pub count: usize,
}

/// What a text encoder reads at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// As many ids as the text encoder reads: start, words, end, padding.
    pub ids: Vec<u32>,
    /// The weight of each id.
    pub weights: Vec<f32>,
}

impl Tokenizer {
    /// Reads the vocabulary of a text encoder: tokenizer.json, or vocab.json and merges.txt, in its folder. Tokens that the
    /// encoder has no row for are refused.
    pub(super) fn open(store: &Store, of: PartName, encoder: &clip::Config) -> Result<Self> {
        let (positions, rows) = (encoder.max_position_embeddings, encoder.vocab_size);
        let folder = of.folder().replace("text_encoder", "tokenizer");
        let path = |file: &str| format!("{folder}/{file}");
        let options = |file: &str| match path(file) {
            path if store.has(&path) => store.json(&path),
            _ => Ok(Value::Object(Map::new())),
        };
        let (whole, vocabulary) = (path("tokenizer.json"), path("vocab.json"));
        let (config, specials) = (options("tokenizer_config.json")?, options("special_tokens_map.json")?);
        let special = |key: &str| token(&config, key).or_else(|| token(&specials, key));
        let start = special("bos_token").unwrap_or_else(|| "<|startoftext|>".to_owned());
        let end = special("eos_token").unwrap_or_else(|| "<|endoftext|>".to_owned());
        let pad = special("pad_token").unwrap_or_else(|| end.clone());

        let (mut inner, file) = if store.has(&whole) {
            let file = store.describe(&whole);
            let inner = store.text(&whole)?.parse().map_err(|error| invalid(&file, error))?;
            (inner, file)
        } else if store.has(&vocabulary) {
            (from_vocabulary(store, &folder, &end)?, store.describe(&vocabulary))
        } else {
            let remedy = "get the whole checkpoint in the diffusers layout";
            return Err(Error::Missing { file: store.describe(&whole), remedy });
        };
        inner.with_truncation(None).map_err(|error| invalid(&file, error))?;
        inner.with_padding(None);

        let id = |token: &str| {
            let id = inner.token_to_id(token).filter(|&id| usize::try_from(id).is_ok_and(|id| id < rows));
            id.ok_or_else(|| invalid(&file, format!("token {token:?} is not in the vocabulary of {rows}")))
        };
        let (start_id, end_id, pad_id) = (id(&start)?, id(&end)?, id(&pad)?);
        // As transformers, which finds these in a text wherever they stand (so SD 2's "!" is always its padding token).
        let known = inner.get_added_tokens_decoder();
        for (name, id) in [(&start, start_id), (&end, end_id), (&pad, pad_id)] {
            if !known.contains_key(&id) {
                let normalized = *name == start || *name == end;
                let added = AddedToken::from(name.clone(), true).normalized(normalized);
                inner.add_special_tokens([added]).map_err(|error| invalid(&file, error))?;
            }
        }
        let longest = config.get("model_max_length").and_then(Value::as_f64).unwrap_or(f64::INFINITY);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, which is what is wanted"
        )]
        let length = (longest as usize).min(positions);
        if length < 3 {
            return Err(invalid(&file, format!("a prompt of {length} tokens has no room for words")));
        }
        Ok(Self { inner, file, start: start_id, end: end_id, pad: pad_id, length })
    }

    /// The most tokens that the text encoder reads at a time, without start and end.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.length - 2
    }

    /// The number of tokens in the vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// A prompt's words in chunks, by this reading of its weights and breaks. (What an AND or a change by steps makes of it is found before:
    /// [`schedule`](super::prompt::schedule).)
    ///
    /// # Errors
    /// If the vocabulary's files have a fault that only encoding finds.
    pub fn encode(&self, prompt: &str, rule: Rule) -> Result<Tokens> {
        self.encode_with(prompt, rule, &mut Inversions::default())
    }

    /// As [`Self::encode`], with textual inversions: ComfyUI's `embedding:name`, and for the web UI the bare name besides, found by its
    /// tokens. Their ids begin at [`FIRST_ID`](super::inversions::FIRST_ID).
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub(super) fn encode_with(&self, prompt: &str, rule: Rule, inversions: &mut Inversions) -> Result<Tokens> {
        let prompt = beginning(prompt);
        let bare = if rule == Rule::WebUi { self.bare_names(prompt, inversions)? } else { Vec::new() };
        let mut runs = Vec::new();
        for piece in emphasis::parse(prompt, rule) {
            let emphasis::Piece::Words { text, weight } = piece else {
                runs.push(chunks::Run::Break);
                continue;
            };
            for part in called_by_name(&text, inversions) {
                match part {
                    Part::Text(text) => self.encode_text(text, weight, (&bare, inversions), &mut runs)?,
                    Part::Called(name) => runs.extend(inversions.ids(name).map(|ids| vectors(&ids, weight, rule))),
                    Part::Unknown(name) => inversions.unknown(name),
                }
            }
        }
        let comma = self.inner.token_to_id(",</w>");
        let split = chunks::split(&runs, rule, comma, self.limit());
        let count = split.iter().map(Vec::len).sum();
        let chunk = |tokens: Vec<chunks::Weighted>| {
            let (mut ids, mut weights) = (vec![self.start], vec![1.0]);
            ids.extend(tokens.iter().map(|(id, _)| *id));
            weights.extend(tokens.iter().map(|(_, weight)| *weight));
            ids.push(self.end);
            ids.resize(self.length, self.pad);
            weights.resize(self.length, 1.0);
            Chunk { ids, weights }
        };
        Ok(Tokens { chunks: split.into_iter().map(chunk).collect(), count })
    }

    /// The runs of a text without `embedding:`, in which bare names are called.
    fn encode_text(
        &self,
        text: &str,
        weight: f32,
        (bare, inversions): (&[(Vec<u32>, String)], &mut Inversions),
        runs: &mut Vec<chunks::Run>,
    ) -> Result<()> {
        let encoding = self.inner.encode(text, false).map_err(|error| invalid(&self.file, error))?;
        let (ids, offsets) = (encoding.get_ids(), encoding.get_offsets());
        let ends_word = |id: u32| self.inner.id_to_token(id).is_none_or(|token| token.ends_with("</w>"));
        let (mut at, mut ends_at) = (0, usize::MAX);
        while let (Some(&id), Some(&(start, end))) = (ids.get(at), offsets.get(at)) {
            let begins = at.checked_sub(1).and_then(|before| ids.get(before)).is_none_or(|&before| ends_word(before));
            let rest = ids.get(at..).unwrap_or_default();
            let called = bare.iter().find(|(name, _)| begins && rest.starts_with(name));
            if let Some((taken, found)) = called.and_then(|(taken, name)| Some((taken, inversions.ids(name)?))) {
                runs.push(vectors(&found, weight, Rule::WebUi));
                at += taken.len();
                ends_at = usize::MAX;
                continue;
            }
            // A word goes on where no blank is between.
            match runs.last_mut() {
                Some(chunks::Run::Word(word)) if ends_at == start => word.push((id, weight)),
                _ => runs.push(chunks::Run::Word(vec![(id, weight)])),
            }
            ends_at = end;
            at += 1;
        }
        Ok(())
    }

    /// The names of textual inversions that may stand in a prompt, as tokens, the longest first.
    fn bare_names(&self, prompt: &str, inversions: &Inversions) -> Result<Vec<(Vec<u32>, String)>> {
        let mut names = Vec::new();
        for name in inversions.candidates(prompt) {
            let encoding = self.inner.encode(&*name, false).map_err(|error| invalid(&self.file, error))?;
            if !encoding.get_ids().is_empty() {
                names.push((encoding.get_ids().to_vec(), name));
            }
        }
        names.sort_by_key(|(ids, _)| std::cmp::Reverse(ids.len()));
        Ok(names)
    }
}

/// The vectors of a textual inversion. The web UI keeps them together.
fn vectors(ids: &[u32], weight: f32, rule: Rule) -> chunks::Run {
    let weighted = ids.iter().map(|&id| (id, weight)).collect();
    if rule == Rule::WebUi { chunks::Run::Whole(weighted) } else { chunks::Run::Word(weighted) }
}

/// A part of a text that calls textual inversions by `embedding:name`.
enum Part<'a> {
    Text(&'a str),
    Called(&'a str),
    Unknown(&'a str),
}

/// ComfyUI's mark of a textual inversion.
const MARK: &str = "embedding:";

/// The parts of a text. A name that is not known is left out with its mark, as ComfyUI does.
fn called_by_name<'a>(text: &'a str, inversions: &Inversions) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|text| text.find(MARK)).map(|at| from + at) {
        let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + MARK.len()..).unwrap_or_default());
        if before.ends_with(char::is_alphanumeric) {
            from = at + MARK.len();
            continue;
        }
        let run = after.split(char::is_whitespace).next().unwrap_or_default();
        parts.push(Part::Text(before));
        let taken = match inversions.called(run) {
            Some((name, taken)) => {
                parts.push(Part::Called(name));
                taken
            }
            None => {
                let name = run.split(',').next().unwrap_or_default();
                parts.push(Part::Unknown(name));
                name.len()
            }
        };
        (rest, from) = (after.get(taken..).unwrap_or_default(), 0);
    }
    parts.push(Part::Text(rest));
    parts
}

/// The beginning of `words` that is looked at, cut between words where there are any.
fn beginning(words: &str) -> &str {
    if words.len() <= LONGEST {
        return words;
    }
    let start = words.get(..words.floor_char_boundary(LONGEST)).unwrap_or(words);
    match start.rfind(char::is_whitespace) {
        Some(end) => start.get(..end).unwrap_or(start),
        None => start,
    }
}

/// A special token as a string, or as an object with its content.
fn token(config: &Value, key: &str) -> Option<String> {
    let value = config.get(key)?;
    value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
}

fn invalid(file: &str, error: impl Display) -> Error {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    Error::Invalid {
        file: file.to_owned(),
        fact: format!("is not a CLIP vocabulary ({})", line.chars().take(200).collect::<String>()),
        remedy: FETCH_AGAIN,
    }
}

/// The tokenizer that transformers makes of a folder's vocab.json and merges.txt.
fn from_vocabulary(store: &Store, folder: &str, unknown: &str) -> Result<tokenizers::Tokenizer> {
    let [path, merges_path] = ["vocab.json", "merges.txt"].map(|name| format!("{folder}/{name}"));
    let (file, merges_file) = (store.describe(&path), store.describe(&merges_path));
    let merges = store
        .text(&merges_path)?
        .lines()
        .filter(|line| !line.starts_with("#version") && !line.trim().is_empty())
        .map(|line| match line.split_once(' ') {
            Some((first, second)) if !second.contains(' ') => Ok((first.to_owned(), second.trim_end().to_owned())),
            _ => Err(invalid(&merges_file, "a line is not two tokens")),
        })
        .collect::<Result<Vec<_>>>()?;
    let ids: HashMap<String, u32> =
        serde_json::from_value(store.json(&path)?).map_err(|error| invalid(&file, error))?;
    let model = BPE::builder()
        .vocab_and_merges(ids.into_iter().collect::<Vocab>(), merges)
        .unk_token(unknown.to_owned())
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix("</w>".to_owned())
        .build()
        .map_err(|error| invalid(&file, error))?;
    let normalizer: NormalizerWrapper = serde_json::from_value(json!({
        "type": "Sequence",
        "normalizers": [
            { "type": "NFC" },
            { "type": "Replace", "pattern": { "Regex": r"\s+" }, "content": " " },
            { "type": "Lowercase" },
        ],
    }))
    .map_err(|error| invalid(&file, error))?;
    let words = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
    let pre_tokenizer: PreTokenizerWrapper = serde_json::from_value(json!({
        "type": "Sequence",
        "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": words }, "behavior": "Removed", "invert": true },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
        ],
    }))
    .map_err(|error| invalid(&file, error))?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer.with_normalizer(Some(normalizer)).map_err(|error| invalid(&file, error))?;
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer));
    Ok(tokenizer)
}
