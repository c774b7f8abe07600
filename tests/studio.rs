//! The worker thread: jobs, events, cancelling, and recovery from a failure. Networks are toys.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::around::Around;
use common::with_few_steps;
use polyptych::checkpoint::Device;
use polyptych::diffusion::{Call, Moments, Network, NetworkError, Planes, PromptId, SchedulerConfig};
use polyptych::document::{Area, Document, InitImage, Lora, Mask, PixelRect, PromptRule, Sampler};
use polyptych::studio::frame::Frame;
use polyptych::studio::{
    self, Event, Job, JobId, LatentToRgb, Loader, Model, Options, Phase, Reading, Studio, Warning,
};
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

struct Toy {
    config: SchedulerConfig,
    calls: Arc<AtomicUsize>,
    preview_map: Option<LatentToRgb>,
    /// Called with the number of each UNet call.
    at_call: fn(usize),
    /// The prompts that were embedded.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Network for Toy {
    fn latent_channels(&self) -> usize {
        4
    }

    fn predict(&mut self, inputs: &Planes, _timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        (self.at_call)(self.calls.fetch_add(1, Ordering::SeqCst));
        let data = calls.iter().flat_map(|call| inputs.image(call.input)).map(|v| v * 0.5).collect();
        Ok(Planes { count: calls.len(), data, ..*inputs })
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let mean = Planes::zeros(pictures.count, 4, pictures.height / 8, pictures.width / 8);
        Ok(Moments { std: mean.clone(), mean })
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        Ok(Planes::zeros(latents.count, 3, latents.height * 8, latents.width * 8))
    }
}

impl Model for Toy {
    fn network(&mut self) -> &mut dyn Network {
        self
    }

    fn window(&self) -> usize {
        16
    }

    fn factor(&self) -> usize {
        8
    }

    fn scheduler(&self) -> &SchedulerConfig {
        &self.config
    }

    fn prompt(&mut self, words: &str, _reading: Reading) -> Result<PromptId, NetworkError> {
        self.asked.lock().expect("nobody panicked").push(words.to_owned());
        Ok(PromptId(0))
    }

    fn preview_map(&mut self) -> &mut Option<LatentToRgb> {
        &mut self.preview_map
    }

    fn device(&self) -> (String, String) {
        ("toy".to_owned(), "f32".to_owned())
    }
}

struct Bench {
    studio: Studio,
    woken: mpsc::Receiver<()>,
    calls: Arc<AtomicUsize>,
    loads: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new(at_call: fn(usize)) -> Self {
        let (wake, woken) = mpsc::channel();
        let (calls, loads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let (theirs, counted) = (Arc::clone(&calls), Arc::clone(&loads));
        let loader: Loader = Box::new(move |name, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            if name == "missing" {
                return Err(studio::load(name, Device::Cpu, &[]).expect_err("there is none of that name").into());
            }
            let config = SchedulerConfig { clip_sample: Some(false), ..SchedulerConfig::default() };
            let toy = Toy { config, calls: Arc::clone(&theirs), preview_map: None, at_call, asked: Arc::clone(&log) };
            Ok((Box::new(toy), Vec::new()))
        });
        let studio = Studio::start_with(loader, move || {
            wake.send(()).ok();
        });
        Self { studio, woken, calls, loads, asked }
    }

    /// The prompts that were embedded so far.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }

    /// Waits for the job's last event and returns all until then.
    fn until_end(&self, job: JobId) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            all.extend(self.studio.events());
            let last = |e: &Event| {
                matches!(e, Event::Finished { job: j, .. } | Event::Failed { job: j, .. } | Event::Cancelled { job: j }
                    if *j == job)
            };
            if all.iter().any(last) {
                return all;
            }
            self.woken.recv_timeout(Duration::from_mins(1)).expect("the worker reports");
        }
    }
}

fn document(steps: u32) -> Document {
    let mut document = Document::new(128, 128);
    document.background.prompt = "a quiet sea".to_owned();
    document.settings.steps = steps;
    document.settings.seed = 9;
    document
}

