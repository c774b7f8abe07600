//! Cells that may change by half, or that are held to a colour by half, against the formula written out: free · new + (1 − free) · kept,
//! after every evaluation; where a picture is begun with noise, they are held whole for their share of the steps.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::painting::plain;
use common::toy::Toy;
use common::{assert_close, relative_l2};
use image::{Rgb, RgbImage};
use polyptych::diffusion::masks::LatentMask;
use polyptych::diffusion::random::TorchRandom;
use polyptych::diffusion::{
    Ddim, Euler, Ground, InitLatent, Kept, Painting, Planes, Recorder, Sampler, Trajectory, Underpainting, paint,
    repaint,
};
use polyptych::document::{Area, Document, Mask, PixelRect};
use polyptych::studio::{Options, draw};
use std::sync::Arc;

/// Cells along a side: one window.
const SIDE: usize = 16;
const CELLS: usize = SIDE * SIDE;
const STEPS: usize = 5;

type NewSampler = fn() -> Box<dyn Sampler>;
const SAMPLERS: [NewSampler; 2] = [
    || Box::new(Ddim::new(&Toy::new().config, STEPS).expect("a sampler")),
    || Box::new(Euler::new(&Toy::new().config, STEPS).expect("a sampler")),
];

/// Freedom of each cell: 0, ¼, ½, ¾ and 1, column by column.
fn columns() -> Vec<f32> {
    (0..CELLS).map(|i| (i % SIDE % 5) as f32 / 4.0).collect()
}

fn mixed(free: &[f32], new: &[f32], kept: &[f32]) -> Vec<f32> {
    let cells = free.iter().cycle();
    new.iter().zip(kept).zip(cells).map(|((new, kept), free)| free * new + (1.0 - free) * kept).collect()
}

/// Sets a latent back after a number of evaluations.
type HoldBack<'a> = &'a dyn Fn(usize, &dyn Sampler, Vec<f32>) -> Vec<f32>;

/// All latents of a run from `x`, that one included.
fn naive(sampler: &mut dyn Sampler, first: usize, x: Vec<f32>, hold: HoldBack<'_>) -> Vec<Vec<f32>> {
    let mut all = vec![x];
    for i in first..sampler.timesteps().len() {
        let mut x = all.last().expect("the first").clone();
        let seen: Vec<f32> = x.iter().map(|v| v * sampler.input_scale(i)).collect();
        sampler.step(i, &mut x, &Toy::prediction(&seen), &[]);
        all.push(hold(i + 1, sampler, x));
    }
    all
}

/// Run from an init latent `clean` that may change by `free`, with `from` as its first step.
fn started(new: NewSampler, free: &[f32], clean: &[f32], noise: &[f32], from: usize) -> Vec<f32> {
    let noised = |i: usize, sampler: &dyn Sampler| -> Vec<f32> {
        if i == STEPS {
            return clean.to_vec();
        }
        clean.iter().zip(noise).map(|(c, n)| sampler.add_noise(i, *c, *n)).collect()
    };
    let mut sampler = new();
    let begin = noised(from, &*sampler);
    let hold = |done: usize, sampler: &dyn Sampler, x: Vec<f32>| mixed(free, &x, &noised(done, sampler));
    naive(&mut *sampler, from, begin, &hold).pop().expect("the last")
}

/// Run that keeps another's trajectory but for `free`.
fn again(new: NewSampler, free: &[f32], noise: &[f32], way: &[Vec<f32>]) -> Vec<f32> {
    let mut sampler = new();
    let scaled: Vec<f32> = noise.iter().map(|n| n * sampler.initial_scale()).collect();
    let hold = |done: usize, _: &dyn Sampler, x: Vec<f32>| mixed(free, &x, &way[done]);
    naive(&mut *sampler, 0, mixed(free, &scaled, &way[0]), &hold).pop().expect("the last")
}

/// Trajectory of a run that keeps nothing.
fn way(new: NewSampler, noise: &[f32]) -> Vec<Vec<f32>> {
    let mut sampler = new();
    let scaled: Vec<f32> = noise.iter().map(|n| n * sampler.initial_scale()).collect();
    naive(&mut *sampler, 0, scaled, &|_, _, x| x)
}

/// Asserts that the picture differs from those with half-free cells held, and with them free.
fn is_told_apart(found: &[f32], free: &[f32], naive: &dyn Fn(&[f32]) -> Vec<f32>) {
    for round in [f32::floor, f32::ceil] {
        let other: Vec<f32> = free.iter().map(|f| round(*f)).collect();
        let apart = relative_l2(found, &naive(&other));
        assert!(apart > 1e-3, "{apart}");
    }
}

/// Sets a latent back to the known one, after a number of evaluations.
type Known<'a> = &'a dyn Fn(usize, &[f32], &[f32]) -> Vec<f32>;

fn painting() -> Painting {
    Painting { stride: SIDE, ..plain(SIDE, SIDE, 3) }
}

fn noise(seed: u64) -> Vec<f32> {
    TorchRandom::new(seed).randn(4 * CELLS)
}

