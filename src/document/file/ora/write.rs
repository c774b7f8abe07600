//! Writing.

use super::super::names;
use super::super::project::{OutsideEntry, Project};
use super::super::stack::{Layer, Stack};
use super::pixels::{Thumbnail, blend, encode, flat_png, mask_png, paint_png, picture_png};
use super::{
    BACKGROUND, CHANGE, MAX_TEXT, MERGED, MIMETYPE, NEGATIVE, PAINT, PROJECT, STACK, START, TAKE, THUMBNAIL, safe_name,
};
use crate::document::{
    Area, Document, MAX_REGIONS, Mask, Paint, PixelRect, Problem, Region, RegionId, Rgb, Take, check_canvas, takes,
};
use image::RgbImage;
use std::collections::BTreeSet;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The content of a file to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::document) enum Contents {
    /// A whole OpenRaster file.
    Whole,
    /// Only what a picture that carries it does not show: no take, no merged image, no thumbnail. The picture was drawn
    /// with this seed.
    WithoutPicture { seed: u64 },
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
    if let Some(start) = &document.init_image {
        let mask = if let Area::Mask(mask) = &start.area { Some((mask.width(), mask.height())) } else { None };
        for (width, height) in [start.image.dimensions()].into_iter().chain(mask) {
            if (width, height) != (document.width, document.height) {
                return Err(Problem::StartMismatch { width, height });
            }
        }
    }
    let whole = contents == Contents::Whole;
    if let Some(paint) = &document.paint
        && (paint.width(), paint.height()) != (document.width, document.height)
    {
        return Err(Problem::PaintMismatch { width: paint.width(), height: paint.height() });
    }
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
    let seen = seen_pictures(document);
    let control = |picture: &Arc<RgbImage>| {
        control_entry(seen.iter().position(|known| Arc::ptr_eq(known, picture)).unwrap_or_default())
    };
    let take_entry = seed.map(|seed| (TAKE, seed));
    let beyond = beyond(document);
    let outside = beyond.iter().map(|(entry, _)| entry.clone()).collect();
    let project = Project::of(document, layer_entry, BACKGROUND, (START, CHANGE, PAINT), take_entry, control, outside)
        .to_json()?;
    if stack.len().max(project.len()) > MAX_TEXT {
        return Err(Problem::TooMuchText(stack.len().max(project.len()), MAX_TEXT));
    }

    let mut zip = ZipWriter::new(FailsOnce { stream, failed: false, at: 0 });
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
    if let Some(start) = &document.init_image {
        put(START, &picture_png(&start.image)?, stored)?;
        if let Area::Mask(mask) = &start.area {
            put(CHANGE, &mask_png(mask, CHANGE_COLOUR, mask.bounds())?, stored)?;
        }
    }
    if let Some(paint) = &document.paint {
        put(PAINT, &paint_png(paint)?, stored)?;
    }
    for (OutsideEntry { picture: name, .. }, outside) in beyond {
        put(&name, &mask_png(outside, CHANGE_COLOUR, outside.bounds())?, stored)?;
        written.insert(name);
    }
    for (number, picture) in seen.iter().enumerate() {
        let name = control_entry(number);
        put(&name, &picture_png(picture)?, stored)?;
        written.insert(name);
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
    written.extend([START, PAINT, CHANGE, BACKGROUND, NEGATIVE, TAKE, MERGED, THUMBNAIL].map(str::to_owned));
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

/// A stream that swallows everything after its first failure, which its writer is told of. `ZipWriter` tries to finish its
/// file when it is dropped, and would tell a second failure on standard error.
struct FailsOnce<W> {
    stream: W,
    failed: bool,
    /// The position that the writer believes in, bytes from the start.
    at: u64,
}

impl<W: Write> Write for FailsOnce<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = if self.failed { Ok(bytes.len()) } else { self.stream.write(bytes) };
        self.failed |= written.is_err();
        self.at += *written.as_ref().unwrap_or(&0) as u64;
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = if self.failed { Ok(()) } else { self.stream.flush() };
        self.failed |= flushed.is_err();
        flushed
    }
}

impl<W: Seek> Seek for FailsOnce<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let found = if self.failed {
            Ok(match to {
                SeekFrom::Start(at) => at,
                SeekFrom::Current(by) | SeekFrom::End(by) => self.at.saturating_add_signed(by),
            })
        } else {
            self.stream.seek(to)
        };
        self.failed |= found.is_err();
        self.at = *found.as_ref().unwrap_or(&self.at);
        found
    }
}

/// The entry of a region's pixels.
fn layer_entry(region: &Region) -> String {
    format!("data/region-{}.png", region.id.0)
}

