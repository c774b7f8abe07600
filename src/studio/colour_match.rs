//! The colours of a drawn picture, brought to those around it.
//!
//! Where a picture was held the drawn one shows the same, but the autoencoder shifts its colours by a few levels, not alike
//! everywhere. So a held surrounding and what was drawn into it differ in tone. The difference is known where it was held; a
//! smooth field continues it into what changed, so that no border shows and no colour of what was drawn is pulled farther than its
//! surroundings were (a membrane with a weak hold on its data, after Pérez, Gangnet and Blake 2003, solved from coarse to fine).

use image::RgbImage;

/// Pixels along a side of a cell, in which differences are averaged.
const CELL: usize = 8;
/// Fewer held pixels than this say nothing.
const ENOUGH: usize = 256;
/// The hold of a cell's own difference on the field, beside its four neighbours' of 1 each: single cells are noisy where a picture
/// has much texture, so the field follows some three cells at a time (1 / √0.1).
const HOLD: f32 = 0.1;
/// Sweeps over the cells of a level, from the solution of the next coarser one on.
const SWEEPS: usize = 40;
/// The farthest shift, in levels of 255: an autoencoder's is a tenth of it, and more is no shift of colours.
const FARTHEST: f32 = 32.0;

/// What is to be added to a drawn picture's red, green and blue, in levels of 255.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shift {
    across: usize,
    down: usize,
    wrap: (bool, bool),
    cells: Vec<[f32; 3]>,
}

/// A cell's weight, and its difference times that.
type Known = (f32, [f32; 3]);

impl Shift {
    /// Of pictures of one size, of which `change` says what was held (0) and what may have changed (up to 255), row by row. Joined
    /// edges are `wrap`. No shift where too few pixels were held.
    pub(super) fn measured(original: &RgbImage, drawn: &RgbImage, change: &[u8], wrap: (bool, bool)) -> Self {
        let width = original.width() as usize;
        let (across, down) = (width.div_ceil(CELL), (original.height() as usize).div_ceil(CELL));
        let mut cells: Vec<Known> = vec![(0.0, [0.0; 3]); across * down];
        let mut touched = vec![false; across * down];
        for ((at, (old, new)), change) in original.pixels().zip(drawn.pixels()).enumerate().zip(change) {
            let cell = at / width / CELL * across + at % width / CELL;
            touched[cell] |= *change > 0;
            cells[cell].0 += 1.0;
            for ((sum, old), new) in cells[cell].1.iter_mut().zip(old.0).zip(new.0) {
                *sum += f32::from(old) - f32::from(new);
            }
        }
        // The decoder lets what changed show in the cells beside it.
        let mut grid = Grid { across, down, wrap, cells };
        for cell in 0..across * down {
            if touched[cell] || grid.around(cell).iter().any(|&near| touched[near]) {
                grid.cells[cell] = (0.0, [0.0; 3]);
            }
        }
        let held: f32 = grid.cells.iter().map(|(weight, _)| weight).sum();
        let cells = if held < ENOUGH as f32 { vec![[0.0; 3]; across * down] } else { grid.solved() };
        let within = |cell: [f32; 3]| cell.map(|shift| shift.clamp(-FARTHEST, FARTHEST));
        Self { across, down, wrap, cells: cells.into_iter().map(within).collect() }
    }

    /// The same everywhere.
    #[cfg(test)]
    pub(super) fn even(shift: [f32; 3]) -> Self {
        Self { across: 1, down: 1, wrap: (false, false), cells: vec![shift] }
    }

    /// The shift of a pixel, between those of the four cells around it.
    fn at(&self, x: u32, y: u32) -> [f32; 3] {
        let place = |at: u32, count: usize, joined: bool| {
            let at = (at as f32 + 0.5) / CELL as f32 - 0.5;
            let first = at.floor();
            let cell = |at: f32| {
                let at = at as isize;
                let last = count.cast_signed() - 1;
                if joined { at.rem_euclid(last + 1) } else { at.clamp(0, last) }.cast_unsigned()
            };
            (cell(first), cell(first + 1.0), at - first)
        };
        let (left, right, fx) = place(x, self.across, self.wrap.0);
        let (top, bottom, fy) = place(y, self.down, self.wrap.1);
        let mix = |a: [f32; 3], b: [f32; 3], t: f32| std::array::from_fn(|c| a[c] + (b[c] - a[c]) * t);
        let line = |y: usize| mix(self.cells[y * self.across + left], self.cells[y * self.across + right], fx);
        mix(line(top), line(bottom), fy)
    }

    /// A pixel's colour, shifted.
    pub(super) fn shifted(&self, x: u32, y: u32, colour: [u8; 3]) -> [f32; 3] {
        let shift = self.at(x, y);
        std::array::from_fn(|c| (f32::from(colour[c]) + shift[c]).clamp(0.0, 255.0))
    }
}

/// Cells of one level.
struct Grid {
    across: usize,
    down: usize,
    wrap: (bool, bool),
    cells: Vec<Known>,
}

impl Grid {
    /// The cells at the sides of a cell: left, right, above, below; itself where there is none.
    fn beside(&self, cell: usize) -> [usize; 4] {
        let (x, y) = (cell % self.across, cell / self.across);
        let step = |at: usize, count: usize, joined: bool| {
            let before = if at > 0 {
                at - 1
            } else if joined {
                count - 1
            } else {
                at
            };
            let after = if at + 1 < count {
                at + 1
            } else if joined {
                0
            } else {
                at
            };
            (before, after)
        };
        let (left, right) = step(x, self.across, self.wrap.0);
        let (above, below) = step(y, self.down, self.wrap.1);
        let at = |x: usize, y: usize| y * self.across + x;
        [at(left, y), at(right, y), at(x, above), at(x, below)]
    }

