//! Samplers against diffusers on the same noise (see tests/goldens), and the effect of stepping window by window.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::painting::{part, plain};
use common::{Goldens, assert_close, goldens, one_window, relative_l2, sampler};
use polyptych::checkpoint::Device;
use polyptych::diffusion::masks::LatentMask;
use polyptych::diffusion::random::{TorchRandom, keyed_normals};
use polyptych::diffusion::{
    Call, Heun, Moments, Network, NetworkError, Observer, Painting, Planes, PredictionType, PromptId, Sampler,
    Schedule, SchedulerConfig, paint,
};
use polyptych::document;
use polyptych::studio::{Estimate, Facts, Options, draw, load};
use std::f64::consts::FRAC_PI_2;

const NAMES: [&str; 8] = ["ddim", "euler", "euler-a", "heun", "dpmpp-2m", "dpmpp-2m-sde", "unipc", "lcm"];

fn schedule(name: &str) -> Schedule {
    match name {
        "normal" => Schedule::Normal,
        "karras" => Schedule::Karras,
        "exponential" => Schedule::Exponential,
        "trailing" => Schedule::Trailing,
        "sgm" => Schedule::SgmUniform,
        other => panic!("no schedule {other}"),
    }
}

/// A network that is a function of the latent, the timestep and the prompt; it neither encodes nor decodes.
struct Formula<F>(F);

impl<F: FnMut(&[f32], f64, PromptId) -> Vec<f32>> Network for Formula<F> {
    fn latent_channels(&self) -> usize {
        4
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        let mut out = Planes::zeros(calls.len(), 4, inputs.height, inputs.width);
        for (n, &Call { input, prompt, .. }) in calls.iter().enumerate() {
            out.image_mut(n).copy_from_slice(&(self.0)(inputs.image(input), f64::from(timestep), prompt));
        }
        Ok(out)
    }

    fn encode(&mut self, _: &Planes) -> Result<Moments, NetworkError> {
        Err("not needed".into())
    }

    fn decode(&mut self, _: &Planes) -> Result<Planes, NetworkError> {
        Err("not needed".into())
    }
}

/// The formula of tests/goldens/make_sampler_goldens.py.
fn toy(x: &[f32], t: f64, kind: PredictionType) -> Vec<f32> {
    let (b, a) = (FRAC_PI_2 * (t + 1.0) / 1001.0).sin_cos();
    let value = |(j, x): (usize, &f32)| {
        let (j, x) = (j as f64, f64::from(*x));
        let mean = 0.8 * (1.7 * j + 0.3).sin();
        let gain = a * 0.09 / (a * a * 0.09 + b * b);
        let clean = mean + gain * (x - a * mean) + 0.1 * b * (3.0 * x + j).sin();
        let epsilon = (x - a * clean) / b;
        (match kind {
            PredictionType::Epsilon => epsilon,
            PredictionType::VPrediction => a * epsilon - b * clean,
            PredictionType::Sample => clean,
            PredictionType::Flow => epsilon - clean,
        }) as f32
    };
    x.iter().enumerate().map(value).collect()
}

#[test]
fn noise_by_key_is_the_golden_script_s() {
    let golden = Goldens::open("samplers.safetensors");
    let found: Vec<f32> = (0..3).flat_map(|evaluation| keyed_normals(11, evaluation, 4, 2, 4)).collect();
    assert_close("noise", &found, &golden.get("noise").data, 1e-6);
    // And it is standard normal.
    let many = keyed_normals(5, 0, 4, 128, 128);
    let n = many.len() as f64;
    let moment = |p: i32| many.iter().map(|v| f64::from(*v).powi(p)).sum::<f64>() / n;
    assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02 && (moment(4) - 3.0).abs() < 0.1);
}

