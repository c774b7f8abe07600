//! Turning what a mask covers by any angle.

use super::place::laid;
use super::{Beyond, Placement};
use crate::document::{Mask, Wrap};
use image::GrayImage;

/// The widest side of a turned shape, in pixels.
const LONGEST: i64 = 32768;

/// A shape turned by so many degrees, with the clock where that is above 0, about the middle of its own box: the mask, and what is beyond
/// the canvas by up to a canvas to each side, where edges are not joined. Pixels are mixed of the four that they come to lie between.
#[must_use]
pub fn rotate_whole(shape: Beyond<'_>, degrees: f32, wrap: Wrap) -> (Mask, Option<Mask>) {
    let size = (shape.mask.width(), shape.mask.height());
    let Some(from) = shape.extent() else { return (Mask::empty(size.0, size.1), None) };
    let turned = Rotation::of(from, degrees);
    let [low, high] = turned.bounds();
    let side = |low: f64, high: f64| ((high.ceil() - low.floor()) as i64).clamp(1, LONGEST) as u32;
    let (left, top) = (low.0.floor(), low.1.floor());
    let source = shape.crop(from);
    let value = |x: i64, y: i64| {
        let inside = (0..i64::from(from.width)).contains(&x) && (0..i64::from(from.height)).contains(&y);
        if inside { f64::from(source[(y * i64::from(from.width) + x) as usize]) } else { 0.0 }
    };
    let image = GrayImage::from_fn(side(low.0, high.0), side(low.1, high.1), |x, y| {
        // Where the middle of this pixel was, counted from the middle of the box's first one.
        let (x, y) = turned.back((left + f64::from(x) + 0.5, top + f64::from(y) + 0.5));
        let (x, y) = (x - f64::from(from.x) - 0.5, y - f64::from(from.y) - 0.5);
        let (column, row) = (x.floor(), y.floor());
        let (right, down) = (x - column, y - row);
        let (column, row) = (column as i64, row as i64);
        let upper = value(column, row) * (1.0 - right) + value(column + 1, row) * right;
        let lower = value(column, row + 1) * (1.0 - right) + value(column + 1, row + 1) * right;
        image::Luma([(upper * (1.0 - down) + lower * down).round() as u8])
    });
    laid(size, &image, (left as i32, top as i32), wrap)
}

/// A box on its way to be turned about its middle.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    from: Placement,
    /// Cosine and sine of the angle.
    direction: (f64, f64),
}

impl Rotation {
    /// By so many degrees, with the clock where that is above 0.
    #[must_use]
    pub fn of(from: Placement, degrees: f32) -> Self {
        let quarters = f64::from(degrees) / 90.0;
        // (Quarter turns are exact.)
        let direction = match quarters.rem_euclid(4.0) {
            0.0 => (1.0, 0.0),
            1.0 => (0.0, 1.0),
            2.0 => (-1.0, 0.0),
            3.0 => (0.0, -1.0),
            _ => (f64::from(degrees).to_radians().cos(), f64::from(degrees).to_radians().sin()),
        };
        Self { from, direction }
    }

    /// The middle, in canvas pixels.
    #[must_use]
    pub fn middle(&self) -> (f64, f64) {
        let Placement { x, y, width, height } = self.from;
        (f64::from(x) + f64::from(width) / 2.0, f64::from(y) + f64::from(height) / 2.0)
    }

    /// The place that a position comes to.
    #[must_use]
    pub fn to(&self, at: (f64, f64)) -> (f64, f64) {
        self.by(at, self.direction.1)
    }

    /// The position that comes to a place.
    #[must_use]
    pub fn back(&self, at: (f64, f64)) -> (f64, f64) {
        self.by(at, -self.direction.1)
    }

    fn by(&self, at: (f64, f64), sine: f64) -> (f64, f64) {
        let (middle, cosine) = (self.middle(), self.direction.0);
        let (x, y) = (at.0 - middle.0, at.1 - middle.1);
        (middle.0 + cosine * x - sine * y, middle.1 + sine * x + cosine * y)
    }

