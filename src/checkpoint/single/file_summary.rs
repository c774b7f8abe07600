//! A single file in one line, whether it can be drawn with or not.

use super::contents::{Clip, Contents, Family};
use super::marks::Marks;
use super::{configs, foreign, is_second};
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::{Error, Kind, Result};
use serde::Serialize;
use std::path::Path;

/// The kind of a `.safetensors` file, for `polyptych info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// The file's name without its ending.
    pub name: String,
    /// Its kind in half a line: `SDXL, v_prediction, zero terminal SNR`.
    pub kind: String,
    /// The networks that a checkpoint needs and this file has not.
    pub missing: Vec<&'static str>,
    /// Bytes of the file.
    pub bytes: usize,
    /// The type of most of its parameters.
    pub dtype: &'static str,
    /// Whether there is a UNet in it.
    pub draws: bool,
    /// Whether there are other networks of a checkpoint in it: an autoencoder or text encoders.
    pub fills: bool,
    /// The family of checkpoints that it is or is for, where that is told.
    #[serde(skip)]
    pub family: Option<&'static str>,
    /// The list of a library that it belongs into.
    #[serde(skip)]
    pub role: Kind,
}

impl FileSummary {
    /// Reads the header of a `.safetensors` file that is no LoRA.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or is of a family or kind that is not supported.
    pub fn of(path: &Path) -> Result<Self> {
        let file = TensorFile::open_path(path)?;
        let blank = Self {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            kind: String::new(),
            missing: Vec::new(),
            bytes: file.len(),
            dtype: file.dtype(),
            draws: false,
            fills: false,
            family: None,
            role: Kind::Checkpoint,
        };
        if let Some((tokens, family)) = foreign::inversion(&file) {
            let vectors = if tokens == 1 { "1 vector".to_owned() } else { format!("{tokens} vectors") };
            let kind = format!("textual inversion (embedding) for {family}, {vectors}");
            return Ok(Self { kind, family: Some(family), role: Kind::Embedding, ..blank });
        }
        let contents = Contents::of(&file)?;
        if contents.is_empty() {
            return Err(none(&file));
        }
        let fills = contents.vae.is_some() || !contents.texts.is_empty();
        let Some(unet) = &contents.unet else {
            let role = if contents.vae.is_some() { Kind::Vae } else { Kind::TextEncoder };
            return Ok(Self { kind: parts_alone(&contents), fills, role, ..blank });
        };
        let marks = Marks::of(&file, Some(unet), path);
        let inputs = unet.tensors.shape_of("conv_in.weight").and_then(|shape| shape.get(1));
        let family = family(unet.family, configs::words(&unet.tensors));
        let kind: Vec<&str> = [
            Some(family),
            Some(if marks.velocity { "v_prediction (velocity)" } else { "epsilon" }),
            marks.zero_terminal.then_some("zero terminal SNR"),
            (inputs == Some(&9)).then_some("inpainting"),
            (!fills).then_some("a UNet alone"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let missing = missing(&contents, unet.family);
        Ok(Self { kind: kind.join(", "), missing, draws: true, fills, family: Some(family), ..blank })
    }
}

/// The networks that a family needs beside its UNet and that are not there.
fn missing(contents: &Contents, family: Family) -> Vec<&'static str> {
    let two = family == Family::Sdxl;
    let has = |second: bool| contents.texts.iter().any(|text| (two && is_second(text)) == second);
    let first = if two { "the first text encoder" } else { "a text encoder" };
    [
        (!has(false)).then_some(first),
        (two && !has(true)).then_some("the second text encoder"),
        contents.vae.is_none().then_some("an autoencoder (VAE)"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A family's name. Networks of other sizes than the published ones are latent diffusion of no name.
fn family(family: Family, words: Option<usize>) -> &'static str {
    match (family, words) {
        (Family::Sd1, Some(768)) => "Stable Diffusion 1",
        (Family::Sd2, Some(1024)) => "Stable Diffusion 2",
        (Family::Sdxl, Some(2048)) => "SDXL",
        _ => "latent diffusion",
    }
}

/// The kind of a file without a UNet.
fn parts_alone(contents: &Contents) -> String {
    let mut parts: Vec<String> = Vec::new();
    if contents.vae.is_some() {
        parts.push("an autoencoder (VAE)".to_owned());
    }
    parts.extend(contents.texts.iter().map(|text| {
        let by = match (text.clip, configs::text_width(&text.tensors)) {
            (_, Some(768)) => "CLIP L",
            (_, Some(1024)) => "CLIP H",
            (_, Some(1280)) => "CLIP G",
            (Clip::OpenAi, _) => "CLIP",
            (Clip::OpenClip, _) => "OpenCLIP",
        };
        format!("a text encoder ({by})")
    }));
    format!("{} without a UNet", parts.join(" and "))
}

/// The error of a file that lacks networks.
pub(super) fn lacks(file: &str, missing: &[&str]) -> Error {
    Error::Invalid {
        file: file.to_owned(),
        fact: format!("lacks {}", missing.join(" and ")),
        remedy: "name a file or folder that has it as well: `FILE + OTHER`",
    }
}

/// The error of a file in which nothing is known.
pub(super) fn none(file: &TensorFile) -> Error {
    let name =
        file.names().first().map_or_else(|| "nothing".to_owned(), |name| crate::checkpoint::safetensors::short(name));
    Error::Invalid {
        file: file.name(),
        fact: format!("holds no network that is known (its first tensor is {name})"),
        remedy: "give a checkpoint of Stable Diffusion 1, 2 or XL",
    }
}
