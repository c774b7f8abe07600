//! The regions over the picture: their tint as a texture, their outlines as lines.
//!
//! The tint is composited on the processor, only where something changed, and uploaded in part. A canvas with a side
//! above [`MAX_SIDE`] gets an overlay of half, a third, … its size: the masks themselves stay whole.

use super::outline::Outline;
use super::tiles::Tiles;
use crate::app::editor::Damage;
use crate::app::theme;
use crate::document::{Document, PixelRect, Region, RegionId, Rgb};
use egui::ColorImage;
use std::collections::HashMap;

/// The longest side of the tint's texture.
const MAX_SIDE: u32 = 4096;

/// Tint and outlines of a document's regions.
#[derive(Default)]
pub struct Overlay {
    tint: Option<Tiles>,
    outlines: HashMap<RegionId, Outline>,
}

impl Overlay {
    /// Draws anew what changed.
    pub fn update(&mut self, ctx: &egui::Context, document: &Document, damage: Damage) {
        let shrink = shrink(document);
        let size = [document.width.div_ceil(shrink), document.height.div_ceil(shrink)];
        match damage {
            Damage::Nothing => {}
            Damage::Mask(id, dirty) => {
                let part = PixelRect {
                    x: dirty.x / shrink,
                    y: dirty.y / shrink,
                    width: (dirty.x + dirty.width).div_ceil(shrink) - dirty.x / shrink,
                    height: (dirty.y + dirty.height).div_ceil(shrink) - dirty.y / shrink,
                };
                if let Some(tint) = &mut self.tint {
                    tint.update(part, |rect| composite(document, shrink, rect));
                }
                if let (Some(outline), Some(region)) = (self.outlines.get_mut(&id), document.region(id)) {
                    outline.update(&region.mask, dirty);
                }
            }
            Damage::Everything => {
                match &mut self.tint {
                    Some(tint) if tint.size() == size => {
                        let whole = PixelRect { x: 0, y: 0, width: size[0], height: size[1] };
                        tint.update(whole, |rect| composite(document, shrink, rect));
                    }
                    tint => *tint = Some(Tiles::new(ctx, "regions", size, |rect| composite(document, shrink, rect))),
                }
                self.outlines = document.regions.iter().map(|r| (r.id, Outline::new(&r.mask))).collect();
            }
        }
    }

    /// The tint, its alpha the coverage.
    #[must_use]
    pub fn tint(&self) -> Option<&Tiles> {
        self.tint.as_ref()
    }

    /// The outline of a region.
    #[must_use]
    pub fn outline(&self, id: RegionId) -> Option<&Outline> {
        self.outlines.get(&id)
    }
}

/// Canvas pixels per pixel of the tint, along one side.
fn shrink(document: &Document) -> u32 {
    document.width.max(document.height).div_ceil(MAX_SIDE).max(1)
}

/// The tint inside `rect`: upper regions cover lower ones.
fn composite(document: &Document, shrink: u32, rect: PixelRect) -> ColorImage {
    let visible: Vec<&Region> = document.regions.iter().rev().filter(|r| r.visible).collect();
    let mut pixels = Vec::with_capacity(rect.width as usize * rect.height as usize);
    for y in rect.y..rect.y + rect.height {
        let row = (y * shrink).min(document.height - 1) as usize * document.width as usize;
        for x in rect.x..rect.x + rect.width {
            let at = row + (x * shrink).min(document.width - 1) as usize;
            let mut sum = [0u32; 3];
            let mut open = 255u32;
            for region in &visible {
                let cover = u32::from(region.mask.data()[at]);
                if cover == 0 {
                    continue;
                }
                let weight = cover * open / 255;
                let Rgb(colour) = region.colour;
                for (s, c) in sum.iter_mut().zip(colour) {
                    *s += weight * u32::from(c);
                }
                open -= weight;
                if open == 0 {
                    break;
                }
            }
            let [r, g, b] = sum.map(|s| (s / 255) as u8);
            pixels.push(theme::pixel(r, g, b, (255 - open) as u8));
        }
    }
    ColorImage::new([rect.width as usize, rect.height as usize], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn upper_regions_cover_lower_ones_and_hidden_ones_none() {
        let mut document = Document::new(64, 64);
        let low = document.add_region("low", "");
        let high = document.add_region("high", "");
        for id in [low, high] {
            let region = document.region_mut(id).expect("just added");
            Arc::make_mut(&mut region.mask).data_mut().fill(255);
        }
        let one = PixelRect { x: 3, y: 3, width: 1, height: 1 };
        let colour = |d: &Document, id| theme::region(d.region(id).expect("there").colour);
        assert_eq!(composite(&document, 1, one).pixels[0], colour(&document, high));
        document.region_mut(high).expect("there").visible = false;
        assert_eq!(composite(&document, 1, one).pixels[0], colour(&document, low));
    }
}
