"""From nothing to a checkpoint folder with one command; stop it at any moment and run it again to go on.

    python train.py RUN --pictures 60000 --vae-minutes 40 --unet-minutes 120

RUN is a folder outside the repository (about 50 MB for every 1000 pictures).  Every stage looks at what RUN already
holds and does only what is missing, so the same command also extends a finished run: more pictures, more minutes.
"""
import argparse
import os
import subprocess
import sys

import torch

EMPHASIS = "large=4,portrait=0.8,plain=0.5,cut=0.8,material=2,window=0.6,scene=0.4"     # what to take more or less often; see unet.py
HERE = os.path.dirname(os.path.abspath(__file__))


def stage(script, *arguments):
    print("==", script, *arguments, flush=True)
    subprocess.run([sys.executable, os.path.join(HERE, script), *map(str, arguments)], check=True)


def minutes(file):
    """Minutes already spent on the state in `file`."""
    return torch.load(file, map_location="cpu", weights_only=False)["minutes"] if os.path.exists(file) else 0.0


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--pictures", type=int, default=60000)
    ap.add_argument("--vae-minutes", type=float, default=40)
    ap.add_argument("--text-minutes", type=float, default=3)
    ap.add_argument("--unet-minutes", type=float, default=120)
    ap.add_argument("--workers", type=int, default=os.cpu_count())
    a = ap.parse_args()
    os.makedirs(a.run, exist_ok=True)
    stage("data.py", "draw", a.run, "--count", a.pictures, "--processes", a.workers)
    if not os.path.exists(f"{a.run}/latents/scale.json"):  # once latents exist, the encoder must stay as it is
        left = a.vae_minutes - minutes(f"{a.run}/vae.pt")
        if left > 0.5:
            stage("vae.py", a.run, "--minutes", left, "--workers", a.workers)
    stage("data.py", "encode", a.run, "--processes", a.workers)
    if not os.path.exists(f"{a.run}/text.pt"):
        stage("text.py", a.run, "--minutes", a.text_minutes)
    left = a.unet_minutes - minutes(f"{a.run}/unet.pt")
    if left > 0.5:
        stage("unet.py", a.run, "--minutes", left, "--workers", a.workers, "--emphasis", EMPHASIS)
    stage("export.py", a.run, "--check")
    stage("sample.py", f"{a.run}/export", "--words", f"{a.run}/words.png", "--layouts", f"{a.run}/layouts.png")


if __name__ == "__main__":
    main()
