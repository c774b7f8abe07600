//! What a checkpoint is, in figures.

use super::safetensors::TensorFile;
use super::{Checkpoint, Error, FETCH_AGAIN, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What `polyptych info` says of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its family in words: `Stable Diffusion 1`, `Stable Diffusion 2`, or `latent diffusion` for others.
    pub kind: &'static str,
    /// What the UNet predicts: `epsilon`, `v_prediction` or `sample`.
    pub prediction_type: String,
    /// Side of the latents it was trained on.
    pub window: usize,
    /// Pixels per latent pixel.
    pub latent_scale: usize,
    /// Planes of a latent.
    pub latent_channels: usize,
    /// Width of a text embedding.
    pub text_width: usize,
    /// Tokens in the vocabulary.
    pub vocabulary: usize,
    /// Tokens of a prompt, without its first and last.
    pub token_limit: usize,
    /// Its networks.
    pub parts: Vec<Part>,
    /// The words it was trained on, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_words: Option<KnownWords>,
}

/// One network's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `unet`, `vae` or `text_encoder`.
    pub name: &'static str,
    /// How many parameters.
    pub parameters: usize,
    /// Bytes of its file.
    pub bytes: usize,
    /// The type they are stored in.
    pub dtype: &'static str,
}

impl Summary {
    pub(super) fn of(checkpoint: &Checkpoint) -> Result<Self> {
        let tokenizer = checkpoint.tokenizer()?;
        let part = |name, file: &TensorFile| Part {
            name,
            parameters: file.parameters(),
            bytes: file.len(),
            dtype: file.dtype(),
        };
        let channels: Vec<usize> = checkpoint.unet.0.down.iter().map(|level| level.channels).collect();
        let text_width = checkpoint.text.0.hidden_size;
        Ok(Self {
            name: checkpoint.name().to_owned(),
            kind: match (channels.as_slice(), text_width) {
                ([320, 640, 1280, 1280], 768) => "Stable Diffusion 1",
                ([320, 640, 1280, 1280], 1024) => "Stable Diffusion 2",
                _ => "latent diffusion",
            },
            prediction_type: match checkpoint.scheduler.get("prediction_type") {
                Some(Value::String(kind)) => kind.chars().take(40).collect(),
                _ => "epsilon".to_owned(),
            },
            window: checkpoint.window(),
            latent_scale: checkpoint.latent_scale(),
            latent_channels: checkpoint.vae.0.latent_channels,
            text_width,
            vocabulary: tokenizer.vocabulary(),
            token_limit: tokenizer.limit(),
            parts: vec![
                part("unet", &checkpoint.unet.1),
                part("vae", &checkpoint.vae.1),
                part("text_encoder", &checkpoint.text.1),
            ],
            known_words: known_words(checkpoint)?,
        })
    }
}

/// What a small checkpoint says it was trained on (its known_words.json), for completion, and for an honest note about
/// every other word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownWords {
    /// Things it can draw.
    pub things: Vec<Thing>,
    /// Colours that things come in.
    pub colours: Vec<String>,
    /// Times of day and weathers.
    pub moods: Vec<String>,
}

/// One thing that a checkpoint can draw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thing {
    /// The word for it.
    pub name: String,
    /// Its kind: a ground, a building, a creature, …
    pub group: String,
    /// Other words for it.
    pub synonyms: Vec<String>,
    /// The colours it comes in.
    pub colours: Vec<String>,
}

/// Reads known_words.json, if there is one.
fn known_words(checkpoint: &Checkpoint) -> Result<Option<KnownWords>> {
    let path = "known_words.json";
    if !checkpoint.store.has(path) {
        return Ok(None);
    }
    serde_json::from_value(checkpoint.store.json(path)?).map(Some).map_err(|error| Error::Invalid {
        file: checkpoint.store.describe(path),
        fact: format!("is not a list of known words ({error})"),
        remedy: FETCH_AGAIN,
    })
}
