//! Mean and variance of groups of channels.

use super::super::{Error, Result};
use super::kernels::GRAIN;
use rayon::prelude::*;

/// The moments of every group of channels of every image.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// `[images, groups]`.
    pub(super) groups: Vec<GroupMoments>,
    pub(super) images: usize,
}

/// Mean and variance of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GroupMoments {
    pub mean: f32,
    /// The mean squared distance from the mean.
    pub variance: f32,
}

/// The moments of a whole from those of its parts, each with a weight in proportion to the values in it, in f64:
/// mean = Σ w·meanᵢ / Σ w, variance = Σ w·(varianceᵢ + (meanᵢ − mean)²) / Σ w.
pub(super) fn merged(parts: &[(usize, Moments)]) -> Result<Moments> {
    let (images, groups) = parts.first().map_or((0, 0), |(_, part)| (part.images, part.groups.len()));
    if let Some((_, odd)) = parts.iter().find(|(_, part)| (part.images, part.groups.len()) != (images, groups)) {
        let expected = format!("{groups} groups of {images} images");
        return Err(Error::Shape { operator: "merge_moments", found: vec![odd.images, odd.groups.len()], expected });
    }
    let total: f64 = parts.iter().map(|(weight, _)| *weight as f64).sum();
    let whole = |group: usize| {
        let of = || parts.iter().map(|(weight, part)| (*weight as f64, part.groups[group]));
        let mean = of().map(|(weight, part)| weight * f64::from(part.mean)).sum::<f64>() / total;
        let squares =
            of().map(|(weight, part)| weight * (f64::from(part.variance) + (f64::from(part.mean) - mean).powi(2)));
        GroupMoments { mean: mean as f32, variance: (squares.sum::<f64>() / total) as f32 }
    };
    Ok(Moments { groups: (0..groups).map(whole).collect(), images })
}

/// Mean and variance of every group of channels of every image `[n, h, w, c]`, in f64 beyond a few thousand values.
pub(super) fn moments(x: &[f32], images: usize, channels: usize, groups: usize) -> Vec<GroupMoments> {
    if images == 0 || channels == 0 || groups == 0 || x.is_empty() {
        return Vec::new();
    }
    let image = x.len() / images;
    let per_group = channels / groups;
    let count = (image / groups) as f64;
    // Sums of `f(value, group)` over groups; pixels in parts of some thousand values, channels side by side.
    let sums = |x: &[f32], f: &(dyn Fn(&mut [f32], &[f32]) + Sync)| -> Vec<f64> {
        let part = |pixels: &[f32]| {
            let mut lanes = vec![0.0_f32; channels];
            pixels.chunks_exact(channels).for_each(|pixel| f(&mut lanes, pixel));
            lanes.chunks_exact(per_group).map(|group| group.iter().map(|&v| f64::from(v)).sum()).collect::<Vec<f64>>()
        };
        let add = |mut a: Vec<f64>, b: Vec<f64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        // Reduced in order, so that the sum does not depend on the threads.
        let parts: Vec<Vec<f64>> =
            x.par_chunks(256 * channels).with_min_len(GRAIN.div_ceil(256 * channels)).map(part).collect();
        parts.into_iter().fold(vec![0.0; groups], add)
    };
    x.par_chunks(image)
        .flat_map_iter(|x| {
            let mean: Vec<f32> = sums(x, &|lanes, pixel| lanes.iter_mut().zip(pixel).for_each(|(lane, x)| *lane += x))
                .into_iter()
                .map(|sum| (sum / count) as f32)
                .collect();
            let means: Vec<f32> = mean.iter().flat_map(|&mean| std::iter::repeat_n(mean, per_group)).collect();
            let squares = sums(x, &|lanes, pixel| {
                for ((lane, x), mean) in lanes.iter_mut().zip(pixel).zip(&means) {
                    *lane += (x - mean) * (x - mean);
                }
            });
            let moments = |(mean, squares): (f32, f64)| GroupMoments { mean, variance: (squares / count) as f32 };
            mean.into_iter().zip(squares).map(moments).collect::<Vec<_>>()
        })
        .collect()
}
