//! What of a document's settings hangs on whether its checkpoint was made for few steps.

use crate::checkpoint::FewSteps;
use crate::document::{BootstrapColour, Sampler, Schedule, Settings};
use std::collections::HashMap;

/// How a checkpoint is drawn with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    sampler: Sampler,
    schedule: Schedule,
    steps: u32,
    guidance: f32,
    bootstrap_colour: BootstrapColour,
}

impl Manner {
    /// That of a document.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let &Settings { sampler, schedule, steps, guidance, bootstrap_colour, .. } = settings;
        Self { sampler, schedule, steps, guidance, bootstrap_colour }
    }

    /// Where a checkpoint of a kind is best begun with; `None` is one that was not made for few steps.
    #[must_use]
    pub fn preset(few: Option<FewSteps>) -> Self {
        let (sampler, schedule) = match few {
            None => return Self::of(&Settings::default()),
            Some(FewSteps::Lcm) => (Sampler::Lcm, Schedule::Normal),
            Some(FewSteps::Adversarial) => (Sampler::Euler, Schedule::Trailing),
        };
        // (Guidance is built in.)
        Self { sampler, schedule, steps: FewSteps::STEPS, guidance: 1.0, bootstrap_colour: BootstrapColour::White }
    }

    /// Draws in this manner from now on.
    pub fn apply(&self, settings: &mut Settings) {
        let Self { sampler, schedule, steps, guidance, bootstrap_colour } = *self;
        (settings.sampler, settings.schedule, settings.steps) = (sampler, schedule, steps);
        (settings.guidance, settings.bootstrap_colour) = (guidance, bootstrap_colour);
    }
}

/// The manners a document was drawn in, one for each kind of checkpoint, so that changing to another kind and back loses nothing.
#[derive(Debug, Default)]
pub struct Manners(HashMap<Option<FewSteps>, Manner>);

impl Manners {
    /// Another checkpoint draws: where it is of another kind, so does the manner that was last used with that kind, else its
    /// preset.
    pub fn choose(&mut self, settings: &mut Settings, model: String) {
        let [from, to] = [&settings.model, &model].map(|name| FewSteps::of(name));
        if from != to {
            self.0.insert(from, Manner::of(settings));
            self.0.get(&to).copied().unwrap_or_else(|| Manner::preset(to)).apply(settings);
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
        Manner::preset(Some(FewSteps::Lcm)).apply(&mut settings);
        assert_eq!((settings.sampler, settings.steps, settings.guidance.to_bits()), (Sampler::Lcm, 4, 1_f32.to_bits()));
        assert_eq!((settings.seed, settings.stride), (7, 16), "the rest stays");
        Manner::preset(Some(FewSteps::Adversarial)).apply(&mut settings);
        assert_eq!((settings.sampler, settings.schedule), (Sampler::Euler, Schedule::Trailing));
        Manner::preset(None).apply(&mut settings);
        assert_eq!(settings, Settings { seed: 7, stride: 16, ..Settings::default() });
    }
}
