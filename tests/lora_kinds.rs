//! Every kind of LoRA against weights that were merged by hand: naive loops in f64 after LyCORIS' formulas.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::adapters::{Chance, LAYERS, Made, TEXT, Tensors, UNET, changed, lora, product, read, sizes, tucker, write};
use common::{assert_close, goldens, relative_l2, says};
use polyptych::backend::Device;
use polyptych::checkpoint::prompt::Reading;
use polyptych::checkpoint::{Checkpoint, InPart, LoraFile, Model};
use polyptych::diffusion::{Call, Network as _, Planes};
use safetensors::Dtype;
use std::path::Path;
use std::sync::Arc;

/// What the model makes of two prompts: their states, and predictions on noise.
fn draw(model: &mut Model) -> (Vec<f32>, Vec<f32>) {
    let prompts = ["a red fox in the snow", "a city street at night, ugly"]
        .map(|words| model.prompt(words, Reading::default()).unwrap());
    let embeddings = prompts.iter().flat_map(|&prompt| model.embedding(prompt).unwrap()).collect();
    let data = Chance(5).numbers(2 * 4 * 16 * 16).iter().map(|v| *v as f32).collect();
    let latents = Planes { count: 2, channels: 4, height: 16, width: 16, data };
    let calls = [0, 1].map(|input| Call { input, prompt: prompts[input], place: None });
    (embeddings, model.predict(&latents, 501.0, &calls).unwrap().data)
}

fn open(folder: &Path) -> Checkpoint {
    Checkpoint::open(folder.to_str().unwrap()).unwrap()
}

fn with(path: &Path, weight: f32) -> Result<(Model, Vec<InPart>), polyptych::checkpoint::Error> {
    open(&goldens().join("eps")).load_with(Device::Cpu, &[(Arc::new(LoraFile::open(path)?), weight)])
}

/// The file of a LoRA, and the weights by hand.
struct Case {
    folder: tempfile::TempDir,
    file: Tensors,
    want: Tensors,
    part: &'static str,
}

const STRENGTH: f64 = 0.75;

impl Case {
    fn of(part: &'static str) -> Self {
        let want = read(&goldens().join("eps").join(part));
        Self { folder: tempfile::tempdir().unwrap(), file: Tensors::new(), want, part }
    }

    fn shape(&self, layer: &str) -> Vec<usize> {
        self.want[&format!("{layer}.weight")].0.clone()
    }

    fn put(&mut self, key: &str, tensors: Vec<(&str, Vec<usize>, Vec<f64>)>) {
        self.file.extend(tensors.into_iter().map(|(end, shape, values)| (format!("{key}.{end}"), (shape, values))));
    }

    fn change(&mut self, tensor: &str, change: impl Fn(usize, f64) -> f64) {
        let (_, values) = self.want.get_mut(tensor).unwrap();
        values.iter_mut().enumerate().for_each(|(i, v)| *v = change(i, *v));
    }

    /// Puts an adapter of a kind on a layer, named as kohya's scripts do.
    fn layer(&mut self, layer: &str, made: Made) {
        self.put(&kohya(layer), made.tensors);
        self.change(&format!("{layer}.weight"), |i, w| w + STRENGTH * made.delta[i]);
    }

    /// Draws with the file, and with the weights by hand.
    fn holds(&self, what: &str, dtype: Dtype) {
        let path = self.folder.path().join("some.safetensors");
        write(&path, &self.file, dtype, &[]);
        let (mut model, warnings) = with(&path, STRENGTH as f32).unwrap();
        assert!(warnings.is_empty(), "{what}: {warnings:?}");
        let want = changed(self.folder.path(), self.part, |tensors| *tensors = self.want.clone());
        let (found, expected) = (draw(&mut model), draw(&mut open(&want).load(Device::Cpu).unwrap()));
        assert_close(&format!("{what}: states"), &found.0, &expected.0, 1e-6);
        assert_close(&format!("{what}: prediction"), &found.1, &expected.1, 1e-6);
        let plain = draw(&mut open(&goldens().join("eps")).load(Device::Cpu).unwrap());
        assert!(relative_l2(&plain.1, &expected.1) > 1e-3, "{what} changes the prediction");
    }
}

fn kohya(layer: &str) -> String {
    format!("lora_unet_{}", layer.replace('.', "_"))
}

