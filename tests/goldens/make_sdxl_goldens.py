#!/usr/bin/env python3
"""Make a small random SDXL checkpoint and the tensors that diffusers and transformers compute with it.

    python make_sdxl_goldens.py

Shaped like SDXL base 1.0: two text encoders, transformers of different depth by level, pooled text and sizes added to the
time embedding. README.md names every tensor; versions.txt has the versions used.
"""

import json
from functools import partial

import torch
from make_goldens import (
    HERE,
    SAMPLE_SIZE,
    TRAINING_PROMPTS,
    fit_unet,
    fit_vae,
    generator,
    randomise,
    rel,
    train_bpe,
    write_json,
    write_tensors,
    write_tokenizer,
)
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

ROOT = HERE / "sdxl"
PROMPTS = ["a red fox in the snow", "", "a city street at night, ugly", "a stone tower " * 40]
SCALING = 0.13025
SIDE = 8 * SAMPLE_SIZE
LAYERS = 2  # resnets a level, on which the original code's block numbers depend
# The published second encoder's config says 2; this is what its tokenizer has.
END = 673

SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "_diffusers_version": "0.19.0.dev0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "interpolation_type": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
    "use_karras_sigmas": False,
}

# ------------------------------------------------------------------------------------------ the checkpoint


def encoder(kind, g, **options):
    """A text encoder with a few rows more than the tokenizer has: ids above the end token, as textual inversion adds."""
    config = CLIPTextConfig(
        vocab_size=680,
        num_hidden_layers=3,
        max_position_embeddings=77,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
        layer_norm_eps=1e-5,
        **options,
    )
    model = kind(config).eval()
    randomise(model, g)
    return model


class WithAddedConditioning:
    """The UNet as fit_unet calls it, with the pooled text and sizes that it would be given."""

    def __init__(self, unet, pooled):
        self.unet, self.pooled, self.conv_out = unet, pooled, unet.conv_out

    def __call__(self, x, t, encoder_hidden_states):
        added = {"text_embeds": self.pooled[: len(x)], "time_ids": sizes(SIDE, SIDE).repeat(len(x), 1)}
        return self.unet(x, t, encoder_hidden_states=encoder_hidden_states, added_cond_kwargs=added)


def sizes(height, width):
    """Original size, crop, target size."""
    return torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32)


def encode(pipe, prompt):
    """The conditioning of a prompt: [1, 77, width] and [1, pooled]."""
    embeds, _, pooled, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
    return embeds, pooled


