//! Masks and pictures from picture files.

use super::{Document, FileError, Mask, MaskNote, Problem};
use image::RgbImage;
use std::path::Path;

impl Document {
    /// Reads a mask from a PNG, JPEG or WebP of this size, by the rules of [`Mask::of_picture`].
    ///
    /// # Errors
    /// One line naming the file, the fact (both sizes, where they differ) and the remedy.
    pub fn import_mask(path: impl AsRef<Path>, width: u32, height: u32) -> Result<Mask, FileError> {
        Self::import_mask_with_notes(path, width, height).map(|(mask, _)| mask)
    }

    /// Reads a mask as [`Self::import_mask`] does and tells how it was understood, where it could be meant otherwise.
    ///
    /// # Errors
    /// As [`Self::import_mask`].
    pub fn import_mask_with_notes(
        path: impl AsRef<Path>,
        width: u32,
        height: u32,
    ) -> Result<(Mask, Vec<MaskNote>), FileError> {
        let picture = super::read_picture(&path)?;
        let (own_width, own_height) = picture.image.dimensions();
        if (own_width, own_height) != (width, height) {
            let (canvas_width, canvas_height) = (width, height);
            let problem = Problem::MaskSize { width: own_width, height: own_height, canvas_width, canvas_height };
            return Err(FileError::new(path.as_ref(), problem));
        }
        Ok((Mask::of_picture(&picture, width, height), picture.mask_notes()))
    }

    /// Reads a picture to start from ([`super::InitImage`]): a PNG, JPEG or WebP of any size that a canvas may have, turned as a
    /// camera says it was held; what is transparent lies over white.
    ///
    /// # Errors
    /// As [`Self::import_mask`].
    pub fn import_picture(path: impl AsRef<Path>) -> Result<RgbImage, FileError> {
        super::read_picture(path).map(|picture| super::over_white(&picture.image))
    }
}
