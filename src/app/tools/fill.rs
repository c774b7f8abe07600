//! Flood fill: over the regions, or over the picture.

use crate::document::Document;
use crate::paint::{Cover, flood};
use image::RgbImage;
use serde::{Deserialize, Serialize};

/// The bounds of a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FillOver {
    /// The regions: it fills what the same region, or none, shows.
    #[default]
    Regions,
    /// The picture: it fills what has about the same colour.
    Picture,
}

/// Fills from this pixel what the same region shows there; where none does, what nothing covers.
#[must_use]
pub(super) fn over_regions(document: &Document, start: (u32, u32), contiguous: bool) -> Cover {
    let visible: Vec<_> = document.regions.iter().rev().filter(|r| r.visible).collect();
    // The uppermost region that covers most of a pixel.
    let top = |x: u32, y: u32| visible.iter().find(|r| r.mask.get(x, y) > 127);
    let size = (document.width, document.height);
    let wrap = document.settings.wrap;
    match top(start.0, start.1) {
        Some(region) => {
            let shows = |x: u32, y: u32| if top(x, y).is_some_and(|r| r.id == region.id) { 255 } else { 0 };
            flood(size, wrap, start, contiguous, shows)
        }
        None => {
            let open = |x: u32, y: u32| 255 - visible.iter().map(|r| r.mask.get(x, y)).max().unwrap_or(0);
            flood(size, wrap, start, contiguous, open)
        }
    }
}

/// Fills from this pixel what is at most `tolerance` away from its colour in every channel. A picture of another size is
/// looked at as if it were stretched over the canvas.
#[must_use]
pub(super) fn over_picture(
    document: &Document,
    picture: &RgbImage,
    start: (u32, u32),
    tolerance: f32,
    contiguous: bool,
) -> Cover {
    let (width, height) = (document.width, document.height);
    let scale = |at: u32, from: u32, to: u32| {
        let scaled = u64::from(at) * u64::from(to) / u64::from(from.max(1));
        u32::try_from(scaled).unwrap_or(0).min(to.saturating_sub(1))
    };
    let colour = |x: u32, y: u32| {
        picture
            .get_pixel_checked(scale(x, width, picture.width()), scale(y, height, picture.height()))
            .map_or([0; 3], |p| p.0)
    };
    let wanted = colour(start.0, start.1);
    let near = |x: u32, y: u32| {
        let off = colour(x, y).iter().zip(wanted).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
        if f32::from(off) <= tolerance { 255 } else { 0 }
    };
    flood((width, height), document.settings.wrap, start, contiguous, near)
}
