//! Finds the colours of a map: those of even areas, near ones taken together.

use super::{MERGE, MERGE_NOISY, distance};
use crate::document::{MAX_REGIONS, Problem, Rgb};
use image::RgbaImage;
use rayon::prelude::*;

/// The most that the pixels of an even square may differ, in any channel ([`unrest`]). The smallest of these at which [`EVEN`]
/// of the picture is even is used: 0 in maps as programs write them and in most JPEGs of one, more where every pixel is noisy.
const CALM: [u8; 3] = [0, 4, 12];
/// The share of a flat picture that is even.
const EVEN: f64 = 0.5;
/// A picture of so few shades needs no even squares to be a map: its regions may be small.
const FEW: usize = 64;
/// The share of what is even in a flat picture with noise whose colours are [`alone`]. In photographs every shade has others
/// beside it.
const ALONE: f64 = 0.4;
/// A shade is an even area's, and no soft edge's, where at least one in this many of its pixels is even.
const SOLID: u32 = 8;
/// Groups of shades after which a picture is no map: four times the regions of a document, so that specks have room.
const GROUPS: usize = 4 * MAX_REGIONS;
/// The most frequent shades that make groups; rarer ones make none, so that a photograph of millions takes no time.
const COUNTED: usize = 1 << 16;
/// A picture with more even shades a group than this has noise…
const SHADES: usize = 3;
/// …or with more shades a group that look like the group's. (Soft edges have a few of them, JPEGs hundreds.)
const FRINGE: usize = 32;
/// By how much an even area is larger than its fringe, at least: in a picture with noise…
const FRINGES_NOISY: u64 = 8;
/// …and in one that was resampled, where edges overshoot.
const FRINGES: u64 = 16;
/// The share of soft pixels from which on a picture counts as resampled.
const RESAMPLED: f64 = 0.002;

/// The class of a shade that is no region's: its pixels lie on soft edges, or are noise.
pub(super) const OPEN: u16 = u16::MAX - 1;

/// The colours of a map, and to which of them each shade belongs.
pub(super) struct Found {
    /// At most [`MAX_REGIONS`].
    pub(super) centres: Vec<Rgb>,
    /// The largest distance from a centre (see `distance`) at which a colour counts as it.
    pub(super) merge: f32,
    /// True for a picture with noise.
    pub(super) noisy: bool,
    /// For each 24-bit colour in the picture its place in `centres`, or [`OPEN`].
    pub(super) classes: Vec<u16>,
    /// Opaque pixels.
    pub(super) opaque: u64,
    /// Pixels that a colour needs to be a region.
    pub(super) least: u32,
}

/// A shade: how often it occurs, and how often in an even square.
#[derive(Clone, Copy)]
struct Shade {
    colour: u32,
    all: u32,
    calm: u32,
}

/// A 24-bit colour as a number.
pub(super) fn number(pixel: &[u8]) -> usize {
    match *pixel {
        [r, g, b, ..] => usize::from(r) << 16 | usize::from(g) << 8 | usize::from(b),
        _ => 0,
    }
}

/// The colour of a number.
pub(super) fn colour(number: usize) -> [u8; 3] {
    let [.., r, g, b] = number.to_be_bytes();
    [r, g, b]
}

/// True where a pixel is covered enough for its colour to mean something.
pub(super) fn is_opaque(pixel: &[u8]) -> bool {
    pixel.get(3).is_some_and(|alpha| *alpha >= 128)
}

