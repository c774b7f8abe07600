//! Live painting: while it is on, a quick picture follows every change. It becomes a take only where it is kept.

use crate::app::editor::{Editor, Offer};
use crate::app::generation::engine::Engine;
use crate::app::generation::framed::Framed;
use crate::app::generation::job::{Finished, duration};
use crate::app::kit::debounce::Settled;
use crate::app::kit::toasts::Toasts;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, key, tr};
use crate::document::{Document, Settings, Take, TakeWay};
use crate::studio::{Event, Job, JobId};
use image::RgbImage;
use std::sync::Arc;
use std::time::Duration;

/// A picture is begun once nothing has changed for so long; the one before is stopped at once.
const QUIET: Duration = Duration::from_millis(150);

/// What a live picture is made of: the counts of the document's changes, and the part of its canvas that is drawn. (Another picture on show
/// is none: the frame begins with it at the next change.)
type State = ((u64, u64), Option<Framed>);

/// Live painting of the open document.
#[derive(Default)]
pub(in crate::app) struct Live {
    on: bool,
    /// The state of the document.
    settled: Settled<State>,
    /// The state that a picture was begun for.
    begun: Option<State>,
    job: Option<Sent>,
    /// The newest picture, whole or not.
    shown: Option<Arc<RgbImage>>,
    /// The last whole one, with what it was made from and how.
    whole: Option<Whole>,
    /// Settings of live pictures on this machine.
    how: Option<How>,
    /// Steps taken of the running one.
    step: u32,
    /// Warnings of the running one, told once it is whole, so that none flickers under the brush.
    coming: Vec<String>,
    /// Warnings of the last whole one.
    warnings: Vec<String>,
}

struct Sent {
    id: JobId,
    document: Document,
    /// Only a part of the canvas is drawn.
    framed: bool,
}

struct Whole {
    image: Arc<RgbImage>,
    document: Document,
    seed: u64,
}

#[derive(Clone)]
struct How {
    settings: Settings,
    half: bool,
    /// In the frame alone.
    framed: bool,
    /// By the few-step version of the document's model.
    version: bool,
    seconds: Option<f32>,
}

impl Live {
    #[must_use]
    pub(in crate::app) fn is_on(&self) -> bool {
        self.on
    }

    /// The picture to show.
    #[must_use]
    pub(in crate::app) fn picture(&self) -> Option<Arc<RgbImage>> {
        self.shown.clone()
    }

    /// True where the picture on show is a whole one.
    #[must_use]
    pub(in crate::app) fn can_be_kept(&self) -> bool {
        self.whole.as_ref().is_some_and(|whole| self.shown.as_ref().is_some_and(|s| Arc::ptr_eq(s, &whole.image)))
    }

    /// Warnings of the last whole picture.
    #[must_use]
    pub(in crate::app) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Another picture is looked at; the next change brings this one back.
    pub(in crate::app) fn put_away(&mut self) {
        self.shown = None;
    }

    /// The state of the running picture, in words.
    #[must_use]
    pub(in crate::app) fn progress_text(&self) -> Option<String> {
        self.job.as_ref()?;
        let steps = self.how.as_ref().map(|how| how.settings.steps);
        Some(match steps {
            Some(steps) => fill("Live: step {0} of {1}", &[&self.step, &steps]),
            None => tr("Live: getting ready…").to_owned(),
        })
    }

    /// Its state, in words.
    #[must_use]
    pub(in crate::app) fn says(&self) -> String {
        let Some(how) = &self.how else { return tr("The first quick picture is on its way.").to_owned() };
        let place = if how.framed { tr(" in the frame") } else { "" };
        let size = if how.half { tr(" at half size") } else { "" };
        let time = how.seconds.map(|s| fill(", {0} a picture", &[&duration(s)])).unwrap_or_default();
        let steps = how.settings.steps;
        let says = if how.version {
            key("{0} steps of the model for few steps{1}{2}. The seed stays. The button below makes the fine picture.")
        } else {
            key("{0} quick steps{1}{2}. The seed stays. The button below makes the fine picture.")
        };
        fill(says, &[&steps, &format_args!("{place}{size}"), &time])
    }
}

