//! Strokes: painted while the pointer moves, and one undo step when they end.

use super::Editor;
use crate::document::{Mask, MaskDelta, Paint, PixelRect, RegionId};
use image::Rgb;
use std::sync::Arc;

impl Editor {
    /// The masks that are painted on where this one is, and the byte that paint leaves in each: the mask itself, or the planes of the
    /// paint layer with the colour in hand.
    #[must_use]
    pub fn inks(&self, id: RegionId) -> Vec<(RegionId, u8)> {
        if id == RegionId::PAINT {
            RegionId::PAINT_PLANES.into_iter().zip(Paint::ink(Rgb(self.colour.0), u8::MAX)).collect()
        } else {
            vec![(id, u8::MAX)]
        }
    }

    /// Begins a stroke on a mask: `begin` starts it and tells what it changed. A stroke on the paint layer is one on each of its planes.
    pub fn begin_stroke<T>(&mut self, id: RegionId, begin: impl FnOnce(&mut Mask) -> (T, Vec<PixelRect>)) -> Option<T> {
        let (stroke, rects) = begin(Arc::make_mut(self.document.mask_mut(id)?));
        self.history.close();
        self.in_stroke = true;
        self.painted(id, rects);
        Some(stroke)
    }

    /// True between the beginning and the end of a stroke.
    #[must_use]
    pub fn in_stroke(&self) -> bool {
        self.in_stroke
    }

    /// Paints on a mask inside a stroke; `paint` returns what it changed.
    pub fn paint(&mut self, id: RegionId, paint: impl FnOnce(&mut Mask) -> Vec<PixelRect>) {
        let Some(mask) = self.document.mask_mut(id) else { return };
        let rects = paint(Arc::make_mut(mask));
        self.painted(id, rects);
    }

    pub(super) fn painted(&mut self, id: RegionId, rects: Vec<PixelRect>) {
        for rect in rects {
            self.mask_changed(id, rect);
        }
    }

    /// Ends the stroke and keeps it; each of `before` leads its mask back.
    pub fn end_stroke<F: FnOnce(&mut Mask) -> MaskDelta>(&mut self, label: &str, before: Vec<(RegionId, F)>) {
        self.in_stroke = false;
        let lead = |(id, before): (RegionId, F)| Some((id, before(Arc::make_mut(self.document.mask_mut(id)?))));
        let before = before.into_iter().filter_map(lead).collect();
        self.history.push_masks(before, label);
        self.changes += 1;
    }

    /// Ends the stroke as if it had never been; `undo` takes the mask back and tells what changed.
    pub fn abort_stroke(&mut self, id: RegionId, undo: impl FnOnce(&mut Mask) -> Vec<PixelRect>) {
        self.in_stroke = false;
        self.paint(id, undo);
        self.changes += 1;
    }
}
