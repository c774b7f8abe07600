//! The panel of the model.

use crate::app::App;
use crate::app::command::Command;
use crate::app::dialogs::Dialog;
use crate::app::dialogs::outpaint::{Anchor, Fit};
use crate::app::kit::background::Asked;
use crate::app::kit::widgets;
use crate::app::panels::library::LibraryForm;
use crate::app::session::files::Purpose;
use crate::app::text::i18n::{fill, tr};
use crate::studio::{
    Catalogue, Entry, FETCHED, FEW_STEPS, FewSteps, Item, Kind, KnownLoras, Library, PARTS_SEPARATOR, few_step_base,
    few_step_version, preview_decoders, sha256_of,
};
use egui::{ComboBox, Ui};
use egui_material_icons::icons;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the model inside the program.
pub(in crate::app) const EMBEDDED: &str = "embedded";

/// The most models, and the most LoRAs, in the list of the field; the panel of models has all of them.
const MOST: usize = 16;

/// The models to choose from: those that were added or lie in added folders, the one inside the program, and the document's own.
#[derive(Default)]
pub(in crate::app) struct Listed {
    /// The document's model.
    current: String,
    /// Everything in the library.
    items: Arc<Vec<Item>>,
    /// Its checkpoints and LoRAs that can be used.
    entries: Vec<Entry>,
    /// Those LoRAs for words that name them: shared, since every frame asks.
    known_loras: KnownLoras,
    /// The folders that were added.
    folders: Vec<Entry>,
    /// False where the library is as it was last seen: it has not been looked at yet.
    looked: bool,
    /// The checkpoints to choose from, those for few steps behind what they were made from.
    models: Vec<String>,
}

/// The list as it was last read, and where it is read from.
#[derive(Default)]
pub(in crate::app) struct Added {
    data: Option<PathBuf>,
    listed: Listed,
    /// The document's model that it was last asked for.
    asked: Option<String>,
    /// The file whose hash is being found out.
    hashing: Option<(PathBuf, Asked<()>)>,
}

impl Listed {
    /// Reads the library of a data folder, as it was last seen or as it is now, and looks for versions for few steps. A slow disk makes
    /// this slow, so it runs on a thread of its own.
    pub(in crate::app) fn read(data: Option<&Path>, current: String, look: bool) -> Self {
        let library = data.map(|data| if look { Library::read(data) } else { Library::remembered(data) });
        // `polyptych models` says what is wrong with it.
        let told = |error| log::warn!("{error}");
        let library = library.and_then(|library| library.map_err(told).ok()).unwrap_or_default();
        let items = library.items().to_vec();
        let catalogue = data.and_then(|data| Catalogue::open(data).ok());
        let folders = catalogue.iter().flat_map(Catalogue::entries).filter(|entry| entry.kind == Kind::Folder);
        let usable = items.iter().filter(|item| item.problem.is_none());
        let entries: Vec<Entry> = usable
            .filter(|item| matches!(item.kind, Kind::Checkpoint | Kind::Lora))
            .map(|item| Entry { name: item.name.clone(), kind: item.kind, path: item.path.clone() })
            .collect();
        let folders = folders.cloned().collect();
        let added = entries.iter().filter(|entry| entry.kind == Kind::Checkpoint).take(MOST);
        let added = added.map(|entry| entry.path.display().to_string());
        let base = few_step_base(&current).unwrap_or_else(|| current.clone());
        let mut models = Vec::new();
        for model in [EMBEDDED.to_owned()].into_iter().chain(added).chain([base]) {
            // (A file has no folder inside.)
            let inside = if model.ends_with(".safetensors") { None } else { few_step_version(&model) };
            for model in [inside, Some(model)].into_iter().rev().flatten() {
                if !models.contains(&model) {
                    models.push(model);
                }
            }
        }
        let loras = entries.iter().filter(|entry| entry.kind == Kind::Lora);
        let known_loras = loras.map(|entry| (entry.name.clone(), entry.path.display().to_string())).collect();
        let looked = look || data.is_none();
        Self { current, items: Arc::new(items), entries, known_loras, folders, looked, models }
    }
}

impl Listed {
    /// The LoRAs that were added.
    fn loras(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == Kind::Lora)
    }
}

impl Added {
    /// The checkpoints to choose from.
    pub(in crate::app) fn models(&self) -> impl Iterator<Item = &String> {
        self.listed.models.iter()
    }

    /// The list of this data folder, which is still to be read.
    pub(in crate::app) fn of(data: Option<PathBuf>) -> Self {
        Self { data, ..Self::default() }
    }

    /// The LoRAs that were added.
    pub(in crate::app) fn loras(&self) -> impl Iterator<Item = &Entry> {
        self.listed.loras()
    }

    /// The same for words that name them.
    pub(in crate::app) fn known_loras(&self) -> KnownLoras {
        self.listed.known_loras.clone()
    }

    /// Everything in the library.
    pub(in crate::app) fn items(&self) -> Arc<Vec<Item>> {
        Arc::clone(&self.listed.items)
    }

