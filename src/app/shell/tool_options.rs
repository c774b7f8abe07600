//! The bar over the top of the canvas: the options of the tool in hand.

use crate::app::App;
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::shell::toolbar::{floating, size_of};
use crate::app::text::i18n::{fill, tr};
use crate::app::tools::{BrushSettings, FillOver, OptionsBar};
use egui::epaint::TextShape;
use egui::{
    Align, Align2, Button, DragValue, FontFamily, FontId, Label, Layout, Popup, PopupCloseBehavior, Rect, RichText,
    TextWrapMode, Ui, UiKind, vec2,
};
use egui_material_icons::{MaterialIcon, icons};
use std::ops::RangeInclusive;

/// The sides of an icon in the bar.
const ICON: f32 = 18.0;
/// Width of the canvas from which on sliders have their full length.
const ROOMY: f32 = 980.0;
/// Width of the canvas below which all but the first options fold into a menu.
pub(super) const FOLDS: f32 = 900.0;
/// Width of the canvas below which numbers have no sliders.
pub(super) const TIGHT: f32 = 680.0;
/// Width of the canvas below which all options fold into a menu.
const NARROW: f32 = 460.0;
/// Height of the canvas below which they do.
const LOW: f32 = 260.0;
/// The sides of a button that is an icon.
const TOGGLE: f32 = 24.0;

impl App {
    /// The top of what floats below the bar of options, in points from the top of the canvas.
    pub(super) fn below_options_bar(&self, ui: &Ui) -> f32 {
        let none = self.workspace.tool.options() == OptionsBar::None;
        8.0 + if none { 0.0 } else { size_of(ui, "options bar").y + 6.0 }
    }

