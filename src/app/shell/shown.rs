//! The choice of the picture on the canvas.

use crate::app::App;
use crate::app::canvas::picture::Shown;
use image::RgbImage;
use std::sync::Arc;

impl App {
    /// The picture to show on the canvas: the one that is peeked at, else the newest preview, else the live picture, else the take kept in the document, else
    /// the picture it starts from.
    pub(in crate::app) fn picture_shown(&self) -> Option<Shown> {
        if let Some(before) = self.open.peek.picture() {
            return Some(Shown::Take(before));
        }
        let document = self.open.editor.document();
        let preview = self.generation.jobs.first().and_then(|job| job.wanted_preview().cloned());
        let fits = |picture: &Arc<RgbImage>| {
            // Previews may be smaller than the canvas, but have its shape.
            let (width, height) = picture.dimensions();
            u64::from(width) * u64::from(document.height) == u64::from(height) * u64::from(document.width)
        };
        let take = || document.take.clone().map(Shown::Take);
        let start = || document.init_image.as_ref().map(|start| Shown::Start(start.image.clone()));
        let live = || self.generation.live.picture().filter(fits).map(Shown::Preview);
        preview.filter(fits).map(Shown::Preview).or_else(live).or_else(take).or_else(start)
    }
}
