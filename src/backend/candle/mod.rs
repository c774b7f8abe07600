//! The operators on candle: the processor now, CUDA and Metal behind features later, and the oracle for every other backend.

mod cpu;

use super::{Activation, Backend, ConvOptions, Error, HostTensor, Result};
use candle_core::{D, DType, Device, Tensor};

/// Values that an operator holds besides its input and output, at a time: 32 MiB in f32. Attention does slices of its
/// queries, and a convolution on the processor slices of its rows, to stay below.
const SCRATCH: usize = 8 << 20;

/// candle on one of its devices, in one precision.
#[derive(Debug, Clone)]
pub struct Candle {
    device: Device,
    dtype: DType,
    /// See [`Candle::with_scratch`].
    scratch: usize,
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
        Self { device, dtype, scratch: SCRATCH }
    }

    /// Bounds the values that an operator holds besides its input and output (one query's or one row's are always held).
    #[must_use]
    pub fn with_scratch(self, scratch: usize) -> Self {
        Self { scratch, ..self }
    }

    /// Whether the operators of [`cpu`] are used.
    fn on_processor(&self) -> bool {
        self.device.is_cpu() && self.dtype == DType::F32
    }

    fn host(&self, tensor: HostTensor, operator: &'static str) -> Result<Tensor> {
        on(operator, || Tensor::from_vec(tensor.data, tensor.shape, &self.device)?.to_dtype(self.dtype))
    }
}

/// Weights of a convolution.
#[derive(Debug)]
pub struct Conv {
    weight: Tensor,
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
    x.dims().try_into().map_err(|_| Error::Shape {
        operator,
        found: x.dims().to_vec(),
        expected: format!("{N} dimensions"),
    })
}

/// A convolution as products of its weights with the patches of the image, a slice of rows at a time.
fn conv2d_on_processor(x: &Tensor, weights: &Conv, scratch: usize) -> Result<Tensor> {
    let [n, channels, in_height, in_width] = dims("conv2d", x)?;
    let [outputs, inputs, kernel, _] = dims("conv2d", &weights.weight)?;
    let ConvOptions { stride, before, after } = weights.options;
    let size = |side: usize| (side + before + after).checked_sub(kernel).map(|rest| rest / stride + 1);
    let (Some(height), Some(width)) = (size(in_height), size(in_width)) else {
        let expected = format!("sides of at least {kernel}");
        return Err(Error::Shape { operator: "conv2d", found: x.dims().to_vec(), expected });
    };
    if channels != inputs || n * height * width == 0 {
        let expected = format!("{inputs} channels");
        return Err(Error::Shape { operator: "conv2d", found: x.dims().to_vec(), expected });
    }
    on("conv2d", || {
        let x = x.contiguous()?;
        let lines = inputs * kernel * kernel;
        let matrix = weights.weight.reshape((outputs, lines))?;
        if kernel == 1 && stride == 1 && before + after == 0 {
            let x = x.reshape((n, channels, height * width))?;
            let y = matrix.broadcast_left(n)?.matmul(&x)?;
            return y.reshape((n, outputs, height, width))?.broadcast_add(&weights.bias);
        }
        let slice = (scratch / (lines * n * width)).clamp(1, height);
        let mut parts = Vec::with_capacity(height.div_ceil(slice));
        for first_row in (0..height).step_by(slice) {
            let rows = slice.min(height - first_row);
            let op = cpu::Patches { kernel, stride, before, width, first_row, rows };
            let y = matrix.matmul(&x.apply_op1_no_bwd(&op)?)?;
            parts.push(y.reshape((outputs, n, rows, width))?.transpose(0, 1)?);
        }
        let y = match parts.as_slice() {
            [all] => all.clone(),
            _ => Tensor::cat(&parts, 2)?,
        };
        y.contiguous()?.broadcast_add(&weights.bias)
    })
}

impl Backend for Candle {
    type Tensor = Tensor;
    type Conv = Conv;
    type Linear = Linear;
    type Norm = Norm;
    type Embedding = Tensor;

    fn describe(&self) -> String {
        let dtype = self.dtype.as_str();
        match &self.device {
            Device::Cpu => match rayon::current_num_threads() {
                1 => format!("CPU, 1 thread, {dtype}"),
                threads => format!("CPU, {threads} threads, {dtype}"),
            },
            Device::Cuda(_) => format!("CUDA, {dtype}"),
            Device::Metal(_) => format!("Metal, {dtype}"),
        }
    }

    fn pack_conv(&self, weight: HostTensor, bias: HostTensor, options: ConvOptions) -> Result<Conv> {
        let weight = self.host(weight, "packing a convolution")?;
        let bias = self.host(bias, "packing a convolution")?;
        let bias = on("packing a convolution", || bias.reshape((1, (), 1, 1)))?;
        Ok(Conv { weight, bias, options })
    }

    fn pack_linear(&self, weight: HostTensor, bias: Option<HostTensor>) -> Result<Linear> {
        let weight = self.host(weight, "packing a linear layer")?;
        let weight = on("packing a linear layer", || weight.t())?;
        let bias = bias.map(|bias| self.host(bias, "packing a linear layer")).transpose()?;
        Ok(Linear { weight, bias })
    }

