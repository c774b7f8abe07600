//! Merging of LoRAs into a checkpoint's weights while they are read.

use super::names::{flat, from_original, is_original};
use super::{Layer, LoraFile, Stamp};
use crate::backend::WeightView;
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::{Error, PartName, Result};
use crate::networks::{self, Weights};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The changes that LoRAs make to one network.
#[derive(Debug, Default)]
pub(in crate::checkpoint) struct Patches {
    /// By the name of the checkpoint's tensor.
    tensors: BTreeMap<String, Vec<Patch>>,
    pub(in crate::checkpoint) applied: Applied,
}

/// A warning: some layers of a LoRA fit no layer of the checkpoint and are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPart {
    /// The LoRA's file.
    pub file: String,
    /// Layers that are left out.
    pub left_out: usize,
    /// Layers of the file.
    pub layers: usize,
}

/// The files that change a network, each with its weight. Equal lists change it equally.
#[derive(Debug, Default, PartialEq)]
pub(in crate::checkpoint) struct Applied(Vec<(Stamp, f32)>);

#[derive(Debug)]
struct Patch {
    lora: Arc<LoraFile>,
    place: (PartName, String),
    weight: f32,
}

/// A network's tensors as the networks read them: with the patches merged into those that have any.
pub(in crate::checkpoint) struct Merged<'a> {
    pub(in crate::checkpoint) base: &'a TensorFile,
    pub(in crate::checkpoint) patches: &'a Patches,
}

impl Patches {
    /// The changes to each of a checkpoint's `parts`, and a warning for each LoRA that fits in part. `text_width` is that of
    /// the states that the UNet's cross-attention takes.
    ///
    /// # Errors
    /// If one is for another family: no layer that it has for a part fits.
    pub(in crate::checkpoint) fn fit<'a>(
        loras: &[(Arc<LoraFile>, f32)],
        parts: impl Iterator<Item = (PartName, &'a Arc<TensorFile>)>,
        text_width: usize,
    ) -> Result<(BTreeMap<PartName, Self>, Vec<InPart>)> {
        let parts: BTreeMap<PartName, &Arc<TensorFile>> = parts.collect();
        let mut patches: BTreeMap<PartName, Self> = parts.keys().map(|&part| (part, Self::default())).collect();
        let mut tables: BTreeMap<PartName, Table> = BTreeMap::new();
        let mut warnings = Vec::new();
        for (lora, weight) in loras {
            if let Some(width) = lora.summary().text_width.filter(|&width| width != text_width) {
                // Families share many shapes, so that some of its layers may fit.
                let how = format!("for text embeddings {width} wide, this checkpoint's are {text_width}");
                return Err(other_family(lora, &how));
            }
            let mut left_out = lora.unmatched;
            let changed: BTreeSet<PartName> = lora.layers.keys().map(|(part, _)| *part).collect();
            for part in changed {
                let misfit = || other_family(lora, &format!("nothing of what it holds for {part} fits"));
                let (file, patches) = parts.get(&part).zip(patches.get_mut(&part)).ok_or_else(misfit)?;
                let table = tables.entry(part).or_insert_with(|| Table::of(file));
                let (mut all, mut fitting) = (0, 0);
                for (place, layer) in lora.layers.iter().filter(|((of, _), _)| *of == part) {
                    all += 1;
                    let name = table.weight(&place.1);
                    let name = name.filter(|name| layer.fits(lora, &file.shape(name).unwrap_or_default()));
                    let Some(name) = name else { continue };
                    fitting += 1;
                    if *weight != 0.0 {
                        let patch = Patch { lora: Arc::clone(lora), place: place.clone(), weight: *weight };
                        patches.tensors.entry(name.clone()).or_default().push(patch);
                    }
                }
                if fitting == 0 {
                    return Err(misfit());
                }
                left_out += all - fitting;
                if *weight != 0.0 {
                    patches.applied.0.push((lora.stamp.clone(), *weight));
                }
            }
            if left_out > 0 {
                let layers = lora.layers.len() + lora.unmatched;
                warnings.push(InPart { file: lora.tensors.file(), left_out, layers });
            }
        }
        Ok((patches, warnings))
    }
}

/// The layers of a network.
struct Table {
    /// Their weights' names by their own as [`flat`] makes them.
    weights: HashMap<String, String>,
    /// Resnets of the first level on the way down.
    resnets: usize,
}

impl Table {
    fn of(file: &TensorFile) -> Self {
        let weights = file.names().into_iter().filter(|name| file.shape(name).is_some_and(|shape| shape.len() >= 2));
        let weights: HashMap<String, String> =
            weights.filter_map(|name| Some((flat(name.strip_suffix(".weight")?), name))).collect();
        let first = |name: &&String| name.starts_with("down_blocks_0_resnets_") && name.ends_with("_conv1");
        let resnets = weights.keys().filter(first).count();
        Self { weights, resnets }
    }

    /// The weight of a layer, named as in diffusers or as in the original code.
    fn weight(&self, layer: &str) -> Option<&String> {
        self.weights.get(layer).or_else(|| self.weights.get(&from_original(layer, self.resnets)?))
    }
}

fn other_family(lora: &LoraFile, how: &str) -> Error {
    let family =
        lora.summary().family.map_or_else(|| "another family".to_owned(), |name| format!("another family, {name}"));
    Error::Invalid {
        file: lora.tensors.file(),
        fact: format!("is for {family} ({how})"),
        remedy: "choose a LoRA of the checkpoint's family",
    }
}

impl LoraFile {
    /// Whether it names the UNet's layers as in the original code.
    pub(super) fn has_original_names(&self) -> bool {
        self.layers.keys().any(|(part, layer)| *part == PartName::Unet && is_original(layer))
    }