/// One kind on layers of every form.
fn each_layer(what: &str, make: impl Fn(&mut Chance, &[usize]) -> Made) {
    let (mut case, mut chance) = (Case::of(UNET), Chance(3));
    for layer in LAYERS {
        let made = make(&mut chance, &case.shape(layer));
        case.layer(layer, made);
    }
    case.holds(what, Dtype::F16);
}

fn scaled(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|v| factor * v).collect()
}

#[test]
fn a_lora_and_a_locon_in_every_type_of_file() {
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32] {
        let (mut case, mut chance) = (Case::of(UNET), Chance(1));
        for layer in LAYERS {
            let made = lora(&mut chance, &case.shape(layer));
            case.layer(layer, made);
        }
        case.holds(&format!("LoRA in {dtype:?}"), dtype);
    }
}

#[test]
fn a_locon_with_a_kernel_between() {
    each_layer("LoCon with a kernel between", |chance, shape| {
        let (rows, inputs, kernel) = sizes(shape);
        if shape.len() < 4 {
            return lora(chance, shape);
        }
        let (up, mid, down) = (chance.numbers(rows * 3), chance.numbers(3 * 2 * kernel), chance.numbers(2 * inputs));
        let turned: Vec<f64> = (0..3 * rows).map(|i| up[i % rows * 3 + i / rows]).collect();
        let delta = tucker(&mid, &turned, &down, (3, 2), (rows, inputs, kernel));
        Made {
            tensors: vec![
                ("lora_up.weight", vec![rows, 3, 1, 1], up),
                ("lora_mid.weight", vec![3, 2, shape[2], shape[3]], mid),
                ("lora_down.weight", vec![2, inputs, 1, 1], down),
                ("alpha", vec![1], vec![1.0]),
            ],
            delta: scaled(&delta, 0.5),
        }
    });
}

#[test]
fn a_loha_with_and_without_kernels() {
    for with_kernel in [false, true] {
        each_layer("LoHa", |chance, shape| {
            let (rows, inputs, kernel) = sizes(shape);
            let mut make = |r: usize| {
                if with_kernel && shape.len() == 4 {
                    let [core, a, b] = [r * r * kernel, r * rows, r * inputs].map(|count| chance.numbers(count));
                    let matrix = tucker(&core, &a, &b, (r, r), (rows, inputs, kernel));
                    (matrix, vec![r, rows], a, vec![r, inputs], b, Some((vec![r, r, shape[2], shape[3]], core)))
                } else {
                    let [a, b] = [rows * r, r * inputs * kernel].map(|count| chance.numbers(count));
                    (product(&a, &b, r), vec![rows, r], a, vec![r, inputs * kernel], b, None)
                }
            };
            let (one, two) = (make(2), make(2));
            let delta = one.0.iter().zip(&two.0).map(|(a, b)| 3.0 / 2.0 * a * b).collect();
            let mut tensors = vec![
                ("hada_w1_a", one.1, one.2),
                ("hada_w1_b", one.3, one.4),
                ("hada_w2_a", two.1, two.2),
                ("hada_w2_b", two.3, two.4),
                ("alpha", vec![], vec![3.0]),
            ];
            tensors.extend(one.5.map(|(shape, core)| ("hada_t1", shape, core)));
            tensors.extend(two.5.map(|(shape, core)| ("hada_t2", shape, core)));
            Made { tensors, delta }
        });
    }
}

