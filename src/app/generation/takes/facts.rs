//! What a finished picture was made with, and in what it differs from the one made before it: what its caption says.

use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;
use crate::document::{Area, Document};

/// How the picture to start from was used.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Start {
    Noise,
    Picture,
    /// Only a part of it could change.
    Part,
}

/// What a picture was made with, as far as a few words can say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    pub seed: u64,
    start: Start,
    strength: f64,
    steps: u32,
    guidance: f32,
    model: String,
    /// Regions that were drawn again, with their seeds.
    again: Vec<(String, u64)>,
    /// All words.
    words: Vec<String>,
}

impl Facts {
    #[must_use]
    pub(super) fn of(seed: u64, document: &Document) -> Self {
        let start = document.init_image.as_ref();
        let words = [&document.style, &document.background.prompt, &document.background.negative];
        let shown = document.regions.iter().filter(|r| r.visible);
        let again = shown.clone().filter_map(|r| Some((names::shown(&r.name), r.reroll?)));
        Self {
            seed,
            start: match start.map(|start| &start.area) {
                None => Start::Noise,
                Some(Area::Everything) => Start::Picture,
                Some(Area::Regions | Area::Mask(_)) => Start::Part,
            },
            strength: start.map_or(1.0, |start| start.strength),
            steps: document.settings.steps,
            guidance: document.settings.guidance,
            model: document.settings.model.clone(),
            again: again.collect(),
            words: words.into_iter().chain(shown.map(|r| &r.prompt)).cloned().collect(),
        }
    }

    /// The caption: the first thing that is not as in the picture made before.
    #[must_use]
    pub(super) fn caption(&self, before: Option<&Self>) -> String {
        let seed = || fill("seed {0}", &[&self.seed]);
        let Some(before) = before.filter(|before| before.seed == self.seed) else { return seed() };
        let again: Vec<&str> =
            self.again.iter().filter(|one| !before.again.contains(one)).map(|(name, _)| name.as_str()).collect();
        if !again.is_empty() {
            return fill("{0} again", &[&again.join(", ")]);
        }
        if self.start != before.start || (self.start == Start::Part && self.steps == before.steps) {
            return match self.start {
                Start::Noise => tr("from noise").to_owned(),
                Start::Picture => tr("from a picture").to_owned(),
                Start::Part => tr("in part (inpaint)").to_owned(),
            };
        }
        if self.model != before.model {
            tr("other model").to_owned()
        } else if self.steps != before.steps {
            fill("{0} steps", &[&self.steps])
        } else if self.words != before.words {
            tr("other words").to_owned()
        } else if (self.strength - before.strength).abs() > 1e-6 {
            fill("strength {0}", &[&format!("{:.2}", self.strength)])
        } else if self.guidance != before.guidance {
            fill("guidance {0}", &[&self.guidance])
        } else {
            seed()
        }
    }

    /// All of them in one line, for who rests the pointer on the picture.
    #[must_use]
    pub(super) fn line(&self) -> String {
        let mut parts = vec![fill("seed {0}", &[&self.seed]), fill("{0} steps", &[&self.steps])];
        match self.start {
            Start::Noise => {}
            Start::Picture => parts.push(tr("from a picture").to_owned()),
            Start::Part => parts.push(tr("in part (inpaint)").to_owned()),
        }
        parts.extend(self.again.iter().map(|(name, _)| fill("{0} again", &[name])));
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{InitImage, Mask};
    use image::RgbImage;
    use std::sync::Arc;

    #[test]
    fn captions_say_what_is_not_as_before() {
        let mut document = Document::new(64, 64);
        document.add_region("Tree", "a tree");
        let facts = |document: &Document| Facts::of(7, document);
        let first = facts(&document);
        assert_eq!(first.caption(None), "seed 7");
        assert_eq!(Facts::of(8, &document).caption(Some(&first)), "seed 8");
        document.settings.steps = 4;
        let quick = facts(&document);
        assert_eq!(quick.caption(Some(&first)), "4 steps");
        document.regions[0].reroll = Some(9);
        let again = facts(&document);
        assert_eq!(again.caption(Some(&quick)), "Tree again");
        document.regions[0].prompt = "an oak".to_owned();
        assert_eq!(facts(&document).caption(Some(&again)), "other words");
        let area = Area::Mask(Arc::new(Mask::even(64, 64, 255)));
        document.init_image = Some(InitImage { image: Arc::new(RgbImage::new(64, 64)), strength: 0.5, area });
        let part = facts(&document);
        assert_eq!(part.caption(Some(&again)), "in part (inpaint)");
        assert_eq!(part.caption(Some(&part)), "in part (inpaint)");
        assert_eq!(part.line(), "seed 7 · 4 steps · in part (inpaint) · Tree again");
    }
}
