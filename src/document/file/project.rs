//! `polyptych.json`: what OpenRaster has no place for.
//!
//! ```json
//! {
//!   "polyptych": 1,
//!   "program": "0.1.0",
//!   "style": "oil painting",
//!   "background": {"layer": "data/background.png", "words": "a lake at dawn", "negative": "blurry", "loras": [], "start_colour": {"colour": "#203040", "share": 0.5}},
//!   "regions": [
//!     {"layer": "data/region-1.png", "id": 1, "name": "Boat", "words": "a red boat", "negative": null,
//!      "loras": [{"file": "glass.safetensors", "weight": 0.8}], "colour": "#e69f00", "bootstrap": null, "feather": 0, "weight": 1.0, "guidance": null, "seed": null,
//!      "reroll": null, "start": 0.0, "end": 1.0, "locked": false, "group": 1, "controls": []}
//!   ],
//!   "controls": [{"net": "depth.safetensors", "map": "picture", "picture": "data/control-1.png", "weight": 1.0, "start": 0.0, "end": 1.0}],
//!   "settings": {"model": "embedded", "loras": [{"file": "ink.safetensors", "weight": 1.0}], "seed": 0, "steps": 20, "sampler": "ddim", "schedule": "normal",
//!                "guidance": 7.5, "guidance_start": 0.1, "guidance_end": 0.8, "reuse": 2, "window": null, "stride": 8, "bootstrap": 0.4, "wrap": "none",
//!                "regions": "multidiffusion", "overlap": "order", "window_weights": "uniform", "bootstrap_colour": "random",
//!                "prompt_rule": "web-ui"},
//!   "start": {"layer": "data/start.png", "strength": 0.75, "area": "mask", "mask": "data/change.png"},
//!   "paint": {"layer": "data/paint.png", "share": 0.5},
//!   "take": {"layer": "data/take.png", "seed": 0}
//! }
//! ```
//!
//! `polyptych` is the format; a file of a later one is refused, since guessing would lose work. Later versions may add
//! fields without changing it: fields this version does not know are kept and written back. Order, visibility, place
//! and pixels are in `stack.xml` and the layers only, so that they cannot contradict each other.

use crate::document::error::{one_line, reason};
use crate::document::{
    Area, Background, Choice, Control, ControlMap, Document, InitImage, Lora, MAX_CLIP_SKIP, MAX_CONTROL_WEIGHT,
    MAX_CONTROLS, MAX_EMBEDDINGS, MAX_FEATHER, MAX_GUIDANCE, MAX_LORA_WEIGHT, MAX_LORAS, MAX_REUSE, MAX_STEPS,
    MAX_WEIGHT, MAX_WINDOW, MIN_WEIGHT, Prediction, Problem, PromptRule, Region, RegionId, Rgb, Settings, StartColour,
};
use image::RgbImage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The format written, and the newest one read.
pub(super) const FORMAT: u64 = 1;

/// The largest region id that is kept; larger ones are numbered anew.
const MAX_ID: u32 = 1_000_000_000;

/// The whole entry.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Project {
    polyptych: u64,
    program: String,
    style: String,
    pub(super) background: BackgroundEntry,
    pub(super) regions: Vec<RegionEntry>,
    settings: SettingsEntry,
    pub(super) start: Option<StartEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paint: Option<PaintEntry>,
    pub(super) take: Option<TakeEntry>,
    pub(super) controls: Vec<ControlEntry>,
    /// What of masks lies beyond the canvas.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) outside: Vec<OutsideEntry>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// What of a mask was moved over the canvas's edges. It is no layer: other programs need not know of it.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OutsideEntry {
    /// The entry of its pixels, whose alpha counts.
    pub(super) picture: String,
    /// The region; none for what may change of the picture to start from.
    pub(super) region: Option<u32>,
    /// The place of its upper left corner, in canvas pixels.
    pub(super) x: i64,
    pub(super) y: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct BackgroundEntry {
    pub(super) layer: Option<String>,
    words: String,
    negative: String,
    loras: Vec<LoraEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_colour: Option<StartColourEntry>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RegionEntry {
    pub(super) layer: String,
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) words: String,
    pub(super) negative: Option<String>,
    loras: Vec<LoraEntry>,
    colour: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_colour: Option<StartColourEntry>,
    bootstrap: Option<f32>,
    feather: u32,
    weight: Option<f32>,
    guidance: Option<f32>,
    seed: Option<u64>,
    reroll: Option<u64>,
    start: Option<f32>,
    end: Option<f32>,
    locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) controls: Vec<ControlEntry>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// A colour to start from.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct StartColourEntry {
    colour: String,
    share: Option<f32>,
}

