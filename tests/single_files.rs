//! Checkpoints in single files: small ones in the original layout against diffusers and transformers
//! (tests/goldens/make_single_file_goldens.py), and all that such files may hold besides.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::single::{self, SingleFile, UNET, VAE, values};
use common::{Goldens, assert_close, goldens, says};
use half::f16;
use polyptych::backend::counted::Counted;
use polyptych::backend::cpu::Cpu;
use polyptych::checkpoint::prompt::{Reading, Rule};
use polyptych::checkpoint::{Checkpoint, Device, FileSummary, Model};
use polyptych::diffusion::{Call, Network as _};
use safetensors::Dtype;
use std::path::Path;

const FAMILIES: [&str; 3] = ["sd1", "sd2", "sdxl"];
const TEXT: &str = "cond_stage_model.transformer.text_model.";

fn open(path: &Path) -> polyptych::checkpoint::Result<Checkpoint> {
    Checkpoint::open(path.to_str().unwrap())
}

fn prompts(golden: &Goldens) -> Vec<String> {
    serde_json::from_value(golden.json("parameters")["prompts"].clone()).unwrap()
}

/// The states of the first prompt and a prediction with it.
fn heard_and_seen(model: &mut Model, family: &str) -> (Vec<f32>, Vec<f32>) {
    let golden = Goldens::open("single_file.safetensors");
    let prompt = model.prompt(&prompts(&golden)[0], Reading::default()).unwrap();
    let latents = golden.planes(&format!("{family}.latents"));
    let seen = model.predict(&latents, 501.0, &[Call { input: 0, prompt, place: None }]).unwrap();
    (model.embedding(prompt).unwrap(), seen.data)
}

fn run(path: &str, family: &str) -> (Vec<f32>, Vec<f32>) {
    heard_and_seen(&mut Checkpoint::open(path).unwrap().load(Device::Cpu).unwrap(), family)
}

#[test]
fn a_file_in_the_original_layout_is_what_diffusers_makes_of_it() {
    let golden = Goldens::open("single_file.safetensors");
    let folder = tempfile::tempdir().unwrap();
    for family in FAMILIES {
        let path = SingleFile::of(family).write(folder.path(), &format!("{family}.safetensors"));
        let checkpoint = open(&path).unwrap();
        assert_eq!(checkpoint.name(), family);
        let mut model = checkpoint.load(Device::Cpu).unwrap();
        for (i, words) in prompts(&golden).iter().enumerate() {
            let prompt = model.prompt(words, Reading::default()).unwrap();
            let found = model.conditioning(prompt).unwrap().clone();
            let what = |what: &str| format!("{family}.{what}.{i}");
            assert_close(&what("tokens"), &found.tokens, &golden.get(&what("tokens")).data, 1e-4);
            if family == "sdxl" {
                assert_close(&what("pooled"), &found.pooled.unwrap(), &golden.get(&what("pooled")).data, 1e-4);
            }
            let latents = golden.planes(&format!("{family}.latents"));
            let seen = model.predict(&latents, 501.0, &[Call { input: 0, prompt, place: None }]).unwrap();
            assert_close(&what("prediction"), &seen.data, &golden.get(&what("prediction")).data, 1e-4);
        }
        let decoded = model.decode(&golden.planes(&format!("{family}.z"))).unwrap();
        assert_close("decoded", &decoded.data, &golden.get(&format!("{family}.decoded")).data, 1e-4);
        let encoded = model.encode(&golden.planes(&format!("{family}.picture"))).unwrap().mean;
        assert_close("encoded", &encoded.data, &golden.get(&format!("{family}.encoded")).data, 1e-4);
    }
}

#[test]
fn the_embedded_vocabulary_gives_transformers_ids() {
    let golden = Goldens::open("single_file.safetensors");
    let folder = tempfile::tempdir().unwrap();
    for (family, padding) in [("sd1", "end"), ("sd2", "zero")] {
        let path = SingleFile::of(family).write(folder.path(), "model.safetensors");
        let tokenizer = open(&path).unwrap().tokenizer().unwrap();
        assert_eq!((tokenizer.vocabulary(), tokenizer.limit()), (49408, 75));
        for (words, expected) in prompts(&golden).iter().zip(golden.get(&format!("ids.{padding}")).data.chunks(77)) {
            let expected: Vec<u32> = expected.iter().map(|&id| id as u32).collect();
            assert_eq!(tokenizer.encode(words, Rule::Comfy).unwrap().chunks[0].ids, expected, "{words}");
        }
    }
}

