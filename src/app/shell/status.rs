//! The line at the bottom: what is going on, and where things stand.

use crate::app::App;
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use egui::{Align, Button, Layout, RichText, Ui};

impl App {
    pub(in crate::app) fn status_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 24.0;
            // Escape stops a change before it stops a job.
            let work = self.editor.work().map(|label| format!("{}…", tr(label)));
            let name = if work.is_some() { tr("Stop the change") } else { tr("Stop the picture") };
            match work.or_else(|| self.progress_text()) {
                Some(text) => {
                    ui.label(RichText::new(text).color(t.text_strong));
                    widgets::flat(ui);
                    let text = fill("Cancel ({0})", &[&Command::Cancel.keys_text(ui)]);
                    let cancel = ui.add(Button::new(RichText::new(text).color(t.text_weak)));
                    if cancel.accessible_name(name).clicked() {
                        self.perform(ui, Command::Cancel);
                    }
                }
                None => {
                    let live = self.live.progress_text();
                    let hint = match self.tasks.is_busy() {
                        _ if self.paths.is_asking() => tr("Waiting for the system's file dialog…"),
                        true => tr("Working with the file…"),
                        false => live.as_deref().unwrap_or_else(|| self.tool_hint()),
                    };
                    ui.label(RichText::new(hint).color(t.text_weak));
                    if self.paths.is_asking() {
                        widgets::flat(ui);
                        if ui.button(tr("Type a path instead")).clicked() {
                            self.type_path_instead();
                        }
                    }
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 24.0;
                let saved = match (self.editor.path().is_some(), self.editor.is_unsaved()) {
                    (_, true) => tr("Not saved"),
                    (true, false) => tr("Saved"),
                    (false, false) => tr("New"),
                };
                let weak = |text: String| RichText::new(text).color(t.text_weak);
                ui.label(weak(saved.to_owned()));
                self.drawn_on_ui(ui);
                let document = self.editor.document();
                ui.label(weak(format!("{} × {}", document.width, document.height)));
            });
        });
    }

    fn tool_hint(&self) -> &'static str {
        if self.editor.paints_change() && self.tool.paints() {
            return tr("Paint where the picture may change. Everywhere else it stays as it is.");
        }
        self.tool.hint()
    }
}
