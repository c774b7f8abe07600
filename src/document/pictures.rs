//! Picture files of other programs: PNG, JPEG, WebP.

use super::error::reason;
use super::jpeg;
use super::raster::PngReader;
use super::{Document, FileError, MAX_AREA, MAX_SIDE, Problem};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage, RgbaImage};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _, Seek, SeekFrom};
use std::path::Path;

/// The name of a picture in errors.
pub(super) const PICTURE: &str = "the picture";
/// Memory a decoder may take: a picture of [`MAX_AREA`] with its copies.
const DECODER_MEMORY: u64 = 1 << 30;
/// The largest JPEG that is read, in bytes: its decoder takes the whole file into memory.
const MAX_JPEG: u64 = 1 << 28;

/// A picture as its file gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// In 8-bit sRGB, upright and with its transparency.
    pub image: RgbaImage,
    /// True where the file has 16 bits a value and none is above 255, as tools write that meant 8 bits. It would be black, so
    /// `image` has its values as they are.
    pub low: bool,
}

impl From<RgbaImage> for Picture {
    fn from(image: RgbaImage) -> Self {
        Self { image, low: false }
    }
}

/// Reads a picture of any size that a canvas may have from a PNG, JPEG or WebP file, turned as a camera says it was held.
///
/// # Errors
/// One line naming the file, the fact and the remedy.
pub fn read_picture(path: impl AsRef<Path>) -> Result<Picture, FileError> {
    let path = path.as_ref();
    let named = |problem| FileError::new(path, problem);
    let file = File::open(path).map_err(|e| named(Problem::Read(e)))?;
    read(BufReader::with_capacity(1 << 16, file)).map_err(named)
}

/// The picture in a `data:` URL (RFC 2397) with base64; `None` where it is none that can be read.
#[must_use]
pub fn picture_of_data_url(url: &str) -> Option<RgbaImage> {
    let (kind, text) = url.strip_prefix("data:image/")?.split_once(',')?;
    let bytes = kind.ends_with(";base64").then(|| super::base64::decode(text))??;
    read(std::io::Cursor::new(bytes)).ok().map(|picture| picture.image)
}

/// The kind of picture in a stream, which is then at its start again.
pub(super) fn kind(stream: &mut (impl BufRead + Seek)) -> Result<ImageFormat, Problem> {
    let mut start = Vec::new();
    stream.by_ref().take(16).read_to_end(&mut start).map_err(Problem::Read)?;
    stream.seek(SeekFrom::Start(0)).map_err(Problem::Read)?;
    match image::guess_format(&start) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => Ok(format),
        _ => Err(Problem::NotAPicture),
    }
}

pub(super) fn read(mut stream: impl BufRead + Seek) -> Result<Picture, Problem> {
    match kind(&mut stream)? {
        ImageFormat::Png => read_png(stream),
        format => {
            let Coded { decoder, exif } = Coded::open(stream, format)?;
            let image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
            Ok(Picture::from(upright(image.into_rgba8(), exif.as_deref())))
        }
    }
}

fn read_png(stream: impl BufRead) -> Result<Picture, Problem> {
    let png = PngReader::new(stream, PICTURE)?.at_most(MAX_AREA)?.deep();
    let (width, height) = png.size();
    let mut image = RgbaImage::new(width, height);
    let across = width as usize * 4;
    let mut small = Small { colour: true, alpha: true, seen: false };
    let exif = png.rows_and_exif(|_, y, row| {
        let (before, rest) = image.as_mut().split_at_mut(y as usize * across);
        let out = rest.get_mut(..across).unwrap_or_default();
        match row.deep_pixels() {
            Some(pixels) => small.write(&pixels.collect::<Vec<_>>(), before, out),
            None => out.chunks_exact_mut(4).zip(row.pixels()).for_each(|(out, pixel)| out.copy_from_slice(&pixel)),
        }
    })?;
    Ok(Picture { image: upright(image, exif.as_deref()), low: small.seen && (small.colour || small.alpha) })
}

/// A test of whether the colours, and the alphas, of a picture of 16 bits a value are all below 256 so far.
struct Small {
    colour: bool,
    alpha: bool,
    /// True where any that counts as small is not 0.
    seen: bool,
}

