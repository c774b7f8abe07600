//! The division of the canvas's area.

use egui::{Pos2, pos2};

/// The division of the canvas's area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    /// The left half shows the canvas once more, so far to the left.
    pub shift: Option<(f32, f32)>,
    /// The place of the slider, 0 (left) to 1.
    pub slider: f32,
}

impl Default for Split {
    fn default() -> Self {
        Self { shift: None, slider: 0.5 }
    }
}

impl Split {
    /// A position of the screen as it would be in the part that the view belongs to.
    #[must_use]
    pub(super) fn in_view(&self, pos: Pos2) -> Pos2 {
        match self.shift {
            Some((middle, by)) if pos.x < middle => pos2(pos.x + by, pos.y),
            _ => pos,
        }
    }

    /// The second place at which a position of the view's part is shown.
    #[must_use]
    pub(super) fn echo(&self, pos: Pos2) -> Option<Pos2> {
        self.shift.map(|(_, by)| pos2(pos.x - by, pos.y))
    }
}
