//! The tools, as a painter uses them.

use super::painter::Painter;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, TouchDeviceId, TouchId, TouchPhase};
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{FillOver, Selected, Tool};
use polyptych::document::{Mask, RegionId};
use polyptych::paint::Combine;
use std::sync::Arc;

pub const NONE: Modifiers = Modifiers::NONE;
pub const SHIFT: Modifiers = Modifiers::SHIFT;
pub const ALT: Modifiers = Modifiers::ALT;

impl Painter {
    /// Presses at the first canvas position, goes through the others and lets go at the last, with these keys held.
    pub fn drags(&mut self, modifiers: Modifiers, points: &[(f32, f32)]) {
        self.presses_button(modifiers, points[0]);
        self.moves_on(modifiers, &points[1..]);
        self.lets_go(modifiers, points[points.len() - 1]);
    }

    pub fn presses_button(&mut self, modifiers: Modifiers, at: (f32, f32)) {
        let pos = self.on_screen(at);
        self.holding(modifiers, [Event::PointerMoved(pos), button(pos, true, modifiers)]);
    }

    pub fn moves_on(&mut self, modifiers: Modifiers, points: &[(f32, f32)]) {
        for at in points {
            let pos = self.on_screen(*at);
            self.holding(modifiers, [Event::PointerMoved(pos)]);
        }
    }

    pub fn lets_go(&mut self, modifiers: Modifiers, at: (f32, f32)) {
        let pos = self.on_screen(at);
        self.holding(modifiers, [button(pos, false, modifiers)]);
        self.holding(NONE, []);
    }

    pub fn clicks_canvas(&mut self, modifiers: Modifiers, at: (f32, f32)) {
        self.drags(modifiers, &[at]);
    }

    pub fn holding<const N: usize>(&mut self, modifiers: Modifiers, events: [Event; N]) {
        self.h.event(Event::ModifiersChanged(modifiers));
        for event in events {
            self.h.event(event);
        }
        self.settles();
    }

    /// One touch of a pen in the middle of a canvas of 512 × 512, taken back again: its width in pixels, and how much it covers there.
    pub fn dabs_with_a_pen(&mut self, force: Option<f32>) -> (u32, u8) {
        let pos = self.on_screen((256.0, 256.0));
        let touch = |phase| Event::Touch { device_id: TouchDeviceId(1), id: TouchId(1), phase, pos, force };
        self.holding(NONE, [touch(TouchPhase::Start), Event::PointerMoved(pos), button(pos, true, NONE)]);
        self.holding(NONE, [touch(TouchPhase::End), button(pos, false, NONE), Event::PointerGone]);
        let found = (self.selected_mask().bounds().width, self.selected_mask().get(256, 256));
        self.undoes();
        found
    }

    pub fn on_screen(&self, (x, y): (f32, f32)) -> Pos2 {
        self.app().canvas_to_screen(x, y)
    }

    pub fn selected_mask(&self) -> Arc<Mask> {
        Arc::clone(&self.app().editor().selected_region().expect("a region is selected").mask)
    }

    /// A region of its own to paint on, on an empty canvas of 512 × 512.
    pub fn begins_afresh(&mut self) -> RegionId {
        self.takes_a_new_canvas();
        self.clicks("Add region");
        self.presses(NONE, Key::Escape);
        self.presses(NONE, Key::F6);
        self.selected()
    }

    pub fn undoes(&mut self) {
        self.presses(Modifiers::COMMAND, Key::Z);
    }
}

pub fn button(pos: Pos2, pressed: bool, modifiers: Modifiers) -> Event {
    Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers }
}

/// The area a mask covers, in pixels.
fn area(mask: &Mask) -> f64 {
    mask.to_raw().into_iter().map(f64::from).sum::<f64>() / 255.0
}

