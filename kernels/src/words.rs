//! Products whose operands have 16 bits: linear layers, and convolutions as sums of products, one for each tap.
//!
//! Some lines of the images at a time are rounded to words, with zeros around them and enlarged where that is asked for. In these lines,
//! put one after another, the pixels that a tap meets lie as far apart as the results that they belong to; so its left operand is a
//! matrix that lies there already, and no patch is ever copied. Results between an image's right edge and the next line's start come out
//! too, and are dropped. A matrix is an image of one column.
//!
//! Where a sum leaves the range of f16, the product is done again in f32, and is so from then on.

use crate::narrow::{Left, Narrow};
use crate::pack::Weights;
use crate::product::{Ending, Patches, Rows, group};
use crate::set::Set;
use crate::threads::{Aligned, Shared, spread, with_scratch};
use crate::tile::{self, VECTORS};
use crate::{Error, Result};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows of a task, about, and its columns, at most: of a linear layer, and of a convolution, whose weights are many for each row.
const LINEAR: [usize; 2] = [256, 384];
const CONVOLUTION: [usize; 2] = [512, 192];
/// Words of weights that all rows of a task are multiplied with before others are: 512 KiB, so that they stay in the second cache.
const HOT: usize = 128 << 10;
/// Steps whose weights are widened at a time.
const DEPTH: usize = 160;
/// Words of lines that are held at a time: 16 MiB.
const HELD: usize = 4 << 20;
/// Words that are worth a task of rounding.
const GRAIN: usize = 1 << 14;

thread_local! {
    /// Memory for lines, kept by the thread that calls.
    static LINES: RefCell<Aligned<u32>> = RefCell::default();
}

/// Writes `m` rows of a product with `stored` weights.
pub(crate) fn product(
    rows: &Rows,
    channels: usize,
    m: usize,
    stored: &[u16],
    ending: Ending,
    out: &mut [f32],
) -> Result<()> {
    let Weights { set, taps, .. } = *ending.weights;
    let Some(narrow) = set.narrow() else { return Err(Error::Fit("weights of 16 bits")) };
    let patches = match *rows {
        Rows::Matrix(images) => {
            let sides = [m, 1];
            Patches { images, sides, enlarged: sides, kernel: 1, stride: 1, before: 0, out: sides }
        }
        Rows::Patches(patches) => patches,
    };
    if taps != patches.kernel * patches.kernel {
        return Err(Error::Fit("taps of a convolution"));
    }
    let mut grid = Grid::new(patches, channels, m, narrow);
    grid.wide = ending.weights.overflows();
    if grid.write(stored, ending, out)? {
        return Ok(());
    }
    ending.weights.note_overflow();
    grid.wide = true;
    grid.write(stored, ending, out).map(|_| ())
}

/// Images as lines of words.
struct Grid<'a> {
    patches: Patches<'a>,
    channels: usize,
    narrow: &'static Narrow,
    /// Whether words are f32 instead.
    wide: bool,
    images: usize,
    /// Lines of results of an image, with those that are dropped; lines of words are `stride` times as many.
    lines: usize,
    /// Pixels of a line, of words and of results.
    width: usize,
    /// Words of a pixel.
    pixel: usize,
}

impl<'a> Grid<'a> {
    fn new(patches: Patches<'a>, channels: usize, m: usize, narrow: &'static Narrow) -> Self {
        let Patches { kernel, stride, before, enlarged, out, .. } = patches;
        // The side of an image with all that its taps meet.
        let side = |axis: usize| (before + enlarged[axis]).max((out[axis] - 1) * stride + kernel);
        Self {
            patches,
            channels,
            narrow,
            wide: false,
            images: m / (out[0] * out[1]),
            lines: side(0).div_ceil(stride),
            width: side(1),
            pixel: narrow.steps_of(channels),
        }
    }

    /// Writes the product; `false` where a sum has left the range of f16 (what was written then is of no use).
    fn write(&self, stored: &[u16], ending: Ending, out: &mut [f32]) -> Result<bool> {
        let Patches { stride, kernel, out: [_, results], .. } = self.patches;
        let total = self.images * self.lines;
        let at_once = (HELD / (stride * self.width * self.pixel).max(1)).clamp(1, total);
        let mut words = LINES.take();
        let out = Shared::new(out);
        let finite = AtomicBool::new(true);
        for first in (0..total).step_by(at_once) {
            let count = at_once.min(total - first);
            let rows = (count - 1) * self.width + results;
            let lines = stride * (count - 1) + kernel;
            // The last row's last tap, where rows are filled up to a tile's.
            let pixels = stride * (self.narrow.rows_of(rows) - 1) + (kernel - 1) * (self.width + 1) + 1;
            let room = pixels.max(lines * self.width).checked_mul(self.pixel);
            let room = room.and_then(|room| words.try_room(room)).ok_or(Error::OutOfMemory)?;
            self.round(first * stride, &mut room[..lines * self.width * self.pixel]);
            self.multiply(room, first, rows, stored, ending, &out, &finite);
        }
        LINES.set(words);
        Ok(finite.into_inner())
    }

