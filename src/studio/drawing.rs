//! One drawing from start to end: a document and a model become a picture, in three stages that each have a file:
//! `prepared` (encoding), `run` (denoising) and `finish` (decoding).

use super::again::KeptPicture;
use super::finish::{Pictures, finish};
use super::model::Model;
use super::prepared::prepare;
use super::progress::{Previews, Progress};
use super::run::{Latents, run};
use super::warning::Warning;
use crate::diffusion::{NetworkError, PaintError, Planes, ScheduleError};
use crate::document::Document;
use image::RgbImage;
use std::sync::Arc;
use std::time::Instant;

/// Options of a drawing beside the document's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Replay the authors' released loop.
    pub reference: bool,
    /// Leave out network calls that cannot change the picture.
    pub savings: bool,
    /// Bootstrapped steps of every region, in place of the document's fractions.
    pub bootstrap_steps: Option<usize>,
    /// Make a preview of every step.
    pub previews: bool,
    /// The picture in which nothing is drawn again, from [`Drawn::kept`] of a drawing of this document. Where regions are drawn
    /// again and this is absent, it is drawn first.
    pub kept: Option<KeptPicture>,
    /// Return that picture in [`Drawn::kept`]: a latent for each network evaluation, and its pixels.
    pub keep: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { reference: false, savings: true, bootstrap_steps: None, previews: false, kept: None, keep: false }
    }
}

/// Stage of a drawing, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Embedding prompts and encoding pictures.
    Encoding,
    /// Running the sampler's steps.
    Denoising,
    /// Decoding latents to pictures.
    Decoding,
}

/// Observer of a drawing, which may stop it.
pub trait Watcher {
    /// Asked before every network call; `true` stops the drawing.
    fn cancelled(&mut self) -> bool {
        false
    }

    /// A stage begins.
    fn stage(&mut self, _stage: Stage) {}

    /// `done` of `total` steps are taken, those of regions drawn again included. There is a `preview` where
    /// [`Options::previews`] asks for them.
    fn step(&mut self, _done: usize, _total: usize, _preview: Option<RgbImage>) {}
}

/// Watches nothing.
impl Watcher for () {}

/// Seconds spent in each stage.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seconds {
    /// In [`Stage::Encoding`].
    pub encode: f64,
    /// In [`Stage::Denoising`].
    pub denoise: f64,
    /// In [`Stage::Decoding`].
    pub decode: f64,
}

/// A finished drawing, and its cost.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The picture, of the canvas's size.
    pub image: RgbImage,
    /// The final latent `[1, latent_channels, h, w]`. Where several regions were drawn again, the upper one's on cells that both
    /// could change.
    pub latent: Planes,
    /// Windows on the canvas.
    pub windows: usize,
    /// Batch elements that the UNet evaluated.
    pub unet_samples: usize,
    /// Evaluations of the UNet's part before its first cross-attention, which samples on one input share.
    pub unet_inputs: usize,
    /// Batch elements that the paper's loop evaluates for the same: windows × prompts × 2 × evaluations.
    pub unet_samples_reference: usize,
    /// The part of `unet_samples` that went into drawing regions again.
    pub unet_samples_rerolled: usize,
    /// The picture in which nothing is drawn again, where it was asked for or needed.
    pub kept: Option<KeptPicture>,
    /// Time spent.
    pub seconds: Seconds,
    /// Warnings about the picture.
    pub warnings: Vec<Warning>,
}

/// Reason for which a drawing ended without a picture.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The watcher stopped it.
    #[error("cancelled")]
    Cancelled,
    /// The checkpoint's noise schedule does not allow the settings.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The engine failed.
    #[error("{0}")]
    Paint(PaintError),
    /// The text encoder failed.
    #[error("the words could not be read: {0}")]
    Words(#[source] NetworkError),
    /// The autoencoder failed on the picture or on a preview's.
    #[error("the picture could not be decoded: {0}")]
    Decode(#[source] NetworkError),
    /// The document or the options make no sense, in one line.
    #[error("{0}")]
    Invalid(String),
}

impl From<PaintError> for DrawError {
    fn from(error: PaintError) -> Self {
        match error {
            PaintError::Cancelled => Self::Cancelled,
            other => Self::Paint(other),
        }
    }
}

/// Draws a document.
///
/// # Errors
/// If the settings make no sense for this model, the device fails, or `watcher` cancels.
pub fn draw(
    document: &Document,
    model: &mut dyn Model,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Drawn, DrawError> {
    watcher.stage(Stage::Encoding);
    let begun = Instant::now();
    let prepared = prepare(document, model, options)?;
    let previews = if options.previews { Some(Previews::of(model)?) } else { None };
    let encode = begun.elapsed().as_secs_f64();
    go_on(watcher)?;

    watcher.stage(Stage::Denoising);
    let begun = Instant::now();
    let latents = run(&prepared, model.network(), &mut Progress::new(&prepared, previews, watcher))?;
    let denoise = begun.elapsed().as_secs_f64();
    go_on(watcher)?;

    watcher.stage(Stage::Decoding);
    let begun = Instant::now();
    let Pictures { image, kept } = finish(&prepared, &latents, model, watcher)?;
    let decode = begun.elapsed().as_secs_f64();

    let Latents { trajectory, together, cost, .. } = latents;
    let kept = trajectory.map(|trajectory| KeptPicture { trajectory, image: kept });
    Ok(Drawn {
        image: Arc::unwrap_or_clone(image),
        latent: together,
        windows: cost.windows,
        unet_samples: cost.unet_samples,
        unet_inputs: cost.unet_inputs,
        unet_samples_reference: cost.unet_samples_reference,
        unet_samples_rerolled: cost.unet_samples_rerolled,
        kept,
        seconds: Seconds { encode, denoise, decode },
        warnings: prepared.warnings,
    })
}

/// Ends the drawing where the watcher wants that.
fn go_on(watcher: &mut dyn Watcher) -> Result<(), DrawError> {
    if watcher.cancelled() { Err(DrawError::Cancelled) } else { Ok(()) }
}
