//! The painter's hand: how hard it presses, which keys it holds, where its last stroke ended.

use crate::app::editor::Editor;
use crate::document::RegionId;
use crate::paint::Placement;
use egui::{Modifiers, Pos2};
use std::sync::Arc;

/// The state of pen and keys that tools need between events.
pub(crate) struct Hand {
    /// A pen's pressure, 0 to 1; 1 where there is none.
    pub pressure: f32,
    pub modifiers: Modifiers,
    /// The end of the last stroke, in canvas pixels: Shift draws a straight line from here.
    pub last: Option<Pos2>,
    /// The box of one mask, and for which state of it it was found: its count of changes, and where it lies in memory.
    bounds: Option<((RegionId, u64, usize), Option<Placement>)>,
}

impl Default for Hand {
    fn default() -> Self {
        Self { pressure: 1.0, modifiers: Modifiers::NONE, last: None, bounds: None }
    }
}

impl Hand {
    /// The box around what the selected mask covers, also beyond the canvas. It is looked for only when the mask has changed.
    pub(crate) fn bounds(&mut self, editor: &Editor) -> Option<Placement> {
        let (selected, mask) = editor.selected_mask()?;
        let state = (selected, editor.mask_changes(selected), Arc::as_ptr(mask) as usize);
        match self.bounds {
            Some((of, bounds)) if of == state => bounds,
            _ => {
                let (_, shape) = editor.selected_shape()?;
                let bounds = shape.extent();
                self.bounds = Some((state, bounds));
                bounds
            }
        }
    }
}
