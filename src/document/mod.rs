//! The document: what a person edits, saves and reopens. It knows neither the window nor the networks.

mod base64;
mod colour_map;
mod control;
mod coverage;
mod delta;
mod describe;
mod error;
mod export;
pub mod file;
mod group;
mod history;
mod import;
mod init_image;
mod jpeg;
mod mask;
mod options;
mod paint;
mod parameters;
mod picture_mask;
mod pictures;
mod png;
mod raster;
mod region;
mod settings;
mod stretch;
mod takes;

pub use colour_map::{Chosen, ColourMap, MapColour};
pub use control::{Control, ControlMap, MAX_CONTROL_WEIGHT, MAX_CONTROLS, canny, edges, scribble, segments};
pub use coverage::{Coverage, RegionCoverage, Warning, WarningKind};
pub use delta::MaskDelta;
pub use describe::{
    BackgroundSummary, ControlSummary, Kind, RegionSummary, StartColourSummary, StartSummary, Summary, describe,
};
pub use error::{FileError, Problem};
pub use export::{Export, PictureFormat};
pub use file::{Opened, Output, Outputs, Palette, replace_file, write_atomically};
pub use history::{Change, History, MEMORY as HISTORY_MEMORY, MergeKey};
pub use init_image::{Area, InitImage};
pub use mask::{Mask, PixelRect, TILE, Tile, TileBytes};
pub use options::{
    BootstrapColour, Choice, Overlap, Prediction, PromptRule, Regions, Sampler, Schedule, WindowWeights, Wrap,
};
pub use paint::Paint;
pub use parameters::{Parameters, PictureSummary, describe_picture, open_picture, read_parameters};
pub use picture_mask::MaskNote;
pub use pictures::{Picture, is_grey, over_white, picture_of_data_url, read_picture};
pub use png::Carry;
pub use region::{Background, MAX_FEATHER, MAX_WEIGHT, MIN_WEIGHT, REGION_COLOURS, Region, RegionId, Rgb, StartColour};
pub use settings::{
    CELL, Lora, MAX_CLIP_SKIP, MAX_EMBEDDINGS, MAX_GUIDANCE, MAX_LORA_WEIGHT, MAX_LORAS, MAX_REUSE, MAX_STEPS,
    MAX_WINDOW, Settings,
};
pub use takes::{TAKES_COUNT, TAKES_MEMORY, TakeNote, TakeWay, takes_kept};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The smallest side of a canvas in pixels.
pub const MIN_SIDE: u32 = 64;
/// The largest side of a canvas in pixels.
pub const MAX_SIDE: u32 = 16384;
/// The most pixels of a canvas.
pub const MAX_AREA: u64 = 16384 * 4096;
/// The most regions of a document.
pub const MAX_REGIONS: usize = 256;

/// The object of all editing: a canvas, the regions painted on it, and the settings of the picture.
///
/// Cloning is cheap enough to freeze a copy for a job: masks and pictures are shared until written to.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Canvas width in pixels.
    pub width: u32,
    /// Canvas height in pixels.
    pub height: u32,
    /// The region below all others; it covers what nothing else covers.
    pub background: Background,
    /// The style of the whole picture: words that are added to the background's and to every region's.
    pub style: String,
    /// Regions from the lowest to the uppermost: region number 1 is `regions[0]`, and later ones cover earlier ones.
    pub regions: Vec<Region>,
    /// The settings of the picture.
    pub settings: Settings,
    /// The picture that the drawing starts from (`None` to start from noise).
    pub init_image: Option<InitImage>,
    /// Colours painted below the regions, over the picture it starts from (`None` without a paint layer).
    pub paint: Option<Paint>,
    /// ControlNets that count for the whole picture.
    pub controls: Vec<Control>,
    /// The take kept in the document (`None` before the first). One that is not the canvas's size is not saved.
    pub take: Option<Arc<Take>>,
    /// What of the inpaint mask was moved over the canvas's edges, as [`Region::outside`] has it of a region's.
    pub change_outside: Option<Arc<Mask>>,
    /// Fields of newer versions of `polyptych.json` that this version does not know; written back unchanged. It has the
    /// shape of that entry: unknown fields of the settings are under `settings`, those of region 3 under `regions`, `3`.
    pub unknown: serde_json::Map<String, serde_json::Value>,
    /// Entries of newer versions in the project's zip that this version does not know, by name; written back unchanged.
    pub extra: BTreeMap<String, Arc<[u8]>>,
}

