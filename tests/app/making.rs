//! Making pictures: the queue, batches, live painting, what is done with finished pictures, and pictures made from pictures.

use super::painter::{Painter, Pretender, adapter};
use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::{Command, Engine};
use polyptych::document::{Area, RegionId};
use polyptych::studio::{self, Job, JobId};
use std::sync::{Arc, Mutex};

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// What an engine was asked for.
type Log = Arc<Mutex<Vec<String>>>;

/// Pretends to make pictures and writes down what it was asked for.
struct Watched {
    pretender: Pretender,
    log: Log,
}

impl Watched {
    fn note(&self, text: String) {
        self.log.lock().expect("whole").push(text);
    }
}

impl Engine for Watched {
    fn submit(&mut self, job: Job) -> JobId {
        let live = job.live;
        let id = self.pretender.submit(job);
        self.note(format!("{} {}", if live { "live" } else { "draw" }, id.0));
        id
    }

    fn cancel(&mut self, job: JobId) {
        self.note(format!("cancel {}", job.0));
        self.pretender.cancel(job);
    }

    fn promote(&mut self, job: JobId) {
        self.note(format!("promote {}", job.0));
        self.pretender.promote(job);
    }

    fn events(&mut self) -> Vec<studio::Event> {
        self.pretender.events()
    }

    fn device(&self) -> String {
        self.pretender.device()
    }
}

/// A painter with the scene of two regions, and what the engine is asked for.
fn watched() -> (Painter, Log) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scene.ora");
    Painter::sits_down().document().save(&path).expect("saved");
    let log = Log::default();
    let engine = Watched { pretender: Pretender::default(), log: Arc::clone(&log) };
    (Painter::with(Some(&path), Box::new(engine)), log)
}

/// Finds a command by its name and calls it.
fn calls(painter: &mut Painter, command: Command) {
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types(&command.full_label());
    painter.presses(Modifiers::NONE, Key::Enter);
}

/// Makes a picture with this seed.
pub fn makes(painter: &mut Painter, seed: u64) {
    let before = painter.app().takes();
    painter.sets("Seed", &seed.to_string());
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == before + 1 && !a.is_generating());
}

#[test]
fn pictures_wait_in_a_queue_and_each_can_be_taken_out_or_put_first() {
    let (mut painter, log) = watched();
    // Long enough that the first one runs while the others are moved about.
    painter.sets("Steps", "200");
    for seed in [11, 22, 33, 44] {
        painter.sets("Seed", &seed.to_string());
        painter.presses(Modifiers::COMMAND, Key::Enter);
    }
    assert_eq!(painter.app().queue(), [11, 22, 33, 44], "each is frozen with the seed it was asked with");
    painter.clicks("Make seed 44 next");
    painter.clicks("Cancel seed 22");
    painter.waits_for("it to leave the queue", |a| a.queue().len() < 4);
    assert_eq!(painter.app().queue(), [11, 44, 33]);
    painter.sets("Seed", "55");
    painter.presses(CTRL_SHIFT, Key::Enter);
    assert_eq!(painter.app().queue(), [11, 55, 44, 33]);
    painter.waits_for("the first of them", |a| a.takes() == 1);
    assert_eq!(painter.document().take.as_ref().map(|t| t.seed), Some(11));
    painter.waits_for("the next", |a| a.takes() == 2);
    assert_eq!(painter.document().take.as_ref().map(|t| t.seed), Some(55));
    painter.presses(CTRL_SHIFT, Key::X);
    painter.waits_for("all to stop", |a| !a.is_generating());
    assert_eq!(painter.app().takes(), 2);
    let asked = log.lock().expect("whole").join(", ");
    assert_eq!(asked, "draw 1, draw 2, draw 3, draw 4, promote 4, cancel 2, draw 5, promote 5, cancel 3, cancel 4");
}

