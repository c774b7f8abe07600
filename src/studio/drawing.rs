//! One drawing from start to end: a document and a model become a picture.

use super::model::Model;
use super::preview::LatentToRgb;
use crate::diffusion::masks::{Coverage, latent_masks, reference_masks};
use crate::diffusion::{
    self, Ddim, DpmSolver, Euler, EulerAncestral, Heun, Lcm, Network, Observer, PaintError, Painting, Part, Planes,
    Sampler, ScheduleError, SchedulerConfig, UniPc,
};
use crate::document::{self, Document, Region};
use image::RgbImage;
use std::time::Instant;

/// How a drawing is made, beyond what the document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Replay the authors' released loop.
    pub reference: bool,
    /// Leave out network calls that cannot change the picture.
    pub savings: bool,
    /// Bootstrapped steps for every region, in place of the document's fractions.
    pub bootstrap_steps: Option<usize>,
    /// Make a preview of every step.
    pub previews: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { reference: false, savings: true, bootstrap_steps: None, previews: false }
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
    /// The final latent `[1, 4, h, w]`.
    pub latent: Planes,
    pub windows: usize,
    pub unet_samples: usize,
    pub unet_samples_reference: usize,
    pub seconds: Seconds,
    pub warnings: Vec<String>,
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
    Words(String),
    #[error("the picture could not be decoded: {0}")]
    Decode(String),
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
    options: Options,
    watcher: &mut dyn Watcher,
) -> Result<Drawn, DrawError> {
    let mut seconds = Seconds::default();
    let mut warnings = Vec::new();
    watcher.stage(Stage::Encoding);
    let start = Instant::now();
    let mut sampler = sampler(document, model.scheduler(), options)?;
    let painting = plan(document, model, options, &mut warnings)?;
    let rgb = if options.previews {
        Some(LatentToRgb::fit(model).map_err(|e| DrawError::Decode(e.to_string()))?)
    } else {
        None
    };
    seconds.encode = start.elapsed().as_secs_f64();
    if watcher.cancelled() {
        return Err(DrawError::Cancelled);
    }

    watcher.stage(Stage::Denoising);
    let start = Instant::now();
    let mut follower =
        Follower { watcher, rgb, document, wrap: painting.wrap, factor: painting.factor, start, full: None };
    let painted = if options.reference {
        let steps = bootstrap_steps(document.settings.bootstrap, document, options);
        diffusion::paint_reference(&painting, steps, &mut *sampler, model_as_network(model), &mut follower)?
    } else {
        diffusion::paint(&painting, &mut *sampler, model_as_network(model), &mut follower)?
    };
    seconds.denoise = start.elapsed().as_secs_f64();
    if watcher.cancelled() {
        return Err(DrawError::Cancelled);
    }

    watcher.stage(Stage::Decoding);
    let start = Instant::now();
    let image = decode(model_as_network(model), &painted.latent, document, painting.wrap)?;
    seconds.decode = start.elapsed().as_secs_f64();
    Ok(Drawn {
        image,
        latent: painted.latent,
        windows: painted.windows,
        unet_samples: painted.unet_samples,
        unet_samples_reference: painted.unet_samples_reference,
        seconds,
        warnings,
    })
}

fn model_as_network(model: &mut dyn Model) -> &mut dyn Network {
    model
}

/// Share of the running time that previews decoded by the VAE may take; other steps show the linear map's.
const FULL_PREVIEW_SHARE: f64 = 0.05;

/// Turns engine steps into the watcher's, with previews.
struct Follower<'a> {
    watcher: &'a mut dyn Watcher,
    rgb: Option<LatentToRgb>,
    document: &'a Document,
    wrap: (bool, bool),
    factor: usize,
    start: Instant,
    /// Seconds all VAE previews took, and the last of them.
    full: Option<(f64, f64)>,
}

impl Observer for Follower<'_> {
    fn cancelled(&mut self) -> bool {
        self.watcher.cancelled()
    }

    fn stepped(&mut self, done: usize, total: usize, denoised: &Planes, network: &mut dyn Network) {
        let preview = self.rgb.is_some().then(|| self.preview(done, total, denoised, network)).flatten();
        self.watcher.step(done, total, preview);
    }
}

impl Follower<'_> {
    fn preview(&mut self, done: usize, total: usize, latent: &Planes, network: &mut dyn Network) -> Option<RgbImage> {
        let rgb = self.rgb.as_ref()?;
        let (spent, last) = self.full.unwrap_or_default();
        let budget = self.start.elapsed().as_secs_f64() * FULL_PREVIEW_SHARE;
        // The last step's picture comes anyway; the first is only mist.
        if done > 1 && done < total && spent + last <= budget {
            let begun = Instant::now();
            let picture = decode(network, latent, self.document, self.wrap).ok();
            let took = begun.elapsed().as_secs_f64();
            self.full = Some((spent + took, took));
            if picture.is_some() {
                return picture;
            }
        }
        Some(rgb.picture(latent, self.factor, (self.document.width, self.document.height)))
    }
}

fn sampler(document: &Document, config: &SchedulerConfig, options: Options) -> Result<Box<dyn Sampler>, DrawError> {
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

/// How many steps a fraction of them is.
pub(super) fn bootstrap_steps(fraction: f32, document: &Document, options: Options) -> usize {
    let steps = document.settings.steps as usize;
    let from_fraction = (f64::from(fraction.clamp(0.0, 1.0)) * steps as f64).round() as usize;
    options.bootstrap_steps.unwrap_or(from_fraction).min(steps)
}

/// Visible regions, lowest first.
pub(super) fn visible(document: &Document) -> impl Iterator<Item = &Region> {
    document.regions.iter().filter(|r| r.visible)
}

pub(super) fn coverages(document: &Document) -> Vec<Coverage<'_>> {
    visible(document)
        .map(|r| Coverage { width: document.width as usize, height: document.height as usize, data: r.mask.data() })
        .collect()
}

