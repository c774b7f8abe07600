//! Weights on their way from a file to the device, piece by piece in the form that kernels read.

use super::kernels::Store;
use super::kernels::product::Bits;
use super::pool::Held;
use super::{Result, Wgpu, no_room};
use crate::backend::misfit;
use crate::backend::{Values, WeightView};
use half::slice::HalfFloatSliceExt as _;
use half::vec::HalfFloatVecExt as _;
use half::{bf16, f16};
use rayon::prelude::*;

/// Values that one thread converts at a time, and that are on their way at a time: 4 and 64 MiB.
const PIECE: usize = 1 << 20;
const BATCH: usize = 1 << 24;

/// Weights of a convolution or a linear layer: `[kernel · kernel · inputs, columns]`.
#[derive(Debug)]
pub(super) struct Packed {
    pub weights: Held,
    /// `[columns]` in f32, zeros where there is none.
    pub bias: Held,
    pub inputs: usize,
    /// Columns of the result.
    pub outputs: usize,
    /// Columns of the weights, a multiple of 4.
    pub columns: usize,
    pub kernel: usize,
    pub bits: Bits,
    /// Whether columns are two values and their two gates in turn.
    pub gated: bool,
}

/// Scale and shift of a normalisation, in f32.
#[derive(Debug)]
pub struct Norm {
    pub(super) scale: Held,
    pub(super) shift: Held,
    pub(super) channels: usize,
}

/// A table of vectors. It stays on the host: a prompt reads some rows of tens of thousands.
#[derive(Debug)]
pub struct Embedding {
    bytes: Rows,
    width: usize,
    rows: usize,
}

