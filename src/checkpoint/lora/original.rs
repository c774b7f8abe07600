//! Names of a UNet's layers in the original code, by block numbers.

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
const OUTSIDE_BLOCKS: [(&str, &str); 7] = [
    ("input_blocks_0_0", "conv_in"),
    ("out_0", "conv_norm_out"),
    ("out_2", "conv_out"),
    ("time_embed_0", "time_embedding_linear_1"),
    ("time_embed_2", "time_embedding_linear_2"),
    ("label_emb_0_0", "add_embedding_linear_1"),
    ("label_emb_0_2", "add_embedding_linear_2"),
];

/// The name in diffusers of a resnet's layer.
fn resnet_layer(original: &str) -> Option<&'static str> {
    Some(match original {
        "in_layers_0" => "norm1",
        "in_layers_2" => "conv1",
        "emb_layers_1" => "time_emb_proj",
        "out_layers_0" => "norm2",
        "out_layers_3" => "conv2",
        "skip_connection" => "conv_shortcut",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("input_blocks_2_0_in_layers_0", "down_blocks_0_resnets_1_norm1"),
            ("out_0", "conv_norm_out"),
            ("out_2", "conv_out"),
            ("label_emb_0_2", "add_embedding_linear_2"),
        ] {
            assert_eq!(from_original(original, 2).as_deref(), Some(name), "{original}");
        }
        assert!(is_original("input_blocks_4_1_proj_in") && !is_original("down_blocks_0_attentions_1_proj_in"));
        for strange in
            ["input_blocks_0_1_proj_in", "input_blocks_x", "output_blocks_1_3_proj_in", "middle_block_3_a", ""]
        {
            assert_eq!(from_original(strange, 2), None, "{strange}");
        }
    }
}
