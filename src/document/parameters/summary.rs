//! Generation parameters of another program's picture, in words and as JSON.

use super::{Parameters, read_with_size};
use crate::document::FileError;
use crate::document::error::one_line;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// The generation parameters of another program's picture. `Display` is a few lines for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PictureSummary {
    /// The file.
    pub file: String,
    /// Always `picture of another program`.
    pub kind: &'static str,
    /// The program, as far as the file tells.
    pub program: String,
    /// The picture's width in pixels.
    pub width: u32,
    /// The picture's height in pixels.
    pub height: u32,
    /// The prompt.
    pub prompt: String,
    /// The negative prompt.
    pub negative: String,
    /// The seed.
    pub seed: Option<u64>,
    /// Width and height that it was drawn in.
    pub size: Option<(u32, u32)>,
    /// Denoising steps.
    pub steps: Option<u32>,
    /// The sampler, by the name it has here.
    pub sampler: Option<&'static str>,
    /// The schedule, by the name it has here.
    pub schedule: Option<&'static str>,
    /// Classifier-free guidance scale.
    pub guidance: Option<f32>,
    /// The text encoder's output that was taken, from the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<u32>,
    /// What was told of the UNet's output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<&'static str>,
    /// Sentences on parameters that have no place in a document.
    pub notes: Vec<String>,
}

/// Reads the generation parameters of another program's picture; `None` where it has none.
///
/// # Errors
/// As [`super::read_parameters`].
pub fn describe_picture(path: impl AsRef<Path>) -> Result<Option<PictureSummary>, FileError> {
    let path = path.as_ref();
    let (parameters, (width, height)) = read_with_size(path)?;
    Ok(parameters.map(|parameters| {
        let Parameters { program, prompt, negative, seed, size, steps, sampler, schedule, guidance, notes, .. } =
            parameters;
        PictureSummary {
            file: path.display().to_string(),
            kind: "picture of another program",
            program,
            width,
            height,
            prompt,
            negative,
            seed,
            size,
            steps,
            sampler: sampler.map(super::Sampler::name),
            schedule: schedule.map(super::Schedule::name),
            guidance,
            clip_skip: parameters.clip_skip,
            prediction: parameters.prediction.map(super::Prediction::name),
            notes,
        }
    }))
}

impl fmt::Display for PictureSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |text: &str| one_line(text, 500);
        let (file, kind, program) = (line(&self.file), self.kind, line(&self.program));
        writeln!(f, "{file}: {kind} ({program}), {} × {} pixels", self.width, self.height)?;
        writeln!(f, "  prompt        “{}”", line(&self.prompt))?;
        if !self.negative.is_empty() {
            writeln!(f, "  negative      “{}”", line(&self.negative))?;
        }
        let told = [
            self.seed.map(|seed| format!("seed {seed}")),
            self.steps.map(|steps| format!("{steps} steps")),
            self.sampler.map(|sampler| format!("sampler {sampler}")),
            self.schedule.map(|schedule| format!("schedule {schedule}")),
            self.guidance.map(|guidance| format!("guidance {guidance}")),
            self.clip_skip.map(|skip| format!("clip skip {skip}")),
            self.prediction.map(|prediction| format!("prediction {prediction}")),
            self.size.map(|(width, height)| format!("drawn in {width} × {height}")),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        if !told.is_empty() {
            writeln!(f, "  settings      {}", told.join(", "))?;
        }
        for note in &self.notes {
            writeln!(f, "  note          {note}")?;
        }
        Ok(())
    }
}
