//! The operators a network is made of.
//!
//! [`Backend`] is a small trait: its own tensor type and layout, weights packed once when a checkpoint is loaded, and the
//! operators that UNet, VAE and CLIP need. Latents are small, so everything else (fusing, samplers, chance) runs on the
//! host: a network call is one upload and one download.
//!
//! Layouts as the operators name them: an *image* is `[n, c, h, w]`, *tokens* are `[n, t, c]`, a *vector* is `[n, c]`. A
//! backend may keep another order in memory; these are what [`Backend::shape`], [`Backend::upload`] and
//! [`Backend::download`] speak.
//!
//! [`cpu`] and [`wgpu`] are what pictures are drawn on, by the [`choice`] of the fastest; [`candle`] is the oracle for both.

pub mod adapted;
pub mod candle;
mod channels_last;
pub mod choice;
pub mod counted;
pub mod cpu;
mod device;
mod forward;
mod manners;
mod open;
mod shape;
pub mod speed;
mod stoppable;
mod truth;
mod weight;
pub mod wgpu;

pub use cpu::Half;
pub use device::{Device, Dtype, NoSuchDtype, UnknownDevice, UnknownDtype};
pub use manners::{Interrupt, Manners, Progress};
pub use open::{User, open};
pub use shape::Shape;
pub use stoppable::Stoppable;
pub use weight::{Values, WeightView};

use std::collections::BTreeMap;

/// Why an operator failed, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device had no room for the result.
    #[error("the device is out of memory in {operator}")]
    OutOfMemory {
        /// The operator that asked for the memory.
        operator: &'static str,
    },
    /// The backend was interrupted.
    #[error("cancelled")]
    Cancelled,
    /// An operator was given tensors that do not fit together.
    #[error("{operator}: {found:?} does not fit, expected {expected}")]
    Shape {
        /// The operator.
        operator: &'static str,
        /// The shape it was given.
        found: Vec<usize>,
        /// A description of the shapes it takes.
        expected: String,
    },
    /// A device gave other results than plain loops in its trial.
    #[error("{device} computes {what} wrong (off by {off}); update its driver, or draw with cpu")]
    Wrong {
        /// The device.
        device: String,
        /// The operator.
        what: &'static str,
        /// The relative difference.
        off: String,
    },
    /// Whatever else the device or its library reports.
    #[error("{operator}: {message}")]
    Device {
        /// The operator.
        operator: &'static str,
        /// The library's words, first line only.
        message: String,
    },
}

impl Error {
    /// True where a device could not be opened, or computed wrong in its trial: another one may serve.
    #[must_use]
    pub fn is_of_opening(&self) -> bool {
        matches!(self, Self::Wrong { .. } | Self::Device { operator: wgpu::OPENING, .. })
    }
}

/// The error of an operator that was given tensors of shape `found`.
fn misfit(operator: &'static str, found: &[usize], expected: impl Into<String>) -> Error {
    Error::Shape { operator, found: found.to_vec(), expected: expected.into() }
}

/// The result of an operator.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Stride and padding of a convolution. Kernel and channels come from the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvOptions {
    /// Step in both directions.
    pub stride: usize,
    /// Zeros added above and to the left.
    pub before: usize,
    /// Zeros added below and to the right.
    pub after: usize,
}

impl ConvOptions {
    /// Stride 1 and the padding that keeps the size, for an odd `kernel`.
    #[must_use]
    pub const fn same(kernel: usize) -> Self {
        Self { stride: 1, before: kernel / 2, after: kernel / 2 }
    }
}

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// `x · Φ(x)`, exact (with erf).
    Gelu,
    /// `x · sigmoid(1.702 x)`, as OpenAI's CLIP.
    QuickGelu,
    /// `x` above 0, else 0.
    Relu,
}

/// Steps at the end of a product, before its result is written: `activation(product + bias + vector) + residual`.
#[derive(Debug)]
pub struct Epilogue<'a, T> {
    /// `[n, c]` or `[1, c]`, added to every pixel or token: the step's embedding in a resnet.
    pub vector: Option<&'a T>,
    /// Applied to the sum so far.
    pub activation: Option<Activation>,
    /// Added last; of the result's shape.
    pub residual: Option<&'a T>,
}

