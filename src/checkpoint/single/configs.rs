//! Options of networks, read off the shapes and the number of their tensors. What shapes do not say (heads, groups, activations) is
//! the same in all published checkpoints of a family.

use super::contents::{Clip, Family, Text};
use crate::checkpoint::safetensors::TensorFile;
use serde_json::{Value, json};

/// Groups of all group norms.
const GROUPS: usize = 32;
/// Heads of Stable Diffusion 1, whatever their width.
const HEADS: usize = 8;
/// Width of a head in later families and in text encoders.
const HEAD: usize = 64;
/// Sines and cosines of each of SDXL's sizes.
const WAVES: usize = 256;
/// More blocks or layers than this are in no network.
const MOST: usize = 100;

fn size(file: &TensorFile, name: &str, axis: usize) -> Option<usize> {
    file.shape_of(name)?.get(axis).copied()
}

/// The number of `PREFIX0.`, `PREFIX1.`, … that there are.
fn count(file: &TensorFile, prefix: &str) -> usize {
    (0..MOST).take_while(|index| file.any(&format!("{prefix}{index}."))).count()
}

/// Width of the words that the cross-attention reads.
pub(super) fn words(file: &TensorFile) -> Option<usize> {
    file.names().iter().find(|name| name.ends_with("attn2.to_k.weight")).and_then(|name| size(file, name, 1))
}

/// Blocks of a transformer.
pub(super) fn depth(unet: &TensorFile, transformer: &str) -> usize {
    count(unet, &format!("{transformer}.transformer_blocks."))
}

/// Whether the transformers' projections are linear layers: convolutions in Stable Diffusion 1 alone.
pub(super) fn is_linear(unet: &TensorFile) -> bool {
    let projection = |name: &&String| name.ends_with(".proj_in.weight");
    unet.names().iter().find(projection).and_then(|name| unet.shape_of(name)).is_some_and(|shape| shape.len() == 2)
}