/// Finds the colours that are regions.
pub(super) fn colours(image: &RgbaImage) -> Result<Found, Problem> {
    let unrest = unrest(image);
    let opaque = image.as_raw().par_chunks_exact(4).filter(|p| is_opaque(p)).count() as u64;
    if opaque == 0 {
        return Err(Problem::ClearMap);
    }
    let inside = |calm: u8| unrest.par_iter().filter(|v| **v <= calm).count() as u64;
    let calm = CALM.into_iter().find(|calm| part(inside(*calm), opaque) >= EVEN);
    let shades = shades(image, &unrest, calm.unwrap_or(0));
    drop(unrest);
    let calm = calm.or((shades.len() <= FEW).then_some(0)).ok_or(Problem::ShadedMap)?;
    let even: Vec<Shade> = shades.iter().copied().filter(|s| s.calm > 0 && s.calm * SOLID >= s.all).collect();
    let mut groups = group(&even).ok_or(Problem::ShadedMap)?;
    let noisy = calm > 0 || !is_clean(&shades, even.len(), &groups);
    let soft: u64 = opaque - even.iter().map(|shade| u64::from(shade.all)).sum::<u64>();
    let (mut least, mut merge) = (least(opaque), MERGE);
    if noisy {
        // A fringe is little beside what it belongs to.
        (least, merge) = (least * 4, MERGE_NOISY);
        groups = without_fringes(groups, FRINGES_NOISY);
    } else if part(soft, opaque) > RESAMPLED {
        groups = without_fringes(groups, FRINGES);
    }
    groups.retain(|group| group.size >= u64::from(least));
    if groups.is_empty() || noisy && alone(&groups) < ALONE {
        return Err(Problem::ShadedMap);
    }
    if groups.len() > MAX_REGIONS {
        return Err(Problem::MapColours);
    }
    let centres: Vec<Rgb> = groups.iter().map(|group| Rgb(group.centre)).collect();
    let mut classes = vec![OPEN; 1 << 24];
    for shade in even {
        let own = nearest(&centres, colour(shade.colour as usize)).filter(|(_, d)| *d < merge);
        if let Some((place, _)) = own {
            classes[shade.colour as usize] = place;
        }
    }
    Ok(Found { centres, merge, noisy, classes, opaque, least })
}

/// True for a picture without noise.
fn is_clean(shades: &[Shade], even: usize, groups: &[Group]) -> bool {
    let near = |shade: &&Shade| {
        let own = colour(shade.colour as usize);
        groups.iter().any(|group| distance(group.centre, own) < MERGE)
    };
    even <= SHADES * groups.len() && shades.par_iter().filter(near).count() <= FRINGE * groups.len()
}

/// Pixels that a colour needs to be a region: one in 16 384, which is what one cell of the latent grid is in a map of
/// 1024 × 1024, but at least 4 and at most 64 (such a cell), so that stray pixels are no regions and small maps keep theirs.
fn least(opaque: u64) -> u32 {
    u32::try_from(opaque >> 14).unwrap_or(u32::MAX).clamp(4, 64)
}

pub(super) fn part(count: u64, of: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "numbers of pixels, at most 2^26")]
    let share = count as f64 / of.max(1) as f64;
    share
}

