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
//!         document.region_mut(id).unwrap().words = words.to_owned();
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
//! assert_eq!(document.region(id).unwrap().words, "");
//! ```
//!
//! A brush stroke is the third kind with its own bookkeeping: the stroke itself keeps the tiles it touches and hands them
//! to [`History::push_mask`] when it ends, so that its cost does not depend on the canvas.

use super::delta::MaskDelta;
use super::{Background, Document, Mask, PixelRect, Region, RegionId, Settings, Start, Take};
use std::collections::VecDeque;
use std::sync::Arc;

/// The memory the steps may take, unless said otherwise: 256 MB.
pub const MEMORY: usize = 256 << 20;

/// The most steps.
const MAX_STEPS: usize = 1000;

/// What joins successive changes into one step: a kind of change and what it is of (a region's id, or 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MergeKey(pub &'static str, pub u32);

/// What an undo or redo changed, so that only that has to be drawn anew.
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
    memory: usize,
}

/// Everything in a document but the pixels of masks that are in the document too.
#[derive(Debug, Clone, PartialEq)]
struct Rest {
    width: u32,
    height: u32,
    background: Background,
    style: String,
    settings: Settings,
    /// The take, where the step changed it: a picture that is finished between two edits is not taken away by undoing.
    take: Option<Option<Arc<Take>>>,
    /// The picture to start from, where the step changed it or its settings.
    start: Option<Option<Start>>,
    /// Regions in order. Their masks are shared with nothing: a mask is here only where the other state has no such region,
    /// or one of another size, and is empty (0 × 0) otherwise.
    regions: Vec<Region>,
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
        if before.is_empty() {
            return false;
        }
        self.push(label, None, None, vec![(region, before)]);
        true
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
            rest.exchange(document);
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
        true
    }

    fn push(&mut self, label: &str, key: Option<MergeKey>, rest: Option<Rest>, masks: Vec<(RegionId, MaskDelta)>) {
        for step in self.future.drain(..) {
            self.memory = self.memory.saturating_sub(step.memory);
        }
        let mut step = Step { id: self.next_id(), label: label.to_owned(), key, rest, masks, memory: 0 };
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

impl Rest {
    /// What of `before` is not in `after`; `None` where nothing but masks differs.
    fn before(before: Document, after: &Document) -> Option<Self> {
        let take = (!same_take(before.take.as_ref(), after.take.as_ref())).then_some(before.take);
        let start = (!same_start(before.start.as_ref(), after.start.as_ref())).then_some(before.start);
        let same = before.width == after.width
            && before.height == after.height
            && before.background == after.background
            && before.style == after.style
            && before.settings == after.settings
            && take.is_none()
            && start.is_none()
            && before.regions.len() == after.regions.len()
            && before.regions.iter().zip(&after.regions).all(|(a, b)| same_card(a, b) && same_size(&a.mask, &b.mask));
        if same {
            return None;
        }
        let nothing = Arc::new(Mask::empty(0, 0));
        let mut regions = before.regions;
        for region in &mut regions {
            if after.region(region.id).is_some_and(|now| same_size(&now.mask, &region.mask)) {
                region.mask = Arc::clone(&nothing);
            }
        }
        Some(Self {
            width: before.width,
            height: before.height,
            background: before.background,
            style: before.style,
            settings: before.settings,
            take,
            start,
            regions,
        })
    }

    /// True where every region keeps its mask in the document and no take is kept, so that nothing but words, settings and
    /// order differ.
    fn is_light(&self) -> bool {
        self.take.is_none() && self.regions.iter().all(|region| region.mask.width() == 0)
    }

    /// True where the document is in this state, as far as a light one says ([`Self::is_light`]).
    fn is_state_of(&self, document: &Document) -> bool {
        self.width == document.width
            && self.height == document.height
            && self.background == document.background
            && self.style == document.style
            && self.settings == document.settings
            && self.start.as_ref().is_none_or(|start| same_start(start.as_ref(), document.start.as_ref()))
            && self.regions.len() == document.regions.len()
            && self.regions.iter().zip(&document.regions).all(|(a, b)| same_card(a, b))
    }

    /// Puts this state into the document and the document's here.
    fn exchange(&mut self, document: &mut Document) {
        std::mem::swap(&mut self.width, &mut document.width);
        std::mem::swap(&mut self.height, &mut document.height);
        std::mem::swap(&mut self.background, &mut document.background);
        std::mem::swap(&mut self.style, &mut document.style);
        std::mem::swap(&mut self.settings, &mut document.settings);
        if let Some(take) = &mut self.take {
            std::mem::swap(take, &mut document.take);
        }
        if let Some(start) = &mut self.start {
            std::mem::swap(start, &mut document.start);
        }
        std::mem::swap(&mut self.regions, &mut document.regions);
        // Masks that both states share go where they are needed: into the document.
        for region in &mut document.regions {
            if region.mask.width() == 0
                && let Some(other) = self.regions.iter_mut().find(|r| r.id == region.id)
            {
                std::mem::swap(&mut region.mask, &mut other.mask);
            }
        }
    }

    fn memory(&self) -> usize {
        let text = |region: &Region| {
            let negative = region.negative.as_ref().map_or(0, String::len);
            size_of::<Region>() + region.name.len() + region.words.len() + negative + region.mask.memory()
        };
        let take = self.take.iter().flatten().map(|take| take.image.as_raw().len()).sum::<usize>();
        let start = self.start.iter().flatten().map(|start| start.image.as_raw().len()).sum::<usize>();
        let background = self.background.words.len() + self.background.negative.len();
        size_of::<Self>() + self.regions.iter().map(text).sum::<usize>() + take + start + background
    }
}

fn same_take(a: Option<&Arc<Take>>, b: Option<&Arc<Take>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

fn same_start(a: Option<&Start>, b: Option<&Start>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.is(b),
        _ => false,
    }
}

fn same_size(a: &Mask, b: &Mask) -> bool {
    (a.width(), a.height()) == (b.width(), b.height())
}

/// True where two regions differ in nothing but their masks.
fn same_card(a: &Region, b: &Region) -> bool {
    // Taken apart, so that a new field cannot be forgotten here.
    let Region {
        id,
        name,
        words,
        negative,
        colour,
        mask: _,
        visible,
        locked,
        bootstrap,
        feather,
        weight,
        guidance,
        seed,
        reroll,
        start,
        end,
    } = a;
    (id, name, words, negative, colour) == (&b.id, &b.name, &b.words, &b.negative, &b.colour)
        && (visible, locked) == (&b.visible, &b.locked)
        && (bootstrap, feather, weight, guidance) == (&b.bootstrap, &b.feather, &b.weight, &b.guidance)
        && (seed, reroll, start, end) == (&b.seed, &b.reroll, &b.start, &b.end)
}
