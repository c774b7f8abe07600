//! LoRAs of single regions: inside a region they are what the merged model draws, and no other part of the picture knows of them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::adapters::{Chance, LAYERS, Tensors, UNET, lora as lora_of, read, write};
use common::{assert_close, goldens, relative_l2, says};
use polyptych::backend::Dtype as Float;
use polyptych::backend::wgpu::{Wgpu, adapters};
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Checkpoint, Device, LoraFile, Model};
use polyptych::diffusion::{Call, Network as _, Planes};
use polyptych::document::{Document, Export, Lora, Mask, PixelRect, Regions, Sampler};
use polyptych::studio::{Drawn, Estimate, Facts, KnownLoras, Loaded, Model as _, Options, Warning, draw, load};
use safetensors::Dtype;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const WORDS: [&str; 2] = ["a red fox in the snow", "a city street at night, ugly"];

fn golden_lora(name: &str) -> PathBuf {
    goldens().join("lora").join(format!("{name}.safetensors"))
}

/// A LoRA of every form of layer, with two that are no low-rank products where `odd`.
fn made(folder: &Path, odd: bool) -> PathBuf {
    let (base, mut chance, mut tensors) = (read(&goldens().join("eps").join(UNET)), Chance(11), Tensors::new());
    let others = [
        "conv_in",
        "time_embedding.linear_1",
        "down_blocks.0.downsamplers.0.conv",
        "up_blocks.1.upsamplers.0.conv",
        "down_blocks.1.resnets.0.time_emb_proj",
        "down_blocks.1.resnets.0.conv_shortcut",
        "conv_out",
    ];
    for layer in LAYERS.into_iter().chain(others) {
        let key = format!("lora_unet_{}", layer.replace('.', "_"));
        for (end, shape, values) in lora_of(&mut chance, &base[&format!("{layer}.weight")].0).tensors {
            let values = if end == "lora_up.weight" { values.iter().map(|v| v / 16.0).collect() } else { values };
            tensors.insert(format!("{key}.{end}"), (shape, values));
        }
    }
    if odd {
        let [q, ff] = [LAYERS[0], LAYERS[4]].map(|layer| format!("lora_unet_{}", layer.replace('.', "_")));
        tensors.insert(format!("{q}.dora_scale"), (vec![8, 1], chance.numbers(8)));
        tensors.insert(format!("{ff}.diff_b"), (vec![64], chance.numbers(64)));
        tensors.insert("lora_unet_conv_norm_out.w_norm".to_owned(), (vec![8], chance.numbers(8)));
    }
    let path = folder.join(if odd { "odd.safetensors" } else { "even.safetensors" });
    write(&path, &tensors, Dtype::F16, &[]);
    path
}

fn open(path: &Path) -> Arc<LoraFile> {
    Arc::new(LoraFile::open(path).unwrap())
}

fn checkpoint(name: &str) -> Checkpoint {
    Checkpoint::open(goldens().join(name).to_str().unwrap()).unwrap()
}

/// States of two prompts, and predictions with each on two inputs.
fn answers(model: &mut Model, set: Option<usize>) -> (Vec<f32>, Vec<f32>) {
    try_answers(model, set).expect("room for them")
}

fn try_answers(model: &mut Model, set: Option<usize>) -> Option<(Vec<f32>, Vec<f32>)> {
    let mut prompts = Vec::new();
    for words in WORDS {
        prompts.push(model.prompt_with(words, Reading::default(), set).ok()?);
    }
    let states = prompts.iter().flat_map(|&prompt| model.embedding(prompt).unwrap()).collect();
    let data = Chance(5).numbers(2 * 4 * 16 * 16).iter().map(|v| *v as f32).collect();
    let latents = Planes { count: 2, channels: 4, height: 16, width: 16, data };
    // (Two prompts on one input share the UNet's first part, where it can be shared.)
    let inputs: &[usize] = if model.shares_inputs() { &[0, 0, 1] } else { &[0, 1] };
    let calls: Vec<Call> =
        inputs.iter().enumerate().map(|(n, &input)| Call { input, prompt: prompts[n % 2], place: None }).collect();
    Some((states, model.predict(&latents, 501.0, &calls).ok()?.data))
}

