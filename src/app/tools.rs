//! The tools: each a small state machine that begins, goes on, and is committed or aborted.

use super::editor::{Editor, Selected};
use super::texts::key;
use crate::document::RegionId;
use crate::paint::{Brush, Sample, Stroke};
use serde::{Deserialize, Serialize};

/// What the pointer does on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    #[default]
    Brush,
    Eraser,
    Hand,
    Zoom,
}

impl Tool {
    /// True for the tools that change masks.
    #[must_use]
    pub fn paints(self) -> bool {
        matches!(self, Self::Brush | Self::Eraser)
    }
}

/// How a stroke looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrushSettings {
    /// Diameter in canvas pixels.
    pub size: f32,
    /// 0 (soft) to 1 (sharp).
    pub hardness: f32,
    /// 0 to 1.
    pub opacity: f32,
}

impl Default for BrushSettings {
    fn default() -> Self {
        Self { size: 48.0, hardness: 0.8, opacity: 1.0 }
    }
}

impl BrushSettings {
    /// The smallest and the largest diameter.
    pub const SIZES: std::ops::RangeInclusive<f32> = 1.0..=1024.0;

    /// Makes the brush larger (1) or smaller (-1) by one step.
    pub fn step_size(&mut self, by: f32) {
        let step = if self.size < 10.0 { 1.0 } else { (self.size * 0.1).round() };
        self.size = (self.size + by * step).round().clamp(*Self::SIZES.start(), *Self::SIZES.end());
    }

    /// Makes the edge sharper (1) or softer (-1) by one step.
    pub fn step_hardness(&mut self, by: f32) {
        self.hardness = ((self.hardness * 10.0).round() / 10.0 + by * 0.1).clamp(0.0, 1.0);
    }
}

/// A stroke in progress on one region's mask.
pub struct PaintStroke {
    region: RegionId,
    stroke: Stroke,
    label: &'static str,
}

impl PaintStroke {
    /// Begins a stroke on the selected region; `None` where the background is selected.
    #[must_use]
    pub fn begin(editor: &mut Editor, settings: BrushSettings, erase: bool, at: Sample) -> Option<Self> {
        let Selected::Region(region) = editor.selected() else { return None };
        let BrushSettings { size, hardness, opacity } = settings;
        let brush = Brush { diameter: size, hardness, opacity, erase };
        let wrap = editor.document().settings.wrap;
        let stroke = editor.begin_stroke(region, |mask| Stroke::begin(mask, brush, wrap, at))?;
        Some(Self { region, stroke, label: if erase { key("Erase") } else { key("Paint") } })
    }

    /// Goes on to here.
    pub fn extend(&mut self, editor: &mut Editor, to: Sample) {
        let stroke = &mut self.stroke;
        editor.paint(self.region, |mask| stroke.extend(mask, to));
    }

    /// Keeps it.
    pub fn commit(self, editor: &mut Editor) {
        editor.end_stroke(self.region, self.label, |mask| self.stroke.commit(mask));
    }

    /// Takes it back.
    pub fn abort(self, editor: &mut Editor) {
        editor.abort_stroke(self.region, |mask| self.stroke.abort(mask));
    }
}
