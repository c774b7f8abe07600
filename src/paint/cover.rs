//! A shape on its way to a mask: coverage kept in tiles, only where there is any.

use super::capsule::{scaled, towards};
use crate::document::{Mask, MaskDelta, PixelRect, TILE, Tile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SIDE: usize = TILE as usize;

/// The effect of a shape on the region.
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
#[derive(Debug, Clone)]
pub struct Cover {
    width: u32,
    height: u32,
    /// By row and column.
    tiles: BTreeMap<(u32, u32), Tile>,
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
        self.tiles.get(&(y / TILE, x / TILE)).map_or(0, |tile| tile.get(x, y))
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
                let tile = self.tiles.entry((y / TILE, x / TILE)).or_default();
                let at = (y % TILE) as usize * SIDE + first;
                let out = &mut tile.bytes_mut()[at..at + part.len()];
                out.iter_mut().zip(part).for_each(|(out, v)| *out = (*out).max(*v));
                // The last row of a tile that is covered whole: it is even from here on.
                let PixelRect { width, height, .. } = tile_rect(self.width, self.height, x / TILE, y / TILE);
                if y % TILE + 1 == height {
                    *tile = std::mem::take(tile).packed(width, height);
                }
            }
            x = (x / TILE + 1) * TILE;
            rest = after;
        }
    }

    /// Lays it on a mask of the same size; one of another size stays as it is. Returns what leads the mask back, for
    /// [`History::push_mask`](crate::document::History::push_mask).
    pub fn lay(&self, mask: &mut Mask, combine: Combine) -> MaskDelta {
        self.lay_towards(mask, combine, u8::MAX)
    }

    /// As [`Self::lay`], of a shape that leaves the byte `full` where it covers everything.
    pub fn lay_towards(&self, mask: &mut Mask, combine: Combine, full: u8) -> MaskDelta {
        let mut before = MaskDelta::new(self.width, self.height);
        if (mask.width(), mask.height()) != (self.width, self.height) {
            return before;
        }
        if combine == Combine::Replace {
            let (columns, rows) = mask.grid();
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let tile = self.tiles.get(&(row, column)).unwrap_or(&Tile::Flat(0));
                lay_tile(mask, (column, row), tile, (combine, full), &mut before);
            }
        } else {
            for ((row, column), tile) in &self.tiles {
                lay_tile(mask, (*column, *row), tile, (combine, full), &mut before);
            }
        }
        before
    }
}

impl Combine {
    /// The new value of a byte under a shape of this coverage.
    fn byte(self, now: u8, cover: u8, full: u8) -> u8 {
        match self {
            Self::Add => towards(now, full, 255 - cover),
            Self::Subtract => scaled(now, 255 - cover),
            Self::Replace => scaled(full, cover),
        }
    }

    /// The new tile under a shape of this coverage.
    fn tile(self, now: &Tile, cover: &Tile, full: u8) -> Tile {
        match (self, now, cover) {
            (Self::Replace, ..) if full == u8::MAX => cover.clone(),
            (Self::Replace, ..) => cover.map(|cover| self.byte(0, cover, full)),
            (_, _, Tile::Flat(cover)) => now.map(|now| self.byte(now, *cover, full)),
            (_, Tile::Flat(now), _) => cover.map(|cover| self.byte(*now, cover, full)),
            (_, _, Tile::Each(cover)) => {
                let mut new = now.clone();
                new.bytes_mut()
                    .iter_mut()
                    .zip(cover.iter())
                    .for_each(|(now, cover)| *now = self.byte(*now, *cover, full));
                new
            }
        }
    }
}

/// Lays a tile of a cover on that of a mask, and keeps what was there where that changes anything.
fn lay_tile(
    mask: &mut Mask,
    (column, row): (u32, u32),
    cover: &Tile,
    (combine, full): (Combine, u8),
    before: &mut MaskDelta,
) {
    let PixelRect { width, height, .. } = mask.tile_rect(column, row);
    let now = mask.tile_mut(column, row);
    let new = combine.tile(now, cover, full).packed(width, height);
    if !new.same(now, width, height) {
        before.push(column, row, std::mem::replace(now, new));
    }
}

/// The pixels of a tile inside a canvas.
fn tile_rect(width: u32, height: u32, column: u32, row: u32) -> PixelRect {
    PixelRect { x: column * TILE, y: row * TILE, width: TILE, height: TILE }
        .intersection(PixelRect::whole(width, height))
}
