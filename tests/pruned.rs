//! UNets shaped like pruned SDXL (SSD-1B, Vega, Koala), told by their tensors alone, against diffusers
//! (tests/goldens/make_pruned_goldens.py).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::single::{SingleFile, UNET, bytes, values};
use common::weights::InMemory;
use common::{Goldens, assert_close, goldens, says};
use polyptych::backend::Backend as _;
use polyptych::backend::cpu::Cpu;
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Checkpoint, Device};
use polyptych::diffusion::{Call, Network as _};
use polyptych::networks::Sizes;
use polyptych::networks::unet::{Added, Config, Unet};
use safetensors::Dtype;
use serde_json::{Value, json};

const MODELS: [&str; 2] = ["ssd", "koala"];
const CASES: [&str; 2] = ["square", "odd"];

fn facts() -> Value {
    serde_json::from_slice(&std::fs::read(goldens().join("pruned.json")).unwrap()).unwrap()
}

/// A model's UNet by its names in the original layout.
fn unet(facts: &Value) -> SingleFile {
    let shapes = facts["shapes"].as_object().unwrap().iter();
    let tensors = shapes.map(|(name, shape)| {
        let shape: Vec<usize> = serde_json::from_value(shape.clone()).unwrap();
        let data = bytes(&values(name, &shape), Dtype::F16);
        (name.clone(), (Dtype::F16, shape, data))
    });
    SingleFile { tensors: tensors.collect(), ..SingleFile::default() }
}

/// The same by diffusers' names.
fn renamed(facts: &Value) -> SingleFile {
    let file = unet(facts);
    let names = facts["diffusers"].as_object().unwrap().iter();
    let tensor = |original: &Value| file.tensors[&format!("{UNET}{}", original.as_str().unwrap())].clone();
    let tensors = names.map(|(name, original)| (name.clone(), tensor(original)));
    SingleFile { tensors: tensors.collect(), ..SingleFile::default() }
}

#[test]
fn files_in_either_layout_predict_what_diffusers_does() {
    let (golden, words) = (Goldens::open("pruned.safetensors"), Goldens::open("single_file.safetensors"));
    let words: Vec<String> = serde_json::from_value(words.json("parameters")["prompts"].clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let fallback = SingleFile::of("sdxl").write(folder.path(), "sdxl.safetensors").display().to_string();
    let facts = facts();
    for name in MODELS {
        let mut whole = SingleFile::of("sdxl").without(UNET);
        whole.tensors.extend(unet(&facts[name]).tensors);
        let whole = whole.write(folder.path(), "whole.safetensors").display().to_string();
        let alone = renamed(&facts[name]).write(folder.path(), "unet.safetensors").display().to_string();
        for path in [whole, format!("{alone} + {fallback}")] {
            let mut model = Checkpoint::open(&path).unwrap().load(Device::Cpu).unwrap();
            let prompt = model.prompt(&words[0], Reading::default()).unwrap();
            for case in CASES {
                let latents = golden.planes(&format!("{name}.{case}.latents"));
                let found = model.predict(&latents, 501.0, &[Call { input: 0, prompt, place: None }]).unwrap();
                let expected = &golden.get(&format!("{name}.{case}.prediction")).data;
                assert_close(&format!("{path} {name} {case}"), &found.data, expected, 1e-4);
            }
        }
    }
}

#[test]
fn a_folder_s_config_is_read_as_diffusers_reads_it() {
    let (golden, words) = (Goldens::open("pruned.safetensors"), Goldens::open("single_file.safetensors"));
    let folder = tempfile::tempdir().unwrap();
    let b = Cpu::new();
    for name in MODELS {
        let facts = &facts()[name];
        let weights = InMemory::open(&renamed(facts).write(folder.path(), "unet.safetensors"));
        let unet = Unet::load(Config::parse(&facts["config"], "config.json").unwrap(), &b, &weights).unwrap();
        let tokens = b.upload(&[1, 77, 96], &words.get("sdxl.tokens.0").data).unwrap();
        let prompt = unet.prompt(&b, &tokens).unwrap();
        let pooled = words.get("sdxl.pooled.0").data.clone();
        for case in CASES {
            let latents = golden.planes(&format!("{name}.{case}.latents"));
            let sizes = Sizes::whole(8 * latents.height, 8 * latents.width);
            let step = unet.step(&b, 501.0, &[Added { pooled: pooled.clone(), sizes }]).unwrap();
            let x = b.upload(&[1, 4, latents.height, latents.width], &latents.data).unwrap();
            let found = b.download(&unet.forward(&b, &x, &step, &[0], &[&prompt]).unwrap()).unwrap();
            let expected = &golden.get(&format!("{name}.{case}.prediction")).data;
            assert_close(&format!("{name} {case}"), &found, expected, 1e-4);
        }
    }
}

#[test]
fn depths_that_do_not_fit_are_named() {
    let wrong = |key: &str, value: Value| {
        let mut config = facts()["ssd"]["config"].clone();
        config[key] = value;
        Config::parse(&config, "unet/config.json").unwrap_err().to_string()
    };
    let (down, up) = ("transformer_layers_per_block", "reverse_transformer_layers_per_block");
    for value in [json!([1, [2], [1, 3]]), json!([1, 2]), json!([1, [2, 65], 1]), json!(["many", 1, 1])] {
        says(&wrong(down, value), &["unet/config.json", down]);
    }
    says(&wrong(up, json!([[1, 1], 1, 1])), &["unet/config.json", up]);
    says(&wrong(up, Value::Null), &["unet/config.json", up, "missing"]);
}
