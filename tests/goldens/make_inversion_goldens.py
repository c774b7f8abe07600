#!/usr/bin/env python3
"""Make what diffusers and transformers compute with the small checkpoints of make_single_file_goldens.py, further on.

    python make_inversion_goldens.py VOCABULARY

VOCABULARY is OpenAI's bpe_simple_vocab_16e6.txt.gz (assets/clip/merges.txt.gz is its beginning, and enough). Writes
`single_file_runs.safetensors`: prompts with textual inversions, a call of an inpainting UNet, and latents after eight steps of DDIM for
each family and for SDXL that predicts velocity down to no signal. README.md names every tensor.
"""

import sys

import torch
from diffusers import DDIMScheduler
from make_goldens import HERE, write_tensors
from make_single_file_goldens import (
    SD1,
    SD2,
    SDXL,
    UNET,
    clip_shapes,
    open_clip_shapes,
    openai,
    openclip,
    parts,
    tokenizer,
    unet,
    unet_shapes,
    values,
)

BEFORE, AFTER, NEGATIVE = "a red", ", masterpiece", "blurry"
STEPS, GUIDANCE, SEED = 8, 3.0, 21
HEIGHT, WIDTH = 16, 24
BASE = dict(
    num_train_timesteps=1000,
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    clip_sample=False,
    set_alpha_to_one=False,
    steps_offset=1,
    timestep_spacing="leading",
)
L, G = "conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.1.model."


def encoders(family):
    """Each with its tokenizer's padding and the name of its vectors."""
    if family == "sd1":
        prefix = "cond_stage_model.transformer.text_model."
        return [(openai(parts(clip_shapes(64, 2), prefix), 64, 2), "end", "emb_params")]
    if family == "sd2":
        prefix = "cond_stage_model.model."
        return [(openclip(parts(open_clip_shapes(64, 3, 64), prefix), prefix, 64, 2, None), "zero", "emb_params")]
    return [
        (openai(parts(clip_shapes(32, 3), L), 32, 3), "end", "clip_l"),
        (openclip(parts(open_clip_shapes(64, 3, 64), G), G, 64, 3, 64), "zero", "clip_g"),
    ]


def embedding(model):
    return next(m for m in model.modules() if isinstance(m, torch.nn.Embedding) and m.num_embeddings > 1000)


def encode(models, tokenizers, pieces):
    """Pieces are words, or a number of vectors in the place of tokens."""
    states, pooled = [], None
    for model, padding, name in models:
        table = embedding(model)
        width, rows = table.embedding_dim, table.num_embeddings
        vectors = values(name, (2, width))
        own = table.weight.data
        table.weight = torch.nn.Parameter(torch.cat([own, vectors]))
        ids = [49406]
        for piece in pieces:
            if isinstance(piece, int):
                ids += range(rows, rows + piece)
            else:
                ids += tokenizers[padding](piece, add_special_tokens=False).input_ids
        ids += [49407] + [49407 if padding == "end" else 0] * (76 - len(ids))
        out = model(torch.tensor([ids]), output_hidden_states=True)
        table.weight = torch.nn.Parameter(own)
        states.append(out.hidden_states[-2] if len(models) == 2 else out.last_hidden_state)
        pooled = getattr(out, "text_embeds", None)
    return torch.cat(states, -1), pooled


@torch.no_grad()
def main():
    tokenizers = {"end": tokenizer(sys.argv[1], "<|endoftext|>"), "zero": tokenizer(sys.argv[1], "!")}
    out = {}
    for family, shape, schedule in [
        ("sd1", SD1, {}),
        ("sd2", SD2, dict(prediction_type="v_prediction")),
        ("sdxl", SDXL, {}),
        (
            "sdxl-v",
            SDXL,
            dict(prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing"),
        ),
    ]:
        models = encoders("sdxl" if family == "sdxl-v" else family)
        if family != "sdxl-v":
            states, pooled = encode(models, tokenizers, [BEFORE, 2, AFTER])
            out[f"{family}.called"] = states
            if pooled is not None:
                out[f"{family}.called_pooled"] = pooled
        positive, negative = (encode(models, tokenizers, [words]) for words in (BEFORE + AFTER, NEGATIVE))
        model = unet(parts(unet_shapes(**shape), UNET), **shape)
        scheduler = DDIMScheduler(**(BASE | schedule))
        scheduler.set_timesteps(STEPS)
        x = torch.randn(1, 4, HEIGHT, WIDTH, generator=torch.Generator("cpu").manual_seed(SEED))
        sizes = torch.tensor([[8.0 * HEIGHT, 8.0 * WIDTH, 0, 0, 8.0 * HEIGHT, 8.0 * WIDTH]])

        def predict(x, t, words):
            tokens, pooled = words
            added = None if pooled is None else {"text_embeds": pooled, "time_ids": sizes}
            return model(x, t, encoder_hidden_states=tokens, added_cond_kwargs=added).sample

        for t in scheduler.timesteps:
            without, with_words = predict(x, t, negative), predict(x, t, positive)
            x = scheduler.step(without + GUIDANCE * (with_words - without), t, x, eta=0.0).prev_sample
        out[f"{family}.steps"] = x
        print(family, "latents after all steps:", round(x.std().item(), 3))
    shape = dict(SD1, inputs=9)
    model = unet(parts(unet_shapes(**shape), UNET), **shape)
    x = torch.randn(1, 9, HEIGHT, WIDTH, generator=torch.Generator("cpu").manual_seed(SEED))
    words, _ = encode(encoders("sd1"), tokenizers, [BEFORE + AFTER])
    out["inpaint.latents"], out["inpaint.prediction"] = x, model(x, 501, encoder_hidden_states=words).sample
    told = dict(before=BEFORE, after=AFTER, negative=NEGATIVE, steps=STEPS, guidance=GUIDANCE, seed=SEED)
    write_tensors(HERE / "single_file_runs.safetensors", out, told)


if __name__ == "__main__":
    main()
