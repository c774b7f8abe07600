//! Corners that are moved one by one, with Ctrl and the move tool.

use super::painter::Painter;
use super::tools::{NONE, SHIFT};
use egui::{Key, Modifiers};
use polyptych::app::Command;
use polyptych::document::{Mask, RegionId};
use std::sync::Arc;

const CTRL: Modifiers = Modifiers::COMMAND;

/// A rectangle at 200…360, 240…320 with the move tool in hand.
fn a_rectangle() -> (Painter, RegionId, Arc<Mask>) {
    let mut painter = Painter::sits_down();
    let id = painter.begins_afresh();
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(200.0, 240.0), (360.0, 320.0)]);
    painter.presses(NONE, Key::V);
    let mask = painter.selected_mask();
    (painter, id, mask)
}

fn covers<const N: usize>(mask: &Mask, at: [(u32, u32); N]) -> [bool; N] {
    at.map(|(x, y)| mask.get(x, y) > 127)
}

#[test]
fn ctrl_moves_one_corner_and_lets_the_others_lie() {
    let (mut painter, id, before) = a_rectangle();
    painter.presses_button(CTRL, (360.0, 240.0));
    painter.moves_on(CTRL, &[(380.0, 200.0), (400.0, 160.0)]);
    assert_eq!(painter.mask(id), before.to_raw(), "only the canvas shows it on its way");
    painter.lets_go(CTRL, (400.0, 160.0));
    let mask = painter.selected_mask();
    let bounds = mask.bounds();
    assert_eq!((bounds.x, bounds.y + bounds.height), (200, 320), "the left and the lower edge stay");
    assert!(bounds.x + bounds.width >= 399 && bounds.y <= 161, "{bounds:?}");
    assert_eq!(covers(&mask, [(201, 242), (201, 318), (357, 318)]), [true; 3], "the other corners");
    // The edges are straight: the upper one is at 200 in the middle, the right one at 380.
    assert_eq!(covers(&mask, [(300, 203), (300, 197), (377, 240), (383, 240)]), [true, false, true, false]);
    assert_eq!(painter.app().editor().undo_label(), Some("Move a corner"));
    painter.undoes();
    assert_eq!(painter.selected_mask(), before, "one step");
}

#[test]
fn a_quad_that_would_fold_over_stays_as_it_was_before() {
    let (mut painter, _, before) = a_rectangle();
    painter.drags(CTRL, &[(360.0, 240.0), (340.0, 270.0)]);
    let last_good = painter.selected_mask();
    painter.undoes();
    painter.drags(CTRL, &[(360.0, 240.0), (340.0, 270.0), (240.0, 300.0), (190.0, 400.0)]);
    assert_eq!(painter.selected_mask(), last_good);
    painter.undoes();
    painter.drags(CTRL, &[(360.0, 240.0), (340.0, 270.0), (360.0, 240.0)]);
    assert_eq!(painter.selected_mask(), before, "back again nothing is changed");
    assert_ne!(painter.app().editor().undo_label(), Some("Move a corner"));
}

#[test]
fn keys_on_the_way_change_what_a_corner_does() {
    let (mut painter, _, before) = a_rectangle();
    painter.presses_button(CTRL, (360.0, 320.0));
    painter.moves_on(CTRL, &[(400.0, 380.0)]);
    painter.presses(NONE, Key::Escape);
    painter.lets_go(CTRL, (400.0, 380.0));
    assert_eq!(painter.selected_mask(), before, "taken back on the way");

    painter.drags(CTRL | SHIFT, &[(360.0, 320.0), (380.0, 330.0), (420.0, 335.0)]);
    let mask = painter.selected_mask();
    assert_eq!(covers(&mask, [(410, 317), (300, 317), (300, 322)]), [true, true, false], "along one axis");
    painter.undoes();

    painter.presses_button(CTRL, (360.0, 320.0));
    painter.moves_on(CTRL, &[(400.0, 380.0)]);
    painter.moves_on(NONE, &[(410.0, 390.0)]);
    painter.lets_go(NONE, (410.0, 390.0));
    assert_eq!(painter.app().editor().undo_label(), Some("Scale region"), "without Ctrl it scales");
    painter.undoes();

    // An edge has no corner to move: Ctrl leaves it free of the lines that it would snap to.
    painter.drags(CTRL, &[(360.0, 280.0), (400.0, 280.0), (509.0, 280.0)]);
    assert_eq!(painter.selected_mask().bounds().width, 309);
}

#[test]
fn several_regions_are_distorted_by_their_common_box() {
    let mut painter = Painter::sits_down();
    let [pines, cabin] = [painter.document().regions[0].id, painter.document().regions[1].id];
    let before = painter.document().clone();
    painter.presses(NONE, Key::V);
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, Command::SelectAll);
    painter.settles();
    // They lie at 0…120 and 300…420, 300…480: the upper right corner comes down by half.
    painter.drags(CTRL, &[(420.0, 300.0), (420.0, 360.0), (420.0, 390.0)]);
    let top = |painter: &Painter, id: RegionId, x: u32| {
        let mask = &painter.document().region(id).expect("the region").mask;
        (0..512).find(|y| mask.get(x, *y) > 127)
    };
    for (id, x) in [(pines, 60), (pines, 170), (cabin, 360), (cabin, 400)] {
        let expected = 300.0 + 90.0 * f64::from(x) / 420.0;
        let found = top(&painter, id, x).expect("something there");
        assert!((f64::from(found) - expected).abs() <= 2.0, "{x}: {found}, {expected}");
    }
    assert_eq!(top(&painter, cabin, 340), None, "what is farther away is narrower");
    painter.undoes();
    assert_eq!(*painter.document(), before, "one step for both");
}

#[test]
fn ctrl_slides_one_side_and_pulled_straight_out_it_scales() {
    let (mut painter, _, before) = a_rectangle();
    // The upper side to the right: each row is moved by its share of the way, and as wide as before.
    painter.drags(CTRL, &[(280.0, 240.0), (300.0, 240.0), (320.0, 240.0)]);
    let mask = painter.selected_mask();
    for y in [242, 279, 318] {
        let row: Vec<u32> = (0..mask.width()).filter(|x| mask.get(*x, y) > 127).collect();
        let left = 200.0 + 40.0 * (1.0 - (f64::from(y) + 0.5 - 240.0) / 80.0);
        let (first, last) = (f64::from(row[0]), f64::from(row[row.len() - 1]) + 1.0);
        assert!(
            (first - left).abs() <= 1.0 && (last - left - 160.0).abs() <= 1.0,
            "row {y}: {first} to {last}, {left}"
        );
    }
    assert_eq!(painter.app().editor().undo_label(), Some("Move a side"));
    painter.undoes();
    assert_eq!(painter.selected_mask(), before, "one step");

    painter.drags(CTRL, &[(280.0, 240.0), (281.0, 220.0), (281.0, 200.0)]);
    let mask = painter.selected_mask();
    assert_eq!(painter.app().editor().undo_label(), Some("Scale region"));
    let bounds = mask.bounds();
    assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (200, 200, 160, 120));
}
