//! The noise that a single file's UNet was trained on, and the size of its pictures: told by marks, metadata or a file beside it.

use super::contents::{Family, Unet};
use crate::checkpoint::safetensors::TensorFile;
use crate::networks::Weights as _;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A file beside a checkpoint is a short text.
const LARGEST_YAML: u64 = 1 << 16;

/// The marks of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// True for velocity, false for noise.
    pub(super) velocity: bool,
    /// True where the last step of the noise has no signal left.
    pub(super) zero_terminal: bool,
    /// The side in pixels of the pictures that it was trained on, where it says so.
    side: Option<usize>,
}

impl Marks {
    pub(super) fn of(file: &TensorFile, unet: Option<&Unet>, path: &Path) -> Self {
        let zero_terminal = file.has("ztsnr");
        let velocity = if file.has("v_pred") || zero_terminal {
            true
        } else if let Some(told) = of_metadata(file).or_else(|| of_yaml(path)) {
            told
        } else {
            unet.is_some_and(of_weights)
        };
        let side = file.metadata("modelspec.resolution").and_then(|text| {
            let (width, height) = text.trim().split_once(['x', 'X'])?;
            (width == height).then(|| width.parse().ok())?
        });
        Self { velocity, zero_terminal, side: side.filter(|side| (256..=2048).contains(side) && side % 64 == 0) }
    }

    /// The content of scheduler_config.json: all published checkpoints have the same noise.
    pub(super) fn scheduler(&self) -> Value {
        json!({
            "_class_name": "DDIMScheduler",
            "num_train_timesteps": 1000,
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "prediction_type": self.prediction(),
            "clip_sample": false,
            "set_alpha_to_one": false,
            "steps_offset": 1,
            "timestep_spacing": if self.zero_terminal { "trailing" } else { "leading" },
            "rescale_betas_zero_snr": self.zero_terminal,
        })
    }

    pub(super) fn prediction(&self) -> &'static str {
        if self.velocity { "v_prediction" } else { "epsilon" }
    }

    /// The window in latent cells: the size that a family was trained on.
    pub(super) fn window(&self, family: Family) -> usize {
        let own = match family {
            Family::Sd1 => 512,
            Family::Sd2 if self.velocity => 768,
            Family::Sd2 => 512,
            Family::Sdxl => 1024,
        };
        self.side.unwrap_or(own) / 8
    }
}

/// Whether the header says velocity or noise.
fn of_metadata(file: &TensorFile) -> Option<bool> {
    match file.metadata("modelspec.prediction_type").map(|kind| kind.trim().to_lowercase()).as_deref() {
        Some("v" | "v_prediction" | "v-prediction" | "velocity") => return Some(true),
        Some("epsilon" | "eps") => return Some(false),
        _ => {}
    }
    let architecture = file.metadata("modelspec.architecture")?;
    match architecture.split('/').next()? {
        "stable-diffusion-v2-768-v" => Some(true),
        "stable-diffusion-v2-512" | "stable-diffusion-v1" => Some(false),
        _ => None,
    }
}

/// Whether the web UIs' NAME.yaml says velocity; the original code's default is noise.
fn of_yaml(path: &Path) -> Option<bool> {
    let mut text = String::new();
    File::open(path.with_extension("yaml")).ok()?.take(LARGEST_YAML).read_to_string(&mut text).ok()?;
    let value = text.lines().find_map(|line| line.trim().strip_prefix("parameterization:"))?;
    match value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']) {
        "v" => Some(true),
        "eps" => Some(false),
        _ => None,
    }
}

/// The spread of one norm's bias above which a UNet of Stable Diffusion 2 predicts velocity. The two published UNets are told
/// apart by it, and so are their finetunes; nothing else in such files says it. (ComfyUI's rule.)
const SPREAD: f32 = 0.09;

/// Whether a UNet predicts velocity, by its weights.
fn of_weights(unet: &Unet) -> bool {
    let name = "up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias";
    let inputs = unet.tensors.shape_of("conv_in.weight").and_then(|shape| shape.get(1)).copied();
    if unet.family != Family::Sd2 || inputs != Some(4) {
        return false;
    }
    let Ok(bias) = unet.tensors.read(name) else { return false };
    let values = bias.into_f32();
    let count = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
    variance.sqrt() > SPREAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yaml_beside_the_file_says_velocity() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("mix.safetensors");
        assert_eq!(of_yaml(&model), None);
        for (value, told) in [("\"v\"", Some(true)), ("v # comment", Some(true)), ("'eps'", Some(false)), ("x", None)] {
            let text = format!("model:\n  params:\n    parameterization: {value}\n    linear_start: 0.00085\n");
            std::fs::write(folder.path().join("mix.yaml"), text).unwrap();
            assert_eq!(of_yaml(&model), told, "{value}");
        }
    }
}
