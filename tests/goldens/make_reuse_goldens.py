#!/usr/bin/env python3
"""What diffusers' UNet gives when the deep features of one step are used at the next (DeepCache).

    python make_reuse_goldens.py

Two hooks stand for it: what goes into the last resnet of the way up has the deep features in its first channels, which are written down
at one timestep and put in their places at another. All else is the whole UNet. Writes `reuse.safetensors`; README.md names every tensor.
"""

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from make_goldens import HERE, Checkpoint, generator, rel, write_tensors
from make_sdxl_goldens import encode, pipeline, sizes

PROMPTS = ["a red fox in the snow", "a city street at night, ugly"]
STEPS = (901, 701)
WEIGHT = 0.7


class Deep:
    """The deep features of a UNet: `kept` after a call, put in place of its own where `used`."""

    def __init__(self, unet):
        self.kept, self.used = None, False
        self.width = unet.up_blocks[-1].resnets[-2].out_channels
        unet.up_blocks[-1].resnets[-1].register_forward_pre_hook(self.hook)

    def hook(self, _, args):
        x, *rest = args
        if self.used:
            return (torch.cat([self.kept, x[:, self.width :]], 1), *rest)
        self.kept = x[:, : self.width].clone()


def golden(family, unet, net, embeds, pooled, out):
    deep, g = Deep(unet), generator(8100)
    before = torch.randn(2, 4, 8, 12, generator=g)
    after = 0.8 * before + 0.6 * torch.randn(2, 4, 8, 12, generator=g)
    image = (255 * torch.rand(1, 3, 64, 96, generator=g)).round() / 255
    added = None
    if pooled is not None:
        added = {"text_embeds": pooled, "time_ids": sizes(64, 96).repeat(2, 1)}
    common = dict(encoder_hidden_states=embeds, added_cond_kwargs=added)

    def predict(latents, step, controlled):
        if not controlled:
            return unet(latents, step, **common).sample
        down, middle = net(latents, step, controlnet_cond=image.repeat(2, 1, 1, 1), conditioning_scale=WEIGHT, return_dict=False, **common)
        return unet(latents, step, **common, down_block_additional_residuals=down, mid_block_additional_residual=middle).sample

    out |= {f"{family}.before": before, f"{family}.after": after, f"{family}.control": image}
    for name, controlled in (("plain", False), ("controlled", True)):
        deep.used = False
        whole = predict(after, STEPS[1], controlled)
        predict(before, STEPS[0], controlled)
        deep.used = True
        shallow = predict(after, STEPS[1], controlled)
        print(f"  {family} {name}: {rel(shallow, whole):.2f} from the whole")
        out |= {f"{family}.{name}.whole": whole, f"{family}.{name}.shallow": shallow}


@torch.no_grad()
def main():
    out = {}
    net = lambda name: ControlNetModel.from_pretrained(HERE / "control" / name, torch_dtype=torch.float32).eval()
    c = Checkpoint("eps")
    unet = UNet2DConditionModel.from_pretrained(HERE / "eps" / "unet", torch_dtype=torch.float32).eval()
    golden("eps", unet, net("eps"), c.embed(PROMPTS), None, out)
    pipe = pipeline()
    embeds, pooled = (torch.cat(part) for part in zip(*(encode(pipe, prompt) for prompt in PROMPTS)))
    golden("sdxl", pipe.unet, net("sdxl"), embeds, pooled, out)
    write_tensors(HERE / "reuse.safetensors", out, {"prompts": PROMPTS, "weight": WEIGHT, "steps": STEPS})


if __name__ == "__main__":
    main()
