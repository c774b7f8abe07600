//! Rectified flows: against diffusers on the same noise (see tests/goldens), and against flows whose solution is known.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::painting::{part, plain};
use common::{Goldens, assert_close, goldens, relative_l2, sampler};
use polyptych::diffusion::masks::LatentMask;
use polyptych::diffusion::random::{TorchRandom, keyed_normals};
use polyptych::diffusion::{
    Call, Euler, InitLatent, Kept, Moments, Network, NetworkError, Painting, Planes, PredictionType, PromptId,
    Recorder, Sampler as _, Schedule, ScheduleError, SchedulerConfig, Surround, Trajectory, paint, repaint,
};
use std::sync::Arc;

const CHANNELS: usize = 16;
const NAMES: [&str; 6] = ["ddim", "euler", "heun", "dpmpp-2m", "dpmpp-2m-sde", "unipc"];

fn read(json: &serde_json::Value) -> Result<SchedulerConfig, ScheduleError> {
    SchedulerConfig::from_json(json)
}

fn flow(shift: f64) -> SchedulerConfig {
    let json = serde_json::json!({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": shift});
    read(&json).expect("a flow")
}

/// A velocity that is a function of the latent, σ and the prompt. A colour is encoded to its three channels, repeated.
struct Velocity<F>(F);

impl<F: FnMut(&[f32], f64, PromptId) -> Vec<f32>> Network for Velocity<F> {
    fn latent_channels(&self) -> usize {
        CHANNELS
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        let answer = |call: &Call| (self.0)(inputs.image(call.input), f64::from(timestep) / 1000.0, call.prompt);
        let data = calls.iter().flat_map(answer).collect();
        Ok(Planes { count: calls.len(), data, ..*inputs })
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let mut mean = Planes::zeros(1, CHANNELS, pictures.height / 8, pictures.width / 8);
        let cells = mean.plane_len();
        for (c, plane) in mean.data.chunks_exact_mut(cells).enumerate() {
            plane.fill(pictures.data[c % 3 * pictures.plane_len()]);
        }
        Ok(Moments { std: mean.clone(), mean })
    }

    fn decode(&mut self, _: &Planes) -> Result<Planes, NetworkError> {
        Err("not needed".into())
    }
}

/// A background and two regions with hard edges, in many windows.
fn patchwork() -> Painting {
    let (height, width) = (12, 20);
    let owner = |i: usize| match (i % width, i / width) {
        (0..7, 0..6) => 1,
        (9..18, 4..12) => 2,
        _ => 0,
    };
    let mask = |k: usize| (0..height * width).map(|i| f32::from(u8::from(owner(i) == k))).collect::<Vec<f32>>();
    let parts = (0..3).map(|k| part(k, LatentMask::new(height, width, &mask(k)), 11)).collect();
    Painting { height, width, parts, window: 8, stride: 3, ..plain(height, width, 11) }
}

/// The prompt of the part that covers a cell.
fn shown(painting: &Painting, cell: usize) -> PromptId {
    painting.parts.iter().find(|p| p.mask.cells()[cell] == 1.0).expect("covered").prompt.terms[0].1.at(0)
}

/// The formula of tests/goldens/make_flow_goldens.py.
fn toy(x: &[f32], sigma: f64, _: PromptId) -> Vec<f32> {
    let signal = 1.0 - sigma;
    let value = |(j, x): (usize, &f32)| {
        let (j, x) = (j as f64, f64::from(*x));
        let mean = 0.8 * (1.7 * j + 0.3).sin();
        let gain = signal * 0.09 / (signal * signal * 0.09 + sigma * sigma);
        let clean = mean + gain * (x - signal * mean) + 0.1 * sigma * (3.0 * x + j).sin();
        ((x - clean) / sigma) as f32
    };
    x.iter().enumerate().map(value).collect()
}

/// Standard deviation of the latents of each prompt of [`exact`].
const SPREAD: f64 = 0.2;

fn centre(prompt: PromptId) -> f64 {
    [0.9, -0.7, 0.2][prompt.0]
}

/// The exact velocity of latents that are normal about a prompt's centre. Its solution is straight: noise ε becomes
/// centre + spread · ε.
fn exact(spread: f64) -> impl FnMut(&[f32], f64, PromptId) -> Vec<f32> {
    move |x, sigma, prompt| {
        let signal = 1.0 - sigma;
        let gain = signal * spread.powi(2) / ((signal * spread).powi(2) + sigma * sigma);
        let velocity = |x: &f32| {
            let clean = centre(prompt) + gain * (f64::from(*x) - signal * centre(prompt));
            ((f64::from(*x) - clean) / sigma) as f32
        };
        x.iter().map(velocity).collect()
    }
}

/// The final latent of the exact flow.
fn solution(painting: &Painting, spread: f64) -> Vec<f32> {
    let cells = painting.height * painting.width;
    let noise = TorchRandom::new(11).randn(CHANNELS * cells);
    let at = |(i, noise): (usize, f32)| (centre(shown(painting, i % cells)) + spread * f64::from(noise)) as f32;
    noise.into_iter().enumerate().map(at).collect()
}

fn painted(painting: &Painting, name: &str, config: &SchedulerConfig, steps: usize, spread: f64) -> Vec<f32> {
    let mut sampler = sampler(name, config, steps).expect(name);
    paint(painting, &mut *sampler, &mut Velocity(exact(spread)), &mut ()).expect(name).latent.data
}

#[test]
fn flows_are_diffusers_with_every_schedule() {
    let golden = Goldens::open("flow.safetensors");
    let text = std::fs::read_to_string(goldens().join("flow.json")).expect("flow.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    for (index, case) in cases.iter().enumerate() {
        let text = |key: &str| case[key].as_str().expect(key);
        let config = read(&case["config"]).expect("a config").with_schedule(match text("schedule") {
            "normal" => Schedule::Normal,
            "karras" => Schedule::Karras,
            "exponential" => Schedule::Exponential,
            "trailing" => Schedule::Trailing,
            other => panic!("no schedule {other}"),
        });
        let latents = golden.get(&format!("{index}.latents"));
        let mut times = golden.get(&format!("{index}.timesteps")).data.as_slice();
        for (row, steps) in case["steps"].as_array().expect("steps").iter().enumerate() {
            let steps = steps.as_u64().expect("a number") as usize;
            let what = format!("{} {} of {steps} with {}", text("sampler"), text("schedule"), case["config"]);
            let mut sampler = sampler(text("sampler"), &config, steps).expect(&what);
            let (expected, rest) = times.split_at(sampler.timesteps().len());
            times = rest;
            for (found, expected) in sampler.timesteps().iter().zip(expected) {
                assert!((found - expected).abs() < 1e-3, "{what}: {found} instead of {expected}");
            }
            let painted = paint(&plain(2, 4, 11), &mut *sampler, &mut Velocity(toy), &mut ()).expect(&what);
            let error = relative_l2(&painted.latent.data, &latents.data[row * 128..(row + 1) * 128]);
            assert!(error < 1e-4, "{what}: relative L2 {error:.3e}");
        }
        assert!(times.is_empty());
    }
    // What a picture is noised with, to be started from.
    let euler = Euler::new(&flow(3.0), 10).expect("euler");
    let (clean, noise) = (TorchRandom::new(11).randn(128), keyed_normals(11, 0, CHANNELS, 2, 4));
    let noised: Vec<f32> = (0..10)
        .flat_map(|i| clean.iter().zip(&noise).map(|(c, n)| euler.add_noise(i, *c, *n)).collect::<Vec<f32>>())
        .collect();
    assert_close("noised", &noised, &golden.get("noised").data, 1e-6);
}

#[test]
fn a_flow_on_straight_paths_is_exact_in_any_number_of_steps_whatever_holds_the_regions() {
    for name in NAMES {
        for (steps, shift) in [(1, 1.0), (3, 3.0), (8, 1.0)] {
            for bootstrap_steps in [0, 2] {
                for surround in [Surround::RandomColours, Surround::WhiteCentred] {
                    let mut painting = Painting { surround, wrap: (bootstrap_steps > 0, false), ..patchwork() };
                    painting.parts[1..].iter_mut().for_each(|part| part.bootstrap_steps = bootstrap_steps);
                    let found = painted(&painting, name, &flow(shift), steps, 0.0);
                    assert_close(&format!("{name} of {steps}"), &found, &solution(&painting, 0.0), 1e-4);
                }
            }
        }
    }
}

#[test]
fn a_flow_of_normal_latents_comes_near_its_solution_and_heun_nearer() {
    let painting = patchwork();
    let expected = solution(&painting, SPREAD);
    let off = |name, steps| relative_l2(&painted(&painting, name, &flow(1.0), steps, SPREAD), &expected);
    for name in ["ddim", "euler"] {
        // A method of first order: the error halves with the steps.
        let (few, many) = (off(name, 100), off(name, 200));
        assert!(many < 0.02 && (1.7..2.3).contains(&(few / many)), "{name}: {few:.2e} {many:.2e}");
    }
    assert!(off("heun", 50) < off("euler", 50) / 4.0, "{:.2e} {:.2e}", off("heun", 50), off("euler", 50));
    for name in ["dpmpp-2m", "unipc"] {
        let (few, many) = (off(name, 50), off(name, 200));
        println!("{name}: {few:.2e} {many:.2e}");
        assert!(many < 0.01 && many < few / 2.0, "{name}: {few:.2e} {many:.2e}");
    }
    // Fresh noise moves every value and keeps their spread.
    let found = painted(&painting, "dpmpp-2m-sde", &flow(1.0), 100, SPREAD);
    let cells = painting.height * painting.width;
    let off = |(i, v): (usize, &f32)| (f64::from(*v) - centre(shown(&painting, i % cells))).powi(2);
    let spread = (found.iter().enumerate().map(off).sum::<f64>() / found.len() as f64).sqrt();
    assert!((spread / SPREAD - 1.0).abs() < 0.1, "{spread}");
}

#[test]
fn soft_masks_mix_clean_latents_however_a_flow_bootstraps() {
    let mut painting = patchwork();
    let soft: Vec<f32> = (0..240).map(|i| (i % 20) as f32 / 19.0).collect();
    painting.parts.truncate(2);
    painting.parts[0].mask = LatentMask::new(12, 20, &soft.iter().map(|m| 1.0 - m).collect::<Vec<f32>>());
    painting.parts[1].mask = LatentMask::new(12, 20, &soft);
    painting.parts[1].bootstrap_steps = 2;
    let (low, high) = (centre(PromptId(0)), centre(PromptId(1)));
    let mixed = (0..CHANNELS * 240).map(|i| (low + f64::from(soft[i % 240]) * (high - low)) as f32);
    let expected: Vec<f32> = mixed.collect();
    for name in NAMES {
        // Two steps end while it bootstraps, eight long after it.
        for steps in [2, 8] {
            // (Masks are kept in 1/255ths or finer.)
            assert_close(name, &painted(&painting, name, &flow(3.0), steps, 0.0), &expected, 1e-3);
        }
    }
}

#[test]
fn a_flow_starts_from_a_picture_and_keeps_what_may_not_change() {
    let clean =
        Planes { count: 1, channels: CHANNELS, height: 12, width: 20, data: TorchRandom::new(5).randn(16 * 240) };
    let free: Vec<f32> = (0..240).map(|i| f32::from(u8::from(i % 20 >= 10))).collect();
    for name in NAMES {
        let what = |what: &str| format!("{name}, {what}");
        let start =
            |free: Option<Vec<f32>>| Some(InitLatent { clean: clean.clone(), from: 4, free, from_noise: false });
        let begun = |painting: &Painting| {
            let mut sampler = sampler(name, &flow(2.0), 8).expect(name);
            let mut recorder = Recorder { observer: &mut (), trajectory: Some(Trajectory::default()) };
            let latent = paint(painting, &mut *sampler, &mut Velocity(exact(0.0)), &mut recorder).expect(name).latent;
            (latent, recorder.trajectory.expect("recorded"), sampler.process().level(sampler.evaluation_of(4)))
        };
        let (_, trajectory, level) = begun(&Painting { init_latent: start(None), ..plain(12, 20, 11) });
        let noise = TorchRandom::new(11).randn(16 * 240);
        let noised = clean.data.iter().zip(&noise).map(|(c, n)| (1.0 - level.noise) * c + level.noise * n);
        let first = trajectory.at(0).expect("a first latent");
        assert_close(&what("first latent"), &first.data, &noised.collect::<Vec<f32>>(), 1e-6);

        let kept = Painting { init_latent: start(Some(free.clone())), ..patchwork() };
        let (latent, ..) = begun(&kept);
        let solution = solution(&kept, 0.0);
        for (i, v) in latent.data.iter().enumerate() {
            if free[i % 240] == 0.0 {
                assert_eq!(v.to_bits(), clean.data[i].to_bits(), "{}", what("kept"));
            } else {
                assert!((v - solution[i]).abs() < 1e-4, "{}: {v} {}", what("free"), solution[i]);
            }
        }
    }
}

#[test]
fn a_region_of_a_flow_is_drawn_again_and_the_rest_stays_to_the_last_bit() {
    for name in NAMES {
        let painting = patchwork();
        let new_sampler = || sampler(name, &flow(3.0), 6).expect(name);
        let mut recorder = Recorder { observer: &mut (), trajectory: Some(Trajectory::default()) };
        let first =
            paint(&painting, &mut *new_sampler(), &mut Velocity(exact(SPREAD)), &mut recorder).expect(name).latent;
        let trajectory = Arc::new(recorder.trajectory.expect("recorded"));
        let free = painting.parts[2].mask.cells();
        let kept = Kept { trajectory, free: free.clone() };
        let mut other = painting.clone();
        other.parts[2].seed = 99;
        let again =
            repaint(&other, &kept, &mut *new_sampler(), &mut Velocity(exact(SPREAD)), &mut ()).expect(name).latent;
        let fresh = paint(&other, &mut *new_sampler(), &mut Velocity(exact(SPREAD)), &mut ()).expect(name).latent;
        for (i, v) in again.data.iter().enumerate() {
            if free[i % 240] == 0.0 {
                assert_eq!(v.to_bits(), first.data[i].to_bits(), "{name}");
            } else {
                // The network sees one value at a time, so what is around does not matter.
                assert!((v - fresh.data[i]).abs() < 1e-4 && (v - first.data[i]).abs() > 1e-6, "{name}");
            }
        }
    }
}

#[test]
fn what_a_flow_cannot_be_drawn_with_is_said_in_words() {
    let class = "FlowMatchEulerDiscreteScheduler";
    assert_eq!(flow(3.0).prediction_type, PredictionType::Flow);
    for (key, value) in [
        ("use_dynamic_shifting", serde_json::json!(true)),
        ("shift_terminal", serde_json::json!(0.1)),
        ("invert_sigmas", serde_json::json!(true)),
        ("stochastic_sampling", serde_json::json!(true)),
        ("shift", serde_json::json!(0.0)),
        ("shift", serde_json::json!("much")),
    ] {
        let mut json = serde_json::json!({"_class_name": class});
        json[key] = value;
        let error = read(&json).expect_err(key).to_string();
        assert!(error.contains(key) || key == "shift", "{error}");
    }
    let nulls = serde_json::json!({"_class_name": class, "shift_terminal": null, "use_dynamic_shifting": false});
    assert_eq!(read(&nulls).expect("a flow"), flow(1.0));
    for name in ["euler-a", "lcm"] {
        let error = sampler(name, &flow(1.0), 4).map(|_| ()).expect_err(name).to_string();
        assert!(error.contains("flow") && error.contains("choose"), "{error}");
    }
    for name in NAMES {
        for steps in [0, 1001] {
            let error = sampler(name, &flow(1.0), steps).map(|_| ()).expect_err(name).to_string();
            assert!(error.contains("steps"), "{error}");
        }
    }
    // Nothing else becomes a flow by its prediction type alone.
    assert!(read(&serde_json::json!({"prediction_type": "flow"})).is_err());
}

/// Records every call; `shares` is its answer to `shares_inputs`.
struct Places {
    shares: bool,
    calls: Vec<(Call, Planes)>,
}

impl Network for Places {
    fn latent_channels(&self) -> usize {
        CHANNELS
    }

    fn shares_inputs(&self) -> bool {
        self.shares
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        let alone = |input| Planes { count: 1, data: inputs.image(input).to_vec(), ..*inputs };
        self.calls.extend(calls.iter().map(|call| (*call, alone(call.input))));
        Velocity(exact(0.0)).predict(inputs, timestep, calls)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        Velocity(exact(0.0)).encode(pictures)
    }

    fn decode(&mut self, _: &Planes) -> Result<Planes, NetworkError> {
        Err("not needed".into())
    }
}

#[test]
fn every_call_knows_the_place_of_its_input_and_what_may_be_shared_is_the_networks_to_say() {
    let noise = TorchRandom::new(11).randn(CHANNELS * 240);
    for surround in [Surround::RandomColours, Surround::WhiteCentred] {
        // One region has inputs of its own, the other shares the background's.
        let mut painting = Painting { surround, wrap: (true, true), ..patchwork() };
        painting.parts[1].bootstrap_steps = 1;
        let run = |shares| {
            let mut network = Places { shares, calls: Vec::new() };
            let mut euler = Euler::new(&flow(1.0), 1).expect("euler");
            let painted = paint(&painting, &mut euler, &mut network, &mut ()).expect("paints");
            (painted, network.calls)
        };
        let (painted, calls) = run(true);
        let mut rolled = 0;
        for (call, input) in &calls {
            let place = call.place.expect("a place");
            rolled += usize::from(place.rolled != (0, 0));
            let (h, w) = (place.window.height, place.window.width);
            assert_eq!((h, w), (input.height, input.width));
            // At σ = 1 every input is noise alone, surrounded or not.
            for (j, v) in input.data.iter().enumerate() {
                let (y, x) = (j / w % h + h - place.rolled.0, j % w + w - place.rolled.1);
                let (y, x) = ((place.window.y + y % h) % 12, (place.window.x + x % w) % 20);
                assert_eq!(*v, noise[j / (h * w) * 240 + y * 20 + x], "{place:?}");
            }
        }
        assert_eq!(rolled > 0, surround == Surround::WhiteCentred);
        assert!(painted.unet_inputs < painted.unet_samples);
        let (alone, _) = run(false);
        assert_eq!(alone.unet_inputs, alone.unet_samples);
        assert_eq!((alone.unet_samples, alone.latent), (painted.unet_samples, painted.latent));
    }
}
