//! Memory-mapped `.safetensors` files.

use super::store::{Bytes, Store, map_file};
use super::{Error, Result};
use crate::backend::HostTensor;
use crate::networks::{self, Weights};
use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors, TensorInfo};
use std::path::Path;

/// Values converted at a time.
const BLOCK: usize = 4096;

/// One file of named tensors, its header read and checked.
#[derive(Debug)]
pub(super) struct TensorFile {
    /// For messages.
    file: String,
    bytes: Bytes,
    header: Metadata,
    /// Where the tensors begin.
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

    /// A file by its path.
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

    /// The tensors' names, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.header.tensors().into_keys().collect();
        names.sort_unstable();
        names
    }

    /// A text of the header.
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

    /// How many parameters it holds.
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

/// What is wrong with a header, in one line.
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

    fn read(&self, name: &str) -> networks::Result<HostTensor> {
        let missing = || networks::Error::MissingTensor { file: self.file.clone(), name: name.to_owned() };
        let info = self.header.info(name).ok_or_else(missing)?;
        let (begin, end) = info.data_offsets;
        let bytes = self.bytes.get(self.start + begin..self.start + end).ok_or_else(missing)?;
        let data = to_f32(info.dtype, bytes).ok_or_else(|| networks::Error::WeightType {
            file: self.file.clone(),
            name: name.to_owned(),
            dtype: format!("{:?}", info.dtype),
        })?;
        if let Some((index, &value)) = data.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(networks::Error::NotFinite { file: self.file.clone(), name: name.to_owned(), value, index });
        }
        Ok(HostTensor { shape: info.shape.clone(), data })
    }
}

/// Little-endian values of any float type, as f32; none where the type is not one.
fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    match dtype {
        Dtype::F32 => Some(convert::<4>(bytes, |bytes, values| {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        })),
        Dtype::F16 => Some(convert::<2>(bytes, |bytes, values| {
            let mut block = [f16::ZERO; BLOCK];
            let block = block.get_mut(..values.len()).unwrap_or_default();
            for (value, bytes) in block.iter_mut().zip(bytes.as_chunks().0) {
                *value = f16::from_le_bytes(*bytes);
            }
            block.convert_to_f32_slice(values);
        })),
        Dtype::BF16 => Some(convert::<2>(bytes, |bytes, values| {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = bf16::from_le_bytes(*bytes).to_f32();
            }
        })),
        Dtype::F64 => Some(convert::<8>(bytes, |bytes, values| {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
                let narrowed = f64::from_le_bytes(*bytes) as f32;
                *value = narrowed;
            }
        })),
        _ => None,
    }
}

/// Converts values of `SIZE` bytes block by block, on all threads.
fn convert<const SIZE: usize>(bytes: &[u8], block: impl Fn(&[u8], &mut [f32]) + Sync) -> Vec<f32> {
    let mut values = vec![0.0; bytes.len() / SIZE];
    values
        .par_chunks_mut(BLOCK)
        .zip(bytes.par_chunks(BLOCK * SIZE))
        .with_min_len(16)
        .for_each(|(values, bytes)| block(bytes, values));
    values
}
