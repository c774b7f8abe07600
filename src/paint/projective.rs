//! Projective maps, by which what a mask covers is turned, or has its corners moved one by one.

use super::place::laid;
use super::{Beyond, Placement};
use crate::document::{Mask, Wrap};
use image::GrayImage;

/// The widest side of a mapped shape, in pixels.
const LONGEST: i64 = 32768;
/// The most samples along a side of a pixel, where a map shrinks.
const SAMPLES: f64 = 8.0;

type Rows = [[f64; 3]; 3];

/// A projective map of canvas positions (a homography): straight lines stay straight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projective {
    to: Rows,
    /// The same backwards.
    back: Rows,
}

impl Projective {
    /// The turn by so many degrees, with the clock where that is above 0, about the middle of a box.
    #[must_use]
    pub fn turn(about: Placement, degrees: f32) -> Self {
        let quarters = f64::from(degrees) / 90.0;
        // (Quarter turns are exact.)
        let (cosine, sine) = match quarters.rem_euclid(4.0) {
            0.0 => (1.0, 0.0),
            1.0 => (0.0, 1.0),
            2.0 => (-1.0, 0.0),
            3.0 => (0.0, -1.0),
            _ => (f64::from(degrees).to_radians().cos(), f64::from(degrees).to_radians().sin()),
        };
        let (x, y) = about.middle();
        let by = |sine: f64| {
            [[cosine, -sine, x - cosine * x + sine * y], [sine, cosine, y - sine * x - cosine * y], [0.0, 0.0, 1.0]]
        };
        Self { to: by(sine), back: by(-sine) }
    }

    /// The map that brings the corners of a box here: left top, right top, right bottom, left bottom. `None` where they are
    /// those of no convex quad that runs around as the box does, since no such map has them.
    #[must_use]
    pub fn corners(from: Placement, to: [(f64, f64); 4]) -> Option<Self> {
        let turns = |i: usize| {
            let [a, b, c] = [0, 1, 2].map(|next| to[(i + next) % 4]);
            (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0)
        };
        // (Less than a pixel is no corner that could be seen.)
        if (0..4).any(|i| turns(i).is_nan() || turns(i) < 1.0) {
            return None;
        }
        // From the unit square (Heckbert 1989, "Fundamentals of Texture Mapping and Image Warping", section 2.2.3).
        let [p, q, r, s] = to;
        let (q_x, q_y, s_x, s_y) = (q.0 - r.0, q.1 - r.1, s.0 - r.0, s.1 - r.1);
        let (x, y) = (p.0 - q.0 + r.0 - s.0, p.1 - q.1 + r.1 - s.1);
        let whole = q_x * s_y - s_x * q_y;
        let (g, h) = ((x * s_y - s_x * y) / whole, (q_x * y - x * q_y) / whole);
        let square = [
            [q.0 - p.0 + g * q.0, s.0 - p.0 + h * s.0, p.0],
            [q.1 - p.1 + g * q.1, s.1 - p.1 + h * s.1, p.1],
            [g, h, 1.0],
        ];
        let (width, height) = (f64::from(from.width), f64::from(from.height));
        let to = square.map(|[across, down, ahead]| {
            let (across, down) = (across / width, down / height);
            [across, down, ahead - across * f64::from(from.x) - down * f64::from(from.y)]
        });
        let [a, b, c] = to;
        let cross = |u: [f64; 3], v: [f64; 3]| {
            [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
        };
        // The adjugate: the inverse but for a factor, which a projective map does not have.
        let [x, y, z] = [cross(b, c), cross(c, a), cross(a, b)];
        Some(Self { to, back: [0, 1, 2].map(|row| [x[row], y[row], z[row]]) })
    }

    /// This map after another one.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        Self { to: product(&self.to, &first.to), back: product(&first.back, &self.back) }
    }

    /// The rows of its matrix: a position (x, y, 1) comes to the first two sums divided by the third.
    #[must_use]
    pub fn rows(&self) -> [[f64; 3]; 3] {
        self.to
    }

    /// The place that a position comes to.
    #[must_use]
    pub fn to(&self, at: (f64, f64)) -> (f64, f64) {
        mapped(&self.to, at)
    }

