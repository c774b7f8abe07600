//! LoRAs: what diffusers makes of them (tests/goldens), changed without a trace, and refused in one line where they are hostile
//! or for something else.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{Goldens, assert_close, goldens, relative_l2, says};
use polyptych::backend::Device;
use polyptych::backend::counted::Counted;
use polyptych::backend::cpu::Cpu;
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Catalogue, Checkpoint, Kind, LoraFile, Model};
use polyptych::diffusion::{Call, Network as _, Planes};
use safetensors::{Dtype, tensor::TensorView};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NAMES: [&str; 2] = ["eps", "vpred"];
const PROMPTS: [&str; 2] = ["a red fox in the snow", "a city street at night, ugly"];
const TO_Q: &str = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(goldens().join(name).to_str().unwrap()).unwrap()
}

fn lora_path(name: &str, kind: &str) -> PathBuf {
    goldens().join("lora").join(format!("{name}_{kind}.safetensors"))
}

fn lora(name: &str, kind: &str) -> Arc<LoraFile> {
    Arc::new(LoraFile::open(lora_path(name, kind)).unwrap())
}

fn with(name: &str, loras: &[(Arc<LoraFile>, f32)]) -> Model {
    open(name).load_with(Device::Cpu, loras).unwrap().0
}

fn goldens_of(name: &str) -> Goldens {
    Goldens::open(&format!("{name}_lora.safetensors"))
}

fn latents(name: &str) -> Planes {
    Planes { count: 2, channels: 4, height: 16, width: 16, data: goldens_of(name).get("latents").data.clone() }
}

/// The embeddings of both prompts, and what the UNet predicts with them.
fn draw(model: &mut Model, latents: &Planes) -> (Vec<f32>, Vec<f32>) {
    let prompts = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
    let embeddings = prompts.iter().flat_map(|&prompt| model.embedding(prompt).unwrap()).collect();
    let calls: Vec<Call> =
        prompts.iter().enumerate().map(|(input, &prompt)| Call { input, prompt, place: None }).collect();
    (embeddings, model.predict(latents, 501.0, &calls).unwrap().data)
}

#[test]
fn loras_do_what_they_do_in_diffusers() {
    for name in NAMES {
        let (golden, latents) = (goldens_of(name), latents(name));
        let plain = draw(&mut with(name, &[]), &latents);
        for (case, loras) in [
            ("kohya", &[("kohya", 1.0)][..]),
            ("kohya-weak", &[("kohya", 0.6)]),
            ("old", &[("old", 1.0)]),
            ("peft", &[("peft", 1.0)]),
            ("both", &[("kohya", 0.8), ("peft", -0.5)]),
            ("mid", &[("mid", 0.5)]),
        ] {
            let loras: Vec<_> = loras.iter().map(|&(kind, weight)| (lora(name, kind), weight)).collect();
            let found = draw(&mut with(name, &loras), &latents);
            for (what, found, plain) in [("embeddings", found.0, &plain.0), ("prediction", found.1, &plain.1)] {
                let expected = &golden.get(&format!("{case}.{what}")).data;
                assert_close(&format!("{name} {case} {what}"), &found, expected, 1e-5);
                let untouched = case == "mid" && what == "embeddings";
                assert_eq!(relative_l2(plain, expected) < 0.05, untouched, "{name} {case} changes {what}");
            }
        }
    }
}

#[test]
fn a_change_of_weights_leaves_no_trace() {
    let latents = latents("eps");
    let (kohya, peft, mid) = (lora("eps", "kohya"), lora("eps", "peft"), lora("eps", "mid"));
    let mut model = with("eps", &[]);
    let plain = draw(&mut model, &latents);
    for loras in [
        vec![(kohya.clone(), 1.0)],
        vec![(kohya.clone(), 0.7)],
        vec![(kohya.clone(), 0.7), (peft.clone(), 0.3)],
        vec![(peft, 0.3)],
        vec![(mid, 1.0)],
        vec![(kohya.clone(), 0.0)],
        vec![],
    ] {
        model.set_loras(&loras).unwrap();
        let found = draw(&mut model, &latents);
        assert!(found == draw(&mut with("eps", &loras), &latents), "another than from a fresh load: {loras:?}");
        let nothing = loras.iter().all(|(_, weight)| *weight == 0.0);
        assert_eq!(found == plain, nothing);
    }
    // A LoRA that cannot be used leaves what there was.
    model.set_loras(&[(kohya.clone(), 1.0)]).unwrap();
    let before = draw(&mut model, &latents);
    model.set_loras(&[(lora("vpred", "kohya"), 1.0)]).unwrap_err();
    assert!(draw(&mut model, &latents) == before);
}

