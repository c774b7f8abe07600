//! Small decoders for previews (TAESD) against diffusers' AutoencoderTiny (tests/goldens/make_preview_goldens.py).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::single::{SingleFile, bytes, values};
use common::weights::InMemory;
use common::{Goldens, assert_close, copy_checkpoint, goldens, says};
use half::f16;
use image::RgbImage;
use polyptych::backend::Backend;
use polyptych::backend::candle::Candle;
use polyptych::backend::cpu::Cpu;
use polyptych::backend::wgpu::{Wgpu, adapters};
use polyptych::checkpoint::{Device, Dtype, Kind, look_at, preview_decoders};
use polyptych::diffusion::Planes;
use polyptych::document::Document;
use polyptych::networks::tiny::TinyDecoder;
use polyptych::studio::{Model as _, Options, Watcher, draw, load};
use safetensors::Dtype as FileType;
use std::path::{Path, PathBuf};

const CASES: [&str; 2] = ["square", "wide"];

/// The decoder by the names of TAESD's own file.
fn original() -> SingleFile {
    let text = std::fs::read(goldens().join("preview.json")).unwrap();
    let shapes: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&text).unwrap();
    let tensors = shapes.into_iter().map(|(name, shape)| {
        let shape: Vec<usize> = serde_json::from_value(shape).unwrap();
        let mut values = values(&name, &shape);
        if name.ends_with("conv.4.weight") {
            values.iter_mut().for_each(|value| *value = f16::from_f32(0.25 * value.to_f32()));
        }
        (name, (FileType::F16, shape, bytes(&values, FileType::F16)))
    });
    SingleFile { tensors: tensors.collect(), ..SingleFile::default() }
}

/// The same with diffusers' numbers, which leave out the clamp.
fn renumbered(begin: &str) -> SingleFile {
    let renumber = |name: &str| {
        let (number, rest) = name.split_once('.').unwrap();
        format!("{begin}{}.{rest}", number.parse::<usize>().unwrap() - 1)
    };
    let tensors = original().tensors.into_iter().map(|(name, tensor)| (renumber(&name), tensor));
    SingleFile { tensors: tensors.collect(), ..SingleFile::default() }
}

fn decodes_as_diffusers(b: &impl Backend, what: &str, cases: &[&str], tolerance: f64) {
    let folder = tempfile::tempdir().unwrap();
    let weights = InMemory::open(&renumbered("layers.").write(folder.path(), "decoder.safetensors"));
    let decoder = TinyDecoder::load(b, &weights).unwrap();
    assert_eq!((decoder.channels(), decoder.scale()), (4, 8));
    let golden = Goldens::open("preview.safetensors");
    for case in cases {
        let decoded = decoder.decode(b, &golden.planes(&format!("{case}.latents"))).unwrap();
        let expected = golden.planes(&format!("{case}.decoded"));
        assert_eq!((decoded.height, decoded.width), (expected.height, expected.width));
        assert_close(&format!("{what} {case}"), &decoded.data, &expected.data, tolerance);
    }
    assert!(decoder.decode(b, &Planes::zeros(1, 16, 4, 4)).is_err(), "latents of another family");
}

#[test]
fn the_decoder_is_diffusers_on_the_processor() {
    decodes_as_diffusers(&Cpu::new(), "cpu", &CASES, 1e-4);
    decodes_as_diffusers(&Candle::cpu(), "candle", &CASES, 1e-4);
}

#[test]
fn the_decoder_is_diffusers_on_a_card() {
    if adapters().is_empty() {
        eprintln!("skipped: there is no adapter");
        return;
    }
    for (dtype, tolerance) in [(Dtype::F32, 1e-4), (Dtype::F16, 5e-3)] {
        match Wgpu::open(None, dtype) {
            Ok(b) => decodes_as_diffusers(&b, &b.describe(), &CASES[1..], tolerance),
            Err(error) => eprintln!("skipped: {error}"),
        }
    }
}

/// A checkpoint whose latents are of the decoder's shape, and files of the decoder.
fn files(folder: &Path) -> (String, Vec<PathBuf>) {
    std::fs::create_dir_all(folder.join("eps")).unwrap();
    copy_checkpoint("eps", &folder.join("eps"));
    let inside = folder.join("tiny");
    std::fs::create_dir_all(&inside).unwrap();
    let diffusers = renumbered("decoder.layers.");
    let decoders =
        vec![original().write(folder, "taesd_decoder.safetensors"), diffusers.write(folder, "other.safetensors"), {
            diffusers.write(&inside, "diffusion_pytorch_model.safetensors");
            inside
        }];
    (folder.join("eps").display().to_string(), decoders)
}

