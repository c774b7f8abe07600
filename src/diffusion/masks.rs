//! Latent masks: painted masks on the latent grid.

use super::windows::Window;
use std::ops::Range;

/// A plane of bytes that is read row by row.
pub trait Rows {
    /// Copies row `y` to `out`, which has its length.
    fn read_row(&self, y: usize, out: &mut [u8]);
}

impl Rows for Vec<u8> {
    fn read_row(&self, y: usize, out: &mut [u8]) {
        out.copy_from_slice(&self[y * out.len()..][..out.len()]);
    }
}

/// Coverage of one region on the canvas: `height` rows of `width` bytes from 0 to 255.
#[derive(Clone, Copy)]
pub struct Coverage<'a> {
    /// Columns, in canvas pixels.
    pub width: usize,
    /// Rows, in canvas pixels.
    pub height: usize,
    /// The bytes.
    pub rows: &'a dyn Rows,
}

/// A mask on the latent grid, 0 to 1 a cell. Only its bounding box is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentMask {
    height: usize,
    width: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    /// The cells of the box, row by row.
    data: Vec<f32>,
}

impl LatentMask {
    /// A mask from `height * width` cells, row by row.
    ///
    /// # Panics
    /// Where there are fewer cells.
    #[must_use]
    pub fn new(height: usize, width: usize, cells: &[f32]) -> Self {
        let (mut rows, mut columns) = (height..0, width..0);
        for y in 0..height {
            let row = &cells[y * width..][..width];
            let Some(first) = row.iter().position(|&m| m != 0.0) else { continue };
            let last = row.iter().rposition(|&m| m != 0.0).unwrap_or(first);
            rows = rows.start.min(y)..y + 1;
            columns = columns.start.min(first)..columns.end.max(last + 1);
        }
        if rows.is_empty() {
            (rows, columns) = (0..0, 0..0);
        }
        let data = rows.clone().flat_map(|y| &cells[y * width..][columns.clone()]).copied().collect();
        Self { height, width, rows, columns, data }
    }

    /// A mask that covers nothing.
    #[must_use]
    pub fn empty(height: usize, width: usize) -> Self {
        Self { height, width, rows: 0..0, columns: 0..0, data: Vec::new() }
    }

    /// Rows of the grid.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of the grid.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// True where it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// All cells, row by row.
    #[must_use]
    pub fn cells(&self) -> Vec<f32> {
        let mut cells = vec![0.0; self.height * self.width];
        self.add_to(&mut cells);
        cells
    }

    /// Adds it to a plane of its size.
    pub fn add_to(&self, plane: &mut [f32]) {
        for (y, row) in self.rows.clone().zip(self.data.chunks_exact(self.columns.len().max(1))) {
            for (sum, m) in plane[y * self.width..][self.columns.clone()].iter_mut().zip(row) {
                *sum += m;
            }
        }
    }

    /// Its cells in a window; `None` where all are 0.
    #[must_use]
    pub fn crop(&self, window: &Window) -> Option<Vec<f32>> {
        if !window.touches(&self.rows, &self.columns, self.height, self.width) {
            return None;
        }
        let mut out = vec![0.0; window.area()];
        let mut any = false;
        window.for_each_run(self.height, self.width, |to, from, n| {
            let (y, x) = (from / self.width, from % self.width);
            let (first, end) = (x.max(self.columns.start), (x + n).min(self.columns.end));
            if self.rows.contains(&y) && first < end {
                let at = (y - self.rows.start) * self.columns.len() + first - self.columns.start;
                let run = &self.data[at..at + end - first];
                out[to + first - x..to + end - x].copy_from_slice(run);
                any |= run.iter().any(|&m| m != 0.0);
            }
        });
        any.then_some(out)
    }
}

/// Treatment of overlapping regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// Upper regions cover lower ones, so that in every cell all masks sum to 1.
    #[default]
    Order,
    /// Each keeps its mask, and predictions are averaged (the paper's equation 8 with overlapping masks).
    Average,
}

