//! One tile of a mask.

use std::sync::Arc;

/// The side of a tile in pixels.
pub const TILE: u32 = 64;

/// [`TILE`] as a `usize`.
pub(super) const SIDE: usize = TILE as usize;

/// The bytes of a tile, row by row.
pub type TileBytes = [u8; SIDE * SIDE];

/// A mask's bytes in one tile. Where the mask ends inside the tile, the bytes beyond mean nothing.
#[derive(Debug, Clone)]
pub enum Tile {
    /// One byte for all pixels; it takes no memory.
    Flat(u8),
    /// Byte by byte, shared until written to.
    Each(Arc<TileBytes>),
}

impl Default for Tile {
    fn default() -> Self {
        Self::Flat(0)
    }
}

impl Tile {
    /// The byte of a pixel, counted from the tile's corner; both are taken modulo [`TILE`].
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> u8 {
        match self {
            Self::Flat(value) => *value,
            Self::Each(bytes) => bytes[(y % TILE * TILE + x % TILE) as usize],
        }
    }

    /// The bytes, to change them: copied first where anybody else has them too.
    pub fn bytes_mut(&mut self) -> &mut TileBytes {
        if let Self::Flat(value) = *self {
            *self = Self::Each(Arc::new([value; SIDE * SIDE]));
        }
        match self {
            Self::Each(bytes) => Arc::make_mut(bytes),
            Self::Flat(_) => unreachable!("made of bytes above"),
        }
    }

    /// Copies the row `y` from the column `x` on; `out` must end within the tile.
    pub(super) fn read(&self, x: usize, y: usize, out: &mut [u8]) {
        match self {
            Self::Flat(value) => out.fill(*value),
            Self::Each(bytes) => out.copy_from_slice(&bytes[y * SIDE + x..][..out.len()]),
        }
    }

    /// Its rows inside `width` and `height`.
    fn rows(bytes: &TileBytes, width: u32, height: u32) -> impl Iterator<Item = &[u8]> {
        bytes.chunks_exact(SIDE).take(height as usize).map(move |row| &row[..width as usize])
    }

    /// True where both cover the same, as far as the mask reaches.
    #[must_use]
    pub fn same(&self, other: &Self, width: u32, height: u32) -> bool {
        match (self, other) {
            (Self::Flat(a), Self::Flat(b)) => a == b,
            (Self::Each(a), Self::Each(b)) => {
                Arc::ptr_eq(a, b) || Self::rows(a, width, height).eq(Self::rows(b, width, height))
            }
            (Self::Flat(value), Self::Each(bytes)) | (Self::Each(bytes), Self::Flat(value)) => {
                let even = [*value; SIDE];
                Self::rows(bytes, width, height).all(|row| *row == even[..row.len()])
            }
        }
    }

    /// The same tile without memory where it is even as far as the mask reaches.
    #[must_use]
    pub fn packed(self, width: u32, height: u32) -> Self {
        match &self {
            Self::Each(bytes) => {
                let flat = Self::Flat(bytes[0]);
                if self.same(&flat, width, height) { flat } else { self }
            }
            Self::Flat(_) => self,
        }
    }

    /// Maps every byte with `change`.
    #[must_use]
    pub fn map(&self, change: impl Fn(u8) -> u8) -> Self {
        match self {
            Self::Flat(value) => Self::Flat(change(*value)),
            Self::Each(bytes) => Self::Each(Arc::new(bytes.map(change))),
        }
    }

    /// The memory of its bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        match self {
            Self::Flat(_) => 0,
            Self::Each(bytes) => bytes.len(),
        }
    }
}
