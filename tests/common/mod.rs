//! What several test files share: goldens and how to compare with them.
#![allow(clippy::print_stdout, reason = "cargo shows what a failed test says")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own share of these helpers")]

pub mod adapters;
pub mod around;
pub mod family;
pub mod ora;
pub mod painting;
pub mod single;
pub mod tone;
pub mod toy;
pub mod weights;

use polyptych::diffusion::{
    Ddim, DpmSolver, Euler, EulerAncestral, Heun, Lcm, Planes, Sampler, ScheduleError, SchedulerConfig, UniPc,
};
use polyptych::document::Document;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The sampler of this name.
pub fn sampler(name: &str, config: &SchedulerConfig, steps: usize) -> Result<Box<dyn Sampler>, ScheduleError> {
    Ok(match name {
        "ddim" => Box::new(Ddim::new(config, steps)?),
        "euler" => Box::new(Euler::new(config, steps)?),
        "euler-a" => Box::new(EulerAncestral::new(config, steps)?),
        "heun" => Box::new(Heun::new(config, steps)?),
        "dpmpp-2m" => Box::new(DpmSolver::new(config, steps, false)?),
        "dpmpp-2m-sde" => Box::new(DpmSolver::new(config, steps, true)?),
        "unipc" => Box::new(UniPc::new(config, steps)?),
        "lcm" => Box::new(Lcm::new(config, steps)?),
        other => panic!("no sampler {other}"),
    })
}

/// A tensor of a golden file, as f32 (f64 for integers would lose nothing here).
#[derive(Debug, Clone)]
pub struct Golden {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// A golden file: its tensors and its metadata.
#[derive(Debug)]
pub struct Goldens {
    pub tensors: HashMap<String, Golden>,
    pub metadata: HashMap<String, String>,
}

impl Goldens {
    pub fn open(name: &str) -> Self {
        let bytes = std::fs::read(goldens().join(name)).expect(name);
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).expect(name);
        let file = safetensors::SafeTensors::deserialize(&bytes).expect(name);
        let tensors = file.tensors().into_iter().map(|(name, view)| {
            let bytes = view.data();
            let data = match view.dtype() {
                safetensors::Dtype::F32 => {
                    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4"))).collect()
                }
                safetensors::Dtype::I64 => {
                    bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().expect("8")) as f32).collect()
                }
                other => panic!("{name} is {other:?}"),
            };
            (name, Golden { shape: view.shape().to_vec(), data })
        });
        Self { tensors: tensors.collect(), metadata: header.metadata().clone().unwrap_or_default() }
    }

    pub fn get(&self, name: &str) -> &Golden {
        self.tensors.get(name).unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// A tensor `[n, c, h, w]`.
    pub fn planes(&self, name: &str) -> Planes {
        let tensor = self.get(name);
        let [count, channels, height, width] = *tensor.shape.as_slice() else { panic!("{name}") };
        Planes { count, channels, height, width, data: tensor.data.clone() }
    }

    pub fn json(&self, key: &str) -> serde_json::Value {
        serde_json::from_str(&self.metadata[key]).expect(key)
    }
}

pub fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// The document of a golden picture that is one window large and has no regions.
pub fn one_window(facts: &serde_json::Value) -> Document {
    let text = |key: &str| facts[key].as_str().expect(key).to_owned();
    let mut document = Document::new(128, 128);
    document.background.prompt = text("prompt");
    document.background.negative = text("negative");
    document.settings.seed = facts["seed"].as_u64().expect("seed");
    document.settings.steps = 10;
    document.settings.guidance = 7.5;
    document
}

/// Puts a few-step version into the folder of a checkpoint: the same UNet but for one weight, and LCM's scheduler.
pub fn add_few_steps(folder: &Path) {
    let few = folder.join("few_steps");
    for part in ["unet", "scheduler"] {
        std::fs::create_dir_all(few.join(part)).expect("a folder");
    }
    let unet = "unet/diffusion_pytorch_model.safetensors";
    std::fs::copy(folder.join("unet/config.json"), few.join("unet/config.json")).expect("copied");
    let mut bytes = std::fs::read(folder.join(unet)).expect("weights");
    // The sign of the last one.
    let last = bytes.len() - 1;
    bytes[last] ^= 0x80;
    std::fs::write(few.join(unet), bytes).expect("written");
    let config = std::fs::read(folder.join("scheduler/scheduler_config.json")).expect("a scheduler");
    let mut config: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
    config["_class_name"] = "LCMScheduler".into();
    std::fs::write(few.join("scheduler/scheduler_config.json"), config.to_string()).expect("written");
}

/// A copy of a golden checkpoint.
pub fn copy_checkpoint(name: &str, to: &Path) {
    for part in std::fs::read_dir(goldens().join(name)).expect("a golden").flatten() {
        if part.path().is_file() {
            std::fs::copy(part.path(), to.join(part.file_name())).expect("copied");
            continue;
        }
        std::fs::create_dir_all(to.join(part.file_name())).expect("a folder");
        for entry in std::fs::read_dir(part.path()).expect("a part").flatten() {
            std::fs::copy(entry.path(), to.join(part.file_name()).join(entry.file_name())).expect("copied");
        }
    }
}

/// A copy of a golden checkpoint with a few-step version in it.
pub fn with_few_steps(name: &str, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    copy_checkpoint(name, to);
    add_few_steps(to);
}

/// ‖a − b‖ / ‖b‖.
pub fn relative_l2(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len(), "another number of values");
    let (mut off, mut all) = (0.0_f64, 0.0_f64);
    for (a, b) in found.iter().zip(expected) {
        off += f64::from(a - b).powi(2);
        all += f64::from(*b).powi(2);
    }
    (off / all).sqrt()
}

/// Asserts a relative L2 distance, and prints it for the record.
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], limit: f64) {
    let error = relative_l2(found, expected);
    println!("{what}: relative L2 {error:.2e} (limit {limit:.0e})");
    assert!(error <= limit, "{what}: relative L2 {error:.3e} is over {limit:.0e}");
}

/// A message for a person is one short line with these words in it.
#[track_caller]
pub fn says(message: &str, words: &[&str]) {
    println!("{message}");
    assert_eq!(message.lines().count(), 1, "one line: {message}");
    assert!(message.len() < 500, "a short line: {message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}