#[test]
fn every_tool_answers_to_its_letter_and_its_button() {
    let mut painter = Painter::sits_down();
    let tools = [
        (NONE, Key::B, Tool::Brush, "Brush"),
        (NONE, Key::E, Tool::Eraser, "Eraser"),
        (NONE, Key::S, Tool::Smudge, "Smudge"),
        (NONE, Key::L, Tool::Lasso, "Lasso"),
        (NONE, Key::U, Tool::Rectangle, "Rectangle"),
        (SHIFT, Key::U, Tool::Ellipse, "Ellipse"),
        (NONE, Key::F, Tool::Fill, "Fill"),
        (NONE, Key::G, Tool::Gradient, "Gradient"),
        (NONE, Key::V, Tool::Move, "Move"),
        (NONE, Key::D, Tool::Frame, "Frame"),
        (NONE, Key::I, Tool::Pick, "Pick region"),
        (NONE, Key::H, Tool::Hand, "Hand"),
        (NONE, Key::Z, Tool::Zoom, "Zoom"),
    ];
    for (modifiers, key, tool, _) in tools {
        painter.presses(modifiers, key);
        assert_eq!(painter.app().tool(), tool);
    }
    for (_, _, tool, name) in tools {
        painter.h.get_all_by_role_and_label(Role::Button, name).next().expect("a button").click();
        painter.h.run_ok();
        assert_eq!(painter.app().tool(), tool, "{name}");
    }
}

#[test]
fn shift_draws_straight_lines() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.clicks_canvas(NONE, (100.0, 100.0));
    painter.clicks_canvas(SHIFT, (300.0, 200.0));
    assert_eq!(painter.selected_mask().get(200, 150), 255, "from the last point to the click");
    painter.clicks_canvas(SHIFT, (300.0, 400.0));
    assert_eq!(painter.selected_mask().get(300, 300), 255, "and on from there");
    painter.undoes();
    assert_eq!(painter.selected_mask().get(300, 300), 0, "each is one step");
    assert_eq!(painter.selected_mask().get(200, 150), 255);

    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    // Held once the stroke has begun; held before, it changes the brush.
    painter.presses_button(NONE, (100.0, 256.0));
    painter.moves_on(SHIFT, &[(150.0, 259.0), (300.0, 290.0), (400.0, 230.0)]);
    painter.lets_go(SHIFT, (400.0, 230.0));
    let mask = painter.selected_mask();
    let bounds = mask.bounds();
    assert!(bounds.height <= 49, "the line stays level: {bounds:?}");
    assert!(bounds.x < 90 && bounds.x + bounds.width > 410, "{bounds:?}");
}

#[test]
fn smoothing_lags_and_catches_up_when_the_button_is_let_go() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.h.get_by_label("Brush smoothing").focus();
    painter.h.run_ok();
    for _ in 0..12 {
        painter.presses(NONE, Key::ArrowRight);
    }
    assert!(painter.app().brush().smoothing > 0.0, "the slider is moved by keys");
    while painter.app().brush().smoothing < 0.9 {
        painter.presses(NONE, Key::ArrowRight);
    }
    painter.presses_button(NONE, (60.0, 256.0));
    painter.moves_on(NONE, &[(200.0, 256.0), (400.0, 256.0)]);
    assert_eq!(painter.selected_mask().get(399, 256), 0, "the brush stays behind");
    painter.lets_go(NONE, (400.0, 256.0));
    assert_eq!(painter.selected_mask().get(399, 256), 255, "and catches up");
    painter.undoes();
    assert!(painter.selected_mask().is_blank(), "one step");
}

#[test]
fn a_pen_that_is_pressed_harder_paints_wider() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    let dab = Painter::dabs_with_a_pen;
    let size = painter.app().brush().size as u32;
    assert_eq!(dab(&mut painter, None).0, size, "without pressure");
    assert_eq!(dab(&mut painter, Some(0.5)).0, size / 2);
    painter.clicks("Pen pressure: size");
    painter.clicks("Pen pressure: opacity");
    let (width, middle) = dab(&mut painter, Some(0.5));
    assert!(width == size && middle.abs_diff(128) < 3, "{width}, {middle}");
    // The mouse after the pen is as strong as ever.
    painter.clicks_canvas(NONE, (256.0, 256.0));
    assert_eq!(painter.selected_mask().get(256, 256), 255);
}

