#!/usr/bin/env python3
"""Make small random Stable Diffusion checkpoints and the tensors PyTorch computes with them.

These files are the independent truth for Polyptych's own networks, samplers, chance and MultiDiffusion
loop: everything here is computed by torch, diffusers and transformers, on the CPU, in float32, from the
weights exactly as they lie in the checkpoint folders beside this script. README.md names every tensor.

    python make_goldens.py                       everything, checkpoints included
    python make_goldens.py --only unet,vae       some stages, with the checkpoints that are there
    stages: checkpoints text unet vae picture panorama reference random schedules

Needs torch, diffusers, transformers, safetensors, numpy and Pillow (versions.txt has the versions used).
Weights come from torch.manual_seed, so a rerun with the same versions on the same kind of processor gives the
same files; elsewhere the last bits of the fitted weights may differ, and then all goldens have to be remade
together.
"""

import argparse
import json
import math
import os
import platform
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
torch.set_grad_enabled(False)

import diffusers
import transformers
from diffusers.models.attention_processor import AttnProcessor
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

diffusers.utils.logging.set_verbosity_error()
transformers.utils.logging.set_verbosity_error()

HERE = Path(__file__).resolve().parent
NAMES = ("eps", "vpred")
STAGES = ("checkpoints", "text", "unet", "areas", "vae", "picture", "panorama", "reference", "random", "schedules")

# ---------------------------------------------------------------------------------------------- helpers


