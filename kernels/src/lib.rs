//! The operators that Polyptych's networks are made of, on the processor: products and convolutions, attention, normalisations
//! and functions, on slices of f32 with channels last.
//!
//! Every kernel is written once over vectors (`simd.rs`) and compiled for AVX-512, for AVX2 with FMA, and as plain Rust
//! (`set.rs`). Weights stay in the 16 or 32 bits of their file and are widened a few kilobytes at a time; sums are f32. Sets whose
//! operands of products have 16 bits (`narrow/`, `words.rs`) are faster where the processor has instructions for them. All
//! operators use the threads of rayon's pool, and none gives other results on more or fewer of them.
//!
//! This is a package of its own because its loops need full optimisation in every profile, and because all `unsafe` of
//! Polyptych's arithmetic lives here, behind functions that check sizes.
#![allow(unsafe_code, reason = "vector instructions, and tasks that write parts of one array")]
#![allow(
    clippy::inline_always,
    reason = "vector operations must be inlined into the functions that enable their instructions"
)]

mod attention;
mod function;
mod loops;
mod narrow;
mod norm;
mod pack;
mod product;
mod set;
mod simd;
mod threads;
mod tile;
mod winograd;
mod words;

pub use attention::{Attention, Seen};
pub use function::Activation;
pub use narrow::Half;
pub use norm::{Moments, Normalise, activate, add, geglu, group_moments, layer_norm};
pub use pack::{Weights, Words};
pub use product::{Finish, Patches, Rows, convolution_by, product};
pub use set::Set;

/// Why an operator did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The system had no room.
    OutOfMemory,
    /// Slices are not as long as their sizes say; with the name of what does not fit.
    Fit(&'static str),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::Fit(what) => write!(f, "sizes of {what} do not fit"),
        }
    }
}

impl std::error::Error for Error {}

/// The result of an operator.
pub type Result<T, E = Error> = std::result::Result<T, E>;
