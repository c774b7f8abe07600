//! Whole drawings with checkpoints in single files, and textual inversions, against diffusers and transformers
//! (tests/goldens/make_inversion_goldens.py).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::single::{SingleFile, UNET, VAE, bytes, values};
use common::{Goldens, assert_close, goldens, says};
use half::f16;
use polyptych::checkpoint::prompt::{Reading, Rule};
use polyptych::checkpoint::{Callable, Checkpoint, Device, LeftOut, LoraFile, Model, PartName, Progress};
use polyptych::diffusion::{Call, Network as _, Planes};
use polyptych::document::{Document, Prediction, PromptRule, Sampler};
use polyptych::studio::{self, Manners, Options, Warning, draw};
use safetensors::Dtype;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const WEB_UI: Reading = Reading { rule: Rule::WebUi, clip_skip: None };
const COMFY: Reading = Reading { rule: Rule::Comfy, clip_skip: None };

fn golden() -> Goldens {
    Goldens::open("single_file_runs.safetensors")
}

fn load(path: &Path) -> Model {
    Checkpoint::open(path.to_str().unwrap()).unwrap().load(Device::Cpu).unwrap()
}

/// A file of vectors, as the script makes them.
fn inversion(folder: &Path, name: &str, vectors: &[(&str, usize)]) -> PathBuf {
    let mut file = SingleFile::default();
    for &(tensor, width) in vectors {
        let data = bytes(&values(tensor, &[2, width]), Dtype::F16);
        file = file.with(tensor, Dtype::F16, &[2, width], &data);
    }
    fs::create_dir_all(folder).unwrap();
    file.write(folder, name)
}

fn with(family: &str) -> SingleFile {
    let mut file = SingleFile::of(family.trim_end_matches("-v").trim_end_matches("-untold"));
    match family {
        "sd2" => drop(file.metadata.insert("modelspec.prediction_type".to_owned(), "v".to_owned())),
        "sdxl-v" => file = file.marked("v_pred").marked("ztsnr"),
        _ => {}
    }
    file
}

#[test]
fn eight_steps_of_each_family_are_diffusers() {
    let (golden, folder) = (golden(), tempfile::tempdir().unwrap());
    let told = golden.json("parameters");
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    // By what the file tells; and of a file that tells nothing, or something else, by hand.
    for (family, file, prediction) in [
        ("sd1", "sd1", Prediction::Auto),
        ("sd2", "sd2", Prediction::Auto),
        ("sdxl", "sdxl", Prediction::Auto),
        ("sdxl-v", "sdxl-v", Prediction::Auto),
        ("sd2", "sd2-untold", Prediction::V),
        ("sdxl-v", "sdxl", Prediction::VZsnr),
        ("sdxl", "sdxl-v", Prediction::Epsilon),
    ] {
        let path = with(file).write(folder.path(), "model.safetensors");
        let mut document = Document::new(192, 128);
        document.background.prompt = text("before") + &text("after");
        document.background.negative = text("negative");
        let settings = &mut document.settings;
        settings.model = path.display().to_string();
        settings.steps = u32::try_from(told["steps"].as_u64().unwrap()).unwrap();
        settings.seed = told["seed"].as_u64().unwrap();
        settings.guidance = told["guidance"].as_f64().unwrap() as f32;
        (settings.sampler, settings.prompt_rule) = (Sampler::Ddim, PromptRule::ComfyUi);
        settings.prediction = prediction;
        let (mut model, warnings) = studio::load(&settings.checkpoint(), Device::Cpu, &[]).unwrap();
        assert_eq!(warnings, []);
        let drawn = draw(&document, &mut model, &Options::default(), &mut ()).unwrap();
        assert_close(
            &format!("{family} by {file}"),
            &drawn.latent.data,
            &golden.get(&format!("{family}.steps")).data,
            1e-4,
        );
    }
}