/// The latent masks of the background (first) and of `regions` (lowest first). The background takes the rest; each cell is the
/// mean of the `factor`² pixels under it. In every cell the masks sum to 1 or more.
///
/// A canvas whose sides are no multiples of `factor` has a last row or column of cells that is only partly on it.
#[must_use]
pub fn latent_masks(
    width: usize,
    height: usize,
    factor: usize,
    regions: &[Coverage<'_>],
    overlap: Overlap,
) -> Vec<LatentMask> {
    let (w, h) = (width.div_ceil(factor), height.div_ceil(factor));
    let mut cells = vec![vec![0.0_f32; w * h]; regions.len() + 1];
    let (mut left, mut pixels) = (vec![1.0_f32; width], vec![0; width]);
    // Row by row, so that a canvas of any size needs memory for one row.
    for y in 0..height {
        left.fill(1.0);
        let row = y / factor * w..(y / factor + 1) * w;
        for (region, cells) in regions.iter().zip(&mut cells[1..]).rev() {
            region.rows.read_row(y, &mut pixels);
            if pixels.iter().all(|&m| m == 0) {
                continue;
            }
            let cells = &mut cells[row.clone()];
            for ((pixels, left), sum) in pixels.chunks(factor).zip(left.chunks_mut(factor)).zip(cells) {
                for (&m, left) in pixels.iter().zip(left) {
                    let m = f32::from(m) / 255.0;
                    let seen = match overlap {
                        Overlap::Order => *left * m,
                        Overlap::Average => m,
                    };
                    *left = (*left - seen).max(0.0);
                    *sum += seen;
                }
            }
        }
        for (left, sum) in left.chunks(factor).zip(&mut cells[0][row]) {
            *sum += left.iter().sum::<f32>();
        }
    }
    let pixels = |cell: usize| {
        let (cx, cy) = (cell % w, cell / w);
        factor.min(width - cx * factor) * factor.min(height - cy * factor)
    };
    for cells in &mut cells {
        cells.iter_mut().enumerate().for_each(|(cell, sum)| *sum /= pixels(cell) as f32);
    }
    cells.into_iter().map(|cells| LatentMask::new(h, w, &cells)).collect()
}

/// The mask with its edge blurred by `radius` pixels to either side: three box filters one after the other, nearly a Gaussian,
/// which reach exactly that far. The blur continues over the edges of wrapped axes (x, y); at other edges the border pixel is
/// repeated. Row by row.
#[must_use]
pub fn feathered(coverage: Coverage<'_>, radius: usize, wrap: (bool, bool)) -> Vec<u8> {
    let Coverage { width, height, rows } = coverage;
    let mut out = vec![0; width * height];
    out.chunks_exact_mut(width.max(1)).enumerate().for_each(|(y, row)| rows.read_row(y, row));
    if radius == 0 {
        return out;
    }
    let mut blur = LineBlur::new(radius);
    for row in out.chunks_exact_mut(width.max(1)).filter(|row| row.iter().any(|&m| m != 0)) {
        blur.line(row, wrap.0);
    }
    let mut column = vec![0; height];
    for x in 0..width {
        column.iter_mut().zip(out.iter().skip(x).step_by(width)).for_each(|(to, from)| *to = *from);
        if column.iter().any(|&m| m != 0) {
            blur.line(&mut column, wrap.1);
            out.iter_mut().skip(x).step_by(width).zip(&column).for_each(|(to, from)| *to = *from);
        }
    }
    out
}

/// Three box filters over a row or column.
struct LineBlur {
    radius: usize,
    boxes: [usize; 3],
    room: [Vec<u64>; 2],
}

impl LineBlur {
    fn new(radius: usize) -> Self {
        Self { radius, boxes: [radius.div_ceil(3), (radius + 1) / 3, radius / 3], room: [Vec::new(), Vec::new()] }
    }

    fn line(&mut self, line: &mut [u8], wrap: bool) {
        let [from, to] = &mut self.room;
        let (n, r) = (line.len(), self.radius);
        from.clear();
        // The line, continued by `r` pixels beyond its ends.
        from.extend((0..n + 2 * r).map(|i| {
            let at = if wrap { (i + n * r - r) % n } else { i.saturating_sub(r).min(n - 1) };
            u64::from(line[at])
        }));
        let mut scale = 1;
        for side in self.boxes {
            to.clear();
            let full = 2 * side + 1;
            let mut sum: u64 = from[..full].iter().sum();
            to.push(sum);
            for i in full..from.len() {
                sum = sum + from[i] - from[i - full];
                to.push(sum);
            }
            scale *= full as u64;
            std::mem::swap(from, to);
        }
        for (out, sum) in line.iter_mut().zip(from.iter()) {
            *out = ((sum + scale / 2) / scale) as u8;
        }
    }
}

/// Freedom of each cell to change, so that `mask` is painted anew and the rest is kept: 1 inside it, falling evenly to 0 over
/// `margin` cells around it.
#[must_use]
pub fn spread(mask: &LatentMask, margin: usize, wrap: (bool, bool)) -> Vec<f32> {
    let (height, width) = (mask.height, mask.width);
    let mut out: Vec<f32> = mask.cells().into_iter().map(|m| f32::from(u8::from(m > 0.0))).collect();
    // Each cell takes the value of its highest neighbour, less one step of the fall.
    let fall = 1.0 / (margin + 1) as f32;
    let near = |at: usize, n: usize, wrap: bool| {
        let before = if at > 0 {
            at - 1
        } else if wrap {
            n - 1
        } else {
            0
        };
        let after = if at + 1 < n {
            at + 1
        } else if wrap {
            0
        } else {
            at
        };
        [before, at, after]
    };
    for _ in 0..margin {
        let last = out.clone();
        for y in 0..height {
            for x in 0..width {
                for ny in near(y, height, wrap.1) {
                    for nx in near(x, width, wrap.0) {
                        let value = last[ny * width + nx] - fall;
                        let cell = &mut out[y * width + x];
                        // A rounding residue at the end of the fall must not stay above 0.
                        if value > fall / 2.0 {
                            *cell = cell.max(value);
                        }
                    }
                }
            }
        }
    }
    out
}

/// The masks of the released region_based.py: thresholded at 0.5, sampled nearest (torch's rule), the background 1 − their sum,
/// at least 0.
#[must_use]
pub fn reference_masks(width: usize, height: usize, factor: usize, regions: &[Coverage<'_>]) -> Vec<LatentMask> {
    let (w, h) = (width / factor, height / factor);
    let mut masks = vec![vec![1.0_f32; w * h]];
    for region in regions {
        let (mut mask, mut pixels) = (vec![0.0; w * h], vec![0; width]);
        for cy in 0..h {
            // torch's nearest: floor(cell * input / output), in f32.
            region.rows.read_row(nearest(cy, height, h), &mut pixels);
            for cx in 0..w {
                let x = nearest(cx, width, w);
                let on = f32::from(pixels[x]) / 255.0 >= 0.5;
                mask[cy * w + cx] = f32::from(u8::from(on));
            }
        }
        for (background, m) in masks[0].iter_mut().zip(&mask) {
            *background -= m;
        }
        masks.push(mask);
    }
    for background in &mut masks[0] {
        *background = background.max(0.0);
    }
    masks.iter().map(|mask| LatentMask::new(h, w, mask)).collect()
}

fn nearest(cell: usize, input: usize, output: usize) -> usize {
    let scale = input as f32 / output as f32;
    ((cell as f32 * scale).floor() as usize).min(input - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(width: usize, height: usize, data: &Vec<u8>) -> Coverage<'_> {
        Coverage { width, height, rows: data }
    }

    #[test]
    fn upper_regions_cover_lower_ones_or_all_are_averaged() {
        let lower = vec![255_u8; 16 * 8];
        let mut upper = vec![0_u8; 16 * 8];
        for row in upper.chunks_mut(16) {
            row[8..12].fill(255);
        }
        let regions = [view(16, 8, &lower), view(16, 8, &upper)];
        let cells =
            |overlap| latent_masks(16, 8, 8, &regions, overlap).iter().map(LatentMask::cells).collect::<Vec<_>>();
        assert_eq!(cells(Overlap::Order), [[0.0, 0.0], [1.0, 0.5], [0.0, 0.5]]);
        assert_eq!(cells(Overlap::Average), [[0.0, 0.0], [1.0, 1.0], [0.0, 0.5]]);
    }

    #[test]
    fn a_stroke_of_one_pixel_survives_and_a_canvas_off_the_grid_is_covered() {
        let mut data = vec![0_u8; 20 * 9];
        data[19] = 255;
        let masks = latent_masks(20, 9, 8, &[view(20, 9, &data)], Overlap::Order);
        assert_eq!(masks[0].cells().len(), 3 * 2);
        assert!((masks[1].cells()[2] - 1.0 / 32.0).abs() < 1e-6, "{masks:?}");
        for (a, b) in masks[0].cells().iter().zip(masks[1].cells()) {
            assert!((a + b - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_crop_is_that_of_all_cells_whatever_the_box() {
        let (height, width) = (7, 9);
        for wrap in [(false, false), (true, true)] {
            for (rows, columns) in [(0..7, 0..9), (2..4, 3..8), (0..1, 8..9), (6..7, 0..1), (0..0, 0..0)] {
                let cells: Vec<f32> = (0..height * width)
                    .map(|i| {
                        let inside = rows.contains(&(i / width)) && columns.contains(&(i % width));
                        if inside { i as f32 + 1.0 } else { 0.0 }
                    })
                    .collect();
                let mask = LatentMask::new(height, width, &cells);
                assert_eq!(mask.cells(), cells);
                for side in [2, 5, 8, 20] {
                    for window in super::super::windows::windows(height, width, side, 2, wrap) {
                        let expected = window.crop_plane(&cells, height, width);
                        let expected = expected.iter().any(|&m| m != 0.0).then_some(expected);
                        assert_eq!(mask.crop(&window), expected, "{window:?} {rows:?} {columns:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn feathering_reaches_as_far_as_it_says_and_over_wrapped_edges() {
        let (width, height) = (40, 30);
        let mut data = vec![0_u8; width * height];
        for row in data.chunks_mut(width) {
            row[..10].fill(255);
        }
        for radius in [1, 2, 3, 4, 7, 8] {
            let row = |wrap| feathered(view(width, height, &data), radius, wrap)[5 * width..6 * width].to_vec();
            let plain = row((false, true));
            assert!(plain[..10 - radius].iter().all(|&m| m == 255), "{radius}: {plain:?}");
            assert!(plain[10 + radius..].iter().all(|&m| m == 0), "{radius}: {plain:?}");
            // Even to both sides of the edge, and falling all the way.
            for i in 0..radius {
                assert!(plain[9 - i].abs_diff(255 - plain[10 + i]) <= 1, "{radius}: {plain:?}");
            }
            assert!(plain.windows(2).all(|p| p[0] >= p[1]) && plain[10] > 0);
            let wrapped = row((true, true));
            assert!(wrapped[0].abs_diff(255 - wrapped[39]) <= 1 && wrapped[39] > 0, "{wrapped:?}");
        }
        assert_eq!(feathered(view(width, height, &data), 0, (true, true)), data);
    }

    #[test]
    fn what_is_free_falls_to_nothing_at_the_margin() {
        let mut cells = vec![0.0; 9 * 12];
        cells[4 * 12] = 0.3;
        let mask = LatentMask::new(9, 12, &cells);
        let row = |wrap| spread(&mask, 2, wrap)[4 * 12..5 * 12].to_vec();
        let close = |a: &[f32], b: [f32; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        let plain = row((false, false));
        assert!(close(&plain[..4], [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]), "{plain:?}");
        assert!(plain[3..].iter().all(|v| *v == 0.0));
        let wrapped = row((true, false));
        assert!(close(&wrapped[8..], [0.0, 0.0, 1.0 / 3.0, 2.0 / 3.0]), "{wrapped:?}");
    }
}
