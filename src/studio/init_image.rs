//! Init image of a drawing: the part of it that may change, its latent, and its pixels that stay in the finished picture.

use super::colour_match::Shift;
use super::coverage::RegionCoverage;
use super::decode::{WRAP_MARGIN, wrapped};
use super::drawing::{DrawError, Options};
use super::over::mixed;
use super::prepared::Prepared;
use crate::diffusion::masks::{Coverage, Overlap, feathered, latent_masks};
use crate::diffusion::{self, Network, Planes};
use crate::document::{Area, Document, InitImage};
use image::RgbImage;
use image::imageops::{FilterType, resize};

/// Width in pixels of the border inside the changed area in which the finished picture and the kept one are mixed.
pub(super) const BORDER: usize = 8;

/// Freedom of each pixel to change, 0 (kept) to 255, row by row; `None` where all is free. `regions` are the visible ones.
///
/// # Errors
/// If the init image or its mask has another size than the canvas.
pub(super) fn change(
    document: &Document,
    start: &InitImage,
    regions: &[Coverage<'_>],
) -> Result<Option<Vec<u8>>, DrawError> {
    if start.image.dimensions() != (document.width, document.height) {
        return Err(DrawError::Invalid("the picture to start from has another size than the canvas".to_owned()));
    }
    match &start.area {
        Area::Everything => Ok(None),
        Area::Mask(mask) if (mask.width(), mask.height()) != (document.width, document.height) => {
            Err(DrawError::Invalid("the mask of what may change has another size than the canvas".to_owned()))
        }
        Area::Mask(mask) => Ok(Some(mask.to_raw())),
        Area::Regions => {
            let width = document.width as usize;
            let mut kept = vec![255_u8; width * document.height as usize];
            let mut row = vec![0; width];
            for region in regions {
                for (y, kept) in kept.chunks_exact_mut(width).enumerate() {
                    region.rows.read_row(y, &mut row);
                    for (kept, m) in kept.iter_mut().zip(&row) {
                        *kept = ((u32::from(*kept) * (255 - u32::from(*m)) + 127) / 255) as u8;
                    }
                }
            }
            Ok(Some(kept.into_iter().map(|k| 255 - k).collect()))
        }
    }
}

/// The steps of so many that a denoising strength takes, cut to whole ones as diffusers' pipelines do.
///
/// # Errors
/// If the strength is not in 0…1, or leaves no step.
pub(super) fn taken(strength: f64, steps: usize) -> Result<usize, DrawError> {
    if !(strength > 0.0 && strength <= 1.0) {
        return Err(DrawError::Invalid(format!("a strength of {strength} makes no sense; give more than 0, up to 1")));
    }
    let taken = ((steps as f64 * strength) as usize).min(steps);
    if taken == 0 {
        return Err(DrawError::Invalid(format!(
            "a strength of {strength} leaves no step of {steps}; give at least {:.3}, or more steps",
            1.0 / steps.max(1) as f64
        )));
    }
    Ok(taken)
}

/// The init latent as the engine has it, still to be encoded; `change` is what [`change`] gives.
///
/// # Errors
/// If the denoising strength is not in 0…1, or leaves no step.
pub(super) fn plan(
    document: &Document,
    start: &InitImage,
    factor: usize,
    change: Option<&Vec<u8>>,
) -> Result<diffusion::InitLatent, DrawError> {
    let (width, height) = (document.width as usize, document.height as usize);
    let steps = document.settings.steps as usize;
    let taken = taken(start.strength, steps)?;
    let free = change.map(|change| {
        let coverage = Coverage { width, height, rows: change };
        latent_masks(width, height, factor, &[coverage], Overlap::Order)[1].cells()
    });
    Ok(diffusion::InitLatent {
        clean: Planes::zeros(1, 0, 0, 0),
        from: steps - taken,
        // At full strength an inpainted area begins with noise alone.
        from_noise: free.is_some() && taken == steps,
        free,
    })
}

/// The latent (posterior mean) of a picture on the canvas, `[1, latent_channels, height, width]`, from its pixels in −1…1. A canvas off the
/// grid is continued by its last row and column.
fn encoded(
    network: &mut dyn Network,
    (width, height): (usize, usize),
    pixel: impl Fn(usize, usize) -> [f32; 3],
    factor: usize,
    wrap: (bool, bool),
) -> Result<Planes, DrawError> {
    let (w, h) = (width.div_ceil(factor), height.div_ceil(factor));
    let mut picture = Planes::zeros(1, 3, h * factor, w * factor);
    let (plane, wide) = (picture.plane_len(), picture.width);
    for y in 0..picture.height {
        for x in 0..wide {
            for (c, v) in pixel(x.min(width - 1), y.min(height - 1)).into_iter().enumerate() {
                picture.data[c * plane + y * wide + x] = v;
            }
        }
    }
    let margin = |wrapped: bool| if wrapped { WRAP_MARGIN } else { 0 };
    let (mx, my) = (margin(wrap.0), margin(wrap.1));
    let failed = |e| DrawError::Invalid(format!("the picture to start from could not be encoded: {e}"));
    let moments = network.encode(&wrapped(&picture, mx * factor, my * factor));
    let moments = moments.map_err(|error| DrawError::of(error, failed))?;
    let whole = moments.mean;
    if (whole.height, whole.width) != (h + 2 * my, w + 2 * mx) {
        return Err(DrawError::Invalid("the encoder answered with another shape than the picture's".to_owned()));
    }
    let mut latent = Planes::zeros(1, whole.channels, h, w);
    let window = diffusion::windows::Window { x: mx, y: my, width: w, height: h };
    window.crop(&whole, &mut latent.data);
    Ok(latent)
}

/// A pixel in −1…1.
fn signed(image: &RgbImage, x: usize, y: usize) -> [f32; 3] {
    image.get_pixel(x as u32, y as u32).0.map(|v| f32::from(v) / 255.0 * 2.0 - 1.0)
}

/// The latent of a picture of the canvas's size.
///
/// # Errors
/// If the autoencoder fails.
pub(super) fn encode(
    network: &mut dyn Network,
    image: &RgbImage,
    factor: usize,
    wrap: (bool, bool),
) -> Result<Planes, DrawError> {
    let size = (image.width() as usize, image.height() as usize);
    encoded(network, size, |x, y| signed(image, x, y), factor, wrap)
}

/// The planes an inpainting UNet sees beside the latent, `[1, 1 + latent_channels, height, width]`: 1 in cells where
/// something may change, and the latent of the picture with grey there. Without a picture, or where all of it may change,
/// that is everywhere.
///
/// # Errors
/// If the autoencoder fails.
pub(super) fn conditions(
    network: &mut dyn Network,
    document: &Document,
    change: Option<&[u8]>,
    factor: usize,
    wrap: (bool, bool),
) -> Result<Planes, DrawError> {
    let (width, height) = (document.width as usize, document.height as usize);
    let kept = document.init_image.as_ref().zip(change);
    // Such UNets are trained with masks that have no shades.
    let masked = |x: usize, y: usize| kept.is_none_or(|(_, change)| change[y * width + x] >= 128);
    let pixel = |x: usize, y: usize| match kept {
        Some((start, _)) if !masked(x, y) => signed(&start.image, x, y),
        _ => [0.0; 3],
    };
    let latent = encoded(network, (width, height), pixel, factor, wrap)?;
    let mut out = Planes::zeros(1, 1 + latent.channels, latent.height, latent.width);
    let (mask, picture) = out.data.split_at_mut(latent.plane_len());
    picture.copy_from_slice(&latent.data);
    for y in 0..height {
        for x in 0..width {
            if masked(x, y) {
                mask[y / factor * latent.width + x / factor] = 1.0;
            }
        }
    }
    Ok(out)
}

/// The init image, to be laid over pictures drawn from it so that what is kept of it is kept to the last bit.
pub(super) struct Blend<'a> {
    original: &'a RgbImage,
    /// See [`change`].
    change: Vec<u8>,
    wrap: (bool, bool),
    /// The drawn picture's share of each pixel, 0 to 255, row by row.
    shares: Vec<u8>,
}

