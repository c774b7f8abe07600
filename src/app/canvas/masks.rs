//! The regions' masks on the graphics card, kept up to date by what strokes and steps have changed.

use crate::app::canvas::gpu::{Card, Channels, Source, Tiles, Uploads};
use crate::app::editor::Damage;
use crate::document::{Document, Mask, PixelRect, RegionId};
use egui::{Vec2, vec2};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Mask pixels uploaded in a frame, about: more would be felt.
const BUDGET: u64 = 1 << 22;

/// The mask of every region, and of what may change of the picture to start from; and the paint layer.
#[derive(Default)]
pub(super) struct Masks {
    size: [u32; 2],
    tiles: HashMap<RegionId, Tiles>,
    /// The parts that are not uploaded yet, the next first.
    pending: VecDeque<(RegionId, PixelRect)>,
    /// What the regions that are moved, or could be, have beyond the canvas.
    outside: Vec<Outside>,
    /// Room for what is copied of masks on its way to the card.
    rows: Vec<u8>,
}

/// What a region has beyond the canvas, as far as it covers anything.
struct Outside {
    region: RegionId,
    of: Arc<Mask>,
    tiles: Tiles,
    /// Its place on the canvas.
    at: Vec2,
}

impl Outside {
    fn new(card: &Card, document: &Document, region: RegionId, of: &Arc<Mask>) -> Self {
        let PixelRect { x, y, width, height } = of.bounds();
        let mask = Mask::from_rows(width, height, |row, out| of.read_row(x, y + row, out));
        let mut tiles = Tiles::new(card, [width, height], Channels::One);
        tiles.write(card, PixelRect::whole(width, height), Source::Mask(&mask));
        let at = vec2(x as f32 - document.width as f32, y as f32 - document.height as f32);
        Self { region, of: Arc::clone(of), tiles, at }
    }
}

impl Masks {
    /// Uploads what changed; true where more is to be uploaded in the next frame.
    pub(super) fn update(&mut self, card: &Card, document: &Document, damage: &Damage) -> bool {
        let size = [document.width, document.height];
        if self.size != size {
            self.tiles.clear();
            self.pending.clear();
            self.size = size;
        }
        self.tiles.retain(|id, _| document.mask(*id).is_some());
        for (id, rect) in joined(&damage.masks).into_iter().filter(|(id, _)| self.tiles.contains_key(id)) {
            self.pending.extend(strips(rect).map(|strip| (id, strip)));
        }
        for id in document.regions.iter().map(|region| region.id).chain([RegionId::INPAINT, RegionId::PAINT]) {
            if document.mask(id).is_some() && !self.tiles.contains_key(&id) {
                let channels = if id == RegionId::PAINT { Channels::Four } else { Channels::One };
                self.tiles.insert(id, Tiles::new(card, size, channels));
                self.pending.extend(strips(PixelRect::whole(size[0], size[1])).map(|strip| (id, strip)));
            }
        }
        let mut spent = 0;
        let mut uploads = Uploads::new(card, &mut self.rows);
        while spent < BUDGET {
            let Some((id, rect)) = self.pending.pop_front() else { break };
            if let (Some(tiles), Some(mask)) = (self.tiles.get_mut(&id), document.mask(id)) {
                let source = match &document.paint {
                    Some(paint) if id == RegionId::PAINT => Source::Paint(paint),
                    _ => Source::Mask(mask),
                };
                spent += tiles.upload(&mut uploads, rect, source);
            }
        }
        uploads.submit();
        !self.pending.is_empty()
    }

    /// Keeps what these regions have beyond the canvas at hand, and that of no others.
    pub(super) fn show_outside(&mut self, card: &Card, document: &Document, moved: &[RegionId]) {
        let shown = moved.iter().filter_map(|id| Some((*id, document.outside(*id)?)));
        let mut held = std::mem::take(&mut self.outside);
        self.outside = shown
            .map(|(region, of)| {
                let same = held.iter().position(|held| held.region == region && Arc::ptr_eq(&held.of, of));
                same.map_or_else(|| Outside::new(card, document, region, of), |at| held.swap_remove(at))
            })
            .collect();
    }

    /// What this region has beyond the canvas, and where that lies, while that is shown.
    #[must_use]
    pub(super) fn outside(&self, id: RegionId) -> Option<(&Tiles, Vec2)> {
        self.outside.iter().find(|held| held.region == id).map(|held| (&held.tiles, held.at))
    }

    #[must_use]
    pub(super) fn get(&self, id: RegionId) -> Option<&Tiles> {
        self.tiles.get(&id)
    }
}

/// A rectangle in parts that fit into a frame.
fn strips(rect: PixelRect) -> impl Iterator<Item = PixelRect> {
    let rows = u32::try_from(BUDGET / 4 / u64::from(rect.width.max(1))).unwrap_or(u32::MAX).max(1);
    let end = rect.y + rect.height;
    (rect.y..end).step_by(rows as usize).map(move |y| PixelRect { y, height: rows.min(end - y), ..rect })
}

/// The rectangles of each region, those that follow each other as one where that is hardly more to upload: a stroke's
/// samples of one frame are.
fn joined(rects: &[(RegionId, PixelRect)]) -> Vec<(RegionId, PixelRect)> {
    let mut out: Vec<(RegionId, PixelRect)> = Vec::new();
    for &(id, rect) in rects {
        match out.last_mut() {
            Some((last, all)) if *last == id && all.union(rect).area() <= 2 * (all.area() + rect.area()) => {
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
