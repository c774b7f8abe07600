//! Finished pictures that a person took away: they wait in memory, those taken away together as one, to be brought back.

use super::item::Item;

/// The number of times that something was taken away, of which each can be undone.
const MOST: usize = 8;

/// What was taken away, the last time last.
#[derive(Default)]
pub(super) struct Removed(Vec<Together>);

/// Pictures that were taken away together.
struct Together {
    items: Vec<Item>,
    /// The one of them that was shown, and the one that was shown instead.
    shown: Option<(u64, Option<u64>)>,
}

impl Removed {
    /// Takes these out of the list, of which one may be the one that is `shown`; returns the one to show instead.
    pub(super) fn take(&mut self, list: &mut Vec<Item>, numbers: &[u64], shown: Option<u64>) -> Option<u64> {
        let goes = |item: &Item| numbers.contains(&item.number);
        let at = list.iter().position(|item| Some(item.number) == shown && goes(item));
        // The next older one that stays, else the next newer one.
        let instead = at.and_then(|at| {
            let (newer, older) = list.split_at(at);
            older.iter().find(|item| !goes(item)).or_else(|| newer.iter().rev().find(|item| !goes(item)))
        });
        let instead = instead.map(|item| item.number);
        let (mut items, rest): (Vec<Item>, Vec<Item>) = std::mem::take(list).into_iter().partition(goes);
        *list = rest;
        if items.is_empty() {
            return None;
        }
        // They may wait for long: what can be unpacked again takes no more memory than its file.
        for item in items.iter_mut().filter(|item| Some(item.number) != shown && item.packed.is_some()) {
            item.open = None;
        }
        let shown = shown.filter(|_| at.is_some()).map(|shown| (shown, instead));
        self.0.push(Together { items, shown });
        let beyond = self.0.len().saturating_sub(MOST);
        self.0.drain(..beyond);
        instead
    }

    pub(super) fn items(&mut self) -> impl Iterator<Item = &mut Item> {
        self.0.iter_mut().flat_map(|together| together.items.iter_mut())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts those that were taken away last back to their places; returns the one of them that was shown, and the one that took its
    /// place on the canvas.
    pub(super) fn give_back(&mut self, list: &mut Vec<Item>) -> Option<(u64, Option<u64>)> {
        let back = self.0.pop()?;
        list.extend(back.items);
        list.sort_by_key(|item| std::cmp::Reverse(item.number));
        back.shown
    }
}
