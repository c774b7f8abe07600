#!/usr/bin/env python3
"""Make what diffusers and transformers compute with small checkpoints in the original layout, one file each.

    python make_single_file_goldens.py VOCABULARY

VOCABULARY is OpenAI's bpe_simple_vocab_16e6.txt.gz. Shaped like Stable Diffusion 1, 2 (velocity) and SDXL: all blocks of the
published networks, with fewer channels. No weights are kept: each value is a hash of its tensor's name and its place (`values`),
which the test makes again. Names and shapes are written here as the original code builds its modules; diffusers' own converters
then read them, so that neither side of the mapping is this program's. README.md names every tensor; versions.txt has the versions.
"""

import gzip
import json
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
from make_goldens import HERE, bytes_to_unicode, write_json, write_tensors
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

ROWS = 49408
PROMPTS = ["a red fox in the snow, masterpiece", "Größe: 100% naïve café — don't!"]
UNET, VAE = "model.diffusion_model.", "first_stage_model."


# ------------------------------------------------------------------------------------------ values


def values(name, shape):
    """Values of a tensor, exact in f16: a hash of the name's checksum and the place."""
    count = int(np.prod(shape))
    x = (zlib.crc32(name.encode()) + np.arange(count, dtype=np.uint64) * 2654435761) & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    x ^= x >> 16
    unit = 2 * ((x >> 8).astype(np.float64) / (1 << 24)) - 1
    if len(shape) > 1:
        unit *= np.sqrt(3 / np.prod(shape[1:]))
    else:
        unit = 1 + 0.2 * unit if name.endswith("weight") else 0.1 * unit
    return torch.from_numpy(unit.astype(np.float16).reshape(shape)).float()


# ------------------------------------------------------------------- modules as the original code has them


class Shapes(dict):
    def layer(self, name, *weight, bias=True):
        self[f"{name}.weight"] = weight
        if bias:
            self[f"{name}.bias"] = weight[:1]

    def resnet(self, name, inputs, outputs, time):
        """ResBlock."""
        self.layer(f"{name}.in_layers.0", inputs)
        self.layer(f"{name}.in_layers.2", outputs, inputs, 3, 3)
        self.layer(f"{name}.emb_layers.1", outputs, time)
        self.layer(f"{name}.out_layers.0", outputs)
        self.layer(f"{name}.out_layers.3", outputs, outputs, 3, 3)
        if inputs != outputs:
            self.layer(f"{name}.skip_connection", outputs, inputs, 1, 1)

    def transformer(self, name, width, words, depth, linear):
        """SpatialTransformer."""
        self.layer(f"{name}.norm", width)
        kernel = () if linear else (1, 1)
        self.layer(f"{name}.proj_in", width, width, *kernel)
        for d in range(depth):
            block = f"{name}.transformer_blocks.{d}"
            for attention, context in (("attn1", width), ("attn2", words)):
                self.layer(f"{block}.{attention}.to_q", width, width, bias=False)
                self.layer(f"{block}.{attention}.to_k", width, context, bias=False)
                self.layer(f"{block}.{attention}.to_v", width, context, bias=False)
                self.layer(f"{block}.{attention}.to_out.0", width, width)
            for norm in (1, 2, 3):
                self.layer(f"{block}.norm{norm}", width)
            self.layer(f"{block}.ff.net.0.proj", 8 * width, width)
            self.layer(f"{block}.ff.net.2", width, 4 * width)
        self.layer(f"{name}.proj_out", width, width, *kernel)


