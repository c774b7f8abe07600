//! The brush at hand: changed on the canvas, typed, borrowed, and the menu at the pointer.

use super::painter::Painter;
use super::tools::{NONE, SHIFT};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2};
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{Selected, Tool};

const CTRL_ALT: Modifiers = Modifiers::COMMAND.plus(Modifiers::ALT);

impl Painter {
    fn key(&mut self, key: Key, pressed: bool) {
        let modifiers = Modifiers::NONE;
        self.h.event(Event::Key { key, physical_key: None, pressed, repeat: false, modifiers });
        self.settles();
    }

    /// A click as quick as a hand's: one that takes long is none.
    fn clicks_at(&mut self, pos: Pos2, button: PointerButton) {
        self.h.event(Event::PointerMoved(pos));
        for pressed in [true, false] {
            self.h.event(Event::PointerButton { pos, button, pressed, modifiers: NONE });
            self.h.step();
        }
        self.settles();
    }

    fn right_clicks(&mut self, (x, y): (f32, f32)) {
        let pos = self.app().canvas_to_screen(x, y);
        self.clicks_at(pos, PointerButton::Secondary);
    }
}

#[test]
fn a_drag_with_shift_or_ctrl_and_alt_changes_the_brush_and_paints_nothing() {
    for keys in [SHIFT, CTRL_ALT] {
        let mut painter = Painter::sits_down();
        painter.begins_afresh();
        let before = painter.app().brush();
        painter.drags(keys, &[(200.0, 200.0), (230.0, 200.0), (260.0, 200.0)]);
        let brush = painter.app().brush();
        assert!((brush.size - before.size - 120.0).abs() <= 2.0, "its edge follows the pointer: {}", brush.size);
        assert!((brush.hardness - before.hardness).abs() < 1e-6);
        painter.drags(keys, &[(200.0, 200.0), (200.0, 260.0), (200.0, 400.0)]);
        assert!(painter.app().brush().hardness < before.hardness, "downwards is softer");
        assert!(painter.selected_mask().is_blank(), "nothing is painted");
        assert!(painter.app().editor().undo_label().is_none_or(|label| label != "Paint"));
    }
}

#[test]
fn shift_and_a_click_still_draw_a_straight_line() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    let before = painter.app().brush();
    painter.clicks_canvas(NONE, (100.0, 100.0));
    painter.clicks_canvas(SHIFT, (300.0, 100.0));
    assert_eq!(painter.selected_mask().get(200, 100), 255);
    assert_eq!(painter.app().brush(), before);
}

#[test]
fn the_eraser_keeps_a_size_of_its_own() {
    let mut painter = Painter::sits_down();
    let brush = painter.app().brush().size;
    painter.presses(NONE, Key::E);
    painter.sets("Brush size: number", "100");
    assert!((painter.app().brush().size - 100.0).abs() < 1e-6);
    painter.presses(NONE, Key::B);
    assert!((painter.app().brush().size - brush).abs() < 1e-6);
    painter.presses(NONE, Key::E);
    assert!((painter.app().brush().size - 100.0).abs() < 1e-6);
}

#[test]
fn numbers_of_the_brush_are_typed() {
    let mut painter = Painter::sits_down();
    painter.sets("Brush hardness: number", "35 %");
    assert!((painter.app().brush().hardness - 0.35).abs() < 1e-6);
    painter.sets("Brush opacity: number", "200");
    assert!((painter.app().brush().opacity - 1.0).abs() < 1e-6, "no more than all");
    painter.sets("Brush size: number", "0");
    assert!((painter.app().brush().size - 1.0).abs() < 1e-6, "no less than a pixel");
}

#[test]
fn a_tool_is_in_hand_as_long_as_its_key_is_held() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.paints(&[(100.0, 100.0), (300.0, 100.0)]);
    painter.key(Key::E, true);
    assert_eq!(painter.app().tool(), Tool::Eraser);
    painter.paints(&[(200.0, 60.0), (200.0, 140.0)]);
    assert_eq!(painter.selected_mask().get(200, 100), 0, "it erases");
    painter.key(Key::E, false);
    assert_eq!(painter.app().tool(), Tool::Brush, "and the brush is back");
    painter.key(Key::E, true);
    painter.key(Key::E, false);
    assert_eq!(painter.app().tool(), Tool::Eraser, "a key that is only pressed changes the tool");
}

#[test]
fn the_right_button_opens_a_menu_that_chooses_regions_and_changes_the_brush() {
    let mut painter = Painter::sits_down();
    let before = painter.document().clone();
    painter.right_clicks((200.0, 200.0));
    let first = &before.regions[0];
    painter.clicks(&format!("Select {}", first.name));
    assert_eq!(painter.app().editor().selected(), Selected::Region(first.id));
    assert!(painter.h.query_by_label("Select Background").is_none(), "a choice closes the menu");
    painter.right_clicks((200.0, 200.0));
    let numbers = painter.h.get_all_by_role_and_label(Role::SpinButton, "Brush size: number").count();
    assert_eq!(numbers, 2, "in the bar and in the menu");
    // A click beside the menu closes it and paints nothing.
    let beside = painter.app().canvas_to_screen(20.0, 20.0);
    painter.clicks_at(beside, PointerButton::Primary);
    assert!(painter.h.query_by_label("Select Background").is_none());
    assert_eq!(*painter.document(), before);
}

#[test]
fn the_right_button_opens_the_menu_of_a_card() {
    let mut painter = Painter::sits_down();
    let region = painter.document().regions.last().expect("a region").clone();
    let at = painter.h.get_by_label(&region.name).rect().center();
    painter.clicks_at(at, PointerButton::Secondary);
    let before = painter.document().regions.len();
    painter.chooses("Duplicate region");
    assert_eq!(painter.document().regions.len(), before + 1);
}

#[test]
fn keys_are_those_of_another_program_where_a_person_wants_them() {
    let mut painter = Painter::sits_down();
    let chooses = |painter: &mut Painter, keys: &str| {
        painter.presses(Modifiers::COMMAND, Key::K);
        painter.types(keys);
        painter.presses(NONE, Key::Enter);
    };
    chooses(&mut painter, "As in Photoshop");
    painter.presses(NONE, Key::M);
    assert_eq!(painter.app().tool(), Tool::Rectangle);
    painter.presses(NONE, Key::B);
    painter.presses(NONE, Key::Num3);
    assert!((painter.app().brush().opacity - 0.3).abs() < 1e-6);
    painter.presses(NONE, Key::Num0);
    assert!((painter.app().brush().opacity - 1.0).abs() < 1e-6);
    chooses(&mut painter, "As in Krita");
    painter.presses(NONE, Key::I);
    assert!((painter.app().brush().opacity - 0.9).abs() < 1e-6);
    chooses(&mut painter, "Keys: Polyptych");
    painter.presses(NONE, Key::M);
    assert_eq!(painter.app().tool(), Tool::Brush, "M mirrors the view");
}