def make_checkpoint():
    g = generator(5005)
    vocab, rules = train_bpe(160)
    assert vocab["<|endoftext|>"] == END
    write_tokenizer(ROOT / "tokenizer", vocab, rules, "<|endoftext|>", "files")
    write_tokenizer(ROOT / "tokenizer_2", vocab, rules, "!", "files")
    texts = {
        "text_encoder": encoder(
            CLIPTextModel,
            g,
            hidden_size=16,
            intermediate_size=32,
            num_attention_heads=2,
            hidden_act="quick_gelu",
            projection_dim=16,
        ),
        "text_encoder_2": encoder(
            CLIPTextModelWithProjection,
            g,
            hidden_size=24,
            intermediate_size=48,
            num_attention_heads=3,
            hidden_act="gelu",
            projection_dim=20,
        ),
    }
    unet = UNet2DConditionModel(
        sample_size=SAMPLE_SIZE,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(8, 16, 16),
        layers_per_block=LAYERS,
        norm_num_groups=4,
        transformer_layers_per_block=[1, 1, 2],
        attention_head_dim=[1, 2, 4],
        cross_attention_dim=16 + 24,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=20 + 6 * 8,
    ).eval()
    randomise(unet, g)
    for n, p in unet.named_parameters():
        if "attn2.to_out" in n or "attn2.to_v" in n:
            p.mul_(1.5)  # words must matter
        if "time_emb_proj" in n or "add_embedding" in n:
            p.mul_(2)  # and time, pooled text and sizes
        if ".ff.net.2." in n or "conv2.weight" in n:
            p.mul_(0.7)
        if n == "conv_in.weight":
            p[:, :, 1, 1].mul_(4)  # and the input has to come through, for fit_unet to find it
    last = unet.up_blocks[-1].resnets[-1].conv_shortcut.weight
    last[:, -8:].mul_(3)
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=SIDE,
        scaling_factor=SCALING,
        force_upcast=True,
    ).eval()
    randomise(vae, g)
    fit_vae(vae, g)
    pipe = StableDiffusionXLPipeline(
        vae=vae,
        unet=unet,
        scheduler=EulerDiscreteScheduler.from_config(SCHEDULER),
        tokenizer=CLIPTokenizer.from_pretrained(ROOT / "tokenizer"),
        tokenizer_2=CLIPTokenizer.from_pretrained(ROOT / "tokenizer_2"),
        add_watermarker=False,
        **texts,
    )
    embeds, pooled = (torch.cat(part) for part in zip(*(encode(pipe, prompt) for prompt in TRAINING_PROMPTS)))
    fit_unet(WithAddedConditioning(unet, pooled), embeds, "epsilon", g)

    for folder, model in {"unet": unet, "vae": vae, **texts}.items():
        model.to(torch.float16).save_pretrained(ROOT / folder)
        for file in (ROOT / folder).iterdir():
            file.chmod(0o644)
    write_json(ROOT / "scheduler" / "scheduler_config.json", SCHEDULER)
    write_json(
        ROOT / "model_index.json",
        {
            "_class_name": "StableDiffusionXLPipeline",
            "_diffusers_version": "0.19.0.dev0",
            "force_zeros_for_empty_prompt": True,
            "scheduler": ["diffusers", "EulerDiscreteScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "tokenizer_2": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    )


def pipeline():
    """The checkpoint as it lies in its folder, in float32."""
    pipe = StableDiffusionXLPipeline.from_pretrained(ROOT, torch_dtype=torch.float32, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    for folder in ("text_encoder", "text_encoder_2", "unet", "vae"):
        part = getattr(pipe, folder)
        loaded = part.state_dict()
        file = next((ROOT / folder).glob("*.safetensors"))
        assert all(torch.equal(v.float(), loaded[k]) for k, v in load_file(file).items()), folder
    return pipe


# ------------------------------------------------------------------------------------------------ goldens


def golden_text(pipe):
    out = {}
    for name, tokenizer, text in [
        ("text_encoder", pipe.tokenizer, pipe.text_encoder),
        ("text_encoder_2", pipe.tokenizer_2, pipe.text_encoder_2),
    ]:
        ids = tokenizer(PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        states = text(ids, output_hidden_states=True)
        out[f"{name}.ids"] = ids
        out[f"{name}.last"] = states.last_hidden_state
        out[f"{name}.penultimate"] = states.hidden_states[-2]
    out["pooled"] = states.text_embeds
    # Ids above the end token, before it: the largest id, or the first end token, by the config.
    ids = torch.tensor([[672, 5, 677, 40, 675, END, 3, END, 0]])
    out["extended.ids"] = ids
    for end in (2, END):
        pipe.text_encoder_2.text_model.eos_token_id = end
        out[f"extended.pooled.{end}"] = pipe.text_encoder_2(ids).text_embeds
    pipe.text_encoder_2.text_model.eos_token_id = 2
    assert rel(out["extended.pooled.2"], out[f"extended.pooled.{END}"]) > 0.1
    pairs = [encode(pipe, prompt) for prompt in PROMPTS]
    out["conditioning.tokens"] = torch.cat([tokens for tokens, _ in pairs])
    out["conditioning.pooled"] = torch.cat([pooled for _, pooled in pairs])
    write_tensors(HERE / "sdxl_text.safetensors", out, {"prompts": PROMPTS})


def golden_unet(pipe):
    g = generator(6006)
    prompts = [PROMPTS[0], PROMPTS[2]]
    embeds, pooled = (torch.cat(part) for part in zip(*(encode(pipe, prompt) for prompt in prompts)))
    out = {"embeddings": embeds, "pooled": pooled}
    for case, height, width, timestep in [("square", 16, 16, 501), ("wide", 16, 24, 901), ("odd", 13, 15, 1)]:
        latents = torch.randn(2, 4, height, width, generator=g)

        def predict(embeds, pooled, ids):
            added = {"text_embeds": pooled, "time_ids": ids.repeat(2, 1)}
            return pipe.unet(latents, timestep, encoder_hidden_states=embeds, added_cond_kwargs=added).sample

        own = sizes(8 * height, 8 * width)
        out[f"{case}.latents"], out[f"{case}.timestep"] = latents, torch.tensor([timestep])
        out[f"{case}.prediction"] = predict(embeds, pooled, own)
        # What the pipeline takes for an empty negative prompt.
        out[f"{case}.zeros"] = predict(0 * embeds, 0 * pooled, own)
        other = predict(embeds, pooled, torch.tensor([[512.0, 300, 64, 8, 128, 128]]))
        if case == "square":
            out["square.cropped"] = other
        print(
            f"  {case}: words {rel(out[f'{case}.zeros'], out[f'{case}.prediction']):.2f},"
            f" pooled {rel(predict(embeds, 0 * pooled, own), out[f'{case}.prediction']):.2f},"
            f" sizes {rel(other, out[f'{case}.prediction']):.2f}"
        )
    out["vae.latent"] = torch.randn(1, 4, 4, 6, generator=g)
    out["vae.decoded"] = pipe.vae.decode(out["vae.latent"] / SCALING).sample
    write_tensors(HERE / "sdxl_unet.safetensors", out, {"prompts": prompts, "cropped": [512, 300, 64, 8, 128, 128]})


RESNET = {
    "conv1": "in_layers_2",
    "time_emb_proj": "emb_layers_1",
    "conv2": "out_layers_3",
    "conv_shortcut": "skip_connection",
}

OUTSIDE = {
    "conv_in": "input_blocks_0_0",
    "conv_out": "out_2",
    "time_embedding.linear_1": "time_embed_0",
    "time_embedding.linear_2": "time_embed_2",
    "add_embedding.linear_1": "label_emb_0_0",
    "add_embedding.linear_2": "label_emb_0_2",
}


def original_name(module):
    """The name of a UNet's layer in the original code, with _ for dots: what kohya's scripts write for SDXL."""
    if module in OUTSIDE:
        return OUTSIDE[module]
    if module.startswith("mid_block."):
        _, kind, number, rest = module.split(".", 3)
        block = f"middle_block_{1 if kind == 'attentions' else 2 * int(number)}"
    else:
        side, level, kind, number, rest = module.split(".", 4)
        first = int(level) * (LAYERS + 1)
        if side == "down_blocks":
            place = LAYERS if kind == "downsamplers" else int(number)
            block = f"input_blocks_{1 + first + place}_{1 if kind == 'attentions' else 0}"
        elif kind == "upsamplers":
            # Levels 0 and 1 have attentions; the last one has no upsampler.
            block = f"output_blocks_{first + LAYERS}_2"
        else:
            block = f"output_blocks_{first + int(number)}_{1 if kind == 'attentions' else 0}"
        if kind == "downsamplers":
            rest = "op"
    return f"{block}_{RESNET[rest] if kind == 'resnets' else rest.replace('.', '_')}"


def golden_lora():
    """A LoRA of every layer in the names of kohya's scripts. It is merged by hand, and read by diffusers as far as that can."""
    g = generator(7007)
    pipe, file = pipeline(), {}
    for prefix, model in [("unet", pipe.unet), ("te1", pipe.text_encoder), ("te2", pipe.text_encoder_2)]:
        for name, weight in model.named_parameters():
            module = name.removesuffix(".weight")
            if module == name or weight.ndim < 2 or "embeddings" in module:
                continue
            if prefix == "unet":
                key = original_name(module)
            else:
                key = "text_model." * (not module.startswith(("text_model.", "text_projection"))) + module
            key = f"lora_{prefix}_{key.replace('.', '_')}"
            down = torch.randn(1, *weight.shape[1:], generator=g)
            up = torch.randn(weight.shape[0], 1, *([1] * (weight.ndim - 2)), generator=g)
            scale = 0.15 * weight.norm() / (up.flatten(1) @ down.flatten(1)).norm()
            down, up = (down * scale.sqrt()).half(), (up * scale.sqrt()).half()
            assert f"{key}.alpha" not in file
            file |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(1.5)}
            weight += 1.5 * torch.einsum("o r ..., r i -> o i ...", up.float(), down.float().flatten(1)).reshape(weight.shape)
    path = HERE / "lora" / "sdxl_kohya.safetensors"
    save_file(file, path)
    path.chmod(0o644)

    latents = torch.randn(2, 4, 16, 16, generator=g)
    out = {"latents": latents}

    def run(pipe):
        tokens, pooled = (torch.cat(part) for part in zip(*(encode(pipe, PROMPTS[k]) for k in (0, 2))))
        added = {"text_embeds": pooled, "time_ids": sizes(SIDE, SIDE).repeat(2, 1)}
        return tokens, pooled, pipe.unet(latents, 501, encoder_hidden_states=tokens, added_cond_kwargs=added).sample

    out["tokens"], out["pooled"], out["prediction"] = run(pipe)
    print("  the LoRA changes", [f"{rel(a, b):.2f}" for a, b in zip(run(pipeline()), run(pipe))])

    # diffusers loses the first encoder's layers with this transformers, and knows none of a projection.
    readable = {k: v for k, v in file.items() if "_te1_" not in k and "text_projection" not in k}
    merged = pipeline()
    merged.text_encoder.load_state_dict(pipeline().text_encoder.state_dict())
    merged.unet.load_state_dict(pipe.unet.state_dict())
    states = pipe.text_encoder_2.state_dict()
    states["text_projection.weight"] = pipeline().text_encoder_2.text_projection.weight
    merged.text_encoder_2.load_state_dict(states)
    read = pipeline()
    read.load_lora_weights(readable)
    print("  diffusers is off by", [f"{rel(a, b):.1e}" for a, b in zip(run(read), run(merged))])
    write_tensors(HERE / "sdxl_lora.safetensors", out, {"prompts": [PROMPTS[0], PROMPTS[2]]})


def golden_picture(pipe):
    parameters = dict(prompt=PROMPTS[0], negative="ugly, low quality", seed=1234, steps=8, guidance=5.0)
    start = torch.randn(1, 4, SAMPLE_SIZE, SAMPLE_SIZE, generator=generator(1234))
    run = partial(
        pipe,
        parameters["prompt"],
        height=SIDE,
        width=SIDE,
        num_inference_steps=parameters["steps"],
        guidance_scale=parameters["guidance"],
        output_type="latent",
    )
    out = {"start": start}
    for case, negative in [("negative", parameters["negative"]), ("zeros", None), ("nudged", None)]:
        latents = start * (1 + 1e-6) if case == "nudged" else start.clone()
        out[case] = run(negative_prompt=negative, latents=latents).images
    print(f"  a nudge of 1e-6 grows to {rel(out.pop('nudged'), out['zeros']):.1e}; spread {out['zeros'].std():.2f}")
    print(f"  zeros instead of a negative: {rel(out['zeros'], out['negative']):.2f}")
    write_tensors(HERE / "sdxl_picture.safetensors", out, parameters)


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    make_checkpoint()
    golden_text(pipeline())
    golden_unet(pipeline())
    golden_picture(pipeline())
    golden_lora()
    print(json.dumps({file.name: file.stat().st_size for file in HERE.glob("sdxl*.safetensors")}))
