//! Problems of files, in the window's language.

use super::system;
use crate::app::text::i18n::fill;
use crate::document::{FileError, MAX_AREA, MAX_REGIONS, MAX_SIDE, MIN_SIDE, MaskNote, Problem};

/// One line: the file, the fact, the remedy.
#[must_use]
pub(crate) fn file_error(error: &FileError) -> String {
    format!("{}: {}", error.file(), problem(error.problem()))
}

/// The fact and the remedy.
#[must_use]
pub(super) fn problem(problem: &Problem) -> String {
    match problem {
        Problem::Read(error) => {
            fill("cannot be read ({0}); check that it exists and that you may read it", &[&system(error)])
        }
        Problem::Write(error) => fill(
            "cannot be written ({0}); the old file is untouched, check the folder, its rights and the free space",
            &[&system(error)],
        ),
        Problem::Stream(error) => {
            fill("cannot be written to ({0}); check what reads it, or write to a file", &[&system(error)])
        }
        Problem::OutputIsInput => fill("is what this is made from and would be lost; choose another name", &[]),
        Problem::OutputTwice => fill("would be written twice; give each output a name of its own", &[]),
        Problem::OutputIsFolder => fill("is a folder; give the name of a file in it", &[]),
        Problem::NoFolder(folder) => fill("there is no folder {0}; make it first, or choose another", &[folder]),
        Problem::Protected => fill("is write-protected; choose another name, or allow writing to it", &[]),
        Problem::NoOutput => fill("is neither a file nor a pipe and is not written to; choose another name", &[]),
        Problem::Ending(endings) => fill("pictures are written as {0}; give the name one of these endings", &[endings]),
        Problem::UnknownKind => {
            fill("is neither an OpenRaster project nor a PNG picture; choose a .ora or .png file", &[])
        }
        Problem::OtherMimetype(kind) => {
            fill("is a zip of type {0}, not OpenRaster; export it as OpenRaster (.ora) first", &[kind])
        }
        Problem::Zip(why) => fill("is a damaged or truncated zip ({0}); restore a copy or export it again", &[why]),
        Problem::DuplicateEntries => {
            fill("holds two entries of the same name; save it again with the program it came from", &[])
        }
        Problem::TooManyEntries(count, most) => {
            fill("holds {0} entries, more than the limit of {1}; it is not a project of this program", &[count, most])
        }
        Problem::MissingEntry(entry) => {
            fill("has no {0}, so it is not a whole OpenRaster file; export it again", &[entry])
        }
        Problem::EntryTooLarge { entry, limit } => {
            fill("{0} unpacks to more than {1} bytes; the file is damaged or hostile, do not trust it", &[entry, limit])
        }
        Problem::Stack(why) => {
            fill("stack.xml is not valid ({0}); export the file again with the program it came from", &[why])
        }
        Problem::Json(why) => {
            fill("polyptych.json is not valid ({0}); remove that entry to open the layers alone", &[why])
        }
        Problem::Newer { found, known } => {
            fill("is of project format {0}, this program reads up to {1}; update Polyptych to open it", &[found, known])
        }
        Problem::Canvas { width, height } => fill(
            "has a canvas of {0}×{1} pixels; sides must be {2}–{3} and the area at most {4} pixels, so resize it",
            &[width, height, &MIN_SIDE, &MAX_SIDE, &MAX_AREA],
        ),
        Problem::TooManyLayers { layers, width, height } => fill(
            "has {0} layers of {1}×{2} pixels, more than can be held; merge layers or shrink the canvas",
            &[layers, width, height],
        ),
        Problem::PictureTooLarge { entry, width, height } => {
            fill("{0} claims {1}×{2} pixels, more than is allowed here; shrink it", &[entry, width, height])
        }
        Problem::Picture { entry, reason } => {
            fill("{0} is not a readable PNG ({1}); restore a copy or export it again", &[entry, reason])
        }
        Problem::Regions(why) => fill("is not a file of regions ({0}); choose one that was exported here", &[why]),
        Problem::NotAPicture => fill("is not a picture that can be read here; save it as PNG, JPEG or WebP", &[]),
        Problem::DamagedPicture(why) => fill("the picture is damaged ({0}); restore a copy or save it again", &[why]),
        Problem::ShadedMap => fill(
            "is shaded, not flat, so it is no colour map; use a picture in which every region has one even colour",
            &[],
        ),
        Problem::MapColours => fill(
            "has more than {0} colours, the most regions there can be; give parts of it the same colour",
            &[&MAX_REGIONS],
        ),
        Problem::ClearMap => {
            fill("is transparent everywhere, so there is no region in it; choose another picture", &[])
        }
        Problem::MaskSize { width, height, canvas_width, canvas_height } => fill(
            "is {0}×{1} pixels but the canvas is {2}×{3}; scale it to the canvas's size",
            &[width, height, canvas_width, canvas_height],
        ),
        Problem::NoProject => {
            fill("is a picture without a project inside; open the .ora, or a PNG exported with its project", &[])
        }
        Problem::Embedded(why) => {
            fill("the project inside the picture is damaged ({0}); open the .ora instead", &[why])
        }
        Problem::TooLargeToEmbed(bytes, most) => fill(
            "the project takes {0} bytes, more than the {1} a picture carries; export it without the project",
            &[bytes, most],
        ),
        Problem::TooMuchText(bytes, most) => fill(
            "the words of this document are {0} bytes, more than the {1} a file may hold; shorten them",
            &[bytes, most],
        ),
        Problem::MaskMismatch { number, width, height } => fill(
            "region {0} has a mask of {1}×{2} pixels that does not fit the canvas; clear or resize it",
            &[number, width, height],
        ),
        Problem::PaintMismatch { width, height } => {
            fill("the paint is {0}×{1} pixels and does not fit the canvas; remove it", &[width, height])
        }
        Problem::StartMismatch { width, height } => fill(
            "the picture to start from, or its mask, is {0}×{1} pixels and does not fit the canvas; choose it again",
            &[width, height],
        ),
    }
}

/// The text of a note on a mask.
#[must_use]
pub(crate) fn mask_note(note: MaskNote) -> String {
    match note {
        MaskNote::ByBrightness => fill(
            "the mask is partly transparent, but tells inside from outside by its brightness: white was taken as inside",
            &[],
        ),
        MaskNote::ByAlpha => fill(
            "the mask is grey and partly transparent: what is opaque was taken as inside; \
             save it without an alpha channel if white is meant",
            &[],
        ),
        MaskNote::SixteenBits => {
            fill("the mask has 16 bits a value but none is above 255, so 255 was taken as white", &[])
        }
        MaskNote::Classes { brightest } => {
            fill("the brightest value of the mask is {0} of 255, so all above 0 was taken as inside", &[&brightest])
        }
        MaskNote::Faint { brightest } => fill(
            "the brightest value of the mask is {0} of 255, so it covers hardly anything; \
             make white what is meant to be inside",
            &[&brightest],
        ),
    }
}