    /// The folders that were added.
    pub(in crate::app) fn folders(&self) -> &[Entry] {
        &self.listed.folders
    }

    /// True until the folders have been looked at.
    pub(in crate::app) fn is_looking(&self) -> bool {
        !self.listed.looked && self.data.is_some()
    }

    /// True where there is a place to remember what is added.
    pub(in crate::app) fn can_add(&self) -> bool {
        self.data.is_some()
    }

    /// The folder of what is fetched.
    pub(in crate::app) fn fetched_into(&self) -> Option<PathBuf> {
        Some(self.data.as_ref()?.join(FETCHED))
    }

    /// Whether a path lies in a folder that is listed.
    pub(in crate::app) fn covers(&self, path: &Path) -> bool {
        let folders = self.listed.folders.iter().map(|entry| entry.path.as_path());
        let own = self.fetched_into();
        folders.chain(own.as_deref()).any(|folder| path.starts_with(folder))
    }

    /// Looks at the folders again with the next frame.
    pub(in crate::app) fn look_again(&mut self) {
        self.asked = None;
    }

    /// True while the hash of this file is being found out.
    pub(in crate::app) fn is_hashing(&self, path: &Path) -> bool {
        self.hashing.as_ref().is_some_and(|(of, _)| of == path)
    }

    /// Finds out the hash of a file, unless another's is being found out.
    pub(in crate::app) fn ask_hash(&mut self, ctx: &egui::Context, path: PathBuf) {
        let Some(data) = self.data.clone().filter(|_| self.hashing.is_none()) else { return };
        let of = path.clone();
        let asked = Asked::begin(ctx, "hash", move || match sha256_of(&of, || true) {
            Ok(Some(hash)) => Library::keep_hash(&data, &of, &hash),
            Ok(None) => {}
            Err(error) => log::warn!("{error}"),
        });
        self.hashing = asked.map(|asked| (path, asked));
    }
}

/// The choices in the list of models.
enum Chosen {
    Model(String),
    Lora(PathBuf),
    Browse,
    BrowseFile,
    BrowseLora,
    All,
}

impl App {
    pub(in crate::app) fn model_field(&mut self, ui: &mut Ui, width: f32) {
        let current = self.editor.document().settings.model.clone();
        let hint = tr(
            "What draws the picture: the small model inside the program, or a file or folder with a Stable Diffusion model",
        );
        let mut chosen = None;
        widgets::field(ui, width, tr("Model"), hint, |ui, label| {
            let combo = ComboBox::from_id_salt("model").selected_text(short_name(&current)).icon(widgets::chevron);
            // (So high that a dozen of models is seen at once.)
            let response = combo.truncate().height(400.0).show_ui(ui, |ui| {
                chosen = self.models_list(ui, &current);
            });
            response.response.labelled_by(label).on_hover_text(format!("{hint}\n{current}"));
        });
        match chosen {
            Some(Chosen::Model(model)) => self.set_model(model),
            Some(Chosen::Lora(path)) => self.add_lora(None, &path),
            Some(Chosen::Browse) => self.ask_path(Purpose::Model),
            Some(Chosen::BrowseFile) => self.ask_path(Purpose::ModelFile),
            Some(Chosen::BrowseLora) => self.perform(ui, Command::AddLora),
            Some(Chosen::All) => self.perform(ui, Command::Models),
            None => {}
        }
    }

