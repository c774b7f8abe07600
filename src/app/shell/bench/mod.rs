//! `polyptych bench studio`: the window without a screen, painted on by a synthetic hand while a picture is being made.

mod screen;

use crate::app::canvas::{CanvasLook, RegionLook};
use crate::app::editor::{Editor, Selected};
use crate::app::generation::engine::Engine;
use crate::app::session::system_dialogs::FileDialogs;
use crate::app::{App, Options};
use crate::document::{Document, Mask};
use crate::studio::{Estimator, Event, Job, JobId, Studio, Vocabulary};
use anyhow::Context as _;
use egui::{Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, TouchPhase, pos2, vec2};
use image::RgbImage;
use screen::{Cost, Screen};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const REGIONS: u32 = 12;
/// The brush in canvas pixels.
const BRUSH: f32 = 200.0;
/// Frames of one stroke, and pointer positions in each.
const STROKE: u32 = 60;
const MOVES: u32 = 4;

/// The studio's worker, which also shows a preview ten times a second: a canvas of this size takes it minutes to the first.
struct Previewing {
    studio: Studio,
    job: Option<JobId>,
    last: Instant,
    shown: u32,
    /// Made beforehand, as the worker makes them on its own thread.
    previews: [Arc<RgbImage>; 2],
}

impl Previewing {
    fn new(studio: Studio) -> Self {
        let image = |shade| Arc::new(RgbImage::from_pixel(512, 512, image::Rgb([shade, 90, 120])));
        Self { studio, job: None, last: Instant::now(), shown: 0, previews: [60, 180].map(image) }
    }
}

impl Engine for Previewing {
    fn submit(&mut self, job: Job) -> JobId {
        let id = self.studio.submit(job);
        self.job = Some(id);
        id
    }

    fn cancel(&mut self, job: JobId) {
        self.job = None;
        self.studio.cancel(job);
    }

    fn events(&mut self) -> Vec<Event> {
        let mut events = self.studio.events();
        if let Some(job) = self.job.filter(|_| self.last.elapsed() > Duration::from_millis(100)) {
            self.last = Instant::now();
            self.shown += 1;
            let image = Arc::clone(&self.previews[self.shown as usize % self.previews.len()]);
            events.push(Event::Preview { job, step: self.shown, image });
        }
        events
    }

    fn device(&self) -> String {
        self.studio.device()
    }

    fn estimator(&self) -> Option<Estimator> {
        Some(self.studio.estimator())
    }

    fn vocabulary(&self, model: &str) -> Option<Arc<Vocabulary>> {
        self.studio.vocabulary(model)
    }
}

/// Twelve discs that overlap.
fn document((width, height): (u32, u32)) -> Document {
    let mut document = Document::new(width, height);
    document.background.prompt = "a mountain lake".to_owned();
    for number in 0..REGIONS {
        let id = document.add_region(&format!("Region {}", number + 1), "a green tree");
        let (column, row) = (number % 4, number / 4);
        let (cx, cy) = ((column as f32 + 0.5) * width as f32 / 4.0, (row as f32 + 0.5) * height as f32 / 3.0);
        let radius = 0.17 * width.min(height) as f32;
        let mask = Mask::from_rows(width, height, |y, row| {
            let dy = y as f32 - cy;
            let half = (radius * radius - dy * dy).max(0.0).sqrt();
            let columns = (cx - half).max(0.0) as usize..(cx + half).min(width as f32) as usize;
            row[columns].fill(255);
        });
        if let Some(region) = document.region_mut(id) {
            region.mask = Arc::new(mask);
        }
    }
    document
}

/// Paints strokes over the whole canvas for so many frames, each on the next region.
fn paint(screen: &mut Screen, app: &mut App, frames: u32) -> Vec<Cost> {
    let modifiers = Modifiers::NONE;
    let Document { width, height, .. } = *app.open.editor.document();
    let (middle, side) = (pos2(width as f32, height as f32) * 0.5, width.min(height) as f32);
    let mut costs = Vec::new();
    for frame in 0..frames {
        let (stroke, within) = (frame / STROKE, frame % STROKE);
        let at = |step: u32| {
            let turn = (within * MOVES + step) as f32 / (STROKE * MOVES) as f32 * std::f32::consts::TAU;
            let radius = side * (0.32 + 0.017 * (stroke % 5) as f32);
            app.canvas_to_screen(middle.x + radius * turn.cos(), middle.y + radius * (2.0 * turn).sin())
        };
        let mut events: Vec<egui::Event> = (0..MOVES).map(|step| egui::Event::PointerMoved(at(step))).collect();
        let button =
            |pos, pressed| egui::Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers };
        if within == 0 {
            events.insert(1, button(at(0), true));
        }
        if within == STROKE - 1 || frame + 1 == frames {
            events.push(button(at(MOVES - 1), false));
        }
        if within == 0 {
            let regions = &app.open.editor.document().regions;
            let next = regions.get(stroke as usize % regions.len().max(1)).map(|r| r.id);
            app.open.editor.select(next.map_or(Selected::Background, Selected::Region));
        }
        costs.push(screen.frame(app, events));
    }
    costs
}

