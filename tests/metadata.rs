//! What pictures carry besides their pixels: projects that other programs saved again, and how other programs made theirs.
//!
//! Pictures in `tests/fixtures/pictures` were made by its `make.py` with Pillow and piexif, as the web UIs make them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use image::RgbImage;
use png::text_metadata::{ITXtChunk, TEXtChunk, ZTXtChunk};
use polyptych::document::{
    Area, Carry, Document, Export, InitImage, Mask, PictureFormat, Prediction, Problem, Sampler, Schedule, Settings,
    describe_picture, open_picture, read_parameters,
};
use serde_json::{Value, json};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures").join(name)
}

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]))
}

/// The kinds of text chunk.
#[derive(Debug, Clone, Copy)]
enum Text {
    Plain,
    Packed,
    Wide,
    WideAndPacked,
}

const TEXTS: [Text; 4] = [Text::Plain, Text::Packed, Text::Wide, Text::WideAndPacked];

/// A PNG with these texts, before its pixels or behind them.
fn png_with(image: &RgbImage, texts: &[(Text, &str, &str)], behind: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    if behind {
        writer.write_image_data(image.as_raw()).unwrap();
    }
    for (kind, keyword, text) in texts {
        match kind {
            Text::Plain => writer.write_text_chunk(&TEXtChunk::new(*keyword, *text)).unwrap(),
            Text::Packed => writer.write_text_chunk(&ZTXtChunk::new(*keyword, *text)).unwrap(),
            Text::Wide | Text::WideAndPacked => {
                let mut chunk = ITXtChunk::new(*keyword, *text);
                chunk.compressed = matches!(kind, Text::WideAndPacked);
                writer.write_text_chunk(&chunk).unwrap();
            }
        }
    }
    if !behind {
        writer.write_image_data(image.as_raw()).unwrap();
    }
    drop(writer);
    bytes
}

/// A file, which is gone with its folder.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The parameters of a PNG with these texts.
fn parameters_of(texts: &[(&str, &str)]) -> Option<polyptych::document::Parameters> {
    let texts: Vec<_> = texts.iter().map(|(keyword, text)| (Text::Wide, *keyword, *text)).collect();
    read_parameters(&file("a.png", &png_with(&picture(64, 64), &texts, false)).1).unwrap()
}

fn painted() -> Document {
    let mut document = Document::new(96, 64);
    document.background.prompt = "a lake".to_owned();
    let id = document.add_region("House", "a red house");
    document.region_mut(id).unwrap().mask = Arc::new(Mask::even(96, 64, 255));
    document
}

// ---- projects --------------------------------------------------------------------------------------------------------

#[test]
fn a_project_is_found_in_every_kind_of_text_before_and_behind_the_pixels() {
    let (document, image) = (painted(), picture(96, 64));
    let mut bytes = Vec::new();
    document.write_png(&image, Carry::ALL, &mut bytes).unwrap();
    let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
    reader.finish().unwrap();
    let project =
        reader.info().utf8_text.iter().find(|chunk| chunk.keyword == "polyptych").unwrap().get_text().unwrap();
    for kind in TEXTS {
        for behind in [false, true] {
            let again = file("again.png", &png_with(&image, &[(kind, "polyptych", &project)], behind));
            assert!(Document::is_project(&again.1).unwrap(), "{kind:?}");
            let opened = Document::open(&again.1).unwrap();
            assert_eq!((&opened.regions, &opened.background), (&document.regions, &document.background), "{kind:?}");
            assert_eq!(*opened.take.unwrap().image, image);
        }
    }
    // One that is damaged hides none that is whole.
    let texts = [(Text::Wide, "polyptych", "AAAA"), (Text::Plain, "polyptych", project.as_str())];
    let opened = Document::read_from(&png_with(&image, &texts, false)).unwrap();
    assert_eq!(opened.document.regions, document.regions);
    let error = Document::read_from(&png_with(&image, &texts[..1], false)).unwrap_err();
    assert!(matches!(error.problem(), Problem::Embedded(_)), "{error}");
}

#[test]
fn a_picture_that_pillow_saved_again_is_still_a_project() {
    let path = fixture("saved-again.png");
    assert!(Document::is_project(&path).unwrap());
    let document = Document::open(&path).unwrap();
    assert_eq!((document.background.prompt.as_str(), document.regions[0].prompt.as_str()), ("a lake", "a red house"));
    assert_eq!(open_picture(&path).unwrap().document, document);
}

