//! The operators on candle, by its own kernels: the oracle for every other backend, and the way to CUDA and Metal where the program
//! is built with them.

mod cards;
#[cfg(feature = "cuda")]
#[expect(unsafe_code, reason = "kernels are launched on raw memory of the card")]
mod cuda;

pub use cards::{VendorCard, cards, find};

use super::{
    Activation, Attention, Backend, ConvOptions, Epilogue, Error, Mask, Result, Shape, Values, WeightView, followed,
    misfit,
};
use candle_core::{D, DType, Device, Tensor};

/// Values that attention holds besides its input and output, at a time: 32 MiB in f32. It does slices of its queries to stay
/// below.
const SCRATCH: usize = 8 << 20;

/// candle on one of its devices, in one precision.
#[derive(Debug, Clone)]
pub struct Candle {
    device: Device,
    dtype: DType,
    /// See [`Candle::with_scratch`].
    scratch: usize,
    /// Whether operators have kernels of our own, where there are such: on CUDA, if they compute right there.
    #[cfg(feature = "cuda")]
    own_kernels: bool,
}

impl Candle {
    /// The processor, in f32.
    #[must_use]
    pub fn cpu() -> Self {
        Self::new(Device::Cpu, DType::F32)
    }

    /// Any of candle's devices in any of its float types.
    #[must_use]
    pub fn new(device: Device, dtype: DType) -> Self {
        Self {
            device,
            dtype,
            scratch: SCRATCH,
            #[cfg(feature = "cuda")]
            own_kernels: false,
        }
    }

    /// Bounds the values that attention holds besides its input and output (one query's are always held).
    #[must_use]
    pub fn with_scratch(self, scratch: usize) -> Self {
        Self { scratch, ..self }
    }

    /// A weight on the device. What is not wanted in f32 is not widened on the way either.
    fn host(&self, weight: WeightView, operator: &'static str) -> Result<Tensor> {
        let half = match weight.values {
            Values::F16(bytes) => Some((bytes, DType::F16)),
            Values::Bf16(bytes) => Some((bytes, DType::BF16)),
            _ => None,
        };
        on(operator, || match half.filter(|_| self.dtype != DType::F32) {
            Some((bytes, dtype)) => {
                Tensor::from_raw_buffer(bytes, dtype, &weight.shape, &self.device)?.to_dtype(self.dtype)
            }
            None => {
                let shape = weight.shape.clone();
                Tensor::from_vec(weight.into_f32(), shape, &self.device)?.to_dtype(self.dtype)
            }
        })
    }
}

/// Weights of a convolution.
#[derive(Debug)]
pub struct Conv {
    /// `[out, in, kernel, kernel]`.
    weight: Tensor,
    /// `[out]`.
    bias: Tensor,
    options: ConvOptions,
}

/// Weights of a linear layer, transposed for multiplication from the right.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

/// Scale and shift.
#[derive(Debug)]
pub struct Norm {
    scale: Tensor,
    shift: Tensor,
}

/// Mean and variance of groups, each `[n, groups, 1]` in f32.
#[derive(Debug)]
pub struct Moments {
    mean: Tensor,
    variance: Tensor,
}

/// Keys and values of one row, `[1, s, c]` each.
#[derive(Debug)]
pub struct KeyValues {
    k: Tensor,
    v: Tensor,
}

/// Runs candle calls in the name of `operator`.
fn on<T>(operator: &'static str, run: impl FnOnce() -> candle_core::Result<T>) -> Result<T> {
    run().map_err(|error| {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().to_owned();
        if text.to_ascii_lowercase().replace('_', " ").contains("out of memory") {
            Error::OutOfMemory { operator }
        } else {
            Error::Device { operator, message }
        }
    })
}

/// The sizes of `x`, if there are `N`.
fn dims<const N: usize>(operator: &'static str, x: &Tensor) -> Result<[usize; N]> {
    x.dims().try_into().map_err(|_| misfit(operator, x.dims(), format!("{N} dimensions")))
}

/// Fails where `channels` do not divide into `groups`.
fn check_groups(operator: &'static str, x: &Tensor, channels: usize, groups: usize) -> Result<()> {
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(misfit(operator, x.dims(), format!("channels a multiple of {groups} groups")));
    }
    Ok(())
}

