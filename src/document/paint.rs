//! The paint layer: colours painted below the regions, which the picture grows from.

use super::{Mask, PixelRect, RegionId, StartColour};
use image::{Rgb, RgbImage};
use std::sync::Arc;

/// Colours on the canvas, and how long the drawing is held to them.
///
/// The pixels are four planes: red, green and blue, each multiplied by the coverage, and the coverage. Painting with a colour then
/// is what painting on four masks is, each towards a byte of its own, and undo is what it is for masks.
#[derive(Debug, Clone, PartialEq)]
pub struct Paint {
    planes: [Arc<Mask>; 4],
    /// The share of the steps for which it is held, 0 to 1.
    pub share: f32,
}

impl Paint {
    /// A blank one for a canvas of this size.
    #[must_use]
    pub fn blank(width: u32, height: u32) -> Self {
        let blank = Arc::new(Mask::empty(width, height));
        Self { planes: std::array::from_fn(|_| Arc::clone(&blank)), share: StartColour::SHARE }
    }

    /// The same, held for this share of the steps.
    #[must_use]
    pub fn held_for(self, share: f32) -> Self {
        Self { share, ..self }
    }

    /// One of rows that are filled in from the top with straight colours: red, green, blue and coverage; each is 0 before.
    #[must_use]
    pub fn from_rows(width: u32, height: u32, mut fill: impl FnMut(u32, &mut [[u8; 4]])) -> Self {
        let mut rows = PaintRows::new(width, height);
        let mut row = vec![[0; 4]; width as usize];
        for y in 0..height {
            row.fill([0; 4]);
            fill(y, &mut row);
            rows.write_row(0, y, &row);
        }
        rows.done()
    }

    /// What the planes are of a colour that covers by so much.
    #[must_use]
    pub fn ink(colour: Rgb<u8>, cover: u8) -> [u8; 4] {
        let [r, g, b] = colour.0.map(|v| ((u32::from(v) * u32::from(cover) + 127) / 255) as u8);
        [r, g, b, cover]
    }

    /// The colour of a pixel of the planes, as it is without its coverage.
    #[must_use]
    pub fn straight([r, g, b, cover]: [u8; 4]) -> [u8; 3] {
        let whole = u32::from(cover.max(1));
        [r, g, b].map(|v| ((u32::from(v) * 255 + whole / 2) / whole).min(255) as u8)
    }