#[test]
fn one_press_makes_several_pictures_with_seeds_that_follow_or_by_chance() {
    let mut painter = Painter::sits_down();
    painter.sets("Seed", "7");
    painter.sets("Pictures", "3");
    painter.clicks("Generate");
    assert_eq!(painter.app().queue(), [7, 8, 9]);
    painter.waits_for("all of them", |a| a.takes() == 3 && !a.is_generating());
    painter.clicks("Seeds follow each other");
    painter.clicks("Generate");
    let queue = painter.app().queue();
    assert!(queue.len() == 3 && queue[0] == 7 && queue[1] != 8, "{queue:?}");
    calls(&mut painter, Command::CancelAll);
    painter.waits_for("all to stop", |a| !a.is_generating());
    assert_eq!(painter.document().settings.seed, 7, "the document keeps its own");
}

#[test]
fn live_pictures_follow_the_brush_and_are_kept_only_when_asked() {
    let (mut painter, log) = watched();
    painter.presses(Modifiers::COMMAND, Key::L);
    painter.waits_for("a live picture", |a| a.live_picture().is_some());
    let says = painter.h.query_by_label_contains("The seed stays").is_some();
    assert!(says, "it says how it is made");
    let end = |log: &Log| log.lock().expect("whole").last().cloned().unwrap_or_default();
    let begun = |log: &Log| log.lock().expect("whole").iter().filter(|l| l.starts_with("live")).count();
    let before = begun(&log);
    painter.paints(&[(200.0, 100.0), (300.0, 100.0)]);
    painter.waits_for("another", |_| begun(&log) > before);
    // The next stroke stops it before anything else is begun.
    painter.paints(&[(200.0, 150.0), (300.0, 150.0)]);
    painter.waits_for("the newest", |_| end(&log).starts_with("live"));
    painter.waits_for("all of it", |a| a.is_enabled(Command::KeepLive));
    assert_eq!((painter.app().takes(), painter.document().take.is_some()), (0, false), "nothing is kept");
    painter.presses(CTRL_SHIFT, Key::L);
    assert_eq!(painter.app().takes(), 1);
    assert_eq!(painter.document().take.as_ref().map(|t| t.image.dimensions()), Some((768, 512)));
    painter.clicks("Live painting");
    assert!(painter.app().live_picture().is_none());
}

/// Pretends to draw live pictures in which a thin region is lost, while that region is visible.
#[derive(Default)]
struct Warns {
    pretender: Pretender,
    coming: Vec<studio::Event>,
}

impl Engine for Warns {
    fn submit(&mut self, job: Job) -> JobId {
        let thin = job.document.regions[0].clone();
        let tells = job.live && thin.visible;
        let id = self.pretender.submit(job);
        if tells {
            let warning = studio::Warning::ThinRegion { region: thin.name, pixels: 16, few_steps: true };
            self.coming.push(studio::Event::Warning { job: id, warning });
        }
        id
    }

    fn cancel(&mut self, job: JobId) {
        self.pretender.cancel(job);
    }

    fn events(&mut self) -> Vec<studio::Event> {
        let mut events = std::mem::take(&mut self.coming);
        events.extend(self.pretender.events());
        events
    }

    fn device(&self) -> String {
        self.pretender.device()
    }
}

#[test]
fn warnings_of_live_pictures_stay_until_a_whole_one_has_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scene.ora");
    Painter::sits_down().document().save(&path).expect("saved");
    let mut painter = Painter::with(Some(&path), Box::<Warns>::default());
    painter.sets("Steps", "40");
    painter.presses(Modifiers::COMMAND, Key::L);
    painter.waits_for("a picture", |a| a.is_enabled(Command::KeepLive));
    assert!(painter.sees("is so thin"));
    // While the next one is drawn, and when it is there.
    painter.paints(&[(200.0, 100.0), (300.0, 100.0)]);
    assert!(painter.sees("is so thin"));
    painter.waits_for("the next", |a| a.is_enabled(Command::KeepLive));
    assert!(painter.sees("is so thin"));
    painter.clicks("Hide Pines");
    painter.waits_for("one without", |a| a.is_enabled(Command::KeepLive) && a.live_picture().is_some());
    painter.waits_for("no warning", |a| a.live_warnings() == 0);
    assert!(!painter.sees("is so thin"));
}

