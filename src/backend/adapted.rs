//! A backend whose layers carry adapters: low-rank products beside the weights, y = W·x + b + up·(down·x).
//!
//! Weights are packed once, and a layer's can be changed in their place. Any number of sets of adapters stand beside them, and one
//! of them at most is active: networks know nothing of it. What is no low-rank product takes a layer's place instead.

use super::forward::{forward, one};
use super::{Backend, ConvOptions, Epilogue, Result, Values, WeightView, followed};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// `B`, with sets of adapters.
pub struct Adapted<B: Backend> {
    inner: B,
    /// Begins the names of layers that are packed from now on.
    scope: &'static str,
    /// The packed layers by their names.
    layers: Mutex<HashMap<String, Known<B>>>,
    sets: Vec<Adapters<B>>,
    active: Option<usize>,
    /// Layers with gates once more without them, for the sets that add to their products.
    ungated: HashMap<String, (B::Linear, usize)>,
}

/// A packed layer and its name.
#[derive(Debug)]
pub struct Layer<W> {
    packed: Arc<Mutex<W>>,
    name: String,
}

impl<W> Layer<W> {
    fn packed(&self) -> MutexGuard<'_, W> {
        self.packed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A packed layer of any form, for as long as a network has it.
enum Known<B: Backend> {
    Linear(Weak<Mutex<B::Linear>>),
    Gated(Weak<Mutex<B::Linear>>),
    Conv(Weak<Mutex<B::Conv>>, ConvOptions),
    Norm(Weak<Mutex<B::Norm>>),
    Embedding(Weak<Mutex<B::Embedding>>),
}

impl<B: Backend> Known<B> {
    fn kind(&self) -> Kind {
        match self {
            Self::Linear(_) => Kind::Linear,
            Self::Gated(_) => Kind::Gated,
            Self::Conv(_, options) => Kind::Conv(*options),
            Self::Norm(_) => Kind::Norm,
            Self::Embedding(_) => Kind::Embedding,
        }
    }
}

/// The form of a packed layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A linear layer.
    Linear,
    /// One for [`Backend::linear_geglu`].
    Gated,
    /// A convolution.
    Conv(ConvOptions),
    /// A normalisation.
    Norm,
    /// A table.
    Embedding,
}

/// A low-rank product on its way to the device: of a linear layer `down` `[rank, in]` and `up` `[out, rank]`, of a convolution
/// kernels `[rank, in, k, k]` and `[out, rank, 1, 1]`, or with `mid` `[outer, rank, k, k]` between kernels of 1 × 1.
#[derive(Debug)]
pub struct LowRank<'a> {
    /// Applied first.
    pub down: WeightView<'a>,
    /// Applied second, if there.
    pub mid: Option<WeightView<'a>>,
    /// Applied last; the product's factor is in it.
    pub up: WeightView<'a>,
}

#[derive(Debug)]
struct Product<W> {
    down: W,
    mid: Option<W>,
    up: W,
}

#[derive(Debug)]
enum Adapter<W> {
    Beside(Vec<Product<W>>),
    Instead(W),
}

/// A set of adapters.
pub struct Adapters<B: Backend> {
    linears: HashMap<String, Adapter<B::Linear>>,
    convs: HashMap<String, Adapter<B::Conv>>,
    norms: HashMap<String, B::Norm>,
    embeddings: HashMap<String, B::Embedding>,
    bytes: usize,
}

impl<B: Backend> Default for Adapters<B> {
    fn default() -> Self {
        let (linears, convs) = (HashMap::new(), HashMap::new());
        Self { linears, convs, norms: HashMap::new(), embeddings: HashMap::new(), bytes: 0 }
    }
}

impl<B: Backend> std::fmt::Debug for Adapters<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let layers = self.linears.len() + self.convs.len() + self.norms.len() + self.embeddings.len();
        f.debug_struct("Adapters").field("layers", &layers).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl<B: Backend> std::fmt::Debug for Adapted<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapted").field("sets", &self.sets).field("active", &self.active).finish_non_exhaustive()
    }
}

/// Bytes that a weight takes when it is packed.
fn bytes(weight: &WeightView) -> usize {
    match &weight.values {
        Values::F16(_) | Values::Bf16(_) | Values::Halves(_) => 2 * weight.len(),
        Values::F32(_) | Values::F64(_) | Values::Computed(_) => 4 * weight.len(),
    }
}

