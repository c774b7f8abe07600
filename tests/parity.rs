//! Whole pictures against Python's diffusers and the authors' loop, on the same weights and noise (see tests/goldens).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod common;

use common::{Goldens, assert_close, goldens, one_window, relative_l2};
use image::RgbImage;
use polyptych::checkpoint::{Device, Dtype, adapters};
use polyptych::document::{BootstrapColour, Document, Overlap, Sampler, WindowWeights, Wrap};
use polyptych::studio::{Drawn, Estimate, Facts, Options, draw, load};

const CHECKPOINTS: [&str; 2] = ["eps", "vpred"];

fn render(checkpoint: &str, document: &Document, options: &Options) -> Drawn {
    render_on(Device::Cpu, checkpoint, document, options)
}

fn render_on(device: Device, checkpoint: &str, document: &Document, options: &Options) -> Drawn {
    let folder = goldens().join(checkpoint);
    let (mut model, _) = load(folder.to_str().expect("a path"), device, &[]).expect("loads");
    draw(document, &mut model, options, &mut ()).expect("draws")
}

#[test]
fn a_picture_of_ten_steps_is_diffusers() {
    ten_steps_on(Device::Cpu);
}

#[test]
fn a_picture_of_ten_steps_on_a_graphics_card_is_diffusers() {
    if adapters().is_empty() {
        eprintln!("skipped: this machine has no graphics adapter");
    } else {
        ten_steps_on(Device::Wgpu { adapter: None, dtype: Dtype::F32 });
    }
}

#[test]
fn regions_on_a_graphics_card_are_the_processors() {
    if adapters().is_empty() {
        return eprintln!("skipped: this machine has no graphics adapter");
    }
    let golden = Goldens::open("eps_reference.safetensors");
    let mut document = document(&golden, "overlap");
    document.settings.steps = 3;
    let [found, expected] = [Device::Wgpu { adapter: None, dtype: Dtype::F32 }, Device::Cpu]
        .map(|device| render_on(device, "eps", &document, &Options::default()));
    assert!(relative_l2(&found.latent.data, &expected.latent.data) < 1e-4);
    for (found, expected) in found.image.pixels().zip(expected.image.pixels()) {
        let most = found.0.iter().zip(&expected.0).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{found:?} instead of {expected:?}");
    }
}

fn ten_steps_on(device: Device) {
    for name in CHECKPOINTS {
        let golden = Goldens::open(&format!("{name}_picture.safetensors"));
        let facts = golden.json("parameters");
        let mut document = one_window(&facts);
        for sampler in [Sampler::Ddim, Sampler::Euler] {
            document.settings.sampler = sampler;
            let drawn = render_on(device, name, &document, &Options::default());
            let latent = &golden.get(&format!("{}.latent", sampler.name())).data;
            assert_close(&format!("{name} {}", sampler.name()), &drawn.latent.data, latent, 1e-4);
            if sampler == Sampler::Ddim {
                let expected = golden.get("ddim.image");
                let plane = 128 * 128;
                for (i, pixel) in drawn.image.pixels().enumerate() {
                    for c in 0..3 {
                        let expected = expected.data[c * plane + i] * 255.0;
                        assert!((f32::from(pixel.0[c]) - expected).abs() <= 1.01, "{name} pixel {i}: {expected}");
                    }
                }
            }
        }
    }
}

/// The golden's document: three regions with masks from files.
fn document(golden: &Goldens, case: &str) -> Document {
    let facts = golden.json("parameters");
    let mut document = Document::new(256, 192);
    let text = |key: &str, k: usize| facts[key][k].as_str().expect(key).to_owned();
    document.background.prompt = text("prompts", 0);
    document.background.negative = text("negatives", 0);
    for k in 1..4 {
        let id = document.add_region(&format!("{k}"), &text("prompts", k));
        let mask = goldens().join("masks").join(facts["cases"][case]["masks"][k - 1].as_str().expect("a mask"));
        let mask = Document::import_mask(&mask, 256, 192).expect("a mask");
        let region = document.region_mut(id).expect("the region");
        region.mask = mask.into();
        region.negative = Some(text("negatives", k));
    }
    document.settings.seed = facts["seed"].as_u64().expect("seed");
    document.settings.steps = 10;
    document.settings.guidance = 7.5;
    document.settings.stride = 8;
    document
}

#[test]
fn the_reference_loop_is_the_authors() {
    for name in CHECKPOINTS {
        let golden = Goldens::open(&format!("{name}_reference.safetensors"));
        for (case, bootstrapped) in [("overlap", 4), ("hard", 0)] {
            let options = Options { reference: true, bootstrap_steps: Some(bootstrapped), ..Options::default() };
            let drawn = render(name, &document(&golden, case), &options);
            let expected = &golden.get(&format!("{case}.latent")).data;
            assert_close(&format!("{name} {case}"), &drawn.latent.data, expected, 1e-3);
            assert_eq!((drawn.windows, drawn.unet_samples), (6, 6 * 4 * 2 * 10));
        }
    }
}

