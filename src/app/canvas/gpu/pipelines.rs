//! Render pipelines, one for each kind of quad.

use crate::app::canvas::gpu::draws::{Kind, SIZE};
use eframe::wgpu;
use wgpu::{BlendComponent, BlendFactor, BlendOperation, BlendState, TextureFormat};

/// The format that regions are drawn in before they are laid over the picture.
pub(super) const LAYER: TextureFormat = TextureFormat::Rgba8Unorm;

/// One pipeline per kind of quad.
pub(super) struct Pipelines {
    paper: wgpu::RenderPipeline,
    picture: wgpu::RenderPipeline,
    paint: wgpu::RenderPipeline,
    outline: wgpu::RenderPipeline,
    layer: wgpu::RenderPipeline,
    tint: wgpu::RenderPipeline,
    hatch: wgpu::RenderPipeline,
    erase: wgpu::RenderPipeline,
    cells: wgpu::RenderPipeline,
    change: wgpu::RenderPipeline,
    pub draw_layout: wgpu::BindGroupLayout,
}

/// Alpha already multiplied; what is above covers what is below.
const OVER: BlendState = BlendState::PREMULTIPLIED_ALPHA_BLENDING;
/// Takes away what is below.
const ERASE: BlendState = both(BlendFactor::Zero, BlendFactor::OneMinusSrcAlpha);
/// Shares of one whole.
const ADD: BlendState = both(BlendFactor::One, BlendFactor::One);

const fn both(src_factor: BlendFactor, dst_factor: BlendFactor) -> BlendState {
    let part = BlendComponent { src_factor, dst_factor, operation: BlendOperation::Add };
    BlendState { color: part, alpha: part }
}

/// The layout of a texture with its sampler.
pub(super) fn texture_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry =
        |binding, ty| wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::FRAGMENT, ty, count: None };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("canvas texture"),
        entries: &[
            entry(
                0,
                wgpu::BindingType::Texture {
                    multisampled: false,
                    sample_type: wgpu::TextureSampleType::Float { filterable: true },
                    view_dimension: wgpu::TextureViewDimension::D2,
                },
            ),
            entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
        ],
    })
}

impl Pipelines {
    /// `target` is what egui draws on.
    pub(super) fn new(device: &wgpu::Device, target: TextureFormat, textures: &wgpu::BindGroupLayout) -> Self {
        let draw_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("canvas quad"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: std::num::NonZeroU64::new(SIZE as u64),
                },
                count: None,
            }],
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("canvas"),
            source: wgpu::ShaderSource::Wgsl(include_str!("canvas.wgsl").into()),
        });
        let plain = layout(device, &[Some(&draw_layout)]);
        let textured = layout(device, &[Some(&draw_layout), Some(textures)]);
        let quad = |name, layout, format, blend| {
            pipeline(
                device,
                &module,
                ["corner", name],
                layout,
                format,
                Some(blend),
                wgpu::PrimitiveTopology::TriangleStrip,
            )
        };
        Self {
            paper: quad("paper", &plain, target, OVER),
            picture: quad("picture", &textured, target, OVER),
            paint: quad("paint", &textured, target, OVER),
            outline: quad("outline", &textured, target, OVER),
            layer: quad("layer", &textured, target, OVER),
            tint: quad("tint", &textured, LAYER, OVER),
            hatch: quad("hatch", &textured, LAYER, OVER),
            erase: quad("tint", &textured, LAYER, ERASE),
            cells: quad("tint", &textured, LAYER, ADD),
            change: quad("change", &textured, target, OVER),
            draw_layout,
        }
    }

    pub(super) fn of(&self, kind: Kind) -> &wgpu::RenderPipeline {
        match kind {
            Kind::Paper => &self.paper,
            Kind::Picture => &self.picture,
            Kind::Paint => &self.paint,
            Kind::Outline => &self.outline,
            Kind::Layer => &self.layer,
            Kind::Tint => &self.tint,
            Kind::Hatch => &self.hatch,
            Kind::Erase => &self.erase,
            Kind::Cells => &self.cells,
            Kind::Change => &self.change,
        }
    }
}

fn layout(device: &wgpu::Device, groups: &[Option<&wgpu::BindGroupLayout>]) -> wgpu::PipelineLayout {
    device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("canvas"),
        bind_group_layouts: groups,
        immediate_size: 0,
    })
}

/// A pipeline of these two functions (vertex, fragment).
pub(super) fn pipeline(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    [vertex, fragment]: [&str; 2],
    layout: &wgpu::PipelineLayout,
    format: TextureFormat,
    blend: Option<BlendState>,
    topology: wgpu::PrimitiveTopology,
) -> wgpu::RenderPipeline {
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(fragment),
        layout: Some(layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some(vertex),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState { topology, ..Default::default() },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(fragment),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(wgpu::ColorTargetState { format, blend, write_mask: wgpu::ColorWrites::ALL })],
        }),
        multiview_mask: None,
        cache: None,
    })
}