    /// Floats over the top of the canvas while a tool with options is in hand.
    pub(in crate::app) fn options_bar_ui(&mut self, ui: &Ui, canvas: Rect) {
        let (name, options) = (self.workspace.tool.command().label(), self.workspace.tool.options());
        if options == OptionsBar::None {
            return;
        }
        let t = theme::tokens(ui);
        let mut called = None;
        if canvas.width() < NARROW || canvas.height() < LOW {
            // There is room for a name; the options open below it.
            let at = canvas.left_top() + vec2(theme::HALF, theme::HALF);
            floating(ui, "options bar", at, Align2::LEFT_TOP, |ui| {
                let text = format!("{name} {}", icons::ICON_EXPAND_MORE.codepoint);
                let button =
                    ui.add(Button::new(RichText::new(text).color(t.text_strong)).wrap_mode(TextWrapMode::Extend));
                let button = button.accessible_name(fill("Options of {0}", &[&name]));
                let popup = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
                popup.show(|ui| {
                    ui.spacing_mut().slider_width = 80.0;
                    ui.spacing_mut().item_spacing = vec2(6.0, theme::GRID);
                    self.options_of(ui, options, &mut called);
                    self.rest_of(ui, options, &mut called);
                });
            });
            if let Some(command) = called {
                self.perform(ui, command);
            }
            return;
        }
        floating(ui, "options bar", canvas.center_top() + vec2(0.0, 8.0), Align2::CENTER_TOP, |ui| {
            ui.set_max_width((canvas.width() - 40.0).max(200.0));
            ui.horizontal_wrapped(|ui| {
                // In a narrow window sliders and what is seldom changed give way: a second row would lie over the picture.
                ui.spacing_mut().slider_width = match canvas.width() {
                    ROOMY.. => 80.0,
                    TIGHT.. => 56.0,
                    _ => 0.0,
                };
                ui.spacing_mut().item_spacing = vec2(6.0, theme::HALF);
                ui.add(Label::new(theme::strong(name).color(t.text_strong)).selectable(false));
                self.options_of(ui, options, &mut called);
                if canvas.width() >= FOLDS {
                    self.rest_of(ui, options, &mut called);
                } else if self.has_rest(options) {
                    let more = widgets::icon_button(ui, icons::ICON_MORE_HORIZ, &fill("More options of {0}", &[&name]));
                    let popup = Popup::menu(&more).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
                    popup.show(|ui| {
                        ui.spacing_mut().slider_width = 80.0;
                        ui.spacing_mut().item_spacing = vec2(6.0, theme::GRID);
                        self.rest_of(ui, options, &mut called);
                    });
                }
            });
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }

    fn options_of(&mut self, ui: &mut Ui, options: OptionsBar, called: &mut Option<Command>) {
        match options {
            OptionsBar::None => {}
            OptionsBar::Brush | OptionsBar::Smudge => self.brush_sliders(ui, 0.0),
            OptionsBar::Combine => self.combine_options(ui, called),
            OptionsBar::Fill => {
                self.fill_options(ui, called);
                self.combine_options(ui, called);
            }
        }
    }

    /// True where a tool has options that are seldom changed.
    fn has_rest(&self, options: OptionsBar) -> bool {
        matches!(options, OptionsBar::Brush | OptionsBar::Smudge) || self.workspace.tool.mirrors()
    }

    /// Those of [`Self::has_rest`].
    fn rest_of(&mut self, ui: &mut Ui, options: OptionsBar, called: &mut Option<Command>) {
        if matches!(options, OptionsBar::Brush | OptionsBar::Smudge) {
            self.stroke_options(ui, called);
        }
        if self.workspace.tool.mirrors() {
            self.symmetry_options(ui, called);
        }
    }

    fn stroke_options(&mut self, ui: &mut Ui, called: &mut Option<Command>) {
        let brush = self.brush_mut();
        let hint = tr("Steadies the hand: the brush follows at a distance and catches up when you let go");
        Number::share(of_brush(tr("Smoothing")), hint, &mut brush.smoothing, 0.0).ui(ui);
        together(ui, 2.0 * TOGGLE + 6.0, |ui| {
            self.toggle(ui, icons::ICON_STYLUS, Command::PressureSize, called);
            self.toggle(ui, icons::ICON_OPACITY, Command::PressureOpacity, called);
        });
    }

    /// Size, hardness and opacity of the brush in hand, with names of at least this width.
    pub(super) fn brush_sliders(&mut self, ui: &mut Ui, names: f32) {
        let smudges = self.workspace.tool.options() == OptionsBar::Smudge;
        let brush = self.brush_mut();
        let hint = tr("Change it with [ and ], or by dragging across the canvas with Shift or with Ctrl+Alt");
        let size = Number::new(of_brush(tr("Size")), hint, &mut brush.size, BrushSettings::SIZES);
        Number { logarithmic: true, names, ..size }.ui(ui);
        let hint = tr("Change it with Shift+[ and Shift+], or by dragging up and down with Shift or with Ctrl+Alt");
        let hardness = Number::share(of_brush(tr("Hardness")), hint, &mut brush.hardness, 0.0);
        Number { names, ..hardness }.ui(ui);
        let (name, hint) = if smudges {
            (tr("Strength"), tr("How far it carries what it picks up"))
        } else {
            (tr("Opacity"), tr("How strongly the region is laid down"))
        };
        let opacity = Number::share(of_brush(name), hint, &mut brush.opacity, 0.01);
        Number { names, ..opacity }.ui(ui);
    }

    /// The settings of the brush in hand.
    pub(super) fn brush_mut(&mut self) -> &mut BrushSettings {
        self.prefs.brush_of_mut(self.workspace.tool)
    }

    /// Buttons that are on or off belong to one another: no gap between them.
    fn combine_options(&mut self, ui: &mut Ui, called: &mut Option<Command>) {
        line(ui);
        for (text, command) in [
            (tr("Add"), Command::CombineAdd),
            (tr("Take away"), Command::CombineSubtract),
            (tr("Replace"), Command::CombineReplace),
        ] {
            self.option(ui, text, command, called);
        }
    }

    fn fill_options(&mut self, ui: &mut Ui, called: &mut Option<Command>) {
        for (text, command) in [(tr("By regions"), Command::FillByRegions), (tr("By picture"), Command::FillByPicture)]
        {
            self.option(ui, text, command, called);
        }
        if self.prefs.tools.fill_over == FillOver::Picture {
            let settings = &mut self.prefs.tools;
            let named = (tr("Tolerance"), tr("Tolerance").to_owned());
            let hint = tr("How different a colour may be and still be filled");
            Number::new(named, hint, &mut settings.tolerance, 0.0..=255.0).ui(ui);
        }
        self.toggle(ui, icons::ICON_LINK, Command::FillContiguous, called);
    }

    fn symmetry_options(&mut self, ui: &mut Ui, called: &mut Option<Command>) {
        together(ui, 2.0 * TOGGLE + 13.0, |ui| {
            line(ui);
            self.toggle(ui, icons::ICON_FLIP, Command::SymmetryX, called);
            self.toggle_turned(ui, icons::ICON_FLIP, std::f32::consts::FRAC_PI_2, Command::SymmetryY, called);
        });
    }

    /// A button that is an icon and on or off.
    fn toggle(&self, ui: &mut Ui, icon: MaterialIcon, command: Command, called: &mut Option<Command>) {
        self.toggle_turned(ui, icon, 0.0, command, called);
    }

    /// A button that is an icon, turned by an angle in radians, and on or off.
    fn toggle_turned(
        &self,
        ui: &mut Ui,
        icon: MaterialIcon,
        angle: f32,
        command: Command,
        called: &mut Option<Command>,
    ) {
        let t = theme::tokens(ui);
        let on = self.is_on(command);
        let colour = if on { t.text_strong } else { t.text_weak };
        let button = Button::new("").selected(on).frame_when_inactive(on);
        let response = ui
            .scope(|ui| {
                ui.spacing_mut().button_padding = vec2(3.0, 2.0);
                ui.add(button.min_size(vec2(TOGGLE, TOGGLE)))
            })
            .inner;
        let font = FontId::new(ICON, FontFamily::Name(egui_material_icons::FONT_FAMILY_OUTLINED.into()));
        let galley = ui.painter().layout_no_wrap(icon.codepoint.to_owned(), font, colour);
        let at = response.rect.center() - galley.size() * 0.5;
        let shape = TextShape::new(at, galley, colour).with_angle_and_anchor(angle, Align2::CENTER_CENTER);
        ui.painter().add(shape);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, on, command.label()));
        if response.on_hover_text(command.tooltip(ui)).clicked() {
            *called = Some(command);
        }
    }

