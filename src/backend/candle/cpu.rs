//! What candle's processor path lacks or does slowly, as custom operators in f32: a convolution's patches for one big
//! matrix product (candle's own convolution packs its weights again at every call), group normalisation, softmax and GEGLU.
//!
//! Images lie here with their channels last, `[n, h, w, c]`: what a convolution's product gives lies so already, a patch is a
//! few runs of memory, and tokens are the same values.

use crate::backend::GroupMoments;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, InplaceOp1, InplaceOp2, Layout, Result, Shape, bail};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Values that are worth a thread.
const GRAIN: usize = 1 << 14;

/// The values of a contiguous f32 tensor.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(all) = storage else { bail!("f32 wanted") };
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("a contiguous tensor wanted") };
    match all.get(start..end) {
        Some(values) => Ok(values),
        None => bail!("the layout exceeds the storage"),
    }
}

/// e to the power of `x`, within 2e-7 (relative), in a form that compilers turn into vector instructions.
fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2²³ leaves a whole number in the lowest bits; taking it away again gives that number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts, so that the difference is exact.
    let rest = (x - whole * 0.693_359_4) - whole * -2.121_944_4e-4;
    let mut power = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        power = power * rest + coefficient;
    }
    let power = power * rest * rest + rest + 1.0;
    power * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// The exact GELU, `x · Φ(x)`, within 2e-7: Abramowitz and Stegun's 7.1.26 for erf.
fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut tail = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
        tail = tail * t + coefficient;
    }
    // Φ(−|x|)
    let tail = 0.5 * tail * t * exp(-z * z);
    x * if x < 0.0 { tail } else { 1.0 - tail }
}

/// The patches that a convolution sees: image `[n, h, w, c]` to `[lines · width, kernel · kernel · c]`, for output lines
/// `first .. first + lines` counted through all images.
pub(super) struct Patches {
    pub kernel: usize,
    pub stride: usize,
    pub before: usize,
    /// Size of the output.
    pub height: usize,
    pub width: usize,
    pub first: usize,
    pub lines: usize,
}

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        "patches"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let &Self { kernel, stride, before, height, width, first, lines } = self;
        let (_, in_height, in_width, channels) = layout.shape().dims4()?;
        let x = values(x, layout)?;
        let len = kernel * kernel * channels;
        let mut patches = vec![0.0_f32; lines * width * len];
        let shape = Shape::from((lines * width, len));
        if patches.is_empty() || in_width == 0 || height == 0 {
            return Ok((CpuStorage::F32(patches), shape));
        }
        let line_len = width * len;
        patches.par_chunks_mut(line_len).with_min_len(GRAIN.div_ceil(line_len)).enumerate().for_each(
            |(line, patches)| {
                let (image, row) = ((first + line) / height, (first + line) % height);
                for tap_y in 0..kernel {
                    let Some(y) = (row * stride + tap_y).checked_sub(before).filter(|&y| y < in_height) else {
                        continue;
                    };
                    let start = (image * in_height + y) * in_width * channels;
                    let Some(source) = x.get(start..start + in_width * channels) else { continue };
                    for (column, patch) in patches.chunks_exact_mut(len).enumerate() {
                        // Taps from..to of this row lie inside the image.
                        let left = column * stride;
                        let from = before.saturating_sub(left).min(kernel);
                        let to = (in_width + before).saturating_sub(left).min(kernel);
                        if from >= to {
                            continue;
                        }
                        let patch = &mut patch[(tap_y * kernel + from) * channels..(tap_y * kernel + to) * channels];
                        let at = (left + from - before) * channels;
                        patch.copy_from_slice(&source[at..at + patch.len()]);
                    }
                }
            },
        );
        Ok((CpuStorage::F32(patches), shape))
    }
}

/// Adds a vector `[c]` to every run of `c` values.
pub(super) struct AddVector;

impl InplaceOp2 for AddVector {
    fn name(&self) -> &'static str {
        "add-vector"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, layout: &Layout, vector: &CpuStorage, vector_layout: &Layout) -> Result<()> {
        let vector = values(vector, vector_layout)?;
        let CpuStorage::F32(all) = x else { bail!("f32 wanted") };
        let Some(x) = layout.contiguous_offsets().and_then(|(start, end)| all.get_mut(start..end)) else {
            bail!("a contiguous tensor wanted")
        };
        if !vector.is_empty() {
            x.par_chunks_mut(vector.len()).with_min_len(GRAIN.div_ceil(vector.len())).for_each(|x| {
                x.iter_mut().zip(vector).for_each(|(x, v)| *x += v);
            });
        }
        Ok(())
    }
}

/// Enlarges an image `[n, h, w, c]`, nearest neighbour.
pub(super) struct Upsample {
    pub height: usize,
    pub width: usize,
}

