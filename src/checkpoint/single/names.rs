//! Names of tensors in the original (CompVis, Stability) layout, and those of diffusers and transformers for the same.
//!
//! Blocks of the UNet are numbered through in the original, and by level and place in diffusers. The level of a block is counted
//! from the blocks that are there (a level ends with its downsampler or upsampler), so that any number of resnets a level does.

use crate::checkpoint::safetensors::Change;
use std::collections::{BTreeMap, BTreeSet};

/// New names, each with the old one and the change.
pub(super) type Renamed = BTreeMap<String, (String, Change)>;

/// Renames what lies below `prefix` by `rename`, which gives new names.
pub(super) fn renamed<'a>(
    names: impl Iterator<Item = &'a String>,
    prefix: &str,
    rename: impl Fn(&str) -> Vec<(String, Change)>,
) -> Renamed {
    names
        .filter_map(|name| Some((name, name.strip_prefix(prefix)?)))
        .flat_map(|(name, rest)| rename(rest).into_iter().map(move |(new, change)| (new, (name.clone(), change))))
        .collect()
}

/// One new name without another change.
pub(super) fn only(name: Option<String>) -> Vec<(String, Change)> {
    name.map(|name| (name, Change::Name)).into_iter().collect()
}

/// A number and what follows its dot.
fn number(text: &str) -> Option<(usize, &str)> {
    let (number, rest) = text.split_once('.')?;
    // (Larger ones are in no network.)
    Some((number.parse().ok().filter(|&number: &usize| number < 1000)?, rest))
}

/// The blocks of an original UNet, by level and place.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    input: BTreeMap<usize, Place>,
    output: BTreeMap<usize, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    level: usize,
    /// The resnet's number in its level.
    place: usize,
}

impl Blocks {
    /// Counts the blocks in the names below the UNet's prefix.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let (mut input, mut output, mut ends) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for name in names {
            if let Some((block, rest)) = name.strip_prefix("input_blocks.").and_then(number) {
                input.insert(block);
                if rest.starts_with("0.op.") {
                    ends.insert((false, block));
                }
            } else if let Some((block, rest)) = name.strip_prefix("output_blocks.").and_then(number) {
                output.insert(block);
                if number(rest).is_some_and(|(_, layer)| layer.starts_with("conv.")) {
                    ends.insert((true, block));
                }
            }
        }
        let count = |blocks: BTreeSet<usize>, first: usize, up: bool| {
            let (mut level, mut place, mut places) = (0, 0, BTreeMap::new());
            for block in first..blocks.last().map_or(first, |last| last + 1) {
                places.insert(block, Place { level, place });
                place += 1;
                if ends.contains(&(up, block)) {
                    (level, place) = (level + 1, 0);
                }
            }
            places
        };
        // The first block is the convolution before all levels.
        Self { input: count(input, 1, false), output: count(output, 0, true) }
    }

    /// The name in diffusers of a UNet's tensor.
    pub(super) fn unet(&self, name: &str) -> Option<String> {
        for (original, new) in OUTSIDE_BLOCKS {
            if let Some(rest) = name.strip_prefix(original) {
                return Some(format!("{new}{rest}"));
            }
        }
        if let Some(rest) = name.strip_prefix("middle_block.") {
            return match number(rest)? {
                (1, rest) => Some(format!("mid_block.attentions.0.{rest}")),
                (at @ (0 | 2), rest) => Some(format!("mid_block.resnets.{}.{}", at / 2, resnet(rest)?)),
                _ => None,
            };
        }
        let (side, samplers, places, rest) = match name.strip_prefix("input_blocks.") {
            Some(rest) => ("down", "downsamplers", &self.input, rest),
            None => ("up", "upsamplers", &self.output, name.strip_prefix("output_blocks.")?),
        };
        let (block, rest) = number(rest)?;
        let Place { level, place } = places.get(&block)?;
        let (part, rest) = number(rest)?;
        let layer = if let Some(rest) = rest.strip_prefix("op.").or_else(|| rest.strip_prefix("conv.")) {
            format!("{samplers}.0.conv.{rest}")
        } else if part == 0 {
            format!("resnets.{place}.{}", resnet(rest)?)
        } else {
            format!("attentions.{place}.{rest}")
        };
        Some(format!("{side}_blocks.{level}.{layer}"))
    }
}

/// Beginnings of names of a UNet's tensors that are in no block.
const OUTSIDE_BLOCKS: [(&str, &str); 8] = [
    ("input_blocks.0.0.", "conv_in."),
    ("out.0.", "conv_norm_out."),
    ("out.2.", "conv_out."),
    ("time_embed.0.", "time_embedding.linear_1."),
    ("time_embed.2.", "time_embedding.linear_2."),
    ("time_embed.cond_proj.", "time_embedding.cond_proj."),
    ("label_emb.0.0.", "add_embedding.linear_1."),
    ("label_emb.0.2.", "add_embedding.linear_2."),
];