    /// The position that comes to a place.
    #[must_use]
    pub fn back(&self, at: (f64, f64)) -> (f64, f64) {
        mapped(&self.back, at)
    }

    /// The places of the corners of a box.
    #[must_use]
    pub fn of(&self, from: Placement) -> [(f64, f64); 4] {
        from.corners().map(|corner| self.to(corner))
    }

    /// How many samples a pixel at this place needs along each side, so that nothing is left out where the map shrinks.
    fn samples(&self, (x, y): (f64, f64)) -> f64 {
        let here = self.back((x, y));
        let way = |at: (f64, f64)| (at.0 - here.0).hypot(at.1 - here.1);
        let longest = way(self.back((x + 1.0, y))).max(way(self.back((x, y + 1.0))));
        (longest - 0.05).ceil().clamp(1.0, SAMPLES)
    }
}

fn product(a: &Rows, b: &Rows) -> Rows {
    a.map(|row| [0, 1, 2].map(|column| (0..3).map(|i| row[i] * b[i][column]).sum()))
}

fn mapped(rows: &Rows, (x, y): (f64, f64)) -> (f64, f64) {
    let [across, down, far] = rows.map(|[a, b, c]| a * x + b * y + c);
    (across / far, down / far)
}

/// What a shape covers inside `from`, mapped: the mask, and what is beyond the canvas by up to a canvas to each side, where edges
/// are not joined. Pixels are mixed of the four that they come to lie between; on the box's edges they count by what of them lies inside.
#[must_use]
pub fn map_whole(shape: Beyond<'_>, from: Placement, map: &Projective, wrap: Wrap) -> (Mask, Option<Mask>) {
    let size = (shape.mask.width(), shape.mask.height());
    let corners = map.of(from);
    let axis = |of: fn(&(f64, f64)) -> f64, side: u32, joined: bool| {
        let (low, high) = corners.iter().map(of).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let side = i64::from(side);
        // (What is farther away is not kept.)
        let kept = if joined { (-LONGEST, LONGEST) } else { (-side, 2 * side) };
        let (low, high) = ((low.floor() as i64).clamp(kept.0, kept.1), (high.ceil() as i64).clamp(kept.0, kept.1));
        (low as i32, (high - low).clamp(1, LONGEST) as u32)
    };
    let (left, width) = axis(|p| p.0, size.0, wrap.x());
    let (top, height) = axis(|p| p.1, size.1, wrap.y());
    let source = shape.crop(from);
    let (last_column, last_row) = (f64::from(from.width) - 1.0, f64::from(from.height) - 1.0);
    let sample = |at: (f64, f64)| {
        // Counted from the middle of the box's first pixel.
        let (x, y) = map.back(at);
        let x = (x - f64::from(from.x) - 0.5).clamp(0.0, last_column);
        let y = (y - f64::from(from.y) - 0.5).clamp(0.0, last_row);
        let value = |x: f64, y: f64| f64::from(source[y as usize * from.width as usize + x as usize]);
        let (column, row) = (x.floor(), y.floor());
        let (right, down) = (x - column, y - row);
        let (next_column, next_row) = ((column + 1.0).min(last_column), (row + 1.0).min(last_row));
        let upper = value(column, row) * (1.0 - right) + value(next_column, row) * right;
        let lower = value(column, next_row) * (1.0 - right) + value(next_column, next_row) * right;
        upper * (1.0 - down) + lower * down
    };
    let image = GrayImage::from_fn(width, height, |x, y| {
        let at = (f64::from(left) + f64::from(x) + 0.5, f64::from(top) + f64::from(y) + 0.5);
        let share = inside(&corners, at);
        if share <= 0.0 {
            return image::Luma([0]);
        }
        let count = map.samples(at);
        let mut sum = 0.0;
        for i in 0..(count * count) as u32 {
            let part = |i: f64| (i + 0.5) / count - 0.5;
            sum += sample((at.0 + part(f64::from(i) % count), at.1 + part((f64::from(i) / count).floor())));
        }
        image::Luma([(sum / (count * count) * share).round() as u8])
    });
    laid(size, &image, (left, top), wrap)
}

