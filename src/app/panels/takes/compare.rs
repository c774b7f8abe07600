//! Two finished pictures against each other: one over the other with a line to drag, or side by side. They lie where the
//! canvas lies, so that both are moved, turned and zoomed together with it, by pointer and keys alike.

use crate::app::command::Command;
use crate::app::generation::takes::{Takes, Wish};
use crate::app::kit::{theme, widgets};
use crate::app::panels::{Desk, Request};
use crate::app::text::i18n::{fill, tr};
use crate::document::Take;
use egui::epaint::Vertex;
use egui::{
    Align2, Area, Button, ColorImage, CursorIcon, Event, Id, Key, Mesh, Order, Painter, PointerButton, Pos2, Rect,
    Response, Role, Sense, Stroke, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use image::RgbImage;
use std::sync::Arc;

/// The longest side of a picture as it is compared; larger ones are shrunk.
const MAX_SIDE: u32 = 4096;

/// The share of the width by which an arrow key moves the line.
const STEP: f32 = 0.02;

/// The distance from the line within which a press takes hold of it, in points.
const REACH: f32 = 16.0;

/// One of the two.
struct Side {
    number: Option<u64>,
    take: Arc<Take>,
    texture: Option<TextureHandle>,
}

impl Side {
    fn new(number: Option<u64>, take: &Arc<Take>) -> Self {
        Self { number, take: Arc::clone(take), texture: None }
    }

    fn texture(&mut self, ui: &Ui) -> TextureHandle {
        let most = ui.input(|i| u32::try_from(i.max_texture_side).unwrap_or(MAX_SIDE)).min(MAX_SIDE);
        let load = || ui.load_texture("compared", shrunk(&self.take.image, most), TextureOptions::LINEAR);
        self.texture.get_or_insert_with(load).clone()
    }

    /// As the strip calls it, whose captions these are.
    fn caption(&self, takes: &Takes, captions: &[String]) -> String {
        let place = takes.items().iter().position(|item| Some(item.number) == self.number);
        let caption = place.and_then(|place| captions.get(place)).filter(|caption| !caption.is_empty());
        caption.cloned().unwrap_or_else(|| fill("seed {0}", &[&self.take.seed]))
    }
}

/// Two pictures on show.
pub(crate) struct Compare {
    left: Side,
    right: Side,
    beside: bool,
    /// The place of the line, 0 (left) to 1.
    line: f32,
    /// The line is being dragged.
    held: bool,
    /// It was opened just now, and wants the keyboard.
    fresh: bool,
}

impl Compare {
    pub(crate) fn new(left: (Option<u64>, &Arc<Take>), right: (u64, &Arc<Take>)) -> Self {
        let (left, right) = (Side::new(left.0, left.1), Side::new(Some(right.0), right.1));
        Self { left, right, beside: false, line: 0.5, held: false, fresh: true }
    }

    fn captions(&self, takes: &Takes) -> [String; 2] {
        let captions = takes.captions();
        [&self.left, &self.right].map(|side| side.caption(takes, &captions))
    }

    /// Compares with another one.
    pub(crate) fn set_other(&mut self, number: u64, take: &Arc<Take>) {
        if self.left.number != Some(number) {
            self.right = Side::new(Some(number), take);
        }
    }

    /// True where it is one of the two.
    #[must_use]
    pub(crate) fn shows(&self, number: u64) -> bool {
        self.left.number == Some(number) || self.right.number == Some(number)
    }

    /// True where the two lie side by side.
    #[must_use]
    pub(crate) fn is_beside(&self) -> bool {
        self.beside
    }
}

impl Desk<'_> {
    /// Floats over the whole canvas while two pictures are compared.
    pub(in crate::app) fn compare_ui(&mut self, ui: &Ui, canvas: Rect) {
        let Some(mut compare) = self.compare.take() else { return };
        Area::new(Id::unique("compare")).order(Order::Middle).fixed_pos(canvas.min).fade_in(false).show(ui, |ui| {
            ui.set_clip_rect(canvas);
            let (area, response) = ui.allocate_exact_size(canvas.size(), Sense::click_and_drag());
            if std::mem::take(&mut compare.fresh) {
                response.request_focus();
            }
            self.move_compared(ui, &mut compare, &response, area);
            self.paint_compared(ui, &mut compare, area);
        });
        let (close, keep) = compare_bar(ui, &mut compare, self.takes, canvas);
        if !close {
            *self.compare = Some(compare);
        }
        if let Some(number) = keep {
            self.requests.push(Request::Take(number, Wish::Show));
        }
    }

    /// The line follows the pointer and the arrow keys; everything else moves the pictures with the canvas.
    fn move_compared(&mut self, ui: &Ui, compare: &mut Compare, response: &Response, area: Rect) {
        let x = egui::lerp(area.x_range(), compare.line);
        let near = |at: Pos2| !compare.beside && (at.x - x).abs() <= REACH;
        if response.drag_started_by(PointerButton::Primary) {
            compare.held = ui.input(|i| i.pointer.press_origin()).is_some_and(near);
        }
        if response.drag_stopped() {
            compare.held = false;
        }
        let pointer = response.interact_pointer_pos();
        if let Some(at) = pointer.filter(|_| !compare.beside && (compare.held || response.clicked())) {
            compare.line = ((at.x - area.left()) / area.width().max(1.0)).clamp(STEP, 1.0 - STEP);
            response.request_focus();
        } else if response.dragged() {
            self.canvas.view.pan(response.drag_delta());
        }
        if response.contains_pointer() {
            for event in ui.input(|i| i.events.clone()) {
                if let Event::MouseWheel { unit, delta, modifiers, .. } = event
                    && let Some(at) = ui.input(|i| i.pointer.latest_pos())
                {
                    self.canvas.wheel(at, unit, delta, modifiers);
                }
            }
            let on_line = compare.held || ui.input(|i| i.pointer.latest_pos()).is_some_and(near);
            let drags = response.dragged();
            ui.set_cursor_icon(match (on_line, drags) {
                (true, _) => CursorIcon::ResizeHorizontal,
                (false, true) => CursorIcon::Grabbing,
                (false, false) => CursorIcon::Grab,
            });
        }
        if compare.beside {
            response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, tr("Two pictures side by side")));
            return;
        }
        if response.has_focus() {
            let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
            let plain = |i: &egui::InputState| i.modifiers.is_none();
            let pressed = |key| ui.input(|i| if plain(i) { i.num_presses(key) } else { 0 }) as f32;
            let by = pressed(Key::ArrowRight) - pressed(Key::ArrowLeft);
            compare.line = (compare.line + by * STEP).clamp(STEP, 1.0 - STEP);
        }
        let line = f64::from(compare.line);
        response.widget_info(|| WidgetInfo::slider(true, line, tr("Line between the two pictures")));
    }

    fn paint_compared(&self, ui: &Ui, compare: &mut Compare, area: Rect) {
        let t = theme::tokens(ui);
        let document = self.editor.document();
        let canvas = vec2(document.width as f32, document.height as f32);
        let textures = [compare.left.texture(ui), compare.right.texture(ui)];
        let captions = compare.captions(self.takes);
        ui.painter().rect_filled(area, 0.0, t.desk);
        let (x, aside) = if compare.beside {
            (area.center().x, area.width() * 0.5)
        } else {
            (egui::lerp(area.x_range(), compare.line), 0.0)
        };
        let parts = [area.with_max_x(x), area.with_min_x(x)];
        for ((texture, part), aside) in textures.iter().zip(parts).zip([aside, 0.0]) {
            let corners = self.canvas.corners_of(texture.size_vec2(), canvas).map(|at| at - vec2(aside, 0.0));
            picture(&ui.painter().with_clip_rect(part.intersect(ui.clip_rect())), texture, corners);
        }
        if compare.beside {
            ui.painter().vline(x, area.y_range(), Stroke::new(1.0, t.line));
        } else {
            ui.painter().vline(x, area.y_range(), Stroke::new(3.0, t.ring_dark));
            ui.painter().vline(x, area.y_range(), Stroke::new(1.5, t.ring_light));
            ui.painter().circle(pos2(x, area.center().y), 8.0, t.handle, Stroke::new(1.5, t.ring_dark));
        }
        let [left, right] = parts.map(|part| part.shrink(12.0));
        super::strip::note(ui, left.left_bottom(), Align2::LEFT_BOTTOM, &captions[0]);
        super::strip::note(ui, right.right_bottom(), Align2::RIGHT_BOTTOM, &captions[1]);
    }
}

