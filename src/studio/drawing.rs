//! One drawing from start to end: a document and a model become a picture, in three stages that each have a file:
//! `prepared` (encoding), `run` (denoising) and `finish` (decoding).

use super::again::KeptPicture;
use super::finish::{Pictures, finish};
use super::loading::LoadError;
use super::model::Model;
use super::prepared::prepare;
use super::progress::{Previews, Progress};
use super::run::{Latents, run};
use super::tags::KnownLoras;
use super::warning::Warning;
use crate::checkpoint::Error as CheckpointError;
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
    /// Lay the kept pixels of the picture to start from over the finished one. Else that is as the autoencoder decodes it.
    pub lay_over: bool,
    /// The LoRAs that words may name.
    pub loras: KnownLoras,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reference: false,
            savings: true,
            bootstrap_steps: None,
            previews: false,
            kept: None,
            keep: false,
            lay_over: true,
            loras: KnownLoras::default(),
        }
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
    /// Those among them that were computed from deep features of an earlier step.
    pub unet_samples_shallow: usize,
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
    /// A region's LoRA cannot be used.
    #[error(transparent)]
    Loras(LoadError),
    /// A ControlNet cannot be used.
    #[error(transparent)]
    Controls(LoadError),
    /// The text encoder failed.
    #[error("the words could not be read: {0}")]
    Words(#[source] NetworkError),
    /// The autoencoder failed on the picture or on a preview's.
    #[error("the picture could not be decoded: {0}")]
    Decode(#[source] NetworkError),
    /// The decoder's picture has infinite values or NaN.
    #[error("the decoder's picture is not a number; try another checkpoint")]
    NotFinite,
    /// The device has not the memory, even with one thing at a time.
    #[error(
        "there is not enough memory for {operator}: with one thing at a time it takes at least {:.2} GB, and {:.2} GB may be \
         used here; close other programs, choose a smaller model, or draw with the processor",
        gigabytes(*.wanted), gigabytes(*.allowed)
    )]
    NoMemory {
        /// The operator that asked for the memory.
        operator: &'static str,
        /// Bytes that would have been held.
        wanted: u64,
        /// Bytes that may be held.
        allowed: u64,
    },
    /// The document or the options make no sense, in one line.
    #[error("{0}")]
    Invalid(String),
}

/// Bytes in units of 10⁹.
pub(crate) fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

impl DrawError {
    /// The operator that wanted more memory than the device has, where that is the reason.
    pub(super) fn out_of_memory(&self) -> Option<&'static str> {
        match self {
            Self::Paint(PaintError::Network(NetworkError::OutOfMemory { operator }))
            | Self::Words(NetworkError::OutOfMemory { operator })
            | Self::Decode(NetworkError::OutOfMemory { operator })
            | Self::NoMemory { operator, .. } => Some(operator),
            Self::Loras(LoadError::Checkpoint(CheckpointError::Network(error)))
            | Self::Controls(LoadError::Checkpoint(CheckpointError::Network(error))) => error.out_of_memory(),
            _ => None,
        }
    }

    /// True where the picture stopped being a number.
    fn is_not_finite(&self) -> bool {
        matches!(self, Self::Paint(PaintError::NotFinite { .. }) | Self::NotFinite)
    }

    /// True where the device failed for another reason than memory: nothing on it can be relied on any more.
    pub(super) fn is_of_device(&self) -> bool {
        let other = |error: &NetworkError| matches!(error, NetworkError::Other(_));
        match self {
            Self::Paint(PaintError::Network(error)) => other(error),
            Self::Words(error) | Self::Decode(error) => other(error),
            Self::Loras(LoadError::Checkpoint(CheckpointError::Network(error))) => {
                error.out_of_memory().is_none() && !error.is_cancelled()
            }
            _ => false,
        }
    }

    /// The error of a file that a drawing needs, as `failed` has it unless its loading was cancelled.
    pub(super) fn of_loading(error: LoadError, failed: impl FnOnce(LoadError) -> Self) -> Self {
        match &error {
            LoadError::Checkpoint(error) if error.is_cancelled() => Self::Cancelled,
            _ => failed(error),
        }
    }

    /// The error of a network call, as `failed` has it unless the call was cancelled.
    pub(super) fn of(error: NetworkError, failed: impl FnOnce(NetworkError) -> Self) -> Self {
        match error {
            NetworkError::Cancelled => Self::Cancelled,
            other => failed(other),
        }
    }
}

impl From<PaintError> for DrawError {
    fn from(error: PaintError) -> Self {
        match error {
            PaintError::Cancelled => Self::Cancelled,
            other => Self::Paint(other),
        }
    }
}

/// Draws a document. A picture that is not finite in f16 is drawn once more in f32, and a warning says so.
///
/// # Errors
/// If the settings make no sense for this model, the device fails, or `watcher` cancels.
pub fn draw(
    document: &Document,
    model: &mut dyn Model,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Drawn, DrawError> {
    model.shortage();
    let (document, of_tags) = options.loras.applied(document);
    let document = &*document;
    let mut drawn = draw_once(document, model, options, watcher);
    let not_finite = drawn.as_ref().is_err_and(DrawError::is_not_finite);
    if not_finite && model.in_f32() {
        log::warn!("a picture that was not finite is drawn again in f32");
        drawn = draw_once(document, model, options, watcher);
        drawn.iter_mut().for_each(|drawn| drawn.warnings.push(Warning::DrawnInF32));
    }
    drawn.iter_mut().for_each(|drawn| drawn.warnings.extend(of_tags.iter().cloned()));
    let shortage = model.shortage();
    match (drawn, shortage.refused) {
        (Ok(mut drawn), _) => {
            drawn.warnings.extend(shortage.in_pieces.then_some(Warning::ShortOfMemory));
            Ok(drawn)
        }
        (Err(error), Some([wanted, allowed])) => match error.out_of_memory() {
            Some(operator) => Err(DrawError::NoMemory { operator, wanted, allowed }),
            None => Err(error),
        },
        (Err(error), None) => Err(error),
    }
}

fn draw_once(
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
        unet_samples_shallow: cost.unet_samples_shallow,
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
