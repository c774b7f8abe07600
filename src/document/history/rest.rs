//! The part of an undo step that is not masks.

use crate::document::control::{self, Control};
use crate::document::{Background, Document, InitImage, Lora, Mask, Paint, Region, Settings, Take};
use std::sync::Arc;

/// Everything in a document but the pixels of masks that are in the document too.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rest {
    width: u32,
    height: u32,
    background: Background,
    style: String,
    settings: Settings,
    /// The take, where the step changed it: a picture that is finished between two edits is not taken away by undoing.
    #[expect(clippy::option_option, reason = "changed or not, and then there or not")]
    take: Option<Option<Arc<Take>>>,
    /// The picture to start from, where the step changed it or its settings.
    #[expect(clippy::option_option, reason = "changed or not, and then there or not")]
    start: Option<Option<InitImage>>,
    /// What of the inpaint mask lies beyond the canvas.
    change_outside: Option<Arc<Mask>>,
    /// The paint layer, where it came or went or was made anew by the step. (Strokes on it are deltas of its planes.)
    #[expect(clippy::option_option, reason = "changed or not, and then there or not")]
    paint: Option<Option<Paint>>,
    /// The share of the steps for which the paint layer is held, where there is one.
    paint_share: Option<f32>,
    /// The ControlNets of the whole picture, where the step changed them: they may hold pictures.
    controls: Option<Vec<Control>>,
    /// Regions in order. Their masks are shared with nothing: a mask is here only where the other state has no such region,
    /// or one of another size, and is empty (0 × 0) otherwise.
    pub(super) regions: Vec<Region>,
}

impl Rest {
    /// The part of `before` that is not in `after`; `None` where nothing but masks differs.
    pub(super) fn before(before: Document, after: &Document) -> Option<Self> {
        let take = (!same_take(before.take.as_ref(), after.take.as_ref())).then_some(before.take);
        let start = (!same_start(before.init_image.as_ref(), after.init_image.as_ref())).then_some(before.init_image);
        let paint_share = before.paint.as_ref().map(|paint| paint.share);
        let same_share = paint_share == after.paint.as_ref().map(|paint| paint.share);
        let paint = (!same_planes(before.paint.as_ref(), after.paint.as_ref())).then_some(before.paint);
        let controls = (!control::same(&before.controls, &after.controls)).then_some(before.controls);
        let same = before.width == after.width
            && before.height == after.height
            && before.background == after.background
            && before.style == after.style
            && before.settings == after.settings
            && take.is_none()
            && start.is_none()
            && before.change_outside == after.change_outside
            && paint.is_none()
            && same_share
            && controls.is_none()
            && before.regions.len() == after.regions.len()
            && before.regions.iter().zip(&after.regions).all(|(a, b)| same_card(a, b) && same_size(&a.mask, &b.mask));
        if same {
            return None;
        }
        let nothing = Arc::new(Mask::empty(0, 0));
        let mut regions = before.regions;
        for region in &mut regions {
            if after.region(region.id).is_some_and(|now| same_size(&now.mask, &region.mask)) {
                region.mask = Arc::clone(&nothing);
            }
        }
        Some(Self {
            width: before.width,
            height: before.height,
            background: before.background,
            style: before.style,
            settings: before.settings,
            take,
            start,
            change_outside: before.change_outside,
            paint,
            paint_share,
            controls,
            regions,
        })
    }

    /// True where every region keeps its mask in the document and neither take nor paint is kept, so that nothing but words, settings and
    /// order differ.
    pub(super) fn is_light(&self) -> bool {
        self.take.is_none() && self.paint.is_none() && self.regions.iter().all(|region| region.mask.width() == 0)
    }

    /// True where the document is in this state, as far as a light one says ([`Self::is_light`]).
    pub(super) fn is_state_of(&self, document: &Document) -> bool {
        self.width == document.width
            && self.height == document.height
            && self.background == document.background
            && self.style == document.style
            && self.settings == document.settings
            && self.start.as_ref().is_none_or(|start| same_start(start.as_ref(), document.init_image.as_ref()))
            && self.change_outside == document.change_outside
            && self.paint_share == document.paint.as_ref().map(|paint| paint.share)
            && self.controls.as_ref().is_none_or(|controls| control::same(controls, &document.controls))
            && self.regions.len() == document.regions.len()
            && self.regions.iter().zip(&document.regions).all(|(a, b)| same_card(a, b))
    }

