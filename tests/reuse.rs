//! Deep features that are reused between steps: calls against diffusers' UNet with two hooks (tests/goldens/make_reuse_goldens.py), runs
//! against a network that keeps its own account, and that nothing stale is ever used.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::painting::{part, plain};
use common::{Goldens, assert_close, goldens, relative_l2, sampler};
use polyptych::backend::counted::Counted;
use polyptych::backend::cpu::Cpu;
use polyptych::backend::wgpu::adapters;
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Checkpoint, Control, ControlFile, Device, Dtype, Model};
use polyptych::diffusion::masks::LatentMask;
use polyptych::diffusion::windows::Window;
use polyptych::diffusion::{
    Area, AreaCall, Call, ControlSet, Features, Layout, Moments, Network, NetworkError, Observer, PaintError, Painting,
    Place, Planes, PromptId, SchedulerConfig, paint,
};
use polyptych::document::{Document, Mask, PixelRect, Regions, Sampler};
use polyptych::studio::{Estimate, Facts, Options, Warning, Watcher, draw, load};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(goldens().join(name).to_str().unwrap()).unwrap()
}

fn place(latents: &Planes) -> Place {
    Place::of(Window { x: 0, y: 0, width: latents.width, height: latents.height })
}

fn prompts(golden: &Goldens, model: &mut Model) -> Vec<PromptId> {
    let words: Vec<String> = serde_json::from_value(golden.json("parameters")["prompts"].clone()).unwrap();
    words.iter().map(|words| model.prompt(words, Reading::default()).unwrap()).collect()
}

#[test]
fn shallow_calls_are_diffusers_with_the_features_of_another_step() {
    let golden = Goldens::open("reuse.safetensors");
    let card = (!adapters().is_empty()).then_some(Device::Wgpu { adapter: None, dtype: Dtype::F32 });
    let devices: Vec<Device> = [Device::Cpu, Device::Candle].into_iter().chain(card).collect();
    for (family, device) in ["eps", "sdxl"].into_iter().flat_map(|family| devices.iter().map(move |d| (family, *d))) {
        let mut model = open(family).load(device).unwrap();
        let prompts = prompts(&golden, &mut model);
        let planes = |name: &str| golden.planes(&format!("{family}.{name}"));
        let net = Arc::new(ControlFile::open(goldens().join("control").join(family)).unwrap());
        model.set_controls(vec![Control { net, picture: Arc::new(planes("control")), weight: 0.7 }]).unwrap();
        for (name, controls) in [("plain", ControlSet::default()), ("controlled", ControlSet::default().with(0))] {
            let (before, after) = (planes("before"), planes("after"));
            let whole = Place { controls, ..place(&before) };
            let calls: Vec<Call> =
                (0..2).map(|input| Call { input, prompt: prompts[input], place: Some(whole) }).collect();
            // The same calls on other inputs, whose features the next whole step forgets.
            model.set_features(Features::Keep);
            model.predict(&before, 901.0, &[0, 1].map(|at| Call { input: 1 - at, ..calls[at] })).unwrap();
            model.set_features(Features::Keep);
            model.predict(&before, 901.0, &calls).unwrap();
            model.set_features(Features::Reuse);
            // Calls that no step has made yet, among them one that differs in nothing but whose copy it is of.
            let copy = Call { place: Some(Place { copy_of: Some(1), ..whole }), ..calls[0] };
            let rolled = Call { place: Some(Place { rolled: (0, 1), ..whole }), ..calls[0] };
            let no_place = Call { place: None, ..calls[0] };
            let mut all = vec![calls[1], copy, calls[0]];
            if controls == ControlSet::default() {
                all.extend([rolled, no_place]);
            }
            let found = model.predict(&after, 701.0, &all).unwrap();
            let what = format!("{family}, {device:?}, {name}");
            let (shallow, exact) = (planes(&format!("{name}.shallow")), planes(&format!("{name}.whole")));
            assert_close(&what, found.image(0), shallow.image(1), 1e-4);
            assert_close(&what, found.image(2), shallow.image(0), 1e-4);
            for at in [1].into_iter().chain(3..all.len()) {
                assert_close(&format!("{what}: call {at} is whole"), found.image(at), exact.image(0), 1e-4);
            }
            assert_eq!(model.shallow_calls(), 2, "{what}");
            assert!(relative_l2(&shallow.data, &exact.data) > 0.05, "the comparison can fail");
            // The copy has kept its features now; once they are forgotten all is whole.
            model.predict(&before, 901.0, &[copy]).unwrap();
            assert_eq!(model.shallow_calls(), 1, "{what}");
            model.set_features(Features::Forget);
            model.set_features(Features::Reuse);
            let found = model.predict(&after, 701.0, &calls).unwrap();
            assert_close(&what, &found.data, &exact.data, 1e-4);
            model.set_features(Features::Forget);
            assert_eq!(model.shallow_calls(), 0, "{what}");
        }
    }
}

