//! Growing and shrinking a mask by a number of pixels.

use crate::document::{Mask, PixelRect, Wrap};

/// The most pixels by which a mask is grown or shrunk.
pub const MAX_GROW: u32 = 512;

/// The mask grown by `by` pixels (at most [`MAX_GROW`]): each pixel gets the greatest coverage within that distance,
/// centre to centre, over joined edges too. That is a dilation with a disc, exactly.
#[must_use]
pub fn grow(mask: &Mask, by: u32, wrap: Wrap) -> Mask {
    let by = by.min(MAX_GROW);
    let box_ = mask.bounds();
    let mut out = Mask::empty(mask.width(), mask.height());
    // Half the width of the disc by the distance from its middle row, its narrow ends first.
    let half: Vec<(i64, usize)> = (0..=by).rev().map(|d| (i64::from(d), (by * by - d * d).isqrt() as usize)).collect();
    let margin = by as usize;
    let mut line = Line::default();
    for y in box_.y..box_.y + box_.height {
        let covered = part(mask, box_, y);
        if covered.iter().all(|v| *v == 0) {
            continue;
        }
        line.set(covered, margin);
        // Each widening goes on from the one before.
        for (distance, half) in &half {
            line.widen_to(*half);
            let y = i64::from(y);
            for row in [y - distance, y + distance].into_iter().take(if *distance == 0 { 1 } else { 2 }) {
                let row = if wrap.y() { row.rem_euclid(i64::from(mask.height())) } else { row };
                let Ok(row) = u32::try_from(row) else { continue };
                raise(out.row_mut(row), i64::from(box_.x) - i64::from(by), &line.now, wrap.x());
            }
        }
    }
    out
}

/// The mask shrunk by `by` pixels: each pixel gets the least coverage within that distance. The canvas's border is no edge
/// of the region: what reaches it goes on behind it.
#[must_use]
pub fn shrink(mask: &Mask, by: u32, wrap: Wrap) -> Mask {
    let inverted = |mut mask: Mask| {
        mask.data_mut().iter_mut().for_each(|v| *v = 255 - *v);
        mask
    };
    inverted(grow(&inverted(mask.clone()), by, wrap))
}

/// The bytes of a row inside a rectangle.
fn part(mask: &Mask, rect: PixelRect, y: u32) -> &[u8] {
    mask.row(y).get(rect.x as usize..(rect.x + rect.width) as usize).unwrap_or_default()
}

/// A row of a mask, each byte the greatest of the row so far to either side.
#[derive(Default)]
struct Line {
    half: usize,
    now: Vec<u8>,
    next: Vec<u8>,
}

impl Line {
    /// The row itself, with `margin` empty pixels at either end.
    fn set(&mut self, row: &[u8], margin: usize) {
        self.half = 0;
        self.now.clear();
        self.now.resize(margin, 0);
        self.now.extend_from_slice(row);
        self.now.resize(row.len() + 2 * margin, 0);
    }

    /// Makes each byte the greatest of the row within `half` pixels; never fewer than before.
    fn widen_to(&mut self, half: usize) {
        while self.half < half {
            // Three spans side by side leave no gap between them as long as they touch.
            let by = (half - self.half).min(2 * self.half + 1);
            self.next.clone_from(&self.now);
            let after = self.now.get(by..).unwrap_or_default();
            self.next.iter_mut().zip(after).for_each(|(out, v)| *out = (*out).max(*v));
            self.next.iter_mut().skip(by).zip(&self.now).for_each(|(out, v)| *out = (*out).max(*v));
            std::mem::swap(&mut self.now, &mut self.next);
            self.half += by;
        }
    }
}

/// Raises a row to a line that begins at `left`; what lies outside is left out or comes back at the other side.
pub(super) fn raise(row: &mut [u8], left: i64, line: &[u8], wrap: bool) {
    let side = i64::try_from(row.len()).unwrap_or(i64::MAX);
    let (mut left, mut line) = (left, line);
    if wrap && side > 0 {
        left = left.rem_euclid(side);
    } else if left < 0 {
        line = usize::try_from(-left).ok().and_then(|skip| line.get(skip..)).unwrap_or_default();
        left = 0;
    }
    let mut start = usize::try_from(left).unwrap_or(0);
    while !line.is_empty() && start < row.len() {
        let out = row.get_mut(start..).unwrap_or_default();
        let count = out.len().min(line.len());
        out.iter_mut().zip(line).for_each(|(out, v)| *out = (*out).max(*v));
        line = line.get(count..).filter(|_| wrap).unwrap_or_default();
        start = 0;
    }
}
