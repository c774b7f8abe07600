//! Parameters as JSON, whose programs differ in the names of the fields only: InvokeAI, NovelAI, Fooocus, SwarmUI.

use super::{Draft, scalar};
use serde_json::{Map, Value};

/// Fields that a person would miss, where they say anything.
const MISSED: [&str; 17] = [
    "clip_skip",
    "controlnets",
    "controlLayers",
    "ipAdapters",
    "t2iAdapters",
    "hrf_enabled",
    "hires_fix",
    "refiner_model",
    "positive_style_prompt",
    "negative_style_prompt",
    "style_selections",
    "styles",
    "strength",
    "noise",
    "vae",
    "variations",
    "reference_image_multiple",
];

/// The object in a text. Python writes numbers that are none as `NaN`, which is no JSON; they are nothing here.
pub(super) fn object(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim();
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_nan(text))).ok()
}

fn without_nan(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let odd = ["-Infinity", "Infinity", "NaN"].into_iter().find(|odd| !quoted && rest.starts_with(odd));
        if let Some(odd) = odd {
            plain.push_str("null");
            rest = &rest[odd.len()..];
            continue;
        }
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
        plain.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    plain
}

/// Reads an object with a prompt.
pub(super) fn read(map: &Map<String, Value>, program: &str) -> Option<Draft> {
    // SwarmUI keeps them one level below.
    if let Some(Value::Object(inner)) = map.get("sui_image_params") {
        return read(inner, "SwarmUI");
    }
    let text = |keys: &[&str]| keys.iter().find_map(|key| map.get(*key).and_then(Value::as_str)).map(str::to_owned);
    let value = |keys: &[&str]| keys.iter().find_map(|key| map.get(*key).and_then(scalar));
    let prompt = text(&["positive_prompt", "prompt"])?;
    // InvokeAI calls the sampler a scheduler, others have both.
    let own = text(&["sampler", "sampler_name"]);
    let schedule = text(&["noise_schedule"]).or_else(|| own.as_ref().and_then(|_| text(&["scheduler"])));
    let number = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|side| u32::try_from(side).ok());
    let sides = |text: String| {
        let mut sides = text.split(|c: char| !c.is_ascii_digit()).filter_map(|side| side.parse().ok());
        Some((sides.next()?, sides.next()?))
    };
    let mut draft = Draft {
        program: program.to_owned(),
        prompt,
        negative: text(&["negative_prompt", "negativeprompt", "uc"]).unwrap_or_default(),
        seed: value(&["seed"]),
        size: number("width").zip(number("height")).or_else(|| text(&["resolution"]).and_then(sides)),
        steps: value(&["steps"]).and_then(|steps| super::number(&steps)),
        sampler: own.or_else(|| text(&["scheduler"])),
        schedule,
        guidance: value(&["cfg_scale", "cfgscale", "guidance_scale", "scale"]).and_then(|scale| super::number(&scale)),
        model: ["model", "base_model", "model_name"].iter().find_map(|key| name(map.get(*key)?)),
        ..Draft::default()
    };
    if let Some(Value::Array(loras)) = map.get("loras") {
        for lora in loras {
            let own = lora.get("model").or_else(|| lora.get("lora")).unwrap_or(lora);
            if let Some(name) = name(own) {
                super::note(&mut draft.notes, "LoRA", &name, "add its file if you have it");
            }
        }
    }
    let characters = map.get("v4_prompt").and_then(|prompt| prompt.get("caption")?.get("char_captions")?.as_array());
    if let Some(count) = characters.map(Vec::len).filter(|count| *count > 0) {
        draft.notes.push(format!("the words of {count} characters are left out; give each a region"));
    }
    for key in MISSED {
        match map.get(key) {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Array(list)) if list.is_empty() => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => {}
            Some(value) => draft.left_out.push((key.to_owned(), scalar(value).unwrap_or_default())),
        }
    }
    Some(draft)
}

/// The name of a model: a text, or an object with a name.
fn name(value: &Value) -> Option<String> {
    let keys = ["name", "model_name", "lora_name"];
    let text = value.as_str().or_else(|| keys.iter().find_map(|key| value.get(*key)?.as_str()))?;
    Some(text.to_owned())
}

/// The `sd-metadata` of InvokeAI before version 3: the prompt is a list of weighted texts, and what stands in square brackets in
/// it is the negative prompt.
pub(super) fn read_sd_metadata(map: &Map<String, Value>) -> Option<Draft> {
    let mut image = map.get("image")?.as_object()?.clone();
    let prompt = match image.get("prompt")? {
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("prompt")?.as_str());
            texts.collect::<Vec<_>>().join(", ")
        }
        other => other.as_str()?.to_owned(),
    };
    let (prompt, negative) = without_brackets(&prompt);
    image.insert("prompt".to_owned(), Value::from(prompt));
    image.insert("negative_prompt".to_owned(), Value::from(negative));
    let mut draft = read(&image, "InvokeAI")?;
    draft.model = ["model_weights", "model"].iter().find_map(|key| name(map.get(*key)?));
    Some(draft)
}

/// A prompt, and what stands in square brackets in it.
pub(super) fn without_brackets(prompt: &str) -> (String, String) {
    let (mut inside, mut outside) = (Vec::new(), String::new());
    let mut rest = prompt;
    while let Some((before, (words, after))) = rest.split_once('[').and_then(|(a, b)| Some((a, b.split_once(']')?))) {
        outside.push_str(before);
        inside.push(words.trim());
        rest = after;
    }
    outside.push_str(rest);
    (outside.trim().to_owned(), inside.join(", "))
}
