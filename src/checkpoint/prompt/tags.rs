//! LoRAs that a prompt names, as the web UIs have them: `a fox <lora:ink:0.8>`.

use std::ops::Range;

/// The kinds of tags that name a LoRA; the second is what the web UI's extension for LyCORIS calls them.
const KINDS: [&str; 2] = ["lora", "lyco"];

/// A LoRA that is named in a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// Its name: that of its file without the ending, as a rule.
    pub name: String,
    /// Its weight; 1 where the tag has none.
    pub weight: f32,
}

/// The tags of a prompt and their bytes, in their order.
#[must_use]
pub fn find(prompt: &str) -> Vec<(Range<usize>, Tag)> {
    let mut tags = Vec::new();
    let mut open = None;
    for (at, bracket) in prompt.match_indices(['<', '>']) {
        if bracket == "<" {
            open = Some(at);
        } else if let Some(start) = open.take()
            && let Some(tag) = prompt.get(start + 1..at).and_then(tag)
        {
            tags.push((start..at + 1, tag));
        }
    }
    tags
}

/// A prompt without its tags, and the tags.
#[must_use]
pub fn taken(prompt: &str) -> (String, Vec<Tag>) {
    let (mut words, mut tags, mut end) = (String::with_capacity(prompt.len()), Vec::new(), 0);
    for (range, tag) in find(prompt) {
        words.push_str(prompt.get(end..range.start).unwrap_or_default());
        tags.push(tag);
        end = range.end;
    }
    words.push_str(prompt.get(end..).unwrap_or_default());
    (words, tags)
}

/// A prompt without its tags.
#[must_use]
pub fn without(prompt: &str) -> String {
    taken(prompt).0
}

/// What stands between angle brackets.
fn tag(inner: &str) -> Option<Tag> {
    let mut fields = inner.split(':').map(str::trim);
    let kind = fields.next().filter(|kind| KINDS.contains(kind));
    let name = fields.next().filter(|name| kind.is_some() && !name.is_empty())?;
    let name = name.strip_suffix(".safetensors").unwrap_or(name).to_owned();
    // Two weights are the text encoder's and the UNet's; the picture is the UNet's.
    let numbers: Vec<&str> = fields.take(2).collect();
    let weight = numbers.last().map(|number| number.strip_prefix("unet=").unwrap_or(number));
    let weight = weight.and_then(|number| number.parse().ok()).filter(|weight: &f32| weight.is_finite());
    Some(Tag { name, weight: weight.unwrap_or(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_taken_out_and_all_else_stays() {
        for (prompt, words, tags) in [
            ("a fox <lora:ink:0.8>, snow", "a fox , snow", &[("ink", 0.8)][..]),
            ("<lora:ink><lyco: soft brush :-1>", "", &[("ink", 1.0), ("soft brush", -1.0)]),
            ("<lora:ink.safetensors:.5> a", " a", &[("ink", 0.5)]),
            ("<lora:a:0.2:0.7> <lora:b:1:unet=0.3> <lora:c:much>", "  ", &[("a", 0.7), ("b", 0.3), ("c", 1.0)]),
            ("[<lora:a:1>:<lora:b:1>:5]", "[::5]", &[("a", 1.0), ("b", 1.0)]),
            ("1 < 2 > <lora> <lora:> <hypernet:x:1> <b>", "1 < 2 > <lora> <lora:> <hypernet:x:1> <b>", &[]),
            ("<<lora:ink:1>>", "<>", &[("ink", 1.0)]),
            ("<lora:ink:1", "<lora:ink:1", &[]),
            ("größe <lora:größe:2>", "größe ", &[("größe", 2.0)]),
            ("<lora:x:inf>", "", &[("x", 1.0)]),
        ] {
            let (found, of) = taken(prompt);
            let of: Vec<(&str, f32)> = of.iter().map(|tag| (&*tag.name, tag.weight)).collect();
            assert_eq!((&*found, &*of), (words, tags), "{prompt}");
        }
    }
}
