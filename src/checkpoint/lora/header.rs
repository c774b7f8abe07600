//! The metadata in a LoRA file's header.

use super::names::flat;
use crate::checkpoint::PartName;
use crate::checkpoint::safetensors::TensorFile;
use serde_json::{Map, Value};

/// PEFT's configuration of each network, which diffusers writes into the header (`lora_adapter_metadata`).
pub(super) struct Peft(Map<String, Value>);

impl Peft {
    /// Reads it from the header; empty where there is none or it is not JSON.
    pub(super) fn parse(tensors: &TensorFile) -> Self {
        let text = tensors.metadata("lora_adapter_metadata");
        Self(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    /// The factor of a layer's product: alpha / rank, or alpha / √rank (Kalajdzievski 2023, arXiv:2312.03732); `None` where
    /// the configuration has no alpha.
    pub(super) fn scale(&self, part: PartName, layer: &str, rank: usize) -> Option<f32> {
        let field = |key: &str| self.0.get(&format!("{}.{key}", part.folder()));
        let own = field("alpha_pattern").and_then(Value::as_object).and_then(|pattern| {
            // Names of layers, or of what ends them.
            let ends = |key: &str| {
                let before = layer.strip_suffix(flat(key).as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
            };
            pattern.iter().find(|(key, _)| ends(key)).map(|(_, alpha)| alpha)
        });
        let alpha = own.or_else(|| field("lora_alpha"))?.as_f64().filter(|alpha| alpha.is_finite())?;
        let stable = field("use_rslora").and_then(Value::as_bool).unwrap_or(false);
        let rank = rank as f64;
        #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
        let scale = (alpha / if stable { rank.sqrt() } else { rank }) as f32;
        Some(scale)
    }
}
