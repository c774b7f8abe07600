"""Gives a checkpoint that was trained on the few-step version of the one it was trained from, without a new distillation.

    python carry_few.py NEW OLD       writes NEW/few_steps

What the distillation changed in OLD's UNet is added to NEW's: the acceleration vector of LCM-LoRA (Luo et al. 2023,
arXiv:2311.05556), which goes with other weights of the same family, only as whole weights.  `few_steps.py` on NEW itself is
better where there is time for it.
"""
import argparse
import shutil

from safetensors.torch import load_file

from export import write_weights

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def carry(new, old):
    now, before, few = (load_file(f"{folder}/{WEIGHTS}") for folder in (new, old, f"{old}/few_steps"))
    shutil.copytree(f"{old}/few_steps", f"{new}/few_steps", dirs_exist_ok=True)
    write_weights(f"{new}/few_steps/{WEIGHTS}", {k: now[k].float() + few[k].float() - before[k].float() for k in now})


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("new", help="an exported checkpoint")
    ap.add_argument("old", help="the one it was trained from, with its few_steps")
    a = ap.parse_args()
    carry(a.new, a.old)


if __name__ == "__main__":
    main()
