//! A person in front of the studio, and an engine that only pretends: what the stories are told with.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use image::RgbImage;
use polyptych::app::{App, Engine, FileDialogs, Language, Options, Selected};
use polyptych::document::{Document, PixelRect, RegionId, Settings};
use polyptych::studio::{self, Job, JobId, Phase};
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pretends to make pictures: every call of `events` is one step further.
#[derive(Default)]
pub struct Pretender {
    jobs: u64,
    coming: VecDeque<studio::Event>,
}

impl Engine for Pretender {
    fn submit(&mut self, job: Job) -> JobId {
        self.jobs += 1;
        let id = JobId(self.jobs);
        let Document { width, height, settings, init_image, .. } = job.document;
        let steps = settings.steps;
        if job.live {
            // (As the worker does.)
            let model = studio::few_step_version(&settings.model).unwrap_or_else(|| settings.model.clone());
            let settings = Settings { model, ..settings.clone() };
            self.coming.push_back(studio::Event::Sketch { job: id, settings, half: false });
        }
        let frame = job.frame.map(|frame| frame.on(width, height).expect("a frame on the canvas"));
        let image = move |step: u32| {
            Arc::new(RgbImage::from_fn(width, height, |x, y| {
                let kept = frame.is_some_and(|frame| !frame.columns().contains(&x) || !frame.rows().contains(&y));
                match init_image.as_ref().filter(|_| kept) {
                    Some(start) => *start.image.get_pixel(x, y),
                    None => image::Rgb([(x % 256) as u8, (y % 256) as u8, step as u8]),
                }
            }))
        };
        self.coming.push_back(studio::Event::Phase { job: id, phase: Phase::Loading });
        self.coming.push_back(studio::Event::Phase { job: id, phase: Phase::Denoising });
        for step in 1..=steps {
            self.coming.push_back(studio::Event::Step { job: id, step, steps, seconds_left: (steps - step) as f32 });
            self.coming.push_back(studio::Event::Preview { job: id, step, image: image(step) });
        }
        self.coming.push_back(studio::Event::Finished {
            job: id,
            // Different seeds make different pictures.
            image: image(255 - settings.seed as u32 % 128),
            seed: settings.seed,
            seconds: 1.0,
        });
        id
    }

    fn cancel(&mut self, job: JobId) {
        self.coming.retain(|event| job_of(event) != job);
        self.coming.push_front(studio::Event::Cancelled { job });
    }

    fn promote(&mut self, job: JobId) {
        let running = self.coming.front().map(job_of);
        let place = |event: &studio::Event| match job_of(event) {
            of if Some(of) == running => 0,
            of if of == job => 1,
            _ => 2,
        };
        self.coming.make_contiguous().sort_by_key(place);
    }

    fn events(&mut self) -> Vec<studio::Event> {
        self.coming.pop_front().into_iter().collect()
    }

    fn device(&self) -> String {
        "Pretender".to_owned()
    }
}

/// The job that an event is of.
fn job_of(event: &studio::Event) -> JobId {
    match event {
        studio::Event::Phase { job, .. }
        | studio::Event::Loading { job, .. }
        | studio::Event::Step { job, .. }
        | studio::Event::Preview { job, .. }
        | studio::Event::Sketch { job, .. }
        | studio::Event::Warning { job, .. }
        | studio::Event::Finished { job, .. }
        | studio::Event::Cancelled { job }
        | studio::Event::Failed { job, .. } => *job,
    }
}

/// A studio that speaks English, whatever the machine's language.
pub fn english() -> Options {
    Options { language: Some(Language::English), messages_stay: Some(Duration::from_mins(10)), ..Options::default() }
}

/// True where there is a graphics adapter to draw with: the harness itself is asked, which panics where there is none.
pub fn adapter() -> bool {
    let found = std::panic::catch_unwind(egui_kittest::wgpu::WgpuTestRenderer::new).is_ok();
    if !found {
        println!("skipped: there is no graphics adapter here");
    }
    found
}

/// A person in front of the studio.
pub struct Painter {
    pub h: Harness<'static, App>,
}

