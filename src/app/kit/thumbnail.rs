//! Small pictures of regions, documents and takes.

use super::theme;
use crate::document::{Document, Mask, Paint};
use egui::{Color32, ColorImage};
use image::RgbImage;

/// Side of a region's thumbnail in texture pixels.
const SIDE: u32 = 96;

/// The whole canvas.
pub(in crate::app) fn background(document: &Document, canvas: Color32) -> ColorImage {
    let picture = document.take.as_ref().map(|t| &t.image);
    let side = document.width.min(document.height);
    let (left, top) = ((document.width - side) / 2, (document.height - side) / 2);
    square(|u, v| {
        let (x, y) = (left as f32 + u * side as f32, top as f32 + v * side as f32);
        picture.map_or(canvas, |p| sample(p, document, x, y))
    })
}

/// A picture of a mask and a little around it, dimmed outside the mask.
pub(in crate::app) fn of_region(document: &Document, mask: &Mask, colour: Color32, canvas: Color32) -> ColorImage {
    let picture = document.take.as_ref().map(|t| &t.image);
    let (left, top, side) = around(mask);
    let cover = |x: f32, y: f32| {
        let inside = x >= 0.0 && y >= 0.0;
        if inside { f32::from(mask.get(x as u32, y as u32)) / 255.0 } else { 0.0 }
    };
    // Two pixels of the thumbnail: what lies so near to what is not covered is the outline.
    let line = 2.0 * side / SIDE as f32;
    square(|u, v| {
        let (x, y) = (left + u * side, top + v * side);
        let here = cover(x, y);
        let around = [(line, 0.0), (-line, 0.0), (0.0, line), (0.0, -line)];
        let edge = || here >= 0.5 && around.iter().any(|(dx, dy)| cover(x + dx, y + dy) < 0.5);
        match picture {
            Some(_) if edge() => colour,
            Some(picture) => sample(picture, document, x, y).gamma_multiply(0.4 + 0.6 * here).to_opaque(),
            None => canvas.lerp_to_gamma(colour, here),
        }
    })
}

/// What is painted, and a little around it, over a ground of this colour.
pub(in crate::app) fn of_paint(paint: &Paint, canvas: Color32) -> ColorImage {
    let (left, top, side) = around(paint.cover());
    let [r, g, b, _] = canvas.to_array();
    square(|u, v| {
        let (x, y) = (left + u * side, top + v * side);
        let ink = if x >= 0.0 && y >= 0.0 { paint.get(x as u32, y as u32) } else { [0; 4] };
        let [r, g, b] = Paint::over(ink, [r, g, b]);
        theme::pixel(r, g, b, 255)
    })
}

/// A square around what a mask covers: left, top and side.
fn around(mask: &Mask) -> (f32, f32, f32) {
    let bounds = mask.bounds();
    if bounds.is_empty() {
        return (0.0, 0.0, mask.width().max(mask.height()) as f32);
    }
    let side = bounds.width.max(bounds.height) as f32 * 1.2;
    let (x, y) = (bounds.x as f32 + bounds.width as f32 * 0.5, bounds.y as f32 + bounds.height as f32 * 0.5);
    (x - side * 0.5, y - side * 0.5, side)
}

fn square(colour: impl Fn(f32, f32) -> Color32) -> ColorImage {
    let step = 1.0 / SIDE as f32;
    let pixels = (0..SIDE * SIDE).map(|i| colour(((i % SIDE) as f32 + 0.5) * step, ((i / SIDE) as f32 + 0.5) * step));
    ColorImage::new([SIDE as usize, SIDE as usize], pixels.collect())
}

/// The picture's colour at a canvas position.
fn sample(picture: &RgbImage, document: &Document, x: f32, y: f32) -> Color32 {
    let scale = (picture.width() as f32 / document.width as f32, picture.height() as f32 / document.height as f32);
    let clamp = |v: f32, side: u32| (v.max(0.0) as u32).min(side - 1);
    let p = picture.get_pixel(clamp(x * scale.0, picture.width()), clamp(y * scale.1, picture.height()));
    theme::pixel(p[0], p[1], p[2], 255)
}

/// A whole document: its picture, or without one its regions in their colours.
#[must_use]
pub(in crate::app) fn of_document(document: &Document, paper: Color32) -> ColorImage {
    if let Some(take) = &document.take {
        return of_take(&take.image);
    }
    let scale = 176.0 / document.height as f32;
    let (width, height) = ((document.width as f32 * scale).clamp(64.0, 640.0) as usize, 176);
    let at = |i: usize, cells: usize, side: u32| ((i as f32 + 0.5) / cells as f32 * side as f32) as u32;
    let colour = |i: usize| {
        let (x, y) = (at(i % width, width, document.width), at(i / width, height, document.height));
        let [r, g, b, _] = paper.to_array();
        let paper = document.paint.as_ref().map_or(paper, |paint| {
            let [r, g, b] = Paint::over(paint.get(x, y), [r, g, b]);
            theme::pixel(r, g, b, 255)
        });
        let shown = document.regions.iter().filter(|r| r.visible);
        shown.fold(paper, |below, r| below.lerp_to_gamma(theme::region(r.colour), f32::from(r.mask.get(x, y)) / 255.0))
    };
    ColorImage::new([width, height], (0..width * height).map(colour).collect())
}

/// A take as wide as the strip shows it.
#[must_use]
pub(in crate::app) fn of_take(image: &RgbImage) -> ColorImage {
    let height = 176;
    let width = (image.width() * height / image.height().max(1)).clamp(64, 640);
    shrunk(image, width, height)
}

/// A take as large as the board shows it, in its own shape.
#[must_use]
pub(in crate::app) fn on_board(image: &RgbImage) -> ColorImage {
    const MOST: u32 = 512;
    let side = u64::from(image.width().max(image.height()).max(1));
    let small = |of: u32| (u64::from(of) * u64::from(MOST) / side) as u32;
    if side <= u64::from(MOST) {
        return shrunk(image, image.width(), image.height());
    }
    shrunk(image, small(image.width()).max(1), small(image.height()).max(1))
}

fn shrunk(image: &RgbImage, width: u32, height: u32) -> ColorImage {
    let small = image::imageops::thumbnail(image, width, height);
    let pixels = small.pixels().map(|p| theme::pixel(p[0], p[1], p[2], 255)).collect();
    ColorImage::new([small.width() as usize, small.height() as usize], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_holds_all_that_is_covered() {
        let mut mask = Mask::empty(100, 60);
        for (x, y) in [(20, 10), (70, 10), (50, 40)] {
            mask.write_row(x, y, &[255]);
        }
        let (left, top, side) = around(&mask);
        assert!(left <= 20.0 && left + side >= 71.0, "{left} {side}");
        assert!(top <= 10.0 && top + side >= 41.0, "{top} {side}");
        assert_eq!(around(&Mask::empty(100, 60)), (0.0, 0.0, 100.0));
    }
}
