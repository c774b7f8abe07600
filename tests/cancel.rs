//! Cancelling: a network stops at its next operator, leaves nothing half done, and goes on afterwards as if nothing had been.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::around::Around;
use common::toy::Toy;
use polyptych::backend::candle::Candle;
use polyptych::backend::counted::Counted;
use polyptych::backend::cpu::Cpu;
use polyptych::backend::wgpu::{Wgpu, adapters};
use polyptych::backend::{Backend, Dtype, Interrupt, Manners, Stoppable};
use polyptych::checkpoint::Checkpoint;
use polyptych::diffusion::{Call, Network, NetworkError, Planes};
use polyptych::document::Document;
use polyptych::studio::{Event, Job, Model, Reading, Studio};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// Cancels a UNet call after `operators` of its operators, and calls again.
fn stops_and_goes_on(backend: impl Backend, interrupt: &Interrupt, operators: usize) {
    let b = Counted::new(backend);
    let book = b.with(Cpu::new());
    let mut model = Checkpoint::open("embedded").unwrap().load_on(b).unwrap();
    let prompt = model.prompt("a red fox", Reading::default()).unwrap();
    let mut inputs = Planes::zeros(1, 4, 13, 16);
    inputs.data.iter_mut().enumerate().for_each(|(i, value)| *value = (i as f32 * 0.37).sin());
    let calls = [Call { input: 0, prompt, place: None }];
    let expected = model.predict(&inputs, 321.0, &calls).unwrap();
    let _ = (book.operators(), book.peak());
    let before = book.peak();

    book.interrupt_after(operators, interrupt.clone());
    let found = model.predict(&inputs, 321.0, &calls);
    assert!(matches!(found, Err(NetworkError::Cancelled)), "{found:?}");
    let called: usize = book.operators().iter().map(|(_, entry)| entry.calls).sum();
    assert_eq!(called, operators + 1, "the next operator is the last");
    let _ = book.peak();
    assert_eq!(book.peak(), before, "no tensor of that call is left");

    interrupt.lower();
    assert_eq!(model.predict(&inputs, 321.0, &calls).unwrap(), expected);
    // What is made ready for later calls is not spoilt by a cancel before it was computed.
    let other = model.prompt("a blue door", Reading::default()).unwrap();
    let calls = [Call { input: 0, prompt: other, place: None }];
    book.interrupt_after(operators, interrupt.clone());
    assert!(model.predict(&inputs, 400.0, &calls).is_err());
    interrupt.lower();
    let again = model.predict(&inputs, 400.0, &calls).unwrap();
    model.forget_prompts();
    let prompt = model.prompt("a blue door", Reading::default()).unwrap();
    let calls = [Call { input: 0, prompt, place: None }];
    let _ = model.predict(&inputs, 100.0, &calls).unwrap();
    assert_eq!(again, model.predict(&inputs, 400.0, &calls).unwrap());
}

#[test]
fn the_processor_stops_at_the_next_operator() {
    for operators in [0, 7, 60] {
        let interrupt = Interrupt::default();
        stops_and_goes_on(Stoppable::new(Cpu::new(), interrupt.clone()), &interrupt, operators);
    }
    let interrupt = Interrupt::default();
    stops_and_goes_on(Stoppable::new(Candle::cpu(), interrupt.clone()), &interrupt, 9);
}

#[test]
fn a_graphics_card_stops_at_the_next_operator() {
    let Some(adapter) = adapters().into_iter().next() else {
        return eprintln!("skipped: this machine has no graphics adapter");
    };
    for operators in [0, 60] {
        let manners = Manners::default();
        let card = Wgpu::on_with_manners(&adapter, Dtype::F32, None, &manners).unwrap();
        stops_and_goes_on(card, &manners.interrupt, operators);
    }
}

#[test]
fn a_checkpoint_is_not_loaded_to_its_end_for_a_cancelled_job() {
    let interrupt = Interrupt::default();
    let b = Counted::new(Stoppable::new(Cpu::new(), interrupt.clone()));
    let book = b.with(Cpu::new());
    interrupt.raise();
    assert!(Checkpoint::open("embedded").unwrap().load_on(b).is_err());
    let (borrowed, computed) = book.packed();
    assert!(borrowed + computed <= 2, "{borrowed} and {computed} weights were packed");
}

/// A model whose prediction takes for ever, unless it is interrupted.
fn endless(interrupt: Arc<OnceLock<Interrupt>>, called: mpsc::Sender<()>) -> impl Model {
    let before_prediction = move || {
        called.send(()).ok();
        let begun = Instant::now();
        while !interrupt.get().expect("set before the first job").is_raised() {
            if begun.elapsed() > Duration::from_mins(1) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(NetworkError::Cancelled)
    };
    Around { before_prediction: Box::new(before_prediction), ..Around::new(Toy::new()) }
}

#[test]
fn a_cancelled_job_ends_within_its_network_call_and_the_next_one_is_not_stopped() {
    let (called, in_call) = mpsc::channel();
    let (wake, woken) = mpsc::channel();
    let interrupt = Arc::<OnceLock<Interrupt>>::default();
    let theirs = Arc::clone(&interrupt);
    let loader = move |_: &str, _: &[_]| {
        let endless = endless(Arc::clone(&theirs), called.clone());
        Ok((Box::new(endless) as Box<dyn Model>, Vec::new()))
    };
    let studio = Studio::start_with(Box::new(loader), move || {
        wake.send(()).ok();
    });
    interrupt.set(studio.interrupt()).expect("set once");
    for _ in 0..2 {
        let job = studio.submit(Job { document: Document::new(128, 128), live: false, frame: None });
        in_call.recv_timeout(Duration::from_mins(1)).expect("a job begins with the flag lowered");
        studio.cancel(job);
        let ended = || studio.events().iter().any(|event| matches!(event, Event::Cancelled { job: id } if *id == job));
        while !ended() {
            woken.recv_timeout(Duration::from_mins(1)).expect("the worker reports");
        }
    }
}
