//! The `parameters` text of the web UIs (AUTOMATIC1111, Forge, SD.Next, Civitai), written and read.
//!
//! It is the prompt, a line that begins with `Negative prompt:`, and a last line of `key: value` with commas between. Their
//! reader takes the last line for that where it finds three such pairs, and the negative prompt from the first line that begins
//! so, whatever stands above; this is that rule, letter by letter.

use super::{Draft, OWN, number};
use crate::document::{Document, Sampler, Schedule};
use serde_json::Value;

const NEGATIVE: &str = "Negative prompt:";

impl Document {
    /// The text that the web UIs and their tools read.
    ///
    /// Words of a region come in a line of their own behind `BREAK`; those that would be read as something else, in the line
    /// of that `BREAK`.
    #[must_use]
    pub fn parameters(&self, width: u32, height: u32, seed: u64) -> String {
        let regions = self.regions.iter().filter(|region| region.visible).map(|region| &region.prompt);
        let prompts = std::iter::once(&self.background.prompt).chain(regions);
        let mut text = String::new();
        for prompt in prompts.map(|words| one_line(&self.prompt(words))).filter(|prompt| !prompt.is_empty()) {
            let (first, odd) = (text.is_empty(), prompt.starts_with(NEGATIVE));
            text.push_str(match (first, odd) {
                (true, false) => "",
                (true, true) => "BREAK ",
                (false, false) => " BREAK\n",
                (false, true) => " BREAK ",
            });
            text.push_str(&prompt);
        }
        for lora in self.settings.loras.iter().filter(|lora| lora.weight != 0.0) {
            // What would end the tag, or a part of it, has no place in a name.
            let name = one_line(&lora.name().replace(['<', '>', ':'], "_"));
            let space = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{space}<lora:{name}:{}>", lora.weight));
        }
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
        let clip_skip = settings.clip_skip.map(|skip| ("Clip skip", skip.to_string()));
        let version = ("Version", format!("{OWN} {}", env!("CARGO_PKG_VERSION")));
        let fields: Vec<String> = fields
            .into_iter()
            .chain(strength)
            .chain(clip_skip)
            .chain([version])
            .map(|(key, value)| format!("{key}: {}", quoted(&value)))
            .collect();
        format!("{text}\n{}", fields.join(", ")).trim_start().to_owned()
    }
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

/// A prompt without the names of files in angle brackets. What was left out is told to `notes`.
pub(super) fn words(prompt: &str, notes: &mut Vec<String>) -> String {
    let mut plain = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        let end = tag.find(['<', '>']).filter(|end| tag[*end..].starts_with('>'));
        let named = end.and_then(|end| Some((tag[..end].split_once(':')?, &tag[end + 1..])));
        match named {
            Some(((kind, name), after)) if ["lora", "lyco", "hypernet"].contains(&kind.trim()) => {
                let (name, weight) = name.split_once(':').unwrap_or((name, "1"));
                super::note(notes, "LoRA", &format!("{name} (weight {weight})"), "add its file if you have it");
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
