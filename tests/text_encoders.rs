//! The hidden states and the pooled text that families of checkpoints condition on, against transformers (sdxl_text.safetensors).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::weights::InMemory;
use common::{Goldens, assert_close, goldens};
use polyptych::backend::Backend;
use polyptych::backend::candle::Candle;
use polyptych::backend::cpu::Cpu;
use polyptych::networks::Conditioning;
use polyptych::networks::clip::{Config, HiddenState, TextEncoder};
use serde_json::json;

const ENCODERS: [&str; 2] = ["text_encoder", "text_encoder_2"];

fn load<B: Backend>(b: &B, name: &str, eos_token_id: u32) -> TextEncoder<B> {
    let folder = goldens().join("sdxl").join(name);
    let mut config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    config["eos_token_id"] = json!(eos_token_id);
    let config = Config::parse(&config, "config.json").unwrap();
    TextEncoder::load(config, b, &InMemory::open(&folder.join("model.safetensors"))).unwrap()
}

fn ids(golden: &Goldens, name: &str) -> Vec<Vec<u32>> {
    let ids = golden.get(name);
    ids.data.chunks(ids.shape[1]).map(|row| row.iter().map(|&id| id as u32).collect()).collect()
}

fn states_of_transformers<B: Backend>(b: &B) {
    let golden = Goldens::open("sdxl_text.safetensors");
    for name in ENCODERS {
        let encoder = load(b, name, 2);
        for (state, key) in [(HiddenState::LAST, "last"), (HiddenState::PENULTIMATE, "penultimate")] {
            let found: Vec<Conditioning> = ids(&golden, &format!("{name}.ids"))
                .iter()
                .map(|ids| encoder.forward(b, ids, state).unwrap())
                .collect();
            let tokens: Vec<f32> = found.iter().flat_map(|found| found.tokens.clone()).collect();
            assert_close(&format!("{name} {key}"), &tokens, &golden.get(&format!("{name}.{key}")).data, 1e-5);
            assert_eq!((found[0].count(), found[0].pooled.is_some()), (77, name == "text_encoder_2"));
            if name == "text_encoder_2" {
                let pooled: Vec<f32> = found.iter().flat_map(|found| found.pooled.clone().unwrap()).collect();
                assert_close("pooled", &pooled, &golden.get("pooled").data, 1e-5);
            }
        }
    }
}

#[test]
fn hidden_states_and_pooled_text_are_those_of_transformers() {
    states_of_transformers(&Cpu::new());
    states_of_transformers(&Candle::cpu());
}

#[test]
fn a_text_is_pooled_at_the_first_end_token_or_by_early_configs_at_the_largest_id() {
    let (b, golden) = (Cpu::new(), Goldens::open("sdxl_text.safetensors"));
    let ids = &ids(&golden, "extended.ids")[0];
    for eos in [2, 673] {
        let found = load(&b, "text_encoder_2", eos).forward(&b, ids, HiddenState::PENULTIMATE).unwrap();
        let expected = &golden.get(&format!("extended.pooled.{eos}")).data;
        assert_close(&format!("pooled with eos_token_id {eos}"), &found.pooled.unwrap(), expected, 1e-5);
    }
}
