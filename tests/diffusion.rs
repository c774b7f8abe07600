//! The engine against independent truth: torch's random numbers, diffusers' schedulers, and a naive loop on toy networks.

mod common;

use common::{Goldens, assert_close, goldens, relative_l2};
use polyptych::diffusion::random::TorchRandom;
use polyptych::diffusion::{
    Ddim, Euler, Moments, Network, NetworkError, Observer, PaintError, Painting, Part, Planes, PromptId, Sampler,
    SchedulerConfig, paint, paint_reference,
};

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

/// A network whose prediction depends on place, words and time, as a real one's does, in a handful of operations.
struct Toy {
    calls: usize,
    largest_batch: usize,
}

impl Toy {
    fn new() -> Self {
        Self { calls: 0, largest_batch: 0 }
    }
}

impl Network for Toy {
    fn predict(&mut self, latents: &Planes, timestep: f32, prompts: &[PromptId]) -> Result<Planes, NetworkError> {
        self.calls += 1;
        self.largest_batch = self.largest_batch.max(prompts.len());
        let mut out = latents.clone();
        for (n, prompt) in prompts.iter().enumerate() {
            let image = latents.image(n);
            let mean = image.iter().sum::<f32>() / image.len() as f32;
            for (i, v) in out.image_mut(n).iter_mut().enumerate() {
                let phase = (i % 7) as f32 * 0.3 + prompt.0 as f32 + timestep * 0.002;
                *v = 0.6 * *v + 0.4 * phase.sin() + 0.2 * mean;
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
        mask,
        prompt: PromptId(10 + k),
        negative: PromptId(0),
        bootstrap_steps: 0,
    });
    Painting {
        height,
        width,
        parts: parts.collect(),
        guidance: 5.0,
        seed: 3,
        window: 12,
        stride: 4,
        wrap: (false, false),
        factor: 8,
        batch: 5,
        savings: true,
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
    with.parts[2].negative = PromptId(1);
    for i in 0..with.width {
        let m = i as f32 / with.width as f32;
        let row = 7 * with.width + i;
        with.parts[1].mask[row] = m;
        with.parts[0].mask[row] = 1.0 - m;
        with.parts[2].mask[row] = 0.0;
    }
    let without = Painting { savings: false, batch: 1, ..with.clone() };
    for guidance in [1.0, 4.0] {
        let run = |painting: &Painting| {
            let painting = Painting { guidance, ..painting.clone() };
            paint(&painting, &mut Euler::new(&config(), 8).expect("sampler"), &mut Toy::new(), &mut ()).expect("paints")
        };
        let (fast, slow) = (run(&with), run(&without));
        assert_close("savings", &fast.latent.data, &slow.latent.data, 1e-5);
        assert_eq!(slow.unet_samples, slow.unet_samples_reference);
        assert!(fast.unet_samples * 4 < slow.unet_samples * 3, "{} of {}", fast.unet_samples, slow.unet_samples);
    }
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
        fn predict(&mut self, latents: &Planes, _t: f32, _p: &[PromptId]) -> Result<Planes, NetworkError> {
            Ok(Planes { data: latents.data.iter().map(|v| (v * 2.0).sin()).collect(), ..latents.clone() })
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
    assert!(refused(&|p| p.guidance = f32::NAN).contains("guidance"));
    assert!(refused(&|p| p.stride = 0).contains("stride"));
    assert!(refused(&|p| p.stride = 13).contains("gaps"));
    assert!(refused(&|p| p.parts.clear()).contains("nothing to paint"));
    assert!(
        refused(&|p| {
            p.parts[0].mask.pop();
        })
        .contains("mask")
    );
    for steps in [0, 1001] {
        assert!(Ddim::new(&config(), steps).expect_err("refused").to_string().contains("steps"));
        assert!(Euler::new(&config(), steps).is_err());
    }
}

#[test]
fn a_picture_of_nan_is_an_error_not_a_black_picture() {
    struct Broken;
    impl Network for Broken {
        fn predict(&mut self, latents: &Planes, _t: f32, _p: &[PromptId]) -> Result<Planes, NetworkError> {
            Ok(Planes { data: vec![f32::NAN; latents.data.len()], ..latents.clone() })
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
