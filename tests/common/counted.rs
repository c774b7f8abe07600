//! A backend that counts: bytes of the tensors alive, time per operator, and weights that came as a file's bytes or not; and
//! one that has only so much memory.
#![allow(dead_code, reason = "each test binary uses its own share of these helpers")]

use polyptych::backend::{
    Activation, Attention, Backend, ConvOptions, Epilogue, Error, Mask, Result, Shape, WeightView,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

#[derive(Debug, Default)]
struct Book {
    live: usize,
    peak: usize,
    limit: Option<usize>,
    refused: usize,
    borrowed: usize,
    computed: usize,
    seconds: BTreeMap<&'static str, (usize, f64)>,
}

/// `B`, with a book of what it does.
#[derive(Debug)]
pub struct Counted<B> {
    inner: B,
    book: Arc<Mutex<Book>>,
}

/// A tensor that strikes its bytes off the book when its last clone is gone.
#[derive(Clone)]
pub struct Entry<T> {
    inner: T,
    _bytes: Arc<Bytes>,
}

struct Bytes {
    count: usize,
    book: Arc<Mutex<Book>>,
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.book.lock().unwrap().live -= self.count;
    }
}

impl<B: Backend> Counted<B> {
    pub fn new(inner: B) -> Self {
        Self { inner, book: Arc::default() }
    }

    /// The most bytes of tensors that were alive at once since the last call. A tensor that is a view of another counts
    /// as a tensor of its own.
    pub fn peak(&self) -> usize {
        let mut book = self.book.lock().unwrap();
        let live = book.live;
        std::mem::replace(&mut book.peak, live)
    }

    /// From now on there is no room for more than so many bytes of tensors at once.
    pub fn limit(&self, bytes: usize) {
        self.book.lock().unwrap().limit = Some(bytes);
    }

    /// How often there was no room since the last call.
    pub fn refused(&self) -> usize {
        std::mem::take(&mut self.book.lock().unwrap().refused)
    }

    /// Another handle on the same book and limit.
    pub fn with(&self, inner: B) -> Self {
        Self { inner, book: Arc::clone(&self.book) }
    }

    /// Calls and seconds per operator since the last call, the slowest first.
    pub fn seconds(&self) -> Vec<(&'static str, usize, f64)> {
        let seconds = std::mem::take(&mut self.book.lock().unwrap().seconds);
        let mut all: Vec<_> = seconds.into_iter().map(|(name, (calls, seconds))| (name, calls, seconds)).collect();
        all.sort_by(|a, b| b.2.total_cmp(&a.2));
        all
    }

    /// Weights packed since the last call: those that came as bytes of their file, and those that were made on the way.
    pub fn packed(&self) -> (usize, usize) {
        let mut book = self.book.lock().unwrap();
        (std::mem::take(&mut book.borrowed), std::mem::take(&mut book.computed))
    }

    fn weigh<'a>(&self, weights: impl IntoIterator<Item = &'a WeightView<'a>>) {
        let mut book = self.book.lock().unwrap();
        for weight in weights {
            *(if weight.is_borrowed() { &mut book.borrowed } else { &mut book.computed }) += 1;
        }
    }

    fn enter(&self, operator: &'static str, inner: B::Tensor) -> Result<Entry<B::Tensor>> {
        let count = self.inner.value_bytes() * self.inner.shape(&inner).values();
        let mut book = self.book.lock().unwrap();
        if book.limit.is_some_and(|limit| book.live + count > limit) {
            book.refused += 1;
            return Err(Error::OutOfMemory { operator });
        }
        book.live += count;
        book.peak = book.peak.max(book.live);
        Ok(Entry { inner, _bytes: Arc::new(Bytes { count, book: Arc::clone(&self.book) }) })
    }

    fn timed<T>(&self, operator: &'static str, run: impl FnOnce(&B) -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let result = run(&self.inner);
        let mut book = self.book.lock().unwrap();
        let (calls, seconds) = book.seconds.entry(operator).or_default();
        *calls += 1;
        *seconds += start.elapsed().as_secs_f64();
        result
    }

    fn tensor(&self, operator: &'static str, run: impl FnOnce(&B) -> Result<B::Tensor>) -> Result<Entry<B::Tensor>> {
        self.timed(operator, run).and_then(|tensor| self.enter(operator, tensor))
    }
}

