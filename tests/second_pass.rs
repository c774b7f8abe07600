//! A second pass enlarges a picture and stays near it, by the library and by the command line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::says;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use polyptych::document::{Document, Mask, PixelRect, Sampler, Wrap};
use std::path::Path;

/// A house on a meadow, drawn in four steps.
fn document(width: u32, height: u32) -> Document {
    let mut document = Document::new(width, height);
    document.background.prompt = "a green meadow under a blue sky".to_owned();
    document.settings.model = "embedded/few_steps".to_owned();
    (document.settings.steps, document.settings.guidance, document.settings.seed) = (4, 1.0, 5);
    (document.settings.sampler, document.settings.stride) = (Sampler::Lcm, 16);
    let id = document.add_region("house", "a red house");
    let mut mask = Mask::empty(width, height);
    mask.fill(PixelRect { x: 30, y: 30, width: 60, height: 60 }, 255);
    document.region_mut(id).expect("the region").mask = mask.into();
    document
}

/// Runs the program: the exit code and what it said.
fn run(args: &[&str]) -> (i32, String) {
    let data = concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
    command.args(args).env("XDG_DATA_HOME", data).env("HOME", data).env("XDG_RUNTIME_DIR", data);
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a code"), String::from_utf8(text).expect("UTF-8"))
}

#[track_caller]
fn open(path: &Path) -> RgbImage {
    image::open(path).expect("a picture").to_rgb8()
}

/// The mean difference of two pictures of one size.
fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    a.iter().zip(b.iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.as_raw().len() as f64
}

#[test]
fn a_second_pass_is_larger_and_stays_near_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().expect("UTF-8").to_owned();
    document(128, 128).save(path("scene.ora")).expect("saved");
    let render = |project: &str, out: &str, more: &[&str]| {
        let (code, told) = run(&[&["render", &text(project), "-o", &text(out), "--json", "--quiet"], more].concat());
        assert_eq!(code, 0, "{told}");
        (open(&path(out)), serde_json::from_str::<serde_json::Value>(&told).expect("JSON"))
    };
    let (first, plain) = render("scene.ora", "1.png", &[]);
    let (second, told) = render("scene.ora", "2.png", &["--upscale", "2"]);
    assert_eq!(second.dimensions(), (256, 256));
    assert_eq!((&told["width"], &told["height"]), (&256.into(), &256.into()));
    assert_eq!(told["upscale"], serde_json::json!({"factor": 2.0, "strength": 0.35}), "{told}");
    assert!(told["unet_samples"].as_u64() > plain["unet_samples"].as_u64(), "{told}");
    // Made small again it is the first one, and it is more than that enlarged.
    let small = resize(&second, 128, 128, FilterType::Lanczos3);
    let near = difference(&small, &first);
    let (other, _) = render("scene.ora", "other.png", &["--seed", "6"]);
    assert!(near < 8.0 && near < 0.5 * difference(&other, &first), "{near}");
    assert!(difference(&second, &resize(&first, 256, 256, FilterType::Lanczos3)) > 0.5);
    // The same seed draws the same picture; a picture that is given is enlarged as it is, which comes to the same.
    assert_eq!(render("scene.ora", "again.png", &["--upscale", "2=0.35"]).0, second);
    let (given, _) = render("scene.ora", "given.png", &["--image", &text("1.png"), "--upscale", "2"]);
    assert_eq!(given, second);
    // The picture carries a project of its own size, which is drawn to the same picture.
    let opened = Document::open(path("2.png")).expect("a project");
    assert_eq!((opened.width, opened.height), (256, 256));
    assert_eq!(*opened.take.as_ref().expect("the picture is its take").image, second);
    assert_eq!((opened.regions[0].mask.get(57, 61), opened.regions[0].mask.get(62, 62)), (0, 255));
    assert_eq!(render("2.png", "once_more.png", &[]).0, second);
    // Each step has its preview, those of the second pass after the first one's.
    render("scene.ora", "p.png", &["--upscale", "2", "--previews", &text("previews")]);
    let size = |step: u32| image::image_dimensions(path(&format!("previews/step_{step:03}.png"))).expect("a preview");
    assert!(size(5).0 > size(4).0, "{:?}, {:?}", size(4), size(5));
}

#[test]
fn odd_factors_are_rounded_and_joined_edges_stay_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().expect("UTF-8").to_owned();
    let mut document = document(100, 92);
    document.settings.wrap = Wrap::X;
    document.save(path("scene.ora")).expect("saved");
    let (code, told) =
        run(&["render", &text("scene.ora"), "-o", &text("1.png"), "--upscale", "1.5", "--json", "--quiet"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("rounded to whole cells of the model: 152×136 pixels"), "{told}");
    assert_eq!(open(&path("1.png")).dimensions(), (152, 136));
}

#[test]
fn what_cannot_be_enlarged_is_told_before_anything_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().expect("UTF-8").to_owned();
    document(8192, 64).save(path("wide.ora")).expect("saved");
    let (scene, photo) = (text("scene.ora"), text("photo.png"));
    document(128, 128).save(&scene).expect("saved");
    RgbImage::new(128, 128).save(&photo).expect("saved");
    for (project, args, expected, words) in [
        (&text("wide.ora"), &["--upscale", "4"][..], 1, &["32768×256 pixels", "sides must be 64–16384"][..]),
        (&scene, &["--upscale", "2=0.2"], 1, &["a strength of 0.2 leaves no step of 4"]),
        (
            &scene,
            &["--upscale", "2", "--image", &photo, "--strength", "0.5"],
            1,
            &["--strength", "--upscale 2=STRENGTH"],
        ),
        (&scene, &["--upscale", "1.2"], 2, &["a factor from 1.5 to 4"]),
        (&scene, &["--upscale", "5"], 2, &["a factor from 1.5 to 4"]),
        (&scene, &["--upscale", "2=0"], 2, &["a number from 0.01 to 1"]),
        (&scene, &["--upscale", "2", "--reference"], 2, &["--reference"]),
    ] {
        let (code, told) = run(&[&["render", project, "-o", &text("no.png")], args].concat());
        assert_eq!((code, told.trim_end().lines().count()), (expected, 1), "{told}");
        says(&told, words);
        assert!(!path("no.png").exists());
    }
}
