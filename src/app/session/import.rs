//! What files and pictures are that come in from outside: projects, pictures, masks, models, LoRAs.

use crate::app::editor::Selected;
use crate::app::session::purpose::PICTURES;
use crate::app::text::errors;
use crate::app::text::format::file_name as name;
use crate::app::text::i18n::fill;
use crate::document::{ColourMap, Document, FileError, Picture, RegionId, read_parameters, read_picture};
use crate::studio::{CheckpointError, ControlFile, FileSummary, Kind, LoraFile, Vocabulary, holds_models, look_at};
use image::RgbaImage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A picture that was dropped, pasted or chosen.
pub(in crate::app) struct Placed {
    /// Its name, as a person knows it.
    pub name: String,
    pub picture: Arc<Picture>,
    /// Its regions, where it is a colour map.
    pub map: Option<Arc<ColourMap>>,
    /// Its file, where that tells with which words and settings another program made it.
    pub told: Option<PathBuf>,
}

/// The regions of a picture that is a colour map: one of two colours at least.
pub(in crate::app) fn colour_map(image: &RgbaImage) -> Option<Arc<ColourMap>> {
    ColourMap::of(image).ok().filter(|map| map.colours().len() > 1).map(Arc::new)
}

/// The kinds of dropped files.
pub(in crate::app) enum Found {
    /// A project, or a picture with a project inside.
    Project,
    Picture(Placed),
    Model,
    /// A model that lacks parts, with the reason why it does not draw by itself.
    Incomplete(String),
    /// An autoencoder or text encoder without a model.
    Part,
    /// A LoRA, with the words it was trained on, where it says them.
    Lora(Option<String>),
    /// A word of its own for prompts: it is listed.
    Embedding,
    ControlNet,
    /// A folder with models in it.
    Models,
}

/// The question that a file is the answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Wanted {
    /// None: it was dropped, on this card or beside all.
    Dropped(Option<Selected>),
    /// None either: it was dropped together with another.
    AlsoDropped(Option<Selected>),
    /// A picture of which is asked then what it is for.
    Place,
    /// This region's mask.
    Mask(RegionId),
    Model,
    /// A LoRA for the whole picture, or for one part of it.
    Lora(Option<Selected>),
}

/// The reasons why a file is no answer.
pub(in crate::app) enum Refused {
    File(FileError),
    /// In English, as the layers below tell of model files.
    Model(String),
    LoraForModel,
    NoLora,
    /// The same for a file that cannot even be read as one, and why.
    UnreadableLora(String),
}

impl Refused {
    pub(in crate::app) fn told(&self, path: &Path) -> String {
        match self {
            Self::File(error) => errors::file_error(error),
            Self::Model(text) => text.clone(),
            Self::NoLora => fill("{0} is not a LoRA. Choose a .safetensors file that was made as one.", &[&name(path)]),
            Self::UnreadableLora(why) => fill("{0} is not a LoRA: {1}.", &[&name(path), why]),
            Self::LoraForModel => {
                fill("{0} is a LoRA, not a model. Lay it over a model with “Add a LoRA…”.", &[&name(path)])
            }
        }
    }
}

/// Finds out whether a file is what was asked for, or what a dropped one is. Slow for large files, so it runs on a thread of
/// its own.
pub(in crate::app) fn find_out(path: &Path, wanted: Wanted) -> Result<Found, Refused> {
    match wanted {
        Wanted::Dropped(card) | Wanted::AlsoDropped(card) => dropped(path, card),
        Wanted::Place => picture(path),
        Wanted::Mask(_) => mask(path),
        Wanted::Model if LoraFile::recognise(path).is_some() => Err(Refused::LoraForModel),
        Wanted::Model => model(path),
        Wanted::Lora(_) => match LoraFile::recognise(path) {
            Some(file) => lora(file),
            // It says why it is none.
            None if has_weights(path) => match LoraFile::open(path) {
                Err(CheckpointError::Invalid { fact, .. }) if !fact.contains("LoRA") => {
                    Err(Refused::UnreadableLora(fact))
                }
                file => lora(file),
            },
            None => Err(Refused::NoLora),
        },
    }
}

