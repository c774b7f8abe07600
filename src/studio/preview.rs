//! Previews: a small decoder (TAESD) where there is one, else a linear map from latent to colour, fitted to the checkpoint's own VAE.
//!
//! A latent pixel of a Stable Diffusion VAE is nearly an affine function of the mean colour under it. Other programs carry
//! tables of coefficients for the models they know; a least-squares fit on one synthetic picture works for any model.

use super::decode::{WRAP_MARGIN, to_image, wrapped};
use crate::diffusion::random::keyed_uniform;
use crate::diffusion::{Network, NetworkError, Planes};
use image::RgbImage;
use std::time::Instant;

/// The affine map rgb = weights · latent + bias, in −1…1.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentToRgb {
    /// Per colour channel: one weight per latent channel, then the bias.
    rows: Vec<Vec<f64>>,
    /// Seconds a VAE decode takes for one latent pixel: measured on a small latent at first, then at every decode.
    pub(super) decode_pace: f64,
}

/// A small decoder of previews that is ready.
#[derive(Debug, Clone, PartialEq)]
pub struct SmallDecoder {
    /// Its file's name without the ending.
    pub name: String,
    /// Seconds that it takes for one latent pixel, as measured on a small latent.
    pub pace: f64,
}

/// The largest latent in cells that a small decoder is given: it makes 512 × 512 pixels of that, as large as other programs' previews.
const SMALL_CELLS: usize = 64 * 64;

/// A latent as a small decoder is given it for a preview.
pub(super) struct Small {
    /// With a margin on wrapped axes.
    latent: Planes,
    margin: (usize, usize),
    /// Cells of the whole latent for each of its own, in each direction.
    shrink: usize,
}

impl Small {
    /// The latent of a canvas, each of its cells the mean of as many as it takes for [`SMALL_CELLS`]; with `coarser`, of twice as many in
    /// each direction.
    pub(super) fn of(latent: &Planes, wrap: (bool, bool), coarser: bool) -> Self {
        let mut shrink = 1;
        while latent.height.div_ceil(shrink) * latent.width.div_ceil(shrink) > SMALL_CELLS {
            shrink += 1;
        }
        shrink *= 1 + usize::from(coarser);
        let margin = (if wrap.0 { WRAP_MARGIN } else { 0 }, if wrap.1 { WRAP_MARGIN } else { 0 });
        Self { latent: wrapped(&means(latent, shrink), margin.0, margin.1), margin, shrink }
    }

    /// The number of cells that are decoded.
    pub(super) fn cells(&self) -> usize {
        self.latent.plane_len()
    }

    /// The preview of a canvas of `size` pixels at `factor` a latent pixel, as large as that of the linear map; `None` where it cannot be
    /// decoded.
    pub(super) fn picture(&self, network: &mut dyn Network, factor: usize, size: (u32, u32)) -> Option<RgbImage> {
        let picture = network.decode_preview(&self.latent)?.ok()?;
        let (mx, my) = (self.margin.0 * factor, self.margin.1 * factor);
        let shrink = self.shrink as u32;
        let image = to_image(&picture, mx, my, size.0.div_ceil(shrink), size.1.div_ceil(shrink));
        let (_, [width, height]) = sizes(factor, size);
        if (image.width(), image.height()) == (width, height) {
            return Some(image);
        }
        Some(image::imageops::resize(&image, width, height, image::imageops::FilterType::Triangle))
    }
}

/// The mean of every `side` × `side` cells; at the lower and right edge of as many as there are.
fn means(latent: &Planes, side: usize) -> Planes {
    if side == 1 {
        return latent.clone();
    }
    let (height, width) = (latent.height.div_ceil(side), latent.width.div_ceil(side));
    let mut small = Planes::zeros(latent.count, latent.channels, height, width);
    let planes = latent.data.chunks_exact(latent.plane_len().max(1));
    for (from, to) in planes.zip(small.data.chunks_exact_mut((height * width).max(1))) {
        for (at, mean) in to.iter_mut().enumerate() {
            let (top, left) = (at / width * side, at % width * side);
            let rows = top..(top + side).min(latent.height);
            let columns = left..(left + side).min(latent.width);
            let count = rows.len() * columns.len();
            let sum: f32 = rows.map(|y| from[y * latent.width..][columns.clone()].iter().sum::<f32>()).sum();
            *mean = sum / count as f32;
        }
    }
    small
}

