//! A backend with a book: operations and seconds by kind of operator, bytes of the tensors alive, and weights that came as a
//! file's bytes or not. It can pretend to have only so much memory, and to be interrupted in the middle of a network.

use super::forward::{forward, one};
use super::{Activation, Attention, Backend, ConvOptions, Epilogue, Error, Interrupt, Mask, Result, Shape, WeightView};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

#[derive(Debug, Default)]
struct Book {
    live: usize,
    peak: usize,
    limit: Option<usize>,
    refused: usize,
    borrowed: usize,
    computed: usize,
    operators: BTreeMap<&'static str, Entry>,
    /// Operators that are still called before it is raised.
    interrupt: Option<(usize, Interrupt)>,
}

/// The calls of one kind of operator. On a backend that only records, seconds are those of recording, unless it [times its
/// operators](Backend::time_operators): then they are the device's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Entry {
    /// Calls.
    pub calls: usize,
    /// Seconds in them.
    pub seconds: f64,
    /// Operations of products and attentions; a multiplication with its addition counts as two.
    pub operations: f64,
}

/// `B`, with a book of what it does.
#[derive(Debug)]
pub struct Counted<B> {
    inner: B,
    book: Arc<Mutex<Book>>,
}

/// A tensor that strikes its bytes off the book when its last clone is gone.
#[derive(Debug, Clone)]
pub struct Tensor<T> {
    inner: T,
    _bytes: Arc<Bytes>,
}

/// Weights of a product, with the operations that a row of its result takes.
#[derive(Debug)]
pub struct Packed<T> {
    inner: T,
    operations: f64,
}

#[derive(Debug)]
struct Bytes {
    count: usize,
    book: Arc<Mutex<Book>>,
}

impl Drop for Bytes {
    fn drop(&mut self) {
        open(&self.book).live -= self.count;
    }
}

/// The account of a backend's tensors, kept where the backend itself is out of reach.
#[derive(Debug, Clone)]
pub struct Account(Arc<Mutex<Book>>);

impl Account {
    /// As [`Counted::peak`].
    #[must_use]
    pub fn peak(&self) -> usize {
        peak(&self.0)
    }
}

fn peak(book: &Mutex<Book>) -> usize {
    let mut book = open(book);
    let live = book.live;
    std::mem::replace(&mut book.peak, live)
}

