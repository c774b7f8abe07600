//! The jobs as the window sees them: the one that runs, and those that wait for it.

use crate::app::App;
use crate::app::generation::seed::new_seed;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, RegionId, Take};
use crate::studio::{Event, Job, JobId, Phase};
use image::RgbImage;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most jobs that wait.
pub(in crate::app) const MOST: usize = 100;

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
    fn seeds(self, first: u64) -> Vec<u64> {
        let next = |seed: &u64| Some(if self.chance { new_seed(*seed) } else { seed.wrapping_add(1) });
        std::iter::successors(Some(first), next).take(self.pictures.max(1) as usize).collect()
    }
}

/// A job that has been sent and has not ended.
pub(in crate::app) struct Running {
    pub id: JobId,
    phase: Phase,
    /// Percentage of the checkpoint that is read.
    loaded: u8,
    step: u32,
    steps: u32,
    seconds_left: Option<f32>,
    preview: Option<Arc<RgbImage>>,
    pub previews: u32,
    cancelled: bool,
    /// The document that it is made from.
    document: Document,
}

impl Running {
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
}

impl App {
    /// Sends the document as it is now to the worker, with as many seeds as pictures are wanted; `next` puts them before those
    /// that wait already.
    pub(in crate::app) fn generate(&mut self, next: bool) {
        if self.nothing_may_change() {
            self.toasts.info(tr("Nothing of the picture may change yet. Paint where it may."));
            return;
        }
        let seed = self.open.editor.document().settings.seed;
        self.make(seed, next, |document, seed| document.settings.seed = seed);
    }

    /// Sends the document with as many other seeds of a region that is drawn again; all of them keep the rest of one picture.
    pub(in crate::app) fn generate_again(&mut self, id: RegionId, seed: u64) {
        self.make(seed, false, move |document, seed| {
            if let Some(region) = document.region_mut(id) {
                region.reroll = Some(seed);
            }
        });
    }

    /// Sends the document once for each seed, from this one on, that `sow` puts into it.
    fn make(&mut self, seed: u64, next: bool, sow: impl Fn(&mut Document, u64) + 'static) {
        self.finish_gesture();
        if self.is_working() {
            return self.once_worked_out(move |app| app.make(seed, next, sow));
        }
        self.hush_live();
        let document = self.open.editor.document().without_takes();
        let seeds = self.prefs.batch.seeds(seed);
        let begun = self.jobs.iter().take_while(|j| j.has_begun()).count();
        let first = if next { begun } else { self.jobs.len() };
        if self.jobs.len() + seeds.len() > MOST {
            self.toasts.warning(fill("No more than {0} pictures can wait. Let some be finished first.", &[&MOST]));
            return;
        }
        let mut sent = Vec::new();
        for (at, seed) in (first..).zip(seeds) {
            let mut document = document.clone();
            sow(&mut document, seed);
            let id = self.engine.submit(Job { document: document.clone(), live: false });
            sent.push(id);
            let job = Running {
                id,
                phase: Phase::Queued,
                loaded: 0,
                step: 0,
                steps: document.settings.steps,
                seconds_left: None,
                preview: None,
                previews: 0,
                cancelled: false,
                document,
            };
            self.jobs.insert(at, job);
        }
        if next {
            // The last one first, so that they stay in their order.
            sent.iter().rev().for_each(|id| self.engine.promote(*id));
        }
    }

    /// Asks the worker to stop this job, running or waiting.
    pub(in crate::app) fn cancel_job(&mut self, id: JobId) {
        if let Some(job) = self.jobs.iter_mut().find(|j| j.id == id) {
            job.cancelled = true;
            self.engine.cancel(id);
        }
    }

    /// Stops the one that runs.
    pub(in crate::app) fn cancel(&mut self) {
        if let Some(id) = self.jobs.first().map(|j| j.id) {
            self.cancel_job(id);
        }
    }

    /// Stops all of them; those that wait go first, so that none of them is begun.
    pub(in crate::app) fn cancel_all(&mut self) {
        let ids: Vec<JobId> = self.jobs.iter().rev().map(|j| j.id).collect();
        ids.into_iter().for_each(|id| self.cancel_job(id));
    }

    /// Lets a waiting job be the next.
    pub(in crate::app) fn promote_job(&mut self, id: JobId) {
        let Some(at) = self.jobs.iter().position(|j| j.id == id && !j.has_begun()) else { return };
        self.engine.promote(id);
        let job = self.jobs.remove(at);
        let place = self.jobs.iter().take_while(|j| j.has_begun()).count();
        self.jobs.insert(place, job);
    }