/// Zooms in and out at the middle for so many frames.
fn zoom(screen: &mut Screen, app: &mut App, frames: u32) -> Vec<Cost> {
    let Document { width, height, .. } = *app.open.editor.document();
    let middle = app.canvas_to_screen(width as f32 * 0.5, height as f32 * 0.5);
    let wheel = |lines: f32| egui::Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, lines),
        modifiers: Modifiers::NONE,
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
    };
    let step = |frame: u32| if frame % 40 < 20 { 0.5 } else { -0.5 };
    let events = |frame| vec![egui::Event::PointerMoved(middle), wheel(step(frame))];
    (0..frames).map(|frame| screen.frame(app, events(frame))).collect()
}

/// Frame times of the studio with a canvas of this size, as figures by name. `started` is when the process began.
///
/// # Errors
/// If the job does not start.
pub fn bench(size: (u32, u32), frames: u32, started: Instant) -> anyhow::Result<Value> {
    let mut screen = Screen::new();
    let mut cc = eframe::CreationContext::_new_kittest(screen.ctx.clone());
    cc.wgpu_render_state.clone_from(&screen.state);
    let wake = screen.ctx.clone();
    let studio = Studio::start(move || wake.request_repaint());
    let engine = Previewing::new(studio);
    let options = Options { engine: Some(Box::new(engine)), file_dialogs: FileDialogs::Own, ..Default::default() };
    let mut app = App::new(&cc, options);
    let first = screen.frame(&mut app, Vec::new());
    let first_frame = started.elapsed();
    let started_memory = memory("VmRSS:");

    app.prefs.canvas = CanvasLook { regions: RegionLook::Tint, ..Default::default() };
    app.prefs.brush.size = BRUSH;
    app.open_document(&screen.ctx, Editor::new(document(size), "bench"));
    let opening = screen.frame(&mut app, vec![egui::Event::PointerMoved(pos2(700.0, 400.0))]);
    for _ in 0..20 {
        screen.frame(&mut app, Vec::new());
    }
    let open_memory = memory("VmRSS:");
    let alone = paint(&mut screen, &mut app, frames);
    app.generate(false);
    anyhow::ensure!(app.is_generating(), "the job did not start");
    // Until the worker has read the model and is at work.
    let deadline = Instant::now() + Duration::from_mins(1);
    while app.generation.engine.device().is_empty() && app.is_generating() && Instant::now() < deadline {
        screen.frame(&mut app, Vec::new());
        std::thread::sleep(Duration::from_millis(16));
    }
    let with_job = paint(&mut screen, &mut app, frames);
    let zooming = zoom(&mut screen, &mut app, frames);
    let previews = app.previews();
    anyhow::ensure!(app.is_generating(), "the job ended before it was measured");
    let device = app.generation.engine.device();
    app.generation.cancel();
    let adapter = screen.state.as_ref().map(|s| s.adapter.get_info().name);
    Ok(json!({
        "adapter": adapter,
        "device": device,
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "canvas": size,
        "regions": REGIONS,
        "brush": BRUSH,
        "frames": frames,
        "first_frame_s": first_frame.as_secs_f64(),
        "first_frame_own_ms": first.ui + first.draw,
        "opening_ms": opening.ui + opening.draw,
        "painting_ms": figures(&alone).context("no frame was drawn")?,
        "painting_with_job_ms": figures(&with_job).context("no frame was drawn")?,
        "zooming_with_job_ms": figures(&zooming).context("no frame was drawn")?,
        "previews": previews,
        "memory_mib": {"started": started_memory, "open": open_memory, "peak": memory("VmHWM:")},
    }))
}

/// Median, 99th percentile and worst of whole frames, those of each part, and those of the thread's own work.
fn figures(costs: &[Cost]) -> Option<Value> {
    let of = |part: fn(&Cost) -> f64, share: f64| {
        let mut all: Vec<f64> = costs.iter().map(part).collect();
        all.sort_by(f64::total_cmp);
        let at = ((all.len() as f64 * share).ceil() as usize).clamp(1, all.len().max(1)) - 1;
        all.get(at).copied()
    };
    let whole = |cost: &Cost| cost.ui + cost.draw;
    // Where in a stroke they are tells what they do.
    let mut slowest: Vec<(usize, f64)> = costs.iter().map(|c| c.work.unwrap_or_else(|| whole(c))).enumerate().collect();
    slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
    slowest.truncate(5);
    let work = |share| costs.iter().all(|c| c.work.is_some()).then(|| of(|c| c.work.unwrap_or(0.0), share));
    Some(json!({
        "p50": of(whole, 0.5)?,
        "p99": of(whole, 0.99)?,
        "worst": of(whole, 1.0)?,
        "p50_ui": of(|c| c.ui, 0.5)?,
        "p50_draw": of(|c| c.draw, 0.5)?,
        "p99_ui": of(|c| c.ui, 0.99)?,
        "p99_draw": of(|c| c.draw, 0.99)?,
        "p50_work": work(0.5),
        "p99_work": work(0.99),
        "slowest": slowest,
    }))
}

/// A field of Linux's account of this process in MiB; `None` elsewhere.
fn memory(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_percentile_is_that_of_a_hundred() {
        let costs: Vec<Cost> = (1..=100).map(|n| Cost { ui: f64::from(n), draw: 0.0, work: Some(1.0) }).collect();
        let figures = figures(&costs).expect("there are some");
        assert_eq!((figures["p50"].as_f64(), figures["p99"].as_f64()), (Some(50.0), Some(99.0)));
        assert_eq!(figures["worst"].as_f64(), Some(100.0));
        assert_eq!(figures["p99_work"].as_f64(), Some(1.0));
    }
}
