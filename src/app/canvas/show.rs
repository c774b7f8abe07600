//! A frame of the canvas: what happened on it, what has changed, and what is drawn.

use crate::app::canvas::easel::Easel;
use crate::app::canvas::latent::Latent;
use crate::app::canvas::look::ViewMode;
use crate::app::canvas::rulers;
use crate::app::editor::Selected;
use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use crate::app::tools::Tool;
use crate::document::{Document, RegionId};
use egui::text::LayoutJob;
use egui::{FontId, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

fn size_of(document: &Document) -> Vec2 {
    vec2(document.width as f32, document.height as f32)
}

impl Easel<'_> {
    /// Returns what the rulers leave of the area, and the canvas's widget.
    pub(in crate::app) fn show(&mut self, ui: &mut Ui) -> (Rect, Response) {
        let t = theme::tokens(ui);
        let area = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(area, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, tr("Canvas")));
        self.canvas.id = Some(response.id);
        let rulers = self.look.rulers && self.canvas.view.is_straight();
        let free = if rulers { Rect::from_min_max(area.min + Vec2::splat(rulers::WIDTH), area.max) } else { area };
        let bars = vec2(24.0, 56.0).min(free.size() * 0.2);
        self.canvas.stage = self.stage_area(free).shrink2(bars);

        let size = size_of(self.editor.document());
        self.canvas.view.update(self.canvas.stage, size);
        self.touches(ui, area);
        self.replay_events(ui, &response, area);
        self.wants_menu = self.canvas.menu_armed && response.secondary_clicked();
        self.canvas.view.keep_in_sight(self.canvas.stage, size);
        self.look_under_pointer(ui, response.contains_pointer());

        self.upload(ui);
        let parts = self.split(ui, free);
        let painter = ui.painter_at(area);
        painter.rect_filled(area, 0.0, t.desk);
        if self.canvas.gpu.is_some() {
            self.paint_scene(&painter, free, &parts);
        } else {
            let corners = self.canvas.view.corners(self.canvas.stage, size).to_vec();
            painter.add(Shape::convex_polygon(corners, t.paper, Stroke::NONE));
        }
        let rect = self.canvas.view.canvas_rect(self.canvas.stage, size);
        if self.canvas.is_untouched(self.editor) && *self.view_mode != ViewMode::Picture {
            let hint = tr("Paint where something should be, then say in words what it is.");
            let (font, width) = (FontId::proportional(theme::TEXT), (rect.width() - 16.0).max(1.0));
            let mut job = LayoutJob::simple(hint.to_owned(), font, t.on_paper, width);
            job.halign = egui::Align::Center;
            let galley = painter.layout_job(job);
            painter.galley(rect.center() - vec2(0.0, galley.size().y * 0.5), galley, t.on_paper);
        }
        self.split_ui(ui, free);
        self.paint_progress(&painter, rect);
        self.paint_guides(ui, &painter);
        self.paint_name(&painter);
        // Cards say so anew in every frame, before the canvas is drawn.
        self.canvas.pointed.card = None;
        self.paint_ring(ui, &painter, &response);
        if rulers {
            rulers::paint(self.canvas, &painter, area, self.canvas.pointer.map(|p| self.canvas.split.in_view(p)));
        }
        if response.has_focus() && self.canvas.keyboard.is_some() {
            painter.rect_stroke(area.shrink(1.0), 0.0, Stroke::new(1.0, t.accent), StrokeKind::Inside);
        }
        (free, response)
    }

    /// Brings what changed to the graphics card.
    fn upload(&mut self, ui: &Ui) {
        let damage = self.editor.take_damage();
        let shown = self.shown.clone();
        self.canvas.picture.show(shown);
        self.canvas.picture.update();
        let Some(gpu) = &self.canvas.gpu else { return };
        let document = self.editor.document();
        let now = self.canvas.moved();
        let moves = |id: &RegionId| now.iter().any(|m| m.regions.contains(id)) || self.editor.moved(*id).is_some();
        // What is selected with the move tool in hand shows what it has beyond the canvas.
        let held = |id: &RegionId| self.tool == Tool::Move && self.editor.is_selected(Selected::Region(*id));
        let shown = document.regions.iter().filter(|region| moves(&region.id) || (region.visible && held(&region.id)));
        let shown: Vec<RegionId> = shown.map(|region| region.id).collect();
        self.canvas.masks.show_outside(&gpu.card, document, &shown);
        if self.canvas.masks.update(&gpu.card, document, &damage) {
            ui.request_repaint();
        }
        if !self.look.latent {
            self.canvas.latent = Latent::default();
        } else if self.canvas.latent.update(&gpu.card, document, &damage) {
            ui.request_repaint();
        }
    }

    /// Two fingers move, turn and zoom the canvas; what the first had begun to paint is taken back.
    fn touches(&mut self, ui: &Ui, area: Rect) {
        let Some(touch) = ui.multi_touch().filter(|t| area.contains(t.center_pos)) else { return };
        self.canvas.abort(self.editor);
        let (stage, at) = (self.canvas.stage, self.canvas.split.in_view(touch.center_pos));
        self.canvas.view.pan(touch.translation_delta);
        self.canvas.view.zoom_by(stage, at, touch.zoom_delta);
        self.canvas.view.rotate_at(stage, at, touch.rotation_delta.to_degrees());
    }

    fn paint_progress(&self, painter: &egui::Painter, canvas: Rect) {
        let Some(done) = self.progress else { return };
        let t = theme::tokens(painter.ctx());
        let bar = Rect::from_min_size(canvas.left_bottom() + vec2(0.0, 4.0), vec2(canvas.width(), 3.0));
        painter.rect_filled(bar, 1.0, t.card_hover);
        let mut filled = bar;
        filled.set_width(bar.width() * done);
        painter.rect_filled(filled, 1.0, t.accent);
    }
}
