//! Settings that depend on whether the checkpoint was distilled for few steps.

use crate::checkpoint::{EMBEDDED, EMBEDDED_FEW_STEPS, FewSteps};
use crate::document::{BootstrapColour, Sampler, Schedule, Settings};
use std::collections::HashMap;

/// The settings that suit one kind of checkpoint and not another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    sampler: Sampler,
    schedule: Schedule,
    steps: u32,
    guidance: f32,
    bootstrap: f32,
    bootstrap_colour: BootstrapColour,
}

impl Preset {
    /// The preset that a document's settings amount to.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let &Settings { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour, .. } = settings;
        Self { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour }
    }

    /// The preset to begin with for the checkpoint of this name or path; `few` is `None` for one that was not distilled.
    #[must_use]
    pub fn recommended(model: &str, few: Option<FewSteps>) -> Self {
        let own = Self::of(&Settings::default());
        let (sampler, schedule) = match few {
            None => return own,
            Some(FewSteps::Lcm) => (Sampler::Lcm, Schedule::Normal),
            Some(FewSteps::Adversarial) => (Sampler::Euler, Schedule::Trailing),
        };
        // Colours stain pictures of few steps (SemanticDraw), but the built-in version was trained on regions in all colours: it has
        // a mean IoU of 0.58 with three bootstrapped steps of four, 0.48 with two, and white stains it (training/model_card.md).
        let (bootstrap, bootstrap_colour) = match model {
            EMBEDDED | EMBEDDED_FEW_STEPS => (0.75, own.bootstrap_colour),
            _ => (own.bootstrap, BootstrapColour::White),
        };
        // (Guidance is built in.)
        Self { sampler, schedule, steps: FewSteps::STEPS, guidance: 1.0, bootstrap, bootstrap_colour }
    }

    /// Puts these settings into a document's.
    pub fn apply(&self, settings: &mut Settings) {
        let Self { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour } = *self;
        (settings.sampler, settings.schedule, settings.steps) = (sampler, schedule, steps);
        (settings.guidance, settings.bootstrap, settings.bootstrap_colour) = (guidance, bootstrap, bootstrap_colour);
    }
}

/// The settings a document was last drawn with, by kind of checkpoint, so that changing to another kind and back loses nothing.
#[derive(Debug, Default)]
pub struct Presets(HashMap<Option<FewSteps>, Preset>);

impl Presets {
    /// Changes the checkpoint. Where the new one is of another kind, the settings last used with that kind come back, or at first
    /// its recommended ones.
    pub fn choose(&mut self, settings: &mut Settings, model: String) {
        let [from, to] = [&settings.model, &model].map(|name| FewSteps::of(name));
        if from != to {
            self.0.insert(from, Preset::of(settings));
            self.0.get(&to).copied().unwrap_or_else(|| Preset::recommended(&model, to)).apply(settings);
        }
        settings.model = model;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_what_such_checkpoints_were_made_for() {
        let mut settings = Settings { seed: 7, stride: 16, ..Settings::default() };
        Preset::recommended("elsewhere", Some(FewSteps::Lcm)).apply(&mut settings);
        assert_eq!((settings.sampler, settings.steps, settings.guidance.to_bits()), (Sampler::Lcm, 4, 1_f32.to_bits()));
        assert_eq!((settings.seed, settings.stride), (7, 16), "the rest stays");
        assert_eq!(
            (settings.bootstrap.to_bits(), settings.bootstrap_colour),
            (0.4_f32.to_bits(), BootstrapColour::White)
        );
        Preset::recommended(EMBEDDED_FEW_STEPS, Some(FewSteps::Lcm)).apply(&mut settings);
        assert_eq!(
            (settings.bootstrap.to_bits(), settings.bootstrap_colour),
            (0.75_f32.to_bits(), BootstrapColour::Random)
        );
        Preset::recommended("elsewhere", Some(FewSteps::Adversarial)).apply(&mut settings);
        assert_eq!((settings.sampler, settings.schedule), (Sampler::Euler, Schedule::Trailing));
        Preset::recommended(EMBEDDED, None).apply(&mut settings);
        assert_eq!(settings, Settings { seed: 7, stride: 16, ..Settings::default() });
    }
}
