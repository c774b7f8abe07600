//! Moving and scaling what a region covers.

use super::handle::Handle;
use super::snap::Lines;
use super::{Action, Guides, Touch};
use crate::app::editor::{Editor, Moved};
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::Placement;
use egui::{Modifiers, Pos2, Vec2};

/// A region's shape being moved or scaled. The canvas shows it in its new place; the mask is changed once, at the end.
pub(crate) struct Transform {
    region: RegionId,
    handle: Handle,
    from: Pos2,
    /// The box of the whole shape, also where it is beyond the canvas.
    bounds: Placement,
    to: Placement,
    lines: Lines,
    /// It was dragged onto lines, which are shown.
    snaps: bool,
}

impl Transform {
    /// Begins at a handle of the selected mask's box; `None` where there is nothing to move.
    #[must_use]
    pub(crate) fn begin(editor: &mut Editor, at: Touch) -> Option<Self> {
        let (id, shape) = editor.selected_shape()?;
        let frame = shape.extent()?;
        // Nothing else changes the mask until this has ended.
        editor.begin_stroke(id, |_| ((), Vec::new()))?;
        let handle = Handle::near(frame, at.at, at.slack * 2.0);
        let lines = Lines::besides(editor, Some(id));
        Some(Self { region: id, handle, from: at.at, bounds: frame, to: frame, lines, snaps: false })
    }
}

impl Action for Transform {
    /// Ctrl leaves it free.
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        self.snaps = !to.modifiers.command;
        self.to = self.handle.dragged(self.bounds, self.from, to);
        if self.snaps {
            self.to = self.lines.snap(self.handle, self.bounds, self.to, to);
        }
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        let Self { region, bounds, to, .. } = *self;
        editor.abort_stroke(region, |_| Vec::new());
        if to == bounds {
            return;
        }
        let area = |place: Placement| u64::from(place.width) * u64::from(place.height);
        let (label, pixels) = if (to.width, to.height) == (bounds.width, bounds.height) {
            (key("Move region"), 2 * area(to))
        } else {
            (key("Scale region"), 8 * area(to).max(area(bounds)))
        };
        editor.move_shape(label, pixels, Moved { region, from: bounds, to, degrees: 0.0 });
    }

    fn abort(self: Box<Self>, editor: &mut Editor) {
        editor.abort_stroke(self.region, |_| Vec::new());
    }

    fn moved(&self) -> Option<Moved> {
        Some(Moved { region: self.region, from: self.bounds, to: self.to, degrees: 0.0 })
    }

    fn guides(&self) -> Guides {
        let Placement { x, y, width, height } = self.to;
        let start = self.bounds;
        let note = if self.to == start {
            String::new()
        } else if (width, height) == (start.width, start.height) {
            format!("{:+}, {:+}", x - start.x, y - start.y)
        } else {
            format!("{width} × {height}")
        };
        let rules = if self.snaps && self.to != start { self.lines.under(self.to) } else { Vec::new() };
        Guides { frame: Some(self.to), rules, note, ..Guides::default() }
    }

    fn takes_arrows(&self) -> bool {
        true
    }

    /// Moves it by arrow keys, in whole pixels; with Ctrl it becomes wider, narrower, taller or flatter.
    fn nudge(&mut self, direction: Vec2, modifiers: Modifiers) {
        self.snaps = false;
        let step = if modifiers.shift { 10.0 } else { 1.0 };
        let (dx, dy) = ((direction.x * step) as i32, (direction.y * step) as i32);
        if modifiers.command {
            self.to.width = self.to.width.saturating_add_signed(dx).max(1);
            self.to.height = self.to.height.saturating_add_signed(-dy).max(1);
        } else {
            self.to.x += dx;
            self.to.y += dy;
        }
    }
}
