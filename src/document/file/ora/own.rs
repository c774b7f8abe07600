//! A project of this program: each layer is what `polyptych.json` says of its entry.

use super::super::names::{self, Role};
use super::super::project::{ControlEntry, OutsideEntry, Project, RegionEntry};
use super::super::report::Report;
use super::super::stack::Layer;
use super::NEGATIVE;
use super::foreign;
use super::layers::{Colours, Layers};
use super::shapes::Shape;
use crate::document::error::one_line;
use crate::document::{Area, Document, InitImage, MAX_REGIONS, Mask, Region, RegionId, Take};
use image::RgbImage;
use std::collections::BTreeMap;
use std::io::{self, Seek};
use std::sync::Arc;

/// Fills the document. Layers that the project does not mention were added by another program and become regions; what is
/// damaged costs itself alone, and a region keeps its card.
pub(super) fn fill<'a, R: io::Read + Seek>(
    shapes: &[Shape<'a>],
    project: Project,
    layers: &mut Layers<'a, R>,
    document: &mut Document,
    report: &mut Report,
) {
    let mut entries: BTreeMap<&str, &RegionEntry> =
        project.regions.iter().map(|entry| (entry.layer.as_str(), entry)).collect();
    let (mut take, mut picture, mut change, mut paint) = (None, None, None, None);
    let mut coloured = Vec::new();
    for shape in shapes.iter().rev() {
        let layer = shape.layer;
        if project.take.as_ref().is_some_and(|take| take.layer == layer.src) {
            take = Some(layer);
        } else if project.start.as_ref().is_some_and(|start| start.layer == layer.src) {
            picture = Some(layer);
        } else if project.start.as_ref().is_some_and(|start| start.mask.as_ref() == Some(&layer.src)) {
            change = Some(shape);
        } else if project.paint.as_ref().is_some_and(|paint| paint.layer == layer.src) {
            paint = Some(layer);
        } else if project.background.layer.as_ref() == Some(&layer.src) || layer.src == NEGATIVE {
            // Its words are in the project; its pixels are the paper.
        } else if let Some(entry) = entries.remove(layer.src.as_str()) {
            if region(shape, entry, layers, document, report) == Colours::Several {
                coloured.push(entry.name.as_str());
            }
        } else {
            report.note(format!("layer “{}” is new; it became a region", one_line(&layer.name, 60)));
            let (name, words) = match names::role(&layer.name) {
                Role::Region { name, words } => (name, words),
                _ => (layer.name.clone(), String::new()),
            };
            if foreign::add(shape, (&name, &words), layers, document, report) == Colours::Several {
                coloured.push(layer.name.as_str());
            }
        }
    }
    for entry in entries.into_values() {
        let name = one_line(&entry.name, 60);
        if document.regions.len() >= MAX_REGIONS {
            report.lost(format!("region “{name}” was left out: there are {MAX_REGIONS} already"));
            continue;
        }
        report.note(format!("the layer of region “{name}” is gone; its mask is empty"));
        let id = document.add_region(&entry.name, &entry.words);
        let mut notes = Vec::new();
        if let Some(region) = document.region_mut(id) {
            entry.fill(region, &mut notes);
        }
        report.notes(notes);
    }
    foreign::tell_colours(&coloured, report);
    if let Some((layer, entry)) = take.zip(project.take.as_ref()) {
        match layers.picture(layer) {
            Ok(image) => document.take = Some(Arc::new(Take { image: Arc::new(image), seed: entry.seed })),
            Err(why) => report.lost(format!("the finished picture was left out: {why}")),
        }
    }
    document.init_image = start(
        &project,
        picture.map(|layer| layers.picture(layer)),
        || change.map(|shape| shape.covered(layers).map(|covered| covered.mask)),
        report,
    );
    if let Some(entry) = &project.paint {
        document.paint = match paint.map(|layer| layers.paint(layer)) {
            Some(Ok(paint)) => Some(paint),
            Some(Err(why)) => {
                report.lost(format!("the paint was left out: {why}"));
                None
            }
            None => {
                report.note("the layer of the paint is gone; it was left out".to_owned());
                None
            }
        };
        let mut notes = Vec::new();
        let share = entry.share(&mut notes);
        report.notes(notes);
        if let Some(paint) = &mut document.paint {
            paint.share = share;
        }
    }
    for OutsideEntry { picture, region, x, y } in &project.outside {
        let id = region.map_or(RegionId::INPAINT, RegionId);
        let Some(mask) = document.mask(id).cloned() else { continue };
        match layers.outside(picture, (*x, *y)) {
            Ok(outside) => document.set_shape(id, mask, outside),
            Err(why) => report.lost(format!("what was moved over the canvas's edges was left out: {why}")),
        }
    }
    let mut notes = Vec::new();
    controls(&project, layers, document, &mut notes);
    project.fill(document, &mut notes);
    report.notes(notes);
}

