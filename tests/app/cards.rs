//! The cards of the regions: style, lock, solo.

use super::painter::Painter;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

#[test]
fn the_style_is_added_to_all_words_and_taken_back_by_undo() {
    let mut painter = Painter::sits_down();
    painter.h.get_by_role_and_label(Role::TextInput, "Style").focus();
    painter.h.run_ok();
    painter.types("oil painting");
    let document = painter.document();
    assert_eq!(document.style, "oil painting");
    assert_eq!(document.prompt(&document.regions[0].prompt), "tall pines, oil painting");
    assert_eq!(document.prompt(""), "oil painting");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document().style, "");
    painter.presses(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(painter.document().style, "oil painting");
}

#[test]
fn a_locked_region_keeps_its_paint() {
    let mut painter = Painter::sits_down();
    painter.clicks("Pines");
    let id = painter.selected();
    painter.clicks("Lock Pines");
    assert!(painter.document().regions[0].locked);
    let before = painter.mask(id);
    painter.paints(&[(200.0, 100.0), (300.0, 100.0)]);
    painter.presses(Modifiers::SHIFT, Key::V);
    painter.presses(Modifiers::NONE, Key::Delete);
    assert_eq!(painter.mask(id), before);
    painter.h.get_by_label_contains("is locked");
    painter.clicks("Unlock Pines");
    painter.paints(&[(200.0, 100.0), (300.0, 100.0)]);
    assert_ne!(painter.mask(id), before);
}

#[test]
fn one_region_is_shown_alone_and_all_again() {
    let mut painter = Painter::sits_down();
    let visible = |p: &Painter| p.document().regions.iter().map(|r| r.visible).collect::<Vec<_>>();
    painter.clicks("Cabin");
    painter.presses(Modifiers::SHIFT, Key::S);
    assert_eq!(visible(&painter), [false, true]);
    painter.presses(Modifiers::SHIFT, Key::S);
    assert_eq!(visible(&painter), [true, true]);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(visible(&painter), [false, true]);
}

#[test]
fn words_are_weighed_with_the_arrows() {
    let mut painter = Painter::sits_down();
    painter.clicks("Pines");
    painter.h.get_by_role_and_label(Role::MultilineTextInput, "Words").focus();
    painter.h.run_ok();
    painter.presses(Modifiers::NONE, Key::End);
    painter.presses(Modifiers::COMMAND, Key::ArrowUp);
    painter.presses(Modifiers::COMMAND, Key::ArrowUp);
    assert_eq!(painter.document().regions[0].prompt, "tall (pines:1.2)");
    painter.presses(Modifiers::COMMAND, Key::ArrowDown);
    painter.presses(Modifiers::COMMAND, Key::ArrowDown);
    assert_eq!(painter.document().regions[0].prompt, "tall pines");
}
