//! Turning what a region covers by any angle.

use super::handle::Handle;
use super::{Action, Guides, Touch};
use crate::app::editor::{Editor, Moved};
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::{Placement, Rotation};
use egui::{Pos2, vec2};

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

/// A region's shape being turned. The canvas shows it turned; the mask is changed once, at the end.
pub(crate) struct Turning {
    region: RegionId,
    /// The box of the whole shape, also where it is beyond the canvas.
    bounds: Placement,
    from: Pos2,
    /// Degrees with the clock.
    degrees: f32,
}

impl Turning {
    /// Begins where a press turns the selected mask's box; `None` elsewhere.
    #[must_use]
    pub(crate) fn begin(editor: &mut Editor, at: Touch) -> Option<Self> {
        let (region, shape) = editor.selected_shape()?;
        let bounds = shape.extent().filter(|bounds| turns(*bounds, at.at, at.slack))?;
        // Nothing else changes the mask until this has ended.
        editor.begin_stroke(region, |_| ((), Vec::new()))?;
        Some(Self { region, bounds, from: at.at, degrees: 0.0 })
    }

    fn to_be_moved(&self) -> Moved {
        Moved { region: self.region, from: self.bounds, to: self.bounds, degrees: self.degrees }
    }
}

impl Action for Turning {
    /// Shift turns it in steps.
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        let (x, y) = Rotation::of(self.bounds, 0.0).middle();
        let middle = Pos2::new(x as f32, y as f32);
        let turned = ((to.at - middle).angle() - (self.from - middle).angle()).to_degrees();
        let turned = (turned + 180.0).rem_euclid(360.0) - 180.0;
        let step = if to.modifiers.shift { STEP } else { 0.1 };
        self.degrees = (turned / step).round() * step;
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        editor.abort_stroke(self.region, |_| Vec::new());
        if self.degrees != 0.0 {
            let area = u64::from(self.bounds.width) * u64::from(self.bounds.height);
            editor.move_shape(key("Rotate region"), 16 * area, self.to_be_moved());
        }
    }

    fn abort(self: Box<Self>, editor: &mut Editor) {
        editor.abort_stroke(self.region, |_| Vec::new());
    }

    fn moved(&self) -> Option<Moved> {
        Some(self.to_be_moved())
    }

    fn guides(&self) -> Guides {
        let corners = Rotation::of(self.bounds, self.degrees).corners();
        let note = if self.degrees == 0.0 { String::new() } else { format!("{:+.1}°", self.degrees) };
        let line = corners.iter().map(|(x, y)| Pos2::new(*x as f32, *y as f32)).collect();
        Guides { line, closed: true, note, ..Guides::default() }
    }
}
