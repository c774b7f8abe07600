//! MultiDiffusion (Bar-Tal, Yariv, Lipman, Dekel, ICML 2023) on plain `f32` arrays.
//!
//! A network is a trait here ([`Network`]), so nothing below needs a tensor library and tests run on toy networks.

mod network;
mod planes;

pub use network::{Moments, Network, NetworkError, PromptId};
pub use planes::Planes;
