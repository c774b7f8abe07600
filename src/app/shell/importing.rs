//! What comes in from outside: files dropped on the window or chosen, pictures pasted into it.

use crate::app::App;
use crate::app::dialogs::colour_map::{AskColours, ChosenColours};
use crate::app::dialogs::place::{AskPlace, Use};
use crate::app::editor::Selected;
use crate::app::kit::background::Asked;
use crate::app::panels::controls::Place;
use crate::app::session::import::{Found, Placed, Wanted, colour_map, find_out};
use crate::app::session::models::{EMBEDDED, model_name};
use crate::app::session::purpose::Purpose;
use crate::app::shell::leaving::Leave;
use crate::app::text::errors;
use crate::app::text::format::file_name;
use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;
use crate::document::{
    ColourMap, Document, FileError, InitImage, MAX_REGIONS, Mask, Palette, Picture, RegionId, over_white,
};
use crate::studio::{ControlFile, PARTS_SEPARATOR};
use egui::{ColorImage, Context, Ui};
use image::{RgbImage, RgbaImage};
use std::path::{Path, PathBuf};
use std::sync::Arc;

type MapAsked = Option<Asked<Option<Arc<ColourMap>>>>;

impl App {
    /// Finds out what a file is, and puts it where it belongs.
    pub(in crate::app) fn find_out(&mut self, path: PathBuf, wanted: Wanted) {
        let file = path.clone();
        self.tasks.begin(
            "look",
            move || find_out(&file, wanted),
            move |app, ctx, found| match found {
                Ok(found) => app.found(ctx, &path, wanted, found),
                Err(refused) => app.toasts.error_about(&path, refused.told(&path)),
            },
        );
    }

    /// Asks for a file, and finds out what it is.
    pub(in crate::app) fn ask_file(&mut self, purpose: Purpose, wanted: Wanted) {
        self.ask_path(purpose, move |app, _, path| app.find_out(path, wanted));
    }

    /// Asks for the selected region's new mask.
    pub(in crate::app) fn ask_mask(&mut self) {
        self.ask_path(Purpose::Mask, |app, _, path| {
            let region = app.open.editor.selected_region();
            app.find_out(path, region.map_or(Wanted::Place, |region| Wanted::Mask(region.id)));
        });
    }

    /// A file has been looked at.
    fn found(&mut self, ctx: &Context, path: &Path, wanted: Wanted, found: Found) {
        let also = matches!(wanted, Wanted::AlsoDropped(_));
        match found {
            // One model draws; the others of a handful are listed.
            Found::Model | Found::Incomplete(_) | Found::Part if also => self.add_models(vec![path.to_path_buf()]),
            Found::Models => self.add_models(vec![path.to_path_buf()]),
            Found::Embedding => {
                self.add_models(vec![path.to_path_buf()]);
                let model = model_name(&path.display().to_string());
                self.toasts.info(fill("{0} is an embedding: its name can be written among the words.", &[&model]));
            }
            Found::ControlNet => {
                let region = match wanted {
                    Wanted::Dropped(Some(Selected::Region(id))) | Wanted::AlsoDropped(Some(Selected::Region(id))) => {
                        // (What changes of a start picture has a mask, and no ControlNets.)
                        self.open.editor.document().region(id).map(|region| region.id)
                    }
                    _ => None,
                };
                self.desk().add_control(region, path);
            }
            Found::Project => self.leave(ctx, Leave::OpenPath(path.to_path_buf())),
            Found::Model => {
                let model = path.display().to_string();
                self.toasts.info(fill("Pictures are drawn with {0} from now on.", &[&model_name(&model)]));
                self.desk().set_model(model);
            }
            // The document's model has what it lacks, or takes it in; whether they go together is looked at before it counts.
            Found::Incomplete(why) if self.open.editor.document().settings.model == EMBEDDED => {
                self.toasts.warning(why);
            }
            Found::Incomplete(_) => {
                let model = &self.open.editor.document().settings.model;
                let whole = format!("{}{PARTS_SEPARATOR}{model}", path.display());
                self.find_out(whole.into(), Wanted::Model);
            }
            Found::Part => {
                let model = &self.open.editor.document().settings.model;
                let whole = format!("{model}{PARTS_SEPARATOR}{}", path.display());
                self.find_out(whole.into(), Wanted::Model);
            }
            Found::Lora(words) => {
                let part = match wanted {
                    Wanted::Dropped(card) | Wanted::AlsoDropped(card) => card,
                    Wanted::Lora(part) => part,
                    _ => None,
                };
                self.desk().add_lora(part, path);
                if let Some(words) = words {
                    self.toasts.info(fill("It was trained on these words: {0}", &[&words]));
                }
            }
            Found::Picture(placed) => {
                let card = match wanted {
                    Wanted::Dropped(card) | Wanted::AlsoDropped(card) => card,
                    Wanted::Mask(id) => Some(Selected::Region(id)),
                    _ => None,
                };
                match card {
                    Some(Selected::Region(id)) => self.take_mask(id, &placed.picture),
                    _ => self.place(placed, None),
                }
            }
        }
    }