#[test]
fn every_sampler_schedule_and_prediction_is_diffusers() {
    let golden = Goldens::open("samplers.safetensors");
    let text = std::fs::read_to_string(goldens().join("samplers.json")).expect("samplers.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let mut worst: (f64, String) = (0.0, String::new());
    let mut runs = 0;
    let mut seen = std::collections::BTreeSet::new();
    for (index, case) in cases.iter().enumerate() {
        let text = |key: &str| case[key].as_str().expect(key);
        let config = SchedulerConfig::from_json(&case["config"]).expect("a config");
        let config = config.with_schedule(schedule(text("schedule")));
        seen.insert((text("sampler").to_owned(), text("schedule").to_owned()));
        let latents = golden.get(&format!("{index}.latents"));
        let times = golden.tensors.get(&format!("{index}.timesteps"));
        let mut at = 0;
        for (row, steps) in case["steps"].as_array().expect("steps").iter().enumerate() {
            let steps = steps.as_u64().expect("a number") as usize;
            let what = format!("{} {} of {steps} with {}", text("sampler"), text("schedule"), case["config"]);
            let mut sampler = sampler(text("sampler"), &config, steps).expect(&what);
            assert_eq!(sampler.steps(), steps, "{what}");
            if let Some(times) = times {
                let expected = &times.data[at..at + sampler.timesteps().len()];
                at += expected.len();
                for (found, expected) in sampler.timesteps().iter().zip(expected) {
                    assert!((found - expected).abs() < 2e-3, "{what}: {found} instead of {expected}");
                }
            }
            let mut network = Formula(|x: &[f32], t, _| toy(x, t, config.prediction_type));
            let painted = paint(&plain(2, 4, 11), &mut *sampler, &mut network, &mut ()).expect(&what);
            let error = relative_l2(&painted.latent.data, &latents.data[row * 32..(row + 1) * 32]);
            assert!(error < 1e-4, "{what}: relative L2 {error:.3e}");
            runs += 1;
            if error > worst.0 {
                worst = (error, what);
            }
        }
    }
    println!("{runs} runs, the worst relative L2 {:.2e}: {}", worst.0, worst.1);
    assert_eq!(seen.len(), 7 * 5 + 1, "every sampler with every schedule, LCM with its own");
}

#[test]
fn pictures_of_the_checkpoints_are_diffusers_with_every_sampler() {
    for name in ["eps", "vpred"] {
        let golden = Goldens::open(&format!("{name}_samplers.safetensors"));
        let folder = goldens().join(name);
        let (mut model, _) = load(folder.to_str().expect("a path"), Device::Cpu, &[]).expect("loads");
        let mut document = one_window(&golden.json("parameters"));
        for sampler in document::Sampler::ALL {
            for schedule in [document::Schedule::Normal, document::Schedule::Karras] {
                document.settings.sampler = sampler;
                document.settings.schedule = schedule;
                let what = format!("{name} {} {}", sampler.name(), schedule.name());
                let drawn = draw(&document, &mut model, &Options::default(), &mut ());
                if !sampler.follows(schedule) {
                    let error = drawn.expect_err(&what).to_string();
                    assert!(error.contains("choose the schedule normal"), "{error}");
                    continue;
                }
                let drawn = drawn.expect(&what);
                let expected = &golden.get(&format!("{}.{}", sampler.name(), schedule.name())).data;
                assert_close(&what, &drawn.latent.data, expected, 1e-4);
                let told = Estimate::of(&document, Facts::new(16, 8)).expect("a cost").unet_samples;
                assert_eq!(told, drawn.unet_samples, "{what}: the cost told before is the cost");
            }
        }
    }
}

fn config() -> SchedulerConfig {
    let json = serde_json::json!({
        "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "steps_offset": 1, "set_alpha_to_one": false, "clip_sample": false
    });
    SchedulerConfig::from_json(&json).expect("config")
}

/// Standard deviation of the pictures of each prompt of [`exact`].
const SPREAD: f64 = 0.1;

/// Mean of the pictures of a prompt.
fn centre(prompt: PromptId) -> f64 {
    [0.9, -0.7, 0.2, -1.4][prompt.0]
}

/// The exact denoiser of data that is normal about a prompt's centre in every pixel: E[x₀ | x] by Bayes' rule.
fn exact(config: &SchedulerConfig) -> impl FnMut(&[f32], f64, PromptId) -> Vec<f32> {
    let bar = config.alphas_cumprod();
    move |x, t, prompt| {
        let log_snr = |i: usize| (f64::from(bar[i]) / (1.0 - f64::from(bar[i]))).ln();
        let low = (t.floor() as usize).min(bar.len() - 2);
        let snr = (log_snr(low) + (log_snr(low + 1) - log_snr(low)) * (t - low as f64)).exp();
        let (signal, noise) = ((snr / (1.0 + snr)).sqrt(), (1.0 / (1.0 + snr)).sqrt());
        let gain = signal * SPREAD.powi(2) / ((signal * SPREAD).powi(2) + noise * noise);
        let epsilon = |x: &f32| {
            let clean = centre(prompt) + gain * (f64::from(*x) - signal * centre(prompt));
            ((f64::from(*x) - signal * clean) / noise) as f32
        };
        x.iter().map(epsilon).collect()
    }
}

/// A background and three regions on a 20 × 28 latent, with many windows.
fn patchwork() -> Painting {
    let (height, width) = (20, 28);
    let areas = [(0, 0, 9, 9), (10, 4, 20, 14), (22, 9, 28, 20)];
    let owner = |i: usize| {
        let (x, y) = (i % width, i / width);
        let inside =
            |(x0, y0, x1, y1): &(usize, usize, usize, usize)| (*x0..*x1).contains(&x) && (*y0..*y1).contains(&y);
        areas.iter().position(inside).map_or(0, |k| k + 1)
    };
    let mask = |k: usize| (0..height * width).map(|i| f32::from(u8::from(owner(i) == k))).collect();
    let masks: Vec<Vec<f32>> = (0..4).map(mask).collect();
    let parts = masks.iter().enumerate().map(|(k, mask)| part(k, LatentMask::new(height, width, mask), 3)).collect();
    Painting { height, width, parts, window: 12, stride: 4, ..plain(height, width, 3) }
}

/// Mean and standard deviation of the distance from the mean of the prompt at each pixel.
fn off_centre(painting: &Painting, latent: &[f32]) -> (f64, f64) {
    let area = painting.height * painting.width;
    let shown = |i: usize| {
        painting.parts.iter().find(|p| p.mask.cells()[i % area] == 1.0).expect("covered").prompt.terms[0].1.at(0)
    };
    let off: Vec<f64> = latent.iter().enumerate().map(|(i, v)| f64::from(*v) - centre(shown(i))).collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    (mean, (off.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / off.len() as f64).sqrt())
}

/// The wrong way: every window's copy of every part is stepped, by the same sampler and with noise of its own, and the
/// stepped latents are averaged. Hard masks only.
fn stepped_by_window(painting: &Painting, sampler: &mut dyn Sampler, network: &mut dyn Network) -> Vec<f32> {
    let (height, width) = (painting.height, painting.width);
    let area = height * width;
    let start = TorchRandom::new(painting.seed).randn(4 * area);
    let scaled = start.iter().map(|v| v * sampler.initial_scale()).collect();
    let mut latent = Planes { count: 1, channels: 4, height, width, data: scaled };
    for i in 0..sampler.timesteps().len() {
        let (mut value, mut count) = (vec![0.0; 4 * area], vec![0.0; area]);
        for (w, window) in painting.windows().into_iter().enumerate() {
            for (k, part) in painting.parts.iter().enumerate() {
                let mask = window.crop_plane(&part.mask.cells(), height, width);
                let mut copy = Planes::zeros(1, 4, window.height, window.width);
                window.crop(&latent, &mut copy.data);
                let mut input = copy.clone();
                input.data.iter_mut().for_each(|v| *v *= sampler.input_scale(i));
                let mut prediction = network
                    .predict(
                        &input,
                        sampler.timesteps()[i],
                        &[Call { input: 0, prompt: part.prompt.terms[0].1.at(0), place: None }],
                    )
                    .expect("predicts")
                    .data;
                sampler.fusable(i, &copy.data, &mut prediction);
                let seed = (w * 10 + k) as u64;
                let noise = keyed_normals(seed, i, 4, window.height, window.width);
                let noise = if sampler.noise(i) { noise } else { Vec::new() };
                sampler.step(i, &mut copy.data, &prediction, &noise);
                window.for_each_run(height, width, |from, to, n| {
                    for j in 0..n {
                        count[to + j] += mask[from + j];
                        for c in 0..4 {
                            value[c * area + to + j] += mask[from + j] * copy.data[c * window.area() + from + j];
                        }
                    }
                });
            }
        }
        for (j, out) in latent.data.iter_mut().enumerate() {
            *out = value[j] / count[j % area];
        }
    }
    latent.data
}

#[test]
fn every_sampler_is_clean_with_regions_and_windows_and_stepping_per_window_is_not() {
    let painting = patchwork();
    let whole = Painting { window: 28, ..painting.clone() };
    for name in NAMES {
        // Many small steps at low noise, so that what is off comes from fusing and not from few steps.
        let (schedule, steps) = if name == "lcm" { (Schedule::Normal, 8) } else { (Schedule::Karras, 40) };
        let config = config().with_schedule(schedule);
        let sampler = || sampler(name, &config, steps).expect(name);
        let network = || Formula(exact(&config));
        let right = paint(&painting, &mut *sampler(), &mut network(), &mut ()).expect(name).latent.data;
        // The denoiser looks at one pixel, so windows must not show: the same as one window over everything.
        let single = paint(&whole, &mut *sampler(), &mut network(), &mut ()).expect(name).latent.data;
        assert_close(&format!("{name}: windows against one window"), &right, &single, 1e-5);
        let (mean, spread) = off_centre(&painting, &right);
        println!("{name}: mean {mean:+.4}, spread {spread:.4} of {SPREAD}");
        assert!(mean.abs() < 0.01, "{name}: every region has its own picture, off by {mean}");
        // LCM's last step is the mean over all pictures that fit, so it spreads less.
        let expected = if name == "lcm" { 0.01..0.12 } else { 0.08..0.12 };
        assert!(expected.contains(&spread), "{name}: pictures spread by {spread}");

        let wrong = stepped_by_window(&painting, &mut *sampler(), &mut network());
        let error = relative_l2(&wrong, &single);
        println!("{name}: stepped by window, relative L2 {error:.2e}");
        match name {
            // Affine in one prediction, without a past: averaging before or after the step is the same.
            "ddim" | "euler" => assert!(error < 1e-5, "{name}: {error}"),
            _ => {
                let (wrong_mean, wrong_spread) = off_centre(&painting, &wrong);
                println!("{name}: stepped by window, mean {wrong_mean:+.4}, spread {wrong_spread:.4}");
                assert!(error > 0.02, "{name}: the wrong way must be seen to fail, {error}");
            }
        }
    }
}

#[test]
fn soft_masks_and_every_prediction_type_fuse_to_the_same_picture() {
    // Epsilon, v and sample of the same denoiser are three ways to say one thing, so their fused pictures agree.
    let mut painting = patchwork();
    let ramp: Vec<f32> = (0..20 * 28).map(|i| (i % 28) as f32 / 28.0).collect();
    let rest: Vec<f32> = ramp.iter().map(|m| 1.0 - m).collect();
    for (part, mask) in painting.parts.iter_mut().zip([&ramp, &rest, &vec![0.0; 560], &vec![0.0; 560]]) {
        part.mask = LatentMask::new(20, 28, mask);
    }
    for name in NAMES {
        let run = |kind: PredictionType| {
            let mut config = config();
            config.prediction_type = kind;
            let mut epsilon = exact(&config);
            let bar = config.alphas_cumprod();
            let network = |x: &[f32], t: f64, prompt: PromptId| {
                let alpha = f64::from(bar[t as usize]);
                let (signal, noise) = (alpha.sqrt() as f32, (1.0 - alpha).sqrt() as f32);
                let epsilons = epsilon(x, t, prompt);
                let turn = |(x, e): (&f32, f32)| match kind {
                    PredictionType::Epsilon => e,
                    PredictionType::VPrediction => signal * e - noise * ((x - noise * e) / signal),
                    PredictionType::Sample => (x - noise * e) / signal,
                    PredictionType::Flow => e - (x - noise * e) / signal,
                };
                x.iter().zip(epsilons).map(turn).collect::<Vec<f32>>()
            };
            // Trailing spacing visits whole training steps with every sampler, so that the levels agree exactly.
            let config = if name == "lcm" { config.clone() } else { config.with_schedule(Schedule::Trailing) };
            let mut sampler = sampler(name, &config, 10).expect(name);
            paint(&painting, &mut *sampler, &mut Formula(network), &mut ()).expect(name).latent.data
        };
        let epsilon = run(PredictionType::Epsilon);
        for kind in [PredictionType::VPrediction, PredictionType::Sample] {
            assert_close(&format!("{name} {kind:?}"), &run(kind), &epsilon, 2e-4);
        }
    }
}

#[test]
fn heun_counts_steps_not_evaluations() {
    #[derive(Default)]
    struct Count(Vec<(usize, usize)>);
    impl Observer for Count {
        fn stepped(&mut self, done: usize, total: usize, _: &Planes, _: &mut dyn Network) {
            self.0.push((done, total));
        }
    }
    let config = config();
    let mut count = Count::default();
    let mut heun = Heun::new(&config, 4).expect("heun");
    assert_eq!((heun.timesteps().len(), heun.steps()), (7, 4));
    assert_eq!((0..7).map(|i| heun.step_of(i)).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2, 3]);
    assert!((0..4).all(|step| heun.step_of(heun.evaluation_of(step)) == step));
    let painted = paint(&plain(4, 4, 1), &mut heun, &mut Formula(exact(&config)), &mut count).expect("paints");
    assert_eq!(count.0, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    assert_eq!(painted.unet_samples, 7);
}

#[test]
fn what_cannot_be_done_is_said_in_words() {
    let refused = |name: &str, json: serde_json::Value, steps: usize, schedule: Schedule| {
        let config = SchedulerConfig::from_json(&json).expect("a config").with_schedule(schedule);
        sampler(name, &config, steps).map(|_| ()).expect_err(name).to_string()
    };
    let none = || serde_json::json!({});
    for name in NAMES {
        assert!(refused(name, none(), 0, Schedule::Normal).contains("0 steps"), "{name}");
        assert!(refused(name, none(), 1001, Schedule::Normal).contains("1001 steps"), "{name}");
    }
    assert!(refused("lcm", none(), 51, Schedule::Normal).contains("1 to 50"));
    assert!(refused("lcm", none(), 4, Schedule::Karras).contains("schedule normal"));
    for name in ["euler", "heun", "dpmpp-2m", "unipc"] {
        let beta = serde_json::json!({"use_beta_sigmas": true});
        assert!(refused(name, beta.clone(), 4, Schedule::Normal).contains("use_beta_sigmas"), "{name}");
        // The person's choice stands over the checkpoint's.
        let config = SchedulerConfig::from_json(&beta).expect("a config").with_schedule(Schedule::Karras);
        assert!(sampler(name, &config, 4).is_ok());
    }
    let unipc = |json| refused("unipc", json, 4, Schedule::Normal);
    assert!(unipc(serde_json::json!({"solver_order": 4})).contains("solver_order"));
    assert!(unipc(serde_json::json!({"predict_x0": false})).contains("predict_x0"));
    let flow = SchedulerConfig::from_json(&serde_json::json!({"use_flow_sigmas": true}));
    assert!(flow.expect_err("refused").to_string().contains("flow"));
}
