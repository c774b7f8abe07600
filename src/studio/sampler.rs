//! The sampler that a document's settings name.

use super::drawing::{DrawError, Options};
use crate::diffusion::{
    self, Ddim, DpmSolver, Euler, EulerAncestral, Heun, Lcm, PredictionType, Sampler, SchedulerConfig, UniPc,
};
use crate::document::{self, Document, Prediction, Settings};

/// The checkpoint's noise as the document says, where it says anything.
pub(super) fn noise(settings: &Settings, config: &SchedulerConfig) -> SchedulerConfig {
    match settings.prediction {
        Prediction::Auto => config.clone(),
        Prediction::Epsilon => config.with_prediction(PredictionType::Epsilon, false),
        Prediction::V => config.with_prediction(PredictionType::VPrediction, false),
        Prediction::VZsnr => config.with_prediction(PredictionType::VPrediction, true),
    }
}

/// A sampler for the document's steps and schedule on a checkpoint's noise levels.
///
/// # Errors
/// If the checkpoint's scheduler does not allow the schedule or the steps, or the released loop another sampler.
pub(super) fn sampler(
    document: &Document,
    config: &SchedulerConfig,
    options: &Options,
) -> Result<Box<dyn Sampler>, DrawError> {
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
