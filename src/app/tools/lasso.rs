//! The lasso: drawn around by hand, or corner by corner.

use super::{Action, After, Guides, Touch, pixels_inside};
use crate::app::editor::Editor;
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::{Combine, Space, polygon};
use egui::Pos2;

/// A line around what is meant. A drag from the start goes around it by hand and closes when it is let go; a click begins a
/// polygon, whose corners further clicks add (and whose sides further drags draw by hand), until it is closed.
pub(crate) struct Lasso {
    region: RegionId,
    space: Space,
    combine: Combine,
    points: Vec<Pos2>,
    /// The number of points before each press, to take the last one back.
    corners: Vec<usize>,
    /// The pointer's position, while the next corner is being sought.
    pointer: Pos2,
    /// The button is down.
    drawing: bool,
    /// The press that is down has moved away from where it began.
    moved: bool,
    /// Alt was held when it began.
    alt: bool,
}

impl Lasso {
    /// Begins at a point. With Alt held it is taken away from the region.
    #[must_use]
    pub(crate) fn begin(region: RegionId, space: Space, combine: Combine, at: Touch) -> Self {
        let alt = at.modifiers.alt;
        Self {
            region,
            space,
            combine: if alt { Combine::Subtract } else { combine },
            points: vec![at.at],
            corners: vec![0],
            pointer: at.at,
            drawing: true,
            moved: false,
            alt,
        }
    }
}

impl Action for Lasso {
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        self.pointer = to.at;
        if self.drawing && (self.moved || self.points.last().is_some_and(|p| (to.at - *p).length() > to.slack)) {
            self.moved = true;
            // A quarter of what a hand can tell apart is close enough.
            if self.points.last().is_none_or(|p| (to.at - *p).length() > to.slack * 0.25) {
                self.points.push(to.at);
            }
        }
    }

    fn release(&mut self, editor: &mut Editor, at: Touch) -> After {
        self.extend(editor, at);
        self.drawing = false;
        match (self.corners.len(), self.moved) {
            (1, true) => After::Commit,
            (1, false) if self.alt && at.modifiers.alt => After::Pick,
            _ => After::Wait,
        }
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        let points: Vec<(f32, f32)> = self.points.iter().map(|p| (p.x, p.y)).collect();
        let (space, pixels) = (self.space, pixels_inside(&points));
        editor.lay(self.region, key("Lasso"), self.combine, pixels, move |_, cover| polygon(cover, &points, space));
    }

    fn abort(self: Box<Self>, _editor: &mut Editor) {}

    fn guides(&self) -> Guides {
        let mut line = self.points.clone();
        if !self.drawing {
            line.push(self.pointer);
        }
        let dots = self.corners.iter().filter_map(|at| self.points.get(*at)).copied();
        let polygon = self.corners.len() > 1 || !self.moved;
        Guides { line, closed: true, dots: if polygon { dots.collect() } else { Vec::new() }, ..Guides::default() }
    }

    fn takes_presses(&self) -> bool {
        true
    }

    /// Closes the line on its first point, or on the last one again, as a double click does.
    fn press(&mut self, at: Touch) -> After {
        let near = |p: Option<&Pos2>| p.is_some_and(|p| (*p - at.at).length() <= at.slack * 1.5);
        if near(self.points.last()) || (self.points.len() > 2 && near(self.points.first())) {
            return After::Commit;
        }
        self.corners.push(self.points.len());
        self.points.push(at.at);
        self.pointer = at.at;
        self.drawing = true;
        self.moved = false;
        After::Wait
    }

    fn waits(&self) -> bool {
        !self.drawing
    }

    fn take_one_back(&mut self) -> bool {
        if let Some(count) = self.corners.pop() {
            self.points.truncate(count);
        }
        self.points.is_empty()
    }
}
