//! Memory-mapped `.safetensors` files: one, or several that hold one network together, or the part of one that a network is.

use super::fp8::{self, Fp8};
use super::sniff;
use super::store::{Bytes, Store, map_file};
use super::{Error, Result};
use crate::backend::{Progress, Values, WeightView};
use crate::networks::{self, Weights};
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors};
use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, Range};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Named tensors in mapped files, whose headers have been read and checked.
#[derive(Debug, Clone)]
pub(super) struct TensorFile {
    /// For messages.
    file: String,
    /// The files, which may hold other networks too.
    maps: Vec<Arc<Bytes>>,
    metadata: HashMap<String, String>,
    tensors: BTreeMap<String, Tensor>,
    /// Bytes of the files, or of the tensors of a part.
    length: usize,
    /// Counts what is read, where somebody listens.
    reading: Option<Arc<Reading>>,
}

/// How far the files of a checkpoint are read.
#[derive(Debug)]
pub(super) struct Reading {
    progress: Progress,
    total: u64,
    done: AtomicU64,
}

impl Reading {
    /// Nothing is read yet of `total` bytes.
    pub(super) fn new(progress: Progress, total: usize) -> Self {
        Self { progress, total: total as u64, done: AtomicU64::new(0) }
    }

    fn add(&self, bytes: usize) {
        let done = self.done.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        // (What was released for lack of memory is read again.)
        self.progress.tell(done.min(self.total), self.total);
    }
}

/// A tensor's place in its file.
#[derive(Debug, Clone)]
struct Tensor {
    /// The index of its file.
    map: usize,
    /// Its name in that file.
    name: String,
    dtype: Dtype,
    /// The shape as networks see it.
    shape: Vec<usize>,
    /// Its bytes, counted from the beginning of the file.
    bytes: Range<usize>,
    /// True for a matrix that lies in the file the other way round.
    transposed: bool,
    /// The factor of its values: one number, or one a row.
    scale: Option<Box<Tensor>>,
}

/// The difference between a tensor of a file and the one that a network wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// None but the name.
    Name,
    /// It is this third of the rows: queries, keys and values in one.
    Third(usize),
    /// Rows are columns.
    Transposed,
}

impl TensorFile {
    /// `folder/stem.safetensors`, its half-precision variant, or the files that an index lists.
    pub(super) fn open(store: &Store, folder: &str, stem: &str) -> Result<Self> {
        if let Some(part) = store.part(folder) {
            return Ok(part);
        }
        // A whole file beside a stale index is the network; halves are taken where there is nothing else.
        let path = |name: &str| format!("{folder}/{name}");
        for (whole, indices) in [
            (format!("{stem}.safetensors"), vec![format!("{stem}.safetensors.index.json")]),
            (
                format!("{stem}.fp16.safetensors"),
                vec![format!("{stem}.safetensors.index.fp16.json"), format!("{stem}.fp16.safetensors.index.json")],
            ),
        ] {
            let whole = path(&whole);
            if store.has(&whole) {
                return Self::parse(store.describe(&whole), store.map(&whole)?);
            }
            if let Some(index) = indices.iter().map(|index| path(index)).find(|index| store.has(index)) {
                return Self::sharded(store, folder, &index);
            }
        }
        for pickle in [path("pytorch_model.bin"), path(&format!("{stem}.bin")), path(&format!("{stem}.fp16.bin"))] {
            if store.has(&pickle) {
                return Err(Error::Pickle { file: store.describe(&pickle) });
            }
        }
        let missing = path(&format!("{stem}.safetensors"));
        Self::parse(store.describe(&missing), store.map(&missing)?)
    }

    /// Opens a file by its path.
    pub(super) fn open_path(path: &Path) -> Result<Self> {
        Self::parse(path.display().to_string(), map_file(path)?)
    }

