//! The end of a drawing: latents become one picture.

use super::again::Overlay;
use super::decode::decode;
use super::drawing::{DrawError, Watcher};
use super::init_image::Blend;
use super::model::Model;
use super::prepared::Prepared;
use super::run::Latents;
use crate::diffusion::Planes;
use image::RgbImage;
use std::sync::Arc;
use std::time::Instant;

/// The pixels of a drawing.
pub(super) struct Pictures {
    pub(super) image: Arc<RgbImage>,
    /// With nothing drawn again.
    pub(super) kept: Arc<RgbImage>,
}

/// Decodes the latents, lays each over the init image, and regions drawn again over the kept picture.
///
/// # Errors
/// If the decoder fails, or the watcher cancels.
pub(super) fn finish(
    prepared: &Prepared<'_>,
    latents: &Latents,
    model: &mut dyn Model,
    watcher: &mut dyn Watcher,
) -> Result<Pictures, DrawError> {
    let Prepared { document, options, painting, rerolls, .. } = prepared;
    let blend = Blend::of(prepared).filter(|_| options.lay_over);
    let mut picture = |latent: &Planes| {
        let begun = Instant::now();
        let mut image = decode(model.network(), latent, document, painting.wrap)?;
        if let Some(rgb) = model.preview_map() {
            rgb.decode_pace = begun.elapsed().as_secs_f64() / latent.plane_len().max(1) as f64;
        }
        if let Some(blend) = &blend {
            blend.lay_over(&mut image);
        }
        Ok::<_, DrawError>(image)
    };
    let kept = match &prepared.kept {
        Some(kept) => Arc::clone(&kept.image),
        None => Arc::new(picture(&latents.base)?),
    };
    if latents.rerolled.is_empty() {
        return Ok(Pictures { image: Arc::clone(&kept), kept });
    }
    let mut overlay = Overlay::default();
    for (reroll, latent) in rerolls.iter().zip(&latents.rerolled) {
        if watcher.cancelled() {
            return Err(DrawError::Cancelled);
        }
        overlay.add(&reroll.shares(painting, document), &picture(latent)?);
    }
    Ok(Pictures { image: Arc::new(overlay.over(&kept)), kept })
}
