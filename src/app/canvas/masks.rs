//! The regions' masks on the graphics card, kept up to date by what strokes and steps have changed.

use super::gpu::{Card, Channels, Tiles};
use crate::app::editor::Damage;
use crate::document::{Document, PixelRect, RegionId};
use std::collections::HashMap;

/// The mask of every region.
#[derive(Default)]
pub struct Masks {
    size: [u32; 2],
    tiles: HashMap<RegionId, Tiles>,
}

impl Masks {
    /// Uploads what changed.
    pub fn update(&mut self, card: &Card, document: &Document, damage: &Damage) {
        let size = [document.width, document.height];
        if self.size != size {
            self.tiles.clear();
            self.size = size;
        }
        for (id, rect) in &damage.masks {
            if let (Some(tiles), Some(region)) = (self.tiles.get_mut(id), document.region(*id)) {
                tiles.write(card, *rect, region.mask.data());
            }
        }
        for region in &document.regions {
            self.tiles.entry(region.id).or_insert_with(|| {
                let mut tiles = Tiles::new(card, size, Channels::One);
                tiles.write(card, PixelRect::whole(size[0], size[1]), region.mask.data());
                tiles
            });
        }
        self.tiles.retain(|id, _| document.region(*id).is_some());
    }

    #[must_use]
    pub fn get(&self, id: RegionId) -> Option<&Tiles> {
        self.tiles.get(&id)
    }
}
