//! What one sets once, on one page: language, theme, size, keys, how regions look, how a pen feels. All but the last are commands of the
//! table as well.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::prefs::SIZES;
use crate::app::text::i18n::{fill, tr};
use crate::app::tools::PressureCurve;
use egui::{Button, DragValue, Label, Pos2, RichText, Sense, Shape, Stroke, Ui, lerp, vec2};

/// The page.
pub(in crate::app) struct Preferences;

/// What is wanted.
pub(in crate::app) enum Preference {
    Run(Command),
    /// What a pen's pressure goes through.
    Pressure(PressureCurve),
    /// The size of the interface, in percent.
    Size(u16),
}

/// The sides of the picture of the curve.
const CURVE: f32 = 64.0;

impl Dialog for Preferences {
    type Answer = Preference;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Preference> {
        let (mut run, mut done) = (None, false);
        let (mut pressure, mut size) = (view.pressure, view.size);
        let close = modal(ui, tr("Preferences"), 600.0, |ui| {
            let mut row = |ui: &mut Ui, name: &str, commands: &[Command]| {
                choices(ui, name, name, |ui| {
                    for command in commands.iter().filter(|command| choice(ui, view, **command, name)) {
                        run = Some(*command);
                    }
                });
            };
            row(
                ui,
                tr("Language"),
                &[Command::LanguageSystem, Command::LanguageEnglish, Command::LanguageGerman, Command::LanguageChinese],
            );
            row(ui, tr("Theme"), &[Command::ThemeSystem, Command::ThemeDark, Command::ThemeLight]);
            row(ui, tr("Keys"), &[Command::KeysOwn, Command::KeysKrita, Command::KeysPhotoshop]);
            size_row(ui, &mut size);
            row(ui, tr("Regions"), &[Command::LookTint, Command::LookOutline, Command::LookHatch, Command::LookHidden]);
            row(ui, tr("Canvas"), &[Command::Rulers]);
            row(ui, tr("Pen"), &[Command::PressureSize, Command::PressureOpacity]);
            pressure_row(ui, &mut pressure);
            buttons(ui, |ui| {
                for command in [Command::ResetStudio, Command::AddModels, Command::Shortcuts] {
                    if (view.is_enabled)(command) && other(ui, command.label()) {
                        run = Some(command);
                    }
                }
                done = main(ui, tr("Close"), true);
            });
        });
        match run {
            Some(command) => Outcome::Also(Preference::Run(command)),
            None if size != view.size => Outcome::Also(Preference::Size(size)),
            None if pressure != view.pressure => Outcome::Also(Preference::Pressure(pressure)),
            None => outcome(None, close || done),
        }
    }
}

/// A name and what can be chosen, in lines below each other where there is no room for one.
fn choices(ui: &mut Ui, name: &str, hint: &str, add: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        widgets::row_label(ui, name, hint);
        ui.horizontal_wrapped(add);
    });
}

/// The sizes of the interface: each is a button, since a page that grows moves under the pointer.
fn size_row(ui: &mut Ui, size: &mut u16) {
    choices(ui, tr("Interface"), tr("Size of the interface"), |ui| {
        for percent in SIZES {
            let text = format!("{percent} %");
            let button = ui.add(Button::new(&text).selected(percent == *size));
            let name = format!("{}: {text}", tr("Size of the interface"));
            let on = percent == *size;
            button.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, &name));
            if button.clicked() {
                *size = percent;
            }
        }
    });
}

/// How hard a pen is to be pressed: a slider from soft to firm, the number, and a picture of what becomes of pressure.
fn pressure_row(ui: &mut Ui, pressure: &mut PressureCurve) {
    let t = theme::tokens(ui);
    let name = tr("Pen feel");
    let hint = tr("Soft: a light touch is enough. Firm: only pressing hard makes full strokes");
    ui.horizontal(|ui| {
        widgets::row_label(ui, name, hint);
        let end = |ui: &mut Ui, text| ui.add(Label::new(RichText::new(text).color(t.text_weak)).selectable(false));
        end(ui, tr("Soft"));
        // (With the words, the number and the curve beside it.)
        ui.spacing_mut().slider_width = (ui.available_width() - 200.0).clamp(48.0, 160.0);
        ui.add(widgets::slider(&mut pressure.firmness, -1.0..=1.0)).accessible_name(name).on_hover_text(hint);
        end(ui, tr("Firm"));
        let number = DragValue::new(&mut pressure.firmness).range(-1.0..=1.0).speed(0.005).update_while_editing(false);
        // (Nothing has no sign.)
        let written = |v: f64, _| if v.abs() < 0.005 { "0 %".to_owned() } else { format!("{:+.0} %", v * 100.0) };
        let number = number.custom_formatter(written);
        let number = number.custom_parser(widgets::share);
        ui.add(number).accessible_name(fill("{0}: number", &[&name])).on_hover_text(hint);
        ui.add_space(theme::GRID);
        curve(ui, *pressure);
    });
}

/// The pressure that tools see, upwards, over that of the pen, to the right.
fn curve(ui: &mut Ui, pressure: PressureCurve) {
    let t = theme::tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(CURVE, CURVE), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, theme::ROUND_SMALL, t.field);
    let inside = rect.shrink(4.0);
    painter.line_segment([inside.left_bottom(), inside.right_top()], Stroke::new(1.0, t.rail));
    let point = |told: f32| {
        let seen = pressure.of(told);
        Pos2::new(lerp(inside.left()..=inside.right(), told), lerp(inside.bottom()..=inside.top(), seen))
    };
    let points = (0..=32_u8).map(|at| point(f32::from(at) / 32.0)).collect();
    painter.add(Shape::line(points, Stroke::new(1.5, t.accent)));
}

/// One of several choices, or a switch; true where it was pressed.
fn choice(ui: &mut Ui, view: &View<'_>, command: Command, of: &str) -> bool {
    let t = theme::tokens(ui);
    let on = (view.is_on)(command);
    let text = RichText::new(command.label()).color(if on { t.text_strong } else { t.text });
    let response = ui.add(Button::new(text).selected(on));
    let name = format!("{of}: {}", command.label());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, &name));
    response.on_hover_text(command.hint()).clicked()
}
