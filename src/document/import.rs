//! Masks and pictures from picture files.

use super::raster::PngReader;
use super::{Document, FileError, Mask, Problem};
use image::RgbImage;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

const MASK: &str = "the mask";

impl Document {
    /// Reads a mask from a PNG of this size.
    ///
    /// An opaque picture covers by its luminance (white inside, black outside, grey between; ITU-R 601 weights rounded as
    /// Pillow's `convert("L")` rounds them, which the authors' code uses). A picture in which any pixel is transparent
    /// covers by its alpha alone, so that a shape drawn in any colour on a clear ground is a mask too.
    ///
    /// # Errors
    /// One line naming the file, the fact (both sizes, where they differ) and the remedy.
    pub fn import_mask(path: impl AsRef<Path>, width: u32, height: u32) -> Result<Mask, FileError> {
        let path = path.as_ref();
        let named = |problem| FileError::new(path, problem);
        let file = File::open(path).map_err(|e| named(Problem::Read(e)))?;
        read_mask(BufReader::with_capacity(1 << 16, file), width, height).map_err(named)
    }

    /// Reads a picture to start from ([`super::Start`]): a PNG, JPEG or WebP of any size that a canvas may have, turned as a
    /// camera says it was held; what is transparent lies over white.
    ///
    /// # Errors
    /// As [`Self::import_mask`].
    pub fn import_picture(path: impl AsRef<Path>) -> Result<RgbImage, FileError> {
        super::read_picture(path).map(|image| super::over_white(&image))
    }
}

/// Refuses a picture of another size than the canvas.
fn of_canvas<R: BufRead>(png: PngReader<R>, width: u32, height: u32) -> Result<PngReader<R>, Problem> {
    if png.size() == (width, height) {
        return Ok(png);
    }
    let (own_width, own_height) = png.size();
    Err(Problem::MaskSize { width: own_width, height: own_height, canvas_width: width, canvas_height: height })
}

fn read_mask(stream: impl BufRead, width: u32, height: u32) -> Result<Mask, Problem> {
    let png = of_canvas(PngReader::new(stream, MASK)?, width, height)?;
    let (mut luminance, mut alpha) = (Mask::empty(width, height), Mask::empty(width, height));
    let mut transparent = false;
    let mut line = Vec::new();
    png.rows(false, |header, y, row| {
        line.clear();
        line.extend(row.pixels().map(|[r, g, b, _]| {
            let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000;
            u8::try_from(sum >> 16).unwrap_or(255)
        }));
        luminance.write_row(0, y, &line);
        if header.alpha {
            line.clear();
            line.extend(row.pixels().map(|[.., a]| a));
            transparent |= line.iter().any(|a| *a < 255);
            alpha.write_row(0, y, &line);
        }
    })?;
    let mut mask = if transparent { alpha } else { luminance };
    mask.pack();
    Ok(mask)
}