/// Fills in the ControlNets of the picture and of the regions that are there.
fn controls<R: io::Read + Seek>(
    project: &Project,
    layers: &mut Layers<'_, R>,
    document: &mut Document,
    notes: &mut Vec<String>,
) {
    let mut known: BTreeMap<String, Result<Arc<RgbImage>, String>> = BTreeMap::new();
    let mut picture = |entry: &str| {
        let read = || layers.picture(&Layer::plain(String::new(), entry, 0, 0, true)).map(Arc::new);
        known.entry(entry.to_owned()).or_insert_with(read).clone()
    };
    document.controls = ControlEntry::controls(&project.controls, notes, &mut picture);
    for entry in project.regions.iter().filter(|entry| !entry.controls.is_empty()) {
        // (Of two entries of one number the second has another one now.)
        if let Some(region) = document.region_mut(RegionId(entry.id)).filter(|region| region.controls.is_empty()) {
            region.controls = ControlEntry::controls(&entry.controls, notes, &mut picture);
        }
    }
}

/// Adds the region of an entry and returns the colours of its layer.
fn region<'a, R: io::Read + Seek>(
    shape: &Shape<'a>,
    entry: &RegionEntry,
    layers: &mut Layers<'a, R>,
    document: &mut Document,
    report: &mut Report,
) -> Colours {
    let name = one_line(&entry.name, 60);
    if document.regions.len() >= MAX_REGIONS {
        report.lost(format!("region “{name}” was left out: there are {MAX_REGIONS} already"));
        return Colours::None;
    }
    let (mask, colours) = match shape.covered(layers) {
        Ok(covered) => (covered.mask, covered.colours),
        Err(why) => {
            report.lost(format!("the layer of region “{name}” cannot be read; its mask is empty: {why}"));
            (Arc::new(Mask::empty(document.width, document.height)), Colours::None)
        }
    };
    let id = Some(entry.id)
        .filter(|id| Project::usable_id(*id) && document.region(RegionId(*id)).is_none())
        .map_or_else(|| document.free_id(), RegionId);
    let colour = entry.colour().or(colours.one()).unwrap_or_else(|| document.next_colour());
    let mut region = Region::new(id, &entry.name, colour, 0, 0);
    region.mask = mask;
    region.visible = shape.layer.visible;
    let mut notes = Vec::new();
    entry.fill(&mut region, &mut notes);
    report.notes(notes);
    document.regions.push(region);
    colours
}

/// The picture to start from; `change` reads the mask of what may change of it.
fn start(
    project: &Project,
    picture: Option<Result<image::RgbImage, String>>,
    change: impl FnOnce() -> Option<Result<Arc<Mask>, String>>,
    report: &mut Report,
) -> Option<InitImage> {
    let entry = project.start.as_ref()?;
    let image = match picture {
        Some(Ok(image)) => Arc::new(image),
        Some(Err(why)) => {
            report.lost(format!("the picture to start from was left out, the drawing starts from noise: {why}"));
            return None;
        }
        None => {
            report.note("the picture to start from is gone; the drawing starts from noise".to_owned());
            return None;
        }
    };
    let mut notes = Vec::new();
    let strength = entry.strength(&mut notes);
    report.notes(notes);
    let area = match (entry.area.as_str(), change()) {
        ("regions", _) => Area::Regions,
        ("mask", Some(Ok(mask))) => Area::Mask(mask),
        ("mask", Some(Err(why))) => {
            report.lost(format!("the mask of what may change was left out, nothing but the regions may: {why}"));
            Area::Regions
        }
        ("everything" | "", _) => Area::Everything,
        _ => {
            report.note("what may change of the picture is not known; nothing but the regions may".to_owned());
            Area::Regions
        }
    };
    Some(InitImage { image, strength, area })
}
