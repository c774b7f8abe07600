//! Products of rows with packed weights: linear layers, and convolutions whose patches are read where they lie.
//!
//! A task is some rows times some panels of columns. For each block of `k` it copies the rows' values together (that is where
//! patches come about, a few kilobytes at a time), widens each panel's block once, and adds up in its own memory; the epilogue
//! runs over the sums when `k` is done.

use crate::function::Activation;
use crate::loops::End;
use crate::narrow::Half;
use crate::pack::{Stored, Weights};
use crate::threads::{Shared, spread, with_scratch};
use crate::tile::{DEPTH, Left};
use crate::winograd;
use crate::words;
use crate::{Error, Result};
use std::ops::Range;

/// Rows of a task.
const ROWS: usize = 256;
/// Columns of a task.
const COLUMNS: usize = 384;
/// Tasks a thread, so that all end at about the same time.
const TASKS: usize = 4;

/// The left operand of a product.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// `[rows, depth]`.
    Matrix(&'a [f32]),
    /// The patches of images.
    Patches(Patches<'a>),
}

/// The patches that a convolution sees of images `[n, h, w, c]`. Row `(image, y, x)` of the operand holds value `(tap y, tap x,
/// channel)`; taps outside the image see zeros.
#[derive(Debug, Clone, Copy)]
pub struct Patches<'a> {
    /// The values of the images.
    pub images: &'a [f32],
    /// Height and width.
    pub sides: [usize; 2],
    /// Height and width that the image is enlarged to before, nearest neighbour; [`Patches::sides`] for none.
    pub enlarged: [usize; 2],
    /// Taps in both directions.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Zeros above and to the left.
    pub before: usize,
    /// Height and width of the result.
    pub out: [usize; 2],
}

/// The end of a product: `activation(product + bias + vector) + residual`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Finish<'a> {
    /// Vectors of the result's width; each is added to as many rows as there are for one.
    pub vector: Option<&'a [f32]>,
    /// A function of the sum.
    pub activation: Option<Activation>,
    /// Added last; as large as the result.
    pub residual: Option<&'a [f32]>,
}

impl Patches<'_> {
    /// Images and channels, where sizes fit.
    fn sizes(&self, depth: usize) -> Option<(usize, usize)> {
        let channels = depth.checked_div(self.kernel.checked_mul(self.kernel)?)?;
        let image = self.sides[0].checked_mul(self.sides[1])?.checked_mul(channels)?;
        let count = self.images.len().checked_div(image)?;
        let fits = self.stride > 0
            && channels * self.kernel * self.kernel == depth
            && count * image == self.images.len()
            && (self.enlarged[0] > 0 && self.enlarged[1] > 0);
        fits.then_some((count, channels))
    }

    /// Writes the values `from..from + to.len()` of a row.
    fn fill(&self, channels: usize, row: usize, mut from: usize, mut to: &mut [f32]) {
        let &Self { images, sides: [height, width], enlarged, kernel, stride, before, out } = self;
        let (image, y, x) = (row / out[1] / out[0], row / out[1] % out[0] * stride, row % out[1] * stride);
        let same = enlarged == [height, width];
        // Values of all taps of a line lie side by side, unless the image is enlarged.
        let run = if same { kernel * channels } else { channels };
        while !to.is_empty() {
            let (at, skipped) = (from / run, from % run);
            let count = to.len().min(run - skipped);
            let (now, rest) = to.split_at_mut(count);
            (to, from) = (rest, from + count);
            let (tap_y, tap_x) = if same { (at, 0) } else { (at / kernel, at % kernel) };
            let line = (y + tap_y).checked_sub(before).filter(|&line| line < enlarged[0]);
            let Some(line) = line else {
                now.fill(0.0);
                continue;
            };
            let line = if same { line } else { line * height / enlarged[0] };
            let line = &images[(image * height + line) * width * channels..][..width * channels];
            if !same {
                match (x + tap_x).checked_sub(before).filter(|&x| x < enlarged[1]) {
                    Some(x) => now.copy_from_slice(&line[x * width / enlarged[1] * channels + skipped..][..count]),
                    None => now.fill(0.0),
                }
                continue;
            }
            // The run begins `start − left` values into the line: before it where `left` is larger.
            let (start, left) = (x * channels + skipped, before * channels);
            let outside = left.saturating_sub(start).min(count);
            let first = (start + outside).saturating_sub(left).min(line.len());
            let inside = (count - outside).min(line.len() - first);
            now[..outside].fill(0.0);
            now[outside..outside + inside].copy_from_slice(&line[first..first + inside]);
            now[outside + inside..].fill(0.0);
        }
    }
}

