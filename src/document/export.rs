//! Pictures and masks for other programs.

use super::raster::write_png;
use super::{Carry, Document, FileError, Mask, Output, Problem};
use image::RgbImage;
use image::codecs::{jpeg::JpegEncoder, webp::WebPEncoder};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;

/// The kinds of picture file that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureFormat {
    /// Lossless, with the whole project inside unless that is left out.
    #[default]
    Png,
    /// Lossy and small, without transparency.
    Jpeg,
    /// Lossless WebP.
    WebP,
}

impl PictureFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::WebP];

    /// The usual name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
        }
    }

    /// The kind that a file of this name has, by its ending; `None` for all other endings and for none.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?;
        Self::ALL.into_iter().find(|kind| kind.endings().iter().any(|known| ending.eq_ignore_ascii_case(known)))
    }

    /// The endings of all kinds, for errors.
    #[must_use]
    pub fn all_endings() -> String {
        let endings: Vec<String> = Self::ALL.iter().flat_map(|kind| kind.endings()).map(|e| format!(".{e}")).collect();
        endings.join(", ")
    }

    /// The endings of its files, the usual one first.
    #[must_use]
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::WebP => &["webp"],
        }
    }
}

/// The settings of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Export {
    /// The file's format.
    pub format: PictureFormat,
    /// JPEG's, 1 to 100.
    pub quality: u8,
    /// True where the file tells how it was made: a PNG carries `parameters` and the whole project, JPEG and WebP carry the
    /// parameters as Exif's user comment. Otherwise the file holds nothing but its pixels.
    pub metadata: bool,
}

impl Default for Export {
    fn default() -> Self {
        Self { format: PictureFormat::Png, quality: 92, metadata: true }
    }
}

/// Most bytes of an Exif block: JPEG has room for 64 KiB.
const MAX_EXIF: usize = 65_000;

impl Document {
    /// Exports a picture made from this document. The file is replaced at once and whole ([`super::replace_file`]).
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy; the old file is then as it was.
    pub fn export_picture(&self, path: impl AsRef<Path>, image: &RgbImage, export: Export) -> Result<(), FileError> {
        self.export_picture_to(&Output::at(path.as_ref())?, image, export)
    }

    /// Exports as [`Self::export_picture`] does, to an output that was found to be writable before.
    ///
    /// # Errors
    /// As [`Self::export_picture`].
    pub fn export_picture_to(&self, output: &Output, image: &RgbImage, export: Export) -> Result<(), FileError> {
        output.write(|file| self.picture(image, export, file))
    }

    fn picture(&self, image: &RgbImage, export: Export, stream: impl Write) -> Result<(), Problem> {
        if export.format == PictureFormat::Png {
            return self.png(image, if export.metadata { Carry::ALL } else { Carry::NOTHING }, stream);
        }
        let (width, height) = image.dimensions();
        let exif = export.metadata.then(|| user_comment(&self.parameters(width, height, self.seed_of(image))));
        if let Some(exif) = exif.as_ref().filter(|exif| exif.len() > MAX_EXIF) {
            return Err(Problem::TooMuchText(exif.len(), MAX_EXIF));
        }
        match export.format {
            PictureFormat::Jpeg => {
                encode(JpegEncoder::new_with_quality(stream, export.quality.clamp(1, 100)), image, exif)
            }
            _ => encode(WebPEncoder::new_lossless(stream), image, exif),
        }
    }
}

fn encode(mut encoder: impl image::ImageEncoder, image: &RgbImage, exif: Option<Vec<u8>>) -> Result<(), Problem> {
    let failed = |error: image::ImageError| {
        Problem::Write(match error {
            image::ImageError::IoError(error) => error,
            other => io::Error::other(other),
        })
    };
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).map_err(|error| Problem::Write(io::Error::other(error)))?;
    }
    encoder.write_image(image.as_raw(), image.width(), image.height(), image::ExtendedColorType::Rgb8).map_err(failed)
}

/// An Exif block that holds a user comment and nothing else, as the web UIs write it: big-endian, in UTF-16.
fn user_comment(text: &str) -> Vec<u8> {
    let mut comment = b"UNICODE\0".to_vec();
    comment.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    let mut exif = b"MM\0\x2a".to_vec();
    let long = |exif: &mut Vec<u8>, value: usize| exif.extend(u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes());
    let directory = |exif: &mut Vec<u8>, tag: u16, kind: u16, count: usize, value: usize| {
        exif.extend(1_u16.to_be_bytes());
        exif.extend(tag.to_be_bytes());
        exif.extend(kind.to_be_bytes());
        long(exif, count);
        long(exif, value);
        long(exif, 0);
    };
    // The first directory at 8 points to Exif's own at 26, whose one entry lies behind it at 44.
    long(&mut exif, 8);
    directory(&mut exif, 0x8769, 4, 1, 26);
    directory(&mut exif, 0x9286, 7, comment.len(), 44);
    exif.extend(comment);
    exif
}

impl Mask {
    /// Writes the mask as a grey PNG, white inside; [`Document::import_mask`] reads it back.
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy; the old file is then as it was.
    pub fn export(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        self.export_to(&Output::at(path.as_ref())?)
    }

    /// Writes as [`Self::export`] does, to an output that was found to be writable before.
    ///
    /// # Errors
    /// As [`Self::export`].
    pub fn export_to(&self, output: &Output) -> Result<(), FileError> {
        output.write(|file| {
            let size = (self.width(), self.height());
            let fill = |y: u32, row: &mut [u8]| self.read_row(0, y, row);
            let (grey, balanced) = (png::ColorType::Grayscale, png::Compression::Balanced);
            write_png(&mut *file, size, grey, balanced, |_| Ok(()), fill).map_err(super::file::picture)?;
            file.flush().map_err(Problem::Write)
        })
    }
}
