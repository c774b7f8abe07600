//! The options of a picture to start from, the same for every command that has them.

use crate::document::{Area, Document, Start};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct StartArgs {
    /// A picture (PNG, JPEG or WebP) to start from in place of noise; one of another size is scaled and cut to the canvas
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// The share of the steps taken on that picture, above 0 to 1: little keeps it, 1 all but forgets it
    #[arg(long, value_name = "X", value_parser = strength)]
    strength: Option<f64>,
    /// What of that picture may change, while the rest is kept: white in a mask of the canvas's size, or what regions cover
    #[arg(long, value_name = "MASK.png|regions")]
    inpaint: Option<PathBuf>,
}

fn strength(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|v| *v > 0.0 && *v <= 1.0);
    value.ok_or_else(|| "give a number above 0, up to 1".to_owned())
}

impl StartArgs {
    /// The files that the arguments name.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let mask = self.inpaint.as_deref().filter(|mask| mask.as_os_str() != "regions");
        self.image.as_deref().into_iter().chain(mask)
    }

    /// Writes what the arguments say over what the document says; what the person should know is told to `notes`.
    pub(super) fn apply(&self, document: &mut Document, notes: &mut Vec<String>) -> anyhow::Result<()> {
        let (width, height) = (document.width, document.height);
        if let Some(path) = &self.image {
            let picture = Document::import_picture(path)?;
            let (w, h) = picture.dimensions();
            if (w, h) != (width, height) {
                notes.push(format!(
                    "the picture to start from is {w}×{h} and was scaled and cut to the canvas of {width}×{height}"
                ));
            }
            let image = Start::fitted(&picture, width, height).into();
            document.start = Some(Start { image, strength: Start::STRENGTH, area: Area::Everything });
        }
        let Some(start) = &mut document.start else {
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
                Area::Mask(Document::import_mask(path, width, height)?.into())
            };
        }
        Ok(())
    }
}
