//! Rectangle and ellipse: dragged from corner to corner.

use super::{Action, After, Guides, Touch, pixels_inside};
use crate::app::editor::Editor;
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::{Combine, Space, ellipse, polygon, rectangle};
use egui::{Pos2, Vec2};

/// The shapes that fit into the dragged box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rectangle,
    Ellipse,
}

/// A rectangle or ellipse being dragged.
pub(super) struct BoxShape {
    region: RegionId,
    kind: Kind,
    space: Space,
    combine: Combine,
    from: Pos2,
    corners: (Pos2, Pos2),
    /// Alt was held when it began, where it means taking away; only once it has been let go does it mean the centre.
    alt_is_down: bool,
    moved: bool,
}

impl BoxShape {
    /// Begins at a corner. With Alt held it is taken away from the region.
    #[must_use]
    pub(super) fn begin(region: RegionId, kind: Kind, space: Space, combine: Combine, at: Touch) -> Self {
        let alt = at.modifiers.alt;
        Self {
            region,
            kind,
            space,
            combine: if alt { Combine::Subtract } else { combine },
            from: at.at,
            corners: (at.at, at.at),
            alt_is_down: alt,
            moved: false,
        }
    }

    fn points(&self) -> Vec<(f32, f32)> {
        let (a, b) = ((self.corners.0.x, self.corners.0.y), (self.corners.1.x, self.corners.1.y));
        match self.kind {
            Kind::Rectangle => rectangle(a, b),
            Kind::Ellipse => ellipse(a, b),
        }
    }
}

impl Action for BoxShape {
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        self.alt_is_down &= to.modifiers.alt;
        self.moved |= (to.at - self.from).length() > to.slack;
        let mut by = to.at - self.from;
        if to.modifiers.shift {
            let side = by.abs().max_elem();
            by = Vec2::new(side.copysign(by.x), side.copysign(by.y));
        }
        let centred = to.modifiers.alt && !self.alt_is_down;
        self.corners = (if centred { self.from - by } else { self.from }, self.from + by);
    }

    fn release(&mut self, editor: &mut Editor, at: Touch) -> After {
        self.extend(editor, at);
        if self.alt_is_down && !self.moved { After::Pick } else { After::Commit }
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        if !self.moved {
            return;
        }
        let points = self.points();
        let (space, pixels) = (self.space, pixels_inside(&points));
        let label = match self.kind {
            Kind::Rectangle => key("Rectangle"),
            Kind::Ellipse => key("Ellipse"),
        };
        editor.lay(self.region, label, self.combine, pixels, move |_, cover| polygon(cover, &points, space));
    }

    fn abort(self: Box<Self>, _editor: &mut Editor) {}

    fn guides(&self) -> Guides {
        if !self.moved {
            return Guides::default();
        }
        let size = (self.corners.1 - self.corners.0).abs();
        Guides {
            line: self.points().into_iter().map(Pos2::from).collect(),
            closed: true,
            note: format!("{:.0} × {:.0}", size.x, size.y),
            ..Guides::default()
        }
    }
}