// ---- the web UIs' rule -----------------------------------------------------------------------------------------------

/// What AUTOMATIC1111's `parse_generation_parameters` makes of a text, stated anew: prompt, negative, last line.
fn as_the_web_uis_read(text: &str) -> (String, String, String) {
    #[expect(clippy::str_split_at_newline, reason = "as Python splits, which keeps carriage returns")]
    let mut lines: Vec<&str> = text.trim().split('\n').collect();
    let last = lines.pop().unwrap_or_default();
    // (Of our own texts the last line always has its three pairs.)
    assert!(last.matches(": ").count() >= 3, "{last}");
    let (mut prompt, mut negative, mut done) = (Vec::new(), Vec::new(), false);
    for line in lines {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix("Negative prompt:") {
            (line, done) = (rest.trim(), true);
        }
        if done { negative.push(line) } else { prompt.push(line) }
    }
    (prompt.join("\n"), negative.join("\n"), last.to_owned())
}

#[test]
fn words_that_look_like_parameters_stay_words() {
    for odd in [
        "Negative prompt: fog",
        "  \n\tNegative prompt: fog",
        "\u{1c}Negative prompt: fog",
        "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1",
        "a house\nNegative prompt: fog\nSteps: 1, Sampler: x, Seed: 3",
        "Negative prompt:Negative prompt:",
        "\"quoted: , \\\" words\"",
    ] {
        let tidy = odd.split(|c: char| c.is_whitespace() || c.is_control()).filter(|p| !p.is_empty());
        let tidy = tidy.collect::<Vec<_>>().join(" ");
        for place in 0..3 {
            let mut document = painted();
            document.background.negative = "people".to_owned();
            let mut words = ["a lake", "a red house", "people"];
            words[place] = odd;
            document.background.prompt = words[0].to_owned();
            document.regions[0].prompt = words[1].to_owned();
            document.background.negative = words[2].to_owned();
            let text = document.parameters(96, 64, 7);
            let (prompt, negative, last) = as_the_web_uis_read(&text);
            if place == 2 {
                assert_eq!(negative, tidy, "{text}");
                assert_eq!(prompt, "a lake BREAK\na red house");
            } else {
                assert_eq!(negative, "people", "{text}");
                assert!(prompt.contains(&tidy), "{text}");
            }
            assert!(last.starts_with("Steps: 20, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 96x64"), "{last}");
            // And through our own reader, from a file of each kind.
            let folder = tempfile::tempdir().unwrap();
            for (format, name) in
                [(PictureFormat::Png, "a.png"), (PictureFormat::Jpeg, "a.jpg"), (PictureFormat::WebP, "a.webp")]
            {
                let path = folder.path().join(name);
                let export = Export { format, ..Export::default() };
                document.settings.seed = 7;
                document.export_picture(&path, &picture(96, 64), export).unwrap();
                let read = read_parameters(&path).unwrap().unwrap();
                assert_eq!((read.program.as_str(), read.seed, read.steps), ("Polyptych", Some(7), Some(20)), "{name}");
                let back = read.document(&picture(96, 64));
                let [first, second] = if place == 0 { [tidy.as_str(), words[1]] } else { [words[0], &tidy] };
                let [first, second] = if place == 2 { [words[0], words[1]] } else { [first, second] };
                assert_eq!(back.background.prompt, format!("{first}, {second}"), "{name}");
                assert_eq!(back.background.negative, if place == 2 { &tidy } else { "people" }, "{name}");
            }
        }
    }
}

#[test]
fn samplers_and_schedules_come_back_from_our_own_parameters() {
    for sampler in Sampler::ALL {
        let schedules = Schedule::ALL.into_iter().filter(|schedule| sampler.follows(*schedule));
        for (schedule, prediction) in schedules.zip(Prediction::ALL.into_iter().cycle()) {
            let mut document = painted();
            document.settings =
                Settings { sampler, schedule, prediction, guidance: -2.5, steps: 31, ..Settings::default() };
            document.settings.seed = u64::MAX;
            let text = document.parameters(96, 64, u64::MAX);
            let read = parameters_of(&[("parameters", &text)]).unwrap();
            assert_eq!(read.document(&picture(96, 64)).settings, document.settings, "{text}");
        }
    }
}

