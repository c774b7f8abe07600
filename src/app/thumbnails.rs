//! Small pictures of regions and takes.

use super::editor::{Editor, Selected};
use super::theme;
use crate::document::{Document, Mask, Take};
use egui::{Color32, ColorImage, TextureHandle, TextureOptions};
use image::RgbImage;
use std::collections::HashMap;
use std::sync::Arc;

/// Side of a region's thumbnail in texture pixels.
const SIDE: u32 = 96;

/// The thumbnails of the cards, made anew when a stroke ends or a picture is finished.
#[derive(Default)]
pub struct Thumbnails {
    of: Option<(u64, Color32, Option<Arc<Take>>)>,
    textures: HashMap<Selected, TextureHandle>,
}

impl Thumbnails {
    /// Makes them for the document as it is.
    pub fn update(&mut self, ctx: &egui::Context, editor: &Editor, canvas: Color32) {
        let document = editor.document();
        let fresh = self.of.as_ref().is_some_and(|(revision, ground, take)| {
            let same_take = match (take, &document.take) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            };
            *revision == editor.mask_revision() && *ground == canvas && same_take
        });
        if fresh || editor.in_stroke() {
            return;
        }
        self.of = Some((editor.mask_revision(), canvas, document.take.clone()));
        let mut textures = HashMap::new();
        let mut put = |key: Selected, image: ColorImage| {
            textures.insert(key, ctx.load_texture("card", image, TextureOptions::LINEAR));
        };
        put(Selected::Background, background(document, canvas));
        for region in &document.regions {
            put(Selected::Region(region.id), of_region(document, &region.mask, theme::region(region.colour), canvas));
        }
        self.textures = textures;
    }

    #[must_use]
    pub fn get(&self, key: Selected) -> Option<&TextureHandle> {
        self.textures.get(&key)
    }
}

/// The whole canvas.
fn background(document: &Document, canvas: Color32) -> ColorImage {
    let picture = document.take.as_ref().map(|t| &t.image);
    let side = document.width.min(document.height);
    let (left, top) = ((document.width - side) / 2, (document.height - side) / 2);
    square(|u, v| {
        let (x, y) = (left as f32 + u * side as f32, top as f32 + v * side as f32);
        picture.map_or(canvas, |p| sample(p, document, x, y))
    })
}

/// What a mask covers and a little around it, what lies outside dimmed.
fn of_region(document: &Document, mask: &Mask, colour: Color32, canvas: Color32) -> ColorImage {
    let picture = document.take.as_ref().map(|t| &t.image);
    let (left, top, side) = around(mask);
    square(|u, v| {
        let (x, y) = (left + u * side, top + v * side);
        let inside = x >= 0.0 && y >= 0.0;
        let cover = if inside { f32::from(mask.get(x as u32, y as u32)) / 255.0 } else { 0.0 };
        match picture {
            Some(picture) => sample(picture, document, x, y).gamma_multiply(0.4 + 0.6 * cover).to_opaque(),
            None => canvas.lerp_to_gamma(colour, cover),
        }
    })
}

/// A square around what a mask covers: left, top and side.
fn around(mask: &Mask) -> (f32, f32, f32) {
    let width = mask.width() as usize;
    let covered = |row: &[u8]| row.iter().any(|&v| v > 63);
    let rows = || mask.data().chunks_exact(width);
    let (Some(top), Some(bottom)) = (rows().position(covered), rows().rposition(covered)) else {
        return (0.0, 0.0, mask.width().max(mask.height()) as f32);
    };
    let (mut left, mut right) = (width, 0);
    for row in rows().skip(top).take(bottom - top + 1) {
        left = row.iter().take(left).position(|&v| v > 63).unwrap_or(left);
        right = row.iter().skip(right).rposition(|&v| v > 63).map_or(right, |i| right + i);
    }
    let side = ((right - left).max(bottom - top) as f32 + 1.0) * 1.2;
    ((left + right) as f32 * 0.5 - side * 0.5, (top + bottom) as f32 * 0.5 - side * 0.5, side)
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

/// A take as wide as the strip shows it.
#[must_use]
pub fn of_take(image: &RgbImage) -> ColorImage {
    let height = 176;
    let width = (image.width() * height / image.height().max(1)).clamp(64, 640);
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
            mask.data_mut()[y * 100 + x] = 255;
        }
        let (left, top, side) = around(&mask);
        assert!(left <= 20.0 && left + side >= 71.0, "{left} {side}");
        assert!(top <= 10.0 && top + side >= 41.0, "{top} {side}");
        assert_eq!(around(&Mask::empty(100, 60)), (0.0, 0.0, 100.0));
    }
}