#[test]
fn a_checkpoint_from_several_files_is_the_one_from_a_single_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: SingleFile, name: &str| file.write(folder.path(), name).display().to_string();
    let sd1 = SingleFile::of("sd1");
    let whole = run(&write(sd1.clone(), "whole.safetensors"), "sd1");
    let unet = write(sd1.part(UNET, ""), "unet.safetensors");
    let text = write(sd1.part(TEXT, "text_model."), "text.safetensors");
    let vae = write(sd1.part(VAE, ""), "vae.safetensors");
    assert_eq!(run(&format!("{unet} + {text} + {vae}"), "sd1"), whole);
    assert_eq!(run(&format!("{vae} + {unet} + {text}"), "sd1"), whole, "in any order");
    // Of a whole checkpoint, what is missing is taken; a file of one network alone replaces it.
    let mut other = SingleFile::of("sd1");
    for (name, (_, _, data)) in &mut other.tensors {
        if name.starts_with(TEXT) {
            data.iter_mut().skip(1).step_by(2).for_each(|byte| *byte ^= 0x80);
        }
    }
    let other = write(other, "other.safetensors");
    assert_eq!(run(&format!("{unet} + {}", folder.path().join("whole.safetensors").display()), "sd1"), whole);
    let changed = run(&other, "sd1");
    assert_ne!(changed.0, whole.0);
    assert_eq!(run(&format!("{unet} + {other}"), "sd1"), changed);
    assert_eq!(run(&format!("{other} + {text}"), "sd1"), whole);
    // A folder gives what files lack, with its own vocabulary.
    let fallback = goldens().join("eps").display().to_string();
    let error = Checkpoint::open(&format!("{unet} + {fallback}")).unwrap_err().to_string();
    says(&error, &["cross_attention_dim is 64", "24"]);
    let summary = Checkpoint::open(&format!("{fallback} + {vae}")).unwrap().summary().unwrap();
    assert_eq!((summary.text_width, summary.vocabulary), (24, 674));
    // What is missing is said.
    says(
        &Checkpoint::open(&unet).unwrap_err().to_string(),
        &["unet.safetensors", "lacks a text encoder and an autoencoder"],
    );
    says(&Checkpoint::open(&format!("{unet} + {vae}")).unwrap_err().to_string(), &["lacks a text encoder;"]);
    says(&Checkpoint::open(&vae).unwrap_err().to_string(), &["vae.safetensors", "no UNet"]);
    says(&Checkpoint::open(&format!("{unet} + /no/such")).unwrap_err().to_string(), &["/no/such"]);

    let sdxl = SingleFile::of("sdxl");
    let whole = run(&write(sdxl.clone(), "xl.safetensors"), "sdxl");
    let first = write(sdxl.part("conditioner.embedders.0.transformer.", ""), "clip_l.safetensors");
    let second = write(sdxl.part("conditioner.embedders.1.model.", ""), "clip_g.safetensors");
    let rest = write(sdxl.without("conditioner."), "xl-rest.safetensors");
    assert_eq!(run(&format!("{rest} + {second} + {first}"), "sdxl"), whole);
    says(&Checkpoint::open(&format!("{rest} + {first}")).unwrap_err().to_string(), &["lacks the second text encoder"]);
}

#[test]
fn an_autoencoder_beside_the_file_is_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let golden = Goldens::open("single_file.safetensors");
    let sd1 = SingleFile::of("sd1");
    sd1.part(VAE, "").write(folder.path(), "mix.vae.safetensors");
    let path = sd1.without(VAE).write(folder.path(), "mix.safetensors");
    let mut model = open(&path).unwrap().load(Device::Cpu).unwrap();
    let decoded = model.decode(&golden.planes("sd1.z")).unwrap();
    assert_close("decoded", &decoded.data, &golden.get("sd1.decoded").data, 1e-4);
}

#[test]
fn what_trainers_and_merges_leave_in_a_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plain = SingleFile::of("sd1");
    let path = plain.write(folder.path(), "plain.safetensors");
    let expected = run(path.to_str().unwrap(), "sd1");
    let mut file = plain
        .with("alphas_cumprod", Dtype::F32, &[3], &[0; 12])
        .with("model_ema.decay", Dtype::F32, &[], &[0; 4])
        .with("model_ema.diffusion_modelinput_blocks00weight", Dtype::F16, &[2], &f16_nan(2))
        .with("global_step", Dtype::I64, &[], &7_i64.to_le_bytes())
        .with(&format!("{TEXT}embeddings.position_ids"), Dtype::F16, &[1, 77], &f16_nan(77))
        .marked("loss.logvar");
    assert_eq!(run(file.write(folder.path(), "mix.safetensors").to_str().unwrap(), "sd1"), expected);
    // Attention of the autoencoder as matrices; some merges lose `text_model.`
    for (name, (_, shape, _)) in &mut file.tensors {
        if name.contains("mid.attn_1.") && shape.len() == 4 {
            shape.truncate(if name.contains(".q.") { 3 } else { 2 });
        }
    }
    let text = file.part(TEXT, "cond_stage_model.transformer.");
    let mut flat = file.without("cond_stage_model.");
    flat.tensors.extend(text.tensors);
    let path = flat.write(folder.path(), "flat.safetensors");
    assert_eq!(run(path.to_str().unwrap(), "sd1"), expected);
}

