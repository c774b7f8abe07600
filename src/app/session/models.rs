//! The library of models as the window knows it: what was added or lies in added folders, read on a thread.

use crate::app::kit::background::Asked;
use crate::app::text::i18n::{fill, tr};
use crate::studio::{
    Catalogue, Entry, FETCHED, FEW_STEPS, FewSteps, Item, Kind, KnownLoras, Library, PARTS_SEPARATOR, few_step_base,
    few_step_version, sha256_of,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the model inside the program.
pub(in crate::app) const EMBEDDED: &str = "embedded";

/// The most models, and the most LoRAs, in the list of the field; the panel of models has all of them.
pub(in crate::app) const MOST: usize = 16;

/// The models to choose from: those that were added or lie in added folders, the one inside the program, and the document's own.
#[derive(Default)]
pub(in crate::app) struct Listed {
    /// The document's model.
    pub current: String,
    /// Everything in the library.
    items: Arc<Vec<Item>>,
    /// Its checkpoints and LoRAs that can be used.
    entries: Vec<Entry>,
    /// Those LoRAs for words that name them: shared, since every frame asks.
    known_loras: KnownLoras,
    /// The folders that were added.
    folders: Vec<Entry>,
    /// False where the library is as it was last seen: it has not been looked at yet.
    pub looked: bool,
    /// The checkpoints to choose from, those for few steps behind what they were made from.
    pub models: Vec<String>,
}

/// The list as it was last read, and where it is read from.
#[derive(Default)]
pub(in crate::app) struct Added {
    pub data: Option<PathBuf>,
    pub listed: Listed,
    /// The document's model that it was last asked for.
    pub asked: Option<String>,
    /// The file whose hash is being found out.
    pub hashing: Option<(PathBuf, Asked<()>)>,
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
    pub(in crate::app) fn loras(&self) -> impl Iterator<Item = &Entry> {
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

/// True where a model lies in the folder for few steps inside another's.
pub(in crate::app) fn is_for_few_steps(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FEW_STEPS)
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
