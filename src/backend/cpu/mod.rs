//! The operators on the processor, in f32; operands of products may be rounded to 16 bits.
//!
//! Images lie with their channels last, `[n, h, w, c]`: what a convolution's product gives lies so already, a patch is a few
//! runs of memory, and tokens are the same values.

mod epilogue;
mod moments;
mod moves;
mod tensor;
mod weights;

pub use moments::Moments;
pub use polyptych_kernels::{Half, Set};
pub use tensor::Tensor;
pub use weights::{Conv, Embedding, KeyValues, Linear, Norm};

use super::channels_last::{GRAIN, exchange};
use super::{Activation, Attention, Backend, ConvOptions, Epilogue, Error, Mask, Result, Shape, WeightView, misfit};
use polyptych_kernels::{self as kernels, Normalise, Patches, Rows, Seen};
use rayon::prelude::*;
use tensor::zeros;
use weights::values;

/// Values that an attention holds for copies of keys and values: 32 MiB.
const SCRATCH: usize = 8 << 20;

/// The processor.
#[derive(Debug, Clone)]
pub struct Cpu {
    set: &'static Set,
    /// See [`Cpu::with_scratch`].
    scratch: usize,
}

impl Default for Cpu {
    fn default() -> Self {
        Self::with_set(Set::best())
    }
}

impl Cpu {
    /// All threads of rayon's pool, and the instructions that are fastest here.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`Cpu::new`], with the operands of products (of attention's, too) rounded to `half`. Sums, and what lies between
    /// products, stay f32.
    ///
    /// # Errors
    /// If the processor has no instructions for it.
    pub fn rounding_to(half: Half) -> Result<Self> {
        let set = Set::best_in(half).ok_or_else(|| Error::Device {
            operator: "opening",
            message: format!("this processor has no instructions for {half}; draw with cpu"),
        })?;
        Ok(Self::with_set(set))
    }

    /// Kernels of one set of instructions.
    #[must_use]
    pub fn with_set(set: &'static Set) -> Self {
        Self { set, scratch: SCRATCH }
    }

    /// Bounds the values that an attention holds for copies of keys and values (one head's are always held).
    #[must_use]
    pub fn with_scratch(self, scratch: usize) -> Self {
        Self { scratch, ..self }
    }

    /// Attention of row `i` of `q` to the keys and values `rows[i]`, each `[keys, width]`.
    fn attend(
        &self,
        q: &Tensor,
        rows: &[[&[f32]; 2]],
        [keys, width]: [usize; 2],
        options: &Attention<Tensor>,
    ) -> Result<Tensor> {
        let operator = "attention";
        let [n, queries, q_width] = q.tokens(operator)?;
        let &Attention { heads, ref mask, .. } = options;
        if heads == 0 || !width.is_multiple_of(heads) || q_width != width || rows.len() != n {
            let expected = format!("{} rows of width {width} in {heads} heads", rows.len());
            return Err(q.misfit(operator, expected));
        }
        let seen = match mask {
            Mask::None => Seen::All,
            Mask::Causal => Seen::Causal,
            Mask::Bias(bias) if ![[1, queries, keys], [n, queries, keys]].contains(&bias.tokens(operator)?) => {
                return Err(bias.misfit(operator, format!("a bias for {n} rows of {queries} queries and {keys} keys")));
            }
            Mask::Bias(bias) => Seen::Bias(&bias.data),
        };
        let mut y = zeros(operator, q.data.len())?;
        let (q_values, scale, scratch) = (q.data.as_slice(), options.scale(width), self.scratch);
        let attention = kernels::Attention { q: q_values, rows, queries, keys, width, heads, scale, seen, scratch };
        attention.write(self.set, &mut y).map_err(failed(operator))?;
        Ok(Tensor::new(q.shape, y))
    }