    /// The turned corners of the box: left top, right top, right bottom, left bottom.
    #[must_use]
    pub fn corners(&self) -> [(f64, f64); 4] {
        let Placement { x, y, width, height } = self.from;
        let (x, y) = (f64::from(x), f64::from(y));
        let (right, bottom) = (x + f64::from(width), y + f64::from(height));
        [(x, y), (right, y), (right, bottom), (x, bottom)].map(|corner| self.to(corner))
    }

    /// The smallest upright box around them: its left top and its right bottom.
    fn bounds(&self) -> [(f64, f64); 2] {
        let corners = self.corners();
        let most = |better: fn(f64, f64) -> f64| {
            corners.into_iter().reduce(|a, b| (better(a.0, b.0), better(a.1, b.1))).unwrap_or_default()
        };
        [most(f64::min), most(f64::max)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Turn, turn_whole};
    use super::*;
    use crate::document::PixelRect;

    /// An L of soft and hard pixels.
    fn mask() -> Mask {
        let mut mask = Mask::empty(200, 160);
        mask.fill(PixelRect { x: 60, y: 40, width: 20, height: 60 }, 255);
        mask.fill(PixelRect { x: 60, y: 90, width: 50, height: 10 }, 120);
        mask
    }

    fn whole(mask: &Mask) -> Beyond<'_> {
        Beyond { mask, outside: None }
    }

    fn sum(mask: &Mask) -> f64 {
        mask.to_raw().into_iter().map(f64::from).sum()
    }

    #[test]
    fn quarter_turns_are_those_of_whole_pixels() {
        let mask = mask();
        assert_eq!(rotate_whole(whole(&mask), 0.0, Wrap::None), (mask.clone(), None));
        assert_eq!(rotate_whole(whole(&mask), 360.0, Wrap::None).0, mask);
        for (degrees, turn) in [(90.0, Turn::Right), (-90.0, Turn::Left), (270.0, Turn::Left)] {
            assert_eq!(rotate_whole(whole(&mask), degrees, Wrap::None), turn_whole(whole(&mask), turn, Wrap::None));
        }
    }

    #[test]
    fn a_turned_shape_is_the_shape_at_the_turned_places() {
        let mask = mask();
        for degrees in [-7.5_f32, 30.0, 123.0] {
            let (turned, outside) = rotate_whole(whole(&mask), degrees, Wrap::None);
            assert!(outside.is_none());
            assert!((sum(&turned) / sum(&mask) - 1.0).abs() < 0.01, "as much is covered");
            // (An inner point of each arm, in the clock's direction on a canvas whose rows go down.)
            let (sine, cosine) = degrees.to_radians().sin_cos();
            for (x, y, value) in [(70.0_f32, 60.0_f32, 255), (100.0, 95.0, 120)] {
                let (dx, dy) = (x - 85.0, y - 70.0);
                let at = (85.0 + dx * cosine - dy * sine, 70.0 + dx * sine + dy * cosine);
                assert_eq!(turned.get(at.0 as u32, at.1 as u32), value, "{degrees}: {at:?}");
            }
            // Back again it is nearly what it was.
            let from = Placement::from(turned.bounds());
            let (back, _) = rotate_whole(whole(&turned), -degrees, Wrap::None);
            assert!((sum(&back) / sum(&mask) - 1.0).abs() < 0.02, "{from:?}");
        }
    }

    #[test]
    fn what_leaves_the_canvas_is_kept_beyond_it_or_comes_back_over_a_joined_edge() {
        let mut mask = Mask::empty(128, 128);
        mask.fill(PixelRect { x: 0, y: 60, width: 100, height: 8 }, 255);
        let (turned, outside) = rotate_whole(whole(&mask), 45.0, Wrap::None);
        assert!(outside.is_none(), "inside");
        assert_eq!(turned.get(50, 64), 255);
        mask.fill(PixelRect { x: 0, y: 0, width: 128, height: 8 }, 255);
        let (turned, outside) = rotate_whole(whole(&mask), 45.0, Wrap::None);
        let outside = outside.expect("its corners leave");
        let all = sum(&turned) + sum(&outside);
        assert!((all / sum(&mask) - 1.0).abs() < 0.01, "nothing is lost: {all}");
        let (joined, outside) = rotate_whole(whole(&mask), 45.0, Wrap::Xy);
        assert!(outside.is_none() && sum(&joined) > sum(&turned));
    }
}
