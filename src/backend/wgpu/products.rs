//! Convolutions and linear layers.

use super::kernels::product::{Bits, Output, Sizes, TILE, Variant};
use super::kernels::units::{self, Cut};
use super::kernels::{self, Kernel, Lanes};
use super::pack::Packed;
use super::{Launch, ROW, Result, Shape, Tensor, Wgpu};
use crate::backend::{ConvOptions, Epilogue};
use std::sync::Arc;

/// Weights of a convolution.
#[derive(Debug)]
pub struct Conv {
    pub(super) packed: Packed,
    pub(super) options: ConvOptions,
}

/// Weights of a linear layer.
#[derive(Debug)]
pub struct Linear {
    pub(super) packed: Packed,
}

impl Wgpu {
    /// The convolution of an image enlarged to `sides`, and what follows it.
    pub(super) fn convolve(
        &self,
        operator: &'static str,
        x: &Tensor,
        sides: Option<[usize; 2]>,
        weights: &Conv,
        then: Epilogue<Tensor>,
    ) -> Result<Tensor> {
        let [n, in_height, in_width, channels] = x.image(operator)?;
        let &Conv { ref packed, options: ConvOptions { stride, before, after } } = weights;
        let walked = sides.unwrap_or([in_height, in_width]);
        let size =
            |side: usize| (side + before + after).checked_sub(packed.kernel).map(|rest| rest / stride.max(1) + 1);
        let (Some(height), Some(width)) = (size(walked[0]), size(walked[1])) else {
            return Err(x.misfit(operator, format!("sides of at least {}", packed.kernel)));
        };
        if channels != packed.inputs || walked.contains(&0) {
            return Err(x.misfit(operator, format!("{} channels", packed.inputs)));
        }
        let sizes = Sizes {
            m: n * height * width,
            walked,
            lying: [in_height, in_width],
            out: [height, width],
            kernel: packed.kernel,
            stride,
            before,
            ..Sizes::default()
        };
        self.product(operator, x, packed, sizes, [n, packed.outputs, height, width].into(), then)
    }

    /// A linear layer over the last dimension, and what follows it.
    pub(super) fn project(
        &self,
        operator: &'static str,
        x: &Tensor,
        weights: &Linear,
        then: Epilogue<Tensor>,
    ) -> Result<Tensor> {
        if weights.packed.gated {
            return Err(x.misfit(operator, "weights without gates"));
        }
        self.project_any(operator, x, weights, then)
    }

    /// A linear layer whose outputs are values and gates: value · gelu(gate).
    pub(super) fn project_gated(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        let operator = "linear_geglu";
        if !weights.packed.gated {
            return Err(x.misfit(operator, "weights with gates"));
        }
        self.project_any(operator, x, weights, Epilogue::default())
    }

    fn project_any(
        &self,
        operator: &'static str,
        x: &Tensor,
        Linear { packed }: &Linear,
        then: Epilogue<Tensor>,
    ) -> Result<Tensor> {
        let (tokens, shape) = match *x.shape {
            [n, inputs] if inputs == packed.inputs && n > 0 => (1, Shape::from([n, packed.outputs])),
            [n, tokens, inputs] if inputs == packed.inputs && n * tokens > 0 => {
                (tokens, Shape::from([n, tokens, packed.outputs]))
            }
            _ => return Err(x.misfit(operator, format!("tokens or vectors of {}", packed.inputs))),
        };
        let line = [1, tokens];
        let m = x.values() / packed.inputs;
        let sizes = Sizes { m, walked: line, lying: line, out: line, kernel: 1, stride: 1, ..Sizes::default() };
        self.product(operator, x, packed, sizes, shape, then)
    }

    fn product(
        &self,
        operator: &'static str,
        x: &Tensor,
        packed: &Packed,
        sizes: Sizes,
        shape: Shape,
        then: Epilogue<Tensor>,
    ) -> Result<Tensor> {
        let Epilogue { vector, activation, residual } = then;
        let n = x.rows();
        let vectors = match vector.map(|vector| (vector, &*vector.shape)) {
            None => 0,
            Some((_, &[rows, width])) if width == packed.outputs && (rows == n || rows == 1) => rows,
            Some((vector, _)) => return Err(vector.misfit(operator, format!("a vector of {}", packed.outputs))),
        };
        if let Some(odd) = residual.filter(|residual| residual.shape != shape) {
            return Err(odd.misfit(operator, format!("{shape:?} to add")));
        }
        let sizes = Sizes {
            n: packed.columns,
            outputs: packed.outputs,
            channels: packed.inputs,
            vectors,
            activation: kernels::activation(activation),
            residual: residual.is_some(),
            ..sizes
        };
        let output = if packed.gated { Output::Geglu } else { Output::Plain(Lanes::of(&[packed.outputs])) };
        let enlarged = sizes.walked != sizes.lying;
        let (kernel, tile) = match self.cut(packed, &sizes) {
            Some(cut) => (Kernel::Units(units::Variant { cut, output, enlarged }), cut.tile as usize),
            None => {
                let input = Lanes::of(&[packed.inputs]);
                (Kernel::Product(Variant { input, output, bits: packed.bits, enlarged }), TILE)
            }
        };
        let y = self.empty(operator, shape)?;
        let nothing = &self.nothing;
        let vector = vector.map_or(nothing, |x| Arc::as_ref(&x.held));
        let residual = residual.map_or(nothing, |x| Arc::as_ref(&x.held));
        let inputs = [&*x.held, &packed.weights, &packed.bias, vector, residual];
        // Long products are several dispatches, so that none keeps the screen waiting.
        let columns = sizes.n.div_ceil(tile);
        let row_work = sizes.row_work();
        let rows = ((self.recorder.largest() / row_work) as usize / tile).clamp(1, ROW) * tile;
        for first in (0..sizes.m).step_by(rows) {
            let end = (first + rows).min(sizes.m);
            let groups = [columns as u32, (end - first).div_ceil(tile) as u32, 1];
            let work = (end - first) as f64 * row_work;
            let words = sizes.words(first, end);
            self.launch(operator, Launch { kernel, inputs: &inputs, output: &y.held, words: &words, groups, work })?;
        }
        Ok(y)
    }

    /// The cut for matrix units, where they take this product: the largest of which there are enough to keep a card busy.
    fn cut(&self, packed: &Packed, sizes: &Sizes) -> Option<Cut> {
        /// Workgroups that a large card has at a time.
        const BUSY: usize = 256;
        let takes = |cut: &&Cut| packed.bits == Bits::F16 && packed.inputs.is_multiple_of(cut.depth as usize);
        let few_rows = sizes.m < TILE / 4;
        let cuts = || self.cuts.iter().filter(takes).filter(|_| !few_rows);
        let busy = |cut: &&Cut| {
            let tile = cut.tile as usize;
            sizes.m.div_ceil(tile) * sizes.n.div_ceil(tile) >= BUSY
        };
        cuts().find(busy).or_else(|| cuts().next_back()).copied()
    }
}
