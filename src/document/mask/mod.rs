//! A mask: the coverage of a region, one byte per pixel, 0 (outside) to 255 (inside).

mod combine;
mod rect;
mod tile;

pub use rect::PixelRect;
pub use tile::{TILE, Tile, TileBytes};

use tile::SIDE;

/// Coverage per pixel, kept in tiles of [`TILE`] by [`TILE`] pixels that are shared until written to. A copy of a mask
/// costs its table, a write the tiles it touches, and what is even takes no memory.
#[derive(Debug, Clone)]
pub struct Mask {
    width: u32,
    height: u32,
    /// Row by row from the top left.
    tiles: Vec<Tile>,
}

impl Mask {
    /// A mask that covers nothing.
    #[must_use]
    pub fn empty(width: u32, height: u32) -> Self {
        Self::even(width, height, 0)
    }

    /// A mask that covers every pixel by as much.
    #[must_use]
    pub fn even(width: u32, height: u32, value: u8) -> Self {
        let count = width.div_ceil(TILE) as usize * height.div_ceil(TILE) as usize;
        Self { width, height, tiles: vec![Tile::Flat(value); count] }
    }

    /// A mask from `width * height` bytes row by row; `None` where the length is another.
    #[must_use]
    pub fn from_raw(width: u32, height: u32, data: &[u8]) -> Option<Self> {
        let across = width as usize;
        (data.len() == across * height as usize).then(|| {
            Self::from_rows(width, height, |y, row| {
                row.copy_from_slice(&data[y as usize * across..][..across]);
            })
        })
    }

