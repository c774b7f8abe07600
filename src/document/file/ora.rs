//! The OpenRaster container, read and written.

use super::names::{self, Role};
use super::project::{Project, RegionEntry};
use super::stack::{Layer, Stack};
use super::{Opened, picture};
use crate::document::error::{one_line, reason};
use crate::document::raster::{PngReader, write_png};
use crate::document::takes;
use crate::document::{
    Area, Document, MAX_REGIONS, Mask, PixelRect, Problem, Region, RegionId, Rgb, Start, Take, check_canvas,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read as _, Seek, Write};
use std::sync::Arc;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const MIMETYPE: &str = "image/openraster";
const STACK: &str = "stack.xml";
const PROJECT: &str = "polyptych.json";
const MERGED: &str = "mergedimage.png";
const THUMBNAIL: &str = "Thumbnails/thumbnail.png";
const TAKE: &str = "data/take.png";
const START: &str = "data/start.png";
const CHANGE: &str = "data/change.png";
const BACKGROUND: &str = "data/background.png";
const NEGATIVE: &str = "data/negative.png";

/// The largest side of the thumbnail, by the specification.
const THUMBNAIL_SIDE: u32 = 256;

/// The largest `stack.xml` and `polyptych.json`, so the most words a file may hold.
const MAX_TEXT: usize = 1 << 24;

/// Entries beyond this many are no project.
const MAX_ENTRIES: usize = 4096;

/// Pixels of all masks together, and of all decoded layers together.
const MAX_LAYER_PIXELS: u64 = 1 << 31;

/// Bytes of all unknown entries together.
const MAX_EXTRA: u64 = 1 << 29;

/// A layer may reach beyond the canvas: up to this many times its area (or 4 million pixels, if that is more).
const LAYER_AREA: u64 = 4;

/// What goes into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::document) enum Contents {
    /// A whole OpenRaster file.
    Whole,
    /// Only what a picture that carries it does not show: no take, no merged image, no thumbnail. The picture was drawn
    /// with this seed.
    WithoutPicture { seed: u64 },
}

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
    Ok(Read { opened: Opened { document, notes }, seed })
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