#[test]
fn the_default_path_is_the_reference_where_masks_are_hard_and_nothing_bootstraps() {
    for name in CHECKPOINTS {
        let golden = Goldens::open(&format!("{name}_reference.safetensors"));
        let options = Options { bootstrap_steps: Some(0), ..Options::default() };
        let drawn = render(name, &document(&golden, "hard"), &options);
        assert_close(name, &drawn.latent.data, &golden.get("hard.latent").data, 1e-3);
        assert!(drawn.unet_samples < drawn.unet_samples_reference, "{}", drawn.unet_samples);
        let mut plain = document(&golden, "hard");
        plain.settings.bootstrap = 0.0;
        assert_eq!(
            Estimate::of(&plain, Facts::new(16, 8)).expect("an estimate").unet_samples,
            drawn.unet_samples,
            "the cost told before is the cost"
        );
        // The comparison can fail: other words give another picture.
        let mut other = document(&golden, "hard");
        other.regions[0].prompt = "a green hill".to_owned();
        let other = render(name, &other, &options);
        assert!(relative_l2(&other.latent.data, &drawn.latent.data) > 1e-3);
    }
}

#[test]
fn a_panorama_is_diffusers_with_and_without_circular_padding() {
    for name in CHECKPOINTS {
        let golden = Goldens::open(&format!("{name}_panorama.safetensors"));
        let facts = golden.json("parameters");
        let text = |key: &str| facts[key].as_str().expect(key).to_owned();
        for (case, wrap, windows) in [("plain", Wrap::None, 10), ("circular", Wrap::X, 8)] {
            let start = golden.get(&format!("{case}.start"));
            let (width, height) = (start.shape[3] as u32 * 8, start.shape[2] as u32 * 8);
            let mut document = Document::new(width, height);
            document.background.prompt = text("prompt");
            document.background.negative = text("negative");
            document.settings.seed = facts["seed"].as_u64().expect("seed");
            document.settings.steps = 10;
            document.settings.guidance = 7.5;
            document.settings.stride = 4;
            document.settings.wrap = wrap;
            let drawn = render(name, &document, &Options::default());
            assert_eq!(drawn.windows, windows);
            let expected = &golden.get(&format!("{case}.latent")).data;
            assert_close(&format!("{name} {case}"), &drawn.latent.data, expected, 1e-3);
            // The first and last eight columns of the picture: the decode wraps as diffusers' does.
            let edges = &golden.get(&format!("{case}.edges")).data;
            for (i, expected) in edges.iter().enumerate() {
                let (x, y, c) = (i as u32 % 16, i as u32 / 16 % height, i / 16 / height as usize);
                let x = if x < 8 { x } else { width - 16 + x };
                let found = f32::from(drawn.image.get_pixel(x, y).0[c]);
                assert!((found - expected * 255.0).abs() <= 1.01, "{name} {case} ({x}, {y}): {found} {expected}");
            }
        }
    }
}

/// The step from the last column to the first, and the largest one inside: mean differences of two columns, where latent
/// pixels meet, as they do at the edges.
fn seam(image: &RgbImage) -> (f64, f64) {
    let (width, height) = image.dimensions();
    let step = |a: u32, b: u32| {
        let difference = |y| (0..3).map(move |c| image.get_pixel(a, y).0[c].abs_diff(image.get_pixel(b, y).0[c]));
        (0..height).flat_map(difference).map(f64::from).sum::<f64>() / f64::from(height * 3)
    };
    (step(width - 1, 0), (8..width).step_by(8).map(|x| step(x - 1, x)).fold(0.0, f64::max))
}

#[test]
fn joined_edges_meet_no_harder_than_the_inside_and_others_do() {
    let (mut model, _) = load("embedded", Device::Cpu, &[]).expect("loads");
    // The embedded checkpoint draws pictures, whose left and right, sky and ground, differ unless they have to meet. The
    // last canvas is smaller than a window: the network then sees it more than once round.
    for (side, wrap) in [(256, Wrap::None), (256, Wrap::Xy), (192, Wrap::Xy)] {
        // Where edges meet, the seam is a column like any other, and may by chance be the hardest of one picture: so it is
        // compared over several.
        let mut sums = [(0.0, 0.0); 2];
        for seed in 1..=3 {
            let mut document = Document::new(side, side);
            document.background.prompt = "a red fox in the snow".to_owned();
            document.settings.steps = 4;
            document.settings.guidance = 3.0;
            document.settings.stride = 16;
            document.settings.seed = seed;
            document.settings.wrap = wrap;
            document.settings.window_weights = WindowWeights::Tent;
            let image = draw(&document, &mut model, &Options::default(), &mut ()).expect("draws").image;
            for (sum, image) in sums.iter_mut().zip([image.clone(), image::imageops::rotate90(&image)]) {
                let (edges, inside) = seam(&image);
                println!("{side}, {wrap:?}, seed {seed}: {edges:.1} at the edges, at most {inside:.1} inside");
                *sum = (sum.0 + edges, sum.1 + inside);
            }
        }
        for (axis, joined, (edges, inside)) in [("x", wrap.x(), sums[0]), ("y", wrap.y(), sums[1])] {
            // Edges that do not meet are two to ten times as hard as anything inside.
            assert_eq!(edges <= inside, joined, "{side}, {wrap:?}, along {axis}: {edges} {inside}");
        }
    }
}

