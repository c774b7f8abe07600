//! A picture that a drawing starts from.

use super::{Document, MAX_AREA, Mask};
use image::{ImageBuffer, Pixel, RgbImage};
use std::sync::Arc;

/// A picture below all regions, and what may become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct InitImage {
    /// The picture in 8-bit sRGB, of the canvas's size.
    pub image: Arc<RgbImage>,
    /// The share of the steps that are taken on it, [`Self::MIN_STRENGTH`] to 1: little keeps it, 1 all but forgets it.
    pub strength: f64,
    /// The part of it that may change.
    pub area: Area,
}

/// The part of a picture that may change; the rest stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Area {
    /// Everywhere.
    #[default]
    Everything,
    /// The part that visible regions cover, by as much.
    Regions,
    /// The part that this mask covers, of the canvas's size.
    Mask(Arc<Mask>),
}

impl Document {
    /// The finished picture to be drawn over at this strength, where the init image that there is may change; `None` without one.
    #[must_use]
    pub fn start_from_take(&self, strength: f64) -> Option<InitImage> {
        let area = self.init_image.as_ref().map_or(Area::Everything, |start| start.area.clone());
        self.take.as_ref().map(|take| InitImage { image: Arc::clone(&take.image), strength, area })
    }
}

impl InitImage {
    /// A picture fitted to a canvas of this size: scaled until it covers it, and cut evenly on both sides.
    #[must_use]
    pub fn fitted(image: &RgbImage, width: u32, height: u32) -> RgbImage {
        fitted(image, width, height)
    }

    /// A picture with new canvas around it: what was at the top left is `dx` to the right and `dy` down. Only what is new may
    /// change, and the old picture a little way inside those of its edges that are edges no longer, so that no seam is left.
    #[must_use]
    pub fn outpainted(image: &RgbImage, width: u32, height: u32, dx: i32, dy: i32) -> Self {
        let (w, h) = (i64::from(image.width()), i64::from(image.height()));
        let inside = |v: u32, d: i32| i64::from(v) - i64::from(d);
        // The new ground continues the old edge: only its soft border is ever seen.
        let continued = RgbImage::from_fn(width, height, |x, y| {
            let side = |v: i64, side: i64| u32::try_from(v.clamp(0, side - 1)).unwrap_or(0);
            *image.get_pixel(side(inside(x, dx), w), side(inside(y, dy), h))
        });
        // How far inside the nearest edge that has new canvas beyond it; negative outside.
        let depth = |v: i64, side: i64, before: bool, after: bool| {
            let low = if before || v < 0 { v } else { i64::MAX };
            let high = if after || v >= side { side - 1 - v } else { i64::MAX };
            low.min(high)
        };
        let (left, top) = (dx > 0, dy > 0);
        let (right, bottom) = (i64::from(dx) + w < i64::from(width), i64::from(dy) + h < i64::from(height));
        let mask = Mask::from_rows(width, height, |y, row| {
            let deep = depth(inside(y, dy), h, top, bottom);
            for (x, out) in (0..).zip(row) {
                let deep = deep.min(depth(inside(x, dx), w, left, right));
                *out = match deep {
                    ..0 => 255,
                    0..Self::BORDER => u8::try_from(255 * (Self::BORDER - deep) / (Self::BORDER + 1)).unwrap_or(255),
                    _ => 0,
                };
            }
        });
        Self { image: Arc::new(continued), strength: 1.0, area: Area::Mask(Arc::new(mask)) }
    }

    /// The width, in canvas pixels, of the soft border of an outpainted picture.
    pub const BORDER: i64 = 48;

    /// The strength that a picture is given first.
    pub const STRENGTH: f64 = 0.75;

    /// The least strength; the most is 1.
    pub const MIN_STRENGTH: f64 = 0.01;

    /// True where both show the same picture and mask without looking at every pixel.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same_area = match (&self.area, &other.area) {
            (Area::Mask(a), Area::Mask(b)) => Arc::ptr_eq(a, b),
            (a, b) => a == b,
        };
        same_area && Arc::ptr_eq(&self.image, &other.image) && self.strength.to_bits() == other.strength.to_bits()
    }

    /// The same for a canvas of this size, on which what was at the top left is `dx` to the right and `dy` down; white where
    /// there was nothing.
    #[must_use]
    pub fn moved_to(&self, width: u32, height: u32, dx: i32, dy: i32) -> Self {
        let mut image = RgbImage::from_pixel(width, height, image::Rgb([255; 3]));
        image::imageops::replace(&mut image, &*self.image, i64::from(dx), i64::from(dy));
        let area = match &self.area {
            Area::Mask(mask) => Area::Mask(Arc::new(mask.moved_to(width, height, dx, dy))),
            other => other.clone(),
        };
        Self { image: Arc::new(image), area, ..*self }
    }
}

/// As [`InitImage::fitted`], of pictures of any pixels.
pub(super) fn fitted<P: Pixel<Subpixel = u8> + 'static>(
    image: &ImageBuffer<P, Vec<u8>>,
    width: u32,
    height: u32,
) -> ImageBuffer<P, Vec<u8>> {
    if image.dimensions() == (width, height) || image.width() == 0 || image.height() == 0 {
        return image.clone();
    }
    let (own_width, own_height) = (f64::from(image.width()), f64::from(image.height()));
    let scale = (f64::from(width) / own_width).max(f64::from(height) / own_height);
    // A long thin picture would be huge when scaled: what is cut off anyway is then cut off before.
    if own_width * own_height * scale * scale > 4.0 * MAX_AREA as f64 {
        let kept = |own: u32, wanted: u32| ((f64::from(wanted) / scale).ceil() as u32).clamp(1, own);
        let (w, h) = (kept(image.width(), width), kept(image.height(), height));
        let middle = image::imageops::crop_imm(image, (image.width() - w) / 2, (image.height() - h) / 2, w, h);
        return image::imageops::resize(&middle.to_image(), width, height, image::imageops::FilterType::CatmullRom);
    }
    let side = |own: u32, wanted: u32| ((f64::from(own) * scale).round() as u32).max(wanted);
    let (w, h) = (side(image.width(), width), side(image.height(), height));
    let large = image::imageops::resize(image, w, h, image::imageops::FilterType::CatmullRom);
    image::imageops::crop_imm(&large, (w - width) / 2, (h - height) / 2, width, height).to_image()
}
