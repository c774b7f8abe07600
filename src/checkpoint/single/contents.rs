//! The networks in a file, found by the names of their tensors and told apart by a few shapes.

use super::names::{self, Blocks};
use super::{configs, foreign};
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::{Error, Result};

/// The families that are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Sd1,
    Sd2,
    Sdxl,
}

/// The names that a file's networks have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Original,
    Diffusers,
}

/// The text encoders by their training: OpenAI's CLIP (ViT-L) or OpenCLIP (ViT-H, ViT-bigG).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clip {
    OpenAi,
    OpenClip,
}

/// A text encoder, with the names of transformers.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) tensors: TensorFile,
    pub(super) clip: Clip,
    /// True where its place in the file is that of SDXL's second one.
    pub(super) second: bool,
}

/// The networks of a file, with the names of diffusers.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) unet: Option<Unet>,
    pub(super) vae: Option<TensorFile>,
    pub(super) texts: Vec<Text>,
}

#[derive(Debug)]
pub(super) struct Unet {
    pub(super) tensors: TensorFile,
    pub(super) family: Family,
    pub(super) layout: Layout,
}

/// Places of text encoders: the beginning of their names, and whether it is SDXL's second one.
const TEXTS: [(&str, bool); 14] = [
    ("cond_stage_model.transformer.", false),
    ("cond_stage_model.model.", false),
    ("conditioner.embedders.0.transformer.", false),
    ("conditioner.embedders.0.model.", false),
    ("conditioner.embedders.1.model.", true),
    ("conditioner.embedders.1.transformer.", true),
    ("text_encoders.clip_l.transformer.", false),
    ("text_encoders.clip_h.transformer.", false),
    ("text_encoders.clip_g.transformer.", true),
    ("clip_l.transformer.", false),
    ("clip_h.transformer.", false),
    ("clip_g.transformer.", true),
    ("text_encoder_2.", true),
    ("text_encoder.", false),
];

impl Contents {
    /// Finds the networks. Those of families that are not drawn with are refused by name.
    pub(super) fn of(file: &TensorFile) -> Result<Self> {
        let unsupported = |what: &str| Error::Unsupported { file: file.name(), what: format!("{what} is") };
        if let Some(family) = foreign::family(file) {
            return Err(unsupported(family));
        }
        let unet = unet(file)?;
        if let (None, Some(kind)) = (&unet, foreign::kind(file)) {
            let family = family_of_words(file).map(|name| format!(" for {name}"));
            if kind == "a ControlNet" {
                return Err(Error::Invalid {
                    file: file.name(),
                    fact: format!("is {kind}{}, not a checkpoint", family.unwrap_or_default()),
                    remedy: "add it to the ControlNets under Advanced, or with --control",
                });
            }
            return Err(unsupported(&format!("{kind}{}", family.unwrap_or_default())));
        }
        let vae = ["first_stage_model.", "vae.", ""].iter().find_map(|prefix| vae(file, prefix));
        let latent = vae.as_ref().and_then(|vae| vae.shape_of("decoder.conv_in.weight")?.get(1));
        if let Some(planes) = latent.filter(|&&planes| planes != 4) {
            let later = "(of Stable Diffusion 3, Flux or later)";
            return Err(unsupported(&format!("an autoencoder of {planes} planes {later}")));
        }
        let mut texts: Vec<Text> = TEXTS.iter().filter_map(|&(prefix, second)| text(file, prefix, second)).collect();
        if texts.is_empty() {
            texts.extend(text(file, "", false));
        }
        Ok(Self { unet, vae, texts })
    }

    /// Whether there is no network in the file.
    pub(super) fn is_empty(&self) -> bool {
        self.unet.is_none() && self.vae.is_none() && self.texts.is_empty()
    }
}

/// The family that a file's cross-attention reads the words of, for those that have no family of their own.
pub(in crate::checkpoint) fn family_of_words(file: &TensorFile) -> Option<&'static str> {
    match configs::words(file)? {
        768 => Some("Stable Diffusion 1"),
        1024 => Some("Stable Diffusion 2"),
        2048 => Some("SDXL"),
        _ => None,
    }
}

