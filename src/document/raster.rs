//! PNG streams read row by row within given bounds, and written row by row.

use super::Problem;
use super::error::reason;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};

/// The largest interlaced picture that is read: interlacing needs the whole picture in memory at once.
const MAX_INTERLACED_AREA: u64 = 1 << 24;

/// Memory the PNG decoder may take for itself (text chunks included), beside its rows.
pub(crate) const DECODER_MEMORY: usize = 1 << 27;

/// Lends a stream that cannot seek to the decoder, which asks for `Seek` but reads forward only.
struct Forward<R>(R);

impl<R: Read> Read for Forward<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: BufRead> BufRead for Forward<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl<R> Seek for Forward<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// One row of pixels with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    channels: usize,
    /// Bytes a sample: 1, or 2 after [`PngReader::deep`].
    depth: usize,
    bytes: &'a [u8],
}

impl<'a> Row<'a> {
    /// The pixels where they are RGBA as they lie.
    pub(crate) fn rgba(self) -> Option<&'a [[u8; 4]]> {
        (self.channels == 4).then_some(self.bytes.as_chunks().0)
    }

    /// The pixels as RGBA.
    pub(crate) fn pixels(self) -> impl Iterator<Item = [u8; 4]> + 'a {
        let channels = self.channels;
        self.bytes.chunks_exact(channels).map(move |p| rgba(channels, p, 255))
    }

    /// The pixels as RGBA of 16 bits a sample; `None` where the file has 8 bits or fewer.
    pub(crate) fn deep_pixels(self) -> Option<impl Iterator<Item = [u16; 4]> + 'a> {
        let channels = self.channels;
        let sample = |pair: &[u8]| pair.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
        (self.depth == 2).then(|| {
            self.bytes.chunks_exact(2 * channels).map(move |pixel| {
                let mut samples = [0; 4];
                for (out, pair) in samples.iter_mut().zip(pixel.chunks_exact(2)) {
                    *out = sample(pair);
                }
                rgba(channels, samples.get(..channels).unwrap_or_default(), u16::MAX)
            })
        })
    }
}

/// A pixel of 1 to 4 samples as RGBA.
fn rgba<T: Copy + Default>(channels: usize, pixel: &[T], opaque: T) -> [T; 4] {
    match (channels, pixel) {
        (1, &[v]) => [v, v, v, opaque],
        (2, &[v, a]) => [v, v, v, a],
        (3, &[r, g, b]) => [r, g, b, opaque],
        (4, &[r, g, b, a]) => [r, g, b, a],
        _ => [T::default(); 4],
    }
}

/// The size of a PNG, and whether it may be transparent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// True where pixels may be transparent: an alpha channel, or a transparent colour.
    pub(crate) alpha: bool,
}

/// A PNG stream whose header has been read, and nothing allocated for its pixels yet.
pub(crate) struct PngReader<R: BufRead> {
    decoder: png::Decoder<Forward<R>>,
    entry: String,
    width: u32,
    height: u32,
}

impl<R: BufRead> PngReader<R> {
    /// Reads the header. `entry` is what errors call the picture.
    pub(crate) fn new(stream: R, entry: &str) -> Result<Self, Problem> {
        let mut decoder = png::Decoder::new_with_limits(Forward(stream), png::Limits { bytes: DECODER_MEMORY });
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let (width, height) = {
            let info = decoder.read_header_info().map_err(|e| picture(entry, &e))?;
            (info.width, info.height)
        };
        Ok(Self { decoder, entry: entry.to_owned(), width, height })
    }

    /// Width and height from the header.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Refuses a picture of more than this many pixels.
    pub(crate) fn at_most(self, area: u64) -> Result<Self, Problem> {
        if u64::from(self.width) * u64::from(self.height) > area {
            return Err(Problem::PictureTooLarge { entry: self.entry, width: self.width, height: self.height });
        }
        Ok(self)
    }

    /// Leaves samples of 16 bits as they are, for [`Row::deep_pixels`]; else their upper halves are given.
    pub(crate) fn deep(mut self) -> Self {
        self.decoder.set_transformations(png::Transformations::EXPAND);
        self
    }

