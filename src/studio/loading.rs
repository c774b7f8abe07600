//! Loading a checkpoint and its LoRAs as a [`Model`].

use super::control::Controlled;
use super::model::Model;
use super::preview::{LatentToRgb, SmallDecoder};
use super::warning::Warning;
use crate::checkpoint::prompt::Reading;
use crate::checkpoint::{
    self, Checkpoint, Choice, Control, ControlFile, Device, Devices, Dtype, FewSteps, InPart, LeftOut, LoraFile,
    Manners, NoSuchDtype, PreviewDecoder, Shortage, Tokenizer, Words, trial,
};
use crate::diffusion::{Network, NetworkError, Planes, PromptId, SchedulerConfig};
use crate::document;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Open LoRAs, each with its weight.
type Files = Vec<(Arc<LoraFile>, f32)>;

/// A checkpoint on a device, with its noise schedule and vocabulary.
#[derive(Debug)]
pub struct Loaded {
    model: checkpoint::Model,
    scheduler: SchedulerConfig,
    window: usize,
    factor: usize,
    preview_map: Option<LatentToRgb>,
    words: Option<Words>,
    few_steps: Option<FewSteps>,
    memory: usize,
    /// The LoRAs merged into it; a file that has not changed is not read again.
    loras: Files,
    /// The sets of LoRAs that prompts can have besides, as the document has them, and their files.
    sets: Vec<(Vec<document::Lora>, Files)>,
    decoder: DecoderSlot,
    /// The ControlNets of the last drawing; a file that has not changed is not read again.
    controls: Vec<Arc<ControlFile>>,
}

/// Side of the latent on which a small decoder is measured.
const MEASURED: usize = 16;

/// The small decoder of previews.
#[derive(Debug, Default)]
struct DecoderSlot {
    /// The one that was set, that lies near the checkpoint, or that the library has.
    path: Option<PathBuf>,
    /// The name by which it is looked for.
    name: Option<&'static str>,
    /// What is on the device.
    ready: Option<(PreviewDecoder, SmallDecoder)>,
}

/// Reason for which a checkpoint cannot be used: one line that names file, fact and remedy.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file of the checkpoint or of a LoRA.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// Its noise schedule is not supported.
    #[error("{name}: {source}")]
    Schedule {
        /// The checkpoint.
        name: String,
        /// The fact and the remedy.
        source: crate::diffusion::ScheduleError,
    },
    /// No device has the type of tensors that was asked for.
    #[error(transparent)]
    Dtype(#[from] NoSuchDtype),
    /// ControlNets were asked of a model that takes none.
    #[error("this model takes no ControlNets; remove them")]
    NoControls,
    /// LoRAs were asked of a model that takes none.
    #[error("this model takes no LoRAs; remove them")]
    NoLoras,
}

/// [`load_with_manners`] on the device of these that is asked for, in this type. The automatic choice is made here; where its card
/// cannot be opened, it is made again without that card. A warning for each card that was passed over comes first.
///
/// # Errors
/// As [`load_with_manners`], and if no device has the type.
pub fn load_on(
    devices: &Devices,
    name: &str,
    device: Device,
    dtype: Dtype,
    loras: &[document::Lora],
    manners: &Manners,
) -> Result<(Loaded, Vec<Warning>), LoadError> {
    loop {
        let Choice { device: chosen, passed_over } = devices.choose(device, dtype)?;
        match load_with_manners(name, chosen, loras, manners) {
            Err(LoadError::Checkpoint(error))
                if error.is_of_opening() && device == Device::Auto && !chosen.is_processor() =>
            {
                devices.note_unopened(chosen, error.to_string());
            }
            loaded => {
                let (loaded, warnings) = loaded?;
                return Ok((loaded, passed_over.into_iter().map(Warning::PassedOver).chain(warnings).collect()));
            }
        }
    }
}

/// Opens `embedded`, `embedded/few_steps`, a file or a diffusers folder (see [`Checkpoint::open`]) on a device, with LoRAs merged
/// into it: the model, and a warning for each LoRA that fits in part.
///
/// # Errors
/// If there is no such checkpoint or LoRA, or one is damaged, not supported or too large, or they do not fit together.
pub fn load(name: &str, device: Device, loras: &[document::Lora]) -> Result<(Loaded, Vec<Warning>), LoadError> {
    load_with_manners(name, device, loras, &Manners::default())
}

