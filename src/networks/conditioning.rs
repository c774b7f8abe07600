//! A prompt as a denoising network takes it.

use super::{Error, Result};

/// A prompt's conditioning, on the host: it is made once a prompt, and small.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditioning {
    /// Hidden states of the tokens, `[count, width]` row by row: the context of cross-attention.
    pub tokens: Vec<f32>,
    /// Width of one token's state.
    pub width: usize,
    /// One vector for the whole text, where a text encoder has a projection: SDXL adds it to the time embedding.
    pub pooled: Option<Vec<f32>>,
}

impl Conditioning {
    /// Tokens.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tokens.len() / self.width.max(1)
    }

    /// Joins what several text encoders give of one prompt: their states side by side, and the pooled text of the last one that
    /// has any.
    ///
    /// # Errors
    /// If there is none, or they have different numbers of tokens.
    pub fn join(parts: Vec<Self>) -> Result<Self> {
        let mut parts = parts.into_iter();
        let first = parts.next().ok_or_else(|| Error::Input("a prompt without a text encoder".to_owned()))?;
        parts.try_fold(first, |left, right| {
            if left.count() != right.count() {
                let message = format!("text encoders of {} and {} tokens do not fit", left.count(), right.count());
                return Err(Error::Input(message));
            }
            let rows = left.tokens.chunks_exact(left.width.max(1)).zip(right.tokens.chunks_exact(right.width.max(1)));
            Ok(Self {
                tokens: rows.flat_map(|(left, right)| left.iter().chain(right).copied()).collect(),
                width: left.width + right.width,
                pooled: right.pooled.or(left.pooled),
            })
        })
    }

    /// The same with zeros throughout, which SDXL was trained to take for no text at all.
    #[must_use]
    pub fn zeroed(mut self) -> Self {
        self.tokens.fill(0.0);
        self.pooled.iter_mut().for_each(|pooled| pooled.fill(0.0));
        self
    }

    /// Moves each token's state away from that of the `empty` prompt, or towards it: e = e₀ + w · (e − e₀), with one weight a
    /// token. The pooled text stays as it is, as in ComfyUI.
    pub fn weigh(&mut self, empty: &Self, weights: &[f32]) {
        let rows = self.tokens.chunks_exact_mut(self.width.max(1)).zip(empty.tokens.chunks_exact(self.width.max(1)));
        for ((row, empty), weight) in rows.zip(weights) {
            for (value, empty) in row.iter_mut().zip(empty) {
                *value = empty + weight * (*value - empty);
            }
        }
    }
}

/// The sizes that SDXL is told beside a prompt (Podell et al. 2023, arXiv:2307.01952, section 2.2), in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Height and width of the picture before it was scaled for training. Small ones mean blurred pictures.
    pub original: (usize, usize),
    /// Top and left of the crop that was trained on. All but 0 mean subjects that are cut off.
    pub crop: (usize, usize),
    /// Height and width of the crop.
    pub target: (usize, usize),
}

impl Sizes {
    /// A whole picture, neither scaled nor cropped.
    #[must_use]
    pub fn whole(height: usize, width: usize) -> Self {
        Self { original: (height, width), crop: (0, 0), target: (height, width) }
    }

    /// The six numbers, in the order of training.
    #[must_use]
    pub fn values(&self) -> [f32; 6] {
        let Self { original, crop, target } = *self;
        [original.0, original.1, crop.0, crop.1, target.0, target.1].map(|size| size as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditioning(tokens: &[f32], width: usize, pooled: Option<&[f32]>) -> Conditioning {
        Conditioning { tokens: tokens.to_vec(), width, pooled: pooled.map(<[f32]>::to_vec) }
    }

    #[test]
    fn states_are_joined_token_by_token() {
        let narrow = conditioning(&[1.0, 2.0], 1, None);
        let wide = conditioning(&[3.0, 4.0, 5.0, 6.0], 2, Some(&[7.0]));
        let joined = conditioning(&[1.0, 3.0, 4.0, 2.0, 5.0, 6.0], 3, Some(&[7.0]));
        assert_eq!(Conditioning::join(vec![narrow.clone(), wide]).ok(), Some(joined));
        let longer = conditioning(&[1.0, 2.0, 3.0], 1, None);
        assert!(Conditioning::join(vec![narrow, longer]).is_err(), "another number of tokens");
        assert!(Conditioning::join(Vec::new()).is_err());
    }

    #[test]
    fn a_weight_moves_its_token_alone() {
        let empty = conditioning(&[1.0, 1.0, 1.0, 1.0], 2, Some(&[0.0]));
        let mut moved = conditioning(&[2.0, 3.0, 2.0, 3.0], 2, Some(&[5.0]));
        moved.weigh(&empty, &[1.5, 1.0]);
        assert_eq!(moved, conditioning(&[2.5, 4.0, 2.0, 3.0], 2, Some(&[5.0])));
    }
}
