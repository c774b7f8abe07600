//! The places of model files in folders of ComfyUI, the web UIs (AUTOMATIC1111's, Forge, SD.Next), Fooocus and InvokeAI, and in any
//! other folder.

use super::beside::{self, Beside};
use crate::checkpoint::{Kind, control};
use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Names of folders, in small letters, with the kind of what lies in them.
const KINDS: [(&str, Kind); 24] = [
    ("checkpoints", Kind::Checkpoint),
    ("stable-diffusion", Kind::Checkpoint),
    ("stablediffusion", Kind::Checkpoint),
    ("diffusion_models", Kind::Checkpoint),
    ("unet", Kind::Checkpoint),
    ("diffusers", Kind::Checkpoint),
    ("main", Kind::Checkpoint),
    ("lora", Kind::Lora),
    ("loras", Kind::Lora),
    ("lycoris", Kind::Lora),
    ("vae", Kind::Vae),
    ("embedding", Kind::Embedding),
    ("embeddings", Kind::Embedding),
    ("textualinversion", Kind::Embedding),
    ("controlnet", Kind::ControlNet),
    ("controlnets", Kind::ControlNet),
    ("text_encoders", Kind::TextEncoder),
    ("text_encoder", Kind::TextEncoder),
    ("text-encoder", Kind::TextEncoder),
    ("clip", Kind::TextEncoder),
    ("lora_models", Kind::Lora),
    ("t2i_adapter", Kind::ControlNet),
    ("vae_approx", Kind::Vae),
    ("vae-approx", Kind::Vae),
];

/// Names of folders, in small letters, with nothing in them that a picture is drawn with here: programs, pictures, other kinds of
/// models.
const SKIPPED: [&str; 41] = [
    "venv",
    "env",
    "python",
    "python_embeded",
    "python_embedded",
    "node_modules",
    "site-packages",
    "custom_nodes",
    "repositories",
    "extensions",
    "extensions-builtin",
    "output",
    "outputs",
    "input",
    "temp",
    "tmp",
    "trash",
    "configs",
    "clip_vision",
    "clip-interrogator",
    "style_models",
    "upscale_models",
    "latent_upscale_models",
    "esrgan",
    "realesrgan",
    "swinir",
    "ldsr",
    "gfpgan",
    "codeformer",
    "facerestore_models",
    "facedetection",
    "deepbooru",
    "torch_deepdanbooru",
    "blip",
    "hypernetworks",
    "insightface",
    "ipadapter",
    "ip_adapter",
    "animatediff_models",
    "audio_encoders",
    "gligen",
];

/// Folders within folders that are looked at.
const DEPTH: usize = 8;

/// The most files that are listed.
const MOST: usize = 100_000;

/// The keys of ComfyUI's extra_model_paths.yaml that name folders of models.
const YAML_KEYS: [(&str, Kind); 9] = [
    ("checkpoints", Kind::Checkpoint),
    ("diffusion_models", Kind::Checkpoint),
    ("unet", Kind::Checkpoint),
    ("loras", Kind::Lora),
    ("vae", Kind::Vae),
    ("embeddings", Kind::Embedding),
    ("controlnet", Kind::ControlNet),
    ("text_encoders", Kind::TextEncoder),
    ("clip", Kind::TextEncoder),
];

/// A model file, or a diffusers folder, that is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The kind that its folder is for.
    pub(super) hint: Option<Kind>,
    /// Bytes of the file; of a folder 0.
    pub(super) bytes: u64,
    /// The time of its last change, in nanoseconds since 1970.
    pub(super) modified: u64,
    pub(super) beside: Beside,
}

