//! Project files: OpenRaster with one more entry.
//!
//! A project is an OpenRaster file (.ora), so that Krita, GIMP and file managers show it:
//!
//! | entry | what it holds |
//! |---|---|
//! | `mimetype` | `image/openraster`, first and stored |
//! | `stack.xml` | the layers, the uppermost first: the take, the regions, the paper |
//! | `polyptych.json` | words, settings, seeds and all else that OpenRaster has no place for |
//! | `data/region-ID.png` | a region: its colour, with its mask as alpha, cut to the mask's box |
//! | `data/background.png` | the paper: white; its layer's name carries the background's words |
//! | `data/negative.png` | one clear pixel whose layer's name carries the background's negative prompt, if it has one |
//! | `data/take.png` | the take kept in the document, if there is one |
//! | `takes/NUMBER.png` | the other finished pictures, the later the larger: each a PNG with its project inside |
//! | `mergedimage.png` | the take, or the visible regions over white: what the layers above make together |
//! | `Thumbnails/thumbnail.png` | the same within 256 pixels |
//!
//! Reading trusts each part for what only it holds: the order, place, visibility and pixels come from the layers, all
//! else from `polyptych.json`. A layer it does not mention becomes a region, a region whose layer is gone comes back with
//! an empty mask; both are told in [`Opened::notes`]. A file without `polyptych.json` is foreign, or one of ours that
//! another program saved again: each layer becomes a region named, and prompted, by its name, its mask the layer's alpha
//! times its opacity at its offset, nested stacks flattened, hidden layers hidden; layer names with a meaning of their own
//! (in the source of `names`) bring back the take, the background's words and regions without words. What such a trip
//! loses is told: settings, the names of cards with words, regions' own negative prompts. The merged image of a foreign
//! file becomes the picture to start from, so that the painting is seen.
//!
//! Layers that paint nothing are no regions: erasers (`svg:dst-out`) and keepers (`svg:dst-in`) change the masks below them
//! in their own stack, a layer clipped by `svg:src-atop` or `alpha-preserve` has the mask of what shows, and the page of
//! MyPaint and Drawpile is left out. Operators that blend colours keep coverage.
//!
//! Every part that can be opened is opened: a damaged layer, picture or kept take costs itself alone and is told in
//! [`Opened::notes`], a damaged `polyptych.json` leaves the layers; only the zip, `stack.xml` and the canvas must be whole.
//! [`Opened::losses`] tells what saving over the file would lose.
//!
//! Everything read is hostile until parsed: sizes are checked before memory is taken, layers are decoded row by row into
//! masks, and every entry has a limit. Of one file 2³¹ pixels are decoded, 2³¹ pixels of the canvas are covered by all layers
//! together, and 2³¹ bytes of masks are held, of which equal tiles count once: a hundred layers of 4000 × 4000 pass, and
//! layers beyond that are left out. An entry that several layers name is decoded once. Nothing is ever unpacked to the disk.

mod atomic;
mod names;
pub(super) mod ora;
mod output;
mod palette;
mod project;
mod report;
mod stack;

pub use output::{Output, Outputs, replace_file, write_atomically};
pub use palette::Palette;

use super::{Document, FileError, Problem};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read as _, Seek, SeekFrom, Write};
use std::path::Path;

/// A document as a file gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The document.
    pub document: Document,
    /// Sentences on what could not be taken over as it was.
    pub notes: Vec<String>,
    /// Sentences on what saving over the file would lose: empty for a whole project of this program, and never empty for a file
    /// that another program made or saved.
    pub losses: Vec<String>,
}

/// The first bytes of a zip file.
pub(super) const ZIP_START: &[u8] = b"PK";
/// The first bytes of a PNG file.
pub(super) const PNG_START: &[u8] = b"\x89PNG\r\n\x1a\n";

impl Document {
    /// Opens a project (.ora), or a PNG that was exported with its project inside.
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::open_with_notes(path).map(|opened| opened.document)
    }

    /// Opens as [`Self::open`] does and tells what could not be taken over.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_notes(path: impl AsRef<Path>) -> Result<Opened, FileError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| FileError::new(path, Problem::Read(e)))?;
        read(BufReader::with_capacity(1 << 16, file)).map_err(|problem| FileError::new(path, problem))
    }

    /// Reads what [`Self::open`] opens from memory.
    ///
    /// # Errors
    /// As [`Self::open`], with `the file` for its name.
    pub fn read_from(bytes: &[u8]) -> Result<Opened, FileError> {
        read(Cursor::new(bytes)).map_err(|problem| FileError::named("the file", problem))
    }

    /// Saves the project, replacing what was there at once and whole ([`replace_file`]).
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy; the old file is then as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        self.save_to(&Output::at(path.as_ref())?)
    }

    /// Saves as [`Self::save`] does, to an output that was found to be writable before.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn save_to(&self, output: &Output) -> Result<(), FileError> {
        output.write(|file| ora::write(self, file, ora::Contents::Whole))
    }

    /// Writes the project to a stream.
    ///
    /// # Errors
    /// An error of the stream, or a document that cannot be saved.
    pub fn write_to(&self, stream: impl Write + Seek) -> Result<(), FileError> {
        ora::write(self, stream, ora::Contents::Whole).map_err(|problem| FileError::named("the file", problem))
    }
}

fn read(mut stream: impl io::BufRead + Seek) -> Result<Opened, Problem> {
    let mut start = Vec::new();
    stream.by_ref().take(8).read_to_end(&mut start).map_err(Problem::Read)?;
    stream.seek(SeekFrom::Start(0)).map_err(Problem::Read)?;
    if start.starts_with(ZIP_START) {
        Ok(ora::read(stream)?.opened)
    } else if start == PNG_START {
        super::png::read(stream)
    } else {
        Err(Problem::UnknownKind)
    }
}

/// An encoder's error as a failure to write.
pub(super) fn picture(error: png::EncodingError) -> Problem {
    Problem::Write(match error {
        png::EncodingError::IoError(error) => error,
        other => io::Error::other(other),
    })
}