impl StartColourEntry {
    fn of(start: StartColour) -> Self {
        Self { colour: start.colour.to_string(), share: Some(start.share).filter(|v| v.is_finite()) }
    }

    /// The colour, its share brought into its range; what had to be changed is told to `notes`. `whose` is what starts from it.
    fn start_colour(&self, whose: &str, notes: &mut Vec<String>) -> Option<StartColour> {
        let Some(colour) = Rgb::from_hex(&self.colour) else {
            let text = one_line(&self.colour, 40);
            notes.push(format!("the colour that {whose} starts from, “{text}”, is none; it was left out"));
            return None;
        };
        let share = self.share.filter(|v| v.is_finite()).unwrap_or(StartColour::SHARE);
        let what = format!("the share of the colour that {whose} starts from");
        Some(StartColour { colour, share: limited(notes, &what, share, 0.0, 1.0) })
    }
}

/// The picture to start from. `area` is `everything`, `regions` or `mask`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StartEntry {
    pub(super) layer: String,
    strength: Option<f64>,
    pub(super) area: String,
    pub(super) mask: Option<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// A ControlNet. `map` is `picture` or `canny`, with the entry of its picture, or what the regions are: `regions`, `edges`,
/// `scribble`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ControlEntry {
    net: String,
    map: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    weight: Option<f32>,
    start: Option<f32>,
    end: Option<f32>,
}

impl ControlEntry {
    /// The entries of a list; `picture` names the entry of a picture.
    fn of(controls: &[Control], picture: &impl Fn(&Arc<RgbImage>) -> String) -> Vec<Self> {
        let finite = |v: f32| Some(v).filter(|v| v.is_finite());
        let entry = |control: &Control| Self {
            net: control.net.clone(),
            map: control.map.name().to_owned(),
            picture: control.map.picture().map(picture),
            weight: finite(control.weight),
            start: finite(control.start),
            end: finite(control.end),
        };
        controls.iter().map(entry).collect()
    }

    /// The ControlNets of a list, brought into their ranges; `picture` reads the picture of an entry. What had to be changed is told
    /// to `notes`.
    pub(super) fn controls(
        entries: &[Self],
        notes: &mut Vec<String>,
        picture: &mut impl FnMut(&str) -> Result<Arc<RgbImage>, String>,
    ) -> Vec<Control> {
        if entries.len() > MAX_CONTROLS {
            notes.push(format!(
                "there were {} ControlNets in one place; the first {MAX_CONTROLS} are used",
                entries.len()
            ));
        }
        let mut controls = Vec::new();
        for Self { net, map, picture: file, weight, start, end } in entries.iter().take(MAX_CONTROLS) {
            let mut control = Control::new(net, ControlMap::Segments);
            let name = format!("ControlNet “{}”", one_line(&control.name(), 60));
            let brought = |picture: &mut dyn FnMut(&str) -> Result<Arc<RgbImage>, String>| match file {
                Some(file) => picture(file),
                None => Err("it names none".to_owned()),
            };
            let known = match map.as_str() {
                "picture" => brought(picture).map(ControlMap::Picture),
                "canny" => brought(picture).map(ControlMap::Canny),
                other => ControlMap::of_regions(other).ok_or_else(|| "this version does not know it".to_owned()),
            };
            control.map = match known {
                Ok(map) => map,
                Err(why) => {
                    notes.push(format!("{name} was left out, for lack of what it sees: {why}"));
                    continue;
                }
            };
            let mut held = |what: &str, value: Option<f32>, default: f32, most: f32| {
                let value = value.filter(|v| v.is_finite()).unwrap_or(default);
                limited(notes, &format!("the {what} of {name}"), value, 0.0, most)
            };
            control.weight = held("weight", *weight, 1.0, MAX_CONTROL_WEIGHT);
            control.start = held("start", *start, 0.0, 1.0);
            control.end = held("end", *end, 1.0, 1.0);
            controls.push(control);
        }
        controls
    }
}