#[test]
fn rectangles_and_ellipses_add_take_away_and_replace() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(100.0, 100.0), (250.0, 150.0), (300.0, 200.0)]);
    let mask = painter.selected_mask();
    assert_eq!(area(&mask), 200.0 * 100.0, "exactly what was dragged");
    assert_eq!((mask.get(100, 100), mask.get(299, 199), mask.get(300, 200)), (255, 255, 0));

    // Shift: a square. Alt first: taken away.
    painter.drags(ALT.plus(SHIFT), &[(150.0, 120.0), (190.0, 130.0)]);
    let mask = painter.selected_mask();
    assert_eq!(area(&mask), 200.0 * 100.0 - 40.0 * 40.0);
    assert_eq!(mask.get(170, 140), 0);

    // Alt later: from the centre.
    painter.presses_button(NONE, (400.0, 400.0));
    painter.moves_on(ALT, &[(420.0, 410.0)]);
    painter.lets_go(ALT, (420.0, 410.0));
    let mask = painter.selected_mask();
    assert_eq!((mask.get(380, 390), mask.get(419, 409), mask.get(379, 390)), (255, 255, 0));

    painter.clicks("Replace region");
    assert_eq!(painter.app().tool_settings().combine, Combine::Replace);
    painter.presses(SHIFT, Key::U);
    painter.drags(NONE, &[(200.0, 200.0), (300.0, 260.0)]);
    let expected = std::f64::consts::PI * 50.0 * 30.0;
    assert!((area(&painter.selected_mask()) / expected - 1.0).abs() < 0.01, "the ellipse and nothing else");
    painter.undoes();
    assert_eq!(painter.selected_mask(), mask);
}

#[test]
fn escape_and_another_button_take_a_shape_back() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(NONE, Key::U);
    painter.presses_button(NONE, (100.0, 100.0));
    painter.moves_on(NONE, &[(200.0, 200.0)]);
    painter.presses(NONE, Key::Escape);
    painter.lets_go(NONE, (200.0, 200.0));
    assert!(painter.selected_mask().is_blank());
    assert_eq!(painter.app().editor().undo_label(), Some("Add region"), "nothing to undo");
}

#[test]
fn a_lasso_is_drawn_by_hand_or_corner_by_corner() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(NONE, Key::L);
    painter.drags(NONE, &[(100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0)]);
    assert!((area(&painter.selected_mask()) - 10_000.0).abs() < 2.0, "closed when let go");

    // Corners; one too many is taken back; Enter closes.
    for corner in [(300.0, 300.0), (400.0, 300.0), (400.0, 400.0), (50.0, 480.0)] {
        painter.clicks_canvas(NONE, corner);
    }
    painter.presses(NONE, Key::Backspace);
    assert!((area(&painter.selected_mask()) - 10_000.0).abs() < 2.0, "not yet");
    painter.presses(NONE, Key::Enter);
    assert!((area(&painter.selected_mask()) - 15_000.0).abs() < 4.0, "{}", area(&painter.selected_mask()));

    // What Alt began is taken away; a second click on the last corner closes, too. What is half covered
    // at the smooth edge is not undone by taking away as much.
    painter.drags(ALT, &[(300.0, 300.0), (400.0, 300.0), (400.0, 400.0)]);
    assert!((area(&painter.selected_mask()) - 10_000.0).abs() < 60.0, "{}", area(&painter.selected_mask()));
    for corner in [(300.0, 300.0), (400.0, 300.0), (400.0, 400.0), (400.0, 400.0)] {
        painter.clicks_canvas(NONE, corner);
    }
    assert!((area(&painter.selected_mask()) - 15_000.0).abs() < 60.0, "{}", area(&painter.selected_mask()));

    // Escape drops it, and so does Backspace to the first.
    painter.clicks_canvas(NONE, (10.0, 10.0));
    painter.clicks_canvas(NONE, (90.0, 10.0));
    painter.presses(NONE, Key::Escape);
    painter.presses(NONE, Key::Enter);
    painter.clicks_canvas(NONE, (10.0, 10.0));
    painter.presses(NONE, Key::Backspace);
    painter.presses(NONE, Key::Enter);
    let mask = painter.selected_mask();
    assert!((area(&mask) - 15_000.0).abs() < 60.0);

    // It is let go with another tool.
    painter.clicks_canvas(NONE, (10.0, 10.0));
    painter.clicks_canvas(NONE, (90.0, 10.0));
    painter.presses(NONE, Key::B);
    painter.presses(NONE, Key::L);
    painter.presses(NONE, Key::Enter);
    assert_eq!(painter.selected_mask(), mask);
}

#[test]
fn a_polygon_is_painted_with_the_keyboard() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(NONE, Key::L);
    painter.presses(NONE, Key::F6);
    painter.presses(NONE, Key::Space);
    for (key, count) in [(Key::ArrowRight, 5), (Key::ArrowDown, 5), (Key::ArrowLeft, 5)] {
        for _ in 0..count {
            painter.presses(NONE, key);
        }
        painter.presses(NONE, Key::Space);
    }
    painter.presses(NONE, Key::Enter);
    assert_eq!(area(&painter.selected_mask()), 80.0 * 80.0);
    painter.presses(NONE, Key::U);
    painter.presses(NONE, Key::Enter);
    for _ in 0..4 {
        painter.presses(NONE, Key::ArrowLeft);
        painter.presses(NONE, Key::ArrowDown);
    }
    painter.presses(NONE, Key::Enter);
    assert_eq!(area(&painter.selected_mask()), 80.0 * 80.0 + 64.0 * 64.0);
}