/// The bar over the top; returns whether the comparison is to be closed, and with which picture to go on.
fn compare_bar(ui: &Ui, compare: &mut Compare, takes: &Takes, canvas: Rect) -> (bool, Option<u64>) {
    let t = theme::tokens(ui);
    let (mut close, mut keep) = (false, None);
    let at = canvas.center_top() + vec2(0.0, 8.0);
    let bar = Area::new(Id::unique("compare bar")).order(Order::Foreground).fixed_pos(at).pivot(Align2::CENTER_TOP);
    bar.fade_in(false).show(ui, |ui| {
        theme::bar_frame(t).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(theme::strong(tr("Compare")).color(t.text_strong));
                for (beside, text) in [(false, tr("Slider")), (true, tr("Side by side"))] {
                    let on = compare.beside == beside;
                    if ui.add(Button::new(text).selected(on).frame_when_inactive(on)).clicked() {
                        compare.beside = beside;
                    }
                }
                if ui.button(tr("Swap")).on_hover_text(tr("Exchange left and right")).clicked() {
                    std::mem::swap(&mut compare.left, &mut compare.right);
                }
                let sides = [(&compare.left, tr("Show left")), (&compare.right, tr("Show right"))];
                for ((side, text), caption) in sides.into_iter().zip(compare.captions(takes)) {
                    if ui.button(text).on_hover_text(fill("Go on with {0}", &[&caption])).clicked() {
                        keep = side.number;
                        close = true;
                    }
                }
                let name = tr("Close the comparison");
                let cross = widgets::small_icon_button(ui, egui_material_icons::icons::ICON_CLOSE, name);
                close |= cross.on_hover_text(Command::CompareTakes.tooltip(ui)).clicked();
            });
        });
    });
    (close, keep)
}

