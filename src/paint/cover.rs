//! A shape on its way to a mask: coverage kept in tiles, only where there is any.

use super::stroke::{scaled, tile_rect};
use crate::document::{Mask, MaskDelta, PixelRect, TILE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SIDE: usize = TILE as usize;

/// What a shape does to the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Combine {
    /// The region gets the shape as well.
    #[default]
    Add,
    /// The shape is taken out of the region.
    Subtract,
    /// The region is the shape and nothing else.
    Replace,
}

/// Coverage on a canvas, one byte a pixel. It takes memory for the tiles it touches, whatever the canvas's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    width: u32,
    height: u32,
    /// By row and column; each row by row, `TILE` bytes a row also where the canvas ends earlier.
    tiles: BTreeMap<(u32, u32), Box<[u8]>>,
}

/// What laying a [`Cover`] on a mask did.
#[derive(Debug)]
pub struct Laid {
    /// What leads the mask back, for [`History::push_mask`](crate::document::History::push_mask).
    pub before: MaskDelta,
    /// Where the mask changed.
    pub dirty: Vec<PixelRect>,
}

impl Cover {
    /// Covers nothing yet.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, tiles: BTreeMap::new() }
    }

    /// Width of the canvas in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height of the canvas in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Coverage at a pixel; 0 outside the canvas.
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> u8 {
        let at = (y % TILE * TILE + x % TILE) as usize;
        self.tiles.get(&(y / TILE, x / TILE)).and_then(|tile| tile.get(at)).copied().unwrap_or(0)
    }

    /// Covers the pixels from `x` on in row `y` at least so much. What lies outside the canvas is left out.
    pub fn add_row(&mut self, x: u32, y: u32, values: &[u8]) {
        if y >= self.height {
            return;
        }
        let room = self.width.saturating_sub(x) as usize;
        let mut rest = values.get(..room.min(values.len())).unwrap_or_default();
        let mut x = x;
        while !rest.is_empty() {
            let first = (x % TILE) as usize;
            let (part, after) = rest.split_at((SIDE - first).min(rest.len()));
            if part.iter().any(|v| *v > 0) {
                let tile =
                    self.tiles.entry((y / TILE, x / TILE)).or_insert_with(|| vec![0; SIDE * SIDE].into_boxed_slice());
                let at = (y % TILE) as usize * SIDE + first;
                let out = tile.get_mut(at..at + part.len()).unwrap_or_default();
                out.iter_mut().zip(part).for_each(|(out, v)| *out = (*out).max(*v));
            }
            x = (x / TILE + 1) * TILE;
            rest = after;
        }
    }

    /// Lays it on a mask of the same size; one of another size stays as it is.
    pub fn lay(&self, mask: &mut Mask, combine: Combine) -> Laid {
        let mut laid = Laid { before: MaskDelta::new(self.width, self.height), dirty: Vec::new() };
        if (mask.width(), mask.height()) != (self.width, self.height) {
            return laid;
        }
        let nothing = vec![0; SIDE * SIDE].into_boxed_slice();
        if combine == Combine::Replace {
            for row in 0..self.height.div_ceil(TILE) {
                for column in 0..self.width.div_ceil(TILE) {
                    let tile = self.tiles.get(&(row, column)).unwrap_or(&nothing);
                    laid.tile(mask, (column, row), tile, combine);
                }
            }
        } else {
            for ((row, column), tile) in &self.tiles {
                laid.tile(mask, (*column, *row), tile, combine);
            }
        }
        laid
    }
}

impl Laid {
    fn tile(&mut self, mask: &mut Mask, (column, row): (u32, u32), tile: &[u8], combine: Combine) {
        let rect = tile_rect(mask.width(), mask.height(), column, row);
        let mut before = Vec::with_capacity(rect.width as usize * rect.height as usize);
        let mut changed = false;
        for (y, cover) in (rect.y..rect.y + rect.height).zip(tile.chunks_exact(SIDE)) {
            let columns = rect.x as usize..(rect.x + rect.width) as usize;
            let out = mask.row_mut(y).get_mut(columns).unwrap_or_default();
            before.extend_from_slice(out);
            for (out, cover) in out.iter_mut().zip(cover) {
                let new = match combine {
                    Combine::Add => 255 - scaled(255 - *out, 255 - *cover),
                    Combine::Subtract => scaled(*out, 255 - *cover),
                    Combine::Replace => *cover,
                };
                changed |= new != *out;
                *out = new;
            }
        }
        if changed {
            self.before.push(column, row, &before);
            self.add_dirty(rect);
        }
    }

    /// Tiles come row by row: neighbours in a row become one rectangle, and rows that are alike one below the other.
    fn add_dirty(&mut self, rect: PixelRect) {
        match self.dirty.last_mut() {
            Some(last) if last.y == rect.y && last.x + last.width == rect.x => last.width += rect.width,
            _ => self.dirty.push(rect),
        }
        // The row before ends in the rectangle before this one.
        if let [.., above, last] = self.dirty.as_mut_slice()
            && (above.x, above.width, above.y + above.height) == (last.x, last.width, last.y)
        {
            above.height += last.height;
            self.dirty.pop();
        }
    }
}
