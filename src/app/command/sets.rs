//! The sets of keys: this program's own, which stand in the table of commands, and those that painters bring along from others.

use super::changed::changed;
use super::keys::{CTRL, CTRL_SHIFT, PLAIN, SHIFT, key, place};
use super::{Command, Keys};
use egui::Key;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::Cell;

/// A choice of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum KeySet {
    /// This program's own.
    #[default]
    Own,
    /// As in Krita 5.
    Krita,
    /// As in Photoshop. Digits are the brush's opacity.
    Photoshop,
}

/// Commands with other keys than their own.
type Changed = &'static [(Command, &'static [Keys])];

/// Krita's manual, "Shortcut settings", and its defaults.
const KRITA: Changed = &[
    (Command::ToolMove, &[key(PLAIN, Key::T), key(CTRL, Key::T)]),
    (Command::ToolPick, &[key(PLAIN, Key::P)]),
    (Command::BrushFainter, &[key(PLAIN, Key::I)]),
    (Command::BrushStronger, &[key(PLAIN, Key::O)]),
    (Command::AddRegion, &[key(PLAIN, Key::Insert)]),
    (Command::SelectAbove, &[key(PLAIN, Key::PageUp)]),
    (Command::SelectBelow, &[key(PLAIN, Key::PageDown)]),
    (Command::RaiseRegion, &[key(CTRL, Key::PageUp)]),
    (Command::LowerRegion, &[key(CTRL, Key::PageDown)]),
    (Command::NewerTake, &[key(SHIFT, Key::PageUp)]),
    (Command::OlderTake, &[key(SHIFT, Key::PageDown)]),
    (Command::ClearRegion, &[key(PLAIN, Key::Delete)]),
    (Command::DeleteRegion, &[key(SHIFT, Key::Delete)]),
    (Command::RemoveTake, &[]),
    (Command::InvertRegion, &[key(CTRL_SHIFT, Key::I)]),
    (Command::FillRegion, &[key(SHIFT, Key::Backspace)]),
    (Command::ZoomActual, &[key(PLAIN, Key::Num1)]),
    (Command::ZoomFit, &[key(PLAIN, Key::Num2), key(CTRL, Key::Num0)]),
    (Command::ViewBoth, &[]),
    (Command::ViewRegions, &[]),
    (Command::ViewPicture, &[]),
];

/// Adobe's page "Photoshop default keyboard shortcuts".
const PHOTOSHOP: Changed = &[
    (Command::ToolRectangle, &[key(PLAIN, Key::M)]),
    (Command::ToolEllipse, &[key(SHIFT, Key::M)]),
    (Command::ToolFill, &[key(PLAIN, Key::G)]),
    (Command::ToolGradient, &[key(SHIFT, Key::G)]),
    (Command::ToolMove, &[key(PLAIN, Key::V), key(CTRL, Key::T)]),
    (Command::MirrorView, &[]),
    (Command::ClearRegion, &[key(CTRL, Key::D)]),
    (Command::InvertRegion, &[key(CTRL_SHIFT, Key::I), key(CTRL, Key::I)]),
    (Command::FillRegion, &[key(SHIFT, Key::Backspace)]),
    (Command::HideLook, &[key(CTRL, Key::H)]),
    (Command::LockRegion, &[place(CTRL, Key::Slash)]),
    (Command::ViewBoth, &[]),
    (Command::ViewRegions, &[]),
    (Command::ViewPicture, &[]),
    (Command::RotateLeft, &[]),
    (Command::RotateRight, &[]),
    (Command::Straighten, &[]),
];

thread_local! {
    /// The keys of the window that this thread draws.
    static CURRENT: Cell<KeySet> = const { Cell::new(KeySet::Own) };
}

impl KeySet {
    /// Makes these the keys of this thread's window.
    pub(in crate::app) fn take(self) {
        CURRENT.set(self);
    }

    /// True where a digit is the brush's opacity.
    pub(in crate::app) fn has_opacity_digits(self) -> bool {
        self == Self::Photoshop
    }

