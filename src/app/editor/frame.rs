//! The generation frame, which is the editor's and not the document's.

use super::Editor;
use crate::document::PixelRect;
use crate::studio::frame::Frame;

impl Editor {
    /// The generation frame: the part of the canvas that is drawn next, where not all of it is.
    #[must_use]
    pub fn frame(&self) -> Option<PixelRect> {
        let frame = self.frame?.intersection(PixelRect::whole(self.document.width, self.document.height));
        (frame.width.min(frame.height) >= Frame::MIN_SIDE).then_some(frame)
    }

    /// Draws this part of the canvas from now on, or all of it again. A part that is too small is made as large as it must be.
    pub fn set_frame(&mut self, frame: Option<PixelRect>) {
        let canvas = (self.document.width, self.document.height);
        let axis = |start: u32, length: u32, side: u32| {
            let length = length.max(Frame::MIN_SIDE).min(side);
            (start.min(side - length), length)
        };
        self.frame = frame.map(|PixelRect { x, y, width, height }| {
            let ((x, width), (y, height)) = (axis(x, width, canvas.0), axis(y, height, canvas.1));
            PixelRect { x, y, width, height }
        });
    }

    /// Draws the part of the canvas around what is selected, with something of what surrounds it.
    pub fn frame_region(&mut self) {
        let masks = self.selected_masks();
        let bounds = masks.into_iter().filter_map(|id| Some(self.document.mask(id)?.bounds()));
        let bounds = bounds.fold(PixelRect::default(), PixelRect::union);
        if bounds.is_empty() {
            return;
        }
        let around = (bounds.width.max(bounds.height) / 8).max(16);
        let axis = |start: u32, length: u32| (start.saturating_sub(around), length + around + around.min(start));
        let ((x, width), (y, height)) = (axis(bounds.x, bounds.width), axis(bounds.y, bounds.height));
        let canvas = PixelRect::whole(self.document.width, self.document.height);
        self.set_frame(Some(PixelRect { x, y, width, height }.intersection(canvas)));
    }
}
