//! The networks against what PyTorch computed from the same files (tests/goldens), and against candle-transformers' own
//! UNet. Run with `--nocapture` to see the errors reached.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(clippy::print_stdout, reason = "cargo shows what a failed test says")]

mod common;

use common::weights::InMemory;
use polyptych::backend::candle::Candle;
use polyptych::backend::counted::Counted;
use polyptych::backend::cpu::Cpu;
use polyptych::backend::{Activation, Attention, Backend, ConvOptions, Device, Mask, WeightView};
use polyptych::checkpoint::prompt::{Reading, Rule};
use polyptych::checkpoint::{Checkpoint, Model};
use polyptych::diffusion::masks::LatentMask;
use polyptych::diffusion::windows::WindowWeights;
use polyptych::diffusion::{
    Area, AreaCall, Call, Ddim, Hold, Network as _, Observer, PaintError, Painting, Part, Planes, PromptId,
    SchedulerConfig, Surround, paint,
};
use polyptych::networks::unet::{self, Unet};
use polyptych::networks::vae::{self, Autoencoder};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const NAMES: [&str; 2] = ["eps", "vpred"];
const PROMPTS: [&str; 2] = ["a red fox in the snow", "a city street at night, ugly"];
const TOLERANCE: f64 = 1e-4;

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(goldens().join(name).to_str().unwrap()).unwrap()
}

fn load(name: &str) -> Model {
    open(name).load(Device::Cpu).unwrap()
}

/// A golden file: shapes and values by name.
struct Golden(Vec<u8>);

impl Golden {
    fn open(file: &str) -> Self {
        Self(std::fs::read(goldens().join(file)).unwrap())
    }

    fn tensor(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(name).unwrap();
        let values = match tensor.dtype() {
            Dtype::F32 => tensor.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::I64 => tensor.data().chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f32).collect(),
            other => panic!("{name} is {other:?}"),
        };
        (tensor.shape().to_vec(), values)
    }

    fn planes(&self, name: &str) -> Planes {
        let (shape, data) = self.tensor(name);
        let &[count, channels, height, width] = shape.as_slice() else { panic!("{name} is {shape:?}") };
        Planes { count, channels, height, width, data }
    }

    fn texts(&self) -> Vec<String> {
        let (_, header) = SafeTensors::read_metadata(&self.0).unwrap();
        let metadata = header.metadata().clone().unwrap();
        let parameters: serde_json::Value = match metadata.get("parameters") {
            Some(text) => serde_json::from_str(text).unwrap(),
            None => {
                serde_json::json!({ "prompts": serde_json::from_str::<serde_json::Value>(&metadata["prompts"]).unwrap() })
            }
        };
        serde_json::from_value(parameters["prompts"].clone()).unwrap()
    }
}

/// Relative L2 distance of `found` from `expected`.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    assert!(expected.iter().all(|value| value.is_finite()), "the expected values are not finite");
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|b| f64::from(*b).powi(2)).sum();
    (difference / norm).sqrt()
}

#[track_caller]
fn close(what: &str, found: &[f32], expected: &[f32]) {
    let error = distance(found, expected);
    println!("{what}: relative L2 {error:.1e}");
    assert!(error < TOLERANCE, "{what}: relative L2 {error:.1e}");
}

#[track_caller]
fn planes_close(what: &str, found: &Planes, expected: &Planes) {
    let shape = |planes: &Planes| [planes.count, planes.channels, planes.height, planes.width];
    assert_eq!(shape(found), shape(expected), "{what}");
    close(what, &found.data, &expected.data);
}

/// Each input with its own words.
fn calls(prompts: &[PromptId]) -> Vec<Call> {
    prompts.iter().enumerate().map(|(input, &prompt)| Call { input, prompt, place: None }).collect()
}

/// A text whose parentheses are letters.
fn plain(text: &str) -> String {
    text.replace('(', r"\(").replace(')', r"\)")
}

#[test]
fn words_become_the_ids_of_transformers() {
    for name in NAMES {
        let golden = Golden::open(&format!("{name}_text.safetensors"));
        let (_, ids) = golden.tensor("ids");
        let (_, lengths) = golden.tensor("lengths");
        let tokenizer = open(name).tokenizer().unwrap();
        assert_eq!(tokenizer.limit(), 75);
        assert_eq!(tokenizer.vocabulary(), 674);
        for ((text, ids), length) in golden.texts().iter().zip(ids.chunks(77)).zip(lengths) {
            let tokens = tokenizer.encode(&plain(text), Rule::Comfy).unwrap();
            let expected: Vec<u32> = ids.iter().map(|&id| id as u32).collect();
            assert_eq!(tokens.count + 2, length as usize, "{name}: {text:?}");
            assert_eq!(tokens.chunks.len() > 1, length > 77.0, "{name}: {text:?}");
            if length <= 77.0 {
                assert_eq!(tokens.chunks[0].ids, expected, "{name}: {text:?}");
            } else {
                // Transformers cuts where a second chunk begins here; the tokens are the same.
                let words = |ids: &[u32]| ids[1..].iter().take_while(|id| **id != ids[76]).copied().collect::<Vec<_>>();
                let all: Vec<u32> = tokens.chunks.iter().flat_map(|chunk| words(&chunk.ids)).collect();
                assert_eq!(all[..75], expected[1..76], "{name}: {text:?}");
            }
        }
    }
}

