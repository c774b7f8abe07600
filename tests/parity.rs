//! Whole pictures against Python's diffusers and the authors' loop, on the same weights and noise (see tests/goldens).

mod common;

use common::{Goldens, assert_close, goldens, relative_l2};
use polyptych::checkpoint::Device;
use polyptych::document::{Document, Sampler};
use polyptych::studio::{Drawn, Estimate, Options, draw, load};

const CHECKPOINTS: [&str; 2] = ["eps", "vpred"];

fn render(checkpoint: &str, document: &Document, options: &Options) -> Drawn {
    let folder = goldens().join(checkpoint);
    let mut model = load(folder.to_str().expect("a path"), Device::default()).expect("loads");
    draw(document, &mut model, options, &mut ()).expect("draws")
}

#[test]
fn a_picture_of_ten_steps_is_diffusers() {
    for name in CHECKPOINTS {
        let golden = Goldens::open(&format!("{name}_picture.safetensors"));
        let facts = golden.json("parameters");
        let text = |key: &str| facts[key].as_str().expect(key).to_owned();
        let mut document = Document::new(128, 128);
        document.background.words = text("prompt");
        document.background.negative = text("negative");
        document.settings.seed = facts["seed"].as_u64().expect("seed");
        document.settings.steps = 10;
        document.settings.guidance = 7.5;
        for sampler in [Sampler::Ddim, Sampler::Euler] {
            document.settings.sampler = sampler;
            let drawn = render(name, &document, &Options::default());
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
    document.background.words = text("prompts", 0);
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
            Estimate::of(&plain, 16, 8).expect("an estimate").unet_samples,
            drawn.unet_samples,
            "the cost told before is the cost"
        );
        // The comparison can fail: other words give another picture.
        let mut other = document(&golden, "hard");
        other.regions[0].words = "a green hill".to_owned();
        let other = render(name, &other, &options);
        assert!(relative_l2(&other.latent.data, &drawn.latent.data) > 1e-3);
    }
}
