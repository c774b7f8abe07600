//! The painted examples to choose from.

use crate::app::kit::{theme, thumbnail};
use crate::app::session::examples::{Example, line};
use egui::text::LayoutJob;
use egui::{
    FontId, Galley, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, vec2,
};
use std::sync::Arc;

/// Size of an example's picture.
const PICTURE: egui::Vec2 = vec2(200.0, 112.0);
/// Height of the text below it.
const TEXT: f32 = 56.0;
/// The most examples in a row.
const COLUMNS: usize = 3;

/// Width of so many examples.
#[must_use]
pub(in crate::app) fn width(count: usize) -> f32 {
    let columns = count.clamp(1, COLUMNS) as f32;
    columns * (PICTURE.x + 16.0 + theme::GRID) - theme::GRID
}

/// An example with its picture.
pub(in crate::app) struct Exhibit {
    example: Example,
    name: String,
    line: String,
    texture: TextureHandle,
}

/// Every example, ready to be shown.
#[must_use]
pub(in crate::app) fn exhibits(ctx: &egui::Context) -> Vec<Exhibit> {
    Example::all()
        .map(|example| {
            let document = example.document();
            let picture = thumbnail::of_document(&document, theme::tokens(ctx).paper);
            let texture = ctx.load_texture("example", picture, TextureOptions::LINEAR);
            Exhibit { example, name: example.name(), line: line(&document), texture }
        })
        .collect()
}

/// Draws them; returns the one that was clicked.
pub(in crate::app) fn show(ui: &mut Ui, exhibits: &[Exhibit]) -> Option<Example> {
    let mut clicked = None;
    egui::ScrollArea::vertical().max_height(440.0).auto_shrink([false, true]).show(ui, |ui| {
        for row in exhibits.chunks(COLUMNS) {
            ui.horizontal(|ui| {
                for exhibit in row {
                    if card(ui, exhibit) {
                        clicked = Some(exhibit.example);
                    }
                }
            });
        }
    });
    clicked
}

fn card(ui: &mut Ui, exhibit: &Exhibit) -> bool {
    let t = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(PICTURE + vec2(16.0, 16.0 + TEXT), Sense::click());
    let name = format!("{}: {}", exhibit.name, exhibit.line);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let on = response.hovered() || response.has_focus();
    ui.painter().rect_filled(rect, theme::ROUND, if on { t.card_hover } else { t.card });
    if response.has_focus() {
        ui.painter().rect_stroke(rect, theme::ROUND, Stroke::new(1.0, t.accent), StrokeKind::Inside);
    }
    // The picture whole, whatever its shape, on the desk's grey.
    let frame = Rect::from_min_size(rect.min + vec2(8.0, 8.0), PICTURE);
    ui.painter().rect_filled(frame, theme::ROUND_SMALL, t.desk);
    let size = exhibit.texture.size_vec2();
    let size = size * (PICTURE / size).min_elem();
    let place = Rect::from_center_size(frame.center(), size);
    egui::Image::from_texture((exhibit.texture.id(), size)).corner_radius(theme::ROUND_SMALL).paint_at(ui, place);
    let at = frame.left_bottom() + vec2(0.0, 8.0);
    let title = FontId::new(theme::TEXT, theme::strong_family());
    let title = text(ui, &exhibit.name, title, t.text_strong, 1);
    let line = text(ui, &exhibit.line, FontId::proportional(theme::TEXT_SMALL), t.text_weak, 2);
    let below = at + vec2(0.0, title.size().y + 2.0);
    ui.painter().galley(at, title, t.text_strong);
    ui.painter().galley(below, line, t.text_weak);
    response.on_hover_text(&exhibit.line).clicked()
}

/// Text as wide as the picture, cut with an ellipsis after so many rows.
fn text(ui: &Ui, text: &str, font: FontId, colour: egui::Color32, rows: usize) -> Arc<Galley> {
    let mut job = LayoutJob::simple(text.to_owned(), font, colour, PICTURE.x);
    job.wrap.max_rows = rows;
    ui.painter().layout_job(job)
}
