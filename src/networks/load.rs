//! Named weights on their way into a backend.

use super::{Error, Result};
use crate::backend::{Backend, ConvOptions, WeightView};

/// A file of named tensors.
pub trait Weights {
    /// The file's name, for messages.
    fn file(&self) -> String;

    /// The shape of tensor `name`, if it is there.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// The shape of tensor `name`, which a network wants to be `wanted`.
    fn find(&self, name: &str, _wanted: &[usize]) -> Option<Vec<usize>> {
        self.shape(name)
    }

    /// The values of tensor `name`, in the file's own type and without a copy where nothing changes them.
    ///
    /// # Errors
    /// If it is missing, of a type that cannot be read, or not finite.
    fn read(&self, name: &str) -> Result<WeightView<'_>>;

    /// Says that nothing read before is needed any more, so that the pages of a mapped file that hold it may go.
    fn release(&self) {}
}

/// Reads and packs weights below one prefix.
pub struct Loader<'a, B: Backend> {
    backend: &'a B,
    weights: &'a dyn Weights,
    prefix: String,
}

impl<'a, B: Backend> Loader<'a, B> {
    /// All weights of a file.
    #[must_use]
    pub fn new(backend: &'a B, weights: &'a dyn Weights) -> Self {
        Self { backend, weights, prefix: String::new() }
    }

    /// The weights whose names go on with `name` and a dot.
    #[must_use]
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { backend: self.backend, weights: self.weights, prefix: format!("{}{name}.", self.prefix) }
    }

    /// Whether tensor `name` is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.weights.shape(&format!("{}{name}", self.prefix)).is_some()
    }

    /// Reads tensor `name`, which must be of one of the shapes `expected`, and gives it the first of them.
    fn tensor(&self, name: &str, expected: &[&[usize]]) -> Result<WeightView<'a>> {
        let name = format!("{}{name}", self.prefix);
        let file = || self.weights.file();
        let wanted = expected.first().copied().unwrap_or_default();
        let Some(found) = self.weights.find(&name, wanted) else {
            return Err(Error::MissingTensor { file: file(), name });
        };
        if !expected.contains(&found.as_slice()) {
            return Err(Error::WrongShape { file: file(), name, found, expected: wanted.to_vec() });
        }
        let tensor = self.weights.read(&name)?;
        Ok(WeightView { name, shape: wanted.to_vec(), ..tensor })
    }

    /// What the backend has packed, once the file's pages have gone.
    fn packed<T>(&self, packed: crate::backend::Result<T>) -> Result<T> {
        self.weights.release();
        Ok(packed?)
    }

    /// A convolution `name.weight`, `name.bias` with a square kernel.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub fn conv(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        options: ConvOptions,
    ) -> Result<B::Conv> {
        self.conv_and(name, [outputs, inputs, kernel, kernel], None, options)
    }

    /// As [`Self::conv`] where `name.bias` may be missing: it is zero then.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub fn conv_of(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        options: ConvOptions,
    ) -> Result<B::Conv> {
        let zeros = || WeightView::computed(vec![outputs], vec![0.0; outputs]);
        let bias = (!self.at(name).has("bias")).then(zeros);
        self.conv_and(name, [outputs, inputs, kernel, kernel], bias, options)
    }

    /// A convolution with this bias, or its own.
    fn conv_and(
        &self,
        name: &str,
        shape: [usize; 4],
        bias: Option<WeightView>,
        options: ConvOptions,
    ) -> Result<B::Conv> {
        let here = self.at(name);
        let weight = here.tensor("weight", &[&shape])?;
        let bias = bias.map_or_else(|| here.tensor("bias", &[&shape[..1]]), Ok)?;
        self.packed(self.backend.pack_conv(weight, bias, options))
    }

    /// A linear layer `name.weight`, and `name.bias` where `bias`. A 1×1 convolution is taken too: it is the same.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub fn linear(&self, name: &str, inputs: usize, outputs: usize, bias: bool) -> Result<B::Linear> {
        let here = self.at(name);
        let weight = here.tensor("weight", &[&[outputs, inputs], &[outputs, inputs, 1, 1], &[outputs, inputs, 1]])?;
        let bias = if bias { Some(here.tensor("bias", &[&[outputs]])?) } else { None };
        self.packed(self.backend.pack_linear(weight, bias))
    }

    /// A linear layer for [`Backend::linear_geglu`], with a bias.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub fn linear_geglu(&self, name: &str, inputs: usize, outputs: usize) -> Result<B::Linear> {
        let here = self.at(name);
        let weight = here.tensor("weight", &[&[outputs, inputs]])?;
        let bias = here.tensor("bias", &[&[outputs]])?;
        self.packed(self.backend.pack_linear_geglu(weight, Some(bias)))
    }

    /// A normalisation `name.weight`, `name.bias`.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub fn norm(&self, name: &str, channels: usize) -> Result<B::Norm> {
        let here = self.at(name);
        let scale = here.tensor("weight", &[&[channels]])?;
        let shift = here.tensor("bias", &[&[channels]])?;
        self.packed(self.backend.pack_norm(scale, shift))
    }

    /// A table `name.weight`.
    ///
    /// # Errors
    /// If the tensor is missing or of another shape.
    pub fn embedding(&self, name: &str, rows: usize, width: usize) -> Result<B::Embedding> {
        let table = self.at(name).tensor("weight", &[&[rows, width]])?;
        self.packed(self.backend.pack_embedding(table))
    }
}
