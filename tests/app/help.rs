//! The tour and the languages.

use super::painter::{Painter, Pretender, english};
use super::tools::button;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{App, Command, Engine, FileDialogs, Language, Options, Tool};
use polyptych::studio::{self, DrawError, Failure, Job, JobId, PaintError};
use polyptych::{backend, networks};
use std::sync::Arc;

#[test]
fn the_tour_tells_four_things_and_blocks_nothing() {
    let mut painter = Painter::sits_down();
    assert!(painter.h.query_by_label("Paint where things go").is_none(), "nobody asked for it");
    painter.clicks("Help");
    painter.chooses("Take the tour");
    for heading in ["Paint where things go", "Say what goes there", "Make the picture"] {
        painter.h.get_by_label(heading);
        painter.clicks("Next");
    }
    painter.h.get_by_label("Watch, change, try again");
    painter.clicks("Back");
    painter.h.get_by_label("Make the picture");
    // What a note speaks of can be done while it is shown.
    let before = painter.document().regions[1].mask.clone();
    painter.clicks("Cabin");
    painter.paints(&[(40.0, 40.0), (80.0, 40.0)]);
    assert_ne!(painter.document().regions[1].mask, before);
    painter.clicks("Next");
    painter.clicks("Start painting");
    assert!(painter.h.query_by_label("Watch, change, try again").is_none());

    painter.clicks("Help");
    painter.chooses("Take the tour");
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(painter.h.query_by_label("Paint where things go").is_none(), "Escape leaves it");
}

