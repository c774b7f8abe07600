"""Goes on from an exported checkpoint where the run that made it is gone: writes the states of the finished stages into RUN.

    python adopt.py RUN ../assets/embedded       RUN/vae.pt, scale.json, tokenizer/, text.pt

The autoencoder, the scale of the latents and the words are taken as they are, so the UNet in the same folder
(`unet.py RUN --from FOLDER`) finds the latents it knows.  What only a training state holds - the optimisers' momenta, the
layer that names things - begins anew.
"""
import argparse
import json
import os
import shutil

from safetensors.torch import load_file

from common import save_atomic, write_json
from text import load_tokenizer, make_text, take_words
from vae import make_vae, taken_over


def adopt(run, folder):
    os.makedirs(run, exist_ok=True)
    with open(f"{folder}/vae/config.json") as f:
        factor = json.load(f)["scaling_factor"]
    weights = {k: v.float() for k, v in load_file(f"{folder}/vae/diffusion_pytorch_model.safetensors").items()}
    make_vae().load_state_dict(weights)                    # fails here, not an hour later
    save_atomic(taken_over(weights, factor), f"{run}/vae.pt")
    write_json({"scaling_factor": factor}, f"{run}/scale.json")
    shutil.copytree(f"{folder}/tokenizer", f"{run}/tokenizer", dirs_exist_ok=True)
    tokenizer = load_tokenizer(run)
    text = make_text(tokenizer)
    take_words(folder, text, tokenizer)
    save_atomic(text.state_dict(), f"{run}/text.pt")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("folder", help="an exported checkpoint")
    a = ap.parse_args()
    adopt(a.run, a.folder)


if __name__ == "__main__":
    main()
