//! Exported pictures: PNG files that carry what they were made from.
//!
//! Two text chunks, each of which can be left out ([`Carry`]):
//!
//! * `parameters`: the words and settings in the convention of the web UIs, so that their tools can read them. The prompt is
//!   the background's words and those of the visible regions from the lowest to the uppermost, one line each with `BREAK`
//!   between them (the word with which those tools separate the prompts of regions); line breaks inside words become
//!   spaces ([`Document::parameters`]). It is a tEXt chunk where Latin-1 can hold it, else an iTXt chunk, as those tools write
//!   it.
//! * `polyptych`: the whole document, masks included, as a compressed iTXt chunk. Its text is the base64 form of the
//!   project's OpenRaster file without the picture, merged image and thumbnail. [`Document::open`] of such a PNG brings
//!   the project back, with the picture as its take, also where another program wrote the text again as tEXt or zTXt.

use super::error::reason;
use super::file::{ora, replace_file};
use super::raster::{PngReader, write_png};
use super::{Document, FileError, MAX_AREA, Opened, Problem, Take, base64};
use image::RgbImage;
use png::text_metadata::{ITXtChunk, TEXtChunk};
use std::io::{BufRead, Cursor, Write};
use std::path::Path;
use std::sync::Arc;

/// The keyword of the web UIs.
const PARAMETERS: &str = "parameters";
/// The keyword of the whole document.
pub(super) const PROJECT: &str = "polyptych";
/// The largest project that travels inside a picture, in bytes of its OpenRaster file.
const MAX_PROJECT: usize = 1 << 25;
/// Most copies of a project that are tried where the first is damaged.
const MAX_PROJECTS: usize = 4;
/// The name of an opened PNG's pixels in errors.
const PICTURE: &str = "the picture";

/// The data that an exported picture carries besides its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry {
    /// The `parameters` text that the web UIs and their tools read.
    pub parameters: bool,
    /// The whole project, so that the picture can be opened as one.
    pub project: bool,
}

impl Carry {
    /// Everything.
    pub const ALL: Self = Self { parameters: true, project: true };
    /// The pixels alone.
    pub const NOTHING: Self = Self { parameters: false, project: false };
}

impl Document {
    /// Exports a picture made from this document as a PNG, with parameters and project inside or with the pixels alone.
    /// The file is replaced at once and whole ([`replace_file`]).
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy; the old file is then as it was.
    pub fn export_png(&self, path: impl AsRef<Path>, image: &RgbImage, with_project: bool) -> Result<(), FileError> {
        self.export_png_with(path, image, if with_project { Carry::ALL } else { Carry::NOTHING })
    }

    /// As [`Self::export_png`], with a choice of what the picture carries.
    ///
    /// # Errors
    /// As [`Self::export_png`].
    pub fn export_png_with(&self, path: impl AsRef<Path>, image: &RgbImage, carry: Carry) -> Result<(), FileError> {
        replace_file(path.as_ref(), |file| self.png(image, carry, file))
    }

    /// Writes what [`Self::export_png_with`] writes to a stream.
    ///
    /// # Errors
    /// An error of the stream, or a document that does not fit into a picture.
    pub fn write_png(&self, image: &RgbImage, carry: Carry, stream: impl Write) -> Result<(), FileError> {
        self.png(image, carry, stream).map_err(|problem| FileError::named(PICTURE, problem))
    }

    pub(super) fn png(&self, image: &RgbImage, carry: Carry, stream: impl Write) -> Result<(), Problem> {
        let seed = self.seed_of(image);
        let parameters = carry.parameters.then(|| self.parameters(image.width(), image.height(), seed));
        let project = if carry.project { Some(self.embedded(seed)?) } else { None };
        let mut rows = image.as_raw().chunks_exact((image.width() as usize * 3).max(1));
        write_png(
            stream,
            image.dimensions(),
            png::ColorType::Rgb,
            png::Compression::Balanced,
            |writer| {
                if let Some(text) = parameters {
                    if text.chars().all(|c| c != '\0' && u32::from(c) < 256) {
                        writer.write_text_chunk(&TEXtChunk::new(PARAMETERS, text))?;
                    } else {
                        writer.write_text_chunk(&ITXtChunk::new(PARAMETERS, text.replace('\0', " ")))?;
                    }
                }
                if let Some(text) = project {
                    let mut chunk = ITXtChunk::new(PROJECT, text);
                    chunk.compressed = true;
                    writer.write_text_chunk(&chunk)?;
                }
                Ok(())
            },
            |_, row| {
                if let Some(pixels) = rows.next() {
                    row.copy_from_slice(pixels);
                }
            },
        )
        .map_err(super::file::picture)
    }