impl<'a> Blend<'a> {
    /// `None` where there is no init image, or all of it may change.
    pub(super) fn of(prepared: &'a Prepared<'_>) -> Option<Self> {
        let Prepared { document, painting, change, .. } = prepared;
        Some(Self::new(&document.init_image.as_ref()?.image, change.clone()?, painting.wrap))
    }

    /// The same of a document that is not prepared to be drawn: its live picture is drawn by another one.
    ///
    /// # Errors
    /// If a mask or the init image has another size than the canvas.
    pub(super) fn of_document(document: &'a Document) -> Result<Option<Self>, DrawError> {
        let Some(start) = &document.init_image else { return Ok(None) };
        let coverage = RegionCoverage::of(document, &Options::default())?;
        let change = change(document, start, &coverage.views())?;
        let wrap = document.settings.wrap;
        Ok(change.map(|change| Self::new(&start.image, change, (wrap.x(), wrap.y()))))
    }

    fn new(original: &'a RgbImage, change: Vec<u8>, wrap: (bool, bool)) -> Self {
        let (width, height) = (original.width() as usize, original.height() as usize);
        let mut shares = feathered(Coverage { width, height, rows: &change }, BORDER, wrap);
        shares.iter_mut().zip(&change).for_each(|(share, change)| *share = (*share).min(*change));
        Self { original, change, wrap, shares }
    }

