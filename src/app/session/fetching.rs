//! Fetching a model from Hugging Face, which begins with a click and with nothing else.

use crate::app::kit::background::Asked;
use crate::studio::hub::{self, Hub, Progress, Repository};
use egui::Context;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The time between two looks at how far it is.
pub(in crate::app) const LOOK: Duration = Duration::from_millis(200);

/// A model on its way.
pub(in crate::app) struct Fetching {
    pub name: String,
    progress: Arc<Mutex<Option<Progress>>>,
    stop: Arc<AtomicBool>,
    asked: Asked<hub::Result<PathBuf>>,
}

impl Fetching {
    /// Begins to fetch into a folder, from this server or else the one of the environment.
    pub(in crate::app) fn begin(
        ctx: &Context,
        repository: Repository,
        folder: PathBuf,
        server: Option<String>,
    ) -> Option<Self> {
        let progress = Arc::new(Mutex::new(None));
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, stopped) = (Arc::clone(&progress), Arc::clone(&stop));
        let name = repository.name();
        let asked = Asked::begin(ctx, "fetch", move || {
            let hub = match server {
                Some(server) => Hub::at(&server)?.without_pauses(),
                None => Hub::from_environment()?,
            };
            hub.plan(&repository)?.fetch(&hub, &folder, &mut |now| {
                *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                !stopped.load(Ordering::Relaxed)
            })
        });
        asked.map(|asked| Self { name, progress, stop, asked })
    }

    /// The folder or file that has come, or why none has; else itself, or nothing where its thread has ended without a word.
    pub(in crate::app) fn answer(self) -> Result<hub::Result<PathBuf>, Option<Self>> {
        let Self { name, progress, stop, asked } = self;
        asked.answer().map_err(|asked| asked.map(|asked| Self { name, progress, stop, asked }))
    }

    /// How far it is, once that is known.
    pub(in crate::app) fn progress(&self) -> Option<Progress> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once it was cancelled.
    pub(in crate::app) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(in crate::app) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
