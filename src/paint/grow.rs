//! Growing and shrinking a mask by a number of pixels.

use crate::document::{Mask, PixelRect, Wrap};

/// The most pixels by which a mask is grown or shrunk.
pub const MAX_GROW: u32 = 256;

/// The mask grown by `by` pixels (at most [`MAX_GROW`]): each pixel gets the greatest coverage within that distance,
/// centre to centre, over joined edges too. That is a dilation with a disc, exactly.
#[must_use]
pub fn grow(mask: &Mask, by: u32, wrap: Wrap) -> Mask {
    let (by, across) = (by.min(MAX_GROW), mask.width() as usize);
    if by == 0 || across == 0 {
        return mask.clone();
    }
    let box_ = mask.bounds();
    let mut out = mask.to_raw();
    // Half the width of the disc by the distance from its middle row, its narrow ends first.
    let half: Vec<(i64, usize)> = (0..=by).rev().map(|d| (i64::from(d), (by * by - d * d).isqrt() as usize)).collect();
    let margin = by as usize;
    let mut line = Line::default();
    for y in box_.y..box_.y + box_.height {
        let edge = edge(mask, y, wrap);
        for run in runs(&edge, 2 * margin) {
            line.set(edge.get(run.clone()).unwrap_or_default(), margin);
            let left = i64::try_from(run.start).unwrap_or(0) - i64::from(by);
            // Each widening goes on from the one before.
            for (distance, half) in &half {
                line.widen_to(*half);
                let y = i64::from(y);
                for row in [y - distance, y + distance].into_iter().take(if *distance == 0 { 1 } else { 2 }) {
                    let row = if wrap.y() { row.rem_euclid(i64::from(mask.height())) } else { row };
                    let Ok(row) = u32::try_from(row) else { continue };
                    let row = out.chunks_exact_mut(across).nth(row as usize).unwrap_or_default();
                    raise(row, left, &line.now, wrap.x());
                }
            }
        }
    }
    Mask::from_raw(mask.width(), mask.height(), &out).unwrap_or_else(|| mask.clone())
}

/// The bytes of a row that reach beyond themselves, 0 elsewhere: a pixel that none of its four neighbours falls short of adds
/// nothing, since on the way from it to any other pixel the next one reaches as far, and covers as much.
fn edge(mask: &Mask, y: u32, wrap: Wrap) -> Vec<u8> {
    let last = mask.height().saturating_sub(1);
    let line = |y: u32| mask.crop(PixelRect { x: 0, y, width: mask.width(), height: 1 });
    let row = line(y);
    let above = if y > 0 {
        y - 1
    } else if wrap.y() {
        last
    } else {
        y
    };
    let below = if y < last {
        y + 1
    } else if wrap.y() {
        0
    } else {
        y
    };
    let (above, below) = (line(above), line(below));
    let end = |other: Option<&u8>, own: &u8| if wrap.x() { other.copied() } else { None }.unwrap_or(*own);
    let mut left = row.first().map_or(0, |own| end(row.last(), own));
    let vertical = above.iter().zip(&below);
    row.iter()
        .enumerate()
        .zip(vertical)
        .map(|((x, v), (above, below))| {
            let right = row.get(x + 1).copied().unwrap_or_else(|| end(row.first(), v));
            let least = left.min(right).min(*above).min(*below);
            left = *v;
            if least < *v { *v } else { 0 }
        })
        .collect()
}

/// The parts of a row that are not empty; parts with at most `gap` pixels between them are one.
fn runs(row: &[u8], gap: usize) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (x, _) in row.iter().enumerate().filter(|(_, v)| **v > 0) {
        match runs.last_mut() {
            Some(run) if x <= run.end + gap => run.end = x + 1,
            _ => runs.push(x..x + 1),
        }
    }
    runs
}

/// The mask shrunk by `by` pixels: each pixel gets the least coverage within that distance. The canvas's border is no edge
/// of the region: what reaches it goes on behind it.
#[must_use]
pub fn shrink(mask: &Mask, by: u32, wrap: Wrap) -> Mask {
    let inverted = |mask: &Mask| mask.map(|v| 255 - v);
    inverted(&grow(&inverted(mask), by, wrap))
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
