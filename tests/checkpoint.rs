//! Opening checkpoints, whole and broken. Whatever is wrong with a file is one line that names it, in bounded time and
//! memory.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{add_few_steps, says};
use polyptych::backend::Device;
use polyptych::checkpoint::prompt::{Reading, Rule};
use polyptych::checkpoint::{Callable, Checkpoint, FewSteps, few_step_base, few_step_version};
use polyptych::diffusion::{Call, Network as _, Planes};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name)
}

/// A copy of a golden checkpoint, to break.
struct Broken(TempDir);

impl Broken {
    fn copy(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["scheduler", "text_encoder", "tokenizer", "unet", "vae"] {
            fs::create_dir(folder.path().join(part)).unwrap();
            for entry in fs::read_dir(golden(name).join(part)).unwrap().map(Result::unwrap) {
                fs::copy(entry.path(), folder.path().join(part).join(entry.file_name())).unwrap();
            }
        }
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn set(&self, file: &str, key: &str, value: Value) {
        let mut config: Value = serde_json::from_str(&fs::read_to_string(self.path(file)).unwrap()).unwrap();
        config[key] = value;
        fs::write(self.path(file), config.to_string()).unwrap();
    }

    /// Changes bytes of a file.
    fn edit(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(file)).unwrap();
        change(&mut bytes);
        fs::write(self.path(file), bytes).unwrap();
    }

    /// Opens and loads; it must fail with one line that holds all of `words`.
    #[track_caller]
    fn fails(&self, words: &[&str]) {
        let result = Checkpoint::open(self.0.path().to_str().unwrap())
            .and_then(|checkpoint| checkpoint.load(Device::Cpu).map(|_| ()));
        says(&result.unwrap_err().to_string(), words);
    }
}

#[test]
fn a_checkpoint_says_what_it_is() {
    let checkpoint = Checkpoint::open(golden("vpred").to_str().unwrap()).unwrap();
    assert_eq!(checkpoint.name(), "vpred");
    assert_eq!(checkpoint.window(), 16);
    assert_eq!(checkpoint.latent_scale(), 8);
    assert_eq!(checkpoint.scheduler()["prediction_type"], "v_prediction");
    let summary = checkpoint.summary().unwrap();
    assert_eq!(summary.prediction_type, "v_prediction");
    assert_eq!(summary.kind, "latent diffusion");
    assert_eq!((summary.vocabulary, summary.token_limit), (674, 75));
    assert_eq!(summary.known_words, None);
    let unet = &summary.parts[0];
    assert_eq!((unet.name, unet.dtype), ("unet", "f16"));
    assert!(unet.parameters * 2 < unet.bytes && unet.bytes < unet.parameters * 2 + 100_000, "{unet:?}");
    println!("{}", serde_json::to_string_pretty(&summary).unwrap());
}

#[test]
fn the_embedded_checkpoint_opens_and_draws() {
    let checkpoint = Checkpoint::open("embedded").unwrap();
    assert_eq!(checkpoint.name(), "embedded");
    assert_eq!(checkpoint.latent_scale(), 8);
    let summary = checkpoint.summary().unwrap();
    assert!(!summary.known_words.unwrap().things.is_empty(), "it says what it can draw");
    let window = checkpoint.window();
    let mut model = checkpoint.load(Device::Cpu).unwrap();
    let words = model.prompt("a red house", Reading::default()).unwrap();
    let latents = Planes::zeros(1, 4, window, window);
    let prediction = model.predict(&latents, 500.0, &[Call { input: 0, prompt: words, place: None }]).unwrap();
    let picture = model.decode(&prediction).unwrap();
    assert_eq!((picture.channels, picture.height, picture.width), (3, 8 * window, 8 * window));
    assert!(picture.data.iter().all(|value| value.is_finite()));
}

