//! The shape of a UNet, from its config.json.

use crate::networks::{Fields, Result};
use serde_json::{Value, json};

/// The options of a UNet's config.json that matter here.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Side of the latents it was trained on: the window.
    pub sample_size: Option<usize>,
    /// Planes going in.
    pub in_channels: usize,
    /// Planes coming out.
    pub out_channels: usize,
    /// Whether inputs in 0…1 are moved to −1…1 first.
    pub center_input_sample: bool,
    /// Whether the step's embedding has cosines before sines.
    pub flip_sin_to_cos: bool,
    /// Taken from the number of frequencies in the step's embedding.
    pub freq_shift: f32,
    /// Width of the step's embedding.
    pub time_embedding_dim: usize,
    /// Levels on the way down, finest first.
    pub down: Vec<Level>,
    /// The middle: two layers of which the first has a transformer, one without (SSD-1B, Vega), or none (some Koalas).
    pub mid: Level,
    /// Levels on the way up, coarsest first.
    pub up: Vec<Level>,
    /// Zeros around an image before it is halved; 0 means one row and column, below and to the right only.
    pub downsample_padding: usize,
    /// Groups of the group norms.
    pub norm_num_groups: usize,
    /// Added to the variance in the group norms of resnets.
    pub norm_eps: f32,
    /// Side of the first convolution's kernel.
    pub conv_in_kernel: usize,
    /// Side of the last convolution's kernel.
    pub conv_out_kernel: usize,
    /// Pooled text and sizes, where they are added to the step's embedding.
    pub added: Option<AddedConditioning>,
    /// Sines and cosines of the guidance scale, where it is an input (`time_cond_proj_dim`): such a UNet was distilled with guidance.
    pub guidance_waves: Option<usize>,
}

/// SDXL's added conditioning (`addition_embed_type` `text_time`): pooled text, and six sizes as sines and cosines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedConditioning {
    /// Width of the pooled text.
    pub pooled: usize,
    /// Sines and cosines of one size.
    pub waves: usize,
}

impl AddedConditioning {
    /// Width of all together.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pooled + SIZES * self.waves
    }
}

/// The sizes of SDXL's added conditioning.
const SIZES: usize = 6;

/// One level of a UNet.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Channels coming out.
    pub channels: usize,
    /// Resnets.
    pub layers: usize,
    /// The transformers after the resnets, if any.
    pub transformer: Option<Transformer>,
}

/// The transformers of one level.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformer {
    /// Transformer blocks one after the other in each layer; pruned networks have fewer in some.
    pub blocks: Vec<usize>,
    /// Heads of the attention.
    pub heads: usize,
    /// Width of a text embedding.
    pub cross_attention_dim: usize,
    /// Whether the first attention of a block is to the prompt too, instead of to the image.
    pub only_cross_attention: bool,
}

