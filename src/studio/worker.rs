//! The worker: one thread that draws jobs in the order of the queue.

use super::again::KeptPicture;
use super::drawing::{Drawn, Options, Stage, Watcher, draw};
use super::estimate::{Estimate, work};
use super::frame::Part;
use super::init_image::Blend;
use super::live;
use super::model::Model;
use super::models::Models;
use super::plan::Facts;
use super::tags::KnownLoras;
use super::{Event, Failure, Job, JobId, Phase, Vocabulary, Warning};
use crate::checkpoint::{Checkpoint, Interrupt, few_step_version};
use crate::document::{Document, Lora};
use image::RgbImage;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Opens a checkpoint by name, with LoRAs: the model, and a warning for each LoRA that fits in part.
pub type Loader = Box<dyn FnMut(&str, &[Lora]) -> Result<(Box<dyn Model>, Vec<Warning>), Failure> + Send>;

/// State shared by the handle and the worker.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Notified when a job is queued, or the worker is to stop.
    bell: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
    /// Stops the device within a network call, once the job that it works for is cancelled.
    interrupt: Interrupt,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(JobId, Job)>,
    cancelled: HashSet<JobId>,
    /// The job that the worker is at.
    running: Option<JobId>,
    events: Vec<Event>,
    device: String,
    next: u64,
    stopping: bool,
    /// Set where the checkpoints in memory are to be loaded anew before the next job.
    forget_models: bool,
    /// Those of the checkpoints asked for; `None` where one cannot be opened.
    facts: HashMap<String, Option<Facts>>,
    /// Vocabularies of the checkpoints asked for; `None` while one is being read and where it cannot be.
    vocabularies: HashMap<String, Option<Arc<Vocabulary>>>,
    /// The LoRAs that words may name.
    loras: KnownLoras,
    /// The files of the library that may be small decoders.
    decoders: Arc<Vec<PathBuf>>,
    /// The percentage of the running job's checkpoint that was told last.
    loaded: u8,
    /// Seconds of a UNet sample in the last run of each checkpoint.
    pace: HashMap<String, f32>,
}