/// The time of a file's last change, in nanoseconds since 1970.
pub(super) fn modified(data: &Metadata) -> u64 {
    let since = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// Whether a folder is a checkpoint in the diffusers layout.
pub(super) fn is_diffusers(folder: &Path) -> bool {
    folder.join("model_index.json").is_file() || folder.join("unet/config.json").is_file()
}

/// Whether a folder is one model: a checkpoint or a ControlNet in the diffusers layout.
pub(super) fn is_one_model(folder: &Path) -> bool {
    is_diffusers(folder) || control::is_folder_of_one(folder)
}

/// The models in a folder that a person named: of a program's folder those in its folders of models.
pub(super) fn look(folder: &Path) -> Vec<Found> {
    let mut walk = Walk::default();
    for (root, kind) in roots(folder) {
        walk.folder(&root, kind.or_else(|| kind_of(&root)), 0);
    }
    walk.found
}

/// The models at one path.
pub(super) fn look_at(path: &Path) -> Option<Found> {
    let data = std::fs::metadata(path).ok()?;
    let listing = path.parent().map(files).unwrap_or_default();
    let bytes = if data.is_dir() { 0 } else { data.len() };
    Some(Found {
        path: path.to_owned(),
        hint: None,
        bytes,
        modified: modified(&data),
        beside: beside::of(path, &listing),
    })
}

/// The folders to walk, of a folder that a person named, with the kind of what lies in them where that is said.
fn roots(folder: &Path) -> Vec<(PathBuf, Option<Kind>)> {
    if let Some(found) = of_program(folder) {
        return found;
    }
    // The folder of models itself; embeddings of web UIs lie beside it.
    if is_named(folder, "models")
        && let Some(program) = folder.parent()
        && let Some(beside) = of_program(program)
    {
        return beside;
    }
    // A program's folder inside another, as portable builds have it.
    let mut roots: Vec<_> = folders(folder).into_iter().filter_map(|inner| of_program(&inner)).flatten().collect();
    roots.push((folder.to_owned(), None));
    roots
}

/// The folders of models in a program's folder; `None` where there is no folder `models` in it.
fn of_program(folder: &Path) -> Option<Vec<(PathBuf, Option<Kind>)>> {
    let inner = folders(folder);
    let models = inner.iter().find(|path| is_named(path, "models"))?;
    let mut roots = vec![(models.clone(), None)];
    roots.extend(inner.iter().filter(|path| is_named(path, "embeddings")).map(|path| (path.clone(), None)));
    if let Ok(text) = read_text(&folder.join("extra_model_paths.yaml")) {
        roots.extend(extra_paths(&text, folder).into_iter().map(|(kind, path)| (path, Some(kind))));
    }
    Some(roots)
}

/// A text of at most 1 MiB.
fn read_text(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(1 << 20).read_to_string(&mut text)?;
    Ok(text)
}

/// The folders that ComfyUI's extra_model_paths.yaml names: a section a program, in it `base_path` and a folder (or, after `|`,
/// several on lines of their own) a kind. Relative ones are below the base path, that below the file's folder.
fn extra_paths(text: &str, folder: &Path) -> Vec<(Kind, PathBuf)> {
    let mut found = Vec::new();
    let mut base = folder.to_owned();
    let mut of: Option<(usize, Option<Kind>)> = None;
    for line in text.lines() {
        let content = line.split(" #").next().unwrap_or_default().trim_end();
        let words = content.trim_start();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        let depth = content.len() - words.len();
        // A line of the list before, further in than its key.
        if let Some((of_key, kind)) = of
            && depth > of_key
        {
            found.extend(kind.map(|kind| (kind, base.join(unquoted(words)))));
            continue;
        }
        of = None;
        let Some((key, value)) = words.split_once(':') else { continue };
        let (key, value) = (key.trim(), unquoted(value.trim()));
        if depth == 0 {
            base = folder.to_owned();
        } else if key == "base_path" {
            base = folder.join(home(value));
        } else {
            let kind = YAML_KEYS.iter().find(|(known, _)| *known == key).map(|(_, kind)| *kind);
            if value.starts_with(['|', '>']) || value.is_empty() {
                of = Some((depth, kind));
            } else {
                found.extend(kind.map(|kind| (kind, base.join(home(value)))));
            }
        }
    }
    found
}

fn unquoted(text: &str) -> &str {
    let text = text.strip_prefix("- ").unwrap_or(text).trim();
    let quoted = |mark| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

/// A path with `~` for the home folder.
fn home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|found| found.eq_ignore_ascii_case(name))
}

/// The kind that a folder's name tells.
fn kind_of(folder: &Path) -> Option<Kind> {
    let name = folder.file_name()?.to_str()?.to_lowercase();
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// The folders in a folder, by name.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// The names of the files and folders in a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[derive(Default)]
struct Walk {
    found: Vec<Found>,
    /// Folders that were walked, by their real paths: links may go round in circles.
    seen: BTreeSet<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, hint: Option<Kind>, depth: usize) {
        let Ok(real) = folder.canonicalize() else { return };
        if depth > DEPTH || !self.seen.insert(real) {
            return;
        }
        if is_one_model(folder) {
            self.add(folder, hint, &BTreeSet::new());
            return;
        }
        let names = files(folder);
        for name in &names {
            let path = folder.join(name);
            if name.starts_with('.') || self.found.len() >= MOST {
                continue;
            }
            if is_model(&path, hint.is_some()) {
                self.add(&path, hint, &names);
            } else if !beside::is_beside(&path) && !SKIPPED.contains(&name.to_lowercase().as_str()) && path.is_dir() {
                self.folder(&path, kind_of(&path).or(hint), depth + 1);
            }
        }
    }

    fn add(&mut self, path: &Path, hint: Option<Kind>, listing: &BTreeSet<String>) {
        let Ok(data) = std::fs::metadata(path) else { return };
        if !data.is_file() && !is_one_model(path) {
            return;
        }
        let (bytes, changed) = if data.is_dir() {
            // A folder's own time tells little of the files in it.
            let config = ["unet/config.json", "config.json"].map(|config| std::fs::metadata(path.join(config)));
            let config = config.into_iter().find_map(std::result::Result::ok);
            (0, config.as_ref().map_or_else(|| modified(&data), modified))
        } else {
            (data.len(), modified(&data))
        };
        let beside = beside::of(path, listing);
        self.found.push(Found { path: path.to_owned(), hint, bytes, modified: changed, beside });
    }
}

