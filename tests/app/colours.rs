//! Painting in colour below the regions.

use super::painter::Painter;
use super::tools::{ALT, NONE};
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

#[test]
fn a_smudge_drags_wet_colours_along_in_one_step() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::SHIFT, Key::B);
    let Rgb(first) = painter.app().editor().colour();
    painter.paints(&[(150.0, 100.0), (150.0, 300.0)]);
    let painted = painter.document().clone();
    assert_eq!(at(&painted, 200, 200).1, 0);

    painter.presses(Modifiers::NONE, Key::S);
    painter.clicks_canvas(NONE, (150.0, 200.0));
    assert_eq!(*painter.document(), painted, "a finger that is only put down changes nothing");
    painter.paints(&[(150.0, 200.0), (250.0, 200.0)]);
    let (dragged, cover) = at(painter.document(), 190, 200);
    assert!(cover > 100, "{cover}");
    for (dragged, first) in dragged.into_iter().zip(first) {
        assert!(dragged.abs_diff(first) <= 3, "the same colour, though it is thinner: {dragged}, {first}");
    }
    let near = at(painter.document(), 240, 200).1;
    assert!(near < cover, "it runs out: {near}, {cover}");
    assert_eq!(at(painter.document(), 190, 280).1, 0, "only where it went");
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(*painter.document(), painted);

    // Stronger, it goes farther; and Escape takes it back in the middle.
    painter.sets("Brush strength: number", "95");
    assert!((painter.app().brush().opacity - 0.95).abs() < 1e-6);
    painter.paints(&[(150.0, 200.0), (250.0, 200.0)]);
    assert!(at(painter.document(), 240, 200).1 > near);
    painter.presses(Modifiers::COMMAND, Key::Z);
    painter.presses_button(NONE, (150.0, 200.0));
    painter.moves_on(NONE, &[(200.0, 200.0), (250.0, 200.0)]);
    assert_ne!(*painter.document(), painted);
    painter.presses(Modifiers::NONE, Key::Escape);
    assert_eq!(*painter.document(), painted);
    // The brush has kept its own settings.
    painter.presses(Modifiers::NONE, Key::B);
    assert!((painter.app().brush().opacity - 1.0).abs() < 1e-6);
}

#[test]
fn two_colours_mix_where_a_smudge_goes() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::SHIFT, Key::B);
    painter.presses(Modifiers::NONE, Key::U);
    for (colour, x) in [([240, 20, 20], 100.0), ([20, 20, 240], 200.0)] {
        painter.h.state_mut().take_colour(Rgb(colour));
        painter.paints(&[(x, 100.0), (x + 100.0, 300.0)]);
    }
    painter.presses(Modifiers::NONE, Key::S);
    painter.paints(&[(150.0, 200.0), (260.0, 200.0)]);
    let ([r, _, b], cover) = at(painter.document(), 225, 200);
    assert!(cover == 255 && r > 60 && b > 20 && b < 235, "{r}, {b}, {cover}");
    assert_eq!(at(painter.document(), 215, 280), ([20, 20, 240], 255));
}

#[test]
fn a_smudge_drags_the_edge_of_a_region_and_begins_none() {
    let mut painter = Painter::sits_down();
    painter.begins_afresh();
    painter.presses(Modifiers::NONE, Key::U);
    painter.paints(&[(100.0, 100.0), (200.0, 200.0)]);
    painter.presses(Modifiers::NONE, Key::S);
    painter.paints(&[(180.0, 150.0), (260.0, 150.0)]);
    let mask = painter.selected_mask();
    assert!(mask.get(225, 150) > 60 && mask.get(225, 150) < 255, "{}", mask.get(225, 150));
    assert_eq!(mask.get(225, 190), 0);

    let mut painter = Painter::sits_down();
    painter.takes_a_new_canvas();
    painter.presses(Modifiers::NONE, Key::S);
    painter.paints(&[(180.0, 150.0), (260.0, 150.0)]);
    assert!(painter.document().regions.is_empty(), "there is nothing to drag");
}

#[test]
fn a_colour_is_typed_and_half_a_one_waits() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::SHIFT, Key::B);
    let first = painter.app().editor().colour();
    painter.clicks("Colour in hand");
    painter.h.get_by_label("Colour code").focus();
    painter.settles();
    painter.presses(Modifiers::COMMAND, Key::A);
    painter.types("#c850");
    assert_eq!(painter.app().editor().colour(), first, "this is no colour yet");
    painter.types("0a");
    assert_eq!(painter.app().editor().colour(), Rgb([0xc8, 0x50, 0x0a]));
    painter.presses(Modifiers::COMMAND, Key::A);
    painter.types("00ff7f");
    assert_eq!(painter.app().editor().colour(), Rgb([0, 255, 127]), "the sign before it may be left out");
    let value = |painter: &Painter| painter.h.get_by_label("Colour in hand").value();
    painter.presses(Modifiers::NONE, Key::Escape);
    assert_eq!(value(&painter).as_deref(), Some("#00ff7f"), "its button tells it");
    assert!(painter.h.query_by_label("Colour code").is_none(), "Escape closes it");
}
