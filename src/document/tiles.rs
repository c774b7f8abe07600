//! What changed in a mask, kept as tiles.

use super::{Mask, PixelRect};

/// The side of a tile in pixels.
pub const TILE: u32 = 64;

/// The bytes of a tile that were in a mask at another time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bytes {
    /// All the same.
    Flat(u8),
    /// Row by row; as many as the tile has inside the mask.
    Each(Box<[u8]>),
}

/// One tile of a [`MaskDelta`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tile {
    column: u32,
    row: u32,
    bytes: Bytes,
}

/// The tiles in which a mask differs from how it was (or will be) at another time. Swapping it with the mask takes the
/// mask to that time and the delta back, so one delta serves undo and redo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskDelta {
    width: u32,
    height: u32,
    tiles: Vec<Tile>,
}

impl MaskDelta {
    /// Nothing differs yet from a mask of this size.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, tiles: Vec::new() }
    }

    /// What leads from `now` to `then`; `None` where their sizes differ.
    #[must_use]
    pub fn between(now: &Mask, then: &Mask) -> Option<Self> {
        if (now.width(), now.height()) != (then.width(), then.height()) {
            return None;
        }
        let mut delta = Self::new(now.width(), now.height());
        for row in 0..now.height().div_ceil(TILE) {
            for column in 0..now.width().div_ceil(TILE) {
                let rect = tile_rect(now, column, row);
                let differs = (rect.y..rect.y + rect.height).any(|y| part(now, rect, y) != part(then, rect, y));
                if differs {
                    let bytes: Vec<u8> =
                        (rect.y..rect.y + rect.height).flat_map(|y| part(then, rect, y)).copied().collect();
                    delta.tiles.push(Tile { column, row, bytes: packed(&bytes) });
                }
            }
        }
        Some(delta)
    }

    /// Adds the bytes that tile `column`, `row` had, row by row, cut to the mask. Each tile must be added at most once.
    pub fn push(&mut self, column: u32, row: u32, bytes: &[u8]) {
        self.tiles.push(Tile { column, row, bytes: packed(bytes) });
    }

    /// True where nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    /// How many tiles differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tiles.len()
    }

    /// The memory it takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let bytes = |tile: &Tile| match &tile.bytes {
            Bytes::Flat(_) => 0,
            Bytes::Each(bytes) => bytes.len(),
        };
        self.tiles.iter().map(|tile| bytes(tile) + size_of::<Tile>()).sum()
    }

    /// Exchanges the tiles with those of the mask and returns the rectangle around them; the empty one where the mask is
    /// of another size, which then stays as it is.
    pub fn swap(&mut self, mask: &mut Mask) -> PixelRect {
        let mut dirty = PixelRect::default();
        if (mask.width(), mask.height()) != (self.width, self.height) {
            return dirty;
        }
        for tile in &mut self.tiles {
            let rect = tile_rect(mask, tile.column, tile.row);
            let columns = rect.x as usize..(rect.x + rect.width) as usize;
            let mut before = Vec::with_capacity(rect.width as usize * rect.height as usize);
            for (index, y) in (rect.y..rect.y + rect.height).enumerate() {
                let row = mask.row_mut(y).get_mut(columns.clone()).unwrap_or_default();
                before.extend_from_slice(row);
                match &tile.bytes {
                    Bytes::Flat(value) => row.fill(*value),
                    Bytes::Each(bytes) => {
                        let from = bytes.chunks_exact(rect.width.max(1) as usize).nth(index).unwrap_or_default();
                        row.iter_mut().zip(from).for_each(|(out, v)| *out = *v);
                    }
                }
            }
            tile.bytes = packed(&before);
            dirty = dirty.union(rect);
        }
        dirty
    }
}

/// The pixels of a tile inside a mask.
fn tile_rect(mask: &Mask, column: u32, row: u32) -> PixelRect {
    let (x, y) = (column.saturating_mul(TILE).min(mask.width()), row.saturating_mul(TILE).min(mask.height()));
    PixelRect { x, y, width: TILE.min(mask.width() - x), height: TILE.min(mask.height() - y) }
}

/// The bytes of a row inside a tile.
fn part(mask: &Mask, rect: PixelRect, y: u32) -> &[u8] {
    mask.row(y).get(rect.x as usize..(rect.x + rect.width) as usize).unwrap_or_default()
}

fn packed(bytes: &[u8]) -> Bytes {
    match bytes {
        [first, rest @ ..] if rest.iter().all(|v| v == first) => Bytes::Flat(*first),
        bytes => Bytes::Each(bytes.into()),
    }
}
