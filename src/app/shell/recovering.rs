//! The list of recent projects, and unsaved work: kept every minute, offered again after a crash.

use crate::app::App;
use crate::app::command::Command;
use crate::app::dialogs::recent::{self, Recent};
use crate::app::dialogs::recover::{self, Recover};
use crate::app::editor::Editor;
use crate::app::session::recent::look_at;
use crate::app::session::recovery;
use crate::app::shell::leaving::Leave;
use crate::app::text::errors;
use crate::app::text::format::file_name;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, Opened};
use egui::{Button, Context, Ui};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most recent projects that are remembered.
const MOST: usize = 12;

impl App {
    /// Puts a project first in the list of recent ones.
    pub(in crate::app) fn remember_project(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.prefs.recent.retain(|p| *p != path);
        self.prefs.recent.insert(0, path.clone());
        self.prefs.recent.truncate(MOST);
        self.look_at(vec![path]);
    }

    /// Looks at all files on the shelf anew.
    pub(in crate::app) fn look_at_shelf(&mut self) {
        let lost = self.recovery.lost.iter().map(|lost| lost.copy().to_path_buf());
        let paths: Vec<PathBuf> = self.prefs.recent.iter().cloned().chain(lost).collect();
        if !paths.is_empty() {
            self.look_at(paths);
        }
    }

    /// Looks whether files are there, and at their small pictures.
    fn look_at(&mut self, paths: Vec<PathBuf>) {
        self.tasks.begin("thumbnails", move || look_at(paths), |app, ctx, seen| app.shelf.take_in(ctx, seen));
    }

    /// The menu of recent projects; returns the one that was chosen.
    pub(in crate::app) fn recent_menu(&self, ui: &mut Ui, called: &mut Option<Command>) -> Option<PathBuf> {
        let mut chosen = None;
        ui.add_enabled_ui(!self.prefs.recent.is_empty(), |ui| {
            ui.menu_button(tr("Open recent"), |ui| {
                ui.set_min_width(224.0);
                for path in &self.prefs.recent {
                    let there = self.shelf.is_there(path);
                    let response = ui.add_enabled(there, Button::new(file_name(path)));
                    let told = path.display().to_string();
                    if response.on_hover_text(&told).on_disabled_hover_text(told).clicked() {
                        chosen = Some(path.clone());
                    }
                }
                ui.separator();
                self.menu_entry(ui, Command::Recent, called);
            });
        });
        chosen
    }

    /// Shows the recent projects.
    pub(in crate::app) fn ask_recent(&mut self) {
        self.look_at_shelf();
        self.ask(Recent, |app, ctx, wish| match wish {
            recent::Wish::Open(path) => app.leave(ctx, Leave::OpenPath(path)),
            recent::Wish::Unlist(path) => app.prefs.recent.retain(|p| *p != path),
            recent::Wish::Run(command) => app.perform(ctx, command),
        });
    }

    /// Offers what a crash left behind.
    pub(in crate::app) fn ask_about_lost(&mut self) {
        if self.recovery.lost.is_empty() {
            return;
        }
        self.look_at_shelf();
        self.ask(Recover, |app, ctx, wish| match wish {
            recover::Wish::BringBack(copy) => {
                app.recovery.sweep();
                app.leave(ctx, Leave::Recover(copy));
            }
            recover::Wish::ThrowAway(copy, thrown) => app.recovery.throw_away(&copy, thrown),
            recover::Wish::Later => app.recovery.sweep(),
        });
    }

    /// Reads what a crash left behind.
    pub(in crate::app) fn recover(&mut self, copy: PathBuf) {
        let read = copy.clone();
        self.tasks.begin(
            "recover",
            move || Document::open_with_notes(&read),
            move |app, ctx, opened| match opened {
                Ok(opened) => app.recovered(ctx, &copy, opened),
                Err(error) => app.toasts.error(errors::file_error(&error)),
            },
        );
    }

    /// Shows what a crash left behind, unsaved as it was.
    fn recovered(&mut self, ctx: &Context, copy: &Path, opened: Opened) {
        let Some(lost) = self.recovery.lost.iter().find(|lost| lost.copy() == copy) else { return };
        let editor = Editor::recovered(opened.document, lost.project(), lost.title());
        let editor = editor.with_losses(lost.losses().to_vec());
        self.open_document(ctx, editor);
        self.recovery.adopt(copy);
        for note in opened.notes {
            self.toasts.warning(note);
        }
    }

    /// Keeps the document where it has been unsaved for long enough.
    pub(in crate::app) fn autosave(&mut self, ctx: &Context) {
        if self.closing {
            return;
        }
        if !self.open.editor.is_unsaved() {
            self.recovery.forget_if_any();
            return;
        }
        if self.open.editor.in_stroke() || self.open.editor.is_working() {
            return;
        }
        match self.recovery.due_in(self.open.editor.state()) {
            Some(Duration::ZERO) => {
                let Some(mut copy) = self.recovery.begin(&self.open.editor) else { return };
                let write = move || {
                    let result = recovery::write(&mut copy);
                    (copy, result)
                };
                self.tasks.begin("autosave", write, |app, _, (copy, result)| {
                    app.recovery.finished(copy.state, &copy.files(), result.is_ok());
                    if let Err(error) = result {
                        app.toasts.warning(fill("Not autosaved: {0}", &[&errors::file_error(&error)]));
                    }
                });
            }
            Some(left) => ctx.request_repaint_after(left),
            None => {}
        }
    }

    /// The last thing before the program ends.
    pub(in crate::app) fn end_recovery(&mut self) {
        // A copy that is just being written would be left behind.
        while self.recovery.is_running() {
            match self.tasks.wait(Duration::from_secs(10)) {
                Some(rest) => rest(self),
                None => break,
            }
        }
        self.recovery.end();
    }
}