/// How much of the pixel around a place lies inside a convex quad that runs with the clock, 0 to 1.
fn inside(corners: &[(f64, f64); 4], at: (f64, f64)) -> f64 {
    let depth = |at: (f64, f64)| {
        let from_edge = |i: usize| {
            let (a, b) = (corners[i], corners[(i + 1) % 4]);
            let (x, y) = (b.0 - a.0, b.1 - a.1);
            (x * (at.1 - a.1) - y * (at.0 - a.0)) / x.hypot(y)
        };
        (0..4).map(from_edge).fold(f64::MAX, f64::min)
    };
    let middle = depth(at);
    // (Farther away than its corners are, none of them is on the other side.)
    if middle.abs() > 0.75 {
        return if middle > 0.0 { 1.0 } else { 0.0 };
    }
    let part = |i: u32| (f64::from(i) + 0.5) / 8.0 - 0.5;
    let count = (0..64).filter(|i| depth((at.0 + part(i % 8), at.1 + part(i / 8))) > 0.0).count();
    count as f64 / 64.0
}

#[cfg(test)]
mod tests {
    use super::super::{Turn, turn_whole};
    use super::*;
    use crate::document::PixelRect;

    fn rotate_whole(shape: Beyond<'_>, degrees: f32, wrap: Wrap) -> (Mask, Option<Mask>) {
        let from = shape.extent().expect("something to turn");
        map_whole(shape, from, &Projective::turn(from, degrees), wrap)
    }

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

    const BOX: Placement = Placement { x: 60, y: 40, width: 50, height: 60 };
    const QUAD: [(f64, f64); 4] = [(50.0, 30.0), (120.0, 52.0), (105.0, 90.0), (64.0, 120.0)];

    #[test]
    fn corners_come_where_they_are_pulled_to_and_lines_stay_straight() {
        let map = Projective::corners(BOX, QUAD).expect("a convex quad");
        for (corner, expected) in map.of(BOX).into_iter().zip(QUAD) {
            assert!((corner.0 - expected.0).hypot(corner.1 - expected.1) < 1e-9, "{corner:?}, {expected:?}");
        }
        // Where the diagonals cross is where they crossed.
        let crossing = |[p, q, r, s]: [(f64, f64); 4]| {
            let (u, v) = ((r.0 - p.0, r.1 - p.1), (s.0 - q.0, s.1 - q.1));
            let t = ((q.0 - p.0) * v.1 - (q.1 - p.1) * v.0) / (u.0 * v.1 - u.1 * v.0);
            (p.0 + t * u.0, p.1 + t * u.1)
        };
        let (middle, expected) = (map.to(BOX.middle()), crossing(QUAD));
        assert!((middle.0 - expected.0).hypot(middle.1 - expected.1) < 1e-9);
        let back = map.back(expected);
        assert!((back.0 - 85.0).hypot(back.1 - 70.0) < 1e-9, "{back:?}");
    }

    #[test]
    fn a_quad_that_is_not_convex_or_runs_the_other_way_around_has_no_map() {
        let with = |i: usize, corner: (f64, f64)| {
            let mut corners = BOX.corners();
            corners[i] = corner;
            Projective::corners(BOX, corners)
        };
        assert!(with(2, (100.0, 90.0)).is_some());
        assert!(with(2, (70.0, 50.0)).is_none(), "a dart");
        assert!(with(2, (85.0, 70.0)).is_none(), "a triangle");
        assert!(with(2, (60.0, 0.0)).is_none(), "sides that cross");
        assert!(with(2, (f64::NAN, 0.0)).is_none());
        let [p, q, r, s] = BOX.corners();
        assert!(Projective::corners(BOX, [q, p, s, r]).is_none(), "mirrored");
        assert!(Projective::corners(BOX, [p; 4]).is_none());
    }