#[test]
fn the_parameters_of_the_web_uis_are_read_from_every_kind_of_file() {
    for (name, evening) in [
        ("web-ui.png", "evening"),
        ("web-ui-wide.png", "夕方"),
        ("web-ui.jpg", "夕方"),
        ("web-ui.webp", "夕方"),
        ("web-ui-little.jpg", "夕方"),
    ] {
        let opened = open_picture(fixture(name)).unwrap();
        let document = &opened.document;
        assert_eq!((document.width, document.height), (64, 96), "{name}");
        let words = format!("a stone tower, {evening}: \"the watch\"\nSteps: none, a ladder");
        assert_eq!(
            (document.background.prompt.as_str(), document.background.negative.as_str()),
            (&*words, "fog,\nrain")
        );
        let Settings { seed, steps, sampler, schedule, guidance, .. } = document.settings;
        assert_eq!((seed, steps, guidance), (4_294_967_301, 24, 6.5), "{name}");
        assert_eq!((sampler, schedule), (Sampler::Dpmpp2m, Schedule::Karras), "{name}");
        let take = document.take.as_ref().unwrap();
        assert_eq!((take.seed, take.image.dimensions()), (seed, (64, 96)));
        assert!(document.init_image.is_none() && document.regions.is_empty());
        let notes = opened.notes.join("\n");
        assert!(notes.contains("“some model”") && !notes.contains("Clip skip"), "{notes}");
        assert_eq!(document.settings.clip_skip, Some(2), "{name}");
        assert!(!notes.contains("Hashes") && !notes.contains("lora"), "{notes}");
        let told = describe_picture(fixture(name)).unwrap().unwrap();
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!((&json["seed"], &json["size"]), (&json!(4_294_967_301_u64), &json!([64, 96])));
        assert_eq!((&json["sampler"], &json["schedule"]), (&json!("dpmpp-2m"), &json!("karras")));
        assert_eq!(json["kind"], "picture of another program");
        assert!(told.to_string().contains("seed 4294967301") && told.to_string().contains(evening), "{told}");
    }
}

#[test]
fn every_kind_of_text_chunk_and_utf_8_in_latin_1_is_read() {
    let text = "café, evening\nNegative prompt: fog\nSteps: 9, Sampler: Euler a, Seed: 3, Size: 64x64";
    for kind in TEXTS {
        for behind in [false, true] {
            let file = file("a.png", &png_with(&picture(64, 64), &[(kind, "parameters", text)], behind));
            let read = read_parameters(&file.1).unwrap().unwrap();
            assert_eq!((read.prompt.as_str(), read.steps), ("café, evening", Some(9)), "{kind:?}");
        }
    }
    let as_latin: String = text.bytes().map(char::from).collect();
    let file = file("a.png", &png_with(&picture(64, 64), &[(Text::Plain, "parameters", &as_latin)], false));
    assert_eq!(read_parameters(&file.1).unwrap().unwrap().prompt, "café, evening");
}

#[test]
fn the_last_line_counts_by_three_pairs_and_the_negative_by_its_line() {
    let read = |text: &str| parameters_of(&[("parameters", text)]).unwrap();
    let two = read("a house\nSteps: 20, Sampler: Euler");
    assert_eq!((two.prompt.as_str(), two.steps), ("a house\nSteps: 20, Sampler: Euler", None));
    let bare = read("Steps: 20, Sampler: Euler, Seed: 5");
    assert_eq!((bare.prompt.as_str(), bare.steps, bare.seed), ("", Some(20), Some(5)));
    let inside = read("see Negative prompt: fog\n  Negative prompt: rain\nsnow\nSteps: 2, Seed: 1, CFG scale: 1");
    assert_eq!((inside.prompt.as_str(), inside.negative.as_str()), ("see Negative prompt: fog", "rain\nsnow"));
    let quoted = read("x\nSteps: 2, Model: \"a, b: \\\"c\\\"\", Seed: 1, Size: 8x8, Template: \"Seed: 99, Steps: 77\"");
    assert_eq!((quoted.seed, quoted.steps, quoted.size), (Some(1), Some(2), Some((8, 8))));
    assert!(quoted.notes[0].contains("a, b: \"c\""), "{:?}", quoted.notes);
    let open = read("x\nSteps: 2, Model: \"open, Seed: 1, CFG scale: 3");
    assert_eq!((open.seed, open.guidance), (Some(1), Some(3.0)), "a quote that is never closed ends at the comma");
    let forge = read(
        "x\nSteps: 8, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 1, Version: f2.0.1",
    );
    assert_eq!((forge.program.as_str(), forge.schedule), ("Forge", Some(Schedule::Trailing)));
    assert!(forge.notes.join(" ").contains("Distilled CFG Scale 3.5"), "{:?}", forge.notes);
    let old = read("x\nSteps: 8, Sampler: DPM++ 2M SDE Karras, CFG scale: 7, Seed: 1");
    assert_eq!((old.sampler, old.schedule), (Some(Sampler::Dpmpp2mSde), Some(Schedule::Karras)));
    let next = read("x\nSteps: 20, Seed: 12, Size: 512x512, Sampler: UniPC, CFG scale: 6, App: SD.Next, Version: 8f2d");
    assert_eq!((next.program.as_str(), next.sampler), ("SD.Next", Some(Sampler::UniPc)));
}

