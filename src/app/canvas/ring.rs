//! The ring of the brush, where the pointer or the keyboard has it.

use crate::app::canvas::easel::Easel;
use crate::app::canvas::gesture::Gesture;
use crate::app::kit::theme;
use crate::app::tools::{Tool, is_barred};
use egui::{Color32, Response, Stroke, Ui};

impl Easel<'_> {
    pub(super) fn paint_ring(&mut self, ui: &Ui, painter: &egui::Painter, response: &Response) {
        let pointer = self.canvas.pointer.filter(|_| response.contains_pointer() || self.canvas.is_painting());
        let keyboard = self.canvas.keyboard.filter(|_| response.has_focus()).map(|p| self.canvas.to_screen(p));
        if let Some(icon) = self.cursor_icon(ui)
            && pointer.is_some()
        {
            // (While keys move the brush, it has one ring, and the pointer is none.)
            ui.set_cursor_icon(if keyboard.is_some() { egui::CursorIcon::Crosshair } else { icon });
        }
        let t = theme::tokens(ui);
        if !self.tool.paints() {
            // The place that keys move has no brush around it.
            if let Some(at) = keyboard.filter(|_| self.tool != Tool::Move) {
                painter.circle(at, 4.0, t.ring_light, Stroke::new(2.0, t.ring_dark));
            }
            return;
        }
        let panning = self.cursor_icon(ui).is_some_and(|i| i != egui::CursorIcon::None);
        let pointer = pointer.filter(|_| !panning && keyboard.is_none()).map(|p| self.canvas.split.in_view(p));
        let barred = is_barred(self.tool, self.editor);
        let own = pointer.into_iter().chain(keyboard);
        for at in own.flat_map(|p| [Some(p), self.canvas.split.echo(p)]).flatten() {
            let radius = (self.brush.size * 0.5 * self.canvas.view.zoom()).max(1.5);
            painter.circle_stroke(at, radius, Stroke::new(3.0, t.ring_dark));
            painter.circle_stroke(at, radius, Stroke::new(1.25, t.ring_light));
            if barred {
                // The sign of what must not be: a bar across the ring.
                let half = egui::Vec2::splat(radius.max(6.0) * std::f32::consts::FRAC_1_SQRT_2);
                painter.line_segment([at - half, at + half], Stroke::new(4.0, t.ring_dark));
                painter.line_segment([at - half, at + half], Stroke::new(2.0, t.error));
            } else if matches!(self.canvas.gesture, Gesture::Resize(_)) {
                // The edge of what is laid down in full.
                let full = radius * self.brush.hardness;
                painter.circle_stroke(at, full, Stroke::new(2.0, t.ring_dark.gamma_multiply(0.5)));
                painter.circle_stroke(at, full, Stroke::new(1.0, t.ring_light.gamma_multiply(0.6)));
            } else if radius > 12.0 {
                painter.circle_filled(at, 1.5, t.ring_light);
                painter.circle(at, 2.0, Color32::TRANSPARENT, Stroke::new(1.0, t.ring_dark));
            }
            for at in self.mirrored(at) {
                painter.circle_stroke(at, radius, Stroke::new(2.0, t.ring_dark.gamma_multiply(0.5)));
                painter.circle_stroke(at, radius, Stroke::new(1.0, t.ring_light.gamma_multiply(0.6)));
            }
        }
    }
}
