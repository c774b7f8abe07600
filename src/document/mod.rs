//! The document: what a person edits, saves and reopens. It knows neither the window nor the networks.

mod mask;
mod region;
mod settings;

pub use mask::{Mask, PixelRect};
pub use region::{Background, REGION_COLOURS, Region, RegionId, Rgb};
pub use settings::{Sampler, Schedule, Settings, Wrap};

use std::sync::Arc;

/// The smallest and largest side of a canvas in pixels.
pub const MIN_SIDE: u32 = 64;
pub const MAX_SIDE: u32 = 16384;

/// What is edited: a canvas, the regions painted on it, and how the picture is to be made.
///
/// Cloning is cheap enough to freeze a copy for a job: masks and pictures are shared until written to.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Canvas width in pixels.
    pub width: u32,
    /// Canvas height in pixels.
    pub height: u32,
    /// The region below all others; it covers what nothing else covers.
    pub background: Background,
    /// Regions from the lowest to the uppermost: region number 1 is `regions[0]`, and later ones cover earlier ones.
    pub regions: Vec<Region>,
    /// How the picture is made.
    pub settings: Settings,
    /// The take kept in the document (`None` before the first), the canvas's size in RGBA.
    pub take: Option<Arc<Take>>,
    /// Fields of newer versions of `polyptych.json` that this version does not know; written back unchanged.
    pub unknown: serde_json::Map<String, serde_json::Value>,
}

/// One finished picture with what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// The picture in 8-bit sRGB.
    pub image: image::RgbImage,
    /// The seed it was drawn with.
    pub seed: u64,
}

impl Document {
    /// An empty document of this size, with no regions and default settings.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            background: Background::default(),
            regions: Vec::new(),
            settings: Settings::default(),
            take: None,
            unknown: serde_json::Map::new(),
        }
    }

    /// Adds a region above all others, with an empty mask and the next colour of the palette, and returns its id.
    pub fn add_region(&mut self, name: &str, words: &str) -> RegionId {
        let id = RegionId(1 + self.regions.iter().map(|r| r.id.0).max().unwrap_or(0));
        let colour = REGION_COLOURS
            .iter()
            .min_by_key(|c| self.regions.iter().filter(|r| r.colour == **c).count())
            .copied()
            .unwrap_or(REGION_COLOURS[0]);
        self.regions.push(Region {
            id,
            name: name.to_owned(),
            words: words.to_owned(),
            negative: None,
            colour,
            mask: Arc::new(Mask::empty(self.width, self.height)),
            visible: true,
            bootstrap: None,
        });
        id
    }

    /// The region with this id.
    #[must_use]
    pub fn region(&self, id: RegionId) -> Option<&Region> {
        self.regions.iter().find(|r| r.id == id)
    }

    /// The region with this id, to change it.
    pub fn region_mut(&mut self, id: RegionId) -> Option<&mut Region> {
        self.regions.iter_mut().find(|r| r.id == id)
    }
}