    /// Width in canvas pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.cover().width()
    }

    /// Height in canvas pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.cover().height()
    }

    /// Its coverage.
    #[must_use]
    pub fn cover(&self) -> &Arc<Mask> {
        &self.planes[3]
    }

    /// The plane that has this id in [`RegionId::PAINT_PLANES`].
    #[must_use]
    pub fn plane(&self, id: RegionId) -> Option<&Arc<Mask>> {
        RegionId::PAINT_PLANES.iter().position(|plane| *plane == id).map(|at| &self.planes[at])
    }

    /// As [`Self::plane`], to change it.
    pub fn plane_mut(&mut self, id: RegionId) -> Option<&mut Arc<Mask>> {
        RegionId::PAINT_PLANES.iter().position(|plane| *plane == id).map(|at| &mut self.planes[at])
    }

    /// Copies the pixels of row `y` from the column `x` on: colours multiplied by their coverage.
    pub fn read_row(&self, x: u32, y: u32, out: &mut [[u8; 4]]) {
        let mut line = vec![0; out.len()];
        for (at, plane) in self.planes.iter().enumerate() {
            plane.read_row(x, y, &mut line);
            out.iter_mut().zip(&line).for_each(|(pixel, value)| pixel[at] = *value);
        }
    }

    /// A pixel of the planes.
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> [u8; 4] {
        std::array::from_fn(|at| self.planes[at].get(x, y))
    }

    /// The pixels of a rectangle, row by row, as [`Self::read_row`] has them.
    #[must_use]
    pub fn crop(&self, rect: PixelRect) -> Vec<[u8; 4]> {
        let mut out = vec![[0; 4]; rect.width as usize * rect.height as usize];
        for (y, row) in rect.rows().zip(out.chunks_exact_mut((rect.width as usize).max(1))) {
            self.read_row(rect.x, y, row);
        }
        out
    }

    /// Lays it over a picture of its size.
    pub fn lay_over(&self, picture: &mut RgbImage) {
        let bounds = self.cover().bounds().intersection(PixelRect::whole(picture.width(), picture.height()));
        let mut line = vec![[0; 4]; bounds.width as usize];
        for y in bounds.rows() {
            self.read_row(bounds.x, y, &mut line);
            for (x, ink) in bounds.columns().zip(&line).filter(|(_, [.., cover])| *cover > 0) {
                let below = picture.get_pixel_mut(x, y);
                below.0 = Self::over(*ink, below.0);
            }
        }
    }

    /// A pixel of the planes over an opaque colour.
    #[must_use]
    pub fn over(ink: [u8; 4], below: [u8; 3]) -> [u8; 3] {
        let left = 255 - u32::from(ink[3]);
        std::array::from_fn(|c| ((u32::from(ink[c]) * 255 + u32::from(below[c]) * left + 127) / 255).min(255) as u8)
    }

    /// Every plane changed in the same way, for a canvas of another size.
    #[must_use]
    pub fn changed(&self, change: impl Fn(&Mask) -> Mask) -> Self {
        Self { planes: std::array::from_fn(|at| Arc::new(change(&self.planes[at]))), share: self.share }
    }

    /// The memory of its planes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.planes.iter().map(|plane| plane.memory()).sum()
    }

    /// True where both have the same planes without looking at every pixel.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.planes.iter().zip(&other.planes).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

/// A paint layer being filled with rows.
pub(super) struct PaintRows {
    planes: [Mask; 4],
    line: Vec<u8>,
}

impl PaintRows {
    /// A blank one for a canvas of this size.
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self { planes: std::array::from_fn(|_| Mask::empty(width, height)), line: Vec::new() }
    }

    /// Sets the pixels of row `y` from the column `x` on to straight colours and their coverage.
    pub(super) fn write_row(&mut self, x: u32, y: u32, pixels: &[[u8; 4]]) {
        for (at, plane) in self.planes.iter_mut().enumerate() {
            self.line.clear();
            self.line.extend(pixels.iter().map(|[r, g, b, cover]| Paint::ink(Rgb([*r, *g, *b]), *cover)[at]));
            plane.write_row(x, y, &self.line);
        }
    }

    /// The whole layer.
    pub(super) fn done(mut self) -> Paint {
        self.planes.iter_mut().for_each(Mask::pack);
        Paint { planes: self.planes.map(Arc::new), share: StartColour::SHARE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_survive_their_coverage_to_the_last_bit() {
        for cover in 0..=255 {
            for v in 0..=cover {
                let ink = [v, cover, 0, cover];
                let [r, g, b] = Paint::straight(ink);
                assert_eq!(Paint::ink(Rgb([r, g, b]), cover), ink, "{v} of {cover}");
            }
        }
    }

    #[test]
    fn paint_lies_over_a_picture_by_its_coverage() {
        let paint = Paint::from_rows(70, 3, |y, row| {
            row[2] = [200, 100, 0, 255];
            row[68] = [200, 100, 0, if y == 1 { 51 } else { 0 }];
        });
        assert_eq!(paint.cover().bounds(), PixelRect { x: 2, y: 0, width: 67, height: 3 });
        let mut picture = RgbImage::from_pixel(70, 3, Rgb([100; 3]));
        paint.lay_over(&mut picture);
        assert_eq!(picture.get_pixel(2, 0).0, [200, 100, 0]);
        assert_eq!(picture.get_pixel(68, 1).0, [120, 100, 80], "a fifth");
        assert_eq!(picture.get_pixel(68, 2).0, [100; 3]);
        assert_eq!(picture.get_pixel(3, 0).0, [100; 3]);
    }
}