    /// A picture has come in by paste.
    pub(in crate::app) fn pasted(&mut self, ui: &Ui) {
        let image = ui.input(|i| {
            i.events.iter().find_map(|event| match event {
                egui::Event::PasteImage(image) => Some(Arc::clone(image)),
                _ => None,
            })
        });
        let Some(image) = image.filter(|_| !self.is_asking()) else { return };
        let [width, height] = image.size.map(|side| u32::try_from(side).unwrap_or(0));
        let bytes = image.pixels.iter().flat_map(egui::Color32::to_srgba_unmultiplied).collect();
        match RgbaImage::from_raw(width, height, bytes).filter(|image| !image.is_empty()) {
            Some(image) => {
                let picture = Arc::new(Picture::from(image));
                let looked_at = Arc::clone(&picture);
                let asked = Asked::begin(ui, "map", move || colour_map(&looked_at.image));
                let name = tr("The pasted picture").to_owned();
                self.place(Placed { name, picture, map: None, told: None }, asked);
            }
            None => self.toasts.warning(tr("There is no picture to paste.")),
        }
    }

    /// Puts the picture on the clipboard.
    pub(in crate::app) fn copy_picture(&mut self, ctx: &Context) {
        let Some(take) = &self.open.editor.document().take else { return };
        let size = [take.image.width() as usize, take.image.height() as usize];
        ctx.copy_image(ColorImage::from_rgb(size, take.image.as_raw()));
        self.toasts.info(tr("The picture is on the clipboard."));
    }

    /// Asks what a picture is for, where it can be more than one thing.
    fn place(&mut self, placed: Placed, asked: MapAsked) {
        if self.open.editor.selected_region().is_none() && placed.map.is_none() && placed.told.is_none() {
            self.desk().start_from(over_white(&placed.picture.image));
            self.toasts.info(fill("{0} is what the drawing starts from.", &[&placed.name]));
            return;
        }
        self.ask(AskPlace::new(placed, asked), |app, ctx, wanted| match wanted {
            Use::Start(picture) => app.desk().start_from(over_white(&picture.image)),
            Use::Mask(id, picture) => app.take_mask(id, &picture),
            Use::Regions(name, map) => app.ask_about_map(name, map),
            Use::Open(path) => app.leave(ctx, Leave::OpenPath(path)),
        });
    }

    /// Gives a region the mask in a picture.
    fn take_mask(&mut self, id: RegionId, image: &Arc<Picture>) {
        let document = self.open.editor.document();
        let Some(region) = document.region(id) else { return };
        if region.locked {
            self.toasts.info(fill("{0} is locked. Unlock it to paint on it.", &[&names::shown(&region.name)]));
            return;
        }
        let fitted = image.image.dimensions() != (document.width, document.height);
        let text = if fitted {
            fill("{0} has a new mask, fitted to the canvas.", &[&names::shown(&region.name)])
        } else {
            fill("{0} has a new mask.", &[&names::shown(&region.name)])
        };
        let (image, notes) = (Arc::clone(image), image.mask_notes());
        self.finish_gesture();
        self.open.editor.set_mask(id, move |width, height| Mask::of_picture(&image, width, height));
        self.toasts.info(text);
        for note in notes {
            self.toasts.warning(errors::mask_note(note));
        }
    }

    /// Asks for a colour map.
    pub(in crate::app) fn ask_map(&mut self) {
        self.ask_path(Purpose::ImportMap, |app, _, path| {
            let file = path.clone();
            app.read(
                "import",
                path,
                move || ColourMap::read(&file),
                |app, path, map| {
                    app.ask_about_map(file_name(path), Arc::new(map));
                },
            );
        });
    }