#[test]
fn the_embedded_checkpoint_s_few_step_version_is_offered_where_its_weights_are_in_the_program() {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/embedded/few_steps").join(UNET);
    assert_eq!(few_step_version("embedded").is_some(), weights.is_file());
    if few_step_version("embedded").is_none() {
        says(&Checkpoint::open("embedded/few_steps").unwrap_err().to_string(), &["few_steps/unet", "no such file"]);
        return;
    }
    let [finished, few] = ["embedded", "embedded/few_steps"].map(|name| Checkpoint::open(name).unwrap());
    assert_eq!((finished.few_steps(), few.few_steps()), (None, Some(FewSteps::Lcm)));
    assert_eq!(few.name(), "embedded/few_steps");
    assert_eq!(few_step_base("embedded/few_steps").as_deref(), Some("embedded"));
    assert_eq!((few.window(), few.scheduler()["prediction_type"].as_str()), (finished.window(), Some("v_prediction")));
    let [summary, of_few] = [&finished, &few].map(|checkpoint| checkpoint.summary().unwrap());
    assert_eq!((of_few.known_words, of_few.parts[0].parameters), (summary.known_words, summary.parts[0].parameters));
    let mut model = few.load(Device::Cpu).unwrap();
    let words = model.prompt("a red house", Reading::default()).unwrap();
    let latents = Planes::zeros(1, 4, few.window(), few.window());
    let prediction = model.predict(&latents, 999.0, &[Call { input: 0, prompt: words, place: None }]).unwrap();
    assert!(prediction.data.iter().all(|value| value.is_finite()));
}

/// What a checkpoint makes of some words, and the UNet of these words.
fn heard_and_seen(path: &str) -> (Vec<f32>, Vec<f32>) {
    let mut model = Checkpoint::open(path).unwrap().load(Device::Cpu).unwrap();
    let words = model.prompt("a red fox", Reading::default()).unwrap();
    let mut latents = Planes::zeros(1, 4, 16, 16);
    latents.data.iter_mut().enumerate().for_each(|(i, v)| *v = (i as f32).sin());
    let prediction = model.predict(&latents, 500.0, &[Call { input: 0, prompt: words, place: None }]).unwrap();
    (model.embedding(words).unwrap(), prediction.data)
}

#[test]
fn a_few_step_version_lies_in_the_folder_of_what_it_was_made_from() {
    let broken = Broken::copy("vpred");
    let path = broken.0.path().to_str().unwrap();
    assert_eq!((few_step_version(path), few_step_base(path)), (None, None));
    add_few_steps(broken.0.path());
    let few = few_step_version(path).unwrap();
    assert_eq!(Path::new(&few), broken.path("few_steps"));
    assert_eq!((few_step_base(&few).as_deref(), few_step_version(&few)), (Some(path), None));
    assert_eq!((FewSteps::of(path), FewSteps::of(&few)), (None, Some(FewSteps::Lcm)));
    let checkpoint = Checkpoint::open(&few).unwrap();
    assert!(checkpoint.name().ends_with("/few_steps") && checkpoint.name().len() > "/few_steps".len());
    // The words are the outer one's, the UNet is its own.
    let (outer, inner) = (heard_and_seen(path), heard_and_seen(&few));
    assert_eq!(outer.0, inner.0);
    assert_ne!(outer.1, inner.1);
    // One with a text encoder of its own hears with that.
    fs::create_dir(broken.path("few_steps/text_encoder")).unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs::copy(broken.path("text_encoder").join(file), broken.path("few_steps/text_encoder").join(file)).unwrap();
    }
    broken.edit("few_steps/text_encoder/model.safetensors", |bytes| {
        let at = bytes.len() - 2;
        bytes[at] ^= 0x80;
    });
    assert_ne!(heard_and_seen(&few).0, outer.0);

    // It says what it lacks by its own name, and never draws with the outer one's UNet.
    for file in ["scheduler/scheduler_config.json", "unet/config.json", UNET] {
        let broken = Broken::copy("vpred");
        add_few_steps(broken.0.path());
        fs::remove_file(broken.path("few_steps").join(file)).unwrap();
        let few = broken.path("few_steps");
        says(&Checkpoint::open(few.to_str().unwrap()).unwrap_err().to_string(), &["few_steps", file]);
        assert_eq!(few_step_version(broken.0.path().to_str().unwrap()).is_some(), file != UNET);
    }
    // What it says of itself counts, not what the outer one says; Euler where it says nothing.
    let broken = Broken::copy("vpred");
    add_few_steps(broken.0.path());
    fs::write(broken.path("README.md"), "---\ntags:\n- lcm\n---\n").unwrap();
    broken.set("few_steps/scheduler/scheduler_config.json", "_class_name", json!("EulerDiscreteScheduler"));
    let few = broken.path("few_steps");
    assert_eq!(FewSteps::of(few.to_str().unwrap()), Some(FewSteps::Adversarial));
    assert_eq!(FewSteps::of(broken.0.path().to_str().unwrap()), Some(FewSteps::Lcm));
}

