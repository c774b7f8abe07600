//! Smudging: a finger drawn through wet paint. It carries what it has picked up, and lays it down where it goes.
//!
//! At each dab the patch that is carried mixes with the canvas under it, and is then laid on the canvas by the shape of the brush. A mask
//! is one number a pixel, and so is each plane of the paint layer, whose colours are multiplied by their coverage: planes that are smudged
//! alike, each for itself, are colours smudged, and what is transparent brings no colour along. Patches lie on whole pixels, so that
//! carrying them far blurs nothing; a dab touches its own patch alone, whatever the size of the canvas.

use super::brush::Brush;
use super::space::{Mirror, Space, length, shifts};
use super::stroke::{Dirty, Sample, delta};
use crate::document::{Mask, MaskDelta, PixelRect, TILE, Tile};
use std::collections::HashMap;

/// A smudging stroke in progress. It belongs to one mask, which every call must be given again and nobody else may change until the
/// stroke has ended.
#[derive(Debug)]
pub struct Smudge {
    brush: Brush,
    space: Space,
    width: u32,
    height: u32,
    /// Pixels from the middle of a patch to its edge.
    reach: u32,
    /// The last sample, and the way from the last dab to it in pixels.
    last: Sample,
    way: f32,
    /// One for each mirrored copy of the stroke.
    patches: Vec<(Mirror, Patch)>,
    shape: Shape,
    before: HashMap<(u32, u32), Tile>,
}

/// What is carried: a value a pixel, 0 to 255; not a number where nothing has been picked up yet.
type Patch = Vec<f32>;

/// The shape of the brush on a patch: the share, 0 to 1, by which a pixel takes what is carried.
#[derive(Debug)]
struct Shape {
    radius: f32,
    shares: Vec<f32>,
}

impl Smudge {
    /// Puts the finger down: it picks up what is there, and changes nothing yet. The brush's opacity s is how far it carries: what is under
    /// a dab was laid there by the one before, all but a rim, so what is new comes into the patch from that rim alone, and half of it is new
    /// after s/(1 − s) widths of the brush, however close the dabs lie.
    #[must_use]
    pub fn begin(mask: &mut Mask, brush: Brush, space: impl Into<Space>, at: Sample) -> Self {
        let space = space.into();
        let largest = brush.profile(brush.radius(1.0)).outer;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a few thousand")]
        let reach = largest.ceil() as u32;
        let side = 2 * reach as usize + 1;
        let patch = |mirror| (mirror, vec![f32::NAN; side * side]);
        let mut smudge = Self {
            brush,
            space,
            width: mask.width(),
            height: mask.height(),
            reach,
            last: at.held().unwrap_or(Sample::new(0.0, 0.0)),
            way: 0.0,
            patches: space.symmetry.mirrors().map(patch).collect(),
            shape: Shape { radius: f32::NAN, shares: vec![0.0; side * side] },
            before: HashMap::new(),
        };
        smudge.dab(mask, smudge.last, &mut Dirty::default());
        smudge
    }

    /// Goes on in a straight line to here, and returns the rectangles that changed, as [`Stroke::extend`](super::Stroke::extend) does.
    /// Dabs lie evenly along the way, in however many samples it is told.
    pub fn extend(&mut self, mask: &mut Mask, to: Sample) -> Vec<PixelRect> {
        let mut dirty = Dirty::default();
        let Some(to) = to.held().filter(|_| (mask.width(), mask.height()) == (self.width, self.height)) else {
            return dirty.rects;
        };
        let from = std::mem::replace(&mut self.last, to);
        let (dx, dy, dp) = (to.x - from.x, to.y - from.y, to.pressure - from.pressure);
        let long = dx.hypot(dy);
        if long <= 0.0 {
            return dirty.rects;
        }
        let mut done = 0.0;
        loop {
            let step = Brush::spacing(self.brush.radius(from.pressure + dp * done / long)).max(1.0);
            // (Where the pen is pressed less, the way may be longer than the next step already.)
            let left = (step - self.way).max(0.0);
            if done + left > long {
                self.way += long - done;
                return dirty.rects;
            }
            done += left;
            let t = done / long;
            let at = Sample { x: from.x + dx * t, y: from.y + dy * t, pressure: from.pressure + dp * t };
            self.dab(mask, at, &mut dirty);
            self.way = 0.0;
        }
    }

    /// Ends the stroke and keeps it, as [`Stroke::commit`](super::Stroke::commit) does.
    #[must_use]
    pub fn commit(self, mask: &mut Mask) -> MaskDelta {
        delta(mask, (self.width, self.height), self.before)
    }