#[test]
fn words_become_the_embeddings_of_transformers() {
    for name in NAMES {
        let golden = Golden::open(&format!("{name}_text.safetensors"));
        let (shape, states) = golden.tensor("last_hidden_state");
        let mut model = load(name);
        for (text, state) in golden.texts().iter().zip(states.chunks(shape[1] * shape[2])) {
            let comfy = Reading { rule: Rule::Comfy, clip_skip: None };
            let id = model.prompt(&plain(text), comfy).unwrap();
            assert_eq!(model.prompt(&plain(text), comfy).unwrap(), id, "equal words have equal ids");
            let found = model.embedding(id).unwrap();
            if found.len() == state.len() {
                close(&format!("{name} text of {} characters", text.len()), &found, state);
            } else {
                assert_eq!(found.len() % state.len(), 0, "whole chunks");
            }
        }
    }
}

#[test]
fn weighted_words_move_away_from_the_empty_prompt_and_towards_it() {
    let mut model = load("eps");
    let comfy = Reading { rule: Rule::Comfy, clip_skip: None };
    let mut embedding = |words: &str| {
        let id = model.prompt(words, comfy).unwrap();
        model.embedding(id).unwrap()
    };
    let (empty, plain) = (embedding(""), embedding("a red fox in the snow"));
    assert_eq!(embedding("a (red fox:1) in the snow"), plain);
    let weighted = embedding("a (red fox:1.5) in the (snow:0)");
    let tokenizer = open("eps").tokenizer().unwrap();
    let tokens = tokenizer.encode("a (red fox:1.5) in the (snow:0)", Rule::Comfy).unwrap().chunks.remove(0);
    assert_eq!(tokens.ids, tokenizer.encode("a red fox in the snow", Rule::Comfy).unwrap().chunks[0].ids);
    let width = plain.len() / tokens.ids.len();
    for (at, value) in weighted.iter().enumerate() {
        let expected = empty[at] + tokens.weights[at / width] * (plain[at] - empty[at]);
        assert!((value - expected).abs() < 1e-6, "{at}");
    }
    // Each word is one token or more.
    let mut kinds = tokens.weights;
    kinds.dedup();
    assert_eq!(kinds, [1.0, 1.5, 1.0, 0.0, 1.0]);
}

#[test]
fn the_web_ui_multiplies_and_keeps_the_mean() {
    let mut model = load("eps");
    let mut embedding = |words: &str| {
        let id = model.prompt(words, Reading::default()).unwrap();
        model.embedding(id).unwrap()
    };
    let (plain, weighted) = (embedding("a red fox"), embedding("a ((red)) fox"));
    let tokens = open("eps").tokenizer().unwrap().encode("a ((red)) fox", Rule::WebUi).unwrap().chunks.remove(0);
    let width = plain.len() / tokens.ids.len();
    let mut expected: Vec<f64> =
        plain.iter().enumerate().map(|(at, v)| f64::from(*v) * f64::from(tokens.weights[at / width])).collect();
    let sums = (plain.iter().map(|v| f64::from(*v)).sum::<f64>(), expected.iter().sum::<f64>());
    expected.iter_mut().for_each(|v| *v *= sums.0 / sums.1);
    assert!(weighted.iter().zip(&expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5));
    assert!((tokens.weights.iter().copied().fold(0.0, f32::max) - 1.21).abs() < 1e-6);
}

#[test]
fn chunks_are_encoded_apart_and_stand_one_after_the_other() {
    let mut model = load("eps");
    let mut embedding = |words: &str, clip_skip| {
        let id = model.prompt(words, Reading { clip_skip, ..Reading::default() }).unwrap();
        model.embedding(id).unwrap()
    };
    let (fox, snow) = (embedding("a red fox", None), embedding("snow", None));
    assert_eq!(embedding("a red fox BREAK snow", None), [fox.clone(), snow].concat());
    assert_eq!(embedding("a red fox", Some(1)), fox, "the last layer is what this family reads");
    let before = embedding("a red fox", Some(2));
    assert!(before.len() == fox.len() && before != fox);
}

#[test]
fn prompts_of_different_lengths_go_into_one_call() {
    let golden = Golden::open("eps_unet.safetensors");
    let latents = golden.planes("square.latents");
    let mut model = load("eps");
    let words = ["a red fox", "a red fox BREAK in the snow", "a city"];
    let ids = words.map(|words| model.prompt(words, Reading::default()).unwrap());
    let one = Planes { count: 1, data: latents.image(0).to_vec(), ..latents };
    let call = |input, prompt| Call { input, prompt, place: None };
    let together = model.predict(&one, 321.0, &ids.map(|id| call(0, id))).unwrap();
    for (row, id) in ids.into_iter().enumerate() {
        let alone = model.predict(&one, 321.0, &[call(0, id)]).unwrap();
        close(words[row], together.image(row), &alone.data);
    }
    assert!(together.image(0) != together.image(1), "the second chunk is read");
}

