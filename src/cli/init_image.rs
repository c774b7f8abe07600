//! The options of a picture to start from, the same for every command that has them.

use super::values::strength;
use crate::document::{Area, Document, FileError, InitImage, Mask};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct InitImageArgs {
    /// A picture (PNG, JPEG or WebP) to start from in place of noise; one of another size is scaled and cut to the canvas
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// The share of the steps taken on that picture, 0.01 to 1: little keeps it, 1 all but forgets it
    #[arg(long, value_name = "X", value_parser = strength)]
    strength: Option<f64>,
    /// What of that picture may change, while the rest is kept: white in a mask of the canvas's size (PNG, JPEG or WebP), or what regions cover
    #[arg(long, value_name = "MASK.png|regions")]
    inpaint: Option<PathBuf>,
}

/// Reads a mask; how it was understood is told to `notes`, where it could be meant otherwise.
pub(super) fn import_mask(
    path: &Path,
    (width, height): (u32, u32),
    notes: &mut Vec<String>,
) -> Result<Mask, FileError> {
    let (mask, told) = Document::import_mask_with_notes(path, width, height)?;
    notes.extend(told.iter().map(|note| format!("{}: {note}", path.display())));
    Ok(mask)
}

impl InitImageArgs {
    /// The files that the arguments name.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let mask = self.inpaint.as_deref().filter(|mask| mask.as_os_str() != "regions");
        self.image.as_deref().into_iter().chain(mask)
    }

    /// The picture that is given.
    pub(super) fn image(&self) -> Option<&Path> {
        self.image.as_deref()
    }

    /// True where something is said of how it may change.
    pub(super) fn changes(&self) -> bool {
        self.strength.is_some() || self.inpaint.is_some()
    }

    /// Writes what the arguments say over what the document says; what the person should know is told to `notes`.
    pub(super) fn apply(&self, document: &mut Document, notes: &mut Vec<String>) -> anyhow::Result<()> {
        let document_size = (document.width, document.height);
        let (width, height) = document_size;
        if let Some(path) = &self.image {
            let picture = Document::import_picture(path)?;
            let (w, h) = picture.dimensions();
            if (w, h) != (width, height) {
                notes.push(format!(
                    "the picture to start from is {w}×{h} and was scaled and cut to the canvas of {width}×{height}"
                ));
            }
            let image = InitImage::fitted(&picture, width, height).into();
            document.init_image = Some(InitImage { image, strength: InitImage::STRENGTH, area: Area::Everything });
        }
        let Some(start) = &mut document.init_image else {
            for (name, given) in [("--strength", self.strength.is_some()), ("--inpaint", self.inpaint.is_some())] {
                anyhow::ensure!(!given, "{name}: there is no picture to start from; give one with --image");
            }
            return Ok(());
        };
        start.strength = self.strength.unwrap_or(start.strength);
        if let Some(path) = &self.inpaint {
            start.area = if path.as_os_str() == "regions" {
                Area::Regions
            } else {
                Area::Mask(import_mask(path, document_size, notes)?.into())
            };
        }
        Ok(())
    }
}
