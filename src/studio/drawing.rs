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

/// How a drawing is made, beyond what the document says.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Replay the authors' released loop.
    pub reference: bool,
    /// Leave out network calls that cannot change the picture.
    pub savings: bool,
    /// Bootstrapped steps for every region, in place of the document's fractions.
    pub bootstrap_steps: Option<usize>,
    /// Make a preview of every step.
    pub previews: bool,
    /// The picture without anything drawn again, from [`Drawn::kept`] of a drawing of this document. Where regions are drawn
    /// again and this is absent, it is drawn first.
    pub kept: Option<KeptPicture>,
    /// Keep the picture without anything drawn again in [`Drawn::kept`]: a latent a step, and its pixels.
    pub keep: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { reference: false, savings: true, bootstrap_steps: None, previews: false, kept: None, keep: false }
    }
}

/// Where a drawing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Encoding,
    Denoising,
    Decoding,
}

/// Follows a drawing.
pub trait Watcher {
    /// Asked before every network call; `true` stops the drawing.
    fn cancelled(&mut self) -> bool {
        false
    }

    fn stage(&mut self, _stage: Stage) {}

    /// `done` of `total` steps are taken. `preview` is there where previews were asked for.
    fn step(&mut self, _done: usize, _total: usize, _preview: Option<RgbImage>) {}
}

impl Watcher for () {}

/// Seconds spent per stage.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seconds {
    pub encode: f64,
    pub denoise: f64,
    pub decode: f64,
}

/// A finished drawing.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub image: RgbImage,
    /// The final latent `[1, latent_channels, h, w]`. Where several regions were drawn again, the upper one's on cells that both could change.
    pub latent: Planes,
    pub windows: usize,
    pub unet_samples: usize,
    /// Evaluations of the UNet's part before its first cross-attention, which samples on one input share.
    pub unet_inputs: usize,
    pub unet_samples_reference: usize,
    /// What of `unet_samples` went into drawing regions again.
    pub unet_samples_rerolled: usize,
    /// The picture without anything drawn again, where it was asked for or needed.
    pub kept: Option<KeptPicture>,
    pub seconds: Seconds,
    pub warnings: Vec<Warning>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error("{0}")]
    Paint(PaintError),
    #[error("the words could not be read: {0}")]
    Words(#[source] NetworkError),
    #[error("the picture could not be decoded: {0}")]
    Decode(#[source] NetworkError),
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

/// Draws the document.
///
/// # Errors
/// Where the settings make no sense for this model, the device fails, or `watcher` cancels.
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