    /// The seed a picture was drawn with: the take's, where it is the take.
    pub(super) fn seed_of(&self, image: &RgbImage) -> u64 {
        match &self.take {
            Some(take) if *take.image == *image => take.seed,
            _ => self.settings.seed,
        }
    }

    /// The project as text.
    fn embedded(&self, seed: u64) -> Result<String, Problem> {
        let mut bytes = Cursor::new(Vec::new());
        ora::write(self, &mut bytes, ora::Contents::WithoutPicture { seed })?;
        let bytes = bytes.into_inner();
        if bytes.len() > MAX_PROJECT {
            return Err(Problem::TooLargeToEmbed(bytes.len(), MAX_PROJECT));
        }
        Ok(base64::encode(&bytes))
    }
}

/// The project in the texts of a PNG: as it is written here, or as another program wrote it again. `None` where there is none.
fn embedded(info: png::Info<'static>) -> Option<Result<ora::Read, Problem>> {
    let damaged = |what: &dyn std::fmt::Display| Problem::Embedded(reason(&what.to_string()));
    let limit = MAX_PROJECT * 2;
    let wide = info.utf8_text.into_iter().filter(|chunk| chunk.keyword == PROJECT).map(|mut chunk| {
        chunk.decompress_text_with_limit(limit).and_then(|()| chunk.get_text()).map_err(|e| damaged(&e))
    });
    let packed = info.compressed_latin1_text.into_iter().filter(|chunk| chunk.keyword == PROJECT).map(|mut chunk| {
        chunk.decompress_text_with_limit(limit).and_then(|()| chunk.get_text()).map_err(|e| damaged(&e))
    });
    let plain = info.uncompressed_latin1_text.into_iter().filter(|chunk| chunk.keyword == PROJECT);
    let texts = wide.chain(packed).chain(plain.map(|chunk| Ok(chunk.text)));
    let mut projects = texts.take(MAX_PROJECTS).map(|text| {
        let bytes = base64::decode(&text?).ok_or_else(|| damaged(&"it is not base64"))?;
        ora::read(Cursor::new(bytes)).map_err(|problem| damaged(&problem))
    });
    let first = projects.next()?;
    Some(first.or_else(|problem| projects.find_map(Result::ok).ok_or(problem)))
}

/// Reads an exported picture as a project.
pub(super) fn read(stream: impl BufRead) -> Result<Opened, Problem> {
    let png = PngReader::new(stream, PICTURE)?.at_most(MAX_AREA)?;
    let (width, height) = png.size();
    let mut image = RgbImage::new(width, height);
    let mut out = image.chunks_exact_mut((width as usize * 3).max(1));
    let info = png.rows(true, |_, _, row| {
        for (out, [r, g, b, a]) in out.next().unwrap_or_default().chunks_exact_mut(3).zip(row.pixels()) {
            // Over white, where another program made it transparent.
            let over = |v: u8| u8::try_from((u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255);
            out.copy_from_slice(&[r, g, b].map(|v| over(v).unwrap_or(v)));
        }
    })?;
    let read = info.and_then(embedded).ok_or(Problem::NoProject)??;
    let ora::Read { opened: Opened { mut document, mut notes, losses }, seed } = read;
    if (document.width, document.height) == (width, height) {
        document.take = Some(Arc::new(Take { image: Arc::new(image), seed: seed.unwrap_or(document.settings.seed) }));
    } else {
        let Document { width: w, height: h, .. } = document;
        notes.push(format!("the picture is {width}×{height} pixels but its canvas {w}×{h}, so it is not the take"));
    }
    Ok(Opened { document, notes, losses })
}
