//! Settings that depend on a checkpoint: on its family, and on whether it was distilled for few steps.

use crate::checkpoint::{Checkpoint, EMBEDDED, EMBEDDED_FEW_STEPS, FewSteps};
use crate::document::{BootstrapColour, Lora, Sampler, Schedule, Settings};
use std::collections::HashMap;

/// The families that have settings of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Family {
    /// The embedded checkpoint and others of sizes of their own.
    #[default]
    Own,
    /// Stable Diffusion 1 or 2.
    StableDiffusion,
    /// SDXL.
    Sdxl,
}

/// What of a checkpoint its settings depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Nature {
    /// The kind of its distillation.
    pub few_steps: Option<FewSteps>,
    /// Its family.
    pub family: Family,
    /// Whether it predicts velocities.
    pub velocity: bool,
    /// Whether its UNet reads the guidance scale.
    pub takes_guidance: bool,
    /// Side of the pictures that it was trained on, in pixels; 0 where that is not known.
    pub side: u32,
}

impl Nature {
    /// That of the checkpoint of this name or path, by its files; of one that cannot be read, what can be told.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let few_steps = FewSteps::of(model);
        let read = |checkpoint: Checkpoint| Ok((checkpoint.summary()?, checkpoint.takes_guidance()));
        let Ok((summary, takes_guidance)) = Checkpoint::open(model).and_then(read) else {
            return Self { few_steps, ..Self::default() };
        };
        let family = match summary.kind {
            "Stable Diffusion 1" | "Stable Diffusion 2" => Family::StableDiffusion,
            "SDXL" => Family::Sdxl,
            _ => Family::Own,
        };
        let velocity = summary.prediction_type == "v_prediction" && family != Family::Own;
        let side = u32::try_from(summary.window * summary.latent_scale).unwrap_or(0);
        Self { few_steps, family, velocity, takes_guidance, side: if family == Family::Own { 0 } else { side } }
    }

    /// One whose family brings nothing.
    #[must_use]
    pub fn of_steps(few_steps: Option<FewSteps>) -> Self {
        Self { few_steps, ..Self::default() }
    }

    /// That of the checkpoint with these LoRAs over it: some make few steps enough.
    #[must_use]
    fn with(self, loras: &[Lora]) -> Self {
        Self { few_steps: few_steps_of(loras).or(self.few_steps), ..self }
    }

    /// Whether the same settings suit both.
    fn suits_as(self, other: Self) -> bool {
        Self { side: 0, ..self } == Self { side: 0, ..other }
    }

    /// The canvas on which such a checkpoint draws well, for one of another size: scaled up until its shorter side is as long as the
    /// pictures that the checkpoint was trained on, in steps of 64 pixels. `None` where it is large enough.
    #[must_use]
    pub fn canvas(self, (width, height): (u32, u32)) -> Option<(u32, u32)> {
        let short = width.min(height);
        if short == 0 || short >= self.side {
            return None;
        }
        let scaled = |side: u32| (f64::from(side) * f64::from(self.side) / f64::from(short) / 64.0).round() as u32 * 64;
        Some((scaled(width), scaled(height)))
    }
}

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

/// The guidance that the makers of latent consistency models tell them (of the 3 to 13 that they were distilled with).
const TOLD: f32 = 8.0;

/// The guidance that Hyper-SD's versions with guidance were made for: 5 to 8.
const GUIDED: f32 = 5.0;