#[test]
fn a_call_of_an_inpainting_file_is_diffusers() {
    let (golden, folder) = (golden(), tempfile::tempdir().unwrap());
    let name = format!("{UNET}input_blocks.0.0.weight");
    let shape = [32, 9, 3, 3];
    let data = bytes(&values(&name, &shape), Dtype::F16);
    let path = SingleFile::of("sd1").with(&name, Dtype::F16, &shape, &data).write(folder.path(), "inpaint.safetensors");
    let told = golden.json("parameters");
    let words = told["before"].as_str().unwrap().to_owned() + told["after"].as_str().unwrap();
    assert!(Checkpoint::open(path.to_str().unwrap()).unwrap().summary().unwrap().inpainting);
    let mut model = load(&path);
    let prompt = model.prompt(&words, COMFY).unwrap();
    let latents = golden.get("inpaint.latents");
    let latents = Planes { count: 1, channels: 9, height: 16, width: 24, data: latents.data.clone() };
    let found = model.predict(&latents, 501.0, &[Call { input: 0, prompt, place: None }]).unwrap();
    assert_close("inpaint", &found.data, &golden.get("inpaint.prediction").data, 1e-4);
}

#[test]
fn textual_inversions_are_called_by_name() {
    let golden = golden();
    let told = golden.json("parameters");
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    let (before, after) = (text("before"), text("after"));
    for (family, vectors) in [
        ("sd1", vec![("emb_params", 64)]),
        ("sd2", vec![("<quill>", 64)]),
        ("sdxl", vec![("clip_l", 32), ("clip_g", 64)]),
    ] {
        // As ComfyUI and the web UIs have their folders.
        let models = tempfile::tempdir().unwrap();
        let path = {
            fs::create_dir(models.path().join("checkpoints")).unwrap();
            SingleFile::of(family).write(&models.path().join("checkpoints"), "mix.safetensors")
        };
        let folder = models.path().join("embeddings/mine");
        let mut file = SingleFile::default();
        for &(tensor, width) in &vectors {
            let name = if vectors.len() == 1 { "emb_params" } else { tensor };
            let data = bytes(&values(name, &[2, width]), Dtype::F16);
            file = file.with(tensor, Dtype::F16, &[2, width], &data);
        }
        fs::create_dir_all(&folder).unwrap();
        file.write(&folder, "Quill-5.safetensors");
        let mut model = load(&path);
        let expected = golden.get(&format!("{family}.called"));
        for (call, reading) in [
            (format!("{before} embedding:quill-5{after}"), COMFY),
            (format!("{before} embedding:Quill-5.safetensors{after}"), COMFY),
            (format!("{before} embedding:mine/quill-5.pt{after}"), COMFY),
            (format!("{before} embedding:quill-5{after}"), WEB_UI),
            (format!("{before} quill-5{after}"), WEB_UI),
            (format!("{before} QUILL - 5{after}"), WEB_UI),
        ] {
            let prompt = model.prompt(&call, reading).unwrap();
            let found = model.conditioning(prompt).unwrap().clone();
            assert_close(&call, &found.tokens, &expected.data, 1e-4);
            if let Some(pooled) = found.pooled {
                assert_close(&call, &pooled, &golden.get(&format!("{family}.called_pooled")).data, 1e-4);
            }
        }
        assert_eq!(model.left_out(), []);
        // Letters for ComfyUI, and within a word.
        for (call, reading) in
            [(format!("{before} quill-5{after}"), COMFY), (format!("{before} xquill-5{after}"), WEB_UI)]
        {
            let prompt = model.prompt(&call, reading).unwrap();
            let found = model.conditioning(prompt).unwrap();
            let off = found.tokens.iter().zip(&expected.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off > 0.01, "{call}");
        }
    }
}

/// A LoRA that changes nothing and brings vectors along, under names as in a file of their own.
fn bringing(folder: &Path, name: &str, family: &str, vectors: &[(&str, &str, usize)]) -> Arc<LoraFile> {
    let width = if family == "sd2" { 64 } else { 32 };
    let layer = "lora_unet_time_embedding_linear_1";
    let mut file = SingleFile::default()
        .with(&format!("{layer}.lora_up.weight"), Dtype::F16, &[4 * width, 1], &vec![0; 8 * width])
        .with(&format!("{layer}.lora_down.weight"), Dtype::F16, &[1, width], &vec![0; 2 * width]);
    for &(tensor, seed, width) in vectors {
        let data = bytes(&values(seed, &[2, width]), Dtype::F16);
        file = file.with(&format!("bundle_emb.{tensor}"), Dtype::F16, &[2, width], &data);
    }
    Arc::new(LoraFile::open(file.write(folder, name)).unwrap())
}

