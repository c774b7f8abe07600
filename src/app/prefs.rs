//! What the studio remembers of a person between sessions.

use super::BrushSettings;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const KEY: &str = "prefs";

/// Preferences, kept in eframe's storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefs {
    pub theme: egui::ThemePreference,
    pub brush: BrushSettings,
    /// Where files were last opened or saved.
    pub folder: Option<PathBuf>,
}

impl Default for Prefs {
    fn default() -> Self {
        // Pictures are judged best on neutral dark grey.
        Self { theme: egui::ThemePreference::Dark, brush: BrushSettings::default(), folder: None }
    }
}

impl Prefs {
    pub fn load(storage: Option<&dyn eframe::Storage>) -> Self {
        storage.and_then(|s| eframe::get_value(s, KEY)).unwrap_or_default()
    }

    pub fn save(&self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, KEY, self);
    }
}