    /// Adds a layer's change to the values of a weight.
    fn add(&self, layer: &Layer, weight: f32, onto: &mut [f32]) -> networks::Result<()> {
        let up = self.tensors.read(&layer.up)?.into_f32();
        let mut down = self.tensors.read(&layer.down)?.into_f32();
        let mut inner = layer.rank;
        if let Some(mid) = &layer.mid {
            let mid = self.tensors.read(mid)?;
            inner = mid.shape.first().copied().unwrap_or(1);
            down = between(inner, &mid.into_f32(), &down, layer.rank);
        }
        self.tensors.release();
        add_product(onto, &up, &down, inner, weight * layer.scale);
        if let Some((index, &value)) = onto.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            // Finite factors whose product is not.
            let (file, name) = (self.tensors.file(), layer.up.clone());
            return Err(networks::Error::NotFinite { file, name, value, index });
        }
        Ok(())
    }
}

impl Layer {
    /// Whether its product has the rows and columns of a weight of this shape, `[out, in]` or `[out, in, k, k]`. (A linear
    /// layer and a 1 × 1 convolution are the same.)
    fn fits(&self, lora: &LoraFile, weight: &[usize]) -> bool {
        let shape = |name: &str| lora.tensors.shape(name).unwrap_or_default();
        let columns = |shape: &[usize]| shape.iter().skip(1).product::<usize>();
        let kernel = self.mid.as_ref().map_or(1, |mid| shape(mid).iter().skip(2).product());
        let rows = shape(&self.up).first().copied();
        rows == weight.first().copied() && columns(&shape(&self.down)).checked_mul(kernel) == Some(columns(weight))
    }
}

impl Weights for Merged<'_> {
    fn file(&self) -> String {
        self.base.file()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.base.shape(name)
    }

    fn read(&self, name: &str) -> networks::Result<WeightView<'_>> {
        let tensor = self.base.read(name)?;
        let Some(patches) = self.patches.tensors.get(name) else { return Ok(tensor) };
        let shape = tensor.shape.clone();
        let mut values = tensor.into_f32();
        for Patch { lora, place, weight } in patches {
            if let Some(layer) = lora.layers.get(place) {
                lora.add(layer, *weight, &mut values)?;
            }
        }
        Ok(WeightView::computed(shape, values))
    }

    fn release(&self) {
        self.base.release();
    }
}

/// `weight += scale · up · down`, with `up` `[rows, rank]` and `down` `[rank, columns]`, row by row on all threads.
fn add_product(weight: &mut [f32], up: &[f32], down: &[f32], rank: usize, scale: f32) {
    let columns = (down.len() / rank.max(1)).max(1);
    weight.par_chunks_exact_mut(columns).zip(up.par_chunks_exact(rank.max(1))).for_each(|(row, up)| {
        let mut sums = vec![0.0_f32; columns];
        let mut factors = up.chunks_exact(4);
        let mut rows = down.chunks_exact(4 * columns);
        // Four at a time: the sums are read and written a quarter as often.
        for (f, d) in factors.by_ref().zip(rows.by_ref()) {
            let (d0, d) = d.split_at(columns);
            let (d1, d) = d.split_at(columns);
            let (d2, d3) = d.split_at(columns);
            for ((((sum, d0), d1), d2), d3) in sums.iter_mut().zip(d0).zip(d1).zip(d2).zip(d3) {
                *sum += f[0] * d0 + f[1] * d1 + f[2] * d2 + f[3] * d3;
            }
        }
        for (f, d) in factors.remainder().iter().zip(rows.remainder().chunks_exact(columns)) {
            for (sum, d) in sums.iter_mut().zip(d) {
                *sum += f * d;
            }
        }
        for (value, sum) in row.iter_mut().zip(sums) {
            *value += scale * sum;
        }
    });
}

/// The kernel `mid` `[outer, rank, k, k]` after `down` `[rank, in]`: `[outer, in, k, k]`.
fn between(outer: usize, mid: &[f32], down: &[f32], rank: usize) -> Vec<f32> {
    let outer = outer.max(1);
    let (rank, inputs) = (rank.max(1), down.len() / rank.max(1));
    let kernel = mid.len() / (outer * rank).max(1);
    let mut out = vec![0.0; outer * inputs * kernel];
    for (out, mid) in out.chunks_exact_mut((inputs * kernel).max(1)).zip(mid.chunks_exact((rank * kernel).max(1))) {
        for (mid, down) in mid.chunks_exact(kernel.max(1)).zip(down.chunks_exact(inputs.max(1))) {
            for (out, down) in out.chunks_exact_mut(kernel.max(1)).zip(down) {
                for (out, mid) in out.iter_mut().zip(mid) {
                    *out += down * mid;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_any_rank_is_added() {
        for rank in 1..=9 {
            let (rows, columns) = (3, 5);
            let up: Vec<f32> = (0..rows * rank).map(|i| (i as f32 * 0.7).sin()).collect();
            let down: Vec<f32> = (0..rank * columns).map(|i| (i as f32 * 1.3).cos()).collect();
            let mut weight: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let before = weight.clone();
            add_product(&mut weight, &up, &down, rank, 0.5);
            for row in 0..rows {
                for column in 0..columns {
                    let sum: f32 = (0..rank).map(|k| up[row * rank + k] * down[k * columns + column]).sum();
                    let at = row * columns + column;
                    assert!((weight[at] - before[at] - 0.5 * sum).abs() < 1e-5, "rank {rank}");
                }
            }
        }
    }
}
