//! Memory-mapped `.safetensors` files.

use super::store::{Bytes, Store, map_file};
use super::{Error, Result};
use crate::backend::{Values, WeightView};
use crate::networks::{self, Weights};
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors, TensorInfo};
use std::path::Path;

/// A mapped file of named tensors, whose header has been read and checked.
#[derive(Debug)]
pub(super) struct TensorFile {
    /// For messages.
    file: String,
    bytes: Bytes,
    header: Metadata,
    /// The byte at which the tensors begin.
    start: usize,
}

impl TensorFile {
    /// `folder/stem.safetensors` or its half-precision variant.
    pub(super) fn open(store: &Store, folder: &str, stem: &str) -> Result<Self> {
        let plain = format!("{folder}/{stem}.safetensors");
        let half = format!("{folder}/{stem}.fp16.safetensors");
        let path = if store.has(&plain) || !store.has(&half) { plain } else { half };
        if !store.has(&path) {
            if store.has(&format!("{path}.index.json")) {
                let what = "weights in several files are".to_owned();
                return Err(Error::Unsupported { file: store.describe(&format!("{path}.index.json")), what });
            }
            let pickles = [format!("{folder}/pytorch_model.bin"), format!("{folder}/{stem}.bin")];
            if let Some(pickle) = pickles.iter().find(|pickle| store.has(pickle)) {
                return Err(Error::Pickle { file: store.describe(pickle) });
            }
        }
        Self::parse(store.describe(&path), store.map(&path)?)
    }

    /// Opens a file by its path.
    pub(super) fn open_path(path: &Path) -> Result<Self> {
        Self::parse(path.display().to_string(), map_file(path)?)
    }

    fn parse(file: String, bytes: Bytes) -> Result<Self> {
        match SafeTensors::read_metadata(&bytes) {
            Ok((length, header)) => Ok(Self { file, bytes, header, start: length + 8 }),
            Err(error) => {
                Err(Error::Invalid { file, fact: fact(&error), remedy: "fetch it again (as a .safetensors file)" })
            }
        }
    }

    /// The tensors' names, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.header.tensors().into_keys().collect();
        names.sort_unstable();
        names
    }

    /// An entry of the header's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The floating-point tensors.
    fn floats(&self) -> impl Iterator<Item = &TensorInfo> {
        self.header.tensors().into_values().filter(|info| is_float(info.dtype))
    }

    /// The number of floating-point values.
    pub(super) fn parameters(&self) -> usize {
        self.floats().map(|info| info.shape.iter().product::<usize>()).sum()
    }

    /// The type of most of its parameters.
    pub(super) fn dtype(&self) -> &'static str {
        let kinds = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64];
        let bytes = |kind| -> usize {
            let of_kind = self.floats().filter(|info| info.dtype == kind);
            of_kind.map(|info| info.data_offsets.1 - info.data_offsets.0).sum()
        };
        kinds.into_iter().max_by_key(|&kind| bytes(kind)).map_or("none", name_of)
    }
}

/// The fault of a header, in one line.
fn fact(error: &SafeTensorError) -> String {
    match error {
        SafeTensorError::HeaderTooSmall => "is too short to be a safetensors file".to_owned(),
        SafeTensorError::HeaderTooLarge => {
            "its header claims to be larger than 100 MB: it is no safetensors file, or damaged".to_owned()
        }
        SafeTensorError::InvalidHeaderLength => "is cut short inside its header".to_owned(),
        SafeTensorError::MetadataIncompleteBuffer => {
            "its size does not agree with its header: it is cut short or damaged".to_owned()
        }
        other => {
            let text = other.to_string();
            format!("is not a safetensors file ({})", text.lines().next().unwrap_or_default())
        }
    }
}

fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
}

fn name_of(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F16 => "f16",
        Dtype::BF16 => "bf16",
        Dtype::F32 => "f32",
        Dtype::F64 => "f64",
        _ => "other",
    }
}

impl Weights for TensorFile {
    fn file(&self) -> String {
        self.file.clone()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.header.info(name).map(|info| info.shape.clone())
    }

    fn read(&self, name: &str) -> networks::Result<WeightView<'_>> {
        let missing = || networks::Error::MissingTensor { file: self.file.clone(), name: name.to_owned() };
        let info = self.header.info(name).ok_or_else(missing)?;
        let (begin, end) = info.data_offsets;
        let bytes = self.bytes.get(self.start + begin..self.start + end).ok_or_else(missing)?;
        let values = match info.dtype {
            Dtype::F16 => Values::F16(bytes),
            Dtype::BF16 => Values::Bf16(bytes),
            Dtype::F32 => Values::F32(bytes),
            Dtype::F64 => Values::F64(bytes),
            other => {
                let (file, name, dtype) = (self.file.clone(), name.to_owned(), format!("{other:?}"));
                return Err(networks::Error::WeightType { file, name, dtype });
            }
        };
        let weight = WeightView { shape: info.shape.clone(), values };
        match weight.first_not_finite() {
            Some((index, value)) => {
                Err(networks::Error::NotFinite { file: self.file.clone(), name: name.to_owned(), value, index })
            }
            None => Ok(weight),
        }
    }

    fn release(&self) {
        self.bytes.release();
    }
}
