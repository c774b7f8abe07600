//! Dialogs: their keys, and one over the other.

use super::painter::{Painter, Pretender, english};
use egui::accesskit::Role;
use egui::{Id, Key, Modifiers, Pos2, Rect, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::{Command, FileDialogs, Language, Options};

impl Painter {
    /// The place of the dialog of this name, which is open.
    fn dialog(&self, name: &str) -> Rect {
        self.h.get_by_role_and_label(Role::Dialog, name);
        self.h.ctx.memory(|memory| memory.area_rect(Id::unique(("dialog", name)))).expect("it has a place")
    }
}

#[test]
fn enter_presses_the_main_button() {
    let mut painter = Painter::sits_down();
    assert!(!painter.document().regions.is_empty());
    painter.presses(Modifiers::COMMAND, Key::N);
    assert!(painter.h.get_by_label("Create").is_focused(), "one sees what Enter does");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert!(painter.document().regions.is_empty(), "a new canvas");

    // What is typed is taken by the first Enter, the second presses the button.
    painter.presses(Modifiers::COMMAND, Key::N);
    painter.sets("Height", "640");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert_eq!(painter.document().height, 640);
}

#[test]
fn enter_presses_no_button_that_is_not_chosen() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::N);
    painter.presses(Modifiers::NONE, Key::Tab);
    let regions = painter.document().regions.len();
    assert!(!painter.h.get_by_label("Create").is_focused());
    painter.presses(Modifiers::NONE, Key::Escape);
    assert_eq!(painter.document().regions.len(), regions, "nothing was created");
}

#[test]
fn tab_goes_through_the_buttons_of_a_dialog_as_they_stand() {
    let mut painter = Painter::sits_down();
    painter.takes_a_new_canvas();
    painter.clicks("Add region");
    painter.presses(Modifiers::COMMAND, Key::Q);
    let dialog = painter.dialog("Save your changes?");
    let names = ["Cancel", "Don’t save", "Save"];
    let places = names.map(|name| painter.h.get_by_role_and_label(Role::Button, name).rect());
    assert!(places.is_sorted_by(|a, b| a.right() < b.left()), "the main one is last: {places:?}");
    // (Its margin is 16 points wide.)
    assert!((dialog.right() - 17.0 - places[2].right()).abs() < 1.5, "{places:?} at the right of {dialog:?}");
    assert!(painter.h.get_by_role_and_label(Role::Button, "Save").is_focused());
    for name in names {
        painter.presses(Modifiers::NONE, Key::Tab);
        assert!(painter.h.get_by_role_and_label(Role::Button, name).is_focused(), "{name}");
    }
}

#[test]
fn changes_are_asked_about_once_however_often_one_leaves() {
    let mut painter = Painter::sits_down();
    // (It has no file yet.)
    painter.takes_a_new_canvas();
    painter.clicks("Add region");
    painter.presses(Modifiers::COMMAND, Key::Q);
    painter.dialog("Save your changes?");
    painter.presses(Modifiers::NONE, Key::Enter);
    // Enter saves: where is asked next.
    painter.dialog("Save as");
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(!painter.is_asked("Save as") && !painter.is_asked("Save your changes?"));
    assert!(painter.app().editor().is_unsaved());
}

impl Painter {
    fn is_asked(&self, name: &str) -> bool {
        self.h.query_by_role_and_label(Role::Dialog, name).is_some()
    }
}

#[test]
fn the_list_of_commands_keeps_its_height_and_begins_at_its_top() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::K);
    let whole = painter.dialog("Find a command");
    painter.types("nothing of that name");
    assert_eq!(painter.dialog("Find a command").size(), whole.size());
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.presses(Modifiers::COMMAND, Key::K);
    assert_eq!(painter.dialog("Find a command").size(), whole.size());
    let first = painter.h.get_by_label_contains("New…").rect();
    assert!(whole.contains_rect(first), "{first:?} in {whole:?}");
    // Far down by keys, and up again with the next words.
    for _ in 0..30 {
        painter.presses(Modifiers::NONE, Key::ArrowDown);
    }
    painter.types("o");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.presses(Modifiers::COMMAND, Key::K);
    assert_eq!(painter.h.get_by_label_contains("New…").rect(), first);
}

#[test]
fn a_question_over_the_models_gives_them_back() {
    let data = tempfile::tempdir().expect("a folder");
    let mut painter = Painter::with_data(data.path(), None);
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("Models…");
    painter.presses(Modifiers::NONE, Key::Enter);
    painter.clicks("Add a folder of models…");
    painter.dialog("Add a folder of models");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.dialog("Models");
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(!painter.is_asked("Models"));
}

#[test]
fn every_dialog_fits_the_window() {
    for language in [Language::English, Language::German, Language::Chinese] {
        let mut painter = Painter::opens(Options {
            language: Some(language),
            engine: Some(Box::new(Pretender::default())),
            file_dialogs: FileDialogs::Own,
            ..english()
        });
        // The least window as it is, and a small one in which everything is twice as large.
        for size in [vec2(880.0, 560.0), vec2(512.0, 320.0)] {
            painter.h.set_size(size);
            painter.settles();
            for command in [
                Command::New,
                Command::Open,
                Command::CanvasSize,
                Command::GrowRegion,
                Command::Models,
                Command::ResetStudio,
                Command::Palette,
                Command::Shortcuts,
                Command::Preferences,
                Command::Recent,
                Command::About,
            ] {
                painter.asks_for(command);
                painter.settles();
                let all = painter.h.root().children_recursive();
                let dialogs = all.filter(|node| node.accesskit_node().role() == Role::Dialog);
                let names: Vec<String> = dialogs.filter_map(|node| node.accesskit_node().label()).collect();
                let [name] = &names[..] else { panic!("{command:?} opens a dialog: {names:?}") };
                let window = Rect::from_min_size(Pos2::ZERO, size);
                let dialog = painter.dialog(name);
                assert!(window.contains_rect(dialog), "{name}: {dialog:?} in {window:?}");
                painter.presses(Modifiers::NONE, Key::Escape);
            }
        }
    }
}
