//! Rectangles, ellipses and polygons with smooth edges.

use super::brush::byte;
use super::cover::Cover;
use super::space::{Space, length, shifts};

/// Lines a pixel's height is cut into; across, coverage is exact.
const LINES: u32 = 8;

/// Positions are held within this many pixels of the canvas's corner.
const REACH: f32 = 65536.0;

/// The corners of an upright rectangle between two opposite ones, on whole pixels.
#[must_use]
pub fn rectangle((ax, ay): (f32, f32), (bx, by): (f32, f32)) -> Vec<(f32, f32)> {
    let (left, right) = (ax.min(bx).round(), ax.max(bx).round());
    let (top, bottom) = (ay.min(by).round(), ay.max(by).round());
    vec![(left, top), (right, top), (right, bottom), (left, bottom)]
}

/// Points around the ellipse inside the rectangle between two opposite corners, so close that straight lines between them
/// stay within a sixteenth of a pixel.
#[must_use]
pub fn ellipse((ax, ay): (f32, f32), (bx, by): (f32, f32)) -> Vec<(f32, f32)> {
    let (cx, cy) = ((ax + bx) * 0.5, (ay + by) * 0.5);
    let (rx, ry) = ((bx - ax).abs() * 0.5, (by - ay).abs() * 0.5);
    let longest = rx.max(ry).clamp(1.0, REACH);
    // The height of an arc over its chord is about r · angle² / 8.
    let points = (std::f32::consts::TAU / (0.5 / longest).sqrt()).ceil().max(12.0);
    let mut out = Vec::new();
    let mut point = 0.0;
    while point < points {
        let angle = std::f32::consts::TAU * point / points;
        out.push((cx + rx * angle.cos(), cy + ry * angle.sin()));
        point += 1.0;
    }
    out
}

/// Covers the inside of a closed line, and of its copies in `space`. What the line goes around more than once is inside,
/// too. Points that are not numbers are left out.
pub fn polygon(cover: &mut Cover, points: &[(f32, f32)], space: Space) {
    let held = |v: f32| v.clamp(-REACH, REACH);
    let points: Vec<(f32, f32)> =
        points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).map(|(x, y)| (held(*x), held(*y))).collect();
    if points.len() < 3 {
        return;
    }
    let (width, height) = (cover.width(), cover.height());
    for mirror in space.symmetry.mirrors() {
        let points: Vec<(f32, f32)> = points.iter().map(|p| mirror.of(*p, width, height)).collect();
        let bounds = |axis: fn(&(f32, f32)) -> f32| {
            points.iter().map(axis).fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(v), high.max(v)))
        };
        let ((left, right), (top, bottom)) = (bounds(|p| p.0), bounds(|p| p.1));
        for (down, _) in shifts(top, bottom, height, space.wrap.y()) {
            for (across, _) in shifts(left, right, width, space.wrap.x()) {
                let moved: Vec<(f32, f32)> = points.iter().map(|(x, y)| (x + across, y + down)).collect();
                fill(cover, &moved);
            }
        }
    }
}

/// The crossing of the outline with a line across the canvas, in pixels, and its direction: down (1) or up (-1).
type Crossing = (f32, i32);

/// Covers the inside of a closed line where it lies on the canvas.
fn fill(cover: &mut Cover, points: &[(f32, f32)]) {
    let lines = length(LINES);
    let last_line = cover.height() * LINES;
    let mut crossings: Vec<Vec<Crossing>> = Vec::new();
    let top = points.iter().map(|p| p.1).fold(f32::MAX, f32::min).max(0.0);
    let first_row = whole(top).min(cover.height());
    let first_line = first_row * LINES;
    for (index, a) in points.iter().enumerate() {
        let Some(b) = points.get((index + 1) % points.len()) else { continue };
        let (down, (ax, ay), (bx, by)) = if a.1 <= b.1 { (1, *a, *b) } else { (-1, *b, *a) };
        // The lines in the middle of whose height the edge is.
        let from = whole((ay * lines - 0.5).ceil()).max(first_line);
        let to = whole((by * lines - 0.5).ceil()).min(last_line);
        for line in from..to {
            let y = (length(line) + 0.5) / lines;
            let x = ax + (bx - ax) * ((y - ay) / (by - ay));
            let at = (line - first_line) as usize;
            if crossings.len() <= at {
                crossings.resize_with(at + 1, Vec::new);
            }
            if let Some(line) = crossings.get_mut(at) {
                line.push((x, down));
            }
        }
    }
    let mut steps = vec![0.0; cover.width() as usize + 2];
    let mut row = Vec::new();
    for (y, lines_of_row) in (first_row..).zip(crossings.chunks_mut(LINES as usize)) {
        let mut touched = (u32::MAX, 0);
        for line in lines_of_row {
            line.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let mut winding = 0;
            let mut start = 0.0;
            for (x, down) in line {
                let was = winding;
                winding += *down;
                if was == 0 {
                    start = *x;
                } else if winding == 0 {
                    add_span(&mut steps, &mut touched, start, *x, cover.width());
                }
            }
        }
        let (from, to) = (touched.0, touched.1.min(cover.width()));
        if from >= to {
            continue;
        }
        row.clear();
        let mut sum = 0.0;
        for step in steps.get_mut(from as usize..=to as usize + 1).unwrap_or_default() {
            sum += std::mem::take(step);
            row.push(byte(sum / lines));
        }
        row.truncate((to - from) as usize);
        cover.add_row(from, y, &row);
    }
}

/// Adds the pixels between two positions of a line to a row, as the steps by which coverage changes from pixel to pixel.
fn add_span(steps: &mut [f32], touched: &mut (u32, u32), start: f32, end: f32, width: u32) {
    let (start, end) = (start.clamp(0.0, length(width)), end.clamp(0.0, length(width)));
    if end <= start {
        return;
    }
    for (at, sign) in [(start, 1.0), (end, -1.0)] {
        let pixel = whole(at.floor());
        let part = at - length(pixel);
        for (index, amount) in [(pixel, 1.0 - part), (pixel + 1, part)] {
            if let Some(step) = steps.get_mut(index as usize) {
                *step += sign * amount;
            }
        }
    }
    *touched = (touched.0.min(whole(start.floor())), touched.1.max(whole(end.ceil())));
}

/// A position as a number of whole pixels; 0 for what lies before the first.
fn whole(at: f32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at 0, and is within reach")]
    let whole = at as u32;
    whole
}
