//! The running job as the window sees it.

use super::App;
use super::canvas::Shown;
use super::texts::{fill, tr};
use crate::document::{Document, Take};
use crate::studio::{Event, Job, JobId, Phase};
use image::RgbImage;
use std::sync::Arc;

/// A job that has been sent and has not ended.
pub struct Running {
    id: JobId,
    phase: Phase,
    step: u32,
    steps: u32,
    seconds_left: Option<f32>,
    preview: Option<Arc<RgbImage>>,
    pub previews: u32,
    cancelled: bool,
    /// What it was made from.
    document: Document,
}

impl App {
    /// Sends the document as it is now to the worker.
    pub(super) fn generate(&mut self) {
        if self.job.is_some() {
            return;
        }
        self.finish_gesture();
        let document = self.editor.document().clone();
        let id = self.engine.submit(Job { document: document.clone() });
        self.job = Some(Running {
            id,
            phase: Phase::Queued,
            step: 0,
            steps: document.settings.steps,
            seconds_left: None,
            preview: None,
            previews: 0,
            cancelled: false,
            document,
        });
    }

    /// Asks the worker to stop.
    pub(super) fn cancel(&mut self) {
        if let Some(job) = &mut self.job {
            job.cancelled = true;
            self.engine.cancel(job.id);
        }
    }

    /// Takes in what the worker has reported.
    pub(super) fn drain_engine(&mut self) {
        for event in self.engine.events() {
            self.take_in(event);
        }
    }

    fn take_in(&mut self, event: Event) {
        let current = self.job.as_ref().map(|j| j.id);
        match event {
            Event::Phase { job, phase } if Some(job) == current => {
                if let Some(running) = &mut self.job {
                    running.phase = phase;
                }
            }
            Event::Step { job, step, steps, seconds_left } if Some(job) == current => {
                if let Some(running) = &mut self.job {
                    (running.step, running.steps, running.seconds_left) = (step, steps, Some(seconds_left));
                }
            }
            Event::Preview { job, image, .. } if Some(job) == current => {
                if let Some(running) = &mut self.job {
                    running.previews += 1;
                    running.preview = Some(image);
                }
            }
            Event::Warning { text, .. } => self.toasts.warning(text),
            Event::Finished { job, image, seed, .. } if Some(job) == current => {
                let Some(running) = self.job.take() else { return };
                self.cost.forget();
                let take = Arc::new(Take { image: Arc::unwrap_or_clone(image), seed });
                self.takes.add(Arc::clone(&take), running.document);
                self.show_take(take);
            }
            Event::Cancelled { job } if Some(job) == current => self.job = None,
            Event::Failed { job, message } if Some(job) == current => {
                self.job = None;
                self.toasts.error(message);
            }
            // What an earlier document's job still had to say.
            Event::Phase { .. }
            | Event::Step { .. }
            | Event::Preview { .. }
            | Event::Finished { .. }
            | Event::Cancelled { .. }
            | Event::Failed { .. } => {}
        }
    }

    /// Stops caring about the running job, and stops it.
    pub(super) fn forget_job(&mut self) {
        self.cancel();
        self.job = None;
    }

    /// Shows a finished picture and keeps it in the document.
    pub(super) fn show_take(&mut self, take: Arc<Take>) {
        let document = self.editor.document();
        if take.image.dimensions() == (document.width, document.height) {
            self.editor.keep_take(Some(take));
        } else {
            self.toasts.info(tr("The canvas has another size now; the picture waits in the strip below."));
        }
    }

    /// The picture to show on the canvas: the newest preview, else the take kept in the document, else the
    /// picture it starts from.
    pub(super) fn picture_shown(&self) -> Option<Shown> {
        let document = self.editor.document();
        let preview = self.job.as_ref().filter(|j| !j.cancelled).and_then(|j| j.preview.clone());
        let fits = |size: (u32, u32)| {
            // Previews may be smaller than the canvas, but have its shape.
            u64::from(size.0) * u64::from(document.height) == u64::from(size.1) * u64::from(document.width)
        };
        let take = || document.take.clone().map(Shown::Take);
        let start = || document.start.as_ref().map(|start| Shown::Preview(start.image.clone()));
        preview.filter(|p| fits(p.dimensions())).map(Shown::Preview).or_else(take).or_else(start)
    }

    /// How much of the running job is done, 0 to 1.
    pub(super) fn progress(&self) -> Option<f32> {
        let job = self.job.as_ref()?;
        Some(match job.phase {
            Phase::Decoding => 1.0,
            _ => job.step as f32 / job.steps.max(1) as f32,
        })
    }

    /// What the running job is doing, in words.
    pub(super) fn progress_text(&self) -> Option<String> {
        let job = self.job.as_ref()?;
        if job.cancelled {
            return Some(tr("Stopping…").to_owned());
        }
        Some(match job.phase {
            Phase::Queued => tr("Waiting…").to_owned(),
            Phase::Loading => tr("Loading the model…").to_owned(),
            Phase::Encoding => tr("Reading the words…").to_owned(),
            Phase::Decoding => tr("Finishing the picture…").to_owned(),
            Phase::Denoising => {
                let left = job.seconds_left.map(|s| fill(" · {0} left", &[&duration(s)])).unwrap_or_default();
                fill("Step {0} of {1}{2}", &[&job.step, &job.steps, &left])
            }
        })
    }
}

/// A time a person can wait for: `8 s`, `3 min`.
pub fn duration(seconds: f32) -> String {
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
    use super::duration;

    #[test]
    fn times_are_rounded_up_to_what_people_say() {
        assert_eq!(duration(0.2), "1 s");
        assert_eq!(duration(89.0), "89 s");
        assert_eq!(duration(91.0), "2 min");
        assert_eq!(duration(7200.0), "2.0 h");
    }
}
