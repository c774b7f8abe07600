//! NVIDIA's cards: which there are, and operators of our own that candle has only as several (`fused.cu`).
//!
//! Everything goes to one stream, and nothing here waits for it.

use super::super::{Activation, Epilogue, Error, Result};
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, DeviceRepr, LaunchConfig, PushKernelArg, result};
use candle_core::cuda_backend::{CudaDType, WrapErr as _};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, DType, Device, Storage, Tensor, WithDType};

/// The kernels of `fused.cu`, for Ampere and newer.
const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/fused.ptx"));

/// Opens the card of this number, in CUDA's order.
///
/// # Errors
/// If there is no driver, or no such card, or a library is missing.
pub(super) fn open(number: usize) -> Result<Device> {
    let fail = |message| Error::Device { operator: "opening CUDA", message };
    // First of all calls: without a driver it gives an error, where others would panic.
    result::init().map_err(|_| fail("this machine has no driver for NVIDIA's cards; draw with wgpu or cpu".into()))?;
    let count = result::device::get_count().map_err(|error| fail(error.to_string()))?;
    if number >= usize::try_from(count).unwrap_or(0) {
        return Err(fail(format!("there is no cuda:{number} ({count} cards of NVIDIA are here)")));
    }
    // A stream of its own: the one "of each thread" is another one in every thread that packs weights.
    Device::new_cuda_with_stream(number).map_err(|error| {
        let text = error.to_string();
        let fact = text.lines().next().unwrap_or_default();
        fail(format!("{fact}; are cuBLAS 13, cuRAND 10 and NVRTC 13 installed?"))
    })
}

/// Names and bytes of memory of NVIDIA's cards, in CUDA's order; none without a driver.
pub(super) fn cards() -> Vec<(String, u64)> {
    if result::init().is_err() {
        return Vec::new();
    }
    let count = result::device::get_count().unwrap_or(0);
    let card = |number| {
        let device = result::device::get(number).ok()?;
        // SAFETY: the driver itself gave the device.
        #[allow(unsafe_code, reason = "cudarc marks the question as unsafe")]
        let memory = unsafe { result::device::total_mem(device) }.ok()?;
        Some((result::device::get_name(device).ok()?, memory as u64))
    };
    (0..count).map_while(card).collect()
}

/// The card's name.
pub(super) fn name(device: &Device) -> Option<String> {
    device.as_cuda_device().ok()?.cuda_stream().context().name().ok()
}

/// Bytes that are free on the card.
pub(super) fn room(device: &Device) -> Option<usize> {
    let (free, _) = device.as_cuda_device().ok()?.cuda_stream().context().mem_get_info().ok()?;
    Some(free)
}

/// Heads of this depth have a kernel.
const DEPTHS: [usize; 7] = [32, 40, 64, 80, 96, 128, 160];

/// Attention of `q` `[n, t, c]` to `k` and `v` `[n, s, c]`; `None` where it has no kernel.
pub(super) fn attention([q, k, v]: [&Tensor; 3], heads: usize, scale: f32) -> Option<candle_core::Result<Tensor>> {
    let depth = q.dims().last()? / heads.max(1);
    if !DEPTHS.contains(&depth) {
        return None;
    }
    match q.dtype() {
        DType::F16 => Some(attention_of::<half::f16>("f16", [q, k, v], heads, depth, scale)),
        DType::BF16 => Some(attention_of::<half::bf16>("bf16", [q, k, v], heads, depth, scale)),
        _ => None,
    }
}

/// Group norm of an image, with SiLU where `silu`.
pub(super) fn group_norm(
    x: &Tensor,
    [scale, shift]: [&Tensor; 2],
    groups: usize,
    eps: f32,
    silu: bool,
) -> Option<candle_core::Result<Tensor>> {
    match x.dtype() {
        DType::F32 => Some(group_norm_of::<f32>("f32", x, [scale, shift], groups, eps, silu)),
        DType::F16 => Some(group_norm_of::<half::f16>("f16", x, [scale, shift], groups, eps, silu)),
        DType::BF16 => Some(group_norm_of::<half::bf16>("bf16", x, [scale, shift], groups, eps, silu)),
        _ => None,
    }
}