/// A table's values in its file's own type.
#[derive(Debug)]
enum Rows {
    Bytes(Vec<u8>, fn(&[u8]) -> Values<'_>),
    Computed(WeightView<'static>),
}

impl Embedding {
    pub(super) fn pack(table: WeightView) -> Result<Self> {
        let &[rows, width] = table.shape.as_slice() else {
            return Err(misfit("packing an embedding", &table.shape, "rows of a width"));
        };
        if table.len() != rows * width {
            return Err(misfit("packing an embedding", &table.shape, format!("{} values", table.len())));
        }
        let bytes = match table.values {
            Values::F16(bytes) => Rows::Bytes(bytes.to_vec(), |bytes| Values::F16(bytes)),
            Values::Halves(bytes) => Rows::Bytes(bytes, |bytes| Values::F16(bytes)),
            Values::Bf16(bytes) => Rows::Bytes(bytes.to_vec(), |bytes| Values::Bf16(bytes)),
            Values::F32(bytes) => Rows::Bytes(bytes.to_vec(), |bytes| Values::F32(bytes)),
            Values::F64(bytes) => Rows::Bytes(bytes.to_vec(), |bytes| Values::F64(bytes)),
            Values::Computed(values) => Rows::Computed(WeightView::computed(table.shape, values)),
        };
        Ok(Self { bytes, width, rows })
    }

    /// Rows one after the other, and their width.
    pub(super) fn rows(&self, ids: &[u32]) -> Result<(Vec<f32>, usize)> {
        let mut values = vec![0.0; ids.len() * self.width];
        for (row, &id) in values.chunks_mut(self.width.max(1)).zip(ids) {
            let index = usize::try_from(id)
                .ok()
                .filter(|&index| index < self.rows)
                .ok_or_else(|| misfit("embed", &[ids.len()], format!("a row {id} in a table of {}", self.rows)))?;
            match &self.bytes {
                Rows::Bytes(bytes, values) => {
                    WeightView { name: String::new(), shape: Vec::new(), values: values(bytes) }
                        .copy_to(index * self.width, row);
                }
                Rows::Computed(table) => table.copy_to(index * self.width, row),
            }
        }
        Ok((values, self.width))
    }
}

impl Wgpu {
    /// Packs `[outputs, inputs, kernel, kernel]`; where `gated`, outputs are values, then as many gates.
    pub(super) fn pack(
        &self,
        operator: &'static str,
        weight: WeightView,
        kernel: usize,
        bias: Option<WeightView>,
        gated: bool,
    ) -> Result<Packed> {
        let ([outputs, inputs] | [outputs, inputs, _, _]) = *weight.shape else {
            return Err(misfit(operator, &weight.shape, "outputs and inputs"));
        };
        let square = matches!(*weight.shape, [_, _] if kernel == 1)
            || matches!(*weight.shape, [_, _, h, w] if h == kernel && w == kernel);
        let taps = kernel * kernel;
        if !square || weight.len() != outputs * inputs * taps || weight.is_empty() {
            return Err(misfit(operator, &weight.shape, format!("a square kernel and {} values", weight.len())));
        }
        if let Some(bias) = bias.as_ref().filter(|bias| bias.len() != outputs) {
            return Err(misfit(operator, &bias.shape, format!("a bias of {outputs}")));
        }
        if gated && !outputs.is_multiple_of(2) {
            return Err(misfit(operator, &weight.shape, "as many gates as values"));
        }
        let order = Order { outputs, gated };
        let columns = order.columns();
        let values = columns.checked_mul(inputs * taps).ok_or_else(|| no_room(operator))?;
        let bits = self.bits(&weight);
        let weights = self.take(operator, values.saturating_mul(bits.bytes()), true)?;
        let rows = (PIECE / (taps * columns)).clamp(1, inputs);
        let batch = (BATCH / (rows * taps * columns)).max(1);
        let pieces: Vec<usize> = (0..inputs).step_by(rows).collect();
        for batch in pieces.chunks(batch) {
            batch.par_iter().for_each(|&first| {
                let rows = rows.min(inputs - first);
                let piece = piece(&weight, &order, taps, inputs, first, rows);
                for (tap, values) in piece.chunks_exact(rows * columns).enumerate() {
                    self.write(&weights, (tap * inputs + first) * columns, values, bits);
                }
            });
            // What is on its way lies in memory of wgpu's until a submission.
            let index = self.gpu.queue.submit([]);
            self.gpu.wait(operator, Some(index))?;
        }
        let mut values = vec![0.0; columns];
        if let Some(bias) = bias {
            for (output, value) in bias.into_f32().into_iter().enumerate() {
                values.get_mut(order.column(output)).into_iter().for_each(|column| *column = value);
            }
        }
        let bias = self.floats(operator, &values)?;
        let outputs = if gated { outputs / 2 } else { outputs };
        Ok(Packed { weights, bias, inputs, outputs, columns, kernel, bits, gated })
    }

    pub(super) fn pack_scale(&self, scale: WeightView, shift: WeightView) -> Result<Norm> {
        let operator = "packing a normalisation";
        let channels = scale.len();
        let matches = |view: &WeightView| view.shape.iter().product::<usize>() == channels && view.len() == channels;
        if !matches(&scale) || !matches(&shift) {
            return Err(misfit(operator, &shift.shape, format!("as many values as {:?}", scale.shape)));
        }
        let scale = self.floats(operator, &scale.into_f32())?;
        Ok(Norm { scale, shift: self.floats(operator, &shift.into_f32())?, channels })
    }

    /// A buffer of f32 that stays.
    fn floats(&self, operator: &'static str, values: &[f32]) -> Result<Held> {
        let held = self.take(operator, values.len() * 4, true)?;
        self.write(&held, 0, values, Bits::F32);
        Ok(held)
    }

    /// The type that a weight is kept in: 16 bits where nothing is lost by it, where tensors have 16 bits too, and where matrix units
    /// multiply. Those read f16 only.
    fn bits(&self, weight: &WeightView) -> Bits {
        let exact = |values: &[f32]| values.iter().all(|&value| f16::from_f32(value).to_f32() == value);
        let in_range = |values: &[f32]| values.iter().all(|value| value.abs() <= f16::MAX.to_f32());
        let units = !self.cuts.is_empty();
        let narrow = units || self.store == Store::F16;
        match &weight.values {
            Values::F16(_) | Values::Halves(_) => Bits::F16,
            Values::Bf16(_) if units && all(weight, in_range) => Bits::F16,
            Values::Bf16(_) => Bits::Bf16,
            _ if narrow && all(weight, in_range) => Bits::F16,
            _ if !narrow && all(weight, exact) => Bits::F16,
            _ => Bits::F32,
        }
    }

    /// Writes values from value `at` on, before whatever is submitted next.
    pub(super) fn write(&self, to: &Held, at: usize, values: &[f32], bits: Bits) {
        let offset = (at * bits.bytes()) as u64;
        let mut halves = match bits {
            Bits::F32 => return self.gpu.queue.write_buffer(&to.buffer, offset, bytemuck::cast_slice(values)),
            Bits::F16 => {
                let mut halves = vec![f16::ZERO; values.len()];
                halves.convert_from_f32_slice(values);
                halves.reinterpret_into()
            }
            Bits::Bf16 => {
                let mut halves = vec![bf16::ZERO; values.len()];
                halves.convert_from_f32_slice(values);
                halves.reinterpret_into()
            }
        };
        // Bytes are written by fours.
        halves.resize(halves.len().next_multiple_of(2), 0);
        self.gpu.queue.write_buffer(&to.buffer, offset, bytemuck::cast_slice(&halves));
    }
}

/// Whether something holds for all values, read by pieces until it does not.
fn all(weight: &WeightView, holds: impl Fn(&[f32]) -> bool + Sync) -> bool {
    let starts: Vec<usize> = (0..weight.len()).step_by(PIECE).collect();
    starts.par_iter().all(|&start| {
        let mut values = vec![0.0; PIECE.min(weight.len() - start)];
        weight.copy_to(start, &mut values);
        holds(&values)
    })
}

/// The order of outputs among the packed columns.
struct Order {
    outputs: usize,
    gated: bool,
}

impl Order {
    fn columns(&self) -> usize {
        if self.gated { 2 * (self.outputs / 2).next_multiple_of(2) } else { self.outputs.next_multiple_of(4) }
    }

    fn column(&self, output: usize) -> usize {
        let half = self.outputs / 2;
        match self.gated {
            false => output,
            true if output < half => output / 2 * 4 + output % 2,
            true => (output - half) / 2 * 4 + 2 + (output - half) % 2,
        }
    }
}

/// Inputs `first..first + rows` of a weight as `[taps, rows, columns]`.
fn piece(weight: &WeightView, order: &Order, taps: usize, inputs: usize, first: usize, rows: usize) -> Vec<f32> {
    let columns = order.columns();
    let mut piece = vec![0.0; taps * rows * columns];
    let mut run = vec![0.0; rows * taps];
    for output in 0..order.outputs {
        weight.copy_to((output * inputs + first) * taps, &mut run);
        let column = order.column(output);
        for (row, values) in run.chunks_exact(taps).enumerate() {
            for (tap, value) in values.iter().enumerate() {
                piece[(tap * rows + row) * columns + column] = *value;
            }
        }
    }
    piece
}