#[test]
fn what_has_no_place_in_a_document_is_told() {
    let text = "a fox <lora:ink:0.7> BREAK a lake <hypernet:wash>, (snow:1.2)\n\
                Steps: 5000, Sampler: LMS, Schedule type: Beta, CFG scale: 1e9, Seed: -1, Hires upscale: 2";
    let read = parameters_of(&[("parameters", text)]).unwrap();
    let document = read.document(&picture(64, 64));
    assert_eq!(document.background.prompt, "a fox <lora:ink:0.7> BREAK a lake , (snow:1.2)");
    assert_eq!((document.settings.steps, document.settings.guidance), (1000, 100.0));
    assert_eq!((document.settings.sampler, document.settings.seed), (Sampler::Ddim, 0));
    let notes = read.notes.join("\n");
    for word in ["hypernetwork “wash", "“LMS”", "“Beta”", "5000", "guidance", "“-1”", "Hires upscale 2"] {
        assert!(notes.contains(word), "{word}: {notes}");
    }
    // A document made so is within the limits of the file.
    let mut bytes = Cursor::new(Vec::new());
    document.write_to(&mut bytes).unwrap();
    assert_eq!(Document::read_from(bytes.get_ref()).unwrap().document, document);
}

// ---- other forms -----------------------------------------------------------------------------------------------------

/// ComfyUI's default graph.
fn graph() -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {
            "seed": 156_680_208_700_286_u64, "steps": 21, "cfg": 8, "sampler_name": "euler_ancestral", "scheduler": "karras",
            "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a glass bottle: \"sea\"", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}}
    })
}

fn comfy(graph: &Value) -> Option<polyptych::document::Parameters> {
    parameters_of(&[("prompt", &graph.to_string()), ("workflow", "{\"nodes\": []}")])
}

