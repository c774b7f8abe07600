//! The regions: which there are, their order, and what is said of each.

use super::is_blank;
use super::{Editor, Field, Made, Selected};
use crate::app::text::i18n::{fill, key};
use crate::app::text::names;
use crate::document::{Chosen, ColourMap, MAX_REGIONS, Palette, PixelRect, Region, RegionId, Rgb, StartColour};
use crate::paint::{Beyond, Placement, place_whole};
use std::sync::Arc;

impl Editor {
    /// Adds a region above all others and selects it.
    pub fn add_region(&mut self) -> RegionId {
        let mut number = self.document.regions.len() + 1;
        while self.document.regions.iter().any(|r| names::shown(&r.name) == fill("Region {0}", &[&number])) {
            number += 1;
        }
        let id = self.change(key("Add region"), |d| d.add_region(&fill("Region {0}", &[&number]), ""));
        self.turn_to(Selected::Region(id));
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
            if d.background.prompt.trim().is_empty() {
                d.background = background;
            }
        });
        self.turn_to(Selected::uppermost(&self.document));
    }

    /// Adds these colours of a map as regions above all others; on a canvas of this size, where it is given and the document
    /// is still blank.
    pub fn add_map(&mut self, map: Arc<ColourMap>, chosen: Vec<Chosen>, size: Option<(u32, u32)>) {
        let pixels = 8 * self.area().max(u64::from(map.width()) * u64::from(map.height()));
        self.ask(key("Import colour map"), pixels, None, move |document| {
            let own = size.filter(|_| is_blank(document));
            let (width, height) = own.unwrap_or((document.width, document.height));
            Some(Made::Regions((width, height), map.regions(width, height, &chosen)))
        });
    }

    /// Copies the selected regions and selects the copies, each right above its original. Returns whose copy each is.
    pub fn duplicate_regions(&mut self) -> Vec<(RegionId, RegionId)> {
        let mut copies: Vec<Region> = self.selected_regions().map(|region| self.copy_of(region)).collect();
        self.regroup(&mut copies);
        let label = if copies.len() > 1 { key("Duplicate regions") } else { key("Duplicate region") };
        let made: Vec<(RegionId, RegionId)> = self.change(label, |d| {
            let add = |copy: Region| {
                let of = copy.id;
                let id = d.add_region("", "");
                let colour = d.regions.pop().map_or(copy.colour, |new| new.colour);
                let at = d.regions.iter().position(|r| r.id == of).map_or(0, |i| i + 1);
                d.regions.insert(at, Region { id, colour, ..copy });
                (of, id)
            };
            copies.into_iter().map(add).collect()
        });
        let copy_of = |id: RegionId| made.iter().find(|(of, _)| *of == id).map(|(_, copy)| *copy);
        if let Some(open) = self.selected_region().and_then(|region| copy_of(region.id)) {
            self.companions = made.iter().map(|(_, copy)| *copy).filter(|copy| *copy != open).collect();
            self.selected = Selected::Region(open);
        }
        made
    }

    /// A region with its words, beside the original, so that it is seen: on top of it a copy would look as if nothing had happened.
    fn copy_of(&self, region: &Region) -> Region {
        let shape = Beyond { mask: &region.mask, outside: region.outside.as_deref() };
        let from = shape
            .extent()
            .filter(|_| region.mask.bounds() != PixelRect::whole(self.document.width, self.document.height));
        let is_taken = |name: &str| self.document.regions.iter().any(|region| region.name == name);
        let mut copy = Region { name: names::of_copy(&region.name, is_taken), ..region.clone() };
        if let Some(from) = from {
            let by = (self.document.width.min(self.document.height) / 32).clamp(8, 64).cast_signed();
            let to = Placement { x: from.x + by, y: from.y + by, ..from };
            let (mask, outside) = place_whole(shape, from, to, self.document.settings.wrap);
            (copy.mask, copy.outside) = (Arc::new(mask), outside.map(Arc::new));
        }
        copy
    }

    /// Copies of several of one group become a group of their own.
    fn regroup(&self, copies: &mut [Region]) {
        let groups: Vec<u32> = copies.iter().filter_map(|copy| copy.group).collect();
        let several = |group: u32| groups.iter().filter(|other| **other == group).count() > 1;
        let mut own: Vec<u32> = groups.iter().copied().filter(|group| several(*group)).collect();
        own.sort_unstable();
        own.dedup();
        let own: Vec<(u32, u32)> = own.into_iter().zip(self.document.free_groups()).collect();
        for copy in copies {
            let new = own.iter().find(|(old, _)| copy.group == Some(*old));
            copy.group = new.map(|(_, new)| *new);
        }
    }

    /// Binds the selected regions together, so that who selects one selects them all.
    pub fn group_regions(&mut self) {
        let ids = self.selected_masks();
        self.change(key("Group regions"), |d| d.group(&ids));
    }

    /// Looses the groups that the selected regions are in.
    pub fn ungroup_regions(&mut self) {
        let ids = self.selected_masks();
        self.change(key("Ungroup regions"), |d| d.ungroup(&ids));
    }

    /// Removes the selected regions and selects the neighbour of the open card's.
    pub fn delete_regions(&mut self) {
        let Some(open) = self.selected_region().map(|region| region.id) else { return };
        let ids = self.selected_masks();
        let below = self.document.regions.iter().take_while(|r| r.id != open).filter(|r| !ids.contains(&r.id)).count();
        let label = if ids.len() > 1 { key("Delete regions") } else { key("Delete region") };
        self.change(label, |d| d.regions.retain(|r| !ids.contains(&r.id)));
        let next = self.document.regions.get(below.saturating_sub(1)).map(|r| r.id);
        self.turn_to(next.map_or(Selected::Background, Selected::Region));
    }

    /// Hides the selected regions, or shows them again where that of the open card is hidden. As locking them, this is no undo step:
    /// undo goes back among strokes and leaves it alone.
    pub fn toggle_regions(&mut self) {
        let Some(visible) = self.selected_region().map(|region| !region.visible) else { return };
        self.switch_selected(|region| region.visible = visible);
    }

    /// Locks the selected regions, or unlocks them where that of the open card is locked.
    pub fn lock_regions(&mut self) {
        let Some(locked) = self.selected_region().map(|region| !region.locked) else { return };
        self.switch_selected(|region| region.locked = locked);
    }

    /// Calls regions and document what `name` makes of their names: no undo step, for nobody has done anything.
    pub(in crate::app) fn give_names(&mut self, title: &str, name: impl Fn(&str) -> String) {
        title.clone_into(&mut self.title);
        self.switch(|regions| regions.iter_mut().for_each(|region| region.name = name(&region.name)));
    }

    fn switch_selected(&mut self, edit: impl Fn(&mut Region)) {
        let ids = self.selected_masks();
        self.switch(|regions| regions.iter_mut().filter(|r| ids.contains(&r.id)).for_each(edit));
    }

    /// Shows the selected regions alone; where they are alone already, shows those that were shown before, or all.
    pub fn solo_regions(&mut self) {
        let ids = self.selected_masks();
        let regions = &self.document.regions;
        if !regions.iter().any(|r| ids.contains(&r.id)) {
            return;
        }
        let alone = regions.iter().all(|r| r.visible == ids.contains(&r.id));
        let shown = |regions: &[Region]| regions.iter().filter(|r| r.visible).map(|r| r.id).collect::<Vec<_>>();
        let before = if alone { std::mem::take(&mut self.shown_before) } else { shown(regions) };
        let others = before.iter().any(|shown| !ids.contains(shown) && regions.iter().any(|r| r.id == *shown));
        self.switch(|regions| {
            for region in regions {
                region.visible = if alone { !others || before.contains(&region.id) } else { ids.contains(&region.id) };
            }
        });
        if !alone {
            self.shown_before = before;
        }
    }

    /// Gives a region, or the background, another colour to start from.
    pub fn set_start_colour(&mut self, selected: Selected, start: Option<StartColour>) {
        self.change_field(Field::StartColour(selected), |document| match selected {
            Selected::Background => document.background.start_colour = start,
            Selected::Region(id) => {
                if let Some(region) = document.region_mut(id) {
                    region.start_colour = start;
                }
            }
        });
    }

    fn switch(&mut self, edit: impl FnOnce(&mut [Region])) {
        edit(&mut self.document.regions);
        self.history.close();
        self.damage.regions = true;
        self.changes += 1;
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

    /// Changes a region's colour.
    pub fn recolour(&mut self, id: RegionId, colour: Rgb) {
        self.change_field(Field::Colour(id), |d| {
            if let Some(region) = d.region_mut(id) {
                region.colour = colour;
            }
        });
    }
}
