//! Winograd's convolution F(4×4, 3×3) for stride 1 (Lavin and Gray 2015): a tile of 4 × 4 results takes 36 products a channel
//! where the direct way takes 144. In f32 its error is some 2e-6.
//!
//! Inputs are taken to points for some tiles at a time (`Bᵀ·d·B`); then each task takes a panel of weights to points (`G·g·Gᵀ`),
//! some channels at a time and straight from their 16 bits, multiplies point by point, and takes its sums to results (`Aᵀ·m·A`).
//! Transformed weights are stored nowhere: they would be four times as large in f32, eight times as 16 bits.

use crate::loops::End;
use crate::narrow::Half;
use crate::pack::{Stored, Weights};
use crate::product::{Finish, Patches};
use crate::simd::Simd;
use crate::threads::{Aligned, Shared, spread, with_scratch};
use crate::tile::Left;
use crate::{Error, Result};
use std::cell::RefCell;
use std::ops::Range;

/// Results of a tile along a side.
const SIDE: usize = 4;
/// Points of a tile.
const POINTS: usize = 36;
/// Tiles of a task, at most: as many share one transformation of weights.
const TILES: usize = 64;
/// Channels whose weights are taken to points at a time.
const DEPTH: usize = 80;
/// Values of inputs at points that are held at a time, for all tasks: 8 MiB, so that they stay in the last
/// cache.
const HELD: usize = 2 << 20;

/// The distance of points that hold `count` values each: a cache line more than whole pages, so that the same value of all
/// points does not compete for one place in the cache.
fn apart(count: usize) -> usize {
    count.next_multiple_of(1024) + 16
}

thread_local! {
    /// Memory for inputs at points, kept by the thread that calls.
    static INPUTS: RefCell<Aligned<f32>> = RefCell::default();
}

/// True where a convolution of this shape is faster this way, by a count of multiplications in which the transformations have
/// measured weights.
pub(crate) fn pays(patches: &Patches, channels: usize, weights: &Weights) -> bool {
    let outputs = weights.outputs;
    if patches.kernel != 3 || patches.stride != 1 || channels < 16 || outputs < 16 || weights.gated {
        return false;
    }
    let rate = match weights.set.half() {
        None => 1.0,
        Some(Half::F16) => F16_RATE,
        // (AMX is faster the direct way, and pairs are not unpacked for the others.)
        Some(Half::Bf16) => return false,
    };
    let [height, width] = patches.out;
    let tiles = height.div_ceil(SIDE) * width.div_ceil(SIDE);
    let (weights, inputs) = ((channels * outputs) as f64, (tiles * (channels + outputs)) as f64);
    let direct = (height * width * 9) as f64 * weights;
    let chunks = tiles.div_ceil(TILES) as f64;
    (tiles * POINTS) as f64 * weights + chunks * WEIGHT_COST * weights + INPUT_COST * inputs < direct / rate
}

/// Multiplications of f16 in the time of one of f32.
const F16_RATE: f64 = 1.5;

/// Multiplications that take as long as the transformation of one weight.
const WEIGHT_COST: f64 = 350.0;
/// Multiplications that take as long as the transformation of one channel of one tile, there or back.
const INPUT_COST: f64 = 800.0;

struct Job<'a> {
    patches: Patches<'a>,
    weights: &'a Weights,
    finish: Finish<'a>,
    channels: usize,
    /// Rows that share a vector.
    share: usize,
    /// Tiles of a line, and of an image.
    across: usize,
    per_image: usize,
}