#[test]
fn the_unet_predicts_what_diffusers_does() {
    for name in NAMES {
        let golden = Golden::open(&format!("{name}_unet.safetensors"));
        let mut model = load(name);
        let ids = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
        for case in ["square", "wide", "odd", "fraction"] {
            let latents = golden.planes(&format!("{case}.latents"));
            let (_, timestep) = golden.tensor(&format!("{case}.timestep"));
            let (_, embeddings) = golden.tensor(&format!("{case}.embeddings"));
            let ours: Vec<f32> = ids[..latents.count].iter().flat_map(|&id| model.embedding(id).unwrap()).collect();
            close(&format!("{name} {case} embeddings"), &ours, &embeddings);
            let found = model.predict(&latents, timestep[0], &calls(&ids[..latents.count])).unwrap();
            planes_close(&format!("{name} unet {case}"), &found, &golden.planes(&format!("{case}.prediction")));
        }
    }
}

#[test]
fn a_batch_is_its_images_one_by_one() {
    let golden = Golden::open("vpred_unet.safetensors");
    let mut model = load("vpred");
    let [fox, city] = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
    let both = golden.planes("wide.latents");
    let together = model.predict(&both, 901.0, &calls(&[city, fox])).unwrap();
    for (index, words) in [city, fox].into_iter().enumerate() {
        let alone = Planes { count: 1, data: both.image(index).to_vec(), ..both };
        let alone = model.predict(&alone, 901.0, &calls(&[words])).unwrap();
        let error = distance(together.image(index), &alone.data);
        assert!(error < 1e-5, "{error}");
    }
}

#[test]
fn words_on_one_input_share_what_does_not_depend_on_them() {
    for name in NAMES {
        let golden = Golden::open(&format!("{name}_unet.safetensors"));
        let mut model = load(name);
        let [fox, city] = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
        let inputs = golden.planes("wide.latents");
        let wanted = [(1, fox), (0, city), (1, city), (0, fox), (1, fox)];
        let shared: Vec<Call> = wanted.iter().map(|&(input, prompt)| Call { input, prompt, place: None }).collect();
        let together = model.predict(&inputs, 901.0, &shared).unwrap();
        assert_eq!((together.count, together.channels), (5, 4));
        let mut copies = Planes::zeros(5, 4, inputs.height, inputs.width);
        for (copy, &(input, _)) in wanted.iter().enumerate() {
            copies.image_mut(copy).copy_from_slice(inputs.image(input));
        }
        let one_each = model.predict(&copies, 901.0, &calls(&wanted.map(|(_, prompt)| prompt))).unwrap();
        close(&format!("{name} shared"), &together.data, &one_each.data);
        assert!(distance(&together.data, &one_each.data) < 1e-6);
    }
}

#[test]
fn words_hold_areas_as_in_diffusers_with_an_attention_processor() {
    for name in NAMES {
        let golden = Golden::open(&format!("{name}_areas.safetensors"));
        let mut model = load(name);
        let [fox, city] = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
        let latents = golden.planes("latents");
        let (_, masks) = golden.tensor("masks");
        let (left, right) = masks.split_at(masks.len() / 2);
        let area = |prompt, mask: &[f32]| Area { prompt, mask: mask.to_vec() };
        let call = |areas| AreaCall { input: 0, place: None, areas };
        // Three calls with one, two and two areas on one input.
        let calls = [
            call(vec![area(city, &vec![0.3; left.len()])]),
            call(vec![area(fox, left), area(city, right)]),
            call(vec![area(fox, left), area(fox, right)]),
        ];
        let found = model.predict_areas(&latents, 501.0, &calls).unwrap();
        close(&format!("{name} two areas"), found.image(1), &golden.planes("prediction").data);
        let plain =
            model.predict(&latents, 501.0, &[city, fox].map(|prompt| Call { input: 0, prompt, place: None })).unwrap();
        assert!(distance(found.image(0), plain.image(0)) < 1e-6, "words that hold everything are a plain call");
        assert!(distance(found.image(2), plain.image(1)) < 1e-6, "the same words in two places are a plain call");
        assert!(distance(found.image(1), plain.image(0)) > 1e-2 && distance(found.image(1), plain.image(1)) > 1e-2);
        for bad in [vec![], vec![area(fox, &left[1..])]] {
            assert!(model.predict_areas(&latents, 501.0, &[call(bad)]).is_err());
        }
    }
}

#[test]
fn the_vae_encodes_and_decodes_as_diffusers_does() {
    let scale = 0.18215;
    for name in NAMES {
        let golden = Golden::open(&format!("{name}_vae.safetensors"));
        let mut model = load(name);
        let scaled = |name: &str| {
            let mut planes = golden.planes(name);
            planes.data.iter_mut().for_each(|value| *value *= scale);
            planes
        };
        let moments = model.encode(&golden.planes("picture")).unwrap();
        planes_close(&format!("{name} vae mean"), &moments.mean, &scaled("mean"));
        planes_close(&format!("{name} vae std"), &moments.std, &scaled("std"));
        let decoded = model.decode(&scaled("latent")).unwrap();
        planes_close(&format!("{name} vae decoded"), &decoded, &golden.planes("decoded"));
        let decoded = model.decode(&scaled("odd.latent")).unwrap();
        planes_close(&format!("{name} vae odd decoded"), &decoded, &golden.planes("odd.decoded"));
    }
}

