//! What may change of a picture: every tool paints it, and what is drawn around a picture leaves the picture as it was.

use super::painter::{Painter, Pretender, english};
use super::tools::{ALT, NONE, SHIFT};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use egui_kittest::kittest::Queryable as _;
use image::Rgb;
use polyptych::app::{Command, FileDialogs, Options, ViewMode};
use polyptych::document::{Area, Document, Mask, PixelRect, Region, RegionId};

/// A picture of the scene with two regions, and the tools on what may change of it.
fn begins() -> (Painter, Vec<Region>) {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    painter.presses(SHIFT, Key::Q);
    assert!(painter.app().editor().paints_change());
    let regions = painter.document().regions.clone();
    (painter, regions)
}

fn change(painter: &Painter) -> Mask {
    (**painter.document().mask(RegionId::INPAINT).expect("a mask of what may change")).clone()
}

fn covers(painter: &Painter, points: [(u32, u32); 2]) -> [u8; 2] {
    let mask = change(painter);
    points.map(|(x, y)| mask.get(x, y))
}

fn undoes(painter: &mut Painter) {
    painter.presses(Modifiers::COMMAND, Key::Z);
}

#[test]
fn who_leaves_what_may_change_without_painting_has_changed_nothing() {
    let (mut painter, _) = begins();
    assert!(painter.h.get_by_label("Generate").accesskit_node().is_disabled(), "nothing may change yet");
    assert!(painter.sees("Nothing of the picture may change yet. Paint where it may."), "the reason is said first");
    painter.presses(SHIFT, Key::Q);
    assert!(!painter.app().editor().paints_change());
    assert!(painter.document().init_image.is_none(), "as before");
    assert!(!painter.h.get_by_label("Generate").accesskit_node().is_disabled());
    // What was painted stays, also where it was cleared again.
    painter.presses(SHIFT, Key::Q);
    painter.drags(NONE, &[(200.0, 100.0), (500.0, 100.0)]);
    undoes(&mut painter);
    painter.presses(SHIFT, Key::Q);
    painter.presses(SHIFT, Key::Q);
    painter.drags(NONE, &[(200.0, 100.0), (500.0, 100.0)]);
    painter.presses(SHIFT, Key::Q);
    assert_eq!(covers(&painter, [(300, 100), (300, 300)]), [255, 0]);
}

#[test]
fn a_region_of_which_nothing_may_change_is_not_drawn_again_in_vain() {
    let (mut painter, regions) = begins();
    let ctx = painter.h.ctx.clone();
    painter.paints(&[(600.0, 60.0), (640.0, 60.0)]);
    painter.clicks("Done painting what may change");
    let again = |painter: &mut Painter, name: &str| {
        painter.clicks(name);
        painter.h.state_mut().perform(&ctx, Command::RerollRegion);
        painter.settles();
    };
    again(&mut painter, &regions[1].name);
    painter.h.get_by_label_contains("Nothing of this region may change");
    assert!(!painter.app().is_generating());
    assert_eq!(painter.document().regions[1].reroll, None);
    painter.presses(SHIFT, Key::Q);
    painter.paints(&[(340.0, 400.0), (380.0, 400.0)]);
    painter.clicks("Done painting what may change");
    again(&mut painter, &regions[1].name);
    assert!(painter.app().is_generating());
}

#[test]
fn brush_eraser_and_lines_paint_what_may_change() {
    let (mut painter, regions) = begins();
    painter.drags(NONE, &[(200.0, 100.0), (500.0, 100.0)]);
    assert_eq!(covers(&painter, [(300, 100), (300, 300)]), [255, 0]);
    painter.presses(NONE, Key::E);
    painter.drags(NONE, &[(400.0, 60.0), (400.0, 140.0)]);
    assert_eq!(covers(&painter, [(400, 100), (300, 100)]), [0, 255]);
    painter.presses(NONE, Key::B);
    painter.drags(NONE, &[(100.0, 200.0)]);
    painter.drags(SHIFT, &[(300.0, 400.0)]);
    assert_eq!(covers(&painter, [(200, 300), (600, 300)]), [255, 0], "a straight line from the last point");
    for _ in 0..4 {
        undoes(&mut painter);
    }
    assert!(change(&painter).is_blank());
    assert_eq!(painter.document().regions, regions);
}