def write_bytes(path, data):
    """Write beside, then rename over: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, tmp = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    with os.fdopen(fd, "wb") as f:
        f.write(data)
    os.chmod(tmp, 0o644)
    os.replace(tmp, path)


def write_json(path, value, indent=2):
    write_bytes(path, (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode())


def write_tensors(path, tensors, parameters=None):
    """parameters go into the header as one JSON object (several entries would come in a random order)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_name(".tmp-" + path.name)
    metadata = {"parameters": json.dumps(parameters)} if parameters else None
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, tmp, metadata=metadata)
    tmp.chmod(0o644)
    os.replace(tmp, path)
    print(f"  {path.relative_to(HERE)}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def generator(seed):
    return torch.Generator("cpu").manual_seed(seed)


def rel(a, b):
    """Relative L2 distance of a from b."""
    return ((a - b).double().norm() / b.double().norm()).item()


# -------------------------------------------------------------------------------------------- tokenizer

CORPUS = """
a red fox in the snow a small house on a green hill under a blue sky the sea at sunset with a golden light
a mountain of stone and white clouds a forest of dark trees a lake with still water a city street at night
a portrait of an old man a young woman with flowers a photo of a cat a painting of a dog in the style of
oil on canvas watercolour ink drawing high quality detailed sharp soft blurry ugly low quality bad worst
red green blue yellow orange purple black white moon stars sun fire river bridge tower castle ship bird
"""


def bytes_to_unicode():
    """CLIP's (GPT-2's) printable stand-ins for the 256 bytes, in CLIP's order."""
    bs = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    cs = bs[:]
    n = 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    return dict(zip(bs, map(chr, cs)))


def train_bpe(merges):
    """A byte-pair vocabulary in CLIP's format: 256 bytes, 256 bytes with </w>, merges, the two specials."""
    words = {}
    for w in CORPUS.split():
        key = (*w[:-1], w[-1] + "</w>")
        words[key] = words.get(key, 0) + 1
    rules = []
    while len(rules) < merges:
        pairs = {}
        for w, n in words.items():
            for p in zip(w, w[1:]):
                pairs[p] = pairs.get(p, 0) + n
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        rules.append(best)
        merged = {}
        for w, n in words.items():
            out, i = [], 0
            while i < len(w):
                if w[i : i + 2] == best:
                    out.append(w[i] + w[i + 1])
                    i += 2
                else:
                    out.append(w[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + n
        words = merged
    units = list(bytes_to_unicode().values())
    tokens = units + [u + "</w>" for u in units] + ["".join(r) for r in rules]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(tokens)) == len(tokens)
    return {t: i for i, t in enumerate(tokens)}, rules


def special(content):
    return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}


def write_tokenizer(folder, vocab, rules, pad, form):
    """form "files": vocab.json + merges.txt as SD1.x and SD2.x ship them; "json": what transformers 5 saves."""
    config = {
        "add_prefix_space": False,
        "bos_token": {"__type": "AddedToken", **special("<|startoftext|>")},
        "do_lower_case": True,
        "eos_token": {"__type": "AddedToken", **special("<|endoftext|>")},
        "errors": "replace",
        "model_max_length": 77,
        "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": {"__type": "AddedToken", **special("<|endoftext|>")},
    }
    where = folder if form == "files" else Path(tempfile.mkdtemp())
    write_json(where / "vocab.json", vocab, indent=None)
    write_bytes(
        where / "merges.txt", ("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in rules)).encode()
    )
    write_json(where / "tokenizer_config.json", config)
    write_json(
        where / "special_tokens_map.json",
        {
            "bos_token": special("<|startoftext|>"),
            "eos_token": special("<|endoftext|>"),
            "pad_token": pad,
            "unk_token": special("<|endoftext|>"),
        },
    )
    if form == "json":
        CLIPTokenizer.from_pretrained(where).save_pretrained(folder)


# ------------------------------------------------------------------------------------------ checkpoints

SPEC = {
    "eps": dict(
        seed=1001,
        dtype=torch.float32,
        text=dict(hidden_size=24, intermediate_size=48, num_attention_heads=4, hidden_act="quick_gelu"),
        unet=dict(
            block_out_channels=(8, 16, 16),
            layers_per_block=1,
            attention_head_dim=4,
            cross_attention_dim=24,
            use_linear_projection=False,
        ),
        pad="<|endoftext|>",
        legacy=True,
        tokenizer="files",
        scheduler={
            "_class_name": "PNDMScheduler",
            "_diffusers_version": "0.6.0",
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "clip_sample": False,
            "num_train_timesteps": 1000,
            "set_alpha_to_one": False,
            "skip_prk_steps": True,
            "steps_offset": 1,
            "trained_betas": None,
        },
    ),
    "vpred": dict(
        seed=2002,
        dtype=torch.float16,
        text=dict(hidden_size=32, intermediate_size=80, num_attention_heads=4, hidden_act="gelu"),
        unet=dict(
            block_out_channels=(8, 16, 24),
            layers_per_block=2,
            attention_head_dim=[1, 2, 3],
            cross_attention_dim=32,
            use_linear_projection=True,
        ),
        pad="!",
        legacy=False,
        tokenizer="json",
        scheduler={
            "_class_name": "DDIMScheduler",
            "_diffusers_version": "0.8.0",
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "clip_sample": False,
            "num_train_timesteps": 1000,
            "prediction_type": "v_prediction",
            "set_alpha_to_one": False,
            "skip_prk_steps": True,
            "steps_offset": 1,
            "trained_betas": None,
        },
    ),
}

SAMPLE_SIZE = 16
SCALING = 0.18215


def randomise(model, g, gain=1.0):
    """Every weight from N(0, gain²/fan_in); norms near one; small biases. Embeddings N(0, 1), positions N(0, 0.3²)."""
    for name, p in sorted(model.named_parameters()):
        noise = torch.randn(p.shape, generator=g)
        if "position_embedding" in name:
            p.copy_(0.3 * noise)
        elif "token_embedding" in name:
            p.copy_(noise)
        elif p.ndim >= 2:
            p.copy_(noise * gain / math.sqrt(p[0].numel()))
        elif name.endswith("weight"):
            p.copy_(1 + 0.1 * noise)
        else:
            p.copy_(0.1 * noise)


def smooth(shape, g, cells=4):
    """Blobs of about unit variance with a little grain: stands in for the latents of pictures."""
    coarse = torch.randn(shape[0], shape[1], cells, cells, generator=g)
    x = torch.nn.functional.interpolate(coarse, size=shape[2:], mode="bicubic", align_corners=False)
    return 1.1 * x + 0.2 * torch.randn(shape, generator=g)


def fit_unet(unet, embeds, prediction, g):
    """Ridge-fit the last convolution so that the random network is a crude denoiser.

    Without this a random prediction, unrelated to its input, makes 10 steps blow up; with it, latents stay of
    unit size, as in a trained checkpoint. A part of the random last layer is kept, so that words keep mattering.
    """
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=prediction
    )
    captured = {}
    hook = unet.conv_out.register_forward_pre_hook(lambda m, a: captured.__setitem__("h", a[0]))
    rows, targets = [], []
    for _ in range(24):
        n = 8
        x0 = smooth((n, 4, SAMPLE_SIZE, SAMPLE_SIZE), g)
        noise = torch.randn(x0.shape, generator=g)
        t = torch.randint(0, 1000, (n,), generator=g)
        x = scheduler.add_noise(x0, noise, t)
        unet(x, t, encoder_hidden_states=embeds[torch.randint(0, len(embeds), (n,), generator=g)])
        h = torch.nn.functional.unfold(captured["h"], 3, padding=1)  # [n, C*9, L]
        target = noise if prediction == "epsilon" else scheduler.get_velocity(x0, noise, t)
        rows.append(h.permute(0, 2, 1).reshape(-1, h.shape[1])[::4])
        targets.append(target.reshape(n, 4, -1).permute(0, 2, 1).reshape(-1, 4)[::4])
    hook.remove()
    a = torch.cat(rows).double()
    a = torch.cat([a, torch.ones(len(a), 1, dtype=a.dtype)], 1)
    y = torch.cat(targets).double()
    w = torch.linalg.solve(a.T @ a + 3.0 * torch.eye(a.shape[1], dtype=a.dtype), a.T @ y)
    print(f"    fit explains {1 - (a @ w - y).var().item() / y.var().item():.2f} of the target")
    random_part = unet.conv_out.weight.clone()
    unet.conv_out.weight.copy_(w[:-1].T.reshape(4, -1, 3, 3).float() + 0.15 * random_part)
    unet.conv_out.bias.copy_(w[-1].float())


def fit_vae(vae, g):
    """Rescale the ends: decoded pictures of latents fill [-1, 1]; scaled latents of pictures are of unit size."""
    z = smooth((4, 4, SAMPLE_SIZE, SAMPLE_SIZE), g) / SCALING
    picture = vae.decode(z).sample
    vae.decoder.conv_out.weight.mul_(0.42 / picture.std())
    vae.decoder.conv_out.bias.sub_(vae.decoder.conv_out.bias)
    picture = vae.decode(z).sample
    vae.decoder.conv_out.bias.copy_(-picture.mean((0, 2, 3)))
    pictures = torch.nn.functional.interpolate(torch.rand(6, 3, 5, 5, generator=g), size=(96, 96)) * 2 - 1
    flat = torch.rand(10, 3, generator=g)[:, :, None, None].repeat(1, 1, 96, 96) * 2 - 1
    moments = vae._encode(torch.cat([pictures, flat]))
    std = moments.std((0, 2, 3))
    mean = moments.mean((0, 2, 3))
    target_std = torch.tensor([1 / SCALING] * 4 + [0.5] * 4)
    target_mean = torch.tensor([0.0] * 4 + [-3.0] * 4)
    s = target_std / std
    vae.quant_conv.weight.mul_(s[:, None, None, None])
    vae.quant_conv.bias.copy_((vae.quant_conv.bias - mean) * s + target_mean)


TRAINING_PROMPTS = [
    "",
    "a red fox in the snow",
    "a green hill under a blue sky",
    "a city street at night",
    "a portrait of an old man",
    "the sea at sunset with golden light",
    "ugly, low quality",
    "a dark forest",
]


def rewrite_as_sd15(root):
    """Give the files the names and the short configs with which Stable Diffusion 1.5 was published.

    The tensors' values stay; the loaders of today must still find them (make_checkpoint checks that they do).
    Keys that a config of 2022 lacks (scaling_factor, use_linear_projection, ...) have to be filled by defaults.
    """
    path = root / "text_encoder" / "model.safetensors"
    tensors = {"text_model." + k: v for k, v in load_file(path).items()}
    tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(tensors, path, metadata={"format": "pt"})

    path = root / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {}
    for k, v in load_file(path).items():
        for new_name, old_name in old.items():
            k = k.replace(f".{new_name}.", f".{old_name}.")
        tensors[k] = v
    save_file(tensors, path, metadata={"format": "pt"})

    keep = {
        "unet": """_class_name act_fn attention_head_dim block_out_channels center_input_sample cross_attention_dim
            down_block_types downsample_padding flip_sin_to_cos freq_shift in_channels layers_per_block
            mid_block_scale_factor norm_eps norm_num_groups out_channels sample_size up_block_types""",
        "vae": """_class_name act_fn block_out_channels down_block_types in_channels latent_channels layers_per_block
            norm_num_groups out_channels sample_size up_block_types""",
        "text_encoder": """architectures attention_dropout hidden_act hidden_size initializer_factor
            initializer_range intermediate_size layer_norm_eps max_position_embeddings model_type
            num_attention_heads num_hidden_layers pad_token_id projection_dim vocab_size""",
    }
    for folder, keys in keep.items():
        path = root / folder / "config.json"
        config = json.loads(path.read_text())
        config = {k: config[k] for k in keys.split()}
        if folder == "text_encoder":
            # the published ids are wrong for its own tokenizer; nothing that makes pictures reads them
            config |= {"bos_token_id": 0, "eos_token_id": 2, "torch_dtype": "float32"}
        else:
            # below 0.9.0 the pipeline would overrule a sample_size under 64
            config["_diffusers_version"] = "0.9.0" if folder == "unet" else "0.6.0"
        write_json(path, dict(sorted(config.items())))


def make_checkpoint(name):
    spec = SPEC[name]
    root = HERE / name
    g = generator(spec["seed"])
    vocab, rules = train_bpe(160)
    write_tokenizer(root / "tokenizer", vocab, rules, spec["pad"], spec["tokenizer"])
    tokenizer = CLIPTokenizer.from_pretrained(root / "tokenizer")

    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(vocab),
            num_hidden_layers=2,
            max_position_embeddings=77,
            projection_dim=16,
            bos_token_id=vocab["<|startoftext|>"],
            eos_token_id=vocab["<|endoftext|>"],
            pad_token_id=1,
            layer_norm_eps=1e-5,
            **spec["text"],
        )
    ).eval()
    randomise(text, g)

    unet = UNet2DConditionModel(
        sample_size=SAMPLE_SIZE,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        norm_num_groups=4,
        **spec["unet"],
    ).eval()
    randomise(unet, g)
    for n, p in unet.named_parameters():
        if "attn2.to_out" in n or "attn2.to_v" in n:
            p.mul_(1.5)  # words must matter
        if "time_emb_proj" in n:
            p.mul_(2)  # and time
        if ".ff.net.2." in n or "conv2.weight" in n:
            p.mul_(0.7)
        if n == "conv_in.weight":
            p[:, :, 1, 1].mul_(4)  # and the input has to come through, for fit_unet to find it
    last = unet.up_blocks[-1].resnets[-1].conv_shortcut.weight
    last[:, -spec["unet"]["block_out_channels"][0] :].mul_(3)
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=SAMPLE_SIZE * 8,
        scaling_factor=SCALING,
    ).eval()
    randomise(vae, g)
    fit_vae(vae, g)
    ids = tokenizer(
        TRAINING_PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    ).input_ids
    embeds = text(ids).last_hidden_state
    fit_unet(unet, embeds, spec["scheduler"].get("prediction_type", "epsilon"), g)

    parts = {"text_encoder": text, "unet": unet, "vae": vae}
    for folder, model in parts.items():
        model.to(spec["dtype"]).save_pretrained(root / folder)
    if spec["legacy"]:
        rewrite_as_sd15(root)
    for folder, model in parts.items():
        for file in (root / folder).iterdir():
            file.chmod(0o644)
        loaded = type(model).from_pretrained(root / folder).state_dict()
        assert all(torch.equal(v, loaded[k]) for k, v in model.state_dict().items()), folder
    write_json(root / "scheduler" / "scheduler_config.json", spec["scheduler"])
    write_json(
        root / "model_index.json",
        {
            "_class_name": "StableDiffusionPipeline",
            "_diffusers_version": spec["scheduler"]["_diffusers_version"],
            "feature_extractor": [None, None],
            "requires_safety_checker": False,
            "safety_checker": [None, None],
            "scheduler": ["diffusers", spec["scheduler"]["_class_name"]],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    )


class Checkpoint:
    """The files as they lie there, in float32."""

    def __init__(self, name):
        root = HERE / name
        f32 = torch.float32
        self.name = name
        self.tokenizer = CLIPTokenizer.from_pretrained(root / "tokenizer")
        self.text = CLIPTextModel.from_pretrained(root / "text_encoder", dtype=f32).eval()
        self.unet = UNet2DConditionModel.from_pretrained(root / "unet", torch_dtype=f32).eval()
        self.vae = AutoencoderKL.from_pretrained(root / "vae", torch_dtype=f32).eval()
        assert all(p.dtype == f32 for m in (self.text, self.unet, self.vae) for p in m.parameters())
        self.scheduler_config = json.loads((root / "scheduler" / "scheduler_config.json").read_text())

    def ids(self, prompts):
        return self.tokenizer(
            prompts, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        ).input_ids

    def embed(self, prompts):
        return self.text(self.ids(prompts)).last_hidden_state


# ------------------------------------------------------------------------------------- 1 text, 2 unet, 3 vae

PROMPTS = [
    "a red fox in the snow",
    "",
    "a castle on a hill, " * 12 + "an ugly blurry ship",  # more than 77 tokens: truncated
    "CAFÉ Crème, naïve Zoe\u0308's №5 — 🦊🌄  (l'été: 1,234)\n\tO'Neill isn't HERE!!",
]


def golden_text(name):
    c = Checkpoint(name)
    ids = c.ids(PROMPTS)
    lengths = [len(c.tokenizer(p).input_ids) for p in PROMPTS]
    print("    tokens before padding and truncation:", lengths)
    write_tensors(
        HERE / f"{name}_text.safetensors",
        {"ids": ids, "lengths": torch.tensor(lengths), "last_hidden_state": c.text(ids).last_hidden_state},
        {"prompts": PROMPTS},
    )


UNET_CALLS = {
    "square": ((2, 4, 16, 16), 501),
    "wide": ((2, 4, 16, 24), 901),
    "odd": ((1, 4, 13, 15), 1),  # sides that do not halve
    "fraction": ((1, 4, 16, 16), 946.4210815429688),  # Euler's second of 20 steps
}


def golden_unet(name):
    c = Checkpoint(name)
    g = generator(77)
    out = {}
    embeds = c.embed(["a red fox in the snow", "a city street at night, ugly"])
    for key, (shape, t) in UNET_CALLS.items():
        x = torch.randn(shape, generator=g)
        e = embeds[: shape[0]]
        y = c.unet(x, t, encoder_hidden_states=e).sample
        other = c.unet(x, t, encoder_hidden_states=embeds.flip(0)[: shape[0]]).sample
        later = c.unet(x, (t + 300) % 1000, encoder_hidden_states=e).sample
        print(f"    {key}: std {y.std():.3f}, words {rel(other, y):.3f}, time {rel(later, y):.3f}")
        out |= {
            f"{key}.latents": x,
            f"{key}.timestep": torch.tensor([t]),
            f"{key}.embeddings": e,
            f"{key}.prediction": y,
        }
    write_tensors(HERE / f"{name}_unet.safetensors", out)


class AreaAttention:
    """Cross-attention to several words at once: what each gives, averaged by masks that are resized to the layer."""

    def __init__(self, contexts, masks):
        self.contexts, self.masks, self.plain = contexts, masks, AttnProcessor()

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, **kwargs):
        if encoder_hidden_states is None:
            return self.plain(attn, hidden_states, **kwargs)
        tokens, (height, width) = hidden_states.shape[1], self.masks.shape[1:]
        shrink = round((height * width / tokens) ** 0.5)
        masks = torch.nn.functional.avg_pool2d(self.masks[:, None], shrink).reshape(len(self.masks), -1)
        masks = masks / masks.sum(0)
        given = [self.plain(attn, hidden_states, context[None]) for context in self.contexts]
        return sum(m[None, :, None] * y for m, y in zip(masks, given))


