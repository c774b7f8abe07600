//! What a region's card asks for: the cards only draw and ask.

use crate::app::command::Command;
use crate::app::editor::{By, Field, Selected};
use crate::document::{Lora, Region, RegionId, Rgb, StartColour};
use egui::Modifiers;
use std::path::PathBuf;

/// A change of the LoRAs of a region or of the background.
pub(in crate::app) type LorasChange = Box<dyn FnOnce(&mut Vec<Lora>)>;

/// The changes that a card asks for.
pub(in crate::app) enum Wish {
    Select(Selected),
    /// Select it besides the others, or let go of it.
    SelectToo(RegionId),
    /// Select all from the open card to this one.
    SelectUpTo(RegionId),
    Run(Selected, Command),
    Recolour(RegionId, Rgb),
    Name(RegionId, String),
    Words(Selected, String),
    Negative(Selected, String),
    /// Whether nothing at all is left out, also not what the background leaves out.
    NoNegative(RegionId, bool),
    Bootstrap(RegionId, Option<f32>),
    StartColour(Selected, Option<StartColour>),
    PaintShare(f32),
    /// A change of its own LoRAs.
    Loras(Selected, Field, LorasChange),
    AddLora(Selected, PathBuf),
    /// A phrase to stand among its words.
    Write(Selected, String),
    /// A change of one of the rarer settings.
    Edit(RegionId, Field, Box<dyn FnOnce(&mut Region)>),
    /// A change of its mask by another region's.
    Mask(RegionId, RegionId, By),
    StepDone,
}

impl Wish {
    /// What a click on a card asks for, as in every list of layers.
    pub(super) fn of_click(card: Selected, modifiers: Modifiers) -> Self {
        match card {
            Selected::Region(id) if modifiers.command => Self::SelectToo(id),
            Selected::Region(id) if modifiers.shift => Self::SelectUpTo(id),
            _ => Self::Select(card),
        }
    }
}
