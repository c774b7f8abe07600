//! Regions: a mask, its words, and its settings.

use super::{Control, Lora, Mask};
use std::sync::Arc;

/// Names a region for as long as its document is open; never reused while a region has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionId(pub u32);

impl RegionId {
    /// No region's id: what names the mask of what may change of the picture to start from, so that the tools paint on it as
    /// they do on a region's ([`Document::mask_mut`](super::Document::mask_mut)).
    pub const INPAINT: Self = Self(0);

    /// No region's ids either: the planes of the paint layer (red, green, blue, coverage), so that strokes and undo treat them as
    /// masks.
    pub const PAINT_PLANES: [Self; 4] = [Self(u32::MAX - 3), Self(u32::MAX - 2), Self(u32::MAX - 1), Self::PAINT];

    /// The paint layer's coverage, which stands for the whole layer.
    pub const PAINT: Self = Self(u32::MAX);

    /// The largest id of a region.
    pub(super) const LAST: Self = Self(u32::MAX - 4);
}

/// An 8-bit sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

impl Rgb {
    /// The colour of `#rrggbb`.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii())?;
        let [_, r, g, b] = u32::from_str_radix(hex, 16).ok()?.to_be_bytes();
        Some(Self([r, g, b]))
    }

    /// True for colours that are hard to tell apart on a canvas. Their distance is weighted by how red they are (Riemersma's "low-cost
    /// approximation"); the palette's own are all farther apart.
    fn is_near(self, other: Self) -> bool {
        const NEAR: i32 = 100;
        let [a, b] = [self, other].map(|Self(colour)| colour.map(i32::from));
        let red = i32::midpoint(a[0], b[0]);
        let [r, g, b] = std::array::from_fn(|c| (a[c] - b[c]).pow(2));
        (512 + red) * r / 256 + 4 * g + (767 - red) * b / 256 < NEAR * NEAR
    }

    /// The first colour of the palette that the fewest of these are near to.
    pub(super) fn next(used: &[Self]) -> Self {
        let [first, ..] = REGION_COLOURS;
        let near = |colour: &Self| used.iter().filter(|used| used.is_near(*colour)).count();
        REGION_COLOURS.into_iter().min_by_key(near).unwrap_or(first)
    }
}

impl std::fmt::Display for Rgb {
    /// As `#rrggbb`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([r, g, b]) = self;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// The colour-blind-safe palette of Okabe and Ito (2008), in the order in which new regions take it.
pub const REGION_COLOURS: [Rgb; 7] = [
    Rgb([230, 159, 0]),
    Rgb([86, 180, 233]),
    Rgb([0, 158, 115]),
    Rgb([240, 228, 66]),
    Rgb([0, 114, 178]),
    Rgb([213, 94, 0]),
    Rgb([204, 121, 167]),
];

/// A colour that a part of the picture grows from: the latent is held to it, under noise, for the first steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartColour {
    /// The colour.
    pub colour: Rgb,
    /// The share of the steps for which it is held, 0 to 1: little tints the part, much leaves nothing but the colour.
    pub share: f32,
}

impl StartColour {
    /// The share that a colour is given first.
    pub const SHARE: f32 = 0.5;
}

/// A painted region.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Its identity, which outlives renaming and reordering.
    pub id: RegionId,
    /// The name on its card.
    pub name: String,
    /// Its prompt.
    pub prompt: String,
    /// Its negative prompt; `None` takes the background's, empty means none.
    pub negative: Option<String>,
    /// LoRAs that this region alone is drawn with, besides the whole picture's.
    pub loras: Vec<Lora>,
    /// The colour of its tint and outline.
    pub colour: Rgb,
    /// The coverage of each pixel, 0 to 255; always the canvas's size.
    pub mask: Arc<Mask>,
    /// What was moved over the canvas's edges, as [`Beyond`](crate::paint::Beyond) has it.
    pub outside: Option<Arc<Mask>>,
    /// The colour that the picture grows from inside it; `None` to leave that to chance.
    pub start_colour: Option<StartColour>,
    /// A hidden region takes no part in the picture.
    pub visible: bool,
    /// A locked region is not painted on, changed or deleted by mistake.
    pub locked: bool,
    /// The number of the group that it is bound to: regions of one number are selected together.
    pub group: Option<u32>,
    /// Fraction of the steps for which it bootstraps ("hold shape"), 0 to 1; `None` takes the document's.
    pub bootstrap: Option<f32>,
    /// The distance by which its edge is blurred to either side, in canvas pixels, 0 to [`MAX_FEATHER`].
    pub feather: u32,
    /// The factor by which it counts where it meets others (soft edges, averaged overlaps), [`MIN_WEIGHT`] to [`MAX_WEIGHT`].
    pub weight: f32,
    /// Its own classifier-free guidance scale; `None` takes the document's.
    pub guidance: Option<f32>,
    /// Its own seed: the chance inside its mask is then the same whatever the document's seed is. `None` takes that.
    pub seed: Option<u64>,
    /// Draw it again with this seed over the finished picture, which stays as it is everywhere else.
    pub reroll: Option<u64>,
    /// The part of the process it takes part in, as fractions of the steps: from `start` (0 is the first)…
    pub start: f32,
    /// …until `end` (1 is after the last). Outside it, what lies below covers its place.
    pub end: f32,
    /// ControlNets that count for it alone, besides the whole picture's.
    pub controls: Vec<Control>,
}

/// The widest feather in canvas pixels.
pub const MAX_FEATHER: u32 = 1024;
/// The smallest weight of a region.
pub const MIN_WEIGHT: f32 = 0.01;
/// The largest weight of a region.
pub const MAX_WEIGHT: f32 = 100.0;

impl Region {
    /// A visible region with an empty mask, no words, and everything else as the document has it.
    #[must_use]
    pub fn new(id: RegionId, name: &str, colour: Rgb, width: u32, height: u32) -> Self {
        Self {
            id,
            name: name.to_owned(),
            prompt: String::new(),
            negative: None,
            loras: Vec::new(),
            colour,
            mask: Arc::new(Mask::empty(width, height)),
            outside: None,
            start_colour: None,
            visible: true,
            locked: false,
            group: None,
            bootstrap: None,
            feather: 0,
            weight: 1.0,
            guidance: None,
            seed: None,
            reroll: None,
            start: 0.0,
            end: 1.0,
            controls: Vec::new(),
        }
    }
}

/// The region below all others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Background {
    /// Its prompt.
    pub prompt: String,
    /// Its negative prompt, and that of every region without its own.
    pub negative: String,
    /// LoRAs that the background alone is drawn with, besides the whole picture's.
    pub loras: Vec<Lora>,
    /// The colour that the picture grows from where no region is.
    pub start_colour: Option<StartColour>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_regions_take_the_palette_in_its_order_but_for_colours_that_are_taken() {
        let mut used = Vec::new();
        for colour in REGION_COLOURS.into_iter().chain(REGION_COLOURS) {
            assert_eq!(Rgb::next(&used), colour);
            used.push(colour);
        }
        // Colours of a person's own, near the first and the third of the palette.
        let own = [Rgb([240, 150, 10]), Rgb([10, 150, 120])];
        assert_eq!(Rgb::next(&own), REGION_COLOURS[1]);
        assert_eq!(Rgb::next(&[own[0], own[1], REGION_COLOURS[1]]), REGION_COLOURS[3]);
    }
}
