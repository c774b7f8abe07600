//! UNets that read the guidance scale (latent consistency models), against diffusers' pipeline for them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{Goldens, assert_close, copy_checkpoint, goldens, one_window, relative_l2};
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Checkpoint, FewSteps};
use polyptych::diffusion::windows::Window;
use polyptych::diffusion::{Area, AreaCall, Call, Guidance, Network as _, Place, PromptId};
use polyptych::document::{Document, Mask, PixelRect, Regions, Sampler, Schedule, Settings};
use polyptych::studio::{Device, Drawn, Estimate, Facts, Nature, Options, Preset, Warning, draw, load};
use std::path::Path;

/// The checkpoint `eps` with the golden UNet and LCM's scheduler.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_checkpoint("eps", folder.path());
    std::fs::remove_dir_all(folder.path().join("unet")).unwrap();
    std::fs::create_dir(folder.path().join("unet")).unwrap();
    copy_checkpoint("lcm", folder.path());
    folder
}

fn name(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

#[test]
fn the_unet_is_told_its_guidance_as_diffusers_tells_it() {
    let golden = Goldens::open("lcm.safetensors");
    let facts = golden.json("parameters");
    let folder = folder();
    let checkpoint = Checkpoint::open(name(folder.path())).unwrap();
    let latents = golden.planes("latents");
    let window = Window { x: 0, y: 0, width: latents.width, height: latents.height };
    let told = |scale: f64| Some(Place { guidance: Some(Guidance::new(scale as f32)), ..Place::of(window) });
    let scales: Vec<f64> = serde_json::from_value(facts["guidance_scales"].clone()).unwrap();
    for device in [Device::Cpu, Device::Candle] {
        let mut model = checkpoint.load(device).unwrap();
        assert!(model.takes_guidance());
        let words: Vec<String> = serde_json::from_value(facts["prompts"].clone()).unwrap();
        let prompts: Vec<PromptId> =
            words.iter().map(|words| model.prompt(words, Reading::default()).unwrap()).collect();
        let call = |input: usize, scale: f64| Call { input, prompt: prompts[input], place: told(scale) };
        let mut predict = |calls: &[Call]| model.predict(&latents, 501.0, calls).unwrap();
        let alike = predict(&[call(0, scales[0]), call(1, scales[0])]);
        assert_close(&format!("{device:?} alike"), &alike.data, &golden.get("alike").data, 1e-4);
        let each = predict(&[call(0, scales[0]), call(1, scales[1])]);
        assert_close(&format!("{device:?} each"), &each.data, &golden.get("each").data, 1e-4);
        // A batch on one input, of which some calls differ by their guidance only.
        let shared = predict(&[call(0, scales[0]), call(0, scales[1]), call(1, scales[1])]);
        assert_close("shared, first", shared.image(0), each.image(0), 1e-5);
        assert_close("shared, last", shared.image(2), each.image(1), 1e-5);
        assert!(relative_l2(shared.image(1), shared.image(0)) > 0.01, "guidance counts");
        let again = predict(&[call(0, scales[0]), call(1, scales[0])]);
        assert_eq!(again.data, alike.data, "what is kept of a step is of its own guidance");
    }
    let apart = relative_l2(&golden.get("untold").data, &golden.get("alike").data);
    assert!(apart > 0.01, "the comparison can fail: {apart}");
}

#[test]
fn areas_are_told_their_guidance() {
    let golden = Goldens::open("lcm.safetensors");
    let folder = folder();
    let mut model = Checkpoint::open(name(folder.path())).unwrap().load(Device::Cpu).unwrap();
    let latents = golden.planes("latents");
    let window = Window { x: 0, y: 0, width: latents.width, height: latents.height };
    let place = Some(Place { guidance: Some(Guidance::new(8.0)), ..Place::of(window) });
    let prompt = model.prompt("a red fox in the snow", Reading::default()).unwrap();
    let areas = vec![Area { prompt, mask: vec![1.0; latents.plane_len()] }];
    let found = model.predict_areas(&latents, 501.0, &[AreaCall { input: 0, place, areas }]).unwrap();
    assert_close("one area", &found.data, golden.planes("alike").image(0), 1e-4);
}

fn drawn(folder: &Path, document: &Document, options: &Options) -> Drawn {
    let (mut model, _) = load(name(folder), Device::Cpu, &[]).unwrap();
    draw(document, &mut model, options, &mut ()).unwrap()
}

#[test]
fn a_picture_takes_one_pass_and_is_the_pipeline_s() {
    let golden = Goldens::open("lcm.safetensors");
    let folder = folder();
    let mut document = one_window(&golden.json("parameters"));
    (document.settings.sampler, document.settings.schedule) = (Sampler::Lcm, Schedule::Normal);
    document.settings.steps = 1;
    for guidance in [8.0, 2.0] {
        document.settings.guidance = guidance;
        let drawn = drawn(folder.path(), &document, &Options::default());
        let expected = &golden.get(&format!("picture.{guidance:.1}")).data;
        assert_close(&format!("guidance {guidance}"), &drawn.latent.data, expected, 1e-4);
        assert_eq!(drawn.unet_samples, 1, "no pass with the negative prompt");
    }
    // A part of the steps is nothing that such a UNet can be told.
    document.settings.guidance_end = 0.5;
    let part = drawn(folder.path(), &document, &Options::default());
    assert_close("guidance in a part", &part.latent.data, &golden.get("picture.2.0").data, 1e-4);
    assert!(part.warnings.contains(&Warning::GuidanceIsRead), "{:?}", part.warnings);
    let apart = relative_l2(&golden.get("picture.2.0").data, &golden.get("picture.8.0").data);
    assert!(apart > 0.01, "the comparison can fail: {apart}");
}

#[test]
fn a_region_s_own_guidance_is_told_to_its_passes() {
    let folder = folder();
    let mut document = Document::new(192, 128);
    (document.settings.sampler, document.settings.schedule) = (Sampler::Lcm, Schedule::Normal);
    (document.settings.steps, document.settings.guidance, document.settings.bootstrap) = (2, 8.0, 0.0);
    document.background.prompt = "the sea".to_owned();
    let id = document.add_region("ship", "a red ship");
    let mut mask = Mask::empty(192, 128);
    mask.fill(PixelRect { x: 0, y: 0, width: 96, height: 128 }, 255);
    document.region_mut(id).unwrap().mask = mask.into();
    for regions in [Regions::MultiDiffusion, Regions::Attention] {
        document.settings.regions = regions;
        document.regions[0].guidance = None;
        let options = Options::default();
        let plain = drawn(folder.path(), &document, &options);
        document.regions[0].guidance = Some(2.0);
        let own = drawn(folder.path(), &document, &options);
        assert!(relative_l2(&own.latent.data, &plain.latent.data) > 1e-3, "{regions:?}: the region's guidance counts");
        assert_eq!(own.unet_samples, plain.unet_samples, "{regions:?}");
        let facts = Facts { takes_guidance: true, ..Facts::new(16, 8) };
        assert_eq!(Estimate::of(&document, facts).unwrap().unet_samples, own.unet_samples, "{regions:?}: as told");
        let dear = drawn(folder.path(), &document, &Options { savings: false, ..options });
        assert_close(&format!("{regions:?} without savings"), &dear.latent.data, &own.latent.data, 1e-4);
    }
}

#[test]
fn such_a_unet_is_known_for_a_consistency_model_and_gets_its_guidance() {
    let folder = folder();
    // Whatever the scheduler and the name say.
    std::fs::copy(
        goldens().join("eps/scheduler/scheduler_config.json"),
        folder.path().join("scheduler/scheduler_config.json"),
    )
    .unwrap();
    let nature = Nature::of(name(folder.path()));
    assert_eq!((nature.few_steps, nature.takes_guidance), (Some(FewSteps::Lcm), true));
    let mut settings = Settings::default();
    Preset::recommended("", nature).apply(&mut settings);
    assert_eq!((settings.sampler, settings.steps), (Sampler::Lcm, 4));
    assert!(settings.guidance > 7.0, "it is told a guidance that it was distilled with: {}", settings.guidance);
}
