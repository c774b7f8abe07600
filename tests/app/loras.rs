//! LoRAs and added models: dropped, weighed, saved, taken away.

use super::painter::Painter;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use polyptych::app::Command;
use polyptych::checkpoint::Catalogue;
use polyptych::document::{Document, Lora};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name)
}

/// A LoRA of this name in a folder.
pub fn lora(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::copy(golden("lora/eps_kohya.safetensors"), &path).expect("copied");
    path
}

fn names(painter: &Painter) -> Vec<String> {
    painter.document().settings.loras.iter().map(Lora::name).collect()
}

#[test]
fn a_dropped_lora_is_weighed_saved_and_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let ink = lora(folder.path(), "ink.safetensors");
    let mut painter = Painter::sits_down();
    painter.drops(&ink);
    assert_eq!(painter.document().settings.loras, [Lora::new(ink.display().to_string())]);
    assert!(painter.sees("ink changes how the model draws") && painter.sees("zorkfox"));
    // One undo step, there and back.
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert!(names(&painter).is_empty() && painter.h.query_by_label("Weight of ink").is_none());
    painter.presses(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);

    painter.h.get_by_label("Weight of ink").focus();
    painter.h.run_ok();
    for _ in 0..5 {
        painter.presses(Modifiers::NONE, Key::ArrowLeft);
    }
    let weight = painter.document().settings.loras[0].weight;
    assert!(weight > 0.0 && weight < 1.0, "{weight}");

    let project = folder.path().join("scene.ora");
    painter.asks_for(Command::SaveAs);
    painter.answers_with(&project, "Save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(Document::open(&project).expect("saved").settings.loras[0].weight, weight);
    // It is there again, file or no file; only making a picture needs it.
    std::fs::remove_file(&ink).expect("removed");
    let mut again = Painter::with_data(folder.path(), Some(&project));
    assert_eq!(again.document().settings.loras, painter.document().settings.loras);
    again.clicks("Remove LoRA ink");
    assert!(names(&again).is_empty());
    again.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(names(&again), ["ink"]);
}

#[test]
fn loras_are_chosen_in_a_dialog_and_what_was_added_is_in_the_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ink, glass) = (lora(folder.path(), "ink.safetensors"), lora(folder.path(), "glass.safetensors"));
    let mut catalogue = Catalogue::open(folder.path()).expect("none yet");
    catalogue.add(&glass).expect("added");
    catalogue.add(&golden("eps")).expect("added");

    let mut painter = Painter::with_data(folder.path(), None);
    painter.asks_for(Command::AddLora);
    painter.answers_with(&ink, "Add");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(names(&painter), ["ink"]);

    painter.clicks("Model");
    painter.clicks("Add glass");
    assert_eq!(names(&painter), ["ink", "glass"]);
    painter.clicks("Model");
    painter.clicks("eps");
    let model = painter.document().settings.model.clone();
    assert_eq!(Path::new(&model), golden("eps").canonicalize().expect("there"));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document().settings.model, "embedded");
    assert_eq!(names(&painter), ["ink", "glass"]);

    // What is no LoRA is refused in words.
    painter.asks_for(Command::AddLora);
    painter.answers_with(&golden("eps/vae/diffusion_pytorch_model.safetensors"), "Add");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(painter.sees("is not a LoRA"));
    assert_eq!(names(&painter).len(), 2);
}

fn of_regions(painter: &Painter) -> Vec<Vec<String>> {
    painter.document().regions.iter().map(|region| region.loras.iter().map(Lora::name).collect()).collect()
}

