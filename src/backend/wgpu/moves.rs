//! Operators of one value at a time, and those that only move values.

use super::kernels::{self, Kernel, Lanes};
use super::pool::Held;
use super::tensor::{Part, in_memory};
use super::{Result, Shape, Tensor, Wgpu};
use crate::backend::channels_last::place;
use crate::backend::{Activation, misfit};
use std::sync::Arc;

impl Wgpu {
    /// activation(x · factor + offset).
    pub(super) fn mapped(
        &self,
        operator: &'static str,
        x: &Tensor,
        activation: Option<Activation>,
        factor: f32,
        offset: f32,
    ) -> Result<Tensor> {
        let y = self.empty(operator, x.shape)?;
        // Buffers end on a multiple of four values.
        let count = x.values().div_ceil(4);
        let words = [kernels::activation(activation), factor.to_bits(), offset.to_bits()];
        self.launch_flat(operator, Kernel::Map, &[&x.held], &y.held, count, &words)?;
        Ok(y)
    }

    pub(super) fn sum(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        if a.shape != b.shape {
            return Err(b.misfit("add", format!("{:?}", a.shape)));
        }
        let y = self.empty("add", a.shape)?;
        let count = a.values().div_ceil(4);
        let words = [count as u32, count.max(1) as u32, 1];
        self.launch_flat("add", Kernel::Add(Lanes::Four), &[&a.held, &b.held], &y.held, count, &words)?;
        Ok(y)
    }

    pub(super) fn sum_of_channels(&self, x: &Tensor, vector: &Tensor) -> Result<Tensor> {
        let operator = "add_channels";
        let (n, channels) = (x.rows(), x.channels());
        let rows = match *vector.shape {
            [rows, width] if x.shape.len() > 2 && width == channels && (rows == n || rows == 1) => rows,
            _ => return Err(vector.misfit(operator, format!("{:?} or {:?}", [n, channels], [1, channels]))),
        };
        let y = self.empty(operator, x.shape)?;
        let lanes = Lanes::of(&[channels]);
        let count = lanes.in_values(x.values());
        let words = [lanes.in_values(channels), count / n.max(1), rows].map(|size| size.max(1) as u32);
        self.launch_flat(operator, Kernel::Add(lanes), &[&x.held, &vector.held], &y.held, count, &words)?;
        Ok(y)
    }

    pub(super) fn gated(&self, x: &Tensor) -> Result<Tensor> {
        let width = x.channels();
        if !width.is_multiple_of(2) || !matches!(x.shape.len(), 2 | 3) || width == 0 {
            return Err(x.misfit("geglu", "an even width"));
        }
        let y = self.empty("geglu", x.shape.with(x.shape.len() - 1, width / 2))?;
        let lanes = Lanes::of(&[width / 2]);
        let words = [lanes.in_values(width / 2) as u32];
        self.launch_flat("geglu", Kernel::Geglu(lanes), &[&x.held], &y.held, lanes.in_values(y.values()), &words)?;
        Ok(y)
    }

    pub(super) fn enlarged(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let operator = "upsample";
        let [n, in_height, in_width, channels] = x.image(operator)?;
        let y = self.empty(operator, [n, channels, height, width])?;
        let lanes = Lanes::of(&[channels]);
        let words = [lanes.in_values(channels), in_height, in_width, height, width].map(|size| size as u32);
        let count = lanes.in_values(y.values());
        self.launch_flat(operator, Kernel::Upsample(lanes), &[&x.held], &y.held, count, &words)?;
        Ok(y)
    }

    pub(super) fn blended(&self, x: &Tensor, weights: &Tensor, counts: &[usize]) -> Result<Tensor> {
        let operator = "blend";
        let [n, tokens, width] = x.tokens(operator)?;
        if *weights.shape != [n, tokens] || counts.iter().sum::<usize>() != n {
            return Err(weights.misfit(operator, format!("{:?} for {counts:?}", [n, tokens])));
        }
        let y = self.empty(operator, [counts.len(), tokens, width])?;
        let lanes = Lanes::of(&[width]);
        let wide = lanes.in_values(width);
        let mut first = 0;
        for (to, &count) in counts.iter().enumerate() {
            let words = [wide, tokens, first, count, to].map(|size| size as u32);
            let kernel = Kernel::Blend(lanes);
            self.launch_flat(operator, kernel, &[&x.held, &weights.held], &y.held, tokens * wide, &words)?;
            first += count;
        }
        Ok(y)
    }

