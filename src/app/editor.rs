//! The open document with its undo steps, its file and what is selected. It knows nothing of windows.

use crate::document::{Document, Mask, PixelRect, Region, RegionId, Rgb, Take};
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
    Name(Selected),
    Words(Selected),
    Negative(Selected),
    Bootstrap(RegionId),
    Colour(RegionId),
    Steps,
    Guidance,
    Seed,
    Sampler,
}

/// What of the canvas has to be drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Damage {
    #[default]
    Nothing,
    /// Masks changed inside this rectangle, and these of this region only.
    Mask(RegionId, PixelRect),
    /// Anything may have changed.
    Everything,
}

impl Damage {
    fn add(&mut self, other: Self) {
        *self = match (*self, other) {
            (Self::Nothing, x) | (x, Self::Nothing) => x,
            (Self::Mask(a, x), Self::Mask(b, y)) if a == b => Self::Mask(a, x.union(y)),
            _ => Self::Everything,
        };
    }
}

struct Step {
    document: Document,
    selected: Selected,
}

/// How many steps can be taken back.
const STEPS: usize = 100;

/// The open document.
pub struct Editor {
    document: Document,
    selected: Selected,
    past: Vec<Step>,
    future: Vec<Step>,
    open: Option<Field>,
    stroke: bool,
    path: Option<PathBuf>,
    title: String,
    revision: u64,
    saved: u64,
    mask_revision: u64,
    damage: Damage,
}

impl Editor {
    /// Opens a document that has no file yet.
    #[must_use]
    pub fn new(document: Document, title: &str) -> Self {
        let selected = document.regions.last().map_or(Selected::Background, |r| Selected::Region(r.id));
        Self {
            document,
            selected,
            past: Vec::new(),
            future: Vec::new(),
            open: None,
            stroke: false,
            path: None,
            title: title.to_owned(),
            revision: 0,
            saved: 0,
            mask_revision: 0,
            damage: Damage::Everything,
        }
    }