fn job(steps: u32) -> Job {
    Job { document: document(steps), live: false, frame: None }
}

#[test]
fn a_job_tells_its_story_in_order() {
    let bench = Bench::new(|_| ());
    let id = bench.studio.submit(job(4));
    let events = bench.until_end(id);
    let phases: Vec<Phase> =
        events.iter().filter_map(|e| if let Event::Phase { phase, .. } = e { Some(*phase) } else { None }).collect();
    assert_eq!(phases, [Phase::Queued, Phase::Loading, Phase::Encoding, Phase::Denoising, Phase::Decoding]);
    let steps: Vec<u32> =
        events.iter().filter_map(|e| if let Event::Step { step, .. } = e { Some(*step) } else { None }).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
    assert!(events.iter().any(|e| matches!(e, Event::Preview { image, .. } if image.dimensions() == (128, 128))));
    let Some(Event::Finished { image, seed, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!((image.dimensions(), *seed), ((128, 128), 9));
    assert_eq!(bench.studio.device(), "toy · f32");
    // The next one finds the checkpoint loaded.
    let second = bench.studio.submit(job(1));
    bench.until_end(second);
    assert_eq!(bench.loads.load(Ordering::SeqCst), 1);
}

#[test]
fn only_the_newest_preview_waits() {
    let bench = Bench::new(|_| ());
    let id = bench.studio.submit(job(30));
    while bench.calls.load(Ordering::SeqCst) < 30 {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Nobody has read so far; thirty calls have made some thirty previews.
    let waiting = bench.studio.events();
    assert_eq!(waiting.iter().filter(|e| matches!(e, Event::Preview { .. })).count(), 1);
    if !waiting.iter().any(|e| matches!(e, Event::Finished { .. })) {
        bench.until_end(id);
    }
}

#[test]
fn cancel_ends_a_job_before_its_next_call() {
    let bench = Bench::new(|_| std::thread::sleep(Duration::from_millis(30)));
    let first = bench.studio.submit(job(1000));
    let second = bench.studio.submit(job(1000));
    while bench.calls.load(Ordering::SeqCst) < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    bench.studio.cancel(second);
    bench.studio.cancel(first);
    let called = bench.calls.load(Ordering::SeqCst);
    let events = bench.until_end(first);
    assert!(bench.calls.load(Ordering::SeqCst) <= called + 1, "more than the call under way was made");
    assert!(events.iter().any(|e| matches!(e, Event::Cancelled { job } if *job == second)), "{events:?}");
    assert!(matches!(events.last(), Some(Event::Cancelled { job }) if *job == first), "{events:?}");
    let third = bench.studio.submit(job(2));
    assert!(matches!(bench.until_end(third).last(), Some(Event::Finished { .. })));
}

#[test]
fn a_panic_is_an_event_and_the_worker_lives_on() {
    let bench = Bench::new(|call| assert!(call != 1, "a fault in a driver"));
    let first = bench.studio.submit(job(3));
    let events = bench.until_end(first);
    let Some(Event::Failed { failure, .. }) = events.last() else { panic!("{events:?}") };
    assert!(failure.to_string().contains("document is unharmed"), "{failure}");
    let second = bench.studio.submit(job(3));
    assert!(matches!(bench.until_end(second).last(), Some(Event::Finished { .. })));
    assert_eq!(bench.loads.load(Ordering::SeqCst), 2, "a model that may be half changed is used again");
}

#[test]
fn failures_are_said_in_one_line() {
    let bench = Bench::new(|_| ());
    let failure = |document: Document| {
        let id = bench.studio.submit(Job { document, live: false, frame: None });
        match bench.until_end(id).pop() {
            Some(Event::Failed { failure, .. }) => {
                assert_eq!(failure.to_string().lines().count(), 1, "{failure}");
                failure.to_string()
            }
            other => panic!("{other:?}"),
        }
    };
    let mut missing = document(1);
    missing.settings.model = "missing".to_owned();
    assert!(failure(missing).contains("no such file or folder"));
    assert!(failure(document(0)).contains("steps"));
    let mut endless = document(1);
    endless.settings.guidance = f32::INFINITY;
    assert!(failure(endless).contains("guidance"));
}

#[test]
fn the_style_is_read_with_the_words() {
    let bench = Bench::new(|_| ());
    let mut document = document(1);
    document.background.prompt = "one two".to_owned();
    document.style = "three four".to_owned();
    bench.until_end(bench.studio.submit(Job { document, live: false, frame: None }));
    let read = |words: &String| words.contains("one two") && words.contains("three four");
    assert!(bench.asked().iter().any(read), "{:?}", bench.asked());
}

#[test]
fn words_change_as_steps_pass_and_are_joined_by_the_rule_of_the_document() {
    let bench = Bench::new(|_| ());
    let mut scene = document(4);
    scene.background.prompt = "a [red:blue:0.5] fox AND snow :0.5".to_owned();
    scene.background.negative = "[x|y]".to_owned();
    bench.until_end(bench.studio.submit(Job { document: scene.clone(), live: false, frame: None }));
    assert_eq!(bench.asked(), ["a red fox ", "a blue fox ", " snow ", "x", "y", "x", "y"]);
    // Three prompts a step.
    assert_eq!(bench.calls.load(Ordering::SeqCst), 4);
    scene.settings.prompt_rule = PromptRule::ComfyUi;
    bench.until_end(bench.studio.submit(Job { document: scene, live: false, frame: None }));
    assert_eq!(bench.asked()[7..], ["a [red:blue:0.5] fox AND snow :0.5", "[x|y]"]);
}

#[test]
fn drawing_a_region_again_costs_that_region_only() {
    let bench = Bench::new(|_| ());
    let calls = |document: Document| {
        let before = bench.calls.load(Ordering::SeqCst);
        let id = bench.studio.submit(Job { document, live: false, frame: None });
        let events = bench.until_end(id);
        assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
        bench.calls.load(Ordering::SeqCst) - before
    };
    let mut scene = document(4);
    let id = scene.add_region("Boat", "a boat");
    let mut mask = Mask::empty(128, 128);
    mask.fill(PixelRect { x: 0, y: 40, width: 128, height: 20 }, 255);
    scene.region_mut(id).expect("the region").mask = mask.into();
    assert_eq!(calls(scene.clone()), 4);
    scene.region_mut(id).expect("the region").reroll = Some(1);
    assert_eq!(calls(scene.clone()), 4, "the kept picture was drawn again");
    scene.region_mut(id).expect("the region").reroll = Some(2);
    assert_eq!(calls(scene.clone()), 4, "the kept picture was forgotten");
    // Of another document nothing is known.
    scene.settings.seed += 1;
    assert_eq!(calls(scene), 8);
}

#[test]
fn dropping_the_studio_ends_the_job() {
    let bench = Bench::new(|_| std::thread::sleep(Duration::from_millis(10)));
    bench.studio.submit(job(1000));
    while bench.calls.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let calls = Arc::clone(&bench.calls);
    drop(bench);
    assert!(calls.load(Ordering::SeqCst) < 100);
}

#[test]
fn a_waiting_job_can_be_the_next() {
    let bench = Bench::new(|_| std::thread::sleep(Duration::from_millis(2)));
    let [first, second, third] = [(); 3].map(|()| bench.studio.submit(job(200)));
    let mut all = Vec::new();
    while !all.iter().any(|e| matches!(e, Event::Step { .. })) {
        all.extend(bench.studio.events());
        bench.woken.recv_timeout(Duration::from_mins(1)).expect("the worker reports");
    }
    bench.studio.promote(third);
    all.extend(bench.until_end(second));
    all.extend(bench.studio.events());
    let ended = all.iter().filter_map(|e| if let Event::Finished { job, .. } = e { Some(*job) } else { None });
    assert_eq!(ended.collect::<Vec<_>>(), [first, third, second]);
}

#[test]
fn a_live_job_says_how_it_is_drawn_and_takes_few_steps() {
    let bench = Bench::new(|_| ());
    let submit = |strength: Option<f64>| {
        let mut document = document(30);
        document.settings.guidance = 3.0;
        document.init_image = strength.map(|strength| InitImage {
            image: Arc::new(image::RgbImage::new(128, 128)),
            strength,
            area: Area::Everything,
        });
        let events = bench.until_end(bench.studio.submit(Job { document, live: true, frame: None }));
        let settings = events.iter().find_map(|e| match e {
            Event::Sketch { settings, half, .. } => Some((settings.clone(), *half)),
            _ => None,
        });
        assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
        settings.expect("it says how")
    };
    let (settings, half) = submit(None);
    assert_eq!((settings.steps, settings.sampler, half), (8, Sampler::Dpmpp2m, false));
    assert_eq!((settings.seed, settings.guidance.to_bits()), (9, 3.0_f32.to_bits()), "the rest stays");
    // The speed is known now, and a toy is fast: nothing is saved on windows.
    assert_eq!(submit(None).0.stride, document(1).settings.stride);
    assert_eq!(submit(Some(0.05)).0.steps, 20, "one step is left of them");
}

#[test]
fn previews_show_what_may_not_change_as_it_is() {
    let bench = Bench::new(|_| ());
    let picture = image::RgbImage::from_fn(128, 128, |x, y| image::Rgb([x as u8, y as u8, 77]));
    let mask = Mask::from_rows(128, 128, |_, row| row[..64].fill(255));
    let area = Area::Mask(Arc::new(mask));
    let start = InitImage { image: Arc::new(picture.clone()), strength: 0.75, area };
    for live in [false, true] {
        let document = Document { init_image: Some(start.clone()), ..document(8) };
        let events = bench.until_end(bench.studio.submit(Job { document, live, frame: None }));
        let previews =
            events.iter().filter_map(|e| if let Event::Preview { image, .. } = e { Some(image) } else { None });
        let previews: Vec<_> = previews.collect();
        assert!(!previews.is_empty());
        for image in previews {
            let kept = |x: u32| (0..128).filter(|y| image.get_pixel(x, *y) == picture.get_pixel(x, *y)).count();
            assert!((64..128).all(|x| kept(x) == 128), "a pixel that may not change was changed");
            assert!((0..48).any(|x| kept(x) < 16), "nothing changes where it may");
        }
    }
}

#[test]
fn a_live_job_of_a_frame_draws_that_alone_into_the_picture() {
    let bench = Bench::new(|_| ());
    let picture = image::RgbImage::from_fn(640, 512, |x, y| image::Rgb([x as u8, y as u8, (x / 3 + y / 5) as u8]));
    let mut document = Document { width: 640, height: 512, ..document(30) };
    let start = InitImage { image: Arc::new(picture.clone()), strength: 0.75, area: Area::Everything };
    document.init_image = Some(start);
    let frame = Frame { x: 300, y: 200, width: 64, height: 64 };
    // Once before the speed is known, and once after: neither the canvas's windows nor its size count.
    for _ in 0..2 {
        let before = bench.calls.load(Ordering::SeqCst);
        let job = Job { document: document.clone(), live: true, frame: Some(frame) };
        let events = bench.until_end(bench.studio.submit(job));
        let sketch = events.iter().find_map(|e| match e {
            Event::Sketch { settings, half, .. } => Some((settings.steps, *half)),
            _ => None,
        });
        assert_eq!(sketch, Some((8, false)));
        // One window, six of the eight steps.
        assert_eq!(bench.calls.load(Ordering::SeqCst) - before, 6);
        let previews =
            events.iter().filter_map(|e| if let Event::Preview { image, .. } = e { Some(image) } else { None });
        let Some(Event::Finished { image, .. }) = events.last() else { panic!("{events:?}") };
        for image in previews.chain([image]) {
            assert_eq!(image.dimensions(), (640, 512));
            let inside = |x: u32, y: u32| (300..364).contains(&x) && (200..264).contains(&y);
            let differs = |(x, y, pixel): &(u32, u32, &image::Rgb<u8>)| *pixel != picture.get_pixel(*x, *y);
            let changed: Vec<_> = image.enumerate_pixels().filter(differs).map(|(x, y, _)| (x, y)).collect();
            assert!(changed.len() > 1000, "{}", changed.len());
            assert!(changed.iter().all(|(x, y)| inside(*x, *y)), "a pixel outside the frame was changed");
        }
    }
    // A frame beside the canvas is an error in words, as in a full drawing.
    let beside = Frame { x: 640, ..frame };
    let events = bench.until_end(bench.studio.submit(Job { document, live: true, frame: Some(beside) }));
    assert!(matches!(events.last(), Some(Event::Failed { .. })), "{events:?}");
}

#[test]
fn the_decoder_makes_no_preview_that_the_steps_have_not_earned() {
    let config = SchedulerConfig { clip_sample: Some(false), ..SchedulerConfig::default() };
    let toy = Toy { config, calls: Arc::default(), preview_map: None, at_call: |_| (), asked: Arc::default() };
    let decodes = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&decodes);
    let before_decoding = move |latents: &Planes| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_micros(200 * latents.plane_len() as u64));
    };
    let mut slow = Around { before_decoding: Box::new(before_decoding), ..Around::new(toy) };
    let options = Options { previews: true, ..Options::default() };
    for run in 1..=2 {
        studio::draw(&document(8), &mut slow, &options, &mut ()).expect("a picture");
        // Once on a small latent to know what it takes, and the finished picture of each run.
        assert_eq!(decodes.load(Ordering::Relaxed), 1 + run);
    }
}

