#!/usr/bin/env python3
"""Make small random ControlNets and the tensors that diffusers computes with them; and edges that OpenCV finds.

    python make_control_goldens.py

`control/eps` and `control/sdxl` are ControlNets in diffusers' folders, for the checkpoints `eps` and `sdxl` beside this script. Two
more, in the original layout, have no weights here: each value is a hash of its tensor's name and place (as in
make_single_file_goldens.py), and diffusers' own converter reads them. README.md names every tensor; versions.txt has the versions.
"""

import json

import cv2
import numpy as np
import torch
from make_goldens import HERE, SAMPLE_SIZE, Checkpoint, generator, randomise, rel, write_json, write_tensors
from make_sdxl_goldens import encode, pipeline, sizes
from make_single_file_goldens import SD1, SDXL, Shapes, unet_shapes, values
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
)
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

ROOT = HERE / "control"
SIDE = 8 * SAMPLE_SIZE
HINTS = (8, 8, 12, 16)
PROMPTS = ["a red fox in the snow", "a city street at night, ugly"]
PICTURE = dict(prompt=PROMPTS[0], negative="ugly, low quality", seed=1234, steps=8, guidance=5.0)
# weight, start, end
CASES = {"whole": (1.0, 0.0, 1.0), "part": (0.7, 0.25, 0.75)}


def make(name, **config):
    net = ControlNetModel(conditioning_embedding_out_channels=HINTS, norm_num_groups=4, **config).eval()
    g = generator(7100 + len(name))
    randomise(net, g)
    for n, p in net.named_parameters():
        if n.startswith(("controlnet_down_blocks", "controlnet_mid_block")):
            p.mul_(0.4)
    net.to(torch.float16).save_pretrained(ROOT / name)
    for file in (ROOT / name).iterdir():
        file.chmod(0o644)
    return ControlNetModel.from_pretrained(ROOT / name, torch_dtype=torch.float32).eval()


def picture(height, width, g):
    """Blocks of black, white and colour, as maps are; exact in 8 bits."""
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=g)
    flat = torch.nn.functional.interpolate(coarse, size=(height, width), mode="nearest")
    grain = torch.rand(1, 3, height, width, generator=g)
    return (255 * (0.8 * flat + 0.2 * grain)).round() / 255


