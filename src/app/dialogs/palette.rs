//! Finds any command by what it does.

use super::{Dialog, Outcome, View, modal, outcome};
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::tr;
use egui::{Button, Event, Id, Key, Margin, RectAlign, RichText, ScrollArea, TextEdit, Ui};

/// Height of the list, whatever was found: a modal keeps the size that its content once had.
const HEIGHT: f32 = 320.0;

/// The text that is typed, and the chosen one of the commands found.
#[derive(Default)]
pub(in crate::app) struct Palette {
    typed: String,
    chosen: usize,
    opened: bool,
}

impl Dialog for Palette {
    type Answer = Command;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Command> {
        let t = theme::tokens(ui);
        let mut run = None;
        let steps = ui.input_mut(|i| steps(&mut i.events));
        let enter = ui.input(|i| i.key_pressed(Key::Enter));
        let close = modal(ui, tr("Find a command"), 420.0, |ui| {
            // The field has the keyboard all the time: egui's arrows would move it on, and Enter take it away.
            let field = Id::unique("what is typed to find a command");
            ui.memory_mut(|memory| memory.request_focus(field));
            let edit = TextEdit::singleline(&mut self.typed)
                .id(field)
                .hint_text(tr("What do you want to do?"))
                .desired_width(f32::INFINITY);
            let response =
                widgets::text(ui, edit.margin(Margin::symmetric(8, 6))).accessible_name(tr("Find a command"));
            let opened = std::mem::replace(&mut self.opened, true);
            if response.changed() {
                self.chosen = 0;
            }
            let found = found(&self.typed);
            self.chosen = self.chosen.saturating_add_signed(steps).min(found.len().saturating_sub(1));
            let mut list = ScrollArea::vertical().max_height(HEIGHT).min_scrolled_height(HEIGHT).auto_shrink(false);
            if response.changed() || !opened {
                list = list.vertical_scroll_offset(0.0);
            }
            list.show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                if found.is_empty() {
                    ui.label(RichText::new(tr("Nothing of that name.")).color(t.text_weak));
                }
                for (i, command) in found.iter().enumerate() {
                    // Quiet letters would be hard to read on the chosen row.
                    let colour = if i == self.chosen { t.text } else { t.text_weak };
                    let button = Button::new(command.full_label())
                        .shortcut_text(RichText::new(command.keys_text(ui)).color(colour))
                        .selected(i == self.chosen)
                        .frame_when_inactive(i == self.chosen)
                        .min_size(egui::vec2(ui.available_width(), theme::ROW));
                    let response = ui.add_enabled((view.is_enabled)(*command), button);
                    widgets::hint_beside(&response, RectAlign::RIGHT, command.hint());
                    if response.clicked() {
                        run = Some(*command);
                    }
                    if i == self.chosen && steps != 0 {
                        response.scroll_to_me(None);
                    }
                }
            });
            // (One that cannot be done now is grey, and says why.)
            if enter {
                run = found.get(self.chosen).copied();
            }
        });
        outcome(run, close)
    }
}

/// The steps down that arrows have made since the last letter (a slow frame may have many of both), which nobody else gets.
fn steps(events: &mut Vec<Event>) -> isize {
    let mut steps = 0;
    events.retain(|event| {
        let step = match event {
            Event::Key { key: Key::ArrowDown, pressed: true, modifiers, .. } if modifiers.is_none() => 1,
            Event::Key { key: Key::ArrowUp, pressed: true, modifiers, .. } if modifiers.is_none() => -1,
            Event::Text(_) | Event::Paste(_) => {
                steps = 0;
                return true;
            }
            _ => return true,
        };
        steps += step;
        false
    });
    steps
}

