//! The figures of a LoRA.

use super::LoraFile;
use super::layer::{Layer, reads_text};
use crate::checkpoint::PartName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The number of tags in a summary.
const TAGS: usize = 8;

/// The letters after which a tag is cut: longer ones are whole captions.
const TAG_LENGTH: usize = 60;

/// The figures of a LoRA that `polyptych info` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoraSummary {
    /// The file's name without its ending.
    pub name: String,
    /// The family of checkpoints it is for, where names, shapes or metadata tell.
    pub family: Option<&'static str>,
    /// The kinds of its changes: LoRA, LoHa, LoKr, DoRA, …
    pub kinds: Vec<&'static str>,
    /// The smallest and the largest rank of its layers; 0 where no change has factors.
    pub ranks: (usize, usize),
    /// Changed layers of the UNet or transformer.
    pub unet_layers: usize,
    /// Changed layers of text encoders.
    pub text_layers: usize,
    /// Changed convolutions with a kernel larger than 1 × 1.
    pub convolutions: usize,
    /// Width of the text embeddings it was made for, where it changes a layer that reads them.
    pub text_width: Option<usize>,
    /// Bytes of its file.
    pub bytes: usize,
    /// The type its factors are stored in.
    pub dtype: &'static str,
    /// The trigger phrase for prompts, by its maker (`modelspec.trigger_phrase`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Names of textual inversions that it brings along: prompts that it counts for can call them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub embeddings: Vec<String>,
    /// The most frequent tags of its training captions (`ss_tag_frequency`). The first ones are often its trigger words.
    pub tags: Vec<Tag>,
}

/// A tag of training captions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// The tag.
    pub words: String,
    /// The number of captions with it.
    pub count: u64,
}

impl LoraSummary {
    pub(super) fn of(lora: &LoraFile) -> Self {
        let of = |part| lora.layers.keys().filter(|(of, _)| *of == part).count();
        let ranks = || lora.layers.values().filter_map(|layer| layer.rank);
        let kinds: BTreeSet<&str> = lora.layers.values().map(Layer::kind).collect();
        let convolutions = lora.layers.values().filter(|layer| layer.is_convolution(&lora.tensors));
        // Keys come from the text embeddings.
        let mut widths = lora.layers.iter().filter(|(place, _)| reads_text(place));
        let text_width = widths.find_map(|(_, layer)| layer.columns(&lora.tensors));
        Self {
            name: lora.name(),
            family: family(lora, text_width),
            kinds: kinds.into_iter().collect(),
            ranks: (ranks().min().unwrap_or(0), ranks().max().unwrap_or(0)),
            unet_layers: of(PartName::Unet) + of(PartName::Transformer),
            text_layers: lora.layers.keys().filter(|(of, _)| of.is_text_encoder()).count(),
            convolutions: convolutions.count(),
            text_width,
            bytes: lora.tensors.len(),
            dtype: lora.tensors.dtype(),
            trigger: lora.tensors.metadata("modelspec.trigger_phrase").map(line).filter(|text| !text.is_empty()),
            embeddings: lora.embeddings.clone(),
            tags: tags(lora.tensors.metadata("ss_tag_frequency").unwrap_or_default()),
        }
    }
}

fn family(lora: &LoraFile, text_width: Option<usize>) -> Option<&'static str> {
    let says = |key: &str| lora.tensors.metadata(key).unwrap_or_default();
    let has = |part| lora.layers.keys().any(|(of, _)| *of == part);
    let base = says("ss_base_model_version");
    match text_width {
        _ if has(PartName::Transformer) => Some("FLUX, Stable Diffusion 3 or another transformer"),
        _ if has(PartName::TextEncoder2) || has(PartName::TextEncoder3) => Some("SDXL"),
        Some(width) => family_of_width(width),
        None if base.starts_with("sd_v1") => Some("Stable Diffusion 1"),
        None if base.starts_with("sd_v2") => Some("Stable Diffusion 2"),
        // kohya's scripts have such names for no other family.
        None if base.starts_with("sdxl") || lora.has_original_names() => Some("SDXL"),
        None => None,
    }
}

/// The family of checkpoints with text embeddings of this width.
pub(super) fn family_of_width(width: usize) -> Option<&'static str> {
    match width {
        768 => Some("Stable Diffusion 1"),
        1024 => Some("Stable Diffusion 2"),
        2048 => Some("SDXL"),
        _ => None,
    }
}

/// The most frequent words of kohya's `{folder: {words: count}}`.
fn tags(json: &str) -> Vec<Tag> {
    let folders: BTreeMap<String, BTreeMap<String, u64>> = serde_json::from_str(json).unwrap_or_default();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (words, count) in folders.into_values().flatten() {
        let of = counts.entry(line(&words)).or_default();
        *of = of.saturating_add(count);
    }
    let mut tags: Vec<Tag> = counts.into_iter().map(|(words, count)| Tag { words, count }).collect();
    tags.retain(|tag| !tag.words.is_empty());
    tags.sort_by_key(|tag| std::cmp::Reverse(tag.count));
    tags.truncate(TAGS);
    tags
}

/// A text from the header as one short line.
fn line(text: &str) -> String {
    let text: String = text.trim().chars().take(TAG_LENGTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_come_first() {
        let found = tags(
            r#"{"10_fox": {"zorkfox": 20, "snow": 7, " a fox": 5}, "5_more": {"zorkfox": 4, "snow ": 1, "": 99}}"#,
        );
        let found: Vec<(&str, u64)> = found.iter().map(|tag| (tag.words.as_str(), tag.count)).collect();
        assert_eq!(found, [("zorkfox", 24), ("snow", 8), ("a fox", 5)]);
        assert!(tags("not json").is_empty() && tags(&"[".repeat(10_000)).is_empty());
    }
}
