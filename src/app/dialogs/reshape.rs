//! Asks by how many pixels a region is grown, shrunk or softened.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use crate::paint::MAX_GROW;
use egui::{DragValue, Key, RichText, Ui};

/// The changes to a region's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Reshape {
    Grow,
    Shrink,
    Soften,
}

/// Asks for the size of the change.
pub(in crate::app) struct AskReshape {
    reshape: Reshape,
    pixels: u32,
    focused: bool,
}

impl AskReshape {
    pub(in crate::app) fn new(reshape: Reshape, pixels: u32) -> Self {
        Self { reshape, pixels: pixels.clamp(1, MAX_GROW), focused: false }
    }
}

impl Dialog for AskReshape {
    /// In canvas pixels.
    type Answer = u32;

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<u32> {
        let t = theme::tokens(ui);
        let (title, label, hint) = match self.reshape {
            Reshape::Grow => (tr("Grow region"), tr("Grow"), tr("The region’s edge moves outwards on all sides.")),
            Reshape::Shrink => (
                tr("Shrink region"),
                tr("Shrink"),
                tr("The region’s edge moves inwards; what reaches the canvas’s border stays there."),
            ),
            Reshape::Soften => (
                tr("Soften edge"),
                tr("Soften"),
                tr("The edge becomes a slope of so many pixels to either side, in the paint itself."),
            ),
        };
        let mut done = false;
        let mut cancelled = false;
        let close = modal(ui, title, 304.0, |ui| {
            ui.horizontal(|ui| {
                let label = ui.label(tr("By"));
                let field = DragValue::new(&mut self.pixels).range(1..=MAX_GROW).speed(0.25).suffix(" px");
                let field = ui.add(field).labelled_by(label.id);
                if !self.focused {
                    field.request_focus();
                    self.focused = true;
                }
            });
            ui.label(RichText::new(hint).size(theme::TEXT_SMALL).color(t.text_weak));
            buttons(ui, |ui| {
                cancelled = other(ui, tr("Cancel"));
                done = main(ui, label, true);
            });
            done |= ui.input(|i| i.key_pressed(Key::Enter)) && !cancelled;
        });
        outcome(done.then_some(self.pixels), close || cancelled)
    }
}
