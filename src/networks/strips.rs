//! A [chain](super::chain) run over strips of an image within a bound on memory, with the same result as at once up to
//! rounding.
//!
//! A convolution needs a row of its neighbours on either side, so a strip begins with more rows than it ends with, and
//! neighbouring strips compute the same rows twice. For rows 8 to 16 after two 3×3 convolutions:
//!
//! ```text
//!  input      6 7 8 9 … 15 16 17        needed(): two rows more on either side
//!  conv         7 8 9 … 15 16           step(): the outermost rows lack a neighbour and are cut off
//!  conv           8 9 … 15
//! ```
//!
//! Group normalisation and attention need the whole image. So the list is run up to each norm in turn, strip by strip, and the
//! moments of the strips are merged to those of the whole. What the strips give there is held for the next stretch where there
//! is room, and otherwise computed again from what is held. (Tiling by blending tiles, each with statistics of its own, shifts
//! colours; here nothing is blended.)

use super::chain::{Op, Reach, Size, attend, double, image_shape, live, sizes, unkept};
use super::{Error, Result};
use crate::backend::Backend;
use std::collections::VecDeque;

/// Shares of the room that a strip may need while it is computed, and that strips held for the next stretch may need.
const STRIP_SHARE: f64 = 0.15;
const HELD_SHARE: f64 = 0.8;
/// Rows of a strip at least, else most of it would be its neighbours' rows.
const FEWEST_ROWS: usize = 8;

/// Runs all steps over strips so that about `room` bytes are alive at once: more where the smallest strips, the image that
/// comes out, or an attention over the whole need more.
pub(super) fn run_within<B: Backend>(b: &B, ops: &[Op<B>], x: B::Tensor, room: usize) -> Result<B::Tensor> {
    let sizes = sizes(b, ops, &x)?;
    // Strips lie across the longer side, where they are smallest.
    let [_, _, height, width] = image_shape(b, &x)?;
    let (axis, to) = if width > height { (3, width) } else { (2, height) };
    let whole = Part { from: 0, to, x };
    let mut strips = Strips {
        b,
        ops,
        live: live(ops, &sizes),
        sizes,
        axis,
        room,
        moments: ops.iter().map(|_| None).collect(),
        at: 0,
        held: VecDeque::from([State { x: whole, kept: None }]),
    };
    for (index, op) in ops.iter().enumerate() {
        match op {
            &Op::Norm { groups, .. } => strips.measure(index, groups)?,
            Op::Attend(attention) => {
                strips.pass(index, true, |_| Ok(()))?;
                let State { mut x, kept } = strips.take(0, strips.extent(index))?;
                x.x = attend(b, attention, &x.x)?;
                strips.held = VecDeque::from([State { x, kept }]);
                strips.at = index + 1;
            }
            _ => {}
        }
    }
    strips.pass(ops.len(), true, |_| Ok(()))?;
    Ok(strips.take(0, strips.extent(ops.len()))?.x.x)
}

/// Rows `from..to` of an image (or columns, where strips lie upright).
#[derive(Clone)]
struct Part<T> {
    x: T,
    from: usize,
    to: usize,
}

/// A strip between two steps.
struct State<T> {
    x: Part<T>,
    kept: Option<Part<T>>,
}

struct Strips<'a, B: Backend> {
    b: &'a B,
    ops: &'a [Op<'a, B>],
    sizes: Vec<Size>,
    live: Vec<usize>,
    /// The axis that strips cut.
    axis: usize,
    room: usize,
    /// For every norm that has been measured: the moments of the whole image.
    moments: Vec<Option<B::Moments>>,
    /// Strips that together are the whole image before step `at`.
    held: VecDeque<State<B::Tensor>>,
    at: usize,
}