    fn pack_norm(&self, scale: HostTensor, shift: HostTensor) -> Result<Norm> {
        Ok(Norm {
            scale: self.host(scale, "packing a normalisation")?,
            shift: self.host(shift, "packing a normalisation")?,
        })
    }

    fn pack_embedding(&self, table: HostTensor) -> Result<Tensor> {
        self.host(table, "packing an embedding")
    }

    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Tensor> {
        if shape.iter().product::<usize>() != data.len() {
            let expected = format!("{} values", data.len());
            return Err(Error::Shape { operator: "upload", found: shape.to_vec(), expected });
        }
        on("upload", || Tensor::from_slice(data, shape, &self.device)?.to_dtype(self.dtype))
    }

    fn download(&self, x: &Tensor) -> Result<Vec<f32>> {
        on("download", || x.to_dtype(DType::F32)?.flatten_all()?.to_vec1())
    }

    fn shape(&self, x: &Tensor) -> Vec<usize> {
        x.dims().to_vec()
    }

    fn conv2d(&self, x: &Tensor, weights: &Conv) -> Result<Tensor> {
        let ConvOptions { stride, before, after } = weights.options;
        if self.on_processor() {
            return conv2d_on_processor(x, weights, self.scratch);
        }
        on("conv2d", || {
            let y = if before == after {
                x.conv2d(&weights.weight, before, stride, 1, 1)?
            } else {
                let padded = x.pad_with_zeros(2, before, after)?.pad_with_zeros(3, before, after)?;
                padded.conv2d(&weights.weight, 0, stride, 1, 1)?
            };
            y.broadcast_add(&weights.bias)
        })
    }

    fn linear(&self, x: &Tensor, weights: &Linear) -> Result<Tensor> {
        on("linear", || {
            let y = match *x.dims() {
                [n, tokens, width] => x.reshape((n * tokens, width))?.matmul(&weights.weight)?.reshape((
                    n,
                    tokens,
                    weights.weight.dim(1)?,
                ))?,
                _ => x.matmul(&weights.weight)?,
            };
            match &weights.bias {
                Some(bias) => y.broadcast_add(bias),
                None => Ok(y),
            }
        })
    }

    fn group_norm(&self, x: &Tensor, weights: &Norm, groups: usize, eps: f32, silu: bool) -> Result<Tensor> {
        let [n, c, h, w] = dims("group_norm", x)?;
        if groups == 0 || !c.is_multiple_of(groups) {
            let expected = format!("channels a multiple of {groups} groups");
            return Err(Error::Shape { operator: "group_norm", found: x.dims().to_vec(), expected });
        }
        if self.on_processor() {
            let op = cpu::GroupNorm { groups, eps, silu };
            return on("group_norm", || x.contiguous()?.apply_op3_no_bwd(&weights.scale, &weights.shift, &op));
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

    fn layer_norm(&self, x: &Tensor, weights: &Norm, eps: f32) -> Result<Tensor> {
        on("layer_norm", || candle_nn::ops::layer_norm(&x.contiguous()?, &weights.scale, &weights.shift, eps))
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, heads: usize, causal: bool) -> Result<Tensor> {
        let [n, queries, width] = dims("attention", q)?;
        let [_, keys, _] = dims("attention", k)?;
        if heads == 0 || !width.is_multiple_of(heads) || k.dims() != v.dims() || k.dims() != [n, keys, width] {
            let expected = format!("keys and values like queries {:?} with {heads} heads", q.dims());
            return Err(Error::Shape { operator: "attention", found: k.dims().to_vec(), expected });
        }
        let depth = width / heads;
        #[expect(clippy::cast_precision_loss, reason = "a head's width")]
        let scale = (depth as f64).sqrt().recip();
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
                if self.on_processor() {
                    scores.inplace_op1(&cpu::Softmax { causal, first_query: start })?;
                    parts.push(scores.matmul(&v)?);
                    continue;
                }
                if causal {
                    scores = scores.broadcast_add(&self.causal_mask(start, count, keys)?)?;
                }
                parts.push(candle_nn::ops::softmax_last_dim(&scores)?.matmul(&v)?);
            }
            let y = match parts.as_slice() {
                [all] => all.clone(),
                _ => Tensor::cat(&parts, 1)?,
            };
            y.reshape((n, heads, queries, depth))?.transpose(1, 2)?.reshape((n, queries, width))
        })
    }

    fn geglu(&self, x: &Tensor) -> Result<Tensor> {
        if self.on_processor() {
            return on("geglu", || x.contiguous()?.apply_op1_no_bwd(&cpu::Geglu));
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
        on("select", || x.contiguous()?.index_select(&Tensor::new(ids, &self.device)?, 0))
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

impl Candle {
    /// 0 where query `start + row` may see key `column`, −∞ elsewhere.
    fn causal_mask(&self, start: usize, rows: usize, keys: usize) -> candle_core::Result<Tensor> {
        let mask: Vec<f32> = (start..start + rows)
            .flat_map(|row| (0..keys).map(move |column| if column <= row { 0.0 } else { f32::NEG_INFINITY }))
            .collect();
        Tensor::from_vec(mask, (1, rows, keys), &self.device)?.to_dtype(self.dtype)
    }
}
