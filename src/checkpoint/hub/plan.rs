//! What of a repository is fetched.

use super::repository::Repository;
use super::{Error, RemoteFile, Result};

/// The folders of a diffusers checkpoint with weights in them.
const PARTS: [&str; 4] = ["unet", "vae", "text_encoder", "text_encoder_2"];

/// Beginnings of other files' paths that a diffusers checkpoint has, all of them small.
const SMALL: [&str; 6] =
    ["model_index.json", "scheduler/", "tokenizer/", "tokenizer_2/", "README.md", "known_words.json"];

/// A small file has at most so many bytes.
const SMALL_BYTES: u64 = 16 << 20;

/// The files that an error names.
const NAMED: usize = 6;

/// What is to be fetched.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) repository: Repository,
    pub(super) files: Vec<RemoteFile>,
    /// Whether the files together are a checkpoint in the diffusers layout.
    pub(super) is_folder: bool,
}

impl Plan {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The number of files.
    #[must_use]
    pub fn count(&self) -> usize {
        self.files.len()
    }

    pub(super) fn of(wanted: &Repository, all: &[RemoteFile]) -> Result<Self> {
        let of = |files: Vec<RemoteFile>, is_folder| Self { repository: wanted.clone(), files, is_folder };
        if let Some(named) = wanted.file() {
            let file = all
                .iter()
                .find(|file| file.path == named)
                .ok_or_else(|| Error::NotFound { what: named.to_owned(), endpoint: wanted.name() })?;
            return Ok(of(vec![file.clone()], false));
        }
        let is_weights = |file: &&RemoteFile| file.path.ends_with(".safetensors");
        let in_folder = |file: &RemoteFile, folder: &str| {
            file.path.split_once('/').is_some_and(|(first, rest)| first == folder && !rest.contains('/'))
        };
        let has_index = all.iter().any(|file| file.path == "model_index.json");
        if has_index && all.iter().filter(is_weights).any(|file| in_folder(file, "unet")) {
            return Ok(of(diffusers(all, in_folder), true));
        }
        let top: Vec<&RemoteFile> = all.iter().filter(is_weights).filter(|file| !file.path.contains('/')).collect();
        let found = if top.is_empty() { all.iter().filter(is_weights).collect() } else { top };
        match found.as_slice() {
            [] => {
                let pickle =
                    |file: &RemoteFile| [".ckpt", ".bin", ".pt", ".pth"].iter().any(|end| file.path.ends_with(end));
                let pickles = if all.iter().any(pickle) { ", only pickles, which are never read" } else { "" };
                Err(Error::Nothing { repository: wanted.name(), pickles })
            }
            [one] => Ok(of(vec![(*one).clone()], false)),
            [first, ..] => {
                let mut files: Vec<&str> = found.iter().take(NAMED).map(|file| file.path.as_str()).collect();
                if found.len() > NAMED {
                    files.push("…");
                }
                Err(Error::Several { repository: wanted.name(), first: first.path.clone(), files: files.join(", ") })
            }
        }
    }
}

