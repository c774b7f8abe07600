//! Drawing a document: [`draw`] makes one picture, and [`Studio`] does it on a worker thread that owns the device and the
//! networks.
//!
//! The window sends a [`Job`] and receives [`Event`]s. The worker calls `wake` whenever there is one to read, so that a
//! sleeping window draws a frame.

mod again;
mod colour_match;
mod control;
mod coverage;
mod decode;
mod drawing;
mod estimate;
mod failure;
mod finish;
pub mod frame;
mod init_image;
mod latent;
mod library;
mod live;
mod loading;
mod model;
mod models;
mod over;
mod plan;
mod prepared;
mod preset;
mod preview;
mod progress;
mod run;
mod sampler;
mod second_pass;
mod tags;
mod thin;
mod underpainting;
mod vocabulary;
mod warning;
mod worker;

pub use again::KeptPicture;
pub use control::Controlled;
pub(crate) use drawing::gigabytes;
pub use drawing::{DrawError, Drawn, Options, Seconds, Stage, Watcher, draw};
pub use estimate::{Estimate, Estimator};
pub use failure::Failure;
pub use latent::{LatentCells, latent_cells};
pub use library::item_picture;
pub use loading::{LoadError, Loaded, load, load_on, load_with_manners};
pub use model::Model;
pub use over::inside;
pub use plan::Facts;
pub use preset::{Family, Nature, Preset, Presets, few_steps_of};
pub use preview::{LatentToRgb, SmallDecoder};
pub use second_pass::SecondPass;
pub use tags::KnownLoras;
pub use vocabulary::Vocabulary;
pub use warning::{Axis, Warning};
pub use worker::Loader;

pub use crate::checkpoint::Error as CheckpointError;
pub use crate::checkpoint::prompt::{self, Reading, Rule, groups};
pub use crate::checkpoint::{
    Adapter, AdapterKind, Card, Device, Devices, Dtype, Half, Interrupt, LeftOut, Listed, Manners, PartName,
    PassedOver, Progress, Reason, Record, Shortage, Speed, seconds_told,
};
pub use crate::checkpoint::{
    Catalogue, ControlFile, Entry, FETCHED, FEW_STEPS, FileSummary, Item, Kind, Library, LoraFile, LoraSummary,
    PARTS_SEPARATOR, few_step_base, few_step_version, holds_models, hub, look_at, preview_decoders, sha256_of,
};
pub use crate::checkpoint::{Completion, FewSteps, KnownWords, Offer, Thing, UnknownWord, Words, insert_phrase};
pub use crate::diffusion::{PaintError, ScheduleError};

use crate::document::{Document, Lora, Settings};
use image::RgbImage;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use worker::Shared;

/// Number of a job, unique within its [`Studio`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub u64);

/// One generation: a frozen copy of the document.
#[derive(Debug, Clone)]
pub struct Job {
    /// The document to draw.
    pub document: Document,
    /// Draw it as quickly as this machine can, for a picture that follows the brush. [`Event::Sketch`] gives the settings.
    pub live: bool,
    /// The part of the canvas to draw, live or not, over the document's picture to start from; all of it without one.
    pub frame: Option<frame::Frame>,
}

/// Phase of a job, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for an earlier job.
    Queued,
    /// Reading the checkpoint's files.
    Loading,
    /// Embedding prompts and encoding pictures.
    Encoding,
    /// Running the sampler's steps.
    Denoising,
    /// Decoding the latent to a picture.
    Decoding,
}

/// A report of the worker on one job. The last of every job is `Finished`, `Cancelled` or `Failed`.
#[derive(Debug, Clone)]
pub enum Event {
    /// A phase begins.
    Phase {
        /// The job.
        job: JobId,
        /// The phase.
        phase: Phase,
    },
    /// Files of the checkpoint are read, as a percentage of their bytes.
    Loading {
        /// The job.
        job: JobId,
        /// 0 to 100.
        percent: u8,
    },
    /// A sampler step is done.
    Step {
        /// The job.
        job: JobId,
        /// Steps done.
        step: u32,
        /// Steps of the job, those of regions drawn again included.
        steps: u32,
        /// Seconds until the last step, by the mean of the steps so far.
        seconds_left: f32,
    },
    /// The picture as it stands. The newest replaces an unread one.
    Preview {
        /// The job.
        job: JobId,
        /// Steps done.
        step: u32,
        /// The preview; smaller than the canvas where that is large.
        image: Arc<RgbImage>,
    },
    /// The settings of a live job, before its first step.
    Sketch {
        /// The job.
        job: JobId,
        /// The settings it is drawn with.
        settings: Settings,
        /// True where the canvas, or the frame of it, is drawn at half its sides, since this machine is slow.
        half: bool,
    },
    /// A warning about the picture; the job goes on.
    Warning {
        /// The job.
        job: JobId,
        /// The warning.
        warning: Warning,
    },
    /// The job is done.
    Finished {
        /// The job.
        job: JobId,
        /// The picture.
        image: Arc<RgbImage>,
        /// The document's seed.
        seed: u64,
        /// Seconds from its beginning, loading included.
        seconds: f32,
    },
    /// The job was cancelled before it was done.
    Cancelled {
        /// The job.
        job: JobId,
    },
    /// The job failed.
    Failed {
        /// The job.
        job: JobId,
        /// The reason.
        failure: Arc<Failure>,
    },
}