#[test]
fn the_graph_of_comfyui_is_followed_from_its_sampler() {
    let read = comfy(&graph()).unwrap();
    assert_eq!((read.program.as_str(), read.prompt.as_str()), ("ComfyUI", "a glass bottle: \"sea\""));
    assert_eq!((read.negative.as_str(), read.seed), ("text, watermark", Some(156_680_208_700_286)));
    assert_eq!((read.steps, read.guidance, read.size), (Some(21), Some(8.0), Some((512, 768))));
    assert_eq!((read.sampler, read.schedule), (Some(Sampler::EulerAncestral), Some(Schedule::Karras)));
    assert!(read.notes.join(" ").contains("“v1-5.safetensors”"), "{:?}", read.notes);

    // Python's json writes what is no number as NaN, and words may hold it, too.
    let text = graph().to_string().replace("\"a glass", "\"NaN \\\\ \\\" NaN a glass");
    let text = text.replacen("{\"3\":", "{\"odd\": {\"is_changed\": [NaN, -Infinity]}, \"3\":", 1);
    let read = parameters_of(&[("prompt", &text)]).unwrap();
    assert!(read.prompt.starts_with("NaN \\ \" NaN a glass"), "{}", read.prompt);

    // Words through nodes that combine, hand on, or hold texts; a LoRA; a second sampler behind the first.
    let mut large = graph();
    let nodes = large.as_object_mut().unwrap();
    for (id, class, inputs) in [
        ("20", "ConditioningCombine", json!({"conditioning_1": ["6", 0], "conditioning_2": ["21", 0]})),
        ("21", "CLIPTextEncode", json!({"text": ["22", 0], "clip": ["4", 1]})),
        ("22", "PrimitiveString", json!({"value": "a red sail"})),
        ("23", "ControlNetApplyAdvanced", json!({"positive": ["20", 0], "negative": ["7", 0], "image": ["9", 0]})),
        ("24", "LoraLoader", json!({"lora_name": "ink.safetensors", "strength_model": 0.7, "model": ["4", 0]})),
        (
            "1",
            "KSampler",
            json!({"seed": 5, "steps": 9, "cfg": 2, "sampler_name": "lcm", "scheduler": "simple",
            "denoise": 0.5, "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["26", 0]}),
        ),
        ("26", "LatentUpscale", json!({"samples": ["3", 0], "width": 1024, "height": 1536})),
        ("27", "PrimitiveInt", json!({"value": 99})),
    ] {
        nodes.insert(id.to_owned(), json!({"class_type": class, "inputs": inputs}));
    }
    nodes["3"]["inputs"]["positive"] = json!(["23", 0]);
    nodes["3"]["inputs"]["negative"] = json!(["23", 1]);
    nodes["3"]["inputs"]["seed"] = json!(["27", 0]);
    let read = comfy(&large).unwrap();
    assert_eq!(read.prompt, "a glass bottle: \"sea\", a red sail");
    assert_eq!((read.negative.as_str(), read.seed, read.steps), ("text, watermark", Some(99), Some(21)));
    assert_eq!(read.size, Some((512, 768)));
    let notes = read.notes.join("\n");
    assert!(
        notes.contains("ink.safetensors") && notes.contains("2 samplers") && notes.contains("ControlNet"),
        "{notes}"
    );

    // Samplers in parts, as for Flux.
    let parts = json!({
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0],
            "sigmas": ["5", 0], "latent_image": ["6", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 18_446_744_073_709_551_615_u64}},
        "3": {"class_type": "BasicGuider", "inputs": {"conditioning": ["7", 0], "model": ["9", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 4, "denoise": 1}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 640, "height": 320}},
        "7": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["8", 0]}},
        "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "a heron"}}
    });
    let read = comfy(&parts).unwrap();
    assert_eq!((read.prompt.as_str(), read.negative.as_str(), read.seed), ("a heron", "", Some(u64::MAX)));
    assert_eq!((read.steps, read.sampler, read.schedule), (Some(4), Some(Sampler::Euler), Some(Schedule::Trailing)));
    assert_eq!(read.size, Some((640, 320)));

    let read = read_parameters(fixture("comfy.webp")).unwrap().unwrap();
    assert_eq!((read.prompt.as_str(), read.negative.as_str(), read.steps), ("a fox", "fog", Some(9)));
}

#[test]
fn graphs_with_cycles_and_without_sense_are_bounded() {
    let mut wild = graph();
    let nodes = wild.as_object_mut().unwrap();
    nodes["6"]["inputs"] = json!({"text": ["6", 0], "conditioning": ["3", 0]});
    nodes["5"]["inputs"] = json!({"width": ["5", 0], "height": ["5", 0], "samples": ["3", 0]});
    nodes["3"]["inputs"]["seed"] = json!(["3", 0]);
    let read = comfy(&wild).unwrap();
    assert_eq!((read.prompt.as_str(), read.seed, read.size), ("", None, None));

    // A chain of 100,000 nodes, and a ladder whose walks double at every rung.
    let mut long = graph();
    let nodes = long.as_object_mut().unwrap();
    for id in 100..20_100 {
        let next = json!([(id + 1).to_string(), 0]);
        nodes.insert(
            id.to_string(),
            json!({"class_type": "x", "inputs": {"text": next, "text_b": next, "value": next}}),
        );
    }
    nodes["6"]["inputs"]["text"] = json!(["100", 0]);
    for id in 200_000..200_100 {
        let next = json!([(id + 1).to_string(), 0]);
        nodes.insert(id.to_string(), json!({"class_type": "x", "inputs": {"seed": next, "noise_seed": next}}));
    }
    nodes["3"]["inputs"]["seed"] = json!(["200000", 0]);
    nodes["3"]["inputs"]["noise_seed"] = json!(["200000", 0]);
    nodes["3"]["inputs"]["latent_image"] = json!(["100", 0]);
    assert_eq!(comfy(&long).unwrap().prompt, "");

    for text in [
        "{}",
        "{\"3\": 5}",
        "{\"3\": {\"inputs\": []}}",
        "[1]",
        "null",
        "{\"a\": {\"inputs\": {\"positive\": [\"a\", 0]}}}",
    ] {
        assert_eq!(parameters_of(&[("prompt", text)]), None, "{text}");
    }
    let brackets = "<".repeat(1 << 20);
    let read = parameters_of(&[("parameters", &format!("{brackets}\nSteps: 1, Seed: 2, CFG scale: 3"))]).unwrap();
    assert_eq!(read.document(&picture(64, 64)).background.prompt, brackets);
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(parameters_of(&[("prompt", &deep)]), None);
}

