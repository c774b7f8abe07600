//! Checkpoints distilled for few steps, told by their own files and by their place: a checkpoint's folder may hold a few-step
//! version of it.
//!
//! ```text
//! some-checkpoint/            unet, vae, text_encoder, tokenizer, scheduler
//!     few_steps/              unet and scheduler of its own; other missing files are the outer one's
//! ```

use super::store::{EMBEDDED_FEW_STEPS, FEW_STEPS, Store};
use super::{Checkpoint, EMBEDDED};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// The kind of a distilled checkpoint, or of a LoRA that makes one so, which decides its sampler. Numbers are the steps it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FewSteps {
    /// A latent consistency model (Luo et al. 2023), drawn with LCM's own sampler.
    Lcm,
    /// Adversarial distillation (Turbo and others), drawn with Euler on trailing timesteps.
    Adversarial,
    /// SDXL-Lightning (Lin et al. 2024): just as many steps of Euler on trailing timesteps.
    Lightning(u32),
    /// Hyper-SD (Ren et al. 2024): DDIM on trailing timesteps.
    Hyper(u32),
    /// Hyper-SD whose guidance was left in.
    GuidedHyper(u32),
    /// Distribution matching (Yin et al. 2024): LCM's sampler on trailing timesteps.
    Dmd2(u32),
}

impl Serialize for FewSteps {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Lcm => "lcm",
            Self::Adversarial => "adversarial",
            Self::Lightning(_) => "lightning",
            Self::Hyper(_) | Self::GuidedHyper(_) => "hyper",
            Self::Dmd2(_) => "dmd2",
        })
    }
}

impl FewSteps {
    /// The usual number of steps where nothing says it.
    pub const STEPS: u32 = 4;

    /// The number of steps that it was made for.
    #[must_use]
    pub fn steps(self) -> u32 {
        match self {
            Self::Lcm | Self::Adversarial => Self::STEPS,
            Self::Lightning(steps) | Self::Hyper(steps) | Self::GuidedHyper(steps) | Self::Dmd2(steps) => steps,
        }
    }

    /// The kind that the first of these LoRAs brings that is one for few steps, by the files' names; nothing in the tensors of such
    /// files tells them from others.
    #[must_use]
    pub fn of_loras<'a>(files: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let stem = |file: &'a str| Path::new(file).file_stem()?.to_str();
        files.into_iter().find_map(|file| of_lora_name(stem(file)?))
    }

    /// The kind of the checkpoint of this name or path, by its small files alone. `None` where it was not made for few steps or
    /// cannot be read.
    #[must_use]
    pub fn of(name_or_path: &str) -> Option<Self> {
        let (_, store) = Store::open(name_or_path).ok()?;
        let scheduler = store.json("scheduler/scheduler_config.json").ok()?;
        of_store(&store, &scheduler)
    }
}

/// The name or path of a checkpoint's few-step version, where it has one.
#[must_use]
pub fn few_step_version(name_or_path: &str) -> Option<String> {
    let (_, store) = Store::open(name_or_path).ok()?;
    store.has_few_steps().then(|| match name_or_path {
        EMBEDDED => EMBEDDED_FEW_STEPS.to_owned(),
        path => Path::new(path).join(FEW_STEPS).display().to_string(),
    })
}

/// The name or path of the checkpoint that a few-step version lies in; `None` for any other.
#[must_use]
pub fn few_step_base(name_or_path: &str) -> Option<String> {
    match Store::open(name_or_path).ok()?.1 {
        Store::FewSteps(outer) => Some(match *outer {
            Store::Folder(folder) => folder.display().to_string(),
            _ => EMBEDDED.to_owned(),
        }),
        _ => None,
    }
}

/// The letters of a model card that are looked at.
const CARD: usize = 1 << 14;

