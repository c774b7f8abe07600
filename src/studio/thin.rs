//! Regions so thin that the model may not show them.
//!
//! Measured with the embedded checkpoints: a stroke across a meadow is drawn with two different prompts. The figures are the
//! mean difference of the two pictures inside the stroke (of 255; 1 is no effect, 20 to 60 a visible thing):
//!
//! | | 8 pixels | 12 pixels | 16 pixels |
//! |---|---|---|---|
//! | few-step version, 4 steps, guidance 1 | 0.5 to 19, most under 13 | 1 to 52, most over 13 | 1 to 46, most over 18 |
//! | the same, guidance 2 | 7 | | |
//! | the same, guidance 4 | 25 to 34 | | |
//! | full model, 8 steps, guidance 1 | 0.6 to 4 | | 1 to 17 |
//! | full model, 8 steps, guidance 7.5 | 2 to 41 | 5 to 30 | 33 |
//!
//! Thin strokes are lost by weak guidance, with which models for few steps are drawn; more of their steps (12, 20) change
//! nothing. With one or two steps a region bootstraps to the end and shows (19 to 58). Squares of 16 pixels are lost as strokes
//! of 8 are, squares of 20 are not: the covered area within a few cells counts.

use super::plan::{overlap, visible};
use super::warning::Warning;
use crate::diffusion::masks::{Coverage, LatentMask, Rows, latent_masks};
use crate::document::{Document, Region};

/// Guidance scale from which thin regions show.
const STRONG: f32 = 3.0;

/// The most steps of a run that is bootstrapped to its end.
const BRIEF: u32 = 2;

/// Side in latent cells of a square that a region must fill by half somewhere, as a stroke of twelve pixels does.
const SIDE: usize = 3;

/// Warns of every visible region that may not show. `coverages` are those of the visible regions; `few_steps` is true with a
/// checkpoint distilled for few steps.
pub(super) fn warnings(
    document: &Document,
    coverages: &[Coverage<'_>],
    factor: usize,
    few_steps: bool,
) -> Vec<Warning> {
    let settings = &document.settings;
    let weak = |region: &Region| region.guidance.unwrap_or(settings.guidance) < STRONG;
    if settings.steps <= BRIEF || !visible(document).any(weak) {
        return Vec::new();
    }
    let (width, height) = (document.width as usize, document.height as usize);
    let solid: Vec<Solid<'_>> = coverages.iter().copied().map(Solid::new).collect();
    let coverages: Vec<Coverage<'_>> = solid.iter().map(|rows| Coverage { width, height, rows }).collect();
    let masks = latent_masks(width, height, factor, &coverages, overlap(settings));
    let wrap = (settings.wrap.x(), settings.wrap.y());
    visible(document)
        .zip(masks.iter().skip(1))
        .filter(|(region, mask)| weak(region) && !mask.is_empty() && is_thin(mask, wrap))
        .map(|(region, _)| Warning::ThinRegion { region: region.name.clone(), pixels: 2 * factor, few_steps })
        .collect()
}

/// A mask thresholded at half its highest value, so that a region that is faint all over is not taken for a thin one.
struct Solid<'a> {
    of: Coverage<'a>,
    from: u8,
}

impl<'a> Solid<'a> {
    fn new(of: Coverage<'a>) -> Self {
        let mut row = vec![0; of.width];
        let mut most = 0;
        for y in 0..of.height {
            of.rows.read_row(y, &mut row);
            most = row.iter().copied().fold(most, u8::max);
        }
        Self { of, from: most.div_ceil(2).max(1) }
    }
}

impl Rows for Solid<'_> {
    fn read_row(&self, y: usize, out: &mut [u8]) {
        self.of.rows.read_row(y, out);
        out.iter_mut().for_each(|v| *v = if *v >= self.from { 255 } else { 0 });
    }
}

/// True where the mask nowhere fills half of a square of [`SIDE`] cells.
fn is_thin(mask: &LatentMask, wrap: (bool, bool)) -> bool {
    let (height, width) = (mask.height(), mask.width());
    let cells = mask.cells();
    // Rows or columns of the square around a cell, clamped to the canvas or wrapped.
    let span = |at: usize, n: usize, wrap: bool| {
        let side = SIDE.min(n);
        let start = if wrap { at + n - SIDE / 2 % n } else { at.saturating_sub(SIDE / 2).min(n - side) };
        (start..start + side).map(move |i| i % n)
    };
    let full = |at: usize| {
        let (rows, columns) = (span(at / width, height, wrap.1), span(at % width, width, wrap.0));
        let area = (rows.len() * columns.len()) as f32;
        let sum: f32 = rows.flat_map(|y| columns.clone().map(move |x| y * width + x)).map(|i| cells[i]).sum();
        // (Rounding may take a little.)
        sum >= 0.5 * area - 1e-3
    };
    !(0..cells.len()).any(|at| cells[at] > 0.0 && full(at))
}
