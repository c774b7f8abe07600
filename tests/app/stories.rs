//! The whole way of a painting, and what can go wrong on it.

use super::painter::{Painter, Pretender, english};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::{FileDialogs, Options, Tool};
use polyptych::document::{Document, RegionId};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_first_start_shows_the_example() {
    let painter = Painter::with(None, Box::new(Pretender::default()));
    assert!(painter.document().regions.len() >= 2);
    assert!(painter.document().regions.iter().all(|r| !r.prompt.is_empty() && !r.mask.is_blank()));
    assert!(!painter.app().editor().is_unsaved());
}

#[test]
fn a_whole_painting() {
    let mut painter = Painter::sits_down();
    painter.takes_a_new_canvas();

    painter.clicks("Add region");
    let id = painter.selected();
    painter.types("a red house");
    assert_eq!(painter.document().regions[0].prompt, "a red house");
    painter.paints(&[(100.0, 256.0), (250.0, 256.0), (400.0, 300.0)]);
    let region = painter.document().region(id).expect("just added");
    assert_eq!(region.mask.get(250, 256), 255, "painted along the way");
    assert_eq!(region.mask.get(250, 100), 0, "and nowhere else");

    painter.clicks("Background");
    painter.h.get_by_role_and_label(Role::MultilineTextInput, "Words").focus();
    painter.h.run_ok();
    painter.types("a green meadow");
    assert_eq!(painter.document().background.prompt, "a green meadow");

    painter.clicks("Generate");
    assert!(painter.app().is_generating());
    painter.waits_for("a preview", |a| a.previews() > 0);
    painter.waits_for("the picture", |a| !a.is_generating());
    assert_eq!(painter.app().takes(), 1);
    let take = painter.document().take.clone().expect("the picture is kept in the document");
    assert_eq!(take.image.dimensions(), (512, 512));
    assert!(painter.app().editor().is_unsaved());

    let folder = tempfile::tempdir().expect("a folder");
    let (project, picture) = (folder.path().join("meadow.ora"), folder.path().join("meadow.png"));
    painter.presses(Modifiers::COMMAND, Key::S);
    painter.answers_with(&project, "Save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(!painter.app().editor().is_unsaved());
    assert_eq!(painter.app().editor().path(), Some(project.as_path()));
    assert_eq!(painter.app().editor().title(), "meadow.ora");

    painter.presses(Modifiers::COMMAND, Key::E);
    painter.clicks("Export…");
    painter.answers_with(&picture, "Export");
    painter.waits_for("the picture's file", |a| !a.is_busy_with_files());
    let exported = image::open(&picture).expect("a PNG file").to_rgb8();
    assert_eq!(exported, *take.image);

    let painted = painter.document().clone();
    let again = Painter::with(Some(&project), Box::new(Pretender::default()));
    let reopened = again.document();
    assert_eq!(reopened.background, painted.background);
    assert_eq!(reopened.settings, painted.settings);
    assert_eq!(reopened.regions, painted.regions);
    assert_eq!(reopened.take.as_ref().map(|t| &t.image), Some(&take.image));
    assert!(!again.app().editor().is_unsaved());
}

/// The same on the model inside the program: nothing is pretended.
#[test]
fn a_painting_on_the_model_inside_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("small.ora");
    let mut document = Document::new(256, 256);
    document.background.prompt = "a clear blue sky".to_owned();
    document.settings.steps = 3;
    document.save(&path).expect("saved");
    let options = Options { project: Some(path), engine: None, file_dialogs: FileDialogs::Own, ..english() };
    let mut painter = Painter::opens(options);

    painter.clicks("Add region");
    painter.types("a green meadow");
    painter.paints(&[(10.0, 220.0), (240.0, 220.0)]);
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("a preview", |a| a.previews() > 0 || a.takes() > 0);
    painter.waits_for("the picture", |a| !a.is_generating());
    assert_eq!(painter.app().takes(), 1, "the job ended with a picture");
    let take = painter.document().take.clone().expect("kept");
    assert_eq!(take.image.dimensions(), (256, 256));
    let first = take.image.get_pixel(0, 0);
    assert!(take.image.pixels().any(|p| p != first), "it is not one colour");
}

#[test]
fn any_command_is_found_by_what_it_does() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("theme light");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert_eq!(painter.h.ctx.theme(), egui::Theme::Light);
    assert!(painter.h.query_by_label("Find a command…").is_some(), "the list is closed, its button is there");
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("invert");
    painter.presses(Modifiers::NONE, Key::Enter);
    let mask = &painter.app().editor().selected_region().expect("one").mask;
    assert_eq!(mask.get(700, 20), 255);
}