/// The parts one after the other; no copy of a single one.
fn joined(parts: &[Tensor], axis: usize) -> candle_core::Result<Tensor> {
    match parts {
        [all] => Ok(all.clone()),
        _ => Tensor::cat(parts, axis),
    }
}

impl Backend for Candle {
    type Tensor = Tensor;
    type Conv = Conv;
    type Linear = Linear;
    type Norm = Norm;
    type Embedding = Tensor;
    type Moments = Moments;
    type KeyValues = KeyValues;

    fn describe(&self) -> String {
        let dtype = self.dtype.as_str();
        match &self.device {
            Device::Cpu => match rayon::current_num_threads() {
                1 => format!("candle on the CPU, 1 thread, {dtype}"),
                threads => format!("candle on the CPU, {threads} threads, {dtype}"),
            },
            Device::Cuda(_) => {
                #[cfg(feature = "cuda")]
                if let Some(name) = cuda::name(&self.device) {
                    return format!("{name} (CUDA), {dtype}");
                }
                format!("CUDA, {dtype}")
            }
            Device::Metal(_) => format!("Metal, {dtype}"),
        }
    }

    fn value_bytes(&self) -> usize {
        self.dtype.size_in_bytes()
    }

    #[cfg(feature = "cuda")]
    fn room(&self) -> Option<usize> {
        cuda::room(&self.device)
    }

    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Conv> {
        let operator = "packing a convolution";
        Ok(Conv { weight: self.host(weight, operator)?, bias: self.host(bias, operator)?, options })
    }

    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Linear> {
        let weight = self.host(weight, "packing a linear layer")?;
        let weight = on("packing a linear layer", || weight.t())?;
        let bias = bias.map(|bias| self.host(bias, "packing a linear layer")).transpose()?;
        Ok(Linear { weight, bias })
    }

    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<Norm> {
        Ok(Norm {
            scale: self.host(scale, "packing a normalisation")?,
            shift: self.host(shift, "packing a normalisation")?,
        })
    }

    fn pack_embedding(&self, table: WeightView) -> Result<Tensor> {
        self.host(table, "packing an embedding")
    }

    fn pack_keys(&self, k: &Tensor, v: &Tensor) -> Result<KeyValues> {
        Ok(KeyValues { k: k.clone(), v: v.clone() })
    }

    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Tensor> {
        if shape.iter().product::<usize>() != data.len() {
            return Err(misfit("upload", shape, format!("{} values", data.len())));
        }
        on("upload", || Tensor::from_slice(data, shape, &self.device)?.to_dtype(self.dtype))
    }

    fn download(&self, x: &Tensor) -> Result<Vec<f32>> {
        on("download", || x.to_dtype(DType::F32)?.flatten_all()?.to_vec1())
    }

    fn shape(&self, x: &Tensor) -> Shape {
        // No operator makes more than four axes of four.
        Shape::new(x.dims()).unwrap_or_else(|| [0; 4].into())
    }

    fn conv2d(&self, x: &Tensor, weights: &Conv) -> Result<Tensor> {
        self.conv2d_with(x, weights, Epilogue::default())
    }

    fn conv2d_with(&self, x: &Tensor, weights: &Conv, then: Epilogue<Tensor>) -> Result<Tensor> {
        let y = on("conv2d", || product_of_image(x, weights))?;
        #[cfg(feature = "cuda")]
        if let Some(y) = self.own(|| cuda::follow(&y, Some(&weights.bias), &then)) {
            return on("conv2d", || y);
        }
        let y = on("conv2d", || y.broadcast_add(&weights.bias.reshape((1, (), 1, 1))?))?;
        followed(self, y, then)
    }

    fn linear(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        self.linear_with(x, weights, Epilogue::default())
    }

