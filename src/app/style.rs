//! The words that are added to all others, and regions that are shared without their masks.

use super::editor::Field;
use super::texts::{fill, tr};
use super::{App, theme, widgets};
use crate::document::{MAX_REGIONS, Palette};
use egui::{Frame, Margin, TextEdit, Ui};

impl App {
    /// The card above the regions: the style of the whole picture.
    pub(super) fn style_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let mut typed = self.editor.document().style.clone();
        let hint = tr("Words added to every region and the background, such as an art or a mood");
        let frame = Frame::new().fill(t.card).corner_radius(theme::ROUND).inner_margin(Margin::symmetric(8, 6));
        let response = frame
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    let label = widgets::row_label(ui, tr("Style of it all"), hint);
                    let edit = TextEdit::singleline(&mut typed)
                        .id_salt("style")
                        .hint_text(tr("an oil painting, soft light"))
                        .desired_width(f32::INFINITY)
                        .margin(Margin::symmetric(8, 4));
                    widgets::text(ui, edit).labelled_by(label).on_hover_text(hint)
                })
                .inner
            })
            .inner;
        self.changed(&response, Field::Style, |d| d.style = typed);
    }

    /// Adds regions from a file; their masks are still to be painted.
    pub(super) fn take_palette(&mut self, palette: Palette) {
        let room = MAX_REGIONS.saturating_sub(self.editor.document().regions.len());
        let count = palette.regions.len().min(room);
        self.editor.add_palette(palette);
        self.cards.reveal();
        let text = match count {
            1 => tr("1 region was added. Paint where it shows.").to_owned(),
            _ => fill("{0} regions were added. Paint where they show.", &[&count]),
        };
        self.toasts.info(text);
    }
}
