//! What of a region lies beyond the edges of its canvas, so that a region that was moved over an edge can be moved back.
//!
//! It is a mask of three canvases in both directions, whose middle one is the canvas itself and covers nothing there.

use super::Placement;
use crate::document::{Mask, PixelRect};

/// A shape on its canvas and beyond it.
#[derive(Clone, Copy)]
pub struct Beyond<'a> {
    /// The part on the canvas.
    pub mask: &'a Mask,
    /// The part beyond it, if there is any.
    pub outside: Option<&'a Mask>,
}

impl Beyond<'_> {
    /// The box around the whole shape, in canvas pixels; `None` where nothing is covered.
    #[must_use]
    pub fn extent(self) -> Option<Placement> {
        let (width, height) = (self.mask.width(), self.mask.height());
        let inside = self.mask.bounds();
        let inside =
            if inside.is_empty() { inside } else { PixelRect { x: inside.x + width, y: inside.y + height, ..inside } };
        let all = self.outside.map_or(inside, |outside| outside.bounds().union(inside));
        let place = Placement::from(all);
        (!all.is_empty()).then(|| Placement { x: place.x - signed(width), y: place.y - signed(height), ..place })
    }

    /// The coverage of a part, row by row.
    #[must_use]
    pub(super) fn crop(self, part: Placement) -> Vec<u8> {
        let (width, height) = (signed(self.mask.width()), signed(self.mask.height()));
        let across = part.width as usize;
        let mut out = vec![0; across * part.height as usize];
        for (y, row) in (part.y..).zip(out.chunks_exact_mut(across.max(1))) {
            let ahead = (i64::from(part.x) + i64::from(width), i64::from(y) + i64::from(height));
            if let (Some(outside), (Ok(x), Ok(y))) = (self.outside, (u32::try_from(ahead.0), u32::try_from(ahead.1))) {
                outside.read_row(x, y, row);
            }
            let from = part.x.max(0);
            let to = i64::from(width).min(i64::from(part.x) + i64::from(part.width)).max(from.into());
            let place = |x: i64| usize::try_from(x - i64::from(part.x)).unwrap_or(0);
            if let (Ok(y), Ok(x)) = (u32::try_from(y), u32::try_from(from))
                && y < self.mask.height()
                && let Some(row) = row.get_mut(place(from.into())..place(to))
            {
                self.mask.read_row(x, y, row);
            }
        }
        out
    }

    /// One mask of all: three canvases wide and high.
    #[must_use]
    pub fn join(self) -> Mask {
        let (width, height) = (self.mask.width(), self.mask.height());
        Mask::from_rows(3 * width, 3 * height, |y, row| {
            if let Some(outside) = self.outside {
                outside.read_row(0, y, row);
            }
            if let Some(y) = y.checked_sub(height).filter(|y| *y < height)
                && let Some(middle) = row.get_mut(width as usize..2 * width as usize)
            {
                self.mask.read_row(0, y, middle);
            }
        })
    }
}

/// The parts of such a mask on a canvas of this size and beyond it.
#[must_use]
pub fn part(mut whole: Mask, width: u32, height: u32) -> (Mask, Option<Mask>) {
    let mask = whole.moved_to(width, height, -signed(width), -signed(height));
    whole.fill(PixelRect { x: width, y: height, width, height }, 0);
    whole.pack();
    (mask, (!whole.is_blank()).then_some(whole))
}

fn signed(side: u32) -> i32 {
    i32::try_from(side).unwrap_or(i32::MAX)
}