#[test]
fn a_new_stroke_stops_the_live_picture_that_is_being_made() {
    let (mut painter, log) = watched();
    painter.sets("Steps", "200");
    painter.presses(Modifiers::COMMAND, Key::L);
    painter.waits_for("the first live job", |_| !log.lock().expect("whole").is_empty());
    painter.paints(&[(200.0, 100.0), (300.0, 100.0)]);
    painter.waits_for("the second", |_| log.lock().expect("whole").len() >= 3);
    painter.waits_for("a picture", |a| a.live_picture().is_some());
    let log = log.lock().expect("whole").join(", ");
    assert_eq!(log, "live 1, cancel 1, live 2");
}

#[test]
fn finished_pictures_are_compared_restored_and_started_from() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 1);
    painter.paints(&[(500.0, 100.0), (600.0, 100.0)]);
    let (id, painted) = (painter.selected(), painter.mask(painter.selected()));
    makes(&mut painter, 2);

    painter.presses(Modifiers::NONE, Key::C);
    assert!(painter.h.query_by_label("Line between the two pictures").is_some());
    painter.clicks("Side by side");
    assert!(painter.h.query_by_label("Line between the two pictures").is_none());
    painter.clicks("Show right");
    assert_eq!(painter.document().take.as_ref().map(|t| t.seed), Some(1));
    painter.presses(Modifiers::NONE, Key::C);
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(painter.h.query_by_label("Side by side").is_none(), "Escape closes it");

    calls(&mut painter, Command::RestoreTake);
    assert_ne!(painter.mask(id), painted, "as it was before the stroke");
    assert_eq!(painter.document().settings.seed, 1);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.mask(id), painted);

    painter.presses(Modifiers::NONE, Key::PageUp);
    assert_eq!(painter.document().take.as_ref().map(|t| t.seed), Some(2));
    let shown = painter.document().take.clone().expect("one");
    calls(&mut painter, Command::StartFromTake);
    assert_eq!(painter.document().init_image.as_ref().map(|s| &s.image), Some(&shown.image));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(painter.document().init_image.is_none());

    painter.presses(Modifiers::SHIFT, Key::Delete);
    assert_eq!(painter.app().takes(), 1);
    assert_eq!(painter.document().take.as_ref().map(|t| t.seed), Some(1), "its neighbour is shown");
    calls(&mut painter, Command::BringBackTake);
    assert_eq!(painter.app().takes(), 2);
}

#[test]
fn the_running_job_tells_its_step_and_shows_its_preview() {
    let (mut painter, _) = watched();
    painter.sets("Steps", "200");
    painter.sets("Seed", "9");
    painter.h.get_by_label("Generate").click();
    let step = |p: &Painter| {
        let card = p.h.query_by_label_contains("Seed 9 is being made: step")?;
        let name = card.accesskit_node().label()?;
        name.split("step ").nth(1)?.split(' ').next()?.parse::<u32>().ok()
    };
    painter.waits_for("a preview", |a| a.previews() > 0);
    let first = step(&painter).expect("a card that tells its step");
    painter.waits_for("more of them", |a| a.previews() > 20);
    let later = step(&painter).expect("a card that tells its step");
    assert!(first < later && later <= 200, "{first}, {later}");
    calls(&mut painter, Command::CancelAll);
}