def unet_shapes(channels, depths, words, linear, label=None, inputs=4, layers=2, up=None, middle="UNetMidBlock2DCrossAttn"):
    """UNetModel of openaimodel.py: one list of blocks down, one up. A level's depth is one for all its layers, or a list with one for each;
    `up` has the lists of the way up in its own order."""
    down = [d if isinstance(d, list) else layers * [d] for d in depths]
    up = up or [(layers + 1) * [d] for d in reversed(depths)]
    s, time = Shapes(), 4 * channels[0]
    s.layer("time_embed.0", time, channels[0])
    s.layer("time_embed.2", time, time)
    if label:
        s.layer("label_emb.0.0", time, label)
        s.layer("label_emb.0.2", time, time)
    s.layer("input_blocks.0.0", channels[0], inputs, 3, 3)
    kept, width, n = [channels[0]], channels[0], 1
    for level, outputs in enumerate(channels):
        for depth in down[level]:
            s.resnet(f"input_blocks.{n}.0", width, outputs, time)
            width = outputs
            if depth:
                s.transformer(f"input_blocks.{n}.1", width, words, depth, linear)
            kept.append(width)
            n += 1
        if level < len(channels) - 1:
            s.layer(f"input_blocks.{n}.0.op", width, width, 3, 3)
            kept.append(width)
            n += 1
    if middle:
        s.resnet("middle_block.0", width, width, time)
    if middle == "UNetMidBlock2DCrossAttn":
        s.transformer("middle_block.1", width, words, depths[-1] or 1, linear)
        s.resnet("middle_block.2", width, width, time)
    n = 0
    for level, of_level in zip(reversed(range(len(channels))), up):
        for layer, depth in enumerate(of_level):
            s.resnet(f"output_blocks.{n}.0", width + kept.pop(), channels[level], time)
            width, part = channels[level], 1
            if depth:
                s.transformer(f"output_blocks.{n}.{part}", width, words, depth, linear)
                part += 1
            if layer == len(of_level) - 1 and level:
                s.layer(f"output_blocks.{n}.{part}.conv", width, width, 3, 3)
            n += 1
    s.layer("out.0", width)
    s.layer("out.2", 4, width, 3, 3)
    return s