#[test]
fn known_words_are_read() {
    let broken = Broken::copy("eps");
    let words = json!({ "things": [{ "name": "house", "synonyms": ["cottage"] }], "colours": ["red"], "more": 1 });
    fs::write(broken.path("known_words.json"), words.to_string()).unwrap();
    let checkpoint = Checkpoint::open(broken.0.path().to_str().unwrap()).unwrap();
    let known = checkpoint.summary().unwrap().known_words.unwrap();
    assert_eq!((known.things[0].name.as_str(), known.colours[0].as_str()), ("house", "red"));
}

#[test]
fn counts_tokens_by_chunks() {
    let checkpoint = Checkpoint::open(golden("eps").to_str().unwrap()).unwrap();
    let (tokenizer, mut counter) = (checkpoint.tokenizer().unwrap(), checkpoint.counter().unwrap());
    let mut count = |words: &str| counter.count(words, Rule::WebUi, Callable { embeddings: &[], loras: &[] }).unwrap();
    let tokens = tokenizer.encode("red, red", Rule::WebUi).unwrap();
    assert_eq!((tokens.count, tokens.chunks.len(), tokens.chunks[0].ids.len()), (3, 1, 77));
    assert_eq!(count(&"red ".repeat(75)), (75, 75));
    let tokens = tokenizer.encode(&"red ".repeat(80), Rule::WebUi).unwrap();
    assert_eq!((tokens.count, tokens.chunks.len()), (80, 2));
    assert!(tokens.chunks.iter().all(|chunk| chunk.ids.len() == 77 && chunk.ids[76] == 673), "each has its end");
    assert_eq!(count(&"red ".repeat(80)), (80, 150));
    // What follows the last comma goes along into the next chunk.
    let comma = format!("{}, {}", "red ".repeat(70), "fox ".repeat(8));
    let (of_words, of_comma) =
        (tokenizer.encode(&comma, Rule::Comfy).unwrap(), tokenizer.encode(&comma, Rule::WebUi).unwrap());
    assert_eq!((of_words.count, of_words.chunks.len()), (of_comma.count, of_comma.chunks.len()));
    assert!(of_comma.chunks[0].ids[72..] == [673; 5] && of_words.chunks[0].ids[72..76] != [673; 4]);
    // A hostile prompt ends somewhere.
    assert!(tokenizer.encode(&"red ".repeat(1 << 18), Rule::WebUi).unwrap().count < 1 << 15);
    assert!(tokenizer.encode(&"é".repeat(1 << 19), Rule::Comfy).unwrap().count < 1 << 16);
}

#[test]
fn a_prompt_in_special_characters_has_transformers_ids() {
    // SD 2's padding token is "!", so it is one token wherever it stands.
    let ids = |name: &str, text: &str| {
        let tokenizer = Checkpoint::open(golden(name).to_str().unwrap()).unwrap().tokenizer().unwrap();
        tokenizer.encode(text, Rule::WebUi).unwrap().chunks[0].ids[1..4].to_vec()
    };
    assert_eq!(ids("vpred", "!!"), [0, 0, 673]);
    assert_eq!(ids("eps", "<|endoftext|>")[0], 673);
}

#[test]
fn a_missing_path_is_named() {
    says(&Checkpoint::open("/no/such/folder").unwrap_err().to_string(), &["/no/such/folder", "diffusers"]);
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().to_str().unwrap();
    says(&Checkpoint::open(path).unwrap_err().to_string(), &[path, "not a diffusers folder"]);
}