impl<B: Backend> Adapted<B> {
    /// `inner` without any adapters.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, scope: "", layers: Mutex::default(), sets: Vec::new(), active: None, ungated: HashMap::new() }
    }

    /// Packs layers of this network from now on; names are unique within one.
    pub fn enter(&mut self, scope: &'static str) {
        self.scope = scope;
    }

    /// The form of a layer that was packed; `None` where the network has no such layer.
    #[must_use]
    pub fn kind(&self, scope: &str, name: &str) -> Option<Kind> {
        self.layers().get(&full(scope, name)).map(Known::kind)
    }

    /// Packs a layer anew in its place. A layer that no network has any more is left alone.
    ///
    /// # Errors
    /// If the device fails; the layer is as before then.
    pub fn replace(&self, scope: &str, name: &str, weight: WeightView, bias: Option<WeightView>) -> Result<()> {
        let layers = self.layers();
        match layers.get(&full(scope, name)) {
            Some(Known::Linear(layer)) => put(layer, || self.inner.pack_linear(weight, bias)),
            Some(Known::Gated(layer)) => put(layer, || self.inner.pack_linear_geglu(weight, bias)),
            Some(Known::Conv(layer, options)) => put(layer, || {
                let bias = bias.unwrap_or_else(|| zeros(&weight));
                self.inner.pack_conv(weight, bias, *options)
            }),
            Some(Known::Norm(layer)) => put(layer, || {
                let shift = bias.unwrap_or_else(|| zeros(&weight));
                self.inner.pack_norm(weight, shift)
            }),
            Some(Known::Embedding(layer)) => put(layer, || self.inner.pack_embedding(weight)),
            None => Ok(()),
        }
    }

    /// Computes with this set from now on, by its number; with the weights alone where `None`.
    pub fn use_set(&mut self, set: Option<usize>) {
        self.active = set;
    }

    /// Adds adapters to the set of this number; sets up to it are made where they are missing.
    pub fn add_to_set(&mut self, set: usize, adapters: Adapters<B>) {
        if self.sets.len() <= set {
            self.sets.resize_with(set + 1, Adapters::default);
        }
        if let Some(set) = self.sets.get_mut(set) {
            let Adapters { linears, convs, norms, embeddings, bytes } = adapters;
            set.linears.extend(linears);
            set.convs.extend(convs);
            set.norms.extend(norms);
            set.embeddings.extend(embeddings);
            set.bytes += bytes;
        }
    }

    /// Keeps sets of these numbers only, which become 0, 1, … in their order.
    pub fn keep_sets(&mut self, kept: &[usize]) {
        self.active = None;
        let mut old: Vec<Option<Adapters<B>>> = std::mem::take(&mut self.sets).into_iter().map(Some).collect();
        let mut taken = |set: &usize| old.get_mut(*set).and_then(Option::take).unwrap_or_default();
        self.sets = kept.iter().map(&mut taken).collect();
        let sets = &self.sets;
        self.ungated.retain(|name, _| sets.iter().any(|set| set.linears.contains_key(name)));
    }

    /// Bytes that all sets take on the device, and what was packed for them.
    #[must_use]
    pub fn adapter_bytes(&self) -> usize {
        let ungated: usize = self.ungated.values().map(|(_, bytes)| bytes).sum();
        self.sets.iter().map(|set| set.bytes).sum::<usize>() + ungated
    }

    /// Packs products beside a linear layer. One with gates needs its `weight` and `bias` once more, unless an earlier set did.
    ///
    /// # Errors
    /// If the device fails or the shapes do not fit.
    pub fn beside_linear(&self, set: &mut Adapters<B>, scope: &str, name: &str, products: Vec<LowRank>) -> Result<()> {
        set.bytes += products.iter().map(LowRank::bytes).sum::<usize>();
        let pack = |weight: WeightView| self.inner.pack_linear(weight, None);
        let products = products.into_iter().map(|product| product.pack(&pack)).collect::<Result<_>>()?;
        set.linears.insert(full(scope, name), Adapter::Beside(products));
        Ok(())
    }

    /// True where a layer with gates has been packed without them.
    #[must_use]
    pub fn is_ungated(&self, scope: &str, name: &str) -> bool {
        self.ungated.contains_key(&full(scope, name))
    }

    /// Packs a layer with gates without them, for products beside it.
    ///
    /// # Errors
    /// As [`Adapted::beside_linear`].
    pub fn ungate(&mut self, scope: &str, name: &str, weight: WeightView, bias: Option<WeightView>) -> Result<()> {
        let bytes = bytes(&weight);
        let packed = self.inner.pack_linear(weight, bias)?;
        self.ungated.insert(full(scope, name), (packed, bytes));
        Ok(())
    }

    /// Packs products beside a convolution.
    ///
    /// # Errors
    /// As [`Adapted::beside_linear`].
    pub fn beside_conv(
        &self,
        set: &mut Adapters<B>,
        scope: &str,
        name: &str,
        options: ConvOptions,
        products: Vec<LowRank>,
    ) -> Result<()> {
        set.bytes += products.iter().map(LowRank::bytes).sum::<usize>();
        let pack = |weight: WeightView, options| {
            let bias = zeros(&weight);
            self.inner.pack_conv(weight, bias, options)
        };
        let small = ConvOptions::same(1);
        let pack = |LowRank { down, mid, up }: LowRank| {
            let of_down = if mid.is_some() { small } else { options };
            let mid = mid.map(|mid| pack(mid, options)).transpose()?;
            Ok(Product { down: pack(down, of_down)?, mid, up: pack(up, small)? })
        };
        let products = products.into_iter().map(pack).collect::<Result<_>>()?;
        set.convs.insert(full(scope, name), Adapter::Beside(products));
        Ok(())
    }

    /// Packs a layer that takes another's place.
    ///
    /// # Errors
    /// As [`Adapted::beside_linear`].
    pub fn instead(
        &self,
        set: &mut Adapters<B>,
        scope: &str,
        name: &str,
        kind: Kind,
        weight: WeightView,
        bias: Option<WeightView>,
    ) -> Result<()> {
        let (name, inner) = (full(scope, name), &self.inner);
        set.bytes += bytes(&weight) + bias.as_ref().map_or(0, bytes);
        match kind {
            Kind::Linear => {
                set.linears.insert(name, Adapter::Instead(inner.pack_linear(weight, bias)?));
            }
            Kind::Gated => {
                set.linears.insert(name, Adapter::Instead(inner.pack_linear_geglu(weight, bias)?));
            }
            Kind::Conv(options) => {
                let bias = bias.unwrap_or_else(|| zeros(&weight));
                set.convs.insert(name, Adapter::Instead(inner.pack_conv(weight, bias, options)?));
            }
            Kind::Norm => {
                let shift = bias.unwrap_or_else(|| zeros(&weight));
                set.norms.insert(name, inner.pack_norm(weight, shift)?);
            }
            Kind::Embedding => {
                set.embeddings.insert(name, inner.pack_embedding(weight)?);
            }
        }
        Ok(())
    }

    fn layers(&self) -> MutexGuard<'_, HashMap<String, Known<B>>> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a packed layer its name.
    fn layer<W>(&self, name: &str, packed: W, known: impl FnOnce(Weak<Mutex<W>>) -> Known<B>) -> Layer<W> {
        let name = full(self.scope, name.strip_suffix(".weight").unwrap_or(name));
        let packed = Arc::new(Mutex::new(packed));
        self.layers().insert(name.clone(), known(Arc::downgrade(&packed)));
        Layer { packed, name }
    }

    /// Every operator is allowed.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "what is passed on asks it")]
    fn before(&self) -> Result<()> {
        Ok(())
    }

    fn set(&self) -> Option<&Adapters<B>> {
        self.sets.get(self.active?)
    }

    /// Calls `run` with a norm as the active set has it.
    fn with_norm<T>(&self, norm: &Layer<B::Norm>, run: impl FnOnce(&B::Norm) -> T) -> T {
        match self.set().and_then(|set| set.norms.get(&norm.name)) {
            Some(own) => run(own),
            None => run(&norm.packed()),
        }
    }

    /// A layer's result by `layer`, the products of `x` by `add`, and what follows.
    fn with_products<W>(
        &self,
        products: &[Product<W>],
        then: Epilogue<B::Tensor>,
        layer: impl FnOnce(Epilogue<B::Tensor>) -> Result<B::Tensor>,
        add: impl Fn(&Product<W>, Epilogue<B::Tensor>) -> Result<B::Tensor>,
    ) -> Result<B::Tensor> {
        // What is added last may be added first, unless an activation stands between.
        let (first, last) = match then.activation {
            None => (then, Epilogue::default()),
            Some(_) => (Epilogue::default(), then),
        };
        let mut y = layer(first)?;
        for product in products {
            y = add(product, Epilogue::add(&y))?;
        }
        followed(&self.inner, y, last)
    }

    /// A linear layer with products beside it.
    fn linear_and(
        &self,
        x: &B::Tensor,
        weights: &B::Linear,
        products: &[Product<B::Linear>],
        then: Epilogue<B::Tensor>,
    ) -> Result<B::Tensor> {
        let b = &self.inner;
        let layer = |then: Epilogue<B::Tensor>| b.linear_with(x, weights, then);
        self.with_products(products, then, layer, |Product { down, up, .. }, sum| {
            b.linear_with(&b.linear(x, down)?, up, sum)
        })
    }

    /// A convolution with products beside it; `large` applies a kernel as large as the layer's.
    fn conv_and(
        &self,
        x: &B::Tensor,
        weights: &B::Conv,
        products: &[Product<B::Conv>],
        then: Epilogue<B::Tensor>,
        large: impl Fn(&B::Tensor, &B::Conv, Epilogue<B::Tensor>) -> Result<B::Tensor>,
    ) -> Result<B::Tensor> {
        let b = &self.inner;
        let add = |Product { down, mid, up }: &Product<B::Conv>, sum: Epilogue<B::Tensor>| {
            let inner = match mid {
                Some(mid) => large(&b.conv2d(x, down)?, mid, Epilogue::default())?,
                None => large(x, down, Epilogue::default())?,
            };
            b.conv2d_with(&inner, up, sum)
        };
        self.with_products(products, then, |then| large(x, weights, then), add)
    }
}

