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
        self.selected = Selected::Region(id);
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
        self.selected = Selected::uppermost(&self.document);
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

    /// Copies the selected region and selects the copy, right above it.
    pub fn duplicate_region(&mut self) {
        let Some(region) = self.selected_region().cloned() else { return };
        let at = self.document.regions.iter().position(|r| r.id == region.id).map_or(0, |i| i + 1);
        // Beside the original, so that it is seen: on top of it a copy would look as if nothing had happened.
        let shape = Beyond { mask: &region.mask, outside: region.outside.as_deref() };
        let from = shape
            .extent()
            .filter(|_| region.mask.bounds() != PixelRect::whole(self.document.width, self.document.height));
        let moved = from.map(|from| {
            let by = (self.document.width.min(self.document.height) / 32).clamp(8, 64).cast_signed();
            let to = Placement { x: from.x + by, y: from.y + by, ..from };
            place_whole(shape, from, to, self.document.settings.wrap)
        });
        let id = self.change(key("Duplicate region"), |d| {
            let id = d.add_region("", "");
            let colour = d.regions.pop().map_or(region.colour, |new| new.colour);
            let name = fill("{0} copy", &[&names::shown(&region.name)]);
            let mut copy = Region { id, name, colour, ..region.clone() };
            if let Some((mask, outside)) = moved {
                (copy.mask, copy.outside) = (Arc::new(mask), outside.map(Arc::new));
            }
            d.regions.insert(at, copy);
            id
        });
        self.selected = Selected::Region(id);
    }

    /// Removes the selected region and selects its neighbour.
    pub fn delete_region(&mut self) {
        let Selected::Region(id) = self.selected else { return };
        let Some(at) = self.document.regions.iter().position(|r| r.id == id) else { return };
        self.change(key("Delete region"), |d| {
            d.regions.remove(at);
        });
        let next = self.document.regions.get(at.saturating_sub(1)).map(|r| r.id);
        self.selected = next.map_or(Selected::Background, Selected::Region);
    }

    /// Hides the region or shows it again. As locking it, this is no undo step: undo goes back among strokes and leaves it alone.
    pub fn toggle_region(&mut self, id: RegionId) {
        self.switch(|regions| {
            regions.iter_mut().filter(|r| r.id == id).for_each(|r| r.visible = !r.visible);
        });
    }

    /// Shows this region alone; where it is alone already, shows those that were shown before, or all.
    pub fn solo_region(&mut self, id: RegionId) {
        let regions = &self.document.regions;
        let alone = regions.iter().all(|r| r.visible == (r.id == id));
        let shown = |regions: &[Region]| regions.iter().filter(|r| r.visible).map(|r| r.id).collect::<Vec<_>>();
        let before = if alone { std::mem::take(&mut self.shown_before) } else { shown(regions) };
        let others = before.iter().any(|shown| *shown != id && regions.iter().any(|r| r.id == *shown));
        self.switch(|regions| {
            for region in regions {
                region.visible = if alone { !others || before.contains(&region.id) } else { region.id == id };
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

    /// Locks the region or unlocks it.
    pub fn lock_region(&mut self, id: RegionId) {
        self.switch(|regions| {
            regions.iter_mut().filter(|r| r.id == id).for_each(|r| r.locked = !r.locked);
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

    /// Changes a region's colour.
    pub fn recolour(&mut self, id: RegionId, colour: Rgb) {
        self.change_field(Field::Colour(id), |d| {
            if let Some(region) = d.region_mut(id) {
                region.colour = colour;
            }
        });
    }
}
