//! Asks how much larger a picture is drawn once more, and how much of it becomes new.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use crate::studio::SecondPass;
use egui::{RichText, Ui};

/// The factors to choose from.
const FACTORS: [f64; 4] = [1.5, 2.0, 3.0, 4.0];

/// Asks for a second pass.
pub(in crate::app) struct Enlarge {
    pass: SecondPass,
}

impl Default for Enlarge {
    fn default() -> Self {
        Self { pass: SecondPass { factor: 2.0, strength: SecondPass::STRENGTH } }
    }
}

impl Dialog for Enlarge {
    type Answer = SecondPass;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<SecondPass> {
        let t = theme::tokens(ui);
        let (mut done, mut cancelled) = (false, false);
        let document = view.editor.document();
        let close = modal(ui, tr("Enlarge picture"), 336.0, |ui| {
            ui.horizontal(|ui| {
                for factor in FACTORS {
                    let on = self.pass.factor.to_bits() == factor.to_bits();
                    if ui.selectable_label(on, format!("× {factor}")).clicked() {
                        self.pass.factor = factor;
                    }
                }
            });
            ui.horizontal(|ui| {
                let label = ui.label(tr("Strength"));
                let told = tr("How much of the picture becomes new: little keeps it, 1 all but forgets it");
                let strength = widgets::strength(&mut self.pass.strength, 1.0);
                ui.add(strength).labelled_by(label.id).on_hover_text(told);
            });
            let size = self.pass.size(document).ok();
            let (text, colour) = match size {
                Some((width, height)) => {
                    let sizes: [&dyn std::fmt::Display; 4] = [&document.width, &document.height, &width, &height];
                    (fill("{0} × {1} become {2} × {3} pixels.", &sizes), t.text)
                }
                None => (tr("That is larger than a canvas can be.").to_owned(), t.warning),
            };
            ui.label(RichText::new(text).color(colour));
            let told = tr("The picture is enlarged, and drawn over window by window with the same regions and words.");
            ui.label(RichText::new(told).size(theme::TEXT_SMALL).color(t.text_weak));
            buttons(ui, |ui| {
                cancelled = other(ui, tr("Cancel"));
                done = main(ui, tr("Enlarge"), size.is_some());
            });
        });
        outcome(done.then_some(self.pass), close || cancelled)
    }
}
