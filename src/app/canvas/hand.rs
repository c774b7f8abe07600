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
    /// The box around what is selected, and for which state of it that was found.
    bounds: Option<(Vec<MaskState>, Option<Placement>)>,
}

/// A mask, its count of changes, and where it lies in memory.
type MaskState = (RegionId, u64, usize);

impl Default for Hand {
    fn default() -> Self {
        Self { pressure: 1.0, modifiers: Modifiers::NONE, last: None, bounds: None }
    }
}

impl Hand {
    /// The box around what is selected, also beyond the canvas. It is looked for only when that has changed.
    pub(crate) fn bounds(&mut self, editor: &Editor) -> Option<Placement> {
        let state = editor
            .selected_masks()
            .into_iter()
            .filter_map(|id| Some((id, editor.mask_changes(id), Arc::as_ptr(editor.document().mask(id)?) as usize)));
        let state: Vec<MaskState> = state.collect();
        match &self.bounds {
            Some((of, bounds)) if *of == state => *bounds,
            _ => {
                let bounds = editor.selected_shapes().map(|(_, bounds)| bounds);
                self.bounds = Some((state, bounds));
                bounds
            }
        }
    }
}