#[test]
fn files_in_either_layout_and_folders_decode_previews() {
    let golden = Goldens::open("preview.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let (checkpoint, decoders) = files(folder.path());
    let (mut model, _) = load(&checkpoint, Device::Cpu, &[]).unwrap();
    let latents = golden.planes("wide.latents");
    assert!(model.preview_decoder().is_none() && model.network().decode_preview(&latents).is_none());
    for file in &decoders {
        model.set_preview_decoder(file).unwrap();
        let decoder = model.preview_decoder().unwrap();
        assert_eq!(Some(decoder.name.as_str()), file.file_stem().and_then(|stem| stem.to_str()));
        assert!(decoder.pace > 0.0);
        let decoded = model.network().decode_preview(&latents).unwrap().unwrap();
        assert_close(&decoder.name, &decoded.data, &golden.get("wide.decoded").data, 1e-4);
    }
}

#[test]
fn other_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoint, _) = files(folder.path());
    let (mut model, _) = load(&checkpoint, Device::Cpu, &[]).unwrap();
    let mut refused = |path: &Path, words: &[&str]| {
        says(&model.set_preview_decoder(path).unwrap_err().to_string(), words);
        assert!(model.preview_decoder().is_none());
    };
    refused(&folder.path().join("nowhere.safetensors"), &["nowhere.safetensors", "no such file"]);
    let vae = folder.path().join("eps/vae/diffusion_pytorch_model.safetensors");
    refused(&vae, &["diffusion_pytorch_model.safetensors", "no small decoder", "taesd_decoder"]);
    std::fs::write(folder.path().join("page.safetensors"), "<html>").unwrap();
    refused(&folder.path().join("page.safetensors"), &["page.safetensors", "web page"]);
    let mut broken = original();
    broken.tensors.remove("8.conv.2.weight");
    refused(&broken.write(folder.path(), "broken.safetensors"), &["broken.safetensors", "layers.7.conv.2.weight"]);
}

#[test]
fn a_library_lists_a_small_decoder_with_the_autoencoders_and_says_that_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let (_, decoders) = files(folder.path());
    let file = decoders.first().unwrap();
    let item = look_at(file).unwrap();
    assert_eq!((item.kind, item.family.as_deref()), (Kind::Vae, None));
    says(item.problem.as_deref().unwrap(), &["small decoder (TAESD)", "by themselves"]);
    assert_eq!(preview_decoders(&[item]), std::slice::from_ref(file));
    let lora = look_at(&goldens().join("lora/eps_kohya.safetensors")).unwrap();
    assert!(preview_decoders(&[lora]).is_empty());
}

#[derive(Default)]
struct Seen(Vec<RgbImage>);

impl Watcher for Seen {
    fn step(&mut self, _done: usize, _total: usize, preview: Option<RgbImage>) {
        self.0.extend(preview);
    }
}

#[test]
fn previews_are_made_beside_a_picture_that_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoint, decoders) = files(folder.path());
    let (mut model, _) = load(&checkpoint, Device::Cpu, &[]).unwrap();
    let mut document = Document::new(128, 128);
    document.settings.steps = 4;
    let options = Options { previews: true, ..Options::default() };
    let mut seen = Seen::default();
    let without = draw(&document, &mut model, &options, &mut seen).unwrap();
    model.set_preview_decoder(decoders.first().unwrap()).unwrap();
    let mut seen_with = Seen::default();
    let with = draw(&document, &mut model, &options, &mut seen_with).unwrap();
    assert_eq!(with.image, without.image);
    for previews in [&seen.0, &seen_with.0] {
        assert_eq!(previews.len(), 4);
        assert!(previews.iter().all(|preview| preview.dimensions() == (128, 128)));
    }
}

#[test]
fn render_takes_a_decoder_for_its_previews() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoint, decoders) = files(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
        for home in ["XDG_DATA_HOME", "HOME", "XDG_RUNTIME_DIR"] {
            command.env(home, folder.path());
        }
        command.args(arguments).output().unwrap()
    };
    let scene = path("scene.ora");
    assert!(run(&["new", &scene, "--size", "128x128", "--background", "a red fox"]).status.success());
    let render = |decoder: &str, out: &str| {
        let (picture, previews) = (path(&format!("{out}.png")), path(out));
        let to = ["--device", "cpu", "--steps", "2", "--previews", &previews, "--preview-decoder", decoder];
        run(&[&["render", &scene, "-o", &picture, "--model", &checkpoint][..], &to].concat())
    };
    let done = render(&decoders.first().unwrap().display().to_string(), "with");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(folder.path().join("with/step_002.png").is_file());
    let refused = render(&path("nowhere.safetensors"), "without");
    assert!(!refused.status.success());
    says(&String::from_utf8_lossy(&refused.stderr), &["nowhere.safetensors", "no such file"]);
}
