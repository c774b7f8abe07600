//! Plan of a drawing: a document in the engine's terms. The same plan serves a run and the estimate of its cost.

use super::again::{Reroll, rerolls};
use super::drawing::{DrawError, Options};
use super::model::Model;
use super::warning::{Axis, Warning};
use super::{control, init_image, underpainting};
use crate::checkpoint::Checkpoint;
use crate::checkpoint::prompt::schedule::{self, Term};
use crate::checkpoint::prompt::{Reading, Rule};
use crate::diffusion::masks::{Coverage, LatentMask, Overlap, latent_masks, reference_masks};
use crate::diffusion::windows::WindowWeights;
use crate::diffusion::{Changing, Guidance, Hold, Layout, Painting, Part, Prompt, PromptId, Surround};
use crate::document::{self, Document, Lora, Region};
use std::collections::BTreeSet;
use std::ops::Range;

/// Facts of a checkpoint that decide how a canvas is divided into windows.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Side of the window it was trained on, in latent pixels.
    pub window: usize,
    /// Canvas pixels per latent pixel.
    pub factor: usize,
    /// Whether its UNet reads the guidance scale.
    pub takes_guidance: bool,
}

impl Facts {
    /// A window in latent pixels and the canvas pixels of one, of a checkpoint that is guided by negative prompts.
    #[must_use]
    pub fn new(window: usize, factor: usize) -> Self {
        Self { window, factor, takes_guidance: false }
    }

    /// Those of a checkpoint's files.
    pub(super) fn of_files(checkpoint: &Checkpoint) -> Self {
        let (window, factor) = (checkpoint.window(), checkpoint.latent_scale());
        Self { window, factor, takes_guidance: checkpoint.takes_guidance() }
    }

    /// Those of a loaded checkpoint.
    pub fn of(model: &mut dyn Model) -> Self {
        let takes_guidance = model.network().takes_guidance();
        Self { window: model.window(), factor: model.factor(), takes_guidance }
    }
}

/// A document, ready for the engine.
pub(super) struct Plan {
    /// The picture in which nothing is drawn again. Its init latent and underpainting are still to be encoded, its conditions are `None`.
    pub(super) painting: Painting,
    /// Regions drawn again over that picture, the lowest first.
    pub(super) rerolls: Vec<Reroll>,
    /// Freedom of each pixel of the init image to change, 0 (kept) to 255, row by row; `None` where all is free, or there is no
    /// init image.
    pub(super) change: Option<Vec<u8>>,
    /// Warnings about the document's settings and masks.
    pub(super) warnings: Vec<Warning>,
}

/// Visible regions, lowest first.
pub(super) fn visible(document: &Document) -> impl Iterator<Item = &Region> {
    document.regions.iter().filter(|r| r.visible)
}

/// A fraction of the document's steps in whole steps.
pub(super) fn steps_of(fraction: f32, document: &Document) -> usize {
    (f64::from(fraction.clamp(0.0, 1.0)) * f64::from(document.settings.steps)).round() as usize
}

/// Bootstrapped steps at a fraction of the document's steps.
pub(super) fn bootstrap_steps(fraction: f32, document: &Document, options: &Options) -> usize {
    options.bootstrap_steps.unwrap_or_else(|| steps_of(fraction, document)).min(document.settings.steps as usize)
}

/// The steps in which a region takes part.
fn span(region: &Region, document: &Document) -> Range<usize> {
    steps_of(region.start, document)..steps_of(region.end, document)
}

/// Whether parts of the picture are drawn with LoRAs of their own: by attention, and by the released loop, all share a pass, which
/// has those that all have.
fn knows_region_loras(document: &Document, options: &Options) -> bool {
    let mut all = own_loras(document);
    let first = all.next();
    !options.reference && document.settings.regions == document::Regions::MultiDiffusion
        || all.all(|l| Some(l) == first)
}

/// The LoRAs of the background, then of the visible regions, lowest first.
fn own_loras(document: &Document) -> impl Iterator<Item = &[Lora]> {
    let regions = visible(document).map(|region| region.loras.as_slice());
    std::iter::once(document.background.loras.as_slice()).chain(regions)
}

/// The different sets of LoRAs that parts of the picture are drawn with.
pub(super) fn region_loras<'a>(document: &'a Document, options: &Options) -> Vec<&'a [Lora]> {
    let mut sets: Vec<&[Lora]> = Vec::new();
    for loras in own_loras(document).filter(|_| knows_region_loras(document, options)) {
        if !loras.is_empty() && !sets.contains(&loras) {
            sets.push(loras);
        }
    }
    sets
}

