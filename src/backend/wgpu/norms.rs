//! Normalisations.

use super::kernels::{Kernel, Lanes};
use super::pack::Norm;
use super::pool::Held;
use super::{Launch, Result, Tensor, Wgpu, rows_of};
use crate::backend::misfit;
use std::sync::Arc;

/// Threads of a workgroup.
const THREADS: usize = 64;
/// Slices of an image's pixels that are measured each by itself at most, and pixels of one at least.
const SLICES: usize = 256;
const SHORTEST: usize = 16;
/// Pixels that one thread normalises.
const PIXELS: usize = 8;

/// Mean and variance of every group of every image, on the device.
#[derive(Debug, Clone)]
pub struct Moments {
    /// `[n, groups, 2]` in f32.
    held: Arc<Held>,
    n: usize,
    groups: usize,
}

impl Wgpu {
    /// Channels of an image that divide into `groups`.
    fn grouped(operator: &'static str, x: &Tensor, groups: usize) -> Result<[usize; 4]> {
        let image @ [_, _, _, channels] = x.image(operator)?;
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(x.misfit(operator, format!("channels a multiple of {groups} groups")));
        }
        Ok(image)
    }

    pub(super) fn measure(&self, operator: &'static str, x: &Tensor, groups: usize) -> Result<Moments> {
        let [n, height, width, channels] = Self::grouped(operator, x, groups)?;
        let pixels = height * width;
        let slice = pixels.div_ceil(SLICES).max(SHORTEST).min(pixels);
        let slices = pixels.div_ceil(slice);
        let lanes = Lanes::of(&[channels]);
        let wide = lanes.in_values(channels);
        let parts = self.take(operator, n * slices * 2 * channels * 4, false)?;
        for part in x.parts() {
            let (first, own) = (lanes.in_values(part.first), lanes.in_values(part.channels));
            self.launch(
                operator,
                Launch {
                    kernel: Kernel::PartialMoments(lanes),
                    inputs: &[part.held],
                    output: &parts,
                    words: &[pixels, own, slice, slices, first, wide].map(|size| size as u32),
                    groups: [(own * slices).div_ceil(THREADS) as u32, 1, n as u32],
                    work: (n * pixels * part.channels * 8) as f64,
                },
            )?;
        }
        let held = Arc::new(self.take(operator, n * groups * 8, false)?);
        self.launch(
            operator,
            Launch {
                kernel: Kernel::GroupMoments,
                inputs: &[&parts],
                output: &held,
                words: &[pixels, channels, groups, slice, slices].map(|size| size as u32),
                groups: [groups as u32, 1, n as u32],
                work: (n * slices * channels * 16) as f64,
            },
        )?;
        Ok(Moments { held, n, groups })
    }

    pub(super) fn merged(&self, parts: &[(usize, Moments)]) -> Result<Moments> {
        let operator = "merge_moments";
        let Some((first, rest)) = parts.split_first() else { return Err(misfit(operator, &[], "a part at least")) };
        let (mut total, mut whole) = (first.0, first.1.clone());
        for (weight, part) in rest {
            if (part.n, part.groups) != (whole.n, whole.groups) {
                return Err(misfit(operator, &[part.n, part.groups], format!("{:?}", [whole.n, whole.groups])));
            }
            let share = total as f64 / (total + weight).max(1) as f64;
            let held = Arc::new(self.take(operator, whole.n * whole.groups * 8, false)?);
            let words = [(share as f32).to_bits()];
            let count = whole.n * whole.groups;
            self.launch_flat(operator, Kernel::MergeMoments, &[&whole.held, &part.held], &held, count, &words)?;
            whole.held = held;
            total += weight;
        }
        Ok(whole)
    }

    pub(super) fn normalised(
        &self,
        operator: &'static str,
        x: &Tensor,
        weights: &Norm,
        moments: &Moments,
        eps: f32,
        silu: bool,
    ) -> Result<Tensor> {
        let [n, height, width, channels] = Self::grouped(operator, x, moments.groups)?;
        if weights.channels != channels || moments.n != n {
            let expected = format!("{} images of {} channels", moments.n, weights.channels);
            return Err(x.misfit(operator, expected));
        }
        let pixels = height * width;
        let lanes = Lanes::of(&[channels]);
        let wide = lanes.in_values(channels);
        let y = self.empty(operator, x.shape)?;
        for part in x.parts() {
            let (first, own) = (lanes.in_values(part.first), lanes.in_values(part.channels));
            let most = (super::ROW * THREADS / own).max(1);
            let strands = pixels.div_ceil(PIXELS).min(most);
            let sizes =
                [pixels, own, strands, channels / moments.groups, moments.groups, usize::from(silu), first, wide];
            let words: Vec<u32> = sizes.into_iter().map(|size| size as u32).chain([eps.to_bits()]).collect();
            self.launch(
                operator,
                Launch {
                    kernel: Kernel::Normalise(lanes),
                    inputs: &[part.held, &moments.held, &weights.scale, &weights.shift],
                    output: &y.held,
                    words: &words,
                    groups: [(own * strands).div_ceil(THREADS) as u32, 1, n as u32],
                    work: (n * pixels * part.channels * 16) as f64,
                },
            )?;
        }
        Ok(y)
    }

    pub(super) fn rows_normalised(&self, x: &Tensor, weights: &Norm, eps: f32) -> Result<Tensor> {
        let operator = "layer_norm";
        let [n, tokens, width] = x.tokens(operator)?;
        if weights.channels != width {
            return Err(x.misfit(operator, format!("tokens of {}", weights.channels)));
        }
        let lanes = Lanes::of(&[width]);
        let y = self.empty(operator, x.shape)?;
        let (groups, row) = rows_of(n * tokens);
        let words = [(n * tokens) as u32, row, lanes.in_values(width) as u32, eps.to_bits()];
        self.launch(
            operator,
            Launch {
                kernel: Kernel::LayerNorm(lanes),
                inputs: &[&x.held, &weights.scale, &weights.shift],
                output: &y.held,
                words: &words,
                groups,
                work: (x.values() * 16) as f64,
            },
        )?;
        Ok(y)
    }
}
