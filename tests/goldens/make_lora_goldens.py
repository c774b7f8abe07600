#!/usr/bin/env python3
"""What diffusers makes of LoRAs: the truth for Polyptych's merged weights.

    python make_lora_goldens.py        lora/NAME_*.safetensors and NAME_lora.safetensors of both checkpoints

One set of random factors in the names of kohya's scripts (convolutions included, float16, with alphas), one of attention only
as diffusers of 2023 wrote it, and one made by PEFT and written by diffusers of today. Each is read by `load_lora_weights` and
run unmerged, as PEFT does. Besides those of make_goldens.py this needs peft.
"""

import json

import torch
from diffusers import StableDiffusionPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from make_goldens import HERE, NAMES, generator, rel, write_tensors

PROMPTS = ["a red fox in the snow", "a city street at night, ugly"]
RANK = 3
TIMESTEP = 501


def pipeline(name):
    pipe = StableDiffusionPipeline.from_pretrained(HERE / name, torch_dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def factors(weight, g, rank=RANK):
    """down, up for a weight: their product is about a third of it."""
    down = torch.randn(rank, *weight.shape[1:], generator=g)
    up = torch.randn(weight.shape[0], rank, *([1] * (weight.ndim - 2)), generator=g)
    scale = 0.35 * weight.norm() / (up.flatten(1) @ down.flatten(1)).norm()
    return down * scale.sqrt(), up * scale.sqrt()


def weights(model):
    return {n.removesuffix(".weight"): p for n, p in model.named_parameters() if n.endswith(".weight") and p.ndim >= 2}


def is_attention(module):
    return module.rsplit(".", 1)[-1] in ("to_q", "to_k", "to_v") or module.endswith("to_out.0")


def text_name(module):
    """The name with the prefix that transformers had until its version 5, which LoRA files still have."""
    return module if module.startswith("text_model.") else f"text_model.{module}"


def kohya(pipe, g):
    """All attention, feed-forward and projection layers, the resnets, the samplers, the text encoder; alpha is not the rank."""
    out = {}

    def add(key, weight, alpha):
        down, up = factors(weight, g)
        # (Rounded as they are stored.)
        out[f"{key}.lora_down.weight"] = down.half()
        out[f"{key}.lora_up.weight"] = up.half()
        out[f"{key}.alpha"] = torch.tensor(alpha).half()

    for module, weight in weights(pipe.unet).items():
        if "attentions" in module or "resnets" in module or "samplers" in module:
            add("lora_unet_" + module.replace(".", "_"), weight, 1.5 if "attentions" in module else 4.0)
    for module, weight in weights(pipe.text_encoder).items():
        if "encoder.layers" in module:
            add("lora_te_" + text_name(module).replace(".", "_"), weight, 2.0)
    return out


def processors(pipe, g):
    """Attention only, as diffusers' attention processors and its text encoder's wrappers saved it in 2023; no alpha."""
    out = {}
    for module, weight in weights(pipe.unet).items():
        if is_attention(module):
            down, up = factors(weight, g)
            attention, layer = module.rsplit(".to_", 1)
            key = f"unet.{attention}.processor.to_{layer.removesuffix('.0')}_lora"
            out[f"{key}.down.weight"], out[f"{key}.up.weight"] = down, up
    for module, weight in weights(pipe.text_encoder).items():
        if "self_attn" in module:
            down, up = factors(weight, g)
            key = f"text_encoder.{text_name(module)}.lora_linear_layer"
            out[f"{key}.down.weight"], out[f"{key}.up.weight"] = down, up
    return out


def peft(name, path, g):
    """Made by PEFT, with another rank for one kind of layer, and written with its configuration in the header."""
    pipe = pipeline(name)
    unet = LoraConfig(
        r=RANK,
        lora_alpha=5,
        target_modules=["to_q", "to_k", "to_v", "to_out.0", "proj_in", "conv1"],
        rank_pattern={"to_v": 2},
        alpha_pattern={"to_v": 3},
    )
    text = LoraConfig(r=2, lora_alpha=1, target_modules=["q_proj", "fc1"], use_rslora=True)
    pipe.unet.add_adapter(unet)
    pipe.text_encoder.add_adapter(text)
    for model in (pipe.unet, pipe.text_encoder):
        for _, p in sorted((n, p) for n, p in model.named_parameters() if "lora_" in n):
            p.copy_(torch.randn(p.shape, generator=g) * 0.4 / p[0].numel() ** 0.5)
    pipe.save_lora_weights(
        path.parent,
        unet_lora_layers=get_peft_model_state_dict(pipe.unet),
        text_encoder_lora_layers=get_peft_model_state_dict(pipe.text_encoder),
        unet_lora_adapter_metadata=unet.to_dict(),
        text_encoder_lora_adapter_metadata={**text.to_dict(), "base_model_name_or_path": None},  # else a path of this machine
        weight_name=path.name,
    )


@torch.no_grad()
def run(pipe, latents):
    ids = pipe.tokenizer(PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    embeddings = pipe.text_encoder(ids).last_hidden_state
    prediction = pipe.unet(latents, torch.tensor(TIMESTEP), encoder_hidden_states=embeddings).sample
    return embeddings, prediction


def mid(pipe, path, g):
    """LoCon's third factor, which diffusers does not know: LyCORIS' formula, on one 3 x 3 convolution."""
    module = "down_blocks.0.resnets.0.conv1"
    weight = weights(pipe.unet)[module]
    out, inputs = weight.shape[:2]
    up, down = torch.randn(out, 4, generator=g), torch.randn(2, inputs, generator=g)
    middle = torch.randn(4, 2, 3, 3, generator=g) * 0.1
    key = "lora_unet_" + module.replace(".", "_")
    tensors = {
        f"{key}.lora_up.weight": up[:, :, None, None],
        f"{key}.lora_down.weight": down[:, :, None, None],
        f"{key}.lora_mid.weight": middle,
        f"{key}.alpha": torch.tensor(3.0),
    }
    save_file({k: v.contiguous() for k, v in tensors.items()}, path)
    # alpha / rank, where the rank is that of down.
    weight += 0.5 * 3.0 / 2.0 * torch.einsum("m n k l, i m, n j -> i j k l", middle, up, down)


def golden(name):
    folder = HERE / "lora"
    folder.mkdir(exist_ok=True)
    path = {kind: folder / f"{name}_{kind}.safetensors" for kind in ("kohya", "old", "peft", "mid")}
    g = generator(4004)
    frequency = {"10_fox": {"zorkfox": 20, "snow": 7, "a fox": 5}, "5_more": {"zorkfox": 4, "snow": 1}}
    metadata = {
        "ss_network_module": "networks.lora",
        "ss_output_name": "zorkfox",
        "ss_tag_frequency": json.dumps(frequency),
    }
    save_file(kohya(pipeline(name), g), path["kohya"], metadata=metadata)
    save_file({k: v.contiguous() for k, v in processors(pipeline(name), g).items()}, path["old"])
    peft(name, path["peft"], g)

    out = {"latents": torch.randn(2, 4, 16, 16, generator=g)}
    plain = run(pipeline(name), out["latents"])
    cases = {
        "kohya": {"kohya": 1.0},
        "kohya-weak": {"kohya": 0.6},
        "old": {"old": 1.0},
        "peft": {"peft": 1.0},
        "both": {"kohya": 0.8, "peft": -0.5},
    }
    for case, loras in cases.items():
        pipe = pipeline(name)
        for kind in loras:
            pipe.load_lora_weights(folder, weight_name=path[kind].name, adapter_name=kind)
        pipe.set_adapters(list(loras), adapter_weights=list(loras.values()))
        layers = {n.split(".lora_A")[0] for n, _ in pipe.unet.named_parameters() if ".lora_A" in n}
        of_text = {n.split(".lora_A")[0] for n, _ in pipe.text_encoder.named_parameters() if ".lora_A" in n}
        out[f"{case}.embeddings"], out[f"{case}.prediction"] = run(pipe, out["latents"])
        change = [rel(out[f"{case}.embeddings"], plain[0]), rel(out[f"{case}.prediction"], plain[1])]
        files = {kind: len(load_file(path[kind])) for kind in loras}
        print(f"  {name} {case}: {len(layers)} + {len(of_text)} layers of {files}, changes {change[0]:.2f} {change[1]:.2f}")
    pipe = pipeline(name)
    mid(pipe, path["mid"], g)
    out["mid.embeddings"], out["mid.prediction"] = run(pipe, out["latents"])
    print(f"  {name} mid: changes {rel(out['mid.prediction'], plain[1]):.2f}")
    for file in path.values():
        file.chmod(0o644)
    write_tensors(HERE / f"{name}_lora.safetensors", out, {"prompts": PROMPTS, "timestep": TIMESTEP})


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    for name in NAMES:
        golden(name)
