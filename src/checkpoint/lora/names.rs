//! The names of a LoRA's tensors: the network, the layer in it, and the tensor's role there.
//!
//! Layers are compared without regard to dots and underscores, because kohya's scripts write `_` for both.

use crate::checkpoint::PartName;

/// The role of a tensor in its layer's change. `W` is the layer's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The numerator of the change's factor.
    Alpha,
    /// LoRA's factor `[rank, in]`, which is applied first.
    Down,
    /// LoRA's factor `[out, rank]`.
    Up,
    /// LoCon's third factor, the kernel between two 1 × 1 convolutions.
    Mid,
    /// The bias of LoRA's second factor.
    UpBias,
    /// LoHa's factors of the first matrix, `[out, rank]` and `[rank, in]`, and its kernel.
    Hada1(Factor),
    /// The same of the second matrix.
    Hada2(Factor),
    /// LoKr's first matrix, or its factors.
    Kron1(Factor),
    /// LoKr's second matrix, or its factors.
    Kron2(Factor),
    /// GLoRA's factors of what is multiplied with W.
    GloraA(Factor),
    /// GLoRA's factors of what is added to W.
    GloraB(Factor),
    /// A whole change of W.
    Difference,
    /// A whole change of the bias.
    BiasDifference,
    /// DoRA's norms, by rows or by columns as their shape says.
    Magnitude,
    /// DoRA's norms by rows.
    RowMagnitude,
    /// IA³'s factors of W, less 1.
    Scaling,
    /// Whether IA³'s factors are those of W's columns.
    OnInput,
    /// A tensor of an adapter that is not supported, with its kind's name.
    Unsupported(&'static str),
}

/// A tensor of a matrix that may be stored as a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Factor {
    /// The matrix as it is.
    Whole,
    /// The factor that is written first.
    A,
    /// The factor that is written second.
    B,
    /// The kernel between both.
    Core,
}

impl Role {
    /// Whether a file with such a tensor is an adapter. (The others have names that other files may have, too.)
    pub(super) fn tells(self) -> bool {
        !matches!(self, Self::Alpha | Self::Scaling | Self::RowMagnitude)
    }
}

/// Endings of names: kohya's, diffusers' of 2023 for text encoders and for processors, LyCORIS'. Those of PEFT are in [`peft`].
const ENDINGS: [(&str, Role); 38] = [
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
    (".lora_mid.weight", Role::Mid),
    (".alpha", Role::Alpha),
    (".dora_scale", Role::Magnitude),
    (".magnitude", Role::RowMagnitude),
    (".hada_w1_a", Role::Hada1(Factor::A)),
    (".hada_w1_b", Role::Hada1(Factor::B)),
    (".hada_t1", Role::Hada1(Factor::Core)),
    (".hada_w2_a", Role::Hada2(Factor::A)),
    (".hada_w2_b", Role::Hada2(Factor::B)),
    (".hada_t2", Role::Hada2(Factor::Core)),
    (".lokr_w1", Role::Kron1(Factor::Whole)),
    (".lokr_w1_a", Role::Kron1(Factor::A)),
    (".lokr_w1_b", Role::Kron1(Factor::B)),
    (".lokr_t1", Role::Kron1(Factor::Core)),
    (".lokr_w2", Role::Kron2(Factor::Whole)),
    (".lokr_w2_a", Role::Kron2(Factor::A)),
    (".lokr_w2_b", Role::Kron2(Factor::B)),
    (".lokr_t2", Role::Kron2(Factor::Core)),
    (".a1.weight", Role::GloraA(Factor::A)),
    (".a2.weight", Role::GloraA(Factor::B)),
    (".b1.weight", Role::GloraB(Factor::A)),
    (".b2.weight", Role::GloraB(Factor::B)),
    (".diff", Role::Difference),
    (".w_norm", Role::Difference),
    (".diff_b", Role::BiasDifference),
    (".b_norm", Role::BiasDifference),
    (".on_input", Role::OnInput),
    (".oft_blocks", Role::Unsupported(OFT)),
    (".oft_diag", Role::Unsupported(OFT)),
    (".weight", Role::Scaling),
];

const OFT: &str = "an OFT adapter, a rotation of weights";

/// Parts of PEFT's names. Behind them stand the adapter's own name, where it has one, and `weight` or `bias`.
const PEFT: [(&str, Role); 6] = [
    (".lora_A.", Role::Down),
    (".lora_B.", Role::Up),
    (".lora_magnitude_vector", Role::RowMagnitude),
    (".lora_embedding_A", Role::Unsupported("a LoRA of token embeddings")),
    (".lora_embedding_B", Role::Unsupported("a LoRA of token embeddings")),
    (".oft_R.", Role::Unsupported(OFT)),
];