impl Rows<'_> {
    /// Rows and channels, where sizes fit.
    fn sizes(&self, depth: usize) -> Option<(usize, usize)> {
        match self {
            Self::Matrix(values) => {
                let rows = values.len().checked_div(depth)?;
                (rows * depth == values.len()).then_some((rows, depth))
            }
            Self::Patches(patches) => {
                let (images, channels) = patches.sizes(depth)?;
                Some((images.checked_mul(patches.out[0])?.checked_mul(patches.out[1])?, channels))
            }
        }
    }
}

/// Writes `rows · weights`, ended as `finish` says, to `out` `[rows, width]`.
///
/// # Errors
/// If sizes do not fit.
pub fn product(rows: Rows, weights: &Weights, finish: Finish, out: &mut [f32]) -> Result<()> {
    product_by(rows, weights, finish, out, None)
}

/// A convolution by Winograd's way where `winograd`, else by the direct one; [`product`] chooses the faster one.
///
/// # Errors
/// If sizes do not fit, or Winograd's way is asked for and taps are not 3 × 3 with stride 1, or weights lie as pairs of bf16.
pub fn convolution_by(
    winograd: bool,
    patches: Patches,
    weights: &Weights,
    finish: Finish,
    out: &mut [f32],
) -> Result<()> {
    let possible =
        patches.kernel == 3 && patches.stride == 1 && !weights.gated && weights.set.half() != Some(Half::Bf16);
    if winograd && !possible {
        return Err(Error::Fit("Winograd's convolution"));
    }
    product_by(Rows::Patches(patches), weights, finish, out, Some(winograd))
}

fn product_by(rows: Rows, weights: &Weights, finish: Finish, out: &mut [f32], way: Option<bool>) -> Result<()> {
    let width = weights.width();
    let (m, channels) = rows.sizes(weights.depth).ok_or(Error::Fit("rows of a product"))?;
    let vectors = finish.vector.map_or(0, |vector| vector.len() / width.max(1));
    if m.checked_mul(width) != Some(out.len())
        || finish.residual.is_some_and(|residual| residual.len() != out.len())
        || finish.vector.is_some_and(|vector| vector.len() != vectors * width)
        || vectors > 0 && !m.is_multiple_of(vectors)
        || weights.gated && (finish.vector.is_some() || finish.activation.is_some() || finish.residual.is_some())
    {
        return Err(Error::Fit("the end of a product"));
    }
    if out.is_empty() {
        return Ok(());
    }
    let share = m / vectors.max(1);
    let ending = Ending { weights, finish, share };
    if let Rows::Patches(patches) = rows
        && way.unwrap_or_else(|| winograd::pays(&patches, channels, weights))
    {
        let images = m / (patches.out[0] * patches.out[1]);
        return winograd::convolve(patches, [images, channels], weights, finish, share, out);
    }
    if let Stored::Narrow(stored) = &weights.stored {
        return words::product(&rows, channels, m, stored.values(), ending, out);
    }
    let job = Job { rows, channels, m, ending };
    let panels = weights.columns.div_ceil(weights.set.panel());
    let height = ROWS.min(m.next_multiple_of(8));
    let blocks = m.div_ceil(height);
    let group = group(blocks, panels, (COLUMNS / weights.set.panel()).max(1), weights.gated);
    let groups = panels.div_ceil(group);
    let out = Shared::new(out);
    spread(blocks * groups, |task| {
        let (block, first) = (task / groups, task % groups * group);
        job.run(block * height..m.min((block + 1) * height), first..panels.min(first + group), &out);
    });
    Ok(())
}

/// Panels of a task, at most `most`: enough tasks for all threads, and panels of a task alike. Two panels hold whole pairs of
/// vectors, which values with gates need.
pub(crate) fn group(blocks: usize, panels: usize, most: usize, gated: bool) -> usize {
    let least_groups = panels.div_ceil(most);
    let groups = (TASKS * rayon::current_num_threads())
        .div_ceil(blocks)
        .clamp(least_groups, panels.div_ceil(2).max(least_groups));
    panels.div_ceil(groups).next_multiple_of(if gated { 2 } else { 1 })
}

