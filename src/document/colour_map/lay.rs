//! Masks of a map's regions for a canvas of any size.

use super::ColourMap;
use super::place::{CLEAR, SOFT, Share};
use crate::document::{Mask, TILE, Tile, TileBytes};
use rayon::prelude::*;
use std::sync::Arc;

/// Memory that masks of a map may take for each of its pixels, in bytes: what sixteen colours in every tile take.
const FINEST: u64 = 16;
/// Bytes that the masks may take beside that, so that small maps may be as fine as they like.
const ALLOWED: u64 = 1 << 23;

const SIDE: usize = TILE as usize;

/// True where so many colours lie in every tile that their masks would take unreasonable memory: noise, not regions.
pub(super) fn is_too_fine(map: &ColourMap) -> bool {
    let across = map.width as usize;
    let tiles = map.labels.par_chunks(across * SIDE).enumerate().map(|(band, rows)| {
        let mut seen = vec![0_u64; map.colours.len()];
        let mut count = 0;
        for column in (0..across).step_by(SIDE) {
            // Marks which colours the tile has, by its number.
            let tile = column as u64 + 1;
            let mut see = |label: u16| {
                if let Some(last) = seen.get_mut(usize::from(label))
                    && *last != tile
                {
                    *last = tile;
                    count += 1;
                }
            };
            for (y, row) in (band * SIDE..).zip(rows.chunks_exact(across)) {
                let columns = column..(column + SIDE).min(across);
                row[columns.clone()].chunk_by(|a, b| a == b).for_each(|run| see(run[0]));
                soft(map, y, columns).iter().for_each(|share| see(share.label));
            }
        }
        count
    });
    let bytes = tiles.sum::<u64>() * size_of::<TileBytes>() as u64;
    bytes > FINEST * map.labels.len() as u64 + ALLOWED
}

/// The shares of a row's soft pixels in these columns.
fn soft(map: &ColourMap, y: usize, columns: std::ops::Range<usize>) -> &[Share] {
    let row = &map.soft[map.soft_rows[y]..map.soft_rows[y + 1]];
    let before = |column: usize| row.partition_point(|share| (share.x as usize) < column);
    &row[before(columns.start)..before(columns.end)]
}

/// A mask for each of these colours, given from the lowest region to the uppermost.
pub(super) fn masks(map: &ColourMap, width: u32, height: u32, order: &[usize]) -> Vec<Mask> {
    let mut places = vec![None; map.colours.len()];
    for (place, colour) in order.iter().enumerate() {
        if let Some(out) = places.get_mut(*colour) {
            *out = Some(place);
        }
    }
    let (across, down) = axes(map, width, height);
    let mut masks = vec![Mask::empty(width, height); order.len()];
    let rows = height.div_ceil(TILE);
    // A few rows of tiles at a time: what waits to be put into the masks stays little.
    for first in (0..rows).step_by(16) {
        let bands: Vec<(u32, Vec<Drawn>)> = (first..(first + 16).min(rows))
            .into_par_iter()
            .map(|row| (row, band(map, &places, &across, &down[row as usize * SIDE..])))
            .collect();
        for (row, tiles) in bands {
            for (column, place, tile) in tiles {
                *masks[place].tile_mut(column, row) = tile;
            }
        }
    }
    masks
}

/// A tile that is not empty: its column, which mask it is of, and what that covers there.
type Drawn = (u32, usize, Tile);

/// The tiles of one row of tiles that are not empty.
fn band(map: &ColourMap, places: &[Option<usize>], across: &[Taps], down: &[Taps]) -> Vec<Drawn> {
    let down = &down[..SIDE.min(down.len())];
    let mut tiles = Vec::new();
    for (column, across) in (0..).zip(across.chunks(SIDE)) {
        let label = even(map, across, down);
        match label.map(|label| places.get(usize::from(label)).copied().flatten()) {
            Some(Some(place)) => tiles.push((column, place, Tile::Flat(255))),
            Some(None) => {}
            None => {
                let drawn = draw(map, places, across, down);
                let size = |taps: &[Taps]| u32::try_from(taps.len()).unwrap_or(TILE);
                tiles.extend(drawn.into_iter().map(|(place, bytes)| {
                    let tile = Tile::Each(Arc::from(bytes)).packed(size(across), size(down));
                    (column, place, tile)
                }));
            }
        }
    }
    tiles
}

/// The label of all of a rectangle, where it has one.
fn even(map: &ColourMap, across: &[Taps], down: &[Taps]) -> Option<u16> {
    let range = |taps: &[Taps]| taps[0].first..taps.last().map_or(0, Taps::end);
    let (columns, rows) = (range(across), range(down));
    let width = map.width as usize;
    let label = map.labels[rows.start * width + columns.start];
    let mut lines = map.labels.chunks_exact(width).take(rows.end).skip(rows.start);
    (label != SOFT && lines.all(|line| line[columns.clone()].iter().all(|other| *other == label))).then_some(label)
}

