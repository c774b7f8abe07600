//! A canvas cut into tiles, since one texture may not be as large as a canvas.

use crate::document::PixelRect;
use egui::{Pos2, pos2};

/// The rectangles of the tiles of a canvas of this size, each at most `side` wide and high.
pub(super) fn tile_rects(width: u32, height: u32, side: u32) -> impl Iterator<Item = PixelRect> {
    let steps = move |length: u32| (0..length.div_ceil(side)).map(move |i| (i * side, side.min(length - i * side)));
    steps(height).flat_map(move |(y, height)| steps(width).map(move |(x, width)| PixelRect { x, y, width, height }))
}

/// A rectangle with so many pixels more on every side, within a canvas of this size.
#[must_use]
pub(super) fn grown(rect: PixelRect, by: u32, [width, height]: [u32; 2]) -> PixelRect {
    let (x, y) = (rect.x.saturating_sub(by), rect.y.saturating_sub(by));
    let right = (rect.x + rect.width + by).min(width);
    let bottom = (rect.y + rect.height + by).min(height);
    PixelRect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) }
}

/// The middle of a canvas.
#[must_use]
pub(super) fn middle(width: u32, height: u32) -> Pos2 {
    pos2(width as f32 * 0.5, height as f32 * 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_pixel_once() {
        for (width, height) in [(64, 64), (2048, 2048), (2049, 100), (5000, 4097)] {
            let area: u64 = tile_rects(width, height, 1024).map(|r| u64::from(r.width) * u64::from(r.height)).sum();
            assert_eq!(area, u64::from(width) * u64::from(height), "{width} × {height}");
            assert!(tile_rects(width, height, 1024).all(|r| r.width <= 1024 && r.height <= 1024 && !r.is_empty()));
        }
    }

    #[test]
    fn a_grown_tile_stays_on_the_canvas() {
        let whole = PixelRect { x: 0, y: 0, width: 100, height: 50 };
        assert_eq!(grown(whole, 16, [100, 50]), whole);
        let tile = PixelRect { x: 32, y: 0, width: 32, height: 32 };
        assert_eq!(grown(tile, 16, [100, 50]), PixelRect { x: 16, y: 0, width: 64, height: 48 });
    }
}