#[test]
fn the_window_speaks_german_and_chinese_and_english_again() {
    let options =
        || Options { engine: Some(Box::new(Pretender::default())), file_dialogs: FileDialogs::Own, ..english() };
    let open =
        |options| Harness::builder().with_size(egui::vec2(1440.0, 900.0)).build_eframe(|cc| App::new(cc, options));
    for (language, generate) in [(Language::German, "Bild machen"), (Language::Chinese, "生成")] {
        let mut h = open(Options { language: Some(language), ..options() });
        h.run_ok();
        h.get_by_label(generate);
        assert!(h.query_by_label("Generate").is_none());
    }
    let mut painter = Painter { h: open(options()) };
    painter.h.run_ok();
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("Deutsch");
    painter.presses(Modifiers::NONE, Key::Enter);
    painter.h.get_by_label("Bild machen");
    // What was found out before is told in the new language, too.
    let told = |p: &Painter| p.h.query_by_label_contains("liegen unter anderen").is_some();
    for _ in 0..2000 {
        if told(&painter) {
            break;
        }
        painter.h.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(told(&painter));
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("English");
    painter.presses(Modifiers::NONE, Key::Enter);
    painter.h.get_by_label("Generate");
}

/// Fails every job, as one whose device is full.
struct Full {
    coming: Vec<studio::Event>,
}

impl Engine for Full {
    fn submit(&mut self, _: Job) -> JobId {
        let full = networks::Error::from(backend::Error::OutOfMemory { operator: "attention" });
        let failure = Failure::Draw(DrawError::Paint(PaintError::Network(full.into())));
        self.coming.push(studio::Event::Failed { job: JobId(1), failure: Arc::new(failure) });
        JobId(1)
    }

    fn cancel(&mut self, _: JobId) {}

    fn events(&mut self) -> Vec<studio::Event> {
        std::mem::take(&mut self.coming)
    }

    fn device(&self) -> String {
        "full".to_owned()
    }
}

#[test]
fn a_comma_is_as_good_as_a_point() {
    let mut painter = Painter::sits_down();
    painter.sets("Guidance", "6,5");
    assert_eq!(painter.document().settings.guidance.to_bits(), 6.5_f32.to_bits());
    painter.sets("Guidance", "−2.5");
    assert_eq!(painter.document().settings.guidance.to_bits(), (-2.5_f32).to_bits());
    painter.sets("Guidance", "seven");
    assert_eq!(
        painter.document().settings.guidance.to_bits(),
        (-2.5_f32).to_bits(),
        "what is no number changes nothing"
    );
}

#[test]
fn a_number_is_typed_wherever_its_field_is_pressed() {
    let mut painter = Painter::sits_down();
    let presses_beside = |painter: &mut Painter, name: &str| {
        let label = painter.h.get_by_role_and_label(egui::accesskit::Role::Label, name);
        let at = label.rect().right_center() + egui::vec2(6.0, 0.0);
        painter.h.hover_at(at);
        painter.h.drag_at(at);
        painter.h.drop_at(at);
        painter.settles();
    };
    let tool = painter.app().tool();
    for (name, typed) in [("Steps", "33"), ("Guidance", "4"), ("Seed", "21")] {
        presses_beside(&mut painter, name);
        painter.types(typed);
        painter.presses(Modifiers::NONE, Key::Enter);
    }
    let settings = &painter.document().settings;
    assert_eq!((settings.steps, settings.guidance.to_bits(), settings.seed), (33, 4.0_f32.to_bits(), 21));
    assert_eq!((painter.app().tool(), painter.app().view().degrees()), (tool, 0.0), "no letter went to the canvas");
    painter.presses(Modifiers::COMMAND, Key::N);
    presses_beside(&mut painter, "Height");
    painter.types("320");
    painter.presses(Modifiers::NONE, Key::Enter);
    painter.presses(Modifiers::NONE, Key::Enter);
    painter.clicks("Don’t save");
    assert_eq!(painter.document().height, 320);
}

#[test]
fn what_goes_wrong_is_told_in_the_language_of_the_window() {
    let options = Options {
        engine: Some(Box::new(Full { coming: Vec::new() })),
        file_dialogs: FileDialogs::Own,
        language: Some(Language::German),
        ..english()
    };
    let mut painter = Painter::opens(options);
    painter.clicks("Bild machen");
    painter.waits_for("the end", |a| !a.is_generating());
    painter.h.get_by_label_contains("Der Speicher reicht für dieses Bild nicht (attention)");
    let missing = std::path::Path::new("/nowhere/lake.ora");
    painter.presses(Modifiers::COMMAND, Key::O);
    painter.h.get_by_label("Pfad").focus();
    painter.h.run_ok();
    painter.types(&missing.display().to_string());
    painter.presses(Modifiers::NONE, Key::Enter);
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    painter
        .h
        .get_by_label_contains("/nowhere/lake.ora: lässt sich nicht lesen (die Datei oder den Ordner gibt es nicht)");
}

#[test]
fn a_second_click_on_next_paints_nothing_and_enter_presses_it() {
    let mut painter = Painter::sits_down();
    painter.clicks("Help");
    painter.chooses("Take the tour");
    painter.clicks("Next");
    let masks = |p: &Painter| p.document().regions.iter().map(|r| r.mask.to_raw()).collect::<Vec<_>>();
    let before = masks(&painter);
    let at = painter.h.get_by_label("Next").rect().center();
    let button = |pressed| button(at, pressed, Modifiers::NONE);
    for _ in 0..2 {
        painter.h.input_mut().events.extend([egui::Event::PointerMoved(at), button(true)]);
        painter.h.step();
        painter.h.input_mut().events.push(button(false));
        painter.h.step();
    }
    painter.settles();
    painter.h.get_by_label("Make the picture");
    assert_eq!(masks(&painter), before);
    assert!(!painter.app().editor().is_unsaved());
    // Who stays there with the pointer presses the button that is elsewhere by now.
    for _ in 0..60 {
        painter.h.step();
    }
    for pressed in [true, false] {
        painter.h.input_mut().events.push(button(pressed));
        painter.h.step();
    }
    painter.settles();
    painter.h.get_by_label("Watch, change, try again");
    assert_eq!(masks(&painter), before);
    assert!(!painter.app().editor().is_unsaved());
    painter.presses(Modifiers::NONE, Key::Enter);
    assert!(painter.h.query_by_label("Watch, change, try again").is_none());
}

#[test]
fn impatient_clicks_on_next_paint_nothing_however_slow_frames_are() {
    let mut painter = Painter::sits_down();
    let masks = |p: &Painter| p.document().regions.iter().map(|r| r.mask.to_raw()).collect::<Vec<_>>();
    let before = masks(&painter);
    // Clicks a frame, for frames of a quarter of a second.
    for clicks in [[1, 1, 1, 0, 1, 1], [1, 2, 1, 1, 0, 1], [1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 0, 1]] {
        painter.clicks("Help");
        painter.chooses("Take the tour");
        let at = painter.h.get_by_label("Next").rect().center();
        painter.h.hover_at(at);
        for clicks in clicks {
            let events = [true, false].repeat(clicks).into_iter().map(|pressed| button(at, pressed, Modifiers::NONE));
            painter.h.input_mut().events.extend(events);
            painter.h.step();
        }
        painter.settles();
        assert_eq!(masks(&painter), before, "{clicks:?}");
        assert!(!painter.app().editor().is_unsaved());
        painter.presses(Modifiers::NONE, Key::Escape);
        painter.settles();
    }
}

#[test]
fn preferences_are_on_one_page_and_count_at_once() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::Comma);
    painter.clicks("Theme: Light");
    painter.clicks("Keys: As in Krita");
    painter.clicks("Language: Deutsch");
    // It stays open, in the new language.
    painter.h.get_by_label("Aussehen: Hell");
    let app = painter.app();
    assert!([Command::ThemeLight, Command::KeysKrita, Command::LanguageGerman].into_iter().all(|c| app.is_on(c)));
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(painter.h.query_by_label("Aussehen: Hell").is_none());
}

