//! What cannot be done says so, and offers the way out.

use super::painter::{Painter, Pretender};
use super::tools::{NONE, SHIFT};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{Command, Selected};

#[test]
fn a_locked_region_says_that_it_cannot_be_deleted_and_offers_to_be_unlocked() {
    let mut painter = Painter::sits_down();
    painter.clicks("Cabin");
    painter.presses(NONE, Key::Slash);
    painter.presses(NONE, Key::Delete);
    painter.h.get_by_label("Cabin is locked. Unlock it to change or delete it.");
    painter.clicks("Unlock it");
    assert!(!painter.document().regions[1].locked);
    assert!(painter.h.query_by_label("Unlock it").is_none(), "it was taken up");
    painter.presses(NONE, Key::Delete);
    assert_eq!(painter.document().regions.len(), 1);
}

#[test]
fn who_paints_on_a_hidden_region_can_show_it_where_that_is_told() {
    let mut painter = Painter::sits_down();
    let id = painter.selected();
    painter.presses(NONE, Key::F6);
    painter.clicks("Hide Cabin");
    let before = painter.mask(id);
    painter.paints(&[(40.0, 40.0), (90.0, 40.0)]);
    assert_eq!(painter.mask(id), before);
    // Another region is selected meanwhile: it is the hidden one that is shown.
    painter.clicks("Pines");
    painter.clicks("Show it");
    assert_eq!(painter.app().editor().selected(), Selected::Region(id));
    assert!(painter.document().regions.iter().all(|r| r.visible));
    painter.paints(&[(40.0, 40.0), (90.0, 40.0)]);
    assert_ne!(painter.mask(id), before);
}

#[test]
fn exporting_without_a_picture_says_that_there_is_none() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::E);
    painter.h.get_by_label("There is no picture yet.");
    assert!(painter.h.query_by_label("Export…").is_none());
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, Command::RemoveTake);
    painter.settles();
    assert_eq!(painter.h.query_all_by_label("There is no picture yet.").count(), 1, "said once");
}

#[test]
fn undo_goes_back_among_strokes_and_leaves_hiding_and_locking_alone() {
    let mut painter = Painter::sits_down();
    let id = painter.selected();
    let clean = painter.mask(id);
    painter.paints(&[(40.0, 40.0), (90.0, 40.0)]);
    let painted = painter.mask(id);
    painter.clicks("Lock Cabin");
    painter.clicks("Hide Pines");
    assert!(painter.app().editor().is_unsaved());
    painter.clicks("Unlock Cabin");
    painter.undoes();
    assert_eq!(painter.mask(id), clean, "the stroke, not the lock");
    assert!(!painter.document().regions[1].locked && !painter.document().regions[0].visible);
    painter.presses(Modifiers::COMMAND | SHIFT, Key::Z);
    assert_eq!(painter.mask(id), painted);
    // A step that is older than hiding does not show the region again, and a deleted one comes back as it was.
    painter.clicks("Pines");
    painter.presses(NONE, Key::Delete);
    painter.undoes();
    painter.undoes();
    assert!(!painter.document().regions[0].visible);
}

#[test]
fn alone_and_back_remembers_what_was_hidden_before() {
    let mut painter = Painter::with(None, Box::new(Pretender::default()));
    let visible = |p: &Painter| p.document().regions.iter().map(|r| r.visible).collect::<Vec<_>>();
    let first = painter.document().regions[0].id;
    let ctx = painter.h.ctx.clone();
    painter.presses(NONE, Key::Escape);
    painter.h.state_mut().perform(&ctx, Command::SelectBelow);
    painter.h.state_mut().perform(&ctx, Command::ToggleRegion);
    painter.settles();
    let before = visible(&painter);
    assert_eq!(before.iter().filter(|v| !**v).count(), 1);
    painter.h.state_mut().perform(&ctx, Command::SelectAbove);
    painter.h.state_mut().perform(&ctx, Command::SoloRegion);
    painter.settles();
    assert_eq!(visible(&painter).iter().filter(|v| **v).count(), 1);
    assert_ne!(painter.app().editor().selected(), Selected::Region(first));
    painter.h.state_mut().perform(&ctx, Command::SoloRegion);
    painter.settles();
    assert_eq!(visible(&painter), before);
}