impl Painter {
    /// With a small scene of two regions open.
    pub fn sits_down() -> Self {
        let mut document = Document::new(768, 512);
        document.background.prompt = "a mountain lake".to_owned();
        for (name, words, columns) in [("Pines", "tall pines", 0..120), ("Cabin", "a wooden cabin", 300..420)] {
            let id = document.add_region(name, words);
            let rect = PixelRect { x: columns.start, y: 300, width: columns.end - columns.start, height: 180 };
            Arc::make_mut(&mut document.region_mut(id).expect("just added").mask).fill(rect, 255);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scene.ora");
        document.save(&path).expect("saved");
        Self::with(Some(&path), Box::new(Pretender::default()))
    }

    pub fn with(project: Option<&Path>, engine: Box<dyn Engine>) -> Self {
        Self::opens(Options {
            project: project.map(Into::into),
            engine: Some(engine),
            file_dialogs: FileDialogs::Own,
            ..english()
        })
    }

    /// A studio of these options, once its project is there.
    pub fn opens(options: Options) -> Self {
        let mut h = Harness::builder().with_size(vec2(1440.0, 900.0)).build_eframe(|cc| App::new(cc, options));
        h.run_ok();
        let mut painter = Self { h };
        painter.waits_for("the project", |a| !a.is_busy_with_files());
        painter
    }

    /// Lets the frames go by until nothing moves, and what is worked out beside the window is there.
    pub fn settles(&mut self) {
        self.h.run_ok();
        if self.app().is_working() {
            self.steps_until("the change", |a| !a.is_working());
            self.h.run_ok();
        }
    }

    pub fn app(&self) -> &App {
        self.h.state()
    }

    pub fn document(&self) -> &Document {
        self.app().editor().document()
    }

    pub fn clicks(&mut self, label: &str) {
        self.h.get_by_label(label).click();
        self.settles();
    }

    /// Clicks an entry of an open menu; its name is followed by its keys.
    pub fn chooses(&mut self, entry: &str) {
        self.h.get_by_label_contains(entry).click();
        self.settles();
    }

    pub fn presses(&mut self, modifiers: Modifiers, key: Key) {
        self.h.key_press_modifiers(modifiers, key);
        self.settles();
    }

    pub fn types(&mut self, text: &str) {
        self.h.event(Event::Text(text.to_owned()));
        self.settles();
    }

    /// Types a number into a field.
    pub fn sets(&mut self, field: &str, value: &str) {
        self.h.get_by_role_and_label(Role::SpinButton, field).click();
        self.h.run_ok();
        self.presses(Modifiers::COMMAND, Key::A);
        self.types(value);
        self.presses(Modifiers::NONE, Key::Enter);
    }

    /// A line through these canvas positions, one event a frame.
    pub fn paints(&mut self, points: &[(f32, f32)]) {
        let on_screen: Vec<Pos2> = points.iter().map(|&(x, y)| self.app().canvas_to_screen(x, y)).collect();
        self.h.hover_at(on_screen[0]);
        self.h.drag_at(on_screen[0]);
        for p in &on_screen[1..] {
            self.h.hover_at(*p);
        }
        self.h.drop_at(on_screen[on_screen.len() - 1]);
        self.settles();
    }

    /// Types a path into the studio's own file dialog and presses its button.
    pub fn answers_with(&mut self, path: &Path, button: &str) {
        self.h.get_by_label("Path").focus();
        self.settles();
        self.presses(Modifiers::COMMAND, Key::A);
        self.types(&path.display().to_string());
        let dialog = self.h.get_all_by_label(button).last().expect("the dialog's button").rect().center();
        self.h.hover_at(dialog);
        self.h.drag_at(dialog);
        self.h.drop_at(dialog);
        self.settles();
    }

    /// Waits until something is so; other threads may be at it.
    pub fn waits_for(&mut self, what: &str, so: impl Fn(&App) -> bool) {
        self.steps_until(what, so);
        self.settles();
    }

    fn steps_until(&mut self, what: &str, so: impl Fn(&App) -> bool) {
        let end = Instant::now() + Duration::from_mins(10);
        while !so(self.app()) {
            assert!(Instant::now() < end, "waited ten minutes for {what}");
            self.h.step();
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn mask(&self, id: RegionId) -> Vec<u8> {
        self.document().region(id).expect("a region of this document").mask.to_raw()
    }

    pub fn selected(&self) -> RegionId {
        match self.app().editor().selected() {
            Selected::Region(id) => id,
            Selected::Background => panic!("the background is selected"),
        }
    }

    /// Starts an empty canvas.
    pub fn takes_a_new_canvas(&mut self) {
        self.presses(Modifiers::COMMAND, Key::N);
        self.clicks("Square");
        self.clicks("Create");
        assert!(self.document().regions.is_empty());
        assert_eq!((self.document().width, self.document().height), (512, 512));
    }
}

/// What eframe keeps on the disk between sessions, in memory.
#[derive(Default)]
pub struct Kept(HashMap<String, String>);

impl eframe::Storage for Kept {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }

    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }

    fn flush(&mut self) {}
}
