//! The worker thread that owns the device and the networks.
//!
//! The window (or a command) sends a [`Job`] and receives [`Event`]s. The worker calls `wake` whenever there is one to
//! read, so that a sleeping window draws it.

use crate::document::Document;
use image::RgbImage;
use std::sync::Arc;

/// Names a job for the life of a [`Studio`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub u64);

/// One generation: a frozen copy of the document.
#[derive(Debug, Clone)]
pub struct Job {
    pub document: Document,
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
    /// Something the person should know; the job goes on.
    Warning {
        job: JobId,
        text: String,
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
    /// It failed: one line saying what and what to do.
    Failed {
        job: JobId,
        message: String,
    },
}

/// The handle a window holds. Dropping it cancels the running job and ends the worker.
#[derive(Debug)]
pub struct Studio {}

impl Studio {
    /// Starts the worker. `wake` is called from the worker thread after every event.
    #[must_use]
    pub fn start(_wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {}
    }

    /// Queues a job.
    pub fn submit(&self, _job: Job) -> JobId {
        JobId(0)
    }

    /// Cancels a queued or running job; it ends with [`Event::Cancelled`] before the next UNet call.
    pub fn cancel(&self, _job: JobId) {}

    /// Takes all events since the last call, oldest first; at most one preview a job.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        Vec::new()
    }

    /// The device in words, for the status line: `CPU, 8 threads, f32`.
    #[must_use]
    pub fn device(&self) -> String {
        "CPU".to_owned()
    }
}
