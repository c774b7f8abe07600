//! Reading.

use super::super::names::{self, Role};
use super::super::project::{Project, RegionEntry};
use super::super::stack::{Layer, Stack};
use super::pixels::{blend, scaled};
use super::{
    BACKGROUND, CHANGE, MAX_TEXT, MERGED, MIMETYPE, NEGATIVE, PROJECT, STACK, START, TAKE, THUMBNAIL, safe_name,
};
use crate::document::error::{one_line, reason};
use crate::document::raster::PngReader;
use crate::document::{
    Area, Document, MAX_REGIONS, Mask, Opened, Problem, Region, RegionId, Rgb, Start, Take, check_canvas,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read as _, Seek};
use std::sync::Arc;
use zip::ZipArchive;
use zip::result::ZipError;

/// Entries beyond this many are no project.
const MAX_ENTRIES: usize = 4096;

/// Pixels of all masks together, and of all decoded layers together.
const MAX_LAYER_PIXELS: u64 = 1 << 31;

/// Bytes of all unknown entries together.
const MAX_EXTRA: u64 = 1 << 29;

/// A layer may reach beyond the canvas: up to this many times its area (or 4 million pixels, if that is more).
const LAYER_AREA: u64 = 4;

/// What was read.
pub(in crate::document) struct Read {
    pub(in crate::document) opened: Opened,
    /// The seed of a take whose pixels are elsewhere.
    pub(in crate::document) seed: Option<u64>,
}

/// Reads a project or a foreign OpenRaster file.
pub(in crate::document) fn read<R: io::Read + Seek>(stream: R) -> Result<Read, Problem> {
    let mut archive = ZipArchive::new(stream).map_err(zip_problem)?;
    if archive.len() > MAX_ENTRIES {
        return Err(Problem::TooManyEntries(archive.len(), MAX_ENTRIES));
    }
    if archive.has_duplicate_names() {
        return Err(Problem::DuplicateEntries);
    }
    if let Some(kind) = entry(&mut archive, "mimetype", 256)? {
        let kind = String::from_utf8_lossy(&kind);
        if kind.trim() != MIMETYPE {
            return Err(Problem::OtherMimetype(one_line(kind.trim(), 80)));
        }
    }
    let stack = entry(&mut archive, STACK, MAX_TEXT as u64)?.ok_or_else(|| Problem::MissingEntry(STACK.to_owned()))?;
    let project = entry(&mut archive, PROJECT, MAX_TEXT as u64)?;
    let project = project.map(|bytes| Project::parse(&bytes)).transpose()?;
    // Beside the regions: the take, the picture to start from and its mask, and two background layers.
    let stack = Stack::parse(&stack, MAX_REGIONS + 5)?;
    let (width, height) = check_canvas(stack.width, stack.height)?;
    let area = u64::from(width) * u64::from(height);
    if stack.layers.len() as u64 * area > MAX_LAYER_PIXELS.max(4 * area) {
        return Err(Problem::TooManyLayers { layers: stack.layers.len(), width, height });
    }
    let mut notes = Vec::new();
    let extra = match &project {
        Some(_) => extra_entries(&mut archive, &stack, &mut notes)?,
        None => BTreeMap::new(),
    };
    let mut layers = Layers { archive, width, height, budget: MAX_LAYER_PIXELS.max(4 * area) };
    let mut document = Document::new(width, height);
    document.extra = extra;
    let seed = project.as_ref().and_then(|project| Some(project.take.as_ref()?.seed));
    match project {
        Some(project) => layers.with_project(&stack, project, &mut document, &mut notes)?,
        None => layers.alone(&stack, &mut document, &mut notes)?,
    }
    Ok(Read { opened: Opened { document, notes, losses: Vec::new() }, seed })
}

/// The small picture inside a file, as PNG.
pub(in crate::document) fn thumbnail<R: io::Read + Seek>(stream: R) -> Result<Vec<u8>, Problem> {
    let mut archive = ZipArchive::new(stream).map_err(zip_problem)?;
    entry(&mut archive, THUMBNAIL, 1 << 22)?.ok_or_else(|| Problem::MissingEntry(THUMBNAIL.to_owned()))
}

/// The layers of a file being read.
struct Layers<R> {
    archive: ZipArchive<R>,
    width: u32,
    height: u32,
    /// Pixels that may still be decoded.
    budget: u64,
}

/// The pixels of a layer as a region's.
struct Covered {
    mask: Mask,
    /// The colour, where all covered pixels have the same.
    colour: Option<Rgb>,
}

