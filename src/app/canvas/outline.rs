//! Outlines of masks as closed lines, by marching squares over a grid of at most [`GRID`] cells a side.
//!
//! Lines are drawn at the screen's own resolution, so an outline stays fine and even at every zoom.

use crate::document::{Mask, PixelRect};
use egui::{Pos2, pos2};
use std::collections::HashMap;

/// The most cells a side.
const GRID: u32 = 1024;
/// Coverage above which a pixel lies inside.
const INSIDE: u8 = 127;

/// An edge between two samples: its left or upper sample, and whether it runs downwards.
type Edge = (i32, i32, bool);
/// A piece of an outline, from one edge to the next, the inside on its right hand.
type Piece = (Edge, Edge);

/// The outline of one mask, kept up to date stroke by stroke.
pub struct Outline {
    /// Width and height of the canvas.
    canvas: [u32; 2],
    /// Canvas pixels per cell.
    cell: u32,
    /// Cells across and down.
    size: [usize; 2],
    /// The greatest coverage inside each cell.
    field: Vec<u8>,
    /// The pieces of the outline between each row of samples and the next, the row above the first included.
    rows: Vec<Vec<Piece>>,
    loops: Vec<Vec<Pos2>>,
}

impl Outline {
    /// Traces a mask.
    #[must_use]
    pub fn new(mask: &Mask) -> Self {
        let cell = mask.width().max(mask.height()).div_ceil(GRID).max(1);
        let size = [mask.width().div_ceil(cell) as usize, mask.height().div_ceil(cell) as usize];
        let canvas = [mask.width(), mask.height()];
        let mut outline = Self {
            canvas,
            cell,
            size,
            field: vec![0; size[0] * size[1]],
            rows: vec![Vec::new(); size[1] + 1],
            loops: Vec::new(),
        };
        outline.update(mask, PixelRect { x: 0, y: 0, width: mask.width(), height: mask.height() });
        outline
    }

    /// Traces anew after the mask changed inside `dirty`.
    pub fn update(&mut self, mask: &Mask, dirty: PixelRect) {
        if dirty.is_empty() {
            return;
        }
        let cells = |start: u32, length: u32| (start / self.cell, (start + length - 1) / self.cell);
        let ((x0, x1), (y0, y1)) = (cells(dirty.x, dirty.width), cells(dirty.y, dirty.height));
        let across = self.size[0];
        for cy in y0..=y1 {
            let row = &mut self.field[cy as usize * across..][x0 as usize..=x1 as usize];
            row.fill(0);
            for y in cy * self.cell..((cy + 1) * self.cell).min(mask.height()) {
                let start = y as usize * mask.width() as usize;
                let from = (x0 * self.cell) as usize;
                let to = (((x1 + 1) * self.cell).min(mask.width())) as usize;
                let pixels = &mask.data()[start + from..start + to];
                for (cell, part) in row.iter_mut().zip(pixels.chunks(self.cell as usize)) {
                    *cell = part.iter().copied().fold(*cell, u8::max);
                }
            }
        }
        for y in y0 as isize - 1..=y1 as isize {
            self.rows[(y + 1) as usize] = self.pieces(y);
        }
        self.loops = self.linked();
        let cell = self.cell as f32;
        for line in &mut self.loops {
            for p in line.iter_mut() {
                *p = pos2((p.x + 0.5) * cell, (p.y + 0.5) * cell)
                    .clamp(Pos2::ZERO, pos2(mask.width() as f32, mask.height() as f32));
            }
            *line = simplified(std::mem::take(line), 0.12 * cell);
        }
    }

    /// Width and height of the canvas it was traced on.
    #[must_use]
    pub fn canvas(&self) -> [u32; 2] {
        self.canvas
    }

    /// Closed lines in canvas pixels.
    #[must_use]
    pub fn loops(&self) -> &[Vec<Pos2>] {
        &self.loops
    }

    fn at(&self, x: isize, y: isize) -> u8 {
        let [width, height] = self.size;
        if x < 0 || y < 0 || x >= width as isize || y >= height as isize {
            0
        } else {
            self.field[y as usize * width + x as usize]
        }
    }

    /// The pieces between the samples of row `y` and those of the next, by marching squares.
    fn pieces(&self, y: isize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut left = (false, false);
        for x in -1..self.size[0] as isize {
            let right = (self.at(x + 1, y) > INSIDE, self.at(x + 1, y + 1) > INSIDE);
            let case = u8::from(left.0) | u8::from(right.0) << 1 | u8::from(right.1) << 2 | u8::from(left.1) << 3;
            left = right;
            if case == 0 || case == 15 {
                continue;
            }
            let (i, j) = (x as i32, y as i32);
            let (top, bottom) = ((i, j, false), (i, j + 1, false));
            let (west, east) = ((i, j, true), (i + 1, j, true));
            let lines: &[Piece] = match case {
                1 => &[(west, top)],
                2 => &[(top, east)],
                3 => &[(west, east)],
                4 => &[(east, bottom)],
                5 => &[(west, top), (east, bottom)],
                6 => &[(top, bottom)],
                7 => &[(west, bottom)],
                8 => &[(bottom, west)],
                9 => &[(bottom, top)],
                10 => &[(top, east), (bottom, west)],
                11 => &[(bottom, east)],
                12 => &[(east, west)],
                13 => &[(east, top)],
                _ => &[(top, west)],
            };
            pieces.extend_from_slice(lines);
        }
        pieces
    }

