//! The window without a screen: frames are drawn as on one, and timed.

use crate::app::App;
use eframe::egui_wgpu::{
    RenderState, Renderer, RendererOptions, ScreenDescriptor, WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew,
};
use eframe::{App as _, wgpu};
use egui::{Pos2, RawInput, Rect, vec2};
use std::time::{Duration, Instant};

/// The window in points.
pub(super) const WINDOW: [u32; 2] = [1440, 900];

/// The time that one frame took of the thread that draws the window, in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// Events, painting, panels: the studio and egui.
    pub ui: f64,
    /// Triangles, uploads, commands to the graphics card.
    pub draw: f64,
    /// The thread's working time in both: a core shared with the worker counts only while it is this thread's.
    /// `None` where the system does not tell.
    pub work: Option<f64>,
}

/// The window's side of a graphics card, without a screen.
pub(super) struct Screen {
    pub ctx: egui::Context,
    pub state: Option<RenderState>,
    target: Option<wgpu::TextureView>,
    frame: u32,
    /// The thread's working time when the last frame was handed to the card.
    drawn: Option<Duration>,
    eframe: eframe::Frame,
}

impl Screen {
    pub(super) fn new() -> Self {
        let state = render_state();
        let target = state.as_ref().map(|state| {
            let texture = state.device.create_texture(&wgpu::TextureDescriptor {
                label: Some("screen"),
                size: wgpu::Extent3d { width: WINDOW[0], height: WINDOW[1], depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: state.target_format,
                usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
                view_formats: &[],
            });
            texture.create_view(&wgpu::TextureViewDescriptor::default())
        });
        Self {
            ctx: egui::Context::default(),
            state,
            target,
            frame: 0,
            drawn: None,
            eframe: eframe::Frame::_new_kittest(),
        }
    }

    /// One frame with these events.
    pub(super) fn frame(&mut self, app: &mut App, events: Vec<egui::Event>) -> Cost {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(WINDOW[0] as f32, WINDOW[1] as f32))),
            time: Some(f64::from(self.frame) / 60.0),
            max_texture_side: self.state.as_ref().map(|s| s.device.limits().max_texture_dimension_2d as usize),
            focused: true,
            events,
            ..Default::default()
        };
        self.frame += 1;
        let (begin, worked) = (Instant::now(), thread_time());
        app.logic(&self.ctx);
        let output = self.ctx.run_ui(input, |ui| app.ui(ui, &mut self.eframe));
        let ui = begin.elapsed();
        let draw = self.draw(output);
        let work = self.drawn.zip(worked).map(|(end, begin)| milliseconds(end.saturating_sub(begin)));
        Cost { ui: milliseconds(ui), draw: milliseconds(draw), work }
    }

    /// Draws what egui made, and waits for the card without counting that.
    fn draw(&mut self, output: egui::FullOutput) -> Duration {
        let begin = Instant::now();
        let points = output.pixels_per_point;
        let mut delta = output.textures_delta;
        let triangles = self.ctx.tessellate(output.shapes, points);
        let (Some(state), Some(target)) = (&self.state, &self.target) else {
            delta.clear();
            self.drawn = thread_time();
            return begin.elapsed();
        };
        let screen = ScreenDescriptor { size_in_pixels: WINDOW, pixels_per_point: points };
        let mut renderer = state.renderer.write();
        upload(&mut renderer, state, &mut delta);
        let mut encoder = state.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let own = renderer.update_buffers(&state.device, &state.queue, &mut encoder, &triangles, &screen);
        {
            let mut pass = encoder
                .begin_render_pass(&wgpu::RenderPassDescriptor {
                    label: Some("screen"),
                    color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                        view: target,
                        depth_slice: None,
                        resolve_target: None,
                        ops: wgpu::Operations {
                            load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                            store: wgpu::StoreOp::Store,
                        },
                    })],
                    ..Default::default()
                })
                .forget_lifetime();
            renderer.render(&mut pass, &triangles, &screen);
        }
        state.queue.submit(own.into_iter().chain([encoder.finish()]));
        for id in delta.free.drain() {
            renderer.free_texture(&id);
        }
        let took = begin.elapsed();
        self.drawn = thread_time();
        drop(renderer);
        state.device.poll(wgpu::PollType::wait_indefinitely()).ok();
        took
    }
}

fn upload(renderer: &mut Renderer, state: &RenderState, delta: &mut egui::TexturesDelta) {
    for (id, images) in delta.set.drain() {
        for image in images {
            renderer.update_texture(&state.device, &state.queue, id, &image);
        }
    }
}

/// The graphics card that the window would take; `None` where there is none.
fn render_state() -> Option<RenderState> {
    let setup = WgpuSetup::CreateNew(WgpuSetupCreateNew::without_display_handle());
    let instance = pollster::block_on(setup.new_instance());
    let config = WgpuConfiguration { wgpu_setup: setup, ..Default::default() };
    let state = RenderState::create(&config, &instance, None, RendererOptions::default());
    pollster::block_on(state).inspect_err(|error| log::warn!("no graphics: {error}")).ok()
}

/// The time for which this thread has been at work in all.
#[cfg(target_os = "linux")]
fn thread_time() -> Option<Duration> {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into().ok()
}

#[cfg(not(target_os = "linux"))]
fn thread_time() -> Option<Duration> {
    None
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
