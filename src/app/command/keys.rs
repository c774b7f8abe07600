//! Combinations of keys.

use crate::app::text::i18n::{self, tr};
use egui::{Key, Modifiers};
use serde::{Deserialize, Serialize};

/// A combination of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The modifiers, exactly these.
    pub modifiers: Modifiers,
    /// The key itself.
    pub key: Key,
    /// Match the key by its place on the keyboard as well, whatever the layout prints on it.
    pub physical: bool,
}

pub(super) const CTRL: Modifiers = Modifiers::COMMAND;
pub(super) const SHIFT: Modifiers = Modifiers::SHIFT;
pub(super) const ALT: Modifiers = Modifiers::ALT;
pub(super) const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
pub(super) const CTRL_ALT: Modifiers = Modifiers::COMMAND.plus(Modifiers::ALT);
pub(super) const CTRL_ALT_SHIFT: Modifiers = CTRL_ALT.plus(Modifiers::SHIFT);
pub(super) const PLAIN: Modifiers = Modifiers::NONE;

pub(super) const fn key(modifiers: Modifiers, key: Key) -> Keys {
    Keys { modifiers, key, physical: false }
}

pub(super) const fn place(modifiers: Modifiers, key: Key) -> Keys {
    Keys { modifiers, key, physical: true }
}

/// Keys that are held with others, or switch something: egui tells of their presses, too.
const NO_KEYS_OF_THEIR_OWN: [Key; 12] = [
    Key::ShiftLeft,
    Key::ShiftRight,
    Key::ControlLeft,
    Key::ControlRight,
    Key::AltLeft,
    Key::AltRight,
    Key::SuperLeft,
    Key::SuperRight,
    Key::Fn,
    Key::CapsLock,
    Key::NumLock,
    Key::ScrollLock,
];

/// A key's name as keyboards of the window's language have it.
fn printed(name: &str) -> &str {
    const NAMES: [&str; 8] = [
        i18n::key("Ctrl"),
        i18n::key("Shift"),
        i18n::key("Delete"),
        i18n::key("Insert"),
        i18n::key("Backspace"),
        i18n::key("Space"),
        i18n::key("PageUp"),
        i18n::key("PageDown"),
    ];
    NAMES.iter().find(|known| **known == name).map_or(name, |known| tr(known))
}

impl Keys {
    /// As people write it: `Ctrl+Shift+S`.
    #[must_use]
    pub fn text(self, ctx: &egui::Context) -> String {
        let key = match self.key {
            Key::OpenBracket => "[",
            Key::CloseBracket => "]",
            Key::Plus => "+",
            Key::Equals => "=",
            Key::Minus => "-",
            Key::Slash => "/",
            Key::Comma => ",",
            Key::Backslash => "\\",
            Key::Escape => "Esc",
            Key::ArrowLeft => "←",
            Key::ArrowRight => "→",
            Key::ArrowUp => "↑",
            Key::ArrowDown => "↓",
            key => key.name(),
        };
        let modifiers = ctx.format_modifiers(self.modifiers);
        let names: Vec<&str> = modifiers.split('+').filter(|name| !name.is_empty()).chain([key]).map(printed).collect();
        names.join("+")
    }

    /// True where the same keys are pressed for both.
    pub(in crate::app) fn is_same(self, other: Self) -> bool {
        self.key == other.key && self.modifiers == other.modifiers
    }

    /// The combination that an event is a press of; none while a key is held down.
    pub(in crate::app) fn pressed(event: &egui::Event) -> Option<Self> {
        let egui::Event::Key { key, pressed: true, repeat: false, modifiers, .. } = *event else { return None };
        if NO_KEYS_OF_THEIR_OWN.contains(&key) {
            return None;
        }
        // As the table has them: Ctrl, or ⌘ on a Mac.
        let ctrl = if modifiers.command { CTRL } else { PLAIN };
        let plain = Modifiers { alt: modifiers.alt, shift: modifiers.shift, ..PLAIN };
        Some(Self { modifiers: ctrl.plus(plain), key, physical: false })
    }

    pub(super) fn match_event(self, event: &egui::Event) -> bool {
        let egui::Event::Key { key, physical_key, pressed: true, modifiers, .. } = event else {
            return false;
        };
        let same_key = *key == self.key || (self.physical && *physical_key == Some(self.key));
        same_key && modifiers.matches_exact(self.modifiers)
    }
}