    /// Puts the kept pixels into a picture of the canvas's size, and brings the others to their colours.
    pub(super) fn lay_over(&self, image: &mut RgbImage) {
        let shift = Shift::measured(self.original, image, &self.change, self.wrap);
        for (((x, y, new), old), share) in image.enumerate_pixels_mut().zip(self.original.pixels()).zip(&self.shares) {
            let shifted = if *share > 0 { shift.shifted(x, y, new.0) } else { [0.0; 3] };
            new.0 = mixed(shifted.map(|value| value.round() as u8), old.0, *share);
        }
    }

    /// The same with a picture of another size, such as a preview's, which is brought to the canvas's first. (By the quick filter: for one
    /// of 1024 × 1024 pixels it takes some 40 ms, and all the rest as long.)
    pub(super) fn laid(&self, mut image: RgbImage) -> RgbImage {
        let (width, height) = self.original.dimensions();
        if image.dimensions() != (width, height) {
            image = resize(&image, width, height, FilterType::Triangle);
        }
        self.lay_over(&mut image);
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Mask, PixelRect};
    use image::Rgb;
    use std::sync::Arc;

    #[test]
    fn what_must_not_change_is_the_start_picture_to_the_last_bit() {
        let mut document = Document::new(128, 96);
        let start = RgbImage::from_fn(128, 96, |x, y| Rgb([40 + x as u8, 60 + y as u8, 100]));
        let inside = |x: u32, y: u32| (48..96).contains(&x) && (32..72).contains(&y);
        // At half the size, darker by what an autoencoder may shift, and with another thing inside.
        let half = RgbImage::from_fn(64, 48, |x, y| {
            let Rgb([r, g, b]) = *start.get_pixel(2 * x, 2 * y);
            Rgb(if inside(2 * x, 2 * y) { [194, 110, 60] } else { [r - 6, g + 10, b] })
        });
        assert!(Blend::of_document(&document).expect("a document").is_none(), "nothing to lie over");
        let mut mask = Mask::empty(128, 96);
        mask.fill(PixelRect { x: 48, y: 32, width: 48, height: 40 }, 255);
        mask.fill(PixelRect { x: 96, y: 32, width: 1, height: 40 }, 128);
        let area = Area::Mask(Arc::new(mask.clone()));
        document.init_image = Some(InitImage { image: Arc::new(start.clone()), strength: 0.5, area });
        let over = Blend::of_document(&document).expect("a document").expect("a mask").laid(half);
        assert_eq!(over.dimensions(), (128, 96));
        for (x, y, pixel) in over.enumerate_pixels() {
            let old = start.get_pixel(x, y);
            assert!(mask.get(x, y) > 0 || pixel == old, "{x}, {y}: {pixel:?}");
            // Behind the border it is what was drawn, in the colours of the picture around it.
            if (60..84).contains(&x) && (44..60).contains(&y) {
                let off = pixel.0.into_iter().zip([200, 100, 60]).map(|(a, b): (u8, u8)| a.abs_diff(b)).max();
                assert!(off <= Some(2), "{x}, {y}: {pixel:?}");
            }
        }
        // Softly at the border: no step is as high as the change of 40.
        let step = |x: u32| over.get_pixel(x, 52).0[2].abs_diff(over.get_pixel(x + 1, 52).0[2]);
        assert!((44..100).all(|x| step(x) <= 24), "{:?}", (44..100).map(step).collect::<Vec<_>>());
    }
}
