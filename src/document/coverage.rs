//! The visible part of each region, and warnings to show before a picture is made.

use super::{Document, Mask, PixelRect, Region, RegionId, TILE};
use rayon::prelude::*;

/// A region whose visible part is less than this share of what is painted counts as hidden under others.
const HIDDEN: f64 = 0.05;

/// Less of the canvas than this is not worth a warning: soft edges never add up to full coverage.
const BARE: f64 = 0.0005;

/// Shares of the canvas, 0 to 1. Half-covered pixels count half.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// One for each region, in the document's order.
    pub regions: Vec<RegionCoverage>,
    /// The share of the canvas that no visible region covers.
    pub uncovered: f64,
}

/// The shares of one region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionCoverage {
    /// The region.
    pub region: RegionId,
    /// The share of the canvas that its mask covers.
    pub painted: f64,
    /// The share of the canvas that shows under the regions above it; 0 for a hidden region.
    pub visible: f64,
}

/// Something a person should know before a picture is made. `Display` is one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The kind of warning.
    pub kind: WarningKind,
    /// The region it is about, if it is about one.
    pub region: Option<RegionId>,
    text: String,
}

/// The kinds of [`Warning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A visible region has an empty mask.
    EmptyMask,
    /// A visible region has no words.
    EmptyWords,
    /// Nearly all of a region lies under others.
    Covered,
    /// Pixels that no region covers, and a background without words.
    Uncovered,
    /// There are regions, and all are hidden.
    AllHidden,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Document {
    /// Measures each region: the area of its mask, and the area of it that shows.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let count = self.regions.len();
        let zero = || (vec![(0_u64, 0_u64); count], 0_u64);
        let (columns, rows) = (self.width.div_ceil(TILE), self.height.div_ceil(TILE));
        let (sums, bare) = (0..rows)
            .into_par_iter()
            .fold(zero, |mut total, row| {
                (0..columns).for_each(|column| self.add_tile((column, row), &mut total));
                total
            })
            .reduce(zero, |(mut sums, bare), (others, other_bare)| {
                for (sum, other) in sums.iter_mut().zip(others) {
                    *sum = (sum.0 + other.0, sum.1 + other.1);
                }
                (sums, bare + other_bare)
            });
        let full = f64::from(self.width) * f64::from(self.height) * 255.0;
        #[expect(clippy::cast_precision_loss, reason = "at most 2^35")]
        let share = |sum: u64| if full > 0.0 { sum as f64 / full } else { 0.0 };
        let regions = self
            .regions
            .iter()
            .zip(sums)
            .map(|(region, (painted, visible))| RegionCoverage {
                region: region.id,
                painted: share(painted),
                visible: share(visible),
            })
            .collect();
        Coverage { regions, uncovered: share(bare) }
    }

    /// Adds one tile: painted and visible sums of each region, and of what stays bare.
    fn add_tile(&self, (column, row): (u32, u32), (sums, bare): &mut (Vec<(u64, u64)>, u64)) {
        let rect = PixelRect { x: column * TILE, y: row * TILE, width: TILE, height: TILE }
            .intersection(PixelRect::whole(self.width, self.height));
        let sum_of = |bytes: &[u8]| bytes.iter().map(|v| u64::from(*v)).sum::<u64>();
        let mut rest = vec![255; rect.width as usize * rect.height as usize];
        for (region, sum) in self.regions.iter().zip(sums).rev() {
            if region.mask.is_blank_in(rect) {
                continue;
            }
            let bytes = region.mask.crop(rect);
            sum.0 += sum_of(&bytes);
            if region.visible {
                sum.1 += cover(&mut rest, &bytes, |_, _| {});
            }
        }
        *bare += sum_of(&rest);
    }

    /// The visible part of a region: its mask less the masks of the visible regions above it. `None` where there is no such
    /// region; empty where it is hidden.
    #[must_use]
    pub fn visible_mask(&self, id: RegionId) -> Option<Mask> {
        let at = self.regions.iter().position(|r| r.id == id)?;
        let region = self.regions.get(at)?;
        if !region.visible {
            return Some(Mask::empty(self.width, self.height));
        }
        let above: Vec<&Region> = self.regions.iter().skip(at + 1).filter(|r| r.visible).collect();
        let (mut rest, mut line) = (vec![0; self.width as usize], vec![0; self.width as usize]);
        Some(Mask::from_rows(self.width, self.height, |y, row| {
            rest.fill(255);
            for upper in above.iter().rev() {
                upper.mask.read_row(0, y, &mut line);
                cover(&mut rest, &line, |_, _| {});
            }
            region.mask.read_row(0, y, &mut line);
            cover(&mut rest, &line, |x, shown| row[x] = shown);
        }))
    }

    /// Warnings to show before a picture is made, the most serious first.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings_of(&self.coverage())
    }

    /// As [`Self::warnings`], of a coverage that is known already.
    #[must_use]
    pub fn warnings_of(&self, coverage: &Coverage) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |kind, region: Option<&Region>, text: String| {
            warnings.push(Warning { kind, region: region.map(|r| r.id), text });
        };
        if !self.regions.is_empty() && self.regions.iter().all(|r| !r.visible) {
            let text = "all regions are hidden, so the picture is the background alone; show one".to_owned();
            warn(WarningKind::AllHidden, None, text);
        }
        if coverage.uncovered > BARE && self.background.prompt.trim().is_empty() {
            let share = percent(coverage.uncovered);
            let text = format!("{share} of the canvas is covered by no region, and the background has no words");
            warn(WarningKind::Uncovered, None, text);
        }
        for (number, (region, share)) in (1..).zip(self.regions.iter().zip(&coverage.regions)) {
            if !region.visible {
                continue;
            }
            let name = if region.name.is_empty() {
                format!("region {number}")
            } else {
                format!("region {number}, “{}”,", super::error::one_line(&region.name, 40))
            };
            if share.painted <= 0.0 {
                warn(WarningKind::EmptyMask, Some(region), format!("{name} has an empty mask; paint it"));
            } else if region.prompt.trim().is_empty() {
                warn(WarningKind::EmptyWords, Some(region), format!("{name} has no words; say what it shows"));
            }
            if share.painted > 0.0 && share.visible < HIDDEN * share.painted {
                let text = format!("{name} lies under others and will not show; move it up");
                warn(WarningKind::Covered, Some(region), text);
            }
        }
        warnings
    }
}

/// Lets a mask's row cover what is still bare, and returns the sum of what it got; `shown(x, coverage)` is told of each
/// pixel.
fn cover(rest: &mut [u8], row: &[u8], mut shown: impl FnMut(usize, u8)) -> u64 {
    let mut sum = 0;
    for (x, (rest, mask)) in rest.iter_mut().zip(row).enumerate() {
        let part = u8::try_from((u16::from(*rest) * u16::from(*mask) + 127) / 255).unwrap_or(0);
        *rest -= part;
        sum += u64::from(part);
        shown(x, part);
    }
    sum
}

/// A share in words: whole percents, one digit below one.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 1.0 || percent <= 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}
