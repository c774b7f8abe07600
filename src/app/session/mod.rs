//! The open document's files and the models that it is drawn with: what dialogs ask for, what comes in, what is kept against a crash.

pub(super) mod examples;
pub(super) mod fetching;
pub(super) mod import;
pub(super) mod models;
pub(super) mod purpose;
pub(super) mod recent;
pub(super) mod recovery;
pub(super) mod system_dialogs;
