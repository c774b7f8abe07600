//! What a run will cost, before it is started.

use super::again::Reroll;
use super::drawing::Options;
use super::plan::{Facts, plan};
use crate::diffusion::{Painting, PromptId, free_windows};
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
        let plan = plan(document, Facts { window, factor }, &Options::default(), &mut prompt).ok()?;
        let steps = document.settings.steps as usize;
        let windows = plan.painting.windows();
        let first = plan.painting.first_step().min(steps);
        let evaluations =
            || (first..steps).flat_map(|s| std::iter::repeat_n(s, document.settings.sampler.evaluations(s, steps)));
        let count = |painting: &Painting, windows: &[_]| painting.unet_samples(windows, evaluations());
        let again = |Reroll { painting, free }: &Reroll| count(painting, &free_windows(painting, free));
        let unet_samples =
            count(&plan.painting, &plan.painting.evaluated_windows()) + plan.rerolls.iter().map(again).sum::<usize>();
        Some(Self { windows: windows.len(), steps: steps - first, unet_samples, seconds: None })
    }
}