#[test]
fn regions_bootstrap_for_a_whole_number_of_few_steps() {
    let inputs = |fraction: f32, steps: u32| {
        let config = SchedulerConfig { clip_sample: Some(false), ..SchedulerConfig::default() };
        let mut toy = Toy { config, calls: Arc::default(), preview_map: None, at_call: |_| (), asked: Arc::default() };
        let mut document = document(steps);
        let id = document.add_region("Boat", "a boat");
        let mut mask = Mask::empty(128, 128);
        mask.fill(PixelRect { x: 32, y: 32, width: 64, height: 64 }, 255);
        document.region_mut(id).expect("the region").mask = mask.into();
        (document.settings.bootstrap, document.settings.sampler) = (fraction, Sampler::Lcm);
        studio::draw(&document, &mut toy, &Options::default(), &mut ()).expect("a picture").unet_inputs
    };
    // In each step the window as it is, and while the region bootstraps its own as well.
    assert_eq!(inputs(0.4, 4), 4 + 2, "1.6 of 4 are two");
    assert_eq!((inputs(0.2, 4), inputs(0.1, 4)), (4 + 1, 4));
    assert_eq!((inputs(0.4, 1), inputs(1.0, 4)), (1, 4 + 4));
}

/// A live job's settings, whether it had to load, and its picture.
fn live_story(events: &[Event]) -> (Option<polyptych::document::Settings>, bool, Vec<u8>) {
    let settings = events.iter().find_map(|e| match e {
        Event::Sketch { settings, .. } => Some(settings.clone()),
        _ => None,
    });
    let loads = events.iter().any(|e| matches!(e, Event::Phase { phase: Phase::Loading, .. }));
    match events.last() {
        Some(Event::Finished { image, .. }) => (settings, loads, image.to_vec()),
        other => panic!("no picture: {other:?}"),
    }
}

