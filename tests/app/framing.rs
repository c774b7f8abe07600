//! A part of the canvas that is drawn alone (the generation frame), and all of it drawn once more at a larger size.

use super::making::makes;
use super::painter::{Painter, Pretender};
use super::tools::NONE;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::{App, Command, Engine};
use polyptych::document::PixelRect;
use polyptych::studio::{Estimate, Estimator, Event, Job, JobId};
use std::sync::{Arc, Mutex};

/// Ctrl leaves what is dragged free of the lines that it would snap to.
const FREE: Modifiers = Modifiers::COMMAND;

#[test]
fn only_the_frame_is_drawn_and_the_rest_of_the_picture_stays() {
    let mut painter = Painter::sits_down();
    painter.presses(NONE, Key::D);
    painter.drags(FREE, &[(100.0, 60.0), (300.0, 200.0)]);
    let frame = PixelRect { x: 100, y: 60, width: 200, height: 140 };
    let near = |a: u32, b: u32| a.abs_diff(b) <= 1;
    let is = |painter: &Painter, wanted: PixelRect| {
        painter.app().editor().frame().is_some_and(|f| {
            near(f.x, wanted.x) && near(f.y, wanted.y) && near(f.width, wanted.width) && near(f.height, wanted.height)
        })
    };
    assert!(is(&painter, frame), "{:?}", painter.app().editor().frame());
    painter.presses(Modifiers::COMMAND, Key::Enter);
    assert!(painter.h.query_by_label_contains("There is no picture yet to draw a part of").is_some());
    assert!(!painter.app().is_generating());

    // In the message and in the bar of the frame.
    assert_eq!(painter.h.get_all_by_label("Whole canvas").count(), 2);
    painter.h.get_all_by_label("Whole canvas").last().expect("a way out").click();
    painter.settles();
    assert_eq!(painter.app().editor().frame(), None);
    makes(&mut painter, 1);
    painter.drags(FREE, &[(100.0, 60.0), (300.0, 200.0)]);
    makes(&mut painter, 9);
    let (take, frame) = (painter.document().take.clone().expect("a picture"), painter.app().editor().frame());
    let frame = frame.expect("it stays for the next picture");
    for (x, y, pixel) in take.image.enumerate_pixels() {
        let inside = frame.columns().contains(&x) && frame.rows().contains(&y);
        assert_eq!(255 - pixel.0[2], if inside { 9 } else { 1 }, "{x}, {y}");
    }
    assert!(painter.document().init_image.is_none(), "the document starts from noise as before");
}

#[test]
fn the_frame_is_moved_and_changed_by_its_handles_and_laid_around_a_region() {
    let mut painter = Painter::sits_down();
    painter.presses(NONE, Key::D);
    painter.drags(FREE, &[(100.0, 60.0), (300.0, 200.0)]);
    let first = painter.app().editor().frame().expect("a frame");
    painter.drags(FREE, &[(200.0, 130.0), (240.0, 130.0)]);
    let moved = painter.app().editor().frame().expect("a frame");
    assert!((moved.x as i32 - first.x as i32 - 40).abs() <= 1, "{moved:?}");
    assert_eq!((moved.width, moved.height, moved.y), (first.width, first.height, first.y));
    let corner = ((moved.x + moved.width) as f32, (moved.y + moved.height) as f32);
    painter.drags(FREE, &[corner, (corner.0 + 60.0, corner.1 + 20.0)]);
    let larger = painter.app().editor().frame().expect("a frame");
    assert!((larger.width as i32 - moved.width as i32 - 60).abs() <= 1, "{larger:?}");
    assert_eq!((larger.x, larger.y), (moved.x, moved.y), "the opposite corner stays");
    // Over the edge of the canvas it is cut, and a small one is as large as it must be.
    painter.drags(FREE, &[(480.0, 236.0), (506.0, 252.0)]);
    let edge = painter.app().editor().frame().expect("a frame");
    assert!(edge.x + edge.width <= painter.document().width && edge.y + edge.height <= painter.document().height);
    assert!(edge.width >= 32 && edge.height >= 32, "{edge:?}");
    let name = painter.document().regions[0].name.clone();
    painter.clicks(&name);
    painter.presses(Modifiers::SHIFT, Key::D);
    let around = painter.app().editor().frame().expect("a frame");
    let bounds = painter.app().editor().selected_region().expect("a region").mask.bounds();
    assert_eq!(around.union(bounds), around, "all of the region is in it");
    assert!(around.area() > bounds.area());
}

