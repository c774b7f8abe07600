//! Asks by how many pixels a region is grown, shrunk or softened.

use crate::app::App;
use crate::app::dialogs::{Dialog, Next, buttons, main, modal, other};
use crate::app::kit::theme;
use crate::app::text::i18n::{key, tr};
use crate::paint::{MAX_GROW, grow, shrink, soften};
use egui::{DragValue, Key, RichText, Ui};

/// The changes to a region's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Reshape {
    Grow,
    Shrink,
    Soften,
}

/// The form: the change, and its size in pixels.
pub(in crate::app) struct ReshapeForm {
    reshape: Reshape,
    pixels: u32,
    focused: bool,
}

impl App {
    /// Asks by how many pixels.
    pub(in crate::app) fn ask_reshape(&mut self, reshape: Reshape) {
        let pixels = self.prefs.tools.reshape.clamp(1, MAX_GROW);
        self.dialog = Some(Dialog::Reshape(ReshapeForm { reshape, pixels, focused: false }));
    }

    /// Applies the form to the selected region.
    pub(in crate::app) fn reshape(&mut self, form: &ReshapeForm) {
        let pixels = form.pixels;
        self.prefs.tools.reshape = pixels;
        match form.reshape {
            Reshape::Grow => {
                self.editor.remake_selected(key("Grow region"), move |mask, wrap| grow(mask, pixels, wrap));
            }
            Reshape::Shrink => {
                self.editor.remake_selected(key("Shrink region"), move |mask, wrap| shrink(mask, pixels, wrap));
            }
            Reshape::Soften => {
                self.editor.remake_selected(key("Soften edge"), move |mask, wrap| soften(mask, pixels, wrap));
            }
        }
    }
}

/// The dialog.
pub(in crate::app) fn ask(ui: &Ui, mut form: ReshapeForm) -> Next {
    let t = theme::tokens(ui);
    let (title, label, hint) = match form.reshape {
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
            let field = DragValue::new(&mut form.pixels).range(1..=MAX_GROW).speed(0.25).suffix(" px");
            let field = ui.add(field).labelled_by(label.id);
            if !form.focused {
                field.request_focus();
                form.focused = true;
            }
        });
        ui.label(RichText::new(hint).size(theme::TEXT_SMALL).color(t.text_weak));
        buttons(ui, |ui| {
            done = main(ui, label, true);
            cancelled = other(ui, tr("Cancel"));
        });
        done |= ui.input(|i| i.key_pressed(Key::Enter)) && !cancelled;
    });
    match () {
        () if done => Next::Reshape(form),
        () if close || cancelled => Next::Close,
        () => Next::Stay(Dialog::Reshape(form)),
    }
}