#[test]
fn a_lokr_whole_factored_and_with_a_kernel() {
    // Whole matrices, a factored second, both factored, a second with a kernel between.
    for form in 0..4 {
        each_layer(&format!("LoKr {form}"), |chance, shape| {
            let (rows, inputs, kernel) = sizes(shape);
            let ((l, m), (k, n)) = ((2, 4), (rows / 2, inputs / 4));
            let mut tensors = vec![("alpha", vec![], vec![4.0])];
            let mut rank = None;
            let first = if form == 2 {
                let (a, b) = (chance.numbers(l), chance.numbers(m));
                tensors.extend([("lokr_w1_a", vec![l, 1], a.clone()), ("lokr_w1_b", vec![1, m], b.clone())]);
                rank = Some(1.0);
                product(&a, &b, 1)
            } else {
                let whole = chance.numbers(l * m);
                tensors.push(("lokr_w1", vec![l, m], whole.clone()));
                whole
            };
            let of_second = [&[k, n], &shape[2..]].concat();
            let second = if form == 0 {
                let whole = chance.numbers(k * n * kernel);
                tensors.push(("lokr_w2", of_second, whole.clone()));
                whole
            } else if form == 3 && shape.len() == 4 {
                let [core, a, b] = [2 * 2 * kernel, 2 * k, 2 * n].map(|count| chance.numbers(count));
                tensors.push(("lokr_t2", vec![2, 2, shape[2], shape[3]], core.clone()));
                tensors.extend([("lokr_w2_a", vec![2, k], a.clone()), ("lokr_w2_b", vec![2, n], b.clone())]);
                rank = Some(2.0);
                tucker(&core, &a, &b, (2, 2), (k, n, kernel))
            } else {
                let (a, b) = (chance.numbers(k * 2), chance.numbers(2 * n * kernel));
                tensors.extend([("lokr_w2_a", vec![k, 2], a.clone()), ("lokr_w2_b", vec![2, n * kernel], b.clone())]);
                rank = Some(2.0);
                product(&a, &b, 2)
            };
            // Where both are whole, alpha does not count.
            let scale = rank.map_or(1.0, |rank| 4.0 / rank);
            let mut delta = vec![0.0; rows * inputs * kernel];
            for (at, value) in delta.iter_mut().enumerate() {
                let (row, input, place) = (at / kernel / inputs, at / kernel % inputs, at % kernel);
                let of_first = first[row / k * m + input / n];
                *value = scale * of_first * second[(row % k * n + input % n) * kernel + place];
            }
            Made { tensors, delta }
        });
    }
}

#[test]
fn a_glora_of_both_orders() {
    for old in [false, true] {
        let (mut case, mut chance) = (Case::of(UNET), Chance(9));
        for layer in LAYERS {
            let shape = case.shape(layer);
            let (rows, inputs, kernel) = sizes(&shape);
            let [a1, a2] = [inputs * 2, 2 * inputs].map(|count| scaled(&chance.numbers(count), 0.25));
            let [b1, b2] = [rows * 2, 2 * inputs * kernel].map(|count| chance.numbers(count));
            let (through, added) = (product(&a1, &a2, 2), product(&b1, &b2, 2));
            let weight = case.want[&format!("{layer}.weight")].1.clone();
            let delta = |at: usize| {
                let (row, input, place) = (at / kernel / inputs, at / kernel % inputs, at % kernel);
                let value = |i: usize| weight[(row * inputs + i) * kernel + place] * through[i * inputs + input];
                2.0 * (added[at] + (0..inputs).map(value).sum::<f64>())
            };
            let delta = (0..weight.len()).map(delta).collect();
            let names = if old { ["a2", "a1", "b2", "b1"] } else { ["a1", "a2", "b1", "b2"] };
            let [first, second, third, fourth] = names.map(|name| match name {
                "a1" => "a1.weight",
                "a2" => "a2.weight",
                "b1" => "b1.weight",
                _ => "b2.weight",
            });
            let tensors = vec![
                (first, vec![inputs, 2], a1),
                (second, vec![2, inputs], a2),
                (third, vec![rows, 2], b1),
                (fourth, vec![2, inputs * kernel], b2),
                ("alpha", vec![], vec![4.0]),
            ];
            case.layer(layer, Made { tensors, delta });
        }
        case.holds("GLoRA", Dtype::F32);
    }
}

