//! The names of a LoRA's tensors: the network, the layer in it, and the factor.
//!
//! Layers are compared without regard to dots and underscores, because kohya's scripts write `_` for both.

use crate::checkpoint::PartName;

/// The role of a tensor in its layer's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    /// The factor `[rank, in]`, which is applied first.
    Down,
    /// The factor `[out, rank]`.
    Up,
    /// LoCon's third factor, the kernel between two 1 × 1 convolutions.
    Mid,
    /// The numerator of the product's factor.
    Alpha,
    /// A tensor of another kind of adapter, with that kind's name.
    Other(&'static str),
}

/// Endings of the names of factors: kohya's, PEFT's, diffusers' of 2023 for text encoders and for processors.
const ENDINGS: [(&str, Factor); 16] = [
    (".lora_down.weight", Factor::Down),
    (".lora_up.weight", Factor::Up),
    (".lora_A.weight", Factor::Down),
    (".lora_B.weight", Factor::Up),
    (".lora_A.default.weight", Factor::Down),
    (".lora_B.default.weight", Factor::Up),
    (".lora_linear_layer.down.weight", Factor::Down),
    (".lora_linear_layer.up.weight", Factor::Up),
    (".lora.down.weight", Factor::Down),
    (".lora.up.weight", Factor::Up),
    ("_lora.down.weight", Factor::Down),
    ("_lora.up.weight", Factor::Up),
    (".lora_mid.weight", Factor::Mid),
    (".alpha", Factor::Alpha),
    (".diff", Factor::Other(DIFFERENCES)),
    (".diff_b", Factor::Other(DIFFERENCES)),
];

const DIFFERENCES: &str = "a LoRA with whole differences (LyCORIS)";

/// Parts of names that only other kinds of adapters have, and their kinds.
const OTHERS: [(&str, &str); 11] = [
    (".dora_scale", "a DoRA"),
    (".lora_magnitude_vector", "a DoRA"),
    (".hada_w", "a LoHa (LyCORIS)"),
    (".hada_t", "a LoHa (LyCORIS)"),
    (".lokr_w", "a LoKr (LyCORIS)"),
    (".lokr_t", "a LoKr (LyCORIS)"),
    (".oft_", "an OFT adapter"),
    (".a1.weight", "a GLoRA (LyCORIS)"),
    (".on_input", "an IA³ adapter (LyCORIS)"),
    (".lora_embedding_A", "a LoRA of token embeddings"),
    (".lora_B.bias", "a LoRA with biases"),
];

/// Prefixes of layers' names.
const PREFIXES: [(&str, PartName); 16] = [
    ("lora_unet_", PartName::Unet),
    ("lora_te_", PartName::TextEncoder),
    ("lora_te1_", PartName::TextEncoder),
    ("lora_te2_", PartName::TextEncoder2),
    ("lora_te3_", PartName::TextEncoder3),
    ("lora_transformer_", PartName::Transformer),
    ("lycoris_", PartName::Unet),
    ("unet.", PartName::Unet),
    ("text_encoder.", PartName::TextEncoder),
    ("text_encoder_2.", PartName::TextEncoder2),
    ("text_encoder_3.", PartName::TextEncoder3),
    ("transformer.", PartName::Transformer),
    // What ComfyUI writes, with the original code's names.
    ("diffusion_model.", PartName::Unet),
    // Bare PEFT adapters, of either network.
    ("base_model.model.text_model.", PartName::TextEncoder),
    ("base_model.model.", PartName::Unet),
    ("text_model.", PartName::TextEncoder),
];

/// Beginnings of the names of a UNet's layers, for names without a prefix.
const UNET: [&str; 6] = ["down_blocks.", "mid_block.", "up_blocks.", "conv_in.", "conv_out.", "time_embedding."];

