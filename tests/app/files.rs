//! Files: what is kept after a crash, recent projects, drops, the clipboard, exports, and what the studio remembers.

use super::painter::{Kept, Painter, Pretender, english};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use image::{Rgb, RgbImage};
use polyptych::app::{App, Command, FileDialogs, Options};
use polyptych::document::{Area, Document};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

impl Painter {
    /// In a studio that keeps unsaved work in this folder, at once.
    pub fn with_data(data: &Path, project: Option<&Path>) -> Self {
        Self::opens(Options {
            project: project.map(Into::into),
            engine: Some(Box::new(Pretender::default())),
            file_dialogs: FileDialogs::Own,
            data: Some(data.into()),
            autosave_every: Some(Duration::ZERO),
            ..english()
        })
    }

    /// Begins something that is never saved.
    fn begins_a_house(&mut self) {
        self.takes_a_new_canvas();
        self.clicks("Add region");
        self.types("a red house");
        self.waits_for("the copy", |a| !a.is_busy_with_files());
    }

    /// Drops a file with whatever else is dropped in this frame.
    pub fn lets_fall(&mut self, path: &Path) {
        self.h.input_mut().dropped_files.push(Arc::new(Dropped(path.into())));
    }

    pub fn drops(&mut self, path: &Path) {
        self.lets_fall(path);
        self.h.step();
        self.waits_for("the file", |a| !a.is_busy_with_files());
    }

    pub fn asks_for(&mut self, command: Command) {
        let ctx = self.h.ctx.clone();
        self.h.state_mut().perform(&ctx, command);
        self.h.run_ok();
    }

    pub fn sees(&self, text: &str) -> bool {
        self.h.query_all_by_label_contains(text).next().is_some()
    }