/// `a · gelu(b)` of the halves of the last dimension.
pub(super) fn geglu(x: &Tensor) -> Option<candle_core::Result<Tensor>> {
    match x.dtype() {
        DType::F32 => Some(geglu_of::<f32>("f32", x)),
        DType::F16 => Some(geglu_of::<half::f16>("f16", x)),
        DType::BF16 => Some(geglu_of::<half::bf16>("bf16", x)),
        _ => None,
    }
}

/// What follows a product: its bias `[c]`, and an epilogue.
pub(super) fn follow(
    x: &Tensor,
    bias: Option<&Tensor>,
    then: &Epilogue<Tensor>,
) -> Option<candle_core::Result<Tensor>> {
    match x.dtype() {
        DType::F32 => Some(follow_of::<f32>("f32", x, bias, then)),
        DType::F16 => Some(follow_of::<half::f16>("f16", x, bias, then)),
        DType::BF16 => Some(follow_of::<half::bf16>("bf16", x, bias, then)),
        _ => None,
    }
}

/// A type that the kernels are made for.
trait Value: CudaDType + DeviceRepr + WithDType {}
impl<T: CudaDType + DeviceRepr + WithDType> Value for T {}

/// Calls `run` with the values of contiguous tensors on the card.
fn with_values<T: Value, R, const N: usize>(
    tensors: [&Tensor; N],
    run: impl FnOnce([CudaView<'_, T>; N]) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    let held = tensors.map(Tensor::storage_and_layout);
    let mut views = Vec::with_capacity(N);
    for (storage, layout) in &held {
        let Storage::Cuda(storage) = &**storage else { candle_core::bail!("a tensor is not on the card") };
        let Some((start, end)) = layout.contiguous_offsets() else { candle_core::bail!("a tensor is not contiguous") };
        views.push(storage.as_cuda_slice::<T>()?.slice(start..end));
    }
    match <[CudaView<'_, T>; N]>::try_from(views) {
        Ok(views) => run(views),
        Err(_) => candle_core::bail!("a view for each tensor"),
    }
}

/// Room for `len` values, which a kernel will write.
fn empty<T: Value>(like: &Tensor, len: usize) -> candle_core::Result<CudaSlice<T>> {
    // SAFETY: every kernel of fused.cu writes all values of its result, and only such results are allocated here.
    unsafe { like.device().as_cuda_device()?.alloc::<T>(len) }
}

fn wrapped<T: Value>(values: CudaSlice<T>, like: &Tensor, shape: &[usize]) -> candle_core::Result<Tensor> {
    let storage = CudaStorage::wrap_cuda_slice(values, like.device().as_cuda_device()?.clone());
    Ok(Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false))
}

/// Blocks and threads of a kernel that goes over values one by one.
fn over(count: usize) -> LaunchConfig {
    let blocks = count.div_ceil(256).clamp(1, 1 << 16) as u32;
    LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (256, 1, 1), shared_mem_bytes: 0 }
}

fn attention_of<T: Value>(
    name: &str,
    tensors: [&Tensor; 3],
    heads: usize,
    depth: usize,
    scale: f32,
) -> candle_core::Result<Tensor> {
    let [q, k, v] = [tensors[0].contiguous()?, tensors[1].contiguous()?, tensors[2].contiguous()?];
    let (n, queries, _) = q.dims3()?;
    let keys = k.dim(1)?;
    let device = q.device().as_cuda_device()?;
    let kernel = device.get_or_load_custom_func(&format!("attention_{name}_{depth}"), "polyptych", KERNELS)?;
    let mut y = empty::<T>(&q, q.elem_count())?;
    let sizes = [queries, keys, heads].map(|size| size as i32);
    let config = LaunchConfig {
        grid_dim: (queries.div_ceil(64) as u32, (n * heads) as u32, 1),
        block_dim: (128, 1, 1),
        shared_mem_bytes: 0,
    };
    with_values::<T, _, 3>([&q, &k, &v], |[q, k, v]| {
        let mut call = kernel.builder();
        call.arg(&q).arg(&k).arg(&v).arg(&mut y).arg(&sizes[0]).arg(&sizes[1]).arg(&sizes[2]).arg(&scale);
        // SAFETY: arguments are as `attention` in fused.cu declares them; it reads and writes within the sizes, which the
        // operator has checked.
        unsafe { call.launch(config) }.w()
    })?;
    wrapped(y, &q, q.dims())
}

