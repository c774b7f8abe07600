//! Latent masks of a part of the canvas, for display: the regions as the model sees them.

use super::plan::overlap;
use crate::diffusion::masks::{Coverage, feathered, latent_masks};
use crate::document::{CELL, Document, PixelRect, Region, RegionId};

/// Each visible region's share of the cells of a rectangle, 0 to 255, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatentCells {
    /// The rectangle, in cells.
    pub cells: PixelRect,
    /// Shares of each visible region, the lowest first.
    pub regions: Vec<(RegionId, Vec<u8>)>,
}

/// Computes the latent masks, as a run makes them, of all cells that `rect` (in canvas pixels) touches. The time grows with
/// the rectangle and the largest feather around it.
#[must_use]
pub fn latent_cells(document: &Document, rect: PixelRect) -> LatentCells {
    let visible: Vec<&Region> = document.regions.iter().filter(|r| r.visible).collect();
    let feather = visible.iter().map(|r| r.feather).max().unwrap_or(0);
    let settings = &document.settings;
    let ([x, w], whole_x) = span(rect.x, rect.width, document.width, feather, settings.wrap.x());
    let ([y, h], whole_y) = span(rect.y, rect.height, document.height, feather, settings.wrap.y());
    let (width, height) = (w as usize, h as usize);
    let crops: Vec<Vec<u8>> = visible
        .iter()
        .map(|region| {
            let data = region.mask.crop(PixelRect { x, y, width: w, height: h });
            let coverage = Coverage { width, height, rows: &data };
            if region.feather == 0 { data } else { feathered(coverage, region.feather as usize, (whole_x, whole_y)) }
        })
        .collect();
    let coverages: Vec<Coverage<'_>> = crops.iter().map(|data| Coverage { width, height, rows: data }).collect();
    let masks = latent_masks(width, height, CELL as usize, &coverages, overlap(settings));

    let cell = |start: u32, length: u32, side: u32| (start / CELL, (start + length).min(side).div_ceil(CELL));
    let (left, right) = cell(rect.x, rect.width, document.width);
    let (top, bottom) = cell(rect.y, rect.height, document.height);
    let cells = PixelRect { x: left, y: top, width: right - left, height: bottom - top };
    let across = width.div_ceil(CELL as usize);
    let part = |plane: Vec<f32>| -> Vec<u8> {
        let (left, top) = ((left - x / CELL) as usize, (top - y / CELL) as usize);
        let rows = plane.chunks_exact(across).skip(top).take(cells.height as usize);
        let row = |row: &[f32]| row.iter().skip(left).take(cells.width as usize).map(|m| byte(*m)).collect::<Vec<u8>>();
        rows.flat_map(row).collect()
    };
    let regions = visible.iter().zip(masks.iter().skip(1)).map(|(r, mask)| (r.id, part(mask.cells()))).collect();
    LatentCells { cells, regions }
}

/// Start and length in pixels, on whole cells, of the pixels to read along one axis; and whether its ends are joined.
pub(super) fn span(start: u32, length: u32, side: u32, feather: u32, wrap: bool) -> ([u32; 2], bool) {
    if wrap && feather > 0 {
        return ([0, side], true);
    }
    let from = start.saturating_sub(feather) / CELL * CELL;
    let to = ((start + length + feather).div_ceil(CELL) * CELL).min(side);
    ([from, to - from], false)
}

fn byte(share: f32) -> u8 {
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Mask, Wrap};
    use std::sync::Arc;

    /// Three regions that overlap, hard and soft.
    fn painted(feather: u32, wrap: Wrap) -> Document {
        let mut document = Document::new(196, 130);
        document.settings.wrap = wrap;
        for number in 0..3_u32 {
            let id = document.add_region("", "");
            let region = document.region_mut(id).expect("just added");
            region.feather = feather * number;
            region.mask = Arc::new(Mask::from_rows(196, 130, |y, row| {
                for (x, v) in row.iter_mut().enumerate() {
                    let on = (x as u32 / 7 + y * 3 + number * 11) % (5 + number) < 3;
                    *v = if on { 255 - (x as u8 / 2) } else { 0 };
                }
            }));
        }
        document
    }

    #[test]
    fn a_part_equals_that_part_of_the_whole() {
        for (feather, wrap) in [(0, Wrap::None), (6, Wrap::None), (6, Wrap::Xy)] {
            let document = painted(feather, wrap);
            let whole = latent_cells(&document, PixelRect::whole(196, 130));
            assert_eq!(whole.cells, PixelRect { x: 0, y: 0, width: 25, height: 17 });
            for rect in [(0, 0, 1, 1), (60, 33, 50, 40), (190, 120, 6, 10)] {
                let (x, y, width, height) = rect;
                let part = latent_cells(&document, PixelRect { x, y, width, height });
                for ((id, all), (same, cells)) in whole.regions.iter().zip(&part.regions) {
                    assert_eq!(id, same);
                    let mut cells = cells.iter();
                    for row in part.cells.y..part.cells.y + part.cells.height {
                        for column in part.cells.x..part.cells.x + part.cells.width {
                            let there = all[(row * 25 + column) as usize];
                            let here = *cells.next().expect("as many cells");
                            assert!(there.abs_diff(here) <= 1, "{rect:?}, {wrap:?}: {here} for {there}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn upper_regions_take_the_share_of_lower_ones() {
        let mut document = Document::new(64, 64);
        for _ in 0..2 {
            let id = document.add_region("", "");
            document.region_mut(id).expect("just added").mask = Arc::new(Mask::even(64, 64, 255));
        }
        let all = latent_cells(&document, PixelRect::whole(64, 64));
        assert!(all.regions[0].1.iter().all(|v| *v == 0));
        assert!(all.regions[1].1.iter().all(|v| *v == 255));
        let upper = document.regions[1].id;
        document.region_mut(upper).expect("there").visible = false;
        let all = latent_cells(&document, PixelRect::whole(64, 64));
        assert_eq!(all.regions.len(), 1);
        assert!(all.regions[0].1.iter().all(|v| *v == 255));
    }
}
