//! Filling what hangs together.

use super::cover::Cover;
use crate::document::Wrap;

/// Fully covers every pixel that hangs together with `start` (by its four neighbours, over joined edges too) and is open:
/// `open(x, y)` is over 127. Pixels around them that are open in part, as smooth edges are, are covered with them, so that
/// no hair stays open between two regions. Without `contiguous` it covers all such pixels on the canvas.
#[must_use]
pub fn flood(
    (width, height): (u32, u32),
    wrap: Wrap,
    start: (u32, u32),
    contiguous: bool,
    open: impl Fn(u32, u32) -> u8,
) -> Cover {
    let mut cover = Cover::new(width, height);
    if start.0 >= width || start.1 >= height {
        return cover;
    }
    let side = width as usize;
    let inside = if contiguous {
        reached(width, height, wrap, start, |x, y| open(x, y) > 127)
    } else {
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| open(x, y) > 127).collect()
    };
    let is_in = |x: u32, y: u32| inside.get(y as usize * side + x as usize).copied().unwrap_or(false);
    let mut row = vec![0; side];
    for y in 0..height {
        let lines = [neighbour(y, -1, height, wrap.y()), Some(y), neighbour(y, 1, height, wrap.y())];
        let beside = |x: u32| lines.into_iter().flatten().any(|y| is_in(x, y));
        // Whether the columns before, at and after `x` hold anything of it in these lines.
        let mut columns = [false, neighbour(0, -1, width, wrap.x()).is_some_and(beside), beside(0)];
        for (x, out) in (0..width).zip(&mut row) {
            columns = [columns[1], columns[2], neighbour(x, 1, width, wrap.x()).is_some_and(beside)];
            let near = columns.contains(&true);
            *out = if is_in(x, y) || (near && open(x, y) > 0) { 255 } else { 0 };
        }
        cover.add_row(0, y, &row);
    }
    cover
}

/// The pixels reached from `start` by steps to open neighbours, row by row.
fn reached(width: u32, height: u32, wrap: Wrap, start: (u32, u32), open: impl Fn(u32, u32) -> bool) -> Vec<bool> {
    let side = width as usize;
    let mut inside = vec![false; side * height as usize];
    let mut todo = vec![start];
    while let Some((x, y)) = todo.pop() {
        let at = |x: u32| y as usize * side + x as usize;
        if inside.get(at(x)).copied().unwrap_or(true) || !open(x, y) {
            continue;
        }
        // The whole run of open pixels this one is in, then where the rows above and below go on.
        let mut run = vec![x];
        for by in [-1, 1] {
            let mut x = x;
            while let Some(next) = neighbour(x, by, width, wrap.x()) {
                if inside.get(at(next)).copied().unwrap_or(true) || !open(next, y) {
                    break;
                }
                if let Some(pixel) = inside.get_mut(at(next)) {
                    *pixel = true;
                }
                run.push(next);
                x = next;
            }
        }
        if let Some(pixel) = inside.get_mut(at(x)) {
            *pixel = true;
        }
        for row in [neighbour(y, -1, height, wrap.y()), neighbour(y, 1, height, wrap.y())].into_iter().flatten() {
            todo.extend(run.iter().map(|x| (*x, row)).filter(|(x, row)| {
                !inside.get(*row as usize * side + *x as usize).copied().unwrap_or(true) && open(*x, *row)
            }));
        }
    }
    inside
}

/// The pixel before (-1) or after (1) another along one axis; on a joined one the last comes before the first.
fn neighbour(at: u32, by: i32, side: u32, wrap: bool) -> Option<u32> {
    match at.checked_add_signed(by) {
        Some(next) if next < side => Some(next),
        Some(_) => wrap.then_some(0),
        None => wrap.then_some(side - 1),
    }
}
