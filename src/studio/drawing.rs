//! One drawing from start to end: a document and a model become a picture.

use super::again::{self, KeptPicture, Overlay, Reroll};
use super::decode::decode;
use super::model::Model;
use super::plan::{Facts, Plan, bootstrap_steps, coverages, pixels_of_regions, plan, visible};
use super::preview::LatentToRgb;
use super::warning::Warning;
use super::{init_image, thin};
use crate::diffusion::{
    self, Ddim, DpmSolver, Euler, EulerAncestral, Heun, Kept, Lcm, Network, NetworkError, Observer, PaintError,
    Painted, Planes, Recorder, Sampler, ScheduleError, SchedulerConfig, Trajectory, UniPc,
};
use crate::document::{self, Document};
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
    let mut seconds = Seconds::default();
    watcher.stage(Stage::Encoding);
    let start = Instant::now();
    // Asked first, so that settings that make no sense are refused before anything is computed.
    sampler(document, model.scheduler(), options)?;
    let facts = Facts { window: model.window(), factor: model.factor() };
    let mut prompt = |words: &str| model.prompt(words).map_err(DrawError::Words);
    let Plan { mut painting, mut rerolls, mut warnings } = plan(document, facts, options, &mut prompt)?;
    cut_words(document, model, &mut warnings);
    warnings.extend(thin::warnings(document, options, facts.factor, model.few_steps().is_some()));
    if let (Some(start), Some(kept)) = (&mut painting.init_latent, &document.init_image) {
        start.clean = init_image::encode(model_as_network(model), kept, painting.factor, painting.wrap)?;
    }
    if model.in_channels() != model.latent_channels() {
        if options.reference {
            return Err(DrawError::Invalid("--reference knows no inpainting checkpoint; choose another".to_owned()));
        }
        let pixels = pixels_of_regions(document, options);
        let regions = coverages(document, &pixels);
        let (factor, wrap) = (painting.factor, painting.wrap);
        painting.conditions = Some(init_image::conditions(model_as_network(model), document, &regions, factor, wrap)?);
    }
    for Reroll { painting: again, .. } in &mut rerolls {
        again.init_latent.clone_from(&painting.init_latent);
        again.conditions.clone_from(&painting.conditions);
    }
    let previews = if options.previews {
        let begun = Instant::now();
        let rgb = preview_map(model).map_err(DrawError::Decode)?;
        Some(Previews { decode_pace: rgb.decode_pace, rgb, spent: begun.elapsed().as_secs_f64() })
    } else {
        None
    };
    seconds.encode = start.elapsed().as_secs_f64();
    if watcher.cancelled() {
        return Err(DrawError::Cancelled);
    }

    watcher.stage(Stage::Denoising);
    let start = Instant::now();
    let known = options.kept.clone().filter(|_| !rerolls.is_empty());
    if let Some(known) = &known {
        again::check(known, document)?;
    }
    let runs = rerolls.len() + usize::from(known.is_none());
    let config = model.scheduler().clone();
    let (wrap, factor) = (painting.wrap, painting.factor);
    let mut follower = Follower { watcher, previews, document, wrap, factor, start, runs, run: 0, again: None };
    let network = model_as_network(model);
    let new_sampler = || sampler(document, &config, options);
    let mut cost = Cost::default();
    // The picture in which nothing is drawn again comes first.
    let (first, trajectory) = match &known {
        Some(KeptPicture { trajectory, .. }) => (trajectory.last().cloned(), Some(Arc::clone(trajectory))),
        None if options.reference => {
            let steps = bootstrap_steps(document.settings.bootstrap, document, options);
            let painted = diffusion::paint_reference(&painting, steps, &mut *new_sampler()?, network, &mut follower)?;
            cost.add(&painted);
            (Some(painted.latent), None)
        }
        None => {
            let wanted = options.keep || !rerolls.is_empty();
            let mut recorder = Recorder { observer: &mut follower, trajectory: wanted.then(Trajectory::default) };
            let painted = diffusion::paint(&painting, &mut *new_sampler()?, network, &mut recorder)?;
            let trajectory = recorder.trajectory.map(Arc::new);
            cost.add(&painted);
            follower.run += 1;
            (Some(painted.latent), trajectory)
        }
    };
    let Some(first) = first else { return Err(DrawError::Invalid("nothing was drawn".to_owned())) };
    let mut latent = first.clone();
    let mut drawn_again = Vec::new();
    for reroll in &rerolls {
        let Some(trajectory) = trajectory.clone() else { break };
        let kept = Kept { trajectory, free: reroll.free.clone() };
        follower.again = Some((reroll, latent.clone()));
        let painted = diffusion::repaint(&reroll.painting, &kept, &mut *new_sampler()?, network, &mut follower)?;
        cost.add(&painted);
        cost.rerolled += painted.unet_samples;
        follower.run += 1;
        reroll.lay_latent(&painted.latent, &mut latent);
        drawn_again.push(painted.latent);
    }
    seconds.denoise = start.elapsed().as_secs_f64();
    if watcher.cancelled() {
        return Err(DrawError::Cancelled);
    }

    watcher.stage(Stage::Decoding);
    let start = Instant::now();
    let mut finish = |latent: &Planes| {
        let begun = Instant::now();
        let mut image = decode(model_as_network(model), latent, document, wrap)?;
        if let Some(rgb) = model.preview_map() {
            rgb.decode_pace = begun.elapsed().as_secs_f64() / latent.plane_len().max(1) as f64;
        }
        if let (Some(kept), false) = (&document.init_image, options.reference) {
            let pixels = pixels_of_regions(document, options);
            init_image::composite(document, kept, &coverages(document, &pixels), wrap, &mut image)?;
        }
        Ok::<_, DrawError>(image)
    };
    let kept = match known {
        Some(known) => known.image,
        None => Arc::new(finish(&first)?),
    };
    let mut image = Arc::clone(&kept);
    if !drawn_again.is_empty() {
        let mut overlay = Overlay::default();
        for (reroll, latent) in rerolls.iter().zip(&drawn_again) {
            if watcher.cancelled() {
                return Err(DrawError::Cancelled);
            }
            overlay.add(reroll, &finish(latent)?);
        }
        image = Arc::new(overlay.over(&kept));
    }
    seconds.decode = start.elapsed().as_secs_f64();
    let kept = trajectory.map(|trajectory| KeptPicture { trajectory, image: kept });
    Ok(Drawn {
        image: Arc::unwrap_or_clone(image),
        latent,
        windows: cost.windows,
        unet_samples: cost.unet_samples,
        unet_inputs: cost.unet_inputs,
        unet_samples_reference: cost.unet_samples_reference,
        unet_samples_rerolled: cost.rerolled,
        kept,
        seconds,
        warnings,
    })
}

