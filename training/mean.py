"""The mean of the weights of checkpoints that were trained on from the same one (model soups, Wortsman et al. 2022, arXiv:2203.05482).

    python mean.py OUT FOLDER FOLDER ...       OUT: a copy of the first FOLDER with UNet and text encoder averaged

Few-step versions are left out: they belong to one UNet (see carry_few.py).
"""
import argparse
import shutil

from safetensors.torch import load_file

from export import write_weights

AVERAGED = ["unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"]


def mean(out, folders):
    shutil.copytree(folders[0], out, ignore=shutil.ignore_patterns("few_steps"))
    for name in AVERAGED:
        weights = [load_file(f"{folder}/{name}") for folder in folders]
        write_weights(f"{out}/{name}", {k: sum(w[k].float() for w in weights) / len(weights) for k in weights[0]})


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("out", help="must not exist yet")
    ap.add_argument("folders", nargs="+", help="exported checkpoints")
    a = ap.parse_args()
    mean(a.out, a.folders)


if __name__ == "__main__":
    main()
