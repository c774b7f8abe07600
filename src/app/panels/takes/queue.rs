//! The jobs in the strip: the one that runs and those that wait, the next one at the right, beside the newest picture.

use crate::app::generation::job::Running;
use crate::app::generation::takes::way;
use crate::app::kit::{theme, widgets};
use crate::app::panels::takes::strip::{caption, note};
use crate::app::panels::{Desk, Request};
use crate::app::text::i18n::{fill, tr};
use egui::{
    Align2, ColorImage, FontId, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons;
use image::RgbImage;
use std::sync::Arc;

/// Height of a preview's texture in pixels: what the strip is at most on a screen of two pixels a point.
const PREVIEW: u32 = 256;

/// The preview of the running job as it is shown.
#[derive(Default)]
pub(in crate::app) struct Preview(Option<(Arc<RgbImage>, TextureHandle)>);

impl Preview {
    /// The newest preview of the running job, small.
    fn of(&mut self, ui: &Ui, image: Option<&Arc<RgbImage>>) -> Option<TextureHandle> {
        let Some(image) = image else {
            self.0 = None;
            return None;
        };
        match &mut self.0 {
            Some((of, texture)) if Arc::ptr_eq(of, image) => Some(texture.clone()),
            Some((of, texture)) => {
                texture.set(small(image), TextureOptions::LINEAR);
                *of = Arc::clone(image);
                Some(texture.clone())
            }
            None => {
                let texture = ui.load_texture("preview", small(image), TextureOptions::LINEAR);
                Some(self.0.insert((Arc::clone(image), texture)).1.clone())
            }
        }
    }
}

/// A preview no larger than the strip needs. Every pixel is one of the preview's, so that a large one costs no more than a
/// small one.
fn small(image: &RgbImage) -> ColorImage {
    let (from, height) = (image.dimensions(), image.height().min(PREVIEW));
    let width = u64::from(from.0) * u64::from(height) / u64::from(from.1.max(1));
    let width = (width as u32).clamp(1, 2048);
    // The pixel in the middle of what one stands for.
    let picked =
        |at: u32, of: u32, from: u32| ((2 * u64::from(at) + 1) * u64::from(from) / (2 * u64::from(of))) as usize;
    let columns: Vec<usize> = (0..width).map(|x| picked(x, width, from.0)).collect();
    let (rows, _) = image.as_raw().as_chunks();
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    for y in 0..height {
        let row = &rows[picked(y, height, from.1) * from.0 as usize..][..from.0 as usize];
        pixels.extend(columns.iter().map(|x| {
            let [r, g, b] = row[*x];
            theme::pixel(r, g, b, u8::MAX)
        }));
    }
    ColorImage::new([width as usize, height as usize], pixels)
}

impl Desk<'_> {
    pub(super) fn queue_ui(&mut self, ui: &mut Ui, height: f32) {
        let t = theme::tokens(ui);
        let mut wish = None;
        let next = self.generation.jobs.iter().take_while(|j| j.has_begun()).count();
        let running = self.generation.jobs.first().filter(|job| job.has_begun());
        let preview = self.panels.preview.of(ui, running.and_then(Running::preview));
        for (place, job) in self.generation.jobs.iter().enumerate().rev() {
            let width = (height * job.aspect()).round().clamp(72.0, 2.0 * height);
            let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
            let (seed, begun) = (job.seed(), job.has_begun());
            let (step, steps) = job.steps();
            let name = if begun {
                fill("Seed {0} is being made: step {1} of {2}", &[&seed, &step, &steps])
            } else {
                fill("Seed {0} waits", &[&seed])
            };
            response.widget_info(|| WidgetInfo::labeled(Role::Group, true, &name));
            ui.painter().rect_filled(rect, theme::ROUND_SMALL, t.card);
            if begun {
                if let Some(texture) = preview.as_ref().filter(|_| place == 0) {
                    // Whole, and in its own shape, however narrow the card is.
                    let size = texture.size_vec2();
                    let size = size * (rect.size() / size).min_elem();
                    let image = egui::Image::from_texture((texture.id(), size)).corner_radius(theme::ROUND_SMALL);
                    image.paint_at(ui, Rect::from_center_size(rect.center(), size));
                }
                note(ui, rect.left_top(), Align2::LEFT_TOP, &format!("{step} / {steps}"));
            } else {
                let inner = rect.shrink(0.5);
                let corners = [inner.left_top(), inner.right_top(), inner.right_bottom(), inner.left_bottom()];
                let line: Vec<_> = corners.into_iter().chain([inner.left_top()]).collect();
                ui.painter().extend(egui::Shape::dashed_line(&line, Stroke::new(1.0, t.text_weak), 4.0, 4.0));
                let text =
                    if place == next { tr("next").to_owned() } else { fill("waits · {0}", &[&(place + 1 - next)]) };
                let font = FontId::proportional(theme::TEXT_SMALL);
                ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, t.text_weak);
            }
            let told: Vec<String> =
                way(job.way).map(str::to_owned).into_iter().chain([fill("seed {0}", &[&seed])]).collect();
            caption(ui, rect, &told.join(" · "));
            let bar = Rect::from_min_size(rect.left_bottom() - vec2(0.0, 3.0), vec2(width * job.progress(), 3.0));
            ui.painter().rect_filled(bar, 1.0, t.accent);
            let buttons =
                Rect::from_min_max(pos2(rect.left() + 2.0, rect.top() + 2.0), rect.right_top() + vec2(-2.0, 22.0));
            if begun {
                // On a preview of any colour the cross is seen.
                let ground = Rect::from_min_max(buttons.right_top() - vec2(20.0, 0.0), buttons.right_bottom());
                ui.painter().rect_filled(ground, theme::ROUND_SMALL, t.card);
            }
            let layout = egui::Layout::right_to_left(egui::Align::Center);
            ui.scope_builder(UiBuilder::new().max_rect(buttons).layout(layout), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                let text = if begun { tr("Stop this picture") } else { tr("Take it out of the queue") };
                let cancel = widgets::small_icon_button(ui, icons::ICON_CLOSE, &fill("Cancel seed {0}", &[&seed]));
                if cancel.gained_focus() {
                    response.scroll_to_me(None);
                }
                if cancel.on_hover_text(text).clicked() {
                    wish = Some(Request::CancelJob(job.id));
                }
                if !begun && place > next {
                    let first =
                        widgets::small_icon_button(ui, icons::ICON_LAST_PAGE, &fill("Make seed {0} next", &[&seed]));
                    if first.on_hover_text(tr("Make this one next")).clicked() {
                        wish = Some(Request::PromoteJob(job.id));
                    }
                }
            });
            if begun {
                let stroke = Stroke::new(1.0, t.line);
                ui.painter().rect_stroke(rect, theme::ROUND_SMALL, stroke, StrokeKind::Inside);
            }
        }
        self.requests.extend(wish);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_preview_is_of_pixels_from_their_own_places() {
        for (width, height, expected) in [(512, 512, [256, 256]), (1000, 700, [365, 256]), (90, 40, [90, 40])] {
            let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x / 8) as u8, (y / 8) as u8, 7]));
            let small = small(&image);
            assert_eq!(small.size, expected);
            for (i, pixel) in (0_u32..).zip(&small.pixels) {
                let (x, y) = (i % expected[0] as u32, i / expected[0] as u32);
                let place = |at: u32, of: usize, from: u32| (f64::from(at) + 0.5) * f64::from(from) / of as f64;
                let from = (place(x, expected[0], width) as u32 / 8, place(y, expected[1], height) as u32 / 8);
                assert_eq!(*pixel, theme::pixel(from.0 as u8, from.1 as u8, 7, 255), "{x}, {y} of {width} × {height}");
            }
        }
    }
}