impl<B: Backend> Backend for Counted<B> {
    type Tensor = Entry<B::Tensor>;
    type Conv = B::Conv;
    type Linear = B::Linear;
    type Norm = B::Norm;
    type Embedding = B::Embedding;
    type Moments = B::Moments;
    type KeyValues = B::KeyValues;

    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<B::Conv> {
        self.weigh([&weight, &bias]);
        self.inner.pack_conv(weight, bias, options)
    }
    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<B::Linear> {
        self.weigh(std::iter::once(&weight).chain(&bias));
        self.inner.pack_linear(weight, bias)
    }
    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<B::Norm> {
        self.weigh([&scale, &shift]);
        self.inner.pack_norm(scale, shift)
    }
    fn pack_embedding(&self, table: WeightView) -> Result<B::Embedding> {
        self.weigh([&table]);
        self.inner.pack_embedding(table)
    }
    fn pack_linear_geglu(&self, weight: WeightView, bias: Option<WeightView>) -> Result<B::Linear> {
        self.weigh(std::iter::once(&weight).chain(&bias));
        self.inner.pack_linear_geglu(weight, bias)
    }
    fn pack_keys(&self, k: &Self::Tensor, v: &Self::Tensor) -> Result<B::KeyValues> {
        self.inner.pack_keys(&k.inner, &v.inner)
    }
    fn value_bytes(&self) -> usize {
        self.inner.value_bytes()
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
    fn conv2d(&self, x: &Self::Tensor, weights: &B::Conv) -> Result<Self::Tensor> {
        self.tensor("conv2d", |b| b.conv2d(&x.inner, weights))
    }
    fn conv2d_with(&self, x: &Self::Tensor, weights: &B::Conv, then: Epilogue<Self::Tensor>) -> Result<Self::Tensor> {
        self.tensor("conv2d", |b| b.conv2d_with(&x.inner, weights, unwrapped(then)))
    }
    fn upsample_conv2d(&self, x: &Self::Tensor, h: usize, w: usize, weights: &B::Conv) -> Result<Self::Tensor> {
        self.tensor("upsample_conv2d", |b| b.upsample_conv2d(&x.inner, h, w, weights))
    }
    fn linear_with(&self, x: &Self::Tensor, weights: &B::Linear, then: Epilogue<Self::Tensor>) -> Result<Self::Tensor> {
        self.tensor("linear", |b| b.linear_with(&x.inner, weights, unwrapped(then)))
    }
    fn linear_geglu(&self, x: &Self::Tensor, weights: &B::Linear) -> Result<Self::Tensor> {
        self.tensor("linear_geglu", |b| b.linear_geglu(&x.inner, weights))
    }
    fn linear(&self, x: &Self::Tensor, weights: &B::Linear) -> Result<Self::Tensor> {
        self.tensor("linear", |b| b.linear(&x.inner, weights))
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
        self.tensor("attention", |b| b.attention(&q.inner, &k.inner, &v.inner, &masked(options)))
    }
    fn attention_to(
        &self,
        q: &Self::Tensor,
        keys: &[&B::KeyValues],
        options: &Attention<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        self.tensor("attention", |b| b.attention_to(&q.inner, keys, &masked(options)))
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

fn unwrapped<'a, T>(then: Epilogue<'a, Entry<T>>) -> Epilogue<'a, T> {
    let inner = |entry: &'a Entry<T>| &entry.inner;
    Epilogue { vector: then.vector.map(inner), activation: then.activation, residual: then.residual.map(inner) }
}

fn masked<'a, T>(options: &Attention<'a, Entry<T>>) -> Attention<'a, T> {
    let &Attention { heads, scale, ref mask } = options;
    let mask = match *mask {
        Mask::None => Mask::None,
        Mask::Causal => Mask::Causal,
        Mask::Bias(bias) => Mask::Bias(&bias.inner),
    };
    Attention { heads, scale, mask }
}
