//! Small controls the panels share.

use crate::app::kit::theme;
use crate::document::InitImage;
use egui::text::{CCursor, CCursorRange};
use egui::{
    Align, Button, ComboBox, DragValue, Frame, Id, Layout, Margin, Popup, RectAlign, Response, ScrollArea, Sense,
    Stroke, StrokeKind, Tooltip, Ui, UiBuilder, vec2,
};
use egui_material_icons::{MaterialIcon, icons};

/// A button that is only an icon; `name` is what screen readers and tooltips say.
pub(in crate::app) fn icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str) -> Response {
    let button = Button::new(icon.rich_text().size(16.0)).frame_when_inactive(false).min_size(vec2(24.0, 24.0));
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(2.0, 2.0);
        ui.add(button)
    })
    .inner
    .accessible_name(name)
}

/// An icon button no larger than its icon, for the end of a field.
pub(in crate::app) fn small_icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str) -> Response {
    let button = Button::new(icon.rich_text().size(16.0)).frame_when_inactive(false).min_size(vec2(16.0, 20.0));
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(0.0, 0.0);
        ui.add(button)
    })
    .inner
    .accessible_name(name)
}

/// The mark of a field that opens a list.
pub(in crate::app) fn chevron(ui: &Ui, rect: egui::Rect, visuals: &egui::style::WidgetVisuals, _open: bool) {
    let c = rect.center();
    let points = vec![c + vec2(-4.0, -2.0), c + vec2(0.0, 2.0), c + vec2(4.0, -2.0)];
    ui.painter().line(points, Stroke::new(1.5, visuals.fg_stroke.color));
}

/// A text field; its outline takes the accent colour while it has the keyboard.
pub(in crate::app) fn text(ui: &mut Ui, edit: egui::TextEdit<'_>) -> Response {
    text_output(ui, edit).response.response
}

/// A text field as [`text()`], with all that egui returns of it: also the place of the cursor.
pub(in crate::app) fn text_output(ui: &mut Ui, edit: egui::TextEdit<'_>) -> egui::text_edit::TextEditOutput {
    ui.scope(|ui| {
        let t = theme::tokens(ui);
        let visuals = ui.visuals_mut();
        visuals.selection.stroke = Stroke::new(1.0, t.accent);
        for widget in [&mut visuals.widgets.inactive, &mut visuals.widgets.hovered, &mut visuals.widgets.active] {
            widget.bg_stroke = Stroke::new(1.0, t.edge);
        }
        let output = edit.show(ui);
        // (The hint in an empty field goes with the next frame only.)
        if output.response.response.changed() {
            ui.request_repaint();
        }
        output
    })
    .inner
}

/// Width of a line of usual letters.
pub(in crate::app) fn text_width(ui: &Ui, text: &str) -> f32 {
    let font = egui::FontId::proportional(theme::TEXT);
    ui.painter().layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER).size().x
}

/// A field of the settings: what it is at the left, its value at the right. `add` gets the label's id to name its
/// control by.
pub(in crate::app) fn field<R>(
    ui: &mut Ui,
    width: f32,
    label: &str,
    hint: &str,
    add: impl FnOnce(&mut Ui, Id) -> R,
) -> R {
    let t = theme::tokens(ui);
    let frame = Frame::new().fill(t.card).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::symmetric(8, 0));
    frame
        .show(ui, |ui| {
            ui.set_width(width - 16.0);
            ui.set_height(theme::ROW);
            ui.horizontal_centered(|ui| {
                ui.spacing_mut().item_spacing.x = theme::HALF;
                ui.spacing_mut().button_padding.x = 0.0;
                ui.spacing_mut().interact_size.x = 0.0;
                // The value needs its room more. (How wide it is is known when it has been drawn once.)
                let id = ui.scope_id().with(("width of the value", label));
                let value: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(0.0);
                let most = (ui.available_width() - value - theme::HALF).max(0.0);
                let text = egui::Label::new(egui::RichText::new(label).color(t.text_weak)).selectable(false);
                let label = ui.scope(|ui| {
                    ui.set_max_width(most);
                    ui.add(text.truncate())
                });
                let label_id = label.inner.id;
                label.inner.on_hover_text(hint);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    flat(ui);
                    let inner = add(ui, label_id);
                    let width = ui.min_rect().width();
                    ui.data_mut(|data| data.insert_temp(id, width));
                    inner
                })
                .inner
            })
            .inner
        })
        .inner
}