fn group_norm_of<T: Value>(
    name: &str,
    x: &Tensor,
    weights: [&Tensor; 2],
    groups: usize,
    eps: f32,
    silu: bool,
) -> candle_core::Result<Tensor> {
    let x = x.contiguous()?;
    let (n, c, h, w) = x.dims4()?;
    let device = x.device().as_cuda_device()?;
    let kernel = device.get_or_load_custom_func(&format!("group_norm_{name}"), "polyptych", KERNELS)?;
    let mut y = empty::<T>(&x, x.elem_count())?;
    let sizes = [groups, c / groups, h * w].map(|size| size as i32);
    let then = i32::from(silu);
    let config = LaunchConfig { grid_dim: ((n * groups) as u32, 1, 1), block_dim: (512, 1, 1), shared_mem_bytes: 0 };
    with_values::<T, _, 3>([&x, weights[0], weights[1]], |[x, scale, shift]| {
        let mut call = kernel.builder();
        call.arg(&x).arg(&scale).arg(&shift).arg(&mut y);
        call.arg(&sizes[0]).arg(&sizes[1]).arg(&sizes[2]).arg(&eps).arg(&then);
        // SAFETY: as above, for `group_norm`.
        unsafe { call.launch(config) }.w()
    })?;
    wrapped(y, &x, x.dims())
}

fn geglu_of<T: Value>(name: &str, x: &Tensor) -> candle_core::Result<Tensor> {
    let x = x.contiguous()?;
    let mut shape = x.dims().to_vec();
    let half = shape.last().copied().unwrap_or(0) / 2;
    if let Some(last) = shape.last_mut() {
        *last = half;
    }
    let count = shape.iter().product::<usize>();
    let kernel =
        x.device().as_cuda_device()?.get_or_load_custom_func(&format!("geglu_{name}"), "polyptych", KERNELS)?;
    let mut y = empty::<T>(&x, count)?;
    with_values::<T, _, 1>([&x], |[x]| {
        let mut call = kernel.builder();
        call.arg(&x).arg(&mut y).arg(&half).arg(&count);
        // SAFETY: as above, for `geglu`.
        unsafe { call.launch(over(count)) }.w()
    })?;
    wrapped(y, &x, &shape)
}

fn follow_of<T: Value>(
    name: &str,
    x: &Tensor,
    bias: Option<&Tensor>,
    then: &Epilogue<Tensor>,
) -> candle_core::Result<Tensor> {
    let x = x.contiguous()?;
    let [vector, residual] = [then.vector, then.residual].map(|other| other.map(Tensor::contiguous).transpose());
    let (vector, residual) = (vector?, residual?);
    // Images have their channels second, tokens and vectors last.
    let (channels, pixels) = match *x.dims() {
        [_, c, h, w] => (c, h * w),
        _ => (x.dim(candle_core::D::Minus1)?, 1),
    };
    let (count, image) = (x.elem_count(), x.elem_count() / x.dim(0)?.max(1));
    let of_each = vector.as_ref().is_some_and(|vector| vector.dim(0).is_ok_and(|rows| rows > 1));
    let step = if of_each { channels as i32 } else { 0 };
    let has = i32::from(bias.is_some()) | i32::from(vector.is_some()) << 1 | i32::from(residual.is_some()) << 2;
    let activation = match then.activation {
        None => 0_i32,
        Some(Activation::Silu) => 1,
        Some(Activation::Gelu) => 2,
        Some(Activation::QuickGelu) => 3,
        Some(Activation::Relu) => 4,
    };
    let width = channels as i32;
    let kernel =
        x.device().as_cuda_device()?.get_or_load_custom_func(&format!("follow_{name}"), "polyptych", KERNELS)?;
    let mut y = empty::<T>(&x, count)?;
    // What is not there is not read; any tensor stands in its place.
    let parts = [&x, bias.unwrap_or(&x), vector.as_ref().unwrap_or(&x), residual.as_ref().unwrap_or(&x)];
    with_values::<T, _, 4>(parts, |[x, bias, vector, residual]| {
        let mut call = kernel.builder();
        call.arg(&x).arg(&bias).arg(&vector).arg(&residual).arg(&mut y);
        call.arg(&has).arg(&activation).arg(&pixels).arg(&width).arg(&image).arg(&step).arg(&count);
        // SAFETY: as above, for `follow`.
        unsafe { call.launch(over(count)) }.w()
    })?;
    wrapped(y, &x, x.dims())
}
