//! ControlNets against diffusers (tests/goldens/make_control_goldens.py): what they add, what the UNet makes of it, pictures; and
//! their crops, regions, files and maps.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::ora;
use common::single::{SingleFile, bytes, values};
use common::{Goldens, assert_close, goldens, relative_l2, says};
use image::{Rgb, RgbImage};
use polyptych::backend::Backend;
use polyptych::backend::candle::Candle;
use polyptych::backend::cpu::Cpu;
use polyptych::backend::wgpu::{Wgpu, adapters};
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Checkpoint, Control, ControlFile, Device, Dtype, Model};
use polyptych::diffusion::windows::Window;
use polyptych::diffusion::{Call, ControlSet, Network as _, Place, Planes, PromptId};
use polyptych::document::{self, ControlMap, Document, History, PixelRect, Regions, Sampler, canny};
use polyptych::networks::Sizes;
use polyptych::networks::unet::Added;
use polyptych::studio::{Estimate, Facts, Options, Warning, draw, load};
use serde_json::Value;
use std::sync::Arc;

const FAMILIES: [&str; 2] = ["eps", "sdxl"];

fn file(family: &str) -> Arc<ControlFile> {
    Arc::new(ControlFile::open(goldens().join("control").join(family)).unwrap())
}

fn model(family: &str, device: Device) -> Model {
    Checkpoint::open(goldens().join(family).to_str().unwrap()).unwrap().load(device).unwrap()
}

fn devices() -> Vec<Device> {
    let card = (!adapters().is_empty()).then_some(Device::Wgpu { adapter: None, dtype: Dtype::F32 });
    [Device::Cpu, Device::Candle].into_iter().chain(card).collect()
}

fn prompts(golden: &Goldens, model: &mut Model) -> Vec<PromptId> {
    let words: Vec<String> = serde_json::from_value(golden.json("parameters")["prompts"].clone()).unwrap();
    words.iter().map(|words| model.prompt(words, Reading::default()).unwrap()).collect()
}

fn control(family: &str, picture: Planes, weight: f32) -> Control {
    Control { net: file(family), picture: Arc::new(picture), weight }
}

/// The whole of a latent, with these controls.
fn whole(latents: &Planes, controls: &[usize]) -> Place {
    let window = Window { x: 0, y: 0, width: latents.width, height: latents.height };
    let controls = controls.iter().fold(ControlSet::default(), |set, &control| set.with(control));
    Place { controls, ..Place::of(window) }
}

/// A tensor that is like those of pictures.
fn slope(planes: Planes, step: f32) -> Planes {
    let data = (0..planes.data.len()).map(|i| (i as f32 * step).sin()).collect();
    Planes { data, ..planes }
}

fn map(height: usize, width: usize) -> Planes {
    let waves = slope(Planes::zeros(1, 3, height, width), 0.71);
    Planes { data: waves.data.iter().map(|v| 0.5 + 0.5 * v).collect(), ..waves }
}

#[test]
fn what_a_controlnet_adds_is_diffusers() {
    fn check<B: Backend>(b: &B) {
        let golden = Goldens::open("control_calls.safetensors");
        for family in FAMILIES {
            let net = file(family).load(b).unwrap();
            let mut model = model(family, Device::Cpu);
            let states: Vec<_> =
                prompts(&golden, &mut model).iter().map(|id| model.conditioning(*id).unwrap().clone()).collect();
            let prompt = |at: usize| {
                let states = &states[at];
                net.prompt(b, &b.upload(&[1, states.count(), states.width], &states.tokens).unwrap()).unwrap()
            };
            let prompts = [prompt(0), prompt(1)];
            for case in ["square", "wide"] {
                let key = |name: &str| format!("{family}.{case}.{name}");
                let (latents, picture) = (golden.planes(&key("latents")), golden.planes(&key("control")));
                let upload = |p: &Planes| b.upload(&[p.count, p.channels, p.height, p.width], &p.data).unwrap();
                let sizes = Sizes::whole(8 * latents.height, 8 * latents.width);
                let added = |at: usize| Added { pooled: states[at].pooled.clone().unwrap_or_default(), sizes };
                let step = net.step(b, golden.get(&key("timestep")).data[0], &[added(0), added(1)]).unwrap();
                let hint = net.hint(b, &upload(&picture)).unwrap();
                let hints = b.select(&hint, &[0, 0]).unwrap();
                let prompts = [&prompts[0], &prompts[1]];
                let found = net.forward(b, &upload(&latents), &hints, &step, &[0, 1], &prompts, 0.7, None).unwrap();
                for (i, residual) in found.tensors().enumerate() {
                    let (what, expected) = (key(&format!("residual.{i}")), golden.get(&key(&format!("residual.{i}"))));
                    assert_eq!(&*b.shape(residual), expected.shape.as_slice(), "{what}");
                    assert_close(&what, &b.download(residual).unwrap(), &expected.data, 1e-4);
                }
                assert!(!golden.tensors.contains_key(&key(&format!("residual.{}", found.tensors().count()))));
            }
        }
    }
    check(&Cpu::new());
    check(&Candle::cpu());
    if !adapters().is_empty() {
        check(&Wgpu::open(None, Dtype::F32).unwrap());
    }
}

