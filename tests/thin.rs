//! Warnings about strokes that a model with little guidance does not show.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::says;
use common::toy::Toy;
use polyptych::checkpoint::FewSteps;
use polyptych::document::{Document, Mask, Wrap};
use polyptych::studio::{Event, Job, Loader, Options, Studio, Warning, draw};
use std::sync::mpsc;
use std::time::Duration;

/// A region of the pixels for which `inside` is true, on a canvas of 256 × 192.
fn painted(inside: impl Fn(i32, i32) -> bool, shade: u8) -> Document {
    let mut document = Document::new(256, 192);
    (document.settings.steps, document.settings.guidance) = (4, 1.0);
    let id = document.add_region("Mast", "a mast");
    let mask = Mask::from_rows(256, 192, |y, row| {
        row.iter_mut().enumerate().for_each(|(x, m)| *m = if inside(x as i32, y as i32) { shade } else { 0 });
    });
    document.region_mut(id).expect("the region").mask = mask.into();
    document
}

/// An upright stroke.
fn stroke(left: i32, width: i32) -> Document {
    painted(move |x, y| (40..150).contains(&y) && (left..left + width).contains(&x), 255)
}

fn warnings(document: &Document, few_steps: Option<FewSteps>) -> Vec<Warning> {
    let mut toy = Toy { few_steps, ..Toy::new() };
    draw(document, &mut toy, &Options::default(), &mut ()).expect("draws").warnings
}

fn is_told(document: &Document) -> bool {
    let told = warnings(document, Some(FewSteps::Lcm));
    assert!(told.iter().all(|w| matches!(w, Warning::ThinRegion { few_steps: true, pixels: 16, .. })), "{told:?}");
    !told.is_empty()
}

#[test]
fn strokes_of_eight_pixels_are_told_and_those_of_sixteen_are_not_wherever_they_lie() {
    for offset in 0..8 {
        for width in [1, 2, 4, 8] {
            assert!(is_told(&stroke(120 + offset, width)), "{width} pixels at {offset}");
        }
        for width in [16, 24, 60] {
            assert!(!is_told(&stroke(120 + offset, width)), "{width} pixels at {offset}");
        }
        // Lying down, and aslant.
        for (width, thin) in [(8, true), (16, false)] {
            let flat = painted(|x, y| (30..200).contains(&x) && (90 + offset..90 + offset + width).contains(&y), 255);
            assert_eq!(is_told(&flat), thin, "{width} pixels, lying");
            let half = f64::from(width) * 0.5_f64.sqrt();
            let aslant = painted(|x, y| (20..170).contains(&y) && f64::from(x - y - offset).abs() < half, 255);
            assert_eq!(is_told(&aslant), thin, "{width} pixels, aslant");
        }
    }
    // At the edges, also where they are joined.
    assert!(is_told(&stroke(0, 8)) && is_told(&stroke(248, 8)));
    assert!(!is_told(&stroke(0, 16)) && !is_told(&stroke(240, 16)));
    let mut joined = painted(|x, _| !(8..248).contains(&x), 255);
    joined.settings.wrap = Wrap::X;
    assert!(!is_told(&joined), "eight pixels at either side are sixteen");
    // A dot is as thin as a stroke; a place of some size makes good for what is thin beside it.
    assert!(is_told(&painted(|x, y| (x - 100).pow(2) + (y - 90).pow(2) < 8 * 8, 255)));
    assert!(!is_told(&painted(|x, y| (x - 100).pow(2) + (y - 90).pow(2) < 16 * 16 || (y == 90), 255)));
}

#[test]
fn what_covers_a_region_makes_it_thin_and_what_is_faint_is_not() {
    let mut document = stroke(100, 40);
    assert!(!is_told(&document));
    let id = document.add_region("Sail", "a sail");
    document.region_mut(id).expect("the region").mask = stroke(106, 60).regions[0].mask.clone();
    let told = warnings(&document, Some(FewSteps::Adversarial));
    let expected = Warning::ThinRegion { region: "Mast".to_owned(), pixels: 16, few_steps: true };
    assert_eq!(told, [expected], "six pixels are left of the mast");
    let faint = |width: i32| painted(move |x, _| (100..100 + width).contains(&x), 60);
    assert!(is_told(&faint(8)) && !is_told(&faint(16)));
    // Nothing painted is another warning's.
    assert!(!is_told(&painted(|_, _| false, 0)));
}

#[test]
fn thin_strokes_that_show_are_not_told() {
    let mut document = stroke(120, 8);
    // With guidance they show, by any model.
    document.settings.guidance = 7.5;
    assert_eq!(warnings(&document, None), []);
    assert!(!is_told(&document));
    // Of that region alone.
    (document.settings.guidance, document.regions[0].guidance) = (1.0, Some(7.5));
    assert!(!is_told(&document));
    document.regions[0].guidance = None;
    // So brief a drawing bootstraps all along.
    document.settings.steps = 2;
    assert!(!is_told(&document));
    document.settings.steps = 4;
    document.regions[0].visible = false;
    assert!(!is_told(&document));
}

#[test]
fn the_warning_names_the_region_and_says_what_to_do() {
    let told = |few_steps| warnings(&stroke(120, 8), few_steps)[0].to_string();
    says(&told(Some(FewSteps::Lcm)), &["“Mast”", "thin", "few steps", "at least 16 pixels wide", "full model"]);
    says(&told(None), &["“Mast”", "thin", "little guidance", "at least 16 pixels wide", "more guidance"]);
}

#[test]
fn the_command_line_tells_of_a_thin_stroke_with_the_few_step_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let (project, picture) = (folder.path().join("mast.ora"), folder.path().join("mast.png"));
    let mut document = stroke(120, 8);
    document.resize_canvas(160, 96, -60, -40).expect("a canvas");
    document.save(&project).expect("saved");
    let told = |model: &str| {
        let mut render = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
        render.arg("render").arg(&project).arg("-o").arg(&picture).args(["--model", model, "--json", "--quiet"]);
        let output = render.args(["--guidance", if model == "embedded" { "7.5" } else { "1" }]).output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
        told["warnings"].to_string()
    };
    let few = told("embedded/few_steps");
    assert!(few.contains("“Mast” is so thin"), "{few}");
    let full = told("embedded");
    assert!(!full.contains("thin"), "{full}");
}

#[test]
fn a_live_picture_tells_of_thin_strokes_before_it_is_finished() {
    let (wake, woken) = mpsc::channel();
    let loader: Loader =
        Box::new(|_, _| Ok((Box::new(Toy { few_steps: Some(FewSteps::Lcm), ..Toy::new() }), Vec::new())));
    let studio = Studio::start_with(loader, move || {
        wake.send(()).ok();
    });
    let told = |mut document: Document| {
        // Told of the picture the sketch makes of it, not of the painting.
        document.settings.stride = 16;
        studio.submit(Job { document, live: true, frame: None });
        let mut events = Vec::new();
        while !matches!(events.last(), Some(Event::Finished { .. })) {
            woken.recv_timeout(Duration::from_mins(1)).expect("the worker reports");
            events.extend(studio.events());
        }
        events
            .into_iter()
            .filter_map(|e| if let Event::Warning { warning, .. } = e { Some(warning) } else { None })
            .collect()
    };
    let thin: Vec<Warning> = told(stroke(120, 8));
    assert!(matches!(thin.as_slice(), [Warning::ThinRegion { pixels: 16, .. }]), "{thin:?}");
    let wide: Vec<Warning> = told(stroke(120, 60));
    assert!(wide.is_empty(), "{wide:?}");
}