/// Encodes and decodes whole and in strips: the largest difference, and the bytes alive at once that each took.
fn in_strips(name: &str, height: usize, width: usize, share: usize) -> [(f32, usize, usize); 2] {
    let folder = goldens().join(name).join("vae");
    let b = Counted::new(Cpu::new());
    let config = vae::Config::parse(&config_of(&folder), "config.json").unwrap();
    let vae = Autoencoder::load(config, &b, &weights_of(&folder)).unwrap();
    // Light and dark, so that the moments of one strip are far from those of the whole.
    let slope = |len: usize| (0..len).map(move |i| (i as f32 * 1.7).sin() + 4.0 * i as f32 / len as f32 - 2.0);
    let run = |shape: [usize; 4], bytes: &dyn Fn(&Entries) -> usize, run: &dyn Fn(Entries, usize) -> Entries| {
        let x = b.upload(&shape, &slope(shape.iter().product()).collect::<Vec<_>>()).unwrap();
        let room = bytes(&x) / share;
        let mut results = [usize::MAX, room].into_iter().map(|room| {
            let _ = b.peak();
            let y = run(x.clone(), room);
            (b.download(&y).unwrap(), b.shape(&y), b.peak())
        });
        let (whole, shape, most) = results.next().unwrap();
        let (strips, strips_shape, less) = results.next().unwrap();
        assert_eq!(shape, strips_shape);
        let error = whole.iter().zip(&strips).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        (error, most, less)
    };
    [
        run([1, 3, height, width], &|x| vae.encode_bytes(&b, x).unwrap(), &|x, room| vae.encode(&b, x, room).unwrap()),
        run([2, 4, height / 8, width / 8], &|x| vae.decode_bytes(&b, x).unwrap(), &|x, room| {
            vae.decode(&b, x, room).unwrap()
        }),
    ]
}

type Entries = polyptych::backend::counted::Tensor<<Cpu as Backend>::Tensor>;

#[test]
fn strips_of_a_large_picture_are_the_whole() {
    for (name, height, width, share) in
        [("eps", 72, 200, 4), ("eps", 40, 136, 100_000), ("vpred", 264, 56, 4), ("vpred", 136, 40, 100_000)]
    {
        for (what, (error, most, less)) in ["encode", "decode"].iter().zip(in_strips(name, height, width, share)) {
            println!("{name} {what} {width} × {height}, 1/{share}: {error:.1e} off; {less} bytes instead of {most}");
            assert!(error < 1e-4, "{name} {what}, 1/{share}: {error}");
        }
    }
}

#[test]
fn strips_need_a_third_of_the_memory() {
    let [(_, most, less), (_, most_decoding, less_decoding)] = in_strips("eps", 192, 512, 4);
    println!("encoding: {less} bytes instead of {most}; decoding: {less_decoding} instead of {most_decoding}");
    assert!(3 * less < most, "encoding: {less} bytes instead of {most}");
    assert!(3 * less_decoding < most_decoding, "decoding: {less_decoding} bytes instead of {most_decoding}");
}

fn weights_of(folder: &Path) -> InMemory {
    InMemory::open(&folder.join("diffusion_pytorch_model.safetensors"))
}

fn config_of(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap()
}

/// candle-transformers' UNet has 32 groups in its transformers whatever its config says, so the goldens are too small
/// for it: both get the same made-up weights instead.
#[test]
fn the_unet_agrees_with_candle_transformers() {
    use candle_core::{DType, Device as CandleDevice, Tensor};
    use candle_transformers::models::stable_diffusion::unet_2d::{
        BlockConfig, UNet2DConditionModel, UNet2DConditionModelConfig,
    };
    let cpu = CandleDevice::Cpu;
    for use_linear_projection in [false, true] {
        let heads = if use_linear_projection { [1, 2, 4] } else { [4, 4, 4] };
        let block = |level: usize, out_channels, attention: bool| BlockConfig {
            out_channels,
            use_cross_attn: attention.then_some(1),
            attention_head_dim: heads[level],
        };
        let config = UNet2DConditionModelConfig {
            blocks: vec![block(0, 32, true), block(1, 64, true), block(2, 64, false)],
            layers_per_block: if use_linear_projection { 1 } else { 2 },
            cross_attention_dim: 24,
            use_linear_projection,
            ..Default::default()
        };
        let layers = config.layers_per_block;
        let variables = candle_nn::VarMap::new();
        let builder = candle_nn::VarBuilder::from_varmap(&variables, DType::F32, &cpu);
        let oracle = UNet2DConditionModel::new(builder, 4, 4, false, config).unwrap();

        let mut weights = BTreeMap::new();
        for (seed, (name, variable)) in
            variables.data().lock().unwrap().iter().collect::<BTreeMap<_, _>>().into_iter().enumerate()
        {
            let shape = variable.dims().to_vec();
            let len: usize = shape.iter().product();
            let is_norm_scale = shape.len() == 1 && name.contains("norm") && name.ends_with("weight");
            let scale = 1.7 / ((len / shape[0]) as f32).sqrt();
            let noise = |index: usize| ((index * 7919 + seed * 104_729) as f64 * 0.618_033_988_75).fract() as f32 - 0.5;
            let value = |index| if is_norm_scale { 1.0 + 0.2 * noise(index) } else { scale * noise(index) };
            let data: Vec<f32> = (0..len).map(value).collect();
            variable.set(&Tensor::from_slice(&data, shape.as_slice(), &cpu).unwrap()).unwrap();
            weights.insert(name.clone(), WeightView::computed(shape, data));
        }
        let json = serde_json::json!({
            "block_out_channels": [32, 64, 64],
            "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
            "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
            "layers_per_block": layers,
            "attention_head_dim": heads,
            "cross_attention_dim": 24,
            "use_linear_projection": use_linear_projection,
        });
        let b = Cpu::new();
        let config = unet::Config::parse(&json, "config.json").unwrap();
        let unet = Unet::load(config, &b, &InMemory(weights)).unwrap();

        let wave = |len: usize, step: f32| (0..len).map(|i| (i as f32 * step).sin()).collect::<Vec<_>>();
        let words = b.upload(&[1, 77, 24], &wave(77 * 24, 0.9)).unwrap();
        for (height, width) in [(16, 8), (13, 15)] {
            let latents = b.upload(&[1, 4, height, width], &wave(4 * height * width, 1.1)).unwrap();
            let candle = Candle::cpu();
            let [theirs, their_words] =
                [&latents, &words].map(|x| candle.upload(&b.shape(x), &b.download(x).unwrap()).unwrap());
            let expected = candle.download(&oracle.forward(&theirs, 321.0, &their_words).unwrap()).unwrap();
            let (step, prompt) = (unet.step(&b, 321.0, &[]).unwrap(), unet.prompt(&b, &words).unwrap());
            let found = b.download(&unet.forward(&b, &latents, &step, &[0], &[&prompt]).unwrap()).unwrap();
            close(&format!("unet {width} × {height} against candle-transformers"), &found, &expected);
        }
    }
}

