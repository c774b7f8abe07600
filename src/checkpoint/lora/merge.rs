//! Merging of LoRAs into a checkpoint's weights while they are read.

use super::names::flat;
use super::original::{from_original, is_original};
use super::summary::family_of_width;
use super::{LoraFile, short};
use crate::backend::WeightView;
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::stamp::Stamp;
use crate::checkpoint::{Error, PartName, Result};
use crate::networks::{self, Weights};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The changes that LoRAs make to one network.
#[derive(Debug, Default, Clone)]
pub(in crate::checkpoint) struct Patches {
    /// By the name of the checkpoint's tensor.
    pub(super) tensors: BTreeMap<String, Vec<Patch>>,
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
    /// Names of some of those that are left out.
    pub names: Vec<String>,
}

/// Names that a warning lists.
const NAMES: usize = 3;

/// The files that change a network, each with its weight. Equal lists change it equally.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::checkpoint) struct Applied(Vec<(Stamp, f32)>);

/// The change that a LoRA makes to one tensor.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    pub(super) lora: Arc<LoraFile>,
    pub(super) place: (PartName, String),
    pub(super) weight: f32,
    /// True for a bias, false for a weight.
    is_bias: bool,
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
                let family = family_of_width(text_width).map_or_else(String::new, |name| format!(": {name}"));
                let how = format!("for text embeddings {width} wide, this checkpoint's are {text_width}{family}");
                return Err(other_family(lora, &how));
            }
            let mut left_out: Vec<&str> = lora.unknown.iter().map(String::as_str).collect();
            let changed: BTreeSet<PartName> = lora.layers.keys().map(|(part, _)| *part).collect();
            for part in changed {
                let misfit = || {
                    let family = family_of_width(text_width).map_or_else(String::new, |name| format!(" of {name}"));
                    other_family(lora, &format!("nothing of what it holds for {part} fits this checkpoint{family}"))
                };
                let (file, patches) = parts.get(&part).zip(patches.get_mut(&part)).ok_or_else(misfit)?;
                let table = tables.entry(part).or_insert_with(|| Table::of(file));
                let mut fits_nothing = true;
                for (place, layer) in lora.layers.iter().filter(|((of, _), _)| *of == part) {
                    let tensors = table.layer(&place.1).map(|name| (format!("{name}.weight"), format!("{name}.bias")));
                    let tensors = tensors.filter(|(weight, bias)| {
                        let shape = file.shape(weight).unwrap_or_default();
                        layer.fits(&lora.tensors, &shape, file.shape(bias).as_deref())
                    });
                    let Some((weight_name, bias_name)) = tensors else {
                        left_out.push(&layer.label);
                        continue;
                    };
                    fits_nothing = false;
                    if *weight == 0.0 {
                        continue;
                    }
                    let patch =
                        |is_bias| Patch { lora: Arc::clone(lora), place: place.clone(), weight: *weight, is_bias };
                    if layer.changes_weight() {
                        patches.tensors.entry(weight_name).or_default().push(patch(false));
                    }
                    if !layer.bias.is_empty() {
                        patches.tensors.entry(bias_name).or_default().push(patch(true));
                    }
                }
                if fits_nothing {
                    return Err(misfit());
                }
                if *weight != 0.0 {
                    patches.applied.0.push((lora.stamp.clone(), *weight));
                }
            }
            if !left_out.is_empty() {
                let layers = lora.layers.len() + lora.unknown.len();
                let names = left_out.iter().take(NAMES).map(|name| short(name)).collect();
                warnings.push(InPart { file: lora.tensors.file(), left_out: left_out.len(), layers, names });
            }
        }
        Ok((patches, warnings))
    }
}

/// The layers of a network.
struct Table {
    /// Their names by what [`flat`] makes of them.
    layers: HashMap<String, String>,
    /// Resnets of the first level on the way down.
    resnets: usize,
}

impl Table {
    fn of(file: &TensorFile) -> Self {
        let named = |name: String| name.strip_suffix(".weight").map(|layer| (flat(layer), layer.to_owned()));
        let layers: HashMap<String, String> = file.names().into_iter().filter_map(named).collect();
        let first = |name: &&String| name.starts_with("down_blocks_0_resnets_") && name.ends_with("_conv1");
        let resnets = layers.keys().filter(first).count();
        Self { layers, resnets }
    }

    /// The checkpoint's name of a layer that is named as in diffusers or as in the original code.
    fn layer(&self, layer: &str) -> Option<&String> {
        self.layers.get(layer).or_else(|| self.layers.get(&from_original(layer, self.resnets)?))
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
        for Patch { lora, place, weight, is_bias } in patches {
            match lora.layers.get(place) {
                Some(layer) if *is_bias => lora.change_bias(layer, *weight, &mut values)?,
                Some(layer) => lora.change_weight(layer, *weight, &shape, &mut values)?,
                None => {}
            }
        }
        Ok(WeightView::computed(shape, values))
    }

    fn release(&self) {
        self.base.release();
    }
}
