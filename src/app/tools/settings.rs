//! The settings of the tools.

use super::FillOver;
use crate::document::Wrap;
use crate::paint::{Brush, Combine, Space, Symmetry};
use serde::{Deserialize, Serialize};

/// The settings of a brush.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrushSettings {
    /// Diameter in canvas pixels.
    pub size: f32,
    /// 0 (soft) to 1 (sharp).
    pub hardness: f32,
    /// 0 to 1; of a smudge, how far it carries what it picks up.
    pub opacity: f32,
    /// 0 (the pointer itself) to 1 (very steady).
    pub smoothing: f32,
    /// A pen's pressure changes the size.
    pub pressure_size: bool,
    /// A pen's pressure changes the opacity.
    pub pressure_opacity: bool,
}

impl Default for BrushSettings {
    fn default() -> Self {
        Self::BRUSH
    }
}

/// The distance that the brush stays behind the pointer at full smoothing, in points of the screen.
const LONGEST_LAG: f32 = 120.0;

impl BrushSettings {
    const BRUSH: Self =
        Self { size: 48.0, hardness: 0.8, opacity: 1.0, smoothing: 0.0, pressure_size: true, pressure_opacity: false };

    /// Those of the smudge at first: softer, and it carries what it picks up for about one and a half of its widths.
    pub(in crate::app) const SMUDGE: Self = Self { hardness: 0.4, opacity: 0.6, ..Self::BRUSH };

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

    /// Makes the stroke stronger (1) or fainter (-1) by one step.
    pub fn step_opacity(&mut self, by: f32) {
        self.opacity = ((self.opacity * 10.0).round() / 10.0 + by * 0.1).clamp(0.1, 1.0);
    }

    /// The distance that the brush stays behind the pointer, in points of the screen. Small settings get the finer steps.
    #[must_use]
    pub fn lag(&self) -> f32 {
        self.smoothing * self.smoothing * LONGEST_LAG
    }

    /// The brush or eraser it makes.
    #[must_use]
    pub fn brush(&self, erase: bool) -> Brush {
        let Self { size, hardness, opacity, pressure_size, pressure_opacity, .. } = *self;
        Brush { diameter: size, hardness, opacity, erase, pressure_size, pressure_opacity }
    }
}

/// The settings of the other tools.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolSettings {
    /// The effect of shapes, fills and gradients on the region.
    pub combine: Combine,
    /// Mirror images of each stroke.
    pub symmetry: Symmetry,
    /// The bounds of a fill.
    pub fill_over: FillOver,
    /// The largest difference from the colour that was clicked, in 255ths of each channel.
    pub tolerance: f32,
    /// A fill takes only what hangs together.
    pub contiguous: bool,
    /// The pixels by which the region was grown, shrunk or softened last.
    pub reshape: u32,
}

impl Default for ToolSettings {
    fn default() -> Self {
        Self {
            combine: Combine::Add,
            symmetry: Symmetry::default(),
            fill_over: FillOver::Regions,
            tolerance: 32.0,
            contiguous: true,
            reshape: 8,
        }
    }
}

impl ToolSettings {
    /// The repetition of strokes on a canvas with these joined edges.
    #[must_use]
    pub fn space(&self, wrap: Wrap) -> Space {
        Space { wrap, symmetry: self.symmetry }
    }
}
