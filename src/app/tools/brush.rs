//! Brush and eraser.

use super::{Action, Guides, Touch};
use crate::app::editor::{Editor, Selected};
use crate::app::text::i18n::key;
use crate::document::{Mask, RegionId};
use crate::paint::{Brush, Sample, Space, Stabiliser, Stroke};
use egui::{Pos2, Vec2};

/// A stroke in progress on one region's mask, or on the paint layer.
pub(crate) struct PaintStroke {
    /// The strokes on the mask, or on each plane of the paint layer.
    strokes: Vec<(RegionId, Stroke)>,
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
    /// from there. `lag` is in canvas pixels.
    #[must_use]
    pub(crate) fn begin(
        editor: &mut Editor,
        brush: Brush,
        space: Space,
        lag: f32,
        line_from: Option<Pos2>,
        at: Touch,
    ) -> Option<Self> {
        let Selected::Region(region) = editor.selected() else { return None };
        let start = sample(line_from.unwrap_or(at.at), at.pressure);
        let inks = editor.inks(region);
        let begin = |(id, full)| {
            let stroke = editor.begin_stroke(id, |mask| Stroke::begin_towards(mask, brush, space, start, full))?;
            Some((id, stroke))
        };
        let strokes = inks.into_iter().map(begin).collect::<Option<_>>()?;
        let mut begun = Self {
            strokes,
            label: if brush.erase { key("Erase") } else { key("Paint") },
            steady: Stabiliser::begin(lag, sample(at.at, at.pressure)),
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
        for (id, stroke) in &mut self.strokes {
            editor.paint(*id, |mask| stroke.extend(mask, to));
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
        editor
            .end_stroke(self.label, strokes.map(|(id, stroke)| (id, |mask: &mut Mask| stroke.commit(mask))).collect());
    }

    fn abort(self: Box<Self>, editor: &mut Editor) {
        for (id, stroke) in self.strokes {
            editor.abort_stroke(id, |mask| stroke.abort(mask));
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