    /// Ends the stroke as if it had never been, and returns the rectangles that changed.
    pub fn abort(self, mask: &mut Mask) -> Vec<PixelRect> {
        let mut delta = self.commit(mask);
        delta.swap(mask)
    }

    /// One dab, at every place it has on a wrapped and mirrored canvas.
    fn dab(&mut self, mask: &mut Mask, at: Sample, dirty: &mut Dirty) {
        self.shape.take(self.brush, self.brush.radius(at.pressure), self.reach);
        let opacity = if self.brush.opacity.is_finite() { self.brush.opacity.clamp(0.0, 1.0) } else { 1.0 };
        let keeps = opacity * f32::from(self.brush.strength(at.pressure)) / 255.0;
        // The middle of a pixel, so that mirrored patches lie on mirrored pixels.
        let (x, y) = (at.x.floor() + 0.5, at.y.floor() + 0.5);
        let (reach, wrap) = (length(self.reach) + 0.5, self.space.wrap);
        let mut patches = std::mem::take(&mut self.patches);
        for (mirror, patch) in &mut patches {
            let (x, y) = mirror.of((x, y), self.width, self.height);
            for (down, time_y) in shifts(y - reach, y + reach, self.height, wrap.y()) {
                for (right, time_x) in shifts(x - reach, x + reach, self.width, wrap.x()) {
                    #[expect(clippy::cast_possible_truncation, reason = "whole pixels within reach of the canvas")]
                    let corner = ((x + right - reach) as i64, (y + down - reach) as i64);
                    let rect = self.stamp(mask, patch, corner, keeps);
                    dirty.add((time_x, time_y, *mirror), rect);
                }
            }
        }
        self.patches = patches;
    }

    /// Mixes a patch whose corner is here with the canvas and lays it down; returns the pixels of the canvas under it.
    fn stamp(&mut self, mask: &mut Mask, patch: &mut Patch, corner: (i64, i64), keeps: f32) -> PixelRect {
        let side = 2 * i64::from(self.reach) + 1;
        let along = |corner: i64, length: u32| {
            let first = corner.clamp(0, i64::from(length));
            let end = (corner + side).clamp(first, i64::from(length));
            (first as u32, (end - first) as u32)
        };
        let ((left, width), (top, height)) = (along(corner.0, self.width), along(corner.1, self.height));
        let rect = PixelRect { x: left, y: top, width, height };
        if rect.is_empty() {
            return rect;
        }
        for row in top / TILE..(top + height).div_ceil(TILE) {
            for column in left / TILE..(left + width).div_ceil(TILE) {
                self.before.entry((column, row)).or_insert_with(|| mask.tile(column, row).clone());
            }
        }
        let mut line = vec![0; width as usize];
        for y in rect.rows() {
            let first = ((i64::from(y) - corner.1) * side + i64::from(left) - corner.0) as usize;
            let shares = &self.shape.shares[first..][..line.len()];
            let carried = &mut patch[first..][..line.len()];
            mask.read_row(left, y, &mut line);
            for ((value, carried), share) in line.iter_mut().zip(carried).zip(shares) {
                let now = f32::from(*value);
                let mixed = if carried.is_nan() { now } else { now + keeps * (*carried - now) };
                *carried = mixed;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
                let laid = (now + share * (mixed - now) + 0.5) as u8;
                *value = laid;
            }
            mask.write_row(left, y, &line);
        }
        rect
    }
}

