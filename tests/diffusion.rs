//! The engine against independent truth: torch's random numbers, diffusers' schedulers, and a naive loop on toy networks.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(clippy::print_stdout, reason = "cargo shows what a failed test says")]

mod common;

use common::{Goldens, assert_close, goldens, relative_l2};
use polyptych::diffusion::masks::{self, LatentMask};
use polyptych::diffusion::random::{TorchRandom, keyed, keyed_normals, keyed_uniform};
use polyptych::diffusion::windows::WindowWeights;
use polyptych::diffusion::{
    AreaCall, Call, Changing, Ddim, DpmSolver, Euler, EulerAncestral, Heun, Hold, InitLatent, Kept, Layout, Lcm,
    Moments, Network, NetworkError, Observer, PaintError, Painting, Part, Planes, Prompt, PromptId, Recorder, Sampler,
    SchedulerConfig, Surround, Trajectory, UniPc, free_windows, paint, paint_reference, repaint,
};
use std::sync::Arc;

const SEEDS: [u64; 4] = [0, 42, 4_294_967_295, 1_099_511_627_781];

fn assert_same(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{what}[{i}]: {a} instead of {b}");
    }
}

#[test]
fn random_numbers_are_torchs() {
    let golden = Goldens::open("random.safetensors");
    for seed in SEEDS {
        for n in [1, 5, 15, 16, 17, 33, 100] {
            let draw = |kind: &str| golden.get(&format!("{kind}.{seed}.{n}")).data.clone();
            assert_same("rand", &TorchRandom::new(seed).rand(n), &draw("rand"));
            assert_same(&format!("randn.{seed}.{n}"), &TorchRandom::new(seed).randn(n), &draw("randn"));
        }
        let mut random = TorchRandom::new(seed);
        let mixed = |name: &str| golden.get(&format!("mixed.{seed}.{name}")).data.clone();
        assert_same("rand 1", &random.rand(1), &mixed("0.rand1"));
        assert_same("randn 5", &random.randn(5), &mixed("1.randn5"));
        assert_same("randn 40", &random.randn(40), &mixed("2.randn40"));
        let integers: Vec<f32> = random.randint(7, 9).into_iter().map(|v| v as f32).collect();
        assert_eq!(integers, mixed("3.randint9"));
        assert_same("randn 3", &random.randn(3), &mixed("4.randn3"));
        assert_same("randn 120", &random.randn(120), &mixed("5.randn2x4x3x5"));
        assert_same("rand 12", &random.rand(12), &mixed("6.rand4x3"));
    }
}

fn schedules() -> serde_json::Value {
    let text = std::fs::read_to_string(goldens().join("schedules.json")).expect("schedules.json");
    serde_json::from_str(&text).expect("JSON")
}

fn numbers(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().expect("array").iter().map(|v| v.as_f64().expect("number") as f32).collect()
}

#[test]
fn schedules_are_diffusers() {
    let all = schedules();
    for (name, case) in all["schedules"].as_object().expect("object") {
        let config = SchedulerConfig::from_json(&case["config"]).expect(name);
        for (steps, expected) in case["steps"].as_object().expect("object") {
            let n = steps.parse().expect("steps");
            let what = format!("{name}, {steps} steps");
            if let Some(times) = expected.get("ddim_timesteps").filter(|t| t.is_array()) {
                let ddim = Ddim::new(&config, n).expect(&what);
                assert_eq!(ddim.timesteps(), numbers(times), "{what}");
            }
            if let Some(times) = expected.get("euler_timesteps").filter(|t| t.is_array()) {
                let euler = Euler::new(&config, n).expect(&what);
                assert_same(&what, euler.timesteps(), &numbers(times));
                let sigmas = numbers(&expected["euler_sigmas"]);
                assert!(relative_l2(euler.sigmas(), &sigmas) < 1e-5, "{what}: {:?} {sigmas:?}", euler.sigmas());
                let initial = expected["euler_init_noise_sigma"].as_f64().expect("number") as f32;
                assert!((euler.initial_scale() / initial - 1.0).abs() < 1e-5, "{what}: {initial}");
            }
        }
    }
}

#[test]
fn noise_levels_are_diffusers() {
    let golden = Goldens::open("schedules.safetensors");
    let all = schedules();
    for (name, case) in all["schedules"].as_object().expect("object") {
        let Some(expected) = golden.tensors.get(&format!("alphas_cumprod.{name}")) else { continue };
        let config = SchedulerConfig::from_json(&case["config"]).expect(name);
        assert_close(name, &config.alphas_cumprod(), &expected.data, 1e-6);
    }
}

/// A network of a few operations whose prediction depends on position, prompt and timestep, as a real one's does.
struct Toy {
    calls: usize,
    largest_batch: usize,
    /// Images of all batches; several calls may refer to one.
    inputs: usize,
    /// Planes of its input: 4, or 9 as an inpainting UNet.
    planes: usize,
}

impl Toy {
    fn new() -> Self {
        Self { calls: 0, largest_batch: 0, inputs: 0, planes: 4 }
    }

    /// A network with as many input planes as the painting has.
    fn of(painting: &Painting) -> Self {
        Self { planes: 4 + painting.conditions.as_ref().map_or(0, |c| c.channels), ..Self::new() }
    }
}

/// The latent of every call's input, without an inpainting UNet's other planes.
fn inputs_of(inputs: &Planes, calls: &[Call]) -> Planes {
    let latent = 4 * inputs.plane_len();
    let data = calls.iter().flat_map(|call| &inputs.image(call.input)[..latent]).copied().collect();
    Planes { count: calls.len(), channels: 4, data, ..*inputs }
}

impl Network for Toy {
    fn latent_channels(&self) -> usize {
        4
    }

    fn in_channels(&self) -> usize {
        self.planes
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        self.calls += 1;
        self.largest_batch = self.largest_batch.max(calls.len());
        self.inputs += inputs.count;
        let mut out = inputs_of(inputs, calls);
        for (n, call) in calls.iter().enumerate() {
            let image = inputs.image(call.input);
            let mean = image.iter().sum::<f32>() / image.len() as f32;
            let (latent, seen) = image.split_at(4 * inputs.plane_len());
            for (i, v) in out.image_mut(n).iter_mut().enumerate() {
                let phase = (i % 7) as f32 * 0.3 + call.prompt.0 as f32 + timestep * 0.002;
                // Each plane sees another one of what lies beside the latent.
                let beside = seen.get(i % latent.len().min(seen.len()).max(1)).copied().unwrap_or_default();
                *v = 0.6 * *v + 0.4 * phase.sin() + 0.2 * mean + 0.3 * beside;
            }
        }
        Ok(out)
    }