    fn parse(file: String, bytes: Bytes) -> Result<Self> {
        sniff::refuse(&file, &bytes)?;
        let (length, header) = match SafeTensors::read_metadata(&bytes) {
            Ok(read) => read,
            Err(error) => {
                return Err(Error::Invalid {
                    file,
                    fact: fact(&error),
                    remedy: "fetch it again (as a .safetensors file)",
                });
            }
        };
        if let Some(kind) = header.tensors().keys().find_map(|name| quantised(name)) {
            return Err(Error::Unsupported { file, what: format!("weights quantised as {kind} are") });
        }
        let tensors = tensors(&header, length + 8);
        let metadata = header.metadata().clone().unwrap_or_default();
        let length = bytes.len();
        Ok(Self { file, maps: vec![Arc::new(bytes)], metadata, tensors, length, reading: None })
    }

    /// The files that an index lists.
    fn sharded(store: &Store, folder: &str, index: &str) -> Result<Self> {
        let described = store.describe(index);
        let invalid = |fact: &str| Error::Invalid {
            file: described.clone(),
            fact: fact.to_owned(),
            remedy: "get the whole checkpoint in the diffusers layout",
        };
        let listed = store.json(index)?;
        let listed = listed.get("weight_map").and_then(|map| map.as_object());
        let listed = listed.ok_or_else(|| invalid("lists no files (no weight_map)"))?;
        let mut files: BTreeMap<&str, usize> = BTreeMap::new();
        let mut whole = Self {
            file: described.clone(),
            maps: Vec::new(),
            metadata: HashMap::new(),
            tensors: BTreeMap::new(),
            length: 0,
            reading: None,
        };
        let mut of_files = Vec::new();
        for (tensor, file) in listed {
            let file = file.as_str().filter(|file| Path::new(file).file_name().is_some_and(|name| name == *file));
            let file = file.ok_or_else(|| invalid("names a file that is not beside it"))?;
            let next = files.len();
            let number = *files.entry(file).or_insert(next);
            if number == next {
                let path = format!("{folder}/{file}");
                let shard = Self::parse(store.describe(&path), store.map(&path)?)?;
                let mut tensors = shard.tensors;
                for tensor in tensors.values_mut() {
                    tensor.map = number;
                    tensor.scale.iter_mut().for_each(|scale| scale.map = number);
                }
                whole.maps.extend(shard.maps);
                whole.length += shard.length;
                of_files.push(tensors);
            }
            let found = of_files.get(number).and_then(|tensors| tensors.get(tensor)).cloned();
            let found = found.ok_or_else(|| invalid(&format!("puts {} into {file}, which lacks it", short(tensor))))?;
            whole.tensors.insert(tensor.clone(), found);
        }
        // What an index forgets is there all the same.
        for (name, tensor) in of_files.into_iter().flatten() {
            whole.tensors.entry(name).or_insert(tensor);
        }
        Ok(whole)
    }

    /// The part of the file that a network is: tensors by their new names, each with its name here and what is changed.
    pub(super) fn part(&self, names: impl IntoIterator<Item = (String, (String, Change))>) -> Self {
        let tensors: BTreeMap<String, Tensor> = names
            .into_iter()
            .filter_map(|(new, (name, change))| Some((new, self.tensors.get(&name)?.changed(change)?)))
            .collect();
        let length = tensors.values().map(|tensor| tensor.bytes.len()).sum();
        let (file, maps) = (self.file.clone(), self.maps.clone());
        Self { file, maps, metadata: HashMap::new(), tensors, length, reading: None }
    }

    /// Lets what is read be counted.
    pub(super) fn watch(&mut self, reading: &Arc<Reading>) {
        self.reading = Some(Arc::clone(reading));
    }