    /// A mask of rows that are filled in one by one, from the top; each is 0 everywhere before.
    #[must_use]
    pub fn from_rows(width: u32, height: u32, mut fill: impl FnMut(u32, &mut [u8])) -> Self {
        let mut mask = Self::empty(width, height);
        let across = width as usize;
        let mut band = vec![0; across * SIDE];
        for row in 0..height.div_ceil(TILE) {
            band.fill(0);
            let rows = row * TILE..(row * TILE + TILE).min(height);
            for (y, out) in rows.zip(band.chunks_exact_mut(across.max(1))) {
                fill(y, out);
            }
            for column in 0..width.div_ceil(TILE) {
                let rect = mask.tile_rect(column, row);
                let mut bytes = [0; SIDE * SIDE];
                for (out, line) in bytes.chunks_exact_mut(SIDE).zip(band.chunks_exact(across.max(1))) {
                    out[..rect.width as usize].copy_from_slice(&line[rect.x as usize..][..rect.width as usize]);
                }
                let even = bytes.iter().all(|v| *v == bytes[0]);
                let tile = if even { Tile::Flat(bytes[0]) } else { Tile::Each(bytes.into()) };
                mask.set_tile(column, row, tile.packed(rect.width, rect.height));
            }
        }
        mask
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All bytes, row by row: a copy of the size of the canvas.
    #[must_use]
    pub fn to_raw(&self) -> Vec<u8> {
        self.crop(PixelRect::whole(self.width, self.height))
    }

    /// The bytes of a rectangle, row by row; 0 outside the mask.
    #[must_use]
    pub fn crop(&self, rect: PixelRect) -> Vec<u8> {
        let mut out = Vec::new();
        self.crop_to(rect, &mut out);
        out
    }

    /// The same in place of what is in `out`.
    pub fn crop_to(&self, rect: PixelRect, out: &mut Vec<u8>) {
        out.resize(rect.width as usize * rect.height as usize, 0);
        for (y, row) in rect.rows().zip(out.chunks_exact_mut((rect.width as usize).max(1))) {
            self.read_row(rect.x, y, row);
        }
    }

    /// Coverage at a pixel; 0 outside the mask.
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> u8 {
        if x < self.width && y < self.height { self.tiles[self.at(x / TILE, y / TILE)].get(x, y) } else { 0 }
    }

    /// Copies the bytes of row `y` from the column `x` on; 0 outside the mask.
    pub fn read_row(&self, x: u32, y: u32, out: &mut [u8]) {
        let inside = if y < self.height { self.width.saturating_sub(x) as usize } else { 0 };
        let (mut rest, outside) = out.split_at_mut(inside.min(out.len()));
        outside.fill(0);
        let mut x = x;
        while !rest.is_empty() {
            let first = (x % TILE) as usize;
            let (part, after) = rest.split_at_mut((SIDE - first).min(rest.len()));
            self.tiles[self.at(x / TILE, y / TILE)].read(first, (y % TILE) as usize, part);
            x = (x / TILE + 1) * TILE;
            rest = after;
        }
    }

    /// Sets the bytes of row `y` from the column `x` on. What lies outside the mask is left out.
    pub fn write_row(&mut self, x: u32, y: u32, values: &[u8]) {
        let inside = if y < self.height { self.width.saturating_sub(x) as usize } else { 0 };
        let (mut x, mut rest) = (x, &values[..inside.min(values.len())]);
        while !rest.is_empty() {
            let first = (x % TILE) as usize;
            let (part, after) = rest.split_at((SIDE - first).min(rest.len()));
            let at = self.at(x / TILE, y / TILE);
            let same = matches!(self.tiles[at], Tile::Flat(value) if part.iter().all(|v| *v == value));
            if !same {
                let from = (y % TILE) as usize * SIDE + first;
                self.tiles[at].bytes_mut()[from..from + part.len()].copy_from_slice(part);
            }
            x = (x / TILE + 1) * TILE;
            rest = after;
        }
    }

    /// Covers a rectangle by as much everywhere.
    pub fn fill(&mut self, rect: PixelRect, value: u8) {
        let rect = rect.intersection(PixelRect::whole(self.width, self.height));
        if rect.is_empty() {
            return;
        }
        for row in rect.y / TILE..(rect.y + rect.height).div_ceil(TILE) {
            for column in rect.x / TILE..(rect.x + rect.width).div_ceil(TILE) {
                let tile = self.tile_rect(column, row);
                let part = tile.intersection(rect);
                if part == tile {
                    self.set_tile(column, row, Tile::Flat(value));
                    continue;
                }
                let line = [value; SIDE];
                for y in part.rows() {
                    self.write_row(part.x, y, &line[..part.width as usize]);
                }
            }
        }
    }

    /// Maps every byte with `change`.
    #[must_use]
    pub fn map(&self, change: impl Fn(u8) -> u8) -> Self {
        let tiles = self.tiles.iter().map(|tile| tile.map(&change)).collect();
        Self { tiles, ..*self }
    }

    /// Columns and rows of tiles.
    #[must_use]
    pub fn grid(&self) -> (u32, u32) {
        (self.width.div_ceil(TILE), self.height.div_ceil(TILE))
    }

    /// The pixels of a tile inside the mask; empty where there is no such tile.
    #[must_use]
    pub fn tile_rect(&self, column: u32, row: u32) -> PixelRect {
        let (x, y) = (column.saturating_mul(TILE).min(self.width), row.saturating_mul(TILE).min(self.height));
        PixelRect { x, y, width: TILE.min(self.width - x), height: TILE.min(self.height - y) }
    }

    /// A tile.
    ///
    /// # Panics
    /// If there is none in this place.
    #[must_use]
    pub fn tile(&self, column: u32, row: u32) -> &Tile {
        &self.tiles[self.at(column, row)]
    }

    /// A tile, to change it.
    ///
    /// # Panics
    /// If there is none in this place.
    pub fn tile_mut(&mut self, column: u32, row: u32) -> &mut Tile {
        let at = self.at(column, row);
        &mut self.tiles[at]
    }

    fn set_tile(&mut self, column: u32, row: u32, tile: Tile) {
        *self.tile_mut(column, row) = tile;
    }

    /// Gives back the memory of a tile that has become even.
    pub fn pack_tile(&mut self, column: u32, row: u32) {
        let PixelRect { width, height, .. } = self.tile_rect(column, row);
        let tile = self.tile_mut(column, row);
        *tile = std::mem::take(tile).packed(width, height);
    }

    /// Gives back the memory of every tile that has become even.
    pub fn pack(&mut self) {
        let (columns, rows) = self.grid();
        for row in 0..rows {
            (0..columns).for_each(|column| self.pack_tile(column, row));
        }
    }

    /// Every tile with its place: column and row.
    pub fn tiles(&self) -> impl Iterator<Item = (u32, u32, &Tile)> {
        let columns = self.grid().0.max(1);
        (0..).zip(&self.tiles).map(move |(at, tile)| (at % columns, at / columns, tile))
    }

    fn at(&self, column: u32, row: u32) -> usize {
        let columns = self.width.div_ceil(TILE);
        debug_assert!(column < columns, "a column of tiles");
        row as usize * columns as usize + column as usize
    }

    /// The smallest rectangle that holds every covered pixel; empty where there is none.
    #[must_use]
    pub fn bounds(&self) -> PixelRect {
        let mut all = PixelRect::default();
        for (column, row, tile) in self.tiles() {
            let rect = self.tile_rect(column, row);
            match tile {
                Tile::Flat(0) => {}
                Tile::Flat(_) => all = all.union(rect),
                // What lies inside already cannot widen it.
                Tile::Each(_) if all.union(rect) == all => {}
                Tile::Each(bytes) => all = all.union(covered(bytes, rect)),
            }
        }
        all
    }

    /// The same coverage on another canvas, moved right by `dx` and down by `dy`: what falls outside is lost, what is new
    /// is not covered.
    #[must_use]
    pub fn moved_to(&self, width: u32, height: u32, dx: i32, dy: i32) -> Self {
        let skip = u32::try_from(-i64::from(dx)).unwrap_or(0);
        let left = usize::try_from(dx).unwrap_or(0);
        Self::from_rows(width, height, |y, out| {
            if let (Ok(y), Some(out)) = (u32::try_from(i64::from(y) - i64::from(dy)), out.get_mut(left..)) {
                self.read_row(skip, y, out);
            }
        })
    }

    /// True where no pixel is covered at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.is_blank_in(PixelRect::whole(self.width, self.height))
    }

