//! Files of families and kinds that are not drawn with, each told by names of its tensors.

use crate::checkpoint::safetensors::TensorFile;

/// Beginnings of the names of a whole checkpoint's denoising network.
const PREFIXES: [&str; 5] = ["model.diffusion_model.", "diffusion_model.", "net.", "transformer.", ""];

/// Families, each with beginnings of names that its files all have. The first that fits counts: Flux 2 and Chroma have Flux's
/// names too, and diffusers' files of Flux some of Stable Diffusion 3's.
const FAMILIES: [(&str, &[&str]); 31] = [
    ("Flux 2", &["double_stream_modulation_img.lin.weight"]),
    ("Chroma Radiance", &["nerf_final_layer_conv."]),
    ("Chroma", &["distilled_guidance_layer."]),
    ("Hunyuan Video", &["txt_in.individual_token_refiner."]),
    ("Hunyuan Video", &["context_embedder.token_refiner."]),
    ("Flux", &["double_blocks.0.img_attn.norm.key_norm."]),
    ("Flux", &["double_blocks.0.img_mod.lin.weight"]),
    ("Flux", &["single_transformer_blocks."]),
    ("Stable Diffusion 3", &["joint_blocks.0."]),
    ("Qwen-Image", &["transformer_blocks.0.img_mod.1.weight"]),
    ("Stable Diffusion 3", &["transformer_blocks.0.norm1_context."]),
    ("Z-Image", &["cap_embedder.0.weight", "layers.0.adaLN_modulation.0.weight"]),
    ("Z-Image", &["all_x_embedder.", "cap_embedder.0.weight"]),
    ("Lumina 2", &["cap_embedder.0.weight"]),
    ("HiDream", &["double_stream_blocks.0.block.adaLN_modulation."]),
    ("AuraFlow", &["double_layers.0.attn.w1q.weight"]),
    ("Hunyuan-DiT", &["mlp_t5.0.weight"]),
    ("PixArt", &["t_block."]),
    ("Sana", &["blocks.0.cross_attn.q_linear.weight"]),
    ("Stable Cascade", &["clf.1.weight"]),
    ("Stable Cascade", &["clip_txt_mapper.weight"]),
    ("Wan (video)", &["head.modulation"]),
    ("Wan (video)", &["condition_embedder.text_embedder.", "scale_shift_table"]),
    ("LTX (video)", &["patchify_proj.weight"]),
    ("LTX (video)", &["scale_shift_table", "caption_projection.linear_1.weight", "proj_in.weight"]),
    ("Mochi (video)", &["t5_yproj.weight"]),
    ("Cosmos (video)", &["blocks.block0.blocks.0.block."]),
    ("CogVideoX (video)", &["patch_embed.text_proj.weight"]),
    ("Kandinsky", &["encoder_hid_proj.", "down_blocks.0.attentions.0.add_k_proj."]),
    ("Stable Audio", &["transformer.rotary_pos_emb.inv_freq"]),
    ("DeepFloyd IF", &["encoder_proj.0.weight", "pooling."]),
];

/// The family of a file that is not drawn with.
pub(super) fn family(file: &TensorFile) -> Option<&'static str> {
    if file.contains(".time_mixer.") || file.contains(".time_stack.") {
        return Some("Stable Video Diffusion");
    }
    let fits = |keys: &[&str]| PREFIXES.iter().any(|prefix| keys.iter().all(|key| file.any(&format!("{prefix}{key}"))));
    FAMILIES.iter().find(|(_, keys)| fits(keys)).map(|(name, _)| *name)
}

/// Kinds of files that are no checkpoint, with a name that one of their tensors begins with.
const KINDS: [(&str, &str); 20] = [
    ("a Control-LoRA", "lora_controlnet"),
    ("a ControlNet", "controlnet_cond_embedding."),
    ("a ControlNet", "controlnet_down_blocks."),
    ("a ControlNet", "control_model."),
    ("a ControlNet", "input_hint_block."),
    ("a ControlNet", "zero_convs."),
    ("a ControlNet-LLLite", "lllite_unet"),
    ("a T2I-Adapter", "adapter.body."),
    ("a T2I-Adapter", "body.0.in_conv."),
    ("a T2I-Adapter", "body.0.block1."),
    ("an IP-Adapter", "ip_adapter."),
    ("an IP-Adapter", "image_proj."),
    ("an AnimateDiff motion module", "down_blocks.0.motion_modules."),
    ("a small autoencoder for previews (TAESD)", "decoder.layers."),
    ("a small autoencoder for previews (TAESD)", "3.conv.0."),
    ("a T5 text encoder", "encoder.block.0.layer.0.SelfAttention."),
    ("a CLIP vision model", "vision_model."),
    ("a CLIP vision model", "visual.transformer."),
    ("an upscaler (ESRGAN)", "model.1.sub.0.RDB1."),
    ("an upscaler (ESRGAN)", "body.0.rdb1."),
];

/// The kind of a file that is no checkpoint.
pub(super) fn kind(file: &TensorFile) -> Option<&'static str> {
    KINDS.iter().find(|(_, key)| file.any(key)).map(|(name, _)| *name)
}

/// A textual inversion's tokens and the family that it is for.
pub(super) fn inversion(file: &TensorFile) -> Option<(usize, &'static str)> {
    let names = file.names();
    let of = |name: &str| match file.shape_of(name) {
        Some(&[width]) => Some((1, width)),
        Some(&[tokens, width]) => Some((tokens, width)),
        _ => None,
    };
    if let (Some((tokens, _)), Some(_)) = (of("clip_l"), of("clip_g")) {
        return Some((tokens, "SDXL"));
    }
    let [name] = names.as_slice() else { return None };
    if [".weight", ".bias"].iter().any(|end| name.ends_with(end)) {
        return None;
    }
    let (tokens, width) = of(name)?;
    let family = match width {
        768 => "Stable Diffusion 1",
        1024 => "Stable Diffusion 2",
        1280 => "SDXL",
        _ => return None,
    };
    (1..=77).contains(&tokens).then_some((tokens, family))
}
