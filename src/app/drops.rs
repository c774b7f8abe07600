//! What is dropped on the window or pasted into it: projects, pictures, masks, models, LoRAs.

use super::asked::Asked;
use super::dialogs::{Dialog, Next, buttons, main, modal, other};
use super::editor::Selected;
use super::leave::Leave;
use super::models::model_name;
use super::texts::{fill, tr};
use super::{App, theme};
use crate::document::{ColourMap, Document, Mask, RegionId, is_grey, over_white, read_picture};
use crate::studio::{LoraFile, Vocabulary};
use egui::{Align2, ColorImage, FontId, Rect, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, vec2};
use image::RgbaImage;
use std::path::Path;
use std::sync::Arc;

/// What a dropped file turned out to be.
pub enum Found {
    /// A project, or a picture with a project inside.
    Project,
    /// A picture, and its regions where it is a colour map.
    Picture(Arc<RgbaImage>, Option<Arc<ColourMap>>),
    Model,
    /// A LoRA, with the words it was trained on, where it says them.
    Lora(Option<String>),
}

/// What a picture can be for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Mask,
    Regions,
}

/// Asks once what a picture is for.
pub struct PlaceForm {
    name: String,
    image: Arc<RgbaImage>,
    grey: bool,
    /// Its regions, where it is a colour map…
    map: Option<Arc<ColourMap>>,
    /// …or where that is still being found out.
    asked: Option<Asked<Option<Arc<ColourMap>>>>,
    shown: Option<TextureHandle>,
}

/// Finds out what was dropped. Slow for large files, so it runs on a thread of its own.
pub fn find_out(path: &Path) -> Result<Found, String> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let weights = ["safetensors", "ckpt", "pt", "pth", "bin", "pkl"].contains(&ending.as_str());
    if ending == "safetensors" && LoraFile::is_one(path) {
        let summary = LoraFile::open(path).map_err(|e| e.to_string())?.summary();
        let tags = || summary.tags.iter().take(3).map(|tag| tag.words.clone()).collect::<Vec<_>>().join(", ");
        let words = summary.trigger.clone().unwrap_or_else(tags);
        return Ok(Found::Lora(Some(words).filter(|words| !words.is_empty())));
    }
    if path.is_dir() || weights {
        // What a model lacks is better said now than when a picture is wanted.
        return Vocabulary::open(&path.display().to_string()).map(|_| Found::Model).map_err(|e| e.to_string());
    }
    if Document::is_project(path).map_err(|e| e.to_string())? {
        return Ok(Found::Project);
    }
    let image = read_picture(path).map_err(|e| e.to_string())?;
    let map = colour_map(&image);
    Ok(Found::Picture(Arc::new(image), map))
}

