//! The `parameters` text of the web UIs (AUTOMATIC1111, Forge, SD.Next, Civitai), written and read.
//!
//! It is the prompt, a line that begins with `Negative prompt:`, and a last line of `key: value` with commas between. Their
//! reader takes the last line for that where it finds three such pairs, and the negative prompt from the first line that begins
//! so, whatever stands above; this is that rule, letter by letter.

use super::{Draft, OWN, number};
use crate::document::{Control, ControlMap, Document, Lora, Prediction, Sampler, Schedule};
use serde_json::Value;

const NEGATIVE: &str = "Negative prompt:";
/// The field of what a person told of the UNet's output. (The web UIs have none for it.)
const PREDICTION: &str = "Prediction type";

/// Adds LoRAs to words, as tags.
fn push_loras(text: &mut String, loras: &[Lora]) {
    for lora in loras.iter().filter(|lora| lora.weight != 0.0) {
        // What would end the tag, or a part of it, has no place in a name.
        let name = one_line(&lora.name().replace(['<', '>', ':'], "_"));
        let space = if text.is_empty() { "" } else { " " };
        text.push_str(&format!("{space}<lora:{name}:{}>", lora.weight));
    }
}

impl Document {
    /// The text that the web UIs and their tools read.
    ///
    /// Words of a region come in a line of their own behind `BREAK`; those that would be read as something else, in the line
    /// of that `BREAK`. LoRAs of a region stand behind its words, those of the picture behind all.
    #[must_use]
    pub fn parameters(&self, width: u32, height: u32, seed: u64) -> String {
        let regions = self.regions.iter().filter(|region| region.visible);
        let regions = regions.map(|region| (&region.prompt, &region.loras));
        let parts = std::iter::once((&self.background.prompt, &self.background.loras)).chain(regions);
        let prompts = parts.map(|(words, loras)| {
            let mut prompt = one_line(&self.prompt(words));
            push_loras(&mut prompt, loras);
            prompt
        });
        let mut text = String::new();
        for prompt in prompts.filter(|prompt| !prompt.is_empty()) {
            let (first, odd) = (text.is_empty(), prompt.starts_with(NEGATIVE));
            text.push_str(match (first, odd) {
                (true, false) => "",
                (true, true) => "BREAK ",
                (false, false) => " BREAK\n",
                (false, true) => " BREAK ",
            });
            text.push_str(&prompt);
        }
        push_loras(&mut text, &self.settings.loras);
        let negative = one_line(&self.background.negative);
        if !negative.is_empty() {
            text.push_str(&format!("\n{NEGATIVE} {negative}"));
        }
        let settings = &self.settings;
        let fields = [
            ("Steps", settings.steps.to_string()),
            ("Sampler", sampler_title(settings.sampler, settings.schedule)),
            ("CFG scale", settings.guidance.to_string()),
            ("Seed", seed.to_string()),
            ("Size", format!("{width}x{height}")),
            ("Model", settings.model.clone()),
        ];
        let strength = self.init_image.as_ref().map(|start| ("Denoising strength", start.strength.to_string()));
        let prediction = Some(settings.prediction).filter(|prediction| *prediction != Prediction::Auto);
        let prediction = prediction.map(|prediction| (PREDICTION, prediction.name().to_owned()));
        let clip_skip = settings.clip_skip.map(|skip| ("Clip skip", skip.to_string()));
        let controls = self.controls.iter().filter(|control| control.weight != 0.0).enumerate();
        let controls: Vec<(String, String)> =
            controls.map(|(n, c)| (format!("ControlNet {n}"), controlnet(c))).collect();
        let controls = controls.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let version = ("Version", format!("{OWN} {}", env!("CARGO_PKG_VERSION")));
        let fields: Vec<String> = fields
            .into_iter()
            .chain(strength)
            .chain(clip_skip)
            .chain(prediction)
            .chain(controls)
            .chain([version])
            .map(|(key, value)| format!("{key}: {}", quoted(&value)))
            .collect();
        format!("{text}\n{}", fields.join(", ")).trim_start().to_owned()
    }
}

/// A ControlNet as the web UIs' extension writes it.
fn controlnet(control: &Control) -> String {
    let module = if matches!(control.map, ControlMap::Canny(_)) { "canny" } else { "none" };
    let name = one_line(&control.name().replace([',', ':'], "_"));
    let Control { weight, start, end, .. } = control;
    format!("Module: {module}, Model: {name}, Weight: {weight}, Guidance Start: {start}, Guidance End: {end}")
}