impl<R: io::Read + Seek> Layers<R> {
    /// A file that this program wrote: each layer is what the project says of its entry. Layers it does not mention were
    /// added by another program and become regions.
    fn with_project(
        &mut self,
        stack: &Stack,
        project: Project,
        document: &mut Document,
        notes: &mut Vec<String>,
    ) -> Result<(), Problem> {
        let mut entries: BTreeMap<&str, &RegionEntry> =
            project.regions.iter().map(|entry| (entry.layer.as_str(), entry)).collect();
        let (mut image, mut change) = (None, None);
        for layer in stack.layers.iter().rev() {
            if project.take.as_ref().is_some_and(|take| take.layer == layer.src) {
                let seed = project.take.as_ref().map_or(0, |take| take.seed);
                document.take = Some(Arc::new(self.take(layer, seed)?));
            } else if project.start.as_ref().is_some_and(|start| start.layer == layer.src) {
                image = Some(Arc::new(self.take(layer, 0)?.image));
            } else if project.start.as_ref().is_some_and(|start| start.mask.as_ref() == Some(&layer.src)) {
                change = self.region(layer, notes)?.map(|covered| Arc::new(covered.mask));
            } else if project.background.layer.as_ref() == Some(&layer.src) || layer.src == NEGATIVE {
                // Its words are in the project; its pixels are the paper.
            } else if let Some(entry) = entries.remove(layer.src.as_str()) {
                let Some(covered) = self.region(layer, notes)? else { continue };
                let id = Some(entry.id)
                    .filter(|id| Project::usable_id(*id) && document.region(RegionId(*id)).is_none())
                    .map_or_else(|| document.free_id(), RegionId);
                let colour = entry.colour().or(covered.colour).unwrap_or_else(|| document.next_colour());
                let mut region = Region::new(id, &entry.name, colour, 0, 0);
                region.mask = Arc::new(covered.mask);
                region.visible = layer.visible;
                entry.fill(&mut region, notes);
                document.regions.push(region);
            } else {
                notes.push(format!("layer “{}” is new; it became a region", one_line(&layer.name, 60)));
                self.foreign(layer, document, notes)?;
            }
        }
        for entry in entries.into_values() {
            notes.push(format!("the layer of region “{}” is gone; its mask is empty", one_line(&entry.name, 60)));
            let id = document.add_region(&entry.name, &entry.words);
            if let Some(region) = document.region_mut(id) {
                entry.fill(region, notes);
            }
        }
        if let Some(entry) = &project.start {
            document.start = image.map(|image| Start {
                image,
                strength: entry.strength(notes),
                area: match (entry.area.as_str(), change) {
                    ("regions", _) => Area::Regions,
                    ("mask", Some(mask)) => Area::Mask(mask),
                    ("everything" | "", _) => Area::Everything,
                    _ => {
                        notes.push(
                            "what may change of the picture is not known; nothing but the regions may".to_owned(),
                        );
                        Area::Regions
                    }
                },
            });
            if document.start.is_none() {
                notes.push("the picture to start from is gone; the drawing starts from noise".to_owned());
            }
        }
        project.fill(document, notes);
        Ok(())
    }

    /// A file of another program, or one of ours that came back from another program.
    fn alone(&mut self, stack: &Stack, document: &mut Document, notes: &mut Vec<String>) -> Result<(), Problem> {
        let mut change = None;
        for layer in stack.layers.iter().rev() {
            match names::role(&layer.name) {
                Role::Take { seed } => {
                    let take = self.take(layer, seed.unwrap_or(0))?;
                    document.settings.seed = take.seed;
                    document.take = Some(Arc::new(take));
                }
                Role::Picture => {
                    let image = Arc::new(self.take(layer, 0)?.image);
                    document.start = Some(Start { image, strength: Start::STRENGTH, area: Area::Everything });
                }
                Role::Change => change = self.region(layer, notes)?.map(|covered| Arc::new(covered.mask)),
                Role::Background { words } => document.background.words = words,
                Role::Negative { words } => document.background.negative = words,
                Role::Region { .. } => self.foreign(layer, document, notes)?,
            }
        }
        if let (Some(start), Some(mask)) = (&mut document.start, change) {
            start.area = Area::Mask(mask);
        }
        Ok(())
    }

    /// A layer as a region named, and prompted, by its name.
    fn foreign(&mut self, layer: &Layer, document: &mut Document, notes: &mut Vec<String>) -> Result<(), Problem> {
        let Some(covered) = self.region(layer, notes)? else { return Ok(()) };
        let (name, words) = match names::role(&layer.name) {
            Role::Region { name, words } => (name, words),
            _ => (layer.name.clone(), String::new()),
        };
        let name = if name.is_empty() { format!("Region {}", document.regions.len() + 1) } else { name };
        let id = document.add_region(&name, &words);
        if let Some(region) = document.region_mut(id) {
            region.visible = layer.visible;
            region.mask = Arc::new(covered.mask);
            if let Some(colour) = covered.colour {
                region.colour = colour;
            }
        }
        Ok(())
    }

