//! Width and height: of a new canvas, and another size for the one that is open.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome, outpaint};
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use crate::document::{CELL, Document, MAX_SIDE, MIN_SIDE, check_canvas};
use egui::{Button, DragValue, RichText, Ui};

/// Width and height of a canvas.
struct Size {
    width: u32,
    height: u32,
}

impl Size {
    fn of(document: &Document) -> Self {
        Self { width: document.width, height: document.height }
    }

    fn fields(&mut self, ui: &mut Ui) {
        for (label, name, value) in [
            (tr("Width"), tr("Width in pixels"), &mut self.width),
            (tr("Height"), tr("Height in pixels"), &mut self.height),
        ] {
            widgets::number_field(ui, ui.available_width(), (label, name), |ui, id| {
                let drag = DragValue::new(value).range(MIN_SIDE..=MAX_SIDE).speed(CELL).suffix(" px");
                ui.add(drag.update_while_editing(false)).labelled_by(id)
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

/// Asks for the size of a new canvas.
pub(in crate::app) struct NewCanvas(Size);

impl NewCanvas {
    pub(in crate::app) fn like(document: &Document) -> Self {
        Self(Size::of(document))
    }
}

impl Dialog for NewCanvas {
    /// Width and height.
    type Answer = (u32, u32);

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<Self::Answer> {
        let Self(size) = self;
        let (mut answer, mut cancel) = (None, false);
        let close = modal(ui, tr("New canvas"), 320.0, |ui| {
            size.shapes(ui);
            size.fields(ui);
            let possible = size.verdict(ui);
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                answer = main(ui, tr("Create"), possible).then(|| size.rounded());
            });
        });
        outcome(answer, close || cancel)
    }
}

/// Asks for another size of the open canvas, and for what becomes of the painting.
pub(in crate::app) struct CanvasSize {
    size: Size,
    fit: outpaint::Fit,
    anchor: outpaint::Anchor,
}

impl CanvasSize {
    pub(in crate::app) fn of(document: &Document) -> Self {
        let (fit, anchor) = <_>::default();
        Self { size: Size::of(document), fit, anchor }
    }
}

impl Dialog for CanvasSize {
    type Answer = ((u32, u32), outpaint::Fit, outpaint::Anchor);

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Self::Answer> {
        let document = view.editor.document();
        let (mut answer, mut cancel) = (None, false);
        let close = modal(ui, tr("Canvas size"), 320.0, |ui| {
            self.size.shapes(ui);
            self.size.fields(ui);
            let new = self.size.rounded();
            outpaint::choices(ui, &mut self.fit, &mut self.anchor, document, new);
            let possible = self.size.verdict(ui) && new != (document.width, document.height);
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                answer = main(ui, tr("Change"), possible).then_some((new, self.fit, self.anchor));
            });
        });
        outcome(answer, close || cancel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_become_multiples_of_eight() {
        let form = |width, height| Size { width, height }.rounded();
        assert_eq!(form(512, 515), (512, 512));
        assert_eq!(form(517, 1), (520, MIN_SIDE));
        assert_eq!(form(MAX_SIDE, 99_999), (MAX_SIDE, MAX_SIDE));
    }
}
