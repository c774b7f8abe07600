//! The tools: each a small state machine that begins, goes on, and is committed or aborted.

use super::editor::{Editor, Selected};
use crate::document::{Mask, PixelRect, RegionId};
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

/// A point of a stroke, in canvas pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub x: f32,
    pub y: f32,
    /// 0 to 1; 1 where the device has none.
    pub pressure: f32,
}

/// A stroke in progress on one region's mask.
pub struct PaintStroke {
    region: RegionId,
    brush: BrushSettings,
    erase: bool,
    last: Option<Sample>,
}

impl PaintStroke {
    /// Begins a stroke on the selected region; `None` where the background is selected.
    #[must_use]
    pub fn begin(editor: &mut Editor, brush: BrushSettings, erase: bool, at: Sample) -> Option<Self> {
        let Selected::Region(region) = editor.selected() else { return None };
        editor.begin_stroke();
        let mut stroke = Self { region, brush, erase, last: None };
        stroke.extend(editor, at);
        Some(stroke)
    }

    /// Goes on to here.
    pub fn extend(&mut self, editor: &mut Editor, to: Sample) {
        let from = self.last.unwrap_or(to);
        self.last = Some(to);
        let (brush, erase) = (self.brush, self.erase);
        editor.paint(self.region, |mask| line(mask, brush, erase, from, to));
    }

    /// Keeps it.
    pub fn commit(self, editor: &mut Editor) {
        editor.end_stroke();
    }

    /// Takes it back.
    pub fn abort(self, editor: &mut Editor) {
        editor.abort_stroke();
    }
}

fn line(mask: &mut Mask, brush: BrushSettings, erase: bool, from: Sample, to: Sample) -> PixelRect {
    let length = (to.x - from.x).hypot(to.y - from.y);
    let steps = (length / (brush.size * 0.125).max(0.5)).ceil().max(1.0);
    let mut dirty = PixelRect::default();
    let mut i = 0.0;
    while i <= steps {
        let t = i / steps;
        let (x, y) = (from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t);
        dirty = dirty.union(dab(mask, brush, erase, x, y));
        i += 1.0;
    }
    dirty
}

fn dab(mask: &mut Mask, brush: BrushSettings, erase: bool, cx: f32, cy: f32) -> PixelRect {
    let radius = brush.size * 0.5;
    let edge = (radius * (1.0 - brush.hardness)).max(0.5);
    let (width, height) = (mask.width(), mask.height());
    let clamp = |v: f32, side: u32| v.clamp(0.0, side as f32) as u32;
    let (x0, x1) = (clamp(cx - radius - 1.0, width), clamp(cx + radius + 2.0, width));
    let (y0, y1) = (clamp(cy - radius - 1.0, height), clamp(cy + radius + 2.0, height));
    if x0 >= x1 || y0 >= y1 {
        return PixelRect::default();
    }
    let data = mask.data_mut();
    for y in y0..y1 {
        let row = &mut data[(y * width) as usize..][x0 as usize..x1 as usize];
        for (x, v) in (x0..x1).zip(row) {
            let d = (x as f32 + 0.5 - cx).hypot(y as f32 + 0.5 - cy);
            let cover = ((radius + 0.5 - d) / (edge + 0.5)).clamp(0.0, 1.0) * brush.opacity;
            let cover = (cover * 255.0).round() as u8;
            *v = if erase { (*v).min(255 - cover) } else { (*v).max(cover) };
        }
    }
    PixelRect { x: x0, y: y0, width: x1 - x0, height: y1 - y0 }
}