fn f16_nan(count: usize) -> Vec<u8> {
    f16::NAN.to_le_bytes().repeat(count)
}

#[test]
fn a_file_s_own_bytes_go_to_the_backend() {
    let folder = tempfile::tempdir().unwrap();
    for family in FAMILIES {
        let path = SingleFile::of(family).write(folder.path(), "model.safetensors");
        let backend = Counted::new(Cpu::new());
        let book = backend.with(Cpu::new());
        open(&path).unwrap().load_on(backend).unwrap();
        let (borrowed, computed) = book.packed();
        // The projection of the pooled text lies in the file the other way round.
        assert_eq!((borrowed > 500, computed), (true, usize::from(family == "sdxl")), "{family}");
    }
}

#[test]
fn other_types_of_numbers_are_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let f16 = SingleFile::of("sd1");
    let golden = Goldens::open("single_file.safetensors");
    for dtype in [Dtype::F32, Dtype::F64, Dtype::BF16] {
        let mut file = f16.clone();
        for (name, (kind, shape, data)) in &mut file.tensors {
            (*kind, *data) = (dtype, single::bytes(&values(name, shape), dtype));
        }
        let path = file.write(folder.path(), "other.safetensors");
        let found = run(path.to_str().unwrap(), "sd1");
        let limit = if dtype == Dtype::BF16 { 0.05 } else { 1e-4 };
        assert_close(&format!("{dtype:?}"), &found.1, &golden.get("sd1.prediction.0").data, limit);
    }
}

/// The value of a byte, by the definition of the format: sign, exponent and mantissa.
fn fp8(code: u8, mantissa_bits: i32, bias: i32) -> f32 {
    let sign = if code & 0x80 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(code & 0x7f) >> mantissa_bits, i32::from(code) & ((1 << mantissa_bits) - 1));
    let fraction = mantissa as f32 / (1 << mantissa_bits) as f32;
    sign * if exponent == 0 { fraction * 2_f32.powi(1 - bias) } else { (1.0 + fraction) * 2_f32.powi(exponent - bias) }
}

#[test]
fn weights_of_8_bits_are_their_value_times_their_scale() {
    let folder = tempfile::tempdir().unwrap();
    for (dtype, mantissa, bias, scale, ending) in [
        (Dtype::F8_E4M3, 3, 7, None, ""),
        (Dtype::F8_E5M2, 2, 15, None, ""),
        (Dtype::F8_E4M3, 3, 7, Some(0.0123_f32), "scale_weight"),
        (Dtype::F8_E4M3, 3, 7, Some(0.25), "weight_scale"),
    ] {
        let (mut narrow, mut wide) = (SingleFile::of("sd1"), SingleFile::of("sd1"));
        let names: Vec<String> = narrow.tensors.keys().cloned().collect();
        for name in names.iter().filter(|name| name.starts_with(UNET) && name.ends_with(".weight")) {
            let shape = narrow.tensors[name].1.clone();
            if shape.len() < 2 {
                continue;
            }
            let codes: Vec<u8> = values(name, &shape)
                .iter()
                .map(|v| if mantissa == 2 { v.to_le_bytes()[1] } else { e4m3_near(*v) })
                .collect();
            let factor = scale.unwrap_or(1.0);
            let numbers = codes.iter().flat_map(|&code| (fp8(code, mantissa, bias) * factor).to_le_bytes()).collect();
            narrow.tensors.insert(name.clone(), (dtype, shape.clone(), codes));
            wide.tensors.insert(name.clone(), (Dtype::F32, shape, numbers));
            if let Some(scale) = scale {
                let layer = name.strip_suffix("weight").unwrap();
                narrow = narrow.with(&format!("{layer}{ending}"), Dtype::F32, &[], &scale.to_le_bytes());
            }
        }
        let narrow = narrow.with("scaled_fp8", dtype, &[0], &[]).write(folder.path(), "narrow.safetensors");
        let wide = wide.write(folder.path(), "wide.safetensors");
        let [found, expected] = [&narrow, &wide].map(|path| run(path.to_str().unwrap(), "sd1"));
        assert_close(&format!("{dtype:?} {scale:?}"), &found.1, &expected.1, 1e-6);
        assert!(open(&narrow).unwrap().summary().unwrap().parts[0].dtype.starts_with("fp8"));
    }
}

