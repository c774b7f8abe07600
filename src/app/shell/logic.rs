//! Work before a frame is drawn: taking in the results of other threads, and files.

use crate::app::App;
use crate::app::dialogs::Dialog;
use crate::app::editor::Editor;
use crate::app::session::close::Leave;
use crate::app::session::files::{Done, Purpose};
use crate::app::session::import::Wanted;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use std::path::{Path, PathBuf};

impl App {
    pub(in crate::app) fn logic(&mut self, ctx: &egui::Context) {
        self.follow_cards();
        self.drain_engine();
        self.follow_works(ctx);
        self.follow_fetching(ctx);
        self.update_takes(ctx);
        for done in self.files.done() {
            self.file_done(ctx, done);
        }
        self.autosave(ctx);
        if ctx.input(|i| i.viewport().close_requested()) && !self.closing && self.editor.is_unsaved() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.leave(ctx, Leave::Quit);
        }
        let dot = if self.editor.is_unsaved() { "• " } else { "" };
        // The taskbar shows how far the picture is while the window is behind others.
        let done = self.progress().map(|p| format!("{:.0} % · ", p * 100.0)).unwrap_or_default();
        let title = format!("{done}{dot}{} – Polyptych", self.editor.title());
        if title != self.window_title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.window_title = title;
        }
    }

    fn file_done(&mut self, ctx: &egui::Context, done: Done) {
        match done {
            Done::Opened { path, result: Ok(opened) } => {
                let crate::document::Opened { document, notes, losses } = *opened;
                self.remember_folder(&path);
                self.remember_project(&path);
                // A picture with a project inside opens the project; saving it asks for a name of its own.
                let is_project = path.extension().is_some_and(|x| x.eq_ignore_ascii_case("ora"));
                let editor = if is_project {
                    Editor::from_file(document, &path).with_losses(losses)
                } else {
                    Editor::new(document, &path.file_stem().unwrap_or_default().to_string_lossy())
                };
                self.open_document(editor);
                for note in notes {
                    self.toasts.warning(note);
                }
            }
            Done::Saved { path, state, result: Ok(()) } => {
                self.remember_folder(&path);
                self.remember_project(&path);
                self.editor.set_path(&path);
                self.editor.mark_saved(state);
                if let Some(leave) = self.after_save.take() {
                    self.leave(ctx, leave);
                }
            }
            Done::Exported { path, result: Ok(()) } => {
                self.remember_folder(&path);
                self.toasts.info(fill("Exported to {0}", &[&path.display()]));
            }
            Done::Picture { path, result: Ok(image) } => {
                self.remember_folder(&path);
                self.start_from(image);
            }
            Done::ControlNet { path, region, result: Ok(()) } => {
                self.remember_folder(&path);
                self.add_control(region, &path);
            }
            Done::ControlNet { result: Err(error), .. } => self.toasts.error(errors::checkpoint(&error)),
            Done::ControlPicture { path, place, edges, result: Ok(picture) } => {
                self.remember_folder(&path);
                self.control_picture(place, edges, picture);
            }
            Done::ColourMap { path, result: Ok(map) } => {
                self.remember_folder(&path);
                self.map_read(&path, *map);
            }
            Done::Found { path, wanted, result: Ok(found) } => self.found(ctx, &path, wanted, found),
            Done::Autosaved { state, files, result } => {
                self.recovery.finished(state, &files, result.is_ok());
                if let Err(error) = result {
                    self.toasts.warning(fill("Not autosaved: {0}", &[&errors::file_error(&error)]));
                }
            }
            Done::Recovered { copy, result: Ok(opened) } => self.recovered(&copy, *opened),
            Done::Palette { path, result: Ok(palette) } => {
                self.remember_folder(&path);
                self.take_palette(*palette);
            }
            Done::Seen(seen) => self.shelf.take_in(ctx, seen),
            Done::Listed(listed) => self.models_listed(listed),
            Done::ModelsAdded(results) => self.models_added(results),
            Done::Opened { result: Err(error), .. }
            | Done::Palette { result: Err(error), .. }
            | Done::Recovered { result: Err(error), .. }
            | Done::Picture { result: Err(error), .. }
            | Done::ControlPicture { result: Err(error), .. }
            | Done::ColourMap { result: Err(error), .. }
            | Done::Saved { result: Err(error), .. }
            | Done::Exported { result: Err(error), .. } => {
                self.after_save = None;
                self.toasts.error(errors::file_error(&error));
            }
            Done::Found { path, result: Err(refused), .. } => self.toasts.error(refused.told(&path)),
            Done::Answered { purpose, path: Some(path) } => {
                let after = self.after_save.take();
                self.path_given(ctx, purpose, path, after);
            }
            Done::Answered { path: None, .. } => {
                self.after_save = None;
                self.reopen_library();
            }
        }
    }

    /// Saves where the document lies, or asks where; asks first where what lies there holds more than the document.
    pub(in crate::app) fn save(&mut self, after: Option<Leave>) {
        self.finish_gesture();
        let mut losses = self.editor.losses().to_vec();
        if self.editor.is_changed_on_disk() {
            losses.insert(0, tr("what another program has written into it since it was opened here").to_owned());
        }
        match self.editor.path().map(Path::to_path_buf) {
            Some(_) if !losses.is_empty() => self.dialog = Some(Dialog::SaveOver { losses, after }),
            Some(path) => self.save_to(path, after),
            None => self.save_as(after),
        }
    }

    /// Saves over the document's own file, whatever it holds.
    pub(in crate::app) fn save_over(&mut self, after: Option<Leave>) {
        if let Some(path) = self.editor.path().map(Path::to_path_buf) {
            self.save_to(path, after);
        }
    }

    pub(in crate::app) fn save_as(&mut self, after: Option<Leave>) {
        self.finish_gesture();
        let (folder, name) = (self.folder(), self.suggested_name(Purpose::SaveAs));
        if self.files.ask(Purpose::SaveAs, Some(&folder), &name) {
            self.after_save = after;
        } else {
            self.dialog = Some(Dialog::Path(self.path_form(Purpose::SaveAs, after)));
        }
    }

    fn save_to(&mut self, path: PathBuf, after: Option<Leave>) {
        if self.is_working() {
            return self.once_worked_out(move |app| app.save_to(path, after));
        }
        self.after_save = after;
        self.files.save(self.editor.document().clone(), self.editor.state(), path, self.read_files(Purpose::SaveAs));
    }

    /// The files that the open document is made from, none of which may be written over: for an export its project, too.
    pub(in crate::app) fn read_files(&self, purpose: Purpose) -> Vec<PathBuf> {
        let project = self.editor.path().filter(|_| purpose != Purpose::SaveAs).map(Path::to_path_buf);
        self.editor.document().model_files().into_iter().chain(project).collect()
    }

    /// Asks for a path to open or to export to.
    pub(in crate::app) fn ask_path(&mut self, purpose: Purpose) {
        let (folder, name) = (self.folder(), self.suggested_name(purpose));
        if !self.files.ask(purpose, Some(&folder), &name) {
            self.open_path_dialog(purpose);
        }
    }

    /// A person has named a file.
    pub(in crate::app) fn path_given(
        &mut self,
        ctx: &egui::Context,
        purpose: Purpose,
        path: PathBuf,
        after: Option<Leave>,
    ) {
        if self.is_working() && matches!(purpose, Purpose::Export(_) | Purpose::ExportMask) {
            let ctx = ctx.clone();
            return self.once_worked_out(move |app| app.path_given(&ctx, purpose, path, after));
        }
        let path = purpose.with_ending(path);
        let reads = self.read_files(purpose);
        match purpose {
            // The open document was asked about before the path was.
            Purpose::Open => self.leave_now(ctx, Leave::OpenPath(path)),
            Purpose::SaveAs => self.save_to(path, after),
            Purpose::Export(_) => {
                let document = self.export_of.take().unwrap_or_else(|| self.editor.document().clone());
                if let Some(take) = document.take.clone() {
                    self.files.export(document, take, self.prefs.export, path, reads);
                }
            }
            Purpose::ExportRegions => self.files.export_regions(self.editor.document().clone(), path, reads),
            Purpose::ImportRegions => self.files.import_regions(path),
            Purpose::ImportMap => self.files.import_map(path),
            Purpose::ExportMask => {
                if let Some(region) = self.editor.selected_region() {
                    self.files.export_mask(std::sync::Arc::clone(&region.mask), path, reads);
                }
            }
            Purpose::Picture => {
                let document = self.editor.document();
                let size = (document.width, document.height);
                self.files.picture(path, size);
            }
            // Looked at as what is dropped is.
            Purpose::Place => self.files.find_out(path, Wanted::Place),
            Purpose::Mask => {
                let region = self.editor.selected_region();
                self.files.find_out(path, region.map_or(Wanted::Place, |region| Wanted::Mask(region.id)));
            }
            Purpose::Model | Purpose::ModelFile => self.files.find_out(path, Wanted::Model),
            Purpose::Vae => self.set_vae(Some(path.display().to_string())),
            Purpose::Fallback => self.set_fallback(Some(path.display().to_string())),
            Purpose::Lora(part) => self.files.find_out(path, Wanted::Lora(part)),
            Purpose::ControlNet(region) | Purpose::ControlFolder(region) => self.files.control_net(path, region),
            Purpose::ControlPicture(place, edges) => {
                let document = self.editor.document();
                let size = (document.width, document.height);
                self.files.control_picture(path, place, edges, size);
            }
            Purpose::Models => self.add_models(vec![path]),
            Purpose::FetchInto => {
                self.prefs.fetch_into = Some(path);
                self.reopen_library();
            }
        }
    }

    /// The folder in which files are looked for first.
    pub(in crate::app) fn folder(&self) -> PathBuf {
        let beside = self.editor.path().and_then(Path::parent).map(Path::to_path_buf);
        let home = || std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
        [beside, self.prefs.folder.clone(), home(), std::env::current_dir().ok()]
            .into_iter()
            .flatten()
            .find(|f| f.is_dir())
            .unwrap_or_default()
    }

    /// The name a new file gets unless another is given.
    pub(in crate::app) fn suggested_name(&self, purpose: Purpose) -> String {
        let mut stem = Path::new(self.editor.title()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let (Purpose::ExportMask, Some(region)) = (purpose, self.editor.selected_region()) {
            let safe = |c: char| if c.is_alphanumeric() || c == ' ' || c == '-' { c } else { '_' };
            stem = format!("{stem} - {}", region.name.chars().map(safe).collect::<String>());
        }
        if purpose == Purpose::SaveAs && !self.editor.losses().is_empty() {
            // Beside the file that another program made.
            stem += " (Polyptych)";
        }
        format!("{stem}.{}", purpose.endings().first().copied().unwrap_or_default())
    }

    fn remember_folder(&mut self, path: &Path) {
        self.prefs.folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map(Path::to_path_buf);
    }
}