struct Job<'a> {
    rows: Rows<'a>,
    channels: usize,
    m: usize,
    ending: Ending<'a>,
}

impl Job<'_> {
    /// Some rows times some panels.
    fn run(&self, rows: Range<usize>, panels: Range<usize>, out: &Shared<f32>) {
        let Weights { set, depth, columns, ref stored, .. } = *self.ending.weights;
        let panel = set.panel();
        let ldc = panels.len() * panel;
        assert!(rows.end <= self.m && panels.end * panel < columns + panel, "a part of the product");
        with_scratch(|scratch| {
            let a = scratch.a.room(rows.len() * DEPTH);
            let b = scratch.b.room(DEPTH * panel);
            let sums = scratch.c.room(rows.len() * ldc);
            for from in (0..depth).step_by(DEPTH) {
                let steps = DEPTH.min(depth - from);
                let left = match self.rows {
                    Rows::Matrix(values) => {
                        let values = &values[rows.start * depth + from..(rows.end - 1) * depth + from + steps];
                        Left { values: values.as_ptr(), stride: depth, rows: rows.len(), steps }
                    }
                    Rows::Patches(patches) => {
                        for (row, to) in rows.clone().zip(a.chunks_exact_mut(DEPTH)) {
                            patches.fill(self.channels, row, from, &mut to[..steps]);
                        }
                        Left { values: a.as_ptr(), stride: DEPTH, rows: rows.len(), steps }
                    }
                };
                for index in panels.clone() {
                    let width = (columns - index * panel).next_multiple_of(set.lanes()).min(panel);
                    let words = index * panel * depth + from * width..index * panel * depth + (from + steps) * width;
                    let block = match stored {
                        Stored::F32(stored) => &stored.values()[words],
                        Stored::F16(stored) => {
                            set.widen_f16(&stored.values()[words], &mut b[..steps * width]);
                            &b[..steps * width]
                        }
                        Stored::Bf16(stored) => {
                            set.widen_bf16(&stored.values()[words], &mut b[..steps * width]);
                            &b[..steps * width]
                        }
                        // (These have their own way.)
                        Stored::Narrow(_) => return,
                    };
                    let to = &mut sums[(index - panels.start) * panel..];
                    assert!(block.len() == steps * width && to.len() >= (rows.len() - 1) * ldc + width, "a block");
                    // SAFETY: the left operand has as many rows and steps, the block as many steps of `width` columns, and sums
                    // as many rows of at least as many, as was just checked.
                    unsafe {
                        let vectors = width / set.lanes();
                        set.product(left, vectors, block.as_ptr(), width, to.as_mut_ptr(), ldc, from == 0);
                    }
                }
            }
            if depth == 0 {
                sums.fill(0.0);
            }
            for (row, sums) in rows.zip(sums.chunks_exact(ldc)) {
                self.ending.write(row, panels.start * panel, sums, out);
            }
        });
    }
}

/// The end of a product's rows.
#[derive(Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub weights: &'a Weights,
    finish: Finish<'a>,
    /// Rows that share a vector.
    share: usize,
}

impl Ending<'_> {
    /// Ends the columns from `first` on of one row.
    pub(crate) fn write(&self, row: usize, first: usize, sums: &[f32], out: &Shared<f32>) {
        let Weights { set, columns, gated, ref bias, .. } = *self.weights;
        let width = self.weights.width();
        let count = sums.len().min(columns - first);
        let bias = bias.as_ref().map(|bias| &bias[first..first + count]);
        if gated {
            let count = (count / 2).min(width - first / 2);
            // SAFETY: every column of a row is written by one task.
            let out = unsafe { out.part(row * width + first / 2, count) };
            set.end_gated(sums, bias, out);
            return;
        }
        let vector = self.finish.vector.map(|vector| &vector[row / self.share * width + first..][..count]);
        let residual = self.finish.residual.map(|residual| &residual[row * width + first..][..count]);
        let end = End { bias, vector, residual, activation: self.finish.activation };
        // SAFETY: every column of a row is written by one task.
        let out = unsafe { out.part(row * width + first, count) };
        set.end(sums, &end, out);
    }
}
