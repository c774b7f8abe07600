//! The generation frame: dragged anew from corner to corner, or moved and changed by its handles.

use super::handle::Handle;
use super::snap::Lines;
use super::{Action, Guides, Touch};
use crate::app::editor::Editor;
use crate::document::PixelRect;
use crate::paint::Placement;
use egui::Pos2;

/// The frame being dragged.
pub(super) struct FrameDrag {
    /// The part of the frame that is held; none for a new one.
    handle: Option<Handle>,
    from: Pos2,
    /// The frame as it was, or a pixel where a new one begins.
    start: Placement,
    to: Placement,
    lines: Lines,
    canvas: (u32, u32),
    moved: bool,
}

impl FrameDrag {
    pub(super) fn begin(editor: &Editor, at: Touch) -> Self {
        let (x, y) = (at.at.x.floor() as i32, at.at.y.floor() as i32);
        let new = (None, Placement { x, y, width: 1, height: 1 });
        let frame = editor.frame().map(Placement::from);
        let (handle, start) =
            frame.and_then(|frame| Some((Some(Handle::of(frame, at.at, 2.0 * at.slack)?), frame))).unwrap_or(new);
        let document = editor.document();
        let canvas = (document.width, document.height);
        Self { handle, from: at.at, start, to: start, lines: Lines::besides(editor, &[]), canvas, moved: false }
    }
}

impl Action for FrameDrag {
    /// Ctrl leaves it free of lines; Shift keeps its sides equal, or its proportions.
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        self.moved |= (to.at - self.from).length() > to.slack;
        let by = to.at - self.from;
        let corner = Handle { x: if by.x < 0.0 { -1 } else { 1 }, y: if by.y < 0.0 { -1 } else { 1 } };
        let handle = self.handle.unwrap_or(corner);
        self.to = handle.dragged(self.start, self.from, to);
        if !to.modifiers.command {
            self.to = self.lines.snap(handle, self.start, self.to, to);
        }
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        if self.moved {
            editor.set_frame(Some(inside(self.to, self.canvas)));
        }
    }

    fn abort(self: Box<Self>, _editor: &mut Editor) {}

    fn guides(&self) -> Guides {
        if !self.moved {
            return Guides::default();
        }
        let note = format!("{} × {}", self.to.width, self.to.height);
        Guides { frame: Some(self.to), rules: self.lines.under(self.to), note, ..Guides::default() }
    }
}

/// What of a box lies on a canvas of this size. One that is moved over its edge is cut there.
fn inside(place: Placement, (width, height): (u32, u32)) -> PixelRect {
    let axis = |low: i32, length: u32, side: u32| {
        let from = i64::from(low).clamp(0, i64::from(side));
        let to = (i64::from(low) + i64::from(length)).clamp(from, i64::from(side));
        (from as u32, (to - from) as u32)
    };
    let ((x, width), (y, height)) = (axis(place.x, place.width, width), axis(place.y, place.height, height));
    PixelRect { x, y, width, height }
}
