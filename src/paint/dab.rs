//! One dab on one tile, sixteen pixels of a row at a time.
//!
//! Coverage only falls with the distance, so two distances tell of sixteen pixels whether they lie beyond the dab, under its
//! full middle or on its edge; only the edge asks for roots. The loops have a fixed length and no branches, so that the
//! compiler writes them with wide registers.

use super::brush::Profile;
use super::stroke::pixel;
use crate::document::{PixelRect, TILE, Tile, TileBytes};

const SIDE: usize = TILE as usize;
/// Pixels at a time.
const RUN: usize = 16;
const RUNS: usize = SIDE / RUN;

/// The effect of a dab on the mask under it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub(super) profile: Profile,
    /// The most this dab covers, in 255ths.
    pub(super) strength: u8,
    /// In 255ths.
    pub(super) opacity: u8,
    /// What the mask is where the dab covers it whole.
    pub(super) full: u8,
}

/// A stroke's record of a tile: the mask before it, and the most that any dab covered.
#[derive(Debug)]
pub(super) struct Touched {
    pub(super) before: Tile,
    covered: Box<TileBytes>,
}

impl Touched {
    pub(super) fn of(tile: &Tile) -> Self {
        Self { before: tile.clone(), covered: Box::new([0; SIDE * SIDE]) }
    }

    /// Lays the part of a dab that falls on this tile (which lies at `rect`). True where it changed anything.
    pub(super) fn stamp(
        &mut self,
        tile: &mut Tile,
        rect: PixelRect,
        part: PixelRect,
        centre: (f32, f32),
        ink: Ink,
    ) -> bool {
        let (first, end) = ((part.x - rect.x) as usize, (part.x - rect.x + part.width) as usize);
        let used = first / RUN..end.div_ceil(RUN);
        let runs: [Run; RUNS] = std::array::from_fn(|number| Run::of(rect.x, number, centre.0));
        let (inner, outer) = (ink.profile.inner * ink.profile.inner, ink.profile.outer * ink.profile.outer);
        let (covered, _) = self.covered.as_chunks_mut();
        let (now, _) = tile.bytes_mut().as_chunks_mut();
        let mut changed = false;
        for y in part.rows() {
            let dy = pixel(y) - centre.1;
            let down = dy * dy;
            let row = (y - rect.y) as usize * RUNS;
            for (at, run) in (row + used.start..).zip(&runs[used.clone()]) {
                // Most of a dab lies where the one before it lay.
                if run.near + down >= outer || covered[at] == [ink.strength; RUN] {
                    continue;
                }
                let before = match &self.before {
                    Tile::Each(bytes) => bytes.as_chunks().0[at],
                    Tile::Flat(value) => [*value; RUN],
                };
                let cover = if run.far + down <= inner { [ink.strength; RUN] } else { run.cover(down, ink) };
                changed |= ink.lay(before, cover, &mut covered[at], &mut now[at]);
            }
        }
        changed
    }
}

/// Pixels of a row beside each other.
struct Run {
    /// The distance of each from the dab's centre, across.
    across: [f32; RUN],
    /// The squares of the least and the most of it.
    near: f32,
    far: f32,
}

impl Run {
    /// The run of this number in a tile whose left edge is at `left`.
    fn of(left: u32, number: usize, centre: f32) -> Self {
        let mut across = [0.0; RUN];
        for (x, across) in (left..).skip(number * RUN).zip(&mut across) {
            *across = pixel(x) - centre;
        }
        let (first, last) = (across[0], across[RUN - 1]);
        let near = if first <= 0.0 && last >= 0.0 { 0.0 } else { first.abs().min(last.abs()) };
        let far = first.abs().max(last.abs());
        Self { across, near: near * near, far: far * far }
    }

    /// The coverage of every pixel by the dab; `down` is the square of the row's distance from its centre.
    fn cover(&self, down: f32, ink: Ink) -> [u8; RUN] {
        let mut fractions = [0.0; RUN];
        for (fraction, across) in fractions.iter_mut().zip(self.across) {
            *fraction = ink.profile.at((across * across + down).sqrt());
        }
        let mut cover = [0; RUN];
        for (cover, fraction) in cover.iter_mut().zip(fractions) {
            *cover = scaled(byte(fraction), ink.strength);
        }
        cover
    }
}

impl Ink {
    /// Lays what a dab covers over what the stroke has covered so far; true where that was more anywhere.
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
    fn plainly(before: &[u8], covered: &mut [u8], now: &mut [u8], rect: PixelRect, centre: (f32, f32), ink: Ink) {
        let product = |a: u8, b: u8| ((f64::from(a) * f64::from(b) / 255.0) + 0.5).floor() as u8;
        for (i, (x, y)) in rect.rows().flat_map(|y| rect.columns().map(move |x| (x, y))).enumerate() {
            let (dx, dy) = (x as f32 + 0.5 - centre.0, y as f32 + 0.5 - centre.1);
            let fraction = ink.profile.at((dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0);
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
    fn dabs_by_the_run_are_what_pixel_by_pixel_makes_to_the_last_bit() {
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
                let centre = (around(rect.x, between(-90.0, 90.0)), around(rect.y, between(-90.0, 90.0)));
                let (was, were) = (now, covered);
                plainly(&before, &mut covered, &mut now, rect, centre, ink);
                let changed = touched.stamp(&mut tile, rect, rect, centre, ink);
                assert_eq!(changed, were != covered, "case {case}, {centre:?}, {ink:?}");
                assert!(*touched.covered == covered && *tile.bytes_mut() == now, "case {case}, {centre:?}, {ink:?}");
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