#[test]
fn calls_with_a_set_are_the_merged_model_s_and_others_do_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let own = [made(folder.path(), false), made(folder.path(), true)];
    for (name, files) in [
        ("eps", vec![golden_lora("eps_kohya")]),
        ("eps", vec![golden_lora("eps_peft"), golden_lora("eps_mid")]),
        ("eps", vec![own[0].clone()]),
        ("eps", vec![own[1].clone(), golden_lora("eps_kohya")]),
        ("sdxl", vec![golden_lora("sdxl_kohya")]),
    ] {
        for device in [Device::Cpu, Device::Candle] {
            let what = format!("{name} on {device:?} with {files:?}");
            let set: Vec<_> = files.iter().map(|file| (open(file), 0.8)).collect();
            let mut model = checkpoint(name).load(device).unwrap();
            let plain = answers(&mut model, None);
            assert!(model.set_adapters(std::slice::from_ref(&set)).unwrap().is_empty(), "{what}");
            assert!(model.adapter_bytes() > 0);
            assert!(answers(&mut model, None) == plain, "{what}: calls without LoRAs know nothing of them");
            let found = answers(&mut model, Some(0));
            assert!(answers(&mut model, None) == plain, "{what}: nothing stays active");
            let merged = answers(&mut checkpoint(name).load_with(device, &set).unwrap().0, None);
            assert_close(&format!("{what}: states"), &found.0, &merged.0, 1e-5);
            assert_close(&format!("{what}: prediction"), &found.1, &merged.1, 1e-5);
            assert!(relative_l2(&plain.1, &merged.1) > 1e-3, "{what} changes the prediction");
            model.set_adapters(&[]).unwrap();
            assert!(model.adapter_bytes() == 0 && answers(&mut model, None) == plain);
        }
    }
}

#[test]
fn a_graphics_card_draws_with_sets_as_the_processor_does_and_without_memory_makes_parts_again_with_theirs() {
    let Some(adapter) = adapters().into_iter().next() else {
        eprintln!("skipped: this machine has no graphics adapter");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let on = |budget| checkpoint("eps").load_on(Wgpu::on(&adapter, Float::F32, budget).unwrap()).unwrap();
    for odd in [false, true] {
        let set = [(open(&made(folder.path(), odd)), 0.8), (open(&golden_lora("eps_kohya")), 0.5)];
        let mut model = on(None);
        let plain = answers(&mut model, None);
        model.set_adapters(&[set.to_vec()]).unwrap();
        assert!(answers(&mut model, None) == plain, "calls without LoRAs know nothing of them");
        let found = answers(&mut model, Some(0));
        let merged = answers(&mut checkpoint("eps").load_with(Device::Cpu, &set).unwrap().0, None);
        assert_close("states", &found.0, &merged.0, 1e-5);
        assert_close("prediction", &found.1, &merged.1, 1e-5);
        assert!(answers(&mut model, None) == plain, "nothing stays active");
        // Parts are released and made again where not all of them fit.
        let mut in_pieces = false;
        for kib in [1024, 768, 512, 448, 384, 320, 256].into_iter().filter(|_| !odd) {
            let mut model = on(Some(kib << 10));
            let drawn = model.set_adapters(&[set.to_vec()]).is_ok().then(|| try_answers(&mut model, Some(0))).flatten();
            let Some(drawn) = drawn else { continue };
            in_pieces = model.shortage().in_pieces;
            assert_close(&format!("{kib} KiB: states"), &drawn.0, &found.0, 1e-6);
            assert_close(&format!("{kib} KiB: prediction"), &drawn.1, &found.1, 1e-6);
            if in_pieces {
                break;
            }
        }
        assert!(odd || in_pieces, "none of these is too little for all at once and enough for one thing at a time");
    }
}

#[test]
fn sets_stand_beside_what_is_merged_into_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let (kohya, odd) = (open(&golden_lora("eps_kohya")), open(&made(folder.path(), true)));
    let peft = open(&golden_lora("eps_peft"));
    for (global, own) in [(&kohya, &odd), (&odd, &kohya), (&odd, &odd)] {
        let mut model = checkpoint("eps").load_with(Device::Cpu, &[(Arc::clone(global), 0.5)]).unwrap().0;
        model.set_adapters(&[vec![(Arc::clone(&peft), 1.0)], vec![(Arc::clone(own), 0.7)]]).unwrap();
        let both = [(Arc::clone(global), 0.5), (Arc::clone(own), 0.7)];
        let merged = answers(&mut checkpoint("eps").load_with(Device::Cpu, &both).unwrap().0, None);
        let found = answers(&mut model, Some(1));
        assert_close("states", &found.0, &merged.0, 1e-5);
        assert_close("prediction", &found.1, &merged.1, 1e-5);
        // Another list merged into the model voids the sets, which may hold what was merged before.
        model.set_loras(&[]).unwrap();
        assert_eq!(model.adapter_bytes(), 0);
        model.set_adapters(&[vec![(Arc::clone(own), 0.7)]]).unwrap();
        let fresh = answers(&mut checkpoint("eps").load_with(Device::Cpu, &[(Arc::clone(own), 0.7)]).unwrap().0, None);
        assert_close("after a change", &answers(&mut model, Some(0)).1, &fresh.1, 1e-5);
    }
}

