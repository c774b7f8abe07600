//! Several regions at once: selected on their cards and on the canvas, then moved, turned, hidden, copied and removed together.

use super::painter::Painter;
use super::tools::{NONE, SHIFT};
use egui::accesskit::{Role, Toggled};
use egui::{Event, Key, Modifiers, PointerButton};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::{Command, Selected};
use polyptych::document::{Document, PixelRect, RegionId};
use std::sync::Arc;

const CTRL: Modifiers = Modifiers::COMMAND;

impl Painter {
    /// With four boxes of 60 × 60 in a row, from the left: Box 1 to Box 4, and nothing above or below them.
    fn has_boxes() -> Self {
        let mut document = Document::new(640, 480);
        for number in 1..=4 {
            let id = document.add_region(&format!("Box {number}"), "a box");
            let rect = PixelRect { x: 120 * number - 60, y: 200, width: 60, height: 60 };
            Arc::make_mut(&mut document.region_mut(id).expect("just added").mask).fill(rect, 255);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("boxes.ora");
        document.save(&path).expect("saved");
        let mut painter = Self::with(Some(&path), Box::new(super::painter::Pretender::default()));
        painter.presses(NONE, Key::V);
        painter
    }

    /// Clicks a card, also one that is scrolled out of sight, while these keys are held.
    fn clicks_card(&mut self, modifiers: Modifiers, name: &str) {
        self.h.event(Event::ModifiersChanged(modifiers));
        self.card(name).click_accesskit();
        self.h.step();
        self.holding(NONE, []);
    }

    fn card<'a>(&'a self, name: &'a str) -> egui_kittest::Node<'a> {
        self.h.get_by_role_and_label(Role::Button, name)
    }

    fn asks(&mut self, command: Command) {
        let ctx = self.h.ctx.clone();
        self.h.state_mut().perform(&ctx, command);
        self.settles();
    }

    /// The numbers of the boxes that are selected, that of the open card first.
    fn has_selected(&self) -> Vec<usize> {
        let editor = self.app().editor();
        let open = editor.selected();
        let regions = (1..).zip(&self.document().regions).map(|(number, r)| (number, Selected::Region(r.id)));
        let mut all: Vec<_> = regions.filter(|(_, region)| editor.is_selected(*region)).collect();
        all.sort_by_key(|(_, region)| *region != open);
        all.into_iter().map(|(number, _)| number).collect()
    }

    /// The left, upper, right and lower end of each box.
    fn boxes(&self) -> Vec<[u32; 4]> {
        let ends = |r: PixelRect| [r.x, r.y, r.x + r.width, r.y + r.height];
        self.document().regions.iter().map(|region| ends(region.mask.bounds())).collect()
    }

    fn undoes_to(&mut self, before: &Document) {
        self.undoes();
        assert_eq!(self.document(), before, "one step");
    }
}

const ROW: [[u32; 4]; 4] = [[60, 200, 120, 260], [180, 200, 240, 260], [300, 200, 360, 260], [420, 200, 480, 260]];

#[test]
fn cards_are_added_and_taken_in_a_row_and_a_reader_hears_which() {
    let mut painter = Painter::has_boxes();
    let told = |painter: &Painter| {
        let pressed = |n: usize| painter.card(&format!("Box {n}")).accesskit_node().toggled() == Some(Toggled::True);
        (1..=4).filter(|n| pressed(*n)).collect::<Vec<_>>()
    };
    painter.clicks_card(NONE, "Box 2");
    assert_eq!((painter.has_selected(), told(&painter)), (vec![2], vec![2]));
    painter.clicks_card(CTRL, "Box 4");
    assert_eq!((painter.has_selected(), told(&painter)), (vec![2, 4], vec![2, 4]));
    painter.clicks_card(CTRL, "Box 1");
    painter.clicks_card(CTRL, "Box 4");
    assert_eq!(painter.has_selected(), [2, 1], "clicked again it is let go");
    painter.clicks_card(SHIFT, "Box 4");
    assert_eq!((painter.has_selected(), told(&painter)), (vec![2, 3, 4], vec![2, 3, 4]));
    painter.clicks_card(NONE, "Box 3");
    assert_eq!((painter.has_selected(), told(&painter)), (vec![3], vec![3]), "a click selects one");
    painter.presses(CTRL, Key::A);
    assert_eq!(painter.has_selected(), [3, 1, 2, 4]);
    painter.clicks_card(NONE, "Box 3");
    assert_eq!(painter.has_selected(), [3], "also the one that is open");
    assert_eq!(painter.app().editor().undo_label(), None, "selecting is no step");
}

#[test]
fn the_pointer_adds_a_card_by_its_name_and_beside_it() {
    let mut painter = Painter::sits_down();
    painter.clicks("Cabin");
    let name = painter.h.get_by_label("Pines").rect();
    for (at, selected) in [(name.center(), [2, 1].as_slice()), (name.right_center() + egui::vec2(40.0, 0.0), &[2])] {
        painter.h.event(Event::ModifiersChanged(CTRL));
        painter.h.event(Event::PointerMoved(at));
        // (A click that takes long is none.)
        for pressed in [true, false] {
            let button = PointerButton::Primary;
            painter.h.event(Event::PointerButton { pos: at, button, pressed, modifiers: CTRL });
            painter.h.step();
        }
        painter.holding(NONE, []);
        assert_eq!(painter.has_selected(), selected);
    }
}

#[test]
fn a_click_with_shift_or_ctrl_on_the_canvas_selects_one_more() {
    let mut painter = Painter::has_boxes();
    painter.clicks_card(NONE, "Box 1");
    painter.clicks_canvas(SHIFT, (330.0, 230.0));
    assert_eq!(painter.has_selected(), [1, 3]);
    painter.clicks_canvas(CTRL, (210.0, 240.0));
    assert_eq!(painter.has_selected(), [1, 2, 3]);
    painter.clicks_canvas(SHIFT, (330.0, 230.0));
    assert_eq!(painter.has_selected(), [1, 2]);
    painter.clicks_canvas(SHIFT, (90.0, 230.0));
    assert_eq!(painter.has_selected(), [2], "the open one goes, too");
    painter.clicks_canvas(SHIFT, (30.0, 30.0));
    assert_eq!(painter.has_selected(), [2], "there is nothing there");
    painter.clicks_card(NONE, "Background");
    painter.clicks_canvas(SHIFT, (90.0, 230.0));
    assert_eq!(painter.has_selected(), [1]);
    assert!(painter.app().editor().undo_label().is_none() && painter.boxes() == ROW);
}

#[test]
fn several_are_moved_scaled_and_turned_by_their_common_box() {
    let mut painter = Painter::has_boxes();
    painter.clicks_card(NONE, "Box 2");
    painter.clicks_card(CTRL, "Box 3");
    let before = painter.document().clone();
    let others = |painter: &Painter| [painter.boxes()[0], painter.boxes()[3]] == [ROW[0], ROW[3]];

    // (Held in the gap between them.)
    painter.drags(NONE, &[(270.0, 230.0), (270.0, 200.0), (261.0, 130.0)]);
    assert_eq!(painter.boxes()[1..3], [[171, 100, 231, 160], [291, 100, 351, 160]]);
    assert!(others(&painter));
    painter.undoes_to(&before);
    assert_eq!(painter.has_selected(), [2, 3], "and both are selected still");

    painter.drags(NONE, &[(360.0, 260.0), (390.0, 290.0), (450.0, 320.0)]);
    // (Pixels are mixed, so that an edge may reach one farther.)
    let ends = painter.boxes()[1..3].concat();
    let near = ends.iter().zip([180_u32, 200, 270, 320, 360, 200, 450, 320]).all(|(end, of)| end.abs_diff(of) <= 1);
    assert!(near, "half as wide again, twice as high: {ends:?}");
    painter.undoes_to(&before);

    painter.asks(Command::TurnRegionRight);
    assert_eq!(painter.boxes()[1..3], [[240, 140, 300, 200], [240, 260, 300, 320]], "about the middle of both");
    painter.undoes_to(&before);
    let knob = 200.0 - 28.0 / painter.zoom();
    painter.drags(SHIFT, &[(270.0, knob), (330.0, 180.0), (400.0, 231.0)]);
    assert_eq!(painter.boxes()[1..3], [[240, 140, 300, 200], [240, 260, 300, 320]], "by the knob as well");
    painter.undoes_to(&before);

    painter.paints_a_dot(3);
    painter.asks(Command::FlipRegionX);
    assert_eq!(painter.boxes()[1..3], [[330, 200, 390, 260], [180, 200, 270, 260]], "they change places");
    painter.undoes();

    painter.h.get_by_label("Canvas").focus();
    painter.h.run_ok();
    painter.presses(NONE, Key::ArrowRight);
    painter.presses(SHIFT, Key::ArrowDown);
    assert_eq!(painter.boxes()[1], [181, 210, 241, 270]);
    assert!(others(&painter));
}

impl Painter {
    fn zoom(&self) -> f32 {
        (self.app().canvas_to_screen(1.0, 0.0) - self.app().canvas_to_screen(0.0, 0.0)).length()
    }