#[test]
fn the_metadata_of_invokeai_in_three_versions_is_read() {
    let three = json!({
        "generation_mode": "txt2img", "positive_prompt": "a glass bottle", "negative_prompt": "fog", "width": 512, "height": 768,
        "seed": 4_294_967_295_u64, "rand_device": "cpu", "cfg_scale": 7.5, "steps": 30, "scheduler": "dpmpp_2m_k", "clip_skip": 0,
        "model": {"model_name": "stable-diffusion-v1-5", "base_model": "sd-1", "model_type": "main"}, "controlnets": [],
        "loras": [{"lora": {"model_name": "ink", "base_model": "sd-1"}, "weight": 0.75}], "app_version": "3.0.2"
    });
    let read = parameters_of(&[("invokeai_metadata", &three.to_string())]).unwrap();
    assert_eq!(
        (read.program.as_str(), read.prompt.as_str(), read.negative.as_str()),
        ("InvokeAI", "a glass bottle", "fog")
    );
    assert_eq!((read.seed, read.steps, read.guidance), (Some(4_294_967_295), Some(30), Some(7.5)));
    assert_eq!((read.sampler, read.schedule), (Some(Sampler::Dpmpp2m), Some(Schedule::Karras)));
    assert_eq!(read.size, Some((512, 768)));
    let notes = read.notes.join("\n");
    assert!(
        notes.contains("“ink”") && notes.contains("“stable-diffusion-v1-5”") && !notes.contains("clip_skip"),
        "{notes}"
    );

    let two = json!({
        "model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "app_id": "invoke-ai/InvokeAI", "app_version": "2.2.5",
        "image": {"prompt": [{"prompt": "a glass bottle [fog] at sea [rain]", "weight": 1.0}], "steps": 50, "cfg_scale": 7.5,
            "height": 512, "width": 640, "seed": 42, "type": "txt2img", "sampler": "k_euler_a", "variations": []}
    });
    let dream = "\"a glass bottle [fog] at sea [rain]\" -s 50 -S 42 -W640 -H 512 -C7.5 -A k_euler_a";
    for read in [parameters_of(&[("sd-metadata", &two.to_string())]), parameters_of(&[("Dream", dream)])] {
        let read = read.unwrap();
        assert_eq!((read.prompt.as_str(), read.negative.as_str()), ("a glass bottle  at sea", "fog, rain"));
        assert_eq!((read.seed, read.steps, read.size), (Some(42), Some(50), Some((640, 512))));
        assert_eq!((read.sampler, read.guidance), (Some(Sampler::EulerAncestral), Some(7.5)));
    }
}