#[test]
fn a_change_of_a_weight_packs_what_the_loras_change_and_nothing_else() {
    let book = Counted::new(Cpu::new());
    let mut model = open("eps").load_on(book.with(Cpu::new())).unwrap();
    let whole = book.packed();
    assert!(whole.0 > 100 && whole.1 == 0, "{whole:?}");
    let (mid, kohya) = (lora("eps", "mid"), lora("eps", "kohya"));
    for loras in [vec![(mid.clone(), 0.3)], vec![(mid.clone(), 0.9)], vec![(mid, 0.9), (kohya, 0.0)]] {
        let layers = loras[0].0.summary();
        model.set_loras(&loras).unwrap();
        let (plain, changed) = book.packed();
        let expected = if loras.len() == 1 { layers.unet_layers + layers.text_layers } else { 0 };
        assert_eq!(changed, expected, "a weight for each layer");
        assert!(plain <= changed, "and the biases of those that have one");
    }
    model.set_loras(&[]).unwrap();
    let (plain, changed) = book.packed();
    assert!(changed == 0 && plain > 0 && plain < whole.0 / 4, "{plain} of {whole:?}");
}

/// Tensors to write: name, shape, values.
type Tensors<'a> = Vec<(String, Vec<usize>, Vec<f32>)>;

fn write(folder: &Path, tensors: &Tensors) -> PathBuf {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(.., data)| data.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    let path = folder.join("some.safetensors");
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    path
}

fn tensor(name: &str, shape: &[usize]) -> (String, Vec<usize>, Vec<f32>) {
    let count = shape.iter().product();
    (name.to_owned(), shape.to_vec(), (0..count).map(|i: usize| (i as f32 * 0.37).sin() * 0.1).collect())
}

/// A LoRA of one layer of `eps`, whose width is 8.
fn small(rank: usize) -> Tensors<'static> {
    vec![tensor(&format!("{TO_Q}.lora_down.weight"), &[rank, 8]), tensor(&format!("{TO_Q}.lora_up.weight"), &[8, rank])]
}

fn alpha(value: f32) -> (String, Vec<usize>, Vec<f32>) {
    (format!("{TO_Q}.alpha"), vec![], vec![value])
}

#[test]
fn alpha_over_rank_is_a_weight() {
    let folder = tempfile::tempdir().unwrap();
    let latents = latents("eps");
    let drawn = |tensors: &Tensors, weight| {
        let lora = Arc::new(LoraFile::open(write(folder.path(), tensors)).unwrap());
        draw(&mut with("eps", &[(lora, weight)]), &latents)
    };
    let mut tensors = small(4);
    let plain = drawn(&tensors, 1.0);
    tensors.push(alpha(4.0));
    assert!(drawn(&tensors, 1.0) == plain, "without an alpha it is the rank");
    tensors[2] = alpha(8.0);
    assert!(drawn(&tensors, 0.5) == plain);
    assert!(drawn(&tensors, 1.0) != plain);
}

#[test]
fn hostile_files_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |tensors: Tensors, words: &[&str]| {
        let error = LoraFile::open(write(folder.path(), &tensors)).map(|_| ()).unwrap_err();
        says(&error.to_string(), &[&["some.safetensors"], words].concat());
    };
    let down = |shape: &[usize]| tensor(&format!("{TO_Q}.lora_down.weight"), shape);
    let up = |shape: &[usize]| tensor(&format!("{TO_Q}.lora_up.weight"), shape);
    refused(vec![down(&[4, 8])], &["without its other factor"]);
    refused(vec![down(&[4, 8]), up(&[8, 5])], &["lora_up", "[8, 5]", "[4, 8]"]);
    refused(vec![down(&[4]), up(&[8, 4])], &["[4]"]);
    refused(vec![down(&[0, 8]), up(&[8, 0])], &["rank 0"]);
    refused(vec![down(&[5000, 2]), up(&[2, 5000])], &["rank 5000"]);
    refused(vec![down(&[4, 8]), up(&[8, 4, 3, 3])], &["[8, 4, 3, 3]"]);
    refused([small(4), vec![alpha(f32::NAN)]].concat(), &["alpha", "NaN"]);
    refused([small(4), vec![tensor(&format!("{TO_Q}.alpha"), &[2])]].concat(), &["is not one number"]);
    let twice = tensor("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", &[4, 8]);
    refused([small(4), vec![twice]].concat(), &["second tensor"]);
    refused(vec![tensor("conv_in.weight", &[8, 4, 3, 3])], &["is not a LoRA"]);
    refused(vec![alpha(1.0)], &["is not a LoRA"]);
    let rotation = tensor(&format!("{TO_Q}.oft_blocks"), &[2, 4, 4]);
    refused([small(4), vec![rotation]].concat(), &["OFT", "not supported yet"]);
    let long = format!("lora_unet_{}.lora_down.weight", "x".repeat(10_000));
    refused(vec![tensor(&long, &[4, 8])], &["without its other factor"]);
    let gone = folder.path().join("gone.safetensors");
    says(
        &LoraFile::open(&gone).map(|_| ()).unwrap_err().to_string(),
        &["gone.safetensors", "no such file", "put it back"],
    );
    let pickle = folder.path().join("old.pt");
    std::fs::write(&pickle, b"PK\x03\x04 and more").unwrap();
    says(&LoraFile::open(&pickle).map(|_| ()).unwrap_err().to_string(), &["old.pt", "pickle"]);

    // Values are read when they are merged.
    let mut tensors = small(4);
    tensors[1].2[3] = f32::INFINITY;
    let lora = Arc::new(LoraFile::open(write(folder.path(), &tensors)).unwrap());
    let error = open("eps").load_with(Device::Cpu, &[(lora, 1.0)]).map(|_| ()).unwrap_err();
    says(&error.to_string(), &["some.safetensors", "lora_up", "inf"]);
    // Each finite, but not what they make.
    let mut tensors = small(1);
    tensors.iter_mut().for_each(|(.., data)| data.fill(1e30));
    let lora = Arc::new(LoraFile::open(write(folder.path(), &tensors)).unwrap());
    let mut model = with("eps", &[]);
    let error = model.set_loras(&[(lora, 1.0)]).map(|_| ()).unwrap_err();
    says(&error.to_string(), &["some.safetensors", "inf"]);
    // The network was lost on the way, and comes back.
    let latents = latents("eps");
    let prompt = model.prompt("a fox", Reading::default()).unwrap();
    assert!(model.predict(&latents, 501.0, &[Call { input: 0, prompt, place: None }]).is_err());
    model.set_loras(&[]).unwrap();
    assert!(draw(&mut model, &latents) == draw(&mut with("eps", &[]), &latents));
}

