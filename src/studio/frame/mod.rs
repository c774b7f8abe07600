//! A generation frame: a part of the canvas, drawn at a size that the model works well at and laid back without a seam.
//!
//! The frame is cut out with a margin of what is around it, enlarged to the model's window where it is smaller, and drawn as any other
//! document that starts from a picture of which a part may change ([`Part`]). What comes back is made small again. The model
//! saw the margin, too, and had to keep it, so that the mean difference there is the shift of colours that the autoencoder makes;
//! it is taken back before the frame is laid over the picture, softly inside its border. Time and memory grow with the frame; of
//! the canvas the finished picture alone is held.

mod area;
mod gather;
mod lay;
mod part;
#[cfg(test)]
mod tests;

pub use area::{Frame, FrameError};
pub use part::Part;

use super::drawing::{DrawError, Drawn, Options, Watcher, draw};
use super::model::Model;
use super::plan::Facts;
use crate::document::Document;

/// Draws a frame of a document's canvas: what lies in it is drawn anew, as the document says, and laid into its picture to start
/// from. [`Drawn::image`] has the canvas's size; latent, previews and counts are of the part that was drawn.
///
/// # Errors
/// As [`draw`], and if the frame lies outside the canvas or is too small.
pub fn draw_frame(
    document: &Document,
    frame: Frame,
    model: &mut dyn Model,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Drawn, DrawError> {
    if options.reference {
        return Err(DrawError::Invalid("--reference draws the whole canvas; leave out the frame".to_owned()));
    }
    Part::of(document, frame, Facts::of(model))?.draw(model, options, watcher)
}

impl Part {
    /// Draws the part, and lays it into the picture of the canvas.
    ///
    /// # Errors
    /// As [`draw`].
    pub(super) fn draw(
        &self,
        model: &mut dyn Model,
        options: &Options,
        watcher: &mut dyn Watcher,
    ) -> Result<Drawn, DrawError> {
        let options = Options { lay_over: false, ..options.clone() };
        let drawn = draw(&self.document, model, &options, watcher)?;
        Ok(Drawn { image: self.laid(&drawn.image), ..drawn })
    }
}