/// Writes the convolution of `images` images, whose sizes were checked.
pub(crate) fn convolve(
    patches: Patches,
    [images, channels]: [usize; 2],
    weights: &Weights,
    finish: Finish,
    share: usize,
    out: &mut [f32],
) -> Result<()> {
    let [height, width] = patches.out;
    let (down, across) = (height.div_ceil(SIDE), width.div_ceil(SIDE));
    let job = Job { patches, weights, finish, channels, share, across, per_image: down * across };
    let tiles = images * job.per_image;
    let panel = weights.set.panel();
    let panels = weights.columns.div_ceil(panel);
    let at_once = (HELD / (POINTS * channels)).clamp(1, tiles);
    // Tasks of equal size, and enough of them for all threads.
    let tasks = at_once.div_ceil(TILES).max(rayon::current_num_threads().div_ceil(panels).min(at_once));
    let per_task = at_once.div_ceil(tasks).min(TILES);
    let mut inputs = INPUTS.take();
    let out = Shared::new(out);
    for first in (0..tiles).step_by(at_once) {
        let count = at_once.min(tiles - first);
        let points = inputs.try_room(POINTS * apart(count * channels)).ok_or(Error::OutOfMemory)?;
        let shared = Shared::new(points);
        spread(count, |tile| job.take_in(first + tile, tile * channels, apart(count * channels), &shared));
        let blocks = count.div_ceil(per_task);
        let points = &*points;
        spread(blocks * panels, |task| {
            let (block, panel) = (task % blocks, task / blocks);
            let some = block * per_task..count.min((block + 1) * per_task);
            job.run(points, count, some, first, panel, &out);
        });
    }
    INPUTS.set(inputs);
    Ok(())
}

impl Job<'_> {
    /// Image, and place of the first result, of a tile.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let within = tile % self.per_image;
        (tile / self.per_image, within / self.across * SIDE, within % self.across * SIDE)
    }

    /// Takes one tile's inputs to points, which lie `step` values apart.
    fn take_in(&self, tile: usize, at: usize, step: usize, points: &Shared<f32>) {
        let Patches { images, sides: [height, width], enlarged, before, .. } = self.patches;
        let (image, y, x) = self.place(tile);
        let channels = self.channels;
        let mut pixels: [Option<&[f32]>; POINTS] = [None; POINTS];
        for (index, pixel) in pixels.iter_mut().enumerate() {
            let inside = |at: usize, side: usize| at.checked_sub(before).filter(|&at| at < side);
            let line = inside(y + index / 6, enlarged[0]).map(|line| line * height / enlarged[0]);
            let column = inside(x + index % 6, enlarged[1]).map(|column| column * width / enlarged[1]);
            if let (Some(line), Some(column)) = (line, column) {
                *pixel =
                    images.get(((image * height + line) * width + column) * channels..).and_then(|x| x.get(..channels));
            }
        }
        // SAFETY: every tile writes its own channels of every point.
        let mut to = std::array::from_fn(|point| unsafe { points.part(at + point * step, channels) });
        self.weights.set.to_points(&pixels, &mut to);
    }

    /// Multiplies tiles `some` of `count` with one panel, and writes their results. `first` is the place of the first of all.
    fn run(&self, points: &[f32], count: usize, some: Range<usize>, first: usize, panel: usize, out: &Shared<f32>) {
        let Weights { set, columns, .. } = *self.weights;
        let (channels, tiles) = (self.channels, some.len());
        let from_column = panel * set.panel();
        let width = (columns - from_column).next_multiple_of(set.lanes()).min(set.panel());
        with_scratch(|scratch| {
            let taps = scratch.a.room(9 * DEPTH * width);
            let block = scratch.b.room(POINTS * apart(DEPTH * width));
            let of_sums = apart(tiles * width);
            let sums = scratch.c.room(POINTS * of_sums);
            for from in (0..channels).step_by(DEPTH) {
                let steps = DEPTH.min(channels - from);
                for tap in 0..9 {
                    let to = &mut taps[tap * steps * width..][..steps * width];
                    self.widen(tap * channels + from, from_column, width, to);
                }
                let size = steps * width;
                let step = apart(size);
                set.weights_to_points(&taps[..9 * size], step, block);
                for point in 0..POINTS {
                    let a = &points[point * apart(count * channels) + some.start * channels + from..]
                        [..(tiles - 1) * channels + steps];
                    let b = &block[point * step..][..size];
                    let c = &mut sums[point * of_sums..][..tiles * width];
                    let left = Left { values: a.as_ptr(), stride: channels, rows: tiles, steps };
                    // SAFETY: the three slices are as long as these sizes say.
                    unsafe {
                        let vectors = width / set.lanes();
                        set.product(left, vectors, b.as_ptr(), width, c.as_mut_ptr(), width, from == 0);
                    }
                }
            }
            let results = scratch.d.room(SIDE * SIDE * width);
            for (index, tile) in some.enumerate() {
                set.to_results(&sums[index * width..], of_sums, width, results);
                self.end(first + tile, from_column, width, results, out);
            }
        });
    }

    /// Widens weights of `width` columns from `column` on, a panel's at most, for as many steps from `from` on as there is room for.
    fn widen(&self, from: usize, column: usize, width: usize, to: &mut [f32]) {
        let Weights { set, depth, columns, ref stored, .. } = *self.weights;
        let start = column * depth + from * width;
        let words = start..start + to.len();
        match stored {
            Stored::F16(stored) => set.widen_f16(&stored.values()[words], to),
            Stored::Bf16(stored) => set.widen_bf16(&stored.values()[words], to),
            Stored::F32(stored) => to.copy_from_slice(&stored.values()[words]),
            // f16, in panels of several of these.
            Stored::Narrow(stored) => {
                let Some(narrow) = set.narrow() else { return };
                let (first, within) = (column / narrow.panel() * narrow.panel(), column % narrow.panel());
                let whole = (columns - first).next_multiple_of(narrow.lanes()).min(narrow.panel());
                for (step, to) in (from..).zip(to.chunks_exact_mut(width)) {
                    let start = first * depth + step * whole + within;
                    set.widen_f16(&stored.values()[start..start + width], to);
                }
            }
        }
    }

    /// Ends the results of one tile, those of them that lie in the image.
    fn end(&self, tile: usize, column: usize, width: usize, results: &[f32], out: &Shared<f32>) {
        let Weights { set, outputs, ref bias, .. } = *self.weights;
        let [height, line] = self.patches.out;
        let (image, y, x) = self.place(tile);
        let count = width.min(outputs - column);
        let bias = bias.as_ref().map(|bias| &bias[column..column + count]);
        for (pixel, sums) in results.chunks_exact(width).enumerate() {
            let (y, x) = (y + pixel / SIDE, x + pixel % SIDE);
            if y >= height || x >= line {
                continue;
            }
            let row = (image * height + y) * line + x;
            let vector = self.finish.vector.map(|vector| &vector[row / self.share * outputs + column..][..count]);
            let residual = self.finish.residual.map(|residual| &residual[row * outputs + column..][..count]);
            let end = End { bias, vector, residual, activation: self.finish.activation };
            // SAFETY: every pixel's columns are written by one task.
            set.end(sums, &end, unsafe { out.part(row * outputs + column, count) });
        }
    }
}

