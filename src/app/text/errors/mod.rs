//! Errors and warnings of the layers below, told in the language of the window. Those layers know no languages: an error's
//! `Display` is English, and the English told here is the same, word by word (a test holds them together). A text that is not
//! known here is told as it comes, in English.

mod files;
mod hub;
mod making;
#[cfg(test)]
mod tests;

pub(in crate::app) use files::{file_error, mask_note};
pub(in crate::app) use hub::hub_error;
pub(in crate::app) use making::{checkpoint, failure, warning};

use crate::app::text::i18n::{is_english, tr};
use std::io::{Error, ErrorKind};

/// The system's message about a file.
fn system(error: &Error) -> String {
    if is_english() {
        return error.to_string();
    }
    match error.kind() {
        ErrorKind::NotFound => tr("there is no such file or folder").to_owned(),
        ErrorKind::PermissionDenied => tr("it is not permitted").to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => tr("the disk is full").to_owned(),
        ErrorKind::ReadOnlyFilesystem => tr("the disk can only be read").to_owned(),
        ErrorKind::IsADirectory => tr("it is a folder").to_owned(),
        ErrorKind::NotADirectory => tr("part of the path is no folder").to_owned(),
        ErrorKind::UnexpectedEof => tr("it ends too early").to_owned(),
        ErrorKind::TimedOut => tr("the disk did not answer in time").to_owned(),
        _ => error.to_string(),
    }
}