    fn linear_with(&self, x: &Tensor, weights: &Linear, then: Epilogue<Tensor>) -> Result<Tensor> {
        let y = on("linear", || product_of_rows(x, weights))?;
        #[cfg(feature = "cuda")]
        if let Some(y) = self.own(|| cuda::follow(&y, weights.bias.as_ref(), &then)) {
            return on("linear", || y);
        }
        let y = match &weights.bias {
            Some(bias) => on("linear", || y.broadcast_add(bias))?,
            None => y,
        };
        followed(self, y, then)
    }

    fn group_norm(&self, x: &Tensor, weights: &Norm, groups: usize, eps: f32, silu: bool) -> Result<Tensor> {
        let [n, c, h, w] = dims("group_norm", x)?;
        check_groups("group_norm", x, c, groups)?;
        #[cfg(feature = "cuda")]
        if let Some(y) = self.own(|| cuda::group_norm(x, [&weights.scale, &weights.shift], groups, eps, silu)) {
            return on("group_norm", || y);
        }
        on("group_norm", || {
            // Half precision overflows in the squares: normalise in f32.
            let y = x.to_dtype(DType::F32)?.reshape((n, groups, c / groups * h * w))?;
            let y = y.broadcast_sub(&y.mean_keepdim(2)?)?;
            let scale = (y.sqr()?.mean_keepdim(2)? + f64::from(eps))?.sqrt()?.recip()?;
            let y = y.broadcast_mul(&scale)?.reshape((n, c, h, w))?.to_dtype(self.dtype)?;
            let y = y
                .broadcast_mul(&weights.scale.reshape((1, c, 1, 1))?)?
                .broadcast_add(&weights.shift.reshape((1, c, 1, 1))?)?;
            if silu { y.silu() } else { Ok(y) }
        })
    }

    fn group_moments(&self, x: &Tensor, groups: usize) -> Result<Moments> {
        let [n, c, h, w] = dims("group_moments", x)?;
        check_groups("group_moments", x, c, groups)?;
        on("group_moments", || {
            let y = x.to_dtype(DType::F32)?.reshape((n, groups, c / groups * h * w))?;
            let mean = y.mean_keepdim(2)?;
            let variance = y.broadcast_sub(&mean)?.sqr()?.mean_keepdim(2)?;
            Ok(Moments { mean, variance })
        })
    }

    fn merge_moments(&self, parts: &[(usize, Moments)]) -> Result<Moments> {
        let total = parts.iter().map(|(weight, _)| *weight as f64).sum::<f64>();
        // Metal has no f64.
        let wide = if self.device.is_metal() { DType::F32 } else { DType::F64 };
        on("merge_moments", || {
            // The sum of `of(part) · weight / total` over all parts.
            let mean_of = |of: &dyn Fn(&Moments) -> candle_core::Result<Tensor>| {
                let weighted = parts.iter().map(|(weight, part)| of(part)? * (*weight as f64 / total));
                Tensor::cat(&weighted.collect::<candle_core::Result<Vec<_>>>()?, 2)?.sum_keepdim(2)
            };
            let mean = mean_of(&|part| part.mean.to_dtype(wide))?;
            let variance =
                mean_of(&|part| part.variance.to_dtype(wide)? + (part.mean.to_dtype(wide)? - &mean)?.sqr()?)?;
            Ok(Moments { mean: mean.to_dtype(DType::F32)?, variance: variance.to_dtype(DType::F32)? })
        })
    }

    fn normalise(&self, x: &Tensor, weights: &Norm, moments: &Moments, eps: f32, silu: bool) -> Result<Tensor> {
        let [n, c, h, w] = dims("normalise", x)?;
        let [images, groups, _] = dims("normalise", &moments.mean)?;
        check_groups("normalise", x, c, groups)?;
        if images != n {
            return Err(misfit("normalise", x.dims(), format!("{images} images that moments are of")));
        }
        on("normalise", || {
            // Half precision overflows in between: normalise in f32.
            let y = x.to_dtype(DType::F32)?.reshape((n, groups, c / groups * h * w))?;
            let scale = (&moments.variance + f64::from(eps))?.sqrt()?.recip()?;
            let y = y.broadcast_sub(&moments.mean)?.broadcast_mul(&scale)?.reshape((n, c, h, w))?;
            let y = y
                .to_dtype(self.dtype)?
                .broadcast_mul(&weights.scale.reshape((1, c, 1, 1))?)?
                .broadcast_add(&weights.shift.reshape((1, c, 1, 1))?)?;
            if silu { y.silu() } else { Ok(y) }
        })
    }