    /// A convolution of an image enlarged to `sides`.
    fn convolve(
        &self,
        operator: &'static str,
        x: &Tensor,
        enlarged: [usize; 2],
        conv: &Conv,
        then: Epilogue<Tensor>,
    ) -> Result<Tensor> {
        let [n, height, width, channels] = x.image(operator)?;
        let &Conv { ref weights, kernel, options: ConvOptions { stride, before, after } } = conv;
        let size = |side: usize| (side + before + after).checked_sub(kernel).map(|rest| rest / stride.max(1) + 1);
        let (Some(out_height), Some(out_width)) = (size(enlarged[0]), size(enlarged[1])) else {
            return Err(x.misfit(operator, format!("sides of at least {kernel}")));
        };
        if channels != conv.inputs() || x.data.is_empty() {
            return Err(x.misfit(operator, format!("{} channels", conv.inputs())));
        }
        let shape = Shape::from([n, out_height, out_width, weights.width()]);
        let finish = epilogue::finish(operator, then, shape)?;
        let sides = [height, width];
        let rows = if kernel == 1 && stride == 1 && before + after == 0 && enlarged == sides {
            Rows::Matrix(&x.data)
        } else {
            Rows::Patches(Patches {
                images: &x.data,
                sides,
                enlarged,
                kernel,
                stride,
                before,
                out: [out_height, out_width],
            })
        };
        let mut y = zeros(operator, shape.values())?;
        kernels::product(rows, weights, finish, &mut y).map_err(failed(operator))?;
        Ok(Tensor::new(shape, y))
    }
}

/// A kernel's error as one of `operator`.
fn failed(operator: &'static str) -> impl FnOnce(kernels::Error) -> Error {
    move |error| match error {
        kernels::Error::OutOfMemory => Error::OutOfMemory { operator },
        kernels::Error::Fit(_) => Error::Device { operator, message: error.to_string() },
    }
}

/// A function of every value, on all threads.
fn map(x: &Tensor, operator: &'static str, f: impl Fn(f32) -> f32 + Sync) -> Result<Tensor> {
    let mut y = zeros(operator, x.data.len())?;
    y.par_chunks_mut(GRAIN).zip(x.data.par_chunks(GRAIN)).for_each(|(y, x)| {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
    });
    Ok(Tensor::new(x.shape, y))
}

/// A linear layer over the last dimension, with kernels that its weights are packed for.
fn linear(operator: &'static str, x: &Tensor, weights: &Linear, then: Epilogue<Tensor>) -> Result<Tensor> {
    let weights = &weights.weights;
    if x.width() != weights.depth() || x.shape.len() > 3 {
        return Err(x.misfit(operator, format!("tokens or vectors of {}", weights.depth())));
    }
    let shape = x.shape.with(x.shape.len() - 1, weights.width());
    let finish = epilogue::finish(operator, then, shape)?;
    let mut y = zeros(operator, shape.values())?;
    kernels::product(Rows::Matrix(&x.data), weights, finish, &mut y).map_err(failed(operator))?;
    Ok(Tensor::new(shape, y))
}

/// Fails where the channels of an image do not divide into `groups`, or a norm is not for as many.
fn check_norm(operator: &'static str, x: &Tensor, weights: Option<&Norm>, groups: usize) -> Result<[usize; 4]> {
    let image @ [_, _, _, channels] = x.image(operator)?;
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(x.misfit(operator, format!("channels a multiple of {groups} groups")));
    }
    if let Some(Norm { scale, shift }) = weights.filter(|w| w.scale.len() != channels || w.shift.len() != channels) {
        return Err(x.misfit(operator, format!("{} scales and {} shifts as channels", scale.len(), shift.len())));
    }
    Ok(image)
}

impl Backend for Cpu {
    type Tensor = Tensor;
    type Conv = Conv;
    type Linear = Linear;
    type Norm = Norm;
    type Embedding = Embedding;
    type Moments = Moments;
    type KeyValues = KeyValues;

    fn describe(&self) -> String {
        let threads = match rayon::current_num_threads() {
            1 => "1 thread".to_owned(),
            threads => format!("{threads} threads"),
        };
        let dtype = self.set.half().map_or("f32".to_owned(), |half| half.to_string());
        format!("CPU, {threads}, {}, {dtype}", self.set.name())
    }

    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Conv> {
        Conv::new(self.set, weight, bias, options)
    }

    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Linear> {
        Linear::new(self.set, weight, bias, false)
    }

