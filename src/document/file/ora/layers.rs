//! The pixels of layers, decoded within bounds of time and memory.
//!
//! Rows are streamed, so that a photograph of any size costs the memory of what lies on the canvas. An entry that several
//! layers name is decoded once, and layers that lie in the same place share one mask.

#[cfg(test)]
mod tests;

use super::super::stack::{Layer, Operator, Stack};
use super::pixels::{blend, scaled};
use super::{MERGED, entry_problem};
use crate::document::error::{one_line, reason};
use crate::document::paint::PaintRows;
use crate::document::raster::PngReader;
use crate::document::{MAX_AREA, Mask, Paint, PixelRect, Problem, Rgb, TILE, Tile, TileBytes};
use image::RgbImage;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, BufReader, Seek};
use std::sync::Arc;
use zip::ZipArchive;
use zip::read::ZipFile;

/// Pixels that are decoded of one file: a hundred layers of 4000 × 4000 are 1.6 thousand million.
const MAX_DECODED: u64 = 1 << 31;

/// Pixels of the canvas that all layers lie on together. It bounds the time where one entry lies in many places.
const MAX_LAID: u64 = 1 << 31;

/// Bytes of all masks of one file. Even tiles take none and equal tiles are shared, so only a painting takes as much.
const MAX_HELD: u64 = 1 << 31;

/// No picture has a longer side: a row of it is held in memory.
const MAX_LAYER_SIDE: u32 = 1 << 17;

type Png<'a, R> = PngReader<BufReader<ZipFile<'a, R>>>;

/// The layers of a file being read.
pub(super) struct Layers<'a, R> {
    archive: ZipArchive<R>,
    width: u32,
    height: u32,
    /// The places in which an entry will be asked for, until it is decoded.
    places: BTreeMap<&'a str, BTreeSet<Place>>,
    covered: BTreeMap<(&'a str, Place), Result<Covered, String>>,
    /// Pixels that may still be decoded.
    decoded: u64,
    /// Pixels that may still be laid on the canvas.
    laid: u64,
    tiles: Tiles,
}

/// The tiles of all masks: each different one is held once.
#[derive(Default)]
struct Tiles {
    known: HashSet<Arc<TileBytes>>,
    /// Bytes that may still be taken.
    left: u64,
}

/// The position of an entry on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    x: i64,
    y: i64,
    /// The bits of the opacity.
    opacity: u32,
}

/// The pixels of a layer as a region's.
#[derive(Debug, Clone)]
pub(super) struct Covered {
    /// Its alpha times the opacity asked for, at its place on the canvas.
    pub(super) mask: Arc<Mask>,
    pub(super) colours: Colours,
}

/// The colours of a layer's covered pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    None,
    One(Rgb),
    Several,
}

impl Colours {
    fn see(&mut self, pixels: &[[u8; 4]]) {
        if *self == Self::None {
            let first = pixels.iter().find(|[.., a]| *a > 0);
            *self = first.map_or(Self::None, |[r, g, b, _]| Self::One(Rgb([*r, *g, *b])));
        }
        if let Self::One(Rgb([r, g, b])) = *self
            && pixels.iter().any(|p| p[3] > 0 && (p[0] != r || p[1] != g || p[2] != b))
        {
            *self = Self::Several;
        }
    }

    pub(super) fn one(self) -> Option<Rgb> {
        if let Self::One(colour) = self { Some(colour) } else { None }
    }
}

/// A mask being filled with rows.
struct Target {
    place: Place,
    /// The part of the canvas that the picture lies on; `from` is the first of its columns and rows there.
    rect: PixelRect,
    from: (u32, u32),
    opacity: f32,
    mask: Mask,
    colours: Colours,
    /// True once the mask is more than may be held.
    too_much: bool,
}

impl<'a, R: io::Read + Seek> Layers<'a, R> {
    /// The layers of a file; nothing is decoded yet.
    pub(super) fn new(archive: ZipArchive<R>, stack: &'a Stack, width: u32, height: u32) -> Self {
        let mut layers = Self {
            archive,
            width,
            height,
            places: BTreeMap::new(),
            covered: BTreeMap::new(),
            decoded: MAX_DECODED,
            laid: MAX_LAID,
            tiles: Tiles { known: HashSet::new(), left: MAX_HELD },
        };
        let clips = stack.clips();
        for layer in &stack.layers {
            let places = layers.places.entry(layer.src.as_str()).or_default();
            let erases = matches!(layer.own.operator, Operator::Erase | Operator::Keep);
            if !erases {
                places.insert(Place::of(layer, layer.opacity));
            }
            if erases || clips {
                // Inside its stack a layer counts by its own opacity alone.
                places.insert(Place::of(layer, layer.own.opacity));
            }
        }
        layers
    }