/// The network, the layer's name as [`flat`] makes it, and the factor of a tensor; `None` where the name is no adapter's.
pub(super) fn parse(name: &str) -> Option<(PartName, String, Factor)> {
    // A DoRA's other tensors are named as a LoRA's, so its own ones are looked for first.
    let other = OTHERS.iter().find_map(|&(mark, kind)| Some((name.find(mark)?, Factor::Other(kind))));
    let ending = || ENDINGS.iter().find_map(|&(ending, factor)| Some((name.strip_suffix(ending)?.len(), factor)));
    let (length, factor) = other.or_else(ending)?;
    let layer = name.get(..length)?;
    let prefix = PREFIXES.iter().find_map(|&(prefix, network)| Some((network, layer.strip_prefix(prefix)?)));
    let bare = || UNET.iter().any(|start| name.starts_with(start)).then_some((PartName::Unet, layer));
    let (network, layer) = prefix.or_else(bare)?;
    Some((network, flat(&layer.replace(".processor.to_out", ".to_out.0").replace(".processor.", ".")), factor))
}

/// A layer's name with `_` for `.`, and without the prefix that CLIP's layers have in some files only.
pub(super) fn flat(layer: &str) -> String {
    let flat = layer.replace('.', "_");
    flat.strip_prefix("text_model_").map_or_else(|| flat.clone(), str::to_owned)
}

/// Whether a layer of a UNet has its name of the original code, which kohya's scripts write for SDXL only.
pub(super) fn is_original(layer: &str) -> bool {
    ["input_blocks_", "middle_block_", "output_blocks_"].iter().any(|start| layer.starts_with(start))
}

/// The name in diffusers of a UNet's layer with a name of the original code. The numbers of blocks there depend on the number of
/// `resnets` of a level on the way down. `None` for layers that no such UNet has.
pub(super) fn from_original(layer: &str, resnets: usize) -> Option<String> {
    /// A number and the rest behind its `_`.
    fn number(text: &str) -> Option<(usize, &str)> {
        let (number, rest) = text.split_once('_')?;
        Some((number.parse().ok()?, rest))
    }
    if let Some((_, name)) = OUTSIDE_BLOCKS.iter().find(|(original, _)| *original == layer) {
        return Some((*name).to_owned());
    }
    if let Some(rest) = layer.strip_prefix("middle_block_") {
        return match number(rest)? {
            (1, rest) => Some(format!("mid_block_attentions_0_{rest}")),
            (at @ (0 | 2), rest) => Some(format!("mid_block_resnets_{}_{}", at / 2, resnet_layer(rest)?)),
            _ => None,
        };
    }
    let (side, samplers, (block, rest)) = match layer.strip_prefix("input_blocks_") {
        // The first block is the convolution before all levels.
        Some(rest) => ("down", "downsamplers", number(rest).and_then(|(n, rest)| Some((n.checked_sub(1)?, rest)))?),
        None => ("up", "upsamplers", number(layer.strip_prefix("output_blocks_")?)?),
    };
    let (level, place) = (block / (resnets + 1), block % (resnets + 1));
    let name = match number(rest)? {
        (_, "op" | "conv") => format!("{samplers}_0_conv"),
        (0, rest) => format!("resnets_{place}_{}", resnet_layer(rest)?),
        (1, rest) => format!("attentions_{place}_{rest}"),
        _ => return None,
    };
    Some(format!("{side}_blocks_{level}_{name}"))
}

/// Layers of the original code that are in no block.
const OUTSIDE_BLOCKS: [(&str, &str); 6] = [
    ("input_blocks_0_0", "conv_in"),
    ("out_2", "conv_out"),
    ("time_embed_0", "time_embedding_linear_1"),
    ("time_embed_2", "time_embedding_linear_2"),
    ("label_emb_0_0", "add_embedding_linear_1"),
    ("label_emb_0_2", "add_embedding_linear_2"),
];

