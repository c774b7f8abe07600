#!/usr/bin/env python3
"""Make what diffusers computes with small UNets shaped like pruned SDXL: SSD-1B (each layer has a depth of its own, the middle is one
resnet) and Koala 700M (one resnet a level, no middle).

    python make_pruned_goldens.py

As in make_single_file_goldens.py, no weights are kept, names are written as the original code builds its modules, and diffusers' converter
reads them. Words are those of its SDXL. README.md names every tensor.
"""

import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from make_goldens import HERE, generator, write_json, write_tensors
from make_single_file_goldens import SDXL, UNET, parts, unet_shapes
from safetensors.torch import load_file

CHANNELS, WORDS, LABEL = SDXL["channels"], SDXL["words"], SDXL["label"]
# Depths of the layers on the way down and up by level, each way in its own order.
MODELS = {
    "ssd": dict(layers=2, down=[[0, 0], [2, 1], [1, 3]], up=[[3, 1, 4], [2, 1, 1], [0, 0, 0]], middle="UNetMidBlock2D"),
    "koala": dict(layers=1, down=[[0], [1], [2]], up=[[2, 2], [1, 1], [0, 0]], middle=None),
}


def shapes(layers, down, up, middle):
    """As ComfyUI builds it for these."""
    return unet_shapes(CHANNELS, down, WORDS, True, LABEL, layers=layers, up=up, middle=middle)


def config(layers, down, up, middle):
    """As SSD-1B's config.json says it."""
    return dict(
        sample_size=64,
        block_out_channels=CHANNELS,
        layers_per_block=layers,
        cross_attention_dim=WORDS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type=middle,
        transformer_layers_per_block=[1 if not sum(depths) else depths for depths in down],
        reverse_transformer_layers_per_block=[1 if not sum(depths) else depths for depths in up],
        attention_head_dim=[max(1, c // 64) for c in CHANNELS],
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=LABEL,
    )


def main():
    words = load_file(HERE / "single_file.safetensors")
    tokens, pooled = words["sdxl.tokens.0"].reshape(1, 77, WORDS), words["sdxl.pooled.0"].reshape(1, -1)
    g = generator(1111)
    out, facts = {}, {}
    for name, model in MODELS.items():
        state = parts(shapes(**model), UNET)
        unet = UNet2DConditionModel(**config(**model)).eval()
        converted = convert_ldm_unet_checkpoint({UNET + k: v for k, v in state.items()}, dict(unet.config))
        unet.load_state_dict(converted, strict=True)
        # (diffusers also keeps what it was not given.)
        facts[name] = dict(
            shapes={UNET + k: s for k, s in shapes(**model).items()},
            config={k: v for k, v in config(**model).items()} | {"_class_name": "UNet2DConditionModel"},
            diffusers={k: next(o for o, w in state.items() if w is v) for k, v in converted.items()},
        )
        for case, height, width in [("square", 16, 16), ("odd", 13, 18)]:
            latents = torch.randn(1, 4, height, width, generator=g)
            sizes = torch.tensor([[8.0 * height, 8 * width, 0, 0, 8 * height, 8 * width]])
            added = {"text_embeds": pooled, "time_ids": sizes}
            prediction = unet(latents, 501, encoder_hidden_states=tokens, added_cond_kwargs=added).sample
            out |= {f"{name}.{case}.latents": latents, f"{name}.{case}.prediction": prediction}
            print(f"  {name} {case}: std {prediction.std():.3f}")
    write_json(HERE / "pruned.json", facts, indent=None)
    write_tensors(HERE / "pruned.safetensors", out)


if __name__ == "__main__":
    main()
