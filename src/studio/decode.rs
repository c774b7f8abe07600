//! Decoding a latent to a picture.

use super::drawing::DrawError;
use crate::diffusion::{Network, Planes};
use crate::document::Document;
use image::RgbImage;

/// Latent pixels of the other edge that a wrapped picture is encoded and decoded with: more than the decoder's receptive
/// field needs to be seamless.
pub(super) const WRAP_MARGIN: usize = 8;

/// Decodes a latent to a picture of the document's size.
///
/// # Errors
/// If the decoder fails, or its picture is not finite.
pub(super) fn decode(
    network: &mut dyn Network,
    latent: &Planes,
    document: &Document,
    wrap: (bool, bool),
) -> Result<RgbImage, DrawError> {
    let (mx, my) = (if wrap.0 { WRAP_MARGIN } else { 0 }, if wrap.1 { WRAP_MARGIN } else { 0 });
    let padded = wrapped(latent, mx, my);
    let picture = network.decode(&padded).map_err(|error| DrawError::of(error, DrawError::Decode))?;
    if picture.data.iter().any(|v| !v.is_finite()) {
        return Err(DrawError::NotFinite);
    }
    let factor = picture.width / padded.width.max(1);
    Ok(to_image(&picture, mx * factor, my * factor, document.width, document.height))
}

/// The latent with a margin of `mx` columns and `my` rows of its opposite edges around it.
pub(super) fn wrapped(latent: &Planes, mx: usize, my: usize) -> Planes {
    let (h, w) = (latent.height, latent.width);
    let mut out = Planes::zeros(1, latent.channels, h + 2 * my, w + 2 * mx);
    let (plane, wide) = (out.plane_len(), out.width);
    for c in 0..latent.channels {
        for y in 0..out.height {
            for x in 0..wide {
                let (sy, sx) = ((y + h * my - my) % h, (x + w * mx - mx) % w);
                out.data[c * plane + y * wide + x] = latent.data[c * h * w + sy * w + sx];
            }
        }
    }
    out
}

/// The part of a picture in −1…1 from (`left`, `top`) as 8-bit sRGB, rounded as diffusers does.
pub(super) fn to_image(picture: &Planes, left: usize, top: usize, width: u32, height: u32) -> RgbImage {
    let plane = picture.plane_len();
    RgbImage::from_fn(width, height, |x, y| {
        let x = (x as usize + left).min(picture.width - 1);
        let y = (y as usize + top).min(picture.height - 1);
        let at = |c: usize| {
            let v = picture.data[c * plane + y * picture.width + x];
            ((v / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8
        };
        image::Rgb([at(0), at(1), at(2)])
    })
}
