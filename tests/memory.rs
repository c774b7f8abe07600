//! A graphics card with too little memory, with small bindings, or lost in the middle of a job. Skipped where there is none.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::relative_l2;
use image::RgbImage;
use polyptych::backend::cpu::Cpu;
use polyptych::backend::wgpu::{Adapter, Wgpu, adapters};
use polyptych::backend::{Backend, Dtype};
use polyptych::checkpoint::{self, Checkpoint, Shortage};
use polyptych::diffusion::{Call, Moments, Network, NetworkError, Planes, PromptId, SchedulerConfig};
use polyptych::document::Document;
use polyptych::studio::{DrawError, Event, Failure, Job, LatentToRgb, Model, Options, Reading, Studio, Warning, draw};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

#[allow(clippy::print_stderr, reason = "a test says why it is skipped")]
fn adapter() -> Option<Adapter> {
    let found = adapters().into_iter().next();
    if found.is_none() {
        eprintln!("skipped: this machine has no graphics adapter");
    }
    found
}

/// The embedded checkpoint on any backend.
struct Embedded {
    model: checkpoint::Model,
    scheduler: SchedulerConfig,
    preview_map: Option<LatentToRgb>,
    calls: usize,
    /// Called before each UNet call with its number.
    at_call: Box<dyn FnMut(usize) + Send>,
}

impl Embedded {
    fn on(backend: impl Backend) -> Self {
        let checkpoint = Checkpoint::open("embedded").unwrap();
        let scheduler = SchedulerConfig::from_json(checkpoint.scheduler()).unwrap();
        let model = checkpoint.load_on(backend).unwrap();
        Self { model, scheduler, preview_map: None, calls: 0, at_call: Box::new(|_| ()) }
    }
}

impl Network for Embedded {
    fn latent_channels(&self) -> usize {
        self.model.latent_channels()
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        (self.at_call)(self.calls);
        self.calls += 1;
        self.model.predict(inputs, timestep, calls)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        self.model.encode(pictures)
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        self.model.decode(latents)
    }
}

impl Model for Embedded {
    fn network(&mut self) -> &mut dyn Network {
        self
    }

    fn window(&self) -> usize {
        32
    }

    fn factor(&self) -> usize {
        8
    }

    fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    fn shortage(&mut self) -> Shortage {
        self.model.shortage()
    }

    fn prompt(&mut self, words: &str, reading: Reading) -> Result<PromptId, NetworkError> {
        Ok(self.model.prompt(words, reading)?)
    }

    fn preview_map(&mut self) -> &mut Option<LatentToRgb> {
        &mut self.preview_map
    }

    fn device(&self) -> (String, String) {
        (self.model.device(), "f32".to_owned())
    }
}

fn document(steps: u32) -> Document {
    let mut document = Document::new(128, 128);
    document.background.prompt = "a red fox".to_owned();
    document.settings.steps = steps;
    document
}

