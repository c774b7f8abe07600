//! Two masks made one, byte by byte.

use super::{Mask, PixelRect, Tile};
use std::sync::Arc;

impl Mask {
    /// Combines two masks byte by byte with `change`. Where masks are of different sizes, what lies outside the other one stays
    /// as it is. Even tiles cost one byte each, and tiles that do not change are shared.
    #[must_use]
    pub fn with(&self, other: &Self, change: impl Fn(u8, u8) -> u8) -> Self {
        let mut out = self.clone();
        for (column, row, other) in other.tiles() {
            let PixelRect { width, height, .. } = out.tile_rect(column, row);
            if width > 0 && height > 0 {
                let tile = out.tile_mut(column, row);
                *tile = together(tile, other, &change).packed(width, height);
            }
        }
        out
    }
}

fn together(tile: &Tile, other: &Tile, change: &impl Fn(u8, u8) -> u8) -> Tile {
    match (tile, other) {
        (Tile::Flat(a), Tile::Flat(b)) => Tile::Flat(change(*a, *b)),
        (Tile::Each(a), Tile::Each(b)) => {
            let mut bytes = **a;
            bytes.iter_mut().zip(b.iter()).for_each(|(a, b)| *a = change(*a, *b));
            Tile::Each(Arc::new(bytes))
        }
        (Tile::Each(bytes), Tile::Flat(b)) => mapped(bytes, |a| change(a, *b), tile),
        (Tile::Flat(a), Tile::Each(bytes)) => mapped(bytes, |b| change(*a, b), other),
    }
}

/// A tile of which each byte is changed by itself; `tile` is the one the bytes are of.
fn mapped(bytes: &super::TileBytes, change: impl Fn(u8) -> u8, tile: &Tile) -> Tile {
    let table: [u8; 256] = std::array::from_fn(|v| change(u8::try_from(v).unwrap_or(255)));
    if (0..=255).zip(table).all(|(v, to)| v == to) {
        return tile.clone();
    }
    match table {
        [first, rest @ ..] if rest.iter().all(|v| *v == first) => Tile::Flat(first),
        _ => Tile::Each(Arc::new(bytes.map(|v| table[usize::from(v)]))),
    }
}
