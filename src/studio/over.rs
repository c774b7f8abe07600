//! Pictures laid over others by masks: a live one over the init image, one take over another.

use crate::document::{Area, Document, InitImage, Mask, PixelRect};
use image::RgbImage;

/// The picture at the canvas's size, where only a part of the picture to start from may change; the same picture otherwise.
///
/// Only what may change is taken of it, between its pixels where it is smaller: a picture at half size is soft there alone.
#[must_use]
pub(super) fn over_start(document: &Document, picture: RgbImage) -> RgbImage {
    let Some(start) = &document.init_image else { return picture };
    let masks: Vec<&Mask> = match &start.area {
        Area::Everything => return picture,
        Area::Regions => document.regions.iter().filter(|r| r.visible).map(|r| &*r.mask).collect(),
        Area::Mask(mask) => vec![mask],
    };
    let InitImage { image, .. } = start;
    if image.dimensions() != (document.width, document.height) {
        return picture;
    }
    let mut out = RgbImage::clone(image);
    lay(&mut out, &picture, &masks);
    out
}

/// The second picture inside a mask of its size, and the first one outside. Softer parts of the mask mix the two.
///
/// Where the two are not of the mask's size the first one is returned as it is.
#[must_use]
pub fn inside(first: &RgbImage, second: &RgbImage, mask: &Mask) -> RgbImage {
    let mut out = first.clone();
    let size = (mask.width(), mask.height());
    if first.dimensions() == size && second.dimensions() == size {
        lay(&mut out, second, &[mask]);
    }
    out
}

/// Lays a picture, scaled to `out`'s size, over it wherever a mask of that size covers it.
fn lay(out: &mut RgbImage, picture: &RgbImage, masks: &[&Mask]) {
    let scale = |side: u32, own: u32| own as f32 / side.max(1) as f32;
    let (dx, dy) = (scale(out.width(), picture.width()), scale(out.height(), picture.height()));
    let rect = masks.iter().fold(PixelRect::default(), |all, mask| all.union(mask.bounds()));
    let (mut line, mut cover) = (vec![0; rect.width as usize], vec![0; rect.width as usize]);
    for y in rect.rows() {
        cover.fill(0);
        for mask in masks {
            mask.read_row(rect.x, y, &mut line);
            cover.iter_mut().zip(&line).for_each(|(all, one)| *all = (*all).max(*one));
        }
        for (x, cover) in rect.columns().zip(&cover).filter(|(_, cover)| **cover > 0) {
            let new = between(picture, (x as f32 + 0.5) * dx - 0.5, (y as f32 + 0.5) * dy - 0.5);
            let share = f32::from(*cover) / 255.0;
            let pixel = out.get_pixel_mut(x, y);
            for (old, new) in pixel.0.iter_mut().zip(new) {
                *old = (f32::from(*old) + (new - f32::from(*old)) * share).round() as u8;
            }
        }
    }
}

/// The colour between the four pixels around a position.
fn between(picture: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let (right, bottom) = (picture.width().saturating_sub(1), picture.height().saturating_sub(1));
    let (x, y) = (x.clamp(0.0, right as f32), y.clamp(0.0, bottom as f32));
    let (left, top) = (x as u32, y as u32);
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = |x: u32, y: u32| picture.get_pixel(x.min(right), y.min(bottom)).0.map(f32::from);
    let mix = |a: [f32; 3], b: [f32; 3], t: f32| std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t);
    let upper = mix(at(left, top), at(left + 1, top), fx);
    let lower = mix(at(left, top + 1), at(left + 1, top + 1), fx);
    mix(upper, lower, fy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use std::sync::Arc;

    #[test]
    fn what_must_not_change_is_the_start_picture_to_the_last_bit() {
        let mut document = Document::new(64, 32);
        let start = RgbImage::from_fn(64, 32, |x, y| Rgb([x as u8, y as u8, 7]));
        let half = RgbImage::from_pixel(32, 16, Rgb([200, 100, 50]));
        assert_eq!(over_start(&document, half.clone()), half, "nothing to lie over");
        let mut mask = Mask::empty(64, 32);
        mask.fill(PixelRect { x: 10, y: 4, width: 20, height: 10 }, 255);
        mask.fill(PixelRect { x: 30, y: 4, width: 1, height: 10 }, 128);
        let area = Area::Mask(Arc::new(mask));
        document.init_image = Some(InitImage { image: Arc::new(start.clone()), strength: 0.5, area });
        let over = over_start(&document, half);
        assert_eq!(over.dimensions(), (64, 32));
        for (x, y, pixel) in over.enumerate_pixels() {
            let inside = (10..30).contains(&x) && (4..14).contains(&y);
            let soft = x == 30 && (4..14).contains(&y);
            let expected = if inside { Rgb([200, 100, 50]) } else { *start.get_pixel(x, y) };
            assert!(soft || *pixel == expected, "{x}, {y}: {pixel:?}");
        }
        let Rgb([soft, ..]) = *over.get_pixel(30, 8);
        assert!((100..130).contains(&soft), "half of each: {soft}");
    }

    #[test]
    fn inside_a_mask_is_the_second_picture_and_outside_the_first() {
        let mut mask = Mask::empty(8, 4);
        mask.fill(PixelRect { x: 2, y: 1, width: 3, height: 2 }, 255);
        mask.fill(PixelRect { x: 5, y: 1, width: 1, height: 1 }, 51);
        let (first, second) = (RgbImage::from_pixel(8, 4, Rgb([100; 3])), RgbImage::from_pixel(8, 4, Rgb([200; 3])));
        for (x, y, pixel) in inside(&first, &second, &mask).enumerate_pixels() {
            let expected = 100 + 100 * u32::from(mask.get(x, y)) / 255;
            assert_eq!(u32::from(pixel.0[0]), expected, "{x}, {y}");
        }
        assert_eq!(inside(&first, &RgbImage::new(4, 4), &mask), first, "of another size");
    }
}
