//! The painter's hand: how hard it presses, which keys it holds, where its last stroke ended.

use crate::app::editor::Editor;
use crate::document::{PixelRect, RegionId};
use egui::{Modifiers, Pos2};

/// What a tool has to know of the hand between events.
pub struct Hand {
    /// A pen's pressure, 0 to 1; 1 where there is none.
    pub pressure: f32,
    pub modifiers: Modifiers,
    /// Where the last stroke ended, in canvas pixels: Shift draws a straight line from here.
    pub last: Option<Pos2>,
    /// The box of one region's mask, and the change it was found at.
    bounds: Option<(RegionId, u64, PixelRect)>,
}

impl Default for Hand {
    fn default() -> Self {
        Self { pressure: 1.0, modifiers: Modifiers::NONE, last: None, bounds: None }
    }
}

impl Hand {
    /// The box around what the selected region covers. It is looked for only when the mask has changed.
    pub fn bounds(&mut self, editor: &Editor) -> Option<PixelRect> {
        let region = editor.selected_region()?;
        let change = editor.mask_changes(region.id);
        match self.bounds {
            Some((id, at, bounds)) if (id, at) == (region.id, change) => Some(bounds),
            _ => {
                let bounds = region.mask.bounds();
                self.bounds = Some((region.id, change, bounds));
                Some(bounds)
            }
        }
    }
}