/// Rewrites the float tensors of a safetensors file.
fn rewrite(from: &Path, to: &Path, dtype: Dtype, narrow: impl Fn(f32) -> Vec<u8>) {
    let bytes = std::fs::read(from).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors = BTreeMap::new();
    for (name, tensor) in file.iter().filter(|(_, tensor)| tensor.dtype() == Dtype::F32) {
        let values = tensor.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        tensors.insert(name.to_owned(), (tensor.shape().to_vec(), values.flat_map(&narrow).collect::<Vec<u8>>()));
    }
    let views =
        tensors.iter().map(|(name, (shape, data))| (name, TensorView::new(dtype, shape.clone(), data).unwrap()));
    std::fs::write(to, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn half_precision_weights_are_read_exactly() {
    let golden = Golden::open("eps_unet.safetensors");
    let latents = golden.planes("square.latents");
    let predict = |folder: &Path| {
        let mut model = Checkpoint::open(folder.to_str().unwrap()).unwrap().load(Device::Cpu).unwrap();
        let ids = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
        model.predict(&latents, 501.0, &calls(&ids)).unwrap()
    };
    let parts = [("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"), ("text_encoder", "model")];
    type Narrow = (Dtype, &'static str, fn(f32) -> Vec<u8>, fn(f32) -> f32, f64);
    let kinds: [Narrow; 2] = [
        (Dtype::F16, ".fp16", |x| half::f16::from_f32(x).to_le_bytes().into(), |x| half::f16::from_f32(x).into(), 1e-2),
        (Dtype::BF16, "", |x| half::bf16::from_f32(x).to_le_bytes().into(), |x| half::bf16::from_f32(x).into(), 1e-1),
    ];
    for (dtype, variant, narrow, round, tolerance) in kinds {
        let half = tempfile::tempdir().unwrap();
        let full = tempfile::tempdir().unwrap();
        for folder in [&half, &full] {
            copy_folder(&goldens().join("eps"), folder.path());
        }
        for (part, stem) in parts {
            let original = goldens().join("eps").join(part).join(format!("{stem}.safetensors"));
            let plain = format!("{part}/{stem}.safetensors");
            std::fs::remove_file(half.path().join(&plain)).unwrap();
            let narrowed = half.path().join(format!("{part}/{stem}{variant}.safetensors"));
            rewrite(&original, &narrowed, dtype, narrow);
            rewrite(&original, &full.path().join(plain), Dtype::F32, |x| round(x).to_le_bytes().into());
        }
        let found = predict(half.path());
        assert_eq!(found, predict(full.path()), "{dtype:?} is widened exactly");
        let error = distance(&found.data, &golden.planes("square.prediction").data);
        println!("eps unet with {dtype:?} weights against f32: relative L2 {error:.1e}");
        assert!(error < tolerance, "{error}");
    }
}

#[test]
fn attention_in_slices_is_attention() {
    let whole = Cpu::new();
    let sliced = Cpu::new().with_scratch(100);
    let wave = |len: usize, step: f32| (0..len).map(|i| (i as f32 * step).sin()).collect::<Vec<_>>();
    let q = whole.upload(&[2, 13, 8], &wave(208, 0.7)).unwrap();
    let k = whole.upload(&[2, 11, 8], &wave(176, 1.3)).unwrap();
    let v = whole.upload(&[2, 11, 8], &wave(176, 0.3)).unwrap();
    for (k, v, causal) in [(&k, &v, false), (&q, &q, true)] {
        let options = Attention { heads: 2, scale: None, mask: if causal { Mask::Causal } else { Mask::None } };
        let [a, b] = [&whole, &sliced].map(|b| b.download(&b.attention(&q, k, v, &options).unwrap()).unwrap());
        assert!(distance(&a, &b) < 1e-6);
        // In f64, by candle's own operators.
        let f64s = Candle::new(candle_core::Device::Cpu, candle_core::DType::F64).with_scratch(100);
        let [q, k, v] = [&q, k, v].map(|x| f64s.upload(&whole.shape(x), &whole.download(x).unwrap()).unwrap());
        let mask = if causal { Mask::Causal } else { Mask::None };
        let options = Attention { heads: 2, scale: None, mask };
        let exact = f64s.download(&f64s.attention(&q, &k, &v, &options).unwrap()).unwrap();
        assert!(distance(&a, &exact) < 1e-6);
    }
}

#[test]
fn convolution_is_candles() {
    use candle_core::{Device as CandleDevice, Tensor};
    let wave = |len: usize, step: f32| (0..len).map(|i| (i as f32 * step).sin()).collect::<Vec<_>>();
    for (n, size, kernel, stride, padding) in [
        (1, (9, 7), 3, 1, 1),
        (3, (9, 7), 3, 1, 1),
        (2, (9, 8), 3, 2, 1),
        (1, (8, 9), 3, 2, 0),
        (2, (6, 5), 1, 1, 0),
        (2, (6, 5), 1, 2, 0),
        (1, (1, 1), 15, 1, 7),
        (2, (3, 2), 5, 1, 2),
    ] {
        let (height, width) = size;
        let data = wave(n * 4 * height * width, 0.7);
        let kernels = wave(6 * 4 * kernel * kernel, 1.3);
        let tensor = |data: &[f32], shape: [usize; 4]| Tensor::from_slice(data, &shape, &CandleDevice::Cpu).unwrap();
        let weight = WeightView::computed(vec![6, 4, kernel, kernel], kernels.clone());
        let bias = WeightView::computed(vec![6], vec![0.0; 6]);
        let options = ConvOptions { stride, before: padding, after: padding };
        let expected = tensor(&data, [n, 4, height, width])
            .conv2d(&tensor(&kernels, [6, 4, kernel, kernel]), padding, stride, 1, 1)
            .unwrap();
        for b in [Cpu::new(), Cpu::new().with_scratch(1)] {
            let conv = b.pack_conv(weight.clone(), bias.clone(), options).unwrap();
            let found = b.conv2d(&b.upload(&[n, 4, height, width], &data).unwrap(), &conv).unwrap();
            assert_eq!(*b.shape(&found), *expected.dims());
            assert!(distance(&b.download(&found).unwrap(), &Candle::cpu().download(&expected).unwrap()) < 1e-6);
        }
    }
}

#[test]
fn small_operators_do_what_they_say() {
    let b = Cpu::new();
    let up = |shape: &[usize], data: &[f32]| b.upload(shape, data).unwrap();
    let down = |x| b.download(&x).unwrap();

    let x = up(&[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(down(b.upsample(&x, 3, 4).unwrap()), [1., 1., 2., 2., 1., 1., 2., 2., 3., 3., 4., 4.]);
    assert_eq!(down(b.affine(&x, 2.0, 1.0).unwrap()), [3., 5., 7., 9.]);
    let tokens = b.to_tokens(&up(&[1, 2, 1, 2], &[1., 2., 3., 4.])).unwrap();
    assert_eq!((&*b.shape(&tokens), down(tokens.clone())), (&[1, 2, 2][..], vec![1., 3., 2., 4.]));
    assert_eq!(down(b.to_image(&tokens, 1, 2).unwrap()), [1., 2., 3., 4.]);
    let vector = up(&[1, 2], &[10., 20.]);
    let image = up(&[1, 2, 1, 2], &[1., 2., 3., 4.]);
    assert_eq!(down(b.add_channels(&image, &vector).unwrap()), [11., 12., 23., 24.]);
    assert_eq!(down(b.concat(&[&image, &image], 1).unwrap()), [1., 2., 3., 4., 1., 2., 3., 4.]);

    // A kernel that picks the pixel right of and below the centre, with a row and a column of zeros there only.
    let kernel = WeightView::computed(vec![1, 1, 3, 3], vec![0., 0., 0., 0., 0., 0., 0., 0., 1.]);
    let bias = WeightView::computed(vec![1], vec![0.5]);
    let conv = b.pack_conv(kernel, bias, ConvOptions { stride: 2, before: 0, after: 1 }).unwrap();
    let x = up(&[1, 1, 4, 4], &(0..16).map(|i| i as f32).collect::<Vec<_>>());
    assert_eq!(down(b.conv2d(&x, &conv).unwrap()), [10.5, 0.5, 0.5, 0.5]);

    let x = up(&[1, 1, 2], &[1.0, 2.0]);
    let near = |found: Vec<f32>, expected: &[f32]| assert!(distance(&found, expected) < 1e-6, "{found:?}");
    near(down(b.activate(&x, Activation::Silu).unwrap()), &[0.731_058_6, 1.761_594_2]);
    near(down(b.activate(&x, Activation::Gelu).unwrap()), &[0.841_344_7, 1.954_499_7]);
    near(down(b.activate(&x, Activation::QuickGelu).unwrap()), &[0.845_795_8, 1.935_658_5]);
    near(down(b.geglu(&x).unwrap()), &[1.954_499_7]);
}

#[test]
fn a_colour_is_encoded_once() {
    let mut model = load("eps");
    let colour = |red: f32| {
        let mut picture = Planes::zeros(1, 3, 24, 16);
        picture.data[..24 * 16].fill(red);
        picture
    };
    let first = model.encode(&colour(0.5)).unwrap();
    assert_ne!(model.encode(&colour(0.25)).unwrap(), first);
    assert_eq!(model.encode(&colour(0.5)).unwrap(), first);
    let mut spotted = colour(0.5);
    spotted.data[7] = 0.75;
    assert_ne!(model.encode(&spotted).unwrap(), first);
    assert!(format!("{model:?}").contains("solids: 2"), "{model:?}");
}

#[test]
fn a_job_stopped_anywhere_leaves_the_model_fit_for_the_next() {
    struct StopBefore(usize);
    impl Observer for StopBefore {
        fn cancelled(&mut self) -> bool {
            let stop = self.0 == 0;
            self.0 = self.0.saturating_sub(1);
            stop
        }
    }
    let mut model = load("eps");
    let [prompt, negative] = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
    let config = SchedulerConfig::from_json(open("eps").scheduler()).unwrap();
    let (height, width) = (16, 24);
    let left: Vec<f32> = (0..height * width).map(|i| f32::from(u8::from(i % width < 10))).collect();
    let right: Vec<f32> = left.iter().map(|l| 1.0 - l).collect();
    let part = |mask: &[f32], prompt, bootstrap_steps| Part {
        mask: LatentMask::new(height, width, mask),
        prompt,
        negative: negative.into(),
        bootstrap_steps,
        guidance: 4.0,
        guidance_input: None,
        controls: Vec::new(),
        weight: 1.0,
        seed: 1,
    };
    for hold in [Hold::MultiDiffusion, Hold::Attention] {
        let painting = Painting {
            init_latent: None,
            underpainting: None,
            conditions: None,
            height,
            width,
            parts: vec![part(&left, prompt.into(), 0), part(&right, negative.into(), 1)],
            layouts: Vec::new(),
            seed: 1,
            window: 16,
            stride: 8,
            wrap: (false, false),
            guided_steps: 0..usize::MAX,
            window_weights: WindowWeights::Uniform,
            surround: Surround::RandomColours,
            hold,
            factor: 8,
            batch: 2,
            savings: true,
            reuse: 1,
        };
        let mut run = |calls| {
            let sampler = &mut Ddim::new(&config, 2).unwrap();
            paint(&painting, sampler, &mut model, &mut StopBefore(calls)).map(|painted| painted.latent)
        };
        let whole = run(usize::MAX).unwrap();
        let mut calls = 0;
        while let Err(error) = run(calls) {
            assert!(matches!(error, PaintError::Cancelled), "{error}");
            assert_eq!(run(usize::MAX).unwrap(), whole, "after a stop before call {calls}");
            calls += 1;
        }
        assert!(calls >= 4, "{calls}");
    }
}

#[test]
fn where_memory_runs_out_less_is_done_at_once_and_the_results_are_the_same() {
    let counted = Counted::new(Cpu::new());
    let mut model = open("eps").load_on(counted.with(Cpu::new())).unwrap();
    let [fox, city] = PROMPTS.map(|words| model.prompt(words, Reading::default()).unwrap());
    let slope = |planes: Planes| {
        let data = (0..planes.data.len()).map(|i| (i as f32 * 0.37).sin()).collect();
        Planes { data, ..planes }
    };
    let inputs = slope(Planes::zeros(2, 4, 16, 24));
    let latents = slope(Planes::zeros(1, 4, 16, 40));
    let picture = slope(Planes::zeros(1, 3, 128, 320));
    let half = |shift: usize| (0..16 * 24).map(|i| f32::from(u8::from((i + shift) % 24 < 12))).collect::<Vec<f32>>();
    let area = |prompt, mask| Area { prompt, mask };
    let of = |input| AreaCall { input, place: None, areas: vec![area(fox, half(0)), area(city, half(12))] };
    let all = [0, 1].map(|input| [fox, city].map(|prompt| Call { input, prompt, place: None })).concat();
    let run = |model: &mut Model, what: &str| match what {
        "calls" => model.predict(&inputs, 500.0, &all).map(|p| p.data),
        "areas" => model.predict_areas(&inputs, 500.0, &[of(0), of(1), of(0), of(1)]).map(|p| p.data),
        "decode" => model.decode(&latents).map(|p| p.data),
        _ => model.encode(&picture).map(|m| [m.mean.data, m.std.data].concat()),
    };
    for what in ["calls", "areas", "decode", "encode"] {
        let _ = counted.peak();
        let kept = counted.peak();
        let whole = run(&mut model, what).unwrap();
        let need = counted.peak() - kept;
        for share in [8, 6, 5] {
            counted.limit(kept + need * share / 10);
            let less = run(&mut model, what).unwrap_or_else(|error| panic!("{what} in {share} tenths: {error}"));
            let refused = counted.refused();
            println!(
                "{what} in {share} tenths of {need} bytes: refused {refused} times, {:.1e} off",
                distance(&less, &whole)
            );
            assert!(refused > 0, "{what}");
            assert!(distance(&less, &whole) < 1e-5, "{what}");
        }
        // Where not even the least fits, it is said, and the model is fit for the next.
        counted.limit(kept + need / 50);
        let error = run(&mut model, what).expect_err("no room").to_string();
        assert!(error.contains("out of memory"), "{what}: {error}");
        counted.limit(usize::MAX);
        assert_eq!(run(&mut model, what).unwrap(), whole, "{what}");
    }
}

#[test]
fn wrong_inputs_are_errors() {
    let mut model = load("eps");
    let fox = model.prompt(PROMPTS[0], Reading::default()).unwrap();
    let latents = Planes::zeros(1, 4, 16, 16);
    assert!(model.predict(&latents, 1.0, &[]).is_err(), "no words");
    assert!(model.predict(&latents, 1.0, &[Call { input: 1, prompt: fox, place: None }]).is_err(), "no such input");
    assert!(model.predict(&Planes::zeros(1, 3, 16, 16), 1.0, &calls(&[fox])).is_err(), "three planes");
    assert!(model.predict(&Planes { width: 17, ..latents.clone() }, 1.0, &calls(&[fox])).is_err(), "too few values");
    assert!(model.encode(&Planes::zeros(1, 3, 60, 64)).is_err(), "a side that is no multiple of 8");
    assert!(model.decode(&Planes::zeros(0, 4, 8, 8)).is_err(), "nothing to decode");
    model.forget_prompts();
    assert!(model.predict(&latents, 1.0, &calls(&[fox])).is_err(), "forgotten words");
}

/// Not a test but a measurement: `cargo test --test networks -- --ignored --nocapture seconds`.
#[test]
#[ignore = "prints where the time of the embedded UNet goes"]
fn seconds_per_operator() {
    let b = Counted::new(Cpu::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/embedded/unet");
    let config = unet::Config::parse(&config_of(&folder), "config.json").unwrap();
    let unet = Unet::load(config, &b, &weights_of(&folder)).unwrap();
    let wave = |len: usize, step: f32| (0..len).map(|i| (i as f32 * step).sin()).collect::<Vec<_>>();
    for batch in [1, 8, 32] {
        let words = b.upload(&[1, 77, 96], &wave(77 * 96, 0.9)).unwrap();
        let (step, prompt) = (unet.step(&b, 321.0, &[]).unwrap(), unet.prompt(&b, &words).unwrap());
        let inputs = b.upload(&[batch, 4, 16, 16], &wave(batch * 4 * 256, 1.1)).unwrap();
        let rows: Vec<usize> = (0..batch).collect();
        let mut fastest = f64::INFINITY;
        let mut table = Vec::new();
        for _ in 0..6 {
            let _ = b.operators();
            let start = std::time::Instant::now();
            unet.forward(&b, &inputs, &step, &rows, &vec![&prompt; batch]).unwrap();
            let seconds = start.elapsed().as_secs_f64();
            if seconds < fastest {
                (fastest, table) = (seconds, b.operators());
            }
        }
        println!("batch {batch}: {:.1} ms a sample", 1e3 * fastest / batch as f64);
        for (name, polyptych::backend::counted::Entry { calls, seconds, .. }) in table {
            println!("  {name:14} {calls:4} calls {:8.2} ms a sample", 1e3 * seconds / batch as f64);
        }
    }
}

/// Not a test but a measurement: `cargo test --test networks -- --ignored --nocapture memory`.
#[test]
#[ignore = "prints the memory of a large decode, whole and in strips, and takes minutes"]
fn memory_of_a_large_decode() {
    let counted = Counted::new(Cpu::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/embedded/vae");
    let vae = Autoencoder::load(
        vae::Config::parse(&config_of(&folder), "config.json").unwrap(),
        &counted,
        &weights_of(&folder),
    )
    .unwrap();
    // VmHWM: the most memory the process had so far, so the smaller use comes first.
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<usize>().ok()).unwrap_or_default() / 1024
    };
    let (height, width) = (1024, 4096);
    let data: Vec<f32> = (0..4 * height / 8 * width / 8).map(|i| (i as f32 * 0.37).sin()).collect();
    let latent = counted.upload(&[1, 4, height / 8, width / 8], &data).unwrap();
    let whole = vae.decode_bytes(&counted, &latent).unwrap();
    for (what, room) in [("in strips", whole / 4), ("whole", usize::MAX)] {
        let (before, start) = (resident(), std::time::Instant::now());
        let _ = counted.peak();
        let picture = vae.decode(&counted, latent.clone(), room).unwrap();
        assert_eq!(*counted.shape(&picture), [1, 3, height, width]);
        let seconds = start.elapsed().as_secs_f64();
        let (tensors, resident) = (counted.peak() >> 20, resident());
        println!(
            "{what}: {tensors} MiB of tensors at once, resident at most {resident} MiB ({before} before), {seconds:.1} s"
        );
    }
}