    pub(super) fn joined(&self, parts: &[&Tensor], axis: usize) -> Result<Tensor> {
        let operator = "concat";
        let Some(&first) = parts.first() else { return Err(misfit(operator, &[], "a tensor at least")) };
        if axis >= first.shape.len() {
            return Err(first.misfit(operator, format!("an axis {axis}")));
        }
        let size = |part: &Tensor| part.shape.get(axis).copied().unwrap_or(0);
        let odd = parts
            .iter()
            .find(|part| part.shape.len() != first.shape.len() || part.shape.with(axis, size(first)) != first.shape);
        if let Some(odd) = odd {
            return Err(odd.misfit(operator, format!("{:?} but for one axis", first.shape)));
        }
        match *parts {
            [one] => return Ok(one.clone()),
            // The operators that follow read both.
            [a, b] if axis == 1 && [a, b].iter().all(|x| can_be_joint(x)) => {
                let whole = first.shape.with(axis, a.channels() + b.channels());
                let joint = Some((Arc::clone(&b.held), a.channels()));
                return Ok(Tensor { shape: whole, held: Arc::clone(&a.held), joint });
            }
            _ => (),
        }
        let whole = parts.iter().map(|part| size(part)).sum();
        let y = self.empty(operator, first.shape.with(axis, whole))?;
        let inner = inner(&y.shape, axis);
        let mut start = 0;
        for part in parts {
            let run = size(part) * inner;
            self.runs(operator, &part.held, [0, run], &y, [start, whole * inner], run, part.values())?;
            start += run;
        }
        Ok(y)
    }

    /// The same image with all of its channels together.
    pub(super) fn whole(&self, x: &Tensor) -> Result<Tensor> {
        if x.joint.is_none() {
            return Ok(x.clone());
        }
        let operator = "concat";
        let y = self.empty(operator, x.shape)?;
        let pixels = x.values() / x.channels().max(1);
        for Part { held, first, channels } in x.parts() {
            let to = [first, x.channels()];
            self.runs(operator, held, [0, channels], &y, to, channels, pixels * channels)?;
        }
        Ok(y)
    }

    pub(super) fn part(&self, x: &Tensor, axis: usize, start: usize, count: usize) -> Result<Tensor> {
        let operator = "slice";
        let size = x.shape.get(axis).copied().unwrap_or(0);
        if start.checked_add(count).is_none_or(|end| end > size) || count == 0 {
            return Err(x.misfit(operator, format!("indices {start} to {}", start.saturating_add(count))));
        }
        if count == size {
            return Ok(x.clone());
        }
        let y = self.empty(operator, x.shape.with(axis, count))?;
        let inner = inner(&x.shape, axis);
        self.runs(operator, &x.held, [start * inner, size * inner], &y, [0, count * inner], count * inner, y.values())?;
        Ok(y)
    }

    pub(super) fn selected(&self, x: &Tensor, rows: &[usize]) -> Result<Tensor> {
        let operator = "select";
        let count = x.rows();
        if let Some(row) = rows.iter().find(|&&row| row >= count) {
            return Err(x.misfit(operator, format!("a row {row}")));
        }
        if rows.iter().copied().eq(0..count) {
            return Ok(x.clone());
        }
        let y = self.empty(operator, x.shape.with(0, rows.len()))?;
        let len = x.values() / count.max(1);
        for (to, from) in rows.iter().enumerate() {
            self.runs(operator, &x.held, [from * len, len], &y, [to * len, len], len, len)?;
        }
        Ok(y)
    }

    /// Copies `values` values in runs of `run`; `from` and `to` say where the first begins, and how far apart they are.
    #[expect(clippy::too_many_arguments, reason = "two places and a length")]
    fn runs(
        &self,
        operator: &'static str,
        x: &Held,
        from: [usize; 2],
        y: &Tensor,
        to: [usize; 2],
        run: usize,
        values: usize,
    ) -> Result<()> {
        let lanes = Lanes::of(&[from[0], from[1], to[0], to[1], run]);
        let words = [run, from[0], from[1], to[0], to[1]].map(|size| lanes.in_values(size) as u32);
        self.launch_flat(operator, Kernel::Copy(lanes), &[x], &y.held, lanes.in_values(values), &words)
    }
}

/// Whether kernels can read the image as a part of another one.
fn can_be_joint(x: &Tensor) -> bool {
    x.shape.len() == 4 && x.values() > 0 && x.joint.is_none() && x.channels().is_multiple_of(4)
}

/// Values between two indices of an axis.
fn inner(shape: &Shape, axis: usize) -> usize {
    in_memory(shape).iter().skip(place(shape.len(), axis) + 1).product()
}