/// What all runs of a drawing cost together.
#[derive(Default)]
struct Cost {
    windows: usize,
    unet_samples: usize,
    unet_inputs: usize,
    unet_samples_reference: usize,
    rerolled: usize,
}

impl Cost {
    fn add(&mut self, painted: &Painted) {
        self.windows = painted.windows;
        self.unet_samples += painted.unet_samples;
        self.unet_inputs += painted.unet_inputs;
        self.unet_samples_reference += painted.unet_samples_reference;
    }
}

/// Warns of words that are longer than the model reads.
fn cut_words(document: &Document, model: &dyn Model, warnings: &mut Vec<Warning>) {
    let background = &document.background;
    let regions = visible(document).map(|r| (Some(r.name.clone()), document.prompt(&r.prompt), r.negative.as_ref()));
    let words = document.prompt(&background.prompt);
    let all = [(None, words, Some(&background.negative))].into_iter().chain(regions);
    for (region, words, negative) in all {
        for text in [Some(&words), negative].into_iter().flatten() {
            let (tokens, limit) = model.tokens(text);
            if tokens > limit {
                warnings.push(Warning::WordsCut { region: region.clone(), tokens, limit });
            }
        }
    }
}

/// The model's linear map to colours, fitted when it is first asked for.
fn preview_map(model: &mut dyn Model) -> Result<LatentToRgb, NetworkError> {
    if let Some(known) = model.preview_map() {
        return Ok(known.clone());
    }
    let fitted = LatentToRgb::fit(model)?;
    Ok(model.preview_map().insert(fitted).clone())
}

fn model_as_network(model: &mut dyn Model) -> &mut dyn Network {
    model
}

/// Share of the running time that previews may take. The linear map's are always made; the VAE's where that leaves room.
const PREVIEW_SHARE: f64 = 0.05;

