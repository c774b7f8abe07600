//! A person's choices, kept between sessions.

use crate::app::canvas::CanvasLook;
use crate::app::command::{ChangedKeys, KeySet};
use crate::app::generation::job::Batch;
use crate::app::text::i18n::Language;
use crate::app::tools::{BrushSettings, PressureCurve, Tool, ToolSettings};
use crate::document::Export;
use crate::studio::{Device, Dtype};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const KEY: &str = "prefs";

/// The sizes of the interface to choose from, in percent.
pub(in crate::app) const SIZES: [u16; 8] = [80, 90, 100, 110, 125, 150, 175, 200];

/// What draws pictures, as a person chose it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::app) enum DrawnOn {
    /// The fastest by measurement.
    #[default]
    Automatic,
    Processor,
    /// The processor, with products in 16 bits.
    ProcessorInF16,
    ProcessorInBf16,
    /// A graphics card, by its name: numbers change when cards are put in.
    Card(String),
}

impl DrawnOn {
    /// The device, among cards of these names; `None` where the card is not among them.
    pub(in crate::app) fn device<'a>(&self, mut cards: impl Iterator<Item = (&'a str, Device)>) -> Option<Device> {
        match self {
            Self::Automatic => Some(Device::Auto),
            Self::Processor => Some(Device::Cpu),
            // (On another machine than it was chosen on there may be no such instructions.)
            Self::ProcessorInF16 => Some(Device::Cpu.with_dtype(Dtype::F16).unwrap_or(Device::Cpu)),
            Self::ProcessorInBf16 => Some(Device::Cpu.with_dtype(Dtype::Bf16).unwrap_or(Device::Cpu)),
            Self::Card(name) => cards.find(|(other, _)| other == name).map(|(_, device)| device),
        }
    }
}

/// Preferences, kept in eframe's storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Prefs {
    pub theme: egui::ThemePreference,
    pub language: Language,
    pub keys: KeySet,
    /// Keys that a person gave to commands.
    pub changed_keys: ChangedKeys,
    pub brush: BrushSettings,
    /// The eraser has its own.
    pub eraser: BrushSettings,
    /// So has the smudge.
    pub smudge: BrushSettings,
    /// What a pen's pressure goes through.
    pub pressure: PressureCurve,
    pub tools: ToolSettings,
    /// The folder in which files were last opened or saved.
    pub folder: Option<PathBuf>,
    /// The folder that models are fetched into; none is this program's own.
    pub fetch_into: Option<PathBuf>,
    /// True where the rarer settings of regions are unfolded.
    pub more: bool,
    /// True where the rarer settings of the picture are.
    pub advanced: bool,
    /// True where the settings of the picture are; none lets the height of the window decide.
    pub settings: Option<bool>,
    /// Projects opened or saved, the last first.
    pub recent: Vec<PathBuf>,
    pub export: Export,
    /// The size of everything in the window, in percent.
    pub size: u16,
    /// True where the panels beside the canvas are put away.
    pub panels_away: bool,
    /// The look of the canvas.
    pub canvas: CanvasLook,
    /// The number of pictures that one press makes, and the choice of their seeds.
    pub batch: Batch,
    /// The denoising strength of refining.
    pub refining: f64,
    /// The device that draws.
    pub drawn_on: DrawnOn,
}

/// The strength of refining that a person has not chosen yet: shapes stay, what they are made of changes.
const REFINING: f64 = 0.5;

impl Default for Prefs {
    fn default() -> Self {
        // Pictures are judged best on neutral dark grey.
        let theme = egui::ThemePreference::Dark;
        Self {
            theme,
            language: Language::default(),
            keys: KeySet::default(),
            changed_keys: ChangedKeys::default(),
            brush: BrushSettings::default(),
            eraser: BrushSettings::default(),
            smudge: BrushSettings::SMUDGE,
            pressure: PressureCurve::default(),
            tools: ToolSettings::default(),
            folder: None,
            fetch_into: None,
            more: false,
            advanced: false,
            settings: None,
            recent: Vec::new(),
            export: Export::default(),
            size: 100,
            panels_away: false,
            canvas: CanvasLook::default(),
            batch: Batch::default(),
            refining: REFINING,
            drawn_on: DrawnOn::default(),
        }
    }
}

impl Prefs {
    /// Keeps a strength that was chosen for refining; all of it is no refining.
    pub(in crate::app) fn keep_refining(&mut self, strength: f64) {
        if strength < 1.0 {
            self.refining = strength;
        }
    }

    /// Makes the chosen keys those of this thread's window.
    pub(in crate::app) fn take_keys(&self) {
        self.keys.take();
        self.changed_keys.take();
    }

    /// The settings of the brush in hand: the eraser and the smudge have their own.
    #[must_use]
    pub(in crate::app) fn brush_of(&self, tool: Tool) -> BrushSettings {
        match tool {
            Tool::Eraser => self.eraser,
            Tool::Smudge => self.smudge,
            _ => self.brush,
        }
    }

    pub(in crate::app) fn brush_of_mut(&mut self, tool: Tool) -> &mut BrushSettings {
        match tool {
            Tool::Eraser => &mut self.eraser,
            Tool::Smudge => &mut self.smudge,
            _ => &mut self.brush,
        }
    }

    pub(in crate::app) fn load(storage: Option<&dyn eframe::Storage>) -> Self {
        storage.and_then(|s| eframe::get_value(s, KEY)).unwrap_or_default()
    }

    /// True where nothing was ever remembered.
    pub(in crate::app) fn is_first_run(storage: &dyn eframe::Storage) -> bool {
        storage.get_string(KEY).is_none()
    }

    pub(in crate::app) fn save(&self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, KEY, self);
    }
}