/// A picture between these corners, however the canvas is turned.
fn picture(painter: &Painter, texture: &TextureHandle, corners: [Pos2; 4]) {
    let mut mesh = Mesh::with_texture(texture.id());
    let places = [Pos2::ZERO, pos2(1.0, 0.0), pos2(1.0, 1.0), pos2(0.0, 1.0)];
    mesh.vertices =
        corners.into_iter().zip(places).map(|(pos, uv)| Vertex { pos, uv, color: theme::opacity(1.0) }).collect();
    mesh.indices = vec![0, 1, 2, 0, 2, 3];
    painter.add(mesh);
}

fn shrunk(image: &RgbImage, most: u32) -> ColorImage {
    let by = image.width().max(image.height()).div_ceil(most.max(1)).max(1);
    let small;
    let image = if by == 1 {
        image
    } else {
        small = image::imageops::thumbnail(image, (image.width() / by).max(1), (image.height() / by).max(1));
        &small
    };
    ColorImage::from_rgb([image.width() as usize, image.height() as usize], image.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_is_too_large_is_shrunk() {
        assert_eq!(shrunk(&RgbImage::new(4096, 64), 4096).size, [4096, 64]);
        assert_eq!(shrunk(&RgbImage::new(4097, 64), 4096).size, [2048, 32]);
    }
}