#[test]
fn shapes_fills_and_gradients_paint_what_may_change() {
    let (mut painter, regions) = begins();
    let rect = |x, y, width, height| PixelRect { x, y, width, height };
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(100.0, 50.0), (150.0, 70.0), (300.0, 150.0)]);
    assert_eq!(change(&painter).bounds(), rect(100, 50, 200, 100));
    painter.drags(ALT, &[(150.0, 50.0), (200.0, 150.0)]);
    assert_eq!(covers(&painter, [(175, 100), (250, 100)]), [0, 255], "taken away");
    undoes(&mut painter);
    undoes(&mut painter);
    painter.presses(SHIFT, Key::U);
    painter.drags(NONE, &[(400.0, 50.0), (600.0, 150.0)]);
    assert_eq!(change(&painter).bounds(), rect(400, 50, 200, 100));
    assert_eq!(covers(&painter, [(500, 100), (403, 53)]), [255, 0], "an ellipse has no corners");
    undoes(&mut painter);

    painter.presses(NONE, Key::L);
    painter.drags(NONE, &[(500.0, 300.0), (700.0, 300.0), (700.0, 400.0), (500.0, 400.0)]);
    assert_eq!(change(&painter).bounds(), rect(500, 300, 200, 100));
    undoes(&mut painter);
    for corner in [(500.0, 200.0), (700.0, 200.0), (700.0, 400.0)] {
        painter.drags(NONE, &[corner]);
    }
    painter.presses(NONE, Key::Enter);
    assert_eq!(covers(&painter, [(650, 250), (550, 350)]), [255, 0], "a triangle");
    undoes(&mut painter);

    // The cabin lies at 300…420, 300…480.
    painter.presses(NONE, Key::F);
    painter.drags(NONE, &[(360.0, 400.0)]);
    assert_eq!(change(&painter).bounds(), rect(300, 300, 120, 180), "as far as the region under the click");
    undoes(&mut painter);
    painter.presses(NONE, Key::G);
    painter.drags(NONE, &[(100.0, 256.0), (500.0, 256.0)]);
    let middle = change(&painter).get(300, 100);
    assert!(middle.abs_diff(127) <= 2, "{middle} half-way");
    assert_eq!(covers(&painter, [(50, 256), (600, 256)]), [255, 0]);
    undoes(&mut painter);
    assert!(change(&painter).is_blank());
    assert_eq!(painter.document().regions, regions);
}

#[test]
fn what_may_change_is_moved_scaled_and_reshaped() {
    let (mut painter, regions) = begins();
    let bounds = |painter: &Painter| {
        let PixelRect { x, y, width, height } = change(painter).bounds();
        (x, y, width, height)
    };
    painter.presses(NONE, Key::V);
    painter.drags(NONE, &[(200.0, 200.0), (250.0, 250.0)]);
    assert!(painter.h.query_by_label_contains("There is nothing to move").is_some());
    painter.presses(NONE, Key::U);
    painter.drags(NONE, &[(200.0, 200.0), (300.0, 260.0)]);
    painter.presses(NONE, Key::V);
    // (Ctrl leaves it free of the lines that it would snap to.)
    painter.drags(Modifiers::COMMAND, &[(250.0, 230.0), (270.0, 235.0), (290.0, 250.0)]);
    assert_eq!(bounds(&painter), (240, 220, 100, 60));
    painter.drags(NONE, &[(340.0, 280.0), (360.0, 300.0)]);
    assert_eq!(bounds(&painter), (240, 220, 120, 80), "by its lower right corner");
    painter.h.get_by_label("Canvas").focus();
    painter.h.run_ok();
    painter.presses(NONE, Key::ArrowRight);
    assert_eq!(bounds(&painter), (241, 220, 120, 80));

    for (entry, pixels, done, expected) in [
        ("Grow region", "10", "Grow", (231, 210, 140, 100)),
        ("Shrink region", "20", "Shrink", (251, 230, 100, 60)),
        ("Soften edge", "4", "Soften", (247, 226, 108, 68)),
    ] {
        painter.clicks("Region");
        painter.chooses(entry);
        painter.presses(Modifiers::COMMAND, Key::A);
        painter.types(pixels);
        painter.clicks(done);
        let (x, y, width, height) = bounds(&painter);
        let near = |a: u32, b: u32| a.abs_diff(b) <= 2;
        let (ex, ey, ew, eh) = expected;
        assert!(near(x, ex) && near(y, ey) && near(width, ew) && near(height, eh), "{entry}: {:?}", bounds(&painter));
    }
    painter.presses(SHIFT, Key::V);
    assert_eq!(covers(&painter, [(300, 260), (10, 10)]), [0, 255], "the other way round");
    painter.presses(SHIFT, Key::C);
    assert!(change(&painter).is_blank());
    undoes(&mut painter);
    assert_eq!(covers(&painter, [(300, 260), (10, 10)]), [0, 255]);
    assert_eq!(painter.document().regions, regions);
}