#[test]
fn calls_by_attention_are_shallow_alike() {
    let golden = Goldens::open("reuse.safetensors");
    let mut model = open("eps").load(Device::Cpu).unwrap();
    let prompts = prompts(&golden, &mut model);
    let [before, after] = ["before", "after"].map(|name| golden.planes(&format!("eps.{name}")));
    let calls: Vec<AreaCall> = (0..2)
        .map(|input| {
            let areas = vec![Area { prompt: prompts[input], mask: vec![1.0; before.plane_len()] }];
            AreaCall { input, place: Some(place(&before)), areas }
        })
        .collect();
    model.set_features(Features::Keep);
    model.predict_areas(&before, 901.0, &calls).unwrap();
    model.set_features(Features::Reuse);
    let found = model.predict_areas(&after, 701.0, &calls).unwrap();
    assert_close("areas", &found.data, &golden.get("eps.plain.shallow").data, 1e-4);
    assert_eq!(model.shallow_calls(), 2);
}

#[test]
fn where_memory_is_short_calls_are_whole() {
    let golden = Goldens::open("reuse.safetensors");
    let counted = Counted::new(Cpu::new());
    let mut model = open("eps").load_on(counted.with(Cpu::new())).unwrap();
    let prompts = prompts(&golden, &mut model);
    let [before, after] = ["before", "after"].map(|name| golden.planes(&format!("eps.{name}")));
    let calls: Vec<Call> =
        (0..2).map(|input| Call { input, prompt: prompts[input], place: Some(place(&before)) }).collect();
    let exact = model.predict(&after, 701.0, &calls).unwrap();
    let _ = counted.peak();
    let kept = counted.peak();
    let first = Planes { count: 1, data: after.image(0).to_vec(), ..after };
    model.predict(&first, 701.0, &calls[..1]).unwrap();
    let need = counted.peak();

    model.set_features(Features::Keep);
    model.predict(&before, 901.0, &calls).unwrap();
    let _ = counted.peak();
    assert!(counted.peak() > kept, "features are held");
    model.set_features(Features::Reuse);
    // A whole call has no room beside them, not even alone: the features go, and all is whole.
    counted.limit(need + 1000);
    let copy = Call { place: Some(Place { copy_of: Some(1), ..place(&before) }), ..calls[0] };
    let whole = model.predict(&first, 701.0, &[copy]).unwrap();
    assert_close("the other call", &whole.data, exact.image(0), 1e-5);
    counted.limit(usize::MAX);
    let found = model.predict(&after, 701.0, &calls).unwrap();
    assert_close("without room", &found.data, &exact.data, 1e-5);
    assert_eq!(model.shallow_calls(), 0);
    model.set_features(Features::Keep);
    model.predict(&before, 901.0, &calls).unwrap();
    let _ = counted.peak();
    assert_eq!(counted.peak(), kept, "nothing is kept until the run has ended");
    assert!(model.shortage().in_pieces, "it is told");
}

/// Where a call's deep features come from.
type Key = ((usize, usize), Option<usize>, PromptId);

fn key(call: &Call) -> Key {
    let place = call.place.unwrap();
    ((place.window.x, place.window.y), place.copy_of, call.prompt)
}

/// A network of which half is deep: told by the engine what to do with features, or by the test which evaluations are whole.
struct Halves {
    told: bool,
    features: Features,
    /// Evaluations begun, and whether each is whole, for the one that the engine does not tell.
    evaluation: Rc<Cell<usize>>,
    whole: Vec<bool>,
    last: usize,
    kept: HashMap<Key, f32>,
    shallow: usize,
}

