//! A picture on the graphics card, in tiles, since one texture may not be as large as a canvas.

use crate::document::PixelRect;
use egui::{Color32, ColorImage, Painter, Pos2, Rect, TextureHandle, TextureOptions, Vec2, pos2, vec2};

/// Side of a tile in pixels.
const TILE: u32 = 2048;

struct Tile {
    rect: PixelRect,
    texture: TextureHandle,
}

/// A picture of any size as textures that lie side by side.
pub struct Tiles {
    width: u32,
    height: u32,
    tiles: Vec<Tile>,
}

/// The rectangles of the tiles of a picture of this size.
pub fn tile_rects(width: u32, height: u32) -> impl Iterator<Item = PixelRect> {
    let steps = |side: u32| (0..side.div_ceil(TILE)).map(move |i| (i * TILE, TILE.min(side - i * TILE)));
    steps(height).flat_map(move |(y, height)| steps(width).map(move |(x, width)| PixelRect { x, y, width, height }))
}

impl Tiles {
    /// Uploads a picture; `pixels` paints one rectangle of it.
    pub fn new(
        ctx: &egui::Context,
        name: &str,
        [width, height]: [u32; 2],
        mut pixels: impl FnMut(PixelRect) -> ColorImage,
    ) -> Self {
        let tiles = tile_rects(width, height)
            .map(|rect| Tile { rect, texture: ctx.load_texture(name, pixels(rect), TextureOptions::LINEAR) })
            .collect();
        Self { width, height, tiles }
    }

    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// Uploads anew what lies inside `dirty`; `pixels` paints one rectangle of it.
    pub fn update(&mut self, dirty: PixelRect, mut pixels: impl FnMut(PixelRect) -> ColorImage) {
        for tile in &mut self.tiles {
            let part = intersection(tile.rect, dirty);
            if !part.is_empty() {
                let at = [(part.x - tile.rect.x) as usize, (part.y - tile.rect.y) as usize];
                tile.texture.set_partial(at, pixels(part), TextureOptions::LINEAR);
            }
        }
    }

    /// Replaces the whole picture by one of the same size, given tile by tile.
    pub fn replace(&mut self, images: Vec<ColorImage>) {
        for (tile, image) in self.tiles.iter_mut().zip(images) {
            tile.texture.set(image, TextureOptions::LINEAR);
        }
    }

    /// Draws it into `rect`.
    pub fn paint(&self, painter: &Painter, rect: Rect, tint: Color32) {
        let scale = vec2(rect.width() / self.width as f32, rect.height() / self.height as f32);
        let place = |x: u32, y: u32| rect.min + vec2(x as f32, y as f32) * scale;
        let uv = Rect::from_min_size(Pos2::ZERO, Vec2::splat(1.0));
        for Tile { rect: t, texture } in &self.tiles {
            let on_screen = Rect::from_min_max(place(t.x, t.y), place(t.x + t.width, t.y + t.height));
            if painter.clip_rect().intersects(on_screen) {
                painter.image(texture.id(), on_screen, uv, tint);
            }
        }
    }
}

/// What two rectangles share.
#[must_use]
pub fn intersection(a: PixelRect, b: PixelRect) -> PixelRect {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let right = (a.x + a.width).min(b.x + b.width);
    let bottom = (a.y + a.height).min(b.y + b.height);
    PixelRect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) }
}

/// The pixels inside `rect` of an 8-bit RGB picture `width` wide, for upload.
#[must_use]
pub fn rgb_part(rgb: &[u8], width: u32, rect: PixelRect) -> ColorImage {
    let mut pixels = Vec::with_capacity(rect.width as usize * rect.height as usize);
    for y in rect.y..rect.y + rect.height {
        let start = (y as usize * width as usize + rect.x as usize) * 3;
        let row = &rgb[start..start + rect.width as usize * 3];
        pixels.extend(row.chunks_exact(3).map(|p| super::theme::pixel(p[0], p[1], p[2], 255)));
    }
    ColorImage::new([rect.width as usize, rect.height as usize], pixels)
}

/// The middle of a canvas.
#[must_use]
pub fn middle(width: u32, height: u32) -> Pos2 {
    pos2(width as f32 * 0.5, height as f32 * 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_pixel_once() {
        for (width, height) in [(64, 64), (2048, 2048), (2049, 100), (5000, 4097)] {
            let area: u64 = tile_rects(width, height).map(|r| u64::from(r.width) * u64::from(r.height)).sum();
            assert_eq!(area, u64::from(width) * u64::from(height), "{width} × {height}");
            assert!(tile_rects(width, height).all(|r| r.width <= TILE && r.height <= TILE && !r.is_empty()));
        }
    }
}
