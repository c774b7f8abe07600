//! What painters bring from other programs, and what is never written over.

use super::painter::{Painter, Pretender};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use polyptych::app::Command;
use polyptych::document::{Carry, Document};
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

/// A painting as a layer program saves it: a group of two layers, each of many colours, and what they make together.
pub fn painting(folder: &Path) -> PathBuf {
    let layer = |width, height| {
        let image = RgbaImage::from_fn(width, height, |x, y| Rgba([x as u8, y as u8, 200, 255]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).expect("encoded");
        bytes.into_inner()
    };
    let stack = r#"<image w="128" h="96"><stack><stack name="castle" opacity="0.5">
        <layer name="walls" src="data/a.png" composite-op="svg:multiply"/></stack>
        <layer name="sky" src="data/b.png"/></stack></image>"#;
    let path = folder.join("painting.ora");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).expect("made"));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let entries: [(&str, Vec<u8>); 5] = [
        ("mimetype", b"image/openraster".to_vec()),
        ("stack.xml", stack.into()),
        ("data/a.png", layer(80, 60)),
        ("data/b.png", layer(128, 96)),
        ("mergedimage.png", layer(128, 96)),
    ];
    for (name, bytes) in entries {
        zip.start_file(name, stored).expect("begun");
        zip.write_all(&bytes).expect("written");
    }
    zip.finish().expect("whole");
    path
}

fn opens(path: &Path) -> Painter {
    Painter::with(Some(path), Box::new(Pretender::default()))
}

impl Painter {
    fn saves(&mut self) {
        self.presses(Modifiers::COMMAND, Key::S);
        self.waits_for("the file", |a| !a.is_busy_with_files());
        self.h.step();
    }

    pub fn chooses_file(&mut self, command: Command, path: &Path, button: &str) {
        self.asks_for(command);
        self.answers_with(path, button);
        self.waits_for("the file", |a| !a.is_busy_with_files());
    }
}

#[test]
fn a_painting_of_another_program_is_not_saved_over_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = painting(folder.path());
    let theirs = std::fs::read(&path).expect("there");
    let mut painter = opens(&path);
    assert_eq!(painter.document().regions.len(), 2);
    assert!(painter.document().init_image.is_some(), "the painting itself is there to be seen");
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    painter.saves();
    assert!(painter.sees("Save over this file?"));
    assert_eq!(std::fs::read(&path).expect("there"), theirs);
    painter.clicks("Cancel");
    assert!(painter.app().editor().is_unsaved());

    // It is offered a name of its own, beside the painting.
    painter.saves();
    painter.clicks("Save as a new file…");
    painter.clicks("Save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    let own = folder.path().join("painting (Polyptych).ora");
    assert_eq!(Document::open(&own).expect("a project").regions.len(), 2);
    assert_eq!(std::fs::read(&path).expect("there"), theirs);
    // From now on that is the project, and nothing is asked.
    painter.paints(&[(20.0, 60.0), (60.0, 70.0)]);
    painter.saves();
    assert!(!painter.sees("Save over this file?") && !painter.app().editor().is_unsaved());
    assert_eq!(std::fs::read(&path).expect("there"), theirs);
}

#[test]
fn who_wants_to_replace_it_may() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = painting(folder.path());
    let mut painter = opens(&path);
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    painter.saves();
    painter.clicks("Replace it");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(!painter.app().editor().is_unsaved());
    assert_eq!(Document::open(&path).expect("ours now").regions, painter.document().regions);
    painter.paints(&[(20.0, 60.0), (60.0, 70.0)]);
    painter.saves();
    assert!(!painter.app().editor().is_unsaved(), "it is asked once");
}

#[test]
fn a_crash_does_not_make_a_painting_ours() {
    let (data, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let path = painting(folder.path());
    let theirs = std::fs::read(&path).expect("there");
    let mut painter = Painter::with_data(data.path(), Some(&path));
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    painter.waits_for("the copy", |a| !a.is_busy_with_files());
    drop(painter);
    let mut painter = Painter::with_data(data.path(), None);
    painter.clicks("Bring back painting.ora");
    painter.waits_for("the copy", |a| !a.is_busy_with_files());
    painter.saves();
    assert!(painter.sees("Save over this file?"));
    assert_eq!(std::fs::read(&path).expect("there"), theirs);
}

#[test]
fn exports_replace_nothing_the_painting_is_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let lora = folder.path().join("ink.safetensors.json");
    std::fs::write(&lora, b"read by the picture").expect("written");
    let project = folder.path().join("scene.ora");
    let mut document = Document::new(128, 96);
    document.add_region("House", "a red house");
    document.settings.loras.push(polyptych::document::Lora::new(lora.display().to_string()));
    document.save(&project).expect("saved");
    let mut painter = opens(&project);
    painter.asks_for(Command::ExportRegions);
    painter.answers_with(&lora, "Export");
    assert!(painter.sees("is what this is made from"), "it is said while one can still choose another");
    assert_eq!(std::fs::read(&lora).expect("there"), b"read by the picture");
    painter.answers_with(&folder.path().join("gone/regions.json"), "Export");
    assert!(painter.sees("there is no folder"));
    painter.answers_with(&folder.path().join("regions.json"), "Export");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(folder.path().join("regions.json").is_file());
}

