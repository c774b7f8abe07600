//! What a round brush covers on its straight way from one place to another, on one tile: a capsule, or a dab where both places
//! are one. Sixteen pixels of a row at a time.
//!
//! Coverage only falls with the distance from the way, and that distance changes by at most one from pixel to pixel and bends only
//! one way along a row. So three of them tell of sixteen pixels whether they lie beyond the brush, under its full middle or on
//! its edge; only the edge asks for roots. The loops have a fixed length and no branches, so that the compiler writes them with
//! wide registers.

use super::brush::Profile;
use super::space::length;
use super::stroke::pixel;
use crate::document::{PixelRect, TILE, Tile, TileBytes};

const SIDE: usize = TILE as usize;
/// Pixels at a time.
const RUN: usize = 16;
const RUNS: usize = SIDE / RUN;

/// The effect of a capsule on the mask under it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub(super) profile: Profile,
    /// The most it covers, in 255ths.
    pub(super) strength: u8,
    /// In 255ths.
    pub(super) opacity: u8,
    /// What the mask is where it is covered whole.
    pub(super) full: u8,
}

/// A straight way of the brush's centre.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    from: (f32, f32),
    /// From there to its end.
    along: (f32, f32),
    /// One by the square of its length; 0 where it has none.
    by_square: f32,
    /// Whether the way before, which ended where this begins, covered as much there.
    goes_on: bool,
}

impl Way {
    pub(super) fn new(from: (f32, f32), to: (f32, f32), goes_on: bool) -> Self {
        let along = (to.0 - from.0, to.1 - from.1);
        let square = along.0 * along.0 + along.1 * along.1;
        Self { from, along, by_square: if square >= f32::MIN_POSITIVE { square.recip() } else { 0.0 }, goes_on }
    }

    /// The same way elsewhere.
    pub(super) fn shifted(self, right: f32, down: f32) -> Self {
        Self { from: (self.from.0 + right, self.from.1 + down), ..self }
    }

    /// The least and the most of both ends, across and down.
    pub(super) fn bounds(&self) -> [(f32, f32); 2] {
        let range = |from: f32, along: f32| (from + along.min(0.0), from + along.max(0.0));
        [range(self.from.0, self.along.0), range(self.from.1, self.along.1)]
    }

    /// How far along the way a position lies beside it: 0 at its beginning and 1 at its end.
    fn progress(&self, (x, y): (f32, f32)) -> f32 {
        ((x - self.from.0) * self.along.0 + (y - self.from.1) * self.along.1) * self.by_square
    }

    /// The square of a position's distance from the way.
    fn square(&self, at: (f32, f32)) -> f32 {
        let t = self.progress(at).clamp(0.0, 1.0);
        let (x, y) = (at.0 - self.from.0 - t * self.along.0, at.1 - self.from.1 - t * self.along.1);
        x * x + y * y
    }

    /// Whether the way before has covered all between two positions of a row.
    fn is_covered(&self, first: (f32, f32), last: (f32, f32)) -> bool {
        self.goes_on && self.progress(first).max(self.progress(last)) <= 0.0
    }

    /// Whether anything of a rectangle may lie nearer to the way than this.
    pub(super) fn reaches(&self, rect: PixelRect, distance: f32) -> bool {
        let half = (length(rect.width) * 0.5, length(rect.height) * 0.5);
        let reach = distance + half.0.hypot(half.1);
        self.square((length(rect.x) + half.0, length(rect.y) + half.1)) < reach * reach
    }
}

/// A stroke's record of a tile: the mask before it, and the most that any part of the stroke covered.
#[derive(Debug)]
pub(super) struct Touched {
    pub(super) before: Tile,
    covered: Box<TileBytes>,
}

impl Touched {
    pub(super) fn of(tile: &Tile) -> Self {
        Self { before: tile.clone(), covered: Box::new([0; SIDE * SIDE]) }
    }

