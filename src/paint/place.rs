//! Moving and scaling what a mask covers.

use crate::document::{Mask, PixelRect, Wrap};
use image::GrayImage;
use image::imageops::FilterType;

/// The rectangle that a part of a mask is moved to, in whole canvas pixels; it may lie in part outside the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Columns, at least one.
    pub width: u32,
    /// Rows, at least one.
    pub height: u32,
}

impl From<PixelRect> for Placement {
    fn from(rect: PixelRect) -> Self {
        let side = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        Self { x: side(rect.x), y: side(rect.y), width: rect.width, height: rect.height }
    }
}

/// The mask that covers what this one covers inside `from`, moved and scaled to lie at `to`, and nothing else. Moving alone
/// keeps every byte. What leaves the canvas is lost, or comes back where edges are joined.
#[must_use]
pub fn place(mask: &Mask, from: PixelRect, to: Placement, wrap: Wrap) -> Mask {
    let mut out = Mask::empty(mask.width(), mask.height());
    let inside = from.x.checked_add(from.width).is_some_and(|right| right <= mask.width())
        && from.y.checked_add(from.height).is_some_and(|bottom| bottom <= mask.height());
    if from.is_empty() || !inside || to.width == 0 || to.height == 0 {
        return out;
    }
    let Some(image) = GrayImage::from_raw(from.width, from.height, mask.crop(from)) else { return out };
    let same = (to.width, to.height) == (from.width, from.height);
    let image = if same { image } else { image::imageops::resize(&image, to.width, to.height, FilterType::Triangle) };
    let mut whole = vec![0; mask.width() as usize];
    for (y, line) in (i64::from(to.y)..).zip(image.as_raw().chunks_exact(to.width as usize)) {
        let row = if wrap.y() { y.rem_euclid(i64::from(mask.height())) } else { y };
        if let Ok(row) = u32::try_from(row) {
            out.read_row(0, row, &mut whole);
            super::grow::raise(&mut whole, i64::from(to.x), line, wrap.x());
            out.write_row(0, row, &whole);
        }
    }
    out.pack();
    out
}