def vae_shapes(channels, layers=2, latent=4):
    """AutoencoderKL of autoencoder.py, Encoder and Decoder of model.py."""
    s = Shapes()

    def resnet(name, inputs, outputs):
        s.layer(f"{name}.norm1", inputs)
        s.layer(f"{name}.conv1", outputs, inputs, 3, 3)
        s.layer(f"{name}.norm2", outputs)
        s.layer(f"{name}.conv2", outputs, outputs, 3, 3)
        if inputs != outputs:
            s.layer(f"{name}.nin_shortcut", outputs, inputs, 1, 1)

    def middle(name, width):
        resnet(f"{name}.block_1", width, width)
        s.layer(f"{name}.attn_1.norm", width)
        for part in ("q", "k", "v", "proj_out"):
            s.layer(f"{name}.attn_1.{part}", width, width, 1, 1)
        resnet(f"{name}.block_2", width, width)

    s.layer("encoder.conv_in", channels[0], 3, 3, 3)
    width = channels[0]
    for level, outputs in enumerate(channels):
        for layer in range(layers):
            resnet(f"encoder.down.{level}.block.{layer}", width, outputs)
            width = outputs
        if level < len(channels) - 1:
            s.layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    middle("encoder.mid", width)
    s.layer("encoder.norm_out", width)
    s.layer("encoder.conv_out", 2 * latent, width, 3, 3)
    s.layer("decoder.conv_in", width, latent, 3, 3)
    middle("decoder.mid", width)
    for level, outputs in reversed(list(enumerate(channels))):
        for layer in range(layers + 1):
            resnet(f"decoder.up.{level}.block.{layer}", width, outputs)
            width = outputs
        if level:
            s.layer(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    s.layer("decoder.norm_out", width)
    s.layer("decoder.conv_out", 3, width, 3, 3)
    s.layer("quant_conv", 2 * latent, 2 * latent, 1, 1)
    s.layer("post_quant_conv", latent, latent, 1, 1)
    return s


def open_clip_shapes(width, layers, out):
    """The text half of OpenCLIP's CLIP."""
    s = Shapes({"positional_embedding": (77, width), "text_projection": (width, out), "token_embedding.weight": (ROWS, width)})
    for i in range(layers):
        block = f"transformer.resblocks.{i}"
        s.layer(f"{block}.ln_1", width)
        s[f"{block}.attn.in_proj_weight"], s[f"{block}.attn.in_proj_bias"] = (3 * width, width), (3 * width,)
        s.layer(f"{block}.attn.out_proj", width, width)
        s.layer(f"{block}.ln_2", width)
        s.layer(f"{block}.mlp.c_fc", 4 * width, width)
        s.layer(f"{block}.mlp.c_proj", width, 4 * width)
    s.layer("ln_final", width)
    return s


def clip_shapes(width, layers):
    """CLIPTextModel of transformers, which the original code uses as it is."""
    s = Shapes({"embeddings.token_embedding.weight": (ROWS, width), "embeddings.position_embedding.weight": (77, width)})
    for i in range(layers):
        block = f"encoder.layers.{i}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            s.layer(f"{block}.self_attn.{part}", width, width)
        s.layer(f"{block}.layer_norm1", width)
        s.layer(f"{block}.layer_norm2", width)
        s.layer(f"{block}.mlp.fc1", 4 * width, width)
        s.layer(f"{block}.mlp.fc2", width, 4 * width)
    s.layer("final_layer_norm", width)
    return s


# ------------------------------------------------------------------------------------------- checkpoints


def text_config(width, layers, act, projection=512):
    return CLIPTextConfig(
        vocab_size=ROWS,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        hidden_act=act,
        projection_dim=projection,
        eos_token_id=49407,
    )


def openai(state, width, layers):
    model = CLIPTextModel(text_config(width, layers, "quick_gelu")).eval()
    return load(model, {k.removeprefix("text_model."): v for k, v in state.items()})


def openclip(state, prefix, width, layers, projection):
    """With layers of the file that the config leaves out (Stable Diffusion 2 leaves out the last)."""
    kind = CLIPTextModelWithProjection if projection else CLIPTextModel
    model = kind(text_config(width, layers, "gelu", projection or 512)).eval()
    state = {f"{prefix}{k}": v for k, v in state.items()}
    # It takes the width of the model from text_projection where there is one.
    return load(model, convert_open_clip_checkpoint(model, state, prefix=prefix))


def load(model, state):
    own = model.state_dict()
    renamed = {}
    for k, v in state.items():
        k = k if k in own else k.removeprefix("text_model.")
        renamed[k if k in own else f"text_model.{k}"] = v
    renamed = {k: v for k, v in renamed.items() if k in own}
    model.load_state_dict(renamed, strict=False)
    missing = [k for k in own if k not in renamed and not k.endswith("position_ids")]
    assert not missing, missing
    return model


def unet(state, channels, depths, words, linear, label=None, inputs=4):
    levels = range(len(channels))
    config = dict(
        sample_size=64,
        in_channels=inputs,
        block_out_channels=channels,
        layers_per_block=2,
        cross_attention_dim=words,
        down_block_types=tuple("CrossAttnDownBlock2D" if depths[i] else "DownBlock2D" for i in levels),
        up_block_types=tuple("CrossAttnUpBlock2D" if depths[i] else "UpBlock2D" for i in reversed(levels)),
        transformer_layers_per_block=[max(1, d) for d in depths],
        attention_head_dim=[max(1, c // 64) for c in channels] if linear else 8,
        use_linear_projection=linear,
    )
    if label:
        config |= dict(addition_embed_type="text_time", addition_time_embed_dim=256)
        config |= dict(projection_class_embeddings_input_dim=label)
    model = UNet2DConditionModel(**config).eval()
    converted = convert_ldm_unet_checkpoint({UNET + k: v for k, v in state.items()}, dict(model.config))
    model.load_state_dict(converted, strict=True)
    return model


def vae(state, channels):
    model = AutoencoderKL(
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        sample_size=64,
    ).eval()
    model.load_state_dict(convert_ldm_vae_checkpoint({VAE + k: v for k, v in state.items()}, dict(model.config)), strict=True)
    return model


def tokenizer(vocabulary, pad):
    merges = gzip.open(vocabulary).read().decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    letters = list(bytes_to_unicode().values())
    tokens = letters + [c + "</w>" for c in letters] + ["".join(m.split()) for m in merges]
    vocab = {t: i for i, t in enumerate(tokens + ["<|startoftext|>", "<|endoftext|>"])}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocab.json").write_text(json.dumps(vocab))
        (Path(folder) / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps({"pad_token": pad, "model_max_length": 77}))
        (Path(folder) / "special_tokens_map.json").write_text(json.dumps({"pad_token": pad}))
        return CLIPTokenizer.from_pretrained(folder)


SD1 = dict(channels=(32, 64, 64, 64), depths=(1, 1, 1, 0), words=64, linear=False)
SD2 = dict(channels=(64, 64, 128, 128), depths=(1, 1, 1, 0), words=64, linear=True)
SDXL = dict(channels=(32, 64, 128), depths=(0, 1, 2), words=96, linear=True, label=64 + 6 * 256)
VAE_CHANNELS = (32, 32, 64, 64)


def parts(shapes, prefix):
    return {k: values(prefix + k, s) for k, s in shapes.items()}


def main():
    vocabulary = sys.argv[1]
    at_end, at_zero = tokenizer(vocabulary, "<|endoftext|>"), tokenizer(vocabulary, "!")
    names, out = {}, {}
    g = torch.Generator("cpu").manual_seed(9009)
    for family, shape, texts in [
        ("sd1", SD1, [("cond_stage_model.transformer.text_model.", clip_shapes(64, 2))]),
        ("sd2", SD2, [("cond_stage_model.model.", open_clip_shapes(64, 3, 64))]),
        (
            "sdxl",
            SDXL,
            [
                ("conditioner.embedders.0.transformer.text_model.", clip_shapes(32, 3)),
                ("conditioner.embedders.1.model.", open_clip_shapes(64, 3, 64)),
            ],
        ),
    ]:
        unet_names, vae_names = unet_shapes(**shape), vae_shapes(VAE_CHANNELS)
        names[family] = {UNET + k: s for k, s in unet_names.items()} | {VAE + k: s for k, s in vae_names.items()}
        for prefix, s in texts:
            names[family] |= {prefix + k: shape_ for k, shape_ in s.items()}

        def ids(tokenizer, prompt):
            return tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids

        def states(prompt):
            """As diffusers' pipelines encode a prompt."""
            if family == "sd1":
                model = openai(parts(texts[0][1], texts[0][0]), 64, 2)
                return model(ids(at_end, prompt)).last_hidden_state, None
            if family == "sd2":
                model = openclip(parts(texts[0][1], texts[0][0]), texts[0][0], 64, 2, None)
                return model(ids(at_zero, prompt)).last_hidden_state, None
            first = openai(parts(texts[0][1], texts[0][0]), 32, 3)
            second = openclip(parts(texts[1][1], texts[1][0]), texts[1][0], 64, 3, 64)
            a = first(ids(at_end, prompt), output_hidden_states=True)
            b = second(ids(at_zero, prompt), output_hidden_states=True)
            return torch.cat([a.hidden_states[-2], b.hidden_states[-2]], -1), b.text_embeds

        model = unet(parts(unet_names, UNET), **shape)
        latents = torch.randn(1, 4, 16, 24, generator=g)
        out[f"{family}.latents"] = latents
        for i, prompt in enumerate(PROMPTS):
            tokens, pooled = states(prompt)
            out[f"{family}.tokens.{i}"] = tokens
            added = None
            if pooled is not None:
                out[f"{family}.pooled.{i}"] = pooled
                added = {"text_embeds": pooled, "time_ids": torch.tensor([[128.0, 192, 0, 0, 128, 192]])}
            found = model(latents, 501, encoder_hidden_states=tokens, added_cond_kwargs=added).sample
            out[f"{family}.prediction.{i}"] = found
        print(family, [round(out[f"{family}.prediction.{i}"].std().item(), 3) for i in (0, 1)])
        model = vae(parts(vae_names, VAE), VAE_CHANNELS)
        scale = 0.13025 if family == "sdxl" else 0.18215
        z = torch.randn(1, 4, 4, 6, generator=g)
        picture = torch.rand(1, 3, 32, 48, generator=g) * 2 - 1
        out[f"{family}.z"], out[f"{family}.decoded"] = z, model.decode(z / scale).sample
        out[f"{family}.picture"], out[f"{family}.encoded"] = picture, model.encode(picture).latent_dist.mean * scale
    for name, t in (("end", at_end), ("zero", at_zero)):
        out[f"ids.{name}"] = t(PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    write_tensors(HERE / "single_file.safetensors", out, {"prompts": PROMPTS})
    write_json(HERE / "single_file.json", names, indent=None)


if __name__ == "__main__":
    main()
