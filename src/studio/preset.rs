//! Settings that depend on whether the checkpoint was distilled for few steps.

use crate::checkpoint::{EMBEDDED, EMBEDDED_FEW_STEPS, FewSteps};
use crate::document::{BootstrapColour, Sampler, Schedule, Settings};
use std::collections::HashMap;

/// Settings that suit one kind of checkpoint: distilled for few steps, or not.
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
    /// The preset in a document's settings.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let &Settings { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour, .. } = settings;
        Self { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour }
    }

    /// The recommended preset for the checkpoint of this name or path; `few` is `None` for one that was not distilled.
    #[must_use]
    pub fn recommended(model: &str, few: Option<FewSteps>) -> Self {
        let own = Self::of(&Settings::default());
        let (sampler, schedule) = match few {
            None => return own,
            Some(FewSteps::Lcm) => (Sampler::Lcm, Schedule::Normal),
            Some(FewSteps::Adversarial) => (Sampler::Euler, Schedule::Trailing),
        };
        // Random colours stain pictures of few steps (SemanticDraw). The embedded version was trained on regions in all colours: its
        // mean IoU is 0.58 with three bootstrapped steps of four and 0.48 with two, and white stains it (training/model_card.md).
        let (bootstrap, bootstrap_colour) = match model {
            EMBEDDED | EMBEDDED_FEW_STEPS => (0.75, own.bootstrap_colour),
            _ => (own.bootstrap, BootstrapColour::White),
        };
        // (Such checkpoints have guidance distilled in.)
        Self { sampler, schedule, steps: FewSteps::STEPS, guidance: 1.0, bootstrap, bootstrap_colour }
    }

    /// Writes these settings over a document's.
    pub fn apply(&self, settings: &mut Settings) {
        let Self { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour } = *self;
        (settings.sampler, settings.schedule, settings.steps) = (sampler, schedule, steps);
        (settings.guidance, settings.bootstrap, settings.bootstrap_colour) = (guidance, bootstrap, bootstrap_colour);
    }
}

/// The preset last used with each kind of checkpoint, so that changing to another kind and back loses nothing.
#[derive(Debug, Default)]
pub struct Presets(HashMap<Option<FewSteps>, Preset>);

impl Presets {
    /// Changes the checkpoint. Where the new one is of another kind, the preset last used with that kind comes back, or at first
    /// its recommended one. The kinds are those of the old and the new checkpoint, as [`FewSteps::of`] reads them from files.
    pub fn choose(&mut self, settings: &mut Settings, model: String, [from, to]: [Option<FewSteps>; 2]) {
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
