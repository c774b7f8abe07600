//! Models for few steps: chosen from the list, with their settings, and left again.

use super::common::with_few_steps;
use super::painter::Painter;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use polyptych::app::Command;
use polyptych::checkpoint::Catalogue;
use polyptych::document::{Sampler, Settings};
use polyptych::studio::few_step_version;
use tempfile::TempDir;

/// Someone who has added a model with a version for few steps; the folder goes when it is let go of.
fn with_a_fox() -> (TempDir, Painter) {
    let folder = tempfile::tempdir().expect("a folder");
    let fox = folder.path().join("fox");
    with_few_steps("vpred", &fox);
    Catalogue::open(folder.path()).expect("none yet").add(&fox).expect("added");
    let painter = Painter::with_data(folder.path(), None);
    (folder, painter)
}

fn chooses_model(painter: &mut Painter, name: &str) {
    painter.clicks("Model");
    painter.clicks(name);
}

fn preset(painter: &Painter) -> (Sampler, u32, f32) {
    let Settings { sampler, steps, guidance, .. } = painter.document().settings;
    (sampler, steps, guidance)
}

#[test]
fn a_model_for_few_steps_brings_its_settings_and_leaves_the_painter_s_own() {
    let (_folder, mut painter) = with_a_fox();
    let usual = preset(&painter);
    painter.sets("Steps", "33");
    painter.sets("Guidance", "6");
    chooses_model(&mut painter, "fox");
    assert_eq!(preset(&painter), (usual.0, 33, 6.0), "another of its kind changes nothing");
    chooses_model(&mut painter, "fox, 4 steps");
    assert!(painter.document().settings.model.ends_with("few_steps"));
    assert_eq!(preset(&painter), (Sampler::Lcm, 4, 1.0));
    // One undo step, there and back.
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(preset(&painter), (usual.0, 33, 6.0));
    painter.presses(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(preset(&painter), (Sampler::Lcm, 4, 1.0));
    painter.sets("Steps", "6");
    chooses_model(&mut painter, "Built in");
    assert_eq!(preset(&painter), (usual.0, 33, 6.0), "the painter's own");
    chooses_model(&mut painter, "fox, 4 steps");
    assert_eq!(preset(&painter), (Sampler::Lcm, 6, 1.0), "and of this kind, too");

    // Another document has nothing of it.
    let Settings { sampler, steps, guidance, .. } = Settings::default();
    painter.presses(Modifiers::COMMAND, Key::N);
    painter.clicks("Square");
    painter.clicks("Create");
    painter.clicks("Don’t save");
    assert_eq!(preset(&painter), (sampler, steps, guidance));
    chooses_model(&mut painter, "fox, 4 steps");
    assert_eq!(preset(&painter), (Sampler::Lcm, 4, 1.0));
}

#[test]
fn live_pictures_tell_that_the_model_for_few_steps_draws_them() {
    let (_folder, mut painter) = with_a_fox();
    chooses_model(&mut painter, "fox");
    painter.presses(Modifiers::COMMAND, Key::L);
    painter.waits_for("all of it", |a| a.is_enabled(Command::KeepLive));
    assert!(painter.h.query_by_label_contains("steps of the model for few steps").is_some());
    painter.presses(Modifiers::COMMAND | Modifiers::SHIFT, Key::L);
    assert_eq!(painter.app().takes(), 1);
    assert!(painter.document().settings.model.ends_with("fox"), "the document draws as before");
}

#[test]
fn the_list_has_the_embedded_model_for_few_steps_where_it_is_in_the_program() {
    let mut painter = Painter::sits_down();
    painter.clicks("Model");
    let listed = painter.h.query_by_label("Built in, 4 steps").is_some();
    assert_eq!(listed, few_step_version("embedded").is_some());
    if listed {
        painter.clicks("Built in, 4 steps");
        assert_eq!(painter.document().settings.model, "embedded/few_steps");
        assert_eq!(preset(&painter), (Sampler::Lcm, 4, 1.0));
    }
}

#[test]
fn a_model_added_in_a_terminal_is_listed_when_the_window_comes_back_to_the_front() {
    let folder = tempfile::tempdir().expect("a folder");
    let fox = folder.path().join("fox");
    with_few_steps("vpred", &fox);
    let mut painter = Painter::with_data(folder.path(), None);
    Catalogue::open(folder.path()).expect("none yet").add(&fox).expect("added");
    painter.h.event(Event::WindowFocused(true));
    painter.settles();
    painter.waits_for("the list", |a| !a.is_busy_with_files());
    chooses_model(&mut painter, "fox, 4 steps");
    assert_eq!(preset(&painter), (Sampler::Lcm, 4, 1.0));
}
