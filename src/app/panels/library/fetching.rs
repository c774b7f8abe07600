//! Fetching a model from Hugging Face, which begins with a click and with nothing else.

use crate::app::App;
use crate::app::kit::background::Asked;
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use crate::studio::hub::{self, Hub, Progress, Repository};
use egui::Context;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The time between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// A model on its way.
pub(in crate::app) struct Fetching {
    pub(super) name: String,
    progress: Arc<Mutex<Option<Progress>>>,
    stop: Arc<AtomicBool>,
    asked: Asked<hub::Result<PathBuf>>,
}

impl Fetching {
    /// How far it is, once that is known.
    pub(super) fn progress(&self) -> Option<Progress> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once it was cancelled.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl App {
    /// True while a model is being fetched.
    #[must_use]
    pub fn is_fetching(&self) -> bool {
        self.fetching.is_some()
    }

    /// Begins to fetch what a person has named.
    pub(super) fn fetch(&mut self, ctx: &Context, named: &str) {
        let Some(own) = self.added.fetched_into() else { return };
        let folder = self.prefs.fetch_into.clone().unwrap_or(own);
        let repository: Repository = match named.parse() {
            Ok(repository) => repository,
            Err(error) => return self.toasts.error(errors::hub_error(&error)),
        };
        let progress = Arc::new(Mutex::new(None));
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, stopped, endpoint) = (Arc::clone(&progress), Arc::clone(&stop), self.hub.clone());
        let name = repository.name();
        let asked = Asked::begin(ctx, "fetch", move || {
            let hub = match endpoint {
                Some(endpoint) => Hub::at(&endpoint)?.without_pauses(),
                None => Hub::from_environment()?,
            };
            hub.plan(&repository)?.fetch(&hub, &folder, &mut |now| {
                *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                !stopped.load(Ordering::Relaxed)
            })
        });
        self.fetching = asked.map(|asked| Fetching { name, progress, stop, asked });
    }

    /// Takes in a model that has come.
    pub(in crate::app) fn follow_fetching(&mut self, ctx: &Context) {
        let Some(Fetching { name, progress, stop, asked }) = self.fetching.take() else { return };
        match asked.answer() {
            Ok(Ok(path)) => {
                self.toasts.info(fill("{0} is here and listed now.", &[&name]));
                // (What lies in a listed folder is found there.)
                if self.added.covers(&path) { self.added.look_again() } else { self.add_models(vec![path]) }
            }
            Ok(Err(hub::Error::Cancelled)) => {
                self.toasts.info(tr("Cancelled. What has come is kept, and the next try goes on from there."));
            }
            Ok(Err(error)) => self.toasts.error(errors::hub_error(&error)),
            Err(Some(asked)) => {
                ctx.request_repaint_after(LOOK);
                self.fetching = Some(Fetching { name, progress, stop, asked });
            }
            Err(None) => self.toasts.error(fill("{0} was not fetched.", &[&name])),
        }
    }
}
