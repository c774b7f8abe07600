//! A network without branches but shortcuts, written as a list of steps ([`Op`]) and run in one of two ways: over the whole
//! image ([`run`]), or over strips of it within a bound on memory ([`run_within`]), with the same result up to rounding.
//!
//! A convolution needs a few rows of its neighbours, which strips compute twice. Group normalisation and attention need
//! everything. So the list is run up to each norm in turn, strip by strip, adding up the moments of the whole image; what a
//! strip gives there is held for the next stretch where there is room, and otherwise computed again from what is held.
//! (Tiling by blending tiles, each with statistics of its own, shifts colours; here nothing is blended.)

use super::blocks::Attention;
use super::{Error, Result};
use crate::backend::{Backend, GroupMoments};
use std::collections::VecDeque;

/// One step.
pub(super) enum Op<'a, B: Backend> {
    /// A convolution.
    Conv { weights: &'a B::Conv, reach: Reach, outputs: usize },
    /// Group normalisation.
    Norm { weights: &'a B::Norm, groups: usize, eps: f32, silu: bool },
    /// Keeps the image for [`Op::Add`].
    Keep,
    /// A 1×1 convolution of what is kept.
    Shortcut(&'a B::Conv),
    /// Adds what is kept.
    Add,
    /// Doubles the size, nearest neighbour.
    Upsample,
    /// Attention of every pixel to every other.
    Attend(&'a Attention<B>),
}

/// What a convolution sees around a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Kernel 1.
    Pixel,
    /// Kernel 3; zeros around the image.
    Around,
    /// Kernel 3, stride 2; zeros below and to the right.
    Halve,
}

/// Bytes of a value on the device.
const VALUE: usize = 4;

/// Channels, height and width.
#[derive(Debug, Clone, Copy)]
struct Size([usize; 3]);

impl Size {
    fn bytes(self, count: usize) -> usize {
        self.0.iter().product::<usize>() * count * VALUE
    }
}

/// Number of images, and the size before every step and after the last.
fn sizes<B: Backend>(b: &B, ops: &[Op<B>], x: &B::Tensor) -> Result<(usize, Vec<Size>)> {
    let &[count, channels, height, width] = b.shape(x).as_slice() else {
        return Err(Error::Input(format!("{:?} is not an image", b.shape(x))));
    };
    let mut size = [channels, height, width];
    let mut sizes = vec![Size(size)];
    for op in ops {
        let [_, height, width] = size;
        size = match *op {
            Op::Conv { reach: Reach::Halve, outputs, .. } => [outputs, height / 2, width / 2],
            Op::Conv { outputs, .. } => [outputs, height, width],
            Op::Upsample => [size[0], 2 * height, 2 * width],
            _ => size,
        };
        sizes.push(Size(size));
    }
    Ok((count, sizes))
}

/// The bytes that are alive during every step: what goes in and out, and what is kept.
fn live<B: Backend>(ops: &[Op<B>], count: usize, sizes: &[Size]) -> Vec<usize> {
    let mut kept = 0;
    // Between Keep and the first step after it, what is kept and what goes in are one tensor.
    let mut same = false;
    ops.iter()
        .zip(sizes.windows(2))
        .map(|(op, around)| {
            let [before, after] = [around[0].bytes(count), around[1].bytes(count)];
            match *op {
                Op::Keep => {
                    (kept, same) = (before, true);
                    before
                }
                Op::Shortcut(_) => {
                    let bytes = kept + before + after;
                    kept = after;
                    bytes
                }
                Op::Add => kept + before + std::mem::take(&mut kept).max(after),
                _ => before + after + if std::mem::take(&mut same) { 0 } else { kept },
            }
        })
        .collect()
}

/// The most bytes that [`run`] holds at once for an image `x`, without what an operator needs inside.
pub(super) fn bytes<B: Backend>(b: &B, ops: &[Op<B>], x: &B::Tensor) -> Result<usize> {
    let (count, sizes) = sizes(b, ops, x)?;
    Ok(live(ops, count, &sizes).into_iter().max().unwrap_or(0))
}

fn unkept() -> Error {
    Error::Input("a step adds what was not kept".to_owned())
}

/// Self-attention over the pixels of an image.
fn attend<B: Backend>(b: &B, attention: &Attention<B>, x: &B::Tensor) -> Result<B::Tensor> {
    let &[_, _, height, width] = b.shape(x).as_slice() else {
        return Err(Error::Input(format!("{:?} is not an image", b.shape(x))));
    };
    let tokens = b.to_tokens(x)?;
    Ok(b.to_image(&attention.forward(b, &tokens, &tokens)?, height, width)?)
}

/// Runs all steps over the whole image.
pub(super) fn run<B: Backend>(b: &B, ops: &[Op<B>], mut x: B::Tensor) -> Result<B::Tensor> {
    let mut kept = None;
    for op in ops {
        x = match op {
            Op::Conv { weights, .. } => b.conv2d(&x, weights)?,
            &Op::Norm { weights, groups, eps, silu } => b.group_norm(&x, weights, groups, eps, silu)?,
            Op::Keep => {
                kept = Some(x.clone());
                x
            }
            Op::Shortcut(weights) => {
                kept = Some(b.conv2d(&kept.take().ok_or_else(unkept)?, weights)?);
                x
            }
            Op::Add => b.add(&kept.take().ok_or_else(unkept)?, &x)?,
            Op::Upsample => double(b, &x)?,
            Op::Attend(attention) => attend(b, attention, &x)?,
        };
    }
    Ok(x)
}

fn double<B: Backend>(b: &B, x: &B::Tensor) -> Result<B::Tensor> {
    match *b.shape(x).as_slice() {
        [_, _, height, width] => Ok(b.upsample(x, 2 * height, 2 * width)?),
        ref other => Err(Error::Input(format!("{other:?} is not an image"))),
    }
}

/// Shares of the room that a strip may need while it is computed, and that strips held for the next stretch may need.
const STRIP_SHARE: f64 = 0.15;
const HELD_SHARE: f64 = 0.8;
/// Rows of a strip at least, else most of it would be its neighbours' rows.
const FEWEST_ROWS: usize = 8;

/// Runs all steps over strips so that about `room` bytes are alive at once: more where the smallest strips, the image that
/// comes out, or an attention over the whole need more.
pub(super) fn run_within<B: Backend>(b: &B, ops: &[Op<B>], x: B::Tensor, room: usize) -> Result<B::Tensor> {
    let (count, sizes) = sizes(b, ops, &x)?;
    // Strips lie across the longer side, where they are smallest.
    let axis = if sizes[0].0[2] > sizes[0].0[1] { 3 } else { 2 };
    let whole = Part { from: 0, to: sizes[0].0[axis - 1], x };
    let mut strips = Strips {
        b,
        ops,
        live: live(ops, count, &sizes),
        sizes,
        count,
        axis,
        room,
        moments: ops.iter().map(|_| Vec::new()).collect(),
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
    /// Images.
    count: usize,
    /// The axis that strips cut.
    axis: usize,
    room: usize,
    /// For every norm that has been measured: the moments of the whole image.
    moments: Vec<Vec<GroupMoments>>,
    /// Strips that together are the whole image before step `at`.
    held: VecDeque<State<B::Tensor>>,
    at: usize,
}

impl<B: Backend> Strips<'_, B> {
    /// Rows of the whole image before step `index`.
    fn extent(&self, index: usize) -> usize {
        self.sizes[index].0[self.axis - 1]
    }

    /// Finds the moments that the norm at `index` needs, and holds the image there if there is room.
    fn measure(&mut self, index: usize, groups: usize) -> Result<()> {
        // What is kept right before a norm is what goes into it: stop where that is held once.
        let stop = if index > 0 && matches!(self.ops[index - 1], Op::Keep) { index - 1 } else { index };
        let kept = self.ops[..stop].iter().rposition(|op| matches!(op, Op::Keep | Op::Add));
        let kept = kept.filter(|&at| matches!(self.ops[at], Op::Keep)).map_or(0, |at| self.sizes[at].bytes(self.count));
        let hold = share(self.room, HELD_SHARE) >= self.sizes[stop].bytes(self.count) + kept;
        let b = self.b;
        let mut sum = Sum::default();
        self.pass(stop, hold, |x| {
            sum.add((x.to - x.from) as f64, &b.group_moments(&x.x, groups)?);
            Ok(())
        })?;
        self.moments[index] = sum.moments();
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
                // What no later strip looks at makes room.
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
                Part { x: b.normalise(&x, weights, &self.moments[index], eps, silu)?, from, to }
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

/// Moments of parts, added up to those of the whole (Chan, Golub, LeVeque 1979), in f64.
#[derive(Default)]
struct Sum {
    weight: f64,
    /// Mean, and sum of squared distances from it, of every group.
    groups: Vec<(f64, f64)>,
}

impl Sum {
    /// Adds a part; `weight` is in proportion to the values in it.
    fn add(&mut self, weight: f64, moments: &[GroupMoments]) {
        self.groups.resize(moments.len(), (0.0, 0.0));
        let total = self.weight + weight;
        for ((mean, squares), part) in self.groups.iter_mut().zip(moments) {
            let delta = f64::from(part.mean) - *mean;
            *mean += delta * weight / total;
            *squares += f64::from(part.variance) * weight + delta * delta * self.weight * weight / total;
        }
        self.weight = total;
    }

    fn moments(&self) -> Vec<GroupMoments> {
        let moments = |&(mean, squares): &(f64, f64)| GroupMoments {
            mean: mean as f32,
            variance: (squares / self.weight) as f32,
        };
        self.groups.iter().map(moments).collect()
    }
}
