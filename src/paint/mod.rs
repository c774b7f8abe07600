//! Pointer samples to mask edits. It knows masks and nothing of windows.

mod brush;
mod stroke;

pub use brush::Brush;
pub use stroke::{Sample, Stroke};
