//! The regions over the picture: their tint as a texture, their outlines as lines.
//!
//! The tint is composited on the processor, only where something changed, and uploaded in part. A canvas with a side
//! above [`MAX_SIDE`] gets an overlay of half, a third, … its size: the masks themselves stay whole.

use super::outline::Outline;
use super::tiles::Tiles;
use crate::app::editor::Damage;
use crate::app::theme;
use crate::document::{Document, PixelRect, Region, RegionId, Rgb};
use egui::{Color32, ColorImage};
use rayon::prelude::*;
use std::collections::HashMap;

/// The longest side of the tint's texture.
const MAX_SIDE: u32 = 4096;

/// A region as the overlay shows it.
#[derive(Clone, PartialEq)]
struct Layer {
    id: RegionId,
    colour: Rgb,
    visible: bool,
    /// Holds all that is covered.
    bounds: PixelRect,
}

/// Tint and outlines of a document's regions.
#[derive(Default)]
pub struct Overlay {
    tint: Option<Tiles>,
    layers: Vec<Layer>,
    outlines: HashMap<RegionId, Outline>,
}

impl Overlay {
    /// Draws anew what changed.
    pub fn update(&mut self, ctx: &egui::Context, document: &Document, damage: &Damage) {
        let shrink = shrink(document);
        let size = [document.width.div_ceil(shrink), document.height.div_ceil(shrink)];
        if self.tint.as_ref().is_none_or(|t| t.size() != size) || self.is_of_other_size(document) {
            let Document { regions, .. } = document;
            self.layers = regions.iter().map(|r| layer(r, r.mask.bounds())).collect();
            self.outlines = regions.par_iter().map(|r| (r.id, Outline::new(&r.mask))).collect();
            self.tint = Some(Tiles::new(ctx, "regions", size, |rect| composite(document, shrink, rect)));
            return;
        }
        let mut dirty = PixelRect::default();
        for (id, rect) in &damage.masks {
            let Some(region) = document.region(*id) else { continue };
            if let Some(outline) = self.outlines.get_mut(id) {
                outline.update(&region.mask, *rect);
            }
            if let Some(layer) = self.layers.iter_mut().find(|l| l.id == *id) {
                layer.bounds = layer.bounds.union(*rect);
            }
            dirty = dirty.union(*rect);
        }
        if damage.regions {
            dirty = dirty.union(self.update_layers(document));
        }
        if let Some(tint) = &mut self.tint
            && !dirty.is_empty()
        {
            let part = PixelRect {
                x: dirty.x / shrink,
                y: dirty.y / shrink,
                width: (dirty.x + dirty.width).div_ceil(shrink) - dirty.x / shrink,
                height: (dirty.y + dirty.height).div_ceil(shrink) - dirty.y / shrink,
            };
            tint.update(part, |rect| composite(document, shrink, rect));
        }
    }

    fn is_of_other_size(&self, document: &Document) -> bool {
        let fits = |o: &Outline| o.canvas() == [document.width, document.height];
        !self.outlines.values().all(fits)
    }

    /// Follows which regions there are and how they look; returns where that shows.
    fn update_layers(&mut self, document: &Document) -> PixelRect {
        let old = std::mem::take(&mut self.layers);
        for region in &document.regions {
            let known = old.iter().find(|l| l.id == region.id).map(|l| l.bounds);
            let bounds = known.unwrap_or_else(|| region.mask.bounds());
            self.layers.push(layer(region, bounds));
            self.outlines.entry(region.id).or_insert_with(|| Outline::new(&region.mask));
        }
        self.outlines.retain(|id, _| document.region(*id).is_some());
        let stays = |layer: &Layer, there: &[Layer], at: usize| there.get(at) == Some(layer);
        let gone = old.iter().enumerate().filter(|(i, l)| !stays(l, &self.layers, *i));
        let come = self.layers.iter().enumerate().filter(|(i, l)| !stays(l, &old, *i));
        gone.chain(come).fold(PixelRect::default(), |dirty, (_, layer)| dirty.union(layer.bounds))
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

fn layer(region: &Region, bounds: PixelRect) -> Layer {
    Layer { id: region.id, colour: region.colour, visible: region.visible, bounds }
}

/// Canvas pixels per pixel of the tint, along one side.
fn shrink(document: &Document) -> u32 {
    document.width.max(document.height).div_ceil(MAX_SIDE).max(1)
}

/// The tint inside `rect`: upper regions cover lower ones.
fn composite(document: &Document, shrink: u32, rect: PixelRect) -> ColorImage {
    let visible: Vec<&Region> = document.regions.iter().rev().filter(|r| r.visible).collect();
    let mut pixels = vec![Color32::TRANSPARENT; rect.width as usize * rect.height as usize];
    pixels.par_chunks_exact_mut(rect.width.max(1) as usize).zip(rect.y..rect.y + rect.height).for_each(|(line, y)| {
        let row = (y * shrink).min(document.height - 1) as usize * document.width as usize;
        for (pixel, x) in line.iter_mut().zip(rect.x..) {
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
            *pixel = theme::pixel(r, g, b, (255 - open) as u8);
        }
    });
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
