//! The open document with its undo steps, its file and what is selected. It knows nothing of windows.

mod masks;

use super::texts::{fill, key};
use crate::document::{
    Area, Change, Document, History, MAX_REGIONS, Mask, MaskDelta, MergeKey, Palette, PixelRect, Region, RegionId, Rgb,
    Start, Take,
};
use image::RgbImage;
use image::imageops::FilterType;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the next stroke and the open card belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Selected {
    Background,
    Region(RegionId),
}

/// A field whose successive changes are one undo step, until another field is changed or the step is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Style,
    Name(Selected),
    Words(Selected),
    Negative(Selected),
    Bootstrap(RegionId),
    Colour(RegionId),
    Feather(RegionId),
    Weight(RegionId),
    OwnGuidance(RegionId),
    OwnSeed(RegionId),
    Span(RegionId),
    Reroll(RegionId),
    Steps,
    Guidance,
    Seed,
    Sampler,
    Regions,
    Schedule,
    Overlap,
    WindowWeights,
    Surround,
    Wrap,
    Stride,
    Strength,
    StartArea,
    Model,
    /// Which LoRAs there are.
    Loras,
    /// The weight of one, by its place in the list.
    LoraWeight(usize),
}

impl Field {
    /// What joins its changes, and what the undo step is called.
    fn key(self) -> (MergeKey, &'static str) {
        let of = |selected| match selected {
            Selected::Background => 0,
            Selected::Region(RegionId(id)) => id,
        };
        let (label, id) = match self {
            Self::Style => (key("Style"), 0),
            Self::Name(selected) => (key("Rename"), of(selected)),
            Self::Words(selected) => (key("Words"), of(selected)),
            Self::Negative(selected) => (key("Words to leave out"), of(selected)),
            Self::Bootstrap(RegionId(id)) => (key("Blend or hold shape"), id),
            Self::Colour(RegionId(id)) => (key("Colour"), id),
            Self::Feather(RegionId(id)) => (key("Soft edge"), id),
            Self::Weight(RegionId(id)) => (key("Strength"), id),
            Self::OwnGuidance(RegionId(id)) => (key("Guidance of the region"), id),
            Self::OwnSeed(RegionId(id)) => (key("Seed of the region"), id),
            Self::Span(RegionId(id)) => (key("When the region takes part"), id),
            Self::Reroll(RegionId(id)) => (key("Draw again"), id),
            Self::Steps => (key("Steps"), 0),
            Self::Guidance => (key("Guidance"), 0),
            Self::Seed => (key("Seed"), 0),
            Self::Sampler => (key("Sampler"), 0),
            Self::Regions => (key("Hold or hint shapes"), 0),
            Self::Schedule => (key("Schedule"), 0),
            Self::Overlap => (key("Overlaps"), 0),
            Self::WindowWeights => (key("Windows"), 0),
            Self::Surround => (key("What is around regions"), 0),
            Self::Wrap => (key("Edges"), 0),
            Self::Stride => (key("Stride"), 0),
            Self::Strength => (key("Strength"), 0),
            Self::StartArea => (key("What may change"), 0),
            Self::Model => (key("Model"), 0),
            Self::Loras => (key("LoRAs"), 0),
            Self::LoraWeight(index) => (key("Weight of a LoRA"), u32::try_from(index).unwrap_or(u32::MAX)),
        };
        (MergeKey(label, id), label)
    }
}

/// What of the canvas has to be drawn anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Damage {
    /// Masks, and where they changed.
    pub masks: Vec<(RegionId, PixelRect)>,
    /// Which regions there are, their order, colour or visibility may have changed.
    pub regions: bool,
}

/// Names a state of the document: what the steps made of it, and which take is kept in it.
pub type State = (u64, u64);

/// The open document.
pub struct Editor {
    document: Document,
    history: History,
    selected: Selected,
    in_stroke: bool,
    path: Option<PathBuf>,
    title: String,
    takes_kept: u64,
    saved: State,
    /// Counts every change, so that what depends on the document knows when to look again.
    changes: u64,
    mask_changes: HashMap<RegionId, u64>,
    /// Counts every touch of a brush.
    painted: u64,
    damage: Damage,
    /// Where the mask of what may change of the picture to start from has to be drawn anew.
    change_damage: PixelRect,
}

