//! Two finished pictures against each other: one over the other with a line to drag, or side by side.

use super::Wish;
use crate::app::texts::{fill, tr};
use crate::app::{App, Command, theme, widgets};
use crate::document::Take;
use egui::{
    Align2, Area, Button, ColorImage, Id, Key, Order, Pos2, Rect, Sense, Stroke, TextureHandle, TextureOptions, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};
use image::RgbImage;
use std::sync::Arc;

/// The longest side of a picture as it is compared; larger ones are shrunk.
const MAX_SIDE: u32 = 2048;

/// How far an arrow key moves the line.
const STEP: f32 = 0.02;

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
        let load = || ui.load_texture("compared", shrunk(&self.take.image), TextureOptions::LINEAR);
        self.texture.get_or_insert_with(load).clone()
    }

    fn caption(&self) -> String {
        fill("seed {0}", &[&self.take.seed])
    }
}

/// Two pictures on show.
pub struct Compare {
    left: Side,
    right: Side,
    beside: bool,
    /// Where the line is, 0 to 1.
    line: f32,
}

impl Compare {
    pub fn new(left: (Option<u64>, &Arc<Take>), right: (u64, &Arc<Take>)) -> Self {
        let (left, right) = (Side::new(left.0, left.1), Side::new(Some(right.0), right.1));
        Self { left, right, beside: false, line: 0.5 }
    }

    /// Compares with another one.
    pub fn set_other(&mut self, number: u64, take: &Arc<Take>) {
        if self.left.number != Some(number) {
            self.right = Side::new(Some(number), take);
        }
    }

    /// True where it is one of the two.
    #[must_use]
    pub fn shows(&self, number: u64) -> bool {
        self.left.number == Some(number) || self.right.number == Some(number)
    }
}

impl App {
    /// Floats over the whole canvas while two pictures are compared.
    pub(in crate::app) fn compare_ui(&mut self, ui: &Ui, canvas: Rect) {
        let Some(mut compare) = self.compare.take() else { return };
        let t = theme::tokens(ui);
        let (mut close, mut keep) = (false, None);
        Area::new(Id::unique("compare")).order(Order::Middle).fixed_pos(canvas.min).fade_in(false).show(ui, |ui| {
            ui.set_clip_rect(canvas);
            let (rect, response) = ui.allocate_exact_size(canvas.size(), Sense::click_and_drag());
            ui.painter().rect_filled(rect, 0.0, t.desk);
            let stage = rect.shrink2(vec2(24.0, 56.0));
            let textures = [compare.left.texture(ui), compare.right.texture(ui)];
            let captions = [compare.left.caption(), compare.right.caption()];
            if compare.beside {
                let half = vec2((stage.width() - 16.0) * 0.5, stage.height());
                let places = [stage.min, pos2(stage.max.x - half.x, stage.min.y)];
                for ((texture, caption), min) in textures.iter().zip(&captions).zip(places) {
                    let place = fitted(Rect::from_min_size(min, half), texture.size_vec2());
                    whole(ui, texture, place, place);
                    super::strip::caption(ui, place, caption);
                }
            } else {
                let place = fitted(stage, textures[0].size_vec2());
                slide(ui, &mut compare, &response, place);
                let x = egui::lerp(place.x_range(), compare.line);
                whole(ui, &textures[1], fitted(place, textures[1].size_vec2()), place);
                whole(ui, &textures[0], place, place.with_max_x(x));
                ui.painter().vline(x, place.y_range(), Stroke::new(3.0, t.ring_dark));
                ui.painter().vline(x, place.y_range(), Stroke::new(1.5, t.ring_light));
                ui.painter().circle(pos2(x, place.center().y), 8.0, t.handle, Stroke::new(1.5, t.ring_dark));
                super::strip::caption(ui, place, &captions[0]);
                let font = egui::FontId::proportional(theme::TEXT_SMALL);
                let galley = ui.painter().layout_no_wrap(captions[1].clone(), font, t.caption);
                let ground = Align2::RIGHT_BOTTOM.anchor_size(place.right_bottom(), galley.size() + vec2(12.0, 6.0));
                ui.painter().rect_filled(ground, theme::ROUND_SMALL, t.caption_ground);
                ui.painter().galley(ground.min + vec2(6.0, 3.0), galley, t.caption);
            }
        });
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
                    for (side, text) in [(&compare.left, tr("Show left")), (&compare.right, tr("Show right"))] {
                        if ui.button(text).on_hover_text(fill("Go on with {0}", &[&side.caption()])).clicked() {
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
        if !close {
            self.compare = Some(compare);
        }
        if let Some(number) = keep {
            self.grant_show(number);
        }
    }

    fn grant_show(&mut self, number: u64) {
        if let Some((take, _)) = self.takes.open(number, Wish::Show) {
            self.show_take(take);
        }
    }
}

/// Moves the line with the pointer, or with the arrow keys.
fn slide(ui: &Ui, compare: &mut Compare, response: &egui::Response, place: Rect) {
    let line = f64::from(compare.line);
    response.widget_info(|| WidgetInfo::slider(true, line, tr("Line between the two pictures")));
    if let Some(at) = response.interact_pointer_pos() {
        compare.line = ((at.x - place.left()) / place.width().max(1.0)).clamp(0.0, 1.0);
        response.request_focus();
    }
    if response.hovered() {
        ui.set_cursor_icon(egui::CursorIcon::ResizeHorizontal);
    }
    if response.has_focus() {
        let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input(|i| i.num_presses(key)) as f32;
        let by = pressed(Key::ArrowRight) - pressed(Key::ArrowLeft);
        compare.line = (compare.line + by * STEP).clamp(0.0, 1.0);
    }
}

/// The part of a picture that lies in `shown`, where the whole of it lies at `place`.
fn whole(ui: &Ui, texture: &TextureHandle, place: Rect, shown: Rect) {
    let shown = shown.intersect(place);
    if !shown.is_positive() {
        return;
    }
    let uv = |p: Pos2| pos2((p.x - place.left()) / place.width(), (p.y - place.top()) / place.height());
    let uv = Rect::from_min_max(uv(shown.min), uv(shown.max));
    ui.painter().image(texture.id(), shown, uv, theme::opacity(1.0));
}

/// The largest rectangle of this shape in the middle of another.
fn fitted(within: Rect, size: Vec2) -> Rect {
    let scale = (within.width() / size.x.max(1.0)).min(within.height() / size.y.max(1.0)).max(0.0);
    Rect::from_center_size(within.center(), size * scale)
}

fn shrunk(image: &RgbImage) -> ColorImage {
    let by = image.width().max(image.height()).div_ceil(MAX_SIDE).max(1);
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
    fn a_picture_is_fitted_whole_into_the_middle() {
        let within = Rect::from_min_size(pos2(10.0, 20.0), vec2(200.0, 100.0));
        assert_eq!(fitted(within, vec2(50.0, 50.0)), Rect::from_center_size(pos2(110.0, 70.0), vec2(100.0, 100.0)));
        assert_eq!(shrunk(&RgbImage::new(4096, 64)).size, [2048, 32]);
    }
}