#[test]
fn a_dora_normalises_rows_or_columns_as_its_shape_says() {
    for by_rows in [true, false] {
        for end in ["dora_scale", "lora_magnitude_vector"] {
            if end != "dora_scale" && !by_rows {
                continue;
            }
            let (mut case, mut chance) = (Case::of(UNET), Chance(4));
            for layer in LAYERS {
                let shape = case.shape(layer);
                let (rows, inputs, kernel) = sizes(&shape);
                let made = lora(&mut chance, &shape);
                let norms: Vec<f64> =
                    chance.numbers(if by_rows { rows } else { inputs }).iter().map(|v| v + 2.0).collect();
                let line = |at: usize| if by_rows { at / kernel / inputs } else { at / kernel % inputs };
                let weight = case.want[&format!("{layer}.weight")].1.clone();
                let moved: Vec<f64> = weight.iter().zip(&made.delta).map(|(w, d)| w + d).collect();
                let mut lengths = vec![0.0; norms.len()];
                moved.iter().enumerate().for_each(|(at, v)| lengths[line(at)] += v * v);
                case.put(&kohya(layer), made.tensors);
                let mut of_norms = if by_rows { vec![rows, 1] } else { vec![1, inputs] };
                of_norms.resize(shape.len(), 1);
                if end != "dora_scale" {
                    of_norms = vec![rows];
                }
                case.put(&kohya(layer), vec![(end, of_norms, norms.clone())]);
                case.change(&format!("{layer}.weight"), |at, w| {
                    let target = norms[line(at)] * moved[at] / lengths[line(at)].sqrt();
                    w + STRENGTH * (target - w)
                });
            }
            case.holds(&format!("{end}, by rows: {by_rows}"), Dtype::F32);
            // At weight 0 a magnitude that replaces the weight's own must not stay.
            let path = case.folder.path().join("some.safetensors");
            let plain = draw(&mut open(&goldens().join("eps")).load(Device::Cpu).unwrap());
            assert!(draw(&mut with(&path, 0.0).unwrap().0) == plain);
        }
    }
}

#[test]
fn differences_biases_norms_and_factors_of_weights_in_one_file() {
    let (mut case, mut chance) = (Case::of(UNET), Chance(6));
    let made = lora(&mut chance, &case.shape(LAYERS[0]));
    case.layer(LAYERS[0], made);
    // A whole difference with its bias, and a bias alone.
    let [conv, proj] = [LAYERS[2], LAYERS[3]];
    let difference = chance.numbers(16 * 8 * 9);
    let (bias, other) = (chance.numbers(16), chance.numbers(8));
    case.put(&kohya(conv), vec![("diff", vec![16, 8, 3, 3], difference.clone()), ("diff_b", vec![16], bias.clone())]);
    case.put(&kohya(proj), vec![("diff_b", vec![8], other.clone())]);
    case.change(&format!("{conv}.weight"), |i, w| w + STRENGTH * difference[i]);
    case.change(&format!("{conv}.bias"), |i, w| w + STRENGTH * bias[i]);
    case.change(&format!("{proj}.bias"), |i, w| w + STRENGTH * other[i]);
    // The bias of PEFT's second factor.
    let out = "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0";
    let [down, up, up_bias] = [2 * 16, 16 * 2, 16].map(|count| chance.numbers(count));
    let delta = product(&up, &down, 2);
    let mine = vec![
        ("lora_A.mine.weight", vec![2, 16], down),
        ("lora_B.mine.weight", vec![16, 2], up),
        ("lora_B.mine.bias", vec![16], up_bias.clone()),
        ("alpha", vec![], vec![4.0]),
    ];
    case.put(&format!("base_model.model.{out}"), mine);
    case.change(&format!("{out}.weight"), |i, w| w + STRENGTH * 2.0 * delta[i]);
    case.change(&format!("{out}.bias"), |i, w| w + STRENGTH * 2.0 * up_bias[i]);
    // Norms, one of them named as in the original code.
    for (norm, key) in [
        (
            "down_blocks.0.attentions.0.transformer_blocks.0.norm2",
            "lora_unet_input_blocks_1_1_transformer_blocks_0_norm2",
        ),
        ("down_blocks.0.resnets.0.norm2", "lora_unet_input_blocks_1_0_out_layers_0"),
        ("conv_norm_out", "lora_unet_out_0"),
    ] {
        let (scale, shift) = (chance.numbers(8), chance.numbers(8));
        case.put(key, vec![("w_norm", vec![8], scale.clone()), ("b_norm", vec![8], shift.clone())]);
        case.change(&format!("{norm}.weight"), |i, w| w + STRENGTH * scale[i]);
        case.change(&format!("{norm}.bias"), |i, w| w + STRENGTH * shift[i]);
    }
    // Factors of rows, of columns, and of a convolution's inputs.
    for (layer, on_input) in [(LAYERS[1], true), (LAYERS[4], false), ("down_blocks.0.resnets.0.conv2", true)] {
        let shape = case.shape(layer);
        let (rows, inputs, kernel) = sizes(&shape);
        let factors = chance.numbers(if on_input { inputs } else { rows });
        let of_factors = if shape.len() == 4 { vec![1, factors.len(), 1, 1] } else { vec![factors.len()] };
        let flag = f64::from(u8::from(on_input));
        case.put(&kohya(layer), vec![("weight", of_factors, factors.clone()), ("on_input", vec![], vec![flag])]);
        case.change(&format!("{layer}.weight"), |at, w| {
            let line = if on_input { at / kernel % inputs } else { at / kernel / inputs };
            w * (1.0 + STRENGTH * factors[line])
        });
    }
    case.holds("mixed kinds", Dtype::F16);
    let summary = LoraFile::open(case.folder.path().join("some.safetensors")).unwrap().summary();
    assert_eq!(summary.kinds, ["IA³", "LoRA", "biases", "whole differences"]);
}