/// True for a file that holds weights by its ending.
pub(in crate::app) fn has_weights(path: &Path) -> bool {
    ends_in(path, &["safetensors", "sft", "gguf", "ckpt", "pt", "pth", "bin", "pkl"])
}

/// True for a picture that a ControlNet can follow, by its ending.
pub(in crate::app) fn is_picture(path: &Path) -> bool {
    ends_in(path, PICTURES)
}

fn ends_in(path: &Path, known: &[&str]) -> bool {
    path.extension().is_some_and(|ending| known.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn dropped(path: &Path, card: Option<Selected>) -> Result<Found, Refused> {
    let safetensors = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"));
    if let Some(file) = safetensors.then(|| LoraFile::recognise(path)).flatten() {
        return lora(file);
    }
    if path.is_dir() {
        return model(path).or_else(|refused| if holds_models(path) { Ok(Found::Models) } else { Err(refused) });
    }
    if has_weights(path) {
        return model(path);
    }
    if Document::is_project(path).map_err(Refused::File)? {
        return Ok(Found::Project);
    }
    if matches!(card, Some(Selected::Region(_))) { mask(path) } else { picture(path) }
}

/// A picture of which nothing is asked any more: it becomes a mask.
fn mask(path: &Path) -> Result<Found, Refused> {
    let picture = Arc::new(read_picture(path).map_err(Refused::File)?);
    Ok(Found::Picture(Placed { name: name(path), picture, map: None, told: None }))
}

/// A picture with all that it can be used for.
fn picture(path: &Path) -> Result<Found, Refused> {
    let picture = Arc::new(read_picture(path).map_err(Refused::File)?);
    let told = read_parameters(path).is_ok_and(|parameters| parameters.is_some());
    let map = colour_map(&picture.image);
    Ok(Found::Picture(Placed { name: name(path), picture, map, told: told.then(|| path.to_path_buf()) }))
}

/// A model; what it lacks is better said now than when a picture is wanted.
fn model(path: &Path) -> Result<Found, Refused> {
    if let Some(control) = ControlFile::recognise(path) {
        return control.map(|_| Found::ControlNet).map_err(|error| Refused::Model(errors::checkpoint(&error)));
    }
    let error = match Vocabulary::open(&path.display().to_string()) {
        Ok(_) => return Ok(Found::Model),
        Err(error) => error.to_string(),
    };
    match path.is_file().then(|| FileSummary::of(path)) {
        Some(Ok(file)) if file.draws && !file.missing.is_empty() => Ok(Found::Incomplete(error)),
        Some(Ok(file)) if file.fills && !file.draws => Ok(Found::Part),
        _ => match look_at(path) {
            Ok(item) if item.problem.is_none() && item.kind == Kind::Embedding => Ok(Found::Embedding),
            _ => Err(Refused::Model(error)),
        },
    }
}

fn lora(file: Result<LoraFile, CheckpointError>) -> Result<Found, Refused> {
    let summary = file.map_err(|e| Refused::Model(e.to_string()))?.summary();
    let tags = || summary.tags.iter().take(3).map(|tag| tag.words.clone()).collect::<Vec<_>>().join(", ");
    let words = summary.trigger.clone().unwrap_or_else(tags);
    Ok(Found::Lora(Some(words).filter(|words| !words.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::session::models::model_name;
    use crate::studio::PARTS_SEPARATOR;

    fn file(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    #[test]
    fn a_lora_is_known_by_its_tensors() {
        let golden = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
        let words = |name| match find_out(&golden(name), Wanted::Lora(None)) {
            Ok(Found::Lora(words)) => words,
            _ => panic!("{name} is a LoRA"),
        };
        assert_eq!(words("lora/eps_kohya.safetensors").as_deref(), Some("zorkfox, snow, a fox"));
        assert_eq!(words("lora/eps_peft.safetensors"), None);
        let refused = |name, asked| {
            let path = golden(name);
            find_out(&path, asked).err().expect("refused").told(&path)
        };
        let unet = "eps/unet/diffusion_pytorch_model.safetensors";
        // Who asks for a LoRA is told of LoRAs, who asks for a model of models.
        for name in [unet, "masks/hard1.png", "eps"] {
            assert!(refused(name, Wanted::Lora(None)).contains("LoRA"), "{}", refused(name, Wanted::Lora(None)));
        }
        assert!(refused("lora/eps_kohya.safetensors", Wanted::Model).contains("is a LoRA, not a model"));
        assert!(refused("masks/hard1.png", Wanted::Model).contains("checkpoint"));
        assert!(refused("eps", Wanted::Mask(RegionId(1))).contains("eps"));
        assert!(matches!(find_out(&golden("eps"), Wanted::Model), Ok(Found::Model)));
    }

    #[test]
    fn a_controlnet_is_known_by_its_file_and_by_its_folder() {
        let golden = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
        for asked in [Wanted::Dropped(None), Wanted::Model] {
            for name in ["control/eps", "control/sdxl"] {
                assert!(matches!(find_out(&golden(name), asked), Ok(Found::ControlNet)), "{name}");
            }
        }
        // The file alone is looked at as one, too, and told of: without its folder it is of no published size.
        let file = golden("control/eps/diffusion_pytorch_model.safetensors");
        let refused = find_out(&file, Wanted::Dropped(None)).err().expect("refused").told(&file);
        assert!(refused.contains("norm_num_groups"), "{refused}");
        // A folder with one in it is a folder of models.
        assert!(matches!(find_out(&golden("control"), Wanted::Dropped(None)), Ok(Found::Models)));
    }

    #[test]
    fn parts_of_models_are_known_and_go_together_with_one() {
        let golden = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
        let [unet, vae] =
            ["unet", "vae"].map(|part| golden("eps").join(part).join("diffusion_pytorch_model.safetensors"));
        match find_out(&unet, Wanted::Dropped(None)) {
            Ok(Found::Incomplete(why)) => assert!(why.contains("lacks a text encoder"), "{why}"),
            _ => panic!("it lacks parts"),
        }
        assert!(matches!(find_out(&vae, Wanted::Model), Ok(Found::Part)));
        let whole = format!("{}{PARTS_SEPARATOR}{}", golden("eps").display(), vae.display());
        // (Both are looked at: a file alone is read as the published sizes have it, and this one is smaller.)
        let refused = find_out(Path::new(&whole), Wanted::Model).err().expect("refused").told(Path::new(&whole));
        assert!(refused.contains("norm_num_groups"), "{refused}");
        assert_eq!(model_name(&whole), "eps + diffusion_pytorch_model");
    }

    #[test]
    fn what_nothing_can_read_is_refused_in_one_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let wrong = file(folder.path(), "wrong.safetensors", &[0xff; 64]);
        let refused = find_out(&wrong, Wanted::Lora(None)).err().expect("refused").told(&wrong);
        assert!(refused.starts_with("wrong.safetensors is not a LoRA: "), "{refused}");
        std::fs::create_dir(folder.path().join("empty")).expect("made");
        for path in [
            file(folder.path(), "notes.txt", b"hello"),
            file(folder.path(), "old.ckpt", b"\x80\x02"),
            folder.path().join("empty"),
            folder.path().join("gone.png"),
        ] {
            let error = find_out(&path, Wanted::Dropped(None)).err().expect("refused").told(&path);
            assert!(!error.contains('\n') && error.contains(&name(&path)), "{error}");
        }
    }
}