/// Draws a tile of every mask that shows in it.
fn draw(map: &ColourMap, places: &[Option<usize>], across: &[Taps], down: &[Taps]) -> Vec<(usize, Box<TileBytes>)> {
    let mut tiles: Vec<(usize, Box<TileBytes>)> = Vec::new();
    let (mut sums, mut parts) = (Vec::new(), Vec::new());
    for (y, down) in down.iter().enumerate() {
        for (x, across) in across.iter().enumerate() {
            add_up(map, across, down, &mut sums);
            whole(&sums, &mut parts);
            // From the uppermost mask down, each covers of what is left as much as shows its share.
            let place = |label: u16| places.get(usize::from(label)).copied().flatten();
            let mut shown: Vec<(usize, u32)> =
                parts.iter().filter_map(|(label, part)| Some((place(*label)?, *part))).collect();
            shown.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));
            let mut rest = 255;
            for (place, part) in shown {
                let value = u8::try_from((part * 255 + rest / 2) / rest.max(1)).unwrap_or(255);
                rest -= part;
                let tile = match tiles.iter().position(|(other, _)| *other == place) {
                    Some(at) => &mut tiles[at].1,
                    None => {
                        tiles.push((place, Box::new([0; SIDE * SIDE])));
                        let last = tiles.len() - 1;
                        &mut tiles[last].1
                    }
                };
                tile[y * SIDE + x] = value;
            }
        }
    }
    tiles
}

/// Adds up the coverage of a canvas pixel by each colour, 0 to 255.
fn add_up(map: &ColourMap, across: &Taps, down: &Taps, sums: &mut Vec<(u16, f32)>) {
    sums.clear();
    let mut add = |label: u16, value: f32| match sums.iter_mut().find(|(other, _)| *other == label) {
        Some((_, sum)) => *sum += value,
        None => sums.push((label, value)),
    };
    for (y, weight) in (down.first..).zip(&down.weights) {
        let line = &map.labels[y * map.width as usize..];
        for (x, across) in (across.first..).zip(&across.weights) {
            let weight = weight * across;
            match line[x] {
                CLEAR => {}
                SOFT => {
                    for share in soft(map, y, x..x + 1) {
                        add(share.label, weight * f32::from(share.value));
                    }
                }
                label => add(label, weight * 255.0),
            }
        }
    }
}

/// Rounds shares to whole numbers that add up to the rounded sum: the largest remainders are rounded up.
fn whole(sums: &[(u16, f32)], parts: &mut Vec<(u16, u32)>) {
    parts.clear();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let floor = |v: f32| v as u32;
    if let [(label, value)] = sums {
        parts.push((*label, floor(value + 0.5).min(255)));
        return;
    }
    let all = floor(sums.iter().map(|(_, v)| v).sum::<f32>() + 0.5).min(255);
    parts.extend(sums.iter().map(|(label, v)| (*label, floor(v + 1e-3))));
    let missing = all.saturating_sub(parts.iter().map(|(_, part)| part).sum());
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by(|a, b| sums[*b].1.fract().total_cmp(&sums[*a].1.fract()));
    for i in order.into_iter().take(missing as usize) {
        parts[i].1 += 1;
    }
}

/// Weights along one axis of the map for one pixel of the canvas: they add up to 1, and are of pixels from `first` on.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// The taps of both axes: the map scaled until it covers the canvas, its middle in the canvas's.
fn axes(map: &ColourMap, width: u32, height: u32) -> (Vec<Taps>, Vec<Taps>) {
    let step = (f64::from(map.width) / f64::from(width)).min(f64::from(map.height) / f64::from(height));
    (axis(map.width, width, step), axis(map.height, height, step))
}

/// The taps of an axis of `own` pixels for `wanted` of the canvas, each of which is `step` pixels of the map long: the mean of
/// what lies under it, or where the map is enlarged the line between the two pixels next to its middle.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places and weights inside the map")]
fn axis(own: u32, wanted: u32, step: f64) -> Vec<Taps> {
    let start = (f64::from(own) - f64::from(wanted) * step) / 2.0;
    let last = f64::from(own) - 1.0;
    let taps = |i: u32| {
        let (from, to) = if step >= 1.0 {
            let from = start + f64::from(i) * step;
            (from, from + step)
        } else {
            // A pixel of the map's own size around the middle of the canvas's: linear between two pixels.
            let middle = start + (f64::from(i) + 0.5) * step;
            (middle - 0.5, middle + 0.5)
        };
        // Rounding errors are no pixels of their own.
        let first = (from + 1e-6).floor().clamp(0.0, last);
        let end = ((to - 1e-6).ceil() - 1.0).clamp(first, last);
        let count = (end - first) as usize + 1;
        let weight = |k: usize| {
            let left = first + k as f64;
            // What lies outside the map is as its edge.
            let low = if k == 0 { from } else { left.max(from) };
            let high = if k + 1 == count { to } else { (left + 1.0).min(to) };
            ((high - low) / (to - from)) as f32
        };
        Taps { first: first as usize, weights: (0..count).map(weight).collect() }
    };
    (0..wanted).map(taps).collect()
}