    fn layer_norm(&self, x: &Tensor, weights: &Norm, eps: f32) -> Result<Tensor> {
        on("layer_norm", || candle_nn::ops::layer_norm(&x.contiguous()?, &weights.scale, &weights.shift, eps))
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, options: &Attention<Tensor>) -> Result<Tensor> {
        let &Attention { heads, ref mask, .. } = options;
        let [n, queries, width] = dims("attention", q)?;
        let [_, keys, _] = dims("attention", k)?;
        if heads == 0 || !width.is_multiple_of(heads) || k.dims() != v.dims() || k.dims() != [n, keys, width] {
            return Err(misfit(
                "attention",
                k.dims(),
                format!("keys and values like queries {:?} with {heads} heads", q.dims()),
            ));
        }
        let depth = width / heads;
        let scale = options.scale.map_or_else(|| (depth as f64).sqrt().recip(), f64::from);
        #[cfg(feature = "cuda")]
        if matches!(mask, Mask::None)
            && let Some(y) = self.own(|| cuda::attention([q, k, v], heads, scale as f32))
        {
            return on("attention", || y);
        }
        // [n, t, c] → [n · heads, t, depth]
        let split = |x: &Tensor, tokens: usize| {
            x.reshape((n, tokens, heads, depth))?.transpose(1, 2)?.reshape((n * heads, tokens, depth))
        };
        on("attention", || {
            let q = (split(q, queries)? * scale)?;
            let k = split(k, keys)?.t()?;
            let v = split(v, keys)?;
            let slice = (self.scratch / (n * heads * keys).max(1)).clamp(1, queries.max(1));
            let mut parts = Vec::with_capacity(queries.div_ceil(slice));
            for start in (0..queries).step_by(slice) {
                let count = slice.min(queries - start);
                let q = if count == queries { q.clone() } else { q.narrow(1, start, count)?.contiguous()? };
                let mut scores = q.matmul(&k)?;
                match mask {
                    Mask::None => {}
                    Mask::Causal => scores = scores.broadcast_add(&self.causal_mask(start, count, keys)?)?,
                    Mask::Bias(bias) => {
                        let bias = bias.narrow(1, start, count)?.unsqueeze(1)?;
                        let by_head = scores.reshape((n, heads, count, keys))?.broadcast_add(&bias)?;
                        scores = by_head.reshape((n * heads, count, keys))?;
                    }
                }
                parts.push(candle_nn::ops::softmax_last_dim(&scores)?.matmul(&v)?);
            }
            let y = joined(&parts, 1)?;
            y.reshape((n, heads, queries, depth))?.transpose(1, 2)?.reshape((n, queries, width))
        })
    }

    fn attention_to(&self, q: &Tensor, keys: &[&KeyValues], options: &Attention<Tensor>) -> Result<Tensor> {
        let joined = |of: fn(&KeyValues) -> &Tensor| match keys {
            [one] => Ok(of(one).clone()),
            many => on("attention", || Tensor::cat(&many.iter().map(|keys| of(keys)).collect::<Vec<_>>(), 0)),
        };
        self.attention(q, &joined(|keys| &keys.k)?, &joined(|keys| &keys.v)?, options)
    }

