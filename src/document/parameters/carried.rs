//! Texts inside a picture file: text chunks of PNG, and Exif in PNG, JPEG and WebP.

use super::exif;
use crate::document::pictures::{Coded, PICTURE, kind, tiff};
use crate::document::raster::PngReader;
use crate::document::{MAX_AREA, Problem};
use image::{ImageDecoder as _, ImageFormat};
use png::text_metadata::{ITXtChunk, TEXtChunk, ZTXtChunk};
use std::io::{BufRead, Seek};

/// Texts that unpack to more than this many bytes are left out.
const MAX_TEXT: usize = 1 << 24;

/// The texts of a picture, and its size.
pub(super) struct Carried {
    /// Keyword and text; Exif's have the names of their fields.
    texts: Vec<(String, String)>,
    pub(super) size: (u32, u32),
}

impl Carried {
    /// Reads the texts, and no pixels.
    pub(super) fn read(mut stream: impl BufRead + Seek) -> Result<Self, Problem> {
        match kind(&mut stream)? {
            ImageFormat::Png => {
                let png = PngReader::new(stream, PICTURE)?.at_most(MAX_AREA)?;
                let size = png.size();
                Ok(Self::of_png(png.info()?, size))
            }
            format => {
                let Coded { decoder, exif } = Coded::open(stream, format)?;
                Ok(Self { texts: exif::texts(tiff(&exif.unwrap_or_default())), size: decoder.dimensions() })
            }
        }
    }

    fn of_png(info: png::Info<'static>, size: (u32, u32)) -> Self {
        let exif = info.exif_metadata.as_deref().map(tiff).map(exif::texts);
        let wide = info.utf8_text.into_iter().filter_map(|mut chunk: ITXtChunk| {
            chunk.decompress_text_with_limit(MAX_TEXT).ok()?;
            Some((chunk.keyword.clone(), chunk.get_text().ok()?))
        });
        let plain = info.uncompressed_latin1_text.into_iter().map(|TEXtChunk { keyword, text }| (keyword, text));
        let packed = info.compressed_latin1_text.into_iter().filter_map(|mut chunk: ZTXtChunk| {
            chunk.decompress_text_with_limit(MAX_TEXT).ok()?;
            Some((chunk.keyword.clone(), chunk.get_text().ok()?))
        });
        let latin = plain.chain(packed).map(|(keyword, text)| (keyword, as_utf8(text)));
        Self { texts: wide.chain(latin).chain(exif.into_iter().flatten()).collect(), size }
    }

    /// The first text of this keyword that holds anything.
    pub(super) fn get(&self, keyword: &str) -> Option<&str> {
        let mut texts = self.texts.iter().filter(|(name, text)| name == keyword && !text.trim().is_empty());
        texts.next().map(|(_, text)| text.as_str())
    }
}

/// Latin-1 by the specification; but some tools write UTF-8 there, which is hardly ever valid by chance.
fn as_utf8(text: String) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text)
}
