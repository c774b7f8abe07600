//! The pictures inside a file.

use super::super::picture;
use crate::document::raster::write_png;
use crate::document::{Mask, Paint, PixelRect, Problem, Rgb};

/// The largest side of the thumbnail, by the specification.
const THUMBNAIL_SIDE: u32 = 256;

/// A mask's layer: one colour everywhere in its box, the mask as alpha; one clear pixel where it is empty.
pub(super) fn mask_png(mask: &Mask, colour: Rgb, bounds: PixelRect) -> Result<Vec<u8>, Problem> {
    let Rgb([r, g, b]) = colour;
    if bounds.is_empty() {
        return flat_png((1, 1), [r, g, b, 0]);
    }
    let mut line = vec![0; bounds.width as usize];
    encode((bounds.width, bounds.height), png::ColorType::Rgba, |y, row| {
        mask.read_row(bounds.x, bounds.y + y, &mut line);
        for (pixel, alpha) in row.chunks_exact_mut(4).zip(&line) {
            pixel.copy_from_slice(&[r, g, b, *alpha]);
        }
    })
}

/// The paint layer's pixels in its box, as they are without their coverage, and that; one clear pixel where it is blank.
pub(super) fn paint_png(paint: &Paint) -> Result<Vec<u8>, Problem> {
    let bounds = paint.cover().bounds();
    if bounds.is_empty() {
        return flat_png((1, 1), [0; 4]);
    }
    let mut line = vec![[0; 4]; bounds.width as usize];
    encode((bounds.width, bounds.height), png::ColorType::Rgba, |y, row| {
        paint.read_row(bounds.x, bounds.y + y, &mut line);
        for (pixel, ink) in row.as_chunks_mut().0.iter_mut().zip(&line) {
            let [r, g, b] = Paint::straight(*ink);
            *pixel = [r, g, b, ink[3]];
        }
    })
}

pub(super) fn picture_png(image: &image::RgbImage) -> Result<Vec<u8>, Problem> {
    let mut rows = image.as_raw().chunks_exact((image.width() as usize * 3).max(1));
    encode(image.dimensions(), png::ColorType::Rgb, |_, row| {
        if let Some(pixels) = rows.next() {
            row.copy_from_slice(pixels);
        }
    })
}

pub(super) fn flat_png(size: (u32, u32), colour: [u8; 4]) -> Result<Vec<u8>, Problem> {
    encode(size, png::ColorType::Rgba, |_, row| {
        for pixel in row.chunks_exact_mut(4) {
            pixel.copy_from_slice(&colour);
        }
    })
}

/// Simple alpha compositing of a colour over an opaque pixel.
pub(super) fn blend(under: &mut [u8; 3], over: [u8; 3], alpha: u8) {
    let alpha = u32::from(alpha);
    for (under, over) in under.iter_mut().zip(over) {
        let sum = u32::from(*under) * (255 - alpha) + u32::from(over) * alpha;
        *under = u8::try_from((sum + 127) / 255).unwrap_or(255);
    }
}

/// Alpha times opacity.
pub(super) fn scaled(alpha: u8, opacity: f32) -> u8 {
    if opacity >= 1.0 {
        return alpha;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let value = (f32::from(alpha) * opacity).round().clamp(0.0, 255.0) as u8;
    value
}

/// Shrinks a picture to the thumbnail's size while its rows go by: each of its pixels is the mean of those it stands for.
pub(super) struct Thumbnail {
    from: (u32, u32),
    size: (u32, u32),
    sums: Vec<[u64; 3]>,
    counts: Vec<u64>,
}

impl Thumbnail {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let longest = width.max(height);
        let fit = |side: u32| {
            if longest <= THUMBNAIL_SIDE { side } else { (side * THUMBNAIL_SIDE).div_ceil(longest).max(1) }
        };
        let size = (fit(width), fit(height));
        let len = size.0 as usize * size.1 as usize;
        Self { from: (width, height), size, sums: vec![[0; 3]; len], counts: vec![0; len] }
    }

    pub(super) fn add_row(&mut self, y: u32, row: &[u8]) {
        let (width, height) = (self.from.0.max(1) as usize, self.from.1.max(1) as usize);
        let columns = self.size.0 as usize;
        let start = (y as usize * self.size.1 as usize / height) * columns;
        for (x, pixel) in row.chunks_exact(3).enumerate() {
            let index = start + x * columns / width;
            if let (Some(sum), Some(count)) = (self.sums.get_mut(index), self.counts.get_mut(index)) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += u64::from(*value);
                }
                *count += 1;
            }
        }
    }

    pub(super) fn png(&self) -> Result<Vec<u8>, Problem> {
        let mut pixels = self.sums.iter().zip(&self.counts);
        encode(self.size, png::ColorType::Rgb, |_, row| {
            for (out, (sum, count)) in row.chunks_exact_mut(3).zip(&mut pixels) {
                for (out, sum) in out.iter_mut().zip(sum) {
                    *out = u8::try_from((sum + count / 2) / (*count).max(1)).unwrap_or(255);
                }
            }
        })
    }
}

pub(super) fn encode(
    size: (u32, u32),
    colour: png::ColorType,
    fill: impl FnMut(u32, &mut [u8]),
) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    write_png(&mut bytes, size, colour, png::Compression::Fast, |_| Ok(()), fill).map_err(picture)?;
    Ok(bytes)
}