#[test]
fn cards_hide_copy_reorder_and_delete_regions() {
    let mut painter = Painter::sits_down();
    let names = |p: &Painter| p.document().regions.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
    painter.clicks("Hide Cabin");
    assert!(!painter.document().regions[1].visible);
    painter.clicks("Show Cabin");
    assert!(painter.document().regions[1].visible);
    painter.clicks("More for Pines");
    painter.chooses("Duplicate region");
    assert_eq!(names(&painter), ["Pines", "Pines copy", "Cabin"]);
    painter.clicks("More for Pines copy");
    painter.chooses("Move region up");
    assert_eq!(names(&painter), ["Pines", "Cabin", "Pines copy"]);
    painter.presses(Modifiers::NONE, Key::Delete);
    assert_eq!(names(&painter), ["Pines", "Cabin"]);
    painter.clicks("Colour of Cabin");
    painter.clicks("Blue");
    assert_eq!(painter.document().regions[1].colour, polyptych::document::REGION_COLOURS[4]);
    for _ in 0..6 {
        painter.presses(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(names(&painter), ["Pines", "Cabin"]);
    assert!(!painter.app().editor().is_unsaved(), "back to the file's state");
}

#[test]
fn what_is_missing_is_said_before_the_run() {
    let mut painter = Painter::sits_down();
    painter.clicks("Add region");
    painter.h.get_by_label("Canvas").rect();
    let end = Instant::now() + Duration::from_secs(20);
    while painter.h.query_by_label_contains("is not painted yet").is_none() {
        assert!(Instant::now() < end, "no warning about the empty region");
        painter.h.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.ora");
    std::fs::write(&path, "precious").expect("written");
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S);
    painter.answers_with(&path, "Save");
    assert_eq!(std::fs::read(&path).expect("there"), b"precious");
    painter.clicks("Replace");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(Document::open(&path).is_ok());
}

#[test]
fn a_broken_file_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("broken.ora");
    std::fs::write(&path, "no zip at all").expect("written");
    let mut painter = Painter::sits_down();
    let before = painter.document().clone();
    painter.presses(Modifiers::COMMAND, Key::O);
    painter.answers_with(&path, "Open");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(painter.h.query_by_label_contains("broken.ora").is_some(), "the message names the file");
    assert_eq!(painter.document(), &before);
    // Unsaved work is asked about once a file is chosen.
    painter.paints(&[(200.0, 100.0), (300.0, 100.0)]);
    let painted = painter.document().clone();
    painter.presses(Modifiers::COMMAND, Key::O);
    painter.answers_with(&path, "Open");
    painter.clicks("Cancel");
    assert_eq!(painter.document(), &painted);
}

#[test]
fn a_dropped_project_is_opened() {
    #[derive(Debug)]
    struct Dropped(std::path::PathBuf);
    impl egui::DroppedFile for Dropped {
        fn path(&self) -> &Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            std::fs::read(&self.0).map_err(|e| e.to_string())
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dropped.ora");
    let mut document = Document::new(128, 64);
    document.add_region("Only", "one");
    document.save(&path).expect("saved");
    let mut painter = Painter::sits_down();
    painter.h.input_mut().dropped_files.push(Arc::new(Dropped(path)));
    painter.h.step();
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(painter.document().regions[0].name, "Only");
}

#[test]
fn the_canvas_changes_size_and_back() {
    let mut painter = Painter::sits_down();
    let before = painter.document().clone();
    painter.h.get_by_label_contains("Canvas size").click();
    painter.h.run_ok();
    painter.clicks("Portrait");
    painter.clicks("Change");
    assert_eq!((painter.document().width, painter.document().height), (512, 768));
    assert!(painter.document().regions.iter().all(|r| (r.mask.width(), r.mask.height()) == (512, 768)));
    assert!(painter.document().regions.iter().all(|r| !r.mask.is_blank()), "stretched, not lost");
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document(), &before);
}

#[test]
fn undo_and_redo_take_back_whole_strokes() {
    let mut painter = Painter::sits_down();
    let id = painter.selected();
    let before = painter.mask(id);
    painter.paints(&[(20.0, 20.0), (60.0, 40.0), (90.0, 30.0)]);
    let first = painter.mask(id);
    painter.paints(&[(20.0, 120.0), (90.0, 130.0)]);
    let second = painter.mask(id);
    assert!(before != first && first != second);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.mask(id), first);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.mask(id), before);
    painter.presses(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
    assert_eq!(painter.mask(id), first);
    painter.presses(Modifiers::COMMAND, Key::Y);
    assert_eq!(painter.mask(id), second);
}

