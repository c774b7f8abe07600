//! The operators on the processor, in f32.
//!
//! Images lie with their channels last, `[n, h, w, c]`: what a convolution's product gives lies so already, a patch is a few
//! runs of memory, and tokens are the same values.

mod epilogue;
mod kernels;
mod moments;
mod pack;
mod product;
mod tensor;

pub use moments::Moments;
pub use tensor::Tensor;

use super::{Activation, Attention, Backend, ConvOptions, Epilogue, Mask, Result, Shape, WeightView};
use epilogue::End;
use kernels::{GRAIN, Normalise, Patches, Seen};
use product::{Matrix, product};
use rayon::prelude::*;
use tensor::{misfit, zeros};

/// Values that an operator holds besides its input and output, at a time: 32 MiB. Attention does slices of its queries to stay
/// below.
const SCRATCH: usize = 8 << 20;

/// Values of a convolution's patches at a time: they are read right after they are written, so they should stay in the cache.
const PATCHES: usize = 1 << 19;

/// The processor.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// See [`Cpu::with_scratch`].
    scratch: usize,
}

impl Default for Cpu {
    fn default() -> Self {
        Self { scratch: SCRATCH }
    }
}

impl Cpu {
    /// All threads of rayon's pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds the values that an operator holds besides its input and output (one query's or one row's are always held).
    #[must_use]
    pub fn with_scratch(self, scratch: usize) -> Self {
        Self { scratch }
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
        let bias = match mask {
            Mask::Bias(bias) if ![[1, queries, keys], [n, queries, keys]].contains(&bias.tokens(operator)?) => {
                return Err(bias.misfit(operator, format!("a bias for {n} rows of {queries} queries and {keys} keys")));
            }
            Mask::Bias(bias) => Some(bias),
            Mask::None | Mask::Causal => None,
        };
        let depth = width / heads;
        let scale = options.scale(width);
        let scaled = map(q, operator, |x| x * scale)?;
        let mut y = zeros(operator, q.data.len())?;
        let slice = (self.scratch / keys.max(1)).clamp(1, queries.max(1));
        let mut scores = zeros(operator, slice * keys)?;
        // A head is some columns of the tokens: its products skip the others.
        let head = |tokens, values, count| Matrix { values, rows: count, columns: tokens, row: width, column: 1 };
        for (image, row) in rows.iter().enumerate() {
            for column in (0..width).step_by(depth.max(1)) {
                let [k, v] = row.map(|x| x.get(column..).unwrap_or_default());
                for start in (0..queries).step_by(slice) {
                    let count = slice.min(queries - start);
                    let scores = scores.get_mut(..count * keys).unwrap_or_default();
                    let at = (image * queries + start) * width + column;
                    let q = scaled.data.get(at..).unwrap_or_default();
                    product(operator, head(depth, q, count), head(depth, k, keys).transposed(), scores, keys)?;
                    let seen = match (mask, bias) {
                        (Mask::Causal, _) => Seen::Causal(start),
                        (_, Some(bias)) => {
                            let row = if bias.shape.first() == Some(&1) { 0 } else { image };
                            Seen::Bias(bias.data.get((row * queries + start) * keys..).unwrap_or_default())
                        }
                        _ => Seen::All,
                    };
                    kernels::softmax(scores, keys, seen);
                    let y = y.get_mut(at..).unwrap_or_default();
                    product(operator, Matrix::new(scores, count, keys), head(depth, v, keys), y, width)?;
                }
            }
        }
        Ok(Tensor::new(q.shape, y))
    }
}

/// Weights of a convolution.
#[derive(Debug)]
pub struct Conv {
    /// `[kernel · kernel · in, out]`.
    matrix: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
    kernel: usize,
    options: ConvOptions,
}

/// Weights of a linear layer, `[out, in]`.
#[derive(Debug)]
pub struct Linear {
    matrix: Vec<f32>,
    bias: Option<Vec<f32>>,
    inputs: usize,
    outputs: usize,
}

/// Scale and shift.
#[derive(Debug)]
pub struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

/// A table of vectors.
#[derive(Debug)]
pub struct Embedding {
    table: Vec<f32>,
    width: usize,
}

/// Keys and values of one row.
#[derive(Debug)]
pub struct KeyValues {
    k: Tensor,
    v: Tensor,
}