impl Checkpoint {
    /// The kind of its distillation, by the scheduler's configuration or the tags of the model card (README.md). A few-step version
    /// that has neither is [`FewSteps::Adversarial`], which any sampler can draw with.
    #[must_use]
    pub fn few_steps(&self) -> Option<FewSteps> {
        of_store(&self.store, &self.scheduler)
    }

    /// Whether a few-step version of it lies in its folder.
    #[must_use]
    pub fn has_few_steps(&self) -> bool {
        self.store.has_few_steps()
    }
}

fn of_store(store: &Store, scheduler: &Value) -> Option<FewSteps> {
    if scheduler.get("_class_name").and_then(Value::as_str) == Some("LCMScheduler") {
        return Some(FewSteps::Lcm);
    }
    // Only consistency models read the guidance.
    let unet = store.json("unet/config.json").ok();
    if unet.is_some_and(|unet| unet.get("time_cond_proj_dim").is_some_and(|waves| !waves.is_null())) {
        return Some(FewSteps::Lcm);
    }
    let card = store.has("README.md").then(|| store.text("README.md").ok()).flatten();
    if let Store::Assembled(files) = store {
        match (files.drawn_by(), files.base("README.md")) {
            (Some(name), _) => return of_name(name),
            (None, Some(base)) => return of_store(base, scheduler),
            (None, None) => {}
        }
    }
    let inside = matches!(store, Store::FewSteps(_)).then_some(FewSteps::Adversarial);
    card.and_then(|card| of_card(&card)).or(inside)
}

/// The kind that a single file's name tells; nothing else in it does. A hint, as the names are that people give.
fn of_name(name: &str) -> Option<FewSteps> {
    let lower = name.to_lowercase();
    let steps = steps_in(&lower);
    if has_word(&lower, "dmd2") || has_word(&lower, "dmd") {
        return Some(FewSteps::Dmd2(steps.unwrap_or(FewSteps::STEPS)));
    }
    if has_word(&lower, "lcm") {
        return Some(FewSteps::Lcm);
    }
    // "Hyper" alone begins many words that say nothing of steps.
    let hyper = lower.split("hyper").skip(1).map(|after| after.trim_start_matches(['-', '_', ' ', '.']));
    let hyper = hyper.into_iter().any(|after| {
        after.is_empty() || after.starts_with("sd") || after.starts_with("step") || after.starts_with(char::is_numeric)
    });
    if hyper {
        let steps = steps.unwrap_or(HYPER_STEPS);
        return Some(if has_word(&lower, "cfg") { FewSteps::GuidedHyper(steps) } else { FewSteps::Hyper(steps) });
    }
    if lower.contains("lightning") {
        return Some(FewSteps::Lightning(steps.unwrap_or(FewSteps::STEPS)));
    }
    lower.contains("turbo").then_some(FewSteps::Adversarial)
}

/// The kind that a LoRA's name tells. Styles are called after lightning, too, so that must say how many steps it is for.
fn of_lora_name(name: &str) -> Option<FewSteps> {
    let few = of_name(name)?;
    let vague = matches!(few, FewSteps::Lightning(_)) && steps_in(&name.to_lowercase()).is_none();
    (!vague).then_some(few)
}

/// Hyper-SD's steps where a name does not say them.
const HYPER_STEPS: u32 = 8;

/// The most steps that "few" are.
const MOST_STEPS: u32 = 16;

/// The number before "step" or "s" in a name: `8step`, `8-steps`, `4_S`.
fn steps_in(lower: &str) -> Option<u32> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut rest = lower;
    while let Some(at) = rest.find(is_digit) {
        let digits = rest.get(at..)?;
        let end = digits.find(|c| !is_digit(c)).unwrap_or(digits.len());
        let (number, after) = digits.split_at(end);
        let after_gap = after.trim_start_matches(['-', '_', ' ']);
        let alone = |text: &str| text.strip_prefix('s').is_some_and(|more| !more.starts_with(char::is_alphanumeric));
        if after_gap.starts_with("step") || alone(after_gap) {
            return number.parse().ok().filter(|steps| (1..=MOST_STEPS).contains(steps));
        }
        rest = after;
    }
    None
}

