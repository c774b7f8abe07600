//! The canvas: where the picture is shown and the regions are painted.

mod guides;
mod hand;
mod outline;
mod overlay;
mod picture;
mod pointer;
mod tiles;
mod view;

pub use picture::Shown;
pub use view::View;

use super::texts::tr;
use super::{App, Tool, ViewMode, theme};
use crate::document::Document;
use egui::{Color32, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};
use hand::Hand;
use overlay::Overlay;
use picture::Picture;
use pointer::Gesture;

/// How much of the tint is shown over a picture, and where there is none.
const TINT_OVER_PICTURE: f32 = 0.22;
const TINT_ALONE: f32 = 0.45;

/// The state of the canvas that is not the document's.
pub struct Canvas {
    pub view: View,
    overlay: Overlay,
    picture: Picture,
    gesture: Gesture,
    pub hand: Hand,
    /// Where the pointer is, on the screen, while it is over the canvas or paints.
    pointer: Option<Pos2>,
    /// Where the brush is that is moved by keys, in canvas pixels.
    keyboard: Option<Pos2>,
    /// The part of the window in which the canvas is centred.
    stage: Rect,
    /// The canvas's widget, to give it the keyboard.
    id: Option<egui::Id>,
}

impl Canvas {
    #[must_use]
    pub fn new(ctx: &egui::Context) -> Self {
        Self {
            view: View::default(),
            overlay: Overlay::default(),
            picture: Picture::new(ctx),
            gesture: Gesture::Idle,
            hand: Hand::default(),
            pointer: None,
            keyboard: None,
            stage: Rect::NOTHING,
            id: None,
        }
    }

    /// Gives the keyboard to the canvas and shows where its brush is.
    pub fn focus(&mut self, ctx: &egui::Context, document: &Document) {
        if let Some(id) = self.id {
            ctx.memory_mut(|m| m.request_focus(id));
            self.keyboard.get_or_insert(tiles::middle(document.width, document.height));
        }
    }

    /// Another document lies on it from now on.
    pub fn reset(&mut self) {
        self.overlay = Overlay::default();
        self.keyboard = None;
        self.hand = Hand::default();
        self.view.fit();
    }

    /// Zooms by keys: the middle of the window, or the pointer where it is over the canvas, stays.
    pub fn zoom_by(&mut self, factor: f32) {
        let anchor = self.pointer.unwrap_or(self.stage.center());
        self.view.zoom_by(self.stage, anchor, factor);
    }

    /// One canvas pixel on so many pixels of the screen.
    pub fn zoom_to(&mut self, ctx: &egui::Context, zoom: f32) {
        self.view.set_zoom(self.stage, self.stage.center(), zoom / ctx.pixels_per_point());
    }

    /// True while a tool is at work.
    #[must_use]
    pub fn is_painting(&self) -> bool {
        matches!(self.gesture, Gesture::Tool(..))
    }

    /// Where a canvas position is on the screen.
    #[must_use]
    pub fn to_screen(&self, at: Pos2) -> Pos2 {
        self.view.to_screen(self.stage, at)
    }
}

fn size_of(document: &Document) -> Vec2 {
    vec2(document.width as f32, document.height as f32)
}