impl Halves {
    fn new(told: bool, whole: Vec<bool>, evaluation: &Rc<Cell<usize>>) -> Self {
        let (evaluation, kept) = (Rc::clone(evaluation), HashMap::new());
        Self { told, features: Features::Forget, evaluation, whole, last: 0, kept, shallow: 0 }
    }

    fn deep(image: &[f32], prompt: PromptId, timestep: f32) -> f32 {
        let mean = image.iter().sum::<f32>() / image.len() as f32;
        (prompt.0 as f32 + 0.01 * timestep + 3.0 * mean).sin()
    }
}

impl Network for Halves {
    fn latent_channels(&self) -> usize {
        4
    }

    fn set_features(&mut self, features: Features) {
        self.features = features;
        if features != Features::Reuse && self.told {
            self.kept.clear();
        }
    }

    fn shallow_calls(&mut self) -> usize {
        if self.told { std::mem::take(&mut self.shallow) } else { 0 }
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        let evaluation = self.evaluation.get();
        let (reuse, keep) = match (self.told, self.features) {
            (true, Features::Forget) => (false, false),
            (true, Features::Keep) => (false, true),
            (true, Features::Reuse) => (true, true),
            (false, _) => (!self.whole[evaluation], true),
        };
        if !self.told && evaluation != self.last && self.whole[evaluation] {
            self.kept.clear();
        }
        self.last = evaluation;
        let mut out = Planes::zeros(calls.len(), 4, inputs.height, inputs.width);
        for (n, call) in calls.iter().enumerate() {
            let (image, key) = (inputs.image(call.input), key(call));
            let deep = match self.kept.get(&key) {
                Some(known) if reuse => {
                    self.shallow += 1;
                    *known
                }
                _ => Self::deep(image, call.prompt, timestep),
            };
            if keep {
                self.kept.insert(key, deep);
            }
            out.image_mut(n).iter_mut().zip(image).for_each(|(out, x)| *out = 0.4 * x + 0.6 * deep);
        }
        Ok(out)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let mut mean = Planes::zeros(1, 4, pictures.height / 8, pictures.width / 8);
        mean.data.fill(pictures.data[0]);
        Ok(Moments { std: Planes::zeros(1, 4, mean.height, mean.width), mean })
    }

    fn decode(&mut self, _: &Planes) -> Result<Planes, NetworkError> {
        Err("not needed".into())
    }
}

/// Counts evaluations; stops the run before one of them.
struct Count(Rc<Cell<usize>>, usize);

impl Observer for Count {
    fn latent(&mut self, _: &Planes) {
        self.0.set(self.0.get() + 1);
    }

    fn cancelled(&mut self) -> bool {
        self.0.get() > self.1
    }
}

fn config() -> SchedulerConfig {
    SchedulerConfig::from_json(&serde_json::json!({
        "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1,
        "set_alpha_to_one": false, "clip_sample": false
    }))
    .unwrap()
}

/// Two regions on a background, three windows wide, guided; the first region bootstraps in the first three steps.
fn painting(reuse: usize) -> Painting {
    let (height, width) = (8, 16);
    let mask = |from: usize, to: usize| -> Vec<f32> {
        (0..height * width).map(|i| f32::from(u8::from((from..to).contains(&(i % width))))).collect()
    };
    let background = (0..height * width).map(|i| 1.0 - mask(5, 9)[i] - mask(12, 16)[i]).collect();
    let masks: [Vec<f32>; 3] = [background, mask(5, 9), mask(12, 16)];
    let parts = masks.iter().enumerate().map(|(k, mask)| {
        let mut part = part(k, LatentMask::new(height, width, mask), 7);
        (part.guidance, part.negative) = (3.0, PromptId(9).into());
        part.bootstrap_steps = if k == 1 { 3 } else { 0 };
        part
    });
    let parts = parts.collect();
    Painting { parts, window: 8, stride: 4, guided_steps: 1..5, reuse, ..plain(height, width, 7) }
}

