//! The export dialog: the kind of file, and whether it tells how the picture was made.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::tr;
use crate::document::{Export, PictureFormat};
use egui::{Button, RichText, Ui};

/// Asks how a picture is exported.
pub(in crate::app) struct AskExport(pub Export);

impl Dialog for AskExport {
    type Answer = Export;

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<Export> {
        let Self(export) = self;
        let (mut go, mut cancel) = (false, false);
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
                cancel = other(ui, tr("Cancel"));
                go = main(ui, tr("Export…"), true);
            });
        });
        outcome(go.then_some(*export), close || cancel)
    }
}
