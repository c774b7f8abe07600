//! Smaller levels of a texture, made by the graphics card where something changed.

use crate::app::canvas::gpu::channels::Channels;
use crate::app::canvas::gpu::pipelines::pipeline;
use crate::document::PixelRect;
use eframe::wgpu;

/// The pipelines that halve a texture.
pub(super) struct Mips {
    one: wgpu::RenderPipeline,
    four: wgpu::RenderPipeline,
}

/// A texture's levels: how each is drawn on and, but for the last, how it is read.
pub(super) struct Level {
    pub view: wgpu::TextureView,
    pub bind: wgpu::BindGroup,
    pub size: [u32; 2],
}

impl Mips {
    pub(super) fn new(device: &wgpu::Device, textures: &wgpu::BindGroupLayout) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("half"),
            source: wgpu::ShaderSource::Wgsl(include_str!("half.wgsl").into()),
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("half"),
            bind_group_layouts: &[Some(textures)],
            immediate_size: 0,
        });
        let of = |channels: Channels| {
            let topology = wgpu::PrimitiveTopology::TriangleList;
            pipeline(device, &module, ["whole", "half_size"], &layout, channels.format(), None, topology)
        };
        Self { one: of(Channels::One), four: of(Channels::Four) }
    }

    /// Makes all smaller levels anew where they show `dirty` of the largest.
    pub(super) fn draw(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        channels: Channels,
        levels: &[Level],
        dirty: PixelRect,
    ) {
        let (mut x, mut y) = (dirty.x, dirty.y);
        let (mut right, mut bottom) = (dirty.x + dirty.width, dirty.y + dirty.height);
        for pair in levels.windows(2) {
            let [larger, smaller] = pair else { continue };
            let [width, height] = smaller.size;
            // One texel more on each side: the halves of odd sizes do not lie exactly on two by two.
            (x, y) = ((x / 2).saturating_sub(1).min(width - 1), (y / 2).saturating_sub(1).min(height - 1));
            (right, bottom) = ((right.div_ceil(2) + 1).min(width), (bottom.div_ceil(2) + 1).min(height));
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("half"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &smaller.view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Store },
                })],
                ..Default::default()
            });
            pass.set_pipeline(match channels {
                Channels::One => &self.one,
                Channels::Four => &self.four,
            });
            pass.set_bind_group(0, &larger.bind, &[]);
            pass.set_scissor_rect(x, y, right - x, bottom - y);
            pass.draw(0..3, 0..1);
        }
    }
}
