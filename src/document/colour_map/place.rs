//! Gives every pixel of a map to a region, or to several by share.

use super::find::{Found, OPEN, colour, is_opaque, nearest, number, part};
use super::{MERGE, MERGE_NOISY, distance};
use crate::document::{MAX_REGIONS, Problem, Rgb};
use image::RgbaImage;
use rayon::prelude::*;
use std::collections::{HashMap, VecDeque};

/// The label of a pixel that no region covers.
pub(super) const CLEAR: u16 = u16::MAX;
/// The label of a pixel that is told of in the list of shares.
pub(super) const SOFT: u16 = u16::MAX - 2;
/// The distance from a pixel within which its regions are looked for, in pixels: next to it first. A soft edge is at most twice
/// as wide.
const REACH: usize = 6;
/// The most regions that are looked at around one pixel.
const AROUND: usize = 8;
/// The largest share of a map that may belong to no region's colour, nor to a soft edge.
const UNKNOWN: f64 = 0.15;
/// The largest share of a map that may be soft: it bounds memory.
const MOST_SOFT: f64 = 0.35;
/// The most that a soft edge's colour may lie beyond either region's, as a share of the way between them: bicubic and Lanczos
/// resampling overshoot by as much.
const OVERSHOOT: f32 = 0.15;
/// More colours than this are not those of thin lines.
const LINES: usize = 16;

/// A region's share of a pixel, 1 to 255.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) x: u32,
    pub(super) label: u16,
    pub(super) value: u8,
}

/// Every pixel's place.
pub(super) struct Placed {
    pub(super) labels: Vec<u16>,
    pub(super) soft: Vec<Share>,
    pub(super) soft_rows: Vec<usize>,
    /// Pixels of colours that are too few to be regions.
    pub(super) specks: usize,
}

/// The reading of a pixel that has no region's own shade.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Seen {
    Whole(u16),
    /// The second region covers it by this much of 255, the first by the rest.
    Between(u16, u16, u8),
    /// Neither near a region's colour nor between two.
    Unknown,
}

/// Gives every pixel to the regions of `found`, which gets those that are thin everywhere beside them.
pub(super) fn pixels(image: &RgbaImage, found: &mut Found) -> Result<Placed, Problem> {
    let mut labels = vec![CLEAR; image.as_raw().len() / 4];
    label(image, found, &mut labels);
    let mut rows = look(image, found, &labels)?;
    if !found.noisy && add_thin(image, found, &rows)? {
        label(image, found, &mut labels);
        rows = look(image, found, &labels)?;
    }
    let across = image.width() as usize;
    let (mut soft, mut soft_rows, mut specks) = (Vec::new(), vec![0], Vec::new());
    for ((y, row), out) in rows.into_iter().enumerate().zip(labels.chunks_exact_mut(across.max(1))) {
        for (x, seen, alpha) in row {
            let at = x as usize;
            let share = |label: u16, part: u8| Share { x, label, value: scaled(part, alpha) };
            match seen {
                Seen::Whole(label) if alpha == 255 => out[at] = label,
                Seen::Whole(label) => {
                    out[at] = SOFT;
                    soft.push(share(label, 255));
                }
                Seen::Between(first, second, part) => {
                    out[at] = SOFT;
                    let upper = share(second, part);
                    soft.push(Share { x, label: first, value: alpha - upper.value });
                    soft.push(upper);
                }
                Seen::Unknown => specks.push(y * across + at),
            }
        }
        soft_rows.push(soft.len());
    }
    let like = |at: usize| Some(nearest(&found.centres, colour(number(&image.as_raw()[at * 4..])))?.0);
    spread(&mut labels, across, &specks, like);
    // In a picture with noise they are noise, and nothing to tell of.
    Ok(Placed { labels, soft, soft_rows, specks: if found.noisy { 0 } else { specks.len() } })
}

/// A part of 255 of an alpha.
fn scaled(part: u8, alpha: u8) -> u8 {
    u8::try_from((u16::from(part) * u16::from(alpha) + 127) / 255).unwrap_or(alpha)
}

/// The label of each pixel by its shade alone.
fn label(image: &RgbaImage, found: &Found, labels: &mut [u16]) {
    labels.par_iter_mut().zip(image.as_raw().par_chunks_exact(4)).for_each(|(label, pixel)| {
        *label = match pixel[3] {
            0 => CLEAR,
            _ => found.classes[number(pixel)],
        };
    });
}

/// The pixels of a row that a shade alone does not tell of: column, what they are, and their alpha.
type Row = Vec<(u32, Seen, u8)>;