/// The regions of a picture that is a colour map: one of two colours at least.
fn colour_map(image: &RgbaImage) -> Option<Arc<ColourMap>> {
    ColourMap::of(image).ok().filter(|map| map.colours().len() > 1).map(Arc::new)
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

impl App {
    /// Takes what is dropped on the window, and shows while something is held over it what it would become.
    pub(super) fn drops(&mut self, ui: &Ui) {
        let (dropped, more, at) = ui.input(|i| {
            let files = &i.raw.dropped_files;
            (files.first().map(|f| f.path().to_path_buf()), files.len() > 1, i.pointer.latest_pos())
        });
        let Some(path) = dropped else { return };
        if self.dialog.is_some() {
            self.toasts.info(tr("Answer the question first, then drop it again."));
            return;
        }
        if more {
            self.toasts.info(fill("One at a time: {0} was taken.", &[&name(&path)]));
        }
        let card = at.and_then(|at| self.cards.card_at(at));
        self.files.find_out(path, card);
    }

    pub(super) fn drop_hint(&self, ui: &Ui) {
        if ui.input(|i| i.raw.hovered_files.is_empty()) {
            return;
        }
        let t = theme::tokens(ui);
        let rect = ui.content_rect();
        let painter = ui.layer_painter(egui::LayerId::new(egui::Order::Tooltip, egui::Id::unique("drop hint")));
        painter.rect_filled(rect, 0.0, t.shade);
        painter.rect_stroke(rect.shrink(8.0), theme::ROUND, Stroke::new(2.0, t.accent), StrokeKind::Inside);
        let text = tr("Drop a project, a picture, a mask, a model folder or a LoRA");
        let font = FontId::new(18.0, theme::strong_family());
        let text = painter.layout_no_wrap(text.to_owned(), font, t.text_strong);
        let place = Align2::CENTER_CENTER.anchor_size(rect.center(), text.size());
        painter.rect_filled(place.expand2(vec2(24.0, 16.0)), theme::ROUND, t.panel);
        painter.galley(place.min, text, t.text_strong);
    }

    /// A dropped file has been looked at.
    pub(super) fn found(&mut self, ctx: &egui::Context, path: &Path, card: Option<Selected>, found: Found) {
        match found {
            Found::Project => self.leave(ctx, Leave::OpenPath(path.to_path_buf())),
            Found::Model => {
                let model = path.display().to_string();
                self.toasts.info(fill("Pictures are drawn with {0} from now on.", &[&model_name(&model)]));
                self.set_model(model);
            }
            Found::Lora(words) => {
                self.add_lora(path);
                if let Some(words) = words {
                    self.toasts.info(fill("It was trained on these words: {0}", &[&words]));
                }
            }
            Found::Picture(image, map) => match card {
                Some(Selected::Region(id)) => self.take_mask(id, &image),
                _ => self.place(name(path), image, map, None),
            },
        }
    }

    /// A picture has come in by paste.
    pub(super) fn pasted(&mut self, ui: &Ui) {
        let image = ui.input(|i| {
            i.events.iter().find_map(|event| match event {
                egui::Event::PasteImage(image) => Some(Arc::clone(image)),
                _ => None,
            })
        });
        let Some(image) = image.filter(|_| self.dialog.is_none()) else { return };
        let [width, height] = image.size.map(|side| u32::try_from(side).unwrap_or(0));
        let bytes = image.pixels.iter().flat_map(|p| p.to_srgba_unmultiplied()).collect();
        match RgbaImage::from_raw(width, height, bytes).filter(|image| !image.is_empty()) {
            Some(image) => {
                let image = Arc::new(image);
                let looked_at = Arc::clone(&image);
                let asked = Asked::begin(ui, "map", move || colour_map(&looked_at));
                self.place(tr("The pasted picture").to_owned(), image, None, asked);
            }
            None => self.toasts.warning(tr("There is no picture to paste.")),
        }
    }

    /// Asks what a picture is for, where it can be more than one thing.
    fn place(
        &mut self,
        name: String,
        image: Arc<RgbaImage>,
        map: Option<Arc<ColourMap>>,
        asked: Option<Asked<Option<Arc<ColourMap>>>>,
    ) {
        if self.editor.selected_region().is_none() && map.is_none() {
            self.start_from(over_white(&image));
            self.toasts.info(fill("{0} is what the drawing starts from.", &[&name]));
            return;
        }
        let grey = is_grey(&image);
        self.dialog = Some(Dialog::Place(PlaceForm { name, image, grey, map, asked, shown: None }));
    }

    pub(super) fn place_dialog(&mut self, ui: &Ui, mut form: PlaceForm) -> Next {
        form.look();
        let region = self.editor.selected_region().map(|r| (r.id, r.name.clone()));
        let (mut start, mut mask, mut regions, mut cancel) = (false, false, false, false);
        let close = modal(ui, tr("What is this picture for?"), 480.0, |ui| {
            form.preview(ui);
            ui.label(tr("Start from it: the drawing begins with this picture instead of noise."));
            if let Some((_, name)) = &region {
                ui.label(fill("Mask: {0} covers what is white in it, or opaque.", &[name]));
            }
            if let Some(map) = &form.map {
                let count = map.colours().len();
                ui.label(fill("Regions by colour: each of its {0} colours becomes a region.", &[&count]));
            }
            buttons(ui, |ui| {
                let to_mask = region.as_ref().map(|(_, name)| fill("Mask of {0}", &[name]));
                // Grey pictures are masks more often than not, flat ones of colours are maps.
                let first = match (&to_mask, &form.map) {
                    (Some(_), _) if form.grey => Place::Mask,
                    (_, Some(_)) => Place::Regions,
                    _ => Place::Start,
                };
                let button = |ui: &mut Ui, place: Place, text: &str| {
                    if place == first { main(ui, text, true) } else { other(ui, text) }
                };
                let mut order = vec![Place::Start, Place::Mask, Place::Regions];
                order.sort_by_key(|place| *place != first);
                for place in order {
                    match place {
                        Place::Start => start = button(ui, place, tr("Start from it")),
                        Place::Mask => mask = to_mask.as_ref().is_some_and(|text| button(ui, place, text)),
                        Place::Regions => {
                            regions = form.map.is_some() && button(ui, place, tr("Regions by colour"));
                        }
                    }
                }
                cancel = other(ui, tr("Cancel"));
            });
        });
        match (form.map.clone(), region) {
            (Some(map), _) if regions => {
                self.ask_about_map(form.name, map);
                return self.dialog.take().map_or(Next::Close, Next::Stay);
            }
            (_, Some((id, _))) if mask => self.take_mask(id, &form.image),
            _ if start => self.start_from(over_white(&form.image)),
            _ if !close && !cancel => return Next::Stay(Dialog::Place(form)),
            _ => {}
        }
        Next::Close
    }

    /// Gives a region the mask in a picture.
    fn take_mask(&mut self, id: RegionId, image: &Arc<RgbaImage>) {
        let document = self.editor.document();
        let Some(region) = document.region(id) else { return };
        if region.locked {
            self.toasts.info(fill("{0} is locked. Unlock it to paint on it.", &[&region.name]));
            return;
        }
        let fitted = image.dimensions() != (document.width, document.height);
        let text = if fitted {
            fill("{0} has a new mask, fitted to the canvas.", &[&region.name])
        } else {
            fill("{0} has a new mask.", &[&region.name])
        };
        let image = Arc::clone(image);
        self.finish_gesture();
        self.editor.set_mask(id, move |width, height| Mask::of_picture(&image, width, height));
        self.toasts.info(text);
    }

    /// Puts the picture on the clipboard.
    pub(super) fn copy_picture(&mut self, ctx: &egui::Context) {
        let Some(take) = &self.editor.document().take else { return };
        let size = [take.image.width() as usize, take.image.height() as usize];
        ctx.copy_image(ColorImage::from_rgb(size, take.image.as_raw()));
        self.toasts.info(tr("The picture is on the clipboard."));
    }
}

impl PlaceForm {
    /// Takes in whether the picture is a colour map, once that is known.
    fn look(&mut self) {
        match self.asked.take().map(Asked::answer) {
            Some(Ok(map)) => self.map = map,
            Some(Err(asked)) => self.asked = asked,
            None => {}
        }
    }

    fn preview(&mut self, ui: &mut Ui) {
        let room = vec2(ui.available_width(), 160.0);
        let texture = self.shown.get_or_insert_with(|| {
            let (width, height) = self.image.dimensions();
            let scale = (512.0 / f64::from(width.max(height))).min(1.0);
            let side = |v: u32| ((f64::from(v) * scale).round() as u32).max(1);
            let small = image::imageops::thumbnail(&*self.image, side(width), side(height));
            let size = [small.width() as usize, small.height() as usize];
            ui.load_texture("dropped", ColorImage::from_rgba_unmultiplied(size, small.as_raw()), TextureOptions::LINEAR)
        });
        let (frame, _) = ui.allocate_exact_size(room, egui::Sense::hover());
        ui.painter().rect_filled(frame, theme::ROUND_SMALL, theme::tokens(ui).desk);
        let size = texture.size_vec2();
        let size = size * (room / size).min_elem();
        egui::Image::from_texture((texture.id(), size)).paint_at(ui, Rect::from_center_size(frame.center(), size));
        let (width, height) = self.image.dimensions();
        let told = format!("{} · {width} × {height}", self.name);
        ui.label(egui::RichText::new(told).size(theme::TEXT_SMALL).color(theme::tokens(ui).text_weak));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    #[test]
    fn a_lora_is_known_by_its_tensors() {
        let golden = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
        let words = |name| match find_out(&golden(name)) {
            Ok(Found::Lora(words)) => words,
            _ => panic!("{name} is a LoRA"),
        };
        assert_eq!(words("lora/eps_kohya.safetensors").as_deref(), Some("zorkfox, snow, a fox"));
        assert_eq!(words("lora/eps_peft.safetensors"), None);
        let error = find_out(&golden("eps/unet/diffusion_pytorch_model.safetensors")).err().expect("no LoRA");
        assert!(error.contains("single-file checkpoints"), "{error}");
    }

    #[test]
    fn what_nothing_can_read_is_refused_in_one_line() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("empty")).expect("made");
        for path in [
            file(folder.path(), "notes.txt", b"hello"),
            file(folder.path(), "old.ckpt", b"\x80\x02"),
            folder.path().join("empty"),
            folder.path().join("gone.png"),
        ] {
            let error = find_out(&path).err().expect("refused");
            assert!(!error.contains('\n') && error.contains(&name(&path)), "{error}");
        }
    }
}
