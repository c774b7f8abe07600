//! Group normalisation on the processor in two passes, with SiLU in the second (candle has no fused one).

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, bail};
use rayon::prelude::*;

pub(super) struct GroupNorm {
    pub groups: usize,
    pub eps: f32,
    pub silu: bool,
}

/// The values of a contiguous f32 tensor.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(all) = storage else { bail!("group norm wants f32") };
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("group norm wants contiguous tensors") };
    match all.get(start..end) {
        Some(values) => Ok(values),
        None => bail!("group norm: the layout exceeds the storage"),
    }
}

/// The sum of `f` over `values`, in 16 lanes per 4096 values so that it is both fast and exact to about f32's last digit.
fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    values
        .chunks(4096)
        .map(|part| {
            let mut lanes = [0.0_f32; 16];
            let mut chunks = part.chunks_exact(16);
            for chunk in &mut chunks {
                for (lane, &x) in lanes.iter_mut().zip(chunk) {
                    *lane += f(x);
                }
            }
            let rest: f32 = chunks.remainder().iter().map(|&x| f(x)).sum();
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
        let mut y = vec![0.0_f32; x.len()];
        if per_group * plane > 0 {
            y.par_chunks_mut(per_group * plane).zip(x.par_chunks(per_group * plane)).enumerate().for_each(
                |(index, (y, x))| {
                    let first = index % self.groups * per_group;
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
                            for (y, &x) in y.iter_mut().zip(x) {
                                let x = x * factor + offset;
                                *y = x / (1.0 + (-x).exp());
                            }
                        } else {
                            for (y, &x) in y.iter_mut().zip(x) {
                                *y = x * factor + offset;
                            }
                        }
                    }
                },
            );
        }
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }
}