/// Looks at the pixels that are not wholly of one region's shade.
fn look(image: &RgbaImage, found: &Found, labels: &[u16]) -> Result<Vec<Row>, Problem> {
    let across = image.width() as usize;
    let rows: Vec<Row> = (0..image.height() as usize)
        .into_par_iter()
        .map(|y| {
            let line = &labels[y * across..][..across];
            let open = (0..).zip(line).zip(image.as_raw()[y * across * 4..].chunks_exact(4));
            open.filter(|((_, label), pixel)| **label == OPEN || (**label != CLEAR && pixel[3] < 255))
                .map(|((x, label), pixel)| {
                    let seen = match *label {
                        OPEN => seen(found, labels, across, (x as usize, y), pixel),
                        label => Seen::Whole(label),
                    };
                    (x, seen, pixel[3])
                })
                .collect()
        })
        .collect();
    let count = |of: fn(&Seen) -> bool| rows.iter().flatten().filter(|(_, seen, _)| of(seen)).count() as u64;
    let unknown = count(|seen| *seen == Seen::Unknown);
    let whole = count(|seen| matches!(seen, Seen::Whole(_)));
    let soft = rows.iter().map(|row| row.len() as u64).sum::<u64>() - whole - unknown;
    let clear = rows.iter().flatten().filter(|(_, _, alpha)| *alpha < 255).count() as u64;
    if part(unknown, found.opaque) > UNKNOWN || part(soft + clear, labels.len() as u64) > MOST_SOFT {
        return Err(Problem::ShadedMap);
    }
    Ok(rows)
}

/// Finds out to which regions around it a pixel belongs.
fn seen(found: &Found, labels: &[u16], across: usize, (x, y): (usize, usize), pixel: &[u8]) -> Seen {
    let own = colour(number(pixel));
    let to = |label: u16| distance(found.centres[usize::from(label)].0, own);
    let nearest_of = |around: &[(u16, u32)]| {
        around.iter().map(|(label, _)| (*label, to(*label))).min_by(|(_, a), (_, b)| a.total_cmp(b))
    };
    let mut around = Vec::new();
    let mut junction = None;
    for reach in 1..=REACH {
        let known = around.len();
        add_around(&mut around, labels, across, (x, y), reach);
        if found.noisy && reach == 1 {
            // A fleck in an even area.
            if let Some((label, _)) = nearest_of(&around).filter(|(_, d)| *d < MERGE) {
                return Seen::Whole(label);
            }
        }
        if around.len() == known {
            continue;
        }
        if let Some((seen, off)) = between(&found.centres, &around, own) {
            if off < found.merge {
                return seen;
            }
            // Where three meet, all of them are in the pixel, and the best pair stands for them.
            junction = junction.or((around.len() > 2 && reach < 3).then_some(seen));
        }
    }
    let near = nearest_of(&around).or_else(|| nearest(&found.centres, own));
    match (near, junction) {
        // The colour of what is nearly transparent says little.
        (Some((label, d)), _) if d < found.merge || pixel[3] < 255 => Seen::Whole(label),
        (_, Some(seen)) => seen,
        _ => Seen::Unknown,
    }
}

/// Adds the regions of the ring of pixels that are so far away, with the number of their pixels.
fn add_around(around: &mut Vec<(u16, u32)>, labels: &[u16], across: usize, (x, y): (usize, usize), reach: usize) {
    let mut add = |labels: &[u16]| {
        for label in labels.iter().filter(|label| **label < SOFT) {
            match around.iter().position(|(other, _)| other == label) {
                Some(at) => around[at].1 += 1,
                None if around.len() < AROUND => around.push((*label, 1)),
                None => {}
            }
        }
    };
    let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(across));
    for row in y.saturating_sub(reach)..=y + reach {
        let Some(line) = labels.get(row * across..(row + 1) * across) else { return };
        if row.abs_diff(y) == reach {
            add(&line[left..right]);
        } else {
            add(if x >= reach { &line[left..=left] } else { &[] });
            add(line.get(x + reach..=x + reach).unwrap_or_default());
        }
    }
}

/// The pair of regions that a colour lies between, and how far off their line it is; of pairs that explain it about as well
/// the one with more pixels around.
fn between(centres: &[Rgb], around: &[(u16, u32)], own: [u8; 3]) -> Option<(Seen, f32)> {
    let mut best: Option<(Seen, f32, u32)> = None;
    for (i, (first, count)) in around.iter().enumerate() {
        for (second, other_count) in &around[i + 1..] {
            let [a, b] = [first, second].map(|label| centres[usize::from(*label)].0);
            let (part, off) = along(a, b, own);
            let count = count + other_count;
            let better = best.is_none_or(|(_, least, most)| off + 1.0 < least || (off < least + 1.0 && count > most));
            if better {
                let seen = match part {
                    0 => Seen::Whole(*first),
                    255 => Seen::Whole(*second),
                    part => Seen::Between(*first, *second, part),
                };
                best = Some((seen, off, count));
            }
        }
    }
    best.map(|(seen, off, _)| (seen, off))
}