#[test]
fn a_fill_takes_what_nothing_covers() {
    let mut painter = Painter::sits_down();
    let [pines, cabin] = [painter.document().regions[0].id, painter.document().regions[1].id];
    painter.clicks("Add region");
    painter.presses(NONE, Key::Escape);
    painter.presses(NONE, Key::F6);
    painter.presses(NONE, Key::F);
    painter.clicks_canvas(NONE, (600.0, 100.0));
    let filled = painter.selected_mask();
    let others = painter.document().regions.iter().filter(|r| r.id == pines || r.id == cabin);
    let covered: f64 = others.map(|r| area(&r.mask)).sum();
    assert_eq!(area(&filled), 768.0 * 512.0 - covered);
    assert_eq!((filled.get(350, 400), filled.get(700, 500)), (0, 255));
    // Another region's place, taken over; and given back.
    painter.clicks_canvas(NONE, (350.0, 400.0));
    assert_eq!(painter.selected_mask().get(350, 400), 255);
    assert_eq!(painter.selected_mask().get(50, 400), 0, "the other one is left");
    painter.undoes();
    assert_eq!(painter.selected_mask(), filled);
}

#[test]
fn a_fill_follows_the_colours_of_the_picture() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(NONE, Key::F);
    painter.clicks("Fill by picture");
    assert_eq!(painter.app().tool_settings().fill_over, FillOver::Picture);
    painter.clicks_canvas(NONE, (100.0, 256.0));
    assert!(painter.h.query_by_label_contains("There is no picture to fill by").is_some());
    assert!(painter.selected_mask().is_blank());
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| !a.is_generating());
    // The picture is x and y as red and green, over and over.
    painter.clicks_canvas(NONE, (100.5, 100.5));
    let mask = painter.selected_mask();
    let tolerance = painter.app().tool_settings().tolerance as u32;
    assert_eq!(area(&mask), f64::from((2 * tolerance + 1) * (2 * tolerance + 1)));
    assert_eq!((mask.get(100 + tolerance, 100), mask.get(101 + tolerance, 100)), (255, 0));
    painter.undoes();
    painter.clicks("Fill only what hangs together");
    painter.clicks_canvas(NONE, (100.5, 100.5));
    assert_eq!(area(&painter.selected_mask()), f64::from(4 * (2 * tolerance + 1) * (2 * tolerance + 1)));
}

#[test]
fn a_gradient_falls_along_the_drag() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(NONE, Key::G);
    painter.drags(SHIFT, &[(100.0, 256.0), (200.0, 250.0), (300.0, 262.0)]);
    let mask = painter.selected_mask();
    assert_eq!((mask.get(50, 5), mask.get(310, 500)), (255, 0));
    assert!(mask.get(200, 10).abs_diff(127) <= 2 && mask.get(200, 10) == mask.get(200, 500), "level, held by Shift");
}

