//! Attention.

use super::kernels::attention::Variant;
use super::kernels::attention_units as units;
use super::kernels::{Kernel, Store};
use super::{Launch, ROW, Result, Tensor, Wgpu};
use crate::backend::{Attention, Mask};

/// Workgroup memory that is used at most: with more, a card has too few workgroups at a time.
const SHARED: u32 = 32 << 10;
/// The same on matrix units, whose sums are in registers: there are few workgroups at a time anyway.
const UNITS_SHARED: u32 = 48 << 10;

impl Wgpu {
    pub(super) fn attended(
        &self,
        operator: &'static str,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        options: &Attention<Tensor>,
    ) -> Result<Tensor> {
        let [n, queries, width] = q.tokens(operator)?;
        let [_, keys, _] = k.tokens(operator)?;
        let heads = options.heads;
        if heads == 0 || !width.is_multiple_of(heads) || k.shape != v.shape || *k.shape != [n, keys, width] {
            return Err(k.misfit(operator, format!("keys and values like queries {:?} with {heads} heads", q.shape)));
        }
        let (mask, bias) = match options.mask {
            Mask::None => (0, None),
            Mask::Causal => (1, None),
            Mask::Bias(bias) => (2, Some(bias)),
        };
        let biases = match bias.map(|bias| (bias, &*bias.shape)) {
            None => 1,
            Some((_, &[rows, t, s])) if (t, s) == (queries, keys) && (rows == n || rows == 1) => rows,
            Some((bias, _)) => return Err(bias.misfit(operator, format!("a bias {:?}", [n, queries, keys]))),
        };
        let y = self.empty(operator, q.shape)?;
        let limit = self.gpu.limits.max_compute_workgroup_storage_size;
        let scale = options.scale(width);
        let on_units = match (self.attention, mask) {
            (Some(cut), 0) if self.store == Store::F16 => {
                units::Variant::new(cut, width / heads, limit.min(UNITS_SHARED))
            }
            _ => None,
        };
        // Queries of a workgroup, and sizes with the scale behind them.
        let (kernel, block, sizes) = if let Some(variant) = on_units {
            let sizes = [queries, keys, width / 4].map(|size| size as u32);
            // Scores are powers of two there.
            let scale = (scale * std::f32::consts::LOG2_E).to_bits();
            (Kernel::AttentionUnits(variant), variant.queries(), [&sizes[..], &[scale]].concat())
        } else if let Some(variant) = Variant::new(width / heads, width, limit.min(SHARED)) {
            let sizes = [queries, keys, variant.lanes().in_values(width), mask, biases].map(|size| size as u32);
            (Kernel::Attention(variant), variant.queries, [&sizes[..], &[scale.to_bits()]].concat())
        } else {
            return Err(q.misfit(operator, "heads that are less wide"));
        };
        let all = [&*q.held, &k.held, &v.held, bias.map_or(&self.nothing, |bias| &bias.held)];
        let inputs = &all[..kernel.inputs()];
        let row_work = (4 * n * keys * width) as f64;
        let block = block as usize;
        // Queries of one dispatch.
        let rows = ((self.recorder.largest() / row_work) as usize / block).clamp(1, ROW) * block;
        for first in (0..queries).step_by(rows) {
            let count = rows.min(queries - first);
            let words = [&sizes[..], &[first as u32]].concat();
            let groups = [count.div_ceil(block) as u32, heads as u32, n as u32];
            let work = count as f64 * row_work;
            self.launch(operator, Launch { kernel, inputs, output: &y.held, words: &words, groups, work })?;
        }
        Ok(y)
    }
}