/// Handle of the worker. Dropping it cancels the running job and ends the thread.
pub struct Studio {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// The device that checkpoints are loaded for.
    device: Arc<Mutex<Device>>,
}

impl Studio {
    /// Starts the worker with [`load_on`], beside a window. `wake` is called from other threads after every event.
    #[must_use]
    pub fn start(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self::start_on(Devices::default(), wake)
    }

    /// [`Studio::start`] with what is known of this machine's devices.
    #[must_use]
    pub fn start_on(devices: Devices, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let device = Arc::<Mutex<Device>>::default();
        let shared = Arc::new(Shared::new(Interrupt::default(), wake));
        let (chosen, theirs) = (Arc::clone(&device), Arc::clone(&shared));
        let loader = move |name: &str, loras: &[Lora]| {
            let device = *chosen.lock().unwrap_or_else(PoisonError::into_inner);
            let told = Arc::clone(&theirs);
            let progress = Progress::new(move |done, total| told.loaded(done, total));
            let manners = Manners { interrupt: theirs.interrupt(), window: true, kernels: devices.kernels(), progress };
            let (model, warnings) = load_on(&devices, name, device, Dtype::Auto, loras, &manners)?;
            Ok((Box::new(model) as Box<dyn Model>, warnings))
        };
        let mut this = Self::begin(Box::new(loader), shared);
        this.device = device;
        this
    }

    /// Starts the worker with another loader of checkpoints (tests).
    #[must_use]
    pub fn start_with(loader: Loader, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self::begin(loader, Arc::new(Shared::new(Interrupt::default(), wake)))
    }

    /// Starts the worker.
    fn begin(loader: Loader, shared: Arc<Shared>) -> Self {
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("studio".to_owned()).spawn(move || worker::run(&theirs, loader));
        if let Err(error) = &thread {
            log::error!("the worker thread did not start: {error}");
        }
        Self { shared, thread: thread.ok(), device: Arc::default() }
    }

    /// Draws on another device from the next job on; the checkpoints in memory are loaded anew for it.
    pub fn choose_device(&self, device: Device) {
        let mut chosen = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        if *chosen != device {
            *chosen = device;
            self.shared.forget_models();
        }
    }

    /// The flag that is raised when the running job is cancelled, for a loader's own devices.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        self.shared.interrupt()
    }

    /// Queues a job behind those that wait.
    #[expect(clippy::must_use_candidate, reason = "a job can be left to itself")]
    pub fn submit(&self, job: Job) -> JobId {
        self.shared.submit(job)
    }

    /// Cancels a queued or running job; it ends with [`Event::Cancelled`] before the next operator of a network.
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

    /// A function that estimates the cost of a document's run, or of that of a frame. It reads every mask, and the checkpoint where that is not known,
    /// so it belongs on a thread of its own.
    #[must_use]
    pub fn estimator(&self) -> Estimator {
        let shared = Arc::clone(&self.shared);
        Box::new(move |document, frame| {
            let (document, _) = shared.loras().applied(document);
            let name = &document.settings.checkpoint();
            let facts = shared.facts(name)?;
            let estimate = match frame {
                Some(frame) => Estimate::of(&frame::Part::of(&document, frame, facts).ok()?.document, facts)?,
                None => Estimate::of(&document, facts)?,
            };
            let seconds = shared.seconds_per_sample(name).map(|s| s * estimate.work());
            Some(Estimate { seconds, ..estimate })
        })
    }

    /// The LoRAs that words may name from now on.
    pub fn know_loras(&self, loras: KnownLoras) {
        self.shared.know_loras(loras);
    }

    /// The files of the library among which the small decoder of a checkpoint's previews is looked for from now on.
    pub fn know_decoders(&self, files: Vec<PathBuf>) {
        self.shared.know_decoders(files);
    }

    /// Vocabulary of a checkpoint by its name; `None` while it is being read, and where it cannot be. It is read on a thread of
    /// its own, which then calls `wake`.
    #[must_use]
    pub fn vocabulary(&self, name: &str) -> Option<Arc<Vocabulary>> {
        Shared::vocabulary(&self.shared, name)
    }

    /// Device and number format for the status line (`cpu · f32`); empty until a checkpoint is loaded.
    #[must_use]
    pub fn device(&self) -> String {
        self.shared.device()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // It ends before its next operator. A panic in it was reported when it happened.
            thread.join().ok();
        }
    }
}
