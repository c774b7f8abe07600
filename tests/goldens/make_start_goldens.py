#!/usr/bin/env python3
"""What diffusers' image-to-image and inpainting pipelines make of a picture: the truth for Polyptych's starts.

    python make_start_goldens.py        start/*.png and NAME_start.safetensors of both checkpoints

The pipelines run as they are, but for two things: a picture is encoded to its posterior's mean in place of a sample, and
fresh noise of stochastic samplers comes from keyed_normals (see make_sampler_goldens.py).
"""

import math

import numpy as np
import torch
import diffusers.schedulers.scheduling_dpmsolver_multistep as dpmsolver
import diffusers.schedulers.scheduling_euler_ancestral_discrete as euler_ancestral
import diffusers.schedulers.scheduling_lcm as lcm
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from make_goldens import HERE, NAMES, PICTURE, generator, rel, smooth, write_tensors
from make_sampler_goldens import CLASSES, keyed_normals

DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()

STRENGTHS = {"image": 0.6, "inpaint": 0.7, "inpaint-noise": 1.0}


def draw():
    """A smooth picture of 128 x 128 pixels, and a mask on the latent grid: columns 3-11, rows 5-12."""
    (HERE / "start").mkdir(exist_ok=True)
    blobs = smooth((1, 3, 128, 128), generator(77), cells=5)[0]
    pixels = (blobs * 60 + 128).clamp(0, 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(HERE / "start/picture.png", optimize=True)
    mask = np.zeros((128, 128), np.uint8)
    mask[5 * 8 : 13 * 8, 3 * 8 : 12 * 8] = 255
    Image.fromarray(mask).save(HERE / "start/mask.png", optimize=True)


def widen(unet):
    """The UNet with nine input planes: the five new ones' weights are a formula, so that others can make it too."""
    old = unet.conv_in
    new = torch.nn.Conv2d(9, old.out_channels, 3, padding=1)
    o, i, y, x = np.indices((old.out_channels, 5, 3, 3)).astype(np.float64)
    new.weight[:, 4:] = torch.from_numpy(0.2 * np.sin(1 + 3 * o + 5 * i + 7 * y + 11 * x)).float()
    new.weight[:, :4] = old.weight
    new.bias.copy_(old.bias)
    unet.conv_in = new
    unet.register_to_config(in_channels=9)


def golden(name):
    p = PICTURE
    picture = Image.open(HERE / "start/picture.png").convert("RGB")
    mask = Image.open(HERE / "start/mask.png").convert("L")
    out = {}

    def run(cls, sampler, strength, wide=False, image=picture):
        pipe = cls.from_pretrained(HERE / name, torch_dtype=torch.float32)
        pipe.set_progress_bar_config(disable=True)
        kind, extra = CLASSES[sampler]
        pipe.scheduler = kind.from_config(pipe.scheduler.config, **extra)
        if wide:
            widen(pipe.unet)
        evaluation = (p["steps"] - min(int(p["steps"] * strength), p["steps"])) * pipe.scheduler.order - 1

        def fresh(shape, **_):
            nonlocal evaluation
            evaluation += 1
            return keyed_normals(p["seed"], evaluation, tuple(shape))

        dpmsolver.randn_tensor = euler_ancestral.randn_tensor = lcm.randn_tensor = fresh
        more = {} if cls is StableDiffusionImg2ImgPipeline else {"mask_image": mask, "height": 128, "width": 128}
        return pipe(
            prompt=p["prompt"],
            negative_prompt=p["negative"],
            image=image,
            strength=strength,
            num_inference_steps=p["steps"],
            guidance_scale=p["guidance"],
            generator=generator(p["seed"]),
            output_type="latent",
            **more,
        ).images

    for sampler in CLASSES:
        out[f"image.{sampler}"] = run(StableDiffusionImg2ImgPipeline, sampler, STRENGTHS["image"])
        for case in ("inpaint", "inpaint-noise"):
            out[f"{case}.{sampler}"] = run(StableDiffusionInpaintPipeline, sampler, STRENGTHS[case])
    other = run(StableDiffusionImg2ImgPipeline, "ddim", STRENGTHS["image"], image=picture.rotate(90))
    print(f"    another picture: {rel(other, out['image.ddim']):.2f}")
    for sampler in ("ddim", "euler"):
        out[f"nine.{sampler}"] = run(StableDiffusionInpaintPipeline, sampler, STRENGTHS["inpaint"], wide=True)
    print(f"    nine planes against four: {rel(out['nine.ddim'], out['inpaint.ddim']):.2f}")
    assert all(v.isfinite().all() for v in out.values())
    write_tensors(HERE / f"{name}_start.safetensors", out, {**p, "strengths": STRENGTHS})


if __name__ == "__main__":
    draw()
    for name in NAMES:
        print(" ", name)
        golden(name)
