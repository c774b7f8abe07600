//! The regions as the model gets them: each one's share of the latent cells, on the graphics card.
//!
//! The cells under a stroke are made anew at once, for their cost follows the stroke. A change of the whole canvas is made in
//! strips, some a frame.

use crate::app::canvas::gpu::{Card, Channels, Source, Tiles};
use crate::app::canvas::tiles::grown;
use crate::app::editor::Damage;
use crate::document::{CELL, Document, Mask, Overlap, PixelRect, RegionId, Wrap};
use crate::studio::latent_cells;
use std::collections::HashMap;

/// Mask pixels looked at in a frame, about.
const BUDGET: u64 = 1 << 21;

/// The facts beside the masks that decide the cells.
#[derive(PartialEq)]
struct Facts {
    size: [u32; 2],
    /// Visible regions with their feather, the lowest first.
    regions: Vec<(RegionId, u32)>,
    overlap: Overlap,
    wrap: Wrap,
}

struct Plane {
    cells: Mask,
    tiles: Tiles,
}

/// The latent masks of the visible regions.
#[derive(Default)]
pub(super) struct Latent {
    facts: Option<Facts>,
    planes: HashMap<RegionId, Plane>,
    /// The parts that are not made yet, in canvas pixels, the next last.
    pending: Vec<PixelRect>,
}

impl Latent {
    /// Makes what changed anew; true where more is to be made in the next frame.
    pub(super) fn update(&mut self, card: &Card, document: &Document, damage: &Damage) -> bool {
        let size = [document.width, document.height];
        let visible: Vec<_> = document.regions.iter().filter(|r| r.visible).map(|r| (r.id, r.feather)).collect();
        let (overlap, wrap) = (document.settings.overlap, document.settings.wrap);
        let count = visible.len().max(1) as u64;
        let feather = visible.iter().map(|r| r.1).max().unwrap_or(0);
        let facts = Facts { size, regions: visible, overlap, wrap };
        if self.facts.as_ref() != Some(&facts) {
            if self.facts.as_ref().is_none_or(|f| f.size != size) {
                self.planes.clear();
            }
            self.planes.retain(|id, _| facts.regions.iter().any(|r| r.0 == *id));
            let rows = u32::try_from(BUDGET / count / u64::from(size[0].max(1))).unwrap_or(u32::MAX);
            let rows = (rows / CELL).max(1) * CELL;
            let strip = |y| PixelRect { x: 0, y, width: size[0], height: rows.min(size[1] - y) };
            self.pending = (0..size[1]).step_by(rows as usize).map(strip).collect();
            self.pending.reverse();
            self.facts = Some(facts);
        }
        for (_, rect) in damage.masks.iter().filter(|(id, _)| ![RegionId::INPAINT, RegionId::PAINT].contains(id)) {
            self.pending.push(grown(*rect, feather, size));
        }
        let mut spent = 0;
        while spent < BUDGET {
            let Some(rect) = self.pending.pop() else { break };
            spent += (u64::from(rect.width) * u64::from(rect.height) * count).max(1);
            self.make(card, document, rect);
        }
        !self.pending.is_empty()
    }

    fn make(&mut self, card: &Card, document: &Document, rect: PixelRect) {
        let made = latent_cells(document, rect);
        let size = [document.width.div_ceil(CELL), document.height.div_ceil(CELL)];
        for (id, cells) in made.regions {
            let plane = self.planes.entry(id).or_insert_with(|| Plane {
                cells: Mask::empty(size[0], size[1]),
                tiles: Tiles::new(card, size, Channels::One),
            });
            for (y, row) in (made.cells.y..).zip(cells.chunks_exact(made.cells.width.max(1) as usize)) {
                plane.cells.write_row(made.cells.x, y, row);
            }
            plane.tiles.write(card, made.cells, Source::Mask(&plane.cells));
        }
    }

    #[must_use]
    pub(super) fn get(&self, id: RegionId) -> Option<&Tiles> {
        self.planes.get(&id).map(|p| &p.tiles)
    }
}
