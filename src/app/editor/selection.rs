//! What is selected: one card, which strokes and words go to, and the regions that go along where something is done to several.

use super::Editor;
use crate::document::{Document, Region, RegionId};

/// The target of the next stroke, and the open card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Selected {
    /// The background.
    Background,
    /// A region, [`RegionId::INPAINT`] or [`RegionId::PAINT`].
    Region(RegionId),
}

impl Selected {
    /// The uppermost region, or the background where there is none.
    #[must_use]
    pub fn uppermost(document: &Document) -> Self {
        document.regions.last().map_or(Self::Background, |region| Self::Region(region.id))
    }
}

impl Editor {
    /// The selected card, which is open.
    #[must_use]
    pub fn selected(&self) -> Selected {
        self.selected
    }

    /// The region of the open card, unless the background is selected.
    #[must_use]
    pub fn selected_region(&self) -> Option<&Region> {
        match self.selected {
            Selected::Region(id) => self.document.region(id),
            Selected::Background => None,
        }
    }

    /// True for the open card, and for those of regions that are selected with it.
    #[must_use]
    pub fn is_selected(&self, card: Selected) -> bool {
        card == self.selected || self.companions.iter().any(|id| Selected::Region(*id) == card)
    }

    /// True while more regions than the one of the open card are selected.
    #[must_use]
    pub fn has_companions(&self) -> bool {
        !self.companions.is_empty()
    }

    /// The selected regions, the lowest first.
    pub fn selected_regions(&self) -> impl Iterator<Item = &Region> {
        self.document.regions.iter().filter(|region| self.is_selected(Selected::Region(region.id)))
    }

    /// Whose masks are selected: what the open card's is, and the regions that go along with it.
    #[must_use]
    pub fn selected_masks(&self) -> Vec<RegionId> {
        match self.selected {
            Selected::Region(id) => std::iter::once(id).chain(self.companions.iter().copied()).collect(),
            Selected::Background => Vec::new(),
        }
    }

    /// Selects one card, with the group that its region is in, which ends the open undo step.
    pub fn select(&mut self, selected: Selected) {
        self.turn_to(selected);
        self.history.close();
    }

    /// Opens a card; where it is one of several that are selected, they stay so.
    pub fn select_within(&mut self, selected: Selected) {
        self.turn_within(selected);
        self.history.close();
    }

    /// Selects a region besides those that are, with its group, or lets go of it alone. The open card stays open for as long as it is
    /// selected.
    pub fn select_too(&mut self, id: RegionId) {
        self.history.close();
        let Some(open) = self.selected_region().map(|region| region.id) else {
            return self.turn_to(Selected::Region(id));
        };
        if open == id {
            if let Some(next) = self.companions.pop() {
                self.selected = Selected::Region(next);
            }
        } else if let Some(at) = self.companions.iter().position(|companion| *companion == id) {
            self.companions.remove(at);
        } else {
            let group = companions(&self.document, Selected::Region(id));
            let more = std::iter::once(id).chain(group).filter(|id| !self.is_selected(Selected::Region(*id)));
            let more: Vec<RegionId> = more.collect();
            self.companions.extend(more);
        }
    }

    /// Selects the regions from the open card's to this one, which ends the open undo step.
    pub fn select_up_to(&mut self, id: RegionId) {
        let place = |id: RegionId| self.document.regions.iter().position(|region| region.id == id);
        let open = self.selected_region().and_then(|region| place(region.id));
        let Some((open, to)) = open.zip(place(id)) else { return self.select(Selected::Region(id)) };
        let range = self.document.regions.get(open.min(to)..=open.max(to)).unwrap_or_default();
        self.companions = range.iter().map(|region| region.id).collect();
        self.without_the_open_one();
    }

    /// Selects all regions; the open card stays open where it is one of them.
    pub fn select_all(&mut self) {
        if self.selected_region().is_none() {
            self.selected = Selected::uppermost(&self.document);
        }
        self.companions = self.document.regions.iter().map(|region| region.id).collect();
        self.without_the_open_one();
    }

    fn without_the_open_one(&mut self) {
        let open = self.selected;
        self.companions.retain(|id| Selected::Region(*id) != open);
        self.history.close();
    }

    /// Selects one card, with the group that its region is in.
    pub(super) fn turn_to(&mut self, selected: Selected) {
        self.selected = selected;
        self.companions = companions(&self.document, selected);
    }

    /// As [`Self::select_within`], and the undo step stays open.
    pub(super) fn turn_within(&mut self, selected: Selected) {
        if selected == self.selected {
            return;
        }
        let companion = self.companions.iter_mut().find(|id| Selected::Region(**id) == selected);
        match (companion, self.selected) {
            (Some(companion), Selected::Region(open)) => (*companion, self.selected) = (open, selected),
            _ => self.turn_to(selected),
        }
    }