/// As [`load`], on a device with these manners.
///
/// # Errors
/// As [`load`]; also where the device is interrupted meanwhile.
pub fn load_with_manners(
    name: &str,
    device: Device,
    loras: &[document::Lora],
    manners: &Manners,
) -> Result<(Loaded, Vec<Warning>), LoadError> {
    let checkpoint = Checkpoint::open(name)?;
    let scheduler = SchedulerConfig::from_json(checkpoint.scheduler())
        .map_err(|source| LoadError::Schedule { name: checkpoint.name().to_owned(), source })?;
    let (window, factor) = (checkpoint.window(), checkpoint.latent_scale());
    let (words, few_steps) = (checkpoint.known_words()?.map(Words::new), checkpoint.few_steps());
    let (loras, memory) = (open(loras, &[])?, checkpoint.memory());
    let (near, decoder_name) = (checkpoint.preview_decoder(), checkpoint.preview_decoder_name());
    let taken = checkpoint.taken().into_iter().map(|(part, file)| Warning::PartTaken { part, file });
    let taken: Vec<Warning> = taken.collect();
    let (model, in_part) = checkpoint.load_with_manners(device, &loras, manners)?;
    let loaded = Loaded {
        model,
        scheduler,
        window,
        factor,
        words,
        few_steps,
        memory,
        loras,
        sets: Vec::new(),
        controls: Vec::new(),
        preview_map: None,
        decoder: DecoderSlot { path: near, name: decoder_name, ready: None },
    };
    Ok((loaded, taken.into_iter().chain(warnings(in_part)).collect()))
}

/// Opens the files of LoRAs, but for those in `known` that have not changed since.
fn open(loras: &[document::Lora], known: &[(Arc<LoraFile>, f32)]) -> checkpoint::Result<Files> {
    let one = |lora: &document::Lora| {
        let open = known.iter().find(|(file, _)| file.is_current(&lora.file)).map(|(file, _)| Arc::clone(file));
        let file = open.map_or_else(|| LoraFile::open(&lora.file).map(Arc::new), Ok)?;
        Ok((file, lora.weight))
    };
    loras.iter().map(one).collect()
}

fn warnings(in_part: Vec<InPart>) -> Vec<Warning> {
    let warning = |InPart { file, left_out, layers, names }| {
        let more = if names.len() < left_out { ", …" } else { "" };
        Warning::LoraInPart { file, left_out, layers, names: names.join(", ") + more }
    };
    in_part.into_iter().map(warning).collect()
}

impl Loaded {
    /// A model to be measured, and the account of its device's tensors.
    ///
    /// # Errors
    /// As [`load`].
    pub fn of_trial(device: Device, shape: &trial::Shape) -> Result<(Self, trial::Account), LoadError> {
        let trial::Subject { checkpoint, model, account } = trial::Subject::load(device, shape)?;
        let scheduler = SchedulerConfig::from_json(checkpoint.scheduler())
            .map_err(|source| LoadError::Schedule { name: checkpoint.name().to_owned(), source })?;
        let loaded = Self {
            model,
            scheduler,
            window: checkpoint.window(),
            factor: checkpoint.latent_scale(),
            preview_map: None,
            words: None,
            few_steps: checkpoint.few_steps(),
            memory: checkpoint.memory(),
            loras: Vec::new(),
            sets: Vec::new(),
            controls: Vec::new(),
            decoder: DecoderSlot::default(),
        };
        Ok((loaded, account))
    }

    /// Puts a small decoder on the device, and measures it: once to warm up, then again.
    fn ready_decoder(&mut self, path: &Path) -> checkpoint::Result<()> {
        self.decoder.ready = None;
        let file = PreviewDecoder::open(path)?;
        self.model.set_preview_decoder(Some(&file))?;
        let latent = Planes::zeros(1, self.model.latent_channels(), MEASURED, MEASURED);
        let mut seconds = 0.0;
        for _ in 0..2 {
            let begun = Instant::now();
            self.model.preview(&latent)?;
            seconds = begun.elapsed().as_secs_f64();
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let decoder = SmallDecoder { name, pace: seconds / latent.plane_len() as f64 };
        self.decoder.ready = Some((file, decoder));
        Ok(())
    }

    /// Its tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        self.model.tokenizer()
    }

    /// The words it was trained on, where the checkpoint lists them.
    #[must_use]
    pub fn words(&self) -> Option<&Words> {
        self.words.as_ref()
    }
}

impl Model for Loaded {
    fn network(&mut self) -> &mut dyn Network {
        &mut self.model
    }