    /// Opens a layer's pixels; `None` (with a note) where they are not a PNG.
    fn png(&mut self, layer: &Layer) -> Result<PngReader<BufReader<zip::read::ZipFile<'_, R>>>, Problem> {
        let label = one_line(&layer.src, 100);
        let entry = self.archive.by_name(&layer.src).map_err(|error| match error {
            ZipError::FileNotFound => Problem::MissingEntry(label.clone()),
            error => zip_problem(error),
        })?;
        let area = u64::from(self.width) * u64::from(self.height);
        let png = PngReader::new(BufReader::with_capacity(1 << 16, entry), &label)?;
        let (width, height) = png.size();
        let png = png.at_most(self.budget.min((LAYER_AREA * area).max(1 << 22)))?;
        self.budget -= u64::from(width) * u64::from(height);
        Ok(png)
    }

    /// The mask of a layer: its alpha times its opacity, at its place on the canvas.
    fn region(&mut self, layer: &Layer, notes: &mut Vec<String>) -> Result<Option<Covered>, Problem> {
        let is_png = layer.src.rsplit_once('.').is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("png"));
        if !is_png {
            notes.push(format!("layer “{}” is not a PNG and was left out", one_line(&layer.name, 60)));
            return Ok(None);
        }
        let (width, height) = (self.width, self.height);
        let (x, y, opacity) = (layer.x, layer.y, layer.opacity);
        let mut mask = Mask::empty(self.width, self.height);
        let mut line = Vec::new();
        let mut colour = None;
        let mut mixed = false;
        let skip = usize::try_from(-x).unwrap_or(0);
        let left = u32::try_from(x.max(0)).unwrap_or(u32::MAX);
        self.png(layer)?.rows(false, |_, row, pixels| {
            let Ok(top) = u32::try_from(y + i64::from(row)) else { return };
            if top >= height || left >= width {
                return;
            }
            line.clear();
            line.extend(pixels.pixels().skip(skip).take((width - left) as usize).map(|[r, g, b, a]| {
                if a > 0 {
                    match colour {
                        None => colour = Some([r, g, b]),
                        Some(seen) => mixed |= seen != [r, g, b],
                    }
                }
                scaled(a, opacity)
            }));
            mask.write_row(left, top, &line);
        })?;
        mask.pack();
        Ok(Some(Covered { mask, colour: colour.filter(|_| !mixed).map(Rgb) }))
    }

    /// The take: a layer's pixels over white.
    fn take(&mut self, layer: &Layer, seed: u64) -> Result<Take, Problem> {
        let (width, height) = (i64::from(self.width), i64::from(self.height));
        let mut image = image::RgbImage::from_pixel(self.width, self.height, image::Rgb([255; 3]));
        let (x, y, opacity) = (layer.x, layer.y, layer.opacity);
        self.png(layer)?.rows(false, |_, row, pixels| {
            let py = y + i64::from(row);
            for (px, [r, g, b, a]) in (x..).zip(pixels.pixels()) {
                if !(0..width).contains(&px) || !(0..height).contains(&py) {
                    continue;
                }
                if let (Ok(px), Ok(py)) = (u32::try_from(px), u32::try_from(py))
                    && let Some(image::Rgb(out)) = image.get_pixel_mut_checked(px, py)
                {
                    blend(out, [r, g, b], scaled(a, opacity));
                }
            }
        })?;
        Ok(Take { image, seed })
    }
}

/// Entries that neither the specification nor this version's project format knows.
fn extra_entries<R: io::Read + Seek>(
    archive: &mut ZipArchive<R>,
    stack: &Stack,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<String, Arc<[u8]>>, Problem> {
    let known: BTreeSet<&str> =
        ["mimetype", STACK, PROJECT, MERGED, THUMBNAIL, TAKE, START, CHANGE, BACKGROUND, NEGATIVE]
            .into_iter()
            .chain(stack.layers.iter().map(|layer| layer.src.as_str()))
            .collect();
    let mut found = Vec::new();
    for name in archive.file_names() {
        match name {
            Ok(name) if known.contains(&*name) || name.ends_with('/') => {}
            Ok(name) if safe_name(&name) => found.push(name.into_owned()),
            Ok(name) => notes.push(format!("the entry “{}” has no usable name and was left out", one_line(&name, 60))),
            Err(_) => notes.push("an entry has no readable name and was left out".to_owned()),
        }
    }
    let mut left = MAX_EXTRA;
    let mut extra = BTreeMap::new();
    for name in found {
        if let Some(bytes) = entry(archive, &name, left)? {
            left -= bytes.len() as u64;
            extra.insert(name, bytes.into());
        }
    }
    Ok(extra)
}

/// Reads a whole entry of at most `limit` bytes; `None` where there is none.
fn entry<R: io::Read + Seek>(archive: &mut ZipArchive<R>, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Problem> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(zip_problem(error)),
    };
    let too_large = || Problem::EntryTooLarge { entry: one_line(name, 100), limit };
    if file.size() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| Problem::Zip(format!("{}: {}", name, reason(&e))))?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(Some(bytes))
}

fn zip_problem(error: ZipError) -> Problem {
    Problem::Zip(reason(&error))
}