    /// Waits for what a thread finds out.
    pub fn waits_to_see(&mut self, text: &str) {
        let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
        while !self.sees(text) {
            assert!(std::time::Instant::now() < end, "waited a minute for “{text}”");
            self.h.step();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A project of its own in a folder.
fn project(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let mut document = Document::new(128, 64);
    document.background.prompt = "a lake".to_owned();
    document.add_region("Only", "one");
    document.save(&path).expect("saved");
    path
}

#[test]
fn a_crash_loses_nothing() {
    let (data, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let path = project(folder.path(), "lake.ora");
    let saved = std::fs::read(&path).expect("there");

    let mut painter = Painter::with_data(data.path(), Some(&path));
    assert_eq!(files(folder.path()), ["lake.ora"], "nothing is kept of what is saved");
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    painter.waits_for("the copy", |a| !a.is_busy_with_files());
    let painted = painter.document().clone();
    assert_eq!(files(folder.path()).len(), 2, "a copy beside the project");
    assert_eq!(std::fs::read(&path).expect("there"), saved, "the project itself is untouched");
    drop(painter); // The power fails.

    let mut painter = Painter::with_data(data.path(), None);
    assert!(painter.sees("Bring back your work?"));
    assert!(painter.sees("Kept less than a minute ago"), "it says when it was");
    painter.clicks("Bring back lake.ora");
    painter.waits_for("the copy", |a| !a.is_busy_with_files());
    assert_eq!(painter.document(), &painted);
    assert!(painter.app().editor().is_unsaved());
    assert_eq!(painter.app().editor().path(), Some(path.as_path()), "Save goes to where it came from");
    painter.presses(Modifiers::COMMAND, Key::S);
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    painter.h.step();
    assert_eq!(Document::open(&path).expect("saved").regions, painted.regions);
    assert_eq!(files(folder.path()), ["lake.ora"], "saved, so nothing is kept");
    drop(painter);

    let painter = Painter::with_data(data.path(), None);
    assert!(!painter.sees("Bring back your work?"), "it is asked once");
}

#[test]
fn what_was_never_saved_comes_back_too_or_is_thrown_away() {
    let data = tempfile::tempdir().expect("a folder");
    let mut painter = Painter::with_data(data.path(), None);
    painter.begins_a_house();
    drop(painter);
    let mut painter = Painter::with_data(data.path(), None);
    assert!(painter.sees("never saved"));
    // Not now: it is offered again.
    painter.clicks("Later");
    drop(painter);
    let mut painter = Painter::with_data(data.path(), None);
    painter.clicks("Bring back Untitled");
    painter.waits_for("the copy", |a| !a.is_busy_with_files());
    assert_eq!(painter.document().regions[0].prompt, "a red house");
    drop(painter);
    let mut painter = Painter::with_data(data.path(), None);
    let side = |painter: &Painter, name: &str| painter.h.get_by_label(name).rect();
    let apart = side(&painter, "Bring back Untitled").left() - side(&painter, "Throw away: Untitled").right();
    assert!(apart >= 32.0, "a slip of the hand throws nothing away: {apart}");
    painter.clicks("Throw away: Untitled");
    assert!(painter.sees("Thrown away") && painter.sees("Bring back your work?"));
    painter.clicks("Undo: Untitled");
    assert!(painter.sees("never saved") && !painter.sees("Thrown away"));
    painter.clicks("Throw away: Untitled");
    painter.clicks("Close");
    assert!(!painter.sees("Bring back your work?"));
    drop(painter);
    assert!(!Painter::with_data(data.path(), None).sees("Bring back your work?"));
}

#[test]
fn a_proper_end_leaves_nothing_behind() {
    let data = tempfile::tempdir().expect("a folder");
    let mut painter = Painter::with_data(data.path(), None);
    painter.begins_a_house();
    assert_eq!(files(&data.path().join("recovery")).len(), 3, "copy, record and lock");
    painter.presses(Modifiers::COMMAND, Key::Q);
    painter.clicks("Don’t save");
    painter.h.run_ok();
    assert_eq!(files(&data.path().join("recovery")), Vec::<String>::new());
}

#[test]
fn recent_projects_are_a_click_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (project(folder.path(), "first.ora"), project(folder.path(), "second.ora"));
    let mut painter = Painter::with(Some(&first), Box::new(Pretender::default()));
    painter.drops(&second);
    assert_eq!(painter.app().editor().title(), "second.ora");
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    let painted = painter.document().clone();
    painter.presses(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::O);
    painter.waits_for("the thumbnails", |a| !a.is_busy_with_files());
    painter.clicks("Open first.ora");
    painter.clicks("Cancel");
    assert_eq!(painter.document(), &painted, "unsaved work is asked about first");
    painter.asks_for(Command::Recent);
    painter.clicks("Open first.ora");
    painter.clicks("Don’t save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(painter.app().editor().title(), "first.ora");

    std::fs::remove_file(&second).expect("removed");
    painter.asks_for(Command::Recent);
    painter.waits_for("the thumbnails", |a| !a.is_busy_with_files());
    assert!(painter.sees("This file is no longer there."));
    painter.clicks("Remove second.ora");
    assert!(!painter.sees("This file is no longer there."));
    painter.clicks("Close");
    // The menu has what is left.
    painter.clicks("File");
    painter.clicks("Open recent");
    assert!(painter.h.query_by_label("first.ora").is_some());
    assert!(painter.h.query_by_label("second.ora").is_none());
}

#[test]
fn a_dropped_picture_becomes_what_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("photo.jpg");
    RgbImage::from_pixel(300, 200, Rgb([10, 200, 30])).save(&photo).expect("writes");
    let mut painter = Painter::sits_down();
    painter.drops(&photo);
    assert!(painter.document().init_image.is_none(), "it is asked first");
    painter.clicks("Start from it");
    let start = painter.document().init_image.clone().expect("a start");
    assert_eq!(start.image.dimensions(), (768, 512));
    assert_eq!(start.area, Area::Everything);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(painter.document().init_image.is_none());

    let shape = folder.path().join("shape.png");
    image::GrayImage::from_fn(768, 512, |x, _| image::Luma([if x < 100 { 255 } else { 0 }]))
        .save(&shape)
        .expect("writes");
    let before = painter.document().clone();
    painter.drops(&shape);
    painter.clicks("Mask of Cabin");
    let mask = &painter.app().editor().selected_region().expect("selected").mask;
    assert_eq!((mask.get(99, 5), mask.get(100, 5)), (255, 0));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document(), &before);

    // On a card there is nothing to ask.
    let card = painter.h.get_by_label("Pines").rect().center();
    painter.h.hover_at(card);
    painter.h.run_ok();
    painter.drops(&shape);
    assert_eq!(painter.document().regions[0].mask.get(99, 5), 255);
    assert_eq!(painter.document().regions[0].mask.get(110, 400), 0);
}

#[test]
fn a_dropped_export_brings_back_its_project() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("picture.png");
    let mut document = Document::new(64, 64);
    document.add_region("Inside", "the picture");
    document.export_png(&path, &RgbImage::new(64, 64), true).expect("exported");
    let mut painter = Painter::sits_down();
    painter.paints(&[(20.0, 20.0), (60.0, 40.0)]);
    painter.drops(&path);
    painter.clicks("Don’t save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(painter.document().regions[0].name, "Inside");
}

#[test]
fn what_cannot_be_used_is_said_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = br#"{"lora_te_text_model.hada_w1_a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#;
    let mut lora = (header.len() as u64).to_le_bytes().to_vec();
    lora.extend(header);
    let mut painter = Painter::sits_down();
    let before = painter.document().clone();
    for (name, bytes, said) in [
        (
            "style.safetensors",
            lora.as_slice(),
            "style.safetensors: has lora_te_text_model.hada_w1_a without its other factor",
        ),
        ("old.ckpt", b"\x80\x02 pickle", "pickle"),
        ("notes.txt", b"hello", "is not a picture"),
        ("torn.jpg", b"\xff\xd8\xff\xe0 and no more", "the picture is damaged"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        painter.drops(&path);
        assert!(painter.sees(said), "{name}");
        assert_eq!(painter.document(), &before);
    }
}

#[test]
fn pictures_go_to_the_clipboard_and_come_from_it() {
    let mut painter = Painter::sits_down();
    assert!(!painter.app().is_enabled(Command::CopyPicture), "there is none yet");
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    let take = painter.document().take.clone().expect("kept");
    painter.h.input_mut().events.push(Event::Key {
        key: Key::C,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::COMMAND.plus(Modifiers::SHIFT),
    });
    painter.h.step();
    let copied = painter.h.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyImage(image) => Some(image.clone()),
        _ => None,
    });
    let copied = copied.expect("a picture on the clipboard");
    assert_eq!(copied.size, [768, 512]);
    assert_eq!(copied.pixels[5].to_array()[..3], take.image.get_pixel(5, 0).0);