/// Rows of `Bᵀ` times six vectors.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
unsafe fn input<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
    // SAFETY: passed on.
    unsafe {
        let (four, five, two) = (S::splat(4.0), S::splat(-5.0), S::splat(2.0));
        let minus_four = S::splat(-4.0);
        let even = S::fma(d[2], minus_four, d[4]);
        let odd = S::fma(d[1], minus_four, d[3]);
        let near = S::sub(d[4], d[2]);
        let far = S::mul(S::sub(d[3], d[1]), two);
        [
            S::fma(d[0], four, S::fma(d[2], five, d[4])),
            S::add(even, odd),
            S::sub(even, odd),
            S::add(near, far),
            S::sub(near, far),
            S::fma(d[1], four, S::fma(d[3], five, d[5])),
        ]
    }
}

/// Rows of `G` times three vectors.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
unsafe fn weight<S: Simd>(g: [S::V; 3]) -> [S::V; 6] {
    // SAFETY: passed on.
    unsafe {
        let (sixth, twelfth) = (S::splat(1.0 / 6.0), S::splat(1.0 / 12.0));
        let outer = S::mul(S::add(g[0], g[2]), S::splat(-1.0 / 6.0));
        let inner = S::mul(g[1], sixth);
        let large = S::fma(g[0], S::splat(1.0 / 24.0), S::mul(g[2], sixth));
        let middle = S::mul(g[1], twelfth);
        [
            S::mul(g[0], S::splat(0.25)),
            S::sub(outer, inner),
            S::add(outer, inner),
            S::add(large, middle),
            S::sub(large, middle),
            g[2],
        ]
    }
}

