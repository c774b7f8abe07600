//! Turning what regions cover by any angle.

use super::handle::Handle;
use super::{Action, Guides, Touch};
use crate::app::editor::{Editor, Moved, Way};
use crate::app::text::format::localised;
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::{Placement, Projective};
use egui::{Pos2, pos2, vec2};
use std::sync::Arc;

/// The knob's distance from the box, and how far outside a corner a press turns it, in units that a hand can tell apart
/// ([`Touch::slack`]).
const AHEAD: f32 = 7.0;
/// How near to the knob a press takes it, in the same units.
const REACH: f32 = 3.0;
/// Steps with Shift, in degrees.
const STEP: f32 = 15.0;

/// The position of the knob above a box, in canvas pixels.
#[must_use]
pub(crate) fn knob(frame: Placement, slack: f32) -> Pos2 {
    Handle { x: 0, y: -1 }.on(frame) - vec2(0.0, AHEAD * slack)
}

/// True where a press turns the box: at its knob, or a little outside one of its corners.
#[must_use]
pub(crate) fn turns(frame: Placement, at: Pos2, slack: f32) -> bool {
    if (knob(frame, slack) - at).length() <= REACH * slack {
        return true;
    }
    let corner = |x: i8, y: i8| {
        let by = at - Handle { x, y }.on(frame);
        let outside = by.x * f32::from(x) > 0.0 && by.y * f32::from(y) > 0.0;
        outside && by.length() <= AHEAD * slack
    };
    [(-1, -1), (1, -1), (1, 1), (-1, 1)].into_iter().any(|(x, y)| corner(x, y))
        && Handle::near(frame, at, 2.0 * slack) == Handle::WHOLE
}

/// The shapes of the selected regions being turned. The canvas shows them turned; the masks are changed once, at the end.
pub(crate) struct Turning {
    regions: Arc<[RegionId]>,
    /// The box of the whole shapes, also where they are beyond the canvas.
    bounds: Placement,
    from: Pos2,
    /// Degrees with the clock.
    degrees: f32,
}

impl Turning {
    /// Begins where a press turns the box around what is selected; `None` elsewhere.
    #[must_use]
    pub(crate) fn begin(editor: &mut Editor, at: Touch) -> Option<Self> {
        let (regions, bounds) = editor.selected_shapes().filter(|(_, bounds)| turns(*bounds, at.at, at.slack))?;
        // Nothing else changes the masks until this has ended.
        editor.begin_stroke(*regions.first()?, |_| ((), Vec::new()))?;
        Some(Self { regions, bounds, from: at.at, degrees: 0.0 })
    }

    fn map(&self) -> Projective {
        Projective::turn(self.bounds, self.degrees)
    }

    fn to_be_moved(&self) -> Moved {
        Moved { regions: Arc::clone(&self.regions), from: self.bounds, to: Way::Map(self.map()) }
    }

    fn end(&self, editor: &mut Editor) {
        if let Some(first) = self.regions.first() {
            editor.abort_stroke(*first, |_| Vec::new());
        }
    }
}

impl Action for Turning {
    /// Shift turns it in steps.
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        let (x, y) = self.bounds.middle();
        let middle = Pos2::new(x as f32, y as f32);
        let turned = ((to.at - middle).angle() - (self.from - middle).angle()).to_degrees();
        let turned = (turned + 180.0).rem_euclid(360.0) - 180.0;
        let step = if to.modifiers.shift { STEP } else { 0.1 };
        self.degrees = (turned / step).round() * step;
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        self.end(editor);
        if self.degrees != 0.0 {
            let area = u64::from(self.bounds.width) * u64::from(self.bounds.height);
            let label = if self.regions.len() == 1 { key("Rotate region") } else { key("Rotate regions") };
            editor.move_shapes(label, 16 * area, self.to_be_moved());
        }
    }

    fn abort(self: Box<Self>, editor: &mut Editor) {
        self.end(editor);
    }

    fn moved(&self) -> Option<Moved> {
        Some(self.to_be_moved())
    }

    fn guides(&self) -> Guides {
        let corners = self.map().of(self.bounds);
        let note = if self.degrees == 0.0 { String::new() } else { localised(&format!("{:+.1}°", self.degrees)) };
        let line = corners.iter().map(|(x, y)| pos2(*x as f32, *y as f32)).collect();
        Guides { line, closed: true, note, ..Guides::default() }
    }
}
