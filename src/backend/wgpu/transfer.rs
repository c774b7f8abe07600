//! Values between host and device.

use super::kernels::Store;
use super::{Result, Shape, Tensor, Wgpu};
use crate::backend::channels_last::exchange;
use crate::backend::misfit;
use half::f16;
use half::slice::HalfFloatSliceExt as _;

impl Wgpu {
    pub(super) fn to_device(&self, shape: &[usize], data: &[f32]) -> Result<Tensor> {
        let operator = "upload";
        let sizes = Shape::new(shape).ok_or_else(|| misfit(operator, shape, "at most 4 dimensions"))?;
        if sizes.values() != data.len() {
            return Err(misfit(operator, shape, format!("{} values", data.len())));
        }
        let y = self.empty(operator, sizes)?;
        // Writes overtake what is only recorded, and the buffer may have been another tensor's.
        self.recorder.submit(operator)?;
        match *sizes {
            [_, channels, height, width] => {
                let mut turned = vec![0.0; data.len()];
                exchange(data, [channels, height * width], &mut turned);
                self.write(&y.held, 0, &turned, self.store.bits());
            }
            _ => self.write(&y.held, 0, data, self.store.bits()),
        }
        Ok(y)
    }

    pub(super) fn to_host(&self, tensors: &[&Tensor]) -> Result<Vec<Vec<f32>>> {
        let operator = "download";
        let bytes = |x: &Tensor| (x.values() * self.store.bytes()).max(1) as u64;
        let sources: Vec<_> = tensors.iter().map(|x| (&x.held.buffer, bytes(x))).collect();
        let read = self.recorder.read(operator, &sources)?;
        self.pool.grow_older();
        self.pipelines.save();
        Ok(tensors.iter().zip(read).map(|(x, bytes)| self.turned(x, &bytes)).collect())
    }

    /// Values in the order of the shape.
    fn turned(&self, x: &Tensor, bytes: &[u8]) -> Vec<f32> {
        let mut values = self.widened(bytes);
        values.truncate(x.values());
        let [_, channels, height, width] = *x.shape else { return values };
        let mut turned = vec![0.0; values.len()];
        exchange(&values, [height * width, channels], &mut turned);
        turned
    }

    fn widened(&self, bytes: &[u8]) -> Vec<f32> {
        match self.store {
            Store::F32 => bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect(),
            Store::F16 => {
                let halves: Vec<f16> = bytes.as_chunks().0.iter().map(|bytes| f16::from_ne_bytes(*bytes)).collect();
                halves.to_f32_vec()
            }
        }
    }
}
