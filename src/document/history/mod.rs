//! Undo and redo.
//!
//! A step keeps what differs: tiles of masks ([`MaskDelta`]), and of the rest a small copy of the words, settings and
//! order. Undoing a step exchanges what it keeps with what is in the document, so that the same step then redoes it.
//!
//! Three ways to make one:
//!
//! ```
//! use polyptych::document::{Document, History, MergeKey};
//!
//! let (mut document, mut history) = (Document::new(64, 64), History::default());
//! // Any change, in one go.
//! let id = history.edit(&mut document, "Add region", |document| document.add_region("Boat", ""));
//! // Typing, dragging a slider: changes with the same key join until the key changes or the step is closed.
//! for words in ["a", "a ", "a b"] {
//!     history.edit_merging(&mut document, "Words", MergeKey("words", id.0), |document| {
//!         document.region_mut(id).unwrap().prompt = words.to_owned();
//!     });
//! }
//! history.close();
//! // Any change, over several calls; `abort` would take it back.
//! history.begin(&document);
//! document.settings.steps = 30;
//! history.commit(&document, "Steps");
//!
//! history.undo(&mut document);
//! history.undo(&mut document);
//! assert_eq!(document.region(id).unwrap().prompt, "");
//! ```
//!
//! A brush stroke is the third kind with its own bookkeeping: the stroke itself keeps the tiles it touches and hands them
//! to [`History::push_mask`] when it ends, so that its cost does not depend on the canvas.

mod rest;

use super::delta::MaskDelta;
use super::{Document, PixelRect, RegionId};
use rest::Rest;
use std::collections::VecDeque;
use std::sync::Arc;

/// The memory the steps may take, unless said otherwise: 256 MB.
pub const MEMORY: usize = 256 << 20;

/// The most steps.
const MAX_STEPS: usize = 1000;

/// A key that joins successive changes into one step: a kind of change and its object (a region's id, or 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MergeKey(pub &'static str, pub u32);

/// The extent of an undo or redo, so that only that has to be drawn anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The step's name.
    pub label: String,
    /// Masks, and the rectangles in which they changed.
    pub masks: Vec<(RegionId, Vec<PixelRect>)>,
    /// True where anything besides masks changed: words, settings, order, which regions there are, the take, the size.
    pub rest: bool,
}

/// The undo and redo steps of one document.
#[derive(Debug)]
pub struct History {
    past: VecDeque<Step>,
    future: Vec<Step>,
    /// The document as it was at [`Self::begin`].
    begun: Option<Document>,
    memory: usize,
    limit: usize,
    last_id: u64,
    /// Names the state before the oldest step that is kept.
    oldest: u64,
}

impl Default for History {
    fn default() -> Self {
        Self::with_memory(MEMORY)
    }
}

/// One step, undone or to be undone.
#[derive(Debug)]
struct Step {
    /// Names the state right after it.
    id: u64,
    label: String,
    key: Option<MergeKey>,
    /// The rest, where it changed.
    rest: Option<Rest>,
    masks: Vec<(RegionId, MaskDelta)>,
    /// It hid, showed, locked or unlocked regions that were there before and after. Other steps leave that as it is.
    switches: bool,
    memory: usize,
}

impl History {
    /// A history whose steps take at most this much memory (but the last step is always kept).
    #[must_use]
    pub fn with_memory(limit: usize) -> Self {
        Self { past: VecDeque::new(), future: Vec::new(), begun: None, memory: 0, limit, last_id: 0, oldest: 0 }
    }