    /// Asks what the colours of a map show.
    fn ask_about_map(&mut self, name: String, map: Arc<ColourMap>) {
        let dialog = AskColours::new(name, map, self.open.editor.document());
        self.ask(dialog, |app, _, colours| app.add_map(colours));
    }

    /// Adds the regions that are kept, as one undo step.
    fn add_map(&mut self, ChosenColours { map, chosen, size }: ChosenColours) {
        self.finish_gesture();
        let text = match chosen.len() {
            1 => tr("1 region was added.").to_owned(),
            count => fill("{0} regions were added.", &[&count]),
        };
        for note in map.notes() {
            self.toasts.warning(note.clone());
        }
        self.open.editor.add_map(map, chosen, size);
        self.once_worked_out(move |app| {
            app.panels.cards.reveal();
            app.toasts.info(text);
        });
    }

    /// Asks for a file of regions; their masks are still to be painted then.
    pub(in crate::app) fn ask_regions(&mut self) {
        self.ask_path(Purpose::ImportRegions, |app, _, path| {
            let file = path.clone();
            app.read("import", path, move || Palette::open(&file), |app, _, palette| app.add_palette(palette));
        });
    }

    fn add_palette(&mut self, palette: Palette) {
        let room = MAX_REGIONS.saturating_sub(self.open.editor.document().regions.len());
        let count = palette.regions.len().min(room);
        self.open.editor.add_palette(palette);
        self.panels.cards.reveal();
        let text = match count {
            1 => tr("1 region was added. Paint where it shows.").to_owned(),
            _ => fill("{0} regions were added. Paint where they show.", &[&count]),
        };
        self.toasts.info(text);
    }

    /// Asks for the init image.
    pub(in crate::app) fn ask_start(&mut self) {
        self.ask_path(Purpose::Picture, |app, _, path| {
            app.read_picture(path, |app, picture| app.desk().start_from(picture));
        });
    }

    /// Asks for a ControlNet for the whole picture or one region, as a file or as a folder.
    pub(in crate::app) fn ask_control(&mut self, purpose: Purpose, region: Option<RegionId>) {
        self.ask_path(purpose, move |app, _, path| app.open_control(path, region));
    }

    /// Looks whether a file is a ControlNet, and adds it.
    pub(in crate::app) fn open_control(&mut self, path: PathBuf, region: Option<RegionId>) {
        let file = path.clone();
        let look = move || ControlFile::open(&file).map(|_| ()).map_err(Box::new);
        self.tasks.begin("look", look, move |app, _, opened| match opened {
            Ok(()) => {
                app.remember_folder(&path);
                app.desk().add_control(region, &path);
            }
            Err(error) => app.toasts.error(errors::checkpoint(&error)),
        });
    }

    /// Asks for a picture that a ControlNet follows, or for one whose edges it follows.
    pub(in crate::app) fn ask_followed(&mut self, place: Place, edges: bool) {
        self.ask_path(Purpose::ControlPicture, move |app, _, path| app.follow_picture(path, place, edges));
    }

    pub(in crate::app) fn follow_picture(&mut self, path: PathBuf, place: Place, edges: bool) {
        self.read_picture(path, move |app, picture| app.desk().control_picture(place, edges, picture));
    }

    /// Reads a picture and fits it to the canvas.
    fn read_picture(&mut self, path: PathBuf, then: impl FnOnce(&mut Self, RgbImage) + Send + 'static) {
        let document = self.open.editor.document();
        let (file, width, height) = (path.clone(), document.width, document.height);
        let read = move || Ok(InitImage::fitted(&Document::import_picture(&file)?, width, height));
        self.read("picture", path, read, |app, _, picture| then(app, picture));
    }

    /// Reads a file on a thread of its own.
    fn read<T: Send + 'static>(
        &mut self,
        name: &str,
        path: PathBuf,
        read: impl FnOnce() -> Result<T, FileError> + Send + 'static,
        then: impl FnOnce(&mut Self, &Path, T) + Send + 'static,
    ) {
        self.tasks.begin(name, read, move |app, _, read| match read {
            Ok(read) => {
                app.remember_folder(&path);
                then(app, &path, read);
            }
            Err(error) => app.toasts.error(errors::file_error(&error)),
        });
    }
}
