//! What one sets once, on one page: language, theme, size, keys, how regions look. Each is a command of the table as well.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::tr;
use egui::{Button, RichText, Ui};

/// The page.
pub(in crate::app) struct Preferences;

impl Dialog for Preferences {
    type Answer = Command;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Command> {
        let (mut run, mut done) = (None, false);
        let close = modal(ui, tr("Preferences"), 600.0, |ui| {
            let mut row = |ui: &mut Ui, name: &str, commands: &[Command]| {
                ui.horizontal_wrapped(|ui| {
                    widgets::row_label(ui, name, name);
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
            row(ui, tr("Interface"), &[Command::InterfaceSmaller, Command::InterfaceLarger]);
            row(ui, tr("Regions"), &[Command::LookTint, Command::LookOutline, Command::LookHatch, Command::LookHidden]);
            row(ui, tr("Canvas"), &[Command::Rulers]);
            row(ui, tr("Pen"), &[Command::PressureSize, Command::PressureOpacity]);
            buttons(ui, |ui| {
                done = main(ui, tr("Close"), true);
                for command in [Command::Shortcuts, Command::AddModels, Command::ResetStudio] {
                    if (view.is_enabled)(command) && other(ui, command.label()) {
                        run = Some(command);
                    }
                }
            });
        });
        match run {
            Some(command) => Outcome::Also(command),
            None => outcome(None, close || done),
        }
    }
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