def golden_areas(name):
    c = Checkpoint(name)
    g = generator(79)
    embeds = c.embed(["a red fox in the snow", "a city street at night, ugly"])
    x = torch.randn((1, 4, 16, 24), generator=g)
    left = torch.zeros(16, 24)
    left[:, :9] = 1
    left[3:11, 9:15] = 0.25
    masks = torch.stack([left, 1 - left])
    c.unet.set_attn_processor(AreaAttention(embeds, masks))
    y = c.unet(x, 501, encoder_hidden_states=embeds[:1]).sample
    c.unet.set_attn_processor(AttnProcessor())
    first, second = (c.unet(x, 501, encoder_hidden_states=e[None]).sample for e in embeds)
    print(f"    from the first words {rel(y, first):.3f}, from the second {rel(y, second):.3f}")
    write_tensors(HERE / f"{name}_areas.safetensors", {"latents": x, "masks": masks, "prediction": y})


def test_picture():
    """[1, 3, 64, 48] in [-1, 1]: two gradients, a disc and a stripe."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 48), indexing="ij")
    p = torch.stack([x, y, 0.5 + 0.5 * torch.sin(9 * x + 4 * y)])
    p = torch.where((x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.06, torch.tensor([0.9, 0.2, 0.1])[:, None, None], p)
    p = torch.where((y - 0.2).abs() < 0.05, torch.tensor([0.05, 0.1, 0.6])[:, None, None], p)
    return (p * 2 - 1)[None]


def golden_vae(name):
    c = Checkpoint(name)
    picture = test_picture()
    d = c.vae.encode(picture).latent_dist
    g = generator(78)
    latent = smooth((1, 4, 8, 6), g) / SCALING
    odd = smooth((1, 4, 5, 7), g) / SCALING
    decoded = c.vae.decode(latent).sample
    print(
        f"    mean std {d.mean.std():.2f}, std {d.std.min():.3f}..{d.std.max():.3f}, "
        f"decoded {decoded.min():.2f}..{decoded.max():.2f} std {decoded.std():.2f}, "
        f"beyond 1: {(decoded.abs() > 1).float().mean():.3f}"
    )
    write_tensors(
        HERE / f"{name}_vae.safetensors",
        {
            "picture": picture,
            "mean": d.mean,
            "logvar": d.logvar,
            "std": d.std,
            "latent": latent,
            "decoded": decoded,
            "odd.latent": odd,
            "odd.decoded": c.vae.decode(odd).sample,
        },
    )


# ------------------------------------------------------------------------------------------- 4 whole pictures

PICTURE = dict(
    seed=1234,
    steps=10,
    guidance=7.5,
    prompt="a red fox in the snow",
    negative="ugly, low quality",
)


def denoise(c, scheduler, latent, cond, uncond, guidance):
    """The loop of StableDiffusionPipeline for one picture; latent is already times init_noise_sigma."""
    context = torch.cat([uncond, cond])
    for t in scheduler.timesteps:
        x = scheduler.scale_model_input(torch.cat([latent] * 2), t)
        u, k = c.unet(x, t, encoder_hidden_states=context).sample.chunk(2)
        latent = scheduler.step(u + guidance * (k - u), t, latent).prev_sample
    return latent


def to_image(c, latent):
    """float32 [1, 3, H, W] in [0, 1], as the pipelines and the released loop have it."""
    return (c.vae.decode(latent / c.vae.config.scaling_factor).sample / 2 + 0.5).clamp(0, 1)


def golden_picture(name):
    c = Checkpoint(name)
    p = PICTURE
    size = SAMPLE_SIZE * 8
    cond, uncond = c.embed([p["prompt"]]), c.embed([p["negative"]])
    torch.manual_seed(p["seed"])
    start = torch.randn(1, 4, SAMPLE_SIZE, SAMPLE_SIZE)
    out = {"start": start}
    for key, cls in (("ddim", DDIMScheduler), ("euler", EulerDiscreteScheduler)):
        scheduler = cls.from_config(c.scheduler_config)

        def run(x, prompt=cond):
            scheduler.set_timesteps(p["steps"])
            return denoise(c, scheduler, x * scheduler.init_noise_sigma, prompt, uncond, p["guidance"])

        final = run(start)
        image = to_image(c, final)
        nudge = torch.randn(start.shape, generator=generator(9))
        nudged = run(start + 1e-6 * nudge)
        other = run(start, c.embed(["a city street at night"]))

        pipe = StableDiffusionPipeline.from_pretrained(HERE / name, torch_dtype=torch.float32)
        pipe.scheduler = cls.from_config(c.scheduler_config)
        pipe.set_progress_bar_config(disable=True)
        common = dict(
            prompt=p["prompt"],
            negative_prompt=p["negative"],
            num_inference_steps=p["steps"],
            guidance_scale=p["guidance"],
            height=size,
            width=size,
        )
        piped = pipe(**common, generator=generator(p["seed"]), output_type="latent").images
        assert rel(final, piped) < 1e-6, rel(final, piped)
        print(
            f"    {key}: std {final.std():.3f}, pipeline {rel(final, piped):.1e}, "
            f"1e-6 grows to {rel(nudged, final):.1e}, other words {rel(other, final):.2f}, "
            f"image std {image.std():.3f} {image.min():.2f}..{image.max():.2f}"
        )
        scheduler.set_timesteps(p["steps"])
        out |= {
            f"{key}.timesteps": scheduler.timesteps.float(),
            f"{key}.latent": final,
        }
        if key == "ddim":
            out["ddim.image"] = image
        else:
            out["euler.sigmas"] = scheduler.sigmas
            out["euler.init_noise_sigma"] = torch.as_tensor(scheduler.init_noise_sigma).float().reshape(1)
    write_tensors(HERE / f"{name}_picture.safetensors", out, p)


# ------------------------------------------------------------------------------------------------- panorama

PANORAMA = dict(seed=77, steps=10, guidance=7.5, prompt=PICTURE["prompt"], negative=PICTURE["negative"])
# Rows and columns of latents. diffusers crops its answer by the window's place in the canvas where a window goes over the right
# edge, which is right in the first row of windows only; so there is one row.
PANORAMA_CANVAS = {"plain": (20, 32), "circular": (16, 32)}
PANORAMA_STRIDE = 4


def golden_panorama(name):
    """StableDiffusionPanoramaPipeline itself, with windows of the checkpoint's size."""
    from diffusers import StableDiffusionPanoramaPipeline

    class Panorama(StableDiffusionPanoramaPipeline):
        def get_views(self, panorama_height, panorama_width, circular_padding=False):
            return super().get_views(
                panorama_height, panorama_width, SAMPLE_SIZE, PANORAMA_STRIDE, circular_padding
            )

    p = PANORAMA
    pipe = Panorama.from_pretrained(HERE / name, torch_dtype=torch.float32, safety_checker=None)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    out = {}
    for case, (rows, columns) in PANORAMA_CANVAS.items():
        circular = case == "circular"
        torch.manual_seed(p["seed"])
        start = torch.randn(1, 4, rows, columns)
        common = dict(
            prompt=p["prompt"],
            negative_prompt=p["negative"],
            num_inference_steps=p["steps"],
            guidance_scale=p["guidance"],
            height=rows * 8,
            width=columns * 8,
            circular_padding=circular,
        )
        latent = pipe(**common, latents=start.clone(), output_type="latent").images
        decode = pipe.decode_latents_with_padding if circular else lambda x: pipe.vae.decode(x / 0.18215).sample
        image = (decode(latent) / 2 + 0.5).clamp(0, 1)
        out |= {f"{case}.start": start, f"{case}.latent": latent, f"{case}.edges": torch.cat([image[..., :8], image[..., -8:]], -1)}
        views = pipe.get_views(rows * 8, columns * 8, circular_padding=circular)
        step = (image[..., 0] - image[..., -1]).abs().mean()
        inside = (image[..., 1:] - image[..., :-1]).abs().mean()
        print(f"    {case}: {len(views)} views, std {latent.std():.3f}, step at the seam {step:.3f}, inside {inside:.3f}")
    write_tensors(HERE / f"{name}_panorama.safetensors", out, p)


