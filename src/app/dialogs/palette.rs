//! Finds any command by what it does.

use super::{Dialog, Next, modal};
use crate::app::App;
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::tr;
use egui::{Button, Key, Margin, RichText, ScrollArea, TextEdit, Ui};

/// The text that is typed, and the chosen one of the commands found.
#[derive(Default)]
pub(crate) struct PaletteForm {
    typed: String,
    chosen: usize,
    focused: bool,
}

impl App {
    pub(super) fn palette(&self, ui: &Ui, mut form: PaletteForm) -> Next {
        let t = theme::tokens(ui);
        let mut run = None;
        let up = ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, Key::ArrowUp));
        let down = ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, Key::ArrowDown));
        let enter = ui.input(|i| i.key_pressed(Key::Enter));
        let close = modal(ui, tr("Find a command"), 420.0, |ui| {
            let edit = TextEdit::singleline(&mut form.typed)
                .hint_text(tr("What do you want to do?"))
                .desired_width(f32::INFINITY);
            let response =
                widgets::text(ui, edit.margin(Margin::symmetric(8, 6))).accessible_name(tr("Find a command"));
            if !std::mem::replace(&mut form.focused, true) {
                response.request_focus();
            }
            if response.changed() {
                form.chosen = 0;
            }
            let found = found(&form.typed);
            let last = found.len().saturating_sub(1);
            if down {
                form.chosen = (form.chosen + 1).min(last);
            }
            if up {
                form.chosen = form.chosen.saturating_sub(1);
            }
            form.chosen = form.chosen.min(last);
            ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                if found.is_empty() {
                    ui.label(RichText::new(tr("Nothing of that name.")).color(t.text_weak));
                }
                for (i, command) in found.iter().enumerate() {
                    let button = Button::new(command.full_label())
                        .shortcut_text(command.keys_text(ui))
                        .selected(i == form.chosen)
                        .frame_when_inactive(i == form.chosen)
                        .min_size(egui::vec2(ui.available_width(), theme::ROW));
                    let response = ui.add_enabled(self.is_enabled(*command), button).on_hover_text(command.hint());
                    if response.clicked() {
                        run = Some(*command);
                    }
                    if i == form.chosen && (up || down) {
                        response.scroll_to_me(None);
                    }
                }
            });
            if enter {
                run = found.get(form.chosen).copied();
            }
        });
        match run {
            Some(command) => Next::Run(command),
            None if close => Next::Close,
            None => Next::Stay(Dialog::Palette(form)),
        }
    }
}

/// The commands that hold every typed word; those whose name does come first.
fn found(typed: &str) -> Vec<Command> {
    let typed = typed.to_lowercase();
    let all = |text: String| {
        let text = text.to_lowercase();
        typed.split_whitespace().all(|word| text.contains(word))
    };
    let mut found: Vec<Command> = Command::ALL
        .iter()
        .copied()
        .filter(|c| *c != Command::Palette)
        .filter(|c| all(format!("{} {}", c.full_label(), c.hint())))
        .collect();
    // Whole words of the name before parts of words, and those before words of the hint.
    let whole = |text: String| {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        typed.split_whitespace().all(|word| words.contains(&word))
    };
    found.sort_by_key(|c| (!whole(c.full_label()), !all(c.full_label())));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_first_by_its_name() {
        for command in Command::ALL.iter().copied().filter(|c| *c != Command::Palette) {
            let found = found(&command.full_label());
            assert!(found.contains(&command), "{command:?} in {found:?}");
        }
        assert_eq!(found("light").first(), Some(&Command::ThemeLight));
        assert_eq!(found("").len(), Command::ALL.len() - 1);
    }
}
