//! The finished pictures of a document, the newest first: what they were made from, and how they are kept in memory.
//!
//! Each is packed on a thread of its own into a PNG with its project inside, which is what the document's file holds, too. The
//! open picture with its document is let go where many are there, and unpacked again when it is asked for.

mod facts;
mod shelf;

use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, TAKES_COUNT, TAKES_MEMORY, Take};
use egui::{ColorImage, TextureHandle, TextureOptions};
use facts::Facts;
use shelf::{Done, Shelf, Work};
use std::sync::{Arc, Weak};

/// The most bytes that open pictures and the masks they were made from take; the last one used is always open.
const OPEN_MEMORY: usize = 256 << 20;

/// The number of removed pictures that can be brought back.
const REMOVED: usize = 8;

/// One finished picture.
pub(in crate::app) struct Item {
    pub number: u64,
    /// What it was made with; `None` until its file is read.
    facts: Option<Facts>,
    pub texture: Option<TextureHandle>,
    packed: Option<Arc<[u8]>>,
    open: Option<(Arc<Take>, Document)>,
    /// Recognizes the picture after it was let go.
    known: Weak<Take>,
    /// The clock's count when it was used last.
    used: u64,
}

impl Item {
    fn memory(&self) -> usize {
        self.open.as_ref().map_or(0, |(take, document)| {
            take.image.as_raw().len() + document.regions.iter().map(|r| r.mask.memory()).sum::<usize>()
        })
    }

    #[must_use]
    pub(in crate::app) fn is(&self, take: &Arc<Take>) -> bool {
        self.known.as_ptr() == Arc::as_ptr(take)
    }

    #[must_use]
    pub(in crate::app) fn seed(&self) -> Option<u64> {
        self.facts.as_ref().map(|facts| facts.seed)
    }

    #[must_use]
    pub(in crate::app) fn name(&self) -> String {
        self.seed().map_or_else(|| tr("Take").to_owned(), |seed| fill("Take, seed {0}", &[&seed]))
    }

    /// What it was made with, in a few words.
    #[must_use]
    pub(in crate::app) fn told(&self) -> String {
        self.facts.as_ref().map(Facts::line).unwrap_or_default()
    }
}

/// The finished pictures, the newest first.
pub(in crate::app) struct Takes {
    items: Vec<Item>,
    removed: Vec<Item>,
    shelf: Shelf,
    next: u64,
    clock: u64,
    /// The picture kept in the document, until it is known whether it is one of those in its file.
    unclaimed: Option<(Arc<Take>, Document)>,
    /// The picture that is being opened, and the wish that waits for it.
    waiting: Option<(u64, Wish)>,
    /// True where the pictures for the file have changed.
    changed: bool,
}

/// The wishes for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Wish {
    Show,
    Seed,
    Restore,
    Start,
    Export,
    Compare,
    /// What it shows inside the selected region is laid into the picture that is shown.
    Inside,
    Remove,
}

impl Wish {
    /// True where only the picture itself will do.
    #[must_use]
    pub(in crate::app) fn needs_picture(self) -> bool {
        !matches!(self, Self::Seed | Self::Remove)
    }
}

impl Takes {
    #[must_use]
    pub(in crate::app) fn new(ctx: &egui::Context) -> Self {
        Self {
            items: Vec::new(),
            removed: Vec::new(),
            shelf: Shelf::new(ctx),
            next: 1,
            clock: 0,
            unclaimed: None,
            waiting: None,
            changed: false,
        }
    }

    /// Adds a finished picture with what it was made from.
    pub(in crate::app) fn add(&mut self, take: Arc<Take>, document: Document) {
        let number = self.next;
        self.next += 1;
        self.shelf.send(Work::Pack { number, take: Arc::clone(&take), document: Box::new(document.clone()) });
        self.clock += 1;
        let item = Item {
            number,
            facts: Some(Facts::of(take.seed, &document)),
            texture: None,
            packed: None,
            known: Arc::downgrade(&take),
            open: Some((take, document)),
            used: self.clock,
        };
        self.items.insert(0, item);
        self.items.truncate(TAKES_COUNT);
        self.changed = true;
        self.let_go();
    }

    /// All of them, the newest first.
    #[must_use]
    pub(in crate::app) fn items(&self) -> &[Item] {
        &self.items
    }

    #[must_use]
    pub(in crate::app) fn len(&self) -> usize {
        self.items.len()
    }

    /// Those of another document from now on.
    pub(in crate::app) fn of_document(&mut self, document: &Document) {
        self.shelf.forget();
        (self.items, self.removed, self.waiting, self.changed) = (Vec::new(), Vec::new(), None, false);
        let packed = document.packed_takes();
        self.next = packed.last().map_or(0, |(number, _)| *number).saturating_add(1);
        let mut kept = document.take.clone().map(|take| (take, document.without_takes()));
        if packed.is_empty() {
            // The picture that came with the document is the first of the strip.
            if let Some((take, document)) = kept.take() {
                self.add(take, document);
                self.changed = false;
            }
        }
        for (number, packed) in packed.into_iter().rev().take(TAKES_COUNT) {
            let same_as = kept.as_ref().map(|(take, _)| Arc::clone(take));
            self.shelf.send(Work::Open { number, packed: Arc::clone(&packed), same_as });
            self.items.push(Item {
                number,
                facts: None,
                texture: None,
                packed: Some(packed),
                open: None,
                known: Weak::new(),
                used: 0,
            });
        }
        self.unclaimed = kept;
    }