/// The factor by which a canvas of `size` pixels is made smaller for a preview, and the preview's size: no preview costs more than one of
/// [`MAX_AREA`], as far as `factor` can be halved.
fn sizes(factor: usize, size: (u32, u32)) -> (usize, [u32; 2]) {
    let mut shrink = 1;
    while factor.is_multiple_of(2 * shrink)
        && u64::from(size.0) * u64::from(size.1) / (shrink as u64 * shrink as u64) > MAX_AREA
    {
        shrink *= 2;
    }
    (shrink, [size.0, size.1].map(|side| (side / shrink as u32).max(1)))
}

/// The most pixels of a preview, as far as the factor can be halved.
const MAX_AREA: u64 = 2048 * 2048;

/// Side of the picture the map is fitted on, in latent pixels.
const SIDE: usize = 16;

impl LatentToRgb {
    /// Fits the map: encodes a picture of soft random blobs and regresses the mean colour of each cell on its latent. Decodes
    /// that latent once to measure the time. `factor` is the VAE's, in pixels a latent pixel.
    ///
    /// # Errors
    /// If the VAE fails.
    pub fn fit(network: &mut dyn Network, factor: usize) -> Result<Self, NetworkError> {
        let picture = blobs(SIDE * factor);
        let latent = network.encode(&picture)?.mean;
        let begun = Instant::now();
        network.decode(&latent)?;
        let decode_pace = begun.elapsed().as_secs_f64() / latent.plane_len().max(1) as f64;
        Ok(Self { decode_pace, ..Self::from_pair(&latent, &cell_means(&picture, factor)) })
    }

    /// Solves the normal equations over all cells; `colours` is `[1, 3, h, w]` for a latent `[1, c, h, w]`.
    fn from_pair(latent: &Planes, colours: &Planes) -> Self {
        let (n, cells) = (latent.channels + 1, latent.plane_len());
        let feature = |k: usize, cell: usize| {
            if k < latent.channels { f64::from(latent.data[k * cells + cell]) } else { 1.0 }
        };
        let mut normal = vec![vec![0.0; n]; n];
        for (i, row) in normal.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = (0..cells).map(|cell| feature(i, cell) * feature(j, cell)).sum();
            }
            // A little ridge keeps the fit finite where a latent channel carries nothing.
            row[i] += 1e-6 * cells as f64;
        }
        let rows = (0..3)
            .map(|c| {
                let target = |cell: usize| f64::from(colours.data[c * cells + cell]);
                let right = (0..n).map(|i| (0..cells).map(|cell| feature(i, cell) * target(cell)).sum()).collect();
                solve(normal.clone(), right)
            })
            .collect();
        Self { rows, decode_pace: 0.0 }
    }

    /// The colours of a clean latent `[1, c, h, w]`, enlarged to `size` pixels, or by a power of two less where that is too
    /// large for a preview.
    #[must_use]
    pub fn picture(&self, latent: &Planes, factor: usize, size: (u32, u32), wrap: (bool, bool)) -> RgbImage {
        // On a wrapped axis, pixels at an edge are interpolated with the opposite edge.
        let (mx, my) = (usize::from(wrap.0), usize::from(wrap.1));
        let latent = &wrapped(latent, mx, my);
        let cells = latent.plane_len();
        let small = RgbImage::from_fn(latent.width as u32, latent.height as u32, |x, y| {
            let cell = y as usize * latent.width + x as usize;
            let channel = |row: &Vec<f64>| {
                let (weights, bias) = row.split_at(latent.channels);
                let v: f64 =
                    weights.iter().enumerate().map(|(k, w)| w * f64::from(latent.data[k * cells + cell])).sum();
                ((v + bias.first().copied().unwrap_or(0.0)).midpoint(1.0).clamp(0.0, 1.0) * 255.0).round() as u8
            };
            image::Rgb([channel(&self.rows[0]), channel(&self.rows[1]), channel(&self.rows[2])])
        });
        let (shrink, size) = sizes(factor, size);
        let factor = (factor / shrink) as u32;
        let (w, h) = (small.width() * factor, small.height() * factor);
        let large = image::imageops::resize(&small, w, h, image::imageops::FilterType::Triangle);
        let (left, top) = (mx as u32 * factor, my as u32 * factor);
        image::imageops::crop_imm(&large, left, top, size[0].min(w - left), size[1].min(h - top)).to_image()
    }
}