/// The largest difference of two pictures, in levels of 255.
fn difference(a: &RgbImage, b: &RgbImage) -> u8 {
    a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn a_job_that_does_not_fit_at_once_is_drawn_in_pieces_and_one_that_cannot_fit_says_what_would() {
    let Some(adapter) = adapter() else { return };
    let drawn = |budget: Option<u64>| {
        let mut model = Embedded::on(Wgpu::on(&adapter, Dtype::F32, budget).unwrap());
        draw(&document(1), &mut model, &Options::default(), &mut ())
    };
    let whole = drawn(None).unwrap();
    assert_eq!(whole.warnings, []);
    let mut in_pieces = 0;
    let mut least = u64::MAX;
    for budget in [64, 32, 24, 18, 12, 4].map(|mib| mib << 20) {
        match drawn(Some(budget)) {
            Ok(drawn) => {
                assert!(difference(&drawn.image, &whole.image) <= 1, "{budget}");
                in_pieces += usize::from(drawn.warnings == [Warning::ShortOfMemory]);
                least = budget;
                eprintln!("{} MiB: {:?}", budget >> 20, drawn.warnings);
            }
            Err(error) => {
                let said = error.to_string();
                let DrawError::NoMemory { wanted, allowed, .. } = error else { panic!("{said}") };
                assert!(wanted > budget && allowed == budget, "{said}");
                assert!(said.contains("it takes at least") && said.contains("draw with the processor"), "{said}");
                assert!(budget < 64 << 20, "64 MiB are enough");
                assert!(budget < least, "{least} bytes were enough, {budget} are not");
                eprintln!("{} MiB: {said}", budget >> 20);
            }
        }
    }
    assert!(in_pieces > 0);
}

#[test]
fn what_does_not_fit_a_binding_is_done_in_pieces() {
    let Some(adapter) = adapter() else { return };
    let mut latents = Planes::zeros(3, 4, 32, 32);
    latents.data.iter_mut().enumerate().for_each(|(i, value)| *value = (i as f32 * 0.37).sin());
    let run = |mut model: checkpoint::Model| {
        let prompt = model.prompt("a red fox", Reading::default()).unwrap();
        let calls = [0, 1, 2].map(|input| Call { input, prompt, place: None });
        let prediction = model.predict(&latents, 321.0, &calls).unwrap();
        let in_batches = model.shortage().in_pieces;
        let small = Planes { count: 1, height: 16, width: 16, data: latents.data[..1024].to_vec(), ..latents };
        let picture = model.decode(&small).unwrap();
        let moments = model.encode(&picture).unwrap();
        ([prediction.data, picture.data, moments.mean.data], in_batches)
    };
    let checkpoint = Checkpoint::open("embedded").unwrap();
    let (expected, whole) = run(checkpoint.load_on(Cpu::new()).unwrap());
    assert!(!whole);
    // Three images of 96 planes are more than that, and so is the decoder's last but one image. (Strips are made to fit in the
    // first place.)
    let card = Wgpu::on(&adapter.with_binding(1 << 20), Dtype::F32, None).unwrap();
    let (found, in_pieces) = run(checkpoint.load_on(card).unwrap());
    assert!(in_pieces, "all of it fitted");
    for (found, expected) in found.iter().zip(&expected) {
        let off = relative_l2(found, expected);
        assert!(off < 1e-5, "{off}");
    }
}

#[test]
fn a_card_that_is_lost_in_a_job_fails_it_in_words_and_the_next_job_opens_it_anew() {
    let Some(adapter) = adapter() else { return };
    let (wake, woken) = mpsc::channel();
    let loads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&loads);
    let loader = move |_: &str, _: &[_]| {
        let card = Wgpu::on(&adapter, Dtype::F32, None).unwrap();
        let device = card.device();
        let mut model = Embedded::on(card);
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            model.at_call = Box::new(move |call| {
                if call == 1 {
                    device.destroy();
                }
            });
        }
        Ok((Box::new(model) as Box<dyn Model>, Vec::new()))
    };
    let studio = Studio::start_with(Box::new(loader), move || {
        wake.send(()).ok();
    });
    let last = || {
        let job = studio.submit(Job { document: document(3), live: false, frame: None });
        loop {
            let ends = |event: &Event| match event {
                Event::Finished { job: id, .. } | Event::Failed { job: id, .. } => *id == job,
                _ => false,
            };
            if let Some(last) = studio.events().into_iter().find(ends) {
                return last;
            }
            woken.recv_timeout(Duration::from_mins(2)).expect("the worker reports");
        }
    };
    let Event::Failed { failure, .. } = last() else { panic!("it was lost") };
    let said = failure.to_string();
    assert!(matches!(*failure, Failure::Draw(_)) && said.contains("the graphics card was lost"), "{said}");
    assert!(matches!(last(), Event::Finished { .. }));
    assert_eq!(loads.load(Ordering::SeqCst), 2);
    assert!(matches!(last(), Event::Finished { .. }));
    assert_eq!(loads.load(Ordering::SeqCst), 2, "it stays open");
}