/// Words in one line, with single spaces.
fn one_line(words: &str) -> String {
    let parts = words.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// The sampler as the web UIs name it: the schedule follows where it is not the sampler's own.
fn sampler_title(sampler: Sampler, schedule: Schedule) -> String {
    match schedule {
        Schedule::Normal => sampler.title().to_owned(),
        schedule => format!("{} {}", sampler.title(), schedule.title()),
    }
}

/// A value as the web UIs quote it.
fn quoted(value: &str) -> String {
    let odd = |c: char| matches!(c, ',' | ':' | '"') || c.is_control();
    if value.contains(odd) { Value::from(value).to_string() } else { value.to_owned() }
}

/// A prompt without what it names in angle brackets that there is nothing like here. What was left out is told to `notes`. (LoRAs
/// stay in it, since words may name them here, too.)
pub(super) fn words(prompt: &str, notes: &mut Vec<String>) -> String {
    let mut plain = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        let end = tag.find(['<', '>']).filter(|end| tag[*end..].starts_with('>'));
        let named = end.and_then(|end| Some((tag[..end].split_once(':')?, &tag[end + 1..])));
        match named {
            Some(((kind, name), after)) if kind.trim() == "hypernet" => {
                let (name, weight) = name.split_once(':').unwrap_or((name, "1"));
                super::note(notes, "hypernetwork", &format!("{name} (weight {weight})"), "a LoRA may do the same");
                rest = after;
            }
            _ => {
                plain.push('<');
                rest = tag;
            }
        }
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

/// The words of all regions as one prompt. In pictures of this program, `BREAK` stands between those of regions.
pub(super) fn joined(prompt: &str) -> String {
    let mut parts = vec![String::new()];
    for piece in prompt.split_inclusive(char::is_whitespace) {
        match parts.last_mut() {
            Some(part) if piece.trim() != "BREAK" => part.push_str(piece),
            _ => parts.push(String::new()),
        }
    }
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// Fields that say nothing that a document could hold and a person would miss.
const IDLE: [&str; 16] = [
    "Version",
    "Model hash",
    "VAE hash",
    "Hashes",
    "Lora hashes",
    "TI hashes",
    "App",
    "Created Date",
    "Parser",
    "User",
    "Operations",
    "Backend",
    "Pipeline",
    "Civitai resources",
    "Civitai metadata",
    "RNG",
];

/// Reads a `parameters` text. `certain` is false where any text may stand, such as a camera's comment; it then counts only with
/// its last line.
pub(super) fn read(text: &str, certain: bool) -> Option<Draft> {
    let text = text.trim();
    let (mut above, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let mut pairs = pairs(last);
    if pairs.len() < 3 {
        if !certain || text.is_empty() {
            return None;
        }
        (above, pairs) = (text, Vec::new());
    }
    let mut draft = Draft { program: "a web UI".to_owned(), ..Draft::default() };
    let (mut prompt, mut negative, mut below) = (Vec::new(), Vec::new(), false);
    for line in above.split('\n').map(str::trim) {
        let marked = line.strip_prefix(NEGATIVE);
        below |= marked.is_some();
        let line = marked.map_or(line, str::trim);
        if below { negative.push(line) } else { prompt.push(line) }
    }
    (draft.prompt, draft.negative) = (prompt.join("\n"), negative.join("\n"));
    for (key, value) in pairs {
        let value = unquoted(value);
        match key {
            "Steps" => draft.steps = number(&value),
            "Sampler" => draft.sampler = Some(value),
            "Schedule type" | "Schedule" => draft.schedule = Some(value),
            "CFG scale" => draft.guidance = number(&value),
            "Seed" => draft.seed = Some(value),
            "Size" => draft.size = value.split_once('x').and_then(|(w, h)| Some((number(w)?, number(h)?))),
            "Clip skip" => draft.clip_skip = number(&value),
            PREDICTION if Prediction::from_name(&value).is_some() => draft.prediction = Prediction::from_name(&value),
            "Model" => draft.model = Some(value),
            "Version" if value.starts_with(OWN) => draft.program = OWN.to_owned(),
            "Version" if value.starts_with('f') => draft.program = "Forge".to_owned(),
            "Version" if value.starts_with('v') => draft.program = "AUTOMATIC1111's web UI".to_owned(),
            "App" => draft.program = value,
            key if IDLE.contains(&key) => {}
            // (Others are parts of values that are JSON without quotes.)
            key if key.starts_with(char::is_uppercase) => draft.left_out.push((key.to_owned(), value)),
            _ => {}
        }
    }
    Some(draft)
}

/// A value without the quotes of JSON, if it has them.
fn unquoted(value: &str) -> String {
    let quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
    let text = quoted.then(|| serde_json::from_str(value).ok()).flatten();
    text.unwrap_or_else(|| value.trim_end().to_owned())
}

/// The `key: value` pairs of a line: Python's `re.findall` of `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`.
fn pairs(line: &str) -> Vec<(&str, &str)> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        // The next run of letters that a key may have, from its first one that may begin it.
        let Some(from) = rest.find(word) else { return found };
        let run = &rest[from..];
        let end = run.find(|c: char| !(word(c) || matches!(c, ' ' | '-' | '/'))).unwrap_or(run.len());
        let (key, after) = run.split_at(end);
        rest = after;
        let Some(value) = after.strip_prefix(':').filter(|_| key.chars().nth(1).is_some()) else { continue };
        let value = value.trim_start();
        let length = quoted_length(value).unwrap_or_else(|| value.find(',').unwrap_or(value.len()));
        let (value, after) = value.split_at(length);
        found.push((key, value));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

/// The length of a quoted text at the start of a value, where a comma or the end follows it.
fn quoted_length(value: &str) -> Option<usize> {
    let mut letters = value.strip_prefix('"')?.char_indices();
    let inside = loop {
        match letters.next()? {
            (_, '\\') => drop(letters.next()?),
            (at, '"') => break at,
            _ => {}
        }
    };
    let end = inside + 2;
    (inside > 0 && (value.len() == end || value[end..].starts_with(','))).then_some(end)
}
