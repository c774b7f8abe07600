//! What a pressed button does on the canvas until it is let go.

use crate::app::canvas::hand::Hand;
use crate::app::editor::{Editor, Moved};
use crate::app::tools::Action;
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
}

impl Gesture {
    /// The region that a tool moves at this moment.
    pub(super) fn moved(&self) -> Option<Moved> {
        match self {
            Self::Tool(action, _) => action.moved(),
            Self::Pan { then, .. } => match &**then {
                Self::Tool(action, _) => action.moved(),
                _ => None,
            },
            Self::Idle => None,
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
            Self::Idle => {}
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