#[test]
fn a_stroke_that_arrives_in_one_frame_is_painted_to_its_end() {
    let mut painter = Painter::sits_down();
    let id = painter.selected();
    let screen = |p: &Painter, x, y| p.app().canvas_to_screen(x, y);
    let corners = [screen(&painter, 30.0, 30.0), screen(&painter, 100.0, 30.0), screen(&painter, 100.0, 120.0)];
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let elsewhere = screen(&painter, 600.0, 40.0);
    painter.h.input_mut().events.extend([
        Event::PointerMoved(corners[0]),
        button(corners[0], true),
        Event::PointerMoved(corners[1]),
        Event::PointerMoved(corners[2]),
        button(corners[2], false),
        Event::PointerMoved(elsewhere),
    ]);
    painter.h.step();
    painter.h.run_ok();
    let mask = &painter.document().region(id).expect("selected").mask;
    assert_eq!(mask.get(65, 30), 255, "the first side");
    assert_eq!(mask.get(100, 75), 255, "the second side: the corner is not cut");
    assert_eq!(mask.get(350, 60), 0, "nothing after the release");
    assert!(!painter.app().editor().in_stroke());
}

#[test]
fn brackets_in_words_are_letters() {
    let mut painter = Painter::sits_down();
    let size = painter.app().brush().size;
    painter.h.get_by_role_and_label(Role::MultilineTextInput, "Words").focus();
    painter.h.run_ok();
    painter.h.event(Event::Key {
        key: Key::CloseBracket,
        physical_key: Some(Key::CloseBracket),
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    });
    painter.types("]");
    assert!(painter.app().editor().selected_region().expect("one is selected").prompt.contains(']'));
    assert_eq!(painter.app().brush().size, size, "the brush stays");

    painter.paints(&[(20.0, 20.0), (30.0, 20.0)]);
    painter.presses(Modifiers::NONE, Key::CloseBracket);
    assert!(painter.app().brush().size > size, "on the canvas it is a key");
    // On a Cyrillic layout the key of `[` says х; its place on the keyboard counts.
    painter.h.event(Event::Key {
        key: Key::X,
        physical_key: Some(Key::OpenBracket),
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    });
    painter.h.run_ok();
    assert!((painter.app().brush().size - size).abs() <= 1.0);
}

#[test]
fn escape_takes_back_the_stroke_and_stops_the_job() {
    let mut painter = Painter::sits_down();
    let id = painter.selected();
    let before = painter.mask(id);
    let from = painter.app().canvas_to_screen(40.0, 40.0);
    painter.h.hover_at(from);
    painter.h.drag_at(from);
    painter.h.hover_at(from + Vec2::splat(50.0));
    painter.h.step();
    assert!(painter.app().editor().in_stroke());
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(!painter.app().editor().in_stroke());
    assert_eq!(painter.mask(id), before);
    painter.h.drop_at(from);
    painter.h.run_ok();
    assert_eq!(painter.mask(id), before);

    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("a preview", |a| a.previews() > 0);
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.waits_for("the job to stop", |a| !a.is_generating());
    assert_eq!(painter.app().takes(), 0);
    assert!(painter.document().take.is_none());
}

#[test]
fn escape_never_costs_a_picture_that_nobody_meant_to_stop() {
    let mut painter = Painter::sits_down();
    painter.sets("Steps", "900");
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("some of it", |a| a.previews() > 20);
    // Out of a region's words, and out of its name.
    painter.h.get_by_role_and_label(Role::MultilineTextInput, "Words").focus();
    painter.h.run_ok();
    painter.types("a cabin");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.presses(Modifiers::NONE, Key::F2);
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(painter.app().is_generating() && !painter.sees("Escape again"));
    // A message goes first; then what was drawn for seconds is asked for once more.
    painter.presses(Modifiers::SHIFT, Key::Delete);
    assert!(painter.sees("The first picture is still being made."));
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(!painter.sees("The first picture is still being made."));
    assert!(painter.app().is_generating());
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(painter.sees("Escape again stops the picture."));
    assert!(painter.app().is_generating());
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.waits_for("the job to stop", |a| !a.is_generating());
    assert!(!painter.sees("Escape again stops the picture."));
}

