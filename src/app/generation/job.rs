//! A job as the window sees it, and how many one press makes.

use crate::app::generation::seed::new_seed;
use crate::app::text::format::decimal;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, Take, TakeWay};
use crate::studio::{JobId, Phase};
use image::RgbImage;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The number of pictures that one press makes, and the choice of their seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Batch {
    pub pictures: u32,
    /// Seeds by chance after the first; else each is one more than the one before.
    pub chance: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self { pictures: 1, chance: false }
    }
}

impl Batch {
    /// The seeds of the pictures, the first as given.
    pub(super) fn seeds(self, first: u64) -> Vec<u64> {
        let next = |seed: &u64| Some(if self.chance { new_seed(*seed) } else { seed.wrapping_add(1) });
        std::iter::successors(Some(first), next).take(self.pictures.max(1) as usize).collect()
    }
}

/// A job that has been sent and has not ended.
pub(in crate::app) struct Running {
    pub id: JobId,
    pub phase: Phase,
    /// Percentage of the checkpoint that is read.
    pub loaded: u8,
    pub step: u32,
    pub steps: u32,
    pub seconds_left: Option<f32>,
    /// Seconds that its steps have taken, as its pace tells.
    pub seconds_spent: f32,
    pub preview: Option<Arc<RgbImage>>,
    pub previews: u32,
    pub cancelled: bool,
    /// The document that it is made from.
    pub document: Document,
    pub way: TakeWay,
}

impl Running {
    /// A job that the worker has just been sent.
    pub(super) fn sent(id: JobId, document: Document, way: TakeWay) -> Self {
        Self {
            id,
            phase: Phase::Queued,
            loaded: 0,
            step: 0,
            steps: document.settings.steps,
            seconds_left: None,
            seconds_spent: 0.0,
            preview: None,
            previews: 0,
            cancelled: false,
            document,
            way,
        }
    }

    /// True where the worker has taken it up.
    pub(in crate::app) fn has_begun(&self) -> bool {
        self.phase != Phase::Queued
    }

    pub(in crate::app) fn seed(&self) -> u64 {
        self.document.settings.seed
    }

    /// Steps done, and steps in all.
    pub(in crate::app) fn steps(&self) -> (u32, u32) {
        (self.step, self.steps)
    }

    /// The newest preview, unless it is being stopped.
    pub(in crate::app) fn wanted_preview(&self) -> Option<&Arc<RgbImage>> {
        self.preview().filter(|_| !self.cancelled)
    }

    /// The newest preview.
    pub(in crate::app) fn preview(&self) -> Option<&Arc<RgbImage>> {
        self.preview.as_ref()
    }

    /// Width of its picture divided by height.
    pub(in crate::app) fn aspect(&self) -> f32 {
        self.document.width as f32 / self.document.height.max(1) as f32
    }

    /// The share of it that is done, 0 to 1.
    pub(in crate::app) fn progress(&self) -> f32 {
        match self.phase {
            Phase::Decoding => 1.0,
            Phase::Loading => f32::from(self.loaded) / 100.0,
            _ => self.step as f32 / self.steps.max(1) as f32,
        }
    }

    /// Its state, in words.
    pub(super) fn text(&self) -> String {
        if self.cancelled {
            return tr("Stopping…").to_owned();
        }
        match self.phase {
            Phase::Queued => tr("Waiting…").to_owned(),
            Phase::Loading if self.loaded > 0 => fill("Loading the model, {0} %…", &[&self.loaded]),
            Phase::Loading => tr("Loading the model…").to_owned(),
            Phase::Encoding => tr("Reading the words…").to_owned(),
            Phase::Decoding => tr("Finishing the picture…").to_owned(),
            Phase::Denoising => {
                let left = self.seconds_left.map(|s| fill(" · {0} left", &[&duration(s)])).unwrap_or_default();
                fill("Step {0} of {1}{2}", &[&self.step, &self.steps, &left])
            }
        }
    }
}

/// A picture that was finished, with what it was made from.
pub(in crate::app) struct Finished {
    pub take: Arc<Take>,
    pub document: Document,
    pub way: TakeWay,
}

/// A time a person can wait for: `8 s`, `3 min`.
pub(in crate::app) fn duration(seconds: f32) -> String {
    let seconds = seconds.max(0.0).ceil();
    if seconds < 90.0 {
        format!("{seconds} s")
    } else if seconds < 5400.0 {
        format!("{} min", (seconds / 60.0).ceil())
    } else {
        format!("{} h", decimal(f64::from(seconds / 3600.0), 1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, duration};

    #[test]
    fn times_are_rounded_up_to_what_people_say() {
        assert_eq!(duration(0.2), "1 s");
        assert_eq!(duration(89.0), "89 s");
        assert_eq!(duration(91.0), "2 min");
        assert_eq!(duration(7200.0), "2.0 h");
    }

    #[test]
    fn a_batch_follows_the_seed_or_chance() {
        assert_eq!(Batch { pictures: 3, chance: false }.seeds(u64::MAX), [u64::MAX, 0, 1]);
        let seeds = Batch { pictures: 3, chance: true }.seeds(7);
        assert!(seeds[0] == 7 && seeds[1] != seeds[0] && seeds[2] != seeds[1], "{seeds:?}");
    }
}
