//! What a tensor's name says: which network, which layer of it, and which factor.
//!
//! Layers are compared without regard to dots and underscores, since kohya's scripts write `_` for both.

use crate::checkpoint::PartName;

/// What a tensor is to its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    Down,
    Up,
    /// LoCon's third factor, the kernel between two 1 × 1 convolutions.
    Mid,
    Alpha,
    /// Of a kind of adapter that is not a LoRA, by its name.
    Other(&'static str),
}

/// What ends the names of factors: kohya's, PEFT's, diffusers' of 2023 for text encoders and for processors.
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

/// Parts of the names of what other adapters hold.
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

/// The prefixes of layers' names.
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

/// The beginnings of a UNet's layers, for names without a prefix.
const UNET: [&str; 6] = ["down_blocks.", "mid_block.", "up_blocks.", "conv_in.", "conv_out.", "time_embedding."];

/// A tensor's place: its network, its layer's name as [`flat`] makes it, and its factor; none where the name is of no adapter.
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

/// A layer's name with `_` for `.`, and without the prefix that CLIP's layers have in some files and lack in others.
pub(super) fn flat(layer: &str) -> String {
    let flat = layer.replace('.', "_");
    flat.strip_prefix("text_model_").map_or_else(|| flat.clone(), str::to_owned)
}

/// True where a layer of a UNet is named as the original code does, which kohya's scripts do for SDXL only.
pub(super) fn is_original(layer: &str) -> bool {
    ["input_blocks_", "middle_block_", "output_blocks_"].iter().any(|start| layer.starts_with(start))
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
}