impl Editor {
    /// Opens a document that has no file yet.
    #[must_use]
    pub fn new(document: Document, title: &str) -> Self {
        let selected = document.regions.last().map_or(Selected::Background, |r| Selected::Region(r.id));
        let history = History::default();
        let saved = (history.revision(), 0);
        Self {
            document,
            history,
            selected,
            in_stroke: false,
            path: None,
            title: title.to_owned(),
            takes_kept: 0,
            saved,
            changes: 0,
            mask_changes: HashMap::new(),
            painted: 0,
            change_damage: PixelRect::default(),
            damage: Damage { masks: Vec::new(), regions: true },
        }
    }

    /// Opens a document that lies in this file.
    #[must_use]
    pub fn from_file(document: Document, path: &Path) -> Self {
        let mut editor = Self::new(document, "");
        editor.set_path(path);
        editor
    }

    /// Opens what a crash would have lost: unsaved until it is saved to its file, if it had one.
    #[must_use]
    pub fn recovered(document: Document, path: Option<&Path>, title: &str) -> Self {
        let mut editor = Self::new(document, title);
        editor.saved = (u64::MAX, u64::MAX);
        if let Some(path) = path {
            editor.set_path(path);
        }
        editor
    }

    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    #[must_use]
    pub fn selected(&self) -> Selected {
        self.selected
    }

    /// The selected region, unless the background is selected.
    #[must_use]
    pub fn selected_region(&self) -> Option<&Region> {
        match self.selected {
            Selected::Region(id) => self.document.region(id),
            Selected::Background => None,
        }
    }

    /// True while the tools paint on the mask of what may change of the picture to start from.
    #[must_use]
    pub fn paints_change(&self) -> bool {
        self.selected == Selected::Region(RegionId::CHANGE)
    }

    pub fn select(&mut self, selected: Selected) {
        self.selected = selected;
        self.history.close();
    }

    /// The file it is saved in.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The file it is saved in from now on.
    pub fn set_path(&mut self, path: &Path) {
        self.title = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        self.path = Some(path.to_path_buf());
    }

    /// What the title bar calls it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Counts every change.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Counts the changes of one region's mask.
    #[must_use]
    pub fn mask_changes(&self, id: RegionId) -> u64 {
        self.mask_changes.get(&id).copied().unwrap_or(0)
    }

    /// Counts what changes the picture to be made, every touch of a brush included; finished pictures do not count.
    #[must_use]
    pub fn edits(&self) -> (u64, u64) {
        (self.changes - self.takes_kept, self.painted)
    }

    /// Names the state the document is in.
    #[must_use]
    pub fn state(&self) -> State {
        (self.history.revision(), self.takes_kept)
    }