    /// Rounds lines from `first` on, of all images put one under another.
    fn round(&self, first: usize, words: &mut [u32]) {
        let Patches { images, sides: [height, width], enlarged, stride, before, .. } = self.patches;
        let (channels, pixel) = (self.channels, self.pixel);
        let line_words = self.width * pixel;
        let some = GRAIN.div_ceil(line_words.max(1));
        let lines = words.len() / line_words.max(1);
        let words = Shared::new(words);
        spread(lines.div_ceil(some), |task| {
            for line in task * some..lines.min((task + 1) * some) {
                // SAFETY: every line is written by one task.
                let to = unsafe { words.part(line * line_words, line_words) };
                let (image, y) = ((first + line) / (self.lines * stride), (first + line) % (self.lines * stride));
                let y = y.checked_sub(before).filter(|&y| image < self.images && y < enlarged[0]);
                let Some(y) = y else {
                    to.fill(0);
                    continue;
                };
                let from =
                    &images[(image * height + y * height / enlarged[0]) * width * channels..][..width * channels];
                let inside = before * pixel..(before + enlarged[1]).min(self.width) * pixel;
                to[..inside.start].fill(0);
                to[inside.end..].fill(0);
                let inside = &mut to[inside];
                let whole = self.wide || channels.is_multiple_of(self.narrow.per_word());
                if enlarged[1] == width && whole && self.words(channels) == pixel {
                    let count = inside.len() / pixel * channels;
                    self.round_run(&from[..count], inside);
                    continue;
                }
                for (x, to) in inside.chunks_exact_mut(pixel).enumerate() {
                    self.round_run(&from[x * width / enlarged[1] * channels..][..channels], to);
                }
            }
        });
    }

    /// Words that some values take.
    fn words(&self, values: usize) -> usize {
        if self.wide { values } else { values.div_ceil(self.narrow.per_word()) }
    }

