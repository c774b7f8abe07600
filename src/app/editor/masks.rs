//! Changes of one mask that are made in one go: a region's, or that of what may change of the picture to start from.

use super::{Editor, Selected};
use crate::document::{Mask, MaskDelta, PixelRect, RegionId};
use crate::paint::{Combine, Cover};
use std::sync::Arc;

impl Editor {
    /// The mask that is painted on; `None` where the background is selected.
    #[must_use]
    pub fn selected_mask(&self) -> Option<(RegionId, &Arc<Mask>)> {
        let Selected::Region(id) = self.selected else { return None };
        self.document.mask(id).map(|mask| (id, mask))
    }

    /// An empty cover of the canvas's size, to draw a shape into; `None` where the background is selected.
    #[must_use]
    pub fn cover(&self) -> Option<Cover> {
        self.selected_mask().map(|_| Cover::new(self.document.width, self.document.height))
    }

    /// Lays a shape on a mask, as one undo step.
    pub fn lay(&mut self, id: RegionId, label: &str, cover: &Cover, combine: Combine) {
        let Some(mask) = self.document.mask_mut(id) else { return };
        let laid = cover.lay(Arc::make_mut(mask), combine);
        self.history.push_mask(id, laid.before, label);
        self.painted(id, laid.dirty);
        self.changes += 1;
    }

    /// Replaces the selected mask by what `make` makes of it and the canvas's joined edges, as one undo step.
    pub fn remake_mask(&mut self, label: &str, make: impl FnOnce(&Mask, crate::document::Wrap) -> Mask) {
        let Selected::Region(id) = self.selected else { return };
        let wrap = self.document.settings.wrap;
        let Some(mask) = self.document.mask_mut(id) else { return };
        let made = make(mask, wrap);
        let Some(delta) = MaskDelta::between(&made, mask) else { return };
        let dirty = mask.bounds().union(made.bounds());
        *mask = Arc::new(made);
        self.history.push_mask(id, delta, label);
        self.painted(id, vec![dirty]);
        self.changes += 1;
    }

    /// The whole of a mask as it is now, to come back to.
    #[must_use]
    pub fn mask_of(&self, id: RegionId) -> Option<Arc<Mask>> {
        self.document.mask(id).map(Arc::clone)
    }

    /// Shows another mask inside a stroke; `dirty` is where it may differ.
    pub fn show_mask(&mut self, id: RegionId, mask: Arc<Mask>, dirty: PixelRect) {
        let Some(shown) = self.document.mask_mut(id) else { return };
        *shown = mask;
        self.painted(id, vec![dirty]);
    }
}