#[test]
fn live_pictures_are_drawn_by_the_few_step_version_and_finished_ones_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    with_few_steps("vpred", folder.path());
    let (wake, woken) = mpsc::channel();
    let mut bench = Bench::new(|_| ());
    bench.woken = woken;
    bench.studio = Studio::start(move || {
        wake.send(()).ok();
    });
    let mut document = document(5);
    document.settings.model = folder.path().to_str().expect("UTF-8").to_owned();
    let drawn = |document: &Document, live| {
        live_story(&bench.until_end(bench.studio.submit(Job { document: document.clone(), live, frame: None })))
    };
    let (fine, loads, finished) = drawn(&document, false);
    assert!(fine.is_none() && loads);
    let (settings, loads, sketch) = drawn(&document, true);
    let settings = settings.expect("it says how");
    assert_eq!(std::path::Path::new(&settings.model), folder.path().join("few_steps"));
    assert_eq!((settings.steps, settings.sampler, settings.guidance.to_bits()), (4, Sampler::Lcm, 1_f32.to_bits()));
    assert!(loads && sketch != finished);
    // Both stay in memory.
    assert_eq!(drawn(&document, false), (None, false, finished.clone()));
    assert_eq!(drawn(&document, true), (Some(settings.clone()), false, sketch.clone()));
    // What it says draws the same picture again.
    let kept = Document { settings, ..document.clone() };
    assert_eq!(drawn(&kept, false), (None, false, sketch));
    // Without the version, the checkpoint itself is sketched with.
    std::fs::remove_dir_all(folder.path().join("few_steps")).expect("removed");
    let (settings, loads, sketch) = drawn(&document, true);
    let settings = settings.expect("it says how");
    assert_eq!((&settings.model, settings.sampler, loads), (&document.settings.model, Sampler::Dpmpp2m, false));
    assert_ne!(sketch, finished);
}

