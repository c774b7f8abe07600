//! CLIP's text encoder as transformers' `CLIPTextModel` and `CLIPTextModelWithProjection` have it (Radford et al. 2021,
//! arXiv:2103.00020): token ids in, hidden states and, where there is a projection, one vector for the whole text out.

use super::{Conditioning, Error, Fields, Loader, Result, Weights};
use crate::backend::{Activation, Attention, Backend, Epilogue, Mask};
use serde_json::{Value, json};
use std::sync::Arc;

/// The options of a text encoder's config.json that matter here.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Rows of the token table.
    pub vocab_size: usize,
    /// Width of the embedding.
    pub hidden_size: usize,
    /// Width inside the two-layer perceptrons.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads of the attention.
    pub num_attention_heads: usize,
    /// Tokens at most.
    pub max_position_embeddings: usize,
    /// Between the perceptrons' layers.
    pub hidden_act: Activation,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f32,
    /// Width of the pooled text, where there is a projection.
    pub projection_dim: usize,
    /// The token at which the text is pooled. 2 is a mistake of early configs, which transformers keeps: the largest id then.
    pub eos_token_id: u32,
}

/// The hidden states that a family of checkpoints conditions on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HiddenState {
    /// Layers at the end that are left out; what they would add is not there.
    pub left_out: usize,
    /// Whether the final norm follows.
    pub final_norm: bool,
}

impl HiddenState {
    /// Those after the last layer and the final norm: Stable Diffusion 1 and 2.
    pub const LAST: Self = Self { left_out: 0, final_norm: true };
    /// Those before the last layer, without the final norm: SDXL.
    pub const PENULTIMATE: Self = Self { left_out: 1, final_norm: false };

    /// The output that is `clip_skip` from the end, 1 the last one, with the norm that the family has.
    #[must_use]
    pub fn skipping(self, clip_skip: Option<u32>) -> Self {
        let left_out = clip_skip.map_or(self.left_out, |skip| skip.saturating_sub(1) as usize);
        Self { left_out, ..self }
    }
}

impl Config {
    /// Reads a config.json, which came from `file`; keys that are missing have transformers' defaults.
    ///
    /// # Errors
    /// If a key has a value that is wrong or not implemented.
    pub fn parse(config: &Value, file: &str) -> Result<Self> {
        let fields = Fields::new(config, file)?;
        fields.only("model_type", &[json!("clip_text_model")])?;
        fields.only("use_attention_mask", &[json!(false)])?;
        let this = Self {
            vocab_size: fields.size("vocab_size", 49408)?,
            hidden_size: fields.size("hidden_size", 512)?,
            intermediate_size: fields.size("intermediate_size", 2048)?,
            num_hidden_layers: fields.size("num_hidden_layers", 12)?,
            num_attention_heads: fields.size("num_attention_heads", 8)?,
            max_position_embeddings: fields.size("max_position_embeddings", 77)?,
            hidden_act: match fields.text("hidden_act", "quick_gelu")? {
                "quick_gelu" => Activation::QuickGelu,
                "gelu" => Activation::Gelu,
                _ => return Err(fields.unsupported("hidden_act")),
            },
            layer_norm_eps: fields.number("layer_norm_eps", 1e-5)?,
            projection_dim: fields.size("projection_dim", 512)?,
            eos_token_id: fields.token("eos_token_id", 49407)?,
        };
        if !this.hidden_size.is_multiple_of(this.num_attention_heads) {
            let message = format!("{} does not divide hidden_size {}", this.num_attention_heads, this.hidden_size);
            return Err(fields.wrong("num_attention_heads", message));
        }
        Ok(this)
    }

    /// The index of the token at which a text is pooled, by transformers' two rules: the first end token, the first token of all
    /// where there is none; or where the config has the mistaken id, the first of the largest id.
    fn pooled_position(&self, ids: &[u32]) -> usize {
        let end = match self.eos_token_id {
            MISTAKEN_EOS => ids.iter().max().copied(),
            end => Some(end),
        };
        ids.iter().position(|&id| Some(id) == end).unwrap_or(0)
    }
}

struct Layer<B: Backend> {
    norm1: B::Norm,
    q: B::Linear,
    k: B::Linear,
    v: B::Linear,
    out: B::Linear,
    norm2: B::Norm,
    fc1: B::Linear,
    fc2: B::Linear,
}

/// The `eos_token_id` of early configs.
const MISTAKEN_EOS: u32 = 2;

/// The text encoder.
pub struct TextEncoder<B: Backend> {
    config: Config,
    tokens: B::Embedding,
    positions: B::Embedding,
    layers: Vec<Layer<B>>,
    final_norm: B::Norm,
    projection: Option<B::Linear>,
}

