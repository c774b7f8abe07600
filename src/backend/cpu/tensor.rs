//! Arrays in the processor's memory: f32, contiguous, with the channels last.

use super::super::channels_last::place;
use super::super::{Error, Result, Shape, misfit};
use std::sync::Arc;

/// An array; clones share its values.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// Sizes in the order of memory, slowest first: an image is `[n, h, w, c]`, tokens are `[n, t, c]`, a vector is `[n, c]`.
    pub(super) shape: Shape,
    pub(super) data: Arc<Vec<f32>>,
}

impl Tensor {
    pub(super) fn new(shape: impl Into<Shape>, data: Vec<f32>) -> Self {
        Self { shape: shape.into(), data: Arc::new(data) }
    }

    /// The same values in another shape.
    pub(super) fn reshaped(&self, shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), data: Arc::clone(&self.data) }
    }

    /// Sizes in the order that the trait speaks: an image's channels come before its sides.
    pub(super) fn logical(&self) -> Shape {
        match *self.shape {
            [n, height, width, channels] => [n, channels, height, width].into(),
            _ => self.shape,
        }
    }

    /// The place in memory of an axis that the trait speaks of.
    pub(super) fn axis(&self, logical: usize) -> usize {
        place(self.shape.len(), logical)
    }

    /// The size of the last axis: channels.
    pub(super) fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// `[n, height, width, channels]`.
    pub(super) fn image(&self, operator: &'static str) -> Result<[usize; 4]> {
        (*self.shape).try_into().map_err(|_| self.misfit(operator, "an image"))
    }

    /// `[n, tokens, channels]`.
    pub(super) fn tokens(&self, operator: &'static str) -> Result<[usize; 3]> {
        (*self.shape).try_into().map_err(|_| self.misfit(operator, "tokens"))
    }

    pub(super) fn misfit(&self, operator: &'static str, expected: impl Into<String>) -> Error {
        misfit(operator, &self.logical(), expected)
    }
}

/// So many zeros, or [`Error::OutOfMemory`] where the system has no room for them.
pub(super) fn zeros(operator: &'static str, len: usize) -> Result<Vec<f32>> {
    // `vec!` takes zeroed pages and touches none of them, but ends the program where there are none: ask first.
    let room = Vec::<f32>::new().try_reserve_exact(len);
    room.map_err(|_| Error::OutOfMemory { operator })?;
    Ok(vec![0.0; len])
}
