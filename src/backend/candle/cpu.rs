//! What candle's processor path lacks or does slowly, as custom operators in f32: a convolution's patches for one big
//! matrix product (candle's own convolution packs its weights again at every call), group normalisation, and GEGLU.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, bail};
use rayon::prelude::*;

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
    // Adding and taking away 1.5 · 2²³ rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let whole = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    // ln 2 in two parts, so that the difference is exact.
    let rest = (x - whole * 0.693_359_4) - whole * -2.121_944_4e-4;
    let mut power = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        power = power * rest + coefficient;
    }
    let power = power * rest * rest + rest + 1.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number of −126 to 127")]
    let exponent = ((whole as i32 + 127) as u32) << 23;
    power * f32::from_bits(exponent)
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

/// The patches that a convolution sees: image `[n, c, h, w]` to `[c · kernel · kernel, n · rows · width]`, for output rows
/// `first_row .. first_row + rows` of each image.
pub(super) struct Patches {
    pub kernel: usize,
    pub stride: usize,
    pub before: usize,
    /// Size of the output.
    pub width: usize,
    pub first_row: usize,
    pub rows: usize,
}

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        "patches"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let &Self { kernel, stride, before, width, first_row, rows } = self;
        let (n, channels, in_height, in_width) = layout.shape().dims4()?;
        let x = values(x, layout)?;
        let line = n * rows * width;
        let lines = channels * kernel * kernel;
        let mut patches = vec![0.0_f32; lines * line];
        if line == 0 || in_width == 0 {
            return Ok((CpuStorage::F32(patches), Shape::from((lines, line))));
        }
        patches.par_chunks_mut(line).with_min_len(GRAIN.div_ceil(line)).enumerate().for_each(|(index, patches)| {
            let (channel, tap) = (index / (kernel * kernel), index % (kernel * kernel));
            let (tap_y, tap_x) = (tap / kernel, tap % kernel);
            // Output columns whose tap lies inside the image.
            let from = before.saturating_sub(tap_x).div_ceil(stride).min(width);
            let to = (in_width + before).saturating_sub(tap_x).div_ceil(stride).min(width);
            if from >= to {
                return;
            }
            for (row, patch) in patches.chunks_exact_mut(width).enumerate() {
                let (image, row) = (row / rows, first_row + row % rows);
                let Some(y) = (row * stride + tap_y).checked_sub(before).filter(|&y| y < in_height) else { continue };
                let start = ((image * channels + channel) * in_height + y) * in_width + from * stride + tap_x - before;
                let (Some(patch), Some(source)) = (patch.get_mut(from..to), x.get(start..)) else { continue };
                if stride == 1 {
                    patch.iter_mut().zip(source).for_each(|(patch, &x)| *patch = x);
                } else {
                    patch.iter_mut().zip(source.iter().step_by(stride)).for_each(|(patch, &x)| *patch = x);
                }
            }
        });
        Ok((CpuStorage::F32(patches), Shape::from((lines, line))))
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

/// Group normalisation of an image, followed by SiLU where `silu`.
pub(super) struct GroupNorm {
    pub groups: usize,
    pub eps: f32,
    pub silu: bool,
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

impl CustomOp3 for GroupNorm {
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
        let (_, channels, height, width) = x_layout.shape().dims4()?;
        let x = values(x, x_layout)?;
        let scale = values(scale, scale_layout)?;
        let shift = values(shift, shift_layout)?;
        if scale.len() != channels || shift.len() != channels {
            bail!("group norm of {channels} channels with {} scales and {} shifts", scale.len(), shift.len());
        }
        let plane = height * width;
        let per_group = channels / self.groups;
        let len = per_group * plane;
        let mut y = vec![0.0_f32; x.len()];
        if len > 0 {
            let groups = y.par_chunks_mut(len).zip(x.par_chunks(len)).with_min_len(GRAIN.div_ceil(len));
            groups.enumerate().for_each(|(index, (y, x))| {
                let first = index % self.groups * per_group;
                #[expect(clippy::cast_precision_loss, reason = "a group has far fewer than 2⁵² values")]
                let count = x.len() as f64;
                #[expect(clippy::cast_possible_truncation, reason = "statistics go back to f32")]
                let mean = (sum(x, |x| x) / count) as f32;
                let variance = sum(x, |x| (x - mean) * (x - mean)) / count;
                #[expect(clippy::cast_possible_truncation, reason = "statistics go back to f32")]
                let inverse = (variance + f64::from(self.eps)).sqrt().recip() as f32;
                let weights = scale.iter().zip(shift).skip(first);
                for ((y, x), (&scale, &shift)) in y.chunks_mut(plane).zip(x.chunks(plane)).zip(weights) {
                    let factor = scale * inverse;
                    let offset = shift - mean * factor;
                    if self.silu {
                        y.iter_mut().zip(x).for_each(|(y, &x)| *y = silu(x * factor + offset));
                    } else {
                        y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * factor + offset);
                    }
                }
            });
        }
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
            (-6.0, -5.919_526_9e-9),
            (-3.0, -0.004_049_694_2),
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
