//! Drawing the canvas on the graphics card: pipelines of its own inside egui's paint callback.
//!
//! Pictures and masks lie there as textures in tiles ([`tiles`]), with smaller levels made by the card itself. One frame is a
//! list of quads ([`draws`]) under the view's one transform; nothing is put together on the processor.

mod channels;
mod draws;
mod frame;
mod mips;
mod pipelines;
mod tiles;

pub(super) use channels::Channels;
pub(super) use draws::{Draw, Flags, Kind};
pub(super) use frame::{Frame, Pane};
pub(super) use tiles::{Source, Tile, Tiles, Uploads};

use eframe::egui_wgpu::RenderState;
use eframe::wgpu;
use pipelines::Pipelines;
use std::sync::Arc;

/// Everything that uploads need: shared with the thread that prepares pictures.
#[derive(Clone)]
pub(super) struct Card {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// The largest side of a texture.
    side: u32,
    texture_layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    mips: Arc<mips::Mips>,
}

/// A texture that regions are drawn on before they are laid over the picture.
struct Layer {
    size: [u32; 2],
    view: wgpu::TextureView,
    bind: wgpu::BindGroup,
}

/// The canvas's part of the graphics card.
pub(super) struct Gpu {
    pub card: Card,
    pipelines: Arc<Pipelines>,
    /// True where the target wants linear light.
    linear: bool,
    draws: Option<draws::Buffer>,
    layer: Option<Layer>,
}

impl Gpu {
    #[must_use]
    pub(super) fn new(state: &RenderState) -> Self {
        let device = state.device.clone();
        let texture_layout = pipelines::texture_layout(&device);
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("canvas"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            mipmap_filter: wgpu::MipmapFilterMode::Linear,
            ..Default::default()
        });
        let mips = Arc::new(mips::Mips::new(&device, &texture_layout));
        let pipelines = Arc::new(Pipelines::new(&device, state.target_format, &texture_layout));
        let side = device.limits().max_texture_dimension_2d;
        let card = Card { device, queue: state.queue.clone(), side, texture_layout, sampler, mips };
        Self { card, pipelines, linear: state.target_format.is_srgb(), draws: None, layer: None }
    }

    /// A frame of these panes, `size` pixels large; `layer` is drawn apart and laid over with a pane's opacity.
    #[must_use]
    pub(super) fn frame(&mut self, size: [u32; 2], layer: &[Draw], panes: &[Pane]) -> Frame {
        let fits = self.layer.as_ref().is_some_and(|l| l.size == size);
        if !fits && size.iter().all(|s| (1..=self.card.side).contains(s)) {
            self.layer = Some(self.new_layer(size));
        }
        let all: Vec<&Draw> = layer.iter().chain(panes.iter().flat_map(Pane::draws)).collect();
        let room = self.draws.as_ref().is_some_and(|b| b.room() >= all.len());
        if !room {
            self.draws = Some(draws::Buffer::new(&self.card.device, &self.pipelines.draw_layout, all.len()));
        }
        let buffer = self.draws.as_ref();
        if let Some(buffer) = buffer {
            buffer.write(&self.card.queue, &all, size, self.linear);
        }
        let over = self.layer.as_ref().map(|l| (l.view.clone(), l.bind.clone()));
        Frame::new(Arc::clone(&self.pipelines), buffer.map(|b| b.bind.clone()), over, layer, panes)
    }

    fn new_layer(&self, size: [u32; 2]) -> Layer {
        let texture = self.card.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("regions"),
            size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: pipelines::LAYER,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let bind = self.card.bind(&view);
        Layer { size, view, bind }
    }
}

impl Card {
    /// A texture as shaders read it.
    fn bind(&self, view: &wgpu::TextureView) -> wgpu::BindGroup {
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas texture"),
            layout: &self.texture_layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(view) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        })
    }
}
