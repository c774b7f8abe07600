//! A file without `polyptych.json`: another program's, or one of ours that came back from another program.

use super::super::names::{self, Role};
use super::super::report::{Report, names as listed};
use super::super::stack::{Operator, Own, Stack};
use super::layers::{Colours, Layers};
use super::shapes::Shape;
use crate::document::error::one_line;
use crate::document::{Area, Document, InitImage, MAX_REGIONS, Take};
use std::collections::BTreeSet;
use std::io::{self, Seek};
use std::sync::Arc;

/// True of a file that this program wrote first: layer names say so.
pub(super) fn is_ours(stack: &Stack) -> bool {
    stack.layers.iter().any(|layer| names::is_reserved(&layer.name))
}

/// Tells what a file does not hold that lost its `polyptych.json` on a trip through another program.
pub(super) fn tell_trip(report: &mut Report) {
    report.note(
        "another program saved this project again and left out its style, its settings with the seed, the regions' own \
         settings and negative prompts, and the names of their cards; words and shapes came back from the layers"
            .to_owned(),
    );
}

/// The picture of all layers together becomes the picture to start from, so that the painting is seen.
pub(super) fn start_from_merged<R: io::Read + Seek>(
    layers: &mut Layers<'_, R>,
    document: &mut Document,
    report: &mut Report,
) {
    let (width, height) = (document.width, document.height);
    let image = match layers.merged() {
        None => return,
        Some(Ok(image)) if fits(image.dimensions(), (width, height)) => image,
        Some(Ok(image)) => {
            let (own_width, own_height) = image.dimensions();
            report.lost(format!(
                "the painting (mergedimage.png) is {own_width}×{own_height} pixels and does not fit the canvas; the \
                 drawing starts from noise"
            ));
            return;
        }
        Some(Err(why)) => {
            report.lost(format!("the painting cannot be shown ({why}); the drawing starts from noise"));
            return;
        }
    };
    let fitted = if image.dimensions() == (width, height) { "" } else { ", fitted to the canvas" };
    report.note(format!(
        "the painting (mergedimage.png{fitted}) became the picture to start from; choose noise as the start to do without it"
    ));
    let image = if fitted.is_empty() { image } else { InitImage::fitted(&image, width, height) };
    document.init_image =
        Some(InitImage { image: Arc::new(image), strength: InitImage::STRENGTH, area: Area::Everything });
}

/// The largest picture that is fitted to the canvas, before and after: fitting takes many times its memory.
const MAX_FITTED: u32 = 1 << 24;

/// True where a picture is of the canvas's size, or can be fitted to it without losing most of it.
fn fits(size: (u32, u32), canvas: (u32, u32)) -> bool {
    let [w, h, width, height] = [size.0, size.1, canvas.0, canvas.1].map(f64::from);
    let scale = (width / w).max(height / h);
    let (before, after) = (w * h, w * h * scale * scale);
    size == canvas || (before.max(after) <= f64::from(MAX_FITTED) && after <= 4.0 * width * height)
}