    /// Puts this state into the document and the document's here.
    pub(super) fn exchange(&mut self, document: &mut Document) {
        std::mem::swap(&mut self.width, &mut document.width);
        std::mem::swap(&mut self.height, &mut document.height);
        std::mem::swap(&mut self.background, &mut document.background);
        std::mem::swap(&mut self.style, &mut document.style);
        std::mem::swap(&mut self.settings, &mut document.settings);
        if let Some(controls) = &mut self.controls {
            std::mem::swap(controls, &mut document.controls);
        }
        if let Some(take) = &mut self.take {
            std::mem::swap(take, &mut document.take);
        }
        if let Some(start) = &mut self.start {
            std::mem::swap(start, &mut document.init_image);
        }
        std::mem::swap(&mut self.change_outside, &mut document.change_outside);
        let share = document.paint.as_ref().map(|paint| paint.share);
        if let Some(paint) = &mut self.paint {
            std::mem::swap(paint, &mut document.paint);
        } else if let (Some(paint), Some(share)) = (&mut document.paint, self.paint_share) {
            paint.share = share;
        }
        self.paint_share = share;
        std::mem::swap(&mut self.regions, &mut document.regions);
        // Masks that both states share go where they are needed: into the document.
        for region in &mut document.regions {
            if region.mask.width() == 0
                && let Some(other) = self.regions.iter_mut().find(|r| r.id == region.id)
            {
                std::mem::swap(&mut region.mask, &mut other.mask);
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        let text = |region: &Region| {
            let negative = region.negative.as_ref().map_or(0, String::len);
            let loras = region.loras.iter().map(|lora| size_of::<Lora>() + lora.file.len()).sum::<usize>();
            // (Pictures that its ControlNets see are shared with the document, but for those that a step took away.)
            let controls =
                region.controls.iter().map(|control| size_of::<Control>() + control.net.len()).sum::<usize>();
            let text = region.name.len() + region.prompt.len() + negative;
            let outside = region.outside.as_ref().map_or(0, |outside| outside.memory());
            size_of::<Region>() + controls + loras + text + region.mask.memory() + outside
        };
        let take = self.take.iter().flatten().map(|take| take.image.as_raw().len()).sum::<usize>();
        let start = self.start.iter().flatten().map(|start| start.image.as_raw().len()).sum::<usize>();
        let background = self.background.prompt.len() + self.background.negative.len();
        size_of::<Self>()
            + self.regions.iter().map(text).sum::<usize>()
            + take
            + start
            + self.change_outside.as_ref().map_or(0, |outside| outside.memory())
            + self.paint.iter().flatten().map(Paint::memory).sum::<usize>()
            + background
            + self.controls.as_deref().map_or(0, control::memory)
    }
}

fn same_take(a: Option<&Arc<Take>>, b: Option<&Arc<Take>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

fn same_start(a: Option<&InitImage>, b: Option<&InitImage>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.is(b),
        _ => false,
    }
}

/// True where both have the same paint layer but for the share for which it is held. Planes of one size that differ are told apart by
/// where they lie: a step that changes them makes others.
fn same_planes(a: Option<&Paint>, b: Option<&Paint>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.is(b),
        _ => false,
    }
}

fn same_size(a: &Mask, b: &Mask) -> bool {
    (a.width(), a.height()) == (b.width(), b.height())
}

/// True where two regions differ in nothing but their masks.
fn same_card(a: &Region, b: &Region) -> bool {
    // Taken apart, so that a new field cannot be forgotten here.
    let Region {
        id,
        name,
        prompt: words,
        negative,
        loras,
        colour,
        mask: _,
        outside,
        start_colour,
        visible,
        locked,
        group,
        bootstrap,
        feather,
        weight,
        guidance,
        seed,
        reroll,
        start,
        end,
        controls,
    } = a;
    (id, name, words, negative, loras, colour) == (&b.id, &b.name, &b.prompt, &b.negative, &b.loras, &b.colour)
        && (visible, locked, group) == (&b.visible, &b.locked, &b.group)
        && (outside, start_colour) == (&b.outside, &b.start_colour)
        && (bootstrap, feather, weight, guidance) == (&b.bootstrap, &b.feather, &b.weight, &b.guidance)
        && (seed, reroll, start, end) == (&b.seed, &b.reroll, &b.start, &b.end)
        && control::same(controls, &b.controls)
}