#[test]
fn every_sampler_is_the_naive_loop() {
    for (name, evaluations) in
        [("ddim", 7), ("euler", 7), ("euler-a", 7), ("heun", 13), ("dpmpp-2m", 7), ("dpmpp-2m-sde", 7), ("unipc", 7)]
    {
        for reuse in [1, 2, 3] {
            let make = || sampler(name, &config(), 7).unwrap();
            let steps: Vec<usize> = (0..evaluations).map(|i| make().step_of(i)).collect();
            assert_eq!(make().timesteps().len(), evaluations, "{name}");
            let whole: Vec<bool> = steps.iter().map(|step| step % reuse == 0).collect();
            let run = |told: bool| {
                let evaluation = Rc::new(Cell::new(0));
                let mut count = Count(Rc::clone(&evaluation), usize::MAX);
                // (The first evaluation is number 1.)
                let mut network = Halves::new(told, [vec![true], whole.clone()].concat(), &evaluation);
                let painted = paint(&painting(reuse), &mut *make(), &mut network, &mut count).unwrap();
                (painted, network)
            };
            let ((found, network), (expected, by_hand)) = (run(true), run(false));
            assert_eq!(found.latent, expected.latent, "{name}, every {reuse}");
            assert_eq!(found.unet_samples_shallow, by_hand.shallow, "{name}, every {reuse}");
            assert_eq!(found.unet_samples_shallow > 0, reuse > 1, "{name}, every {reuse}");
            assert!(network.kept.is_empty(), "nothing is left behind");
        }
    }
}

#[test]
fn masks_that_change_begin_anew() {
    let mut painting = painting(4);
    let masks: Vec<LatentMask> = painting.parts.iter().map(|part| part.mask.clone()).collect();
    painting.layouts = vec![Layout { from: 0, masks: masks.clone() }, Layout { from: 3, masks }];
    let whole: Vec<usize> = (0..7).map(|step| painting.whole_step(step)).collect();
    assert_eq!(whole, [0, 0, 0, 3, 4, 4, 4]);
    painting.reuse = 1;
    assert!((0..7).all(|step| painting.whole_step(step) == step));
    painting.reuse = 0;
    let evaluation = Rc::new(Cell::new(0));
    let network = &mut Halves::new(true, Vec::new(), &evaluation);
    let refused = paint(&painting, &mut *sampler("ddim", &config(), 3).unwrap(), network, &mut ());
    assert!(matches!(refused, Err(PaintError::Invalid(_))), "{refused:?}");
}

#[test]
fn a_run_that_was_stopped_leaves_nothing_to_the_next() {
    let evaluation = Rc::new(Cell::new(0));
    let mut network = Halves::new(true, Vec::new(), &evaluation);
    let fresh = |network: &mut Halves, seed: u64, before: usize| {
        network.evaluation.set(0);
        let mut count = Count(Rc::clone(&network.evaluation), before);
        let painting = Painting { seed, ..painting(3) };
        paint(&painting, &mut *sampler("ddim", &config(), 6).unwrap(), network, &mut count)
    };
    let expected = fresh(&mut network, 2, usize::MAX).unwrap();
    for before in 1..6 {
        assert!(matches!(fresh(&mut network, 1, before), Err(PaintError::Cancelled)));
        assert_eq!(network.features, Features::Forget);
        assert!(network.kept.is_empty(), "before evaluation {before}");
        let found = fresh(&mut network, 2, usize::MAX).unwrap();
        assert_eq!((&found.latent, found.unet_samples_shallow), (&expected.latent, expected.unet_samples_shallow));
    }
}

/// A canvas of three windows with a region in the first.
fn document() -> Document {
    let mut document = Document::new(256, 128);
    document.background.prompt = "a city street at night".to_owned();
    let id = document.add_region("Fox", "a red fox");
    let mut mask = Mask::empty(256, 128);
    mask.fill(PixelRect { x: 32, y: 0, width: 64, height: 128 }, 255);
    document.region_mut(id).unwrap().mask = mask.into();
    (document.settings.steps, document.settings.sampler) = (6, Sampler::Dpmpp2m);
    document
}