/// The largest latent that is decoded for a preview, for the memory that takes.
const FULL_PREVIEW_CELLS: usize = 128 * 128;

/// How previews are made, and what they have cost.
struct Previews {
    rgb: LatentToRgb,
    /// Seconds a VAE decode takes for a latent pixel.
    decode_pace: f64,
    /// Seconds spent on previews so far, finding out how to make them included.
    spent: f64,
}

/// Turns engine steps into the watcher's, with previews.
struct Follower<'a> {
    watcher: &'a mut dyn Watcher,
    previews: Option<Previews>,
    document: &'a Document,
    wrap: (bool, bool),
    factor: usize,
    start: Instant,
    /// Runs of the engine in this drawing, and how many of them are done.
    runs: usize,
    run: usize,
    /// The region that is being drawn again, and the latent it is drawn into.
    again: Option<(&'a Reroll, Planes)>,
}

impl Observer for Follower<'_> {
    fn cancelled(&mut self) -> bool {
        self.watcher.cancelled()
    }

    fn stepped(&mut self, done: usize, total: usize, denoised: &Planes, network: &mut dyn Network) {
        // Every run of one drawing takes as many steps.
        let (done, total) = (self.run * total + done, self.runs * total);
        let preview = self.preview(done, total, denoised, network);
        self.watcher.step(done, total, preview);
    }
}

impl Follower<'_> {
    fn preview(&mut self, done: usize, total: usize, latent: &Planes, network: &mut dyn Network) -> Option<RgbImage> {
        let previews = self.previews.as_mut()?;
        let begun = Instant::now();
        let mut together = None;
        if let Some((reroll, others)) = &self.again {
            reroll.lay_latent(latent, together.insert(others.clone()));
        }
        let latent = together.as_ref().unwrap_or(latent);
        let cells = latent.plane_len();
        // Earned by the steps alone. Nothing is decoded in advance of it: the last step's picture comes anyway.
        let earned = ((begun - self.start).as_secs_f64() - previews.spent).max(0.0) * PREVIEW_SHARE;
        let affordable = previews.spent + previews.decode_pace * cells as f64 <= earned;
        let mut picture = None;
        if affordable && cells <= FULL_PREVIEW_CELLS && done < total {
            picture = decode(network, latent, self.document, self.wrap).ok();
            previews.decode_pace = begun.elapsed().as_secs_f64() / cells.max(1) as f64;
        }
        let size = (self.document.width, self.document.height);
        let picture = picture.unwrap_or_else(|| previews.rgb.picture(latent, self.factor, size, self.wrap));
        previews.spent += begun.elapsed().as_secs_f64();
        Some(picture)
    }
}

fn sampler(document: &Document, config: &SchedulerConfig, options: &Options) -> Result<Box<dyn Sampler>, DrawError> {
    let settings = &document.settings;
    let steps = settings.steps as usize;
    if options.reference && settings.sampler != document::Sampler::Ddim {
        return Err(DrawError::Invalid("--reference is the released DDIM loop; give --sampler ddim".to_owned()));
    }
    let config = &config.with_schedule(match settings.schedule {
        document::Schedule::Normal => diffusion::Schedule::Normal,
        document::Schedule::Karras => diffusion::Schedule::Karras,
        document::Schedule::Exponential => diffusion::Schedule::Exponential,
        document::Schedule::Trailing => diffusion::Schedule::Trailing,
        document::Schedule::Sgm => diffusion::Schedule::SgmUniform,
    });
    Ok(match settings.sampler {
        document::Sampler::Ddim => Box::new(Ddim::new(config, steps)?),
        document::Sampler::Euler => Box::new(Euler::new(config, steps)?),
        document::Sampler::EulerAncestral => Box::new(EulerAncestral::new(config, steps)?),
        document::Sampler::Heun => Box::new(Heun::new(config, steps)?),
        document::Sampler::Dpmpp2m => Box::new(DpmSolver::new(config, steps, false)?),
        document::Sampler::Dpmpp2mSde => Box::new(DpmSolver::new(config, steps, true)?),
        document::Sampler::UniPc => Box::new(UniPc::new(config, steps)?),
        document::Sampler::Lcm => Box::new(Lcm::new(config, steps)?),
    })
}
