//! Pictures of other programs, masks and limits on the command line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use polyptych::document::{Document, InitImage, MAX_GUIDANCE, MAX_STEPS, MAX_WINDOW};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures").join(name);
    path.display().to_string()
}

fn polyptych(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polyptych")).args(args).output().expect("the program runs")
}

/// What a command that succeeds says on stdout and stderr.
fn said(args: &[&str]) -> (String, String) {
    let output = polyptych(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// The one line of a command that fails, and its exit code.
fn refused(args: &[&str]) -> (Option<i32>, String) {
    let output = polyptych(args);
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(line.lines().count(), 1, "{args:?}: {line}");
    assert!(output.stdout.is_empty());
    (output.status.code(), line)
}

fn folder() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let path = PathBuf::from(folder.path());
    (folder, move |name: &str| path.join(name).display().to_string())
}

#[test]
fn info_tells_how_another_program_made_a_picture() {
    let (told, _) = said(&["info", &fixture("web-ui.jpg")]);
    for word in ["picture of another program", "a stone tower, 夕方", "fog, rain", "seed 4294967301", "24 steps", "6.5"]
    {
        assert!(told.contains(word), "{word}: {told}");
    }
    let (json, _) = said(&["info", &fixture("web-ui.png"), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["seed"], &json["steps"]), (&4_294_967_301_u64.into(), &24.into()));
    assert_eq!((&json["sampler"], &json["negative"]), (&"dpmpp-2m".into(), &"fog,\nrain".into()));
    let (told, _) = said(&["info", &fixture("saved-again.png")]);
    assert!(told.contains("picture with its project"), "{told}");
    for (name, word) in [
        ("camera.jpg", "without a project inside"),
        ("mask.webp", "without a project inside"),
        ("mask-palette.png", "without a project inside"),
        ("make.py", "neither an OpenRaster project nor a PNG"),
    ] {
        let (code, line) = refused(&["info", &fixture(name)]);
        assert_eq!(code, Some(1));
        assert!(line.contains(name) && line.contains(word), "{line}");
    }
}

#[test]
fn how_a_mask_was_understood_is_a_warning_with_its_name() {
    let (_folder, path) = folder();
    let (scene, low) = (path("low.ora"), fixture("mask-16bit-low.png"));
    let region = format!("{low}=a red house");
    let new = ["new", &scene, "--size", "64x48", "--background", "a lake", "--region", &region];
    let (code, line) = refused(&new);
    assert!(code == Some(2) && line.contains("64"), "a canvas is at least 64 high: {line}");
    let masks = image::GrayImage::from_fn(64, 64, |x, _| image::Luma([u8::from(x < 32)]));
    masks.save(path("labels.png")).unwrap();
    let region = format!("{}=a red house", path("labels.png"));
    let (_, warned) = said(&["new", &scene, "--size", "64x64", "--background", "a lake", "--region", &region]);
    assert!(warned.starts_with("warning: ") && warned.contains("labels.png: the brightest value"), "{warned}");
    let mask = Document::open(&scene).unwrap().regions[0].mask.clone();
    assert_eq!((mask.get(31, 5), mask.get(32, 5)), (255, 0));
    let (code, line) = refused(&["new", &path("x.ora"), "--size", "64x96", "--region", &region]);
    assert_eq!(code, Some(1));
    assert!(line.contains("labels.png") && line.contains("64×64") && line.contains("64×96"), "{line}");
    // As the mask of what may change, in a drawing.
    let (labels, photo) = (path("labels.png"), path("photo.png"));
    image::RgbImage::new(64, 64).save(&photo).unwrap();
    let args = ["--image", &photo, "--inpaint", &labels, "--steps", "2", "--model", "embedded/few_steps", "--json"];
    let out = path("out.png");
    let (report, _) = said(&[&["render", &scene, "-o", &out][..], &args].concat());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("labels.png: the brightest value"), "{warnings}");
}

#[test]
fn half_a_jpeg_is_refused_by_name() {
    let (_folder, path) = folder();
    let bytes = std::fs::read(fixture("photo-progressive.jpg")).unwrap();
    std::fs::write(path("half.jpg"), &bytes[..bytes.len() * 4 / 5]).unwrap();
    let args = ["new", &path("x.ora"), "--size", "64x96", "--image", &path("half.jpg")];
    let (code, line) = refused(&args);
    assert_eq!(code, Some(1));
    assert!(line.contains("half.jpg") && line.contains("damaged") && line.contains("cut"), "{line}");
    assert!(!Path::new(&path("x.ora")).exists());
}

#[test]
fn numbers_outside_their_limits_are_refused_with_the_limits() {
    let (_folder, path) = folder();
    let (scene, out) = (path("s.ora"), path("o.png"));
    Document::new(64, 64).save(&scene).unwrap();
    let (guidance, steps, window) = (MAX_GUIDANCE.to_string(), MAX_STEPS.to_string(), MAX_WINDOW.to_string());
    let strength = InitImage::MIN_STRENGTH.to_string();
    for (option, value, limit) in [
        ("--guidance", "150", &guidance),
        ("--guidance", "-100.5", &guidance),
        ("--guidance", "1e30", &guidance),
        ("--steps", "1001", &steps),
        ("--window", "2049", &window),
        ("--stride", "4096", &window),
        ("--strength", "0.001", &strength),
        ("--strength", "1.5", &strength),
        ("--bootstrap", "1.5", &"1".to_owned()),
        ("--lora", "x.safetensors=11", &"10".to_owned()),
    ] {
        let (code, line) = refused(&["render", &scene, "-o", &out, option, value]);
        assert_eq!(code, Some(2), "{line}");
        assert!(line.contains(option) && line.contains(value) && line.contains(limit.as_str()), "{line}");
    }
}

#[test]
fn what_is_at_the_limits_is_kept_as_it_is_and_what_is_beyond_is_told() {
    let mut document = Document::new(64, 64);
    let (_folder, path) = folder();
    let scene = path("s.ora");
    let settings = &mut document.settings;
    (settings.guidance, settings.steps) = (-MAX_GUIDANCE, MAX_STEPS);
    (settings.window, settings.stride) = (Some(MAX_WINDOW), MAX_WINDOW);
    document.save(&scene).unwrap();
    let opened = Document::open_with_notes(&scene).unwrap();
    assert_eq!((opened.document.settings, opened.notes), (document.settings.clone(), vec![]));
    let settings = &mut document.settings;
    (settings.guidance, settings.steps) = (MAX_GUIDANCE * 2.0, MAX_STEPS + 1);
    (settings.window, settings.stride) = (Some(MAX_WINDOW + 1), MAX_WINDOW + 1);
    document.save(&scene).unwrap();
    let opened = Document::open_with_notes(&scene).unwrap();
    let notes = opened.notes.join("\n");
    for word in ["guidance was 200", "steps was 1001; 1000", "window was 2049; 2048", "stride was 2049; 2048"] {
        assert!(notes.contains(word), "{word}: {notes}");
    }
}