    /// True where there are changes that are not in the file.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.state() != self.saved || self.in_stroke
    }

    /// The document in this state is in the file.
    pub fn mark_saved(&mut self, state: State) {
        self.saved = state;
    }

    /// What undo would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<&str> {
        self.history.undo_label().filter(|_| !self.in_stroke)
    }

    /// What redo would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<&str> {
        self.history.redo_label().filter(|_| !self.in_stroke)
    }

    /// What has to be drawn anew since the last call.
    pub fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    /// Where the mask of what may change has to be drawn anew since the last call.
    pub fn take_change_damage(&mut self) -> PixelRect {
        std::mem::take(&mut self.change_damage)
    }

    fn mask_changed(&mut self, id: RegionId, rect: PixelRect) {
        if rect.is_empty() {
            return;
        }
        *self.mask_changes.entry(id).or_default() += 1;
        self.painted += 1;
        if id == RegionId::CHANGE {
            self.change_damage = self.change_damage.union(rect);
        } else {
            self.damage.masks.push((id, rect));
        }
    }

    /// Runs a change that `edit` records, and finds out what has to be drawn anew.
    fn changing<T>(&mut self, edit: impl FnOnce(&mut History, &mut Document) -> T) -> T {
        let before: Vec<(RegionId, Arc<Mask>)> =
            self.document.regions.iter().map(|r| (r.id, Arc::clone(&r.mask))).collect();
        let result = edit(&mut self.history, &mut self.document);
        let changed: Vec<(RegionId, PixelRect)> = before
            .iter()
            .filter_map(|(id, mask)| self.document.region(*id).filter(|r| !Arc::ptr_eq(&r.mask, mask)))
            .map(|r| (r.id, PixelRect::whole(r.mask.width(), r.mask.height())))
            .collect();
        for (id, rect) in changed {
            self.mask_changed(id, rect);
        }
        self.damage.regions = true;
        self.changes += 1;
        result
    }

    /// One undo step.
    fn change<T>(&mut self, label: &str, edit: impl FnOnce(&mut Document) -> T) -> T {
        self.changing(|history, document| history.edit(document, label, edit))
    }

    /// A change of one field: joined with the one before it where that was of the same field.
    pub fn change_field(&mut self, field: Field, edit: impl FnOnce(&mut Document)) {
        let (key, label) = field.key();
        self.history.edit_merging(&mut self.document, label, key, edit);
        self.damage.regions |= matches!(field, Field::Colour(_));
        self.changes += 1;
    }

    /// The next change is an undo step of its own.
    pub fn close_step(&mut self) {
        self.history.close();
    }

    pub fn undo(&mut self) {
        if !self.in_stroke {
            let change = self.history.undo(&mut self.document);
            self.restored(change);
        }
    }

    pub fn redo(&mut self) {
        if !self.in_stroke {
            let change = self.history.redo(&mut self.document);
            self.restored(change);
        }
    }

    fn restored(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        for (id, rect) in &change.masks {
            self.mask_changed(*id, *rect);
        }
        self.damage.regions |= change.rest;
        self.changes += 1;
        // What was painted on is what the next stroke goes to.
        if let [(id, _)] = change.masks.as_slice() {
            self.selected = Selected::Region(*id);
        }
        self.reselect();
    }

    /// Selects something that is there.
    fn reselect(&mut self) {
        if let Selected::Region(id) = self.selected
            && self.document.mask(id).is_none()
        {
            self.selected = self.document.regions.last().map_or(Selected::Background, |r| Selected::Region(r.id));
        }
    }

    /// Adds a region above all others and selects it.
    pub fn add_region(&mut self) -> RegionId {
        let mut number = self.document.regions.len() + 1;
        while self.document.regions.iter().any(|r| r.name == fill("Region {0}", &[&number])) {
            number += 1;
        }
        let id = self.change(key("Add region"), |d| d.add_region(&fill("Region {0}", &[&number]), ""));
        self.selected = Selected::Region(id);
        id
    }

    /// Adds regions without masks above all others, and words where there are none yet.
    pub fn add_palette(&mut self, palette: Palette) {
        let Palette { style, background, regions } = palette;
        self.change(key("Import regions"), |d| {
            for region in regions {
                if d.regions.len() >= MAX_REGIONS {
                    break;
                }
                let id = d.add_region("", "");
                if let Some(new) = d.region_mut(id) {
                    *new = Region { id, mask: Arc::clone(&new.mask), ..region };
                }
            }
            if d.style.trim().is_empty() {
                d.style = style;
            }
            if d.background.words.trim().is_empty() {
                d.background = background;
            }
        });
        self.selected = self.document.regions.last().map_or(Selected::Background, |r| Selected::Region(r.id));
    }

    /// Copies the selected region and selects the copy, right above it.
    pub fn duplicate_region(&mut self) {
        let Some(region) = self.selected_region().cloned() else { return };
        let at = self.document.regions.iter().position(|r| r.id == region.id).map_or(0, |i| i + 1);
        let id = self.change(key("Duplicate region"), |d| {
            let id = d.add_region("", "");
            d.regions.pop();
            d.regions.insert(at, Region { id, name: fill("{0} copy", &[&region.name]), ..region });
            id
        });
        self.selected = Selected::Region(id);
    }

    /// Removes the selected region and selects its neighbour.
    pub fn delete_region(&mut self) {
        let Selected::Region(id) = self.selected else { return };
        let Some(at) = self.document.regions.iter().position(|r| r.id == id) else { return };
        self.change(key("Delete region"), |d| {
            d.regions.remove(at);
        });
        let next = self.document.regions.get(at.saturating_sub(1)).map(|r| r.id);
        self.selected = next.map_or(Selected::Background, Selected::Region);
    }

    /// Hides the region or shows it again.
    pub fn toggle_region(&mut self, id: RegionId) {
        let label =
            if self.document.region(id).is_some_and(|r| r.visible) { key("Hide region") } else { key("Show region") };
        self.change(label, |d| {
            if let Some(region) = d.region_mut(id) {
                region.visible = !region.visible;
            }
        });
    }

    /// Shows this region alone; where it is alone already, shows all.
    pub fn solo_region(&mut self, id: RegionId) {
        let alone = self.document.regions.iter().all(|r| r.visible == (r.id == id));
        self.change(if alone { key("Show all regions") } else { key("Show one region alone") }, |d| {
            d.regions.iter_mut().for_each(|r| r.visible = alone || r.id == id);
        });
    }

    /// Locks the region or unlocks it.
    pub fn lock_region(&mut self, id: RegionId) {
        let locked = self.document.region(id).is_some_and(|r| r.locked);
        self.change(if locked { key("Unlock region") } else { key("Lock region") }, |d| {
            if let Some(region) = d.region_mut(id) {
                region.locked = !locked;
            }
        });
    }

    /// True where the selected region may not be painted on, changed or deleted.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.selected_region().is_some_and(|r| r.locked)
    }

    /// Moves a region to this place, counted from the lowest.
    pub fn move_region(&mut self, from: usize, to: usize) {
        let count = self.document.regions.len();
        if from == to || from >= count || to >= count {
            return;
        }
        self.change(key("Move region"), |d| {
            let region = d.regions.remove(from);
            d.regions.insert(to, region);
        });
    }

    /// Moves the selected region up (1) or down (-1) the list.
    pub fn shift_region(&mut self, by: isize) {
        if let Some((from, to)) = self.selected_neighbour(by) {
            self.move_region(from, to);
        }
    }

    /// Place of the selected region and of its neighbour up (1) or down (-1).
    #[must_use]
    pub fn selected_neighbour(&self, by: isize) -> Option<(usize, usize)> {
        let Selected::Region(id) = self.selected else { return None };
        let from = self.document.regions.iter().position(|r| r.id == id)?;
        let to = from.checked_add_signed(by)?;
        (to < self.document.regions.len()).then_some((from, to))
    }

    /// Selects the neighbour up (1) or down (-1) the list; the background is the lowest.
    pub fn select_neighbour(&mut self, by: isize) {
        let regions = &self.document.regions;
        let at = match self.selected {
            Selected::Background => 0,
            Selected::Region(id) => regions.iter().position(|r| r.id == id).map_or(0, |i| i + 1),
        };
        let to = at.saturating_add_signed(by).min(regions.len());
        let next = to.checked_sub(1).and_then(|i| regions.get(i)).map(|r| r.id);
        self.select(next.map_or(Selected::Background, Selected::Region));
    }

    pub fn recolour(&mut self, id: RegionId, colour: Rgb) {
        self.change_field(Field::Colour(id), |d| {
            if let Some(region) = d.region_mut(id) {
                region.colour = colour;
            }
        });
    }

    /// Replaces the selected region's mask by what `edit` makes of each byte.
    pub fn map_mask(&mut self, label: &str, edit: impl Fn(u8) -> u8) {
        let Selected::Region(id) = self.selected else { return };
        self.change(label, |d| {
            if let Some(mask) = d.mask_mut(id) {
                let mask = Arc::make_mut(mask);
                mask.data_mut().iter_mut().for_each(|v| *v = edit(*v));
            }
        });
    }

    /// Gives a region another mask, of the canvas's size.
    pub fn set_mask(&mut self, id: RegionId, mask: Mask) {
        self.change(key("New mask"), |d| {
            if let Some(region) = d.region_mut(id) {
                region.mask = Arc::new(mask);
            }
        });
        self.select(Selected::Region(id));
    }

    /// Changes the canvas: without a place for its old top left corner the painting is stretched with it.
    pub fn resize(&mut self, width: u32, height: u32, place: Option<(i32, i32)>) {
        let (scale, (dx, dy)) = (place.is_none(), place.unwrap_or_default());
        if (width, height) == (self.document.width, self.document.height) {
            return;
        }
        self.change(key("Canvas size"), |d| {
            for region in &mut d.regions {
                region.mask = Arc::new(if scale {
                    scaled(&region.mask, width, height)
                } else {
                    region.mask.moved_to(width, height, dx, dy)
                });
            }
            if let Some(start) = &mut d.start {
                *start = if scale {
                    let area = match &start.area {
                        Area::Mask(mask) => Area::Mask(Arc::new(scaled(mask, width, height))),
                        other => other.clone(),
                    };
                    let image = image::imageops::resize(&*start.image, width, height, FilterType::CatmullRom);
                    Start { image: Arc::new(image), area, ..*start }
                } else {
                    start.moved_to(width, height, dx, dy)
                };
            }
            d.width = width;
            d.height = height;
            d.take = None;
        });
    }

    /// Starts from another picture, or from noise.
    pub fn set_start(&mut self, start: Option<Start>) {
        let label = if start.is_some() { key("Start from a picture") } else { key("Start from noise") };
        self.change(label, |d| d.start = start);
    }

    /// Shows this picture in the document from now on. Not an undo step.
    pub fn keep_take(&mut self, take: Option<Arc<Take>>) {
        self.document.take = take;
        self.takes_kept += 1;
        self.changes += 1;
    }

    /// Keeps these finished pictures in the file. Neither an undo step nor a change of its own: what made them is one.
    pub fn set_packed_takes(&mut self, takes: Vec<(u64, Arc<[u8]>)>) {
        self.document.set_packed_takes(takes);
    }

    /// A person has taken finished pictures away or brought them back, which is not in the file yet.
    pub fn takes_changed(&mut self) {
        self.takes_kept += 1;
        self.changes += 1;
    }

    /// Puts new canvas around the picture to start from, and lets the drawing fill it.
    pub fn outpaint(&mut self, image: &RgbImage, (width, height): (u32, u32), (dx, dy): (i32, i32)) {
        self.change(key("Draw around the picture"), |d| {
            for region in &mut d.regions {
                region.mask = Arc::new(region.mask.moved_to(width, height, dx, dy));
            }
            d.start = Some(Start::outpainted(image, width, height, dx, dy));
            (d.width, d.height, d.take) = (width, height, None);
        });
    }

    /// Takes words, regions and settings from another document of the same file, as one undo step.
    pub fn restore_document(&mut self, document: Document) {
        self.change(key("Bring back"), |d| *d = document);
        self.reselect();
    }

    /// Begins a stroke on a mask: `begin` starts it and tells what it changed.
    pub fn begin_stroke<T>(&mut self, id: RegionId, begin: impl FnOnce(&mut Mask) -> (T, Vec<PixelRect>)) -> Option<T> {
        let (stroke, rects) = begin(Arc::make_mut(self.document.mask_mut(id)?));
        self.history.close();
        self.in_stroke = true;
        self.painted(id, rects);
        Some(stroke)
    }

    /// True between the beginning and the end of a stroke.
    #[must_use]
    pub fn in_stroke(&self) -> bool {
        self.in_stroke
    }

    /// Paints on a mask inside a stroke; `paint` returns what it changed.
    pub fn paint(&mut self, id: RegionId, paint: impl FnOnce(&mut Mask) -> Vec<PixelRect>) {
        let Some(mask) = self.document.mask_mut(id) else { return };
        let rects = paint(Arc::make_mut(mask));
        self.painted(id, rects);
    }

    fn painted(&mut self, id: RegionId, rects: Vec<PixelRect>) {
        for rect in rects {
            self.mask_changed(id, rect);
        }
    }

    /// Ends the stroke and keeps it; `before` leads the mask back.
    pub fn end_stroke(&mut self, id: RegionId, label: &str, before: impl FnOnce(&Mask) -> MaskDelta) {
        self.in_stroke = false;
        if let Some(mask) = self.document.mask(id) {
            let before = before(mask);
            self.history.push_mask(id, before, label);
            self.changes += 1;
        }
    }

    /// Ends the stroke as if it had never been; `undo` takes the mask back and tells what changed.
    pub fn abort_stroke(&mut self, id: RegionId, undo: impl FnOnce(&mut Mask) -> PixelRect) {
        self.in_stroke = false;
        self.paint(id, |mask| vec![undo(mask)]);
        self.changes += 1;
    }
}

fn scaled(mask: &Mask, width: u32, height: u32) -> Mask {
    let mut new = Mask::empty(width, height);
    if let Some(gray) = image::GrayImage::from_raw(mask.width(), mask.height(), mask.data().to_vec()) {
        let scaled = image::imageops::resize(&gray, width, height, image::imageops::FilterType::Triangle);
        new.data_mut().copy_from_slice(scaled.as_raw());
    }
    new
}