#[test]
fn a_region_is_moved_and_scaled() {
    let mut painter = Painter::sits_down();
    let id = painter.selected();
    let before = painter.mask(id);
    painter.presses(NONE, Key::V);
    // The cabin lies at 300…420, 300…480.
    painter.drags(NONE, &[(360.0, 400.0), (380.0, 380.0), (410.0, 330.0)]);
    let bounds = painter.selected_mask().bounds();
    assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (350, 230, 120, 180));
    assert_eq!(area(&painter.selected_mask()), 120.0 * 180.0);

    // By its lower right corner, with and without Shift.
    painter.drags(NONE, &[(470.0, 410.0), (530.0, 400.0)]);
    let bounds = painter.selected_mask().bounds();
    assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (350, 230, 180, 170));
    painter.undoes();
    painter.drags(SHIFT, &[(470.0, 410.0), (530.0, 410.0)]);
    let bounds = painter.selected_mask().bounds();
    assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (350, 230, 180, 270));
    painter.undoes();

    // Arrows, in one step however long they are held.
    painter.h.get_by_label("Canvas").focus();
    painter.h.run_ok();
    let arrow =
        |repeat| Event::Key { key: Key::ArrowRight, physical_key: None, pressed: true, repeat, modifiers: NONE };
    painter.holding(NONE, [arrow(false), arrow(true), arrow(true)]);
    painter.presses(NONE, Key::ArrowRight);
    assert_eq!(painter.selected_mask().bounds().x, 354);
    painter.presses(SHIFT, Key::ArrowUp);
    assert_eq!(painter.selected_mask().bounds().y, 220);
    painter.presses(Modifiers::COMMAND, Key::ArrowRight);
    assert_eq!(painter.selected_mask().bounds().width, 121);
    painter.undoes();
    painter.undoes();
    assert_eq!((painter.selected_mask().bounds().x, painter.selected_mask().bounds().y), (354, 230));
    painter.undoes();
    assert_eq!(painter.selected_mask().bounds().x, 350, "held down is one step");
    painter.undoes();
    assert_eq!(painter.mask(id), before);

    // Taken back on the way.
    painter.presses_button(NONE, (360.0, 400.0));
    painter.moves_on(NONE, &[(500.0, 100.0)]);
    assert!(painter.app().editor().in_stroke());
    assert_eq!(painter.mask(id), before, "only the canvas shows it on its way");
    painter.presses(NONE, Key::Escape);
    assert_eq!(painter.mask(id), before);
    painter.lets_go(NONE, (500.0, 100.0));
    assert_eq!(painter.mask(id), before);
    assert!(!painter.app().editor().in_stroke());
}

#[test]
fn a_region_is_grown_shrunk_and_softened_by_pixels() {
    let mut painter = Painter::sits_down();
    let reshape = |painter: &mut Painter, entry: &str, pixels: &str, done: &str| {
        painter.clicks("Region");
        painter.chooses(entry);
        painter.presses(Modifiers::COMMAND, Key::A);
        painter.types(pixels);
        painter.clicks(done);
    };
    reshape(&mut painter, "Grow region", "10", "Grow");
    let bounds = painter.selected_mask().bounds();
    assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (290, 290, 140, 200));
    assert_eq!(painter.selected_mask().get(291, 291), 0, "its corners are round");
    reshape(&mut painter, "Shrink region", "30", "Shrink");
    let bounds = painter.selected_mask().bounds();
    assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (320, 320, 80, 140));
    painter.undoes();
    painter.undoes();
    // Enter is enough.
    painter.clicks("Region");
    painter.chooses("Soften edge");
    painter.presses(Modifiers::COMMAND, Key::A);
    painter.types("4");
    painter.presses(NONE, Key::Enter);
    let mask = painter.selected_mask();
    assert_eq!((mask.get(295, 400), mask.get(304, 400)), (0, 255), "four pixels to either side");
    assert!(mask.get(299, 400) > 60 && mask.get(300, 400) < 200);
    assert_eq!(painter.app().editor().undo_label(), Some("Soften edge"));
}

#[test]
fn symmetry_paints_both_halves() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.clicks("Mirror left and right");
    painter.drags(NONE, &[(100.0, 100.0), (150.0, 140.0)]);
    let mask = painter.selected_mask();
    assert_eq!((mask.get(120, 116), mask.get(511 - 120, 116), mask.get(120, 511 - 116)), (255, 255, 0));
    painter.clicks("Mirror top and bottom");
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(20.0, 20.0), (40.0, 60.0)]);
    let mask = painter.selected_mask();
    for (x, y) in [(30, 40), (481, 40), (30, 471), (481, 471)] {
        assert_eq!(mask.get(x, y), 255, "at {x}, {y}");
    }
    painter.undoes();
    assert_eq!(painter.selected_mask().get(481, 471), 0, "all four are one step");
}

#[test]
fn alt_click_and_the_pick_tool_select_what_is_under_the_pointer() {
    let mut painter = Painter::sits_down();
    let [pines, cabin] = [painter.document().regions[0].id, painter.document().regions[1].id];
    for key in [Key::B, Key::F, Key::U, Key::L, Key::V] {
        let before = painter.document().clone();
        painter.presses(NONE, key);
        painter.clicks_canvas(ALT, (60.0, 400.0));
        assert_eq!(painter.app().editor().selected(), Selected::Region(pines), "with {key:?}");
        painter.clicks_canvas(ALT, (360.0, 400.0));
        assert_eq!(painter.app().editor().selected(), Selected::Region(cabin), "with {key:?}");
        assert_eq!(painter.document(), &before, "nothing is painted with {key:?}");
    }
    painter.presses(NONE, Key::I);
    painter.clicks_canvas(NONE, (60.0, 400.0));
    assert_eq!(painter.app().editor().selected(), Selected::Region(pines));
    painter.clicks_canvas(NONE, (700.0, 50.0));
    assert_eq!(painter.app().editor().selected(), Selected::Background);
}

