//! The operators on any graphics card, by kernels of our own over wgpu (Vulkan, Metal, DX12).
//!
//! The device is opened for drawing alone: nothing of it is shared with the window. Operators only record what is to be done;
//! it is handed over in short submissions, and waited for when something is downloaded. Images lie with their channels last,
//! so tokens are the same values.

mod adapter;
mod attend;
mod clock;
mod gpu;
mod kept;
mod kernels;
mod losses;
mod moves;
mod norms;
mod operators;
mod pack;
mod pipelines;
mod plans;
mod pool;
mod products;
mod recorder;
mod speed;
mod tensor;
mod transfer;
mod trusted;
mod tune;

pub use adapter::{Adapter, AdapterKind, adapters};
pub(super) use adapter::{OPENING, choose as find};
pub use norms::Moments;
pub use operators::KeyValues;
pub use pack::{Embedding, Norm};
pub use products::{Conv, Linear};
pub use tensor::Tensor;

use super::{Dtype, Error, Manners, Result, Shape, truth};
use gpu::Gpu;
use kept::Kept;
use kernels::attention_units;
use kernels::units::Cut;
use kernels::{Kernel, Store};
use pipelines::Pipelines;
use plans::{Plan, Plans, Way};
use pool::{Held, Pool};
use recorder::{Recorder, Step};
use std::sync::Arc;
use tune::Tuning;

/// The share of a card's memory that is ours at most: of its own, and of memory that the system uses too.
const OWN_SHARE: f64 = 0.85;
const COMMON_SHARE: f64 = 0.5;

/// A graphics card. Clones are handles on the same device, memory and record.
#[derive(Debug, Clone)]
pub struct Wgpu {
    gpu: Arc<Gpu>,
    pool: Arc<Pool>,
    recorder: Arc<Recorder>,
    pipelines: Arc<Pipelines>,
    /// The type of tensors.
    store: Store,
    name: String,
    kind: AdapterKind,
    /// Workgroups that keep it busy, about.
    busy: usize,
    /// Cuts of products for matrix units, the largest first; empty where there are none, or they compute wrong.
    cuts: Vec<Cut>,
    /// The cut of attention for matrix units, where they compute it right.
    attention: Option<attention_units::Cut>,
    /// The ways of computing the products that there have been.
    found: Arc<Plans>,
    /// The products whose ways were timed.
    tuned: Arc<Tuning>,
    /// The way of all products that it takes, where they are tried out.
    forced: Option<Plan>,
    /// Kernels that compute wrong here and are not used, in words.
    faults: Vec<String>,
    /// Bound where a kernel's input is not there.
    nothing: Arc<Held>,
}

impl Wgpu {
    /// Opens the adapter of this number in [`adapters`], or without one the card that promises most.
    ///
    /// # Errors
    /// If there is none, or it lacks something that is needed, or computes wrong.
    pub fn open(number: Option<usize>, dtype: Dtype) -> Result<Self> {
        Self::open_with_manners(number, dtype, &Manners::default())
    }

    /// As [`Wgpu::open`], with manners.
    ///
    /// # Errors
    /// As [`Wgpu::open`]; also where it is interrupted meanwhile.
    pub fn open_with_manners(number: Option<usize>, dtype: Dtype, manners: &Manners) -> Result<Self> {
        Self::on_with_manners(&adapter::choose(number)?, dtype, None, manners)
    }

    /// Opens an adapter. Tensors and weights take at most `budget` bytes; without one, a share of its memory.
    ///
    /// # Errors
    /// If it lacks something that is needed, or computes wrong.
    pub fn on(adapter: &Adapter, dtype: Dtype, budget: Option<u64>) -> Result<Self> {
        Self::on_with_manners(adapter, dtype, budget, &Manners::default())
    }

    /// As [`Wgpu::on`], with manners.
    ///
    /// # Errors
    /// As [`Wgpu::on`]; also where it is interrupted meanwhile.
    pub fn on_with_manners(adapter: &Adapter, dtype: Dtype, budget: Option<u64>, manners: &Manners) -> Result<Self> {
        let mut this = Self::with(adapter, dtype, budget, manners, true)?;
        this.check()?;
        this.try_units();
        if this.gpu.units.is_some() && this.gpu.check(adapter::OPENING).is_err() {
            // The trial has cost the device.
            this = Self::with(adapter, dtype, budget, manners, false)?;
            this.check()?;
        }
        Ok(this)
    }

    /// The same card with tensors in f32.
    fn in_f32(&self) -> Self {
        Self { store: Store::F32, ..self.clone() }
    }