#[test]
fn a_lora_s_textual_inversions_are_called_where_it_counts() {
    let golden = golden();
    let told = golden.json("parameters");
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    let words = format!("{} quill-5{}", text("before"), text("after"));
    for (family, vectors) in [
        ("sd1", &[("Quill-5.emb_params", "emb_params", 64)][..]),
        ("sd2", &[("Quill-5.string_to_param.*", "emb_params", 64)]),
        ("sdxl", &[("Quill-5.clip_l", "clip_l", 32), ("Quill-5.clip_g", "clip_g", 64)]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = SingleFile::of(family).write(folder.path(), "mix.safetensors");
        let lora = bringing(folder.path(), "style.safetensors", family, vectors);
        assert_eq!(lora.embeddings(), ["Quill-5"]);
        let expected = golden.get(&format!("{family}.called"));
        let checkpoint = Checkpoint::open(path.to_str().unwrap()).unwrap();
        let whole = [(Arc::clone(&lora), 1.0)];
        let (mut model, in_part) = checkpoint.load_with_manners(Device::Cpu, &whole, &Manners::default()).unwrap();
        assert_eq!(in_part, []);
        let states = |model: &mut Model, set| {
            let prompt = model.prompt_with(&words, WEB_UI, set).unwrap();
            model.conditioning(prompt).unwrap().tokens.clone()
        };
        assert_close(family, &states(&mut model, None), &expected.data, 1e-4);
        // Without it they are letters again; in a region of its own they are called there alone.
        model.set_loras(&[]).unwrap();
        let letters = states(&mut model, None);
        assert!(letters.iter().zip(&expected.data).any(|(a, b)| (a - b).abs() > 0.01), "{family}");
        model.set_adapters(&[whole.to_vec()]).unwrap();
        assert_close(family, &states(&mut model, Some(0)), &expected.data, 1e-4);
        assert_eq!(states(&mut model, None), letters, "{family}");
        assert_eq!(model.left_out(), []);
        model.set_adapters(&[]).unwrap();
        model.set_loras(&whole).unwrap();
        assert_close(family, &states(&mut model, None), &expected.data, 1e-4);
    }
}

#[test]
fn a_file_of_its_own_goes_before_one_in_a_lora_and_vectors_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = SingleFile::of("sd1").write(folder.path(), "mix.safetensors");
    let checkpoint = Checkpoint::open(path.to_str().unwrap()).unwrap();
    let lora = folder.path().join("style.safetensors").display().to_string();
    let vectors = [("quill.emb_params", "other", 64), ("wide.clip_l", "clip_l", 768), ("wide.clip_g", "clip_g", 1280)];
    let open = bringing(folder.path(), "style.safetensors", "sd1", &vectors);
    let load = |loras: &[_]| checkpoint.load_with_manners(Device::Cpu, loras, &Manners::default()).unwrap().0;
    let states = |model: &mut Model| {
        let prompt = model.prompt("a quill", WEB_UI).unwrap();
        model.embedding(prompt).unwrap()
    };
    let brought = states(&mut load(&[(Arc::clone(&open), 1.0)]));
    let mut counter = checkpoint.counter().unwrap();
    let mut count = |words: &str, loras: &[String]| {
        counter.count(words, Rule::WebUi, Callable { embeddings: &[], loras }).unwrap().0
    };
    let letters = count("quill", &[]);
    assert_eq!(count("a quill, quill", &[]), 2 + 2 * letters);
    assert_eq!(count("a quill, quill", std::slice::from_ref(&lora)), 6, "two vectors each");
    inversion(&folder.path().join("embeddings"), "Quill.safetensors", &[("emb_params", 64)]);
    let own = states(&mut load(&[]));
    assert_ne!(own, brought);
    let mut both = load(&[(open, 1.0)]);
    assert_eq!(states(&mut both), own);
    both.prompt("embedding:wide", WEB_UI).unwrap();
    let told: Vec<String> = both.left_out().iter().map(LeftOut::to_string).collect();
    says(&told.join(" | "), &["style.safetensors (wide)", "for SDXL", "left out"]);
}