/// Rows of `Aᵀ` times six vectors.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
unsafe fn output<S: Simd>(m: [S::V; 6]) -> [S::V; 4] {
    // SAFETY: passed on.
    unsafe {
        let (near, near_odd) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
        let (far, far_odd) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
        [
            S::add(S::add(m[0], near), far),
            S::fma(far_odd, S::splat(2.0), near_odd),
            S::fma(far, S::splat(4.0), near),
            S::add(S::fma(far_odd, S::splat(8.0), near_odd), m[5]),
        ]
    }
}

/// Six by six pixels (zeros where there is none), all of their channels, to as many points.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
pub(crate) unsafe fn to_points<S: Simd>(pixels: &[Option<&[f32]>; POINTS], points: &mut [&mut [f32]; POINTS]) {
    let channels = points[0].len();
    let fits = pixels.iter().all(|pixel| pixel.is_none_or(|pixel| pixel.len() == channels));
    assert!(fits && points.iter().all(|point| point.len() == channels), "{channels} channels");
    for i in (0..channels).step_by(S::LANES) {
        let rest = channels - i;
        // SAFETY: all slices hold `channels` values, and no more than those from `i` on are touched.
        unsafe {
            let mut half = [[S::splat(0.0); 6]; 6];
            for x in 0..6 {
                let mut column = [S::splat(0.0); 6];
                for y in 0..6 {
                    if let Some(pixel) = pixels[y * 6 + x] {
                        column[y] = S::load_first(pixel.as_ptr().add(i), rest);
                    }
                }
                let column = input::<S>(column);
                for y in 0..6 {
                    half[y][x] = column[y];
                }
            }
            for y in 0..6 {
                let row = input::<S>(half[y]);
                for x in 0..6 {
                    S::store_first(points[y * 6 + x].as_mut_ptr().add(i), rest, row[x]);
                }
            }
        }
    }
}

/// Nine taps of as many weights each, a multiple of a vector, to 36 points, `step` values apart.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "indices run over rows and columns of small matrices")]
pub(crate) unsafe fn weights_to_points<S: Simd>(taps: &[f32], step: usize, points: &mut [f32]) {
    let size = taps.len() / 9;
    assert!(taps.len() == 9 * size && size.is_multiple_of(S::LANES), "whole vectors");
    assert!(size <= step && points.len() >= POINTS * step, "{size} values at each point");
    for i in (0..size).step_by(S::LANES) {
        // SAFETY: a vector from `i` on lies in every tap and every point, as was checked.
        unsafe {
            let mut half = [[S::splat(0.0); 3]; 6];
            for x in 0..3 {
                let tap = |y: usize| taps.as_ptr().add((y * 3 + x) * size + i);
                let column = weight::<S>([S::load(tap(0)), S::load(tap(1)), S::load(tap(2))]);
                for y in 0..6 {
                    half[y][x] = column[y];
                }
            }
            for y in 0..6 {
                let row = weight::<S>(half[y]);
                for x in 0..6 {
                    S::store(points.as_mut_ptr().add((y * 6 + x) * step + i), row[x]);
                }
            }
        }
    }
}

/// Sums at 36 points, `step` values apart, to 4 × 4 results of `width` columns, a multiple of a vector.
///
/// # Safety
/// The processor has the set's instructions.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "indices run over rows and columns of small matrices")]
pub(crate) unsafe fn to_results<S: Simd>(sums: &[f32], step: usize, width: usize, results: &mut [f32]) {
    assert!(
        width.is_multiple_of(S::LANES) && sums.len() >= 35 * step + width && results.len() >= SIDE * SIDE * width,
        "{width} columns"
    );
    for i in (0..width).step_by(S::LANES) {
        // SAFETY: a vector from `i` on lies in every point and every result, as was checked.
        unsafe {
            let mut half = [[S::splat(0.0); 6]; SIDE];
            for x in 0..6 {
                let mut column = [S::splat(0.0); 6];
                for y in 0..6 {
                    column[y] = S::load(sums.as_ptr().add((y * 6 + x) * step + i));
                }
                let column = output::<S>(column);
                for y in 0..SIDE {
                    half[y][x] = column[y];
                }
            }
            for y in 0..SIDE {
                let row = output::<S>(half[y]);
                for x in 0..SIDE {
                    S::store(results.as_mut_ptr().add((y * SIDE + x) * width + i), row[x]);
                }
            }
        }
    }
}
