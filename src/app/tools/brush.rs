//! Brush, eraser and smudge.

use super::{Action, Guides, Touch};
use crate::app::editor::{Editor, Selected};
use crate::app::text::i18n::key;
use crate::document::{Mask, MaskDelta, PixelRect, RegionId};
use crate::paint::{Brush, Sample, Smudge, Space, Stabiliser, Stroke};
use egui::{Pos2, Vec2};

/// What a stroke is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tip {
    pub brush: Brush,
    /// It drags along what is there instead of painting.
    pub smudges: bool,
    pub space: Space,
    /// The distance that it stays behind the pointer, in canvas pixels.
    pub lag: f32,
}

/// What a tip leaves on one mask.
enum Trace {
    Paint(Stroke),
    Smudge(Smudge),
}

/// A stroke in progress on one region's mask, or on the paint layer.
pub(crate) struct PaintStroke {
    /// The strokes on the mask, or on each plane of the paint layer.
    strokes: Vec<(RegionId, Trace)>,
    label: &'static str,
    steady: Stabiliser,
    /// The position of the press, and the direction Shift holds the stroke to once that is known.
    straight: Straight,
    /// The last position of the brush.
    last: Pos2,
}

#[derive(Clone, Copy)]
struct Straight {
    from: Pos2,
    direction: Option<Vec2>,
}

impl PaintStroke {
    /// Begins a stroke on the selected region; `None` where the background is selected. With `line_from` it comes straight
    /// from there.
    #[must_use]
    pub(super) fn begin(editor: &mut Editor, tip: Tip, line_from: Option<Pos2>, at: Touch) -> Option<Self> {
        let Selected::Region(region) = editor.selected() else { return None };
        let start = sample(line_from.unwrap_or(at.at), at.pressure);
        let inks = editor.inks(region);
        let begin = |(id, full)| Some((id, editor.begin_stroke(id, |mask| Trace::begin(mask, tip, start, full))?));
        let strokes = inks.into_iter().map(begin).collect::<Option<_>>()?;
        let label = match (tip.smudges, tip.brush.erase) {
            (true, _) => key("Smudge"),
            (false, true) => key("Erase"),
            (false, false) => key("Paint"),
        };
        let mut begun = Self {
            strokes,
            label,
            steady: Stabiliser::begin(tip.lag, sample(at.at, at.pressure)),
            straight: Straight { from: at.at, direction: None },
            last: at.at,
        };
        if line_from.is_some() {
            begun.paint(editor, sample(at.at, at.pressure));
        }
        Some(begun)
    }

    fn paint(&mut self, editor: &mut Editor, to: Sample) {
        self.last = Pos2::new(to.x, to.y);
        for (id, trace) in &mut self.strokes {
            editor.paint(*id, |mask| trace.extend(mask, to));
        }
    }
}

impl Trace {
    /// The beginning of a stroke that leaves the byte `full` where it paints, and the rectangles that changed.
    fn begin(mask: &mut Mask, tip: Tip, at: Sample, full: u8) -> (Self, Vec<PixelRect>) {
        if tip.smudges {
            return (Self::Smudge(Smudge::begin(mask, tip.brush, tip.space, at)), Vec::new());
        }
        let (stroke, rects) = Stroke::begin_towards(mask, tip.brush, tip.space, at, full);
        (Self::Paint(stroke), rects)
    }

    fn extend(&mut self, mask: &mut Mask, to: Sample) -> Vec<PixelRect> {
        match self {
            Self::Paint(stroke) => stroke.extend(mask, to),
            Self::Smudge(smudge) => smudge.extend(mask, to),
        }
    }

    fn commit(self, mask: &mut Mask) -> MaskDelta {
        match self {
            Self::Paint(stroke) => stroke.commit(mask),
            Self::Smudge(smudge) => smudge.commit(mask),
        }
    }

    fn abort(self, mask: &mut Mask) -> Vec<PixelRect> {
        match self {
            Self::Paint(stroke) => stroke.abort(mask),
            Self::Smudge(smudge) => smudge.abort(mask),
        }
    }
}

impl Action for PaintStroke {
    fn extend(&mut self, editor: &mut Editor, to: Touch) {
        let Some(at) = self.straight.held(to) else { return };
        for sample in self.steady.extend(sample(at, to.pressure)) {
            self.paint(editor, sample);
        }
    }

    fn commit(mut self: Box<Self>, editor: &mut Editor) {
        if let Some(end) = self.steady.clone().finish() {
            self.paint(editor, end);
        }
        let strokes = self.strokes.into_iter();
        editor.end_stroke(self.label, strokes.map(|(id, trace)| (id, |mask: &mut Mask| trace.commit(mask))).collect());
    }

    fn abort(self: Box<Self>, editor: &mut Editor) {
        for (id, trace) in self.strokes {
            editor.abort_stroke(id, |mask| trace.abort(mask));
        }
    }

    fn guides(&self) -> Guides {
        Guides::default()
    }

    fn end(&self) -> Option<Pos2> {
        Some(self.steady.clone().finish().map_or(self.last, |s| Pos2::new(s.x, s.y)))
    }
}

impl Straight {
    /// The position that the brush may go to: anywhere, or with Shift along one of eight directions; `None` until that is
    /// known.
    fn held(&mut self, to: Touch) -> Option<Pos2> {
        if !to.modifiers.shift {
            *self = Self { from: to.at, direction: None };
            return Some(to.at);
        }
        let by = to.at - self.from;
        if self.direction.is_none() && by.length() > to.slack {
            let eighth = std::f32::consts::FRAC_PI_4;
            self.direction = Some(Vec2::angled((by.angle() / eighth).round() * eighth));
        }
        self.direction.map(|direction| self.from + direction * by.dot(direction))
    }
}

fn sample(at: Pos2, pressure: f32) -> Sample {
    Sample { x: at.x, y: at.y, pressure }
}
