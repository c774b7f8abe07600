//! The worker, the jobs that it was sent, and live painting.

use crate::app::editor::{Editor, Offer};
use crate::app::generation::engine::Engine;
use crate::app::generation::framed::Framed;
use crate::app::generation::job::{Batch, Finished, Running};
use crate::app::generation::live::Live;
use crate::app::kit::toasts::Toasts;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, PixelRect, Take, TakeWay};
use crate::studio::frame::Frame;
use crate::studio::{Event, Job, JobId, Phase, Vocabulary};
use std::sync::Arc;

/// The most jobs that wait.
pub(in crate::app) const MOST: usize = 100;

/// The worker with what it was asked for.
pub(in crate::app) struct Generation {
    pub engine: Box<dyn Engine>,
    /// The job that runs and those that wait, in their order.
    pub jobs: Vec<Running>,
    pub live: Live,
    /// The vocabulary of the document's model, once that is known.
    pub vocabulary: Option<Arc<Vocabulary>>,
}

impl Generation {
    pub(in crate::app) fn new(engine: Box<dyn Engine>) -> Self {
        Self { engine, jobs: Vec::new(), live: Live::default(), vocabulary: None }
    }

    /// True while a picture is being made or waits.
    #[must_use]
    pub(in crate::app) fn is_making(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Sends the document, or a part of its canvas, to the worker in this way once for each seed, from this one on, that `sow` puts into
    /// it; `next` puts them before those that wait already.
    ///
    /// # Errors
    /// In words, where too many would wait.
    pub(in crate::app) fn make(
        &mut self,
        document: &Document,
        (frame, way): (Option<PixelRect>, TakeWay),
        seeds: (Batch, u64),
        next: bool,
        sow: impl Fn(&mut Document, u64),
    ) -> Result<(), String> {
        self.live.hush(self.engine.as_mut());
        let seeds = seeds.0.seeds(seeds.1);
        let begun = self.jobs.iter().take_while(|j| j.has_begun()).count();
        let first = if next { begun } else { self.jobs.len() };
        if self.jobs.len() + seeds.len() > MOST {
            return Err(fill("No more than {0} pictures can wait. Let some be finished first.", &[&MOST]));
        }
        let mut sent = Vec::new();
        for (at, seed) in (first..).zip(seeds) {
            let mut document = document.clone();
            sow(&mut document, seed);
            let id = self.engine.submit(Job { document: document.clone(), live: false, frame: frame.map(Frame::from) });
            sent.push(id);
            self.jobs.insert(at, Running::sent(id, document, way));
        }
        if next {
            // The last one first, so that they stay in their order.
            sent.iter().rev().for_each(|id| self.engine.promote(*id));
        }
        Ok(())
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

    /// Takes in what the worker has reported; returns the pictures that are finished.
    pub(in crate::app) fn take_in(&mut self, toasts: &mut Toasts<Offer>) -> Vec<Finished> {
        let mut finished = Vec::new();
        for event in self.engine.events() {
            if let Some(event) = self.live.take_in(event, self.engine.as_mut(), toasts) {
                finished.extend(self.take_in_event(event, toasts));
            }
        }
        finished
    }

    fn take_in_event(&mut self, event: Event, toasts: &mut Toasts<Offer>) -> Option<Finished> {
        let at = |jobs: &[Running], id: JobId| jobs.iter().position(|j| j.id == id);
        match event {
            Event::Phase { job, phase } => {
                let at = at(&self.jobs, job)?;
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
                    let pace = seconds_left / steps.saturating_sub(step).max(1) as f32;
                    job.seconds_spent = job.seconds_spent.max(pace * step as f32);
                }
            }
            Event::Preview { job, image, .. } => {
                if let Some(job) = self.jobs.iter_mut().find(|j| j.id == job) {
                    job.previews += 1;
                    job.preview = Some(image);
                }
            }
            Event::Warning { warning, .. } => toasts.warning(errors::warning(&warning)),
            // Of a document that is closed.
            Event::Sketch { .. } => {}
            Event::Finished { job, image, seed, .. } => {
                let at = at(&self.jobs, job)?;
                let running = self.jobs.remove(at);
                let take = Arc::new(Take { image, seed });
                return Some(Finished { take, document: running.document, way: running.way });
            }
            Event::Cancelled { job } => self.jobs.retain(|j| j.id != job),
            Event::Failed { job, failure } => {
                let known = self.jobs.iter().any(|j| j.id == job);
                self.jobs.retain(|j| j.id != job);
                if known {
                    toasts.error(errors::failure(&failure));
                }
            }
        }
        None
    }

    /// Stops caring about all jobs, and stops them.
    pub(in crate::app) fn forget_jobs(&mut self) {
        self.cancel_all();
        self.jobs.clear();
        self.live.forget(self.engine.as_mut());
    }

    /// The share of the running job that is done, 0 to 1.
    pub(in crate::app) fn progress(&self) -> Option<f32> {
        self.jobs.first().map(Running::progress)
    }

    /// Seconds that the steps of the running job have taken.
    pub(in crate::app) fn seconds_spent(&self) -> f32 {
        self.jobs.first().map_or(0.0, |job| job.seconds_spent)
    }

    /// The state of the running job, in words.
    pub(in crate::app) fn progress_text(&self) -> Option<String> {
        let job = self.jobs.first()?;
        if job.cancelled {
            return Some(job.text());
        }
        let waiting = match self.jobs.len() - 1 {
            0 => String::new(),
            1 => tr(" · 1 more waits").to_owned(),
            n => fill(" · {0} more wait", &[&n]),
        };
        Some(job.text() + &waiting)
    }

    /// Begins with live painting, or ends it.
    pub(in crate::app) fn toggle_live(&mut self) {
        self.live.toggle(self.engine.as_mut());
    }

    /// Live painting follows the document, or a part of its canvas, unless a picture is being made.
    pub(in crate::app) fn follow_live(&mut self, ctx: &egui::Context, editor: &Editor, framed: Option<Framed>) {
        if self.jobs.is_empty() {
            self.live.follow(ctx, editor, framed, self.engine.as_mut());
        }
    }
}
