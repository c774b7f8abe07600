//! The gradient: dragged from where the region is full to where it ends.

use super::{Action, After, Guides, Touch};
use crate::app::editor::Editor;
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::{Combine, gradient};
use egui::{Pos2, Vec2};

/// A gradient being dragged.
pub(super) struct Gradient {
    region: RegionId,
    combine: Combine,
    from: Pos2,
    to: Pos2,
    moved: bool,
    alt: bool,
}

impl Gradient {
    /// Begins where it is full. With Alt held it is taken away from the region.
    #[must_use]
    pub(super) fn begin(region: RegionId, combine: Combine, at: Touch) -> Self {
        let alt = at.modifiers.alt;
        let combine = if alt { Combine::Subtract } else { combine };
        Self { region, combine, from: at.at, to: at.at, moved: false, alt }
    }
}

impl Action for Gradient {
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        let mut by = to.at - self.from;
        self.moved |= by.length() > to.slack;
        if to.modifiers.shift {
            let eighth = std::f32::consts::FRAC_PI_4;
            let direction = Vec2::angled((by.angle() / eighth).round() * eighth);
            by = direction * by.dot(direction);
        }
        self.to = self.from + by;
    }

    fn release(&mut self, editor: &mut Editor, at: Touch) -> After {
        self.extend(editor, at);
        if self.alt && !self.moved { After::Pick } else { After::Commit }
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        if !self.moved {
            return;
        }
        let (from, to) = ((self.from.x, self.from.y), (self.to.x, self.to.y));
        let pixels = 2 * editor.area();
        editor.lay(self.region, key("Gradient"), self.combine, pixels, move |_, cover| gradient(cover, from, to));
    }

    fn abort(self: Box<Self>, _editor: &mut Editor) {}

    fn guides(&self) -> Guides {
        let by = self.to - self.from;
        let note = if self.moved { format!("{:.0} px", by.length()) } else { String::new() };
        Guides { line: vec![self.from, self.to], dots: vec![self.from, self.to], note, ..Guides::default() }
    }
}