#[test]
fn compared_pictures_are_moved_and_zoomed_with_the_canvas() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 1);
    makes(&mut painter, 100);
    painter.presses(Modifiers::NONE, Key::C);
    let area = painter.h.get_by_label("Canvas").rect();
    let at = area.center() + vec2(-200.0, 60.0);
    painter.h.hover_at(at);
    let under = painter.app().screen_to_canvas(at);
    let zoom = painter.app().view().zoom();
    painter.h.event(Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, 2.0),
        modifiers: Modifiers::NONE,
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
    });
    painter.h.run_ok();
    assert!(painter.app().view().zoom() > zoom * 1.2, "the wheel zooms");
    assert!((painter.app().screen_to_canvas(at) - under).length() < 0.1, "what is under the pointer stays");
    painter.h.drag_at(at);
    painter.h.hover_at(at + vec2(40.0, 25.0));
    painter.h.drop_at(at + vec2(40.0, 25.0));
    painter.h.run_ok();
    let moved = painter.app().canvas_to_screen(under.x, under.y);
    assert!(
        (moved - at - vec2(40.0, 25.0)).length() < 1.0,
        "a drag beside the line moves both: {at:?} went to {moved:?}"
    );
    painter.presses(Modifiers::COMMAND, Key::Plus);
    assert!(painter.app().view().zoom() > zoom * 1.5, "so do keys");

    // The line: by a click, a drag that begins on it, and keys.
    let line = |p: &Painter| {
        let node = p.h.get_by_label("Line between the two pictures");
        node.accesskit_node().numeric_value().expect("a slider")
    };
    painter.h.hover_at(area.left_center() + vec2(300.0, 0.0));
    painter.h.drag_at(area.left_center() + vec2(300.0, 0.0));
    painter.h.drop_at(area.left_center() + vec2(300.0, 0.0));
    painter.h.run_ok();
    assert!((line(&painter) - 300.0 / f64::from(area.width())).abs() < 0.01, "{}", line(&painter));
    painter.h.drag_at(area.left_center() + vec2(304.0, 0.0));
    painter.h.hover_at(area.left_center() + vec2(450.0, 0.0));
    painter.h.hover_at(area.left_center() + vec2(600.0, 0.0));
    painter.h.drop_at(area.left_center() + vec2(600.0, 0.0));
    painter.h.run_ok();
    let dragged = line(&painter);
    assert!((dragged - 600.0 / f64::from(area.width())).abs() < 0.01, "{dragged}");
    painter.presses(Modifiers::NONE, Key::ArrowLeft);
    assert!((dragged - line(&painter) - 0.02).abs() < 1e-3);

    // Side by side each half shows the same place.
    painter.clicks("Side by side");
    painter.presses(Modifiers::COMMAND, Key::Num0);
    let right = painter.app().canvas_to_screen(384.0, 256.0);
    assert!(right.x > area.center().x, "the view is the right half's");
    let under = painter.app().screen_to_canvas(right - vec2(area.width() * 0.5, 0.0));
    assert!((under - pos2(384.0, 256.0)).length() < 0.5, "{under:?}");
    painter.presses(Modifiers::NONE, Key::Escape);
}

#[test]
fn compared_pictures_are_drawn_where_the_canvas_is() {
    if !adapter() {
        return;
    }
    let mut painter = Painter::sits_down();
    makes(&mut painter, 1);
    makes(&mut painter, 100);
    painter.presses(Modifiers::NONE, Key::C);
    // At 200 %, turned and mirrored.
    painter.presses(Modifiers::COMMAND, Key::Num2);
    painter.presses(Modifiers::NONE, Key::Num6);
    painter.presses(Modifiers::NONE, Key::M);
    painter.h.remove_cursor();
    painter.h.run_ok();
    let window = painter.h.render().expect("drawn");
    let area = painter.h.get_by_label("Canvas").rect();
    let mut compared = [0, 0];
    for (x, y) in (200..600).step_by(23).flat_map(|x| (130..400).step_by(29).map(move |y| (x, y))) {
        let at = painter.app().canvas_to_screen(x as f32 + 0.5, y as f32 + 0.5);
        let clear = area.shrink2(vec2(8.0, 60.0)).contains(at) && (at.x - area.center().x).abs() > 12.0;
        // Where red or green begin anew the two sides mix.
        if !clear || x % 256 > 252 || y % 256 > 252 || x % 256 < 3 || y % 256 < 3 {
            continue;
        }
        let left = at.x < area.center().x;
        let wanted = [(x % 256) as u8, (y % 256) as u8, 255 - if left { 100 } else { 1 }];
        let drawn = window.get_pixel(at.x as u32, at.y as u32).0;
        let off = (0..3).map(|i| drawn[i].abs_diff(wanted[i])).max().unwrap_or(0);
        assert!(off <= 4, "{x}, {y} is {drawn:?} and should be {wanted:?}");
        compared[usize::from(left)] += 1;
    }
    assert!(compared[0] > 20 && compared[1] > 20, "{compared:?}");
}