    /// Takes in what the worker has reported.
    pub(in crate::app) fn drain_engine(&mut self) {
        for event in self.engine.events() {
            if let Some(event) = self.take_in_live(event) {
                self.take_in(event);
            }
        }
    }

    fn take_in(&mut self, event: Event) {
        let at = |jobs: &[Running], id: JobId| jobs.iter().position(|j| j.id == id);
        match event {
            Event::Phase { job, phase } => {
                let Some(at) = at(&self.jobs, job) else { return };
                self.jobs[at].phase = phase;
                if phase != Phase::Queued && at > 0 {
                    // It was begun before it could be put behind another.
                    let job = self.jobs.remove(at);
                    self.jobs.insert(0, job);
                }
            }
            Event::Loading { job, percent } => {
                if let Some(job) = self.jobs.iter_mut().find(|j| j.id == job) {
                    job.loaded = percent;
                }
            }
            Event::Step { job, step, steps, seconds_left } => {
                if let Some(job) = self.jobs.iter_mut().find(|j| j.id == job) {
                    (job.step, job.steps, job.seconds_left) = (step, steps, Some(seconds_left));
                }
            }
            Event::Preview { job, image, .. } => {
                if let Some(job) = self.jobs.iter_mut().find(|j| j.id == job) {
                    job.previews += 1;
                    job.preview = Some(image);
                }
            }
            Event::Warning { warning, .. } => self.toasts.warning(errors::warning(&warning)),
            // Of a document that is closed.
            Event::Sketch { .. } => {}
            Event::Finished { job, image, seed, .. } => {
                let Some(at) = at(&self.jobs, job) else { return };
                let running = self.jobs.remove(at);
                self.open.cost.forget();
                let take = Arc::new(Take { image: Arc::unwrap_or_clone(image), seed });
                self.open.takes.add(Arc::clone(&take), running.document);
                self.show_take(take);
            }
            Event::Cancelled { job } => self.jobs.retain(|j| j.id != job),
            Event::Failed { job, failure } => {
                let known = self.jobs.iter().any(|j| j.id == job);
                self.jobs.retain(|j| j.id != job);
                if known {
                    self.toasts.error(errors::failure(&failure));
                }
            }
        }
    }

    /// Stops caring about all jobs, and stops them.
    pub(in crate::app) fn forget_jobs(&mut self) {
        self.cancel_all();
        self.jobs.clear();
        self.forget_live();
    }

    /// Shows a finished picture and keeps it in the document.
    pub(in crate::app) fn show_take(&mut self, take: Arc<Take>) {
        let document = self.open.editor.document();
        if take.image.dimensions() == (document.width, document.height) {
            self.live.put_away();
            self.open.editor.keep_take(Some(take));
        } else {
            self.toasts.info(tr("The canvas has another size now; the picture waits in the strip below."));
        }
    }

    /// The share of the running job that is done, 0 to 1.
    pub(in crate::app) fn progress(&self) -> Option<f32> {
        self.jobs.first().map(Running::progress)
    }

    /// The state of the running job, in words.
    pub(in crate::app) fn progress_text(&self) -> Option<String> {
        let job = self.jobs.first()?;
        if job.cancelled {
            return Some(tr("Stopping…").to_owned());
        }
        let text = match job.phase {
            Phase::Queued => tr("Waiting…").to_owned(),
            Phase::Loading if job.loaded > 0 => fill("Loading the model, {0} %…", &[&job.loaded]),
            Phase::Loading => tr("Loading the model…").to_owned(),
            Phase::Encoding => tr("Reading the words…").to_owned(),
            Phase::Decoding => tr("Finishing the picture…").to_owned(),
            Phase::Denoising => {
                let left = job.seconds_left.map(|s| fill(" · {0} left", &[&duration(s)])).unwrap_or_default();
                fill("Step {0} of {1}{2}", &[&job.step, &job.steps, &left])
            }
        };
        let waiting = match self.jobs.len() - 1 {
            0 => String::new(),
            1 => tr(" · 1 more waits").to_owned(),
            n => fill(" · {0} more wait", &[&n]),
        };
        Some(text + &waiting)
    }
}

/// A time a person can wait for: `8 s`, `3 min`.
pub(in crate::app) fn duration(seconds: f32) -> String {
    let seconds = seconds.max(0.0).ceil();
    if seconds < 90.0 {
        format!("{seconds} s")
    } else if seconds < 5400.0 {
        format!("{} min", (seconds / 60.0).ceil())
    } else {
        format!("{:.1} h", seconds / 3600.0)
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