    /// The device behind it: tests of its loss.
    #[doc(hidden)]
    #[must_use]
    pub fn device(&self) -> wgpu::Device {
        self.gpu.device.clone()
    }

    fn with(adapter: &Adapter, dtype: Dtype, budget: Option<u64>, manners: &Manners, units: bool) -> Result<Self> {
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
        let kept = manners.kernels.as_deref().and_then(|folder| Kept::open(&gpu, adapter, folder));
        // What the slowest of a kind does in a second, about.
        let slowest = if adapter.kind == AdapterKind::Software { 2e9 } else { 1e11 };
        let nothing = pool.take(4, true).ok_or_else(|| no_room(adapter::OPENING))?;
        Ok(Self {
            recorder: Arc::new(Recorder::new(Arc::clone(&gpu), slowest, manners)),
            pipelines: Arc::new(Pipelines::new(Arc::clone(&gpu), kept)),
            store,
            name: adapter.name.clone(),
            kind: adapter.kind,
            busy: plans::busy(adapter.kind),
            cuts: Vec::new(),
            attention: None,
            found: Arc::default(),
            tuned: Arc::default(),
            forced: None,
            faults: Vec::new(),
            nothing: Arc::new(nothing),
            pool,
            gpu,
        })
    }

    /// Fails where it computes wrong, be it in f32 only.
    fn check(&self) -> Result<()> {
        let check = |b: &Self| {
            truth::check(b, &b.name, b.bound())?;
            b.check_way(Way::Plain)?;
            truth::check_vectors(&b.by(Plan { way: Way::Rows, split: 1 }), &b.name, b.bound())
        };
        check(self)?;
        if self.store == Store::F16 { check(&self.in_f32()) } else { Ok(()) }
    }

    /// Fails where this way of computing products computes wrong, at once or in parts.
    fn check_way(&self, way: Way) -> Result<()> {
        let bound = if matches!(way, Way::Units(_)) { truth::F16 } else { self.bound() };
        [1, 2].into_iter().try_for_each(|split| truth::check_products(&self.by(Plan { way, split }), &self.name, bound))
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
            let tiles: &[[u32; 3]] =
                if lanes < 32 { &[[32, 32, 16]] } else { &[[128, 128, 32], [128, 64, 32], [64, 64, 32]] };
            let cuts = tiles.iter().map(|&[rows, columns, depth]| Cut { side, lanes, rows, columns, depth });
            let wide = self.in_f32();
            let right = |cut: &Cut| {
                let way = Way::Units(*cut);
                self.check_way(way).is_ok() && wide.check_way(way).is_ok()
            };
            let (cuts, wrong): (Vec<_>, Vec<_>) = cuts.partition(right);
            if !cuts.is_empty() {
                let name = |cut: Cut| format!("products on matrix units in tiles of {}×{}", cut.rows, cut.columns);
                self.faults.extend(wrong.into_iter().map(name));
                self.cuts = cuts;
                self.try_attention_on_units(side, sizes);
                return;
            }
        }
        self.faults.push("products on matrix units".to_owned());
    }

    /// Takes the matrix units into use for attention, if a cut for them computes it right.
    fn try_attention_on_units(&mut self, side: u32, sizes: [u32; 2]) {
        // The driver may choose another size for another kernel.
        for lanes in sizes {
            let (blocks, keys) = if lanes < 32 { (1, 16) } else { (2, 32) };
            if self.try_attention(attention_units::Cut { side, lanes, subgroups: 4, blocks, keys }) {
                return;
            }
        }
        self.faults.push("attention on matrix units".to_owned());
    }

    /// Takes this cut into use, if it computes right.
    fn try_attention(&mut self, cut: attention_units::Cut) -> bool {
        self.attention = Some(cut);
        let right = truth::check_attention(self, &self.name, self.bound());
        if let Err(error) = &right {
            log::warn!("attention goes without matrix units: {error}");
            self.attention = None;
        }
        right.is_ok()
    }

    /// A buffer, for which all that waits makes room where there is none.
    fn take(&self, operator: &'static str, bytes: usize, weight: bool) -> Result<Held> {
        self.recorder.check(operator)?;
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
        Ok(Tensor::new(shape, held))
    }

    /// Records a dispatch.
    fn launch(&self, operator: &'static str, launch: Launch<'_>) -> Result<()> {
        let Launch { kernel, inputs, output, words, groups, work } = launch;
        if self.pool.some_gone() {
            self.pipelines.unbind();
        }
        let pipeline = self.pipelines.pipeline(kernel, self.store);
        let bound = self.pipelines.bind(operator, inputs, output)?;
        let words = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.recorder.push(Step { operator, pipeline, bound, words, groups, work })
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
#[cfg(test)]
mod texts;