    painter.h.event(Event::PasteImage(Arc::new(copied)));
    painter.h.run_ok();
    painter.clicks("Start from it");
    assert_eq!(painter.document().init_image.as_ref().expect("a start").image, take.image);
}

#[test]
fn pictures_are_exported_with_and_without_what_they_were_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    let take = painter.document().take.clone().expect("kept");
    let mut export = |format: &str, name: &str, toggle: &str| {
        let path = folder.path().join(name);
        painter.presses(Modifiers::COMMAND, Key::E);
        painter.clicks(format);
        if !toggle.is_empty() {
            painter.clicks(toggle);
        }
        painter.clicks("Export…");
        painter.answers_with(&path, "Export");
        painter.waits_for("the file", |a| !a.is_busy_with_files());
        path
    };
    let png = export("PNG", "with.png", "");
    assert_eq!(Document::open(&png).expect("a project").regions.len(), 2);
    let webp = export("WebP", "with.webp", "");
    assert_eq!(image::open(&webp).expect("a picture").to_rgb8(), *take.image, "lossless");
    let words = |path: &Path| {
        let wide: Vec<u8> = "tall pines".encode_utf16().flat_map(u16::to_be_bytes).collect();
        std::fs::read(path).expect("there").windows(wide.len()).any(|w| w == wide)
    };
    assert!(words(&webp));
    let jpeg = export("JPEG", "with.jpg", "");
    assert!(words(&jpeg));
    assert_eq!(image::open(&jpeg).expect("a picture").to_rgb8().dimensions(), (768, 512));

    let jpeg = export("JPEG", "without.jpg", "Keep words and settings inside");
    assert!(!words(&jpeg));
    let webp = export("WebP", "without.webp", "");
    assert!(!words(&webp), "the choice is remembered");
    let png = export("PNG", "without.png", "");
    let bytes = std::fs::read(&png).expect("there");
    for chunk in [b"tEXt", b"iTXt", b"zTXt"] {
        assert!(!bytes.windows(4).any(|w| w == chunk), "it tells nothing");
    }
    assert!(Document::open(&png).is_err());
}

