//! Underpainting of a drawing: the colours that regions and the background start from, and the paint over them.
//!
//! Over a picture to start from they are part of it, so that the drawing starts from the picture with the colours on it. Everywhere they
//! are held for their own share of the steps, where that is longer.

use super::drawing::DrawError;
use super::over::mixed;
use super::plan::{steps_of, visible};
use crate::diffusion::masks::{Coverage, LatentMask, Overlap, latent_masks};
use crate::diffusion::{self, Ground, InitLatent, Planes};
use crate::document::{Document, Paint, StartColour};
use image::{Rgb, RgbImage};

/// The start colours of the background, then of the visible regions, lowest first.
fn colours(document: &Document) -> impl Iterator<Item = Option<StartColour>> {
    std::iter::once(document.background.start_colour).chain(visible(document).map(|region| region.start_colour))
}

/// The paint layer, where anything is painted on it.
fn paint(document: &Document) -> Option<&Paint> {
    document.paint.as_ref().filter(|paint| !paint.cover().is_blank())
}

/// True where there is a colour to start from.
pub(super) fn any(document: &Document) -> bool {
    paint(document).is_some() || colours(document).any(|colour| colour.is_some())
}

/// Refuses paint of another canvas.
pub(super) fn check(document: &Document) -> Result<(), DrawError> {
    let size = (document.width, document.height);
    match &document.paint {
        Some(paint) if (paint.width(), paint.height()) != size => {
            Err(DrawError::Invalid("the paint has another size than the canvas".to_owned()))
        }
        _ => Ok(()),
    }
}

/// The underpainting as the engine has it, still to be encoded; `None` where no colour is held in any step of the run. What may not change of
/// the picture to start from has no colour. Upper regions cover lower ones, also where their predictions are averaged, and paint covers all.
pub(super) fn plan(
    document: &Document,
    coverages: &[Coverage<'_>],
    factor: usize,
    start: Option<&InitLatent>,
) -> Option<diffusion::Underpainting> {
    let first = start.map_or(0, |start| start.from);
    let steps = document.settings.steps as usize;
    // The last step is always free: it takes away what noise is left.
    let until =
        |share: f32| Some(steps_of(share, document).min(steps.saturating_sub(1))).filter(|until| *until > first);
    let ends = colours(document).map(|start| until(start?.share)).chain([paint(document).and_then(|p| until(p.share))]);
    let ends: Vec<Option<usize>> = ends.collect();
    if ends.iter().all(Option::is_none) {
        return None;
    }
    let (width, height) = (document.width as usize, document.height as usize);
    let painted = paint(document).map(|paint| paint.cover().to_raw()).unwrap_or_default();
    let paint = (!painted.is_empty()).then_some(Coverage { width, height, rows: &painted });
    let all: Vec<Coverage<'_>> = coverages.iter().copied().chain(paint).collect();
    let masks = latent_masks(width, height, factor, &all, Overlap::Order);
    let grounds = masks.into_iter().zip(ends).filter_map(|(cover, until)| {
        let until = until?;
        let Some(free) = start.and_then(|start| start.free.as_ref()) else { return Some(Ground { cover, until }) };
        let cells: Vec<f32> = cover.cells().into_iter().zip(free).map(|(cell, free)| cell * free).collect();
        Some(Ground { cover: LatentMask::new(cover.height(), cover.width(), &cells), until })
    });
    let grounds: Vec<Ground> = grounds.filter(|ground| !ground.cover.is_empty()).collect();
    (!grounds.is_empty()).then(|| diffusion::Underpainting { clean: Planes::zeros(1, 0, 0, 0), grounds })
}

/// The colours on the canvas, softly where masks are, over the picture to start from, or where there is none over their mean, so that the
/// encoder sees nothing strange beside them. `change` is what [`super::init_image::change`] gives: the rest of the picture stays.
pub(super) fn picture(document: &Document, coverages: &[Coverage<'_>], change: Option<&[u8]>) -> RgbImage {
    let size = (document.width, document.height);
    let below = document.init_image.as_ref().map(|start| &*start.image).filter(|image| image.dimensions() == size);
    let mut picture = match (document.background.start_colour, below) {
        (Some(start), _) => RgbImage::from_pixel(size.0, size.1, Rgb(start.colour.0)),
        (None, Some(image)) => image.clone(),
        (None, None) => RgbImage::from_pixel(size.0, size.1, Rgb(mean(document))),
    };
    let mut row = vec![0; size.0 as usize];
    for (start, coverage) in colours(document).skip(1).zip(coverages) {
        let Some(StartColour { colour, .. }) = start else { continue };
        for (y, pixels) in picture.rows_mut().enumerate() {
            coverage.rows.read_row(y, &mut row);
            for (pixel, cover) in pixels.zip(&row).filter(|(_, cover)| **cover > 0) {
                pixel.0 = mixed(colour.0, pixel.0, *cover);
            }
        }
    }
    if let Some(paint) = paint(document) {
        paint.lay_over(&mut picture);
    }
    if let (Some(below), Some(change)) = (below, change) {
        for ((pixel, below), change) in picture.pixels_mut().zip(below.pixels()).zip(change) {
            pixel.0 = mixed(pixel.0, below.0, *change);
        }
    }
    picture
}

/// The mean of the colours there are; of paint, over its pixels.
fn mean(document: &Document) -> [u8; 3] {
    let known: Vec<[u8; 3]> = colours(document).flatten().map(|start| start.colour.0).collect();
    let (mut sums, mut count) = ([0_u64; 3], known.len() as u64);
    let mut add = |colour: [u8; 3], times: u64| {
        sums.iter_mut().zip(colour).for_each(|(sum, value)| *sum += times * u64::from(value));
    };
    known.iter().for_each(|colour| add(*colour, 1));
    if let Some(paint) = paint(document).filter(|_| known.is_empty()) {
        let mut row = vec![[0; 4]; paint.width() as usize];
        for y in 0..paint.height() {
            paint.read_row(0, y, &mut row);
            // (Colours are multiplied by their coverage already.)
            for [r, g, b, cover] in &row {
                add([*r, *g, *b], 255);
                count += u64::from(*cover);
            }
        }
    }
    sums.map(|sum| (sum / count.max(1)).min(255) as u8)
}