fn unet(file: &TensorFile) -> Result<Option<Unet>> {
    let original = |prefix: &&str| file.any(&format!("{prefix}input_blocks.0.0."));
    let diffusers = |prefix: &&str| {
        file.any(&format!("{prefix}conv_in.")) && file.any(&format!("{prefix}down_blocks.0.resnets.0."))
    };
    let whole = ["model.diffusion_model.", "diffusion_model.", "unet."];
    // At the root, the same names are also those of ControlNets.
    let prefixes: &[&str] = if foreign::kind(file).is_some() {
        &whole
    } else {
        &["model.diffusion_model.", "diffusion_model.", "unet.", ""]
    };
    let (prefix, layout) = match prefixes.iter().find(|prefix| original(prefix)) {
        Some(prefix) => (*prefix, Layout::Original),
        None => match prefixes.iter().find(|prefix| diffusers(prefix)) {
            Some(prefix) => (*prefix, Layout::Diffusers),
            None => return Ok(None),
        },
    };
    let all = file.names();
    let renamed = match layout {
        Layout::Original => {
            let blocks = Blocks::of(all.iter().filter_map(|name| name.strip_prefix(prefix)));
            names::renamed(all.iter(), prefix, |name| names::only(blocks.unet(name)))
        }
        Layout::Diffusers => {
            let others = ["encoder.", "decoder.", "text_model."];
            let own = |name: &str| !others.iter().any(|start| prefix.is_empty() && name.starts_with(start));
            names::renamed(all.iter(), prefix, |name| names::only(own(name).then(|| name.to_owned())))
        }
    };
    let tensors = file.part(renamed);
    let family = family(file, &tensors)?;
    Ok(Some(Unet { tensors, family, layout }))
}

/// The family of a UNet; those of its relatives that are not drawn with are refused by name.
fn family(file: &TensorFile, unet: &TensorFile) -> Result<Family> {
    let refused = |what: &str| Err(Error::Unsupported { file: file.name(), what: format!("{what} is") });
    let size = |name: &str, axis: usize| unet.shape_of(name).and_then(|shape| shape.get(axis)).copied();
    let words = configs::words(unet);
    let label = size("add_embedding.linear_1.weight", 1).or_else(|| size("class_embedding.linear_1.weight", 1));
    if file.has("edm_mean") || file.has("edm_std") {
        return refused("Playground 2.5");
    }
    if file.has("edm_vpred.sigma_max") {
        return refused("CosXL");
    }
    match size("conv_in.weight", 1) {
        Some(5) => return refused("Stable Diffusion 2 with depth"),
        Some(7) => return refused("the Stable Diffusion x4 upscaler"),
        Some(8) => return refused("InstructPix2Pix"),
        _ => {}
    }
    match (label, words) {
        (Some(2560), _) | (_, Some(1280)) => refused("the SDXL refiner"),
        (Some(1536 | 2048), Some(1024)) => refused("Stable Diffusion 2 unCLIP"),
        (Some(_), _) => Ok(Family::Sdxl),
        (None, _) => Ok(if configs::is_linear(unet) { Family::Sd2 } else { Family::Sd1 }),
    }
}

fn vae(file: &TensorFile, prefix: &str) -> Option<TensorFile> {
    if !file.any(&format!("{prefix}decoder.conv_in.")) {
        return None;
    }
    let all = file.names();
    let diffusers = ["decoder.mid_block.", "decoder.up_blocks."].iter().any(|key| file.any(&format!("{prefix}{key}")));
    if diffusers {
        let known = ["encoder.", "decoder.", "quant_conv.", "post_quant_conv."];
        let own = |name: &str| known.iter().any(|start| name.starts_with(start)).then(|| name.to_owned());
        return Some(file.part(names::renamed(all.iter(), prefix, |name| names::only(own(name)))));
    }
    let levels = names::vae_levels(all.iter().filter_map(|name| name.strip_prefix(prefix)));
    Some(file.part(names::renamed(all.iter(), prefix, |name| names::only(names::vae(name, levels)))))
}

fn text(file: &TensorFile, prefix: &str, second: bool) -> Option<Text> {
    let any = |key: &str| file.any(&format!("{prefix}{key}"));
    let open_clip = any("transformer.resblocks.");
    let transformers =
        ["text_model.encoder.", "text_model.embeddings.", "text_model.final_layer_norm.", "encoder.layers."];
    if !open_clip && !transformers.iter().any(|key| any(key)) {
        return None;
    }
    let all = file.names();
    let tensors = file.part(if open_clip {
        names::renamed(all.iter(), prefix, names::open_clip)
    } else {
        names::renamed(all.iter(), prefix, |name| names::only(names::transformers(name)))
    });
    let width = configs::text_width(&tensors);
    // OpenAI's own is 768 wide; OpenCLIP's are wider, whoever's names they have.
    let clip = if open_clip || second || matches!(width, Some(1024 | 1280)) { Clip::OpenClip } else { Clip::OpenAi };
    let second = second || (prefix.is_empty() && width == Some(1280));
    Some(Text { tensors, clip, second })
}