/// Solves `a · x = b` by Gaussian elimination with pivoting, for a small, well-conditioned system.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs())).unwrap_or(column);
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..n {
            let (above, below) = a.split_at_mut(row);
            let f = below[0][column] / above[column][column];
            for (value, pivot) in below[0].iter_mut().zip(&above[column]).skip(column) {
                *value -= f * pivot;
            }
            b[row] -= f * b[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b
}

/// A picture of soft random blobs in all colours, `side` pixels square, in −1…1.
fn blobs(side: usize) -> Planes {
    let mut picture = Planes::zeros(1, 3, side, side);
    let count = 24_u64;
    for y in 0..side {
        for x in 0..side {
            let (px, py) = (x as f32 / side as f32, y as f32 / side as f32);
            let mut sum = [0.0_f32; 3];
            let mut weight = 1e-6_f32;
            for blob in 0..count {
                let u = |k: u64| keyed_uniform(&[7, blob, k]);
                let (dx, dy, r) = (px - u(0), py - u(1), 0.05 + 0.15 * u(2));
                let w = (-(dx * dx + dy * dy) / (r * r)).exp();
                weight += w;
                for (c, sum) in sum.iter_mut().enumerate() {
                    *sum += w * u(3 + c as u64);
                }
            }
            for (c, sum) in sum.into_iter().enumerate() {
                picture.data[(c * side + y) * side + x] = 2.0 * (sum / weight) - 1.0;
            }
        }
    }
    picture
}

/// The mean of every `factor` × `factor` pixels.
fn cell_means(picture: &Planes, factor: usize) -> Planes {
    let (h, w) = (picture.height / factor, picture.width / factor);
    let mut out = Planes::zeros(1, picture.channels, h, w);
    for c in 0..picture.channels {
        for y in 0..h * factor {
            for x in 0..w * factor {
                out.data[(c * h + y / factor) * w + x / factor] +=
                    picture.data[(c * picture.height + y) * picture.width + x] / (factor * factor) as f32;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_decoder_is_given_the_means_of_cells() {
        let latent = Planes { count: 1, channels: 2, height: 3, width: 3, data: (0..18).map(|v| v as f32).collect() };
        let small = means(&latent, 2);
        assert_eq!((small.height, small.width), (2, 2));
        assert_eq!(small.data, [2.0, 3.5, 6.5, 8.0, 11.0, 12.5, 15.5, 17.0]);
        // 512 × 512 pixels at most, and half of that.
        for (height, width, cells) in [(64, 64, [4096, 1024]), (128, 128, [4096, 1024]), (128, 512, [4096, 1024])] {
            let latent = Planes::zeros(1, 4, height, width);
            let counts = [false, true].map(|coarser| Small::of(&latent, (false, false), coarser).cells());
            assert_eq!(counts, cells, "{width} × {height}");
        }
        assert_eq!(Small::of(&Planes::zeros(1, 4, 64, 64), (true, false), false).cells(), 64 * (64 + 2 * WRAP_MARGIN));
    }

    #[test]
    fn the_fit_finds_an_affine_map_again() {
        let colours = cell_means(&blobs(SIDE * 2), 2);
        let cells = colours.plane_len();
        let mut latent = Planes::zeros(1, 4, SIDE, SIDE);
        for cell in 0..cells {
            let c = |k: usize| colours.data[k * cells + cell];
            let mixed = [c(0) + 0.5 * c(1), c(1) - c(2) + 0.3, 2.0 * c(2), c(0) * 0.1 - 0.7];
            for (k, v) in mixed.into_iter().enumerate() {
                latent.data[k * cells + cell] = v;
            }
        }
        let map = LatentToRgb::from_pair(&latent, &colours);
        let picture = map.picture(&latent, 1, (SIDE as u32, SIDE as u32), (true, false));
        for (cell, pixel) in picture.pixels().enumerate() {
            for c in 0..3 {
                let expected = (colours.data[c * cells + cell] / 2.0 + 0.5) * 255.0;
                assert!((f32::from(pixel.0[c]) - expected).abs() < 2.0, "{expected} {pixel:?}");
            }
        }
    }

    #[test]
    fn a_preview_wraps_and_is_never_larger_than_a_screen_needs() {
        let map = LatentToRgb { rows: vec![vec![1.0, 0.0]; 3], decode_pace: 0.0 };
        let mut latent = Planes::zeros(1, 1, 2, 8);
        for row in latent.data.chunks_mut(8) {
            row[..4].fill(-1.0);
            row[4..].fill(1.0);
        }
        let row = |wrap| map.picture(&latent, 8, (64, 16), wrap).into_raw()[..64 * 3].to_vec();
        let (plain, wrapped) = (row((false, false)), row((true, false)));
        assert_eq!((plain[0], plain[63 * 3]), (0, 255));
        // Joined edges meet half way; nothing else changes.
        assert!(wrapped[0] > 100 && wrapped[63 * 3] < 155, "{wrapped:?}");
        assert_eq!(plain[12 * 3..52 * 3], wrapped[12 * 3..52 * 3]);
        let large = map.picture(&Planes::zeros(1, 1, 512, 1024), 8, (8192, 4090), (false, true));
        assert_eq!(large.dimensions(), (2048, 1022));
    }
}