    fn predict_areas(&mut self, inputs: &Planes, t: f32, calls: &[AreaCall]) -> Result<Planes, NetworkError> {
        let mut out = Planes::zeros(calls.len(), 4, inputs.height, inputs.width);
        for (n, call) in calls.iter().enumerate() {
            let mut weight = vec![0.0; inputs.plane_len()];
            for area in &call.areas {
                let alone =
                    self.predict(inputs, t, &[Call { input: call.input, prompt: area.prompt, place: call.place }])?;
                for (i, (v, p)) in out.image_mut(n).iter_mut().zip(&alone.data).enumerate() {
                    *v += area.mask[i % area.mask.len()] * p;
                }
                weight.iter_mut().zip(&area.mask).for_each(|(w, m)| *w += m);
            }
            for (i, v) in out.image_mut(n).iter_mut().enumerate() {
                *v /= weight[i % weight.len()];
            }
        }
        Ok(out)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let (h, w) = (pictures.height / 8, pictures.width / 8);
        let mut mean = Planes::zeros(pictures.count, 4, h, w);
        for (c, plane) in mean.data.chunks_exact_mut(h * w).enumerate() {
            plane.fill(pictures.data[(c % 3) * pictures.plane_len()] * 0.8);
        }
        let mut std = mean.clone();
        std.data.fill(0.05);
        Ok(Moments { mean, std })
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        Ok(Planes::zeros(latents.count, 3, latents.height * 8, latents.width * 8))
    }
}

fn config() -> SchedulerConfig {
    let json = serde_json::json!({
        "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "steps_offset": 1, "set_alpha_to_one": false, "clip_sample": false
    });
    SchedulerConfig::from_json(&json).expect("config")
}

/// Three regions with hard edges, disjoint, on a 20 × 28 latent.
fn painting() -> Painting {
    let (height, width) = (20, 28);
    let area = |x0: usize, y0: usize, x1: usize, y1: usize| -> Vec<f32> {
        (0..height * width)
            .map(|i| {
                let (x, y) = (i % width, i / width);
                f32::from(u8::from((x0..x1).contains(&x) && (y0..y1).contains(&y)))
            })
            .collect()
    };
    let regions = [area(0, 0, 6, 6), area(10, 4, 20, 14), area(22, 12, 28, 20)];
    let background = (0..height * width).map(|i| 1.0 - regions.iter().map(|r| r[i]).sum::<f32>()).collect();
    let mut masks = vec![background];
    masks.extend(regions);
    let parts = masks.into_iter().enumerate().map(|(k, mask)| Part {
        mask: LatentMask::new(height, width, &mask),
        prompt: PromptId(10 + k).into(),
        negative: PromptId(0).into(),
        bootstrap_steps: 0,
        guidance: 5.0,
        guidance_input: None,
        controls: Vec::new(),
        weight: 1.0,
        seed: 3,
    });
    Painting {
        height,
        width,
        parts: parts.collect(),
        layouts: Vec::new(),
        seed: 3,
        window: 12,
        stride: 4,
        wrap: (false, false),
        guided_steps: 0..usize::MAX,
        window_weights: WindowWeights::Uniform,
        surround: Surround::RandomColours,
        hold: Hold::MultiDiffusion,
        factor: 8,
        batch: 5,
        savings: true,
        reuse: 1,
        init_latent: None,
        underpainting: None,
        conditions: None,
    }
}

fn set_masks(painting: &mut Painting, masks: &[Vec<f32>]) {
    for (part, mask) in painting.parts.iter_mut().zip(masks) {
        part.mask = LatentMask::new(painting.height, painting.width, mask);
    }
}

#[test]
fn the_engine_is_the_reference_where_masks_are_hard_and_nothing_bootstraps() {
    for prediction in ["epsilon", "v_prediction", "sample"] {
        let mut config = config();
        config.prediction_type = serde_json::from_value(serde_json::json!(prediction)).expect("a prediction type");
        let sampler = || Ddim::new(&config, 10).expect("sampler");
        let fast = paint(&painting(), &mut sampler(), &mut Toy::new(), &mut ()).expect("paints");
        let slow = paint_reference(&painting(), 0, &mut sampler(), &mut Toy::new(), &mut ()).expect("paints");
        assert_close(prediction, &fast.latent.data, &slow.latent.data, 1e-5);
        assert!(fast.unet_samples < slow.unet_samples, "{} {}", fast.unet_samples, slow.unet_samples);
        assert_eq!(fast.unet_samples_reference, slow.unet_samples);
    }
}

#[test]
fn savings_change_nothing_but_rounding() {
    let mut with = painting();
    for part in &mut with.parts[1..] {
        part.bootstrap_steps = 4;
    }
    // A soft edge and an own negative, too.
    with.parts[2].negative = PromptId(1).into();
    let mut masks: Vec<Vec<f32>> = with.parts.iter().map(|p| p.mask.cells()).collect();
    for i in 0..with.width {
        let m = i as f32 / with.width as f32;
        let row = 7 * with.width + i;
        (masks[0][row], masks[1][row], masks[2][row]) = (1.0 - m, m, 0.0);
    }
    set_masks(&mut with, &masks);
    let without = Painting { savings: false, batch: 1, ..with.clone() };
    for guidance in [1.0, 4.0] {
        let run = |painting: &Painting| {
            let mut painting = painting.clone();
            painting.parts.iter_mut().for_each(|p| p.guidance = guidance);
            paint(&painting, &mut Euler::new(&config(), 8).expect("sampler"), &mut Toy::new(), &mut ()).expect("paints")
        };
        let (fast, slow) = (run(&with), run(&without));
        assert_close("savings", &fast.latent.data, &slow.latent.data, 1e-5);
        assert_eq!(slow.unet_samples, slow.unet_samples_reference);
        assert!(fast.unet_samples * 4 < slow.unet_samples * 3, "{} of {}", fast.unet_samples, slow.unet_samples);
    }
}

#[test]
fn words_on_one_input_come_in_one_batch() {
    // Nothing bootstraps, so each window is one input a step, whatever its words; a batch's end may cut one in two.
    let run = |savings, batch| {
        let mut toy = Toy::new();
        let painting = Painting { savings, batch, ..painting() };
        let painted =
            paint(&painting, &mut Ddim::new(&config(), 3).expect("sampler"), &mut toy, &mut ()).expect("paints");
        assert_eq!(painted.unet_inputs, toy.inputs, "what is counted is what the network was given");
        painted
    };
    let whole = run(true, 1000);
    assert_eq!(whole.unet_inputs, 3 * whole.windows);
    let cut = run(true, 5);
    assert!(cut.unet_inputs * 3 < cut.unet_samples * 2, "{} of {}", cut.unet_inputs, cut.unet_samples);
    let none = run(false, 5);
    assert_eq!(none.unet_inputs, none.unet_samples);
    assert_close("shared inputs", &cut.latent.data, &none.latent.data, 1e-5);
}

