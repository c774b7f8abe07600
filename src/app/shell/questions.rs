//! The dialogs that are open, one over the other, each with what is done about its answer.

use crate::app::App;
use crate::app::dialogs::{Dialog, Outcome, View};
use egui::{Context, Ui};
use std::any::{Any, TypeId};

/// A dialog with what is done about its answer.
pub(in crate::app) trait Question {
    /// Draws it as the uppermost, and puts it back where it stays open.
    fn show(self: Box<Self>, app: &mut App, ui: &Ui);

    fn takes_drops(&self) -> bool;

    /// The type of its dialog.
    fn of(&self) -> TypeId;
}

struct Asked<D, F> {
    dialog: D,
    then: F,
}

impl<D: Dialog, F: FnMut(&mut App, &Context, D::Answer) + 'static> Question for Asked<D, F> {
    fn show(mut self: Box<Self>, app: &mut App, ui: &Ui) {
        let view = View {
            editor: &app.open.editor,
            takes: &app.open.takes,
            shown: app.shown_take(),
            is_enabled: &|command| app.is_enabled(command),
            is_on: &|command| app.is_on(command),
            recent: &app.prefs.recent,
            lost: &app.recovery.lost,
            shelf: &app.shelf,
            models: &app.added,
            fetching: app.fetching.as_ref(),
            fetch_into: app.prefs.fetch_into.as_deref(),
            size: app.prefs.size,
            pressure: app.prefs.pressure,
        };
        match self.dialog.show(ui, &view) {
            Outcome::Stay => app.questions.push(self),
            Outcome::Close => {}
            Outcome::Answer(answer) => (self.then)(app, ui, answer),
            Outcome::Also(answer) => {
                let place = app.questions.len();
                (self.then)(app, ui, answer);
                // Where it was: below what the answer may have opened.
                app.questions.insert(place.min(app.questions.len()), self);
            }
        }
    }

    fn takes_drops(&self) -> bool {
        self.dialog.takes_drops()
    }

    fn of(&self) -> TypeId {
        self.dialog.type_id()
    }
}

impl App {
    /// Opens a dialog over those that are open. One of its kind that is open already gives way to it.
    pub(in crate::app) fn ask<D: Dialog>(
        &mut self,
        dialog: D,
        then: impl FnMut(&mut Self, &Context, D::Answer) + 'static,
    ) {
        self.questions.retain(|question| question.of() != TypeId::of::<D>());
        self.questions.push(Box::new(Asked { dialog, then }));
    }

    /// Opens a dialog that tells something and asks nothing.
    pub(in crate::app) fn tell<D: Dialog<Answer = ()>>(&mut self, dialog: D) {
        self.ask(dialog, |_, _, ()| ());
    }

    /// True while a dialog is open.
    pub(in crate::app) fn is_asking(&self) -> bool {
        !self.questions.is_empty()
    }

    /// True where files that are dropped on the window are taken.
    pub(in crate::app) fn takes_drops(&self) -> bool {
        self.questions.last().is_none_or(|question| question.takes_drops())
    }

    /// Draws the uppermost.
    pub(in crate::app) fn questions_ui(&mut self, ui: &Ui) {
        if let Some(question) = self.questions.pop() {
            question.show(self, ui);
        }
    }
}