impl Config {
    /// Reads a config.json, which came from `file`; keys that are missing have diffusers' defaults.
    ///
    /// # Errors
    /// If a key has a value that is wrong or not implemented.
    pub fn parse(config: &Value, file: &str) -> Result<Self> {
        let fields = Fields::new(config, file)?;
        refuse_what_is_missing_here(&fields)?;

        let channels = fields.sizes("block_out_channels", &[320, 640, 1280, 1280])?;
        let count = channels.len();
        let default_down = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];
        let default_up = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];
        let down_types = has_transformers(&fields, "down_block_types", &default_down, count)?;
        let up_types = has_transformers(&fields, "up_block_types", &default_up, count)?;
        let layers = fields.sizes_per_level("layers_per_block", 2, count)?;
        // diffusers' misnomer: what configs call the heads' dimension is their number.
        let head_dims = fields.sizes_per_level("attention_head_dim", 8, count)?;
        let heads = match fields.get("num_attention_heads") {
            Some(_) => fields.sizes_per_level("num_attention_heads", 8, count)?,
            None => head_dims,
        };
        let blocks = depths(&fields, "transformer_layers_per_block", &layers)?;
        let blocks_up = match fields.get(DEPTHS_UP) {
            Some(_) => depths(&fields, DEPTHS_UP, &layers.iter().rev().map(|layers| layers + 1).collect::<Vec<_>>())?,
            None => depths_up(&fields, &blocks)?,
        };
        let cross = fields.sizes_per_level("cross_attention_dim", 1280, count)?;
        let only_cross = fields.flags_per_level("only_cross_attention", false, count)?;
        fields.flag("use_linear_projection", false)?;
        fields.flag("upcast_attention", false)?;

        let level = |index: usize, with_transformers: bool, blocks: &[usize]| Level {
            channels: channels[index],
            layers: blocks.len(),
            transformer: with_transformers.then(|| Transformer {
                blocks: blocks.to_vec(),
                heads: heads[index],
                cross_attention_dim: cross[index],
                only_cross_attention: only_cross[index],
            }),
        };
        let down: Vec<Level> = (0..count).map(|index| level(index, down_types[index], &blocks[index])).collect();
        // The way up has the levels in reverse, and a layer more in each, because it also joins what went into a level.
        let up = (0..count).map(|index| level(count - 1 - index, up_types[index], &blocks_up[index]));
        let up: Vec<Level> = up.collect();
        let (Some(&finest), Some(coarsest)) = (channels.first(), count.checked_sub(1)) else {
            return Err(fields.wrong("block_out_channels", "is empty"));
        };
        let first = &blocks[coarsest][..1];
        let mut mid = match fields.get("mid_block_type") {
            None if fields.is_null("mid_block_type") => level(coarsest, false, &[]),
            Some(kind) if *kind == json!("UNetMidBlock2D") => level(coarsest, false, first),
            _ => Level { layers: 2, ..level(coarsest, true, first) },
        };
        mid.transformer.iter_mut().for_each(|transformer| transformer.only_cross_attention = false);

        let this = Self {
            sample_size: sample_size(&fields)?,
            in_channels: fields.size("in_channels", 4)?,
            out_channels: fields.size("out_channels", 4)?,
            center_input_sample: fields.flag("center_input_sample", false)?,
            flip_sin_to_cos: fields.flag("flip_sin_to_cos", true)?,
            freq_shift: fields.number("freq_shift", 0.0)?,
            time_embedding_dim: fields.size("time_embedding_dim", 4 * finest)?,
            down,
            mid,
            up,
            downsample_padding: if fields.get("downsample_padding") == Some(&json!(0)) {
                0
            } else {
                fields.size("downsample_padding", 1)?
            },
            norm_num_groups: fields.size("norm_num_groups", 32)?,
            norm_eps: fields.number("norm_eps", 1e-5)?,
            conv_in_kernel: fields.size("conv_in_kernel", 3)?,
            conv_out_kernel: fields.size("conv_out_kernel", 3)?,
            added: added_conditioning(&fields)?,
            guidance_waves: match fields.get("time_cond_proj_dim") {
                Some(_) => Some(fields.size("time_cond_proj_dim", 1)?),
                None => None,
            },
        };
        this.check(&fields)?;
        Ok(this)
    }

    /// The width of a text embedding, where all levels agree.
    #[must_use]
    pub fn cross_attention_dim(&self) -> Option<usize> {
        self.transformers().next().map(|transformer| transformer.cross_attention_dim)
    }

    /// All transformers.
    pub fn transformers(&self) -> impl Iterator<Item = &Transformer> {
        self.down.iter().chain([&self.mid]).chain(&self.up).filter_map(|level| level.transformer.as_ref())
    }

    fn check(&self, fields: &Fields) -> Result<()> {
        if self.downsample_padding > 1 {
            return Err(fields.unsupported("downsample_padding"));
        }
        for (key, kernel) in [("conv_in_kernel", self.conv_in_kernel), ("conv_out_kernel", self.conv_out_kernel)] {
            if kernel.is_multiple_of(2) || kernel > 15 {
                return Err(fields.unsupported(key));
            }
        }
        let groups = self.norm_num_groups;
        let width = self.cross_attention_dim();
        for level in self.down.iter().chain([&self.mid]).chain(&self.up) {
            let Level { channels, layers, transformer } = level;
            if !channels.is_multiple_of(groups) {
                return Err(fields.wrong("norm_num_groups", format!("{groups} does not divide {channels} channels")));
            }
            if *layers > 64 {
                return Err(fields.wrong("layers_per_block", format!("{layers} layers are too many")));
            }
            if let Some(transformer) = transformer {
                if !channels.is_multiple_of(transformer.heads) {
                    let message = format!("{} heads do not divide {channels} channels", transformer.heads);
                    return Err(fields.wrong("attention_head_dim", message));
                }
                if Some(transformer.cross_attention_dim) != width {
                    return Err(fields.unsupported("cross_attention_dim"));
                }
            }
        }
        Ok(())
    }
}

/// Options whose other values are not implemented.
fn refuse_what_is_missing_here(fields: &Fields) -> Result<()> {
    fields.only("_class_name", &[json!("UNet2DConditionModel")])?;
    fields.only("act_fn", &[json!("silu"), json!("swish")])?;
    fields.only("mid_block_type", &[json!("UNetMidBlock2DCrossAttn"), json!("UNetMidBlock2D")])?;
    fields.only("mid_block_scale_factor", &[json!(1)])?;
    fields.only("dual_cross_attention", &[json!(false)])?;
    fields.only("time_embedding_type", &[json!("positional")])?;
    fields.only("resnet_time_scale_shift", &[json!("default")])?;
    fields.only("resnet_skip_time_act", &[json!(false)])?;
    fields.only("resnet_out_scale_factor", &[json!(1)])?;
    fields.only("attention_type", &[json!("default")])?;
    fields.only("class_embeddings_concat", &[json!(false)])?;
    fields.only("addition_embed_type", &[json!("text_time")])?;
    for key in [
        "class_embed_type",
        "cross_attention_norm",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "num_class_embeds",
        "time_embedding_act_fn",
        "timestep_post_act",
    ] {
        fields.only(key, &[])?;
    }
    Ok(())
}