impl CustomOp1 for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let &Self { height, width } = self;
        let (n, in_height, in_width, channels) = layout.shape().dims4()?;
        let x = values(x, layout)?;
        let mut y = vec![0.0_f32; n * height * width * channels];
        let line = width * channels;
        if !y.is_empty() && in_height * in_width > 0 {
            y.par_chunks_mut(line).with_min_len(GRAIN.div_ceil(line)).enumerate().for_each(|(index, y)| {
                let (image, row) = (index / height, index % height);
                let start = (image * in_height + row * in_height / height) * in_width * channels;
                for (column, y) in y.chunks_exact_mut(channels).enumerate() {
                    let at = start + column * in_width / width * channels;
                    y.copy_from_slice(&x[at..at + channels]);
                }
            });
        }
        Ok((CpuStorage::F32(y), Shape::from((n, height, width, channels))))
    }
}

/// Softmax over the last dimension, in place, of scores `[n, queries, keys]`. With `causal`, query `i` of the slice that
/// begins at `first_query` sees keys `0..=first_query + i` only.
pub(super) struct Softmax {
    pub causal: bool,
    pub first_query: usize,
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, scores: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (_, queries, keys) = layout.shape().dims3()?;
        let CpuStorage::F32(all) = scores else { bail!("f32 wanted") };
        let Some(scores) = layout.contiguous_offsets().and_then(|(start, end)| all.get_mut(start..end)) else {
            bail!("a contiguous tensor wanted")
        };
        if queries * keys == 0 {
            return Ok(());
        }
        scores.par_chunks_mut(keys).with_min_len(GRAIN.div_ceil(keys)).enumerate().for_each(|(index, row)| {
            let seen = if self.causal { (self.first_query + index % queries + 1).min(keys) } else { keys };
            let (row, unseen) = row.split_at_mut(seen);
            unseen.fill(0.0);
            let mut lanes = [f32::NEG_INFINITY; 16];
            let (chunks, rest) = row.as_chunks::<16>();
            for chunk in chunks {
                for (lane, &x) in lanes.iter_mut().zip(chunk) {
                    *lane = if x > *lane { x } else { *lane };
                }
            }
            let largest = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|x| *x = exp(*x - largest));
            #[expect(clippy::cast_possible_truncation, reason = "sums go back to f32")]
            let inverse = sum(row, |x| x).recip() as f32;
            row.iter_mut().for_each(|x| *x *= inverse);
        });
        Ok(())
    }
}

/// `a · gelu(b)` where `a` and `b` are the halves of the last dimension.
pub(super) struct Geglu;

impl CustomOp1 for Geglu {
    fn name(&self) -> &'static str {
        "geglu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut dims = layout.dims().to_vec();
        let Some(last) = dims.last_mut() else { bail!("geglu of a scalar") };
        if !last.is_multiple_of(2) {
            bail!("geglu of an odd width {last}");
        }
        *last /= 2;
        let half = *last;
        let x = values(x, layout)?;
        let mut y = vec![0.0_f32; x.len() / 2];
        if half > 0 {
            let tokens = y.par_chunks_mut(half).zip(x.par_chunks(2 * half)).with_min_len(GRAIN.div_ceil(half));
            tokens.for_each(|(y, x)| {
                let (a, b) = x.split_at(half);
                for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                    *y = a * gelu(b);
                }
            });
        }
        Ok((CpuStorage::F32(y), Shape::from(dims)))
    }
}

/// The sum of `f` over `values`, in 16 lanes per 4096 values so that it is both fast and exact to about f32's last digit.
fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    values
        .chunks(4096)
        .map(|part| {
            let mut lanes = [0.0_f32; 16];
            let (chunks, rest) = part.as_chunks::<16>();
            for chunk in chunks {
                for (lane, &x) in lanes.iter_mut().zip(chunk) {
                    *lane += f(x);
                }
            }
            let rest: f32 = rest.iter().map(|&x| f(x)).sum();
            lanes.iter().map(|&x| f64::from(x)).sum::<f64>() + f64::from(rest)
        })
        .sum()
}

/// Mean and variance of every group of channels of every image `[n, h, w, c]`, in f64 beyond a few thousand values.
pub(super) fn moments(x: &[f32], images: usize, channels: usize, groups: usize) -> Vec<GroupMoments> {
    if images == 0 || channels == 0 || groups == 0 || x.is_empty() {
        return Vec::new();
    }
    let image = x.len() / images;
    let per_group = channels / groups;
    let count = (image / groups) as f64;
    // Sums of `f(value, group)` over groups; pixels in parts of some thousand values, channels side by side.
    let sums = |x: &[f32], f: &(dyn Fn(&mut [f32], &[f32]) + Sync)| -> Vec<f64> {
        let part = |pixels: &[f32]| {
            let mut lanes = vec![0.0_f32; channels];
            pixels.chunks_exact(channels).for_each(|pixel| f(&mut lanes, pixel));
            lanes.chunks_exact(per_group).map(|group| group.iter().map(|&v| f64::from(v)).sum()).collect::<Vec<f64>>()
        };
        let add = |mut a: Vec<f64>, b: Vec<f64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        // Reduced in order, so that the sum does not depend on the threads.
        let parts: Vec<Vec<f64>> =
            x.par_chunks(256 * channels).with_min_len(GRAIN.div_ceil(256 * channels)).map(part).collect();
        parts.into_iter().fold(vec![0.0; groups], add)
    };
    x.par_chunks(image)
        .flat_map_iter(|x| {
            let mean: Vec<f32> = sums(x, &|lanes, pixel| lanes.iter_mut().zip(pixel).for_each(|(lane, x)| *lane += x))
                .into_iter()
                .map(|sum| (sum / count) as f32)
                .collect();
            let means: Vec<f32> = mean.iter().flat_map(|&mean| std::iter::repeat_n(mean, per_group)).collect();
            let squares = sums(x, &|lanes, pixel| {
                for ((lane, x), mean) in lanes.iter_mut().zip(pixel).zip(&means) {
                    *lane += (x - mean) * (x - mean);
                }
            });
            let moments = |(mean, squares): (f32, f64)| GroupMoments { mean, variance: (squares / count) as f32 };
            mean.into_iter().zip(squares).map(moments).collect::<Vec<_>>()
        })
        .collect()
}