#[test]
fn a_canvas_without_regions_gets_none_by_painting_what_may_change() {
    let mut painter = Painter::with(None, Box::new(Pretender::default()));
    painter.takes_a_new_canvas();
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    painter.presses(SHIFT, Key::Q);
    painter.drags(NONE, &[(200.0, 100.0), (300.0, 100.0)]);
    assert_eq!(covers(&painter, [(250, 100), (250, 300)]), [255, 0]);
    assert!(painter.document().regions.is_empty());
}

/// On the model inside the program, to the end.
#[test]
fn a_larger_canvas_is_drawn_around_the_picture_that_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sea.ora");
    let mut document = Document::new(256, 256);
    document.background.prompt = "a clear blue sky".to_owned();
    document.settings.steps = 4;
    document.save(&path).expect("saved");
    let options = Options { project: Some(path), engine: None, file_dialogs: FileDialogs::Own, ..english() };
    let mut painter = Painter::opens(options);
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    let old = painter.document().take.clone().expect("kept").image.clone();

    painter.clicks("Canvas size 256 × 256");
    painter.h.get_by_role_and_label(Role::SpinButton, "Width").click();
    painter.h.run_ok();
    painter.presses(Modifiers::COMMAND, Key::A);
    painter.types("384");
    painter.presses(NONE, Key::Enter);
    painter.clicks("Draw what is new around the picture");
    painter.clicks("Old canvas at the left");
    painter.clicks("Change");
    assert_eq!((painter.document().width, painter.document().height), (384, 256));
    let start = painter.document().init_image.clone().expect("the old picture");
    let Area::Mask(may_change) = start.area.clone() else { panic!("a mask: {:?}", start.area) };

    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the larger picture", |a| {
        a.takes() >= 1 && !a.is_generating() && a.editor().document().take.is_some()
    });
    let new = painter.document().take.clone().expect("kept").image.clone();
    assert_eq!(new.dimensions(), (384, 256));
    let (mut kept, mut drawn) = (0, 0);
    for (x, y, pixel) in new.enumerate_pixels() {
        match may_change.get(x, y) {
            0 => {
                assert_eq!(
                    pixel,
                    old.get_pixel(x, y),
                    "what is kept is the old picture's to the last bit, at {x}, {y}"
                );
                kept += 1;
            }
            255 if x >= 256 => drawn += usize::from(pixel != start.image.get_pixel(x, y)),
            _ => {}
        }
    }
    assert!(kept > 200 * 256, "{kept} pixels are kept");
    assert!(drawn > 120 * 256, "{drawn} of {} pixels are drawn", 128 * 256);
    // What is drawn goes on from the picture: a sky at the left has no black or white wall at its right.
    let mean = |columns: std::ops::Range<u32>| -> [f64; 3] {
        let pixels: Vec<&Rgb<u8>> =
            columns.flat_map(|x| (0..256).map(move |y| (x, y))).map(|(x, y)| new.get_pixel(x, y)).collect();
        std::array::from_fn(|c| pixels.iter().map(|p| f64::from(p[c])).sum::<f64>() / pixels.len() as f64)
    };
    let (before, after) = (mean(160..224), mean(272..336));
    for c in 0..3 {
        assert!((before[c] - after[c]).abs() < 90.0, "{before:?} goes on as {after:?}");
    }
}

