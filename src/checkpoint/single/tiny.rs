//! Decoders of tiny autoencoders (TAESD) in files: diffusers' whole autoencoder, or the original decoder alone, whose layers have bare
//! numbers.

use super::names;
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::{Error, Result};

/// The beginning of diffusers' names.
const DIFFUSERS: &str = "decoder.layers.";

/// The decoder in a file, by diffusers' names without `decoder.`
///
/// # Errors
/// If there is none.
pub(in crate::checkpoint) fn tiny_decoder(file: &TensorFile) -> Result<TensorFile> {
    let all = file.names();
    if file.any(&format!("{DIFFUSERS}2.conv.0.")) {
        let rename = |name: &str| names::only(Some(format!("layers.{name}")));
        return Ok(file.part(names::renamed(all.iter(), DIFFUSERS, rename)));
    }
    if file.any("3.conv.0.") && file.shape_of("1.weight").is_some_and(|shape| shape.get(2) == Some(&3)) {
        // (The original's first layer is the clamp, which diffusers' numbers leave out.)
        let rename = |name: &str| {
            let (number, rest) = name.split_once('.')?;
            Some(format!("layers.{}.{rest}", number.parse::<usize>().ok()?.checked_sub(1)?))
        };
        return Ok(file.part(names::renamed(all.iter(), "", |name| names::only(rename(name)))));
    }
    Err(Error::Invalid {
        file: file.name(),
        fact: "is no small decoder for previews (TAESD)".to_owned(),
        remedy: "give taesd_decoder.safetensors, or taesdxl_decoder.safetensors for SDXL",
    })
}
