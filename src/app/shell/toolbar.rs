//! The tools at the left, and the frame of bars that float over the canvas.

use crate::app::App;
use crate::app::kit::{theme, widgets};
use crate::app::tools::Tool;
use egui::scroll_area::ScrollBarVisibility;
use egui::{Align2, Area, Button, Id, Order, ScrollArea, Ui, vec2};

/// The least height of a tool's button.
const LEAST: f32 = 20.0;

impl App {
    /// Columns of tools in a window of this height.
    pub(in crate::app) fn tool_columns(height: f32) -> usize {
        // With margins, gaps and the line between painting and the rest.
        if height < Tool::ALL.len() as f32 * (LEAST + theme::HALF) + 36.0 { 2 } else { 1 }
    }

    pub(in crate::app) fn tools_ui(&mut self, ui: &mut Ui, columns: usize) {
        ui.spacing_mut().item_spacing = vec2(0.0, theme::HALF);
        // In a low window the buttons shrink rather than leave it; in a very low one they scroll.
        let rows = Tool::ALL.len().div_ceil(columns) as f32;
        let rule = if columns == 1 { 3.0 * theme::GRID } else { 0.0 };
        let side = ((ui.available_height() - rule) / rows - theme::HALF).clamp(LEAST, theme::TOOL);
        // (A row is as high as this at least.)
        ui.spacing_mut().interact_size.y = side;
        ScrollArea::vertical()
            .id_salt("tools")
            .auto_shrink(false)
            .scroll_bar_visibility(ScrollBarVisibility::AlwaysHidden)
            .show(ui, |ui| {
                for row in Tool::ALL.chunks(columns) {
                    if columns == 1 && row.contains(&Tool::Move) {
                        ui.add_space(theme::HALF);
                        widgets::rule(ui);
                        ui.add_space(theme::HALF);
                    }
                    ui.horizontal(|ui| {
                        ui.set_min_height(side);
                        row.iter().for_each(|tool| self.tool_ui(ui, *tool, side));
                    });
                }
            });
    }

    fn tool_ui(&mut self, ui: &mut Ui, tool: Tool, side: f32) {
        let command = tool.command();
        let t = theme::tokens(ui);
        let on = self.workspace.tool == tool;
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
        if on {
            let bar = response.rect.with_max_x(response.rect.left() + 2.0).shrink2(vec2(0.0, 3.0));
            ui.painter().rect_filled(bar, 1.0, t.accent);
        }
        if response.gained_focus() {
            response.scroll_to_me(None);
        }
        if response.accessible_name(command.label()).on_hover_text(command.tooltip(ui)).clicked() {
            self.perform(ui, command);
        }
    }
}

/// The size that a floating bar had last.
pub(in crate::app) fn size_of(ui: &Ui, name: &str) -> egui::Vec2 {
    ui.data(|d| d.get_temp(Id::unique(name))).unwrap_or_default()
}

/// A bar over the canvas, with this corner or edge of it here.
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
