//! Leaving the open document for another one, or for good; what is not saved is asked about first.

use crate::app::App;
use crate::app::dialogs::Dialog;
use crate::app::editor::Editor;
use crate::app::generation::checks::Checks;
use crate::app::generation::cost::Cost;
use crate::app::panels::thumbnails::Thumbnails;
use crate::app::session::examples::Example;
use crate::app::session::files::Purpose;
use crate::app::session::work::Working;
use crate::app::text::i18n::tr;

/// The ways to leave the open document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) enum Leave {
    Quit,
    New {
        width: u32,
        height: u32,
    },
    Example(Example),
    Open,
    OpenPath(std::path::PathBuf),
    /// Open what a crash left behind, by the path of its copy.
    Recover(std::path::PathBuf),
}

impl App {
    /// Leaves the open document, but asks first where it is not saved.
    pub(in crate::app) fn leave(&mut self, ctx: &egui::Context, leave: Leave) {
        self.finish_gesture();
        if self.editor.is_unsaved() {
            self.dialog = Some(Dialog::Unsaved(leave));
        } else {
            self.leave_now(ctx, leave);
        }
    }

    /// Leaves the open document.
    pub(in crate::app) fn leave_now(&mut self, ctx: &egui::Context, leave: Leave) {
        match leave {
            Leave::Quit => {
                self.closing = true;
                self.end_recovery();
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            Leave::New { width, height } => {
                let document = crate::document::Document::new(width, height);
                self.open_document(Editor::new(document, tr("Untitled")));
            }
            Leave::Example(example) => {
                self.open_document(Editor::new(example.document(), &example.name()));
            }
            Leave::Open => self.ask_path(Purpose::Open),
            Leave::OpenPath(path) => self.files.open(path),
            Leave::Recover(copy) => self.files.recover(copy),
        }
    }

    /// Shows another document.
    pub(in crate::app) fn open_document(&mut self, editor: Editor) {
        self.recovery.forget();
        self.forget_jobs();
        self.abort_gesture();
        self.compare = None;
        self.work = Working::default();
        self.takes.of_document(editor.document());
        self.checks = Checks::default();
        self.cost = Cost::default();
        self.thumbnails = Thumbnails::default();
        self.editor = editor;
        self.canvas.reset();
    }
}
