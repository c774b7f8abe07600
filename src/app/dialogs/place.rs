//! The question what a picture is for: to start from, a mask, regions by its colours, or a document of its own.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::kit::background::Asked;
use crate::app::kit::theme;
use crate::app::session::import::Placed;
use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;
use crate::document::{ColourMap, Picture, Region, RegionId, is_grey};
use egui::{ColorImage, Rect, TextureHandle, TextureOptions, Ui, vec2};
use std::path::PathBuf;
use std::sync::Arc;

/// The uses of a picture.
pub(in crate::app) enum Use {
    /// The init image.
    Start(Arc<Picture>),
    /// A region's mask.
    Mask(RegionId, Arc<Picture>),
    /// The regions of a colour map of this name.
    Regions(String, Arc<ColourMap>),
    /// A document of its own.
    Open(PathBuf),
}

/// Asks once what a picture is for.
pub(in crate::app) struct AskPlace {
    placed: Placed,
    grey: bool,
    /// The test of whether it is a colour map, while that is being found out.
    asked: Option<Asked<Option<Arc<ColourMap>>>>,
    shown: Option<TextureHandle>,
}

impl AskPlace {
    pub(in crate::app) fn new(placed: Placed, asked: Option<Asked<Option<Arc<ColourMap>>>>) -> Self {
        let grey = is_grey(&placed.picture.image);
        Self { placed, grey, asked, shown: None }
    }
}

impl Dialog for AskPlace {
    type Answer = Use;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Use> {
        self.look();
        let region = view.editor.selected_region();
        let (mut answer, mut cancel) = (None, false);
        let close = modal(ui, tr("What is this picture for?"), 520.0, |ui| {
            self.preview(ui);
            if self.placed.told.is_some() {
                ui.label(tr("Open it: a new picture with the words and settings that are kept in this one."));
            }
            ui.label(tr("Start from it: the drawing begins with this picture instead of noise."));
            if let Some(region) = region {
                ui.label(fill("Mask: {0} covers what is white in it, or opaque.", &[&names::shown(&region.name)]));
            }
            if let Some(map) = &self.placed.map {
                let count = map.colours().len();
                ui.label(fill("Regions by colour: each of its {0} colours becomes a region.", &[&count]));
            }
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                let uses = self.uses(region);
                for (at, (wanted, text)) in uses.into_iter().enumerate().rev() {
                    if if at == 0 { main(ui, &text, true) } else { other(ui, &text) } {
                        answer = Some(wanted);
                    }
                }
            });
        });
        outcome(answer, close || cancel)
    }
}

impl AskPlace {
    /// Its uses and what their buttons say, the likeliest first.
    fn uses(&self, region: Option<&Region>) -> Vec<(Use, String)> {
        let Placed { name, picture, map, told } = &self.placed;
        // (A button has no room for a long name.)
        let short = |name: &str| name.chars().take(24).collect::<String>();
        let mask = region.map(|region| {
            (Use::Mask(region.id, Arc::clone(picture)), fill("Mask of {0}", &[&short(&names::shown(&region.name))]))
        });
        let start = Some((Use::Start(Arc::clone(picture)), tr("Start from it").to_owned()));
        let regions =
            map.as_ref().map(|map| (Use::Regions(name.clone(), Arc::clone(map)), tr("Regions by colour").to_owned()));
        let open = told.as_ref().map(|path| (Use::Open(path.clone()), tr("Open it").to_owned()));
        // Grey pictures are masks more often than not, flat ones of colours are maps.
        let uses = if self.grey { [mask, open, regions, start] } else { [open, regions, start, mask] };
        uses.into_iter().flatten().collect()
    }

    /// Takes in whether the picture is a colour map, once that is known.
    fn look(&mut self) {
        match self.asked.take().map(Asked::answer) {
            Some(Ok(map)) => self.placed.map = map,
            Some(Err(asked)) => self.asked = asked,
            None => {}
        }
    }

    fn preview(&mut self, ui: &mut Ui) {
        let room = vec2(ui.available_width(), 160.0);
        let texture = self.shown.get_or_insert_with(|| {
            let (width, height) = self.placed.picture.image.dimensions();
            let scale = (512.0 / f64::from(width.max(height))).min(1.0);
            let side = |v: u32| ((f64::from(v) * scale).round() as u32).max(1);
            let small = image::imageops::thumbnail(&self.placed.picture.image, side(width), side(height));
            let size = [small.width() as usize, small.height() as usize];
            ui.load_texture("dropped", ColorImage::from_rgba_unmultiplied(size, small.as_raw()), TextureOptions::LINEAR)
        });
        let (frame, _) = ui.allocate_exact_size(room, egui::Sense::hover());
        ui.painter().rect_filled(frame, theme::ROUND_SMALL, theme::tokens(ui).desk);
        let size = texture.size_vec2();
        let size = size * (room / size).min_elem();
        egui::Image::from_texture((texture.id(), size)).paint_at(ui, Rect::from_center_size(frame.center(), size));
        let (width, height) = self.placed.picture.image.dimensions();
        let told = format!("{} · {width} × {height}", self.placed.name);
        ui.label(egui::RichText::new(told).size(theme::TEXT_SMALL).color(theme::tokens(ui).text_weak));
    }
}
