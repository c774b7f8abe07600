//! The look of regions and picture: choices for the canvas that are kept for the next time.

use serde::{Deserialize, Serialize};

/// The contents that the canvas can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ViewMode {
    /// The regions over the picture.
    #[default]
    Both,
    /// The regions alone.
    Regions,
    /// The picture alone.
    Picture,
    /// Picture and regions beside each other.
    Compare,
}

/// The ways to draw regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RegionLook {
    /// An even colour with an outline.
    #[default]
    Tint,
    /// The outline alone.
    Outline,
    /// Lines, each region's run another way: readable without colour.
    Hatch,
    /// Not shown.
    Hidden,
}

/// The ways to compare picture and regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Compare {
    /// Beside each other.
    #[default]
    Sides,
    /// One over the other, divided at a line that can be dragged.
    Slider,
    /// In turn.
    Blink,
}

/// The choices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CanvasLook {
    /// The drawing of regions over the picture.
    pub regions: RegionLook,
    /// The opacity of regions over the picture, 0 to 1.
    pub opacity: f32,
    /// Regions are shown on the model's grid.
    #[serde(skip)]
    pub latent: bool,
    /// Rulers stand at the canvas's upper and left edge.
    pub rulers: bool,
    /// The comparison of picture and regions.
    pub compare: Compare,
}

impl Default for CanvasLook {
    fn default() -> Self {
        Self { regions: RegionLook::Tint, opacity: 0.5, latent: false, rulers: false, compare: Compare::default() }
    }
}

impl CanvasLook {
    /// The opacity of the regions over a picture, or where there is none.
    #[must_use]
    pub fn cover(&self, over_picture: bool) -> f32 {
        let wanted = self.opacity.clamp(0.0, 1.0);
        let full = match (self.latent, self.regions) {
            (true, _) => 1.6,
            (false, RegionLook::Hatch) => 1.4,
            (false, _) if over_picture => 0.45,
            (false, _) => 0.9,
        };
        (wanted * full).min(1.0)
    }
}
