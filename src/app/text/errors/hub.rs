//! Why a model was not fetched.

use super::system;
use crate::app::text::i18n::{fill, tr};
use crate::studio::hub::Error;

pub(crate) fn hub_error(error: &Error) -> String {
    match error {
        Error::Name(text) => {
            fill("{0}: is no repository's name; give it as OWNER/NAME, with :FILE for one file of it", &[text])
        }
        Error::Endpoint(text) => {
            fill("HF_ENDPOINT: “{0}” is no address; give one such as https://huggingface.co", &[text])
        }
        Error::NotFound { what, endpoint } => fill("{0}: is not on {1}; check the name", &[what, endpoint]),
        Error::Forbidden { what, endpoint } => fill(
            "{0}: {1} does not give it to everyone; accept the terms on its page, then set HF_TOKEN to your token",
            &[what, endpoint],
        ),
        Error::Unreachable { endpoint, reason } => {
            fill("{0}: cannot be asked ({1}); check the connection, then try again", &[endpoint, reason])
        }
        Error::Nothing { repository, pickles: "" } => {
            fill("{0}: holds no .safetensors file; look for a version of it that has one", &[repository])
        }
        Error::Nothing { repository, .. } => fill(
            "{0}: holds no .safetensors file, only pickles, which are never read; look for a version of it that has one",
            &[repository],
        ),
        Error::Several { repository, first, files } => {
            fill("{0}: holds several models; name one, as {0}:{1} (there are: {2})", &[repository, first, files])
        }
        Error::NoRoom { folder, free, needed } => fill(
            "{0}: has {1} MB free, and {2} MB are needed; make room or choose another folder",
            &[folder, free, needed],
        ),
        Error::Cut { file, done, total, reason } => fill(
            "{0}: was cut after {1} of {2} MB ({3}); try again, it goes on from there",
            &[file, done, total, reason],
        ),
        Error::Damaged { file } => fill(
            "{0}: came damaged (its SHA-256 is not the one that the server names) and was thrown away; try again",
            &[file],
        ),
        Error::Write { file, source } => fill(
            "{0}: cannot be written ({1}); check the folder, its rights and the free space",
            &[file, &system(source)],
        ),
        Error::Cancelled => tr("cancelled; what has come is kept, and the next try goes on from there").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error as IoError, ErrorKind};

    #[test]
    fn english_is_what_the_error_says() {
        let text = |text: &str| text.to_owned();
        let nothing = |pickles| Error::Nothing { repository: text("a/b"), pickles };
        for error in [
            Error::Name(text("x")),
            Error::Endpoint(text("x")),
            Error::NotFound { what: text("a/b"), endpoint: text("http://h") },
            Error::Forbidden { what: text("a/b"), endpoint: text("http://h") },
            Error::Unreachable { endpoint: text("http://h"), reason: text("gone") },
            nothing(""),
            nothing(", only pickles, which are never read"),
            Error::Several { repository: text("a/b"), first: text("c"), files: text("c, d") },
            Error::NoRoom { folder: text("f"), free: 1, needed: 2 },
            Error::Cut { file: text("f"), done: 1, total: 2, reason: text("cut") },
            Error::Damaged { file: text("f") },
            Error::Write { file: text("f"), source: IoError::from(ErrorKind::StorageFull) },
            Error::Cancelled,
        ] {
            assert_eq!(hub_error(&error), error.to_string());
        }
    }
}
