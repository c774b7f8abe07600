//! Painting in colour below the regions.

use super::painter::Painter;
use super::tools::ALT;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use polyptych::document::{Document, Paint, RegionId, Rgb};

/// What is painted at a pixel: colour and coverage.
fn at(document: &Document, x: u32, y: u32) -> ([u8; 3], u8) {
    let ink = document.paint.as_ref().expect("a paint layer").get(x, y);
    (Paint::straight(ink), ink[3])
}

#[test]
fn colours_are_painted_erased_picked_and_taken_back() {
    let mut painter = Painter::sits_down();
    let regions = painter.document().regions.clone();
    painter.presses(Modifiers::SHIFT, Key::B);
    assert_eq!(painter.selected(), RegionId::PAINT);
    painter.h.get_by_label("Painting in colour");
    let Rgb(first) = painter.app().editor().colour();
    painter.paints(&[(100.0, 200.0), (300.0, 200.0)]);
    assert_eq!(at(painter.document(), 200, 200), (first, 255));
    assert_eq!(at(painter.document(), 200, 400).1, 0);
    assert_eq!(painter.document().regions, regions, "no region is painted on");

    // Another colour over it, at half its strength.
    let second = [10, 60, 220];
    painter.h.state_mut().take_colour(Rgb(second));
    painter.sets("Brush opacity: number", "50");
    painter.paints(&[(200.0, 100.0), (200.0, 300.0)]);
    let (mixed, cover) = at(painter.document(), 200, 200);
    assert_eq!(cover, 255);
    for ((mixed, first), second) in mixed.into_iter().zip(first).zip(second) {
        assert!(mixed.abs_diff(first.midpoint(second)) <= 1, "{mixed}: half of {first} and {second}");
    }

    // The colour under the pointer is taken in hand, the eraser wipes, and each is one step.
    painter.clicks_canvas(ALT, (120.0, 200.0));
    assert_eq!(painter.app().editor().colour(), Rgb(first));
    assert_eq!(painter.selected(), RegionId::PAINT, "no region is picked");
    painter.presses(Modifiers::NONE, Key::E);
    painter.paints(&[(200.0, 200.0), (210.0, 200.0)]);
    assert_eq!(at(painter.document(), 200, 200).1, 0);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(at(painter.document(), 200, 200), (mixed, 255));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(at(painter.document(), 200, 200), (first, 255));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(at(painter.document(), 200, 200).1, 0);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(painter.document().paint.is_none(), "the layer came with the first step");
    assert_ne!(painter.selected(), RegionId::PAINT);
}

#[test]
fn shapes_fill_and_clear_reach_the_paint_and_its_card_leads_there() {
    let mut painter = Painter::sits_down();
    let region = painter.selected();
    painter.clicks("Paint colours");
    painter.presses(Modifiers::NONE, Key::U);
    painter.paints(&[(100.0, 100.0), (200.0, 180.0)]);
    let Rgb(colour) = painter.app().editor().colour();
    assert_eq!(at(painter.document(), 150, 150), (colour, 255));
    assert_eq!(at(painter.document(), 250, 150).1, 0);
    painter.presses(Modifiers::SHIFT, Key::F);
    assert_eq!(at(painter.document(), 250, 150), (colour, 255));
    painter.clicks("Clear the paint");
    assert!(painter.document().paint.as_ref().is_some_and(|paint| paint.cover().is_blank()));
    // Paint is not moved, and not inverted.
    painter.presses(Modifiers::NONE, Key::V);
    painter.paints(&[(100.0, 100.0), (200.0, 180.0)]);
    painter.h.get_by_label_contains("Paint stays where it is");
    painter.presses(Modifiers::SHIFT, Key::V);
    assert!(painter.document().paint.as_ref().is_some_and(|paint| paint.cover().is_blank()));

    painter.clicks("Done painting in colour");
    assert_eq!(painter.selected(), region);
    painter.clicks("Paint layer");
    assert_eq!(painter.selected(), RegionId::PAINT);
    painter.clicks("Remove the paint");
    assert!(painter.document().paint.is_none());
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(painter.document().paint.is_some());
}
