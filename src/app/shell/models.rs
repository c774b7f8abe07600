//! The library of models: read anew, added to, fetched into, and what its panel asks for.

use crate::app::App;
use crate::app::dialogs::library::{LibraryPanel, Wish};
use crate::app::dialogs::outpaint::{Anchor, Fit};
use crate::app::session::fetching::{Fetching, LOOK};
use crate::app::session::import::Wanted;
use crate::app::session::models::Listed;
use crate::app::session::purpose::Purpose;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use crate::studio::hub::{self, Repository};
use crate::studio::{Catalogue, CheckpointError, Entry, Item, Kind, preview_decoders};
use egui::{Context, Ui};
use std::path::PathBuf;

impl App {
    /// Shows the models.
    pub(in crate::app) fn show_models(&mut self) {
        self.ask(LibraryPanel::default(), Self::grant_model);
    }

    fn grant_model(&mut self, ctx: &Context, wish: Wish) {
        match wish {
            Wish::Take(item) => self.take_item(&item),
            Wish::Write(words) => self.desk().write_selected(&words),
            Wish::Hash(path) => self.added.ask_hash(ctx, path),
            Wish::Add => self.ask_models(),
            Wish::Forget(name) => self.forget_models(name),
            Wish::Fetch(name) => self.fetch(ctx, &name),
            Wish::FetchToOwn => self.prefs.fetch_into = None,
            Wish::FetchElsewhere => {
                self.ask_path(Purpose::FetchInto, |app, _, path| app.prefs.fetch_into = Some(path));
            }
            Wish::StopFetching => {
                if let Some(fetching) = &self.fetching {
                    fetching.stop();
                }
            }
        }
    }

    /// Puts a model of the list where it belongs.
    fn take_item(&mut self, item: &Item) {
        let wanted = match item.kind {
            Kind::Checkpoint => Wanted::Model,
            Kind::Lora => Wanted::Lora(None),
            Kind::Embedding => {
                let call = self.open.editor.document().settings.prompt_rule.call_of_embedding(&item.name);
                return self.desk().write_selected(&call);
            }
            Kind::ControlNet => return self.open_control(item.path.clone(), None),
            _ => Wanted::Dropped(None),
        };
        self.find_out(item.path.clone(), wanted);
    }

    /// Reads the list of models anew where the document has another model, and where the window comes back to the front: models
    /// may have been added in a terminal meanwhile. (Before the list is opened, since it keeps the size it opened with.)
    pub(in crate::app) fn follow_models(&mut self, ui: &Ui) {
        let current = &self.open.editor.document().settings.model;
        let back = ui.input(|i| i.events.iter().any(|event| matches!(event, egui::Event::WindowFocused(true))));
        if back || self.added.asked.as_ref() != Some(current) {
            let current = current.clone();
            self.added.asked = Some(current.clone());
            // The first time, what was last seen is there at once.
            self.list_models(current, self.added.listed.looked);
        }
    }

    /// Reads the list for a document with this model: as it was last seen, or as it is.
    fn list_models(&mut self, current: String, look: bool) {
        let data = self.added.data.clone();
        let read = move || Listed::read(data.as_deref(), current, look);
        self.tasks.begin("models", read, |app, _, listed| app.models_listed(listed));
    }

    /// Takes in a list that has been read, unless another was asked for since.
    fn models_listed(&mut self, listed: Listed) {
        if self.added.asked.as_ref() == Some(&listed.current) {
            if !listed.looked {
                self.list_models(listed.current.clone(), true);
            }
            self.added.listed = listed;
            self.generation.engine.know_loras(self.added.known_loras());
            self.generation.engine.know_decoders(preview_decoders(&self.added.items()));
        }
    }

    /// Takes in a hash that has been found out.
    pub(in crate::app) fn follow_hash(&mut self) {
        let Some((path, asked)) = self.added.hashing.take() else { return };
        match asked.answer() {
            Err(Some(asked)) => self.added.hashing = Some((path, asked)),
            Ok(()) | Err(None) => self.added.look_again(),
        }
    }

    /// Asks for a folder of models, in which everything is listed then.
    pub(in crate::app) fn ask_models(&mut self) {
        self.ask_path(Purpose::Models, |app, _, path| app.add_models(vec![path]));
    }