/// The commands that hold every typed word: in the name first, whole words before parts of words, then among the words of other
/// programs for it, then in the hint.
fn found(typed: &str) -> Vec<Command> {
    let typed = typed.to_lowercase();
    let typed: Vec<&str> = typed.split_whitespace().collect();
    let all = |text: &str| typed.iter().all(|word| text.contains(word));
    let whole = |text: &str| {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        typed.iter().all(|word| words.contains(word))
    };
    let rank = |command: Command| {
        let (name, hint) = (command.full_label().to_lowercase(), command.hint().to_lowercase());
        // In every language the English names are words for it, too: they are what is written about the program.
        let also = format!("{} {}", command.also(), command.english_label().to_lowercase());
        // (A word may be in the name, and the next in the hint.)
        let anywhere = all(&format!("{name} {also} {hint}"));
        anywhere.then(|| (!whole(&name), !all(&name), !whole(&also), !all(&also)))
    };
    let commands = Command::ALL.iter().copied().filter(|c| *c != Command::Palette);
    let mut found: Vec<_> = commands.filter_map(|command| Some((rank(command)?, command))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, command)| command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What people who come from Krita, Photoshop, Invoke or Procreate type, and what they must find among the first three.
    const TYPED: [(&str, Command); 70] = [
        ("rotate", Command::TurnRegionLeft),
        ("rotate 90", Command::TurnRegionRight),
        ("flip", Command::FlipRegionX),
        ("flip vertical", Command::FlipRegionY),
        ("inpaint", Command::PaintChange),
        ("outpaint", Command::CanvasSize),
        ("img2img", Command::PaintChange),
        ("denoise", Command::PaintChange),
        ("prompt", Command::EditWords),
        ("new layer", Command::AddRegion),
        ("duplicate layer", Command::DuplicateRegion),
        ("delete layer", Command::DeleteRegion),
        ("layer visibility", Command::ToggleRegion),
        ("isolate", Command::SoloRegion),
        ("deselect", Command::ClearRegion),
        ("select all", Command::FillRegion),
        ("inverse", Command::InvertRegion),
        ("crop", Command::CanvasSize),
        ("resize", Command::CanvasSize),
        ("resolution", Command::CanvasSize),
        ("transform", Command::ToolMove),
        ("scale", Command::ToolMove),
        ("feather", Command::SoftenRegion),
        ("expand", Command::GrowRegion),
        ("dilate", Command::GrowRegion),
        ("contract", Command::ShrinkRegion),
        ("erode", Command::ShrinkRegion),
        ("import image", Command::PlacePicture),
        ("render", Command::Generate),
        ("txt2img", Command::Generate),
        ("invoke", Command::Generate),
        ("batch", Command::Generate),
        ("interrupt", Command::Cancel),
        ("abort", Command::Cancel),
        ("variation", Command::NewSeed),
        ("random", Command::NewSeed),
        ("history", Command::Undo),
        ("preferences", Command::Preferences),
        ("fullscreen", Command::TogglePanels),
        ("full screen", Command::TogglePanels),
        ("reset view", Command::ZoomFit),
        ("font size", Command::InterfaceLarger),
        ("hotkeys", Command::Shortcuts),
        ("help", Command::Tour),
        ("tutorial", Command::Tour),
        ("bucket", Command::ToolFill),
        ("rubber", Command::ToolEraser),
        ("marquee", Command::ToolRectangle),
        ("circle", Command::ToolEllipse),
        ("polygon", Command::ToolLasso),
        ("eyedropper", Command::ToolPick),
        ("pan", Command::ToolHand),
        ("magic wand", Command::FillByPicture),
        ("stylus", Command::PressureSize),
        ("checkpoint", Command::Models),
        ("textual inversion", Command::Models),
        ("lycoris", Command::AddLora),
        ("before after", Command::CompareTakes),
        ("segmentation", Command::ImportMap),
        ("autosave", Command::Recover),
        ("negative", Command::EditWords),
        ("solo", Command::SoloRegion),
        ("color picker", Command::PaintColours),
        ("sampler", Command::Settings),
        ("cfg", Command::Settings),
        ("steps", Command::Settings),
        ("stabilizer", Command::ToolBrush),
        ("skew", Command::ToolMove),
        ("heal", Command::PaintChange),
        ("sharpen", Command::RefinePicture),
    ];

    #[test]
    fn arrows_count_from_the_last_letter_on_and_are_nobody_elses() {
        let key = |key| Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: egui::Modifiers::NONE,
        };
        let (down, up, letter) = (key(Key::ArrowDown), key(Key::ArrowUp), Event::Text("r".to_owned()));
        for (events, count) in [
            (vec![down.clone(), down.clone(), up.clone(), down.clone()], 2),
            (vec![up.clone(), up], -2),
            (vec![down.clone(), down.clone(), letter.clone()], 0),
            (vec![down.clone(), letter.clone(), down.clone(), down], 2),
            (vec![key(Key::Enter), letter], 0),
        ] {
            let others = events.iter().filter(|e| !matches!(e, Event::Key { key, .. } if *key != Key::Enter)).cloned();
            let others: Vec<Event> = others.collect();
            let mut events = events;
            assert_eq!((steps(&mut events), events), (count, others));
        }
    }

    #[test]
    fn the_words_of_other_programs_are_known() {
        for (typed, command) in TYPED {
            let found = found(typed);
            assert!(found.iter().take(3).any(|c| *c == command), "{typed}: {found:?}");
        }
    }

    #[test]
    fn words_of_other_programs_are_plain_and_told_once() {
        for command in Command::ALL {
            let words: Vec<&str> = command.also().split(' ').filter(|word| !word.is_empty()).collect();
            assert!(command.also().chars().all(|c| c.is_ascii() && !c.is_uppercase()), "{command:?}");
            for (at, word) in words.iter().enumerate() {
                assert!(!words[..at].contains(word), "{command:?}: {word}");
            }
        }
    }

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
