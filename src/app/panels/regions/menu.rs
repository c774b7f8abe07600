//! The menu of a region's card.

use crate::app::command::Command;
use crate::app::editor::{By, Editor, Selected};
use crate::app::kit::{theme, widgets};
use crate::app::panels::regions::wish::Wish;
use crate::app::text::i18n::tr;
use crate::app::text::names;
use crate::document::Region;
use egui::{Button, RichText, Ui};

/// What can be done with a region, under the button with three dots and the right button; `None` is a line between.
const MENU: [Option<Command>; 18] = [
    Some(Command::RerollRegion),
    Some(Command::AddOwnLora),
    None,
    Some(Command::SoloRegion),
    Some(Command::RenameRegion),
    Some(Command::DuplicateRegion),
    Some(Command::RaiseRegion),
    Some(Command::LowerRegion),
    None,
    Some(Command::FillRegion),
    Some(Command::ClearRegion),
    Some(Command::InvertRegion),
    Some(Command::FillFree),
    Some(Command::KeepSeen),
    Some(Command::FlipRegionX),
    Some(Command::FlipRegionY),
    None,
    Some(Command::DeleteRegion),
];

/// Its mask can be changed by those of the editor's other regions.
pub(super) fn entries(ui: &mut Ui, region: &Region, editor: &Editor, wishes: &mut Vec<Wish>) {
    widgets::entries(ui, |ui| list(ui, region, editor, wishes));
}

fn list(ui: &mut Ui, region: &Region, editor: &Editor, wishes: &mut Vec<Wish>) {
    let others = editor.document().regions.iter().rev().filter(|other| other.id != region.id);
    let others: Vec<_> = others.map(|other| (other.id, names::shown(&other.name))).collect();
    let key = Selected::Region(region.id);
    for entry in MENU {
        let Some(command) = entry else {
            ui.separator();
            continue;
        };
        let text = RichText::new(command.label());
        let text = if command == Command::DeleteRegion { text.color(theme::tokens(ui).error) } else { text };
        let button = Button::new(text).shortcut_text(command.keys_text(ui));
        if ui.add(button).on_hover_text(command.hint()).clicked() {
            wishes.push(Wish::Run(key, command));
        }
        if command == Command::KeepSeen && !others.is_empty() && !region.locked {
            for (by, label) in By::ALL {
                ui.menu_button(tr(label), |ui| {
                    for (other, name) in &others {
                        if ui.button(name).clicked() {
                            wishes.push(Wish::Select(key));
                            wishes.push(Wish::Mask(region.id, *other, by));
                        }
                    }
                });
            }
        }
    }
}