impl<B: Backend> Strips<'_, B> {
    /// Rows of the whole image before step `index`.
    fn extent(&self, index: usize) -> usize {
        let Size { height, width, .. } = self.sizes[index];
        if self.axis == 3 { width } else { height }
    }

    /// Finds the moments that the norm at `index` needs, and holds the image there if there is room.
    fn measure(&mut self, index: usize, groups: usize) -> Result<()> {
        // A Keep right before the norm keeps the very image that the norm takes: holding the image before the Keep holds it once.
        let stop = if index > 0 && matches!(self.ops[index - 1], Op::Keep) { index - 1 } else { index };
        let kept = self.ops[..stop].iter().rposition(|op| matches!(op, Op::Keep | Op::Add));
        let kept = kept.filter(|&at| matches!(self.ops[at], Op::Keep)).map_or(0, |at| self.sizes[at].bytes);
        let hold = share(self.room, HELD_SHARE) >= self.sizes[stop].bytes + kept;
        let b = self.b;
        let mut parts = Vec::new();
        self.pass(stop, hold, |x| {
            parts.push((x.to - x.from, b.group_moments(&x.x, groups)?));
            Ok(())
        })?;
        self.moments[index] = Some(b.merge_moments(&parts)?);
        Ok(())
    }

    /// Runs every strip to step `stop`, shows it to `see`, and holds it there if asked.
    fn pass(&mut self, stop: usize, hold: bool, mut see: impl FnMut(&Part<B::Tensor>) -> Result<()>) -> Result<()> {
        let extent = self.extent(stop);
        let widest = self.live[self.at..stop].iter().copied().max().unwrap_or(0);
        let rows = share(self.room, STRIP_SHARE) / (widest / extent.max(1)).max(1);
        let rows = rows.max(FEWEST_ROWS);
        let mut done = VecDeque::new();
        for from in (0..extent).step_by(rows) {
            let to = (from + rows).min(extent);
            let strip = self.strip(stop, from, to)?;
            see(&strip.x)?;
            if hold {
                done.push_back(strip);
                // Strips that no later one needs make room.
                let (first, _) = self.needed(stop, to, (to + 1).min(extent));
                while to < extent && self.held.front().is_some_and(|state| state.x.to <= first) {
                    self.held.pop_front();
                }
            }
        }
        if hold {
            (self.held, self.at) = (done, stop);
        }
        Ok(())
    }

    /// Rows before step `at` that rows `from..to` before step `stop` are made of.
    fn needed(&self, stop: usize, mut from: usize, mut to: usize) -> (usize, usize) {
        for (index, op) in self.ops.iter().enumerate().take(stop).skip(self.at).rev() {
            (from, to) = match op {
                Op::Conv { reach: Reach::Around, .. } => (from.saturating_sub(1), to + 1),
                Op::Conv { reach: Reach::Halve, .. } => (2 * from, 2 * to + 1),
                Op::Upsample => (from / 2, to.div_ceil(2)),
                _ => (from, to),
            };
            to = to.min(self.extent(index));
        }
        (from, to)
    }

    /// Rows `from..to` of what is held.
    fn take(&self, from: usize, to: usize) -> Result<State<B::Tensor>> {
        let over = || self.held.iter().filter(|state| state.x.from < to && state.x.to > from);
        let join = |parts: Vec<&Part<B::Tensor>>| -> Result<Part<B::Tensor>> {
            let cut: Vec<Part<B::Tensor>> = parts
                .into_iter()
                .map(|part| self.cut(part, from.max(part.from), to.min(part.to)))
                .collect::<Result<_>>()?;
            let x = match cut.as_slice() {
                [one] => one.x.clone(),
                many => self.b.concat(&many.iter().map(|part| &part.x).collect::<Vec<_>>(), self.axis)?,
            };
            Ok(Part { x, from, to })
        };
        let kept: Vec<&Part<B::Tensor>> = over().filter_map(|state| state.kept.as_ref()).collect();
        let kept = if kept.is_empty() { None } else { Some(join(kept)?) };
        Ok(State { x: join(over().map(|state| &state.x).collect())?, kept })
    }

    /// Rows `from..to` of a part that holds them.
    fn cut(&self, part: &Part<B::Tensor>, from: usize, to: usize) -> Result<Part<B::Tensor>> {
        if (part.from, part.to) == (from, to) {
            return Ok(part.clone());
        }
        Ok(Part { x: self.b.slice(&part.x, self.axis, from - part.from, to - from)?, from, to })
    }

    /// Computes rows `from..to` before step `stop` from what is held.
    fn strip(&self, stop: usize, from: usize, to: usize) -> Result<State<B::Tensor>> {
        let (first, last) = self.needed(stop, from, to);
        let mut state = self.take(first, last)?;
        for index in self.at..stop {
            state = self.step(index, state)?;
        }
        let kept = state.kept.map(|kept| self.cut(&kept, from, to)).transpose()?;
        Ok(State { x: self.cut(&state.x, from, to)?, kept })
    }

    /// One step of a strip; rows that would need more than the strip holds are cut off.
    fn step(&self, index: usize, state: State<B::Tensor>) -> Result<State<B::Tensor>> {
        let b = self.b;
        let State { x: Part { x, from, to }, kept } = state;
        let extent = self.extent(index);
        let part = match &self.ops[index] {
            Op::Conv { weights, reach: Reach::Pixel, .. } => Part { x: b.conv2d(&x, weights)?, from, to },
            Op::Conv { weights, reach: Reach::Around, .. } => {
                let y = Part { x: b.conv2d(&x, weights)?, from, to };
                self.cut(&y, from + usize::from(from > 0), to - usize::from(to < extent))?
            }
            Op::Conv { weights, reach: Reach::Halve, .. } => {
                // A strip begins at an even row, because `needed` asks for twice an output row.
                let y = b.conv2d(&x, weights)?;
                let y = Part { x: y, from: from / 2, to: from / 2 + (to - from) / 2 };
                self.cut(&y, y.from, if to < extent { (to - 1) / 2 } else { y.to })?
            }
            &Op::Norm { weights, eps, silu, .. } => {
                let moments = self.moments[index].as_ref().ok_or_else(unmeasured)?;
                Part { x: b.normalise(&x, weights, moments, eps, silu)?, from, to }
            }
            Op::Keep => {
                let x = Part { x, from, to };
                return Ok(State { kept: Some(x.clone()), x });
            }
            Op::Shortcut(weights) => {
                let kept = kept.ok_or_else(unkept)?;
                let kept = Part { x: b.conv2d(&kept.x, weights)?, ..kept };
                return Ok(State { x: Part { x, from, to }, kept: Some(kept) });
            }
            Op::Add => {
                let kept = self.cut(&kept.ok_or_else(unkept)?, from, to)?;
                return Ok(State { x: Part { x: b.add(&kept.x, &x)?, from, to }, kept: None });
            }
            Op::Upsample => Part { x: double(b, &x)?, from: 2 * from, to: 2 * to },
            Op::Attend(_) => return Err(Error::Input("attention over a strip".to_owned())),
        };
        Ok(State { x: part, kept })
    }
}

fn share(room: usize, share: f64) -> usize {
    (room as f64 * share) as usize
}

fn unmeasured() -> Error {
    Error::Input("a step normalises what was not measured".to_owned())
}