fn full(scope: &str, name: &str) -> String {
    format!("{scope}/{name}")
}

/// A bias of zeros for a weight.
fn zeros(weight: &WeightView) -> WeightView<'static> {
    let outputs = weight.shape.first().copied().unwrap_or(0);
    WeightView::computed(vec![outputs], vec![0.0; outputs])
}

/// Packs a layer and puts it into its place, unless that is gone.
fn put<W>(layer: &Weak<Mutex<W>>, pack: impl FnOnce() -> Result<W>) -> Result<()> {
    let Some(layer) = layer.upgrade() else { return Ok(()) };
    let packed = pack()?;
    *layer.lock().unwrap_or_else(PoisonError::into_inner) = packed;
    Ok(())
}

impl LowRank<'_> {
    fn bytes(&self) -> usize {
        bytes(&self.down) + self.mid.as_ref().map_or(0, bytes) + bytes(&self.up)
    }

    fn pack<W>(self, pack: &impl Fn(WeightView) -> Result<W>) -> Result<Product<W>> {
        let mid = self.mid.map(pack).transpose()?;
        Ok(Product { down: pack(self.down)?, mid, up: pack(self.up)? })
    }
}

impl<B: Backend> Backend for Adapted<B> {
    type Tensor = B::Tensor;
    type Conv = Layer<B::Conv>;
    type Linear = Layer<B::Linear>;
    type Norm = Layer<B::Norm>;
    type Embedding = Layer<B::Embedding>;
    type Moments = B::Moments;
    type KeyValues = B::KeyValues;