/// Embeds words for passes with LoRAs of their own.
pub(super) type Embed<'a> = dyn FnMut(&str, &[Lora]) -> Result<PromptId, DrawError> + 'a;

/// Plans a document for a model. `coverages` are those of its visible regions, lowest first; `prompt` embeds a prompt for passes with
/// LoRAs of its own.
///
/// # Errors
/// If the settings make no sense for this model, or `prompt` fails.
pub(super) fn plan(
    document: &Document,
    coverages: &[Coverage<'_>],
    facts: Facts,
    options: &Options,
    prompt: &mut Embed<'_>,
) -> Result<Plan, DrawError> {
    let settings = &document.settings;
    let mut warnings = Vec::new();
    let (window, stride) = window_and_stride(document, facts, options, &mut warnings)?;
    if options.reference {
        left_out_by_reference(document, options, &mut warnings);
    }
    let (masks, layouts) = masks(document, facts.factor, options, coverages, &mut warnings);
    let mut change = None;
    let mut start = None;
    if let Some(image) = document.init_image.as_ref().filter(|_| !options.reference) {
        change = init_image::change(document, image, coverages)?;
        start = Some(init_image::plan(document, image, facts.factor, change.as_ref())?);
    }
    if start.as_ref().and_then(|s| s.free.as_ref()).is_some_and(|free| free.iter().all(|f| *f <= 0.0)) {
        warnings.push(Warning::NothingMayChange);
    }

    underpainting::check(document)?;
    let underpainting =
        if options.reference { None } else { underpainting::plan(document, coverages, facts.factor, start.as_ref()) };

    let background = &document.background;
    let own = knows_region_loras(document, options);
    if !own && !options.reference {
        warnings.push(Warning::RegionLorasLeftOut);
    }
    warnings.extend(control::warnings(document, options));
    let mut masks = masks.into_iter();
    let mut number = 0..;
    let (rule, steps) = (reading(settings).rule, settings.steps as usize);
    let mut part = |words: &str, negative: &str, region: Option<&Region>| {
        let loras = region.map_or(&background.loras, |region| &region.loras);
        let loras = if own { loras.as_slice() } else { &[] };
        let mut embed = |words: &str| prompt(words, loras);
        let guidance = region.and_then(|r| r.guidance).unwrap_or(settings.guidance);
        let fraction = region.map_or(0.0, |r| r.bootstrap.unwrap_or(settings.bootstrap));
        Ok::<_, DrawError>(Part {
            mask: masks.next().unwrap_or_else(|| LatentMask::empty(0, 0)),
            prompt: joined(words, document, &mut embed)?,
            negative: changing(schedule::at_steps(negative, rule, steps), &mut embed)?,
            bootstrap_steps: region.map_or(0, |_| bootstrap_steps(fraction, document, options)),
            guidance: if facts.takes_guidance { 1.0 } else { guidance },
            guidance_input: facts.takes_guidance.then(|| Guidance::new(guidance)),
            weight: region.map_or(1.0, |r| r.weight),
            seed: region.and_then(|r| r.seed).unwrap_or(settings.seed),
            controls: control::spans(document, options, number.next().unwrap_or(0)),
        })
    };
    let mut parts = vec![part(&document.prompt(&background.prompt), &background.negative, None)?];
    for region in visible(document) {
        let negative = region.negative.as_ref().unwrap_or(&background.negative);
        parts.push(part(&document.prompt(&region.prompt), negative, Some(region))?);
    }
    let painting = Painting {
        height: (document.height as usize).div_ceil(facts.factor),
        width: (document.width as usize).div_ceil(facts.factor),
        parts,
        layouts,
        seed: settings.seed,
        window,
        stride,
        wrap: (settings.wrap.x(), settings.wrap.y()),
        guided_steps: steps_of(settings.guidance_start, document)..steps_of(settings.guidance_end, document),
        window_weights: match settings.window_weights {
            document::WindowWeights::Uniform => WindowWeights::Uniform,
            document::WindowWeights::Tent => WindowWeights::Tent,
        },
        surround: match settings.bootstrap_colour {
            document::BootstrapColour::Random => Surround::RandomColours,
            document::BootstrapColour::White => Surround::WhiteCentred,
        },
        hold: match settings.regions {
            document::Regions::MultiDiffusion => Hold::MultiDiffusion,
            document::Regions::Attention => Hold::Attention,
        },
        factor: facts.factor,
        batch: 1,
        savings: options.savings,
        reuse: settings.reuse as usize,
        init_latent: start,
        underpainting,
        conditions: None,
    };
    if !options.reference {
        warnings.extend(without_effect(settings, &painting, facts));
    }
    let rerolls = if options.reference { Vec::new() } else { rerolls(document, &painting) };
    Ok(Plan { painting, rerolls, change, warnings })
}

/// The document's way of reading prompts in the checkpoint's terms.
pub(super) fn reading(settings: &document::Settings) -> Reading {
    let rule = match settings.prompt_rule {
        document::PromptRule::WebUi => Rule::WebUi,
        document::PromptRule::ComfyUi => Rule::Comfy,
    };
    Reading { rule, clip_skip: settings.clip_skip }
}

/// The prompts that words are joined of, over the document's steps.
fn joined(
    words: &str,
    document: &Document,
    prompt: &mut dyn FnMut(&str) -> Result<PromptId, DrawError>,
) -> Result<Prompt, DrawError> {
    let settings = &document.settings;
    let terms = schedule::terms(words, reading(settings).rule, settings.steps as usize).into_iter();
    let terms = terms.map(|Term { weight, words }| Ok((weight, changing(words, prompt)?)));
    Ok(Prompt { terms: terms.collect::<Result<_, DrawError>>()? })
}

/// Words from each step on as prompts.
fn changing(
    words: Vec<(usize, String)>,
    prompt: &mut dyn FnMut(&str) -> Result<PromptId, DrawError>,
) -> Result<Changing, DrawError> {
    let mut words = words.into_iter();
    let first = words.next().map_or_else(String::new, |(_, words)| words);
    let first = prompt(&first)?;
    Ok(Changing::new(first, words.map(|(step, words)| Ok((step, prompt(&words)?))).collect::<Result<_, DrawError>>()?))
}

/// Window side and stride in latent pixels. The stride is cut to half a window, so that windows overlap enough.
///
/// # Errors
/// If the released loop would not cover the canvas.
fn window_and_stride(
    document: &Document,
    facts: Facts,
    options: &Options,
    warnings: &mut Vec<Warning>,
) -> Result<(usize, usize), DrawError> {
    let settings = &document.settings;
    let (width, height) = (document.width as usize, document.height as usize);
    let (w, h) = (width.div_ceil(facts.factor), height.div_ceil(facts.factor));
    let window = settings.window.map_or(facts.window, |w| w as usize);
    let mut stride = settings.stride as usize;
    if options.reference {
        if width % facts.factor != 0 || height % facts.factor != 0 {
            return Err(DrawError::Invalid(format!(
                "--reference needs a canvas whose sides are multiples of {}; this one is {width}×{height}",
                facts.factor
            )));
        }
        return Ok((window, stride.min(window)));
    }
    let axes = [(Axis::Width, width, w, settings.wrap.x()), (Axis::Height, height, h, settings.wrap.y())];
    for (axis, pixels, cells, wrapped) in axes {
        let (grid, whole) = (facts.factor, cells * facts.factor);
        if whole != pixels {
            warnings.push(Warning::OffGrid { axis, pixels, grid, whole, wrapped });
        }
    }
    let cut = |(_, _, cells, wrapped): &(Axis, usize, usize, bool)| !wrapped && window > *cells;
    if settings.window.is_some() && axes.iter().any(cut) {
        warnings.push(Warning::WindowCut { window, width: w, height: h });
    }
    let several = axes.iter().any(|&(.., cells, wrapped)| wrapped || cells > window);
    let largest = (window / 2).max(1);
    if stride > largest {
        if several {
            warnings.push(Warning::StrideCut { stride, window, used: largest });
        }
        stride = largest;
    }
    Ok((window, stride))
}

/// Warns of settings that the released loop does not know and leaves out.
fn left_out_by_reference(document: &Document, options: &Options, warnings: &mut Vec<Warning>) {
    let settings = &document.settings;
    let any = |test: fn(&Region) -> bool| visible(document).any(test);
    let left_out: Vec<&str> = [
        ("feather", any(|r| r.feather > 0)),
        ("weights", any(|r| r.weight.to_bits() != 1.0_f32.to_bits())),
        ("region seeds", any(|r| r.seed.is_some() || r.reroll.is_some())),
        ("start and end", any(|r| r.start > 0.0 || r.end < 1.0)),
        ("LoRAs of regions", !knows_region_loras(document, options)),
        ("ControlNets", control::any(document)),
        ("picture to start from", document.init_image.is_some()),
        ("colours to start from", underpainting::any(document)),
        ("wrap", settings.wrap != document::Wrap::None),
        ("guidance in a part of the steps", guided_in_part(settings)),
        ("reuse of deep features", settings.reuse > 1),
        ("window weights", settings.window_weights != document::WindowWeights::default()),
        ("regions held by attention", settings.regions != document::Regions::default()),
        ("prompts joined by AND", joins(document)),
        ("the white surround", settings.bootstrap_colour != document::BootstrapColour::default()),
    ]
    .into_iter()
    .filter_map(|(name, used)| used.then_some(name))
    .collect();
    if !left_out.is_empty() {
        warnings.push(Warning::LeftOutByReference(left_out));
    }
}

/// Warns of choices that save network calls and can do nothing in this painting.
fn without_effect(settings: &document::Settings, painting: &Painting, facts: Facts) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if guided_in_part(settings) {
        if facts.takes_guidance {
            warnings.push(Warning::GuidanceIsRead);
        } else if painting.parts.iter().all(|part| part.guidance == 1.0) {
            warnings.push(Warning::NoGuidance);
        }
    }
    if settings.reuse > 1 && settings.steps as usize <= painting.first_step() + 1 {
        warnings.push(Warning::NothingToReuse);
    }
    warnings
}