    /// Decodes all rows from the top, calling `row(y, pixels)` for each, and then gives the picture's text chunks to
    /// `texts`. The size should have been checked before ([`Self::at_most`]).
    pub(crate) fn rows(
        self,
        keep_texts: bool,
        row: impl FnMut(Header, u32, Row<'_>),
    ) -> Result<Option<png::Info<'static>>, Problem> {
        let entry = self.entry.clone();
        let mut reader = self.decode(keep_texts, row)?;
        if keep_texts {
            reader.finish().map_err(|e| picture(&entry, &e))?;
            return Ok(Some(reader.info().clone()));
        }
        Ok(None)
    }

    /// As [`Self::rows`], and gives the Exif block that stands before or behind the pixels, if there is one. What is damaged
    /// behind the pixels costs nothing else.
    pub(crate) fn rows_and_exif(self, row: impl FnMut(Header, u32, Row<'_>)) -> Result<Option<Vec<u8>>, Problem> {
        let mut reader = self.decode(false, row)?;
        drop(reader.finish());
        Ok(reader.info().exif_metadata.as_ref().map(|exif| exif.to_vec()))
    }

    /// Reads the chunks beside the pixels, which are not decoded.
    pub(crate) fn info(mut self) -> Result<png::Info<'static>, Problem> {
        self.decoder.set_ignore_iccp_chunk(true);
        let mut reader = self.decoder.read_info().map_err(|e| picture(&self.entry, &e))?;
        reader.finish().map_err(|e| picture(&self.entry, &e))?;
        Ok(reader.info().clone())
    }

    fn decode(
        mut self,
        keep_texts: bool,
        mut row: impl FnMut(Header, u32, Row<'_>),
    ) -> Result<png::Reader<Forward<R>>, Problem> {
        self.decoder.set_ignore_text_chunk(!keep_texts);
        self.decoder.set_ignore_iccp_chunk(true);
        let entry = self.entry;
        let mut reader = self.decoder.read_info().map_err(|e| picture(&entry, &e))?;
        let (colour, bits) = reader.output_color_type();
        let channels = colour.samples();
        let depth = if bits == png::BitDepth::Sixteen { 2 } else { 1 };
        let alpha = matches!(colour, png::ColorType::GrayscaleAlpha | png::ColorType::Rgba);
        let header = Header { width: self.width, height: self.height, alpha };
        if reader.info().interlaced {
            if u64::from(self.width) * u64::from(self.height) > MAX_INTERLACED_AREA {
                return Err(Problem::PictureTooLarge { entry, width: self.width, height: self.height });
            }
            let mut buffer = vec![0; reader.output_buffer_size().unwrap_or(0)];
            let info = reader.next_frame(&mut buffer).map_err(|e| picture(&entry, &e))?;
            for (y, bytes) in (0..self.height).zip(buffer.chunks_exact(info.line_size.max(1))) {
                row(header, y, Row { channels, depth, bytes });
            }
        } else {
            for y in 0..self.height {
                let line = reader.next_row().map_err(|e| picture(&entry, &e))?;
                let Some(line) = line else {
                    return Err(Problem::Picture { entry, reason: format!("it ends at row {y} of {}", self.height) });
                };
                row(header, y, Row { channels, depth, bytes: line.data() });
            }
            // Past the last row the decoder compares the check sum of the pixels.
            reader.next_row().map_err(|e| picture(&entry, &e))?;
        }
        Ok(reader)
    }
}

fn picture(entry: &str, error: &png::DecodingError) -> Problem {
    Problem::Picture { entry: entry.to_owned(), reason: reason(error) }
}

/// Writes an 8-bit sRGB picture row by row. `fill(y, row)` fills one row of `width` pixels.
pub(crate) fn write_png<W: Write>(
    stream: W,
    (width, height): (u32, u32),
    colour: png::ColorType,
    compression: png::Compression,
    texts: impl FnOnce(&mut png::Writer<W>) -> Result<(), png::EncodingError>,
    mut fill: impl FnMut(u32, &mut [u8]),
) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(stream, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(compression);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    texts(&mut writer)?;
    let mut rows = writer.stream_writer_with_size(1 << 16)?;
    let mut row = vec![0; width as usize * colour.samples()];
    for y in 0..height {
        fill(y, &mut row);
        rows.write_all(&row).map_err(png::EncodingError::IoError)?;
    }
    rows.finish()?;
    writer.finish()
}