#[test]
fn the_unet_predicts_with_it_what_diffusers_does() {
    let golden = Goldens::open("control_calls.safetensors");
    for (family, device) in FAMILIES.into_iter().flat_map(|family| devices().into_iter().map(move |d| (family, d))) {
        let mut model = model(family, device);
        let prompts = prompts(&golden, &mut model);
        for case in ["square", "wide"] {
            let key = |name: &str| format!("{family}.{case}.{name}");
            let latents = golden.planes(&key("latents"));
            let timestep = golden.get(&key("timestep")).data[0];
            model.set_controls(vec![control(family, golden.planes(&key("control")), 0.7)]).unwrap();
            let mut predict = |controls: &[usize]| {
                let place = Some(whole(&latents, controls));
                let calls: Vec<Call> = (0..2).map(|input| Call { input, prompt: prompts[input], place }).collect();
                model.predict(&latents, timestep, &calls).unwrap()
            };
            let what = format!("{device:?} {family} {case}");
            assert_close(&what, &predict(&[0]).data, &golden.get(&key("prediction")).data, 1e-4);
            assert_close(&what, &predict(&[]).data, &golden.get(&key("plain")).data, 1e-4);
        }
    }
}

/// A golden picture's document, with its ControlNet.
fn document(family: &str, golden: &Goldens, case: Option<&str>) -> Document {
    let facts = golden.json("parameters");
    let mut document = common::one_window(&facts);
    document.settings.steps = 8;
    document.settings.guidance = 5.0;
    document.settings.sampler = if family == "sdxl" { Sampler::Euler } else { Sampler::Ddim };
    if let Some(case) = case {
        let [weight, start, end] = [0, 1, 2].map(|i| facts["cases"][case][i].as_f64().unwrap() as f32);
        let seen = golden.planes(&format!("{family}.control"));
        let area = seen.plane_len();
        let picture = RgbImage::from_fn(128, 128, |x, y| {
            Rgb([0, 1, 2].map(|c| (255.0 * seen.data[c * area + (y * 128 + x) as usize]).round() as u8))
        });
        let net = goldens().join("control").join(family).display().to_string();
        let control = document::Control {
            weight,
            start,
            end,
            ..document::Control::new(net, ControlMap::Picture(picture.into()))
        };
        document.controls.push(control);
    }
    document
}

#[test]
fn a_picture_of_eight_steps_is_diffusers() {
    let golden = Goldens::open("control_pictures.safetensors");
    for (family, device) in FAMILIES.into_iter().flat_map(|family| devices().into_iter().map(move |d| (family, d))) {
        let (mut model, _) = load(goldens().join(family).to_str().unwrap(), device, &[]).unwrap();
        for case in ["whole", "part"] {
            let drawn = draw(&document(family, &golden, Some(case)), &mut model, &Options::default(), &mut ()).unwrap();
            let what = format!("{device:?} {family} {case}");
            assert_close(&what, &drawn.latent.data, &golden.get(&format!("{family}.{case}")).data, 1e-4);
        }
        let plain = draw(&document(family, &golden, None), &mut model, &Options::default(), &mut ()).unwrap();
        assert_close("none", &plain.latent.data, &golden.get(&format!("{family}.none")).data, 1e-4);
    }
}