/// The code of E4M3 at or below a value's size. (The upper bits of an f16, whose exponent's bias is 8 more.)
fn e4m3_near(value: f16) -> u8 {
    let bits = value.to_bits();
    let code = (i32::from(bits & 0x7fff) >> 7) - (8 << 3);
    u8::try_from(code.max(0)).unwrap() | if bits & 0x8000 == 0 { 0 } else { 0x80 }
}

#[test]
fn a_file_says_what_its_unet_predicts() {
    let folder = tempfile::tempdir().unwrap();
    let scheduler = |file: &SingleFile| {
        let path = file.write(folder.path(), "mix.safetensors");
        let checkpoint = open(&path).unwrap();
        let told = checkpoint.scheduler().clone();
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        let zero = told["rescale_betas_zero_snr"].as_bool().unwrap();
        (text("prediction_type"), text("timestep_spacing"), zero, checkpoint.window())
    };
    let told =
        |prediction: &str, spacing: &str, zero, window| (prediction.to_owned(), spacing.to_owned(), zero, window);
    let with = |family: &str, key: &str, value: &str| {
        let mut file = SingleFile::of(family);
        file.metadata.insert(key.to_owned(), value.to_owned());
        file
    };
    let xl = SingleFile::of("sdxl");
    assert_eq!(scheduler(&xl), told("epsilon", "leading", false, 128));
    assert_eq!(scheduler(&xl.clone().marked("v_pred")), told("v_prediction", "leading", false, 128));
    assert_eq!(scheduler(&xl.marked("v_pred").marked("ztsnr")), told("v_prediction", "trailing", true, 128));
    let v = "modelspec.prediction_type";
    assert_eq!(scheduler(&with("sd1", v, "v")), told("v_prediction", "leading", false, 64));
    assert_eq!(scheduler(&with("sd1", "modelspec.resolution", "768x768")), told("epsilon", "leading", false, 96));
    // Stable Diffusion 2 by the spread of one norm's bias, where nothing says it.
    let bias = format!("{UNET}output_blocks.11.1.transformer_blocks.0.norm1.bias");
    let spread = |wide: bool| {
        let mut file = SingleFile::of("sd2");
        let (_, _, data) = file.tensors.get_mut(&bias).unwrap();
        let value =
            |i: usize| f16::from_f32(if i.is_multiple_of(2) { 0.1 } else { -0.1 } * if wide { 1.0 } else { 0.8 });
        *data = (0..data.len() / 2).flat_map(|i| value(i).to_le_bytes()).collect();
        file
    };
    assert_eq!(scheduler(&spread(true)), told("v_prediction", "leading", false, 96));
    assert_eq!(scheduler(&spread(false)), told("epsilon", "leading", false, 64));
    let mut said = spread(true);
    said.metadata.insert(v.to_owned(), "epsilon".to_owned());
    assert_eq!(scheduler(&said), told("epsilon", "leading", false, 64));
    std::fs::write(folder.path().join("mix.yaml"), "model:\n  params:\n    parameterization: \"v\"\n").unwrap();
    assert_eq!(scheduler(&SingleFile::of("sd1")), told("v_prediction", "leading", false, 64));
}

#[test]
fn an_inpainting_unet_has_nine_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = SingleFile::of("sd1");
    let name = format!("{UNET}input_blocks.0.0.weight");
    let shape = vec![32, 9, 3, 3];
    let data = single::bytes(&values(&name, &shape), Dtype::F16);
    file.tensors.insert(name, (Dtype::F16, shape, data));
    let path = file.write(folder.path(), "inpaint.safetensors");
    assert_eq!(open(&path).unwrap().load(Device::Cpu).unwrap().in_channels(), 9);
    assert!(FileSummary::of(&path).unwrap().kind.contains("inpainting"));
    for (inputs, name) in [(8, "InstructPix2Pix"), (5, "depth"), (7, "x4 upscaler")] {
        let mut file = SingleFile::default();
        file.tensors
            .insert(format!("{UNET}input_blocks.0.0.weight"), (Dtype::F16, vec![1, inputs, 1, 1], vec![0; 2 * inputs]));
        let path = file.write(folder.path(), "other.safetensors");
        says(&open(&path).unwrap_err().to_string(), &["other.safetensors", name, "not supported yet"]);
    }
}
