//! Single files in the original layout, as tests/goldens/make_single_file_goldens.py has them: names and shapes are kept, values are
//! hashes of both.

use flate2::Crc;
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub const UNET: &str = "model.diffusion_model.";
pub const VAE: &str = "first_stage_model.";

/// A tensor's type, shape and bytes.
pub type Tensor = (Dtype, Vec<usize>, Vec<u8>);

#[derive(Debug, Clone, Default)]
pub struct SingleFile {
    pub tensors: BTreeMap<String, Tensor>,
    pub metadata: HashMap<String, String>,
}

/// Values of a tensor, as the script makes them.
pub fn values(name: &str, shape: &[usize]) -> Vec<f16> {
    let mut crc = Crc::new();
    crc.update(name.as_bytes());
    let columns: usize = shape.iter().skip(1).product();
    let bound = (3.0 / columns as f64).sqrt();
    let value = |at: u32| {
        let mut x = crc.sum().wrapping_add(at.wrapping_mul(2_654_435_761));
        for _ in 0..2 {
            x = (x ^ (x >> 16)).wrapping_mul(0x045d_9f3b);
        }
        x ^= x >> 16;
        let unit = 2.0 * (f64::from(x >> 8) / f64::from(1 << 24)) - 1.0;
        f16::from_f64(match shape.len() {
            1 if name.ends_with("weight") => 1.0 + 0.2 * unit,
            1 => 0.1 * unit,
            _ => unit * bound,
        })
    };
    (0..u32::try_from(shape.iter().product::<usize>()).expect("small")).map(value).collect()
}

/// Values as bytes of a type.
pub fn bytes(values: &[f16], dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F16 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Dtype::BF16 => values.iter().flat_map(|v| bf16::from_f32(v.to_f32()).to_le_bytes()).collect(),
        Dtype::F32 => values.iter().flat_map(|v| v.to_f32().to_le_bytes()).collect(),
        Dtype::F64 => values.iter().flat_map(|v| v.to_f64().to_le_bytes()).collect(),
        other => panic!("{other:?}"),
    }
}

impl SingleFile {
    /// One of `sd1`, `sd2`, `sdxl`, in f16; made once.
    pub fn of(family: &str) -> Self {
        static MADE: Mutex<BTreeMap<String, SingleFile>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().expect("no test panics here");
        made.entry(family.to_owned()).or_insert_with(|| Self::made(family)).clone()
    }

    fn made(family: &str) -> Self {
        let text = std::fs::read(super::goldens().join("single_file.json")).expect("names");
        let names: Value = serde_json::from_slice(&text).expect("JSON");
        let tensor = |(name, shape): (&String, &Value)| {
            let shape: Vec<usize> = serde_json::from_value(shape.clone()).expect("a shape");
            let data = bytes(&values(name, &shape), Dtype::F16);
            (name.clone(), (Dtype::F16, shape, data))
        };
        let tensors = names[family].as_object().expect("a family").iter().map(tensor).collect();
        Self { tensors, metadata: HashMap::new() }
    }

    /// A ControlNet in the original layout, of `sd1` or `sdxl` (tests/goldens/make_control_goldens.py).
    pub fn control_net(family: &str) -> Self {
        let text = std::fs::read(super::goldens().join("control.json")).expect("names");
        let names: Value = serde_json::from_slice(&text).expect("JSON");
        let mut made = Self::default();
        for (name, shape) in names[family].as_object().expect("a family") {
            let shape: Vec<usize> = serde_json::from_value(shape.clone()).expect("a shape");
            let data = bytes(&values(name, &shape), Dtype::F16);
            made.tensors.insert(name.clone(), (Dtype::F16, shape, data));
        }
        made
    }

    /// The tensors below a prefix, by other names.
    pub fn part(&self, prefix: &str, new: &str) -> Self {
        let below = self.tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)));
        let tensors = below.map(|(name, tensor)| (format!("{new}{name}"), tensor.clone())).collect();
        Self { tensors, metadata: HashMap::new() }
    }

    /// Without what lies below a prefix.
    pub fn without(mut self, prefix: &str) -> Self {
        self.tensors.retain(|name, _| !name.starts_with(prefix));
        self
    }

    pub fn with(mut self, name: &str, dtype: Dtype, shape: &[usize], data: &[u8]) -> Self {
        self.tensors.insert(name.to_owned(), (dtype, shape.to_vec(), data.to_vec()));
        self
    }

    /// A tensor of no values, as markers are.
    pub fn marked(self, name: &str) -> Self {
        self.with(name, Dtype::F32, &[0], &[])
    }

    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        let views = self
            .tensors
            .iter()
            .map(|(name, (dtype, shape, data))| (name, TensorView::new(*dtype, shape.clone(), data).expect("whole")));
        let metadata = (!self.metadata.is_empty()).then(|| self.metadata.clone());
        safetensors::serialize_to_file(views, metadata, &path).expect("written");
        path
    }
}