#[test]
fn text_encoders_are_changed_under_every_name() {
    let layer = "text_model.encoder.layers.1.mlp.fc1";
    let flat = layer.replace('.', "_");
    for key in [
        format!("lora_te_{flat}"),
        format!("lora_te1_{flat}"),
        format!("lora_te_{}", flat.replace("text_model_", "")),
        format!("text_encoder.{layer}"),
        format!("text_encoders.clip_l.transformer.{layer}"),
        format!("base_model.model.{layer}"),
    ] {
        let (mut case, mut chance) = (Case::of(TEXT), Chance(8));
        let made = lora(&mut chance, &case.shape(layer));
        case.put(&key, made.tensors);
        case.change(&format!("{layer}.weight"), |i, w| w + STRENGTH * made.delta[i]);
        case.holds(&key, Dtype::F16);
    }
}

#[test]
fn layers_of_the_unet_are_changed_under_every_name() {
    let (diffusers, original) = (LAYERS[0], "input_blocks.1.1.transformer_blocks.0.attn1.to_q");
    for (layer, key) in [
        (diffusers, format!("lora_unet_{}", original.replace('.', "_"))),
        (diffusers, format!("unet.{original}")),
        (diffusers, format!("diffusion_model.{original}")),
        (diffusers, format!("model.diffusion_model.{original}")),
        (diffusers, format!("unet.{diffusers}")),
        (diffusers, format!("lora_unet.unet.{diffusers}")),
        (diffusers, format!("lora_unet_{}", diffusers.replace('.', "_").replace("attn1_to_q", "attn1.to_q"))),
        (diffusers, format!("lycoris_{}", diffusers.replace('.', "_"))),
        (diffusers, format!("base_model.model.{diffusers}")),
        (diffusers, format!("unet.base_model.model.{diffusers}")),
        (diffusers, diffusers.to_owned()),
        ("conv_in", "lora_unet_input_blocks_0_0".to_owned()),
        ("conv_out", "lora_unet_out_2".to_owned()),
        ("time_embedding.linear_1", "lora_unet_time_embed_0".to_owned()),
        ("time_embedding.linear_2", "lora_unet_time_embedding_linear_2".to_owned()),
        ("down_blocks.0.downsamplers.0.conv", "lora_unet_input_blocks_2_0_op".to_owned()),
        ("up_blocks.1.upsamplers.0.conv", "lora_unet_up_blocks_1_upsamplers_0_conv".to_owned()),
        ("down_blocks.1.resnets.0.time_emb_proj", "lora_unet_down_blocks_1_resnets_0_time_emb_proj".to_owned()),
    ] {
        let (mut case, mut chance) = (Case::of(UNET), Chance(8));
        let made = lora(&mut chance, &case.shape(layer));
        case.put(&key, made.tensors);
        case.change(&format!("{layer}.weight"), |i, w| w + STRENGTH * made.delta[i]);
        case.holds(&key, Dtype::F16);
    }
}

