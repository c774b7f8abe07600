//! Projects of late and what a crash left: whether their files are there, and their small pictures.

use crate::app::kit::theme;
use egui::{ColorImage, Rect, TextureHandle, TextureOptions, Ui, vec2};
use image::RgbImage;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Room for a small picture.
const PICTURE: egui::Vec2 = vec2(96.0, 54.0);

/// The findings about a file.
pub(in crate::app) struct Seen {
    pub path: PathBuf,
    pub there: bool,
    pub picture: Option<RgbImage>,
}

/// Looks at files; slow disks make this slow, so it runs on a thread of its own.
pub(in crate::app) fn look_at(paths: Vec<PathBuf>) -> Vec<Seen> {
    let look = |path: PathBuf| {
        let there = path.is_file();
        let picture = crate::document::Document::thumbnail(&path).ok().filter(|_| there);
        Seen { path, there, picture }
    };
    paths.into_iter().map(look).collect()
}

/// The findings about the files on show.
#[derive(Default)]
pub(in crate::app) struct Shelf {
    seen: HashMap<PathBuf, (bool, Option<TextureHandle>)>,
}

impl Shelf {
    pub(in crate::app) fn take_in(&mut self, ctx: &egui::Context, seen: Vec<Seen>) {
        for Seen { path, there, picture } in seen {
            let texture = picture.map(|image| {
                let size = [image.width() as usize, image.height() as usize];
                ctx.load_texture("recent", ColorImage::from_rgb(size, image.as_raw()), TextureOptions::LINEAR)
            });
            self.seen.insert(path, (there, texture));
        }
    }

    /// False where the file is known to be gone.
    pub(in crate::app) fn is_there(&self, path: &Path) -> bool {
        self.seen.get(path).is_none_or(|(there, _)| *there)
    }

    /// Draws the small picture of a file.
    pub(in crate::app) fn picture(&self, ui: &mut Ui, path: &Path) {
        let t = theme::tokens(ui);
        let (frame, _) = ui.allocate_exact_size(PICTURE, egui::Sense::hover());
        ui.painter().rect_filled(frame, theme::ROUND_SMALL, t.desk);
        if let Some((_, Some(texture))) = self.seen.get(path) {
            let size = texture.size_vec2();
            let size = size * (PICTURE / size).min_elem();
            let place = Rect::from_center_size(frame.center(), size);
            egui::Image::from_texture((texture.id(), size)).corner_radius(theme::ROUND_SMALL).paint_at(ui, place);
        }
    }
}
