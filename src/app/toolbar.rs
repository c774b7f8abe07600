//! The tools at the left, the brush's bar over the canvas, and the switch of what the canvas shows.

use super::texts::{fill, tr};
use super::tools::BrushSettings;
use super::{App, Command, Tool, theme, widgets};
use egui::{Align2, Area, Button, Id, Order, Rect, RichText, Ui, vec2};

impl App {
    pub(super) fn tools_ui(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = theme::HALF;
        for (command, tool) in [
            (Command::ToolBrush, Tool::Brush),
            (Command::ToolEraser, Tool::Eraser),
            (Command::ToolHand, Tool::Hand),
            (Command::ToolZoom, Tool::Zoom),
        ] {
            if tool == Tool::Hand {
                ui.add_space(theme::HALF);
                widgets::rule(ui);
                ui.add_space(theme::HALF);
            }
            let t = theme::tokens(ui);
            let on = self.tool == tool;
            let colour = if on { t.text_strong } else { t.text };
            let icon = command.icon().map(|i| i.rich_text().size(20.0).color(colour)).unwrap_or_default();
            let button = Button::new(icon).selected(on).frame_when_inactive(on).corner_radius(theme::ROUND);
            let response = ui.add(button.min_size(vec2(theme::TOOL, theme::TOOL)));
            if response.accessible_name(command.label()).on_hover_text(command.tooltip(ui)).clicked() {
                self.perform(ui, command);
            }
        }
    }

    /// Floats over the top of the canvas while a painting tool is in hand.
    pub(super) fn brush_bar_ui(&mut self, ui: &Ui, canvas: Rect) {
        if !self.tool.paints() {
            return;
        }
        let t = theme::tokens(ui);
        let name = if self.tool == Tool::Brush { tr("Brush") } else { tr("Eraser") };
        floating(ui, "brush bar", canvas.center_top() + vec2(0.0, 8.0), Align2::CENTER_TOP, |ui| {
            ui.spacing_mut().slider_width = 88.0;
            ui.label(theme::strong(name).color(t.text_strong));
            ui.add_space(theme::HALF);
            let brush = &mut self.prefs.brush;
            let value = format!("{:.0}", brush.size);
            let slider = widgets::slider(&mut brush.size, BrushSettings::SIZES).logarithmic();
            bar_slider(ui, tr("Size"), tr("Change it with [ and ]"), slider, value, 32.0);
            let value = percent(brush.hardness);
            let slider = widgets::slider(&mut brush.hardness, 0.0..=1.0);
            bar_slider(ui, tr("Hardness"), tr("Change it with Shift+[ and Shift+]"), slider, value, 40.0);
            let value = percent(brush.opacity);
            let slider = widgets::slider(&mut brush.opacity, 0.01..=1.0);
            bar_slider(ui, tr("Opacity"), tr("How strongly the region is laid down"), slider, value, 40.0);
        });
    }
}

fn percent(value: f32) -> String {
    format!("{:.0} %", value * 100.0)
}

fn bar_slider(ui: &mut Ui, name: &str, hint: &str, slider: widgets::Slider<'_>, value: String, width: f32) {
    let t = theme::tokens(ui);
    let label = ui.add(egui::Label::new(RichText::new(name).color(t.text_weak)).selectable(false));
    label.on_hover_text(hint);
    ui.add(slider).accessible_name(fill("Brush {0}", &[&name.to_lowercase()])).on_hover_text(hint);
    let value = egui::Label::new(RichText::new(value).color(t.text)).selectable(false);
    ui.allocate_ui_with_layout(vec2(width, 20.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(value);
    });
}

pub(super) fn floating(ui: &Ui, name: &str, at: egui::Pos2, pivot: Align2, add: impl FnOnce(&mut Ui)) {
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