impl App {
    pub(super) fn canvas_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let area = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(area, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, tr("Canvas")));
        self.canvas.id = Some(response.id);
        let bars = vec2(24.0, 56.0).min(area.size() * 0.2);
        self.canvas.stage = area.shrink2(bars);

        let size = size_of(self.editor.document());
        self.canvas.view.update(self.canvas.stage, size);
        self.replay_events(ui, &response, area);
        self.canvas.view.keep_in_sight(self.canvas.stage, size);

        let damage = self.editor.take_damage();
        self.canvas.overlay.update(ui, self.editor.document(), &damage);
        let shown = self.picture_shown();
        self.canvas.picture.show(shown);
        self.canvas.picture.update(ui);

        let painter = ui.painter_at(area);
        painter.rect_filled(area, 0.0, t.desk);
        let rect = self.canvas.view.canvas_rect(self.canvas.stage, size);
        painter.add(theme::canvas_shadow().as_shape(rect, 0.0));
        painter.rect_filled(rect, 0.0, t.paper);
        let picture = self.view_mode != ViewMode::Regions && self.canvas.picture.is_shown();
        if picture {
            self.canvas.picture.paint(&painter, rect);
        }
        if self.view_mode != ViewMode::Picture || self.canvas.is_painting() {
            let tint = theme::opacity(if picture { TINT_OVER_PICTURE } else { TINT_ALONE });
            if let Some(tiles) = self.canvas.overlay.tint() {
                tiles.paint(&painter, rect, tint);
            }
            self.paint_outlines(&painter);
        }
        if !picture && self.editor.document().regions.is_empty() {
            let hint = tr("Paint where something should be, then say in words what it is.");
            let font = egui::FontId::proportional(theme::TEXT);
            painter.text(rect.center(), egui::Align2::CENTER_CENTER, hint, font, t.on_paper);
        }
        self.paint_change_mask(ui, &painter);
        self.paint_progress(&painter, rect);
        self.paint_guides(ui, &painter);
        self.paint_ring(ui, &painter, &response);
        if response.has_focus() && self.canvas.keyboard.is_some() {
            painter.rect_stroke(area.shrink(1.0), 0.0, Stroke::new(1.0, t.accent), StrokeKind::Inside);
        }
    }

    fn paint_outlines(&self, painter: &egui::Painter) {
        let t = theme::tokens(painter.ctx());
        let document = self.editor.document();
        let selected = self.editor.selected_region().map(|r| r.id);
        let mut shapes = Vec::new();
        // The selected one last, on top of the others.
        let order = document.regions.iter().filter(|r| r.visible && Some(r.id) != selected);
        for region in order.chain(document.regions.iter().filter(|r| r.visible && Some(r.id) == selected)) {
            let Some(outline) = self.canvas.overlay.outline(region.id) else { continue };
            let width = if Some(region.id) == selected { 2.0 } else { 1.5 };
            for line in outline.loops() {
                let mut points: Vec<Pos2> = line.iter().map(|p| self.canvas.to_screen(*p)).collect();
                if !Rect::from_points(&points).intersects(painter.clip_rect()) {
                    continue;
                }
                // A dark line under the dashes keeps light colours readable on light pictures.
                let under = Stroke::new(width + 1.0, t.ring_dark.gamma_multiply(0.35));
                shapes.push(Shape::closed_line(points.clone(), under));
                points.extend(points.first().copied());
                Shape::dashed_line_many(
                    &points,
                    Stroke::new(width, theme::region(region.colour)),
                    7.0,
                    4.0,
                    &mut shapes,
                );
            }
        }
        painter.extend(shapes);
    }

    fn paint_progress(&self, painter: &egui::Painter, canvas: Rect) {
        let Some(done) = self.progress() else { return };
        let t = theme::tokens(painter.ctx());
        let bar = Rect::from_min_size(canvas.left_bottom() + vec2(0.0, 4.0), vec2(canvas.width(), 3.0));
        painter.rect_filled(bar, 1.0, t.card_hover);
        let mut filled = bar;
        filled.set_width(bar.width() * done);
        painter.rect_filled(filled, 1.0, t.accent);
    }

    fn paint_ring(&mut self, ui: &Ui, painter: &egui::Painter, response: &egui::Response) {
        let pointer = self.canvas.pointer.filter(|_| response.contains_pointer() || self.canvas.is_painting());
        let keyboard = self.canvas.keyboard.filter(|_| response.has_focus()).map(|p| self.canvas.to_screen(p));
        if let Some(icon) = self.cursor_icon(ui)
            && pointer.is_some()
        {
            ui.set_cursor_icon(icon);
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
        for at in pointer.filter(|_| !panning).into_iter().chain(keyboard) {
            let radius = (self.prefs.brush.size * 0.5 * self.canvas.view.zoom()).max(1.5);
            painter.circle_stroke(at, radius, Stroke::new(3.0, t.ring_dark));
            painter.circle_stroke(at, radius, Stroke::new(1.25, t.ring_light));
            if radius > 12.0 {
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
