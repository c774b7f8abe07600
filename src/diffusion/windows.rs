//! Windows: the crops of the latent that the network sees (the paper's views F_i).

use super::Planes;
use std::ops::Range;

/// Weights of a window's values in the average. Only their ratios count, since sums are divided by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowWeights {
    /// Equal everywhere (the paper).
    #[default]
    Uniform,
    /// Falling evenly from the middle to the edges, in x and in y: a network has the least context at its window's edges.
    Tent,
}

/// A crop of the latent, in latent pixels. On a wrapped axis it may run over the edge and continue at the other side, more than
/// once round where the axis is shorter than the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Its first column.
    pub x: usize,
    /// Its first row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Start positions of windows of length `window` along an axis of length `extent`: every `stride`, and a last one clamped to
/// the edge, so that every cell is covered. An axis shorter than a window gets one window. On a wrapped axis windows start all
/// the way round.
#[must_use]
pub fn starts(extent: usize, window: usize, stride: usize, wrap: bool) -> Vec<usize> {
    let stride = stride.max(1);
    if wrap {
        return (0..extent).step_by(stride).collect();
    }
    let last = extent.saturating_sub(window);
    let mut starts: Vec<usize> = (0..=last).step_by(stride).collect();
    if starts.last() != Some(&last) {
        starts.push(last);
    }
    starts
}

/// All windows over a latent of `height` × `width`, row by row. An axis shorter than a window cuts the window to its length; a
/// wrapped axis does not, so that the network sees the seam like any other column.
#[must_use]
pub fn windows(height: usize, width: usize, window: usize, stride: usize, wrap: (bool, bool)) -> Vec<Window> {
    let side = |extent: usize, wrap: bool| if wrap { window } else { window.min(extent) };
    let (w, h) = (side(width, wrap.0), side(height, wrap.1));
    let columns = starts(width, window, stride, wrap.0);
    starts(height, window, stride, wrap.1)
        .into_iter()
        .flat_map(|y| columns.iter().map(move |&x| Window { x, y, width: w, height: h }))
        .collect()
}

impl Window {
    /// Latent pixels of the crop.
    #[must_use]
    pub fn area(&self) -> usize {
        self.width * self.height
    }

    /// Calls `row(crop_offset, plane_offset, length)` for every run of values that are contiguous both in the crop and in a plane
    /// of `height` × `width`.
    pub fn for_each_run(&self, height: usize, width: usize, mut row: impl FnMut(usize, usize, usize)) {
        for r in 0..self.height {
            let y = (self.y + r) % height;
            let (mut done, mut x) = (0, self.x);
            while done < self.width {
                let n = (self.width - done).min(width - x);
                row(r * self.width + done, y * width + x, n);
                done += n;
                x = 0;
            }
        }
    }

    /// True where it contains a cell of the box `rows` × `columns` of a plane of `height` × `width`.
    #[must_use]
    pub fn touches(&self, rows: &Range<usize>, columns: &Range<usize>, height: usize, width: usize) -> bool {
        // Along one axis: the run from `start`, and again one turn back where it goes over the edge.
        let meets = |start: usize, len: usize, part: &Range<usize>, extent: usize| {
            !part.is_empty() && ((start < part.end && part.start < start + len) || part.start + extent < start + len)
        };
        meets(self.y, self.height, rows, height) && meets(self.x, self.width, columns, width)
    }

    /// Weight of each value of the crop, row by row.
    #[must_use]
    pub fn weights(&self, kind: WindowWeights) -> Vec<f32> {
        let axis = |n: usize| -> Vec<f32> {
            (0..n)
                .map(|j| match kind {
                    WindowWeights::Uniform => 1.0,
                    WindowWeights::Tent => (j + 1).min(n - j) as f32 / n.div_ceil(2) as f32,
                })
                .collect()
        };
        let columns = axis(self.width);
        axis(self.height).into_iter().flat_map(|row| columns.iter().map(move |column| row * column)).collect()
    }

    /// Copies the crop of every channel of image 0 of `latent` to `out` (`channels * area`).
    ///
    /// # Panics
    /// Where `out` is shorter.
    pub fn crop(&self, latent: &Planes, out: &mut [f32]) {
        let (plane, area) = (latent.plane_len(), self.area());
        for c in 0..latent.channels {
            let (from, to) = (&latent.data[c * plane..(c + 1) * plane], &mut out[c * area..(c + 1) * area]);
            self.for_each_run(latent.height, latent.width, |o, p, n| to[o..o + n].copy_from_slice(&from[p..p + n]));
        }
    }

    /// The crop of one plane of `height` × `width`.
    #[must_use]
    pub fn crop_plane(&self, plane: &[f32], height: usize, width: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.area()];
        self.for_each_run(height, width, |o, p, n| out[o..o + n].copy_from_slice(&plane[p..p + n]));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_covered_whatever_the_stride() {
        for extent in 1..70 {
            for window in [1, 8, 16, 64] {
                for stride in [1, 3, 8, 32] {
                    let stride = stride.min(window);
                    let mut seen = vec![false; extent];
                    for s in starts(extent, window, stride, false) {
                        assert!(s + window.min(extent) <= extent);
                        seen[s..s + window.min(extent)].fill(true);
                    }
                    assert!(seen.into_iter().all(|s| s), "extent {extent}, window {window}, stride {stride}");
                }
            }
        }
    }

    #[test]
    fn the_counts_of_the_paper() {
        let count = |w: usize, h: usize| windows(h / 8, w / 8, 64, 8, (false, false)).len();
        assert_eq!((count(512, 512), count(768, 512), count(2048, 512)), (1, 5, 25));
        assert_eq!((count(4096, 512), count(1024, 1024), count(1920, 768)), (57, 81, 115));
    }

    #[test]
    fn a_wrapped_window_goes_on_at_the_other_side() {
        let latent = Planes { count: 1, channels: 1, height: 1, width: 5, data: vec![0., 1., 2., 3., 4.] };
        let mut out = vec![0.0; 3];
        Window { x: 4, y: 0, width: 3, height: 1 }.crop(&latent, &mut out);
        assert_eq!(out, [4., 0., 1.]);
        // Round more than once where the axis is shorter.
        let mut out = vec![0.0; 12];
        Window { x: 3, y: 0, width: 12, height: 1 }.crop(&latent, &mut out);
        assert_eq!(out, [3., 4., 0., 1., 2., 3., 4., 0., 1., 2., 3., 4.]);
    }

    #[test]
    fn a_window_keeps_its_size_on_a_wrapped_axis_only() {
        let sides = |wrap| {
            let all = windows(4, 6, 16, 4, wrap);
            (all.len(), all[0].width, all[0].height)
        };
        assert_eq!(sides((false, false)), (1, 6, 4));
        assert_eq!(sides((true, false)), (2, 16, 4));
        assert_eq!(sides((true, true)), (2, 16, 16));
    }

    #[test]
    fn tent_weights_rise_to_the_middle_and_leave_nothing_out() {
        let weights = Window { x: 0, y: 0, width: 4, height: 3 }.weights(WindowWeights::Tent);
        assert_eq!(weights, [0.25, 0.5, 0.5, 0.25, 0.5, 1.0, 1.0, 0.5, 0.25, 0.5, 0.5, 0.25]);
    }
}
