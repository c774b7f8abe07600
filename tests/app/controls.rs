//! ControlNets: dropped as files and folders, chosen in dialogs and in the panel of models, and given a picture to follow.

use super::common::goldens;
use super::common::single::SingleFile;
use super::painter::Painter;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use polyptych::app::Command;
use polyptych::checkpoint::Catalogue;
use polyptych::document::{Control, ControlMap};
use std::path::PathBuf;

/// A ControlNet's folder.
fn folder() -> PathBuf {
    goldens().join("control/eps")
}

fn names(controls: &[Control]) -> Vec<String> {
    controls.iter().map(Control::name).collect()
}

impl Painter {
    /// Brings a button into sight and clicks it.
    fn opens_where_it_is(&mut self, label: &str) {
        self.h.get_by_label(label).scroll_to_me();
        self.settles();
        self.clicks(label);
    }

    /// Lets a file fall where this is.
    fn drops_on(&mut self, label: &str, path: &std::path::Path) {
        let at = self.h.get_by_label(label).rect().center();
        self.h.hover_at(at);
        self.h.run_ok();
        self.drops(path);
        self.waits_for("the file", |a| !a.is_busy_with_files());
    }
}

#[test]
fn a_dropped_controlnet_counts_where_it_falls_and_follows_a_picture_that_falls_on_it() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = SingleFile::control_net("sd1").write(elsewhere.path(), "depth.safetensors");
    let mut painter = Painter::sits_down();
    painter.drops_on("Pines", &folder());
    assert_eq!(names(&painter.document().regions[0].controls), ["eps"]);
    assert!(painter.document().controls.is_empty());
    painter.drops_on("Canvas", &file);
    assert_eq!(names(&painter.document().controls), ["depth"]);
    assert!(painter.sees("makes the drawing follow your regions"));

    // The rows are in sight, and each takes what falls on it.
    let map = goldens().join("masks/hard1.png");
    painter.drops_on("Strength of eps", &map);
    let document = painter.document();
    let Some(ControlMap::Picture(picture)) = document.regions[0].controls.first().map(|control| &control.map) else {
        panic!("it follows the picture")
    };
    assert_eq!(picture.dimensions(), (document.width, document.height));
    assert_eq!(document.controls[0].map, ControlMap::Segments, "the other row's does not");
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document().regions[0].controls[0].map, ControlMap::Segments);
    // However much is unfolded below them, cards keep their place.
    for count in 1..4 {
        painter.drops_on("Cabin", &folder());
        assert_eq!(painter.document().regions[1].controls.len(), count);
    }
}

#[test]
fn a_folder_of_a_controlnet_is_chosen_as_a_file_is() {
    let data = tempfile::tempdir().expect("a folder");
    let file = SingleFile::control_net("sd1").write(data.path(), "depth.safetensors");
    Catalogue::open(data.path()).expect("none yet").add(&folder()).expect("added");
    let mut painter = Painter::with_data(data.path(), None);
    painter.waits_for("the list", |a| !a.is_busy_with_files());
    painter.asks_for(Command::Models);
    painter.waits_for("the list", |a| !a.is_busy_with_files());
    painter.clicks("Parts and controls 1");
    painter.clicks("Add eps");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    painter.presses(Modifiers::NONE, Key::Escape);
    assert_eq!(names(&painter.document().controls), ["eps"]);

    painter.opens_where_it_is("Add a ControlNet");
    painter.clicks("A folder, for the whole picture…");
    painter.answers_with(&folder(), "Add");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    painter.opens_where_it_is("Add a ControlNet");
    painter.clicks("For the whole picture…");
    painter.answers_with(&file, "Add");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert_eq!(names(&painter.document().controls), ["eps", "eps", "depth"]);
    // A folder that is none is told of.
    painter.opens_where_it_is("Add a ControlNet");
    painter.clicks("A folder, for the whole picture…");
    painter.answers_with(&goldens().join("masks"), "Add");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    assert!(painter.sees("ControlNet (no config.json in it)"));
    assert_eq!(painter.document().controls.len(), 3);
}
