//! Changes of one mask that are made in one go: a region's, or that of what may change of the picture to start from.

use super::{Editor, Made, Moved, Selected};
use crate::app::text::i18n::key;
use crate::document::{Document, Mask, MaskDelta, RegionId, Wrap};
use crate::paint::{Beyond, Combine, Cover, Turn, part, place_whole, turn_whole};
use std::sync::Arc;

impl Editor {
    /// The mask that is painted on; `None` where the background is selected.
    #[must_use]
    pub fn selected_mask(&self) -> Option<(RegionId, &Arc<Mask>)> {
        let Selected::Region(id) = self.selected else { return None };
        self.document.mask(id).map(|mask| (id, mask))
    }

    /// Pixels of the canvas.
    #[must_use]
    pub fn area(&self) -> u64 {
        u64::from(self.document.width) * u64::from(self.document.height)
    }

    /// Lays a shape on a mask, as one undo step; `draw`, which looks at about so many pixels, draws it into a cover of the
    /// canvas's size.
    pub fn lay(
        &mut self,
        id: RegionId,
        label: &'static str,
        combine: Combine,
        pixels: u64,
        draw: impl Fn(&Document, &mut Cover) + Send + Sync + 'static,
    ) {
        self.ask(label, pixels, None, move |document| {
            let mut mask = Mask::clone(document.mask(id)?);
            let mut cover = Cover::new(document.width, document.height);
            draw(document, &mut cover);
            let mut delta = cover.lay(&mut mask, combine);
            if combine == Combine::Replace {
                return made(document, id, mask, None);
            }
            delta.swap(&mut mask);
            Some(Made::Mask(id, delta))
        });
    }

    /// Gives a region the mask that `make` makes of its own and the canvas's joined edges, as one undo step. Nothing of it
    /// is beyond the canvas afterwards.
    pub fn remake(
        &mut self,
        id: RegionId,
        label: &'static str,
        pixels: u64,
        make: impl Fn(&Mask, Wrap) -> Mask + Send + Sync + 'static,
    ) {
        self.ask(label, pixels, None, move |document| {
            made(document, id, make(document.mask(id)?, document.settings.wrap), None)
        });
    }

    /// Gives the selected region what `make` makes of its mask, with what is beyond the canvas, by an operation that looks at
    /// all of it a few times.
    pub fn remake_selected(&mut self, label: &'static str, make: impl Fn(&Mask, Wrap) -> Mask + Send + Sync + 'static) {
        let Selected::Region(id) = self.selected else { return };
        let canvases = if self.selected_region().is_some_and(|r| r.outside.is_some()) { 9 } else { 1 };
        self.ask(label, 4 * self.area() * canvases, None, move |document| {
            let (shape, wrap) = (shape(document, id)?, document.settings.wrap);
            if shape.outside.is_none() {
                return made(document, id, make(shape.mask, wrap), None);
            }
            let (mask, outside) = part(make(&shape.join(), Wrap::None), document.width, document.height);
            made(document, id, mask, outside)
        });
    }

    /// Moves and scales a region's whole shape, which looks at about so many pixels. What leaves the canvas is kept.
    pub(in crate::app) fn move_shape(&mut self, label: &'static str, pixels: u64, moved: Moved) {
        let Moved { region, from, to } = moved;
        self.ask(label, pixels, Some(moved), move |document| {
            let (mask, outside) = place_whole(shape(document, region)?, from, to, document.settings.wrap);
            made(document, region, mask, outside)
        });
    }

    /// Turns the selected region's whole shape about its own middle. What leaves the canvas is kept.
    pub fn turn_selected(&mut self, label: &'static str, turn: Turn) {
        let Selected::Region(id) = self.selected else { return };
        self.ask(label, 4 * self.area(), None, move |document| {
            let (mask, outside) = turn_whole(shape(document, id)?, turn, document.settings.wrap);
            made(document, id, mask, outside)
        });
    }

    /// The whole shape of the selected mask, and whose it is.
    #[must_use]
    pub fn selected_shape(&self) -> Option<(RegionId, Beyond<'_>)> {
        let (id, _) = self.selected_mask()?;
        Some((id, shape(&self.document, id)?))
    }

    /// Replaces the selected region's mask by what `edit` makes of each byte.
    pub fn map_mask(&mut self, label: &'static str, edit: impl Fn(u8) -> u8 + Send + Sync + 'static) {
        let Selected::Region(id) = self.selected else { return };
        // What is even costs nothing.
        let pixels = self.document.mask(id).map_or(0, |mask| mask.memory() as u64);
        self.remake(id, label, pixels, move |mask, _| mask.map(&edit));
    }

    /// Gives a region another mask, which `make` makes for a canvas of this size.
    pub fn set_mask(&mut self, id: RegionId, make: impl Fn(u32, u32) -> Mask + Send + Sync + 'static) {
        self.select(Selected::Region(id));
        let pixels = 8 * self.area();
        self.remake(id, key("New mask"), pixels, move |mask, _| make(mask.width(), mask.height()));
    }
}

/// A mask on its canvas and beyond it.
fn shape(document: &Document, id: RegionId) -> Option<Beyond<'_>> {
    let outside = document.region(id).and_then(|region| region.outside.as_deref());
    Some(Beyond { mask: document.mask(id)?, outside })
}

/// The change to this mask; only where something is beyond the canvas, before or after, is it one of the region as well.
fn made(document: &Document, id: RegionId, mask: Mask, outside: Option<Mask>) -> Option<Made> {
    let now = shape(document, id)?;
    if now.outside.is_none() && outside.is_none() || document.region(id).is_none() {
        return Some(Made::Mask(id, MaskDelta::between(now.mask, &mask)?));
    }
    Some(Made::Shape(id, Arc::new(mask), outside.map(Arc::new)))
}
