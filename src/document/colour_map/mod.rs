//! Colour maps: flat-coloured pictures in which each colour is a region, as segmentation programs and painters make them.
//!
//! Reading one takes three steps, a file each: `find` decides which colours are regions, `place` gives every pixel to one of
//! them (or to several by share, where an edge is soft), and `lay` makes masks of that for a canvas of any size.

mod ade20k;
mod find;
mod lay;
mod place;

use super::{Document, FileError, MAX_REGIONS, Problem, Region, RegionId, Rgb, read_picture};
pub(super) use ade20k::named as class_of_words;
use image::RgbaImage;
use rayon::prelude::*;
use std::path::Path;

/// Colours nearer than this are one region, the more frequent one: about what the eye still tells apart where two even areas
/// meet (grey levels four apart), and less than what lies between any two classes of ADE20K's palette (12.6).
const MERGE: f32 = 12.0;
/// The same in a picture with noise (JPEG, or taken from a screen), for what is little beside the more frequent colour: there
/// an even area ends in a fringe of shades that are off by as much as this (grey levels twelve apart).
const MERGE_NOISY: f32 = 36.0;
/// The share of a map's regions that must have exactly a colour of ADE20K's palette for its classes to name them.
const OF_PALETTE: f64 = 0.95;
/// The most colours that an error or a note lists.
const LISTED: usize = 12;

/// A flat-coloured picture, taken apart into its colours.
#[derive(Debug, Clone)]
pub struct ColourMap {
    width: u32,
    height: u32,
    /// The largest first, as the lowest region comes first.
    colours: Vec<MapColour>,
    /// For each pixel the place of its colour in `colours`, or [`place::CLEAR`] or [`place::SOFT`].
    labels: Vec<u16>,
    /// The shares of soft pixels: row by row, from the left.
    soft: Vec<place::Share>,
    /// The index in `soft` at which each row begins, and at last its length.
    soft_rows: Vec<usize>,
    /// The largest distance from a region's colour at which a colour counts as it.
    merge: f32,
    notes: Vec<String>,
}

/// One colour of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapColour {
    /// The colour.
    pub colour: Rgb,
    /// The share of the map that it covers, 0 to 1.
    pub share: f64,
    /// The class that it stands for, where the map is one in ADE20K's palette.
    pub class: Option<&'static str>,
}

/// A colour that becomes a region, with what the region is called and shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its place in [`ColourMap::colours`].
    pub colour: usize,
    /// The region's name.
    pub name: String,
    /// The region's prompt.
    pub words: String,
}

impl ColourMap {
    /// Reads a map from a PNG, JPEG or WebP file.
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy, as [`read_picture`] and [`Self::of`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        Self::of(&read_picture(path)?.image).map_err(|problem| FileError::new(path, problem))
    }

    /// Takes a picture apart into its colours. Near colours are one, the pixels of soft edges belong to the colours on both
    /// sides by share, and what is transparent belongs to none.
    ///
    /// It takes up to 16 bytes a pixel beside the picture, and at most 160 MiB for tables of colours.
    ///
    /// # Errors
    /// [`Problem::ShadedMap`] where the picture is not flat (a photograph, a gradient), [`Problem::MapColours`] where it has
    /// more colours than a document has regions, and [`Problem::ClearMap`] where all of it is transparent.
    pub fn of(image: &RgbaImage) -> Result<Self, Problem> {
        let mut found = find::colours(image)?;
        let placed = place::pixels(image, &mut found)?;
        let mut map = Self {
            width: image.width(),
            height: image.height(),
            colours: Vec::new(),
            labels: placed.labels,
            soft: placed.soft,
            soft_rows: placed.soft_rows,
            merge: found.merge,
            notes: Vec::new(),
        };
        map.sort(&found.centres);
        map.name_classes();
        if lay::is_too_fine(&map) {
            return Err(Problem::ShadedMap);
        }
        if placed.specks > 0 {
            let count = if placed.specks == 1 { "1 pixel".to_owned() } else { format!("{} pixels", placed.specks) };
            map.notes.push(format!(
                "{count} of other colours were too few to be regions and were given to the colours beside them"
            ));
        }
        Ok(map)
    }

    /// Counts what each colour covers, and brings the largest to the front; colours that nothing is left of go.
    fn sort(&mut self, centres: &[Rgb]) {
        let mut sums = vec![0_u64; centres.len()];
        for run in self.labels.chunk_by(|a, b| a == b) {
            if let Some(sum) = sums.get_mut(usize::from(run[0])) {
                *sum += 255 * run.len() as u64;
            }
        }
        for share in &self.soft {
            sums[usize::from(share.label)] += u64::from(share.value);
        }
        let mut order: Vec<usize> = (0..centres.len()).filter(|i| sums[*i] > 0).collect();
        order.sort_by_key(|i| (std::cmp::Reverse(sums[*i]), centres[*i].0));
        let mut places = vec![0; centres.len()];
        for (place, i) in (0..).zip(&order) {
            places[*i] = place;
        }
        self.labels.par_iter_mut().for_each(|label| {
            *label = places.get(usize::from(*label)).copied().unwrap_or(*label);
        });
        for share in &mut self.soft {
            share.label = places[usize::from(share.label)];
        }
        let whole = f64::from(self.width) * f64::from(self.height) * 255.0;
        #[expect(clippy::cast_precision_loss, reason = "at most 2^35")]
        let share = |sum: u64| sum as f64 / whole;
        self.colours =
            order.iter().map(|i| MapColour { colour: centres[*i], share: share(sums[*i]), class: None }).collect();
    }