/// One finished picture with what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// The picture in 8-bit sRGB.
    pub image: Arc<image::RgbImage>,
    /// The seed it was drawn with.
    pub seed: u64,
}

impl Document {
    /// An empty document of this size, with no regions and default settings.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            background: Background::default(),
            style: String::new(),
            regions: Vec::new(),
            settings: Settings::default(),
            init_image: None,
            paint: None,
            controls: Vec::new(),
            take: None,
            change_outside: None,
            unknown: serde_json::Map::new(),
            extra: BTreeMap::new(),
        }
    }

    /// Words as the model is given them: with the style of the whole picture behind them.
    #[must_use]
    pub fn prompt(&self, words: &str) -> String {
        match (words.trim().is_empty(), self.style.trim().is_empty()) {
            (_, true) => words.to_owned(),
            (true, false) => self.style.trim().to_owned(),
            (false, false) => format!("{}, {}", words.trim_end().trim_end_matches(','), self.style.trim()),
        }
    }

    /// The files and folders that the checkpoint, all LoRAs and ControlNets are read from, where they are named by their paths.
    #[must_use]
    pub fn model_files(&self) -> Vec<PathBuf> {
        let own = self.regions.iter().flat_map(|region| &region.loras).chain(&self.background.loras);
        let own = own.map(|lora| &lora.file).chain(self.all_controls().map(|control| &control.net));
        self.settings.files().into_iter().chain(own.map(PathBuf::from)).collect()
    }

    /// All ControlNets: the whole picture's, then those of its regions, the lowest first.
    pub fn all_controls(&self) -> impl Iterator<Item = &Control> {
        self.controls.iter().chain(self.regions.iter().flat_map(|region| &region.controls))
    }

    fn controls_mut(&mut self) -> impl Iterator<Item = &mut Control> {
        self.controls.iter_mut().chain(self.regions.iter_mut().flat_map(|region| &mut region.controls))
    }

    /// The whole picture's ControlNets, or those of the region with this id.
    pub fn controls_of(&mut self, region: Option<RegionId>) -> Option<&mut Vec<Control>> {
        match region {
            None => Some(&mut self.controls),
            Some(id) => self.region_mut(id).map(|region| &mut region.controls),
        }
    }

    /// Adds a region above all others, with an empty mask and the next colour of the palette, and returns its id.
    pub fn add_region(&mut self, name: &str, words: &str) -> RegionId {
        let (id, colour) = (self.free_id(), self.next_colour());
        let region = Region::new(id, name, colour, self.width, self.height);
        self.regions.push(Region { prompt: words.to_owned(), ..region });
        id
    }

    /// The number of regions below this one that have its colour: those need another sign to be told from it.
    #[must_use]
    pub fn colour_repeats(&self, id: RegionId) -> usize {
        let below = || self.regions.iter().take_while(|region| region.id != id);
        self.region(id).map_or(0, |region| below().filter(|other| other.colour == region.colour).count())
    }

    /// An id that no region has.
    fn free_id(&self) -> RegionId {
        let largest = self.regions.iter().map(|r| r.id.0).max().unwrap_or(0);
        let free = || (1..RegionId::LAST.0).map(RegionId).find(|id| self.region(*id).is_none());
        let next = largest.checked_add(1).map(RegionId).filter(|id| *id <= RegionId::LAST);
        next.or_else(free).unwrap_or(RegionId::LAST)
    }

    /// A colour of the palette that can be told from those of the regions, as far as there is one.
    fn next_colour(&self) -> Rgb {
        let used: Vec<Rgb> = self.regions.iter().map(|region| region.colour).collect();
        Rgb::next(&used)
    }

    /// Changes the size of the canvas: what was at the top left is then `dx` to the right and `dy` down. Masks are cut or
    /// extended by uncovered pixels; the take goes, since it shows another canvas.
    ///
    /// # Errors
    /// [`Problem::Canvas`] outside [`MIN_SIDE`], [`MAX_SIDE`] and [`MAX_AREA`]; the document is then as it was.
    pub fn resize_canvas(&mut self, width: u32, height: u32, dx: i32, dy: i32) -> Result<(), Problem> {
        check_canvas(u64::from(width), u64::from(height))?;
        if (width, height, dx, dy) == (self.width, self.height, 0, 0) {
            return Ok(());
        }
        for region in &mut self.regions {
            region.mask = Arc::new(region.mask.moved_to(width, height, dx, dy));
        }
        self.init_image = self.init_image.as_ref().map(|start| start.moved_to(width, height, dx, dy));
        self.paint = self.paint.as_ref().map(|paint| paint.changed(|plane| plane.moved_to(width, height, dx, dy)));
        for control in self.controls_mut() {
            control.map = control.map.moved_to(width, height, dx, dy);
        }
        (self.width, self.height) = (width, height);
        self.take = None;
        Ok(())
    }

    /// The region with this id.
    #[must_use]
    pub fn region(&self, id: RegionId) -> Option<&Region> {
        self.regions.iter().find(|r| r.id == id)
    }

    /// The mask that a stroke goes to: that of the region with this id, for [`RegionId::INPAINT`] that of what may change of the picture
    /// to start from, or a plane of the paint layer ([`RegionId::PAINT_PLANES`]).
    #[must_use]
    pub fn mask(&self, id: RegionId) -> Option<&Arc<Mask>> {
        match (&self.init_image, id) {
            (Some(InitImage { area: Area::Mask(mask), .. }), RegionId::INPAINT) => Some(mask),
            _ => self.region(id).map(|region| &region.mask).or_else(|| self.paint.as_ref()?.plane(id)),
        }
    }

    /// The mask of this id, to paint on it.
    pub fn mask_mut(&mut self, id: RegionId) -> Option<&mut Arc<Mask>> {
        match (&mut self.init_image, id) {
            (Some(InitImage { area: Area::Mask(mask), .. }), RegionId::INPAINT) => Some(mask),
            _ => match self.regions.iter_mut().find(|r| r.id == id) {
                Some(region) => Some(&mut region.mask),
                None => self.paint.as_mut()?.plane_mut(id),
            },
        }
    }

    /// What of the mask of this id was moved over the canvas's edges, as [`Beyond`](crate::paint::Beyond) has it.
    #[must_use]
    pub fn outside(&self, id: RegionId) -> Option<&Arc<Mask>> {
        match id {
            RegionId::INPAINT => self.change_outside.as_ref(),
            _ => self.region(id)?.outside.as_ref(),
        }
    }

    /// Gives the region with this id, or for [`RegionId::INPAINT`] what may change of the picture to start from, another shape: its mask and
    /// what lies beyond the canvas.
    pub fn set_shape(&mut self, id: RegionId, mask: Arc<Mask>, outside: Option<Arc<Mask>>) {
        let Some(now) = self.mask_mut(id) else { return };
        *now = mask;
        if let Some(region) = self.region_mut(id) {
            region.outside = outside;
        } else if id == RegionId::INPAINT {
            self.change_outside = outside;
        }
    }

    /// Edits it. What lies beyond the canvas is that of one inpaint mask: it goes where another takes that one's place.
    pub(crate) fn edited<T>(&mut self, edit: impl FnOnce(&mut Self) -> T) -> T {
        let (mask, outside) = (self.mask(RegionId::INPAINT).cloned(), self.change_outside.clone());
        let result = edit(self);
        let same = |a: Option<&Arc<Mask>>, b: Option<&Arc<Mask>>| a.map(Arc::as_ptr) == b.map(Arc::as_ptr);
        if !same(mask.as_ref(), self.mask(RegionId::INPAINT)) && same(outside.as_ref(), self.change_outside.as_ref()) {
            self.change_outside = None;
        }
        result
    }

    /// The region with this id, to change it.
    pub fn region_mut(&mut self, id: RegionId) -> Option<&mut Region> {
        self.regions.iter_mut().find(|r| r.id == id)
    }
}

/// A canvas of this size.
///
/// # Errors
/// [`Problem::Canvas`] outside [`MIN_SIDE`], [`MAX_SIDE`] and [`MAX_AREA`].
pub fn check_canvas(width: u64, height: u64) -> Result<(u32, u32), Problem> {
    let sides = u64::from(MIN_SIDE)..=u64::from(MAX_SIDE);
    if !sides.contains(&width) || !sides.contains(&height) || width * height > MAX_AREA {
        return Err(Problem::Canvas { width, height });
    }
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) => Ok((width, height)),
        _ => Err(Problem::Canvas { width, height }),
    }
}