    fn geglu(&self, x: &Tensor) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if let Some(y) = self.own(|| cuda::geglu(x)) {
            return on("geglu", || y);
        }
        on("geglu", || {
            let half = x.dim(D::Minus1)? / 2;
            let gate = x.narrow(D::Minus1, half, half)?.gelu_erf()?;
            x.narrow(D::Minus1, 0, half)? * gate
        })
    }

    fn activate(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        on("activate", || match activation {
            Activation::Silu => x.silu(),
            Activation::Relu => x.relu(),
            Activation::Gelu => x.gelu_erf(),
            Activation::QuickGelu => x * candle_nn::ops::sigmoid(&(x * 1.702)?)?,
        })
    }

    fn upsample(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        on("upsample", || x.contiguous()?.upsample_nearest2d(height, width))
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        on("add", || a + b)
    }

    fn add_channels(&self, x: &Tensor, vector: &Tensor) -> Result<Tensor> {
        on("add_channels", || match x.rank() {
            3 => x.broadcast_add(&vector.unsqueeze(1)?),
            _ => x.broadcast_add(&vector.unsqueeze(2)?.unsqueeze(3)?),
        })
    }

    fn concat(&self, parts: &[&Tensor], axis: usize) -> Result<Tensor> {
        on("concat", || Tensor::cat(parts, axis))
    }

    fn select(&self, x: &Tensor, rows: &[usize]) -> Result<Tensor> {
        let ids = rows.iter().map(|&row| u32::try_from(row)).collect::<Result<Vec<_>, _>>();
        let ids = ids.map_err(|error| Error::Device { operator: "select", message: error.to_string() })?;
        on("select", || {
            let ids = Tensor::new(ids, &self.device)?;
            x.contiguous()?.index_select(&ids, 0)
        })
    }

    fn slice(&self, x: &Tensor, axis: usize, start: usize, count: usize) -> Result<Tensor> {
        on("slice", || x.narrow(axis, start, count)?.contiguous())
    }

    fn blend(&self, x: &Tensor, weights: &Tensor, counts: &[usize]) -> Result<Tensor> {
        on("blend", || {
            let x = x.broadcast_mul(&weights.unsqueeze(2)?)?;
            let mut start = 0;
            let sums = counts.iter().map(|&count| {
                let sum = x.narrow(0, start, count)?.sum_keepdim(0)?;
                start += count;
                Ok(sum)
            });
            Tensor::cat(&sums.collect::<candle_core::Result<Vec<_>>>()?, 0)
        })
    }

    fn to_tokens(&self, x: &Tensor) -> Result<Tensor> {
        on("to_tokens", || x.flatten_from(2)?.transpose(1, 2)?.contiguous())
    }

    fn to_image(&self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let [n, _, c] = dims("to_image", x)?;
        on("to_image", || x.transpose(1, 2)?.reshape((n, c, height, width)))
    }

    fn embed(&self, table: &Tensor, ids: &[u32]) -> Result<Tensor> {
        on("embed", || table.index_select(&Tensor::new(ids, &self.device)?, 0)?.unsqueeze(0))
    }

    fn affine(&self, x: &Tensor, factor: f32, offset: f32) -> Result<Tensor> {
        on("affine", || x.affine(f64::from(factor), f64::from(offset)))
    }
}

/// A convolution without its bias.
fn product_of_image(x: &Tensor, weights: &Conv) -> candle_core::Result<Tensor> {
    let ConvOptions { stride, before, after } = weights.options;
    if before == after {
        x.conv2d(&weights.weight, before, stride, 1, 1)
    } else {
        let padded = x.pad_with_zeros(2, before, after)?.pad_with_zeros(3, before, after)?;
        padded.conv2d(&weights.weight, 0, stride, 1, 1)
    }
}

/// A linear layer without its bias.
fn product_of_rows(x: &Tensor, weights: &Linear) -> candle_core::Result<Tensor> {
    match *x.dims() {
        [n, tokens, width] => {
            let y = x.reshape((n * tokens, width))?.matmul(&weights.weight)?;
            y.reshape((n, tokens, weights.weight.dim(1)?))
        }
        _ => x.matmul(&weights.weight),
    }
}

impl Candle {
    /// What a kernel of our own makes, where they are used and there is one.
    #[cfg(feature = "cuda")]
    fn own<T>(&self, run: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.own_kernels { run() } else { None }
    }

    /// 0 where query `start + row` may see key `column`, −∞ elsewhere.
    fn causal_mask(&self, start: usize, rows: usize, keys: usize) -> candle_core::Result<Tensor> {
        let mask: Vec<f32> = (start..start + rows)
            .flat_map(|row| (0..keys).map(move |column| if column <= row { 0.0 } else { f32::NEG_INFINITY }))
            .collect();
        Tensor::from_vec(mask, (1, rows, keys), &self.device)?.to_dtype(self.dtype)
    }
}