/// The files of a checkpoint in the diffusers layout: each network once, in half precision where there is that.
fn diffusers(all: &[RemoteFile], in_folder: impl Fn(&RemoteFile, &str) -> bool) -> Vec<RemoteFile> {
    let small =
        |file: &&RemoteFile| file.bytes <= SMALL_BYTES && SMALL.iter().any(|start| file.path.starts_with(start));
    let mut files: Vec<RemoteFile> = all.iter().filter(small).cloned().collect();
    for part in PARTS {
        let name = |file: &RemoteFile| file.path.rsplit('/').next().unwrap_or_default().to_owned();
        let weights = |file: &&RemoteFile| {
            let name = name(file);
            let known = name.starts_with("diffusion_pytorch_model") || name.starts_with("model");
            let kept = name.ends_with(".safetensors") || name.contains(".safetensors.index");
            known && kept && !name.contains("ema") && !name.contains("fp16.fp16")
        };
        let own: Vec<&RemoteFile> = all.iter().filter(|file| in_folder(file, part)).filter(weights).collect();
        let (half, full): (Vec<&RemoteFile>, Vec<&RemoteFile>) =
            own.iter().partition(|file| name(file).contains("fp16"));
        let has_weights = |files: &[&RemoteFile]| files.iter().any(|file| file.path.ends_with(".safetensors"));
        let chosen = if has_weights(&half) { half } else { full };
        // A whole file beside shards is the same twice.
        let whole = ["model.safetensors", "diffusion_pytorch_model.safetensors"]
            .into_iter()
            .flat_map(|plain| [plain.to_owned(), plain.replace(".safetensors", ".fp16.safetensors")]);
        let whole: Vec<String> = whole.collect();
        let one = chosen.iter().find(|file| whole.contains(&name(file)));
        match one {
            Some(file) => files.push((*file).clone()),
            None => files.extend(chosen.into_iter().cloned()),
        }
        files.extend(all.iter().find(|file| file.path == format!("{part}/config.json")).cloned());
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(name: &str, files: &[&str]) -> Result<(Vec<String>, bool)> {
        let all: Vec<RemoteFile> =
            files.iter().map(|path| RemoteFile { path: (*path).to_owned(), bytes: 3, sha256: None }).collect();
        let plan = Plan::of(&name.parse().expect("a name"), &all)?;
        let mut paths: Vec<String> = plan.files.into_iter().map(|file| file.path).collect();
        paths.sort();
        Ok((paths, plan.is_folder))
    }

    #[test]
    fn one_model_is_taken_and_several_are_asked_about() {
        let one = (vec!["ink.safetensors".to_owned()], false);
        assert_eq!(planned("a/b", &["ink.safetensors", "README.md", "x/y.safetensors"]).expect("one"), one);
        let two = ["ink.safetensors", "fox.safetensors"];
        let error = planned("a/b", &two).expect_err("two").to_string();
        assert!(error.contains("a/b:ink.safetensors") && error.contains("fox.safetensors"), "{error}");
        assert_eq!(planned("a/b:ink.safetensors", &two).expect("named"), one);
        assert!(matches!(planned("a/b:gone.safetensors", &two), Err(Error::NotFound { .. })));
        let error = planned("a/b", &["old.ckpt"]).expect_err("a pickle").to_string();
        assert!(error.contains("pickles"), "{error}");
        assert!(planned("a/b", &["README.md"]).is_err());
    }

    #[test]
    fn a_diffusers_checkpoint_is_taken_once_in_half_precision_where_it_can_be() {
        let (files, is_folder) = planned(
            "a/b",
            &[
                "model_index.json",
                "whole.safetensors",
                "unet/config.json",
                "unet/diffusion_pytorch_model.safetensors",
                "unet/diffusion_pytorch_model.fp16.safetensors",
                "unet/diffusion_pytorch_model.non_ema.safetensors",
                "unet/diffusion_pytorch_model.bin",
                "vae/config.json",
                "vae/diffusion_pytorch_model.safetensors",
                "text_encoder/config.json",
                "text_encoder/model.safetensors.index.json",
                "text_encoder/model-00001-of-00002.safetensors",
                "text_encoder/model-00002-of-00002.safetensors",
                "text_encoder/flax_model.msgpack",
                "safety_checker/model.safetensors",
                "scheduler/scheduler_config.json",
                "tokenizer/vocab.json",
            ],
        )
        .expect("a checkpoint");
        assert!(is_folder);
        assert_eq!(
            files,
            [
                "model_index.json",
                "scheduler/scheduler_config.json",
                "text_encoder/config.json",
                "text_encoder/model-00001-of-00002.safetensors",
                "text_encoder/model-00002-of-00002.safetensors",
                "text_encoder/model.safetensors.index.json",
                "tokenizer/vocab.json",
                "unet/config.json",
                "unet/diffusion_pytorch_model.fp16.safetensors",
                "vae/config.json",
                "vae/diffusion_pytorch_model.safetensors",
            ]
        );
    }
}
