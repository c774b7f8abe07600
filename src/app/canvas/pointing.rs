//! What is pointed at is shown: its edge is thicker and its name stands on it, and its card is lit.

use crate::app::canvas::easel::Easel;
use crate::app::kit::theme;
use crate::app::text::names;
use crate::app::tools::{Tool, region_at};
use egui::{Align2, FontId, Painter, Ui, pos2, vec2};

impl Easel<'_> {
    /// Looks what a click would pick: with the tool for that, or with Alt and a brush.
    pub(super) fn look_under_pointer(&mut self, ui: &Ui, here: bool) {
        let alt = ui.input(|i| i.modifiers.alt && !i.modifiers.command) && self.tool.paints();
        let picks = (self.tool == Tool::Pick || alt) && !self.editor.paints_colours();
        let at = self.canvas.pointer.filter(|_| here && picks && !self.canvas.is_painting());
        let found = at.and_then(|at| region_at(self.editor.document(), self.canvas.to_canvas(at)));
        if found != self.canvas.pointed.canvas {
            // Its card was drawn before.
            ui.request_repaint();
        }
        self.canvas.pointed.canvas = found;
    }

    /// Writes the name of what is pointed at on it.
    pub(super) fn paint_name(&self, painter: &Painter) {
        let document = self.editor.document();
        let Some(region) = self.canvas.pointed.region().and_then(|id| document.region(id)) else { return };
        let bounds = region.mask.bounds();
        if bounds.is_empty() {
            return;
        }
        let t = theme::tokens(painter.ctx());
        let middle = pos2(bounds.x as f32 + bounds.width as f32 * 0.5, bounds.y as f32 + bounds.height as f32 * 0.5);
        let galley = painter.layout_no_wrap(names::shown(&region.name), FontId::proportional(theme::TEXT), t.caption);
        let size = galley.size() + vec2(12.0, 6.0);
        // Whole on what is seen of the canvas, also where its middle is not.
        let seen = painter.clip_rect().shrink2(size * 0.5 + vec2(8.0, 8.0));
        let at = self.canvas.to_screen(middle);
        let at = if seen.is_positive() { seen.clamp(at) } else { at };
        let rect = Align2::CENTER_CENTER.anchor_size(at, size);
        painter.rect_filled(rect, theme::ROUND_SMALL, t.caption_ground);
        painter.galley(rect.min + vec2(6.0, 3.0), galley, t.caption);
    }
}
