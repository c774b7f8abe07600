//! The open document with its undo steps, its file and what is selected. It knows nothing of windows.

mod canvas;
mod deferred;
mod field;
mod frame;
mod mapped;
mod masks;
mod regions;
mod selection;
mod strokes;

pub(in crate::app) use deferred::{Made, Moved, Way};
pub use field::Field;
pub(in crate::app) use masks::By;
pub use selection::Selected;

use crate::app::command::Command;
use crate::document::{Change, Document, History, Mask, PixelRect, RegionId, Rgb};
use crate::studio::{Nature, Presets};
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Something that a message offers to do, and what is selected for it.
pub(in crate::app) type Offer = (Selected, Command);

/// The parts of the canvas that have to be drawn anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Damage {
    /// Masks, and where they changed.
    pub masks: Vec<(RegionId, PixelRect)>,
    /// True where the list of regions, their order, colour or visibility may have changed.
    pub regions: bool,
}

/// True for a document that nothing has been done to yet.
pub(in crate::app) fn is_blank(document: &Document) -> bool {
    document.regions.is_empty() && document.init_image.is_none() && document.paint.is_none() && document.take.is_none()
}

/// Names a state of the document: what the steps made of it, and which take is kept in it.
pub(in crate::app) type State = (u64, u64);

/// Time of the last change of a file and its length: enough to see that somebody has written to it.
type Stamp = (SystemTime, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// The colour in hand at first.
const COLOUR: Rgb = Rgb([200, 80, 50]);

/// The open document.
pub struct Editor {
    document: Document,
    history: History,
    selected: Selected,
    /// Regions selected besides that of the open card, for what is done to several at once.
    companions: Vec<RegionId>,
    in_stroke: bool,
    path: Option<PathBuf>,
    /// That file as it was read or written last; `None` where that is not known.
    stamp: Option<Stamp>,
    /// Sentences on what saving over that file would lose.
    losses: Vec<String>,
    title: String,
    takes_kept: u64,
    /// Which regions were shown before one was shown alone.
    shown_before: Vec<RegionId>,
    saved: State,
    /// Counts every change, so that what depends on the document knows when to look again.
    changes: u64,
    mask_changes: HashMap<RegionId, u64>,
    /// Counts every touch of a brush.
    painted: u64,
    damage: Damage,
    /// The changes that are being worked out, in their order.
    works: VecDeque<deferred::Work>,
    /// The number of changes there have been.
    works_asked: u64,
    /// The shapes that were moved last, as they were before.
    mapped: Option<mapped::Mapped>,
    /// The settings that the document was drawn with by models of other kinds.
    presets: Presets,
    /// The model that was chosen last, until that has been told.
    chosen: Option<(Nature, bool)>,
    /// The colour that the tools paint with. It is not the document's.
    colour: Rgb,
    /// The generation frame, the part of the canvas that is drawn; the whole canvas without one. It is not the document's.
    frame: Option<PixelRect>,
}

impl Editor {
    /// Opens a document that has no file yet.
    #[must_use]
    pub fn new(document: Document, title: &str) -> Self {
        let selected = Selected::uppermost(&document);
        let companions = selection::companions(&document, selected);
        let history = History::default();
        let saved = (history.revision(), 0);
        Self {
            document,
            history,
            selected,
            companions,
            in_stroke: false,
            path: None,
            stamp: None,
            losses: Vec::new(),
            title: title.to_owned(),
            takes_kept: 0,
            shown_before: Vec::new(),
            saved,
            changes: 0,
            mask_changes: HashMap::new(),
            painted: 0,
            damage: Damage { masks: Vec::new(), regions: true },
            works: VecDeque::new(),
            works_asked: 0,
            mapped: None,
            presets: Presets::default(),
            chosen: None,
            colour: COLOUR,
            frame: None,
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
            // It may have changed since the crash.
            editor.stamp = None;
        }
        editor
    }

    /// The document as it is now.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// True while the tools paint on the mask of what may change of the picture to start from.
    #[must_use]
    pub fn paints_change(&self) -> bool {
        self.selected == Selected::Region(RegionId::INPAINT)
    }

    /// True while the tools paint colours.
    #[must_use]
    pub fn paints_colours(&self) -> bool {
        self.selected == Selected::Region(RegionId::PAINT)
    }

    /// The colour that the tools paint with.
    #[must_use]
    pub fn colour(&self) -> Rgb {
        self.colour
    }

    /// Takes another colour in hand.
    pub fn take_colour(&mut self, colour: Rgb) {
        self.colour = colour;
    }

    /// True where a mask says what may change, and nothing is painted on it: there is nothing to draw.
    #[must_use]
    pub fn nothing_may_change(&self) -> bool {
        self.document.mask(RegionId::INPAINT).is_some_and(|mask| mask.is_blank())
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
        self.stamp = stamp(path);
    }

    /// True where another program has written to the file since it was read or saved here.
    #[must_use]
    pub fn is_changed_on_disk(&self) -> bool {
        let now = self.path.as_deref().and_then(stamp);
        self.stamp.zip(now).is_some_and(|(then, now)| then != now)
    }

    /// Losses by saving over the file, one English sentence each: it was made by another program, or could not be read in full.
    #[must_use]
    pub fn losses(&self) -> &[String] {
        &self.losses
    }

    /// Sets the sentences on what saving over that file would lose.
    #[must_use]
    pub fn with_losses(mut self, losses: Vec<String>) -> Self {
        self.losses = losses;
        self
    }

    /// The document's name in the title bar.
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

    /// Counts the changes of all masks, every touch of a brush included.
    #[must_use]
    pub fn all_mask_changes(&self) -> u64 {
        self.painted
    }

    /// Counts what changes the picture to be made, every touch of a brush included; finished pictures do not count.
    #[must_use]
    pub fn edits(&self) -> (u64, u64) {
        (self.changes - self.takes_kept, self.painted)
    }

    /// Names the state the document is in.
    #[must_use]
    pub fn state(&self) -> State {
        // What is hidden and locked is in the file as well, and no undo step.
        let switched = self.document.regions.iter().filter(|r| !r.visible || r.locked).map(|r| {
            let switches = 2 * u64::from(r.locked) + u64::from(!r.visible);
            (4 * u64::from(r.id.0) + switches).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        (self.history.revision(), switched.fold(self.takes_kept, u64::wrapping_add))
    }

    /// True where there are changes that are not in the file.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.state() != self.saved || self.in_stroke || self.is_working()
    }

    /// The document in this state is in the file.
    pub fn mark_saved(&mut self, state: State) {
        self.saved = state;
        self.losses.clear();
    }

    /// The label of the step that undo would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<&str> {
        self.work().or(self.history.undo_label()).filter(|_| !self.in_stroke)
    }

    /// The label of the step that redo would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<&str> {
        self.history.redo_label().filter(|_| !self.in_stroke && !self.is_working())
    }

    /// Takes the parts that have to be drawn anew since the last call.
    pub fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    fn mask_changed(&mut self, id: RegionId, rect: PixelRect) {
        if rect.is_empty() {
            return;
        }
        // Its coverage stands for the whole paint layer.
        let id = if RegionId::PAINT_PLANES.contains(&id) { RegionId::PAINT } else { id };
        *self.mask_changes.entry(id).or_default() += 1;
        self.painted += 1;
        self.damage.masks.push((id, rect));
    }

    /// Runs a change that `edit` records, and finds out what has to be drawn anew.
    fn changing<T>(&mut self, edit: impl FnOnce(&mut History, &mut Document) -> T) -> T {
        let ids = self.document.regions.iter().map(|r| r.id).chain([RegionId::INPAINT]).chain(RegionId::PAINT_PLANES);
        let before: Vec<(RegionId, Option<Arc<Mask>>)> =
            ids.map(|id| (id, self.document.mask(id).map(Arc::clone))).collect();
        let result = edit(&mut self.history, &mut self.document);
        let changed: Vec<(RegionId, PixelRect)> = before
            .iter()
            .filter_map(|(id, before)| Some((*id, self.document.mask(*id)?, before)))
            .filter(|(_, mask, before)| before.as_ref().is_none_or(|before| !Arc::ptr_eq(mask, before)))
            .map(|(id, mask, _)| (id, PixelRect::whole(mask.width(), mask.height())))
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
        self.changing(|history, document| history.edit(document, label, |document| document.edited(edit)))
    }

    /// A change of one field: joined with the one before it where that was of the same field.
    pub fn change_field(&mut self, field: Field, edit: impl FnOnce(&mut Document)) {
        let (key, label) = field.key();
        self.history.edit_merging(&mut self.document, label, key, edit);
        self.damage.regions |= matches!(field, Field::Colour(_) | Field::StartColour(_));
        self.changes += 1;
    }

    /// The next change is an undo step of its own.
    pub fn close_step(&mut self) {
        self.history.close();
    }

    /// Takes the last change back; one that is still being worked out is left.
    pub fn undo(&mut self) {
        if !self.in_stroke && !self.leave_last_work() {
            self.restore(History::undo);
        }
    }

    /// Does the last undone step again.
    pub fn redo(&mut self) {
        if !self.in_stroke && !self.is_working() {
            self.restore(History::redo);
        }
    }

    fn restore(&mut self, step: impl FnOnce(&mut History, &mut Document) -> Option<Change>) {
        let before: Vec<RegionId> = self.document.regions.iter().map(|region| region.id).collect();
        let Some(change) = step(&mut self.history, &mut self.document) else { return };
        for (id, rects) in &change.masks {
            rects.iter().for_each(|rect| self.mask_changed(*id, *rect));
        }
        for id in [RegionId::INPAINT, RegionId::PAINT].into_iter().filter(|_| change.rest) {
            if let Some(mask) = self.document.mask(id) {
                let whole = PixelRect::whole(mask.width(), mask.height());
                self.mask_changed(id, whole);
            }
        }
        self.damage.regions |= change.rest;
        self.changes += 1;
        // What was painted on is what the next stroke goes to.
        match change.masks.as_slice() {
            [(id, _), ..] if RegionId::PAINT_PLANES.contains(id) => self.turn_to(Selected::Region(RegionId::PAINT)),
            [(id, _)] => self.turn_within(Selected::Region(*id)),
            _ => {}
        }
        // So it is with regions that are back.
        let back: Vec<RegionId> =
            self.document.regions.iter().map(|r| r.id).filter(|id| !before.contains(id)).collect();
        if let Some((last, others)) = back.split_last() {
            self.turn_to(Selected::Region(*last));
            self.companions = others.to_vec();
        }
        self.reselect();
    }
}
