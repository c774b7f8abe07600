//! A file's content, in words and as JSON.

use super::coverage::percent;
use super::error::one_line;
use super::{Area, Control, Document, FileError, Lora, Prediction, Problem, Settings, StartColour};
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An OpenRaster project.
    Project,
    /// A PNG that carries its project.
    Picture,
}

/// The content of a project or an exported picture. `Display` is a few lines for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The file.
    pub file: String,
    /// The kind of file.
    pub kind: Kind,
    /// Canvas width in pixels.
    pub width: u32,
    /// Canvas height in pixels.
    pub height: u32,
    /// The style of the whole picture, added to all words.
    pub style: String,
    /// The background's words and negative prompt.
    pub background: BackgroundSummary,
    /// The regions, number 1 (the lowest) first.
    pub regions: Vec<RegionSummary>,
    /// The share of the canvas that no visible region covers, 0 to 1.
    pub uncovered: f64,
    /// The document's settings.
    pub settings: Settings,
    /// The picture it starts from, if it does.
    pub start: Option<StartSummary>,
    /// The share of the steps for which the paint layer is held, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paint: Option<f32>,
    /// ControlNets of the whole picture.
    pub controls: Vec<ControlSummary>,
    /// The seed of the take it holds, if it holds one.
    pub take_seed: Option<u64>,
    /// Warnings to look at before a picture is made.
    pub warnings: Vec<String>,
    /// Sentences on what could not be taken over from the file as it was.
    pub notes: Vec<String>,
}

/// The picture that a document starts from, in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StartSummary {
    /// The share of the steps taken on it.
    pub strength: f64,
    /// The part of it that may change: `everything`, `what regions cover` or `what a mask covers`.
    pub area: &'static str,
}

/// A colour that a part of the picture starts from, in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StartColourSummary {
    /// The colour, `#rrggbb`.
    pub colour: String,
    /// The share of the steps for which it is held.
    pub share: f32,
}

impl StartColourSummary {
    fn of(start: StartColour) -> Self {
        Self { colour: start.colour.to_string(), share: start.share }
    }
}

/// A ControlNet of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlSummary {
    /// Its file or folder.
    pub net: String,
    /// What it sees: `picture`, `canny`, `regions`, `edges` or `scribble`.
    pub map: &'static str,
    /// How strongly it counts.
    pub weight: f32,
    /// The fraction of the steps from which it counts.
    pub start: f32,
    /// The fraction of the steps until which it counts.
    pub end: f32,
}

impl ControlSummary {
    /// A list of ControlNets.
    #[must_use]
    pub fn of(controls: &[Control]) -> Vec<Self> {
        let one = |control: &Control| {
            let &Control { ref net, ref map, weight, start, end } = control;
            Self { net: net.clone(), map: map.name(), weight, start, end }
        };
        controls.iter().map(one).collect()
    }
}

impl fmt::Display for ControlSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sees = match self.map {
            "picture" => "a picture",
            "canny" => "the edges of a picture",
            "regions" => "the regions",
            "edges" => "the regions' outlines",
            _ => "the regions' outlines as scribbled",
        };
        let Self { weight, start, end, .. } = self;
        write!(f, "{} sees {sees}, weight {weight}, steps {start} to {end}", one_line(&self.net, 500))
    }
}

/// The background of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackgroundSummary {
    /// Its prompt.
    pub words: String,
    /// Its negative prompt.
    pub negative: String,
    /// LoRAs of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    /// The colour it starts from, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_colour: Option<StartColourSummary>,
}

/// A region of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionSummary {
    /// Its number, from 1.
    pub number: usize,
    /// The card's name.
    pub name: String,
    /// Its prompt.
    pub words: String,
    /// Its own negative prompt, if it has one.
    pub negative: Option<String>,
    /// LoRAs of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    /// The colour it starts from, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_colour: Option<StartColourSummary>,
    /// Its colour, `#rrggbb`.
    pub colour: String,
    /// True where it takes part in the picture.
    pub visible: bool,
    /// The share of the canvas its mask covers, 0 to 1.
    pub coverage: f64,
    /// The share of the canvas on which it shows, 0 to 1.
    pub shown: f64,
    /// Its own bootstrapping fraction, if it has one.
    pub bootstrap: Option<f32>,
    /// ControlNets that count for it alone.
    pub controls: Vec<ControlSummary>,
}

/// Opens a project or an exported picture and tells what it holds.
///
/// # Errors
/// As [`Document::open`].
pub fn describe(path: impl AsRef<Path>) -> Result<Summary, FileError> {
    let path = path.as_ref();
    let opened = Document::open_with_notes(path)?;
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.map_err(|e| FileError::new(path, Problem::Read(e)))?;
    let kind = if start == *b"\x89PNG" { Kind::Picture } else { Kind::Project };
    let mut summary = opened.document.summary(kind);
    summary.file = path.display().to_string();
    summary.notes = opened.notes;
    Ok(summary)
}

