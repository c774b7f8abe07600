//! The worker thread that owns the device and the networks.
//!
//! The window (or a command) sends a [`Job`] and receives [`Event`]s. The worker calls `wake` whenever there is one to
//! read, so that a sleeping window draws it.

mod again;
mod coverage;
mod decode;
mod drawing;
mod estimate;
mod failure;
mod finish;
mod init_image;
mod latent;
mod live;
mod loading;
mod model;
mod models;
mod plan;
mod prepared;
mod preset;
mod preview;
mod progress;
mod run;
mod sampler;
mod thin;
mod vocabulary;
mod warning;
mod worker;

pub use again::KeptPicture;
pub use drawing::{DrawError, Drawn, Options, Seconds, Stage, Watcher, draw};
pub use estimate::{Estimate, Estimator};
pub use failure::Failure;
pub use latent::{LatentCells, latent_cells};
pub use loading::{LoadError, Loaded, load};
pub use model::Model;
pub use preset::{Preset, Presets};
pub use preview::LatentToRgb;
pub use vocabulary::Vocabulary;
pub use warning::{Axis, Warning};
pub use worker::Loader;

pub use crate::checkpoint::Error as CheckpointError;
pub use crate::checkpoint::weighting;
pub use crate::checkpoint::{
    Catalogue, Entry, FEW_STEPS, Kind, LoraFile, LoraSummary, few_step_base, few_step_version,
};
pub use crate::checkpoint::{Completion, FewSteps, KnownWords, Offer, Thing, UnknownWord, Words, insert_phrase};
pub use crate::diffusion::{PaintError, ScheduleError};

use crate::checkpoint::Device;
use crate::document::{Document, Lora, Settings};
use image::RgbImage;
use std::sync::Arc;
use std::thread::JoinHandle;
use worker::Shared;

/// Names a job for the life of a [`Studio`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub u64);

/// One generation: a frozen copy of the document.
#[derive(Debug, Clone)]
pub struct Job {
    pub document: Document,
    /// Draw it as quickly as this machine can, for a picture that follows the brush ([`Event::Sketch`] says how).
    pub live: bool,
}

/// What the worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for an earlier job.
    Queued,
    /// Reading the checkpoint's files.
    Loading,
    /// Turning words into embeddings and colours into latents.
    Encoding,
    /// Running the UNet.
    Denoising,
    /// Turning the latent into a picture.
    Decoding,
}

/// What the worker reports.
#[derive(Debug, Clone)]
pub enum Event {
    Phase {
        job: JobId,
        phase: Phase,
    },
    /// `step` of `steps` are done; `seconds_left` from the mean of the steps so far.
    Step {
        job: JobId,
        step: u32,
        steps: u32,
        seconds_left: f32,
    },
    /// The picture as it stands. The newest replaces an unread one.
    Preview {
        job: JobId,
        step: u32,
        image: Arc<RgbImage>,
    },
    /// How a live job is drawn: with these settings, and at half the size where this machine is slow.
    Sketch {
        job: JobId,
        settings: Settings,
        half: bool,
    },
    /// Something the person should know; the job goes on.
    Warning {
        job: JobId,
        warning: Warning,
    },
    /// Done.
    Finished {
        job: JobId,
        image: Arc<RgbImage>,
        seed: u64,
        seconds: f32,
    },
    /// Cancelled before it was done.
    Cancelled {
        job: JobId,
    },
    /// It failed.
    Failed {
        job: JobId,
        failure: Arc<Failure>,
    },
}

/// The handle a window holds. Dropping it cancels the running job and ends the worker.
pub struct Studio {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Studio {
    /// Starts the worker on the checkpoints this program reads. `wake` is called from the worker thread after every event.
    #[must_use]
    pub fn start(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let loader = |name: &str, loras: &[Lora]| Ok(Box::new(load(name, Device::default(), loras)?) as Box<dyn Model>);
        Self::start_with(Box::new(loader), wake)
    }

    /// Starts the worker with another way of loading checkpoints (tests).
    #[must_use]
    pub fn start_with(loader: Loader, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared::new(wake));
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("studio".to_owned()).spawn(move || worker::run(&theirs, loader));
        if let Err(error) = &thread {
            log::error!("the worker thread did not start: {error}");
        }
        Self { shared, thread: thread.ok() }
    }

    /// Queues a job.
    pub fn submit(&self, job: Job) -> JobId {
        self.shared.submit(job)
    }

    /// Cancels a queued or running job; it ends with [`Event::Cancelled`] before the next UNet call.
    pub fn cancel(&self, job: JobId) {
        self.shared.cancel(job);
    }

    /// Puts a queued job before the others.
    pub fn promote(&self, job: JobId) {
        self.shared.promote(job);
    }

    /// Takes all events since the last call, oldest first; at most one preview a job.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.shared.events()
    }

    /// Finds out what a run of a document would cost, on any thread: it looks at every mask.
    #[must_use]
    pub fn estimator(&self) -> Estimator {
        let shared = Arc::clone(&self.shared);
        Box::new(move |document| {
            let name = &document.settings.model;
            let (window, factor) = shared.facts(name)?;
            let estimate = Estimate::of(document, window, factor)?;
            let seconds = shared.seconds_per_sample(name).map(|s| s * estimate.unet_samples as f32);
            Some(Estimate { seconds, ..estimate })
        })
    }

    /// What the checkpoint of this name makes of words; `None` while it is being read, and where it cannot be. It is read on
    /// a thread of its own, which then calls `wake`.
    #[must_use]
    pub fn vocabulary(&self, name: &str) -> Option<Arc<Vocabulary>> {
        Shared::vocabulary(&self.shared, name)
    }

    /// The device in words, for the status line (`cpu · f32`); empty until a checkpoint is loaded.
    #[must_use]
    pub fn device(&self) -> String {
        self.shared.device()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // It ends before its next network call. A panic in it was reported when it happened.
            thread.join().ok();
        }
    }
}