#[test]
fn a_frame_lies_around_all_that_is_selected_and_says_that_it_needs_a_picture() {
    let mut painter = Painter::sits_down();
    let disabled = |painter: &Painter| painter.h.get_by_label("Generate").accesskit_node().is_disabled();
    assert!(!disabled(&painter));
    painter.presses(Modifiers::COMMAND, Key::A);
    painter.presses(Modifiers::SHIFT, Key::D);
    let frame = painter.app().editor().frame().expect("a frame");
    let all = painter.document().regions.iter().map(|region| region.mask.bounds()).fold(frame, PixelRect::union);
    assert_eq!(all, frame, "no region lies outside");
    assert!(disabled(&painter));
    painter.h.get_by_label_contains("A frame needs a picture to lie in");
    painter.clicks("Whole canvas");
    assert!(!disabled(&painter));
    makes(&mut painter, 1);
    painter.presses(Modifiers::SHIFT, Key::D);
    let refines = painter.h.get_by_label("Refine").accesskit_node().is_disabled();
    assert!(!refines, "there is a picture now");
}

#[test]
fn a_picture_is_enlarged_and_drawn_over_with_the_same_regions_and_undo_takes_it_back() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 1);
    let before = painter.document().clone();
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("Enlarge picture");
    painter.presses(NONE, Key::Enter);
    let told =
        format!("{} × {} become {} × {} pixels.", before.width, before.height, 2 * before.width, 2 * before.height);
    assert!(painter.h.query_by_label(&told).is_some());
    painter.clicks("Enlarge");
    painter.waits_for("the large picture", |a| a.takes() == 2 && !a.is_generating());
    let large = painter.document();
    assert_eq!((large.width, large.height), (2 * before.width, 2 * before.height));
    let take = large.take.as_ref().expect("it is shown");
    assert_eq!(take.image.dimensions(), (large.width, large.height));
    for (old, new) in before.regions.iter().zip(&large.regions) {
        assert_eq!((&old.name, &old.prompt), (&new.name, &new.prompt));
        let (from, to) = (old.mask.bounds(), new.mask.bounds());
        assert!((2 * from.x).abs_diff(to.x) <= 2 && (2 * from.width).abs_diff(to.width) <= 4, "{from:?}, {to:?}");
    }
    assert!(large.init_image.as_ref().is_some_and(|start| start.image.dimensions() == (large.width, large.height)));
    for _ in 0..2 {
        painter.presses(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!((painter.document().width, painter.document().height), (before.width, before.height));
    assert!(painter.document().init_image.is_none());
}

/// Pretends to make pictures and keeps what it was asked for. A canvas takes six windows, a frame of it one.
#[derive(Default)]
struct Noted {
    pretender: Pretender,
    jobs: Arc<Mutex<Vec<Job>>>,
}

impl Engine for Noted {
    fn submit(&mut self, job: Job) -> JobId {
        self.jobs.lock().expect("whole").push(job.clone());
        self.pretender.submit(job)
    }

    fn cancel(&mut self, job: JobId) {
        self.pretender.cancel(job);
    }

    fn events(&mut self) -> Vec<Event> {
        self.pretender.events()
    }

    fn device(&self) -> String {
        self.pretender.device()
    }

    fn estimator(&self) -> Option<Estimator> {
        Some(Box::new(|document, frame| {
            let windows = if frame.is_some() { 1 } else { 6 };
            let strength = document.init_image.as_ref().map_or(1.0, |start| start.strength);
            let steps = (f64::from(document.settings.steps) * strength) as usize;
            Some(Estimate { windows, steps, unet_samples: windows * steps, unet_samples_shallow: 0, seconds: None })
        }))
    }
}

/// A painter with a picture of seed 1 and a frame in it, and what the engine is asked for.
fn framed() -> (Painter, Arc<Mutex<Vec<Job>>>, PixelRect) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scene.ora");
    Painter::sits_down().document().save(&path).expect("saved");
    let engine = Noted::default();
    let jobs = Arc::clone(&engine.jobs);
    let mut painter = Painter::with(Some(&path), Box::new(engine));
    makes(&mut painter, 1);
    painter.presses(NONE, Key::D);
    painter.drags(FREE, &[(100.0, 60.0), (300.0, 200.0)]);
    let frame = painter.app().editor().frame().expect("a frame");
    (painter, jobs, frame)
}

