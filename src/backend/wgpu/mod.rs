//! The operators on any graphics card, by kernels of our own over wgpu (Vulkan, Metal, DX12).
//!
//! The device is opened for drawing alone: nothing of it is shared with the window. Operators only record what is to be done;
//! it is handed over in short submissions, and waited for when something is downloaded. Images lie with their channels last,
//! so tokens are the same values.

mod adapter;
mod attend;
mod gpu;
mod kernels;
mod moves;
mod norms;
mod operators;
mod pack;
mod pipelines;
mod pool;
mod products;
mod recorder;
mod tensor;
mod transfer;
mod trusted;

pub use adapter::{Adapter, AdapterKind, adapters};
pub use norms::Moments;
pub use operators::KeyValues;
pub use pack::{Embedding, Norm};
pub use products::{Conv, Linear};
pub use tensor::Tensor;

use super::{Dtype, Error, Result, Shape, truth};
use gpu::Gpu;
use kernels::units::Cut;
use kernels::{Kernel, Store};
use pipelines::Pipelines;
use pool::{Held, Pool};
use recorder::{Recorder, Step};
use std::sync::Arc;

/// The share of a card's memory that is ours at most: of its own, and of memory that the system uses too.
const OWN_SHARE: f64 = 0.85;
const COMMON_SHARE: f64 = 0.5;

/// A graphics card.
#[derive(Debug)]
pub struct Wgpu {
    gpu: Arc<Gpu>,
    pool: Arc<Pool>,
    recorder: Recorder,
    pipelines: Pipelines,
    store: Store,
    name: String,
    /// Cuts of products for matrix units, the largest first; empty where there are none, or they compute wrong.
    cuts: Vec<Cut>,
    /// Bound where a kernel's input is not there.
    nothing: Held,
}

impl Wgpu {
    /// Opens the adapter of this number in [`adapters`], or without one the card that promises most.
    ///
    /// # Errors
    /// If there is none, or it lacks something that is needed, or computes wrong.
    pub fn open(number: Option<usize>, dtype: Dtype) -> Result<Self> {
        Self::on(&adapter::choose(number)?, dtype, None)
    }

    /// Opens an adapter. Tensors and weights take at most `budget` bytes; without one, a share of its memory.
    ///
    /// # Errors
    /// If it lacks something that is needed, or computes wrong.
    pub fn on(adapter: &Adapter, dtype: Dtype, budget: Option<u64>) -> Result<Self> {
        let mut this = Self::with(adapter, dtype, budget, true)?;
        this.check()?;
        this.try_units();
        if this.gpu.units.is_some() && this.gpu.check(adapter::OPENING).is_err() {
            // The trial has cost the device.
            this = Self::with(adapter, dtype, budget, false)?;
            this.check()?;
        }
        Ok(this)
    }

    fn with(adapter: &Adapter, dtype: Dtype, budget: Option<u64>, units: bool) -> Result<Self> {
        let store = match dtype {
            Dtype::Auto | Dtype::F32 => Store::F32,
            Dtype::F16 => Store::F16,
            Dtype::Bf16 => {
                let message = format!("{} does not compute in bf16; say f32 or f16", adapter.name);
                return Err(Error::Device { operator: adapter::OPENING, message });
            }
        };
        let half = store == Store::F16;
        let gpu = Arc::new(Gpu::open(adapter, half, half && units)?);
        let share = if adapter.kind == AdapterKind::Discrete { OWN_SHARE } else { COMMON_SHARE };
        let known = adapter.memory.map(|bytes| (bytes as f64 * share) as u64);
        let pool = Pool::new(Arc::clone(&gpu), budget.or(known).unwrap_or(u64::MAX));
        // What the slowest of a kind does in a second, about.
        let slowest = if adapter.kind == AdapterKind::Software { 2e9 } else { 1e11 };
        let nothing = pool.take(4, true).ok_or_else(|| no_room(adapter::OPENING))?;
        Ok(Self {
            recorder: Recorder::new(Arc::clone(&gpu), slowest),
            pipelines: Pipelines::new(Arc::clone(&gpu), store),
            store,
            name: adapter.name.clone(),
            cuts: Vec::new(),
            nothing,
            pool,
            gpu,
        })
    }