    /// Reads the coverage of a layer: its alpha times `opacity`.
    ///
    /// # Errors
    /// The reason, as the end of a sentence.
    pub(super) fn covered(&mut self, layer: &'a Layer, opacity: f32) -> Result<Covered, String> {
        let (src, place) = (layer.src.as_str(), Place::of(layer, opacity));
        if !self.covered.contains_key(&(src, place)) {
            let mut places = self.places.remove(src).unwrap_or_default();
            places.insert(place);
            self.decode(src, places);
        }
        let found = self.covered.get(&(src, place)).cloned();
        found.unwrap_or_else(|| Err("it was not decoded".to_owned()))
    }

    /// Combines two masks byte by byte with `change`; `None` where the result would take more memory than a file may.
    pub(super) fn combine(&mut self, one: &Mask, other: &Mask, change: impl Fn(u8, u8) -> u8) -> Option<Arc<Mask>> {
        if self.tiles.left == 0 {
            return None;
        }
        let mask = one.with(other, change);
        let tables = mask.memory() - mask.tiles().map(|(.., tile)| tile.memory()).sum::<usize>();
        let made = mask.tiles().zip(one.tiles().zip(other.tiles())).filter(|((.., tile), ((.., one), (.., other)))| {
            let Tile::Each(bytes) = tile else { return false };
            ![one, other].iter().any(|from| matches!(from, Tile::Each(from) if Arc::ptr_eq(bytes, from)))
        });
        let memory = tables + made.count() * size_of::<TileBytes>();
        self.tiles.take(memory as u64).then(|| Arc::new(mask))
    }

    /// The canvas covered everywhere.
    pub(super) fn everywhere(&self) -> Mask {
        Mask::even(self.width, self.height, 255)
    }

    /// Reads what of a mask lies beyond the canvas, as [`Beyond`](crate::paint::Beyond) has it; `None` where that is nothing. `x` and `y`
    /// are the place of its pixels from the canvas's upper left corner.
    ///
    /// # Errors
    /// As [`Self::covered`].
    pub(super) fn outside(&mut self, src: &str, (x, y): (i64, i64)) -> Result<Option<Arc<Mask>>, String> {
        let (width, height) = (self.width, self.height);
        let place =
            Place { x: x.saturating_add(width.into()), y: y.saturating_add(height.into()), opacity: 1.0_f32.to_bits() };
        // It is a mask of three canvases in both directions.
        let read = self.masks(src, &BTreeSet::from([place]), (3 * width, 3 * height));
        let target = read?.pop().filter(|target| !target.too_much);
        let mut whole = target.ok_or_else(|| format!("{} is more than is held of one file", one_line(src, 100)))?.mask;
        whole.fill(PixelRect { x: width, y: height, width, height }, 0);
        whole.pack();
        Ok((!whole.is_blank()).then(|| Arc::new(whole)))
    }

    fn decode(&mut self, src: &'a str, places: BTreeSet<Place>) {
        let too_much = || Err(format!("{} is more than is held of one file", one_line(src, 100)));
        match self.masks(src, &places, (self.width, self.height)) {
            Ok(targets) => {
                for Target { place, mask, colours, too_much: left_out, .. } in targets {
                    let covered = Covered { mask: Arc::new(mask), colours };
                    self.covered.insert((src, place), if left_out { too_much() } else { Ok(covered) });
                }
                for place in places {
                    self.covered.entry((src, place)).or_insert_with(too_much);
                }
            }
            Err(why) => self.covered.extend(places.into_iter().map(|place| ((src, place), Err(why.clone())))),
        }
    }