    /// Selects something that is there.
    pub(super) fn reselect(&mut self) {
        let document = &self.document;
        self.companions.retain(|id| document.region(*id).is_some());
        if let Selected::Region(id) = self.selected
            && self.document.mask(id).is_none()
        {
            let next = self.companions.pop().map(Selected::Region);
            self.selected = next.unwrap_or(Selected::uppermost(&self.document));
        }
    }

    /// Place of the open card's region and of its neighbour up (1) or down (-1).
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
}

/// The others of the group that the region of a card is in.
pub(super) fn companions(document: &Document, card: Selected) -> Vec<RegionId> {
    let Selected::Region(open) = card else { return Vec::new() };
    document.group_of(open).into_iter().filter(|id| *id != open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editor() -> (Editor, [RegionId; 4]) {
        let mut document = Document::new(64, 64);
        let ids = ["a", "b", "c", "d"].map(|name| document.add_region(name, name));
        (Editor::new(document, "selection"), ids)
    }

    fn selected(editor: &Editor) -> (Selected, Vec<RegionId>) {
        (editor.selected(), editor.selected_regions().map(|region| region.id).collect())
    }

    #[test]
    fn regions_are_added_let_go_and_taken_in_a_row() {
        let (mut editor, [a, b, c, d]) = editor();
        let region = Selected::Region;
        editor.select(region(b));
        editor.select_too(d);
        assert_eq!(selected(&editor), (region(b), vec![b, d]), "the open card stays open");
        editor.select_too(b);
        assert_eq!(selected(&editor), (region(d), vec![d]));
        editor.select_too(d);
        assert_eq!(selected(&editor), (region(d), vec![d]), "one is left");
        editor.select_up_to(b);
        assert_eq!(selected(&editor), (region(d), vec![b, c, d]));
        editor.select_up_to(c);
        assert_eq!(selected(&editor), (region(d), vec![c, d]), "a row begins at the open card");
        editor.select_within(region(c));
        assert_eq!(selected(&editor), (region(c), vec![c, d]));
        editor.select_within(region(a));
        assert_eq!(selected(&editor), (region(a), vec![a]), "it was not among them");
        editor.select(Selected::Background);
        editor.select_all();
        assert_eq!(selected(&editor), (region(d), vec![a, b, c, d]));
        for not_a_region in [Selected::Background, region(RegionId::INPAINT)] {
            editor.select(not_a_region);
            editor.select_too(b);
            assert_eq!(selected(&editor), (region(b), vec![b]), "{not_a_region:?} has no companions");
            editor.select(not_a_region);
            editor.select_up_to(b);
            assert_eq!(selected(&editor), (region(b), vec![b]));
        }
    }

    #[test]
    fn what_is_gone_is_not_selected() {
        let (mut editor, [a, b, c, d]) = editor();
        editor.select(Selected::Region(b));
        editor.duplicate_regions();
        let Selected::Region(copy) = editor.selected() else { panic!("a copy is selected") };
        editor.select_too(c);
        editor.undo();
        assert_eq!(selected(&editor), (Selected::Region(c), vec![c]), "{copy:?} is gone");
        editor.select_too(a);
        editor.delete_regions();
        assert_eq!(editor.document().regions.iter().map(|r| r.id).collect::<Vec<_>>(), [b, d]);
        assert_eq!(selected(&editor), (Selected::Region(b), vec![b]));
        editor.undo();
        assert_eq!(editor.document().regions.len(), 4, "one step");
    }

    #[test]
    fn a_group_is_selected_and_copied_as_one() {
        let (mut editor, [a, b, c, d]) = editor();
        let region = Selected::Region;
        editor.select(region(a));
        editor.select_too(c);
        editor.group_regions();
        assert_eq!(editor.undo_label(), Some("Group regions"));
        editor.select(region(b));
        assert_eq!(selected(&editor), (region(b), vec![b]));
        editor.select_too(c);
        assert_eq!(selected(&editor), (region(b), vec![a, b, c]));
        editor.select_too(a);
        assert_eq!(selected(&editor), (region(b), vec![b, c]), "one is let go by itself");
        editor.select(region(c));
        assert_eq!(selected(&editor), (region(c), vec![a, c]));
        let copies: Vec<RegionId> = editor.duplicate_regions().into_iter().map(|(_, copy)| copy).collect();
        assert_eq!(editor.document().group_of(copies[0]), copies, "a group of their own");
        assert_eq!(editor.document().group_of(a), [a, c]);
        editor.select(region(c));
        editor.select_too(a);
        let [(_, copy)] = editor.duplicate_regions()[..] else { panic!("one copy") };
        assert_eq!(editor.document().region(copy).and_then(|region| region.group), None);
        editor.select(region(c));
        editor.ungroup_regions();
        editor.select(region(d));
        editor.select(region(c));
        assert_eq!(selected(&editor), (region(c), vec![c]));
        editor.undo();
        assert_eq!(editor.document().group_of(a), [a, c]);
        let opened = Editor::new(editor.document().clone(), "again");
        assert_eq!(opened.selected(), region(d));
    }
}