#[test]
fn what_does_not_count_changes_no_bit() {
    let golden = Goldens::open("control_pictures.safetensors");
    let (mut model, _) = load(goldens().join("eps").to_str().unwrap(), Device::Cpu, &[]).unwrap();
    let plain = draw(&document("eps", &golden, None), &mut model, &Options::default(), &mut ()).unwrap();
    let with = document("eps", &golden, Some("whole"));
    let mut drawn = |change: &dyn Fn(&mut document::Control)| {
        let mut document = with.clone();
        change(&mut document.controls[0]);
        draw(&document, &mut model, &Options::default(), &mut ()).unwrap()
    };
    assert_eq!(drawn(&|control| control.weight = 0.0).latent, plain.latent, "weight 0");
    assert_eq!(drawn(&|control| control.end = 0.0).latent, plain.latent, "no step");
    assert_eq!(drawn(&|control| (control.start, control.end) = (0.6, 0.4)).latent, plain.latent, "no step");
    let part = |from: f32, to: f32| move |control: &mut document::Control| (control.start, control.end) = (from, to);
    let (first, last) = (drawn(&part(0.0, 0.5)), drawn(&part(0.5, 1.0)));
    let apart = relative_l2(&first.latent.data, &last.latent.data);
    assert!(apart > 0.01 && first.latent != plain.latent && last.latent != plain.latent, "{apart}");
}

#[test]
fn windows_see_their_crop_of_the_picture() {
    let golden = Goldens::open("control_calls.safetensors");
    let mut model = model("eps", Device::Cpu);
    let prompts = prompts(&golden, &mut model);
    // A canvas of 20 × 12 cells; windows inside, over one edge and over both, more than once round.
    let (height, width) = (12, 20);
    let canvas = map(8 * height, 8 * width);
    let latents = slope(Planes::zeros(1, 4, 16, 16), 0.37);
    for (x, y, rolled) in
        [(0, 0, (0, 0)), (3, 2, (0, 0)), (9, 7, (0, 0)), (19, 11, (0, 0)), (9, 7, (5, 0)), (4, 1, (2, 13))]
    {
        let window = Window { x, y, width: 16, height: 16 };
        let controls = ControlSet::default().with(0);
        let calls =
            |place| prompts.iter().map(|&prompt| Call { input: 0, prompt, place: Some(place) }).collect::<Vec<_>>();
        model.set_controls(vec![control("eps", canvas.clone(), 1.0)]).unwrap();
        let found = model.predict(&latents, 501.0, &calls(Place { rolled, controls, ..Place::of(window) })).unwrap();
        let mut crop = Planes::zeros(1, 3, 128, 128);
        for (i, value) in crop.data.iter_mut().enumerate() {
            let (c, row, column) = (i / 128 / 128, i / 128 % 128, i % 128);
            // Rolled by so many cells inside the window.
            let (row, column) = ((row + 128 - 8 * rolled.0) % 128, (column + 128 - 8 * rolled.1) % 128);
            let (row, column) = ((8 * y + row) % canvas.height, (8 * x + column) % canvas.width);
            *value = canvas.data[(c * canvas.height + row) * canvas.width + column];
        }
        model.set_controls(vec![control("eps", crop, 1.0)]).unwrap();
        let place = whole(&latents, &[0]);
        let expected = model.predict(&latents, 501.0, &calls(place)).unwrap();
        assert_eq!(found, expected, "{x}, {y}, rolled {rolled:?}");
    }
}

#[test]
fn a_controlnet_changes_no_other_call_of_its_batch_and_several_add_up() {
    let golden = Goldens::open("control_calls.safetensors");
    for (family, device) in FAMILIES.into_iter().flat_map(|family| devices().into_iter().map(move |d| (family, d))) {
        let mut model = model(family, device);
        let prompts = prompts(&golden, &mut model);
        let latents = slope(Planes::zeros(2, 4, 16, 16), 0.37);
        let controls = [0.3, 0.4, 0.7].map(|weight| control(family, map(128, 128), weight));
        model.set_controls(controls.to_vec()).unwrap();
        let call = |input, prompt: usize, controls: &[usize]| Call {
            input,
            prompt: prompts[prompt],
            place: Some(whole(&latents, controls)),
        };
        // (Calls on one input come one after the other, as the engine has them.)
        let calls = [
            call(0, 0, &[]),
            call(0, 1, &[2]),
            call(0, 0, &[2]),
            call(1, 1, &[]),
            call(1, 1, &[0, 1]),
            call(1, 1, &[2]),
        ];
        let mut predicted = |calls: &[Call]| {
            if model.shares_inputs() {
                return model.predict(&latents, 501.0, calls).unwrap();
            }
            let inputs = calls.iter().flat_map(|call| latents.image(call.input)).copied().collect();
            let inputs = Planes { count: calls.len(), data: inputs, ..latents };
            let calls: Vec<Call> = calls.iter().enumerate().map(|(input, call)| Call { input, ..*call }).collect();
            model.predict(&inputs, 501.0, &calls).unwrap()
        };
        let found = predicted(&calls);
        // (In a batch of the same size, since sums may come in another order in others.)
        let without = predicted(&calls.map(|call| Call { place: None, ..call }));
        for at in [0, 3] {
            assert_eq!(found.image(at), without.image(at), "{device:?} {family}");
        }
        assert_close("two are one of their sum", found.image(4), found.image(5), 1e-5);
        let moved = relative_l2(found.image(2), found.image(0));
        assert!(moved > 0.01, "the comparison can fail: {moved}");
    }
}

