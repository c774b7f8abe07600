//! What is moved over the edge of the canvas comes back whole.

use super::painter::{Painter, Pretender};
use super::tools::{NONE, SHIFT};
use egui::{Key, Modifiers};
use polyptych::app::Command;
use polyptych::document::{Mask, RegionId};
use std::sync::Arc;

/// A rectangle near the lower left corner, with the move tool in hand.
fn a_rectangle() -> (Painter, RegionId, Arc<Mask>) {
    let mut painter = Painter::sits_down();
    let id = painter.begins_afresh();
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(40.0, 400.0), (140.0, 500.0)]);
    painter.presses(NONE, Key::V);
    let mask = painter.selected_mask();
    (painter, id, mask)
}

#[test]
fn a_region_moved_over_the_edge_and_back_has_lost_nothing() {
    let (mut painter, _, whole) = a_rectangle();
    painter.drags(NONE, &[(90.0, 450.0), (90.0, 500.0)]);
    let half = painter.selected_mask();
    assert_eq!((half.get(90, 440), half.get(90, 455), half.get(90, 511)), (0, 255, 255));
    // Over the left edge as well: what is held is the whole box.
    painter.drags(NONE, &[(90.0, 490.0), (10.0, 490.0)]);
    assert_eq!(painter.selected_mask().bounds().width, 60);
    painter.drags(NONE, &[(10.0, 490.0), (90.0, 440.0)]);
    assert_eq!(painter.selected_mask(), whole);
    assert!(painter.document().regions[0].outside.is_none());

    painter.undoes();
    painter.undoes();
    assert_eq!(painter.selected_mask(), half, "one step for each move");
    painter.drags(NONE, &[(90.0, 490.0), (90.0, 440.0)]);
    assert_eq!(painter.selected_mask(), whole, "undo knows what was outside");
}

#[test]
fn what_is_outside_outlives_the_session() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("half out.ora");
    let (mut painter, _, whole) = a_rectangle();
    painter.drags(NONE, &[(90.0, 450.0), (90.0, 500.0)]);
    painter.asks_for(Command::SaveAs);
    painter.answers_with(&file, "Save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    let mut again = Painter::with(Some(&file), Box::new(Pretender::default()));
    again.clicks("Region 1");
    again.presses(NONE, Key::V);
    again.drags(NONE, &[(90.0, 490.0), (90.0, 440.0)]);
    assert_eq!(again.selected_mask(), whole);
}

#[test]
fn what_is_outside_outlives_a_stroke_and_a_larger_canvas() {
    let (mut painter, _, whole) = a_rectangle();
    painter.drags(NONE, &[(90.0, 450.0), (90.0, 500.0)]);
    painter.presses(NONE, Key::B);
    painter.paints(&[(300.0, 300.0), (310.0, 300.0)]);
    painter.presses(NONE, Key::V);
    painter.drags(NONE, &[(90.0, 490.0), (90.0, 440.0)]);
    let mask = painter.selected_mask();
    assert_eq!((mask.get(90, 401), mask.get(90, 498), mask.get(305, 250)), (255, 255, 255));
    assert_eq!(mask.get(200, 450), whole.get(200, 450));
}

#[test]
fn what_was_cleared_does_not_come_back_from_outside() {
    let (mut painter, ..) = a_rectangle();
    painter.drags(NONE, &[(90.0, 450.0), (90.0, 500.0)]);
    assert!(painter.document().regions[0].outside.is_some());
    painter.presses(SHIFT, Key::C);
    assert!(painter.document().regions[0].outside.is_none());
    assert!(painter.selected_mask().is_blank());
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(painter.document().regions[0].outside.is_some());
}

#[test]
fn a_region_pushed_out_by_keys_is_grown_and_fetched_back_whole() {
    let (mut painter, _, whole) = a_rectangle();
    for _ in 0..15 {
        painter.presses(SHIFT, Key::ArrowDown);
    }
    assert!(painter.selected_mask().is_blank(), "all of it is outside");
    for _ in 0..15 {
        painter.presses(SHIFT, Key::ArrowUp);
    }
    assert_eq!(painter.selected_mask(), whole);
}

#[test]
fn what_may_change_comes_back_whole_and_not_into_another_mask() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    painter.asks_for(Command::PaintChange);
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(40.0, 400.0), (140.0, 500.0)]);
    painter.presses(NONE, Key::V);
    let change = |painter: &Painter| painter.document().mask(RegionId::INPAINT).cloned().expect("a mask");
    let whole = change(&painter);
    painter.drags(NONE, &[(90.0, 450.0), (90.0, 500.0)]);
    let half = change(&painter);
    assert_ne!(half, whole);
    assert!(painter.document().outside(RegionId::INPAINT).is_some());
    painter.drags(NONE, &[(90.0, 490.0), (90.0, 440.0)]);
    assert_eq!(change(&painter), whole);
    painter.undoes();
    assert_eq!(change(&painter), half);
    painter.drags(NONE, &[(90.0, 490.0), (90.0, 440.0)]);
    assert_eq!(change(&painter), whole, "undo knows what was outside");
    painter.undoes();
    painter.asks_for(Command::ClearRegion);
    assert!(painter.document().outside(RegionId::INPAINT).is_none());
}