    fn wide(&self) -> Option<Self> {
        Some(Self { scope: self.scope, ..Self::new(self.inner.wide()?) })
    }
    fn pack_conv(&self, weight: WeightView, bias: WeightView, options: ConvOptions) -> Result<Self::Conv> {
        let name = weight.name.clone();
        let packed = self.inner.pack_conv(weight, bias, options)?;
        Ok(self.layer(&name, packed, |layer| Known::Conv(layer, options)))
    }
    fn pack_linear(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear> {
        let name = weight.name.clone();
        Ok(self.layer(&name, self.inner.pack_linear(weight, bias)?, Known::Linear))
    }
    fn pack_linear_geglu(&self, weight: WeightView, bias: Option<WeightView>) -> Result<Self::Linear> {
        let name = weight.name.clone();
        Ok(self.layer(&name, self.inner.pack_linear_geglu(weight, bias)?, Known::Gated))
    }
    fn pack_norm(&self, scale: WeightView, shift: WeightView) -> Result<Self::Norm> {
        let name = scale.name.clone();
        Ok(self.layer(&name, self.inner.pack_norm(scale, shift)?, Known::Norm))
    }
    fn pack_embedding(&self, table: WeightView) -> Result<Self::Embedding> {
        let name = table.name.clone();
        Ok(self.layer(&name, self.inner.pack_embedding(table)?, Known::Embedding))
    }
    fn conv2d(&self, x: &Self::Tensor, weights: &Self::Conv) -> Result<Self::Tensor> {
        self.conv2d_with(x, weights, Epilogue::default())
    }
    fn conv2d_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Conv,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        match self.set().and_then(|set| set.convs.get(&weights.name)) {
            None => self.inner.conv2d_with(x, &weights.packed(), then),
            Some(Adapter::Instead(other)) => self.inner.conv2d_with(x, other, then),
            Some(Adapter::Beside(products)) => {
                let large = |x: &B::Tensor, kernel: &B::Conv, then: Epilogue<B::Tensor>| {
                    self.inner.conv2d_with(x, kernel, then)
                };
                self.conv_and(x, &weights.packed(), products, then, large)
            }
        }
    }
    fn upsample_conv2d(&self, x: &Self::Tensor, h: usize, w: usize, weights: &Self::Conv) -> Result<Self::Tensor> {
        match self.set().and_then(|set| set.convs.get(&weights.name)) {
            None => self.inner.upsample_conv2d(x, h, w, &weights.packed()),
            Some(Adapter::Instead(other)) => self.inner.upsample_conv2d(x, h, w, other),
            Some(Adapter::Beside(products)) => {
                // (Nothing follows.)
                let large = |x: &B::Tensor, kernel: &B::Conv, _: Epilogue<B::Tensor>| {
                    self.inner.upsample_conv2d(x, h, w, kernel)
                };
                self.conv_and(x, &weights.packed(), products, Epilogue::default(), large)
            }
        }
    }
    fn linear(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor> {
        self.linear_with(x, weights, Epilogue::default())
    }
    fn linear_with(
        &self,
        x: &Self::Tensor,
        weights: &Self::Linear,
        then: Epilogue<Self::Tensor>,
    ) -> Result<Self::Tensor> {
        match self.set().and_then(|set| set.linears.get(&weights.name)) {
            None => self.inner.linear_with(x, &weights.packed(), then),
            Some(Adapter::Instead(other)) => self.inner.linear_with(x, other, then),
            Some(Adapter::Beside(products)) => self.linear_and(x, &weights.packed(), products, then),
        }
    }
    fn linear_geglu(&self, x: &Self::Tensor, weights: &Self::Linear) -> Result<Self::Tensor> {
        match self.set().and_then(|set| set.linears.get(&weights.name)) {
            None => self.inner.linear_geglu(x, &weights.packed()),
            Some(Adapter::Instead(other)) => self.inner.linear_geglu(x, other),
            Some(Adapter::Beside(products)) => {
                // (Every set with products here has packed it without gates.)
                let y = match self.ungated.get(&weights.name) {
                    Some((ungated, _)) => self.linear_and(x, ungated, products, Epilogue::default())?,
                    None => self.linear_and(x, &weights.packed(), products, Epilogue::default())?,
                };
                self.inner.geglu(&y)
            }
        }
    }
    fn group_norm(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor> {
        self.with_norm(weights, |norm| self.inner.group_norm(x, norm, groups, eps, silu))
    }
    fn normalise(
        &self,
        x: &Self::Tensor,
        weights: &Self::Norm,
        moments: &Self::Moments,
        eps: f32,
        silu: bool,
    ) -> Result<Self::Tensor> {
        self.with_norm(weights, |norm| self.inner.normalise(x, norm, moments, eps, silu))
    }
    fn layer_norm(&self, x: &Self::Tensor, weights: &Self::Norm, eps: f32) -> Result<Self::Tensor> {
        self.with_norm(weights, |norm| self.inner.layer_norm(x, norm, eps))
    }
    fn embed(&self, table: &Self::Embedding, ids: &[u32]) -> Result<Self::Tensor> {
        match self.set().and_then(|set| set.embeddings.get(&table.name)) {
            Some(own) => self.inner.embed(own, ids),
            None => self.inner.embed(&table.packed(), ids),
        }
    }

    forward![describe, value_bytes, room, refused, time_operators, device_seconds, preferred_batch, shape, tune];
    forward![pack_keys, upload, download, download_all, group_moments, merge_moments, attention, attention_to];
    forward![geglu, activate, upsample, add, add_channels, concat, select, slice, blend, to_tokens, to_image, affine];
}