#[test]
fn a_change_of_sets_leaves_no_trace() {
    let (kohya, peft, mid) =
        (open(&golden_lora("eps_kohya")), open(&golden_lora("eps_peft")), open(&golden_lora("eps_mid")));
    let of = |loras: &[(&Arc<LoraFile>, f32)]| -> Vec<(Arc<LoraFile>, f32)> {
        loras.iter().map(|&(lora, weight)| (Arc::clone(lora), weight)).collect()
    };
    let mut model = checkpoint("eps").load(Device::Cpu).unwrap();
    for sets in [
        vec![of(&[(&kohya, 1.0)]), of(&[(&peft, 1.0)])],
        vec![of(&[(&peft, 1.0)]), of(&[(&kohya, 0.5)])],
        vec![of(&[(&mid, 1.0)]), of(&[(&peft, 1.0)]), of(&[(&kohya, 0.5)])],
        // Nothing at weight 0, twice.
        vec![of(&[(&kohya, 0.0)]), of(&[(&peft, 0.0)]), of(&[(&kohya, 0.5), (&mid, 1.0)])],
        vec![],
    ] {
        model.set_adapters(&sets).unwrap();
        let mut fresh = checkpoint("eps").load(Device::Cpu).unwrap();
        fresh.set_adapters(&sets).unwrap();
        for set in (0..sets.len()).map(Some).chain([None]) {
            assert!(answers(&mut model, set) == answers(&mut fresh, set), "set {set:?} of {}", sets.len());
        }
        assert_eq!(model.adapter_bytes(), fresh.adapter_bytes());
    }
    // One that cannot be used takes nothing along but the sets.
    let other = open(&golden_lora("vpred_kohya"));
    says(&model.set_adapters(&[of(&[(&other, 1.0)])]).unwrap_err().to_string(), &["another family"]);
    let plain = answers(&mut checkpoint("eps").load(Device::Cpu).unwrap(), None);
    assert!(answers(&mut model, None) == plain);
}

#[test]
fn prompts_of_different_sets_are_refused_in_one_batch() {
    let mut model = checkpoint("eps").load(Device::Cpu).unwrap();
    model.set_adapters(&[vec![(open(&golden_lora("eps_kohya")), 1.0)]]).unwrap();
    let plain = Reading::default();
    let prompts = [model.prompt("a fox", plain).unwrap(), model.prompt_with("a fox", plain, Some(0)).unwrap()];
    assert_ne!(model.group(prompts[0]), model.group(prompts[1]));
    let calls = prompts.map(|prompt| Call { input: 0, prompt, place: None });
    let error = model.predict(&Planes::zeros(1, 4, 16, 16), 501.0, &calls).unwrap_err();
    says(&error.to_string(), &["different LoRAs in one batch"]);
}

/// A canvas of several windows, with two regions on whole cells.
fn document(steps: u32) -> Document {
    let mut document = Document::new(192, 128);
    document.background.prompt = "a meadow".to_owned();
    document.background.negative = "ugly".to_owned();
    document.settings.model = goldens().join("eps").display().to_string();
    (document.settings.steps, document.settings.guidance, document.settings.seed) = (steps, 5.0, 3);
    (document.settings.sampler, document.settings.bootstrap) = (Sampler::Euler, 1.0);
    for (name, (x, y)) in [("Fox", (8, 16)), ("Tower", (112, 40))] {
        let id = document.add_region(name, WORDS[0]);
        let mut mask = Mask::empty(192, 128);
        mask.fill(PixelRect { x, y, width: 56, height: 64 }, 255);
        document.region_mut(id).unwrap().mask = Arc::new(mask);
    }
    document
}

fn lora(name: &str, weight: f32) -> Lora {
    Lora { file: golden_lora(name).display().to_string(), weight }
}

fn model(document: &Document) -> Loaded {
    load(&document.settings.model, Device::Cpu, &document.settings.loras).unwrap().0
}

fn drawn(document: &Document) -> Drawn {
    draw(document, &mut model(document), &Options::default(), &mut ()).unwrap()
}

