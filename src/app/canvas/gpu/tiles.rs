//! A picture or a mask on the graphics card, in tiles: larger than one texture may be, and nothing where a mask is blank.

use super::Card;
use crate::app::canvas::gpu::channels::Channels;
use crate::app::canvas::gpu::mips::Level;
use crate::app::canvas::tiles::{grown, tile_rects};
use crate::document::{Mask, Paint, PixelRect};
use eframe::wgpu;

/// Side of a tile in pixels, where the graphics card allows it.
const SIDE: u32 = 1024;
/// So many pixels of its neighbours a tile holds on each side, so that no seam shows.
const GUTTER: u32 = 16;
/// Rows uploaded at once, so that nobody who also uploads waits long.
const ROWS: u32 = 256;
/// The levels of a tile's texture, halves each.
const LEVELS: u32 = 6;

/// The source of the pixels.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Four bytes a pixel, row by row, so many pixels wide.
    Picture {
        data: &'a [u8],
        width: u32,
    },
    Mask(&'a Mask),
    Paint(&'a Paint),
}

impl Source<'_> {
    /// True where nothing of a part would be seen.
    fn is_blank(self, part: PixelRect) -> bool {
        match self {
            Self::Picture { .. } => false,
            Self::Mask(mask) => mask.is_blank_in(part),
            Self::Paint(paint) => paint.cover().is_blank_in(part),
        }
    }
}

struct Texture {
    texture: wgpu::Texture,
    bind: wgpu::BindGroup,
    levels: Vec<Level>,
}

struct Slot {
    /// The part that it shows, in pixels.
    core: PixelRect,
    /// The part that its texture holds, in pixels: `core` and a border.
    held: PixelRect,
    texture: Option<Texture>,
}

/// One tile that holds something.
pub(crate) struct Tile<'a> {
    /// The part that it shows, in pixels.
    pub core: PixelRect,
    /// The part that its texture holds, in pixels.
    pub held: PixelRect,
    pub bind: &'a wgpu::BindGroup,
}

/// A picture or a mask in tiles.
pub(crate) struct Tiles {
    size: [u32; 2],
    channels: Channels,
    slots: Vec<Slot>,
}

impl Tiles {
    /// Room for one of this size, without textures yet.
    #[must_use]
    pub(crate) fn new(card: &Card, size: [u32; 2], channels: Channels) -> Self {
        let side = SIDE.min(card.side - 2 * GUTTER);
        let slots = tile_rects(size[0], size[1], side)
            .map(|core| Slot { core, held: grown(core, GUTTER, size), texture: None })
            .collect();
        Self { size, channels, slots }
    }

    #[must_use]
    pub(crate) fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Tiles that hold something.
    pub(crate) fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        self.slots.iter().filter_map(|slot| {
            let texture = slot.texture.as_ref()?;
            Some(Tile { core: slot.core, held: slot.held, bind: &texture.bind })
        })
    }

    /// Uploads what lies inside `dirty`.
    pub(crate) fn write(&mut self, card: &Card, dirty: PixelRect, source: Source<'_>) {
        let mut rows = Vec::new();
        let mut uploads = Uploads::new(card, &mut rows);
        self.upload(&mut uploads, dirty, source);
        uploads.submit();
    }

    /// The same together with other uploads; returns how many pixels it is.
    pub(crate) fn upload(&mut self, uploads: &mut Uploads<'_>, dirty: PixelRect, source: Source<'_>) -> u64 {
        let card = uploads.card;
        let mut uploaded = 0;
        for slot in &mut self.slots {
            let part = slot.held.intersection(dirty);
            if part.is_empty() {
                continue;
            }
            if slot.texture.is_none() {
                if source.is_blank(part) {
                    continue;
                }
                // What was left out so far is blank, as a new texture is.
                slot.texture = Some(Texture::new(card, slot.held, self.channels));
            }
            let Some(texture) = &slot.texture else { continue };
            let inside = PixelRect { x: part.x - slot.held.x, y: part.y - slot.held.y, ..part };
            texture.upload(card, inside, part, source, uploads.rows);
            uploaded += part.area();
            let encoder = uploads
                .encoder
                .get_or_insert_with(|| card.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()));
            card.mips.draw(encoder, self.channels, &texture.levels, inside);
        }
        uploaded
    }
}

/// Uploads that go to the card together: each submission has its price, however little is in it.
pub(crate) struct Uploads<'a> {
    card: &'a Card,
    encoder: Option<wgpu::CommandEncoder>,
    /// Where masks are copied to on their way.
    rows: &'a mut Vec<u8>,
}

impl<'a> Uploads<'a> {
    #[must_use]
    pub(crate) fn new(card: &'a Card, rows: &'a mut Vec<u8>) -> Self {
        Self { card, encoder: None, rows }
    }

    pub(crate) fn submit(self) {
        if let Some(encoder) = self.encoder {
            self.card.queue.submit([encoder.finish()]);
        }
    }
}

impl Texture {
    fn new(card: &Card, held: PixelRect, channels: Channels) -> Self {
        let smaller = held.width.min(held.height).ilog2() + 1;
        let count = LEVELS.min(smaller);
        let texture = card.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("canvas tile"),
            size: wgpu::Extent3d { width: held.width, height: held.height, depth_or_array_layers: 1 },
            mip_level_count: count,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: channels.format(),
            usage: wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::COPY_DST
                | wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let level = |base_mip_level| {
            let view = texture.create_view(&wgpu::TextureViewDescriptor {
                base_mip_level,
                mip_level_count: Some(1),
                ..Default::default()
            });
            let bind = card.bind(&view);
            Level { view, bind, size: [held.width, held.height].map(|side| (side >> base_mip_level).max(1)) }
        };
        let levels = (0..count).map(level).collect();
        let bind = card.bind(&texture.create_view(&wgpu::TextureViewDescriptor::default()));
        Self { texture, bind, levels }
    }

    /// Uploads `part` to where it lies `inside` the texture.
    fn upload(&self, card: &Card, inside: PixelRect, part: PixelRect, source: Source<'_>, copied: &mut Vec<u8>) {
        for row in (0..part.height).step_by(ROWS as usize) {
            let rows = ROWS.min(part.height - row);
            let strip = PixelRect { y: part.y + row, height: rows, ..part };
            let pixels;
            let (data, bytes_per_row) = match source {
                Source::Picture { data, width } => {
                    let start = (strip.y as usize * width as usize + strip.x as usize) * 4;
                    let length = ((rows - 1) as usize * width as usize + part.width as usize) * 4;
                    let Some(data) = data.get(start..start + length) else { return };
                    (data, width * 4)
                }
                Source::Mask(mask) => {
                    mask.crop_to(strip, copied);
                    (copied.as_slice(), part.width)
                }
                Source::Paint(paint) => {
                    pixels = paint.crop(strip);
                    (pixels.as_flattened(), part.width * 4)
                }
            };
            card.queue.write_texture(
                wgpu::TexelCopyTextureInfo {
                    texture: &self.texture,
                    mip_level: 0,
                    origin: wgpu::Origin3d { x: inside.x, y: inside.y + row, z: 0 },
                    aspect: wgpu::TextureAspect::All,
                },
                data,
                wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(bytes_per_row), rows_per_image: None },
                wgpu::Extent3d { width: part.width, height: rows, depth_or_array_layers: 1 },
            );
        }
    }
}
