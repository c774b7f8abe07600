//! Errors of reading and writing files: one line that names the file, the fact and the remedy.

use std::path::Path;

/// A file could not be read or written. `Display` is one line: the file, the fact, the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct FileError {
    file: String,
    #[source]
    problem: Box<Problem>,
}

impl FileError {
    pub(crate) fn new(path: &Path, problem: Problem) -> Self {
        Self { file: one_line(&path.display().to_string(), 400), problem: Box::new(problem) }
    }

    pub(crate) fn named(name: &str, problem: Problem) -> Self {
        Self { file: one_line(name, 400), problem: Box::new(problem) }
    }

    /// The file it is about, as a person knows it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The fact behind it.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The fact alone.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        *self.problem
    }
}

/// The facts a [`FileError`] reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The system would not open or read it.
    #[error("cannot be read ({0}); check that it exists and that you may read it")]
    Read(#[source] std::io::Error),
    /// The system would not write it; what was there before is still whole.
    #[error("cannot be written ({0}); the old file is untouched, check the folder, its rights and the free space")]
    Write(#[source] std::io::Error),
    /// A pipe or another stream would not take it.
    #[error("cannot be written to ({0}); check what reads it, or write to a file")]
    Stream(#[source] std::io::Error),
    /// An output that the same command reads.
    #[error("is what this is made from and would be lost; choose another name")]
    OutputIsInput,
    /// Two outputs of one command in one place.
    #[error("would be written twice; give each output a name of its own")]
    OutputTwice,
    /// A folder where a file is to be written.
    #[error("is a folder; give the name of a file in it")]
    OutputIsFolder,
    /// The folder of an output is not there.
    #[error("there is no folder {0}; make it first, or choose another")]
    NoFolder(String),
    /// A file that its owner has protected against writing.
    #[error("is write-protected; choose another name, or allow writing to it")]
    Protected,
    /// A disk, a socket or the like.
    #[error("is neither a file nor a pipe and is not written to; choose another name")]
    NoOutput,
    /// A name whose ending no picture is written for.
    #[error("pictures are written as {0}; give the name one of these endings")]
    Ending(String),
    /// Neither a zip nor a PNG.
    #[error("is neither an OpenRaster project nor a PNG picture; choose a .ora or .png file")]
    UnknownKind,
    /// A zip that says it is something else.
    #[error("is a zip of type {0}, not OpenRaster; export it as OpenRaster (.ora) first")]
    OtherMimetype(String),
    /// The zip container is damaged.
    #[error("is a damaged or truncated zip ({0}); restore a copy or export it again")]
    Zip(String),
    /// Two entries of one name: programs would disagree about which counts.
    #[error("holds two entries of the same name; save it again with the program it came from")]
    DuplicateEntries,
    /// More entries than any project needs.
    #[error("holds {0} entries, more than the limit of {1}; it is not a project of this program")]
    TooManyEntries(usize, usize),
    /// An entry that every OpenRaster file must have.
    #[error("has no {0}, so it is not a whole OpenRaster file; export it again")]
    MissingEntry(String),
    /// An entry that unpacks to more than its place can need.
    #[error("{entry} unpacks to more than {limit} bytes; the file is damaged or hostile, do not trust it")]
    EntryTooLarge {
        /// The entry.
        entry: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// stack.xml is not what the specification says.
    #[error("stack.xml is not valid ({0}); export the file again with the program it came from")]
    Stack(String),
    /// polyptych.json is not what this program writes.
    #[error("polyptych.json is not valid ({0}); remove that entry to open the layers alone")]
    Json(String),
    /// Written by a later version of this program.
    #[error("is of project format {found}, this program reads up to {known}; update Polyptych to open it")]
    Newer {
        /// The format in the file.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// A canvas outside the limits.
    #[error(
        "has a canvas of {width}×{height} pixels; sides must be {}–{} and the area at most {} pixels, so resize it",
        super::MIN_SIDE,
        super::MAX_SIDE,
        super::MAX_AREA
    )]
    Canvas {
        /// Its width.
        width: u64,
        /// Its height.
        height: u64,
    },
    /// More layers, or more pixels in all layers, than can be held.
    #[error("has {layers} layers of {width}×{height} pixels, more than can be held; merge layers or shrink the canvas")]
    TooManyLayers {
        /// The number of layers.
        layers: usize,
        /// Canvas width.
        width: u32,
        /// Canvas height.
        height: u32,
    },
    /// A picture whose header asks for more pixels than its place can need.
    #[error("{entry} claims {width}×{height} pixels, more than is allowed here; shrink it")]
    PictureTooLarge {
        /// The entry, or `the picture`.
        entry: String,
        /// Claimed width.
        width: u32,
        /// Claimed height.
        height: u32,
    },
    /// A picture that does not decode.
    #[error("{entry} is not a readable PNG ({reason}); restore a copy or export it again")]
    Picture {
        /// The entry, or `the picture`.
        entry: String,
        /// The decoder's own message.
        reason: String,
    },
    /// A file of regions that cannot be used.
    #[error("is not a file of regions ({0}); choose one that was exported here")]
    Regions(String),
    /// A file that is no picture.
    #[error("is not a picture that can be read here; save it as PNG, JPEG or WebP")]
    NotAPicture,
    /// A picture that does not decode.
    #[error("the picture is damaged ({0}); restore a copy or save it again")]
    DamagedPicture(String),
    /// A picture that is no colour map: a photograph, a gradient, or noise.
    #[error("is shaded, not flat, so it is no colour map; use a picture in which every region has one even colour")]
    ShadedMap,
    /// A colour map of more colours than a document has regions.
    #[error(
        "has more than {} colours, the most regions there can be; give parts of it the same colour",
        super::MAX_REGIONS
    )]
    MapColours,
    /// A colour map without any colour.
    #[error("is transparent everywhere, so there is no region in it; choose another picture")]
    ClearMap,
    /// A mask of another size than the canvas.
    #[error(
        "is {width}×{height} pixels but the canvas is {canvas_width}×{canvas_height}; scale it to the canvas's size"
    )]
    MaskSize {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// Canvas width.
        canvas_width: u32,
        /// Canvas height.
        canvas_height: u32,
    },
    /// A PNG without a project inside.
    #[error("is a picture without a project inside; open the .ora, or a PNG exported with its project")]
    NoProject,
    /// The project inside a PNG is damaged.
    #[error("the project inside the picture is damaged ({0}); open the .ora instead")]
    Embedded(String),
    /// More than a picture can carry.
    #[error("the project takes {0} bytes, more than the {1} a picture carries; export it without the project")]
    TooLargeToEmbed(usize, usize),
    /// More words than a file may hold.
    #[error("the words of this document are {0} bytes, more than the {1} a file may hold; shorten them")]
    TooMuchText(usize, usize),
    /// A mask whose size is not the canvas's (a bug of the caller, refused rather than saved).
    #[error("region {number} has a mask of {width}×{height} pixels that does not fit the canvas; clear or resize it")]
    MaskMismatch {
        /// Region number, from 1.
        number: usize,
        /// Mask width.
        width: u32,
        /// Mask height.
        height: u32,
    },
    /// A paint layer whose size is not the canvas's (a bug of the caller, refused rather than saved).
    #[error("the paint is {width}×{height} pixels and does not fit the canvas; remove it")]
    PaintMismatch {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// A picture to start from, or its mask, whose size is not the canvas's (a bug of the caller, refused rather than saved).
    #[error(
        "the picture to start from, or its mask, is {width}×{height} pixels and does not fit the canvas; choose it again"
    )]
    StartMismatch {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
}

/// Text from a file or a library, fit for one line of an error: no control characters, no more than `limit` characters.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let mut line: String = text.chars().take(limit).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(limit).is_some() {
        line.push('…');
    }
    line
}

/// As [`one_line`], of any error.
pub(crate) fn reason(error: &impl std::fmt::Display) -> String {
    one_line(&error.to_string(), 200)
}