#[test]
fn two_small_models_stay_loaded_and_a_large_one_is_alone() {
    let loaded = Arc::new(std::sync::Mutex::new(Vec::new()));
    let names = Arc::clone(&loaded);
    let (wake, woken) = mpsc::channel();
    let loader: Loader = Box::new(move |name, _| {
        names.lock().expect("whole").push(name.to_owned());
        let config = SchedulerConfig { clip_sample: Some(false), ..SchedulerConfig::default() };
        let toy = Toy { config, calls: Arc::default(), preview_map: None, at_call: |_| (), asked: Arc::default() };
        let memory = if name.contains("large") { 4 << 30 } else { 0 };
        let model: Box<dyn Model> = Box::new(Around { memory, ..Around::new(toy) });
        Ok((model, Vec::new()))
    });
    let mut bench = Bench::new(|_| ());
    bench.woken = woken;
    bench.studio = Studio::start_with(loader, move || {
        wake.send(()).ok();
    });
    for name in ["a", "b", "a", "b", "c", "b", "a", "large", "large", "b", "large 2", "large"] {
        let mut document = document(1);
        document.settings.model = name.to_owned();
        bench.until_end(bench.studio.submit(Job { document, live: false, frame: None }));
    }
    assert_eq!(*loaded.lock().expect("whole"), ["a", "b", "c", "a", "large", "b", "large 2", "large"]);
}

