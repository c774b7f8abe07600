//! Small controls the panels share.

use super::theme;
use egui::{Align, Button, Frame, Id, Layout, Margin, Response, Sense, Stroke, Ui, vec2};
use egui_material_icons::MaterialIcon;

/// A button that is only an icon; `name` is what screen readers and tooltips say.
pub fn icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str) -> Response {
    let button = Button::new(icon.rich_text().size(16.0)).frame_when_inactive(false).min_size(vec2(24.0, 24.0));
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(2.0, 2.0);
        ui.add(button)
    })
    .inner
    .accessible_name(name)
}

/// A field of the settings: what it is at the left, its value at the right. `add` gets the label's id to name its
/// control by.
pub fn field<R>(ui: &mut Ui, width: f32, label: &str, hint: &str, add: impl FnOnce(&mut Ui, Id) -> R) -> R {
    let t = theme::tokens(ui);
    let frame = Frame::new().fill(t.card).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::symmetric(8, 0));
    frame
        .show(ui, |ui| {
            ui.set_width(width - 16.0);
            ui.set_height(theme::ROW);
            ui.horizontal_centered(|ui| {
                ui.spacing_mut().item_spacing.x = theme::HALF;
                ui.spacing_mut().button_padding.x = theme::HALF;
                let label = ui.add(egui::Label::new(egui::RichText::new(label).color(t.text_weak)).selectable(false));
                let label_id = label.id;
                label.on_hover_text(hint);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    flat(ui);
                    add(ui, label_id)
                })
                .inner
            })
            .inner
        })
        .inner
}

/// Controls without a ground of their own until the pointer is over them.
pub fn flat(ui: &mut Ui) {
    let t = theme::tokens(ui);
    let widgets = &mut ui.visuals_mut().widgets;
    widgets.inactive.weak_bg_fill = egui::Color32::TRANSPARENT;
    widgets.inactive.bg_fill = egui::Color32::TRANSPARENT;
    widgets.inactive.fg_stroke.color = t.text_strong;
}

/// A slider with its name at the left and its value at the right.
pub fn slider_row(
    ui: &mut Ui,
    name: &str,
    hint: &str,
    value: &mut f32,
    range: std::ops::RangeInclusive<f32>,
    text: &str,
) -> Response {
    let t = theme::tokens(ui);
    ui.horizontal(|ui| {
        let label = ui.add_sized(
            [96.0, 20.0],
            egui::Label::new(egui::RichText::new(name).color(t.text_weak)).selectable(false).halign(Align::LEFT),
        );
        let id = label.id;
        label.on_hover_text(hint);
        let rest = ui.available_width();
        ui.spacing_mut().slider_width = rest - 48.0 - theme::GRID;
        let slider = ui.add(slider(value, range)).labelled_by(id);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text));
        slider
    })
    .inner
}

/// A slider without a number of its own.
pub fn slider(value: &mut f32, range: std::ops::RangeInclusive<f32>) -> egui::Slider<'_> {
    egui::Slider::new(value, range).show_value(false).trailing_fill(true)
}

/// A thin line across.
pub fn rule(ui: &mut Ui) {
    let t = theme::tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, t.line);
}

/// A filled button in the accent colour.
pub fn main_button(ui: &mut Ui, text: impl Into<egui::WidgetText>, width: f32, height: f32, enabled: bool) -> Response {
    let t = theme::tokens(ui);
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        for (visuals, fill) in [
            (&mut widgets.inactive, t.accent_fill),
            (&mut widgets.hovered, t.accent_hover),
            (&mut widgets.active, t.accent_hover),
        ] {
            visuals.weak_bg_fill = fill;
            visuals.corner_radius = theme::ROUND.into();
            visuals.fg_stroke = Stroke::new(1.0, t.on_accent);
        }
        let text: egui::WidgetText = text.into();
        ui.add_enabled(enabled, Button::new(text).min_size(vec2(width, height)))
    })
    .inner
}