#[test]
fn the_engine_lets_half_free_cells_leave_the_start_picture_half_way() {
    let mut clean = Planes::zeros(1, 4, SIDE, SIDE);
    clean.data = TorchRandom::new(8).randn(4 * CELLS);
    for new in SAMPLERS {
        let mut painting = painting();
        let start = InitLatent { clean: clean.clone(), from: 2, free: Some(columns()), from_noise: false };
        painting.init_latent = Some(start);
        let found = paint(&painting, &mut *new(), &mut Toy::new(), &mut ()).expect("paints").latent.data;
        let naive = |free: &[f32]| started(new, free, &clean.data, &noise(3), 2);
        assert_close("from a picture", &found, &naive(&columns()), 1e-5);
        is_told_apart(&found, &columns(), &naive);
    }
}

#[test]
fn begun_with_noise_half_free_cells_are_held_whole_until_their_share_of_the_steps_is_left() {
    let mut clean = Planes::zeros(1, 4, SIDE, SIDE);
    clean.data = TorchRandom::new(8).randn(4 * CELLS);
    for new in SAMPLERS {
        let mut painting = painting();
        let start = InitLatent { clean: clean.clone(), from: 0, free: Some(columns()), from_noise: true };
        painting.init_latent = Some(start);
        let found = paint(&painting, &mut *new(), &mut Toy::new(), &mut ()).expect("paints").latent.data;
        let noise = noise(3);
        let run = |hold: Known<'_>| {
            let mut sampler = new();
            let begin = noise.iter().map(|n| n * sampler.initial_scale()).collect();
            let hold = |done: usize, sampler: &dyn Sampler, x: Vec<f32>| {
                let known = |(clean, noise): (&f32, &f32)| {
                    if done == STEPS { *clean } else { sampler.add_noise(done, *clean, *noise) }
                };
                hold(done, &x, &clean.data.iter().zip(&noise).map(known).collect::<Vec<f32>>())
            };
            naive(&mut *sampler, 0, begin, &hold).pop().expect("the last")
        };
        // A quarter of five steps is left before the last two, so such a cell is free in two.
        let steps_free = |free: f32| (free * STEPS as f32).ceil() as usize;
        let by_time = run(&|done, x, known| {
            let free: Vec<f32> =
                columns().into_iter().map(|f| f32::from(u8::from(steps_free(f) > STEPS - done))).collect();
            mixed(&free, x, known)
        });
        assert_close("begun with noise", &found, &by_time, 1e-5);
        assert!(relative_l2(&found, &run(&|_, x, known| mixed(&columns(), x, known))) > 1e-3);
    }
}

#[test]
fn the_engine_lets_half_free_cells_leave_the_kept_latent_half_way() {
    for new in SAMPLERS {
        let mut recorder = Recorder { observer: &mut (), trajectory: Some(Trajectory::default()) };
        paint(&painting(), &mut *new(), &mut Toy::new(), &mut recorder).expect("paints");
        let kept = Kept { trajectory: Arc::new(recorder.trajectory.expect("recorded")), free: columns() };
        let mut other = painting();
        (other.seed, other.parts[0].seed) = (4, 4);
        let found = repaint(&other, &kept, &mut *new(), &mut Toy::new(), &mut ()).expect("paints").latent.data;
        let naive = |free: &[f32]| again(new, free, &noise(4), &way(new, &noise(3)));
        assert_close("drawn again", &found, &naive(&columns()), 1e-5);
        is_told_apart(&found, &columns(), &naive);
    }
}

#[test]
fn the_engine_holds_colours_for_their_steps_and_lets_them_go() {
    let mut clean = Planes::zeros(1, 4, SIDE, SIDE);
    clean.data = TorchRandom::new(8).randn(4 * CELLS);
    // The left half is held by the columns' shares until step 3, the right half until step 2.
    let half = |left: bool| (0..CELLS).map(move |i| (i % SIDE < SIDE / 2) == left);
    let cover = |left: bool| -> Vec<f32> {
        columns().iter().zip(half(left)).map(|(free, here)| if here { 1.0 - free } else { 0.0 }).collect()
    };
    let ground = |left: bool, until: usize| Ground { cover: LatentMask::new(SIDE, SIDE, &cover(left)), until };
    for new in SAMPLERS {
        let mut painting = painting();
        let grounds = vec![ground(true, 3), ground(false, 2)];
        painting.underpainting = Some(Underpainting { clean: clean.clone(), grounds });
        let found = paint(&painting, &mut *new(), &mut Toy::new(), &mut ()).expect("paints").latent.data;
        let noise = noise(3);
        let naive_until = |left: usize, right: usize| {
            let free = |step: usize| -> Vec<f32> {
                let held =
                    |(free, here): (&f32, bool)| if step <= (if here { left } else { right }) { *free } else { 1.0 };
                columns().iter().zip(half(true)).map(held).collect()
            };
            let hold = |done: usize, sampler: &dyn Sampler, x: Vec<f32>| {
                if done == STEPS {
                    return x;
                }
                let colour: Vec<f32> =
                    clean.data.iter().zip(&noise).map(|(c, n)| sampler.add_noise(done, *c, *n)).collect();
                mixed(&free(done), &x, &colour)
            };
            let mut sampler = new();
            let scaled: Vec<f32> = noise.iter().map(|n| n * sampler.initial_scale()).collect();
            let begin = hold(0, &*sampler, scaled);
            naive(&mut *sampler, 0, begin, &hold).pop().expect("the last")
        };
        assert_close("from colours", &found, &naive_until(3, 2), 1e-5);
        for (left, right) in [(2, 2), (3, 3), (4, 2), (3, 1)] {
            assert!(relative_l2(&found, &naive_until(left, right)) > 1e-3, "{left}, {right}");
        }
    }
}