    fn window(&self) -> usize {
        self.window
    }

    fn factor(&self) -> usize {
        self.factor
    }

    fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    fn few_steps(&self) -> Option<FewSteps> {
        self.few_steps
    }

    fn memory(&self) -> usize {
        self.memory + self.model.adapter_bytes()
    }

    fn shortage(&mut self) -> Shortage {
        self.model.shortage()
    }

    fn in_f32(&mut self) -> bool {
        let changed = self.model.in_f32();
        if changed {
            // It was fitted to pictures that may have been no numbers.
            self.preview_map = None;
            self.decoder.ready = None;
        }
        changed
    }

    fn set_loras(&mut self, loras: &[document::Lora]) -> Result<Vec<Warning>, LoadError> {
        let loras = open(loras, &self.loras)?;
        let in_part = self.model.set_loras(&loras)?;
        self.loras = loras;
        Ok(warnings(in_part))
    }

    fn set_region_loras(&mut self, sets: &[&[document::Lora]]) -> Result<Vec<Warning>, LoadError> {
        let known: Vec<_> = self.sets.iter().flat_map(|(_, files)| files).chain(&self.loras).cloned().collect();
        let mut opened = Vec::new();
        for &loras in sets {
            opened.push((loras.to_vec(), open(loras, &known)?));
        }
        self.sets.clear();
        let files: Vec<_> = opened.iter().map(|(_, files)| files.clone()).collect();
        let in_part = self.model.set_adapters(&files)?;
        self.sets = opened;
        Ok(warnings(in_part))
    }

    fn set_embeddings(&mut self, paths: &[String]) {
        self.model.set_inversions(paths);
    }

    fn left_out(&mut self) -> Vec<LeftOut> {
        self.model.left_out()
    }

    fn set_controls(&mut self, controls: Vec<Controlled>) -> Result<(), LoadError> {
        let mut files: Vec<Arc<ControlFile>> = Vec::new();
        let mut opened = Vec::new();
        for Controlled { net, picture, weight } in controls {
            let known = files.iter().chain(&self.controls).find(|file| file.is_current(&net)).map(Arc::clone);
            let file = known.map_or_else(|| ControlFile::open(&net).map(Arc::new), Ok)?;
            files.push(Arc::clone(&file));
            opened.push(Control { net: file, picture, weight });
        }
        self.controls = files;
        Ok(self.model.set_controls(opened)?)
    }

    fn set_preview_decoder(&mut self, file: &Path) -> Result<(), LoadError> {
        self.decoder.path = Some(file.to_owned());
        Ok(self.ready_decoder(file)?)
    }

    fn know_preview_decoders(&mut self, files: &[PathBuf]) {
        if let (None, Some(name)) = (&self.decoder.path, self.decoder.name) {
            self.decoder.path = files.iter().find(|file| PreviewDecoder::is_named(file, name)).cloned();
        }
    }

    fn preview_decoder(&mut self) -> Option<SmallDecoder> {
        let path = self.decoder.path.clone()?;
        let ready =
            |slot: &DecoderSlot| slot.ready.as_ref().filter(|(file, _)| file.is_current(&path)).map(|(_, d)| d.clone());
        if let Some(ready) = ready(&self.decoder) {
            return Some(ready);
        }
        match self.ready_decoder(&path) {
            Err(error) if !error.is_cancelled() => {
                log::warn!("{error}; previews are made without it");
                (self.decoder.path, self.decoder.name) = (None, None);
            }
            _ => {}
        }
        self.decoder.ready.as_ref().map(|(_, decoder)| decoder.clone())
    }

    fn prompt(&mut self, words: &str, reading: Reading) -> Result<PromptId, NetworkError> {
        self.prompt_with(words, reading, &[])
    }

    fn prompt_with(
        &mut self,
        words: &str,
        reading: Reading,
        loras: &[document::Lora],
    ) -> Result<PromptId, NetworkError> {
        let set = self.sets.iter().position(|(set, _)| set == loras);
        Ok(self.model.prompt_with(words, reading, set)?)
    }

    fn preview_map(&mut self) -> &mut Option<LatentToRgb> {
        &mut self.preview_map
    }

    fn device(&self) -> (String, String) {
        let described = self.model.device();
        let (device, dtype) = described.rsplit_once(", ").unwrap_or((&described, "f32"));
        (device.to_owned(), dtype.to_owned())
    }
}