    /// The name of the step that [`Self::undo`] would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<&str> {
        self.past.back().map(|step| step.label.as_str())
    }

    /// The name of the step that [`Self::redo`] would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<&str> {
        self.future.last().map(|step| step.label.as_str())
    }

    /// Names the document's state: the same number means the same state, as long as every change goes through here. A
    /// document is unsaved where this differs from what it was when it was saved.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.past.back().map_or(self.oldest, |step| step.id)
    }

    /// The memory all steps take, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Forgets every step, as for another document. The state keeps its name.
    pub fn clear(&mut self) {
        let revision = self.revision();
        self.past.clear();
        self.future.clear();
        self.begun = None;
        self.memory = 0;
        self.oldest = revision;
    }

    /// One step: whatever `change` does. No step where it changes nothing.
    pub fn edit<T>(&mut self, document: &mut Document, label: &str, change: impl FnOnce(&mut Document) -> T) -> T {
        let before = document.clone();
        let result = change(document);
        self.record(before, document, label, None);
        result
    }

    /// As [`Self::edit`], joined with the step before where that has the same key and was not closed.
    pub fn edit_merging<T>(
        &mut self,
        document: &mut Document,
        label: &str,
        key: MergeKey,
        change: impl FnOnce(&mut Document) -> T,
    ) -> T {
        let before = document.clone();
        let result = change(document);
        self.record(before, document, label, Some(key));
        result
    }

    /// The next change is a step of its own, even with the same key.
    pub fn close(&mut self) {
        if let Some(step) = self.past.back_mut() {
            step.key = None;
        }
    }

    /// Begins a step that [`Self::commit`] or [`Self::abort`] ends. One that is open already is left out.
    pub fn begin(&mut self, document: &Document) {
        self.begun = Some(document.clone());
    }

    /// True between [`Self::begin`] and its end.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.begun.is_some()
    }

    /// Ends the open step and keeps it. True where there was anything to keep.
    pub fn commit(&mut self, document: &Document, label: &str) -> bool {
        self.begun.take().is_some_and(|before| self.record(before, document, label, None))
    }

    /// Ends the open step and takes the document back to its beginning.
    pub fn abort(&mut self, document: &mut Document) {
        if let Some(before) = self.begun.take() {
            *document = before;
        }
    }

    /// A step that changed one region's mask only: `before` leads back. True where there was anything to keep.
    pub fn push_mask(&mut self, region: RegionId, before: MaskDelta, label: &str) -> bool {
        self.push_masks(vec![(region, before)], label)
    }

    /// As [`Self::push_mask`], of several masks.
    pub fn push_masks(&mut self, mut before: Vec<(RegionId, MaskDelta)>, label: &str) -> bool {
        before.retain(|(_, before)| !before.is_empty());
        let any = !before.is_empty();
        if any {
            self.push(label, None, None, before);
        }
        any
    }

    /// Takes the last step back.
    pub fn undo(&mut self, document: &mut Document) -> Option<Change> {
        let mut step = self.past.pop_back()?;
        let change = self.exchange(&mut step, document);
        if let Some(step) = self.past.back_mut() {
            step.key = None;
        }
        self.future.push(step);
        Some(change)
    }

    /// Does the step that was taken back last again.
    pub fn redo(&mut self, document: &mut Document) -> Option<Change> {
        let mut step = self.future.pop()?;
        let change = self.exchange(&mut step, document);
        step.key = None;
        self.past.push_back(step);
        Some(change)
    }

    fn exchange(&mut self, step: &mut Step, document: &mut Document) -> Change {
        let mut change = Change { label: step.label.clone(), masks: Vec::new(), rest: step.rest.is_some() };
        // Deltas belong to the regions both states have, whose masks the rest does not touch.
        for (id, delta) in &mut step.masks {
            if let Some(mask) = document.mask_mut(*id) {
                change.masks.push((*id, delta.swap(Arc::make_mut(mask))));
            }
        }
        if let Some(rest) = &mut step.rest {
            let now: Vec<_> = document.regions.iter().map(|r| (r.id, r.visible, r.locked)).collect();
            rest.exchange(document);
            for (id, visible, locked) in now.into_iter().filter(|_| !step.switches) {
                if let Some(region) = document.region_mut(id) {
                    (region.visible, region.locked) = (visible, locked);
                }
            }
        }
        self.memory = self.memory.saturating_sub(step.memory);
        step.memory = step.cost();
        self.memory += step.memory;
        change
    }

    /// Makes a step of what differs between two states. True where anything does.
    fn record(&mut self, before: Document, after: &Document, label: &str, key: Option<MergeKey>) -> bool {
        let mut masks = Vec::new();
        for region in &before.regions {
            let Some(now) = after.region(region.id) else { continue };
            if Arc::ptr_eq(&now.mask, &region.mask) {
                continue;
            }
            if let Some(delta) = MaskDelta::between(&now.mask, &region.mask).filter(|delta| !delta.is_empty()) {
                masks.push((region.id, delta));
            }
        }
        let switches = before.regions.iter().any(|region| {
            after.region(region.id).is_some_and(|now| (now.visible, now.locked) != (region.visible, region.locked))
        });
        let rest = Rest::before(before, after);
        if rest.is_none() && masks.is_empty() {
            return false;
        }
        // Only changes of words, settings and order join: then the state before the first of them is all that is needed.
        let light = masks.is_empty()
            && rest.as_ref().is_some_and(|rest| rest.is_light() && rest.regions.len() == after.regions.len());
        let joins = key.is_some() && light && self.future.is_empty();
        let id = self.last_id + 1;
        if joins
            && let Some(step) = self.past.back_mut()
            && step.key == key
            && step.masks.is_empty()
            && let Some(kept) = step.rest.as_ref().filter(|kept| kept.is_light())
        {
            if kept.is_state_of(after) {
                // Back where the run of changes began.
                self.memory = self.memory.saturating_sub(step.memory);
                self.past.pop_back();
            } else {
                // The state before the run is kept already; the state after it has a new name.
                step.id = id;
                label.clone_into(&mut step.label);
                self.last_id = id;
            }
            return true;
        }
        self.push(label, key, rest, masks);
        if let Some(step) = self.past.back_mut() {
            step.switches = switches;
        }
        true
    }

    fn push(&mut self, label: &str, key: Option<MergeKey>, rest: Option<Rest>, masks: Vec<(RegionId, MaskDelta)>) {
        for step in self.future.drain(..) {
            self.memory = self.memory.saturating_sub(step.memory);
        }
        let mut step =
            Step { id: self.next_id(), label: label.to_owned(), key, rest, masks, switches: false, memory: 0 };
        step.memory = step.cost();
        self.memory += step.memory;
        self.past.push_back(step);
        while self.past.len() > 1 && (self.memory > self.limit || self.past.len() > MAX_STEPS) {
            if let Some(oldest) = self.past.pop_front() {
                self.oldest = oldest.id;
                self.memory = self.memory.saturating_sub(oldest.memory);
            }
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

impl Step {
    fn cost(&self) -> usize {
        let masks: usize = self.masks.iter().map(|(_, delta)| delta.memory()).sum();
        size_of::<Self>() + self.label.len() + masks + self.rest.as_ref().map_or(0, Rest::memory)
    }
}