    /// One of several choices, in a word.
    fn option(&self, ui: &mut Ui, text: &str, command: Command, called: &mut Option<Command>) {
        let t = theme::tokens(ui);
        let on = self.is_on(command);
        let text = RichText::new(text).color(if on { t.text_strong } else { t.text });
        let fill = if on { t.card_hover } else { t.panel };
        let button = Button::new(text).selected(on).frame_when_inactive(on).fill(fill);
        let response = ui.add(button);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, command.label()));
        if response.on_hover_text(command.tooltip(ui)).clicked() {
            *called = Some(command);
        }
    }
}

/// A setting's name, and what screen readers say.
fn of_brush(name: &str) -> (&str, String) {
    (name, fill("Brush {0}", &[&name.to_lowercase()]))
}

/// A thin line between groups.
fn line(ui: &mut Ui) {
    // (In a menu they stand below each other.)
    if ui.stack().contained_in(UiKind::Menu) || ui.stack().contained_in(UiKind::Popup) {
        return;
    }
    let t = theme::tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(1.0, 20.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 0.0, t.rail);
}

/// Keeps controls in one row of the bar: it breaks only before a group whose width is known beforehand.
fn together(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(vec2(width, TOGGLE), Layout::left_to_right(Align::Center), add);
}

/// A setting that is a number: its name, a slider, and the number itself to type or drag.
struct Number<'a> {
    name: &'static str,
    /// What screen readers say.
    said: String,
    hint: &'a str,
    value: &'a mut f32,
    range: RangeInclusive<f32>,
    logarithmic: bool,
    /// Shown in percent of one.
    percent: bool,
    /// The least width of its name in points.
    names: f32,
}

impl<'a> Number<'a> {
    fn new(
        (name, said): (&'static str, String),
        hint: &'a str,
        value: &'a mut f32,
        range: RangeInclusive<f32>,
    ) -> Self {
        Self { name, said, hint, value, range, logarithmic: false, percent: false, names: 0.0 }
    }

    /// A share of one, from `least` on.
    fn share(named: (&'static str, String), hint: &'a str, value: &'a mut f32, least: f32) -> Self {
        Self { percent: true, ..Self::new(named, hint, value, least..=1.0) }
    }

    /// Name, slider and number stay together where the bar has two rows.
    fn ui(self, ui: &mut Ui) {
        let Self { name, said, hint, value, range, logarithmic, percent, names } = self;
        let width = if percent { 44.0 } else { 34.0 };
        let t = theme::tokens(ui);
        let text = widgets::text_width(ui, name).max(names);
        let whole = text + ui.spacing().slider_width + width + 3.0 * ui.spacing().item_spacing.x;
        together(ui, whole, |ui| {
            ui.allocate_ui_with_layout(vec2(text, 20.0), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(text);
                let label = ui.add(Label::new(RichText::new(name).color(t.text_weak)).selectable(false));
                label.on_hover_text(hint);
            });
            if ui.spacing().slider_width > 0.0 {
                let slider = widgets::slider(value, range.clone());
                let slider = if logarithmic { slider.logarithmic() } else { slider };
                ui.add(slider).accessible_name(&said).on_hover_text(hint);
            }
            widgets::flat(ui);
            ui.spacing_mut().button_padding = vec2(2.0, 0.0);
            ui.spacing_mut().interact_size = vec2(width, 20.0);
            let mut number = DragValue::new(value).range(range).max_decimals(0).update_while_editing(false);
            if percent {
                number = number.speed(0.005).custom_formatter(|v, _| format!("{:.0} %", v * 100.0));
                number = number.custom_parser(widgets::share);
            }
            ui.add(number).accessible_name(fill("{0}: number", &[&said])).on_hover_text(hint);
        });
    }
}