/// Whether a file is a model by its ending. Pickles count where a folder's name says what they are: others may be anything.
fn is_model(path: &Path, in_known: bool) -> bool {
    let Some(ending) = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase) else {
        return false;
    };
    match ending.as_str() {
        "safetensors" | "sft" => true,
        "ckpt" | "pt" | "pth" | "bin" | "gguf" => in_known,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_model_paths_are_read_as_comfyui_reads_them() {
        let text = "\
#Rename this to extra_model_paths.yaml
comfyui:
    base_path: /srv/models/ # mine
    is_default: true
    checkpoints: checkpoints/
    clip_vision: clip_vision/
    loras: |
        loras
        \"more loras\"
    vae: '/elsewhere/vae'
a111:
    base_path: webui

    checkpoints: models/Stable-diffusion
    controlnet:
        - models/ControlNet
    custom_nodes: x
";
        let found = extra_paths(text, Path::new("/comfy"));
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(
            found,
            [
                (Kind::Checkpoint, path("/srv/models/checkpoints/")),
                (Kind::Lora, path("/srv/models/loras")),
                (Kind::Lora, path("/srv/models/more loras")),
                (Kind::Vae, path("/elsewhere/vae")),
                (Kind::Checkpoint, path("/comfy/webui/models/Stable-diffusion")),
                (Kind::ControlNet, path("/comfy/webui/models/ControlNet")),
            ]
        );
    }

    fn touch(root: &Path, file: &str) {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, "x").expect("written");
    }

    fn found(root: &Path, folder: &str) -> Vec<(String, Option<Kind>)> {
        let mut all: Vec<(String, Option<Kind>)> = look(&root.join(folder))
            .into_iter()
            .map(|found| {
                (found.path.strip_prefix(root).expect("inside").display().to_string().replace('\\', "/"), found.hint)
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn programs_folders_are_known_and_nothing_else_in_them_is_walked() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for file in [
            "ComfyUI/models/checkpoints/sdxl/mix.safetensors",
            "ComfyUI/models/checkpoints/old.ckpt",
            "ComfyUI/models/checkpoints/put_checkpoints_here",
            "ComfyUI/models/loras/ink.safetensors",
            "ComfyUI/models/loras/ink.preview.png",
            "ComfyUI/models/upscale_models/x4.pth",
            "ComfyUI/models/clip_vision/h.safetensors",
            "ComfyUI/custom_nodes/node/model.safetensors",
            "ComfyUI/output/latent.safetensors",
            "webui/models/Stable-diffusion/one.safetensors",
            "webui/models/Lora/two.safetensors",
            "webui/embeddings/three.pt",
            "webui/venv/lib/four.safetensors",
            "plain/five.safetensors",
            "plain/six.bin",
            "plain/diff/model_index.json",
            "plain/diff/unet/diffusion_pytorch_model.safetensors",
        ] {
            touch(root, file);
        }
        let comfy = [
            ("ComfyUI/models/checkpoints/old.ckpt", Some(Kind::Checkpoint)),
            ("ComfyUI/models/checkpoints/sdxl/mix.safetensors", Some(Kind::Checkpoint)),
            ("ComfyUI/models/loras/ink.safetensors", Some(Kind::Lora)),
        ];
        let webui = [
            ("webui/embeddings/three.pt", Some(Kind::Embedding)),
            ("webui/models/Lora/two.safetensors", Some(Kind::Lora)),
            ("webui/models/Stable-diffusion/one.safetensors", Some(Kind::Checkpoint)),
        ];
        let plain = [("plain/diff", None), ("plain/five.safetensors", None)];
        let owned = |all: &[(&str, Option<Kind>)]| -> Vec<(String, Option<Kind>)> {
            all.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
        };
        assert_eq!(found(root, "ComfyUI"), owned(&comfy));
        assert_eq!(found(root, "ComfyUI/models"), owned(&comfy));
        assert_eq!(found(root, "ComfyUI/models/loras"), owned(&comfy[2..]));
        assert_eq!(found(root, "webui"), owned(&webui));
        assert_eq!(found(root, "webui/models"), owned(&webui), "embeddings lie beside");
        assert_eq!(found(root, "plain"), owned(&plain));
        // All of them, each once, from the folder above.
        let all: Vec<_> = [&comfy[..], &plain[..], &webui[..]].concat();
        assert_eq!(found(root, ""), owned(&all));
    }

    #[cfg(unix)]
    #[test]
    fn links_that_go_round_end() {
        let folder = tempfile::tempdir().expect("a folder");
        touch(folder.path(), "loras/ink.safetensors");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loras/again")).expect("linked");
        assert_eq!(found(folder.path(), "").len(), 1);
    }
}
