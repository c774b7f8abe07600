//! The window's interface to the worker: a seam, so that tests can paint without a network.

use crate::studio::{Device, Estimator, Event, Job, JobId, KnownLoras, Studio, Vocabulary};
use std::path::PathBuf;
use std::sync::Arc;

/// Makes pictures somewhere else and reports how far it is.
pub trait Engine {
    /// Queues a job.
    fn submit(&mut self, job: Job) -> JobId;
    /// Cancels a queued or running job.
    fn cancel(&mut self, job: JobId);
    /// Puts a queued job before the others.
    fn promote(&mut self, _job: JobId) {}
    /// Takes all events since the last call, oldest first.
    fn events(&mut self) -> Vec<Event>;
    /// The device in words.
    fn device(&self) -> String;
    /// Draws on another device from the next job on.
    fn choose_device(&mut self, _device: Device) {}
    /// The LoRAs that words may name from now on.
    fn know_loras(&mut self, _loras: KnownLoras) {}
    /// The files of the library that may be small decoders of previews, from now on.
    fn know_decoders(&mut self, _files: Vec<PathBuf>) {}
    /// Finds out what a run would cost, on any thread; `None` where that is not known.
    fn estimator(&self) -> Option<Estimator> {
        None
    }
    /// The vocabulary of the model of this name; `None` where that is not known, or not yet.
    fn vocabulary(&self, _model: &str) -> Option<Arc<Vocabulary>> {
        None
    }
}

impl Engine for Studio {
    fn submit(&mut self, job: Job) -> JobId {
        Self::submit(self, job)
    }

    fn cancel(&mut self, job: JobId) {
        Self::cancel(self, job);
    }

    fn promote(&mut self, job: JobId) {
        Self::promote(self, job);
    }

    fn events(&mut self) -> Vec<Event> {
        Self::events(self)
    }

    fn device(&self) -> String {
        Self::device(self)
    }

    fn choose_device(&mut self, device: Device) {
        Self::choose_device(self, device);
    }

    fn know_loras(&mut self, loras: KnownLoras) {
        Self::know_loras(self, loras);
    }

    fn know_decoders(&mut self, files: Vec<PathBuf>) {
        Self::know_decoders(self, files);
    }

    fn estimator(&self) -> Option<Estimator> {
        Some(Self::estimator(self))
    }

    fn vocabulary(&self, model: &str) -> Option<Arc<Vocabulary>> {
        Self::vocabulary(self, model)
    }
}