    fn pack_linear_geglu(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Linear> {
        Linear::new(self.set, weight, bias, true)
    }

    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<Norm> {
        let operator = "packing a normalisation";
        Ok(Norm { scale: values(operator, scale)?, shift: values(operator, shift)? })
    }

    fn pack_embedding(&self, table: WeightView) -> Result<Embedding> {
        let width = table.shape.last().copied().unwrap_or(1);
        Ok(Embedding { table: values("packing an embedding", table)?, width })
    }

    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Tensor> {
        if shape.iter().product::<usize>() != data.len() {
            return Err(misfit("upload", shape, format!("{} values", data.len())));
        }
        let &[n, channels, height, width] = shape else {
            let shape = Shape::new(shape).ok_or_else(|| misfit("upload", shape, "at most 4 dimensions"))?;
            return Ok(Tensor::new(shape, data.to_vec()));
        };
        let mut y = zeros("upload", data.len())?;
        exchange(data, [channels, height * width], &mut y);
        Ok(Tensor::new([n, height, width, channels], y))
    }

    fn download(&self, x: &Tensor) -> Result<Vec<f32>> {
        let [_, height, width, channels] = *x.shape else { return Ok(x.data.to_vec()) };
        let mut y = zeros("download", x.data.len())?;
        exchange(&x.data, [height * width, channels], &mut y);
        Ok(y)
    }

    fn shape(&self, x: &Tensor) -> Shape {
        x.logical()
    }

    fn pack_keys(&self, k: &Tensor, v: &Tensor) -> Result<KeyValues> {
        let [n, ..] = k.tokens("pack_keys")?;
        if n != 1 || k.shape != v.shape {
            return Err(v.misfit("pack_keys", "keys and values of one row"));
        }
        Ok(KeyValues { k: k.clone(), v: v.clone() })
    }

    fn conv2d(&self, x: &Tensor, weights: &Conv) -> Result<Tensor> {
        self.conv2d_with(x, weights, Epilogue::default())
    }

    fn conv2d_with(&self, x: &Tensor, weights: &Conv, then: Epilogue<Tensor>) -> Result<Tensor> {
        let [_, height, width, _] = x.image("conv2d")?;
        self.convolve("conv2d", x, [height, width], weights, then)
    }

    fn upsample_conv2d(&self, x: &Tensor, height: usize, width: usize, weights: &Conv) -> Result<Tensor> {
        self.convolve("upsample_conv2d", x, [height, width], weights, Epilogue::default())
    }

    fn linear(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        self.linear_with(x, weights, Epilogue::default())
    }

    fn linear_with(&self, x: &Tensor, weights: &Linear, then: Epilogue<Tensor>) -> Result<Tensor> {
        if weights.weights.is_gated() {
            return Err(x.misfit("linear", "weights that were not packed for a GEGLU"));
        }
        linear("linear", x, weights, then)
    }

    fn linear_geglu(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        if weights.weights.is_gated() {
            return linear("linear_geglu", x, weights, Epilogue::default());
        }
        self.geglu(&self.linear(x, weights)?)
    }

    fn group_norm(&self, x: &Tensor, weights: &Norm, groups: usize, eps: f32, silu: bool) -> Result<Tensor> {
        check_norm("group_norm", x, Some(weights), groups)?;
        let moments = self.group_moments(x, groups)?;
        self.normalise(x, weights, &moments, eps, silu)
    }

    fn group_moments(&self, x: &Tensor, groups: usize) -> Result<Moments> {
        let [images, _, _, channels] = check_norm("group_moments", x, None, groups)?;
        let groups = kernels::group_moments(self.set, &x.data, images, channels, groups);
        Ok(Moments { groups: groups.map_err(failed("group_moments"))?, images })
    }

    fn merge_moments(&self, parts: &[(usize, Moments)]) -> Result<Moments> {
        moments::merged(parts)
    }

    fn normalise(&self, x: &Tensor, weights: &Norm, moments: &Moments, eps: f32, silu: bool) -> Result<Tensor> {
        let operator = "normalise";
        let [n, ..] = x.image(operator)?;
        if n == 0 || x.data.is_empty() || moments.images != n {
            return Err(x.misfit(operator, format!("{} images that moments are of", moments.images)));
        }
        let groups = moments.groups.len() / n;
        check_norm(operator, x, Some(weights), groups)?;
        let mut y = zeros(operator, x.data.len())?;
        let Norm { scale, shift } = weights;
        let op = Normalise { scale, shift, moments: &moments.groups, images: n, eps, silu };
        op.write(self.set, &x.data, &mut y).map_err(failed(operator))?;
        Ok(Tensor::new(x.shape, y))
    }

    fn layer_norm(&self, x: &Tensor, weights: &Norm, eps: f32) -> Result<Tensor> {
        let width = x.width();
        if width == 0 || weights.scale.len() != width || weights.shift.len() != width {
            return Err(x.misfit("layer_norm", format!("tokens of {}", weights.scale.len())));
        }
        let mut y = zeros("layer_norm", x.data.len())?;
        kernels::layer_norm(self.set, &x.data, &weights.scale, &weights.shift, eps, &mut y)
            .map_err(failed("layer_norm"))?;
        Ok(Tensor::new(x.shape, y))
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, options: &Attention<Tensor>) -> Result<Tensor> {
        let [n, keys, width] = k.tokens("attention")?;
        if k.shape != v.shape {
            return Err(v.misfit("attention", format!("values like keys {:?}", k.logical())));
        }
        let row = (keys * width).max(1);
        let rows: Vec<[&[f32]; 2]> = k.data.chunks(row).zip(v.data.chunks(row)).map(|(k, v)| [k, v]).take(n).collect();
        self.attend(q, &rows, [keys, width], options)
    }

    fn attention_to(&self, q: &Tensor, keys: &[&KeyValues], options: &Attention<Tensor>) -> Result<Tensor> {
        let Some(first) = keys.first() else { return Err(q.misfit("attention", "keys for every row")) };
        let [_, count, width] = first.k.tokens("attention")?;
        if let Some(other) = keys.iter().find(|other| other.k.shape != first.k.shape) {
            return Err(other.k.misfit("attention", format!("keys of {:?} in every row", first.k.logical())));
        }
        let rows: Vec<[&[f32]; 2]> = keys.iter().map(|row| [row.k.data.as_slice(), row.v.data.as_slice()]).collect();
        self.attend(q, &rows, [count, width], options)
    }

    fn geglu(&self, x: &Tensor) -> Result<Tensor> {
        let width = x.width();
        if !width.is_multiple_of(2) {
            return Err(x.misfit("geglu", "an even width"));
        }
        let mut y = zeros("geglu", x.data.len() / 2)?;
        kernels::geglu(self.set, &x.data, width / 2, &mut y).map_err(failed("geglu"))?;
        Ok(Tensor::new(x.shape.with(x.shape.len() - 1, width / 2), y))
    }

    fn activate(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        let mut y = zeros("activate", x.data.len())?;
        let function = epilogue::function(activation);
        kernels::activate(self.set, &x.data, function, &mut y).map_err(failed("activate"))?;
        Ok(Tensor::new(x.shape, y))
    }

    fn upsample(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let [n, in_height, in_width, channels] = x.image("upsample")?;
        if x.data.is_empty() {
            return Err(x.misfit("upsample", "an image that is not empty"));
        }
        let mut y = zeros("upsample", n * height * width * channels)?;
        moves::upsample(&x.data, [in_height, in_width], [height, width], channels, &mut y);
        Ok(Tensor::new([n, height, width, channels], y))
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        if a.shape != b.shape {
            return Err(b.misfit("add", format!("{:?}", a.logical())));
        }
        let mut y = zeros("add", a.data.len())?;
        kernels::add(&a.data, &b.data, &mut y).map_err(failed("add"))?;
        Ok(Tensor::new(a.shape, y))
    }

    fn add_channels(&self, x: &Tensor, vector: &Tensor) -> Result<Tensor> {
        let (n, channels) = (x.shape.first().copied().unwrap_or(1), x.width());
        let rows = match *vector.shape {
            [rows, width] if width == channels && (rows == n || rows == 1) => rows,
            _ => return Err(vector.misfit("add_channels", format!("{:?} or {:?}", [n, channels], [1, channels]))),
        };
        let mut y = zeros("add_channels", x.data.len())?;
        y.copy_from_slice(&x.data);
        let image = y.len() / n.max(1);
        for (index, y) in y.chunks_mut(image.max(1)).enumerate() {
            let row = if rows == 1 { 0 } else { index };
            moves::add_vector(y, vector.data.get(row * channels..(row + 1) * channels).unwrap_or_default());
        }
        Ok(Tensor::new(x.shape, y))
    }

    fn concat(&self, parts: &[&Tensor], axis: usize) -> Result<Tensor> {
        let Some(&first) = parts.first() else { return Err(misfit("concat", &[], "a tensor at least")) };
        let axis = first.axis(axis);
        let size = |part: &Tensor| part.shape.get(axis).copied().unwrap_or(0);
        if let Some(other) = parts.iter().find(|part| part.shape.with(axis, size(first)) != first.shape) {
            return Err(other.misfit("concat", format!("{:?} but for one axis", first.logical())));
        }
        if axis >= first.shape.len() {
            return Err(first.misfit("concat", format!("an axis {axis}")));
        }
        let shape = first.shape.with(axis, parts.iter().map(|part| size(part)).sum());
        let outer: usize = shape.iter().take(axis).product();
        let mut y = zeros("concat", shape.values())?;
        let row = shape.values() / outer.max(1);
        y.par_chunks_mut(row.max(1)).with_min_len(GRAIN.div_ceil(row.max(1))).enumerate().for_each(|(index, mut y)| {
            for part in parts {
                let len = part.data.len() / outer;
                let (now, rest) = y.split_at_mut(len);
                now.copy_from_slice(&part.data[index * len..(index + 1) * len]);
                y = rest;
            }
        });
        Ok(Tensor::new(shape, y))
    }

    fn select(&self, x: &Tensor, rows: &[usize]) -> Result<Tensor> {
        let count = x.shape.first().copied().unwrap_or(0);
        if let Some(row) = rows.iter().find(|&&row| row >= count) {
            return Err(x.misfit("select", format!("a row {row}")));
        }
        let len = x.data.len() / count.max(1);
        let mut y = zeros("select", rows.len() * len)?;
        y.par_chunks_mut(len.max(1)).zip(rows).for_each(|(y, &row)| y.copy_from_slice(&x.data[row * len..][..len]));
        Ok(Tensor::new(x.shape.with(0, rows.len()), y))
    }

    fn slice(&self, x: &Tensor, axis: usize, start: usize, count: usize) -> Result<Tensor> {
        let axis = x.axis(axis);
        let size = x.shape.get(axis).copied().unwrap_or(0);
        if start.checked_add(count).is_none_or(|end| end > size) {
            return Err(x.misfit("slice", format!("indices {start} to {}", start.saturating_add(count))));
        }
        let inner: usize = x.shape.iter().skip(axis + 1).product();
        let shape = x.shape.with(axis, count);
        let mut y = zeros("slice", shape.values())?;
        let (from, to) = (size * inner, count * inner);
        let rows = y.par_chunks_mut(to.max(1)).zip(x.data.par_chunks(from.max(1)));
        rows.with_min_len(GRAIN.div_ceil(to.max(1))).for_each(|(y, x)| y.copy_from_slice(&x[start * inner..][..to]));
        Ok(Tensor::new(shape, y))
    }

    fn blend(&self, x: &Tensor, weights: &Tensor, counts: &[usize]) -> Result<Tensor> {
        let [n, tokens, width] = x.tokens("blend")?;
        if *weights.shape != [n, tokens] || counts.iter().sum::<usize>() != n {
            return Err(weights.misfit("blend", format!("{:?} for {counts:?}", [n, tokens])));
        }
        let row = tokens * width;
        let mut y = zeros("blend", counts.len() * row)?;
        let mut first = 0;
        for (y, &count) in y.chunks_exact_mut(row.max(1)).zip(counts) {
            y.par_chunks_mut(width.max(1)).with_min_len(GRAIN.div_ceil(width.max(1))).enumerate().for_each(
                |(token, y)| {
                    for part in first..first + count {
                        let at = part * tokens + token;
                        let weight = weights.data[at];
                        for (y, x) in y.iter_mut().zip(&x.data[at * width..]) {
                            *y += x * weight;
                        }
                    }
                },
            );
            first += count;
        }
        Ok(Tensor::new([counts.len(), tokens, width], y))
    }

    fn to_tokens(&self, x: &Tensor) -> Result<Tensor> {
        let [n, height, width, channels] = x.image("to_tokens")?;
        Ok(x.reshaped([n, height * width, channels]))
    }

    fn to_image(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let [n, tokens, channels] = x.tokens("to_image")?;
        if tokens != height * width {
            return Err(x.misfit("to_image", format!("{height} × {width} tokens")));
        }
        Ok(x.reshaped([n, height, width, channels]))
    }

    fn embed(&self, table: &Embedding, ids: &[u32]) -> Result<Tensor> {
        let width = table.width;
        let row = |&id: &u32| {
            let id = usize::try_from(id).ok()?;
            table.table.get(id.checked_mul(width)?..)?.get(..width)
        };
        let mut y = Vec::with_capacity(ids.len() * width);
        for id in ids {
            let expected = || format!("a row {id} in a table of {}", table.table.len() / width.max(1));
            y.extend_from_slice(row(id).ok_or_else(|| misfit("embed", &[ids.len()], expected()))?);
        }
        Ok(Tensor::new([1, ids.len(), width], y))
    }

    fn affine(&self, x: &Tensor, factor: f32, offset: f32) -> Result<Tensor> {
        map(x, "affine", |x| x * factor + offset)
    }
}