/// Makes the layers what their names say.
pub(super) fn fill<'a, R: io::Read + Seek>(
    shapes: &[Shape<'a>],
    layers: &mut Layers<'a, R>,
    document: &mut Document,
    report: &mut Report,
) {
    let all: BTreeSet<&str> = shapes.iter().map(|shape| shape.layer.name.as_str()).collect();
    let (mut take, mut picture, mut change) = (None, None, None);
    let mut coloured = Vec::new();
    for shape in shapes.iter().rev() {
        match names::role(names::without_number(&shape.layer.name, &all)) {
            Role::Take { seed } => take = Some((shape, seed)),
            Role::Picture => picture = Some(shape),
            Role::Paint => match layers.paint(shape.layer) {
                Ok(paint) => document.paint = Some(paint),
                Err(why) => report.lost(format!("the paint was left out: {why}")),
            },
            Role::Change => change = Some(shape),
            Role::Background { words } => document.background.prompt = words,
            Role::Negative { words } => document.background.negative = words,
            Role::Region { name, words } => {
                if add(shape, (&name, &words), layers, document, report) == Colours::Several {
                    coloured.push(shape.layer.name.as_str());
                }
            }
        }
    }
    if let Some((shape, seed)) = take {
        match layers.picture(shape.layer) {
            Ok(image) => {
                let seed = seed.unwrap_or(0);
                document.settings.seed = seed;
                document.take = Some(Arc::new(Take { image: Arc::new(image), seed }));
            }
            Err(why) => report.lost(format!("the finished picture was left out: {why}")),
        }
    }
    if let Some(shape) = picture {
        match layers.picture(shape.layer) {
            Ok(image) => {
                let image = Arc::new(image);
                document.init_image = Some(InitImage { image, strength: InitImage::STRENGTH, area: Area::Everything });
            }
            Err(why) => {
                report.lost(format!("the picture to start from was left out, the drawing starts from noise: {why}"));
            }
        }
    }
    if let (Some(start), Some(shape)) = (&mut document.init_image, change) {
        start.area = match shape.covered(layers) {
            Ok(covered) => Area::Mask(covered.mask),
            Err(why) => {
                report.lost(format!("the mask of what may change was left out, nothing but the regions may: {why}"));
                Area::Regions
            }
        };
    }
    tell_colours(&coloured, report);
}

/// Tells which layers' pictures a save would make one flat colour.
pub(super) fn tell_colours(coloured: &[&str], report: &mut Report) {
    if !coloured.is_empty() {
        let names = listed(coloured.iter().copied());
        report.loss(format!("the pictures of layers ({names}): each becomes one flat colour"));
    }
}

/// Adds a layer as a region of this name and these words, and returns its colours.
pub(super) fn add<'a, R: io::Read + Seek>(
    shape: &Shape<'a>,
    (name, words): (&str, &str),
    layers: &mut Layers<'a, R>,
    document: &mut Document,
    report: &mut Report,
) -> Colours {
    let label = one_line(&shape.layer.name, 60);
    if document.regions.len() >= MAX_REGIONS {
        report.lost(format!("layer “{label}” was left out: there are {MAX_REGIONS} regions already"));
        return Colours::None;
    }
    let covered = match shape.covered(layers) {
        Ok(covered) => covered,
        Err(why) => {
            report.lost(format!("layer “{label}” was left out: {why}"));
            return Colours::None;
        }
    };
    let name = if name.is_empty() { format!("Region {}", document.regions.len() + 1) } else { name.to_owned() };
    let id = document.add_region(&name, words);
    if let Some(region) = document.region_mut(id) {
        region.visible = shape.layer.visible;
        region.mask = covered.mask;
        if let Some(colour) = covered.colours.one() {
            region.colour = colour;
        }
    }
    covered.colours
}

/// Tells what of another program's arrangement of layers a save would not keep.
pub(super) fn tell_arrangement(stack: &Stack, report: &mut Report) {
    // The outermost stack holds all layers of every file.
    let names = |which: &dyn Fn(&Own) -> bool| -> Vec<&str> {
        let layers = stack.layers.iter().filter(|layer| !layer.is_page).map(|layer| (&layer.own, layer.name.as_str()));
        let groups = stack.groups.iter().map(|group| (&group.own, group.name.as_str()));
        layers.chain(groups).filter(|(own, _)| which(own)).map(|(_, name)| name).collect()
    };
    let groups: Vec<&str> = stack.groups.iter().skip(2).map(|group| group.name.as_str()).collect();
    if !groups.is_empty() {
        report.loss(format!("groups of layers ({}): their layers lie side by side", listed(groups)));
    }
    let modes = names(&|own| own.operator != Operator::Over);
    if !modes.is_empty() {
        report.loss(format!("how layers meet those below them, such as multiply or erase ({})", listed(modes)));
    }
    let opacities = names(&|own| own.opacity < 1.0);
    if !opacities.is_empty() {
        report.loss(format!("opacities ({}): they become part of the shapes", listed(opacities)));
    }
}

/// Tells what is lost of every file that another program made or saved.
pub(super) fn tell_program(report: &mut Report) {
    report
        .loss("what the program that wrote this file keeps in it for itself, beside layers and their names".to_owned());
}
