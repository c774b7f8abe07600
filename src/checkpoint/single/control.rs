//! ControlNets in single files: those of the original code, and diffusers' without their config.json.

use super::names::{self, Blocks};
use super::{configs, foreign};
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::{Error, Result};
use serde_json::{Value, json};

/// Beginnings of the names of a ControlNet.
const PREFIXES: [&str; 3] = ["control_model.", "controlnet.", ""];

/// The first layer of the way for the picture, in the original code and in diffusers.
const OWN: [&str; 2] = ["input_hint_block.0.", "controlnet_cond_embedding.conv_in."];

/// Marks of kinds of ControlNets that are not supported, each with its name.
const KINDS: [(&str, &str); 6] = [
    ("task_embedding", "a ControlNet union (one file for several kinds of maps)"),
    ("control_add_embedding.", "a ControlNet union (one file for several kinds of maps)"),
    ("transformer_layes.", "a ControlNet union (one file for several kinds of maps)"),
    ("spatial_ch_projs.", "a ControlNet union (one file for several kinds of maps)"),
    ("lora_controlnet", "a Control-LoRA"),
    ("difference", "a ControlNet of differences from a checkpoint"),
];

/// Whether a file is a ControlNet, of a kind that is supported or not. (Whole checkpoints with one beside their UNet are checkpoints.)
pub(in crate::checkpoint) fn is_control_net(file: &TensorFile) -> bool {
    let named = foreign::kind(file).is_some_and(|kind| kind.starts_with("a Control"));
    (named || OWN.iter().any(|key| prefix(file, key).is_some())) && !file.any("model.diffusion_model.")
}

/// What stands before a name in a file.
fn prefix<'a>(file: &TensorFile, key: &str) -> Option<&'a str> {
    PREFIXES.into_iter().find(|prefix| file.any(&format!("{prefix}{key}")))
}

/// The ControlNet in a file, with diffusers' names, and its config.json.
///
/// # Errors
/// If there is none, or one of a kind that is not supported: it is refused by its name.
pub(in crate::checkpoint) fn control_net(file: &TensorFile) -> Result<(TensorFile, Value)> {
    let refused = |what: &str| Error::Invalid {
        file: file.name(),
        fact: format!("is {what}, which is not supported"),
        remedy: "choose a ControlNet for Stable Diffusion 1, 2 or XL",
    };
    if let Some((_, what)) = KINDS.iter().find(|(key, _)| prefix(file, key).is_some()) {
        return Err(refused(what));
    }
    if let Some(family) = foreign::family(file) {
        return Err(refused(&format!("for {family}")));
    }
    let [original, diffusers] = OWN.map(|key| prefix(file, key));
    let all = file.names();
    let tensors = if let Some(prefix) = original {
        let below = || all.iter().filter_map(|name| name.strip_prefix(prefix));
        let (blocks, last) = (Blocks::of(below()), below().filter_map(hint).map(|(number, _)| number).max());
        names::renamed(all.iter(), prefix, |name| names::only(renamed(name, &blocks, last)))
    } else if let Some(prefix) = diffusers {
        names::renamed(all.iter(), prefix, |name| names::only(Some(name.to_owned())))
    } else {
        return Err(match foreign::kind(file) {
            Some(kind) => refused(kind),
            None => Error::Invalid {
                file: file.name(),
                fact: "is no ControlNet (no input_hint_block or controlnet_cond_embedding in it)".to_owned(),
                remedy: "choose a ControlNet, a .safetensors file of its own kind",
            },
        });
    };
    let tensors = file.part(tensors);
    let config = config(&tensors);
    Ok((tensors, config))
}

/// The number of a layer of the original code's way for the picture, and what follows it.
fn hint(name: &str) -> Option<(usize, &str)> {
    let (number, rest) = name.strip_prefix("input_hint_block.")?.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

/// The name in diffusers of a tensor; `last` is the number of the last layer of the way for the picture.
fn renamed(name: &str, blocks: &Blocks, last: Option<usize>) -> Option<String> {
    if let Some((number, rest)) = hint(name) {
        let layer = match number {
            0 => "conv_in".to_owned(),
            _ if Some(number) == last => "conv_out".to_owned(),
            // (Between the layers there are activations.)
            _ => format!("blocks.{}", (number / 2).checked_sub(1)?),
        };
        return Some(format!("controlnet_cond_embedding.{layer}.{rest}"));
    }
    if let Some((number, rest)) = name.strip_prefix("zero_convs.").and_then(|rest| rest.split_once(".0.")) {
        return Some(format!("controlnet_down_blocks.{number}.{rest}"));
    }
    match name.strip_prefix("middle_block_out.0.") {
        Some(rest) => Some(format!("controlnet_mid_block.{rest}")),
        None => blocks.unet(name),
    }
}

/// A ControlNet's config.json by its shapes.
fn config(net: &TensorFile) -> Value {
    let mut config = configs::unet(net, 1);
    let size = |name: &str, axis: usize| net.shape_of(name).and_then(|shape| shape.get(axis)).copied();
    let hint = |layer: &str, axis: usize| size(&format!("controlnet_cond_embedding.{layer}.weight"), axis);
    // Each second layer leads to the next number of channels.
    let hints = (0..).map_while(|pair| hint(&format!("blocks.{}", 2 * pair + 1), 0));
    let hints: Vec<usize> = hint("conv_in", 0).into_iter().chain(hints).collect();
    let levels = config["block_out_channels"].as_array().map_or(0, Vec::len);
    // Some have transformers of no blocks.
    let depth = |level: usize| {
        let transformer = format!("down_blocks.{level}.attentions.0");
        let last = level + 1 == levels && !net.any(&format!("{transformer}."));
        configs::depth(net, if last { "mid_block.attentions.0" } else { &transformer })
    };
    config["transformer_layers_per_block"] = (0..levels).map(depth).collect::<Vec<_>>().into();
    config["_class_name"] = json!("ControlNetModel");
    config["conditioning_channels"] = json!(hint("conv_in", 1));
    config["conditioning_embedding_out_channels"] = json!(hints);
    let attends = net.any("mid_block.attentions.");
    config["mid_block_type"] = json!(if attends { "UNetMidBlock2DCrossAttn" } else { "UNetMidBlock2D" });
    config
}
