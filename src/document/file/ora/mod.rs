//! The OpenRaster container, read and written.

mod foreign;
mod layers;
mod own;
mod pixels;
mod read;
mod shapes;
mod write;

pub(in crate::document) use read::{Read, read, thumbnail};
pub(in crate::document) use write::{Contents, write};

use super::super::Problem;
use super::super::error::{one_line, reason};
use zip::result::ZipError;

const MIMETYPE: &str = "image/openraster";
const STACK: &str = "stack.xml";
const PROJECT: &str = "polyptych.json";
const MERGED: &str = "mergedimage.png";
const THUMBNAIL: &str = "Thumbnails/thumbnail.png";
const TAKE: &str = "data/take.png";
const START: &str = "data/start.png";
const PAINT: &str = "data/paint.png";
const CHANGE: &str = "data/change.png";
const BACKGROUND: &str = "data/background.png";
const NEGATIVE: &str = "data/negative.png";

/// The largest `stack.xml` and `polyptych.json`, so the most words a file may hold.
const MAX_TEXT: usize = 1 << 24;

/// True of a name that stays inside any folder it is unpacked to, on any system.
fn safe_name(name: &str) -> bool {
    name.len() <= 512
        && !name.contains(['\\', ':'])
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn zip_problem(error: ZipError) -> Problem {
    Problem::Zip(reason(&error))
}

/// The problem of an entry that cannot be opened.
fn entry_problem(name: &str, error: ZipError) -> Problem {
    match error {
        ZipError::FileNotFound => Problem::MissingEntry(one_line(name, 100)),
        error => zip_problem(error),
    }
}