    fn changed(self) -> Changed {
        match self {
            Self::Own => &[],
            Self::Krita => KRITA,
            Self::Photoshop => PHOTOSHOP,
        }
    }
}

impl Command {
    /// The keys that call it; the first is the one that menus show.
    #[must_use]
    pub fn keys(self) -> Cow<'static, [Keys]> {
        let of_set = CURRENT.get().changed();
        let own = of_set.iter().find(|(of, _)| *of == self).map_or_else(|| self.own_keys(), |(_, keys)| keys);
        changed(self, own).map_or(Cow::Borrowed(own), Cow::Owned)
    }

    /// The keys as the menu prints them, empty where it has none.
    #[must_use]
    pub fn keys_text(self, ctx: &egui::Context) -> String {
        self.keys().first().map(|k| k.text(ctx)).unwrap_or_default()
    }

    /// Label, keys and hint in one tooltip.
    #[must_use]
    pub fn tooltip(self, ctx: &egui::Context) -> String {
        let keys = self.keys_text(ctx);
        if keys.is_empty() {
            format!("{}\n{}", self.label(), self.hint())
        } else {
            format!("{} ({keys})\n{}", self.label(), self.hint())
        }
    }

    /// Takes its keys out of this frame's events; true where they were pressed. For what is open over the window, which has the keys.
    pub(in crate::app) fn is_called(self, ctx: &egui::Context) -> bool {
        ctx.input_mut(|input| {
            let before = input.events.len();
            input.events.retain(|event| !self.keys().iter().any(|keys| keys.match_event(event)));
            input.events.len() < before
        })
    }

    /// True where its keys also work while words are being typed.
    fn while_typing(self) -> bool {
        !matches!(self, Self::Undo | Self::Redo | Self::SelectAll)
            && self.keys().iter().any(|k| k.modifiers.command || k.key == Key::F1)
    }

    /// True where holding its keys down repeats it.
    fn repeats(self) -> bool {
        matches!(
            self,
            Self::Undo
                | Self::Redo
                | Self::BrushSmaller
                | Self::BrushLarger
                | Self::BrushSofter
                | Self::BrushFainter
                | Self::BrushStronger
                | Self::BrushHarder
                | Self::ZoomIn
                | Self::ZoomOut
                | Self::RotateLeft
                | Self::RotateRight
                | Self::PanLeft
                | Self::PanRight
                | Self::PanUp
                | Self::PanDown
        )
    }
}

/// Takes the commands called by keys out of this frame's events, in the order they were pressed.
///
/// While words are being typed only combinations with Ctrl are taken, so that `]` stays a letter. Escape is taken where
/// there is something to stop, and otherwise left to close what is open.
#[must_use]
pub(in crate::app) fn take_pressed(ctx: &egui::Context, something_to_stop: bool) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    let escape = something_to_stop && !egui::Popup::is_any_open(ctx);
    let mut called = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let found = Command::ALL
                .iter()
                .copied()
                .find(|c| (!typing || c.while_typing()) && c.keys().iter().any(|k| k.match_event(event)));
            let Some(command) = found else { return true };
            let egui::Event::Key { key, repeat, .. } = event else { return true };
            if *key == Key::Escape && !escape {
                return true;
            }
            if !*repeat || command.repeats() {
                called.push(command);
            }
            false
        });
    });
    called
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_have_the_same_keys_in_any_set() {
        for set in [KeySet::Own, KeySet::Krita, KeySet::Photoshop] {
            set.take();
            for (i, command) in Command::ALL.iter().enumerate() {
                for other in &Command::ALL[i + 1..] {
                    for keys in command.keys().iter() {
                        assert!(!other.keys().contains(keys), "{set:?}, {command:?} and {other:?}: {keys:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_set_names_each_command_once_and_only_for_other_keys() {
        for set in [KeySet::Krita, KeySet::Photoshop] {
            for (i, (command, keys)) in set.changed().iter().enumerate() {
                assert_ne!(*keys, command.own_keys(), "{set:?}, {command:?} has these keys anyway");
                let again = set.changed()[i + 1..].iter().any(|(other, _)| other == command);
                assert!(!again, "{set:?} names {command:?} twice");
            }
        }
    }
}