impl Shared {
    pub(super) fn new(interrupt: Interrupt, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), bell: Condvar::new(), wake: Box::new(wake), interrupt }
    }

    /// Locks the state. A worker that panicked must not take the window with it, so a poisoned lock is used all the same.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn know_loras(&self, loras: KnownLoras) {
        self.lock().loras = loras;
    }

    pub(super) fn know_decoders(&self, files: Vec<PathBuf>) {
        self.lock().decoders = Arc::new(files);
    }

    fn decoders(&self) -> Arc<Vec<PathBuf>> {
        Arc::clone(&self.lock().decoders)
    }

    pub(super) fn loras(&self) -> KnownLoras {
        self.lock().loras.clone()
    }

    pub(super) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    pub(super) fn submit(&self, job: Job) -> JobId {
        let mut state = self.lock();
        state.next += 1;
        let id = JobId(state.next);
        // Sent before the worker can take the job, so that it is the job's first event.
        state.events.push(Event::Phase { job: id, phase: Phase::Queued });
        state.queue.push_back((id, job));
        drop(state);
        self.bell.notify_one();
        (self.wake)();
        id
    }

    pub(super) fn cancel(&self, id: JobId) {
        let mut state = self.lock();
        let waiting = state.queue.iter().position(|(job, _)| *job == id);
        if let Some(index) = waiting {
            state.queue.remove(index);
            drop(state);
            self.send(Event::Cancelled { job: id });
        } else {
            state.cancelled.insert(id);
            if state.running == Some(id) {
                self.interrupt.raise();
            }
        }
    }

    /// Moves a waiting job before the others.
    pub(super) fn promote(&self, id: JobId) {
        let mut state = self.lock();
        if let Some(index) = state.queue.iter().position(|(job, _)| *job == id)
            && let Some(job) = state.queue.remove(index)
        {
            state.queue.push_front(job);
        }
    }

    pub(super) fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.lock().events)
    }

    pub(super) fn device(&self) -> String {
        self.lock().device.clone()
    }

    pub(super) fn facts(&self, name: &str) -> Option<Facts> {
        if let Some(&known) = self.lock().facts.get(name) {
            return known;
        }
        let facts = Checkpoint::open(name).ok().map(|checkpoint| Facts::of_files(&checkpoint));
        self.lock().facts.insert(name.to_owned(), facts);
        facts
    }

    pub(super) fn vocabulary(shared: &Arc<Self>, name: &str) -> Option<Arc<Vocabulary>> {
        let mut state = shared.lock();
        if let Some(known) = state.vocabularies.get(name) {
            return known.clone();
        }
        state.vocabularies.insert(name.to_owned(), None);
        drop(state);
        let (theirs, name) = (Arc::clone(shared), name.to_owned());
        let read = move || match Vocabulary::open(&name) {
            Ok(vocabulary) => {
                theirs.lock().vocabularies.insert(name, Some(Arc::new(vocabulary)));
                (theirs.wake)();
            }
            // A run of this checkpoint tells the person.
            Err(error) => log::info!("no vocabulary: {error}"),
        };
        if let Err(error) = std::thread::Builder::new().name("vocabulary".to_owned()).spawn(read) {
            log::error!("no thread for the vocabulary: {error}");
        }
        None
    }

    /// Frees the checkpoints in memory before the next job, with what is known of their speed.
    pub(super) fn forget_models(&self) {
        let mut state = self.lock();
        state.forget_models = true;
        state.pace.clear();
        state.device.clear();
    }

    pub(super) fn seconds_per_sample(&self, name: &str) -> Option<f32> {
        self.lock().pace.get(name).copied()
    }

    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        state.queue.clear();
        self.interrupt.raise();
        drop(state);
        self.bell.notify_all();
    }

    fn send(&self, event: Event) {
        let mut state = self.lock();
        if let Event::Preview { job: newer, .. } = &event {
            state.events.retain(|e| !matches!(e, Event::Preview { job, .. } if job == newer));
        }
        state.events.push(event);
        drop(state);
        (self.wake)();
    }

    /// Tells the running job's reader how far its checkpoint is read, at every percent.
    pub(super) fn loaded(&self, done: u64, total: u64) {
        let percent = u8::try_from(done.min(total) * 100 / total.max(1)).unwrap_or(100);
        let mut state = self.lock();
        let Some(job) = state.running.filter(|_| state.loaded != percent) else { return };
        state.loaded = percent;
        drop(state);
        self.send(Event::Loading { job, percent });
    }

    fn cancelled(&self, id: JobId) -> bool {
        let state = self.lock();
        state.stopping || state.cancelled.contains(&id)
    }

    /// The next job, at which the worker is from now on.
    fn next_job(&self) -> Option<(JobId, Job)> {
        let mut state = self.lock();
        state.running = None;
        loop {
            if state.stopping {
                return None;
            }
            if let Some(job) = state.queue.pop_front() {
                state.running = Some(job.0);
                self.interrupt.lower();
                return Some(job);
            }
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Draws jobs until the handle is dropped.
pub(super) fn run(shared: &Shared, loader: Loader) {
    let mut models = Models::new(loader);
    let mut last = None;
    while let Some((id, job)) = shared.next_job() {
        if std::mem::take(&mut shared.lock().forget_models) {
            models.clear();
            last = None;
        }
        // A panic in a network or a driver ends this job. The models may be half changed by it, so they are freed.
        let outcome = catch_unwind(AssertUnwindSafe(|| one_job(shared, id, &job, &mut models, &mut last)));
        let event = match outcome {
            Ok(event) => {
                // A device that was lost is opened anew for the next job.
                if matches!(&event, Event::Failed { failure, .. } if failure.is_of_device()) {
                    models.clear();
                    last = None;
                }
                event
            }
            Err(_) => {
                models.clear();
                last = None;
                failed(id, Failure::Fault)
            }
        };
        shared.lock().cancelled.remove(&id);
        shared.send(event);
    }
}

/// The last picture in which nothing is drawn again, and its document. Drawing a region of it again then costs that region
/// only, and keeps the very pixels that the person saw.
type Last = Option<(Document, KeptPicture)>;

/// The most bytes kept for it; a megapixel in fifty steps takes 16 MB.
const LAST_MEMORY: usize = 256 << 20;

/// The document without its rerolls and without all that does not change the picture under them.
fn basis(document: &Document) -> Document {
    let mut basis =
        Document { take: None, unknown: serde_json::Map::new(), extra: BTreeMap::new(), ..document.clone() };
    basis.regions.iter_mut().for_each(|region| (region.reroll, region.locked) = (None, false));
    basis
}

/// Draws one job and returns its last event.
fn one_job(shared: &Shared, id: JobId, job: &Job, models: &mut Models, last: &mut Last) -> Event {
    let start = Instant::now();
    let settings = &job.document.settings;
    // A live picture is drawn by the version for few steps, where there is one.
    let version = if job.live { few_step_version(&settings.model) } else { None };
    let model = version.as_ref().unwrap_or(&settings.model);
    let (chosen, name, loras) = (&settings.checkpoint(), &settings.with_parts(model), &settings.loras);
    if !models.is_ready(name, loras) {
        shared.lock().loaded = 0;
        shared.send(Event::Phase { job: id, phase: Phase::Loading });
        if !job.live {
            *last = None;
        }
    }
    let (model, warnings) = match models.get(name, loras) {
        Ok(found) => found,
        Err(failure) => return failed(id, failure),
    };
    let (device, dtype) = model.device();
    model.know_preview_decoders(&shared.decoders());
    // (What previews are decoded by is told there, too.)
    let told = [Some(device), Some(dtype), model.preview_decoder().map(|decoder| decoder.name)];
    shared.lock().device = told.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    for warning in warnings {
        shared.send(Event::Warning { job: id, warning });
    }
    let part = match job.frame.map(|frame| Part::of(&job.document, frame, Facts::of(model))).transpose() {
        Ok(part) => part,
        Err(error) => return failed(id, error.into()),
    };
    let below = match &part {
        Some(part) => Below::Canvas(part),
        None => match Blend::of_document(&job.document) {
            Ok(blend) => blend.map_or(Below::Nothing, Below::InitImage),
            Err(error) => return failed(id, error.into()),
        },
    };
    // A live picture has few steps, and each of its previews is waited for.
    let laying = Laying { share: if job.live { f32::INFINITY } else { LAYING_SHARE }, spent: 0.0 };
    let mut watcher = Reporter { shared, id, below, laying, begun: Instant::now(), done: None };
    let mut options = Options { previews: true, loras: shared.loras(), ..Options::default() };
    if job.live {
        // What is kept of the init image is laid over at the canvas's size.
        options.lay_over = false;
        let mut document = part.as_ref().map_or(&job.document, |part| &part.document).without_takes();
        document.settings.model.clone_from(version.as_ref().unwrap_or(&settings.model));
        // (A few-step version is as fast as its base.)
        let pace = shared.seconds_per_sample(name).or_else(|| shared.seconds_per_sample(chosen));
        let sketch = live::sketch(document, model, pace);
        shared.send(Event::Sketch { job: id, settings: sketch.document.settings.clone(), half: sketch.half });
        return match draw(&sketch.document, model, &options, &mut watcher) {
            Ok(drawn) => {
                let image = watcher.below.laid(drawn.image);
                let warnings = sketch.warnings(drawn.warnings);
                finished(shared, id, &sketch.document, Drawn { image, warnings, ..drawn }, start)
            }
            Err(error) => {
                // Under a busy brush no live picture may ever be finished, but its first steps give the pace.
                let estimate = Estimate::of(&sketch.document, Facts::of(model));
                if let (Some((steps, seconds)), Some(estimate)) = (watcher.done, estimate) {
                    let samples = estimate.work() * steps as f32 / estimate.steps.max(1) as f32;
                    shared.lock().pace.insert(name.clone(), seconds / samples.max(1.0));
                }
                failed(id, error.into())
            }
        };
    }
    if let Some(part) = &part {
        *last = None;
        return match part.draw(model, &options, &mut watcher) {
            Ok(drawn) => finished(shared, id, &job.document, drawn, start),
            Err(error) => failed(id, error.into()),
        };
    }
    let basis = basis(&job.document);
    options.kept = last.take().filter(|(of, _)| *of == basis).map(|(_, kept)| kept);
    options.keep = memory_to_keep(&job.document, model.factor(), model.network().latent_channels()) <= LAST_MEMORY;
    match draw(&job.document, model, &options, &mut watcher) {
        Ok(mut drawn) => {
            let kept = drawn.kept.take().filter(|kept| kept.memory() <= LAST_MEMORY);
            *last = kept.map(|kept| (basis, kept));
            finished(shared, id, &job.document, drawn, start)
        }
        Err(error) => failed(id, error.into()),
    }
}

/// Tells the warnings, records the pace and returns the picture.
fn finished(shared: &Shared, job: JobId, document: &Document, drawn: Drawn, start: Instant) -> Event {
    for warning in drawn.warnings {
        shared.send(Event::Warning { job, warning });
    }
    let pace = drawn.seconds.denoise as f32 / work(drawn.unet_samples, drawn.unet_samples_shallow).max(1.0);
    shared.lock().pace.insert(document.settings.checkpoint(), pace);
    let (seed, seconds) = (document.settings.seed, start.elapsed().as_secs_f32());
    Event::Finished { job, image: Arc::new(drawn.image), seed, seconds }
}

fn failed(job: JobId, failure: Failure) -> Event {
    if failure.is_cancelled() {
        return Event::Cancelled { job };
    }
    Event::Failed { job, failure: Arc::new(failure) }
}

/// Bytes of a kept picture: its pixels, and a latent of `channels` f32 planes before the first step and after each evaluation.
fn memory_to_keep(document: &Document, factor: usize, channels: usize) -> usize {
    let (width, height) = (document.width as usize, document.height as usize);
    let steps = document.settings.steps as usize;
    // No sampler evaluates the network more than twice a step.
    let latent = width.div_ceil(factor) * height.div_ceil(factor) * channels * size_of::<f32>();
    3 * width * height + latent * (2 * steps + 1)
}

/// What previews and live pictures lie over, so that all of them show the whole canvas.
enum Below<'a> {
    Nothing,
    /// The init image, of which a part may change.
    InitImage(Blend<'a>),
    /// The picture of the canvas, of which a part is drawn.
    Canvas(&'a Part),
}

impl Below<'_> {
    fn laid(&self, image: RgbImage) -> RgbImage {
        match self {
            Self::Nothing => image,
            Self::InitImage(blend) => blend.laid(image),
            Self::Canvas(part) => part.laid(&image),
        }
    }
}

/// The share of the denoising time in which previews may be laid over what is kept.
const LAYING_SHARE: f32 = 0.1;

/// The time that laying previews takes.
struct Laying {
    /// The most, as a share of the denoising time.
    share: f32,
    /// Seconds so far.
    spent: f32,
}

/// Watcher that sends a drawing's progress as events.
struct Reporter<'a> {
    shared: &'a Shared,
    id: JobId,
    below: Below<'a>,
    laying: Laying,
    /// Beginning of the stage.
    begun: Instant,
    /// Steps done, and their seconds.
    done: Option<(usize, f32)>,
}

impl Watcher for Reporter<'_> {
    fn cancelled(&mut self) -> bool {
        self.shared.cancelled(self.id)
    }

    fn stage(&mut self, stage: Stage) {
        let phase = match stage {
            Stage::Encoding => Phase::Encoding,
            Stage::Denoising => Phase::Denoising,
            Stage::Decoding => Phase::Decoding,
        };
        self.begun = Instant::now();
        self.shared.send(Event::Phase { job: self.id, phase });
    }

    fn step(&mut self, done: usize, total: usize, preview: Option<RgbImage>) {
        let spent = self.begun.elapsed().as_secs_f32();
        self.done = Some((done, spent));
        let per_step = spent / done.max(1) as f32;
        let (step, steps) = (done as u32, total as u32);
        let seconds_left = per_step * (total - done) as f32;
        self.shared.send(Event::Step { job: self.id, step, steps, seconds_left });
        // Where steps are quicker than laying a picture, not every one shows its preview: one that is not laid would jump.
        let affordable = self.laying.spent <= self.laying.share * spent;
        if let Some(image) = preview.filter(|_| affordable) {
            let begun = Instant::now();
            let image = self.below.laid(image);
            self.laying.spent += begun.elapsed().as_secs_f32();
            self.shared.send(Event::Preview { job: self.id, step, image: Arc::new(image) });
        }
    }
}