#[test]
fn colours_held_everywhere_are_a_start_picture() {
    let mut clean = Planes::zeros(1, 4, SIDE, SIDE);
    clean.data = TorchRandom::new(8).randn(4 * CELLS);
    for new in SAMPLERS {
        let (mut colours, mut picture) = (painting(), painting());
        let all = |value: f32| LatentMask::new(SIDE, SIDE, &[value; CELLS]);
        // Two that together hold everything until step 2, and less from there on.
        let grounds = vec![Ground { cover: all(0.25), until: 2 }, Ground { cover: all(0.75), until: 2 }];
        colours.underpainting = Some(Underpainting { clean: clean.clone(), grounds });
        picture.init_latent = Some(InitLatent { clean: clean.clone(), from: 2, free: None, from_noise: false });
        let drawn = |painting: &Painting| paint(painting, &mut *new(), &mut Toy::new(), &mut ()).expect("paints");
        let (colours, picture) = (drawn(&colours), drawn(&picture));
        assert_eq!(colours.latent, picture.latent);
        assert_eq!(colours.unet_samples, STEPS - 2, "steps in which nothing is free are not computed");
    }
}

/// A canvas of one window, drawn with DDIM and without guidance.
fn document() -> Document {
    let mut document = Document::new(128, 128);
    document.settings.steps = STEPS as u32;
    document.settings.seed = 3;
    document.settings.guidance = 1.0;
    document.settings.bootstrap = 0.0;
    document
}

#[test]
fn a_grey_mask_lets_a_document_leave_its_start_picture_half_way() {
    let mut document = document();
    let image = RgbImage::from_fn(128, 128, |x, y| Rgb([2 * x as u8, 255 - y as u8, (x + y) as u8]));
    // Shades by column of cells: 51 is a fifth.
    let shades =
        Mask::from_rows(128, 128, |_, row| row.iter_mut().enumerate().for_each(|(x, m)| *m = (x / 8 % 6) as u8 * 51));
    document.init_image = Some(polyptych::document::InitImage {
        image: image.clone().into(),
        strength: 0.6,
        area: Area::Mask(shades.into()),
    });
    let found = draw(&document, &mut Toy::new(), &Options::default(), &mut ()).expect("draws").latent.data;

    let mut picture = Planes::zeros(1, 3, 128, 128);
    for (x, y, pixel) in image.enumerate_pixels() {
        for (c, v) in pixel.0.into_iter().enumerate() {
            picture.data[c * 128 * 128 + (y * 128 + x) as usize] = f32::from(v) / 127.5 - 1.0;
        }
    }
    let clean = Toy::latent(&picture).data;
    let free: Vec<f32> = (0..CELLS).map(|i| (i % SIDE % 6) as f32 / 5.0).collect();
    // Three of the five steps are taken.
    let naive = |free: &[f32]| started(SAMPLERS[0], free, &clean, &noise(3), 2);
    assert_close("a grey mask", &found, &naive(&free), 1e-5);
    is_told_apart(&found, &free, &naive);
}

#[test]
fn a_region_drawn_again_settles_into_two_cells_around_it() {
    let mut document = document();
    let id = document.add_region("Boat", "a boat");
    let mut mask = Mask::empty(128, 128);
    mask.fill(PixelRect { x: 40, y: 48, width: 32, height: 24 }, 255);
    document.region_mut(id).expect("the region").mask = mask.into();
    document.region_mut(id).expect("the region").reroll = Some(9);
    let found = draw(&document, &mut Toy::new(), &Options::default(), &mut ()).expect("draws").latent.data;

    // Cells 5 to 8 and 6 to 8; a cell further a third is held, two cells further two thirds, then all.
    let beyond = |at: usize, first: usize, last: usize| first.saturating_sub(at).max(at.saturating_sub(last));
    let distance = |i: usize| beyond(i % SIDE, 5, 8).max(beyond(i / SIDE, 6, 8));
    let free: Vec<f32> = (0..CELLS).map(|i| (1.0 - distance(i) as f32 / 3.0).max(0.0)).collect();
    let own = noise(9);
    let mut mixed_noise = noise(3);
    for (i, v) in mixed_noise.iter_mut().enumerate() {
        if distance(i % CELLS) == 0 {
            *v = own[i];
        }
    }
    let naive = |free: &[f32]| again(SAMPLERS[0], free, &mixed_noise, &way(SAMPLERS[0], &noise(3)));
    assert_close("drawn again", &found, &naive(&free), 1e-5);
    is_told_apart(&found, &free, &naive);
}
