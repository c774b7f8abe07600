//! Picture files of other programs (PNG, JPEG, WebP), and what they become here: a picture, or a mask.

use super::error::reason;
use super::raster::PngReader;
use super::{Document, FileError, MAX_AREA, MAX_SIDE, Mask, Problem};
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, RgbImage, RgbaImage};
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek, SeekFrom};
use std::path::Path;

/// What errors call it.
const PICTURE: &str = "the picture";
/// Memory a decoder may take: a picture of [`MAX_AREA`] with its copies.
const DECODER_MEMORY: u64 = 1 << 30;

/// Reads a picture of any size that a canvas may have from a PNG, JPEG or WebP file, upright and with its transparency.
///
/// # Errors
/// One line naming the file, the fact and the remedy.
pub fn read_picture(path: impl AsRef<Path>) -> Result<RgbaImage, FileError> {
    let path = path.as_ref();
    let named = |problem| FileError::new(path, problem);
    let file = File::open(path).map_err(|e| named(Problem::Read(e)))?;
    read(BufReader::with_capacity(1 << 16, file)).map_err(named)
}

fn read(mut stream: impl BufRead + Seek) -> Result<RgbaImage, Problem> {
    let mut start = Vec::new();
    stream.by_ref().take(16).read_to_end(&mut start).map_err(Problem::Read)?;
    stream.seek(SeekFrom::Start(0)).map_err(Problem::Read)?;
    match image::guess_format(&start) {
        Ok(ImageFormat::Png) => read_png(stream),
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::WebP)) => read_other(stream, format),
        _ => Err(Problem::NotAPicture),
    }
}

fn read_png(stream: impl BufRead) -> Result<RgbaImage, Problem> {
    let png = PngReader::new(stream, PICTURE)?.at_most(MAX_AREA)?;
    let (width, height) = png.size();
    let mut image = RgbaImage::new(width, height);
    let mut out = image.chunks_exact_mut((width as usize * 4).max(1));
    png.rows(false, |_, _, row| {
        for (out, pixel) in out.next().unwrap_or_default().chunks_exact_mut(4).zip(row.pixels()) {
            out.copy_from_slice(&pixel);
        }
    })?;
    Ok(image)
}

fn read_other(stream: impl BufRead + Seek, format: ImageFormat) -> Result<RgbaImage, Problem> {
    let damaged = |error: image::ImageError| Problem::DamagedPicture(reason(&error));
    let mut reader = ImageReader::with_format(stream, format);
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(DECODER_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_AREA {
        return Err(Problem::PictureTooLarge { entry: PICTURE.to_owned(), width, height });
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgba8())
}

/// The picture over white where it is transparent.
#[must_use]
pub fn over_white(image: &RgbaImage) -> RgbImage {
    let mut out = RgbImage::new(image.width(), image.height());
    for (image::Rgb(out), image::Rgba([r, g, b, a])) in out.pixels_mut().zip(image.pixels()) {
        let over = |v: u8| (u32::from(v) * u32::from(*a) + 255 * (255 - u32::from(*a)) + 127) / 255;
        *out = [*r, *g, *b].map(|v| u8::try_from(over(v)).unwrap_or(v));
    }
    out
}

/// True where every pixel is a grey: black, white or between.
#[must_use]
pub fn is_grey(image: &RgbaImage) -> bool {
    image.pixels().all(|image::Rgba([r, g, b, _])| r == g && g == b)
}

impl Mask {
    /// The mask of a picture, by the rule of [`Document::import_mask`]: by its alpha where any pixel is transparent, else
    /// by its luminance. A picture of another size is scaled until it covers the canvas, and cut evenly on both sides.
    #[must_use]
    pub fn of_picture(image: &RgbaImage, width: u32, height: u32) -> Self {
        let transparent = image.pixels().any(|image::Rgba([.., a])| *a < 255);
        let cover = |image::Rgba([r, g, b, a]): &image::Rgba<u8>| {
            let sum = u32::from(*r) * 19_595 + u32::from(*g) * 38_470 + u32::from(*b) * 7_471 + 0x8000;
            if transparent { *a } else { u8::try_from(sum >> 16).unwrap_or(255) }
        };
        // As a picture of three equal channels it is fitted as pictures are.
        let grey =
            RgbImage::from_fn(image.width(), image.height(), |x, y| image::Rgb([cover(image.get_pixel(x, y)); 3]));
        let fitted = super::Start::fitted(&grey, width, height);
        let mut pixels = fitted.pixels();
        Self::from_rows(width, height, |_, row| {
            for (out, image::Rgb([v, ..])) in row.iter_mut().zip(&mut pixels) {
                *out = *v;
            }
        })
    }
}

impl Document {
    /// The small picture of a project (the one inside its file) or of a picture file, at most 256 pixels wide and high.
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy.
    pub fn thumbnail(path: impl AsRef<Path>) -> Result<RgbImage, FileError> {
        let path = path.as_ref();
        let named = |problem| FileError::new(path, problem);
        let mut stream = BufReader::new(File::open(path).map_err(|e| named(Problem::Read(e)))?);
        let is_zip = stream.fill_buf().map_err(|e| named(Problem::Read(e)))?.starts_with(super::file::ZIP_START);
        let image = if is_zip {
            let bytes = super::file::ora::thumbnail(stream).map_err(named)?;
            let png = PngReader::new(std::io::Cursor::new(&bytes), PICTURE).and_then(|png| png.at_most(1 << 20));
            png.map_err(named)?;
            read_png(std::io::Cursor::new(bytes)).map_err(named)?
        } else {
            read(stream).map_err(named)?
        };
        let longest = image.width().max(image.height());
        let image = over_white(&image);
        if longest <= 256 {
            return Ok(image);
        }
        let fit = |side: u32| (side * 256 / longest).clamp(1, 256);
        Ok(image::imageops::thumbnail(&image, fit(image.width()), fit(image.height())))
    }

    /// True where the file is a project, or a PNG with a project inside: what [`Document::open`] opens, without reading it.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn is_project(path: impl AsRef<Path>) -> Result<bool, FileError> {
        let path = path.as_ref();
        let named = |error| FileError::new(path, Problem::Read(error));
        let mut stream = BufReader::new(File::open(path).map_err(named)?);
        let mut start = Vec::new();
        stream.by_ref().take(8).read_to_end(&mut start).map_err(named)?;
        if start.starts_with(super::file::ZIP_START) {
            return Ok(true);
        }
        if start != super::file::PNG_START {
            return Ok(false);
        }
        has_project(stream).map_err(named)
    }
}

/// Looks through the chunks of a PNG, from the first on, for the one with a project.
fn has_project(mut stream: impl BufRead + Seek) -> std::io::Result<bool> {
    let keyword = super::png::PROJECT.as_bytes();
    loop {
        let mut head = [0; 8];
        if stream.read_exact(&mut head).is_err() {
            return Ok(false);
        }
        let [a, b, c, d, kind @ ..] = head;
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        let mut left = length;
        if &kind == b"iTXt" {
            let mut name = Vec::new();
            let most = (keyword.len() as u64 + 1).min(length);
            stream.by_ref().take(most).read_to_end(&mut name)?;
            if name.strip_suffix(&[0]) == Some(keyword) {
                return Ok(true);
            }
            left -= name.len() as u64;
        }
        if &kind == b"IEND" {
            return Ok(false);
        }
        // The rest of the chunk and its check sum.
        stream.seek_relative(i64::try_from(left + 4).unwrap_or(i64::MAX))?;
    }
}
