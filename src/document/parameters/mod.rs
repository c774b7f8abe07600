//! Generation parameters as other programs write them into their files, and a document from them.
//!
//! | program | place | form |
//! |---|---|---|
//! | AUTOMATIC1111, Forge, SD.Next, Civitai | PNG `parameters`; Exif user comment of JPEG and WebP | `web_ui` |
//! | ComfyUI | PNG `prompt`; Exif of WebP | `comfy` |
//! | InvokeAI | PNG `invokeai_metadata`, before `sd-metadata` and `Dream` | `json`, `dream` |
//! | NovelAI | PNG `Description` and `Comment` | `json` |
//! | Fooocus, SwarmUI | PNG `parameters`; Exif user comment | `json` |
//!
//! Parameters that have a place in a document are taken over, all others that a person would miss are told. Texts are bounded,
//! and numbers are brought into the limits of documents.

mod carried;
mod comfy;
mod dream;
mod exif;
mod json;
mod names;
mod summary;
mod web_ui;

pub use summary::{PictureSummary, describe_picture};

use super::error::one_line;
use super::{
    Area, Background, Document, FileError, InitImage, MAX_CLIP_SKIP, MAX_GUIDANCE, MAX_SIDE, MAX_STEPS, MIN_SIDE,
    Opened, Prediction, Problem, PromptRule, Sampler, Schedule, Take, check_canvas, over_white, read_picture,
};
use carried::Carried;
use image::RgbImage;
use serde_json::Value;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

/// This program's name in its own parameters.
const OWN: &str = "Polyptych";
/// The most notes of one picture.
const MAX_NOTES: usize = 32;

/// Generation parameters in a document's terms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    /// The program that wrote them, as far as they tell.
    pub program: String,
    /// The prompt, as it was written.
    pub prompt: String,
    /// The negative prompt, as it was written.
    pub negative: String,
    /// The seed of the first latent.
    pub seed: Option<u64>,
    /// Width and height that the picture was drawn in; it may have been enlarged since.
    pub size: Option<(u32, u32)>,
    /// Denoising steps.
    pub steps: Option<u32>,
    /// The sampler, where there is one like it here.
    pub sampler: Option<Sampler>,
    /// The spacing of the noise levels, where there is one like it here.
    pub schedule: Option<Schedule>,
    /// Classifier-free guidance scale.
    pub guidance: Option<f32>,
    /// The program whose reading of prompts was followed, where it is known.
    pub prompt_rule: Option<PromptRule>,
    /// The text encoder's output that was taken, from the end.
    pub clip_skip: Option<u32>,
    /// What the person told of the UNet's output.
    pub prediction: Option<Prediction>,
    /// The embedded model that drew it, where this program wrote it.
    pub model: Option<String>,
    /// Sentences on parameters that have no place in a document.
    pub notes: Vec<String>,
}

/// Parameters as one form states them, before they are held against what there is here.
#[derive(Debug, Default)]
struct Draft {
    program: String,
    prompt: String,
    negative: String,
    seed: Option<String>,
    size: Option<(u32, u32)>,
    steps: Option<u32>,
    sampler: Option<String>,
    schedule: Option<String>,
    guidance: Option<f32>,
    prompt_rule: Option<PromptRule>,
    clip_skip: Option<u32>,
    prediction: Option<Prediction>,
    model: Option<String>,
    /// Fields that are left out, with their values.
    left_out: Vec<(String, String)>,
    notes: Vec<String>,
}

/// Reads how a picture (PNG, JPEG or WebP) was made, where another program wrote that into it.
///
/// # Errors
/// One line naming the file, the fact and the remedy, where it is no picture. Parameters that cannot be read are none.
pub fn read_parameters(path: impl AsRef<Path>) -> Result<Option<Parameters>, FileError> {
    read_with_size(path.as_ref()).map(|(parameters, _)| parameters)
}

fn read_with_size(path: &Path) -> Result<(Option<Parameters>, (u32, u32)), FileError> {
    let named = |problem| FileError::new(path, problem);
    let file = File::open(path).map_err(|e| named(Problem::Read(e)))?;
    let carried = Carried::read(BufReader::with_capacity(1 << 16, file)).map_err(named)?;
    Ok((draft(&carried).map(Draft::finish), carried.size))
}

