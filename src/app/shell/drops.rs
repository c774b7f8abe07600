//! Files that are dropped on the window, or held over it.

use crate::app::App;
use crate::app::kit::theme;
use crate::app::session::import::{Wanted, has_weights, is_picture};
use crate::app::text::format::file_name;
use crate::app::text::i18n::{fill, tr};
use egui::{Align2, FontId, Stroke, StrokeKind, Ui, vec2};

impl App {
    /// Takes what is dropped on the window, and shows while something is held over it what it would become.
    pub(in crate::app) fn drops(&mut self, ui: &Ui) {
        let (dropped, at) = ui.input(|i| {
            let files = i.raw.dropped_files.iter().map(|file| file.path().to_path_buf());
            (files.collect::<Vec<_>>(), i.pointer.latest_pos())
        });
        if dropped.is_empty() {
            return;
        }
        if !self.takes_drops() {
            self.toasts.info(tr("Answer the question first, then drop it again."));
            return;
        }
        let card = at.and_then(|at| self.panels.cards.card_at(at));
        // (What has no ending is a folder, as far as can be told without asking the disk.)
        let (models, others): (Vec<_>, Vec<_>) =
            dropped.into_iter().partition(|path| has_weights(path) || path.extension().is_none());
        if let Some(first) = others.first().filter(|_| others.len() > 1) {
            self.toasts.info(fill("One at a time: {0} was taken.", &[&file_name(first)]));
        }
        let control = at.and_then(|at| self.desk().control_at(at));
        for (at, path) in models.into_iter().chain(others.into_iter().take(1)).enumerate() {
            if let Some((place, edges)) = control.filter(|_| is_picture(&path)) {
                self.follow_picture(path, place, edges);
                continue;
            }
            self.find_out(path, if at == 0 { Wanted::Dropped(card) } else { Wanted::AlsoDropped(card) });
        }
    }

    pub(in crate::app) fn drop_hint(&self, ui: &Ui) {
        if ui.input(|i| i.raw.hovered_files.is_empty()) {
            return;
        }
        let t = theme::tokens(ui);
        let rect = ui.content_rect();
        let painter = ui.layer_painter(egui::LayerId::new(egui::Order::Tooltip, egui::Id::unique("drop hint")));
        painter.rect_filled(rect, 0.0, t.shade);
        painter.rect_stroke(rect.shrink(8.0), theme::ROUND, Stroke::new(2.0, t.accent), StrokeKind::Inside);
        let text = tr("Drop a project, a picture, a mask, models, LoRAs, ControlNets or a folder of models");
        let font = FontId::new(18.0, theme::strong_family());
        let text = painter.layout_no_wrap(text.to_owned(), font, t.text_strong);
        let place = Align2::CENTER_CENTER.anchor_size(rect.center(), text.size());
        painter.rect_filled(place.expand2(vec2(24.0, 16.0)), theme::ROUND, t.panel);
        painter.galley(place.min, text, t.text_strong);
    }
}