/// The added conditioning of SDXL; its config gives the width of all, of which the sizes take a part.
fn added_conditioning(fields: &Fields) -> Result<Option<AddedConditioning>> {
    let (whole, waves) = ("projection_class_embeddings_input_dim", "addition_time_embed_dim");
    if fields.get("addition_embed_type").is_none() {
        // Without it, it would be of a class embedding.
        fields.only(whole, &[])?;
        return Ok(None);
    }
    let size = |key: &str| match fields.get(key) {
        Some(_) => fields.size(key, 1),
        None => Err(fields.wrong(key, "is missing beside addition_embed_type")),
    };
    let (whole_width, waves) = (size(whole)?, size(waves)?);
    match whole_width.checked_sub(SIZES * waves) {
        Some(pooled) if pooled > 0 => Ok(Some(AddedConditioning { pooled, waves })),
        _ => Err(fields.wrong(whole, format!("{whole_width} leaves no room for text beside six sizes of {waves}"))),
    }
}

/// The most transformer blocks in one layer.
const MOST_BLOCKS: usize = 64;

/// Transformer blocks of each layer, level by level: the config has one number for all levels, one for each, or for a level a list with one
/// for each of its `layers`.
fn depths(fields: &Fields, key: &str, layers: &[usize]) -> Result<Vec<Vec<usize>>> {
    let wrong = |what: &str| fields.wrong(key, format!("{what}: wanted are numbers of up to {MOST_BLOCKS} blocks"));
    let depth = |value: &Value| {
        let depth = value.as_u64().and_then(|depth| usize::try_from(depth).ok());
        depth.filter(|&depth| depth <= MOST_BLOCKS).ok_or_else(|| wrong("a depth is none"))
    };
    let level = |value: &Value, layers: usize| match value {
        Value::Array(list) if list.len() != layers => Err(wrong("a level has another number of layers")),
        Value::Array(list) => list.iter().map(depth).collect(),
        value => Ok(vec![depth(value)?; layers]),
    };
    match fields.get(key) {
        None => Ok(layers.iter().map(|&layers| vec![1; layers]).collect()),
        Some(Value::Array(levels)) if levels.len() == layers.len() => {
            levels.iter().zip(layers).map(|(value, &layers)| level(value, layers)).collect()
        }
        Some(Value::Array(_)) => Err(wrong("has another number of blocks")),
        Some(value) => layers.iter().map(|&layers| level(value, layers)).collect(),
    }
}

/// The key of the way up's depths, in its own order.
const DEPTHS_UP: &str = "reverse_transformer_layers_per_block";

/// The depths of the way up where the config does not say them: those of the way down, which must be alike in a level.
fn depths_up(fields: &Fields, down: &[Vec<usize>]) -> Result<Vec<Vec<usize>>> {
    let level = |depths: &Vec<usize>| match depths.first() {
        Some(&first) if depths.iter().all(|&depth| depth == first) => Ok(vec![first; depths.len() + 1]),
        _ => Err(fields.wrong(DEPTHS_UP, "is missing beside depths that differ in a level")),
    };
    down.iter().rev().map(level).collect()
}

/// For each block whether it is of the kind with transformers.
fn has_transformers(fields: &Fields, key: &str, default: &[&'static str], count: usize) -> Result<Vec<bool>> {
    let types = fields.texts(key, default)?;
    if types.len() != count {
        return Err(fields.wrong(key, format!("has {} blocks, block_out_channels {count}", types.len())));
    }
    let (with, without) = match key {
        "down_block_types" => ("CrossAttnDownBlock2D", "DownBlock2D"),
        _ => ("CrossAttnUpBlock2D", "UpBlock2D"),
    };
    types
        .into_iter()
        .map(|kind| match kind {
            _ if kind == with => Ok(true),
            _ if kind == without => Ok(false),
            _ => Err(fields.unsupported(key)),
        })
        .collect()
}

/// One number, or twice the same.
fn sample_size(fields: &Fields) -> Result<Option<usize>> {
    match fields.get("sample_size") {
        None => Ok(None),
        Some(Value::Array(_)) => match *fields.sizes("sample_size", &[])?.as_slice() {
            [height, width] if height == width => Ok(Some(height)),
            _ => Err(fields.unsupported("sample_size")),
        },
        Some(_) => fields.size("sample_size", 64).map(Some),
    }
}