#[test]
fn weights_and_chunks_know_textual_inversions() {
    let folder = tempfile::tempdir().unwrap();
    let path = SingleFile::of("sd1").write(folder.path(), "mix.safetensors");
    inversion(&folder.path().join("embeddings"), "quill.safetensors", &[("emb_params", 64)]);
    let mut model = load(&path);
    let mut states = |words: &str, reading| {
        let prompt = model.prompt(words, reading).unwrap();
        model.embedding(prompt).unwrap()
    };
    for reading in [WEB_UI, COMFY] {
        assert_ne!(states("a (embedding:quill:1.4) fox", reading), states("a embedding:quill fox", reading));
        assert_eq!(states("a (embedding:quill:1.0) fox", reading), states("a embedding:quill fox", reading));
    }
    assert_ne!(states("a (quill:1.4) fox", WEB_UI), states("a quill fox", WEB_UI));
    // Two vectors do not fit behind 74 tokens.
    let many = "red ".repeat(74);
    assert_eq!(states(&format!("{many}quill"), WEB_UI), states(&format!("{many}BREAK quill"), WEB_UI));
    assert_eq!(states(&format!("{many}quill"), WEB_UI).len(), 2 * 77 * 64);
}

#[test]
fn a_textual_inversion_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = SingleFile::of("sd1").write(folder.path(), "mix.safetensors");
    let embeddings = folder.path().join("embeddings");
    inversion(&embeddings, "xlface.safetensors", &[("clip_l", 768), ("clip_g", 1280)]);
    inversion(&embeddings, "wide.safetensors", &[("emb_params", 1024)]);
    inversion(&embeddings, "two.safetensors", &[("a", 64), ("b", 64)]);
    fs::write(embeddings.join("old.pt"), b"\x80\x02}q\0.").unwrap();
    fs::write(embeddings.join("page.safetensors"), "<!DOCTYPE html>").unwrap();
    let data = f16::NAN.to_le_bytes().repeat(64);
    SingleFile::default().with("x", Dtype::F16, &[64], &data).write(&embeddings, "nan.safetensors");
    let mut model = load(&path);
    let mut left_out = |words: &str| {
        model.prompt(words, WEB_UI).unwrap();
        let told: Vec<String> = model.left_out().iter().map(LeftOut::to_string).collect();
        told.join(" | ")
    };
    assert_eq!(left_out("a fox"), "");
    says(&left_out("a fox embedding:nobody, red"), &["“nobody”", "embeddings"]);
    says(&left_out("xlface"), &["xlface.safetensors", "for SDXL", "left out"]);
    says(&left_out("a wide fox"), &["wide.safetensors", "Stable Diffusion 2"]);
    says(&left_out("embedding:two"), &["two.safetensors", "2 tensors"]);
    says(&left_out("an old fox"), &["old.pt", "pickle", ".safetensors"]);
    says(&left_out("embedding:page"), &["web page"]);
    says(&left_out("embedding:nan"), &["nan.safetensors", "NaN"]);
    // What is left out in ComfyUI's spelling leaves no letters; by its bare name it is a word.
    let [plain, unknown] = ["a fox", "a embedding:nobody fox"].map(|words| {
        let prompt = model.prompt(words, WEB_UI).unwrap();
        model.embedding(prompt).unwrap()
    });
    assert_eq!(plain, unknown);
    // Given by a path, and changed on disk.
    let elsewhere = tempfile::tempdir().unwrap();
    let quill = inversion(elsewhere.path(), "quill.safetensors", &[("emb_params", 64)]);
    let mut embed = |paths: &[String]| {
        model.set_inversions(paths);
        let prompt = model.prompt("a quill", WEB_UI).unwrap();
        model.embedding(prompt).unwrap()
    };
    let letters = embed(&[]);
    let called = embed(&[quill.display().to_string()]);
    assert_ne!(letters, called);
    assert_eq!(embed(&[elsewhere.path().display().to_string()]), called, "a folder of them");
    fs::remove_file(&quill).unwrap();
    assert_eq!(embed(&[elsewhere.path().display().to_string()]), letters);
}

