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
//! [`cpu`] is what pictures are drawn on; [`candle`] is the oracle for the others.

pub mod candle;
pub mod cpu;
mod device;
mod weight;

pub use device::{Device, UnknownDevice};
pub use weight::{Values, WeightView};

/// Why an operator failed, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device had no room for the result.
    #[error("the device is out of memory in {operator}")]
    OutOfMemory {
        /// The operator that asked for the memory.
        operator: &'static str,
    },
    /// An operator was given tensors that do not fit together.
    #[error("{operator}: {found:?} does not fit, expected {expected}")]
    Shape {
        /// The operator.
        operator: &'static str,
        /// The shape it was given.
        found: Vec<usize>,
        /// What it wants, in words.
        expected: String,
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

/// What a backend's operator returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How a convolution walks over its image. Kernel and channels come from the weight.
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

/// What a group normalisation takes away and divides by: mean and variance of one group of channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupMoments {
    pub mean: f32,
    /// The mean squared distance from the mean.
    pub variance: f32,
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
}

/// The operators. All are pure: they return a new tensor and leave their inputs alone.
///
/// # Errors
/// Every operator fails with [`Error::Shape`] where its inputs do not fit, with [`Error::OutOfMemory`] where the device has
/// no room, and with [`Error::Device`] for whatever else the device reports.
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

    /// The device in words, for the status line: `CPU, 8 threads, f32`.
    fn describe(&self) -> String;

    /// Packs a convolution: weight `[out, in, kernel, kernel]`, bias `[out]`. Weights come in their file's own type; here and
    /// below they are converted straight into the packed form, so that no tensor lies in memory twice.
    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Self::Conv>;
    /// Packs a linear layer: weight `[out, in]`, bias `[out]` or none.
    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear>;
    /// Packs scale and shift, both `[c]`.
    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<Self::Norm>;
    /// Packs a table `[rows, c]`.
    fn pack_embedding(&self, table: WeightView) -> Result<Self::Embedding>;

    /// Copies values from the host.
    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Self::Tensor>;
    /// Copies values to the host, contiguous in the order of [`Backend::shape`].
    fn download(&self, x: &Self::Tensor) -> Result<Vec<f32>>;
    /// Sizes, slowest first.
    fn shape(&self, x: &Self::Tensor) -> Vec<usize>;

    /// 2-D convolution of an image.
    fn conv2d(&self, x: &Self::Tensor, weights: &Self::Conv) -> Result<Self::Tensor>;
    /// Linear layer over the last dimension of tokens or of a vector.
    fn linear(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor>;
    /// Normalises groups of channels of an image, followed by SiLU where `silu`.
    fn group_norm(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor>;
    /// The moments that [`Backend::group_norm`] would use: `groups` for every image, in order.
    fn group_moments(&self, x: &Self::Tensor, groups: usize) -> Result<Vec<GroupMoments>>;
    /// [`Backend::group_norm`] with moments measured elsewhere: of the whole, where `x` is a part of an image.
    fn normalise(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        moments: &[GroupMoments],
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor>;
    /// Normalises the last dimension of tokens.
    fn layer_norm(&self, x: &Self::Tensor, weights: &Self::Norm, eps: f32) -> Result<Self::Tensor>;
    /// Scaled dot-product attention, `softmax(q·kᵀ / √d)·v` for each of `heads` slices of the width. `q` is `[n, t, c]`,
    /// `k` and `v` are `[n, s, c]`. With `causal`, token `i` sees tokens `0..=i` only.
    fn attention(
        &self,
        q: &Self::Tensor,
        k: &Self::Tensor,
        v: &Self::Tensor,
        heads: usize,
        causal: bool,
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
    /// Joins tensors along `axis` (1 joins channels of images, 0 makes a batch).
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
