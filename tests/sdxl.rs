//! SDXL: a small random checkpoint of its shape against diffusers (tests/goldens/make_sdxl_goldens.py).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::weights::InMemory;
use common::{Goldens, assert_close, copy_checkpoint, goldens, one_window, relative_l2, says};
use polyptych::backend::Backend as _;
use polyptych::backend::cpu::Cpu;
use polyptych::checkpoint::prompt::{Reading, Rule};
use polyptych::checkpoint::{Checkpoint, Device, LoraFile, Model};
use polyptych::diffusion::{Area, AreaCall, Call, Network as _, Planes, PromptId};
use polyptych::document::{Document, Mask, PixelRect, Regions, Sampler};
use polyptych::networks::Sizes;
use polyptych::networks::unet::{Added, AddedConditioning, Config, Level, Unet};
use polyptych::studio::{Options, draw, load};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const CASES: [&str; 3] = ["square", "wide", "odd"];

fn open(folder: &Path) -> Result<Checkpoint, polyptych::checkpoint::Error> {
    Checkpoint::open(folder.to_str().unwrap())
}

fn model(device: Device) -> Model {
    open(&goldens().join("sdxl")).unwrap().load(device).unwrap()
}

fn prompts(golden: &Goldens) -> Vec<String> {
    serde_json::from_value(golden.json("parameters")["prompts"].clone()).unwrap()
}

/// Each input with its own prompt.
fn calls(prompts: &[PromptId]) -> Vec<Call> {
    prompts.iter().enumerate().map(|(input, &prompt)| Call { input, prompt, place: None }).collect()
}