/// The paint layer.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PaintEntry {
    pub(super) layer: String,
    share: Option<f32>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl PaintEntry {
    /// The share for which it is held, brought into its range; what had to be changed is told to `notes`.
    pub(super) fn share(&self, notes: &mut Vec<String>) -> f32 {
        let share = self.share.filter(|v| v.is_finite()).unwrap_or(StartColour::SHARE);
        limited(notes, "the share of the paint", share, 0.0, 1.0)
    }
}

impl StartEntry {
    /// The strength, brought into its range; what had to be changed is told to `notes`.
    pub(super) fn strength(&self, notes: &mut Vec<String>) -> f64 {
        match self.strength.filter(|v| v.is_finite()) {
            None => InitImage::STRENGTH,
            Some(strength) if (InitImage::MIN_STRENGTH..=1.0).contains(&strength) => strength,
            Some(strength) => {
                let least = InitImage::MIN_STRENGTH;
                let held = if strength <= 0.0 { InitImage::STRENGTH } else { strength.clamp(least, 1.0) };
                notes.push(format!("the strength was {strength}, outside {least}–1; {held} is used instead"));
                held
            }
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TakeEntry {
    pub(super) layer: String,
    pub(super) seed: u64,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct SettingsEntry {
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vae: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    embeddings: Vec<String>,
    loras: Vec<LoraEntry>,
    seed: u64,
    steps: u32,
    sampler: Value,
    schedule: Value,
    guidance: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance_start: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance_end: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reuse: Option<u32>,
    window: Option<u32>,
    stride: u32,
    bootstrap: Option<f32>,
    wrap: Value,
    regions: Value,
    overlap: Value,
    window_weights: Value,
    bootstrap_colour: Value,
    /// Not there before prompts had rules: they were read as ComfyUI does.
    #[serde(default = "comfy_ui")]
    prompt_rule: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_skip: Option<u32>,
    #[serde(skip_serializing_if = "is_auto")]
    prediction: Value,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct LoraEntry {
    file: String,
    weight: Option<f32>,
}

impl LoraEntry {
    fn of(loras: &[Lora]) -> Vec<Self> {
        let entry = |lora: &Lora| Self { file: lora.file.clone(), weight: Some(lora.weight).filter(|w| w.is_finite()) };
        loras.iter().map(entry).collect()
    }

    /// The LoRAs, brought into their ranges; what had to be changed is told to `notes`.
    fn loras(entries: Vec<Self>, notes: &mut Vec<String>) -> Vec<Lora> {
        if entries.len() > MAX_LORAS {
            notes.push(format!("there were {} LoRAs; the first {MAX_LORAS} are used", entries.len()));
        }
        let entries = entries.into_iter().take(MAX_LORAS).filter(|lora| !lora.file.is_empty());
        let lora = |Self { file, weight }| {
            let mut lora = Lora::new(file);
            let what = format!("the weight of LoRA “{}”", one_line(&lora.name(), 60));
            let weight = weight.filter(|w| w.is_finite()).unwrap_or(lora.weight);
            lora.weight = limited(notes, &what, weight, -MAX_LORA_WEIGHT, MAX_LORA_WEIGHT);
            lora
        };
        entries.map(lora).collect()
    }
}

impl Default for SettingsEntry {
    fn default() -> Self {
        Self::of(&Settings::default())
    }
}

impl SettingsEntry {
    fn of(settings: &Settings) -> Self {
        Self {
            model: settings.model.clone(),
            vae: settings.vae.clone(),
            fallback: settings.fallback.clone(),
            embeddings: settings.embeddings.clone(),
            loras: LoraEntry::of(&settings.loras),
            seed: settings.seed,
            steps: settings.steps,
            sampler: settings.sampler.name().into(),
            schedule: settings.schedule.name().into(),
            guidance: Some(settings.guidance).filter(|v| v.is_finite()),
            guidance_start: Some(settings.guidance_start).filter(|start| *start > 0.0),
            guidance_end: Some(settings.guidance_end).filter(|end| *end < 1.0),
            reuse: Some(settings.reuse).filter(|reuse| *reuse > 1),
            window: settings.window,
            stride: settings.stride,
            bootstrap: Some(settings.bootstrap).filter(|v| v.is_finite()),
            wrap: settings.wrap.name().into(),
            regions: settings.regions.name().into(),
            overlap: settings.overlap.name().into(),
            window_weights: settings.window_weights.name().into(),
            bootstrap_colour: settings.bootstrap_colour.name().into(),
            prompt_rule: settings.prompt_rule.name().into(),
            clip_skip: settings.clip_skip,
            prediction: settings.prediction.name().into(),
            unknown: Map::new(),
        }
    }

    /// The settings, brought into their ranges; what had to be changed is told to `notes`.
    fn settings(self, notes: &mut Vec<String>) -> Settings {
        let default = Settings::default();
        let sampler = known("sampler", &self.sampler, default.sampler, notes);
        let schedule = known("schedule", &self.schedule, default.schedule, notes);
        let wrap = known("wrap", &self.wrap, default.wrap, notes);
        let regions = known("way of holding regions", &self.regions, default.regions, notes);
        let overlap = known("overlap", &self.overlap, default.overlap, notes);
        let window_weights = known("window weighting", &self.window_weights, default.window_weights, notes);
        let bootstrap_colour = known("bootstrap colour", &self.bootstrap_colour, default.bootstrap_colour, notes);
        let prompt_rule = known("way of reading prompts", &self.prompt_rule, default.prompt_rule, notes);
        let prediction = known("prediction", &self.prediction, default.prediction, notes);
        let mut whole = |what: &str, value: u32, most: u32| {
            let held = value.clamp(1, most);
            if held != value {
                notes.push(format!("the {what} was {value}; {held} is used instead"));
            }
            held
        };
        let steps = whole("number of steps", self.steps, MAX_STEPS);
        let window = self.window.filter(|side| *side > 0).map(|side| whole("window", side, MAX_WINDOW));
        let stride = whole("stride", self.stride, MAX_WINDOW);
        let reuse = self.reuse.map_or(default.reuse, |reuse| whole("reuse of deep features", reuse, MAX_REUSE));
        let clip_skip = self.clip_skip.map(|skip| whole("clip skip", skip, MAX_CLIP_SKIP));
        let loras = LoraEntry::loras(self.loras, notes);
        let named = |name: Option<String>| name.filter(|name| !name.is_empty());
        if self.embeddings.len() > MAX_EMBEDDINGS {
            let count = self.embeddings.len();
            notes.push(format!("there were {count} textual inversions; the first {MAX_EMBEDDINGS} are used"));
        }
        let embeddings = self.embeddings.into_iter().filter(|file| !file.is_empty()).take(MAX_EMBEDDINGS);
        let mut limited = |what: &str, value: f32, low: f32, high: f32| limited(notes, what, value, low, high);
        let guidance = self.guidance.filter(|v| v.is_finite()).unwrap_or(default.guidance);
        let guidance_start = self.guidance_start.filter(|v| v.is_finite()).unwrap_or(default.guidance_start);
        let guidance_end = self.guidance_end.filter(|v| v.is_finite()).unwrap_or(default.guidance_end);
        let bootstrap = self.bootstrap.filter(|v| v.is_finite()).unwrap_or(default.bootstrap);
        Settings {
            model: self.model,
            vae: named(self.vae),
            fallback: named(self.fallback),
            embeddings: embeddings.collect(),
            loras,
            seed: self.seed,
            steps,
            sampler,
            schedule,
            guidance: limited("guidance", guidance, -MAX_GUIDANCE, MAX_GUIDANCE),
            guidance_start: limited("the start of guidance", guidance_start, 0.0, 1.0),
            guidance_end: limited("the end of guidance", guidance_end, 0.0, 1.0),
            reuse,
            window,
            stride,
            bootstrap: limited("bootstrap", bootstrap, 0.0, 1.0),
            wrap,
            regions,
            overlap,
            window_weights,
            bootstrap_colour,
            prompt_rule,
            clip_skip,
            prediction,
        }
    }
}

/// The choice of a name that is read leniently, since a newer version may have more of them; else the usual one, which is told.
fn known<T: Choice>(what: &str, name: &Value, usual: T, notes: &mut Vec<String>) -> T {
    name.as_str().and_then(T::from_name).unwrap_or_else(|| {
        let text = one_line(name.as_str().unwrap_or("?"), 40);
        let instead = usual.name();
        notes.push(format!("the {what} “{text}” is not known to this version; “{instead}” is used instead"));
        usual
    })
}

/// Most checkpoints need not be told.
fn is_auto(prediction: &Value) -> bool {
    prediction == Prediction::Auto.name()
}

fn comfy_ui() -> Value {
    PromptRule::ComfyUi.name().into()
}

/// The value brought into its range; a change is told to `notes`.
fn limited(notes: &mut Vec<String>, what: &str, value: f32, low: f32, high: f32) -> f32 {
    let held = value.clamp(low, high);
    if held.to_bits() != value.to_bits() {
        notes.push(format!("{what} was {value}, outside {low}–{high}; {held} is used instead"));
    }
    held
}

impl RegionEntry {
    /// The entry of a region whose pixels are in `layer`.
    pub(super) fn of(region: &Region, layer: String) -> Self {
        let finite = |v: f32| Some(v).filter(|v| v.is_finite());
        Self {
            layer,
            id: region.id.0,
            name: region.name.clone(),
            words: region.prompt.clone(),
            negative: region.negative.clone(),
            loras: LoraEntry::of(&region.loras),
            colour: region.colour.to_string(),
            start_colour: region.start_colour.map(StartColourEntry::of),
            bootstrap: region.bootstrap.and_then(finite),
            feather: region.feather,
            weight: finite(region.weight),
            guidance: region.guidance.and_then(finite),
            seed: region.seed,
            reroll: region.reroll,
            start: finite(region.start),
            end: finite(region.end),
            locked: region.locked,
            group: region.group,
            controls: Vec::new(),
            unknown: Map::new(),
        }
    }

    /// The region, without its mask; its colour `None` where the entry has none that can be read.
    pub(super) fn colour(&self) -> Option<Rgb> {
        Rgb::from_hex(&self.colour)
    }

    /// Gives a region everything of the entry that is neither its place nor its pixels, brought into range; what had to be
    /// changed is told to `notes`.
    pub(super) fn fill(&self, region: &mut Region, notes: &mut Vec<String>) {
        let name = format!("region “{}”", one_line(&self.name, 60));
        let of = format!("of {name}");
        let mut limited = |what: &str, value: Option<f32>, low: f32, high: f32| {
            let value = value.filter(|v| v.is_finite())?;
            Some(limited(notes, &format!("the {what} {of}"), value, low, high))
        };
        region.name.clone_from(&self.name);
        region.prompt.clone_from(&self.words);
        region.negative.clone_from(&self.negative);
        region.bootstrap = limited("bootstrapping", self.bootstrap, 0.0, 1.0);
        region.weight = limited("weight", self.weight, MIN_WEIGHT, MAX_WEIGHT).unwrap_or(1.0);
        region.guidance = limited("guidance", self.guidance, -MAX_GUIDANCE, MAX_GUIDANCE);
        region.start = limited("start", self.start, 0.0, 1.0).unwrap_or(0.0);
        region.end = limited("end", self.end, 0.0, 1.0).unwrap_or(1.0);
        region.feather = self.feather.min(MAX_FEATHER);
        if region.feather < self.feather {
            notes.push(format!("the feather {of} was {}; {MAX_FEATHER} is used instead", self.feather));
        }
        region.seed = self.seed;
        region.reroll = self.reroll;
        region.locked = self.locked;
        region.group = self.group;
        region.loras = LoraEntry::loras(self.loras.clone(), notes);
        let start = self.start_colour.as_ref();
        region.start_colour = start.and_then(|start| start.start_colour(&name, notes));
    }
}

impl Project {
    /// Reads the entry.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        // The format first: what a later one means by its fields is not known here.
        let value: Value = serde_json::from_slice(bytes).map_err(|e| Problem::Json(reason(&e)))?;
        let found = value.get("polyptych").and_then(Value::as_u64).filter(|format| *format > 0);
        let Some(found) = found else {
            return Err(Problem::Json("it has no format number".to_owned()));
        };
        if found > FORMAT {
            return Err(Problem::Newer { found, known: FORMAT });
        }
        // From the text, not the value: numbers then keep the width they were written with.
        serde_json::from_slice(bytes).map_err(|e| Problem::Json(reason(&e)))
    }

    /// Moves what is not bound to layers into the document.
    pub(super) fn fill(self, document: &mut Document, notes: &mut Vec<String>) {
        let mut unknown = self.unknown;
        let mut keep = |key: &str, map: Map<String, Value>| {
            if !map.is_empty() {
                unknown.insert(key.to_owned(), Value::Object(map));
            }
        };
        keep("background", self.background.unknown);
        let mut settings = self.settings;
        keep("settings", std::mem::take(&mut settings.unknown));
        let mut regions = Map::new();
        for mut entry in self.regions {
            let map = std::mem::take(&mut entry.unknown);
            if !map.is_empty() && document.region(RegionId(entry.id)).is_some() {
                regions.insert(entry.id.to_string(), Value::Object(map));
            }
        }
        keep("regions", regions);
        if let Some(start) = self.start {
            keep("start", start.unknown);
        }
        if let Some(paint) = self.paint {
            keep("paint", paint.unknown);
        }
        if let Some(take) = self.take {
            keep("take", take.unknown);
        }
        document.style = self.style;
        let BackgroundEntry { words: prompt, negative, loras, start_colour, .. } = self.background;
        let start_colour = start_colour.and_then(|start| start.start_colour("the background", notes));
        document.background = Background { prompt, negative, loras: LoraEntry::loras(loras, notes), start_colour };
        document.settings = settings.settings(notes);
        document.unknown = unknown;
    }

    /// All lists of ControlNets: the picture's, and those of its regions.
    fn control_lists(&self) -> impl Iterator<Item = &Vec<ControlEntry>> {
        [&self.controls].into_iter().chain(self.regions.iter().map(|region| &region.controls))
    }

    /// The entries that are no layers: pictures that ControlNets see, and what lies beyond the canvas.
    pub(super) fn beside_layers(&self) -> Vec<String> {
        let pictures = self.control_lists().flatten().filter_map(|entry| entry.picture.clone());
        pictures.chain(self.outside.iter().map(|entry| entry.picture.clone())).collect()
    }

    /// The entry of a document. `layer` names the entry of each region's pixels, `background`, `start`, `change` and `paint` those of the same, `take` that of the
    /// take and its seed, `control` that of a picture that a ControlNet sees; `outside` is what lies beyond the canvas.
    pub(super) fn of(
        document: &Document,
        layer: impl Fn(&Region) -> String,
        background: &str,
        (start, change, paint): (&str, &str, &str),
        take: Option<(&str, u64)>,
        control: impl Fn(&Arc<RgbImage>) -> String,
        outside: Vec<OutsideEntry>,
    ) -> Self {
        let mut unknown = document.unknown.clone();
        let mut kept = |key: &str| match unknown.remove(key) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let background = BackgroundEntry {
            layer: Some(background.to_owned()),
            words: document.background.prompt.clone(),
            negative: document.background.negative.clone(),
            loras: LoraEntry::of(&document.background.loras),
            start_colour: document.background.start_colour.map(StartColourEntry::of),
            unknown: without(kept("background"), &["layer", "words", "negative", "loras", "start_colour"]),
        };
        let mut settings = SettingsEntry::of(&document.settings);
        settings.unknown = kept("settings");
        if let Ok(Value::Object(own)) = serde_json::to_value(SettingsEntry::of(&document.settings)) {
            settings.unknown.retain(|key, _| !own.contains_key(key));
        }
        let mut of_regions = kept("regions");
        let regions = document
            .regions
            .iter()
            .map(|region| {
                let unknown = match of_regions.remove(&region.id.0.to_string()) {
                    Some(Value::Object(map)) => map,
                    _ => Map::new(),
                };
                let mut entry = RegionEntry::of(region, layer(region));
                if let Ok(Value::Object(own)) = serde_json::to_value(&entry) {
                    entry.unknown = unknown;
                    entry
                        .unknown
                        .retain(|key, _| !own.contains_key(key) && !["controls", "start_colour"].contains(&&**key));
                }
                entry.controls = ControlEntry::of(&region.controls, &control);
                entry
            })
            .collect();
        let of_start = without(kept("start"), &["layer", "strength", "area", "mask"]);
        let start = document.init_image.as_ref().map(|kept| StartEntry {
            layer: start.to_owned(),
            strength: Some(kept.strength).filter(|v| v.is_finite()),
            area: match kept.area {
                Area::Everything => "everything".to_owned(),
                Area::Regions => "regions".to_owned(),
                Area::Mask(_) => "mask".to_owned(),
            },
            mask: matches!(kept.area, Area::Mask(_)).then(|| change.to_owned()),
            unknown: of_start,
        });
        let of_paint = without(kept("paint"), &["layer", "share"]);
        let paint = document.paint.as_ref().map(|kept| PaintEntry {
            layer: paint.to_owned(),
            share: Some(kept.share).filter(|v| v.is_finite()),
            unknown: of_paint,
        });
        let of_take = without(kept("take"), &["layer", "seed"]);
        Self {
            polyptych: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            style: document.style.clone(),
            background,
            regions,
            settings,
            start,
            paint,
            controls: ControlEntry::of(&document.controls, &control),
            outside,
            take: take.map(|(layer, seed)| TakeEntry { layer: layer.to_owned(), seed, unknown: of_take }),
            unknown: without(
                unknown,
                &[
                    "polyptych",
                    "program",
                    "style",
                    "background",
                    "regions",
                    "settings",
                    "start",
                    "paint",
                    "take",
                    "controls",
                    "outside",
                ],
            ),
        }
    }

    /// The entry's text.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, Problem> {
        serde_json::to_vec_pretty(self).map_err(|e| Problem::Json(reason(&e)))
    }

    /// The largest id kept as it is.
    pub(super) fn usable_id(id: u32) -> bool {
        (1..=MAX_ID).contains(&id)
    }
}

/// A map without these keys, so that what is kept never doubles a field of ours.
fn without(mut map: Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    map.retain(|key, _| !keys.contains(&key.as_str()));
    map
}
