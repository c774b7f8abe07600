//! The tools at the left, and the switch of what the canvas shows.

use super::texts::tr;
use super::{App, Command, Tool, ViewMode, theme, widgets};
use egui::{Align2, Area, Button, Id, Order, Rect, RichText, Ui, vec2};

impl App {
    pub(super) fn tools_ui(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = theme::HALF;
        // In a low window the buttons shrink rather than leave it.
        let room = (ui.available_height() - 3.0 * theme::GRID) / 11.0 - theme::HALF;
        let side = room.clamp(20.0, theme::TOOL);
        for (command, tool) in [
            (Command::ToolBrush, Tool::Brush),
            (Command::ToolEraser, Tool::Eraser),
            (Command::ToolLasso, Tool::Lasso),
            (Command::ToolRectangle, Tool::Rectangle),
            (Command::ToolEllipse, Tool::Ellipse),
            (Command::ToolFill, Tool::Fill),
            (Command::ToolGradient, Tool::Gradient),
            (Command::ToolMove, Tool::Move),
            (Command::ToolPick, Tool::Pick),
            (Command::ToolHand, Tool::Hand),
            (Command::ToolZoom, Tool::Zoom),
        ] {
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

pub(super) fn floating(ui: &Ui, name: &str, at: egui::Pos2, pivot: Align2, add: impl FnOnce(&mut Ui)) {
    let t = theme::tokens(ui);
    Area::new(Id::unique(name)).order(Order::Middle).fixed_pos(at).pivot(pivot).fade_in(false).show(ui, |ui| {
        theme::bar_frame(t).show(ui, |ui| ui.horizontal(add));
    });
}