    /// Opens a document that lies in this file.
    #[must_use]
    pub fn from_file(document: Document, path: &Path) -> Self {
        let mut editor = Self::new(document, "");
        editor.set_path(path);
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

    pub fn select(&mut self, selected: Selected) {
        self.selected = selected;
        self.open = None;
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
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts every finished change of any mask, and of which masks there are.
    #[must_use]
    pub fn mask_revision(&self) -> u64 {
        self.mask_revision
    }

    /// True where there are changes that are not in the file.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.revision != self.saved
    }

    /// The state of this revision is in the file.
    pub fn mark_saved(&mut self, revision: u64) {
        self.saved = revision;
    }

    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty() && !self.stroke
    }

    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty() && !self.stroke
    }

    /// What has to be drawn anew since the last call.
    pub fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    fn remember(&mut self) {
        self.past.push(Step { document: self.document.clone(), selected: self.selected });
        if self.past.len() > STEPS {
            self.past.remove(0);
        }
        self.future.clear();
    }

    fn touched_masks(&mut self) {
        self.mask_revision += 1;
        self.damage = Damage::Everything;
    }

    /// One undo step.
    fn change(&mut self, edit: impl FnOnce(&mut Document)) {
        self.remember();
        self.open = None;
        edit(&mut self.document);
        self.revision += 1;
    }

    /// A change of one field: joined with the one before it where that was of the same field.
    pub fn change_field(&mut self, field: Field, edit: impl FnOnce(&mut Document)) {
        if self.open != Some(field) {
            self.remember();
            self.open = Some(field);
        }
        edit(&mut self.document);
        self.revision += 1;
        if matches!(field, Field::Colour(_)) {
            self.damage = Damage::Everything;
        }
    }

    /// The next change is an undo step of its own.
    pub fn close_step(&mut self) {
        self.open = None;
    }

    pub fn undo(&mut self) {
        if !self.can_undo() {
            return;
        }
        if let Some(step) = self.past.pop() {
            let now = self.restore(step);
            self.future.push(now);
        }
    }

    pub fn redo(&mut self) {
        if !self.can_redo() {
            return;
        }
        if let Some(step) = self.future.pop() {
            let now = self.restore(step);
            self.past.push(now);
        }
    }

    fn restore(&mut self, step: Step) -> Step {
        let mut document = step.document;
        // A finished picture is no edit: taking a stroke back does not take the picture away.
        if (document.width, document.height) == (self.document.width, self.document.height) {
            document.take.clone_from(&self.document.take);
        }
        let now = Step { document: std::mem::replace(&mut self.document, document), selected: self.selected };
        self.selected = step.selected;
        self.open = None;
        self.revision += 1;
        self.touched_masks();
        now
    }

    /// Adds a region above all others and selects it.
    pub fn add_region(&mut self) -> RegionId {
        let mut number = self.document.regions.len() + 1;
        while self.document.regions.iter().any(|r| r.name == format!("Region {number}")) {
            number += 1;
        }
        self.remember();
        self.open = None;
        let id = self.document.add_region(&format!("Region {number}"), "");
        self.selected = Selected::Region(id);
        self.revision += 1;
        self.touched_masks();
        id
    }

    /// Copies the selected region and selects the copy, right above it.
    pub fn duplicate_region(&mut self) {
        let Some(region) = self.selected_region().cloned() else { return };
        let at = self.document.regions.iter().position(|r| r.id == region.id).map_or(0, |i| i + 1);
        let mut id = region.id;
        self.change(|d| {
            id = d.add_region("", "");
            d.regions.pop();
            d.regions.insert(at, Region { id, name: format!("{} copy", region.name), ..region });
        });
        self.selected = Selected::Region(id);
        self.touched_masks();
    }

    /// Removes the selected region and selects its neighbour.
    pub fn delete_region(&mut self) {
        let Selected::Region(id) = self.selected else { return };
        let Some(at) = self.document.regions.iter().position(|r| r.id == id) else { return };
        self.change(|d| {
            d.regions.remove(at);
        });
        let next = self.document.regions.get(at.saturating_sub(1)).map(|r| r.id);
        self.selected = next.map_or(Selected::Background, Selected::Region);
        self.touched_masks();
    }

    /// Hides the region or shows it again.
    pub fn toggle_region(&mut self, id: RegionId) {
        self.change(|d| {
            if let Some(region) = d.region_mut(id) {
                region.visible = !region.visible;
            }
        });
        self.touched_masks();
    }

    /// Moves a region to this place, counted from the lowest.
    pub fn move_region(&mut self, from: usize, to: usize) {
        let count = self.document.regions.len();
        if from == to || from >= count || to >= count {
            return;
        }
        self.change(|d| {
            let region = d.regions.remove(from);
            d.regions.insert(to, region);
        });
        self.touched_masks();
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
        self.mask_revision += 1;
    }

    /// Replaces the selected region's mask by what `edit` makes of each byte.
    pub fn map_mask(&mut self, edit: impl Fn(u8) -> u8) {
        let Selected::Region(id) = self.selected else { return };
        self.change(|d| {
            if let Some(region) = d.region_mut(id) {
                let mask = Arc::make_mut(&mut region.mask);
                mask.data_mut().iter_mut().for_each(|v| *v = edit(*v));
            }
        });
        self.touched_masks();
    }

    /// Changes the canvas: with `scale` the painting is stretched with it, otherwise it stays at the top left.
    pub fn resize(&mut self, width: u32, height: u32, scale: bool) {
        if (width, height) == (self.document.width, self.document.height) {
            return;
        }
        self.change(|d| {
            for region in &mut d.regions {
                region.mask = Arc::new(resized(&region.mask, width, height, scale));
            }
            d.width = width;
            d.height = height;
            d.take = None;
        });
        self.touched_masks();
    }

    /// Shows this picture in the document from now on. Not an undo step.
    pub fn keep_take(&mut self, take: Option<Arc<Take>>) {
        self.document.take = take;
        self.revision += 1;
    }

    /// Takes words, regions and settings from another document of the same file, as one undo step.
    pub fn restore_document(&mut self, document: Document) {
        let take = document.take.clone();
        self.change(|d| *d = document);
        self.document.take = take;
        if self.selected_region().is_none() {
            self.selected = self.document.regions.last().map_or(Selected::Background, |r| Selected::Region(r.id));
        }
        self.touched_masks();
    }

    /// Begins a stroke: everything until [`Self::end_stroke`] is one undo step.
    pub fn begin_stroke(&mut self) {
        self.remember();
        self.open = None;
        self.stroke = true;
    }

    /// True between the beginning and the end of a stroke.
    #[must_use]
    pub fn in_stroke(&self) -> bool {
        self.stroke
    }

    /// Paints on a mask inside a stroke; `paint` returns what it changed.
    pub fn paint(&mut self, id: RegionId, paint: impl FnOnce(&mut Mask) -> PixelRect) {
        let Some(region) = self.document.region_mut(id) else { return };
        let rect = paint(Arc::make_mut(&mut region.mask));
        if !rect.is_empty() {
            self.damage.add(Damage::Mask(id, rect));
        }
    }

    /// Ends the stroke and keeps it.
    pub fn end_stroke(&mut self) {
        if std::mem::take(&mut self.stroke) {
            self.revision += 1;
            self.mask_revision += 1;
        }
    }

    /// Ends the stroke as if it had never been.
    pub fn abort_stroke(&mut self) {
        if std::mem::take(&mut self.stroke)
            && let Some(step) = self.past.pop()
        {
            self.document = step.document;
            self.damage = Damage::Everything;
        }
    }
}

fn resized(mask: &Mask, width: u32, height: u32, scale: bool) -> Mask {
    let mut new = Mask::empty(width, height);
    if scale {
        let gray = image::GrayImage::from_raw(mask.width(), mask.height(), mask.data().to_vec());
        if let Some(gray) = gray {
            let scaled = image::imageops::resize(&gray, width, height, image::imageops::FilterType::Triangle);
            new.data_mut().copy_from_slice(scaled.as_raw());
        }
        return new;
    }
    let (old_width, new_width) = (mask.width() as usize, width as usize);
    let across = old_width.min(new_width);
    for (to, from) in new.data_mut().chunks_exact_mut(new_width).zip(mask.data().chunks_exact(old_width)) {
        to[..across].copy_from_slice(&from[..across]);
    }
    new
}
