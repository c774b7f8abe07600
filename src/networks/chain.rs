//! A chain of layers with skip connections, as a list of steps: an autoencoder's encoder or decoder.
//!
//! [`run`] takes an image through all of it at once; [`super::strips`] does the same within a bound on memory.

use super::blocks::Attention;
use super::{Error, Result};
use crate::backend::{Backend, Epilogue};

/// One step.
pub(super) enum Op<'a, B: Backend> {
    /// A convolution.
    Conv { weights: &'a B::Conv, reach: Reach, outputs: usize },
    /// Group normalisation.
    Norm { weights: &'a B::Norm, groups: usize, eps: f32, silu: bool },
    /// Keeps the image for [`Op::Add`].
    Keep,
    /// A 1×1 convolution of what is kept.
    Shortcut(&'a B::Conv),
    /// Adds what is kept.
    Add,
    /// Doubles the size, nearest neighbour.
    Upsample,
    /// Attention of every pixel to every other.
    Attend(&'a Attention<B>),
}

/// The neighbourhood that a convolution sees of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Kernel 1.
    Pixel,
    /// Kernel 3; zeros around the image.
    Around,
    /// Kernel 3, stride 2; zeros below and to the right.
    Halve,
}

/// The size of an image between two steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub height: usize,
    pub width: usize,
    /// Bytes of all images of the batch on the device.
    pub bytes: usize,
}

/// The size before every step and after the last.
pub(super) fn sizes<B: Backend>(b: &B, ops: &[Op<B>], x: &B::Tensor) -> Result<Vec<Size>> {
    let [count, channels, height, width] = image_shape(b, x)?;
    let size = |[channels, height, width]: [usize; 3]| {
        let bytes = count * channels * height * width * b.value_bytes();
        Size { height, width, bytes }
    };
    let mut shape = [channels, height, width];
    let mut sizes = vec![size(shape)];
    for op in ops {
        let [channels, height, width] = shape;
        shape = match *op {
            Op::Conv { reach: Reach::Halve, outputs, .. } => [outputs, height / 2, width / 2],
            Op::Conv { outputs, .. } => [outputs, height, width],
            Op::Upsample => [channels, 2 * height, 2 * width],
            _ => shape,
        };
        sizes.push(size(shape));
    }
    Ok(sizes)
}

/// The bytes that are alive during every step: its input, its output, and the image that is kept.
pub(super) fn live<B: Backend>(ops: &[Op<B>], sizes: &[Size]) -> Vec<usize> {
    let mut kept = 0;
    // Between Keep and the first step after it, what is kept and what goes in are one tensor.
    let mut same = false;
    ops.iter()
        .zip(sizes.windows(2))
        .map(|(op, around)| {
            let [before, after] = [around[0].bytes, around[1].bytes];
            match *op {
                Op::Keep => {
                    (kept, same) = (before, true);
                    before
                }
                Op::Shortcut(_) => {
                    let bytes = kept + before + after;
                    kept = after;
                    bytes
                }
                Op::Add => kept + before + std::mem::take(&mut kept).max(after),
                _ => before + after + if std::mem::take(&mut same) { 0 } else { kept },
            }
        })
        .collect()
}

/// The most bytes that [`run`] holds at once for an image `x`, without what an operator needs inside.
pub(super) fn bytes<B: Backend>(b: &B, ops: &[Op<B>], x: &B::Tensor) -> Result<usize> {
    Ok(live(ops, &sizes(b, ops, x)?).into_iter().max().unwrap_or(0))
}

/// The error of a chain that adds without having kept.
pub(super) fn unkept() -> Error {
    Error::Input("a step adds what was not kept".to_owned())
}

/// Images, channels, height and width.
pub(super) fn image_shape<B: Backend>(b: &B, x: &B::Tensor) -> Result<[usize; 4]> {
    let shape = b.shape(x);
    (*shape).try_into().map_err(|_| Error::Input(format!("{shape:?} is not an image")))
}

/// Self-attention over the pixels of an image.
pub(super) fn attend<B: Backend>(b: &B, attention: &Attention<B>, x: &B::Tensor) -> Result<B::Tensor> {
    let [_, _, height, width] = image_shape(b, x)?;
    Ok(b.to_image(&attention.forward(b, &b.to_tokens(x)?, None)?, height, width)?)
}

/// Doubles the size of an image.
pub(super) fn double<B: Backend>(b: &B, x: &B::Tensor) -> Result<B::Tensor> {
    let [_, _, height, width] = image_shape(b, x)?;
    Ok(b.upsample(x, 2 * height, 2 * width)?)
}

/// Runs all steps over the whole image.
pub(super) fn run<B: Backend>(b: &B, mut ops: &[Op<B>], mut x: B::Tensor) -> Result<B::Tensor> {
    let mut kept = None;
    loop {
        // Two steps are one operator where a backend may have it so.
        (x, ops) = match ops {
            [] => return Ok(x),
            [Op::Conv { weights, .. }, Op::Add, rest @ ..] => {
                let kept = kept.take().ok_or_else(unkept)?;
                (b.conv2d_with(&x, weights, Epilogue::add(&kept))?, rest)
            }
            [Op::Upsample, Op::Conv { weights, .. }, rest @ ..] => {
                let [_, _, height, width] = image_shape(b, &x)?;
                (b.upsample_conv2d(&x, 2 * height, 2 * width, weights)?, rest)
            }
            [Op::Conv { weights, .. }, rest @ ..] => (b.conv2d(&x, weights)?, rest),
            [Op::Norm { weights, groups, eps, silu }, rest @ ..] => {
                (b.group_norm(&x, weights, *groups, *eps, *silu)?, rest)
            }
            [Op::Keep, rest @ ..] => {
                kept = Some(x.clone());
                (x, rest)
            }
            [Op::Shortcut(weights), rest @ ..] => {
                kept = Some(b.conv2d(&kept.take().ok_or_else(unkept)?, weights)?);
                (x, rest)
            }
            [Op::Add, rest @ ..] => (b.add(&kept.take().ok_or_else(unkept)?, &x)?, rest),
            [Op::Upsample, rest @ ..] => (double(b, &x)?, rest),
            [Op::Attend(attention), rest @ ..] => (attend(b, attention, &x)?, rest),
        };
    }
}
