//! The tools: each a small state machine that begins, goes on, and is committed or aborted. They change the document through
//! [`Editor`] and know nothing of windows; what is drawn over the canvas meanwhile they tell as [`Guides`].

mod begin;
mod brush;
mod facts;
mod fill;
mod frame;
mod gradient;
mod handle;
mod lasso;
mod pressure;
mod settings;
mod shape;
mod snap;
mod transform;
mod turn;

pub(in crate::app) use begin::{Begun, InHand, is_barred, pick, pick_too, region_at};
pub(in crate::app) use facts::OptionsBar;
pub use fill::FillOver;
pub(in crate::app) use handle::Handle;
pub use pressure::PressureCurve;
pub use settings::{BrushSettings, ToolSettings};
pub(in crate::app) use turn::{knob, turns};

use crate::app::editor::{Editor, Moved};
use crate::paint::Placement;
use egui::{Modifiers, Pos2, Vec2};

/// The tools of the canvas.
#[expect(missing_docs, reason = "the usual tools by their usual names")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    #[default]
    Brush,
    Eraser,
    Smudge,
    Lasso,
    Rectangle,
    Ellipse,
    Fill,
    Gradient,
    Move,
    Frame,
    Pick,
    Hand,
    Zoom,
}

impl Tool {
    /// True for the tools that paint with the brush.
    #[must_use]
    pub fn paints(self) -> bool {
        matches!(self, Self::Brush | Self::Eraser | Self::Smudge)
    }

    /// True for the tools that can begin a region: the others need something that is there.
    pub(in crate::app) fn adds(self) -> bool {
        !matches!(self, Self::Eraser | Self::Smudge | Self::Move)
    }

    /// True for the tools whose work is mirrored over the axes of symmetry.
    #[must_use]
    pub fn mirrors(self) -> bool {
        self.paints() || matches!(self, Self::Lasso | Self::Rectangle | Self::Ellipse)
    }

    /// True for the tools that lay a shape on the region, which Alt takes away instead.
    #[must_use]
    pub fn shapes(self) -> bool {
        matches!(self, Self::Lasso | Self::Rectangle | Self::Ellipse | Self::Gradient)
    }
}

/// A sample of the pointer, as tools take it.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Touch {
    /// In canvas pixels.
    pub at: Pos2,
    /// 0 to 1; 1 where the device has none.
    pub pressure: f32,
    pub modifiers: Modifiers,
    /// The distance, in canvas pixels, that a hand cannot tell apart at this zoom.
    pub slack: f32,
}

/// The ways to go on when a button is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum After {
    /// The action is finished and is kept.
    Commit,
    /// The action goes on with the next press.
    Wait,
    /// A click: the region under it is selected.
    Pick,
    /// A click: the region under it is selected besides the others, or let go of.
    PickToo,
}

/// A tool at work, from a press of the button to its end.
pub(in crate::app) trait Action {
    /// The pointer is here now.
    fn extend(&mut self, editor: &mut Editor, to: Touch);

    /// The button is let go.
    fn release(&mut self, editor: &mut Editor, at: Touch) -> After {
        self.extend(editor, at);
        After::Commit
    }

    /// Keeps the change as an undo step.
    fn commit(self: Box<Self>, editor: &mut Editor);

    /// Takes the change back.
    fn abort(self: Box<Self>, editor: &mut Editor);

    /// The guides to draw over the canvas meanwhile.
    fn guides(&self) -> Guides;

    /// The start of the next straight line, when this is kept.
    fn end(&self) -> Option<Pos2> {
        None
    }

    /// True where it goes on over several presses, which letting go does not end.
    fn takes_presses(&self) -> bool {
        false
    }

    /// The next press, where it takes them.
    fn press(&mut self, _at: Touch) -> After {
        After::Commit
    }

    /// True while the next press is waited for.
    fn waits(&self) -> bool {
        false
    }

    /// Takes back what the last press added; true where nothing is left.
    fn take_one_back(&mut self) -> bool {
        false
    }

    /// Regions that are shown in another place until this is kept.
    fn moved(&self) -> Option<Moved> {
        None
    }

    /// True where the arrow keys move it.
    fn takes_arrows(&self) -> bool {
        false
    }

    /// Moved by an arrow key, in whole canvas pixels.
    fn nudge(&mut self, _by: Vec2, _modifiers: Modifiers) {}
}

/// Lines over the canvas, in canvas pixels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::app) struct Guides {
    /// The line of a shape, and whether it is closed.
    pub line: Vec<Pos2>,
    pub closed: bool,
    /// Points marked by a dot: corners, ends.
    pub dots: Vec<Pos2>,
    /// The box of what is moved, with its handles.
    pub frame: Option<Placement>,
    /// The knob by which that is turned.
    pub knob: Option<Pos2>,
    /// Lines that it lies on, from edge to edge.
    pub rules: Vec<[Pos2; 2]>,
    /// The note beside the pointer: a size, a distance.
    pub note: String,
}

/// About how many pixels a line goes around.
fn pixels_inside(points: &[(f32, f32)]) -> u64 {
    let side = |axis: fn(&(f32, f32)) -> f32| {
        let (low, high) =
            points.iter().map(axis).fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(v), high.max(v)));
        (high - low).max(0.0) as u64
    };
    side(|p| p.0).saturating_mul(side(|p| p.1))
}