    /// Names the colours by ADE20K's classes where all but a little of the map is exactly in its palette. Black and white
    /// stand for nothing in many maps and testify neither way; pure colours (only 0 and 255) are in it too, but anybody paints
    /// with those, so that half of the classes must be of other colours.
    fn name_classes(&mut self) {
        let pure = |colour: Rgb| colour.0.iter().all(|v| [0, 255].contains(v));
        let ground = |colour: Rgb| [[0; 3], [255; 3]].contains(&colour.0);
        let painted = self.colours.iter().filter(|c| !ground(c.colour));
        let (mut all, mut named) = (0.0, 0.0);
        let (mut classes, mut telling) = (0, 0);
        for colour in painted {
            all += colour.share;
            if ade20k::class(colour.colour).is_some() {
                named += colour.share;
                classes += 1;
                telling += usize::from(!pure(colour.colour));
            }
        }
        if telling > 0 && telling * 2 >= classes && named >= OF_PALETTE * all {
            for colour in &mut self.colours {
                colour.class = ade20k::class(colour.colour);
            }
        }
    }

    /// Width of the map in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height of the map in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The colours that are regions, at most [`MAX_REGIONS`]: the one with the largest area first, which is the lowest region.
    #[must_use]
    pub fn colours(&self) -> &[MapColour] {
        &self.colours
    }

    /// Notes for a person, as sentences without a full stop; at most a few.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The place of a colour in [`Self::colours`]: of exactly this one, or the nearest that counts as it.
    #[must_use]
    pub fn find(&self, colour: Rgb) -> Option<usize> {
        let near = self.colours.iter().map(|c| distance(c.colour.0, colour.0)).enumerate();
        near.filter(|(_, d)| *d < self.merge).min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(place, _)| place)
    }

    /// The colours in one line, `#787878 (43 %), #06e6e6 (20 %)`; of many the largest, and how many more there are.
    #[must_use]
    pub fn listed(&self) -> String {
        let told = |c: &MapColour| format!("{} ({})", c.colour, super::coverage::percent(c.share));
        let mut list = self.colours.iter().take(LISTED).map(told).collect::<Vec<_>>().join(", ");
        if self.colours.len() > LISTED {
            list += &format!(" and {} more", self.colours.len() - LISTED);
        }
        list
    }

    /// Every colour as a region: named and prompted by its class, or named by its colour and without words.
    #[must_use]
    pub fn all(&self) -> Vec<Chosen> {
        let chosen = |(colour, c): (usize, &MapColour)| Chosen {
            colour,
            name: c.class.map_or_else(|| format!("Colour {}", c.colour), str::to_owned),
            words: c.class.unwrap_or_default().to_owned(),
        };
        self.colours.iter().enumerate().map(chosen).collect()
    }

    /// The chosen colours as regions of a canvas of this size, in their order; ids are given by [`Document::add_regions`].
    ///
    /// A map of another size is scaled until it covers the canvas and cut evenly on both sides, by area, so that edges become
    /// soft. Upper regions cover lower ones: each mask is what of a pixel the masks above it leave, so that every region shows
    /// exactly by its share and nothing shows between two of them.
    #[must_use]
    pub fn regions(&self, width: u32, height: u32, chosen: &[Chosen]) -> Vec<Region> {
        let order: Vec<usize> = chosen.iter().map(|c| c.colour).collect();
        let masks = lay::masks(self, width, height, &order);
        let regions = chosen.iter().zip(masks).filter_map(|(chosen, mask)| {
            let colour = self.colours.get(chosen.colour)?.colour;
            let region = Region::new(RegionId(0), &chosen.name, colour, 0, 0);
            Some(Region { prompt: chosen.words.clone(), mask: mask.into(), ..region })
        });
        regions.collect()
    }

    /// The part of the map outside a canvas of this size that it is scaled to cover: shares of its width and height.
    #[must_use]
    pub fn cut(&self, width: u32, height: u32) -> (f64, f64) {
        let (own, canvas) = (f64::from(self.width) / f64::from(self.height), f64::from(width) / f64::from(height));
        ((1.0 - canvas / own).max(0.0), (1.0 - own / canvas).max(0.0))
    }
}

impl Document {
    /// Adds regions above all others, with ids of this document, as long as it has room ([`MAX_REGIONS`]).
    pub fn add_regions(&mut self, regions: impl IntoIterator<Item = Region>) {
        for region in regions {
            if self.regions.len() >= MAX_REGIONS {
                break;
            }
            let id = self.free_id();
            self.regions.push(Region { id, ..region });
        }
    }
}

/// The visible difference of two colours, 0 to 765: a difference of red, green and blue weighted by how much the eye minds it,
/// with red and blue by how much red there is ("redmean", a plain approximation of CIELUV). Grey levels are three apart each.
fn distance([r, g, b]: [u8; 3], [r2, g2, b2]: [u8; 3]) -> f32 {
    let red = f32::from(r).midpoint(f32::from(r2));
    let square = |a: u8, b: u8| (f32::from(a) - f32::from(b)).powi(2);
    let (red_weight, blue_weight) = (2.0 + red / 256.0, 2.0 + (255.0 - red) / 256.0);
    (red_weight * square(r, r2) + 4.0 * square(g, g2) + blue_weight * square(b, b2)).sqrt()
}
