//! ComfyUI's `prompt`: the graph of nodes that was run.
//!
//! `{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "positive": ["6", 0], …}}, …}`: an input is a value, or a link to an
//! output of another node. From the sampler that begins with an empty latent the links lead to words and size. Graphs are of any
//! shape, with nodes of any maker, and hostile ones have cycles: every walk is bounded.

use super::Draft;
use super::scalar;
use crate::document::PromptRule;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The most nodes that one walk visits.
const MAX_VISITS: usize = 4096;
/// The most links that are followed one behind the other to words.
const MAX_DEPTH: usize = 64;
/// The most links that are followed one behind the other to a number.
const MAX_NUMBER_DEPTH: usize = 8;
/// The most samplers that are looked at.
const MAX_SAMPLERS: usize = 16;
/// The most texts that become one prompt.
const MAX_TEXTS: usize = 256;

/// The prompt that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Positive,
    Negative,
}

impl Want {
    fn input(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }
}

struct Graph<'a>(&'a Map<String, Value>);

pub(super) fn read(nodes: &Map<String, Value>) -> Option<Draft> {
    let graph = Graph(nodes);
    let samplers: Vec<&str> = graph.samplers().collect();
    let first = |id: &&&str| !graph.comes_from_another(id);
    let sampler = *samplers.iter().find(first).or(samplers.first())?;
    let guider = graph.linked(sampler, "guider");
    let of = |keys: &[&str]| graph.literal(sampler, keys, 0);
    // SamplerCustom has these in nodes of their own.
    let beside = |input: &str, keys: &[&str]| graph.literal(graph.linked(sampler, input)?, keys, 0);
    let words = |want: Want| {
        let mut walk = Walk { graph: &graph, seen: HashSet::new(), words: Vec::new() };
        // (A guider without guidance has but one input for words.)
        let keys: &[&str] = if want == Want::Positive { &["positive", "conditioning"] } else { &["negative"] };
        for id in [Some(sampler), guider].into_iter().flatten() {
            for value in keys.iter().filter_map(|key| graph.input(id, key)) {
                match (value, graph.link(value)) {
                    (_, Some(next)) => walk.follow(next, want, 0),
                    (Value::String(text), None) => walk.take(text),
                    _ => {}
                }
            }
        }
        walk.words.join(", ")
    };
    let mut draft = Draft {
        program: "ComfyUI".to_owned(),
        prompt_rule: Some(PromptRule::ComfyUi),
        prompt: words(Want::Positive),
        negative: words(Want::Negative),
        seed: of(&["seed", "noise_seed"]).or_else(|| beside("noise", &["noise_seed", "seed"])),
        size: graph.size(sampler),
        steps: of(&["steps"]).or_else(|| beside("sigmas", &["steps"])).and_then(|v| super::number(&v)),
        sampler: of(&["sampler_name"]).or_else(|| beside("sampler", &["sampler_name"])),
        schedule: of(&["scheduler"]).or_else(|| beside("sigmas", &["scheduler"])),
        guidance: of(&["cfg"]).or_else(|| beside("guider", &["cfg"])).and_then(|v| super::number(&v)),
        ..Draft::default()
    };
    let denoise = of(&["denoise"]).or_else(|| beside("sigmas", &["denoise"]));
    if let Some(denoise) = denoise.filter(|v| super::number::<f64>(v).is_some_and(|v| v < 1.0)) {
        draft.left_out.push(("denoise".to_owned(), denoise));
    }
    if samplers.len() > 1 {
        draft.notes.push(format!("it was drawn by {} samplers; only the first is taken over", samplers.len()));
    }
    graph.note_files(&mut draft);
    Some(draft)
}