#[test]
fn a_mask_goes_out_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cabin.png");
    let mut painter = Painter::sits_down();
    let mask = painter.mask(painter.selected());
    painter.asks_for(Command::ExportMask);
    painter.answers_with(&path, "Export");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(Document::import_mask(&path, 768, 512).expect("a mask").to_raw(), mask);
    painter.presses(Modifiers::SHIFT, Key::C);
    assert!(painter.mask(painter.selected()).iter().all(|v| *v == 0));
    painter.drops(&path);
    painter.clicks("Mask of Cabin");
    assert_eq!(painter.mask(painter.selected()), mask);
}

#[test]
fn the_studio_remembers_until_it_is_reset() {
    let mut painter = Painter::sits_down();
    painter.presses(Modifiers::COMMAND.plus(Modifiers::ALT), Key::Plus);
    assert!((painter.h.ctx.zoom_factor() - 1.1).abs() < 1e-6);
    painter.asks_for(Command::ThemeLight);
    painter.presses(Modifiers::COMMAND, Key::Backslash);
    assert!(painter.h.query_by_label("Add region").is_none(), "the panels are put away");
    // Kept for the life of the test's program: the window it is lent to has no shorter one.
    let drawer: &'static mut Kept = Box::leak(Box::default());
    eframe::App::save(painter.h.state_mut(), drawer);
    let drawer: &'static Kept = drawer;

    // The next day.
    let options = Options { engine: Some(Box::new(Pretender::default())), ..english() };
    let mut h = Harness::builder().with_size(vec2(1440.0, 900.0)).build_eframe(|cc| {
        cc.storage = Some(drawer);
        App::new(cc, options)
    });
    h.run_ok();
    let mut painter = Painter { h };
    assert!((painter.h.ctx.zoom_factor() - 1.1).abs() < 1e-6);
    assert!(painter.app().is_on(Command::ThemeLight));
    assert!(painter.h.query_by_label("Add region").is_none());

    let document = painter.document().clone();
    painter.asks_for(Command::ResetStudio);
    painter.clicks("Cancel");
    assert!(painter.app().is_on(Command::ThemeLight), "asked first");
    painter.asks_for(Command::ResetStudio);
    painter.clicks("Reset");
    assert!((painter.h.ctx.zoom_factor() - 1.0).abs() < 1e-6);
    assert_eq!(painter.h.ctx.theme(), egui::Theme::Dark);
    assert!(painter.h.query_by_label("Add region").is_some());
    assert_eq!(painter.document(), &document, "documents are untouched");
}

#[test]
fn regions_are_shared_without_their_masks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.json");
    let mut painter = Painter::sits_down();
    painter.h.get_by_role_and_label(Role::TextInput, "Style").focus();
    painter.h.run_ok();
    painter.types("an oil painting");
    assert_eq!(painter.document().style, "an oil painting");
    let shared = painter.document().clone();
    painter.asks_for(Command::ExportRegions);
    painter.answers_with(&path, "Export");
    painter.waits_for("the file", |a| !a.is_busy_with_files());

    let mut other = Painter::sits_down();
    other.takes_a_new_canvas();
    other.asks_for(Command::ImportRegions);
    other.answers_with(&path, "Import");
    other.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(other.document().style, shared.style);
    assert_eq!(other.document().background, shared.background);
    let cards =
        |d: &Document| d.regions.iter().map(|r| (r.name.clone(), r.prompt.clone(), r.colour)).collect::<Vec<_>>();
    assert_eq!(cards(other.document()), cards(&shared));
    assert!(other.document().regions.iter().all(|r| r.mask.is_blank() && r.mask.width() == 512));
    other.presses(Modifiers::COMMAND, Key::Z);
    assert!(other.document().regions.is_empty(), "one step takes them back");

    std::fs::write(&path, "{\"polyptych_regions\": 1, \"regions\": [7]}").expect("written");
    other.asks_for(Command::ImportRegions);
    other.answers_with(&path, "Import");
    other.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(other.sees("is not a file of regions"));
}
