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

    /// Puts the states of a prompt's chunks one after the other. The first chunk's pooled text counts for all, as in the web UI and
    /// ComfyUI.
    ///
    /// # Errors
    /// If there is none, or they differ in width.
    pub fn chain(chunks: Vec<Self>) -> Result<Self> {
        let mut chunks = chunks.into_iter();
        let first = chunks.next().ok_or_else(|| Error::Input("a prompt without a chunk".to_owned()))?;
        chunks.try_fold(first, |mut all, next| {
            if next.width != all.width {
                return Err(Error::Input(format!("chunks of width {} and {} do not fit", all.width, next.width)));
            }
            all.tokens.extend(next.tokens);
            Ok(all)
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

    /// Multiplies each token's state by its weight, and then all of them so that their mean is what it was (the web UI's rule). The
    /// pooled text stays as it is.
    pub fn multiply(&mut self, weights: &[f32]) {
        let mean = |tokens: &[f32]| tokens.iter().map(|v| f64::from(*v)).sum::<f64>() / tokens.len().max(1) as f64;
        let before = mean(&self.tokens);
        for (row, weight) in self.tokens.chunks_exact_mut(self.width.max(1)).zip(weights) {
            row.iter_mut().for_each(|value| *value *= weight);
        }
        let factor = (before / mean(&self.tokens)) as f32;
        if factor.is_finite() {
            self.tokens.iter_mut().for_each(|value| *value *= factor);
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
    fn chunks_stand_one_after_the_other() {
        let chained = Conditioning::chain(vec![
            conditioning(&[1.0, 2.0], 2, Some(&[7.0])),
            conditioning(&[3.0, 4.0, 5.0, 6.0], 2, Some(&[8.0])),
        ]);
        assert_eq!(chained.ok(), Some(conditioning(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, Some(&[7.0]))));
        assert!(Conditioning::chain(vec![conditioning(&[1.0], 1, None), conditioning(&[1.0, 2.0], 2, None)]).is_err());
    }

    #[test]
    fn multiplied_states_keep_their_mean() {
        let mut states = conditioning(&[1.0, 3.0, 2.0, 2.0], 2, Some(&[5.0]));
        states.multiply(&[2.0, 1.0]);
        // 2 6 2 2 has the mean 3 where it was 2.
        let expected = [4.0 / 3.0, 4.0, 4.0 / 3.0, 4.0 / 3.0];
        assert!(states.tokens.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{states:?}");
        let mut cancelled = conditioning(&[1.0, -1.0], 1, None);
        cancelled.multiply(&[1.0, 1.0]);
        assert!(cancelled.tokens.iter().all(|value| value.is_finite()), "a mean of 0");
    }

    #[test]
    fn a_weight_moves_its_token_alone() {
        let empty = conditioning(&[1.0, 1.0, 1.0, 1.0], 2, Some(&[0.0]));
        let mut moved = conditioning(&[2.0, 3.0, 2.0, 3.0], 2, Some(&[5.0]));
        moved.weigh(&empty, &[1.5, 1.0]);
        assert_eq!(moved, conditioning(&[2.5, 4.0, 2.0, 3.0], 2, Some(&[5.0])));
    }
}