    /// Decodes an entry once, into a mask of the `canvas`'s size for each place for which there is room.
    fn masks(&mut self, src: &str, places: &BTreeSet<Place>, canvas: (u32, u32)) -> Result<Vec<Target>, String> {
        let mut laid = self.laid;
        let (tiles, decoded) = (&mut self.tiles, self.decoded);
        let png = open(&mut self.archive, src, decoded)?;
        let size = png.size();
        let mut targets = Vec::new();
        for place in places {
            let (rect, from) = place.on_canvas(size, canvas);
            if let Some(left) = laid.checked_sub(rect.area()) {
                laid = left;
                let (opacity, mask) = (f32::from_bits(place.opacity), Mask::empty(canvas.0, canvas.1));
                let (colours, too_much) = (Colours::None, false);
                targets.push(Target { place: *place, rect, from, opacity, mask, colours, too_much });
            }
        }
        if targets.iter().all(|target| target.rect.is_empty()) {
            return Ok(targets);
        }
        let (mut line, mut alphas, mut rows) = (Vec::new(), Vec::new(), 0_u64);
        let result = png.rows(false, |_, y, row| {
            rows += 1;
            let pixels = row.rgba().unwrap_or_else(|| {
                line.clear();
                line.extend(row.pixels());
                &line
            });
            for target in targets.iter_mut().filter(|target| !target.too_much) {
                target.add(y, pixels, &mut alphas, tiles);
            }
        });
        self.laid = laid;
        self.decoded = decoded.saturating_sub(rows * u64::from(size.0));
        result.map_err(|problem| why(&problem))?;
        Ok(targets)
    }

    /// A layer's pixels over white.
    ///
    /// # Errors
    /// As [`Self::covered`].
    pub(super) fn picture(&mut self, layer: &Layer) -> Result<RgbImage, String> {
        let mut image = RgbImage::from_pixel(self.width, self.height, image::Rgb([255; 3]));
        let canvas = (self.width, self.height);
        let decoded = self.decoded;
        let png = open(&mut self.archive, &layer.src, decoded)?;
        let (rect, (left, top)) = Place::of(layer, layer.opacity).on_canvas(png.size(), canvas);
        let (mut rows, across) = (0_u64, u64::from(png.size().0));
        let result = png.rows(false, |_, y, row| {
            rows += 1;
            let Some(y) = y.checked_sub(top).filter(|y| *y < rect.height) else { return };
            let start = (rect.y + y) as usize * canvas.0 as usize + rect.x as usize;
            let out = image.chunks_exact_mut(3).skip(start).take(rect.width as usize);
            for (out, [r, g, b, a]) in out.zip(row.pixels().skip(left as usize)) {
                if let Ok(out) = <&mut [u8; 3]>::try_from(out) {
                    blend(out, [r, g, b], scaled(a, layer.opacity));
                }
            }
        });
        self.decoded = decoded.saturating_sub(rows * across);
        result.map_err(|problem| why(&problem))?;
        Ok(image)
    }

    /// A layer's pixels as a paint layer.
    ///
    /// # Errors
    /// As [`Self::covered`].
    pub(super) fn paint(&mut self, layer: &Layer) -> Result<Paint, String> {
        let canvas = (self.width, self.height);
        let decoded = self.decoded;
        let png = open(&mut self.archive, &layer.src, decoded)?;
        let (rect, (left, top)) = Place::of(layer, layer.opacity).on_canvas(png.size(), canvas);
        let (mut rows, across) = (0_u64, u64::from(png.size().0));
        let mut paint = PaintRows::new(canvas.0, canvas.1);
        let mut line = vec![[0; 4]; rect.width as usize];
        let result = png.rows(false, |_, y, row| {
            rows += 1;
            let Some(y) = y.checked_sub(top).filter(|y| *y < rect.height) else { return };
            for (out, [r, g, b, a]) in line.iter_mut().zip(row.pixels().skip(left as usize)) {
                *out = [r, g, b, scaled(a, layer.opacity)];
            }
            paint.write_row(rect.x, rect.y + y, &line);
        });
        self.decoded = decoded.saturating_sub(rows * across);
        result.map_err(|problem| why(&problem))?;
        Ok(paint.done())
    }

    /// The picture of all layers together, of its own size and over white; `None` where there is none, or nothing in it.
    pub(super) fn merged(&mut self) -> Option<Result<RgbImage, String>> {
        if !self.archive.file_names().any(|name| name.is_ok_and(|name| name == MERGED)) {
            return None;
        }
        let png = match open(&mut self.archive, MERGED, MAX_AREA) {
            Ok(png) => png,
            Err(why) => return Some(Err(why)),
        };
        let (width, height) = png.size();
        let mut image = RgbImage::new(width, height);
        let mut out = image.chunks_exact_mut((width as usize * 3).max(1));
        let mut seen = false;
        let result = png.rows(false, |_, _, row| {
            for (out, [r, g, b, a]) in out.next().unwrap_or_default().chunks_exact_mut(3).zip(row.pixels()) {
                seen |= a > 0;
                let mut pixel = [255; 3];
                blend(&mut pixel, [r, g, b], a);
                out.copy_from_slice(&pixel);
            }
        });
        match result {
            Err(problem) => Some(Err(why(&problem))),
            Ok(_) => seen.then_some(Ok(image)),
        }
    }
}