    /// Lays the part of a capsule that falls on this tile (which lies at `rect`). True where it changed anything.
    pub(super) fn lay(&mut self, tile: &mut Tile, rect: PixelRect, part: PixelRect, way: Way, ink: Ink) -> bool {
        /// From the middle of a run to its first and last pixel.
        const HALF: f32 = (RUN - 1) as f32 / 2.0;
        let used = (part.x - rect.x) as usize / RUN..((part.x - rect.x + part.width) as usize).div_ceil(RUN);
        let inner = ink.profile.inner * ink.profile.inner;
        let beyond = (ink.profile.outer + HALF) * (ink.profile.outer + HALF);
        let (covered, _) = self.covered.as_chunks_mut();
        let (now, _) = tile.bytes_mut().as_chunks_mut();
        let mut changed = false;
        for y in part.rows() {
            let (down, row) = (pixel(y), (y - rect.y) as usize * RUNS);
            for run in used.clone() {
                let at = row + run;
                let left = pixel(rect.x) + (run * RUN) as f32;
                let [first, middle, last] = [0.0, HALF, 2.0 * HALF].map(|right| (left + right, down));
                // Most of a capsule lies where the one before it lay.
                if covered[at] == [ink.strength; RUN] || way.is_covered(first, last) || way.square(middle) >= beyond {
                    continue;
                }
                let before = match &self.before {
                    Tile::Each(bytes) => bytes.as_chunks().0[at],
                    Tile::Flat(value) => [*value; RUN],
                };
                let whole = way.square(first).max(way.square(last)) <= inner;
                let cover = if whole { [ink.strength; RUN] } else { ink.cover(way, first) };
                changed |= ink.lay(before, cover, &mut covered[at], &mut now[at]);
            }
        }
        changed
    }
}

impl Ink {
    /// The coverage of a run of pixels, of which the first lies here.
    fn cover(self, way: Way, (first, down): (f32, f32)) -> [u8; RUN] {
        let mut fractions = [0.0; RUN];
        for (right, fraction) in (0_u8..).zip(&mut fractions) {
            *fraction = self.profile.at(way.square((first + f32::from(right), down)).sqrt());
        }
        fractions.map(|fraction| scaled(byte(fraction), self.strength))
    }

    /// Lays what a capsule covers over what the stroke has covered so far; true where that was more anywhere.
    fn lay(self, before: [u8; RUN], cover: [u8; RUN], covered: &mut [u8; RUN], now: &mut [u8; RUN]) -> bool {
        let mut changed = 0;
        for i in 0..RUN {
            let more = u8::from(cover[i] > covered[i]).wrapping_neg();
            let value = towards(before[i], self.full, u8::MAX - scaled(cover[i], self.opacity));
            now[i] = (value & more) | (now[i] & !more);
            covered[i] = covered[i].max(cover[i]);
            changed |= more;
        }
        changed != 0
    }
}

/// A fraction in 255ths, as [`byte`](super::brush::byte) rounds it.
fn byte(fraction: f32) -> u8 {
    /// From here on, floats count ones in their last bits.
    const ONES: f32 = 8_388_608.0;
    let value = fraction.clamp(0.0, 1.0) * 255.0 + 0.5;
    let near = value + ONES;
    #[expect(clippy::cast_possible_truncation, reason = "the last bits are what is wanted")]
    let byte = (near.to_bits() - u32::from(near - ONES > value)) as u8;
    byte
}

/// A byte on its way to `full`, with `left` 255ths of the way to go.
pub(super) fn towards(now: u8, full: u8, left: u8) -> u8 {
    let apart = scaled(now.abs_diff(full), left);
    if now >= full { full + apart } else { full - apart }
}

