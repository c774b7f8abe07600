//! Keys that a person has given to commands, over those of the chosen set.

use super::{Command, Keys};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The keys of the commands that were given others, by the commands' names. A combination that was given to one is no other's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::app) struct ChangedKeys(BTreeMap<String, Vec<Keys>>);

thread_local! {
    /// Those of the window that this thread draws.
    static CURRENT: RefCell<ChangedKeys> = RefCell::default();
}

impl ChangedKeys {
    /// Makes these the ones of this thread's window.
    pub(in crate::app) fn take(&self) {
        CURRENT.set(self.clone());
    }

    /// Gives a command these keys alone, or none. Whichever command had them has them no more.
    pub(in crate::app) fn give(&mut self, command: Command, keys: Option<Keys>) {
        if let Some(keys) = keys {
            self.0.values_mut().for_each(|others| others.retain(|other| !other.is_same(keys)));
        }
        self.0.insert(name(command), keys.into_iter().collect());
    }

    /// The command's keys are those of the set again.
    pub(in crate::app) fn put_back(&mut self, command: Command) {
        self.0.remove(&name(command));
    }

    /// The keys that a command has, where the set gives it `own`; `None` where that is all of these.
    fn of(&self, command: Command, own: &[Keys]) -> Option<Vec<Keys>> {
        if self.0.is_empty() {
            return None;
        }
        if let Some(keys) = self.0.get(&name(command)) {
            return Some(keys.clone());
        }
        let given = |keys: &Keys| self.0.values().flatten().any(|given| given.is_same(*keys));
        own.iter().any(given).then(|| own.iter().copied().filter(|keys| !given(keys)).collect())
    }
}

/// A command's name in preferences.
fn name(command: Command) -> String {
    format!("{command:?}")
}

/// See [`ChangedKeys::of`]; of this thread's window.
pub(super) fn changed(command: Command, own: &[Keys]) -> Option<Vec<Keys>> {
    CURRENT.with_borrow(|current| current.of(command, own))
}

/// True where this thread's window has other keys for a command than the set.
pub(in crate::app) fn is_changed(command: Command) -> bool {
    CURRENT.with_borrow(|current| current.0.contains_key(&name(command)))
}

#[cfg(test)]
mod tests {
    use super::super::keys::{CTRL, PLAIN, key};
    use super::*;
    use egui::Key;

    const SAVE: Keys = key(CTRL, Key::S);
    const OTHER: Keys = key(PLAIN, Key::U);

    #[test]
    fn keys_are_given_taken_and_put_back() {
        let mut changed = ChangedKeys::default();
        assert_eq!(changed.of(Command::Save, &[SAVE]), None);
        changed.give(Command::TakeBoard, Some(SAVE));
        assert_eq!(changed.of(Command::TakeBoard, &[]), Some(vec![SAVE]));
        assert_eq!(changed.of(Command::Save, &[SAVE, OTHER]), Some(vec![OTHER]), "one has them");
        changed.give(Command::Undo, Some(SAVE));
        assert_eq!(changed.of(Command::TakeBoard, &[]), Some(vec![]), "the last one has them");
        changed.give(Command::Undo, None);
        assert_eq!(changed.of(Command::Save, &[SAVE]), None, "nobody else has them");
        changed.put_back(Command::Undo);
        changed.put_back(Command::TakeBoard);
        assert_eq!(changed, ChangedKeys::default());
    }

    #[test]
    fn they_are_kept_by_names_and_places() {
        let mut changed = ChangedKeys::default();
        changed.give(Command::TakeBoard, Some(SAVE));
        let text = serde_json::to_string(&changed).expect("text");
        assert!(text.contains("TakeBoard") && text.contains("\"S\""), "{text}");
        assert_eq!(serde_json::from_str::<ChangedKeys>(&text).expect("the same"), changed);
        // A command that there is no more costs nothing.
        let old = text.replace("TakeBoard", "Gone");
        let read: ChangedKeys = serde_json::from_str(&old).expect("is read");
        assert_eq!(read.of(Command::Undo, &[OTHER]), None);
    }
}
