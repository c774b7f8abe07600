//! The strip below the canvas: jobs that run or wait, then the finished pictures.

use crate::app::command::Command;
use crate::app::generation::takes::Wish;
use crate::app::kit::theme;
use crate::app::panels::{Desk, Request};
use crate::app::text::i18n::{fill, key, tr};
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Button, CornerRadius, FontId, Key, Popup, Pos2, Rect, Response, Role, ScrollArea, Sense, SetOpenCommand,
    Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

/// Room around the thumbnails for the line around the chosen one.
const AROUND: i8 = 2;

/// The entries of a picture's menu.
const MENU: [(Wish, &str); 8] = [
    (Wish::Compare, key("Compare with the one shown")),
    (Wish::Restore, key("Bring back its regions and settings")),
    (Wish::Inside, key("Take only the selected region from it")),
    (Wish::Seed, key("Use its seed")),
    (Wish::Start, key("Keep as the picture to start from")),
    (Wish::Export, key("Export…")),
    (Wish::Remove, key("Remove")),
    (Wish::Show, key("Show")),
];

impl Desk<'_> {
    pub(in crate::app) fn takes_ui(&mut self, ui: &mut Ui) {
        let shown = self.editor.document().take.clone();
        let mut wish = None;
        let height = (ui.available_height() - 2.0 * f32::from(AROUND)).max(24.0);
        if self.takes.items().is_empty() && !self.generation.is_making() {
            let text = fill("Pictures appear here ({0})", &[&Command::Generate.keys_text(ui)]);
            let text = egui::RichText::new(text).color(theme::tokens(ui).text_weak);
            ui.centered_and_justified(|ui| ui.add(egui::Label::new(text).truncate().selectable(false)));
            return;
        }
        ScrollArea::horizontal()
            .id_salt("takes")
            .auto_shrink([false, true])
            .content_margin(egui::Margin::same(AROUND))
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    self.queue_ui(ui, height);
                    for (item, caption) in self.takes.items().iter().zip(self.takes.captions()) {
                        let (w, h) = item.texture.as_ref().map_or((1.0, 1.0), |t| {
                            let [w, h] = t.size();
                            (w as f32, h as f32)
                        });
                        let size = vec2((height * w / h).round(), height);
                        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
                        let is_shown = shown.as_ref().is_some_and(|s| item.is(s));
                        let is_compared = self.compare.as_ref().is_some_and(|c| c.shows(item.number));
                        let told = item.told();
                        let name = if caption.is_empty()
                            || item.seed().is_some_and(|seed| caption == fill("seed {0}", &[&seed]))
                        {
                            item.name()
                        } else {
                            format!("{}, {caption}", item.name())
                        };
                        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_shown, &name));
                        if ui.is_rect_visible(rect) {
                            paint(ui, rect, item.texture.as_ref(), &caption, is_shown || is_compared, &response);
                        }
                        if response.clicked() {
                            let compares = self.compare.is_some() || ui.input(|i| i.modifiers.command);
                            wish = Some((item.number, if compares { Wish::Compare } else { Wish::Show }));
                        }
                        if response.gained_focus() {
                            response.scroll_to_me(None);
                        }
                        let by_keys =
                            response.has_focus() && ui.input_mut(|i| i.consume_key(egui::Modifiers::SHIFT, Key::F10));
                        let open = match () {
                            () if by_keys || response.secondary_clicked() => Some(SetOpenCommand::Bool(true)),
                            () if response.clicked() => Some(SetOpenCommand::Bool(false)),
                            () => None,
                        };
                        Popup::menu(&response).open_memory(open).show(|ui| {
                            for (i, (what, label)) in MENU.into_iter().enumerate() {
                                let entry = ui.add(Button::new(tr(label)));
                                if by_keys && i == 0 {
                                    entry.request_focus();
                                }
                                if entry.clicked() {
                                    wish = Some((item.number, what));
                                }
                            }
                        });
                        let hint = tr("Click to show this picture, Ctrl+click to compare it with the one shown.\n\
                             Right-click, or Shift+F10, for its settings, to export or to remove it.");
                        response.on_hover_text(format!("{told}\n{hint}").trim().to_owned());
                    }
                });
            });
        if let Some((number, what)) = wish {
            self.requests.push(Request::Take(number, what));
        }
    }
}

fn paint(ui: &Ui, rect: Rect, texture: Option<&egui::TextureHandle>, text: &str, is_chosen: bool, response: &Response) {
    let t = theme::tokens(ui);
    match texture {
        Some(texture) => {
            let image = egui::Image::from_texture((texture.id(), rect.size()));
            image.corner_radius(theme::ROUND_SMALL).paint_at(ui, rect);
        }
        None => {
            ui.painter().rect_filled(rect, theme::ROUND_SMALL, t.card);
        }
    }
    if !text.is_empty() {
        caption(ui, rect, text);
    }
    let stroke = if is_chosen {
        Stroke::new(2.0, t.accent)
    } else if response.hovered() || response.has_focus() {
        Stroke::new(1.0, t.text_weak)
    } else {
        Stroke::NONE
    };
    ui.painter().rect_stroke(rect, theme::ROUND_SMALL, stroke, StrokeKind::Outside);
}

/// A word on a picture, with this corner of it here.
pub(super) fn note(ui: &Ui, at: Pos2, corner: Align2, text: &str) {
    lettered(ui, at, corner, theme::ROUND_SMALL.into(), text, f32::INFINITY);
}

/// A word in the lower left corner of a thumbnail.
pub(super) fn caption(ui: &Ui, rect: Rect, text: &str) {
    let corners = CornerRadius { sw: theme::ROUND_SMALL, ne: theme::ROUND_SMALL, nw: 0, se: 0 };
    lettered(ui, rect.left_bottom(), Align2::LEFT_BOTTOM, corners, text, rect.width());
}

fn lettered(ui: &Ui, at: Pos2, corner: Align2, corners: CornerRadius, text: &str, width: f32) {
    let t = theme::tokens(ui);
    let font = FontId::proportional(theme::TEXT_SMALL);
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, t.caption);
    job.wrap = TextWrapping::truncate_at_width((width - 12.0).max(0.0));
    let galley = ui.painter().layout_job(job);
    let ground = corner.anchor_size(at, galley.size() + vec2(12.0, 6.0));
    ui.painter().rect_filled(ground, corners, t.caption_ground);
    ui.painter().galley(ground.min + vec2(6.0, 3.0), galley, t.caption);
}
