//! Files beside a model file: its picture, and what web UIs and managers of models write about it.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Ends of a picture's name after the model's name without its ending, the likelier first.
const PICTURES: [&str; 8] =
    [".preview.png", ".png", ".preview.jpg", ".jpg", ".preview.jpeg", ".jpeg", ".preview.webp", ".webp"];

/// Ends of the names of metadata files: Civitai Helper, LoRA managers, Stability Matrix, the web UI's own.
const TEXTS: [&str; 4] = [".civitai.info", ".metadata.json", ".cm-info.json", ".json"];

/// A file of metadata larger than this is none.
const LARGEST: u64 = 4 << 20;

/// Letters after which trigger words are cut: longer ones are whole prompts.
const LONGEST: usize = 200;

/// The most trigger words of a file.
const MOST: usize = 24;

/// The files beside a model file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) picture: Option<PathBuf>,
    pub(super) texts: Vec<PathBuf>,
    /// The time of the last change of those texts, in nanoseconds since 1970.
    pub(super) modified: u64,
}

/// What texts beside a model say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) base: Option<String>,
    pub(super) words: Vec<String>,
    pub(super) sha256: Option<String>,
}

/// Whether a file may lie beside a model, by its ending.
pub(super) fn is_beside(path: &Path) -> bool {
    let name = path.to_string_lossy();
    PICTURES.iter().chain(&TEXTS).any(|end| name.ends_with(end))
}

/// The files beside a model, of those in its folder.
pub(super) fn of(path: &Path, listing: &BTreeSet<String>) -> Beside {
    let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let stem = stem.unwrap_or_default().to_string_lossy();
    let there = |end: &&str| listing.contains(&format!("{stem}{end}"));
    let path_of = |end: &str| path.with_file_name(format!("{stem}{end}"));
    let texts: Vec<PathBuf> = TEXTS.iter().filter(|end| there(end)).map(|end| path_of(end)).collect();
    let times = texts.iter().filter_map(|path| std::fs::metadata(path).ok());
    Beside {
        picture: PICTURES.iter().find(|end| there(end)).map(|end| path_of(end)),
        modified: times.map(|data| super::folders::modified(&data)).max().unwrap_or(0),
        texts,
    }
}

/// Reads what texts say, the first that says something first. What is damaged says nothing.
pub(super) fn read(texts: &[PathBuf]) -> Said {
    let mut said = Said::default();
    for path in texts {
        let Some(value) = json(path) else { continue };
        said.merge(&value);
        // Managers keep Civitai's answer inside their own.
        if let Some(inner) = value.get("civitai") {
            said.merge(inner);
        }
    }
    said
}

impl Said {
    fn merge(&mut self, value: &Value) {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(line).filter(|text| !text.is_empty());
        let first = |keys: &[&str]| keys.iter().find_map(|key| text(key));
        if self.base.is_none() {
            let base = first(&["baseModel", "base_model", "BaseModel", "sd version"]);
            self.base = base.filter(|base| !["Unknown", "Other"].contains(&base.as_str()));
        }
        if self.words.is_empty() {
            let listed = ["trainedWords", "TrainedWords"].iter().find_map(|key| value.get(key)?.as_array());
            let listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
            self.words = phrases(if listed.is_empty() {
                value.get("activation text").and_then(Value::as_str).into_iter().collect()
            } else {
                listed
            });
        }
        if self.sha256.is_none() {
            let hashes = value.get("Hashes").or_else(|| value.get("files")?.get(0)?.get("hashes"));
            let hash = value.get("sha256").or_else(|| hashes?.get("SHA256")).and_then(Value::as_str);
            let whole = |hash: &&str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            self.sha256 = hash.filter(whole).map(str::to_lowercase);
        }
    }
}

/// Trigger words, each once, without blanks and commas around them.
pub(super) fn phrases<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        let text = line(text);
        let text = text.trim_matches([',', ' ']);
        if !text.is_empty() && !found.iter().any(|known| known == text) && found.len() < MOST {
            found.push(text.to_owned());
        }
    }
    found
}

/// A text as one short line.
pub(super) fn line(text: &str) -> String {
    let plain = text.trim().chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c });
    plain.collect::<String>().trim().to_owned()
}

fn json(path: &Path) -> Option<Value> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(LARGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[(&str, &str)]) -> Said {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |(name, text): &(&str, &str)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        read(&files.iter().map(write).collect::<Vec<_>>())
    }

    #[test]
    fn texts_of_every_manager_are_read() {
        let hash = "AB".repeat(32);
        let civitai = format!(
            r#"{{"baseModel": "Pony", "trainedWords": ["zork fox,", "zork fox", ""], "files": [{{"hashes": {{"SHA256": "{hash}"}}}}]}}"#
        );
        let own =
            said(&[("a.civitai.info", &civitai), ("a.json", r#"{"activation text": "other", "sd version": "SD1"}"#)]);
        assert_eq!(own.words, ["zork fox"]);
        assert_eq!((own.base.as_deref(), own.sha256), (Some("Pony"), Some("ab".repeat(32))));
        let web_ui = said(&[("a.json", r#"{"activation text": "inky, lines", "sd version": "SDXL"}"#)]);
        assert_eq!((web_ui.words, web_ui.base.as_deref()), (vec!["inky, lines".to_owned()], Some("SDXL")));
        let manager = r#"{"sha256": "xyz", "base_model": "Illustrious", "civitai": {"trainedWords": ["lamp"]}}"#;
        let manager = said(&[("a.metadata.json", manager)]);
        assert_eq!((manager.words, manager.sha256), (vec!["lamp".to_owned()], None), "no hash of 64 digits");
        for broken in ["", "[1]", "{\"trainedWords\": {}}", "{\"trainedWords\": [1, null]", "\u{0}"] {
            assert_eq!(said(&[("a.json", broken)]), Said::default(), "{broken:?}");
        }
    }

    #[test]
    fn pictures_and_texts_are_found_by_the_models_name() {
        let names = ["ink.png", "ink.preview.png", "ink.json", "inky.png", "ink.safetensors"];
        let listing = names.iter().map(|name| (*name).to_owned()).collect();
        let beside = of(Path::new("/models/ink.safetensors"), &listing);
        assert_eq!(beside.picture.as_deref(), Some(Path::new("/models/ink.preview.png")));
        assert_eq!(beside.texts, [Path::new("/models/ink.json")]);
        assert!(of(Path::new("/models/other.safetensors"), &listing).picture.is_none());
    }
}