/// True where guidance counts in a part of the steps only.
fn guided_in_part(settings: &document::Settings) -> bool {
    settings.guidance_start > 0.0 || settings.guidance_end < 1.0
}

/// True where words join several prompts.
fn joins(document: &Document) -> bool {
    let rule = reading(&document.settings).rule;
    let words = std::iter::once(&document.background.prompt).chain(visible(document).map(|region| &region.prompt));
    words.into_iter().any(|words| schedule::terms(words, rule, 1).len() > 1)
}

/// The document's choice for overlaps in the engine's terms.
pub(super) fn overlap(settings: &document::Settings) -> Overlap {
    match settings.overlap {
        document::Overlap::Order => Overlap::Order,
        document::Overlap::Average => Overlap::Average,
    }
}

/// The latent masks of all parts, and the layouts by step where a region takes part in some of the steps only.
fn masks(
    document: &Document,
    factor: usize,
    options: &Options,
    coverages: &[Coverage<'_>],
    warnings: &mut Vec<Warning>,
) -> (Vec<LatentMask>, Vec<Layout>) {
    let settings = &document.settings;
    let (width, height) = (document.width as usize, document.height as usize);
    if options.reference {
        return (reference_masks(width, height, factor, coverages), Vec::new());
    }
    let overlap = overlap(settings);
    let all = latent_masks(width, height, factor, coverages, overlap);

    let spans: Vec<Range<usize>> = visible(document).map(|r| span(r, document)).collect();
    for (region, span) in visible(document).zip(&spans) {
        if span.is_empty() {
            warnings.push(Warning::EmptySpan { region: region.name.clone() });
        }
    }
    let steps = settings.steps as usize;
    if spans.iter().all(|s| *s == (0..steps)) {
        return (all, Vec::new());
    }
    let changes: BTreeSet<usize> =
        spans.iter().flat_map(|s| [s.start, s.end]).chain([0]).filter(|step| *step < steps.max(1)).collect();
    let layouts = changes.into_iter().map(|from| {
        let present: Vec<bool> = spans.iter().map(|s| s.contains(&from)).collect();
        let shown: Vec<Coverage<'_>> =
            coverages.iter().zip(&present).filter_map(|(c, present)| present.then_some(*c)).collect();
        let mut masks = latent_masks(width, height, factor, &shown, overlap).into_iter();
        let mut next = || masks.next().unwrap_or_else(|| LatentMask::empty(height, width));
        let background = next();
        let empty = || LatentMask::empty(background.height(), background.width());
        let regions: Vec<LatentMask> = present.iter().map(|p| if *p { next() } else { empty() }).collect();
        Layout { from, masks: [vec![background], regions].concat() }
    });
    let layouts = layouts.collect();
    (all, layouts)
}
