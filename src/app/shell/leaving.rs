//! Leaving the open document for another one, or for good; what is not saved is asked about first.

use crate::app::App;
use crate::app::dialogs::plain::{Changes, Unsaved};
use crate::app::editor::Editor;
use crate::app::session::examples::Example;
use crate::app::shell::open_document::OpenDocument;
use crate::app::text::errors;
use crate::app::text::i18n::tr;
use crate::document::{Document, Opened, open_picture};
use egui::{Context, ViewportCommand};
use std::path::{Path, PathBuf};

/// The ways to leave the open document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) enum Leave {
    Quit,
    New {
        width: u32,
        height: u32,
    },
    Example(Example),
    OpenPath(PathBuf),
    /// Open what a crash left behind, by the path of its copy.
    Recover(PathBuf),
}

impl App {
    /// Leaves the open document, but asks first where it is not saved.
    pub(in crate::app) fn leave(&mut self, ctx: &Context, leave: Leave) {
        self.finish_gesture();
        if !self.open.editor.is_unsaved() {
            return self.leave_now(ctx, leave);
        }
        self.ask(Unsaved, move |app, ctx, changes| match changes {
            Changes::Save => app.save(Some(leave.clone())),
            Changes::Lose => app.leave_now(ctx, leave.clone()),
        });
    }

    /// Leaves the open document.
    fn leave_now(&mut self, ctx: &Context, leave: Leave) {
        match leave {
            Leave::Quit => {
                self.closing = true;
                self.end_recovery();
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Leave::New { width, height } => {
                self.open_document(ctx, Editor::new(Document::new(width, height), tr("Untitled")));
            }
            Leave::Example(example) => {
                self.open_example(ctx, example);
            }
            Leave::OpenPath(path) => self.open_path(path),
            Leave::Recover(copy) => self.recover(copy),
        }
    }

    /// Opens a project, or any picture.
    pub(in crate::app) fn open_path(&mut self, path: PathBuf) {
        let read = path.clone();
        self.tasks.begin(
            "open",
            move || open_picture(&read),
            move |app, ctx, opened| match opened {
                Ok(opened) => app.opened(ctx, &path, opened),
                Err(error) => app.toasts.error(errors::file_error(&error)),
            },
        );
    }

    fn opened(&mut self, ctx: &Context, path: &Path, Opened { document, notes, losses }: Opened) {
        self.remember_folder(path);
        self.remember_project(path);
        // A picture with a project inside opens the project; saving it asks for a name of its own.
        let is_project = path.extension().is_some_and(|x| x.eq_ignore_ascii_case("ora"));
        let editor = if is_project {
            Editor::from_file(document, path).with_losses(losses)
        } else {
            Editor::new(document, &path.file_stem().unwrap_or_default().to_string_lossy())
        };
        self.open_document(ctx, editor);
        for note in notes {
            self.toasts.warning(note);
        }
    }

    /// Shows an example, named in the language of the window.
    pub(in crate::app) fn open_example(&mut self, ctx: &Context, example: Example) {
        self.open_document(ctx, Editor::new(example.document(), &example.name()));
        self.open.example = Some(example);
    }

    /// Shows another document.
    pub(in crate::app) fn open_document(&mut self, ctx: &Context, editor: Editor) {
        self.recovery.forget();
        self.generation.forget_jobs();
        self.abort_gesture();
        self.open = OpenDocument::new(ctx, editor);
        self.workspace.canvas.reset();
        self.panels.cards.reveal();
        self.workspace.finished_at = None;
    }
}