#[test]
fn a_region_is_taken_over_from_another_picture() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 1);
    makes(&mut painter, 100);
    let name = painter.document().regions[0].name.clone();
    painter.clicks(&name);
    let mask = painter.mask(painter.selected());
    painter.h.get_by_label("Take, seed 1").focus();
    painter.h.run_ok();
    painter.presses(Modifiers::SHIFT, Key::F10);
    painter.chooses("Take only the selected region from it");
    painter.waits_for("the mixed picture", |a| a.takes() == 3);
    let take = painter.document().take.clone().expect("it is shown");
    let width = painter.document().width;
    let mut seen = [0, 0];
    for (x, y, pixel) in take.image.enumerate_pixels() {
        // So far around a pixel the mask is blurred.
        let around = (-16..=16).flat_map(|dy| [-16, 0, 16].map(|dx| (x as i32 + dx, y as i32 + dy)));
        let around = around.filter(|(x, y)| *x >= 0 && *y >= 0 && *x < width as i32 && *y < take.image.height() as i32);
        let values: Vec<u8> = around.map(|(x, y)| mask[(y as u32 * width + x as u32) as usize]).collect();
        let (all, none) = (values.iter().all(|v| *v == 255), values.iter().all(|v| *v == 0));
        if all || none {
            assert_eq!(255 - pixel.0[2], if all { 1 } else { 100 }, "{x}, {y}");
            seen[usize::from(all)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn the_strip_is_used_with_the_keyboard_alone() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 1);
    makes(&mut painter, 2);
    let focus = |painter: &mut Painter, name: &str| {
        painter.h.get_by_label(name).focus();
        painter.h.run_ok();
    };
    focus(&mut painter, "Take, seed 1");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert_eq!(painter.document().take.as_ref().map(|t| t.seed), Some(1), "Enter shows it");
    focus(&mut painter, "Take, seed 2");
    painter.presses(Modifiers::SHIFT, Key::F10);
    painter.presses(Modifiers::NONE, Key::Enter);
    assert!(painter.h.query_by_label("Line between the two pictures").is_some(), "its menu compares the two");
}

#[test]
fn finished_pictures_come_back_with_the_document() {
    let folder = tempfile::tempdir().expect("a folder");
    let (project, picture) = (folder.path().join("two.ora"), folder.path().join("first.png"));
    let mut painter = Painter::sits_down();
    makes(&mut painter, 5);
    let first = painter.document().without_takes();
    painter.clicks("Add region");
    painter.types("the sun");
    makes(&mut painter, 6);
    painter.waits_for("both to be packed", |a| a.editor().document().packed_takes().len() == 2);
    painter.presses(CTRL_SHIFT, Key::S);
    painter.answers_with(&project, "Save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());

    let mut again = Painter::with(Some(&project), Box::new(Pretender::default()));
    again.waits_for("the strip", |a| a.takes() == 2);
    assert!(!again.app().editor().is_unsaved());
    let open =
        |p: &Painter| p.h.query_by_label("Take, seed 5").is_some() && p.h.query_by_label("Take, seed 6").is_some();
    for _ in 0..2000 {
        if open(&again) {
            break;
        }
        again.h.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(again.app().takes(), 2, "the one that is kept in the document is one of them");
    again.clicks("Take, seed 5");
    assert_eq!(again.document().take.as_ref().map(|t| t.seed), Some(5));
    calls(&mut again, Command::ExportTake);
    again.clicks("Export…");
    again.answers_with(&picture, "Export");
    again.waits_for("the picture's file", |a| !a.is_busy_with_files());
    let inside = polyptych::document::Document::open(&picture).expect("a picture with its project");
    assert_eq!(inside.regions.len(), first.regions.len(), "with the regions that made it");
    calls(&mut again, Command::RestoreTake);
    assert_eq!(again.document().regions, first.regions);
    assert_eq!(again.document().packed_takes().len(), 2);
}

#[test]
fn what_may_change_is_painted_with_the_brush() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 3);
    let regions = painter.document().regions.clone();
    painter.presses(Modifiers::SHIFT, Key::Q);
    painter.paints(&[(350.0, 100.0), (450.0, 100.0)]);
    let mask = |p: &Painter| p.document().mask(RegionId::INPAINT).map(|m| (m.get(400, 100), m.get(400, 300)));
    assert_eq!(mask(&painter), Some((255, 0)));
    assert_eq!(painter.document().regions, regions, "no region was painted on");
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(mask(&painter), Some((0, 0)));
    painter.presses(CTRL_SHIFT, Key::Z);
    assert_eq!(mask(&painter), Some((255, 0)));
    painter.clicks("Invert what may change");
    assert_eq!(mask(&painter), Some((0, 255)));
    painter.clicks("Done painting what may change");
    painter.paints(&[(350.0, 200.0), (450.0, 200.0)]);
    assert_eq!(painter.document().region(painter.selected()).map(|r| r.mask.get(400, 200)), Some(255));
    for _ in 0..8 {
        painter.presses(Modifiers::COMMAND, Key::Z);
    }
    assert!(painter.document().init_image.is_none());
    assert!(painter.document().regions.len() == 2 && !painter.app().editor().paints_change());
}

#[test]
fn a_larger_canvas_is_filled_around_the_old_picture() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 3);
    let old = painter.document().clone();
    let picture = old.take.clone().expect("one");
    painter.clicks("Canvas size 768 × 512");
    painter.clicks("Panorama");
    painter.clicks("Draw what is new around the picture");
    painter.clicks("Old canvas at the right");
    painter.clicks("Change");
    let document = painter.document().clone();
    assert_eq!((document.width, document.height), (1536, 512));
    let start = document.init_image.clone().expect("the old picture");
    assert_eq!(start.image.get_pixel(768 + 400, 99), picture.image.get_pixel(400, 99));
    let Area::Mask(mask) = &start.area else { panic!("a mask: {:?}", start.area) };
    let soft = mask.get(768 + 20, 99);
    assert_eq!((mask.get(100, 99), mask.get(768 + 400, 99), mask.get(1535, 0)), (255, 0, 0));
    assert!(soft > 0 && soft < 255, "its border is soft: {soft}");
    assert_eq!(document.regions[0].mask.get(768 + 50, 400), 255, "the regions stay on the picture");
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!((painter.document().width, painter.document().regions == old.regions), (768, true));
    assert_eq!(painter.document().take, old.take);
}

