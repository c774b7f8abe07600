//! LoRAs of a network that is on a device: beside its weights, for calls that have LoRAs of their own, and merged into them anew.

use super::layer::{Kind as Form, flat_sizes};
use super::merge::{Merged, Patches};
use crate::backend::adapted::{Adapted, Adapters, Kind, LowRank};
use crate::backend::{Backend, WeightView};
use crate::checkpoint::safetensors::TensorFile;
use crate::networks::{Result, Weights as _};
use std::collections::BTreeSet;

impl Patches {
    /// Packs these changes as adapters of the network called `scope`, whose weights have the changes `merged` in them. Layers that
    /// change by low-rank products alone get those beside their weights. Any other layer is packed once more, with all of its
    /// changes.
    ///
    /// # Errors
    /// If a tensor cannot be read or is not finite, or the device fails.
    pub(in crate::checkpoint) fn pack<B: Backend>(
        &self,
        (scope, base, merged): (&str, &TensorFile, &Self),
        b: &mut Adapted<B>,
        set: &mut Adapters<B>,
    ) -> Result<()> {
        let mut all = merged.clone();
        for (tensor, patches) in &self.tensors {
            all.tensors.entry(tensor.clone()).or_default().extend(patches.iter().cloned());
        }
        let (before, after) = (Merged { base, patches: merged }, Merged { base, patches: &all });
        for name in layers(self.tensors.keys()) {
            // (A tensor that the network does not read changes nothing.)
            let Some(kind) = b.kind(scope, &name) else { continue };
            match (self.products(&name, kind, base)?, kind) {
                (Some(products), Kind::Conv(options)) => b.beside_conv(set, scope, &name, options, products)?,
                (Some(products), _) => {
                    if kind == Kind::Gated && !b.is_ungated(scope, &name) {
                        let (weight, bias) = whole(&before, &name, kind)?;
                        b.ungate(scope, &name, weight, bias)?;
                    }
                    b.beside_linear(set, scope, &name, products)?;
                }
                (None, _) => {
                    let (weight, bias) = whole(&after, &name, kind)?;
                    b.instead(set, scope, &name, kind, weight, bias)?;
                }
            }
            base.release();
            self.release();
        }
        Ok(())
    }

    /// Packs the layers anew, in their places, that these changes or the `old` ones change: with these in them.
    ///
    /// # Errors
    /// As [`Patches::pack`]; some layers may have been changed then.
    pub(in crate::checkpoint) fn repack<B: Backend>(
        &self,
        old: &Self,
        scope: &str,
        base: &TensorFile,
        b: &Adapted<B>,
    ) -> Result<()> {
        let weights = Merged { base, patches: self };
        for name in layers(old.tensors.keys().chain(self.tensors.keys())) {
            let Some(kind) = b.kind(scope, &name) else { continue };
            let (weight, bias) = whole(&weights, &name, kind)?;
            b.replace(scope, &name, weight, bias)?;
            base.release();
            self.release();
        }
        Ok(())
    }

    /// True where nothing changes.
    pub(in crate::checkpoint) fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The changes of a layer as low-rank products; `None` where they are something else, too.
    fn products(&self, name: &str, kind: Kind, base: &TensorFile) -> Result<Option<Vec<LowRank<'_>>>> {
        let (weight, bias) = tensors(name);
        let shape = base.shape(&weight).unwrap_or_default();
        let is_conv = match kind {
            Kind::Linear | Kind::Gated => false,
            Kind::Conv(_) => true,
            Kind::Norm | Kind::Embedding => return Ok(None),
        };
        let patches = self.tensors.get(&weight).map(Vec::as_slice).unwrap_or_default();
        if patches.is_empty() || self.tensors.contains_key(&bias) {
            return Ok(None);
        }
        let mut products = Vec::new();
        for patch in patches {
            let Some(layer) = patch.lora.layers.get(&patch.place) else { continue };
            if layer.magnitude.is_some() || layer.scaling.is_some() {
                return Ok(None);
            }
            for delta in &layer.deltas {
                let Form::Product { down, up, mid } = &delta.kind else { return Ok(None) };
                if mid.is_some() && !is_conv {
                    return Ok(None);
                }
                let read = |name: &str| patch.lora.tensors.read(name);
                let (mut down, mut up) = (read(down)?, read(up)?);
                let mid = mid.as_ref().map(|mid| read(mid)).transpose()?;
                let (rank, columns) = flat_sizes(&down.shape);
                let (rows, inner) = flat_sizes(&up.shape);
                (down.shape, up.shape) = match (is_conv, &mid) {
                    (false, _) => (vec![rank, columns], vec![rows, inner]),
                    (true, None) => ([&[rank], shape.get(1..).unwrap_or_default()].concat(), vec![rows, inner, 1, 1]),
                    (true, Some(_)) => (vec![rank, columns, 1, 1], vec![rows, inner, 1, 1]),
                };
                products.push(LowRank { down, mid, up: scaled(up, patch.weight * delta.scale) });
            }
        }
        Ok(Some(products))
    }

    /// Lets go of the pages of the LoRAs' files.
    fn release(&self) {
        self.tensors.values().flatten().for_each(|patch| patch.lora.tensors.release());
    }
}

/// A weight times a factor.
fn scaled(weight: WeightView<'_>, factor: f32) -> WeightView<'_> {
    if factor == 1.0 {
        return weight;
    }
    let shape = weight.shape.clone();
    let mut values = weight.into_f32();
    values.iter_mut().for_each(|value| *value *= factor);
    WeightView::computed(shape, values)
}

/// The layers that tensors belong to.
fn layers<'a>(tensors: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    tensors.filter_map(|tensor| Some(tensor.rsplit_once('.')?.0.to_owned())).collect()
}

/// The names of a layer's weight and bias.
fn tensors(layer: &str) -> (String, String) {
    (format!("{layer}.weight"), format!("{layer}.bias"))
}

/// A layer's weight and bias, as a layer of this kind takes them.
fn whole<'a>(weights: &'a Merged<'_>, name: &str, kind: Kind) -> Result<(WeightView<'a>, Option<WeightView<'a>>)> {
    let (weight, bias) = tensors(name);
    let mut weight = weights.read(&weight)?;
    if matches!(kind, Kind::Linear | Kind::Gated) {
        // A convolution of 1 × 1 may stand for a linear layer.
        let (rows, columns) = flat_sizes(&weight.shape);
        weight.shape = vec![rows, columns];
    }
    let bias = if weights.shape(&bias).is_some() { Some(weights.read(&bias)?) } else { None };
    Ok((weight, bias))
}