/// The centre nearest to a colour, and how far it is.
pub(super) fn nearest(centres: &[Rgb], colour: [u8; 3]) -> Option<(u16, f32)> {
    let all = (0..).zip(centres).map(|(place, centre)| (place, distance(centre.0, colour)));
    all.min_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// For each pixel, by how much the colours of a square of two by two pixels that it is in differ from its own, in any channel:
/// of its four squares the evenest. 255 where all of them have something transparent. (A soft edge, however straight, is even
/// along itself only; a line two pixels wide has such squares.)
fn unrest(image: &RgbaImage) -> Vec<u8> {
    let (across, raw) = (image.width() as usize * 4, image.as_raw());
    let differ = |own: &[u8], other: Option<&[u8]>| match other {
        Some(other) if is_opaque(other) => {
            own.iter().zip(other).take(3).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
        }
        _ => 255,
    };
    let mut unrest = vec![255; raw.len() / 4];
    unrest.par_chunks_mut((across / 4).max(1)).enumerate().for_each(|(y, out)| {
        let row = |y: Option<usize>| y.and_then(|y| raw.get(y * across..(y + 1) * across));
        let (above, below) = (row(y.checked_sub(1)), row(Some(y + 1)));
        let Some(row) = row(Some(y)) else { return };
        for (x, out) in out.iter_mut().enumerate() {
            let own = &row[x * 4..][..4];
            if !is_opaque(own) {
                continue;
            }
            // Most pixels of a map, seen without counting.
            let two = row.get(x * 4 + 4..x * 4 + 8) == Some(own);
            if two && below.and_then(|row| row.get(x * 4..x * 4 + 8)) == row.get(x * 4..x * 4 + 8) {
                *out = 0;
                continue;
            }
            let to = |row: Option<&[u8]>, x: usize| differ(own, row.and_then(|row| row.get(x * 4..x * 4 + 4)));
            let side = |other: Option<usize>| match other {
                Some(other) => {
                    let square = |row| to(row, x).max(to(row, other));
                    to(Some(row), other).max(square(above).min(square(below)))
                }
                None => 255,
            };
            *out = side(x.checked_sub(1)).min(side(Some(x + 1)));
        }
    });
    unrest
}

/// Counts the shades of opaque pixels. (A table of all 2^24 colours: memory is taken by the pages that are touched.)
fn shades(image: &RgbaImage, unrest: &[u8], calm: u8) -> Vec<Shade> {
    let mut counts = vec![(0_u32, 0_u32); 1 << 24];
    let mut seen = Vec::new();
    // Run by run of one colour, as maps have long ones.
    let pixels = image.as_raw().chunks_exact(4).zip(unrest);
    let mut run = ([0; 4], 0, 0);
    for (pixel, unrest) in pixels {
        if pixel != run.0 {
            count(&mut counts, &mut seen, run);
            run = ([pixel[0], pixel[1], pixel[2], pixel[3]], 0, 0);
        }
        run.1 += 1;
        run.2 += u32::from(*unrest <= calm);
    }
    count(&mut counts, &mut seen, run);
    let shade = |colour: u32| {
        let (all, calm) = counts[colour as usize];
        Shade { colour, all, calm }
    };
    seen.into_iter().map(shade).collect()
}

/// Counts a run of pixels of one colour: how many there are, and how many of them are even.
fn count(counts: &mut [(u32, u32)], seen: &mut Vec<u32>, (pixel, all, calm): ([u8; 4], u32, u32)) {
    if all == 0 || !is_opaque(&pixel) {
        return;
    }
    let number = number(&pixel);
    if counts[number].0 == 0 {
        seen.push(u32::try_from(number).unwrap_or(0));
    }
    counts[number].0 += all;
    counts[number].1 += calm;
}

/// Shades that are one colour: the most frequent of them, and how many even pixels have one.
struct Group {
    centre: [u8; 3],
    size: u64,
}

/// Takes together what is nearer than [`MERGE`] to a more frequent shade, the largest group first; `None` where that leaves
/// more than [`GROUPS`].
fn group(even: &[Shade]) -> Option<Vec<Group>> {
    let mut order: Vec<Shade> = even.to_vec();
    order.sort_by_key(|shade| (std::cmp::Reverse(shade.calm), shade.colour));
    order.truncate(COUNTED);
    let mut groups: Vec<Group> = Vec::new();
    for shade in order {
        let (own, size) = (colour(shade.colour as usize), u64::from(shade.calm));
        match groups.iter().position(|group| distance(group.centre, own) < MERGE) {
            Some(at) => groups[at].size += size,
            None if groups.len() < GROUPS => groups.push(Group { centre: own, size }),
            None => return None,
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.size));
    Some(groups)
}

/// Takes the fringes of even areas to the areas: groups that are at most one in `times` of a larger one that is nearer than
/// [`MERGE_NOISY`].
fn without_fringes(groups: Vec<Group>, times: u64) -> Vec<Group> {
    let mut kept: Vec<Group> = Vec::new();
    for group in groups {
        let near = |other: &Group| distance(other.centre, group.centre) < MERGE_NOISY;
        match kept.iter().position(|other| group.size * times <= other.size && near(other)) {
            Some(at) => kept[at].size += group.size,
            None => kept.push(group),
        }
    }
    kept
}

/// The share of even pixels whose colour has no other one nearer than [`MERGE_NOISY`].
fn alone(groups: &[Group]) -> f64 {
    let near = |a: &Group, b: &Group| !std::ptr::eq(a, b) && distance(a.centre, b.centre) < MERGE_NOISY;
    let is_alone = |group: &&Group| !groups.iter().any(|other| near(group, other));
    let sum = |groups: &mut dyn Iterator<Item = &Group>| groups.map(|group| group.size).sum::<u64>();
    part(sum(&mut groups.iter().filter(is_alone)), sum(&mut groups.iter()))
}
