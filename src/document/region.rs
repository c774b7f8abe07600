//! Regions: a mask, its words, and its settings.

use super::Mask;
use std::sync::Arc;

/// Names a region for as long as its document is open; never reused while a region has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionId(pub u32);

/// An 8-bit sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

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

/// A painted region.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    pub id: RegionId,
    /// What the card calls it.
    pub name: String,
    /// Its prompt.
    pub words: String,
    /// Its negative prompt; `None` takes the background's, empty means none.
    pub negative: Option<String>,
    /// The colour of its tint and outline.
    pub colour: Rgb,
    /// Where it lies; always the canvas's size.
    pub mask: Arc<Mask>,
    /// A hidden region takes no part in the picture.
    pub visible: bool,
    /// Fraction of the steps for which it bootstraps ("hold shape"), 0 to 1; `None` takes the document's.
    pub bootstrap: Option<f32>,
}

/// The region below all others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Background {
    /// Its prompt.
    pub words: String,
    /// Its negative prompt, and that of every region without its own.
    pub negative: String,
}