#[test]
fn a_changed_list_of_loras_is_a_fresh_load_without_one() {
    let golden = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
        path.to_str().expect("UTF-8").to_owned()
    };
    let (wake, woken) = mpsc::channel();
    let mut bench = Bench::new(|_| ());
    bench.woken = woken;
    bench.studio = Studio::start(move || {
        wake.send(()).ok();
    });
    let drawn = |loras: &[(&str, f32)]| {
        let mut document = document(2);
        document.settings.model = golden("eps");
        document.settings.loras = loras
            .iter()
            .map(|&(name, weight)| Lora { file: golden(&format!("lora/{name}.safetensors")), weight })
            .collect();
        bench.until_end(bench.studio.submit(Job { document, live: false, frame: None }))
    };
    let image = |events: &[Event]| match events.last() {
        Some(Event::Finished { image, .. }) => image.to_vec(),
        other => panic!("no picture: {other:?}"),
    };
    let loadings =
        |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Phase { phase: Phase::Loading, .. })).count();
    let plain = drawn(&[]);
    let strong = drawn(&[("eps_kohya", 1.0)]);
    assert_eq!((loadings(&plain), loadings(&strong)), (1, 1));
    assert_ne!(image(&strong), image(&plain));
    let again = drawn(&[("eps_kohya", 1.0)]);
    assert_eq!((loadings(&again), image(&again)), (0, image(&strong)));
    assert_ne!(image(&drawn(&[("eps_kohya", 0.5)])), image(&strong));
    // A file that is not there ends the job in words, and the next one is none the worse.
    let failed = drawn(&[("gone", 1.0)]);
    let said = matches!(failed.last(), Some(Event::Failed { failure, .. }) if failure.to_string().contains("gone.safetensors: there is no such file"));
    assert!(said, "{failed:?}");
    assert_eq!(image(&drawn(&[("eps_kohya", 1.0)])), image(&strong));
    assert_eq!(image(&drawn(&[])), image(&plain));
    assert_eq!(bench.loads.load(Ordering::SeqCst), 0, "the studio's own loader was asked");
}

