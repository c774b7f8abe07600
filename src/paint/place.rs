//! Moving and scaling what a mask covers.

use super::Beyond;
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

impl Placement {
    /// The smallest box around this one and another.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let axis = |a: i32, a_side: u32, b: i32, b_side: u32| {
            let end = (i64::from(a) + i64::from(a_side)).max(i64::from(b) + i64::from(b_side));
            let low = a.min(b);
            (low, u32::try_from(end - i64::from(low)).unwrap_or(u32::MAX))
        };
        let (x, width) = axis(self.x, self.width, other.x, other.width);
        let (y, height) = axis(self.y, self.height, other.y, other.height);
        Self { x, y, width, height }
    }

    /// Its middle, in canvas pixels.
    #[must_use]
    pub fn middle(self) -> (f64, f64) {
        (f64::from(self.x) + f64::from(self.width) / 2.0, f64::from(self.y) + f64::from(self.height) / 2.0)
    }

    /// Its corners, in canvas pixels: left top, right top, right bottom, left bottom.
    #[must_use]
    pub fn corners(self) -> [(f64, f64); 4] {
        let (x, y) = (f64::from(self.x), f64::from(self.y));
        let (right, bottom) = (x + f64::from(self.width), y + f64::from(self.height));
        [(x, y), (right, y), (right, bottom), (x, bottom)]
    }
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
    place_whole(Beyond { mask, outside: None }, from.into(), to, wrap).0
}

/// The same of a shape that may lie beyond the canvas, before and after: the mask, and what is beyond its edges by up to a
/// canvas to each side, where those are not joined.
#[must_use]
pub fn place_whole(shape: Beyond<'_>, from: Placement, to: Placement, wrap: Wrap) -> (Mask, Option<Mask>) {
    let (width, height) = (shape.mask.width(), shape.mask.height());
    let (out, outside) = (Mask::empty(width, height), None);
    if [from.width, from.height, to.width, to.height].contains(&0) {
        return (out, outside);
    }
    let Some(image) = GrayImage::from_raw(from.width, from.height, shape.crop(from)) else { return (out, outside) };
    let same = (to.width, to.height) == (from.width, from.height);
    let image = if same { image } else { image::imageops::resize(&image, to.width, to.height, FilterType::Triangle) };
    laid((width, height), &image, (to.x, to.y), wrap)
}

/// The ways to turn a shape about its own middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A quarter turn against the clock.
    Left,
    /// A quarter turn with the clock.
    Right,
    /// Left and right change places.
    FlipX,
    /// Top and bottom change places.
    FlipY,
}

/// A shape turned about the middle of its own box: the mask, and what is beyond the canvas. Every byte is kept, but for what is more than
/// a canvas away from its edge.
#[must_use]
pub fn turn_whole(shape: Beyond<'_>, turn: Turn, wrap: Wrap) -> (Mask, Option<Mask>) {
    match shape.extent() {
        Some(from) => turn_within(shape, from, turn, wrap),
        None => (Mask::empty(shape.mask.width(), shape.mask.height()), None),
    }
}

/// The same of what a shape covers inside `from`, about the middle of that.
#[must_use]
pub fn turn_within(shape: Beyond<'_>, from: Placement, turn: Turn, wrap: Wrap) -> (Mask, Option<Mask>) {
    let size = (shape.mask.width(), shape.mask.height());
    let Some(image) = GrayImage::from_raw(from.width, from.height, shape.crop(from)) else {
        return (Mask::empty(size.0, size.1), None);
    };
    let image = match turn {
        Turn::Left => image::imageops::rotate270(&image),
        Turn::Right => image::imageops::rotate90(&image),
        Turn::FlipX => image::imageops::flip_horizontal(&image),
        Turn::FlipY => image::imageops::flip_vertical(&image),
    };
    // (Rounded towards 0, so that a turn back leads back to where it was.)
    let ahead = |old: u32, new: u32| ((i64::from(old) - i64::from(new)) / 2) as i32;
    let at = (from.x + ahead(from.width, image.width()), from.y + ahead(from.height, image.height()));
    laid(size, &image, at, wrap)
}

/// The mask of a canvas of this size that has what an image covers, its corner at `at`, and what of it is beyond the canvas.
pub(super) fn laid((width, height): (u32, u32), image: &GrayImage, at: (i32, i32), wrap: Wrap) -> (Mask, Option<Mask>) {
    let (mut out, mut outside) = (Mask::empty(width, height), None);
    let middle = width as usize..2 * width as usize;
    let mut whole = vec![0; 3 * width as usize];
    for (y, line) in (i64::from(at.1)..).zip(image.as_raw().chunks_exact(image.width() as usize)) {
        let row = if wrap.y() { y.rem_euclid(i64::from(height)) } else { y };
        whole.fill(0);
        if wrap.x() {
            super::grow::raise(&mut whole[middle.clone()], i64::from(at.0), line, true);
        } else {
            super::grow::raise(&mut whole, i64::from(at.0) + i64::from(width), line, false);
        }
        if let Some(row) = u32::try_from(row).ok().filter(|row| *row < height) {
            lay(&mut out, row, &whole[middle.clone()]);
            whole[middle.clone()].fill(0);
        }
        let row = u32::try_from(row + i64::from(height)).ok().filter(|row| *row < 3 * height);
        if let Some(row) = row.filter(|_| whole.iter().any(|v| *v > 0)) {
            lay(outside.get_or_insert_with(|| Mask::empty(3 * width, 3 * height)), row, &whole);
        }
    }
    out.pack();
    if let Some(outside) = &mut outside {
        outside.pack();
    }
    (out, outside)
}

/// Raises a row of a mask to a line as long as it is.
fn lay(mask: &mut Mask, row: u32, line: &[u8]) {
    let mut whole = vec![0; line.len()];
    mask.read_row(0, row, &mut whole);
    super::grow::raise(&mut whole, 0, line, false);
    mask.write_row(0, row, &whole);
}
