//! The strip of this session's finished pictures.

use super::texts::{fill, tr};
use super::{App, theme, thumbnails};
use crate::document::{Document, Take};
use egui::{
    Align2, FontId, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo,
    vec2,
};
use std::sync::Arc;

/// One finished picture with what it was made from.
struct Item {
    take: Arc<Take>,
    document: Document,
    texture: Option<TextureHandle>,
}

/// The finished pictures of this session, the newest first.
#[derive(Default)]
pub struct Takes {
    items: Vec<Item>,
}

/// Height of a thumbnail.
const HEIGHT: f32 = 88.0;

impl Takes {
    pub fn add(&mut self, take: Arc<Take>, document: Document) {
        self.items.insert(0, Item { take, document, texture: None });
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn clear(&mut self) {
        self.items.clear();
    }
}

enum Wish {
    Show,
    Seed,
    Restore,
    Remove,
}

impl App {
    pub(super) fn takes_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let shown = self.editor.document().take.clone();
        let mut wish = None;
        ScrollArea::horizontal()
            .id_salt("takes")
            .auto_shrink([false, true])
            .content_margin(egui::Margin::same(2))
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    for (i, item) in self.takes.items.iter_mut().enumerate() {
                        let texture = item.texture.get_or_insert_with(|| {
                            ui.load_texture("take", thumbnails::of_take(&item.take.image), TextureOptions::LINEAR)
                        });
                        let [w, h] = texture.size();
                        let size = vec2((HEIGHT * w as f32 / h as f32).round(), HEIGHT);
                        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
                        let is_shown = shown.as_ref().is_some_and(|s| Arc::ptr_eq(s, &item.take));
                        let name = fill("Take, seed {0}", &[&item.take.seed]);
                        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_shown, &name));
                        if ui.is_rect_visible(rect) {
                            egui::Image::from_texture((texture.id(), size))
                                .corner_radius(theme::ROUND_SMALL)
                                .paint_at(ui, rect);
                            caption(ui, rect, &fill("seed {0}", &[&item.take.seed]));
                            let stroke = if is_shown {
                                Stroke::new(2.0, t.accent)
                            } else if response.hovered() || response.has_focus() {
                                Stroke::new(1.0, t.text_weak)
                            } else {
                                Stroke::NONE
                            };
                            ui.painter().rect_stroke(rect, theme::ROUND_SMALL, stroke, StrokeKind::Outside);
                        }
                        if response.clicked() {
                            wish = Some((i, Wish::Show));
                        }
                        response.context_menu(|ui| {
                            for (label, what) in [
                                (tr("Use its seed"), Wish::Seed),
                                (tr("Bring back its regions and settings"), Wish::Restore),
                                (tr("Remove from the strip"), Wish::Remove),
                            ] {
                                if ui.button(label).clicked() {
                                    wish = Some((i, what));
                                }
                            }
                        });
                        response
                            .on_hover_text(tr("Click to show this picture. Right-click for its seed and settings."));
                    }
                });
            });
        if let Some((i, what)) = wish {
            self.grant(i, &what);
        }
    }

    fn grant(&mut self, i: usize, wish: &Wish) {
        let Some(item) = self.takes.items.get(i) else { return };
        let (take, document) = (Arc::clone(&item.take), item.document.clone());
        match wish {
            Wish::Show => self.show_take(take),
            Wish::Seed => self.set_seed(take.seed),
            Wish::Restore => {
                let document = Document { take: Some(Arc::clone(&take)), ..document };
                self.editor.restore_document(document);
                self.set_seed(take.seed);
            }
            Wish::Remove => {
                self.takes.items.remove(i);
            }
        }
    }
}

fn caption(ui: &Ui, rect: Rect, text: &str) {
    let t = theme::tokens(ui);
    let font = FontId::proportional(theme::TEXT_SMALL);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, t.caption);
    let ground = Rect::from_min_size(rect.left_bottom() - vec2(0.0, 20.0), galley.size() + vec2(12.0, 6.0));
    let ground = Align2::LEFT_BOTTOM.anchor_size(rect.left_bottom(), ground.size());
    let corners = egui::CornerRadius { sw: theme::ROUND_SMALL, ne: theme::ROUND_SMALL, nw: 0, se: 0 };
    ui.painter().rect_filled(ground, corners, t.caption_ground);
    ui.painter().galley(ground.min + vec2(6.0, 3.0), galley, t.caption);
}