#[test]
fn a_command_is_given_other_keys_on_the_sheet() {
    let mut painter = Painter::sits_down();
    let rulers = |painter: &Painter| painter.app().is_on(Command::Rulers);
    painter.presses(Modifiers::NONE, Key::F1);
    painter.types("rulers");
    painter.clicks("Rulers: Shift+R");
    painter.h.get_by_label("Press keys…");
    // Ctrl alone is no answer: more follows.
    painter.presses(Modifiers::COMMAND, Key::ControlLeft);
    painter.h.get_by_label("Press keys…");
    // What is pressed is for the row: nothing is drawn, searched or closed.
    painter.presses(Modifiers::COMMAND, Key::G);
    painter.h.get_by_label("Rulers: Ctrl+G");
    assert!(!rulers(&painter));
    // Esc leaves the row as it is, and the sheet open.
    painter.clicks("Rulers: Ctrl+G");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.h.get_by_label("Rulers: Ctrl+G");
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(painter.h.query_by_label("Search the keys").is_none());
    painter.presses(Modifiers::SHIFT, Key::R);
    assert!(!rulers(&painter), "its keys before are nobody's");
    painter.presses(Modifiers::COMMAND, Key::G);
    assert!(rulers(&painter));

    // Keys that another command has become this one's, and it is said.
    painter.presses(Modifiers::NONE, Key::F1);
    painter.types("rulers");
    painter.clicks("Rulers: Ctrl+G");
    painter.presses(Modifiers::NONE, Key::B);
    painter.h.get_by_label("Tool: Brush had these keys: B");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.asks_for(Command::ToolEraser);
    painter.presses(Modifiers::NONE, Key::B);
    assert!(!rulers(&painter));
    assert_eq!(painter.app().tool(), Tool::Eraser);

    // And back again.
    painter.presses(Modifiers::NONE, Key::F1);
    painter.types("rulers");
    painter.clicks("Put back: Rulers");
    painter.h.get_by_label("Rulers: Shift+R");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.presses(Modifiers::NONE, Key::B);
    assert_eq!(painter.app().tool(), Tool::Brush);
}

#[test]
fn a_tooltip_goes_where_a_dialog_opens_over_it() {
    let mut painter = Painter::sits_down();
    let at = painter.h.get_by_label("Ellipse").rect().center();
    painter.h.hover_at(at);
    for _ in 0..90 {
        painter.h.step();
    }
    assert!(painter.sees("Drag an ellipse: "), "the tool says what it does");
    painter.presses(Modifiers::COMMAND, Key::K);
    assert!(painter.sees("Find a command"));
    assert!(!painter.sees("Drag an ellipse: "), "it would lie over the dialog");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.settles();
    // The pointer is where it was.
    painter.h.hover_at(at + egui::vec2(1.0, 0.0));
    for _ in 0..90 {
        painter.h.step();
    }
    assert!(painter.sees("Drag an ellipse: "));
}

#[test]
fn arrows_that_are_faster_than_the_list_of_commands_stay_with_it() {
    let mut painter = Painter::sits_down();
    // In one frame, as where frames are slow.
    painter.h.key_press_modifiers(Modifiers::COMMAND, Key::K);
    painter.h.step();
    painter.h.key_press_modifiers(Modifiers::NONE, Key::ArrowDown);
    painter.h.step();
    painter.settles();
    painter.types("ellipse");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert_eq!(painter.app().tool(), Tool::Ellipse, "what was typed went to the field");
    // Many of them, and letters after them, in one frame: the first of what is found is chosen.
    let down = egui::Event::Key {
        key: Key::ArrowDown,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    for letters in [vec![], vec![egui::Event::Text("rectangle".to_owned())]] {
        painter.presses(Modifiers::COMMAND, Key::K);
        painter.h.input_mut().events.extend(std::iter::repeat_n(down.clone(), 12).chain(letters.clone()));
        painter.h.step();
        if letters.is_empty() {
            painter.types("rectangle");
        }
        painter.presses(Modifiers::NONE, Key::Enter);
        assert_eq!(painter.app().tool(), Tool::Rectangle);
        painter.presses(Modifiers::NONE, Key::B);
    }
}

#[test]
fn a_grey_row_of_the_list_of_commands_says_why() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("inpaint");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert!(painter.sees("There is no picture yet."));
    assert!(painter.h.query_by_role_and_label(egui::accesskit::Role::Dialog, "Find a command").is_none());
    // The offer goes when it has been taken up in another way.
    painter.presses(Modifiers::COMMAND, Key::Enter);
    assert!(!painter.sees("There is no picture yet."));
    painter.waits_for("the picture", |a| !a.is_generating());
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("redo");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert!(painter.sees("“Redo” has nothing to do just now."));
}