#[test]
fn painting_what_may_change_is_seen_and_left_again() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, Command::ViewRegions);
    painter.presses(SHIFT, Key::Q);
    assert_eq!(painter.app().view_mode(), ViewMode::Both, "what is painted over is seen");
    painter.h.get_by_label("Painting what may change");
    painter.h.get_by_label("What may change");
    // Nothing may change yet, so there is nothing to make.
    assert!(painter.h.get_by_label("Generate").accesskit_node().is_disabled());
    painter.presses(Modifiers::COMMAND, Key::Enter);
    assert!(!painter.app().is_generating());
    assert!(painter.h.query_all_by_label_contains("Nothing of the picture may change yet").next().is_some());
    painter.drags(NONE, &[(200.0, 300.0), (500.0, 300.0)]);
    assert!(!painter.h.get_by_label("Generate").accesskit_node().is_disabled());
    painter.clicks("Done painting what may change");
    assert!(painter.h.query_by_label("Painting what may change").is_none());
    // Its card stays, and leads back.
    painter.clicks("What may change");
    assert!(painter.app().editor().paints_change());
    painter.clicks("Cabin");
    assert!(!painter.app().editor().paints_change());
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 2 && !a.is_generating());
    assert!(painter.h.query_by_label_contains("in part (inpaint)").is_some(), "the strip says what is different");
}

#[test]
fn what_may_change_is_drawn_anew_or_refined_by_a_strength_of_its_own() {
    let (mut painter, _) = begins();
    let strength = |p: &Painter| p.document().init_image.as_ref().map(|start| start.strength);
    let is_on = |p: &Painter| p.app().is_on(Command::Refine);
    painter.drags(NONE, &[(200.0, 300.0), (500.0, 300.0)]);
    // New is what one begins with, and the button says so.
    assert_eq!((strength(&painter), is_on(&painter)), (Some(1.0), false));
    assert!(painter.h.query_by_label("Generate").is_some());
    painter.clicks("Refine what may change");
    let first = strength(&painter).expect("a picture");
    assert!(is_on(&painter) && first < 1.0, "{first}");
    painter.sets("Strength of refining", "0.3");
    assert_eq!(strength(&painter), Some(0.3));
    // The button says what is made.
    assert!(painter.h.query_by_label("Generate").is_none());
    painter.clicks("New, from noise");
    assert_eq!((strength(&painter), is_on(&painter)), (Some(1.0), false));
    assert!(painter.h.query_by_label("Strength of refining").is_none());
    undoes(&mut painter);
    assert_eq!(strength(&painter), Some(0.3), "one step");
    painter.clicks("New, from noise");
    // Its strength is remembered, and the palette has it by the words of others.
    painter.presses(Modifiers::COMMAND, Key::K);
    painter.types("refine in selection");
    painter.presses(NONE, Key::Enter);
    assert_eq!(strength(&painter), Some(0.3));
    painter.clicks("Refine");
    painter.waits_for("the picture", |a| a.takes() == 2 && !a.is_generating());
}

#[test]
fn the_picture_on_show_is_refined_at_once_and_undo_takes_it_back() {
    let mut painter = Painter::sits_down();
    let refine = |painter: &mut Painter| {
        painter.presses(Modifiers::COMMAND, Key::K);
        painter.types("Refine this picture");
        painter.presses(NONE, Key::Enter);
    };
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, Command::RefinePicture);
    painter.settles();
    assert!(painter.h.query_by_label_contains("There is no picture yet").is_some());
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    let shown = painter.document().take.clone().expect("a picture");
    refine(&mut painter);
    painter.waits_for("the next", |a| a.takes() == 2 && !a.is_generating());
    let start = painter.document().init_image.clone().expect("a picture to start from");
    assert_eq!((&start.image, start.area), (&shown.image, Area::Everything));
    assert!(start.strength < 1.0, "{}", start.strength);
    undoes(&mut painter);
    assert!(painter.document().init_image.is_none(), "one step");
    // Where something is painted that may change, that alone is drawn over, from the picture on show.
    painter.presses(SHIFT, Key::Q);
    painter.drags(NONE, &[(200.0, 300.0), (500.0, 300.0)]);
    let mask = change(&painter);
    refine(&mut painter);
    painter.waits_for("the third", |a| a.takes() == 3 && !a.is_generating());
    let start = painter.document().init_image.clone().expect("a picture to start from");
    assert_eq!(start.area, Area::Mask(mask.into()));
    assert!(start.strength < 1.0, "{}", start.strength);
    undoes(&mut painter);
    assert_eq!(painter.document().init_image.as_ref().map(|start| start.strength), Some(1.0));
}