impl Document {
    /// Describes this document as a file of that kind.
    #[must_use]
    pub fn summary(&self, kind: Kind) -> Summary {
        let coverage = self.coverage();
        let warnings = self.warnings_of(&coverage).iter().map(ToString::to_string).collect();
        let regions = (1..)
            .zip(self.regions.iter().zip(&coverage.regions))
            .map(|(number, (region, share))| RegionSummary {
                number,
                name: region.name.clone(),
                words: region.prompt.clone(),
                negative: region.negative.clone(),
                loras: region.loras.clone(),
                start_colour: region.start_colour.map(StartColourSummary::of),
                colour: region.colour.to_string(),
                visible: region.visible,
                coverage: share.painted,
                shown: share.visible,
                bootstrap: region.bootstrap,
                controls: ControlSummary::of(&region.controls),
            })
            .collect();
        Summary {
            file: String::new(),
            kind,
            width: self.width,
            height: self.height,
            style: self.style.clone(),
            background: BackgroundSummary {
                words: self.background.prompt.clone(),
                negative: self.background.negative.clone(),
                loras: self.background.loras.clone(),
                start_colour: self.background.start_colour.map(StartColourSummary::of),
            },
            regions,
            uncovered: coverage.uncovered,
            settings: self.settings.clone(),
            start: self.init_image.as_ref().map(|start| StartSummary {
                strength: start.strength,
                area: match start.area {
                    Area::Everything => "everything",
                    Area::Regions => "what regions cover",
                    Area::Mask(_) => "what a mask covers",
                },
            }),
            paint: self.paint.as_ref().map(|paint| paint.share),
            controls: ControlSummary::of(&self.controls),
            take_seed: self.take.as_ref().map(|take| take.seed),
            warnings,
            notes: Vec::new(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Project => "project",
            Kind::Picture => "picture with its project",
        };
        let line = |text: &str| one_line(text, 500);
        let settings = &self.settings;
        writeln!(f, "{}: {kind}, {} × {} pixels", line(&self.file), self.width, self.height)?;
        writeln!(f, "  background    {}, “{}”", percent(self.uncovered), line(&self.background.words))?;
        if !self.background.negative.is_empty() {
            writeln!(f, "    negative    “{}”", line(&self.background.negative))?;
        }
        let own = |f: &mut fmt::Formatter<'_>, loras: &[Lora]| {
            loras
                .iter()
                .try_for_each(|lora| writeln!(f, "    LoRA        {}, weight {}", line(&lora.file), lora.weight))
        };
        own(f, &self.background.loras)?;
        let start = |f: &mut fmt::Formatter<'_>, start: Option<&StartColourSummary>| match start {
            Some(start) => writeln!(f, "    starts from {}, held for {} of the steps", start.colour, start.share),
            None => Ok(()),
        };
        start(f, self.background.start_colour.as_ref())?;
        if !self.style.is_empty() {
            writeln!(f, "  style         “{}”, added to all words", line(&self.style))?;
        }
        for region in &self.regions {
            let hidden = if region.visible { "" } else { ", hidden" };
            let shown = percent(region.coverage);
            let (number, name, words) = (region.number, line(&region.name), line(&region.words));
            writeln!(f, "  region {number:<6} {shown}{hidden}, {name}: “{words}”")?;
            if let Some(negative) = &region.negative {
                writeln!(f, "    negative    “{}”", line(negative))?;
            }
            own(f, &region.loras)?;
            start(f, region.start_colour.as_ref())?;
            for control in &region.controls {
                writeln!(f, "    ControlNet  {control}")?;
            }
        }
        writeln!(
            f,
            "  settings      {}, seed {}, {} steps of {} ({}), guidance {}, stride {}, bootstrapping {}",
            line(&settings.model),
            settings.seed,
            settings.steps,
            settings.sampler.name(),
            settings.schedule.name(),
            settings.guidance,
            settings.stride,
            settings.bootstrap,
        )?;
        if settings.reuse > 1 {
            writeln!(f, "  reuse         deep features for {} steps", settings.reuse)?;
        }
        if let Some(vae) = &settings.vae {
            writeln!(f, "  autoencoder   {}", line(vae))?;
        }
        if let Some(fallback) = &settings.fallback {
            writeln!(f, "  fallback      {}", line(fallback))?;
        }
        if settings.prediction != Prediction::Auto {
            writeln!(f, "  prediction    {}", settings.prediction.name())?;
        }
        for file in &settings.embeddings {
            writeln!(f, "  embedding     {}", line(file))?;
        }
        for lora in &settings.loras {
            writeln!(f, "  LoRA          {}, weight {}", line(&lora.file), lora.weight)?;
        }
        for control in &self.controls {
            writeln!(f, "  ControlNet    {control}")?;
        }
        if let Some(start) = &self.start {
            writeln!(f, "  starts from   a picture, strength {}, {} may change", start.strength, start.area)?;
        }
        if let Some(share) = self.paint {
            writeln!(f, "  paint         held for {share} of the steps")?;
        }
        match self.take_seed {
            Some(seed) => writeln!(f, "  take          seed {seed}")?,
            None => writeln!(f, "  take          none yet")?,
        }
        for warning in &self.warnings {
            writeln!(f, "  warning       {warning}")?;
        }
        for note in &self.notes {
            writeln!(f, "  note          {note}")?;
        }
        Ok(())
    }
}