/// A field as [`field()`], and what is pressed on it beside its control.
pub(in crate::app) fn pressed_field<R>(
    ui: &mut Ui,
    width: f32,
    (label, hint): (&str, &str),
    add: impl FnOnce(&mut Ui, Id) -> R,
) -> (Response, R) {
    let builder = UiBuilder::new().id_salt(label).sense(Sense::CLICK);
    let all = ui.scope_builder(builder, |ui| field(ui, width, label, hint, add));
    (all.response, all.inner)
}

/// More letters than any number has.
const LONGEST: usize = 64;

/// A field whose value is a number, as [`field()`]: a press anywhere on it begins to type.
pub(in crate::app) fn number_field(
    ui: &mut Ui,
    width: f32,
    told: (&str, &str),
    add: impl FnOnce(&mut Ui, Id) -> Response,
) -> Response {
    let (ground, number) = pressed_field(ui, width, told, add);
    if ground.clicked() {
        number.request_focus();
        // What is typed takes its place, as where the number itself is pressed.
        let mut typed = egui::TextEdit::load_state(ui, number.id).unwrap_or_default();
        typed.cursor.set_char_range(Some(CCursorRange::two(CCursor::new(0), CCursor::new(LONGEST))));
        typed.store(ui, number.id);
    }
    number
}

/// A field whose value is one of a list, as [`field()`]: a press anywhere on it opens the list, `add`. `told` is what the value says to
/// who rests the pointer on it.
pub(in crate::app) fn choice(
    ui: &mut Ui,
    width: f32,
    (label, hint, told): (&str, &str, &str),
    combo: ComboBox,
    add: impl FnOnce(&mut Ui),
) {
    // (A list that a press outside it closes is not to be opened again by the same press.)
    let mut opens = None;
    let (ground, ()) = pressed_field(ui, width, (label, hint), |ui, id| {
        let list = combo.icon(chevron).show_ui(ui, add);
        // (So egui calls the list of a box; a story presses the field's name.)
        opens = Some(list.response.id.with("popup")).filter(|_| list.inner.is_none());
        list.response.labelled_by(id).on_hover_text(told);
    });
    if let Some(list) = opens.filter(|_| ground.clicked()) {
        Popup::open_id(ui, list);
    }
}

/// Controls without a ground of their own until the pointer is over them.
pub(in crate::app) fn flat(ui: &mut Ui) {
    let t = theme::tokens(ui);
    let widgets = &mut ui.visuals_mut().widgets;
    widgets.inactive.weak_bg_fill = egui::Color32::TRANSPARENT;
    widgets.inactive.bg_fill = egui::Color32::TRANSPARENT;
    widgets.inactive.fg_stroke.color = t.text_strong;
}

/// The heading of something folded away; opens and closes it.
pub(in crate::app) fn fold(ui: &mut Ui, open: &mut bool, name: &str, hint: &str) {
    let t = theme::tokens(ui);
    let icon = if *open { icons::ICON_EXPAND_MORE } else { icons::ICON_CHEVRON_RIGHT };
    let response = ui
        .scope(|ui| {
            flat(ui);
            ui.spacing_mut().button_padding = vec2(0.0, 2.0);
            let text = egui::RichText::new(format!("{} {name}", icon.codepoint)).color(t.text_weak);
            ui.add(Button::new(text))
        })
        .inner;
    let shown = *open;
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::DisclosureTriangle, true, shown, name));
    if response.on_hover_text(hint).clicked() {
        *open = !*open;
    }
}

