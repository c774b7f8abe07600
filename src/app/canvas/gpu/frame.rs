//! One frame of the canvas, as egui calls it.

use crate::app::canvas::gpu::draws::{Draw, Kind, STRIDE};
use crate::app::canvas::gpu::pipelines::Pipelines;
use eframe::egui_wgpu::{CallbackResources, CallbackTrait, ScreenDescriptor};
use eframe::wgpu;
use egui::{PaintCallbackInfo, Rect};
use std::sync::Arc;

/// A part of the canvas's area with draws of its own.
pub(crate) struct Pane {
    /// The part of the area that is drawn into, in pixels.
    pub clip: Rect,
    /// Drawn below the regions.
    pub below: Vec<Draw>,
    /// Lays the regions over that.
    pub layer: Option<Draw>,
    /// Drawn above the regions.
    pub above: Vec<Draw>,
}

impl Pane {
    pub(crate) fn draws(&self) -> impl Iterator<Item = &Draw> {
        self.below.iter().chain(&self.layer).chain(&self.above)
    }
}

/// A quad ready to draw.
struct Quad {
    kind: Kind,
    /// Its place in the buffer.
    number: usize,
    bind: Option<wgpu::BindGroup>,
}

/// One frame.
pub(crate) struct Frame {
    pipelines: Arc<Pipelines>,
    draws: Option<wgpu::BindGroup>,
    /// The layer that regions are drawn into: as a target, and as a texture.
    over: Option<(wgpu::TextureView, wgpu::BindGroup)>,
    layer: Vec<Quad>,
    panes: Vec<(Rect, Vec<Quad>)>,
}

impl Frame {
    pub(super) fn new(
        pipelines: Arc<Pipelines>,
        draws: Option<wgpu::BindGroup>,
        over: Option<(wgpu::TextureView, wgpu::BindGroup)>,
        layer: &[Draw],
        panes: &[Pane],
    ) -> Self {
        let mut numbers = 0..;
        let mut quad = |draw: &Draw| {
            let bind = if draw.kind == Kind::Layer { over.as_ref().map(|o| o.1.clone()) } else { draw.bind.clone() };
            Quad { kind: draw.kind, number: numbers.next().unwrap_or(0), bind }
        };
        let layer = layer.iter().map(&mut quad).collect();
        let panes = panes.iter().map(|p| (p.clip, p.draws().map(&mut quad).collect())).collect();
        Self { pipelines, draws, over, layer, panes }
    }

    fn draw(&self, pass: &mut wgpu::RenderPass<'_>, quads: &[Quad]) {
        let Some(draws) = &self.draws else { return };
        for quad in quads {
            if quad.bind.is_none() && quad.kind != Kind::Paper {
                continue;
            }
            pass.set_pipeline(self.pipelines.of(quad.kind));
            pass.set_bind_group(0, draws, &[(quad.number * STRIDE) as u32]);
            if let Some(bind) = &quad.bind {
                pass.set_bind_group(1, bind, &[]);
            }
            pass.draw(0..4, 0..1);
        }
    }
}

impl CallbackTrait for Frame {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        _queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        _resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some((view, _)) = &self.over {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("regions"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            self.draw(&mut pass, &self.layer);
        }
        Vec::new()
    }

    fn paint(&self, info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, _resources: &CallbackResources) {
        let (area, clip) = (info.viewport_in_pixels(), info.clip_rect_in_pixels());
        let edge = |v: f32| v.max(0.0).round() as i32;
        for (pane, quads) in &self.panes {
            let left = (area.left_px + edge(pane.min.x)).max(clip.left_px);
            let top = (area.top_px + edge(pane.min.y)).max(clip.top_px);
            let right = (area.left_px + edge(pane.max.x)).min(clip.left_px + clip.width_px);
            let bottom = (area.top_px + edge(pane.max.y)).min(clip.top_px + clip.height_px);
            if right > left && bottom > top {
                pass.set_scissor_rect(left as u32, top as u32, (right - left) as u32, (bottom - top) as u32);
                self.draw(pass, quads);
            }
        }
    }
}
