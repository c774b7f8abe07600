//! Several prompts in one input, each held to its place by attention.

use crate::backend::Backend;
use crate::networks::{Error, Result};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The places of several prompts in one input each.
#[derive(Debug, Clone, Copy)]
pub struct AreaMasks<'a> {
    /// The number of prompts of each call.
    pub counts: &'a [usize],
    /// One mask for each prompt of each call, `height * width` values of at least 0.
    pub masks: &'a [&'a [f32]],
    /// Rows of the latent window.
    pub height: usize,
    /// Columns of the latent window.
    pub width: usize,
}

impl AreaMasks<'_> {
    /// Refuses masks that do not fit so many calls on inputs of this shape.
    pub(super) fn check(&self, [_, _, height, width]: [usize; 4], calls: usize) -> Result<()> {
        let areas: usize = self.counts.iter().sum();
        if self.counts.len() != calls
            || self.counts.contains(&0)
            || areas != self.masks.len()
            || (self.height, self.width) != (height, width)
            || self.masks.iter().any(|mask| mask.len() != height * width)
        {
            return Err(Error::Input(format!("{areas} areas on {calls} calls of {width} × {height} do not fit")));
        }
        Ok(())
    }

    /// The masks averaged over the cells of a coarser grid, and brought to a sum of 1 for each call. Where all masks of a call
    /// are empty its prompts share alike.
    fn at(&self, height: usize, width: usize) -> Vec<f32> {
        let cells = height * width;
        let mut all: Vec<f32> = Vec::with_capacity(self.masks.len() * cells);
        for mask in self.masks {
            all.extend(resized(mask, (self.height, self.width), (height, width)));
        }
        let mut start = 0;
        for &count in self.counts {
            let call = &mut all[start * cells..(start + count) * cells];
            for cell in 0..cells {
                let sum: f32 = call.iter().skip(cell).step_by(cells).sum();
                for weight in call.iter_mut().skip(cell).step_by(cells) {
                    *weight = if sum > 0.0 { *weight / sum } else { 1.0 / count as f32 };
                }
            }
            start += count;
        }
        all
    }
}

/// `plane` as area averages on a grid of another size.
fn resized(plane: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    // For each new index: old indices, and how much of each it covers.
    let overlaps = |from: usize, to: usize| -> Vec<Vec<(usize, f32)>> {
        let ratio = from as f64 / to as f64;
        let covers = |new: usize| {
            let (start, end) = (new as f64 * ratio, (new + 1) as f64 * ratio);
            let last = (end.ceil() as usize).min(from);
            let part = move |old: usize| (old, (end.min(old as f64 + 1.0) - start.max(old as f64)) as f32);
            (start.floor() as usize..last).map(part).collect()
        };
        (0..to).map(covers).collect()
    };
    let (rows, columns) = (overlaps(from.0, to.0), overlaps(from.1, to.1));
    let scale = (to.0 * to.1) as f32 / (from.0 * from.1) as f32;
    let mut out = Vec::with_capacity(to.0 * to.1);
    for row in &rows {
        for column in &columns {
            let sum: f32 =
                row.iter().flat_map(|&(y, h)| column.iter().map(move |&(x, w)| h * w * plane[y * from.1 + x])).sum();
            out.push(sum * scale);
        }
    }
    out
}

/// [`AreaMasks`] on a device, at each size that a cross-attention has asked for.
pub(super) struct AreaWeights<'a, B: Backend> {
    pub masks: &'a AreaMasks<'a>,
    /// `[prompts, height · width]` by height and width.
    weights: HashMap<(usize, usize), B::Tensor>,
}

impl<'a, B: Backend> AreaWeights<'a, B> {
    pub(super) fn new(masks: &'a AreaMasks<'a>) -> Self {
        Self { masks, weights: HashMap::new() }
    }

    pub(super) fn at(&mut self, b: &B, size: (usize, usize)) -> Result<B::Tensor> {
        match self.weights.entry(size) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(free) => {
                let weights = self.masks.at(size.0, size.1);
                let prompts = weights.len() / (size.0 * size.1).max(1);
                Ok(free.insert(b.upload(&[prompts, size.0 * size.1], &weights)?).clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_averaged_over_coarser_cells() {
        let mask: Vec<f32> = (0..12).map(|i| i as f32).collect();
        assert_eq!(resized(&mask, (3, 4), (3, 4)), mask);
        assert_eq!(resized(&mask, (3, 4), (1, 2)), [4.5, 6.5]);
        // A grid of 3 columns on 4: two thirds of a cell here, a third there.
        let found = resized(&[3.0, 6.0, 9.0], (1, 3), (1, 2));
        assert!((found[0] - 4.0).abs() < 1e-6 && (found[1] - 8.0).abs() < 1e-6, "{found:?}");
        let (left, right) = ([1.0, 0.5, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0]);
        let masks = AreaMasks { counts: &[2, 1], masks: &[&left, &right, &right], height: 2, width: 2 };
        let expected = [1.0, 0.5, 0.5, 0.5, 0.0, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(masks.at(2, 2), expected, "they sum to 1; where nothing lies they share alike");
    }
}
