//! Checkpoints made for few steps, by what they say of themselves.

use super::Checkpoint;

/// How a checkpoint that was made for few steps is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FewSteps {
    /// A latent consistency model: LCM's own sampler (Luo et al. 2023).
    Lcm,
    /// Distilled with an adversary (SD-Turbo, Lightning, Hyper-SD): Euler on trailing timesteps.
    Adversarial,
}

/// The most of a model card that is looked at.
const CARD: usize = 1 << 14;

impl Checkpoint {
    /// What the scheduler's configuration or the tags of the model card (README.md) say of few steps.
    #[must_use]
    pub fn few_steps(&self) -> Option<FewSteps> {
        if self.scheduler.get("_class_name").and_then(|v| v.as_str()) == Some("LCMScheduler") {
            return Some(FewSteps::Lcm);
        }
        let card = self.store.has("README.md").then(|| self.store.text("README.md").ok())??;
        of_card(&card)
    }
}

/// The tags in a card's front matter: a list of `- tag` lines between two lines of dashes.
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