/// Prefixes of layers' names.
const PREFIXES: [(&str, PartName); 24] = [
    ("lora_unet_", PartName::Unet),
    ("lora_unet.", PartName::Unet),
    ("lora_te_", PartName::TextEncoder),
    ("lora_te1_", PartName::TextEncoder),
    ("lora_te2_", PartName::TextEncoder2),
    ("lora_te3_", PartName::TextEncoder3),
    ("lora_transformer_", PartName::Transformer),
    ("lycoris_", PartName::Unet),
    ("unet.", PartName::Unet),
    ("text_encoder.", PartName::TextEncoder),
    ("text_encoder_2.", PartName::TextEncoder2),
    ("text_encoder_3.", PartName::TextEncoder3),
    ("transformer.", PartName::Transformer),
    // What ComfyUI writes, with the original code's names.
    ("model.diffusion_model.", PartName::Unet),
    ("diffusion_model.", PartName::Unet),
    ("text_encoders.clip_l.transformer.", PartName::TextEncoder),
    ("text_encoders.clip_h.transformer.", PartName::TextEncoder),
    ("text_encoders.clip_g.transformer.", PartName::TextEncoder2),
    ("text_encoders.t5xxl.transformer.", PartName::TextEncoder3),
    // Bare PEFT adapters, of any network.
    ("base_model.model.text_model.", PartName::TextEncoder),
    ("base_model.model.text_encoder.", PartName::TextEncoder),
    ("base_model.model.text_encoder_2.", PartName::TextEncoder2),
    ("base_model.model.", PartName::Unet),
    ("text_model.", PartName::TextEncoder),
];

/// What may stand between the prefix and the layer's name, since some tools write prefixes twice.
const INNER: [&str; 5] = ["base_model.model.", "unet.", "unet_", "diffusion_model.", "model."];

/// Beginnings of the names of a UNet's layers, for names without a prefix.
const UNET: [&str; 9] = [
    "down_blocks.",
    "mid_block.",
    "up_blocks.",
    "conv_in.",
    "conv_out.",
    "time_embedding.",
    "input_blocks.",
    "middle_block.",
    "output_blocks.",
];

/// A tensor's name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) part: PartName,
    /// The layer's name as [`flat`] makes it.
    pub(super) layer: String,
    pub(super) role: Role,
    /// The layer's name as it stands in the file.
    pub(super) label: &'a str,
}

/// Takes a tensor's name apart; `None` where the name is no adapter's.
pub(super) fn parse(name: &str) -> Option<Parsed<'_>> {
    let (label, role) =
        peft(name).or_else(|| ENDINGS.iter().find_map(|&(ending, role)| Some((name.strip_suffix(ending)?, role))))?;
    // IA³ comes from LyCORIS only; other files have tensors called `weight`, too.
    if role == Role::Scaling && !["lora_", "lycoris_"].iter().any(|start| name.starts_with(start)) {
        return None;
    }
    let prefix = PREFIXES.iter().find_map(|&(prefix, part)| Some((part, label.strip_prefix(prefix)?)));
    let bare = || UNET.iter().any(|start| name.starts_with(start)).then_some((PartName::Unet, label));
    let (part, mut layer) = prefix.or_else(bare)?;
    while let Some(rest) = INNER.iter().find_map(|inner| layer.strip_prefix(inner)) {
        layer = rest;
    }
    let layer = flat(&layer.replace(".processor.to_out", ".to_out.0").replace(".processor.", "."));
    Some(Parsed { part, layer, role, label })
}

/// The layer's name and the role in a name as PEFT writes it.
fn peft(name: &str) -> Option<(&str, Role)> {
    let (at, rest, role) = PEFT.iter().find_map(|&(mark, role)| {
        let at = name.find(mark)?;
        Some((at, name.get(at + mark.len()..)?, role))
    })?;
    let label = name.get(..at)?;
    match role {
        Role::Up if rest.rsplit('.').next() == Some("bias") => Some((label, Role::UpBias)),
        Role::Down | Role::Up => (rest == "weight" || rest.ends_with(".weight")).then_some((label, role)),
        _ => Some((label, role)),
    }
}

/// The name of the textual inversion that a tensor belongs to, where the file brings some along (as OneTrainer's and the web UI's
/// LoRAs do): `bundle_emb.NAME.clip_l`, `bundle_emb.NAME.string_to_param.*`.
pub(in crate::checkpoint) fn bundled(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("bundle_emb.")?;
    let end = rest.find(".string_to_param").or_else(|| rest.rfind('.'))?;
    rest.get(..end).filter(|name| !name.is_empty())
}