#[test]
fn every_setting_of_the_tools_is_found_in_the_menu() {
    let mut painter = Painter::sits_down();
    // The move tool has no bar that would show them as well.
    painter.presses(NONE, Key::V);
    let choose = |painter: &mut Painter, entry: &str| {
        painter.clicks("Tools");
        painter.chooses(entry);
    };
    choose(&mut painter, "Take away from region");
    assert_eq!(painter.app().tool_settings().combine, Combine::Subtract);
    choose(&mut painter, "Mirror top and bottom");
    assert!(painter.app().tool_settings().symmetry.y);
    choose(&mut painter, "Pen pressure: opacity");
    assert!(painter.app().brush().pressure_opacity);
}

#[test]
fn no_tool_changes_a_locked_region() {
    let mut painter = Painter::sits_down();
    let before = painter.selected_mask();
    painter.presses(NONE, Key::Slash);
    assert!(painter.app().editor().is_locked());
    for key in [Key::B, Key::L, Key::U, Key::F, Key::G, Key::V] {
        painter.presses(NONE, key);
        painter.drags(NONE, &[(350.0, 350.0), (600.0, 60.0), (700.0, 200.0)]);
        assert_eq!(painter.selected_mask(), before, "with {key:?}");
    }
    painter.presses(NONE, Key::ArrowRight);
    assert_eq!(painter.selected_mask(), before);
    assert!(!painter.app().is_enabled(polyptych::app::Command::GrowRegion));
    assert!(painter.h.query_by_label_contains("is locked").is_some(), "and it is said");
}

#[test]
fn a_region_is_turned_and_flipped_by_commands_and_taken_back() {
    let mut painter = Painter::sits_down();
    let id = painter.selected();
    painter.presses(Modifiers::SHIFT, Key::C);
    painter.paints(&[(200.0, 100.0), (320.0, 100.0), (320.0, 220.0)]);
    let before = painter.mask(id);
    for command in ["Rotate region left", "Flip region top and bottom"] {
        painter.presses(Modifiers::COMMAND, Key::K);
        painter.types(command);
        painter.presses(Modifiers::NONE, Key::Enter);
        assert_ne!(painter.mask(id), before, "{command}");
        painter.presses(Modifiers::COMMAND, Key::Z);
        assert_eq!(painter.mask(id), before, "{command}");
    }
}

#[test]
fn a_region_is_turned_by_its_knob_and_beside_its_corners() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(300.0, 200.0), (460.0, 260.0)]);
    let before = painter.selected_mask();
    let bounds = before.bounds();
    assert_eq!((bounds.width, bounds.height), (160, 60));
    painter.presses(NONE, Key::V);
    // The knob stands 28 points of the screen above the box's upper edge.
    let top = painter.app().canvas_to_screen(380.0, 200.0);
    let there = painter.app().canvas_to_screen(380.0, 201.0);
    let ahead = 28.0 / (there - top).length();
    painter.drags(SHIFT, &[(380.0, 200.0 - ahead), (420.0, 150.0), (480.0, 231.0)]);
    let turned = painter.selected_mask().bounds();
    assert_eq!((turned.width, turned.height), (60, 160), "a quarter, in steps of 15°");
    assert_eq!(painter.app().editor().undo_label(), Some("Rotate region"));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.selected_mask(), before, "one step");
    // A little outside a corner turns as well, on it scales.
    let beside = 10.0 / (there - top).length();
    painter.drags(NONE, &[(460.0 + beside, 260.0 + beside), (440.0, 300.0)]);
    assert_eq!(painter.app().editor().undo_label(), Some("Rotate region"));
    assert!(painter.selected_mask().bounds().height > 70);
    painter.presses(Modifiers::COMMAND, Key::Z);
    painter.drags(NONE, &[(460.0, 260.0), (470.0, 270.0)]);
    assert_eq!(painter.app().editor().undo_label(), Some("Scale region"));
}