#[test]
fn what_a_file_lacks_is_taken_from_the_fallback_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let whole = SingleFile::of("sd1").write(folder.path(), "whole.safetensors");
    let unet = SingleFile::of("sd1").part(UNET, "").write(folder.path(), "unet.safetensors");
    let vae = SingleFile::of("sd1").part(VAE, "").write(folder.path(), "vae.safetensors");
    let mut document = Document::new(64, 64);
    document.settings.model = unet.display().to_string();
    document.settings.fallback = Some(whole.display().to_string());
    let file = whole.display().to_string();
    let said = |document: &Document| studio::load(&document.settings.checkpoint(), Device::Cpu, &[]).unwrap().1;
    let taken = |part, file: &str| Warning::PartTaken { part, file: file.to_owned() };
    assert_eq!(said(&document), [taken(PartName::TextEncoder, &file), taken(PartName::Vae, &file)]);
    document.settings.vae = Some(vae.display().to_string());
    assert_eq!(said(&document), [taken(PartName::TextEncoder, &file)], "the VAE is of choice");
    document.settings.model = whole.display().to_string();
    assert_eq!(said(&document), []);
    // A folder fills in, too.
    document.settings = polyptych::document::Settings { model: document.settings.model, ..Default::default() };
    let eps = goldens().join("eps").display().to_string();
    let path =
        format!("{} + {eps}", SingleFile::of("sd1").without(VAE).write(folder.path(), "half.safetensors").display());
    let checkpoint = Checkpoint::open(&path).unwrap();
    assert_eq!(checkpoint.taken(), [(PartName::Vae, eps.clone())]);
    // A folder that has all keeps all; one of another family gives nothing.
    let checkpoint = Checkpoint::open(&format!("{eps} + {}", whole.display())).unwrap();
    assert_eq!((checkpoint.taken(), checkpoint.summary().unwrap().text_width), (Vec::new(), 24));
    let other = SingleFile::of("sdxl").write(folder.path(), "xl.safetensors").display().to_string();
    let error = Checkpoint::open(&format!("{} + {other}", unet.display())).unwrap_err().to_string();
    says(&error, &["xl.safetensors", "another family"]);
    assert!(Checkpoint::open(&format!("{} + {other}", whole.display())).unwrap().taken().is_empty());
}

#[test]
fn loading_tells_how_far_it_is_and_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let path = SingleFile::of("sdxl").write(folder.path(), "mix.safetensors");
    let checkpoint = Checkpoint::open(path.to_str().unwrap()).unwrap();
    let told: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
    let heard = Arc::clone(&told);
    let progress = Progress::new(move |done, total| heard.lock().unwrap().push((done, total)));
    let manners = Manners { progress, ..Manners::default() };
    checkpoint.load_with_manners(Device::Cpu, &[], &manners).unwrap();
    let told = std::mem::take(&mut *told.lock().unwrap());
    let total = told.last().unwrap().1;
    assert!(told.len() > 500 && told.is_sorted() && told.iter().all(|(done, all)| done <= all && *all == total));
    assert_eq!(told.last().unwrap().0, total, "all of it is read, and once");
    assert!(told.iter().filter(|(done, _)| *done == total).count() == 1);
    // The first tensor raises the flag that a person's Cancel raises.
    let mut manners = Manners::default();
    let interrupt = manners.interrupt.clone();
    let read = Arc::new(Mutex::new(0_usize));
    let count = Arc::clone(&read);
    manners.progress = Progress::new(move |_, _| {
        *count.lock().unwrap() += 1;
        interrupt.raise();
    });
    let error = checkpoint.load_with_manners(Device::Cpu, &[], &manners).unwrap_err().to_string();
    assert!(error.contains("cancel"), "{error}");
    assert!(*read.lock().unwrap() < 5, "it ends at once");
}