/// Whether a word stands in a text with no letters around it.
fn has_word(text: &str, word: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + word.len()..).unwrap_or_default());
        !letter(before.chars().next_back()) && !letter(after.chars().next())
    })
}

/// The kind by the tags in a card's front matter: a list of `- tag` lines between two lines of dashes.
fn of_card(card: &str) -> Option<FewSteps> {
    let card: String = card.chars().take(CARD).collect();
    let matter = card.strip_prefix("---")?.split("\n---").next()?.to_lowercase();
    let tags: Vec<&str> = matter
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(|tag| tag.trim_matches(['"', '\'']))
        .collect();
    let any = |names: &[&str]| tags.iter().any(|tag| names.contains(tag));
    if any(&["lcm", "latent-consistency", "latent consistency model"]) {
        Some(FewSteps::Lcm)
    } else if any(&["turbo", "sd-turbo", "lightning", "hyper-sd"]) {
        Some(FewSteps::Adversarial)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_says_that_few_steps_are_enough() {
        for (name, kind) in [
            ("dreamshaper_8_LCM", Some(FewSteps::Lcm)),
            ("dmd2_sdxl_4step", Some(FewSteps::Dmd2(4))),
            ("dmd2_sdxl_1step_unet", Some(FewSteps::Dmd2(1))),
            ("sd_xl_turbo_1.0_fp16", Some(FewSteps::Adversarial)),
            ("realvisxlV50_v50LightningBakedvae", Some(FewSteps::Lightning(4))),
            ("sdxl_lightning_8step_unet", Some(FewSteps::Lightning(8))),
            ("mixLightning_2S", Some(FewSteps::Lightning(2))),
            ("mix-Hyper-SD15-8steps", Some(FewSteps::Hyper(8))),
            ("Hyper-SDXL-2steps", Some(FewSteps::Hyper(2))),
            ("mixHyper", Some(FewSteps::Hyper(8))),
            ("Hyper-SD15-12steps-CFG", Some(FewSteps::GuidedHyper(12))),
            ("hyperrealism_v3", None),
            ("v1-5-pruned-emaonly", None),
            ("helmcraft", None),
        ] {
            assert_eq!(of_name(name), kind, "{name}");
        }
    }

    #[test]
    fn a_lora_s_name_says_that_few_steps_are_enough() {
        let of = |name: &str| FewSteps::of_loras([format!("/models/loras/{name}.safetensors").as_str()]);
        for (name, kind) in [
            ("lcm-lora-sdv1-5", Some(FewSteps::Lcm)),
            ("sdxl_lightning_4step_lora", Some(FewSteps::Lightning(4))),
            ("Hyper-SDXL-8steps-lora", Some(FewSteps::Hyper(8))),
            ("Hyper-SDXL-8steps-CFG-lora", Some(FewSteps::GuidedHyper(8))),
            ("dmd2_sdxl_4step_lora_fp16", Some(FewSteps::Dmd2(4))),
            ("lightning_over_the_sea", None),
            ("ink", None),
        ] {
            assert_eq!(of(name), kind, "{name}");
        }
        assert_eq!(FewSteps::of_loras(["ink.safetensors", "lcm.safetensors"]), Some(FewSteps::Lcm));
    }

    #[test]
    fn a_card_says_by_its_tags_that_few_steps_are_enough() {
        let card = |tag: &str| {
            format!("---\nlicense: mit\ntags:\n- text-to-image\n- {tag}\n---\n# A model, not turbo\n- lcm\n")
        };
        assert_eq!(of_card(&card("LCM")), Some(FewSteps::Lcm));
        assert_eq!(of_card(&card("\"sd-turbo\"")), Some(FewSteps::Adversarial));
        assert_eq!(of_card(&card("anime")), None);
        assert_eq!(of_card("# A model\n- lcm\n"), None);
    }
}
