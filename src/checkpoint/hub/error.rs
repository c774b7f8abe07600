//! Why a model was not fetched.

use std::io;

/// The reason why a model was not fetched, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text is no name of a repository.
    #[error("{0}: is no repository's name; give it as OWNER/NAME, with :FILE for one file of it")]
    Name(String),
    /// The setting of the server is no address.
    #[error("HF_ENDPOINT: “{0}” is no address; give one such as https://huggingface.co")]
    Endpoint(String),
    /// There is no such repository, or no such file in it.
    #[error("{what}: is not on {endpoint}; check the name")]
    NotFound {
        /// The repository or file.
        what: String,
        /// The server.
        endpoint: String,
    },
    /// The server wants to know who asks.
    #[error(
        "{what}: {endpoint} does not give it to everyone; accept the terms on its page, then set HF_TOKEN to your token"
    )]
    Forbidden {
        /// The repository or file.
        what: String,
        /// The server.
        endpoint: String,
    },
    /// The server does not answer, or not well.
    #[error("{endpoint}: cannot be asked ({reason}); check the connection, then try again")]
    Unreachable {
        /// The server.
        endpoint: String,
        /// What went wrong.
        reason: String,
    },
    /// A repository holds no model that can be drawn with.
    #[error("{repository}: holds no .safetensors file{pickles}; look for a version of it that has one")]
    Nothing {
        /// The repository.
        repository: String,
        /// More, where there are pickles instead.
        pickles: &'static str,
    },
    /// A repository holds several models.
    #[error("{repository}: holds several models; name one, as {repository}:{first} (there are: {files})")]
    Several {
        /// The repository.
        repository: String,
        /// One of them.
        first: String,
        /// All of them, or the first few.
        files: String,
    },
    /// The disk is too full.
    #[error("{folder}: has {free} MB free, and {needed} MB are needed; make room or choose another folder")]
    NoRoom {
        /// The folder.
        folder: String,
        /// Megabytes that are free.
        free: u64,
        /// Megabytes that are needed.
        needed: u64,
    },
    /// The connection was cut, again and again.
    #[error("{file}: was cut after {done} of {total} MB ({reason}); try again, it goes on from there")]
    Cut {
        /// The file.
        file: String,
        /// Megabytes that are there.
        done: u64,
        /// Megabytes of the whole.
        total: u64,
        /// What went wrong.
        reason: String,
    },
    /// What came is not what the server has promised.
    #[error("{file}: came damaged (its SHA-256 is not the one that the server names) and was thrown away; try again")]
    Damaged {
        /// The file.
        file: String,
    },
    /// A file cannot be written.
    #[error("{file}: cannot be written ({source}); check the folder, its rights and the free space")]
    Write {
        /// The file.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It was cancelled.
    #[error("cancelled; what has come is kept, and the next try goes on from there")]
    Cancelled,
}