/// Opens any picture (PNG, JPEG or WebP) as a document of its size: its project, where it has one inside; else with the words and
/// settings that another program wrote into it, and the picture as the take; else as the picture to start from. One outside the
/// limits of a canvas is scaled, and that is noted.
///
/// # Errors
/// One line naming the file, the fact and the remedy.
pub fn open_picture(path: impl AsRef<Path>) -> Result<Opened, FileError> {
    let path = path.as_ref();
    let mut notes = Vec::new();
    if Document::is_project(path)? {
        match Document::open_with_notes(path) {
            // The picture around it may be whole all the same.
            Err(error) if matches!(error.problem(), Problem::Embedded(_)) => {
                notes.push(format!("{}; the picture alone was opened", error.problem()));
            }
            opened => return opened,
        }
    }
    let (parameters, _) = read_with_size(path)?;
    let picture = over_white(&read_picture(path)?.image);
    let (picture, note) = on_a_canvas(picture).map_err(|problem| FileError::new(path, problem))?;
    notes.extend(note);
    let document = match parameters {
        Some(parameters) => {
            let document = parameters.document(&picture);
            notes.extend(parameters.notes);
            document
        }
        None => {
            let mut document = Document::new(picture.width(), picture.height());
            let image = Arc::new(picture);
            document.init_image = Some(InitImage { image, strength: InitImage::STRENGTH, area: Area::Everything });
            document
        }
    };
    Ok(Opened { document, notes, losses: Vec::new() })
}

/// A picture of a size that a canvas may have, and what was done to it.
fn on_a_canvas(picture: RgbImage) -> Result<(RgbImage, Option<String>), Problem> {
    let (width, height) = picture.dimensions();
    let (short, long) = (f64::from(width.min(height).max(1)), f64::from(width.max(height)));
    let scale = (f64::from(MIN_SIDE) / short).max(1.0).min(f64::from(MAX_SIDE) / long);
    let side = |side: u32| if scale == 1.0 { side } else { (f64::from(side) * scale).round() as u32 };
    let (w, h) = check_canvas(u64::from(side(width)), u64::from(side(height)))
        .map_err(|_| Problem::Canvas { width: width.into(), height: height.into() })?;
    if (w, h) == (width, height) {
        return Ok((picture, None));
    }
    let scaled = image::imageops::resize(&picture, w, h, image::imageops::FilterType::CatmullRom);
    Ok((
        scaled,
        Some(format!("the picture is {width}×{height} pixels and was scaled to {w}×{h}, which a canvas can be")),
    ))
}

impl Parameters {
    /// A new document of a picture's size with these words and settings, and the picture as its take. What it does not tell is
    /// as in a new document.
    #[must_use]
    pub fn document(&self, picture: &RgbImage) -> Document {
        let mut document = Document::new(picture.width(), picture.height());
        let own = self.program == OWN;
        let words = |text: &str| {
            let words = web_ui::words(text, &mut Vec::new());
            if own { web_ui::joined(&words) } else { words }
        };
        let (prompt, negative) = (words(&self.prompt), words(&self.negative));
        document.background = Background { prompt, negative, ..Background::default() };
        let settings = &mut document.settings;
        settings.model = self.model.clone().unwrap_or_else(|| settings.model.clone());
        settings.seed = self.seed.unwrap_or(settings.seed);
        settings.steps = self.steps.unwrap_or(settings.steps);
        settings.sampler = self.sampler.unwrap_or(settings.sampler);
        settings.schedule = self.schedule.unwrap_or(settings.schedule);
        settings.guidance = self.guidance.unwrap_or(settings.guidance);
        settings.prompt_rule = self.prompt_rule.unwrap_or(settings.prompt_rule);
        settings.clip_skip = self.clip_skip;
        settings.prediction = self.prediction.unwrap_or_default();
        document.take = Some(Arc::new(Take { image: Arc::new(picture.clone()), seed: settings.seed }));
        document
    }
}

