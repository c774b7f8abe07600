//! Preparation of a drawing: everything that is computed once, before the first step.

use super::again::{self, KeptPicture, Reroll};
use super::coverage::RegionCoverage;
use super::drawing::{DrawError, Options};
use super::model::Model;
use super::plan::{Facts, Plan, plan, reading, region_loras};
use super::sampler::{noise, sampler};
use super::warning::Warning;
use super::{control, init_image, thin, underpainting};
use crate::diffusion::{Painting, Sampler, SchedulerConfig};
use crate::document::{Document, Lora};

/// A document and all that its runs and their finish read: the plan by value, with the init latent and the inpainting
/// UNet's conditions in it.
pub(super) struct Prepared<'a> {
    pub(super) document: &'a Document,
    pub(super) options: &'a Options,
    scheduler: SchedulerConfig,
    /// The picture in which nothing is drawn again.
    pub(super) painting: Painting,
    /// Regions drawn again over that picture, the lowest first.
    pub(super) rerolls: Vec<Reroll>,
    /// That picture, where it is known and needed.
    pub(super) kept: Option<KeptPicture>,
    /// Freedom of each pixel of the init image to change, 0 (kept) to 255, row by row; `None` where all is free, or there is no
    /// init image.
    pub(super) change: Option<Vec<u8>>,
    pub(super) warnings: Vec<Warning>,
}

/// Plans the document, embeds its prompts and encodes its init image.
///
/// # Errors
/// If the settings make no sense for this model, or the device fails.
pub(super) fn prepare<'a>(
    document: &'a Document,
    model: &mut dyn Model,
    options: &'a Options,
) -> Result<Prepared<'a>, DrawError> {
    let scheduler = noise(&document.settings, model.scheduler());
    // Settings that make no sense are refused before anything is computed.
    sampler(document, &scheduler, options)?;
    let facts = Facts::of(model);
    let coverage = RegionCoverage::of(document, options)?;
    let coverages = coverage.views();
    let of_loras = model
        .set_region_loras(&region_loras(document, options))
        .map_err(|e| DrawError::of_loading(e, DrawError::Loras))?;
    let controlled = control::controlled(document, options, facts.factor)?;
    model.set_controls(controlled).map_err(|e| DrawError::of_loading(e, DrawError::Controls))?;
    let reading = reading(&document.settings);
    model.set_embeddings(&document.settings.embeddings);
    let mut prompt = |words: &str, loras: &[Lora]| {
        model.prompt_with(words, reading, loras).map_err(|error| DrawError::of(error, DrawError::Words))
    };
    let Plan { mut painting, rerolls, change, mut warnings } = plan(document, &coverages, facts, options, &mut prompt)?;
    warnings.extend(of_loras);
    warnings.extend(model.left_out().into_iter().map(Warning::EmbeddingLeftOut));
    warnings.extend(thin::warnings(document, &coverages, facts.factor, model.few_steps().is_some()));

    let network = model.network();
    painting.batch = network.preferred_batch(painting.window * painting.window);
    let coloured = !options.reference && underpainting::any(document);
    if painting.init_latent.is_some() || painting.underpainting.is_some() {
        let (factor, wrap) = (painting.factor, painting.wrap);
        let clean = match &document.init_image {
            Some(start) if !coloured => init_image::encode(network, &start.image, factor, wrap)?,
            _ => {
                let picture = underpainting::picture(document, &coverages, change.as_deref());
                init_image::encode(network, &picture, factor, wrap)?
            }
        };
        if let Some(colours) = &mut painting.underpainting {
            colours.clean.clone_from(&clean);
        }
        if let Some(start) = &mut painting.init_latent {
            start.clean = clean;
        }
    }
    if network.in_channels() != network.latent_channels() {
        if options.reference {
            return Err(DrawError::Invalid("--reference knows no inpainting checkpoint; choose another".to_owned()));
        }
        let (factor, wrap) = (painting.factor, painting.wrap);
        painting.conditions = Some(init_image::conditions(network, document, change.as_deref(), factor, wrap)?);
    }
    let kept = options.kept.clone().filter(|_| !rerolls.is_empty());
    if let Some(kept) = &kept {
        again::check(kept, document)?;
    }
    Ok(Prepared { document, options, scheduler, painting, rerolls, kept, change, warnings })
}

impl Prepared<'_> {
    /// A sampler at its first step.
    pub(super) fn sampler(&self) -> Result<Box<dyn Sampler>, DrawError> {
        sampler(self.document, &self.scheduler, self.options)
    }
}