    fn round_run(&self, from: &[f32], to: &mut [u32]) {
        if !self.wide {
            return self.narrow.round(from, to);
        }
        to.fill(0);
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.to_bits();
        }
    }

    /// Multiplies `rows` results' pixels, from line `first` of results on, and ends those that lie in an image.
    #[expect(clippy::too_many_arguments, reason = "operands, results, and what is told of them")]
    fn multiply(
        &self,
        words: &[u32],
        first: usize,
        rows: usize,
        stored: &[u16],
        ending: Ending,
        out: &Shared<f32>,
        finite: &AtomicBool,
    ) {
        let Weights { columns, taps, gated, .. } = *ending.weights;
        let panels = columns.div_ceil(self.narrow.panel());
        // Blocks alike, of whole tiles.
        let [most_rows, most_columns] = if taps > 1 { CONVOLUTION } else { LINEAR };
        let blocks = rows.div_ceil(most_rows);
        let height = rows.div_ceil(blocks).next_multiple_of(16);
        let blocks = rows.div_ceil(height);
        let group = group(blocks, panels, (most_columns / self.narrow.panel()).max(1), gated);
        let groups = panels.div_ceil(group);
        spread(blocks * groups, |task| {
            let (block, from) = (task / groups, task % groups * group);
            let some = block * height..rows.min((block + 1) * height);
            let chosen = from..panels.min(from + group);
            if !self.narrow.with(|| self.run(words, first, some, chosen, stored, ending, out)) {
                finite.store(false, Ordering::Relaxed);
            }
        });
    }

    /// Some rows times some panels; `false` where a sum is no number that f16's range could hold.
    #[expect(clippy::too_many_arguments, reason = "operands, results, and their places")]
    fn run(
        &self,
        words: &[u32],
        first: usize,
        rows: Range<usize>,
        panels: Range<usize>,
        stored: &[u16],
        ending: Ending,
        out: &Shared<f32>,
    ) -> bool {
        let Weights { set, columns, taps, .. } = *ending.weights;
        let Patches { stride, kernel, out: [height, width], .. } = self.patches;
        let (narrow, panel, pixel) = (self.narrow, self.narrow.panel(), self.pixel);
        let ldc = panels.len() * panel;
        with_scratch(|scratch| {
            let filled_up = narrow.rows_of(rows.len());
            let sums = scratch.c.room(filled_up * ldc);
            let block = scratch.b.room(if self.wide { DEPTH * panel } else { 0 });
            let words = &words[stride * rows.start * pixel..];
            let stride = stride * pixel;
            let offsets: Vec<usize> = (0..taps).map(|tap| (tap / kernel * self.width + tap % kernel) * pixel).collect();
            let last = (filled_up - 1) * stride + offsets.last().map_or(0, |last| last + pixel);
            assert!(words.len() >= last, "rows of a left operand");
            // Taps whose weights stay in the second cache.
            let some = (HOT / (pixel * narrow.words_of(panel)).max(1)).clamp(1, taps.max(1));
            for (at, offsets) in offsets.chunks(some).enumerate() {
                for index in panels.clone() {
                    let width = (columns - index * panel).next_multiple_of(narrow.lanes()).min(panel);
                    let step = narrow.words_of(width);
                    // (In halves, two of which are a word.)
                    let start = 2 * pixel * (index * taps * narrow.words_of(panel) + at * some * step);
                    let right = &stored[start..start + 2 * offsets.len() * pixel * step];
                    let to = &mut sums[(index - panels.start) * panel..];
                    assert!(to.len() >= (filled_up - 1) * ldc + width, "rows of sums");
                    if self.wide {
                        self.multiply_wide(
                            words,
                            stride,
                            rows.len(),
                            offsets,
                            right,
                            width,
                            block,
                            set,
                            to,
                            ldc,
                            at == 0,
                        );
                        continue;
                    }
                    let left = Left { values: words.as_ptr(), stride, rows: rows.len(), steps: pixel, offsets };
                    let (vectors, right) = (width / narrow.lanes(), right.as_ptr().cast());
                    // SAFETY: the left operand and the sums have as many rows, filled up, as was checked, and the right one has as
                    // many steps; weights lie on a boundary of a cache line, as do their panels and steps.
                    unsafe { narrow.product(left, vectors, right, step, to.as_mut_ptr(), ldc, at == 0) };
                }
            }
            if taps * pixel == 0 {
                sums.fill(0.0);
            }
            let in_range = self.wide || narrow.holds(&sums[..rows.len() * ldc]);
            for (row, sums) in rows.zip(sums.chunks_exact(ldc)) {
                let (line, x) = (first + row / self.width, row % self.width);
                let (image, y) = (line / self.lines, line % self.lines);
                if y < height && x < width {
                    ending.write((image * height + y) * width + x, panels.start * panel, sums, out);
                }
            }
            in_range
        })
    }

    /// As [`Narrow::product`], where words are f32: their weights are widened, some steps at a time.
    #[expect(clippy::too_many_arguments, reason = "operands, results, and their sizes")]
    fn multiply_wide(
        &self,
        words: &[u32],
        stride: usize,
        rows: usize,
        offsets: &[usize],
        right: &[u16],
        width: usize,
        block: &mut [f32],
        set: &'static Set,
        to: &mut [f32],
        ldc: usize,
        first: bool,
    ) {
        for (at, offset) in offsets.iter().enumerate() {
            for from in (0..self.pixel).step_by(DEPTH) {
                let steps = DEPTH.min(self.pixel - from);
                let block = &mut block[..steps * width];
                set.widen_f16(&right[(at * self.pixel + from) * width..][..block.len()], block);
                let left = &words[offset + from..];
                assert!(left.len() >= (rows - 1) * stride + steps, "rows of a left operand");
                let left = tile::Left { values: left.as_ptr().cast(), stride, rows, steps };
                let vectors = width / set.lanes();
                for vector in (0..vectors).step_by(VECTORS) {
                    let skipped = vector * set.lanes();
                    let new = first && at == 0 && from == 0;
                    assert!(to.len() >= (rows - 1) * ldc + width, "rows of sums");
                    // SAFETY: the left operand and the sums have as many rows, and the block as many steps, as was checked; words are f32.
                    unsafe {
                        let (block, to) = (block.as_ptr().add(skipped), to.as_mut_ptr().add(skipped));
                        set.product(left, VECTORS.min(vectors - vector), block, width, to, ldc, new);
                    }
                }
            }
        }
    }
}
