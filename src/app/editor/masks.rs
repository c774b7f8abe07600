//! Changes of one region's mask that are made in one go.

use super::{Editor, Selected};
use crate::document::{Mask, MaskDelta, PixelRect, RegionId};
use crate::paint::{Combine, Cover};
use std::sync::Arc;

impl Editor {
    /// An empty cover of the canvas's size, to draw a shape into; `None` where no region is selected.
    #[must_use]
    pub fn cover(&self) -> Option<Cover> {
        self.selected_region().map(|_| Cover::new(self.document.width, self.document.height))
    }

    /// Lays a shape on a region's mask, as one undo step.
    pub fn lay(&mut self, id: RegionId, label: &str, cover: &Cover, combine: Combine) {
        let Some(region) = self.document.region_mut(id) else { return };
        let laid = cover.lay(Arc::make_mut(&mut region.mask), combine);
        self.history.push_mask(id, laid.before, label);
        self.painted(id, laid.dirty);
        self.changes += 1;
    }

    /// Gives the selected region the mask that `make` makes of its own and the canvas's joined edges, as one undo step.
    pub fn remake_mask(&mut self, label: &str, make: impl FnOnce(&Mask, crate::document::Wrap) -> Mask) {
        let Selected::Region(id) = self.selected else { return };
        let wrap = self.document.settings.wrap;
        let Some(region) = self.document.region_mut(id) else { return };
        let mask = make(&region.mask, wrap);
        let Some(delta) = MaskDelta::between(&mask, &region.mask) else { return };
        let dirty = region.mask.bounds().union(mask.bounds());
        region.mask = Arc::new(mask);
        self.history.push_mask(id, delta, label);
        self.painted(id, vec![dirty]);
        self.changes += 1;
    }

    /// The whole of a region's mask as it is now, to come back to.
    #[must_use]
    pub fn mask_of(&self, id: RegionId) -> Option<Arc<Mask>> {
        self.document.region(id).map(|r| Arc::clone(&r.mask))
    }

    /// Shows another mask inside a stroke; `dirty` is where it may differ.
    pub fn show_mask(&mut self, id: RegionId, mask: Arc<Mask>, dirty: PixelRect) {
        let Some(region) = self.document.region_mut(id) else { return };
        region.mask = mask;
        self.painted(id, vec![dirty]);
    }
}
