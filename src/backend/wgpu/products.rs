//! Convolutions and linear layers.

use super::kernels::product::{self, Output, Sizes};
use super::kernels::{self, Kernel, Lanes, rows, units};
use super::pack::Packed;
use super::plans::{Plan, Problem, Way};
use super::pool::Held;
use super::{FLAT_WORK, Launch, ROW, Result, Shape, Tensor, Wgpu};
use crate::backend::{ConvOptions, Epilogue};

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
        // The second part of a joined image is bound in the residual's place.
        let x = &if residual.is_some() || sizes.m <= rows::ROWS { self.whole(x)? } else { x.clone() };
        let residual = &residual.map(|residual| self.whole(residual)).transpose()?;
        let residual = residual.as_ref();
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
            joint: x.joint.as_ref().map_or(0, |(_, channels)| *channels),
            ..sizes
        };
        let y = self.empty(operator, shape)?;
        let nothing = &*self.nothing;
        let vector = vector.map_or(nothing, |vector| &*vector.held);
        let joint = x.joint.as_ref().map_or(nothing, |(held, _)| &**held);
        let epilogue = [vector, residual.map_or(joint, |residual| &*residual.held)];
        let plan = self.plan(&self.problem(packed, &sizes));
        self.multiply(operator, plan, [&x.held, &y.held], packed, &sizes, epilogue)?;
        Ok(y)
    }

    pub(super) fn problem(&self, packed: &Packed, sizes: &Sizes) -> Problem {
        Problem {
            m: sizes.m,
            n: packed.columns,
            channels: packed.inputs,
            taps: packed.kernel * packed.kernel,
            pointwise: packed.kernel == 1 && sizes.stride == 1 && sizes.lying == sizes.out,
            store: self.store,
            bits: packed.bits,
        }
    }

    /// Records the product of `x` into `y` by a plan.
    pub(super) fn multiply(
        &self,
        operator: &'static str,
        plan: Plan,
        [x, y]: [&Held; 2],
        packed: &Packed,
        sizes: &Sizes,
        [vector, residual]: [&Held; 2],
    ) -> Result<()> {
        let &Packed { bits, inputs, .. } = packed;
        let (enlarged, joint) = (sizes.walked != sizes.lying, sizes.joint > 0);
        let kernel = |output| match plan.way {
            Way::Plain => {
                let input = Lanes::of(&[inputs]);
                Kernel::Product(product::Variant { input, output, bits, enlarged, joint })
            }
            Way::Rows => Kernel::Rows(rows::Variant { output, bits }),
            Way::Units(cut) => Kernel::Units(units::Variant { cut, output, enlarged, joint }),
        };
        let output = if packed.gated { Output::Geglu } else { Output::Plain(Lanes::of(&[packed.outputs])) };
        let slices = plan.way.slices(&self.problem(packed, sizes));
        let share = slices.div_ceil(plan.split.max(1)).max(1);
        let parts = slices.div_ceil(share);
        // Long products are several dispatches, so that none keeps the screen waiting.
        let [tile, columns] = plan.way.tile();
        let columns = sizes.n.div_ceil(columns) as u32;
        let row_work = sizes.row_work();
        let most = if parts > 1 { ROW / tile } else { ROW };
        let rows = ((self.recorder.largest() / row_work) as usize / tile).clamp(1, most) * tile;
        for first in (0..sizes.m).step_by(rows) {
            let end = (first + rows).min(sizes.m);
            let groups = [columns, (end - first).div_ceil(tile) as u32, parts as u32];
            let work = (end - first) as f64 * row_work;
            let words = sizes.words(first, end, share);
            let inputs = [x, &packed.weights, &packed.bias, vector, residual];
            if parts == 1 {
                let kernel = kernel(output);
                self.launch(operator, Launch { kernel, inputs: &inputs, output: y, words: &words, groups, work })?;
                continue;
            }
            let values = parts * (end - first) * sizes.n;
            let sums = self.take(operator, values * size_of::<f32>(), false)?;
            let kernel = kernel(Output::Part);
            self.launch(operator, Launch { kernel, inputs: &inputs, output: &sums, words: &words, groups, work })?;
            let kernel = Kernel::Parts(output);
            let inputs = [&sums, &packed.weights, &packed.bias, vector, residual];
            let words = sizes.words(first, end, parts);
            let groups = [(sizes.n / 4).div_ceil(PARTS) as u32, (end - first) as u32, 1];
            let work = (values * FLAT_WORK / 4) as f64;
            self.launch(operator, Launch { kernel, inputs: &inputs, output: y, words: &words, groups, work })?;
        }
        Ok(())
    }
}

/// Threads of a workgroup that adds parts.
const PARTS: usize = 64;