impl Live {
    pub(super) fn toggle(&mut self, engine: &mut dyn Engine) {
        if self.on {
            self.forget(engine);
        } else {
            self.on = true;
        }
    }

    /// Live painting ends, and its picture goes.
    pub(super) fn forget(&mut self, engine: &mut dyn Engine) {
        self.hush(engine);
        *self = Self::default();
    }

    /// Stops the running live picture: something else is drawn first.
    pub(super) fn hush(&mut self, engine: &mut dyn Engine) {
        if let Some(sent) = self.job.take() {
            engine.cancel(sent.id);
            self.begun = None;
        }
    }

    /// Follows the document, or a part of its canvas. Where that has no picture yet to lie in, it lies on white.
    pub(super) fn follow(
        &mut self,
        ctx: &egui::Context,
        editor: &Editor,
        framed: Option<Framed>,
        engine: &mut dyn Engine,
    ) {
        if !self.on {
            return;
        }
        let state = (editor.edits(), framed);
        let left = self.settled.left(state, QUIET);
        if self.begun == Some(state) {
            return;
        }
        self.hush(engine);
        if !left.is_zero() {
            ctx.request_repaint_after(left);
            return;
        }
        self.begun = Some(state);
        let document = framed.and_then(|framed| framed.document(editor.document()));
        let document = document.unwrap_or_else(|| editor.document().without_takes());
        let frame = framed.map(|framed| framed.frame.into());
        let id = engine.submit(Job { document: document.clone(), live: true, frame });
        self.job = Some(Sent { id, document, framed: framed.is_some() });
        self.step = 0;
        self.coming.clear();
    }

    /// Takes in what the worker reports of the live picture; what is of another job is given back.
    pub(super) fn take_in(
        &mut self,
        event: Event,
        engine: &mut dyn Engine,
        toasts: &mut Toasts<Offer>,
    ) -> Option<Event> {
        let ours = |id: JobId| self.job.as_ref().is_some_and(|sent| sent.id == id);
        match event {
            Event::Sketch { job, settings, half } if ours(job) => {
                let framed = self.job.as_ref().is_some_and(|sent| sent.framed);
                let same = |how: &How| how.settings == settings && (how.half, how.framed) == (half, framed);
                let seconds = self.how.take().filter(same).and_then(|how| how.seconds);
                let version = self.job.as_ref().is_some_and(|s| s.document.settings.model != settings.model);
                self.how = Some(How { settings, half, framed, version, seconds });
            }
            // The mist of the first steps would flicker under the brush.
            Event::Preview { job, image, step } if ours(job) => {
                if self.how.as_ref().is_none_or(|how| 2 * step >= how.settings.steps) {
                    self.shown = Some(image);
                }
            }
            Event::Finished { job, image, seed, seconds } if ours(job) => {
                let document = self.job.take().map(|sent| sent.document)?;
                let settings = self.how.as_mut().map(|how| {
                    how.seconds = Some(seconds);
                    how.settings.clone()
                });
                let settings = settings.unwrap_or_else(|| document.settings.clone());
                self.shown = Some(Arc::clone(&image));
                self.warnings = std::mem::take(&mut self.coming);
                self.whole = Some(Whole { image, seed, document: Document { settings, ..document } });
            }
            Event::Failed { job, failure } if ours(job) => {
                self.forget(engine);
                toasts.error(errors::failure(&failure));
            }
            Event::Cancelled { job } if ours(job) => self.job = None,
            Event::Step { job, step, .. } if ours(job) => self.step = step,
            Event::Warning { job, warning } if ours(job) => self.coming.push(errors::warning(&warning)),
            Event::Phase { job, .. } if ours(job) => {}
            other => return Some(other),
        }
        None
    }

    /// Makes a take of the live picture.
    pub(in crate::app) fn keep(&mut self) -> Option<Finished> {
        let Whole { image, document, seed } = self.whole.take()?;
        let size = (document.width, document.height);
        let image = if image.dimensions() == size {
            image
        } else {
            Arc::new(image::imageops::resize(&*image, size.0, size.1, image::imageops::FilterType::CatmullRom))
        };
        Some(Finished { take: Arc::new(Take { image, seed }), document, way: TakeWay::Live })
    }
}
