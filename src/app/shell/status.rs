//! The line at the bottom: what is going on, and where things stand.

use crate::app::App;
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use egui::{Align, Button, Label, Layout, RichText, Ui};

/// Width of the window below which the line leaves out what is told elsewhere, too.
const NARROW: f32 = 640.0;
/// The same while a picture is made, which has more to tell.
const NARROW_AT_WORK: f32 = 960.0;

impl App {
    pub(in crate::app) fn status_ui(&mut self, ui: &mut Ui) {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 24.0;
            self.standing_ui(ui);
            // What is going on takes the room that is left, and is cut where that is too little.
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| self.going_on_ui(ui));
        });
    }

    /// What is going on, or what the tool in hand does.
    fn going_on_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        // Escape stops a change before it stops a job.
        let work = self.open.editor.work().map(|label| format!("{}…", tr(label)));
        let name = if work.is_some() { tr("Stop the change") } else { tr("Stop the picture") };
        match work.or_else(|| self.generation.progress_text()) {
            Some(text) => {
                widgets::flat(ui);
                let cancel_text = fill("Cancel ({0})", &[&Command::Cancel.keys_text(ui)]);
                let cancels = widgets::text_width(ui, &cancel_text) + 48.0;
                ui.scope(|ui| {
                    ui.set_max_width((ui.available_width() - cancels).max(24.0));
                    ui.add(Label::new(RichText::new(text).color(t.text_strong)).truncate().selectable(false));
                });
                let text = cancel_text;
                let cancel = ui.add(Button::new(RichText::new(text).color(t.text_weak)));
                if cancel.accessible_name(name).clicked() {
                    self.perform(ui, Command::Cancel);
                }
            }
            None => {
                let live = self.generation.live.progress_text();
                let asks = self.paths.is_asking();
                let hint = match self.tasks.is_busy() {
                    _ if asks => tr("Waiting for the system's file dialog…"),
                    true => tr("Working with the file…"),
                    false => live.as_deref().unwrap_or_else(|| self.tool_hint()),
                };
                let asking = if asks { 160.0 } else { 0.0 };
                ui.scope(|ui| {
                    ui.set_max_width((ui.available_width() - asking).max(24.0));
                    let label = Label::new(RichText::new(hint).color(t.text_weak)).truncate().selectable(false);
                    ui.add(label).on_hover_text(hint);
                });
                if asks {
                    widgets::flat(ui);
                    if ui.button(tr("Type a path instead")).clicked() {
                        self.type_path_instead();
                    }
                }
            }
        }
    }

    /// Where things stand, from the right: is it saved, what draws, the canvas's size.
    fn standing_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let at_work = self.is_generating() || self.open.editor.is_working();
        let width = ui.available_width();
        let narrow = width < if at_work { NARROW_AT_WORK } else { NARROW };
        let saved = match (self.open.editor.path().is_some(), self.open.editor.is_unsaved()) {
            (_, true) => tr("Not saved"),
            (true, false) => tr("Saved"),
            (false, false) => tr("New"),
        };
        let weak = |text: String| RichText::new(text).color(t.text_weak);
        ui.label(weak(saved.to_owned()));
        // (What draws does not change while it does.)
        if !at_work || width >= NARROW {
            self.drawn_on_ui(ui, if narrow { 96.0 } else { 280.0 });
        }
        if !narrow {
            let document = self.open.editor.document();
            ui.label(weak(format!("{} × {}", document.width, document.height)));
        }
    }

    fn tool_hint(&self) -> &'static str {
        if self.open.editor.paints_change() && self.workspace.tool.paints() {
            return tr("Paint where the picture may change. Everywhere else it stays as it is.");
        }
        if self.open.editor.paints_colours() && self.workspace.tool.paints() {
            return tr("Paint in colour: the picture grows from it. Alt+click takes a colour from the canvas.");
        }
        self.workspace.tool.hint()
    }
}
