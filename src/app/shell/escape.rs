//! Escape is pressed for many things: to leave a field, to be rid of a message, to stop what is going on. It never costs a picture that
//! nobody meant to stop.

use crate::app::App;
use crate::app::text::i18n::tr;
use egui::{Key, Ui};

/// Seconds of drawing from which on a picture is stopped by a second press only.
const DEAR: f32 = 8.0;
/// Seconds within which the second press comes.
const AGAIN: f64 = 4.0;

/// What was so when Escape was pressed.
#[derive(Debug, Default)]
pub(in crate::app) struct Escape {
    /// A field had the keyboard at the end of the frame before: egui has taken it from there when a frame begins.
    typing: bool,
    /// The time at which a first press asked for a second.
    asked: Option<f64>,
}

impl App {
    /// Keeps for the next frame whether Escape will leave a field.
    pub(super) fn follow_typing(&mut self, ui: &Ui) {
        self.escape.typing = ui.text_edit_focused();
    }

    /// True where Escape stops something, and does not leave a field or close a list.
    pub(super) fn escape_stops(&self) -> bool {
        self.something_to_stop() && !self.escape.typing && !self.panels.writing.is_listing()
    }

    /// Closes the newest message where Escape was pressed and has nothing else to do.
    pub(super) fn escape_closes_a_message(&mut self, ui: &Ui) {
        let free = !self.something_to_stop() && !self.escape.typing && !egui::Popup::is_any_open(ui);
        if free && ui.input(|i| i.key_pressed(Key::Escape)) && self.toasts.close_newest() {
            ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, Key::Escape));
        }
    }

    /// True where a press of Escape does not stop the picture yet: it has closed a message, or asks for a second press.
    pub(super) fn escape_spares_the_picture(&mut self, ui: &Ui) -> bool {
        let now = ui.input(|i| i.time);
        if self.stops_before_a_job() {
            return false;
        }
        if self.escape.asked.take().is_some_and(|at| now - at < AGAIN) {
            self.toasts.close_newest();
            return false;
        }
        if self.toasts.close_newest() {
            return true;
        }
        if self.generation.seconds_spent() < DEAR {
            return false;
        }
        self.escape.asked = Some(now);
        self.toasts.info(tr("Escape again stops the picture."));
        true
    }
}
