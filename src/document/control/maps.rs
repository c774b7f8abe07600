//! Maps that the painted regions are: their classes in ADE20K's colours, and their outlines.

use crate::document::colour_map::class_of_words;
use crate::document::{Document, PixelRect, Region, Rgb};
use image::RgbImage;

/// The coverage from which on a region shows at a pixel of a map.
const SHOWN: u8 = 128;

/// Width of a scribbled line as a share of the canvas's shorter side: 4 pixels of 512.
const PEN: u32 = 128;

/// The regions in ADE20K's colours, by the classes that their words name; black where they name none.
#[must_use]
pub fn segments(document: &Document) -> RgbImage {
    let colour = |class: Option<(&'static str, Rgb)>| class.map_or([0; 3], |(_, Rgb(colour))| colour);
    let mut colours = vec![colour(class_of_words(&document.background.prompt))];
    colours.extend(visible(document).map(|region| colour(class(region))));
    let mut map = RgbImage::new(document.width, document.height);
    let mut pixels = map.pixels_mut();
    rows(document, |row| {
        for label in row {
            if let (Some(pixel), Some(colour)) = (pixels.next(), colours.get(*label)) {
                pixel.0 = *colour;
            }
        }
    });
    map
}

impl Document {
    /// The visible regions whose words name no class of ADE20K, so that they are black in its colours.
    #[must_use]
    pub fn without_class(&self) -> Vec<&Region> {
        visible(self).filter(|region| class(region).is_none()).collect()
    }
}

/// The class that a region shows: by its words, or else by its name.
fn class(region: &Region) -> Option<(&'static str, Rgb)> {
    class_of_words(&region.prompt).or_else(|| class_of_words(&region.name))
}

/// The outlines of the regions as they cover each other, one pixel wide, white on black.
#[must_use]
pub fn edges(document: &Document) -> RgbImage {
    outlines(document, 1)
}

/// The same as wide as a pen's lines.
#[must_use]
pub fn scribble(document: &Document) -> RgbImage {
    let width = (document.width.min(document.height) / PEN).max(2);
    outlines(document, width)
}

/// White squares of this width at every pixel whose right or lower neighbour belongs to another region.
fn outlines(document: &Document, pen: u32) -> RgbImage {
    let (width, height) = (document.width as usize, document.height as usize);
    let mut map = RgbImage::new(document.width, document.height);
    let mut dot = |x: usize, y: usize| {
        // (A pen of 4 reaches 1 to the left and 2 to the right.)
        let (before, after) = ((pen as usize - 1) / 2, pen as usize / 2);
        for y in y.saturating_sub(before)..=(y + after).min(height - 1) {
            for x in x.saturating_sub(before)..=(x + after).min(width - 1) {
                map.put_pixel(x as u32, y as u32, image::Rgb([255; 3]));
            }
        }
    };
    let wrap = document.settings.wrap;
    let (mut first, mut above): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut y = 0;
    rows(document, |row| {
        for x in 0..width {
            let right = if x + 1 < width { row.get(x + 1) } else { row.first().filter(|_| wrap.x()) };
            if right.is_some_and(|right| Some(right) != row.get(x)) {
                dot(x, y);
            }
            if above.get(x).is_some_and(|above| Some(above) != row.get(x)) {
                dot(x, y - 1);
            }
        }
        if y == 0 {
            first = row.to_vec();
        }
        above = row.to_vec();
        y += 1;
    });
    if wrap.y() {
        for x in (0..width).filter(|&x| first.get(x) != above.get(x)) {
            dot(x, height - 1);
        }
    }
    map
}

fn visible(document: &Document) -> impl Iterator<Item = &Region> {
    document.regions.iter().filter(|region| region.visible)
}

/// Calls `row` with the number of the region that shows at each pixel, row by row: 0 is the background, 1 the lowest visible one.
fn rows(document: &Document, mut row: impl FnMut(&[usize])) {
    let mut labels = vec![0; document.width as usize];
    for y in 0..document.height {
        labels.fill(0);
        let rect = PixelRect { x: 0, y, width: document.width, height: 1 };
        for (label, region) in (1..).zip(visible(document)) {
            let mask = region.mask.crop(rect);
            labels.iter_mut().zip(&mask).filter(|(_, covered)| **covered >= SHOWN).for_each(|(at, _)| *at = label);
        }
        row(&labels);
    }
}