#[test]
fn what_is_still_being_worked_out_is_saved_and_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scene.ora");
    Painter::sits_down().document().save(&path).expect("saved");
    let mut painter = Painter::with(Some(&path), Box::new(Pretender::default()));
    let id = painter.selected();
    let filled = |document: &polyptych::document::Document| document.region(id).map(|r| r.mask.get(600, 100));
    painter.presses(Modifiers::NONE, Key::F);
    // The next keys come before the fill is there.
    let at = painter.app().canvas_to_screen(600.0, 100.0);
    painter.h.hover_at(at);
    painter.h.drag_at(at);
    painter.h.drop_at(at);
    painter.h.key_press_modifiers(Modifiers::COMMAND, Key::S);
    painter.h.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating() && !a.is_busy_with_files());
    assert_eq!(filled(painter.document()), Some(255));
    let saved = polyptych::document::Document::open(&path).expect("a project");
    assert_eq!(saved.regions, painter.document().regions);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(filled(painter.document()), Some(0), "it is one step");
    calls(&mut painter, Command::RestoreTake);
    assert_eq!(filled(painter.document()), Some(255), "the picture was made with it");
}

#[test]
fn who_makes_the_same_picture_again_is_told_and_offered_another_seed() {
    let mut painter = Painter::sits_down();
    let told = "Nothing has changed";
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    assert!(!painter.sees(told));
    let seed = painter.document().settings.seed;
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 2 && !a.is_generating());
    assert!(painter.sees(told));
    painter.clicks("Another seed");
    assert_ne!(painter.document().settings.seed, seed);
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 3 && !a.is_generating());
    assert!(!painter.sees(told), "another seed, another picture");
}

#[test]
fn the_menu_of_the_shown_picture_offers_nothing_with_itself() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 1);
    makes(&mut painter, 2);
    let entries = |painter: &mut Painter, name: &str| {
        painter.h.get_by_label(name).focus();
        painter.h.run_ok();
        painter.presses(Modifiers::SHIFT, Key::F10);
        let all =
            ["Show", "Compare with the one shown", "Take only the selected region from it", "Use its seed", "Remove"];
        let found = all.map(|entry| painter.h.query_by_label(entry).is_some());
        painter.presses(Modifiers::NONE, Key::Escape);
        found
    };
    assert_eq!(entries(&mut painter, "Take, seed 2"), [false, false, false, true, true]);
    assert_eq!(entries(&mut painter, "Take, seed 1"), [true; 5]);
}