#[test]
fn files_in_the_original_layout_are_what_diffusers_makes_of_them() {
    let golden = Goldens::open("control_originals.safetensors");
    let names: Value = serde_json::from_slice(&std::fs::read(goldens().join("control.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shape =
        |family: &str, name: &str| -> Vec<usize> { serde_json::from_value(names[family][name].clone()).unwrap() };
    for family in ["sd1", "sdxl"] {
        let tensor = |name: &str| {
            let shape = shape(family, name);
            let data = bytes(&values(name, &shape), safetensors::Dtype::F16);
            (safetensors::Dtype::F16, shape, data)
        };
        let original = SingleFile::control_net(family);
        let mut renamed = SingleFile::default();
        for (name, from) in names[&format!("{family}.diffusers")].as_object().unwrap() {
            renamed.tensors.insert(name.clone(), tensor(from.as_str().unwrap()));
        }
        let bare = original.part("control_model.", "");
        for (what, made) in [("original", original), ("bare", bare), ("diffusers", renamed)] {
            let path = made.write(folder.path(), &format!("{what}-{family}.safetensors"));
            let b = Cpu::new();
            let net = ControlFile::open(&path).unwrap().load(&b).unwrap();
            let get = |name: &str| golden.get(&format!("original.{family}.{name}"));
            let upload = |name: &str| b.upload(&get(name).shape, &get(name).data).unwrap();
            let pooled = (family == "sdxl").then(|| get("pooled").data.clone());
            let added = Added { pooled: pooled.unwrap_or_default(), sizes: Sizes::whole(64, 96) };
            let (step, prompt) = (net.step(&b, 501.0, &[added]).unwrap(), net.prompt(&b, &upload("words")).unwrap());
            let hint = net.hint(&b, &upload("control")).unwrap();
            let found = net.forward(&b, &upload("latents"), &hint, &step, &[0], &[&prompt], 1.0, None).unwrap();
            let found: Vec<Vec<f32>> = found.tensors().map(|x| b.download(x).unwrap()).collect();
            assert_eq!(found.len(), if family == "sdxl" { 10 } else { 13 });
            let [.., last, middle] = found.as_slice() else { panic!("{what}") };
            for (name, found) in [("first", &found[0]), ("last", last), ("middle", middle)] {
                assert_close(&format!("{what} {family} {name}"), found, &get(name).data, 1e-4);
            }
        }
    }
}

#[test]
fn other_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, tensors: &[&str]| {
        let mut made = SingleFile::default();
        for tensor in tensors {
            made = made.with(tensor, safetensors::Dtype::F32, &[1], &[0; 4]);
        }
        ControlFile::open(made.write(folder.path(), name)).map(|_| ()).unwrap_err().to_string()
    };
    let hint = "controlnet_cond_embedding.conv_in.weight";
    for (tensors, words) in [
        (&[hint, "task_embedding"][..], "ControlNet union"),
        (&[hint, "control_add_embedding.linear_1.weight"], "ControlNet union"),
        (&["lora_controlnet", "input_hint_block.0.weight"], "Control-LoRA"),
        (&["difference", "control_model.input_hint_block.0.weight"], "differences"),
        (&["lllite_unet_down.weight"], "ControlNet-LLLite"),
        (&["body.0.in_conv.weight"], "T2I-Adapter"),
        (&["ip_adapter.1.to_k_ip.weight"], "IP-Adapter"),
        (&["controlnet_x_embedder.weight", "single_transformer_blocks.0.norm.weight"], "Flux"),
        (&["something.weight"], "is no ControlNet"),
    ] {
        says(&refused("other.safetensors", tensors), &["other.safetensors", words]);
    }
    says(
        &ControlFile::open("/nowhere/net.safetensors").unwrap_err().to_string(),
        &["/nowhere/net.safetensors", "no such file"],
    );
    let pickle = folder.path().join("control.pth");
    std::fs::write(&pickle, b"\x80\x02}q\0.").unwrap();
    says(&ControlFile::open(&pickle).unwrap_err().to_string(), &["control.pth", "pickle"]);
    says(&ControlFile::open(folder.path()).unwrap_err().to_string(), &["no config.json"]);
    let union = folder.path().join("union");
    std::fs::create_dir(&union).unwrap();
    std::fs::write(union.join("config.json"), r#"{"_class_name": "ControlNetUnionModel"}"#).unwrap();
    says(&ControlFile::open(&union).unwrap_err().to_string(), &["ControlNetUnionModel"]);
    // A half of one is told at once; nothing else is lost.
    let whole = std::fs::read(goldens().join("control/eps/diffusion_pytorch_model.safetensors")).unwrap();
    let cut = folder.path().join("cut.safetensors");
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    says(&ControlFile::open(&cut).unwrap_err().to_string(), &["cut.safetensors", "cut short"]);

    let mut model = model("eps", Device::Cpu);
    let error = model.set_controls(vec![control("sdxl", map(128, 128), 1.0)]).unwrap_err().to_string();
    says(&error, &["ControlNet for SDXL", "choose a ControlNet of the checkpoint's family"]);
    model.set_controls(vec![control("eps", map(128, 128), 1.0)]).unwrap();
}

/// A canvas of two windows, and a region in its right half with words of its own.
fn with_region(family: &str) -> Document {
    let mut document = Document::new(192, 128);
    document.background.prompt = "a red fox in the snow".to_owned();
    let id = document.add_region("Sky", "a blue sky");
    let mask = Arc::make_mut(&mut document.region_mut(id).unwrap().mask);
    mask.fill(PixelRect { x: 96, y: 0, width: 96, height: 128 }, 255);
    document.settings.steps = 3;
    document.settings.model = goldens().join(family).display().to_string();
    document
}

fn net(family: &str) -> String {
    goldens().join("control").join(family).display().to_string()
}

fn drawn(document: &Document) -> polyptych::studio::Drawn {
    let (mut model, _) = load(&document.settings.model, Device::Cpu, &[]).unwrap();
    draw(document, &mut model, &Options::default(), &mut ()).unwrap()
}

#[test]
fn a_region_s_controlnet_counts_where_the_region_is() {
    let plain = with_region("eps");
    let mut own = plain.clone();
    own.regions[0].controls.push(document::Control::new(net("eps"), ControlMap::Edges));
    own.settings.steps = 1;
    let mut all = plain.clone();
    all.controls.push(document::Control::new(net("eps"), ControlMap::Edges));
    all.settings.steps = 1;
    let none = Document { controls: Vec::new(), ..all.clone() };
    // After one step the latent is the fused prediction's: outside the region's mask to the last bit what it is without.
    let [none, own, all] = [none, own, all].map(|document| drawn(&document).latent);
    let (mut inside, mut outside) = (false, false);
    for i in 0..none.data.len() {
        let column = i % none.width;
        if column < none.width / 2 {
            assert_eq!(own.data[i].to_bits(), none.data[i].to_bits(), "{i}");
            outside |= all.data[i] != none.data[i];
        } else {
            assert_eq!(own.data[i].to_bits(), all.data[i].to_bits(), "{i}");
            inside |= own.data[i] != none.data[i];
        }
    }
    assert!(inside && outside, "the comparison can fail");
}

#[test]
fn savings_change_no_picture_with_controlnets() {
    let mut document = with_region("eps");
    document.settings.wrap = document::Wrap::X;
    document.settings.guidance = 4.0;
    document.controls.push(document::Control { end: 0.7, ..document::Control::new(net("eps"), ControlMap::Edges) });
    document.regions[0].controls.push(document::Control {
        weight: 0.5,
        start: 0.3,
        ..document::Control::new(net("eps"), ControlMap::Scribble)
    });
    let (mut model, _) = load(&document.settings.model, Device::Cpu, &[]).unwrap();
    let mut run = |savings| {
        let options = Options { savings, ..Options::default() };
        draw(&document, &mut model, &options, &mut ()).unwrap()
    };
    let (saved, all) = (run(true), run(false));
    assert_close("savings", &saved.latent.data, &all.latent.data, 1e-5);
    assert!(saved.unet_inputs < all.unet_inputs, "{} {}", saved.unet_inputs, all.unet_inputs);
    // The estimate counts what is run.
    let estimate = Estimate::of(&document, Facts::new(16, 8)).unwrap();
    assert_eq!(estimate.unet_samples, saved.unet_samples);
    // (With wrapped windows of the canvas's own contents the ControlNet sees them go round.)
    let apart = |other: &Document| relative_l2(&drawn(other).latent.data, &saved.latent.data);
    assert!(apart(&Document { controls: Vec::new(), ..document.clone() }) > 1e-3);
}

#[test]
fn what_controlnets_cannot_do_is_said() {
    let mut document = with_region("eps");
    let mut region = document::Control::new(net("eps"), ControlMap::Segments);
    region.weight = 0.5;
    document.regions[0].controls.push(region);
    let (mut model, _) = load(&document.settings.model, Device::Cpu, &[]).unwrap();
    let mut run = |document: &Document, options: &Options| draw(document, &mut model, options, &mut ());
    assert!(run(&document, &Options::default()).unwrap().warnings.is_empty(), "a sky has a colour");
    document.regions[0].prompt = "something blue".to_owned();
    document.regions[0].name = "Blue".to_owned();
    let warnings = run(&document, &Options::default()).unwrap().warnings;
    assert_eq!(warnings, [Warning::NoClass { region: "Blue".to_owned() }]);

    let mut attention = document.clone();
    attention.settings.regions = Regions::Attention;
    let with = run(&attention, &Options::default()).unwrap();
    assert_eq!(with.warnings, [Warning::ControlsLeftOut]);
    attention.regions[0].controls.clear();
    assert_eq!(with.latent, run(&attention, &Options::default()).unwrap().latent);

    let reference = Options { reference: true, ..Options::default() };
    let warnings = run(&document, &reference).unwrap().warnings;
    assert_eq!(warnings, [Warning::LeftOutByReference(vec!["ControlNets"])]);

    document.controls.push(document::Control::new(net("sdxl"), ControlMap::Edges));
    let error = run(&document, &Options::default()).unwrap_err().to_string();
    says(&error, &["control/sdxl", "ControlNet for SDXL", "choose a ControlNet of the checkpoint's family"]);
    document.controls[0].net = "/nowhere/depth.safetensors".to_owned();
    says(
        &run(&document, &Options::default()).unwrap_err().to_string(),
        &["/nowhere/depth.safetensors", "no such file"],
    );
    // The model draws on.
    document.controls.clear();
    run(&document, &Options::default()).unwrap();
}

#[test]
fn regions_become_maps() {
    let mut document = Document::new(64, 64);
    document.background.prompt = "a calm sea".to_owned();
    for (name, words, x) in [("Boat", "a red boat", 16), ("Hidden", "a tree", 0), ("Odd", "xyzzy", 40)] {
        let id = document.add_region(name, words);
        let mask = Arc::make_mut(&mut document.region_mut(id).unwrap().mask);
        mask.fill(PixelRect { x, y: 8, width: 24, height: 16 }, 255);
    }
    document.regions[1].visible = false;
    document.regions[2].name = "region 3".to_owned();
    let at = |map: &ControlMap, x, y| map.seen(&document).get_pixel(x, y).0;
    // ADE20K's colours of sea and boat; the uppermost covers; what has no class is black.
    for ((x, y), colour) in [
        ((0, 0), [9, 7, 230]),
        ((16, 8), [173, 255, 0]),
        ((39, 23), [173, 255, 0]),
        ((40, 8), [0; 3]),
        ((63, 8), [0; 3]),
    ] {
        assert_eq!(at(&ControlMap::Segments, x, y), colour, "{x}, {y}");
    }
    // The lines lie at the last pixel before a change, by a naive walk.
    let label = |x: u32, y: u32| if !(8..24).contains(&y) || x < 16 { 0 } else { 1 + u32::from(x >= 40) };
    let edges = ControlMap::Edges.seen(&document);
    for (x, y, pixel) in edges.enumerate_pixels() {
        let change = (x < 63 && label(x + 1, y) != label(x, y)) || (y < 63 && label(x, y + 1) != label(x, y));
        assert_eq!(pixel.0, [if change { 255 } else { 0 }; 3], "{x}, {y}");
    }
    let white = |map: &RgbImage| map.pixels().filter(|pixel| pixel.0 == [255; 3]).count();
    let wide = white(&ControlMap::Scribble.seen(&document));
    assert!(wide > white(&edges) && wide < 4 * white(&edges), "{wide}");
    // Joined edges are edges of nothing where both sides belong to one region.
    document.settings.wrap = document::Wrap::X;
    let wrapped = ControlMap::Edges.seen(&document);
    assert_eq!((wrapped.get_pixel(63, 10).0, wrapped.get_pixel(63, 40).0), ([255; 3], [0; 3]));
}

#[test]
fn canny_finds_opencv_s_edges() {
    let golden = Goldens::open("control_originals.safetensors");
    let (grey, expected) = (golden.get("edges.grey"), golden.get("edges.found"));
    let &[height, width] = grey.shape.as_slice() else { panic!("a picture") };
    let picture = RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb([grey.data[y as usize * width + x as usize] as u8; 3])
    });
    let found = canny(&picture);
    let edges: Vec<f32> = found.pixels().map(|pixel| f32::from(pixel.0[0])).collect();
    let off = edges.iter().zip(&expected.data).filter(|(a, b)| a != b).count();
    let count = expected.data.iter().filter(|value| **value > 0.0).count();
    println!("{count} edges, {off} off");
    assert_eq!(off, 0, "of {count} edges");
    assert!(count > 200);
    // Nothing has edges, whatever its size.
    for (width, height) in [(1, 1), (1, 7), (9, 2)] {
        assert!(canny(&RgbImage::from_pixel(width, height, Rgb([9; 3]))).pixels().all(|pixel| pixel.0 == [0; 3]));
    }
}

/// Every kind of map, globally and within a region; two see one picture.
fn with_everything() -> Document {
    let mut document = with_region("eps");
    let picture = Arc::new(RgbImage::from_fn(192, 128, |x, y| Rgb([x as u8, y as u8, 7])));
    let control =
        |net: &str, map| document::Control { weight: 0.5, start: 0.1, end: 0.9, ..document::Control::new(net, map) };
    document.controls = vec![
        control("depth.safetensors", ControlMap::Picture(Arc::clone(&picture))),
        control("canny.safetensors", ControlMap::Canny(Arc::clone(&picture))),
        control("seg.safetensors", ControlMap::Segments),
    ];
    document.regions[0].controls = vec![
        control("lines.safetensors", ControlMap::Edges),
        control("pose.safetensors", ControlMap::Picture(Arc::new(RgbImage::from_pixel(192, 128, Rgb([1, 2, 3]))))),
        control("scribble.safetensors", ControlMap::Scribble),
    ];
    document
}

#[test]
fn projects_and_pictures_keep_controlnets() {
    let folder = tempfile::tempdir().unwrap();
    let document = with_everything();
    let path = folder.path().join("a.ora");
    document.save(&path).unwrap();
    let opened = Document::open_with_notes(&path).unwrap();
    assert!(opened.notes.is_empty(), "{:?}", opened.notes);
    assert_eq!(
        (&opened.document.controls, &opened.document.regions[0].controls),
        (&document.controls, &document.regions[0].controls)
    );
    assert!(opened.document.extra.is_empty(), "{:?}", opened.document.extra.keys());
    // A picture that two see is there once.
    let zip = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(zip.file_names().filter(|name| name.as_ref().is_ok_and(|name| name.contains("control-"))).count(), 2);
    let exported = folder.path().join("a.png");
    document.export_png(&exported, &RgbImage::new(192, 128), true).unwrap();
    let opened = Document::open(&exported).unwrap();
    assert_eq!(
        (opened.controls, &opened.regions[0].controls),
        (document.controls.clone(), &document.regions[0].controls)
    );
    let text = document.parameters(192, 128, 1);
    assert!(
        text.contains(
            r#"ControlNet 0: "Module: none, Model: depth, Weight: 0.5, Guidance Start: 0.1, Guidance End: 0.9""#
        ),
        "{text}"
    );
    let summary = document.summary(document::Kind::Project);
    let told = summary.to_string();
    assert!(told.contains("depth.safetensors sees a picture, weight 0.5, steps 0.1 to 0.9"), "{told}");
}

#[test]
fn controlnets_are_undone_and_move_with_the_canvas() {
    let (mut document, mut history) = (with_region("eps"), History::default());
    let before = document.clone();
    history.edit(&mut document, "Controls", |document| *document = Document { take: None, ..with_everything() });
    let after = document.clone();
    history.edit(&mut document, "Weight", |document| document.regions[0].controls[0].weight = 0.25);
    history.edit(&mut document, "Size", |document| document.resize_canvas(256, 128, 64, 0).unwrap());
    let ControlMap::Picture(moved) = &document.controls[0].map else { panic!("a picture") };
    assert_eq!((moved.get_pixel(10, 5).0, moved.get_pixel(64 + 10, 5).0), ([0; 3], [10, 5, 7]));
    let ControlMap::Canny(moved) = &document.controls[1].map else { panic!("a picture") };
    assert_eq!(moved.get_pixel(10, 5).0, [0, 5, 7], "goes on");
    history.undo(&mut document).unwrap();
    history.undo(&mut document).unwrap();
    assert_eq!(document, after);
    history.undo(&mut document).unwrap();
    assert_eq!(document, before);
    history.redo(&mut document).unwrap();
    assert_eq!(document, after);
}

#[test]
fn damaged_controlnets_of_a_file_cost_themselves_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ora");
    with_everything().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (_, project) = ora::entries(&bytes).into_iter().find(|(name, _)| name == "polyptych.json").unwrap();
    let mut project: Value = serde_json::from_slice(&project).unwrap();
    project["controls"][0]["picture"] = "data/none.png".into();
    project["controls"][1]["weight"] = 99.0.into();
    project["controls"][2]["map"] = "sound".into();
    std::fs::write(&path, ora::changed(&bytes, &[], &[("polyptych.json", project.to_string().as_bytes())])).unwrap();
    let opened = Document::open_with_notes(&path).unwrap();
    let [canny] = opened.document.controls.as_slice() else { panic!("{:?}", opened.document.controls.len()) };
    assert!((canny.weight - document::MAX_CONTROL_WEIGHT).abs() < f32::EPSILON);
    assert_eq!(opened.document.regions[0].controls.len(), 3);
    let notes = opened.notes.join("\n");
    for words in ["“depth” was left out", "weight of ControlNet “canny”", "“seg” was left out"] {
        assert!(notes.contains(words), "{notes}");
    }
}

