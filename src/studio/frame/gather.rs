//! What lies in a rectangle of the canvas that may go on over its joined edges.

use crate::document::{Area, Control, ControlMap, Document, InitImage, Mask, PixelRect};
use image::{Rgb, RgbImage};
use std::sync::Arc;

/// A rectangle of the canvas, no larger than that. What of it lies beyond the right or the lower edge is at the opposite one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gather {
    pub(super) cut: PixelRect,
    /// Width and height of the canvas in pixels.
    pub(super) size: (u32, u32),
}

impl Gather {
    /// A mask of the canvas's size, there.
    pub(super) fn mask(&self, mask: &Mask) -> Mask {
        let Self { cut, size } = *self;
        let before = size.0.saturating_sub(cut.x).min(cut.width) as usize;
        Mask::from_rows(cut.width, cut.height, |y, row| {
            let (row, beyond) = row.split_at_mut(before);
            let y = (cut.y + y) % size.1;
            mask.read_row(cut.x, y, row);
            mask.read_row(0, y, beyond);
        })
    }

    /// A picture of the canvas's size, there.
    pub(super) fn picture(&self, picture: &RgbImage) -> RgbImage {
        let Self { cut, size } = *self;
        RgbImage::from_fn(cut.width, cut.height, |x, y| {
            let pixel = picture.get_pixel_checked((cut.x + x) % size.0, (cut.y + y) % size.1);
            pixel.copied().unwrap_or(Rgb([0; 3]))
        })
    }

    /// The document there, but for the masks of its regions. All of the canvas shares its pictures.
    pub(super) fn document(&self, document: &Document) -> Document {
        let mut part = Document { take: None, extra: std::collections::BTreeMap::new(), ..document.clone() };
        let Self { cut, size } = *self;
        if cut == PixelRect::whole(size.0, size.1) {
            return part;
        }
        if let Some(InitImage { image, area, .. }) = &mut part.init_image {
            *image = Arc::new(self.picture(image));
            if let Area::Mask(mask) = area {
                *mask = Arc::new(self.mask(mask));
            }
        }
        part.paint = part.paint.as_ref().map(|paint| paint.changed(|plane| self.mask(plane)));
        let controls = part.regions.iter_mut().flat_map(|region| &mut region.controls);
        for Control { map, .. } in part.controls.iter_mut().chain(controls) {
            if let ControlMap::Picture(picture) | ControlMap::Canny(picture) = map {
                *picture = Arc::new(self.picture(picture));
            }
        }
        (part.width, part.height) = (cut.width, cut.height);
        part
    }
}