    /// Takes in what the thread has finished; returns what waited for a picture that is open now, and what cannot be read.
    pub(in crate::app) fn update(&mut self, ctx: &egui::Context) -> (Option<(u64, Wish)>, Option<String>) {
        let mut failed = None;
        for done in self.shelf.done() {
            match done {
                Done::Packed { number, packed, thumbnail } => {
                    self.picture_of(ctx, number, thumbnail);
                    if let Some(item) = self.items.iter_mut().find(|i| i.number == number) {
                        item.packed = packed;
                        self.changed |= item.packed.is_some();
                    }
                }
                Done::Opened { number, result: Ok(opened) } => {
                    let (take, document, thumbnail) = *opened;
                    self.picture_of(ctx, number, thumbnail);
                    if self.unclaimed.as_ref().is_some_and(|(kept, _)| Arc::ptr_eq(kept, &take)) {
                        self.unclaimed = None;
                    }
                    if let Some(item) = self.items.iter_mut().find(|i| i.number == number) {
                        item.facts = Some(Facts::of(take.seed, &document));
                        item.known = Arc::downgrade(&take);
                        item.open = Some((take, document));
                    }
                }
                Done::Opened { number, result: Err(message) } => {
                    self.items.retain(|i| i.number != number);
                    self.waiting.take_if(|(waiting, _)| *waiting == number);
                    failed = Some(message);
                }
            }
            self.let_go();
        }
        if self.unclaimed.is_some() && self.items.iter().all(|i| i.facts.is_some()) {
            let (changed, kept) = (self.changed, self.unclaimed.take());
            if let Some((take, document)) = kept {
                self.add(take, document);
                self.changed = changed;
            }
        }
        let ready = self.waiting.take_if(|(n, _)| self.items.iter().any(|i| i.number == *n && i.open.is_some()));
        (ready, failed)
    }

    fn picture_of(&mut self, ctx: &egui::Context, number: u64, thumbnail: ColorImage) {
        if let Some(item) = self.items.iter_mut().find(|i| i.number == number) {
            item.texture = Some(ctx.load_texture("take", thumbnail, TextureOptions::LINEAR));
        }
    }

    /// The pictures that the document's file is to hold, where they have changed since the last call.
    pub(in crate::app) fn for_file(&mut self) -> Option<Vec<(u64, Arc<[u8]>)>> {
        let packed = |i: &Item| Some((i.number, Arc::clone(i.packed.as_ref()?)));
        std::mem::take(&mut self.changed).then(|| self.items.iter().filter_map(packed).collect())
    }

    /// Lets open pictures go that were not used for long, and packed ones that are more than a file holds.
    fn let_go(&mut self) {
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(self.items[*i].used));
        let mut open = 0;
        for (place, i) in order.into_iter().enumerate() {
            let item = &mut self.items[i];
            open += item.memory();
            if place > 0 && open > OPEN_MEMORY && item.packed.is_some() {
                open -= item.memory();
                item.open = None;
            }
        }
        let mut packed = 0;
        self.items.retain(|i| {
            packed += i.packed.as_ref().map_or(0, |p| p.len());
            packed <= TAKES_MEMORY
        });
    }

    /// The captions of all, in their order: each says what is not as in the one made before it.
    pub(in crate::app) fn captions(&self) -> Vec<String> {
        let before = |at: usize| self.items.get(at + 1).and_then(|item| item.facts.as_ref());
        let caption =
            |(at, item): (usize, &Item)| item.facts.as_ref().map(|facts| facts.caption(before(at))).unwrap_or_default();
        self.items.iter().enumerate().map(caption).collect()
    }

    /// The number of the picture that is this one.
    #[must_use]
    pub(in crate::app) fn number_of(&self, take: Option<&Arc<Take>>) -> Option<u64> {
        self.items.iter().find(|i| take.is_some_and(|t| i.is(t))).map(|i| i.number)
    }

    /// An open picture and what it was made from; where it is not open yet, it will be, and then `wish` is granted.
    pub(in crate::app) fn open(&mut self, number: u64, wish: Wish) -> Option<(Arc<Take>, Document)> {
        self.clock += 1;
        let item = self.items.iter_mut().find(|i| i.number == number)?;
        item.used = self.clock;
        if item.open.is_none()
            && let Some(packed) = &item.packed
        {
            let same_as = item.known.upgrade();
            self.shelf.send(Work::Open { number, packed: Arc::clone(packed), same_as });
            self.waiting = Some((number, wish));
        }
        item.open.clone()
    }

    pub(in crate::app) fn remove(&mut self, number: u64) {
        if let Some(at) = self.items.iter().position(|i| i.number == number) {
            self.removed.push(self.items.remove(at));
            let beyond = self.removed.len().saturating_sub(REMOVED);
            self.removed.drain(..beyond);
            self.changed = true;
        }
    }

    /// True where a removed picture can be brought back.
    #[must_use]
    pub(in crate::app) fn can_bring_back(&self) -> bool {
        !self.removed.is_empty()
    }

    pub(in crate::app) fn bring_back(&mut self) {
        if let Some(item) = self.removed.pop() {
            let at = self.items.iter().take_while(|i| i.number > item.number).count();
            self.items.insert(at, item);
            self.changed = true;
        }
    }

    /// The neighbour of a picture, older (1) or newer (-1); the newest where none is named.
    pub(in crate::app) fn neighbour(&self, number: Option<u64>, by: isize) -> Option<u64> {
        let at = number.and_then(|n| self.items.iter().position(|i| i.number == n));
        let to = at.map_or(Some(0), |at| at.checked_add_signed(by))?;
        self.items.get(to).map(|i| i.number)
    }
}
