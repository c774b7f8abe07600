//! Everything that the window says: its texts in the person's language, and errors of the layers below told in them.

pub(super) mod errors;
pub(super) mod format;
pub(super) mod i18n;
pub(super) mod names;
