//! The bar over the canvas while what may change of the picture to start from is painted: that this goes on, and the ways out.

use crate::app::App;
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::shell::toolbar::floating;
use crate::app::text::i18n::tr;
use egui::{Align2, Button, Label, Rect, Sense, Ui, vec2};

impl App {
    /// Floats below the bar of the tool in hand.
    pub(in crate::app) fn change_bar_ui(&mut self, ui: &Ui, canvas: Rect) {
        if !self.open.editor.paints_change() {
            return;
        }
        let at = canvas.center_top() + vec2(0.0, self.below_options_bar(ui));
        let t = theme::tokens(ui);
        let mut called = None;
        floating(ui, "change bar", at, Align2::CENTER_TOP, |ui| {
            ui.set_max_width((canvas.width() - 40.0).max(200.0));
            ui.horizontal_wrapped(|ui| {
                let (dot, _) = ui.allocate_exact_size(vec2(12.0, 20.0), Sense::hover());
                ui.painter().circle_filled(dot.center(), 5.0, t.change);
                let text = theme::strong(tr("Painting what may change")).color(t.text_strong);
                ui.add(Label::new(text).selectable(false));
                for (text, name, command) in [
                    (tr("Invert"), tr("Invert what may change"), Command::InvertRegion),
                    (tr("Clear"), tr("Clear what may change"), Command::ClearRegion),
                ] {
                    let button = ui.add(Button::new(text)).accessible_name(name);
                    if button.on_hover_text(command.tooltip(ui)).clicked() {
                        called = Some(command);
                    }
                }
                let done = widgets::main_button(ui, tr("Done"), 64.0, 24.0, true);
                let done = done.accessible_name(tr("Done painting what may change"));
                if done.on_hover_text(Command::PaintChange.tooltip(ui)).clicked() {
                    called = Some(Command::PaintChange);
                }
            });
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }
}