/// The product of two fractions in 255ths.
pub(super) fn scaled(a: u8, b: u8) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 255")]
    let product = ((u16::from(a) * u16::from(b) + 127) / 255) as u8;
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::Brush;

    /// Numbers of a fixed sequence, 0 to 1.
    fn sequence() -> impl FnMut() -> f32 {
        let mut state = 1_u32;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        }
    }

    /// Pixel by pixel, in whole numbers: coverage that is more than before takes its place, and the mask is mixed anew.
    fn plainly(before: &[u8], covered: &mut [u8], now: &mut [u8], rect: PixelRect, way: Way, ink: Ink) {
        let product = |a: u8, b: u8| ((f64::from(a) * f64::from(b) / 255.0) + 0.5).floor() as u8;
        for (i, (x, y)) in rect.rows().flat_map(|y| rect.columns().map(move |x| (x, y))).enumerate() {
            let distance = way.square((x as f32 + 0.5, y as f32 + 0.5)).sqrt();
            let fraction = ink.profile.at(distance).clamp(0.0, 1.0);
            let cover = product((fraction * 255.0 + 0.5) as u8, ink.strength);
            if cover <= covered[i] {
                continue;
            }
            covered[i] = cover;
            let left = 255 - product(cover, ink.opacity);
            let apart = product(before[i].abs_diff(ink.full), left);
            now[i] = if before[i] >= ink.full { ink.full + apart } else { ink.full - apart };
        }
    }

    #[test]
    fn capsules_by_the_run_are_what_pixel_by_pixel_makes_to_the_last_bit() {
        let mut next = sequence();
        for case in 0..200 {
            let mut between = |from: f32, to: f32| from + (to - from) * next();
            let full = [0, 255, between(0.0, 255.9) as u8][case % 3];
            let brush = Brush { hardness: between(-0.1, 1.1), opacity: between(0.0, 1.2), ..Brush::default() };
            let rect = PixelRect {
                x: 64 * between(0.0, 60.0) as u32,
                y: 64 * between(0.0, 60.0) as u32,
                width: 64,
                height: 64,
            };
            let mut tile = if case % 2 == 0 { Tile::Flat(between(0.0, 255.0) as u8) } else { Tile::default() };
            if case % 4 == 1 {
                tile.bytes_mut().iter_mut().for_each(|byte| *byte = between(0.0, 255.9) as u8);
            }
            let mut touched = Touched::of(&tile);
            let before = *tile.clone().bytes_mut();
            let (mut covered, mut now) = ([0; SIDE * SIDE], before);
            for _ in 0..8 {
                let radius = between(0.0, 9.0).powi(2).max(0.5);
                let ink = Ink {
                    profile: brush.profile(radius),
                    strength: if case % 5 == 0 { between(0.0, 255.9) as u8 } else { 255 },
                    opacity: brush.opacity_byte(),
                    full,
                };
                let around = |corner: u32, at: f32| corner as f32 + 32.0 + at;
                let mut place = || (around(rect.x, between(-90.0, 90.0)), around(rect.y, between(-90.0, 90.0)));
                let from = place();
                let way = Way::new(from, if case % 3 == 0 { from } else { place() }, false);
                let (was, were) = (now, covered);
                plainly(&before, &mut covered, &mut now, rect, way, ink);
                let changed = touched.lay(&mut tile, rect, rect, way, ink);
                assert_eq!(changed, were != covered, "case {case}, {way:?}, {ink:?}");
                assert!(*touched.covered == covered && *tile.bytes_mut() == now, "case {case}, {way:?}, {ink:?}");
                assert!(changed || was == now);
            }
        }
    }

    #[test]
    fn fractions_are_rounded_as_everywhere() {
        for step in -100_000..1_100_000 {
            let fraction = step as f32 / 1_000_000.0;
            assert_eq!(byte(fraction), super::super::brush::byte(fraction), "{fraction}");
        }
        for byte_edge in 0..255_u16 {
            let edge = (f32::from(byte_edge) + 0.5) / 255.0;
            for fraction in [edge.next_down(), edge, edge.next_up()] {
                assert_eq!(byte(fraction), super::super::brush::byte(fraction), "{fraction}");
            }
        }
    }
}