/// The pictures that ControlNets see, each once.
fn seen_pictures(document: &Document) -> Vec<&Arc<RgbImage>> {
    let mut seen: Vec<&Arc<RgbImage>> = Vec::new();
    for picture in document.all_controls().filter_map(|control| control.map.picture()) {
        if !seen.iter().any(|known| Arc::ptr_eq(known, picture)) {
            seen.push(picture);
        }
    }
    seen
}

/// What of masks lies beyond the canvas, and the entry of each.
fn beyond(document: &Document) -> Vec<(OutsideEntry, &Mask)> {
    let ids = document.regions.iter().map(|region| region.id).chain([RegionId::INPAINT]);
    let masks = ids.filter(|id| document.mask(*id).is_some());
    let outside = masks.filter_map(|id| Some((id, document.outside(id)?.as_ref())));
    outside
        .filter(|(_, outside)| !outside.is_blank())
        .map(|(id, outside)| (outside_entry(id, outside), outside))
        .collect()
}

/// The entry of what of a mask lies beyond the canvas.
fn outside_entry(id: RegionId, outside: &Mask) -> OutsideEntry {
    // (It is a mask of three canvases in both directions, whose middle one is the canvas.)
    let (bounds, width, height) = (outside.bounds(), outside.width() / 3, outside.height() / 3);
    let region = Some(id.0).filter(|_| id != RegionId::INPAINT);
    OutsideEntry {
        picture: region.map_or_else(|| "data/outside-change.png".to_owned(), |id| format!("data/outside-{id}.png")),
        region,
        x: i64::from(bounds.x) - i64::from(width),
        y: i64::from(bounds.y) - i64::from(height),
    }
}

/// The entry of a picture that ControlNets see.
fn control_entry(number: usize) -> String {
    format!("data/control-{}.png", number + 1)
}

/// The stack of a document: the take, the regions from the uppermost, the paint, the picture to start from, the paper.
fn layers_of(document: &Document, boxes: &[PixelRect], take: bool) -> Stack {
    let mut layers = Vec::new();
    if let Some(kept) = document.take.as_ref().filter(|_| take) {
        layers.push(Layer::plain(names::of_take(kept.seed), TAKE, 0, 0, true));
    }
    for (region, bounds) in document.regions.iter().zip(boxes).rev() {
        layers.push(Layer::plain(names::of_region(region), &layer_entry(region), bounds.x, bounds.y, region.visible));
    }
    if let Some(paint) = &document.paint {
        let bounds = paint.cover().bounds();
        layers.push(Layer::plain(names::OF_PAINT.to_owned(), PAINT, bounds.x, bounds.y, true));
    }
    if let Some(start) = &document.init_image {
        layers.push(Layer::plain(names::OF_PICTURE.to_owned(), START, 0, 0, true));
        if let Area::Mask(mask) = &start.area {
            let bounds = mask.bounds();
            layers.push(Layer::plain(names::OF_CHANGE.to_owned(), CHANGE, bounds.x, bounds.y, false));
        }
    }
    layers.push(Layer::plain(names::of_background(&document.background.prompt), BACKGROUND, 0, 0, true));
    if !document.background.negative.is_empty() {
        layers.push(Layer::plain(names::of_negative(&document.background.negative), NEGATIVE, 0, 0, true));
    }
    Stack::flat(document.width, document.height, layers)
}

/// The colour in which other programs show the mask of what may change.
const CHANGE_COLOUR: Rgb = Rgb([255; 3]);

/// The merged picture that viewers show: the take, or the visible regions over paint and the picture to start from, or over white.
fn merged_png(
    document: &Document,
    boxes: &[PixelRect],
    take: Option<&Take>,
    thumbnail: &mut Thumbnail,
) -> Result<Vec<u8>, Problem> {
    let take_rows = take.map(|take| take.image.as_raw().chunks_exact(document.width as usize * 3));
    let mut take_rows = take_rows.into_iter().flatten();
    let start =
        document.init_image.as_ref().filter(|start| start.image.dimensions() == (document.width, document.height));
    let start_rows = start.map(|start| start.image.as_raw().chunks_exact(document.width as usize * 3));
    let mut start_rows = start_rows.into_iter().flatten();
    let mut inks = vec![[0; 4]; document.width as usize];
    encode((document.width, document.height), png::ColorType::Rgb, |y, row| {
        match take_rows.next() {
            Some(pixels) => row.copy_from_slice(pixels),
            None => {
                match start_rows.next() {
                    Some(pixels) => row.copy_from_slice(pixels),
                    None => row.fill(255),
                }
                if let Some(paint) = &document.paint {
                    paint.read_row(0, y, &mut inks);
                    for (pixel, ink) in row.as_chunks_mut().0.iter_mut().zip(&inks) {
                        *pixel = Paint::over(*ink, *pixel);
                    }
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

fn write_problem(error: io::Error) -> Problem {
    Problem::Write(error)
}