#[test]
fn attention_is_multidiffusion_on_a_network_that_averages_its_answers() {
    // The toy's prediction with several words is the average by their masks. With hard masks a pixel has one part, so both
    // ways of holding regions must give the same picture, at very different cost.
    let mut held = painting();
    held.parts[1].guidance = 2.0;
    held.parts[2].negative = PromptId(1).into();
    held.parts[3].guidance = 1.0;
    let run = |hold, held: &Painting| {
        let painting = Painting { hold, ..held.clone() };
        let painted = paint(&painting, &mut Ddim::new(&config(), 6).expect("sampler"), &mut Toy::of(held), &mut ());
        let painted = painted.expect("paints");
        assert_eq!(painting.unet_samples(&painting.windows(), 0..6), painted.unet_samples, "the estimate");
        painted
    };
    let (one_pass, pass_each) = (run(Hold::Attention, &held), run(Hold::MultiDiffusion, &held));
    assert_close("attention", &one_pass.latent.data, &pass_each.latent.data, 1e-5);
    // And where the UNet sees a picture to fill in beside the latent.
    let nine = Painting { conditions: Some(conditions(&held)), ..held.clone() };
    let filled = run(Hold::Attention, &nine);
    assert_close("attention, nine planes", &filled.latent.data, &run(Hold::MultiDiffusion, &nine).latent.data, 1e-5);
    assert!(relative_l2(&filled.latent.data, &one_pass.latent.data) > 1e-2);
    assert_eq!(one_pass.unet_samples, one_pass.windows * 2 * 6, "one pass with words and one with negatives");
    assert!(one_pass.unet_samples < pass_each.unet_samples);

    // Nothing bootstraps, and without guidance there is one pass.
    let mut plain = Painting { hold: Hold::Attention, ..painting() };
    let latent = |p: &Painting| {
        paint(p, &mut Ddim::new(&config(), 4).expect("sampler"), &mut Toy::new(), &mut ()).expect("paints")
    };
    let before = latent(&plain);
    plain.parts[1].bootstrap_steps = 3;
    assert_eq!(latent(&plain), before);
    plain.parts.iter_mut().for_each(|part| part.guidance = 1.0);
    assert_eq!(latent(&plain).unet_samples, before.windows * 4);
}

#[test]
fn bootstrapping_changes_the_picture() {
    let mut held = painting();
    held.parts[2].bootstrap_steps = 3;
    let run = |p: &Painting| {
        paint(p, &mut Ddim::new(&config(), 8).expect("sampler"), &mut Toy::new(), &mut ()).expect("paints").latent
    };
    assert!(relative_l2(&run(&held).data, &run(&painting()).data) > 1e-3);
}

#[test]
fn a_wrapped_canvas_has_no_edge() {
    // Shifting the noise round a wrapped canvas shifts the picture: no place is special. A network that looks at its own
    // pixel alone makes that exact.
    struct Local;
    impl Network for Local {
        fn latent_channels(&self) -> usize {
            4
        }

        fn predict(&mut self, inputs: &Planes, _t: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
            let mut out = inputs_of(inputs, calls);
            out.data.iter_mut().for_each(|v| *v = (*v * 2.0).sin());
            Ok(out)
        }
        fn encode(&mut self, _: &Planes) -> Result<Moments, NetworkError> {
            Err("not needed".into())
        }
        fn decode(&mut self, _: &Planes) -> Result<Planes, NetworkError> {
            Err("not needed".into())
        }
    }
    let mut wrapped = painting();
    let plain = painting();
    wrapped.wrap = (true, true);
    let run = |p: &Painting| {
        paint(p, &mut Ddim::new(&config(), 8).expect("sampler"), &mut Local, &mut ()).expect("paints").latent
    };
    assert_close("wrap", &run(&wrapped).data, &run(&plain).data, 1e-5);
}

#[test]
fn batches_are_full_but_never_larger_than_asked() {
    let mut toy = Toy::new();
    paint(&painting(), &mut Ddim::new(&config(), 2).expect("sampler"), &mut toy, &mut ()).expect("paints");
    assert_eq!(toy.largest_batch, 5);
}

#[test]
fn cancel_acts_before_the_next_network_call() {
    struct StopAfter(usize);
    impl Observer for StopAfter {
        fn cancelled(&mut self) -> bool {
            self.0 = self.0.saturating_sub(1);
            self.0 == 0
        }
    }
    let mut toy = Toy::new();
    let sampler = &mut Ddim::new(&config(), 10).expect("sampler");
    let outcome = paint(&painting(), sampler, &mut toy, &mut StopAfter(4));
    assert!(matches!(outcome, Err(PaintError::Cancelled)), "{outcome:?}");
    assert_eq!(toy.calls, 3);
    // And the network is fit for the next job.
    paint(&painting(), &mut Ddim::new(&config(), 2).expect("sampler"), &mut toy, &mut ()).expect("paints");
}

#[test]
fn nonsense_is_refused_in_words() {
    let refused = |change: &dyn Fn(&mut Painting)| {
        let mut p = painting();
        change(&mut p);
        let sampler = &mut Ddim::new(&config(), 2).expect("sampler");
        paint(&p, sampler, &mut Toy::new(), &mut ()).expect_err("refused").to_string()
    };
    assert!(refused(&|p| p.parts[2].guidance = f32::NAN).contains("guidance"));
    assert!(refused(&|p| p.stride = 0).contains("stride"));
    assert!(refused(&|p| p.stride = 13).contains("gaps"));
    assert!(refused(&|p| p.parts.clear()).contains("nothing to paint"));
    assert!(refused(&|p| p.parts[0].mask = LatentMask::empty(20, 27)).contains("mask"));
    assert!(refused(&|p| p.parts[0].mask = LatentMask::empty(20, 28)).contains("covered by nothing"));
    assert!(refused(&|p| p.parts[1].weight = 0.0).contains("weight"));
    assert!(refused(&|p| p.parts[1].weight = f32::NAN).contains("weight"));
    assert!(refused(&|p| p.layouts = vec![Layout { from: 1, masks: Vec::new() }]).contains("mask"));
    for steps in [0, 1001] {
        assert!(Ddim::new(&config(), steps).expect_err("refused").to_string().contains("steps"));
        assert!(Euler::new(&config(), steps).is_err());
    }
}

#[test]
fn a_picture_of_nan_is_an_error_not_a_black_picture() {
    struct Broken;
    impl Network for Broken {
        fn latent_channels(&self) -> usize {
            4
        }

        fn predict(&mut self, inputs: &Planes, _t: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
            let mut out = inputs_of(inputs, calls);
            out.data.fill(f32::NAN);
            Ok(out)
        }
        fn encode(&mut self, _: &Planes) -> Result<Moments, NetworkError> {
            Err("not needed".into())
        }
        fn decode(&mut self, _: &Planes) -> Result<Planes, NetworkError> {
            Err("not needed".into())
        }
    }
    let outcome = paint(&painting(), &mut Ddim::new(&config(), 2).expect("sampler"), &mut Broken, &mut ());
    assert!(matches!(outcome, Err(PaintError::NotFinite { step: 1, steps: 2 })), "{outcome:?}");
}