impl Small {
    /// Writes a row: the lower bytes of what is small, else the upper ones.
    fn write(&mut self, pixels: &[[u16; 4]], before: &mut [u8], out: &mut [u8]) {
        let were = (self.colour, self.alpha);
        self.colour &= pixels.iter().all(|[r, g, b, _]| (r | g | b) < 256);
        self.alpha &= pixels.iter().all(|[.., a]| *a < 256);
        let large_now = (were.0 && !self.colour, were.1 && !self.alpha);
        if large_now.0 || large_now.1 {
            // The upper bytes of the rows before are 0.
            for pixel in before.chunks_exact_mut(4) {
                let (colours, alphas) = pixel.split_at_mut(3);
                colours.iter_mut().filter(|_| large_now.0).for_each(|v| *v = 0);
                alphas.iter_mut().filter(|_| large_now.1).for_each(|v| *v = 0);
            }
            self.seen &= before.chunks_exact(4).any(|pixel| {
                let [colours @ .., alpha] = pixel else { return false };
                (self.colour && colours.iter().any(|v| *v != 0)) || (self.alpha && *alpha != 0)
            });
        }
        for (out, [colours @ .., alpha]) in out.chunks_exact_mut(4).zip(pixels) {
            let byte = |value: u16, small: bool| {
                let [high, low] = value.to_be_bytes();
                self.seen |= small && low != 0;
                if small { low } else { high }
            };
            let mut byte = byte;
            let [r, g, b] = colours.map(|value| byte(value, self.colour));
            out.copy_from_slice(&[r, g, b, byte(*alpha, self.alpha)]);
        }
    }
}

/// A JPEG or WebP whose pixels are not decoded yet.
pub(super) struct Coded<'a> {
    pub(super) decoder: Box<dyn ImageDecoder + 'a>,
    pub(super) exif: Option<Vec<u8>>,
}

impl<'a> Coded<'a> {
    /// Reads what stands before the pixels, and refuses a JPEG that is cut.
    pub(super) fn open(stream: impl BufRead + Seek + 'a, format: ImageFormat) -> Result<Self, Problem> {
        let mut decoder: Box<dyn ImageDecoder> = if format == ImageFormat::Jpeg {
            let mut bytes = Vec::new();
            stream.take(MAX_JPEG + 1).read_to_end(&mut bytes).map_err(Problem::Read)?;
            if bytes.len() as u64 > MAX_JPEG {
                return Err(Problem::DamagedPicture(format!("it is more than {} MB", MAX_JPEG >> 20)));
            }
            if !jpeg::is_whole(&bytes) {
                return Err(Problem::DamagedPicture("it is cut: its end is missing".to_owned()));
            }
            Box::new(limited(Cursor::new(bytes), format)?)
        } else {
            Box::new(limited(stream, format)?)
        };
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MAX_AREA {
            return Err(Problem::PictureTooLarge { entry: PICTURE.to_owned(), width, height });
        }
        let exif = decoder.exif_metadata().map_err(damaged)?;
        Ok(Self { decoder, exif })
    }
}

fn limited<'a>(stream: impl BufRead + Seek + 'a, format: ImageFormat) -> Result<impl ImageDecoder + 'a, Problem> {
    let mut reader = ImageReader::with_format(stream, format);
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(DECODER_MEMORY);
    reader.limits(limits);
    reader.into_decoder().map_err(damaged)
}

fn damaged(error: image::ImageError) -> Problem {
    Problem::DamagedPicture(reason(&error))
}

/// The picture as its Exif block says that it was held.
fn upright(image: RgbaImage, exif: Option<&[u8]>) -> RgbaImage {
    let orientation = exif.map(tiff).and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::ImageRgba8(image);
    image.apply_orientation(orientation);
    image.into_rgba8()
}

/// An Exif block without the name that some programs write before it.
pub(super) fn tiff(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)
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
            let png = PngReader::new(Cursor::new(&bytes), PICTURE).and_then(|png| png.at_most(1 << 20));
            png.map_err(named)?;
            read_png(Cursor::new(bytes)).map_err(named)?
        } else {
            read(stream).map_err(named)?
        }
        .image;
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
    /// If the file cannot be read.
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
        if [b"iTXt", b"tEXt", b"zTXt"].contains(&&kind) {
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