#[test]
fn the_metadata_of_novelai_swarmui_and_fooocus_is_read() {
    let old = json!({"steps": 28, "sampler": "k_euler_ancestral", "seed": 1_234_567_890, "strength": 0.0, "scale": 11.0, "uc": "lowres"});
    let read =
        parameters_of(&[("Software", "NovelAI"), ("Description", "a girl, {{sky}}"), ("Comment", &old.to_string())]);
    let read = read.unwrap();
    assert_eq!(
        (read.program.as_str(), read.prompt.as_str(), read.negative.as_str()),
        ("NovelAI", "a girl, {{sky}}", "lowres")
    );
    assert_eq!((read.seed, read.steps, read.guidance), (Some(1_234_567_890), Some(28), Some(11.0)));
    assert_eq!((read.sampler, read.schedule), (Some(Sampler::EulerAncestral), None));

    let new = json!({"prompt": "a heron", "steps": 23, "height": 1216, "width": 832, "scale": 5.0, "seed": 7, "noise_schedule": "karras",
        "sampler": "k_dpmpp_2m", "uc": "fog", "v4_prompt": {"caption": {"base_caption": "a heron", "char_captions": [{"char_caption": "x"}]}}});
    let read = parameters_of(&[("Description", "a heron"), ("Comment", &new.to_string())]).unwrap();
    assert_eq!((read.sampler, read.schedule), (Some(Sampler::Dpmpp2m), Some(Schedule::Karras)));
    assert_eq!(read.size, Some((832, 1216)));
    assert!(read.notes.join(" ").contains("1 characters"), "{:?}", read.notes);

    let swarm = json!({"sui_image_params": {"prompt": "a fox", "negativeprompt": "fog", "model": "m", "seed": 5, "steps": 20,
        "cfgscale": 7.0, "width": 64, "height": 96, "sampler": "dpmpp_2m_sde", "scheduler": "karras"}});
    let read = parameters_of(&[("parameters", &swarm.to_string())]).unwrap();
    assert_eq!((read.program.as_str(), read.negative.as_str(), read.seed), ("SwarmUI", "fog", Some(5)));
    assert_eq!((read.sampler, read.schedule), (Some(Sampler::Dpmpp2mSde), Some(Schedule::Karras)));

    let fooocus = json!({"prompt": "a fox", "negative_prompt": "fog", "seed": "18446744073709551615", "steps": 30,
        "guidance_scale": 4.0, "sampler": "uni_pc", "scheduler": "sgm_uniform", "resolution": "(1152, 896)", "base_model": "m"});
    let read = parameters_of(&[("parameters", &fooocus.to_string())]).unwrap();
    assert_eq!((read.seed, read.size), (Some(u64::MAX), Some((1152, 896))));
    assert_eq!((read.sampler, read.schedule), (Some(Sampler::UniPc), Some(Schedule::Sgm)));
}

// ---- pictures without any of it --------------------------------------------------------------------------------------

#[test]
fn a_picture_that_tells_nothing_is_what_the_drawing_starts_from() {
    assert_eq!(read_parameters(fixture("camera.jpg")).unwrap(), None, "a camera's comment is no prompt");
    assert_eq!(parameters_of(&[("Comment", "made with love, 3: 4"), ("Title", "x")]), None);
    let opened = open_picture(fixture("photo.jpg")).unwrap();
    assert!(opened.notes.is_empty() && opened.document.take.is_none());
    let start = opened.document.init_image.unwrap();
    assert_eq!((start.image.dimensions(), start.strength), ((64, 96), InitImage::STRENGTH));
    assert_eq!(start.area, Area::Everything);
    // Turned as it was held.
    assert_eq!((opened.document.width, opened.document.height), (64, 96));
    let turned = open_picture(fixture("turned-6.png")).unwrap().document;
    assert_eq!((turned.width, turned.height), (85, 64), "64 × 48, made as high as a canvas must be");
}

#[test]
fn a_picture_outside_the_limits_of_a_canvas_is_scaled_and_told_or_refused() {
    for (size, becomes) in [((16, 40), (64, 160)), ((20_000, 100), (16_384, 82)), ((64, 64), (64, 64))] {
        let image = picture(size.0, size.1);
        let text = "x\nSteps: 2, Seed: 1, CFG scale: 3";
        for texts in [&[][..], &[(Text::Plain, "parameters", text)]] {
            let file = file("a.png", &png_with(&image, texts, false));
            let opened = open_picture(&file.1).unwrap();
            assert_eq!((opened.document.width, opened.document.height), becomes);
            assert_eq!(
                opened.notes.iter().any(|note| note.contains("was scaled")),
                size != becomes,
                "{:?}",
                opened.notes
            );
            let image = opened.document.take.as_ref().map(|take| &take.image);
            let image = image.or(opened.document.init_image.as_ref().map(|start| &start.image));
            assert_eq!(image.unwrap().dimensions(), becomes);
        }
    }
    let file = file("a.png", &png_with(&picture(20_000, 2), &[], false));
    let error = open_picture(&file.1).unwrap_err();
    assert!(matches!(error.problem(), Problem::Canvas { width: 20_000, height: 2 }), "{error}");
}

#[test]
fn flipped_bytes_never_panic() {
    for name in ["web-ui.png", "web-ui.jpg", "web-ui.webp", "web-ui-little.jpg", "comfy.webp"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        for at in (0..bytes.len()).step_by(3) {
            let mut wild = bytes.clone();
            wild[at] ^= 0xff;
            wild[at / 2] ^= 0x11;
            std::fs::write(&path, &wild).unwrap();
            if let Err(error) = open_picture(&path) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}