/// The name that such a tensor would have in a file of its own; `None` for vectors behind the text encoder, which only one trainer
/// makes and nobody reads.
pub(in crate::checkpoint) fn in_bundle<'a>(tensor: &'a str, name: &str) -> Option<&'a str> {
    let own = tensor.strip_prefix("bundle_emb.")?.strip_prefix(name)?.strip_prefix('.')?;
    let own = own.strip_prefix("string_to_param.").unwrap_or(own);
    (!own.ends_with("_out")).then_some(own)
}

/// A layer's name with `_` for `.`, and without the prefix that CLIP's layers have in some files only.
pub(super) fn flat(layer: &str) -> String {
    let flat = layer.replace('.', "_");
    flat.strip_prefix("text_model_").map_or_else(|| flat.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_wild() {
        let to_q = "down_blocks_0_attentions_1_transformer_blocks_0_attn2_to_q";
        let q_proj = "encoder_layers_3_self_attn_q_proj";
        for (name, network, layer, factor) in [
            (format!("lora_unet_{to_q}.lora_down.weight"), PartName::Unet, to_q, Role::Down),
            (format!("lora_unet_{to_q}.alpha"), PartName::Unet, to_q, Role::Alpha),
            (
                "lora_unet_mid_block_resnets_0_conv1.lora_mid.weight".to_owned(),
                PartName::Unet,
                "mid_block_resnets_0_conv1",
                Role::Mid,
            ),
            (format!("lora_te_text_model_{q_proj}.lora_up.weight"), PartName::TextEncoder, q_proj, Role::Up),
            (format!("lora_te2_text_model_{q_proj}.lora_up.weight"), PartName::TextEncoder2, q_proj, Role::Up),
            (
                "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q.lora_A.weight".to_owned(),
                PartName::Unet,
                to_q,
                Role::Down,
            ),
            (
                "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q.lora.up.weight".to_owned(),
                PartName::Unet,
                to_q,
                Role::Up,
            ),
            (
                "down_blocks.0.attentions.1.transformer_blocks.0.attn2.processor.to_q_lora.up.weight".to_owned(),
                PartName::Unet,
                to_q,
                Role::Up,
            ),
            (
                "mid_block.attn.processor.to_out_lora.down.weight".to_owned(),
                PartName::Unet,
                "mid_block_attn_to_out_0",
                Role::Down,
            ),
            (
                "text_encoder.text_model.encoder.layers.3.self_attn.q_proj.lora_linear_layer.up.weight".to_owned(),
                PartName::TextEncoder,
                q_proj,
                Role::Up,
            ),
            (
                "text_encoder.encoder.layers.3.self_attn.q_proj.lora_B.weight".to_owned(),
                PartName::TextEncoder,
                q_proj,
                Role::Up,
            ),
            (
                "base_model.model.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q.lora_B.weight".to_owned(),
                PartName::Unet,
                to_q,
                Role::Up,
            ),
            ("base_model.model.unet.conv_in.lora_A.mine.weight".to_owned(), PartName::Unet, "conv_in", Role::Down),
            (format!("unet.{to_q}.lora_B.bias"), PartName::Unet, to_q, Role::UpBias),
            (format!("unet.{to_q}.lora_magnitude_vector.default.weight"), PartName::Unet, to_q, Role::RowMagnitude),
            (format!("lora_unet.unet.{to_q}.lora_up.weight"), PartName::Unet, to_q, Role::Up),
            (format!("lycoris_{to_q}.weight"), PartName::Unet, to_q, Role::Scaling),
            (format!("diffusion_model.{to_q}.diff_b"), PartName::Unet, to_q, Role::BiasDifference),
            (
                "text_encoders.clip_g.transformer.text_model.encoder.layers.3.self_attn.q_proj.lora_up.weight"
                    .to_owned(),
                PartName::TextEncoder2,
                q_proj,
                Role::Up,
            ),
            ("lora_te2_text_projection.lora_up.weight".to_owned(), PartName::TextEncoder2, "text_projection", Role::Up),
            (format!("lora_unet_{to_q}.hada_w1_a"), PartName::Unet, to_q, Role::Hada1(Factor::A)),
            (format!("lora_unet_{to_q}.dora_scale"), PartName::Unet, to_q, Role::Magnitude),
        ] {
            let found = parse(&name).map(|found| (found.part, found.layer, found.role));
            assert_eq!(found, Some((network, layer.to_owned(), factor)), "{name}");
        }
        for name in ["model.diffusion_model.input_blocks.0.0.weight", "conv_in.weight", "ä.alpha", "emb_params"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