    /// The tensors' names, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    /// The shape of a tensor, or nothing where there is none.
    pub(super) fn shape_of(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| tensor.shape.as_slice())
    }

    /// The file's name, for messages.
    pub(super) fn name(&self) -> String {
        self.file.clone()
    }

    /// The same without one of its tensors.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.tensors.remove(name);
        self
    }

    /// Whether there is a tensor whose name begins so.
    pub(super) fn any(&self, start: &str) -> bool {
        let from = (Bound::Included(start), Bound::Unbounded);
        self.tensors.range::<str, _>(from).next().is_some_and(|(name, _)| name.starts_with(start))
    }

    /// Whether there is a tensor with this in its name.
    pub(super) fn contains(&self, part: &str) -> bool {
        self.tensors.keys().any(|name| name.contains(part))
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// An entry of the header's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// The value of a tensor that is one whole number of 64, 32 or 8 bits, such as some alphas are.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        let tensor = self.tensors.get(name)?;
        let bytes = self.maps.get(tensor.map)?.get(tensor.bytes.clone())?;
        match tensor.dtype {
            Dtype::I64 => bytes.try_into().ok().map(i64::from_le_bytes),
            Dtype::I32 => bytes.try_into().ok().map(i32::from_le_bytes).map(i64::from),
            Dtype::U8 | Dtype::BOOL => bytes.first().copied().map(i64::from),
            _ => None,
        }
    }

    /// Bytes of the files, or of the tensors of a part.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// The floating-point tensors.
    fn floats(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.values().filter(|tensor| is_float(tensor.dtype))
    }

    /// The number of floating-point values.
    pub(super) fn parameters(&self) -> usize {
        self.floats().map(|tensor| tensor.shape.iter().product::<usize>()).sum()
    }

    /// The type of most of its parameters.
    pub(super) fn dtype(&self) -> &'static str {
        let kinds = [Dtype::F8_E5M2, Dtype::F8_E4M3, Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64];
        let bytes = |kind| -> usize {
            self.floats().filter(|tensor| tensor.dtype == kind).map(|tensor| tensor.bytes.len()).sum()
        };
        kinds.into_iter().max_by_key(|&kind| bytes(kind)).map_or("none", name_of)
    }
}

/// The tensors of a header, which begin at byte `start` of the file.
fn tensors(header: &Metadata, start: usize) -> BTreeMap<String, Tensor> {
    let infos = header.tensors();
    let tensor = |name: &str| {
        let info = infos.get(name)?;
        let (begin, end) = info.data_offsets;
        Some(Tensor {
            map: 0,
            name: name.to_owned(),
            dtype: info.dtype,
            shape: info.shape.clone(),
            bytes: start + begin..start + end,
            transposed: false,
            scale: None,
        })
    };
    let of_name = |name: &String| {
        let mut found = tensor(name)?;
        if let Some(layer) = name.strip_suffix(".weight") {
            let scale = ["scale_weight", "weight_scale"].iter().find_map(|end| tensor(&format!("{layer}.{end}")));
            found.scale = scale.map(Box::new);
        }
        Some((name.clone(), found))
    };
    infos.keys().filter_map(of_name).collect()
}

/// The kind of quantisation that a tensor's name tells, of those that cannot be read.
fn quantised(name: &str) -> Option<&'static str> {
    if name.contains(".quant_state.bitsandbytes__nf4") {
        Some("nf4 (bitsandbytes)")
    } else if name.contains(".quant_state.bitsandbytes__fp4") {
        Some("fp4 (bitsandbytes)")
    } else if [".weight.absmax", ".weight.quant_map", ".SCB"].iter().any(|end| name.ends_with(end)) {
        Some("4 or 8 bits by bitsandbytes")
    } else if name.ends_with(".qweight") || name.ends_with(".wscales") {
        Some("4 bits by SVDQuant or GPTQ")
    } else {
        None
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
            format!("is not a safetensors file ({})", short(text.lines().next().unwrap_or_default()))
        }
    }
}

/// A name from a file, for a message.
pub(super) fn short(name: &str) -> String {
    let short: String = name.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < name.len() { short + "…" } else { short }
}

fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64 | Dtype::F8_E4M3 | Dtype::F8_E5M2)
}

fn name_of(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F16 => "f16",
        Dtype::BF16 => "bf16",
        Dtype::F32 => "f32",
        Dtype::F64 => "f64",
        Dtype::F8_E4M3 => "fp8 e4m3",
        Dtype::F8_E5M2 => "fp8 e5m2",
        _ => "other",
    }
}