#[test]
fn a_lora_dropped_on_a_card_is_that_region_s_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let ink = lora(folder.path(), "ink.safetensors");
    let mut painter = Painter::sits_down();
    let card = painter.h.get_by_label("Pines").rect().center();
    painter.h.hover_at(card);
    painter.h.run_ok();
    painter.drops(&ink);
    assert!(of_regions(&painter) == [vec!["ink".to_owned()], vec![]] && names(&painter).is_empty());
    assert!(painter.sees("ink changes how “Pines” is drawn from now on.") && painter.sees("zorkfox"));
    painter.clicks("Pines");
    painter.h.get_by_label("Weight of ink").focus();
    painter.h.run_ok();
    for _ in 0..5 {
        painter.presses(Modifiers::NONE, Key::ArrowLeft);
    }
    let weight = painter.document().regions[0].loras[0].weight;
    assert!(weight > 0.0 && weight < 1.0, "{weight}");

    // It is kept with the project, and each change is one step back.
    let project = folder.path().join("scene.ora");
    painter.asks_for(Command::SaveAs);
    painter.answers_with(&project, "Save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(Document::open(&project).expect("saved").regions[0].loras[0].weight, weight);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document().regions[0].loras[0].weight, 1.0);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(of_regions(&painter), [Vec::<String>::new(), vec![]]);
    painter.presses(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    painter.clicks("Remove LoRA ink");
    assert_eq!(of_regions(&painter), [Vec::<String>::new(), vec![]]);
}

#[test]
fn loras_of_a_region_and_of_the_background_are_chosen_on_their_cards() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ink, glass) = (lora(folder.path(), "ink.safetensors"), lora(folder.path(), "glass.safetensors"));
    let project = folder.path().join("scene.ora");
    let mut document = Document::new(256, 256);
    document.add_region("Fox", "a fox");
    document.save(&project).expect("saved");
    Catalogue::open(folder.path()).expect("none yet").add(&glass).expect("added");

    let mut painter = Painter::with_data(folder.path(), Some(&project));
    painter.clicks("Fox");
    painter.clicks("Add a LoRA to the region…");
    painter.clicks("Add glass");
    painter.asks_for(Command::AddOwnLora);
    painter.answers_with(&ink, "Add");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(of_regions(&painter), [["glass", "ink"]]);
    painter.clicks("Background");
    painter.clicks("Add a LoRA to the region…");
    painter.clicks("Add glass");
    assert_eq!(painter.document().background.loras.iter().map(Lora::name).collect::<Vec<_>>(), ["glass"]);
    assert!(names(&painter).is_empty());
}

#[test]
fn words_that_name_a_lora_are_told_of_where_it_is_not_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let glass = lora(folder.path(), "glass.safetensors");
    Catalogue::open(folder.path()).expect("none yet").add(&glass).expect("added");
    let project = folder.path().join("scene.ora");
    let mut document = Document::new(256, 256);
    document.background.prompt = "a lake <lora:glass:0.5> <lora:soft:1>".to_owned();
    document.save(&project).expect("saved");
    let mut painter = Painter::with_data(folder.path(), Some(&project));
    painter.settles();
    assert!(painter.sees("The words name LoRAs that are not known here: soft. Add their files."));
    assert!(!painter.sees("glass. Add their files"));
}

impl Painter {
    /// Clicks what is there once a file has been read.
    fn clicks_once_there(&mut self, label: &str) {
        for _ in 0..60_000 {
            self.h.step();
            if self.h.query_by_label(label).is_some() {
                return self.clicks(label);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("no {label}");
    }
}

#[test]
fn what_calls_a_lora_up_is_written_where_the_lora_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ink, glass) = (lora(folder.path(), "ink.safetensors"), lora(folder.path(), "glass.safetensors"));
    std::fs::write(folder.path().join("glass.civitai.info"), r#"{"trainedWords": ["stained glass"]}"#)
        .expect("written");
    let mut painter = Painter::sits_down();
    painter.clicks("Pines");
    let card = painter.h.get_by_label("Cabin").rect().center();
    painter.h.hover_at(card);
    painter.h.run_ok();
    painter.drops(&ink);
    let prompts = |p: &Painter| p.document().regions.iter().map(|r| r.prompt.clone()).collect::<Vec<_>>();
    // The card's own, of several phrases; whatever is selected.
    painter.clicks("Cabin");
    painter.clicks_once_there("Write what calls up ink");
    painter.clicks("zorkfox");
    assert_eq!(prompts(&painter), ["tall pines", "a wooden cabin, zorkfox"]);
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(prompts(&painter)[1], "a wooden cabin");
    // The picture's, of one phrase, into the selected card.
    let canvas = painter.h.get_by_label("Canvas").rect().center();
    painter.h.hover_at(canvas);
    painter.h.run_ok();
    painter.drops(&glass);
    painter.clicks("Pines");
    painter.clicks_once_there("Write what calls up glass");
    assert_eq!(prompts(&painter)[0], "tall pines, stained glass");
}
