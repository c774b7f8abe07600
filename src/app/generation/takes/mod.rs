//! The finished pictures of a document, the newest first: what they were made from, and how they are kept in memory.
//!
//! Each is packed on a thread of its own into a PNG with its project inside, which is what the document's file holds, too. The
//! open picture with its document is let go where many are there, and unpacked again when it is asked for.

mod captions;
mod facts;
mod item;
mod removed;
mod shelf;
mod wish;

pub(in crate::app) use item::Item;
pub(in crate::app) use wish::Wish;

use crate::document::{Document, Take, TakeNote, TakeWay, takes_kept};
use egui::{ColorImage, TextureOptions};
use facts::Facts;
pub(in crate::app) use facts::way;
use removed::Removed;
use shelf::{Done, Shelf, Work};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

/// The most bytes that open pictures and the masks they were made from take; the last one used is always open.
const OPEN_MEMORY: usize = 256 << 20;

/// The finished pictures, the newest first.
pub(in crate::app) struct Takes {
    items: Vec<Item>,
    removed: Removed,
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

/// Pictures as their document's file holds them, and what is said of them, by their numbers.
pub(in crate::app) type ForFile = (Vec<(u64, Arc<[u8]>)>, Vec<(u64, TakeNote)>);

impl Takes {
    #[must_use]
    pub(in crate::app) fn new(ctx: &egui::Context) -> Self {
        Self {
            items: Vec::new(),
            removed: Removed::default(),
            shelf: Shelf::new(ctx),
            next: 1,
            clock: 0,
            unclaimed: None,
            waiting: None,
            changed: false,
        }
    }

    /// Adds a picture that is finished now, with what it was made from; true where one with a star was let go for it.
    pub(in crate::app) fn add(&mut self, take: Arc<Take>, document: Document, way: TakeWay) -> bool {
        let made = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs());
        self.put(take, document, TakeNote::new(way, made))
    }

    fn put(&mut self, take: Arc<Take>, document: Document, note: TakeNote) -> bool {
        let number = self.next;
        self.next += 1;
        self.shelf.send(Work::Pack { number, take: Arc::clone(&take), document: Box::new(document.clone()) });
        self.clock += 1;
        let item = Item {
            number,
            facts: Some(Facts::of(take.seed, &document, note.way())),
            note,
            texture: None,
            large: None,
            packed: None,
            known: Arc::downgrade(&take),
            open: Some((take, document)),
            used: self.clock,
        };
        self.items.insert(0, item);
        self.changed = true;
        let stars = |items: &[Item]| items.iter().filter(|item| item.is_starred()).count();
        let before = stars(&self.items);
        self.let_go();
        stars(&self.items) < before
    }

    /// All of them, the newest first.
    #[must_use]
    pub(in crate::app) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The one of this number.
    #[must_use]
    pub(in crate::app) fn item(&self, number: u64) -> Option<&Item> {
        self.items.iter().find(|item| item.number == number)
    }

    /// True where one of those in memory was made from exactly this. (Of the picture that came with a document, and of which
    /// nothing is said, nobody knows what it was made from.)
    #[must_use]
    pub(in crate::app) fn has_made(&self, document: &Document) -> bool {
        let made = self.items.iter().filter(|item| item.note.made.is_some());
        made.filter_map(|item| item.open.as_ref()).any(|(_, of)| of == document)
    }

    #[must_use]
    pub(in crate::app) fn len(&self) -> usize {
        self.items.len()
    }