/// The place of a colour on the line from `a` to `b`, 0 to 255, and its distance from there.
fn along(a: [u8; 3], b: [u8; 3], own: [u8; 3]) -> (u8, f32) {
    let way: [f32; 3] = std::array::from_fn(|i| f32::from(b[i]) - f32::from(a[i]));
    let length: f32 = way.iter().map(|v| v * v).sum();
    let dot: f32 = (0..3).map(|i| way[i] * (f32::from(own[i]) - f32::from(a[i]))).sum();
    let part = (dot / length.max(1.0)).clamp(-OVERSHOOT, 1.0 + OVERSHOOT);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let byte = |v: f32| v.round().clamp(0.0, 255.0) as u8;
    let point = std::array::from_fn(|i| byte(f32::from(a[i]) + part * way[i]));
    let off = distance(point, own);
    // A channel that cannot go beyond 0 or 255 bends the line outside its ends.
    (byte(part * 255.0), if (0.0..=1.0).contains(&part) { off } else { off / 2.0 })
}

/// Makes regions of unknown colours that are frequent enough: those of lines one pixel wide. True where there were any.
fn add_thin(image: &RgbaImage, found: &mut Found, rows: &[Row]) -> Result<bool, Problem> {
    let mut counts: HashMap<usize, u32> = HashMap::new();
    for (y, row) in (0..).zip(rows) {
        for (x, _, _) in row.iter().filter(|(_, seen, _)| *seen == Seen::Unknown) {
            let pixel = image.get_pixel(*x, y);
            if is_opaque(&pixel.0) {
                *counts.entry(number(&pixel.0)).or_default() += 1;
            }
        }
    }
    let mut shades: Vec<(usize, u32)> = counts.into_iter().collect();
    shades.sort_by_key(|(shade, count)| (std::cmp::Reverse(*count), *shade));
    let old = found.centres.len();
    // Where edges were resampled there are many, most of them near a region's colour: overshoot.
    let apart = if shades.len() > LINES { MERGE_NOISY } else { found.merge };
    let is_fringe = |own| nearest(&found.centres[..old], own).is_some_and(|(_, d)| d < apart);
    shades.retain(|(shade, _)| !is_fringe(colour(*shade)));
    for (shade, count) in &shades {
        let own = colour(*shade);
        if *count < found.least || nearest(&found.centres[old..], own).is_some_and(|(_, d)| d < found.merge) {
            continue;
        }
        if found.centres.len() == MAX_REGIONS {
            return Err(Problem::MapColours);
        }
        found.centres.push(Rgb(own));
    }
    for (shade, _) in &shades {
        let near = nearest(&found.centres, colour(*shade)).filter(|(_, d)| *d < found.merge);
        if let Some((label, _)) = near {
            found.classes[*shade] = label;
        }
    }
    Ok(found.centres.len() > old)
}

/// Gives these pixels to the regions beside them, the nearest first, or where soft pixels alone are beside them as `like`
/// says; those with nothing but transparency around belong to none.
fn spread(labels: &mut [u16], across: usize, specks: &[usize], like: impl Fn(usize) -> Option<u16>) {
    let beside = |at: usize| {
        let x = at % across;
        let sides =
            [at.checked_sub(across), (x > 0).then(|| at - 1), (x + 1 < across).then_some(at + 1), Some(at + across)];
        sides.into_iter().flatten()
    };
    let given = |at: usize, labels: &[u16]| {
        let mut around = beside(at).filter_map(|at| labels.get(at)).copied();
        around
            .clone()
            .find(|label| *label < SOFT)
            .or_else(|| around.find(|label| *label == SOFT).and_then(|_| like(at)))
    };
    let mut queue: VecDeque<(usize, u16)> = specks.iter().filter_map(|at| Some((*at, given(*at, labels)?))).collect();
    while let Some((at, label)) = queue.pop_front() {
        if labels[at] == OPEN {
            labels[at] = label;
            queue.extend(beside(at).filter(|at| labels.get(*at) == Some(&OPEN)).map(|at| (at, label)));
        }
    }
    for at in specks.iter().filter(|at| labels[**at] == OPEN).copied().collect::<Vec<_>>() {
        labels[at] = CLEAR;
    }
}