/// A weight's values, if it has as many as its shape says.
fn values(operator: &'static str, weight: WeightView) -> Result<Vec<f32>> {
    if weight.shape.iter().product::<usize>() != weight.len() {
        return Err(misfit(operator, &weight.shape, format!("{} values", weight.len())));
    }
    Ok(weight.into_f32())
}

/// A function of every value, on all threads.
fn map(x: &Tensor, operator: &'static str, f: impl Fn(f32) -> f32 + Sync) -> Result<Tensor> {
    let mut y = zeros(operator, x.data.len())?;
    y.par_chunks_mut(GRAIN).zip(x.data.par_chunks(GRAIN)).for_each(|(y, x)| {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
    });
    Ok(Tensor::new(x.shape, y))
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
        match rayon::current_num_threads() {
            1 => "CPU, 1 thread, f32".to_owned(),
            threads => format!("CPU, {threads} threads, f32"),
        }
    }

    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Conv> {
        let operator = "packing a convolution";
        let bias = values(operator, bias)?;
        match *weight.shape.as_slice() {
            [outputs, inputs, kernel, width]
                if kernel == width && bias.len() == outputs && weight.len() == outputs * inputs * kernel * kernel =>
            {
                let matrix = pack::matrix(&weight, outputs, inputs, kernel);
                Ok(Conv { matrix, bias, inputs, kernel, options })
            }
            _ => {
                let expected = format!("a square kernel, {} outputs and {} values", bias.len(), weight.len());
                Err(misfit(operator, &weight.shape, expected))
            }
        }
    }

    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Linear> {
        let operator = "packing a linear layer";
        let bias = bias.map(|bias| values(operator, bias)).transpose()?;
        match *weight.shape.as_slice() {
            [outputs, inputs] if bias.as_ref().is_none_or(|bias| bias.len() == outputs) => {
                Ok(Linear { matrix: values(operator, weight)?, bias, inputs, outputs })
            }
            _ => Err(misfit(operator, &weight.shape, "a matrix, and a bias of its rows")),
        }
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
        let image = channels * height * width;
        for (y, x) in y.chunks_exact_mut(image.max(1)).zip(data.chunks_exact(image.max(1))) {
            kernels::transpose(x, channels, y);
        }
        Ok(Tensor::new([n, height, width, channels], y))
    }

    fn download(&self, x: &Tensor) -> Result<Vec<f32>> {
        let [_, height, width, channels] = *x.shape else { return Ok(x.data.to_vec()) };
        let mut y = zeros("download", x.data.len())?;
        let image = (channels * height * width).max(1);
        for (y, x) in y.chunks_exact_mut(image).zip(x.data.chunks_exact(image)) {
            kernels::transpose(x, height * width, y);
        }
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
        let operator = "conv2d";
        let [n, in_height, in_width, channels] = x.image(operator)?;
        let &Conv { kernel, options: ConvOptions { stride, before, after }, .. } = weights;
        let size = |side: usize| (side + before + after).checked_sub(kernel).map(|rest| rest / stride.max(1) + 1);
        let (Some(height), Some(width)) = (size(in_height), size(in_width)) else {
            return Err(x.misfit(operator, format!("sides of at least {kernel}")));
        };
        if channels != weights.inputs || x.data.is_empty() {
            return Err(x.misfit(operator, format!("{} channels", weights.inputs)));
        }
        let outputs = weights.bias.len();
        let end = End::new(operator, Some(&weights.bias), then, [n, height, width, outputs].into())?;
        let len = channels * kernel * kernel;
        let matrix = Matrix::new(&weights.matrix, len, outputs);
        let mut y = zeros(operator, n * height * width * outputs)?;
        if kernel == 1 && stride == 1 && before + after == 0 {
            product(operator, Matrix::new(&x.data, n * height * width, channels), matrix, &mut y, outputs)?;
            end.write(0, &mut y);
        } else {
            // Some lines of the image at a time.
            let slice = (self.scratch.min(PATCHES) / (len * width)).clamp(1, n * height);
            let mut patches = zeros(operator, slice * width * len)?;
            for (first, y) in (0..n * height).step_by(slice).zip(y.chunks_mut((slice * width * outputs).max(1))) {
                let rows = y.len() / outputs.max(1);
                let patches = patches.get_mut(..rows * len).unwrap_or_default();
                let op = Patches { kernel, stride, before, in_height, in_width, channels, height, width, first };
                op.write(&x.data, patches);
                product(operator, Matrix::new(patches, rows, len), matrix, y, outputs)?;
                end.write(first * width, y);
            }
        }
        Ok(Tensor::new([n, height, width, outputs], y))
    }

    fn linear(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        self.linear_with(x, weights, Epilogue::default())
    }

    fn linear_with(&self, x: &Tensor, weights: &Linear, then: Epilogue<Tensor>) -> Result<Tensor> {
        let &Linear { ref matrix, ref bias, inputs, outputs } = weights;
        if x.width() != inputs || x.shape.len() > 3 {
            return Err(x.misfit("linear", format!("tokens or vectors of {inputs}")));
        }
        let shape = x.shape.with(x.shape.len() - 1, outputs);
        let end = End::new("linear", bias.as_deref(), then, shape)?;
        let rows = x.data.len() / inputs.max(1);
        let mut y = zeros("linear", rows * outputs)?;
        let weight = Matrix::new(matrix, outputs, inputs).transposed();
        product("linear", Matrix::new(&x.data, rows, inputs), weight, &mut y, outputs)?;
        end.write(0, &mut y);
        Ok(Tensor::new(shape, y))
    }

    fn group_norm(&self, x: &Tensor, weights: &Norm, groups: usize, eps: f32, silu: bool) -> Result<Tensor> {
        check_norm("group_norm", x, Some(weights), groups)?;
        let moments = self.group_moments(x, groups)?;
        self.normalise(x, weights, &moments, eps, silu)
    }

    fn group_moments(&self, x: &Tensor, groups: usize) -> Result<Moments> {
        let [images, _, _, channels] = check_norm("group_moments", x, None, groups)?;
        Ok(Moments { groups: moments::moments(&x.data, images, channels, groups), images })
    }

    fn merge_moments(&self, parts: &[(usize, Moments)]) -> Result<Moments> {
        moments::merged(parts)
    }

    fn normalise(&self, x: &Tensor, weights: &Norm, moments: &Moments, eps: f32, silu: bool) -> Result<Tensor> {
        let operator = "normalise";
        let [n, _, _, channels] = x.image(operator)?;
        if n == 0 || x.data.is_empty() || moments.images != n {
            return Err(x.misfit(operator, format!("{} images that moments are of", moments.images)));
        }
        let groups = moments.groups.len() / n;
        check_norm(operator, x, Some(weights), groups)?;
        let mut y = zeros(operator, x.data.len())?;
        let op =
            Normalise { scale: &weights.scale, shift: &weights.shift, moments: &moments.groups, groups, eps, silu };
        op.write(&x.data, n, channels, &mut y);
        Ok(Tensor::new(x.shape, y))
    }

    fn layer_norm(&self, x: &Tensor, weights: &Norm, eps: f32) -> Result<Tensor> {
        let width = x.width();
        if width == 0 || weights.scale.len() != width || weights.shift.len() != width {
            return Err(x.misfit("layer_norm", format!("tokens of {}", weights.scale.len())));
        }
        let mut y = zeros("layer_norm", x.data.len())?;
        kernels::layer_norm(&x.data, &weights.scale, &weights.shift, eps, &mut y);
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
        kernels::geglu(&x.data, width / 2, &mut y);
        Ok(Tensor::new(x.shape.with(x.shape.len() - 1, width / 2), y))
    }

    fn activate(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        match activation {
            Activation::Silu => map(x, "activate", kernels::silu),
            Activation::Gelu => map(x, "activate", kernels::gelu),
            Activation::QuickGelu => map(x, "activate", kernels::quick_gelu),
        }
    }

    fn upsample(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let [n, in_height, in_width, channels] = x.image("upsample")?;
        if x.data.is_empty() {
            return Err(x.misfit("upsample", "an image that is not empty"));
        }
        let mut y = zeros("upsample", n * height * width * channels)?;
        kernels::upsample(&x.data, [in_height, in_width], [height, width], channels, &mut y);
        Ok(Tensor::new([n, height, width, channels], y))
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        if a.shape != b.shape {
            return Err(b.misfit("add", format!("{:?}", a.logical())));
        }
        let mut y = zeros("add", a.data.len())?;
        let parts = y.par_chunks_mut(GRAIN).zip(a.data.par_chunks(GRAIN)).zip(b.data.par_chunks(GRAIN));
        parts.for_each(|((y, a), b)| {
            for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                *y = a + b;
            }
        });
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
            kernels::add_vector(y, vector.data.get(row * channels..(row + 1) * channels).unwrap_or_default());
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
