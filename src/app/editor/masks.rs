//! Changes of one mask that are made in one go: a region's, or that of what may change of the picture to start from.

use super::{Editor, Made, Moved, Selected};
use crate::app::text::i18n::key;
use crate::document::{Document, Mask, MaskDelta, RegionId, Wrap};
use crate::paint::{Combine, Cover};
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
            delta.swap(&mut mask);
            Some(Made::Mask(id, delta))
        });
    }

    /// Gives a region the mask that `make` makes of its own and the canvas's joined edges, as one undo step.
    pub fn remake(
        &mut self,
        id: RegionId,
        label: &'static str,
        pixels: u64,
        moved: Option<Moved>,
        make: impl Fn(&Mask, Wrap) -> Mask + Send + Sync + 'static,
    ) {
        self.ask(label, pixels, moved, move |document| {
            let mask = document.mask(id)?;
            let new = make(mask, document.settings.wrap);
            Some(Made::Mask(id, MaskDelta::between(mask, &new)?))
        });
    }

    /// The same of the selected region, by an operation that looks at the whole canvas a few times.
    pub fn remake_selected(&mut self, label: &'static str, make: impl Fn(&Mask, Wrap) -> Mask + Send + Sync + 'static) {
        let Selected::Region(id) = self.selected else { return };
        self.remake(id, label, 4 * self.area(), None, make);
    }

    /// Replaces the selected region's mask by what `edit` makes of each byte.
    pub fn map_mask(&mut self, label: &'static str, edit: impl Fn(u8) -> u8 + Send + Sync + 'static) {
        let Selected::Region(id) = self.selected else { return };
        // What is even costs nothing.
        let pixels = self.document.mask(id).map_or(0, |mask| mask.memory() as u64);
        self.remake(id, label, pixels, None, move |mask, _| mask.map(&edit));
    }

    /// Gives a region another mask, which `make` makes for a canvas of this size.
    pub fn set_mask(&mut self, id: RegionId, make: impl Fn(u32, u32) -> Mask + Send + Sync + 'static) {
        self.select(Selected::Region(id));
        let pixels = 8 * self.area();
        self.remake(id, key("New mask"), pixels, None, move |mask, _| make(mask.width(), mask.height()));
    }
}