fn plan(
    document: &Document,
    model: &mut dyn Model,
    options: Options,
    warnings: &mut Vec<String>,
) -> Result<Painting, DrawError> {
    let settings = &document.settings;
    let factor = model.factor();
    let (width, height) = (document.width as usize, document.height as usize);
    if options.reference && (!width.is_multiple_of(factor) || !height.is_multiple_of(factor)) {
        return Err(DrawError::Invalid(format!(
            "--reference needs a canvas whose sides are multiples of {factor}; this one is {width}×{height}"
        )));
    }
    if visible(document).any(|r| r.mask.width() != document.width || r.mask.height() != document.height) {
        return Err(DrawError::Invalid("a region's mask has another size than the canvas".to_owned()));
    }
    let masks = if options.reference {
        reference_masks(width, height, factor, &coverages(document))
    } else {
        latent_masks(width, height, factor, &coverages(document))
    };
    let window = settings.window.map_or(model.window(), |w| w as usize);

    let background = &document.background;
    let mut words = vec![("the background".to_owned(), background.words.as_str(), background.negative.as_str(), 0)];
    for region in visible(document) {
        let negative = region.negative.as_deref().unwrap_or(&background.negative);
        let steps = bootstrap_steps(region.bootstrap.unwrap_or(settings.bootstrap), document, options);
        words.push((format!("region “{}”", region.name), region.words.as_str(), negative, steps));
    }
    let mut parts = Vec::with_capacity(words.len());
    for (mask, (name, prompt, negative, bootstrap_steps)) in masks.into_iter().zip(words) {
        for text in [prompt, negative] {
            let (tokens, limit) = model.tokens(text);
            if tokens > limit {
                warnings.push(format!("the words of {name} are cut: {tokens} tokens, and this model reads {limit}"));
            }
        }
        if mask.iter().all(|&m| m == 0.0) && !parts.is_empty() {
            warnings.push(format!("{name} covers nothing that shows and takes no part in the picture"));
        }
        let embed =
            |model: &mut dyn Model, words: &str| model.prompt(words).map_err(|e| DrawError::Words(e.to_string()));
        let (prompt, negative) = (embed(model, prompt)?, embed(model, negative)?);
        parts.push(Part { mask, prompt, negative, bootstrap_steps });
    }
    // About as much latent per network call as four pictures of 512 × 512: enough to keep a processor busy.
    let side = window.min(64);
    let batch = (4 * 64 * 64 / (side * side).max(1)).clamp(1, 32);
    Ok(Painting {
        height: height.div_ceil(factor),
        width: width.div_ceil(factor),
        parts,
        guidance: settings.guidance,
        seed: settings.seed,
        window,
        stride: (settings.stride as usize).min(window),
        wrap: (settings.wrap.x(), settings.wrap.y()),
        factor,
        batch,
        savings: options.savings,
    })
}

/// Latent pixels of the other edge that a wrapped decode sees: more than the decoder's receptive field needs to be seamless.
const WRAP_MARGIN: usize = 8;

fn decode(
    network: &mut dyn Network,
    latent: &Planes,
    document: &Document,
    wrap: (bool, bool),
) -> Result<RgbImage, DrawError> {
    let (mx, my) = (if wrap.0 { WRAP_MARGIN } else { 0 }, if wrap.1 { WRAP_MARGIN } else { 0 });
    let padded = wrapped(latent, mx, my);
    let picture = network.decode(&padded).map_err(|e| DrawError::Decode(e.to_string()))?;
    if picture.data.iter().any(|v| !v.is_finite()) {
        return Err(DrawError::Decode("the decoder's picture is not a number; try another checkpoint".to_owned()));
    }
    let factor = picture.width / padded.width.max(1);
    Ok(to_image(&picture, mx * factor, my * factor, document.width, document.height))
}

/// The latent with a margin of its own other edge around it.
fn wrapped(latent: &Planes, mx: usize, my: usize) -> Planes {
    let (h, w) = (latent.height, latent.width);
    let mut out = Planes::zeros(1, latent.channels, h + 2 * my, w + 2 * mx);
    let (plane, wide) = (out.plane_len(), out.width);
    for c in 0..latent.channels {
        for y in 0..out.height {
            for x in 0..wide {
                let (sy, sx) = ((y + h * my - my) % h, (x + w * mx - mx) % w);
                out.data[c * plane + y * wide + x] = latent.data[c * h * w + sy * w + sx];
            }
        }
    }
    out
}

/// A picture in −1…1 as 8-bit sRGB, from an offset, rounded as diffusers does.
pub(super) fn to_image(picture: &Planes, left: usize, top: usize, width: u32, height: u32) -> RgbImage {
    let plane = picture.plane_len();
    RgbImage::from_fn(width, height, |x, y| {
        let x = (x as usize + left).min(picture.width - 1);
        let y = (y as usize + top).min(picture.height - 1);
        let at = |c: usize| {
            let v = picture.data[c * plane + y * picture.width + x];
            ((v / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8
        };
        image::Rgb([at(0), at(1), at(2)])
    })
}
