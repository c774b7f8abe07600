//! ControlNets of a drawing: those that count, for which parts and in which steps, and the pictures that they see.

use super::drawing::{DrawError, Options};
use super::plan::visible;
use super::warning::Warning;
use crate::diffusion::{ControlSet, ControlSpan, Planes};
use crate::document::{Control, ControlMap, Document, Regions};
use std::ops::Range;
use std::sync::Arc;

/// A ControlNet of a drawing with the picture that it sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Controlled {
    /// Its file or folder.
    pub net: String,
    /// The picture `[1, 3, H, W]` in 0…1: the canvas of whole latent pixels, times the autoencoder's factor.
    pub picture: Arc<Planes>,
    /// The factor of what it adds.
    pub weight: f32,
}

/// A ControlNet that counts in a drawing.
struct Counting<'a> {
    control: &'a Control,
    /// The part of the painting that it counts for; `None` where it counts for all.
    part: Option<usize>,
    steps: Range<usize>,
}

/// The ControlNets that count, in the order of their numbers.
fn counting<'a>(document: &'a Document, options: &Options) -> Vec<Counting<'a>> {
    if options.reference || document.settings.regions != Regions::MultiDiffusion {
        return Vec::new();
    }
    let of_picture = document.controls.iter().map(|control| (None, control));
    // (Part 0 is the background.)
    let of_regions = (1..).zip(visible(document));
    let of_regions = of_regions.flat_map(|(part, region)| region.controls.iter().map(move |c| (Some(part), c)));
    let all = of_picture.chain(of_regions).filter(|(_, control)| control.weight != 0.0);
    let all = all.map(|(part, control)| Counting { control, part, steps: steps(control, document) });
    all.filter(|counting| !counting.steps.is_empty()).collect()
}

/// The steps in which a control counts, as diffusers has it: step i of n where i / n ≥ start and (i + 1) / n ≤ end.
fn steps(control: &Control, document: &Document) -> Range<usize> {
    let n = document.settings.steps;
    let fraction = |step: u32| step as f32 / n as f32;
    let from = (0..n).find(|step| fraction(*step) >= control.start).unwrap_or(n);
    let to = (0..n).rfind(|step| fraction(step + 1) <= control.end).map_or(0, |last| last + 1);
    from as usize..to as usize
}

/// The control images that count for a part of the painting, and in which steps.
pub(super) fn spans(document: &Document, options: &Options, part: usize) -> Vec<ControlSpan> {
    let all = counting(document, options).into_iter().enumerate();
    let own = all.filter(|(_, counting)| counting.part.is_none_or(|of| of == part));
    own.map(|(control, counting)| ControlSpan { control, steps: counting.steps }).collect()
}

/// The ControlNets that count, with their pictures for latents of this factor.
///
/// # Errors
/// If there are more than a drawing takes.
pub(super) fn controlled(document: &Document, options: &Options, factor: usize) -> Result<Vec<Controlled>, DrawError> {
    let counting = counting(document, options);
    if counting.len() > ControlSet::MOST {
        return Err(DrawError::Invalid(format!(
            "{} ControlNets are more than the {} that a picture takes; remove some",
            counting.len(),
            ControlSet::MOST
        )));
    }
    let mut known: Vec<(&ControlMap, Arc<Planes>)> = Vec::new();
    let mut pictures = Vec::new();
    for Counting { control: Control { net, map, weight, .. }, .. } in counting {
        let picture = if let Some((_, picture)) = known.iter().find(|(other, _)| *other == map) {
            Arc::clone(picture)
        } else {
            let picture = Arc::new(planes(&map.seen(document), factor));
            known.push((map, Arc::clone(&picture)));
            picture
        };
        pictures.push(Controlled { net: net.clone(), picture, weight: *weight });
    }
    Ok(pictures)
}

/// A picture in 0…1. A canvas off the grid is continued by its last row and column.
fn planes(picture: &image::RgbImage, factor: usize) -> Planes {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (wide, high) = (width.div_ceil(factor) * factor, height.div_ceil(factor) * factor);
    let mut planes = Planes::zeros(1, 3, high, wide);
    let plane = planes.plane_len();
    for y in 0..high {
        for x in 0..wide {
            let pixel = picture.get_pixel(x.min(width - 1) as u32, y.min(height - 1) as u32);
            for (channel, value) in pixel.0.into_iter().enumerate() {
                planes.data[channel * plane + y * wide + x] = f32::from(value) / 255.0;
            }
        }
    }
    planes
}

/// Warnings about the document's ControlNets.
pub(super) fn warnings(document: &Document, options: &Options) -> Vec<Warning> {
    let all = || document.controls.iter().chain(visible(document).flat_map(|region| &region.controls));
    let mut warnings = Vec::new();
    if document.settings.regions == Regions::Attention && !options.reference && all().next().is_some() {
        warnings.push(Warning::ControlsLeftOut);
    }
    let counting = counting(document, options);
    if counting.iter().any(|counting| counting.control.map == ControlMap::Segments) {
        let names = document.without_class().into_iter().map(|region| region.name.clone());
        warnings.extend(names.map(|region| Warning::NoClass { region }));
    }
    warnings
}

/// True where visible parts of the document have ControlNets.
pub(super) fn any(document: &Document) -> bool {
    !document.controls.is_empty() || visible(document).any(|region| !region.controls.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_and_end_are_diffusers() {
        // [1.0 - float(i / n < start or (i + 1) / n > end) for i in range(n)]
        let mut document = Document::new(64, 64);
        for (n, start, end, expected) in [
            (10, 0.3, 0.7, 3..7),
            (8, 0.25, 0.75, 2..6),
            (7, 0.0, 1.0, 0..7),
            (7, 0.1, 0.9, 1..6),
            (20, 0.15, 0.85, 3..17),
            (3, 0.4, 0.6, 0..0),
            (4, 0.0, 0.0, 0..0),
        ] {
            document.settings.steps = n;
            let control = Control { start, end, ..Control::new("net", ControlMap::Edges) };
            let found = steps(&control, &document);
            assert!(found == expected || (found.is_empty() && expected.is_empty()), "{n} {start} {end}: {found:?}");
        }
    }
}
