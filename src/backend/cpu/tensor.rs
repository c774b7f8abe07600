//! Arrays in the processor's memory: f32, contiguous, with the channels last.

use super::super::{Error, Result};
use std::sync::Arc;

/// Sizes in the order of memory, slowest first: an image is `[n, h, w, c]`, tokens are `[n, t, c]`, a vector is `[n, c]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    sizes: [usize; 4],
    rank: usize,
}

impl Shape {
    /// Sizes of at most four axes.
    pub(super) fn new(operator: &'static str, sizes: &[usize]) -> Result<Self> {
        let mut all = [1; 4];
        match all.get_mut(..sizes.len()) {
            Some(first) => first.copy_from_slice(sizes),
            None => return Err(misfit(operator, sizes, "at most 4 dimensions")),
        }
        Ok(Self { sizes: all, rank: sizes.len() })
    }

    pub(super) fn image(n: usize, height: usize, width: usize, channels: usize) -> Self {
        Self { sizes: [n, height, width, channels], rank: 4 }
    }

    pub(super) fn tokens(n: usize, tokens: usize, channels: usize) -> Self {
        Self { sizes: [n, tokens, channels, 1], rank: 3 }
    }

    /// In the order of memory.
    pub(super) fn sizes(&self) -> &[usize] {
        self.sizes.get(..self.rank).unwrap_or_default()
    }

    /// In the order that the trait speaks: an image's channels come before its sides.
    pub(super) fn logical(&self) -> Vec<usize> {
        match *self.sizes() {
            [n, height, width, channels] => vec![n, channels, height, width],
            ref sizes => sizes.to_vec(),
        }
    }

    /// The place in memory of an axis that the trait speaks of.
    pub(super) fn axis(&self, logical: usize) -> usize {
        match (self.rank, logical) {
            (4, 1) => 3,
            (4, 2 | 3) => logical - 1,
            _ => logical,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sizes().iter().product()
    }

    /// The size of the last axis: channels.
    pub(super) fn width(&self) -> usize {
        self.sizes().last().copied().unwrap_or(1)
    }

    /// The same with another size of one axis.
    pub(super) fn with(mut self, axis: usize, size: usize) -> Self {
        if let Some(old) = self.sizes.get_mut(axis) {
            *old = size;
        }
        self
    }
}

/// An array; clones share its values.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub(super) shape: Shape,
    pub(super) data: Arc<Vec<f32>>,
}

impl Tensor {
    pub(super) fn new(shape: Shape, data: Vec<f32>) -> Self {
        Self { shape, data: Arc::new(data) }
    }

    /// The same values in another shape.
    pub(super) fn reshaped(&self, shape: Shape) -> Self {
        Self { shape, data: Arc::clone(&self.data) }
    }

    /// `[n, height, width, channels]`.
    pub(super) fn image(&self, operator: &'static str) -> Result<[usize; 4]> {
        self.shape.sizes().try_into().map_err(|_| self.misfit(operator, "an image"))
    }

    /// `[n, tokens, channels]`.
    pub(super) fn tokens(&self, operator: &'static str) -> Result<[usize; 3]> {
        self.shape.sizes().try_into().map_err(|_| self.misfit(operator, "tokens"))
    }

    pub(super) fn misfit(&self, operator: &'static str, expected: impl Into<String>) -> Error {
        misfit(operator, &self.shape.logical(), expected)
    }
}

pub(super) fn misfit(operator: &'static str, found: &[usize], expected: impl Into<String>) -> Error {
    Error::Shape { operator, found: found.to_vec(), expected: expected.into() }
}

/// So many zeros, or [`Error::OutOfMemory`] where the system has no room for them.
pub(super) fn zeros(operator: &'static str, len: usize) -> Result<Vec<f32>> {
    // `vec!` takes zeroed pages and touches none of them, but ends the program where there are none: ask first.
    let room = Vec::<f32>::new().try_reserve_exact(len);
    room.map_err(|_| Error::OutOfMemory { operator })?;
    Ok(vec![0.0; len])
}