/// The first form of parameters that a picture has.
fn draft(carried: &Carried) -> Option<Draft> {
    let object = |keyword: &str| json::object(carried.get(keyword)?);
    let parameters = || {
        let text = carried.get("parameters")?;
        match json::object(text) {
            Some(map) => json::read(&map, "Fooocus"),
            None => web_ui::read(text, true),
        }
    };
    let novel = || {
        let mut map = object("Comment").filter(|map| map.contains_key("uc") || map.contains_key("sampler"))?;
        if let Some(words) = carried.get("Description").filter(|_| !map.contains_key("prompt")) {
            map.insert("prompt".to_owned(), Value::from(words));
        }
        json::read(&map, "NovelAI")
    };
    let comment = || {
        let text = carried.get(exif::USER_COMMENT)?;
        match json::object(text) {
            Some(map) => json::read(&map, "Fooocus").or_else(|| comfy::read(&map)),
            None => web_ui::read(text, false),
        }
    };
    parameters()
        .or_else(|| json::read(&object("invokeai_metadata")?, "InvokeAI"))
        .or_else(|| json::read_sd_metadata(&object("sd-metadata")?))
        .or_else(|| dream::read(carried.get("Dream")?))
        .or_else(novel)
        .or_else(|| comfy::read(&object(exif::PROMPT)?))
        .or_else(comment)
}

impl Draft {
    /// Holds it against what there is here, and tells what is not.
    fn finish(mut self) -> Parameters {
        let mut notes = std::mem::take(&mut self.notes);
        // (Tells what the words name; the words themselves are kept as they were written.)
        web_ui::words(&self.prompt, &mut notes);
        let (sampler, own) = self.sampler.as_deref().map_or((None, None), names::sampler);
        if let (Some(name), None) = (&self.sampler, sampler) {
            note(&mut notes, "sampler", name, "ddim is used instead");
        }
        let schedule = self.schedule.as_deref().filter(|name| !name.is_empty());
        let of_name = schedule.and_then(|name| names::schedule(name, sampler));
        if let (Some(name), None) = (schedule, of_name) {
            note(&mut notes, "schedule", name, "normal is used instead");
        }
        let follows = |schedule: &Schedule| sampler.is_none_or(|sampler| sampler.follows(*schedule));
        let kept = of_name.or(own).filter(follows);
        if let (Some(schedule), None) = (of_name.or(own), kept) {
            note(&mut notes, "schedule", schedule.title(), "the sampler has its own");
        }
        let seed = self.seed.as_deref().and_then(|seed| seed.trim().parse().ok());
        if let (Some(text), None) = (&self.seed, seed) {
            note(&mut notes, "seed", text, "seeds go from 0 to 18446744073709551615");
        }
        let steps = self.steps.map(|steps| steps.clamp(1, MAX_STEPS));
        if steps != self.steps {
            notes.push(format!("it was drawn in {} steps; {MAX_STEPS} are the most here", self.steps.unwrap_or(0)));
        }
        let finite = self.guidance.filter(|scale| scale.is_finite());
        let guidance = finite.map(|scale| scale.clamp(-MAX_GUIDANCE, MAX_GUIDANCE));
        if guidance != self.guidance {
            notes.push(format!("its guidance is outside ±{MAX_GUIDANCE}"));
        }
        let own = |model: &String| self.program == OWN && ["embedded", "embedded/few_steps"].contains(&model.as_str());
        let model = self.model.clone().filter(own);
        if let Some(model) = self.model.filter(|name| model.is_none() && !name.is_empty()) {
            note(&mut notes, "model", &model, "choose it, or one like it, if you have it");
        }
        let told = |(key, value): &(String, String)| {
            let space = if value.is_empty() { "" } else { " " };
            format!("{}{space}{}", one_line(key, 40), one_line(value, 60))
        };
        let left_out: Vec<String> = self.left_out.iter().take(MAX_NOTES).map(told).collect();
        if !left_out.is_empty() {
            notes.push(format!("left out: {}", left_out.join(", ")));
        }
        notes.truncate(MAX_NOTES);
        Parameters {
            program: one_line(&self.program, 60),
            prompt: self.prompt,
            negative: self.negative,
            seed,
            size: self.size,
            steps,
            sampler,
            schedule: kept,
            guidance,
            prompt_rule: self.prompt_rule,
            clip_skip: self.clip_skip.filter(|skip| (1..=MAX_CLIP_SKIP).contains(skip)),
            prediction: self.prediction,
            model,
            notes,
        }
    }
}

/// Tells what is not taken over, and what to do about it.
fn note(notes: &mut Vec<String>, kind: &str, name: &str, remedy: &str) {
    let text = format!("the {kind} “{}” is not taken over; {remedy}", one_line(name, 80));
    if notes.len() < MAX_NOTES && !notes.contains(&text) {
        notes.push(text);
    }
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

/// A text or number of JSON as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
