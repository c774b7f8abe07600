//! Parts of the canvas's area that show different things, to compare picture and regions.

use crate::app::canvas::easel::Easel;
use crate::app::canvas::look::{Compare, ViewMode};
use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use egui::{Area, Id, Key, Order, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

/// Seconds that each side of a comparison by blinking is shown.
const BLINK: f64 = 0.8;

/// A part of the canvas's area.
pub(super) struct Part {
    pub clip: Rect,
    pub mode: ViewMode,
    /// The offset of the canvas from the place that the view gives it, in points.
    pub shift: Vec2,
}

impl Easel<'_> {
    /// The part of the area that the view fits the canvas into.
    pub(super) fn stage_area(&self, area: Rect) -> Rect {
        let sides = match self.compared {
            Some(beside) => beside,
            None => *self.view_mode == ViewMode::Compare && self.look.compare == Compare::Sides,
        };
        if sides { area.with_min_x(area.center().x) } else { area }
    }

    /// Splits the area as is chosen.
    pub(super) fn split(&mut self, ui: &Ui, area: Rect) -> Vec<Part> {
        self.canvas.split.shift = None;
        if let Some(beside) = self.compared {
            // They lie over the canvas, under the same view.
            let by = (area.center().x, area.width() * 0.5);
            self.canvas.split.shift = beside.then_some(by);
            return Vec::new();
        }
        let part = |clip, mode| Part { clip, mode, shift: Vec2::ZERO };
        if *self.view_mode != ViewMode::Compare {
            return vec![part(area, *self.view_mode)];
        }
        match self.look.compare {
            Compare::Sides => {
                let (middle, by) = (area.center().x, area.width() * 0.5);
                self.canvas.split.shift = Some((middle, by));
                let left = Part { clip: area.with_max_x(middle - 0.5), mode: ViewMode::Picture, shift: vec2(-by, 0.0) };
                vec![left, part(area.with_min_x(middle + 0.5), ViewMode::Regions)]
            }
            Compare::Slider => {
                let x = self.slider_x(area);
                vec![part(area.with_max_x(x), ViewMode::Picture), part(area.with_min_x(x), ViewMode::Regions)]
            }
            Compare::Blink => {
                let time = ui.input(|i| i.time);
                ui.request_repaint_after_secs((BLINK - time % BLINK) as f32);
                let mode = if time % (2.0 * BLINK) < BLINK { ViewMode::Picture } else { ViewMode::Both };
                vec![part(area, mode)]
            }
        }
    }

    fn slider_x(&self, area: Rect) -> f32 {
        egui::lerp(area.left()..=area.right(), self.canvas.split.slider.clamp(0.02, 0.98))
    }

    /// The line between two parts, and the handle that moves it.
    pub(super) fn split_ui(&mut self, ui: &Ui, area: Rect) {
        if *self.view_mode != ViewMode::Compare || self.compared.is_some() {
            return;
        }
        let t = theme::tokens(ui);
        let line = |x: f32| {
            let painter = ui.painter_at(area);
            painter.vline(x, area.y_range(), Stroke::new(3.0, t.ring_dark));
            painter.vline(x, area.y_range(), Stroke::new(1.0, t.ring_light));
        };
        match self.look.compare {
            Compare::Sides => {
                ui.painter_at(area).vline(area.center().x, area.y_range(), Stroke::new(1.0, t.line));
            }
            Compare::Blink => {}
            Compare::Slider => {
                let x = self.slider_x(area);
                line(x);
                let size = vec2(20.0, 40.0);
                let at = pos2(x, area.center().y) - size * 0.5;
                let handle = Area::new(Id::unique("compare slider")).order(Order::Middle).fixed_pos(at).fade_in(false);
                handle.show(ui, |ui| self.slider_handle(ui, area, size));
            }
        }
    }

    fn slider_handle(&mut self, ui: &mut Ui, area: Rect, size: Vec2) {
        let t = theme::tokens(ui);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let slider = &mut self.canvas.split.slider;
        if response.dragged() {
            *slider += response.drag_delta().x / area.width().max(1.0);
        }
        if response.has_focus() {
            let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
            let steps = ui.input(|i| i.num_presses(Key::ArrowRight) as f32 - i.num_presses(Key::ArrowLeft) as f32);
            *slider += steps * 0.02;
        }
        *slider = slider.clamp(0.02, 0.98);
        let value = f64::from(*slider);
        response.widget_info(|| WidgetInfo::slider(true, value, tr("Between picture and regions")));
        let stroke = if response.has_focus() { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.ring_dark) };
        ui.painter().rect(
            rect.shrink2(vec2(4.0, 4.0)),
            theme::ROUND_SMALL,
            t.ring_light,
            stroke,
            egui::StrokeKind::Outside,
        );
        for dx in [-2.0, 2.0] {
            let x = rect.center().x + dx;
            ui.painter().vline(x, rect.y_range().shrink(13.0), Stroke::new(1.0, t.ring_dark));
        }
        if response.hovered() || response.dragged() {
            ui.set_cursor_icon(egui::CursorIcon::ResizeHorizontal);
        }
    }
}