#[test]
fn any_picture_can_be_opened_placed_or_taken_as_a_mask() {
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("photo.jpg");
    RgbImage::from_fn(160, 128, |x, y| Rgb([x as u8, y as u8, 60])).save(&photo).expect("written");
    let mut painter = Painter::sits_down();
    // Open makes a canvas of its size, which starts from it, and has no file yet that Save would write over.
    painter.chooses_file(Command::Open, &photo, "Open");
    let document = painter.document();
    assert_eq!((document.width, document.height), (160, 128));
    let start = document.init_image.clone().expect("it starts from it");
    assert_eq!(*start.image, image::open(&photo).expect("a picture").to_rgb8());
    assert_eq!(painter.app().editor().path(), None);

    // Placed, it is asked what it is for.
    let mut painter = Painter::sits_down();
    painter.chooses_file(Command::PlacePicture, &photo, "Choose");
    painter.clicks("Start from it");
    assert_eq!(painter.document().init_image.as_ref().expect("a start").image.dimensions(), (768, 512));

    let mask = folder.path().join("mask.webp");
    let shape = RgbImage::from_fn(768, 512, |x, _| Rgb([if x < 384 { 255 } else { 0 }; 3]));
    shape.save(&mask).expect("written");
    painter.chooses_file(Command::ImportMask, &mask, "Import");
    assert_eq!(painter.mask(painter.selected()).iter().filter(|v| **v == 255).count(), 384 * 512);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_ne!(painter.mask(painter.selected()).iter().filter(|v| **v == 255).count(), 384 * 512);
}

#[test]
fn a_picker_says_what_it_was_asked_for() {
    let golden = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
    let mut painter = Painter::sits_down();
    painter.chooses_file(Command::AddLora, &golden("masks/hard1.png"), "Add");
    assert!(painter.document().settings.loras.is_empty());
    assert!(painter.sees("LoRA"));
    painter.chooses_file(Command::PlacePicture, &golden("lora/eps_kohya.safetensors"), "Choose");
    assert!(painter.sees("is not a picture that can be read here"));
    assert!(painter.document().settings.loras.is_empty());
}

#[test]
fn a_folder_without_a_model_leaves_the_model_and_its_settings_alone() {
    let empty = tempfile::tempdir().expect("a folder");
    let mut painter = Painter::sits_down();
    let before = painter.document().settings.clone();
    painter.clicks("Model");
    painter.clicks("Choose a model folder…");
    painter.answers_with(empty.path(), "Choose");
    painter.waits_for("the folder to be looked at", |a| !a.is_busy_with_files());
    assert!(painter.h.query_all_by_label("Dismiss message").next().is_some(), "it says why");
    assert_eq!(painter.document().settings, before);
}

#[test]
fn a_picture_that_tells_how_it_was_made_is_opened_with_its_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("web.png");
    let mut document = Document::new(128, 96);
    "a stone tower".clone_into(&mut document.background.prompt);
    "fog".clone_into(&mut document.background.negative);
    (document.settings.seed, document.settings.steps) = (4_294_967_301, 24);
    // As other programs write it: words and settings, and no project.
    let carry = Carry { parameters: true, project: false };
    document.export_png_with(&path, &RgbImage::new(128, 96), carry).expect("written");
    let mut painter = Painter::sits_down();
    painter.drops(&path);
    painter.clicks("Open it");
    painter.waits_for("the picture", |a| !a.is_busy_with_files());
    let opened = painter.document();
    assert_eq!((opened.width, opened.height), (128, 96));
    assert_eq!((&*opened.background.prompt, &*opened.background.negative), ("a stone tower", "fog"));
    assert_eq!((opened.settings.seed, opened.settings.steps), (4_294_967_301, 24));
    assert_eq!(opened.take.as_ref().expect("the picture itself").seed, 4_294_967_301);
    // Or it is a picture like any other.
    let mut painter = Painter::sits_down();
    painter.chooses_file(Command::PlacePicture, &path, "Choose");
    painter.clicks("Start from it");
    assert!(painter.document().init_image.is_some() && painter.document().background.prompt == "a mountain lake");
}

#[test]
fn a_project_named_from_the_working_folder_has_a_folder_of_its_own() {
    let painter = opens(Path::new("assets/examples/summer-farm.ora"));
    let path = painter.app().editor().path().expect("a project");
    assert!(path.is_absolute() && path.ends_with("assets/examples/summer-farm.ora"));
}

#[test]
fn another_programs_work_on_an_open_project_is_not_saved_over_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scene.ora");
    Document::new(128, 96).save(&path).expect("saved");
    let mut painter = opens(&path);
    painter.clicks("Add region");
    painter.saves();
    assert!(!painter.app().editor().is_unsaved(), "nothing is asked of one's own work");
    let mut theirs = Document::new(128, 96);
    "painted elsewhere meanwhile".clone_into(&mut theirs.background.prompt);
    theirs.save(&path).expect("saved");
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    painter.saves();
    assert!(painter.sees("another program has written into it"));
    painter.clicks("Cancel");
    assert_eq!(Document::open(&path).expect("whole").background.prompt, "painted elsewhere meanwhile");
    painter.saves();
    painter.clicks("Replace it");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(Document::open(&path).expect("whole").regions.len(), 1);
    painter.paints(&[(20.0, 60.0), (60.0, 70.0)]);
    painter.saves();
    assert!(!painter.app().editor().is_unsaved());
}