#[test]
fn a_rank_is_stabilised_only_where_the_header_says_so() {
    for (says, scale) in [("false", 5.0 / 4.0), ("true", 5.0 / 2.0)] {
        let (mut case, mut chance) = (Case::of(UNET), Chance(2));
        let layer = LAYERS[0];
        let [down, up] = [4 * 8, 8 * 4].map(|count| chance.numbers(count));
        let delta = product(&up, &down, 4);
        let key = format!("unet.{layer}");
        case.put(&key, vec![("lora_A.weight", vec![4, 8], down), ("lora_B.weight", vec![8, 4], up)]);
        case.change(&format!("{layer}.weight"), |i, w| w + STRENGTH * scale * delta[i]);
        let path = case.folder.path().join("some.safetensors");
        let config = format!(r#"{{"unet.lora_alpha": 5, "unet.use_rslora": {says}}}"#);
        write(&path, &case.file, Dtype::F32, &[("lora_adapter_metadata", &config)]);
        let want = changed(case.folder.path(), UNET, |tensors| *tensors = case.want.clone());
        let (found, expected) =
            (draw(&mut with(&path, STRENGTH as f32).unwrap().0), draw(&mut open(&want).load(Device::Cpu).unwrap()));
        assert_close("by the header", &found.1, &expected.1, 1e-6);
    }
}

#[test]
fn unknown_names_are_told_and_bundled_embeddings_are_kept_for_later() {
    let (mut case, mut chance) = (Case::of(UNET), Chance(2));
    let made = lora(&mut chance, &case.shape(LAYERS[0]));
    case.layer(LAYERS[0], made);
    case.put("bundle_emb.quill", vec![("clip_l", vec![2, 24], chance.numbers(48))]);
    case.holds("a LoRA with an embedding", Dtype::F16);
    let path = case.folder.path().join("some.safetensors");
    assert_eq!(LoraFile::open(&path).unwrap().summary().embeddings, ["quill"]);

    case.put("lora_unet_nowhere", vec![("lora_down.weight", vec![1, 8], chance.numbers(8))]);
    case.put("lora_unet_nowhere", vec![("lora_up.weight", vec![8, 1], chance.numbers(8))]);
    case.put("somebody", vec![("elses", vec![1], vec![0.5])]);
    // Factors without the flag that says of what, and norms without a change.
    case.put("lora_unet_conv_in", vec![("weight", vec![8], chance.numbers(8))]);
    case.put("lora_unet_conv_out", vec![("dora_scale", vec![4, 1], chance.numbers(4))]);
    write(&path, &case.file, Dtype::F16, &[]);
    let warnings = with(&path, 1.0).unwrap().1;
    assert_eq!((warnings.len(), warnings[0].left_out, warnings[0].layers), (1, 4, 5));
    for name in ["somebody.elses", "lora_unet_conv_in.weight", "lora_unet_conv_out.dora_scale"] {
        assert!(warnings[0].names.iter().any(|known| known == name), "{name}: {warnings:?}");
    }
}

#[test]
fn factors_that_do_not_fit_together_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.safetensors");
    let key = kohya(LAYERS[0]);
    let refused = |tensors: Vec<(&str, Vec<usize>)>, words: &[&str]| {
        let tensor = |(end, shape): (&str, Vec<usize>)| {
            let values = Chance(1).numbers(shape.iter().product());
            (format!("{key}.{end}"), (shape, values))
        };
        write(&path, &tensors.into_iter().map(tensor).collect(), Dtype::F32, &[]);
        says(&with(&path, 1.0).map(|_| ()).unwrap_err().to_string(), &[&["some.safetensors"], words].concat());
    };
    let other = &["without its other factor"][..];
    refused(vec![("hada_w1_a", vec![8, 2]), ("hada_w1_b", vec![2, 8])], other);
    refused(vec![("lokr_w1", vec![2, 2]), ("lokr_w2_a", vec![4, 1])], other);
    refused(vec![("a1.weight", vec![8, 2]), ("a2.weight", vec![2, 8]), ("b1.weight", vec![8, 2])], other);
    let pair = |end: [&'static str; 2], rank: usize| vec![(end[0], vec![8, rank]), (end[1], vec![2, 8])];
    refused([pair(["hada_w1_a", "hada_w1_b"], 3), pair(["hada_w2_a", "hada_w2_b"], 2)].concat(), &["[8, 3]", "[2, 8]"]);
    refused(
        vec![
            ("hada_w1_a", vec![8, 2]),
            ("hada_w1_b", vec![2, 8]),
            ("hada_w2_a", vec![8, 2]),
            ("hada_w2_b", vec![2, 9]),
        ],
        &["[8, 9]", "[8, 8]"],
    );
    refused(vec![("lokr_w1", vec![2, 2]), ("lokr_w2", vec![4, 5])], &["nothing of what it holds for the UNet fits"]);
    refused(vec![("oft_blocks", vec![2, 4, 4])], &["OFT", "not supported yet"]);
    refused(vec![("diff", vec![8, 9])], &["nothing of what it holds for the UNet fits"]);
    refused(vec![("alpha", vec![])], &["is not a LoRA"]);
}