#[test]
fn a_prompt_is_conditioned_as_diffusers_pipeline_does_it() {
    let golden = Goldens::open("sdxl_text.safetensors");
    let (tokens, pooled) = (&golden.get("conditioning.tokens").data, &golden.get("conditioning.pooled").data);
    let folder = tempfile::tempdir().unwrap();
    copy_checkpoint("sdxl", folder.path());
    std::fs::write(folder.path().join("model_index.json"), r#"{"force_zeros_for_empty_prompt": false}"#).unwrap();
    for zeros in [true, false] {
        let checkpoint = if zeros { open(&goldens().join("sdxl")) } else { open(folder.path()) }.unwrap();
        let mut model = checkpoint.load(Device::Cpu).unwrap();
        for (i, words) in prompts(&golden).iter().enumerate() {
            let id = model.prompt(words, Reading::default()).unwrap();
            let found = model.conditioning(id).unwrap();
            let found_pooled = found.pooled.as_ref().unwrap();
            // Pipelines cut what is longer; here it goes on in a second chunk, and the first is the same.
            let chunks = words.split_whitespace().count().div_ceil(75).max(1);
            assert_eq!((found.count(), found.width, found_pooled.len()), (chunks * 77, 40, 20));
            if words.is_empty() && zeros {
                let blank = model.prompt("  \n", Reading::default()).unwrap();
                assert_eq!(model.conditioning(blank).unwrap(), model.conditioning(id).unwrap());
                let found = model.conditioning(id).unwrap();
                let found_pooled = found.pooled.as_ref().unwrap();
                assert!(found.tokens.iter().chain(found_pooled).all(|value| *value == 0.0));
                continue;
            }
            assert_close(
                &format!("tokens of {words:?}"),
                &found.tokens[..77 * 40],
                &tokens[i * 77 * 40..][..77 * 40],
                1e-5,
            );
            assert_close(&format!("pooled text of {words:?}"), found_pooled, &pooled[i * 20..][..20], 1e-5);
        }
    }
}

#[test]
fn weighted_words_move_away_from_the_encoded_empty_prompt_and_leave_the_pooled_text() {
    let golden = Goldens::open("sdxl_text.safetensors");
    let empty = &golden.get("conditioning.tokens").data[77 * 40..][..77 * 40];
    let mut model = model(Device::Cpu);
    let mut encoded = |words: &str| {
        let id = model.prompt(words, Reading { rule: Rule::Comfy, ..Reading::default() }).unwrap();
        model.conditioning(id).unwrap().clone()
    };
    let (plain, weighted) = (encoded("a red fox in the snow"), encoded("(a red fox in the snow:1.5)"));
    assert_eq!(plain.pooled, weighted.pooled);
    // The first token is the start's, which has no weight.
    let moved: Vec<f32> = plain.tokens.iter().zip(empty).map(|(e, zero)| zero + 1.5 * (e - zero)).collect();
    assert_close("the words", &weighted.tokens[40..7 * 40], &moved[40..7 * 40], 1e-5);
    assert_eq!(weighted.tokens[..40], plain.tokens[..40]);
}

#[test]
fn the_unet_predicts_what_diffusers_does() {
    let golden = Goldens::open("sdxl_unet.safetensors");
    for device in [Device::Cpu, Device::Candle] {
        let mut model = model(device);
        let ids: Vec<PromptId> =
            prompts(&golden).iter().map(|words| model.prompt(words, Reading::default()).unwrap()).collect();
        let empty = model.prompt("", Reading::default()).unwrap();
        for case in CASES {
            let latents = golden.planes(&format!("{case}.latents"));
            let timestep = golden.get(&format!("{case}.timestep")).data[0];
            for (what, prompts) in [("prediction", [ids[0], ids[1]]), ("zeros", [empty, empty])] {
                let found = model.predict(&latents, timestep, &calls(&prompts)).unwrap();
                let expected = &golden.get(&format!("{case}.{what}")).data;
                assert_close(&format!("{device:?} {case} {what}"), &found.data, expected, 1e-4);
            }
        }
    }
}

#[test]
fn prompts_on_one_input_predict_what_they_do_on_inputs_of_their_own() {
    let golden = Goldens::open("sdxl_unet.safetensors");
    let mut model = model(Device::Cpu);
    assert!(!model.shares_inputs(), "the pooled text reaches the first resnet");
    let prompts: Vec<PromptId> =
        prompts(&golden).iter().map(|words| model.prompt(words, Reading::default()).unwrap()).collect();
    let latents = golden.planes("wide.latents");
    let shared: Vec<Call> =
        [(1, 0), (0, 1), (1, 1)].map(|(input, k)| Call { input, prompt: prompts[k], place: None }).to_vec();
    let together = model.predict(&latents, 901.0, &shared).unwrap();
    for (call, &Call { input, prompt, .. }) in shared.iter().enumerate() {
        let alone = Planes { count: 1, data: latents.image(input).to_vec(), ..latents };
        let alone = model.predict(&alone, 901.0, &calls(&[prompt])).unwrap();
        assert_close(&format!("call {call}"), together.image(call), &alone.data, 1e-5);
    }
    // One prompt that holds everything is a plain call, whatever another one of no area says.
    let whole = vec![1.0; latents.plane_len()];
    let area = |k: usize, mask: &[f32]| Area { prompt: prompts[k], mask: mask.to_vec() };
    let areas = vec![area(0, &whole), area(1, &vec![0.0; whole.len()])];
    let held = model.predict_areas(&latents, 901.0, &[AreaCall { input: 1, place: None, areas }]).unwrap();
    assert_close("one area", &held.data, together.image(0), 1e-5);
}

#[test]
fn sizes_and_crop_count() {
    let golden = Goldens::open("sdxl_unet.safetensors");
    let folder = goldens().join("sdxl/unet");
    let b = Cpu::new();
    let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    let weights = InMemory::open(&folder.join("diffusion_pytorch_model.safetensors"));
    let unet = Unet::load(Config::parse(&config, "config.json").unwrap(), &b, &weights).unwrap();
    let sizes = Sizes { original: (512, 300), crop: (64, 8), target: (128, 128) };
    let pooled: Vec<Vec<f32>> = golden.get("pooled").data.chunks(20).map(<[f32]>::to_vec).collect();
    let added: Vec<Added> = pooled.into_iter().map(|pooled| Added { pooled, sizes }).collect();
    let prompts: Vec<_> = golden
        .get("embeddings")
        .data
        .chunks(77 * 40)
        .map(|tokens| unet.prompt(&b, &b.upload(&[1, 77, 40], tokens).unwrap()).unwrap())
        .collect();
    let latents = b.upload(&[2, 4, 16, 16], &golden.get("square.latents").data).unwrap();
    let step = unet.step(&b, 501.0, &added).unwrap();
    let found = unet.forward(&b, &latents, &step, &[0, 1], &prompts.iter().collect::<Vec<_>>()).unwrap();
    assert_close("cropped", &b.download(&found).unwrap(), &golden.get("square.cropped").data, 1e-4);
    // A UNet that wants pooled text is not run without it.
    let narrow = vec![Added { pooled: vec![0.0; 19], sizes }];
    for wrong in [&[][..], &narrow] {
        says(&unet.step(&b, 501.0, wrong).map(|_| ()).unwrap_err().to_string(), &["pooled text 20 wide"]);
    }
}

#[test]
fn latents_are_scaled_as_the_folder_says() {
    let golden = Goldens::open("sdxl_unet.safetensors");
    let decoded = model(Device::Cpu).decode(&golden.planes("vae.latent")).unwrap();
    assert_close("decoded", &decoded.data, &golden.get("vae.decoded").data, 1e-4);
}

#[test]
fn a_picture_of_eight_steps_is_diffusers() {
    let golden = Goldens::open("sdxl_picture.safetensors");
    let facts = golden.json("parameters");
    let (mut model, _) = load(goldens().join("sdxl").to_str().unwrap(), Device::Cpu, &[]).unwrap();
    for case in ["negative", "zeros"] {
        let mut document = one_window(&facts);
        document.settings.sampler = Sampler::Euler;
        (document.settings.steps, document.settings.guidance) = (8, 5.0);
        if case == "zeros" {
            document.background.negative = String::new();
        }
        let drawn = draw(&document, &mut model, &Options::default(), &mut ()).unwrap();
        assert_close(case, &drawn.latent.data, &golden.get(case).data, 1e-4);
    }
    let apart = relative_l2(&golden.get("zeros").data, &golden.get("negative").data);
    assert!(apart > 0.1, "the comparison can fail: {apart}");
}

#[test]
fn a_lora_in_kohya_s_names_changes_unet_and_both_text_encoders() {
    let golden = Goldens::open("sdxl_lora.safetensors");
    let latents = golden.planes("latents");
    let lora = Arc::new(LoraFile::open(goldens().join("lora/sdxl_kohya.safetensors")).unwrap());
    let summary = lora.summary();
    assert_eq!((summary.family, summary.text_width, summary.text_layers), (Some("SDXL"), Some(40), 37));
    let run = |model: &mut Model| {
        let ids: Vec<PromptId> =
            prompts(&golden).iter().map(|words| model.prompt(words, Reading::default()).unwrap()).collect();
        let encoded: Vec<_> = ids.iter().map(|&id| model.conditioning(id).unwrap().clone()).collect();
        let tokens: Vec<f32> = encoded.iter().flat_map(|encoded| encoded.tokens.clone()).collect();
        let pooled: Vec<f32> = encoded.iter().flat_map(|encoded| encoded.pooled.clone().unwrap()).collect();
        [tokens, pooled, model.predict(&latents, 501.0, &calls(&ids)).unwrap().data]
    };
    let mut model = model(Device::Cpu);
    let plain = run(&mut model);
    assert!(model.set_loras(&[(lora, 1.0)]).unwrap().is_empty(), "every layer fits");
    for (found, what) in run(&mut model).iter().zip(["tokens", "pooled", "prediction"]) {
        assert_close(what, found, &golden.get(what).data, 1e-4);
    }
    model.set_loras(&[]).unwrap();
    assert!(run(&mut model) == plain, "nothing of it is left");
}

#[test]
fn regions_are_drawn_in_windows_and_savings_change_nothing() {
    let (mut model, _) = load(goldens().join("sdxl").to_str().unwrap(), Device::Cpu, &[]).unwrap();
    let mut document = Document::new(224, 128);
    document.background.prompt = "the sea at sunset".to_owned();
    document.settings.steps = 3;
    let id = document.add_region("ship", "a red ship");
    let mut mask = Mask::empty(224, 128);
    mask.fill(PixelRect { x: 64, y: 32, width: 96, height: 64 }, 255);
    document.region_mut(id).unwrap().mask = mask.into();
    let mut latent = |document: &Document, savings: bool| {
        let options = Options { savings, ..Options::default() };
        draw(document, &mut model, &options, &mut ()).unwrap().latent.data
    };
    for regions in [Regions::MultiDiffusion, Regions::Attention] {
        document.settings.regions = regions;
        let drawn = latent(&document, true);
        assert_close(&format!("{regions:?} without savings"), &latent(&document, false), &drawn, 1e-4);
        let mut other = document.clone();
        other.regions[0].prompt = "a green hill".to_owned();
        assert!(relative_l2(&latent(&other, true), &drawn) > 1e-3, "{regions:?}: the region's words count");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_told() {
    let broken = |change: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        copy_checkpoint("sdxl", folder.path());
        change(folder.path());
        open(folder.path()).and_then(|checkpoint| checkpoint.load(Device::Cpu)).map(|_| ()).unwrap_err().to_string()
    };
    let set = |file: &'static str, key: &'static str, value: Value| {
        move |folder: &Path| {
            let path = folder.join(file);
            let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            config[key] = value.clone();
            std::fs::write(path, config.to_string()).unwrap();
        }
    };
    let remove = |part: &'static str| move |folder: &Path| std::fs::remove_dir_all(folder.join(part)).unwrap();
    says(&broken(&remove("text_encoder")), &["text_encoder_2/config.json", "the SDXL refiner", "not supported yet"]);
    says(&broken(&remove("text_encoder_2")), &["unet/config.json", "cross_attention_dim is 40", "16"]);
    says(&broken(&remove("tokenizer_2")), &["tokenizer_2/tokenizer.json", "no such file"]);
    says(
        &broken(&set("text_encoder_2/config.json", "projection_dim", json!(24))),
        &["unet/config.json", "pooled text 20 wide", "is 24"],
    );
    let unet = "unet/config.json";
    says(&broken(&set(unet, "addition_embed_type", json!("image"))), &[unet, "addition_embed_type", "not supported"]);
    says(&broken(&set(unet, "addition_embed_type", Value::Null)), &[unet, "projection_class_embeddings_input_dim"]);
    says(&broken(&set(unet, "addition_time_embed_dim", Value::Null)), &[unet, "addition_time_embed_dim", "missing"]);
    says(&broken(&set(unet, "addition_time_embed_dim", json!(12))), &[unet, "no room for text"]);
}

#[test]
fn the_published_options_are_read() {
    // Of SDXL base 1.0; what is left out has diffusers' defaults.
    let config = json!({
        "_class_name": "UNet2DConditionModel",
        "addition_embed_type": "text_time",
        "addition_embed_type_num_heads": 64,
        "addition_time_embed_dim": 256,
        "attention_head_dim": [5, 10, 20],
        "block_out_channels": [320, 640, 1280],
        "class_embed_type": null,
        "cross_attention_dim": 2048,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "layers_per_block": 2,
        "projection_class_embeddings_input_dim": 2816,
        "sample_size": 128,
        "transformer_layers_per_block": [1, 2, 10],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "upcast_attention": null,
        "use_linear_projection": true,
    });
    let config = Config::parse(&config, "config.json").unwrap();
    assert_eq!(config.added, Some(AddedConditioning { pooled: 1280, waves: 256 }));
    let depths = |levels: &[Level]| -> Vec<Option<(usize, usize)>> {
        levels.iter().map(|level| level.transformer.as_ref().map(|t| (t.blocks[0], t.heads))).collect()
    };
    assert_eq!(depths(&config.down), [None, Some((2, 10)), Some((10, 20))]);
    assert_eq!(depths(std::slice::from_ref(&config.mid)), [Some((10, 20))]);
    assert_eq!(depths(&config.up), [Some((10, 20)), Some((2, 10)), None]);
}

#[test]
fn an_sdxl_checkpoint_says_what_it_is() {
    let summary = open(&goldens().join("sdxl")).unwrap().summary().unwrap();
    let parts: Vec<&str> = summary.parts.iter().map(|part| part.name).collect();
    assert_eq!(parts, ["unet", "vae", "text_encoder", "text_encoder_2"]);
    assert_eq!((summary.text_width, summary.token_limit, summary.window), (40, 75, 16));
}