impl Shape {
    /// Becomes that of a brush of this radius, unless it is already.
    fn take(&mut self, brush: Brush, radius: f32, reach: u32) {
        if self.radius == radius {
            return;
        }
        self.radius = radius;
        let profile = brush.profile(radius);
        let side = 2 * reach as usize + 1;
        for (row, shares) in (0..).zip(self.shares.chunks_exact_mut(side)) {
            let dy = length(row) - length(reach);
            for (column, share) in (0..).zip(shares) {
                let dx = length(column) - length(reach);
                *share = profile.at((dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Paint, Wrap};
    use crate::paint::Symmetry;
    use image::Rgb;

    fn brush(diameter: f32, hardness: f32, opacity: f32) -> Brush {
        Brush { diameter, hardness, opacity, ..Brush::default() }
    }

    /// A mask with something else everywhere.
    fn cloudy(width: u32, height: u32) -> Mask {
        Mask::from_rows(width, height, |y, row| {
            (0..).zip(row).for_each(|(x, v): (u32, _)| *v = ((x * x * 3 + y * 7 + x * y) % 256) as u8);
        })
    }

    fn smudged(mask: &mut Mask, brush: Brush, space: Space, path: &[Sample]) -> Smudge {
        let before = mask.clone();
        let mut smudge = Smudge::begin(mask, brush, space, path[0]);
        assert!(*mask == before, "a press alone changes nothing");
        let mut dirty = Vec::new();
        path[1..].iter().for_each(|to| dirty.extend(smudge.extend(mask, *to)));
        for (x, y) in (0..mask.width()).flat_map(|x| (0..mask.height()).map(move |y| (x, y))) {
            let told = dirty.iter().any(|rect| rect.columns().contains(&x) && rect.rows().contains(&y));
            assert!(told || mask.get(x, y) == before.get(x, y), "{x}, {y} changed outside {dirty:?}");
        }
        smudge
    }

    /// Pixel by pixel, in numbers of twice the length: what is carried is kept in a map by its place under the brush.
    fn plainly(mask: &mut Mask, brush: Brush, wrap: Wrap, (from, to): (Sample, Sample)) {
        let radius = brush.radius(1.0);
        let (profile, step) = (brush.profile(radius), f64::from(Brush::spacing(radius).max(1.0)));
        let keeps = f64::from(brush.opacity);
        let (dx, dy) = (f64::from(to.x - from.x), f64::from(to.y - from.y));
        let mut carried: HashMap<(i64, i64), f64> = HashMap::new();
        let reach = profile.outer.ceil() as i64;
        for dab in 0..=(dx.hypot(dy) / step) as u32 {
            let t = f64::from(dab) * step / dx.hypot(dy);
            let at = ((f64::from(from.x) + dx * t).floor() as i64, (f64::from(from.y) + dy * t).floor() as i64);
            for (u, v) in (-reach..=reach).flat_map(|u| (-reach..=reach).map(move |v| (u, v))) {
                let place = |at: i64, side: u32, wraps: bool| {
                    let at = if wraps { at.rem_euclid(i64::from(side)) } else { at };
                    u32::try_from(at).ok().filter(|at| *at < side)
                };
                let x = place(at.0 + u, mask.width(), wrap.x());
                let y = place(at.1 + v, mask.height(), wrap.y());
                let Some((x, y)) = x.zip(y) else { continue };
                let now = f64::from(mask.get(x, y));
                let mixed = carried.get(&(u, v)).map_or(now, |carried| keeps * carried + (1.0 - keeps) * now);
                carried.insert((u, v), mixed);
                let share = f64::from(profile.at(((u * u + v * v) as f32).sqrt()).clamp(0.0, 1.0));
                mask.write_row(x, y, &[((1.0 - share) * now + share * mixed).round() as u8]);
            }
        }
    }

    #[test]
    fn smudges_are_what_the_plainest_loop_makes() {
        let path = (Sample::new(12.3, 20.4), Sample::new(93.1, 51.9));
        for wrap in [Wrap::None, Wrap::Xy] {
            for (diameter, hardness, strength) in [(9.0, 1.0, 0.5), (24.0, 0.3, 0.8), (16.0, 0.0, 0.15)] {
                let brush = brush(diameter, hardness, strength);
                let (mut mask, mut plain) = (cloudy(97, 70), cloudy(97, 70));
                let smudge = smudged(&mut mask, brush, wrap.into(), &[path.0, path.1]);
                plainly(&mut plain, brush, wrap, path);
                for (x, y) in (0..97).flat_map(|x| (0..70).map(move |y| (x, y))) {
                    let (value, expected) = (mask.get(x, y), plain.get(x, y));
                    assert!(value.abs_diff(expected) <= 1, "{diameter}, {wrap:?}, {x}, {y}: {value}, not {expected}");
                }
                assert!(mask != cloudy(97, 70));
                // And one step leads back.
                smudge.commit(&mut mask).swap(&mut mask);
                assert!(mask == cloudy(97, 70));
            }
        }
    }

    #[test]
    fn it_does_not_matter_in_how_many_samples_a_way_is_told() {
        let at = |x| Sample::new(x, 30.3);
        let (mut once, mut often) = (cloudy(160, 64), cloudy(160, 64));
        let path: Vec<Sample> = (0..=100_u8).map(|i| at(20.37 + f32::from(i))).collect();
        let _ = smudged(&mut once, brush(20.0, 0.5, 0.6), Space::default(), &[at(20.37), at(120.37)]);
        let _ = smudged(&mut often, brush(20.0, 0.5, 0.6), Space::default(), &path);
        assert!(once == often);
    }

    #[test]
    fn strength_is_how_far_something_is_carried() {
        // A bar at the left edge, drawn to the right over nothing.
        let drawn = |strength| {
            let mut mask = Mask::empty(300, 64);
            mask.fill(PixelRect { x: 0, y: 0, width: 40, height: 64 }, 255);
            let path = [Sample::new(20.5, 32.5), Sample::new(260.5, 32.5)];
            let _ = smudged(&mut mask, brush(20.0, 1.0, strength), Space::default(), &path);
            (40..300).find(|x| mask.get(*x, 32) < 128).unwrap_or(300) - 40
        };
        let lengths = [0.0, 0.25, 0.5, 0.75, 1.0].map(drawn);
        assert!(lengths.is_sorted_by(|a, b| a < b), "{lengths:?}");
        assert!(lengths[0] <= 1, "without strength nothing is carried: {lengths:?}");
        assert!(lengths[4] >= 220, "and with all of it everything is: {lengths:?}");
        for (length, widths) in lengths[1..4].iter().zip([1.0 / 3.0, 1.0, 3.0]) {
            let expected = 20.0 * widths;
            assert!((f64::from(*length) - expected).abs() <= 1.0 + 0.05 * expected, "{lengths:?}");
        }
    }

    #[test]
    fn colours_are_dragged_over_nothing_without_becoming_darker_or_other_colours() {
        let red = Rgb([200, 80, 40]);
        let mut planes = Paint::ink(red, 255).map(|value| {
            let mut plane = Mask::empty(128, 64);
            plane.fill(PixelRect { x: 0, y: 0, width: 40, height: 64 }, value);
            plane
        });
        for plane in &mut planes {
            let path = [Sample::new(20.0, 32.0), Sample::new(100.0, 32.0)];
            let _ = smudged(plane, brush(24.0, 0.3, 0.7), Space::default(), &path);
        }
        let pixel = |x, y| [0, 1, 2, 3].map(|at: usize| planes[at].get(x, y));
        let mut soft = 0;
        for (x, y) in (0..128).flat_map(|x| (0..64).map(move |y| (x, y))) {
            let ink = pixel(x, y);
            assert!(ink[..3].iter().all(|colour| *colour <= ink[3]), "no more colour than cover: {ink:?}");
            // (Each plane is rounded at each dab.)
            let clean = Paint::ink(red, ink[3]);
            assert!(ink.iter().zip(clean).all(|(v, clean)| v.abs_diff(clean) <= 3), "{x}, {y}: {ink:?}, not {clean:?}");
            soft += u32::from(ink[3] > 0 && ink[3] < 255);
        }
        assert!(soft > 200, "it fades out: {soft}");
        assert!(pixel(50, 32)[3] > 150 && pixel(50, 2)[3] == 0);
    }

    #[test]
    fn mirrored_copies_lie_on_mirrored_pixels() {
        let space = Space { wrap: Wrap::None, symmetry: Symmetry { x: true, y: false } };
        let mut mask = Mask::from_rows(200, 40, |y, row| {
            (0..200_u32).zip(row).for_each(|(x, v)| *v = (x.min(199 - x) * 11 + y * 5) as u8);
        });
        let path = [Sample::new(20.0, 12.0), Sample::new(60.0, 25.0)];
        let _ = smudged(&mut mask, brush(16.0, 0.5, 0.6), space, &path);
        for (x, y) in (0..100).flat_map(|x| (0..40).map(move |y| (x, y))) {
            assert_eq!(mask.get(x, y), mask.get(199 - x, y), "{x}, {y}");
        }
    }

    #[test]
    fn what_is_kept_for_undo_follows_the_stroke_and_not_the_canvas() {
        let kept = |side| {
            let mut mask = Mask::empty(side, side);
            mask.fill(PixelRect { x: 0, y: 80, width: 60, height: 40 }, 255);
            let mut smudge = Smudge::begin(&mut mask, brush(24.0, 0.5, 0.9), Wrap::None, Sample::new(40.0, 100.0));
            smudge.extend(&mut mask, Sample::new(120.0, 100.0));
            let delta = smudge.commit(&mut mask);
            (delta.len(), delta.memory())
        };
        assert_eq!(kept(512), kept(4096));
    }

    #[test]
    fn samples_that_make_no_sense_do_no_harm() {
        let odd = [f32::NAN, f32::INFINITY, -1e30, 3.0];
        for diameter in [f32::NAN, f32::INFINITY, -5.0, 3.0] {
            let mut mask = cloudy(20, 20);
            let brush = Brush { diameter, hardness: f32::NAN, opacity: f32::NAN, ..Brush::default() };
            let mut smudge = Smudge::begin(&mut mask, brush, Wrap::None, Sample::new(f32::NAN, 5.0));
            for (x, pressure) in odd.into_iter().flat_map(|x| odd.map(|pressure| (x, pressure))) {
                smudge.extend(&mut mask, Sample { x, y: 3.0, pressure });
            }
            let mut other = Mask::empty(10, 10);
            assert!(smudge.extend(&mut other, Sample::new(1.0, 1.0)).is_empty(), "another mask is left alone");
            assert!(smudge.commit(&mut other).is_empty());
        }
    }
}