/// The name in diffusers of a resnet's layer.
fn resnet_layer(original: &str) -> Option<&'static str> {
    Some(match original {
        "in_layers_2" => "conv1",
        "emb_layers_1" => "time_emb_proj",
        "out_layers_3" => "conv2",
        "skip_connection" => "conv_shortcut",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_wild() {
        let to_q = "down_blocks_0_attentions_1_transformer_blocks_0_attn2_to_q";
        let q_proj = "encoder_layers_3_self_attn_q_proj";
        for (name, network, layer, factor) in [
            (format!("lora_unet_{to_q}.lora_down.weight"), PartName::Unet, to_q, Factor::Down),
            (format!("lora_unet_{to_q}.alpha"), PartName::Unet, to_q, Factor::Alpha),
            (
                "lora_unet_mid_block_resnets_0_conv1.lora_mid.weight".to_owned(),
                PartName::Unet,
                "mid_block_resnets_0_conv1",
                Factor::Mid,
            ),
            (format!("lora_te_text_model_{q_proj}.lora_up.weight"), PartName::TextEncoder, q_proj, Factor::Up),
            (format!("lora_te2_text_model_{q_proj}.lora_up.weight"), PartName::TextEncoder2, q_proj, Factor::Up),
            (
                "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q.lora_A.weight".to_owned(),
                PartName::Unet,
                to_q,
                Factor::Down,
            ),
            (
                "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q.lora.up.weight".to_owned(),
                PartName::Unet,
                to_q,
                Factor::Up,
            ),
            (
                "down_blocks.0.attentions.1.transformer_blocks.0.attn2.processor.to_q_lora.up.weight".to_owned(),
                PartName::Unet,
                to_q,
                Factor::Up,
            ),
            (
                "mid_block.attn.processor.to_out_lora.down.weight".to_owned(),
                PartName::Unet,
                "mid_block_attn_to_out_0",
                Factor::Down,
            ),
            (
                "text_encoder.text_model.encoder.layers.3.self_attn.q_proj.lora_linear_layer.up.weight".to_owned(),
                PartName::TextEncoder,
                q_proj,
                Factor::Up,
            ),
            (
                "text_encoder.encoder.layers.3.self_attn.q_proj.lora_B.weight".to_owned(),
                PartName::TextEncoder,
                q_proj,
                Factor::Up,
            ),
            (
                "base_model.model.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q.lora_B.weight".to_owned(),
                PartName::Unet,
                to_q,
                Factor::Up,
            ),
            (format!("lora_unet_{to_q}.hada_w1_a"), PartName::Unet, to_q, Factor::Other("a LoHa (LyCORIS)")),
            (format!("lora_unet_{to_q}.dora_scale"), PartName::Unet, to_q, Factor::Other("a DoRA")),
        ] {
            assert_eq!(parse(&name), Some((network, layer.to_owned(), factor)), "{name}");
        }
        for name in ["model.diffusion_model.input_blocks.0.0.weight", "conv_in.weight", "ä.alpha", "emb_params"] {
            assert_eq!(parse(name), None, "{name}");
        }
        assert!(is_original("input_blocks_4_1_proj_in") && !is_original(to_q));
    }

    #[test]
    fn original_names_are_diffusers_at_sdxl_s_two_resnets_a_level() {
        // As diffusers' converter of SDXL's checkpoints pairs them.
        for (original, name) in [
            ("input_blocks_1_0_in_layers_2", "down_blocks_0_resnets_0_conv1"),
            ("input_blocks_3_0_op", "down_blocks_0_downsamplers_0_conv"),
            (
                "input_blocks_4_1_transformer_blocks_0_attn1_to_q",
                "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
            ),
            ("input_blocks_7_0_skip_connection", "down_blocks_2_resnets_0_conv_shortcut"),
            ("input_blocks_8_1_proj_out", "down_blocks_2_attentions_1_proj_out"),
            ("middle_block_0_emb_layers_1", "mid_block_resnets_0_time_emb_proj"),
            ("middle_block_1_proj_in", "mid_block_attentions_0_proj_in"),
            ("middle_block_2_out_layers_3", "mid_block_resnets_1_conv2"),
            ("output_blocks_2_0_in_layers_2", "up_blocks_0_resnets_2_conv1"),
            ("output_blocks_2_2_conv", "up_blocks_0_upsamplers_0_conv"),
            ("output_blocks_5_1_proj_in", "up_blocks_1_attentions_2_proj_in"),
            ("output_blocks_8_0_out_layers_3", "up_blocks_2_resnets_2_conv2"),
            ("out_2", "conv_out"),
            ("label_emb_0_2", "add_embedding_linear_2"),
        ] {
            assert_eq!(from_original(original, 2).as_deref(), Some(name), "{original}");
        }
        for strange in
            ["input_blocks_0_1_proj_in", "input_blocks_x", "output_blocks_1_3_proj_in", "middle_block_3_a", ""]
        {
            assert_eq!(from_original(strange, 2), None, "{strange}");
        }
    }
}