/// The strength that the last job was asked with.
fn strength(jobs: &Mutex<Vec<Job>>) -> Option<f64> {
    let jobs = jobs.lock().expect("whole");
    jobs.last().and_then(|job| job.document.init_image.as_ref().map(|start| start.strength))
}

/// True where a live picture is on show and can be kept.
fn is_live(app: &App) -> bool {
    app.live_picture().is_some() && app.is_enabled(Command::KeepLive)
}

#[test]
fn live_pictures_are_of_the_frame_alone_and_lie_in_the_picture() {
    let (mut painter, jobs, frame) = framed();
    painter.sets("Seed", "9");
    painter.presses(Modifiers::COMMAND, Key::L);
    painter.waits_for("a live picture in the frame", is_live);
    let size = (painter.document().width, painter.document().height);
    assert_eq!(painter.app().live_picture(), Some(size), "with the rest of the canvas around it");
    assert!(painter.h.query_by_label_contains("in the frame, 1 s a picture").is_some(), "it says what is drawn");
    assert_eq!(jobs.lock().expect("whole").last().and_then(|job| job.frame), Some(frame.into()));

    // The frame's strength holds as in a full drawing, and another one is drawn with at once.
    let first = strength(&jobs).expect("a strength");
    painter.sets("Strength in the frame", "0.3");
    painter.waits_for("another", |a| is_live(a) && strength(&jobs) == Some(0.3));
    assert!(first > 0.3, "{first}");

    // What is kept is the whole canvas; without the frame all of it is drawn.
    painter.presses(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::L);
    assert_eq!(painter.app().takes(), 2);
    let kept = painter.document().take.clone().expect("it is shown");
    for (x, y, pixel) in kept.image.enumerate_pixels() {
        let inside = frame.columns().contains(&x) && frame.rows().contains(&y);
        assert_eq!(255 - pixel.0[2], if inside { 9 } else { 1 }, "{x}, {y}");
    }
    assert!(painter.document().init_image.is_none(), "the document starts from noise as before");
    painter.clicks("Whole canvas");
    painter.waits_for("a live picture of all", is_live);
    assert_eq!(jobs.lock().expect("whole").last().and_then(|job| job.frame), None);
    assert!(painter.h.query_by_label_contains("in the frame, ").is_none());
}

#[test]
fn what_is_drawn_in_a_frame_is_what_the_cost_tells() {
    let (mut painter, _, _) = framed();
    let tells = |painter: &mut Painter, text: &str| {
        let there = |painter: &Painter| painter.h.query_by_label(text).is_some();
        for _ in 0..2000 {
            if there(painter) {
                break;
            }
            painter.h.step();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(there(painter), "{text}");
    };
    painter.sets("Strength in the frame", "0.5");
    tells(&mut painter, "1 window × 10 steps · 10 passes");
    painter.sets("Strength in the frame", "1");
    tells(&mut painter, "1 window × 20 steps · 20 passes");
    painter.clicks("Whole canvas");
    tells(&mut painter, "6 windows × 20 steps · 120 passes");
}
