//! Moving and scaling what regions cover, and moving its corners one by one.

use super::handle::{Handle, along};
use super::snap::Lines;
use super::{Action, After, Guides, Touch};
use crate::app::editor::{Editor, Moved, Way};
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::{Placement, Projective};
use egui::{Modifiers, Pos2, Vec2, pos2};
use std::sync::Arc;

/// The shapes of the selected regions being moved, scaled or distorted. The canvas shows them in their new places; the masks are
/// changed once, at the end.
pub(crate) struct Transform {
    regions: Arc<[RegionId]>,
    handle: Handle,
    from: Pos2,
    /// The box of the whole shapes, also where they are beyond the canvas.
    bounds: Placement,
    to: Way,
    lines: Lines,
    /// It was dragged onto lines, which are shown.
    snaps: bool,
    /// The pointer has gone farther than it does in a click.
    strayed: bool,
}

impl Transform {
    /// Begins at a handle of the box around what is selected; `None` where there is nothing to move.
    #[must_use]
    pub(crate) fn begin(editor: &mut Editor, at: Touch) -> Option<Self> {
        let (regions, bounds) = editor.selected_shapes()?;
        // Nothing else changes the masks until this has ended.
        editor.begin_stroke(*regions.first()?, |_| ((), Vec::new()))?;
        let handle = Handle::near(bounds, at.at, at.slack * 2.0);
        let lines = Lines::besides(editor, &regions);
        let to = Way::Box(bounds);
        Some(Self { regions, handle, from: at.at, bounds, to, lines, snaps: false, strayed: false })
    }

    /// True where the corner or the side that is held moves by itself: a side that slides along, for one that is pulled straight out
    /// scales.
    fn is_distorted(&self, by: Vec2, slack: f32) -> bool {
        match (self.handle.x, self.handle.y) {
            (0, 0) => false,
            (0, _) => by.x.abs() > slack,
            (_, 0) => by.y.abs() > slack,
            _ => true,
        }
    }

    /// The corner or the side that is held moved by itself. A quad that has no such map leaves the last one that had.
    fn distort(&mut self, by: Vec2) {
        let mut corners = self.bounds.corners();
        for (place, corner) in corners.iter_mut().zip(Handle::CORNERS) {
            if self.handle.holds(corner) {
                *place = (place.0 + f64::from(by.x), place.1 + f64::from(by.y));
            }
        }
        match Projective::corners(self.bounds, corners) {
            Some(map) if by != Vec2::ZERO => self.to = Way::Map(map),
            Some(_) => self.to = Way::Box(self.bounds),
            None => {}
        }
    }

    fn end(&self, editor: &mut Editor) {
        if let Some(first) = self.regions.first() {
            editor.abort_stroke(*first, |_| Vec::new());
        }
    }
}

impl Action for Transform {
    /// Ctrl leaves it free: of lines, and a corner or a side of the others.
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        self.strayed |= (to.at - self.from).length() > to.slack;
        self.snaps = !to.modifiers.command;
        let by = along(to.at - self.from, to.modifiers.shift);
        if to.modifiers.command && self.is_distorted(by, to.slack) {
            return self.distort(by);
        }
        let mut place = self.handle.dragged(self.bounds, self.from, to);
        if self.snaps {
            place = self.lines.snap(self.handle, self.bounds, place, to);
        }
        self.to = Way::Box(place);
    }

    /// A click with Shift or Ctrl selects what is under it as well.
    fn release(&mut self, editor: &mut Editor, at: Touch) -> After {
        self.extend(editor, at);
        let adds = at.modifiers.shift || at.modifiers.command;
        if adds && !self.strayed && self.handle == Handle::WHOLE { After::PickToo } else { After::Commit }
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        self.end(editor);
        let from = self.bounds;
        let area = |place: Placement| u64::from(place.width) * u64::from(place.height);
        let one = self.regions.len() == 1;
        let (label, pixels) = match self.to {
            Way::Box(to) if to == from => return,
            Way::Box(to) if (to.width, to.height) == (from.width, from.height) => {
                (if one { key("Move region") } else { key("Move regions") }, 2 * area(to))
            }
            Way::Box(to) => {
                (if one { key("Scale region") } else { key("Scale regions") }, 8 * area(to).max(area(from)))
            }
            Way::Map(_) if Handle::CORNERS.contains(&self.handle) => (key("Move a corner"), 16 * area(from)),
            Way::Map(_) => (key("Move a side"), 16 * area(from)),
        };
        editor.move_shapes(label, pixels, Moved { regions: self.regions, from, to: self.to });
    }

    fn abort(self: Box<Self>, editor: &mut Editor) {
        self.end(editor);
    }

    fn moved(&self) -> Option<Moved> {
        Some(Moved { regions: Arc::clone(&self.regions), from: self.bounds, to: self.to })
    }

    fn guides(&self) -> Guides {
        let start = self.bounds;
        let to = match self.to {
            Way::Box(to) => to,
            Way::Map(map) => {
                let corners = map.of(start).map(|(x, y)| pos2(x as f32, y as f32));
                return Guides { line: corners.to_vec(), closed: true, dots: corners.to_vec(), ..Guides::default() };
            }
        };
        let Placement { x, y, width, height } = to;
        let note = if to == start {
            String::new()
        } else if (width, height) == (start.width, start.height) {
            format!("{:+}, {:+}", x - start.x, y - start.y)
        } else {
            format!("{width} × {height}")
        };
        let rules = if self.snaps && to != start { self.lines.under(to) } else { Vec::new() };
        Guides { frame: Some(to), rules, note, ..Guides::default() }
    }

    fn takes_arrows(&self) -> bool {
        true
    }

    /// Moves it by arrow keys, in whole pixels; with Ctrl it becomes wider, narrower, taller or flatter.
    fn nudge(&mut self, direction: Vec2, modifiers: Modifiers) {
        self.snaps = false;
        let step = if modifiers.shift { 10.0 } else { 1.0 };
        let (dx, dy) = ((direction.x * step) as i32, (direction.y * step) as i32);
        let Way::Box(to) = &mut self.to else { return };
        if modifiers.command {
            to.width = to.width.saturating_add_signed(dx).max(1);
            to.height = to.height.saturating_add_signed(-dy).max(1);
        } else {
            to.x += dx;
            to.y += dy;
        }
    }
}
