//! The difference of two masks, kept as tiles.

use super::{Mask, PixelRect, Tile};

/// The tiles in which a mask differs from how it was (or will be) at another time. Swapping it with the mask takes the
/// mask to that time and the delta back, so one delta serves undo and redo. No byte is copied: the tiles change hands.
#[derive(Debug, Clone)]
pub struct MaskDelta {
    width: u32,
    height: u32,
    /// Column, row and what is there at the other time.
    tiles: Vec<(u32, u32, Tile)>,
}

impl MaskDelta {
    /// Nothing differs yet from a mask of this size.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, tiles: Vec::new() }
    }

    /// The delta from `now` to `then`; `None` where their sizes differ.
    #[must_use]
    pub fn between(now: &Mask, then: &Mask) -> Option<Self> {
        if (now.width(), now.height()) != (then.width(), then.height()) {
            return None;
        }
        let mut delta = Self::new(now.width(), now.height());
        for (column, row, tile) in then.tiles() {
            let PixelRect { width, height, .. } = then.tile_rect(column, row);
            if !now.tile(column, row).same(tile, width, height) {
                delta.push(column, row, tile.clone());
            }
        }
        Some(delta)
    }

    /// Adds what tile `column`, `row` had. Each tile must be added at most once; added row by row, neighbours become one
    /// rectangle of [`Self::swap`].
    pub fn push(&mut self, column: u32, row: u32, tile: Tile) {
        self.tiles.push((column, row, tile));
    }

    /// True where nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    /// The number of tiles that differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tiles.len()
    }

    /// The memory it takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let own = self.tiles.len() * size_of::<(u32, u32, Tile)>();
        self.tiles.iter().map(|(.., tile)| tile.memory()).sum::<usize>() + own
    }

    /// Exchanges the tiles with those of the mask and returns the rectangles of what changed; none where the mask is of
    /// another size, which then stays as it is.
    pub fn swap(&mut self, mask: &mut Mask) -> Vec<PixelRect> {
        let mut rects = Vec::new();
        if (mask.width(), mask.height()) == (self.width, self.height) {
            for (column, row, tile) in &mut self.tiles {
                std::mem::swap(tile, mask.tile_mut(*column, *row));
                add_rect(&mut rects, mask.tile_rect(*column, *row));
            }
        }
        rects
    }
}

/// Tiles come row by row: neighbours in a row become one rectangle, and rows that are alike one below the other.
fn add_rect(rects: &mut Vec<PixelRect>, rect: PixelRect) {
    match rects.last_mut() {
        Some(last) if last.y == rect.y && last.x + last.width == rect.x => last.width += rect.width,
        _ => rects.push(rect),
    }
    // The row before ends in the rectangle before this one.
    if let [.., above, last] = rects.as_mut_slice()
        && (above.x, above.width, above.y + above.height) == (last.x, last.width, last.y)
    {
        above.height += last.height;
        rects.pop();
    }
}
