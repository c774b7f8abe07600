//! Estimate of a run's cost before it is started.

use super::coverage::RegionCoverage;
use super::drawing::Options;
use super::frame::Frame;
use super::plan::{Facts, plan};
use crate::diffusion::{PromptId, free_windows};
use crate::document::{Document, Lora};

/// Cost of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Windows on the canvas.
    pub windows: usize,
    /// Sampler steps of one run.
    pub steps: usize,
    /// Batch elements that the UNet will evaluate.
    pub unet_samples: usize,
    /// About how many of them will be computed from deep features of an earlier step.
    pub unet_samples_shallow: usize,
    /// Seconds of denoising, by the last run of this checkpoint; `None` before the first.
    pub seconds: Option<f32>,
}

/// Estimates the run of a document, or of a frame of its canvas; `None` where its checkpoint cannot be opened, or would refuse it.
pub type Estimator = Box<dyn FnOnce(&Document, Option<Frame>) -> Option<Estimate> + Send>;

/// The time of a call from deep features, to that of a whole one: 0.12 to 0.16 with the embedded networks. (Where it is another, the pace
/// that was measured with the same settings is wrong by as much.)
const SHALLOW: f32 = 0.14;

/// UNet samples in units of whole ones, of which `shallow` are computed from deep features.
pub(super) fn work(samples: usize, shallow: usize) -> f32 {
    samples as f32 - (1.0 - SHALLOW) * shallow as f32
}

impl Estimate {
    /// Its UNet samples in units of whole ones.
    pub(super) fn work(&self) -> f32 {
        work(self.unet_samples, self.unet_samples_shallow)
    }

    /// Counts the UNet samples of `document` on a model of these facts, from the plan that a drawing runs. `None` where a drawing would
    /// be refused.
    #[must_use]
    pub fn of(document: &Document, facts: Facts) -> Option<Self> {
        let mut prompts: Vec<(String, Vec<Lora>)> = Vec::new();
        let mut prompt = |words: &str, loras: &[Lora]| {
            let known = prompts.iter().position(|(known, with)| known == words && with == loras);
            if known.is_none() {
                prompts.push((words.to_owned(), loras.to_vec()));
            }
            Ok(PromptId(known.unwrap_or(prompts.len() - 1)))
        };
        let options = Options::default();
        let coverage = RegionCoverage::of(document, &options).ok()?;
        let plan = plan(document, &coverage.views(), facts, &options, &mut prompt).ok()?;
        let painting = &plan.painting;
        let steps = document.settings.steps as usize;
        let windows = painting.windows();
        let first = painting.first_step().min(steps);
        let evaluations =
            || (first..steps).flat_map(|s| std::iter::repeat_n(s, document.settings.sampler.evaluations(s, steps)));
        let shallow = || evaluations().filter(|&step| painting.whole_step(step) != step);
        // (Another seed costs nothing.)
        let again = plan.rerolls.iter().map(|reroll| free_windows(painting, &reroll.free));
        let runs: Vec<Vec<_>> = std::iter::once(painting.evaluated_windows()).chain(again).collect();
        Some(Self {
            windows: windows.len(),
            steps: steps - first,
            unet_samples: runs.iter().map(|windows| painting.unet_samples(windows, evaluations())).sum(),
            unet_samples_shallow: runs.iter().map(|windows| painting.unet_samples(windows, shallow())).sum(),
            seconds: None,
        })
    }
}