#[test]
fn pickles_and_files_of_no_model_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, word) in [
        ("model.safetensors", b"        ".as_slice(), "its header claims"),
        ("model.ckpt", b"x", "pickle"),
        ("model.PT", b"x", "pickle"),
        ("model", b"PK\x03\x04", "pickle"),
        ("model.dat", b"\x80\x02}", "pickle"),
        ("picture.png", b"\x89PNG", "not a checkpoint"),
        ("nothing.bin", b"", "pickle"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        says(&Checkpoint::open(path.to_str().unwrap()).unwrap_err().to_string(), &[name, word]);
    }
    let broken = Broken::copy("eps");
    fs::rename(broken.path(UNET), broken.path("unet/diffusion_pytorch_model.bin")).unwrap();
    broken.fails(&["unet/diffusion_pytorch_model.bin", "pickle", ".safetensors"]);
}

#[test]
fn missing_files_are_named() {
    for file in ["unet/config.json", "vae/config.json", "text_encoder/model.safetensors", "tokenizer/merges.txt", UNET]
    {
        let broken = Broken::copy("eps");
        fs::remove_file(broken.path(file)).unwrap();
        broken.fails(&[file]);
    }
}

#[test]
fn damaged_safetensors_are_named() {
    for (change, word) in [
        ((|bytes| bytes.truncate(bytes.len() - 1)) as fn(&mut Vec<u8>), "cut short"),
        (|bytes| bytes.truncate(100), "cut short"),
        (|bytes| bytes.truncate(5), "too short"),
        (Vec::clear, "too short"),
        (|bytes| bytes.push(0), "size does not agree"),
        (|bytes| bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes()), "header"),
        (|bytes| bytes[..8].copy_from_slice(&(1_u64 << 26).to_le_bytes()), "header"),
        (|bytes| bytes[8..16].copy_from_slice(b"rubbish!"), "not a safetensors file"),
        (|bytes| bytes[..16].copy_from_slice(b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0"), "pickle"),
    ] {
        let broken = Broken::copy("eps");
        broken.edit(UNET, change);
        broken.fails(&[UNET, word]);
    }
    // Offsets beyond the file, shapes whose product overflows, a header of absurd depth.
    for header in [
        r#"{"conv_in.weight":{"dtype":"F32","shape":[8,4,3,3],"data_offsets":[0,1152]}}"#.to_owned(),
        r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}"#.to_owned(),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        let broken = Broken::copy("eps");
        let mut bytes = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        fs::write(broken.path(UNET), bytes).unwrap();
        broken.fails(&[UNET, "safetensors"]);
    }
}

/// Changes the header of a safetensors file, of the same length after padding.
fn edit_header(broken: &Broken, change: impl FnOnce(&mut Value)) {
    broken.edit(UNET, |bytes| {
        let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        change(&mut header);
        let header = header.to_string().into_bytes();
        let mut new = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
        new.extend(header);
        new.extend(&bytes[8 + length..]);
        *bytes = new;
    });
}

