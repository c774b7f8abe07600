//! The files of the embedded checkpoint (assets/embedded, trained by training/), compiled in.

/// Paths inside a diffusers folder, and contents. (Listed by build.rs.)
pub(super) static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
