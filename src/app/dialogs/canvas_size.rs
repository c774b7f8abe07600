//! Width and height: of a new canvas, and another size for the one that is open.

use super::{Dialog, Next, buttons, main, modal, other};
use crate::app::dialogs::outpaint;
use crate::app::kit::{theme, widgets};
use crate::app::session::close::Leave;
use crate::app::text::i18n::{fill, tr};
use crate::document::{CELL, Document, MAX_SIDE, MIN_SIDE, check_canvas};
use egui::{Button, DragValue, RichText, Ui};

/// Width and height of a canvas.
pub(crate) struct SizeForm {
    width: u32,
    height: u32,
    fit: outpaint::Fit,
    anchor: outpaint::Anchor,
}

impl SizeForm {
    pub(super) fn of(document: &Document) -> Self {
        let (fit, anchor) = <_>::default();
        Self { width: document.width, height: document.height, fit, anchor }
    }

    fn fields(&mut self, ui: &mut Ui) {
        for (label, name, value) in [
            (tr("Width"), tr("Width in pixels"), &mut self.width),
            (tr("Height"), tr("Height in pixels"), &mut self.height),
        ] {
            widgets::field(ui, ui.available_width(), label, name, |ui, id| {
                let drag = DragValue::new(value).range(MIN_SIDE..=MAX_SIDE).speed(CELL).suffix(" px");
                let drag = drag.update_while_editing(false);
                ui.add(drag).labelled_by(id);
            });
        }
    }

    fn shapes(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            for (name, width, height) in [
                (tr("Square"), 512, 512),
                (tr("Landscape"), 768, 512),
                (tr("Portrait"), 512, 768),
                (tr("Panorama"), 1536, 512),
            ] {
                let on = (self.width, self.height) == (width, height);
                let button = Button::new(name).selected(on);
                if ui.add(button).on_hover_text(format!("{width} × {height}")).clicked() {
                    (self.width, self.height) = (width, height);
                }
            }
        });
    }

    /// Says what will become of the sides typed; false where there can be no such canvas.
    fn verdict(&self, ui: &mut Ui) -> bool {
        let t = theme::tokens(ui);
        let (width, height) = self.rounded();
        let possible = check_canvas(u64::from(width), u64::from(height)).is_ok();
        if !possible {
            let text = fill("{0} × {1} is more than can be painted. Make one side smaller.", &[&width, &height]);
            ui.label(RichText::new(text).color(t.warning));
        } else if (width, height) != (self.width, self.height) {
            ui.label(
                RichText::new(fill("Becomes {0} × {1}: sides are multiples of 8.", &[&width, &height]))
                    .color(t.text_weak),
            );
        }
        possible
    }

    /// The sides the models can draw: multiples of 8.
    fn rounded(&self) -> (u32, u32) {
        let round = |v: u32| ((v + CELL / 2) / CELL * CELL).clamp(MIN_SIDE, MAX_SIDE);
        (round(self.width), round(self.height))
    }
}

pub(super) fn new_canvas(ui: &Ui, mut form: SizeForm) -> Next {
    let mut next = None;
    let close = modal(ui, tr("New canvas"), 320.0, |ui| {
        form.shapes(ui);
        form.fields(ui);
        let possible = form.verdict(ui);
        buttons(ui, |ui| {
            if main(ui, tr("Create"), possible) {
                let (width, height) = form.rounded();
                next = Some(Next::Leave(Leave::New { width, height }));
            }
            if other(ui, tr("Cancel")) {
                next = Some(Next::Close);
            }
        });
    });
    next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::NewCanvas(form)) })
}

pub(super) fn canvas_size(ui: &Ui, mut form: SizeForm, document: &Document) -> Next {
    let mut next = None;
    let close = modal(ui, tr("Canvas size"), 320.0, |ui| {
        form.shapes(ui);
        form.fields(ui);
        let (width, height) = form.rounded();
        outpaint::choices(ui, &mut form.fit, &mut form.anchor, document, (width, height));
        let possible = form.verdict(ui);
        buttons(ui, |ui| {
            if main(ui, tr("Change"), possible && (width, height) != (document.width, document.height)) {
                next = Some(Next::Resize { width, height, fit: form.fit, anchor: form.anchor });
            }
            if other(ui, tr("Cancel")) {
                next = Some(Next::Close);
            }
        });
    });
    next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::CanvasSize(form)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_become_multiples_of_eight() {
        let form = |width, height| SizeForm { width, height, ..SizeForm::of(&Document::new(64, 64)) }.rounded();
        assert_eq!(form(512, 515), (512, 512));
        assert_eq!(form(517, 1), (520, MIN_SIDE));
        assert_eq!(form(MAX_SIDE, 99_999), (MAX_SIDE, MAX_SIDE));
    }
}
