//! The files of the embedded checkpoint (assets/embedded, trained by training/), compiled in.

/// Names and contents of files under assets/embedded.
macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../assets/embedded/", $path)))),*]
    };
}

/// Path inside a diffusers folder, and content.
pub(super) static FILES: &[(&str, &[u8])] = embedded![
    "known_words.json",
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
];