/// The latent of one part alone, by its number: the background is 0.
fn of_part(document: &Document, drawn: &Drawn, part: usize) -> Vec<f32> {
    let latent = &drawn.latent;
    let inside = |cell: usize, region: usize| {
        let (x, y) = (cell % latent.width * 8, cell / latent.width * 8);
        document.regions[region].mask.to_raw()[y * 192 + x] > 0
    };
    let owner = |cell: usize| (0..document.regions.len()).rev().find(|&r| inside(cell, r)).map_or(0, |r| r + 1);
    let cells = latent.plane_len();
    (0..latent.data.len()).filter(|at| owner(at % cells) == part).map(|at| latent.data[at]).collect()
}

#[test]
fn each_region_is_drawn_with_its_own_loras_and_what_lies_outside_stays_to_the_last_bit() {
    // One step: what a cell becomes depends on no other cell's prediction.
    let plain = document(1);
    let global = |lora: &Lora| {
        let mut document = plain.clone();
        document.settings.loras.push(lora.clone());
        drawn(&document)
    };
    let (first, second) = (lora("eps_kohya", 0.9), lora("eps_peft", 1.0));
    let mut document = plain.clone();
    document.regions[0].loras = vec![first.clone()];
    document.regions[1].loras = vec![second.clone()];
    let (found, without) = (drawn(&document), drawn(&plain));
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    assert!(of_part(&plain, &found, 0) == of_part(&plain, &without, 0), "the background is another");
    for (part, lora) in [(1, &first), (2, &second)] {
        let (found, merged) = (of_part(&plain, &found, part), of_part(&plain, &global(lora), part));
        assert_close("inside the region", &found, &merged, 1e-5);
        assert!(relative_l2(&found, &of_part(&plain, &without, part)) > 1e-3);
    }
    // One of them alone: the other region stays, too.
    document.regions[0].loras.clear();
    let alone = drawn(&document);
    assert!(of_part(&plain, &alone, 1) == of_part(&plain, &without, 1));
    assert!(of_part(&plain, &alone, 2) == of_part(&plain, &found, 2));
    // What the plan counts is what is evaluated.
    document.regions[0].loras = vec![first];
    let estimate = Estimate::of(&document, Facts::new(16, 8)).unwrap();
    assert_eq!(estimate.unet_samples, found.unet_samples);
}

#[test]
fn the_same_lora_on_all_regions_and_the_background_is_the_whole_picture_s() {
    let mut global = document(4);
    global.settings.loras = vec![lora("eps_kohya", 0.8)];
    let mut document = document(4);
    document.background.loras = global.settings.loras.clone();
    document.regions.iter_mut().for_each(|region| region.loras = global.settings.loras.clone());
    let (found, expected) = (drawn(&document), drawn(&global));
    assert_close("everywhere", &found.latent.data, &expected.latent.data, 1e-5);
    assert_eq!(found.unet_samples, expected.unet_samples, "equal sets share passes");
    let plain = drawn(&self::document(4));
    assert!(relative_l2(&plain.latent.data, &expected.latent.data) > 1e-3);
}

#[test]
fn a_model_that_stays_loaded_draws_what_a_fresh_one_does() {
    let mut loaded = model(&document(2));
    let plain = document(2);
    let mut one = plain.clone();
    one.regions[0].loras = vec![lora("eps_kohya", 1.0)];
    let mut weaker = one.clone();
    weaker.regions[0].loras[0].weight = 0.3;
    let mut hidden = one.clone();
    hidden.regions[0].visible = false;
    for document in [&plain, &one, &weaker, &hidden, &plain] {
        let found = draw(document, &mut loaded, &Options::default(), &mut ()).unwrap();
        assert!(found.latent == drawn(document).latent);
    }
    assert!(loaded.memory() == model(&plain).memory(), "sets that nothing uses are gone");
}

