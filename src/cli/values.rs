//! Values of options, read from their texts. An error says what is possible.

use crate::checkpoint::{Device, Dtype, UnknownDevice, UnknownDtype};
use crate::document::{
    Choice, InitImage, Lora, MAX_CLIP_SKIP, MAX_GUIDANCE, MAX_LORA_WEIGHT, MAX_REUSE, MAX_SIDE, MAX_STEPS, MAX_WINDOW,
    MIN_SIDE,
};
use crate::studio::SecondPass;
use crate::studio::frame::Frame;
use std::ops::RangeInclusive;
use std::path::Path;

/// A whole number within a range, which the error names.
pub(super) fn whole(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("give a whole number from {} to {}", range.start(), range.end()))
}

/// As [`whole`], of a range within 32 bits.
pub(super) fn small(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = whole(text, u64::from(*range.start())..=u64::from(*range.end()))?;
    u32::try_from(number).map_err(|error| error.to_string())
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    whole(text, 0..=u64::MAX)
}

pub(super) fn steps(text: &str) -> Result<u32, String> {
    small(text, 1..=MAX_STEPS)
}

/// Steps that share deep features.
pub(super) fn reuse(text: &str) -> Result<u32, String> {
    small(text, 1..=MAX_REUSE)
}

/// Steps of bootstrapping: none to all.
pub(super) fn bootstrap_steps(text: &str) -> Result<usize, String> {
    small(text, 0..=MAX_STEPS).map(|steps| steps as usize)
}

/// A length in latent pixels.
pub(super) fn latent_side(text: &str) -> Result<u32, String> {
    small(text, 1..=MAX_WINDOW)
}

pub(super) fn device(name: &str) -> Result<Device, String> {
    name.parse().map_err(|e: UnknownDevice| e.to_string())
}

pub(super) fn dtype(name: &str) -> Result<Dtype, String> {
    name.parse().map_err(|e: UnknownDtype| e.to_string())
}

pub(super) fn clip_skip(number: &str) -> Result<u32, String> {
    let given = number.parse().ok().filter(|skip| (1..=MAX_CLIP_SKIP).contains(skip));
    given.ok_or_else(|| format!("give a number from 1 (the last layer) to {MAX_CLIP_SKIP}"))
}

/// A choice by its name.
pub(super) fn choice<T: Choice>(name: &str) -> Result<T, String> {
    T::from_name(name).ok_or_else(|| format!("choose one of: {}", T::NAMES.join(", ")))
}

pub(super) fn lora(text: &str) -> Result<Lora, String> {
    // (A file's name may have an = in it.)
    let (file, weight) = match text.rsplit_once('=') {
        Some((file, weight)) if !Path::new(text).exists() => (file, Some(weight)),
        _ => (text, None),
    };
    if file.is_empty() {
        return Err("give the file of a LoRA".to_owned());
    }
    let mut lora = Lora::new(file);
    if let Some(weight) = weight {
        let in_range = |weight: &f32| weight.abs() <= MAX_LORA_WEIGHT;
        lora.weight = finite(weight).ok().filter(in_range).ok_or_else(|| {
            format!("give a weight from -{MAX_LORA_WEIGHT} to {MAX_LORA_WEIGHT}, such as ink.safetensors=0.8")
        })?;
    }
    Ok(lora)
}

/// A region's number (0 for the background) and a LoRA.
pub(super) fn region_lora(text: &str) -> Result<(usize, Lora), String> {
    let parts = text.split_once('=').and_then(|(number, file)| Some((number.trim().parse().ok()?, file)));
    let (number, file) =
        parts.ok_or_else(|| "give a region's number and a LoRA, such as 2=ink.safetensors=0.8".to_owned())?;
    Ok((number, lora(file)?))
}

pub(super) fn reroll(text: &str) -> Result<(usize, Option<u64>), String> {
    let (number, seed) = text.split_once('=').map_or((text, None), |(number, seed)| (number, Some(seed)));
    let known = || Some((number.trim().parse().ok()?, seed.map(self::seed).transpose().ok()?));
    known().ok_or_else(|| "give a region's number and, if you like, a seed, such as 2 or 2=17".to_owned())
}

fn finite(text: &str) -> Result<f32, String> {
    text.parse::<f32>().ok().filter(|v| v.is_finite()).ok_or_else(|| "give a number such as 7.5".to_owned())
}

pub(super) fn guidance(text: &str) -> Result<f32, String> {
    let value = finite(text).ok().filter(|v| v.abs() <= MAX_GUIDANCE);
    value.ok_or_else(|| format!("give a number from -{MAX_GUIDANCE} to {MAX_GUIDANCE}, such as 7.5"))
}

pub(super) fn fraction(text: &str) -> Result<f32, String> {
    finite(text).ok().filter(|v| (0.0..=1.0).contains(v)).ok_or_else(|| "give a fraction from 0 to 1".to_owned())
}

/// Two fractions of the steps, such as `0.1-0.8`.
pub(super) fn span(text: &str) -> Result<(f32, f32), String> {
    let (start, end) = text.split_once('-').ok_or("give the part of the steps as two fractions, such as 0.1-0.8")?;
    Ok((fraction(start)?, fraction(end)?))
}

/// Width and height in pixels, such as `768x512`.
pub(super) fn size(text: &str) -> Result<(u32, u32), String> {
    let parsed = text
        .split_once(['x', 'X', '×'])
        .and_then(|(w, h)| Some((w.trim().parse::<u32>().ok()?, h.trim().parse::<u32>().ok()?)));
    let Some((w, h)) = parsed else { return Err("give width and height in pixels, such as 768x512".to_owned()) };
    if [w, h].iter().any(|side| !(MIN_SIDE..=MAX_SIDE).contains(side)) {
        return Err(format!("a side goes from {MIN_SIDE} to {MAX_SIDE} pixels"));
    }
    Ok((w, h))
}

/// A share of the steps taken on a picture.
pub(super) fn strength(text: &str) -> Result<f64, String> {
    let value = text.trim().parse::<f64>().ok().filter(|v| (InitImage::MIN_STRENGTH..=1.0).contains(v));
    value.ok_or_else(|| format!("give a number from {} to 1", InitImage::MIN_STRENGTH))
}

/// A part of the canvas in pixels, such as `512,0,256x256`.
pub(super) fn frame(text: &str) -> Result<Frame, String> {
    let parts = || {
        let (x, rest) = text.split_once(',')?;
        let (y, size) = rest.split_once(',')?;
        let (width, height) = size.split_once(['x', 'X', '×'])?;
        let place = |v: &str| v.trim().parse::<i64>().ok();
        let side = |v: &str| v.trim().parse::<u32>().ok();
        Some(Frame { x: place(x)?, y: place(y)?, width: side(width)?, height: side(height)? })
    };
    parts().ok_or_else(|| "give its left and top edge and its size in canvas pixels, such as 512,0,256x256".to_owned())
}

/// A factor of enlargement and, if given, a strength.
pub(super) fn second_pass(text: &str) -> Result<SecondPass, String> {
    let (factor, strength) = text.split_once('=').map_or((text, None), |(factor, strength)| (factor, Some(strength)));
    let range = SecondPass::FACTORS;
    let factor = factor.trim().parse::<f64>().ok().filter(|v| range.contains(v)).ok_or_else(|| {
        format!(
            "give a factor from {} to {} and, if you like, a strength, such as 2 or 2=0.5",
            range.start(),
            range.end()
        )
    })?;
    let strength = strength.map(self::strength).transpose()?.unwrap_or(SecondPass::STRENGTH);
    Ok(SecondPass { factor, strength })
}
