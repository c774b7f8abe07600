//! Writing files: the project, the picture, a mask, the regions.

use crate::app::App;
use crate::app::dialogs::export::AskExport;
use crate::app::dialogs::plain::{SaveOver, SaveTo};
use crate::app::session::purpose::Purpose;
use crate::app::shell::leaving::Leave;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, FileError, Output, Outputs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl App {
    /// Saves where the document lies, or asks where; asks first where what lies there holds more than the document.
    pub(in crate::app) fn save(&mut self, after: Option<Leave>) {
        self.finish_gesture();
        let mut losses = self.open.editor.losses().to_vec();
        if self.open.editor.is_changed_on_disk() {
            losses.insert(0, tr("what another program has written into it since it was opened here").to_owned());
        }
        match self.open.editor.path().map(Path::to_path_buf) {
            None => self.save_as(after),
            Some(path) if losses.is_empty() => self.save_to(path, after),
            Some(path) => self.ask(SaveOver { losses }, move |app, _, to| match to {
                SaveTo::NewFile => app.save_as(after.clone()),
                SaveTo::SameFile => app.save_to(path.clone(), after.clone()),
            }),
        }
    }

    /// Asks where the document is saved.
    pub(in crate::app) fn save_as(&mut self, after: Option<Leave>) {
        self.finish_gesture();
        self.ask_path(Purpose::SaveAs, move |app, _, path| app.save_to(path, after));
    }

    /// Saves the document, but not over what it reads, and leaves it `after`.
    fn save_to(&mut self, path: PathBuf, after: Option<Leave>) {
        if self.is_working() {
            return self.once_worked_out(move |app| app.save_to(path, after));
        }
        let (document, state) = (self.open.editor.document().clone(), self.open.editor.state());
        let (reads, to) = (self.read_files(false), path.clone());
        let save = move || Outputs::reading(reads).add(&to).and_then(|output| document.save_to(&output));
        self.tasks.begin("save", save, move |app, ctx, saved| {
            if let Err(error) = saved {
                return app.toasts.error(errors::file_error(&error));
            }
            app.remember_folder(&path);
            app.remember_project(&path);
            app.open.editor.set_path(&path);
            app.open.editor.mark_saved(state);
            if let Some(leave) = after {
                app.leave(ctx, leave);
            }
        });
    }

    /// Asks how and where a document's picture is exported; `None` is the open one, as it is by then.
    pub(in crate::app) fn ask_export(&mut self, document: Option<Document>) {
        self.ask(AskExport(self.prefs.export), move |app, _, how| {
            app.prefs.export = how;
            let document = document.clone();
            app.ask_path(Purpose::Export(how.format), move |app, _, path| {
                app.once_worked_out(move |app| {
                    let document = document.unwrap_or_else(|| app.open.editor.document().clone());
                    let Some(take) = document.take.clone() else { return };
                    app.export(path, move |output| document.export_picture_to(output, &take.image, how));
                });
            });
        });
    }

    pub(in crate::app) fn ask_export_mask(&mut self) {
        self.ask_path(Purpose::ExportMask, |app, _, path| {
            app.once_worked_out(|app| {
                let Some(region) = app.open.editor.selected_region() else { return };
                let mask = Arc::clone(&region.mask);
                app.export(path, move |output| mask.export_to(output));
            });
        });
    }

    pub(in crate::app) fn ask_export_regions(&mut self) {
        self.ask_path(Purpose::ExportRegions, |app, _, path| {
            let document = app.open.editor.document().clone();
            app.export(path, move |output| document.export_regions_to(output));
        });
    }

    /// Writes a file, but not over what the document reads.
    fn export(&mut self, path: PathBuf, write: impl FnOnce(&Output) -> Result<(), FileError> + Send + 'static) {
        let (reads, to) = (self.read_files(true), path.clone());
        let export = move || Outputs::reading(reads).add(&to).and_then(|output| write(&output));
        self.tasks.begin("export", export, move |app, _, exported| match exported {
            Ok(()) => {
                app.remember_folder(&path);
                app.toasts.info(fill("Exported to {0}", &[&path.display()]));
            }
            Err(error) => app.toasts.error(errors::file_error(&error)),
        });
    }
}
