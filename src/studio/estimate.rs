//! What a run will cost, before it is started.

use super::coverage::RegionCoverage;
use super::drawing::Options;
use super::plan::{Facts, plan};
use crate::diffusion::{PromptId, free_windows};
use crate::document::Document;
use std::collections::HashMap;

/// The cost of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub windows: usize,
    pub steps: usize,
    /// Images the UNet will evaluate.
    pub unet_samples: usize,
    /// From the last run of this checkpoint; `None` before the first.
    pub seconds: Option<f32>,
}

/// What a run of a document would cost; `None` where its checkpoint cannot be opened, or would refuse it.
pub type Estimator = Box<dyn FnOnce(&Document) -> Option<Estimate> + Send>;

impl Estimate {
    /// Counts what the engine will do for `document` on a model of this window and factor, from the same plan that it runs.
    /// `None` where it would refuse the document.
    #[must_use]
    pub fn of(document: &Document, window: usize, factor: usize) -> Option<Self> {
        let mut words: HashMap<String, PromptId> = HashMap::new();
        let mut prompt = |text: &str| {
            let next = PromptId(words.len());
            Ok(*words.entry(text.to_owned()).or_insert(next))
        };
        let options = Options::default();
        let coverage = RegionCoverage::of(document, &options).ok()?;
        let plan = plan(document, &coverage.views(), Facts { window, factor }, &options, &mut prompt).ok()?;
        let painting = &plan.painting;
        let steps = document.settings.steps as usize;
        let windows = painting.windows();
        let first = painting.first_step().min(steps);
        let evaluations =
            || (first..steps).flat_map(|s| std::iter::repeat_n(s, document.settings.sampler.evaluations(s, steps)));
        let count = |windows: &[_]| painting.unet_samples(windows, evaluations());
        // (Another seed costs nothing.)
        let again = plan.rerolls.iter().map(|reroll| count(&free_windows(painting, &reroll.free)));
        let unet_samples = count(&painting.evaluated_windows()) + again.sum::<usize>();
        Some(Self { windows: windows.len(), steps: steps - first, unet_samples, seconds: None })
    }
}