impl<T> Default for Epilogue<'_, T> {
    fn default() -> Self {
        Self { vector: None, activation: None, residual: None }
    }
}

impl<'a, T> Epilogue<'a, T> {
    /// Adds a tensor of the result's shape.
    #[must_use]
    pub fn add(residual: &'a T) -> Self {
        Self { residual: Some(residual), ..Self::default() }
    }
}

/// Options of an attention.
#[derive(Debug)]
pub struct Attention<'a, T> {
    /// Slices of the width that attend each by itself.
    pub heads: usize,
    /// The factor of the scores; `None` is `1 / √(width / heads)`.
    pub scale: Option<f32>,
    /// The keys that a query sees.
    pub mask: Mask<'a, T>,
}

impl<T> Attention<'_, T> {
    /// Every query sees every key, scaled as usual.
    #[must_use]
    pub fn full(heads: usize) -> Self {
        Self { heads, scale: None, mask: Mask::None }
    }

    /// The factor of the scores for queries of this width.
    #[must_use]
    pub fn scale(&self, width: usize) -> f32 {
        self.scale.unwrap_or_else(|| ((width / self.heads.max(1)) as f64).sqrt().recip() as f32)
    }
}

/// The keys that a query sees.
#[derive(Debug)]
pub enum Mask<'a, T> {
    /// All.
    None,
    /// Query `i` sees keys `0..=i`.
    Causal,
    /// `[n, t, s]` or `[1, t, s]`, added to the scaled scores of every head; −∞ hides a key.
    Bias(&'a T),
}