/// A UNet's config.json, for a model that is drawn with windows of `window` cells.
pub(super) fn unet(unet: &TensorFile, window: usize) -> Value {
    let levels = count(unet, "down_blocks.");
    let at = |level: usize, rest: &str| format!("down_blocks.{level}.{rest}");
    let channels: Vec<usize> =
        (0..levels).map(|level| size(unet, &at(level, "resnets.0.conv1.weight"), 0).unwrap_or(0)).collect();
    let attends = |side: &str, level: usize| unet.any(&format!("{side}_blocks.{level}.attentions.0."));
    let kinds = |side: &str, with: &str, without: &str| -> Vec<String> {
        (0..levels).map(|level| if attends(side, level) { with } else { without }.to_owned()).collect()
    };
    let layers = |side: &str, level: usize| count(unet, &format!("{side}_blocks.{level}.resnets."));
    // Pruned networks have other depths in each layer. The last level's first one is the middle's, too.
    let middle = depth(unet, "mid_block.attentions.0");
    let depths = |side: &str, level: usize| -> Vec<usize> {
        let of_layer = |layer| depth(unet, &format!("{side}_blocks.{level}.attentions.{layer}"));
        let depths = (0..layers(side, level)).map(of_layer);
        depths.map(|depth| if depth == 0 { middle } else { depth }.max(1)).collect()
    };
    let all_depths = |side: &str| (0..levels).map(|level| depths(side, level)).collect::<Vec<_>>();
    let mid_block = match (unet.any("mid_block."), middle) {
        (false, _) => Value::Null,
        (true, 0) => json!("UNetMidBlock2D"),
        (true, _) => json!("UNetMidBlock2DCrossAttn"),
    };
    let heads: Vec<usize> =
        channels.iter().map(|channels| if is_linear(unet) { (channels / HEAD).max(1) } else { HEADS }).collect();
    let mut config = json!({
        "_class_name": "UNet2DConditionModel",
        "sample_size": window,
        "in_channels": size(unet, "conv_in.weight", 1),
        "out_channels": size(unet, "conv_out.weight", 0),
        "conv_in_kernel": size(unet, "conv_in.weight", 2),
        "conv_out_kernel": size(unet, "conv_out.weight", 2),
        "time_embedding_dim": size(unet, "time_embedding.linear_1.weight", 0),
        "block_out_channels": channels,
        "layers_per_block": (0..levels).map(|level| layers("down", level)).collect::<Vec<_>>(),
        "down_block_types": kinds("down", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": kinds("up", "CrossAttnUpBlock2D", "UpBlock2D"),
        "mid_block_type": mid_block,
        "transformer_layers_per_block": all_depths("down"),
        "reverse_transformer_layers_per_block": all_depths("up"),
        "attention_head_dim": heads,
        "cross_attention_dim": words(unet),
        "norm_num_groups": GROUPS,
        "use_linear_projection": is_linear(unet),
        "time_cond_proj_dim": size(unet, "time_embedding.cond_proj.weight", 1),
    });
    if let Some(width) = size(unet, "add_embedding.linear_1.weight", 1) {
        config["addition_embed_type"] = json!("text_time");
        config["addition_time_embed_dim"] = json!(WAVES);
        config["projection_class_embeddings_input_dim"] = json!(width);
    }
    config
}

/// The factor from an autoencoder's output to a family's latents.
pub(super) fn latent_factor(family: Family) -> f32 {
    if family == Family::Sdxl { 0.13025 } else { 0.18215 }
}

/// An autoencoder's config.json.
pub(super) fn vae(vae: &TensorFile, factor: f32) -> Value {
    let levels = count(vae, "encoder.down_blocks.");
    let channels = |level| size(vae, &format!("encoder.down_blocks.{level}.resnets.0.conv1.weight"), 0).unwrap_or(0);
    json!({
        "_class_name": "AutoencoderKL",
        "in_channels": size(vae, "encoder.conv_in.weight", 1),
        "out_channels": size(vae, "decoder.conv_out.weight", 0),
        "latent_channels": size(vae, "decoder.conv_in.weight", 1),
        "block_out_channels": (0..levels).map(channels).collect::<Vec<_>>(),
        "down_block_types": vec!["DownEncoderBlock2D"; levels],
        "up_block_types": vec!["UpDecoderBlock2D"; levels],
        "layers_per_block": count(vae, "encoder.down_blocks.0.resnets."),
        "norm_num_groups": GROUPS,
        "scaling_factor": factor,
        "use_quant_conv": vae.any("quant_conv."),
        "use_post_quant_conv": vae.any("post_quant_conv."),
        "mid_block_add_attention": vae.any("decoder.mid_block.attentions."),
    })
}

/// Width of a text encoder's states.
pub(super) fn text_width(text: &TensorFile) -> Option<usize> {
    size(text, "final_layer_norm.weight", 0).or_else(|| size(text, "embeddings.token_embedding.weight", 1))
}

/// A text encoder's config.json, for a family.
pub(super) fn text(text: &Text, family: Family) -> Value {
    let Text { tensors, clip, .. } = text;
    let width = text_width(tensors);
    let layers = count(tensors, "encoder.layers.");
    // Stable Diffusion 2 reads the states before the last layer, after the final norm; folders leave the last one out.
    let unread = usize::from(family == Family::Sd2 && *clip == Clip::OpenClip && layers != 23);
    json!({
        "model_type": "clip_text_model",
        "vocab_size": size(tensors, "embeddings.token_embedding.weight", 0),
        "hidden_size": width,
        "intermediate_size": size(tensors, "encoder.layers.0.mlp.fc1.weight", 0),
        "num_hidden_layers": layers.saturating_sub(unread),
        "num_attention_heads": width.map(|width| (width / HEAD).max(1)),
        "max_position_embeddings": size(tensors, "embeddings.position_embedding.weight", 0),
        "hidden_act": if *clip == Clip::OpenClip { "gelu" } else { "quick_gelu" },
        "projection_dim": size(tensors, "text_projection.weight", 0),
        "eos_token_id": 49407,
    })
}