impl Book {
    /// Counts an operator towards the interrupt.
    fn tick(&mut self) {
        match &mut self.interrupt {
            Some((0, interrupt)) => {
                interrupt.raise();
                self.interrupt = None;
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
    }
}

fn open(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: Backend> Counted<B> {
    /// `inner` with an empty book.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, book: Arc::default() }
    }

    /// Another handle on the same book and limit, of the same kind of backend or another.
    #[must_use]
    pub fn with<C: Backend>(&self, inner: C) -> Counted<C> {
        Counted { inner, book: Arc::clone(&self.book) }
    }

    /// The most bytes of tensors that were alive at once since the last call. A tensor that is a view of another counts
    /// as a tensor of its own.
    #[must_use]
    pub fn peak(&self) -> usize {
        peak(&self.book)
    }

    /// A handle on the account of memory.
    #[must_use]
    pub fn account(&self) -> Account {
        Account(Arc::clone(&self.book))
    }

    /// Refuses tensors from now on where more than so many bytes would be alive at once.
    pub fn limit(&self, bytes: usize) {
        open(&self.book).limit = Some(bytes);
    }

    /// Raises an interrupt before the operator that comes after so many others.
    pub fn interrupt_after(&self, operators: usize, interrupt: Interrupt) {
        open(&self.book).interrupt = Some((operators, interrupt));
    }

    /// The tensors refused since the last call.
    #[must_use]
    pub fn refused(&self) -> usize {
        std::mem::take(&mut open(&self.book).refused)
    }

    /// The operators called since the last call, by kind, the slowest first.
    #[must_use]
    pub fn operators(&self) -> Vec<(&'static str, Entry)> {
        let mut all = std::mem::take(&mut open(&self.book).operators);
        let seconds = self.inner.device_seconds();
        if !seconds.is_empty() {
            all.values_mut().for_each(|entry| entry.seconds = 0.0);
            seconds.into_iter().for_each(|(kind, seconds)| all.entry(kind).or_default().seconds += seconds);
        }
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by(|(_, a), (_, b)| b.seconds.total_cmp(&a.seconds));
        all
    }

    /// Weights packed since the last call: those that came as bytes of their file, and those that were made on the way.
    #[must_use]
    pub fn packed(&self) -> (usize, usize) {
        let mut book = open(&self.book);
        (std::mem::take(&mut book.borrowed), std::mem::take(&mut book.computed))
    }

    fn weigh<'a>(&self, weights: impl IntoIterator<Item = &'a WeightView<'a>>) {
        let mut book = open(&self.book);
        for weight in weights {
            *(if weight.is_borrowed() { &mut book.borrowed } else { &mut book.computed }) += 1;
        }
    }

    fn enter(&self, operator: &'static str, inner: B::Tensor) -> Result<Tensor<B::Tensor>> {
        let count = self.inner.value_bytes() * self.inner.shape(&inner).values();
        let mut book = open(&self.book);
        if book.limit.is_some_and(|limit| book.live + count > limit) {
            book.refused += 1;
            return Err(Error::OutOfMemory { operator });
        }
        book.live += count;
        book.peak = book.peak.max(book.live);
        Ok(Tensor { inner, _bytes: Arc::new(Bytes { count, book: Arc::clone(&self.book) }) })
    }

    fn timed<T>(&self, operator: &'static str, run: impl FnOnce(&B) -> Result<T>) -> Result<T> {
        open(&self.book).tick();
        let start = Instant::now();
        let result = run(&self.inner);
        let mut book = open(&self.book);
        let entry = book.operators.entry(operator).or_default();
        entry.calls += 1;
        entry.seconds += start.elapsed().as_secs_f64();
        result
    }

    fn tensor(&self, operator: &'static str, run: impl FnOnce(&B) -> Result<B::Tensor>) -> Result<Tensor<B::Tensor>> {
        self.timed(operator, run).and_then(|tensor| self.enter(operator, tensor))
    }

    /// A product whose rows take `operations` each.
    fn product(
        &self,
        operator: &'static str,
        operations: f64,
        run: impl FnOnce(&B) -> Result<B::Tensor>,
    ) -> Result<Tensor<B::Tensor>> {
        let y = self.tensor(operator, run)?;
        let shape = self.inner.shape(&y.inner);
        let channels = shape.get(if shape.len() == 4 { 1 } else { shape.len().saturating_sub(1) });
        let rows = shape.values() / channels.copied().unwrap_or(1).max(1);
        open(&self.book).operators.entry(operator).or_default().operations += rows as f64 * operations;
        Ok(y)
    }

    /// An attention of `q` to `keys` keys.
    fn attend(
        &self,
        q: &B::Tensor,
        keys: usize,
        run: impl FnOnce(&B) -> Result<B::Tensor>,
    ) -> Result<Tensor<B::Tensor>> {
        let operations = 4.0 * (self.inner.shape(q).values() * keys) as f64;
        let y = self.tensor("attention", run)?;
        open(&self.book).operators.entry("attention").or_default().operations += operations;
        Ok(y)
    }
}

/// The operations of one row of a product with a weight `[out, …]`.
fn operations(weight: &WeightView) -> f64 {
    2.0 * weight.len() as f64
}

impl<B: Backend> Backend for Counted<B> {
    type Tensor = Tensor<B::Tensor>;
    type Conv = Packed<B::Conv>;
    type Linear = Packed<B::Linear>;
    type Norm = B::Norm;
    type Embedding = B::Embedding;
    type Moments = B::Moments;
    type KeyValues = (B::KeyValues, usize);

    forward![describe, value_bytes, room, refused, time_operators, device_seconds, preferred_batch];

