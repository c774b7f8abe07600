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
        for (id, rect) in joined(&damage.masks) {
            if let (Some(tiles), Some(region)) = (self.tiles.get_mut(&id), document.region(id)) {
                tiles.write(card, rect, region.mask.data());
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

/// The rectangles of each region, those that follow each other as one where that is hardly more to upload: a stroke's
/// samples of one frame are.
fn joined(rects: &[(RegionId, PixelRect)]) -> Vec<(RegionId, PixelRect)> {
    let area = |r: PixelRect| u64::from(r.width) * u64::from(r.height);
    let mut out: Vec<(RegionId, PixelRect)> = Vec::new();
    for &(id, rect) in rects {
        match out.last_mut() {
            Some((last, all)) if *last == id && area(all.union(rect)) <= 2 * (area(*all) + area(rect)) => {
                *all = all.union(rect);
            }
            _ => out.push((id, rect)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_uploaded_at_once_and_what_lies_apart_is_not() {
        let rect = |x| PixelRect { x, y: 0, width: 100, height: 100 };
        let (a, b) = (RegionId(1), RegionId(2));
        let all = joined(&[(a, rect(0)), (a, rect(50)), (a, rect(3000)), (b, rect(3000))]);
        let wide = PixelRect { width: 150, ..rect(0) };
        assert_eq!(all, [(a, wide), (a, rect(3000)), (b, rect(3000))]);
    }
}
