//! LoRAs of every kind with the weights that they make, by naive loops after LyCORIS' formulas.

use super::{copy_checkpoint, goldens};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Tensors by name: shape and values.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

pub const UNET: &str = "unet/diffusion_pytorch_model.safetensors";
pub const TEXT: &str = "text_encoder/model.safetensors";

/// Layers of the golden `eps`: linear, with text on the input, a convolution of 3 × 3, one of 1 × 1, one with gates.
pub const LAYERS: [&str; 5] = [
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k",
    "down_blocks.1.resnets.0.conv1",
    "down_blocks.0.attentions.0.proj_in",
    "up_blocks.2.attentions.1.transformer_blocks.0.ff.net.0.proj",
];

/// Numbers by a linear congruence, all exact in every type of file.
pub struct Chance(pub u64);

impl Chance {
    pub fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count)
            .map(|_| {
                self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((self.0 >> 40) % 127) as f64 / 64.0 - 63.0 / 64.0
            })
            .collect()
    }
}

pub fn read(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let floats = file.iter().filter(|(_, tensor)| tensor.dtype() == Dtype::F32);
    let values = |data: &[u8]| -> Vec<f64> {
        data.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("4")))).collect()
    };
    floats.map(|(name, tensor)| (name.to_owned(), (tensor.shape().to_vec(), values(tensor.data())))).collect()
}

pub fn write(path: &Path, tensors: &Tensors, dtype: Dtype, metadata: &[(&str, &str)]) {
    let bytes = |values: &[f64]| -> Vec<u8> {
        let value = |v: &f64| match dtype {
            Dtype::F16 => f16::from_f64(*v).to_le_bytes().to_vec(),
            Dtype::BF16 => bf16::from_f64(*v).to_le_bytes().to_vec(),
            _ => (*v as f32).to_le_bytes().to_vec(),
        };
        values.iter().flat_map(value).collect()
    };
    let stored: Vec<_> = tensors.iter().map(|(name, (shape, values))| (name, shape, bytes(values))).collect();
    let views =
        stored.iter().map(|(name, shape, data)| (*name, TensorView::new(dtype, (*shape).clone(), data).expect("fits")));
    let metadata = metadata.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    std::fs::write(path, safetensors::serialize(views, Some(metadata)).expect("safetensors")).expect("written");
}

/// The golden `eps` with some tensors changed, in a folder.
pub fn changed(folder: &Path, file: &str, change: impl FnOnce(&mut Tensors)) -> PathBuf {
    let to = folder.join("want");
    std::fs::create_dir_all(&to).expect("a folder");
    copy_checkpoint("eps", &to);
    let mut tensors = read(&goldens().join("eps").join(file));
    change(&mut tensors);
    write(&to.join(file), &tensors, Dtype::F32, &[]);
    to
}

/// A weight's sizes: rows, inputs, values of a kernel.
pub fn sizes(shape: &[usize]) -> (usize, usize, usize) {
    (shape[0], shape.get(1).copied().unwrap_or(1), shape.iter().skip(2).product())
}

/// `a` `[n, inner]` times `b` `[inner, m]`.
pub fn product(a: &[f64], b: &[f64], inner: usize) -> Vec<f64> {
    let (n, m) = (a.len() / inner, b.len() / inner);
    let cell = |i: usize, j: usize| (0..inner).map(|k| a[i * inner + k] * b[k * m + j]).sum();
    (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| cell(i, j)).collect()
}

/// Σ core[i, j, k] a[i, row] b[j, input] as `[row, input, k]`.
pub fn tucker(
    core: &[f64],
    a: &[f64],
    b: &[f64],
    (r1, r2): (usize, usize),
    (rows, inputs, kernel): (usize, usize, usize),
) -> Vec<f64> {
    let mut out = vec![0.0; rows * inputs * kernel];
    for row in 0..rows {
        for input in 0..inputs {
            for k in 0..kernel {
                for i in 0..r1 {
                    for j in 0..r2 {
                        out[(row * inputs + input) * kernel + k] +=
                            core[(i * r2 + j) * kernel + k] * a[i * rows + row] * b[j * inputs + input];
                    }
                }
            }
        }
    }
    out
}

/// An adapter's tensors for one layer, by their endings, and the matrix that is added.
pub struct Made {
    pub tensors: Vec<(&'static str, Vec<usize>, Vec<f64>)>,
    pub delta: Vec<f64>,
}

/// LoRA of rank 3 with alpha 6 (so that its product counts twice), a LoCon for convolutions.
pub fn lora(chance: &mut Chance, shape: &[usize]) -> Made {
    let (rows, inputs, kernel) = sizes(shape);
    let (up, down) = (chance.numbers(rows * 3), chance.numbers(3 * inputs * kernel));
    let delta = product(&up, &down, 3).iter().map(|v| 2.0 * v).collect();
    let flat = |size: usize, other: usize| if shape.len() == 4 { vec![size, other, 1, 1] } else { vec![size, other] };
    let of_down = [&[3], &shape[1..]].concat();
    Made {
        tensors: vec![
            ("lora_down.weight", of_down, down),
            ("lora_up.weight", flat(rows, 3), up),
            ("alpha", vec![], vec![6.0]),
        ],
        delta,
    }
}