#[test]
fn files_cut_short_anywhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(lora_path("eps", "mid")).unwrap();
    let path = folder.path().join("torn.safetensors");
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = LoraFile::open(&path).map(|_| ()).unwrap_err();
        assert!(error.to_string().lines().count() == 1 && error.to_string().contains("torn.safetensors"), "{error}");
    }
    // Any byte of the header may lie; whatever it says, nothing but an answer comes back.
    let mut model = with("eps", &[]);
    let header = 8 + usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    for at in 0..header {
        for byte in [0, b'9', b'"', b']', 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(lora) = LoraFile::open(&path) {
                model.set_loras(&[(Arc::new(lora), 1.0)]).ok();
            }
        }
    }
}

#[test]
fn what_fits_nothing_is_told_and_another_family_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fit = |tensors: &Tensors| {
        let lora = Arc::new(LoraFile::open(write(folder.path(), tensors)).unwrap());
        with("eps", &[]).set_loras(&[(lora, 1.0)]).map_err(|error| error.to_string())
    };
    assert!(fit(&small(4)).unwrap().is_empty());
    let strange = |factor: &str, shape: &[usize]| {
        tensor(&format!("lora_unet_down_blocks_9_resnets_0_conv1.{factor}.weight"), shape)
    };
    let some = [small(4), vec![strange("lora_down", &[1, 8]), strange("lora_up", &[8, 1]), tensor("emb_params", &[3])]]
        .concat();
    let warnings = fit(&some).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].file.ends_with("some.safetensors"), "{warnings:?}");
    assert_eq!((warnings[0].left_out, warnings[0].layers), (2, 3));

    // A first text encoder that fits does not make an SDXL LoRA one for this checkpoint.
    let attn2 = |width| {
        let key = "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";
        vec![
            tensor(&format!("lora_unet_{key}.lora_down.weight"), &[1, width]),
            tensor(&format!("lora_unet_{key}.lora_up.weight"), &[8, 1]),
        ]
    };
    assert!(fit(&attn2(24)).unwrap().is_empty());
    says(&fit(&attn2(2048)).unwrap_err(), &["another family, SDXL", "2048 wide, this checkpoint's are 24"]);
    // Many shapes are the same in all families.
    let some = [small(4), attn2(768)].concat();
    says(&fit(&some).unwrap_err(), &["another family, Stable Diffusion 1 (", "768 wide"]);
    says(&fit(&attn2(40)).unwrap_err(), &["is for another family (for text embeddings 40 wide"]);
    let two = |key: &str| {
        vec![tensor(&format!("{key}.lora_down.weight"), &[1, 24]), tensor(&format!("{key}.lora_up.weight"), &[24, 1])]
    };
    let second = two("lora_te2_text_model_encoder_layers_0_self_attn_q_proj");
    says(
        &fit(&[attn2(24), second].concat()).unwrap_err(),
        &["SDXL", "nothing of what it holds for a second text encoder fits"],
    );
    let original = two("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q");
    let first = two("lora_te1_text_model_encoder_layers_0_self_attn_q_proj");
    says(&fit(&[first, original].concat()).unwrap_err(), &["SDXL", "for the UNet fits"]);
    says(&fit(&two("transformer.single_transformer_blocks.0.attn.to_q")).unwrap_err(), &["FLUX"]);
    says(&fit(&two("lora_te_text_model_encoder_layers_7_self_attn_q_proj")).unwrap_err(), &["the text encoder"]);
}