    /// The eight cells around a cell.
    fn around(&self, cell: usize) -> [usize; 8] {
        let [left, right, above, below] = self.beside(cell);
        let [over_left, over_right, ..] = self.beside(above);
        let [under_left, under_right, ..] = self.beside(below);
        [left, right, above, below, over_left, over_right, under_left, under_right]
    }

    /// Cells of twice the side.
    fn halved(&self) -> Self {
        let (across, down) = (self.across.div_ceil(2), self.down.div_ceil(2));
        let mut cells: Vec<Known> = vec![(0.0, [0.0; 3]); across * down];
        for (at, (weight, sum)) in self.cells.iter().enumerate() {
            let to = &mut cells[at / self.across / 2 * across + at % self.across / 2];
            to.0 += weight;
            to.1.iter_mut().zip(sum).for_each(|(to, sum)| *to += sum);
        }
        Self { across, down, wrap: self.wrap, cells }
    }

    /// The field that is smooth, and near the known differences.
    fn solved(&self) -> Vec<[f32; 3]> {
        if self.across * self.down == 1 {
            return self.cells.iter().map(|(weight, sum)| sum.map(|sum| sum / weight.max(1.0))).collect();
        }
        let coarse = self.halved();
        let start = coarse.solved();
        let from = |at: usize| start[at / self.across / 2 * coarse.across + at % self.across / 2];
        let mut field: Vec<[f32; 3]> = (0..self.cells.len()).map(from).collect();
        let hold = HOLD / (CELL * CELL) as f32;
        for _ in 0..SWEEPS {
            for cell in 0..field.len() {
                let (weight, sum) = self.cells[cell];
                let beside = self.beside(cell);
                field[cell] = std::array::from_fn(|c| {
                    let near: f32 = beside.iter().map(|&near| field[near][c]).sum();
                    (near + hold * sum[c]) / (4.0 + hold * weight)
                });
            }
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    const SIDE: u32 = 160;

    /// A picture, one drawn from it whose colours are off by `off`, with another thing in a square, and what may have changed.
    fn pictures(off: impl Fn(u32, u32) -> [f32; 3]) -> (RgbImage, RgbImage, Vec<u8>) {
        let old = RgbImage::from_fn(SIDE, SIDE, |x, y| Rgb([90 + (x * 7 % 40) as u8, 100 + (y * 5 % 30) as u8, 120]));
        let inside = |x: u32, y: u32| (48..112).contains(&x) && (48..112).contains(&y);
        let drawn = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let own = if inside(x, y) { [30, 200, 60] } else { old.get_pixel(x, y).0 };
            let off = off(x, y);
            Rgb(std::array::from_fn(|c| (f32::from(own[c]) - off[c]).round() as u8))
        });
        let change = (0..SIDE * SIDE).map(|i| if inside(i % SIDE, i / SIDE) { 255 } else { 0 }).collect();
        (old, drawn, change)
    }

    #[test]
    fn a_shift_is_continued_into_what_changed() {
        // One side of the picture is off by nothing, the other by ten levels of red.
        let off = |x: u32, _| [10.0 * x as f32 / SIDE as f32, -4.0, 0.0];
        let (old, drawn, change) = pictures(off);
        let shift = Shift::measured(&old, &drawn, &change, (false, false));
        // (At the picture's edges the field is even, and a slope ends before it.)
        let inner = (24..SIDE - 24).step_by(4);
        for (x, y) in inner.clone().flat_map(|x| inner.clone().map(move |y| (x, y))) {
            for (found, expected) in shift.at(x, y).into_iter().zip(off(x, y)) {
                assert!((found - expected).abs() < 1.0, "{x}, {y}: {found} for {expected}");
            }
        }
        let [r, g, b] = shift.shifted(80, 80, drawn.get_pixel(80, 80).0);
        assert!((r - 30.0).abs() < 1.5 && (g - 200.0).abs() < 1.5 && (b - 60.0).abs() < 1.0, "{r} {g} {b}");
    }

    #[test]
    fn what_is_drawn_anew_says_nothing() {
        let (old, drawn, change) = pictures(|_, _| [0.0; 3]);
        let shift = Shift::measured(&old, &drawn, &change, (false, false));
        assert!(shift.cells.iter().flatten().all(|shift| shift.abs() < 1e-3), "{shift:?}");
        // Nor does a picture of which nothing, or hardly anything, is held.
        let (old, drawn, mut change) = pictures(|_, _| [9.0; 3]);
        change.fill(1);
        change[..200].fill(0);
        let shift = Shift::measured(&old, &drawn, &change, (false, false));
        assert!(shift.cells.iter().flatten().all(|shift| *shift == 0.0));
    }

    #[test]
    fn joined_edges_are_one_place() {
        let (old, _, mut change) = pictures(|_, _| [0.0; 3]);
        // All is held but the columns at both edges, and off beside one of them.
        change.iter_mut().enumerate().for_each(|(i, change)| {
            *change = if (16..144).contains(&(i % SIDE as usize)) { 0 } else { 255 };
        });
        let off = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let Rgb([r, g, b]) = *old.get_pixel(x, y);
            Rgb([if x >= 100 { r - 20 } else { r }, g, b])
        });
        let step = |wrap| {
            let shift = Shift::measured(&old, &off, &change, (wrap, false));
            (shift.at(0, 80)[0] - shift.at(SIDE - 1, 80)[0]).abs()
        };
        assert!(step(true) < 1.0 && step(false) > 10.0, "{} {}", step(true), step(false));
    }
}