# ------------------------------------------------------------------------------- 5 the released MultiDiffusion loop

CANVAS = (192, 256)  # height, width in pixels: 24 x 32 latents, six windows of 16 x 16 at stride 8
STRIDE = 8
REFERENCE = dict(
    seed=2023,
    steps=10,
    guidance=7.5,
    prompts=[
        "the sea at sunset with golden light",  # the background
        "a stone tower",
        "a red ship",
        "white clouds, the moon",
    ],
    negatives=["ugly, low quality", "ugly, low quality", "a green hill, blurry", "ugly, low quality"],
)
CASES = {
    "overlap": dict(masks=["tower.png", "ship.png", "clouds.png"], bootstrapping=4),
    "hard": dict(masks=["hard1.png", "hard2.png", "hard3.png"], bootstrapping=0),
}


def draw_masks():
    """The masks as 8-bit grey PNG files of the canvas's size; edges of the first three are antialiased."""
    h, w = CANVAS
    k = 4  # drawn four times larger, then averaged

    def soft(draw_on):
        big = Image.new("L", (w * k, h * k), 0)
        draw_on(ImageDraw.Draw(big), lambda *points: [(x * k, y * k) for x, y in points])
        return big.resize((w, h), Image.Resampling.BOX)

    def tower(d, at):
        d.ellipse(at((26, 22), (106, 158)), fill=255)

    def ship(d, at):
        line = at((54, 164), (88, 140), (128, 158), (150, 128), (182, 146), (214, 122), (238, 150))
        d.line(line, fill=255, width=26 * k, joint="curve")
        for x, y in line:
            d.ellipse((x - 13 * k, y - 13 * k, x + 13 * k, y + 13 * k), fill=255)

    def clouds(d, at):
        d.polygon(
            at((128, 30), (150, 12), (186, 20), (214, 8), (246, 34), (238, 70), (204, 82), (170, 66), (138, 74)),
            fill=255,
        )

    def rectangle(x0, y0, x1, y1):  # in latents; the far edge is not included
        image = Image.new("L", (w, h), 0)
        ImageDraw.Draw(image).rectangle((x0 * 8, y0 * 8, x1 * 8 - 1, y1 * 8 - 1), fill=255)
        return image

    images = {
        "tower.png": soft(tower),
        "ship.png": soft(ship),
        "clouds.png": soft(clouds),
        "hard1.png": rectangle(2, 3, 11, 20),
        "hard2.png": rectangle(11, 12, 29, 22),
        "hard3.png": rectangle(15, 1, 27, 9),
    }
    (HERE / "masks").mkdir(exist_ok=True)
    for name, image in images.items():
        image.save(HERE / "masks" / name, optimize=True)