impl<B: Backend> TextEncoder<B> {
    /// Packs the weights; their names may begin with `text_model.` or not.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape, or the device fails.
    pub fn load(config: Config, backend: &B, weights: &dyn Weights) -> Result<Self> {
        let root = Loader::new(backend, weights);
        let bare = root.has("embeddings.token_embedding.weight");
        let load = if bare { Loader::new(backend, weights) } else { root.at("text_model") };
        let width = config.hidden_size;
        let layer = |index: usize| -> Result<Layer<B>> {
            let load = load.at("encoder.layers").at(index);
            Ok(Layer {
                norm1: load.norm("layer_norm1", width)?,
                q: load.linear("self_attn.q_proj", width, width, true)?,
                k: load.linear("self_attn.k_proj", width, width, true)?,
                v: load.linear("self_attn.v_proj", width, width, true)?,
                out: load.linear("self_attn.out_proj", width, width, true)?,
                norm2: load.norm("layer_norm2", width)?,
                fc1: load.linear("mlp.fc1", width, config.intermediate_size, true)?,
                fc2: load.linear("mlp.fc2", config.intermediate_size, width, true)?,
            })
        };
        Ok(Self {
            tokens: load.embedding("embeddings.token_embedding", config.vocab_size, width)?,
            positions: load.embedding("embeddings.position_embedding", config.max_position_embeddings, width)?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            final_norm: load.norm("final_layer_norm", width)?,
            projection: if root.has("text_projection.weight") {
                Some(root.linear("text_projection", width, config.projection_dim, false)?)
            } else {
                None
            },
            config,
        })
    }

    /// The options it was built with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The hidden states of `ids`, and where there is a projection, the pooled text: the end token's state after the last layer
    /// and the final norm, projected.
    ///
    /// # Errors
    /// If there are too many ids or one is outside the vocabulary, or the device fails.
    pub fn forward(&self, b: &B, ids: &[u32], state: HiddenState) -> Result<Conditioning> {
        self.forward_with(b, ids, &[], state)
    }

    /// As [`Self::forward`], with vectors of a textual inversion in the place of the tokens at some indices.
    ///
    /// # Errors
    /// As [`Self::forward`]; also if a vector is of another width.
    pub fn forward_with(
        &self,
        b: &B,
        ids: &[u32],
        vectors: &[(usize, Arc<[f32]>)],
        state: HiddenState,
    ) -> Result<Conditioning> {
        let Config { vocab_size, max_position_embeddings, num_attention_heads, layer_norm_eps: eps, .. } = self.config;
        if ids.is_empty() || ids.len() > max_position_embeddings {
            return Err(Error::Input(format!("{} tokens for a text encoder of {max_position_embeddings}", ids.len())));
        }
        if let Some(id) = ids.iter().find(|&&id| usize::try_from(id).map_or(true, |id| id >= vocab_size)) {
            return Err(Error::Input(format!("token {id} is outside the text encoder's vocabulary of {vocab_size}")));
        }
        let positions: Vec<u32> = (0..).take(ids.len()).collect();
        let mut x = b.embed(&self.tokens, ids)?;
        if !vectors.is_empty() {
            let width = self.config.hidden_size;
            let mut rows = b.download(&x)?;
            for (index, vector) in vectors {
                let row = rows.get_mut(index * width..(index + 1) * width).filter(|row| row.len() == vector.len());
                let wrong =
                    || Error::Input(format!("a vector of {} values for a text encoder of {width}", vector.len()));
                row.ok_or_else(wrong)?.copy_from_slice(vector);
            }
            x = b.upload(&b.shape(&x), &rows)?;
        }
        let mut x = b.add(&x, &b.embed(&self.positions, &positions)?)?;
        // The state after so many layers is what is asked for; pooled text reads the last one.
        let wanted = self.layers.len().saturating_sub(state.left_out);
        let mut found = x.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            let h = b.layer_norm(&x, &layer.norm1, eps)?;
            let q = b.linear(&h, &layer.q)?;
            let k = b.linear(&h, &layer.k)?;
            let v = b.linear(&h, &layer.v)?;
            let causal = Attention { heads: num_attention_heads, scale: None, mask: Mask::Causal };
            let h = b.attention(&q, &k, &v, &causal)?;
            x = b.linear_with(&h, &layer.out, Epilogue::add(&x))?;
            let h = b.layer_norm(&x, &layer.norm2, eps)?;
            let activated = Epilogue { activation: Some(self.config.hidden_act), ..Epilogue::default() };
            let h = b.linear_with(&h, &layer.fc1, activated)?;
            x = b.linear_with(&h, &layer.fc2, Epilogue::add(&x))?;
            if index + 1 == wanted {
                found = x.clone();
            }
        }
        let last = b.layer_norm(&x, &self.final_norm, eps)?;
        let pooled = self.projection.as_ref().map(|projection| -> Result<Vec<f32>> {
            let end = b.slice(&last, 1, self.config.pooled_position(ids), 1)?;
            Ok(b.download(&b.linear(&end, projection)?)?)
        });
        Ok(Conditioning {
            tokens: match state {
                HiddenState { left_out: 0, final_norm: true } => b.download(&last)?,
                HiddenState { final_norm: true, .. } => b.download(&b.layer_norm(&found, &self.final_norm, eps)?)?,
                HiddenState { final_norm: false, .. } => b.download(&found)?,
            },
            width: self.config.hidden_size,
            pooled: pooled.transpose()?,
        })
    }
}