#[test]
fn wrong_tensors_are_named() {
    let broken = Broken::copy("eps");
    edit_header(&broken, |header| header["conv_in.weight"]["shape"] = json!([4, 8, 3, 3]));
    broken.fails(&[UNET, "conv_in.weight", "[4, 8, 3, 3]", "[8, 4, 3, 3]"]);

    let broken = Broken::copy("eps");
    edit_header(&broken, |header| {
        let tensor = header.as_object_mut().unwrap().remove("conv_in.weight").unwrap();
        header["something.else"] = tensor;
    });
    broken.fails(&[UNET, "conv_in.weight", "missing"]);

    let broken = Broken::copy("eps");
    edit_header(&broken, |header| header["conv_in.bias"]["dtype"] = json!("I32"));
    broken.fails(&[UNET, "conv_in.bias", "I32"]);

    let broken = Broken::copy("eps");
    broken.edit(UNET, |bytes| {
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    broken.fails(&[UNET, "NaN"]);
    broken.edit(UNET, |bytes| {
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
    });
    broken.fails(&[UNET, "-inf"]);
}

#[test]
fn configs_that_are_not_implemented_are_refused_by_key() {
    let unet = "unet/config.json";
    for (file, key, value) in [
        (unet, "resnet_time_scale_shift", json!("scale_shift")),
        (unet, "addition_embed_type", json!("text_image")),
        (unet, "mid_block_type", json!("UNetMidBlock2DSimpleCrossAttn")),
        (unet, "down_block_types", json!(["AttnDownBlock2D", "DownBlock2D", "DownBlock2D"])),
        (unet, "act_fn", json!("gelu")),
        (unet, "class_embed_type", json!("timestep")),
        (unet, "dual_cross_attention", json!(true)),
        (unet, "in_channels", json!(5)),
        ("vae/config.json", "act_fn", json!("relu")),
        ("vae/config.json", "latents_mean", json!([0, 0, 0, 0])),
        ("text_encoder/config.json", "hidden_act", json!("relu")),
    ] {
        let broken = Broken::copy("eps");
        broken.set(file, key, value);
        let key = if key == "in_channels" { "5 to 4 channels" } else { key };
        broken.fails(&[file, key, "not supported"]);
    }
}

#[test]
fn wrong_configs_are_named() {
    let unet = "unet/config.json";
    for (file, key, value) in [
        (unet, "block_out_channels", json!([])),
        (unet, "block_out_channels", json!("many")),
        (unet, "block_out_channels", json!([8, 16])),
        (unet, "block_out_channels", json!(vec![8; 1000])),
        (unet, "layers_per_block", json!(-1)),
        (unet, "layers_per_block", json!(1_000_000)),
        (unet, "layers_per_block", json!([1, 1])),
        (unet, "attention_head_dim", json!(3)),
        (unet, "norm_num_groups", json!(5)),
        (unet, "norm_num_groups", json!(0)),
        (unet, "norm_eps", json!("small")),
        (unet, "transformer_layers_per_block", json!(1_000_000)),
        ("vae/config.json", "scaling_factor", json!(0)),
        ("text_encoder/config.json", "num_attention_heads", json!(5)),
    ] {
        let broken = Broken::copy("eps");
        broken.set(file, key, value);
        // The counts of blocks are compared with block_out_channels; either key may be blamed.
        let key = if key == "block_out_channels" { "block" } else { key };
        broken.fails(&[file, key]);
    }
    let broken = Broken::copy("eps");
    fs::write(broken.path(unet), "[".repeat(1_000_000)).unwrap();
    broken.fails(&[unet, "JSON"]);
    fs::write(broken.path(unet), [0xFF, 0xFE, 0]).unwrap();
    broken.fails(&[unet, "UTF-8"]);
    fs::write(broken.path(unet), "7").unwrap();
    broken.fails(&[unet, "7"]);

    let broken = Broken::copy("eps");
    broken.set("text_encoder/config.json", "hidden_size", json!(48));
    broken.fails(&[unet, "cross_attention_dim is 24", "48"]);
}

#[test]
fn wrong_vocabularies_are_named() {
    let broken = Broken::copy("eps");
    fs::write(broken.path("tokenizer/merges.txt"), "#version: 0.2\nred\n").unwrap();
    broken.fails(&["merges.txt"]);
    fs::write(broken.path("tokenizer/merges.txt"), "no such\n").unwrap();
    broken.fails(&["vocab.json"]);
    let broken = Broken::copy("eps");
    fs::write(broken.path("tokenizer/vocab.json"), "{}").unwrap();
    broken.fails(&["vocab.json"]);
    let broken = Broken::copy("vpred");
    fs::write(broken.path("tokenizer/tokenizer.json"), "{}").unwrap();
    broken.fails(&["tokenizer.json"]);
    let broken = Broken::copy("vpred");
    broken.set("tokenizer/tokenizer_config.json", "pad_token", json!("no such token"));
    broken.fails(&["tokenizer.json", "no such token"]);
}