#[test]
fn a_fresh_load_tells_of_a_lora_that_fits_in_part_and_is_not_asked_again() {
    let (wake, woken) = mpsc::channel();
    let mut bench = Bench::new(|_| ());
    bench.woken = woken;
    let loader: Loader = Box::new(|_, loras| {
        let config = SchedulerConfig { clip_sample: Some(false), ..SchedulerConfig::default() };
        let toy = Toy { config, calls: Arc::default(), preview_map: None, at_call: |_| (), asked: Arc::default() };
        let warning =
            |lora: &Lora| Warning::LoraInPart { file: lora.file.clone(), left_out: 1, layers: 3, names: String::new() };
        Ok((Box::new(toy), loras.iter().map(warning).collect()))
    });
    bench.studio = Studio::start_with(loader, move || {
        wake.send(()).ok();
    });
    let mut document = document(1);
    document.settings.loras = vec![Lora::new("ink.safetensors".to_owned())];
    // The toy itself takes no LoRAs: asked once more for those it was loaded with, it would fail the job.
    let events = bench.until_end(bench.studio.submit(Job { document, live: false, frame: None }));
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
    let told = |e: &&Event| matches!(e, Event::Warning { warning: Warning::LoraInPart { left_out: 1, .. }, .. });
    assert_eq!(events.iter().filter(told).count(), 1, "{events:?}");
}

#[test]
fn a_lora_is_read_again_only_where_its_file_has_changed() {
    let goldens = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ink.safetensors");
    std::fs::copy(goldens.join("lora/eps_kohya.safetensors"), &file).expect("copied");
    let mut lora = Lora::new(file.to_str().expect("UTF-8").to_owned());
    let checkpoint = goldens.join("eps");
    let (mut model, _) =
        studio::load(checkpoint.to_str().expect("UTF-8"), Device::Cpu, &[lora.clone()]).expect("it loads");
    // Spoilt behind the program's back, which shows to whoever parses it.
    let spoilt = || {
        let opened = std::fs::OpenOptions::new().write(true).open(&file).expect("it opens");
        let time = opened.metadata().expect("it is there").modified().expect("a time");
        (&opened).write_all(&[255; 16]).expect("written");
        (opened, time)
    };
    let (opened, time) = spoilt();
    opened.set_modified(time).expect("the time is set back");
    model.set_loras(&[lora.clone()]).expect("the same list is not read again");
    opened.set_modified(time + Duration::from_secs(5)).expect("a later time");
    lora.weight = 0.5;
    let error = model.set_loras(&[lora]).expect_err("a changed file is read").to_string();
    assert!(error.contains("ink.safetensors"), "{error}");
}

#[test]
fn another_device_loads_the_checkpoints_anew() {
    let bench = Bench::new(|_| ());
    let draws = || {
        let job = bench.studio.submit(Job { document: document(2), live: false, frame: None });
        bench.until_end(job);
        bench.loads.load(Ordering::SeqCst)
    };
    assert_eq!((draws(), draws()), (1, 1), "loaded once");
    bench.studio.choose_device(studio::Device::default());
    assert_eq!(draws(), 1, "it draws there already");
    bench.studio.choose_device(studio::Device::Candle);
    assert_eq!((draws(), draws()), (2, 2));
}