    /// Remembers models or folders of models.
    pub(in crate::app) fn add_models(&mut self, paths: Vec<PathBuf>) {
        let Some(data) = self.added.data.clone() else {
            return self.toasts.warning(tr("There is no folder to remember it in."));
        };
        let add = move |path: &PathBuf| Catalogue::open(&data)?.add(path).cloned();
        let add = move || paths.into_iter().map(|path| (add(&path), path)).collect();
        self.tasks.begin("models", add, |app, _, results| app.models_added(results));
    }

    /// What was added is listed now.
    fn models_added(&mut self, results: Vec<(Result<Entry, CheckpointError>, PathBuf)>) {
        let mut folder = false;
        for (result, path) in results {
            match result {
                Ok(entry) if entry.kind == Kind::Folder => {
                    folder = true;
                    self.toasts.info(fill("{0} is listed now. Its files stay where they are.", &[&entry.name]));
                }
                Ok(entry) => self.toasts.info(fill("{0} is listed now.", &[&entry.name])),
                Err(error) => self.toasts.error_about(&path, errors::checkpoint(&error)),
            }
        }
        self.added.look_again();
        if folder && !self.is_asking() {
            self.show_models();
        }
    }

    /// No longer lists a folder.
    fn forget_models(&mut self, name: String) {
        let Some(data) = self.added.data.clone() else { return };
        let forget = move || Catalogue::open(&data).and_then(|mut catalogue| catalogue.remove(&name)).map(|_| ());
        self.tasks.begin("models", forget, |app, _, forgotten| {
            if let Err(error) = forgotten {
                app.toasts.error(errors::checkpoint(&error));
            }
            app.added.look_again();
        });
    }

    /// Tells what a model that was chosen has brought along, and gives it a canvas that it can draw on.
    pub(in crate::app) fn model_chosen(&mut self) {
        let Some((nature, brought)) = self.open.editor.take_chosen() else { return };
        if brought {
            let settings = &self.open.editor.document().settings;
            self.toasts.info(fill(
                "It brings its settings: {0}, {1} steps, guidance {2}, shapes held for {3} % of them. Undo takes them back.",
                &[
                    &settings.sampler.title(),
                    &settings.steps,
                    &settings.guidance,
                    &(settings.bootstrap * 100.0).round(),
                ],
            ));
        }
        let document = self.open.editor.document();
        if let Some((width, height)) = nature.canvas((document.width, document.height)) {
            self.toasts.info(fill(
                "This model draws {0} pixels and more: the canvas is {1} × {2} now. Undo takes it back.",
                &[&nature.side, &width, &height],
            ));
            self.change_canvas((width, height), Fit::Stretch, Anchor::default());
        }
    }

    /// True while a model is being fetched.
    #[must_use]
    pub fn is_fetching(&self) -> bool {
        self.fetching.is_some()
    }

    /// Begins to fetch what a person has named.
    fn fetch(&mut self, ctx: &Context, named: &str) {
        let Some(own) = self.added.fetched_into() else { return };
        let folder = self.prefs.fetch_into.clone().unwrap_or(own);
        self.fetching = match named.parse::<Repository>() {
            Ok(repository) => Fetching::begin(ctx, repository, folder, self.hub.clone()),
            Err(error) => return self.toasts.error(errors::hub_error(&error)),
        };
    }

    /// Takes in a model that has come.
    pub(in crate::app) fn follow_fetching(&mut self, ctx: &Context) {
        let Some(fetching) = self.fetching.take() else { return };
        let name = fetching.name.clone();
        match fetching.answer() {
            Ok(Ok(path)) => {
                self.toasts.info(fill("{0} is here and listed now.", &[&name]));
                // (What lies in a listed folder is found there.)
                if self.added.covers(&path) { self.added.look_again() } else { self.add_models(vec![path]) }
            }
            Ok(Err(hub::Error::Cancelled)) => {
                self.toasts.info(tr("Cancelled. What has come is kept, and the next try goes on from there."));
            }
            Ok(Err(error)) => self.toasts.error(errors::hub_error(&error)),
            Err(Some(fetching)) => {
                ctx.request_repaint_after(LOOK);
                self.fetching = Some(fetching);
            }
            Err(None) => self.toasts.error(fill("{0} was not fetched.", &[&name])),
        }
    }
}