    /// Fails where it computes wrong.
    fn check(&self) -> Result<()> {
        truth::check(self, &self.name, self.bound())
    }

    /// The distance from the truth that rounding can bring.
    fn bound(&self) -> f64 {
        match self.store {
            Store::F32 => truth::F32,
            Store::F16 => truth::F16,
        }
    }

    /// Takes the matrix units into use, if a cut for them computes right.
    fn try_units(&mut self) {
        let Some((side, sizes)) = self.gpu.units else { return };
        // A subgroup's size is the driver's choice: a text for another one gives wrong results.
        for lanes in sizes {
            // Software compiles a large text for minutes.
            let tiles: &[(u32, u32)] = if lanes < 32 { &[(32, 16)] } else { &[(128, 32), (64, 32)] };
            let cuts = tiles.iter().map(|&(tile, depth)| Cut { side, lanes, tile, depth });
            let right = |cut: &Cut| {
                self.cuts = vec![*cut];
                truth::check_products(self, &self.name, self.bound()).is_ok()
            };
            self.cuts = cuts.filter(right).collect();
            if !self.cuts.is_empty() {
                return;
            }
        }
    }

    /// A buffer, for which all that waits makes room where there is none.
    fn take(&self, operator: &'static str, bytes: usize, weight: bool) -> Result<Held> {
        self.gpu.check(operator)?;
        if let Some(held) = self.pool.take(bytes, weight) {
            return Ok(held);
        }
        self.recorder.finish(operator)?;
        self.pipelines.unbind();
        self.pool.trim();
        self.pool.take(bytes, weight).ok_or_else(|| no_room(operator))
    }

    /// A tensor with any values in it.
    fn empty(&self, operator: &'static str, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let bytes = shape.iter().try_fold(self.store.bytes(), |bytes, size| bytes.checked_mul(*size));
        let held = self.take(operator, bytes.ok_or_else(|| no_room(operator))?, false)?;
        Ok(Tensor { shape, held: Arc::new(held) })
    }

    /// Records a dispatch.
    fn launch(&self, operator: &'static str, launch: Launch<'_>) -> Result<()> {
        let Launch { kernel, inputs, output, words, groups, work } = launch;
        if self.pool.some_gone() {
            self.pipelines.unbind();
        }
        let pipeline = self.pipelines.pipeline(operator, kernel)?;
        let bound = self.pipelines.bind(operator, inputs, output)?;
        let words = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.recorder.push(operator, Step { pipeline, bound, words, groups, work })
    }

    /// Records a dispatch of one thread a value, or vector of values; `words` come after the count and the row.
    fn launch_flat(
        &self,
        operator: &'static str,
        kernel: Kernel,
        inputs: &[&Held],
        output: &Held,
        count: usize,
        words: &[u32],
    ) -> Result<()> {
        let (groups, row) = rows_of(count.div_ceil(FLAT));
        let words: Vec<u32> = [count as u32, row * FLAT as u32].into_iter().chain(words.iter().copied()).collect();
        let work = (count * FLAT_WORK) as f64;
        self.launch(operator, Launch { kernel, inputs, output, words: &words, groups, work })
    }
}

/// Threads of a workgroup in kernels of one thread a value.
const FLAT: usize = 256;
/// Operations that such a thread is as long as: it waits for memory.
const FLAT_WORK: usize = 64;
/// Workgroups in a row of a dispatch: all systems take as many.
const ROW: usize = 1 << 15;

/// So many workgroups as rows and columns, and the columns.
fn rows_of(groups: usize) -> ([u32; 3], u32) {
    let row = groups.clamp(1, ROW);
    ([row as u32, groups.div_ceil(row) as u32, 1], row as u32)
}

/// A dispatch to be recorded.
struct Launch<'a> {
    kernel: Kernel,
    inputs: &'a [&'a Held],
    output: &'a Held,
    /// Sizes, as the text's struct has them.
    words: &'a [u32],
    groups: [u32; 3],
    /// Operations, roughly.
    work: f64,
}

fn no_room(operator: &'static str) -> Error {
    Error::OutOfMemory { operator }
}

fn failure(operator: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::Device { operator, message: error.to_string() }
}

#[cfg(test)]
mod tests;
