//! Pictures that are no numbers: in f16 they are drawn once more in f32, and it is said; in f32 they are a failure in words.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::toy::Toy;
use polyptych::backend::wgpu::adapters;
use polyptych::checkpoint::{Device, Dtype};
use polyptych::document::Document;
use polyptych::studio::{self, DrawError, Drawn, Model, Options, Warning, Watcher, draw};

fn document() -> Document {
    let mut document = Document::new(128, 64);
    document.background.prompt = "a quiet sea".to_owned();
    document.settings.steps = 4;
    document
}

/// Counts the steps it is told of.
#[derive(Default)]
struct Steps(usize);

impl Watcher for Steps {
    fn step(&mut self, _: usize, _: usize, _: Option<image::RgbImage>) {
        self.0 += 1;
    }
}

fn drawn(model: &mut dyn Model) -> (Result<Drawn, DrawError>, usize) {
    let mut steps = Steps::default();
    let options = Options { previews: true, ..Options::default() };
    let drawn = draw(&document(), model, &options, &mut steps);
    (drawn, steps.0)
}

#[test]
fn a_picture_that_overflows_f16_is_drawn_once_more_in_f32_and_it_is_said() {
    let (expected, steps) = drawn(&mut Toy::new());
    let expected = expected.unwrap();
    assert_eq!((steps, &expected.warnings), (4, &Vec::new()));
    // Predictions overflow, or the decoder does.
    for (most, steps) in [([0.5, f32::INFINITY], 4), ([f32::INFINITY, 0.001], 8)] {
        let mut toy = Toy { most, ..Toy::new() };
        let (again, taken) = drawn(&mut toy);
        let again = again.unwrap();
        assert_eq!(again.image, expected.image);
        assert_eq!(again.warnings, [Warning::DrawnInF32]);
        assert_eq!(taken, steps, "it begins anew");
        let (next, taken) = drawn(&mut toy);
        assert_eq!((next.unwrap().warnings, taken), (Vec::new(), 4), "it stays in f32");
    }
}

#[test]
fn a_picture_that_is_no_number_in_f32_is_a_failure_in_words() {
    let (failed, _) = drawn(&mut Toy { drift: f32::NAN, ..Toy::new() });
    let said = failed.unwrap_err().to_string();
    assert_eq!(said, "the decoder's picture is not a number; try another checkpoint");
}

#[test]
fn a_graphics_card_goes_on_in_f32_as_if_it_had_been_opened_so() {
    if !adapters().first().is_some_and(|adapter| adapter.half) {
        return eprintln!("skipped: this machine has no graphics adapter with f16");
    }
    let open = |dtype| studio::load("embedded", Device::Wgpu { adapter: None, dtype }, &[]).unwrap().0;
    let expected = drawn(&mut open(Dtype::F32)).0.unwrap();
    let mut model = open(Dtype::F16);
    assert_eq!(model.device().1, "f16");
    let half = drawn(&mut model).0.unwrap();
    assert_ne!(half.latent, expected.latent);
    assert!(model.in_f32());
    assert_eq!(model.device().1, "f32");
    assert_eq!(drawn(&mut model).0.unwrap().latent, expected.latent);
    assert!(!model.in_f32(), "there is nothing wider");
}
