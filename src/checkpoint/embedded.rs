//! The files of the embedded checkpoint, compiled in.

/// Path inside a diffusers folder, and content.
pub(super) static FILES: &[(&str, &[u8])] = &[];