def latent_masks(names):
    """[P, 1, h, w] in {0, 1}: threshold at one half, then every eighth pixel; the background is what is left."""
    h, w = CANVAS[0] // 8, CANVAS[1] // 8
    masks = []
    for name in names:
        grey = np.asarray(Image.open(HERE / "masks" / name).convert("L"), dtype=np.float32) / 255
        hard = torch.from_numpy((grey >= 0.5).astype(np.float32))[None, None]
        masks.append(torch.nn.functional.interpolate(hard, size=(h, w), mode="nearest"))
    foreground = torch.cat(masks)
    background = (1 - foreground.sum(0, keepdim=True)).clamp(min=0)
    return torch.cat([background, foreground])


def reference_loop(c, masks, bootstrapping, seed, steps, guidance, prompts, negatives, nudge=0.0):
    """MultiDiffusion with regions, in the order of evaluation and of random draws of its released code.

    Everything random comes from torch's one global CPU generator. Each window's copies are stepped by the
    scheduler one by one, and what is averaged is the stepped latents.
    """
    torch.manual_seed(seed)
    window = c.unet.config.sample_size
    h, w = masks.shape[2:]
    count_p = len(prompts)
    trace = {"masks": masks}

    solids = []
    if bootstrapping:
        colours = torch.rand(bootstrapping, 3)
        for colour in colours:
            flat = colour[None, :, None, None].repeat(1, 1, window * 8, window * 8)
            solids.append(c.vae.encode(flat * 2 - 1).latent_dist.sample() * SCALING)
        solids = torch.cat(solids)
        trace |= {"colours": colours, "solids": solids}

    latent = torch.randn(1, 4, h, w)
    trace["start"] = latent
    latent = latent + nudge * torch.randn(latent.shape, generator=generator(9))
    noise = latent.clone().repeat(count_p - 1, 1, 1, 1)

    context = c.embed(negatives + prompts)  # negatives first
    scheduler = DDIMScheduler.from_config(c.scheduler_config)
    scheduler.set_timesteps(steps)
    windows = [
        (STRIDE * row, STRIDE * column)
        for row in range((h - window) // STRIDE + 1)
        for column in range((w - window) // STRIDE + 1)
    ]
    choices = []
    for i, t in enumerate(scheduler.timesteps):
        value, count = torch.zeros_like(latent), torch.zeros(1, 1, h, w)
        for y, x in windows:
            crop = (slice(None), slice(None), slice(y, y + window), slice(x, x + window))
            m = masks[crop]
            copies = latent[crop].repeat(count_p, 1, 1, 1)
            if i < bootstrapping:
                choice = torch.randint(0, bootstrapping, (count_p - 1,))
                choices.append(choice)
                solid = scheduler.add_noise(solids[choice], noise[crop], t)
                copies[1:] = copies[1:] * m[1:] + solid * (1 - m[1:])
            u, k = c.unet(torch.cat([copies, copies]), t, encoder_hidden_states=context).sample.chunk(2)
            stepped = scheduler.step(u + guidance * (k - u), t, copies).prev_sample
            value[crop] += (stepped * m).sum(0, keepdim=True)
            count[crop] += m.sum(0, keepdim=True)
        latent = torch.where(count > 0, value / count, value)
        if i == 0:
            trace["latent_1"] = latent
        if i == bootstrapping - 1:
            trace["latent_boot"] = latent
    trace["latent"] = latent
    trace["timesteps"] = scheduler.timesteps
    if choices:
        trace["choices"] = torch.stack(choices)
    return trace


def golden_reference(name):
    c = Checkpoint(name)
    draw_masks()
    out = {}
    for case, settings in CASES.items():
        masks = latent_masks(settings["masks"])
        print(
            f"    {case}: covered {masks[1:].amax(0).mean():.2f}, each {masks.mean((1, 2, 3)).tolist()}, "
            f"overlap {int((masks.sum(0) > 1).sum())} latents"
        )
        trace = reference_loop(c, masks, settings["bootstrapping"], **REFERENCE)
        nudged = reference_loop(c, masks, settings["bootstrapping"], **REFERENCE, nudge=1e-6)
        image = to_image(c, trace["latent"])
        print(
            f"    {case}: std {trace['latent'].std():.3f}, 1e-6 grows to "
            f"{rel(nudged['latent'], trace['latent']):.1e}, image std {image.std():.3f}"
        )
        out |= {f"{case}.{k}": v for k, v in trace.items()}
    write_tensors(
        HERE / f"{name}_reference.safetensors", out, {**REFERENCE, "stride": STRIDE, "canvas": CANVAS, "cases": CASES}
    )


# ------------------------------------------------------------------------------------------------- 6 chance

SEEDS = (0, 42, 2**32 - 1, 2**40 + 5)
SIZES = (1, 5, 15, 16, 17, 33, 100)
RANDINT_HIGH = 20


def golden_random():
    out = {}
    for seed in SEEDS:
        for n in SIZES:
            for kind, draw in (
                ("rand", lambda: torch.rand(n)),
                ("randn", lambda: torch.randn(n)),
                ("randint", lambda: torch.randint(0, RANDINT_HIGH, (n,))),
            ):
                torch.manual_seed(seed)
                out[f"{kind}.{seed}.{n}"] = draw()
        torch.manual_seed(seed)
        sequence = (
            ("rand1", torch.rand(1)),
            ("randn5", torch.randn(5)),
            ("randn40", torch.randn(40)),
            ("randint9", torch.randint(0, 7, (9,))),
            ("randn3", torch.randn(3)),
            ("randn2x4x3x5", torch.randn(2, 4, 3, 5)),
            ("rand4x3", torch.rand(4, 3)),
        )
        out |= {f"mixed.{seed}.{i}.{key}": v for i, (key, v) in enumerate(sequence)}
    write_tensors(HERE / "random.safetensors", out)


# ---------------------------------------------------------------------------------------------- 7 schedules

BASE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
SCHEDULES = {
    "eps": SPEC["eps"]["scheduler"],
    "vpred": SPEC["vpred"]["scheduler"],
    "empty": {},
    "leading": {**BASE, "timestep_spacing": "leading"},
    "leading_offset0": {**BASE, "timestep_spacing": "leading", "steps_offset": 0},
    "trailing": {**BASE, "timestep_spacing": "trailing"},
    "linspace": {**BASE, "timestep_spacing": "linspace"},
    "linear": {**BASE, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "timestep_spacing": "leading"},
    "cosine": {**BASE, "beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "linspace"},
    "zero_snr": {
        **BASE,
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",
        "rescale_betas_zero_snr": True,
    },
    "karras": {**BASE, "timestep_spacing": "leading", "use_karras_sigmas": True},
    "exponential": {**BASE, "timestep_spacing": "leading", "use_exponential_sigmas": True},
}
STEPS = (1, 4, 10, 20, 50)


def numbers(values):
    """f32 values as JSON numbers that read back to the same f32."""
    return [float(v) for v in values]


def golden_schedules():
    schedules, tensors = {}, {}
    for name, config in SCHEDULES.items():
        ddim = DDIMScheduler.from_config(config)
        euler = EulerDiscreteScheduler.from_config(config)
        if name in ("eps", "linear", "cosine", "zero_snr"):
            tensors[f"alphas_cumprod.{name}"] = ddim.alphas_cumprod
            if name == "zero_snr":
                tensors[f"euler_alphas_cumprod.{name}"] = euler.alphas_cumprod
            else:
                assert torch.equal(ddim.alphas_cumprod, euler.alphas_cumprod)
        entry = {
            "config": config,
            "ddim_final_alpha_cumprod": float(ddim.final_alpha_cumprod),
            "ddim_init_noise_sigma": float(ddim.init_noise_sigma),
            "ddim_clip_sample": ddim.config.clip_sample,
            "steps": {},
        }
        for steps in STEPS:
            ddim.set_timesteps(steps)
            run = {"ddim_timesteps": ddim.timesteps.tolist()}
            euler.set_timesteps(steps)
            run |= {
                "euler_timesteps": numbers(euler.timesteps),
                "euler_sigmas": numbers(euler.sigmas),
                "euler_init_noise_sigma": float(euler.init_noise_sigma),
            }
            assert all(math.isfinite(v) for v in run["euler_sigmas"] + run["euler_timesteps"])
            entry["steps"][str(steps)] = run
        schedules[name] = entry

    g = generator(5)
    sample = 1.3 * torch.randn(1, 4, 4, 4, generator=g)
    output = torch.randn(1, 4, 4, 4, generator=g)
    tensors |= {"sample": sample, "model_output": output}
    single = []
    for prediction in ("epsilon", "v_prediction", "sample"):
        for index in (0, 4, 9):
            for clip in (False, True):
                for to_one in (False, True):
                    if prediction == "sample" and (clip or to_one):
                        continue
                    if index != 9 and to_one:
                        continue  # only the last step sees it
                    config = {**BASE, "prediction_type": prediction, "clip_sample": clip, "set_alpha_to_one": to_one}
                    s = DDIMScheduler.from_config(config)
                    s.set_timesteps(10)
                    r = s.step(output, s.timesteps[index], sample)
                    key = f"ddim.{len(single)}"
                    tensors |= {f"{key}.prev_sample": r.prev_sample, f"{key}.x0": r.pred_original_sample}
                    single.append(
                        {
                            "name": key,
                            "config": config,
                            "steps": 10,
                            "index": index,
                            "timestep": int(s.timesteps[index]),
                        }
                    )
    for prediction in ("epsilon", "v_prediction"):
        for spacing in ("leading", "linspace"):
            for index in (0, 4, 9):
                config = {**BASE, "prediction_type": prediction, "timestep_spacing": spacing}
                s = EulerDiscreteScheduler.from_config(config)
                s.set_timesteps(10)
                t = s.timesteps[index]
                scaled = s.scale_model_input(sample, t)
                r = s.step(output, t, sample)
                key = f"euler.{len(single)}"
                tensors |= {
                    f"{key}.scaled": scaled,
                    f"{key}.prev_sample": r.prev_sample,
                    f"{key}.x0": r.pred_original_sample,
                }
                single.append({"name": key, "config": config, "steps": 10, "index": index, "timestep": float(t)})
    s = DDIMScheduler.from_config(BASE)
    for t in (1, 501, 999):
        tensors[f"add_noise.{t}"] = s.add_noise(sample, output, torch.tensor(t))
    text = "{\n"
    for i, (name, entry) in enumerate(schedules.items()):
        head = ",\n".join(f'      "{k}": {json.dumps(v)}' for k, v in entry.items() if k != "steps")
        runs = ",\n".join(f'        "{k}": {json.dumps(v)}' for k, v in entry["steps"].items())
        text += '  "schedules": {\n' if i == 0 else ""
        text += f'    "{name}": {{\n{head},\n      "steps": {{\n{runs}\n      }}\n    }}'
        text += ",\n" if i + 1 < len(schedules) else "\n  },\n"
    text += '  "single_steps": [\n' + ",\n".join("    " + json.dumps(v) for v in single) + "\n  ]\n}\n"
    json.loads(text)
    write_bytes(HERE / "schedules.json", text.encode())
    write_tensors(HERE / "schedules.safetensors", tensors)


def write_versions():
    import safetensors
    import tokenizers
    import PIL

    packages = (torch, diffusers, transformers, tokenizers, safetensors, np, PIL)
    lines = [f"python {platform.python_version()}"]
    lines += [f"{p.__name__} {p.__version__}" for p in packages]
    lines += [f"torch CPU capability {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} thread"]
    write_bytes(HERE / "versions.txt", ("\n".join(lines) + "\n").encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(STAGES), help="comma-separated stages")
    parser.add_argument("--names", default=",".join(NAMES), help="comma-separated checkpoints")
    args = parser.parse_args()
    stages = args.only.split(",")
    if bad := set(stages) - set(STAGES):
        parser.error(f"unknown stages {sorted(bad)}")
    for stage in stages:
        print(stage)
        if stage in ("random", "schedules"):
            globals()[f"golden_{stage}"]()
            continue
        for name in args.names.split(","):
            print(" ", name)
            (make_checkpoint if stage == "checkpoints" else globals()[f"golden_{stage}"])(name)
    write_versions()


if __name__ == "__main__":
    main()