    /// Reads the list of models anew where the document has another model, and where the window comes back to the front: models
    /// may have been added in a terminal meanwhile. (Before the list is opened, since it keeps the size it opened with.)
    pub(in crate::app) fn follow_models(&mut self, ui: &Ui) {
        let current = &self.editor.document().settings.model;
        let back = ui.input(|i| i.events.iter().any(|event| matches!(event, egui::Event::WindowFocused(true))));
        if back || self.added.asked.as_ref() != Some(current) {
            self.added.asked = Some(current.clone());
            // The first time, what was last seen is there at once.
            let look = self.added.listed.looked;
            self.files.list_models(self.added.data.clone(), current.clone(), look);
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

    /// Remembers models or folders of models, in which everything is listed then.
    pub(in crate::app) fn add_models(&mut self, paths: Vec<PathBuf>) {
        match self.added.data.clone() {
            Some(data) => self.files.add_models(data, paths),
            None => self.toasts.warning(tr("There is no folder to remember it in.")),
        }
    }

    /// No longer lists a folder.
    pub(in crate::app) fn forget_models(&mut self, name: String) {
        if let Some(data) = self.added.data.clone() {
            self.files.forget_models(data, name);
        }
    }

    /// What was added is listed now.
    pub(in crate::app) fn models_added(&mut self, results: Vec<Result<Entry, String>>) {
        let mut folder = false;
        for result in results {
            match result {
                Ok(entry) if entry.kind == Kind::Folder => {
                    folder = true;
                    self.toasts.info(fill("{0} is listed now. Its files stay where they are.", &[&entry.name]));
                }
                Ok(entry) => self.toasts.info(fill("{0} is listed now.", &[&entry.name])),
                Err(error) => self.toasts.error(error),
            }
        }
        self.added.look_again();
        if folder && self.dialog.is_none() {
            self.dialog = Some(Dialog::Library(LibraryForm::default()));
        }
    }

    /// Takes in a list that has been read, unless another was asked for since.
    pub(in crate::app) fn models_listed(&mut self, listed: Listed) {
        if self.added.asked.as_ref() == Some(&listed.current) {
            if !listed.looked {
                self.files.list_models(self.added.data.clone(), listed.current.clone(), true);
            }
            self.pictures.forget();
            self.added.listed = listed;
            self.engine.know_loras(self.added.known_loras());
            self.engine.know_decoders(preview_decoders(&self.added.items()));
        }
    }

    /// The models there are, then the LoRAs that were added, each with a way to choose another.
    fn models_list(&self, ui: &mut Ui, current: &str) -> Option<Chosen> {
        let mut chosen = None;
        for model in &self.added.listed.models {
            let mut entry = ui.selectable_label(model == current, model_name(model));
            if is_for_few_steps(Path::new(model)) {
                let hint = tr(
                    "Made for few steps: quick, and plainer. It brings its sampler, steps, guidance and hold-shape along",
                );
                entry = entry.on_hover_text(hint);
            }
            if model != EMBEDDED {
                entry = entry.on_hover_text(model);
            }
            if entry.clicked() {
                chosen = Some(Chosen::Model(model.clone()));
            }
        }
        if ui.button(Command::Models.label()).on_hover_text(Command::Models.hint()).clicked() {
            chosen = Some(Chosen::All);
        }
        if ui.button(tr("Choose a model file…")).clicked() {
            chosen = Some(Chosen::BrowseFile);
        }
        if ui.button(tr("Choose a model folder…")).clicked() {
            chosen = Some(Chosen::Browse);
        }
        ui.separator();
        for entry in self.added.listed.loras().take(MOST) {
            let text = fill("Add {0}", &[&entry.name]);
            if ui.selectable_label(false, text).on_hover_text(entry.path.display().to_string()).clicked() {
                chosen = Some(Chosen::Lora(entry.path.clone()));
            }
        }
        if ui.button(Command::AddLora.label()).on_hover_text(Command::AddLora.hint()).clicked() {
            chosen = Some(Chosen::BrowseLora);
        }
        chosen
    }

    /// Draws with another model; one that was made for few steps brings its sampler, steps, guidance and bootstrapping along.
    pub(in crate::app) fn set_model(&mut self, model: String) {
        // (Another choice may still be on its way.)
        if self.editor.is_working() || self.editor.document().settings.model != model {
            self.editor.choose_model(model);
        }
    }

    /// Tells what a model that was chosen has brought along, and gives it a canvas that it can draw on.
    pub(in crate::app) fn model_chosen(&mut self) {
        let Some((nature, brought)) = self.editor.take_chosen() else { return };
        if brought {
            let settings = &self.editor.document().settings;
            self.toasts.info(fill(
                "It brings its settings: {0}, {1} steps, guidance {2}. Undo takes them back.",
                &[&settings.sampler.title(), &settings.steps, &settings.guidance],
            ));
        }
        let document = self.editor.document();
        if let Some((width, height)) = nature.canvas((document.width, document.height)) {
            self.toasts.info(fill(
                "This model draws {0} pixels and more: the canvas is {1} × {2} now. Undo takes it back.",
                &[&nature.side, &width, &height],
            ));
            self.change_canvas((width, height), Fit::Stretch, Anchor::default());
        }
    }
}

/// True where a model lies in the folder for few steps inside another's.
fn is_for_few_steps(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FEW_STEPS)
}

/// The text of the narrow field: for few steps, the lightning of live painting and the name of the model that the version was
/// made from.
fn short_name(model: &str) -> String {
    let path = Path::new(model);
    match path.parent().and_then(Path::to_str).filter(|_| is_for_few_steps(path)) {
        Some(base) => format!("{} {}", icons::ICON_BOLT.codepoint, model_name(base)),
        None => model_name(model),
    }
}

/// A model's name: the last part of its path; of one from several files, those of all.
pub(in crate::app) fn model_name(model: &str) -> String {
    let path = Path::new(model);
    if model.contains(PARTS_SEPARATOR) && !path.exists() {
        return model.split(PARTS_SEPARATOR).map(model_name).collect::<Vec<_>>().join(PARTS_SEPARATOR);
    }
    if let Some(base) = path.parent().and_then(Path::to_str).filter(|_| is_for_few_steps(path)) {
        return fill("{0}, {1} steps", &[&model_name(base), &FewSteps::STEPS]);
    }
    if model == EMBEDDED {
        return tr("Built in").to_owned();
    }
    path.file_stem().map_or_else(|| model.to_owned(), |s| s.to_string_lossy().into_owned())
}
