//! Asking for a path: by the system's dialog, or by the studio's own where it has none.

use crate::app::App;
use crate::app::dialogs::path::AskPath;
use crate::app::session::purpose::Purpose;
use crate::app::session::system_dialogs::{self, FileDialogs};
use egui::Context;
use std::path::{Path, PathBuf};

type Then = Box<dyn FnOnce(&mut App, &Context, PathBuf)>;

/// The dialogs that ask for paths.
pub(in crate::app) struct Paths {
    dialogs: FileDialogs,
    /// True where the system has dialogs, once that was looked for.
    system: Option<bool>,
    /// The question that the system's dialog asks now, and what is done about its answer.
    asking: Option<(Purpose, Then)>,
    /// The number of that question: an answer that nobody waits for any more is dropped.
    number: u64,
}

impl Paths {
    pub(in crate::app) fn new(dialogs: FileDialogs) -> Self {
        Self { dialogs, system: None, asking: None, number: 0 }
    }

    /// True while the system's dialog is open.
    pub(in crate::app) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    fn by_system(&mut self) -> bool {
        self.dialogs == FileDialogs::System && *self.system.get_or_insert_with(system_dialogs::there_are_any)
    }
}

impl App {
    /// Asks for a path.
    pub(in crate::app) fn ask_path(
        &mut self,
        purpose: Purpose,
        then: impl FnOnce(&mut Self, &Context, PathBuf) + 'static,
    ) {
        if !self.paths.by_system() {
            return self.ask_path_ourselves(purpose, Box::new(then));
        }
        let question = system_dialogs::question(purpose, &self.folder(), &self.suggested_name(purpose));
        self.paths.number += 1;
        self.paths.asking = Some((purpose, Box::new(then)));
        let number = self.paths.number;
        self.tasks.begin("ask", question, move |app, ctx, path| {
            if app.paths.number != number {
                return;
            }
            if let (Some((purpose, then)), Some(path)) = (app.paths.asking.take(), path) {
                then(app, ctx, purpose.with_ending(path));
            }
        });
    }

    /// No longer waits for the system's dialog, and asks by the studio's own.
    pub(in crate::app) fn type_path_instead(&mut self) {
        if let Some((purpose, then)) = self.paths.asking.take() {
            self.ask_path_ourselves(purpose, then);
        }
    }

    fn ask_path_ourselves(&mut self, purpose: Purpose, then: Then) {
        let name = purpose.writes().then(|| self.suggested_name(purpose));
        let dialog = AskPath::new(purpose, self.folder(), name, self.read_files(purpose != Purpose::SaveAs));
        let mut then = Some(then);
        self.ask(dialog, move |app, ctx, path| {
            if let Some(then) = then.take() {
                then(app, ctx, path);
            }
        });
    }

    /// The folder in which files are looked for first.
    fn folder(&self) -> PathBuf {
        let beside = self.open.editor.path().and_then(Path::parent).map(Path::to_path_buf);
        let home = || std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
        [beside, self.prefs.folder.clone(), home(), std::env::current_dir().ok()]
            .into_iter()
            .flatten()
            .find(|f| f.is_dir())
            .unwrap_or_default()
    }

    /// The name a new file gets unless another is given.
    fn suggested_name(&self, purpose: Purpose) -> String {
        let mut stem =
            Path::new(self.open.editor.title()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let (Purpose::ExportMask, Some(region)) = (purpose, self.open.editor.selected_region()) {
            let safe = |c: char| if c.is_alphanumeric() || c == ' ' || c == '-' { c } else { '_' };
            stem = format!("{stem} - {}", region.name.chars().map(safe).collect::<String>());
        }
        if purpose == Purpose::SaveAs && !self.open.editor.losses().is_empty() {
            // Beside the file that another program made.
            stem += " (Polyptych)";
        }
        format!("{stem}.{}", purpose.endings().first().copied().unwrap_or_default())
    }

    /// The files that may not be written over: those that the open document is made from, for an export its project, too.
    pub(in crate::app) fn read_files(&self, exports: bool) -> Vec<PathBuf> {
        let project = self.open.editor.path().filter(|_| exports).map(Path::to_path_buf);
        self.open.editor.document().model_files().into_iter().chain(project).collect()
    }

    pub(in crate::app) fn remember_folder(&mut self, path: &Path) {
        self.prefs.folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map(Path::to_path_buf);
    }
}
