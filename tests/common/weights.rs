//! Weights in memory, for a network without a checkpoint.

use polyptych::backend::WeightView;
use polyptych::networks::{Error, Weights};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

pub struct InMemory(pub BTreeMap<String, WeightView<'static>>);

impl InMemory {
    /// The weights of a file, widened to f32.
    pub fn open(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("weights");
        let file = SafeTensors::deserialize(&bytes).expect("safetensors");
        let widened = file.iter().map(|(name, tensor)| {
            let data = match tensor.dtype() {
                Dtype::F16 => tensor
                    .data()
                    .chunks_exact(2)
                    .map(|b| half::f16::from_le_bytes(b.try_into().expect("2")).to_f32())
                    .collect(),
                Dtype::F32 => {
                    tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4"))).collect()
                }
                other => panic!("{name} is {other:?}"),
            };
            (name.to_owned(), WeightView::computed(tensor.shape().to_vec(), data))
        });
        Self(widened.collect())
    }
}

impl Weights for InMemory {
    fn file(&self) -> String {
        "memory".to_owned()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.get(name).map(|tensor| tensor.shape.clone())
    }

    fn read(&self, name: &str) -> Result<WeightView<'_>, Error> {
        Ok(self.0[name].clone())
    }
}
