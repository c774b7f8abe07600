//! Colour maps: a flat-coloured picture that is dropped or imported, and the regions it becomes.

use super::painter::Painter;
use egui::{Key, Modifiers};
use image::{Rgb, RgbImage};
use polyptych::app::Command;
use polyptych::document::Document;
use std::path::{Path, PathBuf};

/// A landscape of four colours: sky, sand, a meadow and a small tower.
pub fn landscape(folder: &Path) -> PathBuf {
    let path = folder.join("landscape.png");
    let image = RgbImage::from_fn(384, 256, |x, y| {
        Rgb(match (x, y) {
            (40..90, 90..200) => [200, 40, 30],
            (_, 0..140) => [135, 206, 235],
            (220.., _) => [0, 128, 0],
            _ => [230, 200, 140],
        })
    });
    image.save(&path).expect("written");
    path
}

fn words(document: &Document) -> Vec<(&str, &str)> {
    document.regions.iter().map(|r| (r.name.as_str(), r.prompt.as_str())).collect()
}

impl Painter {
    fn writes(&mut self, field: &str, words: &str) {
        use egui_kittest::kittest::Queryable as _;
        self.h.get_by_label(field).focus();
        self.settles();
        self.types(words);
    }
}

#[test]
fn a_dropped_map_becomes_regions_above_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut painter = Painter::sits_down();
    let before = painter.document().clone();
    painter.drops(&landscape(folder.path()));
    assert!(painter.sees("each of its 4 colours becomes a region"));
    painter.clicks("Regions by colour");
    assert!(painter.sees("landscape.png · 384 × 256 · 4 colours"));
    assert!(painter.sees("scaled to cover the canvas of 768 × 512"));
    painter.writes("Words of #87ceeb", "a clear sky, morning");
    painter.writes("Words of #c8281e", "a red tower");
    painter.clicks("Use #e6c88c");
    assert_eq!(painter.document(), &before, "nothing happens before the button");
    painter.clicks("Add regions");
    let document = painter.document();
    assert_eq!(
        words(document),
        [
            ("Pines", "tall pines"),
            ("Cabin", "a wooden cabin"),
            ("a clear sky", "a clear sky, morning"),
            ("Colour #008000", ""),
            ("a red tower", "a red tower"),
        ]
    );
    let meadow = &document.regions[3];
    assert_eq!((meadow.mask.get(600, 400), meadow.mask.get(300, 400)), (255, 0));
    assert_eq!(document.regions[2].mask.get(700, 20), 255);
    assert_eq!(painter.selected(), meadow.id, "the one whose words are still to be written");
    assert!(painter.sees("3 regions were added."));
    painter.presses(Modifiers::COMMAND, Key::Z);
    assert_eq!(painter.document().regions, before.regions, "one step back");
    painter.presses(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
    assert_eq!(painter.document().regions.len(), 5);
}

#[test]
fn an_empty_canvas_takes_over_the_size_of_the_map() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = landscape(folder.path());
    for (own, size) in [(true, (384, 256)), (false, (512, 512))] {
        let mut painter = Painter::sits_down();
        painter.takes_a_new_canvas();
        painter.asks_for(Command::ImportMap);
        painter.answers_with(&path, "Import");
        painter.waits_for("the map", |a| !a.is_busy_with_files());
        if !own {
            painter.clicks("Make the canvas as large as the map: 384 × 256");
        }
        painter.clicks("Add regions");
        let document = painter.document();
        assert_eq!((document.width, document.height), size);
        assert_eq!(document.regions.len(), 4);
        assert!(document.coverage().uncovered <= 0.0);
        painter.presses(Modifiers::COMMAND, Key::Z);
        assert_eq!((painter.document().width, painter.document().regions.len()), (512, 0));
    }
}

#[test]
fn a_map_dropped_on_an_empty_canvas_is_asked_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = landscape(folder.path());
    let mut painter = Painter::sits_down();
    painter.takes_a_new_canvas();
    painter.drops(&path);
    assert!(painter.document().init_image.is_none(), "it is asked first");
    painter.clicks("Start from it");
    assert!(painter.document().init_image.is_some());
    painter.presses(Modifiers::COMMAND, Key::Z);
    painter.drops(&path);
    painter.clicks("Regions by colour");
    painter.clicks("Cancel");
    assert!(painter.document().regions.is_empty());
}

#[test]
fn what_is_no_map_is_refused_and_not_offered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photo.png");
    RgbImage::from_fn(200, 200, |x, y| Rgb([(x * y / 160) as u8, x as u8, y as u8])).save(&path).expect("written");
    let mut painter = Painter::sits_down();
    let before = painter.document().clone();
    painter.drops(&path);
    assert!(painter.sees("Start from it") && !painter.sees("Regions by colour"));
    painter.clicks("Cancel");
    painter.asks_for(Command::ImportMap);
    painter.answers_with(&path, "Import");
    painter.waits_for("the map", |a| !a.is_busy_with_files());
    assert!(painter.sees("photo.png: is shaded, not flat"));
    assert_eq!(painter.document(), &before);
}
