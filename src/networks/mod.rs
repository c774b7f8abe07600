//! The networks of a latent diffusion model, each written once over a [`Backend`](crate::backend::Backend), flat and with
//! the names of diffusers, so that a checkpoint's tensors can be followed by eye:
//!
//! * [`clip`]: the text encoder (Radford et al. 2021, arXiv:2103.00020),
//! * [`unet`]: `UNet2DConditionModel` (Rombach et al. 2022, arXiv:2112.10752),
//! * [`vae`]: `AutoencoderKL` (the same paper),
//! * [`tiny`]: the decoder of `AutoencoderTiny`, for previews.
//!
//! A config option that these do not implement is refused in one line, never ignored.

mod blocks;
mod chain;
pub mod clip;
mod conditioning;
mod config;
mod load;
mod random;
mod strips;
pub mod tiny;
pub mod unet;
pub mod vae;

pub use conditioning::{Conditioning, Sizes};
pub use config::Fields;
pub use load::{Loader, Weights};
pub use random::RandomWeights;

use crate::backend;

/// Why a network could not be built or run, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The config asks for something that is not implemented.
    #[error("{file}: {key} = {value} is not supported; choose another checkpoint")]
    Unsupported {
        /// The config file.
        file: String,
        /// The option.
        key: String,
        /// Its value, shortened.
        value: String,
    },
    /// The config is not what it should be.
    #[error("{file}: {key}: {message}; fetch the file again")]
    Config {
        /// The config file.
        file: String,
        /// The option.
        key: String,
        /// The fault.
        message: String,
    },
    /// A tensor is not in the file.
    #[error("{file}: tensor {name} is missing; the file is incomplete, or does not belong to its config.json")]
    MissingTensor {
        /// The weights' file.
        file: String,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the config says.
    #[error(
        "{file}: tensor {name} has shape {found:?}, expected {expected:?}; the file does not belong to its config.json"
    )]
    WrongShape {
        /// The weights' file.
        file: String,
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// The shape that the config asks for.
        expected: Vec<usize>,
    },
    /// A tensor holds a NaN or an infinity.
    #[error("{file}: tensor {name} holds {value} at index {index}; fetch the file again")]
    NotFinite {
        /// The weights' file.
        file: String,
        /// The tensor.
        name: String,
        /// The first such value.
        value: f32,
        /// Its index in the tensor.
        index: usize,
    },
    /// A tensor is of a type that cannot be read.
    #[error(
        "{file}: tensor {name} has type {dtype}; only F8_E4M3, F8_E5M2, F16, BF16, F32 and F64 weights can be read"
    )]
    WeightType {
        /// The weights' file.
        file: String,
        /// The tensor.
        name: String,
        /// Its type in the file.
        dtype: String,
    },
    /// A network was called with something that it cannot take.
    #[error("{0}")]
    Input(String),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] backend::Error),
}

impl Error {
    /// The operator that wanted more memory than the device has, where that is the reason. The same may then work with less
    /// at once.
    #[must_use]
    pub fn out_of_memory(&self) -> Option<&'static str> {
        match self {
            Self::Backend(backend::Error::OutOfMemory { operator }) => Some(operator),
            _ => None,
        }
    }

    /// True where the backend was interrupted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Backend(backend::Error::Cancelled))
    }
}

/// The result of building or running a network.
pub type Result<T, E = Error> = std::result::Result<T, E>;