#[test]
fn where_regions_share_a_pass_their_loras_are_left_out_and_that_is_said() {
    let plain = document(1);
    let mut document = plain.clone();
    document.regions[0].loras = vec![lora("eps_kohya", 1.0)];
    for regions in [Regions::Attention, Regions::MultiDiffusion] {
        let options = Options { reference: regions == Regions::MultiDiffusion, ..Options::default() };
        let of = |document: &Document| {
            let mut document = document.clone();
            document.settings.regions = regions;
            (document.settings.stride, document.settings.sampler) = (4, Sampler::Ddim);
            draw(&document, &mut model(&document), &options, &mut ()).unwrap()
        };
        let found = of(&document);
        assert!(found.latent == of(&plain).latent);
        let told = found.warnings.iter().any(|warning| match warning {
            Warning::RegionLorasLeftOut => !options.reference,
            Warning::LeftOutByReference(names) => names.contains(&"LoRAs of regions"),
            _ => false,
        });
        assert!(told, "{:?}", found.warnings);
    }
    // A file that is none ends the drawing in one line.
    document.regions[0].loras[0].file = "gone.safetensors".to_owned();
    let error = draw(&document, &mut model(&document), &Options::default(), &mut ()).unwrap_err();
    says(&error.to_string(), &["gone.safetensors", "no such file"]);
}

#[test]
fn projects_and_pictures_keep_the_loras_of_regions() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = document(1);
    document.background.loras = vec![Lora { file: "paper.safetensors".to_owned(), weight: -0.5 }];
    document.regions[1].loras = vec![Lora::new("/models/glass.safetensors"), Lora::new("ink.safetensors")];
    let project = folder.path().join("scene.ora");
    document.save(&project).unwrap();
    let opened = Document::open(&project).unwrap();
    assert_eq!(opened.background, document.background);
    assert_eq!(opened.regions[0].loras, []);
    assert_eq!(opened.regions[1].loras, document.regions[1].loras);
    assert!(opened.unknown.is_empty(), "{:?}", opened.unknown);

    let picture = folder.path().join("scene.png");
    document.export_picture(&picture, &image::RgbImage::new(192, 128), Export::default()).unwrap();
    assert_eq!(Document::open(&picture).unwrap().regions[1].loras, document.regions[1].loras);
    let text = document.parameters(192, 128, 3);
    assert!(text.starts_with("a meadow <lora:paper:-0.5> BREAK\n"), "{text}");
    assert!(text.contains(&format!("{} <lora:glass:1> <lora:ink:1>\n", WORDS[0])), "{text}");
    let told = document.summary(polyptych::document::Kind::Project).to_string();
    assert!(told.contains("    LoRA        ink.safetensors, weight 1"), "{told}");
}

/// LoRAs that words may name.
fn known(loras: &[(&str, &str)]) -> KnownLoras {
    loras.iter().map(|&(name, file)| (name.to_owned(), golden_lora(file).display().to_string())).collect()
}

#[test]
fn words_name_loras_of_their_region() {
    let options = Options { loras: known(&[("Soft Ink", "eps_kohya"), ("glow", "eps_peft")]), ..Options::default() };
    let of = |document: &Document| draw(document, &mut model(document), &options, &mut ()).unwrap();
    let mut expected = document(2);
    expected.regions[0].loras = vec![lora("eps_kohya", 0.9), lora("eps_peft", 1.0)];
    expected.background.loras = vec![lora("eps_peft", -0.5)];
    let mut named = document(2);
    named.regions[0].prompt = format!("<lora:soft ink:0.9>{}<lyco:glow>", named.regions[0].prompt);
    named.background.prompt.push_str("<lora:glow:-0.5>");
    named.regions[1].prompt.push_str("<lora:nobody:1>");
    named.background.negative.push_str("<lora:glow:2>");
    let found = of(&named);
    assert!(found.latent == of(&expected).latent, "tags are the same as LoRAs of the region, and are no words");
    assert_eq!(found.warnings, [Warning::UnknownLora { name: "nobody".to_owned() }]);
    says(&found.warnings[0].to_string(), &["“nobody”", "is left out", "add its file"]);
    // LoRAs of the document have names, too; the style's are all regions'.
    let mut of_style = document(2);
    of_style.regions[1].loras = vec![lora("eps_kohya", 0.4)];
    let mut everywhere = of_style.clone();
    of_style.style = "<lora:eps_kohya:0.7>".to_owned();
    everywhere.background.loras.push(lora("eps_kohya", 0.7));
    everywhere.regions[0].loras.push(lora("eps_kohya", 0.7));
    everywhere.regions[1].loras.push(lora("eps_kohya", 0.7));
    assert!(of(&of_style).latent == of(&everywhere).latent);
    // What all have, a shared pass has as well.
    let mut shared = document(2);
    shared.settings.regions = Regions::Attention;
    let mut global = shared.clone();
    global.settings.loras = vec![lora("eps_peft", 0.8)];
    shared.style = "<lora:glow:0.8>".to_owned();
    let found = of(&shared);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    assert_close("by attention", &found.latent.data, &of(&global).latent.data, 1e-5);
}
