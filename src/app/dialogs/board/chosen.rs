//! Which pictures of the board are chosen, and which of them the keys stand on.

use std::collections::BTreeSet;

/// Numbers of pictures. Lists are in the order in which the board shows them.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The one that the keys stand on.
    pub current: Option<u64>,
    /// Where a row of chosen ones begins.
    anchor: Option<u64>,
    all: BTreeSet<u64>,
}

impl Chosen {
    pub(super) fn contains(&self, number: u64) -> bool {
        self.all.contains(&number)
    }

    /// The chosen ones, in the order of the list.
    pub(super) fn of(&self, list: &[u64]) -> Vec<u64> {
        list.iter().copied().filter(|number| self.contains(*number)).collect()
    }

    /// This one and no other.
    pub(super) fn only(&mut self, number: u64) {
        (self.current, self.anchor) = (Some(number), Some(number));
        self.all = BTreeSet::from([number]);
    }

    /// This one as well, or no longer.
    pub(super) fn toggle(&mut self, number: u64) {
        (self.current, self.anchor) = (Some(number), Some(number));
        if !self.all.remove(&number) {
            self.all.insert(number);
        }
    }

    /// All from where the row begins to this one.
    pub(super) fn up_to(&mut self, number: u64, list: &[u64]) {
        let place = |of: u64| list.iter().position(|number| *number == of);
        let from = self.anchor.and_then(place);
        let (Some(from), Some(to)) = (from, place(number)) else { return self.only(number) };
        self.current = Some(number);
        self.all = list[from.min(to)..=from.max(to)].iter().copied().collect();
    }

    pub(super) fn everything(&mut self, list: &[u64]) {
        self.all = list.iter().copied().collect();
        self.current = self.current.or_else(|| list.first().copied());
    }

    /// Goes so many places on, as far as the list goes; `row` chooses all that lies between.
    pub(super) fn step(&mut self, by: isize, row: bool, list: &[u64]) {
        let at = self.current.and_then(|current| list.iter().position(|number| *number == current));
        let to = at.map_or(0, |at| at.saturating_add_signed(by).min(list.len().saturating_sub(1)));
        match list.get(to) {
            Some(number) if row => self.up_to(*number, list),
            Some(number) => self.only(*number),
            None => {}
        }
    }

    /// Forgets what is no longer there; the keys then stand on what took its place.
    pub(super) fn keep(&mut self, list: &[u64]) {
        let there = |number: &u64| list.contains(number);
        self.all.retain(there);
        self.anchor = self.anchor.filter(there);
        if !self.current.is_some_and(|current| there(&current)) {
            // Larger numbers come first: the next older one, else the oldest.
            let gone = self.current.take().unwrap_or(u64::MAX);
            if let Some(number) = list.iter().find(|number| **number < gone).or(list.last()) {
                self.only(*number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [u64; 6] = [9, 8, 6, 4, 3, 1];

    #[test]
    fn clicks_choose_one_several_or_a_row() {
        let mut chosen = Chosen::default();
        chosen.only(8);
        chosen.toggle(3);
        assert_eq!(chosen.of(&LIST), [8, 3]);
        chosen.toggle(8);
        assert_eq!(chosen.of(&LIST), [3]);
        chosen.only(6);
        chosen.up_to(1, &LIST);
        assert_eq!(chosen.of(&LIST), [6, 4, 3, 1]);
        chosen.up_to(9, &LIST);
        assert_eq!((chosen.of(&LIST), chosen.current), (vec![9, 8, 6], Some(9)), "from the same one, the other way");
        chosen.everything(&LIST);
        assert_eq!(chosen.of(&LIST), LIST);
    }

    #[test]
    fn keys_stop_at_the_ends_and_choose_rows() {
        let mut chosen = Chosen::default();
        chosen.step(1, false, &LIST);
        assert_eq!(chosen.current, Some(9), "the first key stands on the first");
        chosen.step(4, false, &LIST);
        chosen.step(4, false, &LIST);
        assert_eq!(chosen.of(&LIST), [1]);
        chosen.step(-2, true, &LIST);
        assert_eq!(chosen.of(&LIST), [4, 3, 1]);
        chosen.step(1, true, &LIST);
        assert_eq!(chosen.of(&LIST), [3, 1], "a row shrinks again");
        chosen.step(1, false, &[]);
    }

    #[test]
    fn what_took_the_place_of_a_removed_one_is_next() {
        let mut chosen = Chosen::default();
        chosen.only(6);
        chosen.keep(&[9, 8, 4, 3, 1]);
        assert_eq!((chosen.current, chosen.of(&LIST)), (Some(4), vec![4]));
        chosen.only(1);
        chosen.keep(&[9, 8]);
        assert_eq!(chosen.current, Some(8));
        chosen.keep(&[]);
        assert_eq!((chosen.current, chosen.of(&LIST)), (None, vec![]));
    }
}
