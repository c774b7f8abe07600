//! Mean and variance of groups of channels.

use super::super::{Error, Result};
pub(super) use polyptych_kernels::Moments as GroupMoments;

/// The moments of every group of channels of every image.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// `[images, groups]`.
    pub(super) groups: Vec<GroupMoments>,
    pub(super) images: usize,
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