impl Place {
    fn of(layer: &Layer, opacity: f32) -> Self {
        Self { x: layer.x, y: layer.y, opacity: opacity.to_bits() }
    }

    /// The part of the canvas that a picture of this size lies on, and the first of its columns and rows there.
    fn on_canvas(self, size: (u32, u32), canvas: (u32, u32)) -> (PixelRect, (u32, u32)) {
        let side = |at: i64, size: u32, canvas: u32| {
            let start = at.clamp(0, i64::from(canvas));
            let end = (at + i64::from(size)).clamp(start, i64::from(canvas));
            let first = if end > start { start - at } else { 0 };
            let held = |v: i64| u32::try_from(v).unwrap_or(0);
            (held(start), held(end - start), held(first))
        };
        let (x, width, left) = side(self.x, size.0, canvas.0);
        let (y, height, top) = side(self.y, size.1, canvas.1);
        (PixelRect { x, y, width, height }, (left, top))
    }
}

impl Target {
    /// Takes in row `y` of the picture.
    fn add(&mut self, y: u32, pixels: &[[u8; 4]], alphas: &mut Vec<u8>, tiles: &mut Tiles) {
        let (left, top) = self.from;
        let Some(y) = y.checked_sub(top).filter(|y| *y < self.rect.height) else { return };
        let pixels = pixels.get(left as usize..).unwrap_or_default();
        let pixels = pixels.get(..self.rect.width as usize).unwrap_or(pixels);
        self.colours.see(pixels);
        alphas.clear();
        alphas.extend(pixels.iter().map(|[.., a]| *a));
        if self.opacity < 1.0 {
            alphas.iter_mut().for_each(|a| *a = scaled(*a, self.opacity));
        }
        let at = self.rect.y + y;
        self.mask.write_row(self.rect.x, at, alphas);
        if at % TILE == TILE - 1 || y + 1 == self.rect.height {
            self.end_tiles(at / TILE, tiles);
        }
    }

    /// Ends a row of tiles: what is even in it, or known already, takes no memory from here on.
    fn end_tiles(&mut self, row: u32, tiles: &mut Tiles) {
        let last = (self.rect.x + self.rect.width).div_ceil(TILE);
        for column in self.rect.x / TILE..last {
            self.mask.pack_tile(column, row);
            if !tiles.hold(self.mask.tile_mut(column, row)) {
                self.too_much = true;
                self.mask = Mask::empty(self.mask.width(), self.mask.height());
                return;
            }
        }
    }
}

impl Tiles {
    /// Holds a tile, as one with an equal one that is known; false where there is no room for it.
    fn hold(&mut self, tile: &mut Tile) -> bool {
        let Tile::Each(bytes) = tile else { return true };
        if let Some(known) = self.known.get(&**bytes) {
            *bytes = Arc::clone(known);
            return true;
        }
        self.known.insert(Arc::clone(bytes));
        self.take(size_of::<TileBytes>() as u64)
    }

    /// Takes memory; false where less is left.
    fn take(&mut self, bytes: u64) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

/// Opens the PNG of an entry, if it says that it has no more than this many pixels.
fn open<'a, R: io::Read + Seek>(archive: &'a mut ZipArchive<R>, src: &str, most: u64) -> Result<Png<'a, R>, String> {
    let label = one_line(src, 100);
    if !src.rsplit_once('.').is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("png")) {
        return Err(format!("{label} is not a PNG"));
    }
    let entry = archive.by_name(src).map_err(|error| why(&entry_problem(src, error)))?;
    let png = PngReader::new(BufReader::with_capacity(1 << 16, entry), &label).map_err(|problem| why(&problem))?;
    let (width, height) = png.size();
    if width.max(height) > MAX_LAYER_SIDE || u64::from(width) * u64::from(height) > most {
        return Err(format!("{label} says it has {width}×{height} pixels, more than can be read of this file"));
    }
    Ok(png)
}

/// The reason why a layer cannot be read, as the end of a sentence: without the remedy for a whole file that cannot be read.
pub(super) fn why(problem: &Problem) -> String {
    match problem {
        Problem::MissingEntry(entry) => format!("{entry} is not in the file"),
        Problem::Picture { entry, reason } => format!("{entry} is not a readable PNG: {reason}"),
        Problem::PictureTooLarge { entry, width, height } => {
            format!("{entry} says it has {width}×{height} pixels, more than can be read of this file")
        }
        Problem::Zip(what) => format!("the zip is damaged there: {what}"),
        other => reason(other),
    }
}