/// The entries of a menu. Where the window is lower than they are, they scroll.
pub(in crate::app) fn entries<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    // (With the menu's frame, and a little of what lies around it.)
    let most = ui.ctx().content_rect().height() - 48.0;
    let list = ScrollArea::vertical().max_height(most).min_scrolled_height(most);
    // The menu is as wide as its longest entry, and the bar that scrolls it stands beside the keys.
    ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
    ui.spacing_mut().scroll.floating = false;
    ui.spacing_mut().scroll.foreground_color = false;
    list.show(ui, add).inner
}

/// A number with a fraction. Who writes a comma for its point is understood, in every language.
pub(in crate::app) fn decimal<N: egui::emath::Numeric>(value: &mut N) -> DragValue<'_> {
    DragValue::new(value).custom_parser(number)
}

/// A denoising strength of at most so much.
pub(in crate::app) fn strength(value: &mut f64, most: f64) -> DragValue<'_> {
    decimal(value).range(InitImage::MIN_STRENGTH..=most).speed(0.005).max_decimals(2)
}

/// The number that a person has typed.
fn number(text: &str) -> Option<f64> {
    text.trim().replace(',', ".").replace('−', "-").parse().ok()
}

/// The part of the whole that a person has typed in percent.
pub(in crate::app) fn share(text: &str) -> Option<f64> {
    number(text.trim().trim_end_matches('%')).map(|percent| percent / 100.0)
}

/// A part of the whole, in percent.
pub(in crate::app) fn percent(value: &mut f32, range: std::ops::RangeInclusive<f32>) -> DragValue<'_> {
    DragValue::new(value).range(range).speed(0.5).max_decimals(0).suffix(" %")
}

/// The name of a row of a card, as wide as all of them; returns its id.
pub(in crate::app) fn row_label(ui: &mut Ui, name: &str, hint: &str) -> Id {
    let t = theme::tokens(ui);
    let layout = Layout::left_to_right(Align::Center);
    // (A long name in a narrow panel leaves half of the row to the value; who rests the pointer on it reads all of it.)
    let width = 112.0_f32.max(ui.available_width() * 0.5);
    ui.allocate_ui_with_layout(vec2(112.0, 24.0), layout, |ui| {
        ui.set_min_width(112.0);
        ui.set_max_width(width);
        let text = egui::RichText::new(name).color(t.text_weak);
        let label = ui.add(egui::Label::new(text).truncate().selectable(false));
        let id = label.id;
        label.on_hover_text(hint);
        id
    })
    .inner
}

/// A slider with its name at the left and its value at the right.
pub(in crate::app) fn slider_row(
    ui: &mut Ui,
    name: &str,
    hint: &str,
    value: &mut f32,
    range: std::ops::RangeInclusive<f32>,
    text: &str,
) -> Response {
    ui.horizontal(|ui| {
        let id = row_label(ui, name, hint);
        let rest = ui.available_width();
        ui.spacing_mut().slider_width = (rest - 48.0 - theme::GRID).max(24.0);
        let slider = ui.add(slider(value, range)).labelled_by(id);
        // (In the least window the number has no room of its own: the slider tells it.)
        if ui.available_width() > 0.0 {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text));
        }
        slider
    })
    .inner
}

/// A slider without a number of its own: a thin rail and a small light handle.
pub(in crate::app) struct Slider<'a> {
    value: &'a mut f32,
    range: std::ops::RangeInclusive<f32>,
    logarithmic: bool,
}

/// A slider over this range.
pub(in crate::app) fn slider(value: &mut f32, range: std::ops::RangeInclusive<f32>) -> Slider<'_> {
    Slider { value, range, logarithmic: false }
}

