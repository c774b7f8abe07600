//! The panels: the regions' cards, the picture's settings, the strip of pictures. They draw from a [`Desk`] and change the document
//! on it; what is not theirs to do they ask of the shell.

pub(super) mod controls;
mod desk;
pub(super) mod loras;
pub(super) mod picture;
pub(super) mod regions;
pub(super) mod takes;
pub(super) mod thumbnails;
pub(super) mod triggers;

pub(super) use desk::{Desk, Panels, Request};
