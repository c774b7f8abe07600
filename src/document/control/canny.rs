//! Edges in a picture (Canny 1986, A Computational Approach to Edge Detection): smoothed by a Gaussian, the gradient by Sobel's
//! operator, thinned to the maxima along it, and kept where it is strong or touches what is.

use image::RgbImage;

/// Standard deviation of the Gaussian in pixels, and pixels of its kernel to either side.
const SIGMA: f32 = 1.4;
const RADIUS: usize = 2;

/// Length of the gradient above which an edge is kept where it touches a strong one, and above which it is strong.
const LOW: i64 = 50;
const HIGH: i64 = 100;

/// The edges of a picture, one pixel wide, white on black.
#[must_use]
pub fn canny(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let grey: Vec<f32> = picture
        .pixels()
        .map(|pixel| {
            // Luma of ITU-R BT.601, as OpenCV's grey.
            let [r, g, b] = pixel.0.map(f32::from);
            (0.299 * r + 0.587 * g + 0.114 * b).round()
        })
        .collect();
    let found = edges(&grey, width as usize, height as usize);
    let mut out = RgbImage::new(width, height);
    for (pixel, edge) in out.pixels_mut().zip(found) {
        pixel.0 = [if edge { 255 } else { 0 }; 3];
    }
    out
}

/// The edges of grey values in 0…255, row by row.
fn edges(grey: &[f32], width: usize, height: usize) -> Vec<bool> {
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let smooth = Grid { values: smoothed(grey, width, height), width, height };
    let mut gradient = Vec::with_capacity(smooth.values.len());
    for y in 0..height {
        for x in 0..width {
            let at = |dx: isize, dy: isize| smooth.at(x, y, dx, dy);
            let gx = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
            let gy = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
            gradient.push((gx, gy));
        }
    }
    // Squares of lengths: nothing is rounded.
    let length = |(gx, gy): (i64, i64)| gx * gx + gy * gy;
    let outside = |x: usize, y: usize, dx: isize, dy: isize| -> i64 {
        let (Some(x), Some(y)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else { return 0 };
        if x >= width || y >= height { 0 } else { length(gradient[y * width + x]) }
    };
    let mut strong = Vec::new();
    let mut weak = vec![false; gradient.len()];
    let mut kept = vec![false; gradient.len()];
    for y in 0..height {
        for x in 0..width {
            let (gx, gy) = gradient[y * width + x];
            let own = length((gx, gy));
            if own <= LOW * LOW || !is_maximum(own, gx, gy, |dx, dy| outside(x, y, dx, dy)) {
                continue;
            }
            weak[y * width + x] = true;
            if own > HIGH * HIGH {
                kept[y * width + x] = true;
                strong.push((x, y));
            }
        }
    }
    while let Some((x, y)) = strong.pop() {
        for ny in y.saturating_sub(1)..(y + 2).min(height) {
            for nx in x.saturating_sub(1)..(x + 2).min(width) {
                let at = ny * width + nx;
                if weak[at] && !kept[at] {
                    kept[at] = true;
                    strong.push((nx, ny));
                }
            }
        }
    }
    kept
}

/// Whether a length is the largest along its gradient, whose direction is brought to one of four. Of two equal neighbours along
/// rows or columns the first counts.
fn is_maximum(own: i64, gx: i64, gy: i64, at: impl Fn(isize, isize) -> i64) -> bool {
    // tan 22.5° in parts of 2^15; tan 67.5° is 2 more.
    const TAN: i64 = 13_573;
    let (x, y) = (gx.abs(), gy.abs() << 15);
    if y < x * TAN {
        own > at(-1, 0) && own >= at(1, 0)
    } else if y > x * TAN + (x << 16) {
        own > at(0, -1) && own >= at(0, 1)
    } else {
        let side = if (gx < 0) == (gy < 0) { 1 } else { -1 };
        own > at(-side, -1) && own > at(side, 1)
    }
}

/// Whole grey values, which go on beyond the edges.
struct Grid {
    values: Vec<i64>,
    width: usize,
    height: usize,
}

impl Grid {
    fn at(&self, x: usize, y: usize, dx: isize, dy: isize) -> i64 {
        let x = x.saturating_add_signed(dx).min(self.width - 1);
        let y = y.saturating_add_signed(dy).min(self.height - 1);
        self.values[y * self.width + x]
    }
}

/// The values after the Gaussian, rounded.
fn smoothed(grey: &[f32], width: usize, height: usize) -> Vec<i64> {
    let weight = |offset: usize| {
        let distance = offset as f32 - RADIUS as f32;
        (-distance * distance / (2.0 * SIGMA * SIGMA)).exp()
    };
    let kernel: Vec<f32> = (0..=2 * RADIUS).map(weight).collect();
    let sum: f32 = kernel.iter().sum();
    let kernel: Vec<f32> = kernel.into_iter().map(|weight| weight / sum).collect();
    let mixed = |value: &dyn Fn(usize) -> f32| -> f32 {
        kernel.iter().enumerate().map(|(offset, weight)| weight * value(offset)).sum()
    };
    let near = |v: usize, offset: usize, side: usize| (v + offset).saturating_sub(RADIUS).min(side - 1);
    let mut rows = Vec::with_capacity(grey.len());
    for y in 0..height {
        for x in 0..width {
            rows.push(mixed(&|offset| grey[y * width + near(x, offset, width)]));
        }
    }
    let mut out = Vec::with_capacity(grey.len());
    for y in 0..height {
        for x in 0..width {
            out.push(mixed(&|offset| rows[near(y, offset, height) * width + x]).round() as i64);
        }
    }
    out
}
