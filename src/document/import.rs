//! Masks and pictures from picture files.

use super::error::reason;
use super::raster::PngReader;
use super::{Document, FileError, MAX_AREA, Mask, Problem};
use image::{DynamicImage, ImageDecoder as _, ImageReader, RgbImage};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

const MASK: &str = "the mask";
const PICTURE: &str = "the picture";

/// The first bytes of a PNG file.
const PNG_START: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The longest side of a JPEG or WebP; its area is limited as a canvas's.
const MAX_PICTURE_SIDE: u32 = 65535;

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
        let path = path.as_ref();
        let named = |problem| FileError::new(path, problem);
        let file = File::open(path).map_err(|e| named(Problem::Read(e)))?;
        read_picture(BufReader::with_capacity(1 << 16, file)).map_err(named)
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

fn read_picture(mut stream: impl BufRead + Seek) -> Result<RgbImage, Problem> {
    let start = stream.fill_buf().map_err(Problem::Read)?;
    if start.starts_with(PNG_START) { read_png(stream) } else { read_other(stream) }
}

/// A colour over white.
fn over_white([r, g, b, a]: [u8; 4]) -> [u8; 3] {
    let over = |v: u8| u8::try_from((u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255);
    [r, g, b].map(|v| over(v).unwrap_or(v))
}

fn read_png(stream: impl BufRead) -> Result<RgbImage, Problem> {
    let png = PngReader::new(stream, PICTURE)?.at_most(MAX_AREA)?;
    let (width, height) = png.size();
    let mut image = RgbImage::new(width, height);
    let mut out = image.chunks_exact_mut((width as usize * 3).max(1));
    png.rows(false, |_, _, row| {
        for (out, pixel) in out.next().unwrap_or_default().chunks_exact_mut(3).zip(row.pixels()) {
            out.copy_from_slice(&over_white(pixel));
        }
    })?;
    Ok(image)
}

/// A JPEG or WebP.
fn read_other(stream: impl BufRead + Seek) -> Result<RgbImage, Problem> {
    let unreadable = |error: image::ImageError| Problem::OtherPicture(reason(&error));
    let mut reader = ImageReader::new(stream).with_guessed_format().map_err(Problem::Read)?;
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_PICTURE_SIDE), Some(MAX_PICTURE_SIDE));
    limits.max_alloc = Some(MAX_AREA * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_AREA {
        return Err(Problem::PictureTooLarge { entry: PICTURE.to_owned(), width, height });
    }
    let orientation = decoder.orientation().map_err(unreadable)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    image.apply_orientation(orientation);
    if !image.color().has_alpha() {
        return Ok(image.into_rgb8());
    }
    let image = image.into_rgba8();
    Ok(RgbImage::from_fn(image.width(), image.height(), |x, y| image::Rgb(over_white(image.get_pixel(x, y).0))))
}

fn read_mask(stream: impl BufRead, width: u32, height: u32) -> Result<Mask, Problem> {
    let png = of_canvas(PngReader::new(stream, MASK)?, width, height)?;
    let mut luminance = Mask::empty(width, height);
    let mut alpha = Mask::empty(0, 0);
    let mut transparent = false;
    png.rows(false, |header, y, row| {
        if header.alpha && alpha.width() == 0 {
            alpha = Mask::empty(width, height);
        }
        for (out, [r, g, b, _]) in luminance.row_mut(y).iter_mut().zip(row.pixels()) {
            let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000;
            *out = u8::try_from(sum >> 16).unwrap_or(255);
        }
        for (out, [.., a]) in alpha.row_mut(y).iter_mut().zip(row.pixels()) {
            *out = a;
            transparent |= a < 255;
        }
    })?;
    Ok(if transparent { alpha } else { luminance })
}