#[test]
fn everything_can_be_done_with_the_keyboard_alone() {
    let mut painter = Painter::sits_down();
    // A new region, its words, then painting with the arrow keys.
    painter.presses(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::N);
    painter.types("a small boat");
    let id = painter.selected();
    assert_eq!(painter.app().editor().selected_region().expect("new").prompt, "a small boat");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.presses(Modifiers::NONE, Key::F6);
    assert!(painter.h.get_by_label("Canvas").is_focused());
    painter.presses(Modifiers::NONE, Key::Enter);
    for _ in 0..4 {
        painter.presses(Modifiers::NONE, Key::ArrowRight);
    }
    painter.presses(Modifiers::NONE, Key::Enter);
    let (width, height) = (painter.document().width, painter.document().height);
    let mask = painter.document().region(id).expect("new").mask.clone();
    assert_eq!(mask.get(width / 2, height / 2), 255);
    assert_eq!(mask.get(width / 2 + 80, height / 2), 255);
    assert_eq!(mask.get(width / 2 - 80, height / 2), 0);

    // Down the list, hide nothing, reorder, back, rename.
    painter.presses(Modifiers::COMMAND, Key::OpenBracket);
    let place = |p: &Painter| p.document().regions.iter().position(|r| r.id == id);
    assert_eq!(place(&painter), Some(painter.document().regions.len() - 2));
    painter.presses(Modifiers::COMMAND, Key::CloseBracket);
    assert_eq!(place(&painter), Some(painter.document().regions.len() - 1));
    painter.presses(Modifiers::NONE, Key::F2);
    painter.presses(Modifiers::COMMAND, Key::A);
    painter.types("Boat");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert_eq!(painter.document().region(id).expect("new").name, "Boat");

    // Tab reaches every control and comes round again.
    let mut reached = std::collections::HashSet::new();
    for _ in 0..80 {
        painter.presses(Modifiers::NONE, Key::Tab);
        let focused = painter
            .h
            .root()
            .children_recursive()
            .find(egui_kittest::Node::is_focused)
            .and_then(|n| n.accesskit_node().label());
        reached.extend(focused);
    }
    for control in ["Canvas", "Brush", "Eraser", "Brush size", "Words", "Steps", "Seed", "Generate", "Boat", "File"] {
        assert!(reached.contains(control), "Tab does not reach {control}; it reaches {reached:?}");
    }

    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
}

#[test]
fn a_picture_is_chosen_to_start_from_and_taken_back() {
    let mut painter = Painter::sits_down();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photo.png");
    image::RgbImage::from_pixel(300, 400, image::Rgb([10, 200, 30])).save(&path).expect("writes");
    painter.clicks("noise");
    painter.answers_with(&path, "Choose");
    painter.waits_for("the picture", |a| a.editor().document().init_image.is_some());
    let start = painter.document().init_image.clone().expect("a start");
    assert_eq!(start.image.dimensions(), (768, 512), "it is fitted to the canvas");
    assert_eq!(start.image.get_pixel(400, 300).0, [10, 200, 30]);
    painter.clicks("Start from noise");
    assert!(painter.document().init_image.is_none());
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document().init_image.as_ref(), Some(&start));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(painter.document().init_image.is_none());
}

#[test]
fn tools_and_views_answer_to_their_letters() {
    let mut painter = Painter::sits_down();
    for (key, tool) in [(Key::E, Tool::Eraser), (Key::H, Tool::Hand), (Key::Z, Tool::Zoom), (Key::B, Tool::Brush)] {
        painter.presses(Modifiers::NONE, key);
        assert_eq!(painter.app().tool(), tool);
    }
    painter.presses(Modifiers::NONE, Key::E);
    let id = painter.selected();
    let sum = |p: &Painter| p.mask(id).iter().map(|v| u64::from(*v)).sum::<u64>();
    let before = sum(&painter);
    let (x, y) = inside(&painter, id);
    painter.paints(&[(x, y), (x + 5.0, y)]);
    assert!(sum(&painter) < before, "the eraser takes paint away");
}

/// A position inside a region.
fn inside(painter: &Painter, id: RegionId) -> (f32, f32) {
    let mask = &painter.document().region(id).expect("there").mask;
    let at = mask.to_raw().iter().position(|v| *v == 255).expect("it is painted");
    ((at as u32 % mask.width()) as f32 + 4.0, (at as u32 / mask.width()) as f32 + 4.0)
}

#[test]
fn leaving_unsaved_work_is_asked_about() {
    let mut painter = Painter::sits_down();
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    let painted = painter.document().clone();
    painter.presses(Modifiers::COMMAND, Key::N);
    painter.clicks("Create");
    assert!(painter.h.query_by_label("Don’t save").is_some());
    painter.clicks("Cancel");
    assert_eq!(painter.document(), &painted);
    painter.presses(Modifiers::COMMAND, Key::N);
    painter.clicks("Create");
    painter.clicks("Don’t save");
    assert!(painter.document().regions.is_empty());
}
