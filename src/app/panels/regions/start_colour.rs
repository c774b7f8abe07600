//! The colour that a region, or the background, starts from.

use crate::app::editor::Selected;
use crate::app::kit::{colour, widgets};
use crate::app::panels::regions::wish::Wish;
use crate::app::text::i18n::tr;
use crate::document::{Rgb, StartColour};
use egui::{Align, Layout, Ui};
use egui_material_icons::icons;

/// The row of the paint layer's card: for how much of the work it is held.
pub(super) fn paint_row(ui: &mut Ui, share: f32, wishes: &mut Vec<Wish>) {
    let hint =
        tr("The part of the work for which the paint is held. The longer, the more of it is left in the picture");
    let mut held = share * 100.0;
    let text = format!("{held:.0} %");
    let slider = widgets::slider_row(ui, tr("Paint is held"), hint, &mut held, 0.0..=100.0, &text);
    if slider.changed() {
        wishes.push(Wish::PaintShare(held.round() / 100.0));
    }
    if slider.drag_stopped() || slider.lost_focus() {
        wishes.push(Wish::StepDone);
    }
}

/// The row of a card; `first` is the colour that is offered where there is none yet.
pub(super) fn row(ui: &mut Ui, key: Selected, start: Option<StartColour>, first: Rgb, wishes: &mut Vec<Wish>) {
    let hint = tr(
        "The picture grows from this colour here: the quickest hint of all.\nThe longer it is held, the more of it is left in the picture",
    );
    ui.horizontal(|ui| {
        widgets::row_label(ui, tr("Start colour"), hint);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let Some(StartColour { mut colour, share }) = start else {
                let add = ui.button(tr("Choose…")).accessible_name(tr("Choose a start colour")).on_hover_text(hint);
                if add.clicked() {
                    wishes.push(Wish::StartColour(key, Some(StartColour { colour: first, share: StartColour::SHARE })));
                    wishes.push(Wish::StepDone);
                }
                return;
            };
            let none = widgets::small_icon_button(ui, icons::ICON_CLOSE, tr("No start colour"));
            if none.on_hover_text(tr("No start colour")).clicked() {
                wishes.push(Wish::StartColour(key, None));
                wishes.push(Wish::StepDone);
            }
            let mut held = share * 100.0;
            let hint = tr("The part of the work for which the colour is held");
            let share = ui
                .add(widgets::percent(&mut held, 0.0..=100.0))
                .accessible_name(tr("Start colour is held"))
                .on_hover_text(hint);
            let swatch = colour::swatch(ui, &mut colour, tr("Start colour"), tr("Choose another colour"));
            if share.changed() || swatch.changed() {
                let start = StartColour { colour, share: (held / 100.0).clamp(0.0, 1.0) };
                wishes.push(Wish::StartColour(key, Some(start)));
            }
            if share.drag_stopped() || share.lost_focus() {
                wishes.push(Wish::StepDone);
            }
        });
    });
}