    fn tune(&self) -> Result<()> {
        self.inner.tune()
    }
    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Self::Conv> {
        self.weigh([&weight, &bias]);
        let operations = operations(&weight);
        Ok(Packed { inner: self.inner.pack_conv(weight, bias, options)?, operations })
    }
    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear> {
        self.weigh(std::iter::once(&weight).chain(&bias));
        let operations = operations(&weight);
        Ok(Packed { inner: self.inner.pack_linear(weight, bias)?, operations })
    }
    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<B::Norm> {
        self.weigh([&scale, &shift]);
        self.inner.pack_norm(scale, shift)
    }
    fn pack_embedding(&self, table: WeightView) -> Result<B::Embedding> {
        self.weigh([&table]);
        self.inner.pack_embedding(table)
    }
    fn pack_linear_geglu(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear> {
        self.weigh(std::iter::once(&weight).chain(&bias));
        let operations = operations(&weight);
        Ok(Packed { inner: self.inner.pack_linear_geglu(weight, bias)?, operations })
    }
    fn pack_keys(&self, k: &Self::Tensor, v: &Self::Tensor) -> Result<Self::KeyValues> {
        let keys = self.inner.shape(&k.inner).get(1).copied().unwrap_or(0);
        Ok((self.inner.pack_keys(&k.inner, &v.inner)?, keys))
    }
    fn wide(&self) -> Option<Self> {
        self.inner.wide().map(|inner| self.with(inner))
    }
    fn download_all(&self, tensors: &[&Self::Tensor]) -> Result<Vec<Vec<f32>>> {
        let inner: Vec<&B::Tensor> = tensors.iter().map(|tensor| &tensor.inner).collect();
        self.timed("download", |b| b.download_all(&inner))
    }
    fn upload(&self, shape: &[usize], data: &[f32]) -> Result<Self::Tensor> {
        self.tensor("upload", |b| b.upload(shape, data))
    }
    fn download(&self, x: &Self::Tensor) -> Result<Vec<f32>> {
        self.timed("download", |b| b.download(&x.inner))
    }
    fn shape(&self, x: &Self::Tensor) -> Shape {
        self.inner.shape(&x.inner)
    }
    fn conv2d(&self, x: &Self::Tensor, weights: &Self::Conv) -> Result<Self::Tensor> {
        self.product("conv2d", weights.operations, |b| b.conv2d(&x.inner, &weights.inner))
    }
    fn conv2d_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Conv,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.product("conv2d", weights.operations, |b| b.conv2d_with(&x.inner, &weights.inner, unwrapped(then)))
    }
    fn upsample_conv2d(&self, x: &Self::Tensor, h: usize, w: usize, weights: &Self::Conv) -> Result<Self::Tensor> {
        self.product("conv2d", weights.operations, |b| b.upsample_conv2d(&x.inner, h, w, &weights.inner))
    }
    fn linear_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Linear,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.product("linear", weights.operations, |b| b.linear_with(&x.inner, &weights.inner, unwrapped(then)))
    }
    fn linear_geglu(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor> {
        self.product("linear_geglu", weights.operations, |b| b.linear_geglu(&x.inner, &weights.inner))
    }
    fn linear(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor> {
        self.product("linear", weights.operations, |b| b.linear(&x.inner, &weights.inner))
    }
    fn group_norm(&self, x: &Self::Tensor, w: &B::Norm, groups: usize, eps: f32, silu: bool) -> Result<Self::Tensor> {
        self.tensor("group_norm", |b| b.group_norm(&x.inner, w, groups, eps, silu))
    }
    fn group_moments(&self, x: &Self::Tensor, groups: usize) -> Result<B::Moments> {
        self.timed("group_moments", |b| b.group_moments(&x.inner, groups))
    }
    fn merge_moments(&self, parts: &[(usize, B::Moments)]) -> Result<B::Moments> {
        self.inner.merge_moments(parts)
    }
    fn normalise(
        &self,
        x: &Self::Tensor,
        weights: &B::Norm,
        moments: &B::Moments,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor> {
        self.tensor("normalise", |b| b.normalise(&x.inner, weights, moments, eps, silu))
    }
    fn layer_norm(&self, x: &Self::Tensor, weights: &B::Norm, eps: f32) -> Result<Self::Tensor> {
        self.tensor("layer_norm", |b| b.layer_norm(&x.inner, weights, eps))
    }
    fn attention(
        &self,
        q: &Self::Tensor,
        k: &Self::Tensor,
        v: &Self::Tensor,
        options: &Attention<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        let keys = self.inner.shape(&k.inner).get(1).copied().unwrap_or(0);
        self.attend(&q.inner, keys, |b| b.attention(&q.inner, &k.inner, &v.inner, &masked(options)))
    }
    fn attention_to(
        &self,
        q: &Self::Tensor,
        keys: &[&Self::KeyValues],
        options: &Attention<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        let count = keys.first().map_or(0, |(_, count)| *count);
        let inner: Vec<&B::KeyValues> = keys.iter().map(|(keys, _)| keys).collect();
        self.attend(&q.inner, count, |b| b.attention_to(&q.inner, &inner, &masked(options)))
    }
    fn geglu(&self, x: &Self::Tensor) -> Result<Self::Tensor> {
        self.tensor("geglu", |b| b.geglu(&x.inner))
    }
    fn activate(&self, x: &Self::Tensor, activation: Activation) -> Result<Self::Tensor> {
        self.tensor("activate", |b| b.activate(&x.inner, activation))
    }
    fn upsample(&self, x: &Self::Tensor, height: usize, width: usize) -> Result<Self::Tensor> {
        self.tensor("upsample", |b| b.upsample(&x.inner, height, width))
    }
    fn add(&self, a: &Self::Tensor, b: &Self::Tensor) -> Result<Self::Tensor> {
        self.tensor("add", |inner| inner.add(&a.inner, &b.inner))
    }
    fn add_channels(&self, x: &Self::Tensor, vector: &Self::Tensor) -> Result<Self::Tensor> {
        self.tensor("add_channels", |b| b.add_channels(&x.inner, &vector.inner))
    }
    fn concat(&self, parts: &[&Self::Tensor], axis: usize) -> Result<Self::Tensor> {
        let parts: Vec<&B::Tensor> = parts.iter().map(|part| &part.inner).collect();
        self.tensor("concat", |b| b.concat(&parts, axis))
    }
    fn select(&self, x: &Self::Tensor, rows: &[usize]) -> Result<Self::Tensor> {
        self.tensor("select", |b| b.select(&x.inner, rows))
    }
    fn slice(&self, x: &Self::Tensor, axis: usize, start: usize, count: usize) -> Result<Self::Tensor> {
        self.tensor("slice", |b| b.slice(&x.inner, axis, start, count))
    }
    fn blend(&self, x: &Self::Tensor, weights: &Self::Tensor, counts: &[usize]) -> Result<Self::Tensor> {
        self.tensor("blend", |b| b.blend(&x.inner, &weights.inner, counts))
    }
    fn to_tokens(&self, x: &Self::Tensor) -> Result<Self::Tensor> {
        self.tensor("to_tokens", |b| b.to_tokens(&x.inner))
    }
    fn to_image(&self, x: &Self::Tensor, height: usize, width: usize) -> Result<Self::Tensor> {
        self.tensor("to_image", |b| b.to_image(&x.inner, height, width))
    }
    fn embed(&self, table: &B::Embedding, ids: &[u32]) -> Result<Self::Tensor> {
        self.tensor("embed", |b| b.embed(table, ids))
    }
    fn affine(&self, x: &Self::Tensor, factor: f32, offset: f32) -> Result<Self::Tensor> {
        self.tensor("affine", |b| b.affine(&x.inner, factor, offset))
    }
}

fn unwrapped<'a, T>(then: Epilogue<'a, Tensor<T>>) -> Epilogue<'a, T> {
    let inner = |tensor: &'a Tensor<T>| &tensor.inner;
    Epilogue { vector: then.vector.map(inner), activation: then.activation, residual: then.residual.map(inner) }
}

fn masked<'a, T>(options: &Attention<'a, Tensor<T>>) -> Attention<'a, T> {
    let &Attention { heads, scale, ref mask } = options;
    let mask = match *mask {
        Mask::None => Mask::None,
        Mask::Causal => Mask::Causal,
        Mask::Bias(bias) => Mask::Bias(&bias.inner),
    };
    Attention { heads, scale, mask }
}
