//! The cards of the regions: style, lock, solo.

use super::painter::Painter;
use super::tools::button;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::Command;
use polyptych::document::StartColour;
use std::collections::BTreeMap;

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
    painter.h.get_by_label("Pines is locked. Unlock it to paint on it.");
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
    assert_eq!(painter.app().editor().undo_label(), None, "seeing is no step");
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

#[test]
fn what_is_typed_takes_the_place_of_the_old_name() {
    let mut painter = Painter::sits_down();
    painter.clicks("Pines");
    painter.presses(Modifiers::NONE, Key::F2);
    painter.types("Firs");
    painter.presses(Modifiers::NONE, Key::Enter);
    assert_eq!(painter.document().regions[0].name, "Firs");
}

#[test]
fn a_copy_is_seen_beside_its_original_in_a_colour_of_its_own() {
    let mut painter = Painter::sits_down();
    painter.clicks("Cabin");
    painter.presses(Modifiers::COMMAND, Key::J);
    let [_, cabin, copy] = painter.document().regions.as_slice() else { panic!("three regions") };
    assert_eq!(copy.name, "Cabin copy");
    assert_ne!(copy.colour, cabin.colour);
    let (of, at) = (cabin.mask.bounds(), copy.mask.bounds());
    assert_eq!((at.x - of.x, at.y - of.y), (16, 16));
    assert_eq!(copy.prompt, cabin.prompt);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document().regions.len(), 2);
}

#[test]
fn a_closed_card_is_dragged_by_its_name_too() {
    let mut painter = Painter::sits_down();
    painter.clicks("Background");
    let names = |p: &Painter| p.document().regions.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&painter), ["Pines", "Cabin"]);
    let from = painter.h.get_by_label("Cabin").rect().right_center() + egui::vec2(-4.0, 4.0);
    let to = painter.h.get_by_label("Pines").rect().center() + egui::vec2(0.0, 24.0);
    painter.h.hover_at(from);
    painter.h.drag_at(from);
    for step in 1..=8 {
        painter.h.hover_at(from + (to - from) * (step as f32 / 8.0));
        painter.h.step();
    }
    painter.h.drop_at(to);
    painter.settles();
    assert_eq!(names(&painter), ["Cabin", "Pines"]);
    // A click that slips by a pixel or two selects.
    let at = painter.h.get_by_label("Cabin").rect().center();
    painter.h.hover_at(at);
    painter.h.drag_at(at);
    painter.h.hover_at(at + egui::vec2(2.0, 1.0));
    painter.h.drop_at(at + egui::vec2(2.0, 1.0));
    painter.settles();
    assert_eq!(painter.app().editor().selected_region().map(|r| r.name.as_str()), Some("Cabin"));
}

#[test]
fn a_new_canvas_greets_nobody_with_a_warning() {
    let mut painter = Painter::sits_down();
    painter.takes_a_new_canvas();
    painter.settles();
    assert!(painter.h.query_by_label_contains("has no words").is_none());
    painter.clicks("Add region");
    painter.presses(Modifiers::NONE, Key::Escape);
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while painter.h.query_by_label_contains("is not painted yet").is_none() {
        assert!(std::time::Instant::now() < end, "the worst comes first");
        painter.h.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // The others are told at a press.
    painter.clicks("More notes");
    painter.h.get_by_label("The background shows but has no words.");
}

#[test]
fn a_note_leads_to_the_card_that_it_is_about() {
    let mut painter = Painter::sits_down();
    painter.takes_a_new_canvas();
    painter.clicks("Add region");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.clicks("Add region");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.waits_to_see("Region 1 is not painted yet.");
    let selected = |painter: &Painter| painter.app().editor().selected_region().map(|region| region.name.clone());
    assert_eq!(selected(&painter).as_deref(), Some("Region 2"));
    assert!(painter.sees("Not painted yet."), "on the card, too");
    painter.clicks("Region 1 is not painted yet.");
    assert_eq!(selected(&painter).as_deref(), Some("Region 1"));
    painter.clicks("More notes");
    painter.clicks("The background shows but has no words.");
    assert_eq!(selected(&painter), None, "the background's");
    // The only one: nowhere else to go.
    painter.clicks("More notes");
    painter.clicks("Region 2 is not painted yet.");
    painter.clicks("More notes");
    painter.clicks("Region 2 is not painted yet.");
    assert_eq!(selected(&painter).as_deref(), Some("Region 2"));
}

#[test]
fn an_empty_canvas_offers_what_to_begin_with() {
    let mut painter = Painter::sits_down();
    assert!(!painter.sees("Place picture…"), "an example is open");
    painter.takes_a_new_canvas();
    painter.settles();
    painter.clicks("Examples…");
    assert!(painter.sees("Examples"), "they are shown");
    painter.presses(Modifiers::NONE, Key::Escape);
    assert!(painter.sees("Place picture…"));
    painter.paints(&[(100.0, 100.0), (140.0, 100.0)]);
    painter.settles();
    assert_eq!(painter.document().regions.len(), 1);
    assert!(!painter.sees("Place picture…") && !painter.sees("Examples…"), "the paper is the painter's now");
}

#[test]
fn names_that_the_studio_gave_follow_the_language() {
    let mut painter = Painter::sits_down();
    painter.takes_a_new_canvas();
    painter.clicks("Add region");
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.h.get_by_label("Region 1");
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, polyptych::app::Command::LanguageGerman);
    painter.settles();
    painter.h.get_by_label("Bereich 1");
    painter.h.state_mut().perform(&ctx, polyptych::app::Command::AddRegion);
    painter.settles();
    painter.h.get_by_label("Bereich 2");
    assert_eq!(painter.document().regions[0].name, "Region 1", "the document stays as it is");
}