/// The operators. All are pure: they return a new tensor and leave their inputs alone.
///
/// An operator may only record what is to be done and return at once; it is done at the latest when something is downloaded.
/// Such a backend keeps an account of its memory, so that an operator that has no room says so itself.
///
/// # Errors
/// Every operator fails with [`Error::Shape`] where its inputs do not fit, with [`Error::OutOfMemory`] where the device has
/// no room, with [`Error::Cancelled`] once it was interrupted (see [`Interrupt`]), and with [`Error::Device`] for whatever else
/// the device reports.
#[expect(clippy::missing_errors_doc, reason = "said once for all operators, above")]
pub trait Backend: Send + 'static {
    /// An array on the device. Cloning is cheap (the values are shared).
    type Tensor: Clone + Send + 'static;
    /// A convolution's weights as this device likes them.
    type Conv: Send + 'static;
    /// A linear layer's weights.
    type Linear: Send + 'static;
    /// Scale and shift of a normalisation.
    type Norm: Send + 'static;
    /// A table of vectors.
    type Embedding: Send + 'static;
    /// Mean and variance of every group of channels of every image, where [`Backend::group_moments`] measured them.
    type Moments: Send + 'static;
    /// Keys and values of an attention as this device likes them, of one row: `[1, s, c]` each.
    type KeyValues: Send + 'static;

    /// The device in words, for the status line: `CPU, 8 threads, AVX-512, f32`.
    fn describe(&self) -> String;

    /// Chooses the fastest ways of computing what has been asked for so far, where that needs a measurement. Called after each call
    /// of a network; takes time after the first ones only.
    fn tune(&self) -> Result<()> {
        Ok(())
    }

    /// The same device and memory with tensors in f32, where its own have a smaller range: for autoencoders, of which some reach
    /// 100 000. `None` where its own tensors have that range. Tensors and weights of one are not for the other.
    fn wide(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Bytes that a value of a tensor takes on the device.
    fn value_bytes(&self) -> usize {
        size_of::<f32>()
    }

    /// Bytes that tensors may still take; `None` where the backend cannot know.
    fn room(&self) -> Option<usize> {
        None
    }

    /// Bytes that would have been held, and those that may be, when an operator last failed with [`Error::OutOfMemory`]; `None`
    /// where the backend cannot know.
    fn refused(&self) -> Option<[u64; 2]> {
        None
    }

    /// Measures from now on the seconds that the device itself spends for each operator, for [`Backend::device_seconds`]; it may
    /// be slower meanwhile. False where it cannot.
    fn time_operators(&self) -> bool {
        false
    }

    /// Seconds of the device by operator since this was last asked; empty where they are not measured.
    fn device_seconds(&self) -> BTreeMap<&'static str, f64> {
        BTreeMap::new()
    }

    /// Inputs of `cells` latent pixels that keep the device busy in one batch.
    fn preferred_batch(&self, cells: usize) -> usize {
        // As much as four pictures of 512 × 512, which are 64 × 64 cells each; at least four, since prompts share an input.
        (4 * 64 * 64 / cells.max(1)).clamp(4, 32)
    }

    /// Packs a convolution: weight `[out, in, kernel, kernel]`, bias `[out]`. Weights come in their file's own type; here and
    /// below they are converted straight into the packed form, so that no tensor lies in memory twice.
    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Self::Conv>;
    /// Packs a linear layer: weight `[out, in]`, bias `[out]` or none.
    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear>;
    /// Packs a linear layer for [`Backend::linear_geglu`], so that a backend may put each value beside its gate.
    fn pack_linear_geglu(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear> {
        self.pack_linear(weight, bias)
    }
    /// Packs scale and shift, both `[c]`.
    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<Self::Norm>;
    /// Packs a table `[rows, c]`.
    fn pack_embedding(&self, table: WeightView) -> Result<Self::Embedding>;
    /// Packs keys and values `[1, s, c]` that many attentions read, such as those of a prompt's words.
    fn pack_keys(&self, k: &Self::Tensor, v: &Self::Tensor) -> Result<Self::KeyValues>;

    /// Copies values from the host.
    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Self::Tensor>;
    /// Copies values to the host, contiguous in the order of [`Backend::shape`].
    fn download(&self, x: &Self::Tensor) -> Result<Vec<f32>>;
    /// [`Backend::download`] of several tensors with one wait for the device.
    fn download_all(&self, tensors: &[&Self::Tensor]) -> Result<Vec<Vec<f32>>> {
        tensors.iter().map(|x| self.download(x)).collect()
    }
    /// Sizes, slowest first.
    fn shape(&self, x: &Self::Tensor) -> Shape;

    /// 2-D convolution of an image.
    fn conv2d(&self, x: &Self::Tensor, weights: &Self::Conv) -> Result<Self::Tensor>;
    /// [`Backend::conv2d`] and what follows it.
    fn conv2d_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Conv,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        followed(self, self.conv2d(x, weights)?, then)
    }
    /// [`Backend::conv2d`] of an image enlarged to `height` × `width`, nearest neighbour.
    fn upsample_conv2d(
        &self,
        x: &Self::Tensor,
        height: usize,
        width: usize,
        weights: &Self::Conv,
    ) -> Result<Self::Tensor> {
        self.conv2d(&self.upsample(x, height, width)?, weights)
    }
    /// Linear layer over the last dimension of tokens or of a vector.
    fn linear(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor>;
    /// [`Backend::linear`] and what follows it.
    fn linear_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Linear,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        followed(self, self.linear(x, weights)?, then)
    }
    /// [`Backend::linear`] with weights of [`Backend::pack_linear_geglu`], then [`Backend::geglu`].
    fn linear_geglu(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor> {
        self.geglu(&self.linear(x, weights)?)
    }
    /// Normalises groups of channels of an image, followed by SiLU where `silu`.
    fn group_norm(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor>;
    /// The moments that [`Backend::group_norm`] would use. They stay on the device.
    fn group_moments(&self, x: &Self::Tensor, groups: usize) -> Result<Self::Moments>;
    /// The moments of a whole from those of its parts, which are weighted by their sizes.
    fn merge_moments(&self, parts: &[(usize, Self::Moments)]) -> Result<Self::Moments>;
    /// [`Backend::group_norm`] with moments measured elsewhere: of the whole, where `x` is a part of an image.
    fn normalise(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        moments: &Self::Moments,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor>;
    /// Normalises the last dimension of tokens.
    fn layer_norm(&self, x: &Self::Tensor, weights: &Self::Norm, eps: f32) -> Result<Self::Tensor>;
    /// Dot-product attention, `softmax(scale · q·kᵀ)·v` for each head. `q` is `[n, t, c]`, `k` and `v` are `[n, s, c]`.
    fn attention(
        &self,
        q: &Self::Tensor,
        k: &Self::Tensor,
        v: &Self::Tensor,
        options: &Attention<Self::Tensor>,
    ) -> Result<Self::Tensor>;
    /// [`Backend::attention`] to packed keys and values: row `i` of `q` attends to `keys[i]`, of equal lengths.
    fn attention_to(
        &self,
        q: &Self::Tensor,
        keys: &[&Self::KeyValues],
        options: &Attention<Self::Tensor>,
    ) -> Result<Self::Tensor>;
    /// `a · gelu(b)` where `a` and `b` are the halves of the last dimension.
    fn geglu(&self, x: &Self::Tensor) -> Result<Self::Tensor>;
    /// A function of every value.
    fn activate(&self, x: &Self::Tensor, activation: Activation) -> Result<Self::Tensor>;
    /// Enlarges an image to `height` × `width`, nearest neighbour.
    fn upsample(&self, x: &Self::Tensor, height: usize, width: usize) -> Result<Self::Tensor>;
    /// The sum of two tensors of one shape.
    fn add(&self, a: &Self::Tensor, b: &Self::Tensor) -> Result<Self::Tensor>;
    /// Adds vector `[n, c]` or `[1, c]` to every pixel of image `[n, c, h, w]`, or to every token of `[n, t, c]`.
    fn add_channels(&self, x: &Self::Tensor, vector: &Self::Tensor) -> Result<Self::Tensor>;
    /// Joins tensors along `axis` (1 joins channels of images, 0 makes a batch). A backend may keep the parts as they are, and
    /// let the operators that follow read both: on the way up of a UNet that saves the largest copies.
    fn concat(&self, parts: &[&Self::Tensor], axis: usize) -> Result<Self::Tensor>;
    /// Row `rows[i]` of the first dimension, for every `i`.
    fn select(&self, x: &Self::Tensor, rows: &[usize]) -> Result<Self::Tensor>;
    /// The `count` indices from `start` on, along `axis`.
    fn slice(&self, x: &Self::Tensor, axis: usize, start: usize, count: usize) -> Result<Self::Tensor>;
    /// Weighted sums of consecutive rows: tokens `[n, t, c]` and `weights` `[n, t]` to `[counts, t, c]`, where row `i` is the
    /// sum of the next `counts[i]` rows of `x`, each token times its weight.
    fn blend(&self, x: &Self::Tensor, weights: &Self::Tensor, counts: &[usize]) -> Result<Self::Tensor>;
    /// Image `[n, c, h, w]` to tokens `[n, h·w, c]`, row by row.
    fn to_tokens(&self, x: &Self::Tensor) -> Result<Self::Tensor>;
    /// Tokens `[n, height·width, c]` to image `[n, c, height, width]`.
    fn to_image(&self, x: &Self::Tensor, height: usize, width: usize) -> Result<Self::Tensor>;
    /// Rows of a table as tokens `[1, ids, c]`.
    fn embed(&self, table: &Self::Embedding, ids: &[u32]) -> Result<Self::Tensor>;
    /// `x · factor + offset`.
    fn affine(&self, x: &Self::Tensor, factor: f32, offset: f32) -> Result<Self::Tensor>;
}

/// An epilogue as operators of their own.
fn followed<B: Backend + ?Sized>(b: &B, mut y: B::Tensor, then: Epilogue<B::Tensor>) -> Result<B::Tensor> {
    let Epilogue { vector, activation, residual } = then;
    if let Some(vector) = vector {
        y = b.add_channels(&y, vector)?;
    }
    if let Some(activation) = activation {
        y = b.activate(&y, activation)?;
    }
    match residual {
        Some(residual) => b.add(residual, &y),
        None => Ok(y),
    }
}
