//! Normalisations and functions of whole arrays, on all threads. Images lie with their channels last.

use crate::function::Activation;
use crate::set::Set;
use crate::threads::{Shared, spread, spread_parts};
use crate::{Error, Result};

/// Pixels whose moments are measured at a time: their values are still in the second cache when they are read again.
const PIXELS: usize = 256;

/// Values that are worth a task.
const GRAIN: usize = 1 << 14;

/// Mean and variance of one group of channels of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f32,
    /// The mean squared distance from the mean.
    pub variance: f32,
}

fn fits(fits: bool, name: &'static str) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::Fit(name)) }
}

/// The moments of every group of channels of every image `[n, pixels, c]`:
/// `[n, groups]`.
///
/// Sums are of distances from a near value, in f32 for some hundred pixels and in f64 beyond, so that images far from zero lose
/// no digits.
///
/// # Errors
/// If sizes do not fit.
pub fn group_moments(
    set: &'static Set,
    x: &[f32],
    images: usize,
    channels: usize,
    groups: usize,
) -> Result<Vec<Moments>> {
    let per_image = x.len() / images.max(1);
    fits(
        x.len() == per_image * images
            && channels > 0
            && groups > 0
            && channels.is_multiple_of(groups)
            && per_image.is_multiple_of(channels),
        "moments of groups",
    )?;
    if x.is_empty() {
        return Ok(Vec::new());
    }
    let pixels = per_image / channels;
    let parts = pixels.div_ceil(PIXELS);
    let per_group = channels / groups;
    let mut sums = vec![0.0_f32; images * parts * 2 * channels];
    let part = |index: usize| {
        let first = index % parts * PIXELS;
        let count = PIXELS.min(pixels - first);
        let from = (index / parts) * per_image + first * channels;
        &x[from..from + count * channels]
    };
    spread_parts(&mut sums, 2 * channels, |index, sums| set.sums(part(index), sums));
    let mut moments = Vec::with_capacity(images * groups);
    for image in 0..images {
        for group in 0..groups {
            // Every channel of every part: values, their mean, and their squared distances from it.
            let of = || {
                (image * parts..(image + 1) * parts).flat_map(|index| {
                    let values = part(index);
                    let sums = &sums[index * 2 * channels..][..2 * channels];
                    let count = (values.len() / channels) as f64;
                    (group * per_group..(group + 1) * per_group).map(move |channel| {
                        let sum = f64::from(sums[channel]);
                        let squares = f64::from(sums[channels + channel]) - sum * sum / count;
                        (count, f64::from(values[channel]) + sum / count, squares.max(0.0))
                    })
                })
            };
            let total = (pixels * per_group) as f64;
            let mean = of().map(|(count, mean, _)| count * mean).sum::<f64>() / total;
            let squares: f64 = of().map(|(count, own, squares)| squares + count * (own - mean).powi(2)).sum();
            moments.push(Moments { mean: mean as f32, variance: (squares / total) as f32 });
        }
    }
    Ok(moments)
}

/// Group normalisation of images `[n, pixels, c]` with known moments `[n, groups]`, followed by SiLU where `silu`.
#[derive(Debug, Clone, Copy)]
pub struct Normalise<'a> {
    /// Factor of every channel.
    pub scale: &'a [f32],
    /// Added to every channel.
    pub shift: &'a [f32],
    /// Mean and variance of every group of every image.
    pub moments: &'a [Moments],
    /// Images.
    pub images: usize,
    /// Added to variances.
    pub eps: f32,
    /// Whether SiLU follows.
    pub silu: bool,
}

impl Normalise<'_> {
    /// Writes the result, which is as large as `x`.
    ///
    /// # Errors
    /// If sizes do not fit.
    pub fn write(&self, set: &'static Set, x: &[f32], y: &mut [f32]) -> Result<()> {
        let &Self { scale, shift, moments, images, eps, silu } = self;
        let channels = scale.len();
        let groups = moments.len() / images.max(1);
        let pixels = x.len() / (images * channels).max(1);
        fits(
            x.len() == y.len()
                && x.len() == images * pixels * channels
                && shift.len() == channels
                && moments.len() == images * groups
                && groups > 0
                && channels.is_multiple_of(groups),
            "a normalisation of groups",
        )?;
        if x.is_empty() {
            return Ok(());
        }
        // y = x · factor + offset, per image and channel.
        let lines = (0..images).flat_map(|image| {
            (0..channels).map(move |channel| {
                let Moments { mean, variance } = moments[image * groups + channel / (channels / groups)];
                let factor = scale[channel] * (variance + eps).sqrt().recip();
                (factor, shift[channel] - mean * factor)
            })
        });
        let (factors, offsets): (Vec<f32>, Vec<f32>) = lines.unzip();
        let part = GRAIN.div_ceil(channels);
        let parts = pixels.div_ceil(part);
        let y = Shared::new(y);
        spread(images * parts, |task| {
            let (image, first) = (task / parts, task % parts * part);
            let count = part.min(pixels - first) * channels;
            let from = (image * pixels + first) * channels;
            let line = image * channels..(image + 1) * channels;
            // SAFETY: every task writes its own pixels.
            let y = unsafe { y.part(from, count) };
            set.normalise(&x[from..from + count], &factors[line.clone()], &offsets[line], silu, y);
        });
        Ok(())
    }
}

/// Layer normalisation of tokens `[…, c]`.
///
/// # Errors
/// If sizes do not fit.
pub fn layer_norm(set: &'static Set, x: &[f32], scale: &[f32], shift: &[f32], eps: f32, y: &mut [f32]) -> Result<()> {
    let width = scale.len();
    fits(
        width > 0 && shift.len() == width && x.len() == y.len() && x.len().is_multiple_of(width),
        "a normalisation of tokens",
    )?;
    let part = GRAIN.div_ceil(width) * width;
    spread_parts(y, part, |index, y| {
        let from = index * part;
        set.layer_norm(&x[from..from + y.len()], scale, shift, eps, y);
    });
    Ok(())
}

/// `a · gelu(b)` where `a` and `b` are the halves, `half` values each, of every token.
///
/// # Errors
/// If sizes do not fit.
pub fn geglu(set: &'static Set, x: &[f32], half: usize, y: &mut [f32]) -> Result<()> {
    fits(x.len() == 2 * y.len() && (y.is_empty() || half > 0 && y.len().is_multiple_of(half)), "halves of tokens")?;
    let part = GRAIN.div_ceil(half.max(1)) * half;
    spread_parts(y, part, |index, y| {
        let x = x[2 * index * part..].chunks_exact(2 * half);
        y.chunks_exact_mut(half).zip(x).for_each(|(y, x)| set.geglu(x, y));
    });
    Ok(())
}

/// A function of every value.
///
/// # Errors
/// If sizes do not fit.
pub fn activate(set: &'static Set, x: &[f32], activation: Activation, y: &mut [f32]) -> Result<()> {
    fits(x.len() == y.len(), "as many results as values")?;
    spread_parts(y, GRAIN, |index, y| set.map(&x[index * GRAIN..][..y.len()], activation, y));
    Ok(())
}

/// `a + b`.
///
/// # Errors
/// If sizes do not fit.
pub fn add(a: &[f32], b: &[f32], y: &mut [f32]) -> Result<()> {
    fits(a.len() == y.len() && b.len() == y.len(), "as many results as values")?;
    spread_parts(y, GRAIN, |index, y| {
        let (a, b) = (&a[index * GRAIN..], &b[index * GRAIN..]);
        y.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (a, b))| *y = a + b);
    });
    Ok(())
}
