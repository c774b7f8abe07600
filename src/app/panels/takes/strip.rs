//! The strip below the canvas: jobs that run or wait, then the finished pictures.

use crate::app::command::Command;
use crate::app::generation::takes::{Item, Wish};
use crate::app::kit::{star, theme, widgets};
use crate::app::panels::{Desk, Request};
use crate::app::text::i18n::{fill, tr};
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align, Align2, Button, CornerRadius, FontId, Key, Layout, Popup, Pos2, Rect, Response, Role, ScrollArea, Sense,
    SetOpenCommand, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons;

/// Room around the thumbnails for the line around the chosen one.
const AROUND: i8 = 2;

/// Side of the button at its end.
const BUTTON: f32 = 28.0;

impl Desk<'_> {
    pub(in crate::app) fn takes_ui(&mut self, ui: &mut Ui) {
        let mut wish = None;
        let height = (ui.available_height() - 2.0 * f32::from(AROUND)).max(24.0);
        if self.takes.items().is_empty() && !self.generation.is_making() {
            let text = fill("Pictures appear here ({0})", &[&Command::Generate.keys_text(ui)]);
            let text = egui::RichText::new(text).color(theme::tokens(ui).text_weak);
            ui.centered_and_justified(|ui| ui.add(egui::Label::new(text).truncate().selectable(false)));
            return;
        }
        let all = ui.available_rect_before_wrap();
        let button = Rect::from_min_max(pos2(all.right() - BUTTON, all.top()), all.max);
        let strip = all.with_max_x(button.left() - theme::GRID);
        ui.scope_builder(UiBuilder::new().max_rect(strip), |ui| {
            ScrollArea::horizontal()
                .id_salt("takes")
                .auto_shrink([false, true])
                .content_margin(egui::Margin::same(AROUND))
                .show(ui, |ui| {
                    ui.horizontal(|ui| {
                        self.queue_ui(ui, height);
                        for (item, caption) in self.takes.items().iter().zip(self.takes.captions()) {
                            wish = self.take_ui(ui, item, &caption, height).or(wish);
                        }
                    });
                });
        });
        let layout = Layout::top_down(Align::Center);
        ui.scope_builder(
            UiBuilder::new().max_rect(button.shrink2(vec2(0.0, f32::from(AROUND)))).layout(layout),
            |ui| {
                let board = widgets::icon_button(ui, icons::ICON_GRID_VIEW, Command::TakeBoard.label());
                if board.on_hover_text(Command::TakeBoard.tooltip(ui)).clicked() {
                    self.requests.push(Request::Run(Command::TakeBoard));
                }
            },
        );
        if let Some((number, what)) = wish {
            self.requests.push(Request::Take(number, what));
        }
    }

    /// One picture of the strip; returns what is wanted of it.
    fn take_ui(&self, ui: &mut Ui, item: &Item, caption: &str, height: f32) -> Option<(u64, Wish)> {
        let mut wish = None;
        let (w, h) = item.texture.as_ref().map_or((1.0, 1.0), |t| {
            let [w, h] = t.size();
            (w as f32, h as f32)
        });
        let size = vec2((height * w / h).round(), height);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let is_shown = self.editor.document().take.as_ref().is_some_and(|s| item.is(s));
        let is_compared = self.compare.as_ref().is_some_and(|c| c.shows(item.number));
        let name = item.full_name(caption);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_shown, &name));
        if ui.is_rect_visible(rect) {
            paint(ui, rect, item.texture.as_ref(), caption, is_shown || is_compared, &response);
            if item.is_starred() {
                star_on(ui, rect);
            }
        }
        if response.clicked() {
            let compares = self.compare.is_some() || ui.input(|i| i.modifiers.command);
            wish = Some((item.number, if compares { Wish::Compare } else { Wish::Show }));
        }
        if response.gained_focus() {
            response.scroll_to_me(None);
        }
        let by_keys = response.has_focus() && ui.input_mut(|i| i.consume_key(egui::Modifiers::SHIFT, Key::F10));
        let open = match () {
            () if by_keys || response.secondary_clicked() => Some(SetOpenCommand::Bool(true)),
            () if response.clicked() => Some(SetOpenCommand::Bool(false)),
            () => None,
        };
        Popup::menu(&response).open_memory(open).show(|ui| {
            for (at, group) in Wish::menu(is_shown).enumerate() {
                if at > 0 {
                    ui.separator();
                }
                for (place, (what, label)) in group.enumerate() {
                    let entry = ui.add(Button::new(tr(label)));
                    if by_keys && at + place == 0 {
                        entry.request_focus();
                    }
                    if entry.clicked() {
                        wish = Some((item.number, what));
                    }
                }
            }
        });
        let hint = tr("Click to show this picture, Ctrl+click to compare it with the one shown.\n\
             Right-click, or Shift+F10, for its settings, to export or to remove it.");
        let told = [caption, &item.told(), hint].join("\n");
        response.on_hover_text(told.trim());
        wish
    }
}

/// The star in the upper right corner of a thumbnail.
fn star_on(ui: &Ui, rect: Rect) {
    let t = theme::tokens(ui);
    let ground = Rect::from_min_max(rect.right_top() - vec2(20.0, 0.0), rect.right_top() + vec2(0.0, 20.0));
    let corners = CornerRadius { ne: theme::ROUND_SMALL, sw: theme::ROUND_SMALL, nw: 0, se: 0 };
    ui.painter().rect_filled(ground, corners, t.caption_ground);
    star::paint(ui.painter(), ground.center() + vec2(0.0, 0.5), 6.5, Some(t.star), Stroke::NONE);
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
    // The number at its end, which tells it from others of the same words, is not cut.
    let numbered = text.rfind(" · ").filter(|at| text[*at..].chars().skip(3).all(|c| c.is_ascii_digit()));
    let (words, number) = text.split_at(numbered.unwrap_or(text.len()));
    let number = ui.painter().layout_no_wrap(number.to_owned(), font.clone(), t.caption);
    let mut job = LayoutJob::simple_singleline(words.to_owned(), font, t.caption);
    job.wrap = TextWrapping::truncate_at_width((width - 12.0 - number.size().x).max(0.0));
    let words = ui.painter().layout_job(job);
    let size = vec2(words.size().x + number.size().x, words.size().y);
    let ground = corner.anchor_size(at, size + vec2(12.0, 6.0));
    ui.painter().rect_filled(ground, corners, t.caption_ground);
    let start = ground.min + vec2(6.0, 3.0);
    let end = start + vec2(words.size().x, 0.0);
    ui.painter().galley(start, words, t.caption);
    ui.painter().galley(end, number, t.caption);
}