    /// Those of another document from now on.
    pub(in crate::app) fn of_document(&mut self, document: &Document) {
        self.shelf.forget();
        (self.items, self.removed, self.waiting, self.changed) = (Vec::new(), Removed::default(), None, false);
        let packed = document.packed_takes();
        self.next = packed.last().map_or(0, |(number, _)| *number).saturating_add(1);
        let mut kept = document.take.clone().map(|take| (take, document.without_takes()));
        if packed.is_empty() {
            // The picture that came with the document is the first of the strip.
            if let Some((take, document)) = kept.take() {
                self.put(take, document, TakeNote::default());
                self.changed = false;
            }
        }
        let mut notes = document.take_notes();
        let packed: Vec<_> = packed.into_iter().rev().collect();
        let starred = |number: &u64| notes.get(number).is_some_and(|note| note.starred);
        let stays =
            takes_kept(&packed.iter().map(|(number, bytes)| (bytes.len(), starred(number))).collect::<Vec<_>>());
        for ((number, packed), _) in packed.into_iter().zip(stays).filter(|(_, stays)| *stays) {
            let same_as = kept.as_ref().map(|(take, _)| Arc::clone(take));
            self.shelf.send(Work::Open { number, packed: Arc::clone(&packed), same_as });
            self.items.push(Item {
                number,
                facts: None,
                note: notes.remove(&number).unwrap_or_default(),
                texture: None,
                large: None,
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
                Done::Packed { number, packed, small, painted } => {
                    self.picture_of(ctx, number, small);
                    self.changed |= packed.is_some();
                    if let Some(item) = self.find(number) {
                        item.packed = packed;
                        if let Some(facts) = &mut item.facts {
                            facts.painted = Some(painted);
                        }
                    }
                }
                Done::Opened { number, result: Ok(opened) } => {
                    let (take, document, small, painted) = *opened;
                    self.picture_of(ctx, number, small);
                    if self.unclaimed.as_ref().is_some_and(|(kept, _)| Arc::ptr_eq(kept, &take)) {
                        self.unclaimed = None;
                    }
                    if let Some(item) = self.find(number) {
                        let facts = Facts::of(take.seed, &document, item.note.way());
                        item.facts = Some(Facts { painted: Some(painted), ..facts });
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
                self.put(take, document, TakeNote::default());
                self.changed = changed;
            }
        }
        let ready = self.waiting.take_if(|(n, _)| self.items.iter().any(|i| i.number == *n && i.open.is_some()));
        (ready, failed)
    }

    /// A picture of the list, or one that was taken away and may come back.
    fn find(&mut self, number: u64) -> Option<&mut Item> {
        self.items.iter_mut().chain(self.removed.items()).find(|item| item.number == number)
    }

    fn picture_of(&mut self, ctx: &egui::Context, number: u64, [small, large]: [ColorImage; 2]) {
        if let Some(item) = self.find(number) {
            item.texture = Some(ctx.load_texture("take", small, TextureOptions::LINEAR));
            item.large = Some(ctx.load_texture("take on the board", large, TextureOptions::LINEAR));
        }
    }

    /// The pictures that the document's file is to hold with what is said of them, where they have changed since the last call.
    pub(in crate::app) fn for_file(&mut self) -> Option<ForFile> {
        let packed = |i: &Item| Some((i.number, Arc::clone(i.packed.as_ref()?)));
        let notes = || self.items.iter().map(|i| (i.number, i.note.clone())).collect();
        std::mem::take(&mut self.changed).then(|| (self.items.iter().filter_map(packed).collect(), notes()))
    }

    /// Lets open pictures go that were not used for long, and whole ones that are more than a file holds: the oldest without a star.
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
        let sizes = self.items.iter().map(|i| (i.packed.as_ref().map_or(0, |p| p.len()), i.note.starred));
        let mut stays = takes_kept(&sizes.collect::<Vec<_>>()).into_iter();
        self.items.retain(|_| stays.next().unwrap_or(true));
    }

    /// The captions of all, in their order: each says what is not as in the others, in place of which stands its name where it has one.
    pub(in crate::app) fn captions(&self) -> Vec<String> {
        let named =
            |(item, differs): (&Item, String)| if item.note.name.is_empty() { differs } else { item.note.name.clone() };
        self.items.iter().zip(self.differences()).map(named).collect()
    }

    /// What is not as in the others, of each.
    pub(in crate::app) fn differences(&self) -> Vec<String> {
        captions::captions(&self.items.iter().map(|item| item.facts.as_ref()).collect::<Vec<_>>())
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

    /// Takes these pictures away, of which one may be the one that is `shown`; returns the one to show instead.
    pub(in crate::app) fn remove(&mut self, numbers: &[u64], shown: Option<u64>) -> Option<u64> {
        self.changed = true;
        self.removed.take(&mut self.items, numbers, shown)
    }

    /// True where removed pictures can be brought back.
    #[must_use]
    pub(in crate::app) fn can_bring_back(&self) -> bool {
        !self.removed.is_empty()
    }

    /// Brings back those that were taken away last; returns the one that was shown, where the one that took its place still is.
    pub(in crate::app) fn bring_back(&mut self, shown: Option<u64>) -> Option<u64> {
        self.changed = true;
        let (number, instead) = self.removed.give_back(&mut self.items)?;
        // Where what took its place is only about to be shown, it need not be any more.
        let awaited = |waiting: &mut (u64, Wish)| Some(waiting.0) == instead && waiting.1 == Wish::Show;
        let waited = self.waiting.take_if(awaited).is_some();
        (waited || shown == instead).then_some(number)
    }

    /// Gives these pictures a star, or takes it from them.
    pub(in crate::app) fn star(&mut self, numbers: &[u64], starred: bool) {
        for item in self.items.iter_mut().filter(|item| numbers.contains(&item.number)) {
            self.changed |= item.note.starred != starred;
            item.note.starred = starred;
        }
    }

    /// Gives a picture a name, or takes it away where that is empty.
    pub(in crate::app) fn name(&mut self, number: u64, name: &str) {
        if let Some(item) = self.items.iter_mut().find(|item| item.number == number) {
            self.changed |= item.set_name(name);
        }
    }

    /// The neighbour of a picture, older (1) or newer (-1); the newest where none is named.
    pub(in crate::app) fn neighbour(&self, number: Option<u64>, by: isize) -> Option<u64> {
        let at = number.and_then(|n| self.items.iter().position(|i| i.number == n));
        let to = at.map_or(Some(0), |at| at.checked_add_signed(by))?;
        self.items.get(to).map(|i| i.number)
    }
}
