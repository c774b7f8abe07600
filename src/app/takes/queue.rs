//! The jobs in the strip: the one that runs and those that wait, the next one at the right, beside the newest picture.

use super::strip::{HEIGHT, caption};
use crate::app::texts::{fill, tr};
use crate::app::{App, theme, widgets};
use crate::studio::JobId;
use egui::{Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use egui_material_icons::icons;

enum Wish {
    Cancel(JobId),
    Next(JobId),
}

impl App {
    pub(super) fn queue_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let mut wish = None;
        let next = self.jobs.iter().take_while(|j| j.has_begun()).count();
        for (place, job) in self.jobs.iter().enumerate().rev() {
            let width = (HEIGHT * job.aspect()).round().clamp(64.0, 160.0);
            let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
            let (seed, begun) = (job.seed(), job.has_begun());
            let name = if begun { fill("Seed {0} is being made", &[&seed]) } else { fill("Seed {0} waits", &[&seed]) };
            response.widget_info(|| WidgetInfo::labeled(Role::Group, true, &name));
            ui.painter().rect_filled(rect, theme::ROUND_SMALL, t.card);
            if begun {
                let text = format!("{:.0} %", job.progress() * 100.0);
                let font = FontId::proportional(theme::TEXT);
                ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, t.text_strong);
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
            caption(ui, rect, &fill("seed {0}", &[&seed]));
            let bar = Rect::from_min_size(rect.left_bottom() - vec2(0.0, 3.0), vec2(width * job.progress(), 3.0));
            ui.painter().rect_filled(bar, 1.0, t.accent);
            let buttons =
                Rect::from_min_max(pos2(rect.left() + 2.0, rect.top() + 2.0), rect.right_top() + vec2(-2.0, 24.0));
            let layout = egui::Layout::right_to_left(egui::Align::Center);
            ui.scope_builder(UiBuilder::new().max_rect(buttons).layout(layout), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                let text = if begun { tr("Stop this picture") } else { tr("Take it out of the queue") };
                let cancel = widgets::small_icon_button(ui, icons::ICON_CLOSE, &fill("Cancel seed {0}", &[&seed]));
                if cancel.on_hover_text(text).clicked() {
                    wish = Some(Wish::Cancel(job.id));
                }
                if !begun && place > next {
                    let first =
                        widgets::small_icon_button(ui, icons::ICON_LAST_PAGE, &fill("Make seed {0} next", &[&seed]));
                    if first.on_hover_text(tr("Make this one next")).clicked() {
                        wish = Some(Wish::Next(job.id));
                    }
                }
            });
            if begun {
                let stroke = Stroke::new(1.0, t.line);
                ui.painter().rect_stroke(rect, theme::ROUND_SMALL, stroke, StrokeKind::Inside);
            }
        }
        match wish {
            Some(Wish::Cancel(id)) => self.cancel_job(id),
            Some(Wish::Next(id)) => self.promote_job(id),
            None => {}
        }
    }
}
