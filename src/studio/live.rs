//! Live painting: how a picture is made that follows the brush.

use super::estimate::Estimate;
use super::model::Model;
use super::preset::Preset;
use crate::checkpoint::FewSteps;
use crate::document::{Area, Document, InitImage, Mask, Sampler, Schedule, Settings};
use image::imageops::FilterType;
use std::sync::Arc;

/// Seconds that a live picture may take, as far as this machine's speed is known.
const PATIENCE: f32 = 3.0;

/// Steps of any other with a sampler of second order, and the fewest that still show what is where.
const STEPS: [u32; 2] = [8, 6];

/// A document to be drawn quickly.
pub(super) struct Sketch {
    pub document: Document,
    /// True where the canvas has half its sides.
    pub half: bool,
}

/// The document as it is drawn live: with few steps, and where they would take too long (`pace` is the seconds a UNet sample
/// takes, once known) with windows further apart, then at half the size. The seed stays, so that only what is painted
/// changes the picture.
pub(super) fn sketch(mut document: Document, model: &dyn Model, pace: Option<f32>) -> Sketch {
    // A region drawn again over the finished picture would be a run of its own.
    document.regions.iter_mut().for_each(|region| region.reroll = None);
    let (window, factor) = (model.window(), model.factor());
    let few = model.few_steps();
    let own = document.settings.clone();
    let at = |document: &Document, steps: u32, apart: bool| {
        let mut document = document.clone();
        hasten(&mut document.settings, few, own.steps.min(steps));
        if let Some(start) = &document.init_image {
            // At least one step is left of them.
            let least = (1.0 / start.strength.clamp(0.01, 1.0)).ceil() as u32;
            document.settings.steps = document.settings.steps.max(least);
        }
        if apart {
            let side = document.settings.window.map_or(window, |w| w as usize);
            document.settings.stride = document.settings.stride.max((side as u32 / 2).max(1));
        }
        document
    };
    let many = if few.is_some() { FewSteps::STEPS } else { STEPS[0] };
    let seconds = |document: &Document| {
        let estimate = Estimate::of(document, window, factor)?;
        // A canvas smaller than a window is one window of its size.
        let cells = |side: u32| (side as usize).div_ceil(factor).min(window) as f32;
        let share = cells(document.width) * cells(document.height) / (window * window).max(1) as f32;
        Some(estimate.unet_samples as f32 * pace? * share.min(1.0))
    };
    let quick_enough = |document: &Document| seconds(document).is_some_and(|s| s <= PATIENCE);
    let close = at(&document, many, false);
    if quick_enough(&close) {
        return Sketch { document: close, half: false };
    }
    // Nothing is known of the speed before the first picture.
    let apart = at(&document, many, true);
    if pace.is_none() || quick_enough(&apart) {
        return Sketch { document: apart, half: false };
    }
    let fewer = at(&document, STEPS[1], true);
    match halved(&document, window, factor).filter(|_| !quick_enough(&fewer)) {
        Some(small) => Sketch { document: at(&small, STEPS[1], true), half: true },
        None => Sketch { document: fewer, half: false },
    }
}

/// The sampler that shows most in few steps.
fn hasten(settings: &mut Settings, few: Option<FewSteps>, steps: u32) {
    match few {
        Some(_) => {
            let blended = settings.bootstrap <= 0.0;
            Preset::recommended(&settings.model, few).apply(settings);
            if blended {
                settings.bootstrap = 0.0;
            }
        }
        None => (settings.sampler, settings.schedule) = (Sampler::Dpmpp2m, Schedule::Normal),
    }
    settings.steps = if few.is_some() { steps.min(FewSteps::STEPS) } else { steps };
}

/// The document at half the size; `None` where that is off the latent grid, or the canvas is less than two windows long: on much
/// less than it was trained on, a model draws poorly.
fn halved(document: &Document, window: usize, factor: usize) -> Option<Document> {
    let (width, height) = (document.width, document.height);
    let grid = u32::try_from(2 * factor).ok()?;
    let side = u32::try_from(window * factor).ok()?;
    if width % grid != 0 || height % grid != 0 || width.min(height) < side || width.max(height) / 2 < side {
        return None;
    }
    let mut small = Document { width: width / 2, height: height / 2, ..document.clone() };
    for region in &mut small.regions {
        region.mask = Arc::new(half(&region.mask));
        region.feather /= 2;
    }
    if let Some(start) = &mut small.init_image {
        let image = image::imageops::resize(&*start.image, width / 2, height / 2, FilterType::Triangle);
        let area = match &start.area {
            Area::Mask(mask) => Area::Mask(Arc::new(half(mask))),
            area => area.clone(),
        };
        *start = InitImage { image: Arc::new(image), area, ..*start };
    }
    Some(small)
}

/// Every two by two pixels as their mean.
fn half(mask: &Mask) -> Mask {
    let (mut above, mut below) = (vec![0; mask.width() as usize], vec![0; mask.width() as usize]);
    Mask::from_rows(mask.width() / 2, mask.height() / 2, |y, row| {
        mask.read_row(0, 2 * y, &mut above);
        mask.read_row(0, 2 * y + 1, &mut below);
        let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
        for (out, (a, b)) in row.iter_mut().zip(pairs) {
            let sum: u32 = a.iter().chain(b).map(|v| u32::from(*v)).sum();
            *out = u8::try_from((sum + 2) / 4).unwrap_or(255);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_is_at_least_a_window_long() {
        let half = |width, height| halved(&Document::new(width, height), 32, 8).map(|d| (d.width, d.height));
        assert_eq!(half(512, 512), Some((256, 256)));
        assert_eq!(half(512, 256), Some((256, 128)));
        for (width, height) in [(256, 256), (384, 256), (384, 384), (1024, 128), (768, 520)] {
            assert_eq!(half(width, height), None, "{width} × {height}");
        }
    }
}