#[test]
fn render_takes_controlnets() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    with_region("eps").save(at("a.ora")).unwrap();
    RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8 * 4, y as u8 * 4, 0])).save(at("map.png")).unwrap();
    let run = |options: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
        command.args(["render", &at("a.ora"), "-o", &at("a.png"), "--json", "--quiet", "--device", "cpu"]);
        command.args(options).env("XDG_DATA_HOME", folder.path()).env("HOME", folder.path());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let net = net("eps");
    let (code, told, error) = run(&[
        "--control",
        &format!("{net}={}", at("map.png")),
        "--control",
        &format!("{net}=canny:{}=0.5:0-0.5", at("map.png")),
        "--region-control",
        &format!("1={net}=edges"),
        "--control-weight",
        "0.8",
        "--control-start",
        "0.2",
        "--control-end",
        "0.9",
    ]);
    assert_eq!(code, Some(0), "{error}");
    let told: Value = serde_json::from_str(&told).unwrap();
    let seen = |control: &Value| {
        (control["map"].clone(), control["weight"].as_f64().unwrap() as f32, control["end"].as_f64().unwrap() as f32)
    };
    assert_eq!(seen(&told["controls"][0]), ("picture".into(), 0.8, 0.9));
    assert_eq!(seen(&told["controls"][1]), ("canny".into(), 0.5, 0.5));
    assert_eq!(told["region_controls"][0]["region"], 1);
    assert_eq!(seen(&told["region_controls"][0]["controls"][0]), ("edges".into(), 0.8, 0.9));
    assert!(told["warnings"].to_string().contains("map.png is 64×64 and was scaled"), "{told}");
    let opened = Document::open(at("a.png")).unwrap();
    assert_eq!((opened.controls.len(), opened.regions[0].controls.len()), (2, 1));

    let xl = goldens().join("control/sdxl").display().to_string();
    for (options, words) in [
        (["--control", &format!("{xl}=edges")], "is a ControlNet for SDXL"),
        (["--control", "nothing.safetensors=edges"], "no such file"),
        (["--control", &format!("{net}={}", at("no.png"))], "no.png"),
        (["--region-control", &format!("2={net}=edges")], "there is no region 2"),
    ] {
        let (code, _, error) = run(&options);
        assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.contains(words), "{error}");
    }
    let mut info = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
    let told = info.args(["info", &xl, "--json"]).env("XDG_DATA_HOME", folder.path()).output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["name"], &told["kind"]), (&"sdxl".into(), &"ControlNet for SDXL".into()));
    let (code, _, error) = run(&["--control", &net]);
    assert!(code == Some(2) && error.contains("NET=IMAGE"), "{error}");
}
