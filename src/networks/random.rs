//! Weights of no file, for measurements at a network's full size.

use super::{Error, Result, Weights};
use crate::backend::WeightView;
use half::f16;
use std::cell::RefCell;
use std::collections::HashMap;

/// A tensor of every name and shape that a network asks for: small random values, so that activations stay near 1, and ones
/// for the scales of normalisations. All are exact in f16, as those of most files are.
#[derive(Debug, Default)]
pub struct RandomWeights {
    shapes: RefCell<HashMap<String, Vec<usize>>>,
}

impl RandomWeights {
    /// The number of values given out.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.shapes.borrow().values().map(|shape| shape.iter().product::<usize>()).sum()
    }
}

impl Weights for RandomWeights {
    fn file(&self) -> String {
        "random weights".to_owned()
    }

    /// None: names that some files have and others have not are not asked for with a shape.
    fn shape(&self, _name: &str) -> Option<Vec<usize>> {
        None
    }

    fn find(&self, name: &str, wanted: &[usize]) -> Option<Vec<usize>> {
        self.shapes.borrow_mut().insert(name.to_owned(), wanted.to_vec());
        Some(wanted.to_vec())
    }

    fn read(&self, name: &str) -> Result<WeightView<'_>> {
        let shape = self.shapes.borrow().get(name).cloned();
        let shape = shape.ok_or_else(|| Error::MissingTensor { file: self.file(), name: name.to_owned() })?;
        let count = shape.iter().product();
        let values = match shape.as_slice() {
            [_] if name.contains("norm") && name.ends_with("weight") => vec![1.0; count],
            [_] => vec![0.0; count],
            [outputs, ..] => uniform(count, (3.0 * *outputs as f32 / count.max(1) as f32).sqrt()),
            [] => Vec::new(),
        };
        Ok(WeightView::computed(shape, values))
    }
}

/// So many values between `-bound` and `bound`, the same ones each time (Marsaglia 2003, xorshift).
fn uniform(count: usize, bound: f32) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let unit = (state >> 40) as f32 / (1_u64 << 24) as f32;
        f16::from_f32((2.0 * unit - 1.0) * bound).to_f32()
    };
    (0..count).map(|_| next()).collect()
}
