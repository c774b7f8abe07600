//! Noise of a canvas whose regions may have seeds of their own.

use super::Painting;
use std::collections::BTreeMap;

/// Standard normal noise for the whole latent, mixed from the seeds of the parts that cover each cell.
///
/// `draw(seed)` is a whole canvas of noise. A region with a seed of its own takes its share of the variance, so that under a
/// soft mask the mix Σ √share · noise is standard normal too; under a hard mask it replaces the canvas's noise.
pub(super) fn mixed(painting: &Painting, draw: impl Fn(u64) -> Vec<f32>) -> Vec<f32> {
    let mut noise = draw(painting.seed);
    if painting.parts.iter().all(|p| p.seed == painting.seed) {
        return noise;
    }
    let cells = painting.height * painting.width;
    let mut all = vec![0.0_f32; cells];
    let mut shares: BTreeMap<u64, Vec<f32>> = BTreeMap::new();
    for part in &painting.parts {
        part.mask.add_to(&mut all);
        if part.seed != painting.seed {
            part.mask.add_to(shares.entry(part.seed).or_insert_with(|| vec![0.0; cells]));
        }
    }
    let mut rest = vec![1.0_f32; cells];
    for share in shares.values_mut() {
        for ((share, all), rest) in share.iter_mut().zip(&all).zip(&mut rest) {
            *share /= all;
            *rest = (*rest - *share).max(0.0);
        }
    }
    for (v, rest) in noise.iter_mut().zip(rest.iter().cycle()) {
        *v *= rest.sqrt();
    }
    for (seed, share) in shares {
        for ((v, own), share) in noise.iter_mut().zip(draw(seed)).zip(share.iter().cycle()) {
            *v += share.sqrt() * own;
        }
    }
    noise
}
