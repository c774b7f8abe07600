//! A part of the canvas to draw: what a job for the generation frame is made of.

use crate::document::{Document, PixelRect};

/// The generation frame, and the denoising strength in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::app) struct Framed {
    pub frame: PixelRect,
    pub strength: f64,
}

impl Framed {
    /// The document that is drawn for it, which starts from the picture on show; `None` where there is no picture.
    pub(in crate::app) fn document(self, document: &Document) -> Option<Document> {
        let mut framed = document.without_takes();
        if let Some(start) = document.start_from_take(self.strength) {
            framed.init_image = Some(start);
        }
        framed.init_image.is_some().then_some(framed)
    }
}