#[test]
fn block_numbers_of_the_original_code_mean_the_same_layers_in_every_family() {
    let folder = tempfile::tempdir().unwrap();
    let latents = latents("eps");
    let drawn = |tensors: &Tensors| {
        let lora = Arc::new(LoraFile::open(write(folder.path(), tensors)).unwrap());
        let mut model = open("eps").load(Device::Cpu).unwrap();
        assert!(model.set_loras(&[(lora, 1.0)]).unwrap().is_empty());
        draw(&mut model, &latents)
    };
    let expected = drawn(&small(4));
    for layer in [
        "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q",
        "unet.input_blocks.1.1.transformer_blocks.0.attn1.to_q",
    ] {
        let renamed = small(4).into_iter().map(|(name, shape, data)| (name.replace(TO_Q, layer), shape, data));
        assert!(drawn(&renamed.collect()) == expected, "{layer}");
    }
}

#[test]
fn a_lora_says_what_it_is() {
    let summary = lora("eps", "kohya").summary();
    assert_eq!((summary.name.as_str(), summary.family, summary.ranks), ("eps_kohya", None, (3, 3)));
    assert_eq!((summary.unet_layers, summary.text_layers, summary.text_width), (128, 12, Some(24)));
    assert_eq!(summary.dtype, "f16");
    let tags: Vec<_> = summary.tags.iter().map(|tag| (tag.words.as_str(), tag.count)).collect();
    assert_eq!(tags, [("zorkfox", 24), ("snow", 8), ("a fox", 5)]);
    assert_eq!(lora("eps", "peft").summary().ranks, (2, 3));
    assert_eq!(lora("eps", "mid").summary().convolutions, 1);
    assert!(LoraFile::recognise(lora_path("eps", "peft")).is_some_and(|lora| lora.is_ok()));
    assert!(LoraFile::recognise(goldens().join("eps/unet/diffusion_pytorch_model.safetensors")).is_none());
    assert!(LoraFile::recognise(goldens().join("README.md")).is_none());
}

#[test]
fn a_catalogue_remembers_what_was_added() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut catalogue = Catalogue::open(&data).unwrap();
    assert!(catalogue.entries().is_empty());
    let ink = folder.path().join("ink.safetensors");
    std::fs::copy(lora_path("eps", "peft"), &ink).unwrap();
    assert_eq!(catalogue.add(&ink).unwrap().kind, Kind::Lora);
    assert_eq!(catalogue.add(&goldens().join("eps")).unwrap().name, "eps");
    let again = Catalogue::open(&data).unwrap();
    assert_eq!(again.entries(), catalogue.entries());
    assert_eq!(again.find(Kind::Lora, "ink").unwrap().path, ink.canonicalize().unwrap());
    assert_eq!(again.find(Kind::Checkpoint, "ink"), None);

    let mut refused = |path: &Path, words: &[&str]| {
        says(&catalogue.add(path).map(|_| ()).unwrap_err().to_string(), words);
    };
    refused(&ink, &["added already"]);
    std::fs::create_dir(folder.path().join("other")).unwrap();
    let same = folder.path().join("other/ink.safetensors");
    std::fs::copy(&ink, &same).unwrap();
    refused(&same, &["would be called ink", "models remove"]);
    let embedded = folder.path().join("embedded.safetensors");
    std::fs::copy(&ink, &embedded).unwrap();
    refused(&embedded, &["inside the program"]);
    refused(&folder.path().join("gone"), &["gone", "no such file"]);
    let none = folder.path().join("none");
    std::fs::create_dir(&none).unwrap();
    refused(&none, &["holds no models"]);
    refused(&goldens().join("eps/unet/diffusion_pytorch_model.safetensors"), &["lacks a text encoder"]);

    says(&catalogue.remove("gone").unwrap_err().to_string(), &["gone", "models list"]);
    assert_eq!(catalogue.remove("ink").unwrap().kind, Kind::Lora);
    assert!(ink.is_file(), "files are never deleted");
    assert_eq!(Catalogue::open(&data).unwrap().entries().len(), 1);

    std::fs::write(data.join("models.json"), "{").unwrap();
    says(&Catalogue::open(&data).unwrap_err().to_string(), &["models.json", "not a list of models"]);
    std::fs::write(data.join("models.json"), r#"{"catalogue": 2, "models": []}"#).unwrap();
    says(&Catalogue::open(&data).unwrap_err().to_string(), &["models.json", "format 2"]);
}
