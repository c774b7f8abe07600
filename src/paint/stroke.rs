//! A stroke: begun, extended by samples, and committed or aborted.
//!
//! Between samples the brush goes straight, and each pixel remembers the most that the stroke has covered it; the brush's
//! opacity is applied to that, on the mask as it was before the stroke. So nothing adds up within a stroke, however slowly
//! or often it passes. What a stroke needs for this it keeps for the tiles it touches: neither beginning a stroke, nor going
//! on, nor ending it costs more on a larger canvas.

use super::brush::Brush;
use super::capsule::{Ink, Touched, Way};
use super::space::{Mirror, Space, length, shifts};
use crate::document::{Mask, MaskDelta, PixelRect, TILE, Tile};
use std::collections::HashMap;

/// Samples are held within this many pixels of the canvas's corner.
const REACH: f32 = 65536.0;

/// A sample of the pointer: position and pressure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Canvas pixels from the left edge; the first pixel's centre is at 0.5.
    pub x: f32,
    /// Canvas pixels from the top edge.
    pub y: f32,
    /// 0 to 1; the brush says what it changes. 1 where the device has none.
    pub pressure: f32,
}

impl Sample {
    /// A sample of a device without pressure.
    #[must_use]
    pub fn new(x: f32, y: f32) -> Self {
        Self { x, y, pressure: 1.0 }
    }

    /// The sample within reach; `None` where it is nowhere.
    pub(super) fn held(self) -> Option<Self> {
        (self.x.is_finite() && self.y.is_finite()).then(|| Self {
            x: self.x.clamp(-REACH, REACH),
            y: self.y.clamp(-REACH, REACH),
            pressure: if self.pressure.is_finite() { self.pressure.clamp(0.0, 1.0) } else { 1.0 },
        })
    }
}

/// A stroke in progress. It belongs to one mask, which every call must be given again and nobody else may change until the
/// stroke has ended.
#[derive(Debug)]
pub struct Stroke {
    brush: Brush,
    opacity: u8,
    full: u8,
    space: Space,
    width: u32,
    height: u32,
    /// The last sample.
    last: Option<Sample>,
    tiles: HashMap<(u32, u32), Touched>,
}

impl Stroke {
    /// Begins a stroke with a dab, which `space` repeats over joined edges and axes of symmetry. Returns the stroke and the
    /// rectangles that changed.
    #[must_use]
    pub fn begin(mask: &mut Mask, brush: Brush, space: impl Into<Space>, at: Sample) -> (Self, Vec<PixelRect>) {
        Self::begin_towards(mask, brush, space, at, u8::MAX)
    }

    /// As [`Self::begin`], of a brush that leaves the byte `full` where it covers everything; one that erases leaves 0.
    #[must_use]
    pub fn begin_towards(
        mask: &mut Mask,
        brush: Brush,
        space: impl Into<Space>,
        at: Sample,
        full: u8,
    ) -> (Self, Vec<PixelRect>) {
        let mut stroke = Self {
            brush,
            opacity: brush.opacity_byte(),
            full: if brush.erase { 0 } else { full },
            space: space.into(),
            width: mask.width(),
            height: mask.height(),
            last: None,
            tiles: HashMap::new(),
        };
        let dirty = stroke.extend(mask, at);
        (stroke, dirty)
    }

    /// Goes on in a straight line to here, and returns the rectangles that changed (more than one only where the stroke
    /// wraps or is mirrored). A sample that is not a number is left out.
    pub fn extend(&mut self, mask: &mut Mask, to: Sample) -> Vec<PixelRect> {
        let mut dirty = Dirty::default();
        let Some(to) = to.held().filter(|_| (mask.width(), mask.height()) == (self.width, self.height)) else {
            return dirty.rects;
        };
        let mut from = self.last.replace(to);
        let start = from.unwrap_or(to);
        let (dx, dy, dp) = (to.x - start.x, to.y - start.y, to.pressure - start.pressure);
        let pieces = self.brush.pieces(start.pressure, to.pressure, dx.hypot(dy));
        for piece in 1..=pieces {
            let t = piece as f32 / pieces as f32;
            let at = Sample { x: start.x + dx * t, y: start.y + dy * t, pressure: start.pressure + dp * t };
            self.go(mask, from, at, &mut dirty);
            from = Some(at);
        }
        dirty.rects
    }

    /// Ends the stroke and keeps it; what it has painted evenly then takes no memory. Returns what leads the mask back to
    /// before it, for [`History::push_mask`](crate::document::History::push_mask).
    #[must_use]
    pub fn commit(self, mask: &mut Mask) -> MaskDelta {
        let before = self.tiles.into_iter().map(|(place, touched)| (place, touched.before));
        delta(mask, (self.width, self.height), before)
    }