impl Tensor {
    /// Itself with a change; `None` where it has not the shape for that.
    fn changed(&self, change: Change) -> Option<Self> {
        let mut new = self.clone();
        match change {
            Change::Name => {}
            Change::Third(index) => {
                let rows = new.shape.first_mut()?;
                if !rows.is_multiple_of(3) || index > 2 || !self.bytes.len().is_multiple_of(3) {
                    return None;
                }
                *rows /= 3;
                let length = self.bytes.len() / 3;
                new.bytes.start += index * length;
                new.bytes.end = new.bytes.start + length;
            }
            Change::Transposed => {
                if new.shape.len() != 2 {
                    return None;
                }
                new.shape.reverse();
                new.transposed = !new.transposed;
            }
        }
        Some(new)
    }

    /// Its values, in the file's own type and without a copy where that is what networks read.
    fn values<'a>(&self, file: &'a TensorFile) -> networks::Result<Values<'a>> {
        let bytes = file.maps.get(self.map).and_then(|map| map.get(self.bytes.clone()));
        let bytes =
            bytes.ok_or_else(|| networks::Error::MissingTensor { file: file.file.clone(), name: self.name.clone() })?;
        Ok(match self.dtype {
            Dtype::F16 => Values::F16(bytes),
            Dtype::BF16 => Values::Bf16(bytes),
            Dtype::F32 => Values::F32(bytes),
            Dtype::F64 => Values::F64(bytes),
            Dtype::F8_E4M3 => Values::Halves(fp8::halves(bytes, Fp8::E4m3)),
            Dtype::F8_E5M2 => Values::Halves(fp8::halves(bytes, Fp8::E5m2)),
            other => {
                let (file, name, dtype) = (file.file.clone(), self.name.clone(), format!("{other:?}"));
                return Err(networks::Error::WeightType { file, name, dtype });
            }
        })
    }

    fn read<'a>(&self, file: &'a TensorFile) -> networks::Result<WeightView<'a>> {
        let mut weight = WeightView { name: String::new(), shape: self.shape.clone(), values: self.values(file)? };
        if let Some((index, value)) = weight.first_not_finite() {
            let (file, name) = (file.file.clone(), self.name.clone());
            return Err(networks::Error::NotFinite { file, name, value, index });
        }
        if let Some(scale) = &self.scale {
            weight = self.scaled(weight, scale.read(file)?.into_f32(), file)?;
        }
        if let (true, &[rows, columns]) = (self.transposed, self.shape.as_slice()) {
            let values = weight.into_f32();
            let at = |i: usize| values.get(i % columns * rows + i / columns).copied().unwrap_or_default();
            weight = WeightView::computed(self.shape.clone(), (0..values.len()).map(at).collect());
        }
        Ok(weight)
    }

    /// Values times a factor, or times one for each row.
    fn scaled<'a>(
        &self,
        weight: WeightView<'a>,
        scale: Vec<f32>,
        file: &TensorFile,
    ) -> networks::Result<WeightView<'a>> {
        if scale.iter().all(|&factor| factor == 1.0) {
            return Ok(weight);
        }
        let rows = self.shape.first().copied().unwrap_or(1);
        let row = match scale.len() {
            1 => weight.len(),
            count if count == rows => weight.len() / rows.max(1),
            found => {
                return Err(networks::Error::WrongShape {
                    file: file.file.clone(),
                    name: self.scale.as_ref().map_or_else(String::new, |scale| scale.name.clone()),
                    found: vec![found],
                    expected: vec![1],
                });
            }
        };
        let shape = weight.shape.clone();
        let mut values = weight.into_f32();
        for (row, factor) in values.chunks_mut(row.max(1)).zip(&scale) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
        Ok(fp8::narrowed(shape, values))
    }
}

impl Weights for TensorFile {
    fn file(&self) -> String {
        self.file.clone()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.shape_of(name).map(<[usize]>::to_vec)
    }

    fn read(&self, name: &str) -> networks::Result<WeightView<'_>> {
        let missing = || networks::Error::MissingTensor { file: self.file.clone(), name: name.to_owned() };
        let tensor = self.tensors.get(name).ok_or_else(missing)?;
        if let Some(reading) = &self.reading {
            reading.add(tensor.bytes.len());
        }
        tensor.read(self)
    }

    fn release(&self) {
        self.maps.iter().for_each(|map| map.release());
    }
}
