//! Regions drawn again over a finished picture, which stays as it is everywhere else.
//!
//! The latent outside a region's reach is held to the last bit, but the decoder's group norms and attention see the whole
//! picture, so a change in one corner moves pixels in another. Each region is therefore decoded by itself and laid over the
//! kept picture only where its latent could change.
//!
//! Each region is drawn over the picture in which nothing is drawn again, not over the regions below it. Drawing one of them
//! again leaves the others as they are, whatever their order.

use super::drawing::DrawError;
use super::plan::visible;
use crate::diffusion::masks::{Coverage, LatentMask, feathered, spread};
use crate::diffusion::{Painting, Planes, Trajectory};
use crate::document::Document;
use image::RgbImage;
use std::sync::Arc;

/// Latent cells around a region that may change with it, so that it blends into its surroundings.
const MARGIN: usize = 2;

/// A picture in which nothing is drawn again, and its trajectory: the base over which regions are drawn again.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptPicture {
    /// Its latents, from noise to the final one.
    pub trajectory: Arc<Trajectory>,
    /// Its pixels.
    pub image: Arc<RgbImage>,
}

impl KeptPicture {
    /// Its memory in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.trajectory.memory() + self.image.as_raw().len()
    }
}

/// A region that is drawn again.
#[derive(Debug, Clone)]
pub(super) struct Reroll {
    /// Its number among the painting's parts.
    part: usize,
    /// Its other seed.
    seed: u64,
    /// Freedom of each cell to change, 0 (held) to 1.
    pub(super) free: Vec<f32>,
}

/// The regions that are drawn again, lowest first.
pub(super) fn rerolls(document: &Document, painting: &Painting) -> Vec<Reroll> {
    let again = |(part, seed): (usize, u64)| {
        let mut place = vec![0.0; painting.height * painting.width];
        painting.parts[part].mask.add_to(&mut place);
        painting.layouts.iter().for_each(|layout| layout.masks[part].add_to(&mut place));
        let place = LatentMask::new(painting.height, painting.width, &place);
        Reroll { part, seed, free: spread(&place, MARGIN, painting.wrap) }
    };
    (1..).zip(visible(document)).filter_map(|(k, region)| Some((k, region.reroll?))).map(again).collect()
}

impl Reroll {
    /// The whole painting with the region's other seed.
    pub(super) fn painting(&self, of: &Painting) -> Painting {
        let mut painting = of.clone();
        painting.parts[self.part].seed = self.seed;
        painting
    }

    /// The new picture's share of each pixel, 0 to 255, row by row: all on the region's own cells, nothing on cells that are
    /// held, and between them a soft border.
    pub(super) fn shares(&self, painting: &Painting, document: &Document) -> Vec<u8> {
        let (width, height) = (document.width as usize, document.height as usize);
        let &Painting { factor, width: across, wrap, .. } = painting;
        let cell = |i: usize| self.free[i / width / factor * across + i % width / factor];
        // The edge runs in the middle of the margin, and is as soft as the margin is wide.
        let near: Vec<u8> = (0..width * height).map(|i| if cell(i) > 0.5 { 255 } else { 0 }).collect();
        let mut shares = feathered(Coverage { width, height, rows: &near }, MARGIN * factor / 2, wrap);
        for (i, share) in shares.iter_mut().enumerate() {
            // Over a joined edge off the grid the last cells are narrower than the border.
            if cell(i) <= 0.0 {
                *share = 0;
            }
        }
        shares
    }

    /// Copies the free cells of this region's latent into another latent.
    pub(super) fn lay_latent(&self, own: &Planes, onto: &mut Planes) {
        let planes = onto.data.chunks_exact_mut(self.free.len()).zip(own.data.chunks_exact(self.free.len()));
        for (onto, own) in planes {
            for ((onto, own), free) in onto.iter_mut().zip(own).zip(&self.free) {
                if *free > 0.0 {
                    *onto = *own;
                }
            }
        }
    }
}

/// Regions drawn again, laid over the kept picture: at each pixel the mean of the pictures by their shares, the kept one
/// taking the rest.
#[derive(Default)]
pub(super) struct Overlay {
    /// Sums of colour × share (red, green, blue) and of shares at each pixel; empty rows where no region has a share.
    rows: Vec<Vec<[u32; 4]>>,
}

impl Overlay {
    /// Adds the picture in which one region is drawn again, with its share of each pixel.
    pub(super) fn add(&mut self, shares: &[u8], image: &RgbImage) {
        let (width, height) = (image.width() as usize, image.height() as usize);
        self.rows.resize(height, Vec::new());
        for ((sums, shares), row) in self.rows.iter_mut().zip(shares.chunks_exact(width)).zip(image.rows()) {
            if shares.iter().all(|share| *share == 0) {
                continue;
            }
            sums.resize(width, [0; 4]);
            for (([r, g, b, sum], share), pixel) in sums.iter_mut().zip(shares).zip(row) {
                let share = u32::from(*share);
                for (sum, value) in [r, g, b].into_iter().zip(pixel.0) {
                    *sum += u32::from(value) * share;
                }
                *sum += share;
            }
        }
    }

    /// The whole picture; where no region has a share, the kept one to the last bit.
    pub(super) fn over(self, kept: &RgbImage) -> RgbImage {
        let mut image = kept.clone();
        for (row, sums) in image.rows_mut().zip(self.rows) {
            for (pixel, [r, g, b, shares]) in row.zip(sums) {
                let left = 255_u32.saturating_sub(shares);
                let whole = left + shares;
                for (value, sum) in pixel.0.iter_mut().zip([r, g, b]) {
                    *value = ((u32::from(*value) * left + sum + whole / 2) / whole) as u8;
                }
            }
        }
        image
    }
}

/// Refuses a kept picture of another canvas.
pub(super) fn check(kept: &KeptPicture, document: &Document) -> Result<(), DrawError> {
    if kept.image.dimensions() == (document.width, document.height) {
        return Ok(());
    }
    let text = "what is to be kept is a picture of another size; draw it again first";
    Err(DrawError::Invalid(text.to_owned()))
}