/// Group normalisation of an image `[n, h, w, c]`, followed by SiLU where `silu`.
pub(super) struct GroupNorm<'a> {
    pub groups: usize,
    pub eps: f32,
    pub silu: bool,
    /// Measured elsewhere; of the image itself where there are none.
    pub moments: Option<&'a [GroupMoments]>,
}

/// For all values of a contiguous f32 tensor, without a copy of them.
pub(super) struct Measure<'a> {
    pub groups: usize,
    pub found: &'a Mutex<Vec<GroupMoments>>,
}

impl CustomOp1 for Measure<'_> {
    fn name(&self) -> &'static str {
        "measure"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (images, _, _, channels) = layout.shape().dims4()?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) =
            moments(values(x, layout)?, images, channels, self.groups);
        Ok((CpuStorage::F32(Vec::new()), Shape::from(0)))
    }
}

impl CustomOp3 for GroupNorm<'_> {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (images, _, _, channels) = x_layout.shape().dims4()?;
        let x = values(x, x_layout)?;
        let scale = values(scale, scale_layout)?;
        let shift = values(shift, shift_layout)?;
        if scale.len() != channels || shift.len() != channels {
            bail!("group norm of {channels} channels with {} scales and {} shifts", scale.len(), shift.len());
        }
        let measured;
        let moments = match self.moments {
            Some(moments) => moments,
            None => {
                measured = self::moments(x, images, channels, self.groups);
                &measured
            }
        };
        let mut y = vec![0.0_f32; x.len()];
        if y.is_empty() || moments.len() != images * self.groups {
            return Ok((CpuStorage::F32(y), x_layout.shape().clone()));
        }
        // y = x · factor + offset, per image and channel.
        let per_group = channels / self.groups;
        let lines: Vec<(f32, f32)> = (0..images * channels)
            .map(|index| {
                let (image, channel) = (index / channels, index % channels);
                let GroupMoments { mean, variance } = moments[image * self.groups + channel / per_group];
                let factor = scale[channel] * (variance + self.eps).sqrt().recip();
                (factor, shift[channel] - mean * factor)
            })
            .collect();
        let image = x.len() / images;
        let pixels = y.par_chunks_mut(channels).zip(x.par_chunks(channels)).with_min_len(GRAIN.div_ceil(channels));
        pixels.enumerate().for_each(|(pixel, (y, x))| {
            let first = pixel * channels / image * channels;
            for ((y, &x), &(factor, offset)) in y.iter_mut().zip(x).zip(&lines[first..first + channels]) {
                let v = x * factor + offset;
                *y = if self.silu { silu(v) } else { v };
            }
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest relative error of `f` against `exact`, over −12…12.
    fn error(f: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
        let xs = (-12_000..=12_000).map(|x| x as f32 / 1000.0);
        let error = |x: f32| (f64::from(f(x)) - exact(f64::from(x))).abs() / exact(f64::from(x)).abs().max(1e-3);
        xs.map(error).fold(0.0, f64::max)
    }

    #[test]
    fn exp_and_silu_are_exact_enough() {
        assert!(error(exp, f64::exp) < 3e-7, "{}", error(exp, f64::exp));
        let exact = |x: f64| x / (1.0 + (-x).exp());
        assert!(error(silu, exact) < 4e-7, "{}", error(silu, exact));
        assert_eq!(exp(0.0), 1.0);
        assert!(silu(-1e30).abs() < 1e-6 && silu(1e30) == 1e30);
    }

    #[test]
    fn gelu_is_exact_enough() {
        for (x, exact) in [
            (-6.0, -5.919_527e-9),
            (-3.0, -0.004_049_694),
            (-1.0, -0.158_655_25),
            (-0.1, -0.046_017_216),
            (0.0, 0.0),
            (0.1, 0.053_982_784),
            (1.0, 0.841_344_7),
            (3.0, 2.995_950_3),
            (30.0, 30.0),
        ] {
            assert!((gelu(x) - exact).abs() < 3e-7 * x.abs().max(1.0), "{x}: {} {exact}", gelu(x));
        }
    }
}