#[test]
fn single_steps_are_diffusers() {
    let golden = Goldens::open("schedules.safetensors");
    let (sample, output) = (&golden.get("sample").data, &golden.get("model_output").data);
    for case in schedules()["single_steps"].as_array().expect("array") {
        let name = case["name"].as_str().expect("name");
        let config = SchedulerConfig::from_json(&case["config"]).expect(name);
        let (steps, i) = (case["steps"].as_u64().expect("n") as usize, case["index"].as_u64().expect("n") as usize);
        let mut sampler: Box<dyn Sampler> = if name.starts_with("ddim") {
            Box::new(Ddim::new(&config, steps).expect(name))
        } else {
            Box::new(Euler::new(&config, steps).expect(name))
        };
        let mut fused = output.clone();
        sampler.fusable(i, sample, &mut fused);
        let clean = sampler.denoised(i, sample, &fused);
        let mut x = sample.clone();
        sampler.step(i, &mut x, &fused, &[]);
        assert_close(&format!("{name} x0"), &clean, &golden.get(&format!("{name}.x0")).data, 2e-6);
        assert_close(&format!("{name} step"), &x, &golden.get(&format!("{name}.prev_sample")).data, 2e-6);
        if let Some(scaled) = golden.tensors.get(&format!("{name}.scaled")) {
            let seen: Vec<f32> = sample.iter().map(|v| v * sampler.input_scale(i)).collect();
            assert_close(&format!("{name} input"), &seen, &scaled.data, 2e-6);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Windows and regions against a naive loop
// ---------------------------------------------------------------------------------------------------------------------

/// The latent before the first step and after every evaluation.
#[derive(Default)]
struct Way(Vec<Vec<f32>>);

impl Observer for Way {
    fn latent(&mut self, latent: &Planes) {
        self.0.push(latent.data.clone());
    }
}

/// The step of the naive loop.
enum Naive {
    /// This sampler's, on predictions of the noise.
    Noise(Ddim),
    /// LCM's (Luo et al. 2023, algorithm 3), written out, on predictions of the velocity: timestep, √ᾱ and √(1 − ᾱ) of each step.
    Velocity(Vec<(f64, f64, f64)>),
}

impl Naive {
    fn ddim(steps: usize) -> Self {
        Self::Noise(Ddim::new(&config(), steps).expect("sampler"))
    }

    /// Four of the fifty noise levels that such a checkpoint was distilled on.
    fn lcm() -> Self {
        let root = |beta: f64| beta.sqrt();
        let beta = |t: usize| (root(0.00085) + t as f64 / 999.0 * (root(0.012) - root(0.00085))).powi(2);
        let bar = |t: usize| (0..=t).map(|t| 1.0 - beta(t)).product::<f64>();
        Self::Velocity([999, 759, 499, 259].map(|t| (t as f64, bar(t).sqrt(), (1.0 - bar(t)).sqrt())).to_vec())
    }

    fn timesteps(&self) -> Vec<f32> {
        match self {
            Self::Noise(ddim) => ddim.timesteps().to_vec(),
            Self::Velocity(levels) => levels.iter().map(|level| level.0 as f32).collect(),
        }
    }

    fn add_noise(&self, i: usize, clean: f32, noise: f32) -> f32 {
        match self {
            Self::Noise(ddim) => ddim.add_noise(i, clean, noise),
            Self::Velocity(levels) => (levels[i].1 * f64::from(clean) + levels[i].2 * f64::from(noise)) as f32,
        }
    }

    /// The fusable form of a prediction: noise as it is, a velocity as the clean latent it means at `x`.
    fn fusable(&self, i: usize, x: f32, prediction: f64) -> f64 {
        match self {
            Self::Noise(_) => prediction,
            Self::Velocity(levels) => levels[i].1 * f64::from(x) - levels[i].2 * prediction,
        }
    }

    fn step(&mut self, i: usize, latent: &mut [f32], fused: &[f32], fresh: impl Fn() -> Vec<f32>) {
        match self {
            Self::Noise(ddim) => ddim.step(i, latent, fused, &[]),
            Self::Velocity(levels) => {
                let scaled = 10.0 * levels[i].0;
                let (skip, out) = (0.25 / (scaled * scaled + 0.25), scaled / (scaled * scaled + 0.25).sqrt());
                let fresh = fresh();
                for (j, x) in latent.iter_mut().enumerate() {
                    let clean = skip * f64::from(*x) + out * f64::from(fused[j]);
                    *x = match levels.get(i + 1) {
                        Some((_, signal, noise)) => (signal * clean + noise * f64::from(fresh[j])) as f32,
                        None => clean as f32,
                    };
                }
            }
        }
    }
}

/// The whole process cell by cell, one network call at a time, with nothing shared, skipped or batched; sums in f64.
fn naive(painting: &Painting, mut sampler: Naive) -> Vec<f32> {
    let &Painting { height, width, .. } = painting;
    let cells = height * width;
    let timesteps = sampler.timesteps();
    let mut toy = Toy::of(painting);
    let beside = painting.conditions.as_ref().map_or(&[][..], |c| &c.data);

    // Each seed's own canvas of noise, mixed by share of variance.
    let masks: Vec<Vec<f32>> = painting.parts.iter().map(|p| p.mask.cells()).collect();
    let mixed = |draw: &dyn Fn(u64) -> Vec<f32>| -> Vec<f32> {
        let own: Vec<Vec<f32>> = painting.parts.iter().map(|p| draw(p.seed)).collect();
        let at = |i: usize| {
            let all: f64 = masks.iter().map(|m| f64::from(m[i % cells])).sum();
            let mut shares: Vec<(u64, f64, f32)> = Vec::new();
            for ((part, mask), own) in painting.parts.iter().zip(&masks).zip(&own) {
                let share = f64::from(mask[i % cells]) / all;
                match shares.iter_mut().find(|(seed, ..)| *seed == part.seed) {
                    Some((_, sum, _)) => *sum += share,
                    None => shares.push((part.seed, share, own[i])),
                }
            }
            shares.iter().map(|(_, share, own)| share.sqrt() * f64::from(*own)).sum::<f64>() as f32
        };
        (0..4 * cells).map(at).collect()
    };
    let noise = mixed(&|seed| TorchRandom::new(seed).randn(4 * cells));
    let mut latent = noise.clone();

    for (i, &timestep) in timesteps.iter().enumerate() {
        let (mut value, mut weight) = (vec![0.0_f64; 4 * cells], vec![0.0_f64; cells]);
        for (index, window) in painting.windows().into_iter().enumerate() {
            let (h, w) = (window.height, window.width);
            // Where value (row, column) of the window lies on the canvas.
            let place = |j: usize| ((window.y + j / w) % height) * width + (window.x + j % w) % width;
            for (k, part) in painting.parts.iter().enumerate() {
                let mask = painting.mask(k, i).cells();
                let here: Vec<f32> = (0..h * w).map(|j| mask[place(j)]).collect();
                if here.iter().all(|m| *m == 0.0) {
                    continue;
                }
                let mut input = Planes::zeros(1, 4 + beside.len() / cells, h, w);
                let bootstraps = i < part.bootstrap_steps && here.iter().any(|m| *m != 1.0);
                let mut shift = (0, 0);
                let mut colour = [0.0_f32; 3];
                if bootstraps {
                    colour = match painting.surround {
                        Surround::WhiteCentred => {
                            let inside = |j: &usize| here[*j] > 0.0;
                            let rows: Vec<usize> = (0..h * w).filter(inside).map(|j| j / w).collect();
                            let columns: Vec<usize> = (0..h * w).filter(inside).map(|j| j % w).collect();
                            let middle = |v: &[usize]| (v.iter().min().unwrap() + v.iter().max().unwrap() + 1) as i64;
                            let to = |side: usize, middle: i64| (side as i64 - middle).div_euclid(2);
                            shift = (to(h, middle(&rows)), to(w, middle(&columns)));
                            [1.0; 3]
                        }
                        Surround::RandomColours => {
                            let key = [part.seed, 1, i as u64, index as u64, k as u64];
                            let most = painting.parts.iter().map(|p| p.bootstrap_steps).max().unwrap() as u64;
                            let choice = keyed(&key) % most;
                            [0, 1, 2].map(|c| keyed_uniform(&[painting.seed, 2, choice, c]))
                        }
                    };
                }
                for (j, x) in input.data.iter_mut().enumerate() {
                    let (c, cell) = (j / (h * w), j % (h * w));
                    // What moves by the shift comes from where it was.
                    let (y, x0) = ((cell / w) as i64 - shift.0, (cell % w) as i64 - shift.1);
                    let from = y.rem_euclid(h as i64) as usize * w + x0.rem_euclid(w as i64) as usize;
                    if c >= 4 {
                        *x = beside[(c - 4) * cells + place(from)];
                        continue;
                    }
                    *x = latent[c * cells + place(from)];
                    if bootstraps {
                        let clean = (2.0 * colour[c % 3] - 1.0) * 0.8;
                        let noised = sampler.add_noise(i, clean, noise[c * cells + place(from)]);
                        *x = here[from] * *x + (1.0 - here[from]) * noised;
                    }
                }
                let mut ask = |prompt| {
                    toy.predict(&input, timestep, &[Call { input: 0, prompt, place: None }]).expect("predicts").data
                };
                let (conditional, unconditional) = (ask(part.prompt.terms[0].1.at(0)), ask(part.negative.at(0)));
                for (j, (c, u)) in conditional.iter().zip(unconditional).enumerate() {
                    let (plane, cell) = (j / (h * w), j % (h * w));
                    let (y, x) = ((cell / w) as i64 - shift.0, (cell % w) as i64 - shift.1);
                    let to = y.rem_euclid(h as i64) as usize * w + x.rem_euclid(w as i64) as usize;
                    let tent = |at: usize, side: usize| (at + 1).min(side - at) as f64;
                    let count = match painting.window_weights {
                        WindowWeights::Uniform => 1.0,
                        WindowWeights::Tent => tent(to / w, h) * tent(to % w, w),
                    };
                    let share = f64::from(here[to]) * f64::from(part.weight) * count;
                    let prediction = sampler.fusable(i, input.data[j], f64::from(u + part.guidance * (c - u)));
                    value[plane * cells + place(to)] += share * prediction;
                    if plane == 0 {
                        weight[place(to)] += share;
                    }
                }
            }
        }
        let fused: Vec<f32> = value.iter().enumerate().map(|(i, v)| (v / weight[i % cells]) as f32).collect();
        sampler.step(i, &mut latent, &fused, || mixed(&|seed| keyed_normals(seed, i, 4, height, width)));
    }
    latent
}

/// The painting with soft edges, whose regions have guidance, seeds and weights of their own.
fn rich() -> Painting {
    let mut p = painting();
    let (height, width) = (p.height, p.width);
    let mut masks: Vec<Vec<f32>> = p.parts.iter().map(|part| part.mask.cells()).collect();
    for y in 0..height {
        for x in 0..width {
            let m = (x as f32 / width as f32).min(1.0 - masks[3][y * width + x]) * masks[2][y * width + x];
            let i = y * width + x;
            masks[2][i] = m;
            masks[0][i] = 1.0 - masks[1][i] - m - masks[3][i];
        }
    }
    set_masks(&mut p, &masks);
    for (k, part) in p.parts.iter_mut().enumerate() {
        part.weight = [1.0, 0.3, 2.5, 1.0][k];
        part.guidance = [5.0, 1.0, 3.0, 5.0][k];
        part.bootstrap_steps = [0, 2, 3, 0][k];
        part.seed = [3, 3, 11, 12][k];
        part.negative = PromptId([0, 0, 1, 0][k]).into();
    }
    // Region 1 ends after the third step, region 3 starts at the fifth: the background has their places meanwhile.
    let without = |k: &[usize]| {
        let mut masks = masks.clone();
        for &k in k {
            let gone = std::mem::replace(&mut masks[k], vec![0.0; height * width]);
            masks[0].iter_mut().zip(gone).for_each(|(background, m)| *background += m);
        }
        masks.iter().map(|mask| LatentMask::new(height, width, mask)).collect()
    };
    p.layouts = vec![
        Layout { from: 0, masks: without(&[3]) },
        Layout { from: 3, masks: without(&[1, 3]) },
        Layout { from: 4, masks: without(&[1]) },
    ];
    p
}

/// Five planes for an inpainting UNet that differ at every cell.
fn conditions(p: &Painting) -> Planes {
    let mut planes = Planes::zeros(1, 5, p.height, p.width);
    planes.data.iter_mut().enumerate().for_each(|(i, v)| *v = (i as f32 * 0.71).sin());
    planes
}

/// The name of a case, and the change that makes it.
type Change<'a> = (&'a str, fn(&mut Painting));

#[test]
fn every_way_to_fuse_is_the_naive_loop() {
    let cases: [Change<'_>; 9] = [
        ("plain", |_| ()),
        ("tent", |p| p.window_weights = WindowWeights::Tent),
        ("wrapped", |p| p.wrap = (true, true)),
        ("wrapped, off stride", |p| (p.wrap, p.stride) = ((true, false), 5)),
        ("wrapped, shorter than a window", |p| (p.wrap, p.window, p.stride) = ((true, true), 32, 7)),
        ("one window larger than the canvas", |p| p.window = 40),
        ("white and tent", |p| {
            (p.surround, p.window_weights, p.wrap) = (Surround::WhiteCentred, WindowWeights::Tent, (true, false));
        }),
        ("nine planes", |p| p.conditions = Some(conditions(p))),
        ("nine planes, white, wrapped", |p| {
            (p.surround, p.wrap, p.conditions) = (Surround::WhiteCentred, (true, true), Some(conditions(p)));
        }),
    ];
    let mut seen: Vec<Vec<f32>> = Vec::new();
    for (name, change) in cases {
        let mut p = rich();
        change(&mut p);
        let painted =
            paint(&p, &mut Ddim::new(&config(), 6).expect("sampler"), &mut Toy::of(&p), &mut ()).expect("paints");
        assert_close(name, &painted.latent.data, &naive(&p, Naive::ddim(6)), 1e-5);
        assert_eq!(p.unet_samples(&p.windows(), 0..6), painted.unet_samples, "{name}: the count told before");
        for other in &seen {
            assert!(relative_l2(&painted.latent.data, other) > 1e-4, "{name} is no case of its own");
        }
        seen.push(painted.latent.data);
    }
}

#[test]
fn four_steps_of_lcm_with_regions_that_bootstrap_are_the_naive_loop() {
    let velocity = serde_json::json!({
        "_class_name": "LCMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "prediction_type": "v_prediction", "clip_sample": false, "original_inference_steps": 50, "timestep_scaling": 10.0
    });
    let velocity = SchedulerConfig::from_json(&velocity).expect("config");
    let cases: [Change<'_>; 5] = [
        ("two of four steps", |_| ()),
        ("white", |p| p.surround = Surround::WhiteCentred),
        ("white, tent and wrapped", |p| {
            (p.surround, p.window_weights, p.wrap) = (Surround::WhiteCentred, WindowWeights::Tent, (true, true));
        }),
        ("all four steps", |p| p.parts.iter_mut().skip(1).for_each(|part| part.bootstrap_steps = 4)),
        ("none", |p| p.parts.iter_mut().for_each(|part| part.bootstrap_steps = 0)),
    ];
    let mut seen: Vec<Vec<f32>> = Vec::new();
    for (name, change) in cases {
        let mut p = rich();
        for (part, bootstrap_steps) in p.parts.iter_mut().zip([0, 2, 2, 1]) {
            (part.bootstrap_steps, part.guidance) = (bootstrap_steps, 1.0);
        }
        // The spans of regions end and begin within the four steps.
        p.layouts.iter_mut().zip([0, 2, 3]).for_each(|(layout, from)| layout.from = from);
        change(&mut p);
        let mut sampler = Lcm::new(&velocity, 4).expect("sampler");
        let painted = paint(&p, &mut sampler, &mut Toy::of(&p), &mut ()).expect("paints");
        assert_close(name, &painted.latent.data, &naive(&p, Naive::lcm()), 1e-5);
        assert_eq!(p.unet_samples(&p.windows(), 0..4), painted.unet_samples, "{name}: the count told before");
        for other in &seen {
            assert!(relative_l2(&painted.latent.data, other) > 1e-4, "{name} is no case of its own");
        }
        seen.push(painted.latent.data);
    }
}

/// Answers as if it were guided by prompt 0 with scale 5 in these calls.
struct GuidesItself(Toy, std::ops::Range<usize>);

impl Network for GuidesItself {
    fn latent_channels(&self) -> usize {
        4
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        let guided = self.1.contains(&self.0.calls);
        let mut own = self.0.predict(inputs, timestep, calls)?;
        if guided {
            let negative: Vec<Call> = calls.iter().map(|call| Call { prompt: PromptId(0), ..*call }).collect();
            let negative = Toy::new().predict(inputs, timestep, &negative)?;
            own.data.iter_mut().zip(&negative.data).for_each(|(c, u)| *c = u + 5.0 * (*c - u));
        }
        Ok(own)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        self.0.encode(pictures)
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        self.0.decode(latents)
    }
}

#[test]
fn guidance_counts_in_its_steps_only() {
    for hold in [Hold::MultiDiffusion, Hold::Attention] {
        let mut painting = Painting { guided_steps: 1..3, hold, ..common::painting::plain(16, 16, 3) };
        (painting.parts[0].prompt, painting.parts[0].negative) = (PromptId(1).into(), PromptId(0).into());
        painting.parts[0].guidance = 5.0;
        let alone = Painting { guided_steps: 0..0, hold: Hold::MultiDiffusion, ..painting.clone() };
        // Heun's method calls twice for every step but the last.
        let ddim: Box<dyn Sampler> = Box::new(Ddim::new(&config(), 4).expect("sampler"));
        let heun: Box<dyn Sampler> = Box::new(Heun::new(&config(), 4).expect("sampler"));
        for (mut sampler, guided, samples) in [(ddim, 1..3, 1 + 2 + 2 + 1), (heun, 2..6, 2 + 4 + 4 + 1)] {
            let found = paint(&painting, &mut *sampler, &mut Toy::new(), &mut ()).expect("paints");
            let steps = (0..sampler.timesteps().len()).map(|i| sampler.step_of(i));
            assert_eq!((found.unet_samples, painting.unet_samples(&painting.windows(), steps)), (samples, samples));
            let mut network = GuidesItself(Toy::new(), guided);
            let expected = paint(&alone, &mut *sampler, &mut network, &mut ()).expect("paints");
            assert_eq!(expected.unet_samples, sampler.timesteps().len());
            assert_close("guided by itself", &found.latent.data, &expected.latent.data, 1e-5);
        }
    }
}

#[test]
fn each_setting_of_a_region_matters() {
    let run = |p: &Painting| {
        paint(p, &mut Ddim::new(&config(), 6).expect("sampler"), &mut Toy::new(), &mut ()).expect("paints").latent.data
    };
    let base = run(&rich());
    let changes: [Change<'_>; 6] = [
        ("weight", |p| p.parts[2].weight = 1.0),
        ("guidance", |p| p.parts[2].guidance = 4.0),
        ("negative", |p| p.parts[2].negative = PromptId(0).into()),
        ("seed", |p| p.parts[2].seed = 13),
        ("bootstrap", |p| p.parts[2].bootstrap_steps = 1),
        ("span", |p| p.layouts[1].from = 2),
    ];
    for (name, change) in changes {
        let mut p = rich();
        change(&mut p);
        assert!(relative_l2(&run(&p), &base) > 1e-4, "{name}");
    }
}

#[test]
fn a_locked_seed_keeps_its_noise_and_soft_masks_keep_its_size() {
    let first = |p: &Painting| {
        let mut way = Way::default();
        paint(p, &mut Ddim::new(&config(), 1).expect("sampler"), &mut Toy::new(), &mut way).expect("paints");
        way.0.swap_remove(0)
    };
    let with_seed = |seed| {
        let mut p = painting();
        p.seed = seed;
        p.parts.iter_mut().for_each(|part| part.seed = seed);
        p.parts[2].seed = 99;
        p
    };
    let (a, b) = (with_seed(1), with_seed(2));
    let (noise_a, noise_b) = (first(&a), first(&b));
    let (mask, own) = (a.parts[2].mask.cells(), TorchRandom::new(99).randn(noise_a.len()));
    for (i, m) in mask.iter().cycle().take(noise_a.len()).enumerate() {
        assert_eq!(noise_a[i].to_bits() == noise_b[i].to_bits(), *m == 1.0, "{i}");
        if *m == 1.0 {
            assert_eq!(noise_a[i].to_bits(), own[i].to_bits());
        }
    }
    // Half and half: still standard normal, where an average of two noises would have half the variance.
    let mut soft = with_seed(1);
    (soft.height, soft.width) = (64, 64);
    let half = LatentMask::new(64, 64, &[0.5; 64 * 64]);
    soft.parts.truncate(2);
    soft.parts.iter_mut().for_each(|part| part.mask = half.clone());
    soft.parts[1].seed = 99;
    (soft.window, soft.stride) = (64, 64);
    let noise = first(&soft);
    let variance = noise.iter().map(|v| f64::from(v * v)).sum::<f64>() / noise.len() as f64;
    assert!((variance - 1.0).abs() < 0.05, "{variance}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Drawing a region again
// ---------------------------------------------------------------------------------------------------------------------

/// A sampler of six steps.
type NewSampler = fn() -> Box<dyn Sampler>;

#[test]
fn a_region_drawn_again_leaves_the_rest_to_the_last_bit() {
    let samplers: [(&str, NewSampler); 6] = [
        ("Euler", || Box::new(Euler::new(&config(), 6).expect("sampler"))),
        ("Euler ancestral", || Box::new(EulerAncestral::new(&config(), 6).expect("sampler"))),
        ("Heun", || Box::new(Heun::new(&config(), 6).expect("sampler"))),
        ("DPM++ 2M SDE", || Box::new(DpmSolver::new(&config(), 6, true).expect("sampler"))),
        ("UniPC", || Box::new(UniPc::new(&config(), 6).expect("sampler"))),
        ("LCM", || Box::new(Lcm::new(&config(), 6).expect("sampler"))),
    ];
    for (name, sampler) in samplers {
        for (wrap, margin, start) in [((false, false), 2, false), ((true, true), 1, false), ((false, false), 2, true)] {
            let what = format!("{name}, wrap {wrap:?}, start {start}");
            let mut p = painting();
            p.wrap = wrap;
            p.parts[1].bootstrap_steps = 3;
            // Over a picture whose right part stays; the first two steps are left out.
            p.init_latent = start.then(|| InitLatent {
                clean: Planes { channels: 4, data: TorchRandom::new(8).randn(4 * 20 * 28), ..conditions(&p) },
                from: 2,
                free: Some((0..20 * 28).map(|i| f32::from(u8::from(i % 28 < 18))).collect()),
                from_noise: false,
            });
            drawn_again(&what, &p, sampler, margin);
        }
    }
}

fn drawn_again(what: &str, p: &Painting, sampler: NewSampler, margin: usize) {
    let mut recorder = Recorder { observer: &mut (), trajectory: Some(Trajectory::default()) };
    let base = paint(p, &mut *sampler(), &mut Toy::new(), &mut recorder).expect("paints");
    let trajectory = Arc::new(recorder.trajectory.expect("a trajectory"));
    assert_eq!(trajectory.last(), Some(&base.latent));
    let evaluations = sampler().timesteps().len() - sampler().evaluation_of(p.first_step());
    assert_eq!(trajectory.evaluations(), evaluations);

    let mut again = p.clone();
    again.parts[1].seed = 77;
    let free = masks::spread(&again.parts[1].mask, margin, p.wrap);
    let kept = Kept { trajectory: Arc::clone(&trajectory), free: free.clone() };
    let mut way = Way::default();
    let painted = repaint(&again, &kept, &mut *sampler(), &mut Toy::new(), &mut way).expect("paints");
    for (evaluations, latent) in way.0.iter().enumerate() {
        let kept = &trajectory.at(evaluations).expect("a latent").data;
        for (i, free) in free.iter().cycle().take(latent.len()).enumerate() {
            let same = latent[i].to_bits() == kept[i].to_bits();
            assert!(*free > 0.0 || same, "{what}, after {evaluations}: {i}");
        }
    }
    // Inside it is another picture.
    let inside = |latent: &[f32]| -> Vec<f32> {
        let mask = again.parts[1].mask.cells();
        mask.iter().cycle().zip(latent).filter_map(|(m, v)| (*m == 1.0).then_some(*v)).collect()
    };
    let apart = relative_l2(&inside(&painted.latent.data), &inside(&base.latent.data));
    assert!(apart > 0.05, "{what}: {apart}");
    // Only the windows it lies in were asked for.
    let windows = free_windows(&again, &free);
    assert!(windows.len() < p.windows().len());
    let range = sampler().evaluation_of(p.first_step())..sampler().timesteps().len();
    let steps = range.map(|i| sampler().step_of(i));
    assert_eq!(painted.unet_samples, steps.map(|step| again.unet_samples(&windows, step..=step)).sum::<usize>());
    println!("{what}: {} UNet samples of {}", painted.unet_samples, base.unet_samples);
    assert!(painted.unet_samples * 5 < base.unet_samples * 4);

    // The same seed again is the same picture, and with everything free it is the picture from scratch.
    let nothing_new = repaint(p, &kept, &mut *sampler(), &mut Toy::new(), &mut ()).expect("paints");
    assert_close(&format!("{what}: the same seed"), &nothing_new.latent.data, &base.latent.data, 1e-6);
    let all = Kept { trajectory: Arc::clone(&trajectory), free: vec![1.0; free.len()] };
    let scratch = paint(&again, &mut *sampler(), &mut Toy::new(), &mut ()).expect("paints");
    let everything = repaint(&again, &all, &mut *sampler(), &mut Toy::new(), &mut ()).expect("paints");
    assert_close(&format!("{what}: everything free"), &everything.latent.data, &scratch.latent.data, 1e-6);
    assert!(relative_l2(&scratch.latent.data, &base.latent.data) > 1e-2);

    // What was kept of another run is refused.
    let other = repaint(&again, &kept, &mut Euler::new(&config(), 20).expect("sampler"), &mut Toy::new(), &mut ());
    assert!(other.expect_err("refused").to_string().contains("number of steps"), "{what}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Savings, cancel, size
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn each_saving_saves_what_it_says_and_nothing_else_changes() {
    let steps = 4;
    let run = |p: &Painting| {
        let painted =
            paint(p, &mut Ddim::new(&config(), steps).expect("sampler"), &mut Toy::new(), &mut ()).expect("paints");
        assert_eq!(p.unet_samples(&p.windows(), 0..steps), painted.unet_samples, "the count told before");
        painted
    };
    let compare = |what: &str, p: &Painting| {
        let (fast, slow) = (run(p), run(&Painting { savings: false, batch: 1, ..p.clone() }));
        assert_close(what, &fast.latent.data, &slow.latent.data, 1e-5);
        assert_eq!(slow.unet_samples, slow.unet_samples_reference);
        fast.unet_samples
    };
    // One window, so that counts are plain: four parts, each with words of its own and one negative for all.
    let mut p = painting();
    (p.window, p.stride) = (28, 28);
    assert_eq!(compare("one unconditional pass for all", &p), steps * (4 + 1));
    p.parts[2].negative = PromptId(1).into();
    assert_eq!(compare("a negative of its own", &p), steps * (4 + 2));
    p.parts[3].prompt = p.parts[1].prompt.clone();
    assert_eq!(compare("the same words twice", &p), steps * (3 + 2));
    p.parts.iter_mut().for_each(|part| part.guidance = 1.0);
    assert_eq!(compare("no guidance", &p), steps * 3);
    p.parts[2].guidance = 4.0;
    assert_eq!(compare("guidance of one region only", &p), steps * (3 + 1));
    p.parts[2].bootstrap_steps = 2;
    // While it bootstraps, its input is its own, and so is its unconditional pass: nothing can be shared, nothing is lost.
    assert_eq!(compare("bootstrapping", &p), steps * (3 + 1));
    p.parts[1].bootstrap_steps = 3;
    assert_eq!(compare("bootstrapping with shared words", &p), steps * (3 + 1) + 3);
    // Two windows side by side; region 1 lies in the left one only, region 3 in the right one.
    let mut p = painting();
    (p.height, p.window, p.stride) = (14, 14, 14);
    let cut: Vec<Vec<f32>> = p.parts.iter().map(|part| part.mask.cells()[..14 * 28].to_vec()).collect();
    set_masks(&mut p, &cut);
    assert_eq!(compare("empty pairs", &p), steps * ((3 + 1) + (3 + 1)));
}

#[test]
fn a_job_stopped_at_any_call_leaves_no_trace() {
    struct StopAfter(usize);
    impl Observer for StopAfter {
        fn cancelled(&mut self) -> bool {
            self.0 = self.0.saturating_sub(1);
            self.0 == 0
        }
    }
    let mut p = painting();
    p.parts[1].bootstrap_steps = 1;
    let mut toy = Toy::new();
    let fresh = paint(&p, &mut Ddim::new(&config(), 2).expect("sampler"), &mut toy, &mut ()).expect("paints");
    let calls = toy.calls;
    for stop in 1..=calls {
        let mut toy = Toy::new();
        let stopped = paint(&p, &mut Ddim::new(&config(), 2).expect("sampler"), &mut toy, &mut StopAfter(stop));
        assert!(matches!(stopped, Err(PaintError::Cancelled)));
        assert_eq!(toy.calls, stop - 1);
        let next = paint(&p, &mut Ddim::new(&config(), 2).expect("sampler"), &mut toy, &mut ()).expect("paints");
        assert_eq!(next.latent, fresh.latent);
    }
}

#[test]
fn the_largest_canvas_at_the_finest_stride_is_counted_window_by_window() {
    // 16384 × 4096 pixels: fourteen thousand windows, a hundred regions. What a window holds is found when it is its turn.
    let (height, width) = (512, 2048);
    let mut p = painting();
    (p.height, p.width, p.window, p.stride) = (height, width, 64, 8);
    let mut background = vec![1.0; height * width];
    let template = p.parts[1].clone();
    p.parts.truncate(1);
    for k in 0..100 {
        let mut mask = vec![0.0; height * width];
        let (x, y) = (k % 20 * 100, k / 20 * 100);
        for row in y..y + 10 {
            mask[row * width + x..][..10].fill(1.0);
            background[row * width + x..][..10].fill(0.0);
        }
        p.parts.push(Part {
            mask: LatentMask::new(height, width, &mask),
            prompt: PromptId(k + 20).into(),
            ..template.clone()
        });
    }
    p.parts[0].mask = LatentMask::new(height, width, &background);
    let windows = p.windows();
    assert_eq!(windows.len(), 249 * 57);
    let touched: usize = windows
        .iter()
        .map(|w| {
            let meets = |k: usize| {
                let (x, y) = (k % 20 * 100, k / 20 * 100);
                w.x < x + 10 && x < w.x + 64 && w.y < y + 10 && y < w.y + 64
            };
            (0..100).filter(|k| meets(*k)).count()
        })
        .sum();
    assert_eq!(p.unet_samples(&windows, 0..50), 50 * (2 * windows.len() + touched));
}

/// A network whose answer to prompt 99 is u + Σ wᵢ·(cᵢ − u), from another's answers to the negative prompt 0 and to prompts 10 and 12. It
/// keeps the prompts that it is asked for, by timestep.
struct Composed {
    toy: Toy,
    asked: Vec<(f32, usize)>,
}

const WEIGHTS: [(f32, usize); 2] = [(1.0, 10), (-0.5, 12)];

impl Network for Composed {
    fn latent_channels(&self) -> usize {
        4
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        self.asked.extend(calls.iter().map(|call| (timestep, call.prompt.0)));
        let mut out = self.toy.predict(inputs, timestep, calls)?;
        for (n, call) in calls.iter().enumerate().filter(|(_, call)| call.prompt.0 == 99) {
            let mut of = |prompt| self.toy.predict(inputs, timestep, &[Call { prompt: PromptId(prompt), ..*call }]);
            let negative = of(0)?;
            let image = out.image_mut(n);
            image.copy_from_slice(&negative.data);
            for (weight, prompt) in WEIGHTS {
                let own = of(prompt)?;
                image.iter_mut().zip(&own.data).zip(&negative.data).for_each(|((v, c), u)| *v += weight * (c - u));
            }
        }
        Ok(out)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        self.toy.encode(pictures)
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        self.toy.decode(latents)
    }
}

#[test]
fn joined_prompts_add_their_differences() {
    let run = |prompt: Prompt, guidance: f32| {
        let mut painting = painting();
        painting.parts[1].prompt = prompt;
        painting.parts[1].guidance = guidance;
        let mut network = Composed { toy: Toy::new(), asked: Vec::new() };
        paint(&painting, &mut Ddim::new(&config(), 6).expect("sampler"), &mut network, &mut ())
            .expect("paints")
            .latent
            .data
    };
    let joined = Prompt { terms: WEIGHTS.map(|(weight, prompt)| (weight, PromptId(prompt).into())).to_vec() };
    for guidance in [5.0, 1.0] {
        assert_close("joined", &run(joined.clone(), guidance), &run(PromptId(99).into(), guidance), 1e-5);
    }
    assert!(run(joined, 5.0) != run(PromptId(10).into(), 5.0));
}

#[test]
fn a_prompt_that_changes_is_asked_for_at_its_steps() {
    let mut painting = painting();
    painting.parts[1].prompt = Changing::new(PromptId(11), vec![(2, PromptId(50)), (4, PromptId(11))]).into();
    painting.parts[1].negative = Changing::new(PromptId(0), vec![(3, PromptId(60))]);
    let mut network = Composed { toy: Toy::new(), asked: Vec::new() };
    let mut sampler = Ddim::new(&config(), 6).expect("sampler");
    let timesteps = sampler.timesteps().to_vec();
    let painted = paint(&painting, &mut sampler, &mut network, &mut ()).expect("paints");
    for (step, timestep) in timesteps.iter().enumerate() {
        let asked = |prompt| network.asked.iter().any(|(at, asked)| at == timestep && *asked == prompt);
        assert_eq!(asked(11), ![2, 3].contains(&step), "step {step}");
        assert_eq!(asked(50), [2, 3].contains(&step), "step {step}");
        assert_eq!(asked(60), step >= 3, "step {step}");
    }
    assert_eq!(painting.unet_samples(&painting.windows(), 0..6), painted.unet_samples, "the estimate knows of it");
}
