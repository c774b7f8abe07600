//! Live painting: settings for a picture that follows the brush.

use super::estimate::Estimate;
use super::model::Model;
use super::plan::Facts;
use super::preset::{Nature, Preset};
use super::warning::Warning;
use crate::checkpoint::FewSteps;
use crate::document::{Area, Document, InitImage, Mask, Sampler, Schedule, Settings, WindowWeights};
use image::imageops::FilterType;
use std::sync::Arc;

/// Seconds that a live picture may take, by this machine's measured speed.
const PATIENCE: f32 = 3.0;

/// Steps with a checkpoint that is not distilled, by a sampler of second order; and the fewest that still show the shapes.
const STEPS: [u32; 2] = [8, 6];

/// A document changed to be drawn quickly.
pub(super) struct Sketch {
    /// The changed document.
    pub document: Document,
    /// True where the canvas has half its sides.
    pub half: bool,
}

/// Changes a document to be drawn live: few steps; where they would take longer than [`PATIENCE`], windows further apart, then
/// half the size. `pace` is the seconds of a UNet sample, once known. The seed stays, so that the picture changes only with
/// the painting.
pub(super) fn sketch(mut document: Document, model: &mut dyn Model, pace: Option<f32>) -> Sketch {
    // Each region drawn again would be a run of its own.
    document.regions.iter_mut().for_each(|region| region.reroll = None);
    let facts = Facts::of(model);
    let Facts { window, factor, takes_guidance } = facts;
    let few = model.few_steps();
    let own = document.settings.clone();
    let at = |document: &Document, steps: u32, apart: bool| {
        let mut document = document.clone();
        hasten(&mut document.settings, Nature { takes_guidance, ..Nature::of_steps(few) }, own.steps.min(steps));
        if let Some(start) = &document.init_image {
            // The denoising strength must leave at least one step.
            let least = (1.0 / start.strength.clamp(0.01, 1.0)).ceil() as u32;
            document.settings.steps = document.settings.steps.max(least);
        }
        if apart {
            let side = document.settings.window.map_or(window, |w| w as usize);
            document.settings.stride = document.settings.stride.max((side as u32 / 2).max(1));
            // Windows that hardly overlap show their edges unless they fade towards them.
            document.settings.window_weights = WindowWeights::Tent;
        }
        document
    };
    let many = few.map_or(STEPS[0], FewSteps::steps);
    let seconds = |document: &Document| {
        let estimate = Estimate::of(document, facts)?;
        // A canvas smaller than a window is one window of its size.
        let cells = |side: u32| (side as usize).div_ceil(factor).min(window) as f32;
        let share = cells(document.width) * cells(document.height) / (window * window).max(1) as f32;
        Some(estimate.work() * pace? * share.min(1.0))
    };
    let quick_enough = |document: &Document| seconds(document).is_some_and(|s| s <= PATIENCE);
    let close = at(&document, many, false);
    if quick_enough(&close) {
        return Sketch { document: close, half: false };
    }
    // The pace is unknown before the first picture.
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

impl Sketch {
    /// The warnings of its picture that hold for the painting itself; those of settings and sizes are of its own.
    pub(super) fn warnings(&self, all: Vec<Warning>) -> Vec<Warning> {
        let holds = |warning| match warning {
            Warning::ThinRegion { region, pixels, few_steps } => {
                let pixels = if self.half { 2 * pixels } else { pixels };
                Some(Warning::ThinRegion { region, pixels, few_steps })
            }
            Warning::NothingMayChange
            | Warning::EmptySpan { .. }
            | Warning::LoraInPart { .. }
            | Warning::UnknownLora { .. }
            | Warning::RegionLorasLeftOut
            | Warning::EmbeddingLeftOut(_)
            | Warning::PartTaken { .. }
            | Warning::ControlsLeftOut
            | Warning::NoClass { .. } => Some(warning),
            Warning::PassedOver(_) | Warning::DrawnInF32 => Some(warning),
            Warning::OffGrid { .. }
            | Warning::WindowCut { .. }
            | Warning::StrideCut { .. }
            | Warning::GuidanceIsRead
            | Warning::NoGuidance
            | Warning::NothingToReuse
            | Warning::ShortOfMemory
            | Warning::LeftOutByReference(_) => None,
        };
        all.into_iter().filter_map(holds).collect()
    }
}

/// Sets the sampler that converges best in few steps.
fn hasten(settings: &mut Settings, nature: Nature, steps: u32) {
    match nature.few_steps {
        Some(_) => {
            let blended = settings.bootstrap <= 0.0;
            Preset::recommended(&settings.model, nature).apply(settings);
            if blended {
                settings.bootstrap = 0.0;
            }
        }
        None => (settings.sampler, settings.schedule) = (Sampler::Dpmpp2m, Schedule::Normal),
    }
    settings.steps = nature.few_steps.map_or(steps, |few| steps.min(few.steps()));
}

/// The document at half its sides; `None` where that is off the latent grid, or the canvas is less than two windows long: a
/// model draws poorly on a canvas much smaller than it was trained on.
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
    small.paint = small.paint.as_ref().map(|paint| paint.changed(half));
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

/// The mask at half its sides: the mean of every 2 × 2 pixels.
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