def golden_calls(name, net, unet, embeds, pooled, out):
    g = generator(7200)
    for case, height, width, timestep in [("square", 16, 16, 501), ("wide", 16, 24, 901)]:
        latents = torch.randn(2, 4, height, width, generator=g)
        image = picture(8 * height, 8 * width, g)
        added = None
        if pooled is not None:
            added = {"text_embeds": pooled, "time_ids": sizes(8 * height, 8 * width).repeat(2, 1)}
        down, middle = net(
            latents,
            timestep,
            encoder_hidden_states=embeds,
            controlnet_cond=image.repeat(2, 1, 1, 1),
            conditioning_scale=0.7,
            added_cond_kwargs=added,
            return_dict=False,
        )
        common = dict(encoder_hidden_states=embeds, added_cond_kwargs=added)
        plain = unet(latents, timestep, **common).sample
        controlled = unet(
            latents,
            timestep,
            **common,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        print(f"  {name} {case}: the ControlNet changes {rel(controlled, plain):.2f}")
        key = f"{name}.{case}"
        out |= {f"{key}.latents": latents, f"{key}.timestep": torch.tensor([timestep]), f"{key}.control": image}
        out |= {f"{key}.residual.{i}": residual for i, residual in enumerate([*down, middle])}
        out |= {f"{key}.prediction": controlled, f"{key}.plain": plain}


def golden_pictures(name, pipe, out):
    pipe.set_progress_bar_config(disable=True)
    image = picture(SIDE, SIDE, generator(7300))
    out[f"{name}.control"] = image
    start = torch.randn(1, 4, SAMPLE_SIZE, SAMPLE_SIZE, generator=generator(PICTURE["seed"]))

    def run(latents, weight, begin, end):
        return pipe(
            PICTURE["prompt"],
            image=image,
            negative_prompt=PICTURE["negative"],
            num_inference_steps=PICTURE["steps"],
            guidance_scale=PICTURE["guidance"],
            height=SIDE,
            width=SIDE,
            latents=latents,
            controlnet_conditioning_scale=weight,
            control_guidance_start=begin,
            control_guidance_end=end,
            output_type="latent",
        ).images

    plain = run(start.clone(), 0.0, 0.0, 1.0)
    for case, (weight, begin, end) in CASES.items():
        final = run(start.clone(), weight, begin, end)
        nudged = run(start * (1 + 1e-6), weight, begin, end)
        print(f"  {name} {case}: changes {rel(final, plain):.2f}; a nudge of 1e-6 grows to {rel(nudged, final):.1e}")
        out[f"{name}.{case}"] = final
    out[f"{name}.none"] = plain


# ------------------------------------------------------------------------------------------ original layout


def control_shapes(shape):
    """ControlNet of cldm.py: the way down and the middle of a UNetModel, and what is its own."""
    own = ("time_embed.", "label_emb.", "input_blocks.", "middle_block.")
    s = Shapes({k: v for k, v in unet_shapes(**shape).items() if k.startswith(own)})
    channels = shape["channels"]
    width, n = channels[0], 0
    hints = [16, 16, 32, 32, 96, 96, 256]
    for i, (inputs, outputs) in enumerate(zip([3, *hints], [*hints, width])):
        s.layer(f"input_hint_block.{2 * i}", outputs, inputs, 3, 3)
    kept = [width]
    for level, outputs in enumerate(channels):
        kept += [outputs] * (2 + (level < len(channels) - 1))
    for n, width in enumerate(kept):
        s.layer(f"zero_convs.{n}.0", width, width, 1, 1)
    s.layer("middle_block_out.0", width, width, 1, 1)
    return s


def golden_original(out):
    names = {}
    g = generator(7400)
    for family, shape in (("sd1", SD1), ("sdxl", SDXL)):
        shapes = control_shapes(shape)
        names[family] = {f"control_model.{k}": v for k, v in shapes.items()}
        state = {k: values(k, v) for k, v in names[family].items()}
        depths, channels = shape["depths"], shape["channels"]
        config = dict(
            block_out_channels=channels,
            layers_per_block=2,
            cross_attention_dim=shape["words"],
            down_block_types=tuple("CrossAttnDownBlock2D" if d else "DownBlock2D" for d in depths),
            transformer_layers_per_block=[max(1, d) for d in depths],
            attention_head_dim=[max(1, c // 64) for c in channels] if shape["linear"] else 8,
            use_linear_projection=shape["linear"],
        )
        if label := shape.get("label"):
            config |= dict(addition_embed_type="text_time", addition_time_embed_dim=256)
            config |= dict(projection_class_embeddings_input_dim=label)
        net = ControlNetModel(**config).eval()
        converted = convert_controlnet_checkpoint(state, dict(net.config))
        if label:  # diffusers' table has SDXL's label_emb for UNets only
            for i, j in ((1, 0), (2, 2)):
                for kind in ("weight", "bias"):
                    converted[f"add_embedding.linear_{i}.{kind}"] = state[f"control_model.label_emb.0.{j}.{kind}"]
        net.load_state_dict(converted, strict=True)
        originals = {v.data_ptr(): k for k, v in state.items()}
        names[f"{family}.diffusers"] = {k: originals[v.data_ptr()] for k, v in converted.items()}
        latents = torch.randn(1, 4, 8, 12, generator=g)
        image = picture(64, 96, g)
        words = torch.randn(1, 77, shape["words"], generator=g)
        added = None
        if label:
            pooled = torch.randn(1, label - 6 * 256, generator=g)
            out[f"original.{family}.pooled"] = pooled
            added = {"text_embeds": pooled, "time_ids": sizes(64, 96)}
        down, middle = net(latents, 501, words, image, 1.0, added_cond_kwargs=added, return_dict=False)
        key = f"original.{family}"
        out |= {f"{key}.latents": latents, f"{key}.control": image, f"{key}.words": words}
        out |= {f"{key}.first": down[0], f"{key}.last": down[-1], f"{key}.middle": middle}
    write_json(HERE / "control.json", names, indent=None)


# ---------------------------------------------------------------------------------------------------- edges

CANNY = dict(size=5, sigma=1.4, low=50, high=100)


def golden_edges(out):
    """Canny's edges as OpenCV finds them, with the norm of the gradient in L2."""
    g = generator(7500)
    grey = picture(96, 120, g)[0].mean(0).numpy() * 255
    y, x = np.mgrid[0:96, 0:120].astype(np.float32)
    grey[(x - 40) ** 2 + (y - 50) ** 2 < 900] = 220
    grey[np.abs(x - 90 + 0.3 * y) < 6] = 30
    grey = np.rint(0.35 * grey + 80 * np.exp(-((x - 80) ** 2 + (y - 20) ** 2) / 800) + 20).astype(np.uint8)
    blurred = cv2.GaussianBlur(grey.astype(np.float32), (CANNY["size"],) * 2, CANNY["sigma"], borderType=cv2.BORDER_REPLICATE)
    edges = cv2.Canny(np.rint(blurred).astype(np.uint8), CANNY["low"], CANNY["high"], L2gradient=True)
    print(f"  {(edges > 0).mean():.1%} of the picture are edges")
    out |= {"edges.grey": torch.from_numpy(grey).float(), "edges.found": torch.from_numpy(edges).float()}


def main():
    torch.set_grad_enabled(False)
    calls, pictures = {}, {}
    c = Checkpoint("eps")
    net = make(
        "eps",
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        attention_head_dim=4,
        cross_attention_dim=24,
    )
    golden_calls("eps", net, c.unet, c.embed(PROMPTS), None, calls)
    pipe = StableDiffusionControlNetPipeline.from_pretrained(HERE / "eps", controlnet=net, torch_dtype=torch.float32)
    pipe.scheduler = DDIMScheduler.from_config(c.scheduler_config)
    golden_pictures("eps", pipe, pictures)

    plain = pipeline()
    net = make(
        "sdxl",
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        block_out_channels=(8, 16, 16),
        layers_per_block=2,
        transformer_layers_per_block=[1, 1, 2],
        attention_head_dim=[1, 2, 4],
        cross_attention_dim=16 + 24,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=20 + 6 * 8,
    )
    embeds, pooled = (torch.cat(part) for part in zip(*(encode(plain, prompt) for prompt in PROMPTS)))
    golden_calls("sdxl", net, plain.unet, embeds, pooled, calls)
    pipe = StableDiffusionXLControlNetPipeline(
        **{k: v for k, v in plain.components.items() if k not in ("image_encoder", "feature_extractor")},
        controlnet=net,
        add_watermarker=False,
    )
    golden_pictures("sdxl", pipe, pictures)
    write_tensors(HERE / "control_calls.safetensors", calls, {"prompts": PROMPTS, "weight": 0.7})
    write_tensors(HERE / "control_pictures.safetensors", pictures, PICTURE | {"cases": CASES})

    originals = {}
    golden_original(originals)
    golden_edges(originals)
    write_tensors(HERE / "control_originals.safetensors", originals, CANNY)
    print(json.dumps({str(f.relative_to(HERE)): f.stat().st_size for f in sorted(ROOT.rglob("*.safetensors"))}))


if __name__ == "__main__":
    main()
