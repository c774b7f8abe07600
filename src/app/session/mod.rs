//! The open document's files: opened and saved, left, kept against a crash, brought in and exported.

pub(super) mod close;
pub(super) mod examples;
pub(super) mod export;
pub(super) mod files;
pub(super) mod import;
pub(super) mod recent;
pub(super) mod recovery;
pub(super) mod sharing;
pub(super) mod work;