    /// Makes a box 30 pixels wider at its right, and selects it with those that were.
    fn paints_a_dot(&mut self, number: usize) {
        let selected = self.has_selected();
        self.clicks_card(NONE, &format!("Box {number}"));
        self.presses(NONE, Key::U);
        self.drags(NONE, &[(350.0, 200.0), (370.0, 240.0), (390.0, 260.0)]);
        self.presses(NONE, Key::V);
        for other in selected.into_iter().filter(|other| *other != number) {
            self.clicks_card(CTRL, &format!("Box {other}"));
        }
    }
}

#[test]
fn the_common_box_snaps_to_the_others_and_not_to_its_own() {
    let mut painter = Painter::has_boxes();
    painter.clicks_card(NONE, "Box 1");
    painter.clicks_card(CTRL, "Box 2");
    // Its right end, at 240, comes near the left one of Box 3 at 300.
    painter.drags(NONE, &[(150.0, 230.0), (180.0, 250.0), (209.0, 280.0)]);
    assert_eq!(painter.boxes()[..2], [[120, 250, 180, 310], [240, 250, 300, 310]]);
    painter.undoes();
    painter.drags(CTRL, &[(150.0, 230.0), (180.0, 250.0), (209.0, 280.0)]);
    assert_eq!(painter.boxes()[..2], [[119, 250, 179, 310], [239, 250, 299, 310]]);
}

#[test]
fn several_go_over_the_edge_and_come_back_whole() {
    let mut painter = Painter::has_boxes();
    painter.clicks_card(NONE, "Box 1");
    painter.clicks_card(CTRL, "Box 2");
    let before = painter.document().clone();
    painter.drags(CTRL, &[(150.0, 230.0), (20.0, 230.0), (50.0, 230.0)]);
    assert_eq!(painter.boxes()[..2], [[0, 200, 20, 260], [80, 200, 140, 260]]);
    painter.drags(CTRL, &[(50.0, 230.0), (100.0, 230.0), (150.0, 230.0)]);
    assert_eq!(*painter.document(), before);
}

#[test]
fn several_are_hidden_locked_copied_and_removed_together() {
    let mut painter = Painter::has_boxes();
    painter.clicks_card(NONE, "Box 2");
    painter.clicks_card(CTRL, "Box 4");
    let before = painter.document().clone();
    let each = |painter: &Painter, of: fn(&polyptych::document::Region) -> bool| {
        painter.document().regions.iter().map(of).collect::<Vec<_>>()
    };
    painter.clicks("Hide Box 4");
    assert_eq!(each(&painter, |r| r.visible), [true, false, true, false], "the eye of one is that of all");
    assert_eq!(painter.has_selected(), [4, 2]);
    painter.drags(NONE, &[(210.0, 230.0), (250.0, 330.0)]);
    assert!(painter.h.query_by_label_contains("is hidden. Show it").is_some());
    painter.asks(Command::ToggleRegion);
    assert_eq!(*painter.document(), before);
    painter.asks(Command::SoloRegion);
    assert_eq!(each(&painter, |r| r.visible), [false, true, false, true]);
    painter.asks(Command::SoloRegion);

    // One that is locked holds all of them.
    painter.clicks_card(NONE, "Box 4");
    painter.asks(Command::LockRegion);
    painter.clicks_card(NONE, "Box 2");
    painter.clicks_card(CTRL, "Box 4");
    painter.drags(NONE, &[(210.0, 230.0), (250.0, 330.0)]);
    assert_eq!(painter.boxes(), ROW);
    assert!(painter.h.query_by_label_contains("Box 4 is locked").is_some());
    painter.asks(Command::DeleteRegion);
    assert_eq!(painter.document().regions.len(), 4);
    painter.h.get_all_by_label("Unlock it").last().expect("a way out").click();
    painter.settles();
    assert_eq!(each(&painter, |r| r.locked), [false; 4]);
    assert_eq!(painter.has_selected(), [4, 2], "and they are selected still");

    painter.presses(CTRL, Key::J);
    let names: Vec<String> = painter.document().regions.iter().map(|r| r.name.clone()).collect();
    assert_eq!(names, ["Box 1", "Box 2", "Box 2 copy", "Box 3", "Box 4", "Box 4 copy"]);
    assert_eq!(painter.has_selected(), [6, 3], "the copies, the open one's first");
    painter.presses(NONE, Key::Delete);
    assert_eq!(*painter.document(), before);
    painter.undoes();
    painter.undoes_to(&before);

    painter.clicks_card(NONE, "Box 3");
    painter.clicks_card(SHIFT, "Box 1");
    painter.presses(NONE, Key::Delete);
    let left: Vec<RegionId> = painter.document().regions.iter().map(|r| r.id).collect();
    assert_eq!(left, [before.regions[3].id]);
    painter.undoes_to(&before);
}

#[test]
fn ctrl_and_a_in_a_field_selects_what_is_written() {
    let mut painter = Painter::has_boxes();
    painter.h.get_by_role_and_label(Role::TextInput, "Style").focus();
    painter.h.run_ok();
    painter.types("oil");
    painter.presses(CTRL, Key::A);
    painter.types("ink");
    assert_eq!((painter.document().style.as_str(), painter.has_selected()), ("ink", vec![4]));
}

#[test]
fn strokes_and_words_go_to_the_open_card_alone() {
    let mut painter = Painter::has_boxes();
    painter.clicks_card(NONE, "Box 1");
    painter.clicks_card(CTRL, "Box 2");
    painter.presses(NONE, Key::B);
    painter.paints(&[(330.0, 400.0), (360.0, 400.0)]);
    assert!(painter.boxes()[0][3] > 390, "painted");
    assert_eq!(painter.boxes()[1..], ROW[1..]);
    assert_eq!(painter.has_selected(), [1, 2]);
    painter.undoes();
    assert_eq!((painter.boxes(), painter.has_selected()), (ROW.to_vec(), vec![1, 2]));
}

#[test]
fn a_group_is_selected_by_a_click_on_one_of_it_and_kept_in_the_file() {
    let mut painter = Painter::has_boxes();
    painter.clicks_card(NONE, "Box 1");
    painter.asks(Command::GroupRegions);
    assert!(painter.h.query_by_label_contains("Select several regions first").is_some());
    painter.clicks_card(CTRL, "Box 3");
    let before = painter.document().clone();
    painter.presses(CTRL, Key::G);
    painter.clicks_card(NONE, "Box 2");
    assert_eq!(painter.has_selected(), [2]);
    painter.clicks_card(NONE, "Box 3");
    assert_eq!(painter.has_selected(), [3, 1], "on a card");
    painter.clicks_card(NONE, "Box 2");
    painter.clicks_canvas(Modifiers::ALT, (90.0, 230.0));
    assert_eq!(painter.has_selected(), [1, 3], "on the canvas");
    painter.drags(NONE, &[(200.0, 230.0), (220.0, 280.0), (230.0, 323.0)]);
    assert_eq!([painter.boxes()[0], painter.boxes()[2]], [[90, 293, 150, 353], [330, 293, 390, 353]]);
    painter.undoes();

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("grouped.ora");
    painter.document().save(&path).expect("saved");
    let again = Painter::with(Some(&path), Box::new(super::painter::Pretender::default()));
    let [first, _, third, _] = again.document().regions.as_slice() else { panic!("four regions") };
    assert_eq!(again.document().group_of(first.id), [first.id, third.id]);

    painter.clicks("Ungroup Box 3");
    painter.clicks_card(NONE, "Box 1");
    assert_eq!(painter.has_selected(), [1]);
    painter.asks(Command::UngroupRegions);
    assert!(painter.h.query_by_label_contains("No selected region is in a group").is_some());
    painter.undoes();
    painter.clicks_card(NONE, "Box 1");
    painter.presses(CTRL | SHIFT, Key::G);
    assert_eq!(*painter.document(), before);
}