/// True of a name that stays inside any folder it is unpacked to, on any system.
fn safe_name(name: &str) -> bool {
    name.len() <= 512
        && !name.contains(['\\', ':'])
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
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

/// Writes a document.
pub(in crate::document) fn write<W: Write + Seek>(
    document: &Document,
    stream: W,
    contents: Contents,
) -> Result<(), Problem> {
    check_canvas(u64::from(document.width), u64::from(document.height))?;
    if document.regions.len() > MAX_REGIONS {
        let Document { width, height, .. } = *document;
        return Err(Problem::TooManyLayers { layers: document.regions.len(), width, height });
    }
    for (index, region) in document.regions.iter().enumerate() {
        let (width, height) = (region.mask.width(), region.mask.height());
        if (width, height) != (document.width, document.height) {
            return Err(Problem::MaskMismatch { number: index + 1, width, height });
        }
    }
    if let Some(start) = &document.start {
        let mask = if let Area::Mask(mask) = &start.area { Some((mask.width(), mask.height())) } else { None };
        for (width, height) in [start.image.dimensions()].into_iter().chain(mask) {
            if (width, height) != (document.width, document.height) {
                return Err(Problem::StartMismatch { width, height });
            }
        }
    }
    let whole = contents == Contents::Whole;
    let take = document
        .take
        .as_deref()
        .filter(|take| whole && (take.image.width(), take.image.height()) == (document.width, document.height));
    let boxes: Vec<PixelRect> = document.regions.iter().map(|region| region.mask.bounds()).collect();
    let stack = layers_of(document, &boxes, take.is_some()).to_xml();
    let seed = match contents {
        Contents::Whole => take.map(|take| take.seed),
        Contents::WithoutPicture { seed } => Some(seed),
    };
    let project =
        Project::of(document, layer_entry, BACKGROUND, (START, CHANGE), seed.map(|seed| (TAKE, seed))).to_json()?;
    if stack.len().max(project.len()) > MAX_TEXT {
        return Err(Problem::TooMuchText(stack.len().max(project.len()), MAX_TEXT));
    }

    let mut zip = ZipWriter::new(stream);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut put = |name: &str, bytes: &[u8], options: SimpleFileOptions| -> Result<(), Problem> {
        zip.start_file(name, options).map_err(|e| write_problem(e.into()))?;
        zip.write_all(bytes).map_err(write_problem)
    };
    put("mimetype", MIMETYPE.as_bytes(), stored)?;
    put(STACK, stack.as_bytes(), deflated)?;
    put(PROJECT, &project, deflated)?;
    let mut written = BTreeSet::from(["mimetype".to_owned(), STACK.to_owned(), PROJECT.to_owned()]);
    for (region, bounds) in document.regions.iter().zip(&boxes) {
        let name = layer_entry(region);
        put(&name, &mask_png(&region.mask, region.colour, *bounds)?, stored)?;
        written.insert(name);
    }
    if let Some(start) = &document.start {
        put(START, &picture_png(&start.image)?, stored)?;
        if let Area::Mask(mask) = &start.area {
            put(CHANGE, &mask_png(mask, CHANGE_COLOUR, mask.bounds())?, stored)?;
        }
    }
    let paper = flat_png((document.width, document.height), [255; 4])?;
    put(BACKGROUND, &paper, stored)?;
    if !document.background.negative.is_empty() {
        put(NEGATIVE, &flat_png((1, 1), [255, 255, 255, 0])?, stored)?;
    }
    if whole {
        let mut thumbnail = Thumbnail::new(document.width, document.height);
        let merged = merged_png(document, &boxes, take, &mut thumbnail)?;
        if take.is_some() {
            put(TAKE, &merged, stored)?;
        }
        put(MERGED, &merged, stored)?;
        put(THUMBNAIL, &thumbnail.png()?, stored)?;
    }
    written.extend([START, CHANGE, BACKGROUND, NEGATIVE, TAKE, MERGED, THUMBNAIL].map(str::to_owned));
    for (name, bytes) in &document.extra {
        let travels = whole || !name.starts_with(takes::FOLDER);
        if travels && safe_name(name) && written.insert(name.clone()) {
            let packed = ["png", "jpg", "jpeg", "webp", "zip", "ora"];
            let is_packed = name.rsplit_once('.').is_some_and(|(_, kind)| packed.contains(&kind));
            put(name, bytes, if is_packed { stored } else { deflated })?;
        }
    }
    zip.finish().map_err(|e| write_problem(e.into()))?.flush().map_err(write_problem)
}

/// The entry of a region's pixels.
fn layer_entry(region: &Region) -> String {
    format!("data/region-{}.png", region.id.0)
}

/// The stack of a document: the take, the regions from the uppermost, the paper.
fn layers_of(document: &Document, boxes: &[PixelRect], take: bool) -> Stack {
    let layer = |name: String, src: &str, x: u32, y: u32, visible: bool| Layer {
        name,
        src: src.to_owned(),
        x: i64::from(x),
        y: i64::from(y),
        opacity: 1.0,
        visible,
    };
    let mut layers = Vec::new();
    if let Some(kept) = document.take.as_ref().filter(|_| take) {
        layers.push(layer(names::of_take(kept.seed), TAKE, 0, 0, true));
    }
    for (region, bounds) in document.regions.iter().zip(boxes).rev() {
        layers.push(layer(names::of_region(region), &layer_entry(region), bounds.x, bounds.y, region.visible));
    }
    if let Some(start) = &document.start {
        layers.push(layer(names::OF_PICTURE.to_owned(), START, 0, 0, true));
        if let Area::Mask(mask) = &start.area {
            let bounds = mask.bounds();
            layers.push(layer(names::OF_CHANGE.to_owned(), CHANGE, bounds.x, bounds.y, false));
        }
    }
    layers.push(layer(names::of_background(&document.background.words), BACKGROUND, 0, 0, true));
    if !document.background.negative.is_empty() {
        layers.push(layer(names::of_negative(&document.background.negative), NEGATIVE, 0, 0, true));
    }
    Stack { width: u64::from(document.width), height: u64::from(document.height), layers }
}

/// The colour in which other programs show the mask of what may change.
const CHANGE_COLOUR: Rgb = Rgb([255; 3]);

/// A mask's layer: one colour everywhere in its box, the mask as alpha; one clear pixel where it is empty.
fn mask_png(mask: &Mask, colour: Rgb, bounds: PixelRect) -> Result<Vec<u8>, Problem> {
    let Rgb([r, g, b]) = colour;
    if bounds.is_empty() {
        return flat_png((1, 1), [r, g, b, 0]);
    }
    let mut line = vec![0; bounds.width as usize];
    encode((bounds.width, bounds.height), png::ColorType::Rgba, |y, row| {
        mask.read_row(bounds.x, bounds.y + y, &mut line);
        for (pixel, alpha) in row.chunks_exact_mut(4).zip(&line) {
            pixel.copy_from_slice(&[r, g, b, *alpha]);
        }
    })
}

fn picture_png(image: &image::RgbImage) -> Result<Vec<u8>, Problem> {
    let mut rows = image.as_raw().chunks_exact((image.width() as usize * 3).max(1));
    encode(image.dimensions(), png::ColorType::Rgb, |_, row| {
        if let Some(pixels) = rows.next() {
            row.copy_from_slice(pixels);
        }
    })
}

fn flat_png(size: (u32, u32), colour: [u8; 4]) -> Result<Vec<u8>, Problem> {
    encode(size, png::ColorType::Rgba, |_, row| {
        for pixel in row.chunks_exact_mut(4) {
            pixel.copy_from_slice(&colour);
        }
    })
}

/// What a viewer shows: the take, or the visible regions over the picture to start from, or over white.
fn merged_png(
    document: &Document,
    boxes: &[PixelRect],
    take: Option<&Take>,
    thumbnail: &mut Thumbnail,
) -> Result<Vec<u8>, Problem> {
    let take_rows = take.map(|take| take.image.as_raw().chunks_exact(document.width as usize * 3));
    let mut take_rows = take_rows.into_iter().flatten();
    let start = document.start.as_ref().filter(|start| start.image.dimensions() == (document.width, document.height));
    let start_rows = start.map(|start| start.image.as_raw().chunks_exact(document.width as usize * 3));
    let mut start_rows = start_rows.into_iter().flatten();
    encode((document.width, document.height), png::ColorType::Rgb, |y, row| {
        match take_rows.next() {
            Some(pixels) => row.copy_from_slice(pixels),
            None => {
                match start_rows.next() {
                    Some(pixels) => row.copy_from_slice(pixels),
                    None => row.fill(255),
                }
                for (region, bounds) in document.regions.iter().zip(boxes) {
                    if region.visible && (bounds.y..bounds.y + bounds.height).contains(&y) {
                        tint(row, region, *bounds, y);
                    }
                }
            }
        }
        thumbnail.add_row(y, row);
    })
}

/// Lays one row of a region over a row of pixels.
fn tint(row: &mut [u8], region: &Region, bounds: PixelRect, y: u32) {
    let mask = region.mask.crop(PixelRect { y, height: 1, ..bounds });
    for (pixel, alpha) in row.chunks_exact_mut(3).skip(bounds.x as usize).zip(&mask) {
        if let Ok(pixel) = <&mut [u8; 3]>::try_from(pixel) {
            blend(pixel, region.colour.0, *alpha);
        }
    }
}

/// Simple alpha compositing of a colour over an opaque pixel.
fn blend(under: &mut [u8; 3], over: [u8; 3], alpha: u8) {
    let alpha = u32::from(alpha);
    for (under, over) in under.iter_mut().zip(over) {
        let sum = u32::from(*under) * (255 - alpha) + u32::from(over) * alpha;
        *under = u8::try_from((sum + 127) / 255).unwrap_or(255);
    }
}

/// Alpha times opacity.
fn scaled(alpha: u8, opacity: f32) -> u8 {
    if opacity >= 1.0 {
        return alpha;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let value = (f32::from(alpha) * opacity).round().clamp(0.0, 255.0) as u8;
    value
}

/// Shrinks a picture to the thumbnail's size while its rows go by: each of its pixels is the mean of those it stands for.
struct Thumbnail {
    from: (u32, u32),
    size: (u32, u32),
    sums: Vec<[u64; 3]>,
    counts: Vec<u64>,
}

impl Thumbnail {
    fn new(width: u32, height: u32) -> Self {
        let longest = width.max(height);
        let fit = |side: u32| {
            if longest <= THUMBNAIL_SIDE { side } else { (side * THUMBNAIL_SIDE).div_ceil(longest).max(1) }
        };
        let size = (fit(width), fit(height));
        let len = size.0 as usize * size.1 as usize;
        Self { from: (width, height), size, sums: vec![[0; 3]; len], counts: vec![0; len] }
    }

    fn add_row(&mut self, y: u32, row: &[u8]) {
        let (width, height) = (self.from.0.max(1) as usize, self.from.1.max(1) as usize);
        let columns = self.size.0 as usize;
        let start = (y as usize * self.size.1 as usize / height) * columns;
        for (x, pixel) in row.chunks_exact(3).enumerate() {
            let index = start + x * columns / width;
            if let (Some(sum), Some(count)) = (self.sums.get_mut(index), self.counts.get_mut(index)) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += u64::from(*value);
                }
                *count += 1;
            }
        }
    }

    fn png(&self) -> Result<Vec<u8>, Problem> {
        let mut pixels = self.sums.iter().zip(&self.counts);
        encode(self.size, png::ColorType::Rgb, |_, row| {
            for (out, (sum, count)) in row.chunks_exact_mut(3).zip(&mut pixels) {
                for (out, sum) in out.iter_mut().zip(sum) {
                    *out = u8::try_from((sum + count / 2) / (*count).max(1)).unwrap_or(255);
                }
            }
        })
    }
}

fn encode(size: (u32, u32), colour: png::ColorType, fill: impl FnMut(u32, &mut [u8])) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    write_png(&mut bytes, size, colour, png::Compression::Fast, |_| Ok(()), fill).map_err(picture)?;
    Ok(bytes)
}

fn write_problem(error: io::Error) -> Problem {
    Problem::Write(error)
}
