//! Attention.

use super::kernels::Kernel;
use super::kernels::attention::Variant;
use super::{Launch, ROW, Result, Tensor, Wgpu};
use crate::backend::{Attention, Mask};

/// Workgroup memory that is used at most: with more, a card has too few workgroups at a time.
const SHARED: u32 = 32 << 10;

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
        let shared = self.gpu.limits.max_compute_workgroup_storage_size.min(SHARED);
        let Some(variant) = Variant::new(width / heads, width, shared) else {
            return Err(q.misfit(operator, "heads that are less wide"));
        };
        let y = self.empty(operator, q.shape)?;
        let wide = variant.lanes().in_values(width);
        let sizes = [queries, keys, wide, mask, biases].map(|size| size as u32);
        let scale = options.scale(width).to_bits();
        let inputs = [&*q.held, &k.held, &v.held, bias.map_or(&self.nothing, |bias| &bias.held)];
        // Queries of one dispatch.
        let row_work = (4 * n * keys * width) as f64;
        let block = variant.queries as usize;
        let rows = ((self.recorder.largest() / row_work) as usize / block).clamp(1, ROW) * block;
        for first in (0..queries).step_by(rows) {
            let count = rows.min(queries - first);
            let words: Vec<u32> = sizes.into_iter().chain([scale, first as u32]).collect();
            let groups = [count.div_ceil(block) as u32, heads as u32, n as u32];
            let work = count as f64 * row_work;
            let kernel = Kernel::Attention(variant);
            self.launch(operator, Launch { kernel, inputs: &inputs, output: &y.held, words: &words, groups, work })?;
        }
        Ok(y)
    }
}
