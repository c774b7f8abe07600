//! Another size for the canvas: stretched, cut or grown, and what is new drawn around the old picture.

use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use crate::document::{CELL, Document};
use egui::{Grid, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

/// The ways to fit the painting to a canvas of another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::app) enum Fit {
    #[default]
    Stretch,
    Keep,
    /// Keep it, and let the next picture fill what is new around the old one.
    Draw,
}

/// The place of the old canvas on the new one: 0 left or top, 1 middle, 2 right or bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) struct Anchor {
    x: u8,
    y: u8,
}

impl Default for Anchor {
    fn default() -> Self {
        Self { x: 1, y: 1 }
    }
}

impl Anchor {
    /// The place of the old top left corner, in pixels of the new canvas.
    pub(in crate::app) fn place(self, old: (u32, u32), new: (u32, u32)) -> (i32, i32) {
        let along = |at: u8, old: u32, new: u32| {
            let grown = i64::from(new) - i64::from(old);
            let cell = i64::from(CELL);
            // On the latent grid, so that kept cells stay whole.
            i32::try_from(grown * i64::from(at) / 2 / cell * cell).unwrap_or(0)
        };
        (along(self.x, old.0, new.0), along(self.y, old.1, new.1))
    }

    fn name(self) -> &'static str {
        match (self.x, self.y) {
            (0, 0) => tr("Old canvas at the top left"),
            (1, 0) => tr("Old canvas at the top"),
            (_, 0) => tr("Old canvas at the top right"),
            (0, 1) => tr("Old canvas at the left"),
            (1, 1) => tr("Old canvas in the middle"),
            (_, 1) => tr("Old canvas at the right"),
            (0, _) => tr("Old canvas at the bottom left"),
            (1, _) => tr("Old canvas at the bottom"),
            _ => tr("Old canvas at the bottom right"),
        }
    }
}

/// True where there is a picture to draw around, and something new.
fn can_draw(document: &Document, (width, height): (u32, u32)) -> bool {
    (document.take.is_some() || document.init_image.is_some()) && (width > document.width || height > document.height)
}

/// The choices of the dialog.
pub(in crate::app) fn choices(ui: &mut Ui, fit: &mut Fit, anchor: &mut Anchor, document: &Document, new: (u32, u32)) {
    let t = theme::tokens(ui);
    ui.radio_value(fit, Fit::Stretch, tr("Stretch the regions with the canvas"));
    ui.radio_value(fit, Fit::Keep, tr("Keep the regions where they are"));
    let possible = can_draw(document, new);
    let text = tr("Draw what is new around the picture");
    ui.add_enabled_ui(possible, |ui| {
        ui.radio_value(fit, Fit::Draw, text)
            .on_disabled_hover_text(tr("It needs a picture, and a canvas that is larger than the old one"))
    });
    if *fit == Fit::Draw && !possible {
        *fit = Fit::Keep;
    }
    if *fit == Fit::Stretch {
        return;
    }
    ui.horizontal(|ui| {
        Grid::new("anchor").spacing(vec2(4.0, 4.0)).min_col_width(0.0).show(ui, |ui| {
            for y in 0..3 {
                for x in 0..3 {
                    let here = Anchor { x, y };
                    let (rect, response) = ui.allocate_exact_size(vec2(24.0, 24.0), Sense::click());
                    let on = here == *anchor;
                    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, here.name()));
                    let fill = if on { t.accent_fill } else { t.field };
                    ui.painter().rect_filled(rect, theme::ROUND_SMALL, fill);
                    if response.hovered() || response.has_focus() {
                        let stroke = Stroke::new(1.0, t.accent);
                        ui.painter().rect_stroke(rect, theme::ROUND_SMALL, stroke, StrokeKind::Inside);
                    }
                    if response.on_hover_text(here.name()).clicked() {
                        *anchor = here;
                    }
                }
                ui.end_row();
            }
        });
        ui.add_space(theme::GRID);
        let text = match fit {
            Fit::Draw => tr("Where the picture stays. Press Generate afterwards: everything around it becomes new."),
            _ => tr("Where the painting stays."),
        };
        ui.add(egui::Label::new(RichText::new(text).color(t.text_weak)).wrap());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_canvas_lies_where_it_is_anchored_on_the_grid() {
        let at = |x, y| Anchor { x, y }.place((512, 512), (768, 520));
        assert_eq!((at(0, 0), at(1, 1), at(2, 2)), ((0, 0), (128, 0), (256, 8)));
        assert_eq!(Anchor { x: 2, y: 0 }.place((512, 512), (256, 512)), (-256, 0), "what is cut is cut at the left");
    }
}