#[test]
fn pictures_are_near_the_exact_ones_and_know_nothing_of_the_last() {
    let name = goldens().join("eps").display().to_string();
    let (mut model, _) = load(&name, Device::Cpu, &[]).unwrap();
    let mut drawn = |document: &Document| draw(document, &mut model, &Options::default(), &mut ()).unwrap();
    for regions in [Regions::MultiDiffusion, Regions::Attention] {
        let mut document = document();
        document.settings.regions = regions;
        let exact = drawn(&document);
        assert_eq!(exact.unet_samples_shallow, 0);
        document.settings.reuse = 2;
        let reused = drawn(&document);
        assert_eq!(reused.unet_samples, exact.unet_samples, "{regions:?}");
        let apart = relative_l2(&reused.latent.data, &exact.latent.data);
        assert!(apart > 1e-4 && apart < 1.0, "{regions:?}: {apart}");
        let estimate = Estimate::of(&document, Facts::new(16, 8)).unwrap();
        assert_eq!(estimate.unet_samples, reused.unet_samples, "{regions:?}");
        let (told, counted) = (estimate.unet_samples_shallow, reused.unet_samples_shallow);
        assert!(counted > 0 && told >= counted && told < counted + counted / 4, "{regions:?}: {told}, {counted}");

        // Other words, then the same as before: as if nothing had been drawn between.
        let mut other = document.clone();
        other.regions[0].prompt = "a grey wolf".to_owned();
        let between = drawn(&other);
        assert!(relative_l2(&between.latent.data, &reused.latent.data) > 1e-3);
        assert_eq!(drawn(&document).latent, reused.latent, "{regions:?}");
        let (mut fresh, _) = load(&name, Device::Cpu, &[]).unwrap();
        let fresh = draw(&other, &mut fresh, &Options::default(), &mut ()).unwrap();
        assert_eq!(between.latent, fresh.latent, "{regions:?}");
    }
}

/// Stops at a step.
struct StopAt(usize, bool);

impl Watcher for StopAt {
    fn cancelled(&mut self) -> bool {
        self.1
    }

    fn step(&mut self, done: usize, _: usize, _: Option<image::RgbImage>) {
        self.1 |= done >= self.0;
    }
}

#[test]
fn a_drawing_that_was_stopped_leaves_nothing_behind() {
    let (mut model, _) = load(&goldens().join("eps").display().to_string(), Device::Cpu, &[]).unwrap();
    let mut document = document();
    document.settings.reuse = 3;
    let expected = draw(&document, &mut model, &Options::default(), &mut ()).unwrap();
    for step in [1, 2, 4] {
        let other = Document { style: "at dawn".to_owned(), ..document.clone() };
        assert!(draw(&other, &mut model, &Options::default(), &mut StopAt(step, false)).is_err());
        assert_eq!(draw(&document, &mut model, &Options::default(), &mut ()).unwrap().latent, expected.latent);
    }
}

#[test]
fn choices_without_effect_are_told() {
    let (mut model, _) = load(&goldens().join("eps").display().to_string(), Device::Cpu, &[]).unwrap();
    let mut document = document();
    document.settings.steps = 1;
    document.settings.reuse = 2;
    (document.settings.guidance, document.settings.guidance_end) = (1.0, 0.5);
    let mut warnings = |document: &Document, options: &Options| -> HashSet<String> {
        let drawn = draw(document, &mut model, options, &mut ()).unwrap();
        drawn.warnings.iter().map(ToString::to_string).collect()
    };
    let both = HashSet::from([Warning::NoGuidance, Warning::NothingToReuse].map(|warning| warning.to_string()));
    assert_eq!(warnings(&document, &Options::default()), both);
    // The released loop has neither.
    document.settings.sampler = Sampler::Ddim;
    let reference = warnings(&document, &Options { reference: true, ..Options::default() });
    assert!(reference.iter().any(|w| w.contains("no reuse of deep features")), "{reference:?}");
    (document.settings.guidance, document.settings.steps) = (4.0, 2);
    assert_eq!(warnings(&document, &Options::default()), HashSet::new());
    document.settings.guidance = 1.0;
    document.regions[0].guidance = Some(4.0);
    assert_eq!(warnings(&document, &Options::default()), HashSet::new(), "one region has guidance");
}