impl<'a> Graph<'a> {
    fn inputs(&self, id: &str) -> Option<&'a Map<String, Value>> {
        self.0.get(id)?.get("inputs")?.as_object()
    }

    fn input(&self, id: &str, key: &str) -> Option<&'a Value> {
        self.inputs(id)?.get(key)
    }

    fn class(&self, id: &str) -> &'a str {
        self.0.get(id).and_then(|node| node.get("class_type")?.as_str()).unwrap_or_default()
    }

    /// The node that a value links to.
    fn link(&self, value: &Value) -> Option<&'a str> {
        let [id, Value::Number(_)] = value.as_array()?.as_slice() else { return None };
        let id = scalar(id)?;
        self.0.get_key_value(&id).map(|(id, _)| id.as_str())
    }

    fn linked(&self, id: &str, key: &str) -> Option<&'a str> {
        self.link(self.input(id, key)?)
    }

    /// The nodes that take noise away, in the order of their numbers.
    fn samplers(&self) -> impl Iterator<Item = &'a str> {
        let mut samplers: Vec<&str> = self.0.keys().map(String::as_str).filter(|id| self.is_sampler(id)).collect();
        samplers.sort_by_key(|id| (id.parse::<u64>().unwrap_or(u64::MAX), *id));
        samplers.into_iter().take(MAX_SAMPLERS)
    }

    fn is_sampler(&self, id: &str) -> bool {
        let has = |key| self.input(id, key).is_some();
        let latent = has("latent_image") || has("samples") || has("latent");
        latent && ((has("positive") && (has("seed") || has("noise_seed"))) || (has("guider") && has("noise")))
    }

    /// True where the latent of a sampler is made by another one.
    fn comes_from_another(&self, sampler: &str) -> bool {
        let start = ["latent_image", "samples", "latent"].iter().find_map(|key| self.linked(sampler, key));
        start.is_some_and(|start| self.upstream(start).iter().any(|id| *id != sampler && self.is_sampler(id)))
    }

    /// The nodes that one is made from, the nearest first, itself included.
    fn upstream(&self, from: &'a str) -> Vec<&'a str> {
        let (mut found, mut seen) = (vec![from], HashSet::from([from]));
        let mut next = 0;
        while let Some(id) = found.get(next).copied().filter(|_| next < MAX_VISITS) {
            let inputs = self.inputs(id).into_iter().flat_map(Map::values);
            found.extend(inputs.filter_map(|value| self.link(value)).filter(|id| seen.insert(*id)));
            next += 1;
        }
        found
    }

    /// The value of one of these inputs, also where it comes from a node that holds a number or text.
    fn literal(&self, id: &str, keys: &[&str], depth: usize) -> Option<String> {
        const HOLDERS: [&str; 8] = ["value", "seed", "int", "float", "number", "Number", "string", "text"];
        let values = keys.iter().filter_map(|key| self.input(id, key));
        values.filter(|_| depth < MAX_NUMBER_DEPTH).find_map(|value| match self.link(value) {
            Some(next) => self.literal(next, keys, depth + 1).or_else(|| self.holder(next, &HOLDERS)),
            None => scalar(value),
        })
    }

    fn holder(&self, id: &str, keys: &[&str]) -> Option<String> {
        keys.iter().filter_map(|key| self.input(id, key)).find_map(scalar)
    }

    /// Width and height of the nearest node behind a sampler's latent that has both.
    fn size(&self, sampler: &str) -> Option<(u32, u32)> {
        let latent = ["latent_image", "samples", "latent"].iter().find_map(|key| self.linked(sampler, key))?;
        self.upstream(latent).into_iter().find_map(|id| {
            let side = |key: &str| super::number(&self.literal(id, &[key], 0)?);
            Some((side("width")?, side("height")?))
        })
    }

    /// Tells the files that the graph loads, and what else it does that is not taken over.
    fn note_files(&self, draft: &mut Draft) {
        let mut others = Vec::new();
        for id in self.0.keys() {
            let text = |key: &str| self.input(id, key).and_then(Value::as_str);
            if let Some(model) = text("ckpt_name").or_else(|| text("unet_name")).filter(|_| draft.model.is_none()) {
                draft.model = Some(model.to_owned());
            }
            // (Nodes that load several have an object for each.)
            let several = self.inputs(id).into_iter().flat_map(Map::values);
            let several = several.filter(|lora| lora.get("on") != Some(&Value::Bool(false)));
            let loras = several.filter_map(|lora| lora.get("lora")?.as_str()).chain(text("lora_name"));
            for lora in loras.filter(|name| *name != "None") {
                super::note(&mut draft.notes, "LoRA", lora, "add its file if you have it");
            }
            let class = self.class(id);
            let told = ["ControlNetApply", "IPAdapter", "UpscaleModel", "FaceDetailer"];
            if told.iter().any(|kind| class.contains(kind)) && !class.contains("Loader") {
                others.push(class);
            }
        }
        others.sort_unstable();
        others.dedup();
        draft.left_out.extend(others.into_iter().map(|class| (class.to_owned(), String::new())));
    }
}

/// The words on the way from a sampler back to its texts.
struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    seen: HashSet<&'a str>,
    words: Vec<String>,
}

impl<'a> Walk<'_, 'a> {
    fn take(&mut self, text: &str) {
        let text = text.trim();
        // (SDXL's nodes have the same words twice.)
        if !text.is_empty() && self.words.len() < MAX_TEXTS && !self.words.iter().any(|known| known == text) {
            self.words.push(text.to_owned());
        }
    }

    fn follow(&mut self, id: &'a str, want: Want, depth: usize) {
        let visited = self.seen.len() >= MAX_VISITS || !self.seen.insert(id);
        if visited || depth > MAX_DEPTH || self.graph.class(id).contains("ZeroOut") {
            return;
        }
        let Some(inputs) = self.graph.inputs(id) else { return };
        let is_text = |key: &str| {
            ["text", "string", "prompt", "clip_l", "clip_g", "t5xxl"].iter().any(|start| key.starts_with(start))
                || ["value", "populated_text", "String"].contains(&key)
        };
        let is_conditioning =
            |key: &str| ["conditioning", "input", "any", "cond"].iter().any(|start| key.starts_with(start));
        // A node with both hands each on; else texts, and only where it has none what it was made from.
        let kinds: [&dyn Fn(&str) -> bool; 3] =
            [&|key| key == want.input(), &is_text, &|key| is_conditioning(key) || key.is_empty()];
        for kind in kinds {
            let mut any = false;
            for (_, value) in inputs.iter().filter(|(key, _)| kind(key)) {
                match (value, self.graph.link(value)) {
                    (_, Some(next)) => self.follow(next, want, depth + 1),
                    (Value::String(text), None) => self.take(text),
                    _ => continue,
                }
                any = true;
            }
            if any {
                return;
            }
        }
    }
}
