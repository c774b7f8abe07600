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

/// The kind of a distilled checkpoint, which decides its sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FewSteps {
    /// A latent consistency model (Luo et al. 2023), drawn with LCM's own sampler.
    Lcm,
    /// Adversarial distillation (SD-Turbo, Lightning, Hyper-SD), drawn with Euler on trailing timesteps.
    Adversarial,
}

impl FewSteps {
    /// The usual number of steps of such a checkpoint.
    pub const STEPS: u32 = 4;

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
    let card = store.has("README.md").then(|| store.text("README.md").ok()).flatten();
    if let Store::Assembled(files) = store
        && let Some(name) = files.drawn_by()
    {
        return of_name(name);
    }
    let inside = matches!(store, Store::FewSteps(_)).then_some(FewSteps::Adversarial);
    card.and_then(|card| of_card(&card)).or(inside)
}

/// The kind that a single file's name tells; nothing else in it does. A hint, as the names are that people give.
fn of_name(name: &str) -> Option<FewSteps> {
    let lower = name.to_lowercase();
    // DMD2 is drawn with LCM's sampler (Yin et al. 2024, arXiv:2405.14867).
    if has_word(&lower, "lcm") || has_word(&lower, "dmd2") || has_word(&lower, "dmd") {
        return Some(FewSteps::Lcm);
    }
    // "Hyper" alone begins many words that say nothing of steps.
    let hyper = lower.split("hyper").skip(1).map(|after| after.trim_start_matches(['-', '_', ' ', '.']));
    let hyper = hyper.into_iter().any(|after| {
        after.is_empty() || after.starts_with("sd") || after.starts_with("step") || after.starts_with(char::is_numeric)
    });
    let adversarial = hyper || ["turbo", "lightning"].iter().any(|word| lower.contains(word));
    adversarial.then_some(FewSteps::Adversarial)
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
            ("dmd2_sdxl_4step", Some(FewSteps::Lcm)),
            ("sd_xl_turbo_1.0_fp16", Some(FewSteps::Adversarial)),
            ("realvisxlV50_v50LightningBakedvae", Some(FewSteps::Adversarial)),
            ("mix-Hyper-SD15-8steps", Some(FewSteps::Adversarial)),
            ("hyperrealism_v3", None),
            ("v1-5-pruned-emaonly", None),
            ("helmcraft", None),
        ] {
            assert_eq!(of_name(name), kind, "{name}");
        }
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