#[test]
fn a_region_drawn_again_keeps_the_rest_of_the_picture() {
    let golden = Goldens::open("eps_reference.safetensors");
    let mut base = document(&golden, "overlap");
    base.settings.bootstrap = 0.3;
    base.settings.steps = 4;
    let options = Options { keep: true, ..Options::default() };
    let first = render("eps", &base, &options);
    let mut again = base.clone();
    again.regions[0].reroll = Some(5);
    let drawn = render("eps", &again, &Options::default());
    // The tower is an ellipse at the left; two cells around it may change.
    let bounds = base.regions[0].mask.bounds();
    let inside = |i: usize| {
        let (x, y) = ((i % 32) as u32, (i / 32 % 24) as u32);
        let near = |cell: u32, start: u32, len: u32| cell + 2 >= start / 8 && cell <= (start + len - 1) / 8 + 2;
        near(x, bounds.x, bounds.width) && near(y, bounds.y, bounds.height)
    };
    let mut changed = 0;
    for (i, (a, b)) in drawn.latent.data.iter().zip(&first.latent.data).enumerate() {
        if !inside(i) {
            assert_eq!(a.to_bits(), b.to_bits(), "{i}");
        }
        changed += usize::from((a - b).abs() > 0.05);
    }
    assert!(changed > 100, "{changed} values changed");
    let cost = (drawn.unet_samples_rerolled, first.unet_samples);
    println!("drawn again: {} UNet samples of {}", cost.0, cost.1);
    assert!(cost.0 < cost.1 && drawn.unet_samples == first.unet_samples + cost.0);
    assert_eq!(Estimate::of(&again, Facts::new(16, 8)).expect("an estimate").unet_samples, drawn.unet_samples);
    // With the way of the kept picture at hand only the region is paid for, and the picture is the same.
    let quick = render("eps", &again, &Options { kept: first.kept.clone(), ..Options::default() });
    assert_eq!((quick.unet_samples, &quick.latent), (cost.0, &drawn.latent));
    // Another region on top of it: the first keeps its new face.
    again.regions[2].reroll = Some(6);
    let both = render("eps", &again, &Options { kept: first.kept, ..Options::default() });
    assert_eq!(both.latent.data[4 * 32 + 4].to_bits(), drawn.latent.data[4 * 32 + 4].to_bits());
    assert!(relative_l2(&both.latent.data, &drawn.latent.data) > 1e-2);
}

#[test]
fn every_setting_of_a_document_reaches_the_engine_and_its_estimate() {
    let golden = Goldens::open("eps_reference.safetensors");
    let mut base = document(&golden, "overlap");
    base.settings.steps = 2;
    base.settings.bootstrap = 0.5;
    let mut seen: Vec<(&str, Drawn)> = Vec::new();
    type Change<'a> = (&'a str, fn(&mut Document));
    let changes: [Change<'_>; 13] = [
        ("as it is", |_| ()),
        ("style", |d| d.style = "oil painting".to_owned()),
        ("feather", |d| d.regions[0].feather = 12),
        ("weight", |d| (d.regions[0].weight, d.settings.overlap) = (3.0, Overlap::Average)),
        ("guidance", |d| d.regions[1].guidance = Some(1.0)),
        ("seed", |d| d.regions[1].seed = Some(4)),
        ("start", |d| d.regions[1].start = 0.5),
        ("end", |d| d.regions[1].end = 0.5),
        ("reroll", |d| d.regions[1].reroll = Some(9)),
        ("overlap", |d| d.settings.overlap = Overlap::Average),
        ("window weights", |d| d.settings.window_weights = WindowWeights::Tent),
        ("colour", |d| d.settings.bootstrap_colour = BootstrapColour::White),
        ("wrap", |d| d.settings.wrap = Wrap::Xy),
    ];
    for (name, change) in changes {
        let mut document = base.clone();
        change(&mut document);
        let drawn = render("eps", &document, &Options::default());
        assert_eq!(drawn.warnings, [], "{name}");
        let estimate = Estimate::of(&document, Facts::new(16, 8)).expect("an estimate");
        assert_eq!((estimate.unet_samples, estimate.windows), (drawn.unet_samples, drawn.windows), "{name}");
        for (other, earlier) in &seen {
            let apart = relative_l2(&drawn.latent.data, &earlier.latent.data);
            assert!(apart > 1e-4, "{name} changes nothing beside {other}: {apart}");
        }
        seen.push((name, drawn));
    }
}
