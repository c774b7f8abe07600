//! What a pressed button does on the canvas until it is let go.

use crate::app::canvas::hand::Hand;
use crate::app::editor::{Editor, Moved};
use crate::app::tools::{Action, BrushSettings, Touch};
use egui::{PointerButton, Pos2};

/// The gesture of a pressed button.
pub(super) enum Gesture {
    Idle,
    /// A tool at work; with this button, or by keys, or waiting for the next press.
    Tool(Box<dyn Action>, Option<PointerButton>),
    Pan {
        last: Pos2,
        button: PointerButton,
        /// The gesture that goes on afterwards.
        then: Box<Gesture>,
    },
    /// The brush follows the drag: across for its size, up and down for its edge.
    Resize(Resize),
}

/// A drag that changes the brush, on the screen in points.
pub(super) struct Resize {
    pub from: Pos2,
    /// The brush as it was.
    pub before: BrushSettings,
    /// The press, where it is a straight line unless it is dragged.
    pub line: Option<Touch>,
    /// It has gone farther than a click does.
    pub dragged: bool,
}

/// The way up or down, in points, before the edge of the brush follows: a hand does not go straight across.
const LEVEL: f32 = 16.0;
/// The way, in points, from the softest edge to the sharpest.
const HARDENS: f32 = 200.0;

impl Resize {
    /// The brush at this end of the drag, with so many points of the screen in a canvas pixel.
    pub(super) fn brush(&self, to: Pos2, zoom: f32) -> BrushSettings {
        let by = to - self.from;
        let (low, high) = BrushSettings::SIZES.into_inner();
        let upwards = -by.y.signum() * (by.y.abs() - LEVEL).max(0.0);
        BrushSettings {
            // Its edge stays under the pointer.
            size: (self.before.size + 2.0 * by.x / zoom).round().clamp(low, high),
            hardness: (self.before.hardness + upwards / HARDENS).clamp(0.0, 1.0),
            ..self.before
        }
    }
}

impl Gesture {
    /// The regions that a tool moves at this moment.
    pub(super) fn moved(&self) -> Option<Moved> {
        match self {
            Self::Tool(action, _) => action.moved(),
            Self::Pan { then, .. } => match &**then {
                Self::Tool(action, _) => action.moved(),
                _ => None,
            },
            Self::Idle | Self::Resize(_) => None,
        }
    }

    /// Keeps what is being done, as if the button were let go. A lasso that waits for its next corner goes on waiting.
    pub(super) fn finish(&mut self, hand: &mut Hand, editor: &mut Editor) {
        let waits = match self {
            Self::Tool(action, _) => action.waits(),
            _ => false,
        };
        if !waits {
            self.commit(hand, editor);
        }
    }

    /// Keeps what is being done.
    pub(super) fn commit(&mut self, hand: &mut Hand, editor: &mut Editor) {
        match std::mem::replace(self, Self::Idle) {
            Self::Tool(action, _) => {
                hand.last = action.end().or(hand.last);
                action.commit(editor);
            }
            Self::Pan { then, .. } => *self = *then,
            Self::Idle | Self::Resize(_) => {}
        }
    }

    /// Takes back what is being done.
    pub(super) fn abort(&mut self, editor: &mut Editor) {
        let mut gesture = std::mem::replace(self, Self::Idle);
        while let Self::Pan { then, .. } = gesture {
            gesture = *then;
        }
        if let Self::Tool(action, _) = gesture {
            action.abort(editor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_drag_across_changes_the_size_and_one_upwards_the_edge() {
        let before = BrushSettings { size: 40.0, hardness: 0.5, ..BrushSettings::default() };
        let resize = Resize { from: pos2(100.0, 100.0), before, line: None, dragged: true };
        let brush = |x, y, zoom| {
            let brush = resize.brush(pos2(x, y), zoom);
            (brush.size, (brush.hardness * 100.0).round())
        };
        assert_eq!(brush(110.0, 104.0, 1.0), (60.0, 50.0));
        assert_eq!(brush(110.0, 104.0, 2.0), (50.0, 50.0));
        assert_eq!(brush(0.0, 100.0, 1.0), (1.0, 50.0));
        assert_eq!(brush(100.0, 44.0, 1.0), (40.0, 70.0), "upwards is harder");
        assert_eq!(brush(100.0, 900.0, 1.0), (40.0, 0.0));
    }
}
