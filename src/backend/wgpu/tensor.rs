//! Arrays on the device, with the channels last in memory.

use super::pool::Held;
use super::{Error, Result};
use crate::backend::{Shape, misfit};
use std::sync::Arc;

/// An array on the device; clones share its buffer.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// As the trait speaks of it. An image lies as `[n, h, w, c]`, so its tokens are the same values.
    pub(super) shape: Shape,
    pub(super) held: Arc<Held>,
    /// Where an image was joined with another one's channels, and nobody has copied both together: the buffer of the other one,
    /// and the channels in the first.
    pub(super) joint: Option<(Arc<Held>, usize)>,
}

/// Channels of an image that lie together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub held: &'a Held,
    /// The first channel's place among all, and the number of channels.
    pub first: usize,
    pub channels: usize,
}

impl Tensor {
    pub(super) fn new(shape: Shape, held: Held) -> Self {
        Self { shape, held: Arc::new(held), joint: None }
    }

    /// The channels as they lie: together, or in two parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let all = self.channels();
        let (first, rest) = match &self.joint {
            Some((rest, first)) => (*first, Some(Part { held: rest, first: *first, channels: all - first })),
            None => (all, None),
        };
        std::iter::once(Part { held: &self.held, first: 0, channels: first }).chain(rest)
    }

    pub(super) fn values(&self) -> usize {
        self.shape.values()
    }

    /// The size that is last in memory.
    pub(super) fn channels(&self) -> usize {
        match *self.shape {
            [_, channels, _, _] => channels,
            ref sizes => sizes.last().copied().unwrap_or(1),
        }
    }

    /// The size of the first axis.
    pub(super) fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// `[n, height, width, channels]` of an image.
    pub(super) fn image(&self, operator: &'static str) -> Result<[usize; 4]> {
        match *self.shape {
            [n, channels, height, width] if self.values() > 0 => Ok([n, height, width, channels]),
            _ => Err(self.misfit(operator, "an image")),
        }
    }

    /// `[n, tokens, channels]` of tokens.
    pub(super) fn tokens(&self, operator: &'static str) -> Result<[usize; 3]> {
        match *self.shape {
            [n, tokens, channels] if self.values() > 0 => Ok([n, tokens, channels]),
            _ => Err(self.misfit(operator, "tokens")),
        }
    }

    /// The same values, which lie together, in another shape.
    pub(super) fn reshaped(&self, shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), held: Arc::clone(&self.held), joint: None }
    }

    pub(super) fn misfit(&self, operator: &'static str, expected: impl Into<String>) -> Error {
        misfit(operator, &self.shape, expected)
    }
}

/// Sizes in the order of memory.
pub(super) fn in_memory(shape: &Shape) -> [usize; 4] {
    match **shape {
        [n, channels, height, width] => [n, height, width, channels],
        ref sizes => {
            let mut all = [1; 4];
            all.iter_mut().zip(sizes).for_each(|(all, size)| *all = *size);
            all
        }
    }
}
