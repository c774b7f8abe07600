//! The panels at the right: the regions' cards, the picture's settings, and the panel of models.

pub(super) mod controls;
pub(super) mod loras;
pub(super) mod picture;
pub(super) mod regions;
pub(super) mod thumbnails;
pub(super) mod triggers;
