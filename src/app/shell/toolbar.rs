//! The tools at the left, and the frame of bars that float over the canvas.

use crate::app::App;
use crate::app::kit::{theme, widgets};
use crate::app::tools::Tool;
use egui::{Align2, Area, Button, Id, Order, Ui, vec2};

impl App {
    pub(in crate::app) fn tools_ui(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = theme::HALF;
        // In a low window the buttons shrink rather than leave it.
        let room = (ui.available_height() - 3.0 * theme::GRID) / Tool::ALL.len() as f32 - theme::HALF;
        let side = room.clamp(20.0, theme::TOOL);
        for tool in Tool::ALL {
            let command = tool.command();
            if tool == Tool::Move {
                ui.add_space(theme::HALF);
                widgets::rule(ui);
                ui.add_space(theme::HALF);
            }
            let t = theme::tokens(ui);
            let on = self.tool == tool;
            let colour = if on { t.text_strong } else { t.text };
            let icon =
                command.icon().map(|i| i.rich_text().size(20.0_f32.min(side - 4.0)).color(colour)).unwrap_or_default();
            let button = Button::new(icon).selected(on).frame_when_inactive(on).corner_radius(theme::ROUND);
            let response = ui
                .scope(|ui| {
                    ui.spacing_mut().button_padding = vec2(0.0, 0.0);
                    ui.add_sized([theme::TOOL, side], button)
                })
                .inner;
            if response.accessible_name(command.label()).on_hover_text(command.tooltip(ui)).clicked() {
                self.perform(ui, command);
            }
        }
    }
}

pub(in crate::app) fn floating(ui: &Ui, name: &str, at: egui::Pos2, pivot: Align2, add: impl FnOnce(&mut Ui)) {
    let t = theme::tokens(ui);
    let id = Id::unique(name);
    let area = Area::new(id).order(Order::Middle).fixed_pos(at).pivot(pivot).fade_in(false);
    let size = area.show(ui, |ui| theme::bar_frame(t).show(ui, |ui| ui.horizontal(add))).response.rect.size();
    // A bar is placed by the size it had before.
    if ui.data(|d| d.get_temp(id)) != Some(size) {
        ui.data_mut(|d| d.insert_temp(id, size));
        ui.request_repaint();
    }
}
