//! What a run will cost, before it is started.

use super::drawing::{Options, bootstrap_steps, coverages, visible};
use crate::diffusion::masks::latent_masks;
use crate::diffusion::windows::windows;
use crate::document::Document;
use std::collections::HashSet;

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

impl Estimate {
    /// Counts what the engine will do for `document` on a model of this window and factor.
    #[must_use]
    pub fn of(document: &Document, window: usize, factor: usize) -> Self {
        let settings = &document.settings;
        let steps = settings.steps as usize;
        let (width, height) = (document.width as usize, document.height as usize);
        let masks = latent_masks(width, height, factor, &coverages(document));
        let (w, h) = (width.div_ceil(factor), height.div_ceil(factor));
        let side = settings.window.map_or(window, |w| w as usize);
        let stride = (settings.stride as usize).min(side);
        let windows = windows(h, w, side, stride, (settings.wrap.x(), settings.wrap.y()));

        // Words, negative words and bootstrapped steps of each part, the background first.
        let background = &document.background;
        let mut parts = vec![(background.words.as_str(), background.negative.as_str(), 0)];
        for region in visible(document) {
            let negative = region.negative.as_deref().unwrap_or(&background.negative);
            let fraction = region.bootstrap.unwrap_or(settings.bootstrap);
            parts.push((region.words.as_str(), negative, bootstrap_steps(fraction, document, Options::default())));
        }
        let guided = settings.guidance != 1.0;
        let mut unet_samples = 0;
        for window in &windows {
            let here: Vec<(usize, bool)> = (0..parts.len())
                .filter_map(|k| {
                    let mask = window.crop_plane(&masks[k], h, w);
                    mask.iter().any(|&m| m != 0.0).then(|| (k, mask.iter().all(|&m| m == 1.0)))
                })
                .collect();
            for step in 0..steps {
                // A bootstrapping region has an input of its own; all others share the window's.
                let mut shared = HashSet::new();
                let mut own = 0;
                for &(k, full) in &here {
                    let (words, negative, bootstrapped) = parts[k];
                    if step < bootstrapped && !full {
                        own += 1 + usize::from(guided);
                    } else {
                        shared.insert(words);
                        if guided {
                            shared.insert(negative);
                        }
                    }
                }
                unet_samples += settings.sampler.evaluations(step, steps) * (own + shared.len());
            }
        }
        Self { windows: windows.len(), steps, unet_samples, seconds: None }
    }
}