#[test]
fn a_region_and_the_background_are_given_a_colour_to_start_from() {
    let mut painter = Painter::sits_down();
    let region = painter.selected();
    let before = painter.document().clone();
    painter.clicks("Choose a start colour");
    let start = |painter: &Painter| painter.document().region(region).expect("the region").start_colour;
    let own = painter.document().region(region).expect("the region").colour;
    assert_eq!(start(&painter), Some(StartColour { colour: own, share: StartColour::SHARE }));
    painter.sets("Start colour is held", "40");
    assert_eq!(start(&painter).map(|start| start.share), Some(0.4));
    painter.clicks("No start colour");
    assert_eq!(start(&painter), None);
    for steps in [Some(0.4), Some(StartColour::SHARE), None] {
        painter.presses(Modifiers::COMMAND, Key::Z);
        assert_eq!(start(&painter).map(|start| start.share), steps, "each is one step");
    }
    assert_eq!(*painter.document(), before);

    painter.clicks("Background");
    painter.clicks("Choose a start colour");
    assert!(painter.document().background.start_colour.is_some());
}

#[test]
fn a_region_leaves_nothing_out_where_the_background_leaves_something_out() {
    let mut painter = Painter::sits_down();
    painter.clicks("Pines");
    let negative = |painter: &Painter| painter.document().regions[0].negative.clone();
    assert_eq!(negative(&painter), None);
    painter.clicks("Leave nothing out");
    assert_eq!(negative(&painter).as_deref(), Some(""));
    painter.clicks("Leave out what the background does");
    assert_eq!(negative(&painter), None);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(negative(&painter).as_deref(), Some(""));
}

#[test]
fn a_region_that_comes_back_is_the_one_to_paint_on() {
    let mut painter = Painter::sits_down();
    painter.clicks("Cabin");
    painter.presses(Modifiers::NONE, Key::Delete);
    let selected = |painter: &Painter| painter.app().editor().selected_region().map(|region| region.name.clone());
    assert_eq!(selected(&painter).as_deref(), Some("Pines"));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(selected(&painter).as_deref(), Some("Cabin"));
}

/// The controls of the window by what they are called, where a name is there once, and their ids.
fn ids(painter: &Painter) -> BTreeMap<String, String> {
    const CONTROLS: [Role; 8] = [
        Role::Button,
        Role::Slider,
        Role::SpinButton,
        Role::CheckBox,
        Role::TextInput,
        Role::MultilineTextInput,
        Role::ComboBox,
        Role::Switch,
    ];
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in painter.h.root().children_recursive() {
        let node = node.accesskit_node();
        if let Some(label) = node.label().filter(|_| CONTROLS.contains(&node.role())) {
            all.entry(format!("{:?} {label}", node.role())).or_default().push(format!("{:?}", node.id()));
        }
    }
    all.into_iter().filter(|(_, ids)| ids.len() == 1).map(|(name, ids)| (name, ids.concat())).collect()
}

#[test]
fn what_comes_and_goes_takes_the_keyboard_from_nothing_below_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let ink = super::loras::lora(folder.path(), "ink.safetensors");
    let mut painter = Painter::sits_down();
    painter.clicks("Pines");
    type Act = Box<dyn Fn(&mut Painter)>;
    let acts: [(&str, Act); 5] = [
        (
            "a note on the card and above the settings",
            Box::new(|p| {
                p.asks_for(Command::ClearRegion);
                p.waits_to_see("Not painted yet.");
            }),
        ),
        ("a note above the settings alone", Box::new(|p| p.asks_for(Command::ToggleRegion))),
        ("live painting", Box::new(|p| p.asks_for(Command::Live))),
        (
            "notes that go",
            Box::new(|p| {
                p.asks_for(Command::ToggleRegion);
                p.asks_for(Command::FillRegion);
            }),
        ),
        (
            "words of a LoRA",
            Box::new(move |p| {
                p.drops(&ink);
                p.clicks("Pines");
            }),
        ),
    ];
    for (what, act) in acts {
        let before = ids(&painter);
        act(&mut painter);
        painter.settles();
        let after = ids(&painter);
        let moved: Vec<_> = before.iter().filter(|(name, id)| after.get(*name).is_some_and(|now| now != *id)).collect();
        assert!(before.len() > 60 && moved.is_empty(), "{what}: {moved:?} of {}", before.len());
    }
}

#[test]
fn a_hold_that_nobody_has_set_is_auto_and_a_double_click_makes_it_so_again() {
    let mut painter = Painter::sits_down();
    let hold = |p: &Painter| p.document().region(p.selected()).expect("selected").bootstrap;
    let is_auto = |p: &Painter| p.h.query_by_label("auto").is_some();
    assert!(hold(&painter).is_none() && is_auto(&painter));
    let clicks_the_slider = |painter: &mut Painter, times: usize| {
        let pos = painter.h.get_by_role_and_label(Role::Slider, "Blend – hold shape").rect().center();
        painter.h.hover_at(pos);
        // (Not with a click before.)
        (0..4).for_each(|_| painter.h.step());
        let event = |pressed| button(pos, pressed, Modifiers::NONE);
        painter.h.input_mut().events.push(event(true));
        painter.h.step();
        for _ in 1..times {
            painter.h.input_mut().events.extend([event(false), event(true)]);
            painter.h.step();
        }
        painter.h.input_mut().events.push(event(false));
        painter.h.step();
        painter.settles();
    };
    clicks_the_slider(&mut painter, 1);
    assert!(hold(&painter).is_some() && !is_auto(&painter));
    clicks_the_slider(&mut painter, 2);
    assert!(hold(&painter).is_none() && is_auto(&painter));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(hold(&painter).is_some());
}