    /// Ends the stroke as if it had never been, and returns the rectangles that changed.
    pub fn abort(self, mask: &mut Mask) -> Vec<PixelRect> {
        let mut delta = self.commit(mask);
        delta.swap(mask)
    }

    /// Goes straight to here (or begins here) with what the brush is here, at every place that this has on a wrapped and
    /// mirrored canvas.
    fn go(&mut self, mask: &mut Mask, from: Option<Sample>, to: Sample, dirty: &mut Dirty) {
        let at_pressure = |at: Sample| (self.brush.radius(at.pressure), self.brush.strength(at.pressure));
        let (radius, strength) = at_pressure(to);
        let goes_on = from.map(at_pressure).is_some_and(|before| before.0 >= radius && before.1 >= strength);
        let profile = self.brush.profile(radius);
        let ink = Ink { profile, strength, opacity: self.opacity, full: self.full };
        let Space { wrap, symmetry } = self.space;
        for mirror in symmetry.mirrors() {
            let place = |at: Sample| mirror.of((at.x, at.y), self.width, self.height);
            let way = Way::new(place(from.unwrap_or(to)), place(to), goes_on);
            let [across, downwards] = way.bounds().map(|(low, high)| (low - profile.outer, high + profile.outer));
            for (down, time_y) in shifts(downwards.0, downwards.1, self.height, wrap.y()) {
                for (right, time_x) in shifts(across.0, across.1, self.width, wrap.x()) {
                    let rect = self.lay(mask, way.shifted(right, down), ink);
                    dirty.add((time_x, time_y, mirror), rect);
                }
            }
        }
    }

    /// Lays what the brush covers on this way.
    fn lay(&mut self, mask: &mut Mask, way: Way, ink: Ink) -> PixelRect {
        let outer = ink.profile.outer;
        let [across, downwards] = way.bounds();
        let (columns, rows) = (span(across, outer, self.width), span(downwards, outer, self.height));
        let whole = PixelRect {
            x: columns.start,
            y: rows.start,
            width: columns.end.saturating_sub(columns.start),
            height: rows.end.saturating_sub(rows.start),
        };
        let mut dirty = PixelRect::default();
        for row in rows.start / TILE..rows.end.div_ceil(TILE) {
            for column in columns.start / TILE..columns.end.div_ceil(TILE) {
                let tile_rect = mask.tile_rect(column, row);
                let part = tile_rect.intersection(whole);
                // (A slanting way passes by most tiles around it.)
                if part.is_empty() || !way.reaches(part, outer) {
                    continue;
                }
                let tile = mask.tile_mut(column, row);
                let touched = self.tiles.entry((column, row)).or_insert_with(|| Touched::of(tile));
                if touched.lay(tile, tile_rect, part, way, ink) {
                    dirty = dirty.union(part);
                }
            }
        }
        dirty
    }
}

/// What leads a mask of this size back to before a stroke, from the tiles as they were; the mask gives back the memory of those that have
/// become even.
pub(super) fn delta(
    mask: &mut Mask,
    size: (u32, u32),
    before: impl IntoIterator<Item = ((u32, u32), Tile)>,
) -> MaskDelta {
    let mut delta = MaskDelta::new(size.0, size.1);
    if (mask.width(), mask.height()) != size {
        return delta;
    }
    let mut tiles: Vec<((u32, u32), Tile)> = before.into_iter().collect();
    tiles.sort_unstable_by_key(|((column, row), _)| (*row, *column));
    for ((column, row), before) in tiles {
        let PixelRect { width, height, .. } = mask.tile_rect(column, row);
        mask.pack_tile(column, row);
        if !mask.tile(column, row).same(&before, width, height) {
            delta.push(column, row, before);
        }
    }
    delta
}

/// The rectangles that changed, one for each time around a wrapped canvas and each mirrored copy.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    times: Vec<(i32, i32, Mirror)>,
    pub(super) rects: Vec<PixelRect>,
}

impl Dirty {
    pub(super) fn add(&mut self, time: (i32, i32, Mirror), rect: PixelRect) {
        if rect.is_empty() {
            return;
        }
        let known = self.times.iter().position(|t| *t == time).and_then(|at| self.rects.get_mut(at));
        match known {
            Some(known) => *known = known.union(rect),
            None => {
                self.times.push(time);
                self.rects.push(rect);
            }
        }
    }
}

/// The pixels along one axis that a brush can touch between these places.
fn span((low, high): (f32, f32), outer: f32, side: u32) -> std::ops::Range<u32> {
    let held = |v: f32| v.clamp(0.0, length(side));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the side")]
    let range = held((low - outer).floor()) as u32..held((high + outer).ceil()) as u32;
    range
}

/// The centre of a pixel.
pub(super) fn pixel(x: u32) -> f32 {
    length(x) + 0.5
}