fn resnet(name: &str) -> Option<String> {
    let layers = [
        ("in_layers.0.", "norm1."),
        ("in_layers.2.", "conv1."),
        ("emb_layers.1.", "time_emb_proj."),
        ("out_layers.0.", "norm2."),
        ("out_layers.3.", "conv2."),
        ("skip_connection.", "conv_shortcut."),
    ];
    layers.iter().find_map(|(original, new)| Some(format!("{new}{}", name.strip_prefix(original)?)))
}

/// The number of levels of an original autoencoder.
pub(super) fn vae_levels<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let level = |name: &str| Some(number(name.strip_prefix("decoder.up.")?)?.0 + 1);
    names.filter_map(level).max().unwrap_or(0)
}

/// The name in diffusers of an autoencoder's tensor, which has this many levels.
pub(super) fn vae(name: &str, levels: usize) -> Option<String> {
    if name.starts_with("quant_conv.") || name.starts_with("post_quant_conv.") {
        return Some(name.to_owned());
    }
    let (half, rest) = name.split_once('.').filter(|(half, _)| matches!(*half, "encoder" | "decoder"))?;
    let layer = |rest: &str| rest.replace("nin_shortcut.", "conv_shortcut.");
    let new = if let Some(rest) = rest.strip_prefix("mid.") {
        let (block, rest) = rest.split_once('.')?;
        match block {
            "block_1" => format!("mid_block.resnets.0.{}", layer(rest)),
            "block_2" => format!("mid_block.resnets.1.{}", layer(rest)),
            "attn_1" => format!("mid_block.attentions.0.{}", vae_attention(rest)?),
            _ => return None,
        }
    } else if let Some(rest) = rest.strip_prefix("norm_out.") {
        format!("conv_norm_out.{rest}")
    } else if rest.starts_with("conv_in.") || rest.starts_with("conv_out.") {
        rest.to_owned()
    } else {
        // Levels on the way up are counted from the other end.
        let (side, level, rest) = if let Some((level, rest)) = rest.strip_prefix("down.").and_then(number) {
            ("down", level, rest)
        } else {
            let (level, rest) = number(rest.strip_prefix("up.")?)?;
            ("up", levels.checked_sub(level + 1)?, rest)
        };
        let rest = if let Some(rest) = rest.strip_prefix("block.") {
            format!("resnets.{}", layer(rest))
        } else {
            let (sampler, rest) = rest.split_once('.').filter(|(sampler, _)| sampler.ends_with("sample"))?;
            format!("{sampler}rs.0.{rest}")
        };
        format!("{side}_blocks.{level}.{rest}")
    };
    Some(format!("{half}.{new}"))
}

fn vae_attention(name: &str) -> Option<String> {
    let layers =
        [("norm.", "group_norm."), ("q.", "to_q."), ("k.", "to_k."), ("v.", "to_v."), ("proj_out.", "to_out.0.")];
    layers.iter().find_map(|(original, new)| Some(format!("{new}{}", name.strip_prefix(original)?)))
}

/// The names in transformers, without `text_model.`, of a tensor of OpenCLIP's text encoder, which keeps queries, keys and values
/// in one.
pub(super) fn open_clip(name: &str) -> Vec<(String, Change)> {
    let outside = [
        ("token_embedding.weight", "embeddings.token_embedding.weight"),
        ("positional_embedding", "embeddings.position_embedding.weight"),
        ("ln_final.weight", "final_layer_norm.weight"),
        ("ln_final.bias", "final_layer_norm.bias"),
        ("text_projection.weight", "text_projection.weight"),
    ];
    if name == "text_projection" {
        return vec![("text_projection.weight".to_owned(), Change::Transposed)];
    }
    if let Some((_, new)) = outside.iter().find(|(original, _)| *original == name) {
        return only(Some((*new).to_owned()));
    }
    let Some((layer, rest)) = name.strip_prefix("transformer.resblocks.").and_then(number) else { return Vec::new() };
    let new = |rest: &str| format!("encoder.layers.{layer}.{rest}");
    if let Some(kind) = rest.strip_prefix("attn.in_proj_") {
        let third = |(index, letter)| (new(&format!("self_attn.{letter}_proj.{kind}")), Change::Third(index));
        return ["q", "k", "v"].into_iter().enumerate().map(third).collect();
    }
    let layers = [
        ("ln_1.", "layer_norm1."),
        ("ln_2.", "layer_norm2."),
        ("attn.out_proj.", "self_attn.out_proj."),
        ("mlp.c_fc.", "mlp.fc1."),
        ("mlp.c_proj.", "mlp.fc2."),
    ];
    let found = layers.iter().find_map(|(original, name)| Some(format!("{name}{}", rest.strip_prefix(original)?)));
    only(found.map(|found| new(&found)))
}

/// The name of a tensor of CLIP's text encoder as transformers has it, without `text_model.`
pub(super) fn transformers(name: &str) -> Option<String> {
    let name = name.strip_prefix("text_model.").unwrap_or(name);
    let known = ["embeddings.", "encoder.", "final_layer_norm.", "text_projection."];
    // Positions are numbered by whoever reads them: the table of numbers may be anything after a merge.
    let counts = known.iter().any(|start| name.starts_with(start)) && !name.ends_with("position_ids");
    counts.then(|| name.to_owned())
}
