//! The export dialog: the kind of file, and whether it tells how the picture was made.

use crate::app::App;
use crate::app::dialogs::{Dialog, Next, buttons, main, modal, other};
use crate::app::kit::{theme, widgets};
use crate::app::session::files::Purpose;
use crate::app::text::i18n::tr;
use crate::document::PictureFormat;
use egui::{Button, RichText, Ui};

impl App {
    pub(in crate::app) fn export_dialog(&mut self, ui: &Ui) -> Next {
        let (mut go, mut cancel) = (false, false);
        let export = &mut self.prefs.export;
        let close = modal(ui, tr("Export picture"), 360.0, |ui| {
            let t = theme::tokens(ui);
            ui.horizontal(|ui| {
                for format in PictureFormat::ALL {
                    let on = export.format == format;
                    let button = Button::new(format.title()).selected(on).min_size(egui::vec2(72.0, theme::ROW));
                    if ui.add(button).clicked() {
                        export.format = format;
                    }
                }
            });
            if export.format == PictureFormat::Jpeg {
                let mut quality = f32::from(export.quality);
                let text = export.quality.to_string();
                let hint = tr("Less makes smaller files and coarser pictures");
                let slider = widgets::slider_row(ui, tr("Quality"), hint, &mut quality, 1.0..=100.0, &text);
                if slider.changed() {
                    export.quality = quality.round().clamp(1.0, 100.0) as u8;
                }
            }
            let (keep, told) = match (export.format, export.metadata) {
                (PictureFormat::Png, true) => (
                    tr("Keep the project inside"),
                    tr("Opening the picture here brings back regions, words and settings. Others can read them, too."),
                ),
                (PictureFormat::Png, false) => {
                    (tr("Keep the project inside"), tr("The file holds the picture and nothing else."))
                }
                (_, true) => (
                    tr("Keep words and settings inside"),
                    tr("Words, seed and settings can be read from the file. Only a PNG can bring back the project."),
                ),
                (_, false) => {
                    (tr("Keep words and settings inside"), tr("The file holds the picture and nothing else."))
                }
            };
            ui.checkbox(&mut export.metadata, keep);
            ui.label(RichText::new(told).size(theme::TEXT_SMALL).color(t.text_weak));
            buttons(ui, |ui| {
                go = main(ui, tr("Export…"), true);
                cancel = other(ui, tr("Cancel"));
            });
        });
        if go {
            self.ask_path(Purpose::Export(self.prefs.export.format));
            // The studio's own dialog for the path may be open now.
            return self.dialog.take().map_or(Next::Close, Next::Stay);
        }
        if close || cancel { Next::Close } else { Next::Stay(Dialog::Export) }
    }
}
