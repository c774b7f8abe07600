//! Any backend, made to stop between operators.

use super::forward::{forward, one};
use super::{Backend, Interrupt, Result};

/// `B`, which fails with [`Error::Cancelled`](super::Error::Cancelled) before any operator once it is interrupted. The question
/// is one read of memory an operator.
#[derive(Debug)]
pub struct Stoppable<B> {
    inner: B,
    interrupt: Interrupt,
}

impl<B: Backend> Stoppable<B> {
    /// `inner`, stopped by `interrupt`.
    #[must_use]
    pub fn new(inner: B, interrupt: Interrupt) -> Self {
        Self { inner, interrupt }
    }

    fn before(&self) -> Result<()> {
        self.interrupt.check()
    }
}

impl<B: Backend> Backend for Stoppable<B> {
    type Tensor = B::Tensor;
    type Conv = B::Conv;
    type Linear = B::Linear;
    type Norm = B::Norm;
    type Embedding = B::Embedding;
    type Moments = B::Moments;
    type KeyValues = B::KeyValues;

    fn wide(&self) -> Option<Self> {
        Some(Self { inner: self.inner.wide()?, interrupt: self.interrupt.clone() })
    }

    forward![describe, value_bytes, room, refused, time_operators, device_seconds, preferred_batch, shape, tune];
    forward![pack_conv, pack_linear, pack_linear_geglu, pack_norm, pack_embedding, pack_keys];
    forward![upload, download, download_all];
    forward![conv2d, conv2d_with, upsample_conv2d, linear, linear_with, linear_geglu];
    forward![group_norm, group_moments, merge_moments, normalise, layer_norm, attention, attention_to];
    forward![geglu, activate, upsample, add, add_channels, concat, select, slice, blend];
    forward![to_tokens, to_image, embed, affine];
}