    /// All pieces joined to closed lines; positions in cells, a sample in the middle of each.
    fn linked(&self) -> Vec<Vec<Pos2>> {
        let mut next: HashMap<Edge, Edge> = self.rows.iter().flatten().copied().collect();
        let mut loops = Vec::new();
        for (start, _) in self.rows.iter().flatten() {
            let mut line = Vec::new();
            let mut edge = *start;
            while let Some(to) = next.remove(&edge) {
                line.push(self.crossing(edge));
                edge = to;
            }
            if line.len() > 2 {
                loops.push(line);
            }
        }
        loops
    }

    /// Where the outline crosses an edge.
    fn crossing(&self, (x, y, down): Edge) -> Pos2 {
        let a = f32::from(self.at(x as isize, y as isize));
        let (dx, dy) = if down { (0, 1) } else { (1, 0) };
        let b = f32::from(self.at(x as isize + dx, y as isize + dy));
        let t = ((f32::from(INSIDE) + 0.5 - a) / (b - a)).clamp(0.0, 1.0);
        if down { pos2(x as f32, y as f32 + t) } else { pos2(x as f32 + t, y as f32) }
    }
}

/// Drops the points of a closed line that are less than `tolerance` off it (Douglas and Peucker, 1973).
fn simplified(mut line: Vec<Pos2>, tolerance: f32) -> Vec<Pos2> {
    let Some(&first) = line.first() else { return line };
    line.push(first);
    let mut keep = vec![false; line.len()];
    // A closed line starts and ends at the same point, so split it at the one farthest away.
    let far = (0..line.len()).max_by(|&a, &b| line[a].distance_sq(first).total_cmp(&line[b].distance_sq(first)));
    let far = far.unwrap_or(0);
    let last = line.len() - 1;
    keep[0] = true;
    keep[far] = true;
    let mut open = vec![(0, far), (far, last)];
    while let Some((a, b)) = open.pop() {
        if b <= a + 1 {
            continue;
        }
        let (p, q) = (line[a], line[b]);
        let along = (q - p).normalized();
        let off = |r: Pos2| if p == q { r.distance(p) } else { (r - p).dot(along.rot90()).abs() };
        let (at, most) =
            (a + 1..b).map(|i| (i, off(line[i]))).fold((a, 0.0), |best, x| if x.1 > best.1 { x } else { best });
        if most > tolerance {
            keep[at] = true;
            open.push((a, at));
            open.push((at, b));
        }
    }
    line.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(p, _)| *p).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(width: u32, height: u32, inside: impl Fn(u32, u32) -> bool) -> Mask {
        let data = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let data = data.map(|(x, y)| if inside(x, y) { 255 } else { 0 }).collect();
        Mask::from_raw(width, height, data).expect("the right length")
    }

    #[test]
    fn a_rectangle_has_one_outline_around_it() {
        let outline = Outline::new(&painted(64, 64, |x, y| (10..30).contains(&x) && (20..50).contains(&y)));
        assert_eq!(outline.loops().len(), 1);
        let bounds = egui::Rect::from_points(&outline.loops()[0]);
        assert!((bounds.min - pos2(10.0, 20.0)).length() < 1.5, "{bounds:?}");
        assert!((bounds.max - pos2(30.0, 50.0)).length() < 1.5, "{bounds:?}");
        assert!(outline.loops()[0].len() < 16, "{} points for a rectangle", outline.loops()[0].len());
    }

    #[test]
    fn a_ring_has_two_and_nothing_has_none() {
        let ring = |x: u32, y: u32| {
            let d = (x as f32 - 50.0).hypot(y as f32 - 50.0);
            d > 20.0 && d < 40.0
        };
        assert_eq!(Outline::new(&painted(100, 100, ring)).loops().len(), 2);
        assert!(Outline::new(&painted(100, 100, |_, _| false)).loops().is_empty());
        assert_eq!(Outline::new(&painted(100, 100, |_, _| true)).loops().len(), 1);
    }

    #[test]
    fn touching_corners_end_in_closed_lines() {
        let outline = Outline::new(&painted(16, 16, |x, y| (x / 4 + y / 4) % 2 == 0));
        let points: usize = outline.loops().iter().map(Vec::len).sum();
        assert!(outline.loops().len() >= 2 && points > 16);
    }

    #[test]
    fn an_update_equals_tracing_anew() {
        let mut mask = painted(2000, 900, |x, y| x + y < 700);
        let mut outline = Outline::new(&mask);
        let dirty = PixelRect { x: 1200, y: 333, width: 111, height: 77 };
        for y in dirty.y..dirty.y + dirty.height {
            for x in dirty.x..dirty.x + dirty.width {
                mask.data_mut()[(y * 2000 + x) as usize] = 255;
            }
        }
        outline.update(&mask, dirty);
        let anew = Outline::new(&mask);
        assert_eq!(outline.field, anew.field);
        assert_eq!(outline.loops, anew.loops);
    }
}
