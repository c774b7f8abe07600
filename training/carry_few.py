"""Gives a checkpoint that was trained on the few-step version of the one it was trained from, without a new distillation.

    python carry_few.py NEW OLD       writes NEW/few_steps

What the distillation changed in OLD's UNet is added to NEW's: the acceleration vector of LCM-LoRA (Luo et al. 2023,
arXiv:2311.05556), which goes with other weights of the same family, only as whole weights.  `few_steps.py` on NEW itself is
better where there is time for it.
"""
import argparse
import os
import shutil

from safetensors.torch import load_file, save_file

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def carry(new, old):
    now, before, few = (load_file(f"{folder}/{WEIGHTS}") for folder in (new, old, f"{old}/few_steps"))
    moved = {k: (now[k].float() + few[k].float() - before[k].float()).half().contiguous() for k in now}
    shutil.copytree(f"{old}/few_steps", f"{new}/few_steps", dirs_exist_ok=True)
    file = f"{new}/few_steps/{WEIGHTS}"
    save_file(moved, file + ".tmp", metadata={"format": "pt"})
    os.chmod(file + ".tmp", 0o644)
    os.replace(file + ".tmp", file)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("new", help="an exported checkpoint")
    ap.add_argument("old", help="the one it was trained from, with its few_steps")
    a = ap.parse_args()
    carry(a.new, a.old)


if __name__ == "__main__":
    main()