    /// True where no pixel of a rectangle is covered.
    #[must_use]
    pub fn is_blank_in(&self, rect: PixelRect) -> bool {
        let rect = rect.intersection(PixelRect::whole(self.width, self.height));
        let tiles = |from: u32, length: u32| from / TILE..(from + length).div_ceil(TILE);
        rect.is_empty()
            || tiles(rect.y, rect.height).all(|row| {
                tiles(rect.x, rect.width).all(|column| match self.tile(column, row) {
                    Tile::Flat(value) => *value == 0,
                    Tile::Each(bytes) => {
                        let tile = self.tile_rect(column, row);
                        let part = tile.intersection(rect);
                        let line = |y: u32| ((y - tile.y) * TILE + part.x - tile.x) as usize;
                        part.rows().all(|y| bytes[line(y)..][..part.width as usize].iter().all(|v| *v == 0))
                    }
                })
            })
    }

    /// The memory it takes, in bytes; tiles that are shared count in full.
    #[must_use]
    pub fn memory(&self) -> usize {
        let bytes: usize = self.tiles.iter().map(Tile::memory).sum();
        bytes + self.tiles.len() * size_of::<Tile>()
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height)
            && self.tiles().zip(&other.tiles).all(|((column, row, tile), other)| {
                let PixelRect { width, height, .. } = self.tile_rect(column, row);
                tile.same(other, width, height)
            })
    }
}

impl Eq for Mask {}

/// The smallest rectangle around the covered pixels of a tile that lies at `rect`.
fn covered(bytes: &TileBytes, rect: PixelRect) -> PixelRect {
    let mut all = PixelRect::default();
    for (y, row) in rect.rows().zip(bytes.chunks_exact(SIDE)) {
        let mut covered = (rect.x..).zip(&row[..rect.width as usize]).filter(|(_, v)| **v != 0).map(|(x, _)| x);
        if let Some(first) = covered.next() {
            let last = covered.last().unwrap_or(first);
            all = all.union(PixelRect { x: first, y, width: last - first + 1, height: 1 });
        }
    }
    all
}