impl Slider<'_> {
    /// Small values get as much room as large ones.
    pub(in crate::app) fn logarithmic(mut self) -> Self {
        self.logarithmic = true;
        self
    }

    /// The place of a value along the rail, 0 to 1.
    fn fraction(&self, value: f32) -> f32 {
        let (low, high) = (*self.range.start(), *self.range.end());
        if self.logarithmic { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) }
    }
}

impl egui::Widget for Slider<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let t = theme::tokens(ui);
        let response = ui
            .scope(|ui| {
                // egui's slider does the work and stays invisible.
                ui.set_opacity(0.0);
                ui.spacing_mut().interact_size.y = 16.0;
                let mut slider = egui::Slider::new(self.value, self.range.clone()).show_value(false);
                if self.logarithmic {
                    slider = slider.logarithmic(true).step_by(1.0);
                }
                ui.add(slider)
            })
            .inner;
        let rect = response.rect;
        let travel = rect.x_range().shrink(rect.height() / 2.5);
        let x = egui::lerp(travel.min..=travel.max, self.fraction(*self.value).clamp(0.0, 1.0));
        let rail = egui::Rect::from_x_y_ranges(travel.expand(2.0), rect.center().y - 1.5..=rect.center().y + 1.5);
        let painter = ui.painter();
        painter.rect_filled(rail, 1.5, t.rail);
        painter.rect_filled(rail.with_max_x(x), 1.5, t.accent);
        let radius = if response.hovered() || response.dragged() { 6.0 } else { 5.0 };
        painter.circle_filled(egui::pos2(x, rect.center().y), radius, t.handle);
        if response.has_focus() {
            painter.circle_stroke(egui::pos2(x, rect.center().y), radius + 2.0, Stroke::new(1.5, t.accent));
        }
        response
    }
}

/// Says a hint beside a control, on this side of it: below it would lie over what is pressed next.
pub(in crate::app) fn hint_beside(response: &Response, side: RectAlign, hint: &str) {
    let mut tooltip = Tooltip::for_enabled(response);
    tooltip.popup = tooltip.popup.align(side).gap(theme::GRID);
    tooltip.show(|ui| ui.add(egui::Label::new(hint).wrap()));
}

/// A thin line across.
pub(in crate::app) fn rule(ui: &mut Ui) {
    let t = theme::tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, t.line);
}

/// Adds what is there at times only: where it comes or goes, what stands after it keeps its id, and with it the keyboard or a drag.
pub(in crate::app) fn at_times<R>(ui: &mut Ui, there: bool, add: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    if !there {
        // As many as a scope takes.
        ui.skip_ahead_auto_ids(1);
        return None;
    }
    Some(ui.scope(add).inner)
}

/// A filled button in the accent colour.
pub(in crate::app) fn main_button(
    ui: &mut Ui,
    text: impl Into<egui::WidgetText>,
    width: f32,
    height: f32,
    enabled: bool,
) -> Response {
    let t = theme::tokens(ui);
    let text: egui::WidgetText = text.into();
    if ui.layout().main_wrap() {
        // (What is drawn in a scope does not go to the next row of itself.)
        let extend = Some(egui::TextWrapMode::Extend);
        let galley = text.clone().into_galley(ui, extend, f32::INFINITY, egui::TextStyle::Button);
        let whole = (galley.size().x + 2.0 * ui.spacing().button_padding.x).max(width);
        if whole > ui.available_size_before_wrap().x {
            ui.end_row();
        }
    }
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
        let button = Button::new(text).min_size(vec2(width, height));
        let response = ui.add_enabled_ui(enabled, |ui| ui.add_sized([width, height], button)).inner;
        // On the accent colour itself an outline of it would hardly be seen.
        if response.has_focus() {
            let ring = Stroke::new(1.0, t.text_strong);
            ui.painter().rect_stroke(response.rect.expand(1.5), theme::ROUND + 1, ring, StrokeKind::Outside);
        }
        response
    })
    .inner
}
