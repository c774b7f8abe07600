#!/usr/bin/env python3
"""Make a small random UNet that reads the guidance scale, as latent consistency models do, and what diffusers computes with it.

    python make_lcm_goldens.py

Its other parts are those of the folder `eps`. Writes `lcm/` (UNet and scheduler) and `lcm.safetensors`: the guidance's embedding, calls of
the UNet, and the latent of LatentConsistencyModelPipeline after one step (further ones add noise, which has another source here).
README.md names every tensor.
"""

import torch
from diffusers import LatentConsistencyModelPipeline, LCMScheduler, UNet2DConditionModel
from make_goldens import (
    HERE,
    PICTURE,
    SAMPLE_SIZE,
    SPEC,
    TRAINING_PROMPTS,
    Checkpoint,
    fit_unet,
    generator,
    randomise,
    rel,
    write_json,
    write_tensors,
)

ROOT = HERE / "lcm"
WAVES = 12  # 256 in published files
GUIDANCE = [8.0, 1.5]
SCHEDULER = {
    "_class_name": "LCMScheduler",
    "_diffusers_version": "0.22.0.dev0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "original_inference_steps": 50,
    "prediction_type": "epsilon",
    "set_alpha_to_one": True,
    "steps_offset": 0,
    "timestep_scaling": 10.0,
    "timestep_spacing": "leading",
}


class Guided:
    """The UNet as fit_unet calls it, told a guidance of 8."""

    def __init__(self, unet):
        self.unet, self.conv_out = unet, unet.conv_out

    def __call__(self, x, t, encoder_hidden_states):
        return self.unet(x, t, encoder_hidden_states=encoder_hidden_states, timestep_cond=embedding([8.0] * len(x)))


def embedding(guidance):
    """As the pipeline makes it."""
    w = torch.tensor(guidance) - 1
    return LatentConsistencyModelPipeline.get_guidance_scale_embedding(None, w, embedding_dim=WAVES)


def make_unet(c):
    g = generator(8008)
    unet = UNet2DConditionModel(
        sample_size=SAMPLE_SIZE,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        norm_num_groups=4,
        time_cond_proj_dim=WAVES,
        **SPEC["eps"]["unet"],
    ).eval()
    randomise(unet, g)
    for n, p in unet.named_parameters():
        if "attn2.to_out" in n or "attn2.to_v" in n:
            p.mul_(1.5)  # words must matter
        if "time_emb_proj" in n or "cond_proj" in n:
            p.mul_(2)  # and time and guidance
        if ".ff.net.2." in n or "conv2.weight" in n:
            p.mul_(0.7)
        if n == "conv_in.weight":
            p[:, :, 1, 1].mul_(4)
    last = unet.up_blocks[-1].resnets[-1].conv_shortcut.weight
    last[:, -8:].mul_(3)
    fit_unet(Guided(unet), c.embed(TRAINING_PROMPTS), "epsilon", g)
    unet.to(torch.float16).save_pretrained(ROOT / "unet")
    for file in (ROOT / "unet").iterdir():
        file.chmod(0o644)
    write_json(ROOT / "scheduler" / "scheduler_config.json", SCHEDULER)
    return UNet2DConditionModel.from_pretrained(ROOT / "unet", torch_dtype=torch.float32)


def main():
    c = Checkpoint("eps")
    unet = make_unet(c)
    g = generator(9009)
    prompts = ["a red fox in the snow", "a city street at night, ugly"]
    embeds, latents = c.embed(prompts), torch.randn(2, 4, 16, 24, generator=g)
    out = {"latents": latents, "embedding": embedding(GUIDANCE)}

    def predict(condition):
        return unet(latents, 501, encoder_hidden_states=embeds, timestep_cond=condition).sample

    # One guidance for both calls, one each, and none told.
    out["alike"], out["each"] = predict(embedding([8.0, 8.0])), predict(embedding(GUIDANCE))
    out["untold"] = predict(None)
    for name in ("each", "untold"):
        print(f"  {name}: {rel(out[name], out['alike']):.2f} from a guidance of 8")

    p = PICTURE
    pipe = LatentConsistencyModelPipeline(
        vae=c.vae,
        text_encoder=c.text,
        tokenizer=c.tokenizer,
        unet=unet,
        scheduler=LCMScheduler.from_config(SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    for guidance in (8.0, 2.0):
        out[f"picture.{guidance}"] = pipe(
            p["prompt"],
            num_inference_steps=1,
            guidance_scale=guidance,
            height=8 * SAMPLE_SIZE,
            width=8 * SAMPLE_SIZE,
            generator=generator(p["seed"]),
            output_type="latent",
        ).images
    print(f"  pictures {rel(out['picture.2.0'], out['picture.8.0']):.2f} apart")
    write_tensors(HERE / "lcm.safetensors", out, {**p, "prompts": prompts, "guidance_scales": GUIDANCE})


if __name__ == "__main__":
    main()