    /// The position in `BOX` that comes to a place of `QUAD`: eight equations for the eight numbers of the way back.
    fn naive_way_back() -> impl Fn(f64, f64) -> (f64, f64) {
        let mut rows: Vec<[f64; 9]> = Vec::new();
        for ((u, v), (x, y)) in QUAD.into_iter().zip(BOX.corners()) {
            rows.push([u, v, 1.0, 0.0, 0.0, 0.0, -u * x, -v * x, x]);
            rows.push([0.0, 0.0, 0.0, u, v, 1.0, -u * y, -v * y, y]);
        }
        for column in 0..8 {
            let pivot = (column..8).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()));
            rows.swap(column, pivot.expect("a row"));
            for row in (0..8).filter(|row| *row != column) {
                let factor = rows[row][column] / rows[column][column];
                let by = rows[column];
                rows[row].iter_mut().zip(by).for_each(|(value, by)| *value -= factor * by);
            }
        }
        let n: Vec<f64> = (0..8).map(|i| rows[i][8] / rows[i][i]).collect();
        move |u, v| {
            let far = n[6] * u + n[7] * v + 1.0;
            ((n[0] * u + n[1] * v + n[2]) / far, (n[3] * u + n[4] * v + n[5]) / far)
        }
    }

    #[test]
    fn a_bent_shape_is_what_a_naive_loop_makes_of_it() {
        let mask = mask();
        let map = Projective::corners(BOX, QUAD).expect("a convex quad");
        let (bent, outside) = map_whole(whole(&mask), BOX, &map, Wrap::None);
        assert!(outside.is_none());
        let back = naive_way_back();
        let (right, bottom) = (f64::from(BOX.x) + f64::from(BOX.width), f64::from(BOX.y) + f64::from(BOX.height));
        let value = |x: f64, y: f64| {
            // Four neighbours, each by how near it is; those of a sample on the edge are inside as well.
            let mut sum = 0.0;
            let (x, y) = (x.clamp(60.5, right - 0.5), y.clamp(40.5, bottom - 0.5));
            for row in 40..100_u32 {
                for column in 60..110_u32 {
                    let near = |at: f64, pixel: u32| (1.0 - (at - f64::from(pixel) - 0.5).abs()).max(0.0);
                    if near(x, column) * near(y, row) > 0.0 {
                        sum += near(x, column) * near(y, row) * f64::from(mask.get(column, row));
                    }
                }
            }
            sum
        };
        let (mut worst, mut all) = (0.0_f64, 0.0);
        for v in 28..122_u32 {
            for u in 48..122_u32 {
                let mut sum = 0.0;
                for i in 0..16_u32 {
                    let part = |i: u32| (f64::from(i) + 0.5) / 4.0;
                    let (x, y) = back(f64::from(u) + part(i % 4), f64::from(v) + part(i / 4));
                    let here = (60.0..=right).contains(&x) && (40.0..=bottom).contains(&y);
                    sum += if here { value(x, y) / 16.0 } else { 0.0 };
                }
                let away = (f64::from(bent.get(u, v)) - sum).abs();
                (worst, all) = (worst.max(away), all + away);
            }
        }
        assert!(worst < 40.0, "{worst}, at an edge");
        assert!(all / (94.0 * 74.0) < 1.0, "{}", all / (94.0 * 74.0));
    }

    #[test]
    fn what_stays_keeps_its_bytes_and_what_shrinks_leaves_nothing_out() {
        let mask = mask();
        let map = Projective::corners(BOX, BOX.corners()).expect("the box itself");
        assert_eq!(map_whole(whole(&mask), BOX, &map, Wrap::None), (mask, None));
        // Every fourth column: narrowed to a fifth they are an even grey.
        let comb = Mask::from_rows(200, 160, |_, row| row.iter_mut().step_by(4).for_each(|v| *v = 255));
        let from = Placement { x: 0, y: 0, width: 200, height: 160 };
        let narrow = [(0.0, 0.0), (40.0, 0.0), (40.0, 160.0), (0.0, 160.0)];
        let map = Projective::corners(from, narrow).expect("a box");
        let (narrow, _) = map_whole(whole(&comb), from, &map, Wrap::None);
        for x in 1..39 {
            let value = narrow.get(x, 80);
            assert!((40..=110).contains(&value), "{x}: {value}");
        }
        assert_eq!(narrow.get(40, 80), 0);
    }
}
