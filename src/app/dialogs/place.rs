//! The question what a picture is for: to start from, a mask, regions by its colours, or a document of its own.

use crate::app::App;
use crate::app::dialogs::{Dialog, Next, buttons, main, modal, other};
use crate::app::kit::background::Asked;
use crate::app::kit::theme;
use crate::app::session::close::Leave;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use crate::document::{ColourMap, Mask, Picture, RegionId, is_grey, over_white};
use egui::{ColorImage, Rect, TextureHandle, TextureOptions, Ui, vec2};
use image::RgbaImage;
use std::path::PathBuf;
use std::sync::Arc;

/// A picture that was dropped, pasted or chosen.
pub(in crate::app) struct Placed {
    /// Its name, as a person knows it.
    pub name: String,
    pub picture: Arc<Picture>,
    /// Its regions, where it is a colour map.
    pub map: Option<Arc<ColourMap>>,
    /// Its file, where that tells with which words and settings another program made it.
    pub told: Option<PathBuf>,
}

/// The uses of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Mask,
    Regions,
    Open,
}

/// Asks once what a picture is for.
pub(in crate::app) struct PlaceForm {
    placed: Placed,
    grey: bool,
    /// The test of whether it is a colour map, while that is being found out.
    asked: Option<Asked<Option<Arc<ColourMap>>>>,
    shown: Option<TextureHandle>,
}

/// The regions of a picture that is a colour map: one of two colours at least.
pub(in crate::app) fn colour_map(image: &RgbaImage) -> Option<Arc<ColourMap>> {
    ColourMap::of(image).ok().filter(|map| map.colours().len() > 1).map(Arc::new)
}

impl App {
    /// Asks what a picture is for, where it can be more than one thing.
    pub(in crate::app) fn place(&mut self, placed: Placed, asked: Option<Asked<Option<Arc<ColourMap>>>>) {
        if self.editor.selected_region().is_none() && placed.map.is_none() && placed.told.is_none() {
            self.start_from(over_white(&placed.picture.image));
            self.toasts.info(fill("{0} is what the drawing starts from.", &[&placed.name]));
            return;
        }
        let grey = is_grey(&placed.picture.image);
        self.dialog = Some(Dialog::Place(PlaceForm { placed, grey, asked, shown: None }));
    }

    pub(in crate::app) fn place_dialog(&mut self, ui: &Ui, mut form: PlaceForm) -> Next {
        form.look();
        let region = self.editor.selected_region().map(|r| (r.id, r.name.clone()));
        let (mut chosen, mut cancel) = (None, false);
        let close = modal(ui, tr("What is this picture for?"), 520.0, |ui| {
            form.preview(ui);
            if form.placed.told.is_some() {
                ui.label(tr("Open it: a new picture with the words and settings that are kept in this one."));
            }
            ui.label(tr("Start from it: the drawing begins with this picture instead of noise."));
            if let Some((_, name)) = &region {
                ui.label(fill("Mask: {0} covers what is white in it, or opaque.", &[name]));
            }
            if let Some(map) = &form.placed.map {
                let count = map.colours().len();
                ui.label(fill("Regions by colour: each of its {0} colours becomes a region.", &[&count]));
            }
            buttons(ui, |ui| {
                let uses = form.uses(region.as_ref().map(|(_, name)| name.as_str()));
                for (at, (place, text)) in uses.into_iter().enumerate() {
                    if if at == 0 { main(ui, &text, true) } else { other(ui, &text) } {
                        chosen = Some(place);
                    }
                }
                cancel = other(ui, tr("Cancel"));
            });
        });
        match (chosen, form.placed.map.clone(), form.placed.told.clone(), region) {
            (Some(Place::Regions), Some(map), ..) => {
                self.ask_about_map(form.placed.name, map);
                return self.dialog.take().map_or(Next::Close, Next::Stay);
            }
            (Some(Place::Open), _, Some(path), _) => return Next::Leave(Leave::OpenPath(path)),
            (Some(Place::Mask), .., Some((id, _))) => self.take_mask(id, &form.placed.picture),
            (Some(Place::Start), ..) => self.start_from(over_white(&form.placed.picture.image)),
            _ if !close && !cancel => return Next::Stay(Dialog::Place(form)),
            _ => {}
        }
        Next::Close
    }

    /// Gives a region the mask in a picture.
    pub(in crate::app) fn take_mask(&mut self, id: RegionId, image: &Arc<Picture>) {
        let document = self.editor.document();
        let Some(region) = document.region(id) else { return };
        if region.locked {
            self.toasts.info(fill("{0} is locked. Unlock it to paint on it.", &[&region.name]));
            return;
        }
        let fitted = image.image.dimensions() != (document.width, document.height);
        let text = if fitted {
            fill("{0} has a new mask, fitted to the canvas.", &[&region.name])
        } else {
            fill("{0} has a new mask.", &[&region.name])
        };
        let (image, notes) = (Arc::clone(image), image.mask_notes());
        self.finish_gesture();
        self.editor.set_mask(id, move |width, height| Mask::of_picture(&image, width, height));
        self.toasts.info(text);
        for note in notes {
            self.toasts.warning(errors::mask_note(note));
        }
    }
}

impl PlaceForm {
    /// Its uses and what their buttons say, the likeliest first; `region` is the selected region's name.
    fn uses(&self, region: Option<&str>) -> Vec<(Place, String)> {
        // (A button has no room for a long name.)
        let short = |name: &str| name.chars().take(24).collect::<String>();
        let mask = region.map(|name| (Place::Mask, fill("Mask of {0}", &[&short(name)])));
        let start = Some((Place::Start, tr("Start from it").to_owned()));
        let regions = self.placed.map.as_ref().map(|_| (Place::Regions, tr("Regions by colour").to_owned()));
        let open = self.placed.told.as_ref().map(|_| (Place::Open, tr("Open it").to_owned()));
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