impl Preset {
    /// The preset in a document's settings.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let &Settings { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour, .. } = settings;
        Self { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour }
    }

    /// The recommended preset for the checkpoint of this name or path and nature.
    #[must_use]
    pub fn recommended(model: &str, nature: Nature) -> Self {
        let own = Self::of(&Settings::default());
        let (sampler, schedule) = match nature.few_steps {
            None => return Self::of_family(own, nature),
            Some(FewSteps::Lcm) => (Sampler::Lcm, Schedule::Normal),
            Some(FewSteps::Dmd2(_)) => (Sampler::Lcm, Schedule::Trailing),
            Some(FewSteps::Adversarial | FewSteps::Lightning(_)) => (Sampler::Euler, Schedule::Trailing),
            Some(FewSteps::Hyper(_) | FewSteps::GuidedHyper(_)) => (Sampler::Ddim, Schedule::Trailing),
        };
        let steps = nature.few_steps.map_or(own.steps, FewSteps::steps);
        let guidance = match nature.few_steps {
            _ if nature.takes_guidance => TOLD,
            Some(FewSteps::GuidedHyper(_)) => GUIDED,
            // (Most have guidance distilled in.)
            _ => 1.0,
        };
        // Random colours stain pictures of few steps (SemanticDraw). The embedded version was trained on regions in all colours: its
        // mean IoU is 0.58 with three bootstrapped steps of four and 0.48 with two, and white stains it (training/model_card.md).
        let (bootstrap, bootstrap_colour) = match model {
            EMBEDDED | EMBEDDED_FEW_STEPS => (0.75, own.bootstrap_colour),
            _ => (own.bootstrap, BootstrapColour::White),
        };
        Self { sampler, schedule, steps, guidance, bootstrap, bootstrap_colour }
    }

    /// What the makers of a family's checkpoints recommend: DPM++ 2M on Karras' spacing; SDXL with less guidance. Karras' spacing leaves
    /// out the noisiest levels, at which checkpoints of velocities with zero terminal signal begin.
    fn of_family(own: Self, Nature { family, velocity, .. }: Nature) -> Self {
        let (sampler, schedule) = match family {
            Family::Own => return own,
            _ if velocity => (Sampler::Euler, Schedule::Normal),
            _ => (Sampler::Dpmpp2m, Schedule::Karras),
        };
        let guidance = match family {
            Family::Sdxl if velocity => 5.0,
            Family::Sdxl => 6.0,
            _ => 7.0,
        };
        Self { sampler, schedule, guidance, steps: if family == Family::Sdxl { 28 } else { 24 }, ..own }
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
pub struct Presets(HashMap<Nature, Preset>);

impl Presets {
    /// Changes the checkpoint. Where the new one is of another kind, the preset last used with that kind comes back, or at first
    /// its recommended one. The natures are those of the old and the new checkpoint. True where settings were changed.
    pub fn choose(&mut self, settings: &mut Settings, model: String, natures: [Nature; 2]) -> bool {
        settings.model = model;
        let natures = natures.map(|nature| nature.with(&settings.loras));
        self.change(settings, natures)
    }

    /// Changes the LoRAs over a checkpoint of this nature. Those that make few steps enough bring their preset, as such a checkpoint
    /// does, and leave that of its family behind.
    pub fn lay(&mut self, settings: &mut Settings, nature: Nature, change: impl FnOnce(&mut Settings)) {
        let from = nature.with(&settings.loras);
        change(settings);
        let to = nature.with(&settings.loras);
        self.change(settings, [from, to]);
    }

    /// True where settings were changed.
    fn change(&mut self, settings: &mut Settings, [from, to]: [Nature; 2]) -> bool {
        let before = Preset::of(settings);
        if !from.suits_as(to) {
            let kind = |nature| Nature { side: 0, ..nature };
            self.0.insert(kind(from), before);
            let known = self.0.get(&kind(to)).copied();
            known.unwrap_or_else(|| Preset::recommended(&settings.model, to)).apply(settings);
        }
        Preset::of(settings) != before
    }
}

/// The kind of few steps that LoRAs bring.
#[must_use]
pub fn few_steps_of(loras: &[Lora]) -> Option<FewSteps> {
    FewSteps::of_loras(loras.iter().map(|lora| lora.file.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lora_for_few_steps_brings_its_preset_and_takes_it_along() {
        let mut settings = Settings { steps: 31, ..Settings::default() };
        let (before, mut presets) = (settings.clone(), Presets::default());
        presets.lay(&mut settings, Nature::default(), |s| s.loras.push(Lora::new("ink.safetensors")));
        assert_eq!(settings.steps, 31);
        presets.lay(&mut settings, Nature::default(), |s| {
            s.loras.push(Lora::new("sdxl_lightning_8step_lora.safetensors"));
        });
        assert_eq!(
            (settings.sampler, settings.steps, settings.guidance.to_bits()),
            (Sampler::Euler, 8, 1_f32.to_bits())
        );
        presets.lay(&mut settings, Nature::default(), |s| s.loras.clear());
        assert_eq!(settings, before);
    }

    #[test]
    fn without_its_lora_for_few_steps_a_model_has_its_family_s_settings() {
        let lora = || Lora::new("sdxl_lightning_8step_lora.safetensors");
        let sdxl = Nature { family: Family::Sdxl, side: 1024, ..Nature::default() };
        // The document came with the LoRA, so nothing was drawn without it yet.
        let mut settings = Settings { loras: vec![lora()], steps: 8, guidance: 1.0, ..Settings::default() };
        let mut presets = Presets::default();
        presets.lay(&mut settings, sdxl, |s| s.loras.clear());
        assert_eq!((settings.steps, settings.guidance.to_bits()), (28, 6.0_f32.to_bits()));
        assert_eq!((settings.sampler, settings.schedule), (Sampler::Dpmpp2m, Schedule::Karras));
        // Another family's checkpoint is drawn with in few steps, too, while the LoRA stays.
        presets.lay(&mut settings, sdxl, |s| s.loras.push(lora()));
        presets.choose(&mut settings, "own".to_owned(), [sdxl, Nature::default()]);
        assert_eq!((settings.steps, settings.guidance.to_bits()), (8, 1.0_f32.to_bits()));
        // A checkpoint for few steps is one still when a LoRA of another kind is gone.
        let few = Nature { few_steps: Some(FewSteps::Lcm), ..Nature::default() };
        presets.lay(&mut settings, few, |s| s.loras.clear());
        assert_eq!((settings.sampler, settings.steps), (Sampler::Lcm, 4));
    }

    #[test]
    fn presets_are_what_such_checkpoints_were_made_for() {
        let few = |kind| Nature::of_steps(Some(kind));
        let mut settings = Settings { seed: 7, stride: 16, ..Settings::default() };
        Preset::recommended("elsewhere", few(FewSteps::Lcm)).apply(&mut settings);
        assert_eq!((settings.sampler, settings.steps, settings.guidance.to_bits()), (Sampler::Lcm, 4, 1_f32.to_bits()));
        assert_eq!((settings.seed, settings.stride), (7, 16), "the rest stays");
        assert_eq!(
            (settings.bootstrap.to_bits(), settings.bootstrap_colour),
            (0.4_f32.to_bits(), BootstrapColour::White)
        );
        Preset::recommended(EMBEDDED_FEW_STEPS, few(FewSteps::Lcm)).apply(&mut settings);
        assert_eq!(
            (settings.bootstrap.to_bits(), settings.bootstrap_colour),
            (0.75_f32.to_bits(), BootstrapColour::Random)
        );
        Preset::recommended("elsewhere", few(FewSteps::Adversarial)).apply(&mut settings);
        assert_eq!((settings.sampler, settings.schedule), (Sampler::Euler, Schedule::Trailing));
        for (few, sampler, schedule, steps, guidance) in [
            (FewSteps::Lightning(8), Sampler::Euler, Schedule::Trailing, 8, 1.0_f32),
            (FewSteps::Hyper(2), Sampler::Ddim, Schedule::Trailing, 2, 1.0),
            (FewSteps::GuidedHyper(12), Sampler::Ddim, Schedule::Trailing, 12, 5.0),
            (FewSteps::Dmd2(4), Sampler::Lcm, Schedule::Trailing, 4, 1.0),
        ] {
            Preset::recommended("elsewhere", Nature::of_steps(Some(few))).apply(&mut settings);
            let found = (settings.sampler, settings.schedule, settings.steps, settings.guidance.to_bits());
            assert_eq!(found, (sampler, schedule, steps, guidance.to_bits()), "{few:?}");
            assert!(sampler.follows(schedule), "{few:?}");
        }
        Preset::recommended(EMBEDDED, Nature::default()).apply(&mut settings);
        assert_eq!(settings, Settings { seed: 7, stride: 16, ..Settings::default() });
    }

    #[test]
    fn a_family_brings_its_settings_and_leaves_a_painters_own() {
        let natures = |family| [Nature::default(), Nature { family, side: 1024, ..Nature::default() }];
        let mut presets = Presets::default();
        let mut settings = Settings { steps: 33, ..Settings::default() };
        let [own, sdxl] = natures(Family::Sdxl);
        assert!(presets.choose(&mut settings, "xl".to_owned(), [own, sdxl]));
        assert_eq!((settings.sampler, settings.schedule), (Sampler::Dpmpp2m, Schedule::Karras));
        assert_eq!((settings.steps, settings.guidance.to_bits()), (28, 6.0_f32.to_bits()));
        settings.guidance = 4.0;
        assert!(!presets.choose(&mut settings, "xl2".to_owned(), [sdxl, Nature { side: 512, ..sdxl }]), "of its kind");
        assert!(presets.choose(&mut settings, EMBEDDED.to_owned(), [sdxl, own]));
        assert_eq!((settings.sampler, settings.steps), (Settings::default().sampler, 33));
        assert!(presets.choose(&mut settings, "xl".to_owned(), [own, sdxl]));
        assert_eq!(settings.guidance.to_bits(), 4.0_f32.to_bits());
        let velocity = Nature { velocity: true, ..sdxl };
        assert!(presets.choose(&mut settings, "v".to_owned(), [sdxl, velocity]));
        assert_eq!((settings.sampler, settings.schedule), (Sampler::Euler, Schedule::Normal));
    }

    #[test]
    fn a_canvas_too_small_for_a_family_is_scaled_up_in_its_shape() {
        let sdxl = Nature { family: Family::Sdxl, side: 1024, ..Nature::default() };
        assert_eq!(sdxl.canvas((768, 512)), Some((1536, 1024)));
        assert_eq!(sdxl.canvas((512, 512)), Some((1024, 1024)));
        assert_eq!(sdxl.canvas((2048, 1024)), None);
        assert_eq!(Nature::default().canvas((64, 64)), None);
    }
}
