//! A drawn part laid back over the picture: softly inside the frame's border, in the colours around it.

use crate::document::PixelRect;
use crate::studio::colour_match::Shift;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use std::borrow::Cow;

/// The widest soft border of a frame, in canvas pixels.
const BORDER: u32 = 48;

/// The narrowest one.
const LEAST_BORDER: u32 = 8;

/// The share of a frame in each pixel of `cut`, 0 to 255, row by row: 255 inside, falling evenly to nothing over a border
/// inside the frame (a sixth of its shorter side, 8 to 48 pixels). Where the canvas ends (`open` is false for left, top, right,
/// bottom) there is nothing to fall to, and no border.
pub(super) fn shares(frame: PixelRect, cut: PixelRect, open: [bool; 4]) -> Vec<u8> {
    let border = (frame.width.min(frame.height) / 6).clamp(LEAST_BORDER, BORDER);
    // Pixels from the nearest open edge, from 1 on.
    let deep = |v: u32, from: u32, length: u32, before: bool, after: bool| {
        let inside = (from..from + length).contains(&v);
        let low = if before { v.saturating_sub(from) + 1 } else { u32::MAX };
        let high = if after { (from + length).saturating_sub(v) } else { u32::MAX };
        if inside { low.min(high) } else { 0 }
    };
    let [left, top, right, bottom] = open;
    let columns: Vec<u32> = cut.columns().map(|x| deep(x, frame.x, frame.width, left, right)).collect();
    let share = |deep: u32| (deep.min(border + 1) * 255 / (border + 1)) as u8;
    cut.rows()
        .flat_map(|y| {
            let down = deep(y, frame.y, frame.height, top, bottom);
            columns.iter().map(move |across| share(down.min(*across))).collect::<Vec<u8>>()
        })
        .collect()
}

/// Lays `drawn`, shifted, over the pixels of `cut` on the canvas (also over its edge), by its share (0 to 255) in each. Where that is
/// 0 no bit changes.
pub(super) fn lay(canvas: &mut RgbImage, cut: PixelRect, drawn: &RgbImage, shares: &[u8], shift: &Shift) {
    let (width, height) = canvas.dimensions();
    for ((x, y, new), share) in drawn.enumerate_pixels().zip(shares).filter(|(_, share)| **share > 0) {
        let share = f32::from(*share) / 255.0;
        let old = canvas.get_pixel_mut((cut.x + x) % width, (cut.y + y) % height);
        for (old, new) in old.0.iter_mut().zip(shift.shifted(x, y, new.0)) {
            *old = (f32::from(*old) * (1.0 - share) + new * share).round() as u8;
        }
    }
}

/// The picture at this size in pixels, by Lanczos' filter of three lobes where it has another.
pub(super) fn resized(image: &RgbImage, (width, height): (u32, u32)) -> Cow<'_, RgbImage> {
    if image.dimensions() == (width, height) {
        return Cow::Borrowed(image);
    }
    Cow::Owned(resize(image, width, height, FilterType::Lanczos3))
}
