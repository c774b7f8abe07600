//! The tools at the left, the brush's bar over the canvas, and the switch of what the canvas shows.

use super::texts::{fill, tr};
use super::tools::BrushSettings;
use super::{App, Command, Tool, ViewMode, theme, widgets};
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

    /// Floats at the lower right of the canvas.
    pub(super) fn view_bar_ui(&mut self, ui: &Ui, canvas: Rect) {
        let t = theme::tokens(ui);
        let mut called = None;
        floating(ui, "view bar", canvas.right_bottom() - vec2(12.0, 12.0), Align2::RIGHT_BOTTOM, |ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            for (command, mode) in [
                (Command::ViewBoth, ViewMode::Both),
                (Command::ViewRegions, ViewMode::Regions),
                (Command::ViewPicture, ViewMode::Picture),
            ] {
                let on = self.view_mode == mode;
                let colour = if on { t.text_strong } else { t.text };
                let text = RichText::new(command.label()).color(colour);
                let button = Button::new(text).selected(on).frame_when_inactive(on).fill(if on {
                    t.card_hover
                } else {
                    t.panel
                });
                if ui.add(button).on_hover_text(command.tooltip(ui)).clicked() {
                    called = Some(command);
                }
            }
            let zoom = self.canvas.view.zoom() * ui.pixels_per_point() * 100.0;
            let text = RichText::new(format!("{zoom:.0} %")).color(t.text);
            let button = Button::new(text).frame_when_inactive(false).min_size(vec2(56.0, 0.0));
            let response = ui.add(button).accessible_name(tr("Zoom to fit"));
            if response.on_hover_text(Command::ZoomFit.tooltip(ui)).clicked() {
                called = Some(Command::ZoomFit);
            }
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
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

fn floating(ui: &Ui, name: &str, at: egui::Pos2, pivot: Align2, add: impl FnOnce(&mut Ui)) {
    let t = theme::tokens(ui);
    Area::new(Id::unique(name)).order(Order::Middle).fixed_pos(at).pivot(pivot).fade_in(false).show(ui, |ui| {
        theme::bar_frame(t).show(ui, |ui| ui.horizontal(add));
    });
}
